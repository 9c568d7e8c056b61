//! Conversions: of constants to types that can represent them, of untyped values to typed ones, explicit ones.
//! SPEC: Representability, Conversions. GO: go/types const.go, conversions.go, expr.go `updateExprType`.

use diagnostics::{Code, TextRange};
use parser::ast::{BinaryOperator, Expr, ExprId, UnaryOperator};

use crate::assignability::Cause;
use crate::checker::{Checker, with_stack};
use crate::constants::{Constant, ConstantKind};
use crate::operand::{Label, Operand};
use crate::typed::Mode;
use crate::types::{BasicKind, Type, TypeId};

/// Set in `TypeAndValue::flags` for the untyped left operand of a non-constant shift.
const SHIFTED: u8 = 1;

/// Integers beyond this are refused.
const LARGEST_UNTYPED_BITS: usize = 512;
/// GO: cmd/internal/obj `MaxSymSize`.
const LONGEST_STRING: usize = 2_000_000_000;

/// Why a value has no counterpart in a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConversionError {
    /// The types do not fit.
    Mismatch,
    /// A number with a fraction for an integer.
    Truncated,
    /// Too large.
    Overflow,
}

impl ConversionError {
    pub(crate) fn code(self) -> Code {
        match self {
            ConversionError::Mismatch => Code::CannotConvert,
            ConversionError::Truncated => Code::ConstantTruncated,
            ConversionError::Overflow => Code::ConstantOverflow,
        }
    }
}

/// The value as the basic type represents it; `None` if it cannot.
pub(crate) fn represent(value: &Constant, kind: BasicKind) -> Option<Constant> {
    if value.is_unknown() {
        return Some(Constant::Unknown);
    }
    if kind.is_integer() {
        let value = value.to_int();
        if value.kind() != ConstantKind::Int {
            return None;
        }
        let fits = match kind {
            BasicKind::UntypedInt | BasicKind::UntypedRune => true,
            kind if kind.is_unsigned() => value
                .as_u64()
                .is_some_and(|v| kind.bits() == 64 || v >> kind.bits() == 0),
            kind => value.as_i64().is_some_and(|v| {
                let unused = 64 - kind.bits();
                (v << unused) >> unused == v
            }),
        };
        return fits.then_some(value);
    }
    if kind.is_float() {
        let value = value.to_float();
        if value.kind() != ConstantKind::Float {
            return None;
        }
        return match kind {
            BasicKind::Float32 => value.round_to_f32(),
            BasicKind::Float64 => value.round_to_f64(),
            _ => Some(value),
        };
    }
    if kind.is_complex() {
        let value = value.to_complex();
        if value.kind() != ConstantKind::Complex {
            return None;
        }
        let round = |part: Constant| match kind {
            BasicKind::Complex64 => part.round_to_f32(),
            BasicKind::Complex128 => part.round_to_f64(),
            _ => Some(part),
        };
        return Some(Constant::complex(
            round(value.real())?,
            round(value.imaginary())?,
        ));
    }
    let fits = (kind.is_string() && value.kind() == ConstantKind::String)
        || (kind.is_boolean() && value.kind() == ConstantKind::Bool);
    fits.then(|| value.clone())
}

fn operator_name(expr: &Expr) -> &'static str {
    match expr {
        Expr::Unary {
            op: UnaryOperator::Complement,
            ..
        } => "bitwise complement ",
        Expr::Binary { op, .. } => match op {
            BinaryOperator::Add => "addition ",
            BinaryOperator::Subtract => "subtraction ",
            BinaryOperator::Xor => "bitwise XOR ",
            BinaryOperator::Multiply => "multiplication ",
            BinaryOperator::ShiftLeft => "shift ",
            _ => "",
        },
        _ => "",
    }
}

impl Checker<'_> {
    /// Where an operation is reported: at its operator.
    pub(crate) fn operator_range(&self, expr: ExprId) -> TextRange {
        let range = self.range(expr);
        match *self.ast.expr(expr) {
            Expr::Binary { op_pos, .. } => TextRange::at(range.file, op_pos),
            _ => range,
        }
    }

    /// Reports a constant result that its type, or the checker, cannot hold.
    pub(crate) fn check_overflow(&mut self, x: &mut Operand) {
        let Some(expr) = x.expr else { return };
        if x.value.is_unknown() {
            let range = self.operator_range(expr);
            self.report(
                Code::ConstantOverflow,
                range,
                "constant result is not representable",
            );
            return;
        }
        if self.program.types.is_typed(x.typ) {
            if let Some(kind) = self.program.types.basic(x.typ) {
                self.check_representable(x, kind, x.typ);
            }
            return;
        }
        if x.value.kind() == ConstantKind::Int && x.value.bit_length() > LARGEST_UNTYPED_BITS {
            let range = self.operator_range(expr);
            let operation = operator_name(self.ast.expr(expr));
            self.report(
                Code::ConstantOverflow,
                range,
                format!("constant {operation}overflow"),
            );
            x.value = Constant::Unknown;
            return;
        }
        if let Constant::String(string) = &x.value
            && string.len() > LONGEST_STRING
        {
            let range = self.operator_range(expr);
            let message = format!(
                "constant string too long ({} bytes > {LONGEST_STRING} bytes)",
                string.len()
            );
            self.report(Code::ConstantOverflow, range, message);
            x.value = Constant::Unknown;
        }
    }

    /// Converts the value of a constant operand to what the basic type holds, or reports that it cannot.
    pub(crate) fn check_representable(&mut self, x: &mut Operand, kind: BasicKind, target: TypeId) {
        match self.representation(x, kind) {
            Ok(value) => x.value = value,
            Err(error) => {
                let target = self.spelled_underlying(target);
                self.report_conversion(error, x, target);
                x.invalidate();
            }
        }
    }

    /// The underlying type as messages about conversions name it.
    fn spelled_underlying(&self, typ: TypeId) -> TypeId {
        match typ {
            TypeId::BYTE | TypeId::RUNE => typ,
            typ if self.program.types.is_type_parameter(typ) => typ,
            typ => self.program.types.underlying_id(typ),
        }
    }

    fn representation(&self, x: &Operand, kind: BasicKind) -> Result<Constant, ConversionError> {
        if let Some(value) = represent(&x.value, kind) {
            return Ok(value);
        }
        if self.program.types.is_numeric(x.typ) && kind.is_numeric() {
            if !self.program.types.is_integer(x.typ) && kind.is_integer() {
                return Err(ConversionError::Truncated);
            }
            return Err(ConversionError::Overflow);
        }
        Err(ConversionError::Mismatch)
    }

    fn report_conversion(&mut self, error: ConversionError, x: &Operand, target: TypeId) {
        let (x_text, target) = (self.operand_string(x), self.type_text(target));
        let message = match error {
            ConversionError::Truncated => format!("{x_text} truncated to {target}"),
            ConversionError::Overflow => format!("{x_text} overflows {target}"),
            ConversionError::Mismatch => format!("cannot convert {x_text} to type {target}"),
        };
        self.report_operand(error.code(), x, message);
    }

    /// The type that an untyped operand gets where the target type is wanted, and its value in it if it is constant.
    pub(crate) fn implicit_type_and_value(
        &mut self,
        x: &Operand,
        target: TypeId,
    ) -> Result<(TypeId, Option<Constant>), ConversionError> {
        let types = &self.program.types;
        if !x.is_valid() || types.is_typed(x.typ) || !types.is_valid(target) {
            return Ok((x.typ, None));
        }
        if types.is_untyped(target) {
            // Both are untyped: the larger kind of number wins.
            if x.typ == target {
                return Ok((x.typ, None));
            }
            if types.is_untyped_numeric(x.typ) && types.is_untyped_numeric(target) {
                return Ok((x.typ.max(target), None));
            }
            return Err(ConversionError::Mismatch);
        }
        if x.is_nil() {
            return if types.has_nil(target) {
                Ok((target, None))
            } else {
                Err(ConversionError::Mismatch)
            };
        }
        match types.underlying(target) {
            Type::Basic(kind) => {
                if x.is_constant() {
                    let value = self.representation(x, *kind)?;
                    return Ok((target, Some(value)));
                }
                let fits = match types.basic(x.typ) {
                    Some(BasicKind::UntypedBool) => kind.is_boolean(),
                    Some(
                        BasicKind::UntypedInt
                        | BasicKind::UntypedRune
                        | BasicKind::UntypedFloat
                        | BasicKind::UntypedComplex,
                    ) => kind.is_numeric(),
                    Some(BasicKind::UntypedString) => kind.is_string(),
                    _ => false,
                };
                if fits {
                    Ok((target, None))
                } else {
                    Err(ConversionError::Mismatch)
                }
            }
            Type::Interface(_) if types.is_type_parameter(target) => {
                let Some(terms) = types.terms_of(target).map(<[_]>::to_vec) else {
                    return Err(ConversionError::Mismatch);
                };
                for term in terms {
                    let under = self.program.types.underlying_id(term.typ);
                    self.implicit_type_and_value(x, under)
                        .map_err(|_| ConversionError::Mismatch)?;
                }
                Ok((target, None))
            }
            Type::Interface(interface)
                if interface.methods.is_empty()
                    && interface.terms.is_none()
                    && !interface.comparable =>
            {
                Ok((types.default_type(x.typ), None))
            }
            _ => Err(ConversionError::Mismatch),
        }
    }

    /// Gives an untyped operand the target type, or reports that it cannot have it.
    pub(crate) fn convert_untyped(&mut self, x: &mut Operand, target: TypeId) {
        match self.implicit_type_and_value(x, target) {
            Err(error) => {
                let target = self.spelled_underlying(target);
                self.report_conversion(error, x, target);
                x.invalidate();
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

    /// As `update_type`, for the expression of an operand; what has none, such as the `ok` of a pair, is left alone.
    pub(crate) fn update_operand_type(&mut self, x: &Operand, typ: TypeId, last: bool) {
        if let (Some(expr), Label::Expression) = (x.expr, x.label) {
            self.update_type(expr, typ, last);
        }
    }

    /// Marks the untyped constant left operand of a non-constant shift: what type it gets is seen later, and must be an integer.
    pub(crate) fn mark_shifted(&mut self, expr: ExprId) {
        let entry = &mut self.program.types_and_values[expr.index()];
        entry.flags |= SHIFTED;
    }

    /// Records the type that an untyped expression finally gets, down to its operands. GO: expr.go `updateExprType`.
    pub(crate) fn update_type(&mut self, expr: ExprId, typ: TypeId, last: bool) {
        let entry = self.program.types_and_values[expr.index()];
        if entry.mode == Mode::None || !self.program.types.is_untyped(entry.typ) {
            return;
        }
        let is_constant = entry.constant != 0;
        match *self.ast.expr(expr) {
            Expr::Paren(inner) => with_stack(|| self.update_type(inner, typ, last)),
            Expr::Unary { operand, .. } if !is_constant => {
                with_stack(|| self.update_type(operand, typ, last))
            }
            Expr::Binary {
                op, left, right, ..
            } if !is_constant => {
                if op.is_comparison() {
                    // The result's type does not concern the operands.
                } else if op.is_shift() {
                    with_stack(|| self.update_type(left, typ, last));
                } else {
                    with_stack(|| self.update_type(left, typ, last));
                    with_stack(|| self.update_type(right, typ, last));
                }
            }
            _ => {}
        }
        if !last && self.program.types.is_untyped(typ) {
            self.program.types_and_values[expr.index()].typ = typ;
            return;
        }
        if entry.flags & SHIFTED != 0 && !self.program.types.all_basic(typ, BasicKind::is_integer) {
            let message = format!(
                "invalid operation: shifted operand {} (type {}) must be integer",
                self.expression_text(expr),
                self.type_text(typ)
            );
            self.program.types_and_values[expr.index()].typ = TypeId::INVALID;
            self.report_expr(Code::InvalidShift, expr, message);
            return;
        }
        let mut value = None;
        if is_constant {
            let constant = self.program.constants[entry.constant as usize - 1].clone();
            let mut c = Operand::invalid(expr);
            c.mode = entry.mode;
            c.typ = entry.typ;
            c.value = constant;
            match self.implicit_type_and_value(&c, typ) {
                Ok((_, converted)) => value = Some(converted.unwrap_or(c.value)),
                Err(error) => {
                    let target = self.spelled_underlying(typ);
                    self.program.types_and_values[expr.index()].typ = TypeId::INVALID;
                    self.report_conversion(error, &c, target);
                    return;
                }
            }
        }
        self.record_type(expr, entry.mode, typ, value.as_ref());
    }

    /// Checks the explicit conversion of an operand to a type.
    pub(crate) fn conversion(&mut self, x: &mut Operand, target: TypeId) {
        let constant_argument = x.is_constant();
        let to_constant_type = self.program.types.is_constant_type(target);
        let mut cause = Cause::new();
        let ok = if constant_argument && to_constant_type {
            let kind = self
                .program
                .types
                .basic(target)
                .unwrap_or(BasicKind::Invalid);
            if let Some(value) = represent(&x.value, kind) {
                x.value = value;
                true
            } else if self.program.types.is_integer(x.typ) && kind.is_string() {
                let code_point = x
                    .value
                    .as_u64()
                    .and_then(|v| u32::try_from(v).ok())
                    .and_then(char::from_u32);
                let text = code_point
                    .unwrap_or(char::REPLACEMENT_CHARACTER)
                    .to_string();
                x.value = Constant::from_bytes(text.as_bytes());
                true
            } else if self.program.types.is_integer(x.typ) && kind.is_integer() {
                let message = format!("constant {} overflows {}", x.value, self.type_text(target));
                self.report_operand(Code::ConstantOverflow, x, message);
                x.invalidate();
                return;
            } else {
                false
            }
        } else if constant_argument && self.program.types.is_type_parameter(target) {
            let converts = self.constant_converts_to_terms(x, target, &mut cause);
            x.mode = Mode::Value;
            converts
        } else if self.convertible(x, target, &mut cause) {
            x.mode = Mode::Value;
            true
        } else {
            false
        };
        if !ok {
            let mut message = format!(
                "cannot convert {} to type {}",
                self.operand_string(x),
                self.type_text(target)
            );
            if !cause.is_empty() {
                message.push_str(": ");
                message.push_str(&cause);
            }
            let (range, hint) = (self.operand_range(x), self.hint_conversion(x, target));
            self.report_with(Code::CannotConvert, range, message, hint);
            x.invalidate();
            return;
        }
        self.note_conversion(x.typ, target);
        let types = &self.program.types;
        if types.is_untyped(x.typ) {
            let final_type = if x.typ == TypeId::UNTYPED_NIL {
                target
            } else if types.is_proper_interface(target) || constant_argument && !to_constant_type {
                types.default_type(x.typ)
            } else if x.is_constant()
                && types.is_integer(x.typ)
                && types.all_basic(target, BasicKind::is_string)
            {
                x.typ
            } else {
                target
            };
            self.update_operand_type(x, final_type, true);
        }
        x.typ = target;
    }

    /// Can the constant be converted to every type in the type set of a type parameter?
    fn constant_converts_to_terms(&self, x: &Operand, target: TypeId, cause: &mut Cause) -> bool {
        let types = &self.program.types;
        let name = self.type_text(target);
        let Some(terms) = types.terms_of(target) else {
            *cause = format!("{name} does not contain specific types");
            return false;
        };
        for term in terms {
            let under = types.underlying_id(term.typ);
            if types.is_string(x.typ) && types.is_bytes_or_runes(under) {
                continue;
            }
            let fits = types.basic(under).is_some_and(|kind| {
                represent(&x.value, kind).is_some() || types.is_integer(x.typ) && kind.is_string()
            });
            if !fits {
                let under_text = self.type_text(under);
                *cause = if types.is_integer(x.typ) && types.is_integer(under) {
                    format!("constant {} overflows {under_text} (in {name})", x.value)
                } else {
                    format!(
                        "cannot convert {} to type {under_text} (in {name})",
                        self.operand_string(x)
                    )
                };
                return false;
            }
        }
        true
    }

    /// Convertibility from or to type parameters: it must hold for every type of the type sets.
    fn convertible_by_terms(
        &mut self,
        x: &Operand,
        target: TypeId,
        written: TypeId,
        cause: &mut Cause,
    ) -> bool {
        let types = &self.program.types;
        let list = |typ: TypeId| {
            if types.is_type_parameter(typ) {
                types
                    .terms_of(typ)
                    .map(|terms| terms.iter().map(|term| term.typ).collect::<Vec<_>>())
            } else {
                Some(vec![typ])
            }
        };
        let (Some(sources), Some(targets)) = (list(x.typ), list(target)) else {
            return false;
        };
        let named = |checker: &Self, typ: TypeId, parameter: TypeId| {
            let text = checker.type_text(typ);
            if checker.program.types.is_type_parameter(parameter) {
                format!("{text} (in {})", checker.type_text(parameter))
            } else {
                text
            }
        };
        for source in &sources {
            let mut value = x.clone();
            value.typ = *source;
            for to in &targets {
                let mut detail = cause.clone();
                if !self.convertible(&value, *to, &mut detail) {
                    let from_text = named(self, *source, x.typ);
                    let to = if *to == target { written } else { *to };
                    let to_text = named(self, to, target);
                    *cause = format!("cannot convert {from_text} to type {to_text}");
                    if !detail.is_empty() {
                        *cause = format!("{cause}\n\t{detail}");
                    }
                    return false;
                }
            }
        }
        true
    }

    fn convertible(&mut self, x: &Operand, target: TypeId, cause: &mut Cause) -> bool {
        if self.assignable(x, target, Some(cause)) {
            return true;
        }
        let types = &self.program.types;
        let source = types.unalias(x.typ);
        let written = target;
        let target = types.unalias(target);
        let (source_under, target_under) =
            (types.underlying_id(source), types.underlying_id(target));
        let parameters = types.is_type_parameter(source) || types.is_type_parameter(target);
        if !parameters && self.identical_without_tags(source_under, target_under) {
            return true;
        }
        if let (Type::Pointer(a), Type::Pointer(b)) = (types.get(source), types.get(target))
            && !types.is_type_parameter(*a)
            && !types.is_type_parameter(*b)
            && self.identical_without_tags(types.underlying_id(*a), types.underlying_id(*b))
        {
            return true;
        }
        if types.is_numeric(source_under)
            && types.is_numeric(target_under)
            && types.is_complex(source_under) == types.is_complex(target_under)
        {
            return true;
        }
        if (types.is_integer(source_under) || types.is_bytes_or_runes(source_under))
            && types.is_string(target_under)
        {
            return true;
        }
        if types.is_string(source_under) && types.is_bytes_or_runes(target_under) {
            return true;
        }
        if let Type::Slice(element) = types.get(source_under) {
            let array = match types.get(target_under) {
                Type::Pointer(base) => types.underlying_id(*base),
                _ => target_under,
            };
            if let Type::Array(other, _) = types.get(array)
                && types.identical(*element, *other)
            {
                let (minor, what) = match types.get(target_under) {
                    Type::Pointer(_) => (17, "conversion of slice to array pointer"),
                    _ => (20, "conversion of slice to array"),
                };
                let file = self.operand_range(x).file;
                if self.allows(file, minor) {
                    return true;
                }
                *cause = self.requirement(file, minor, what);
                return false;
            }
        }
        parameters && self.convertible_by_terms(x, target, written, cause)
    }

    /// Are the types identical if struct tags do not count?
    fn identical_without_tags(&self, a: TypeId, b: TypeId) -> bool {
        let types = &self.program.types;
        if types.identical(a, b) {
            return true;
        }
        let (a, b) = (types.canonical(a), types.canonical(b));
        let same = |a: &TypeId, b: &TypeId| with_stack(|| self.identical_without_tags(*a, *b));
        match (types.get(a), types.get(b)) {
            (Type::Pointer(a), Type::Pointer(b)) | (Type::Slice(a), Type::Slice(b)) => same(a, b),
            (Type::Array(a, n), Type::Array(b, m)) => n == m && same(a, b),
            (Type::Map { key: k, element: e }, Type::Map { key: l, element: f }) => {
                same(k, l) && same(e, f)
            }
            (
                Type::Chan {
                    direction: d,
                    element: a,
                },
                Type::Chan {
                    direction: e,
                    element: b,
                },
            ) => d == e && same(a, b),
            (Type::Struct(a), Type::Struct(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b).all(|(f, g)| {
                        f.name == g.name
                            && f.embedded == g.embedded
                            && f.package == g.package
                            && same(&f.typ, &g.typ)
                    })
            }
            (Type::Signature(a), Type::Signature(b)) => {
                let all = |p: &[crate::types::Param], q: &[crate::types::Param]| {
                    p.len() == q.len() && p.iter().zip(q).all(|(p, q)| same(&p.typ, &q.typ))
                };
                a.variadic == b.variadic && all(&a.params, &b.params) && all(&a.results, &b.results)
            }
            _ => false,
        }
    }
}
