//! Type expressions and names. GO: go/types typexpr.go, struct.go, interface.go, signature.go.

use diagnostics::{Code, TextRange};
use parser::ast::{self, Expr, ExprId, InterfaceElement, List, StructField, Symbol};
use rustc_hash::FxHashMap;

use crate::checker::{Checker, Color, Declared, Delayed, with_stack};
use crate::constants::{Constant, ConstantKind};
use crate::conversions::represent;
use crate::hints::Hint;
use crate::operand::Operand;
use crate::typed::{Mode, ObjectKind, VarKind};
use crate::types::{
    BasicKind, ChanDirection, Field, Interface, InterfaceMethod, ObjectId, PackageId, Param,
    Signature, Term, Type, TypeId, WrittenInterface,
};

/// The variables of a signature with their names' places.
pub(crate) type Variables = Vec<(ObjectId, Option<ExprId>)>;

/// The elements of an interface as written.
#[derive(Debug)]
pub(crate) struct InterfaceElements {
    /// The methods, in their order.
    all: Vec<InterfaceEntry>,
    /// Where in `all` a method is.
    places: FxHashMap<(Symbol, Option<PackageId>), usize>,
    /// The embedded types.
    pub(crate) embedded: Vec<(TypeId, TextRange)>,
}

#[derive(Debug)]
struct InterfaceEntry {
    method: InterfaceMethod,
    range: TextRange,
}

/// Was the name reported by the lexer? GO: isValidName
fn has_invalid_characters(name: &str) -> bool {
    !name
        .chars()
        .all(|character| character.is_alphanumeric() || character == '_')
}

impl Checker<'_> {
    /// Reports a name that nothing declares.
    pub(crate) fn report_undefined(&mut self, expr: ExprId, name: Symbol, hint: Hint) {
        if !has_invalid_characters(self.text(name)) {
            let message = format!("undefined: {}", self.text(name));
            self.report_with(Code::Undefined, self.range(expr), message, hint);
        }
    }

    /// Looks a name up and makes the operand what it stands for.
    pub(crate) fn ident(&mut self, x: &mut Operand, expr: ExprId, name: Symbol, want_type: bool) {
        *x = Operand::invalid(expr);
        let Some(object) = self.lookup_name(name) else {
            if name.is_blank() {
                self.report_expr(Code::NotAnExpression, expr, "cannot use _ as value or type");
            } else {
                let range = self.ast.range(expr);
                let hint = match self.hint_parameter(range, name).filter(|_| want_type) {
                    Some(hint) => hint,
                    None => self.hint_undefined(name),
                };
                let hint = match hint.is_none() && want_type {
                    true => self.hint_parameter_without_type(range, name),
                    false => hint,
                };
                self.report_undefined(expr, name, hint);
            }
            return;
        };
        if self.object(object).package.is_none() && matches!(self.text(name), "any" | "comparable")
        {
            let what = format!("predeclared {}", self.text(name));
            if !self.require(self.range(expr), 18, &what) {
                return;
            }
        }
        self.record_name(expr, object);
        self.note_mention(object);
        let is_type = matches!(self.object(object).kind, ObjectKind::TypeName { .. });
        if want_type && !is_type {
            let kind = self.object_kind(object);
            let message = format!("{} ({kind}) is not a type", self.text(name));
            let (range, hint) = (self.range(expr), self.hint_hidden(object));
            self.report_with(Code::NotAType, range, message, hint);
            if let Some(variable) = self.variable_mut(object) {
                variable.used = true;
            }
            return;
        }
        if self.colors[object.index()] != Color::Black {
            self.declare_object(object);
        }
        if !self.dot_imports.is_empty() {
            self.use_dot_import(object, name);
        }
        let typ = self.object(object).typ;
        match &self.object(object).kind {
            ObjectKind::PackageName { .. } => {
                let message = format!("use of package {} not in selector", self.text(name));
                self.report_expr(Code::NotAnExpression, expr, message);
                return;
            }
            ObjectKind::Constant(value) => {
                let value = value.clone();
                self.add_dependency(object);
                if !self.program.types.is_valid(typ) {
                    return;
                }
                x.value = value;
                if name == Symbol::IOTA && self.object(object).package.is_none() {
                    match self.env.iota {
                        Some(iota) => x.value = Constant::Int(i64::from(iota)),
                        None => {
                            self.report_expr(
                                Code::NotConstant,
                                expr,
                                "cannot use iota outside constant declaration",
                            );
                            return;
                        }
                    }
                }
                x.mode = Mode::Constant;
            }
            ObjectKind::TypeName { .. } => {
                if typ == TypeId::COMPARABLE {
                    self.saw_constraint = true;
                }
                x.mode = Mode::Type;
            }
            ObjectKind::Variable(variable) => {
                let function = variable.function;
                let kind = variable.kind;
                if kind == VarKind::Package {
                    self.add_dependency(object);
                } else {
                    self.use_local_variable(object, function);
                }
                if !self.program.types.is_valid(typ) {
                    return;
                }
                x.mode = Mode::Variable;
            }
            ObjectKind::Function { .. } => {
                self.add_dependency(object);
                if !self.program.types.is_valid(typ) {
                    return;
                }
                x.mode = Mode::Value;
            }
            ObjectKind::Builtin(builtin) => {
                x.builtin = Some(*builtin);
                x.mode = Mode::Builtin;
            }
            ObjectKind::Nil => x.mode = Mode::Nil,
            ObjectKind::Label { .. } => return,
        }
        x.typ = typ;
    }

    /// What kind of object, as messages name it.
    fn object_kind(&self, object: ObjectId) -> &'static str {
        match &self.object(object).kind {
            ObjectKind::PackageName { .. } => "package name",
            ObjectKind::Constant(_) => "constant",
            ObjectKind::TypeName { alias: true } => "type alias",
            ObjectKind::TypeName { alias: false } => "defined type",
            ObjectKind::Variable(variable) => match variable.kind {
                VarKind::Package => "package-level variable",
                VarKind::Local => "local variable",
                VarKind::Receiver => "receiver",
                VarKind::Parameter => "parameter",
                VarKind::Result => "result variable",
            },
            ObjectKind::Function {
                receiver_base: Some(_),
                ..
            } => "method",
            ObjectKind::Function { .. } => "function",
            ObjectKind::Label { .. } => "label",
            ObjectKind::Builtin(_) => "built-in function",
            ObjectKind::Nil => "untyped nil",
        }
    }

    /// The type that an expression denotes, for a variable.
    pub(crate) fn variable_type(&mut self, expr: ExprId) -> TypeId {
        let typ = self.typ(expr);
        self.check_variable_type(expr, typ);
        typ
    }

    /// A constraint is no type for variables; that can be seen only when it is complete.
    pub(crate) fn check_variable_type(&mut self, expr: ExprId, typ: TypeId) {
        if self.saw_constraint && !self.program.types.is_type_parameter(typ) {
            let range = self.range(expr);
            self.delayed.push(Delayed::VariableType {
                typ,
                range,
                package: self.env.package,
            });
        }
    }

    /// The type that an expression denotes.
    pub(crate) fn typ(&mut self, expr: ExprId) -> TypeId {
        let mut typ = with_stack(|| self.type_expression(expr));
        if self.program.types.is_generic(typ) {
            let message = format!(
                "cannot use generic type {} without instantiation",
                self.type_text(typ)
            );
            let hint = self.hint_generic_type(typ, expr);
            self.report_with(Code::NotInstantiated, self.range(expr), message, hint);
            typ = TypeId::INVALID;
        }
        self.record_type(expr, Mode::Type, typ, None);
        typ
    }

    /// As `typ`, where a generic type is to be instantiated.
    pub(crate) fn generic_type(&mut self, expr: ExprId) -> TypeId {
        let typ = with_stack(|| self.type_expression(expr));
        self.record_type(expr, Mode::Type, typ, None);
        typ
    }

    fn type_expression(&mut self, expr: ExprId) -> TypeId {
        match *self.ast.expr(expr) {
            Expr::Bad => {}
            Expr::Ident(name) => {
                let mut x = Operand::invalid(expr);
                self.ident(&mut x, expr, name, true);
                match x.mode {
                    Mode::Type => return x.typ,
                    Mode::None => {}
                    _ => self.report_not_a_type(&x),
                }
            }
            Expr::Selector { operand, name } => {
                let mut x = Operand::invalid(expr);
                self.selector(&mut x, expr, operand, name, true);
                match x.mode {
                    Mode::Type => return x.typ,
                    Mode::None => {}
                    _ => self.report_not_a_type(&x),
                }
            }
            Expr::Index { operand, indices } => {
                return self.instantiated_type(expr, operand, indices);
            }
            Expr::Paren(inner) => return self.typ(inner),
            Expr::ArrayType { length, element } => {
                let length = match length {
                    Some(length) => self.array_length(length),
                    None => {
                        let message = "invalid use of [...] array (outside a composite literal)";
                        self.report_expr(Code::InvalidType, expr, message);
                        None
                    }
                };
                let element = self.variable_type(element);
                if let Some(length) = length {
                    let typ = self.program.types.intern(Type::Array(element, length));
                    self.note_size(expr, typ);
                    return typ;
                }
            }
            Expr::SliceType { element } => {
                let element = self.variable_type(element);
                return self.program.types.slice(element);
            }
            Expr::StructType { fields } => return self.struct_type(fields),
            Expr::Star(base) => {
                let base = self.variable_type(base);
                if self.program.types.is_valid(base) {
                    return self.program.types.pointer(base);
                }
            }
            Expr::FuncType { params, results } => return self.function_type(params, results),
            Expr::InterfaceType { elements } => return self.interface_type(expr, elements),
            Expr::MapType { key, value } => {
                let key_type = self.variable_type(key);
                let element = self.variable_type(value);
                self.delayed.push(Delayed::MapKey {
                    key: key_type,
                    at: key,
                    package: self.env.package,
                });
                return self.program.types.intern(Type::Map {
                    key: key_type,
                    element,
                });
            }
            Expr::ChanType { direction, element } => {
                let element = self.variable_type(element);
                let direction = match direction {
                    ast::ChanDirection::Both => ChanDirection::Both,
                    ast::ChanDirection::Send => ChanDirection::Send,
                    ast::ChanDirection::Receive => ChanDirection::Receive,
                };
                let typ = self.program.types.intern(Type::Chan { direction, element });
                self.note_size(expr, typ);
                return typ;
            }
            _ => {
                let message = format!("{} is not a type", self.expression_text(expr));
                self.report_expr(Code::NotAType, expr, message);
                self.use_exprs(&[expr]);
            }
        }
        TypeId::INVALID
    }

    fn report_not_a_type(&mut self, x: &Operand) {
        let text = self.operand_string(x);
        let message = if x.mode == Mode::NoValue {
            format!("{text} used as type")
        } else {
            format!("{text} is not a type")
        };
        self.report_operand(Code::NotAType, x, message);
    }

    fn array_length(&mut self, expr: ExprId) -> Option<i64> {
        if let Expr::Ident(name) = *self.ast.expr(expr) {
            let text = self.text(name);
            match self.lookup_name(name) {
                None => {
                    let message =
                        format!("undefined array length {text} or missing type constraint");
                    self.report_expr(Code::Undefined, expr, message);
                    return None;
                }
                Some(object) if !matches!(self.object(object).kind, ObjectKind::Constant(_)) => {
                    self.report_expr(
                        Code::InvalidType,
                        expr,
                        format!("invalid array length {text}"),
                    );
                    return None;
                }
                Some(_) => {}
            }
        }
        let mut x = Operand::invalid(expr);
        self.expr(&mut x, expr);
        if !x.is_constant() {
            if x.is_valid() {
                let message = format!("array length {} must be constant", self.operand_string(&x));
                self.report_operand(Code::InvalidType, &x, message);
            }
            return None;
        }
        if x.value.is_unknown() {
            return None;
        }
        let is_integer = self.program.types.is_integer(x.typ);
        if self.program.types.is_untyped(x.typ) || is_integer {
            let value = x.value.to_int();
            if value.kind() == ConstantKind::Int
                && represent(&value, BasicKind::Int).is_some()
                && let Some(length) = value.as_i64().filter(|length| *length >= 0)
            {
                self.update_operand_type(&x, TypeId::INT, true);
                return Some(length);
            }
        }
        let text = self.operand_string(&x);
        let message = if is_integer {
            format!("invalid array length {text}")
        } else {
            format!("array length {text} must be integer")
        };
        self.report_operand(Code::InvalidType, &x, message);
        None
    }

    // ---- structs ----

    fn struct_type(&mut self, list: List<StructField>) -> TypeId {
        let list = self.ast.list(list);
        let mut fields: Vec<Field> = Vec::with_capacity(list.len());
        let mut ranges: Vec<TextRange> = Vec::with_capacity(list.len());
        let mut seen: FxHashMap<Symbol, TextRange> = FxHashMap::default();
        let mut previous: Option<(ExprId, TypeId)> = None;
        for field in list {
            let typ = match previous {
                Some((expr, typ)) if expr == field.ty => typ,
                _ => self.variable_type(field.ty),
            };
            previous = Some((field.ty, typ));
            // SPEC: an empty tag is as good as none.
            let tag = field.tag.map(|tag| self.ast.string_value(tag));
            let tag = tag
                .filter(|bytes| !bytes.is_empty())
                .map(|bytes| String::from_utf8_lossy(bytes).into_owned().into_boxed_str());
            let ident = match field.name {
                Some(name) => Some(name),
                None => self.embedded_name(field.ty, true),
            };
            let Some((name, range)) =
                ident.and_then(|id| Some((self.ast.ident(id)?, self.range(id))))
            else {
                // The parser has refused it.
                continue;
            };
            if field.name.is_none() {
                let range = self.range(field.ty);
                self.delayed.push(Delayed::EmbeddedField {
                    typ,
                    range,
                    package: self.env.package,
                });
            }
            if !name.is_blank() {
                if let Some(other) = seen.get(&name) {
                    let text = self.text(name);
                    let message = format!(
                        "{text} redeclared\n\t{}: other declaration of {text}",
                        self.sources.position(*other)
                    );
                    self.report(Code::Redeclared, range, message);
                    continue;
                }
                seen.insert(name, range);
            }
            let exported = crate::checker::is_exported(self.text(name));
            fields.push(Field {
                name,
                exported,
                embedded: field.name.is_none(),
                package: (!exported).then_some(self.env.package),
                typ,
                tag,
            });
            ranges.push(range);
        }
        let id = self.program.types.intern(Type::Struct(fields.into()));
        self.member_ranges
            .entry(self.program.types.canonical(id))
            .or_insert(ranges);
        id
    }

    /// The name of the field that embeds a type; `*T` once, `**T` never.
    fn embedded_name(&self, expr: ExprId, pointer_allowed: bool) -> Option<ExprId> {
        match *self.ast.expr(expr) {
            Expr::Ident(_) => Some(expr),
            Expr::Star(inner) if pointer_allowed => self.embedded_name(inner, false),
            Expr::Selector { name, .. } => Some(name),
            Expr::Index { operand, .. } => self.embedded_name(operand, false),
            Expr::Paren(inner) => self.embedded_name(inner, pointer_allowed),
            _ => None,
        }
    }

    // ---- interfaces ----

    fn interface_type(&mut self, expr: ExprId, list: List<InterfaceElement>) -> TypeId {
        let elements = self.interface_elements(list);
        for &(typ, range) in &elements.embedded {
            if !self.program.types.is_unfinished(typ) {
                continue;
            }
            if self.env.in_type_parameters {
                self.awaited_by_constraint = Some(typ);
                return TypeId::INVALID;
            }
            // GO: its compiler refuses these, at the outer interface. go.dev/issue/56103
            let outer = self
                .program
                .types
                .named(typ)
                .and_then(|named| self.declaration_of[named.object.index()])
                .map(|id| &self.declarations[id.0 as usize].what);
            let place = match outer {
                Some(Declared::Type(spec)) => self.range(spec.ty),
                _ => range,
            };
            let own = self.range(expr);
            let place = if (own.file, own.start) < (place.file, place.start) {
                own
            } else {
                place
            };
            let message = "invalid recursive type: anonymous interface refers to itself (see https://go.dev/issue/56103)";
            self.late_errors
                .push((Code::InvalidCycle, place, message.to_owned()));
            return TypeId::INVALID;
        }
        self.finish_interface(elements)
    }

    /// What is written between the braces of an interface.
    pub(crate) fn interface_elements(&mut self, list: List<InterfaceElement>) -> InterfaceElements {
        let mut all: Vec<InterfaceEntry> = Vec::new();
        let mut places: FxHashMap<(Symbol, Option<PackageId>), usize> = FxHashMap::default();
        let mut embedded: Vec<(TypeId, TextRange)> = Vec::new();
        for element in self.ast.list(list) {
            match *element {
                InterfaceElement::Method { name: ident, ty } => {
                    let Some(name) = self.ast.ident(ident) else {
                        continue;
                    };
                    if name.is_blank() {
                        let message = "methods must have a unique non-blank name";
                        self.report_expr(Code::Redeclared, ident, message);
                        continue;
                    }
                    let signature = self.typ(ty);
                    let exported = crate::checker::is_exported(self.text(name));
                    let package = (!exported).then_some(self.env.package);
                    let method = InterfaceMethod {
                        name,
                        package,
                        signature,
                    };
                    let range = self.range(ident);
                    if let Some(place) = places.get(&(name, package)) {
                        let text = self.text(name);
                        let message = format!(
                            "duplicate method {text}\n\t{}: other declaration of method {text}",
                            self.sources.position(all[*place].range)
                        );
                        self.report(Code::Redeclared, range, message);
                        continue;
                    }
                    places.insert((name, package), all.len());
                    all.push(InterfaceEntry { method, range });
                }
                InterfaceElement::Embedded(expr) => {
                    // What is no name of a type makes a constraint, which no type in it may be.
                    self.saw_constraint |= !matches!(
                        self.ast.expr(expr),
                        Expr::Ident(_) | Expr::Selector { .. } | Expr::Index { .. }
                    );
                    let typ = self.union(expr);
                    if self.program.types.is_valid(typ) {
                        embedded.push((typ, self.range(expr)));
                    }
                }
            }
        }
        InterfaceElements {
            all,
            places,
            embedded,
        }
    }

    /// The interface type, now that the embedded types are known: to their methods it has its own.
    pub(crate) fn finish_interface(&mut self, elements: InterfaceElements) -> TypeId {
        let InterfaceElements {
            mut all,
            mut places,
            embedded,
        } = elements;
        if all.is_empty() && embedded.is_empty() {
            return TypeId::EMPTY_INTERFACE;
        }
        let mut explicit: Vec<InterfaceMethod> = all.iter().map(|entry| entry.method).collect();
        let mut type_set = (None, false);
        for (typ, range) in &embedded {
            let types = &self.program.types;
            if types.as_interface(*typ).is_none()
                && types.underlying_id(*typ) != TypeId::INVALID
                && !self.allows(range.file, 18)
            {
                let what = match types.get(*typ) {
                    Type::Union(_) => "interface element",
                    _ => "non-interface type",
                };
                let what = format!("embedding {what} {}", self.type_text(*typ));
                self.require(*range, 18, &what);
                continue;
            }
            let types = &self.program.types;
            let Some(interface) = types.as_interface(*typ) else {
                let terms = match types.get(*typ) {
                    Type::Union(_) => self.union_terms(*typ, *range),
                    _ if types.underlying_id(*typ) == TypeId::INVALID => continue,
                    _ => Some(Box::from([Term {
                        tilde: false,
                        typ: *typ,
                    }])),
                };
                self.saw_constraint = true;
                type_set = self
                    .program
                    .types
                    .intersect_type_sets(type_set, (terms, false));
                continue;
            };
            let methods = interface.methods.clone();
            type_set = types
                .intersect_type_sets(type_set, (interface.terms.clone(), interface.comparable));
            for method in methods {
                match places.get(&(method.name, method.package)) {
                    None => {
                        places.insert((method.name, method.package), all.len());
                        all.push(InterfaceEntry {
                            method,
                            range: *range,
                        });
                    }
                    Some(place) => {
                        let other = &all[*place];
                        if !self.allows(range.file, 14)
                            || !self
                                .program
                                .types
                                .identical(other.method.signature, method.signature)
                        {
                            let text = self.text(method.name);
                            let message = format!(
                                "duplicate method {text}\n\t{}: other declaration of method {text}",
                                self.sources.position(other.range)
                            );
                            self.report(Code::Redeclared, *range, message);
                        }
                    }
                }
            }
        }
        let mut methods: Vec<InterfaceMethod> = all.iter().map(|entry| entry.method).collect();
        let (program, names) = (&self.program, self.names);
        let order = |a: &InterfaceMethod, b: &InterfaceMethod| {
            program.compare_method_names(names, (a.name, a.package), (b.name, b.package))
        };
        methods.sort_by(order);
        explicit.sort_by(order);
        let written = (!embedded.is_empty()).then(|| {
            let embedded = embedded.iter().map(|(typ, _)| *typ).collect();
            Box::new(WrittenInterface {
                methods: explicit.into(),
                embedded,
                implicit: false,
            })
        });
        self.program.types.interface(Interface {
            methods: methods.into(),
            written,
            terms: type_set.0,
            comparable: type_set.1,
        })
    }

    // ---- functions ----

    fn function_type(&mut self, params: List<ast::Param>, results: List<ast::Param>) -> TypeId {
        self.check_parameter_names(params, results);
        let (params, variadic) = self.parameters(params, true, &mut None);
        let (results, _) = self.parameters(results, false, &mut None);
        self.program.types.signature(&params, &results, variadic)
    }

    /// The signature of a function with a body, and its variables, not yet declared in any scope.
    pub(crate) fn function_signature(
        &mut self,
        expr: ExprId,
        type_parameters: &[TypeId],
    ) -> (TypeId, Variables, Variables) {
        let Expr::FuncType { params, results } = *self.ast.expr(expr) else {
            return (TypeId::INVALID, Vec::new(), Vec::new());
        };
        let mut param_variables = Some((VarKind::Parameter, Vec::new()));
        let mut result_variables = Some((VarKind::Result, Vec::new()));
        let (params, variadic) = self.parameters(params, true, &mut param_variables);
        let (results, _) = self.parameters(results, false, &mut result_variables);
        let signature = Signature {
            type_parameters: type_parameters.into(),
            params: params.into(),
            results: results.into(),
            variadic,
        };
        let typ = self
            .program
            .types
            .intern(Type::Signature(Box::new(signature)));
        self.record_type(expr, Mode::Type, typ, None);
        let variables =
            |list: Option<(VarKind, Variables)>| list.map(|(_, list)| list).unwrap_or_default();
        (typ, variables(param_variables), variables(result_variables))
    }

    fn parameters(
        &mut self,
        list: List<ast::Param>,
        may_be_variadic: bool,
        variables: &mut Option<(VarKind, Variables)>,
    ) -> (Vec<Param>, bool) {
        let list = self.ast.list(list);
        let mut params: Vec<Param> = Vec::with_capacity(list.len());
        let mut variadic = false;
        let mut previous: Option<(ExprId, TypeId)> = None;
        for (index, param) in list.iter().enumerate() {
            let mut typ = match previous {
                Some((expr, typ)) if expr == param.ty => typ,
                _ => self.variable_type(param.ty),
            };
            previous = Some((param.ty, typ));
            if param.variadic.is_some() {
                // Elsewhere the parser has refused it.
                if may_be_variadic && index + 1 == list.len() {
                    variadic = true;
                    typ = self.program.types.slice(typ);
                }
            }
            let name = param.name.and_then(|name| self.ast.ident(name));
            params.push(Param { name, typ });
            if let Some((kind, variables)) = variables {
                let (name, place) = match self.name_instead_of_type(param, typ) {
                    Some(name) => (Some(name), Some(param.ty)),
                    None => (name, param.name),
                };
                let range = self.range(place.unwrap_or(param.ty));
                let object =
                    self.new_variable(*kind, name.unwrap_or(Symbol::EMPTY), range, Some(typ));
                variables.push((object, place));
            }
        }
        (params, variadic)
    }

    /// The name that stands where the type of a parameter should: `f(a, b)` without types, or `f(int a)` the wrong way round. Nothing
    /// declares it, which was said; where the body uses it nothing follows.
    fn name_instead_of_type(&self, param: &ast::Param, typ: TypeId) -> Option<Symbol> {
        if self.program.types.is_valid(typ) {
            return None;
        }
        let is_type = |name: Symbol| crate::package::is_predeclared(self.text(name));
        if !param
            .name
            .is_none_or(|name| self.ast.ident(name).is_some_and(is_type))
        {
            return None;
        }
        let name = self.ast.ident(param.ty)?;
        (!name.is_blank() && self.lookup_name(name).is_none()).then_some(name)
    }

    /// Two parameters of a function type without body may not share a name either.
    fn check_parameter_names(&mut self, params: List<ast::Param>, results: List<ast::Param>) {
        let (params, results) = (self.ast.list(params), self.ast.list(results));
        if params.len() + results.len() < 2 {
            return;
        }
        let mut seen: FxHashMap<Symbol, TextRange> = FxHashMap::default();
        for param in params.iter().chain(results) {
            let Some(ident) = param.name else { continue };
            let Some(name) = self.ast.ident(ident) else {
                continue;
            };
            let range = self.range(ident);
            if name.is_blank() {
                continue;
            }
            if let Some(other) = seen.get(&name) {
                let text = self.text(name);
                let message = format!(
                    "{text} redeclared in this block\n\t{}: other declaration of {text}",
                    self.sources.position(*other)
                );
                self.report(Code::Redeclared, range, message);
            } else {
                seen.insert(name, range);
            }
        }
    }
}
