//! Labels and branches: what they lead to, and whether they may. GO: cmd/compile/internal/syntax branches.go.

use diagnostics::{Code, TextRange};
use parser::ast::{BlockId, ExprId, List, Stmt, StmtId, Symbol};
use rustc_hash::FxHashMap;

use crate::checker::{Checker, with_stack};

/// A label's declaration.
struct Label {
    /// The block that holds it.
    block: usize,
    statement: StmtId,
    ident: ExprId,
    used: bool,
}

/// A block of the function's body. Blocks are numbered as they are entered, so those within an open block are it and all that came later.
struct Block {
    start: TextRange,
    /// Is the walk in it?
    open: bool,
    /// The last variable declaration that stands directly in it.
    declaration: Option<Declaration>,
}

/// A variable declaration.
#[derive(Clone, Copy)]
struct Declaration {
    range: TextRange,
    /// The names declared, or the first of them.
    names: List<ExprId>,
    only_first: bool,
    /// How many gotos stand before it.
    after: usize,
}

/// What an unlabelled `break` or `continue` would leave.
#[derive(Clone, Copy)]
struct Targets {
    breaks: Option<StmtId>,
    continues: bool,
    /// The clause of the immediately enclosing switch.
    case: Option<usize>,
}

/// A `goto` whose label had not been met.
struct Forward {
    label: ExprId,
    name: Symbol,
    block: usize,
    /// Was its label met since, in its block or one around it?
    met: bool,
}

#[derive(Default)]
struct State {
    labels: FxHashMap<Symbol, Label>,
    /// Labels in the order of declaration.
    order: Vec<Symbol>,
    blocks: Vec<Block>,
    /// Gotos in the order of the text.
    forward: Vec<Forward>,
    /// Those whose label has not been met, by its name.
    pending: FxHashMap<Symbol, Vec<usize>>,
    /// The labelled statements around the current one.
    labelled: Vec<StmtId>,
}

impl Checker<'_> {
    /// Checks the branches of a function body; not of the function literals in it.
    pub(crate) fn check_branches(&mut self, body: BlockId) {
        let mut state = State::default();
        let targets = Targets {
            breaks: None,
            continues: false,
            case: None,
        };
        let start = self.ast.block(body).range;
        let statements = self.ast.statements(body);
        self.block_branches(&mut state, targets, None, start, statements);
        for goto in std::mem::take(&mut state.forward) {
            if goto.met {
                continue;
            }
            let text = self.text(goto.name);
            let message = match state.labels.get_mut(&goto.name) {
                Some(label) => {
                    label.used = true;
                    let start = state.blocks[label.block].start;
                    format!(
                        "goto {text} jumps into block starting at {}",
                        self.sources.position(start)
                    )
                }
                None => format!("label {text} not defined"),
            };
            self.report_expr(Code::InvalidLabel, goto.label, message);
        }
        for name in &state.order {
            if let Some(label) = state.labels.get(name).filter(|label| !label.used) {
                let message = format!("label {} defined and not used", self.text(*name));
                self.report_expr(Code::InvalidLabel, label.ident, message);
            }
        }
    }

    fn block_branches(
        &mut self,
        state: &mut State,
        targets: Targets,
        labelled: Option<StmtId>,
        start: TextRange,
        statements: &[StmtId],
    ) {
        let block = state.blocks.len();
        state.blocks.push(Block {
            start,
            open: true,
            declaration: None,
        });
        state.labelled.extend(labelled);
        let end = statements
            .iter()
            .rposition(|s| !matches!(self.ast.stmt(*s), Stmt::Empty))
            .map_or(0, |last| last + 1);
        let statements = &statements[..end];
        for (index, statement) in statements.iter().enumerate() {
            let mut statement = *statement;
            let mut labelled = None;
            while let Stmt::Labeled {
                label,
                statement: inner,
            } = *self.ast.stmt(statement)
            {
                if let Some(name) = self.ast.ident(label).filter(|name| !name.is_blank()) {
                    self.declare_label(state, block, statement, label, name);
                    self.meet_label(state, block, name);
                    labelled = Some(statement);
                }
                statement = inner;
            }
            let last = index + 1 == statements.len();
            self.statement_branches(state, block, targets, labelled, statement, last);
        }
        state.blocks[block].open = false;
        if labelled.is_some() {
            state.labelled.pop();
        }
    }

    /// Gotos further up that stand in the block of the label, or in one within it, lead to it.
    fn meet_label(&mut self, state: &mut State, block: usize, name: Symbol) {
        let Some(pending) = state.pending.get_mut(&name) else {
            return;
        };
        let forward = &state.forward;
        // Gotos of blocks further out came before this one was entered.
        let first = pending.partition_point(|goto| forward[*goto].block < block);
        let here = pending.split_off(first);
        if here.is_empty() {
            return;
        }
        if let Some(label) = state.labels.get_mut(&name) {
            label.used = true;
        }
        for index in here {
            let goto = &mut state.forward[index];
            goto.met = true;
            let label = goto.label;
            if let Some(over) = state.blocks[block].declaration
                && index < over.after
            {
                let names = self.ast.list(over.names);
                let names = match over.only_first {
                    true => &names[..1],
                    false => names,
                };
                let names: Vec<String> = names.iter().map(|n| self.expression_text(*n)).collect();
                let message = format!(
                    "goto {} jumps over declaration of {} at {}",
                    self.text(name),
                    names.join(", "),
                    self.sources.position(over.range)
                );
                self.report_expr(Code::InvalidLabel, label, message);
            }
        }
    }

    fn declare_label(
        &mut self,
        state: &mut State,
        block: usize,
        statement: StmtId,
        ident: ExprId,
        name: Symbol,
    ) {
        if let Some(other) = state.labels.get(&name) {
            let message = format!(
                "label {} already defined at {}",
                self.text(name),
                self.sources.position(self.range(other.ident))
            );
            self.report_expr(Code::InvalidLabel, ident, message);
            return;
        }
        state.order.push(name);
        state.labels.insert(
            name,
            Label {
                block,
                statement,
                ident,
                used: false,
            },
        );
    }

    fn statement_branches(
        &mut self,
        state: &mut State,
        block: usize,
        targets: Targets,
        labelled: Option<StmtId>,
        statement: StmtId,
        last: bool,
    ) {
        let range = self.ast.stmt_range(statement);
        let plain = Targets {
            case: None,
            ..targets
        };
        let inner = |checker: &mut Self,
                     state: &mut State,
                     targets: Targets,
                     start: TextRange,
                     body: BlockId| {
            let statements = checker.ast.statements(body);
            with_stack(|| checker.block_branches(state, targets, labelled, start, statements));
        };
        match *self.ast.stmt(statement) {
            Stmt::Decl(decl) => {
                if let parser::ast::Decl::Var(specs) = *self.ast.decl(decl)
                    && let Some(spec) = self.ast.list(specs).first()
                    && !spec.names.is_empty()
                {
                    state.blocks[block].declaration = Some(Declaration {
                        range: spec.range,
                        names: spec.names,
                        only_first: true,
                        after: state.forward.len(),
                    });
                }
            }
            Stmt::Define { lhs, op_pos, .. } => {
                state.blocks[block].declaration = Some(Declaration {
                    range: TextRange::at(range.file, op_pos),
                    names: lhs,
                    only_first: false,
                    after: state.forward.len(),
                });
            }
            Stmt::Break { label: None } if targets.breaks.is_none() => {
                self.report(
                    Code::MisplacedBranch,
                    range,
                    "break is not in a loop, switch, or select",
                );
            }
            Stmt::Continue { label: None } if !targets.continues => {
                self.report(Code::MisplacedBranch, range, "continue is not in a loop");
            }
            Stmt::Fallthrough => self.check_fallthrough(targets, range, last),
            Stmt::Break { label: Some(label) } => {
                let is_target = |s: &Stmt| {
                    matches!(
                        s,
                        Stmt::For { .. }
                            | Stmt::Range { .. }
                            | Stmt::Switch { .. }
                            | Stmt::TypeSwitch { .. }
                            | Stmt::Select { .. }
                    )
                };
                self.check_labelled(state, label, "break", is_target);
            }
            Stmt::Continue { label: Some(label) } => {
                let is_target = |s: &Stmt| matches!(s, Stmt::For { .. } | Stmt::Range { .. });
                self.check_labelled(state, label, "continue", is_target);
            }
            Stmt::Goto { label } => {
                if let Some(name) = self.ast.ident(label)
                    && !is_goto_target(state, name)
                {
                    let pending = state.pending.entry(name).or_default();
                    pending.push(state.forward.len());
                    state.forward.push(Forward {
                        label,
                        name,
                        block,
                        met: false,
                    });
                }
            }
            Stmt::Block(body) => inner(self, state, plain, self.ast.block(body).range, body),
            Stmt::If {
                then, otherwise, ..
            } => {
                inner(self, state, plain, self.ast.block(then).range, then);
                if let Some(otherwise) = otherwise {
                    let start = self.ast.stmt_range(otherwise);
                    with_stack(|| {
                        self.block_branches(state, plain, labelled, start, &[otherwise]);
                    });
                }
            }
            Stmt::For { body, .. } | Stmt::Range { body, .. } => {
                let targets = Targets {
                    breaks: Some(statement),
                    continues: true,
                    case: None,
                };
                inner(self, state, targets, self.ast.block(body).range, body);
            }
            Stmt::Switch { cases, .. } | Stmt::TypeSwitch { cases, .. } => {
                for (index, case) in self.ast.list(cases).iter().enumerate() {
                    let targets = Targets {
                        breaks: Some(statement),
                        case: Some(index),
                        ..targets
                    };
                    inner(self, state, targets, case.head, case.body);
                }
            }
            Stmt::Select { cases, .. } => {
                for case in self.ast.list(cases) {
                    let targets = Targets {
                        breaks: Some(statement),
                        case: None,
                        ..targets
                    };
                    inner(self, state, targets, case.head, case.body);
                }
            }
            _ => {}
        }
    }

    fn check_fallthrough(&mut self, targets: Targets, range: TextRange, last: bool) {
        let mut message = "fallthrough statement out of place";
        match targets.breaks.map(|target| *self.ast.stmt(target)) {
            Some(Stmt::TypeSwitch { .. }) => message = "cannot fallthrough in type switch",
            Some(Stmt::Switch { cases, .. }) => match targets.case {
                Some(case) if last => {
                    if case + 1 < cases.len() {
                        return;
                    }
                    message = "cannot fallthrough final case in switch";
                }
                _ => {}
            },
            _ => {}
        }
        self.report(Code::MisplacedBranch, range, message);
    }

    fn check_labelled(
        &mut self,
        state: &mut State,
        label: ExprId,
        keyword: &str,
        is_target: impl Fn(&Stmt) -> bool,
    ) {
        let Some(name) = self.ast.ident(label) else {
            return;
        };
        let text = self.text(name);
        let Some(declared) = state.labels.get_mut(&name) else {
            self.report_expr(
                Code::InvalidLabel,
                label,
                format!("{keyword} label not defined: {text}"),
            );
            return;
        };
        declared.used = true;
        let statement = declared.statement;
        let encloses = state.labelled.contains(&statement);
        let mut target = statement;
        while let Stmt::Labeled {
            statement: inner, ..
        } = *self.ast.stmt(target)
        {
            target = inner;
        }
        if !encloses || !is_target(self.ast.stmt(target)) {
            self.report_expr(
                Code::InvalidLabel,
                label,
                format!("invalid {keyword} label {text}"),
            );
        }
    }
}

/// Is the label declared in a block around the current statement?
fn is_goto_target(state: &mut State, name: Symbol) -> bool {
    let Some(label) = state.labels.get_mut(&name) else {
        return false;
    };
    label.used = true;
    state.blocks[label.block].open
}
