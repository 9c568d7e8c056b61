//! `select`: all channels and values first, then one instruction with a word per case, then the chosen body.

use bytecode::{Count, Imm16, Jump16, Label, OptionalRegister, Register, Run, op};
use checker::types::{Type, TypeId as Ty};
use parser::ast::{CommClause, Expr, ExprId, Stmt, Symbol, UnaryOperator};

use crate::function::{FunctionCompiler, JumpTarget};
use crate::places::NONE;

/// A case whose operands are in registers.
enum Case {
    Send {
        channel: u16,
        src: u16,
        ty: Ty,
    },
    Receive {
        channel: u16,
        dst: Option<u16>,
        ok: Option<u16>,
        ty: Ty,
        lhs: Vec<ExprId>,
        define: bool,
    },
}

impl FunctionCompiler<'_, '_> {
    /// `select { ... }`.
    pub(crate) fn select_statement(&mut self, label: Option<Symbol>, clauses: &[CommClause]) {
        let ast = self.c.ast;
        let mut cases = Vec::new();
        for clause in clauses {
            if let Some(comm) = clause.comm {
                self.at(ast.stmt_range(comm));
                cases.push(self.select_case(*ast.stmt(comm)));
            }
        }
        let has_default = clauses.len() > cases.len();
        let end = self.asm.new_label();
        let bodies: Vec<Label> = clauses.iter().map(|_| self.asm.new_label()).collect();
        let chosen = self.scalar();
        self.emit(op::Select {
            dst: Register(chosen),
            count: Count(cases.len() as u16),
            has_default: Count(u16::from(has_default)),
        });
        for case in &cases {
            match *case {
                Case::Send { channel, src, ty } => {
                    let ty = self.c.descriptor(ty);
                    self.emit(op::SelectSend {
                        channel: Register(channel),
                        src: Run(src),
                        ty,
                    });
                }
                Case::Receive {
                    channel,
                    dst,
                    ok,
                    ty,
                    ..
                } => {
                    let ty = self.c.descriptor(ty);
                    let optional = |register: Option<u16>| register.map_or(NONE, OptionalRegister);
                    self.emit(op::SelectReceive {
                        channel: Register(channel),
                        dst: optional(dst),
                        ok: optional(ok),
                        ty,
                    });
                }
            }
        }
        // The last clause needs no test.
        let mut index = 0i16;
        for (place, clause) in clauses.iter().enumerate() {
            let number = if clause.comm.is_some() { index } else { -1 };
            index += i16::from(clause.comm.is_some());
            if place + 1 < clauses.len() {
                self.emit_jump(
                    op::JumpIfEqIntImm {
                        a: Register(chosen),
                        value: Imm16(number),
                        to: Jump16(0),
                    },
                    bodies[place],
                );
            } else {
                self.jump(bodies[place]);
            }
        }
        if clauses.is_empty() {
            self.emit(op::Unreachable {});
        }
        self.targets.push(JumpTarget {
            label,
            break_to: end,
            continue_to: None,
        });
        let mut cases = cases.into_iter();
        for (clause, &body) in clauses.iter().zip(&bodies) {
            self.asm.bind(body);
            let case = if clause.comm.is_some() {
                cases.next()
            } else {
                None
            };
            self.scoped(|f| {
                let received = case
                    .as_ref()
                    .map_or_else(Vec::new, |case| f.receive_case(case));
                f.block_statements(clause.body);
                // In the other clauses these registers hold nothing.
                for (register, count) in received {
                    f.registers.forget(register, count);
                }
            });
            if self.falls_through() {
                self.jump(end);
            }
        }
        self.targets.pop();
        self.asm.bind(end);
    }

    /// Evaluates the operands of a case.
    fn select_case(&mut self, comm: Stmt) -> Case {
        let ast = self.c.ast;
        let (receive, lhs, define) = match comm {
            Stmt::Send { channel, value, .. } => {
                let ty = self.type_of(channel);
                let Type::Chan { element, .. } = *self.c.typed.types.underlying(ty) else {
                    panic!("only channels are sent to")
                };
                let channel = self.operand(channel);
                let src = self.owned_operand_as(value, element);
                return Case::Send { channel, src, ty };
            }
            Stmt::Expr(e) => (e, Vec::new(), false),
            Stmt::Assign { lhs, rhs, .. } => (ast.list(rhs)[0], ast.list(lhs).to_vec(), false),
            Stmt::Define { lhs, rhs, .. } => (ast.list(rhs)[0], ast.list(lhs).to_vec(), true),
            _ => panic!("the checker refuses other cases"),
        };
        let Expr::Unary {
            op: UnaryOperator::Receive,
            operand,
        } = *ast.expr(ast.unparen(receive))
        else {
            panic!("the checker refuses other cases")
        };
        let ty = self.type_of(operand);
        let Type::Chan { element, .. } = *self.c.typed.types.underlying(ty) else {
            panic!("only channels receive")
        };
        let channel = self.operand(operand);
        let dst = lhs.first().map(|_| self.allocate(element));
        let ok = lhs.get(1).map(|_| self.scalar());
        Case::Receive {
            channel,
            dst,
            ok,
            ty,
            lhs,
            define,
        }
    }

    /// Declares or assigns what a case has received; returns the registers it came in.
    fn receive_case(&mut self, case: &Case) -> Vec<(u16, usize)> {
        let Case::Receive {
            dst,
            ok,
            ty,
            lhs,
            define,
            ..
        } = case
        else {
            return Vec::new();
        };
        let Type::Chan { element, .. } = *self.c.typed.types.underlying(*ty) else {
            return Vec::new();
        };
        let element = self.c.typed.types.canonical(element);
        let mut received = Vec::new();
        let values = [
            dst.map(|register| (register, element)),
            ok.map(|register| (register, Ty::BOOL)),
        ];
        for (register, ty) in values.iter().flatten() {
            let count = self.slots(*ty);
            self.registers.written(*register, count);
            received.push((*register, count));
        }
        for (&target, value) in lhs.iter().zip(values) {
            let Some((register, from)) = value else {
                continue;
            };
            let is_blank = matches!(*self.c.ast.expr(self.c.ast.unparen(target)), Expr::Ident(name) if name.is_blank());
            if is_blank {
                continue;
            }
            if *define && let Some(object) = self.c.typed.object_of(target) {
                self.declare(object, register);
            } else {
                self.assign_value(target, register, from);
            }
        }
        received
    }
}
