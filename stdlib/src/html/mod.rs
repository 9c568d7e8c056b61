//! Natives of package html.

mod entities;

use entities::ENTITIES;
use vm::border::{Bytes, GoStr};

/// What HTML takes the numbers from 0x80 to 0x9F for: those of Windows-1252.
const WINDOWS_1252: [u16; 32] = [
    0x20AC, 0x81, 0x201A, 0x192, 0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160, 0x2039,
    0x152, 0x8D, 0x17D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x2DC,
    0x2122, 0x161, 0x203A, 0x153, 0x9D, 0x17E, 0x178,
];

/// No name that may stand without semicolon is longer.
const LONGEST_OPEN_NAME: usize = 6;

/// The text of a name; those that need a semicolon have it in the table.
fn named(name: &[u8]) -> Option<&'static str> {
    ENTITIES
        .binary_search_by(|(known, _)| known.as_bytes().cmp(name))
        .ok()
        .map(|place| ENTITIES[place].1)
}

/// The character of a number, which wraps around as a rune of Go.
fn numbered(number: i32) -> char {
    match number {
        0 => char::REPLACEMENT_CHARACTER,
        0x80..=0x9F => {
            let code = u32::from(WINDOWS_1252[(number - 0x80) as usize]);
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        _ => u32::try_from(number)
            .ok()
            .and_then(char::from_u32)
            .unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

/// What a reference by number (`text` begins with `&#`) stands for, and its length.
///
/// GO: one digit needs its semicolon; of a hexadecimal number, `&#x;` is one.
fn number(text: &[u8]) -> Option<(char, usize)> {
    if text.len() <= 3 {
        return None;
    }
    let (radix, start) = match text[2] {
        b'x' | b'X' => (16, 3),
        _ => (10, 2),
    };
    let mut number = 0_i32;
    let mut end = start;
    while let Some(digit) = text
        .get(end)
        .and_then(|byte| char::from(*byte).to_digit(radix))
    {
        number = number.wrapping_mul(radix as i32).wrapping_add(digit as i32);
        end += 1;
    }
    if text.get(end) == Some(&b';') {
        end += 1;
    }
    (end > 3).then(|| (numbered(number), end))
}

/// What a reference by name stands for, and its length.
fn name(text: &[u8]) -> Option<(&'static str, usize)> {
    let letters = text[1..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let mut end = 1 + letters;
    if text.get(end) == Some(&b';') {
        end += 1;
    }
    if end == 1 {
        return None;
    }
    if let Some(found) = named(&text[1..end]) {
        return Some((found, end));
    }
    let longest = (end - 2).min(LONGEST_OPEN_NAME);
    (2..=longest)
        .rev()
        .find_map(|length| Some((named(&text[1..=length])?, length + 1)))
}

fn unescape(text: GoStr<'_>) -> Bytes {
    let mut rest: &[u8] = &text;
    let mut out = Vec::with_capacity(rest.len());
    let mut pace = vm::native::Pace::default();
    while let Some(start) = memchr::memchr(b'&', rest) {
        if pace.is_over_after(start + 32) {
            break;
        }
        out.extend_from_slice(&rest[..start]);
        rest = &rest[start..];
        let length = if rest.get(1) == Some(&b'#') {
            number(rest).map(|(character, length)| {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                length
            })
        } else {
            name(rest).map(|(characters, length)| {
                out.extend_from_slice(characters.as_bytes());
                length
            })
        };
        let length = length.unwrap_or_else(|| {
            out.push(b'&');
            1
        });
        rest = &rest[length..];
    }
    out.extend_from_slice(rest);
    Bytes(out)
}

vm::natives! {
    pure "UnescapeString" => unescape;
}
