//! Iterators: see "Iteration" in [`super`].

use super::keys::{Float, Key, Memory, Text, Word, by_kind};
use super::table::{Directory, ENTRY, Extent, GROUP, Home, Table, full_in_group};
use super::{CLEARED, COUNT, KeyKind, MapError, MapType, SEED, SLOTS, WRITER};
use crate::heap::Cache;
use crate::moves::{self, load32, load64, store64};

/// Offsets in an iterator.
pub(super) mod iterator {
    /// The map; 0 for the nil map and one without entries.
    pub const MAP: u64 = 0;
    /// The control bytes of the table it walks.
    pub const CONTROL: u64 = 8;
    /// The slots of that table.
    pub const SLOTS: u64 = 16;
    /// How many of them.
    pub const CAPACITY: u64 = 24;
    /// Where it started among them.
    pub const START: u64 = 32;
    /// How many slots it has passed.
    pub const PASSED: u64 = 40;
    /// The map's `CLEARED` when it started.
    pub const CLEARED: u64 = 48;
    /// The directory it walks, or 0.
    pub const DIRECTORY: u64 = 56;
    /// The directory's extent.
    pub const EXTENT: u64 = 64;
    /// Where the table that it walks stands in the directory.
    pub const INDEX: u64 = 72;
    /// Where the table after that one stands.
    pub const NEXT: u64 = 80;
    /// How many entries of the directory are left, from there on.
    pub const LEFT: u64 = 88;
    pub const BYTES: usize = 96;
}

/// How often the start of an iteration is drawn, times the groups per entry: seldom too seldom.
const DRAWS: u64 = 16;

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
        let count = load64(map + COUNT);
        let directory = Directory::of(map);
        // The table of a drawn number, and where it begins and ends in the directory.
        let draw = |drawn: u64| match directory {
            None => (Table::load(map), 0, 1),
            Some(directory) => {
                let index = directory.extent.shifted(drawn);
                let table = directory.table(index);
                let span = directory.span(table);
                (table, index & !(span - 1), span)
            }
        };
        let (mut table, mut first, mut span) = draw(start);
        if !table.is_none() && count != 0 {
            // A start without an entry in the rest of its group is drawn again. If the walk went on from there, the entry behind the longest gap would
            // be the most likely one, and a program that takes entries out one by one would make that gap ever longer.
            let tables = directory.map_or(1, Directory::len);
            let groups = tables.saturating_mul(table.groups.mask() + 1);
            for _ in 0..DRAWS * (1 + groups / count) {
                let number = start & (table.capacity() - 1);
                let full = full_in_group(table.control + number / GROUP * GROUP);
                if full >> (number % GROUP) != 0 {
                    break;
                }
                start = cache.random();
                (table, first, span) = draw(start);
            }
            moves::store_reference(iterator + iterator::MAP, map);
            store64(iterator + iterator::CLEARED, load32(map + CLEARED) as u64);
            if let Some(directory) = directory {
                moves::store_reference(iterator + iterator::DIRECTORY, directory.entries);
                store64(iterator + iterator::EXTENT, directory.extent.0);
                store64(iterator + iterator::LEFT, directory.len());
            }
            enter(iterator, table, first, span);
            store64(iterator + iterator::START, start & (table.capacity() - 1));
        }
        Ok(iterator)
    }
}

/// Has an iterator walk a table, which stands at `first` in its directory and takes `span` of its entries.
///
/// # Safety
/// As for [`next`].
unsafe fn enter(iterator: u64, table: Table, first: u64, span: u64) {
    // SAFETY: fields of the iterator.
    unsafe {
        moves::store_reference(iterator + iterator::CONTROL, table.control);
        moves::store_reference(iterator + iterator::SLOTS, table.slots);
        store64(iterator + iterator::CAPACITY, table.capacity());
        store64(iterator + iterator::PASSED, 0);
        store64(iterator + iterator::INDEX, first);
        store64(iterator + iterator::NEXT, first + span);
        let left = load64(iterator + iterator::LEFT);
        store64(iterator + iterator::LEFT, left.saturating_sub(span));
    }
}

/// The directory that an iterator walks.
///
/// # Safety
/// As for [`next`].
unsafe fn walked(iterator: u64) -> Option<Directory> {
    // SAFETY: fields of the iterator.
    unsafe {
        let entries = load64(iterator + iterator::DIRECTORY);
        (entries != 0).then(|| Directory {
            entries,
            extent: Extent(load64(iterator + iterator::EXTENT)),
        })
    }
}

/// Has an iterator walk the next table, if there is one.
///
/// # Safety
/// As for [`next`].
#[inline(never)]
unsafe fn go_on(iterator: u64) -> bool {
    // SAFETY: fields of the iterator, and a directory of its map; the index is below its length.
    unsafe {
        let Some(directory) = walked(iterator) else {
            return false;
        };
        if load64(iterator + iterator::LEFT) == 0 {
            return false;
        }
        let index = load64(iterator + iterator::NEXT) & (directory.len() - 1);
        let table = directory.table(index);
        let span = directory.span(table);
        // What stands there begins there, but for a race.
        let span = span - (index & (span - 1));
        enter(iterator, table, index, span);
        true
    }
}

/// Whether the map still has the table that an iterator walks.
///
/// # Safety
/// As for [`next`].
#[inline(always)]
unsafe fn is_present(map: u64, iterator: u64, slots: u64) -> bool {
    // SAFETY: units of a map and of entries of a directory of it.
    unsafe {
        let entries = load64(iterator + iterator::DIRECTORY);
        let now = load64(map + SLOTS);
        if entries == 0 {
            return now == slots;
        }
        let index = load64(iterator + iterator::INDEX);
        if now == entries {
            return load64(entries + index * ENTRY + SLOTS) == slots;
        }
        is_in_larger(map, iterator, slots)
    }
}

/// [`is_present`] of a map that has another directory than that which is walked.
///
/// # Safety
/// As for [`next`].
#[cold]
#[inline(never)]
unsafe fn is_in_larger(map: u64, iterator: u64, slots: u64) -> bool {
    // SAFETY: units of a map and of entries of its directory.
    unsafe {
        let (Some(walked), Some(now)) = (walked(iterator), Directory::of(map)) else {
            return false;
        };
        // Directories never become smaller; an entry of one is a run of entries of a larger one.
        let deeper = now.depth().saturating_sub(walked.depth());
        let index = load64(iterator + iterator::INDEX) << deeper & (now.len() - 1);
        now.table(index).slots == slots
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
        loop {
            let control = load64(iterator + iterator::CONTROL);
            let slots = load64(iterator + iterator::SLOTS);
            let capacity = load64(iterator + iterator::CAPACITY);
            let start = load64(iterator + iterator::START) & (capacity - 1);
            let mut passed = load64(iterator + iterator::PASSED);
            while passed < capacity {
                let number = (start + passed) & (capacity - 1);
                // The rest of this slot's group.
                let in_group = number & (GROUP.min(capacity) - 1);
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
                let found = if is_present(map, iterator, slots) {
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
            if !go_on(iterator) {
                return Ok(None);
            }
        }
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
            let table = Home::of(map, hash).table;
            if !table.is_none()
                && let Some(number) = table.find(ty, key, hash)
            {
                return Ok(Some(table.slots + number * ty.stride as u64));
            }
            // Deleted, or not equal to itself.
            let same_generation =
                load32(map + CLEARED) as u64 == load64(iterator + iterator::CLEARED);
            Ok((same_generation && !key.equals(ty, old)).then_some(old))
        })
    }
}
