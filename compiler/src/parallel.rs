//! Assignments of several values.
//!
//! Go's compiler takes them as single assignments, one after the other, each as it would be compiled alone: the value, then the place, then
//! the store. Only what an earlier one of them may change is evaluated before all: values, and the operands of targets. It shows where
//! several of them panic. Calls, and what is evaluated in turn with them, are in registers already.
//!
//! GO: cmd/compile/internal/walk/assign.go `ascompatee`.

use checker::typed::Mode;
use checker::types::{ObjectId, Type, TypeId as Ty};
use parser::ast::{Expr, ExprId, UnaryOperator};
use rustc_hash::FxHashSet;

use crate::function::{FunctionCompiler, Location};
use crate::places::Place;
use crate::walk::{Node, Panics};

/// What a target is given.
#[derive(Clone, Copy)]
pub(crate) enum Value {
    Expression(ExprId),
    /// A value in registers, of this type before conversion.
    Register {
        register: u16,
        ty: Ty,
        /// The assignment may take what is there.
        owned: bool,
    },
}

/// What the assignments before one of a statement change.
#[derive(Default)]
struct Changes {
    /// Local variables whose address nobody has.
    variables: FxHashSet<ObjectId>,
    /// Anything that is not such a variable.
    memory: bool,
    /// A result that a deferred function sees as soon as anything panics: everything else is evaluated before.
    deferred_result: bool,
}

impl FunctionCompiler<'_, '_> {
    /// `a, b = x, y`, `a, b = f()`, `v, ok = m[k]`: all targets have values.
    pub(crate) fn assign_in_parallel(&mut self, lhs: &[ExprId], values: &[Value]) {
        for &target in lhs {
            self.evaluate_key(target);
        }
        let mut changes = Changes::default();
        let mut places: Vec<Option<Place>> = Vec::with_capacity(lhs.len());
        let mut early: Vec<Option<u16>> = Vec::with_capacity(lhs.len());
        for (&target, value) in lhs.iter().zip(values) {
            places.push(self.keep_operands(target, &changes));
            early.push(match *value {
                Value::Expression(e) if self.is_affected(e, &changes) => {
                    let ty = self.target_type(target, e);
                    let register = self.allocate(ty);
                    self.convert_into(e, ty, register);
                    Some(register)
                }
                _ => None,
            });
            self.note_change(target, &mut changes);
        }
        for (index, &target) in lhs.iter().enumerate() {
            self.scoped(|f| match (values[index], early[index]) {
                (_, Some(register)) => f.store_into(target, places[index], register, true),
                (
                    Value::Register {
                        register,
                        ty,
                        owned,
                    },
                    None,
                ) => {
                    if f.is_blank(target) {
                        return;
                    }
                    let to = f.type_of(target);
                    if f.wraps(ty, to) {
                        let converted = f.allocate(to);
                        f.convert_value(register, ty, to, converted);
                        f.store_into(target, places[index], converted, true);
                    } else {
                        f.store_into(target, places[index], register, owned);
                    }
                }
                (Value::Expression(e), None) if f.is_blank(target) => f.effect(e),
                (Value::Expression(e), None) if places[index].is_some() => {
                    let ty = f.type_of(target);
                    let register = f.allocate(ty);
                    f.convert_into(e, ty, register);
                    f.store_into(target, places[index], register, true);
                }
                (Value::Expression(e), None) => {
                    if f.map_index(target).is_some() && f.c.panics(e) != Panics::Never {
                        f.scoped(|f| f.make_entry(target));
                    }
                    f.assign(target, e);
                }
            });
        }
    }

    /// The type that a value has when it is stored.
    fn target_type(&mut self, target: ExprId, value: ExprId) -> Ty {
        if self.is_blank(target) {
            let ty = self.type_of(value);
            return self.c.typed.types.default_type(ty);
        }
        self.type_of(target)
    }

    /// Stores a value, which the target may keep as it is if it is `owned`.
    fn store_into(&mut self, target: ExprId, place: Option<Place>, value: u16, owned: bool) {
        if self.is_blank(target) {
            return;
        }
        let ty = self.type_of(target);
        let place = place.unwrap_or_else(|| self.place(target));
        self.at(self.c.ast.range(target));
        if !matches!(place, Place::Registers(_)) {
            self.scheduling_point();
        }
        self.store(place, ty, value, owned);
    }

    /// Evaluates the operands of a target that the assignments before it may change; [`FunctionCompiler::place`] finds them in their registers.
    /// Gives the place itself if one of its operands is an embedded pointer, for which there is no expression.
    fn keep_operands(&mut self, target: ExprId, changes: &Changes) -> Option<Place> {
        if changes.is_empty() {
            return None;
        }
        let mut e = self.c.ast.unparen(target);
        loop {
            match *self.c.ast.expr(e) {
                Expr::Index { operand, indices } => {
                    let index = self.c.ast.list(indices)[0];
                    let ty = self.type_of(operand);
                    match self.c.typed.types.underlying(ty) {
                        Type::Array(..) => {
                            self.keep(index, changes);
                            e = self.c.ast.unparen(operand);
                        }
                        Type::Pointer(_) => {
                            self.keep(index, changes);
                            self.keep(operand, changes);
                            return None;
                        }
                        _ => {
                            self.keep(operand, changes);
                            self.keep(index, changes);
                            return None;
                        }
                    }
                }
                Expr::Star(pointer) => {
                    self.keep(pointer, changes);
                    return None;
                }
                Expr::Selector { operand, .. } => {
                    let selection = self.c.typed.selections.get(&e)?;
                    let (indirect, steps) = (selection.indirect, selection.path.len());
                    let ty = self.type_of(operand);
                    let is_pointer = matches!(self.c.typed.types.underlying(ty), Type::Pointer(_));
                    if indirect && (steps > 1 || !is_pointer) {
                        if changes.memory || self.is_affected(operand, changes) {
                            let place = self.place(target);
                            return Some(self.detached(place));
                        }
                        return None;
                    }
                    if is_pointer {
                        self.keep(operand, changes);
                        return None;
                    }
                    e = self.c.ast.unparen(operand);
                }
                _ => return None,
            }
        }
    }

    fn keep(&mut self, operand: ExprId, changes: &Changes) {
        if self.is_affected(operand, changes) {
            self.evaluate_now(operand);
        }
    }

    /// Makes the entry that an assignment of several values is about to set, as Go's compiler does before it evaluates the value.
    fn make_entry(&mut self, target: ExprId) {
        let ty = self.type_of(target);
        let place = self.place(target);
        if matches!(self.with_entry(place, ty), Place::Map { .. }) {
            let value = self.allocate(ty);
            self.load_into(place, ty, value);
            self.store(place, ty, value, true);
        }
    }

    /// Notes what the assignment to a target changes.
    fn note_change(&self, target: ExprId, changes: &mut Changes) {
        if self.is_blank(target) {
            return;
        }
        match self.c.root_variable(target) {
            Some(root) if self.epilogue.is_some() && self.results.contains(&root) => {
                changes.deferred_result = true;
            }
            Some(root) if self.is_local(root) => {
                changes.variables.insert(root);
            }
            _ => changes.memory = true,
        }
    }

    /// Whether the assignments before may change the value of an expression.
    fn is_affected(&self, e: ExprId, changes: &Changes) -> bool {
        if changes.is_empty() {
            return false;
        }
        let mut found = false;
        self.c.walk(&[Node::Expr(e)], |node| {
            let Node::Expr(e) = node else { return false };
            if found || self.c.typed.constant(e).is_some() || self.hoisted.contains_key(&e) {
                return false;
            }
            found = changes.deferred_result
                || changes.memory && self.reads_memory(e)
                || matches!(self.c.ast.expr(e), Expr::Ident(_))
                    && (self.c.typed.object_of(e))
                        .is_some_and(|object| changes.variables.contains(&object));
            !found
        });
        found
    }

    /// Whether a variable is one of this function that nothing else can reach while a statement runs. What a function literal has captured is
    /// not, even if it has copied the value; for what the bodies of ranges over functions capture Go's compiler, which puts them in place, sees that it is.
    fn is_local(&self, object: ObjectId) -> bool {
        let Some(variable) = self.c.typed.object(object).variable() else {
            return false;
        };
        match self.location(object) {
            Some(Location::Registers(_)) => {
                !variable.captured_by_literal || !self.captured.contains(&object)
            }
            Some(Location::Cell(_)) => !variable.captured_by_literal && !variable.address_taken,
            _ => false,
        }
    }

    /// Whether this very node depends on more than its operands and local variables; what is not known to be harmless does.
    ///
    /// GO: cmd/compile/internal/walk/assign.go `readsMemory`.
    fn reads_memory(&self, e: ExprId) -> bool {
        match *self.c.ast.expr(e) {
            Expr::Ident(_) => self.c.typed.object_of(e).is_some_and(|object| {
                self.c.typed.object(object).variable().is_some() && !self.is_local(object)
            }),
            Expr::Binary { op, .. } => {
                op.is_comparison() || {
                    let ty = self.type_and_value(e).typ;
                    self.c.typed.types.is_string(ty)
                }
            }
            Expr::Unary { op, .. } => {
                matches!(op, UnaryOperator::Not | UnaryOperator::Address)
            }
            Expr::Paren(_) => false,
            Expr::Selector { operand, .. } => {
                let through_pointer = self.c.typed.types.as_pointer(self.type_of(operand));
                through_pointer.is_some()
                    || self
                        .c
                        .selection(e)
                        .is_none_or(|selection| selection.indirect)
            }
            Expr::Call { callee, args, .. } => {
                let callee = self.type_and_value(self.c.ast.unparen(callee));
                callee.mode != Mode::Type || {
                    let types = &self.c.typed.types;
                    // Numbers only: strings, slices and arrays are read.
                    let is_number = |e| {
                        let ty = self.type_and_value(e).typ;
                        !types.is_string(ty)
                            && !matches!(types.underlying(ty), Type::Slice(_) | Type::Array(..))
                    };
                    !is_number(e) || !self.c.ast.list(args).iter().all(|&e| is_number(e))
                }
            }
            _ => true,
        }
    }

    /// The same place with its operands in temporaries.
    fn detached(&mut self, place: Place) -> Place {
        use bytecode::SlotKind::{Ref, Scalar};
        let mut copy = |register: u16, kinds: &[bytecode::SlotKind]| {
            let dst = self.registers.allocate(kinds);
            self.move_slots(register, dst, kinds.len());
            self.registers.written(dst, kinds.len());
            dst
        };
        match place {
            Place::Registers(_) | Place::Global(_) => place,
            Place::Memory { pointer, offset } => Place::Memory {
                pointer: copy(pointer, &[Ref]),
                offset,
            },
            Place::Slice { slice, index } => Place::Slice {
                slice: copy(slice, &[Ref, Scalar]),
                index: copy(index, &[Scalar]),
            },
            Place::SliceOfSlice { slice, i, j } => Place::SliceOfSlice {
                slice: copy(slice, &[Ref, Scalar]),
                i: copy(i, &[Scalar]),
                j: copy(j, &[Scalar]),
            },
            Place::Array {
                pointer,
                index,
                length,
            } => Place::Array {
                pointer: copy(pointer, &[Ref]),
                index: copy(index, &[Scalar]),
                length,
            },
            Place::Map { map, key, ty } => {
                let map = copy(map, &[Ref]);
                let kinds = match *self.c.typed.types.underlying(ty) {
                    Type::Map { key, .. } => self.layout(key).slots.clone(),
                    _ => Vec::new(),
                };
                let dst = self.registers.allocate(&kinds);
                self.move_slots(key, dst, kinds.len());
                self.registers.written(dst, kinds.len());
                Place::Map { map, key: dst, ty }
            }
        }
    }
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.variables.is_empty() && !self.memory && !self.deferred_result
    }
}
