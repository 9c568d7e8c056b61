//! Switches on values and types.
//!
//! All tests come first, then the bodies. Integer constants that lie close together are dispatched by a table.

use bytecode::{Count32, Imm16, Jump16, Jump32, Label, Pair, Register, Run, op};
use checker::types::{Type, TypeId as Ty};
use parser::ast::{BinaryOperator, CaseClause, ExprId, StmtId, Symbol};

use crate::function::{FunctionCompiler, JumpTarget};

/// A table is worth its first jump from this many values on.
const FEWEST_IN_TABLE: usize = 4;
/// A table may be this many times as long as it has values.
const SPARSEST_TABLE: u64 = 3;

impl FunctionCompiler<'_, '_> {
    /// `switch init; tag { ... }`.
    pub(crate) fn switch_statement(
        &mut self,
        label: Option<Symbol>,
        init: Option<StmtId>,
        tag: Option<ExprId>,
        cases: &[CaseClause],
    ) {
        if let Some(init) = init {
            self.statement(init);
        }
        let end = self.asm.new_label();
        let bodies: Vec<Label> = cases.iter().map(|_| self.asm.new_label()).collect();
        let default = cases
            .iter()
            .position(CaseClause::is_default)
            .map_or(end, |index| bodies[index]);
        self.scoped(|f| match tag {
            None => {
                for (case, &body) in cases.iter().zip(&bodies) {
                    for &value in f.c.ast.list(case.values) {
                        f.at(f.c.ast.range(value));
                        f.condition(value, true, body);
                    }
                }
            }
            Some(tag) => f.dispatch(tag, cases, &bodies),
        });
        self.jump(default);
        let outer = self.fallthrough;
        self.targets.push(JumpTarget {
            label,
            break_to: end,
            continue_to: None,
        });
        for (index, case) in cases.iter().enumerate() {
            self.asm.bind(bodies[index]);
            self.fallthrough = bodies.get(index + 1).copied();
            self.block(case.body);
            if index + 1 < cases.len() && self.falls_through() {
                self.jump(end);
            }
        }
        self.targets.pop();
        self.fallthrough = outer;
        self.asm.bind(end);
    }

    /// Compares the tag with all values.
    fn dispatch(&mut self, tag: ExprId, cases: &[CaseClause], bodies: &[Label]) {
        let ty = self.c.typed.types.default_type(self.type_of(tag));
        self.hoist(&[tag]);
        let register = self.operand_as(tag, ty);
        let mut values = Vec::new();
        for (case, &body) in cases.iter().zip(bodies) {
            values.extend(
                self.c
                    .ast
                    .list(case.values)
                    .iter()
                    .map(|&value| (value, body)),
            );
        }
        if self.c.typed.types.is_integer(ty) && self.jump_table(ty, register, &values) {
            return;
        }
        for (value, body) in values {
            self.at(self.c.ast.range(value));
            self.scoped(|f| f.jump_if_equal(ty, register, value, body));
        }
    }

    /// Dispatches by a table, if the values are constants close together.
    fn jump_table(&mut self, ty: Ty, tag: u16, values: &[(ExprId, Label)]) -> bool {
        if values.len() < FEWEST_IN_TABLE {
            return false;
        }
        let mut entries = Vec::with_capacity(values.len());
        for &(value, body) in values {
            let Some(constant) = self.c.typed.constant(self.c.ast.unparen(value)) else {
                return false;
            };
            let Some(slot) = self.constant_slot(constant, ty) else {
                return false;
            };
            entries.push((slot as i64, body));
        }
        let Some(low) = entries.iter().map(|entry| entry.0).min() else {
            return false;
        };
        let Some(high) = entries.iter().map(|entry| entry.0).max() else {
            return false;
        };
        // Two ends of a 64-bit type may be farther apart than a u64 counts.
        let length = high as i128 - low as i128 + 1;
        if length > entries.len() as i128 * SPARSEST_TABLE as i128 {
            return false;
        }
        let mut index = tag;
        if low != 0 {
            index = self.scalar();
            match i16::try_from(low).ok().and_then(i16::checked_neg) {
                Some(value) => {
                    self.emit(op::AddIntImm {
                        dst: Register(index),
                        a: Register(tag),
                        value: Imm16(value),
                    });
                }
                None => {
                    let base = self.scalar();
                    self.load_slot(low as u64, base);
                    self.emit(op::SubInt {
                        dst: Register(index),
                        a: Register(tag),
                        b: Register(base),
                    });
                }
            }
        }
        let past = self.asm.new_label();
        self.emit(op::JumpTable {
            a: Register(index),
            count: Count32(length as u32),
        });
        let mut table = vec![past; length as usize];
        for (value, body) in entries.into_iter().rev() {
            table[(value - low) as usize] = body;
        }
        for entry in table {
            self.emit_jump(op::JumpTableEntry { to: Jump32(0) }, entry);
        }
        self.asm.bind(past);
        true
    }

    /// Jumps to `body` if the tag equals a case's value.
    fn jump_if_equal(&mut self, ty: Ty, tag: u16, value: ExprId, body: Label) {
        if self.is_nil(value) {
            return self.jump_if(tag, false, body);
        }
        let value_type = self.type_of(value);
        let typed = self.c.typed;
        if self.wraps(ty, value_type) {
            // The tag becomes an interface.
            let tag_interface = self.allocate(value_type);
            self.make_interface(ty, tag, tag_interface);
            self.registers.written(tag_interface, 2);
            let b = self.operand(value);
            let flag = self.scalar();
            self.emit(op::EqInterface {
                dst: Register(flag),
                a: Pair(tag_interface),
                b: Pair(b),
            });
            return self.jump_if(flag, true, body);
        }
        match typed.types.underlying(ty) {
            Type::Basic(kind) if kind.is_integer() || kind.is_boolean() => {
                if let Some(constant) = self.small_constant(value, ty) {
                    return self.integer_jump_constant(BinaryOperator::Equal, tag, constant, body);
                }
                let b = self.operand_as(value, ty);
                self.integer_jump_registers(*kind, BinaryOperator::Equal, tag, b, body);
            }
            Type::Basic(kind) if kind.is_string() => {
                let b = self.operand_as(value, ty);
                self.emit_jump(
                    op::JumpIfEqString {
                        a: Pair(tag),
                        b: Pair(b),
                        to: Jump16(0),
                    },
                    body,
                );
            }
            _ => {
                let b = self.operand_as(value, ty);
                let flag = self.scalar();
                self.equality(ty, tag, b, false, flag);
                self.jump_if(flag, true, body);
            }
        }
    }

    /// `switch init; binding := operand.(type) { ... }`.
    pub(crate) fn type_switch(
        &mut self,
        label: Option<Symbol>,
        init: Option<StmtId>,
        operand: ExprId,
        cases: &[CaseClause],
    ) {
        if let Some(init) = init {
            self.statement(init);
        }
        self.hoist(&[operand]);
        let from = self.type_of(operand);
        let interface = self.operand(operand);
        let end = self.asm.new_label();
        self.targets.push(JumpTarget {
            label,
            break_to: end,
            continue_to: None,
        });
        for case in cases.iter().filter(|case| !case.is_default()) {
            let types = self.c.ast.list(case.values);
            let (body, next) = (self.asm.new_label(), self.asm.new_label());
            for (index, &ty) in types.iter().enumerate() {
                self.at(self.c.ast.range(ty));
                if index + 1 < types.len() {
                    let other = self.asm.new_label();
                    self.jump_unless_type(interface, ty, other);
                    self.jump(body);
                    self.asm.bind(other);
                } else {
                    self.jump_unless_type(interface, ty, next);
                }
            }
            self.asm.bind(body);
            self.scoped(|f| {
                f.bind_case(case, interface, from);
                f.block_statements(case.body);
            });
            if self.falls_through() {
                self.jump(end);
            }
            self.asm.bind(next);
        }
        if let Some(case) = cases.iter().find(|case| case.is_default()) {
            self.scoped(|f| {
                f.bind_case(case, interface, from);
                f.block_statements(case.body);
            });
        }
        self.targets.pop();
        self.asm.bind(end);
    }

    fn jump_unless_type(&mut self, interface: u16, ty: ExprId, label: Label) {
        if self.is_nil(ty) {
            return self.jump_if(interface, true, label);
        }
        let ty = self.type_of(ty);
        let id = self.c.descriptor(ty);
        let (src, to) = (Pair(interface), Jump32(0));
        if self.c.typed.types.is_interface(ty) {
            self.emit_jump(op::JumpIfNotInterface { src, ty: id, to }, label);
        } else {
            self.emit_jump(op::JumpIfNotType { src, ty: id, to }, label);
        }
    }

    /// The variable of a clause.
    fn bind_case(&mut self, case: &CaseClause, interface: u16, from: Ty) {
        let Some(&object) = self.c.typed.implicits.get(&case.body) else {
            return;
        };
        let ty = self.object_type(object);
        let register = self.allocate(ty);
        if self.c.typed.types.is_interface(ty) {
            debug_assert!(self.c.typed.types.is_interface(from));
            self.move_slots(interface, register, 2);
        } else {
            let id = self.c.descriptor(ty);
            self.emit(op::Unpack {
                dst: Run(register),
                src: Pair(interface),
                ty: id,
            });
            if self.layout(ty).boxed() {
                self.emit(op::Clone {
                    dst: Register(register),
                    src: Register(register),
                    ty: id,
                });
            }
        }
        let count = self.slots(ty);
        self.registers.written(register, count);
        self.declare(object, register);
    }
}
