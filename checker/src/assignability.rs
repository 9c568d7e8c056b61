//! May a value be assigned to a variable of a type? SPEC: Assignability. GO: go/types operand.go `assignableTo`, instantiate.go `implements`.

use diagnostics::Code;

use crate::checker::Checker;
use crate::lookup::{Found, Lookup, NameMatch};
use crate::operand::Operand;
use crate::types::{BasicKind, ChanDirection, Type, TypeId};

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
        let target = types.unalias(target);
        if types.is_untyped(types.underlying_id(source)) {
            return self.implicit_type_and_value(x, target).is_ok();
        }
        let source_under = types.underlying_id(source);
        let target_under = types.underlying_id(target);
        let one_unnamed = !types.has_name(source) || !types.has_name(target);
        if types.identical(source_under, target_under) && one_unnamed {
            return true;
        }
        if types.is_interface(target_under) || self.is_interface_pointer(target_under) {
            return self.implements(source, target, cause);
        }
        if self.program.types.is_interface(source_under) {
            if self.implements(target, source, None)
                && let Some(cause) = cause
            {
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
        false
    }

    pub(crate) fn is_interface_pointer(&self, typ: TypeId) -> bool {
        self.program
            .types
            .as_pointer(typ)
            .is_some_and(|base| self.program.types.is_interface(base))
    }

    pub(crate) fn interface_pointer_error(&self, typ: TypeId) -> String {
        format!(
            "type {} is pointer to interface, not interface",
            self.type_text(typ)
        )
    }

    /// Does the type have all methods of the other, an interface? Fills the cause if it does not.
    pub(crate) fn implements(
        &mut self,
        typ: TypeId,
        target: TypeId,
        cause: Option<&mut Cause>,
    ) -> bool {
        let types = &self.program.types;
        if !types.is_valid(types.underlying_id(typ)) || !types.is_valid(types.underlying_id(target))
        {
            return true;
        }
        if let Some(base) = types.as_pointer(typ)
            && types.underlying_id(base) == TypeId::INVALID
        {
            return true;
        }
        let Some(interface) = types.as_interface(target) else {
            if let Some(cause) = cause {
                let detail = if self.is_interface_pointer(target) {
                    self.interface_pointer_error(target)
                } else {
                    format!("{} is not an interface", self.type_text(target))
                };
                *cause = format!(
                    "{} does not implement {} ({detail})",
                    self.type_text(typ),
                    self.type_text(target)
                );
            }
            return false;
        };
        if interface.methods.is_empty() {
            return true;
        }
        let mut detail = Cause::new();
        let wants = cause.is_some();
        if !self.has_all_methods(typ, target, true, wants.then_some(&mut detail)) {
            if let Some(cause) = cause {
                *cause = format!(
                    "{} does not implement {} {detail}",
                    self.type_text(typ),
                    self.type_text(target)
                );
            }
            return false;
        }
        true
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
        if !self.program.types.is_valid(typ) {
            return true;
        }
        match self.first_missing_method(typ, target, fully) {
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
                        if !self
                            .program
                            .types
                            .identical(own.methods[place].signature, method.signature)
                        {
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
                    if let Found::Method(object) = found {
                        self.declare_object(*object);
                    }
                    let signature = self.program.found_type(found);
                    // A method whose declaration was refused may be what is asked for.
                    if self.program.types.is_valid(signature)
                        && !self.program.types.identical(signature, method.signature)
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
            if let Found::Method(object) = found {
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
                            Found::Method(object) => self.object(*object).name,
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
            } else if target.is_none_or(|target| self.program.types.is_interface(target)) {
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
                    self.report_operand(code, x, message);
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
            self.report_operand(Code::CannotUse, x, message);
            x.invalidate();
            return;
        }
        self.note_conversion(x.typ, target);
    }

    /// Notes a conversion of a value to an interface.
    pub(crate) fn note_conversion(&mut self, typ: TypeId, target: TypeId) {
        let types = &self.program.types;
        if types.is_interface(target)
            && !types.is_interface(typ)
            && types.basic(typ) != Some(BasicKind::UntypedNil)
        {
            self.add_run_time_type(typ);
        }
    }
}
