//! What is noted beside the tree: what `--simplify` leaves out, and what the tree of a right program does not have.
//!
//! GO: cmd/gofmt/simplify.go

use crate::source::Source;
use parser::ast::{
    Ast, Decl, DeclId, Expr, ExprId, File, List, Param, Stmt, StmtId, Symbol, UnaryOperator,
};
use rustc_hash::{FxHashMap, FxHashSet};

/// Notes about a tree.
#[derive(Default)]
pub(crate) struct Edits {
    /// Composite literals whose type is left out.
    untyped: FxHashSet<ExprId>,
    /// `&T{}` whose operand stands instead.
    instead: FxHashMap<ExprId, ExprId>,
    /// `s[a:len(s)]`
    without_high: FxHashSet<ExprId>,
    /// How many variables of a range clause stay.
    range_variables: FxHashMap<StmtId, usize>,
    /// `x.(type)` outside of switches.
    guards: FxHashMap<ExprId, ExprId>,
    /// Receivers that are not one, by the offset of `func`.
    receivers: FxHashMap<u32, List<Param>>,
    /// Declarations without content.
    empty: FxHashSet<DeclId>,
    /// Whether there are any, also import declarations.
    pub drops_empty: bool,
}

impl Edits {
    pub fn is_empty(&self) -> bool {
        self.untyped.is_empty() && self.instead.is_empty()
    }

    pub fn is_untyped(&self, literal: ExprId) -> bool {
        self.untyped.contains(&literal)
    }

    pub fn instead_of(&self, id: ExprId) -> ExprId {
        if self.instead.is_empty() {
            return id;
        }
        self.instead.get(&id).copied().unwrap_or(id)
    }

    pub fn drops_high(&self, slice: ExprId) -> bool {
        self.without_high.contains(&slice)
    }

    /// How many variables of a range clause are printed.
    pub fn range_variables(&self, statement: StmtId, len: usize) -> usize {
        self.range_variables.get(&statement).copied().unwrap_or(len)
    }

    pub fn drops_declaration(&self, id: DeclId) -> bool {
        self.empty.contains(&id)
    }

    /// x, of `x.(type)` outside of a switch.
    pub fn guarded(&self, guard: ExprId) -> Option<ExprId> {
        self.guards.get(&guard).copied()
    }

    /// The receivers of a function that has none or several.
    pub fn receivers(&self, function: u32) -> Option<List<Param>> {
        self.receivers.get(&function).copied()
    }

    /// What is noted without simplification.
    pub fn of_file(file: &File) -> Self {
        Edits {
            guards: file.guards.iter().copied().collect(),
            receivers: file.receivers.iter().copied().collect(),
            ..Edits::default()
        }
    }

    /// Finds what can be left out of the tree of one file.
    pub fn simplify(file: &File, ast: &Ast, source: &Source<'_>, len_name: Option<Symbol>) -> Self {
        let mut edits = Edits {
            drops_empty: true,
            ..Edits::of_file(file)
        };
        // All nodes of the arena belong to the file, so no walk is needed.
        for index in 0..ast.expr_count() {
            edits.expr(ast, source, ExprId::from_index(index), len_name);
        }
        for index in 0..ast.stmt_count() {
            let id = StmtId::from_index(index);
            if let Stmt::Range { lhs, .. } = *ast.stmt(id) {
                let names = ast.list(lhs);
                let is_blank = |&id: &ExprId| ast.ident(id).is_some_and(Symbol::is_blank);
                let kept = names.iter().rposition(|name| !is_blank(name));
                edits
                    .range_variables
                    .insert(id, kept.map_or(0, |kept| kept + 1));
            }
        }
        for index in 0..ast.decl_count() {
            let id = DeclId::from_index(index);
            let is_empty = match *ast.decl(id) {
                Decl::Const(list) => list.is_empty(),
                Decl::Var(list) => list.is_empty(),
                Decl::Type(list) => list.is_empty(),
                _ => false,
            };
            let range = ast.decl_range(id);
            if is_empty && source.is_undocumented(range.start, range.end) {
                edits.empty.insert(id);
            }
        }
        edits
    }

    fn expr(&mut self, ast: &Ast, source: &Source<'_>, id: ExprId, len_name: Option<Symbol>) {
        match *ast.expr(id) {
            Expr::CompositeLit {
                ty: Some(ty),
                elements,
                ..
            } => {
                let (key_type, element_type) = match *ast.expr(ty) {
                    Expr::ArrayType { element, .. } | Expr::SliceType { element } => {
                        (None, element)
                    }
                    Expr::MapType { key, value } => (Some(key), value),
                    _ => return,
                };
                for &element in ast.list(elements) {
                    let Expr::KeyValue { key, value } = *ast.expr(element) else {
                        self.literal(ast, source, element_type, element);
                        continue;
                    };
                    if let Some(key_type) = key_type {
                        self.literal(ast, source, key_type, key);
                    }
                    self.literal(ast, source, element_type, value);
                }
            }
            Expr::Slice {
                operand,
                high: Some(high),
                max: None,
                ..
            } => {
                let Expr::Call {
                    callee,
                    args,
                    spread: None,
                } = *ast.expr(high)
                else {
                    return;
                };
                let [argument] = *ast.list(args) else {
                    return;
                };
                let sliced = ast.ident(operand);
                if sliced.is_some()
                    && len_name.is_some()
                    && ast.ident(callee) == len_name
                    && ast.ident(argument) == sliced
                {
                    self.without_high.insert(id);
                }
            }
            _ => {}
        }
    }

    /// An element of a literal whose elements have a type.
    fn literal(&mut self, ast: &Ast, source: &Source<'_>, element_type: ExprId, element: ExprId) {
        match *ast.expr(element) {
            Expr::CompositeLit { ty: Some(ty), .. } if is_same(ast, source, element_type, ty) => {
                self.untyped.insert(element);
            }
            Expr::Unary {
                op: UnaryOperator::Address,
                operand,
            } => {
                if let Expr::Star(pointed_to) = *ast.expr(element_type)
                    && let Expr::CompositeLit { ty: Some(ty), .. } = *ast.expr(operand)
                    && is_same(ast, source, pointed_to, ty)
                {
                    self.untyped.insert(operand);
                    self.instead.insert(element, operand);
                }
            }
            _ => {}
        }
    }
}

/// Whether two types are written alike.
fn is_same(ast: &Ast, source: &Source<'_>, left: ExprId, right: ExprId) -> bool {
    let (left, right) = (ast.range(left), ast.range(right));
    let words = |start: u32, end: u32| {
        source.tokens[source.token_at(start)..]
            .iter()
            .take_while(move |token| token.start < end)
            .map(|token| {
                let semicolon = token.kind.is_semicolon();
                let text = if semicolon {
                    ";"
                } else {
                    source.slice(token.start, token.end)
                };
                (semicolon, text)
            })
    };
    words(left.start, left.end).eq(words(right.start, right.end))
}
