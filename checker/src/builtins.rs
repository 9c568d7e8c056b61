//! Calls of builtin functions. SPEC: Built-in functions. GO: go/types builtins.go.

use std::cmp::Ordering;

use diagnostics::{Code, TextRange};
use parser::ast::{Expr, ExprId};

use crate::checker::Checker;
use crate::constants::Constant;
use crate::operand::Operand;
use crate::type_sets::NoCommonType;
use crate::typed::Mode;
use crate::types::{BasicKind, ChanDirection, Param, Type, TypeId};
use crate::universe::Builtin;

impl Checker<'_> {
    /// Checks a call of a builtin. Was it valid? Then `x` is its result.
    pub(crate) fn builtin_call(
        &mut self,
        x: &mut Operand,
        call: ExprId,
        builtin: Builtin,
        args: &[ExprId],
        spread: Option<u32>,
    ) -> bool {
        let name = builtin.name();
        if spread.is_some() && builtin != Builtin::Append {
            let message = format!("invalid operation: invalid use of ... with built-in {name}");
            self.report_expr(Code::InvalidCall, call, message);
            self.use_exprs(args);
            return false;
        }
        // Whether `len(x)` and `cap(x)` of an array are constant depends on whether x holds calls.
        let saved = self.env.has_call_or_receive;
        let measures = matches!(builtin, Builtin::Len | Builtin::Cap);
        if measures {
            self.env.has_call_or_receive = false;
        }
        let valid = self.builtin_arguments(x, call, builtin, args, spread);
        if measures {
            self.env.has_call_or_receive = saved;
        }
        valid
    }

    fn builtin_arguments(
        &mut self,
        x: &mut Operand,
        call: ExprId,
        builtin: Builtin,
        args: &[ExprId],
        spread: Option<u32>,
    ) -> bool {
        let name = builtin.name();
        let mut operands = Vec::new();
        let mut given = args.len();
        if !matches!(builtin, Builtin::Make | Builtin::New) {
            operands = self.expression_list(args);
            given = operands.len();
            if operands.iter().any(|operand| !operand.is_valid()) {
                return false;
            }
            if let Some(first) = operands.first() {
                *x = first.clone();
            }
        }
        let wanted = builtin.arguments();
        let problem = if given < wanted {
            Some("not enough")
        } else if !builtin.is_variadic() && given > wanted {
            Some("too many")
        } else {
            None
        };
        if let Some(problem) = problem {
            let message = format!(
                "invalid operation: {problem} arguments for {} (expected {wanted}, found {given})",
                self.expression_text(call)
            );
            self.report_expr(Code::WrongArgumentCount, call, message);
            return false;
        }
        match builtin {
            Builtin::Append => self.append(x, call, args, &mut operands, spread),
            Builtin::Cap | Builtin::Len => self.length(x, builtin),
            Builtin::Clear => {
                let types = &self.program.types;
                let clears = |under| matches!(types.get(under), Type::Map { .. } | Type::Slice(_));
                if !types.all_underlying(x.typ, clears) {
                    let message = format!(
                        "invalid argument: cannot clear {}: argument must be (or constrained by) map or slice",
                        self.operand_string(x)
                    );
                    self.report_operand(Code::InvalidArgument, x, message);
                    return false;
                }
                self.require(self.callee_range(call), 21, "clear");
                self.no_value(x)
            }
            Builtin::Close => {
                let types = &self.program.types;
                let problem = |under| match types.get(under) {
                    Type::Chan {
                        direction: ChanDirection::Receive,
                        ..
                    } => Some("receive-only channel"),
                    Type::Chan { .. } => None,
                    _ => Some("non-channel"),
                };
                let problem = match types.type_set(x.typ) {
                    Some(pairs) => pairs.iter().find_map(|(_, under)| problem(*under)),
                    None => Some("non-channel"),
                };
                let Some(problem) = problem else {
                    return self.no_value(x);
                };
                let message = format!(
                    "invalid operation: cannot close {problem} {}",
                    self.operand_string(x)
                );
                self.report_operand(Code::InvalidArgument, x, message);
                false
            }
            Builtin::Copy => self.copy(x, &operands),
            Builtin::Delete => {
                let types = &self.program.types;
                let mut key = None;
                let problem = types.type_set(x.typ).map_or(Some(false), |pairs| {
                    pairs.iter().find_map(|(_, under)| match types.get(*under) {
                        Type::Map { key: other, .. } => match key {
                            Some(key) if !types.identical(key, *other) => Some(true),
                            _ => {
                                key = Some(*other);
                                None
                            }
                        },
                        _ => Some(false),
                    })
                });
                let text = || self.operand_string(x);
                let message = match problem {
                    Some(false) => format!("invalid argument: {} is not a map", text()),
                    Some(true) => format!(
                        "invalid argument: maps of {} must have identical key types",
                        text()
                    ),
                    None => String::new(),
                };
                let (Some(key), None) = (key, problem) else {
                    self.report_operand(Code::InvalidArgument, x, message);
                    return false;
                };
                *x = operands[1].clone();
                self.assignment(x, Some(key), "argument to delete");
                x.is_valid() && self.no_value(x)
            }
            Builtin::Make => self.make(x, call, args),
            Builtin::Max | Builtin::Min => {
                let what = format!("built-in {}", builtin.name());
                self.require(self.callee_range(call), 21, &what);
                self.extreme(x, builtin, &mut operands)
            }
            Builtin::New => self.new_call(x, call, args[0]),
            Builtin::Panic => {
                if self
                    .env
                    .context
                    .as_ref()
                    .is_some_and(|context| !context.results.is_empty())
                {
                    self.panic_calls.insert(call);
                }
                self.assignment(x, Some(TypeId::EMPTY_INTERFACE), "argument to panic");
                x.is_valid() && self.no_value(x)
            }
            Builtin::Print | Builtin::Println => {
                let context = format!("argument to built-in {name}");
                for operand in &mut operands {
                    self.assignment(operand, None, &context);
                    if !operand.is_valid() {
                        return false;
                    }
                }
                self.no_value(x)
            }
            Builtin::Recover => {
                x.mode = Mode::Value;
                x.typ = TypeId::EMPTY_INTERFACE;
                true
            }
            Builtin::Complex => self.complex(x, call, &mut operands[1]),
            Builtin::Real | Builtin::Imag => self.part(x, builtin == Builtin::Real),
        }
    }

    fn no_value(&mut self, x: &mut Operand) -> bool {
        x.mode = Mode::NoValue;
        x.typ = TypeId::EMPTY_TUPLE;
        true
    }

    /// The element type of a slice, or why it is none.
    fn slice_element(&self, x: &Operand) -> Result<TypeId, String> {
        if x.is_nil() {
            return Err("argument must be a slice; have untyped nil".to_owned());
        }
        let types = &self.program.types;
        let mut found: Option<TypeId> = None;
        for (_, under) in types.type_set(x.typ).unwrap_or_default() {
            match types.get(under) {
                Type::Slice(element) => match found {
                    Some(found) if !types.identical(found, *element) => {
                        return Err(format!(
                            "mismatched slice element types {} and {} in {}",
                            self.type_text(found),
                            self.type_text(*element),
                            self.operand_string(x)
                        ));
                    }
                    Some(_) => {}
                    None => found = Some(*element),
                },
                _ => {
                    found = None;
                    break;
                }
            }
        }
        found.ok_or_else(|| format!("argument must be a slice; have {}", self.operand_string(x)))
    }

    /// A string, or a type parameter all of whose types are strings or slices of bytes, at least one of them a string.
    fn is_string_or_bytes(&self, typ: TypeId) -> bool {
        let types = &self.program.types;
        let mut has_string = false;
        let all = types.all_underlying(typ, |under| {
            types.is_string(under)
                || matches!(types.get(under), Type::Slice(element) if types.identical(*element, TypeId::UINT8))
        });
        for (_, under) in types.type_set(typ).unwrap_or_default() {
            has_string |= types.is_string(under);
        }
        all && has_string
    }

    fn append(
        &mut self,
        x: &mut Operand,
        call: ExprId,
        args: &[ExprId],
        operands: &mut [Operand],
        spread: Option<u32>,
    ) -> bool {
        let element = match self.slice_element(x) {
            Ok(element) => element,
            Err(problem) => {
                self.report_operand(
                    Code::InvalidArgument,
                    x,
                    format!("invalid append: {problem}"),
                );
                return false;
            }
        };
        // append([]byte, string...)
        if operands.len() == 2 && spread.is_some() && self.is_string_or_bytes(operands[1].typ) {
            let bytes = self.program.types.slice(TypeId::BYTE);
            if self.assignable(x, bytes, None) {
                if self.program.types.is_untyped(operands[1].typ) {
                    let string = &operands[1];
                    self.update_operand_type(string, TypeId::STRING, true);
                }
                x.mode = Mode::Value;
                return true;
            }
        }
        let rest = self.program.types.slice(element);
        let typ = x.typ;
        let params = [
            Param { name: None, typ },
            Param {
                name: None,
                typ: rest,
            },
        ];
        self.arguments(
            call,
            self.callee_of(call),
            &params,
            true,
            args,
            operands,
            spread,
        );
        x.mode = Mode::Value;
        true
    }

    fn callee_of(&self, call: ExprId) -> ExprId {
        match *self.ast.expr(call) {
            parser::ast::Expr::Call { callee, .. } => callee,
            _ => call,
        }
    }

    fn length(&mut self, x: &mut Operand, builtin: Builtin) -> bool {
        let types = &self.program.types;
        let mut under = types.underlying(x.typ);
        if let Type::Pointer(base) = under
            && matches!(types.underlying(*base), Type::Array(..))
        {
            under = types.underlying(*base);
        }
        let mut mode = Mode::Value;
        let mut value = Constant::Unknown;
        match under {
            Type::Basic(kind) if kind.is_string() && builtin == Builtin::Len => {
                if let (Mode::Constant, Constant::String(string)) = (x.mode, &x.value) {
                    mode = Mode::Constant;
                    value = Constant::Int(string.len() as i64);
                }
            }
            Type::Array(_, length) => {
                if !self.env.has_call_or_receive {
                    mode = Mode::Constant;
                    value = Constant::Int(*length);
                }
            }
            Type::Slice(_) | Type::Chan { .. } => {}
            Type::Map { .. } if builtin == Builtin::Len => {}
            Type::Basic(BasicKind::Invalid) => return false,
            Type::Interface(_)
                if types.is_type_parameter(x.typ)
                    && types.all_underlying(x.typ, |under| {
                        let under = match types.get(under) {
                            Type::Pointer(base) => types.underlying_id(*base),
                            _ => under,
                        };
                        match types.get(under) {
                            Type::Basic(kind) => kind.is_string() && builtin == Builtin::Len,
                            Type::Array(..) | Type::Slice(_) | Type::Chan { .. } => true,
                            Type::Map { .. } => builtin == Builtin::Len,
                            _ => false,
                        }
                    }) => {}
            _ => {
                let message = format!(
                    "invalid argument: {} for built-in {}",
                    self.operand_string(x),
                    builtin.name()
                );
                self.report_operand(Code::InvalidArgument, x, message);
                return false;
            }
        }
        if mode == Mode::Value && self.program.types.is_untyped(x.typ) {
            self.update_operand_type(x, TypeId::STRING, true);
        }
        x.mode = mode;
        x.typ = TypeId::INT;
        x.value = value;
        true
    }

    fn copy(&mut self, x: &mut Operand, operands: &[Operand]) -> bool {
        let to = match self.slice_element(x) {
            Ok(element) => element,
            Err(problem) => {
                self.report_operand(Code::InvalidArgument, x, format!("invalid copy: {problem}"));
                return false;
            }
        };
        let y = &operands[1];
        let bytes = self.program.types.slice(TypeId::BYTE);
        let special = self.is_string_or_bytes(y.typ) && self.assignable(x, bytes, None);
        if special {
            if self.program.types.is_untyped(y.typ) {
                self.update_operand_type(y, TypeId::STRING, true);
            }
        } else {
            let from = match self.slice_element(y) {
                Ok(element) => element,
                Err(_) if self.is_string_or_bytes(y.typ) => TypeId::BYTE,
                Err(problem) => {
                    self.report_operand(
                        Code::InvalidArgument,
                        y,
                        format!("invalid copy: {problem}"),
                    );
                    return false;
                }
            };
            if !self.program.types.identical(to, from) {
                let message = format!(
                    "invalid copy: arguments {} and {} have different element types {} and {}",
                    self.operand_string(x),
                    self.operand_string(y),
                    self.type_text(to),
                    self.type_text(from)
                );
                self.report_operand(Code::InvalidArgument, x, message);
                return false;
            }
        }
        x.mode = Mode::Value;
        x.typ = TypeId::INT;
        true
    }

    fn make(&mut self, x: &mut Operand, call: ExprId, args: &[ExprId]) -> bool {
        let typ = self.variable_type(args[0]);
        if !self.program.types.is_valid(typ) {
            self.use_exprs(&args[1..]);
            return false;
        }
        let types = &self.program.types;
        if types.underlying_id(typ) == TypeId::INVALID {
            return false;
        }
        let wrong = || "type must be slice, map, or channel".to_owned();
        let may_be_made = |under| {
            matches!(
                types.get(under),
                Type::Slice(_) | Type::Map { .. } | Type::Chan { .. }
            )
        };
        let common = match types.common_underlying(typ) {
            Ok(common) if may_be_made(common) => Ok(common),
            Ok(_) => Err(wrong()),
            Err(NoCommonType::NoSpecificType) => Err("no specific type".to_owned()),
            Err(_) if !types.all_underlying(typ, may_be_made) => Err(wrong()),
            Err(why) => Err(self.no_common_type_text(&why)),
        };
        let least = match common.as_ref().map(|common| types.get(*common)) {
            Ok(Type::Slice(_)) => 2,
            Ok(_) => 1,
            Err(why) => {
                let message = format!(
                    "invalid argument: cannot make {}: {why}",
                    self.expression_text(args[0])
                );
                self.report_expr(Code::InvalidArgument, args[0], message);
                return false;
            }
        };
        if args.len() < least || args.len() > least + 1 {
            let message = format!(
                "invalid operation: {} expects {least} or {} arguments; found {}",
                self.expression_text(call),
                least + 1,
                args.len()
            );
            self.report_expr(Code::WrongArgumentCount, call, message);
            return false;
        }
        let mut sizes = Vec::new();
        for argument in &args[1..] {
            if let (_, Some(size)) = self.index(*argument, None) {
                sizes.push(size);
            }
        }
        if let [length, capacity] = sizes[..]
            && length > capacity
        {
            self.report_expr(
                Code::InvalidArgument,
                args[1],
                "invalid argument: length and capacity swapped",
            );
        }
        x.mode = Mode::Value;
        x.typ = typ;
        true
    }

    fn extreme(&mut self, x: &mut Operand, builtin: Builtin, operands: &mut [Operand]) -> bool {
        let wanted = if builtin == Builtin::Max {
            Ordering::Greater
        } else {
            Ordering::Less
        };
        for (index, operand) in operands.iter_mut().enumerate() {
            if !self.program.types.all_ordered(operand.typ) {
                let message = format!(
                    "invalid argument: {} cannot be ordered",
                    self.operand_string(operand)
                );
                self.report_operand(Code::InvalidArgument, operand, message);
                return false;
            }
            if index == 0 {
                continue;
            }
            self.match_types(x, operand);
            if !x.is_valid() {
                return false;
            }
            if !self.program.types.identical(x.typ, operand.typ) {
                let message = format!(
                    "invalid argument: mismatched types {} (previous argument) and {} (type of {})",
                    self.type_text(x.typ),
                    self.type_text(operand.typ),
                    self.operand_expression(operand)
                );
                self.report_operand(Code::MismatchedTypes, operand, message);
                return false;
            }
            if x.is_constant() && operand.is_constant() {
                if operand.value.compare(&x.value) == Some(wanted) {
                    *x = operand.clone();
                }
            } else {
                x.mode = Mode::Value;
            }
        }
        if x.mode != Mode::Constant {
            x.mode = Mode::Value;
            // As an operand of an interface an untyped value gets its default type.
            if self.program.types.is_untyped(x.typ) {
                let typ = self.program.types.default_type(x.typ);
                self.convert_untyped(x, typ);
                if !x.is_valid() {
                    return false;
                }
            }
        }
        for operand in operands.iter() {
            self.update_operand_type(operand, x.typ, true);
        }
        true
    }

    fn complex(&mut self, x: &mut Operand, call: ExprId, y: &mut Operand) -> bool {
        let types = &self.program.types;
        match (types.is_untyped(x.typ), types.is_untyped(y.typ)) {
            (false, false) => {}
            (true, false) => self.convert_untyped(x, y.typ),
            (false, true) => self.convert_untyped(y, x.typ),
            (true, true) if x.is_constant() && y.is_constant() => {
                for operand in [&mut *x, &mut *y] {
                    if types.is_numeric(operand.typ) && operand.value.imaginary().sign() == 0 {
                        operand.typ = TypeId::UNTYPED_FLOAT;
                    }
                }
            }
            // A shift whose type is still open: that of a float is refused.
            (true, true) => {
                self.convert_untyped(x, TypeId::FLOAT64);
                self.convert_untyped(y, TypeId::FLOAT64);
            }
        }
        if !x.is_valid() || !y.is_valid() {
            return false;
        }
        let types = &self.program.types;
        if !types.identical(x.typ, y.typ) {
            let message = format!(
                "invalid operation: {} (mismatched types {} and {})",
                self.expression_text(call),
                self.type_text(x.typ),
                self.type_text(y.typ)
            );
            self.report_operand(Code::MismatchedTypes, x, message);
            return false;
        }
        if self.is_unsupported_part(x, BasicKind::is_float, "complex") {
            return false;
        }
        let types = &self.program.types;
        let typ = match types.basic(x.typ) {
            Some(BasicKind::Float32) => TypeId::COMPLEX64,
            Some(BasicKind::Float64) => TypeId::COMPLEX128,
            Some(BasicKind::UntypedFloat) => TypeId::UNTYPED_COMPLEX,
            _ => {
                let message = format!(
                    "invalid argument: arguments have type {}, expected floating-point",
                    self.type_text(x.typ)
                );
                self.report_operand(Code::InvalidArgument, x, message);
                return false;
            }
        };
        if x.is_constant() && y.is_constant() {
            x.value = Constant::complex(x.value.to_float(), y.value.to_float());
        } else {
            x.mode = Mode::Value;
        }
        x.typ = typ;
        true
    }

    /// Reports an argument whose type is a type parameter all of whose types would do: Go has no result type for it.
    fn is_unsupported_part(
        &mut self,
        x: &Operand,
        wanted: fn(BasicKind) -> bool,
        name: &str,
    ) -> bool {
        let types = &self.program.types;
        if !types.is_type_parameter(x.typ) || !types.all_basic(x.typ, wanted) {
            return false;
        }
        let message = format!(
            "{} not supported as argument to built-in {name} for go1.18 (see go.dev/issue/50937)",
            self.operand_string(x)
        );
        self.report_operand(Code::InvalidArgument, x, message);
        true
    }

    /// `real(x)` or `imag(x)`.
    fn part(&mut self, x: &mut Operand, real: bool) -> bool {
        if self.program.types.is_untyped(x.typ) {
            if !x.is_constant() {
                // A shift whose type is still open: that of a complex number is refused.
                self.convert_untyped(x, TypeId::COMPLEX128);
                if !x.is_valid() {
                    return false;
                }
            } else if self.program.types.is_numeric(x.typ) {
                x.typ = TypeId::UNTYPED_COMPLEX;
            }
        }
        let name = if real { "real" } else { "imag" };
        if self.is_unsupported_part(x, BasicKind::is_complex, name) {
            return false;
        }
        let typ = match self.program.types.basic(x.typ) {
            Some(BasicKind::Complex64) => TypeId::FLOAT32,
            Some(BasicKind::Complex128) => TypeId::FLOAT64,
            Some(BasicKind::UntypedComplex) => TypeId::UNTYPED_FLOAT,
            _ => {
                let message = format!(
                    "invalid argument: argument has type {}, expected complex type",
                    self.type_text(x.typ)
                );
                self.report_operand(Code::InvalidArgument, x, message);
                return false;
            }
        };
        if x.is_constant() {
            x.value = if real {
                x.value.real()
            } else {
                x.value.imaginary()
            };
        } else {
            x.mode = Mode::Value;
        }
        x.typ = typ;
        true
    }

    /// Where the function of a call stands.
    fn callee_range(&self, call: ExprId) -> TextRange {
        match *self.ast.expr(call) {
            Expr::Call { callee, .. } => self.range(callee),
            _ => self.range(call),
        }
    }

    fn new_call(&mut self, x: &mut Operand, call: ExprId, argument: ExprId) -> bool {
        self.expr_or_type(x, argument);
        match x.mode {
            Mode::None => return false,
            Mode::Builtin => {
                let message = format!("{} must be called", self.operand_string(x));
                self.report_operand(Code::NotAnExpression, x, message);
                return false;
            }
            Mode::Type => self.check_variable_type(argument, x.typ),
            _ => {
                if self.program.types.is_untyped(x.typ) {
                    self.assignment(x, None, "argument to new");
                    if !x.is_valid() {
                        return false;
                    }
                }
                let what = format!("new({})", self.expression_text(argument));
                self.require(self.callee_range(call), 26, &what);
            }
        }
        if !self.program.types.is_valid(x.typ) {
            return false;
        }
        x.typ = self.program.types.pointer(x.typ);
        x.mode = Mode::Value;
        true
    }
}
