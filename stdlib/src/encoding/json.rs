//! Natives of package encoding/json: the grammar and strings.
//!
//! A text is scanned whole before anything is decoded, so what decodes it need not look for mistakes. The scanner keeps the open
//! arrays and objects in a list: how deep they nest is for the text to say, up to [`DEEPEST`]. GO: encoding/json/jsontext.

mod decode;
mod encode;
mod plain;

use vm::border::GoStr;
use vm::native::{GoPanic, NativeContext, Pace};
use vm::natives;

/// Deeper texts are refused. GO: scanner.go `maxNestingDepth`.
const DEEPEST: usize = 10_000;

/// What is wrong with a text, and the offset that Go gives.
struct Problem {
    text: String,
    offset: usize,
}

fn end_of_input(offset: usize) -> Problem {
    Problem {
        text: "unexpected end of JSON input".into(),
        offset,
    }
}

/// A character as Go quotes it, and how many bytes it has.
fn character(data: &[u8], at: usize) -> (String, usize) {
    let (rune, size) = crate::unicode::utf8::decode(&data[at..]);
    let mut out = Vec::new();
    match data[at] {
        b'\'' => out.extend_from_slice(b"'\\''"),
        b'"' => out.extend_from_slice(b"'\"'"),
        byte if rune == 0xFFFD && size == 1 => {
            out.extend_from_slice(format!("'\\x{byte:02x}'").as_bytes());
        }
        byte if byte < 0x20 || byte == 0x7f => out.extend_from_slice(
            match byte {
                7 => "'\\a'".into(),
                8 => "'\\b'".into(),
                9 => "'\\t'".into(),
                10 => "'\\n'".into(),
                11 => "'\\v'".into(),
                12 => "'\\f'".into(),
                13 => "'\\r'".into(),
                _ => format!("'\\x{byte:02x}'"),
            }
            .as_bytes(),
        ),
        b'\\' => out.extend_from_slice(b"'\\\\'"),
        _ => out.extend_from_slice(&crate::strconv::quote_rune(rune).0),
    }
    (String::from_utf8_lossy(&out).into_owned(), size)
}

fn invalid(data: &[u8], at: usize, place: &str) -> Problem {
    let (shown, size) = character(data, at);
    Problem {
        text: format!("invalid character {shown} {place}"),
        offset: at + size,
    }
}

fn skip_space(data: &[u8], mut at: usize) -> usize {
    while matches!(data.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// The end of the string that begins at `at`.
fn string_end(data: &[u8], at: usize) -> Result<usize, Problem> {
    let (mut i, mut pace) = (at + 1, Pace::default());
    loop {
        if pace.is_over_after(2) {
            return Err(end_of_input(i));
        }
        match data.get(i) {
            None => return Err(end_of_input(whole(data))),
            Some(b'"') => return Ok(i + 1),
            Some(b'\\') => i = escape_end(data, i)?,
            Some(0..=0x1f) => return Err(invalid(data, i, "in string")),
            Some(_) => i += 1,
        }
    }
}

/// A piece of the text between backquotes, or with escapes if there is something in it that would not be seen.
fn quoted(piece: &[u8]) -> String {
    let mut at = 0;
    let mut is_plain = true;
    while at < piece.len() {
        let (rune, size) = crate::unicode::utf8::decode(&piece[at..]);
        let shown = crate::strconv::quote_rune(rune).0;
        let is_escaped = shown.len() != size + 2 && !matches!(rune, 0x5C | 0x27);
        let is_space = matches!(rune, 0x20 | 0x85 | 0xA0);
        is_plain &= !is_escaped && !is_space && rune != 0x60 && rune != 0xFFFD;
        at += size;
    }
    if is_plain {
        return format!("`{}`", String::from_utf8_lossy(piece));
    }
    let mut out = Vec::new();
    crate::strconv::append_quoted(&mut out, piece);
    String::from_utf8_lossy(&out).into_owned()
}

/// The length without the bytes of a character at the end that is not whole.
fn whole(data: &[u8]) -> usize {
    let start = data.len().saturating_sub(3);
    for at in start..data.len() {
        let wanted = match data[at] {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => continue,
        };
        let rest = &data[at + 1..];
        if rest.len() + 1 < wanted && rest.iter().all(|byte| byte & 0xC0 == 0x80) {
            return at;
        }
    }
    data.len()
}

fn escape_end(data: &[u8], at: usize) -> Result<usize, Problem> {
    let bad = |end: usize| Problem {
        text: format!(
            "invalid escape sequence {} in string",
            quoted(&data[at..end])
        ),
        offset: end,
    };
    match data.get(at + 1) {
        None => Err(end_of_input(at)),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            for i in at + 2..at + 6 {
                match data.get(i) {
                    None => return Err(end_of_input(at)),
                    Some(byte) if !byte.is_ascii_hexdigit() => {
                        return Err(bad((at + 6).min(data.len())));
                    }
                    Some(_) => {}
                }
            }
            Ok(at + 6)
        }
        Some(_) => Err(bad(at + 2)),
    }
}

/// The end of the number that begins at `at`.
fn number_end(data: &[u8], at: usize) -> Result<usize, Problem> {
    let digits = |mut i: usize| -> Result<usize, Problem> {
        match data.get(i) {
            None => return Err(end_of_input(at)),
            Some(b'0'..=b'9') => {}
            Some(_) => return Err(invalid(data, i, "in numeric literal")),
        }
        while matches!(data.get(i), Some(b'0'..=b'9')) {
            i += 1;
        }
        Ok(i)
    };
    let mut i = at;
    if data.get(i) == Some(&b'-') {
        i += 1;
    }
    i = if data.get(i) == Some(&b'0') {
        i + 1
    } else {
        digits(i)?
    };
    if data.get(i) == Some(&b'.') {
        i = digits(i + 1)?;
    }
    if matches!(data.get(i), Some(b'e' | b'E')) {
        i += 1;
        if matches!(data.get(i), Some(b'+' | b'-')) {
            i += 1;
        }
        i = digits(i)?;
    }
    Ok(i)
}

fn literal_end(data: &[u8], at: usize, literal: &str) -> Result<usize, Problem> {
    for (place, wanted) in literal.bytes().enumerate() {
        match data.get(at + place) {
            None => return Err(end_of_input(data.len())),
            Some(&found) if found == wanted => {}
            Some(_) => {
                let place_text =
                    format!("in literal {literal} (expecting {:?})", char::from(wanted));
                return Err(invalid(data, at + place, &place_text));
            }
        }
    }
    Ok(at + literal.len())
}

/// The end of the value that begins at or after `from`; `None` if nothing but space is left.
fn value_end(data: &[u8], from: usize) -> Result<Option<usize>, Problem> {
    const VALUE: &str = "looking for beginning of value";
    const KEY: &str = "looking for beginning of object key string";
    let mut open: Vec<bool> = Vec::new();
    let mut at = skip_space(data, from);
    if at >= data.len() {
        return Ok(None);
    }
    // Space before the end belongs to what is awaited, unlike elsewhere.
    let ended = || end_of_input(data.len());
    let key = |at: usize| -> Result<usize, Problem> {
        match data.get(at) {
            None => return Err(ended()),
            Some(b'"') => {}
            Some(_) => return Err(invalid(data, at, KEY)),
        }
        let at = skip_space(data, string_end(data, at)?);
        match data.get(at) {
            None => Err(ended()),
            Some(b':') => Ok(skip_space(data, at + 1)),
            Some(_) => Err(invalid(data, at, "after object key")),
        }
    };
    let mut pace = Pace::default();
    loop {
        // What is scanned elsewhere is short, or a string.
        if pace.is_over_after(16) {
            return Err(ended());
        }
        // A value begins here.
        let Some(&first) = data.get(at) else {
            return Err(ended());
        };
        at = match first {
            b'{' | b'[' => {
                if open.len() >= DEEPEST {
                    return Err(Problem {
                        text: "exceeded max depth".into(),
                        offset: at + 1,
                    });
                }
                let is_object = first == b'{';
                let inside = skip_space(data, at + 1);
                let close = if is_object { b'}' } else { b']' };
                if data.get(inside) == Some(&close) {
                    inside + 1
                } else {
                    open.push(is_object);
                    at = if is_object { key(inside)? } else { inside };
                    continue;
                }
            }
            b'"' => string_end(data, at)?,
            b'-' | b'0'..=b'9' => number_end(data, at)?,
            b't' => literal_end(data, at, "true")?,
            b'f' => literal_end(data, at, "false")?,
            b'n' => literal_end(data, at, "null")?,
            _ => return Err(invalid(data, at, VALUE)),
        };
        // A value has ended here.
        loop {
            let Some(&is_object) = open.last() else {
                return Ok(Some(at));
            };
            at = skip_space(data, at);
            match (data.get(at), is_object) {
                (None, _) => return Err(ended()),
                (Some(b','), true) => {
                    at = key(skip_space(data, at + 1))?;
                    break;
                }
                (Some(b','), false) => {
                    at = skip_space(data, at + 1);
                    break;
                }
                (Some(b'}'), true) | (Some(b']'), false) => {
                    open.pop();
                    at += 1;
                }
                (Some(_), true) => return Err(invalid(data, at, "after object key:value pair")),
                (Some(_), false) => return Err(invalid(data, at, "after array element")),
            }
        }
    }
}

/// The end of the value at or after `from`, or what is wrong; -1 if nothing but space is left.
fn scan(data: GoStr<'_>, from: i64) -> (i64, String, i64) {
    match value_end(&data, from.clamp(0, data.len() as i64) as usize) {
        Ok(Some(end)) => (end as i64, String::new(), 0),
        Ok(None) => (-1, String::new(), data.len() as i64),
        Err(problem) => (0, problem.text, problem.offset as i64),
    }
}

/// What is wrong with the first character after a value.
fn describe(data: GoStr<'_>, at: i64, place: GoStr<'_>) -> (String, i64) {
    match usize::try_from(at) {
        Ok(at) if at < data.len() => {
            let problem = invalid(&data, at, &place.to_text());
            (problem.text, problem.offset as i64)
        }
        _ => (String::new(), 0),
    }
}

/// The string that begins at `at` of a text that was scanned, and its end.
fn string_at<'h>(
    context: &mut NativeContext<'h>,
    data: GoStr<'h>,
    at: i64,
) -> Result<(GoStr<'h>, i64), GoPanic> {
    let start = usize::try_from(at).unwrap_or(usize::MAX);
    let end = match string_end(&data, start) {
        Ok(end) if end >= start + 2 => end,
        _ => return Ok((data.slice(0..0), at)),
    };
    let inside = data.slice(start + 1..end - 1);
    let bytes = inside.as_bytes();
    if !bytes.contains(&b'\\') && std::str::from_utf8(bytes).is_ok() {
        return Ok((inside, end as i64));
    }
    Ok((context.new_string(&unquoted(bytes))?, end as i64))
}

fn unquoted(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut i, mut pace) = (0, Pace::default());
    while i < bytes.len() && !pace.is_over_after(4) {
        if bytes[i] != b'\\' {
            let (rune, size) = crate::unicode::utf8::decode(&bytes[i..]);
            if rune == 0xFFFD && size == 1 {
                out.extend_from_slice("\u{FFFD}".as_bytes());
            } else {
                out.extend_from_slice(&bytes[i..i + size]);
            }
            i += size;
            continue;
        }
        let escape = bytes.get(i + 1).copied().unwrap_or(b'\\');
        i += 2;
        match escape {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let mut unit = hexadecimal(bytes, i);
                i += 4;
                if (0xD800..0xDC00).contains(&unit)
                    && bytes.get(i) == Some(&b'\\')
                    && bytes.get(i + 1) == Some(&b'u')
                {
                    let low = hexadecimal(bytes, i + 2);
                    if (0xDC00..0xE000).contains(&low) {
                        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                        i += 6;
                    }
                }
                let c = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => out.push(other),
        }
    }
    out
}

fn hexadecimal(bytes: &[u8], at: usize) -> u32 {
    let digits = bytes.get(at..at + 4).unwrap_or(b"0");
    digits.iter().fold(0, |value, &digit| {
        value << 4 | char::from(digit).to_digit(16).unwrap_or(0)
    })
}

/// The end of the value that begins at `at` of a text that was scanned.
fn skip(data: GoStr<'_>, at: i64) -> i64 {
    match value_end(&data, at.max(0) as usize) {
        Ok(Some(end)) => end as i64,
        _ => data.len() as i64,
    }
}

/// The string in quotes, with escapes, those for HTML if asked. What ends a line for JavaScript is always escaped.
fn quote(text: GoStr<'_>, html: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    append_quoted(&mut out, &text, html);
    out
}

/// Appends a string in quotes, with escapes, those for HTML if asked.
fn append_quoted(out: &mut Vec<u8>, bytes: &[u8], html: bool) {
    out.push(b'"');
    // What stands for itself goes in runs.
    let stands_for_itself = |byte: u8| {
        (0x20..0x80).contains(&byte)
            && byte != b'"'
            && byte != b'\\'
            && !(html && matches!(byte, b'<' | b'>' | b'&'))
    };
    let (mut i, mut pace) = (0, Pace::default());
    while i < bytes.len() {
        let run = bytes[i..]
            .iter()
            .take_while(|byte| stands_for_itself(**byte))
            .count();
        out.extend_from_slice(&bytes[i..i + run]);
        i += run;
        let Some(&byte) = bytes.get(i).filter(|_| !pace.is_over_after(run + 4)) else {
            break;
        };
        if byte >= 0x80 {
            let (rune, size) = crate::unicode::utf8::decode(&bytes[i..]);
            if rune == 0xFFFD && size == 1 {
                out.extend_from_slice("\u{FFFD}".as_bytes());
            } else if rune == 0x2028 || rune == 0x2029 {
                // They end lines in JavaScript.
                out.extend_from_slice(format!("\\u{rune:04x}").as_bytes());
            } else {
                out.extend_from_slice(&bytes[i..i + size]);
            }
            i += size;
            continue;
        }
        i += 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
    }
    out.push(b'"');
}

/// A text that was scanned, without space, with the characters of HTML escaped if asked.
fn compact(data: GoStr<'_>, html: bool) -> Vec<u8> {
    let data = data.as_bytes();
    let mut out = Vec::with_capacity(data.len());
    let mut in_string = false;
    let (mut i, mut pace) = (0, Pace::default());
    while i < data.len() && !pace.is_over_after(4) {
        let byte = data[i];
        if in_string {
            match byte {
                b'\\' => {
                    out.push(byte);
                    i += 1;
                    out.extend(data.get(i));
                }
                b'<' | b'>' | b'&' if html => {
                    out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
                }
                0xE2 if html
                    && data.get(i + 1) == Some(&0x80)
                    && data.get(i + 2).is_some_and(|last| last & !1 == 0xA8) =>
                {
                    out.extend_from_slice(format!("\\u202{:x}", data[i + 2] & 0xF).as_bytes());
                    i += 2;
                }
                _ => {
                    in_string = byte != b'"';
                    out.push(byte);
                }
            }
        } else if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            in_string = byte == b'"';
            out.push(byte);
        }
        i += 1;
    }
    out
}

/// A text that was scanned, an element a line.
fn indent<'h>(
    context: &mut NativeContext<'h>,
    data: GoStr<'h>,
    prefix: GoStr<'h>,
    step: GoStr<'h>,
) -> Result<Vec<u8>, GoPanic> {
    let data = data.as_bytes();
    let mut out = Vec::with_capacity(data.len() * 2);
    let mut depth = 0_usize;
    let line = |out: &mut Vec<u8>, depth: usize| -> Result<(), GoPanic> {
        let more = prefix
            .len()
            .saturating_add(step.len().saturating_mul(depth));
        context.check_memory(out.len().saturating_add(more))?;
        out.push(b'\n');
        out.extend_from_slice(&prefix);
        for _ in 0..depth {
            out.extend_from_slice(&step);
        }
        Ok(())
    };
    let (mut i, mut pace) = (0, Pace::default());
    while i < data.len() && !pace.is_over_after(8) {
        match data[i] {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'"' => {
                let end = string_end(data, i).unwrap_or(data.len());
                out.extend_from_slice(&data[i..end]);
                i = end;
                continue;
            }
            open @ (b'{' | b'[') => {
                out.push(open);
                let inside = skip_space(data, i + 1);
                if let Some(close @ (b'}' | b']')) = data.get(inside) {
                    out.push(*close);
                    i = inside;
                } else {
                    depth += 1;
                    line(&mut out, depth)?;
                }
            }
            close @ (b'}' | b']') => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth)?;
                out.push(close);
            }
            b',' => {
                out.push(b',');
                line(&mut out, depth)?;
            }
            b':' => out.extend_from_slice(b": "),
            byte => out.push(byte),
        }
        i += 1;
    }
    Ok(out)
}

natives! {
    pure "scan" => scan;
    pure "describe" => describe;
    pure "stringAt" => string_at;
    pure "skip" => skip;
    pure "quote" => quote;
    pure "compact" => compact;
    pure "indent" => indent;
    pure "encodePlain" => encode::encode_plain;
    pure "decodePlain" => decode::decode_plain;
}
