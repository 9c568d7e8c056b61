//! Constants and zero values in registers.

use bytecode::{Count, Imm32, Imm64, Pair, Register, Run, op};
use checker::constants::Constant;
use checker::types::{BasicKind, Type, TypeId as Ty};
use parser::ast::{Expr, ExprId};

use crate::function::{CachedConstant, FunctionCompiler};
use crate::walk::Node;

/// No more constants than this are kept in registers over a loop.
const MOST_CACHED: usize = 24;

impl FunctionCompiler<'_, '_> {
    /// The slot of a constant of a one-slot type.
    pub(crate) fn constant_slot(&self, constant: &Constant, ty: Ty) -> Option<u64> {
        let kind = match self.c.typed.types.underlying(ty) {
            Type::Basic(kind) => *kind,
            // A constant in an interface has its default type; other types have no constants.
            _ => return None,
        };
        match kind {
            kind if kind.is_boolean() => Some(u64::from(constant.as_bool())),
            BasicKind::Float32 => Some(f64::from(constant.as_f32()).to_bits()),
            kind if kind.is_float() => Some(constant.as_f64().to_bits()),
            kind if kind.is_integer() => {
                let value = constant.to_int();
                value
                    .as_i64()
                    .map(|value| value as u64)
                    .or_else(|| value.as_u64())
            }
            _ => None,
        }
    }

    /// The value of an integer constant that fits an immediate operand.
    pub(crate) fn small_constant(&self, e: ExprId, ty: Ty) -> Option<i16> {
        if !self.bound_constants.is_empty() {
            return self
                .integer_constant(e, ty)
                .and_then(|value| i16::try_from(value).ok());
        }
        let constant = self.c.typed.constant(self.c.ast.unparen(e))?;
        if !self.c.typed.types.is_integer(ty) && !self.c.typed.types.is_boolean(ty) {
            return None;
        }
        let slot = self.constant_slot(constant, ty)?;
        i16::try_from(slot as i64).ok()
    }

    /// Loads a constant of a type.
    pub(crate) fn load_constant(&mut self, constant: &Constant, ty: Ty, dst: u16) {
        if let Some(bytes) = constant.as_bytes() {
            let value = self.c.string(&bytes);
            self.emit(op::LoadString {
                dst: Pair(dst),
                value,
            });
            return;
        }
        let part = match self.c.typed.types.basic(ty) {
            Some(BasicKind::Complex64) => Some(Ty::FLOAT32),
            Some(kind) if kind.is_complex() => Some(Ty::FLOAT64),
            _ => None,
        };
        if let Some(part) = part {
            for (value, dst) in [(constant.real(), dst), (constant.imaginary(), dst + 1)] {
                let slot = self.constant_slot(&value, part).unwrap_or_default();
                self.load_slot(slot, dst);
            }
            return;
        }
        let slot = match self.constant_slot(constant, ty) {
            Some(slot) => slot,
            None => constant.to_int().as_i64().unwrap_or_default() as u64,
        };
        self.load_slot(slot, dst);
    }

    /// Loads 64 bits.
    pub(crate) fn load_slot(&mut self, slot: u64, dst: u16) {
        let dst = Register(dst);
        match i32::try_from(slot as i64) {
            Ok(value) => {
                _ = self.emit(op::LoadInt {
                    dst,
                    value: Imm32(value),
                })
            }
            Err(_) => {
                _ = self.emit(op::LoadConstant {
                    dst,
                    value: Imm64(slot),
                })
            }
        }
    }

    /// The zero value of a type; of a boxed one a new box.
    pub(crate) fn zero(&mut self, ty: Ty, dst: u16) {
        let layout = self.layout(ty);
        if layout.boxed() {
            let ty = self.c.descriptor(ty);
            self.emit(op::New {
                dst: Register(dst),
                ty,
            });
            return;
        }
        match layout.slots.len() {
            0 => {}
            1 => self.load_slot(0, dst),
            count => {
                _ = self.emit(op::Zero {
                    dst: Run(dst),
                    count: Count(count as u16),
                })
            }
        }
    }

    /// The register that keeps a constant over the loop around, if one does.
    pub(crate) fn cached_constant(&self, e: ExprId) -> Option<u16> {
        if self.cached_constants.is_empty() {
            return None;
        }
        let constant = self.c.typed.constant(self.c.ast.unparen(e))?;
        let slot = self.constant_slot(constant, self.type_of(e))?;
        self.cached_constants.get(&CachedConstant(slot)).copied()
    }

    /// Loads the constants that a loop uses as operands, and that no immediate form holds, into registers before it. The caller
    /// gives the registers back behind the loop, with [`FunctionCompiler::forget_constants`].
    pub(crate) fn cache_constants(&mut self, roots: &[Node]) -> Vec<CachedConstant> {
        let mut wanted: Vec<u64> = Vec::new();
        let mut consider = |f: &Self, e: ExprId, small: bool| {
            let Some(constant) = f.c.typed.constant(f.c.ast.unparen(e)) else {
                return;
            };
            let ty = f.type_of(e);
            if !small && f.small_constant(e, ty).is_some() && !f.c.typed.types.is_float(ty) {
                return;
            }
            if let Some(slot) = f.constant_slot(constant, ty)
                && !wanted.contains(&slot)
                && wanted.len() < MOST_CACHED
            {
                wanted.push(slot);
            }
        };
        let this = &*self;
        this.c.walk(roots, |node| {
            match node {
                Node::Expr(e) => match *this.c.ast.expr(e) {
                    Expr::FuncLit { .. } => return false,
                    Expr::Binary { left, right, .. } if this.c.typed.constant(e).is_none() => {
                        consider(this, left, false);
                        consider(this, right, false);
                    }
                    Expr::Index { operand, indices } => {
                        // The offset of an array's element is part of the instruction.
                        let ty = this.type_of(operand);
                        let indexed = matches!(this.c.typed.types.underlying(ty), Type::Slice(_))
                            || this.c.typed.types.is_string(ty);
                        if indexed && this.c.typed.constant(e).is_none() {
                            consider(this, this.c.ast.list(indices)[0], true);
                        }
                    }
                    _ => {}
                },
                Node::Stmt(s) => {
                    if let parser::ast::Stmt::Assign { op, lhs, rhs, .. } = *this.c.ast.stmt(s) {
                        let plain = op == parser::ast::AssignOperator::Plain;
                        for (&target, &value) in
                            this.c.ast.list(lhs).iter().zip(this.c.ast.list(rhs))
                        {
                            let in_memory = !matches!(
                                this.c.ast.expr(this.c.ast.unparen(target)),
                                Expr::Ident(_)
                            );
                            if !plain || in_memory {
                                consider(this, value, plain);
                            }
                        }
                    }
                }
                Node::Block(_) => {}
            }
            true
        });
        let mut added = Vec::new();
        for slot in wanted {
            let key = CachedConstant(slot);
            if !self.cached_constants.contains_key(&key) {
                let register = self.scalar();
                self.load_slot(slot, register);
                // Not scratch space.
                self.registers.declare(register, 1);
                self.cached_constants.insert(key, register);
                added.push(key);
            }
        }
        added
    }

    pub(crate) fn forget_constants(&mut self, added: &[CachedConstant]) {
        for key in added {
            self.cached_constants.remove(key);
        }
    }
}
