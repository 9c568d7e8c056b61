//! Exact constant values and their arithmetic. SPEC: Constants. GO: go/constant.
//!
//! Integers are exact at any size (the checker refuses untyped ones beyond 512 bits). Fractions are exact up to 4,096 bits in
//! numerator and denominator; beyond that a number becomes a binary float of 512 bits and stays one. Those are the
//! limits of Go's compiler, so both agree about which constants overflow or are equal.

use std::cmp::Ordering;
use std::sync::{Arc, OnceLock};

use dashu_float::FBig;
use dashu_float::round::mode::{Away, HalfEven, Zero};
use dashu_int::ops::BitTest;
use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;
use parser::ast::BinaryOperator;

/// The precision of floats, in bits.
const PRECISION: usize = 512;
/// Fractions whose parts have fewer bits than this stay fractions.
const MAX_FRACTION_BITS: usize = 4 << 10;

/// A float too large or too long for a fraction.
pub type Float = FBig<HalfEven, 2>;

/// The exact value of a constant expression.
#[derive(Clone, Debug)]
pub enum Constant {
    /// The value of something wrong; it takes part in no further error.
    Unknown,
    /// A boolean.
    Bool(bool),
    /// A string.
    String(StringConstant),
    /// An integer of 64 bits. An integer value that fits is always here.
    Int(i64),
    /// A larger integer.
    Big(Arc<IBig>),
    /// A fraction (it may be whole).
    Rational(Arc<RBig>),
    /// A float.
    Float(Arc<Float>),
    /// A complex number: two integers, fractions or floats.
    Complex(Arc<(Constant, Constant)>),
}

/// A constant string; a concatenation is put together only when its bytes are asked for.
#[derive(Clone)]
pub struct StringConstant(Arc<StringNode>);

struct StringNode {
    length: usize,
    /// The bytes, once they are there; from the beginning if there are no parts.
    bytes: OnceLock<Arc<[u8]>>,
    parts: Option<(StringConstant, StringConstant)>,
}

impl StringConstant {
    /// The constant with these bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> StringConstant {
        let node = StringNode {
            length: bytes.len(),
            bytes: OnceLock::from(Arc::from(bytes)),
            parts: None,
        };
        StringConstant(Arc::new(node))
    }

    fn concatenate(left: &StringConstant, right: &StringConstant) -> StringConstant {
        let parts = Some((left.clone(), right.clone()));
        StringConstant(Arc::new(StringNode {
            length: left.len().saturating_add(right.len()),
            bytes: OnceLock::new(),
            parts,
        }))
    }

    /// The number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.length
    }

    /// Is it `""`?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.length == 0
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> Arc<[u8]> {
        let flatten = || {
            let mut bytes = Vec::with_capacity(self.0.length);
            let mut work = vec![self];
            while let Some(part) = work.pop() {
                match (part.0.bytes.get(), &part.0.parts) {
                    (Some(known), _) => bytes.extend_from_slice(known),
                    (None, Some((left, right))) => work.extend([right, left]),
                    (None, None) => {}
                }
            }
            Arc::from(bytes)
        };
        Arc::clone(self.0.bytes.get_or_init(flatten))
    }
}

impl std::fmt::Debug for StringConstant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.bytes()))
    }
}

/// What kind of value a constant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstantKind {
    /// `Unknown`
    Unknown,
    /// `Bool`
    Bool,
    /// `String`
    String,
    /// `Int`, `Big`
    Int,
    /// `Rational`, `Float`
    Float,
    /// `Complex`
    Complex,
}

fn float_of_int(value: &IBig) -> Float {
    Float::from_parts(value.clone(), 0)
        .with_precision(PRECISION)
        .value()
}

fn float_of_ratio(value: &RBig) -> Float {
    let numerator = float_of_int(value.numerator());
    let denominator = float_of_int(&IBig::from(value.denominator().clone()));
    (numerator / denominator).with_precision(PRECISION).value()
}

/// The exponent of a float, so that it lies in [2^(e-1), 2^e).
fn float_exponent(value: &Float) -> i64 {
    let repr = value.repr();
    let bits = repr.significand().bit_len() as i64;
    bits.saturating_add(repr.exponent() as i64)
}

fn is_small_float(value: &Float) -> bool {
    float_exponent(value).unsigned_abs() < MAX_FRACTION_BITS as u64
}

impl Constant {
    /// An integer of any size.
    #[must_use]
    pub fn from_integer(value: IBig) -> Constant {
        match i64::try_from(&value) {
            Ok(small) => Constant::Int(small),
            Err(_) => Constant::Big(Arc::new(value)),
        }
    }

    fn from_ratio(value: RBig) -> Constant {
        let small = |bits: usize| bits < MAX_FRACTION_BITS;
        if small(value.numerator().bit_len()) && small(value.denominator().bit_len()) {
            Constant::Rational(Arc::new(value))
        } else {
            Constant::from_float(float_of_ratio(&value))
        }
    }

    fn from_float(value: Float) -> Constant {
        // Go's floats have 32-bit exponents; beyond is infinity, which is no constant, or zero.
        let exponent = float_exponent(&value);
        if value.repr().is_infinite() || exponent > i64::from(i32::MAX) {
            return Constant::Unknown;
        }
        if value.repr().significand().is_zero() || exponent < i64::from(i32::MIN) {
            return Constant::Float(Arc::new(Float::ZERO.with_precision(PRECISION).value()));
        }
        Constant::Float(Arc::new(value))
    }

    /// A string.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Constant {
        Constant::String(StringConstant::new(bytes))
    }

    /// A finite double; what is not finite is unknown. The sign of zero is lost, constants have none.
    #[must_use]
    pub fn from_f64(value: f64) -> Constant {
        if !value.is_finite() {
            return Constant::Unknown;
        }
        match RBig::try_from(value) {
            Ok(ratio) => Constant::Rational(Arc::new(ratio)),
            Err(_) => Constant::Unknown,
        }
    }

    /// The value of an integer literal as written; `Unknown` if it is malformed.
    #[must_use]
    pub fn from_integer_literal(text: &str) -> Constant {
        let digits: String = text.chars().filter(|c| *c != '_').collect();
        let lower = digits.to_ascii_lowercase();
        let (radix, rest) = match lower.as_bytes() {
            [b'0', b'x', ..] => (16, &lower[2..]),
            [b'0', b'o', ..] => (8, &lower[2..]),
            [b'0', b'b', ..] => (2, &lower[2..]),
            [b'0', _, ..] => (8, &lower[1..]),
            _ => (10, &lower[..]),
        };
        if let Ok(small) = i64::from_str_radix(rest, radix) {
            return Constant::Int(small);
        }
        IBig::from_str_radix(rest, radix).map_or(Constant::Unknown, Constant::from_integer)
    }

    /// The value of a floating-point literal as written; `Unknown` if it is malformed or out of all bounds.
    #[must_use]
    pub fn from_float_literal(text: &str) -> Constant {
        let lower: String = text
            .chars()
            .filter(|c| *c != '_')
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let (radix, rest, mark) = match lower.strip_prefix("0x") {
            Some(rest) => (16, rest, 'p'),
            None => (10, &lower[..], 'e'),
        };
        let (mantissa, exponent) = match rest.split_once(mark) {
            Some((mantissa, exponent)) => {
                // An exponent that does not fit is beyond all bounds, on the side of its sign.
                let overflow = if exponent.starts_with('-') {
                    i64::MIN / 4
                } else {
                    i64::MAX / 4
                };
                (mantissa, exponent.parse::<i64>().unwrap_or(overflow))
            }
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, fraction].concat();
        let Ok(value) = IBig::from_str_radix(if digits.is_empty() { "0" } else { &digits }, radix)
        else {
            return Constant::Unknown;
        };
        if value.is_zero() {
            return Constant::Rational(Arc::new(RBig::ZERO));
        }
        let bits_a_digit = if radix == 16 {
            1.0
        } else {
            std::f64::consts::LOG2_10
        };
        let scale =
            exponent.saturating_sub(fraction.len() as i64 * if radix == 16 { 4 } else { 1 });
        let magnitude = value.bit_len() as f64 + scale as f64 * bits_a_digit;
        if magnitude > f64::from(i32::MAX) {
            return Constant::Unknown;
        }
        if magnitude < f64::from(i32::MIN) {
            return Constant::Rational(Arc::new(RBig::ZERO));
        }
        let base = if radix == 16 { 2u8 } else { 10u8 };
        if magnitude.abs() < MAX_FRACTION_BITS as f64 && scale.unsigned_abs() < (1 << 20) {
            let power = UBig::from(base).pow(scale.unsigned_abs() as usize);
            let ratio = if scale >= 0 {
                RBig::from(value * IBig::from(power))
            } else {
                RBig::from_parts(value, power)
            };
            return Constant::Rational(Arc::new(ratio));
        }
        let guard = PRECISION + 64;
        let mantissa = Float::from_parts(value, 0).with_precision(guard).value();
        let base = Float::from_parts(IBig::from(base), 0)
            .with_precision(guard)
            .value();
        let power = base.powi(IBig::from(scale.unsigned_abs()));
        let value = if scale >= 0 {
            mantissa * power
        } else {
            mantissa / power
        };
        Constant::from_float(value.with_precision(PRECISION).value())
    }

    /// The value of an imaginary literal as written; `Unknown` if it is malformed.
    ///
    /// GO: a leading zero makes no octal number here, `010i` is `10i`.
    #[must_use]
    pub fn from_imaginary_literal(text: &str) -> Constant {
        let digits = text.strip_suffix('i').unwrap_or(text);
        let lower = digits.to_ascii_lowercase();
        let integer = matches!(lower.as_bytes(), [b'0', b'x' | b'o' | b'b', ..])
            && !lower.contains(['.', 'p']);
        let imaginary = if integer {
            Constant::from_integer_literal(digits)
        } else {
            Constant::from_float_literal(digits)
        };
        Constant::complex(Constant::Int(0), imaginary)
    }

    /// `real + imaginary*i` of two real numbers; `Unknown` if one of them is none.
    #[must_use]
    pub fn complex(real: Constant, imaginary: Constant) -> Constant {
        let is_real =
            |part: &Constant| matches!(part.kind(), ConstantKind::Int | ConstantKind::Float);
        if is_real(&real) && is_real(&imaginary) {
            Constant::Complex(Arc::new((real, imaginary)))
        } else {
            Constant::Unknown
        }
    }

    /// The same number as a complex one, `Unknown` for what is no number.
    #[must_use]
    pub fn to_complex(&self) -> Constant {
        match self {
            Constant::Complex(_) => self.clone(),
            _ => Constant::complex(self.clone(), Constant::Int(0)),
        }
    }

    /// The real part of a number.
    #[must_use]
    pub fn real(&self) -> Constant {
        match self {
            Constant::Complex(parts) => parts.0.clone(),
            Constant::Bool(_) | Constant::String(_) => Constant::Unknown,
            _ => self.clone(),
        }
    }

    /// The imaginary part of a number.
    #[must_use]
    pub fn imaginary(&self) -> Constant {
        match self {
            Constant::Complex(parts) => parts.1.clone(),
            Constant::Unknown | Constant::Bool(_) | Constant::String(_) => Constant::Unknown,
            _ => Constant::Int(0),
        }
    }

    /// What kind of value it is.
    #[must_use]
    pub fn kind(&self) -> ConstantKind {
        match self {
            Constant::Unknown => ConstantKind::Unknown,
            Constant::Bool(_) => ConstantKind::Bool,
            Constant::String(_) => ConstantKind::String,
            Constant::Int(_) | Constant::Big(_) => ConstantKind::Int,
            Constant::Rational(_) | Constant::Float(_) => ConstantKind::Float,
            Constant::Complex(_) => ConstantKind::Complex,
        }
    }

    /// Was something wrong?
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Constant::Unknown)
    }

    /// The boolean; false for anything else.
    #[must_use]
    pub fn as_bool(&self) -> bool {
        matches!(self, Constant::Bool(true))
    }

    /// The bytes of a string; `None` for anything else.
    #[must_use]
    pub fn as_bytes(&self) -> Option<Arc<[u8]>> {
        match self {
            Constant::String(string) => Some(string.bytes()),
            _ => None,
        }
    }

    /// The value, if it is an integer (of integer kind) of 64 bits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Constant::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The value, if it is an integer (of integer kind) of 64 bits without sign.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Constant::Int(value) => u64::try_from(*value).ok(),
            Constant::Big(value) => u64::try_from(value.as_ref()).ok(),
            _ => None,
        }
    }

    /// The nearest double of a number (of a complex one, of its real part), infinite if it is too large; 0 for what is no number.
    #[must_use]
    pub fn as_f64(&self) -> f64 {
        match self {
            Constant::Int(value) => *value as f64,
            Constant::Big(value) => value.to_f64().value(),
            Constant::Rational(value) => value.to_f64().value(),
            Constant::Float(value) => value.to_f64().value(),
            Constant::Complex(parts) => parts.0.as_f64(),
            Constant::Unknown | Constant::Bool(_) | Constant::String(_) => 0.0,
        }
    }

    /// The nearest float of a number (of a complex one, of its real part), infinite if it is too large; 0 for what is no number.
    #[must_use]
    pub fn as_f32(&self) -> f32 {
        match self {
            Constant::Int(value) => *value as f32,
            Constant::Big(value) => value.to_f32().value(),
            Constant::Rational(value) => value.to_f32().value(),
            Constant::Float(value) => value.to_f32().value(),
            Constant::Complex(parts) => parts.0.as_f32(),
            Constant::Unknown | Constant::Bool(_) | Constant::String(_) => 0.0,
        }
    }

    /// -1, 0 or 1; 1 for `Unknown`, so that it is no division by zero. Of a complex number, whether it is other than 0.
    #[must_use]
    pub fn sign(&self) -> i32 {
        let sign = |negative: bool, zero: bool| {
            if zero {
                0
            } else if negative {
                -1
            } else {
                1
            }
        };
        match self {
            Constant::Int(value) => value.signum() as i32,
            Constant::Big(value) => sign(**value < IBig::ZERO, value.is_zero()),
            Constant::Rational(value) => sign(*value.numerator() < IBig::ZERO, value.is_zero()),
            Constant::Float(value) => {
                let significand = value.repr().significand();
                sign(*significand < IBig::ZERO, significand.is_zero())
            }
            Constant::Complex(parts) => parts.0.sign() | parts.1.sign(),
            Constant::Unknown | Constant::Bool(_) | Constant::String(_) => 1,
        }
    }

    /// The number of bits of an integer's magnitude; 0 for anything else.
    #[must_use]
    pub fn bit_length(&self) -> usize {
        match self {
            Constant::Int(value) => 64 - value.unsigned_abs().leading_zeros() as usize,
            Constant::Big(value) => value.bit_len(),
            _ => 0,
        }
    }

    /// The same number as an integer, `Unknown` if it is none.
    #[must_use]
    pub fn to_int(&self) -> Constant {
        match self {
            Constant::Int(_) | Constant::Big(_) => self.clone(),
            Constant::Rational(value) if value.is_int() => {
                Constant::from_integer(value.numerator().clone())
            }
            Constant::Float(value) if is_small_float(value) => {
                let whole = |value: &Float| value.repr().is_int();
                if whole(value) {
                    return Constant::from_integer(value.to_int().value());
                }
                // A value that rounds to a whole number with a few bits less is taken for it:
                // the rest is the rounding of earlier computations.
                let delta = 4;
                let down = (**value)
                    .clone()
                    .with_rounding::<Zero>()
                    .with_precision(PRECISION - delta)
                    .value();
                if down.repr().is_int() {
                    return Constant::from_integer(down.to_int().value());
                }
                let up = (**value)
                    .clone()
                    .with_rounding::<Away>()
                    .with_precision(PRECISION - delta)
                    .value();
                if up.repr().is_int() {
                    return Constant::from_integer(up.to_int().value());
                }
                Constant::Unknown
            }
            Constant::Complex(parts) if parts.1.sign() == 0 => parts.0.to_int(),
            _ => Constant::Unknown,
        }
    }

    /// The same number as a float, `Unknown` for what is no number.
    #[must_use]
    pub fn to_float(&self) -> Constant {
        match self {
            Constant::Int(value) => Constant::Rational(Arc::new(RBig::from(*value))),
            Constant::Big(value) if value.bit_len() < MAX_FRACTION_BITS => {
                Constant::Rational(Arc::new(RBig::from((**value).clone())))
            }
            Constant::Big(value) => Constant::Float(Arc::new(float_of_int(value))),
            Constant::Rational(_) | Constant::Float(_) => self.clone(),
            Constant::Complex(parts) if parts.1.sign() == 0 => parts.0.to_float(),
            Constant::Unknown | Constant::Bool(_) | Constant::String(_) | Constant::Complex(_) => {
                Constant::Unknown
            }
        }
    }

    fn big(&self) -> Option<IBig> {
        match self {
            Constant::Int(value) => Some(IBig::from(*value)),
            Constant::Big(value) => Some((**value).clone()),
            _ => None,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Constant::Unknown => 0,
            Constant::Bool(_) | Constant::String(_) => 1,
            Constant::Int(_) => 2,
            Constant::Big(_) => 3,
            Constant::Rational(_) => 4,
            Constant::Float(_) => 5,
            Constant::Complex(_) => 6,
        }
    }

    /// The same number in the representation with the rank, which must not be lower than its own.
    fn raised(&self, rank: u8) -> Constant {
        match (self, rank) {
            (Constant::Int(value), 3) => Constant::Big(Arc::new(IBig::from(*value))),
            (Constant::Int(value), 4) => Constant::Rational(Arc::new(RBig::from(*value))),
            (Constant::Int(value), 5) => {
                Constant::Float(Arc::new(float_of_int(&IBig::from(*value))))
            }
            (Constant::Big(value), 4) => {
                Constant::Rational(Arc::new(RBig::from((**value).clone())))
            }
            (Constant::Big(value), 5) => Constant::Float(Arc::new(float_of_int(value))),
            (
                Constant::Int(_) | Constant::Big(_) | Constant::Rational(_) | Constant::Float(_),
                6,
            ) => self.to_complex(),
            (Constant::Rational(value), 5) => Constant::Float(Arc::new(float_of_ratio(value))),
            _ => self.clone(),
        }
    }

    /// `-x`
    #[must_use]
    pub fn negate(&self) -> Constant {
        match self {
            Constant::Int(value) => match value.checked_neg() {
                Some(negated) => Constant::Int(negated),
                None => Constant::from_integer(-IBig::from(*value)),
            },
            Constant::Big(value) => Constant::from_integer(-(**value).clone()),
            Constant::Rational(value) => Constant::from_ratio(-(**value).clone()),
            Constant::Float(value) => Constant::from_float(-(**value).clone()),
            Constant::Complex(parts) => Constant::complex(parts.0.negate(), parts.1.negate()),
            _ => Constant::Unknown,
        }
    }

    /// `^x`; for an unsigned type its size in bits says which bits there are.
    #[must_use]
    pub fn complement(&self, unsigned_bits: Option<u32>) -> Constant {
        let Some(value) = self.big() else {
            return Constant::Unknown;
        };
        let complement = !value;
        match unsigned_bits {
            None => Constant::from_integer(complement),
            Some(bits) => {
                let mask = (IBig::ONE << bits as usize) - IBig::ONE;
                Constant::from_integer(complement & mask)
            }
        }
    }

    /// `!x`
    #[must_use]
    pub fn not(&self) -> Constant {
        match self {
            Constant::Bool(value) => Constant::Bool(!value),
            _ => Constant::Unknown,
        }
    }

    /// `x op y` for what is neither comparison nor shift. `integer_division` makes `/` the integers' one. The divisor must not be zero.
    /// What has no such operation gives `Unknown`.
    #[must_use]
    pub fn binary(&self, op: BinaryOperator, other: &Constant, integer_division: bool) -> Constant {
        use BinaryOperator::{
            Add, And, AndNot, Divide, LogicalAnd, LogicalOr, Multiply, Or, Remainder, Subtract, Xor,
        };
        let rank = self.rank().max(other.rank());
        if self.is_unknown() || other.is_unknown() {
            return Constant::Unknown;
        }
        if matches!(op, Divide | Remainder) && other.sign() == 0 {
            return Constant::Unknown;
        }
        match (self.raised(rank), other.raised(rank)) {
            (Constant::Bool(x), Constant::Bool(y)) => match op {
                LogicalAnd => Constant::Bool(x && y),
                LogicalOr => Constant::Bool(x || y),
                _ => Constant::Unknown,
            },
            (Constant::String(x), Constant::String(y)) => match op {
                Add if x.is_empty() => Constant::String(y),
                Add if y.is_empty() => Constant::String(x),
                Add => Constant::String(StringConstant::concatenate(&x, &y)),
                _ => Constant::Unknown,
            },
            (Constant::Int(x), Constant::Int(y)) => {
                let small = match op {
                    Add => x.checked_add(y),
                    Subtract => x.checked_sub(y),
                    Multiply => x.checked_mul(y),
                    Divide if integer_division => x.checked_div(y),
                    Divide => {
                        return Constant::from_ratio(RBig::from_parts_signed(
                            IBig::from(x),
                            IBig::from(y),
                        ));
                    }
                    Remainder => Some(x.wrapping_rem(y)),
                    And => Some(x & y),
                    Or => Some(x | y),
                    Xor => Some(x ^ y),
                    AndNot => Some(x & !y),
                    _ => return Constant::Unknown,
                };
                match small {
                    Some(value) => Constant::Int(value),
                    None => {
                        Constant::integers(op, &IBig::from(x), &IBig::from(y), integer_division)
                    }
                }
            }
            (Constant::Big(x), Constant::Big(y)) => {
                Constant::integers(op, &x, &y, integer_division)
            }
            (Constant::Rational(x), Constant::Rational(y)) => match op {
                Add => Constant::from_ratio(&*x + &*y),
                Subtract => Constant::from_ratio(&*x - &*y),
                Multiply => Constant::from_ratio(&*x * &*y),
                Divide => Constant::from_ratio(&*x / &*y),
                _ => Constant::Unknown,
            },
            (Constant::Float(x), Constant::Float(y)) => match op {
                Add => Constant::from_float(&*x + &*y),
                Subtract => Constant::from_float(&*x - &*y),
                Multiply => Constant::from_float(&*x * &*y),
                Divide => Constant::from_float(&*x / &*y),
                _ => Constant::Unknown,
            },
            (Constant::Complex(x), Constant::Complex(y)) => Constant::complexes(op, &x, &y),
            _ => Constant::Unknown,
        }
    }

    fn complexes(
        op: BinaryOperator,
        x: &(Constant, Constant),
        y: &(Constant, Constant),
    ) -> Constant {
        use BinaryOperator::{Add, Divide, Multiply, Subtract};
        let add = |a: &Constant, b: &Constant| a.binary(Add, b, false);
        let subtract = |a: &Constant, b: &Constant| a.binary(Subtract, b, false);
        let multiply = |a: &Constant, b: &Constant| a.binary(Multiply, b, false);
        let ((a, b), (c, d)) = (x, y);
        match op {
            Add => Constant::complex(add(a, c), add(b, d)),
            Subtract => Constant::complex(subtract(a, c), subtract(b, d)),
            Multiply => Constant::complex(
                subtract(&multiply(a, c), &multiply(b, d)),
                add(&multiply(b, c), &multiply(a, d)),
            ),
            Divide => {
                let square = add(&multiply(c, c), &multiply(d, d));
                let over = |part: Constant| part.binary(Divide, &square, false);
                Constant::complex(
                    over(add(&multiply(a, c), &multiply(b, d))),
                    over(subtract(&multiply(b, c), &multiply(a, d))),
                )
            }
            _ => Constant::Unknown,
        }
    }

    fn integers(op: BinaryOperator, x: &IBig, y: &IBig, integer_division: bool) -> Constant {
        use BinaryOperator::{Add, And, AndNot, Divide, Multiply, Or, Remainder, Subtract, Xor};
        Constant::from_integer(match op {
            Add => x + y,
            Subtract => x - y,
            Multiply => x * y,
            Divide if integer_division => x / y,
            Divide => return Constant::from_ratio(RBig::from_parts_signed(x.clone(), y.clone())),
            Remainder => x % y,
            And => x & y,
            Or => x | y,
            Xor => x ^ y,
            AndNot => x & !y,
            _ => return Constant::Unknown,
        })
    }

    /// `x << count` or `x >> count` of an integer.
    #[must_use]
    pub fn shift(&self, left: bool, count: usize) -> Constant {
        match self {
            Constant::Int(value) if !left => Constant::Int(value >> count.min(63)),
            Constant::Int(_) | Constant::Big(_) => match self.big() {
                Some(value) if left => Constant::from_integer(value << count),
                Some(value) => Constant::from_integer(value >> count),
                None => Constant::Unknown,
            },
            _ => Constant::Unknown,
        }
    }

    /// How two values are ordered; booleans and complex numbers have only equality. `None` if they cannot be compared.
    #[must_use]
    pub fn compare(&self, other: &Constant) -> Option<Ordering> {
        let rank = self.rank().max(other.rank());
        match (self.raised(rank), other.raised(rank)) {
            (Constant::Bool(x), Constant::Bool(y)) => Some(x.cmp(&y)),
            (Constant::String(x), Constant::String(y)) => Some(x.bytes().cmp(&y.bytes())),
            (Constant::Int(x), Constant::Int(y)) => Some(x.cmp(&y)),
            (Constant::Big(x), Constant::Big(y)) => Some(x.cmp(&y)),
            (Constant::Rational(x), Constant::Rational(y)) => Some(x.cmp(&y)),
            (Constant::Float(x), Constant::Float(y)) => x.partial_cmp(&y),
            (Constant::Complex(x), Constant::Complex(y)) => {
                Some(x.0.compare(&y.0)?.then(x.1.compare(&y.1)?))
            }
            _ => None,
        }
    }

    /// Rounded to the nearest `float32`; `None` if that is infinite.
    #[must_use]
    pub fn round_to_f32(&self) -> Option<Constant> {
        let rounded = self.as_f32();
        rounded
            .is_finite()
            .then(|| Constant::from_f64(f64::from(rounded)))
    }

    /// Rounded to the nearest `float64`; `None` if that is infinite.
    #[must_use]
    pub fn round_to_f64(&self) -> Option<Constant> {
        let rounded = self.as_f64();
        rounded.is_finite().then(|| Constant::from_f64(rounded))
    }
}

/// A number with at most six digits, or as many as it needs, as `%.6g` and `%g` print it.
fn format_g(value: f64, digits: Option<usize>) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let text = match digits {
        Some(digits) => format!("{:.*e}", digits - 1, value),
        None => format!("{value:e}"),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa
        .strip_prefix('-')
        .map_or(("", mantissa), |rest| ("-", rest));
    let all: String = mantissa.chars().filter(|c| *c != '.').collect();
    let mut significant = all.trim_end_matches('0');
    if significant.is_empty() {
        significant = "0";
    }
    let limit = match digits {
        Some(digits) => digits as i32,
        // GO: strconv's %e is used for shortest formatting when the exponent is >= 21.
        None => 21,
    };
    if exponent < -4 || exponent >= limit {
        let (first, rest) = significant.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        return format!(
            "{sign}{first}{point}{rest}e{exponent_sign}{:02}",
            exponent.abs()
        );
    }
    if exponent < 0 {
        return format!(
            "{sign}0.{}{significant}",
            "0".repeat((-exponent - 1) as usize)
        );
    }
    let whole_digits = exponent as usize + 1;
    if significant.len() <= whole_digits {
        return format!(
            "{sign}{significant}{}",
            "0".repeat(whole_digits - significant.len())
        );
    }
    let (whole, fraction) = significant.split_at(whole_digits);
    format!("{sign}{whole}.{fraction}")
}

/// A string in double quotes as `strconv.Quote` writes it.
#[must_use]
pub(crate) fn quote(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\x07' => out.push_str("\\a"),
                '\x08' => out.push_str("\\b"),
                '\x0c' => out.push_str("\\f"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\x0b' => out.push_str("\\v"),
                c if (c as u32) < 0x20 || c == '\x7f' => {
                    let _ = write!(out, "\\x{:02x}", c as u32);
                }
                c if c.is_control() => {
                    let _ = write!(out, "\\u{:04x}", c as u32);
                }
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('"');
    out
}

/// As Go's messages show a value: strings quoted and cut, floats with six digits.
impl std::fmt::Display for Constant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Constant::Unknown => f.write_str("unknown"),
            Constant::Bool(value) => write!(f, "{value}"),
            Constant::String(string) => {
                const LONGEST: usize = 72;
                let quoted = quote(&string.bytes());
                if quoted.chars().count() > LONGEST {
                    let cut: String = quoted.chars().take(LONGEST - 3).collect();
                    return write!(f, "{cut}...");
                }
                f.write_str(&quoted)
            }
            Constant::Int(value) => write!(f, "{value}"),
            Constant::Big(value) => write!(f, "{value}"),
            Constant::Rational(value) => format_float(&float_of_ratio(value), f),
            Constant::Float(value) => format_float(value, f),
            Constant::Complex(parts) => write!(f, "({} + {}i)", parts.0, parts.1),
        }
    }
}

fn format_float(value: &Float, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    let zero = value.repr().significand().is_zero();
    let double = value.to_f64().value();
    if double.is_finite() && zero == (double == 0.0) {
        let text = format_g(double, Some(6));
        if !value.repr().is_int() && !text.contains('.') {
            return f.write_str(&format_g(double, None));
        }
        return f.write_str(&text);
    }
    // Beyond doubles: an approximation from mantissa and exponent.
    let exponent = float_exponent(value);
    let mantissa = (value.clone() >> (exponent as isize)).to_f64().value();
    let decimal = exponent as f64 * std::f64::consts::LOG10_2;
    let mut e = decimal.trunc() as i64;
    let mut m = mantissa * 10f64.powf(decimal - e as f64);
    if m.abs() < 1.0 - 0.5e-6 {
        m *= 10.0;
        e -= 1;
    } else if m.abs() >= 10.0 {
        m /= 10.0;
        e += 1;
    }
    write!(f, "{}e{e:+}", format_g(m, Some(6)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_print_as_go_prints_them() {
        for (text, want) in [
            ("1.5", "1.5"),
            ("1e100", "1e+100"),
            ("0.1", "0.1"),
            ("1e1000", "1e+1000"),
            ("1e-5", "1e-05"),
            ("123456789.0", "1.23457e+08"),
            ("0x1p-2", "0.25"),
            ("1e-400", "1e-400"),
            ("1_0.5", "10.5"),
        ] {
            assert_eq!(
                Constant::from_float_literal(text).to_string(),
                want,
                "{text}"
            );
        }
        for (text, want) in [
            ("0x_ff", "255"),
            ("0755", "493"),
            ("0b11", "3"),
            ("0o17", "15"),
            ("18446744073709551616", "18446744073709551616"),
        ] {
            assert_eq!(
                Constant::from_integer_literal(text).to_string(),
                want,
                "{text}"
            );
        }
    }

    #[test]
    fn arithmetic_is_exact() {
        let one = Constant::Int(1);
        let big = one.shift(true, 100);
        assert_eq!(big.shift(false, 98).as_i64(), Some(4));
        let third = one.binary(BinaryOperator::Divide, &Constant::Int(3).to_float(), false);
        let sum = third.binary(BinaryOperator::Multiply, &Constant::Int(3), false);
        assert_eq!(sum.to_int().as_i64(), Some(1));
        assert_eq!(
            Constant::Int(i64::MIN).negate().to_string(),
            "9223372036854775808"
        );
        assert_eq!(Constant::Int(5).complement(Some(8)).as_i64(), Some(250));
        assert_eq!(
            Constant::Int(-7)
                .binary(BinaryOperator::Divide, &Constant::Int(2), true)
                .as_i64(),
            Some(-3)
        );
        assert_eq!(
            Constant::Int(-7)
                .binary(BinaryOperator::Remainder, &Constant::Int(2), true)
                .as_i64(),
            Some(-1)
        );
    }

    #[test]
    fn concatenation_keeps_order() {
        let mut all = Constant::from_bytes(b"");
        for part in ["a", "b", "c", "d"] {
            all = all.binary(
                BinaryOperator::Add,
                &Constant::from_bytes(part.as_bytes()),
                false,
            );
        }
        assert_eq!(all.as_bytes().as_deref(), Some(&b"abcd"[..]));
    }
}
