//! Index and slice expressions. GO: go/types index.go.

use diagnostics::Code;
use parser::ast::{ExprId, List};

use crate::checker::Checker;
use crate::constants::Constant;
use crate::conversions::represent;
use crate::operand::Operand;
use crate::typed::Mode;
use crate::types::{BasicKind, Type, TypeId};

/// The length of a constant string, if it is one.
fn string_length(value: &Constant) -> Option<i64> {
    match value {
        Constant::String(string) => i64::try_from(string.len()).ok(),
        _ => None,
    }
}

impl Checker<'_> {
    /// `x[i]`. Is it a generic function with type arguments? Then those are not looked at yet.
    pub(crate) fn index_expr(
        &mut self,
        x: &mut Operand,
        expr: ExprId,
        operand: ExprId,
        indices: List<ExprId>,
    ) -> bool {
        self.expr_or_generic_type(x, operand, true);
        match x.mode {
            Mode::None => {
                let indices = self.ast.list(indices).to_vec();
                self.use_exprs(&indices);
                return false;
            }
            Mode::Type => {
                x.invalidate();
                x.typ = self.variable_type(expr);
                if self.program.types.is_valid(x.typ) {
                    x.mode = Mode::Type;
                }
                return false;
            }
            _ if self.generic_signature(x).is_some() => return true,
            _ => {}
        }
        self.index_value(x, operand, indices);
        false
    }

    fn index_value(&mut self, x: &mut Operand, operand: ExprId, indices: List<ExprId>) {
        if !self.is_complete(x.typ) {
            x.invalidate();
            return;
        }
        if self.program.types.is_type_parameter(x.typ) {
            self.index_type_parameter(x, operand, indices);
            return;
        }
        let mut length = None;
        match self.program.types.underlying(x.typ) {
            Type::Basic(kind) if kind.is_string() => {
                if x.is_constant() {
                    length = string_length(&x.value);
                }
                // Indexed at run time, also if it is constant.
                self.update_operand_type(x, TypeId::STRING, true);
                x.mode = Mode::Value;
                x.typ = TypeId::BYTE;
            }
            Type::Array(element, n) => {
                length = Some(*n);
                if x.mode != Mode::Variable {
                    x.mode = Mode::Value;
                }
                x.typ = *element;
            }
            Type::Pointer(base)
                if matches!(self.program.types.underlying(*base), Type::Array(..)) =>
            {
                if let Type::Array(element, n) = self.program.types.underlying(*base) {
                    length = Some(*n);
                    x.mode = Mode::Variable;
                    x.typ = *element;
                }
            }
            Type::Slice(element) => {
                x.mode = Mode::Variable;
                x.typ = *element;
            }
            Type::Map { key, element } => {
                let (key, element) = (*key, *element);
                self.index_map(x, key, element, indices);
                return;
            }
            Type::Basic(BasicKind::Invalid) if x.mode != Mode::Builtin => {
                let indices = self.ast.list(indices).to_vec();
                self.use_exprs(&indices);
                x.invalidate();
                return;
            }
            _ => {
                self.cannot_index(x, operand, indices);
                return;
            }
        }
        let Some(index) = self.single_index(indices) else {
            x.invalidate();
            return;
        };
        self.index(index, length);
    }

    /// `x[i]` with x of a type parameter's type: every type of its type set must allow it, with the same element type.
    fn index_type_parameter(&mut self, x: &mut Operand, operand: ExprId, indices: List<ExprId>) {
        let types = &self.program.types;
        let mut length = None;
        let mut found: Option<(Option<TypeId>, TypeId)> = None;
        let mut mode = Mode::Variable;
        let pairs = types.type_set(x.typ).unwrap_or_default();
        let valid = !pairs.is_empty()
            && pairs.iter().all(|(_, under)| {
                let (key, element, n, of) = match types.get(*under) {
                    Type::Basic(kind) if kind.is_string() => {
                        (None, TypeId::BYTE, None, Mode::Value)
                    }
                    Type::Array(element, n) => (None, *element, Some(*n), x.mode),
                    Type::Pointer(base) => match types.underlying(*base) {
                        Type::Array(element, n) => (None, *element, Some(*n), Mode::Variable),
                        _ => return false,
                    },
                    Type::Slice(element) => (None, *element, None, Mode::Variable),
                    Type::Map { key, element } => (Some(*key), *element, None, Mode::Value),
                    _ => return false,
                };
                if let Some((first_key, first_element)) = found {
                    let same_key = match (first_key, key) {
                        (Some(a), Some(b)) => types.identical(a, b),
                        (a, b) => a.is_none() && b.is_none(),
                    };
                    if !same_key || !types.identical(first_element, element) {
                        return false;
                    }
                } else {
                    found = Some((key, element));
                }
                // The smallest array tells what index is too large.
                length = match (length, n) {
                    (Some(a), Some(b)) => Some(i64::min(a, b)),
                    (a, b) => a.or(b),
                };
                if of != Mode::Variable {
                    mode = Mode::Value;
                }
                true
            });
        let (Some((key, element)), true) = (found, valid) else {
            self.cannot_index(x, operand, indices);
            return;
        };
        if let Some(key) = key {
            self.index_map(x, key, element, indices);
            return;
        }
        let Some(index) = self.single_index(indices) else {
            x.invalidate();
            return;
        };
        x.mode = mode;
        x.typ = element;
        self.index(index, length);
    }

    /// `x[key]` of a map.
    fn index_map(&mut self, x: &mut Operand, key: TypeId, element: TypeId, indices: List<ExprId>) {
        let Some(index) = self.single_index(indices) else {
            x.invalidate();
            return;
        };
        let mut k = Operand::invalid(index);
        self.generic_expr(&mut k, index);
        self.assignment(&mut k, Some(key), "map index");
        x.mode = Mode::MapIndex;
        x.typ = element;
    }

    /// Reports an operand that has no elements, at the bracket.
    fn cannot_index(&mut self, x: &mut Operand, operand: ExprId, indices: List<ExprId>) {
        let message = format!("cannot index {}", self.operand_string(x));
        let first = self.ast.list(indices).first().copied();
        let range = self.punctuation(operand, first, b'[');
        self.report(Code::InvalidIndex, range, message);
        let indices = self.ast.list(indices).to_vec();
        self.use_exprs(&indices);
        x.invalidate();
    }

    /// What a slice expression takes apart: of a type parameter, the common underlying type, where strings count as slices of bytes; a
    /// string type if there is a string.
    fn sliced_type(&mut self, x: &Operand) -> Option<TypeId> {
        let types = &self.program.types;
        if !types.is_type_parameter(x.typ) {
            return Some(types.underlying_id(x.typ));
        }
        let mut why = format!("no specific type in {}", self.type_text(x.typ));
        let mut common: Option<(TypeId, TypeId)> = None;
        let mut has_string = false;
        let mut valid = false;
        for (typ, under) in types.type_set(x.typ).unwrap_or_default() {
            valid = true;
            let under = if types.is_string(under) {
                has_string = true;
                types.slice(TypeId::UINT8)
            } else {
                under
            };
            match common {
                Some((first, common)) if !types.identical(common, under) => {
                    why = format!(
                        "{} and {} have different underlying types",
                        self.type_text(first),
                        self.type_text(typ)
                    );
                    valid = false;
                    break;
                }
                Some(_) => {}
                None => common = Some((typ, under)),
            }
        }
        match common {
            Some(_) if valid && has_string => Some(TypeId::STRING),
            Some((_, common)) if valid => Some(common),
            _ => {
                let message = format!("cannot slice {}: {why}", self.operand_string(x));
                self.report_operand(Code::InvalidIndex, x, message);
                None
            }
        }
    }

    fn single_index(&mut self, indices: List<ExprId>) -> Option<ExprId> {
        let indices = self.ast.list(indices);
        if let Some(second) = indices.get(1) {
            self.report_expr(
                Code::InvalidIndex,
                *second,
                "invalid operation: more than one index",
            );
        }
        indices.first().copied()
    }

    pub(crate) fn slice_expr(
        &mut self,
        x: &mut Operand,
        expr: ExprId,
        operand: ExprId,
        indices: [Option<ExprId>; 3],
    ) {
        self.expr(x, operand);
        if !x.is_valid() {
            let indices: Vec<ExprId> = indices.into_iter().flatten().collect();
            self.use_exprs(&indices);
            return;
        }
        if let Some(base) = self.program.types.as_pointer(x.typ)
            && !self.is_complete(base)
        {
            x.invalidate();
            return;
        }
        let mut length = None;
        let Some(sliced) = self.sliced_type(x) else {
            x.invalidate();
            return;
        };
        let types = &self.program.types;
        match types.get(sliced) {
            Type::Basic(kind) if kind.is_string() => {
                if let Some(max) = indices[2] {
                    self.report_expr(
                        Code::InvalidIndex,
                        max,
                        "invalid operation: 3-index slice of string",
                    );
                    x.invalidate();
                    return;
                }
                if x.is_constant() {
                    length = string_length(&x.value);
                }
                if types.is_untyped(x.typ) {
                    // The operand itself becomes a string, too: it is sliced at run time.
                    self.update_operand_type(x, TypeId::STRING, true);
                    x.typ = TypeId::STRING;
                }
            }
            Type::Array(element, n) => {
                let (element, n) = (*element, *n);
                length = Some(n);
                if x.mode != Mode::Variable {
                    let message = format!(
                        "cannot slice unaddressable value {}",
                        self.operand_string(x)
                    );
                    self.report_operand(Code::InvalidIndex, x, message);
                    x.invalidate();
                    return;
                }
                self.take_address(operand);
                x.typ = self.program.types.slice(element);
            }
            Type::Pointer(base) if matches!(types.underlying(*base), Type::Array(..)) => {
                if let Type::Array(element, n) = types.underlying(*base) {
                    length = Some(*n);
                    let element = *element;
                    x.typ = self.program.types.slice(element);
                }
            }
            Type::Slice(_) => {}
            Type::Basic(BasicKind::Invalid) => {
                x.invalidate();
                return;
            }
            _ => {
                let message = format!("cannot slice {}", self.operand_string(x));
                self.report_operand(Code::InvalidIndex, x, message);
                x.invalidate();
                return;
            }
        }
        x.mode = Mode::Value;
        if indices[2].is_some() && indices[1].is_none() {
            self.report_expr(
                Code::InvalidIndex,
                expr,
                "middle index required in 3-index slice",
            );
            x.invalidate();
            return;
        }
        let mut bounds: [Option<i64>; 3] = [None; 3];
        for (place, index) in indices.into_iter().enumerate() {
            bounds[place] = match index {
                Some(index) => {
                    self.index(index, length.map(|length| length.saturating_add(1)))
                        .1
                }
                None if place == 0 => Some(0),
                None => length,
            };
        }
        for (place, low) in bounds[..2].iter().enumerate() {
            let Some(low) = low.filter(|low| *low > 0) else {
                continue;
            };
            for (other, high) in bounds.iter().enumerate().skip(place + 1) {
                if let (Some(high), Some(at)) = (*high, indices[other])
                    && high < low
                {
                    let message = format!("invalid slice indices: {high} < {low}");
                    self.report_expr(Code::InvalidIndex, at, message);
                    return;
                }
            }
        }
    }

    /// Checks an index; a constant one must be below `limit`. Gives its type (invalid if it is wrong) and its constant value.
    pub(crate) fn index(&mut self, index: ExprId, limit: Option<i64>) -> (TypeId, Option<i64>) {
        let mut x = Operand::invalid(index);
        self.expr(&mut x, index);
        if !self.is_valid_index(&mut x, "index", false) {
            return (TypeId::INVALID, None);
        }
        if !x.is_constant() {
            return (x.typ, None);
        }
        let Some(value) = x.value.as_i64() else {
            return (TypeId::INVALID, None);
        };
        if let Some(limit) = limit
            && value >= limit
        {
            let message = format!(
                "invalid argument: index {} out of bounds [0:{limit}]",
                x.value
            );
            self.report_operand(Code::InvalidIndex, &x, message);
            return (TypeId::INVALID, None);
        }
        (x.typ, Some(value))
    }

    pub(crate) fn is_valid_index(
        &mut self,
        x: &mut Operand,
        what: &str,
        may_be_negative: bool,
    ) -> bool {
        if !x.is_valid() {
            return false;
        }
        self.convert_untyped(x, TypeId::INT);
        if !x.is_valid() {
            return false;
        }
        if !self.program.types.all_basic(x.typ, BasicKind::is_integer) {
            if self.program.types.is_valid(x.typ) {
                let message = format!(
                    "invalid argument: {what} {} must be integer",
                    self.operand_string(x)
                );
                self.report_operand(Code::InvalidIndex, x, message);
            }
            return false;
        }
        if x.is_constant() {
            if !may_be_negative && x.value.sign() < 0 {
                let message = format!(
                    "invalid argument: {what} {} must not be negative",
                    self.operand_string(x)
                );
                self.report_operand(Code::InvalidIndex, x, message);
                return false;
            }
            match represent(&x.value, BasicKind::Int) {
                Some(value) => x.value = value,
                None => {
                    let message = format!(
                        "invalid argument: {what} {} overflows int",
                        self.operand_string(x)
                    );
                    self.report_operand(Code::InvalidIndex, x, message);
                    return false;
                }
            }
        }
        true
    }
}
