//! How the parts of a program that have a form of their own are written: code and texts as plain bytes, places in sources as steps from
//! the one before.

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserializer, Serializer};
use std::fmt;

/// Bytes that are borrowed from the image while it is read.
struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = &'de [u8];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<&'de [u8], E> {
        Ok(bytes)
    }
}

/// [`Bytes`] as an element of a sequence.
struct Text(Vec<u8>);

impl<'de> serde::Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        Ok(Text(deserializer.deserialize_bytes(Bytes)?.to_vec()))
    }
}

struct TextRef<'a>(&'a [u8]);

impl serde::Serialize for TextRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// Code: eight bytes a word, the lowest halfword first.
pub(crate) mod code {
    use super::*;
    use crate::operand::Word;

    pub(crate) fn serialize<S: Serializer>(
        words: &[Word],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let halfwords = words.iter().flat_map(|word| word.0);
        let bytes: Vec<u8> = halfwords.flat_map(u16::to_le_bytes).collect();
        serializer.serialize_bytes(&bytes)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Word>, D::Error> {
        let (words, rest) = deserializer.deserialize_bytes(Bytes)?.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(D::Error::custom("half a word of code"));
        }
        let word =
            |b: &[u8; 8]| Word([0, 2, 4, 6].map(|at| u16::from_le_bytes([b[at], b[at + 1]])));
        Ok(words.iter().map(word).collect())
    }
}

/// Texts that need not be UTF-8.
pub(crate) mod texts {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        texts: &[Vec<u8>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(texts.iter().map(|text| TextRef(text)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Vec<u8>>, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Vec<Vec<u8>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("texts")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut texts = Vec::new();
                while let Some(Text(text)) = seq.next_element()? {
                    texts.push(text);
                }
                Ok(texts)
            }
        }
        deserializer.deserialize_seq(Texts)
    }
}

/// The table from code to places in sources.
pub(crate) mod line_table {
    use super::*;
    use diagnostics::{FileId, TextRange};

    /// Step in code, file, step in the file, length.
    type Row = (u32, u32, i64, u32);

    pub(crate) fn serialize<S: Serializer>(
        lines: &[(u32, TextRange)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let (mut offset, mut start) = (0u32, 0i64);
        let rows = lines.iter().map(|(at, range)| -> Row {
            let row = (
                at.wrapping_sub(offset),
                range.file.0,
                i64::from(range.start) - start,
                range.end.wrapping_sub(range.start),
            );
            (offset, start) = (*at, i64::from(range.start));
            row
        });
        let rows: Vec<Row> = rows.collect();
        serializer.collect_seq(rows)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(u32, TextRange)>, D::Error> {
        let rows: Vec<Row> = serde::Deserialize::deserialize(deserializer)?;
        let (mut offset, mut start) = (0u32, 0i64);
        let mut lines = Vec::with_capacity(rows.len());
        for (step, file, move_by, length) in rows {
            offset = offset.wrapping_add(step);
            start = start.wrapping_add(move_by);
            let Ok(from) = u32::try_from(start) else {
                return Err(D::Error::custom("a place before its file"));
            };
            let range = TextRange::new(FileId(file), from, from.wrapping_add(length));
            lines.push((offset, range));
        }
        Ok(lines)
    }
}

/// One place in the sources, or none.
pub(crate) mod place {
    use super::*;
    use diagnostics::{FileId, TextRange};
    use serde::{Deserialize, Serialize};

    pub(crate) fn serialize<S: Serializer>(
        place: &Option<TextRange>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let place = place.map(|range| (range.file.0, range.start, range.end));
        place.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<TextRange>, D::Error> {
        let place: Option<(u32, u32, u32)> = Deserialize::deserialize(deserializer)?;
        Ok(place.map(|(file, start, end)| TextRange::new(FileId(file), start, end)))
    }
}
