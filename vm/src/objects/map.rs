//! Script maps: Go's semantics, in the script heap.
//!
//! # Layout
//! A map is an object of 64 bytes (see [`CONTROL`] and the offsets after it). A small one has one *table*, of two objects:
//!
//! * *slots*: a power of two of equal slots, each a key and its value in heap layout (a [`KeyKind::Word`] key takes a
//!   whole 8-byte word that holds its register's value, whatever its type's width);
//! * *control*: a byte per slot: empty, deleted, or the top bit and 7 bits of the key's hash. Bytes are looked at 16
//!   at a time (a *group*), aligned.
//!
//! A key's highest hash bits choose the group to start at; further groups follow in triangular steps; a group with an
//! empty byte ends the search. So a lookup compares 16 bytes at once, and nearly always touches no slot but the right
//! one. Tables of more than one group are filled to 7/8, then rebuilt at twice the size (or the same, if deleted
//! slots are what fills them). A table of up to 8 entries has 8 slots and a group whose other bytes say "absent".
//!
//! A table grows up to [`MapType::most`] slots (16 KiB of them, mostly). Then it is divided in two by the next bit of the hashes, and the map has
//! a *directory* of tables, which is indexed by as many of the highest bits as the deepest table needs; a table that needs fewer stands there
//! several times. So a map of any size grows by small steps, and never holds all its entries twice.
//!
//! ```text
//!  map ──→ directory, depth 2        bits of hash   control (room, depth before it)   slots
//!          │ 00 │ control, slots ├──→    00...      │tag│tag│   │tag│ ...             │k v│k v│   │k v│ ...
//!          │ 01 │ control, slots ├──→    01...
//!          │ 10 │ control, slots ├─┬→    1....      its depth is 1
//!          │ 11 │ control, slots ├─┘
//! ```
//!
//! Should hashes be so bad that division does not divide, tables grow beyond that size instead ([`table::grow`]).
//!
//! Maps with [`KeyKind::Word`] keys begin with a hash that keeps eight neighbouring keys in one group: programs
//! mostly use runs of numbers, which then share what the processor's caches hold. Each key has a place of its own in its group, where it is put if that is free:
//! so most are found by one comparison with what stands there, without a look at the control bytes ([`probe_word`]). A set of keys that crowds under that
//! hash is noticed by an insertion that must pass [`CROWDED`] full groups; the map is then rebuilt with a hash that scatters
//! ([`SCATTERED`] in its seed), and stays so.
//!
//! # Races
//! Scripts may race on maps. Go's *fatal errors* are found by a flag that writers set, as in Go: best effort. What is
//! certain is memory:
//!
//! INVARIANT (WHOLE): a map's `control` reference lies with its mask in one 16-byte unit, the `slots` reference with
//! its capacity in another, and each is loaded and stored whole. The objects' sizes never change. A group number is
//! masked by *its* mask, a slot number compared with *its* capacity; the two units may be of different tables in a
//! race, which gives wrong answers and no wrong accesses. So it is for the two units of an entry of a directory. A unit says itself whether it leads to a
//! directory, with the shift that makes an index of a hash. Keys and values are moved by whole units only.
//!
//! # Iteration
//! An iterator walks the tables of the directory that it started with, from a random one on, once around; and each table from a random slot, once
//! around. As long as the map still has the table that is walked, what it finds is yielded. After it was rebuilt or divided, the old table is a frozen list of
//! candidates: each key is looked up, and yielded as the map has it now, or not at all. A table that was divided before the walk came to it is walked as two; once the map
//! has a larger directory, the old one is left as it is, too, and its tables are candidates. A key that is not equal to
//! itself (NaN) cannot be looked up, nor deleted except by `clear`, and is yielded from the old table unless the map
//! was cleared since. So each entry comes at most once, deleted ones never, and new ones perhaps, as Go says.
//!
//! GO: internal/runtime/maps (groups, control bytes, a directory by extendible hashing, iteration over old tables), with 16 slots instead of 8, slots
//! apart from control bytes, and directories that hold what their tables begin with.
//!
//! *(Rejected: entries in order of insertion with an index of numbers: two dependent loads at random places for each
//! hit.)*

mod iteration;
mod keys;
mod table;

use bytecode::SlotKind;

pub use self::iteration::{iterate, next};
use self::keys::{Float, Key, Memory, TAG, Text, Word, by_kind, hash_of_word};
pub use self::keys::{hash_bytes, hash_word, nan_noise};
use self::table::{
    DELETED, EMPTY, ENTRY, Extent, FULL, GROUP, Grown, Home, SMALLEST, Table, for_each_table,
    match_group,
};
use crate::heap::{Cache, OutOfMemory, Planner, Shape, Site};
use crate::moves::{self, load32, load64, load128, store32, store64, store128};

/// Offset of {reference to the control bytes, [`Extent`] of the groups}, or of {reference to the directory, its extent}.
const CONTROL: u64 = 0;
/// Offset of {reference to the slots, their extent}, or the directory again.
const SLOTS: u64 = 16;
/// Offset of the number of entries.
const COUNT: u64 = 32;
/// Offset of how many empty slots may still be filled; without meaning if there is a directory.
const ROOM: u64 = 40;
/// Offset of the hash seed.
const SEED: u64 = 48;
/// Offset of the writer flag (32 bits).
const WRITER: u64 = 56;
/// Offset of how often the map was cleared (32 bits).
const CLEARED: u64 = 60;
const MAP_BYTES: usize = 64;

/// Set in the seed of a map whose word keys are scattered.
const SCATTERED: u64 = 1;
/// Set in the seed of a map of [`KeyKind::Word`] whose slots take 16 bytes, with values from the 8th on.
const WORDS: u64 = 2;
/// The bits of a seed that are none.
const FLAGS: u64 = SCATTERED | WORDS;
/// Bytes of a slot of such a map.
const WORDS_STRIDE: u64 = 16;
/// Where the values are in slots of such a map.
const WORDS_VALUE: u64 = 8;
/// So many full groups in a row mean that the keys crowd. At a load of 7/8 a scattering hash meets them about once in
/// 10^5 insertions.
const CROWDED: u64 = 10;

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
    /// Where tables are divided rather than made larger.
    most: u64,
    slots: Shape,
    directory: Shape,
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
            most: table::most_slots(stride),
            slots,
            directory: plan.shape(
                &[CONTROL, SLOTS].map(|offset| ((offset / 8) as u32, SlotKind::Ref)),
                ENTRY as u32,
            ),
            map: plan.site(
                plan.shape(
                    &[CONTROL, SLOTS].map(|offset| ((offset / 8) as u32, SlotKind::Ref)),
                    MAP_BYTES as u32,
                ),
                MAP_BYTES,
            ),
            iterator: plan.site(
                plan.shape(
                    &[
                        iteration::iterator::MAP,
                        iteration::iterator::CONTROL,
                        iteration::iterator::SLOTS,
                        iteration::iterator::DIRECTORY,
                    ]
                    .map(|offset| ((offset / 8) as u32, SlotKind::Ref)),
                    iteration::iterator::BYTES as u32,
                ),
                iteration::iterator::BYTES,
            ),
        }
    }

    /// What the seeds of its maps say of it.
    fn flags(&self) -> u64 {
        let words = self.kind == KeyKind::Word
            && u64::from(self.stride) == WORDS_STRIDE
            && u64::from(self.value_offset) == WORDS_VALUE;
        if words { WORDS } else { 0 }
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
    let seed = cache.random() & !FLAGS | ty.flags();
    let map = cache.allocate(ty.map)?.get();
    // SAFETY: the map was just allocated.
    unsafe {
        store64(map + SEED, seed);
        if hint > SMALLEST {
            table::reserve(cache, map, ty, hint)?;
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

/// What [`probe_word`] says when it does not know.
const ELSEWHERE: u64 = 1;

/// The slot of a word key, 0 if it is not there, [`ELSEWHERE`] if the search goes on behind its first group.
///
/// 1. A key has a place in its group, given by its tag. What stands there is mostly it: one comparison, of slots alone. A slot without an entry
///    is zero, so a key of zero is not found in this way.
/// 2. Else the control bytes of the group tell.
///
/// # Safety
/// `map` is a map with [`WORDS`] in its seed, `seed`.
#[inline(always)]
unsafe fn probe_word(map: u64, seed: u64, key: u64) -> u64 {
    // SAFETY: units of the map and its directory; numbers of slots and groups in the bounds that belong to them (INVARIANT WHOLE).
    unsafe {
        let hash = hash_of_word(key, seed);
        let mut place = map;
        let (mut slots, mut extent) = load128(map + SLOTS);
        if Extent(extent).is_directory() {
            place = slots + Extent(extent).shifted(hash) * ENTRY;
            (slots, extent) = load128(place + SLOTS);
        }
        if slots == 0 {
            return 0;
        }
        let extent = Extent(extent);
        let slot = slots + extent.place(hash) * WORDS_STRIDE;
        if load64(slot) == key && key != 0 {
            return slot;
        }
        // They are there: slots are published last.
        let (control, groups) = load128(place + CONTROL);
        let groups = Extent(groups);
        if groups.is_directory() {
            return ELSEWHERE;
        }
        let group = groups.shifted(hash) & groups.mask();
        let (mut matches, empty) = match_group(control + group * GROUP, (hash & TAG) as u8 | FULL);
        while matches != 0 {
            let number = group * GROUP + matches.trailing_zeros() as u64;
            let slot = slots + number * WORDS_STRIDE;
            if number <= extent.mask() && load64(slot) == key {
                return slot;
            }
            matches &= matches - 1;
        }
        if empty != 0 { 0 } else { ELSEWHERE }
    }
}

/// The address of the value for a word key, 0 if there is none; `None` if that is not found out so easily: if the map's slots do not take two words,
/// it is being written, or the search is long. Who gets it goes on with [`get`].
///
/// # Safety
/// `map` is 0 or a map; if it is one of keys of kind [`KeyKind::Word`], `key` leads to one.
#[inline(always)]
pub unsafe fn peek_word(map: u64, key: *const u64) -> Option<u64> {
    // SAFETY: fields of a map; what the flag in its seed says.
    unsafe {
        if map == 0 {
            return Some(0);
        }
        let seed = load64(map + SEED);
        if load32(map + WRITER) != 0 || seed & WORDS == 0 {
            return None;
        }
        match probe_word(map, seed, *key) {
            ELSEWHERE => None,
            0 => Some(0),
            slot => Some(slot + WORDS_VALUE),
        }
    }
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
        let table = Home::of(map, hash).table;
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
    // SAFETY: by the contract; what the flag in the seed says.
    unsafe {
        let seed = load64(map + SEED);
        if seed & WORDS == 0 {
            return assign_with(cache, map, ty, Word(key));
        }
        begin_write(map)?;
        let mut slot = probe_word(map, seed, key);
        if slot <= ELSEWHERE {
            slot = match assign_slowly(cache, map, ty, key, slot) {
                Ok(slot) => slot,
                Err(error) => {
                    let _ = end_write(map);
                    return Err(error);
                }
            };
        }
        end_write(map)?;
        Ok(slot + WORDS_VALUE)
    }
}

/// The slot of a word key that [`probe_word`] has not found, inserted if it is not there.
///
/// # Safety
/// As for [`insert`]; `probed` is what that said.
#[inline(never)]
unsafe fn assign_slowly(
    cache: &mut Cache,
    map: u64,
    ty: &MapType,
    key: u64,
    probed: u64,
) -> Result<u64, MapError> {
    // SAFETY: by the contract.
    unsafe {
        let key = Word(key);
        let hash = key.hash(ty, load64(map + SEED))?;
        let home = Home::of(map, hash);
        if probed == ELSEWHERE
            && !home.table.is_none()
            && let Some(number) = home.table.find(ty, key, hash)
        {
            return Ok(home.table.slots + number * ty.stride as u64);
        }
        insert(cache, map, ty, home, (key, hash), true)
    }
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
        let home = Home::of(map, hash);
        let found = if home.table.is_none() {
            None
        } else {
            home.table.find(ty, key, hash)
        };
        let slot = match found {
            Some(number) => {
                let slot = home.table.slots + number * ty.stride as u64;
                if K::REPLACED {
                    key.store(ty, slot);
                }
                slot
            }
            None => match insert(cache, map, ty, home, (key, hash), true) {
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

/// Inserts a key that is not there, with a zero value; returns its slot. `may_refuse` as [`Cache::may_refuse`] says.
///
/// # Safety
/// As for [`assign`]; the caller is the map's writer; `home` is where the hash belongs.
#[inline(never)]
unsafe fn insert<K: Key>(
    cache: &mut Cache,
    map: u64,
    ty: &MapType,
    mut home: Home,
    (key, mut hash): (K, u64),
    mut may_refuse: bool,
) -> Result<u64, MapError> {
    // SAFETY: by the contract.
    unsafe {
        loop {
            let seed = load64(map + SEED);
            let (table, mut crowds) = (home.table, false);
            if !table.is_none()
                && let Some((number, was_empty, passed)) = table.find_free::<K>(hash)
            {
                let room = home.room(map);
                crowds = K::CAN_SCATTER && seed & SCATTERED == 0 && passed >= CROWDED;
                if !crowds && (!was_empty || room > 0) {
                    let slot = table.slots + number * ty.stride as u64;
                    key.store(ty, slot);
                    table.set_control(number, (hash & TAG) as u8 | FULL);
                    if was_empty {
                        home.set_room(map, room - 1);
                    }
                    store64(map + COUNT, load64(map + COUNT).wrapping_add(1));
                    return Ok(slot);
                }
            }
            if may_refuse {
                // Once for each attempt, or none would come to its end.
                cache.may_refuse()?;
                may_refuse = false;
            }
            if crowds
                || table::grow::<K>(cache, map, ty, home, (hash, load64(map + COUNT), seed))?
                    == Grown::Crowded
            {
                scatter::<K>(cache, map, ty, seed)?;
                hash = key.hash(ty, load64(map + SEED))?;
            }
            home = Home::of(map, hash);
        }
    }
}

/// Builds a map anew with a hash that scatters.
///
/// # Errors
/// If there is no memory. Nothing has changed then.
///
/// # Safety
/// As for [`insert`].
#[cold]
#[inline(never)]
unsafe fn scatter<K: Key>(
    cache: &mut Cache,
    map: u64,
    ty: &MapType,
    seed: u64,
) -> Result<(), MapError> {
    // SAFETY: by the contract; `fresh` is a map of the type that nobody else has, and gets each key once.
    unsafe {
        let fresh = cache.allocate(ty.map)?.get();
        store64(fresh + SEED, seed | SCATTERED);
        let mut pace = crate::native::Pace::default();
        for_each_table(map, |Home { table, .. }| {
            table.for_each(|number| {
                if pace.is_over_after(ty.stride as usize) {
                    return Err(MapError::OutOfMemory);
                }
                let from = table.slots + number * ty.stride as u64;
                let key = K::load(from);
                let hash = key.hash(ty, seed | SCATTERED)?;
                let home = Home::of(fresh, hash);
                let slot = insert(cache, fresh, ty, home, (key, hash), false)?;
                moves::copy(slot, from, ty.stride as usize);
                Ok(())
            })
        })?;
        store64(map + SEED, seed | SCATTERED);
        store64(map + ROOM, load64(fresh + ROOM));
        for unit in [CONTROL, SLOTS] {
            let (reference, extent) = load128(fresh + unit);
            store128(map + unit, reference, extent);
        }
    }
    Ok(())
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
        let home = Home::of(map, hash);
        let table = home.table;
        if !table.is_none()
            && let Some(number) = table.find(ty, key, hash)
        {
            moves::zero(table.slots + number * ty.stride as u64, ty.stride as usize);
            // No search has gone past a group with an empty slot, so none needs to be told that it must go on here.
            let (_, empty) = match_group(table.control + number / GROUP * GROUP, EMPTY);
            if empty != 0 || table.groups.mask() == 0 {
                table.set_control(number, EMPTY);
                home.set_room(map, home.room(map).wrapping_add(1));
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
        let cleared = for_each_table(map, |home| {
            home.table.clear(ty);
            home.set_room(map, Table::room_of(home.table.capacity()));
            Ok(())
        });
        debug_assert!(cleared.is_ok(), "nothing there can fail");
        store64(map + COUNT, 0);
        store32(map + CLEARED, load32(map + CLEARED).wrapping_add(1));
        end_write(map)
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
        for_each_table(map, |Home { table, .. }| {
            table.for_each(|number| {
                let slot = table.slots + number * ty.stride as u64;
                visit(slot, slot + ty.value_offset as u64);
                Ok(())
            })
        })
    }
}

#[cfg(test)]
mod tests;
