//! Declaring type parameters, constraints, and instantiating generic types. GO: go/types decl.go, union.go, typexpr.go, instantiate.go.

use diagnostics::{Code, FileId, TextRange};
use parser::ast::{self, BinaryOperator, Expr, ExprId, List, UnaryOperator};
use smallvec::SmallVec;

use crate::assignability::Cause;
use crate::checker::{Checker, Color, Delayed, Environment, Unfinished};
use crate::typed::{Instance, Mode, ObjectKind};
use crate::types::{ObjectId, PackageId, Term, Type, TypeId};

/// More terms than this in a union are refused. GO: `maxTermCount`.
pub(crate) const MOST_TERMS: usize = 100;

/// A use of a generic type with type arguments, whose constraints are checked when the declarations are known.
#[derive(Debug)]
pub(crate) struct Instantiation {
    pub(crate) expr: ExprId,
    pub(crate) typ: TypeId,
    pub(crate) arguments: SmallVec<[TypeId; 2]>,
    pub(crate) indices: List<ExprId>,
    pub(crate) package: PackageId,
}

impl Checker<'_> {
    // ---- declarations ----

    /// Declares the type parameters of a list in the current scope, hands them to `set`, and then looks at their constraints, which may
    /// mention what is being declared.
    pub(crate) fn collect_type_parameters(
        &mut self,
        list: List<ast::TypeParam>,
        set: impl FnOnce(&mut Self, &[TypeId]),
    ) -> Vec<TypeId> {
        let list = self.ast.list(list);
        let parameters: Vec<TypeId> = list
            .iter()
            .enumerate()
            .map(|(index, parameter)| self.declare_type_parameter(parameter.name, index))
            .collect();
        set(self, &parameters);
        let outer = std::mem::replace(&mut self.env.in_type_parameters, true);
        let mut rest = list.iter().zip(&parameters).peekable();
        while let Some((parameter, typ)) = rest.next() {
            let expr = parameter.constraint;
            let mut sharing = vec![*typ];
            while let Some((_, typ)) = rest.next_if(|(next, _)| next.constraint == expr) {
                sharing.push(*typ);
            }
            self.set_bound(expr, sharing);
        }
        self.env.in_type_parameters = outer;
        parameters
    }

    pub(crate) fn declare_type_parameter(&mut self, ident: ExprId, index: usize) -> TypeId {
        let name = self.ast.ident(ident).unwrap_or(ast::Symbol::BLANK);
        let range = self.range(ident);
        let kind = ObjectKind::TypeName { alias: false };
        let object = self.new_object(kind, name, Some(range), Color::Black);
        let typ = self
            .program
            .types
            .new_type_parameter(object, u32::try_from(index).unwrap_or(u32::MAX));
        self.program.objects[object.index()].typ = typ;
        self.declare(self.env.scope, Some(ident), object);
        typ
    }

    /// Gives type parameters their constraint, at once or when the interfaces that it embeds are known: the one that is being declared may be
    /// among them.
    fn set_bound(&mut self, expr: ExprId, parameters: Vec<TypeId>) {
        let outer = self.awaited_by_constraint.take();
        self.try_to_set_bound(expr, parameters.clone());
        if let Some(typ) = std::mem::replace(&mut self.awaited_by_constraint, outer) {
            self.unfinished.retain(|(_, what)| {
                !matches!(what, Unfinished::Constraint { expr: other, .. } if *other == expr)
            });
            let environment = Box::new(self.env.clone());
            let what = Unfinished::ConstraintAgain {
                expr,
                parameters,
                environment,
                typ,
            };
            self.unfinished.push((TypeId::INVALID, what));
        }
    }

    /// Looks at a constraint again: that for which it waited is known now.
    pub(crate) fn set_bound_again(
        &mut self,
        expr: ExprId,
        parameters: Vec<TypeId>,
        environment: Environment,
    ) {
        self.looked_again = true;
        let outer = std::mem::replace(&mut self.env, environment);
        self.set_bound(expr, parameters);
        self.env = outer;
    }

    fn try_to_set_bound(&mut self, expr: ExprId, parameters: Vec<TypeId>) {
        let bound = if let Expr::InterfaceType { elements } = *self.ast.expr(expr) {
            let elements = Box::new(self.interface_elements(elements));
            let what = Unfinished::Constraint {
                expr,
                elements,
                parameters,
            };
            if !self.awaited(&what).is_empty() {
                self.unfinished.push((TypeId::INVALID, what));
                return;
            }
            self.finish_constraint(what);
            return;
        } else {
            self.bound(expr)
        };
        for parameter in parameters {
            self.program.types.set_constraint(parameter, bound);
        }
    }

    /// Makes a constraint literal whose embedded types are known that of its type parameters.
    pub(crate) fn finish_constraint(&mut self, what: Unfinished) {
        if let Unfinished::Constraint {
            expr,
            elements,
            parameters,
        } = what
        {
            let bound = self.finish_interface(*elements);
            self.record_type(expr, Mode::Type, bound, None);
            for parameter in parameters {
                self.program.types.set_constraint(parameter, bound);
            }
        }
    }

    fn bound(&mut self, expr: ExprId) -> TypeId {
        let is_term = matches!(
            *self.ast.expr(expr),
            Expr::Binary {
                op: BinaryOperator::Or,
                ..
            } | Expr::Unary {
                op: UnaryOperator::Tilde,
                ..
            }
        );
        if is_term {
            let union = self.union(expr);
            if !self.program.types.is_valid(union) {
                return TypeId::INVALID;
            }
            let range = self.range(expr);
            if !self.allows(range.file, 18) {
                let what = format!("embedding interface element {}", self.type_text(union));
                self.require(range, 18, &what);
            }
            let terms = self.union_terms(union, range);
            let bound = self
                .program
                .types
                .implicit_interface(union, Some(terms.unwrap_or_default()));
            return bound;
        }
        let typ = self.typ(expr);
        if self.program.types.is_type_parameter(typ) {
            self.report_expr(
                Code::MisplacedTypeParameter,
                expr,
                "cannot use a type parameter as constraint",
            );
            return TypeId::INVALID;
        }
        typ
    }

    // ---- unions ----

    /// The operands of `|`, from left to right.
    fn union_operands(&self, expr: ExprId) -> Vec<ExprId> {
        let mut operands = Vec::new();
        let mut expr = expr;
        while let Expr::Binary {
            op: BinaryOperator::Or,
            left,
            right,
            ..
        } = *self.ast.expr(expr)
        {
            operands.push(right);
            expr = left;
        }
        operands.push(expr);
        operands.reverse();
        operands
    }

    /// A union or a single term; a single type without `~` is that type.
    pub(crate) fn union(&mut self, expr: ExprId) -> TypeId {
        let operands = self.union_operands(expr);
        let mut terms: Vec<Term> = Vec::with_capacity(operands.len().min(MOST_TERMS));
        for operand in &operands {
            let term = self.term(*operand);
            if operands.len() == 1 && !term.tilde {
                return term.typ;
            }
            if terms.len() >= MOST_TERMS {
                let message = format!(
                    "cannot handle more than {MOST_TERMS} union terms (implementation limitation)"
                );
                self.report_expr(Code::InvalidUnion, *operand, message);
                return TypeId::INVALID;
            }
            terms.push(term);
        }
        self.saw_constraint = true;
        self.delayed.push(Delayed::Union {
            terms: terms.clone(),
            operands,
            package: self.env.package,
        });
        let union = self.program.types.intern(Type::Union(terms.into()));
        self.record_type(expr, Mode::Type, union, None);
        union
    }

    fn term(&mut self, expr: ExprId) -> Term {
        let (tilde, operand) = match *self.ast.expr(expr) {
            Expr::Unary {
                op: UnaryOperator::Tilde,
                operand,
            } => (true, operand),
            _ => (false, expr),
        };
        let mut typ = self.typ(operand);
        if self.program.types.is_type_parameter(typ) {
            let message = if tilde {
                format!(
                    "type in term {} cannot be a type parameter",
                    self.expression_text(expr)
                )
            } else {
                "term cannot be a type parameter".to_owned()
            };
            self.report_expr(Code::MisplacedTypeParameter, operand, message);
            typ = TypeId::INVALID;
        }
        Term { tilde, typ }
    }

    /// The terms of a union in normal form; `None` for all types.
    pub(crate) fn union_terms(&mut self, union: TypeId, range: TextRange) -> Option<Box<[Term]>> {
        let terms = self.all_terms(union)?;
        if terms.len() > MOST_TERMS {
            let message = format!(
                "cannot handle more than {MOST_TERMS} union terms (implementation limitation)"
            );
            self.report(Code::InvalidUnion, range, message);
            return None;
        }
        Some(terms)
    }

    fn all_terms(&self, union: TypeId) -> Option<Box<[Term]>> {
        let types = &self.program.types;
        let Type::Union(terms) = types.get(union) else {
            return None;
        };
        let mut all: Vec<Term> = Vec::with_capacity(terms.len());
        for term in terms {
            match types.underlying(term.typ) {
                Type::Interface(interface) => match &interface.terms {
                    None => return None,
                    Some(terms) => all.extend(terms.iter()),
                },
                Type::Basic(crate::types::BasicKind::Invalid) if !types.is_unfinished(term.typ) => {
                }
                // No type has such an underlying type.
                _ if term.tilde
                    && !types.is_unfinished(term.typ)
                    && !types.identical(term.typ, types.underlying_id(term.typ)) => {}
                _ => all.push(*term),
            }
        }
        Some(types.normal_terms(&all))
    }

    /// Are the terms of a union what they may be? The types are known now.
    pub(crate) fn check_union(&mut self, terms: &[Term], operands: &[ExprId]) {
        for (index, (term, expr)) in terms.iter().zip(operands).enumerate() {
            let types = &self.program.types;
            if !types.is_valid(term.typ) || !types.is_valid(types.underlying_id(term.typ)) {
                continue;
            }
            let interface = types.as_interface(term.typ);
            if term.tilde {
                if interface.is_some() {
                    let message = format!(
                        "invalid use of ~ ({} is an interface)",
                        self.type_text(term.typ)
                    );
                    self.report_expr(Code::InvalidUnion, *expr, message);
                    continue;
                }
                let under = types.underlying_id(term.typ);
                if !types.identical(under, term.typ) {
                    let message = format!(
                        "invalid use of ~ (underlying type of {} is {})",
                        self.type_text(term.typ),
                        self.type_text(under)
                    );
                    self.report_expr(Code::InvalidUnion, *expr, message);
                    continue;
                }
            }
            if let Some(interface) = interface {
                // GO: with the package, also of the package's own types.
                let text = self.qualified_type_text(term.typ);
                let problem = if !interface.methods.is_empty() {
                    format!("cannot use {text} in union ({text} contains methods)")
                } else if types.unalias(term.typ) == TypeId::COMPARABLE {
                    "cannot use comparable in union".to_owned()
                } else if interface.comparable {
                    format!("cannot use {text} in union ({text} embeds comparable)")
                } else {
                    continue;
                };
                self.report_expr(Code::InvalidUnion, *expr, problem);
                continue;
            }
            let overlapping = terms[..index].iter().find(|other| {
                types.is_valid(other.typ)
                    && !types.is_interface(other.typ)
                    && !types.disjoint(**other, *term)
            });
            if let Some(other) = overlapping {
                let message = format!(
                    "overlapping terms {} and {}",
                    self.term_text(*term),
                    self.term_text(*other)
                );
                self.report_expr(Code::InvalidUnion, *expr, message);
            }
        }
    }

    /// GO: with import paths, as all of a union's own texts.
    pub(crate) fn term_text(&self, term: Term) -> String {
        let tilde = if term.tilde { "~" } else { "" };
        format!("{tilde}{}", self.qualified_type_text(term.typ))
    }

    pub(crate) fn terms_text(&self, terms: &[Term]) -> String {
        let texts: Vec<String> = terms.iter().map(|term| self.term_text(*term)).collect();
        if texts.is_empty() {
            return "∅".to_owned();
        }
        texts.join(" | ")
    }

    // ---- instances ----

    /// The types of a list of type arguments; `None` if one of them is wrong.
    pub(crate) fn type_list(&mut self, list: &[ExprId]) -> Option<SmallVec<[TypeId; 2]>> {
        let types: SmallVec<[TypeId; 2]> =
            list.iter().map(|expr| self.variable_type(*expr)).collect();
        types
            .iter()
            .all(|typ| self.program.types.is_valid(*typ))
            .then_some(types)
    }

    /// `T[A, B]` as a type.
    pub(crate) fn instantiated_type(
        &mut self,
        expr: ExprId,
        operand: ExprId,
        indices: List<ExprId>,
    ) -> TypeId {
        self.require(self.range(expr), 18, "type instantiation");
        let base = self.generic_type(operand);
        if !self.program.types.is_valid(base) {
            self.use_types(indices);
            return TypeId::INVALID;
        }
        if !self.program.types.is_generic(base) {
            let message = format!(
                "invalid operation: {} ({} is not a generic type)",
                self.expression_text(expr),
                self.type_text(base)
            );
            self.report_expr(Code::NotAType, expr, message);
            return TypeId::INVALID;
        }
        let list = self.ast.list(indices);
        let Some(arguments) = self.type_list(list) else {
            return TypeId::INVALID;
        };
        let Some(typ) = self.instance_of(base, &arguments, expr) else {
            return TypeId::INVALID;
        };
        let place = self.range(operand);
        self.instance_places
            .entry(self.program.types.canonical(typ))
            .or_insert(place);
        self.delayed
            .push(Delayed::Instantiation(Box::new(Instantiation {
                expr,
                typ,
                arguments,
                indices,
                package: self.env.package,
            })));
        typ
    }

    fn use_types(&mut self, indices: List<ExprId>) {
        let _ = self.type_list(self.ast.list(indices));
    }

    /// The instance of a generic type or alias.
    fn instance_of(&mut self, base: TypeId, arguments: &[TypeId], expr: ExprId) -> Option<TypeId> {
        if let Type::Alias { object, actual, .. } = self.program.types.get(base)
            && let Some(object) = *object
            && let Some(parameters) = self.program.types.alias_parameters.get(&object)
        {
            let actual = *actual;
            let parameters = parameters.clone();
            if !self.check_argument_count(object, parameters.len(), arguments.len(), expr) {
                return None;
            }
            let types = &self.program.types;
            let actual = types.substitute(actual, &parameters, arguments);
            return Some(types.intern(Type::Alias {
                object: Some(object),
                actual,
                arguments: arguments.into(),
            }));
        }
        // A generic type declared in a generic function is an instance for that function's type parameters besides.
        let types = &self.program.types;
        let ambient = types.named(base).map_or(&[][..], |named| &named.ambient);
        let all: Vec<TypeId> = ambient.iter().chain(arguments).copied().collect();
        Some(types.instance(base, &all))
    }

    fn check_argument_count(
        &mut self,
        object: ObjectId,
        want: usize,
        got: usize,
        expr: ExprId,
    ) -> bool {
        let problem = match got.cmp(&want) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => "not enough",
            std::cmp::Ordering::Greater => "too many",
        };
        let message = format!(
            "{problem} type arguments for type {}: have {got}, want {want}",
            self.text(self.object(object).name)
        );
        self.report_expr(Code::WrongTypeArgumentCount, expr, message);
        false
    }

    /// Checks the type arguments of an instance in the source, now that the declarations are known.
    pub(crate) fn check_instantiation(&mut self, instantiation: &Instantiation) {
        let Instantiation {
            expr,
            typ,
            arguments,
            indices,
            ..
        } = instantiation;
        if let Expr::Index { operand, .. } = *self.ast.expr(*expr) {
            self.record_instance(operand, arguments, *typ);
        }
        let types_of = |types: &crate::types::Types| match types.get(*typ) {
            Type::Alias {
                object: Some(object),
                ..
            } => Some((
                *object,
                types
                    .alias_parameters
                    .get(object)
                    .map_or_else(Vec::new, |list| list.to_vec()),
            )),
            _ => types
                .named(*typ)
                .map(|named| (named.object, types.type_parameters(*typ).to_vec())),
        };
        let Some((object, parameters)) = types_of(&self.program.types) else {
            return;
        };
        if !self.check_argument_count(object, parameters.len(), arguments.len(), *expr) {
            return;
        }
        let list = self.ast.list(*indices);
        let place = self.range(*expr);
        match self.verify(&parameters, arguments, place.file) {
            Err((index, cause)) => {
                let at = list.get(index).copied().unwrap_or(*expr);
                self.report_expr(Code::UnsatisfiedConstraint, at, cause);
            }
            Ok(()) => {
                let places: Vec<TextRange> = list.iter().map(|expr| self.range(*expr)).collect();
                self.note_instantiation(&parameters, arguments, place, &places);
            }
        }
    }

    /// Notes the type arguments of a generic function or type at the identifier that names it.
    pub(crate) fn record_instance(&mut self, expr: ExprId, arguments: &[TypeId], typ: TypeId) {
        let mut ident = self.ast.unparen(expr);
        loop {
            ident = match *self.ast.expr(ident) {
                Expr::Index { operand, .. } => self.ast.unparen(operand),
                Expr::Selector { name, .. } => name,
                _ => break,
            };
        }
        if !matches!(self.ast.expr(ident), Expr::Ident(_)) {
            return;
        }
        let types = &self.program.types;
        let instance = Instance {
            arguments: arguments.iter().map(|typ| types.canonical(*typ)).collect(),
            typ: types.canonical(typ),
        };
        self.program.instances.insert(ident, instance);
    }

    /// Do type arguments satisfy the constraints of type parameters in a file? If not, which one does not, and why.
    pub(crate) fn verify(
        &mut self,
        parameters: &[TypeId],
        arguments: &[TypeId],
        file: FileId,
    ) -> Result<(), (usize, Cause)> {
        for (index, (parameter, argument)) in parameters.iter().zip(arguments).enumerate() {
            let constraint = self.constraint_of(*parameter);
            let bound = self
                .program
                .types
                .substitute(constraint, parameters, arguments);
            let mut cause = Cause::new();
            if !self.satisfies(*argument, bound, true, Some(&mut cause)) {
                return Err((index, cause));
            }
            // GO: cmd/compile/internal/types2/instantiate.go `implements`.
            let types = &self.program.types;
            if !self.allows(file, 20)
                && types
                    .as_interface(bound)
                    .is_some_and(|bound| bound.comparable)
                && !types.is_strictly_comparable(*argument)
            {
                let what = format!("{} to satisfy comparable", self.type_text(*argument));
                return Err((index, self.requirement(file, 20, &what)));
            }
        }
        Ok(())
    }

    /// The constraint of a type parameter, wrapped into an interface if it is none.
    pub(crate) fn constraint_of(&self, parameter: TypeId) -> TypeId {
        let types = &self.program.types;
        match types.constraint(parameter) {
            Some(constraint)
                if types.is_proper_interface(constraint)
                    || !types.is_valid(types.underlying_id(constraint)) =>
            {
                constraint
            }
            Some(_) => types.constraint_interface(parameter),
            None => TypeId::EMPTY_INTERFACE,
        }
    }
}
