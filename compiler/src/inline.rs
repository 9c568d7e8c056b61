//! Calls of small functions without a call: `func rotr(x uint32, n uint) uint32 { return x>>n | x<<(32-n) }`.
//!
//! A function is put in place when its body is one `return`, perhaps after a few `x := ...`, of expressions that cannot panic, call
//! nothing that is not put in place too, and only read the function's variables. Then nobody can tell: it has no effects, no trace can show it, and its arguments, once
//! evaluated, stay as they are. Constant arguments go on as constants, so shift counts and the like become immediates.

use std::rc::Rc;

use checker::typed::{FunctionId as DeclaredId, Mode, ObjectKind};
use checker::types::{ObjectId, Type, TypeId as Ty};
use checker::universe::Builtin;
use parser::ast::{BinaryOperator, Expr, ExprId, Stmt, UnaryOperator};

use crate::function::{FunctionCompiler, Location};
use crate::instances::EnvironmentId;
use crate::package::Compiler;
use crate::walk::Node;

/// Expressions with more nodes than this are called.
const LARGEST: usize = 28;
/// How deep functions are put into functions.
const DEEPEST: u32 = 3;

/// What is put in place of a call.
pub(crate) struct Body {
    /// The variables it declares, with their values.
    variables: Vec<(ObjectId, ExprId)>,
    value: ExprId,
}

/// A call that is put in place.
struct InlinedCall {
    id: DeclaredId,
    environment: EnvironmentId,
    body: Rc<Body>,
    receiver: Option<ExprId>,
}

impl Compiler<'_> {
    /// What to put in place of calls of a function.
    fn inlined(
        &mut self,
        id: DeclaredId,
        environment: EnvironmentId,
        depth: u32,
    ) -> Option<Rc<Body>> {
        let key = (id, environment);
        if let Some(known) = self.inlined.get(&key) {
            return known.clone();
        }
        if depth > DEEPEST {
            return None;
        }
        // A recursive function meets this entry.
        self.inlined.insert(key, None);
        let body = self.in_environment(environment, |c| c.find_inlined(id, depth).map(Rc::new));
        self.inlined.insert(key, body.clone());
        body
    }

    fn find_inlined(&mut self, id: DeclaredId, depth: u32) -> Option<Body> {
        let typed = self.typed;
        let function = typed.function(id);
        if !function.checked || function.results.len() != 1 {
            return None;
        }
        let signature = typed
            .types
            .as_signature(typed.object(function.object).typ)?;
        if signature.variadic {
            return None;
        }
        let [definitions @ .., last] = self.ast.statements(function.body?) else {
            return None;
        };
        let Stmt::Return { results } = *self.ast.stmt(*last) else {
            return None;
        };
        let [value] = *self.ast.list(results) else {
            return None;
        };
        let mut variables = Vec::new();
        for &statement in definitions {
            let Stmt::Define { lhs, rhs, .. } = *self.ast.stmt(statement) else {
                return None;
            };
            let ([name], [value]) = (self.ast.list(lhs), self.ast.list(rhs)) else {
                return None;
            };
            variables.push((typed.object_of(*name)?, *value));
        }
        let has_receiver = self
            .receiver_type(function.object, self.environment)
            .is_some();
        if has_receiver && function.receiver.is_none() {
            return None;
        }
        let defined = variables.iter().map(|(object, _)| object);
        for &object in function
            .receiver
            .iter()
            .chain(&function.parameters)
            .chain(&function.results)
            .chain(defined)
        {
            let variable = typed.object(object).variable()?;
            let ty = self.object_type(object);
            if variable.captured || variable.address_taken || self.layout(ty).boxed() {
                return None;
            }
            // `return` with a value counts as assigning a named result.
            if variable.reassigned && !function.results.contains(&object) {
                return None;
            }
        }
        let mut roots: Vec<Node> = variables.iter().map(|&(_, e)| Node::Expr(e)).collect();
        roots.push(Node::Expr(value));
        let mut nodes = Vec::new();
        self.walk(&roots, |node| {
            if let Node::Expr(e) = node
                && typed.constant(e).is_none()
            {
                nodes.push(e);
                return true;
            }
            false
        });
        if nodes.len() > LARGEST {
            return None;
        }
        let mut known: Vec<ObjectId> = function
            .receiver
            .iter()
            .chain(&function.parameters)
            .copied()
            .collect();
        known.extend(variables.iter().map(|(object, _)| *object));
        nodes
            .into_iter()
            .all(|e| self.may_be_inlined(e, &known, depth))
            .then_some(Body { variables, value })
    }

    fn may_be_inlined(&mut self, e: ExprId, parameters: &[ObjectId], depth: u32) -> bool {
        let typed = self.typed;
        let basic = |e: ExprId| typed.types.basic(self.type_of(e)).is_some();
        match *self.ast.expr(e) {
            Expr::Paren(_) => true,
            Expr::Ident(_) => typed.object_of(e).is_some_and(|object| {
                parameters.contains(&object)
                    || matches!(
                        typed.object(object).kind,
                        ObjectKind::Function { .. }
                            | ObjectKind::Builtin(_)
                            | ObjectKind::TypeName { .. }
                    )
            }),
            Expr::Selector { .. } => typed.selections.get(&e).is_some_and(|selection| {
                selection.kind == checker::typed::SelectionKind::Field && !selection.indirect
            }),
            Expr::Unary { op, operand } => {
                matches!(
                    op,
                    UnaryOperator::Plus
                        | UnaryOperator::Minus
                        | UnaryOperator::Not
                        | UnaryOperator::Complement
                ) && basic(operand)
            }
            Expr::Binary {
                op, left, right, ..
            } => {
                let integer = typed.types.is_integer(self.type_of(left));
                basic(left)
                    && basic(right)
                    && match op {
                        BinaryOperator::Divide | BinaryOperator::Remainder => {
                            !integer || typed.constant(self.ast.unparen(right)).is_some()
                        }
                        BinaryOperator::ShiftLeft | BinaryOperator::ShiftRight => {
                            typed.constant(self.ast.unparen(right)).is_some()
                                || typed.types.is_unsigned(self.type_of(right))
                        }
                        _ => true,
                    }
            }
            Expr::Call {
                callee,
                args,
                spread,
            } => {
                let callee = self.ast.unparen(callee);
                let [argument, rest @ ..] = self.ast.list(args) else {
                    return false;
                };
                match typed.type_and_value(callee).mode {
                    Mode::Type => {
                        typed.types.is_numeric(self.type_of(e))
                            && typed.types.is_numeric(self.type_of(*argument))
                    }
                    Mode::Builtin => {
                        let ty = self.type_of(*argument);
                        let object = typed
                            .object_of(callee)
                            .map(|object| &typed.object(object).kind);
                        rest.is_empty()
                            && matches!(object, Some(ObjectKind::Builtin(Builtin::Len)))
                            && (typed.types.is_string(ty)
                                || matches!(typed.types.underlying(ty), Type::Slice(_)))
                    }
                    _ => {
                        if spread.is_some() || !matches!(self.ast.expr(callee), Expr::Ident(_)) {
                            return false;
                        }
                        let function = typed
                            .object_of(callee)
                            .and_then(|object| typed.object(object).function());
                        function.is_some_and(|id| {
                            let environment = self.function_environment(id, callee);
                            self.inlined(id, environment, depth + 1).is_some()
                        })
                    }
                }
            }
            _ => false,
        }
    }
}

impl FunctionCompiler<'_, '_> {
    /// The function and expression to put in place of a call.
    fn inlined_call(&mut self, e: ExprId) -> Option<InlinedCall> {
        let e = self.c.ast.unparen(e);
        let Expr::Call {
            callee,
            args,
            spread,
        } = *self.c.ast.expr(e)
        else {
            return None;
        };
        let callee = self.c.uninstantiated(callee);
        if spread.is_some() || self.hoisted.contains_key(&callee) {
            return None;
        }
        let (id, environment, receiver) = match self.c.selection(callee) {
            Some(selection) => {
                let Expr::Selector { operand, name } = *self.c.ast.expr(callee) else {
                    return None;
                };
                let checker::typed::Selected::Method(method) = selection.selected else {
                    return None;
                };
                if selection.kind != checker::typed::SelectionKind::MethodValue
                    || !selection.path.is_empty()
                {
                    return None;
                }
                let environment = self
                    .c
                    .method_environment(method, selection.owner, Some(name));
                if self.c.receiver_type(method, environment) != Some(self.type_of(operand)) {
                    return None;
                }
                let id = self.c.typed.object(method).function()?;
                (id, environment, Some(operand))
            }
            None => {
                let (id, environment) = self.static_function(callee)?;
                (id, environment, None)
            }
        };
        let body = self.c.inlined(id, environment, 0)?;
        let function = self.c.typed.function(id);
        if function.parameters.len() != args.len()
            || function.receiver.is_some() != receiver.is_some()
        {
            return None;
        }
        Some(InlinedCall {
            id,
            environment,
            body,
            receiver,
        })
    }

    /// Whether a call is put in place.
    pub(crate) fn is_inlined(&mut self, e: ExprId) -> bool {
        self.inlined_call(e).is_some()
    }

    /// Puts a call in place: its value goes to `dst`, or to new registers. `None` if it must be called.
    pub(crate) fn inline(&mut self, e: ExprId, dst: Option<u16>) -> Option<u16> {
        let InlinedCall {
            id,
            environment,
            body,
            receiver,
        } = self.inlined_call(e)?;
        let Expr::Call { args, .. } = *self.c.ast.expr(self.c.ast.unparen(e)) else {
            return None;
        };
        let function = self.c.typed.function(id);
        let type_in = |f: &mut Self, object: ObjectId| {
            f.c.in_environment(environment, |c| c.object_type(object))
        };
        let result_type = type_in(self, function.results[0]);
        let dst = match dst {
            Some(dst) => dst,
            None => self.allocate(result_type),
        };
        self.scoped(|f| {
            let arguments: Vec<ExprId> = receiver
                .into_iter()
                .chain(f.c.ast.list(args).iter().copied())
                .collect();
            f.hoist(&arguments);
            let objects: Vec<ObjectId> = function
                .receiver
                .iter()
                .chain(&function.parameters)
                .copied()
                .collect();
            let mut bound = Vec::new();
            for (&argument, &object) in arguments.iter().zip(&objects) {
                let ty = type_in(f, object);
                let constant = f.integer_constant(argument, ty);
                let register = if constant.is_some() {
                    0
                } else {
                    f.operand_as(argument, ty)
                };
                bound.push((object, register, constant));
            }
            // Another instance of the same function may be around, whose variables are the same objects.
            let mut shadowed = Vec::new();
            let mut constants = Vec::new();
            for (object, register, constant) in bound {
                constants.push((object, f.bound_constants.remove(&object)));
                if let Some(constant) = constant {
                    f.bound_constants.insert(object, constant);
                } else {
                    shadowed.push((
                        object,
                        f.variables.insert(object, Location::Registers(register)),
                    ));
                }
            }
            let around = std::mem::replace(&mut f.c.environment, environment);
            for &(object, value) in &body.variables {
                let ty = f.object_type(object);
                let register = f.allocate(ty);
                f.convert_into(value, ty, register);
                let count = f.slots(ty);
                f.registers.declare(register, count);
                shadowed.push((
                    object,
                    f.variables.insert(object, Location::Registers(register)),
                ));
            }
            f.convert_into(body.value, result_type, dst);
            f.c.environment = around;
            for (object, before) in constants {
                match before {
                    Some(constant) => f.bound_constants.insert(object, constant),
                    None => f.bound_constants.remove(&object),
                };
            }
            for (object, before) in shadowed {
                match before {
                    Some(location) => f.variables.insert(object, location),
                    None => f.variables.remove(&object),
                };
            }
        });
        let count = self.slots(result_type);
        self.registers.written(dst, count);
        Some(dst)
    }

    /// The slot of an integer expression that is constant here: a constant, or made of them and of parameters that are bound to some.
    pub(crate) fn integer_constant(&self, e: ExprId, ty: Ty) -> Option<i64> {
        let e = self.c.ast.unparen(e);
        let kind = self.c.typed.types.basic(ty)?;
        if !kind.is_integer() {
            return None;
        }
        if let Some(constant) = self.c.typed.constant(e) {
            return self.constant_slot(constant, ty).map(|slot| slot as i64);
        }
        if self.bound_constants.is_empty() {
            return None;
        }
        match *self.c.ast.expr(e) {
            Expr::Ident(_) => self
                .bound_constants
                .get(&self.c.typed.object_of(e)?)
                .copied(),
            Expr::Binary {
                op, left, right, ..
            } => {
                let (a, b) = (
                    self.integer_constant(left, ty)?,
                    self.integer_constant(right, ty)?,
                );
                let value = match op {
                    BinaryOperator::Add => a.wrapping_add(b),
                    BinaryOperator::Subtract => a.wrapping_sub(b),
                    BinaryOperator::Multiply => a.wrapping_mul(b),
                    BinaryOperator::And => a & b,
                    BinaryOperator::Or => a | b,
                    BinaryOperator::Xor => a ^ b,
                    _ => return None,
                };
                Some(match (kind.bits(), kind.is_unsigned()) {
                    (8, false) => i64::from(value as i8),
                    (16, false) => i64::from(value as i16),
                    (32, false) => i64::from(value as i32),
                    (8, true) => i64::from(value as u8),
                    (16, true) => i64::from(value as u16),
                    (32, true) => i64::from(value as u32),
                    _ => value,
                })
            }
            _ => None,
        }
    }
}
