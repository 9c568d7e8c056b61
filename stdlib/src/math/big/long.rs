//! Algorithms for numbers so long that somebody may not want to wait for the result any more.
//!
//! dashu's operations cannot be interrupted. Here long numbers are cut until a piece takes it milliseconds, and between two pieces the algorithms ask
//! whether their VM has ended ([`is_abandoned`]). Then each comes back at once with anything: nobody sees it. INVARIANT: what is computed from such a
//! result neither panics nor loops, so whoever calls another algorithm asks again before it relies on what came back.
//!
//! * Products: transforms (`transform.rs`), above their longest Karatsuba's cut.
//! * Quotients: Burnikel and Ziegler's recursive division, so that they take little more than products do.
//! * Roots: Zimmermann's recursive square root.
//! * Texts: halves at powers of the base.
//! * Divisors: Lehmer's method, a word at a time, until the numbers are short.

use std::cmp::Ordering;

use dashu_int::fast_div::ConstDivisor;
use dashu_int::ops::{BitTest, DivRem, ExtendedGcd, Gcd, SquareRootRem};
use dashu_int::{IBig, UBig};
use vm::native::is_abandoned;

use super::transform;

/// Words of the shorter factor that dashu multiplies in the time between two looks.
const PRODUCT: usize = 1 << 11;
/// Words of a divisor that dashu divides by in that time.
const DIVISOR: usize = 1 << 12;
/// Words of a radicand whose root it takes in that time.
const RADICAND: usize = 1 << 12;
/// Words of a number that it makes a text of, or reads from one, in that time.
const TEXT: usize = 1 << 11;
/// Words of numbers whose divisor it finds in that time.
const EUCLID: usize = 1 << 10;

fn length(x: &UBig) -> usize {
    x.as_words().len()
}

/// The words from `from` on, and those below.
fn split(x: &UBig, from: usize) -> (UBig, UBig) {
    let (low, high) = x.as_words().split_at(from.min(length(x)));
    (UBig::from_words(high), UBig::from_words(low))
}

/// `high` above `count` words, which `low` fills.
fn join(high: UBig, low: &UBig, count: usize) -> UBig {
    (high << (64 * count)) + low
}

/// The product.
pub(super) fn product(x: &UBig, y: &UBig) -> UBig {
    let (long, short) = match length(x) < length(y) {
        true => (y, x),
        false => (x, y),
    };
    let (most, least) = (length(long), length(short));
    if least <= PRODUCT && most <= 2 * PRODUCT {
        return long * short;
    }
    if is_abandoned() {
        return UBig::ZERO;
    }
    if most > 2 * least {
        // One part of the long number after the other.
        let step = least.max(PRODUCT);
        let mut digits = vec![0; most + least];
        let mut above = UBig::ZERO;
        for from in (0..most).step_by(step) {
            let end = (from + step).min(most);
            let part = UBig::from_words(&long.as_words()[from..end]);
            let sum = product(&part, short) + above;
            if is_abandoned() {
                return UBig::ZERO;
            }
            let (high, low) = split(&sum, end - from);
            digits[from..from + length(&low)].copy_from_slice(low.as_words());
            above = high;
        }
        digits[most..most + length(&above)].copy_from_slice(above.as_words());
        return UBig::from_words(&digits);
    }
    if most + least <= transform::LONGEST {
        return UBig::from_words(&transform::product(long.as_words(), short.as_words()));
    }
    let half = most.div_ceil(2);
    let ((x_high, x_low), (y_high, y_low)) = (split(long, half), split(short, half));
    let (low, high) = (product(&x_low, &y_low), product(&x_high, &y_high));
    let all = product(&(x_low + x_high), &(y_low + y_high));
    // Nothing fits together once the parts are anything.
    if is_abandoned() {
        return UBig::ZERO;
    }
    let middle = all - &low - &high;
    (high << (128 * half)) + (middle << (64 * half)) + low
}

/// Quotient and remainder; the divisor is not zero.
pub(super) fn divide(x: UBig, y: &UBig) -> (UBig, UBig) {
    if length(y) <= DIVISOR {
        if length(&x) <= 4 * DIVISOR {
            return x.div_rem(y);
        }
        return by_blocks(&x, y, DIVISOR, |block, y| block.div_rem(y));
    }
    if x < *y {
        return (UBig::ZERO, x);
    }
    // The divisor gets as many words as can be halved until they are few, and a leading one.
    let halvings = length(y).div_ceil(DIVISOR).next_power_of_two();
    let count = length(y).div_ceil(halvings) * halvings;
    let shift = count * 64 - y.bit_len();
    let y = y << shift;
    let (quotient, rest) = by_blocks(&(x << shift), &y, count, |block, y| {
        two_by_one(block, y, count)
    });
    (quotient, rest >> shift)
}

/// Division as by hand: blocks of `count` words, the highest first, each below the rest of those above it.
fn by_blocks(
    x: &UBig,
    y: &UBig,
    count: usize,
    divide: impl Fn(UBig, &UBig) -> (UBig, UBig),
) -> (UBig, UBig) {
    let blocks: Vec<&[u64]> = x.as_words().chunks(count).collect();
    let mut quotient = vec![0; blocks.len() * count];
    let mut rest = UBig::ZERO;
    for (at, block) in blocks.iter().enumerate().rev() {
        let (digits, left) = divide(join(rest, &UBig::from_words(block), count), y);
        if is_abandoned() {
            return (UBig::ZERO, UBig::ZERO);
        }
        let digits = digits.as_words();
        quotient[at * count..at * count + digits.len()].copy_from_slice(digits);
        rest = left;
    }
    (UBig::from_words(&quotient), rest)
}

/// Divides a number below `y` times the base to the power of `count` by `y`, which has `count` words and a leading one.
fn two_by_one(x: UBig, y: &UBig, count: usize) -> (UBig, UBig) {
    if is_abandoned() {
        return (UBig::ZERO, UBig::ZERO);
    }
    if count <= DIVISOR {
        return x.div_rem(y);
    }
    let half = count / 2;
    let (high, low) = split(&x, half);
    let (above, rest) = three_by_two(&high, y, half);
    let (below, rest) = three_by_two(&join(rest, &low, half), y, half);
    (join(above, &below, half), rest)
}

/// Divides a number of three halves by `y`, which has two; the quotient has one.
fn three_by_two(x: &UBig, y: &UBig, half: usize) -> (UBig, UBig) {
    let (y_high, y_low) = split(y, half);
    let (x_high, x_low) = split(x, half);
    let (mut quotient, rest) = if split(&x_high, half).0 >= y_high {
        let most = (UBig::ONE << (64 * half)) - UBig::ONE;
        let rest = (x_high + &y_high) - (&y_high << (64 * half));
        (most, rest)
    } else {
        two_by_one(x_high, &y_high, half)
    };
    let below = product(&quotient, &y_low);
    if is_abandoned() {
        return (UBig::ZERO, UBig::ZERO);
    }
    let mut rest = join(rest, &x_low, half);
    // Twice at most, as the divisor's leading bit is one.
    while rest < below {
        rest += y;
        quotient -= UBig::ONE;
    }
    (quotient, rest - below)
}

/// The root, rounded down, and what is left of the number.
pub(super) fn root(x: &UBig) -> (UBig, UBig) {
    if length(x) <= RADICAND {
        return x.sqrt_rem();
    }
    // Four quarters, of which the highest begins with one of its two leading bits.
    let quarter = x.bit_len().div_ceil(4);
    let shift = (4 * quarter - x.bit_len()) & !1;
    if shift > 0 {
        let (root, _) = root(&(x << shift));
        let root = root >> (shift / 2);
        let square = product(&root, &root);
        if is_abandoned() {
            return (UBig::ZERO, UBig::ZERO);
        }
        let rest = x - square;
        return (root, rest);
    }
    let (upper, lower) = x.clone().split_bits_at(2 * quarter);
    let (next, last) = lower.split_bits_at(quarter);
    let (high, rest) = root(&upper);
    if is_abandoned() {
        return (UBig::ZERO, UBig::ZERO);
    }
    let (low, rest) = divide((rest << quarter) + next, &(&high << 1));
    let square = product(&low, &low);
    if is_abandoned() {
        return (UBig::ZERO, UBig::ZERO);
    }
    let mut root = (high << quarter) + low;
    let mut rest = (rest << quarter) + last;
    // Once at most.
    while rest < square {
        rest += (&root << 1) - UBig::ONE;
        root -= UBig::ONE;
    }
    (root, rest - square)
}

/// Cutting at a bit.
trait SplitBits {
    /// What lies from that bit on, and what lies below.
    fn split_bits_at(self, bit: usize) -> (UBig, UBig);
}

impl SplitBits for UBig {
    fn split_bits_at(self, bit: usize) -> (UBig, UBig) {
        let (low, high) = self.split_bits(bit);
        (high, low)
    }
}

/// `x` to the power of `y`.
pub(super) fn power(x: &UBig, y: usize) -> UBig {
    let mut result = UBig::ONE;
    for bit in (0..usize::BITS - y.leading_zeros()).rev() {
        result = product(&result, &result);
        if y >> bit & 1 != 0 {
            result = product(&result, x);
        }
        if is_abandoned() {
            break;
        }
    }
    result
}

/// `x` to the power of `y`, modulo `m`.
pub(super) fn power_modulo(x: UBig, y: &UBig, m: UBig) -> UBig {
    /// Products of words that take dashu a few ten milliseconds.
    const SHORT: usize = 1 << 19;
    let words = length(&m);
    if words <= DIVISOR {
        let ring = ConstDivisor::new(m);
        let base = ring.reduce(x);
        if words * words * length(y) <= SHORT {
            return base.pow(y).residue();
        }
        let mut result = ring.reduce(UBig::ONE);
        for bit in (0..y.bit_len()).rev() {
            result = result.sqr();
            if y.bit(bit) {
                result *= &base;
            }
            if is_abandoned() {
                break;
            }
        }
        return result.residue();
    }
    let base = divide(x, &m).1;
    let mut result = UBig::ONE;
    for bit in (0..y.bit_len()).rev() {
        result = divide(product(&result, &result), &m).1;
        if y.bit(bit) {
            result = divide(product(&result, &base), &m).1;
        }
        if is_abandoned() {
            break;
        }
    }
    result
}

/// The greatest common divisor.
pub(super) fn divisor(x: UBig, y: UBig) -> UBig {
    let (mut large, mut small) = if x < y { (y, x) } else { (x, y) };
    while length(&small) > EUCLID {
        if is_abandoned() {
            return UBig::ONE;
        }
        (large, small) = match Step::of(&large, &small) {
            Some(step) => step.of_numbers(&large, &small),
            None => {
                let (_, rest) = divide(large, &small);
                (small, rest)
            }
        };
    }
    if small == UBig::ZERO {
        return large;
    }
    let (_, rest) = divide(large, &small);
    match rest == UBig::ZERO {
        true => small,
        false => small.gcd(rest),
    }
}

/// The greatest common divisor of two numbers above zero, and a factor of the first in a sum of multiples that is it.
pub(super) fn extended_divisor(x: UBig, y: UBig) -> (UBig, IBig) {
    let swaps = x < y;
    let (mut large, mut small) = if swaps { (y, x) } else { (x, y) };
    // What they have of `x`.
    let (mut of_large, mut of_small) = match swaps {
        true => (IBig::ZERO, IBig::ONE),
        false => (IBig::ONE, IBig::ZERO),
    };
    while length(&small) > EUCLID {
        if is_abandoned() {
            return (UBig::ONE, IBig::ZERO);
        }
        if let Some(step) = Step::of(&large, &small) {
            (large, small) = step.of_numbers(&large, &small);
            (of_large, of_small) = step.of_factors(&of_large, &of_small);
            continue;
        }
        let (times, rest) = divide(large, &small);
        let (sign, factor) = of_small.clone().into_parts();
        let taken = IBig::from_parts(sign, product(&factor, &times));
        (large, small) = (small, rest);
        (of_large, of_small) = (of_small, of_large - taken);
    }
    if small == UBig::ZERO {
        return (large, of_large);
    }
    let (times, rest) = divide(large, &small);
    let (sign, factor) = of_small.clone().into_parts();
    let of_rest = of_large - IBig::from_parts(sign, product(&factor, &times));
    if rest == UBig::ZERO {
        return (small, of_small);
    }
    let (divisor, a, b) = (&small).gcd_ext(&rest);
    if is_abandoned() {
        return (UBig::ONE, IBig::ZERO);
    }
    (divisor, a * of_small + b * of_rest)
}

/// What several of Euclid's steps make of two numbers: two sums of their multiples, in each of which the signs differ.
///
/// Lehmer's method: the steps are those of the leading 64 bits, as long as no digits below could make them others (Collins' condition, as Jebelean
/// has it).
struct Step {
    /// The new larger number is `a` of the larger less `b` of the smaller one, or the other way around; likewise the new smaller.
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    is_even: bool,
}

impl Step {
    /// `None`: the leading bits do not say what even one step is.
    fn of(large: &UBig, small: &UBig) -> Option<Step> {
        let bits = large.bit_len();
        if small.bit_len() + 32 < bits {
            return None;
        }
        let leading = |x: &UBig| u64::try_from(x >> (bits - 64)).unwrap_or(u64::MAX);
        let (mut x, mut y) = (leading(large), leading(small));
        // Rows: x is u0 of the larger and v0 of the smaller one, y is u1 and v1, with signs that alternate.
        let (mut u0, mut v0, mut u1, mut v1) = (1u64, 0u64, 0u64, 1u64);
        let mut is_even = true;
        loop {
            if y == 0 {
                break;
            }
            let (times, rest) = (x / y, x % y);
            let next = |low: u64, high: u64| times.checked_mul(high)?.checked_add(low);
            let (Some(u2), Some(v2)) = (next(u0, u1), next(v0, v1)) else {
                break;
            };
            if u2 >= 1 << 31 || v2 >= 1 << 31 {
                break;
            }
            // Whether the quotient is that of the whole numbers, whatever is below.
            let (least, gap) = match is_even {
                true => (v2, u2 + u1),
                false => (u2, v2 + v1),
            };
            if rest < least || y - rest < gap {
                break;
            }
            (x, y) = (y, rest);
            (u0, v0, u1, v1) = (u1, v1, u2, v2);
            is_even = !is_even;
        }
        (v0 != 0).then_some(Step {
            a: u0,
            b: v0,
            c: u1,
            d: v1,
            is_even,
        })
    }

    fn of_numbers(&self, large: &UBig, small: &UBig) -> (UBig, UBig) {
        let sum = |positive: UBig, negative: UBig| match positive.cmp(&negative) {
            Ordering::Less => negative - positive,
            _ => positive - negative,
        };
        (
            sum(large * self.a, small * self.b),
            sum(large * self.c, small * self.d),
        )
    }

    fn of_factors(&self, large: &IBig, small: &IBig) -> (IBig, IBig) {
        let first = large * IBig::from(self.a) - small * IBig::from(self.b);
        let second = small * IBig::from(self.d) - large * IBig::from(self.c);
        match self.is_even {
            true => (first, second),
            false => (-first, -second),
        }
    }
}

/// A digit's character. GO: `natconv.go`: lower case comes first.
const DIGITS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// How many digits of a base certainly fit into so many words.
fn digits_in(words: usize, base: u32) -> usize {
    let bits = u32::BITS - (base - 1).leading_zeros();
    (words * 64 / bits as usize).max(1)
}

/// How many bits so many digits are, of a base that is a power of two.
fn bits_of(digits: usize, base: u32) -> Option<usize> {
    base.is_power_of_two()
        .then(|| digits * base.trailing_zeros() as usize)
}

/// Powers of the base: that of [`digits_in`] a piece, and its squares as long as they are not above `x`.
fn powers_up_to(x: &UBig, base: u32) -> Vec<UBig> {
    let mut powers = vec![UBig::from(base).pow(digits_in(TEXT, base))];
    while let Some(last) = powers.last()
        && length(last) * 2 <= length(x) + 1
        && !is_abandoned()
    {
        let next = match base.is_power_of_two() {
            true => UBig::ONE << (2 * (last.bit_len() - 1)),
            false => product(last, last),
        };
        if next > *x {
            break;
        }
        powers.push(next);
    }
    powers
}

/// Writes the number's digits. Halves are cut off at powers of the base, so the depth is the logarithm of the length.
pub(super) fn write_digits(x: UBig, base: u32, out: &mut Vec<u8>) {
    let powers = powers_up_to(&x, base);
    let piece = digits_in(TEXT, base);
    // What is still to be written, the next last: a number, the power that it is below the square of, and whether leading zeros are written.
    let mut open = vec![(x, powers.len(), false)];
    while let Some((x, level, is_padded)) = open.pop() {
        if is_abandoned() {
            return;
        }
        let Some(power) = level.checked_sub(1).and_then(|at| powers.get(at)) else {
            write_piece(x, base, is_padded.then_some(piece), out);
            continue;
        };
        if !is_padded && x < *power {
            open.push((x, level - 1, false));
            continue;
        }
        let (high, low) = match base.is_power_of_two() {
            true => x.split_bits_at(power.bit_len() - 1),
            false => divide(x, power),
        };
        open.push((low, level - 1, true));
        open.push((high, level - 1, is_padded));
    }
}

/// Writes so many digits, or as many as there are.
fn write_piece(x: UBig, base: u32, count: Option<usize>, out: &mut Vec<u8>) {
    let start = out.len();
    if base <= 36 {
        let digits = x.in_radix(base as u8).to_string();
        let zeros = count.map_or(0, |count| count.saturating_sub(digits.len()));
        out.resize(start + zeros, b'0');
        out.extend_from_slice(digits.as_bytes());
        return;
    }
    let mut x = x;
    while x != UBig::ZERO || out.len() == start {
        // As many digits as a word holds, the last first.
        let scale = u64::from(base).pow(10);
        let (rest, mut digits) = x.div_rem(scale);
        x = rest;
        for _ in 0..10 {
            out.push(DIGITS[(digits % u64::from(base)) as usize]);
            digits /= u64::from(base);
        }
    }
    let wanted = count.unwrap_or(1);
    while out.len() - start > wanted && out.last() == Some(&b'0') {
        out.pop();
    }
    out.resize((start + wanted).max(out.len()), b'0');
    out[start..].reverse();
}

/// The number that digits of a base make; there are no other characters in them.
pub(super) fn read_digits(digits: &[u8], base: u32) -> UBig {
    let piece = digits_in(TEXT, base);
    let mut parts = Vec::with_capacity(digits.len() / piece + 1);
    for part in digits.rchunks(piece) {
        if is_abandoned() {
            return UBig::ZERO;
        }
        parts.push(read_piece(part, base));
    }
    // Pairs are joined, the lowest first, until one is left.
    let mut power = UBig::from(base).pow(piece);
    let mut bits = bits_of(piece, base);
    while parts.len() > 1 {
        let mut pairs = parts.into_iter();
        let mut joined = Vec::with_capacity(pairs.len().div_ceil(2));
        while let Some(low) = pairs.next() {
            joined.push(match pairs.next() {
                Some(high) => match bits {
                    Some(bits) => (high << bits) + low,
                    None => product(&high, &power) + low,
                },
                None => low,
            });
            if is_abandoned() {
                return UBig::ZERO;
            }
        }
        parts = joined;
        bits = bits.map(|bits| 2 * bits);
        if parts.len() > 1 && bits.is_none() {
            power = product(&power, &power);
        }
    }
    parts.pop().unwrap_or(UBig::ZERO)
}

fn read_piece(digits: &[u8], base: u32) -> UBig {
    if base <= 36
        && let Ok(text) = std::str::from_utf8(digits)
    {
        return UBig::from_str_radix(text, base).unwrap_or(UBig::ZERO);
    }
    let mut x = UBig::ZERO;
    for chunk in digits.chunks(9) {
        let (mut value, mut scale) = (0u64, 1u64);
        for byte in chunk {
            let digit = DIGITS.iter().position(|digit| digit == byte).unwrap_or(0);
            value = value * u64::from(base) + digit as u64;
            scale *= u64::from(base);
        }
        x = x * scale + value;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of so many words, some with long runs of ones or zeros.
    fn numbers(words: usize, seed: u64) -> UBig {
        let mut state = seed;
        let list: Vec<u64> = (0..words)
            .map(|at| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                match (state >> 60, at + 1 == words) {
                    (_, true) => state | 1,
                    (0..4, _) => u64::MAX,
                    (4..8, _) => 0,
                    _ => state ^ state >> 29,
                }
            })
            .collect();
        UBig::from_words(&list)
    }

    #[test]
    fn long_quotients_are_those_of_short_division() {
        for (seed, (long, short)) in [
            (5 * DIVISOR + 3, 7),
            (3 * DIVISOR, DIVISOR + 1),
            (2 * DIVISOR + 9, 2 * DIVISOR + 1),
            (7 * DIVISOR + 1, 3 * DIVISOR - 5),
            (DIVISOR, 2 * DIVISOR),
        ]
        .into_iter()
        .enumerate()
        {
            for extreme in [false, true] {
                let y = match extreme {
                    true => (UBig::ONE << (64 * short)) - UBig::ONE,
                    false => numbers(short, seed as u64),
                };
                let x = match extreme {
                    true => &y * &y - UBig::ONE,
                    false => numbers(long, seed as u64 + 100),
                };
                let (quotient, rest) = divide(x.clone(), &y);
                assert_eq!((&quotient, &rest), (&(&x / &y), &(&x % &y)), "{seed}");
            }
        }
    }

    #[test]
    fn long_roots_are_the_largest_whose_square_fits() {
        for words in [RADICAND + 1, 2 * RADICAND + 3, 3 * RADICAND + 2] {
            for x in [
                numbers(words, words as u64),
                (UBig::ONE << (64 * words)) - UBig::ONE,
                UBig::ONE << (64 * words - 3),
            ] {
                let (root, rest) = root(&x);
                assert_eq!(&root * &root + &rest, x);
                assert!(rest <= &root << 1);
            }
        }
    }

    #[test]
    fn long_divisors_are_euclids() {
        let common = numbers(300, 1);
        let (x, y) = (
            numbers(EUCLID + 900, 2) * &common,
            numbers(EUCLID + 700, 3) * &common,
        );
        let expected = (&x).gcd(&y);
        assert_eq!(divisor(x.clone(), y.clone()), expected);
        assert_eq!(divisor(y.clone(), x.clone()), expected);
        for (x, y) in [(x.clone(), y.clone()), (y, x)] {
            let (found, factor) = extended_divisor(x.clone(), y.clone());
            assert_eq!(found, expected);
            let rest = IBig::from(found) - factor * IBig::from(x);
            assert_eq!(rest % IBig::from(y), IBig::ZERO);
        }
        let multiple = numbers(EUCLID + 1, 4);
        assert_eq!(
            divisor(&multiple * UBig::from(6u8), multiple.clone()),
            multiple
        );
    }

    #[test]
    fn long_texts_are_read_as_they_were_written() {
        for base in [2, 3, 8, 10, 16, 36, 37, 62] {
            for words in [1, 2, TEXT - 1, TEXT + 1, 5 * TEXT + 3] {
                let x = numbers(words, u64::from(base));
                let mut digits = Vec::new();
                write_digits(x.clone(), base, &mut digits);
                if base <= 36 {
                    let expected = x.in_radix(base as u8).to_string();
                    assert!(
                        digits == expected.as_bytes(),
                        "{words} words in base {base}"
                    );
                }
                assert!(digits.len() == 1 || digits[0] != b'0');
                assert!(
                    read_digits(&digits, base) == x,
                    "{words} words in base {base}"
                );
            }
        }
    }

    #[test]
    fn long_powers_are_those_of_short_steps() {
        let (x, y) = (numbers(40, 1), numbers(3, 2));
        let m = numbers(DIVISOR + 2, 3);
        let mut expected = UBig::ONE;
        for bit in (0..y.bit_len()).rev() {
            expected = &expected * &expected % &m;
            if y.bit(bit) {
                expected = expected * &x % &m;
            }
        }
        assert_eq!(power_modulo(x.clone(), &y, m), expected);
        let m = numbers(900, 4);
        let short = ConstDivisor::new(m.clone());
        let expected = short.reduce(x.clone()).pow(&y).residue();
        assert_eq!(power_modulo(x, &y, m), expected);
        assert_eq!(power(&UBig::from(3u8), 1000), UBig::from(3u8).pow(1000));
    }
}
