//! The table of tokens.

use logos::Logos;

use crate::scan;

/// What a row says besides the token's name: how the lexer finds it.
macro_rules! tokens {
    (
        keywords { $($keyword:ident = $keyword_text:literal $($keyword_ends:ident)?,)* }
        operators { $($operator:ident = $operator_text:literal $($operator_ends:ident)?,)* }
        scanned { $($(#[$attribute:meta])* $scanned:ident = $scanned_text:literal $($scanned_ends:ident)?,)* }
        made { $($made:ident = $made_text:literal,)* }
    ) => {
        /// One kind of token.
        #[derive(Logos, Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[logos(skip r"[ \t\r]+")]
        #[logos(extras = scan::State)]
        #[repr(u8)]
        pub enum TokenKind {
            $(#[doc = concat!("`", $keyword_text, "`")] #[token($keyword_text)] $keyword,)*
            $(#[doc = concat!("`", $operator_text, "`")] #[token($operator_text)] $operator,)*
            $(#[doc = $scanned_text] $(#[$attribute])* $scanned,)*
            $(#[doc = $made_text] $made,)*
        }

        impl TokenKind {
            /// How Go's compiler names it in messages: `keyword if`, `comma`, `:=`.
            #[must_use]
            pub const fn display(self) -> &'static str {
                if matches!(self, TokenKind::Comma) {
                    return "comma";
                }
                match self {
                    $(TokenKind::$keyword => concat!("keyword ", $keyword_text),)*
                    $(TokenKind::$operator => $operator_text,)*
                    $(TokenKind::$scanned => $scanned_text,)*
                    $(TokenKind::$made => $made_text,)*
                }
            }

            /// How a keyword or operator is written; empty for what has no spelling of its own.
            #[must_use]
            pub const fn spelling(self) -> &'static str {
                match self {
                    $(TokenKind::$keyword => $keyword_text,)*
                    $(TokenKind::$operator => $operator_text,)*
                    _ => "",
                }
            }

            /// Whether it is a reserved word.
            #[must_use]
            pub const fn is_keyword(self) -> bool {
                matches!(self, $(TokenKind::$keyword)|*)
            }

            /// Whether a line end behind it becomes a semicolon.
            // SPEC: Semicolons.
            #[must_use]
            pub const fn ends_statement(self) -> bool {
                match self {
                    $(TokenKind::$keyword => ends!($($keyword_ends)?),)*
                    $(TokenKind::$operator => ends!($($operator_ends)?),)*
                    $(TokenKind::$scanned => ends!($($scanned_ends)?),)*
                    $(TokenKind::$made => false,)*
                }
            }

            /// All reserved words.
            pub fn keywords() -> impl Iterator<Item = &'static str> {
                TokenKind::ALL
                    .iter()
                    .filter(|kind| kind.is_keyword())
                    .map(|kind| kind.spelling())
            }

            /// Every kind.
            pub const ALL: &'static [TokenKind] = &[
                $(TokenKind::$keyword,)* $(TokenKind::$operator,)* $(TokenKind::$scanned,)* $(TokenKind::$made,)*
            ];
        }
    };
}

macro_rules! ends {
    () => {
        false
    };
    (ends) => {
        true
    };
}

tokens! {
    keywords {
        Break = "break" ends,
        Case = "case",
        Chan = "chan",
        Const = "const",
        Continue = "continue" ends,
        Default = "default",
        Defer = "defer",
        Else = "else",
        Fallthrough = "fallthrough" ends,
        For = "for",
        Func = "func",
        Go = "go",
        Goto = "goto",
        If = "if",
        Import = "import",
        Interface = "interface",
        Map = "map",
        Package = "package",
        Range = "range",
        Return = "return" ends,
        Select = "select",
        Struct = "struct",
        Switch = "switch",
        Type = "type",
        Var = "var",
    }
    operators {
        Plus = "+",
        Minus = "-",
        Star = "*",
        Slash = "/",
        Percent = "%",
        Ampersand = "&",
        Pipe = "|",
        Caret = "^",
        ShiftLeft = "<<",
        ShiftRight = ">>",
        AndNot = "&^",
        PlusAssign = "+=",
        MinusAssign = "-=",
        StarAssign = "*=",
        SlashAssign = "/=",
        PercentAssign = "%=",
        AmpersandAssign = "&=",
        PipeAssign = "|=",
        CaretAssign = "^=",
        ShiftLeftAssign = "<<=",
        ShiftRightAssign = ">>=",
        AndNotAssign = "&^=",
        AndAnd = "&&",
        OrOr = "||",
        Arrow = "<-",
        Increment = "++" ends,
        Decrement = "--" ends,
        Equal = "==",
        NotEqual = "!=",
        Less = "<",
        LessEqual = "<=",
        Greater = ">",
        GreaterEqual = ">=",
        Assign = "=",
        Define = ":=",
        Not = "!",
        Tilde = "~",
        LeftParen = "(",
        RightParen = ")" ends,
        LeftBracket = "[",
        RightBracket = "]" ends,
        LeftBrace = "{",
        RightBrace = "}" ends,
        Comma = ",",
        Semicolon = ";",
        Colon = ":",
        Dot = ".",
        Ellipsis = "...",
    }
    scanned {
        #[regex(r"[\p{L}_][\p{L}\p{Nd}_]*", scan::identifier)]
        Ident = "name" ends,
        #[regex(r"[0-9]|\.[0-9]", scan::number)]
        Int = "integer literal" ends,
        Float = "floating-point literal" ends,
        Imaginary = "imaginary literal" ends,
        #[token("'", scan::rune)]
        Rune = "rune literal" ends,
        #[token("\"", scan::string)]
        #[token("`", scan::raw_string)]
        String = "string literal" ends,
        #[regex(r"//", scan::line_comment)]
        LineComment = "comment",
        #[token("/*", scan::block_comment)]
        BlockComment = "comment",
        #[token("\n")]
        LineEnd = "newline",
    }
    made {
        NewlineSemicolon = "newline",
        FinalSemicolon = "EOF",
        EndOfFile = "EOF",
    }
}

impl TokenKind {
    /// A number, rune or string.
    #[must_use]
    pub const fn is_literal(self) -> bool {
        use TokenKind::*;
        matches!(self, Int | Float | Imaginary | Rune | String)
    }

    /// `;`, written or inserted.
    #[must_use]
    pub const fn is_semicolon(self) -> bool {
        use TokenKind::*;
        matches!(self, Semicolon | NewlineSemicolon | FinalSemicolon)
    }
}

/// A token and where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// Its kind.
    pub kind: TokenKind,
    /// Offset of its first byte.
    pub start: u32,
    /// Offset behind its last byte; an inserted semicolon is the line end it stands for.
    pub end: u32,
}

impl Token {
    /// Its text.
    #[must_use]
    pub fn text(self, source: &str) -> &str {
        source
            .get(self.start as usize..self.end as usize)
            .unwrap_or("")
    }
}
