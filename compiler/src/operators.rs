//! Arithmetic, comparisons to values, string concatenation.

use bytecode::{Count, Imm16, Pair, Register, Run, SlotKind, op};
use checker::types::{BasicKind, Type, TypeId as Ty};
use diagnostics::TextRange;
use parser::ast::{BinaryOperator, Expr, ExprId};

use crate::conditions::{is_wide_unsigned, mirrored};
use crate::function::FunctionCompiler;
use crate::type_descriptors::Access;

/// The right operand of an arithmetic instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rhs {
    Register(u16),
    Constant(i16),
}

/// No more strings than this are concatenated by one instruction.
const LONGEST_CONCATENATION: usize = 64;

impl FunctionCompiler<'_, '_> {
    /// `left op right` into `dst`.
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a binary expression"
    )]
    pub(crate) fn binary(
        &mut self,
        e: ExprId,
        op: BinaryOperator,
        op_pos: u32,
        left: ExprId,
        right: ExprId,
        ty: Ty,
        dst: u16,
    ) {
        let range = self.c.ast.range(e);
        let position = TextRange::at(range.file, op_pos);
        if op.is_logical() {
            let scanned = std::mem::replace(&mut self.scanned, false);
            self.logical_value(op, left, right, dst);
            self.scanned = scanned;
            return;
        }
        if !self.scanned {
            self.hoist(&[left, right]);
            self.scanned = true;
            self.operation_value(e, op, position, left, right, ty, dst);
            self.scanned = false;
        } else {
            self.operation_value(e, op, position, left, right, ty, dst);
        }
    }

    /// The value of an operation other than `&&` and `||`.
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a binary expression"
    )]
    fn operation_value(
        &mut self,
        e: ExprId,
        op: BinaryOperator,
        position: TextRange,
        left: ExprId,
        right: ExprId,
        ty: Ty,
        dst: u16,
    ) {
        if op.is_comparison() {
            return self.comparison(op, position, left, right, dst);
        }
        if self.c.typed.types.is_string(ty) {
            return self.concatenation(e, position, dst);
        }
        if self.c.typed.types.is_float(ty)
            && op == BinaryOperator::Add
            && self.multiply_add(left, right, ty, dst)
        {
            return;
        }
        if op.is_shift() {
            let a = self.operand_as(left, ty);
            return self.shift(op, ty, dst, a, right, position);
        }
        let commutative = matches!(
            op,
            BinaryOperator::Add
                | BinaryOperator::Multiply
                | BinaryOperator::And
                | BinaryOperator::Or
                | BinaryOperator::Xor
        );
        if self.c.typed.types.is_integer(ty)
            && self.small_constant(right, ty).is_none()
            && let Some(value) = self.small_constant(left, ty)
        {
            if commutative {
                let a = self.operand_as(right, ty);
                self.at(position);
                return self.arithmetic(op, ty, dst, a, Rhs::Constant(value));
            }
            if op == BinaryOperator::Subtract {
                let a = self.operand_as(right, ty);
                self.emit(op::SubImmInt {
                    dst: Register(dst),
                    a: Register(a),
                    value: Imm16(value),
                });
                return self.wrap_integer(ty, dst);
            }
        }
        let a = self.operand_as(left, ty);
        let b = self.right_operand(right, ty);
        self.at(position);
        self.arithmetic(op, ty, dst, a, b);
    }

    /// The right operand of an arithmetic operation.
    pub(crate) fn right_operand(&mut self, e: ExprId, ty: Ty) -> Rhs {
        match self.small_constant(e, ty) {
            Some(value) => Rhs::Constant(value),
            None => Rhs::Register(self.operand_as(e, ty)),
        }
    }

    /// `dst += a * b` for `x + a*b`, where `dst` may be used for the sum before.
    fn multiply_add(&mut self, left: ExprId, right: ExprId, ty: Ty, dst: u16) -> bool {
        let right = self.c.ast.unparen(right);
        let Expr::Binary {
            op: BinaryOperator::Multiply,
            left: a,
            right: b,
            ..
        } = *self.c.ast.expr(right)
        else {
            return false;
        };
        if self.c.typed.constant(right).is_some() || self.layout(ty).access != Access::Word {
            return false;
        }
        if self.hoisted.contains_key(&right) {
            return false;
        }
        let sum = if self.registers.is_fresh(dst) {
            dst
        } else {
            self.allocate(ty)
        };
        self.convert_into(left, ty, sum);
        let a = Register(self.operand_as(a, ty));
        let b = Register(self.operand_as(b, ty));
        if sum != dst {
            // The product alone, then the sum: as many instructions as a move would cost.
            let product = Register(self.scalar());
            self.emit(op::MulFloat { dst: product, a, b });
            self.emit(op::AddFloat {
                dst: Register(dst),
                a: Register(sum),
                b: product,
            });
            return true;
        }
        self.emit(op::MulAddFloat {
            dst: Register(dst),
            a,
            b,
        });
        true
    }

    /// `dst = a op b` for numbers other than shifts.
    pub(crate) fn arithmetic(&mut self, op: BinaryOperator, ty: Ty, dst: u16, a: u16, b: Rhs) {
        let kind = self.c.typed.types.basic(ty).unwrap_or(BasicKind::Int);
        if kind.is_complex() {
            return self.complex_arithmetic(op, kind, dst, a, b);
        }
        if kind.is_float() {
            let b = self.rhs_register(b, kind);
            let (dst, a, b) = (Register(dst), Register(a), Register(b));
            match op {
                BinaryOperator::Add => _ = self.emit(op::AddFloat { dst, a, b }),
                BinaryOperator::Subtract => _ = self.emit(op::SubFloat { dst, a, b }),
                BinaryOperator::Multiply => _ = self.emit(op::MulFloat { dst, a, b }),
                _ => _ = self.emit(op::DivFloat { dst, a, b }),
            }
            if kind == BasicKind::Float32 {
                self.emit(op::RoundFloat32 { dst, a: dst });
            }
            return;
        }
        if let Rhs::Constant(value) = b
            && self.arithmetic_constant(op, kind, ty, dst, a, value)
        {
            return;
        }
        let b = self.rhs_register(b, kind);
        let (dst, a, b) = (Register(dst), Register(a), Register(b));
        use BinaryOperator::*;
        let unsigned = kind.is_unsigned();
        match (op, kind) {
            (Add, BasicKind::Uint32) => {
                self.emit(op::AddUint32 { dst, a, b });
                return;
            }
            (Add, BasicKind::Int32) => {
                self.emit(op::AddInt32 { dst, a, b });
                return;
            }
            (Subtract, BasicKind::Uint32) => {
                self.emit(op::SubUint32 { dst, a, b });
                return;
            }
            (Subtract, BasicKind::Int32) => {
                self.emit(op::SubInt32 { dst, a, b });
                return;
            }
            (Multiply, BasicKind::Uint32) => {
                self.emit(op::MulUint32 { dst, a, b });
                return;
            }
            (Multiply, BasicKind::Int32) => {
                self.emit(op::MulInt32 { dst, a, b });
                return;
            }
            (Add, _) => _ = self.emit(op::AddInt { dst, a, b }),
            (Subtract, _) => _ = self.emit(op::SubInt { dst, a, b }),
            (Multiply, _) => _ = self.emit(op::MulInt { dst, a, b }),
            // These keep normalised operands normalised.
            (And, _) => {
                self.emit(op::AndInt { dst, a, b });
                return;
            }
            (Or, _) => {
                self.emit(op::OrInt { dst, a, b });
                return;
            }
            (Xor, _) => {
                self.emit(op::XorInt { dst, a, b });
                return;
            }
            (AndNot, _) => {
                self.emit(op::AndNotInt { dst, a, b });
                return;
            }
            (Divide, _) if unsigned => {
                self.emit(op::DivUint { dst, a, b });
                return;
            }
            (Remainder, _) if unsigned => {
                self.emit(op::RemUint { dst, a, b });
                return;
            }
            // The least number by -1 overflows.
            (Divide, _) => _ = self.emit(op::DivInt { dst, a, b }),
            (Remainder, _) => {
                self.emit(op::RemInt { dst, a, b });
                return;
            }
            (other, _) => panic!("{other} is no arithmetic"),
        }
        self.wrap_integer(ty, dst.0);
    }

    /// `dst = a op b` for complex numbers.
    fn complex_arithmetic(
        &mut self,
        op: BinaryOperator,
        kind: BasicKind,
        dst: u16,
        a: u16,
        b: Rhs,
    ) {
        let b = match b {
            Rhs::Register(register) => register,
            Rhs::Constant(value) => {
                let parts = self.registers.allocate(&[SlotKind::Scalar; 2]);
                self.load_slot(f64::from(value).to_bits(), parts);
                self.load_slot(0, parts + 1);
                parts
            }
        };
        let pairs = (Pair(dst), Pair(a), Pair(b));
        match op {
            BinaryOperator::Add | BinaryOperator::Subtract => {
                for part in 0..2 {
                    let (dst, a, b) =
                        (Register(dst + part), Register(a + part), Register(b + part));
                    if op == BinaryOperator::Add {
                        self.emit(op::AddFloat { dst, a, b });
                    } else {
                        self.emit(op::SubFloat { dst, a, b });
                    }
                }
            }
            BinaryOperator::Multiply => {
                let (dst, a, b) = pairs;
                self.emit(op::MulComplex { dst, a, b });
            }
            _ => {
                let (dst, a, b) = pairs;
                self.emit(op::DivComplex { dst, a, b });
            }
        }
        // GO: products and quotients of complex64 are computed in float64 and rounded once.
        if kind == BasicKind::Complex64 {
            self.round_complex(dst, dst);
        }
    }

    /// Rounds both parts of a complex number to float32 precision.
    pub(crate) fn round_complex(&mut self, src: u16, dst: u16) {
        for part in 0..2 {
            self.emit(op::RoundFloat32 {
                dst: Register(dst + part),
                a: Register(src + part),
            });
        }
    }

    fn rhs_register(&mut self, rhs: Rhs, kind: BasicKind) -> u16 {
        match rhs {
            Rhs::Register(register) => register,
            Rhs::Constant(value) => {
                let register = self.scalar();
                let slot = if kind.is_float() {
                    f64::from(value).to_bits()
                } else {
                    i64::from(value) as u64
                };
                self.load_slot(slot, register);
                register
            }
        }
    }

    /// Forms with an immediate; false if there is none.
    fn arithmetic_constant(
        &mut self,
        op: BinaryOperator,
        kind: BasicKind,
        ty: Ty,
        dst: u16,
        a: u16,
        value: i16,
    ) -> bool {
        use BinaryOperator::*;
        let (dst, a) = (Register(dst), Register(a));
        let wide_unsigned = is_wide_unsigned(kind);
        let positive = u16::try_from(value).ok().filter(|value| *value > 0);
        let power = positive
            .filter(|value| value.is_power_of_two())
            .map(|value| value.trailing_zeros() as i16);
        match op {
            Add => {
                _ = self.emit(op::AddIntImm {
                    dst,
                    a,
                    value: Imm16(value),
                })
            }
            Subtract => {
                let Some(value) = value.checked_neg() else {
                    return false;
                };
                self.emit(op::AddIntImm {
                    dst,
                    a,
                    value: Imm16(value),
                });
            }
            Multiply => match power {
                Some(power) => {
                    if kind == BasicKind::Uint32 {
                        self.emit(op::ShlUint32Imm {
                            dst,
                            a,
                            value: Imm16(power),
                        });
                        return true;
                    }
                    self.emit(op::ShlIntImm {
                        dst,
                        a,
                        value: Imm16(power),
                    });
                }
                None => {
                    _ = self.emit(op::MulIntImm {
                        dst,
                        a,
                        value: Imm16(value),
                    })
                }
            },
            And => {
                self.emit(op::AndIntImm {
                    dst,
                    a,
                    value: Imm16(value),
                });
                return true;
            }
            Or => {
                self.emit(op::OrIntImm {
                    dst,
                    a,
                    value: Imm16(value),
                });
                return true;
            }
            Xor => {
                self.emit(op::XorIntImm {
                    dst,
                    a,
                    value: Imm16(value),
                });
                return true;
            }
            AndNot => {
                // The complement of a small number is small too.
                self.emit(op::AndIntImm {
                    dst,
                    a,
                    value: Imm16(!value),
                });
                return true;
            }
            Divide if kind.is_unsigned() && power.is_some() => {
                self.emit(op::ShrUintImm {
                    dst,
                    a,
                    value: Imm16(power.unwrap_or_default()),
                });
                return true;
            }
            Remainder if kind.is_unsigned() && power.is_some() => {
                self.emit(op::AndIntImm {
                    dst,
                    a,
                    value: Imm16(value - 1),
                });
                return true;
            }
            Divide if !wide_unsigned && value != 0 && value != -1 => {
                self.emit(op::DivIntImm {
                    dst,
                    a,
                    value: Imm16(value),
                });
                return true;
            }
            Remainder if !wide_unsigned && value != 0 && value != -1 => {
                self.emit(op::RemIntImm {
                    dst,
                    a,
                    value: Imm16(value),
                });
                return true;
            }
            _ => return false,
        }
        self.wrap_integer(ty, dst.0);
        true
    }

    /// Brings a register into the range of a narrow integer type.
    pub(crate) fn wrap_integer(&mut self, ty: Ty, register: u16) {
        let (dst, a) = (Register(register), Register(register));
        match self.c.typed.types.basic(ty) {
            Some(BasicKind::Int8) => _ = self.emit(op::WrapInt8 { dst, a }),
            Some(BasicKind::Int16) => _ = self.emit(op::WrapInt16 { dst, a }),
            Some(BasicKind::Int32) => _ = self.emit(op::WrapInt32 { dst, a }),
            Some(BasicKind::Uint8) => _ = self.emit(op::WrapUint8 { dst, a }),
            Some(BasicKind::Uint16) => _ = self.emit(op::WrapUint16 { dst, a }),
            Some(BasicKind::Uint32) => _ = self.emit(op::WrapUint32 { dst, a }),
            _ => {}
        }
    }

    /// `^x`.
    pub(crate) fn complement(&mut self, operand: ExprId, ty: Ty, dst: u16) {
        let a = Register(self.operand(operand));
        let kind = self.c.typed.types.basic(ty).unwrap_or(BasicKind::Int);
        if kind == BasicKind::Uint32 {
            self.emit(op::NotUint32 {
                dst: Register(dst),
                a,
            });
            return;
        }
        self.emit(op::NotInt {
            dst: Register(dst),
            a,
        });
        if kind.is_unsigned() {
            self.wrap_integer(ty, dst);
        }
    }

    /// `dst = a << count` or `a >> count`.
    pub(crate) fn shift(
        &mut self,
        op: BinaryOperator,
        ty: Ty,
        dst: u16,
        a: u16,
        count: ExprId,
        position: TextRange,
    ) {
        let kind = self.c.typed.types.basic(ty).unwrap_or(BasicKind::Int);
        let (left, unsigned) = (op == BinaryOperator::ShiftLeft, kind.is_unsigned());
        let (d, a) = (Register(dst), Register(a));
        let constant = match self.c.typed.constant(self.c.ast.unparen(count)) {
            Some(constant) => Some(constant.to_int().as_u64().unwrap_or(u64::MAX)),
            None => self
                .integer_constant(count, self.type_of(count))
                .map(|count| count as u64),
        };
        if let Some(count) = constant {
            let bits = u64::from(kind.bits());
            match (left, unsigned) {
                (true, _) | (false, true) if count >= bits => self.load_slot(0, dst),
                (true, _) if kind == BasicKind::Uint32 => {
                    self.emit(op::ShlUint32Imm {
                        dst: d,
                        a,
                        value: Imm16(count as i16),
                    });
                }
                (true, _) => {
                    self.emit(op::ShlIntImm {
                        dst: d,
                        a,
                        value: Imm16(count as i16),
                    });
                    self.wrap_integer(ty, dst);
                }
                (false, true) => {
                    _ = self.emit(op::ShrUintImm {
                        dst: d,
                        a,
                        value: Imm16(count as i16),
                    })
                }
                (false, false) => {
                    self.emit(op::ShrIntImm {
                        dst: d,
                        a,
                        value: Imm16(count.min(63) as i16),
                    });
                }
            }
            return;
        }
        let count_type = self.type_of(count);
        let b = Register(self.operand(count));
        self.at(position);
        if self.c.typed.types.is_integer(count_type) && !self.c.typed.types.is_unsigned(count_type)
        {
            self.emit(op::CheckShift { a: b });
        }
        match (left, unsigned) {
            (true, _) if kind == BasicKind::Uint32 => _ = self.emit(op::ShlUint32 { dst: d, a, b }),
            (true, _) => {
                self.emit(op::ShlInt { dst: d, a, b });
                self.wrap_integer(ty, dst);
            }
            (false, true) => _ = self.emit(op::ShrUint { dst: d, a, b }),
            (false, false) => _ = self.emit(op::ShrInt { dst: d, a, b }),
        }
    }

    /// `a && b`, `a || b` as a value.
    fn logical_value(&mut self, op: BinaryOperator, left: ExprId, right: ExprId, dst: u16) {
        let value = if self.registers.is_fresh(dst) {
            dst
        } else {
            self.scalar()
        };
        let done = self.asm.new_label();
        self.into(left, value);
        self.jump_if(value, op == BinaryOperator::LogicalOr, done);
        self.into(right, value);
        self.asm.bind(done);
        self.move_slots(value, dst, 1);
    }

    /// A comparison as a value.
    fn comparison(
        &mut self,
        op: BinaryOperator,
        position: TextRange,
        left: ExprId,
        right: ExprId,
        dst: u16,
    ) {
        use BinaryOperator::{Equal, NotEqual};
        let d = Register(dst);
        if self.is_nil(left) || self.is_nil(right) {
            let other = if self.is_nil(left) { right } else { left };
            if self.is_nil(other) {
                return self.load_slot(u64::from(op == Equal), dst);
            }
            let a = Register(self.operand(other));
            let zero = Register(self.scalar());
            self.load_slot(0, zero.0);
            if op == Equal {
                self.emit(op::EqInt { dst: d, a, b: zero });
            } else {
                self.emit(op::NeInt { dst: d, a, b: zero });
            }
            return;
        }
        let (left_type, right_type) = (self.type_of(left), self.type_of(right));
        let ty = if self.wraps(left_type, right_type) {
            right_type
        } else if self.wraps(right_type, left_type) || !self.c.typed.types.is_untyped(left_type) {
            left_type
        } else {
            right_type
        };
        let typed = self.c.typed;
        let underlying = typed.types.underlying(ty);
        if let Type::Basic(kind) = underlying
            && !matches!(op, Equal | NotEqual)
        {
            let a = self.operand_as(left, ty);
            let b = self.operand_as(right, ty);
            return self.ordering(op, *kind, a, b, dst);
        }
        let a = self.operand_as(left, ty);
        let b = self.operand_as(right, ty);
        self.at(position);
        self.equality(ty, a, b, op == NotEqual, dst);
    }

    fn ordering(&mut self, op: BinaryOperator, kind: BasicKind, a: u16, b: u16, dst: u16) {
        use BinaryOperator::{Greater, GreaterEqual, Less};
        let (op, a, b) = if matches!(op, Greater | GreaterEqual) {
            (mirrored(op), b, a)
        } else {
            (op, a, b)
        };
        let dst = Register(dst);
        let less = op == Less;
        if kind.is_string() {
            let (a, b) = (Pair(a), Pair(b));
            if less {
                self.emit(op::LtString { dst, a, b })
            } else {
                self.emit(op::LeString { dst, a, b })
            };
            return;
        }
        let (a, b) = (Register(a), Register(b));
        match (kind.is_float(), is_wide_unsigned(kind), less) {
            (true, _, true) => _ = self.emit(op::LtFloat { dst, a, b }),
            (true, _, false) => _ = self.emit(op::LeFloat { dst, a, b }),
            (_, true, true) => _ = self.emit(op::LtUint { dst, a, b }),
            (_, true, false) => _ = self.emit(op::LeUint { dst, a, b }),
            (_, _, true) => _ = self.emit(op::LtInt { dst, a, b }),
            (_, _, false) => _ = self.emit(op::LeInt { dst, a, b }),
        }
    }

    /// Whether two values of a type in registers are equal, or not.
    pub(crate) fn equality(&mut self, ty: Ty, a: u16, b: u16, negate: bool, dst: u16) {
        let layout = self.layout(ty);
        let d = Register(dst);
        let typed = self.c.typed;
        match typed.types.underlying(ty) {
            Type::Basic(kind) if kind.is_float() => {
                let (a, b) = (Register(a), Register(b));
                if negate {
                    self.emit(op::NeFloat { dst: d, a, b })
                } else {
                    self.emit(op::EqFloat { dst: d, a, b })
                };
                return;
            }
            Type::Basic(kind) if kind.is_string() => {
                let (a, b) = (Pair(a), Pair(b));
                if negate {
                    self.emit(op::NeString { dst: d, a, b })
                } else {
                    self.emit(op::EqString { dst: d, a, b })
                };
                return;
            }
            // A complex number has two slots and is compared as a struct of them.
            Type::Basic(_) | Type::Pointer(_) | Type::Chan { .. } if layout.slots.len() == 1 => {
                let (a, b) = (Register(a), Register(b));
                if negate {
                    self.emit(op::NeInt { dst: d, a, b })
                } else {
                    self.emit(op::EqInt { dst: d, a, b })
                };
                return;
            }
            Type::Interface(_) => {
                _ = self.emit(op::EqInterface {
                    dst: d,
                    a: Pair(a),
                    b: Pair(b),
                })
            }
            _ if layout.boxed() => {
                let ty = self.c.descriptor(ty);
                self.emit(op::EqMemory {
                    dst: d,
                    a: Register(a),
                    b: Register(b),
                    ty,
                });
            }
            _ if layout.slots.is_empty() => return self.load_slot(u64::from(!negate), dst),
            _ => {
                let ty = self.c.descriptor(ty);
                self.emit(op::EqValue {
                    dst: d,
                    a: Run(a),
                    b: Run(b),
                    ty,
                });
            }
        }
        if negate {
            self.emit(op::NotBool { dst: d, a: d });
        }
    }

    // ---- strings ----

    /// A chain of `+` on strings: all operands, then one instruction.
    fn concatenation(&mut self, e: ExprId, position: TextRange, dst: u16) {
        let mut parts = Vec::new();
        self.string_parts(e, &mut parts);
        self.concatenate(None, &parts, position, dst);
    }

    /// The operands of a chain of `+`, constants joined by the checker.
    pub(crate) fn string_parts(&self, e: ExprId, parts: &mut Vec<ExprId>) {
        let mut work = vec![e];
        while let Some(e) = work.pop() {
            let inner = self.c.ast.unparen(e);
            match *self.c.ast.expr(inner) {
                Expr::Binary {
                    op: BinaryOperator::Add,
                    left,
                    right,
                    ..
                } if self.c.typed.constant(inner).is_none()
                    && !self.hoisted.contains_key(&inner) =>
                {
                    work.extend([right, left]);
                }
                _ => parts.push(inner),
            }
        }
    }

    /// `first + parts...` into `dst`.
    pub(crate) fn concatenate(
        &mut self,
        first: Option<u16>,
        parts: &[ExprId],
        position: TextRange,
        dst: u16,
    ) {
        self.scoped(|f| match (first, parts) {
            (Some(a), [b]) => {
                let b = f.operand(*b);
                f.at(position);
                f.emit(op::Concat {
                    dst: Pair(dst),
                    a: Pair(a),
                    b: Pair(b),
                });
            }
            (None, [a, b]) => {
                let a = f.operand(*a);
                let b = f.operand(*b);
                f.at(position);
                f.emit(op::Concat {
                    dst: Pair(dst),
                    a: Pair(a),
                    b: Pair(b),
                });
            }
            _ => {
                let mut sum = first;
                for chunk in parts.chunks(LONGEST_CONCATENATION) {
                    let run = f.registers.mark();
                    let mut count = 0u16;
                    if let Some(sum) = sum {
                        let register = f.pair();
                        f.move_slots(sum, register, 2);
                        f.registers.written(register, 2);
                        count += 1;
                    }
                    for &part in chunk {
                        let register = f.pair();
                        f.into(part, register);
                        count += 1;
                    }
                    f.at(position);
                    f.emit(op::ConcatRun {
                        dst: Pair(run),
                        first: Run(run),
                        count: Count(count),
                    });
                    f.release(run + 2);
                    f.registers.written(run, 2);
                    sum = Some(run);
                }
                if let Some(sum) = sum {
                    f.move_slots(sum, dst, 2);
                }
            }
        });
    }
}
