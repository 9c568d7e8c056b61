//! Explicit conversions `T(x)`.

use bytecode::{Count32, Pair, Register, op};
use checker::types::{BasicKind, Type, TypeId as Ty};
use parser::ast::ExprId;

use crate::function::FunctionCompiler;

impl FunctionCompiler<'_, '_> {
    /// Whether the value in its registers is the converted value as it stands.
    pub(crate) fn is_free_conversion(&self, e: ExprId, to: Ty) -> bool {
        let typed = self.c.typed;
        if self.is_nil(e) || typed.constant(self.c.ast.unparen(e)).is_some() {
            return false;
        }
        let from = self.type_of(e);
        if self.wraps(from, to) {
            return false;
        }
        match (typed.types.underlying(from), typed.types.underlying(to)) {
            (Type::Basic(a), Type::Basic(b)) => {
                if a.is_integer() && b.is_integer() {
                    return keeps_representation(*a, *b);
                }
                if a.is_float() && b.is_float() {
                    return *b != BasicKind::Float32 || *a == BasicKind::Float32;
                }
                if a.is_complex() && b.is_complex() {
                    return *b != BasicKind::Complex64 || *a == BasicKind::Complex64;
                }
                a == b || (a.is_boolean() && b.is_boolean()) || (a.is_string() && b.is_string())
            }
            (Type::Basic(_), _) | (_, Type::Basic(_)) => false,
            (Type::Slice(_), Type::Array(..) | Type::Pointer(_)) => false,
            _ => true,
        }
    }

    /// `T(x)` into `dst`.
    pub(crate) fn conversion(&mut self, e: ExprId, argument: ExprId, to: Ty, dst: u16) {
        let typed = self.c.typed;
        let position = self.c.ast.range(e);
        if self.is_free_conversion(argument, to) {
            return self.into(argument, dst);
        }
        let from = self.type_of(argument);
        if self.is_nil(argument) {
            return self.zero(to, dst);
        }
        if self.wraps(from, to) {
            return self.convert_into(argument, to, dst);
        }
        let (d, pair) = (Register(dst), Pair(dst));
        let target = typed.types.underlying(to);
        match (typed.types.underlying(from), target) {
            // Only complex128 to complex64 is not free.
            (Type::Basic(a), Type::Basic(b)) if a.is_complex() && b.is_complex() => {
                let src = self.operand(argument);
                self.at(position);
                self.round_complex(src, dst);
            }
            // Only a constant can become complex from something else: in a generic function, where that is no constant.
            (Type::Basic(_), Type::Basic(b)) if b.is_complex() => {
                if let Some(constant) = typed.constant(self.c.ast.unparen(argument)) {
                    self.load_constant(constant, to, dst);
                }
            }
            (Type::Basic(a), Type::Basic(b)) if b.is_numeric() && a.is_numeric() => {
                let src = self.operand(argument);
                self.at(position);
                self.convert_number(*a, *b, to, src, dst);
            }
            (Type::Basic(a), Type::Basic(b)) if b.is_string() && a.is_integer() => {
                let a = Register(self.operand(argument));
                self.at(position);
                self.emit(op::StringFromRune { dst: pair, a });
            }
            (Type::Slice(element), Type::Basic(b)) if b.is_string() => {
                let source = Pair(self.operand(argument));
                self.at(position);
                if typed.types.basic(*element) == Some(BasicKind::Uint8) {
                    self.emit(op::StringFromBytes {
                        dst: pair,
                        bytes: source,
                    });
                } else {
                    self.emit(op::StringFromRunes {
                        dst: pair,
                        runes: source,
                    });
                }
            }
            (Type::Basic(a), Type::Slice(element)) if a.is_string() => {
                let bytes = typed.types.basic(*element) == Some(BasicKind::Uint8);
                // A constant's own type may be untyped.
                let string = Pair(self.operand_as(argument, Ty::STRING));
                self.at(position);
                if bytes {
                    self.emit(op::BytesFromString { dst: pair, string });
                } else {
                    self.emit(op::RunesFromString { dst: pair, string });
                }
            }
            (Type::Slice(_), Type::Array(_, length)) => {
                let slice = Pair(self.operand(argument));
                let ty = self.c.descriptor(to);
                let pointer = Register(self.reference());
                self.at(position);
                self.emit(op::SliceToArray {
                    dst: pointer,
                    slice,
                    length: Count32(*length as u32),
                });
                self.registers.written(pointer.0, 1);
                if *length == 0 {
                    // The pointer may be nil.
                    self.emit(op::New { dst: d, ty });
                } else {
                    self.emit(op::Clone {
                        dst: d,
                        src: pointer,
                        ty,
                    });
                }
            }
            (Type::Slice(_), Type::Pointer(base)) => {
                let Type::Array(_, length) = typed.types.underlying(*base) else {
                    panic!("slices become pointers to arrays only")
                };
                let slice = Pair(self.operand(argument));
                self.at(position);
                self.emit(op::SliceToArray {
                    dst: d,
                    slice,
                    length: Count32(*length as u32),
                });
            }
            _ => self.convert_into(argument, to, dst),
        }
    }

    /// Converts a number in a register.
    fn convert_number(&mut self, from: BasicKind, to: BasicKind, to_type: Ty, src: u16, dst: u16) {
        let (d, a) = (Register(dst), Register(src));
        match (from.is_float(), to.is_float()) {
            (false, false) => {
                if keeps_representation(from, to) {
                    return self.move_slots(src, dst, 1);
                }
                match to {
                    BasicKind::Int8 => _ = self.emit(op::WrapInt8 { dst: d, a }),
                    BasicKind::Int16 => _ = self.emit(op::WrapInt16 { dst: d, a }),
                    BasicKind::Int32 => _ = self.emit(op::WrapInt32 { dst: d, a }),
                    BasicKind::Uint8 => _ = self.emit(op::WrapUint8 { dst: d, a }),
                    BasicKind::Uint16 => _ = self.emit(op::WrapUint16 { dst: d, a }),
                    BasicKind::Uint32 => _ = self.emit(op::WrapUint32 { dst: d, a }),
                    _ => self.move_slots(src, dst, 1),
                }
            }
            (false, true) => {
                let unsigned = from.is_unsigned() && from.bits() == 64;
                match (unsigned, to) {
                    (true, BasicKind::Float32) => _ = self.emit(op::UintToFloat32 { dst: d, a }),
                    (false, BasicKind::Float32) => _ = self.emit(op::IntToFloat32 { dst: d, a }),
                    (true, _) => _ = self.emit(op::UintToFloat { dst: d, a }),
                    (false, _) => _ = self.emit(op::IntToFloat { dst: d, a }),
                }
            }
            (true, false) => {
                if to.is_unsigned() && to.bits() == 64 {
                    self.emit(op::FloatToUint { dst: d, a });
                } else if to.bits() < 32 || to == BasicKind::Int32 {
                    // GO: cmd/compile/internal/ssagen `fpConvOpToSSA`: by way of 32 bits.
                    self.emit(op::FloatToInt32 { dst: d, a });
                    self.wrap_integer(to_type, dst);
                } else {
                    self.emit(op::FloatToInt { dst: d, a });
                    self.wrap_integer(to_type, dst);
                }
            }
            (true, true) => _ = self.emit(op::RoundFloat32 { dst: d, a }),
        }
    }
}

/// Whether every value of one integer kind has the same slot as its conversion to the other.
fn keeps_representation(from: BasicKind, to: BasicKind) -> bool {
    let (from_bits, to_bits) = (from.bits().max(8), to.bits());
    if to_bits == 64 || to_bits == 0 || from == to {
        return true;
    }
    match (from.is_unsigned(), to.is_unsigned()) {
        (true, true) | (false, false) => from_bits <= to_bits,
        (true, false) => from_bits < to_bits,
        (false, true) => false,
    }
}
