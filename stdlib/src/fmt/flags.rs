//! One value as text under the flags of a verb: padding, integers, floats, strings, characters.
//!
//! GO: fmt `format.go`.

use crate::strconv::float::append_float;
use crate::strconv::quote::{Escape, append_quoted, append_quoted_rune, can_backquote};
use crate::unicode::tables;
use crate::unicode::utf8::{RUNE_ERROR, append_rune, decode, rune_count};

/// The flags of one verb.
#[derive(Clone, Copy, Default, Debug)]
pub struct Flags {
    pub width: Option<usize>,
    pub precision: Option<usize>,
    pub minus: bool,
    pub plus: bool,
    pub sharp: bool,
    pub space: bool,
    pub zero: bool,
    /// `%+v`: field names.
    pub plus_v: bool,
    /// `%#v`: Go syntax.
    pub sharp_v: bool,
}

const LOWER: &[u8; 17] = b"0123456789abcdefx";
const UPPER: &[u8; 17] = b"0123456789ABCDEFX";

/// Digits for hexadecimal, the last one the letter of the prefix.
pub fn digits_of(verb: char) -> &'static [u8; 17] {
    if verb == 'X' { UPPER } else { LOWER }
}

impl Flags {
    fn padding(&self, out: &mut Vec<u8>, count: usize) {
        // Zeros only on the left.
        let filler = if self.zero && !self.minus { b'0' } else { b' ' };
        out.resize(out.len() + count, filler);
    }

    /// Appends `text` padded to the width.
    pub fn pad(&self, out: &mut Vec<u8>, text: &[u8]) {
        let Some(width) = self.width.filter(|&width| width > 0) else {
            out.extend_from_slice(text);
            return;
        };
        let missing = width.saturating_sub(rune_count(text));
        if self.minus {
            out.extend_from_slice(text);
            self.padding(out, missing);
        } else {
            self.padding(out, missing);
            out.extend_from_slice(text);
        }
    }

    fn pad_without_zeros(&self, out: &mut Vec<u8>, text: &[u8]) {
        Flags {
            zero: false,
            ..*self
        }
        .pad(out, text);
    }

    pub fn boolean(&self, out: &mut Vec<u8>, value: bool) {
        self.pad(out, if value { b"true" } else { b"false" });
    }

    /// Appends an integer in base 2, 8, 10 or 16.
    pub fn integer(
        &self,
        out: &mut Vec<u8>,
        value: u64,
        base: u64,
        signed: bool,
        verb: char,
        digits: &[u8; 17],
    ) {
        let negative = signed && (value as i64) < 0;
        let mut rest = if negative {
            value.wrapping_neg()
        } else {
            value
        };
        // PERF: most integers have no flags at all.
        if base == 10
            && self.width.is_none()
            && self.precision.is_none()
            && !self.plus
            && !self.space
        {
            if negative {
                out.push(b'-');
            }
            crate::strconv::integer::append_unsigned(out, rest, 10);
            return;
        }
        let mut least = 0;
        if let Some(precision) = self.precision {
            least = precision;
            if precision == 0 && rest == 0 {
                Flags {
                    zero: false,
                    ..*self
                }
                .padding(out, self.width.unwrap_or(0));
                return;
            }
        } else if self.zero
            && !self.minus
            && let Some(width) = self.width
        {
            least = if negative || self.plus || self.space {
                width.saturating_sub(1)
            } else {
                width
            };
        }
        // From right to left, turned round at the end.
        let mut text = Vec::with_capacity(72);
        while rest >= base {
            text.push(digits[(rest % base) as usize]);
            rest /= base;
        }
        text.push(digits[rest as usize]);
        if text.len() < least {
            text.resize(least, b'0');
        }
        if self.sharp {
            match base {
                2 => text.extend_from_slice(b"b0"),
                8 if text.last() != Some(&b'0') => text.push(b'0'),
                16 => text.extend_from_slice(&[digits[16], b'0']),
                _ => {}
            }
        }
        if verb == 'O' {
            text.extend_from_slice(b"o0");
        }
        if negative {
            text.push(b'-');
        } else if self.plus {
            text.push(b'+');
        } else if self.space {
            text.push(b' ');
        }
        text.reverse();
        self.pad_without_zeros(out, &text);
    }

    /// `0x` and hexadecimal digits, the prefix as asked.
    pub fn address(&self, out: &mut Vec<u8>, value: u64, prefix: bool) {
        Flags {
            sharp: prefix,
            ..*self
        }
        .integer(out, value, 16, false, 'v', LOWER);
    }

    /// `U+0078`, with `#` followed by the character.
    pub fn unicode(&self, out: &mut Vec<u8>, value: u64) {
        let mut text = b"U+".to_vec();
        let hex = format!("{value:X}");
        let least = self.precision.unwrap_or(0).max(4);
        text.resize(text.len() + least.saturating_sub(hex.len()), b'0');
        text.extend_from_slice(hex.as_bytes());
        if self.sharp && value <= 0x10_FFFF && tables::is_print(value as i32) {
            text.extend_from_slice(b" '");
            append_rune(&mut text, value as i32);
            text.push(b'\'');
        }
        self.pad_without_zeros(out, &text);
    }

    /// The first `precision` characters.
    fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.precision else {
            return text;
        };
        let mut at = 0;
        for _ in 0..precision {
            if at >= text.len() {
                break;
            }
            at += decode(&text[at..]).1;
        }
        &text[..at]
    }

    pub fn string(&self, out: &mut Vec<u8>, text: &[u8]) {
        self.pad(out, self.truncated(text));
    }

    pub fn quoted(&self, out: &mut Vec<u8>, text: &[u8]) {
        let text = self.truncated(text);
        let mut quoted = Vec::with_capacity(text.len() + 2);
        if self.sharp && can_backquote(text) {
            quoted.push(b'`');
            quoted.extend_from_slice(text);
            quoted.push(b'`');
        } else {
            append_quoted(
                &mut quoted,
                text,
                b'"',
                if self.plus {
                    Escape::NonAscii
                } else {
                    Escape::Unprintable
                },
            );
        }
        self.pad(out, &quoted);
    }

    /// The bytes in hexadecimal.
    pub fn hexadecimal(&self, out: &mut Vec<u8>, text: &[u8], digits: &[u8; 17]) {
        let text = &text[..self.precision.unwrap_or(usize::MAX).min(text.len())];
        if text.is_empty() {
            self.padding(out, self.width.unwrap_or(0));
            return;
        }
        let prefix = [b'0', digits[16]];
        let mut hex = Vec::with_capacity(text.len() * 2 + 2);
        let mut pace = vm::native::Pace::default();
        for (i, &b) in text.iter().enumerate() {
            if pace.is_over_after(4) {
                break;
            }
            if self.space && i > 0 {
                hex.push(b' ');
            }
            if self.sharp && (self.space || i == 0) {
                hex.extend_from_slice(&prefix);
            }
            hex.extend_from_slice(&[digits[usize::from(b >> 4)], digits[usize::from(b & 15)]]);
        }
        let missing = self.width.unwrap_or(0).saturating_sub(hex.len());
        if !self.minus {
            self.padding(out, missing);
        }
        out.extend_from_slice(&hex);
        if self.minus {
            self.padding(out, missing);
        }
    }

    /// An integer as a character.
    pub fn character(&self, out: &mut Vec<u8>, value: u64) {
        let mut text = Vec::with_capacity(4);
        append_rune(
            &mut text,
            if value > 0x10_FFFF {
                RUNE_ERROR
            } else {
                value as i32
            },
        );
        self.pad(out, &text);
    }

    /// An integer as a quoted character.
    pub fn quoted_character(&self, out: &mut Vec<u8>, value: u64) {
        let rune = if value > 0x10_FFFF {
            RUNE_ERROR
        } else {
            value as i32
        };
        let mut text = Vec::with_capacity(12);
        append_quoted_rune(
            &mut text,
            rune,
            b'\'',
            if self.plus {
                Escape::NonAscii
            } else {
                Escape::Unprintable
            },
        );
        self.pad(out, &text);
    }

    /// A float of `bits` bits; `precision` -1 means the fewest digits.
    pub fn float(&self, out: &mut Vec<u8>, value: f64, bits: u32, layout: u8, precision: i64) {
        // PERF: the plain shortest form.
        if layout == b'g'
            && precision < 0
            && self.width.is_none()
            && self.precision.is_none()
            && !self.plus
            && !self.space
            && !self.sharp
        {
            if value.is_nan() || value.is_finite() {
                append_float(out, value, b'g', -1, bits);
            } else {
                out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
            }
            return;
        }
        let precision = self.precision.map_or(precision, |p| p as i64);
        let mut number = Vec::with_capacity(32);
        append_float(&mut number, value, layout, precision, bits);
        if !matches!(number.first(), Some(b'+' | b'-')) {
            number.insert(0, b'+');
        }
        if self.space && number[0] == b'+' && !self.plus {
            number[0] = b' ';
        }
        if matches!(number.get(1), Some(b'I' | b'N')) {
            let bare = number[1] == b'N' && !self.space && !self.plus;
            self.pad_without_zeros(out, if bare { &number[1..] } else { &number });
            return;
        }
        if self.sharp && layout != b'b' {
            self.restore_zeros(&mut number, layout, precision);
        }
        if self.plus || number[0] != b'+' {
            if self.zero && !self.minus && self.width.is_some_and(|width| width > number.len()) {
                // The sign stands before the zeros.
                out.push(number[0]);
                self.padding(out, self.width.unwrap_or(0) - number.len());
                out.extend_from_slice(&number[1..]);
                return;
            }
            self.pad(out, &number);
            return;
        }
        self.pad(out, &number[1..]);
    }

    /// `#`: always a decimal point, and `%g` keeps its zeros.
    fn restore_zeros(&self, number: &mut Vec<u8>, layout: u8, precision: i64) {
        let mut digits = match layout {
            b'g' | b'G' | b'x' => {
                if precision == -1 {
                    6
                } else {
                    precision
                }
            }
            _ => 0,
        };
        let hexadecimal = matches!(layout, b'x' | b'X');
        let (mut point, mut nonzero) = (false, false);
        let mut tail_at = number.len();
        for (i, &b) in number.iter().enumerate().skip(1) {
            match b {
                b'.' => point = true,
                b'p' | b'P' => {
                    tail_at = i;
                    break;
                }
                b'e' | b'E' if !hexadecimal => {
                    tail_at = i;
                    break;
                }
                _ => {
                    nonzero |= b != b'0';
                    if nonzero {
                        digits -= 1;
                    }
                }
            }
        }
        let tail = number.split_off(tail_at);
        if !point {
            if number.len() == 2 && number[1] == b'0' {
                digits -= 1;
            }
            number.push(b'.');
        }
        number.resize(number.len() + usize::try_from(digits).unwrap_or(0), b'0');
        number.extend_from_slice(&tail);
    }
}
