//! Inference of type arguments. SPEC: Type inference. GO: go/types infer.go.

use diagnostics::TextRange;
use rustc_hash::FxHashSet;

use crate::assignability::Cause;
use crate::checker::{Checker, with_stack};
use crate::operand::Operand;
use crate::types::{Term, Type, TypeId, Types};
use crate::unify::{Precision, Unifier};

/// What is wrong with an inference, and where.
pub(crate) type InferenceError = (TextRange, String);

/// An operand whose type is matched with that of a parameter.
pub(crate) struct Argument<'a> {
    pub(crate) operand: &'a Operand,
    pub(crate) parameter: TypeId,
    /// The type of the operand as messages show it, if it is a generic function whose type parameters have been renamed.
    pub(crate) generic: Option<TypeId>,
}

/// `P`, `P and Q`, `P, Q, and R`
fn name_list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} and {two}"),
        [first @ .., last] => format!("{}, and {last}", first.join(", ")),
    }
}

impl Types {
    /// Does the type mention one of these type parameters?
    pub(crate) fn mentions(&self, parameters: &[TypeId], typ: TypeId) -> bool {
        let mut seen: FxHashSet<TypeId> = FxHashSet::default();
        let mut work = vec![typ];
        while let Some(typ) = work.pop() {
            if !self.is_parameterized(typ) || !seen.insert(typ) {
                continue;
            }
            if matches!(self.get(typ), Type::TypeParameter(_)) {
                if parameters.contains(&typ) {
                    return true;
                }
                continue;
            }
            self.components(typ, &mut work);
        }
        false
    }

    /// The types that a type is made of, those of a named type being its arguments.
    pub(crate) fn components(&self, typ: TypeId, out: &mut Vec<TypeId>) {
        match self.get(typ) {
            Type::Basic(_) | Type::TypeParameter(_) => {}
            Type::Named(index) => out.extend(self.named_at(*index).arguments.iter()),
            Type::Alias { actual, .. } => out.push(*actual),
            Type::Pointer(typ)
            | Type::Slice(typ)
            | Type::Array(typ, _)
            | Type::Chan { element: typ, .. } => out.push(*typ),
            Type::Map { key, element } => out.extend([*key, *element]),
            Type::Struct(fields) => out.extend(fields.iter().map(|field| field.typ)),
            Type::Signature(signature) => {
                let all = signature.params.iter().chain(&signature.results);
                out.extend(all.map(|param| param.typ));
            }
            Type::Interface(interface) => {
                out.extend(interface.methods.iter().map(|method| method.signature));
                out.extend(interface.terms.iter().flatten().map(|term| term.typ));
            }
            Type::Union(terms) => out.extend(terms.iter().map(|term| term.typ)),
            Type::Tuple(types) => out.extend(types.iter()),
        }
    }

    /// The common underlying type of a type parameter's constraint as a term, and whether it is the only term there.
    fn core_term(&self, parameter: TypeId) -> Option<(Term, bool)> {
        let terms = self.terms_of(parameter)?;
        if let [single] = terms {
            return Some((*single, true));
        }
        let typ = self.common_underlying(parameter).ok()?;
        let tilde = terms.iter().any(|term| term.tilde);
        Some((Term { tilde, typ }, false))
    }

    /// Substitutes those type parameters that have an argument.
    pub(crate) fn substitute_known(
        &self,
        typ: TypeId,
        parameters: &[TypeId],
        arguments: &[Option<TypeId>],
    ) -> TypeId {
        let (known, types): (Vec<TypeId>, Vec<TypeId>) = parameters
            .iter()
            .zip(arguments)
            .filter_map(|(parameter, argument)| Some((*parameter, (*argument)?)))
            .unzip();
        self.substitute(typ, &known, &types)
    }

    /// New type parameters with the same constraints, so that a generic function can be used within itself.
    pub(crate) fn rename_parameters(&self, parameters: &[TypeId]) -> Vec<TypeId> {
        let fresh: Vec<TypeId> = parameters
            .iter()
            .filter_map(|parameter| self.type_parameter(*parameter))
            .map(|parameter| self.new_type_parameter(parameter.object, parameter.index))
            .collect();
        for (old, new) in parameters.iter().zip(&fresh) {
            if let Some(constraint) = self.constraint(*old) {
                self.set_constraint(*new, self.substitute(constraint, parameters, &fresh));
            }
        }
        fresh
    }
}

impl Checker<'_> {
    /// Infers the type arguments that are not given. `place` is where failure is reported that concerns no argument.
    ///
    /// # Errors
    /// What cannot be inferred, and where to say so; `None` if an argument is wrong, which has been reported.
    pub(crate) fn infer(
        &mut self,
        place: TextRange,
        parameters: &[TypeId],
        given: &[Option<TypeId>],
        arguments: &[Argument<'_>],
        reverse: bool,
    ) -> Result<Vec<TypeId>, Option<InferenceError>> {
        let mut given = given.to_vec();
        given.resize(parameters.len(), None);
        if given.iter().all(Option::is_some) {
            return Ok(given.into_iter().flatten().collect());
        }
        if arguments
            .iter()
            .any(|argument| !argument.operand.is_valid())
        {
            return Err(None);
        }
        let mut unifier = Unifier::new(parameters, &given);
        let untyped =
            self.infer_from_arguments(&mut unifier, parameters, &given, arguments, reverse)?;
        self.infer_from_constraints(&mut unifier, parameters, place)?;
        self.infer_from_constants(&mut unifier, &untyped)?;
        let inferred = self.simplify(parameters, &given, unifier.inferred());
        let types = &self.program.types;
        let mut result = Vec::with_capacity(parameters.len());
        for (parameter, inferred) in parameters.iter().zip(inferred) {
            match inferred.filter(|typ| !types.mentions(parameters, *typ)) {
                Some(typ) => result.push(typ),
                None => {
                    let object = types.type_parameter(*parameter).map(|p| p.object);
                    let Some(object) = object.map(|object| self.object(object)) else {
                        return Err(None);
                    };
                    let declared = self.sources.position(object.range.unwrap_or_default());
                    let message = format!(
                        "cannot infer {} (declared at {declared})",
                        self.text(object.name)
                    );
                    return Err(Some((place, message)));
                }
            }
        }
        Ok(result)
    }

    fn parameter_names(&self, parameters: &[TypeId]) -> String {
        let names: Vec<&str> = parameters
            .iter()
            .filter_map(|parameter| self.program.types.type_parameter(*parameter))
            .map(|parameter| self.text(self.object(parameter.object).name))
            .collect();
        name_list(&names)
    }

    /// Matches parameters with typed arguments; gives the untyped ones whose parameter is a type parameter.
    fn infer_from_arguments<'a>(
        &mut self,
        unifier: &mut Unifier,
        parameters: &[TypeId],
        given: &[Option<TypeId>],
        arguments: &'a [Argument<'_>],
        reverse: bool,
    ) -> Result<Vec<(TypeId, &'a Operand)>, Option<InferenceError>> {
        let mut untyped = Vec::new();
        for argument in arguments {
            let operand = argument.operand;
            let types = &self.program.types;
            let parameter = types.substitute_known(argument.parameter, parameters, given);
            if !types.mentions(parameters, parameter) && !types.mentions(parameters, operand.typ) {
                continue;
            }
            if types.is_typed(operand.typ) {
                if !unifier.unify(self, parameter, operand.typ, Precision::Assignment) {
                    let message = self.mismatch(unifier, parameters, parameter, argument, reverse);
                    return Err(Some((self.operand_range(operand), message)));
                }
            } else if matches!(types.get(parameter), Type::TypeParameter(_)) && !operand.is_nil() {
                untyped.push((parameter, operand));
            }
        }
        Ok(untyped)
    }

    fn mismatch(
        &self,
        unifier: &Unifier,
        parameters: &[TypeId],
        parameter: TypeId,
        argument: &Argument<'_>,
        reverse: bool,
    ) -> String {
        let inferred = unifier.inferred();
        let operand = argument.operand;
        let (typ, expr) = (
            self.type_text(argument.generic.unwrap_or(operand.typ)),
            self.inferred_operand_text(operand),
        );
        if inferred.iter().all(Option::is_none) {
            return format!(
                "type {typ} of {expr} does not match {} (cannot infer {})",
                self.type_text(parameter),
                self.parameter_names(parameters)
            );
        }
        let substituted = self
            .program
            .types
            .substitute_known(parameter, parameters, &inferred);
        let parameter_text = self.type_text(parameter);
        if substituted == parameter {
            return format!("type {typ} of {expr} does not match {parameter_text}");
        }
        let substituted = self.type_text(substituted);
        if reverse {
            format!(
                "inferred type {substituted} for {parameter_text} does not match type {typ} of {expr}"
            )
        } else {
            format!(
                "type {typ} of {expr} does not match inferred type {substituted} for {parameter_text}"
            )
        }
    }

    fn inferred_operand_text(&self, operand: &Operand) -> String {
        match &operand.description {
            Some(text) => text.to_string(),
            None => match operand.expr {
                Some(expr) => self.expression_text(expr),
                None => String::new(),
            },
        }
    }

    fn infer_from_constraints(
        &mut self,
        unifier: &mut Unifier,
        parameters: &[TypeId],
        place: TextRange,
    ) -> Result<(), Option<InferenceError>> {
        loop {
            let before = unifier.unknowns();
            for parameter in parameters {
                let known = unifier.at(*parameter);
                if let Some((core, single)) = self.program.types.core_term(*parameter) {
                    match known {
                        Some(known)
                            if !unifier.unify(self, known, core.typ, Precision::Inexact) =>
                        {
                            let message = self.unsatisfied(*parameter, known);
                            return Err(Some((place, message)));
                        }
                        None if single && !core.tilde => unifier.set(*parameter, core.typ),
                        _ => {}
                    }
                }
                if let Some(known) = known
                    && !self.program.types.mentions(parameters, known)
                {
                    let mut cause = Cause::new();
                    let interface = self.program.types.constraint_interface(*parameter);
                    let all = self.has_all_methods_by(
                        known,
                        interface,
                        true,
                        &mut |checker, x, y| unifier.unify(checker, x, y, Precision::Exact),
                        Some(&mut cause),
                    );
                    if !all {
                        let message = format!("{} {cause}", self.unsatisfied(*parameter, known));
                        return Err(Some((place, message)));
                    }
                }
            }
            if unifier.unknowns() == before {
                return Ok(());
            }
        }
    }

    fn unsatisfied(&self, parameter: TypeId, typ: TypeId) -> String {
        format!(
            "{} (type {}) does not satisfy {}",
            self.type_text(parameter),
            self.type_text(typ),
            self.type_text(self.constraint_of(parameter))
        )
    }

    /// Gives type parameters the default type of the largest untyped argument.
    fn infer_from_constants(
        &mut self,
        unifier: &mut Unifier,
        untyped: &[(TypeId, &Operand)],
    ) -> Result<(), Option<InferenceError>> {
        let mut largest: Vec<(TypeId, TypeId)> = Vec::new();
        for (parameter, operand) in untyped {
            if unifier.at(*parameter).is_some() {
                continue;
            }
            let types = &self.program.types;
            match largest.iter_mut().find(|(other, _)| other == parameter) {
                None => largest.push((*parameter, operand.typ)),
                Some((_, max)) if *max == operand.typ => {}
                Some((_, max))
                    if types.is_untyped_numeric(*max) && types.is_untyped_numeric(operand.typ) =>
                {
                    *max = (*max).max(operand.typ);
                }
                Some((_, max)) => {
                    let message = format!(
                        "mismatched types {} and {} (cannot infer {})",
                        self.type_text(*max),
                        self.type_text(operand.typ),
                        self.type_text(*parameter)
                    );
                    return Err(Some((self.operand_range(operand), message)));
                }
            }
        }
        for (parameter, typ) in largest {
            unifier.set(parameter, self.program.types.default_type(typ));
        }
        Ok(())
    }

    /// Replaces type parameters in what was inferred by what was inferred for them, until there are none.
    fn simplify(
        &self,
        parameters: &[TypeId],
        given: &[Option<TypeId>],
        mut inferred: Vec<Option<TypeId>>,
    ) -> Vec<Option<TypeId>> {
        let types = &self.program.types;
        let mut finder = CycleFinder {
            types,
            parameters,
            inferred: &mut inferred,
            path: FxHashSet::default(),
        };
        for parameter in parameters {
            finder.visit(*parameter);
        }
        loop {
            let mut changed = false;
            for place in 0..inferred.len() {
                if given[place].is_some() {
                    continue;
                }
                let Some(old) = inferred[place] else { continue };
                let mut new = types.substitute_known(old, parameters, &inferred);
                if new != old {
                    // What was the type of a generic function is none any more.
                    if let Type::Signature(signature) = types.get(new)
                        && !signature.type_parameters.is_empty()
                        && !types.mentions(parameters, new)
                    {
                        let mut signature = signature.clone();
                        signature.type_parameters = Box::default();
                        new = types.intern(Type::Signature(signature));
                    }
                    inferred[place] = Some(new);
                    changed = true;
                }
            }
            if !changed {
                return inferred;
            }
        }
    }
}

/// Takes back what was inferred for type parameters in terms of themselves. GO: infer.go `killCycles`.
struct CycleFinder<'a> {
    types: &'a Types,
    parameters: &'a [TypeId],
    inferred: &'a mut [Option<TypeId>],
    path: FxHashSet<TypeId>,
}

impl CycleFinder<'_> {
    fn visit(&mut self, typ: TypeId) {
        let typ = self.types.unalias(typ);
        if !self.types.is_parameterized(typ) {
            return;
        }
        let place = self.parameters.iter().position(|other| *other == typ);
        if !self.path.insert(typ) {
            if let Some(place) = place {
                self.inferred[place] = None;
            }
            return;
        }
        match place {
            Some(place) => {
                if let Some(inferred) = self.inferred[place] {
                    with_stack(|| self.visit(inferred));
                }
            }
            None => {
                let mut parts = Vec::new();
                self.types.components(typ, &mut parts);
                for part in parts {
                    with_stack(|| self.visit(part));
                }
            }
        }
        self.path.remove(&typ);
    }
}
