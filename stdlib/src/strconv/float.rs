//! Floats as text and text as floats, by Go's rules.
//!
//! The digits come from `core` (shortest round-trip digits, or exactly rounded ones: both agree with Go's); the
//! layouts, exponent rules and accepted syntax are Go's. Hexadecimal and binary-exponent forms are done here.
//!
//! GO: strconv `FormatFloat`, `ParseFloat`.

use std::io::Write as _;

/// Decimal digits `0.d1d2d3... * 10^point`, without sign.
struct Decimal {
    digits: Vec<u8>,
    point: i32,
}

/// The shortest digits that read back as `value`.
fn shortest(value: f64, bits: u32) -> Decimal {
    let mut text = Vec::with_capacity(32);
    // Writing to a Vec cannot fail.
    let _ = if bits == 32 {
        write!(text, "{:e}", value as f32)
    } else {
        write!(text, "{value:e}")
    };
    let decimal = from_scientific(&text);
    // Two candidates are equally near only if the exact value has one digit more, a 5. `core` then takes the upper one, Go the
    // even one, which the exact rounding finds.
    let (mantissa, exponent, width) = parts(value, bits);
    if mantissa != 0 {
        let last_bit = exponent - width + mantissa.trailing_zeros() as i32;
        let last_digit = decimal.point - decimal.digits.len() as i32;
        if last_digit > 0 || last_bit == last_digit - 1 {
            let even = significant(value, decimal.digits.len());
            if even.digits != decimal.digits && reads_as(&even, value, bits) {
                return even;
            }
        }
    }
    decimal
}

/// Whether the digits read back as `value`.
fn reads_as(decimal: &Decimal, value: f64, bits: u32) -> bool {
    let text = format!(
        "0.{}e{}",
        String::from_utf8_lossy(&decimal.digits),
        decimal.point
    );
    if bits == 32 {
        text.parse() == Ok(value as f32)
    } else {
        text.parse() == Ok(value)
    }
}

/// A float of 64 bits has at most so many decimal places, and fewer digits.
const MOST_PLACES: usize = 1074;

/// `count` significant digits, rounded half to even on the exact value.
fn significant(value: f64, count: usize) -> Decimal {
    // What follows the last digit is zeros, which the caller writes if it wants them.
    let count = count.min(MOST_PLACES);
    let mut text = Vec::with_capacity(count + 16);
    let _ = write!(text, "{:.*e}", count - 1, value);
    from_scientific(&text)
}

fn from_scientific(text: &[u8]) -> Decimal {
    let mark = text.iter().position(|&b| b == b'e').unwrap_or(text.len());
    let mut digits: Vec<u8> = text[..mark]
        .iter()
        .copied()
        .filter(u8::is_ascii_digit)
        .collect();
    let mut exponent = 0i32;
    let mut negative = false;
    for &b in text.get(mark + 1..).unwrap_or(&[]) {
        match b {
            b'-' => negative = true,
            b'0'..=b'9' => exponent = exponent * 10 + i32::from(b - b'0'),
            _ => {}
        }
    }
    if negative {
        exponent = -exponent;
    }
    if digits.iter().all(|&d| d == b'0') {
        digits.clear();
        return Decimal { digits, point: 0 };
    }
    Decimal {
        digits,
        point: exponent + 1,
    }
}

/// Appends `value` in the given layout (`b`, `e`, `E`, `f`, `g`, `G`, `x`, `X`); `precision` -1 asks for the fewest digits
/// that read back as the same value of `bits` (32 or 64) bits. An unknown layout gives `%` and the letter, as in Go.
pub fn append_float(out: &mut Vec<u8>, value: f64, layout: u8, precision: i64, bits: u32) {
    // A number of 32 bits is rounded to them first; it may become infinite by that.
    let value = if bits == 32 {
        f64::from(value as f32)
    } else {
        value
    };
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
        return;
    }
    if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
        return;
    }
    let negative = value.is_sign_negative();
    match layout {
        b'b' => return append_binary_exponent(out, value, bits),
        b'x' | b'X' => return append_hexadecimal(out, value, layout, precision, bits),
        b'e' | b'E' | b'f' | b'g' | b'G' => {}
        other => {
            out.extend_from_slice(&[b'%', other]);
            return;
        }
    }
    let magnitude = value.abs();
    if negative {
        out.push(b'-');
    }
    // The whole part of a fixed layout is long only when the precision is: both are the caller's to bound.
    let wanted = usize::try_from(precision).ok();
    match (layout, wanted) {
        (b'f', Some(places)) => {
            let exact = places.min(MOST_PLACES);
            let _ = write!(out, "{magnitude:.exact$}");
            out.resize(out.len() + (places - exact), b'0');
        }
        (b'f', None) => {
            let decimal = shortest(magnitude, bits);
            let places = (decimal.digits.len() as i32 - decimal.point).max(0) as usize;
            fixed(out, &decimal, places);
        }
        (b'e' | b'E', Some(places)) => {
            exponential(out, &significant(magnitude, places + 1), places, layout)
        }
        (b'e' | b'E', None) => {
            let decimal = shortest(magnitude, bits);
            let places = decimal.digits.len().saturating_sub(1);
            exponential(out, &decimal, places, layout);
        }
        (_, wanted) => {
            // General: exponential when the exponent is below -4 or not below the precision.
            let letter = if layout == b'g' { b'e' } else { b'E' };
            let (decimal, limit) = match wanted {
                // The shortest digits decide as if six had been asked for.
                None => (shortest(magnitude, bits), 6),
                Some(places) => {
                    let places = places.max(1);
                    let mut decimal = significant(magnitude, places);
                    while decimal.digits.last() == Some(&b'0') {
                        decimal.digits.pop();
                    }
                    let count = decimal.digits.len();
                    let short = places > count && count as i32 >= decimal.point;
                    (
                        decimal,
                        if short {
                            count as i32
                        } else {
                            i32::try_from(places).unwrap_or(i32::MAX)
                        },
                    )
                }
            };
            let exponent = if decimal.digits.is_empty() {
                -1
            } else {
                decimal.point - 1
            };
            if exponent < -4 || exponent >= limit {
                let places = decimal.digits.len().saturating_sub(1);
                exponential(out, &decimal, places, letter);
                return;
            }
            let places = (decimal.digits.len() as i32 - decimal.point).max(0) as usize;
            fixed(out, &decimal, places);
        }
    }
}

fn fixed(out: &mut Vec<u8>, decimal: &Decimal, places: usize) {
    if decimal.point > 0 {
        let whole = decimal.point as usize;
        let taken = whole.min(decimal.digits.len());
        out.extend_from_slice(&decimal.digits[..taken]);
        out.resize(out.len() + (whole - taken), b'0');
    } else {
        out.push(b'0');
    }
    if places > 0 {
        out.push(b'.');
        for i in 0..places as i32 {
            let at = decimal.point + i;
            out.push(
                usize::try_from(at)
                    .ok()
                    .and_then(|at| decimal.digits.get(at).copied())
                    .unwrap_or(b'0'),
            );
        }
    }
}

fn exponential(out: &mut Vec<u8>, decimal: &Decimal, places: usize, letter: u8) {
    out.push(decimal.digits.first().copied().unwrap_or(b'0'));
    if places > 0 {
        out.push(b'.');
        let have = decimal.digits.get(1..).unwrap_or(&[]);
        let taken = have.len().min(places);
        out.extend_from_slice(&have[..taken]);
        out.resize(out.len() + (places - taken), b'0');
    }
    out.push(letter);
    let exponent = if decimal.digits.is_empty() {
        0
    } else {
        decimal.point - 1
    };
    out.push(if exponent < 0 { b'-' } else { b'+' });
    let _ = write!(out, "{:02}", exponent.unsigned_abs());
}

/// Mantissa, exponent of its last bit, and whether it is normal, as an integer times a power of two.
fn parts(value: f64, bits: u32) -> (u64, i32, i32) {
    if bits == 32 {
        let raw = (value as f32).to_bits();
        let exponent = ((raw >> 23) & 0xFF) as i32;
        let fraction = u64::from(raw & 0x7F_FFFF);
        if exponent == 0 {
            (fraction, -126, 23)
        } else {
            (fraction | 1 << 23, exponent - 127, 23)
        }
    } else {
        let raw = value.to_bits();
        let exponent = ((raw >> 52) & 0x7FF) as i32;
        let fraction = raw & ((1 << 52) - 1);
        if exponent == 0 {
            (fraction, -1022, 52)
        } else {
            (fraction | 1 << 52, exponent - 1023, 52)
        }
    }
}

fn append_binary_exponent(out: &mut Vec<u8>, value: f64, bits: u32) {
    let (mantissa, exponent, width) = parts(value, bits);
    if value.is_sign_negative() {
        out.push(b'-');
    }
    let _ = write!(out, "{mantissa}p{:+}", exponent - width);
}

fn append_hexadecimal(out: &mut Vec<u8>, value: f64, layout: u8, precision: i64, bits: u32) {
    let (mut mantissa, mut exponent, width) = parts(value, bits);
    if mantissa == 0 {
        exponent = 0;
    }
    // One bit before the point, 60 after it.
    mantissa <<= 60 - width;
    while mantissa != 0 && mantissa & (1 << 60) == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    if (0..15).contains(&precision) {
        let shift = (precision * 4) as u32;
        let extra = (mantissa << shift) & ((1 << 60) - 1);
        mantissa >>= 60 - shift;
        if extra | (mantissa & 1) > 1 << 59 {
            mantissa += 1;
        }
        mantissa <<= 60 - shift;
        if mantissa & (1 << 61) != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let digits: &[u8; 16] = if layout == b'X' {
        b"0123456789ABCDEF"
    } else {
        b"0123456789abcdef"
    };
    if value.is_sign_negative() {
        out.push(b'-');
    }
    out.extend_from_slice(&[b'0', layout, b'0' + ((mantissa >> 60) & 1) as u8]);
    mantissa <<= 4;
    if precision < 0 && mantissa != 0 {
        out.push(b'.');
        while mantissa != 0 {
            out.push(digits[(mantissa >> 60) as usize & 15]);
            mantissa <<= 4;
        }
    } else if precision > 0 {
        out.push(b'.');
        for _ in 0..precision {
            out.push(digits[(mantissa >> 60) as usize & 15]);
            mantissa <<= 4;
        }
    }
    out.push(if layout == b'X' { b'P' } else { b'p' });
    out.push(if exponent < 0 { b'-' } else { b'+' });
    let _ = write!(out, "{:02}", exponent.unsigned_abs());
}

/// Why a number was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NumberError {
    /// Not a number by Go's syntax.
    Syntax,
    /// A number, but out of range; the value is the nearest that fits (infinite for floats).
    Range,
}

/// Whether the underscores of a number stand between digits, or behind a base prefix.
pub fn underscores_are_fine(text: &[u8]) -> bool {
    let text = match text.first() {
        Some(b'+' | b'-') => &text[1..],
        _ => text,
    };
    let (mut saw, mut rest, mut hexadecimal) = (b'^', text, false);
    if let [b'0', letter, tail @ ..] = text
        && matches!(letter.to_ascii_lowercase(), b'b' | b'o' | b'x')
    {
        (saw, rest) = (b'0', tail);
        hexadecimal = letter.eq_ignore_ascii_case(&b'x');
    }
    for &b in rest {
        saw = match b {
            b if b.is_ascii_digit() || hexadecimal && b.is_ascii_hexdigit() => b'0',
            b'_' if saw == b'0' => b'_',
            b'_' => return false,
            _ if saw == b'_' => return false,
            _ => b'!',
        };
    }
    saw != b'_'
}

/// Reads the longest prefix of `text` that is a float of `bits` bits; answers the value, the bytes used and the error.
pub fn parse_float_prefix(text: &[u8], bits: u32) -> (f64, usize, Option<NumberError>) {
    if let Some((value, used)) = special(text) {
        let value = if bits == 32 {
            f64::from(value as f32)
        } else {
            value
        };
        return (value, used, None);
    }
    let Some(number) = read_float(text) else {
        return (0.0, 0, Some(NumberError::Syntax));
    };
    let used = number.used;
    let magnitude = if number.hexadecimal {
        hexadecimal_value(&number, bits)
    } else {
        // `core` reads the plain form; digits and exponent were validated.
        let plain = std::str::from_utf8(&number.plain).expect("only ASCII was collected");
        if bits == 32 {
            f64::from(plain.parse::<f32>().unwrap_or(f32::NAN))
        } else {
            plain.parse::<f64>().unwrap_or(crate::math::NAN)
        }
    };
    let value = if number.negative {
        -magnitude
    } else {
        magnitude
    };
    (
        value,
        used,
        magnitude.is_infinite().then_some(NumberError::Range),
    )
}

/// Reads all of `text` as a float of `bits` bits.
pub fn parse_float(text: &[u8], bits: u32) -> (f64, Option<NumberError>) {
    let (value, used, error) = parse_float_prefix(text, bits);
    if used != text.len() && error != Some(NumberError::Syntax) {
        return (0.0, Some(NumberError::Syntax));
    }
    (value, error)
}

fn special(text: &[u8]) -> Option<(f64, usize)> {
    let (sign, signed) = match text.first()? {
        b'+' => (1.0, 1),
        b'-' => (-1.0, 1),
        _ => (1.0, 0),
    };
    let rest = &text[signed..];
    let starts =
        |word: &[u8]| rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(word);
    if starts(b"infinity") {
        Some((sign * f64::INFINITY, signed + 8))
    } else if starts(b"inf") {
        Some((sign * f64::INFINITY, signed + 3))
    } else if signed == 0 && starts(b"nan") {
        Some((crate::math::NAN, 3))
    } else {
        None
    }
}

struct FloatText {
    negative: bool,
    hexadecimal: bool,
    /// Decimal: the number as `core` reads it.
    plain: Vec<u8>,
    mantissa: u64,
    /// Power of two of the mantissa's last bit (hexadecimal only).
    exponent: i64,
    truncated: bool,
    used: usize,
}

fn read_float(text: &[u8]) -> Option<FloatText> {
    let mut at = 0;
    let mut number = FloatText {
        negative: false,
        hexadecimal: false,
        plain: Vec::new(),
        mantissa: 0,
        exponent: 0,
        truncated: false,
        used: 0,
    };
    if let Some(&sign @ (b'+' | b'-')) = text.first() {
        number.negative = sign == b'-';
        at = 1;
    }
    if text.len() > at + 2 && text[at] == b'0' && text[at + 1].eq_ignore_ascii_case(&b'x') {
        number.hexadecimal = true;
        at += 2;
    }
    let (mut underscores, mut point, mut digits) = (false, false, false);
    while let Some(&b) = text.get(at) {
        match b {
            b'_' => underscores = true,
            b'.' if !point => {
                point = true;
                number.plain.push(b'.');
            }
            _ if number.hexadecimal && b.is_ascii_hexdigit() => {
                digits = true;
                let digit = (b as char).to_digit(16).unwrap_or(0);
                if number.mantissa >> 60 == 0 {
                    number.mantissa = number.mantissa << 4 | u64::from(digit);
                    number.exponent -= if point { 4 } else { 0 };
                } else {
                    number.truncated |= digit != 0;
                    number.exponent += if point { 0 } else { 4 };
                }
            }
            b'0'..=b'9' if !number.hexadecimal => {
                digits = true;
                number.plain.push(b);
            }
            _ => break,
        }
        at += 1;
    }
    if !digits {
        return None;
    }
    let letter = if number.hexadecimal { b'p' } else { b'e' };
    if text
        .get(at)
        .is_some_and(|b| b.eq_ignore_ascii_case(&letter))
    {
        let mut next = at + 1;
        let mut negative = false;
        if let Some(&sign @ (b'+' | b'-')) = text.get(next) {
            negative = sign == b'-';
            next += 1;
        }
        if !text.get(next).is_some_and(u8::is_ascii_digit) {
            return None;
        }
        let mut exponent = 0i64;
        while let Some(&b) = text.get(next) {
            match b {
                b'_' => underscores = true,
                // Beyond this every result is zero or infinite.
                b'0'..=b'9' => exponent = (exponent * 10 + i64::from(b - b'0')).min(1 << 40),
                _ => break,
            }
            next += 1;
        }
        let exponent = if negative { -exponent } else { exponent };
        number.exponent += exponent;
        let _ = write!(number.plain, "e{exponent}");
        at = next;
    } else if number.hexadecimal {
        // A hexadecimal float needs its exponent.
        return None;
    }
    if underscores && !underscores_are_fine(&text[..at]) {
        return None;
    }
    number.used = at;
    Some(number)
}

/// `mantissa * 2^exponent` rounded half to even to `bits`.
fn hexadecimal_value(number: &FloatText, bits: u32) -> f64 {
    let (width, minimum, maximum) = if bits == 32 {
        (24, -149, 104)
    } else {
        (53, -1074, 971)
    };
    let (mut mantissa, mut exponent, mut sticky) =
        (number.mantissa, number.exponent, number.truncated);
    if mantissa == 0 {
        return 0.0;
    }
    // Bring the mantissa to 62 bits so that a round bit and a sticky bit remain below it.
    let shift = i64::from(mantissa.leading_zeros()) - 2;
    if shift >= 0 {
        mantissa <<= shift;
    } else {
        sticky |= mantissa & ((1 << -shift) - 1) != 0;
        mantissa >>= -shift;
    }
    exponent -= shift;
    // Now 2^61 <= mantissa < 2^62: drop down to `width` bits, or fewer when the result is subnormal.
    let mut drop = 62 - width;
    if exponent + drop < minimum {
        drop = minimum - exponent;
    }
    if drop > 63 {
        return 0.0;
    }
    let half = 1u64 << (drop - 1);
    let rest = mantissa & ((half << 1) - 1);
    let mut kept = mantissa >> drop;
    if rest > half || rest == half && (sticky || kept & 1 == 1) {
        kept += 1;
    }
    exponent += drop;
    if exponent > maximum || exponent == maximum && kept >> width != 0 {
        return f64::INFINITY;
    }
    // Both factors are exact and so is the product, but 2^exponent may itself be subnormal: go in two steps.
    let scale = exponent as i32;
    let first = scale.clamp(-500, 500);
    kept as f64 * 2f64.powi(first) * 2f64.powi(scale - first)
}
