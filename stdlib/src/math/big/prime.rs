//! Whether a number is prime: trial division, Miller and Rabin's test, a strong Lucas test (Baillie and Wagstaff's method).

use dashu_int::UBig;
use dashu_int::fast_div::ConstDivisor;
use dashu_int::modular::Reduced;
use dashu_int::ops::{BitTest, SquareRoot};
use vm::native::is_abandoned;

const SMALL: [u64; 25] = [
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
];

/// Words of the longest numbers that are tested by more than small factors: one step of a test takes milliseconds, and there is one for each bit.
const LONGEST: usize = 1 << 12;

/// Whether the number is prime: surely, if it is below 2^64; above with an error below 4^-rounds for any number, and none is known
/// for which it is wrong. `None`: it is too long. When nobody wants the answer any more it is any.
pub fn is_probable(n: &UBig, rounds: i64) -> Option<bool> {
    has_known_answer(n).or_else(|| (n.as_words().len() <= LONGEST).then(|| passes(n, rounds)))
}

/// The answer for numbers that are small or have a small factor.
fn has_known_answer(n: &UBig) -> Option<bool> {
    if let Ok(small) = u64::try_from(n)
        && small < 10_000
    {
        return Some(
            small > 1
                && SMALL
                    .iter()
                    .take_while(|prime| **prime * **prime <= small)
                    .all(|prime| small % prime != 0),
        );
    }
    SMALL.iter().any(|prime| n % *prime == 0).then_some(false)
}

/// Whether the number passes the tests.
fn passes(n: &UBig, rounds: i64) -> bool {
    let ring = ConstDivisor::new(n.clone());
    let strong = |base: &UBig| is_strong(n, &ring, base);
    if !strong(&UBig::from(2u8)) || !is_lucas(n, &ring) {
        return false;
    }
    // Bases from a generator that the number seeds: the answer is the same each time.
    let mut state = n.as_words().iter().fold(rounds as u64, |state, word| {
        (state ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    });
    (0..rounds).all(|_| {
        let words: Vec<u64> = n
            .as_words()
            .iter()
            .map(|_| {
                state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut mixed = state;
                mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
                mixed ^ mixed >> 31
            })
            .collect();
        let base = UBig::from_words(&words) % (n - UBig::from(3u8)) + UBig::from(2u8);
        strong(&base)
    })
}

/// A power in a ring, bit by bit, so that somebody can ask in between.
fn power<'r>(base: &Reduced<'r>, exponent: &UBig, ring: &'r ConstDivisor) -> Reduced<'r> {
    /// Words of numbers whose powers take no time to speak of.
    const SHORT: usize = 64;
    if exponent.as_words().len() <= SHORT {
        return base.pow(exponent);
    }
    let mut result = ring.reduce(UBig::ONE);
    for bit in (0..exponent.bit_len()).rev() {
        result = result.sqr();
        if exponent.bit(bit) {
            result *= base;
        }
        if is_abandoned() {
            break;
        }
    }
    result
}

/// Miller and Rabin's test of an odd number to one base.
fn is_strong(n: &UBig, ring: &ConstDivisor, base: &UBig) -> bool {
    let last = n - UBig::ONE;
    let twos = last.trailing_zeros().unwrap_or(0);
    let exponent = &last >> twos;
    let mut x = power(&ring.reduce(base.clone()), &exponent, ring);
    let one = ring.reduce(UBig::ONE);
    let minus_one = ring.reduce(last);
    if x == one || x == minus_one {
        return true;
    }
    for _ in 1..twos {
        x = x.sqr();
        if is_abandoned() || x == minus_one {
            return true;
        }
    }
    false
}

/// The strong Lucas test with Selfridge's parameters: P is 1, D the first of 5, -7, 9, ... whose Jacobi symbol is -1.
fn is_lucas(n: &UBig, ring: &ConstDivisor) -> bool {
    let root = n.sqrt();
    if &root * &root == *n {
        return false;
    }
    let mut d: i64 = 5;
    loop {
        let symbol = jacobi(d, n);
        if symbol == -1 {
            break;
        }
        if symbol == 0 && UBig::from(d.unsigned_abs()) % n != UBig::ZERO {
            return false;
        }
        d = if d > 0 { -d - 2 } else { -d + 2 };
    }
    let residue = |value: i64| {
        let magnitude = ring.reduce(UBig::from(value.unsigned_abs()));
        if value < 0 { -magnitude } else { magnitude }
    };
    let q = residue((1 - d) / 4);
    let discriminant = residue(d);
    let zero = ring.reduce(UBig::ZERO);
    // The inverse of 2, n being odd.
    let half = ring.reduce((n + UBig::ONE) >> 1);

    let index = n + UBig::ONE;
    let twos = index.trailing_zeros().unwrap_or(0);
    let odd = &index >> twos;
    let (mut u, mut v, mut power) = (residue(1), residue(1), q.clone());
    for bit in (0..odd.bit_len() - 1).rev() {
        if is_abandoned() {
            return false;
        }
        u *= &v;
        v = v.sqr() - (&power + &power);
        power = power.sqr();
        if odd.bit(bit) {
            let next = (&u + &v) * &half;
            v = (&discriminant * &u + &v) * &half;
            u = next;
            power *= &q;
        }
    }
    if u == zero || v == zero {
        return true;
    }
    for _ in 1..twos {
        v = v.sqr() - (&power + &power);
        if v == zero {
            return true;
        }
        power = power.sqr();
    }
    false
}

/// The Jacobi symbol of a small number over an odd one.
fn jacobi(d: i64, n: &UBig) -> i32 {
    let mut sign = 1;
    let low = n % 8u64;
    let mut a = d.unsigned_abs();
    if d < 0 && low % 4 == 3 {
        sign = -sign;
    }
    // |d| is odd: one step of reciprocity leaves machine numbers.
    if a % 4 == 3 && low % 4 == 3 {
        sign = -sign;
    }
    let mut m = a;
    a = n % m;
    while a != 0 {
        while a.is_multiple_of(2) {
            a /= 2;
            if matches!(m % 8, 3 | 5) {
                sign = -sign;
            }
        }
        std::mem::swap(&mut a, &mut m);
        if a % 4 == 3 && m % 4 == 3 {
            sign = -sign;
        }
        a %= m;
    }
    if m == 1 { sign } else { 0 }
}
