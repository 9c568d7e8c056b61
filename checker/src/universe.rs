//! The predeclared names. SPEC: Predeclared identifiers. GO: go/types universe.go.

macro_rules! builtins {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $args:literal, $variadic:literal, $kind:ident;)*) => {
        /// The builtin functions.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Builtin { $($(#[$doc])* $variant,)* }

        impl Builtin {
            /// All of them.
            pub const ALL: &'static [Builtin] = &[$(Builtin::$variant),*];

            /// The name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Builtin::$variant => $name,)* }
            }

            /// The least number of arguments.
            #[must_use]
            pub const fn arguments(self) -> usize {
                match self { $(Builtin::$variant => $args,)* }
            }

            /// May there be more?
            #[must_use]
            pub const fn is_variadic(self) -> bool {
                match self { $(Builtin::$variant => $variadic,)* }
            }

            /// May a call be a statement, or must its value be used?
            #[must_use]
            pub const fn kind(self) -> CallKind {
                match self { $(Builtin::$variant => CallKind::$kind,)* }
            }
        }
    };
}

/// What a call may be used as. GO: go/types `exprKind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// A conversion: a value only.
    Conversion,
    /// A value only.
    Expression,
    /// A statement, or a value if it has one.
    Statement,
}

builtins! {
    /// `append(s, x...)`
    Append = "append", 1, true, Expression;
    /// `cap(x)`
    Cap = "cap", 1, false, Expression;
    /// `clear(x)`
    Clear = "clear", 1, false, Statement;
    /// `close(c)`
    Close = "close", 1, false, Statement;
    /// `complex(re, im)`
    Complex = "complex", 2, false, Expression;
    /// `copy(to, from)`
    Copy = "copy", 2, false, Statement;
    /// `delete(m, k)`
    Delete = "delete", 2, false, Statement;
    /// `imag(c)`
    Imag = "imag", 1, false, Expression;
    /// `len(x)`
    Len = "len", 1, false, Expression;
    /// `make(T, n...)`
    Make = "make", 1, true, Expression;
    /// `max(x...)`
    Max = "max", 1, true, Expression;
    /// `min(x...)`
    Min = "min", 1, true, Expression;
    /// `new(T)`, `new(x)`
    New = "new", 1, false, Expression;
    /// `panic(x)`
    Panic = "panic", 1, false, Statement;
    /// `print(x...)`
    Print = "print", 0, true, Statement;
    /// `println(x...)`
    Println = "println", 0, true, Statement;
    /// `real(c)`
    Real = "real", 1, false, Expression;
    /// `recover()`
    Recover = "recover", 0, false, Statement;
}
