//! Natives of package math/big: kernels on magnitudes.
//!
//! A magnitude is a slice of words, the lowest first, without leading zeros; the golite side has the signs, the rules and the texts. What
//! takes a `z` first leaves its result there if it has room, as Go does. Small numbers stay on the native stack; for large ones the
//! algorithms are dashu's, which are subquadratic, and for those that take long our own on top of them, which end with their VM (`long.rs`).
//!
//! INVARIANT: operands are copied before `z` is written, so that all may be the same slice. The room that a result and the copies need is
//! asked for before anything is written.

mod long;
mod prime;
mod transform;

use dashu_int::{IBig, Sign, UBig};
use smallvec::{SmallVec, smallvec};
use vm::border::{GoSlice, GoStr};
use vm::native::{GoPanic, NativeContext, STRETCH, is_abandoned};
use vm::natives;

/// A magnitude in the script's heap.
type Nat<'h> = GoSlice<'h, u64>;

/// A magnitude of our own.
type Words = SmallVec<[u64; 16]>;

/// Words between two looks at whether anybody wants the rest.
const LOOK: usize = STRETCH / 8;

/// Whether nobody wants the rest of a long number any more; asked for each word, answered now and then.
fn ends_at(word: usize) -> bool {
    word % LOOK == LOOK - 1 && is_abandoned()
}

/// A copy; anything but zero, when nobody wants it any more.
fn words(x: Nat<'_>) -> Words {
    let mut copy = Words::with_capacity(x.len());
    for (at, word) in x.iter().enumerate() {
        if ends_at(at) {
            return smallvec![1];
        }
        copy.push(word);
    }
    copy
}

/// Stores words in a slice that has room for them, as far as anybody wants them.
fn fill(place: Nat<'_>, words: &[u64]) {
    for (at, part) in words.chunks(LOOK).enumerate() {
        let from = at * LOOK;
        place.slice(from..from + part.len()).copy_from(part);
        if part.len() == LOOK && is_abandoned() {
            return;
        }
    }
}

fn number(x: Nat<'_>) -> UBig {
    match x.len() {
        0 => UBig::ZERO,
        1 => UBig::from(x.get(0)),
        _ => UBig::from_words(&words(x)),
    }
}

fn trim(words: &[u64]) -> &[u64] {
    let used = words
        .iter()
        .rposition(|word| *word != 0)
        .map_or(0, |at| at + 1);
    &words[..used]
}

/// Asks for the room of `count` words and of working copies.
fn ask(context: &NativeContext<'_>, count: usize) -> Result<(), GoPanic> {
    /// Below this nothing is worth asking for.
    const LITTLE: usize = 1 << 10;
    /// More words than a slice can hold.
    const TOO_MANY: usize = 1 << 32;
    if count < LITTLE {
        return Ok(());
    }
    // More bytes than there are addresses for: no memory would do.
    if count > 1 << 45 {
        return Err(GoPanic::runtime("makeslice: len out of range"));
    }
    if count >= TOO_MANY {
        return Err(context.out_of_memory(count.saturating_mul(8)));
    }
    let product = count.next_power_of_two().min(transform::LONGEST);
    context.check_memory(count * 8 * 4 + product * 8 * transform::WORKING)
}

/// The words as a magnitude: in `z` if it has room.
fn put<'h>(context: &mut NativeContext<'h>, z: Nat<'h>, words: &[u64]) -> Result<Nat<'h>, GoPanic> {
    /// Room for numbers that grow.
    const SPARE: usize = 4;
    let words = trim(words);
    let place = if z.capacity() >= words.len() {
        z.with_len(words.len())
    } else {
        let capacity = if words.len() == 1 {
            1
        } else {
            words.len() + SPARE
        };
        context.new_slice(words.len(), capacity)?
    };
    fill(place, words);
    Ok(place)
}

fn compare_words(x: &[u64], y: &[u64]) -> std::cmp::Ordering {
    x.len()
        .cmp(&y.len())
        .then_with(|| x.iter().rev().cmp(y.iter().rev()))
}

fn compare(x: Nat<'_>, y: Nat<'_>) -> i64 {
    let order = x.len().cmp(&y.len()).then_with(|| {
        let differ = (0..x.len()).rev().find(|&at| x.get(at) != y.get(at));
        differ.map_or(std::cmp::Ordering::Equal, |at| x.get(at).cmp(&y.get(at)))
    });
    order as i64
}

fn add_words(x: &[u64], y: &[u64]) -> Words {
    let (long, short) = if x.len() < y.len() { (y, x) } else { (x, y) };
    let mut sum = Words::with_capacity(long.len() + 1);
    let mut carry = false;
    for (at, word) in long.iter().enumerate() {
        if ends_at(at) {
            break;
        }
        let (partial, first) = word.overflowing_add(short.get(at).copied().unwrap_or(0));
        let (total, second) = partial.overflowing_add(u64::from(carry));
        carry = first || second;
        sum.push(total);
    }
    if carry {
        sum.push(1);
    }
    sum
}

/// The difference of `x` and what is not larger.
fn subtract_words(x: &[u64], y: &[u64]) -> Words {
    let mut difference = Words::with_capacity(x.len());
    let mut borrow = false;
    for (at, word) in x.iter().enumerate() {
        if ends_at(at) {
            break;
        }
        let (partial, first) = word.overflowing_sub(y.get(at).copied().unwrap_or(0));
        let (left, second) = partial.overflowing_sub(u64::from(borrow));
        borrow = first || second;
        difference.push(left);
    }
    difference
}

/// The sum of two numbers with signs: magnitude and sign.
fn add<'h>(
    context: &mut NativeContext<'h>,
    z: Nat<'h>,
    x_negative: bool,
    x: Nat<'h>,
    y_negative: bool,
    y: Nat<'h>,
) -> Result<(Nat<'h>, bool), GoPanic> {
    ask(context, x.len().max(y.len()) + 1)?;
    let (x, y) = (words(x), words(y));
    let (sum, negative) = if x_negative == y_negative {
        (add_words(&x, &y), x_negative)
    } else if compare_words(&x, &y).is_lt() {
        (subtract_words(&y, &x), y_negative)
    } else {
        (subtract_words(&x, &y), x_negative)
    };
    let sum = put(context, z, &sum)?;
    Ok((sum, negative && !sum.is_empty()))
}

fn multiply<'h>(
    context: &mut NativeContext<'h>,
    z: Nat<'h>,
    x: Nat<'h>,
    y: Nat<'h>,
) -> Result<Nat<'h>, GoPanic> {
    if let (1, 1) = (x.len(), y.len()) {
        let product = u128::from(x.get(0)) * u128::from(y.get(0));
        return put(context, z, &[product as u64, (product >> 64) as u64]);
    }
    ask(context, x.len() + y.len())?;
    let product = long::product(&number(x), &number(y));
    put(context, z, product.as_words())
}

/// Quotient and remainder; the divisor is not zero.
fn divide<'h>(
    context: &mut NativeContext<'h>,
    z: Nat<'h>,
    rest: Nat<'h>,
    x: Nat<'h>,
    y: Nat<'h>,
) -> Result<(Nat<'h>, Nat<'h>), GoPanic> {
    if y.is_empty() {
        return Err(GoPanic::text("division by zero"));
    }
    if x.len() <= 1 && y.len() == 1 {
        let (x, y) = (if x.is_empty() { 0 } else { x.get(0) }, y.get(0));
        return Ok((put(context, z, &[x / y])?, put(context, rest, &[x % y])?));
    }
    ask(context, x.len() + y.len())?;
    let (quotient, remainder) = long::divide(number(x), &number(y));
    Ok((
        put(context, z, quotient.as_words())?,
        put(context, rest, remainder.as_words())?,
    ))
}

fn shift_left<'h>(
    context: &mut NativeContext<'h>,
    z: Nat<'h>,
    x: Nat<'h>,
    count: u64,
) -> Result<Nat<'h>, GoPanic> {
    if x.is_empty() {
        return put(context, z, &[]);
    }
    let whole = usize::try_from(count / 64).unwrap_or(usize::MAX);
    ask(context, x.len().saturating_add(whole).saturating_add(1))?;
    let bits = (count % 64) as u32;
    let mut shifted = Words::with_capacity(x.len() + whole + 1);
    shifted.resize(whole, 0);
    let mut carry = 0;
    for (at, word) in x.iter().enumerate() {
        if ends_at(at) {
            break;
        }
        shifted.push(word << bits | carry);
        carry = word.unbounded_shr(64 - bits);
    }
    shifted.push(carry);
    put(context, z, &shifted)
}

fn shift_right<'h>(
    context: &mut NativeContext<'h>,
    z: Nat<'h>,
    x: Nat<'h>,
    count: u64,
) -> Result<Nat<'h>, GoPanic> {
    let whole = usize::try_from(count / 64).unwrap_or(usize::MAX);
    if whole >= x.len() {
        return put(context, z, &[]);
    }
    ask(context, x.len())?;
    let bits = (count % 64) as u32;
    let mut shifted = Words::with_capacity(x.len() - whole);
    for at in whole..x.len() {
        if ends_at(at) {
            break;
        }
        let above = if at + 1 < x.len() { x.get(at + 1) } else { 0 };
        shifted.push(x.get(at) >> bits | above.unbounded_shl(64 - bits));
    }
    put(context, z, &shifted)
}

/// The number in two's complement, `count` words long.
fn complement(negative: bool, x: Nat<'_>, count: usize) -> Words {
    let mut out = words(x);
    out.resize(count, 0);
    if negative {
        negate(&mut out);
    }
    out
}

fn negate(words: &mut [u64]) {
    let mut carry = true;
    for (at, word) in words.iter_mut().enumerate() {
        if ends_at(at) {
            return;
        }
        (*word, carry) = (!*word).overflowing_add(u64::from(carry));
    }
}

/// Bitwise operations on numbers with signs: 0 and, 1 or, 2 exclusive or, 3 and not.
fn bitwise<'h>(
    context: &mut NativeContext<'h>,
    z: Nat<'h>,
    operation: i64,
    x_negative: bool,
    x: Nat<'h>,
    y_negative: bool,
    y: Nat<'h>,
) -> Result<(Nat<'h>, bool), GoPanic> {
    let count = x.len().max(y.len()) + 1;
    ask(context, count)?;
    let x = complement(x_negative, x, count);
    let y = complement(y_negative, y, count);
    let mut out = Words::with_capacity(count);
    for (at, (x, y)) in x.iter().zip(&y).enumerate() {
        if ends_at(at) {
            break;
        }
        out.push(match operation {
            0 => x & y,
            1 => x | y,
            2 => x ^ y,
            _ => x & !y,
        });
    }
    let negative = out.last().is_some_and(|word| word >> 63 != 0);
    if negative {
        negate(&mut out);
    }
    Ok((put(context, z, &out)?, negative))
}

/// Bits of a power that takes no time to speak of.
const SHORT: usize = 1 << 18;

/// `x` to the power of `y`, both not zero.
fn power<'h>(
    context: &mut NativeContext<'h>,
    z: Nat<'h>,
    x: Nat<'h>,
    y: Nat<'h>,
) -> Result<Nat<'h>, GoPanic> {
    let base = number(x);
    if base == UBig::ONE {
        return put(context, z, &[1]);
    }
    let exponent = match y.len() {
        1 => usize::try_from(y.get(0)).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    let bits = base.as_words().len() * 64
        - base
            .as_words()
            .last()
            .map_or(0, |w| w.leading_zeros() as usize);
    ask(context, bits.saturating_mul(exponent) / 64 + 1)?;
    let result = match bits.saturating_mul(exponent) < SHORT {
        true => base.pow(exponent),
        false => long::power(&base, exponent),
    };
    put(context, z, result.as_words())
}

/// `x` to the power of `y`, modulo `m`, which is not zero.
fn power_modulo<'h>(
    context: &mut NativeContext<'h>,
    z: Nat<'h>,
    x: Nat<'h>,
    y: Nat<'h>,
    m: Nat<'h>,
) -> Result<Nat<'h>, GoPanic> {
    ask(context, x.len() + y.len() + 4 * m.len())?;
    if m.len() == 1 && m.get(0) == 1 {
        return put(context, z, &[]);
    }
    let result = long::power_modulo(number(x), &number(y), number(m));
    put(context, z, result.as_words())
}

fn square_root<'h>(
    context: &mut NativeContext<'h>,
    z: Nat<'h>,
    x: Nat<'h>,
) -> Result<Nat<'h>, GoPanic> {
    ask(context, x.len())?;
    put(context, z, long::root(&number(x)).0.as_words())
}

fn greatest_divisor<'h>(
    context: &mut NativeContext<'h>,
    z: Nat<'h>,
    x: Nat<'h>,
    y: Nat<'h>,
) -> Result<Nat<'h>, GoPanic> {
    ask(context, x.len() + y.len())?;
    put(context, z, long::divisor(number(x), number(y)).as_words())
}

/// The greatest common divisor of two numbers above zero, and the factor of the first, with its sign, in their sum.
fn extended_divisor<'h>(
    context: &mut NativeContext<'h>,
    x: Nat<'h>,
    y: Nat<'h>,
) -> Result<(Vec<u64>, Vec<u64>, bool), GoPanic> {
    ask(context, 2 * (x.len() + y.len()))?;
    let (x, y) = (number(x), number(y));
    let (divisor, factor) = long::extended_divisor(x, y.clone());
    // Of all factors the one nearest to zero, as Euclid's algorithm finds it.
    let period = long::divide(y, &divisor).0;
    let (sign, factor) = factor.into_parts();
    let mut factor = IBig::from_parts(sign, long::divide(factor, &period).1);
    let period = IBig::from(period);
    let doubled: IBig = &factor * IBig::from(2);
    if doubled > period {
        factor -= &period;
    } else if -doubled > period {
        factor += &period;
    }
    let (sign, factor) = factor.into_parts();
    Ok((
        divisor.as_words().to_vec(),
        factor.as_words().to_vec(),
        sign == Sign::Negative,
    ))
}

fn text<'h>(context: &mut NativeContext<'h>, x: Nat<'h>, base: i64) -> Result<GoStr<'h>, GoPanic> {
    let base = base.clamp(2, 62) as u32;
    if x.is_empty() {
        return context.new_string(b"0");
    }
    if let (1, 10) = (x.len(), base) {
        return context.new_string(x.get(0).to_string().as_bytes());
    }
    ask(context, x.len() * 16)?;
    let mut out = Vec::new();
    long::write_digits(number(x), base, &mut out);
    context.new_string(&out)
}

/// The number that digits of a base make; there are no other characters in them.
fn parse<'h>(
    context: &mut NativeContext<'h>,
    z: Nat<'h>,
    digits: GoStr<'h>,
    base: i64,
) -> Result<Nat<'h>, GoPanic> {
    let base = base.clamp(2, 62) as u32;
    ask(context, digits.len() / 8)?;
    put(context, z, long::read_digits(&digits, base).as_words())
}

fn from_bytes<'h>(
    context: &mut NativeContext<'h>,
    z: Nat<'h>,
    bytes: GoSlice<'h, u8>,
) -> Result<Nat<'h>, GoPanic> {
    ask(context, bytes.len() / 8 + 1)?;
    let mut words = Words::with_capacity(bytes.len() / 8 + 1);
    // The last bytes are the lowest.
    let mut end = bytes.len();
    while end > 0 && !is_abandoned() {
        let start = end.saturating_sub(STRETCH);
        let part = bytes.slice(start..end).to_vec();
        words.extend(part.rchunks(8).map(|chunk| {
            chunk
                .iter()
                .fold(0, |word, byte| word << 8 | u64::from(*byte))
        }));
        end = start;
    }
    put(context, z, &words)
}

/// Writes the number, big-endian, into the whole of `bytes`; false if it is too long.
fn to_bytes(x: Nat<'_>, bytes: GoSlice<'_, u8>) -> bool {
    // What does not fit is found before anything is written.
    let room = bytes.len();
    let needed = match x.len().checked_sub(1) {
        Some(last) => last * 8 + (64 - x.get(last).leading_zeros() as usize).div_ceil(8),
        None => 0,
    };
    if needed > room {
        return false;
    }
    // The last bytes are the lowest.
    let mut end = room;
    while end > 0 && !is_abandoned() {
        let start = end.saturating_sub(STRETCH);
        let mut part = vec![0; end - start];
        let from = (room - end) / 8;
        for (chunk, at) in part.rchunks_mut(8).zip(from..x.len()) {
            let bytes = x.get(at).to_be_bytes();
            let skipped = bytes.len() - chunk.len();
            chunk.copy_from_slice(&bytes[skipped..]);
        }
        bytes.slice(start..end).copy_from(&part);
        end = start;
    }
    true
}

fn is_prime(x: Nat<'_>, rounds: i64) -> Result<bool, GoPanic> {
    match prime::is_probable(&number(x), rounds) {
        Some(answer) => Ok(answer),
        None => Err(GoPanic::text(
            "not supported yet: ProbablyPrime of a number of more than 262144 bits",
        )),
    }
}

/// The product of all numbers from `a` to `b`, above zero.
fn product_of_range<'h>(
    context: &mut NativeContext<'h>,
    z: Nat<'h>,
    a: u64,
    b: u64,
) -> Result<Nat<'h>, GoPanic> {
    let count = usize::try_from(b.saturating_sub(a)).unwrap_or(usize::MAX);
    let bits = 64 - b.leading_zeros() as usize;
    ask(
        context,
        count.saturating_add(1).saturating_mul(bits) / 64 + 1,
    )?;
    // Products of pieces of like length, as a tree: the pieces below are finished first.
    let mut done: Vec<(UBig, u32)> = Vec::new();
    let mut next = a;
    loop {
        let mut piece = UBig::ONE;
        let end = next.saturating_add(31).min(b);
        for factor in next..=end {
            piece *= factor;
        }
        let mut level = 0;
        while let Some((below, _)) = done.pop_if(|(_, depth)| *depth == level) {
            piece = long::product(&piece, &below);
            level += 1;
        }
        done.push((piece, level));
        if end == b || is_abandoned() {
            break;
        }
        next = end + 1;
    }
    let product = done
        .into_iter()
        .rev()
        .fold(UBig::ONE, |x, (y, _)| long::product(&x, &y));
    put(context, z, product.as_words())
}

natives! {
    pure "compare" => compare;
    pure "add" => add;
    pure "multiply" => multiply;
    pure "divide" => divide;
    pure "shiftLeft" => shift_left;
    pure "shiftRight" => shift_right;
    pure "bitwise" => bitwise;
    pure "power" => power;
    pure "powerModulo" => power_modulo;
    pure "squareRoot" => square_root;
    pure "greatestDivisor" => greatest_divisor;
    pure "extendedDivisor" => extended_divisor;
    pure "text" => text;
    pure "parse" => parse;
    pure "fromBytes" => from_bytes;
    pure "toBytes" => to_bytes;
    pure "isPrime" => is_prime;
    pure "productOfRange" => product_of_range;
}
