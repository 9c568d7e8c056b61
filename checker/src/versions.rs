//! The language version of a file: what is new since then is refused there, and loop variables are as they were.
//!
//! It is that of the module, unless a `//go:build` line asks for another. Standard packages and scripts are of today.
//!
//! GO: cmd/compile/internal/types2/version.go; the words behind an error are those of cmd/compile/internal/noder `checkFiles`.

use diagnostics::{Code, FileId, TextRange};
use parser::ast::{Expr, ExprId};
use rustc_hash::FxHashMap;

use crate::checker::Checker;
use crate::types::{Type, TypeId};

/// The `N` of a language version `go1.N`, and where it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LanguageVersion {
    /// The version.
    pub minor: u32,
    /// Does a `//go:build` line of the file say so?
    pub of_line: bool,
}

/// The versions of files; the others are of today.
pub type LanguageVersions = FxHashMap<FileId, LanguageVersion>;

/// Since when each iteration of a loop has variables of its own.
pub(crate) const OWN_LOOP_VARIABLES: u32 = 22;

impl Checker<'_> {
    /// May a file use what came with `go1.{minor}`?
    pub(crate) fn allows(&self, file: FileId, minor: u32) -> bool {
        let version = self.program.versions.get(&file);
        version.is_none_or(|version| version.minor >= minor)
    }

    /// Reports, unless the file may use it, that something requires `go1.{minor}`.
    pub(crate) fn require(&mut self, range: TextRange, minor: u32, what: &str) -> bool {
        if self.allows(range.file, minor) {
            return true;
        }
        let message = self.requirement(range.file, minor, what);
        self.report(Code::LaterVersion, range, message);
        false
    }

    /// The message, with what sets the version of the file.
    pub(crate) fn requirement(&self, file: FileId, minor: u32, what: &str) -> String {
        let why = match self.program.versions.get(&file) {
            Some(version) if version.of_line => {
                format!(" (file declares //go:build go1.{})", version.minor)
            }
            Some(version) => format!(" (-lang was set to go1.{}; check go.mod)", version.minor),
            None => String::new(),
        };
        format!("{what} requires go1.{minor} or later{why}")
    }

    /// Are the form of a number literal and its underscores older than the file?
    pub(crate) fn check_literal_version(&mut self, expr: ExprId, text: &str) {
        let range = self.range(expr);
        if text.len() <= 2 || self.allows(range.file, 13) {
            return;
        }
        let float = !matches!(self.ast.expr(expr), Expr::IntLit(_));
        let what = if text.contains('_') {
            "underscore in numeric literal"
        } else {
            match text.as_bytes() {
                [b'0', b'b' | b'B', ..] => "binary literal",
                [b'0', b'o' | b'O', ..] => "0o/0O-style octal literal",
                [b'0', b'x' | b'X', ..] if float => "hexadecimal floating-point literal",
                _ => return,
            }
        };
        self.require(range, 13, what);
    }

    /// The names of the fields on the way to one that is promoted.
    pub(crate) fn field_path(&self, mut typ: TypeId, path: &[u32]) -> String {
        let types = &self.program.types;
        let mut names = Vec::new();
        for index in path {
            let base = types.as_pointer(typ).unwrap_or(typ);
            let Type::Struct(fields) = types.underlying(base) else {
                break;
            };
            let field = &fields[*index as usize];
            names.push(self.text(field.name));
            typ = field.typ;
        }
        names.join(".")
    }
}
