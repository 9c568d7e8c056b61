//! Syntax tree to typed program.
#![forbid(unsafe_code)]

pub mod constants;
mod predicates;
pub mod typed;
pub mod types;
pub mod universe;
