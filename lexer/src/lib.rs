//! Text to tokens.
//!
//! [`lex`] cuts a whole text at once; the table of tokens ([`TokenKind`]) says how each is named in messages and whether it ends
//! a statement. logos finds where a token begins and which it is; numbers, quoted literals and comments are then scanned by
//! functions that are Go's own, because what is wrong with them shall be said in Go's words and at Go's column.
//! [`literals`] reads the values.
//!
//! INVARIANT: this crate knows no syntax. Whether a `{` opens a block is the parser's business.
#![forbid(unsafe_code)]

pub mod literals;
mod scan;
mod semicolons;
mod token;

pub use scan::LexicalError;
pub use semicolons::{Comment, Lexed, lex};
pub use token::{Token, TokenKind};
