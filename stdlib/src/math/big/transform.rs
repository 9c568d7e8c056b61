//! Products by number theoretic transforms, which end with their VM.
//!
//! 1. The words of a factor are the coefficients of a polynomial. The product's coefficients are below 2^128 times the number of words.
//! 2. Modulo each of three primes, transforms take the factors to values at as many points as the product has words; values are multiplied, and the
//!    transform back makes coefficients of them.
//! 3. Three remainders are a number below the product of the primes (Garner's method), which no coefficient reaches. Carries make words.
//!
//! A transform first halves the whole, pass by pass, until parts have [`PART`] words; then each part is done to its end, in the processor's cache. After
//! each part, and each stretch of a pass as long, it is asked whether the VM has ended.
//!
//! Rejected: dashu's transforms, which take twice as long and cannot be interrupted; Karatsuba's cuts above them, which take three times as long for numbers
//! of a million words.

use vm::native::is_abandoned;

/// Words of a part: 64 KiB.
const PART: usize = 1 << 13;
/// Words of the longest product. A longer one would take working memory out of proportion.
pub(super) const LONGEST: usize = 1 << 20;
/// Working memory, in words for each word of a product rounded up to a power of two.
pub(super) const WORKING: usize = 5;

/// Arithmetic modulo `P`, a prime below 2^62 with 2^32 dividing `P - 1`, of which `G` is a primitive root. Montgomery's products: `multiply(x, y)` is
/// `x * y / 2^64`. Values are below `2 * P`, and their own remainders only in the end.
struct Field<const P: u64, const G: u64>;

impl<const P: u64, const G: u64> Field<P, G> {
    /// The inverse of `-P` modulo 2^64: Newton's method doubles the bits that are right.
    const INVERSE: u64 = {
        let mut inverse = 1u64;
        let mut round = 0;
        while round < 6 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(P.wrapping_mul(inverse)));
            round += 1;
        }
        inverse.wrapping_neg()
    };
    /// 2^64 modulo `P`: one, as a factor.
    const ONE: u64 = ((1u128 << 64) % P as u128) as u64;
    /// What makes a factor of a number.
    const SQUARE: u64 = ((Self::ONE as u128 * Self::ONE as u128) % P as u128) as u64;

    /// Below `2 * P`, if `x * y` is below `2^64 * P`.
    const fn multiply(x: u64, y: u64) -> u64 {
        let product = x as u128 * y as u128;
        let multiple = (product as u64).wrapping_mul(Self::INVERSE) as u128 * P as u128;
        ((product + multiple) >> 64) as u64
    }

    const fn factor(x: u64) -> u64 {
        Self::multiply(x, Self::SQUARE)
    }

    const fn power(mut base: u64, mut exponent: u64) -> u64 {
        let mut result = Self::ONE;
        while exponent > 0 {
            if exponent & 1 != 0 {
                result = Self::multiply(result, base);
            }
            base = Self::multiply(base, base);
            exponent >>= 1;
        }
        result
    }

    const fn halved(x: u64) -> u64 {
        if x >= 2 * P { x - 2 * P } else { x }
    }

    const fn add(x: u64, y: u64) -> u64 {
        Self::halved(x + y)
    }

    const fn subtract(x: u64, y: u64) -> u64 {
        Self::halved(x + 2 * P - y)
    }

    /// The remainder itself.
    const fn reduced(x: u64) -> u64 {
        let x = Self::halved(x);
        if x >= P { x - P } else { x }
    }

    /// The factor `1 / x`.
    const fn inverse_of(x: u64) -> u64 {
        Self::power(Self::factor(x), P - 2)
    }

    /// For each half of a length, `h`, from place `h` on: the powers of a root of unity of order `2 * h`, below `P`.
    fn roots(count: usize) -> Vec<u64> {
        let mut roots = vec![Self::ONE; count.max(2)];
        let root = Self::power(Self::factor(G), (P - 1) / count as u64);
        let half = count / 2;
        for at in half + 1..count {
            roots[at] = Self::reduced(Self::multiply(roots[at - 1], root));
        }
        for at in (1..half).rev() {
            roots[at] = roots[2 * at];
        }
        roots
    }

    /// The factor's values at all points, in the order that halving gives.
    fn transformed(words: &[u64], roots: &[u64], count: usize) -> Vec<u64> {
        let mut values = vec![0; count];
        for (value, word) in values.iter_mut().zip(words) {
            *value = Self::halved(Self::halved(*word));
        }
        let mut half = count / 2;
        while half >= PART {
            for block in values.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                let stretches = low.chunks_mut(PART).zip(high.chunks_mut(PART));
                for ((low, high), roots) in stretches.zip(roots[half..].chunks(PART)) {
                    Self::apart(low, high, roots);
                    if is_abandoned() {
                        return values;
                    }
                }
            }
            half /= 2;
        }
        for part in values.chunks_exact_mut(2 * half) {
            let mut half = half;
            while half > 0 {
                for block in part.chunks_exact_mut(2 * half) {
                    let (low, high) = block.split_at_mut(half);
                    Self::apart(low, high, &roots[half..]);
                }
                half /= 2;
            }
            if is_abandoned() {
                break;
            }
        }
        values
    }

    fn apart(low: &mut [u64], high: &mut [u64], roots: &[u64]) {
        for ((low, high), root) in low.iter_mut().zip(high).zip(roots) {
            let (x, y) = (*low, *high);
            *low = Self::add(x, y);
            *high = Self::multiply(x + 2 * P - y, *root);
        }
    }

    fn together(low: &mut [u64], high: &mut [u64], roots: &[u64]) {
        for ((low, high), root) in low.iter_mut().zip(high).zip(roots) {
            let (x, y) = (*low, Self::multiply(*high, *root));
            *low = Self::add(x, y);
            *high = Self::subtract(x, y);
        }
    }

    /// Coefficients from values, each at the place of its negative, and times `count`.
    fn back(values: &mut [u64], roots: &[u64]) {
        let count = values.len();
        for part in values.chunks_mut(PART) {
            let mut half = 1;
            while 2 * half <= part.len() {
                for block in part.chunks_exact_mut(2 * half) {
                    let (low, high) = block.split_at_mut(half);
                    Self::together(low, high, &roots[half..]);
                }
                half *= 2;
            }
            if is_abandoned() {
                return;
            }
        }
        let mut half = PART;
        while 2 * half <= count {
            for block in values.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                let stretches = low.chunks_mut(PART).zip(high.chunks_mut(PART));
                for ((low, high), roots) in stretches.zip(roots[half..].chunks(PART)) {
                    Self::together(low, high, roots);
                    if is_abandoned() {
                        return;
                    }
                }
            }
            half *= 2;
        }
    }

    /// The product's coefficients modulo `P`.
    fn product(x: &[u64], y: &[u64], count: usize) -> Vec<u64> {
        let roots = Self::roots(count);
        let mut values = Self::transformed(x, &roots, count);
        if std::ptr::eq(x, y) {
            for value in &mut values {
                *value = Self::multiply(*value, *value);
            }
        } else {
            let others = Self::transformed(y, &roots, count);
            for (value, other) in values.iter_mut().zip(&others) {
                *value = Self::multiply(*value, *other);
            }
        }
        if is_abandoned() {
            return values;
        }
        Self::back(&mut values, &roots);
        if is_abandoned() {
            return values;
        }
        values[1..].reverse();
        // What the products have divided by 2^64 comes back, too.
        let scale = Self::multiply(Self::inverse_of(count as u64), Self::SQUARE);
        for value in &mut values {
            *value = Self::reduced(Self::multiply(*value, scale));
        }
        values
    }
}

const P: u64 = 0x3fff_ffee_0000_0001;
const Q: u64 = 0x3fff_ffb4_0000_0001;
const R: u64 = 0x3fff_ffa0_0000_0001;
type ModP = Field<P, 3>;
type ModQ = Field<Q, 19>;
type ModR = Field<R, 3>;

/// The product of two numbers that are not zero, together at most [`LONGEST`] words; anything if the VM has ended.
pub(super) fn product(x: &[u64], y: &[u64]) -> Vec<u64> {
    let count = (x.len() + y.len()).next_power_of_two();
    let of_p = ModP::product(x, y, count);
    let of_q = ModQ::product(x, y, count);
    let of_r = ModR::product(x, y, count);
    let mut words = Vec::with_capacity(x.len() + y.len());
    if is_abandoned() {
        return words;
    }
    const P_IN_Q: u64 = ModQ::inverse_of(P);
    const PQ_IN_R: u64 = ModR::multiply(ModR::inverse_of(P), ModR::inverse_of(Q));
    const P_OF_R: u64 = ModR::factor(P);
    const PQ: u128 = P as u128 * Q as u128;
    let mut carried = 0u128;
    for at in 0..x.len() + y.len() {
        if at % PART == PART - 1 && is_abandoned() {
            break;
        }
        let (p, q, r) = (of_p[at], of_q[at], of_r[at]);
        // The coefficient is p + P * (second + Q * third).
        let second = ModQ::reduced(ModQ::multiply(ModQ::subtract(q, p), P_IN_Q));
        let known = ModR::add(ModR::halved(p), ModR::multiply(second, P_OF_R));
        let third = ModR::reduced(ModR::multiply(ModR::subtract(r, known), PQ_IN_R));
        let below = u128::from(p) + u128::from(P) * u128::from(second);
        let lower = u128::from(PQ as u64) * u128::from(third);
        let upper = (PQ >> 64) * u128::from(third) + (lower >> 64);
        let (sum, carry) = (upper << 64 | u128::from(lower as u64)).overflowing_add(below);
        let (sum, more) = sum.overflowing_add(carried);
        let above = (upper >> 64) + u128::from(carry) + u128::from(more);
        words.push(sum as u64);
        carried = sum >> 64 | above << 64;
    }
    words
}

#[cfg(test)]
mod tests {
    use dashu_int::UBig;

    use super::*;

    fn numbers(words: usize, seed: u64) -> Vec<u64> {
        let mut state = seed;
        (0..words)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                state ^ state >> 29 | 1
            })
            .collect()
    }

    #[test]
    fn products_are_those_of_short_steps() {
        let lengths = [1, 2, 3, 8, 100, PART / 2, PART - 1, PART + 1, 3 * PART];
        for long in lengths {
            for short in [1, 5, long] {
                for (x, y) in [
                    (numbers(long, 1), numbers(short, 2)),
                    // The largest coefficients that there are.
                    (vec![u64::MAX; long], vec![u64::MAX; short]),
                ] {
                    let expected = UBig::from_words(&x) * UBig::from_words(&y);
                    assert!(
                        UBig::from_words(&product(&x, &y)) == expected,
                        "{long} and {short} words"
                    );
                }
            }
            let x = numbers(long, 3);
            let number = UBig::from_words(&x);
            assert!(
                UBig::from_words(&product(&x, &x)) == &number * &number,
                "the square of {long} words"
            );
        }
    }
}
