//! Go's quoted strings and characters.
//!
//! GO: strconv `Quote`, `Unquote`.

use crate::unicode::tables;
use crate::unicode::utf8::{RUNE_ERROR, append_rune, decode, is_valid_rune};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// What is escaped beside control characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Escape {
    /// Whatever is not printable.
    Unprintable,
    /// Whatever is not printable ASCII.
    NonAscii,
    /// Whatever is not a graphic character (other spaces than U+0020 stay).
    NonGraphic,
}

/// Appends `text` in `quote`s.
pub fn append_quoted(out: &mut Vec<u8>, text: &[u8], quote: u8, escape: Escape) {
    out.push(quote);
    let (mut at, mut pace) = (0, vm::native::Pace::default());
    while at < text.len() && !pace.is_over_after(8) {
        let (rune, width) = decode(&text[at..]);
        if width == 1 && rune == RUNE_ERROR {
            let b = text[at];
            out.extend_from_slice(&[
                b'\\',
                b'x',
                HEX[usize::from(b >> 4)],
                HEX[usize::from(b & 15)],
            ]);
        } else {
            append_escaped(out, rune, quote, escape);
        }
        at += width;
    }
    out.push(quote);
}

/// Appends a character in `quote`s; one that is none is shown as U+FFFD.
pub fn append_quoted_rune(out: &mut Vec<u8>, rune: i32, quote: u8, escape: Escape) {
    out.push(quote);
    append_escaped(
        out,
        if is_valid_rune(rune) {
            rune
        } else {
            RUNE_ERROR
        },
        quote,
        escape,
    );
    out.push(quote);
}

fn append_escaped(out: &mut Vec<u8>, rune: i32, quote: u8, escape: Escape) {
    if rune == i32::from(quote) || rune == i32::from(b'\\') {
        out.extend_from_slice(&[b'\\', rune as u8]);
        return;
    }
    let shown = match escape {
        Escape::NonAscii => (0x20..0x7F).contains(&rune),
        Escape::Unprintable => tables::is_print(rune),
        Escape::NonGraphic => tables::is_graphic(rune),
    };
    if shown {
        append_rune(out, rune);
        return;
    }
    let letter = match rune {
        7 => b'a',
        8 => b'b',
        12 => b'f',
        10 => b'n',
        13 => b'r',
        9 => b't',
        11 => b'v',
        _ => {
            let (letter, digits) = match rune {
                0..0x20 | 0x7F => (b'x', 2),
                _ if rune < 0x10000 => (b'u', 4),
                _ => (b'U', 8),
            };
            out.extend_from_slice(&[b'\\', letter]);
            for place in (0..digits).rev() {
                out.push(HEX[(rune >> (4 * place)) as usize & 15]);
            }
            return;
        }
    };
    out.extend_from_slice(&[b'\\', letter]);
}

/// Whether the text can stand unchanged in back quotes on one line.
pub fn can_backquote(text: &[u8]) -> bool {
    let (mut at, mut pace) = (0, vm::native::Pace::default());
    while at < text.len() && !pace.is_over_after(4) {
        let (rune, width) = decode(&text[at..]);
        at += width;
        let fine = match rune {
            0xFEFF => false,
            RUNE_ERROR => width > 1,
            9 => true,
            0..0x20 | 0x60 | 0x7F => false,
            _ => true,
        };
        if !fine {
            return false;
        }
    }
    true
}

/// One decoded character of a quoted text.
pub struct Unquoted {
    pub rune: i32,
    /// It is written as UTF-8 when larger than a byte's worth (not when it came from `\x` or octal).
    pub multibyte: bool,
    /// Bytes of the source used.
    pub width: usize,
}

/// Reads the first character of `text` as it stands between `quote`s (0: neither quote may be escaped, both may stand bare).
pub fn unquote_char(text: &[u8], quote: u8) -> Option<Unquoted> {
    let plain = |rune: u8, width| {
        Some(Unquoted {
            rune: i32::from(rune),
            multibyte: false,
            width,
        })
    };
    let first = *text.first()?;
    if first == quote && (quote == b'\'' || quote == b'"') {
        return None;
    }
    if first >= 0x80 {
        let (rune, width) = decode(text);
        return Some(Unquoted {
            rune,
            multibyte: true,
            width,
        });
    }
    if first != b'\\' {
        return plain(first, 1);
    }
    let letter = *text.get(1)?;
    let rest = &text[2..];
    match letter {
        b'a' => plain(7, 2),
        b'b' => plain(8, 2),
        b'f' => plain(12, 2),
        b'n' => plain(10, 2),
        b'r' => plain(13, 2),
        b't' => plain(9, 2),
        b'v' => plain(11, 2),
        b'\\' => plain(b'\\', 2),
        b'\'' | b'"' => (letter == quote).then_some(Unquoted {
            rune: i32::from(letter),
            multibyte: false,
            width: 2,
        }),
        b'x' | b'u' | b'U' => {
            let count = match letter {
                b'x' => 2,
                b'u' => 4,
                _ => 8,
            };
            let mut value = 0u32;
            for &b in rest.get(..count)? {
                value = value.wrapping_shl(4) | (b as char).to_digit(16)?;
            }
            let rune = value as i32;
            if letter == b'x' {
                return Some(Unquoted {
                    rune,
                    multibyte: false,
                    width: 4,
                });
            }
            is_valid_rune(rune).then_some(Unquoted {
                rune,
                multibyte: true,
                width: 2 + count,
            })
        }
        b'0'..=b'7' => {
            let mut value = i32::from(letter - b'0');
            for &b in rest.get(..2)? {
                value = value << 3 | (b as char).to_digit(8)? as i32;
            }
            (value <= 255).then_some(Unquoted {
                rune: value,
                multibyte: false,
                width: 4,
            })
        }
        _ => None,
    }
}

/// Reads a quoted string at the start of `text`: its value and the bytes used.
pub fn unquote_prefix(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let quote = *text.first()?;
    match quote {
        b'`' => {
            let end = 1 + text[1..].iter().position(|&b| b == b'`')?;
            Some((
                text[1..end]
                    .iter()
                    .copied()
                    .filter(|&b| b != b'\r')
                    .collect(),
                end + 1,
            ))
        }
        b'"' | b'\'' => {
            let (mut out, mut at) = (Vec::new(), 1);
            while *text.get(at)? != quote {
                if text[at] == b'\n' {
                    return None;
                }
                let c = unquote_char(&text[at..], quote)?;
                if c.rune < 0x80 || !c.multibyte {
                    out.push(c.rune as u8);
                } else {
                    append_rune(&mut out, c.rune);
                }
                at += c.width;
                if quote == b'\'' {
                    break;
                }
            }
            (text.get(at) == Some(&quote)).then_some((out, at + 1))
        }
        _ => None,
    }
}
