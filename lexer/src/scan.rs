//! What a regular expression says badly: numbers, quoted literals, comments, and what is wrong with them.
//!
//! GO: cmd/compile/internal/syntax/scanner.go, whose functions these are, with their messages and positions.

use logos::Lexer;

use crate::literals;
use crate::token::TokenKind;

/// A malformed token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LexicalError {
    /// Offset where Go reports it.
    pub start: u32,
    /// Offset behind what is meant.
    pub end: u32,
    /// What Go says.
    pub message: String,
    /// Whether the literal that holds the place has no value; not so for characters that are read over.
    pub spoils_literal: bool,
}

/// What the scanning functions leave behind.
#[derive(Debug)]
pub struct State {
    /// In the order found.
    pub(crate) errors: Vec<LexicalError>,
    /// The kind of the number just scanned.
    pub(crate) number: TokenKind,
}

impl Default for State {
    fn default() -> Self {
        Self {
            errors: Vec::new(),
            number: TokenKind::Int,
        }
    }
}

impl State {
    pub(crate) fn error(&mut self, start: usize, len: usize, message: impl Into<String>) {
        self.errors.push(LexicalError {
            start: start as u32,
            end: (start + len) as u32,
            message: message.into(),
            spoils_literal: true,
        });
    }
}

/// Go's `%#U`: `U+0040 '@'`.
pub(crate) fn describe(character: char) -> String {
    let code = character as u32;
    let printable = !character.is_control() && !character.is_whitespace() || character == ' ';
    let invisible = matches!(code, 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0xFEFF | 0xE000..=0xF8FF | 0xFFF9..=0xFFFB);
    if printable && !invisible {
        format!("U+{code:04X} '{character}'")
    } else {
        format!("U+{code:04X}")
    }
}

/// Part of a text only at its beginning.
pub(crate) const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// What no text may hold, be it between tokens, in a literal or in a comment; it is read over.
///
/// GO: cmd/compile/internal/syntax/source.go nextch
pub(crate) fn forbidden_characters(text: &str, errors: &mut Vec<LexicalError>) {
    let before = errors.len();
    // Every text goes through here, so it is searched by bytes: the mark begins with one that is rare.
    let first = BYTE_ORDER_MARK.encode_utf8(&mut [0; 4]).as_bytes()[0];
    for at in memchr::memchr2_iter(0, first, text.as_bytes()) {
        let (message, length) = match text[at..].chars().next() {
            Some('\0') => ("invalid NUL character", 1),
            Some(BYTE_ORDER_MARK) if at > 0 => (
                "invalid BOM in the middle of the file",
                BYTE_ORDER_MARK.len_utf8(),
            ),
            _ => continue,
        };
        errors.push(LexicalError {
            start: at as u32,
            end: (at + length) as u32,
            message: message.to_owned(),
            spoils_literal: false,
        });
    }
    if errors.len() > before {
        errors.sort_by_key(|error| error.start);
    }
}

/// Continues where a name meets a character that Go accepts into it with a complaint.
pub(crate) fn identifier(lexer: &mut Lexer<'_, TokenKind>) {
    while let Some(character) = lexer.remainder().chars().next() {
        let is_letter = character.is_alphanumeric() && !is_number_other_than_digit(character);
        if character.is_ascii() && !character.is_ascii_alphanumeric() && character != '_' {
            break;
        }
        let at = lexer.span().end;
        if !character.is_ascii() && !is_letter && character != BYTE_ORDER_MARK {
            complain_in_identifier(&mut lexer.extras, at, character);
        }
        lexer.bump(character.len_utf8());
    }
}

pub(crate) fn complain_in_identifier(state: &mut State, at: usize, character: char) {
    let message = if character.is_numeric() && !is_number_other_than_digit(character) {
        format!("identifier cannot begin with digit {}", describe(character))
    } else {
        format!("invalid character {} in identifier", describe(character))
    };
    state.error(at, character.len_utf8(), message);
}

/// Category Nd is what Go takes for digits; std's `is_numeric` is Nd, Nl and No together.
fn is_number_other_than_digit(character: char) -> bool {
    matches!(character as u32,
        0xB2 | 0xB3 | 0xB9 | 0xBC..=0xBE | 0x2070..=0x218B | 0x2460..=0x249B | 0x24EA..=0x24FF | 0x2776..=0x2793 | 0x3007
        | 0x3021..=0x3029 | 0x3038..=0x303A | 0x3192..=0x3195 | 0x3220..=0x32BF)
}

struct Cursor<'s> {
    bytes: &'s [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The byte lower-cased, 0 at the end.
    fn lower(&self) -> u8 {
        self.peek().unwrap_or(0) | 0x20
    }

    /// Bit 0: a digit was there; bit 1: a separator was there.
    fn digits(&mut self, base: u32, invalid: &mut Option<usize>) -> u8 {
        let mut seen = 0;
        while let Some(byte) = self.peek() {
            match byte {
                b'_' => seen |= 2,
                b'0'..=b'9' => {
                    if base <= 10 && u32::from(byte - b'0') >= base && invalid.is_none() {
                        *invalid = Some(self.at);
                    }
                    seen |= 1;
                }
                b'a'..=b'f' | b'A'..=b'F' if base == 16 => seen |= 1,
                _ => break,
            }
            self.at += 1;
        }
        seen
    }
}

/// GO: scanner.number
pub(crate) fn number(lexer: &mut Lexer<'_, TokenKind>) {
    let start = lexer.span().start;
    let text = &lexer.source()[start..];
    let mut cursor = Cursor {
        bytes: text.as_bytes(),
        at: 0,
    };
    let mut error: Option<(usize, usize, String)> = None;
    let mut complain = |at: usize, len: usize, message: String| {
        if error.is_none() {
            error = Some((at, len, message));
        }
    };
    let mut kind = TokenKind::Int;
    let (mut base, mut prefix, mut seen, mut invalid) = (10, 0u8, 0u8, None);
    let mut point = cursor.peek() == Some(b'.');
    if !point {
        if cursor.peek() == Some(b'0') {
            cursor.at += 1;
            (base, prefix) = match cursor.lower() {
                b'x' => (16, b'x'),
                b'o' => (8, b'o'),
                b'b' => (2, b'b'),
                _ => (8, b'0'),
            };
            if prefix == b'0' {
                seen = 1;
            } else {
                cursor.at += 1;
            }
        }
        seen |= cursor.digits(base, &mut invalid);
        point = cursor.peek() == Some(b'.');
        if point && matches!(prefix, b'o' | b'b') {
            complain(
                cursor.at,
                1,
                format!(
                    "invalid radix point in {} literal",
                    literals::base_name(base)
                ),
            );
        }
    }
    if point {
        cursor.at += 1;
        kind = TokenKind::Float;
        seen |= cursor.digits(base, &mut invalid);
    }
    if seen & 1 == 0 {
        complain(
            cursor.at,
            1,
            format!("{} literal has no digits", literals::base_name(base)),
        );
    }
    let exponent = cursor.lower();
    if matches!(exponent, b'e' | b'p')
        && cursor.peek().is_some_and(|byte| byte.is_ascii_alphabetic())
    {
        let letter = char::from(text.as_bytes()[cursor.at]);
        if exponent == b'e' && prefix != 0 && prefix != b'0' {
            complain(
                cursor.at,
                1,
                format!("'{letter}' exponent requires decimal mantissa"),
            );
        } else if exponent == b'p' && prefix != b'x' {
            complain(
                cursor.at,
                1,
                format!("'{letter}' exponent requires hexadecimal mantissa"),
            );
        }
        cursor.at += 1;
        kind = TokenKind::Float;
        if matches!(cursor.peek(), Some(b'+' | b'-')) {
            cursor.at += 1;
        }
        let exponent_seen = cursor.digits(10, &mut None);
        seen = exponent_seen | (seen & 2);
        if seen & 1 == 0 {
            complain(cursor.at, 1, "exponent has no digits".to_owned());
        }
    } else if prefix == b'x' && kind == TokenKind::Float {
        complain(
            cursor.at,
            1,
            "hexadecimal mantissa requires a 'p' exponent".to_owned(),
        );
    }
    if cursor.peek() == Some(b'i') {
        kind = TokenKind::Imaginary;
        cursor.at += 1;
    }
    if kind == TokenKind::Int
        && let Some(at) = invalid
    {
        let digit = char::from(text.as_bytes()[at]);
        complain(
            at,
            1,
            format!(
                "invalid digit '{digit}' in {} literal",
                literals::base_name(base)
            ),
        );
    }
    if seen & 2 != 0
        && let Some(at) = literals::invalid_separator(&text[..cursor.at])
    {
        complain(at, 1, "'_' must separate successive digits".to_owned());
    }
    let end = cursor.at;
    lexer.bump(start + end - lexer.span().end);
    lexer.extras.number = kind;
    if let Some((at, len, message)) = error {
        lexer.extras.error(start + at, len, message);
    }
}

/// GO: scanner.rune
pub(crate) fn rune(lexer: &mut Lexer<'_, TokenKind>) {
    let start = lexer.span().start;
    let text = lexer.remainder();
    let inside = start + 1;
    let (mut at, mut count, mut ok) = (0, 0, true);
    let mut errors = Vec::new();
    loop {
        match text[at..].chars().next() {
            Some('\'') => {
                if ok && count == 0 {
                    errors.push((
                        inside + at,
                        1,
                        "empty rune literal or unescaped '".to_owned(),
                    ));
                } else if ok && count != 1 {
                    errors.push((
                        start,
                        at + 2,
                        "more than one character in rune literal".to_owned(),
                    ));
                }
                at += 1;
                break;
            }
            Some('\\') => {
                at += 1;
                if let Err((offset, message)) = literals::escape(text, &mut at, '\'') {
                    errors.push((inside + offset, 1, message));
                    ok = false;
                }
            }
            Some('\n') => {
                if ok {
                    errors.push((inside + at, 1, "newline in rune literal".to_owned()));
                }
                break;
            }
            None => {
                if ok {
                    errors.push((start, 1, "rune literal not terminated".to_owned()));
                }
                break;
            }
            Some(character) => at += character.len_utf8(),
        }
        count += 1;
    }
    lexer.bump(at);
    for (at, len, message) in errors {
        lexer.extras.error(at, len, message);
    }
}

/// GO: scanner.stdString
pub(crate) fn string(lexer: &mut Lexer<'_, TokenKind>) {
    let start = lexer.span().start;
    let text = lexer.remainder();
    let inside = start + 1;
    let mut at = 0;
    let mut errors = Vec::new();
    let bytes = text.as_bytes();
    loop {
        match bytes.get(at) {
            Some(b'"') => {
                at += 1;
                break;
            }
            Some(b'\\') => {
                at += 1;
                if let Err((offset, message)) = literals::escape(text, &mut at, '"') {
                    errors.push((inside + offset, 1, message));
                }
            }
            Some(b'\n') => {
                errors.push((inside + at, 1, "newline in string".to_owned()));
                break;
            }
            None => {
                errors.push((start, 1, "string not terminated".to_owned()));
                break;
            }
            Some(_) => at += 1,
        }
    }
    lexer.bump(at);
    for (at, len, message) in errors {
        lexer.extras.error(at, len, message);
    }
}

/// GO: scanner.rawString
pub(crate) fn raw_string(lexer: &mut Lexer<'_, TokenKind>) {
    let start = lexer.span().start;
    let rest = lexer.remainder();
    if let Some(at) = rest.find('`') {
        lexer.bump(at + 1);
    } else {
        lexer.bump(rest.len());
        lexer.extras.error(start, 1, "string not terminated");
    }
}

pub(crate) fn line_comment(lexer: &mut Lexer<'_, TokenKind>) {
    let rest = lexer.remainder();
    lexer.bump(rest.find('\n').unwrap_or(rest.len()));
}

/// GO: scanner.skipComment
pub(crate) fn block_comment(lexer: &mut Lexer<'_, TokenKind>) {
    let start = lexer.span().start;
    let rest = lexer.remainder();
    if let Some(at) = rest.find("*/") {
        lexer.bump(at + 2);
    } else {
        lexer.bump(rest.len());
        lexer.extras.error(start, 2, "comment not terminated");
    }
}
