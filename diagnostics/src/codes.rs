//! The table of diagnostic codes.
//!
//! To add one, add a row: its doc comment is what `golite explain` prints, with an example below `Example:`.
//! `E00xx` is syntax, `E01xx` declarations and names, `E02xx` statements, `E03xx` types and expressions,
//! `E04xx` constants, `E09xx` what golite does not know yet.

macro_rules! codes {
    ($($(#[doc = $line:literal])* $name:ident = $code:literal, $title:literal;)*) => {
        /// Names one kind of error.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code {
            $($(#[doc = $line])* $name,)*
        }

        impl Code {
            /// Every row.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// `E0202`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $code,)* }
            }

            /// A few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }

            /// The explanation with its example.
            #[must_use]
            pub fn explanation(self) -> String {
                let lines: &[&str] = match self { $(Code::$name => &[$($line),*],)* };
                lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
            }

            /// The row of `E0202`.
            #[must_use]
            pub fn find(code: &str) -> Option<Code> {
                Code::ALL.iter().copied().find(|row| row.as_str().eq_ignore_ascii_case(code))
            }
        }
    };
}

codes! {
    /// The text does not follow Go's grammar.
    ///
    /// Example:
    ///  func f() { x := }
    Syntax = "E0001", "syntax error";

    /// A character, number, rune or string literal is malformed, or a comment does not end.
    ///
    /// Example:
    ///  var x = 'ab'
    Literal = "E0002", "malformed token";

    /// An expression, type or statement is nested more than 10,000 levels deep.
    TooDeep = "E0003", "nested too deeply";

    /// A name is declared twice in one block.
    ///
    /// Example:
    ///  func f() { var x int; var x string }
    Redeclared = "E0101", "redeclared in this block";

    /// A name is not declared in this scope.
    ///
    /// Example:
    ///  func f() { x = 1 }
    Undefined = "E0102", "undefined";

    /// A package is imported and not used.
    ///
    /// Example:
    ///  import "fmt"
    UnusedImport = "E0103", "imported and not used";

    /// A local variable is declared and never read.
    ///
    /// Example:
    ///  func f() { x := 1 }
    UnusedVariable = "E0202", "declared and not used";

    /// Part of Go that golite does not run yet.
    NotSupported = "E0901", "not supported yet";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_found() {
        for &code in Code::ALL {
            assert_eq!(Code::find(code.as_str()), Some(code), "{code} stands twice");
            assert!(!code.explanation().trim().is_empty(), "{code} has no explanation");
        }
    }
}
