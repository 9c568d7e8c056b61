//! Integers as text and text as integers, by Go's rules.
//!
//! GO: strconv `FormatInt`, `ParseInt`, `ParseUint`.

use super::float::{NumberError, underscores_are_fine};

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Appends `value` in `base` (2 to 36).
pub fn append_unsigned(out: &mut Vec<u8>, mut value: u64, base: u32) {
    let mut buffer = [0u8; 64];
    let mut at = buffer.len();
    let base = u64::from(base);
    if base == 10 {
        // PERF: a constant divisor.
        while value >= 10 {
            at -= 1;
            buffer[at] = b'0' + (value % 10) as u8;
            value /= 10;
        }
        at -= 1;
        buffer[at] = b'0' + value as u8;
    } else {
        loop {
            at -= 1;
            buffer[at] = DIGITS[(value % base) as usize];
            value /= base;
            if value == 0 {
                break;
            }
        }
    }
    out.extend_from_slice(&buffer[at..]);
}

/// Appends `value` in `base` (2 to 36), with a minus sign if negative.
pub fn append_signed(out: &mut Vec<u8>, value: i64, base: u32) {
    if value < 0 {
        out.push(b'-');
    }
    append_unsigned(out, value.unsigned_abs(), base);
}

/// Reads an unsigned number of at most `bits` bits. `base` 0 takes the base from a prefix and allows underscores;
/// the caller has ruled out other bases than 0 and 2 to 36, and other widths than 1 to 64.
pub fn parse_unsigned(text: &[u8], base: u32, bits: u32) -> (u64, Option<NumberError>) {
    let syntax = (0, Some(NumberError::Syntax));
    let (digits, radix) = match (base, text) {
        (_, []) => return syntax,
        (0, [b'0', b'x' | b'X', rest @ ..]) if !rest.is_empty() => (rest, 16),
        (0, [b'0', b'o' | b'O', rest @ ..]) if !rest.is_empty() => (rest, 8),
        (0, [b'0', b'b' | b'B', rest @ ..]) if !rest.is_empty() => (rest, 2),
        (0, [b'0', rest @ ..]) => (rest, 8),
        (0, _) => (text, 10),
        (base, _) => (text, base),
    };
    let (mut value, mut underscores) = (0u64, false);
    let maximum = u64::MAX >> (64 - bits);
    for &b in digits {
        let digit = match b {
            b'_' if base == 0 => {
                underscores = true;
                continue;
            }
            b'0'..=b'9' => b - b'0',
            b'a'..=b'z' => b - b'a' + 10,
            b'A'..=b'Z' => b - b'A' + 10,
            _ => return syntax,
        };
        if u32::from(digit) >= radix {
            return syntax;
        }
        // A number too large is reported as such at once, even when rubbish follows.
        match value
            .checked_mul(u64::from(radix))
            .and_then(|v| v.checked_add(u64::from(digit)))
        {
            Some(next) if next <= maximum => value = next,
            _ => return (maximum, Some(NumberError::Range)),
        }
    }
    if underscores && !underscores_are_fine(text) {
        return syntax;
    }
    (value, None)
}

/// Reads a signed number of at most `bits` bits; see [`parse_unsigned`].
pub fn parse_signed(text: &[u8], base: u32, bits: u32) -> (i64, Option<NumberError>) {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    // PERF: the common short decimal.
    if base == 10 && bits == 64 && (1..19).contains(&rest.len()) {
        let mut value = 0i64;
        for &b in rest {
            let digit = b.wrapping_sub(b'0');
            if digit > 9 {
                return (0, Some(NumberError::Syntax));
            }
            value = value * 10 + i64::from(digit);
        }
        return (if negative { -value } else { value }, None);
    }
    let (magnitude, error) = parse_unsigned(rest, base, bits);
    if error == Some(NumberError::Syntax) {
        return (0, error);
    }
    // A number too large has come back as the largest; that it was too large is seen from it alone, which lets -2 pass as
    // -1 in one bit, as in Go. GO: strconv/atoi.go `ParseInt`.
    let cutoff = 1u64 << (bits - 1);
    if negative && magnitude > cutoff {
        ((cutoff as i64).wrapping_neg(), Some(NumberError::Range))
    } else if negative {
        ((magnitude as i64).wrapping_neg(), None)
    } else if magnitude >= cutoff {
        ((cutoff - 1) as i64, Some(NumberError::Range))
    } else {
        (magnitude as i64, None)
    }
}
