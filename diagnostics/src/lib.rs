//! Source files, text ranges, the table of codes, rendering.
//!
//! Every stage reports what is wrong with a text as a [`Diagnostic`] with a [`Code`] and a [`TextRange`]; only who
//! owns the [`SourceMap`] can turn that into lines and columns. Messages are Go's, word for word where Go has them.
//!
//! INVARIANT: this crate knows neither tokens nor syntax nor types. It prints nothing and reads no environment:
//! rendering returns text, and whether it may be coloured is the caller's to say.
#![forbid(unsafe_code)]

mod codes;
mod diagnostic;
pub mod render;
mod source;

pub use codes::Code;
pub use diagnostic::{Diagnostic, Diagnostics, Label};
pub use render::{Format, render};
pub use source::{FileId, FileTooLarge, LineColumn, SourceFile, SourceMap, TextRange};
