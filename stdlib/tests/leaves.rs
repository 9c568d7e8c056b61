//! Leaf functions against tables whose expectations come from Go.

use golite_stdlib::math::elementary as e;
use golite_stdlib::strconv::float::{NumberError, append_float, parse_float};
use golite_stdlib::strconv::integer::{parse_signed, parse_unsigned};
use golite_stdlib::strconv::quote::{Escape, append_quoted, unquote_prefix};
use golite_stdlib::strings::search;
use golite_stdlib::unicode::{tables, utf8};

fn float(value: f64, layout: u8, precision: i64, bits: u32) -> String {
    let mut out = Vec::new();
    append_float(&mut out, value, layout, precision, bits);
    String::from_utf8(out).expect("ASCII")
}

#[test]
fn floats_are_written_as_go_writes_them() {
    for (value, layout, precision, bits, want) in [
        (0.0, b'g', -1, 64, "0"),
        (-0.0, b'e', -1, 64, "-0e+00"),
        (1e6, b'g', -1, 64, "1e+06"),
        (100_000.0, b'g', -1, 64, "100000"),
        (123_456_789.0, b'g', -1, 64, "1.23456789e+08"),
        (1e-5, b'g', -1, 64, "1e-05"),
        (0.0001, b'g', -1, 64, "0.0001"),
        (2.5, b'f', 0, 64, "2"),
        (3.5, b'f', 0, 64, "4"),
        (0.25, b'f', 1, 64, "0.2"),
        (1e23, b'f', -1, 64, "100000000000000000000000"),
        (1e23, b'g', 17, 64, "9.9999999999999992e+22"),
        (32.0, b'b', -1, 64, "4503599627370496p-47"),
        (1.5, b'x', -1, 64, "0x1.8p+00"),
        (1.0 / 3.0, b'X', 3, 64, "0X1.555P-02"),
        (5e-324, b'x', -1, 64, "0x1p-1074"),
        (7529.15625, b'g', -1, 32, "7529.1562"),
        (f64::from(0.1f32), b'g', -1, 32, "0.1"),
        (f64::INFINITY, b'f', 2, 64, "+Inf"),
        (1.0, b'z', 2, 64, "%z"),
    ] {
        assert_eq!(float(value, layout, precision, bits), want);
    }
}

#[test]
fn floats_are_read_as_go_reads_them() {
    for (text, want) in [
        ("1_000.5", Ok(1000.5)),
        ("0x1p-2", Ok(0.25)),
        ("0x1.fffffffffffff8p0", Ok(2.0)),
        ("0x1p-1074", Ok(5e-324)),
        ("0x1p-1075", Ok(0.0)),
        ("0x1.8p-1075", Ok(5e-324)),
        ("+Infinity", Ok(f64::INFINITY)),
        (".5e1", Ok(5.0)),
        ("1e400", Err(NumberError::Range)),
        ("0x1p1024", Err(NumberError::Range)),
        ("1__0", Err(NumberError::Syntax)),
        ("0x1", Err(NumberError::Syntax)),
        ("1e", Err(NumberError::Syntax)),
        ("", Err(NumberError::Syntax)),
        ("1 ", Err(NumberError::Syntax)),
    ] {
        let (value, error) = parse_float(text.as_bytes(), 64);
        assert_eq!(error.map_or(Ok(value), Err), want, "{text}");
    }
}

#[test]
fn integers_are_read_as_go_reads_them() {
    assert_eq!(
        parse_signed(b"-9223372036854775808", 10, 64),
        (i64::MIN, None)
    );
    assert_eq!(
        parse_signed(b"9223372036854775808", 10, 64),
        (i64::MAX, Some(NumberError::Range))
    );
    assert_eq!(
        parse_signed(b"-129", 10, 8),
        (-128, Some(NumberError::Range))
    );
    assert_eq!(parse_signed(b"0x_1F", 0, 64), (31, None));
    assert_eq!(
        parse_signed(b"0x1__F", 0, 64),
        (0, Some(NumberError::Syntax))
    );
    assert_eq!(parse_signed(b"+", 10, 64), (0, Some(NumberError::Syntax)));
    assert_eq!(parse_unsigned(b"zz", 36, 64), (1295, None));
    assert_eq!(
        parse_unsigned(b"18446744073709551616", 10, 64),
        (u64::MAX, Some(NumberError::Range))
    );
}

#[test]
fn strings_are_quoted_and_unquoted() {
    let mut out = Vec::new();
    append_quoted(
        &mut out,
        b"a\"\n\x00\xff\xe2\x80\x8b",
        b'"',
        Escape::Unprintable,
    );
    assert_eq!(out, br#""a\"\n\x00\xff\u200b""#);
    assert_eq!(
        unquote_prefix(&out),
        Some((b"a\"\n\x00\xff\xe2\x80\x8b".to_vec(), out.len()))
    );
    assert_eq!(unquote_prefix(br#""\ud800""#), None);
    assert_eq!(unquote_prefix(b"'ab'"), None);
}

#[test]
fn elementary_functions_agree_to_the_last_bit() {
    for (got, want) in [
        (e::exp(1.0), 0x4005bf0a8b145769u64),
        (e::log(10.0), 0x40026bb1bbb55516u64),
        (e::log10(2.0), 0x3fd34413509f79ffu64),
        (e::pow(2.0, 0.5), 0x3ff6a09e667f3bcdu64),
        (e::pow(1.1, 10.0), 0x4004bffc0c03023du64),
        (e::sinh(-0.0), 0x8000000000000000u64),
        (e::hypot(3.0, 4.0), 0x4014000000000000u64),
        (e::ldexp(1.0, -1074), 0x0000000000000001u64),
        (e::sin(1e22), 0xbfeb453ab76bf398u64),
        (e::gamma(33.5), 0x47722047b269c252u64),
    ] {
        assert_eq!(got.to_bits(), want, "{got:?}");
    }
}

#[test]
fn invalid_text_is_one_replacement_per_byte() {
    let text = b"a\xff\xe6\x97b";
    let mut at = 0;
    let mut seen = Vec::new();
    while at < text.len() {
        let (rune, width) = utf8::decode(&text[at..]);
        seen.push((rune, width));
        at += width;
    }
    assert_eq!(
        seen,
        [(97, 1), (0xFFFD, 1), (0xFFFD, 1), (0xFFFD, 1), (98, 1)]
    );
    assert_eq!(utf8::rune_count(text), 5);
    assert_eq!(utf8::decode_last(b"\xe6\x97\xa5"), (0x65E5, 3));
    assert_eq!(utf8::decode_last(b"\x97\xa5"), (0xFFFD, 1));
}

#[test]
fn case_and_folding_follow_unicode() {
    assert_eq!(tables::to_case(tables::UPPER, 'ß' as i32), 'ß' as i32);
    assert_eq!(tables::to_case(tables::TITLE, 'ǆ' as i32), 'ǅ' as i32);
    assert_eq!(tables::simple_fold('K' as i32), 'k' as i32);
    assert_eq!(tables::simple_fold('k' as i32), '\u{212A}' as i32);
    assert_eq!(tables::simple_fold(0x212A), 'K' as i32);
    assert!(
        tables::is_letter('語' as i32)
            && !tables::is_letter(-1)
            && tables::is_punct('!' as i32)
            && tables::is_symbol('$' as i32)
    );
}

#[test]
fn texts_are_searched_and_replaced() {
    assert_eq!(search::split(b"a,b,,c", b",", 0, 2), [0..1, 2..6]);
    assert_eq!(search::split("aé".as_bytes(), b"", 0, -1), [0..1, 1..3]);
    assert_eq!(
        search::replace(b"ab", b"", b"-", -1),
        Some(b"-a-b-".to_vec())
    );
    assert_eq!(search::replace(b"ab", b"x", b"-", -1), None);
    assert_eq!(
        search::replace_pairs(b"ab", &[(b"a", b"Y"), (b"", b"X")]),
        Some(b"YXbX".to_vec())
    );
    assert!(search::equal_fold("ſTRASSE".as_bytes(), b"strasse"));
}
