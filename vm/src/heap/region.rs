//! Regions and blocks: where memory comes from, and how an address finds its object.
//!
//! A region is 64 MiB of reserved, aligned address space: 2048 blocks of 32 KiB. Its first 68 blocks hold the
//! [`Block`] records of all its blocks (apart from the memory they describe: marking does not touch the objects of
//! pointer-free blocks, and the records do not all fall on the same few cache sets, as headers at the start of 32
//! KiB-aligned blocks would). Pages are committed when touched, so a record or block that was never used costs
//! nothing.
//!
//! [`REGIONS`], indexed by `address >> 26`, names the heap that owns a region. It is one table for the process, in
//! zeroed static memory. An address finds its object thus: table entry equal to this heap's tag; record by block
//! number; cell by multiplication. No step can fault, whatever the 64 bits are.
//!
//! An object larger than a region gets a reservation of its own ("huge"), whose table entries hold the tag with bit 0
//! set and which is found in the heap's list.
//!
//! INVARIANT (RECORDS): a record is written by the thread that holds the heap's region lock, or by the cache that
//! owns the block (which only writes `dirty`, and marks), or by the collector in a stopped world. Hence plain accesses. Threads that mark
//! while others run read only what describes the cells, which does not change while a block is in use, and set marks, which are atomics.
//!
//! Each block has two sets of marks. One side is what the last finished collection has found: caches read free cells off it. The
//! other is clear, or being filled by the collection under way. At the end of a collection the sides change their roles.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::platform;
use super::shape::{Pattern, ShapeData};
use super::size_class::MAX_CELLS;

/// Address bits inside a region.
pub const REGION_SHIFT: u32 = if cfg!(miri) { 21 } else { 26 };
pub const REGION_BYTES: u64 = 1 << REGION_SHIFT;
pub const BLOCK_SHIFT: u32 = 15;
pub const BLOCK_BYTES: u64 = 1 << BLOCK_SHIFT;
/// Blocks of a region, those of the records included.
pub const BLOCKS: usize = (REGION_BYTES >> BLOCK_SHIFT) as usize;
/// Blocks that hold the records.
pub const RECORD_BLOCKS: usize = (BLOCKS * size_of::<Block>()).div_ceil(BLOCK_BYTES as usize);
/// Blocks for objects.
pub const USABLE_BLOCKS: usize = BLOCKS - RECORD_BLOCKS;

/// User addresses have at most this many bits.
const ADDRESS_BITS: u32 = if cfg!(target_arch = "x86_64") { 47 } else { 48 };
const TABLE_LENGTH: usize = if cfg!(miri) {
    1 << 18
} else {
    1 << (ADDRESS_BITS - REGION_SHIFT)
};

/// The tag of the heap that owns each region of the address space; 0 for none.
static REGIONS: [AtomicU64; TABLE_LENGTH] = [const { AtomicU64::new(0) }; TABLE_LENGTH];

/// Tags are even; the tag plus one marks huge reservations.
static NEXT_TAG: AtomicU64 = AtomicU64::new(2);

/// A tag no other heap of the process has or had.
pub fn new_tag() -> u64 {
    // ORDERING: relaxed. Only uniqueness is asked of it.
    NEXT_TAG.fetch_add(2, Ordering::Relaxed)
}

/// The entry for an address: 0 if nobody owns it.
#[inline(always)]
pub fn owner_of(address: u64) -> u64 {
    match REGIONS.get((address >> REGION_SHIFT) as usize) {
        // ORDERING: relaxed. A heap only acts on its own tag, which was stored before the world was stopped or by
        // this thread.
        Some(entry) => entry.load(Ordering::Relaxed),
        None => 0,
    }
}

fn set_owner(start: u64, bytes: u64, tag: u64) {
    for region in start >> REGION_SHIFT..(start + bytes).div_ceil(REGION_BYTES) {
        // ORDERING: relaxed, see `owner_of`.
        REGIONS[region as usize].store(tag, Ordering::Relaxed);
    }
}

/// What a block is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum State {
    /// Nothing, or records. Must be zero: untouched records are free blocks.
    Free = 0,
    /// Cells of one layout.
    Small,
    /// The first block of a large object.
    Large,
    /// A further block of a large object.
    Tail,
}

/// The record of a block. Zeroed memory is the record of a block never used.
#[repr(C, align(64))]
pub struct Block {
    pub state: State,
    /// The cells hold no references.
    pub scalar: bool,
    /// Bytes of a cell.
    pub cell: u32,
    /// `2^32 / cell`, rounded up: `offset * magic >> 32` is the cell's number.
    pub magic: u32,
    /// Cells of the block.
    pub cells: u32,
    /// The collection whose marks it was last sorted by, or the last finished one when it was taken into use.
    pub sorted: u32,
    /// Memory from this offset on was never written since it came from the system: it is zero.
    pub dirty: u32,
    /// Period of the shape.
    pub period: u32,
    /// `Large`: blocks of the object. `Tail`: distance to the head, in blocks.
    pub span: u32,
    /// Reference words of the shape, if it is plain ([`Pattern::is_plain`]); else 0.
    pub mask: u64,
    /// `Small`: its layout's number. `Large`: bytes of the object.
    pub bytes_or_layout: u64,
    /// `Small`: next block in its layout's list of blocks with free cells.
    pub next: *mut Block,
    /// The shape.
    pub shape: *const ShapeData,
    /// Two sides: one bit per cell, set if marked. A large object uses bit 0 of its head.
    pub marks: [Marks; 2],
}

/// A bit for each cell of a block.
pub type Marks = [AtomicU64; MAX_CELLS / 64];

const _: () = assert!(size_of::<Block>() == 64 + 2 * MAX_CELLS / 8);

/// The start of a region: lies where the record of its first block would be, which reads as a free block.
#[repr(C, align(64))]
pub struct Region {
    /// Zero: `State::Free`.
    state: u64,
    /// Free blocks.
    pub free: u32,
    /// Bit `b` is set if block `b` is free.
    free_blocks: [u64; BLOCKS / 64],
}

const _: () = assert!(size_of::<Region>() <= size_of::<Block>());

/// A handle to a region of this heap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RegionRef(NonNull<Region>);

// SAFETY: a region belongs to its heap, which synchronises the use of it (INVARIANT RECORDS).
unsafe impl Send for RegionRef {}

impl RegionRef {
    /// Reserves a region for the heap with this tag. With `small_pages`, a touched byte commits a page of the
    /// smallest size; else the system decides. (Asking for large pages brought nothing measurable, even in marking
    /// 100 MiB.)
    pub fn reserve(tag: u64, small_pages: bool) -> Option<RegionRef> {
        let start = reserve_owned(REGION_BYTES, tag)?;
        let region = RegionRef(start.cast());
        // SAFETY: the region is new, zeroed and ours alone.
        unsafe {
            if small_pages {
                platform::advise_small_pages(region.start(), REGION_BYTES as usize);
            }
            let this = &mut *region.0.as_ptr();
            this.free = USABLE_BLOCKS as u32;
            this.free_blocks.fill(!0);
            for block in 0..RECORD_BLOCKS {
                this.free_blocks[block / 64] &= !(1 << (block % 64));
            }
        }
        Some(region)
    }

    /// Gives the address space back.
    ///
    /// # Safety
    /// Nothing uses the region any more.
    pub unsafe fn unreserve(self) {
        // SAFETY: by the contract; made by `reserve_owned` with this size.
        unsafe { unreserve_owned(self.0.cast(), REGION_BYTES) };
    }

    pub fn start(self) -> u64 {
        self.0.as_ptr() as u64
    }

    /// The address of a block's memory.
    pub fn block_start(self, block: usize) -> u64 {
        self.start() + ((block as u64) << BLOCK_SHIFT)
    }

    /// The record of a block other than those of the records.
    #[inline(always)]
    pub fn record(self, block: usize) -> *mut Block {
        // Records fill the region from its start.
        (self.start() + (block * size_of::<Block>()) as u64) as *mut Block
    }

    /// The region's own data.
    ///
    /// # Safety
    /// The caller holds the region lock, or the world is stopped; one such reference at a time.
    #[expect(clippy::mut_from_ref, reason = "a handle, not the data")]
    pub unsafe fn data(&self) -> &mut Region {
        // SAFETY: by the contract.
        unsafe { &mut *self.0.as_ptr() }
    }
}

impl Region {
    /// Takes the lowest free block.
    pub fn take_one(&mut self) -> Option<usize> {
        let word = self.free_blocks.iter().position(|&w| w != 0)?;
        let bit = self.free_blocks[word].trailing_zeros() as usize;
        self.free_blocks[word] &= !(1 << bit);
        self.free -= 1;
        Some(word * 64 + bit)
    }

    /// Takes the highest run of `count` free blocks: large objects grow downwards, single blocks upwards.
    pub fn take_run(&mut self, count: usize) -> Option<usize> {
        if (self.free as usize) < count {
            return None;
        }
        let mut end = BLOCKS;
        let mut at = BLOCKS;
        while at > RECORD_BLOCKS {
            at -= 1;
            if self.free_blocks[at / 64] == 0 {
                at = at / 64 * 64;
                end = at;
            } else if !self.is_free(at) {
                end = at;
            } else if end - at == count {
                for block in at..end {
                    self.free_blocks[block / 64] &= !(1 << (block % 64));
                }
                self.free -= count as u32;
                return Some(at);
            }
        }
        None
    }

    /// Gives blocks back.
    pub fn give_back(&mut self, first: usize, count: usize) {
        for block in first..first + count {
            debug_assert!(!self.is_free(block));
            self.free_blocks[block / 64] |= 1 << (block % 64);
        }
        self.free += count as u32;
    }

    pub fn is_free(&self, block: usize) -> bool {
        self.free_blocks[block / 64] >> (block % 64) & 1 != 0
    }
}

impl Block {
    /// Makes a free block one of cells.
    pub fn become_small(&mut self, cell: u32, layout: u32, shape: &ShapeData, finished: u32) {
        self.set_shape(shape);
        self.cell = cell;
        self.magic = (1u64 << 32).div_ceil(cell as u64) as u32;
        self.cells = BLOCK_BYTES as u32 / cell;
        self.sorted = finished;
        self.bytes_or_layout = layout as u64;
        self.next = std::ptr::null_mut();
        self.state = State::Small;
        self.clear_marks(0);
        self.clear_marks(1);
    }

    /// Makes a free block the head of a large object; the tails are the caller's work.
    pub fn become_large(&mut self, bytes: u64, blocks: u32, shape: &ShapeData, finished: u32) {
        self.set_shape(shape);
        self.cell = 0;
        self.span = blocks;
        self.sorted = finished;
        self.bytes_or_layout = bytes;
        self.state = State::Large;
        self.clear_marks(0);
        self.clear_marks(1);
    }

    /// How many words of a side of the marks are in use.
    fn mark_words(&self) -> usize {
        match self.state {
            State::Small => (self.cells as usize).div_ceil(64),
            State::Large => 1,
            State::Free | State::Tail => 0,
        }
    }

    /// Makes a side of the marks clear.
    pub fn clear_marks(&self, side: usize) {
        for word in &self.marks[side][..self.mark_words()] {
            // ORDERING: relaxed, of all marks: they publish nothing (`Marker::set_mark`).
            word.store(0, Ordering::Relaxed);
        }
    }

    /// How many cells are marked on a side.
    pub fn count_marks(&self, side: usize) -> u32 {
        let words = &self.marks[side][..self.mark_words()];
        // ORDERING: relaxed, as above.
        words
            .iter()
            .map(|word| word.load(Ordering::Relaxed).count_ones())
            .sum()
    }

    /// Whether a cell is marked on a side.
    pub fn is_marked(&self, side: usize, cell: u32) -> bool {
        // ORDERING: relaxed, as above.
        self.marks[side][cell as usize / 64].load(Ordering::Relaxed) >> (cell % 64) & 1 != 0
    }

    /// Marks the cells `first..end` on a side, or takes their marks away.
    pub fn mark_cells(&self, side: usize, first: u32, end: u32, marked: bool) {
        let mut at = first;
        while at < end {
            let word = &self.marks[side][at as usize / 64];
            let until = end.min((at / 64 + 1) * 64);
            let mask = (!0u64 >> (64 - (until - at))) << (at % 64);
            // ORDERING: relaxed, as above.
            if marked {
                word.fetch_or(mask, Ordering::Relaxed);
            } else {
                word.fetch_and(!mask, Ordering::Relaxed);
            }
            at = until;
        }
    }

    fn set_shape(&mut self, shape: &ShapeData) {
        let pattern: &Pattern = &shape.pattern;
        self.scalar = pattern.is_scalar();
        self.period = pattern.period;
        self.mask = if pattern.is_plain() {
            pattern.references
        } else {
            0
        };
        self.shape = shape;
    }

    /// The first run of cells not marked on a side at or after cell `from`: (first, end).
    pub fn free_run(&self, side: usize, from: u32) -> Option<(u32, u32)> {
        let start = self.next_with(side, from, !0)?;
        Some((start, self.next_with(side, start, 0).unwrap_or(self.cells)))
    }

    /// The first cell at or after `from` whose mark on a side, xor `flip`, is set.
    fn next_with(&self, side: usize, from: u32, flip: u64) -> Option<u32> {
        // ORDERING: relaxed, as above.
        let marks = |word: usize| self.marks[side][word].load(Ordering::Relaxed);
        if from >= self.cells {
            return None;
        }
        let mut word = from as usize / 64;
        let mut bits = (marks(word) ^ flip) & !0 << (from % 64);
        let words = (self.cells as usize).div_ceil(64);
        while bits == 0 {
            word += 1;
            if word == words {
                return None;
            }
            bits = marks(word) ^ flip;
        }
        let cell = word as u32 * 64 + bits.trailing_zeros();
        (cell < self.cells).then_some(cell)
    }
}

/// An object larger than a region.
pub struct Huge {
    pub start: u64,
    pub bytes: u64,
    pub shape: *const ShapeData,
    /// Whether it is marked, on each side.
    pub marked: [AtomicBool; 2],
}

// SAFETY: the shape outlives the heap's objects and is never changed.
unsafe impl Send for Huge {}

impl Huge {
    /// Reserves memory for a huge object.
    pub fn reserve(tag: u64, bytes: u64, shape: &ShapeData) -> Option<Huge> {
        let start = reserve_owned(bytes.checked_next_multiple_of(REGION_BYTES)?, tag + 1)?;
        Some(Huge {
            start: start.as_ptr() as u64,
            bytes,
            shape,
            marked: [const { AtomicBool::new(false) }; 2],
        })
    }

    /// Gives the memory back.
    ///
    /// # Safety
    /// Nothing uses the object any more.
    pub unsafe fn unreserve(&self) {
        if let Some(start) = NonNull::new(self.start as *mut u8) {
            // SAFETY: by the contract; made by `reserve_owned` with this size.
            unsafe { unreserve_owned(start, self.bytes.next_multiple_of(REGION_BYTES)) };
        }
    }
}

/// Reserves whole regions of address space and enters their owner.
fn reserve_owned(bytes: u64, tag: u64) -> Option<NonNull<u8>> {
    let size = usize::try_from(bytes).ok()?;
    let start = platform::reserve(size, REGION_BYTES as usize)?;
    if (start.as_ptr() as u64 + bytes - 1) >> REGION_SHIFT >= TABLE_LENGTH as u64 {
        // SAFETY: reserved just now, unused.
        unsafe { platform::unreserve(start, size, REGION_BYTES as usize) };
        return None;
    }
    set_owner(start.as_ptr() as u64, bytes, tag);
    Some(start)
}

/// # Safety
/// What `reserve_owned` gave for this size, no longer used.
unsafe fn unreserve_owned(start: NonNull<u8>, bytes: u64) {
    set_owner(start.as_ptr() as u64, bytes, 0);
    // SAFETY: by the contract.
    unsafe { platform::unreserve(start, bytes as usize, REGION_BYTES as usize) };
}
