//! The syntax tree: one arena for all files of a compilation.
//!
//! Nodes are small `Copy` values in flat vectors and name each other by number. So dropping a tree never recurses, a node can
//! be copied out while the tree is borrowed elsewhere, and whoever wants to note something about every expression
//! uses a vector indexed by [`ExprId::index`]. A sequence is a [`List`], a range in a pool of its element type; read it with
//! [`Ast::list`].
//!
//! ```ignore
//! match *ast.expr(id) {
//!     Expr::Call { callee, args, .. } => for &argument in ast.list(args) { … },
//!     Expr::Ident(name) => names.text(name),
//! }
//! ```
//!
//! INVARIANT: no node is nested more than [`MAX_DEPTH`] deep, also along left operands and else-if chains; the parser puts
//! [`Expr::Bad`] or [`Stmt::Bad`] where it would be. A child has a smaller number than its parent.
//!
//! Types are expressions; every name, also a declared one, is an expression node of its own, so what is known about
//! names can be kept by `ExprId` as go/types keeps it by `*ast.Ident`.

use diagnostics::TextRange;
use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU32;

/// Makes types the elements of [`List`]s, each with its pool.
macro_rules! pooled {
    ($($element:ty => $pool:ident,)*) => {
        $(impl Pooled for $element {
            fn pool(pools: &super::Pools) -> &Vec<Self> { &pools.$pool }
            fn pool_mut(pools: &mut super::Pools) -> &mut Vec<Self> { &mut pools.$pool }
        })*
    };
}

mod declarations;
mod expressions;
mod names;
mod print;
mod statements;

pub use declarations::{
    ConstSpec, Decl, Embed, EmbedPattern, EmbedTarget, File, FuncDecl, Import, Script, TypeSpec,
    VarSpec,
};
pub use expressions::{
    AssignOperator, BinaryOperator, ChanDirection, Expr, InterfaceElement, Param, StructField,
    TypeParam, UnaryOperator,
};
pub use names::{Interner, Symbol};
pub use statements::{Block, CaseClause, CommClause, RangeKind, Stmt};

/// How deep a tree may be; the parser reports what is deeper. Recursion over a tree may count on it (with a stack to match).
pub const MAX_DEPTH: u16 = 10_000;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(NonZeroU32);

            impl $name {
                /// From 0, without gaps: the place in a side table.
                #[must_use]
                pub const fn index(self) -> usize {
                    self.0.get() as usize - 1
                }

                /// The id of an index.
                ///
                /// # Panics
                /// There are not so many.
                #[must_use]
                pub fn from_index(index: usize) -> Self {
                    let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
                    Self(number.expect("a text is at most 1 GiB and a node needs a byte"))
                }
            }

            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(f, concat!(stringify!($name), "({})"), self.index())
                }
            }
        )*
    };
}

ids! {
    /// Names an [`Expr`].
    ExprId
    /// Names a [`Stmt`].
    StmtId
    /// Names a [`Block`].
    BlockId
    /// Names a [`Decl`].
    DeclId
}

/// A sequence in a pool of the [`Ast`].
pub struct List<T> {
    start: u32,
    len: u32,
    element: PhantomData<fn() -> T>,
}

impl<T> List<T> {
    /// No elements.
    pub const EMPTY: Self = Self {
        start: 0,
        len: 0,
        element: PhantomData,
    };

    /// How many.
    #[must_use]
    pub const fn len(self) -> usize {
        self.len as usize
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len == 0
    }
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for List<T> {}
impl<T> PartialEq for List<T> {
    fn eq(&self, other: &Self) -> bool {
        self.start == other.start && self.len == other.len
    }
}
impl<T> Eq for List<T> {}
impl<T> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "List({}..{})", self.start, self.start + self.len)
    }
}

/// What may stand in a [`List`].
pub trait Pooled: Sized + 'static {
    #[doc(hidden)]
    fn pool(pools: &Pools) -> &Vec<Self>;
    #[doc(hidden)]
    fn pool_mut(pools: &mut Pools) -> &mut Vec<Self>;
}

/// Where lists live.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Pools {
    expr_lists: Vec<ExprId>,
    stmt_lists: Vec<StmtId>,
    params: Vec<Param>,
    type_params: Vec<TypeParam>,
    struct_fields: Vec<StructField>,
    interface_elements: Vec<InterfaceElement>,
    case_clauses: Vec<CaseClause>,
    comm_clauses: Vec<CommClause>,
    const_specs: Vec<ConstSpec>,
    var_specs: Vec<VarSpec>,
    type_specs: Vec<TypeSpec>,
    bytes: Vec<u8>,
}

/// All nodes of all files of a compilation.
#[derive(Debug, Default)]
pub struct Ast {
    exprs: Vec<Expr>,
    expr_ranges: Vec<TextRange>,
    expr_depths: Vec<u16>,
    stmts: Vec<Stmt>,
    stmt_ranges: Vec<TextRange>,
    stmt_depths: Vec<u16>,
    blocks: Vec<Block>,
    block_depths: Vec<u16>,
    decls: Vec<Decl>,
    decl_ranges: Vec<TextRange>,
    decl_depths: Vec<u16>,
    pools: Pools,
}

impl Ast {
    /// No nodes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An expression.
    #[must_use]
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.index()]
    }

    /// From its first to its last byte.
    #[must_use]
    pub fn range(&self, id: ExprId) -> TextRange {
        self.expr_ranges[id.index()]
    }

    /// How many expressions there are; ids are below.
    #[must_use]
    pub fn expr_count(&self) -> usize {
        self.exprs.len()
    }

    /// A statement.
    #[must_use]
    pub fn stmt(&self, id: StmtId) -> &Stmt {
        &self.stmts[id.index()]
    }

    /// From its first to its last byte.
    #[must_use]
    pub fn stmt_range(&self, id: StmtId) -> TextRange {
        self.stmt_ranges[id.index()]
    }

    /// How many statements there are; ids are below.
    #[must_use]
    pub fn stmt_count(&self) -> usize {
        self.stmts.len()
    }

    /// A block.
    #[must_use]
    pub fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id.index()]
    }

    /// How many blocks there are; ids are below.
    #[must_use]
    pub fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// The statements of a block.
    #[must_use]
    pub fn statements(&self, id: BlockId) -> &[StmtId] {
        self.list(self.block(id).statements)
    }

    /// A declaration.
    #[must_use]
    pub fn decl(&self, id: DeclId) -> &Decl {
        &self.decls[id.index()]
    }

    /// From its keyword to its last byte.
    #[must_use]
    pub fn decl_range(&self, id: DeclId) -> TextRange {
        self.decl_ranges[id.index()]
    }

    /// How many declarations there are; ids are below.
    #[must_use]
    pub fn decl_count(&self) -> usize {
        self.decls.len()
    }

    /// The elements of a list.
    #[must_use]
    pub fn list<T: Pooled>(&self, list: List<T>) -> &[T] {
        &T::pool(&self.pools)[list.start as usize..(list.start + list.len) as usize]
    }

    /// The name, if the expression is one.
    #[must_use]
    pub fn ident(&self, id: ExprId) -> Option<Symbol> {
        match *self.expr(id) {
            Expr::Ident(name) => Some(name),
            _ => None,
        }
    }

    /// The expression inside any number of parentheses.
    #[must_use]
    pub fn unparen(&self, mut id: ExprId) -> ExprId {
        while let Expr::Paren(inner) = *self.expr(id) {
            id = inner;
        }
        id
    }

    /// The decoded value of a string literal (an import path, a struct tag); empty for anything else.
    #[must_use]
    pub fn string_value(&self, id: ExprId) -> &[u8] {
        match *self.expr(id) {
            Expr::StringLit { value, .. } => self.list(value),
            _ => &[],
        }
    }
}

/// Building, for the parser.
impl Ast {
    pub(crate) fn add_expr(&mut self, expr: Expr, range: TextRange, depth: u16) -> ExprId {
        self.exprs.push(expr);
        self.expr_ranges.push(range);
        self.expr_depths.push(depth);
        ExprId::from_index(self.exprs.len() - 1)
    }

    pub(crate) fn add_stmt(&mut self, stmt: Stmt, range: TextRange, depth: u16) -> StmtId {
        self.stmts.push(stmt);
        self.stmt_ranges.push(range);
        self.stmt_depths.push(depth);
        StmtId::from_index(self.stmts.len() - 1)
    }

    pub(crate) fn expr_depth(&self, id: ExprId) -> u16 {
        self.expr_depths[id.index()]
    }

    pub(crate) fn stmt_depth(&self, id: StmtId) -> u16 {
        self.stmt_depths[id.index()]
    }

    pub(crate) fn block_depth(&self, id: BlockId) -> u16 {
        self.block_depths[id.index()]
    }

    pub(crate) fn decl_depth(&self, id: DeclId) -> u16 {
        self.decl_depths[id.index()]
    }

    pub(crate) fn add_block(&mut self, block: Block, depth: u16) -> BlockId {
        self.blocks.push(block);
        self.block_depths.push(depth);
        BlockId::from_index(self.blocks.len() - 1)
    }

    pub(crate) fn add_decl(&mut self, decl: Decl, range: TextRange, depth: u16) -> DeclId {
        self.decls.push(decl);
        self.decl_ranges.push(range);
        self.decl_depths.push(depth);
        DeclId::from_index(self.decls.len() - 1)
    }

    pub(crate) fn add_list<T: Pooled>(&mut self, elements: impl IntoIterator<Item = T>) -> List<T> {
        let pool = T::pool_mut(&mut self.pools);
        let start = pool.len();
        pool.extend(elements);
        let number = |value: usize| {
            u32::try_from(value).expect("a text is at most 1 GiB and an element needs a byte")
        };
        List {
            start: number(start),
            len: number(pool.len() - start),
            element: PhantomData,
        }
    }
}

/// The text of a doc comment: without `//`, `/*`, `*/`, directives (`//go:`) and the blank behind the slashes.
#[must_use]
pub fn doc_text(comment: &str) -> String {
    let mut lines = Vec::new();
    for line in comment.lines() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("//") {
            let is_directive = rest.split_once(':').is_some_and(|(tool, _)| {
                !tool.is_empty()
                    && tool
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            });
            if !is_directive {
                lines.push(rest.strip_prefix(' ').unwrap_or(rest));
            }
        } else {
            let line = line.strip_prefix("/*").unwrap_or(line);
            lines.push(line.strip_suffix("*/").unwrap_or(line).trim());
        }
    }
    lines.join("\n").trim().to_owned()
}
