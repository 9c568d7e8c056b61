//! golite: Go as a scripting language, with Go's own kind of runtime under it.
//!
//! - [`pipeline`]: the stages in a row, from text to bytecode.
//! - [`packages`]: where imported packages come from.
//!
//! The command (`main.rs`) is the only place that reads the process's arguments and environment or ends the process.

pub mod packages;
pub mod pipeline;
