//! Declarations and files.

use super::{BlockId, ExprId, List, Param, Pooled, TypeParam};
use diagnostics::{FileId, TextRange};

/// A declaration, of a file or in a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decl {
    /// A place with a syntax error, already reported.
    Bad,
    /// `const x = 1` or a group of them.
    Const(List<ConstSpec>),
    /// `var x = 1` or a group of them.
    Var(List<VarSpec>),
    /// `type T U` or a group of them.
    Type(List<TypeSpec>),
    /// A function or method; only in files.
    Func(FuncDecl),
}

/// One line of `const`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConstSpec {
    /// [`super::Expr::Ident`]s.
    pub names: List<ExprId>,
    /// The type as written here.
    pub ty: Option<ExprId>,
    /// The values as written here. Without type and values those of an earlier line of the group are repeated.
    pub values: List<ExprId>,
    /// The value of `iota`: the index in the group.
    pub iota: u32,
    /// The whole line.
    pub range: TextRange,
}

/// One line of `var`. Type or values, or both, are there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VarSpec {
    /// [`super::Expr::Ident`]s.
    pub names: List<ExprId>,
    /// The type.
    pub ty: Option<ExprId>,
    /// The values.
    pub values: List<ExprId>,
    /// The whole line.
    pub range: TextRange,
}

/// One line of `type`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TypeSpec {
    /// An [`super::Expr::Ident`].
    pub name: ExprId,
    /// May be none.
    pub type_params: List<TypeParam>,
    /// Offset of `=` in `type A = T`.
    pub alias: Option<u32>,
    /// The type.
    pub ty: ExprId,
    /// The whole line.
    pub range: TextRange,
}

/// A function or method.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FuncDecl {
    /// An [`super::Expr::Ident`].
    pub name: ExprId,
    /// What stands in the parentheses before the name. Go wants exactly one; the parser has refused others, so here are none
    /// or one.
    pub receiver: Option<Param>,
    /// May be none; methods may have some (Go 1.27).
    pub type_params: List<TypeParam>,
    /// An [`super::Expr::FuncType`].
    pub ty: ExprId,
    /// Without one it is native.
    pub body: Option<BlockId>,
    /// The comment directly above, as written; [`super::doc_text`] strips the slashes.
    pub doc: Option<TextRange>,
}

/// One line of `import`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Import {
    /// An [`super::Expr::Ident`], also for `.` and `_`.
    pub name: Option<ExprId>,
    /// An [`super::Expr::StringLit`].
    pub path: ExprId,
    /// The whole line.
    pub range: TextRange,
}

/// A `//go:embed` line that stands before a declaration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Embed {
    /// The comment, behind its slashes.
    pub range: TextRange,
    /// What it names; at least one.
    pub patterns: Vec<EmbedPattern>,
    /// The variables that it stands before; `None` if the declaration is of another kind.
    pub target: Option<EmbedTarget>,
}

/// One pattern of a `//go:embed` line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EmbedPattern {
    /// Without quotes.
    pub pattern: String,
    /// Where it stands, with its quotes.
    pub range: TextRange,
}

/// What a `//go:embed` line stands before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EmbedTarget {
    /// The line of variables.
    pub spec: VarSpec,
    /// Is it declared in a function?
    pub local: bool,
}

/// One file. A file without a `package` clause is a script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    /// Whose text it is.
    pub file: FileId,
    /// The name behind `package`, an [`super::Expr::Ident`]; `None` in a script and when that clause is broken.
    pub package: Option<ExprId>,
    /// In source order.
    pub imports: Vec<Import>,
    /// In source order, without imports; of a script only its functions.
    pub decls: Vec<super::DeclId>,
    /// What a script does.
    pub script: Option<Script>,
    /// Whether the tree is whole: what was reported, if anything, are no syntax errors in Go's sense, and the checker looks at the file all the same.
    pub checkable: bool,
    /// Whether the tree is whole and go/parser accepts the text; Go's compiler may refuse it all the same.
    pub printable: bool,
    /// Receivers of functions that have none or several, which Go's compiler refuses, by the offset of `func`.
    pub receivers: Vec<(u32, List<Param>)>,
    /// `x.(type)` outside of switches, which Go's compiler refuses: a [`super::Expr::Bad`], and x.
    pub guards: Vec<(ExprId, ExprId)>,
    /// In source order.
    pub embeds: Vec<Embed>,
}

/// The statements of a file without `package` clause, in source order: the body of an implicit function. Constants, variables
/// and types declared among them stand here as [`super::Stmt::Decl`] and [`super::Stmt::Define`], although golite makes
/// those of the outermost level belong to the package, so that the file's functions see them. Functions stand in
/// [`File::decls`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Script {
    /// The statements; the range is the whole file.
    pub body: BlockId,
    /// A [`Decl::Func`] named `main` with this body, which stands nowhere in the text.
    pub function: super::DeclId,
}

pooled! {
    ConstSpec => const_specs,
    VarSpec => var_specs,
    TypeSpec => type_specs,
}
