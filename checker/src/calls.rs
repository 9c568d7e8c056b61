//! Calls and selectors. GO: go/types call.go.

use diagnostics::Code;
use parser::ast::{Expr, ExprId, List, Symbol};
use smallvec::SmallVec;

use crate::checker::{Checker, Color};
use crate::hints::Hint;
use crate::infer::Argument;
use crate::lookup::{Found, Lookup};
use crate::operand::{Label, Operand};
use crate::typed::{Mode, ObjectKind, Selected, Selection, SelectionKind};
use crate::types::{Param, Signature, Type, TypeId};
use crate::universe::CallKind;

/// A call in which type arguments are to be inferred.
struct GenericCall<'a> {
    call: ExprId,
    callee: ExprId,
    /// The callee's type.
    function: TypeId,
    /// The type arguments that are written, and their expressions.
    given: &'a [TypeId],
    written: &'a [ExprId],
    args: &'a [ExprId],
    spread: Option<u32>,
}

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
        // Type arguments are combined with the arguments below.
        let mut indices = None;
        if let Expr::Index {
            operand,
            indices: list,
        } = *self.ast.expr(callee)
        {
            *x = Operand::invalid(callee);
            if self.index_expr(x, callee, operand, list) {
                indices = Some(list);
            }
            x.expr = Some(callee);
            x.label = Label::Expression;
            self.record(x);
        } else {
            self.expr_or_generic_type(x, callee, true);
        }
        match x.mode {
            Mode::None => {
                self.use_exprs(args);
                x.expr = Some(expr);
                return CallKind::Statement;
            }
            Mode::Type => {
                self.exclude_generic(None, x);
                if !x.is_valid() {
                    self.use_exprs(args);
                    x.expr = Some(expr);
                    return CallKind::Conversion;
                }
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
        let Some((callee_type, mut signature)) = self.called_signature(x) else {
            // Go does not look at the arguments.
            x.invalidate();
            x.expr = Some(expr);
            return CallKind::Statement;
        };
        let generic = !signature.type_parameters.is_empty();
        let mut given = SmallVec::new();
        let mut written: &[ExprId] = &[];
        let mut function = callee_type;
        if let Some(indices) = indices {
            written = self.ast.list(indices);
            match self.written_arguments(&signature, written) {
                Some(list) => given = list,
                None => {
                    self.use_exprs(args);
                    x.invalidate();
                    x.expr = Some(expr);
                    return CallKind::Statement;
                }
            }
            if given.len() == signature.type_parameters.len() {
                let place = self.range(callee);
                self.require(place, 18, "function instantiation");
                function = self.instantiate_signature(callee, place, function, &given, written);
                (given, written) = (SmallVec::new(), &[]);
                if let Type::Signature(instance) = self.program.types.get(function) {
                    signature = (**instance).clone();
                }
            }
        }
        let (mut operands, mut partial) = self.generic_argument_operands(args);
        if !signature.type_parameters.is_empty() || self.any_generic(&operands) {
            let call = GenericCall {
                call: expr,
                callee,
                function,
                given: &given,
                written,
                args,
                spread,
            };
            match self.generic_arguments(&call, &signature, &mut operands, &mut partial) {
                Some(instance) => {
                    if let Type::Signature(instance) = self.program.types.get(instance) {
                        signature = (**instance).clone();
                    }
                    function = instance;
                }
                None => {
                    // The results may be known all the same.
                    let parameters = signature.type_parameters.to_vec();
                    let types = &self.program.types;
                    let mentions = |param: &Param| types.mentions(&parameters, param.typ);
                    if signature.results.iter().any(mentions) {
                        x.invalidate();
                        x.expr = Some(expr);
                        self.env.has_call_or_receive = true;
                        return CallKind::Statement;
                    }
                }
            }
        } else {
            self.arguments(
                expr,
                callee,
                &signature.params,
                signature.variadic,
                args,
                &mut operands,
                spread,
            );
        }
        if generic && function != callee_type {
            self.record_callee(callee, function);
        }
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
                        .insert(expr, self.program.types.underlying_id(function));
                }
                x.mode = Mode::Value;
                x.typ = self.program.types.results(results);
            }
        }
        x.expr = Some(expr);
        self.env.has_call_or_receive = true;
        CallKind::Statement
    }

    /// The signature of what is called, with its type; reports what is no function. Of a type parameter, the signature that all types of
    /// its type set have.
    fn called_signature(&mut self, x: &Operand) -> Option<(TypeId, Signature)> {
        let types = &self.program.types;
        if types.underlying_id(x.typ) == TypeId::INVALID {
            return None;
        }
        let not_function = |typ: TypeId| format!("{} is not a function", self.type_text(typ));
        let odd = types.type_set(x.typ).and_then(|pairs| {
            pairs
                .into_iter()
                .find(|(_, under)| !matches!(types.get(*under), Type::Signature(_)))
        });
        let why = match (odd, types.common_underlying(x.typ)) {
            (Some((typ, _)), _) => not_function(typ),
            (None, Ok(common)) => match types.get(common) {
                Type::Signature(signature) => {
                    let signature = (**signature).clone();
                    let typ = if types.is_type_parameter(x.typ) {
                        common
                    } else {
                        x.typ
                    };
                    return Some((typ, signature));
                }
                _ => not_function(x.typ),
            },
            (None, Err(why)) => self.no_common_type_text(&why),
        };
        let message = format!(
            "invalid operation: cannot call {}: {why}",
            self.operand_string(x)
        );
        let hint = match x.expr.map(|expr| self.ast.expr(self.ast.unparen(expr))) {
            Some(Expr::Ident(name)) => match self.lookup_name(*name) {
                Some(object) => self.hint_hidden(object),
                None => Hint::none(),
            },
            _ => Hint::none(),
        };
        self.report_with(Code::InvalidCall, self.operand_range(x), message, hint);
        None
    }

    /// Records the instantiated type of a callee that was generic, parentheses included.
    pub(crate) fn record_callee(&mut self, callee: ExprId, function: TypeId) {
        let mut expr = callee;
        loop {
            self.record_type(expr, Mode::Value, function, None);
            expr = match *self.ast.expr(expr) {
                Expr::Paren(inner) => inner,
                Expr::Index { operand, .. } => operand,
                _ => break,
            };
        }
    }

    fn any_generic(&self, operands: &[Operand]) -> bool {
        operands
            .iter()
            .any(|operand| self.generic_signature(operand).is_some())
    }

    /// The arguments of a call, generic functions among them, and the type arguments written of those.
    fn generic_argument_operands(
        &mut self,
        args: &[ExprId],
    ) -> (Vec<Operand>, Vec<SmallVec<[TypeId; 2]>>) {
        let mut partial: Vec<SmallVec<[TypeId; 2]>> = Vec::new();
        let mut operands = Vec::with_capacity(args.len());
        for arg in args {
            let mut x = Operand::invalid(*arg);
            let mut given = SmallVec::new();
            let is_index = matches!(self.ast.expr(*arg), Expr::Index { .. });
            if is_index && let Expr::Index { operand, indices } = *self.ast.expr(*arg) {
                if self.index_expr(&mut x, *arg, operand, indices) {
                    x.expr = Some(*arg);
                    let signature = self.generic_signature(&x).cloned();
                    let written = self.ast.list(indices);
                    let list = signature.and_then(|signature| {
                        let want = signature.type_parameters.len();
                        let list = self.written_arguments(&signature, written)?;
                        Some((list, want))
                    });
                    match list {
                        None => x.invalidate(),
                        Some((list, want)) if list.len() == want => {
                            let place = self.range(*arg);
                            x.typ = self.instantiate_signature(*arg, place, x.typ, &list, written);
                        }
                        Some((list, _)) => given = list,
                    }
                    self.record(&x);
                } else {
                    x.expr = Some(*arg);
                    self.record(&x);
                    self.exclude_non_values(&mut x);
                    self.single_value(&mut x);
                }
                operands.push(x);
            } else if args.len() == 1 {
                self.raw_expr_for(&mut x, *arg, None, None, true);
                self.exclude_non_values(&mut x);
                if x.is_valid()
                    && let Type::Tuple(types) = self.program.types.get(x.typ)
                {
                    operands.extend(
                        types
                            .iter()
                            .map(|typ| Operand::value(*arg, *typ, Label::Expression)),
                    );
                } else {
                    operands.push(x);
                }
            } else {
                self.generic_expr(&mut x, *arg);
                operands.push(x);
            }
            partial.push(given);
        }
        (operands, partial)
    }

    /// Infers what is missing of the type arguments of a callee and of generic functions among its arguments, and checks these. Gives the
    /// instantiated type of the callee; `None` if something is wrong.
    fn generic_arguments(
        &mut self,
        call: &GenericCall<'_>,
        signature: &Signature,
        operands: &mut [Operand],
        partial: &mut [SmallVec<[TypeId; 2]>],
    ) -> Option<TypeId> {
        let &GenericCall {
            call: expr,
            callee,
            function,
            given,
            written,
            args,
            spread,
        } = call;
        let parameter_types = self.adjusted_parameters(
            expr,
            callee,
            &signature.params,
            signature.variadic,
            args,
            operands,
            spread,
        )?;
        if !signature.type_parameters.is_empty() {
            let callee = self.ast.unparen(callee);
            match *self.ast.expr(callee) {
                Expr::Index { .. } => {
                    self.require(self.range(callee), 18, "function instantiation")
                }
                _ => self.require(self.range(expr), 18, "implicit function instantiation"),
            };
        }
        let types = &self.program.types;
        // The callee's type parameters first, then those of each generic argument.
        let own = &signature.type_parameters;
        let renamed = types.rename_parameters(own);
        let mut all = renamed.clone();
        let mut known: Vec<Option<TypeId>> = given.iter().copied().map(Some).collect();
        known.resize(all.len(), None);
        let adjusted: Vec<TypeId> = parameter_types
            .iter()
            .map(|typ| types.substitute(*typ, own, &renamed))
            .collect();
        let mut generic: Vec<(usize, TypeId, usize)> = Vec::new();
        let mut shown = vec![None; operands.len()];
        for (index, operand) in operands.iter_mut().enumerate() {
            let Some(argument) = self.generic_signature(operand).cloned() else {
                continue;
            };
            let types = &self.program.types;
            let names = &argument.type_parameters;
            let fresh = types.rename_parameters(names);
            let plain = types.intern(Type::Signature(Box::new(Signature {
                type_parameters: Box::default(),
                ..argument.clone()
            })));
            let old = operand.typ;
            operand.typ = types.substitute(plain, names, &fresh);
            let given = partial.get(index).map(|list| &list[..]).unwrap_or_default();
            known.extend(given.iter().copied().map(Some));
            all.extend(&fresh);
            known.resize(all.len(), None);
            generic.push((index, old, names.len()));
            shown[index] = Some(old);
        }
        let arguments: Vec<Argument<'_>> = operands
            .iter()
            .zip(&adjusted)
            .zip(&shown)
            .map(|((operand, parameter), shown)| Argument {
                operand,
                parameter: *parameter,
                generic: *shown,
            })
            .collect();
        if let Some((index, ..)) = generic.first() {
            let range = self.operand_range(&operands[*index]);
            self.require(range, 21, "implicitly instantiated function as argument");
        }
        let place = self.node_range(expr);
        let inferred = if all.is_empty() {
            Ok(Vec::new())
        } else {
            self.infer(place, &all, &known, &arguments, false)
        };
        let inferred = match inferred {
            Ok(inferred) => inferred,
            Err(error) => {
                if let Some((range, message)) = error {
                    let text = self.expression_text(callee);
                    // What no argument mentions must be written.
                    let hint = if message.starts_with("cannot infer") && given.is_empty() {
                        Hint::help(format!("write the type arguments: {text}[int](...), say"))
                    } else {
                        Hint::none()
                    };
                    let message = format!("in call to {text}, {message}");
                    self.report_with(Code::CannotInfer, range, message, hint);
                }
                return None;
            }
        };
        let own_arguments = &inferred[..own.len()];
        let instance = if own.is_empty() {
            function
        } else {
            self.instantiate_signature(callee, place, function, own_arguments, written)
        };
        let mut next = own.len();
        for (index, old, count) in generic {
            let arguments = &inferred[next..next + count];
            next += count;
            if let Some(argument) = operands[index].expr {
                operands[index].typ =
                    self.instantiate_signature(argument, place, old, arguments, &[]);
                let typ = operands[index].typ;
                self.record_callee(argument, typ);
            }
        }
        let types = &self.program.types;
        let wanted: SmallVec<[TypeId; 8]> = parameter_types
            .iter()
            .map(|typ| types.substitute(*typ, own, own_arguments))
            .collect();
        self.assign_arguments(callee, operands, &wanted);
        Some(instance)
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
                let function = self.target(Some(target), |_| "conversion".to_owned());
                self.expr_for(x, *argument, function.as_ref());
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
                let types = &self.program.types;
                if let Some(interface) = types.as_interface(target)
                    && !types.is_type_parameter(target)
                    && (interface.comparable || interface.terms.is_some())
                {
                    let message = format!(
                        "cannot use interface {} in conversion (contains specific type constraints or is comparable)",
                        self.type_text(target)
                    );
                    let range = self.range(expr);
                    self.report(Code::MisplacedConstraint, range, message);
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
                let (range, hint) = (
                    self.range(*last),
                    self.hint_conversion_arguments(target, args),
                );
                self.report_with(Code::WrongArgumentCount, range, message, hint);
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
        let types =
            self.adjusted_parameters(call, callee, params, variadic, args, operands, spread);
        if let Some(types) = types {
            self.assign_arguments(callee, operands, &types);
        }
    }

    /// One parameter type for each argument; reports arguments that do not match the parameters in number.
    #[expect(clippy::too_many_arguments, reason = "a call has that many parts")]
    fn adjusted_parameters(
        &mut self,
        call: ExprId,
        callee: ExprId,
        params: &[Param],
        variadic: bool,
        args: &[ExprId],
        operands: &[Operand],
        spread: Option<u32>,
    ) -> Option<SmallVec<[TypeId; 8]>> {
        let given = operands.len();
        let mut wanted = params.len();
        let mut types: SmallVec<[TypeId; 8]> = params.iter().map(|param| param.typ).collect();
        if variadic {
            if spread.is_some() {
                if args.len() == 1 && given > 1 {
                    let message = format!(
                        "cannot use ... with {given}-valued {}",
                        self.expression_text(args[0])
                    );
                    self.report_expr(Code::InvalidCall, call, message);
                    return None;
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
            return None;
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
            let typ = |operand: &Operand| {
                if operand.is_valid() {
                    operand.typ
                } else {
                    TypeId::INVALID
                }
            };
            let have: Vec<TypeId> = operands.iter().map(typ).collect();
            let want: Vec<TypeId> = params.iter().map(|param| param.typ).collect();
            let message = format!(
                "{qualifier} arguments in call to {}\n\thave {}\n\twant {}",
                self.expression_text(callee),
                self.types_summary(&have, false, spread.is_some()),
                self.types_summary(&want, variadic, false)
            );
            self.report(Code::WrongArgumentCount, range, message);
            return None;
        }
        Some(types)
    }

    fn assign_arguments(&mut self, callee: ExprId, operands: &mut [Operand], types: &[TypeId]) {
        if operands.is_empty() {
            return;
        }
        let mut context = None;
        for (operand, typ) in operands.iter_mut().zip(types.iter().copied()) {
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
            && self.generic_signature(x).is_none()
    }

    /// Where Go's syntax tree has an expression's own place: its operator, parenthesis, bracket or dot; else its beginning.
    pub(crate) fn node_range(&self, expr: ExprId) -> diagnostics::TextRange {
        match *self.ast.expr(expr) {
            Expr::Binary { .. } => self.operator_range(expr),
            Expr::Call { callee, args, .. } => {
                let end = self.range(expr).end;
                self.punctuation_before(callee, self.ast.list(args).first().copied(), end, b'(')
            }
            Expr::Index { operand, indices } => {
                self.punctuation(operand, self.ast.list(indices).first().copied(), b'[')
            }
            Expr::Selector { operand, name } => self.punctuation(operand, Some(name), b'.'),
            _ => self.range(expr),
        }
    }

    /// Where the last such character between two expressions stands.
    pub(crate) fn punctuation(
        &self,
        left: ExprId,
        right: Option<ExprId>,
        character: u8,
    ) -> diagnostics::TextRange {
        self.punctuation_before(left, right, self.range(left).end, character)
    }

    /// The same; `end` is where to look to when nothing follows.
    fn punctuation_before(
        &self,
        left: ExprId,
        right: Option<ExprId>,
        end: u32,
        character: u8,
    ) -> diagnostics::TextRange {
        let left = self.range(left);
        let end = right.map_or(end, |right| self.range(right).start);
        let between = self.sources.slice(diagnostics::TextRange {
            start: left.end,
            end: end.max(left.end),
            ..left
        });
        let offset = outside_comments(between)
            .filter(|(_, byte)| *byte == character)
            .last()
            .map_or(0, |(offset, _)| offset);
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
                let range = self.punctuation(operand, Some(name_expr), b'.');
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
                    owner: TypeId::INVALID,
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
            Found::Method { .. } | Found::InterfaceMethod { .. } => {
                let mut owner = TypeId::INVALID;
                let selected = match found {
                    Found::Method {
                        object,
                        owner: named,
                    } => {
                        owner = self.program.types.canonical(named);
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
                    if let Found::Method { object, .. } = found
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
                    owner,
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
                    Found::Method { object, .. } => self.object(*object).function(),
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
        let signature = Signature {
            params: params.into(),
            ..signature
        };
        self.program
            .types
            .intern(Type::Signature(Box::new(signature)))
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
                // Go proposes other spellings itself.
                let hint = if why.contains("but does have") {
                    Hint::none()
                } else {
                    self.hint_member(x, name)
                };
                let range = self.range(name_expr);
                self.report_with(Code::MissingFieldOrMethod, range, message, hint);
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
        let found = self.program.package(imported).scope.get(&name).copied();
        // What a standard package has inside is not Go's: a name from there is one that does not exist.
        let standard = self.is_standard(imported);
        let Some(object) = found.filter(|&object| !standard || self.object(object).exported) else {
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
            let hint = match similar.first() {
                Some(_) => Hint::none(),
                None => self.hint_package_member(imported, name),
            };
            self.report_with(Code::Undefined, self.range(name_expr), message, hint);
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

/// The bytes of a piece of source text that stand in no comment, with their offsets.
pub(crate) fn outside_comments(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let bytes = text.as_bytes();
    let mut place = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = &bytes[place.min(bytes.len())..];
            let close: &[u8] = match rest {
                [b'/', b'/', ..] => b"\n",
                [b'/', b'*', ..] => b"*/",
                [byte, ..] => {
                    place += 1;
                    return Some((place - 1, *byte));
                }
                [] => return None,
            };
            let length = rest[2..]
                .windows(close.len())
                .position(|window| window == close);
            place += length.map_or(rest.len(), |length| 2 + length + close.len());
        }
    })
}
