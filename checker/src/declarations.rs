//! Declarations of constants, variables, types and functions. GO: go/types decl.go, cycles.go, validtype.go.

use diagnostics::{Code, TextRange};
use parser::ast::{ConstSpec, Decl, DeclId, Expr, ExprId, FuncDecl, List, TypeSpec, VarSpec};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::checker::{Checker, Color, Declared, Delayed, Unfinished, with_stack};
use crate::constants::Constant;
use crate::operand::Operand;
use crate::typed::{FunctionId, Mode, ObjectKind, VarKind};
use crate::types::{BasicKind, ObjectId, Type, TypeId};

/// The named types around the one being looked at, each once.
#[derive(Default)]
struct Nest {
    list: Vec<TypeId>,
    members: FxHashSet<TypeId>,
}

impl Nest {
    fn contains(&self, typ: TypeId) -> bool {
        self.members.contains(&typ)
    }

    fn push(&mut self, typ: TypeId) {
        self.list.push(typ);
        self.members.insert(typ);
    }

    fn pop(&mut self) -> Option<TypeId> {
        let typ = self.list.pop()?;
        self.members.remove(&typ);
        Some(typ)
    }
}

impl Checker<'_> {
    /// Makes the type of a package-level object known. Coming upon an object a second time on the way is a cycle, allowed or not.
    pub(crate) fn declare_object(&mut self, object: ObjectId) {
        match self.colors[object.index()] {
            Color::Black => return,
            Color::Grey => {
                let valid = self.is_valid_cycle(object);
                match self.object(object).kind {
                    ObjectKind::TypeName { alias } => {
                        if !valid {
                            self.program.objects[object.index()].typ = TypeId::INVALID;
                        } else if alias && self.object(object).typ == TypeId::INVALID {
                            // An alias on a valid cycle: what it stands for can be made again, because the defined
                            // type on the cycle is there already.
                            self.remake_alias(object);
                        }
                    }
                    ObjectKind::Constant(_) | ObjectKind::Variable(_) if !valid => {
                        self.program.objects[object.index()].typ = TypeId::INVALID;
                    }
                    _ => {}
                }
                return;
            }
            Color::White => {}
        }
        let Some(declaration) = self.declaration_of[object.index()] else {
            // A local variable used in its own initial value: its type is not known yet.
            return;
        };
        with_stack(|| self.declare_white_object(object, declaration));
    }

    fn declare_white_object(&mut self, object: ObjectId, id: crate::checker::DeclarationId) {
        self.push(object);
        let declaration = &self.declarations[id.0 as usize];
        let env = self.package_environment(declaration.package, declaration.file_scope);
        match &declaration.what {
            Declared::Constant {
                typ,
                init,
                inherited,
                iota,
            } => {
                let (typ, init, inherited, iota) = (*typ, *init, *inherited, *iota);
                self.in_environment(env, |checker| {
                    checker.env.declaration = Some(id);
                    checker.constant_declaration(object, typ, init, inherited, iota);
                });
            }
            Declared::Variable { lhs, typ, init } => {
                let (lhs, typ, init) = (lhs.clone(), *typ, *init);
                self.in_environment(env, |checker| {
                    checker.env.declaration = Some(id);
                    checker.variable_declaration(object, lhs.as_deref(), typ, init);
                });
            }
            Declared::Type(spec) => {
                let spec = *spec;
                self.in_environment(env, |checker| {
                    checker.type_declaration(object, &spec);
                    checker.collect_methods(object);
                });
            }
            Declared::Function(function) => {
                let function = *function;
                self.in_environment(env, |checker| {
                    checker.function_declaration(object, function)
                });
            }
        }
        self.pop();
    }

    pub(crate) fn push(&mut self, object: ObjectId) {
        self.colors[object.index()] = Color::Grey;
        self.path.push(object);
    }

    pub(crate) fn pop(&mut self) {
        if let Some(object) = self.path.pop() {
            self.colors[object.index()] = Color::Black;
        }
    }

    fn remake_alias(&mut self, object: ObjectId) {
        let Some(id) = self.declaration_of[object.index()] else {
            return;
        };
        let declaration = &self.declarations[id.0 as usize];
        let Declared::Type(spec) = &declaration.what else {
            return;
        };
        let ty = spec.ty;
        if !spec.type_params.is_empty() {
            return;
        }
        let env = self.package_environment(declaration.package, declaration.file_scope);
        let actual = self.in_environment(env, |checker| checker.typ(ty));
        let alias = self.program.types.intern(Type::Alias {
            object: Some(object),
            actual,
            arguments: Box::default(),
        });
        self.program.objects[object.index()].typ = alias;
    }

    // ---- cycles ----

    fn is_valid_cycle(&mut self, object: ObjectId) -> bool {
        let Some(start) = self.path.iter().rposition(|other| *other == object) else {
            return true;
        };
        let cycle = self.path[start..].to_vec();
        let mut values = 0;
        let mut definitions = 0;
        for object in &cycle {
            // A generic type in its own list of type parameters.
            if self.env.in_type_parameters
                && matches!(self.object(*object).kind, ObjectKind::TypeName { .. })
                && self.program.types.is_generic(self.object(*object).typ)
            {
                return true;
            }
            match self.object(*object).kind {
                ObjectKind::Constant(_) | ObjectKind::Variable(_) => values += 1,
                ObjectKind::TypeName { alias: false } => definitions += 1,
                _ => {}
            }
        }
        // Cycles of values alone are found when the order of initialisation is computed.
        if values == cycle.len() || values == 0 && definitions > 0 {
            return true;
        }
        let first = self.first_in_source(&cycle);
        self.report_cycle(&cycle, first);
        false
    }

    pub(crate) fn first_in_source(&self, cycle: &[ObjectId]) -> usize {
        let place = |index: &usize| {
            self.object(cycle[*index])
                .range
                .map(|range| (range.file, range.start))
        };
        (0..cycle.len()).min_by_key(place).unwrap_or(0)
    }

    pub(crate) fn report_cycle(&mut self, cycle: &[ObjectId], start: usize) {
        let is_type = matches!(self.object(cycle[start]).kind, ObjectKind::TypeName { .. });
        let links: Vec<(String, TextRange)> = cycle
            .iter()
            .map(|object| self.object_link(*object))
            .collect();
        self.report_links(&links, start, is_type);
    }

    /// An object as messages about cycles show it, and where it is declared.
    fn object_link(&self, object: ObjectId) -> (String, TextRange) {
        let object = self.object(object);
        let text = self.text(object.name);
        let text = match object.package {
            Some(package) if package != self.env.package => {
                format!("{}.{text}", self.text(self.program.package(package).name))
            }
            _ => text.to_owned(),
        };
        (text, object.range.unwrap_or_default())
    }

    /// The same of a named type; of an instance, its text and where it is written first.
    fn type_link(&self, typ: TypeId) -> (String, TextRange) {
        let typ = self.program.types.unalias(typ);
        let Some(named) = self.program.types.named(typ) else {
            return (self.type_text(typ), TextRange::default());
        };
        let (text, declared) = self.object_link(named.object);
        if named.origin.is_none() {
            return (text, declared);
        }
        let place = self.instance_places.get(&self.program.types.canonical(typ));
        (self.type_text(typ), place.copied().unwrap_or(declared))
    }

    fn report_links(&mut self, links: &[(String, TextRange)], start: usize, is_type: bool) {
        let what = if is_type {
            "invalid recursive type"
        } else {
            "invalid cycle in declaration"
        };
        let (name, range) = &links[start];
        if links.len() == 1 {
            let message = format!("{what}: {name} refers to itself");
            self.report(Code::InvalidCycle, *range, message);
            return;
        }
        let of = if is_type { "" } else { " of" };
        let mut message = format!("{what}{of} {name}");
        for index in 0..links.len() {
            let (name, place) = &links[(start + index) % links.len()];
            let (next, _) = &links[(start + index + 1) % links.len()];
            message.push_str(&format!(
                "\n\t{}: {name} refers to {next}",
                self.sources.position(*place)
            ));
        }
        self.report(Code::InvalidCycle, *range, message);
    }

    /// Is the type's declaration finished? If not, it is used within itself, which is reported.
    pub(crate) fn is_complete(&mut self, typ: TypeId) -> bool {
        let mut typ = typ;
        loop {
            let (object, actual) = match self.program.types.get(typ) {
                Type::Named(_) => (self.program.types.named(typ).map(|n| n.object), None),
                Type::Alias { object, actual, .. } => (*object, Some(*actual)),
                _ => (None, None),
            };
            if let Some(object) = object
                && self.colors[object.index()] == Color::Grey
                && let Some(start) = self.path.iter().rposition(|other| *other == object)
            {
                let cycle = self.path[start..].to_vec();
                let first = self.first_in_source(&cycle);
                self.report_cycle(&cycle, first);
                return false;
            }
            match actual {
                Some(actual) => typ = actual,
                None => return true,
            }
        }
    }

    /// Reports a type that contains itself directly: through fields, array elements, embedded interfaces and terms.
    pub(crate) fn check_valid_type(&mut self, typ: TypeId) {
        self.valid_type_step(typ, &mut Nest::default(), &mut Vec::new());
    }

    /// Follows what a type contains. `nest` are the named types around, `path` those and the ones whose type arguments are being looked at.
    /// An instance is followed as its origin was written, its type parameters standing for the arguments, which lie in the nest around it: so
    /// this ends also for instances that grow. GO: validtype.go.
    fn valid_type_step(&mut self, typ: TypeId, nest: &mut Nest, path: &mut Vec<TypeId>) -> bool {
        let typ = self.program.types.unalias(typ);
        match self.program.types.get(typ) {
            Type::Array(element, _) => {
                let element = *element;
                with_stack(|| self.valid_type_step(element, nest, path))
            }
            Type::Struct(fields) => {
                let fields: Vec<TypeId> = fields.iter().map(|field| field.typ).collect();
                self.valid_type_steps(fields, nest, path)
            }
            Type::Union(terms) => {
                let terms = terms.iter().map(|term| term.typ).collect();
                self.valid_type_steps(terms, nest, path)
            }
            Type::Interface(interface) => {
                let embedded = match &interface.written {
                    Some(written) => written.embedded.to_vec(),
                    None => return true,
                };
                self.valid_type_steps(embedded, nest, path)
            }
            Type::TypeParameter(_) => {
                let Some(instance) = nest.pop() else {
                    return true;
                };
                let types = &self.program.types;
                let formal = types.formal_parameters(types.origin(instance));
                let place = formal.iter().position(|parameter| *parameter == typ);
                let argument =
                    place.and_then(|place| types.type_arguments(instance).get(place).copied());
                let valid = match argument {
                    Some(argument) => with_stack(|| self.valid_type_step(argument, nest, path)),
                    None => true,
                };
                nest.push(instance);
                valid
            }
            Type::Named(_) => self.valid_named_type(typ, nest, path),
            _ => true,
        }
    }

    fn valid_type_steps(
        &mut self,
        types: Vec<TypeId>,
        nest: &mut Nest,
        path: &mut Vec<TypeId>,
    ) -> bool {
        types
            .into_iter()
            .all(|typ| with_stack(|| self.valid_type_step(typ, nest, path)))
    }

    fn valid_named_type(&mut self, typ: TypeId, nest: &mut Nest, path: &mut Vec<TypeId>) -> bool {
        let types = &self.program.types;
        let typ = types.canonical(typ);
        // What mentions no type parameter is valid or not wherever it stands.
        if self.valid_types.contains(&typ) {
            return true;
        }
        if nest.contains(typ) {
            let start = path.iter().position(|other| *other == typ).unwrap_or(0);
            let cycle = &path[start..];
            let origin = types.origin(typ);
            let is_instance =
                |named: &TypeId| types.named(*named).is_some_and(|n| n.origin.is_some());
            // Through instances the order in the source tells nothing.
            let first = if cycle.iter().any(is_instance) {
                0
            } else {
                let objects: Vec<ObjectId> = cycle
                    .iter()
                    .filter_map(|named| types.named(*named).map(|named| named.object))
                    .collect();
                self.first_in_source(&objects)
            };
            let links: Vec<_> = cycle.iter().map(|typ| self.type_link(*typ)).collect();
            self.report_links(&links, first, true);
            self.program.types.set_underlying(origin, TypeId::INVALID);
            return false;
        }
        let origin = types.origin(typ);
        // What is wrong with an invalid one has been said.
        if types.is_unfinished(origin) || types.underlying_id(origin) == TypeId::INVALID {
            return true;
        }
        let underlying = match self.declared_as.get(&origin) {
            Some(other) => *other,
            None => types.underlying_id(origin),
        };
        let closed = !types.is_parameterized(typ) && !types.is_generic(typ);
        nest.push(typ);
        path.push(typ);
        let valid = with_stack(|| self.valid_type_step(underlying, nest, path));
        nest.pop();
        path.pop();
        if valid && closed {
            self.valid_types.insert(typ);
        }
        valid
    }

    // ---- constants and variables ----

    pub(crate) fn constant_declaration(
        &mut self,
        object: ObjectId,
        typ: Option<ExprId>,
        init: Option<ExprId>,
        inherited: bool,
        iota: u32,
    ) {
        let saved = (self.env.iota.replace(iota), self.env.error_place.take());
        let mut declared = None;
        let mut valid = true;
        if let Some(expr) = typ {
            let typ = self.typ(expr);
            if !self.program.types.is_constant_type(typ) {
                if self.program.types.underlying_id(typ) != TypeId::INVALID {
                    let message = format!("invalid constant type {}", self.type_text(typ));
                    self.report_expr(Code::InvalidType, expr, message);
                }
                valid = false;
            } else {
                declared = Some(typ);
                self.program.objects[object.index()].typ = typ;
            }
        }
        if valid {
            let mut x = None;
            if let Some(init) = init {
                if inherited {
                    self.env.error_place = self.object(object).range;
                }
                let mut operand = Operand::invalid(init);
                self.expr(&mut operand, init);
                x = Some(operand);
            }
            self.initialize_constant(object, declared, x);
        }
        (self.env.iota, self.env.error_place) = saved;
        self.set_type(object, self.object(object).typ);
    }

    fn initialize_constant(
        &mut self,
        object: ObjectId,
        declared: Option<TypeId>,
        x: Option<Operand>,
    ) {
        let Some(mut x) = x else { return };
        if !x.is_valid() || !self.program.types.is_valid(x.typ) {
            return;
        }
        if !x.is_constant() {
            let message = format!("{} is not constant", self.operand_string(&x));
            self.report_operand(Code::NotConstant, &x, message);
            if declared.is_none() {
                self.program.objects[object.index()].typ = TypeId::INVALID;
            }
            return;
        }
        let typ = declared.unwrap_or(x.typ);
        self.program.objects[object.index()].typ = typ;
        self.assignment(&mut x, Some(typ), "constant declaration");
        if x.is_valid() {
            self.program.objects[object.index()].kind = ObjectKind::Constant(x.value);
        }
    }

    pub(crate) fn variable_declaration(
        &mut self,
        object: ObjectId,
        lhs: Option<&[ObjectId]>,
        typ: Option<ExprId>,
        init: Option<ExprId>,
    ) {
        let mut declared = None;
        if let Some(expr) = typ {
            let typ = self.variable_type(expr);
            self.program.objects[object.index()].typ = typ;
            declared = Some(typ);
        }
        let Some(init) = init else {
            self.set_type(object, declared.unwrap_or(TypeId::INVALID));
            return;
        };
        match lhs {
            Some(lhs) if lhs.len() > 1 => {
                if let Some(typ) = declared {
                    for other in lhs {
                        self.set_type(*other, typ);
                    }
                }
                self.initialize_variables(lhs, &[init], None);
            }
            _ => {
                let mut x = Operand::invalid(init);
                let target = self.target(declared, |checker| {
                    checker.text(checker.object(object).name).to_owned()
                });
                self.expr_for(&mut x, init, target.as_ref());
                self.initialize_variable(object, declared, &mut x, "variable declaration");
            }
        }
    }

    // ---- types ----

    pub(crate) fn type_declaration(&mut self, object: ObjectId, spec: &TypeSpec) {
        let outer = self.env.scope;
        if !spec.type_params.is_empty() {
            self.open_scope();
        }
        self.type_declaration_in_scope(object, spec);
        self.close_scope(outer);
    }

    fn type_declaration_in_scope(&mut self, object: ObjectId, spec: &TypeSpec) {
        let first = self.ast.list(spec.type_params).first();
        let first = first.map(|parameter| self.range(parameter.name));
        if spec.alias.is_some() {
            let allowed = first.is_none_or(|first| self.require(first, 23, "generic type alias"));
            if allowed {
                self.require(self.range(spec.name), 9, "type alias");
            }
            let parameters = self.collect_type_parameters(spec.type_params, |_, _| {});
            let mut actual = self.typ(spec.ty);
            if !parameters.is_empty() {
                if parameters.contains(&self.program.types.unalias(actual)) {
                    self.report_expr(
                        Code::MisplacedTypeParameter,
                        spec.ty,
                        "cannot use type parameter declared in alias declaration as RHS",
                    );
                    actual = TypeId::INVALID;
                }
                self.program
                    .types
                    .alias_parameters
                    .insert(object, parameters.into());
            }
            if self.object(object).typ != TypeId::INVALID || self.program.types.is_valid(actual) {
                let alias = self.program.types.intern(Type::Alias {
                    object: Some(object),
                    actual,
                    arguments: Box::default(),
                });
                self.set_type(object, alias);
            } else {
                self.set_type(object, TypeId::INVALID);
            }
            return;
        }
        if let Some(first) = first {
            self.require(first, 18, "type parameter");
        }
        let ambient = Box::from(&*self.env.ambient);
        let named = self.program.types.new_named(object, ambient);
        self.program.objects[object.index()].typ = named;
        if !spec.type_params.is_empty() {
            self.collect_type_parameters(spec.type_params, |checker, parameters| {
                if let Some(named) = checker.program.types.named_mut(named) {
                    named.parameters = parameters.into();
                }
            });
        }
        self.delayed.push(Delayed::ValidType {
            typ: named,
            package: self.env.package,
        });
        if let Expr::InterfaceType { elements } = *self.ast.expr(spec.ty) {
            let elements = self.interface_elements(elements);
            let elements = Box::new(elements);
            let expr = spec.ty;
            let what = Unfinished::Interface { expr, elements };
            if !self.awaited(&what).is_empty() {
                self.wait_for_underlying(named, what);
            } else if let Unfinished::Interface { elements, .. } = what {
                let actual = self.finish_interface(*elements);
                self.record_type(spec.ty, Mode::Type, actual, None);
                self.finish_type(named, actual);
            }
        } else {
            let mut actual = self.typ(spec.ty);
            if self.program.types.is_type_parameter(actual) {
                self.report_expr(
                    Code::MisplacedTypeParameter,
                    spec.ty,
                    "cannot use a type parameter as RHS in type declaration",
                );
                actual = TypeId::INVALID;
            }
            self.set_underlying(named, actual);
        }
        if self.object(object).typ == TypeId::INVALID {
            // A cycle through it was reported.
            self.program.types.set_underlying(named, TypeId::INVALID);
        }
    }

    /// Sets the underlying type, at once or when that of `actual` is known.
    fn set_underlying(&mut self, named: TypeId, actual: TypeId) {
        let target = self.program.types.unalias(actual);
        if self.program.types.named(target).is_some() {
            self.declared_as.insert(named, target);
        }
        if self.program.types.is_unfinished(target) {
            self.wait_for_underlying(named, Unfinished::Type(target));
        } else {
            self.finish_type(named, target);
        }
    }

    /// The unfinished types that a type waits for.
    pub(crate) fn awaited(&self, what: &Unfinished) -> Vec<TypeId> {
        let types = &self.program.types;
        let mut out = self.awaited_as_written(what);
        for typ in &mut out {
            *typ = types.origin(*typ);
        }
        out.retain(|typ| types.is_unfinished(*typ));
        out
    }

    fn awaited_as_written(&self, what: &Unfinished) -> Vec<TypeId> {
        let types = &self.program.types;
        match what {
            Unfinished::Type(typ) | Unfinished::ConstraintAgain { typ, .. } => vec![*typ],
            Unfinished::Interface { elements, .. } | Unfinished::Constraint { elements, .. } => {
                elements
                    .embedded
                    .iter()
                    .flat_map(|(typ, _)| match types.get(*typ) {
                        Type::Union(terms) => terms.iter().map(|term| term.typ).collect(),
                        _ => vec![*typ],
                    })
                    .collect()
            }
        }
    }

    /// Notes that a type waits for others. Types that wait for each other are an error.
    fn wait_for_underlying(&mut self, named: TypeId, what: Unfinished) {
        // Breadth first, so that the shortest cycle is found.
        let mut reached: Vec<(TypeId, usize)> = Vec::new();
        let mut next = self.awaited(&what);
        let mut from = usize::MAX;
        let cycle = 'search: loop {
            for typ in std::mem::take(&mut next) {
                if typ == named {
                    let mut cycle = Vec::new();
                    while let Some(&(typ, before)) = reached.get(from) {
                        cycle.push(typ);
                        from = before;
                    }
                    cycle.push(named);
                    cycle.reverse();
                    break 'search cycle;
                }
                if reached.iter().all(|(other, _)| *other != typ) {
                    reached.push((typ, from));
                }
            }
            from = from.wrapping_add(1);
            let Some(&(typ, _)) = reached.get(from) else {
                self.unfinished.push((named, what));
                return;
            };
            if let Some((_, what)) = self.unfinished.iter().find(|(waiting, _)| *waiting == typ) {
                next = self.awaited(what);
            }
        };
        let types = &self.program.types;
        let objects: Vec<ObjectId> = cycle
            .iter()
            .filter_map(|typ| types.named(*typ).map(|named| named.object))
            .collect();
        let first = self.first_in_source(&objects);
        // What each type on the cycle mentions of the next.
        let mentioned: Vec<TypeId> = cycle
            .iter()
            .zip(cycle.iter().cycle().skip(1))
            .map(|(typ, next)| {
                let waiting = self.unfinished.iter().find(|(waiting, _)| waiting == typ);
                let what = waiting.map_or(&what, |(_, what)| what);
                let written = self.awaited_as_written(what);
                let found = written.into_iter().find(|typ| types.origin(*typ) == *next);
                found.unwrap_or(*next)
            })
            .collect();
        let is_instance = |typ: &TypeId| types.named(*typ).is_some_and(|n| n.origin.is_some());
        if mentioned.iter().any(is_instance) {
            let links: Vec<_> = mentioned.iter().map(|typ| self.type_link(*typ)).collect();
            self.report_links(&links, first, true);
        } else {
            self.report_cycle(&objects, first);
        }
        self.unfinished
            .retain(|(waiting, _)| !cycle.contains(waiting));
        for typ in cycle {
            self.finish_type(typ, TypeId::INVALID);
        }
    }

    /// Sets the underlying type of a type, and of those that waited for it.
    fn finish_type(&mut self, named: TypeId, target: TypeId) {
        let mut work = vec![(named, target)];
        while let Some((named, target)) = work.pop() {
            self.program.types.set_underlying(named, target);
            let mut index = 0;
            while index < self.unfinished.len() {
                if !self.awaited(&self.unfinished[index].1).is_empty() {
                    index += 1;
                    continue;
                }
                let (waiting, what) = self.unfinished.swap_remove(index);
                let actual = match what {
                    Unfinished::Constraint { .. } => {
                        self.finish_constraint(what);
                        continue;
                    }
                    Unfinished::ConstraintAgain {
                        expr,
                        parameters,
                        environment,
                        ..
                    } => {
                        self.set_bound_again(expr, parameters, *environment);
                        continue;
                    }
                    Unfinished::Type(typ) => typ,
                    Unfinished::Interface { expr, elements } => {
                        let typ = self.finish_interface(*elements);
                        self.record_type(expr, Mode::Type, typ, None);
                        typ
                    }
                };
                work.push((waiting, actual));
            }
        }
    }

    /// Gives a declared type its methods. Their types come when they are needed.
    pub(crate) fn collect_methods(&mut self, object: ObjectId) {
        let Some(package) = self.object(object).package else {
            return;
        };
        let Some(methods) = self.packages[package.index()].methods.remove(&object) else {
            return;
        };
        let base = self.object(object).typ;
        if self.program.types.named(base).is_none() {
            return;
        }
        let mut seen: FxHashMap<_, ObjectId> = FxHashMap::default();
        let mut kept = Vec::with_capacity(methods.len());
        for method in methods {
            let name = self.object(method).name;
            if let Some(other) = seen.get(&name) {
                let other = self.object(*other).range.unwrap_or_default();
                let range = self.object(method).range.unwrap_or_default();
                let message = format!(
                    "method {}.{} already declared at {}",
                    self.text(self.object(object).name),
                    self.text(name),
                    self.sources.position(other)
                );
                self.report(Code::Redeclared, range, message);
                continue;
            }
            seen.insert(name, method);
            if let ObjectKind::Function { receiver_base, .. } =
                &mut self.program.objects[method.index()].kind
            {
                *receiver_base = Some(base);
            }
            kept.push(method);
        }
        if let Some(named) = self.program.types.named_mut(base) {
            named.methods = kept;
        }
        self.delayed
            .push(Delayed::FieldUniqueness { typ: base, package });
    }

    pub(crate) fn check_field_uniqueness(&mut self, base: TypeId) {
        let Some(fields) = self.program.types.as_struct(base) else {
            return;
        };
        let fields: Vec<_> = fields.iter().map(|field| field.name).collect();
        let Some(named) = self.program.types.named(base) else {
            return;
        };
        let ranges = self.member_ranges.get(
            &self
                .program
                .types
                .canonical(self.program.types.underlying_id(base)),
        );
        let mut found = Vec::new();
        let methods: FxHashMap<_, ObjectId> = named
            .methods
            .iter()
            .map(|method| (self.object(*method).name, *method))
            .collect();
        for (index, name) in fields.iter().enumerate() {
            if let Some(method) = methods.get(name) {
                let other = ranges
                    .and_then(|ranges| ranges.get(index).copied())
                    .unwrap_or_default();
                found.push((*name, self.object(*method).range.unwrap_or_default(), other));
            }
        }
        for (name, range, other) in found {
            let text = self.text(name);
            let message = format!(
                "field and method with the same name {text}\n\t{}: other declaration of {text}",
                self.sources.position(other)
            );
            self.report(Code::Redeclared, range, message);
        }
    }

    // ---- functions ----

    fn function_declaration(&mut self, object: ObjectId, id: FunctionId) {
        let function = &self.program.functions[id.0 as usize];
        let Decl::Func(declaration) = *self.ast.decl(function.declaration) else {
            return;
        };
        let outer = self.env.scope;
        let base = declaration
            .receiver
            .map(|param| self.receiver_base(param.ty));
        let generic_receiver =
            base.is_some_and(|base| matches!(self.ast.expr(base), Expr::Index { .. }));
        if generic_receiver || !declaration.type_params.is_empty() {
            self.open_scope();
            self.function_scopes.insert(id, self.env.scope);
        }
        self.function_declaration_in_scope(object, id, &declaration);
        self.close_scope(outer);
    }

    fn function_declaration_in_scope(
        &mut self,
        object: ObjectId,
        id: FunctionId,
        declaration: &FuncDecl,
    ) {
        let mut receiver = None;
        if let Some(param) = declaration.receiver {
            let base = self.receiver_base(param.ty);
            let typ = match *self.ast.expr(base) {
                Expr::Index { operand, indices } => {
                    let pointer = base != self.ast.unparen(param.ty);
                    self.require(self.range(operand), 18, "type instantiation");
                    let typ = self.generic_receiver(id, base, operand, indices);
                    if pointer && self.program.types.is_valid(typ) {
                        self.program.types.pointer(typ)
                    } else {
                        typ
                    }
                }
                _ => self.receiver_type(param.ty, base),
            };
            let range = self.range(base);
            self.delayed.push(Delayed::Receiver {
                typ,
                range,
                package: self.env.package,
            });
            let name = param
                .name
                .and_then(|name| self.ast.ident(name))
                .unwrap_or(parser::ast::Symbol::EMPTY);
            let place = self.range(param.name.unwrap_or(param.ty));
            receiver = Some((
                self.new_variable(VarKind::Receiver, name, place, Some(typ)),
                param.name,
            ));
        }
        if let Some(first) = self.ast.list(declaration.type_params).first() {
            let range = self.range(first.name);
            match declaration.receiver {
                Some(_) => self.require(range, 27, "generic method"),
                None => self.require(range, 18, "type parameter"),
            };
        }
        let type_parameters = if declaration.type_params.is_empty() {
            Vec::new()
        } else {
            self.collect_type_parameters(declaration.type_params, |_, _| {})
        };
        if !type_parameters.is_empty() && declaration.body.is_none() {
            self.report_expr(
                Code::MissingBody,
                declaration.name,
                "generic function is missing function body",
            );
        }
        self.program.functions[id.0 as usize].type_parameters = type_parameters.clone();
        let (typ, parameters, results) = self.function_signature(declaration.ty, &type_parameters);
        self.program.objects[object.index()].typ = typ;
        let function = &mut self.program.functions[id.0 as usize];
        function.receiver = receiver.map(|(variable, _)| variable);
        function.parameters = parameters.iter().map(|(variable, _)| *variable).collect();
        function.results = results.iter().map(|(variable, _)| *variable).collect();
        let reference = crate::typed::FunctionRef::Declared(id);
        for (variable, _) in receiver.iter().chain(&parameters).chain(&results) {
            if let Some(variable) = self.variable_mut(*variable) {
                variable.function = Some(reference);
            }
        }
        let all = receiver
            .into_iter()
            .chain(parameters)
            .chain(results)
            .collect();
        self.function_variables.insert(id, all);
    }

    /// The type of a receiver without type parameters.
    fn receiver_type(&mut self, ty: ExprId, base: ExprId) -> TypeId {
        let typ = self.variable_type(ty);
        // Along aliases and pointers to them.
        let types = &self.program.types;
        let mut named = typ;
        loop {
            named = match types.get(named) {
                Type::Pointer(base) => *base,
                Type::Alias {
                    actual, arguments, ..
                } if arguments.is_empty() => *actual,
                _ => break,
            };
        }
        let instance = matches!(types.get(named), Type::Alias { .. })
            || types.named(named).is_some_and(|n| n.origin.is_some());
        if !instance {
            return typ;
        }
        let message = format!(
            "cannot define new methods on instantiated type {}",
            self.type_text(named)
        );
        self.report_expr(Code::InvalidReceiver, base, message);
        TypeId::INVALID
    }

    /// The type of a receiver `T[A, B]`, which declares type parameters of its own for those of `T`. GO: signature.go `collectRecv`.
    fn generic_receiver(
        &mut self,
        id: FunctionId,
        expr: ExprId,
        operand: ExprId,
        indices: List<ExprId>,
    ) -> TypeId {
        // Before the type parameters are declared, which may have its name.
        let mut base = self.generic_type(operand);
        if self.program.types.is_valid(base) {
            if !self.program.types.is_generic(base) {
                let message = format!("{} is not a generic type", self.type_text(base));
                self.report_expr(Code::InvalidReceiver, operand, message);
                base = TypeId::INVALID;
            } else if matches!(self.program.types.get(base), Type::Alias { .. }) {
                let message = format!(
                    "cannot define new methods on generic alias type {}",
                    self.type_text(base)
                );
                self.report_expr(Code::InvalidReceiver, operand, message);
                base = TypeId::INVALID;
            }
        }
        let mut parameters = Vec::new();
        for (index, argument) in self.ast.list(indices).iter().enumerate() {
            if !matches!(self.ast.expr(*argument), Expr::Ident(_) | Expr::Bad) {
                let message = format!(
                    "receiver type parameter {} must be an identifier",
                    self.expression_text(*argument)
                );
                self.report_expr(Code::InvalidReceiver, *argument, message);
            }
            let parameter = self.declare_type_parameter(*argument, index);
            self.record_type(*argument, Mode::Type, parameter, None);
            parameters.push(parameter);
        }
        self.program.functions[id.0 as usize].receiver_parameters = parameters.clone();
        if !self.program.types.is_valid(base) {
            return TypeId::INVALID;
        }
        let declared = self.program.types.type_parameters(base).to_vec();
        if declared.len() != parameters.len() {
            let plural = if parameters.len() == 1 { "" } else { "s" };
            let message = format!(
                "receiver declares {} type parameter{plural}, but receiver base type declares {}",
                parameters.len(),
                declared.len()
            );
            self.report_expr(Code::InvalidReceiver, operand, message);
            return TypeId::INVALID;
        }
        for (parameter, declared_parameter) in parameters.iter().zip(&declared) {
            self.instantiations
                .same(&self.program.types, *parameter, *declared_parameter);
            let types = &self.program.types;
            if let Some(constraint) = types.constraint(*declared_parameter) {
                let constraint = types.substitute(constraint, &declared, &parameters);
                types.set_constraint(*parameter, constraint);
            }
        }
        let typ = self.program.types.instance(base, &parameters);
        self.record_instance(operand, &parameters, typ);
        self.record_type(expr, Mode::Type, typ, None);
        typ
    }

    /// The receiver's type without parentheses and pointer.
    pub(crate) fn receiver_base(&self, expr: ExprId) -> ExprId {
        let base = self.ast.unparen(expr);
        match *self.ast.expr(base) {
            Expr::Star(inner) => self.ast.unparen(inner),
            _ => base,
        }
    }

    pub(crate) fn check_receiver(&mut self, typ: TypeId, range: diagnostics::TextRange) {
        let (base, _) = self.program.dereference(typ);
        let text = self.type_text(base);
        let base = self.program.types.unalias(base);
        if !self.program.types.is_valid(base) {
            return;
        }
        match self.program.types.get(base) {
            Type::Named(_) => {
                let object = self.program.types.named(base).map(|named| named.object);
                let package = object.and_then(|object| self.object(object).package);
                if package != Some(self.env.package) {
                    let message = format!("cannot define new methods on non-local type {text}");
                    self.report(Code::InvalidReceiver, range, message);
                } else if matches!(
                    self.program.types.underlying(base),
                    Type::Pointer(_) | Type::Interface(_)
                ) {
                    let message =
                        format!("invalid receiver type {text} (pointer or interface type)");
                    self.report(Code::InvalidReceiver, range, message);
                }
            }
            Type::Basic(_) => {
                let message = format!("cannot define new methods on non-local type {text}");
                self.report(Code::InvalidReceiver, range, message);
            }
            _ => {
                let message = format!("invalid receiver type {}", self.type_text(typ));
                self.report(Code::InvalidReceiver, range, message);
            }
        }
    }

    // ---- delayed checks of types ----

    pub(crate) fn check_embedded_field(&mut self, typ: TypeId, range: diagnostics::TextRange) {
        let (base, is_pointer) = self.program.dereference(typ);
        if !self.program.types.is_valid(base) {
            return;
        }
        if self.program.types.is_type_parameter(base) {
            let message = "embedded field type cannot be a (pointer to a) type parameter";
            self.report(Code::MisplacedTypeParameter, range, message);
            return;
        }
        match self.program.types.underlying(base) {
            Type::Pointer(_) => {
                self.report(
                    Code::InvalidType,
                    range,
                    "embedded field type cannot be a pointer",
                );
            }
            Type::Interface(_) if is_pointer => {
                self.report(
                    Code::InvalidType,
                    range,
                    "embedded field type cannot be a pointer to an interface",
                );
            }
            _ => {}
        }
    }

    pub(crate) fn check_map_key(&mut self, key: TypeId, at: ExprId) {
        if self.program.types.underlying_id(key) == TypeId::INVALID {
            return;
        }
        if !self.program.types.is_comparable(key)
            && self.program.types.basic(key) != Some(BasicKind::Invalid)
        {
            let why = if self.program.types.is_type_parameter(key) {
                " (missing comparable constraint)"
            } else {
                ""
            };
            let message = format!("invalid map key type {}{why}", self.type_text(key));
            let hint = self.hint_map_key(key);
            self.report_with(Code::InvalidType, self.range(at), message, hint);
        }
    }

    // ---- declarations in functions ----

    pub(crate) fn declaration_statement(&mut self, decl: DeclId) {
        match *self.ast.decl(decl) {
            Decl::Bad | Decl::Func(_) => {}
            // Declared already.
            Decl::Const(_) | Decl::Type(_) if self.at_script_level() => {}
            Decl::Const(specs) => self.constant_statement(specs),
            Decl::Var(specs) => {
                for spec in self.ast.list(specs) {
                    self.variable_statement(spec);
                }
            }
            Decl::Type(specs) => {
                for spec in self.ast.list(specs) {
                    let Some(name) = self.ast.ident(spec.name) else {
                        continue;
                    };
                    let range = self.range(spec.name);
                    let kind = ObjectKind::TypeName {
                        alias: spec.alias.is_some(),
                    };
                    let object = self.new_object(kind, name, Some(range), Color::White);
                    if spec.alias.is_none() {
                        self.program.local_types.insert(object, 0);
                    }
                    self.declare(self.env.scope, Some(spec.name), object);
                    self.push(object);
                    self.type_declaration(object, spec);
                    self.pop();
                }
            }
        }
    }

    fn constant_statement(&mut self, specs: List<ConstSpec>) {
        let mut typ = None;
        let mut values: List<ExprId> = List::EMPTY;
        for (index, spec) in self.ast.list(specs).iter().enumerate() {
            let top = self.delayed.len();
            let inherited = index > 0 && spec.ty.is_none() && spec.values.is_empty();
            if !inherited {
                (typ, values) = (spec.ty, spec.values);
            }
            let list = self.ast.list(values);
            let names = self.ast.list(spec.names);
            let mut objects = Vec::with_capacity(names.len());
            for (index, ident) in names.iter().enumerate() {
                let name = self.ast.ident(*ident).unwrap_or(parser::ast::Symbol::BLANK);
                let kind = ObjectKind::Constant(Constant::Unknown);
                let object = self.new_object(kind, name, Some(self.range(*ident)), Color::White);
                self.constant_declaration(
                    object,
                    typ,
                    list.get(index).copied(),
                    inherited,
                    spec.iota,
                );
                objects.push(object);
            }
            self.check_arity(spec.range, names, list, true, inherited);
            self.process_delayed(top);
            for (ident, object) in names.iter().zip(objects) {
                self.declare(self.env.scope, Some(*ident), object);
            }
        }
    }

    fn variable_statement(&mut self, spec: &VarSpec) {
        let top = self.delayed.len();
        let names = self.ast.list(spec.names);
        let values = self.ast.list(spec.values);
        let mut objects = Vec::with_capacity(names.len());
        for ident in names {
            let name = self.ast.ident(*ident).unwrap_or(parser::ast::Symbol::BLANK);
            let range = self.range(*ident);
            let kind = self.kind_of_new_variable(name);
            objects.push(self.new_variable(kind, name, range, None));
        }
        for (index, object) in objects.iter().enumerate() {
            let (lhs, init) = if values.len() == names.len() {
                (None, Some(values[index]))
            } else if values.len() == 1 {
                (Some(&objects[..]), Some(values[0]))
            } else {
                (None, values.get(index).copied())
            };
            self.variable_declaration(*object, lhs, spec.ty, init);
            if values.len() == 1 {
                break;
            }
        }
        if spec.ty.is_none() || !values.is_empty() {
            self.check_arity(spec.range, names, values, false, false);
        }
        self.process_delayed(top);
        for (ident, object) in names.iter().zip(objects) {
            self.colors[object.index()] = Color::Black;
            if !self.declare(self.env.scope, Some(*ident), object) {
                continue;
            }
            if self.at_script_level() {
                let typ = self.object(object).typ;
                self.record_type(*ident, Mode::Variable, typ, None);
            } else {
                self.local_variables.push(object);
            }
        }
    }

    /// Do names and values of a declaration match in number? A single call may give several values; that is seen elsewhere.
    pub(crate) fn check_arity(
        &mut self,
        place: diagnostics::TextRange,
        names: &[ExprId],
        values: &[ExprId],
        constants: bool,
        inherited: bool,
    ) {
        let (l, r) = (names.len(), values.len());
        if l < r {
            let extra = values[l];
            if inherited {
                let message = format!(
                    "extra init expr at {}",
                    self.sources.position(self.range(extra))
                );
                self.report(Code::AssignmentMismatch, place, message);
            } else {
                let message = format!("extra init expr {}", self.expression_text(extra));
                self.report_expr(Code::AssignmentMismatch, extra, message);
            }
        } else if l > r && (constants || r != 1) {
            let name = names[r];
            let message = format!("missing init expr for {}", self.expression_text(name));
            self.report_expr(Code::AssignmentMismatch, name, message);
        }
    }
}
