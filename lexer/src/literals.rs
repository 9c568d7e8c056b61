//! Values of literals.
//!
//! These read what the lexer has accepted; what it complained about has no value.

/// `0`, `0o`, `0b`, `0x` and decimal.
pub(crate) fn base_name(base: u32) -> &'static str {
    match base {
        2 => "binary",
        8 => "octal",
        16 => "hexadecimal",
        _ => "decimal",
    }
}

/// The first `_` that does not stand between digits.
///
/// GO: scanner.go invalidSep
pub(crate) fn invalid_separator(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut prefix, mut last, mut at) = (b' ', b'.', 0);
    if bytes.len() >= 2 && bytes[0] == b'0' {
        prefix = bytes[1] | 0x20;
        if matches!(prefix, b'x' | b'o' | b'b') {
            last = b'0';
            at = 2;
        }
    }
    while at < bytes.len() {
        let previous = last;
        last = bytes[at];
        if last == b'_' {
            if previous != b'0' {
                return Some(at);
            }
        } else if last.is_ascii_digit() || prefix == b'x' && last.is_ascii_hexdigit() {
            last = b'0';
        } else {
            if previous == b'_' {
                return Some(at - 1);
            }
            last = b'.';
        }
        at += 1;
    }
    (last == b'_').then(|| bytes.len() - 1)
}

/// Reads an escape; `at` stands behind the backslash and is left behind what was read. The result is a code point, or a byte for
/// `\x` and octal escapes. At the end of the text it succeeds with nothing: who reads the literal complains.
///
/// GO: scanner.escape
pub(crate) fn escape(text: &str, at: &mut usize, quote: char) -> Result<Escape, (usize, String)> {
    let Some(letter) = text[*at..].chars().next() else {
        return Ok(Escape::Nothing);
    };
    let simple = match letter {
        'a' => Some(7),
        'b' => Some(8),
        'f' => Some(12),
        'n' => Some(10),
        'r' => Some(13),
        't' => Some(9),
        'v' => Some(11),
        '\\' => Some(92),
        letter if letter == quote => Some(letter as u8),
        _ => None,
    };
    if let Some(byte) = simple {
        *at += 1;
        return Ok(Escape::Character(char::from(byte)));
    }
    let (digits, base, is_byte) = match letter {
        '0'..='7' => (3, 8, true),
        'x' => (2, 16, true),
        'u' => (4, 16, false),
        'U' => (8, 16, false),
        _ => return Err((*at, "unknown escape".to_owned())),
    };
    if base == 16 {
        *at += 1;
    }
    let mut value: u32 = 0;
    for _ in 0..digits {
        let Some(digit) = text[*at..].chars().next() else {
            return Ok(Escape::Nothing);
        };
        let Some(number) = digit.to_digit(base) else {
            let message = format!(
                "invalid character {} in {} escape",
                quoted(digit),
                base_name(base)
            );
            return Err((*at, message));
        };
        value = value.wrapping_mul(base).wrapping_add(number);
        *at += 1;
    }
    if is_byte {
        return u8::try_from(value)
            .map(Escape::Byte)
            .map_err(|_| (*at, format!("octal escape value {value} > 255")));
    }
    char::from_u32(value).map(Escape::Character).ok_or_else(|| {
        (
            *at,
            format!("escape is invalid Unicode code point U+{value:04X}"),
        )
    })
}

/// Go's `%q` of a character.
fn quoted(character: char) -> String {
    match character {
        '\'' => "'\\''".to_owned(),
        '"' => "'\"'".to_owned(),
        '\u{7}' => "'\\a'".to_owned(),
        '\u{8}' => "'\\b'".to_owned(),
        '\u{b}' => "'\\v'".to_owned(),
        '\u{c}' => "'\\f'".to_owned(),
        character if character < ' ' && !matches!(character, '\n' | '\r' | '\t') => {
            format!("'\\x{:02x}'", character as u32)
        }
        character => {
            let shown = character.escape_debug().to_string();
            match character as u32 {
                code @ ..=0xFFFF if shown.starts_with("\\u{") => format!("'\\u{code:04x}'"),
                code if shown.starts_with("\\u{") => format!("'\\U{code:08x}'"),
                _ => format!("'{shown}'"),
            }
        }
    }
}

/// What an escape means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Escape {
    /// The text ended within it.
    Nothing,
    /// `\n`, `\u1234`
    Character(char),
    /// `\xff`, `\377`
    Byte(u8),
}

/// The bytes a string literal stands for; `None` for a malformed one.
#[must_use]
pub fn string(text: &str) -> Option<Vec<u8>> {
    if let Some(rest) = text.strip_prefix('`') {
        let inside = rest.strip_suffix('`')?;
        return Some(inside.bytes().filter(|&byte| byte != b'\r').collect());
    }
    let inside = text.strip_prefix('"')?;
    let mut value = Vec::with_capacity(inside.len());
    let mut at = 0;
    loop {
        let rest = &inside[at..];
        let plain = rest.find(['"', '\\', '\n'])?;
        value.extend_from_slice(&rest.as_bytes()[..plain]);
        at += plain + 1;
        match rest.as_bytes()[plain] {
            b'"' => return (at == inside.len()).then_some(value),
            b'\\' => match escape(inside, &mut at, '"').ok()? {
                Escape::Nothing => return None,
                Escape::Byte(byte) => value.push(byte),
                Escape::Character(character) => {
                    value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
            },
            _ => return None,
        }
    }
}

/// The code point of a rune literal; `None` for a malformed one.
#[must_use]
pub fn rune(text: &str) -> Option<i32> {
    let inside = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let mut at = 0;
    let first = inside.chars().next()?;
    let value = if first == '\\' {
        at = 1;
        match escape(inside, &mut at, '\'').ok()? {
            Escape::Nothing => return None,
            Escape::Byte(byte) => i32::from(byte),
            Escape::Character(character) => character as i32,
        }
    } else {
        at += first.len_utf8();
        first as i32
    };
    (at == inside.len()).then_some(value)
}

/// The parts of an integer literal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Integer {
    /// 2, 8, 10 or 16.
    pub radix: u32,
    /// Without prefix and separators; never empty.
    pub digits: String,
}

/// Takes an integer literal apart: `0x_ff` is 16 and `ff`, `0755` is 8 and `0755`.
#[must_use]
pub fn integer(text: &str) -> Integer {
    let (radix, digits) = split_radix(text);
    let digits: String = digits.chars().filter(|&digit| digit != '_').collect();
    if text.len() > 1
        && radix == 10
        && digits.starts_with('0')
        && digits.bytes().all(|digit| (b'0'..b'8').contains(&digit))
    {
        return Integer { radix: 8, digits };
    }
    Integer { radix, digits }
}

fn split_radix(text: &str) -> (u32, &str) {
    match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &text[2..]),
        [b'0', b'o' | b'O', ..] => (8, &text[2..]),
        [b'0', b'b' | b'B', ..] => (2, &text[2..]),
        _ => (10, text),
    }
}

/// The parts of a floating-point literal: the value is the digits read as one integer in `radix`, times `base` to the power of
/// `exponent`, where `base` is 10 for radix 10 and 2 for radix 16.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Float {
    /// 10 or 16.
    pub radix: u32,
    /// All digits of the mantissa without point and separators; never empty.
    pub digits: String,
    /// Adjusted by the digits behind the point; held within `i64` however long the literal's own.
    pub exponent: i64,
}

/// Takes a floating-point literal apart: `1.5e3` is `15` with exponent 2; `0x1.8p1` is `18` with exponent -3.
/// It also reads an integer literal.
#[must_use]
pub fn float(text: &str) -> Float {
    let (radix, body) = split_radix(text);
    let radix = if radix == 16 { 16 } else { 10 };
    let marker: &[char] = if radix == 16 {
        &['p', 'P']
    } else {
        &['e', 'E']
    };
    let (mantissa, power) = body.split_once(marker).unwrap_or((body, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits: String = whole.chars().filter(|&digit| digit != '_').collect();
    let before = digits.len();
    digits.extend(fraction.chars().filter(|&digit| digit != '_'));
    let behind = (digits.len() - before) as i64 * if radix == 16 { 4 } else { 1 };
    if digits.is_empty() {
        digits.push('0');
    }
    let power: String = power.chars().filter(|&digit| digit != '_').collect();
    // A power beyond any i32 is as good as infinite; the sum must not overflow.
    let power = power.parse::<i64>().unwrap_or(if power.starts_with('-') {
        i64::from(i32::MIN)
    } else {
        i64::from(i32::MAX)
    });
    let power = power.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
    Float {
        radix,
        digits,
        exponent: power - behind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_mean_bytes() {
        assert_eq!(
            string(r#""a\n\xff\u00e9\101\"""#).unwrap(),
            b"a\n\xff\xc3\xa9A\""
        );
        assert_eq!(string("`a\r\n\\n`").unwrap(), b"a\n\\n");
        assert_eq!(string("\"ab"), None);
        assert_eq!(string(r#""\q""#), None);
    }

    #[test]
    fn runes_are_code_points() {
        assert_eq!(rune("'a'"), Some(97));
        assert_eq!(rune("'é'"), Some(0xe9));
        assert_eq!(rune(r"'\''"), Some(39));
        assert_eq!(rune(r"'\xff'"), Some(255));
        assert_eq!(rune(r"'\U0010FFFF'"), Some(0x10_FFFF));
        assert_eq!(rune(r"'\ud800'"), None);
        assert_eq!(rune("'ab'"), None);
        assert_eq!(rune("''"), None);
    }

    #[test]
    fn numbers_come_apart() {
        let int = |text| {
            let Integer { radix, digits } = integer(text);
            (radix, digits)
        };
        assert_eq!(int("0"), (10, "0".into()));
        assert_eq!(int("0x_fF"), (16, "fF".into()));
        assert_eq!(int("0755"), (8, "0755".into()));
        assert_eq!(int("1_000"), (10, "1000".into()));
        assert_eq!(int("0b101"), (2, "101".into()));
        let flt = |text| {
            let Float {
                radix,
                digits,
                exponent,
            } = float(text);
            (radix, digits, exponent)
        };
        assert_eq!(flt("1.5e3"), (10, "15".into(), 2));
        assert_eq!(flt(".25"), (10, "25".into(), -2));
        assert_eq!(flt("1."), (10, "1".into(), 0));
        assert_eq!(flt("0x1.8p1"), (16, "18".into(), -3));
        assert_eq!(flt("089.5"), (10, "0895".into(), -1));
        assert_eq!(
            flt("1e99999999999999999999"),
            (10, "1".into(), i64::from(i32::MAX))
        );
    }
}
