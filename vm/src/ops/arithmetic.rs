//! Arithmetic that is more than an operator.

use bytecode::Word;

use crate::running::{Next, Running};

/// # Safety
/// See [`super`].
#[cold]
#[inline(never)]
pub(crate) unsafe fn divide_by_zero(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    cx.runtime_error(ip, fp, "integer divide by zero")
}

/// # Safety
/// See [`super`].
#[cold]
#[inline(never)]
pub(crate) unsafe fn negative_shift(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    cx.runtime_error(ip, fp, "negative shift amount")
}

/// `min(a, b)`: NaN if either is, -0 below 0.
pub(crate) fn min_float(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == b {
        // Equal, or zeros of either sign: the sign bit decides.
        f64::from_bits(a.to_bits() | b.to_bits())
    } else if a < b {
        a
    } else {
        b
    }
}

/// `max(a, b)`: NaN if either is, 0 above -0.
pub(crate) fn max_float(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == b {
        f64::from_bits(a.to_bits() & b.to_bits())
    } else if a > b {
        a
    } else {
        b
    }
}

/// A complex number: real and imaginary part.
type Complex = (f64, f64);

/// `x * y`.
#[inline(always)]
pub(crate) fn mul_complex((a, b): Complex, (c, d): Complex) -> Complex {
    (a * c - b * d, a * d + b * c)
}

/// `x / y`. The larger part of the divisor is divided by, so that its square does not overflow (Smith, Algorithm 116); a
/// result that is NaN in both parts is mended where C99's annex G defines one.
///
/// GO: runtime `complex128div`.
pub(crate) fn div_complex((a, b): Complex, (c, d): Complex) -> Complex {
    let (real, imaginary) = if c.abs() >= d.abs() {
        let ratio = d / c;
        let divisor = c + ratio * d;
        ((a + b * ratio) / divisor, (b - a * ratio) / divisor)
    } else {
        let ratio = c / d;
        let divisor = d + ratio * c;
        ((a * ratio + b) / divisor, (b * ratio - a) / divisor)
    };
    if !real.is_nan() || !imaginary.is_nan() {
        return (real, imaginary);
    }
    let unit = |part: f64| f64::from(u8::from(part.is_infinite())).copysign(part);
    if c == 0.0 && d == 0.0 && (!a.is_nan() || !b.is_nan()) {
        let infinity = f64::INFINITY;
        return (infinity.copysign(c) * a, infinity.copysign(c) * b);
    }
    let (x_infinite, y_infinite) = (
        a.is_infinite() || b.is_infinite(),
        c.is_infinite() || d.is_infinite(),
    );
    let scaled = |scale: f64, (a, b): Complex, (c, d): Complex| {
        (scale * (a * c + b * d), scale * (b * c - a * d))
    };
    if x_infinite && c.is_finite() && d.is_finite() {
        return scaled(f64::INFINITY, (unit(a), unit(b)), (c, d));
    }
    if y_infinite && a.is_finite() && b.is_finite() {
        return scaled(0.0, (a, b), (unit(c), unit(d)));
    }
    (real, imaginary)
}

/// Truncates; out of range and NaN give the smallest int64, as `cvttsd2si` does.
#[inline(always)]
pub(crate) fn float_to_int(value: f64) -> i64 {
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value) {
        value as i64
    } else {
        i64::MIN
    }
}

/// Truncates; what no int32 holds gives the smallest one, as `cvttsd2sl` does. The result is sign-extended.
#[inline(always)]
pub(crate) fn float_to_int32(value: f64) -> i64 {
    if value > -2_147_483_649.0 && value < 2_147_483_648.0 {
        value as i64
    } else {
        i64::from(i32::MIN)
    }
}

/// Truncates; out of range as Go on amd64.
#[inline(always)]
pub(crate) fn float_to_uint(value: f64) -> u64 {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    if value < TWO_63 {
        float_to_int(value) as u64
    } else {
        float_to_int(value - TWO_63) as u64 | 1 << 63
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_out_of_range_are_those_of_amd64() {
        assert_eq!(float_to_uint(-1.0), u64::MAX);
        assert_eq!(float_to_uint(1e19), 10_000_000_000_000_000_000);
        assert_eq!(float_to_uint(1e30), 1 << 63);
        assert_eq!(float_to_uint(-1e30), 1 << 63);
        assert_eq!(float_to_uint(f64::NAN), 1 << 63);
        assert_eq!(float_to_int(1e30), i64::MIN);
        assert_eq!(float_to_int(-1.9), -1);
        assert_eq!(float_to_int32(-2_147_483_648.9), -(1 << 31));
        assert_eq!(float_to_int32(2_147_483_647.9), (1 << 31) - 1);
        assert_eq!(float_to_int32(2_147_483_648.0), -(1 << 31));
        assert_eq!(float_to_int32(f64::NAN), -(1 << 31));
    }

    #[test]
    fn zeros_have_an_order_in_min_and_max() {
        assert!(min_float(0.0, -0.0).is_sign_negative());
        assert!(max_float(-0.0, 0.0).is_sign_positive());
        assert!(min_float(f64::NAN, 1.0).is_nan());
    }
}
