//! Natives of package math.

pub mod bessel;
pub mod big;
pub mod bits;
pub mod elementary;
pub mod rand;

use bessel as b;
use elementary as e;
use vm::natives;

/// The NaN that Go's library returns, bit for bit. GO: math/bits.go `uvnan`.
pub const NAN: f64 = f64::from_bits(0x7FF8_0000_0000_0001);

fn abs(x: f64) -> f64 {
    x.abs()
}

fn ceil(x: f64) -> f64 {
    x.ceil()
}

fn floor(x: f64) -> f64 {
    x.floor()
}

fn trunc(x: f64) -> f64 {
    x.trunc()
}

fn round(x: f64) -> f64 {
    x.round()
}

fn round_to_even(x: f64) -> f64 {
    x.round_ties_even()
}

fn sqrt(x: f64) -> f64 {
    x.sqrt()
}

fn logb(x: f64) -> f64 {
    if x == 0.0 {
        f64::NEG_INFINITY
    } else if x.is_infinite() {
        f64::INFINITY
    } else if x.is_nan() {
        x
    } else {
        (e::frexp(x).1 - 1) as f64
    }
}

fn ilogb(x: f64) -> i64 {
    if x == 0.0 {
        i64::from(i32::MIN)
    } else if !x.is_finite() {
        i64::from(i32::MAX)
    } else {
        e::frexp(x).1 - 1
    }
}

fn copysign(x: f64, sign: f64) -> f64 {
    x.copysign(sign)
}

fn dim(x: f64, y: f64) -> f64 {
    let v = x - y;
    if v <= 0.0 { 0.0 } else { v }
}

fn max(x: f64, y: f64) -> f64 {
    if x == f64::INFINITY || y == f64::INFINITY {
        f64::INFINITY
    } else if x.is_nan() || y.is_nan() {
        NAN
    } else if x == 0.0 && y == 0.0 {
        if x.is_sign_negative() { y } else { x }
    } else if x > y {
        x
    } else {
        y
    }
}

fn min(x: f64, y: f64) -> f64 {
    if x == f64::NEG_INFINITY || y == f64::NEG_INFINITY {
        f64::NEG_INFINITY
    } else if x.is_nan() || y.is_nan() {
        NAN
    } else if x == 0.0 && y == 0.0 {
        if x.is_sign_negative() { x } else { y }
    } else if x < y {
        x
    } else {
        y
    }
}

fn modulo(x: f64, y: f64) -> f64 {
    x % y
}

/// IEEE 754's remainder: `x - n*y` with n the nearest integer to x/y, the even one of two.
fn remainder(x: f64, y: f64) -> f64 {
    if x.is_nan() || y.is_nan() || x.is_infinite() || y == 0.0 {
        return NAN;
    }
    if y.is_infinite() {
        return x;
    }
    let negative = x.is_sign_negative();
    let (mut x, y) = (x.abs(), y.abs());
    if x == y {
        return if negative { -0.0 } else { 0.0 };
    }
    if y <= f64::MAX / 2.0 {
        x %= y + y;
    }
    if y < 2.0 * f64::MIN_POSITIVE {
        if x + x > y {
            x -= y;
            if x + x >= y {
                x -= y;
            }
        }
    } else {
        let half = 0.5 * y;
        if x > half {
            x -= y;
            if x >= half {
                x -= y;
            }
        }
    }
    if negative { -x } else { x }
}

fn nextafter(x: f64, y: f64) -> f64 {
    if x.is_nan() || y.is_nan() {
        NAN
    } else if x == y {
        x
    } else if x == 0.0 {
        f64::from_bits(1).copysign(y)
    } else if (y > x) == (x > 0.0) {
        f64::from_bits(x.to_bits() + 1)
    } else {
        f64::from_bits(x.to_bits() - 1)
    }
}

fn nextafter32(x: f32, y: f32) -> f32 {
    if x.is_nan() || y.is_nan() {
        f32::NAN
    } else if x == y {
        x
    } else if x == 0.0 {
        f32::from_bits(1).copysign(y)
    } else if (y > x) == (x > 0.0) {
        f32::from_bits(x.to_bits() + 1)
    } else {
        f32::from_bits(x.to_bits() - 1)
    }
}

fn fma(x: f64, y: f64, z: f64) -> f64 {
    x.mul_add(y, z)
}

fn bits32(x: f32) -> u32 {
    x.to_bits()
}

fn from_bits32(bits: u32) -> f32 {
    f32::from_bits(bits)
}

fn bits64(x: f64) -> u64 {
    x.to_bits()
}

fn from_bits64(bits: u64) -> f64 {
    f64::from_bits(bits)
}

fn sincos(x: f64) -> (f64, f64) {
    (e::sin(x), e::cos(x))
}

/// By two exact or nearly exact factors, as Go has it: the result is not always the nearest number.
fn pow10(exponent: i64) -> f64 {
    let power = |exponent: i64| format!("1e{exponent}").parse::<f64>().unwrap_or(NAN);
    match exponent {
        ..-323 => 0.0,
        -323..0 => power(exponent / 32 * 32) / power(-exponent % 32),
        0..=308 => power(exponent / 32 * 32) * power(exponent % 32),
        _ => f64::INFINITY,
    }
}

natives! {
    pure "Abs" => abs;
    pure "Acos" => e::acos;
    pure "Acosh" => e::acosh;
    pure "Asin" => e::asin;
    pure "Asinh" => e::asinh;
    pure "Atan" => e::atan;
    pure "Atan2" => e::atan2;
    pure "Atanh" => e::atanh;
    pure "Cbrt" => e::cbrt;
    pure "Ceil" => ceil;
    pure "Copysign" => copysign;
    pure "Cos" => e::cos;
    pure "Cosh" => e::cosh;
    pure "Dim" => dim;
    pure "Erf" => e::erf;
    pure "Erfc" => e::erfc;
    pure "Erfcinv" => b::erfcinv;
    pure "Erfinv" => b::erfinv;
    pure "Exp" => e::exp;
    pure "Exp2" => e::exp2;
    pure "Expm1" => e::expm1;
    pure "FMA" => fma;
    pure "Float32bits" => bits32;
    pure "Float32frombits" => from_bits32;
    pure "Float64bits" => bits64;
    pure "Float64frombits" => from_bits64;
    pure "Floor" => floor;
    pure "Frexp" => e::frexp;
    pure "Gamma" => e::gamma;
    pure "Hypot" => e::hypot;
    pure "Ilogb" => ilogb;
    pure "J0" => b::j0;
    pure "J1" => b::j1;
    pure "Ldexp" => e::ldexp;
    pure "Lgamma" => e::lgamma;
    pure "Log" => e::log;
    pure "Log10" => e::log10;
    pure "Log1p" => e::log1p;
    pure "Log2" => e::log2;
    pure "Logb" => logb;
    pure "Max" => max;
    pure "Min" => min;
    pure "Mod" => modulo;
    pure "Modf" => e::modf;
    pure "Nextafter" => nextafter;
    pure "Nextafter32" => nextafter32;
    pure "Pow" => e::pow;
    pure "Pow10" => pow10;
    pure "Remainder" => remainder;
    pure "Round" => round;
    pure "RoundToEven" => round_to_even;
    pure "Sin" => e::sin;
    pure "Sincos" => sincos;
    pure "Sinh" => e::sinh;
    pure "Sqrt" => sqrt;
    pure "Tan" => e::tan;
    pure "Tanh" => e::tanh;
    pure "Trunc" => trunc;
    pure "Y0" => b::y0;
    pure "Y1" => b::y1;
}
