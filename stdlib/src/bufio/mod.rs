//! Natives of package bufio.

use vm::border::GoSlice;
use vm::natives;

use crate::unicode::tables::is_space;
use crate::unicode::utf8::decode;

fn find(bytes: GoSlice<'_, u8>, wanted: u8) -> i64 {
    // By pieces: the slice cannot be looked at in place, since others may change it.
    const PIECE: usize = 512;
    let length = bytes.len();
    for start in (0..length).step_by(PIECE) {
        let piece = bytes.slice(start..length.min(start + PIECE)).to_vec();
        if let Some(at) = memchr::memchr(wanted, &piece) {
            return (start + at) as i64;
        }
    }
    -1
}

/// The first word: where it begins and ends, and how many bytes to go on by, the white space behind it included; 0 if its
/// end is not there yet.
fn word(bytes: GoSlice<'_, u8>) -> (i64, i64, i64) {
    let length = bytes.len();
    let at_place = |at: usize| {
        let first = bytes.get(at);
        if first < 0x80 {
            return (i32::from(first), 1);
        }
        let mut buffer = [0; 4];
        let count = (length - at).min(4);
        for (index, place) in buffer[..count].iter_mut().enumerate() {
            *place = bytes.get(at + index);
        }
        decode(&buffer[..count])
    };
    let mut start = 0;
    while start < length {
        let (rune, width) = at_place(start);
        if !is_space(rune) {
            break;
        }
        start += width;
    }
    let mut at = start;
    while at < length {
        let (rune, width) = at_place(at);
        if is_space(rune) {
            return (start as i64, at as i64, (at + width) as i64);
        }
        at += width;
    }
    (start as i64, length as i64, 0)
}

natives! {
    pure "find" => find;
    pure "word" => word;
}
