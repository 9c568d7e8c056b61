//! Expressions and types; in Go's syntax one cannot be told from the other.

use super::{BlockId, ExprId, List, Pooled, Symbol};

/// An expression, a type, or a name, wherever one stands (also where it is declared).
///
/// The range of a node ([`super::Ast::range`]) goes from its first to its last byte, parentheses being nodes of their
/// own. So the closing bracket, brace or parenthesis of what ends in one is `range.last_byte()`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expr {
    /// A place with a syntax error, already reported. The checker makes it invalid and says nothing.
    Bad,
    /// A name.
    Ident(Symbol),
    /// `42`, `0x_2a`, as written. [`lexer::literals::integer`] reads it; it is well-formed.
    IntLit(Symbol),
    /// `1.5e3`, `0x1p-2`, as written. [`lexer::literals::float`] reads it; it is well-formed.
    FloatLit(Symbol),
    /// `2i`, as written, with its `i`.
    ImaginaryLit(Symbol),
    /// `'a'`
    RuneLit {
        /// As written, with quotes.
        text: Symbol,
        /// The code point.
        value: i32,
    },
    /// `"a\n"` or a raw string.
    StringLit {
        /// As written, with quotes.
        text: Symbol,
        /// What it means; any bytes. See [`super::Ast::list`].
        value: List<u8>,
    },
    /// `(x)`
    Paren(ExprId),
    /// `x.name`: a field, a method, or a member of a package.
    Selector {
        /// Before the dot.
        operand: ExprId,
        /// An [`Expr::Ident`].
        name: ExprId,
    },
    /// `x[i]`, `T[A, B]`: an element or an instantiation. At least one index; more than one is only right for types.
    Index {
        /// Before the bracket.
        operand: ExprId,
        /// Inside.
        indices: List<ExprId>,
    },
    /// `x[low:high:max]`
    Slice {
        /// Before the bracket.
        operand: ExprId,
        /// Before the first colon.
        low: Option<ExprId>,
        /// Behind it.
        high: Option<ExprId>,
        /// Behind the second; its presence makes it a full slice expression.
        max: Option<ExprId>,
    },
    /// `x.(T)`. (`x.(type)` is part of [`super::Stmt::TypeSwitch`].)
    TypeAssert {
        /// Before the dot.
        operand: ExprId,
        /// In parentheses.
        ty: ExprId,
    },
    /// `f(a, b...)`; also a conversion `T(x)` and a builtin.
    Call {
        /// Before the parenthesis.
        callee: ExprId,
        /// Types among them for `make`, `new`.
        args: List<ExprId>,
        /// Offset of `...` behind the last argument.
        spread: Option<u32>,
    },
    /// `*x`: a pointer type or what a pointer points to.
    Star(ExprId),
    /// All other prefix operators.
    Unary {
        /// At the beginning of the range.
        op: UnaryOperator,
        /// Behind it.
        operand: ExprId,
    },
    /// `a + b`; also `|` of a union in a constraint.
    Binary {
        /// Between.
        op: BinaryOperator,
        /// Its offset.
        op_pos: u32,
        /// Left operand.
        left: ExprId,
        /// Right operand.
        right: ExprId,
    },
    /// `key: value` in a composite literal.
    KeyValue {
        /// A field name, index, or map key.
        key: ExprId,
        /// The element.
        value: ExprId,
    },
    /// `T{...}`; inside another one `ty` may be missing.
    CompositeLit {
        /// The type as written. [`Expr::ArrayType`] without length is `[...]T`.
        ty: Option<ExprId>,
        /// Elements, [`Expr::KeyValue`] among them.
        elements: List<ExprId>,
        /// Offset of `{`.
        lbrace: u32,
    },
    /// `func(...) ... { ... }`
    FuncLit {
        /// An [`Expr::FuncType`].
        ty: ExprId,
        /// The statements.
        body: BlockId,
    },
    /// `[]T`
    SliceType {
        /// T.
        element: ExprId,
    },
    /// `[N]T`
    ArrayType {
        /// N; `None` is `[...]T`, right only as the type of a composite literal.
        length: Option<ExprId>,
        /// T.
        element: ExprId,
    },
    /// `map[K]V`
    MapType {
        /// K.
        key: ExprId,
        /// V.
        value: ExprId,
    },
    /// `chan T`
    ChanType {
        /// Which ends it has.
        direction: ChanDirection,
        /// T.
        element: ExprId,
    },
    /// The signature of a declared function, method, function literal, or interface method; or a function type.
    /// The range of a function type begins at `func`, that of a signature at its parameter list.
    FuncType {
        /// Without the receiver.
        params: List<Param>,
        /// One without a name, or any number in parentheses.
        results: List<Param>,
    },
    /// `struct { ... }`
    StructType {
        /// In source order.
        fields: List<StructField>,
    },
    /// `interface { ... }`
    InterfaceType {
        /// In source order.
        elements: List<InterfaceElement>,
    },
}

/// A parameter, result, or receiver.
///
/// Those declared together (`a, b int`) share the `ExprId` of their type and follow each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Param {
    /// An [`Expr::Ident`]; in a list all have one or none has.
    pub name: Option<ExprId>,
    /// T, also of `...T`.
    pub ty: ExprId,
    /// Offset of `...`; only on the last parameter (the parser has refused others).
    pub variadic: Option<u32>,
}

/// A type parameter with its constraint; those declared together share the constraint's `ExprId`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TypeParam {
    /// An [`Expr::Ident`].
    pub name: ExprId,
    /// An interface, or what Go wraps into one: `~int | string`.
    pub constraint: ExprId,
}

/// A field. Those declared together (`x, y int`) share type and tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StructField {
    /// An [`Expr::Ident`]; `None` for an embedded field.
    pub name: Option<ExprId>,
    /// For an embedded field `T`, `*T`, `p.T`, `T[A]`, ...
    pub ty: ExprId,
    /// An [`Expr::StringLit`].
    pub tag: Option<ExprId>,
}

/// What stands in an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InterfaceElement {
    /// `Name(params) results`
    Method {
        /// An [`Expr::Ident`].
        name: ExprId,
        /// An [`Expr::FuncType`].
        ty: ExprId,
    },
    /// Another interface, or a union of types ([`BinaryOperator::Or`]) and `~T` ([`UnaryOperator::Tilde`]).
    Embedded(ExprId),
}

/// Which ends a channel type has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ChanDirection {
    /// `chan T`
    Both,
    /// `chan<- T`
    Send,
    /// `<-chan T`
    Receive,
}

macro_rules! operators {
    ($(#[$doc:meta])* $name:ident { $($(#[$row:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name { $($(#[$row])* #[doc = concat!("`", $text, "`")] $variant,)* }
        impl $name {
            /// As written in Go.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.text())
            }
        }
    };
}

operators! {
    /// Prefix operators but `*`.
    UnaryOperator {
        Plus = "+",
        Minus = "-",
        Not = "!",
        Complement = "^",
        Address = "&",
        Receive = "<-",
        /// Only in constraints.
        Tilde = "~",
    }
}

operators! {
    /// Operators between two operands.
    BinaryOperator {
        LogicalOr = "||",
        LogicalAnd = "&&",
        Equal = "==",
        NotEqual = "!=",
        Less = "<",
        LessEqual = "<=",
        Greater = ">",
        GreaterEqual = ">=",
        Add = "+",
        Subtract = "-",
        /// Also of unions.
        Or = "|",
        Xor = "^",
        Multiply = "*",
        Divide = "/",
        Remainder = "%",
        And = "&",
        AndNot = "&^",
        ShiftLeft = "<<",
        ShiftRight = ">>",
    }
}

impl BinaryOperator {
    /// From 1 for `||` to 5 for `*`.
    #[must_use]
    pub const fn precedence(self) -> u8 {
        use BinaryOperator::*;
        match self {
            LogicalOr => 1,
            LogicalAnd => 2,
            Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual => 3,
            Add | Subtract | Or | Xor => 4,
            Multiply | Divide | Remainder | And | AndNot | ShiftLeft | ShiftRight => 5,
        }
    }

    /// `== != < <= > >=`
    #[must_use]
    pub const fn is_comparison(self) -> bool {
        self.precedence() == 3
    }

    /// `<< >>`
    #[must_use]
    pub const fn is_shift(self) -> bool {
        matches!(self, BinaryOperator::ShiftLeft | BinaryOperator::ShiftRight)
    }

    /// `&& ||`
    #[must_use]
    pub const fn is_logical(self) -> bool {
        self.precedence() < 3
    }
}

/// `=`, or an operation and assignment in one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AssignOperator {
    /// `=`
    Plain,
    /// `+=`; the operator has precedence 4 or 5.
    Operation(BinaryOperator),
}

impl std::fmt::Display for AssignOperator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            AssignOperator::Plain => f.write_str("="),
            AssignOperator::Operation(operator) => write!(f, "{operator}="),
        }
    }
}

pooled! {
    Param => params,
    TypeParam => type_params,
    StructField => struct_fields,
    InterfaceElement => interface_elements,
    ExprId => expr_lists,
    u8 => bytes,
}
