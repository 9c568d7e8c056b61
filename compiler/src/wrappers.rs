//! Functions that no source text declares: around natives, for method values and promoted methods, and the entry.

use bytecode::{
    Count, Function, FunctionId, NativeId, Pair, Register, Run, Selector, SlotKind, Window, op,
};
use checker::typed::{Embedding, FunctionId as DeclaredId, Initializer, Selection, SelectionKind};
use checker::types::{ObjectId, PackageId, TypeId as Ty};
use parser::ast::{Expr, ExprId};

use crate::function::{FunctionCompiler, Shape};
use crate::instances::EnvironmentId;
use crate::package::{FunctionKey, SelectedKey};
use crate::places::Place;

/// Package and name of a named type as it is printed. Type arguments have packages, too.
fn split_package(name: &str) -> (&str, &str) {
    let arguments = name.find('[').unwrap_or(name.len());
    match name[..arguments].rfind('.') {
        Some(point) => (&name[..point], &name[point + 1..]),
        None => ("main", name),
    }
}

/// Where the values of one parameter are.
pub(crate) type Argument = (u16, Ty);

impl FunctionCompiler<'_, '_> {
    /// Parameters in registers from the next one on.
    pub(crate) fn parameters(&mut self, types: &[Ty], shape: &mut Shape) -> Vec<Argument> {
        let mut out = Vec::new();
        for &ty in types {
            let kinds = self.layout(ty).slots.clone();
            let register = self.registers.allocate(&kinds);
            self.registers.declare(register, kinds.len());
            shape.parameters.extend(kinds);
            out.push((register, ty));
        }
        out
    }

    /// Passes arguments on and returns what comes back.
    fn forward(
        &mut self,
        arguments: &[Argument],
        results: &[Ty],
        receiver: impl FnOnce(&mut Self),
        call: impl FnOnce(&mut Self, u16),
    ) {
        let window = self.window();
        receiver(self);
        for &(register, ty) in arguments {
            let dst = self.allocate(ty);
            let count = self.slots(ty);
            self.move_slots(register, dst, count);
            self.registers.written(dst, count);
        }
        let kinds = self.c.kinds(results);
        self.registers.reach(window as usize + kinds.len().max(1));
        call(self, window);
        match kinds.len() {
            0 => _ = self.emit(op::Return {}),
            1 => {
                _ = self.emit(op::ReturnOne {
                    src: Register(window),
                })
            }
            count => {
                _ = self.emit(op::ReturnRun {
                    src: Run(window),
                    count: Count(count as u16),
                })
            }
        }
    }

    fn call_native(&mut self, window: u16, native: NativeId) {
        self.emit(op::CallNative {
            window: Window(window),
            native,
        });
    }

    /// A native function as a value.
    pub(crate) fn native_wrapper(&mut self, id: DeclaredId) -> Function {
        let (parameters, results) = self.c.declared_types(id, EnvironmentId::EMPTY);
        let mut shape = Shape {
            wrapper: true,
            results: self.c.kinds(&results),
            ..Shape::default()
        };
        let native = self.c.native(id);
        let arguments = self.parameters(&parameters, &mut shape);
        self.forward(
            &arguments,
            &results,
            |_| {},
            |f, window| f.call_native(window, native),
        );
        self.finish(shape)
    }

    fn selected_signature(&self, selected: SelectedKey) -> (Vec<Ty>, Vec<Ty>) {
        match selected {
            SelectedKey::Method(object, environment) => {
                let signature = self.c.typed.object(object).typ;
                let signature = self.c.substituted_in(environment, signature);
                self.c.signature_types(signature)
            }
            SelectedKey::InterfaceMethod { interface, index } => {
                let signature = self
                    .c
                    .typed
                    .types
                    .as_interface(interface)
                    .map(|i| i.methods[index as usize].signature);
                signature.map_or_else(Default::default, |signature| {
                    self.c.signature_types(signature)
                })
            }
        }
    }

    fn selected_name(&self, selected: SelectedKey) -> String {
        let name = match selected {
            SelectedKey::Method(object, _) => self.c.typed.object(object).name,
            SelectedKey::InterfaceMethod { interface, index } => {
                match self.c.typed.types.as_interface(interface) {
                    Some(interface) => interface.methods[index as usize].name,
                    None => parser::ast::Symbol::EMPTY,
                }
            }
        };
        self.c.names.text(name).to_owned()
    }

    /// Calls a declared method, its receiver and arguments being in the window.
    fn call_method(&mut self, method: ObjectId, environment: EnvironmentId, window: u16) {
        let Some(id) = self.c.typed.object(method).function() else {
            panic!("a method is declared")
        };
        if self.c.typed.function(id).body.is_none() {
            let native = self.c.native(id);
            self.call_native(window, native);
        } else {
            let function = self.c.declared_id(id, environment);
            self.emit_call(
                op::Call {
                    window: Window(window),
                    function,
                },
                window,
            );
        }
    }

    /// A nil pointer is no receiver of a method of its base type. GO: runtime.panicwrap
    fn check_receiver(&mut self, place: Place, ty: Ty, method: ObjectId) {
        let typed = self.c.typed;
        if typed.has_pointer_receiver(method) || !typed.dereference(ty).1 {
            return;
        }
        let name = typed.run_time_type_string(self.c.names, typed.dereference(ty).0);
        let base = split_package(&name).1;
        let method = self.c.names.text(typed.object(method).name);
        let text = format!("value method {name}.{method} called using nil *{base} pointer");
        let (ty_error, value) = (self.c.plain_error(), self.c.string(text.as_bytes()));
        let fine = self.asm.new_label();
        self.scoped(|f| {
            let pointer = f.load_operand(place, ty);
            f.jump_if(pointer, true, fine);
            let (text, panic) = (f.pair(), f.allocate(Ty::EMPTY_INTERFACE));
            f.emit(op::LoadString {
                dst: Pair(text),
                value,
            });
            f.registers.written(text, 2);
            f.emit(op::MakeInterface {
                dst: Pair(panic),
                src: Run(text),
                ty: ty_error,
            });
            f.registers.written(panic, 2);
            f.emit(op::Panic { value: Pair(panic) });
            f.asm.bind(fine);
        });
    }

    /// Calls what is selected from a value of type `ty` at `place`.
    fn forward_selected(
        &mut self,
        place: Place,
        ty: Ty,
        selected: SelectedKey,
        arguments: &[Argument],
        results: &[Ty],
    ) {
        match selected {
            SelectedKey::Method(method, environment) => {
                let wanted = self.c.receiver_type(method, environment).unwrap_or(ty);
                self.forward(
                    arguments,
                    results,
                    |f| {
                        let dst = f.allocate(wanted);
                        f.scoped(|f| f.receiver_from(place, ty, method, wanted, dst));
                        let count = f.slots(wanted);
                        f.registers.written(dst, count);
                    },
                    |f, window| f.call_method(method, environment, window),
                );
            }
            SelectedKey::InterfaceMethod { interface, index } => {
                let receiver = self.load_operand(place, ty);
                let selector = Selector(self.interface_selector(interface, index) as u16);
                self.forward(
                    arguments,
                    results,
                    |f| _ = f.registers.allocate(&[SlotKind::Scalar]),
                    |f, window| {
                        let window_operand = Window(window);
                        f.emit_call(
                            op::CallInterface {
                                window: window_operand,
                                receiver: Pair(receiver),
                                selector,
                            },
                            window,
                        );
                    },
                );
            }
        }
    }

    /// A method reached from a value of a type: as a method expression, or (`data`) from an interface's data slot.
    pub(crate) fn promoted(
        &mut self,
        receiver: Ty,
        path: &[u32],
        selected: SelectedKey,
        data: bool,
    ) -> Function {
        let name = self.c.typed.run_time_type_string(self.c.names, receiver);
        self.name = match name.strip_prefix('*') {
            Some(base) => {
                let (package, base) = split_package(base);
                format!("{package}.(*{base}).{}", self.selected_name(selected))
            }
            None => format!("{name}.{}", self.selected_name(selected)),
        };
        let (parameters, results) = self.selected_signature(selected);
        let mut shape = Shape {
            wrapper: true,
            results: self.c.kinds(&results),
            ..Shape::default()
        };
        let layout = self.layout(receiver);
        let place = if data {
            let by_reference = layout.boxed() || layout.slots.len() > 1;
            let kind = match layout.slots.as_slice() {
                [one] => *one,
                [] => SlotKind::Scalar,
                _ => SlotKind::Ref,
            };
            let register = self.registers.allocate(&[kind]);
            self.registers.declare(register, 1);
            shape.parameters.push(kind);
            if by_reference {
                Place::Memory {
                    pointer: register,
                    offset: 0,
                }
            } else {
                Place::Registers(register)
            }
        } else {
            Place::Registers(self.parameters(&[receiver], &mut shape)[0].0)
        };
        let arguments = self.parameters(&parameters, &mut shape);
        if let SelectedKey::Method(method, _) = selected
            && path.is_empty()
        {
            self.check_receiver(place, receiver, method);
        }
        let (place, ty) = self.walk_path(place, receiver, path);
        self.forward_selected(place, ty, selected, &arguments, &results);
        self.finish(shape)
    }

    /// A method value: the receiver, as the method wants it, is captured.
    pub(crate) fn bound(&mut self, selected: SelectedKey) -> Function {
        self.name = format!("{}-fm", self.selected_name(selected));
        let (parameters, results) = self.selected_signature(selected);
        let mut shape = Shape {
            wrapper: true,
            results: self.c.kinds(&results),
            ..Shape::default()
        };
        let arguments = self.parameters(&parameters, &mut shape);
        let ty = match selected {
            SelectedKey::Method(method, environment) => {
                if let Some(id) = self.c.typed.object(method).function() {
                    self.name = format!("{}-fm", self.c.declared_name(id));
                }
                let receiver = self.c.receiver_type(method, environment);
                receiver.unwrap_or(Ty::UINTPTR)
            }
            SelectedKey::InterfaceMethod { interface, .. } => interface,
        };
        shape.captures = self.layout(ty).slots.clone();
        let register = self.registers.allocate(&shape.captures);
        let count = shape.captures.len();
        if count > 0 {
            self.emit(op::LoadCapture {
                dst: Run(register),
                index: Count(0),
                count: Count(count as u16),
            });
            self.registers.declare(register, count);
        }
        self.forward_selected(
            Place::Registers(register),
            ty,
            selected,
            &arguments,
            &results,
        );
        self.finish(shape)
    }

    /// `x.m` and `T.m` as values.
    pub(crate) fn method_value(&mut self, e: ExprId, selection: &Selection, dst: u16) {
        let Expr::Selector { operand, name } = *self.c.ast.expr(e) else {
            panic!("methods are selected")
        };
        let selected = self.c.selected_key(selection, Some(name));
        if selection.kind == SelectionKind::MethodExpression {
            let function = self.method_expression(selection, selected);
            self.emit(op::LoadFunction {
                dst: Register(dst),
                function,
            });
            return;
        }
        let function = self.c.function_id(FunctionKey::Bound(selected));
        let (first, count) = match selected {
            SelectedKey::Method(method, environment) => {
                let Some(wanted) = self.c.receiver_type(method, environment) else {
                    panic!("a method has a receiver")
                };
                let first = self.allocate(wanted);
                self.scoped(|f| {
                    let (place, ty) = f.typed_place(operand);
                    let (place, ty) = f.walk_path(place, ty, &selection.path);
                    f.at(f.c.ast.range(e));
                    f.receiver_from(place, ty, method, wanted, first);
                });
                let count = self.slots(wanted);
                self.registers.written(first, count);
                (first, count)
            }
            SelectedKey::InterfaceMethod { .. } => {
                let receiver = self.interface_receiver(operand, selection);
                self.at(self.c.ast.range(e));
                self.emit(op::CheckNil {
                    pointer: Register(receiver),
                });
                (receiver, 2)
            }
        };
        if count == 0 {
            self.emit(op::LoadFunction {
                dst: Register(dst),
                function,
            });
            return;
        }
        self.emit(op::MakeClosure {
            dst: Register(dst),
            first: Run(first),
            count: Count(count as u16),
            function,
        });
    }

    fn method_expression(&mut self, selection: &Selection, selected: SelectedKey) -> FunctionId {
        let receiver = self.c.typed.types.canonical(selection.receiver);
        if let SelectedKey::Method(method, environment) = selected
            && selection.path.is_empty()
            && self.c.receiver_type(method, environment) == Some(receiver)
            && let Some(id) = self.c.typed.object(method).function()
        {
            return self.c.declared_id(id, environment);
        }
        self.c.function_id(FunctionKey::Promoted {
            receiver,
            path: selection.path.clone(),
            selected,
            data: false,
        })
    }

    // ---- start-up ----

    /// Initialises the variables of a package.
    pub(crate) fn initializer(&mut self, id: PackageId) -> Function {
        let init_order = self.c.typed.package(id).init_order.clone();
        let embeds = self.c.typed.package(id).embeds.clone();
        self.initialize_all(id, &embeds, &init_order)
    }

    /// A function of these initialisations.
    pub(crate) fn initialize_all(
        &mut self,
        package: PackageId,
        embeds: &[ObjectId],
        initializers: &[Initializer],
    ) -> Function {
        self.name = format!("{}.init", self.c.typed.package(package).path);
        for &object in embeds {
            self.scoped(|f| {
                let ty = f.object_type(object);
                let value = f.allocate(ty);
                f.embedded(object, value);
                let offset = f.c.global(object);
                f.store(Place::Global(offset), ty, value, false);
            });
        }
        for initializer in initializers {
            self.at(self.c.ast.range(initializer.rhs));
            self.scoped(|f| f.initialize(&initializer.lhs, initializer.rhs, false));
        }
        self.emit(op::Return {});
        self.finish(Shape::default())
    }

    /// What a variable begins with that stands behind a `//go:embed` line, into its registers.
    pub(crate) fn embedded(&mut self, object: ObjectId, dst: u16) {
        let typed = self.c.typed;
        if let Some(range) = typed.object(object).range {
            self.at(range);
        }
        match &typed.embeddings[&object] {
            Embedding::String(bytes) => self.load_bytes(bytes, dst),
            Embedding::Bytes(bytes) => {
                let string = self.allocate(Ty::STRING);
                self.load_bytes(bytes, string);
                self.registers.written(string, 2);
                self.emit(op::BytesFromString {
                    dst: Pair(dst),
                    string: Pair(string),
                });
            }
            Embedding::Files(packed) => {
                let assembly = checker::embed::assembly(typed, self.c.names);
                let assembly = assembly.and_then(|object| typed.object(object).function());
                let Some(assembly) = assembly else {
                    panic!("package embed has the function that assembles files")
                };
                let function = self.c.declared_id(assembly, EnvironmentId::EMPTY);
                let ty = self.object_type(object);
                let window = self.window();
                let argument = self.allocate(Ty::STRING);
                self.load_bytes(packed, argument);
                self.registers.written(argument, 2);
                self.registers.reach(window as usize + 2);
                self.emit_call(
                    op::Call {
                        window: Window(window),
                        function,
                    },
                    window,
                );
                let count = self.slots(ty);
                self.move_slots(window, dst, count);
            }
        }
    }

    fn load_bytes(&mut self, bytes: &[u8], dst: u16) {
        let value = self.c.string(bytes);
        self.emit(op::LoadString {
            dst: Pair(dst),
            value,
        });
    }

    /// Initialises package variables; those without a name only if `blank` says so.
    pub(crate) fn initialize(&mut self, lhs: &[ObjectId], rhs: ExprId, blank: bool) {
        let skipped =
            |f: &Self, object: ObjectId| !blank && f.c.typed.object(object).name.is_blank();
        if let [single] = lhs {
            let ty = self.object_type(*single);
            let value = self.operand_as(rhs, ty);
            if !skipped(self, *single) {
                let offset = self.c.global(*single);
                self.store(Place::Global(offset), ty, value, false);
            }
            return;
        }
        let values = self.several_values(rhs, lhs.len());
        for (&object, &(register, from)) in lhs.iter().zip(&values) {
            if skipped(self, object) {
                continue;
            }
            let ty = self.object_type(object);
            let mut value = register;
            if self.wraps(from, ty) {
                value = self.allocate(ty);
                self.convert_value(register, from, ty, value);
            }
            let offset = self.c.global(object);
            self.store(Place::Global(offset), ty, value, false);
        }
    }

    /// The program's entry, or one half of it.
    pub(crate) fn entry(&mut self, initializes: bool, runs_main: bool) -> Function {
        self.name = "runtime.main".to_owned();
        let typed = self.c.typed;
        let window = self.window();
        self.registers.reach(window as usize + 1);
        let mut functions = Vec::new();
        let order = match initializes {
            true => &typed.package_order[..],
            false => &[],
        };
        for &id in order {
            let package = typed.package(id);
            if !package.init_order.is_empty() || !package.embeds.is_empty() {
                functions.push(self.c.function_id(FunctionKey::Initializer(id)));
            }
            for &id in &package.init_functions {
                functions.push(self.c.declared_id(id, EnvironmentId::EMPTY));
            }
        }
        let entry = match runs_main {
            true => &typed.entry[..],
            false => &[],
        };
        for &id in entry {
            functions.push(self.c.declared_id(id, EnvironmentId::EMPTY));
        }
        for function in functions {
            self.emit_call(
                op::Call {
                    window: Window(window),
                    function,
                },
                window,
            );
        }
        self.emit(op::Return {});
        self.finish(Shape {
            wrapper: true,
            ..Shape::default()
        })
    }
}
