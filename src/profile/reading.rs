//! The file format of profiles: a protocol buffer, mostly gzipped.
//!
//! GO: github.com/google/pprof/proto/profile.proto

use std::collections::HashMap;

/// A place in a program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Frame {
    pub function: String,
    pub file: String,
    pub line: i64,
}

/// A stack, and what was measured there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Indices of [`Profile::frames`], the innermost first.
    pub stack: Vec<usize>,
    /// A value for each of [`Profile::types`].
    pub values: Vec<i64>,
}

/// A profile that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// What is measured, and in which unit.
    pub types: Vec<(String, String)>,
    /// The name of the type that is to be shown first; empty: it is the last.
    pub shown: String,
    pub frames: Vec<Frame>,
    pub samples: Vec<Sample>,
}

/// Reads a profile. `None`: the bytes are none.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Profile> {
    let inflated;
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        inflated = stdlib::compress::flate::gunzip(bytes)?;
        &inflated
    } else {
        bytes
    };
    let mut raw = Raw::default();
    for field in Fields(bytes) {
        raw.add(field?)?;
    }
    raw.resolve()
}

/// Fields of a message as they stand.
#[derive(Default)]
struct Raw {
    types: Vec<(u64, u64)>,
    shown: u64,
    samples: Vec<(Vec<u64>, Vec<i64>)>,
    /// Of a location's number: functions' numbers with lines, the innermost (inlined) first.
    locations: HashMap<u64, Vec<(u64, i64)>>,
    /// Of a function's number: name and file.
    functions: HashMap<u64, (u64, u64)>,
    strings: Vec<String>,
}

impl Raw {
    fn add(&mut self, (number, value): (u64, Value<'_>)) -> Option<()> {
        match number {
            1 => {
                let fields = numbers(value.bytes()?)?;
                self.types.push((fields.one(1), fields.one(2)));
            }
            2 => {
                let fields = numbers(value.bytes()?)?;
                let values = fields.all(2).map(u64::cast_signed).collect();
                self.samples.push((fields.all(1).collect(), values));
            }
            4 => {
                let mut id = 0;
                let mut lines = Vec::new();
                for field in Fields(value.bytes()?) {
                    match field? {
                        (1, Value::Number(number)) => id = number,
                        (4, Value::Bytes(line)) => {
                            let fields = numbers(line)?;
                            lines.push((fields.one(1), fields.one(2).cast_signed()));
                        }
                        _ => {}
                    }
                }
                self.locations.insert(id, lines);
            }
            5 => {
                let fields = numbers(value.bytes()?)?;
                self.functions
                    .insert(fields.one(1), (fields.one(2), fields.one(4)));
            }
            6 => self
                .strings
                .push(String::from_utf8_lossy(value.bytes()?).into_owned()),
            14 => {
                if let Value::Number(number) = value {
                    self.shown = number;
                }
            }
            _ => {}
        }
        Some(())
    }

    fn text(&self, number: u64) -> Option<String> {
        self.strings.get(usize::try_from(number).ok()?).cloned()
    }

    fn resolve(self) -> Option<Profile> {
        let mut profile = Profile {
            shown: self.text(self.shown)?,
            ..Profile::default()
        };
        for &(name, unit) in &self.types {
            profile.types.push((self.text(name)?, self.text(unit)?));
        }
        if profile.types.is_empty() {
            return None;
        }
        let mut known: HashMap<Frame, usize> = HashMap::new();
        for (locations, values) in &self.samples {
            let mut stack = Vec::new();
            for location in locations {
                for &(function, line) in self.locations.get(location)? {
                    let (name, file) = *self.functions.get(&function)?;
                    let frame = Frame {
                        function: self.text(name)?,
                        file: self.text(file)?,
                        line,
                    };
                    let number = *known.entry(frame).or_insert_with_key(|frame| {
                        profile.frames.push(frame.clone());
                        profile.frames.len() - 1
                    });
                    stack.push(number);
                }
            }
            profile.samples.push(Sample {
                stack,
                values: values.clone(),
            });
        }
        Some(profile)
    }
}

/// A field's value.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

impl<'a> Value<'a> {
    fn bytes(&self) -> Option<&'a [u8]> {
        match self {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// The fields of a message; `None` where it is broken.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(count).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Number(self.varint()?),
            1 => self.take(8).map(|_| Value::Other)?,
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Other)?,
            _ => return None,
        };
        Some((key >> 3, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

/// A message's numbers, packed or not.
struct Numbers(Vec<(u64, u64)>);

impl Numbers {
    fn one(&self, field: u64) -> u64 {
        self.all(field).last().unwrap_or(0)
    }

    fn all(&self, field: u64) -> impl Iterator<Item = u64> {
        let of_field = move |&(number, value): &(u64, u64)| (number == field).then_some(value);
        self.0.iter().filter_map(of_field)
    }
}

/// The numbers of a message whose other fields (labels) are not looked at.
fn numbers(bytes: &[u8]) -> Option<Numbers> {
    let mut found = Vec::new();
    for field in Fields(bytes) {
        match field? {
            (number, Value::Number(value)) => found.push((number, value)),
            (number @ (1 | 2), Value::Bytes(packed)) => {
                let mut packed = Fields(packed);
                while !packed.0.is_empty() {
                    found.push((number, packed.varint()?));
                }
            }
            _ => {}
        }
    }
    Some(Numbers(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_broken_is_no_profile() {
        assert_eq!(read(b""), None);
        assert_eq!(read(b"package main"), None);
        assert_eq!(read(&[0x1f, 0x8b, 8, 0, 1]), None);
        // A string's length beyond the end.
        assert_eq!(read(&[0x32, 0xff, 0xff, 0xff, 0x0f]), None);
    }

    #[test]
    fn a_profile_by_hand() {
        let mut bytes = Vec::new();
        let mut put = |field: u8, inner: &[u8]| {
            bytes.extend_from_slice(&[field << 3 | 2, u8::try_from(inner.len()).unwrap()]);
            bytes.extend_from_slice(inner);
        };
        put(1, &[1 << 3, 1, 2 << 3, 2]);
        put(2, &[1 << 3 | 2, 1, 7, 2 << 3 | 2, 2, 0xac, 2]);
        put(4, &[1 << 3, 7, 4 << 3 | 2, 4, 1 << 3, 9, 2 << 3, 33]);
        put(5, &[1 << 3, 9, 2 << 3, 3, 4 << 3, 4]);
        for text in ["", "cpu", "nanoseconds", "main.f", "f.go"] {
            put(6, text.as_bytes());
        }
        let profile = read(&bytes).expect("a profile");
        assert_eq!(profile.types, [("cpu".into(), "nanoseconds".into())]);
        let frame = &profile.frames[0];
        assert_eq!((frame.function.as_str(), frame.line), ("main.f", 33));
        assert_eq!(profile.samples[0].values, [300]);
        assert_eq!(profile.samples[0].stack, [0]);
    }
}
