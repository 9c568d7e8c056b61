//! Expressions: the dispatch, unary operators, assertions. GO: go/types expr.go.

use diagnostics::Code;
use parser::ast::{Expr, ExprId, UnaryOperator};

use crate::assignability::Cause;
use crate::checker::{Checker, with_stack};
use crate::constants::Constant;
use crate::function_instances::Target;
use crate::hints::Hint;
use crate::operand::{Label, Operand};
use crate::typed::Mode;
use crate::types::{BasicKind, ChanDirection, Type, TypeId};
use crate::universe::CallKind;

impl Checker<'_> {
    /// Checks an expression of any kind and records it. `hint` is the element type for a composite literal without type.
    pub(crate) fn raw_expr(
        &mut self,
        x: &mut Operand,
        expr: ExprId,
        hint: Option<TypeId>,
    ) -> CallKind {
        self.raw_expr_for(x, expr, hint, None, false)
    }

    /// As `raw_expr`; a generic function gets its type arguments from the target, or stays generic if that is allowed.
    pub(crate) fn raw_expr_for(
        &mut self,
        x: &mut Operand,
        expr: ExprId,
        hint: Option<TypeId>,
        target: Option<&Target>,
        allow_generic: bool,
    ) -> CallKind {
        let kind = with_stack(|| self.expr_internal(x, expr, hint, target));
        x.expr = Some(expr);
        x.label = Label::Expression;
        if !allow_generic {
            self.exclude_generic(target, x);
        }
        self.record(x);
        kind
    }

    /// Checks an expression that must be a single value.
    pub(crate) fn expr(&mut self, x: &mut Operand, expr: ExprId) {
        self.expr_with_hint(x, expr, None);
    }

    /// As `expr`, of a value that is assigned to the target.
    pub(crate) fn expr_for(&mut self, x: &mut Operand, expr: ExprId, target: Option<&Target>) {
        self.raw_expr_for(x, expr, None, target, false);
        self.exclude_non_values(x);
        self.single_value(x);
    }

    /// As `expr`, of a value that may be a generic function.
    pub(crate) fn generic_expr(&mut self, x: &mut Operand, expr: ExprId) {
        self.raw_expr_for(x, expr, None, None, true);
        self.exclude_non_values(x);
        self.single_value(x);
    }

    /// As `generic_expr`, of an element of a composite literal.
    pub(crate) fn element_expr(&mut self, x: &mut Operand, expr: ExprId, hint: Option<TypeId>) {
        self.raw_expr_for(x, expr, hint, None, true);
        self.exclude_non_values(x);
        self.single_value(x);
    }

    pub(crate) fn expr_with_hint(&mut self, x: &mut Operand, expr: ExprId, hint: Option<TypeId>) {
        self.raw_expr(x, expr, hint);
        self.exclude_non_values(x);
        self.single_value(x);
    }

    /// Checks an expression that may be a value or a type.
    pub(crate) fn expr_or_type(&mut self, x: &mut Operand, expr: ExprId) {
        self.expr_or_generic_type(x, expr, false);
    }

    /// As `expr_or_type`; it may stay generic if that is allowed.
    pub(crate) fn expr_or_generic_type(
        &mut self,
        x: &mut Operand,
        expr: ExprId,
        allow_generic: bool,
    ) {
        self.raw_expr_for(x, expr, None, None, allow_generic);
        if x.mode == Mode::NoValue {
            let message = format!("{} used as value or type", self.operand_string(x));
            self.report_operand(Code::NotAnExpression, x, message);
            x.invalidate();
        }
        self.single_value(x);
    }

    /// Checks an expression that may give several values: the results of a call, or `v, ok` if that is wanted.
    pub(crate) fn multi_expr(&mut self, expr: ExprId, comma_ok: bool) -> Vec<Operand> {
        let mut x = Operand::invalid(expr);
        self.raw_expr(&mut x, expr, None);
        self.exclude_non_values(&mut x);
        if x.is_valid()
            && let Type::Tuple(types) = self.program.types.get(x.typ)
        {
            let result = |(index, typ): (usize, &TypeId)| {
                Operand::value(expr, *typ, Label::Result(index as u32 + 1))
            };
            return types.iter().enumerate().map(result).collect();
        }
        if comma_ok && matches!(x.mode, Mode::MapIndex | Mode::CommaOk) {
            let ok = Operand::value(expr, TypeId::UNTYPED_BOOL, Label::Ok);
            return vec![x, ok];
        }
        vec![x]
    }

    pub(crate) fn exclude_non_values(&mut self, x: &mut Operand) {
        let what = match x.mode {
            Mode::NoValue => "used as value",
            Mode::Builtin => "must be called",
            Mode::Type => "is not an expression",
            _ => return,
        };
        let message = format!("{} {what}", self.operand_string(x));
        let hint = match x.mode {
            Mode::Type => self.hint_type_as_value(x),
            _ => Hint::none(),
        };
        let range = self.operand_range(x);
        self.report_with(Code::NotAnExpression, range, message, hint);
        x.invalidate();
    }

    pub(crate) fn single_value(&mut self, x: &mut Operand) {
        if x.mode == Mode::Value && matches!(self.program.types.get(x.typ), Type::Tuple(_)) {
            let message = format!(
                "multiple-value {} in single-value context",
                self.operand_string(x)
            );
            self.report_operand(Code::NotAnExpression, x, message);
            x.invalidate();
        }
    }

    /// Checks expressions for their own sake after an error: their variables count as used. Were they all valid?
    pub(crate) fn use_exprs(&mut self, exprs: &[ExprId]) -> bool {
        {
            // All of them, also after a wrong one.
            let mut valid = true;
            for expr in exprs {
                valid &= self.use_expr(*expr, false);
            }
            valid
        }
    }

    /// As `use_exprs` for the left side of an assignment, which does not use its variables.
    pub(crate) fn use_left_exprs(&mut self, exprs: &[ExprId]) -> bool {
        {
            // All of them, also after a wrong one.
            let mut valid = true;
            for expr in exprs {
                valid &= self.use_expr(*expr, true);
            }
            valid
        }
    }

    fn use_expr(&mut self, expr: ExprId, left: bool) -> bool {
        let mut x = Operand::invalid(expr);
        match *self.ast.expr(self.ast.unparen(expr)) {
            Expr::Ident(name) => {
                if name.is_blank() {
                    return true;
                }
                let variable = if left {
                    self.local_or_own_variable(name)
                } else {
                    None
                };
                let used =
                    variable.and_then(|v| self.object(v).variable().map(|variable| variable.used));
                self.expr_or_generic_type(&mut x, expr, true);
                if let (Some(object), Some(used)) = (variable, used)
                    && let Some(variable) = self.variable_mut(object)
                {
                    variable.used = used;
                }
            }
            Expr::KeyValue { value, .. } => return self.use_expr(value, left),
            _ => {
                self.raw_expr_for(&mut x, expr, None, None, true);
            }
        }
        x.is_valid()
    }

    fn expr_internal(
        &mut self,
        x: &mut Operand,
        expr: ExprId,
        hint: Option<TypeId>,
        target: Option<&Target>,
    ) -> CallKind {
        *x = Operand::invalid(expr);
        match *self.ast.expr(expr) {
            Expr::Bad => return CallKind::Statement,
            Expr::Ident(name) => self.ident(x, expr, name, false),
            Expr::IntLit(text) => {
                let text = self.text(text);
                self.number(
                    x,
                    expr,
                    text,
                    TypeId::UNTYPED_INT,
                    Constant::from_integer_literal,
                );
            }
            Expr::FloatLit(text) => {
                let text = self.text(text);
                self.number(
                    x,
                    expr,
                    text,
                    TypeId::UNTYPED_FLOAT,
                    Constant::from_float_literal,
                );
            }
            Expr::ImaginaryLit(text) => {
                let text = self.text(text);
                self.number(
                    x,
                    expr,
                    text,
                    TypeId::UNTYPED_COMPLEX,
                    Constant::from_imaginary_literal,
                );
            }
            Expr::RuneLit { value, .. } => {
                x.mode = Mode::Constant;
                x.typ = TypeId::UNTYPED_RUNE;
                x.value = Constant::Int(i64::from(value));
            }
            Expr::StringLit { value, .. } => {
                x.mode = Mode::Constant;
                x.typ = TypeId::UNTYPED_STRING;
                x.value = Constant::from_bytes(self.ast.list(value));
            }
            Expr::FuncLit { ty, body } => self.function_literal(x, expr, ty, body),
            Expr::CompositeLit { ty, elements, .. } => {
                self.composite_literal(x, expr, ty, elements, hint)
            }
            Expr::Paren(inner) => return self.raw_expr(x, inner, None),
            Expr::Selector { operand, name } => self.selector(x, expr, operand, name, false),
            Expr::Index { operand, indices } => {
                if self.index_expr(x, expr, operand, indices) {
                    self.instantiate_index(x, expr, indices, target);
                }
            }
            Expr::Slice {
                operand,
                low,
                high,
                max,
            } => self.slice_expr(x, expr, operand, [low, high, max]),
            Expr::TypeAssert { operand, ty } => {
                self.type_assert(x, expr, operand, ty);
                if !x.is_valid() {
                    return CallKind::Statement;
                }
            }
            Expr::Call {
                callee,
                args,
                spread,
            } => return self.call_expr(x, expr, callee, args, spread),
            Expr::Star(operand) => self.star(x, operand),
            Expr::Unary { op, operand } => {
                self.unary(x, expr, op, operand);
                if !x.is_valid() || op == UnaryOperator::Receive {
                    return CallKind::Statement;
                }
            }
            Expr::Binary {
                op, left, right, ..
            } => self.binary(x, Some(expr), left, right, op),
            Expr::KeyValue { .. } => {
                self.report_expr(Code::InvalidLiteral, expr, "no key:value expected")
            }
            Expr::SliceType { .. }
            | Expr::ArrayType { .. }
            | Expr::MapType { .. }
            | Expr::ChanType { .. }
            | Expr::FuncType { .. }
            | Expr::StructType { .. }
            | Expr::InterfaceType { .. } => {
                x.typ = self.typ(expr);
                x.mode = Mode::Type;
            }
        }
        if x.is_valid() {
            CallKind::Expression
        } else {
            CallKind::Statement
        }
    }

    fn number(
        &mut self,
        x: &mut Operand,
        expr: ExprId,
        text: &str,
        typ: TypeId,
        value: fn(&str) -> Constant,
    ) {
        self.check_literal_version(expr, text);
        const LONGEST: usize = 10_000;
        if text.len() > LONGEST {
            let start: String = text.chars().take(10).collect();
            let message = format!(
                "excessively long constant: {start}... ({} chars)",
                text.len()
            );
            self.report_expr(Code::ConstantOverflow, expr, message);
            return;
        }
        let value = value(text);
        if value.is_unknown() {
            self.report_expr(
                Code::ConstantOverflow,
                expr,
                format!("malformed constant: {text}"),
            );
            return;
        }
        x.mode = Mode::Constant;
        x.typ = typ;
        x.value = value;
        x.expr = Some(expr);
        if !matches!(x.value, Constant::Int(_)) {
            self.check_overflow(x);
        }
    }

    fn star(&mut self, x: &mut Operand, operand: ExprId) {
        self.expr_or_type(x, operand);
        match x.mode {
            Mode::None => {}
            Mode::Type => {
                self.check_variable_type(operand, x.typ);
                x.typ = if self.program.types.is_valid(x.typ) {
                    self.program.types.pointer(x.typ)
                } else {
                    TypeId::INVALID
                };
            }
            _ => {
                if x.is_nil() {
                    self.report_operand(
                        Code::InvalidOperation,
                        x,
                        "invalid operation: cannot indirect nil",
                    );
                    x.invalidate();
                    return;
                }
                let Some(base) = self.pointed_to(x) else {
                    x.invalidate();
                    return;
                };
                if !self.is_complete(base) {
                    x.invalidate();
                    return;
                }
                x.mode = Mode::Variable;
                x.typ = base;
            }
        }
    }

    /// What a pointer points to; of a type parameter, what all types of its type set point to. Reports what is none.
    fn pointed_to(&mut self, x: &Operand) -> Option<TypeId> {
        let types = &self.program.types;
        if types.underlying_id(x.typ) == TypeId::INVALID && x.mode != Mode::Builtin {
            return None;
        }
        let mut base: Option<TypeId> = None;
        let pairs = types.type_set(x.typ).unwrap_or_default();
        let problem = pairs.iter().find_map(|(_, under)| match types.get(*under) {
            Type::Pointer(other) => {
                (!types.identical(*base.get_or_insert(*other), *other)).then_some(true)
            }
            _ => Some(false),
        });
        if let (Some(base), None) = (base, problem) {
            return Some(base);
        }
        let operand = self.operand_string(x);
        let message = if problem == Some(true) {
            format!("invalid operation: pointers of {operand} must have identical base types")
        } else {
            format!("invalid operation: cannot indirect {operand}")
        };
        let (range, hint) = (self.operand_range(x), self.hint_indirection(x));
        self.report_with(Code::InvalidOperation, range, message, hint);
        None
    }

    fn type_assert(&mut self, x: &mut Operand, expr: ExprId, operand: ExprId, ty: ExprId) {
        self.expr(x, operand);
        if !x.is_valid() {
            return;
        }
        if self.program.types.is_type_parameter(x.typ) {
            let message = format!(
                "invalid operation: cannot use type assertion on type parameter value {}",
                self.operand_string(x)
            );
            self.report_operand(Code::InvalidOperation, x, message);
            x.invalidate();
            return;
        }
        if !self.program.types.is_interface(x.typ) {
            let message = format!(
                "invalid operation: {} is not an interface",
                self.operand_string(x)
            );
            let (range, hint) = (self.operand_range(x), self.hint_assertion(x, ty));
            self.report_with(Code::InvalidOperation, range, message, hint);
            x.invalidate();
            return;
        }
        let typ = self.variable_type(ty);
        if !self.program.types.is_valid(typ) || !self.is_complete(typ) {
            x.invalidate();
            return;
        }
        self.check_assertion(expr, x, typ, false);
        x.mode = Mode::CommaOk;
        x.typ = typ;
    }

    /// Can the operand, an interface, have the dynamic type?
    pub(crate) fn check_assertion(
        &mut self,
        expr: ExprId,
        x: &Operand,
        typ: TypeId,
        type_switch: bool,
    ) {
        let mut cause = Cause::new();
        if self.assertable_to(x.typ, typ, &mut cause) {
            return;
        }
        let (text, typ) = (self.expression_text(expr), self.type_text(typ));
        let message = if type_switch {
            let x = self.operand_string(x);
            format!(
                "impossible type switch case: {text}\n\t{x} cannot have dynamic type {typ} {cause}"
            )
        } else {
            let interface = self.type_text(x.typ);
            format!(
                "impossible type assertion: {text}\n\t{typ} does not implement {interface} {cause}"
            )
        };
        self.report_expr(Code::ImpossibleAssertion, expr, message);
    }

    fn unary(&mut self, x: &mut Operand, expr: ExprId, op: UnaryOperator, operand: ExprId) {
        self.expr(x, operand);
        if !x.is_valid() {
            return;
        }
        let mut op = op;
        match op {
            UnaryOperator::Address => {
                let literal = matches!(
                    self.ast.expr(self.ast.unparen(operand)),
                    Expr::CompositeLit { .. }
                );
                if !literal && x.mode != Mode::Variable {
                    // GO: its parser drops parentheses here.
                    x.expr = Some(self.ast.unparen(operand));
                    let message = format!(
                        "invalid operation: cannot take address of {}",
                        self.operand_string(x)
                    );
                    self.report_operand(Code::InvalidOperation, x, message);
                    x.invalidate();
                    return;
                }
                self.take_address(operand);
                x.mode = Mode::Value;
                x.typ = self.program.types.pointer(x.typ);
                return;
            }
            UnaryOperator::Receive => {
                if let Some(element) = self.channel_element(x, self.operand_range(x), true)
                    && self.is_complete(element)
                {
                    x.mode = Mode::CommaOk;
                    x.typ = element;
                    self.env.has_call_or_receive = true;
                } else {
                    x.invalidate();
                }
                return;
            }
            UnaryOperator::Tilde => {
                let message = "cannot use ~ outside of interface or type constraint";
                if !self.program.types.all_basic(x.typ, BasicKind::is_integer) {
                    self.report_expr(Code::InvalidOperation, expr, message);
                    x.invalidate();
                    return;
                }
                let message = format!("{message} (use ^ for bitwise complement)");
                self.report_expr(Code::InvalidOperation, expr, message);
                op = UnaryOperator::Complement;
            }
            _ => {}
        }
        let types = &self.program.types;
        let defined = match op {
            UnaryOperator::Plus | UnaryOperator::Minus => {
                types.all_basic(x.typ, BasicKind::is_numeric)
            }
            UnaryOperator::Complement => types.all_basic(x.typ, BasicKind::is_integer),
            UnaryOperator::Not => types.all_basic(x.typ, BasicKind::is_boolean),
            UnaryOperator::Address | UnaryOperator::Receive | UnaryOperator::Tilde => false,
        };
        if !defined {
            if types.underlying_id(x.typ) != TypeId::INVALID {
                let message = format!(
                    "invalid operation: operator {} not defined on {}",
                    op.text(),
                    self.operand_string(x)
                );
                let hint = match op {
                    UnaryOperator::Not => self.hint_not(x),
                    _ => Hint::none(),
                };
                self.report_with(Code::InvalidOperation, self.operand_range(x), message, hint);
            }
            x.invalidate();
            return;
        }
        if x.is_constant() {
            if x.value.is_unknown() {
                return;
            }
            x.value = match op {
                UnaryOperator::Minus => x.value.negate(),
                UnaryOperator::Not => x.value.not(),
                UnaryOperator::Complement => {
                    let bits = self
                        .program
                        .types
                        .basic(x.typ)
                        .filter(|kind| kind.is_unsigned());
                    x.value.complement(bits.map(BasicKind::bits))
                }
                _ => x.value.clone(),
            };
            x.expr = Some(expr);
            self.check_overflow(x);
            return;
        }
        x.mode = Mode::Value;
    }

    /// The element type of a channel that is received from or sent to; reports what is no such channel.
    pub(crate) fn channel_element(
        &mut self,
        x: &Operand,
        range: diagnostics::TextRange,
        receive: bool,
    ) -> Option<TypeId> {
        let types = &self.program.types;
        if types.underlying_id(x.typ) == TypeId::INVALID {
            return None;
        }
        let mut element: Option<(TypeId, TypeId)> = None;
        let problem = match types.type_set(x.typ) {
            None => Some("no specific channel type".to_owned()),
            Some(pairs) => pairs.iter().find_map(|(typ, under)| {
                let text = || self.type_text(*typ);
                match types.get(*under) {
                    Type::Chan {
                        direction: ChanDirection::Send,
                        ..
                    } if receive => Some(format!("send-only channel {}", text())),
                    Type::Chan {
                        direction: ChanDirection::Receive,
                        ..
                    } if !receive => Some(format!("receive-only channel {}", text())),
                    Type::Chan { element: other, .. } => match element {
                        Some((first, element)) if !types.identical(element, *other) => {
                            Some(format!(
                                "channels {} and {} have different element types",
                                self.type_text(first),
                                text()
                            ))
                        }
                        _ => {
                            element = Some((*typ, *other));
                            None
                        }
                    },
                    _ => Some(format!("non-channel {}", text())),
                }
            }),
        };
        let problem = match (problem, element) {
            (None, Some((_, element))) => return Some(element),
            (Some(problem), _) => problem,
            (None, None) => format!("non-channel {}", self.type_text(x.typ)),
        };
        let verb = if receive { "receive from" } else { "send to" };
        let operand = self.operand_string(x);
        let message = if types.is_type_parameter(x.typ) {
            format!("invalid operation: cannot {verb} {operand}: {problem}")
        } else {
            format!("invalid operation: cannot {verb} {problem} {operand}")
        };
        self.report(Code::InvalidOperation, range, message);
        None
    }
}
