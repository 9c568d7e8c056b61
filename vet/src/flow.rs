//! What depends on the way that control takes: code that is never reached, and contexts whose cancel function is forgotten on some way.
//!
//! Both descend through statements once (loops twice) with what holds at that point. GO: passes/unreachable, passes/lostcancel

use crate::context::{Body, Context};
use checker::typed::ObjectKind;
use checker::types::ObjectId;
use diagnostics::TextRange;
use parser::ast::{BlockId, Decl, Expr, ExprId, Stmt, StmtId, Symbol};
use rustc_hash::{FxHashMap, FxHashSet};

/// The rule about code that is never reached.
pub(crate) fn unreachable(context: &mut Context<'_>) {
    for body in context.bodies() {
        let mut dead = Dead {
            context,
            breaks: FxHashSet::default(),
            gotos: FxHashSet::default(),
            labels: FxHashMap::default(),
            target: None,
            reachable: true,
        };
        let statements = dead.context.ast.statements(body.body);
        for &id in statements {
            dead.labels_in(id);
        }
        for &id in statements {
            dead.statement(id);
        }
    }
    // The statements of a script are a function's.
    for file in scripts(context) {
        let mut dead = Dead {
            context,
            breaks: FxHashSet::default(),
            gotos: FxHashSet::default(),
            labels: FxHashMap::default(),
            target: None,
            reachable: true,
        };
        let statements = dead.context.ast.statements(file);
        statements.iter().for_each(|&id| dead.labels_in(id));
        statements.iter().for_each(|&id| dead.statement(id));
    }
}

/// The statements of scripts.
fn scripts(context: &Context<'_>) -> Vec<BlockId> {
    let packages = context
        .typed
        .packages
        .iter()
        .filter(|package| !package.standard);
    let files = packages.flat_map(|package| &package.files);
    files.filter_map(|file| Some(file.script?.body)).collect()
}

struct Dead<'c, 'a> {
    context: &'c mut Context<'a>,
    /// Statements that a `break` leaves.
    breaks: FxHashSet<StmtId>,
    gotos: FxHashSet<Symbol>,
    labels: FxHashMap<Symbol, StmtId>,
    target: Option<StmtId>,
    reachable: bool,
}

impl Dead<'_, '_> {
    fn labels_in(&mut self, id: StmtId) {
        stacker::maybe_grow(64 << 10, 1 << 20, || self.labels_of(id));
    }

    fn labels_of(&mut self, id: StmtId) {
        let ast = self.context.ast;
        let mut blocks: Vec<BlockId> = Vec::new();
        match *ast.stmt(id) {
            Stmt::Block(block) => {
                for &inner in ast.statements(block) {
                    self.labels_in(inner);
                }
                return;
            }
            Stmt::Goto { label } => {
                self.gotos.extend(ast.ident(label));
                return;
            }
            Stmt::Break { label } => {
                let target = match label.and_then(|label| ast.ident(label)) {
                    Some(label) => self.labels.get(&label).copied(),
                    None => self.target,
                };
                self.breaks.extend(target);
                return;
            }
            Stmt::If {
                then, otherwise, ..
            } => {
                for &inner in ast.statements(then) {
                    self.labels_in(inner);
                }
                otherwise
                    .into_iter()
                    .for_each(|inner| self.labels_in(inner));
                return;
            }
            Stmt::Labeled { label, statement } => {
                if let Some(label) = ast.ident(label) {
                    self.labels.insert(label, statement);
                }
                self.labels_in(statement);
                return;
            }
            Stmt::For { body, .. } | Stmt::Range { body, .. } => blocks.push(body),
            Stmt::Switch { cases, .. } | Stmt::TypeSwitch { cases, .. } => {
                blocks.extend(ast.list(cases).iter().map(|case| case.body));
            }
            Stmt::Select { cases, .. } => {
                blocks.extend(ast.list(cases).iter().map(|case| case.body));
            }
            _ => return,
        }
        let outer = self.target.replace(id);
        for block in blocks {
            for &inner in ast.statements(block) {
                self.labels_in(inner);
            }
        }
        self.target = outer;
    }

    fn block(&mut self, block: BlockId) {
        for &id in self.context.ast.statements(block) {
            self.statement(id);
        }
    }

    fn statement(&mut self, id: StmtId) {
        stacker::maybe_grow(64 << 10, 1 << 20, || self.statement_in(id));
    }

    fn statement_in(&mut self, id: StmtId) {
        let ast = self.context.ast;
        let statement = *ast.stmt(id);
        if let Stmt::Labeled { label, .. } = statement
            && ast
                .ident(label)
                .is_some_and(|label| self.gotos.contains(&label))
        {
            self.reachable = true;
        }
        if !self.reachable && statement != Stmt::Empty {
            self.context.report(ast.stmt_range(id), "unreachable code");
            self.reachable = true;
        }
        match statement {
            Stmt::Block(block) => self.block(block),
            Stmt::Break { .. }
            | Stmt::Continue { .. }
            | Stmt::Goto { .. }
            | Stmt::Fallthrough
            | Stmt::Return { .. } => self.reachable = false,
            Stmt::Expr(call) if self.context.builtin_called(call) == Some("panic") => {
                self.reachable = false;
            }
            Stmt::For {
                condition, body, ..
            } => {
                self.block(body);
                self.reachable = condition.is_some() || self.breaks.contains(&id);
            }
            Stmt::Range { body, .. } => {
                self.block(body);
                self.reachable = true;
            }
            Stmt::If {
                then, otherwise, ..
            } => {
                self.block(then);
                match otherwise {
                    Some(otherwise) => {
                        let then = std::mem::replace(&mut self.reachable, true);
                        self.statement(otherwise);
                        self.reachable |= then;
                    }
                    None => self.reachable = true,
                }
            }
            Stmt::Labeled { statement, .. } => self.statement(statement),
            Stmt::Switch { cases, .. } | Stmt::TypeSwitch { cases, .. } => {
                let cases = ast.list(cases);
                let bodies = cases.iter().map(|case| case.body);
                let any = self.any_of(bodies);
                let has_default = cases.iter().any(|case| case.is_default());
                self.reachable = any || self.breaks.contains(&id) || !has_default;
            }
            Stmt::Select { cases, .. } => {
                let any = self.any_of(ast.list(cases).iter().map(|case| case.body));
                self.reachable = any || self.breaks.contains(&id);
            }
            _ => {}
        }
    }

    /// Is the end of one of the bodies reached?
    fn any_of(&mut self, bodies: impl Iterator<Item = BlockId>) -> bool {
        let mut any = false;
        for body in bodies {
            self.reachable = true;
            self.block(body);
            any |= self.reachable;
        }
        any
    }
}

/// Functions of package context that give a cancel function.
const CANCELLABLE: &[&str] = &[
    "WithCancel",
    "WithCancelCause",
    "WithTimeout",
    "WithTimeoutCause",
    "WithDeadline",
    "WithDeadlineCause",
];

/// The rule about cancel functions that are not called on all ways out.
pub(crate) fn lostcancel(context: &mut Context<'_>) {
    let bodies = context.bodies();
    // The variables and where they are set, with the body that does so: the innermost around it.
    let mut set: Vec<(ObjectId, TextRange, Body)> = Vec::new();
    let innermost = |range: TextRange| -> Option<Body> {
        bodies
            .iter()
            .filter(|body| {
                let around = context.ast.block(body.body).range;
                around.file == range.file && around.start <= range.start && range.end <= around.end
            })
            .min_by_key(|body| {
                let range = context.ast.block(body.body).range;
                range.end - range.start
            })
            .copied()
    };
    let mut discarded = Vec::new();
    let mut consider = |name: ExprId, value: ExprId, range: TextRange| {
        let Some(function) = cancellable(context, value) else {
            return;
        };
        if context.ast.ident(name).is_some_and(|name| name.is_blank()) {
            discarded.push((context.ast.range(name), function));
        } else if let Some(object) = context.typed.object_of(name)
            && let Some(body) = innermost(range)
        {
            let around = context.ast.block(body.body).range;
            let declared = context.typed.object(object).range;
            let is_own = declared.is_some_and(|declared| {
                declared.file == around.file
                    && (around.start <= declared.start && declared.end <= around.end
                        || is_result(context, body, object))
            });
            if is_own {
                set.push((object, range, body));
            }
        }
    };
    for &id in &context.stmts {
        match *context.ast.stmt(id) {
            Stmt::Assign { lhs, rhs, .. } | Stmt::Define { lhs, rhs, .. } => {
                if let ([_, name, ..], [value]) = (context.ast.list(lhs), context.ast.list(rhs)) {
                    consider(*name, *value, context.ast.stmt_range(id));
                }
            }
            Stmt::Decl(decl) => {
                if let Decl::Var(specs) = *context.ast.decl(decl) {
                    for spec in context.ast.list(specs) {
                        let (names, values) =
                            (context.ast.list(spec.names), context.ast.list(spec.values));
                        if let ([_, name, ..], [value]) = (names, values) {
                            consider(*name, *value, spec.range);
                        }
                    }
                }
            }
            _ => {}
        }
    }
    for (range, function) in discarded {
        let message = format!(
            "the cancel function returned by context.{function} should be called, not discarded, to avoid a context leak"
        );
        context.report(range, message);
    }
    for (object, range, body) in set {
        let is_main = body.name.is_some_and(|name| context.text(name) == "main")
            && body.receiver.is_none()
            && context
                .package_at(range)
                .is_some_and(|package| context.typed.package(package).path == "main");
        // When main returns everything ends.
        if is_main {
            continue;
        }
        let mut way = Way {
            context,
            uses: context.uses(object),
            set: range,
            is_result: is_result(context, body, object),
            lost: None,
            breaks: Vec::new(),
            continued: false,
        };
        let open = way.block(body.body, false);
        let end = context.ast.block(body.body).range.last_byte();
        if open && way.lost.is_none() {
            way.lost = Some(end);
        }
        if let Some(lost) = way.lost {
            let name = context.names.text(context.typed.object(object).name);
            let line = context.sources.line_column(range).line;
            let messages = [
                format!("the {name} function is not used on all paths (possible context leak)"),
                format!(
                    "this return statement may be reached without using the {name} var defined on line {line}"
                ),
            ];
            let [first, second] = messages;
            context.report(range, first);
            context.report(lost, second);
        }
    }
}

/// The name of the function of package context that is called for a cancel function.
fn cancellable(context: &Context<'_>, value: ExprId) -> Option<&'static str> {
    let name = context.function_called(value)?;
    let name = name.strip_prefix("context.")?;
    CANCELLABLE
        .iter()
        .copied()
        .find(|function| *function == name)
}

/// Is the variable a named result of the function?
fn is_result(context: &Context<'_>, body: Body, object: ObjectId) -> bool {
    match body.literal {
        Some(literal) => context
            .typed
            .closures
            .get(&literal)
            .is_some_and(|closure| closure.results.contains(&object)),
        None => body
            .name
            .and_then(|name| context.typed.object_of(name))
            .and_then(|function| match context.typed.object(function).kind {
                ObjectKind::Function { function, .. } => function,
                _ => None,
            })
            .is_some_and(|id| context.typed.function(id).results.contains(&object)),
    }
}

/// Looks for a way on which a variable is set, not used, and left by a return.
struct Way<'c, 'a> {
    context: &'c Context<'a>,
    /// Offsets, ascending.
    uses: Vec<u32>,
    /// The statement that sets it.
    set: TextRange,
    is_result: bool,
    lost: Option<TextRange>,
    /// Of the statements around that `break` leaves: whether one of those is open.
    breaks: Vec<bool>,
    /// The innermost loop goes on in one that is.
    continued: bool,
}

impl Way<'_, '_> {
    fn uses_in(&self, range: TextRange) -> bool {
        let next = self.uses.partition_point(|&at| at < range.start);
        self.uses.get(next).is_some_and(|&at| at < range.end)
    }

    fn block(&mut self, block: BlockId, mut open: bool) -> bool {
        for &id in self.context.ast.statements(block) {
            open = self.statement(id, open);
        }
        open
    }

    /// Is there a way behind the statement on which the variable is set and not used, if there is one before it?
    fn statement(&mut self, id: StmtId, open: bool) -> bool {
        stacker::maybe_grow(64 << 10, 1 << 20, || self.statement_in(id, open))
    }

    fn statement_in(&mut self, id: StmtId, open: bool) -> bool {
        let ast = self.context.ast;
        let range = ast.stmt_range(id);
        let has_set = range.file == self.set.file
            && range.start <= self.set.start
            && self.set.end <= range.end;
        if range == self.set {
            return true;
        }
        // Nothing of it concerns the variable but how it ends.
        let head = |end: Option<BlockId>| -> TextRange {
            let end = end.map_or(range.end, |block| ast.block(block).range.start);
            TextRange::new(range.file, range.start, end)
        };
        match *ast.stmt(id) {
            Stmt::Return { results } => {
                let used = self.uses_in(range) || results.is_empty() && self.is_result;
                if open && !used && self.lost.is_none() {
                    self.lost = Some(range);
                }
                false
            }
            Stmt::Block(block) => self.block(block, open),
            Stmt::Labeled { statement, .. } => self.statement(statement, open),
            Stmt::If {
                then, otherwise, ..
            } => {
                let mut open = open || has_set && self.set_in(head(Some(then)));
                open &= !self.uses_in(head(Some(then)));
                let taken = self.block(then, open);
                let other = otherwise.map_or(open, |otherwise| self.statement(otherwise, open));
                taken || other
            }
            Stmt::For {
                body, condition, ..
            } => {
                let open = open && !self.uses_in(head(Some(body)));
                let (around, left) = self.rounds(body, open);
                match condition {
                    Some(_) => around || left,
                    None => left,
                }
            }
            Stmt::Range { body, .. } => {
                let open = open && !self.uses_in(head(Some(body)));
                let (around, left) = self.rounds(body, open);
                around || left
            }
            Stmt::Switch { cases, lbrace, .. } | Stmt::TypeSwitch { cases, lbrace, .. } => {
                let cases = ast.list(cases);
                let head = TextRange::new(range.file, range.start, lbrace);
                let open = open && !self.uses_in(head);
                let has_default = cases.iter().any(|case| case.is_default());
                let bodies: Vec<(TextRange, BlockId)> =
                    cases.iter().map(|case| (case.head, case.body)).collect();
                let any = self.cases(&bodies, open);
                any || open && !has_default
            }
            Stmt::Select { cases, .. } => {
                let bodies: Vec<(TextRange, BlockId)> = ast
                    .list(cases)
                    .iter()
                    .map(|case| (case.head, case.body))
                    .collect();
                self.cases(&bodies, open)
            }
            Stmt::Break { label } => {
                // Out of which statement a label leads is not followed: as if the variable were used.
                if label.is_none()
                    && let Some(left) = self.breaks.last_mut()
                {
                    *left |= open;
                }
                false
            }
            Stmt::Continue { label: None } => {
                self.continued |= open;
                false
            }
            Stmt::Continue { .. } | Stmt::Goto { .. } | Stmt::Fallthrough => false,
            Stmt::Expr(call) if self.ends(call) => false,
            _ => open && !self.uses_in(range),
        }
    }

    /// Goes through the body of a loop twice: is it open when the condition is asked, and is it left open by a `break`?
    fn rounds(&mut self, body: BlockId, open: bool) -> (bool, bool) {
        let outer = std::mem::take(&mut self.continued);
        self.breaks.push(false);
        let once = self.block(body, open) | self.continued;
        let again = self.block(body, open || once) | self.continued;
        let left = self.breaks.pop().unwrap_or(false);
        self.continued = outer;
        (open || once || again, left)
    }

    fn set_in(&self, range: TextRange) -> bool {
        range.start <= self.set.start && self.set.end <= range.end
    }

    fn cases(&mut self, bodies: &[(TextRange, BlockId)], open: bool) -> bool {
        self.breaks.push(false);
        let mut any = false;
        for &(head, body) in bodies {
            let open = open && !self.uses_in(head);
            any |= self.block(body, open);
        }
        any | self.breaks.pop().unwrap_or(false)
    }

    /// Does a call never come back?
    fn ends(&self, call: ExprId) -> bool {
        if !matches!(self.context.ast.expr(call), Expr::Call { .. }) {
            return false;
        }
        self.context.builtin_called(call) == Some("panic")
            || matches!(
                self.context.function_called(call).as_deref(),
                Some("os.Exit" | "runtime.Goexit" | "log.Fatal" | "log.Fatalf" | "log.Fatalln")
            )
    }
}
