//! Calls: the callee's window, arguments computed straight into it, results used where they come back.
//!
//! The window of a call lies above all registers in use. A static call that is itself the first argument of a static
//! call takes the very same window, so its result is already in place.

use bytecode::{Count32, FunctionId, NativeId, Pair, Register, Selector, SlotKind, Window, op};
use checker::typed::{
    FunctionId as DeclaredId, Mode, ObjectKind, Selected, Selection, SelectionKind,
};
use checker::types::{ObjectId, Type, TypeId as Ty};
use diagnostics::TextRange;
use parser::ast::{Expr, ExprId};

use crate::function::FunctionCompiler;
use crate::instances::EnvironmentId;
use crate::order::Root;
use crate::places::{NONE, Place};

/// What is called.
pub(crate) enum Target {
    Function(FunctionId),
    Native(NativeId),
    /// A method of a declared type; the receiver expression and the way to the receiver.
    Method {
        method: ObjectId,
        environment: EnvironmentId,
        operand: ExprId,
        path: smallvec::SmallVec<[u32; 4]>,
    },
    /// An interface in registers.
    Interface {
        receiver: u16,
        selector: u32,
    },
    /// A func value in a register.
    Closure(u16),
}

impl FunctionCompiler<'_, '_> {
    /// The declared function that a name stands for.
    pub(crate) fn static_function(
        &mut self,
        callee: ExprId,
    ) -> Option<(DeclaredId, EnvironmentId)> {
        let callee = self.c.uninstantiated(callee);
        let name = match *self.c.ast.expr(callee) {
            Expr::Ident(_) => callee,
            Expr::Selector { name, .. } if !self.c.typed.selections.contains_key(&callee) => name,
            _ => return None,
        };
        match self.c.typed.object(self.c.typed.object_of(name)?).kind {
            ObjectKind::Function {
                function: Some(function),
                ..
            } => Some((function, self.c.function_environment(function, name))),
            _ => None,
        }
    }

    /// What can be called without a value in a register.
    fn static_target(&mut self, callee: ExprId) -> Option<Target> {
        if self.hoisted.contains_key(&callee) {
            return None;
        }
        let callee = self.c.uninstantiated(callee);
        if let Some((id, environment)) = self.static_function(callee) {
            if self.c.typed.function(id).body.is_none() {
                return Some(Target::Native(self.c.native(id)));
            }
            return Some(Target::Function(self.c.declared_id(id, environment)));
        }
        match *self.c.ast.expr(callee) {
            Expr::Selector { operand, name } => {
                let selection = self.c.selection(callee)?;
                match (selection.kind, selection.selected) {
                    (SelectionKind::MethodValue, Selected::Method(method)) => {
                        let environment =
                            self.c
                                .method_environment(method, selection.owner, Some(name));
                        Some(Target::Method {
                            method,
                            environment,
                            operand,
                            path: selection.path.clone(),
                        })
                    }
                    _ => None,
                }
            }
            Expr::FuncLit { .. }
                if self
                    .c
                    .typed
                    .closures
                    .get(&callee)
                    .is_some_and(|c| c.captures.is_empty()) =>
            {
                Some(Target::Function(self.literal_id(callee)))
            }
            _ => None,
        }
    }

    /// What a call calls; interfaces and func values are evaluated.
    fn target(&mut self, callee: ExprId) -> Target {
        if let Some(target) = self.static_target(callee) {
            return target;
        }
        if let Expr::Selector { operand, .. } = *self.c.ast.expr(callee)
            && let Some(selection) = self.c.selection(callee)
            && selection.kind == SelectionKind::MethodValue
            && let Selected::InterfaceMethod { interface, index } = selection.selected
        {
            let receiver = self.interface_receiver(operand, &selection);
            return Target::Interface {
                receiver,
                selector: self.interface_selector(interface, index),
            };
        }
        Target::Closure(self.operand(callee))
    }

    /// The interface that a method is selected from, in registers.
    pub(crate) fn interface_receiver(&mut self, operand: ExprId, selection: &Selection) -> u16 {
        if selection.path.is_empty() && self.c.typed.types.is_interface(self.type_of(operand)) {
            return self.operand(operand);
        }
        let (place, ty) = self.typed_place(operand);
        let (place, ty) = self.walk_path(place, ty, &selection.path);
        self.load_operand(place, ty)
    }

    /// The selector of a method of an interface.
    pub(crate) fn interface_selector(&mut self, interface: Ty, index: u32) -> u32 {
        let typed = self.c.typed;
        let Some(interface) = typed.types.as_interface(interface) else {
            panic!("only interfaces have such methods")
        };
        let method = interface.methods[index as usize];
        self.c
            .selector(method.name, method.package, method.signature)
    }

    /// Calls a function; its results are in the registers from the returned one on. Not for builtins and conversions.
    pub(crate) fn call(&mut self, e: ExprId) -> u16 {
        let e = self.c.ast.unparen(e);
        let Expr::Call { callee, args, .. } = *self.c.ast.expr(e) else {
            panic!("only calls are called")
        };
        let callee = self.c.ast.unparen(callee);
        if let Some(register) = self.inline(e, None) {
            return register;
        }
        if let Some(intrinsic) = self.intrinsic(callee, e) {
            let dst = self.scalar();
            self.emit_intrinsic(intrinsic, e, dst);
            self.registers.written(dst, 1);
            return dst;
        }
        self.hoist_call(callee, self.c.ast.list(args));
        let scanned = std::mem::replace(&mut self.scanned, false);
        let target = self.target(callee);
        self.window();
        let result = self.call_in_window(target, callee, e);
        self.scanned = scanned;
        result
    }

    /// Evaluates the calls in the callee and the arguments now, if a load before one of them could see their effects: what a method's
    /// receiver points at and a func value in a field are read when all arguments are there.
    pub(crate) fn hoist_call(&mut self, callee: ExprId, args: &[ExprId]) {
        let mut roots: smallvec::SmallVec<[Root; 8]> = smallvec::SmallVec::new();
        let mut loads = false;
        let selected = self.c.uninstantiated(callee);
        match *self.c.ast.expr(selected) {
            Expr::Selector { operand, .. } => match self.c.selection(selected) {
                Some(selection) if selection.kind == SelectionKind::MethodValue => {
                    roots.push((operand, None));
                    loads = self.receiver_is_loaded(operand, &selection);
                }
                Some(_) => roots.push((callee, None)),
                None => {}
            },
            _ => roots.push((callee, None)),
        }
        if roots.len() + args.len() > 1 {
            self.argument_roots(callee, args, &mut roots);
            self.hoist_behind(&roots, loads);
        }
    }

    /// Adds the arguments of a call with the types of the parameters.
    pub(crate) fn argument_roots(
        &self,
        callee: ExprId,
        args: &[ExprId],
        roots: &mut smallvec::SmallVec<[Root; 8]>,
    ) {
        let types = &self.c.typed.types;
        let signature = types.as_signature(self.type_of(callee));
        let parameter = |position: usize| {
            let signature = signature?;
            let last = signature.params.len().checked_sub(1)?;
            let ty = signature.params.get(position.min(last))?.typ;
            match types.underlying(ty) {
                Type::Slice(element) if signature.variadic && position >= last => Some(*element),
                _ => Some(ty),
            }
        };
        roots.extend(args.iter().enumerate().map(|(i, &e)| (e, parameter(i))));
    }

    /// Whether the receiver is a copy of what a pointer points at.
    fn receiver_is_loaded(&self, operand: ExprId, selection: &Selection) -> bool {
        match selection.selected {
            Selected::Method(method) => {
                !self.c.typed.has_pointer_receiver(method)
                    && (self.c.typed.dereference(self.type_of(operand)).1
                        || !selection.path.is_empty())
            }
            _ => false,
        }
    }

    /// The results of a call, which may have been called already.
    pub(crate) fn call_results(&mut self, e: ExprId) -> u16 {
        let e = self.c.ast.unparen(e);
        match self.hoisted.get(&e) {
            Some(&register) => register,
            None => self.call(e),
        }
    }

    /// The call, with its window at the next register (the two below it are free).
    fn call_in_window(&mut self, target: Target, callee: ExprId, e: ExprId) -> u16 {
        let Expr::Call {
            args,
            spread,
            callee: written,
        } = *self.c.ast.expr(e)
        else {
            panic!("only calls are called")
        };
        let window = self.registers.mark();
        let signature = self.type_of(callee);
        let (parameters, results) = self.c.signature_types(signature);
        let variadic = self
            .c
            .typed
            .types
            .as_signature(signature)
            .is_some_and(|s| s.variadic)
            && spread.is_none();
        match &target {
            Target::Interface { .. } => _ = self.registers.allocate(&[SlotKind::Scalar]),
            Target::Method {
                method,
                environment,
                operand,
                path,
            } => self.receiver_argument((*method, *environment), *operand, path),
            Target::Function(_) | Target::Native(_) | Target::Closure(_) => {}
        }
        self.arguments(&parameters, variadic, self.c.ast.list(args));
        // A call is where its parenthesis opens, not where the text of what is called begins.
        let (whole, callee) = (self.c.ast.range(e), self.c.ast.range(written));
        self.at(TextRange::new(whole.file, callee.end, whole.end));
        self.emit_target(target, window);
        let kinds = self.c.kinds(&results);
        self.release(window);
        let first = self.registers.allocate(&kinds);
        self.registers.written(first, kinds.len());
        self.registers.reach(window as usize + kinds.len().max(1));
        window
    }

    /// The call instruction.
    fn emit_target(&mut self, target: Target, window: u16) {
        let w = Window(window);
        match target {
            Target::Function(function) => self.emit_call(
                op::Call {
                    window: w,
                    function,
                },
                window,
            ),
            Target::Native(native) => _ = self.emit(op::CallNative { window: w, native }),
            Target::Method {
                method,
                environment,
                ..
            } => {
                let Some(id) = self.c.typed.object(method).function() else {
                    panic!("a method is declared")
                };
                if self.c.typed.function(id).body.is_none() {
                    let native = self.c.native(id);
                    self.emit(op::CallNative { window: w, native });
                } else {
                    let function = self.c.declared_id(id, environment);
                    self.emit_call(
                        op::Call {
                            window: w,
                            function,
                        },
                        window,
                    );
                }
            }
            Target::Interface { receiver, selector } => {
                let selector = Selector(selector as u16);
                self.emit_call(
                    op::CallInterface {
                        window: w,
                        receiver: Pair(receiver),
                        selector,
                    },
                    window,
                );
            }
            Target::Closure(closure) => {
                self.emit_call(
                    op::CallClosure {
                        window: w,
                        closure: Register(closure),
                    },
                    window,
                );
            }
        }
    }

    /// The receiver of a declared method, as first argument.
    fn receiver_argument(
        &mut self,
        (method, environment): (ObjectId, EnvironmentId),
        operand: ExprId,
        path: &[u32],
    ) {
        let Some(wanted) = self.c.receiver_type(method, environment) else {
            panic!("a method has a receiver")
        };
        if path.is_empty() && self.type_of(operand) == wanted {
            return self.first_argument(operand, wanted);
        }
        let dst = self.allocate(wanted);
        self.scoped(|f| {
            let (place, ty) = f.typed_place(operand);
            let (place, ty) = f.walk_path(place, ty, path);
            f.receiver_from(place, ty, method, wanted, dst);
        });
        let count = self.slots(wanted);
        self.registers.written(dst, count);
    }

    /// The receiver of the type that a method wants, from a value of its base type or a pointer to one.
    pub(crate) fn receiver_from(
        &mut self,
        place: Place,
        ty: Ty,
        method: ObjectId,
        wanted: Ty,
        dst: u16,
    ) {
        let is_pointer = self.c.typed.dereference(ty).1;
        match (self.c.typed.has_pointer_receiver(method), is_pointer) {
            (true, true) | (false, false) => self.load_into(place, wanted, dst),
            (true, false) => self.address_into(place, ty, dst),
            (false, true) => {
                let pointer = self.load_operand(place, ty);
                self.load_memory_owned(wanted, pointer, 0, dst);
            }
        }
    }

    /// An argument at the head of the window.
    fn first_argument(&mut self, e: ExprId, ty: Ty) {
        let inner = self.c.ast.unparen(e);
        if let Expr::Call { callee, .. } = *self.c.ast.expr(inner)
            && !self.hoisted.contains_key(&inner)
            && self.c.typed.constant(inner).is_none()
            && self.type_of(inner) == ty
        {
            let callee = self.c.ast.unparen(callee);
            let is_function =
                !matches!(self.type_and_value(callee).mode, Mode::Type | Mode::Builtin);
            if is_function
                && self.intrinsic(callee, inner).is_none()
                && !self.arguments_need_hoisting(inner)
                && !self.is_inlined(inner)
                && let Some(target) = self
                    .static_target(callee)
                    .or_else(|| self.closure_variable(callee))
            {
                self.call_in_window(target, callee, inner);
                return;
            }
        }
        let dst = self.allocate(ty);
        self.convert_into(e, ty, dst);
    }

    /// A func value that is in a register already.
    fn closure_variable(&self, callee: ExprId) -> Option<Target> {
        let Expr::Ident(_) = self.c.ast.expr(callee) else {
            return None;
        };
        match self.location(self.c.typed.object_of(callee)?) {
            Some(crate::function::Location::Registers(register)) => Some(Target::Closure(register)),
            _ => None,
        }
    }

    /// Whether values would have to be kept below the window.
    fn arguments_need_hoisting(&self, e: ExprId) -> bool {
        match *self.c.ast.expr(e) {
            Expr::Call { args, .. } => self
                .c
                .ast
                .list(args)
                .iter()
                .any(|&argument| self.c.calls(argument)),
            _ => true,
        }
    }

    /// The arguments in consecutive registers from the next one on.
    pub(crate) fn arguments(&mut self, parameters: &[Ty], variadic: bool, args: &[ExprId]) {
        if let [single] = args
            && let Type::Tuple(types) = self.c.typed.types.get(self.type_of(*single))
        {
            return self.spread_arguments(parameters, variadic, *single, &types.clone());
        }
        let fixed = if variadic {
            parameters.len() - 1
        } else {
            parameters.len()
        };
        let at_window = self.registers.mark();
        for (&e, &ty) in args.iter().zip(&parameters[..fixed]) {
            if self.registers.mark() == at_window && self.is_window_start(at_window) {
                self.first_argument(e, ty);
            } else {
                let dst = self.allocate(ty);
                self.convert_into(e, ty, dst);
            }
        }
        if variadic {
            let ty = parameters[fixed];
            let dst = self.allocate(ty);
            let Type::Slice(element) = *self.c.typed.types.underlying(ty) else {
                panic!("variadic means a slice")
            };
            self.slice_of(args.get(fixed..).unwrap_or(&[]), element, dst);
        }
    }

    /// Whether the two registers below are a window's head: they have never been written.
    fn is_window_start(&self, register: u16) -> bool {
        self.registers.is_window_start(register)
    }

    /// `f(g())` with `g` giving several values.
    fn spread_arguments(&mut self, parameters: &[Ty], variadic: bool, call: ExprId, types: &[Ty]) {
        let fixed = if variadic {
            parameters.len() - 1
        } else {
            parameters.len()
        };
        let registers: Vec<u16> = parameters.iter().map(|&ty| self.allocate(ty)).collect();
        self.scoped(|f| {
            let mut src = f.call_results(call);
            let mut rest = Vec::new();
            for (index, &from) in types.iter().enumerate() {
                let from = f.c.typed.types.canonical(from);
                if index < fixed {
                    f.convert_value(src, from, parameters[index], registers[index]);
                } else {
                    rest.push((src, from));
                }
                src += f.slots(from) as u16;
            }
            if variadic {
                let Type::Slice(element) = *f.c.typed.types.underlying(parameters[fixed]) else {
                    panic!("variadic means a slice")
                };
                f.slice_of_values(&rest, element, registers[fixed]);
            }
        });
        if variadic {
            self.registers.written(registers[fixed], 2);
        }
    }

    /// A slice of the values of expressions.
    pub(crate) fn slice_of(&mut self, elements: &[ExprId], element: Ty, dst: u16) {
        if elements.is_empty() {
            self.emit(op::Zero {
                dst: bytecode::Run(dst),
                count: bytecode::Count(2),
            });
        } else {
            self.scoped(|f| {
                let array = f.new_backing_array(element, elements.len());
                let size = f.layout(element).size;
                for (index, &e) in elements.iter().enumerate() {
                    f.fill_in(e, element, array, index as u32 * size);
                }
                f.slice_array(array, element, elements.len(), dst);
            });
        }
        self.registers.written(dst, 2);
    }

    /// A slice of values in registers.
    pub(crate) fn slice_of_values(&mut self, values: &[(u16, Ty)], element: Ty, dst: u16) {
        if values.is_empty() {
            self.emit(op::Zero {
                dst: bytecode::Run(dst),
                count: bytecode::Count(2),
            });
            return;
        }
        self.scoped(|f| {
            let array = f.new_backing_array(element, values.len());
            let size = f.layout(element).size;
            for (index, &(src, from)) in values.iter().enumerate() {
                f.scoped(|f| {
                    let mut value = src;
                    if f.wraps(from, element) {
                        value = f.allocate(element);
                        f.convert_value(src, from, element, value);
                    }
                    f.store_memory(element, value, array, index as u32 * size);
                });
            }
            f.slice_array(array, element, values.len(), dst);
        });
    }

    /// A new zeroed array for a slice of `length` elements.
    pub(crate) fn new_backing_array(&mut self, element: Ty, length: usize) -> u16 {
        let ty = self.c.backing_array(element, length as u64);
        let array = self.reference();
        self.emit(op::New {
            dst: Register(array),
            ty,
        });
        self.registers.written(array, 1);
        array
    }

    /// A slice over a whole new array.
    pub(crate) fn slice_array(&mut self, array: u16, element: Ty, length: usize, dst: u16) {
        let size = Count32(self.layout(element).size);
        self.emit(op::SliceArray {
            dst: Pair(dst),
            pointer: Register(array),
            low: NONE,
            high: NONE,
            max: NONE,
            length: Count32(length as u32),
            size,
        });
    }

    /// A call, conversion or builtin into registers.
    pub(crate) fn call_into(&mut self, e: ExprId, ty: Ty, dst: u16) {
        let Expr::Call {
            callee,
            args,
            spread,
        } = *self.c.ast.expr(e)
        else {
            panic!("only calls are called")
        };
        let callee = self.c.ast.unparen(callee);
        match self.type_and_value(callee).mode {
            Mode::Type => {
                let argument = self.c.ast.list(args)[0];
                self.conversion(e, argument, ty, dst);
            }
            Mode::Builtin => self.builtin(
                e,
                callee,
                self.c.ast.list(args),
                spread.is_some(),
                Some(dst),
            ),
            _ => {
                if let Some(intrinsic) = self.intrinsic(callee, e) {
                    return self.emit_intrinsic(intrinsic, e, dst);
                }
                if self.inline(e, Some(dst)).is_some() {
                    return;
                }
                let result = self.call(e);
                let count = self.slots(ty);
                self.move_slots(result, dst, count);
            }
        }
    }

    /// A call as a statement.
    pub(crate) fn call_statement(&mut self, e: ExprId) {
        let Expr::Call {
            callee,
            args,
            spread,
        } = *self.c.ast.expr(e)
        else {
            panic!("only calls are called")
        };
        let callee = self.c.ast.unparen(callee);
        match self.type_and_value(callee).mode {
            Mode::Type => _ = self.operand(self.c.ast.list(args)[0]),
            Mode::Builtin => self.builtin(e, callee, self.c.ast.list(args), spread.is_some(), None),
            _ => _ = self.call(e),
        }
    }
}
