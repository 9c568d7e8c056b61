//! Script maps: Go's semantics, in the script heap.
//!
//! # Layout
//! A map is an object of 64 bytes (see [`CONTROL`] and the offsets after it). It refers to two objects:
//!
//! * *slots*: a power of two of equal slots, each a key and its value in heap layout (a [`KeyKind::Word`] key takes a
//!   whole 8-byte word that holds its register's value, whatever its type's width);
//! * *control*: a byte per slot: empty, deleted, or the top bit and 7 bits of the key's hash. Bytes are looked at 16
//!   at a time (a *group*), aligned.
//!
//! A key's other hash bits choose the group to start at; further groups follow in triangular steps; a group with an
//! empty byte ends the search. So a lookup compares 16 bytes at once, and nearly always touches no slot but the right
//! one. Tables of more than one group are filled to 7/8, then rebuilt at twice the size (or the same, if deleted
//! slots are what fills them). A table of up to 8 entries has 8 slots and a group whose other bytes say "absent".
//!
//! Maps with [`KeyKind::Word`] keys begin with a hash that puts neighbouring keys into neighbouring groups: programs
//! mostly use runs of numbers, which then stay in the processor's caches. A set of keys that crowds under it is noticed
//! by an insertion that must pass [`CROWDED`] full groups; the map is then rebuilt with a hash that scatters
//! ([`SCATTERED`] in its seed), and stays so.
//!
//! # Races
//! Scripts may race on maps. Go's *fatal errors* are found by a flag that writers set, as in Go: best effort. What is
//! certain is memory:
//!
//! INVARIANT (WHOLE): a map's `control` reference lies with its mask in one 16-byte unit, the `slots` reference with
//! its capacity in another, and each is loaded and stored whole. The objects' sizes never change. The number of a group is
//! masked by *its* mask, a slot number compared with *its* capacity; the two units may be of different tables in a
//! race, which gives wrong answers and no wrong accesses. Keys and values are moved by whole units only.
//!
//! # Iteration
//! An iterator remembers the table it started with and walks it once around from a random slot (of a map without entries it has nothing). As long as the map
//! still has that table, what it finds is yielded. After the map was rebuilt, the old table is a frozen list of
//! candidates: each key is looked up, and yielded as the map has it now, or not at all. A key that is not equal to
//! itself (NaN) cannot be looked up, nor deleted except by `clear`, and is yielded from the old table unless the map
//! was cleared since. So each entry comes at most once, deleted ones never, and new ones perhaps, as Go says.
//!
//! GO: internal/runtime/maps (groups, control bytes, iteration over old tables), with 16 slots instead of 8, slots
//! apart from control bytes, and no directory.
//!
//! *(Rejected: entries in order of insertion with an index of numbers: two dependent loads at random places for each
//! hit.)*

use bytecode::SlotKind;

use crate::heap::{Cache, OutOfMemory, Planner, Shape, Site};
use crate::moves::{self, load8, load32, load64, load128, store8, store32, store64, store128};

/// Offset of {reference to the control bytes, mask}; the mask makes the number of a group's first control byte of a hash's upper bits.
const CONTROL: u64 = 0;
/// Offset of {reference to the slots, their number}.
const SLOTS: u64 = 16;
/// Offset of the number of entries.
const COUNT: u64 = 32;
/// Offset of how many empty slots may still be filled.
const ROOM: u64 = 40;
/// Offset of the hash seed.
const SEED: u64 = 48;
/// Offset of the writer flag (32 bits).
const WRITER: u64 = 56;
/// Offset of how often the map was cleared (32 bits).
const CLEARED: u64 = 60;
const MAP_BYTES: usize = 64;

/// Offsets in an iterator.
mod iterator {
    /// The map; 0 for the nil map.
    pub const MAP: u64 = 0;
    /// The control bytes it walks.
    pub const CONTROL: u64 = 8;
    /// The slots it walks.
    pub const SLOTS: u64 = 16;
    /// How many of them.
    pub const CAPACITY: u64 = 24;
    /// Where it started.
    pub const START: u64 = 32;
    /// How many slots it has passed.
    pub const PASSED: u64 = 40;
    /// The map's `CLEARED` when it started.
    pub const CLEARED: u64 = 48;
    pub const BYTES: usize = 64;
}

/// Set in the seed of a map whose word keys are scattered.
const SCATTERED: u64 = 1;
/// So many full groups in a row mean that the keys crowd, as long as a quarter of the slots is free: a scattering hash would meet them once in 10^8
/// insertions. In a fuller table only many more do.
const CROWDED: u64 = 10;
const VERY_CROWDED: u64 = 64;

/// How often the start of an iteration is drawn, times the groups per entry: seldom too seldom.
const DRAWS: u64 = 16;

/// Slots of a group.
const GROUP: u64 = 16;
/// Slots of the smallest table.
const SMALLEST: u64 = 8;

/// A control byte of a slot never used since the table was built. Fresh memory is empty.
const EMPTY: u8 = 0;
/// A control byte of a slot whose entry was deleted while searches went past it.
const DELETED: u8 = 1;
/// A control byte without a slot.
const ABSENT: u8 = 2;
/// Set in the control bytes of entries.
const FULL: u8 = 0x80;

/// The low bits of a hash, of which the tag is made; the mask of a table chooses a group by the others.
const TAG_BITS: u32 = 8;

/// How the keys of a map type are compared and hashed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyKind {
    /// One register slot, compared by its bits: bool, all integers, pointers, channels.
    Word,
    /// `float64`: 8 bytes; +0 equals -0, NaN nothing.
    Float64,
    String,
    /// Everything else (`float32`, interfaces, structs, arrays): by [`KeyFunctions`].
    Memory,
}

/// Hash and equality of keys in heap layout, for [`KeyKind::Memory`].
#[derive(Clone, Copy, Debug)]
pub struct KeyFunctions {
    /// Handed to the functions: the key's run-time type.
    pub context: *const (),
    /// Hash of the key at an address; equal keys have equal hashes; all 64 bits should depend on all of the key and
    /// the seed (see [`hash_word`], [`hash_bytes`]); NaN should hash to something else each time. `Err(type word)` if
    /// it holds an unhashable dynamic type.
    pub hash: unsafe fn(context: *const (), key: u64, seed: u64) -> Result<u64, u64>,
    /// Whether the keys at two addresses are equal. Only called for keys that have a hash.
    pub equal: unsafe fn(context: *const (), a: u64, b: u64) -> bool,
}

/// What the maps of one type have in common.
#[derive(Clone, Debug)]
pub struct MapType {
    pub kind: KeyKind,
    /// Bytes of a key in a slot.
    pub key_size: u32,
    /// Where the value is in a slot.
    pub value_offset: u32,
    pub value_size: u32,
    /// Bytes of a slot.
    pub stride: u32,
    pub functions: KeyFunctions,
    slots: Shape,
    map: Site,
    iterator: Site,
}

// SAFETY: the functions' context is a pinned run-time type, immutable and shared by all threads (contract of
// `MapType::new`).
unsafe impl Send for MapType {}
// SAFETY: as above.
unsafe impl Sync for MapType {}

impl MapType {
    /// A map type with these keys and values: sizes and alignments in bytes, and the words that hold references or interface
    /// data. The heap layout of [`KeyKind::Word`] and [`KeyKind::Float64`] keys is one 8-byte
    /// word, whatever is said of their size and alignment.
    ///
    /// `functions` must be callable from every thread for as long as maps of the type live.
    #[expect(
        clippy::too_many_arguments,
        reason = "the layout of two types; called in one place"
    )]
    pub fn new(
        plan: &impl Planner,
        kind: KeyKind,
        key_size: u32,
        key_align: u32,
        key_words: &[(u32, SlotKind)],
        value_size: u32,
        value_align: u32,
        value_words: &[(u32, SlotKind)],
        functions: KeyFunctions,
    ) -> MapType {
        let one_word = matches!(kind, KeyKind::Word | KeyKind::Float64);
        let (key_size, key_align) = if one_word {
            (8, 8)
        } else {
            (key_size, key_align)
        };
        let align = key_align.max(value_align).max(1);
        // A value without size stands at the slot's start, so that its address stays in the object.
        let value_offset = if value_size == 0 {
            0
        } else {
            key_size.next_multiple_of(value_align.max(1))
        };
        let stride = key_size
            .max(value_offset + value_size)
            .next_multiple_of(align)
            .max(1);
        let mut words = key_words.to_vec();
        words.extend(
            value_words
                .iter()
                .map(|(word, kind)| (word + value_offset / 8, *kind)),
        );
        let slots = plan.shape(&words, stride);
        MapType {
            kind,
            key_size,
            value_offset,
            value_size,
            stride,
            functions,
            slots,
            map: plan.site(
                plan.shape(
                    &[CONTROL, SLOTS].map(|offset| ((offset / 8) as u32, SlotKind::Ref)),
                    MAP_BYTES as u32,
                ),
                MAP_BYTES,
            ),
            iterator: plan.site(
                plan.shape(
                    &[iterator::MAP, iterator::CONTROL, iterator::SLOTS]
                        .map(|offset| ((offset / 8) as u32, SlotKind::Ref)),
                    iterator::BYTES as u32,
                ),
                iterator::BYTES,
            ),
        }
    }
}

/// Why a map operation failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MapError {
    /// `fatal error: concurrent map writes`
    ConcurrentWrites,
    /// `fatal error: concurrent map read and map write`
    ConcurrentReadAndWrite,
    /// `fatal error: concurrent map iteration and map write`
    ConcurrentIterationAndWrite,
    /// `panic: runtime error: hash of unhashable type T`, with T's type word.
    Unhashable(u64),
    /// `fatal error: out of memory`
    OutOfMemory,
}

impl From<OutOfMemory> for MapError {
    fn from(_: OutOfMemory) -> MapError {
        MapError::OutOfMemory
    }
}

// ---- keys ----

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
const MULTIPLIER_2: u64 = 0xe703_7ed1_a0b4_28db;

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

/// What chooses the group of a word in a map with this seed. Mostly neighbours keep together: it is the word's own bits, with higher ones folded in
/// so that multiples of powers of two spread too.
#[inline(always)]
fn place_of_word(word: u64, seed: u64) -> u64 {
    let seeded = word ^ seed;
    if seed & SCATTERED == 0 {
        let folded = seeded ^ seeded >> 32;
        folded ^ folded >> 15
    } else {
        // The upper bits of the product depend on most bits of the word.
        seeded.wrapping_mul(MULTIPLIER).swap_bytes()
    }
}

/// The control byte of a word: bits of a product that are not among the lower ones of a scattered place.
#[inline(always)]
fn tag_of_word(word: u64, seed: u64) -> u8 {
    ((word ^ seed).wrapping_mul(MULTIPLIER) >> 16) as u8 | FULL
}

/// A hash of bytes that nobody writes to (a string's).
///
/// # Safety
/// `length` readable bytes at `pointer`.
#[inline]
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
        fold(fold(a ^ seed, b ^ MULTIPLIER) ^ length, MULTIPLIER_2 ^ seed)
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
trait Key: Copy {
    /// An entry whose key is found again gets the new key (they may differ, as +0 and -0 do).
    const REPLACED: bool;
    /// Its hash scatters only on demand.
    const CAN_SCATTER: bool = false;
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
struct Word(u64);

impl Key for Word {
    const REPLACED: bool = false;
    const CAN_SCATTER: bool = true;
    #[inline(always)]
    unsafe fn hash(self, _: &MapType, seed: u64) -> Result<u64, MapError> {
        Ok(place_of_word(self.0, seed) << TAG_BITS | u64::from(tag_of_word(self.0, seed)))
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
struct Float(f64);

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

#[derive(Clone, Copy)]
struct Text {
    pointer: u64,
    length: u64,
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
                && (pointer == self.pointer
                    || length == 0
                    || std::slice::from_raw_parts(pointer as *const u8, length as usize)
                        == std::slice::from_raw_parts(self.pointer as *const u8, length as usize))
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
struct Memory(u64);

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

// ---- groups ----

/// Compares the 16 control bytes at `group` with `byte` and with [`EMPTY`]; bit `i` of a result belongs to byte `i`.
///
/// # Safety
/// `group` is 16-aligned and lies in live script memory.
#[inline(always)]
unsafe fn match_group(group: u64, byte: u8) -> (u32, u32) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        let (matches, empty): (u32, u32);
        // SAFETY: reads 16 bytes of valid memory; assembly, because others may write them (see `moves`).
        unsafe {
            std::arch::asm!(
                "movdqa {bytes}, xmmword ptr [{group}]",
                "movd {wanted}, {byte:e}",
                "pshufd {wanted}, {wanted}, 0",
                "pxor {zero}, {zero}",
                "pcmpeqb {wanted}, {bytes}",
                "pcmpeqb {zero}, {bytes}",
                "pmovmskb {matches:e}, {wanted}",
                "pmovmskb {empty:e}, {zero}",
                bytes = out(xmm_reg) _,
                wanted = out(xmm_reg) _,
                zero = out(xmm_reg) _,
                group = in(reg) group,
                byte = in(reg) byte as u32 * 0x0101_0101,
                matches = lateout(reg) matches,
                empty = lateout(reg) empty,
                options(nostack, preserves_flags, readonly),
            );
        }
        (matches, empty)
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    {
        // SAFETY: by the contract.
        let (low, high) = unsafe { load128(group) };
        let (mut matches, mut empty) = (0, 0);
        for (index, found) in low
            .to_le_bytes()
            .into_iter()
            .chain(high.to_le_bytes())
            .enumerate()
        {
            matches |= u32::from(found == byte) << index;
            empty |= u32::from(found == EMPTY) << index;
        }
        (matches, empty)
    }
}

/// Which of the 16 control bytes at `group` belong to entries.
///
/// # Safety
/// As for [`match_group`].
#[inline(always)]
unsafe fn full_in_group(group: u64) -> u32 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        let full: u32;
        // SAFETY: as in `match_group`.
        unsafe {
            std::arch::asm!(
                "movdqa {bytes}, xmmword ptr [{group}]",
                "pmovmskb {full:e}, {bytes}",
                bytes = out(xmm_reg) _,
                group = in(reg) group,
                full = lateout(reg) full,
                options(nostack, preserves_flags, readonly),
            );
        }
        full
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    {
        // SAFETY: by the contract.
        let (low, high) = unsafe { load128(group) };
        low.to_le_bytes()
            .into_iter()
            .chain(high.to_le_bytes())
            .enumerate()
            .fold(0, |full, (i, byte)| full | u32::from(byte >> 7) << i)
    }
}

/// A map's table, each half loaded whole.
#[derive(Clone, Copy)]
struct Table {
    control: u64,
    /// Control bytes minus a group's.
    mask: u64,
    slots: u64,
    capacity: u64,
}

impl Table {
    /// # Safety
    /// `map` is a map.
    #[inline(always)]
    unsafe fn load(map: u64) -> Table {
        // SAFETY: the two units of a map (INVARIANT WHOLE).
        let ((control, mask), (slots, capacity)) =
            unsafe { (load128(map + CONTROL), load128(map + SLOTS)) };
        Table {
            control,
            mask,
            slots,
            capacity,
        }
    }

    /// Whether there is a table yet. In a race, one half may be there already.
    #[inline(always)]
    fn is_none(self) -> bool {
        self.control == 0 || self.slots == 0
    }

    /// The number of the slot with this key.
    ///
    /// # Safety
    /// The table, which is there, is of a map of type `ty`.
    #[inline(always)]
    unsafe fn find<K: Key>(self, ty: &MapType, key: K, hash: u64) -> Option<u64> {
        let tag = hash as u8 | FULL;
        let mut group = (hash >> TAG_BITS) & self.mask;
        let mut step = 0;
        loop {
            // SAFETY: the group is masked by the mask that belongs to the control bytes.
            let (mut matches, empty) = unsafe { match_group(self.control + group, tag) };
            while matches != 0 {
                let slot = group + matches.trailing_zeros() as u64;
                if slot < self.capacity {
                    // SAFETY: the slot number is below the capacity that belongs to the slots.
                    if unsafe { key.equals(ty, self.slots + slot * ty.stride as u64) } {
                        return Some(slot);
                    }
                }
                matches &= matches - 1;
            }
            step += GROUP;
            if empty != 0 || step > self.mask {
                return None;
            }
            group = (group + step) & self.mask;
        }
    }

    /// The number of the first free slot on this hash's way, whether it is empty (not deleted), and how many full groups
    /// lie before it.
    ///
    /// # Safety
    /// As for [`Table::find`].
    #[inline(always)]
    unsafe fn find_free(self, hash: u64) -> Option<(u64, bool, u64)> {
        let mut group = (hash >> TAG_BITS) & self.mask;
        let mut step = 0;
        loop {
            // SAFETY: as in `find`.
            let (deleted, empty) = unsafe { match_group(self.control + group, DELETED) };
            if deleted | empty != 0 {
                let bit = (deleted | empty).trailing_zeros();
                let slot = group + bit as u64;
                let passed = step / GROUP;
                return (slot < self.capacity).then_some((slot, empty >> bit & 1 != 0, passed));
            }
            step += GROUP;
            if step > self.mask {
                return None;
            }
            group = (group + step) & self.mask;
        }
    }

    /// # Safety
    /// The slot is below the capacity, and the control byte exists (found through this table).
    #[inline(always)]
    unsafe fn set_control(self, slot: u64, byte: u8) {
        // SAFETY: by the contract.
        unsafe { store8(self.control + slot, byte) }
    }

    /// How many entries a table with this capacity takes before it is rebuilt.
    fn room(capacity: u64) -> u64 {
        // A single group may fill up: a search ends after one group anyway.
        if capacity <= GROUP {
            capacity
        } else {
            capacity / 8 * 7
        }
    }

    /// A new empty table.
    fn new(cache: &mut Cache, ty: &MapType, capacity: u64) -> Result<Table, OutOfMemory> {
        cache.may_refuse()?;
        let groups = capacity.div_ceil(GROUP);
        let slots = cache
            .allocate_array(ty.slots, capacity, ty.stride as u64)?
            .get();
        let control = cache.allocate_array(Shape::SCALAR, groups, GROUP)?.get();
        for absent in capacity..groups * GROUP {
            // SAFETY: the control bytes were just allocated.
            unsafe { store8(control + absent, ABSENT) };
        }
        Ok(Table {
            control,
            mask: (groups - 1) * GROUP,
            slots,
            capacity,
        })
    }

    /// Makes it the table of a map.
    ///
    /// # Safety
    /// `map` is a map of this table's type.
    unsafe fn publish(self, map: u64) {
        // SAFETY: the two units of a map (INVARIANT WHOLE).
        unsafe {
            store128(map + SLOTS, self.slots, self.capacity);
            store128(map + CONTROL, self.control, self.mask);
        }
    }

    /// The smallest capacity for this many entries; 0 (decided later) if that is absurd.
    fn capacity_for(entries: u64) -> u64 {
        match entries {
            0..=SMALLEST => SMALLEST,
            9..=GROUP => GROUP,
            _ => entries
                .checked_mul(8)
                .map_or(0, |n| n.div_ceil(7))
                .checked_next_power_of_two()
                .unwrap_or(0),
        }
    }
}

// ---- the writer flag ----

/// Enters a map as its only writer.
///
/// # Safety
/// `map` is a map.
#[inline(always)]
unsafe fn begin_write(map: u64) -> Result<(), MapError> {
    // SAFETY: a field of a map.
    unsafe {
        if load32(map + WRITER) != 0 {
            return Err(MapError::ConcurrentWrites);
        }
        store32(map + WRITER, 1);
    }
    Ok(())
}

/// Leaves a map.
///
/// # Safety
/// `map` is a map.
#[inline(always)]
unsafe fn end_write(map: u64) -> Result<(), MapError> {
    // SAFETY: a field of a map.
    unsafe {
        if load32(map + WRITER) == 0 {
            return Err(MapError::ConcurrentWrites);
        }
        store32(map + WRITER, 0);
    }
    Ok(())
}

// ---- operations ----

/// A new map with room for `hint` entries; the reference is the map value.
///
/// # Errors
/// If there is no memory.
pub fn make(cache: &mut Cache, ty: &MapType, hint: u64) -> Result<u64, MapError> {
    let seed = cache.random();
    let map = cache.allocate(ty.map)?.get();
    // SAFETY: the map was just allocated.
    unsafe { store64(map + SEED, seed & !SCATTERED) };
    if hint > SMALLEST {
        let capacity = Table::capacity_for(hint);
        // As in Go, an impossible hint is no hint.
        if capacity
            .checked_mul(ty.stride as u64)
            .is_some_and(|bytes| 0 < bytes && bytes < 1 << 46)
        {
            let table = Table::new(cache, ty, capacity)?;
            // SAFETY: as above.
            unsafe {
                store64(map + ROOM, Table::room(capacity));
                table.publish(map);
            }
        }
    }
    Ok(map)
}

/// The number of entries; 0 for the nil map.
///
/// # Safety
/// `map` is 0 or a map.
#[inline(always)]
pub unsafe fn len(map: u64) -> u64 {
    if map == 0 {
        return 0;
    }
    // SAFETY: a field of a map.
    unsafe { load64(map + COUNT) }
}

/// The address of the value for a key, or 0 if there is none or the map is nil. Good until the next safepoint.
///
/// # Errors
/// If another goroutine is writing to the map.
///
/// # Safety
/// `map` is 0 or a map of type `ty`, whose kind is [`KeyKind::Word`].
#[inline(always)]
pub unsafe fn get_word(map: u64, ty: &MapType, key: u64) -> Result<u64, MapError> {
    // SAFETY: by the contract.
    unsafe { get_with(map, ty, Word(key)) }
}

/// Bytes of a slot of a word key and a word value, which has its value at half of it.
pub const WORDS: u64 = 16;

/// What a glance at the group of a key tells.
pub enum Glance {
    /// The address of its value.
    Entry(u64),
    Absent,
    /// It must be looked for: [`get_word`].
    Unknown,
}

/// Looks at the group of a key in a map of words to words: nearly always that is all there is to do.
///
/// # Safety
/// `map` is 0 or a map whose keys are of kind [`KeyKind::Word`] and whose slots have [`WORDS`] bytes.
#[inline(always)]
pub unsafe fn glance(map: u64, key: u64) -> Glance {
    if map == 0 {
        return Glance::Absent;
    }
    // SAFETY: fields of a map; the group is masked by the mask of the control bytes, the slot number compared with the capacity (INVARIANT WHOLE).
    unsafe {
        if load32(map + WRITER) != 0 {
            return Glance::Unknown;
        }
        let (control, mask) = load128(map + CONTROL);
        if control == 0 {
            return Glance::Absent;
        }
        let seed = load64(map + SEED);
        let group = place_of_word(key, seed) & mask;
        let (mut matches, empty) = match_group(control + group, tag_of_word(key, seed));
        if matches != 0 {
            let (slots, capacity) = load128(map + SLOTS);
            while matches != 0 {
                let number = group + matches.trailing_zeros() as u64;
                let slot = slots + number * WORDS;
                if number < capacity && load64(slot) == key {
                    return Glance::Entry(slot + WORDS / 2);
                }
                matches &= matches - 1;
            }
        }
        if empty != 0 {
            Glance::Absent
        } else {
            Glance::Unknown
        }
    }
}

/// [`get_word`] for the string of `length` bytes at `pointer`.
///
/// # Errors
/// If another goroutine is writing to the map.
///
/// # Safety
/// `map` is 0 or a map of type `ty`, whose kind is [`KeyKind::String`]; the string is a script's.
#[inline]
pub unsafe fn get_string(
    map: u64,
    ty: &MapType,
    pointer: u64,
    length: u64,
) -> Result<u64, MapError> {
    // SAFETY: by the contract.
    unsafe { get_with(map, ty, Text { pointer, length }) }
}

/// [`get_word`] for a key of any kind, in the layout of a slot, at the address `key` (in script memory or the
/// caller's own; aligned as in a slot).
///
/// # Errors
/// If another goroutine is writing to the map, or the key is unhashable (even for the nil map, as in Go).
///
/// # Safety
/// `map` is 0 or a map of type `ty`; `key` is the address of a key of it.
pub unsafe fn get(map: u64, ty: &MapType, key: u64) -> Result<u64, MapError> {
    // SAFETY: by the contract.
    unsafe {
        if map == 0 && ty.kind == KeyKind::Memory {
            Memory(key).hash(ty, 0)?;
        }
        by_kind!(ty, key, |key| get_with(map, ty, key))
    }
}

/// # Safety
/// As for [`get`].
#[inline(always)]
unsafe fn get_with<K: Key>(map: u64, ty: &MapType, key: K) -> Result<u64, MapError> {
    // SAFETY: by the contract.
    unsafe {
        if map == 0 {
            return Ok(0);
        }
        if load32(map + WRITER) != 0 {
            return Err(MapError::ConcurrentReadAndWrite);
        }
        let hash = key.hash(ty, load64(map + SEED))?;
        let table = Table::load(map);
        if table.is_none() {
            return Ok(0);
        }
        Ok(match table.find(ty, key, hash) {
            Some(slot) => table.slots + slot * ty.stride as u64 + ty.value_offset as u64,
            None => 0,
        })
    }
}

/// The address of the value for a key, which is inserted with a zero value if there is none. The caller stores or
/// updates the value there before the next safepoint.
///
/// # Errors
/// If another goroutine is writing to the map, or there is no memory.
///
/// # Safety
/// `map` is a map of type `ty`, whose kind is [`KeyKind::Word`]; not 0 (writing to a nil map panics, which is the
/// caller's work).
#[inline]
pub unsafe fn assign_word(
    cache: &mut Cache,
    map: u64,
    ty: &MapType,
    key: u64,
) -> Result<u64, MapError> {
    // SAFETY: by the contract.
    unsafe { assign_with(cache, map, ty, Word(key)) }
}

/// [`assign_word`] for the string of `length` bytes at `pointer`.
///
/// # Errors
/// If another goroutine is writing to the map, or there is no memory.
///
/// # Safety
/// `map` is a map of type `ty`, whose kind is [`KeyKind::String`], and not 0; the string is a script's.
#[inline]
pub unsafe fn assign_string(
    cache: &mut Cache,
    map: u64,
    ty: &MapType,
    pointer: u64,
    length: u64,
) -> Result<u64, MapError> {
    // SAFETY: by the contract.
    unsafe { assign_with(cache, map, ty, Text { pointer, length }) }
}

/// [`assign_word`] for a key of any kind, given as to [`get`].
///
/// # Errors
/// If another goroutine is writing to the map, the key is unhashable, or there is no memory.
///
/// # Safety
/// `map` is a map of type `ty`, and not 0; `key` is the address of a key of it.
pub unsafe fn assign(cache: &mut Cache, map: u64, ty: &MapType, key: u64) -> Result<u64, MapError> {
    // SAFETY: by the contract.
    unsafe { by_kind!(ty, key, |key| assign_with(cache, map, ty, key)) }
}

/// # Safety
/// As for [`assign`].
#[inline(always)]
unsafe fn assign_with<K: Key>(
    cache: &mut Cache,
    map: u64,
    ty: &MapType,
    key: K,
) -> Result<u64, MapError> {
    // SAFETY: by the contract.
    unsafe {
        let hash = key.hash(ty, load64(map + SEED))?;
        begin_write(map)?;
        let table = Table::load(map);
        let found = if table.is_none() {
            None
        } else {
            table.find(ty, key, hash)
        };
        let slot = match found {
            Some(number) => {
                let slot = table.slots + number * ty.stride as u64;
                if K::REPLACED {
                    key.store(ty, slot);
                }
                slot
            }
            None => match insert(cache, map, ty, table, key, hash) {
                Ok(slot) => slot,
                Err(error) => {
                    let _ = end_write(map);
                    return Err(error);
                }
            },
        };
        end_write(map)?;
        Ok(slot + ty.value_offset as u64)
    }
}

/// Inserts a key that is not there, with a zero value; returns its slot.
///
/// # Safety
/// As for [`assign`]; the caller is the map's writer; `table` is its table.
#[inline(never)]
unsafe fn insert<K: Key>(
    cache: &mut Cache,
    map: u64,
    ty: &MapType,
    mut table: Table,
    key: K,
    mut hash: u64,
) -> Result<u64, MapError> {
    // SAFETY: by the contract.
    unsafe {
        let mut room = load64(map + ROOM);
        let free = if table.is_none() {
            None
        } else {
            table.find_free(hash)
        };
        let seed = load64(map + SEED);
        let crowds = |passed: u64| {
            let limit = if room > table.capacity / 8 {
                CROWDED
            } else {
                VERY_CROWDED
            };
            K::CAN_SCATTER && seed & SCATTERED == 0 && passed >= limit
        };
        let (number, was_empty) = match free {
            Some((number, was_empty, passed)) if (!was_empty || room > 0) && !crowds(passed) => {
                (number, was_empty)
            }
            _ => {
                if free.is_some_and(|(_, _, passed)| crowds(passed)) {
                    store64(map + SEED, seed | SCATTERED);
                    hash = key.hash(ty, seed | SCATTERED)?;
                }
                table = match rebuild::<K>(cache, map, ty, table) {
                    Ok(table) => table,
                    Err(error) => {
                        // The old table stays, with its hashes.
                        store64(map + SEED, seed);
                        return Err(error);
                    }
                };
                room = load64(map + ROOM);
                // Only a race can leave no room: another writer fills the same table.
                let (number, was_empty, _) =
                    table.find_free(hash).ok_or(MapError::ConcurrentWrites)?;
                (number, was_empty)
            }
        };
        let slot = table.slots + number * ty.stride as u64;
        key.store(ty, slot);
        table.set_control(number, hash as u8 | FULL);
        if was_empty {
            store64(map + ROOM, room.saturating_sub(1));
        }
        store64(map + COUNT, load64(map + COUNT).wrapping_add(1));
        Ok(slot)
    }
}

/// Gives the map a table with room for at least one more entry, and returns it.
///
/// # Safety
/// As for [`insert`].
#[cold]
#[inline(never)]
unsafe fn rebuild<K: Key>(
    cache: &mut Cache,
    map: u64,
    ty: &MapType,
    old: Table,
) -> Result<Table, MapError> {
    // SAFETY: by the contract.
    unsafe {
        let (mut count, seed) = (0, load64(map + SEED));
        let new = if old.is_none() {
            Table::new(cache, ty, SMALLEST)?
        } else {
            let capacity = old.capacity.min(old.mask + GROUP);
            let entries = load64(map + COUNT);
            // If at most half of what the table takes are entries, the rest is deleted slots, and the size will do.
            let wanted = if capacity > GROUP && entries <= Table::room(capacity) / 2 {
                capacity
            } else {
                capacity.checked_mul(2).ok_or(MapError::OutOfMemory)?
            };
            let new = Table::new(cache, ty, wanted)?;
            let (mut group, mut pace) = (0, crate::native::Pace::default());
            while group < capacity {
                // A table that is half filled is not published.
                if pace.is_over_after((GROUP * u64::from(ty.stride)) as usize) {
                    return Err(MapError::OutOfMemory);
                }
                let mut full = full_in_group(old.control + group);
                while full != 0 {
                    let number = group + full.trailing_zeros() as u64;
                    full &= full - 1;
                    if number >= capacity {
                        break;
                    }
                    let from = old.slots + number * ty.stride as u64;
                    let hash = K::load(from).hash(ty, seed)?;
                    // Only a race can make the table overflow.
                    let (free, _, _) = new.find_free(hash).ok_or(MapError::ConcurrentWrites)?;
                    new.set_control(free, hash as u8 | FULL);
                    moves::copy(
                        new.slots + free * ty.stride as u64,
                        from,
                        ty.stride as usize,
                    );
                    count += 1;
                }
                group += GROUP;
            }
            new
        };
        store64(map + ROOM, Table::room(new.capacity).saturating_sub(count));
        new.publish(map);
        Ok(new)
    }
}

/// Deletes a key, given as to [`get`]; nothing if it is not there or the map is nil.
///
/// # Errors
/// If another goroutine is writing to the map, or the key is unhashable.
///
/// # Safety
/// As for [`get`].
pub unsafe fn delete(map: u64, ty: &MapType, key: u64) -> Result<(), MapError> {
    // SAFETY: by the contract.
    unsafe {
        if map == 0 {
            if ty.kind == KeyKind::Memory {
                Memory(key).hash(ty, 0)?;
            }
            return Ok(());
        }
        by_kind!(ty, key, |key| delete_with(map, ty, key))
    }
}

/// # Safety
/// As for [`get`]; `map != 0`.
#[inline]
unsafe fn delete_with<K: Key>(map: u64, ty: &MapType, key: K) -> Result<(), MapError> {
    // SAFETY: by the contract.
    unsafe {
        let hash = key.hash(ty, load64(map + SEED))?;
        begin_write(map)?;
        let table = Table::load(map);
        if !table.is_none()
            && let Some(number) = table.find(ty, key, hash)
        {
            moves::zero(table.slots + number * ty.stride as u64, ty.stride as usize);
            // No search has gone past a group with an empty slot, so none needs to be told that it must go on here.
            let (_, empty) = match_group(table.control + number / GROUP * GROUP, EMPTY);
            if empty != 0 || table.mask == 0 {
                table.set_control(number, EMPTY);
                store64(map + ROOM, load64(map + ROOM).wrapping_add(1));
            } else {
                table.set_control(number, DELETED);
            }
            store64(map + COUNT, load64(map + COUNT).wrapping_sub(1));
        }
        end_write(map)
    }
}

/// Removes all entries; nothing for the nil map.
///
/// # Errors
/// If another goroutine is writing to the map.
///
/// # Safety
/// `map` is 0 or a map of type `ty`.
pub unsafe fn clear(map: u64, ty: &MapType) -> Result<(), MapError> {
    if map == 0 {
        return Ok(());
    }
    // SAFETY: by the contract.
    unsafe {
        begin_write(map)?;
        let table = Table::load(map);
        if !table.is_none() {
            // Control bytes first: an iterator then finds no entry rather than a zeroed one.
            let bytes = table.mask + GROUP;
            let capacity = table.capacity.min(bytes);
            moves::zero(table.control, capacity as usize);
            moves::zero(table.slots, (table.capacity * ty.stride as u64) as usize);
            store64(map + ROOM, Table::room(capacity));
        }
        store64(map + COUNT, 0);
        store32(map + CLEARED, load32(map + CLEARED).wrapping_add(1));
        end_write(map)
    }
}

/// A new iterator over a map, from a random place: an object for [`next`].
///
/// # Errors
/// If another goroutine is writing to the map, or there is no memory.
///
/// # Safety
/// `map` is 0 or a map of type `ty`.
pub unsafe fn iterate(cache: &mut Cache, map: u64, ty: &MapType) -> Result<u64, MapError> {
    let mut start = cache.random();
    let iterator = cache.allocate(ty.iterator)?.get();
    if map == 0 {
        return Ok(iterator);
    }
    // SAFETY: by the contract; the iterator was just allocated.
    unsafe {
        if load32(map + WRITER) != 0 {
            return Err(MapError::ConcurrentIterationAndWrite);
        }
        let table = Table::load(map);
        let count = load64(map + COUNT);
        if !table.is_none() && count != 0 {
            // In a race the halves may be of different tables.
            let capacity = table.capacity.min(table.mask + GROUP);
            // A start without an entry in the rest of its group is drawn again. If the walk went on from there, the entry behind the longest gap would
            // be the most likely one, and a program that takes entries out one by one would make that gap ever longer.
            for _ in 0..DRAWS * (1 + capacity / GROUP / count) {
                let number = start & (capacity - 1);
                let full = full_in_group(table.control + number / GROUP * GROUP);
                if full >> (number % GROUP) != 0 {
                    break;
                }
                start = cache.random();
            }
            moves::store_reference(iterator + iterator::MAP, map);
            moves::store_reference(iterator + iterator::CONTROL, table.control);
            moves::store_reference(iterator + iterator::SLOTS, table.slots);
            store64(iterator + iterator::CAPACITY, capacity);
            store64(iterator + iterator::START, start & (capacity - 1));
            store64(iterator + iterator::CLEARED, load32(map + CLEARED) as u64);
        }
        Ok(iterator)
    }
}

/// The addresses of the next entry's key and value, or `None` at the end. Good until the next safepoint.
///
/// # Errors
/// If another goroutine is writing to the map.
///
/// # Safety
/// `iterator` was made by [`iterate`] for a map of type `ty`, and only this goroutine uses it.
#[inline]
pub unsafe fn next(iterator: u64, ty: &MapType) -> Result<Option<(u64, u64)>, MapError> {
    // SAFETY: the iterator's fields are as `iterate` and `next` left them.
    unsafe {
        let map = load64(iterator + iterator::MAP);
        if map == 0 {
            return Ok(None);
        }
        if load32(map + WRITER) != 0 {
            return Err(MapError::ConcurrentIterationAndWrite);
        }
        let control = load64(iterator + iterator::CONTROL);
        let slots = load64(iterator + iterator::SLOTS);
        let capacity = load64(iterator + iterator::CAPACITY);
        let start = load64(iterator + iterator::START);
        let mut passed = load64(iterator + iterator::PASSED);
        while passed < capacity {
            let number = (start + passed) & (capacity - 1);
            // The rest of this slot's group.
            let in_group = number % GROUP.min(capacity);
            let full = full_in_group(control + number / GROUP * GROUP) >> in_group;
            if full == 0 {
                passed += GROUP.min(capacity) - in_group;
                continue;
            }
            let distance = full.trailing_zeros() as u64;
            passed += distance + 1;
            if passed > capacity {
                break;
            }
            let slot = slots + (number + distance) * ty.stride as u64;
            let found = if load64(map + SLOTS) == slots {
                Some(slot)
            } else {
                current(map, iterator, ty, slot)?
            };
            if let Some(slot) = found {
                store64(iterator + iterator::PASSED, passed);
                return Ok(Some((slot, slot + ty.value_offset as u64)));
            }
        }
        store64(iterator + iterator::PASSED, capacity);
        Ok(None)
    }
}

/// The slot that the map, since rebuilt, has for the key of a slot in the iterator's old table.
///
/// # Safety
/// As for [`next`].
#[cold]
#[inline(never)]
unsafe fn current(
    map: u64,
    iterator: u64,
    ty: &MapType,
    old: u64,
) -> Result<Option<u64>, MapError> {
    // SAFETY: by the contract.
    unsafe {
        by_kind!(ty, old, |key| {
            let hash = key.hash(ty, load64(map + SEED))?;
            let table = Table::load(map);
            if let Some(number) = table.find(ty, key, hash) {
                return Ok(Some(table.slots + number * ty.stride as u64));
            }
            // Deleted, or not equal to itself.
            let same_generation =
                load32(map + CLEARED) as u64 == load64(iterator + iterator::CLEARED);
            Ok((same_generation && !key.equals(ty, old)).then_some(old))
        })
    }
}

/// Calls `visit` with the addresses of each entry's key and value, in no particular order; for natives that look at a
/// whole map at once (printing). `visit` must not change the map.
///
/// # Errors
/// If another goroutine is writing to the map.
///
/// # Safety
/// `map` is 0 or a map of type `ty`.
pub unsafe fn for_each(
    map: u64,
    ty: &MapType,
    visit: &mut dyn FnMut(u64, u64),
) -> Result<(), MapError> {
    if map == 0 {
        return Ok(());
    }
    // SAFETY: by the contract.
    unsafe {
        if load32(map + WRITER) != 0 {
            return Err(MapError::ConcurrentIterationAndWrite);
        }
        let table = Table::load(map);
        if table.is_none() {
            return Ok(());
        }
        for number in 0..table.capacity.min(table.mask + GROUP) {
            if load8(table.control + number) & FULL != 0 {
                let slot = table.slots + number * ty.stride as u64;
                visit(slot, slot + ty.value_offset as u64);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
