//! Tables: groups of control bytes, slots, and where a hash finds its table.

use super::keys::{Key, TAG};
use super::{CONTROL, MapError, MapType, ROOM, SLOTS};
use crate::heap::{Cache, OutOfMemory, Shape};
use crate::moves::{self, load64, load128, store8, store64, store128};

/// Slots of a group.
pub(super) const GROUP: u64 = 16;
/// Slots of the smallest table.
pub(super) const SMALLEST: u64 = 8;
/// No table has more slots: what a single one would need for that many keys of one hash is more than there is.
const MOST: u64 = 1 << 31;

/// A control byte of a slot never used since the table was built. Fresh memory is empty.
pub(super) const EMPTY: u8 = 0;
/// A control byte of a slot whose entry was deleted while searches went past it.
pub(super) const DELETED: u8 = 1;
/// A control byte without a slot.
const ABSENT: u8 = 2;
/// Set in the control bytes of entries.
pub(super) const FULL: u8 = 0x80;

/// Bytes of an entry of a directory: two units, as a map begins with.
pub(super) const ENTRY: u64 = 32;
/// Before the control bytes of a table in a directory: how many of its slots may still be filled, ...
const TABLE_ROOM: u64 = 16;
/// ... and how many bits its hashes have in common.
const TABLE_DEPTH: u64 = 8;
/// Bytes before them.
const HEADER: u64 = 16;

/// A table of a directory is never worth less than this many entries on average, over all that the directory has room for; where a split
/// would lead beyond that, the hashes are bad.
const LEAST_SHARE: u64 = 16;

/// Compares the 16 control bytes at `group` with `byte` and with [`EMPTY`]; bit `i` of a result belongs to byte `i`.
///
/// # Safety
/// `group` is 16-aligned and lies in live script memory.
#[inline(always)]
pub(super) unsafe fn match_group(group: u64, byte: u8) -> (u32, u32) {
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
pub(super) unsafe fn full_in_group(group: u64) -> u32 {
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

/// The second word of a unit: how many groups or slots the reference leads to, minus one, in the upper half, and below how far a hash is shifted so
/// that what is left of it counts them; or [`DIRECTORY`] and how far it is shifted to count entries of a directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Extent(pub(super) u64);

/// See [`Extent`].
const DIRECTORY: u64 = 0x80;

impl Extent {
    /// Of `count` groups or slots, a power of two, in a table whose hashes have the highest `depth` bits in common.
    fn new(count: u64, depth: u64) -> Extent {
        // What is one needs no bits; a shift by 64 is none.
        let shift = (64 - depth)
            .saturating_sub(u64::from(count.trailing_zeros()))
            .min(63);
        Extent((count - 1) << 32 | shift)
    }

    /// Of a directory with 2^`depth` entries.
    fn of_directory(depth: u64) -> Extent {
        Extent(DIRECTORY | (64 - depth))
    }

    #[inline(always)]
    pub(super) fn is_directory(self) -> bool {
        self.0 & DIRECTORY != 0
    }

    /// The number of groups or slots, minus one.
    #[inline(always)]
    pub(super) fn mask(self) -> u64 {
        self.0 >> 32
    }

    /// The number of the slot where a key with this hash has its place: in the group where its search begins, if that is masked alike.
    #[inline(always)]
    pub(super) fn place(self, hash: u64) -> u64 {
        (self.shifted(hash) ^ hash & 7) & self.mask()
    }

    /// The highest bits of a hash, as many as count groups or slots or entries of a directory, and others above them but in the last case.
    #[inline(always)]
    pub(super) fn shifted(self, hash: u64) -> u64 {
        hash >> (self.0 & 63)
    }

    /// How many bits of a hash choose an entry of this directory.
    #[inline(always)]
    pub(super) fn depth(self) -> u64 {
        64 - (self.0 & 63)
    }
}

/// A table, each half loaded whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) control: u64,
    /// Of its groups.
    pub(super) groups: Extent,
    pub(super) slots: u64,
    /// Of its slots.
    pub(super) extent: Extent,
}

/// A directory: a reference and its extent, loaded whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Directory {
    pub(super) entries: u64,
    pub(super) extent: Extent,
}

impl Directory {
    /// 2 to the power of this are its entries.
    #[inline(always)]
    pub(super) fn depth(self) -> u64 {
        self.extent.depth()
    }

    pub(super) fn len(self) -> u64 {
        1 << self.depth()
    }

    /// The table at an index, which is below the length.
    ///
    /// # Safety
    /// The directory is of a map.
    #[inline(always)]
    pub(super) unsafe fn table(self, index: u64) -> Table {
        // SAFETY: entries are two units, as a map begins with; there are `len` of them.
        unsafe { Table::load(self.entries + index * ENTRY) }
    }

    /// How many entries in a row are a table's, of which one is.
    ///
    /// # Safety
    /// The table is of a directory.
    pub(super) unsafe fn span(self, table: Table) -> u64 {
        // SAFETY: the contract. In a race the table may be younger than the directory, and deeper.
        let depth = unsafe { table.depth() };
        1 << self.depth().saturating_sub(depth)
    }
}

/// Where the table of a hash is: in the map itself, or in its directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Home {
    pub(super) table: Table,
    pub(super) directory: Option<Directory>,
}

impl Home {
    /// # Safety
    /// `map` is a map.
    #[inline(always)]
    pub(super) unsafe fn of(map: u64, hash: u64) -> Home {
        // SAFETY: the units of a map and of an entry (INVARIANT WHOLE); the shift that belongs to a directory leaves an index
        // of it.
        unsafe {
            match Directory::of(map) {
                None => Home {
                    table: Table::load(map),
                    directory: None,
                },
                Some(directory) => Home {
                    table: directory.table(directory.extent.shifted(hash)),
                    directory: Some(directory),
                },
            }
        }
    }

    /// Where it stands how many empty slots of the table may still be filled.
    #[inline(always)]
    fn room_place(self, map: u64) -> u64 {
        match self.directory {
            None => map + ROOM,
            Some(_) => self.table.control - TABLE_ROOM,
        }
    }

    /// # Safety
    /// The home of a hash in `map`; its table is there.
    #[inline(always)]
    pub(super) unsafe fn room(self, map: u64) -> u64 {
        // SAFETY: by the contract; a table of a directory has a header.
        unsafe { load64(self.room_place(map)) }
    }

    /// # Safety
    /// As [`Home::room`].
    #[inline(always)]
    pub(super) unsafe fn set_room(self, map: u64, room: u64) {
        // SAFETY: as `room`.
        unsafe { store64(self.room_place(map), room) }
    }
}

impl Directory {
    /// The directory of a map, if it has one.
    ///
    /// # Safety
    /// `map` is a map.
    #[inline(always)]
    pub(super) unsafe fn of(map: u64) -> Option<Directory> {
        // SAFETY: a unit of a map.
        let (entries, extent) = unsafe { load128(map + CONTROL) };
        let extent = Extent(extent);
        extent
            .is_directory()
            .then_some(Directory { entries, extent })
    }

    /// Makes it the directory of a map.
    ///
    /// # Safety
    /// `map` is a map of its type; all entries are tables.
    unsafe fn publish(self, map: u64) {
        // SAFETY: two units of a map. Both say that it is a directory, so that no half of one is taken for half of a table.
        unsafe {
            store128(map + CONTROL, self.entries, self.extent.0);
            store128(map + SLOTS, self.entries, self.extent.0);
        }
    }
}

impl Table {
    /// The table at a place: a map's, or an entry's of a directory. None, if the map has a directory.
    ///
    /// # Safety
    /// `place` is a map or an entry of a directory.
    #[inline(always)]
    pub(super) unsafe fn load(place: u64) -> Table {
        // SAFETY: two units (INVARIANT WHOLE).
        let ((control, groups), (slots, extent)) =
            unsafe { (load128(place + CONTROL), load128(place + SLOTS)) };
        let (groups, extent) = (Extent(groups), Extent(extent));
        // In a race a map may just get its directory.
        let is_table = !groups.is_directory() && !extent.is_directory();
        Table {
            control: if is_table { control } else { 0 },
            groups,
            slots,
            extent,
        }
    }

    /// Whether there is a table yet. In a race, one half may be there already.
    #[inline(always)]
    pub(super) fn is_none(self) -> bool {
        self.control == 0 || self.slots == 0
    }

    /// How many slots it has. In a race the halves may be of different tables: those that have control bytes, too.
    pub(super) fn capacity(self) -> u64 {
        (self.extent.mask() + 1).min((self.groups.mask() + 1) * GROUP)
    }

    /// How many bits its hashes have in common.
    ///
    /// # Safety
    /// The table is of a directory, and there.
    unsafe fn depth(self) -> u64 {
        // SAFETY: it has a header.
        unsafe { load64(self.control - TABLE_DEPTH) }
    }

    /// The number of the slot with this key.
    ///
    /// # Safety
    /// The table, which is there, is of a map of type `ty`.
    #[inline(always)]
    pub(super) unsafe fn find<K: Key>(self, ty: &MapType, key: K, hash: u64) -> Option<u64> {
        let tag = (hash & TAG) as u8 | FULL;
        let mask = self.groups.mask();
        let mut group = self.groups.shifted(hash) & mask;
        let mut step = 0;
        loop {
            // SAFETY: the group number is masked by the mask that belongs to the control bytes.
            let (mut matches, empty) = unsafe { match_group(self.control + group * GROUP, tag) };
            while matches != 0 {
                let slot = group * GROUP + matches.trailing_zeros() as u64;
                if slot <= self.extent.mask() {
                    // SAFETY: the slot number is below the capacity that belongs to the slots.
                    if unsafe { key.equals(ty, self.slots + slot * ty.stride as u64) } {
                        return Some(slot);
                    }
                }
                matches &= matches - 1;
            }
            step += 1;
            if empty != 0 || step > mask {
                return None;
            }
            group = (group + step) & mask;
        }
    }

    /// The number of a free slot on this hash's way, whether it is empty (not deleted), and how many full groups
    /// lie before it.
    ///
    /// # Safety
    /// As for [`Table::find`].
    #[inline(always)]
    pub(super) unsafe fn find_free<K: Key>(self, hash: u64) -> Option<(u64, bool, u64)> {
        let mask = self.groups.mask();
        let mut group = self.groups.shifted(hash) & mask;
        let mut step = 0;
        loop {
            // SAFETY: as in `find`.
            let (deleted, empty) = unsafe { match_group(self.control + group * GROUP, DELETED) };
            let free = deleted | empty;
            if free != 0 {
                let place = (self.extent.place(hash) % GROUP) as u32;
                let bit = if K::HAS_PLACE && free >> place & 1 != 0 {
                    place
                } else {
                    free.trailing_zeros()
                };
                let slot = group * GROUP + bit as u64;
                return (slot <= self.extent.mask()).then_some((slot, empty >> bit & 1 != 0, step));
            }
            step += 1;
            if step > mask {
                return None;
            }
            group = (group + step) & mask;
        }
    }

    /// # Safety
    /// The slot is below the capacity, and the control byte exists (found through this table).
    #[inline(always)]
    pub(super) unsafe fn set_control(self, slot: u64, byte: u8) {
        // SAFETY: by the contract.
        unsafe { store8(self.control + slot, byte) }
    }

    /// How many entries a table with this capacity takes before it is rebuilt.
    pub(super) fn room_of(capacity: u64) -> u64 {
        // A single group may fill up: a search ends after one group anyway.
        if capacity <= GROUP {
            capacity
        } else {
            capacity / 8 * 7
        }
    }

    /// A new empty table of a map, or if it has a `depth` of a directory, with that many bits of hash in common.
    fn new(
        cache: &mut Cache,
        ty: &MapType,
        capacity: u64,
        depth: Option<u64>,
    ) -> Result<Table, OutOfMemory> {
        let groups = capacity.div_ceil(GROUP);
        let slots = cache
            .allocate_array(ty.slots, capacity, ty.stride as u64)?
            .get();
        let header = if depth.is_some() { HEADER } else { 0 };
        let object = cache
            .allocate_array(Shape::SCALAR, groups * GROUP + header, 1)?
            .get();
        let control = object + header;
        // SAFETY: the control bytes and what is before them were just allocated.
        unsafe {
            for absent in capacity..groups * GROUP {
                store8(control + absent, ABSENT);
            }
            if let Some(depth) = depth {
                store64(control - TABLE_ROOM, Table::room_of(capacity));
                store64(control - TABLE_DEPTH, depth);
            }
        }
        let depth = depth.unwrap_or(0);
        Ok(Table {
            control,
            groups: Extent::new(groups, depth),
            slots,
            extent: Extent::new(capacity, depth),
        })
    }

    /// Makes it the table of a place: a map, or an entry of a directory.
    ///
    /// # Safety
    /// `place` is a map of this table's type, or an entry of a directory of one.
    unsafe fn publish(self, place: u64) {
        // SAFETY: the two units there (INVARIANT WHOLE). Who sees the slots sees control bytes, too.
        unsafe {
            store128(place + CONTROL, self.control, self.groups.0);
            store128(place + SLOTS, self.slots, self.extent.0);
        }
    }

    /// Calls `visit` with the numbers of the slots that have entries.
    ///
    /// # Errors
    /// Those of `visit`.
    ///
    /// # Safety
    /// The table is of a map, and there.
    #[inline(always)]
    pub(super) unsafe fn for_each(
        self,
        mut visit: impl FnMut(u64) -> Result<(), MapError>,
    ) -> Result<(), MapError> {
        let capacity = self.capacity();
        let mut group = 0;
        while group < capacity {
            // SAFETY: the group is one of the table's.
            let mut full = unsafe { full_in_group(self.control + group) };
            while full != 0 {
                let number = group + full.trailing_zeros() as u64;
                full &= full - 1;
                if number < capacity {
                    visit(number)?;
                }
            }
            group += GROUP;
        }
        Ok(())
    }

    /// Copies an entry of another table, which it does not have, to where its hash belongs.
    ///
    /// # Errors
    /// Only a race can make the table overflow.
    ///
    /// # Safety
    /// Both tables are of maps of type `ty`; nobody else has this one.
    #[inline(always)]
    unsafe fn take<K: Key>(self, ty: &MapType, from: u64, hash: u64) -> Result<(), MapError> {
        // SAFETY: by the contract.
        unsafe {
            let (free, _, _) = self
                .find_free::<K>(hash)
                .ok_or(MapError::ConcurrentWrites)?;
            self.set_control(free, (hash & TAG) as u8 | FULL);
            let to = self.slots + free * ty.stride as u64;
            // Nothing is overwritten here that the collector would want to know of.
            match ty.stride {
                16 => moves::copy128(to, from),
                32 => {
                    moves::copy128(to, from);
                    moves::copy128(to + 16, from + 16);
                }
                stride => moves::copy(to, from, stride as usize),
            }
        }
        Ok(())
    }

    /// Removes all entries.
    ///
    /// # Safety
    /// The table is of a map of type `ty`, and there.
    pub(super) unsafe fn clear(self, ty: &MapType) {
        // SAFETY: control bytes and slots in their bounds.
        unsafe {
            // Control bytes first: an iterator then finds no entry rather than a zeroed one.
            moves::zero(self.control, self.capacity() as usize);
            moves::zero(
                self.slots,
                ((self.extent.mask() + 1) * ty.stride as u64) as usize,
            );
        }
    }
}

/// Calls `visit` with each table of a map, and where it has its room.
///
/// # Errors
/// Those of `visit`.
///
/// # Safety
/// `map` is a map.
pub(super) unsafe fn for_each_table(
    map: u64,
    mut visit: impl FnMut(Home) -> Result<(), MapError>,
) -> Result<(), MapError> {
    // SAFETY: by the contract; the index is below the directory's length.
    unsafe {
        let Some(directory) = Directory::of(map) else {
            let table = Table::load(map);
            if table.is_none() {
                return Ok(());
            }
            return visit(Home {
                table,
                directory: None,
            });
        };
        let mut index = 0;
        while index < directory.len() {
            let table = directory.table(index);
            // In a race the halves of an entry may be of different tables, but they are there.
            visit(Home {
                table,
                directory: Some(directory),
            })?;
            index += directory.span(table);
        }
        Ok(())
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

/// More than this is made for nobody at once.
const IMPOSSIBLE: u64 = 1 << 40;

/// What is made at once for a map of which it was said how large it will be, if it needs a directory; the rest as it grows.
const AT_ONCE: u64 = 64 << 20;

/// Gives a new map room for `hint` entries.
///
/// # Errors
/// If there is no memory.
///
/// # Safety
/// `map` is a map of type `ty` without a table.
pub(super) unsafe fn reserve(
    cache: &mut Cache,
    map: u64,
    ty: &MapType,
    hint: u64,
) -> Result<(), OutOfMemory> {
    let capacity = capacity_for(hint);
    // As in Go, an impossible hint is no hint.
    let Some(bytes) = capacity
        .checked_mul(ty.stride as u64)
        .filter(|&bytes| 0 < bytes && bytes < 1 << 46)
    else {
        return Ok(());
    };
    cache.may_refuse()?;
    // SAFETY: by the contract; all entries of a directory are set.
    unsafe {
        if capacity <= ty.most {
            let table = Table::new(cache, ty, capacity, None)?;
            store64(map + ROOM, Table::room_of(capacity));
            table.publish(map);
            return Ok(());
        }
        let account = cache.heap().account();
        if bytes >= IMPOSSIBLE || !account.allows(bytes) {
            return Err(account.refuse(bytes));
        }
        let tables = capacity.min(AT_ONCE / ty.stride as u64).max(2 * ty.most) / ty.most;
        let depth = u64::from(tables.ilog2());
        let directory = new_directory(cache, ty, depth)?;
        for index in 0..directory.len() {
            Table::new(cache, ty, ty.most, Some(depth))?.publish(directory.entries + index * ENTRY);
        }
        directory.publish(map);
        Ok(())
    }
}

/// A directory whose entries are to be set.
fn new_directory(cache: &mut Cache, ty: &MapType, depth: u64) -> Result<Directory, OutOfMemory> {
    Ok(Directory {
        entries: cache.allocate_array(ty.directory, 1 << depth, ENTRY)?.get(),
        extent: Extent::of_directory(depth),
    })
}

/// What a full table asks for.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Grown {
    /// There is room, somewhere else than before.
    Done,
    /// Its keys crowd; a hash that scatters them would help.
    Crowded,
}

/// Makes room for another entry in the table where `hash` belongs: builds it anew, or divides it.
///
/// # Errors
/// If there is no memory. Nothing has changed then.
///
/// # Safety
/// `home` is that of the hash in `map`, a map of type `ty`, whose writer the caller is; `entries` is how many the map has, and `seed` its seed.
#[cold]
#[inline(never)]
pub(super) unsafe fn grow<K: Key>(
    cache: &mut Cache,
    map: u64,
    ty: &MapType,
    home: Home,
    (hash, entries, seed): (u64, u64, u64),
) -> Result<Grown, MapError> {
    // SAFETY: by the contract.
    unsafe {
        let old = home.table;
        if old.is_none() {
            let table = Table::new(cache, ty, SMALLEST, None)?;
            store64(map + ROOM, Table::room_of(SMALLEST));
            table.publish(map);
            return Ok(Grown::Done);
        }
        let capacity = old.capacity();
        let mut here = 0;
        old.for_each(|_| {
            here += 1;
            Ok(())
        })?;
        // If at most half of what the table takes are entries, the rest is deleted slots, and the size will do.
        let wanted = if capacity > GROUP && here <= Table::room_of(capacity) / 2 {
            capacity
        } else if capacity < ty.most {
            capacity * 2
        } else {
            let next = home.directory.map_or(0, Directory::depth) + 1;
            let depth = home.directory.map_or(0, |_| old.depth());
            let shares = entries.saturating_mul(LEAST_SHARE) / ty.most;
            if depth + 1 < next || shares >> next.min(63) != 0 {
                return divide::<K>(cache, map, ty, home, (hash, depth, seed));
            }
            if K::CAN_SCATTER && seed & super::SCATTERED == 0 {
                return Ok(Grown::Crowded);
            }
            capacity * 2
        };
        if wanted > MOST {
            return Err(MapError::OutOfMemory);
        }
        let depth = home.directory.map(|_| old.depth());
        let new = Table::new(cache, ty, wanted, depth)?;
        let (mut count, mut pace) = (0, crate::native::Pace::default());
        old.for_each(|number| {
            // A table that is half filled is not published.
            if pace.is_over_after(ty.stride as usize) {
                return Err(MapError::OutOfMemory);
            }
            let from = old.slots + number * ty.stride as u64;
            count += 1;
            new.take::<K>(ty, from, K::load(from).hash(ty, seed)?)
        })?;
        let room = Table::room_of(wanted).saturating_sub(count);
        match home.directory {
            None => {
                store64(map + ROOM, room);
                new.publish(map);
            }
            Some(directory) => {
                store64(new.control - TABLE_ROOM, room);
                let span = directory.span(new);
                let first = directory.extent.shifted(hash) & !(span - 1);
                for index in first..first + span {
                    new.publish(directory.entries + index * ENTRY);
                }
            }
        }
        Ok(Grown::Done)
    }
}

/// Divides a table into two by the next bit of its keys' hashes; if necessary, in a directory of twice the size.
///
/// # Errors
/// As [`grow`].
///
/// # Safety
/// As [`grow`]; `depth` is the table's.
unsafe fn divide<K: Key>(
    cache: &mut Cache,
    map: u64,
    ty: &MapType,
    home: Home,
    (hash, depth, seed): (u64, u64, u64),
) -> Result<Grown, MapError> {
    // SAFETY: by the contract; each index is below the length of its directory.
    unsafe {
        let old = home.table;
        let mut halves = [(); 2].map(|()| (None, 0));
        for half in &mut halves {
            half.0 = Some(Table::new(cache, ty, old.capacity(), Some(depth + 1))?);
        }
        let [(Some(low), mut in_low), (Some(high), mut in_high)] = halves else {
            return Err(MapError::OutOfMemory);
        };
        old.for_each(|number| {
            let from = old.slots + number * ty.stride as u64;
            let hash = K::load(from).hash(ty, seed)?;
            // A NaN has another hash each time: one half is as good as the other.
            if hash >> (63 - depth.min(63)) & 1 == 0 {
                in_low += 1;
                low.take::<K>(ty, from, hash)
            } else {
                in_high += 1;
                high.take::<K>(ty, from, hash)
            }
        })?;
        for (half, count) in [(low, in_low), (high, in_high)] {
            let room = Table::room_of(old.capacity()).saturating_sub(count);
            store64(half.control - TABLE_ROOM, room);
        }
        let directory = match home.directory {
            Some(directory) if depth < directory.depth() => directory,
            _ => {
                let before = home.directory;
                let directory = new_directory(cache, ty, before.map_or(0, Directory::depth) + 1)?;
                if let Some(before) = before {
                    for index in 0..before.len() {
                        let table = before.table(index);
                        table.publish(directory.entries + index * 2 * ENTRY);
                        table.publish(directory.entries + (index * 2 + 1) * ENTRY);
                    }
                }
                directory
            }
        };
        let half = directory.span(low);
        let first = directory.extent.shifted(hash) & !(2 * half - 1);
        for index in first..first + half {
            low.publish(directory.entries + index * ENTRY);
            high.publish(directory.entries + (index + half) * ENTRY);
        }
        if home
            .directory
            .is_none_or(|before| before.entries != directory.entries)
        {
            directory.publish(map);
        }
        Ok(Grown::Done)
    }
}

/// The most slots of a table with slots of `stride` bytes, before it is divided: as few as fill whole cells or blocks of the heap, and are worth
/// their entry in the directory.
pub(super) fn most_slots(stride: u32) -> u64 {
    let stride = u64::from(stride.max(1));
    let fits = |&slots: &u64| {
        let bytes = slots * stride;
        let taken = crate::heap::taken(bytes);
        bytes >= 16 << 10 && (taken - bytes) * 16 <= bytes
    };
    [64, 128, 256, 512, 1024, 2048, 4096]
        .into_iter()
        .find(fits)
        .unwrap_or(4096)
}
