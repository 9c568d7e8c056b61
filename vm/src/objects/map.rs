//! Script maps. PUBLISHED API, bodies follow.
//!
//! Keys and values lie in *slots* (entries) inside the map's table, in heap layout, except that [`KeyKind::Word`] keys (bool, integers of any width,
//! pointers, channels) take a full 8-byte word holding the register slot's value. All functions give *addresses of heap memory* that the
//! caller loads from / stores to with its typed moves before the next safepoint.
use crate::heap::{Cache, Heap, Shape, Site};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyKind {
    /// One register slot compared bitwise: bool, all integers, pointers, channels, uintptr.
    Word,
    /// float64 (8-byte key, +0 == -0, NaN != NaN).
    Float64,
    String,
    /// Everything else (float32, interfaces, structs, arrays): through `KeyFunctions`.
    Memory,
}

/// Hash and equality of keys in heap layout, given by vm. `context` is whatever vm put into the MapType (its run-time type).
#[derive(Clone, Copy)]
pub struct KeyFunctions {
    pub context: *const (),
    /// Err(type word): "runtime error: hash of unhashable type T".
    pub hash: unsafe fn(context: *const (), key: u64, seed: u64) -> Result<u64, u64>,
    pub equal: unsafe fn(context: *const (), a: u64, b: u64) -> bool,
}

/// All that maps of one type share: made at link time, pinned; maps point to it? No: the caller passes it to each operation.
pub struct MapType {
    pub kind: KeyKind,
    pub key_size: u32,
    pub value_offset: u32,
    pub value_size: u32,
    pub stride: u32,
    pub functions: KeyFunctions,
    slots: Shape,
}

impl MapType {
    /// `key_words`/`value_words`: word offsets of references in key and value. For `Word` keys `key_size` must be 8.
    #[allow(clippy::too_many_arguments)]
    pub fn new(heap: &Heap, kind: KeyKind, key_size: u32, key_align: u32, key_words: &[u32], value_size: u32, value_align: u32, value_words: &[u32], functions: KeyFunctions) -> MapType { todo!() }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MapError {
    /// fatal error: concurrent map writes
    ConcurrentWrites,
    /// fatal error: concurrent map read and map write
    ConcurrentReadAndWrite,
    /// fatal error: concurrent map iteration and map write
    ConcurrentIterationAndWrite,
    /// panic: runtime error: hash of unhashable type (type word)
    Unhashable(u64),
    OutOfMemory,
}

/// A new map: an object whose reference is the map value. `hint` < 0 is treated as 0 (vm checks).
pub fn make(cache: &mut Cache, ty: &MapType, hint: u64) -> Result<u64, MapError> { todo!() }

/// Address of the value for the key in `map`, or 0 if absent (also for the nil map, `map == 0`).
/// # Safety
/// `map` is 0 or a live map of type `ty` (all functions); kind is Word.
#[inline]
pub unsafe fn get_word(map: u64, ty: &MapType, key: u64) -> Result<u64, MapError> { todo!() }
/// # Safety
/// as above; kind is String; pointer and length are a live script string.
#[inline]
pub unsafe fn get_string(map: u64, ty: &MapType, pointer: u64, length: u64) -> Result<u64, MapError> { todo!() }
/// Any kind: `key` is the address of the key in heap layout (for Word/Float64: of its 8-byte word), in script memory or in private scratch memory, aligned to 16.
/// # Safety
/// as above
pub unsafe fn get(map: u64, ty: &MapType, key: u64) -> Result<u64, MapError> { todo!() }
/// Address of the value for the key, inserted zeroed if absent: MapSet and MapAddress (store/update through it before the next safepoint). Nil map: caller panics before.
/// # Safety
/// as above; `map != 0`
#[inline]
pub unsafe fn assign_word(cache: &mut Cache, map: u64, ty: &MapType, key: u64) -> Result<u64, MapError> { todo!() }
/// # Safety
/// as above
pub unsafe fn assign_string(cache: &mut Cache, map: u64, ty: &MapType, pointer: u64, length: u64) -> Result<u64, MapError> { todo!() }
/// # Safety
/// as above
pub unsafe fn assign(cache: &mut Cache, map: u64, ty: &MapType, key: u64) -> Result<u64, MapError> { todo!() }
/// # Safety
/// as above; nil map: nothing (but an unhashable key still errs, as in Go)
pub unsafe fn delete(map: u64, ty: &MapType, key: u64) -> Result<(), MapError> { todo!() }
/// # Safety
/// as above; nil map: 0
#[inline]
pub unsafe fn len(map: u64) -> u64 { todo!() }
/// # Safety
/// as above
pub unsafe fn clear(map: u64, ty: &MapType) -> Result<(), MapError> { todo!() }
/// A new iterator object (a reference); map may be nil.
/// # Safety
/// as above
pub unsafe fn iterate(cache: &mut Cache, map: u64, ty: &MapType) -> Result<u64, MapError> { todo!() }
/// The next entry's (key address, value address), or None at the end.
/// # Safety
/// `iterator` from `iterate` with the same type, used by one goroutine at a time
pub unsafe fn next(iterator: u64, ty: &MapType) -> Result<Option<(u64, u64)>, MapError> { todo!() }
