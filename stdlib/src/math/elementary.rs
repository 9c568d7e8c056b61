//! Elementary functions that give Go's results to the last bit, which the host's library does not.
//!
//! What Go computes on amd64: exponential and logarithm after its assembly (the former with fused multiply-add), the others
//! after its portable code. That code goes back to two libraries, whose methods and coefficients are used here too:
//!
//! - FreeBSD's msun (expm1, log, log1p, cbrt, erf, lgamma). Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved.
//!   Developed at SunPro, a Sun Microsystems, Inc. business. Permission to use, copy, modify, and distribute this software is
//!   freely granted, provided that this notice is preserved.
//! - Cephes (sin, cos, tan, tanh, gamma). Copyright 1984 to 2000 by Stephen L. Moshier, free to use.
//!
//! Go's code is Copyright 2009 The Go Authors; see the file NOTICE.
//!
//! GO: math `exp_amd64.s`, `log_amd64.s`, `sin.go`, `pow.go` and their neighbours.
#![allow(
    clippy::excessive_precision,
    clippy::approx_constant,
    reason = "the coefficients as they were published"
)]

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, LN_2, LOG2_E, LOG10_E, PI};

const LN2_HI: f64 = 6.93147180369123816490e-01;
const LN2_LO: f64 = 1.90821492927058770002e-10;

/// Mantissa in [0.5, 1) and exponent.
pub fn frexp(x: f64) -> (f64, i64) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    let (x, shifted) = if x.abs() < f64::MIN_POSITIVE {
        (x * (1u64 << 52) as f64, -52)
    } else {
        (x, 0)
    };
    let bits = x.to_bits();
    let exponent = ((bits >> 52) & 0x7FF) as i64 - 1022 + shifted;
    (f64::from_bits(bits & !(0x7FF << 52) | 1022 << 52), exponent)
}

/// `fraction * 2^exponent`.
pub fn ldexp(fraction: f64, exponent: i64) -> f64 {
    if fraction == 0.0 || !fraction.is_finite() {
        return fraction;
    }
    let (fraction, shifted) = if fraction.abs() < f64::MIN_POSITIVE {
        (fraction * (1u64 << 52) as f64, -52)
    } else {
        (fraction, 0)
    };
    let bits = fraction.to_bits();
    let exponent = exponent
        .saturating_add(shifted)
        .saturating_add(((bits >> 52) & 0x7FF) as i64 - 1023);
    if exponent < -1075 {
        return 0f64.copysign(fraction);
    }
    if exponent > 1023 {
        return f64::INFINITY.copysign(fraction);
    }
    let (exponent, factor) = if exponent < -1022 {
        (exponent + 53, 1.0 / (1u64 << 53) as f64)
    } else {
        (exponent, 1.0)
    };
    factor * f64::from_bits(bits & !(0x7FF << 52) | ((exponent + 1023) as u64) << 52)
}

/// Whole part and fraction, both with the sign of `x`.
pub fn modf(x: f64) -> (f64, f64) {
    if x.is_infinite() {
        return (x, crate::math::NAN);
    }
    let whole = x.trunc();
    (whole, (x - whole).copysign(x))
}

pub fn exp(x: f64) -> f64 {
    const LN2U: f64 = 0.69314718055966295651160180568695068359375;
    const LN2L: f64 = 0.28235290563031577122588448175013436025525412068e-12;
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x == f64::NEG_INFINITY {
        return 0.0;
    }
    if x > 7.09782712893384e+02 {
        return f64::INFINITY;
    }
    // CVTSD2SL rounds half to even, and answers its smallest number when there is no room.
    let scaled = (x * 1.4426950408889634073599246810018920).round_ties_even();
    let exponent = if scaled.abs() < 2147483648.0 {
        scaled as i32
    } else {
        i32::MIN
    };
    let k = f64::from(exponent);
    let mut r = (-k).mul_add(LN2U, x);
    r = (-k).mul_add(LN2L, r);
    r *= 0.0625;
    let mut y = 2.4801587301587301587e-5f64;
    for coefficient in [
        1.9841269841269841270e-4,
        1.3888888888888888889e-3,
        8.3333333333333333333e-3,
        4.1666666666666666667e-2,
        1.6666666666666666667e-1,
        0.5,
        1.0,
    ] {
        y = y.mul_add(r, coefficient);
    }
    r *= y;
    // Four times exp(2a) - 1 = (exp(a) - 1) * (exp(a) + 1).
    for _ in 0..3 {
        r *= r + 2.0;
    }
    y = r + 2.0;
    r = r.mul_add(y, 1.0);
    let biased = exponent.wrapping_add(0x3FF);
    if biased <= 0 {
        if biased < -52 {
            return 0.0;
        }
        return r * f64::from_bits(((biased + 0x3FE) as u64) << 52) * f64::from_bits(1 << 52);
    }
    if biased >= 0x7FF {
        return f64::INFINITY;
    }
    r * f64::from_bits((biased as u64) << 52)
}

pub fn exp2(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x > 1.0239999999999999e+03 {
        return f64::INFINITY;
    }
    if x < -1.0740e+03 {
        return 0.0;
    }
    let k = if x > 0.0 {
        (x + 0.5) as i64
    } else if x < 0.0 {
        (x - 0.5) as i64
    } else {
        0
    };
    let t = x - k as f64;
    let (hi, lo) = (t * LN2_HI, -t * LN2_LO);
    let r = hi - lo;
    let t = r * r;
    let c = r - t
        * (1.66666666666666657415e-01
            + t * (-2.77777777770155933842e-03
                + t * (6.61375632143793436117e-05
                    + t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))));
    let y = 1.0 - ((lo - (r * c) / (2.0 - c)) - hi);
    ldexp(y, k)
}

pub fn expm1(x: f64) -> f64 {
    const LN2_HALF: f64 = 3.46573590279972654709e-01;
    if x == f64::INFINITY || x.is_nan() {
        return x;
    }
    if x == f64::NEG_INFINITY {
        return -1.0;
    }
    let magnitude = x.abs();
    let negative = x < 0.0;
    if magnitude >= 3.88162421113569373274e+01 {
        if negative {
            return -1.0;
        }
        if magnitude >= 7.09782712893383973096e+02 {
            return f64::INFINITY;
        }
    }
    let (mut x, mut c, mut k) = (x, 0.0, 0i64);
    if magnitude > LN2_HALF {
        let (hi, lo);
        if magnitude < 1.03972077083991796413e+00 {
            if negative {
                (hi, lo, k) = (x + LN2_HI, -LN2_LO, -1);
            } else {
                (hi, lo, k) = (x - LN2_HI, LN2_LO, 1);
            }
        } else {
            k = (1.44269504088896338700e+00 * x + if negative { -0.5 } else { 0.5 }) as i64;
            let t = k as f64;
            (hi, lo) = (x - t * LN2_HI, t * LN2_LO);
        }
        x = hi - lo;
        c = (hi - x) - lo;
    } else if magnitude < 1.0 / (1u64 << 54) as f64 {
        return x;
    }
    let hfx = 0.5 * x;
    let hxs = x * hfx;
    let r1 = 1.0
        + hxs
            * (-3.33333333333331316428e-02
                + hxs
                    * (1.58730158725481460165e-03
                        + hxs
                            * (-7.93650757867487942473e-05
                                + hxs
                                    * (4.00821782732936239552e-06
                                        + hxs * -2.01099218183624371326e-07))));
    let t = 3.0 - r1 * hfx;
    let mut e = hxs * ((r1 - t) / (6.0 - x * t));
    if k == 0 {
        return x - (x * e - hxs);
    }
    e = x * (e - c) - c;
    e -= hxs;
    let scaled = |y: f64| f64::from_bits(y.to_bits().wrapping_add((k as u64) << 52));
    match k {
        -1 => 0.5 * (x - e) - 0.5,
        1 if x < -0.25 => -2.0 * (e - (x + 0.5)),
        1 => 1.0 + 2.0 * (x - e),
        _ if k <= -2 || k > 56 => scaled(1.0 - (e - x)) - 1.0,
        _ if k < 20 => {
            let t = f64::from_bits(0x3FF0000000000000 - (0x20000000000000 >> k));
            scaled(t - (e - x))
        }
        _ => {
            let t = f64::from_bits(((0x3FF - k) as u64) << 52);
            scaled((x - (e + t)) + 1.0)
        }
    }
}

pub fn log(x: f64) -> f64 {
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x < 0.0 {
        return crate::math::NAN;
    }
    // As the assembly does it: subnormal numbers are not normalised first.
    let bits = x.to_bits();
    let mut f = f64::from_bits(bits & 0x000F_FFFF_FFFF_FFFF | 0x3FE0_0000_0000_0000);
    let mut k = f64::from((bits >> 52) as i32 - 0x3FE);
    if f <= 7.07106781186547524401e-01 {
        k -= 1.0;
        f *= 2.0;
    }
    let f = f - 1.0;
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let t1 = s2
        * (6.666666666666735130e-01
            + s4 * (2.857142874366239149e-01
                + s4 * (1.818357216161805012e-01 + s4 * 1.479819860511658591e-01)));
    let t2 = s4
        * (3.999999999940941908e-01
            + s4 * (2.222219843214978396e-01 + s4 * 1.531383769920937332e-01));
    let r = t1 + t2;
    let hfsq = 0.5 * f * f;
    k * LN2_HI - ((hfsq - (s * (hfsq + r) + k * LN2_LO)) - f)
}

pub fn log10(x: f64) -> f64 {
    log(x) * LOG10_E
}

pub fn log2(x: f64) -> f64 {
    let (fraction, exponent) = frexp(x);
    if fraction == 0.5 {
        return (exponent - 1) as f64;
    }
    log(fraction) * LOG2_E + exponent as f64
}

pub fn log1p(x: f64) -> f64 {
    if x < -1.0 || x.is_nan() {
        return crate::math::NAN;
    }
    if x == -1.0 {
        return f64::NEG_INFINITY;
    }
    if x == f64::INFINITY {
        return x;
    }
    let magnitude = x.abs();
    let (mut f, mut iu, mut k, mut c) = (0.0, 0u64, 1i64, 0.0);
    if magnitude < 4.142135623730950488017e-01 {
        if magnitude < 1.0 / (1u64 << 29) as f64 {
            if magnitude < 1.0 / (1u64 << 54) as f64 {
                return x;
            }
            return x - x * x * 0.5;
        }
        if x > -2.928932188134524755992e-01 {
            (k, f, iu) = (0, x, 1);
        }
    }
    if k != 0 {
        let mut u;
        if magnitude < (1u64 << 53) as f64 {
            u = 1.0 + x;
            iu = u.to_bits();
            k = (iu >> 52) as i64 - 1023;
            c = if k > 0 { 1.0 - (u - x) } else { x - (u - 1.0) };
            c /= u;
        } else {
            u = x;
            iu = u.to_bits();
            k = (iu >> 52) as i64 - 1023;
        }
        iu &= 0x000F_FFFF_FFFF_FFFF;
        if iu < 0x0006_A09E_667F_3BCD {
            u = f64::from_bits(iu | 0x3FF0_0000_0000_0000);
        } else {
            k += 1;
            u = f64::from_bits(iu | 0x3FE0_0000_0000_0000);
            iu = (0x0010_0000_0000_0000 - iu) >> 2;
        }
        f = u - 1.0;
    }
    let kf = k as f64;
    let hfsq = 0.5 * f * f;
    if iu == 0 {
        if f == 0.0 {
            if k == 0 {
                return 0.0;
            }
            c += kf * LN2_LO;
            return kf * LN2_HI + c;
        }
        let r = hfsq * (1.0 - 0.66666666666666666 * f);
        if k == 0 {
            return f - r;
        }
        return kf * LN2_HI - ((r - (kf * LN2_LO + c)) - f);
    }
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z
        * (6.666666666666735130e-01
            + z * (3.999999999940941908e-01
                + z * (2.857142874366239149e-01
                    + z * (2.222219843214978396e-01
                        + z * (1.818357216161805012e-01
                            + z * (1.531383769920937332e-01 + z * 1.479819860511658591e-01))))));
    if k == 0 {
        return f - (hfsq - s * (hfsq + r));
    }
    kf * LN2_HI - ((hfsq - (s * (hfsq + r) + (kf * LN2_LO + c))) - f)
}

fn is_odd(x: f64) -> bool {
    if x.abs() >= (1u64 << 53) as f64 {
        return false;
    }
    let (whole, fraction) = modf(x);
    fraction == 0.0 && whole as i64 & 1 == 1
}

pub fn pow(x: f64, y: f64) -> f64 {
    if y == 0.0 || x == 1.0 {
        return 1.0;
    }
    if y == 1.0 {
        return x;
    }
    if x.is_nan() || y.is_nan() {
        return crate::math::NAN;
    }
    if x == 0.0 {
        let signed = x.is_sign_negative() && is_odd(y);
        return match (y < 0.0, signed) {
            (true, true) => f64::NEG_INFINITY,
            (true, false) => f64::INFINITY,
            (false, true) => x,
            (false, false) => 0.0,
        };
    }
    if y.is_infinite() {
        return if x == -1.0 {
            1.0
        } else if (x.abs() < 1.0) == (y > 0.0) {
            0.0
        } else {
            f64::INFINITY
        };
    }
    if x.is_infinite() {
        if x < 0.0 {
            return pow(1.0 / x, -y);
        }
        return if y < 0.0 { 0.0 } else { f64::INFINITY };
    }
    if y == 0.5 {
        return x.sqrt();
    }
    if y == -0.5 {
        return 1.0 / x.sqrt();
    }
    let (mut yi, mut yf) = modf(y.abs());
    if yf != 0.0 && x < 0.0 {
        return crate::math::NAN;
    }
    if yi >= 9.223372036854775808e18 {
        return if x == -1.0 {
            1.0
        } else if (x.abs() < 1.0) == (y > 0.0) {
            0.0
        } else {
            f64::INFINITY
        };
    }
    // The answer is a1 * 2^ae.
    let (mut a1, mut ae) = (1.0, 0i64);
    if yf != 0.0 {
        if yf > 0.5 {
            yf -= 1.0;
            yi += 1.0;
        }
        a1 = exp(yf * log(x));
    }
    let (mut x1, mut xe) = frexp(x);
    let mut i = yi as i64;
    while i != 0 {
        if !(-(1 << 12)..=1 << 12).contains(&xe) {
            ae += xe;
            break;
        }
        if i & 1 == 1 {
            a1 *= x1;
            ae += xe;
        }
        x1 *= x1;
        xe <<= 1;
        if x1 < 0.5 {
            x1 += x1;
            xe -= 1;
        }
        i >>= 1;
    }
    if y < 0.0 {
        a1 = 1.0 / a1;
        ae = -ae;
    }
    ldexp(a1, ae)
}

/// Digits of 4/pi.
const FOUR_OVER_PI: [u64; 20] = [
    0x0000000000000001,
    0x45f306dc9c882a53,
    0xf84eafa3ea69bb81,
    0xb6c52b3278872083,
    0xfca2c757bd778ac3,
    0x6e48dc74849ba5c0,
    0x0c925dd413a32439,
    0xfc3bd63962534e7d,
    0xd1046bea5d768909,
    0xd338e04d68befc82,
    0x7323ac7306a673e9,
    0x3908bf177bf25076,
    0x3ff12fffbc0b301f,
    0xde5e2316b414da3e,
    0xda6cfd9e4f96136e,
    0x9e8c7ecd3cbfd45a,
    0xea4f758fd7cbe2f6,
    0x7a0e73ef14a525d4,
    0xd7f6bf623f1aba10,
    0xac06608df8f6d757,
];

/// The octant of a positive angle and the rest within it.
fn reduce(x: f64) -> (u64, f64) {
    if x < (1u64 << 29) as f64 {
        let mut j = (x * 1.27323954473516268615107010698) as u64;
        let mut y = j as f64;
        if j & 1 == 1 {
            j += 1;
            y += 1.0;
        }
        let z = ((x - y * 7.85398125648498535156e-1) - y * 3.77489470793079817668e-8)
            - y * 2.69515142907905952645e-15;
        return (j & 7, z);
    }
    // Payne and Hanek: multiply by just the digits of 4/pi that matter.
    let bits = x.to_bits();
    let exponent = ((bits >> 52) & 0x7FF) as i64 - 1023 - 52;
    let mantissa = bits & !(0x7FF << 52) | 1 << 52;
    let (digit, shift) = ((exponent + 61) as usize / 64, (exponent + 61) as u32 % 64);
    let word = |i: usize| {
        let (high, low) = (FOUR_OVER_PI[digit + i], FOUR_OVER_PI[digit + i + 1]);
        if shift == 0 {
            high
        } else {
            high << shift | low >> (64 - shift)
        }
    };
    let wide = |a: u64| u128::from(a) * u128::from(mantissa);
    let z2_high = (wide(word(2)) >> 64) as u64;
    let z1 = wide(word(1));
    let z0_low = word(0).wrapping_mul(mantissa);
    let (lo, carry) = (z1 as u64).overflowing_add(z2_high);
    let hi = z0_low
        .wrapping_add((z1 >> 64) as u64)
        .wrapping_add(u64::from(carry));
    let mut j = hi >> 61;
    let hi = hi << 3 | lo >> 61;
    let zeros = hi.leading_zeros();
    let e = u64::from(1023 - (zeros + 1));
    let shifted = ((u128::from(hi) << 64 | u128::from(lo)) << (zeros + 1) >> 64) as u64;
    let mut z = f64::from_bits(shifted >> 12 | e << 52);
    if j & 1 == 1 {
        j = (j + 1) & 7;
        z -= 1.0;
    }
    (j, z * FRAC_PI_4)
}

fn sine_series(z: f64, zz: f64) -> f64 {
    z + z
        * zz
        * ((((((1.58962301576546568060e-10 * zz) + -2.50507477628578072866e-8) * zz
            + 2.75573136213857245213e-6)
            * zz
            + -1.98412698295895385996e-4)
            * zz
            + 8.33333333332211858878e-3)
            * zz
            + -1.66666666666666307295e-1)
}

fn cosine_series(zz: f64) -> f64 {
    1.0 - 0.5 * zz
        + zz * zz
            * ((((((-1.13585365213876817300e-11 * zz) + 2.08757008419747316778e-9) * zz
                + -2.75573141792967388112e-7)
                * zz
                + 2.48015872888517045348e-5)
                * zz
                + -1.38888888888730564116e-3)
                * zz
                + 4.16666666666665929218e-2)
}

pub fn sin(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() {
        return x;
    }
    if x.is_infinite() {
        return crate::math::NAN;
    }
    let (j, z) = reduce(x.abs());
    let negative = (x < 0.0) ^ (j > 3);
    let j = j & 3;
    let zz = z * z;
    let y = if j == 1 || j == 2 {
        cosine_series(zz)
    } else {
        sine_series(z, zz)
    };
    if negative { -y } else { y }
}

pub fn cos(x: f64) -> f64 {
    if !x.is_finite() {
        return crate::math::NAN;
    }
    let (j, z) = reduce(x.abs());
    let mut negative = j > 3;
    let j = j & 3;
    negative ^= j > 1;
    let zz = z * z;
    let y = if j == 1 || j == 2 {
        sine_series(z, zz)
    } else {
        cosine_series(zz)
    };
    if negative { -y } else { y }
}

pub fn tan(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() {
        return x;
    }
    if x.is_infinite() {
        return crate::math::NAN;
    }
    let (j, z) = reduce(x.abs());
    let zz = z * z;
    let mut y = z;
    if zz > 1e-14 {
        y = z + z
            * (zz
                * (((-1.30936939181383777646e4 * zz) + 1.15351664838587416140e6) * zz
                    + -1.79565251976484877988e7)
                / ((((zz + 1.36812963470692954678e4) * zz + -1.32089234440210967447e6) * zz
                    + 2.50083801823357915839e7)
                    * zz
                    + -5.38695755929454629881e7));
    }
    if j & 2 == 2 {
        y = -1.0 / y;
    }
    if x < 0.0 { -y } else { y }
}

fn arctangent_series(x: f64) -> f64 {
    let z = x * x;
    let z = z
        * ((((-8.750608600031904122785e-01 * z + -1.615753718733365076637e+01) * z
            + -7.500855792314704667340e+01)
            * z
            + -1.228866684490136173410e+02)
            * z
            + -6.485021904942025371773e+01)
        / (((((z + 2.485846490142306297962e+01) * z + 1.650270098316988542046e+02) * z
            + 4.328810604912902668951e+02)
            * z
            + 4.853903996359136964868e+02)
            * z
            + 1.945506571482613964425e+02);
    x * z + x
}

/// Of a positive number.
fn arctangent(x: f64) -> f64 {
    const MORE_BITS: f64 = 6.123233995736765886130e-17;
    if x <= 0.66 {
        return arctangent_series(x);
    }
    if x > 2.41421356237309504880 {
        return FRAC_PI_2 - arctangent_series(1.0 / x) + MORE_BITS;
    }
    FRAC_PI_4 + arctangent_series((x - 1.0) / (x + 1.0)) + 0.5 * MORE_BITS
}

pub fn atan(x: f64) -> f64 {
    if x == 0.0 {
        x
    } else if x > 0.0 {
        arctangent(x)
    } else {
        -arctangent(-x)
    }
}

pub fn asin(x: f64) -> f64 {
    if x == 0.0 {
        return x;
    }
    let magnitude = x.abs();
    if magnitude > 1.0 || x.is_nan() {
        return crate::math::NAN;
    }
    let rest = (1.0 - magnitude * magnitude).sqrt();
    let y = if magnitude > 0.7 {
        FRAC_PI_2 - arctangent(rest / magnitude)
    } else {
        arctangent(magnitude / rest)
    };
    if x < 0.0 { -y } else { y }
}

pub fn acos(x: f64) -> f64 {
    FRAC_PI_2 - asin(x)
}

pub fn atan2(y: f64, x: f64) -> f64 {
    if y.is_nan() || x.is_nan() {
        return crate::math::NAN;
    }
    if y == 0.0 {
        return if x.is_sign_negative() { PI } else { 0.0 }.copysign(y);
    }
    if x == 0.0 {
        return FRAC_PI_2.copysign(y);
    }
    if x.is_infinite() {
        let angle = match (x > 0.0, y.is_infinite()) {
            (true, true) => FRAC_PI_4,
            (true, false) => 0.0,
            (false, true) => 2.356194490192344928846982537459627163147877049531,
            (false, false) => PI,
        };
        return angle.copysign(y);
    }
    if y.is_infinite() {
        return FRAC_PI_2.copysign(y);
    }
    let q = atan(y / x);
    if x < 0.0 {
        return if q <= 0.0 { q + PI } else { q - PI };
    }
    q
}

pub fn sinh(x: f64) -> f64 {
    // A negative zero keeps its sign.
    let magnitude = if x < 0.0 { -x } else { x };
    let y = if magnitude > 21.0 {
        exp(magnitude) * 0.5
    } else if magnitude > 0.5 {
        let e = exp(magnitude);
        (e - 1.0 / e) * 0.5
    } else {
        let sq = magnitude * magnitude;
        let y = (((-0.2630563213397497062819489e+2 * sq + -0.2894211355989563807284660366e+4)
            * sq
            + -0.8991272022039509355398013511e+5)
            * sq
            + -0.6307673640497716991184787251e+6)
            * magnitude;
        y / (((sq + -0.173678953558233699533450911e+3) * sq + 0.1521517378790019070696485176e+5)
            * sq
            + -0.6307673640497716991212077277e+6)
    };
    if x < 0.0 { -y } else { y }
}

pub fn cosh(x: f64) -> f64 {
    let x = x.abs();
    let e = exp(x);
    if x > 21.0 {
        e * 0.5
    } else {
        (e + 1.0 / e) * 0.5
    }
}

pub fn tanh(x: f64) -> f64 {
    let z = x.abs();
    if z > 0.5 * 8.8029691931113054295988e+01 {
        return if x < 0.0 { -1.0 } else { 1.0 };
    }
    if z >= 0.625 {
        let s = exp(2.0 * z);
        let z = 1.0 - 2.0 / (s + 1.0);
        return if x < 0.0 { -z } else { z };
    }
    if x == 0.0 {
        return x;
    }
    let s = x * x;
    x + x
        * s
        * ((-9.64399179425052238628e-1 * s + -9.92877231001918586564e1) * s
            + -1.61468768441708447952e3)
        / (((s + 1.12811678491632931402e2) * s + 2.23548839060100448583e3) * s
            + 4.84406305325125486048e3)
}

pub fn asinh(x: f64) -> f64 {
    const LARGE: f64 = (1u64 << 28) as f64;
    if !x.is_finite() {
        return x;
    }
    let a = x.abs();
    let y = if a > LARGE {
        log(a) + LN_2
    } else if a > 2.0 {
        log(2.0 * a + 1.0 / ((a * a + 1.0).sqrt() + a))
    } else if a < 1.0 / LARGE {
        a
    } else {
        log1p(a + a * a / (1.0 + (1.0 + a * a).sqrt()))
    };
    if x < 0.0 {
        -y
    } else if x == 0.0 {
        x
    } else {
        y
    }
}

pub fn acosh(x: f64) -> f64 {
    if x < 1.0 || x.is_nan() {
        crate::math::NAN
    } else if x == 1.0 {
        0.0
    } else if x >= (1u64 << 28) as f64 {
        log(x) + LN_2
    } else if x > 2.0 {
        log(2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt()))
    } else {
        let t = x - 1.0;
        log1p(t + (2.0 * t + t * t).sqrt())
    }
}

pub fn atanh(x: f64) -> f64 {
    if !(-1.0..=1.0).contains(&x) {
        return crate::math::NAN;
    }
    if x.abs() == 1.0 {
        return f64::INFINITY.copysign(x);
    }
    let a = x.abs();
    let y = if a < 1.0 / (1u64 << 28) as f64 {
        a
    } else if a < 0.5 {
        let t = a + a;
        0.5 * log1p(t + t * a / (1.0 - a))
    } else {
        0.5 * log1p((a + a) / (1.0 - a))
    };
    if x < 0.0 {
        -y
    } else if x == 0.0 {
        x
    } else {
        y
    }
}

pub fn cbrt(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let a = x.abs();
    let mut t = f64::from_bits(a.to_bits() / 3 + (715094163u64 << 32));
    if a < f64::MIN_POSITIVE {
        t = (1u64 << 54) as f64 * a;
        t = f64::from_bits(t.to_bits() / 3 + (696219795u64 << 32));
    }
    let r = t * t / a;
    let s = 5.42857142857142815906e-01 + r * t;
    t *= 3.57142857142857150787e-01
        + 1.60714285714285720630e+00
            / (s + 1.41428571428571436819e+00 + -7.05306122448979611050e-01 / s);
    // To 22 bits, above the root.
    t = f64::from_bits((t.to_bits() & 0xFFFFFFFFC << 28) + (1 << 30));
    let s = t * t;
    let r = a / s;
    let w = t + t;
    let r = (r - t) / (w + r);
    t += t * r;
    if x < 0.0 { -t } else { t }
}

pub fn hypot(p: f64, q: f64) -> f64 {
    if p.is_infinite() || q.is_infinite() {
        return f64::INFINITY;
    }
    if p.is_nan() || q.is_nan() {
        return crate::math::NAN;
    }
    let (p, q) = (p.abs(), q.abs());
    let (large, small) = if p < q { (q, p) } else { (p, q) };
    if large == 0.0 {
        return 0.0;
    }
    let ratio = small / large;
    large * (1.0 + ratio * ratio).sqrt()
}

/// `a[0] + x*(a[1] + x*(...))`.
fn series(x: f64, coefficients: &[f64]) -> f64 {
    let mut y = *coefficients.last().expect("at least one coefficient");
    for c in coefficients.iter().rev().skip(1) {
        y = c + x * y;
    }
    y
}

const ERX: f64 = 8.45062911510467529297e-01;
const PP: [f64; 5] = [
    1.28379167095512558561e-01,
    -3.25042107247001499370e-01,
    -2.84817495755985104766e-02,
    -5.77027029648944159157e-03,
    -2.37630166566501626084e-05,
];
const QQ: [f64; 6] = [
    1.0,
    3.97917223959155352819e-01,
    6.50222499887672944485e-02,
    5.08130628187576562776e-03,
    1.32494738004321644526e-04,
    -3.96022827877536812320e-06,
];
const PA: [f64; 7] = [
    -2.36211856075265944077e-03,
    4.14856118683748331666e-01,
    -3.72207876035701323847e-01,
    3.18346619901161753674e-01,
    -1.10894694282396677476e-01,
    3.54783043256182359371e-02,
    -2.16637559486879084300e-03,
];
const QA: [f64; 7] = [
    1.0,
    1.06420880400844228286e-01,
    5.40397917702171048937e-01,
    7.18286544141962662868e-02,
    1.26171219808761642112e-01,
    1.36370839120290507362e-02,
    1.19844998467991074170e-02,
];
const RA: [f64; 8] = [
    -9.86494403484714822705e-03,
    -6.93858572707181764372e-01,
    -1.05586262253232909814e+01,
    -6.23753324503260060396e+01,
    -1.62396669462573470355e+02,
    -1.84605092906711035994e+02,
    -8.12874355063065934246e+01,
    -9.81432934416914548592e+00,
];
const SA: [f64; 9] = [
    1.0,
    1.96512716674392571292e+01,
    1.37657754143519042600e+02,
    4.34565877475229228821e+02,
    6.45387271733267880336e+02,
    4.29008140027567833386e+02,
    1.08635005541779435134e+02,
    6.57024977031928170135e+00,
    -6.04244152148580987438e-02,
];
const RB: [f64; 7] = [
    -9.86494292470009928597e-03,
    -7.99283237680523006574e-01,
    -1.77579549177547519889e+01,
    -1.60636384855821916062e+02,
    -6.37566443368389627722e+02,
    -1.02509513161107724954e+03,
    -4.83519191608651397019e+02,
];
const SB: [f64; 8] = [
    1.0,
    3.03380607434824582924e+01,
    3.25792512996573918826e+02,
    1.53672958608443695994e+03,
    3.19985821950859553908e+03,
    2.55305040643316442583e+03,
    4.74528541206955367215e+02,
    -2.24409524465858183362e+01,
];

/// The tail for arguments from 1.25 on.
fn error_tail(x: f64) -> f64 {
    let s = 1.0 / (x * x);
    let (r, q) = if x < 2.857142857142857142857 {
        (series(s, &RA), series(s, &SA))
    } else {
        (series(s, &RB), series(s, &SB))
    };
    let z = f64::from_bits(x.to_bits() & 0xFFFF_FFFF_0000_0000);
    exp(-z * z - 0.5625) * exp((z - x) * (z + x) + r / q)
}

pub fn erf(x: f64) -> f64 {
    if x.is_nan() {
        return crate::math::NAN;
    }
    let a = x.abs();
    let y = if a < 0.84375 {
        if a < 1.0 / (1u64 << 28) as f64 {
            if a < 2.848094538889218e-306 {
                0.125 * (8.0 * a + 1.02703333676410069053e+00 * a)
            } else {
                a + 1.28379167095512586316e-01 * a
            }
        } else {
            let z = a * a;
            a + a * (series(z, &PP) / series(z, &QQ))
        }
    } else if a < 1.25 {
        let s = a - 1.0;
        ERX + series(s, &PA) / series(s, &QA)
    } else if a >= 6.0 {
        1.0
    } else {
        1.0 - error_tail(a) / a
    };
    if x < 0.0 {
        -y
    } else if x == 0.0 {
        x
    } else {
        y
    }
}

pub fn erfc(x: f64) -> f64 {
    if x.is_nan() {
        return crate::math::NAN;
    }
    let a = x.abs();
    let negative = x < 0.0;
    if a < 0.84375 {
        let y = if a < 1.0 / (1u64 << 56) as f64 {
            a
        } else {
            let z = a * a;
            let y = series(z, &PP) / series(z, &QQ);
            if a < 0.25 {
                a + a * y
            } else {
                0.5 + (a * y + (a - 0.5))
            }
        };
        return if negative { 1.0 + y } else { 1.0 - y };
    }
    if a < 1.25 {
        let s = a - 1.0;
        let ratio = series(s, &PA) / series(s, &QA);
        return if negative {
            1.0 + ERX + ratio
        } else {
            1.0 - ERX - ratio
        };
    }
    if a < 28.0 && !(negative && a > 6.0) {
        let r = error_tail(a);
        return if negative { 2.0 - r / a } else { r / a };
    }
    if negative { 2.0 } else { 0.0 }
}

fn stirling(x: f64) -> (f64, f64) {
    if x > 200.0 {
        return (f64::INFINITY, 1.0);
    }
    let w = 1.0 / x;
    let w = 1.0
        + w * ((((7.87311395793093628397e-04 * w + -2.29549961613378126380e-04) * w
            + -2.68132617805781232825e-03)
            * w
            + 3.47222221605458667310e-03)
            * w
            + 8.33333333333482257126e-02);
    let mut y1 = exp(x);
    let mut y2 = 1.0;
    if x > 143.01608 {
        let v = pow(x, 0.5 * x - 0.25);
        (y1, y2) = (v, v / y1);
    } else {
        y1 = pow(x, x - 0.5) / y1;
    }
    (y1, 2.506628274631000502417 * w * y2)
}

pub fn gamma(x: f64) -> f64 {
    if x.is_nan() || x == f64::NEG_INFINITY || x < 0.0 && modf(x).1 == 0.0 {
        return crate::math::NAN;
    }
    if x == f64::INFINITY {
        return x;
    }
    if x == 0.0 {
        return f64::INFINITY.copysign(x);
    }
    let q = x.abs();
    let mut p = q.floor();
    if q > 33.0 {
        if x >= 0.0 {
            let (y1, y2) = stirling(x);
            return y1 * y2;
        }
        let sign = if p as i64 & 1 == 0 { -1.0 } else { 1.0 };
        let mut z = q - p;
        if z > 0.5 {
            p += 1.0;
            z = q - p;
        }
        z = q * sin(PI * z);
        if z == 0.0 {
            return f64::INFINITY.copysign(sign);
        }
        let (s1, s2) = stirling(q);
        let a = z.abs();
        let d = a * s1 * s2;
        let z = if d.is_infinite() {
            PI / a / s1 / s2
        } else {
            PI / d
        };
        return sign * z;
    }
    let small = |x: f64, z: f64| {
        if x == 0.0 {
            f64::INFINITY
        } else {
            z / ((1.0 + 0.57721566490153286060651209008240243104215933593992 * x) * x)
        }
    };
    let (mut x, mut z) = (x, 1.0);
    while x >= 3.0 {
        x -= 1.0;
        z *= x;
    }
    while x < 0.0 {
        if x > -1e-09 {
            return small(x, z);
        }
        z /= x;
        x += 1.0;
    }
    while x < 2.0 {
        if x < 1e-09 {
            return small(x, z);
        }
        z /= x;
        x += 1.0;
    }
    if x == 2.0 {
        return z;
    }
    x -= 2.0;
    let p = (((((x * 1.60119522476751861407e-04 + 1.19135147006586384913e-03) * x
        + 1.04213797561761569935e-02)
        * x
        + 4.76367800457137231464e-02)
        * x
        + 2.07448227648435975150e-01)
        * x
        + 4.94214826801497100753e-01)
        * x
        + 9.99999999999999996796e-01;
    let q = ((((((x * -2.31581873324120129819e-05 + 5.39605580493303397842e-04) * x
        + -4.45641913851797240494e-03)
        * x
        + 1.18139785222060435552e-02)
        * x
        + 3.58236398605498653373e-02)
        * x
        + -2.34591795718243348568e-01)
        * x
        + 7.14304917030273074085e-02)
        * x
        + 1.00000000000000000320e+00;
    z * p / q
}

const LG_A: [f64; 12] = [
    7.72156649015328655494e-02,
    3.22467033424113591611e-01,
    6.73523010531292681824e-02,
    2.05808084325167332806e-02,
    7.38555086081402883957e-03,
    2.89051383673415629091e-03,
    1.19270763183362067845e-03,
    5.10069792153511336608e-04,
    2.20862790713908385557e-04,
    1.08011567247583939954e-04,
    2.52144565451257326939e-05,
    4.48640949618915160150e-05,
];
const LG_R: [f64; 7] = [
    1.0,
    1.39200533467621045958e+00,
    7.21935547567138069525e-01,
    1.71933865632803078993e-01,
    1.86459191715652901344e-02,
    7.77942496381893596434e-04,
    7.32668430744625636189e-06,
];
const LG_S: [f64; 7] = [
    -7.72156649015328655494e-02,
    2.14982415960608852501e-01,
    3.25778796408930981787e-01,
    1.46350472652464452805e-01,
    2.66422703033638609560e-02,
    1.84028451407337715652e-03,
    3.19475326584100867617e-05,
];
const LG_T: [f64; 15] = [
    4.83836122723810047042e-01,
    -1.47587722994593911752e-01,
    6.46249402391333854778e-02,
    -3.27885410759859649565e-02,
    1.79706750811820387126e-02,
    -1.03142241298341437450e-02,
    6.10053870246291332635e-03,
    -3.68452016781138256760e-03,
    2.25964780900612472250e-03,
    -1.40346469989232843813e-03,
    8.81081882437654011382e-04,
    -5.38595305356740546715e-04,
    3.15632070903625950361e-04,
    -3.12754168375120860518e-04,
    3.35529192635519073543e-04,
];
const LG_U: [f64; 6] = [
    -7.72156649015328655494e-02,
    6.32827064025093366517e-01,
    1.45492250137234768737e+00,
    9.77717527963372745603e-01,
    2.28963728064692451092e-01,
    1.33810918536787660377e-02,
];
const LG_V: [f64; 6] = [
    1.0,
    2.45597793713041134822e+00,
    2.12848976379893395361e+00,
    7.69285150456672783825e-01,
    1.04222645593369134254e-01,
    3.21709242282423911810e-03,
];
const LG_W: [f64; 7] = [
    4.18938533204672725052e-01,
    8.33333333333329678849e-02,
    -2.77777777728775536470e-03,
    7.93650558643019558500e-04,
    -5.95187557450339963135e-04,
    8.36339918996282139126e-04,
    -1.63092934096575273989e-03,
];

/// The logarithm of |Gamma(x)|, and Gamma's sign.
pub fn lgamma(x: f64) -> (f64, i64) {
    const TC: f64 = 1.46163214496836224576e+00;
    const TF: f64 = -1.21486290535849611461e-01;
    const TT: f64 = -3.63867699703950536541e-18;
    if !x.is_finite() {
        return (x, 1);
    }
    if x == 0.0 {
        return (f64::INFINITY, 1);
    }
    let negative = x < 0.0;
    let x = x.abs();
    let mut sign = 1;
    if x < f64::from_bits(0x3B90_0000_0000_0000) {
        return (-log(x), if negative { -1 } else { 1 });
    }
    let mut adjust = 0.0;
    if negative {
        if x >= (1u64 << 52) as f64 {
            return (f64::INFINITY, 1);
        }
        let t = sine_of_pi_times(x);
        if t == 0.0 {
            return (f64::INFINITY, 1);
        }
        adjust = log(PI / (t * x).abs());
        if t < 0.0 {
            sign = -1;
        }
    }
    let mut result;
    if x == 1.0 || x == 2.0 {
        return (0.0, sign);
    } else if x < 2.0 {
        let (y, case);
        if x <= 0.9 {
            result = -log(x);
            (y, case) = if x >= 0.731632144968362245 {
                (1.0 - x, 0)
            } else if x >= 0.191632144968362245 {
                (x - 0.46163214496836224576, 1)
            } else {
                (x, 2)
            };
        } else {
            result = 0.0;
            (y, case) = if x >= 1.731632144968362245 {
                (2.0 - x, 0)
            } else if x >= 1.191632144968362245 {
                (x - TC, 1)
            } else {
                (x - 1.0, 2)
            };
        }
        match case {
            0 => {
                let z = y * y;
                let p1 = LG_A[0]
                    + z * (LG_A[2] + z * (LG_A[4] + z * (LG_A[6] + z * (LG_A[8] + z * LG_A[10]))));
                let p2 = z
                    * (LG_A[1]
                        + z * (LG_A[3]
                            + z * (LG_A[5] + z * (LG_A[7] + z * (LG_A[9] + z * LG_A[11])))));
                result += y * p1 + p2 - 0.5 * y;
            }
            1 => {
                let z = y * y;
                let w = z * y;
                let p1 = LG_T[0] + w * (LG_T[3] + w * (LG_T[6] + w * (LG_T[9] + w * LG_T[12])));
                let p2 = LG_T[1] + w * (LG_T[4] + w * (LG_T[7] + w * (LG_T[10] + w * LG_T[13])));
                let p3 = LG_T[2] + w * (LG_T[5] + w * (LG_T[8] + w * (LG_T[11] + w * LG_T[14])));
                result += TF + (z * p1 - (TT - w * (p2 + y * p3)));
            }
            _ => result += -0.5 * y + y * series(y, &LG_U) / series(y, &LG_V),
        }
    } else if x < 8.0 {
        let i = x as i64;
        let y = x - i as f64;
        result = 0.5 * y + y * series(y, &LG_S) / series(y, &LG_R);
        let mut z = 1.0;
        for k in (3..=i).rev() {
            z *= y + (k - 1) as f64;
        }
        if i >= 3 {
            result += log(z);
        }
    } else if x < (1u64 << 58) as f64 {
        let t = log(x);
        let z = 1.0 / x;
        let y = z * z;
        let w = LG_W[0] + z * series(y, &LG_W[1..]);
        result = (x - 0.5) * (t - 1.0) + w;
    } else {
        result = x * (log(x) - 1.0);
    }
    if negative {
        result = adjust - result;
    }
    (result, sign)
}

/// `-sin(pi*x)` of a positive number.
fn sine_of_pi_times(x: f64) -> f64 {
    if x < 0.25 {
        return -sin(PI * x);
    }
    let mut x = x;
    let z = x.floor();
    let n;
    if z == x {
        if x >= (1u64 << 53) as f64 {
            (x, n) = (0.0, 0);
        } else {
            let bit = if x < (1u64 << 52) as f64 {
                (x + (1u64 << 52) as f64).to_bits()
            } else {
                z.to_bits()
            } & 1;
            x = bit as f64;
            n = (bit << 2) as i64;
        }
    } else {
        x %= 2.0;
        n = (x * 4.0) as i64;
    }
    -match n {
        0 => sin(PI * x),
        1 | 2 => cos(PI * (0.5 - x)),
        3 | 4 => sin(PI * (1.0 - x)),
        5 | 6 => -cos(PI * (x - 1.5)),
        _ => sin(PI * (x - 2.0)),
    }
}
