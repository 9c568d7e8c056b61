//! When a text is complete: no bracket is open, no literal or comment unfinished, and the last line does not end in the middle of an
//! expression.

use lexer::{Token, TokenKind};

/// Whether the text can be run as it is; a text that is wrong can, to be told so.
pub fn is_complete(text: &str) -> bool {
    if text.trim_start().starts_with(':') {
        return true;
    }
    let lexed = lexer::lex(text);
    let unfinished = |error: &lexer::LexicalError| {
        let rest = &text[error.start as usize..];
        error.message == "comment not terminated"
            || (error.message == "string not terminated" && rest.starts_with('`'))
    };
    if lexed.errors.iter().any(unfinished) {
        return false;
    }
    if open_brackets(&lexed.tokens) > 0 {
        return false;
    }
    let is_end = |token: &&Token| {
        token.kind == TokenKind::EndOfFile
            || (token.kind == TokenKind::Semicolon && token.start == token.end)
    };
    let last = lexed.tokens.iter().rev().find(|token| !is_end(token));
    last.is_none_or(|token| !goes_on(token.kind))
}

/// How many brackets are open at the end; less than none if too many are closed.
pub fn open_brackets(tokens: &[Token]) -> isize {
    use TokenKind as T;
    let change = |token: &Token| match token.kind {
        T::LeftParen | T::LeftBracket | T::LeftBrace => 1,
        T::RightParen | T::RightBracket | T::RightBrace => -1,
        _ => 0,
    };
    tokens.iter().map(change).sum()
}

/// Can no statement end with it? A colon at the end is that of a label, whose statement is still to come.
fn goes_on(kind: TokenKind) -> bool {
    let text = kind.spelling();
    let is_operator = !text.is_empty() && !text.chars().next().is_some_and(char::is_alphanumeric);
    is_operator && !matches!(text, ")" | "]" | "}" | "++" | "--" | ";" | "...")
}
