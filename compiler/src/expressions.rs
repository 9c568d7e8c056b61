//! Values of expressions.
//!
//! - [`FunctionCompiler::operand`]: the registers in which the value is, perhaps a variable's own; borrowed.
//! - [`FunctionCompiler::into`]: the value into given registers; owned. If those belong to a variable, they are written by the last
//!   instruction only, so the expression may read the variable.
//! - [`FunctionCompiler::convert_into`], [`FunctionCompiler::operand_as`]: the same with the implicit conversion to a type.

use bytecode::{OptionalRegister, Pair, Register, Run, SlotKind, op};
use checker::typed::{Mode, ObjectKind, SelectionKind, TypeAndValue};
use checker::types::{Type, TypeId as Ty};
use parser::ast::{Expr, ExprId, UnaryOperator};

use crate::function::{FunctionCompiler, Location};
use crate::package::FunctionKey;
use crate::places::{NONE, Place};

impl FunctionCompiler<'_, '_> {
    /// The canonical type of an expression.
    pub(crate) fn type_of(&self, e: ExprId) -> Ty {
        self.c.type_of(e)
    }

    pub(crate) fn type_and_value(&self, e: ExprId) -> TypeAndValue {
        self.c.typed.type_and_value(e)
    }

    pub(crate) fn is_nil(&self, e: ExprId) -> bool {
        self.type_and_value(self.c.ast.unparen(e)).mode == Mode::Nil
    }

    /// Whether the expression's value already lies in some memory or register: loading it copies.
    pub(crate) fn is_place(&self, e: ExprId) -> bool {
        let e = self.c.ast.unparen(e);
        if self.hoisted.contains_key(&e) || self.c.typed.constant(e).is_some() {
            return false;
        }
        match *self.c.ast.expr(e) {
            Expr::Ident(_) => self.c.typed.object_of(e).is_some_and(|object| {
                self.location(object).is_some() || self.is_package_variable(object)
            }),
            Expr::Star(_) => true,
            Expr::Selector { name, .. } => match self.c.typed.selections.get(&e) {
                Some(selection) => selection.kind == SelectionKind::Field,
                None => self
                    .c
                    .typed
                    .object_of(name)
                    .is_some_and(|object| self.is_package_variable(object)),
            },
            Expr::Index { operand, .. } => {
                let ty = self.type_of(operand);
                match self.c.typed.types.underlying(ty) {
                    Type::Slice(_) | Type::Array(..) | Type::Map { .. } => true,
                    Type::Pointer(base) => {
                        matches!(self.c.typed.types.underlying(*base), Type::Array(..))
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// The registers with the value of `e`, borrowed.
    pub(crate) fn operand(&mut self, e: ExprId) -> u16 {
        stacker::maybe_grow(64 << 10, 1 << 20, || {
            let e = self.c.ast.unparen(e);
            if let Some(&register) = self.hoisted.get(&e) {
                return register;
            }
            if let Some(register) = self.cached_constant(e) {
                return register;
            }
            if self.is_place(e) {
                let ty = self.type_of(e);
                if let Expr::Ident(_) = self.c.ast.expr(e)
                    && let Some(object) = self.c.typed.object_of(e)
                    && let Some(Location::Registers(register)) = self.location(object)
                {
                    return register;
                }
                // Operands of the place are given back, so the value goes below them.
                let layout = self.layout(ty);
                if !layout.boxed() && !self.is_register_place(e) {
                    let dst = self.registers.allocate(&layout.slots);
                    self.scoped(|f| {
                        let place = f.place(e);
                        f.load_into(place, ty, dst);
                    });
                    self.registers.written(dst, layout.slots.len());
                    return dst;
                }
                let place = self.place(e);
                return self.load_operand(place, ty);
            }
            self.value_operand(e)
        })
    }

    /// Whether the expression is a register variable or a part of a flat one.
    pub(crate) fn is_register_place(&self, e: ExprId) -> bool {
        let mut e = self.c.ast.unparen(e);
        loop {
            match *self.c.ast.expr(e) {
                Expr::Ident(_) => {
                    return self.c.typed.object_of(e).is_some_and(|object| {
                        matches!(self.location(object), Some(Location::Registers(_)))
                    });
                }
                Expr::Selector { operand, .. } => {
                    if self
                        .c
                        .typed
                        .selections
                        .get(&e)
                        .is_none_or(|selection| selection.indirect)
                    {
                        return false;
                    }
                    e = self.c.ast.unparen(operand);
                }
                _ => return false,
            }
        }
    }

    /// The registers with the value of an expression that is no place.
    pub(crate) fn value_operand(&mut self, e: ExprId) -> u16 {
        let ty = self.type_of(e);
        if self.c.typed.constant(e).is_none()
            && let Expr::Call { callee, args, .. } = *self.c.ast.expr(e)
        {
            match self.type_and_value(self.c.ast.unparen(callee)).mode {
                Mode::Type => {
                    let argument = self.c.ast.list(args)[0];
                    if self.is_free_conversion(argument, ty) {
                        return self.operand(argument);
                    }
                }
                // A string's length is its second register.
                Mode::Builtin => {
                    let callee = self.c.ast.unparen(callee);
                    let argument = self.c.ast.list(args).first().copied();
                    if self.builtin_of(callee) == checker::universe::Builtin::Len
                        && let Some(argument) = argument
                        && self.c.typed.types.is_string(self.type_of(argument))
                        && self
                            .c
                            .typed
                            .constant(self.c.ast.unparen(argument))
                            .is_none()
                    {
                        return self.operand(argument) + 1;
                    }
                }
                _ => return self.call(e),
            }
        }
        if let Expr::TypeAssert { operand, .. } = *self.c.ast.expr(e)
            && self.layout(ty).boxed()
        {
            // Stays borrowed.
            let dst = self.allocate(ty);
            self.assert_type(e, operand, ty, dst);
            self.registers.written(dst, 1);
            return dst;
        }
        let dst = self.allocate(ty);
        self.into(e, dst);
        dst
    }

    /// The value of `e`, owned, into the registers from `dst` on.
    pub(crate) fn into(&mut self, e: ExprId, dst: u16) {
        let ty = self.type_of(e);
        stacker::maybe_grow(64 << 10, 1 << 20, || {
            self.scoped(|f| f.value_into(e, ty, dst))
        });
        let count = self.slots(ty);
        self.registers.written(dst, count);
    }

    fn value_into(&mut self, e: ExprId, ty: Ty, dst: u16) {
        let e = self.c.ast.unparen(e);
        if let Some(&register) = self.hoisted.get(&e) {
            let count = self.slots(ty);
            return self.move_slots(register, dst, count);
        }
        if let Some(constant) = self.c.typed.constant(e) {
            return self.load_constant(&constant.clone(), ty, dst);
        }
        if self.type_and_value(e).mode == Mode::Nil {
            return self.zero(ty, dst);
        }
        if !self.bound_constants.is_empty()
            && let Some(slot) = self.integer_constant(e, ty)
        {
            return self.load_slot(slot as u64, dst);
        }
        if self.is_place(e) {
            let place = self.place(e);
            return self.load_into(place, ty, dst);
        }
        let e = self.c.uninstantiated(e);
        match *self.c.ast.expr(e) {
            Expr::Ident(_) => self.function_value(e, dst),
            Expr::FuncLit { .. } => self.closure_into(e, dst),
            Expr::CompositeLit { .. } => self.literal_into(e, ty, dst),
            Expr::Selector { name, .. } => match self.c.selection(e) {
                None => self.function_value(name, dst),
                Some(selection) => self.method_value(e, &selection, dst),
            },
            Expr::Index { operand, indices } => {
                self.note_unsigned(e, &[self.c.ast.list(indices).first().copied()]);
                let string = self.operand(operand);
                let index = self.c.ast.list(indices)[0];
                let index = self.operand(index);
                self.at(self.c.ast.range(e));
                self.emit(op::StringGet {
                    dst: Register(dst),
                    string: Pair(string),
                    index: Register(index),
                });
            }
            Expr::Slice {
                operand,
                low,
                high,
                max,
            } => self.slice_expression(e, operand, [low, high, max], dst),
            Expr::TypeAssert { operand, .. } => {
                self.assert_type(e, operand, ty, dst);
                if self.layout(ty).boxed() {
                    let id = self.c.descriptor(ty);
                    self.emit(op::Clone {
                        dst: Register(dst),
                        src: Register(dst),
                        ty: id,
                    });
                }
            }
            Expr::Call { .. } => self.call_into(e, ty, dst),
            Expr::Unary { op, operand } => self.unary(e, op, operand, ty, dst),
            Expr::Binary {
                op,
                op_pos,
                left,
                right,
            } => self.binary(e, op, op_pos, left, right, ty, dst),
            Expr::Bad
            | Expr::IntLit(_)
            | Expr::FloatLit(_)
            | Expr::ImaginaryLit(_)
            | Expr::RuneLit { .. }
            | Expr::StringLit { .. }
            | Expr::Paren(_)
            | Expr::Star(_)
            | Expr::KeyValue { .. }
            | Expr::SliceType { .. }
            | Expr::ArrayType { .. }
            | Expr::MapType { .. }
            | Expr::ChanType { .. }
            | Expr::FuncType { .. }
            | Expr::StructType { .. }
            | Expr::InterfaceType { .. } => panic!("checked programs have no such value"),
        }
    }

    /// A function's name as a value.
    fn function_value(&mut self, name: ExprId, dst: u16) {
        let Some(object) = self.c.typed.object_of(name) else {
            panic!("a checked name has an object")
        };
        let ObjectKind::Function {
            function: Some(function),
            ..
        } = self.c.typed.object(object).kind
        else {
            panic!("only functions are values without a place")
        };
        let environment = self.c.function_environment(function, name);
        let function = self.c.declared_id(function, environment);
        self.emit(op::LoadFunction {
            dst: Register(dst),
            function,
        });
    }

    /// Evaluates for the effect only.
    pub(crate) fn effect(&mut self, e: ExprId) {
        self.scoped(|f| {
            let e = f.c.ast.unparen(e);
            if f.c.typed.constant(e).is_some() || f.is_nil(e) || f.hoisted.contains_key(&e) {
                return;
            }
            match *f.c.ast.expr(e) {
                Expr::Call { .. } => f.call_statement(e),
                Expr::Unary {
                    op: UnaryOperator::Receive,
                    operand,
                } => f.receive(e, operand, None, None),
                _ => _ = f.operand(e),
            }
        });
    }

    // ---- with implicit conversion ----

    /// Whether a value of type `from` becomes one of type `to` by wrapping it into an interface.
    pub(crate) fn wraps(&self, from: Ty, to: Ty) -> bool {
        self.c.typed.types.is_interface(to) && !self.c.typed.types.is_interface(from)
    }

    /// `into` with the implicit conversion to `to`.
    pub(crate) fn convert_into(&mut self, e: ExprId, to: Ty, dst: u16) {
        let from = self.type_of(e);
        if self.is_nil(e) {
            self.zero(to, dst);
        } else if self.wraps(from, to) {
            self.at(self.c.ast.range(e));
            self.wrap(e, from, dst);
        } else if let Some(constant) = self.c.typed.constant(self.c.ast.unparen(e)) {
            // The constant's own type may be an untyped one.
            self.load_constant(&constant.clone(), to, dst);
        } else {
            return self.into(e, dst);
        }
        let count = self.slots(to);
        self.registers.written(dst, count);
    }

    /// `operand` with the implicit conversion to `to`.
    pub(crate) fn operand_as(&mut self, e: ExprId, to: Ty) -> u16 {
        let from = self.type_of(e);
        if self.is_nil(e) || self.wraps(from, to) || self.c.typed.types.is_untyped(from) {
            if let Some(register) = self
                .cached_constant(e)
                .filter(|_| !self.c.typed.types.is_interface(to))
            {
                return register;
            }
            let dst = self.allocate(to);
            self.convert_into(e, to, dst);
            return dst;
        }
        self.operand(e)
    }

    /// `operand_as` for who keeps the value: it is owned.
    pub(crate) fn owned_operand_as(&mut self, e: ExprId, to: Ty) -> u16 {
        if !self.layout(to).boxed() {
            return self.operand_as(e, to);
        }
        let dst = self.allocate(to);
        self.convert_into(e, to, dst);
        dst
    }

    /// Makes an interface of a value that is none.
    fn wrap(&mut self, e: ExprId, from: Ty, dst: u16) {
        self.scoped(|f| {
            let from = f.c.typed.types.default_type(from);
            let layout = f.layout(from);
            let src = if layout.boxed() {
                // The interface keeps the box.
                let src = f.allocate(from);
                f.convert_into(e, from, src);
                src
            } else {
                f.operand_as(e, from)
            };
            f.make_interface(from, src, dst);
        });
    }

    /// An interface of an owned value in registers.
    pub(crate) fn make_interface(&mut self, ty: Ty, src: u16, dst: u16) {
        let id = self.c.descriptor(ty);
        self.emit(op::MakeInterface {
            dst: Pair(dst),
            src: Run(src),
            ty: id,
        });
    }

    /// Converts an owned value in registers implicitly; the result is in `dst`, or where it was if nothing is to be done.
    pub(crate) fn convert_value(&mut self, src: u16, from: Ty, to: Ty, dst: u16) {
        if self.wraps(from, to) {
            self.make_interface(from, src, dst);
        } else {
            let count = self.slots(to);
            self.move_slots(src, dst, count);
        }
        let count = self.slots(to);
        self.registers.written(dst, count);
    }

    // ---- prefix operators ----

    fn unary(&mut self, e: ExprId, op: UnaryOperator, operand: ExprId, ty: Ty, dst: u16) {
        match op {
            UnaryOperator::Plus => self.into(operand, dst),
            UnaryOperator::Minus => {
                let a = Register(self.operand(operand));
                let dst = Register(dst);
                if self.c.typed.types.is_complex(ty) {
                    self.emit(op::NegFloat { dst, a });
                    self.emit(op::NegFloat {
                        dst: Register(dst.0 + 1),
                        a: Register(a.0 + 1),
                    });
                } else if self.c.typed.types.is_float(ty) {
                    self.emit(op::NegFloat { dst, a });
                } else {
                    self.emit(op::NegInt { dst, a });
                    self.wrap_integer(ty, dst.0);
                }
            }
            UnaryOperator::Not => {
                let a = Register(self.operand(operand));
                self.emit(op::NotBool {
                    dst: Register(dst),
                    a,
                });
            }
            UnaryOperator::Complement => self.complement(operand, ty, dst),
            UnaryOperator::Address => self.address_of(operand, ty, dst),
            UnaryOperator::Receive => self.receive(e, operand, Some(dst), None),
            UnaryOperator::Tilde => panic!("constraints are no values"),
        }
    }

    /// `&x`, `&T{...}`.
    fn address_of(&mut self, operand: ExprId, _pointer: Ty, dst: u16) {
        let operand = self.c.ast.unparen(operand);
        let ty = self.type_of(operand);
        if let Expr::CompositeLit { .. } = self.c.ast.expr(operand) {
            return self.literal_in_heap(operand, ty, dst);
        }
        let place = self.place(operand);
        self.at(self.c.ast.range(operand));
        self.address_into(place, ty, dst);
    }

    /// `<-c`, with `ok` wanted or not.
    pub(crate) fn receive(
        &mut self,
        e: ExprId,
        channel: ExprId,
        dst: Option<u16>,
        ok: Option<u16>,
    ) {
        let ty = self.type_of(channel);
        let channel = self.operand(channel);
        let id = self.c.descriptor(ty);
        self.at(self.c.ast.range(e));
        let dst = dst.map_or(NONE, OptionalRegister);
        match ok {
            None => {
                _ = self.emit(op::Receive {
                    dst,
                    channel: Register(channel),
                    ty: id,
                })
            }
            Some(ok) => {
                self.emit(op::ReceiveOk {
                    dst,
                    ok: Register(ok),
                    channel: Register(channel),
                    ty: id,
                });
            }
        }
    }

    // ---- slicing ----

    fn slice_expression(
        &mut self,
        e: ExprId,
        operand: ExprId,
        bounds: [Option<ExprId>; 3],
        dst: u16,
    ) {
        let ty = self.type_of(operand);
        let typed = self.c.typed;
        enum Of {
            String,
            Slice(Ty),
            Array {
                pointer: u16,
                element: Ty,
                length: i64,
            },
        }
        let mut source = 0;
        let of = match typed.types.underlying(ty) {
            Type::Slice(element) => {
                source = self.operand(operand);
                Of::Slice(*element)
            }
            Type::Array(element, length) => {
                let place = self.place(operand);
                let (pointer, offset) = self.address_parts(place, ty);
                Of::Array {
                    pointer: self.add_offset(pointer, offset),
                    element: *element,
                    length: *length,
                }
            }
            Type::Pointer(base) => {
                let Type::Array(element, length) = typed.types.underlying(*base) else {
                    panic!("only pointers to arrays are sliced")
                };
                Of::Array {
                    pointer: self.operand(operand),
                    element: *element,
                    length: *length,
                }
            }
            _ => {
                source = self.operand(operand);
                Of::String
            }
        };
        self.note_unsigned(e, &bounds);
        let mut bound = |bound: Option<ExprId>| match bound {
            Some(e) => OptionalRegister(self.operand_as(e, Ty::INT)),
            None => NONE,
        };
        let (low, high, max) = (bound(bounds[0]), bound(bounds[1]), bound(bounds[2]));
        self.at(self.c.ast.range(e));
        match of {
            Of::String => {
                _ = self.emit(op::SliceString {
                    dst: Pair(dst),
                    src: Pair(source),
                    low,
                    high,
                })
            }
            Of::Slice(element) => {
                let size = bytecode::Count32(self.layout(element).size);
                self.emit(op::SliceSlice {
                    dst: Pair(dst),
                    src: Pair(source),
                    low,
                    high,
                    max,
                    size,
                });
            }
            Of::Array {
                pointer,
                element,
                length,
            } => {
                let size = bytecode::Count32(self.layout(element).size);
                let length = bytecode::Count32(length as u32);
                self.emit(op::SliceArray {
                    dst: Pair(dst),
                    pointer: Register(pointer),
                    low,
                    high,
                    max,
                    length,
                    size,
                });
            }
        }
    }

    // ---- type assertions ----

    /// `x.(T)`; a boxed result is borrowed.
    fn assert_type(&mut self, e: ExprId, operand: ExprId, ty: Ty, dst: u16) {
        self.scoped(|f| {
            let from = f.type_of(operand);
            let src = Pair(f.operand(operand));
            let id = f.c.descriptor(ty);
            f.at(f.c.ast.range(e));
            if f.c.typed.types.is_interface(ty) {
                f.emit(op::AssertInterface {
                    dst: Pair(dst),
                    src,
                    ty: id,
                });
            } else {
                let from = f.c.descriptor(from);
                f.emit(op::AssertType {
                    dst: Run(dst),
                    src,
                    ty: id,
                    from,
                });
            }
        });
    }

    /// An expression that gives `value, ok`: both into registers (the value owned, and dropped if `None`).
    pub(crate) fn comma_ok(&mut self, e: ExprId, dst: Option<u16>, ok: u16) {
        let e = self.c.ast.unparen(e);
        let ty = self.type_of(e);
        let ty = self.c.tuple(ty)[0];
        self.scoped(|f| match *f.c.ast.expr(e) {
            Expr::Index { operand, indices } => {
                let map_type = f.type_of(operand);
                let Type::Map { key, .. } = *f.c.typed.types.underlying(map_type) else {
                    panic!("only maps give ok for an index")
                };
                let index = f.c.ast.list(indices)[0];
                f.hoist(&[operand, index]);
                let map = f.operand(operand);
                let key = f.operand_as(index, key);
                f.at(f.c.ast.range(e));
                let dst = match dst {
                    Some(dst) => dst,
                    None => f.allocate(ty),
                };
                f.map_get(map_type, map, key, dst, Some(ok));
            }
            Expr::TypeAssert { operand, .. } => {
                let src = Pair(f.operand(operand));
                let id = f.c.descriptor(ty);
                let dst = match dst {
                    Some(dst) => dst,
                    None => f.allocate(ty),
                };
                let ok = Register(ok);
                if f.c.typed.types.is_interface(ty) {
                    f.emit(op::AssertInterfaceOk {
                        dst: Pair(dst),
                        ok,
                        src,
                        ty: id,
                    });
                } else {
                    f.emit(op::AssertTypeOk {
                        dst: Run(dst),
                        ok,
                        src,
                        ty: id,
                    });
                    if f.layout(ty).boxed() {
                        f.emit(op::Clone {
                            dst: Register(dst),
                            src: Register(dst),
                            ty: id,
                        });
                    }
                }
            }
            Expr::Unary {
                op: UnaryOperator::Receive,
                operand,
            } => f.receive(e, operand, dst, Some(ok)),
            _ => panic!("no other expression gives ok"),
        });
        if let Some(dst) = dst {
            let count = self.slots(ty);
            self.registers.written(dst, count);
        }
    }

    /// A function literal's number.
    pub(crate) fn literal_id(&mut self, e: ExprId) -> bytecode::FunctionId {
        if !self.c.literal_names.contains_key(&e) {
            let name = self.literal_name();
            self.c.literal_names.insert(e, name);
        }
        self.c
            .function_id(FunctionKey::Literal(e, self.c.environment))
    }

    /// Registers for a pair that begins with a reference.
    pub(crate) fn pair(&mut self) -> u16 {
        self.registers.allocate(&[SlotKind::Ref, SlotKind::Scalar])
    }

    /// The place of an expression and its type.
    pub(crate) fn typed_place(&mut self, e: ExprId) -> (Place, Ty) {
        let ty = self.type_of(e);
        (self.place(e), ty)
    }
}
