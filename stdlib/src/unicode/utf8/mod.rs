//! Package unicode/utf8. UTF-8 by Go's rules: every byte that is not part of a valid encoding is U+FFFD of width 1.
//!
//! GO: unicode/utf8.

use vm::border::{GoSlice, GoStr};
use vm::natives;

/// U+FFFD, what invalid text decodes to.
pub const RUNE_ERROR: i32 = 0xFFFD;

/// The first character of `text` and its width; `(RUNE_ERROR, 0)` of nothing, `(RUNE_ERROR, 1)` of invalid bytes.
#[inline]
pub fn decode(text: &[u8]) -> (i32, usize) {
    match text {
        [] => (RUNE_ERROR, 0),
        [b, ..] if *b < 0x80 => (i32::from(*b), 1),
        _ => decode_long(text),
    }
}

fn decode_long(text: &[u8]) -> (i32, usize) {
    let (low, high, width) = match text[0] {
        0xC2..=0xDF => (0x80, 0xBF, 2),
        0xE0 => (0xA0, 0xBF, 3),
        0xE1..=0xEC | 0xEE..=0xEF => (0x80, 0xBF, 3),
        0xED => (0x80, 0x9F, 3),
        0xF0 => (0x90, 0xBF, 4),
        0xF1..=0xF3 => (0x80, 0xBF, 4),
        0xF4 => (0x80, 0x8F, 4),
        _ => return (RUNE_ERROR, 1),
    };
    if text.len() < width || !(low..=high).contains(&text[1]) {
        return (RUNE_ERROR, 1);
    }
    let mut rune = i32::from(text[0]) & (0x7F >> width);
    for (i, &b) in text[1..width].iter().enumerate() {
        if i > 0 && b & 0xC0 != 0x80 {
            return (RUNE_ERROR, 1);
        }
        rune = rune << 6 | i32::from(b & 0x3F);
    }
    (rune, width)
}

/// The last character of `text` and its width, as [`decode`].
pub fn decode_last(text: &[u8]) -> (i32, usize) {
    let end = text.len();
    for start in (end.saturating_sub(4)..end).rev() {
        if text[start] & 0xC0 != 0x80 {
            let (rune, width) = decode(&text[start..]);
            return if start + width == end {
                (rune, width)
            } else {
                (RUNE_ERROR, 1)
            };
        }
    }
    (RUNE_ERROR, usize::from(end > 0))
}

/// Whether the text starts with a whole character, a wrong one included (nothing more would change how it decodes).
pub fn is_full(text: &[u8]) -> bool {
    let (low, high, width) = match text.first() {
        None => return false,
        Some(0xC2..=0xDF) => (0x80, 0xBF, 2),
        Some(0xE0) => (0xA0, 0xBF, 3),
        Some(0xED) => (0x80, 0x9F, 3),
        Some(0xE1..=0xEF) => (0x80, 0xBF, 3),
        Some(0xF0) => (0x90, 0xBF, 4),
        Some(0xF4) => (0x80, 0x8F, 4),
        Some(0xF1..=0xF3) => (0x80, 0xBF, 4),
        Some(_) => return true,
    };
    if text.len() >= width {
        return true;
    }
    text.len() > 1 && !(low..=high).contains(&text[1]) || text.len() > 2 && text[2] & 0xC0 != 0x80
}

/// Whether a character can be encoded: in range and not half of a surrogate pair.
pub fn is_valid_rune(rune: i32) -> bool {
    (0..0xD800).contains(&rune) || (0xE000..=0x10_FFFF).contains(&rune)
}

/// Bytes that a character takes, -1 if it cannot be encoded.
pub fn rune_len(rune: i32) -> i64 {
    match rune {
        0..0x80 => 1,
        0x80..0x800 => 2,
        0xD800..=0xDFFF => -1,
        0x800..0x10000 => 3,
        0x10000..=0x10_FFFF => 4,
        _ => -1,
    }
}

/// The encoding of a character (of U+FFFD for an invalid one) and its width.
pub fn encode(rune: i32) -> ([u8; 4], usize) {
    let c = u32::try_from(rune)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or('\u{FFFD}');
    let mut buffer = [0; 4];
    let width = c.encode_utf8(&mut buffer).len();
    (buffer, width)
}

/// Appends the encoding of a character (of U+FFFD for an invalid one).
pub fn append_rune(out: &mut Vec<u8>, rune: i32) {
    let (bytes, width) = encode(rune);
    out.extend_from_slice(&bytes[..width]);
}

/// Number of characters, each invalid byte counted as one.
pub fn rune_count(text: &[u8]) -> usize {
    // PERF: in valid text every byte that does not continue a character begins one.
    if is_valid(text) {
        let windows = crate::strings::search::in_windows(text);
        return windows
            .map(|window| window.iter().filter(|&&b| b & 0xC0 != 0x80).count())
            .sum();
    }
    let (mut count, mut at, mut pace) = (0, 0, vm::native::Pace::default());
    while at < text.len() && !pace.is_over_after(4) {
        at += decode(&text[at..]).1;
        count += 1;
    }
    count
}

/// Whether the text is UTF-8; or nobody wants to know any more.
pub fn is_valid(mut text: &[u8]) -> bool {
    const WINDOW: usize = 16 * vm::native::STRETCH;
    while text.len() > WINDOW {
        let (window, rest) = text.split_at(WINDOW);
        match std::str::from_utf8(window) {
            Ok(_) => text = rest,
            // The last character goes on behind the window.
            Err(error) if error.error_len().is_none() => text = &text[error.valid_up_to()..],
            Err(_) => return false,
        }
        if vm::native::is_abandoned() {
            return false;
        }
    }
    std::str::from_utf8(text).is_ok()
}

/// The first bytes of a slice, enough for a character.
fn head(bytes: GoSlice<'_, u8>) -> ([u8; 4], usize) {
    let (mut buffer, length) = ([0; 4], bytes.len().min(4));
    for (index, place) in buffer[..length].iter_mut().enumerate() {
        *place = bytes.get(index);
    }
    (buffer, length)
}

fn decode_rune(bytes: GoSlice<'_, u8>) -> (i32, i64) {
    let (buffer, length) = head(bytes);
    let (rune, width) = decode(&buffer[..length]);
    (rune, width as i64)
}

fn decode_in_string(text: GoStr<'_>) -> (i32, i64) {
    let (rune, width) = decode(&text);
    (rune, width as i64)
}

fn decode_last_rune(bytes: GoSlice<'_, u8>) -> (i32, i64) {
    let length = bytes.len();
    let tail = bytes.slice(length.saturating_sub(4)..length).to_vec();
    let (rune, width) = decode_last(&tail);
    (rune, width as i64)
}

fn decode_last_in_string(text: GoStr<'_>) -> (i32, i64) {
    let (rune, width) = decode_last(&text);
    (rune, width as i64)
}

fn full_rune(bytes: GoSlice<'_, u8>) -> bool {
    let (buffer, length) = head(bytes);
    is_full(&buffer[..length])
}

fn full_rune_in_string(text: GoStr<'_>) -> bool {
    is_full(&text)
}

fn count(bytes: GoSlice<'_, u8>) -> i64 {
    rune_count(&bytes.to_vec()) as i64
}

fn count_in_string(text: GoStr<'_>) -> i64 {
    rune_count(&text) as i64
}

fn valid(bytes: GoSlice<'_, u8>) -> bool {
    is_valid(&bytes.to_vec())
}

fn valid_string(text: GoStr<'_>) -> bool {
    is_valid(&text)
}

natives! {
    pure "DecodeRune" => decode_rune;
    pure "DecodeRuneInString" => decode_in_string;
    pure "DecodeLastRune" => decode_last_rune;
    pure "DecodeLastRuneInString" => decode_last_in_string;
    pure "FullRune" => full_rune;
    pure "FullRuneInString" => full_rune_in_string;
    pure "RuneLen" => rune_len;
    pure "RuneCount" => count;
    pure "RuneCountInString" => count_in_string;
    pure "Valid" => valid;
    pure "ValidString" => valid_string;
    pure "ValidRune" => is_valid_rune;
}
