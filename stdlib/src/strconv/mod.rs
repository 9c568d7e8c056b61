//! Natives of package strconv.

pub mod float;
pub mod integer;
pub mod quote;

use vm::border::{Bytes, GoStr};
use vm::native::{GoPanic, NativeContext};
use vm::natives;

use crate::unicode::tables;
use float::NumberError;
use quote::Escape;

/// strconv.gl's codes.
fn code(error: Option<NumberError>) -> i64 {
    match error {
        None => 0,
        Some(NumberError::Syntax) => 1,
        Some(NumberError::Range) => 2,
    }
}

fn parse_signed(text: GoStr<'_>, base: i64, bits: i64) -> (i64, i64) {
    let (value, error) = integer::parse_signed(&text, base as u32, bits as u32);
    (value, code(error))
}

fn parse_unsigned(text: GoStr<'_>, base: i64, bits: i64) -> (u64, i64) {
    let (value, error) = integer::parse_unsigned(&text, base as u32, bits as u32);
    (value, code(error))
}

fn parse_float(text: GoStr<'_>, bits: i64) -> (f64, i64) {
    let (value, error) = float::parse_float(&text, if bits == 32 { 32 } else { 64 });
    (value, code(error))
}

fn parse_float_prefix(text: GoStr<'_>, bits: i64) -> (f64, i64, i64) {
    let bits = if bits == 32 { 32 } else { 64 };
    let (value, used, error) = float::parse_float_prefix(&text, bits);
    (value, used as i64, code(error))
}

fn itoa<'h>(context: &mut NativeContext<'h>, value: i64) -> Result<GoStr<'h>, GoPanic> {
    // PERF: no allocation but the string.
    let mut buffer = [0u8; 20];
    let mut at = buffer.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    context.new_string(&buffer[at..])
}

fn checked_base(base: i64) -> Result<u32, GoPanic> {
    if (2..=36).contains(&base) {
        Ok(base as u32)
    } else {
        Err(GoPanic::text("strconv: illegal AppendInt/FormatInt base"))
    }
}

fn format_int(value: i64, base: i64) -> Result<Bytes, GoPanic> {
    let mut out = Vec::with_capacity(24);
    integer::append_signed(&mut out, value, checked_base(base)?);
    Ok(Bytes(out))
}

fn format_uint(value: u64, base: i64) -> Result<Bytes, GoPanic> {
    let mut out = Vec::with_capacity(24);
    integer::append_unsigned(&mut out, value, checked_base(base)?);
    Ok(Bytes(out))
}

/// More digits than this are no text but a mistake, or an attack.
const MOST_DIGITS: i64 = 1 << 30;

fn format_float(value: f64, layout: u8, precision: i64, bits: i64) -> Result<Bytes, GoPanic> {
    let bits = match bits {
        32 => 32,
        64 => 64,
        _ => {
            return Err(GoPanic::text("strconv: illegal FormatFloat bitSize"));
        }
    };
    if precision > MOST_DIGITS {
        return Err(GoPanic::runtime("makeslice: len out of range"));
    }
    let mut out = Vec::with_capacity(32);
    float::append_float(&mut out, value, layout, precision, bits);
    Ok(Bytes(out))
}

fn quoted(text: GoStr<'_>, escape: Escape) -> Bytes {
    let mut out = Vec::with_capacity(text.len() + 2);
    quote::append_quoted(&mut out, &text, b'"', escape);
    Bytes(out)
}

/// Appends a text as `strconv.Quote` writes it.
pub(crate) fn append_quoted(out: &mut Vec<u8>, text: &[u8]) {
    quote::append_quoted(out, text, b'"', Escape::Unprintable);
}

fn quoted_rune(rune: i32, escape: Escape) -> Bytes {
    let mut out = Vec::with_capacity(12);
    quote::append_quoted_rune(&mut out, rune, b'\'', escape);
    Bytes(out)
}

fn quote_plain(text: GoStr<'_>) -> Bytes {
    quoted(text, Escape::Unprintable)
}

fn quote_ascii(text: GoStr<'_>) -> Bytes {
    quoted(text, Escape::NonAscii)
}

fn quote_graphic(text: GoStr<'_>) -> Bytes {
    quoted(text, Escape::NonGraphic)
}

pub(crate) fn quote_rune(rune: i32) -> Bytes {
    quoted_rune(rune, Escape::Unprintable)
}

fn quote_rune_ascii(rune: i32) -> Bytes {
    quoted_rune(rune, Escape::NonAscii)
}

fn quote_rune_graphic(rune: i32) -> Bytes {
    quoted_rune(rune, Escape::NonGraphic)
}

fn can_backquote(text: GoStr<'_>) -> bool {
    quote::can_backquote(&text)
}

fn unquote(text: GoStr<'_>) -> (Bytes, i64) {
    match quote::unquote_prefix(&text) {
        Some((value, used)) => (Bytes(value), used as i64),
        None => (Bytes::default(), 0),
    }
}

fn unquote_char(text: GoStr<'_>, quote: u8) -> (i32, bool, i64) {
    match quote::unquote_char(&text, quote) {
        Some(c) => (c.rune, c.multibyte, c.width as i64),
        None => (0, false, 0),
    }
}

natives! {
    pure "parseSigned" => parse_signed;
    pure "parseUnsigned" => parse_unsigned;
    pure "parseFloat" => parse_float;
    pure "parseFloatPrefix" => parse_float_prefix;
    pure "Itoa" => itoa;
    pure "FormatInt" => format_int;
    pure "FormatUint" => format_uint;
    pure "FormatFloat" => format_float;
    pure "Quote" => quote_plain;
    pure "QuoteToASCII" => quote_ascii;
    pure "QuoteToGraphic" => quote_graphic;
    pure "QuoteRune" => quote_rune;
    pure "QuoteRuneToASCII" => quote_rune_ascii;
    pure "QuoteRuneToGraphic" => quote_rune_graphic;
    pure "CanBackquote" => can_backquote;
    pure "unquote" => unquote;
    pure "unquoteChar" => unquote_char;
    pure "IsPrint" => tables::is_print;
    pure "IsGraphic" => tables::is_graphic;
}
