//! Function literals and composite literals. GO: go/types literals.go.

use std::sync::Arc;

use diagnostics::{Code, TextRange};
use parser::ast::{BlockId, Expr, ExprId, List, Symbol};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::checker::{Checker, Delayed};
use crate::constants::{Constant, ConstantKind};
use crate::hints::Hint;
use crate::lookup::{Found, Lookup, NameMatch, Path};
use crate::operand::Operand;
use crate::typed::{FunctionRef, Mode};
use crate::types::{BasicKind, Field, Type, TypeId};

/// A constant as a key of a table: equal constants of one type have equal keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ConstantKey {
    Bool(bool),
    String(Arc<[u8]>),
    Int(i64),
    Unsigned(u64),
    Float(u64),
    Complex(u64, u64),
}

pub(crate) fn constant_key(value: &Constant) -> Option<ConstantKey> {
    match value.kind() {
        ConstantKind::Unknown => None,
        ConstantKind::Bool => Some(ConstantKey::Bool(value.as_bool())),
        ConstantKind::String => value.as_bytes().map(ConstantKey::String),
        ConstantKind::Int => value
            .as_i64()
            .map(ConstantKey::Int)
            .or_else(|| value.as_u64().map(ConstantKey::Unsigned)),
        ConstantKind::Float => {
            let whole = value.to_int();
            if whole.kind() == ConstantKind::Int {
                return constant_key(&whole);
            }
            Some(ConstantKey::Float(value.as_f64().to_bits()))
        }
        ConstantKind::Complex if value.to_float().kind() == ConstantKind::Float => {
            constant_key(&value.to_float())
        }
        ConstantKind::Complex => Some(ConstantKey::Complex(
            value.real().as_f64().to_bits(),
            value.imaginary().as_f64().to_bits(),
        )),
    }
}

impl Checker<'_> {
    pub(crate) fn function_literal(
        &mut self,
        x: &mut Operand,
        expr: ExprId,
        ty: ExprId,
        body: BlockId,
    ) {
        let (typ, parameters, results) = self.function_signature(ty, &[]);
        let reference = FunctionRef::Literal(expr);
        for (object, _) in parameters.iter().chain(&results) {
            if let Some(variable) = self.variable_mut(*object) {
                variable.function = Some(reference);
            }
        }
        if let Some(context) = &self.env.context {
            self.literal_parents.insert(reference, context.function);
        }
        let closure = self.program.closures.entry(expr).or_default();
        closure.parameters = parameters.iter().map(|(object, _)| *object).collect();
        closure.results = results.iter().map(|(object, _)| *object).collect();
        // The body is checked when the statement is done, so that a declaration whose type it mentions is complete; but
        // before the scope that it sees changes.
        let environment = self.env.clone();
        let parameters = parameters.into_iter().chain(results).collect();
        self.delayed.push(Delayed::FunctionBody {
            environment,
            literal: expr,
            parameters,
            body,
        });
        x.mode = Mode::Value;
        x.typ = typ;
    }

    pub(crate) fn composite_literal(
        &mut self,
        x: &mut Operand,
        expr: ExprId,
        ty: Option<ExprId>,
        elements: List<ExprId>,
        hint: Option<TypeId>,
    ) {
        let elements = self.ast.list(elements);
        let mut is_element = false;
        // The element type of a literal `[...]T{...}`, whose length is not known yet.
        let mut open_array = None;
        let (typ, base) = match (ty, hint) {
            (Some(ty), _) => match *self.ast.expr(ty) {
                Expr::ArrayType {
                    length: None,
                    element,
                } => {
                    open_array = Some(self.variable_type(element));
                    (TypeId::INVALID, TypeId::INVALID)
                }
                _ => {
                    let typ = self.typ(ty);
                    (typ, typ)
                }
            },
            (None, Some(hint)) => {
                is_element = true;
                // *T implies &T{}.
                let types = &self.program.types;
                let base = types
                    .core_type(hint)
                    .and_then(|core| types.as_pointer(core));
                (hint, base.unwrap_or(hint))
            }
            (None, None) => {
                self.report_expr(
                    Code::InvalidLiteral,
                    expr,
                    "missing type in composite literal",
                );
                (TypeId::INVALID, TypeId::INVALID)
            }
        };
        if let Some(element) = open_array {
            let length = self.indexed_elements(elements, element, None);
            x.typ = self.program.types.intern(Type::Array(element, length));
            x.mode = Mode::Value;
            if let Some(ty) = ty {
                self.record_type(ty, Mode::Type, x.typ, None);
            }
            return;
        }
        if !self.is_complete(base) {
            x.invalidate();
            return;
        }
        let types = &self.program.types;
        let under = match types.common_underlying(base) {
            Ok(common) => common,
            Err(_) => {
                self.use_exprs(elements);
                let what = if is_element { " element" } else { "" };
                let message = format!(
                    "invalid composite literal{what} type {} (no common underlying type)",
                    self.type_text(typ)
                );
                self.report_expr(Code::InvalidLiteral, expr, message);
                x.invalidate();
                return;
            }
        };
        match types.get(under) {
            Type::Struct(_) => self.struct_literal(x, expr, elements, base),
            Type::Array(element, length) => {
                let (element, length) = (*element, *length);
                self.indexed_elements(elements, element, Some(length));
            }
            Type::Slice(element) => {
                let element = *element;
                self.indexed_elements(elements, element, None);
            }
            Type::Map { key, element } => {
                let (key, element) = (*key, *element);
                self.map_literal(x, elements, key, element);
            }
            under => {
                let valid = *under != Type::Basic(BasicKind::Invalid);
                self.use_exprs(elements);
                if valid {
                    let what = if is_element { " element" } else { "" };
                    let message = format!(
                        "invalid composite literal{what} type {}",
                        self.type_text(typ)
                    );
                    self.report_expr(Code::InvalidLiteral, expr, message);
                    x.invalidate();
                    return;
                }
                // What was wrong with the type has been said.
                x.invalidate();
                return;
            }
        }
        x.mode = Mode::Value;
        x.typ = typ;
    }

    fn struct_literal(&mut self, x: &mut Operand, expr: ExprId, elements: &[ExprId], base: TypeId) {
        let Some(core) = self.program.types.core_type(base) else {
            return;
        };
        let Some(fields) = self.program.types.as_struct(core) else {
            return;
        };
        let fields: Vec<Field> = fields.to_vec();
        let Some(first) = elements.first() else {
            return;
        };
        let foreign = |checker: &Self, field: &Field| {
            !field.exported && field.package != Some(checker.env.package)
        };
        if matches!(self.ast.expr(*first), Expr::KeyValue { .. }) {
            // The fields named, and the embedded ones on the way to them.
            let mut seen: FxHashMap<Path, Symbol> = FxHashMap::default();
            let mut enclosing: FxHashMap<Path, Symbol> = FxHashMap::default();
            for element in elements {
                let Expr::KeyValue { key, value } = *self.ast.expr(*element) else {
                    let message = "mixture of field:value and value elements in struct literal";
                    self.report_expr(Code::InvalidLiteral, *element, message);
                    continue;
                };
                // A literal without type inside gets its type from the field that the key names.
                let name = self.ast.ident(key);
                self.generic_expr(x, value);
                let Some(name) = name else {
                    let message = format!(
                        "invalid field name {} in struct literal",
                        self.expression_text(key)
                    );
                    self.report_expr(Code::InvalidLiteral, *element, message);
                    continue;
                };
                let package = Some(self.env.package);
                let under = core;
                let lookup = self
                    .program
                    .lookup_field_or_method(under, false, package, name);
                let (typ, path) = match lookup {
                    Lookup::Found {
                        found: Found::Field { typ, .. },
                        path,
                        indirect,
                    } => {
                        if path.len() > 1 && !self.allows(self.range(key).file, 27) {
                            let what = format!(
                                "use of promoted field {} in struct literal of type {}",
                                self.field_path(under, &path),
                                self.type_text(base)
                            );
                            self.require(self.range(key), 27, &what);
                            continue;
                        }
                        if path.len() > 1 && indirect {
                            let message = format!(
                                "invalid implicit pointer indirection to reach {}",
                                self.expression_text(key)
                            );
                            self.report_expr(Code::InvalidLiteral, key, message);
                            continue;
                        }
                        (typ, path)
                    }
                    Lookup::Found { .. } => {
                        let message = format!("{} is not a field", self.expression_text(key));
                        self.report_expr(Code::InvalidLiteral, key, message);
                        continue;
                    }
                    _ => {
                        let message = self.lookup_error(base, under, false, name, true);
                        let hint = match message.contains("but does have") {
                            true => Hint::none(),
                            false => self.hint_literal_field(base, name),
                        };
                        let range = self.range(key);
                        self.report_with(Code::MissingFieldOrMethod, range, message, hint);
                        continue;
                    }
                };
                self.program.field_keys.insert(key, path.clone());
                self.assignment(x, Some(typ), "struct literal");
                let text = self.text(name);
                let outer = (1..path.len()).find_map(|length| seen.get(&path[..length]).copied());
                let problem = if seen.insert(path.clone(), name).is_some() {
                    format!("duplicate field name {text} in struct literal")
                } else if let Some(outer) = outer {
                    format!(
                        "cannot specify promoted field {text} and enclosing embedded field {}",
                        self.text(outer)
                    )
                } else if let Some(inner) = enclosing.get(&path) {
                    format!(
                        "cannot specify embedded field {text} and enclosed promoted field {}",
                        self.text(*inner)
                    )
                } else {
                    for length in 1..path.len() {
                        enclosing.insert(Path::from(&path[..length]), name);
                    }
                    continue;
                };
                self.report_expr(Code::DuplicateKey, *element, problem);
            }
            return;
        }
        for (index, element) in elements.iter().enumerate() {
            if matches!(self.ast.expr(*element), Expr::KeyValue { .. }) {
                let message = "mixture of field:value and value elements in struct literal";
                self.report_expr(Code::InvalidLiteral, *element, message);
                continue;
            }
            self.generic_expr(x, *element);
            let Some(field) = fields.get(index) else {
                let message = format!(
                    "too many values in struct literal of type {}",
                    self.type_text(base)
                );
                self.report_operand(Code::InvalidLiteral, x, message);
                break;
            };
            if foreign(self, field) {
                let message = format!(
                    "implicit assignment to unexported field {} in struct literal of type {}",
                    self.text(field.name),
                    self.type_text(base)
                );
                self.report_operand(Code::NotExported, x, message);
                continue;
            }
            self.assignment(x, Some(field.typ), "struct literal");
        }
        if elements.len() < fields.len() {
            let hint = if fields.iter().any(|field| foreign(self, field)) {
                " (type has unexported fields - use key:value pairs)"
            } else {
                ""
            };
            let message = format!(
                "too few values in struct literal of type {}{hint}",
                self.type_text(base)
            );
            let range = self.range(expr).last_byte();
            self.report(Code::InvalidLiteral, range, message);
        }
    }

    fn map_literal(
        &mut self,
        x: &mut Operand,
        elements: &[ExprId],
        key_type: TypeId,
        element_type: TypeId,
    ) {
        let interface = self.program.types.is_proper_interface(key_type);
        let mut seen: FxHashMap<ConstantKey, SmallVec<[TypeId; 1]>> = FxHashMap::default();
        for element in elements {
            let Expr::KeyValue { key, value } = *self.ast.expr(*element) else {
                self.report_expr(Code::InvalidLiteral, *element, "missing key in map literal");
                continue;
            };
            self.element_expr(x, key, Some(key_type));
            self.assignment(x, Some(key_type), "map literal");
            if !x.is_valid() {
                continue;
            }
            if x.is_constant()
                && let Some(constant) = constant_key(&x.value)
            {
                let types = seen.entry(constant).or_default();
                let typ = if interface {
                    self.program.types.canonical(x.typ)
                } else {
                    key_type
                };
                if types.contains(&typ) {
                    let message = format!("duplicate key {} in map literal", x.value);
                    self.report_operand(Code::DuplicateKey, x, message);
                    continue;
                }
                types.push(typ);
            }
            self.element_expr(x, value, Some(element_type));
            self.assignment(x, Some(element_type), "map literal");
        }
    }

    /// Checks the elements of an array or slice literal; gives its length.
    fn indexed_elements(&mut self, elements: &[ExprId], typ: TypeId, length: Option<i64>) -> i64 {
        // Without keys indices cannot repeat.
        let mut seen: Option<FxHashSet<i64>> = elements
            .iter()
            .any(|element| matches!(self.ast.expr(*element), Expr::KeyValue { .. }))
            .then(FxHashSet::default);
        let (mut index, mut max) = (0i64, 0i64);
        for element in elements {
            let mut valid = false;
            let mut value = *element;
            if let Expr::KeyValue { key, value: inner } = *self.ast.expr(*element) {
                let (key_type, constant) = self.index(key, length);
                if self.program.types.is_valid(key_type) {
                    match constant {
                        Some(constant) => {
                            index = constant;
                            valid = true;
                        }
                        None => {
                            let message = format!(
                                "index {} must be integer constant",
                                self.expression_text(key)
                            );
                            self.report_expr(Code::InvalidLiteral, *element, message);
                        }
                    }
                }
                value = inner;
            } else if let Some(length) = length.filter(|length| index >= *length) {
                let message = format!("index {index} is out of bounds (>= {length})");
                self.report_expr(Code::InvalidIndex, *element, message);
            } else {
                valid = true;
            }
            if valid
                && let Some(seen) = &mut seen
                && !seen.insert(index)
            {
                let message = format!("duplicate index {index} in array or slice literal");
                self.report_expr(Code::DuplicateKey, *element, message);
            }
            index = index.saturating_add(1);
            max = max.max(index);
            let mut x = Operand::invalid(value);
            self.element_expr(&mut x, value, Some(typ));
            self.assignment(&mut x, Some(typ), "array or slice literal");
        }
        max
    }

    /// Why a field or method was not found, with the spelling that is there.
    pub(crate) fn lookup_error(
        &self,
        typ: TypeId,
        search: TypeId,
        addressable: bool,
        name: parser::ast::Symbol,
        in_literal: bool,
    ) -> String {
        let package = Some(self.env.package);
        let sel = self.text(name);
        let typ = self.type_text(typ);
        let folded = self.program.lookup(
            search,
            addressable,
            package,
            name,
            NameMatch::Folded(self.names),
        );
        let (what, alt, alt_package) = match &folded {
            Lookup::Found {
                found: Found::Field { name, package, .. },
                ..
            } => ("field", self.text(*name), *package),
            Lookup::Found {
                found: Found::Method { object, .. },
                ..
            } => {
                let object = self.object(*object);
                ("method", self.text(object.name), object.package)
            }
            Lookup::Found {
                found: Found::InterfaceMethod { interface, index },
                ..
            } => match self.program.types.as_interface(*interface) {
                Some(interface) => {
                    let method = interface.methods[*index as usize];
                    ("method", self.text(method.name), method.package)
                }
                None => ("object", "", None),
            },
            _ => ("object", "", None),
        };
        let exported = |name: &str| crate::checker::is_exported(name);
        // GO: errsupport.go `tail`, which leaves a name of one letter as it is.
        let tail = |name: &str| {
            let second = name.char_indices().nth(1).map_or(0, |(at, _)| at);
            name[second..].to_owned()
        };
        #[derive(PartialEq)]
        enum Case {
            Missing,
            Misspelled,
            Unexported,
            Inaccessible,
        }
        let case = if alt.is_empty() {
            Case::Missing
        } else if alt_package == package
            || exported(alt) && self.found_in_own_package(&folded, search)
        {
            Case::Misspelled
        } else if exported(sel) {
            if exported(alt) {
                Case::Misspelled
            } else if tail(sel) == tail(alt) {
                Case::Unexported
            } else {
                Case::Missing
            }
        } else if exported(alt) {
            if tail(sel) == tail(alt) {
                Case::Misspelled
            } else {
                Case::Missing
            }
        } else if sel == alt {
            Case::Inaccessible
        } else {
            Case::Missing
        };
        match (in_literal, case) {
            (true, Case::Missing) => format!("unknown field {sel} in struct literal of type {typ}"),
            (true, Case::Misspelled) => {
                format!("unknown field {sel} in struct literal of type {typ}, but does have {alt}")
            }
            (true, Case::Unexported) => {
                format!(
                    "unknown field {sel} in struct literal of type {typ}, but does have unexported {alt}"
                )
            }
            (true, Case::Inaccessible) => {
                format!("cannot refer to unexported field {alt} in struct literal of type {typ}")
            }
            (false, Case::Missing) => format!("type {typ} has no field or method {sel}"),
            (false, Case::Misspelled) => {
                format!("type {typ} has no field or method {sel}, but does have {what} {alt}")
            }
            (false, Case::Unexported) => {
                format!(
                    "type {typ} has no field or method {sel}, but does have unexported {what} {alt}"
                )
            }
            (false, Case::Inaccessible) => format!("cannot refer to unexported {what} {alt}"),
        }
    }

    /// Was the thing found declared in the package being checked? Exported fields do not carry their package, so that of the
    /// type stands for it.
    fn found_in_own_package(&self, lookup: &Lookup, search: TypeId) -> bool {
        let Lookup::Found { found, .. } = lookup else {
            return false;
        };
        match found {
            Found::Method { object, .. } => self.object(*object).package == Some(self.env.package),
            _ => {
                let (typ, _) = self.program.dereference(search);
                let named = self.program.types.named(typ);
                named
                    .is_none_or(|named| self.object(named.object).package == Some(self.env.package))
            }
        }
    }

    /// The closing brace of a block, where a missing return is reported.
    pub(crate) fn closing_brace(&self, body: BlockId) -> TextRange {
        self.ast.block(body).range.last_byte()
    }
}
