//! Keys: how they are hashed, compared and put into slots.
//!
//! Of a hash the lowest 7 bits are the *tag*, which stands in the control byte; the highest choose the table and the group. Scalar keys
//! begin with a hash that keeps neighbours together ([`hash_nearby`]); one that scatters takes its place in a map whose keys crowd under it
//! ([`SCATTERED`] in the seed).

use super::{MapError, MapType, SCATTERED};
use crate::moves::{self, load64, load128, store64, store128};

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
const MULTIPLIER_2: u64 = 0xe703_7ed1_a0b4_28db;

/// Bits of a hash that stand in the control byte.
pub(super) const TAG: u64 = 0x7f;

/// The two halves of the product, folded.
#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

/// A hash of one word; all bits depend on all bits of both.
#[inline(always)]
pub fn hash_word(word: u64, seed: u64) -> u64 {
    fold(word ^ seed, MULTIPLIER)
}

/// A hash that keeps eight neighbouring words in one group, with different lowest bits, and spreads such blocks evenly: the multiples of the golden
/// ratio divide the circle into parts of at most three lengths, and go on doing so at every scale. So runs of numbers, and most
/// series of equal steps, fill all groups alike, better than chance would.
#[inline(always)]
fn hash_nearby(word: u64, seed: u64) -> u64 {
    // The seed turns the circle.
    let turned = word.wrapping_add(seed);
    let place = (turned >> 3).wrapping_mul(MULTIPLIER);
    // Low bits of a product depend on few bits of its factors.
    place ^ place >> 32 ^ turned & 7
}

/// The hash of a word key.
#[inline(always)]
pub(super) fn hash_of_word(word: u64, seed: u64) -> u64 {
    if seed & SCATTERED == 0 {
        hash_nearby(word, seed)
    } else {
        hash_word(word, seed)
    }
}

/// A hash of bytes that nobody writes to (a string's).
///
/// # Safety
/// `length` readable bytes at `pointer`.
#[inline(always)]
pub unsafe fn hash_bytes(pointer: u64, length: u64, seed: u64) -> u64 {
    // SAFETY: each read lies in the bytes, by the conditions around it.
    unsafe {
        let word = |at: u64| (at as *const u64).read_unaligned();
        let half = |at: u64| (at as *const u32).read_unaligned() as u64;
        let (a, b) = match length {
            17.. => return hash_long(pointer, length, seed),
            8.. => (word(pointer), word(pointer + length - 8)),
            4.. => (half(pointer), half(pointer + length - 4)),
            1.. => {
                let byte = |at: u64| *((pointer + at) as *const u8) as u64;
                (byte(0) | byte(length / 2) << 8, byte(length - 1))
            }
            0 => (0, 0),
        };
        fold(
            a ^ seed,
            b ^ MULTIPLIER_2 ^ seed.rotate_left(32) ^ length << 56,
        )
    }
}

/// # Safety
/// As for [`hash_bytes`]; more than 16 bytes.
#[inline(never)]
unsafe fn hash_long(pointer: u64, length: u64, seed: u64) -> u64 {
    // SAFETY: each read lies in the bytes.
    unsafe {
        let word = |at: u64| (at as *const u64).read_unaligned();
        let last = pointer + length - 16;
        let (mut at, mut first, mut second) = (pointer, seed, seed ^ MULTIPLIER_2);
        while at + 16 < last {
            first = fold(word(at) ^ first, word(at + 8) ^ MULTIPLIER);
            second = fold(word(at + 16) ^ second, word(at + 24) ^ MULTIPLIER_2);
            at += 32;
        }
        // What is left, if anything, begins before `last` or lies in the last 16 bytes.
        if at < last {
            first = fold(word(at) ^ first, word(at + 8) ^ MULTIPLIER);
        }
        second = fold(word(last) ^ second, word(last + 8) ^ MULTIPLIER_2);
        fold(first ^ second ^ length, MULTIPLIER_2 ^ seed)
    }
}

/// A key in the hand of an operation.
pub(super) trait Key: Copy {
    /// An entry whose key is found again gets the new key (they may differ, as +0 and -0 do).
    const REPLACED: bool;
    /// Its hash scatters only on demand.
    const CAN_SCATTER: bool = false;
    /// It is put where its tag says, if that slot of its group is free ([`super::probe_word`]).
    const HAS_PLACE: bool = false;
    /// Its hash.
    unsafe fn hash(self, ty: &MapType, seed: u64) -> Result<u64, MapError>;
    /// Whether it equals the key of a slot.
    unsafe fn equals(self, ty: &MapType, slot: u64) -> bool;
    /// Puts it into a slot.
    unsafe fn store(self, ty: &MapType, slot: u64);
    /// The key of a slot.
    unsafe fn load(slot: u64) -> Self;
}

#[derive(Clone, Copy)]
pub(super) struct Word(pub(super) u64);

impl Key for Word {
    const REPLACED: bool = false;
    const CAN_SCATTER: bool = true;
    const HAS_PLACE: bool = true;
    #[inline(always)]
    unsafe fn hash(self, _: &MapType, seed: u64) -> Result<u64, MapError> {
        Ok(hash_of_word(self.0, seed))
    }
    #[inline(always)]
    unsafe fn equals(self, _: &MapType, slot: u64) -> bool {
        // SAFETY: a slot begins with its key, a word.
        unsafe { load64(slot) == self.0 }
    }
    #[inline(always)]
    unsafe fn store(self, _: &MapType, slot: u64) {
        // SAFETY: as above. The word may be a reference.
        unsafe { moves::store_reference(slot, self.0) }
    }
    #[inline(always)]
    unsafe fn load(slot: u64) -> Word {
        // SAFETY: as above.
        Word(unsafe { moves::load_reference(slot) })
    }
}

#[derive(Clone, Copy)]
pub(super) struct Float(pub(super) f64);

impl Key for Float {
    const REPLACED: bool = true;
    #[inline(always)]
    unsafe fn hash(self, _: &MapType, seed: u64) -> Result<u64, MapError> {
        Ok(if self.0.is_nan() {
            // Nobody will look for it; what matters is that many of them do not crowd one place.
            hash_word(nan_noise(), seed)
        } else {
            // +0 and -0 are one key.
            hash_word(if self.0 == 0.0 { 0 } else { self.0.to_bits() }, seed)
        })
    }
    #[inline(always)]
    unsafe fn equals(self, _: &MapType, slot: u64) -> bool {
        // SAFETY: a slot begins with its key, a word.
        f64::from_bits(unsafe { load64(slot) }) == self.0
    }
    #[inline(always)]
    unsafe fn store(self, _: &MapType, slot: u64) {
        // SAFETY: as above.
        unsafe { store64(slot, self.0.to_bits()) }
    }
    #[inline(always)]
    unsafe fn load(slot: u64) -> Float {
        // SAFETY: as above.
        Float(f64::from_bits(unsafe { load64(slot) }))
    }
}

/// A number that differs from call to call, for the hashes of NaNs.
pub fn nan_noise() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static CALLS: AtomicU64 = AtomicU64::new(0);
    // ORDERING: relaxed. Any number will do.
    hash_word(CALLS.fetch_add(1, Ordering::Relaxed), MULTIPLIER_2)
}

/// Whether two strings of one length are equal.
///
/// # Safety
/// `length` readable bytes at both, which nobody writes to.
#[inline(always)]
unsafe fn equal_bytes(a: u64, b: u64, length: u64) -> bool {
    // SAFETY: each read lies in the bytes, by the conditions around it.
    unsafe {
        let words = |at: u64| {
            (a.wrapping_add(at) as *const u64).read_unaligned()
                == (b.wrapping_add(at) as *const u64).read_unaligned()
        };
        let halves = |at: u64| {
            (a.wrapping_add(at) as *const u32).read_unaligned()
                == (b.wrapping_add(at) as *const u32).read_unaligned()
        };
        match length {
            17.. => {
                std::slice::from_raw_parts(a as *const u8, length as usize)
                    == std::slice::from_raw_parts(b as *const u8, length as usize)
            }
            8.. => words(0) && words(length - 8),
            4.. => halves(0) && halves(length - 4),
            _ => (0..length).all(|at| *((a + at) as *const u8) == *((b + at) as *const u8)),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Text {
    pub(super) pointer: u64,
    pub(super) length: u64,
}

impl Key for Text {
    const REPLACED: bool = false;
    #[inline(always)]
    unsafe fn hash(self, _: &MapType, seed: u64) -> Result<u64, MapError> {
        // SAFETY: a string of the script; its bytes are never written again.
        Ok(unsafe { hash_bytes(self.pointer, self.length, seed) })
    }
    #[inline(always)]
    unsafe fn equals(self, _: &MapType, slot: u64) -> bool {
        // SAFETY: a slot begins with its key, a string; strings are valid and immutable.
        unsafe {
            let (pointer, length) = load128(slot);
            length == self.length
                && (pointer == self.pointer || equal_bytes(pointer, self.pointer, length))
        }
    }
    #[inline(always)]
    unsafe fn store(self, _: &MapType, slot: u64) {
        // SAFETY: as above.
        unsafe { store128(slot, self.pointer, self.length) }
    }
    #[inline(always)]
    unsafe fn load(slot: u64) -> Text {
        // SAFETY: as above.
        let (pointer, length) = unsafe { load128(slot) };
        Text { pointer, length }
    }
}

/// A key in heap layout at this address.
#[derive(Clone, Copy)]
pub(super) struct Memory(pub(super) u64);

impl Key for Memory {
    const REPLACED: bool = true;
    unsafe fn hash(self, ty: &MapType, seed: u64) -> Result<u64, MapError> {
        // SAFETY: the key is one of the type the functions are for.
        unsafe { (ty.functions.hash)(ty.functions.context, self.0, seed) }
            .map_err(MapError::Unhashable)
    }
    unsafe fn equals(self, ty: &MapType, slot: u64) -> bool {
        // SAFETY: as above; a slot begins with its key.
        unsafe { (ty.functions.equal)(ty.functions.context, self.0, slot) }
    }
    unsafe fn store(self, ty: &MapType, slot: u64) {
        // SAFETY: both are keys of the type.
        unsafe { moves::copy(slot, self.0, ty.key_size as usize) }
    }
    unsafe fn load(slot: u64) -> Memory {
        Memory(slot)
    }
}

/// Calls a function for the kind of key of a map type.
macro_rules! by_kind {
    ($ty:expr, $key:expr, |$k:ident| $body:expr) => {
        match $ty.kind {
            KeyKind::Word => {
                let $k = Word::load($key);
                $body
            }
            KeyKind::Float64 => {
                let $k = Float::load($key);
                $body
            }
            KeyKind::String => {
                let $k = Text::load($key);
                $body
            }
            KeyKind::Memory => {
                let $k = Memory($key);
                $body
            }
        }
    };
}
pub(super) use by_kind;
