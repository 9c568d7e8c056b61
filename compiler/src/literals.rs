//! Composite literals: flat structs in registers, everything else straight into its new memory.

use bytecode::{OptionalRegister, Register, Run, op};
use checker::types::{Type, TypeId as Ty};
use parser::ast::{Expr, ExprId};

use crate::function::FunctionCompiler;
use crate::order::Root;
use crate::places::NONE;

/// Literals with more elements (tables) are evaluated from front to back: their calls' values would take all registers.
const HOISTED_ELEMENTS: usize = 1000;

/// An element of a struct literal and where it goes.
struct FieldElement {
    ty: Ty,
    /// Of a struct in registers.
    slot: u16,
    /// Of a struct in memory.
    offset: u32,
    value: ExprId,
    /// Of a field `_`, which stays zero: the value is evaluated only.
    blank: bool,
}

impl FunctionCompiler<'_, '_> {
    /// A literal's elements with their keys.
    fn elements(&self, e: ExprId) -> Vec<(Option<ExprId>, ExprId)> {
        let Expr::CompositeLit { elements, .. } = *self.c.ast.expr(e) else {
            return Vec::new();
        };
        let pair = |&element: &ExprId| match *self.c.ast.expr(element) {
            Expr::KeyValue { key, value } => (Some(key), value),
            _ => (None, element),
        };
        self.c.ast.list(elements).iter().map(pair).collect()
    }

    /// The elements of a struct literal with the places of their fields, and whether there is one for every field.
    fn field_elements(&mut self, e: ExprId, ty: Ty) -> (Vec<FieldElement>, bool) {
        let typed = self.c.typed;
        let count = self.layout(ty).fields.len();
        let elements = self.elements(e);
        let mut complete = elements.len() == count;
        let mut out = Vec::with_capacity(elements.len());
        for (position, (key, value)) in elements.into_iter().enumerate() {
            let position = [position as u32];
            let path = match key.and_then(|key| typed.field_keys.get(&key)) {
                Some(path) => &path[..],
                None => &position,
            };
            complete &= path.len() == 1;
            let mut element = FieldElement {
                ty,
                slot: 0,
                offset: 0,
                value,
                blank: match typed.types.underlying(ty) {
                    Type::Struct(fields) => {
                        key.is_none() && fields[position[0] as usize].name.is_blank()
                    }
                    _ => false,
                },
            };
            complete &= !element.blank;
            for index in path {
                let layout = self.layout(element.ty);
                let field = &layout.fields[*index as usize];
                element.slot = element.slot.wrapping_add(field.slot);
                element.offset += field.offset;
                element.ty = field.ty;
            }
            out.push(element);
        }
        (out, complete)
    }

    /// The elements of an array or slice literal with their indices, and the length.
    fn indexed_elements(&self, e: ExprId) -> (Vec<(u64, ExprId)>, u64) {
        let (mut next, mut length) = (0u64, 0u64);
        let mut out = Vec::new();
        for (key, value) in self.elements(e) {
            if let Some(key) = key {
                let constant = self.c.typed.constant(self.c.ast.unparen(key));
                next = constant
                    .and_then(|constant| constant.to_int().as_u64())
                    .unwrap_or(next);
            }
            out.push((next, value));
            next += 1;
            length = length.max(next);
        }
        (out, length)
    }

    /// Evaluates the calls in a literal's elements before all else in them, unless the expression around did.
    /// Returns what `scanned` was.
    fn hoist_elements(&mut self, e: ExprId) -> bool {
        if !self.scanned {
            let targets = self.child_targets(e, None);
            let elements = self.elements(e);
            let values = elements.iter().enumerate();
            let roots: Vec<Root> = values
                .map(|(i, &(_, value))| (value, targets.of(i)))
                .collect();
            if roots.len() <= HOISTED_ELEMENTS {
                self.hoist_behind(&roots, false);
            }
        }
        std::mem::replace(&mut self.scanned, true)
    }

    /// A literal's value into `dst`.
    pub(crate) fn literal_into(&mut self, e: ExprId, ty: Ty, dst: u16) {
        // A map's entries are statements of their own.
        let is_map = matches!(self.c.typed.types.underlying(ty), Type::Map { .. });
        let scanned = if is_map {
            std::mem::replace(&mut self.scanned, false)
        } else {
            self.hoist_elements(e)
        };
        self.literal_value(e, ty, dst);
        self.scanned = scanned;
    }

    fn literal_value(&mut self, e: ExprId, ty: Ty, dst: u16) {
        let typed = self.c.typed;
        match typed.types.underlying(ty) {
            // `{...}` as an element of []*T.
            Type::Pointer(base) => self.literal_in_heap(e, *base, dst),
            Type::Struct(_) if !self.layout(ty).boxed() => {
                let layout = self.layout(ty);
                let target = if self.registers.is_fresh(dst) {
                    dst
                } else {
                    self.registers.allocate(&layout.slots)
                };
                let (elements, complete) = self.field_elements(e, ty);
                if !complete && !layout.slots.is_empty() {
                    self.zero(ty, target);
                    self.registers.written(target, layout.slots.len());
                }
                for field in elements {
                    if field.blank {
                        self.evaluate(field.value);
                        continue;
                    }
                    let ty = typed.types.canonical(field.ty);
                    self.convert_into(field.value, ty, target + field.slot);
                }
                self.move_slots(target, dst, layout.slots.len());
            }
            Type::Struct(_) | Type::Array(..) => self.literal_in_heap(e, ty, dst),
            Type::Slice(element) => {
                let (elements, length) = self.indexed_elements(e);
                let array = self.new_backing_array(*element, length as usize);
                let size = self.layout(*element).size;
                for (index, value) in elements {
                    // Wraps only for a type that is refused as too large; so below.
                    let offset = (index as u32).wrapping_mul(size);
                    self.fill_in(value, *element, array, offset);
                }
                self.slice_array(array, *element, length as usize, dst);
            }
            Type::Map { key, element } => {
                let map = self.reference();
                let mut elements = self.elements(e);
                // Of equal keys the last one counts, and Go sets those first that it knows before the program runs.
                // GO: cmd/compile/internal/walk/order.go, `OMAPLIT`.
                let is_constant = |e: ExprId| typed.constant(self.c.ast.unparen(e)).is_some();
                elements.sort_by_key(|&(key, value)| {
                    !(key.is_some_and(is_constant) && is_constant(value))
                });
                let id = self.c.descriptor(ty);
                let hint = if elements.len() > 8 {
                    OptionalRegister(self.integer(elements.len() as i32))
                } else {
                    NONE
                };
                self.emit(op::MakeMap {
                    dst: Register(map),
                    hint,
                    ty: id,
                });
                self.registers.written(map, 1);
                for (key_expression, value) in elements {
                    let Some(key_expression) = key_expression else {
                        continue;
                    };
                    self.scoped(|f| {
                        f.hoist(&[key_expression, value]);
                        let key = f.element_operand(key_expression, *key);
                        let value = f.element_operand(value, *element);
                        f.emit(op::MapSet {
                            map: Register(map),
                            key: Run(key),
                            src: Run(value),
                            ty: id,
                        });
                    });
                }
                self.move_slots(map, dst, 1);
            }
            _ => panic!("no literals of other types"),
        }
    }

    fn element_operand(&mut self, e: ExprId, ty: Ty) -> u16 {
        self.operand_as(e, self.c.typed.types.canonical(ty))
    }

    /// `&T{...}`, or the box of a literal.
    pub(crate) fn literal_in_heap(&mut self, e: ExprId, ty: Ty, dst: u16) {
        let scanned = self.hoist_elements(e);
        let target = if self.registers.is_fresh(dst) {
            dst
        } else {
            self.reference()
        };
        let id = self.c.descriptor(ty);
        if let Type::Struct(_) | Type::Array(..) = self.c.typed.types.underlying(ty) {
            self.emit(op::New {
                dst: Register(target),
                ty: id,
            });
            self.registers.written(target, 1);
            self.fill(e, ty, target, 0);
        } else {
            // &[]T{...}: the slice or map is a value like any other.
            let value = self.allocate(ty);
            self.literal_into(e, ty, value);
            let count = self.slots(ty);
            self.registers.written(value, count);
            self.emit(op::New {
                dst: Register(target),
                ty: id,
            });
            self.registers.written(target, 1);
            self.store_memory(ty, value, target, 0);
        }
        self.move_slots(target, dst, 1);
        self.scanned = scanned;
    }

    /// Fills new, zeroed memory with a struct or array literal's elements.
    fn fill(&mut self, e: ExprId, ty: Ty, pointer: u16, offset: u32) {
        let typed = self.c.typed;
        match typed.types.underlying(ty) {
            Type::Struct(_) => {
                for field in self.field_elements(e, ty).0 {
                    if field.blank {
                        self.evaluate(field.value);
                        continue;
                    }
                    let offset = offset.wrapping_add(field.offset);
                    self.fill_in(field.value, field.ty, pointer, offset);
                }
            }
            Type::Array(element, _) => {
                let size = self.layout(*element).size;
                for (index, value) in self.indexed_elements(e).0 {
                    let offset = offset.wrapping_add((index as u32).wrapping_mul(size));
                    self.fill_in(value, *element, pointer, offset);
                }
            }
            _ => panic!("only structs and arrays are filled"),
        }
    }

    /// An expression whose value goes nowhere; calls may have been hoisted.
    fn evaluate(&mut self, e: ExprId) {
        if !self.hoisted.contains_key(&self.c.ast.unparen(e)) {
            self.effect(e);
        }
    }

    /// The value of an expression into new, zeroed memory.
    pub(crate) fn fill_in(&mut self, e: ExprId, ty: Ty, pointer: u16, offset: u32) {
        let ty = self.c.typed.types.canonical(ty);
        let inner = self.c.ast.unparen(e);
        if self.is_nil(inner) {
            return;
        }
        if let Some(constant) = self.c.typed.constant(inner)
            && (self.constant_slot(constant, ty) == Some(0)
                || (self.c.typed.types.is_string(ty)
                    && constant.as_bytes().is_some_and(|bytes| bytes.is_empty())))
        {
            return;
        }
        stacker::maybe_grow(64 << 10, 1 << 20, || {
            self.scoped(|f| {
                if let Expr::CompositeLit { .. } = f.c.ast.expr(inner)
                    && f.type_of(inner) == ty
                    && let Type::Struct(_) | Type::Array(..) = f.c.typed.types.underlying(ty)
                {
                    return f.fill(inner, ty, pointer, offset);
                }
                let value = f.operand_as(e, ty);
                f.store_memory(ty, value, pointer, offset);
            });
        });
    }
}
