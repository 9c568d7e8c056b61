//! Binary operators: arithmetic, comparisons, shifts. GO: go/types expr.go.

use std::cmp::Ordering;

use diagnostics::Code;
use parser::ast::{BinaryOperator, ExprId};

use crate::checker::Checker;
use crate::constants::{Constant, ConstantKind};
use crate::operand::{Operand, composite_kind};
use crate::typed::Mode;
use crate::types::{BasicKind, Type, TypeId};

impl Checker<'_> {
    /// Checks `left op right`. Without `expr` it is the operation of `left op= right`.
    pub(crate) fn binary(
        &mut self,
        x: &mut Operand,
        expr: Option<ExprId>,
        left: ExprId,
        right: ExprId,
        op: BinaryOperator,
    ) {
        self.expr(x, left);
        let mut y = Operand::invalid(right);
        self.expr(&mut y, right);
        if !x.is_valid() {
            return;
        }
        if !y.is_valid() {
            x.invalidate();
            x.expr = y.expr;
            return;
        }
        if op.is_shift() {
            self.shift(x, &mut y, expr, op);
            return;
        }
        self.match_types(x, &mut y);
        if !x.is_valid() {
            return;
        }
        if op.is_comparison() {
            self.comparison(x, &mut y, op, false);
            return;
        }
        let types = &self.program.types;
        if !types.identical(x.typ, y.typ) {
            if types.is_valid(x.typ) && types.is_valid(y.typ) {
                let operation = match expr {
                    Some(expr) => self.expression_text(expr),
                    None => format!(
                        "{} {op}= {}",
                        self.expression_text(left),
                        self.expression_text(right)
                    ),
                };
                let message = format!(
                    "invalid operation: {operation} (mismatched types {} and {})",
                    self.type_text(x.typ),
                    self.type_text(y.typ)
                );
                let (range, hint) = (self.operand_range(x), self.hint_mismatched(x, &y, op));
                self.report_with(Code::MismatchedTypes, range, message, hint);
            }
            x.invalidate();
            return;
        }
        let defined = match op {
            BinaryOperator::Add => {
                types.all_basic(x.typ, |kind| kind.is_numeric() || kind.is_string())
            }
            BinaryOperator::Subtract | BinaryOperator::Multiply | BinaryOperator::Divide => {
                types.all_basic(x.typ, BasicKind::is_numeric)
            }
            BinaryOperator::LogicalAnd | BinaryOperator::LogicalOr => {
                types.all_basic(x.typ, BasicKind::is_boolean)
            }
            _ => types.all_basic(x.typ, BasicKind::is_integer),
        };
        if !defined {
            if types.underlying_id(x.typ) != TypeId::INVALID {
                let message = format!(
                    "invalid operation: operator {op} not defined on {}",
                    self.operand_string(x)
                );
                let (range, hint) = (self.operand_range(x), self.hint_operator(x, &y, op));
                self.report_with(Code::InvalidOperation, range, message, hint);
            }
            x.invalidate();
            return;
        }
        if matches!(op, BinaryOperator::Divide | BinaryOperator::Remainder)
            && (x.is_constant() || types.all_basic(x.typ, BasicKind::is_integer))
            && y.is_constant()
            && y.value.sign() == 0
        {
            self.report_operand(
                Code::DivisionByZero,
                &y,
                "invalid operation: division by zero",
            );
            x.invalidate();
            return;
        }
        if x.is_constant() && y.is_constant() {
            if x.value.is_unknown() || y.value.is_unknown() {
                x.value = Constant::Unknown;
                return;
            }
            let integers = self.program.types.is_integer(x.typ);
            x.value = x.value.binary(op, &y.value, integers);
            x.expr = expr;
            self.check_overflow(x);
            return;
        }
        x.mode = Mode::Value;
    }

    /// Gives two operands one type if one of them is untyped and may have that of the other.
    pub(crate) fn match_types(&mut self, x: &mut Operand, y: &mut Operand) {
        if !self.may_convert(x, y) {
            return;
        }
        self.convert_untyped(x, y.typ);
        if !x.is_valid() {
            return;
        }
        self.convert_untyped(y, x.typ);
        if !y.is_valid() {
            x.invalidate();
        }
    }

    fn may_convert(&self, x: &Operand, y: &Operand) -> bool {
        let types = &self.program.types;
        if types.is_typed(x.typ) && types.is_typed(y.typ) {
            return false;
        }
        // GO: in this order. So a number is not given an interface's type, a string is.
        let differ = |kind: fn(BasicKind) -> bool| {
            types.all_basic(x.typ, kind) != types.all_basic(y.typ, kind)
        };
        if differ(BasicKind::is_numeric) {
            return false;
        }
        if types.is_proper_interface(x.typ) || types.is_proper_interface(y.typ) {
            return true;
        }
        if differ(BasicKind::is_boolean) || differ(BasicKind::is_string) {
            return false;
        }
        if x.is_nil() {
            return types.has_nil(y.typ);
        }
        if y.is_nil() {
            return types.has_nil(x.typ);
        }
        types.as_pointer(x.typ).is_none() && types.as_pointer(y.typ).is_none()
    }

    /// Checks `x op y` for a comparison operator; the result is untyped bool.
    pub(crate) fn comparison(
        &mut self,
        x: &mut Operand,
        y: &mut Operand,
        op: BinaryOperator,
        switch_case: bool,
    ) {
        if !self.program.types.is_valid(x.typ) || !self.program.types.is_valid(y.typ) {
            x.invalidate();
            return;
        }
        let op = if switch_case {
            BinaryOperator::Equal
        } else {
            op
        };
        /// The operand at fault, and why.
        enum Fault {
            X(Option<String>),
            Y(Option<String>),
        }
        let mut code = Code::MismatchedTypes;
        let fault = if !self.assignable(x, y.typ, None) && !self.assignable(y, x.typ, None) {
            let cause = format!(
                "mismatched types {} and {}",
                self.type_text(x.typ),
                self.type_text(y.typ)
            );
            Some(Fault::Y(Some(cause)))
        } else {
            code = Code::InvalidOperation;
            let types = &self.program.types;
            match op {
                BinaryOperator::Equal | BinaryOperator::NotEqual => {
                    if x.is_nil() || y.is_nil() {
                        let typ = if x.is_nil() { y.typ } else { x.typ };
                        if types.has_nil(typ) {
                            None
                        } else {
                            Some(Fault::Y(None))
                        }
                    } else if !types.is_comparable(x.typ) {
                        Some(Fault::X(self.incomparable_text(x.typ)))
                    } else if !types.is_comparable(y.typ) {
                        Some(Fault::Y(self.incomparable_text(y.typ)))
                    } else {
                        None
                    }
                }
                _ if !types.all_ordered(x.typ) => Some(Fault::X(None)),
                _ if !types.all_ordered(y.typ) => Some(Fault::Y(None)),
                _ => None,
            }
        };
        let Some(fault) = fault else {
            if x.is_constant() && y.is_constant() {
                let order = x.value.compare(&y.value);
                let holds = match (op, order) {
                    (_, None) => false,
                    (BinaryOperator::Equal, Some(order)) => order == Ordering::Equal,
                    (BinaryOperator::NotEqual, Some(order)) => order != Ordering::Equal,
                    (BinaryOperator::Less, Some(order)) => order == Ordering::Less,
                    (BinaryOperator::LessEqual, Some(order)) => order != Ordering::Greater,
                    (BinaryOperator::Greater, Some(order)) => order == Ordering::Greater,
                    (_, Some(order)) => order != Ordering::Less,
                };
                x.value = Constant::Bool(holds);
            } else {
                x.mode = Mode::Value;
                let (a, b) = (
                    self.program.types.default_type(x.typ),
                    self.program.types.default_type(y.typ),
                );
                self.update_operand_type(x, a, true);
                self.update_operand_type(y, b, true);
                // A concrete operand beside an interface is converted to it.
                self.note_conversion(x.typ, y.typ);
                self.note_conversion(y.typ, x.typ);
            }
            x.typ = TypeId::UNTYPED_BOOL;
            return;
        };
        let (mut at, cause) = match &fault {
            Fault::X(cause) => (&*x, cause),
            Fault::Y(cause) => (&*y, cause),
        };
        let types = &self.program.types;
        let x_is_parameter = types.is_type_parameter(x.typ);
        let cause = match cause {
            Some(cause) => cause.clone(),
            None if x_is_parameter || types.is_type_parameter(y.typ) => {
                if !x_is_parameter {
                    at = y;
                }
                format!(
                    "type parameter {} cannot use operator {op}",
                    self.type_text(at.typ)
                )
            }
            None => {
                let what = composite_kind(self.program.types.underlying(at.typ))
                    .map_or_else(|| self.type_text(at.typ), str::to_owned);
                format!("operator {op} not defined on {what}")
            }
        };
        let (left, right) = (self.operand_expression(x), self.operand_expression(y));
        if switch_case {
            let message = format!("invalid case {left} in switch on {right} ({cause})");
            self.report_operand(code, x, message);
        } else {
            let message = format!("invalid operation: {left} {op} {right} ({cause})");
            let range = self.operand_range(at);
            let hint = if code == Code::MismatchedTypes {
                self.hint_mismatched(x, y, op)
            } else if let Some(hint) = self.hint_type_parameter_operator(at.typ, op) {
                hint
            } else {
                self.hint_incomparable(at.typ)
            };
            self.report_with(code, range, message, hint);
        }
        x.invalidate();
    }

    /// Why values of a type cannot be compared, in Go's words.
    pub(crate) fn incomparable_text(&self, typ: TypeId) -> Option<String> {
        let types = &self.program.types;
        match types.underlying(typ) {
            under @ (Type::Slice(_) | Type::Signature(_) | Type::Map { .. }) => Some(format!(
                "{} can only be compared to nil",
                composite_kind(under).unwrap_or("")
            )),
            Type::Struct(fields) => {
                let field = fields
                    .iter()
                    .find(|field| !types.is_comparable(field.typ))?;
                Some(format!(
                    "struct containing {} cannot be compared",
                    self.type_text(field.typ)
                ))
            }
            Type::Array(..) => Some(format!("{} cannot be compared", self.type_text(typ))),
            Type::Interface(interface) => {
                let empty = matches!(interface.terms.as_deref(), Some([]));
                Some(
                    if empty {
                        "empty type set"
                    } else {
                        "incomparable types in type set"
                    }
                    .to_owned(),
                )
            }
            _ => None,
        }
    }

    fn shift(
        &mut self,
        x: &mut Operand,
        y: &mut Operand,
        expr: Option<ExprId>,
        op: BinaryOperator,
    ) {
        let shifted = x.is_constant().then(|| x.value.to_int());
        let is_whole = shifted
            .as_ref()
            .is_some_and(|value| value.kind() == ConstantKind::Int);
        let types = &self.program.types;
        let is_integer = types.all_basic(x.typ, BasicKind::is_integer);
        if !(is_integer || types.is_untyped(x.typ) && is_whole) {
            self.report_shifted(x);
            return;
        }
        let mut count = None;
        if y.is_constant() {
            let value = y.value.to_int();
            if value.kind() == ConstantKind::Int && value.sign() < 0 {
                let message = format!(
                    "invalid operation: negative shift count {}",
                    self.operand_string(y)
                );
                self.report_operand(Code::InvalidShift, y, message);
                x.invalidate();
                return;
            }
            if types.is_untyped(y.typ) {
                self.check_representable(y, BasicKind::Uint, TypeId::UINT);
                if !y.is_valid() {
                    x.invalidate();
                    return;
                }
            }
            count = Some(value);
        } else if types.all_basic(y.typ, BasicKind::is_integer) && types.is_typed(y.typ) {
            if !types.all_basic(y.typ, BasicKind::is_unsigned) {
                let what = format!(
                    "invalid operation: signed shift count {}",
                    self.operand_string(y)
                );
                if !self.require(self.operand_range(y), 13, &what) {
                    x.invalidate();
                    return;
                }
            }
        } else if types.is_untyped(y.typ) {
            self.convert_untyped(y, TypeId::UINT);
            if !y.is_valid() {
                x.invalidate();
                return;
            }
        } else {
            self.report_shift_count(x, y);
            return;
        }
        if x.is_constant() {
            if let Some(count) = count {
                if x.value.is_unknown() || y.value.is_unknown() {
                    x.value = Constant::Unknown;
                    if !self.program.types.is_integer(x.typ) {
                        x.typ = TypeId::UNTYPED_INT;
                    }
                    return;
                }
                // Enough to express the smallest float64.
                const LARGEST_COUNT: u64 = 1023 - 1 + 52;
                let Some(count) = count.as_u64().filter(|count| *count <= LARGEST_COUNT) else {
                    let message = format!(
                        "invalid operation: invalid shift count {}",
                        self.operand_string(y)
                    );
                    self.report_operand(Code::InvalidShift, y, message);
                    x.invalidate();
                    return;
                };
                if !self.program.types.is_integer(x.typ) {
                    x.typ = TypeId::UNTYPED_INT;
                }
                let value = shifted.unwrap_or(Constant::Unknown);
                x.value = value.shift(op == BinaryOperator::ShiftLeft, count as usize);
                x.expr = expr;
                self.check_overflow(x);
                return;
            }
            if self.program.types.is_untyped(x.typ) {
                // SPEC: the left operand gets the type that the whole would have without the shift. It is checked
                // to be an integer when that is known.
                if let Some(expr) = x.expr {
                    self.mark_shifted(expr);
                }
                self.update_operand_type(y, TypeId::UINT, true);
                x.mode = Mode::Value;
                return;
            }
        }
        if !self.program.types.all_basic(x.typ, BasicKind::is_integer) {
            self.report_shifted(x);
            return;
        }
        self.update_operand_type(y, TypeId::UINT, true);
        x.mode = Mode::Value;
    }

    fn report_shifted(&mut self, x: &mut Operand) {
        let message = format!(
            "invalid operation: shifted operand {} must be integer",
            self.operand_string(x)
        );
        self.report_operand(Code::InvalidShift, x, message);
        x.invalidate();
    }

    fn report_shift_count(&mut self, x: &mut Operand, y: &Operand) {
        let message = format!(
            "invalid operation: shift count {} must be integer",
            self.operand_string(y)
        );
        self.report_operand(Code::InvalidShift, y, message);
        x.invalidate();
    }
}
