//! Statements.

use super::{AssignOperator, BlockId, DeclId, ExprId, List, Pooled, StmtId};
use diagnostics::TextRange;

/// A statement. Its range ([`super::Ast::stmt_range`]) goes from its first to its last byte, without a `;`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stmt {
    /// A place with a syntax error, already reported.
    Bad,
    /// Nothing, as between two semicolons.
    Empty,
    /// A call, a receive, or what the checker refuses with "... is not used".
    Expr(ExprId),
    /// `channel <- value`
    Send {
        /// Left of the arrow.
        channel: ExprId,
        /// Right of it.
        value: ExprId,
        /// Offset of `<-`.
        arrow: u32,
    },
    /// `x++`, `x--`
    IncDec {
        /// x.
        operand: ExprId,
        /// `++` rather than `--`.
        increment: bool,
        /// Offset of the operator.
        op_pos: u32,
    },
    /// `a, b = c, d` or `a += b`
    Assign {
        /// `=`, `+=`, ...
        op: AssignOperator,
        /// Its offset.
        op_pos: u32,
        /// Left of it. One for `+=` and its like (the parser has refused more).
        lhs: List<ExprId>,
        /// Right of it. One for `+=` and its like.
        rhs: List<ExprId>,
    },
    /// `a, b := c, d`
    Define {
        /// Offset of `:=`.
        op_pos: u32,
        /// Each is an [`super::Expr::Ident`] in a right program; the checker refuses others ("non-name ... on left side of :=").
        lhs: List<ExprId>,
        /// The values.
        rhs: List<ExprId>,
    },
    /// `go f(x)`
    Go {
        /// An [`super::Expr::Call`], or another expression, which the checker refuses.
        call: ExprId,
    },
    /// `defer f(x)`
    Defer {
        /// As in [`Stmt::Go`].
        call: ExprId,
    },
    /// `return a, b`
    Return {
        /// May be none.
        results: List<ExprId>,
    },
    /// `break L`
    Break {
        /// An [`super::Expr::Ident`].
        label: Option<ExprId>,
    },
    /// `continue L`
    Continue {
        /// An [`super::Expr::Ident`].
        label: Option<ExprId>,
    },
    /// `goto L`
    Goto {
        /// An [`super::Expr::Ident`].
        label: ExprId,
    },
    /// `fallthrough`
    Fallthrough,
    /// `{ ... }`
    Block(BlockId),
    /// `if init; condition { ... } else ...`
    If {
        /// A simple statement.
        init: Option<StmtId>,
        /// The condition.
        condition: ExprId,
        /// If true.
        then: BlockId,
        /// A [`Stmt::Block`] or [`Stmt::If`].
        otherwise: Option<StmtId>,
    },
    /// `switch init; tag { case ... }`
    Switch {
        /// A simple statement.
        init: Option<StmtId>,
        /// `None` stands for `true`.
        tag: Option<ExprId>,
        /// In source order; a second `default` is the checker's to refuse.
        cases: List<CaseClause>,
        /// Offset of `{`.
        lbrace: u32,
    },
    /// `switch init; binding := operand.(type) { case ... }`
    TypeSwitch {
        /// A simple statement.
        init: Option<StmtId>,
        /// An [`super::Expr::Ident`], declared anew in every clause.
        binding: Option<ExprId>,
        /// x of `x.(type)`.
        operand: ExprId,
        /// `x.(type)`
        guard: TextRange,
        /// In source order; the expressions are types, or `nil`.
        cases: List<CaseClause>,
        /// Offset of `{`.
        lbrace: u32,
    },
    /// `select { case ... }`
    Select {
        /// In source order; a second `default` is the checker's to refuse.
        cases: List<CommClause>,
        /// Offset of `{`.
        lbrace: u32,
    },
    /// `for init; condition; post { ... }`, `for condition { ... }`, `for { ... }`
    For {
        /// A simple statement.
        init: Option<StmtId>,
        /// `None` stands for `true`.
        condition: Option<ExprId>,
        /// A simple statement, not [`Stmt::Define`].
        post: Option<StmtId>,
        /// The statements.
        body: BlockId,
    },
    /// `for a, b := range x { ... }`
    Range {
        /// `None` when nothing stands before `range`.
        kind: RangeKind,
        /// Left of the operator; more than two are the checker's to refuse.
        lhs: List<ExprId>,
        /// Offset of `=` or `:=`; of `range` for [`RangeKind::Nothing`].
        op_pos: u32,
        /// Behind `range`.
        operand: ExprId,
        /// The statements.
        body: BlockId,
    },
    /// `L: statement`
    Labeled {
        /// An [`super::Expr::Ident`].
        label: ExprId,
        /// [`Stmt::Empty`] before a closing brace.
        statement: StmtId,
    },
    /// `const`, `var` or `type` in a function.
    Decl(DeclId),
}

/// What stands before `range`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RangeKind {
    /// `for range x`
    Nothing,
    /// `for a = range x`
    Assign,
    /// `for a := range x`
    Define,
}

/// `{ ... }` or what stands behind the colon of a clause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Block {
    /// In source order.
    pub statements: List<StmtId>,
    /// From `{` to `}` (`range.last_byte()` is the closing brace, where Go reports a missing return); for a clause
    /// from behind the colon to the end of the last statement.
    pub range: TextRange,
}

/// A clause of `switch`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CaseClause {
    /// Empty exactly for `default`.
    pub values: List<ExprId>,
    /// Behind the colon; a scope of its own.
    pub body: BlockId,
    /// Of `case` or `default` up to the colon.
    pub head: TextRange,
}

impl CaseClause {
    /// Whether it is `default`.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.values.is_empty()
    }
}

/// A clause of `select`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommClause {
    /// A [`Stmt::Send`], or a receive in a [`Stmt::Expr`], [`Stmt::Assign`] or [`Stmt::Define`] (the checker refuses
    /// others); `None` for `default`.
    pub comm: Option<StmtId>,
    /// Behind the colon; a scope of its own.
    pub body: BlockId,
    /// Of `case` or `default` up to the colon.
    pub head: TextRange,
}

pooled! {
    StmtId => stmt_lists,
    CaseClause => case_clauses,
    CommClause => comm_clauses,
}
