//! Questions about syntax, answered by a walk with a work list (the depth of programs is the programmer's to choose).

use checker::typed::{Mode, ObjectKind, SelectionKind};
use checker::types::ObjectId;
use parser::ast::{
    BinaryOperator, BlockId, Decl, Expr, ExprId, InterfaceElement, Stmt, StmtId, UnaryOperator,
};
use rustc_hash::FxHashSet;

use crate::package::Compiler;

/// A node of the tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Node {
    Expr(ExprId),
    Stmt(StmtId),
    Block(BlockId),
}

/// How something might panic, otherwise than by a nil map.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Panics {
    /// It does not.
    Never,
    /// At a nil pointer only.
    AtNil,
    /// At an index, a divisor, an assertion...
    Differently,
}

impl Compiler<'_> {
    /// Visits nodes in source order, parents first; `enter` says whether to go on to a node's children.
    pub(crate) fn walk(&self, roots: &[Node], mut enter: impl FnMut(Node) -> bool) {
        let mut work: Vec<Node> = roots.iter().rev().copied().collect();
        let mut children = Vec::new();
        while let Some(node) = work.pop() {
            if !enter(node) {
                continue;
            }
            children.clear();
            self.children(node, &mut children);
            work.extend(children.iter().rev());
        }
    }

    fn children(&self, node: Node, out: &mut Vec<Node>) {
        match node {
            Node::Expr(id) => self.expression_children(id, out),
            Node::Block(id) => out.extend(self.ast.statements(id).iter().map(|&s| Node::Stmt(s))),
            Node::Stmt(id) => self.statement_children(id, out),
        }
    }

    fn expression_children(&self, id: ExprId, out: &mut Vec<Node>) {
        let ast = self.ast;
        let mut push = |e: ExprId| out.push(Node::Expr(e));
        match *ast.expr(id) {
            Expr::Paren(e) | Expr::Star(e) => push(e),
            Expr::Selector { operand, .. } | Expr::Unary { operand, .. } => push(operand),
            Expr::Index { operand, indices } => {
                push(operand);
                ast.list(indices).iter().copied().for_each(push);
            }
            Expr::Slice {
                operand,
                low,
                high,
                max,
            } => {
                push(operand);
                [low, high, max].into_iter().flatten().for_each(push);
            }
            Expr::TypeAssert { operand, .. } => push(operand),
            Expr::Call { callee, args, .. } => {
                push(callee);
                ast.list(args).iter().copied().for_each(push);
            }
            Expr::Binary { left, right, .. } => {
                push(left);
                push(right);
            }
            Expr::KeyValue { key, value } => {
                push(key);
                push(value);
            }
            Expr::CompositeLit { elements, .. } => {
                ast.list(elements).iter().copied().for_each(push)
            }
            Expr::FuncLit { body, .. } => out.push(Node::Block(body)),
            Expr::InterfaceType { elements } => {
                // Types hold nothing to evaluate; named so that the match shows what was thought of.
                debug_assert!(ast.list(elements).iter().all(|e| matches!(
                    e,
                    InterfaceElement::Method { .. } | InterfaceElement::Embedded(_)
                )));
            }
            _ => {}
        }
    }

    fn statement_children(&self, id: StmtId, out: &mut Vec<Node>) {
        let ast = self.ast;
        match *ast.stmt(id) {
            Stmt::Bad
            | Stmt::Empty
            | Stmt::Break { .. }
            | Stmt::Continue { .. }
            | Stmt::Goto { .. }
            | Stmt::Fallthrough => {}
            Stmt::Expr(e)
            | Stmt::IncDec { operand: e, .. }
            | Stmt::Go { call: e }
            | Stmt::Defer { call: e } => {
                out.push(Node::Expr(e));
            }
            Stmt::Send { channel, value, .. } => {
                out.extend([Node::Expr(channel), Node::Expr(value)])
            }
            Stmt::Assign { lhs, rhs, .. } | Stmt::Define { lhs, rhs, .. } => {
                out.extend(
                    ast.list(lhs)
                        .iter()
                        .chain(ast.list(rhs))
                        .map(|&e| Node::Expr(e)),
                );
            }
            Stmt::Return { results } => {
                out.extend(ast.list(results).iter().map(|&e| Node::Expr(e)))
            }
            Stmt::Block(block) => out.push(Node::Block(block)),
            Stmt::If {
                init,
                condition,
                then,
                otherwise,
            } => {
                out.extend(init.map(Node::Stmt));
                out.extend([Node::Expr(condition), Node::Block(then)]);
                out.extend(otherwise.map(Node::Stmt));
            }
            Stmt::Switch {
                init, tag, cases, ..
            } => {
                out.extend(init.map(Node::Stmt));
                out.extend(tag.map(Node::Expr));
                for case in ast.list(cases) {
                    out.extend(ast.list(case.values).iter().map(|&e| Node::Expr(e)));
                    out.push(Node::Block(case.body));
                }
            }
            Stmt::TypeSwitch {
                init,
                operand,
                cases,
                ..
            } => {
                out.extend(init.map(Node::Stmt));
                out.push(Node::Expr(operand));
                out.extend(ast.list(cases).iter().map(|case| Node::Block(case.body)));
            }
            Stmt::Select { cases, .. } => {
                for case in ast.list(cases) {
                    out.extend(case.comm.map(Node::Stmt));
                    out.push(Node::Block(case.body));
                }
            }
            Stmt::For {
                init,
                condition,
                post,
                body,
            } => {
                out.extend(init.map(Node::Stmt));
                out.extend(condition.map(Node::Expr));
                out.extend(post.map(Node::Stmt));
                out.push(Node::Block(body));
            }
            Stmt::Range {
                lhs, operand, body, ..
            } => {
                out.extend(ast.list(lhs).iter().map(|&e| Node::Expr(e)));
                out.extend([Node::Expr(operand), Node::Block(body)]);
            }
            Stmt::Labeled { statement, .. } => out.push(Node::Stmt(statement)),
            Stmt::Decl(decl) => {
                if let Decl::Var(specs) = *ast.decl(decl) {
                    for spec in ast.list(specs) {
                        out.extend(ast.list(spec.values).iter().map(|&e| Node::Expr(e)));
                    }
                }
            }
        }
    }

    /// Whether evaluating the expression calls a function, receives, or may block: what Go's compiler does before
    /// anything else of a statement. Builtins and conversions do not count, their operands do.
    pub(crate) fn calls(&self, e: ExprId) -> bool {
        let mut found = false;
        self.walk(&[Node::Expr(e)], |node| {
            let Node::Expr(e) = node else { return false };
            if found
                || self.typed.constant(e).is_some()
                || matches!(self.ast.expr(e), Expr::FuncLit { .. })
            {
                return false;
            }
            found = self.is_call(e);
            !found
        });
        found
    }

    /// How evaluating the expression, apart from calls, might panic.
    pub(crate) fn panics(&self, e: ExprId) -> Panics {
        let mut found = Panics::Never;
        self.walk(&[Node::Expr(e)], |node| {
            let Node::Expr(e) = node else { return false };
            if found == Panics::Differently
                || self.typed.constant(e).is_some()
                || matches!(self.ast.expr(e), Expr::FuncLit { .. })
            {
                return false;
            }
            let here = match *self.ast.expr(e) {
                Expr::Index { .. }
                | Expr::Slice { .. }
                | Expr::TypeAssert { .. }
                | Expr::Call { .. } => Panics::Differently,
                Expr::Star(_) => Panics::AtNil,
                Expr::Selector { .. } => match self.selection(e) {
                    Some(selection)
                        if selection.kind != SelectionKind::Field || selection.indirect =>
                    {
                        Panics::AtNil
                    }
                    _ => Panics::Never,
                },
                Expr::Binary { op, .. }
                    if op.is_shift()
                        || op.is_comparison()
                        || matches!(op, BinaryOperator::Divide | BinaryOperator::Remainder)
                            && !self.typed.types.is_float(self.typed.type_and_value(e).typ) =>
                {
                    Panics::Differently
                }
                _ => Panics::Never,
            };
            found = found.max(here);
            true
        });
        found
    }

    /// Whether the expression holds what Go's compiler evaluates before what stands around it, though it is no call: builtins, slices,
    /// assertions.
    pub(crate) fn is_taken_out(&self, e: ExprId) -> bool {
        let mut found = false;
        self.walk(&[Node::Expr(e)], |node| {
            let Node::Expr(e) = node else { return false };
            if found || self.typed.constant(e).is_some() {
                return false;
            }
            found = match *self.ast.expr(e) {
                Expr::FuncLit { .. } => return false,
                Expr::Slice { .. } | Expr::TypeAssert { .. } => true,
                Expr::Call { callee, .. } => {
                    self.typed.type_and_value(self.ast.unparen(callee)).mode != Mode::Type
                }
                _ => false,
            };
            !found
        });
        found
    }

    /// Whether the length of an array expression is a constant: it holds no receives and calls but conversions.
    pub(crate) fn has_constant_length(&self, e: ExprId) -> bool {
        let mut found = false;
        self.walk(&[Node::Expr(e)], |node| {
            let Node::Expr(e) = node else { return false };
            if found || self.typed.constant(e).is_some() {
                return false;
            }
            found = match *self.ast.expr(e) {
                Expr::FuncLit { .. } => return false,
                Expr::Call { callee, .. } => {
                    self.typed.type_and_value(self.ast.unparen(callee)).mode != Mode::Type
                }
                _ => self.is_call(e),
            };
            !found
        });
        !found
    }

    /// Whether this very node is a call of a function or a receive.
    pub(crate) fn is_call(&self, e: ExprId) -> bool {
        match *self.ast.expr(e) {
            Expr::Call { callee, .. } => {
                !matches!(
                    self.typed.type_and_value(self.ast.unparen(callee)).mode,
                    Mode::Type | Mode::Builtin
                ) || self.is_recover(callee)
            }
            Expr::Unary {
                op: UnaryOperator::Receive,
                ..
            } => true,
            _ => false,
        }
    }

    fn is_recover(&self, callee: ExprId) -> bool {
        let object = self.typed.object_of(self.ast.unparen(callee));
        object.is_some_and(|object| {
            matches!(
                self.typed.object(object).kind,
                ObjectKind::Builtin(checker::universe::Builtin::Recover)
            )
        })
    }

    /// Whether the expression mentions the variable, function literals included.
    pub(crate) fn mentions(&self, e: ExprId, object: ObjectId) -> bool {
        let mut found = false;
        self.walk(&[Node::Expr(e)], |node| {
            if let Node::Expr(e) = node
                && matches!(self.ast.expr(e), Expr::Ident(_))
                && self.typed.object_of(e) == Some(object)
            {
                found = true;
            }
            !found
        });
        found
    }

    /// The local variables that are assigned, wholly or in part, somewhere in the nodes; declarations with `:=` do not count.
    pub(crate) fn assigned(&self, roots: &[Node]) -> FxHashSet<ObjectId> {
        let mut out = FxHashSet::default();
        self.walk(roots, |node| {
            if let Node::Stmt(statement) = node {
                match *self.ast.stmt(statement) {
                    Stmt::Assign { lhs, .. }
                    | Stmt::Define { lhs, .. }
                    | Stmt::Range { lhs, .. } => {
                        out.extend(
                            self.ast
                                .list(lhs)
                                .iter()
                                .filter_map(|&e| self.root_variable(e)),
                        );
                    }
                    Stmt::IncDec { operand, .. } => out.extend(self.root_variable(operand)),
                    _ => {}
                }
            }
            true
        });
        out
    }

    /// The variable of which an expression is a part in its own memory: `x` of `x`, `x.f`, `x[i]` (an array).
    pub(crate) fn root_variable(&self, mut e: ExprId) -> Option<ObjectId> {
        loop {
            e = self.ast.unparen(e);
            match *self.ast.expr(e) {
                Expr::Ident(_) => return self.typed.object_of(e),
                Expr::Selector { operand, .. } => {
                    if self
                        .typed
                        .selections
                        .get(&e)
                        .is_none_or(|selection| selection.indirect)
                    {
                        return None;
                    }
                    e = operand;
                }
                Expr::Index { operand, .. } => {
                    let ty = self.type_of(operand);
                    if !matches!(
                        self.typed.types.underlying(ty),
                        checker::types::Type::Array(..)
                    ) {
                        return None;
                    }
                    e = operand;
                }
                _ => return None,
            }
        }
    }

    /// Whether a function's own code, without the literals in it, has a `defer`.
    pub(crate) fn defers(&self, body: BlockId) -> bool {
        let mut found = false;
        self.walk(&[Node::Block(body)], |node| {
            match node {
                Node::Stmt(s) if matches!(self.ast.stmt(s), Stmt::Defer { .. }) => found = true,
                Node::Expr(_) => return false,
                _ => {}
            }
            !found
        });
        found
    }

    /// How many expression nodes there are, counting no further than `limit`.
    pub(crate) fn size(&self, e: ExprId, limit: usize) -> usize {
        let mut count = 0;
        self.walk(&[Node::Expr(e)], |_| {
            count += 1;
            count < limit
        });
        count
    }
}
