//! May a value be assigned to a variable of a type? SPEC: Assignability. GO: go/types operand.go `assignableTo`, instantiate.go `implements`.

use diagnostics::Code;

use crate::checker::{Checker, with_stack};
use crate::lookup::{Found, Lookup, NameMatch};
use crate::operand::Operand;
use crate::types::{BasicKind, ChanDirection, Term, Type, TypeId};

/// Why a value is not assignable, for the message; empty if there is nothing more to say.
pub(crate) type Cause = String;

impl Checker<'_> {
    /// Is the operand assignable to a variable of the type? Fills the cause if it is not.
    pub(crate) fn assignable(
        &mut self,
        x: &Operand,
        target: TypeId,
        cause: Option<&mut Cause>,
    ) -> bool {
        let types = &self.program.types;
        if !x.is_valid() || !types.is_valid(target) || !types.is_valid(x.typ) {
            return true;
        }
        if types.identical(x.typ, target) {
            return true;
        }
        let source = types.unalias(x.typ);
        let written = target;
        let target = types.unalias(target);
        let from_parameter = types.is_type_parameter(source);
        let to_parameter = types.is_type_parameter(target);
        if types.is_untyped(types.underlying_id(source)) {
            return self.implicit_type_and_value(x, target).is_ok();
        }
        let source_under = types.underlying_id(source);
        let target_under = types.underlying_id(target);
        let one_unnamed = !types.has_name(source) || !types.has_name(target);
        if types.identical(source_under, target_under)
            && one_unnamed
            && !from_parameter
            && !to_parameter
        {
            return true;
        }
        let mut cause = cause;
        if types.is_interface(target_under) && !to_parameter
            || self.is_interface_pointer(target_under)
        {
            if self.implements(source, target, cause.as_deref_mut()) {
                return true;
            }
            if !from_parameter {
                return false;
            }
            if let Some(cause) = cause.as_deref_mut() {
                cause.clear();
            }
        }
        if self.program.types.is_interface(source_under)
            && !from_parameter
            && self.implements(target, source, None)
        {
            if let Some(cause) = cause {
                *cause = "need type assertion".to_owned();
            }
            return false;
        }
        let types = &self.program.types;
        if let (
            Type::Chan {
                direction: ChanDirection::Both,
                element,
            },
            Type::Chan { element: other, .. },
        ) = (types.get(source_under), types.get(target_under))
            && types.identical(*element, *other)
        {
            return one_unnamed;
        }
        if (from_parameter || to_parameter) && one_unnamed {
            return self.assignable_by_terms(x, target, written, cause);
        }
        false
    }

    /// Assignability where one type is a type parameter and the other has no name: it must hold for every type of the type set.
    fn assignable_by_terms(
        &mut self,
        x: &Operand,
        target: TypeId,
        written: TypeId,
        cause: Option<&mut Cause>,
    ) -> bool {
        let types = &self.program.types;
        let to_parameter = types.is_type_parameter(target) && !types.has_name(x.typ);
        let parameter = if to_parameter { target } else { x.typ };
        let Some(terms) = types.terms_of(parameter).map(<[_]>::to_vec) else {
            return false;
        };
        for term in terms {
            let mut detail = Cause::new();
            let (ok, text) = if to_parameter {
                (
                    self.assignable(x, term.typ, Some(&mut detail)),
                    (x.typ, term.typ),
                )
            } else {
                let mut x = x.clone();
                x.typ = term.typ;
                (
                    self.assignable(&x, target, Some(&mut detail)),
                    (term.typ, written),
                )
            };
            if !ok {
                if let Some(cause) = cause {
                    let (from, to) = (self.type_text(text.0), self.type_text(text.1));
                    let name = self.type_text(parameter);
                    *cause = if to_parameter {
                        format!("cannot assign {from} to {to} (in {name})")
                    } else {
                        format!("cannot assign {from} (in {name}) to {to}")
                    };
                    if !detail.is_empty() {
                        *cause = format!("{cause}\n\t{detail}");
                    }
                }
                return false;
            }
        }
        true
    }

    pub(crate) fn is_interface_pointer(&self, typ: TypeId) -> bool {
        self.program
            .types
            .as_pointer(typ)
            .is_some_and(|base| self.program.types.is_interface(base))
    }

    pub(crate) fn interface_pointer_error(&self, typ: TypeId) -> String {
        let what = match self.program.types.as_pointer(typ) {
            Some(base) if self.program.types.is_type_parameter(base) => "type parameter",
            _ => "interface",
        };
        format!(
            "type {} is pointer to {what}, not {what}",
            self.type_text(typ)
        )
    }

    /// Does the type implement the other, an interface? Fills the cause if it does not.
    pub(crate) fn implements(
        &mut self,
        typ: TypeId,
        target: TypeId,
        cause: Option<&mut Cause>,
    ) -> bool {
        self.satisfies(typ, target, false, cause)
    }

    /// Does the type implement the interface or, as a type argument, satisfy the constraint? Fills the cause if it does not.
    pub(crate) fn satisfies(
        &mut self,
        typ: TypeId,
        target: TypeId,
        constraint: bool,
        cause: Option<&mut Cause>,
    ) -> bool {
        let wants = cause.is_some();
        match self.unsatisfied_cause(typ, target, constraint, wants) {
            None => true,
            Some(text) => {
                if let Some(cause) = cause {
                    *cause = text;
                }
                false
            }
        }
    }

    /// Why a type does not implement an interface; the text is empty unless it is wanted. `None` if it does.
    fn unsatisfied_cause(
        &mut self,
        typ: TypeId,
        target: TypeId,
        constraint: bool,
        wants: bool,
    ) -> Option<Cause> {
        let types = &self.program.types;
        if !types.is_valid(types.underlying_id(typ)) || !types.is_valid(types.underlying_id(target))
        {
            return None;
        }
        if let Some(base) = types.as_pointer(typ)
            && types.underlying_id(base) == TypeId::INVALID
        {
            return None;
        }
        let verb = if constraint { "satisfy" } else { "implement" };
        let explain = |checker: &Self, detail: &str| {
            if !wants {
                return Cause::new();
            }
            let text = format!(
                "{} does not {verb} {}",
                checker.type_text(typ),
                checker.type_text(target)
            );
            if detail.is_empty() {
                text
            } else {
                format!("{text} {detail}")
            }
        };
        let Some(interface) = types.as_interface(target) else {
            let detail = if !wants {
                String::new()
            } else if self.is_interface_pointer(target) {
                format!("({})", self.interface_pointer_error(target))
            } else {
                format!("({} is not an interface)", self.type_text(target))
            };
            return Some(explain(self, &detail));
        };
        if interface.methods.is_empty() && interface.terms.is_none() && !interface.comparable {
            return None;
        }
        let own = types.as_interface(typ);
        let is_empty = |terms: &Option<Box<[Term]>>| terms.as_ref().is_some_and(|t| t.is_empty());
        if own.is_some_and(|own| is_empty(&own.terms)) {
            return None;
        }
        let terms = interface.terms.clone();
        let comparable = interface.comparable;
        if is_empty(&terms) {
            return Some(format!(
                "cannot {verb} {} (empty type set)",
                self.type_text(target)
            ));
        }
        let mut detail = Cause::new();
        if !interface.methods.is_empty()
            && !self.has_all_methods(typ, target, true, wants.then_some(&mut detail))
        {
            return Some(explain(self, &detail));
        }
        let types = &self.program.types;
        if let Some(terms) = &terms {
            if let Some(own) = types.as_interface(typ) {
                if !types.terms_are_subset(own.terms.as_deref(), Some(terms)) {
                    return Some(explain(self, ""));
                }
            } else if !terms.iter().any(|term| types.term_includes(*term, typ)) {
                if !wants {
                    return Some(Cause::new());
                }
                let alternative = terms.iter().find(|term| {
                    let under = types.underlying_id(term.typ);
                    !term.tilde
                        && types.identical(term.typ, under)
                        && types.identical(under, types.underlying_id(typ))
                });
                let (v, t) = (self.type_text(typ), self.type_text(target));
                let detail = match alternative {
                    Some(term) => {
                        format!(
                            "(possibly missing ~ for {} in {t})",
                            self.type_text(term.typ)
                        )
                    }
                    None if self.mentions_type(types.underlying_id(target), typ) => {
                        format!("({t} mentions {v}, but {v} is not in the type set of {t})")
                    }
                    None => format!("({v} missing in {})", self.terms_text(terms)),
                };
                return Some(explain(self, &detail));
            }
        }
        // With terms, every term is comparable if that is asked for.
        if comparable
            && !types.is_strictly_comparable(typ)
            && !(constraint && types.is_comparable(typ))
        {
            if !wants {
                return Some(Cause::new());
            }
            return Some(format!(
                "{} does not {verb} comparable",
                self.type_text(typ)
            ));
        }
        None
    }

    /// Does the interface, as written, mention the type among its terms?
    fn mentions_type(&self, interface: TypeId, typ: TypeId) -> bool {
        let types = &self.program.types;
        match types.get(interface) {
            Type::Interface(interface) => interface.written.as_ref().is_some_and(|written| {
                written
                    .embedded
                    .iter()
                    .any(|embedded| with_stack(|| self.mentions_type(*embedded, typ)))
            }),
            Type::Union(terms) => terms
                .iter()
                .any(|term| with_stack(|| self.mentions_type(term.typ, typ))),
            _ => types.identical(interface, typ),
        }
    }

    /// Could a value of interface type `interface` have the dynamic type `typ`?
    pub(crate) fn assertable_to(
        &mut self,
        interface: TypeId,
        typ: TypeId,
        cause: &mut Cause,
    ) -> bool {
        if self.program.types.is_interface(typ) {
            return true;
        }
        self.has_all_methods(typ, interface, false, Some(cause))
    }

    fn has_all_methods(
        &mut self,
        typ: TypeId,
        target: TypeId,
        fully: bool,
        cause: Option<&mut Cause>,
    ) -> bool {
        let mut identical =
            |checker: &mut Self, a: TypeId, b: TypeId| checker.program.types.identical(a, b);
        self.has_all_methods_by(typ, target, fully, &mut identical, cause)
    }

    /// As `has_all_methods`, with signatures compared by `equivalent`.
    pub(crate) fn has_all_methods_by(
        &mut self,
        typ: TypeId,
        target: TypeId,
        fully: bool,
        equivalent: &mut dyn FnMut(&mut Self, TypeId, TypeId) -> bool,
        cause: Option<&mut Cause>,
    ) -> bool {
        if !self.program.types.is_valid(typ) {
            return true;
        }
        match self.first_missing_method(typ, target, fully, equivalent) {
            None => true,
            Some(_) if self.has_invalid_embedded_fields(typ) => true,
            Some((index, why)) => {
                if let Some(cause) = cause {
                    *cause = self.missing_method_cause(typ, target, index, why);
                }
                false
            }
        }
    }

    fn has_invalid_embedded_fields(&self, typ: TypeId) -> bool {
        let mut seen = rustc_hash::FxHashSet::default();
        let mut work = vec![typ];
        while let Some(typ) = work.pop() {
            let base = self.program.types.as_pointer(typ).unwrap_or(typ);
            let Some(fields) = self.program.types.as_struct(base) else {
                continue;
            };
            if !seen.insert(self.program.types.underlying_id(base)) {
                continue;
            }
            for field in fields.iter().filter(|field| field.embedded) {
                if !self.program.types.is_valid(field.typ) {
                    return true;
                }
                work.push(field.typ);
            }
        }
        false
    }

    fn first_missing_method(
        &mut self,
        typ: TypeId,
        target: TypeId,
        fully: bool,
        equivalent: &mut dyn FnMut(&mut Self, TypeId, TypeId) -> bool,
    ) -> Option<(usize, Lookup)> {
        let count = self.program.types.as_interface(target)?.methods.len();
        for index in 0..count {
            let method = self.program.types.as_interface(target)?.methods[index];
            if let Some(own) = self.program.types.as_interface(typ) {
                let place = own
                    .methods
                    .iter()
                    .position(|m| m.name == method.name && m.package == method.package);
                match place {
                    None if !fully => continue,
                    None => return Some((index, Lookup::Missing)),
                    Some(place) => {
                        let signature = own.methods[place].signature;
                        if !equivalent(self, signature, method.signature) {
                            let interface = self.program.types.underlying_id(typ);
                            let found = Found::InterfaceMethod {
                                interface,
                                index: place as u32,
                            };
                            return Some((
                                index,
                                Lookup::Found {
                                    found,
                                    path: Default::default(),
                                    indirect: false,
                                },
                            ));
                        }
                    }
                }
                continue;
            }
            let lookup =
                self.program
                    .lookup_in(typ, false, method.package, method.name, NameMatch::Exact);
            match &lookup {
                Lookup::Found {
                    found: Found::Field { .. },
                    ..
                } => return Some((index, lookup)),
                Lookup::Found { found, .. } => {
                    if let Found::Method { object, .. } = found {
                        self.declare_object(*object);
                    }
                    let signature = self.program.found_type(found);
                    // A method whose declaration was refused may be what is asked for.
                    if self.program.types.is_valid(signature)
                        && !equivalent(self, signature, method.signature)
                    {
                        return Some((index, lookup));
                    }
                }
                _ => return Some((index, lookup)),
            }
        }
        None
    }

    fn missing_method_cause(
        &mut self,
        typ: TypeId,
        target: TypeId,
        index: usize,
        why: Lookup,
    ) -> Cause {
        let Some(method) = self
            .program
            .types
            .as_interface(target)
            .map(|interface| interface.methods[index])
        else {
            return Cause::new();
        };
        let name = self.text(method.name);
        let package = Some(self.env.package);
        let have_and_want = |checker: &mut Self, found: &Found, have_name: &str, intro: &str| {
            if let Found::Method { object, .. } = found {
                checker.declare_object(*object);
            }
            let signature = checker.program.found_type(found);
            let have = checker
                .program
                .method_string(checker.names, have_name, signature, package);
            let want =
                checker
                    .program
                    .method_string(checker.names, name, method.signature, package);
            if have == want {
                return format!("({intro})");
            }
            format!("({intro})\n\t\thave {have}\n\t\twant {want}")
        };
        match why {
            Lookup::Missing => {
                if self.is_interface_pointer(typ) {
                    return format!("({})", self.interface_pointer_error(typ));
                }
                if self.is_interface_pointer(target) {
                    return format!("({})", self.interface_pointer_error(target));
                }
                if !self.program.types.is_interface(typ) {
                    let folded = self.program.lookup_in(
                        typ,
                        false,
                        method.package,
                        method.name,
                        NameMatch::Folded(self.names),
                    );
                    if let Lookup::Found { found, .. } = folded {
                        let other = match &found {
                            Found::Field { .. } => return format!("(missing method {name})"),
                            Found::Method { object, .. } => self.object(*object).name,
                            Found::InterfaceMethod { interface, index } => {
                                match self.program.types.as_interface(*interface) {
                                    Some(interface) => interface.methods[*index as usize].name,
                                    None => method.name,
                                }
                            }
                        };
                        if other == method.name {
                            return format!("(unexported method {name})");
                        }
                        let other = self.text(other);
                        return have_and_want(
                            self,
                            &found,
                            other,
                            &format!("missing method {name}"),
                        );
                    }
                }
                format!("(missing method {name})")
            }
            Lookup::Ambiguous => format!("(ambiguous selector {}.{name})", self.type_text(typ)),
            Lookup::NeedsPointer => format!("(method {name} has pointer receiver)"),
            Lookup::Found {
                found: Found::Field { .. },
                ..
            } => {
                format!("({}.{name} is a field, not a method)", self.type_text(typ))
            }
            Lookup::Found { found, .. } => {
                have_and_want(self, &found, name, &format!("wrong type for method {name}"))
            }
        }
    }

    /// Checks the assignment of an operand to a variable of a type, or to `_` without one. Untyped operands are converted; a
    /// failed operand becomes invalid. GO: assignments.go `assignment`.
    pub(crate) fn assignment(&mut self, x: &mut Operand, target: Option<TypeId>, context: &str) {
        self.single_value(x);
        use crate::typed::Mode;
        match x.mode {
            Mode::None => return,
            Mode::Nil
            | Mode::Constant
            | Mode::Variable
            | Mode::MapIndex
            | Mode::Value
            | Mode::CommaOk => {}
            Mode::NoValue | Mode::Builtin | Mode::Type | Mode::Package => {
                let target = target.map_or("_".to_owned(), |target| self.type_text(target));
                let message = format!(
                    "cannot assign {} to {target} in {context}",
                    self.operand_string(x)
                );
                self.report_operand(Code::CannotUse, x, message);
                x.invalidate();
                return;
            }
        }
        if self.program.types.is_untyped(x.typ) {
            let mut wanted = target.unwrap_or(TypeId::INVALID);
            if x.is_nil() {
                if target.is_none() {
                    self.report_operand(
                        Code::InvalidNil,
                        x,
                        format!("use of untyped nil in {context}"),
                    );
                    x.invalidate();
                    return;
                }
            } else if target.is_none_or(|target| self.program.types.is_proper_interface(target)) {
                wanted = self.program.types.default_type(x.typ);
            }
            match self.implicit_type_and_value(x, wanted) {
                Err(error) => {
                    let mut message = format!(
                        "cannot use {} as {} value in {context}",
                        self.operand_string(x),
                        self.type_text(wanted)
                    );
                    let code = error.code();
                    match code {
                        Code::ConstantTruncated => message.push_str(" (truncated)"),
                        Code::ConstantOverflow => message.push_str(" (overflows)"),
                        _ => {}
                    }
                    let code = if code == Code::CannotConvert {
                        Code::CannotUse
                    } else {
                        code
                    };
                    let (range, hint) = (self.operand_range(x), self.hint_constant(x, wanted));
                    self.report_with(code, range, message, hint);
                    x.invalidate();
                    return;
                }
                Ok((typ, value)) => {
                    if let Some(value) = value {
                        if let Some(expr) = x.expr {
                            self.update_value(expr, &value);
                        }
                        x.value = value;
                    }
                    if typ != x.typ {
                        x.typ = typ;
                        self.update_operand_type(x, typ, false);
                    }
                }
            }
        }
        if self.generic_signature(x).is_some() {
            let function = self.target(target, |_| context.to_owned());
            self.exclude_generic(function.as_ref(), x);
            if !x.is_valid() {
                return;
            }
            if let Some(expr) = x.expr {
                self.record_callee(expr, x.typ);
            }
        }
        let Some(target) = target else { return };
        let mut cause = Cause::new();
        if !self.assignable(x, target, Some(&mut cause)) {
            let mut message = format!(
                "cannot use {} as {} value in {context}",
                self.operand_string(x),
                self.type_text(target)
            );
            if !cause.is_empty() {
                message.push_str(": ");
                message.push_str(&cause);
            }
            let (range, hint) = (self.operand_range(x), self.hint_assignment(x, target));
            self.report_with(Code::CannotUse, range, message, hint);
            x.invalidate();
            return;
        }
        self.note_conversion(x.typ, target);
    }

    /// Notes a conversion of a value to an interface.
    pub(crate) fn note_conversion(&mut self, typ: TypeId, target: TypeId) {
        let types = &self.program.types;
        if types.is_proper_interface(target)
            && !types.is_proper_interface(typ)
            && types.basic(typ) != Some(BasicKind::UntypedNil)
        {
            self.add_run_time_type(typ);
        }
    }
}
