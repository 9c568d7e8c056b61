//! Calls and selectors. GO: go/types call.go.

use diagnostics::Code;
use parser::ast::{Expr, ExprId, List, Symbol};

use crate::checker::{Checker, Color};
use crate::lookup::{Found, Lookup};
use crate::operand::{Label, Operand};
use crate::typed::{Mode, ObjectKind, Selected, Selection, SelectionKind};
use crate::types::{Param, Type, TypeId};
use crate::universe::CallKind;

impl Checker<'_> {
    pub(crate) fn call_expr(
        &mut self,
        x: &mut Operand,
        expr: ExprId,
        callee: ExprId,
        args: List<ExprId>,
        spread: Option<u32>,
    ) -> CallKind {
        let args = self.ast.list(args);
        self.expr_or_type(x, callee);
        match x.mode {
            Mode::None => {
                self.use_exprs(args);
                x.expr = Some(expr);
                return CallKind::Statement;
            }
            Mode::Type => {
                let target = x.typ;
                x.invalidate();
                self.convert_call(x, expr, target, args, spread);
                x.expr = Some(expr);
                return CallKind::Conversion;
            }
            Mode::Builtin => {
                let Some(builtin) = x.builtin else {
                    return CallKind::Statement;
                };
                if !self.builtin_call(x, expr, builtin, args, spread) {
                    x.invalidate();
                }
                x.expr = Some(expr);
                if x.is_valid() && x.mode != Mode::Constant {
                    self.env.has_call_or_receive = true;
                }
                return builtin.kind();
            }
            _ => {}
        }
        let Some(signature) = self.program.types.as_signature(x.typ).cloned() else {
            if self.program.types.underlying_id(x.typ) != TypeId::INVALID {
                let message = format!(
                    "invalid operation: cannot call {}: {} is not a function",
                    self.operand_string(x),
                    self.type_text(x.typ)
                );
                self.report_operand(Code::InvalidCall, x, message);
            }
            // Go does not look at the arguments.
            x.invalidate();
            x.expr = Some(expr);
            return CallKind::Statement;
        };
        let mut operands = self.argument_operands(args);
        self.arguments(
            expr,
            callee,
            &signature.params,
            signature.variadic,
            args,
            &mut operands,
            spread,
        );
        match &signature.results[..] {
            [] => {
                x.mode = Mode::NoValue;
                x.typ = TypeId::EMPTY_TUPLE;
            }
            [single] => {
                x.mode = Mode::Value;
                x.typ = single.typ;
                if !self.is_complete(x.typ) || !self.program.types.is_valid(x.typ) {
                    x.invalidate();
                    x.expr = Some(expr);
                    return CallKind::Statement;
                }
            }
            results => {
                if results.iter().any(|result| result.name.is_some()) {
                    self.named_results
                        .insert(expr, self.program.types.underlying_id(x.typ));
                }
                x.mode = Mode::Value;
                x.typ = self.program.types.results(results);
            }
        }
        x.expr = Some(expr);
        self.env.has_call_or_receive = true;
        CallKind::Statement
    }

    fn convert_call(
        &mut self,
        x: &mut Operand,
        expr: ExprId,
        target: TypeId,
        args: &[ExprId],
        spread: Option<u32>,
    ) {
        if !self.is_complete(target) {
            return;
        }
        match args {
            [] => {
                let message = format!(
                    "missing argument in conversion to {}",
                    self.type_text(target)
                );
                let range = self.range(expr);
                self.report(Code::WrongArgumentCount, range, message);
            }
            [argument] => {
                self.expr(x, *argument);
                if !x.is_valid() {
                    return;
                }
                if spread.is_some() {
                    let message = format!(
                        "invalid use of ... in conversion to {}",
                        self.type_text(target)
                    );
                    self.report_expr(Code::InvalidCall, *argument, message);
                    x.invalidate();
                    return;
                }
                if !self.program.types.is_valid(target) {
                    x.invalidate();
                    return;
                }
                self.conversion(x, target);
            }
            [.., last] => {
                self.use_exprs(args);
                let message = format!(
                    "too many arguments in conversion to {}",
                    self.type_text(target)
                );
                self.report_expr(Code::WrongArgumentCount, *last, message);
            }
        }
    }

    /// The values of expressions; of a single call with several results, each of those.
    pub(crate) fn expression_list(&mut self, exprs: &[ExprId]) -> Vec<Operand> {
        match exprs {
            [] => Vec::new(),
            [single] => self.multi_expr(*single, false),
            several => several
                .iter()
                .map(|expr| {
                    let mut x = Operand::invalid(*expr);
                    self.expr(&mut x, *expr);
                    x
                })
                .collect(),
        }
    }

    /// As `expression_list`, with the results of a call named after the call.
    fn argument_operands(&mut self, exprs: &[ExprId]) -> Vec<Operand> {
        let mut operands = self.expression_list(exprs);
        if exprs.len() == 1 {
            for operand in &mut operands {
                operand.label = Label::Expression;
            }
        }
        operands
    }

    #[expect(clippy::too_many_arguments, reason = "a call has that many parts")]
    pub(crate) fn arguments(
        &mut self,
        call: ExprId,
        callee: ExprId,
        params: &[Param],
        variadic: bool,
        args: &[ExprId],
        operands: &mut [Operand],
        spread: Option<u32>,
    ) {
        let given = operands.len();
        let mut wanted = params.len();
        let mut types: smallvec::SmallVec<[TypeId; 8]> =
            params.iter().map(|param| param.typ).collect();
        if variadic {
            if spread.is_some() {
                if args.len() == 1 && given > 1 {
                    let message = format!(
                        "cannot use ... with {given}-valued {}",
                        self.expression_text(args[0])
                    );
                    self.report_expr(Code::InvalidCall, call, message);
                    return;
                }
            } else if given + 1 >= wanted {
                let last = types.pop().unwrap_or(TypeId::INVALID);
                let element = match self.program.types.underlying(last) {
                    Type::Slice(element) => *element,
                    _ => TypeId::INVALID,
                };
                types.resize(given, element);
                wanted = given;
            } else {
                wanted -= 1;
            }
        } else if spread.is_some() {
            let message = format!(
                "cannot use ... in call to non-variadic {}",
                self.expression_text(callee)
            );
            self.report_expr(Code::InvalidCall, call, message);
            return;
        }
        if given != wanted {
            // A wrong argument has been reported already.
            let qualifier = if given > wanted {
                "too many"
            } else {
                "not enough"
            };
            let range = if given > wanted {
                self.operand_range(&operands[wanted])
            } else if given > 0 {
                self.operand_range(&operands[given - 1])
            } else {
                self.range(call)
            };
            let have: Vec<TypeId> = operands.iter().map(|operand| operand.typ).collect();
            let want: Vec<TypeId> = params.iter().map(|param| param.typ).collect();
            let message = format!(
                "{qualifier} arguments in call to {}\n\thave {}\n\twant {}",
                self.expression_text(callee),
                self.types_summary(&have, false, spread.is_some()),
                self.types_summary(&want, variadic, false)
            );
            self.report(Code::WrongArgumentCount, range, message);
            return;
        }
        if operands.is_empty() {
            return;
        }
        let mut context = None;
        for (operand, typ) in operands.iter_mut().zip(types) {
            // The text is made only when it is needed.
            if self.assign_quickly(operand, typ) {
                continue;
            }
            let context = context
                .get_or_insert_with(|| format!("argument to {}", self.expression_text(callee)))
                .clone();
            self.assignment(operand, Some(typ), &context);
        }
    }

    /// The common case of an assignment: a value of that very type.
    pub(crate) fn assign_quickly(&self, x: &Operand, typ: TypeId) -> bool {
        matches!(
            x.mode,
            Mode::Value | Mode::Variable | Mode::MapIndex | Mode::CommaOk
        ) && self.program.types.identical(x.typ, typ)
            && self.program.types.is_typed(x.typ)
            && !matches!(self.program.types.get(x.typ), Type::Tuple(_))
    }

    /// Where Go's syntax tree has an expression's own place: its operator, parenthesis, bracket or dot; else its beginning.
    pub(crate) fn node_range(&self, expr: ExprId) -> diagnostics::TextRange {
        match *self.ast.expr(expr) {
            Expr::Binary { .. } => self.operator_range(expr),
            Expr::Call { callee, args, .. } => {
                self.punctuation(callee, self.ast.list(args).first().copied(), '(')
            }
            Expr::Index { operand, indices } => {
                self.punctuation(operand, self.ast.list(indices).first().copied(), '[')
            }
            Expr::Selector { operand, name } => self.punctuation(operand, Some(name), '.'),
            _ => self.range(expr),
        }
    }

    /// Where the last such character between two expressions stands.
    pub(crate) fn punctuation(
        &self,
        left: ExprId,
        right: Option<ExprId>,
        character: char,
    ) -> diagnostics::TextRange {
        let (left, right) = (self.range(left), right.map(|right| self.range(right)));
        let right = right.map_or(left.end, |right| right.start);
        let between = self.sources.slice(diagnostics::TextRange {
            start: left.end,
            end: right.max(left.end),
            ..left
        });
        let offset = between.rfind(character).unwrap_or(0);
        diagnostics::TextRange::at(left.file, left.end + offset as u32)
    }

    /// Types in parentheses, as messages about numbers of values show them.
    pub(crate) fn types_summary(&self, list: &[TypeId], variadic: bool, dots: bool) -> String {
        let types = &self.program.types;
        let mut texts = Vec::with_capacity(list.len());
        for (index, typ) in list.iter().enumerate() {
            let last = index + 1 == list.len();
            let mut text = if !types.is_valid(*typ) {
                "unknown type".to_owned()
            } else if types.is_untyped(*typ) {
                if types.is_numeric(*typ) {
                    "number".to_owned()
                } else {
                    self.type_text(*typ).replace("untyped ", "")
                }
            } else {
                self.type_text(*typ)
            };
            if last && variadic {
                if let Type::Slice(element) = types.get(*typ) {
                    text = self.type_text(*element);
                }
                text = format!("...{text}");
            } else if last && dots {
                text.push_str("...");
            }
            texts.push(text);
        }
        format!("({})", texts.join(", "))
    }

    // ---- selectors ----

    /// `x.name`. With `want_type` only a type will do.
    pub(crate) fn selector(
        &mut self,
        x: &mut Operand,
        expr: ExprId,
        operand: ExprId,
        name_expr: ExprId,
        want_type: bool,
    ) {
        let Some(name) = self.ast.ident(name_expr) else {
            return;
        };
        if let Expr::Ident(qualifier) = *self.ast.expr(operand)
            && let Some(object) = self.lookup_name(qualifier)
            && let ObjectKind::PackageName { imported, used } =
                &mut self.program.objects[object.index()].kind
        {
            *used = true;
            let imported = *imported;
            self.record_name(operand, object);
            self.record_type(operand, Mode::Package, TypeId::INVALID, None);
            self.package_member(x, expr, name_expr, name, imported);
            return;
        }
        self.expr_or_type(x, operand);
        match x.mode {
            Mode::Builtin => {
                let message = format!(
                    "invalid use of {} in selector expression",
                    self.operand_string(x)
                );
                let range = self.punctuation(operand, Some(name_expr), '.');
                self.report(Code::NotAnExpression, range, message);
                x.invalidate();
                return;
            }
            Mode::None => return,
            _ => {}
        }
        let typ = x.typ;
        let base = self.program.types.as_pointer(typ);
        if !self.is_complete(typ) || base.is_some_and(|base| !self.is_complete(base)) {
            x.invalidate();
            return;
        }
        if want_type {
            let message = format!("{} is not a type", self.expression_text(expr));
            self.report_expr(Code::NotAType, name_expr, message);
            x.invalidate();
            return;
        }
        let addressable = x.mode == Mode::Variable;
        let lookup =
            self.program
                .lookup_field_or_method(typ, addressable, Some(self.env.package), name);
        let (found, path, indirect) = match lookup {
            Lookup::Found {
                found,
                path,
                indirect,
            } => (found, path, indirect),
            other => {
                self.report_missing(x, name_expr, name, &other);
                x.invalidate();
                return;
            }
        };
        let receiver = self.program.types.canonical(typ);
        match found {
            Found::Field { typ: field, .. } => {
                if x.mode == Mode::Type {
                    let message = format!(
                        "operand for field selector {} must be value of type {}",
                        self.text(name),
                        self.type_text(typ)
                    );
                    self.report_expr(Code::MissingFieldOrMethod, operand, message);
                    x.invalidate();
                    return;
                }
                let selection = Selection {
                    kind: SelectionKind::Field,
                    receiver,
                    path,
                    indirect,
                    selected: Selected::Field,
                    typ: self.program.types.canonical(field),
                };
                self.program.selections.insert(expr, selection);
                x.mode = if x.mode == Mode::Variable || indirect {
                    Mode::Variable
                } else {
                    Mode::Value
                };
                x.typ = field;
                if !self.program.types.is_valid(field) {
                    x.invalidate();
                }
            }
            Found::Method(_) | Found::InterfaceMethod { .. } => {
                let selected = match found {
                    Found::Method(object) => {
                        self.declare_object(object);
                        self.add_dependency(object);
                        Selected::Method(object)
                    }
                    Found::InterfaceMethod { interface, index } => {
                        self.demand_method(name);
                        let interface = self.program.types.canonical(interface);
                        Selected::InterfaceMethod { interface, index }
                    }
                    Found::Field { .. } => return,
                };
                let signature = self.program.found_type(&found);
                if self.program.types.as_signature(signature).is_none() {
                    // Its declaration was refused.
                    x.invalidate();
                    return;
                }
                let is_type = x.mode == Mode::Type;
                let (kind, result) = if is_type {
                    (
                        SelectionKind::MethodExpression,
                        self.method_expression_type(typ, signature, &found),
                    )
                } else {
                    if let Found::Method(object) = found
                        && self.program.has_pointer_receiver(object)
                        && !indirect
                        && base.is_none()
                    {
                        self.take_address(operand);
                    }
                    (SelectionKind::MethodValue, signature)
                };
                let typ = self.program.types.canonical(result);
                let selection = Selection {
                    kind,
                    receiver,
                    path,
                    indirect,
                    selected,
                    typ,
                };
                self.program.selections.insert(expr, selection);
                x.mode = Mode::Value;
                x.typ = result;
            }
        }
    }

    /// The signature with the receiver as first parameter.
    fn method_expression_type(
        &mut self,
        receiver: TypeId,
        signature: TypeId,
        found: &Found,
    ) -> TypeId {
        let Some(signature) = self.program.types.as_signature(signature).cloned() else {
            return TypeId::INVALID;
        };
        // If the parameters have names, the receiver has one, too.
        let name = signature
            .params
            .first()
            .and_then(|param| param.name)
            .map(|_| {
                let function = match found {
                    Found::Method(object) => self.object(*object).function(),
                    _ => None,
                };
                let variable =
                    function.and_then(|function| self.program.function(function).receiver);
                variable
                    .map(|variable| self.object(variable).name)
                    .filter(|n| *n != Symbol::EMPTY)
                    .unwrap_or(Symbol::BLANK)
            });
        let mut params = vec![Param {
            name,
            typ: receiver,
        }];
        params.extend_from_slice(&signature.params);
        self.program
            .types
            .signature(&params, &signature.results, signature.variadic)
    }

    fn report_missing(&mut self, x: &Operand, name_expr: ExprId, name: Symbol, lookup: &Lookup) {
        if self.program.types.underlying_id(x.typ) == TypeId::INVALID {
            return;
        }
        let sel = self.text(name);
        let typ = self.type_text(x.typ);
        match lookup {
            Lookup::Ambiguous => {
                let message = format!("ambiguous selector {}.{sel}", self.operand_expression(x));
                self.report_expr(Code::AmbiguousSelector, name_expr, message);
            }
            Lookup::NeedsPointer => {
                let message = if x.mode == Mode::Type {
                    format!(
                        "invalid method expression {typ}.{sel} (needs pointer receiver (*{typ}).{sel})"
                    )
                } else {
                    format!("cannot call pointer method {sel} on {typ}")
                };
                self.report_expr(Code::MissingFieldOrMethod, name_expr, message);
            }
            _ => {
                let why = if self.is_interface_pointer(x.typ) {
                    self.interface_pointer_error(x.typ)
                } else {
                    self.lookup_error(x.typ, x.typ, x.mode == Mode::Variable, name, false)
                };
                let message = format!("{}.{sel} undefined ({why})", self.operand_expression(x));
                self.report_expr(Code::MissingFieldOrMethod, name_expr, message);
            }
        }
    }

    fn package_member(
        &mut self,
        x: &mut Operand,
        expr: ExprId,
        name_expr: ExprId,
        name: Symbol,
        imported: crate::types::PackageId,
    ) {
        *x = Operand::invalid(expr);
        if self.program.package(imported).files.is_empty() {
            // The import failed and was reported.
            return;
        }
        let Some(object) = self.program.package(imported).scope.get(&name).copied() else {
            if name.is_blank() {
                self.report_expr(
                    Code::NotAnExpression,
                    name_expr,
                    "cannot use _ as value or type",
                );
                return;
            }
            let lower = self.text(name).to_lowercase();
            let mut similar: Vec<&str> = self
                .program
                .package(imported)
                .scope
                .keys()
                .map(|other| self.text(*other))
                .filter(|other| crate::checker::is_exported(other) && other.to_lowercase() == lower)
                .collect();
            similar.sort_unstable();
            let mut message = format!("undefined: {}", self.expression_text(expr));
            if let Some(other) = similar.first() {
                message.push_str(&format!(" (but have {other})"));
            }
            self.report_expr(Code::Undefined, name_expr, message);
            return;
        };
        if !self.object(object).exported {
            let package = self.text(self.program.package(imported).name);
            let message = format!("name {} not exported by package {package}", self.text(name));
            self.report_expr(Code::NotExported, name_expr, message);
        }
        self.record_name(name_expr, object);
        if self.colors[object.index()] != Color::Black {
            self.declare_object(object);
        }
        self.reach(object);
        let entity = self.object(object);
        x.typ = entity.typ;
        x.mode = match &entity.kind {
            ObjectKind::Constant(value) => {
                x.value = value.clone();
                Mode::Constant
            }
            ObjectKind::TypeName { .. } => Mode::Type,
            ObjectKind::Variable(_) => Mode::Variable,
            ObjectKind::Function { .. } => Mode::Value,
            _ => Mode::None,
        };
        if x.mode != Mode::Type && !self.program.types.is_valid(x.typ) {
            x.invalidate();
        }
    }
}
