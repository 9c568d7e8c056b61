//! The builtin functions.
//!
//! `print` and `println` call natives of package `runtime`, one per kind of value, that write to standard error:
//! `runtime.printbool(bool)`, `runtime.printint(int64)`, `runtime.printuint(uint64)`, `runtime.printfloat(float64)`, `runtime.printfloat32(float32)`,
//! `runtime.printcomplex(real, imaginary float64)`, `runtime.printcomplex64(real, imaginary float32)`,
//! `runtime.printstring(string)`, `runtime.printpointer(unsafe address as uintptr)` (pointers, maps, channels, funcs),
//! `runtime.printslice(length, capacity int, address uintptr)`, `runtime.printinterface(type, data uintptr)`, `runtime.printsp()`, `runtime.printnl()`. They need no declaration in a `.gl` file to be called from here, only a
//! row among the natives.

use bytecode::{
    Count, Imm32, Jump16, NativeId, NativeReference, OptionalRegister, Pair, Register, Run,
    SlotKind, Window, op,
};
use checker::typed::{Mode, ObjectKind};
use checker::types::{BasicKind, Type, TypeId as Ty};
use checker::universe::Builtin;
use parser::ast::ExprId;

use crate::function::FunctionCompiler;
use crate::package::Compiler;
use crate::places::NONE;
use crate::type_descriptors::Access;
use crate::walk::Panics;

/// An argument of a builtin.
#[derive(Clone, Copy)]
enum Given {
    Expression(ExprId),
    /// One of the values of a call that gives all arguments: its registers and type.
    Value(u16, Ty),
}

impl FunctionCompiler<'_, '_> {
    /// The arguments of a builtin; `f(g())` takes the several values of `g()`.
    fn given(&mut self, args: &[ExprId]) -> Vec<Given> {
        if let [single] = args
            && let Type::Tuple(_) = self.c.typed.types.get(self.type_of(*single))
        {
            let values = self.several_values(*single, 0).into_iter();
            return values
                .map(|(register, ty)| Given::Value(register, ty))
                .collect();
        }
        args.iter().map(|&e| Given::Expression(e)).collect()
    }

    fn given_type(&self, argument: Given) -> Ty {
        match argument {
            Given::Expression(e) => self.type_of(e),
            Given::Value(_, ty) => ty,
        }
    }

    /// `operand_as` for an argument.
    fn given_operand(&mut self, argument: Given, to: Ty) -> u16 {
        match argument {
            Given::Expression(e) => self.operand_as(e, to),
            Given::Value(register, from) if self.wraps(from, to) => {
                let dst = self.allocate(to);
                self.convert_value(register, from, to, dst);
                dst
            }
            Given::Value(register, _) => register,
        }
    }

    /// Which builtin a name stands for.
    pub(crate) fn builtin_of(&self, callee: ExprId) -> Builtin {
        let object = self
            .c
            .typed
            .object_of(callee)
            .map(|object| &self.c.typed.object(object).kind);
        match object {
            Some(ObjectKind::Builtin(builtin)) => *builtin,
            _ => panic!("a builtin's name has its object"),
        }
    }

    /// Calls a builtin; its value, if it has one, goes to `dst` unless that is `None`.
    pub(crate) fn builtin(
        &mut self,
        e: ExprId,
        callee: ExprId,
        args: &[ExprId],
        spread: bool,
        dst: Option<u16>,
    ) {
        let range = self.c.ast.range(e);
        self.hoist(args);
        let ty = self.type_of(e);
        // A value nobody wants still has to be computed.
        let result = |f: &mut Self, ty: Ty| dst.unwrap_or_else(|| f.allocate(ty));
        match self.builtin_of(callee) {
            Builtin::Append => {
                let dst = result(self, ty);
                self.append(e, args, spread, ty, dst);
            }
            Builtin::Cap | Builtin::Len => {
                let dst = result(self, Ty::INT);
                self.length(args[0], self.builtin_of(callee) == Builtin::Cap, dst);
            }
            Builtin::Clear => {
                let ty = self.type_of(args[0]);
                let id = self.c.descriptor(ty);
                let value = self.operand(args[0]);
                self.at(range);
                if let Type::Map { .. } = self.c.typed.types.underlying(ty) {
                    self.emit(op::MapClear {
                        map: Register(value),
                        ty: id,
                    });
                } else {
                    self.emit(op::ClearSlice {
                        slice: Pair(value),
                        ty: id,
                    });
                }
            }
            Builtin::Close => {
                let channel = Register(self.operand(args[0]));
                self.at(range);
                self.emit(op::CloseChannel { channel });
            }
            Builtin::Copy => {
                let dst = Register(result(self, Ty::INT));
                let args = self.given(args);
                let ty = self.given_type(args[0]);
                let a = Pair(self.given_operand(args[0], ty));
                let b_type = self.given_type(args[1]);
                let b = Pair(self.given_operand(
                    args[1],
                    if self.c.typed.types.is_string(b_type) {
                        Ty::STRING
                    } else {
                        b_type
                    },
                ));
                self.at(range);
                if self.c.typed.types.is_string(b_type) {
                    self.emit(op::CopyString { dst, a, b });
                } else {
                    let ty = self.c.descriptor(ty);
                    self.emit(op::CopySlice { dst, a, b, ty });
                }
            }
            Builtin::Delete => {
                let args = self.given(args);
                let ty = self.given_type(args[0]);
                let Type::Map { key, .. } = *self.c.typed.types.underlying(ty) else {
                    panic!("only maps delete")
                };
                let id = self.c.descriptor(ty);
                let map = Register(self.given_operand(args[0], ty));
                let key = Run(self.given_operand(args[1], key));
                self.at(range);
                self.emit(op::MapDelete { map, key, ty: id });
            }
            Builtin::Make => {
                let dst = result(self, ty);
                self.make(e, ty, &args[1..], dst);
            }
            Builtin::Max => self.extreme(args, ty, true, dst),
            Builtin::Min => self.extreme(args, ty, false, dst),
            Builtin::New => {
                let dst = result(self, ty);
                let Some(base) = self.c.typed.types.as_pointer(ty) else {
                    panic!("new gives a pointer")
                };
                let id = self.c.descriptor(base);
                self.at(range);
                if self.type_and_value(args[0]).mode == Mode::Type {
                    self.emit(op::New {
                        dst: Register(dst),
                        ty: id,
                    });
                } else {
                    self.scoped(|f| {
                        let value = f.operand_as(args[0], base);
                        let cell = f.reference();
                        f.emit(op::New {
                            dst: Register(cell),
                            ty: id,
                        });
                        f.registers.written(cell, 1);
                        f.store_memory(base, value, cell, 0);
                        f.move_slots(cell, dst, 1);
                    });
                }
            }
            Builtin::Panic => {
                let value = Pair(self.operand_as(args[0], Ty::EMPTY_INTERFACE));
                self.at(range);
                self.emit(op::Panic { value });
            }
            Builtin::Print => self.print(args, false),
            Builtin::Println => self.print(args, true),
            Builtin::Recover => {
                let dst = result(self, Ty::EMPTY_INTERFACE);
                self.emit(op::Recover { dst: Pair(dst) });
            }
            Builtin::Complex => {
                let dst = result(self, ty);
                let part = if self.c.typed.types.basic(ty) == Some(BasicKind::Complex64) {
                    Ty::FLOAT32
                } else {
                    Ty::FLOAT64
                };
                let args = self.given(args);
                let real = self.given_operand(args[0], part);
                let imaginary = self.given_operand(args[1], part);
                if imaginary == dst {
                    // complex(imag(z), real(z)) into z itself.
                    let kept = self.scalar();
                    self.move_slots(imaginary, kept, 1);
                    self.move_slots(real, dst, 1);
                    self.move_slots(kept, dst + 1, 1);
                } else {
                    self.move_slots(real, dst, 1);
                    self.move_slots(imaginary, dst + 1, 1);
                }
            }
            builtin @ (Builtin::Imag | Builtin::Real) => {
                let dst = result(self, ty);
                let argument = self.given(args)[0];
                let from = self.given_type(argument);
                let value = self.given_operand(argument, from);
                let part = u16::from(builtin == Builtin::Imag);
                self.move_slots(value + part, dst, 1);
            }
        }
    }

    /// Calls among the arguments of `append` have their turn; then what is appended is evaluated before the slice is loaded, which shows if
    /// both panic.
    ///
    /// GO: cmd/compile/internal/walk/builtin.go `walkAppend`.
    fn append_operands(&mut self, given: &[Given]) {
        let may_panic = |f: &Self, given: &Given| match *given {
            Given::Expression(e) => {
                let e = f.c.ast.unparen(e);
                !f.c.is_call(e) && !f.hoisted.contains_key(&e) && f.c.panics(e) != Panics::Never
            }
            Given::Value(..) => false,
        };
        if !may_panic(self, &given[0]) || !given[1..].iter().any(|given| may_panic(self, given)) {
            return;
        }
        for argument in given {
            if let Given::Expression(e) = *argument {
                self.hoist_all(e);
            }
        }
        for argument in &given[1..] {
            if may_panic(self, argument)
                && let Given::Expression(e) = *argument
            {
                self.evaluate_now(e);
            }
        }
    }

    fn append(&mut self, e: ExprId, args: &[ExprId], spread: bool, ty: Ty, dst: u16) {
        let Type::Slice(element) = *self.c.typed.types.underlying(ty) else {
            panic!("append makes slices")
        };
        let id = self.c.descriptor(ty);
        let range = self.c.ast.range(e);
        let given = self.given(args);
        self.append_operands(&given);
        let slice = Pair(self.given_operand(given[0], ty));
        if spread {
            let from = self.type_of(args[1]);
            if self.is_nil(args[1]) {
                return self.move_slots(slice.0, dst, 2);
            }
            let is_string = self.c.typed.types.is_string(from);
            let b = Pair(self.operand_as(args[1], if is_string { Ty::STRING } else { from }));
            self.at(range);
            if is_string {
                self.emit(op::AppendString {
                    dst: Pair(dst),
                    a: slice,
                    b,
                    ty: id,
                });
            } else {
                self.emit(op::AppendSlice {
                    dst: Pair(dst),
                    a: slice,
                    b,
                    ty: id,
                });
            }
            return;
        }
        let values: Vec<u16> = given[1..]
            .iter()
            .map(|&value| self.given_operand(value, element))
            .collect();
        self.at(range);
        let access = self.layout(element).access;
        if values.is_empty() {
            return self.move_slots(slice.0, dst, 2);
        }
        // With several values an early write to `dst` could change a later one.
        let target = if values.len() == 1 || self.registers.is_fresh(dst) {
            dst
        } else {
            self.pair()
        };
        let mut slice = slice;
        if values.len() > 1 {
            self.emit(op::AppendReserve {
                dst: Pair(target),
                slice,
                count: Count(values.len() as u16),
                ty: id,
            });
            self.registers.written(target, 2);
            slice = Pair(target);
        }
        for value in values {
            let d = Pair(target);
            match access {
                Access::Word => {
                    _ = self.emit(op::AppendWord {
                        dst: d,
                        slice,
                        src: Register(value),
                        ty: id,
                    })
                }
                Access::Int8 | Access::Uint8 => {
                    self.emit(op::Append8 {
                        dst: d,
                        slice,
                        src: Register(value),
                        ty: id,
                    });
                }
                _ => {
                    _ = self.emit(op::Append {
                        dst: d,
                        slice,
                        src: Run(value),
                        ty: id,
                    })
                }
            }
            slice = d;
        }
        self.move_slots(target, dst, 2);
    }

    fn length(&mut self, argument: ExprId, capacity: bool, dst: u16) {
        let ty = self.type_of(argument);
        let typed = self.c.typed;
        let d = Register(dst);
        match typed.types.underlying(ty) {
            Type::Slice(_) => {
                let header = Register(self.operand(argument) + 1);
                if capacity {
                    self.emit(op::Cap { dst: d, header })
                } else {
                    self.emit(op::Len { dst: d, header })
                };
            }
            Type::Map { .. } => {
                let map = Register(self.operand(argument));
                self.emit(op::MapLen { dst: d, map });
            }
            Type::Chan { .. } => {
                let channel = Register(self.operand(argument));
                if capacity {
                    self.emit(op::ChannelCap { dst: d, channel });
                } else {
                    self.emit(op::ChannelLen { dst: d, channel });
                }
            }
            Type::Array(_, length) => {
                let length = *length as u64;
                self.effect(argument);
                self.load_slot(length, dst);
            }
            Type::Pointer(base) => {
                let length = match typed.types.underlying(*base) {
                    Type::Array(_, length) => *length as u64,
                    _ => 0,
                };
                self.effect(argument);
                self.load_slot(length, dst);
            }
            _ => {
                let string = self.operand_as(argument, Ty::STRING);
                self.move_slots(string + 1, dst, 1);
            }
        }
    }

    fn make(&mut self, e: ExprId, ty: Ty, sizes: &[ExprId], dst: u16) {
        let id = self.c.descriptor(ty);
        let registers: Vec<u16> = sizes
            .iter()
            .map(|&size| {
                let from = self.type_of(size);
                let to = if self.c.typed.types.is_integer(from) {
                    from
                } else {
                    Ty::INT
                };
                self.operand_as(size, to)
            })
            .collect();
        self.at(self.c.ast.range(e));
        let optional = |index: usize| {
            registers
                .get(index)
                .map_or(NONE, |&register| OptionalRegister(register))
        };
        match self.c.typed.types.underlying(ty) {
            Type::Map { .. } => {
                _ = self.emit(op::MakeMap {
                    dst: Register(dst),
                    hint: optional(0),
                    ty: id,
                })
            }
            Type::Chan { .. } => {
                self.emit(op::MakeChannel {
                    dst: Register(dst),
                    size: optional(0),
                    ty: id,
                });
            }
            _ => {
                let length = Register(registers[0]);
                self.emit(op::MakeSlice {
                    dst: Pair(dst),
                    length,
                    capacity: optional(1),
                    ty: id,
                });
            }
        }
    }

    fn extreme(&mut self, args: &[ExprId], ty: Ty, largest: bool, dst: Option<u16>) {
        let result = match dst {
            Some(dst) if self.registers.is_fresh(dst) => dst,
            _ => self.allocate(ty),
        };
        let count = self.slots(ty);
        let kind = self.c.typed.types.basic(ty).unwrap_or(BasicKind::Int);
        let args = self.given(args);
        match args[0] {
            Given::Expression(e) => self.convert_into(e, ty, result),
            Given::Value(register, from) => self.convert_value(register, from, ty, result),
        }
        for &argument in &args[1..] {
            self.scoped(|f| {
                let b = f.given_operand(argument, ty);
                let d = Register(result);
                if kind.is_float() {
                    let (a, b) = (d, Register(b));
                    if largest {
                        f.emit(op::MaxFloat { dst: d, a, b })
                    } else {
                        f.emit(op::MinFloat { dst: d, a, b })
                    };
                    return;
                }
                let keep = f.asm.new_label();
                // Keeps the first when they are equal.
                let (low, high) = if largest { (b, result) } else { (result, b) };
                if kind.is_string() {
                    let flag = f.scalar();
                    f.emit(op::LeString {
                        dst: Register(flag),
                        a: Pair(low),
                        b: Pair(high),
                    });
                    f.jump_if(flag, true, keep);
                } else if kind.is_unsigned() {
                    f.emit_jump(
                        op::JumpIfLeUint {
                            a: Register(low),
                            b: Register(high),
                            to: Jump16(0),
                        },
                        keep,
                    );
                } else {
                    f.emit_jump(
                        op::JumpIfLeInt {
                            a: Register(low),
                            b: Register(high),
                            to: Jump16(0),
                        },
                        keep,
                    );
                }
                f.move_slots(b, result, count);
                f.asm.bind(keep);
            });
        }
        if let Some(dst) = dst {
            self.move_slots(result, dst, count);
        }
    }

    // ---- print ----

    fn print(&mut self, args: &[ExprId], line: bool) {
        let values: Vec<(u16, Ty)> = self
            .given(args)
            .into_iter()
            .map(|argument| {
                let ty = self.c.typed.types.default_type(self.given_type(argument));
                (self.given_operand(argument, ty), ty)
            })
            .collect();
        for (index, &(value, ty)) in values.iter().enumerate() {
            if line && index > 0 {
                self.print_native("printsp", &[]);
            }
            let kind = self.c.typed.types.basic(ty);
            match kind {
                Some(kind) if kind.is_boolean() => {
                    self.print_native("printbool", &[(value, Ty::BOOL)])
                }
                Some(kind) if kind.is_string() => {
                    self.print_native("printstring", &[(value, Ty::STRING)])
                }
                Some(BasicKind::Float32) => {
                    self.print_native("printfloat32", &[(value, Ty::FLOAT32)])
                }
                Some(BasicKind::Complex64) => self.print_native(
                    "printcomplex64",
                    &[(value, Ty::FLOAT32), (value + 1, Ty::FLOAT32)],
                ),
                Some(kind) if kind.is_complex() => self.print_native(
                    "printcomplex",
                    &[(value, Ty::FLOAT64), (value + 1, Ty::FLOAT64)],
                ),
                Some(kind) if kind.is_float() => {
                    self.print_native("printfloat", &[(value, Ty::FLOAT64)])
                }
                Some(kind) if kind.is_unsigned() => {
                    self.print_native("printuint", &[(value, Ty::UINT64)])
                }
                Some(_) => self.print_native("printint", &[(value, Ty::INT64)]),
                None => match self.c.typed.types.underlying(ty) {
                    Type::Interface(_) => self.print_native(
                        "printinterface",
                        &[(value, Ty::UINTPTR), (value + 1, Ty::UINTPTR)],
                    ),
                    Type::Slice(_) => self.print_slice(value),
                    _ => self.print_native("printpointer", &[(value, Ty::UINTPTR)]),
                },
            }
        }
        if line {
            self.print_native("printnl", &[]);
        }
    }

    fn print_slice(&mut self, slice: u16) {
        self.scoped(|f| {
            let (length, capacity) = (f.scalar(), f.scalar());
            let header = Register(slice + 1);
            f.emit(op::Len {
                dst: Register(length),
                header,
            });
            f.registers.written(length, 1);
            f.emit(op::Cap {
                dst: Register(capacity),
                header,
            });
            f.registers.written(capacity, 1);
            f.print_native(
                "printslice",
                &[(length, Ty::INT), (capacity, Ty::INT), (slice, Ty::UINTPTR)],
            );
        });
    }

    fn print_native(&mut self, name: &str, arguments: &[(u16, Ty)]) {
        let parameters: Vec<Ty> = arguments.iter().map(|&(_, ty)| ty).collect();
        let native = self.c.runtime_native(name, &parameters);
        self.scoped(|f| {
            let window = f.window();
            f.registers.allocate(&[]);
            for &(value, ty) in arguments {
                let dst = f.allocate(ty);
                let count = f.slots(ty);
                f.move_slots(value, dst, count);
                f.registers.written(dst, count);
            }
            f.registers.reach(window as usize + 1);
            f.emit(op::CallNative {
                window: Window(window),
                native,
            });
        });
    }

    /// An integer constant in a fresh register.
    pub(crate) fn integer(&mut self, value: i32) -> u16 {
        let register = self.registers.allocate(&[SlotKind::Scalar]);
        self.emit(op::LoadInt {
            dst: Register(register),
            value: Imm32(value),
        });
        self.registers.written(register, 1);
        register
    }
}

impl Compiler<'_> {
    /// A native of package `runtime` that only the compiler calls.
    fn runtime_native(&mut self, name: &str, parameters: &[Ty]) -> NativeId {
        let parameter_kinds = self.kinds(parameters);
        let reference = NativeReference {
            name: format!("runtime.{name}"),
            parameters: parameters.iter().map(|&ty| self.descriptor(ty)).collect(),
            results: Vec::new(),
            parameter_slots: parameter_kinds.len() as u16,
            parameter_kinds,
        };
        self.native_reference(reference)
    }
}
