//! `go` and `defer`: a func value and argument slots, evaluated now, called later.
//!
//! Static functions and methods need no closure of their own: their receiver is the first argument. Interface methods
//! become method values. A builtin becomes a wrapper that takes the builtin's arguments.

use bytecode::{Count, Function, FunctionId, Pair, Register, SlotKind, Window, op};
use checker::typed::{Mode, Selected, SelectionKind};
use checker::types::{Type, TypeId as Ty};
use checker::universe::Builtin;
use parser::ast::{Expr, ExprId};

use crate::function::{FunctionCompiler, Shape};
use crate::package::FunctionKey;

impl FunctionCompiler<'_, '_> {
    /// `go call` (`is_go`) or `defer call`.
    pub(crate) fn start(&mut self, call: ExprId, is_go: bool) {
        let call = self.c.ast.unparen(call);
        let Expr::Call {
            callee,
            args,
            spread,
        } = *self.c.ast.expr(call)
        else {
            panic!("only calls are started")
        };
        let callee = self.c.ast.unparen(callee);
        let range = self.c.ast.range(call);
        let arguments = self.c.ast.list(args);
        if matches!(self.type_and_value(callee).mode, Mode::Builtin | Mode::Type) {
            return self.start_builtin(call, callee, arguments, is_go);
        }
        self.hoist_started(callee, arguments);
        let signature = self.type_of(callee);
        let (parameters, _) = self.c.signature_types(signature);
        let variadic = self
            .c
            .typed
            .types
            .as_signature(signature)
            .is_some_and(|s| s.variadic)
            && spread.is_none();
        let closure = self.reference();
        let mut receiver = None;
        let selected = self.c.uninstantiated(callee);
        if let Expr::Selector { operand, name } = *self.c.ast.expr(selected)
            && let Some(selection) = self.c.selection(selected)
            && selection.kind == SelectionKind::MethodValue
            && let Selected::Method(method) = selection.selected
            && let Some(id) = self.c.typed.object(method).function()
        {
            let environment = self
                .c
                .method_environment(method, selection.owner, Some(name));
            let function = self.c.declared_id(id, environment);
            self.emit(op::LoadFunction {
                dst: Register(closure),
                function,
            });
            receiver = Some(((method, environment), operand, selection.path.clone()));
        } else {
            self.into(callee, closure);
        }
        self.registers.written(closure, 1);
        let window = self.window();
        if let Some(((method, environment), operand, path)) = receiver {
            let Some(wanted) = self.c.receiver_type(method, environment) else {
                panic!("a method has a receiver")
            };
            let dst = self.allocate(wanted);
            self.scoped(|f| {
                let (place, ty) = f.typed_place(operand);
                let (place, ty) = f.walk_path(place, ty, &path);
                f.receiver_from(place, ty, method, wanted, dst);
            });
            let count = self.slots(wanted);
            self.registers.written(dst, count);
        }
        self.arguments(&parameters, variadic, arguments);
        self.emit_start(range, window, closure, is_go);
    }

    /// As for a call; but the func value or receiver is evaluated here whatever it is, and before the arguments' registers: so all calls in
    /// the arguments come first.
    fn hoist_started(&mut self, callee: ExprId, arguments: &[ExprId]) {
        let mut roots = smallvec::SmallVec::new();
        let selected = self.c.uninstantiated(callee);
        let loads = match *self.c.ast.expr(selected) {
            Expr::Selector { operand, .. } if self.c.selection(selected).is_some() => {
                roots.push((operand, None));
                true
            }
            Expr::Selector { .. } => false,
            _ => {
                roots.push((callee, None));
                false
            }
        };
        self.argument_roots(callee, arguments, &mut roots);
        self.hoist_behind(&roots, loads);
    }

    fn emit_start(
        &mut self,
        range: diagnostics::TextRange,
        window: u16,
        closure: u16,
        is_go: bool,
    ) {
        let count = Count(self.registers.mark() - window);
        self.registers.reach(window as usize + 1);
        self.at(range);
        let (window, closure) = (Window(window), Register(closure));
        if is_go {
            self.emit(op::Go {
                window,
                closure,
                count,
            });
        } else if let Some(token) = self.outer_defer_token() {
            self.emit(op::DeferAt {
                window,
                closure,
                count,
                token: Pair(token),
            });
        } else {
            self.emit(op::Defer {
                window,
                closure,
                count,
            });
        }
    }

    /// A builtin or conversion, whose arguments are evaluated now.
    fn start_builtin(&mut self, call: ExprId, callee: ExprId, args: &[ExprId], is_go: bool) {
        let function: FunctionId = self
            .c
            .function_id(FunctionKey::BuiltinCall(call, self.c.environment));
        let closure = self.reference();
        self.emit(op::LoadFunction {
            dst: Register(closure),
            function,
        });
        self.registers.written(closure, 1);
        let window = self.window();
        for (argument, ty) in self.builtin_arguments(callee, args) {
            if let Type::Tuple(types) = self.c.typed.types.get(ty) {
                let kinds = self.c.kinds(types);
                let dst = self.registers.allocate(&kinds);
                self.scoped(|f| {
                    let src = f.call_results(argument);
                    f.move_slots(src, dst, kinds.len());
                });
                self.registers.written(dst, kinds.len());
                continue;
            }
            let dst = self.allocate(ty);
            self.convert_into(argument, ty, dst);
        }
        self.emit_start(self.c.ast.range(call), window, closure, is_go);
    }

    /// The arguments of a builtin that are evaluated at the statement, with the types they get.
    fn builtin_arguments(&self, callee: ExprId, args: &[ExprId]) -> Vec<(ExprId, Ty)> {
        let is_panic = self.type_and_value(callee).mode == Mode::Builtin
            && self.builtin_of(callee) == Builtin::Panic;
        let mut out = Vec::new();
        for &argument in args {
            let ty = self.type_of(argument);
            if self.type_and_value(argument).mode == Mode::Type
                || self
                    .c
                    .typed
                    .constant(self.c.ast.unparen(argument))
                    .is_some()
                    && !is_panic
            {
                continue;
            }
            let ty = if is_panic {
                Ty::EMPTY_INTERFACE
            } else {
                self.c.typed.types.default_type(ty)
            };
            out.push((argument, ty));
        }
        out
    }

    /// The wrapper that a started builtin runs in.
    pub(crate) fn builtin_call(&mut self, call: ExprId) -> Function {
        let Expr::Call { callee, args, .. } = *self.c.ast.expr(call) else {
            panic!("only calls are started")
        };
        let callee = self.c.ast.unparen(callee);
        self.name = "runtime.builtin".to_owned();
        self.at(self.c.ast.range(call));
        let mut shape = Shape {
            wrapper: true,
            ..Shape::default()
        };
        let args = self.c.ast.list(args);
        let is_builtin = self.type_and_value(callee).mode == Mode::Builtin;
        let builtin = if is_builtin {
            Some(self.builtin_of(callee))
        } else {
            None
        };
        let mut registers = Vec::new();
        for (argument, ty) in self.builtin_arguments(callee, args) {
            let kinds: Vec<SlotKind> = self.c.kinds(&self.c.tuple(ty));
            let register = self.registers.allocate(&kinds);
            self.registers.declare(register, kinds.len());
            shape.parameters.extend(kinds);
            registers.push(register);
            self.hoisted.insert(self.c.ast.unparen(argument), register);
        }
        match builtin {
            None => {}
            Some(Builtin::Panic) => {
                self.emit(op::Panic {
                    value: bytecode::Pair(registers[0]),
                });
            }
            Some(_) => self.call_statement(call),
        }
        if self.falls_through() {
            self.emit(op::Return {});
        }
        self.finish(shape)
    }
}
