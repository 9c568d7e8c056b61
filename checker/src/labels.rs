//! Labels and branches: what they lead to, and whether they may. GO: cmd/compile/internal/syntax branches.go.

use diagnostics::{Code, TextRange};
use parser::ast::{BlockId, ExprId, Stmt, StmtId, Symbol};
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

/// A block on the way from the function's body to the current statement; all that were met are kept.
struct Block {
    parent: Option<usize>,
    start: TextRange,
    /// The labelled statement that this block belongs to.
    labelled: Option<StmtId>,
}

/// What an unlabelled `break` or `continue` would leave.
#[derive(Clone, Copy)]
struct Targets {
    breaks: Option<StmtId>,
    continues: bool,
    /// The clause of the immediately enclosing switch.
    case: Option<usize>,
}

/// A `goto` whose label has not been met.
struct Forward {
    label: ExprId,
    name: Symbol,
    /// The variable declaration it jumps over, if any: its range and what it declares.
    over: Option<(TextRange, String)>,
}

#[derive(Default)]
struct State {
    labels: FxHashMap<Symbol, Label>,
    /// Labels in the order of declaration.
    order: Vec<Symbol>,
    blocks: Vec<Block>,
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
        let forward = self.block_branches(&mut state, None, targets, None, start, statements);
        for goto in forward {
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
        parent: Option<usize>,
        targets: Targets,
        labelled: Option<StmtId>,
        start: TextRange,
        statements: &[StmtId],
    ) -> Vec<Forward> {
        let block = state.blocks.len();
        state.blocks.push(Block {
            parent,
            start,
            labelled,
        });
        let mut forward: Vec<Forward> = Vec::new();
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
                    // Gotos further up lead here.
                    let (here, others): (Vec<_>, Vec<_>) =
                        forward.into_iter().partition(|goto| goto.name == name);
                    forward = others;
                    for goto in here {
                        if let Some(label) = state.labels.get_mut(&name) {
                            label.used = true;
                        }
                        if let Some((range, variable)) = goto.over {
                            let message = format!(
                                "goto {} jumps over declaration of {variable} at {}",
                                self.text(name),
                                self.sources.position(range)
                            );
                            self.report_expr(Code::InvalidLabel, goto.label, message);
                        }
                    }
                    labelled = Some(statement);
                }
                statement = inner;
            }
            let last = index + 1 == statements.len();
            let inner = self.statement_branches(
                state,
                block,
                targets,
                labelled,
                statement,
                last,
                &mut forward,
            );
            forward.extend(inner);
        }
        // What is declared in this block is out of scope at a label further out.
        for goto in &mut forward {
            goto.over = None;
        }
        forward
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

    #[expect(clippy::too_many_arguments, reason = "the state of one walk")]
    fn statement_branches(
        &mut self,
        state: &mut State,
        block: usize,
        targets: Targets,
        labelled: Option<StmtId>,
        statement: StmtId,
        last: bool,
        forward: &mut Vec<Forward>,
    ) -> Vec<Forward> {
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
            with_stack(|| {
                checker.block_branches(state, Some(block), targets, labelled, start, statements)
            })
        };
        let mut found = Vec::new();
        match *self.ast.stmt(statement) {
            Stmt::Decl(decl) => {
                if let parser::ast::Decl::Var(specs) = *self.ast.decl(decl)
                    && let Some(spec) = self.ast.list(specs).first()
                    && let Some(name) = self.ast.list(spec.names).first()
                {
                    let text = self.expression_text(*name);
                    jump_over(forward, spec.range, &text);
                }
            }
            Stmt::Define { lhs, op_pos, .. } => {
                let names: Vec<String> = self
                    .ast
                    .list(lhs)
                    .iter()
                    .map(|name| self.expression_text(*name))
                    .collect();
                jump_over(
                    forward,
                    TextRange::at(range.file, op_pos),
                    &names.join(", "),
                );
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
                self.check_labelled(state, block, label, "break", is_target);
            }
            Stmt::Continue { label: Some(label) } => {
                let is_target = |s: &Stmt| matches!(s, Stmt::For { .. } | Stmt::Range { .. });
                self.check_labelled(state, block, label, "continue", is_target);
            }
            Stmt::Goto { label } => {
                if let Some(name) = self.ast.ident(label)
                    && !is_goto_target(state, block, name)
                {
                    forward.push(Forward {
                        label,
                        name,
                        over: None,
                    });
                }
            }
            Stmt::Block(body) => {
                found = inner(self, state, plain, self.ast.block(body).range, body)
            }
            Stmt::If {
                then, otherwise, ..
            } => {
                found = inner(self, state, plain, self.ast.block(then).range, then);
                if let Some(otherwise) = otherwise {
                    let start = self.ast.stmt_range(otherwise);
                    found.extend(with_stack(|| {
                        self.block_branches(
                            state,
                            Some(block),
                            plain,
                            labelled,
                            start,
                            &[otherwise],
                        )
                    }));
                }
            }
            Stmt::For { body, .. } | Stmt::Range { body, .. } => {
                let targets = Targets {
                    breaks: Some(statement),
                    continues: true,
                    case: None,
                };
                found = inner(self, state, targets, self.ast.block(body).range, body);
            }
            Stmt::Switch { cases, .. } | Stmt::TypeSwitch { cases, .. } => {
                for (index, case) in self.ast.list(cases).iter().enumerate() {
                    let targets = Targets {
                        breaks: Some(statement),
                        case: Some(index),
                        ..targets
                    };
                    found.extend(inner(self, state, targets, case.head, case.body));
                }
            }
            Stmt::Select { cases, .. } => {
                for case in self.ast.list(cases) {
                    let targets = Targets {
                        breaks: Some(statement),
                        case: None,
                        ..targets
                    };
                    found.extend(inner(self, state, targets, case.head, case.body));
                }
            }
            _ => {}
        }
        found
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
        block: usize,
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
        let mut next = Some(block);
        let mut encloses = false;
        while let Some(index) = next {
            encloses |= state.blocks[index].labelled == Some(statement);
            next = state.blocks[index].parent;
        }
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

/// Notes that the gotos so far jump over a declaration, should their label come after it in the same block.
fn jump_over(forward: &mut [Forward], range: TextRange, variable: &str) {
    for goto in forward {
        goto.over = Some((range, variable.to_owned()));
    }
}

/// Is the label declared in this block or one around it?
fn is_goto_target(state: &mut State, block: usize, name: Symbol) -> bool {
    let Some(label) = state.labels.get_mut(&name) else {
        return false;
    };
    label.used = true;
    let target = label.block;
    let mut next = Some(block);
    while let Some(index) = next {
        if index == target {
            return true;
        }
        next = state.blocks[index].parent;
    }
    false
}
