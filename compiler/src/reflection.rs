//! What programs with package `reflect` have more: pointer types with their methods, exported methods that only reflection can
//! reach, and the functions behind `reflect.MakeFunc`.
//!
//! A program that does not import the package, not even through others, pays for none of it. Exported methods are compiled when the
//! program asks for methods by reflection (the checker says so, [`checker::TypedProgram::reflects_methods`]), as in Go's
//! linker; else there is only their number.
//!
//! `reflect.MakeFunc` must give a func value that compiled code can call. For each function type of the program there is a function
//! that captures a `func([]any) []any`: it hands its arguments to that and returns what it gives
//! ([`bytecode::Reflection::made`]).

use bytecode::{Count, Function, Pair, Reflection, Register, Run, SlotKind, TypeKind, Window, op};
use checker::types::{Type, TypeId as Ty};

use crate::function::{FunctionCompiler, Shape};
use crate::package::{Compiler, FunctionKey};

/// The native behind `reflect.MakeFunc`: who asks for it needs the functions of [`FunctionCompiler::made`].
const MAKER: &str = "reflect.makeFunction";

impl Compiler<'_> {
    /// Adds what reflection can reach from the descriptors that there are; returns whether that was anything.
    pub(crate) fn complete_reflection(&mut self) -> bool {
        if !self.reflects {
            return false;
        }
        let before = (self.types.descriptors.len(), self.work.len());
        for index in self.reflected..self.types.descriptors.len() {
            let Some(ty) = self.types.origins[index] else {
                continue;
            };
            let types = &self.typed.types;
            if !types.is_interface(ty) && types.as_pointer(ty).is_none() {
                let pointer = types.canonical(types.pointer(ty));
                if !self.method_set(pointer).is_empty() {
                    self.descriptor(pointer);
                }
            }
        }
        self.reflected = self.types.descriptors.len();
        if self.typed.reflects_methods {
            for selector in self.method_types.len()..self.selector_signatures.len() {
                let signature = self.selector_signatures[selector];
                let ty = self.descriptor(signature);
                self.method_types.push(Some(ty));
            }
        }
        if self.has_native(MAKER) {
            for index in self.made_for..self.types.descriptors.len() {
                if let Some(ty) = self.types.origins[index]
                    && self.typed.types.as_signature(ty).is_some()
                {
                    self.function_id(FunctionKey::Made(ty));
                }
            }
            self.made_for = self.types.descriptors.len();
        }
        before != (self.types.descriptors.len(), self.work.len())
    }

    /// What the program says for reflection.
    pub(crate) fn reflection(&mut self) -> Option<Reflection> {
        if !self.reflects {
            return None;
        }
        let mut reflection = Reflection {
            hidden: self.types.hidden(),
            method_types: self.method_types.clone(),
            ..Reflection::default()
        };
        for index in 0..self.types.descriptors.len() {
            let id = bytecode::TypeId(index as u32);
            let Some(ty) = self.types.origins[index] else {
                continue;
            };
            if !self.typed.types.is_interface(ty) {
                let exported = self.method_set(ty);
                let count = exported.iter().filter(|m| m.package.is_none()).count();
                if count > 0 {
                    reflection.exported_methods.push((id, count as u32));
                }
            }
            if let Type::Struct(fields) = self.typed.types.underlying(ty)
                && let Some(package) = fields.iter().find_map(|field| field.package)
            {
                let path = self.typed.package(package).path.clone();
                reflection.field_packages.push((id, path));
            }
            if let TypeKind::Function { .. } = self.types.descriptors[index].kind
                && let Some(function) = self.known_function(&FunctionKey::Made(ty))
            {
                reflection.made.push((id, function));
            }
        }
        Some(reflection)
    }
}

impl FunctionCompiler<'_, '_> {
    /// The function behind `reflect.MakeFunc` of a function type. See the module's text.
    pub(crate) fn made(&mut self, ty: Ty) -> Function {
        self.name = "reflect.makeFuncStub".to_owned();
        let (parameters, results) = self.c.signature_types(ty);
        let mut shape = Shape {
            wrapper: true,
            results: self.c.kinds(&results),
            captures: vec![SlotKind::Ref],
            ..Shape::default()
        };
        let arguments = self.parameters(&parameters, &mut shape);
        let function = self.reference();
        self.emit(op::LoadCapture {
            dst: Run(function),
            index: Count(0),
            count: Count(1),
        });
        self.registers.declare(function, 1);
        let window = self.window();
        let packed = self.registers.allocate(&[SlotKind::Ref, SlotKind::Scalar]);
        self.slice_of_values(&arguments, Ty::EMPTY_INTERFACE, packed);
        self.registers.written(packed, 2);
        self.registers.reach(window as usize + 2);
        self.emit_call(
            op::CallClosure {
                window: Window(window),
                closure: Register(function),
            },
            window,
        );
        // The slice of results, whose length package reflect has seen to.
        let pointer = window;
        self.registers.written(pointer, 1);
        let kinds = self.c.kinds(&results);
        let first = self.registers.allocate(&kinds);
        let mut dst = first;
        for (index, &ty) in results.iter().enumerate() {
            let count = self.slots(ty);
            self.scoped(|f| {
                let any = f.allocate(Ty::EMPTY_INTERFACE);
                f.load_memory_owned(Ty::EMPTY_INTERFACE, pointer, index as u32 * 16, any);
                f.registers.written(any, 2);
                if f.c.typed.types.is_interface(ty) {
                    f.move_slots(any, dst, 2);
                    return;
                }
                let id = f.c.descriptor(ty);
                f.emit(op::Unpack {
                    dst: Run(dst),
                    src: Pair(any),
                    ty: id,
                });
                if f.layout(ty).boxed() {
                    f.emit(op::Clone {
                        dst: Register(dst),
                        src: Register(dst),
                        ty: id,
                    });
                }
            });
            self.registers.written(dst, count);
            dst += count as u16;
        }
        match kinds.len() {
            0 => _ = self.emit(op::Return {}),
            1 => {
                _ = self.emit(op::ReturnOne {
                    src: Register(first),
                })
            }
            count => {
                _ = self.emit(op::ReturnRun {
                    src: Run(first),
                    count: Count(count as u16),
                })
            }
        }
        self.finish(shape)
    }
}
