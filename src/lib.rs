//! golite: Go as a scripting language, with Go's own kind of runtime under it.
//!
//! For applications that run scripts: [`Golite`], [`Program`], [`Vm`], [`Func`]; see [`embed`].
//!
//! For tools:
//! - [`pipeline`]: the stages in a row, from text to bytecode.
//! - [`loader`]: from files and folders to the program's own packages.
//! - [`packages`]: where standard packages, and those of a host, come from.
//! - `documentation` (feature `cli`): what sources say above their declarations.
//! - [`profile`]: where a program spends its time and its memory, for people to look at.
//! - [`session`]: a program that grows, unit by unit, while it runs.
//! - [`timeline`]: what the scheduler recorded, for people to look at.
//!
//! The command (`main.rs`) is the only place that reads the process's arguments and environment or ends the process.

#[cfg(feature = "cli")]
pub mod documentation;
pub mod embed;
pub mod loader;
pub mod packages;
pub mod pipeline;
pub mod profile;
pub mod session;
pub mod timeline;

pub use embed::*;

/// The programs of the page are tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/embedding.md")]
struct EmbeddingPage;
