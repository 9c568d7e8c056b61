//! Conditions as jumps: comparisons fused with their branch, `&&`, `||` and `!` without values.
//!
//! A jump to a label that is bound already is a back-edge and takes the forms with a safepoint.

use bytecode::{Imm16, Jump16, Jump32, Label, Pair, Register, op};
use checker::types::{BasicKind, Type};
use parser::ast::{BinaryOperator, Expr, ExprId, UnaryOperator};

use crate::function::FunctionCompiler;

/// Emits the back-edge or the forward form.
macro_rules! fused {
    ($f:ident, $label:ident, $forward:ident / $back:ident { $($field:ident: $value:expr),* }) => {
        if $f.asm.is_bound($label) {
            $f.emit_jump(op::$back { $($field: $value,)* to: Jump16(0) }, $label)
        } else {
            $f.emit_jump(op::$forward { $($field: $value,)* to: Jump16(0) }, $label)
        }
    };
}

/// The operator that holds when `op` does not (for numbers without NaN).
fn negated(op: BinaryOperator) -> BinaryOperator {
    use BinaryOperator::*;
    match op {
        Equal => NotEqual,
        NotEqual => Equal,
        Less => GreaterEqual,
        GreaterEqual => Less,
        Greater => LessEqual,
        LessEqual => Greater,
        other => other,
    }
}

/// The operator with its operands exchanged.
pub(crate) fn mirrored(op: BinaryOperator) -> BinaryOperator {
    use BinaryOperator::*;
    match op {
        Less => Greater,
        LessEqual => GreaterEqual,
        Greater => Less,
        GreaterEqual => LessEqual,
        other => other,
    }
}

impl FunctionCompiler<'_, '_> {
    /// Jumps to `label` if `e` is `when`; else goes on.
    pub(crate) fn condition(&mut self, e: ExprId, when: bool, label: Label) {
        stacker::maybe_grow(64 << 10, 1 << 20, || {
            self.scoped(|f| f.condition_jump(e, when, label))
        });
    }

    fn condition_jump(&mut self, e: ExprId, when: bool, label: Label) {
        let e = self.c.ast.unparen(e);
        if let Some(constant) = self.c.typed.constant(e) {
            if constant.as_bool() == when {
                self.jump(label);
            }
            return;
        }
        if !self.hoisted.contains_key(&e) {
            match *self.c.ast.expr(e) {
                Expr::Unary {
                    op: UnaryOperator::Not,
                    operand,
                } => return self.condition(operand, !when, label),
                Expr::Binary {
                    op: BinaryOperator::LogicalAnd,
                    left,
                    right,
                    ..
                } => {
                    return self.logical(left, right, when, label, true);
                }
                Expr::Binary {
                    op: BinaryOperator::LogicalOr,
                    left,
                    right,
                    ..
                } => {
                    return self.logical(left, right, when, label, false);
                }
                Expr::Binary {
                    op, left, right, ..
                } if op.is_comparison()
                    && self.comparison_jump(e, op, left, right, when, label) =>
                {
                    return;
                }
                _ => {}
            }
        }
        let a = self.operand(e);
        self.jump_if(a, when, label);
    }

    /// Jumps if the bool (or the pointer, being non-nil) in a register is `when`.
    pub(crate) fn jump_if(&mut self, a: u16, when: bool, label: Label) {
        let (a, to) = (Register(a), Jump32(0));
        match (self.asm.is_bound(label), when) {
            (false, true) => self.emit_jump(op::JumpIfTrue { a, to }, label),
            (false, false) => self.emit_jump(op::JumpIfFalse { a, to }, label),
            (true, true) => self.emit_jump(op::LoopIfTrue { a, to }, label),
            (true, false) => self.emit_jump(op::LoopIfFalse { a, to }, label),
        }
    }

    fn logical(&mut self, left: ExprId, right: ExprId, when: bool, label: Label, is_and: bool) {
        if when == is_and {
            // Both must hold (or both fail): the left one alone can only lead past.
            let past = self.asm.new_label();
            self.condition(left, !is_and, past);
            self.condition(right, when, label);
            self.asm.bind(past);
        } else {
            self.condition(left, when, label);
            self.condition(right, when, label);
        }
    }

    /// A comparison fused with its jump, if there is a form for it.
    fn comparison_jump(
        &mut self,
        e: ExprId,
        op: BinaryOperator,
        left: ExprId,
        right: ExprId,
        when: bool,
        label: Label,
    ) -> bool {
        self.hoist(&[left, right]);
        let (left_nil, right_nil) = (self.is_nil(left), self.is_nil(right));
        if left_nil || right_nil {
            let other = if left_nil { right } else { left };
            if self.is_nil(other) {
                return false;
            }
            let register = self.operand(other);
            // Not nil is "true".
            let wanted = when == (op == BinaryOperator::NotEqual);
            self.jump_if(register, wanted, label);
            return true;
        }
        let (left_type, right_type) = (self.type_of(left), self.type_of(right));
        if self.wraps(left_type, right_type) || self.wraps(right_type, left_type) {
            return false;
        }
        let ty = if self.c.typed.types.is_untyped(left_type) {
            right_type
        } else {
            left_type
        };
        let typed = self.c.typed;
        match typed.types.underlying(ty) {
            Type::Basic(kind) if kind.is_float() => {
                let a = self.operand_as(left, ty);
                let b = self.operand_as(right, ty);
                self.float_jump(op, a, b, when, label);
                true
            }
            Type::Basic(kind) if kind.is_string() => {
                if !matches!(op, BinaryOperator::Equal | BinaryOperator::NotEqual)
                    || self.asm.is_bound(label)
                {
                    return false;
                }
                // Against the empty string the length decides.
                let (a, b) = (self.operand_as(left, ty), self.operand_as(right, ty));
                let (a, b, to) = (Pair(a), Pair(b), Jump16(0));
                if when == (op == BinaryOperator::Equal) {
                    self.emit_jump(op::JumpIfEqString { a, b, to }, label);
                } else {
                    self.emit_jump(op::JumpIfNeString { a, b, to }, label);
                }
                true
            }
            Type::Basic(kind) if kind.is_complex() => false,
            Type::Basic(kind) => {
                let op = if when { op } else { negated(op) };
                self.integer_jump(*kind, op, left, right, ty, label);
                true
            }
            Type::Pointer(_) | Type::Chan { .. } => {
                let a = Register(self.operand(left));
                let b = Register(self.operand(right));
                if when == (op == BinaryOperator::Equal) {
                    fused!(self, label, JumpIfEqInt / LoopIfEqInt { a: a, b: b });
                } else {
                    fused!(self, label, JumpIfNeInt / LoopIfNeInt { a: a, b: b });
                }
                true
            }
            _ => {
                let _ = e;
                false
            }
        }
    }

    fn float_jump(&mut self, op: BinaryOperator, a: u16, b: u16, when: bool, label: Label) {
        use BinaryOperator::*;
        let (op, a, b) = match op {
            Greater | GreaterEqual => (mirrored(op), Register(b), Register(a)),
            _ => (op, Register(a), Register(b)),
        };
        match (op, when) {
            (Equal, true) | (NotEqual, false) => {
                fused!(self, label, JumpIfEqFloat / LoopIfEqFloat { a: a, b: b })
            }
            (NotEqual, true) | (Equal, false) => {
                fused!(self, label, JumpIfNeFloat / LoopIfNeFloat { a: a, b: b })
            }
            (Less, true) => fused!(self, label, JumpIfLtFloat / LoopIfLtFloat { a: a, b: b }),
            (Less, false) => fused!(
                self,
                label,
                JumpIfNotLtFloat / LoopIfNotLtFloat { a: a, b: b }
            ),
            (_, true) => fused!(self, label, JumpIfLeFloat / LoopIfLeFloat { a: a, b: b }),
            (_, false) => fused!(
                self,
                label,
                JumpIfNotLeFloat / LoopIfNotLeFloat { a: a, b: b }
            ),
        }
    }

    fn integer_jump(
        &mut self,
        kind: BasicKind,
        op: BinaryOperator,
        left: ExprId,
        right: ExprId,
        ty: checker::types::TypeId,
        label: Label,
    ) {
        let (mut op, mut left, mut right) = (op, left, right);
        if self.small_constant(left, ty).is_some() && self.small_constant(right, ty).is_none() {
            (op, left, right) = (mirrored(op), right, left);
        }
        let a = self.operand_as(left, ty);
        match self.small_constant(right, ty) {
            // Immediates are compared signed: wrong for large unsigned numbers, unless only for equality.
            Some(value)
                if !is_wide_unsigned(kind)
                    || matches!(op, BinaryOperator::Equal | BinaryOperator::NotEqual) =>
            {
                self.integer_jump_constant(op, a, value, label);
            }
            _ => {
                let b = self.operand_as(right, ty);
                self.integer_jump_registers(kind, op, a, b, label);
            }
        }
    }

    /// Jumps on a comparison with a constant.
    pub(crate) fn integer_jump_constant(
        &mut self,
        op: BinaryOperator,
        a: u16,
        value: i16,
        label: Label,
    ) {
        use BinaryOperator::*;
        let (a, value) = (Register(a), Imm16(value));
        match op {
            Equal => fused!(
                self,
                label,
                JumpIfEqIntImm / LoopIfEqIntImm { a: a, value: value }
            ),
            NotEqual => fused!(
                self,
                label,
                JumpIfNeIntImm / LoopIfNeIntImm { a: a, value: value }
            ),
            Less => fused!(
                self,
                label,
                JumpIfLtIntImm / LoopIfLtIntImm { a: a, value: value }
            ),
            LessEqual => fused!(
                self,
                label,
                JumpIfLeIntImm / LoopIfLeIntImm { a: a, value: value }
            ),
            Greater => fused!(
                self,
                label,
                JumpIfGtIntImm / LoopIfGtIntImm { a: a, value: value }
            ),
            _ => fused!(
                self,
                label,
                JumpIfGeIntImm / LoopIfGeIntImm { a: a, value: value }
            ),
        }
    }

    /// Jumps on a comparison of two registers.
    pub(crate) fn integer_jump_registers(
        &mut self,
        kind: BasicKind,
        op: BinaryOperator,
        a: u16,
        b: u16,
        label: Label,
    ) {
        use BinaryOperator::*;
        let (op, a, b) = match op {
            Greater | GreaterEqual => (mirrored(op), Register(b), Register(a)),
            _ => (op, Register(a), Register(b)),
        };
        match (op, is_wide_unsigned(kind)) {
            (Equal, _) => fused!(self, label, JumpIfEqInt / LoopIfEqInt { a: a, b: b }),
            (NotEqual, _) => fused!(self, label, JumpIfNeInt / LoopIfNeInt { a: a, b: b }),
            (Less, false) => fused!(self, label, JumpIfLtInt / LoopIfLtInt { a: a, b: b }),
            (Less, true) => fused!(self, label, JumpIfLtUint / LoopIfLtUint { a: a, b: b }),
            (_, false) => fused!(self, label, JumpIfLeInt / LoopIfLeInt { a: a, b: b }),
            (_, true) => fused!(self, label, JumpIfLeUint / LoopIfLeUint { a: a, b: b }),
        }
    }
}

/// Unsigned integers whose values do not all fit a signed register.
pub(crate) fn is_wide_unsigned(kind: BasicKind) -> bool {
    kind.is_unsigned() && kind.bits() == 64
}
