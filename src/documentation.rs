//! What sources say above their declarations: the comments of a text, and the documented declarations of a package.
//!
//! A package's documentation is read from its syntax alone, so a package that does not compile has one, too. Texts are gofmt's, so
//! declarations are shown as they stand there; what is left out (bodies, fields that are not exported) is cut out and the
//! rest formatted again.
//!
//! GO: go/doc/reader.go, cmd/go/internal/doc/pkg.go

mod comments;
mod one_line;
mod package;

pub use comments::{Comments, comment_text};
pub use package::{Function, Package, Show, Type, Value};
