//! Syntax tree to typed program.
#![forbid(unsafe_code)]

pub mod constants;
pub mod lookup;
mod predicates;
mod type_names;
pub mod typed;
pub mod types;
pub mod universe;
