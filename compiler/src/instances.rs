//! Generic functions: one compilation for each distinct list of type arguments.
//!
//! A body is checked once, and the types recorded for it mention type parameters. What is compiled is a body in an *environment*: the type
//! parameters of the function and its receiver, and the types they stand for. The environment is part of a [`FunctionKey`](crate::package::FunctionKey),
//! and the compiler reads every recorded type through it ([`Compiler::type_of`], [`Compiler::substituted`], [`Compiler::selection`]). So generic code
//! becomes the instructions that the same code written out would become.
//!
//! INVARIANT: the types in an environment mention no type parameters. The compilation of a program begins in the empty environment, and
//! arguments are substituted before a new one is made of them.

use std::rc::Rc;

use checker::lookup::{Found, Lookup};
use checker::typed::{FunctionId as DeclaredId, Selected, Selection};
use checker::types::{ObjectId, TypeId as Ty};
use parser::ast::{Expr, ExprId};

use crate::package::Compiler;

/// An environment, see the module's text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct EnvironmentId(u32);

impl EnvironmentId {
    /// That of code without type parameters.
    pub(crate) const EMPTY: EnvironmentId = EnvironmentId(0);
}

/// Type parameters and what they stand for, in the same order.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Environment {
    parameters: Rc<[Ty]>,
    arguments: Rc<[Ty]>,
}

impl Compiler<'_> {
    /// The environment in which these parameters stand for these types.
    fn environment(&mut self, parameters: &[Ty], arguments: &[Ty]) -> EnvironmentId {
        if parameters.is_empty() {
            return EnvironmentId::EMPTY;
        }
        let environment = Environment {
            parameters: Rc::from(parameters),
            arguments: Rc::from(arguments),
        };
        if let Some(&id) = self.environment_ids.get(&environment) {
            return id;
        }
        let id = EnvironmentId(self.environments.len() as u32);
        self.environments.push(environment.clone());
        self.environment_ids.insert(environment, id);
        id
    }

    /// Compiles something in an environment.
    pub(crate) fn in_environment<R>(
        &mut self,
        environment: EnvironmentId,
        run: impl FnOnce(&mut Self) -> R,
    ) -> R {
        let saved = std::mem::replace(&mut self.environment, environment);
        let result = run(self);
        self.environment = saved;
        result
    }

    /// A recorded type as it is here; canonical.
    pub(crate) fn substituted(&self, ty: Ty) -> Ty {
        self.substituted_in(self.environment, ty)
    }

    /// A recorded type as it is in an environment; canonical.
    pub(crate) fn substituted_in(&self, environment: EnvironmentId, ty: Ty) -> Ty {
        let types = &self.typed.types;
        if environment == EnvironmentId::EMPTY {
            return types.canonical(ty);
        }
        let environment = &self.environments[environment.0 as usize];
        types.canonical(types.substitute(ty, &environment.parameters, &environment.arguments))
    }

    /// The type of an expression; canonical.
    pub(crate) fn type_of(&self, e: ExprId) -> Ty {
        self.substituted(self.typed.type_of(e))
    }

    /// The type of an object, canonical.
    pub(crate) fn object_type(&self, object: ObjectId) -> Ty {
        self.substituted(self.typed.object(object).typ)
    }

    /// What a selector selects here. A method of a type parameter is looked up anew.
    pub(crate) fn selection(&self, e: ExprId) -> Option<Selection> {
        let recorded = self.typed.selections.get(&e)?;
        if self.environment == EnvironmentId::EMPTY {
            return Some(recorded.clone());
        }
        let types = &self.typed.types;
        let mut selection = recorded.clone();
        selection.receiver = self.substituted(recorded.receiver);
        selection.typ = self.substituted(recorded.typ);
        if types.is_type_parameter(recorded.receiver)
            && let Selected::InterfaceMethod { interface, index } = recorded.selected
            && let Some(interface) = types.as_interface(interface)
        {
            let method = interface.methods[index as usize];
            let found = self.typed.lookup_field_or_method(
                selection.receiver,
                true,
                method.package,
                method.name,
            );
            let Lookup::Found {
                found,
                path,
                indirect,
            } = found
            else {
                panic!("a type argument has the methods of its constraint")
            };
            selection.path = path;
            selection.indirect = indirect;
            selection.selected = match found {
                Found::Method { object, owner } => {
                    selection.owner = types.canonical(owner);
                    Selected::Method(object)
                }
                Found::InterfaceMethod { interface, index } => {
                    Selected::InterfaceMethod { interface, index }
                }
                Found::Field { .. } => panic!("a method of a constraint is no field"),
            };
            return Some(selection);
        }
        selection.owner = self.substituted(recorded.owner);
        if let Selected::InterfaceMethod { interface, index } = recorded.selected {
            selection.selected = Selected::InterfaceMethod {
                interface: types.underlying_id(self.substituted(interface)),
                index,
            };
        }
        Some(selection)
    }

    /// The environment of a declared function that is used by this name here.
    pub(crate) fn function_environment(&mut self, id: DeclaredId, name: ExprId) -> EnvironmentId {
        let typed = self.typed;
        let function = typed.function(id);
        if function.type_parameters.is_empty() {
            return EnvironmentId::EMPTY;
        }
        let arguments = self.own_arguments(name);
        self.environment(&function.type_parameters, &arguments)
    }

    /// The type arguments given to, or inferred for, the function or method behind a name.
    fn own_arguments(&self, name: ExprId) -> Vec<Ty> {
        let instance = self.typed.instances.get(&name);
        instance.map_or_else(Vec::new, |instance| {
            let arguments = instance.arguments.iter();
            arguments.map(|&ty| self.substituted(ty)).collect()
        })
    }

    /// The environment of a declared method that a type has, which is an instance if the method belongs to a generic type. With
    /// a name, of a method with type parameters of its own that is used by that name here.
    pub(crate) fn method_environment(
        &mut self,
        method: ObjectId,
        owner: Ty,
        name: Option<ExprId>,
    ) -> EnvironmentId {
        let typed = self.typed;
        let Some(function) = typed.object(method).function().map(|id| typed.function(id)) else {
            return EnvironmentId::EMPTY;
        };
        let (receiver, own) = (&function.receiver_parameters, &function.type_parameters);
        if receiver.is_empty() && own.is_empty() {
            return EnvironmentId::EMPTY;
        }
        let mut arguments = Vec::new();
        if !receiver.is_empty() {
            arguments.extend(typed.types.type_arguments(owner));
        }
        if let (Some(name), false) = (name, own.is_empty()) {
            arguments.extend(self.own_arguments(name));
        }
        let parameters: Vec<Ty> = receiver.iter().chain(own).copied().collect();
        if parameters.len() != arguments.len() {
            panic!("a method has an argument for each of its type parameters")
        }
        self.environment(&parameters, &arguments)
    }

    /// The identifier or selector behind an instantiation with explicit type arguments; other expressions are themselves.
    pub(crate) fn uninstantiated(&self, e: ExprId) -> ExprId {
        let e = self.ast.unparen(e);
        let Expr::Index { operand, .. } = *self.ast.expr(e) else {
            return e;
        };
        let inner = self.ast.unparen(operand);
        let name = match *self.ast.expr(inner) {
            Expr::Ident(_) => inner,
            Expr::Selector { name, .. } => name,
            _ => return e,
        };
        let is_value = self.typed.type_and_value(e).is_value();
        if is_value && self.typed.instances.contains_key(&name) {
            inner
        } else {
            e
        }
    }
}
