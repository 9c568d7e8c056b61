//! Equality and hashing of values by their types.
//!
//! Values nest as deep as a script makes them (an interface holds a struct that holds an interface ...), so both walk
//! with a list of what is left to do, in Go's order: fields and elements from first to last, and the first difference ends the
//! comparison. Comparing interfaces that hold equal types without equality panics in Go; here the type is the error.

use std::ptr;

use smallvec::SmallVec;

use crate::moves;
use crate::objects::value::load_scalar;
use crate::types::{RuntimeType, Shape};

/// The type word of a type that has no equality.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Uncomparable(pub(crate) u64);

/// What is left to compare: `count` values of a type, one behind the other.
struct Work<'t> {
    ty: &'t RuntimeType,
    a: u64,
    b: u64,
    count: u64,
}

/// Whether two strings have the same bytes.
///
/// # Safety
/// Live strings.
#[inline(always)]
pub(crate) unsafe fn strings(a: (u64, u64), b: (u64, u64)) -> bool {
    // SAFETY: a string's bytes never change (INVARIANT BORDER).
    a.1 == b.1 && (a.0 == b.0 || unsafe { bytes(a.0, a.1) == bytes(b.0, b.1) })
}

/// A string's bytes.
///
/// # Safety
/// A live string that lives for `'a`.
#[inline(always)]
pub(crate) unsafe fn bytes<'a>(pointer: u64, length: u64) -> &'a [u8] {
    if length == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(pointer as *const u8, length as usize) }
}

/// Whether two interface values are equal.
///
/// # Errors
/// Go panics: they hold the same uncomparable type.
///
/// # Safety
/// Live interface values.
#[inline]
pub(crate) unsafe fn interfaces(a: (u64, u64), b: (u64, u64)) -> Result<bool, Uncomparable> {
    if a.0 != b.0 {
        return Ok(false);
    }
    // SAFETY: a type word.
    let Some(ty) = (unsafe { RuntimeType::from_word(a.0) }) else {
        return Ok(true);
    };
    match ty.shape {
        Shape::Plain => Ok(a.1 == b.1),
        Shape::Uncomparable => Err(Uncomparable(a.0)),
        // SAFETY: data words of interfaces that hold `ty`.
        _ => unsafe { data_words(ty, a.1, b.1) },
    }
}

/// Whether two data words of interfaces that hold `ty` are equal.
///
/// # Safety
/// As said.
unsafe fn data_words(ty: &RuntimeType, a: u64, b: u64) -> Result<bool, Uncomparable> {
    if ty.boxed || ty.slots > 1 {
        // SAFETY: data words of wide values are addresses of such values.
        return unsafe { memory(ty, a, b) };
    }
    if ty.slots == 0 {
        return Ok(true);
    }
    // A one-slot value: its bits, or a float's value.
    Ok(match one_slot_shape(ty) {
        Shape::Float32 | Shape::Float64 => f64::from_bits(a) == f64::from_bits(b),
        _ => a == b,
    })
}

/// The shape of the one scalar that a one-slot type is made of.
fn one_slot_shape(ty: &RuntimeType) -> Shape {
    let mut ty = ty;
    while ty.shape == Shape::Struct {
        let Some(inner) = (0..ty.fields.len())
            .map(|i| ty.field(i).0)
            .find(|f| f.slots == 1)
        else {
            return Shape::Plain;
        };
        ty = inner;
    }
    ty.shape
}

/// Whether the values of type `ty` in two runs of registers are equal.
///
/// # Errors
/// As [`interfaces`].
///
/// # Safety
/// Registers that hold such values.
pub(crate) unsafe fn registers(
    ty: &RuntimeType,
    a: *const u64,
    b: *const u64,
) -> Result<bool, Uncomparable> {
    // SAFETY: the caller's promise, here and below.
    unsafe {
        match ty.shape {
            Shape::Plain => return Ok(ty.slots == 0 || *a == *b),
            Shape::Float32 | Shape::Float64 => return Ok(f64::from_bits(*a) == f64::from_bits(*b)),
            Shape::String => return Ok(strings((*a, *a.add(1)), (*b, *b.add(1)))),
            Shape::Interface => return interfaces((*a, *a.add(1)), (*b, *b.add(1))),
            Shape::Uncomparable => return Err(Uncomparable(ty.word())),
            Shape::Struct | Shape::Array => {}
        }
        if ty.boxed {
            return memory(ty, *a, *b);
        }
        // A flat struct: at most four slots.
        let mut todo: SmallVec<[(&RuntimeType, usize); 8]> = SmallVec::new();
        todo.push((ty, 0));
        while let Some((ty, slot)) = todo.pop() {
            if ty.shape == Shape::Struct {
                for index in (0..ty.fields.len()).rev() {
                    let (inner, field) = ty.field(index);
                    if inner.slots > 0 && !is_blank(ty, index) {
                        todo.push((inner, slot + field.slot as usize));
                    }
                }
                continue;
            }
            let (x, y) = (a.add(slot), b.add(slot));
            let equal = match ty.shape {
                Shape::Float32 | Shape::Float64 => f64::from_bits(*x) == f64::from_bits(*y),
                Shape::String => strings((*x, *x.add(1)), (*y, *y.add(1))),
                Shape::Interface => interfaces((*x, *x.add(1)), (*y, *y.add(1)))?,
                Shape::Array => memory(ty, *x, *y)?,
                Shape::Uncomparable => return Err(Uncomparable(ty.word())),
                Shape::Plain | Shape::Struct => *x == *y,
            };
            if !equal {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Fields named `_` take no part in equality.
fn is_blank(ty: &RuntimeType, index: usize) -> bool {
    match ty.kind() {
        bytecode::TypeKind::Struct { fields } => fields[index].name == "_",
        _ => false,
    }
}

/// Whether two values of type `ty` in memory are equal.
///
/// # Errors
/// As [`interfaces`].
///
/// # Safety
/// Live script memory with such values.
pub(crate) unsafe fn memory(ty: &RuntimeType, a: u64, b: u64) -> Result<bool, Uncomparable> {
    let mut todo: SmallVec<[Work<'_>; 8]> = SmallVec::new();
    todo.push(Work { ty, a, b, count: 1 });
    while let Some(Work { ty, a, b, count }) = todo.pop() {
        if count == 0 {
            continue;
        }
        // SAFETY: the caller's promise; the parts of a value are values of their types.
        unsafe {
            let equal = match ty.shape {
                Shape::Plain => {
                    if !equal_bytes(a, b, count as usize * ty.size as usize) {
                        return Ok(false);
                    }
                    continue;
                }
                Shape::Float32 => {
                    f32::from_bits(moves::load32(a)) == f32::from_bits(moves::load32(b))
                }
                Shape::Float64 => {
                    f64::from_bits(moves::load64(a)) == f64::from_bits(moves::load64(b))
                }
                Shape::String => strings(moves::load128(a), moves::load128(b)),
                Shape::Interface => {
                    let (x, y) = (moves::load128(a), moves::load128(b));
                    match RuntimeType::from_word(x.0) {
                        _ if x.0 != y.0 => false,
                        None => true,
                        Some(inner) if inner.shape == Shape::Uncomparable => {
                            return Err(Uncomparable(x.0));
                        }
                        Some(inner) if inner.boxed || inner.slots > 1 => {
                            rest(&mut todo, ty, a, b, count);
                            todo.push(Work {
                                ty: inner,
                                a: x.1,
                                b: y.1,
                                count: 1,
                            });
                            continue;
                        }
                        Some(inner) => data_words(inner, x.1, y.1)?,
                    }
                }
                Shape::Array => {
                    rest(&mut todo, ty, a, b, count);
                    todo.push(Work {
                        ty: ty.element(),
                        a,
                        b,
                        count: ty.length,
                    });
                    continue;
                }
                Shape::Struct => {
                    rest(&mut todo, ty, a, b, count);
                    for index in (0..ty.fields.len()).rev() {
                        let (inner, field) = ty.field(index);
                        if !is_blank(ty, index) {
                            let offset = u64::from(field.offset);
                            todo.push(Work {
                                ty: inner,
                                a: a + offset,
                                b: b + offset,
                                count: 1,
                            });
                        }
                    }
                    continue;
                }
                Shape::Uncomparable => return Err(Uncomparable(ty.word())),
            };
            if !equal {
                return Ok(false);
            }
            rest(&mut todo, ty, a, b, count);
        }
    }
    Ok(true)
}

/// Notes the values behind the first.
fn rest<'t>(todo: &mut SmallVec<[Work<'t>; 8]>, ty: &'t RuntimeType, a: u64, b: u64, count: u64) {
    if count > 1 {
        let size = u64::from(ty.size);
        todo.push(Work {
            ty,
            a: a + size,
            b: b + size,
            count: count - 1,
        });
    }
}

/// Whether two pieces of plain memory are equal.
///
/// # Safety
/// Live script memory.
unsafe fn equal_bytes(a: u64, b: u64, size: usize) -> bool {
    let mut at = 0;
    // SAFETY: the caller's promise; both places are aligned alike, and 8-byte loads happen at multiples of 8 only.
    unsafe {
        if (a | b).is_multiple_of(8) {
            while at + 8 <= size {
                if moves::load64(a + at as u64) != moves::load64(b + at as u64) {
                    return false;
                }
                at += 8;
            }
        }
        while at < size {
            if moves::load8(a + at as u64) != moves::load8(b + at as u64) {
                return false;
            }
            at += 1;
        }
    }
    true
}

/// Mixes a word into a hash: a folded 64 by 64 bit multiplication.
#[inline(always)]
fn mix(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ word ^ 0x9E37_79B9_7F4A_7C15)
        * u128::from(0xD6E8_FEB8_6659_FD93u64 ^ hash.rotate_left(32));
    (product as u64) ^ (product >> 64) as u64
}

/// What of a float goes into a hash: equal values hash alike, NaNs each in its own way, so that many of them do not crowd one place of a map.
fn float_bits(value: f64) -> u64 {
    if value == 0.0 {
        0
    } else if value.is_nan() {
        super::map::nan_noise()
    } else {
        value.to_bits()
    }
}

/// Hash of the value of type `ty` at `place`.
///
/// # Errors
/// The type of an interface's contents that cannot be hashed.
///
/// # Safety
/// Live script memory with such a value.
pub(crate) unsafe fn hash(ty: &RuntimeType, place: u64, seed: u64) -> Result<u64, Uncomparable> {
    let mut hash = seed;
    let mut todo: SmallVec<[Work<'_>; 8]> = SmallVec::new();
    todo.push(Work {
        ty,
        a: place,
        b: 0,
        count: 1,
    });
    while let Some(Work { ty, a, count, .. }) = todo.pop() {
        if count == 0 {
            continue;
        }
        // SAFETY: the caller's promise.
        unsafe {
            match ty.shape {
                Shape::Plain => {
                    if ty.slots > 0 {
                        hash = mix(hash, load_scalar(ty.access, a as *const u8));
                    }
                }
                Shape::Float32 => {
                    hash = mix(
                        hash,
                        float_bits(f64::from(f32::from_bits(moves::load32(a)))),
                    )
                }
                Shape::Float64 => hash = mix(hash, float_bits(f64::from_bits(moves::load64(a)))),
                Shape::String => {
                    let (pointer, length) = moves::load128(a);
                    hash = mix_bytes(hash, bytes(pointer, length));
                }
                Shape::Interface => {
                    let (word, data) = moves::load128(a);
                    if let Some(inner) = RuntimeType::from_word(word) {
                        if inner.shape == Shape::Uncomparable {
                            return Err(Uncomparable(word));
                        }
                        hash = mix(hash, u64::from(inner.id.0) + 1);
                        if inner.boxed || inner.slots > 1 {
                            rest(&mut todo, ty, a, 0, count);
                            todo.push(Work {
                                ty: inner,
                                a: data,
                                b: 0,
                                count: 1,
                            });
                            continue;
                        }
                        if inner.slots == 1 {
                            let word = match one_slot_shape(inner) {
                                Shape::Float32 | Shape::Float64 => float_bits(f64::from_bits(data)),
                                _ => data,
                            };
                            hash = mix(hash, word);
                        }
                    }
                }
                Shape::Array => {
                    rest(&mut todo, ty, a, 0, count);
                    todo.push(Work {
                        ty: ty.element(),
                        a,
                        b: 0,
                        count: ty.length,
                    });
                    continue;
                }
                Shape::Struct => {
                    rest(&mut todo, ty, a, 0, count);
                    for index in (0..ty.fields.len()).rev() {
                        let (inner, field) = ty.field(index);
                        if !is_blank(ty, index) {
                            todo.push(Work {
                                ty: inner,
                                a: a + u64::from(field.offset),
                                b: 0,
                                count: 1,
                            });
                        }
                    }
                    continue;
                }
                Shape::Uncomparable => return Err(Uncomparable(ty.word())),
            }
        }
        rest(&mut todo, ty, a, 0, count);
    }
    Ok(mix(hash, seed))
}

/// [`hash`] of what an interface holds; of nil, the seed's.
///
/// # Errors
/// The type that cannot be hashed.
///
/// # Safety
/// The two words of an interface.
pub(crate) unsafe fn interface_hash(words: [u64; 2], seed: u64) -> Result<u64, Uncomparable> {
    // SAFETY: the caller's promise.
    let Some(ty) = (unsafe { RuntimeType::from_word(words[0]) }) else {
        return Ok(mix(seed, seed));
    };
    if ty.shape == Shape::Uncomparable {
        return Err(Uncomparable(words[0]));
    }
    if ty.boxed || ty.slots > 1 {
        // SAFETY: the data word of such a type is the address of the value.
        return unsafe { hash(ty, words[1], seed) };
    }
    let word = match one_slot_shape(ty) {
        Shape::Float32 | Shape::Float64 if ty.slots == 1 => float_bits(f64::from_bits(words[1])),
        _ if ty.slots == 0 => 0,
        _ => words[1],
    };
    Ok(mix(mix(seed, word), seed))
}

fn mix_bytes(mut hash: u64, bytes: &[u8]) -> u64 {
    let (words, tail) = bytes.as_chunks::<8>();
    for word in words {
        hash = mix(hash, u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..tail.len()].copy_from_slice(tail);
    mix(mix(hash, u64::from_le_bytes(last)), bytes.len() as u64)
}

/// The functions that maps with keys of type `key` use.
pub(crate) fn key_functions(key: &RuntimeType) -> crate::objects::map::KeyFunctions {
    /// # Safety
    /// `context` is a run-time type, `key` the place of such a value.
    unsafe fn hash_key(context: *const (), key: u64, seed: u64) -> Result<u64, u64> {
        // SAFETY: the caller's promise.
        unsafe { hash(&*context.cast::<RuntimeType>(), key, seed) }.map_err(|e| e.0)
    }
    /// # Safety
    /// As `hash_key`.
    unsafe fn equal_keys(context: *const (), a: u64, b: u64) -> bool {
        // Keys that were hashed are comparable all through.
        // SAFETY: the caller's promise.
        unsafe { memory(&*context.cast::<RuntimeType>(), a, b) }.unwrap_or(false)
    }
    crate::objects::map::KeyFunctions {
        context: ptr::from_ref(key).cast(),
        hash: hash_key,
        equal: equal_keys,
    }
}
