//! Tokens to syntax tree.
#![forbid(unsafe_code)]

pub mod ast;
