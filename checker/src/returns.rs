//! Does a statement list end in a terminating statement? SPEC: Terminating statements. GO: go/types return.go.

use parser::ast::{BlockId, CaseClause, Expr, List, Stmt, StmtId, Symbol};

use crate::checker::{Checker, with_stack};

impl Checker<'_> {
    pub(crate) fn is_terminating_list(&self, list: &[StmtId]) -> bool {
        let last = list
            .iter()
            .rev()
            .find(|statement| !matches!(self.ast.stmt(**statement), Stmt::Empty));
        last.is_some_and(|last| with_stack(|| self.is_terminating(*last, None)))
    }

    fn is_terminating_block(&self, block: BlockId) -> bool {
        self.is_terminating_list(self.ast.statements(block))
    }

    fn is_terminating(&self, statement: StmtId, label: Option<Symbol>) -> bool {
        match *self.ast.stmt(statement) {
            Stmt::Labeled { label, statement } => {
                let label = self.ast.ident(label);
                with_stack(|| self.is_terminating(statement, label))
            }
            Stmt::Expr(expr) => {
                let call = self.ast.unparen(expr);
                matches!(self.ast.expr(call), Expr::Call { .. }) && self.panic_calls.contains(&call)
            }
            // What could not be parsed may have been anything.
            Stmt::Return { .. } | Stmt::Goto { .. } | Stmt::Fallthrough | Stmt::Bad => true,
            Stmt::Block(block) => self.is_terminating_block(block),
            Stmt::If {
                then,
                otherwise: Some(otherwise),
                ..
            } => {
                self.is_terminating_block(then)
                    && with_stack(|| self.is_terminating(otherwise, None))
            }
            Stmt::Switch { cases, .. } | Stmt::TypeSwitch { cases, .. } => {
                self.is_terminating_switch(cases, label)
            }
            Stmt::Select { cases, .. } => self.ast.list(cases).iter().all(|case| {
                self.is_terminating_block(case.body) && !self.has_break_in(case.body, label, true)
            }),
            Stmt::For {
                condition: None,
                body,
                ..
            } => !self.has_break_in(body, label, true),
            _ => false,
        }
    }

    fn is_terminating_switch(&self, cases: List<CaseClause>, label: Option<Symbol>) -> bool {
        let cases = self.ast.list(cases);
        cases.iter().any(CaseClause::is_default)
            && cases.iter().all(|case| {
                self.is_terminating_block(case.body) && !self.has_break_in(case.body, label, true)
            })
    }

    fn has_break_in(&self, block: BlockId, label: Option<Symbol>, implicit: bool) -> bool {
        let mut statements = self.ast.statements(block).iter();
        statements.any(|statement| with_stack(|| self.has_break(*statement, label, implicit)))
    }

    /// Is there a `break` that leaves the enclosing statement: one with its label, or, if `implicit`, one without?
    fn has_break(&self, statement: StmtId, label: Option<Symbol>, implicit: bool) -> bool {
        match *self.ast.stmt(statement) {
            Stmt::Labeled { statement, .. } => {
                with_stack(|| self.has_break(statement, label, implicit))
            }
            Stmt::Break { label: None } => implicit,
            Stmt::Break {
                label: Some(target),
            } => label.is_some() && self.ast.ident(target) == label,
            Stmt::Block(block) => self.has_break_in(block, label, implicit),
            Stmt::If {
                then, otherwise, ..
            } => {
                self.has_break_in(then, label, implicit)
                    || otherwise.is_some_and(|otherwise| {
                        with_stack(|| self.has_break(otherwise, label, implicit))
                    })
            }
            Stmt::Switch { cases, .. } | Stmt::TypeSwitch { cases, .. } if label.is_some() => self
                .ast
                .list(cases)
                .iter()
                .any(|case| self.has_break_in(case.body, label, false)),
            Stmt::Select { cases, .. } if label.is_some() => self
                .ast
                .list(cases)
                .iter()
                .any(|case| self.has_break_in(case.body, label, false)),
            Stmt::For { body, .. } | Stmt::Range { body, .. } if label.is_some() => {
                self.has_break_in(body, label, false)
            }
            _ => false,
        }
    }
}
