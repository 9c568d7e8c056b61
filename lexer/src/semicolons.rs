//! From text to the tokens the grammar sees: comments and line ends are gone, semicolons inserted.
//!
//! SPEC: Semicolons. GO: scanner.next (`nlsemi`).

use logos::Logos;

use crate::scan::{self, LexicalError};
use crate::token::{Token, TokenKind};

/// A comment, as written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Comment {
    /// Offset of its first slash.
    pub start: u32,
    /// Offset behind it, before the line end of a line comment.
    pub end: u32,
}

/// A text in tokens.
#[derive(Debug)]
pub struct Lexed {
    /// In order; the last is [`TokenKind::EndOfFile`]. Malformed literals are among them.
    pub tokens: Vec<Token>,
    /// In order.
    pub comments: Vec<Comment>,
    /// What is malformed, in order.
    pub errors: Vec<LexicalError>,
}

/// Cuts a text into tokens. A byte order mark at its beginning and a first line that begins with `#!` are skipped.
#[must_use]
pub fn lex(text: &str) -> Lexed {
    let mut skipped = if text.starts_with('\u{FEFF}') { 3 } else { 0 };
    if text[skipped..].starts_with("#!") {
        skipped = text[skipped..]
            .find('\n')
            .map_or(text.len(), |at| skipped + at);
    }
    let mut lexer = TokenKind::lexer(text);
    lexer.bump(skipped);
    let mut tokens: Vec<Token> = Vec::with_capacity(text.len() / 4 + 2);
    let mut comments = Vec::new();
    // Whether a line end now becomes a semicolon.
    let mut ends = false;
    while let Some(result) = lexer.next() {
        let span = lexer.span();
        let (start, end) = (span.start as u32, span.end as u32);
        let kind = match result {
            Ok(TokenKind::LineEnd) => {
                if ends {
                    tokens.push(Token {
                        kind: TokenKind::NewlineSemicolon,
                        start,
                        end,
                    });
                    ends = false;
                }
                continue;
            }
            Ok(kind @ (TokenKind::LineComment | TokenKind::BlockComment)) => {
                comments.push(Comment { start, end });
                if ends && kind == TokenKind::BlockComment && lexer.slice().contains('\n') {
                    tokens.push(Token {
                        kind: TokenKind::NewlineSemicolon,
                        start,
                        end,
                    });
                    ends = false;
                }
                continue;
            }
            Ok(TokenKind::Int) => lexer.extras.number,
            Ok(kind) => kind,
            Err(()) => {
                let Some(character) = text[span.start..].chars().next() else {
                    break;
                };
                // What logos could not begin a token with: take exactly one character.
                let taken = span.end - span.start;
                if taken < character.len_utf8() {
                    lexer.bump(character.len_utf8() - taken);
                }
                if character.is_ascii() {
                    if character != '\0' {
                        let message = format!("invalid character {}", scan::describe(character));
                        lexer.extras.error(span.start, 1, message);
                    }
                    continue;
                }
                if character == scan::BYTE_ORDER_MARK {
                    continue;
                }
                scan::complain_in_identifier(&mut lexer.extras, span.start, character);
                scan::identifier(&mut lexer);
                TokenKind::Ident
            }
        };
        ends = kind.ends_statement();
        tokens.push(Token {
            kind,
            start,
            end: lexer.span().end as u32,
        });
    }
    let end = text.len() as u32;
    if ends {
        tokens.push(Token {
            kind: TokenKind::FinalSemicolon,
            start: end,
            end,
        });
    }
    tokens.push(Token {
        kind: TokenKind::EndOfFile,
        start: end,
        end,
    });
    let mut errors = lexer.extras.errors;
    scan::forbidden_characters(text, &mut errors);
    Lexed {
        tokens,
        comments,
        errors,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> String {
        let shown = |token: &Token| match token.kind {
            TokenKind::NewlineSemicolon => "\\n".to_owned(),
            TokenKind::FinalSemicolon => "$".to_owned(),
            kind if token.text(text).is_empty() => kind.display().to_owned(),
            _ => token.text(text).to_owned(),
        };
        let lexed = lex(text);
        assert_eq!(lexed.errors, []);
        lexed.tokens[..lexed.tokens.len() - 1]
            .iter()
            .map(shown)
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn errors(text: &str) -> String {
        lex(text)
            .errors
            .iter()
            .map(|error| format!("{} {}", error.start, error.message))
            .collect::<Vec<_>>()
            .join("; ")
    }

    #[test]
    fn a_line_end_behind_an_operand_is_a_semicolon() {
        assert_eq!(kinds("a\n+\nb\n"), "a \\n + b \\n");
        assert_eq!(
            kinds("return\nbreak\ncontinue\nfallthrough\ngoto\n"),
            "return \\n break \\n continue \\n fallthrough \\n goto"
        );
        assert_eq!(
            kinds("x++\ny--\n)\n]\n}\n"),
            "x ++ \\n y -- \\n ) \\n ] \\n } \\n"
        );
        assert_eq!(
            kinds("1\n1.5\n2i\n'a'\n\"s\"\n`r`"),
            "1 \\n 1.5 \\n 2i \\n 'a' \\n \"s\" \\n `r` $"
        );
    }

    #[test]
    fn comments_count_as_their_line_ends() {
        assert_eq!(kinds("a // b\nc"), "a \\n c $");
        assert_eq!(kinds("a /* b */ c"), "a c $");
        assert_eq!(kinds("a /* b\n */ c"), "a \\n c $");
        assert_eq!(kinds("a // end"), "a $");
    }

    #[test]
    fn a_mark_and_a_hash_bang_line_are_skipped() {
        assert_eq!(kinds("\u{FEFF}#!/usr/bin/env golite\nx"), "x $");
        assert_eq!(kinds("#!"), "");
    }

    #[test]
    fn operators_are_as_long_as_can_be() {
        assert_eq!(
            kinds("a&^=b<<=c<-d...e:=f"),
            "a &^= b <<= c <- d ... e := f $"
        );
        assert_eq!(kinds("a.b .5 a..b"), "a . b .5 a . . b $");
        assert_eq!(kinds("x.1"), "x .1 $");
    }

    #[test]
    fn numbers() {
        let kind = |text: &str| lex(text).tokens[0].kind;
        assert_eq!(kind("0x1p-2"), TokenKind::Float);
        assert_eq!(kind("1e5"), TokenKind::Float);
        assert_eq!(kind("0777"), TokenKind::Int);
        assert_eq!(kind("089.5"), TokenKind::Float);
        assert_eq!(kind("089i"), TokenKind::Imaginary);
        assert_eq!(kinds("1..2"), "1. .2 $");
    }

    #[test]
    fn what_is_wrong_is_said_as_go_says_it() {
        for (text, expected) in [
            ("@", "0 invalid character U+0040 '@'"),
            ("a # b", "2 invalid character U+0023 '#'"),
            ("\"abc\n", "4 newline in string"),
            ("\"abc", "0 string not terminated"),
            ("`abc", "0 string not terminated"),
            ("'ab'", "0 more than one character in rune literal"),
            ("''", "1 empty rune literal or unescaped '"),
            ("'a\n", "2 newline in rune literal"),
            ("'a", "0 rune literal not terminated"),
            ("\"\\q\"", "2 unknown escape"),
            ("\"\\xg\"", "3 invalid character 'g' in hexadecimal escape"),
            ("'\\ud800'", "7 escape is invalid Unicode code point U+D800"),
            ("'\\400'", "5 octal escape value 256 > 255"),
            (
                "\"\\u12\\\"",
                "5 invalid character '\\\\' in hexadecimal escape; 0 string not terminated",
            ),
            ("/* a", "0 comment not terminated"),
            ("0x", "2 hexadecimal literal has no digits"),
            ("0b12", "3 invalid digit '2' in binary literal"),
            ("089", "1 invalid digit '8' in octal literal"),
            ("1__0", "2 '_' must separate successive digits"),
            ("1e", "2 exponent has no digits"),
            ("0x1.5", "5 hexadecimal mantissa requires a 'p' exponent"),
            ("1p3", "1 'p' exponent requires hexadecimal mantissa"),
            (
                "“a”",
                "0 invalid character U+201C '“' in identifier; 4 invalid character U+201D '”' in identifier",
            ),
            ("a\0b", "1 invalid NUL character"),
            (
                "\"\0\" '\0' /*\0*/",
                "1 invalid NUL character; 5 invalid NUL character; 10 invalid NUL character",
            ),
            (
                "a\u{FEFF}b // \u{FEFF}",
                "1 invalid BOM in the middle of the file; 9 invalid BOM in the middle of the file",
            ),
        ] {
            assert_eq!(errors(text), expected, "{text:?}");
        }
    }
}
