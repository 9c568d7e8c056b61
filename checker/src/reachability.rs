//! Which functions of standard packages can be reached: those are checked and compiled, no others.
//!
//! 1. A function, method or variable that a checked body or initial value names is reached ([`Checker::add_dependency`]).
//! 2. A type that is converted to an interface is a run-time type, and so are its parts (fields, elements, what it points to).
//!    Reflection and printing may come upon values of those.
//! 3. A method of a run-time type is reached when a method of that name is called through an interface anywhere that is
//!    reached. `Error` and `String` always are, because the machine calls them when it prints a panic.
//!
//! 4. Once the program asks for methods by reflection (`reflect.Type.Method` and its like), all exported methods of run-time types
//!    are reached, and what they return is of run-time types, too.
//!
//! Bodies are checked until nothing new is reached. User packages are checked whole, whatever is reached.
//!
//! INVARIANT: a method that is not reached is never called, so an entry for it in an interface table may lead nowhere.
//! Its signature is known all the same: whether a type implements an interface does not depend on what is reached.

use parser::ast::Symbol;
use rustc_hash::FxHashSet;

use crate::checker::{Checker, Waiting};
use crate::typed::ObjectKind;
use crate::types::{ObjectId, Type, TypeId};

/// The package whose functions look at methods.
const REFLECT: &str = "reflect";
/// Its methods that give methods, of `Type` and of `Value`.
const REFLECTING: &[&str] = &["Method", "MethodByName", "Methods"];

impl Checker<'_> {
    /// Notes that the program asks for methods by reflection.
    fn reflect_methods(&mut self) {
        if std::mem::replace(&mut self.program.reflects_methods, true) {
            return;
        }
        // Whether a name is exported is the same for all methods that wait under it.
        let (exported, others) = std::mem::take(&mut self.reachability.waiting)
            .into_iter()
            .partition(|(_, methods)| methods.iter().all(|m| self.object(*m).exported));
        self.reachability.waiting = others;
        let exported: Waiting = exported;
        for method in exported.into_values().flatten() {
            self.reach_reflected(method);
        }
    }

    /// Notes that a method can be called by reflection, which gives its results as interfaces.
    fn reach_reflected(&mut self, method: ObjectId) {
        self.reach(method);
        let entity = self.object(method);
        let ObjectKind::Function {
            function: Some(function),
            ..
        } = entity.kind
        else {
            return;
        };
        // What a generic type's method gives is known only of an instance.
        if !self
            .program
            .function(function)
            .receiver_parameters
            .is_empty()
        {
            return;
        }
        let Some(signature) = self.program.types.as_signature(entity.typ) else {
            return;
        };
        let results: Vec<TypeId> = signature.results.iter().map(|result| result.typ).collect();
        for result in results {
            if !self.program.types.is_interface(result) {
                self.add_run_time_type(result);
            }
        }
    }

    /// Notes that an object can be reached.
    pub(crate) fn reach(&mut self, object: ObjectId) {
        let entity = self.object(object);
        let (name, package) = (entity.name, entity.package);
        if let ObjectKind::Function {
            function: Some(function),
            ..
        } = entity.kind
        {
            let standard = package.is_some_and(|package| self.is_standard(package));
            if standard && self.reachability.reached.insert(object) {
                self.reachability.functions.push(function);
                let package = package.map(|id| &self.program.package(id).path);
                if REFLECTING.contains(&self.names.text(name))
                    && package.is_some_and(|path| path == REFLECT)
                {
                    self.reflect_methods();
                }
            }
        } else if matches!(entity.kind, ObjectKind::Variable(_))
            && self.reachability.reached.insert(object)
        {
            self.reachability.variables.push(object);
        }
    }

    /// Notes that values of a type are put into interfaces.
    pub(crate) fn add_run_time_type(&mut self, typ: TypeId) {
        let typ = self.program.types.canonical(typ);
        self.reachability.run_time_types.insert(typ);
    }

    /// Notes that a method of this name is called through an interface.
    pub(crate) fn demand_method(&mut self, name: Symbol) {
        if self.reachability.demanded.insert(name)
            && let Some(methods) = self.reachability.waiting.swap_remove(&name)
        {
            for method in methods {
                self.reach(method);
            }
        }
        if REFLECTING.contains(&self.names.text(name))
            && !self.program.reflects_methods
            && self.program.packages.iter().any(|p| p.path == REFLECT)
        {
            self.reflect_methods();
        }
    }

    /// Checks bodies of standard packages until nothing new is reached.
    pub(crate) fn check_reachable_bodies(&mut self) {
        loop {
            if let Some(function) = self.reachability.functions.pop() {
                self.check_function_body(function);
                self.process_delayed(0);
            } else if self.reachability.looked_at < self.reachability.run_time_types.len() {
                let typ = self.reachability.run_time_types[self.reachability.looked_at];
                self.reachability.looked_at += 1;
                self.look_at_run_time_type(typ);
                self.process_delayed(0);
            } else {
                break;
            }
        }
    }

    fn look_at_run_time_type(&mut self, typ: TypeId) {
        if self.program.types.named(typ).is_some() {
            // An instance has the methods of its origin.
            for method in self.program.types.methods(typ).to_vec() {
                // The signature is needed even if the body is not.
                self.declare_object(method);
                let name = self.object(method).name;
                let reflected = self.program.reflects_methods && self.object(method).exported;
                if reflected {
                    self.reach_reflected(method);
                } else if self.reachability.demanded.contains(&name) {
                    self.reach(method);
                } else {
                    self.reachability
                        .waiting
                        .entry(name)
                        .or_default()
                        .push(method);
                }
            }
        }
        let mut parts: Vec<TypeId> = Vec::new();
        match self.program.types.underlying(typ) {
            Type::Pointer(part) | Type::Slice(part) | Type::Array(part, _) => parts.push(*part),
            Type::Chan { element, .. } => parts.push(*element),
            Type::Map { key, element } => parts.extend([*key, *element]),
            Type::Struct(fields) => parts.extend(fields.iter().map(|field| field.typ)),
            _ => {}
        }
        for part in parts {
            if !self.program.types.is_interface(part) {
                self.add_run_time_type(part);
            }
        }
    }

    /// Hands on what is to be compiled, in the order of declaration.
    pub(crate) fn finish_reachability(&mut self) {
        let reached: &FxHashSet<ObjectId> = &self.reachability.reached;
        let mut reachable = Vec::new();
        for (index, function) in self.program.functions.iter().enumerate() {
            let standard = self.program.package(function.package).standard;
            let initializer = self.program.package(function.package).init_functions.iter();
            let is_init = || initializer.clone().any(|id| id.0 as usize == index);
            if !standard || reached.contains(&function.object) || is_init() {
                reachable.push(crate::typed::FunctionId(index as u32));
            }
        }
        self.program.reachable = reachable;
    }
}
