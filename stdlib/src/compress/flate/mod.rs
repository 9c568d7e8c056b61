//! Natives of package compress/flate: the format of RFC 1951, piece by piece.
//!
//! What is between two pieces lies in the script's heap (a slice of words, and the bytes that may be referred back to), so a stream that is
//! dropped needs nobody to close it. Neither side keeps more than a byte's rest of bits: whole bytes that were looked at and not needed
//! count as not read, so a reader takes nothing of what follows the stream.

mod deflate;
mod inflate;

use vm::border::{Bytes, GoSlice};
use vm::natives;

/// How far back a stream may refer.
const WINDOW: usize = 1 << 15;

/// Base and extra bits of the symbols for lengths, from 257 on.
const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// Base and extra bits of the symbols for distances.
const DISTANCES: [(u16, u8); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];

/// The order in which lengths of code lengths are sent.
const ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// The lengths of the fixed codes.
fn fixed_lengths() -> ([u8; 288], [u8; 32]) {
    let literals = std::array::from_fn(|symbol| match symbol {
        0..144 => 8,
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    });
    (literals, [5; 32])
}

/// Continues a stream: takes from `input`, and writes into `buffer` from `at` on, what lies before it being what was written last. Answers
/// how much was taken, where the output ends now, and 0 if it wants more (input or room), 1 at the end of the stream, 2 if it is corrupt.
fn inflate(
    state: GoSlice<'_, u32>,
    input: GoSlice<'_, u8>,
    buffer: GoSlice<'_, u8>,
    at: i64,
) -> (i64, i64, i64) {
    let (input, mut bytes) = (input.to_vec(), buffer.to_vec());
    let start = usize::try_from(at).unwrap_or(0).min(bytes.len());
    let mut inflater = inflate::Inflater::load(&state.to_vec());
    let (taken, end, outcome) = inflater.run(&input, &mut bytes, start);
    buffer.slice(start..end).copy_from(&bytes[start..end]);
    state.copy_from(&inflater.store());
    (taken as i64, end as i64, outcome as i64)
}

/// Compresses `data` from `start` on, what lies before it being what came before. `how` is 0 for more to come, 1 to end at a byte (with an
/// empty stored block), 2 for the end of the stream. `state` has the bits of an unfinished byte.
fn deflate(
    state: GoSlice<'_, u32>,
    data: GoSlice<'_, u8>,
    start: i64,
    level: i64,
    how: i64,
) -> Bytes {
    let data = data.to_vec();
    let start = usize::try_from(start).unwrap_or(0).min(data.len());
    let mut words = state.to_vec();
    words.resize(2, 0);
    let mut writer = deflate::BitWriter::resume(words[0], words[1]);
    deflate::compress(&mut writer, &data, start, level, how);
    let (out, bits, count) = writer.suspend();
    words[0] = bits;
    words[1] = count;
    if state.len() >= 2 {
        state.copy_from(&words[..2]);
    }
    Bytes(out)
}

/// What a gzip file holds: all of its members; `None` if it is no such file. It may be a thousand times as long.
#[must_use]
pub fn gunzip(file: &[u8]) -> Option<Vec<u8>> {
    let mut rest = file;
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (head, mut after) = rest.split_at_checked(10)?;
        if head[..3] != [0x1f, 0x8b, 8] {
            return None;
        }
        let flags = head[3];
        if flags & 4 != 0 {
            let (length, more) = after.split_first_chunk::<2>()?;
            after = more.get(usize::from(u16::from_le_bytes(*length))..)?;
        }
        // A name, a comment: each ends with a zero.
        for flag in [8, 16] {
            if flags & flag != 0 {
                let end = memchr::memchr(0, after)?;
                after = &after[end + 1..];
            }
        }
        if flags & 2 != 0 {
            after = after.get(2..)?;
        }
        let start = out.len();
        let mut stream = inflate::Inflater::load(&[]);
        let mut end = start;
        loop {
            if out.len() - end < WINDOW {
                let more = (out.len() / 2).max(2 * WINDOW);
                out.try_reserve(more).ok()?;
                out.resize(out.len() + more, 0);
            }
            let (taken, reached, outcome) = stream.run(after, &mut out, end);
            after = &after[taken..];
            match outcome {
                inflate::Outcome::End => {
                    end = reached;
                    break;
                }
                inflate::Outcome::WantsMore if reached > end => end = reached,
                _ => return None,
            }
        }
        out.truncate(end);
        let (trailer, more) = after.split_first_chunk::<8>()?;
        let [a, b, c, d, ..] = *trailer;
        if u32::from_le_bytes([a, b, c, d]) != checksum(&out[start..]) {
            return None;
        }
        rest = more;
    }
    (!file.is_empty()).then_some(out)
}

natives! {
    pure "inflate" => inflate;
    pure "deflate" => deflate;
}

/// `data` as a gzip file.
pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut writer = deflate::BitWriter::resume(0, 0);
    deflate::compress(&mut writer, data, 0, 6, 2);
    let (stream, ..) = writer.suspend();
    // Deflate, no flags, no time, no name, made on Unix.
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    file.extend_from_slice(&stream);
    file.extend_from_slice(&checksum(data).to_le_bytes());
    file.extend_from_slice(&(data.len() as u32).to_le_bytes());
    file
}

/// The cyclic redundancy check of IEEE 802.3.
fn checksum(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc: u32, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_files_are_read_back() {
        let text: Vec<u8> = (0..200_000u32)
            .flat_map(|n| (n / 7).to_le_bytes())
            .collect();
        let mut file = gzip(&text);
        assert_eq!(gunzip(&file).as_deref(), Some(&text[..]));
        file.extend_from_slice(&gzip(b"more"));
        assert_eq!(gunzip(&file).map(|all| all.len()), Some(text.len() + 4));
        let middle = file.len() / 2;
        file[middle] ^= 0x10;
        assert_eq!(gunzip(&file), None);
        assert_eq!(gunzip(&file[..100]), None);
        assert_eq!(gunzip(b""), None);
    }
}
