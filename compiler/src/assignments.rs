//! Assignments and declarations with values.
//!
//! The right side of a single assignment is evaluated before the operands of the left one are loaded, as Go's compiler does (calls on the
//! left come first). An assignment of several values evaluates everything, then stores from left to right.

use bytecode::{Count, Imm16, Pair, Register, op};
use checker::types::{ObjectId, Type, TypeId as Ty};
use diagnostics::TextRange;
use parser::ast::{AssignOperator, BinaryOperator, Expr, ExprId, StmtId};

use crate::function::{FunctionCompiler, Location};
use crate::operators::Rhs;
use crate::order::untyped;
use crate::parallel::Value;
use crate::places::Place;
use crate::type_descriptors::Access;
use crate::walk::Panics;

impl FunctionCompiler<'_, '_> {
    pub(crate) fn is_blank(&self, e: ExprId) -> bool {
        matches!(*self.c.ast.expr(self.c.ast.unparen(e)), Expr::Ident(name) if name.is_blank())
    }

    /// `lhs = rhs` or `lhs op= rhs`.
    pub(crate) fn assignment(
        &mut self,
        id: StmtId,
        op: AssignOperator,
        op_pos: u32,
        lhs: &[ExprId],
        rhs: &[ExprId],
    ) {
        match op {
            AssignOperator::Operation(op) => {
                let position = TextRange::at(self.c.ast.stmt_range(id).file, op_pos);
                self.hoist(&[lhs[0], rhs[0]]);
                self.operation(op, lhs[0], rhs[0], position);
            }
            AssignOperator::Plain if lhs.len() == 1 => {
                self.hoist_left(lhs[0], rhs[0]);
                self.assign(lhs[0], rhs[0]);
            }
            AssignOperator::Plain if rhs.len() == 1 => {
                for &target in lhs {
                    self.hoist_all(target);
                }
                let values = self.several_values(rhs[0], lhs.len());
                let values = values.into_iter().map(|(register, ty)| Value::Register {
                    register,
                    ty,
                    owned: true,
                });
                self.assign_in_parallel(lhs, &values.collect::<Vec<_>>());
            }
            AssignOperator::Plain => {
                let mut roots = untyped(lhs);
                roots.extend(lhs.iter().zip(rhs).map(|(&target, &value)| {
                    let ty = (!self.is_blank(target)).then(|| self.type_of(target));
                    (value, ty)
                }));
                self.hoist_in_turn(&roots);
                let values = rhs.iter().map(|&value| Value::Expression(value));
                self.assign_in_parallel(lhs, &values.collect::<Vec<_>>());
            }
        }
    }

    /// Calls on the left side come before those on the right, loads on the left after all.
    fn hoist_left(&mut self, lhs: ExprId, rhs: ExprId) {
        self.hoist_before(lhs, rhs);
        self.hoist(&[rhs]);
    }

    // ---- one value ----

    /// `lhs = rhs`.
    pub(crate) fn assign(&mut self, lhs: ExprId, rhs: ExprId) {
        let lhs = self.c.ast.unparen(lhs);
        if self.is_blank(lhs) {
            if !self.is_nil(rhs) {
                let ty = self.c.typed.types.default_type(self.type_of(rhs));
                self.operand_as(rhs, ty);
            }
            return;
        }
        let ty = self.type_of(lhs);
        let boxed = self.layout(ty).boxed();
        if let Some(Place::Registers(register)) = self.register_place(lhs) {
            if !boxed {
                return self.convert_into(rhs, ty, register);
            }
            if self.is_place(rhs) {
                let src = self.operand(rhs);
                return self.store(Place::Registers(register), ty, src, false);
            }
            let src = self.allocate(ty);
            self.convert_into(rhs, ty, src);
            return self.store(Place::Registers(register), ty, src, true);
        }
        let map_index = self.map_index(lhs);
        if let Some((operand, index)) = map_index {
            // Map and key before the value, as their order can be seen by nobody else.
            let map_type = self.type_of(operand);
            let Type::Map { key, .. } = *self.c.typed.types.underlying(map_type) else {
                panic!("a map is indexed")
            };
            self.evaluate_key(lhs);
            let value = self.operand_as(rhs, ty);
            let map = self.operand(operand);
            let key = self.operand_as(index, key);
            self.at(self.c.ast.range(lhs));
            self.scheduling_point();
            return self.store(
                Place::Map {
                    map,
                    key,
                    ty: map_type,
                },
                ty,
                value,
                false,
            );
        }
        let value = self.stored_operand(rhs, ty);
        let place = self.place(lhs);
        self.at(self.c.ast.range(lhs));
        self.scheduling_point();
        self.store(place, ty, value, false);
    }

    /// A value that is only stored to memory: a store takes no more than its width, so a narrowing conversion is for nothing.
    fn stored_operand(&mut self, e: ExprId, ty: Ty) -> u16 {
        let inner = self.c.ast.unparen(e);
        if let Expr::Call { callee, args, .. } = *self.c.ast.expr(inner)
            && self.c.typed.types.is_integer(ty)
            && self.c.typed.constant(inner).is_none()
            && !self.hoisted.contains_key(&inner)
            && self.type_and_value(self.c.ast.unparen(callee)).mode == checker::typed::Mode::Type
        {
            let argument = self.c.ast.list(args)[0];
            let from = self.type_of(argument);
            if self.c.typed.types.is_integer(from)
                && self
                    .c
                    .typed
                    .constant(self.c.ast.unparen(argument))
                    .is_none()
            {
                return self.operand(argument);
            }
        }
        self.operand_as(e, ty)
    }

    /// The place of a register variable, or of a part of a flat one.
    fn register_place(&mut self, e: ExprId) -> Option<Place> {
        match self.place_in_registers(e) {
            true => match self.place(e) {
                place @ Place::Registers(_) => Some(place),
                _ => None,
            },
            false => None,
        }
    }

    fn place_in_registers(&mut self, e: ExprId) -> bool {
        let Some(root) = self.c.root_variable(e) else {
            return false;
        };
        if !matches!(self.location(root), Some(Location::Registers(_))) {
            return false;
        }
        // A part of a boxed variable is in memory; so is an element of an array.
        let inner = self.c.ast.unparen(e);
        matches!(self.c.ast.expr(inner), Expr::Ident(_)) || {
            let ty = self.object_type(root);
            !self.layout(ty).boxed()
        }
    }

    pub(crate) fn map_index(&self, e: ExprId) -> Option<(ExprId, ExprId)> {
        match *self.c.ast.expr(self.c.ast.unparen(e)) {
            Expr::Index { operand, indices } => {
                let ty = self.type_of(operand);
                matches!(self.c.typed.types.underlying(ty), Type::Map { .. })
                    .then(|| (operand, self.c.ast.list(indices)[0]))
            }
            _ => None,
        }
    }

    // ---- op= ----

    /// `x++`, `x--`.
    pub(crate) fn increment(&mut self, operand: ExprId, increment: bool, op_pos: u32) {
        let ty = self.type_of(operand);
        let position = TextRange::at(self.c.ast.range(operand).file, op_pos);
        let op = if increment {
            BinaryOperator::Add
        } else {
            BinaryOperator::Subtract
        };
        self.hoist(&[operand]);
        if let Some(Place::Registers(register)) = self.register_place(operand) {
            return self.arithmetic(op, ty, register, register, Rhs::Constant(1));
        }
        let place = self.updated_place(operand, ty);
        self.at_operator(operand, position);
        let (layout, is_float) = (self.layout(ty), self.c.typed.types.is_float(ty));
        if let Place::Memory { pointer, offset } = place
            && let Ok(offset) = u16::try_from(offset)
            && layout.access == Access::Word
            && !is_float
            && !self.has_scheduling_points()
        {
            let value = Imm16(if increment { 1 } else { -1 });
            self.emit(op::AddImmAt {
                value,
                pointer: Register(pointer),
                offset: Count(offset),
            });
            return;
        }
        let value = self.allocate(ty);
        self.load_into(place, ty, value);
        self.arithmetic(op, ty, value, value, Rhs::Constant(1));
        self.scheduling_point();
        self.store(place, ty, value, false);
    }

    /// The place that `op=` reads and writes. An entry of a map is made if it is not there.
    fn updated_place(&mut self, e: ExprId, ty: Ty) -> Place {
        let place = self.place(e);
        self.with_entry(place, ty)
    }

    /// The same place, in memory if it is an entry of a map, which is made if it is not there; entries of some types stay as they are.
    pub(crate) fn with_entry(&mut self, place: Place, ty: Ty) -> Place {
        if let Place::Map {
            map,
            key,
            ty: map_type,
        } = place
            && !matches!(self.layout(ty).access, Access::Boxed | Access::Empty)
        {
            let id = self.c.descriptor(map_type);
            let pointer = self.reference();
            self.emit(op::MapAddress {
                dst: Register(pointer),
                map: Register(map),
                key: bytecode::Run(key),
                ty: id,
            });
            self.registers.written(pointer, 1);
            return Place::Memory { pointer, offset: 0 };
        }
        place
    }

    /// `lhs op= rhs`.
    fn operation(&mut self, op: BinaryOperator, lhs: ExprId, rhs: ExprId, position: TextRange) {
        let ty = self.type_of(lhs);
        if self.c.typed.types.is_string(ty) {
            return self.append_string(lhs, rhs, ty, position);
        }
        let is_float = self.c.typed.types.is_float(ty);
        let word = self.layout(ty).access == Access::Word;
        if let Some(Place::Registers(register)) = self.register_place(lhs) {
            if op.is_shift() {
                return self.shift(op, ty, register, register, rhs, position);
            }
            if is_float && word && op == BinaryOperator::Add && self.add_product(rhs, ty, register)
            {
                return;
            }
            let b = self.right_operand(rhs, ty);
            self.at(position);
            return self.arithmetic(op, ty, register, register, b);
        }
        if op.is_shift() {
            // The count is evaluated by `shift`; it has no effects left after hoisting.
            let place = self.place(lhs);
            let value = self.allocate(ty);
            self.at_operator(lhs, position);
            self.load_into(place, ty, value);
            self.shift(op, ty, value, value, rhs, position);
            self.scheduling_point();
            return self.store(place, ty, value, false);
        }
        if let Some((place, loaded)) = self.left_operand_first(op, lhs, rhs, ty, position) {
            let b = self.right_operand(rhs, ty);
            self.at(position);
            let value = match (place, loaded) {
                (_, Some(value)) => value,
                (Place::Memory { pointer, offset }, None)
                    if self.add_in_place(op, is_float, b, pointer, offset as u16) =>
                {
                    return;
                }
                (place, None) => {
                    let value = self.allocate(ty);
                    self.load_into(place, ty, value);
                    value
                }
            };
            self.arithmetic(op, ty, value, value, b);
            self.scheduling_point();
            return self.store(place, ty, value, false);
        }
        let b = self.right_operand(rhs, ty);
        let divides = matches!(op, BinaryOperator::Divide | BinaryOperator::Remainder);
        // A division may panic before the entry is made.
        let place = if divides {
            self.place(lhs)
        } else {
            self.updated_place(lhs, ty)
        };
        self.at_operator(lhs, position);
        if let Place::Memory { pointer, offset } = place
            && let Ok(offset) = u16::try_from(offset)
            && word
            && self.add_in_place(op, is_float, b, pointer, offset)
        {
            return;
        }
        let value = self.allocate(ty);
        self.load_into(place, ty, value);
        self.registers.written(value, 1);
        self.arithmetic(op, ty, value, value, b);
        self.scheduling_point();
        self.store(place, ty, value, false);
    }

    /// When both sides of `op=` can panic, not both in the same words, the left one does, if the right one only loads and computes: its place, and its value, unless the
    /// place has been found good and is added to as it stands. `None` if the order cannot be seen, and where Go has it the other
    /// way: entries of maps are made last, and builtins, slices and assertions are taken out of an expression before.
    fn left_operand_first(
        &mut self,
        op: BinaryOperator,
        lhs: ExprId,
        rhs: ExprId,
        ty: Ty,
        position: TextRange,
    ) -> Option<(Place, Option<u16>)> {
        let (left, right) = (self.c.panics(lhs), self.c.panics(rhs));
        let looks_alike = (left, right) == (Panics::AtNil, Panics::AtNil);
        if left == Panics::Never || right == Panics::Never || looks_alike {
            return None;
        }
        if self.map_index(lhs).is_some() || self.c.is_taken_out(rhs) {
            return None;
        }
        let place = self.place(lhs);
        let is_sum = matches!(op, BinaryOperator::Add | BinaryOperator::Subtract);
        if let Place::Memory { pointer, offset } = place
            && is_sum
            && self.layout(ty).access == Access::Word
            && u16::try_from(offset).is_ok()
        {
            if !self.registers.is_cell(pointer) {
                self.emit(op::CheckNil {
                    pointer: Register(pointer),
                });
            }
            return Some((place, None));
        }
        self.at_operator(lhs, position);
        let value = self.allocate(ty);
        self.load_into(place, ty, value);
        let count = self.slots(ty);
        self.registers.written(value, count);
        Some((place, Some(value)))
    }

    /// `+=` and `-=` of a word in memory.
    fn add_in_place(
        &mut self,
        op: BinaryOperator,
        is_float: bool,
        b: Rhs,
        pointer: u16,
        offset: u16,
    ) -> bool {
        if self.has_scheduling_points() {
            // Others may come between the load and the store.
            return false;
        }
        let (pointer, offset) = (Register(pointer), Count(offset));
        match (op, b) {
            (BinaryOperator::Add, Rhs::Register(src)) if is_float => {
                self.emit(op::AddFloatAt {
                    src: Register(src),
                    pointer,
                    offset,
                });
            }
            (BinaryOperator::Subtract, Rhs::Register(src)) if is_float => {
                self.emit(op::SubFloatAt {
                    src: Register(src),
                    pointer,
                    offset,
                });
            }
            (BinaryOperator::Add, Rhs::Register(src)) => {
                self.emit(op::AddWordAt {
                    src: Register(src),
                    pointer,
                    offset,
                });
            }
            (BinaryOperator::Add, Rhs::Constant(value)) if !is_float => {
                self.emit(op::AddImmAt {
                    value: Imm16(value),
                    pointer,
                    offset,
                });
            }
            (BinaryOperator::Subtract, Rhs::Constant(value)) if !is_float && value != i16::MIN => {
                self.emit(op::AddImmAt {
                    value: Imm16(-value),
                    pointer,
                    offset,
                });
            }
            _ => return false,
        }
        true
    }

    /// `x += a*b` of floats.
    fn add_product(&mut self, rhs: ExprId, ty: Ty, register: u16) -> bool {
        let inner = self.c.ast.unparen(rhs);
        let Expr::Binary {
            op: BinaryOperator::Multiply,
            left,
            right,
            ..
        } = *self.c.ast.expr(inner)
        else {
            return false;
        };
        if self.c.typed.constant(inner).is_some() || self.hoisted.contains_key(&inner) {
            return false;
        }
        let a = Register(self.operand_as(left, ty));
        let b = Register(self.operand_as(right, ty));
        self.emit(op::MulAddFloat {
            dst: Register(register),
            a,
            b,
        });
        true
    }

    /// `s += t`.
    fn append_string(&mut self, lhs: ExprId, rhs: ExprId, ty: Ty, position: TextRange) {
        let mut parts = Vec::new();
        self.string_parts(rhs, &mut parts);
        if let Some(Place::Registers(register)) = self.register_place(lhs) {
            return self.concatenate(Some(register), &parts, position, register);
        }
        if let Some((place, Some(value))) =
            self.left_operand_first(BinaryOperator::Add, lhs, rhs, ty, position)
        {
            let b = self.operand_as(rhs, ty);
            self.at(position);
            self.emit(op::Concat {
                dst: Pair(value),
                a: Pair(value),
                b: Pair(b),
            });
            self.scheduling_point();
            return self.store(place, ty, value, false);
        }
        let b = self.operand_as(rhs, ty);
        let place = self.updated_place(lhs, ty);
        let value = self.allocate(ty);
        self.at_operator(lhs, position);
        self.load_into(place, ty, value);
        self.registers.written(value, 2);
        self.emit(op::Concat {
            dst: Pair(value),
            a: Pair(value),
            b: Pair(b),
        });
        self.scheduling_point();
        self.store(place, ty, value, false);
    }

    // ---- several values ----

    /// The values of a call with several results, or of an expression with `ok`: their registers and types, owned.
    pub(crate) fn several_values(&mut self, e: ExprId, count: usize) -> Vec<(u16, Ty)> {
        let inner = self.c.ast.unparen(e);
        let is_call = matches!(*self.c.ast.expr(inner), Expr::Call { .. });
        if is_call {
            let types = self.c.tuple(self.type_of(inner));
            let mut register = self.call_results(inner);
            let mut out = Vec::with_capacity(types.len());
            for ty in types {
                let ty = self.c.typed.types.canonical(ty);
                out.push((register, ty));
                register += self.slots(ty) as u16;
            }
            return out;
        }
        debug_assert_eq!(count, 2);
        let ty = self.type_of(inner);
        let ty = self.c.typed.types.canonical(self.c.tuple(ty)[0]);
        let value = self.allocate(ty);
        let ok = self.scalar();
        self.comma_ok(inner, Some(value), ok);
        vec![(value, ty), (ok, Ty::BOOL)]
    }

    // ---- declarations ----

    /// `a, b := x, y` and `var a, b T = x, y`: some names may be old.
    pub(crate) fn define(&mut self, lhs: &[ExprId], rhs: &[ExprId]) {
        if rhs.len() == lhs.len() {
            if let ([name], [value]) = (lhs, rhs) {
                return self.define_one(*name, *value);
            }
            let all_new = lhs
                .iter()
                .all(|&name| self.is_blank(name) || self.is_new(name));
            if all_new && !rhs.iter().any(|&e| self.c.calls(e)) {
                // Later values cannot see the new variables, but must not share registers with temporaries: declare at the end.
                let values: Vec<Option<(ObjectId, u16)>> = lhs
                    .iter()
                    .zip(rhs)
                    .map(|(&name, &value)| self.initial_value(name, value))
                    .collect();
                for (object, register) in values.into_iter().flatten() {
                    self.declare(object, register);
                }
                return;
            }
            return self.define_parallel(lhs, rhs);
        }
        self.define_several(lhs, rhs[0]);
    }

    /// Does the statement make the variable?
    fn is_new(&self, name: ExprId) -> bool {
        // A script's variable that functions see has its place already.
        let object = self.c.typed.object_of(name);
        self.c.typed.is_definition(self.c.ast, name)
            && !object.is_some_and(|object| self.is_package_variable(object))
    }

    /// The object of a name that this statement declares.
    fn new_object(&self, name: ExprId) -> Option<ObjectId> {
        if self.is_blank(name) || !self.is_new(name) {
            return None;
        }
        self.c.typed.object_of(name)
    }

    /// The initial value of a new variable in registers of its own.
    fn initial_value(&mut self, name: ExprId, value: ExprId) -> Option<(ObjectId, u16)> {
        let Some(object) = self.new_object(name) else {
            self.effect(value);
            return None;
        };
        let ty = self.object_type(object);
        let inner = self.c.ast.unparen(value);
        // The results of a call are used where they come back.
        if let Expr::Call { callee, .. } = *self.c.ast.expr(inner)
            && self.c.typed.constant(inner).is_none()
            && !self.hoisted.contains_key(&inner)
            && self.type_of(inner) == ty
            && !matches!(
                self.type_and_value(self.c.ast.unparen(callee)).mode,
                checker::typed::Mode::Type | checker::typed::Mode::Builtin
            )
        {
            return Some((object, self.call(inner)));
        }
        let register = self.allocate(ty);
        self.convert_into(value, ty, register);
        Some((object, register))
    }

    fn define_one(&mut self, name: ExprId, value: ExprId) {
        let Some(object) = self.new_object(name) else {
            if self.is_blank(name) {
                return self.effect(value);
            }
            return self.scoped(|f| f.assign(name, value));
        };
        if self.needs_cell(object) {
            let ty = self.object_type(object);
            if !self.layout(ty).boxed() {
                let cell = self.reference();
                self.scoped(|f| {
                    f.hoist(&[value]);
                    let register = f.operand_as(value, ty);
                    let id = f.c.descriptor(ty);
                    f.emit(op::New {
                        dst: Register(cell),
                        ty: id,
                    });
                    f.registers.written(cell, 1);
                    f.store_memory(ty, register, cell, 0);
                });
                self.declare_cell(object, cell);
                return;
            }
        }
        if let Some((object, register)) = self.initial_value(name, value) {
            self.declare(object, register);
        }
    }

    /// Several values, of which some go to old variables, or some are calls.
    fn define_parallel(&mut self, lhs: &[ExprId], rhs: &[ExprId]) {
        let mut homes = Vec::new();
        for &name in lhs {
            homes.push(self.new_object(name).map(|object| {
                let ty = self.object_type(object);
                (object, self.allocate(ty))
            }));
        }
        self.scoped(|f| {
            f.hoist(rhs);
            let mut values = Vec::new();
            for ((&name, &value), home) in lhs.iter().zip(rhs).zip(&homes) {
                match home {
                    Some((object, register)) => {
                        let ty = f.object_type(*object);
                        f.convert_into(value, ty, *register);
                        values.push(*register);
                    }
                    None if f.is_blank(name) => {
                        f.effect(value);
                        values.push(0);
                    }
                    None => {
                        let ty = f.type_of(name);
                        let register = f.allocate(ty);
                        f.convert_into(value, ty, register);
                        values.push(register);
                    }
                }
            }
            for ((&name, home), value) in lhs.iter().zip(&homes).zip(values) {
                if home.is_none() && !f.is_blank(name) {
                    let (place, ty) = f.typed_place(name);
                    f.store(place, ty, value, true);
                }
            }
        });
        for (object, register) in homes.into_iter().flatten() {
            self.declare(object, register);
        }
    }

    /// `a, b := f()`, `v, ok := m[k]`.
    fn define_several(&mut self, lhs: &[ExprId], rhs: ExprId) {
        let values = self.several_values(rhs, lhs.len());
        for (&name, &(register, from)) in lhs.iter().zip(&values) {
            if let Some(object) = self.new_object(name) {
                let to = self.object_type(object);
                let mut value = register;
                if self.wraps(from, to) {
                    value = self.allocate(to);
                    self.convert_value(register, from, to, value);
                }
                self.declare(object, value);
            } else if !self.is_blank(name) {
                let (place, to) = self.typed_place(name);
                self.scoped(|f| {
                    let mut value = register;
                    if f.wraps(from, to) {
                        value = f.allocate(to);
                        f.convert_value(register, from, to, value);
                    }
                    f.store(place, to, value, true);
                });
            }
        }
    }

    /// Assigns a value in registers to an expression: what `range` and `select` do.
    pub(crate) fn assign_value(&mut self, lhs: ExprId, value: u16, from: Ty) {
        if self.is_blank(lhs) {
            return;
        }
        self.scoped(|f| {
            let place = f.place(lhs);
            f.store_converted(lhs, place, value, from);
        });
    }

    /// Stores a borrowed value, converted to the type of what is assigned.
    pub(crate) fn store_converted(&mut self, lhs: ExprId, place: Place, value: u16, from: Ty) {
        let to = self.type_of(lhs);
        self.scoped(|f| {
            let mut value = value;
            if f.wraps(from, to) {
                let converted = f.allocate(to);
                f.convert_value(value, from, to, converted);
                value = converted;
            }
            f.at(f.c.ast.range(lhs));
            f.store(place, to, value, false);
        });
    }
}
