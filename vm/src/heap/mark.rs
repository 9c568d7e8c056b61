//! Marking: finding all objects that the roots lead to.
//!
//! The marker keeps a stack of addresses whose objects are marked but not yet scanned. Large objects are scanned in
//! pieces: an entry with bit 0 set is the start of a piece. There is no recursion, and if the stack cannot grow, the
//! marker notes that, goes on, and afterwards scans all marked objects again until nothing is lost.
//!
//! Between stack and scan lies a short queue whose objects are being prefetched: most of the time of marking is
//! waiting for memory.
//!
//! Roots are reported to one marker. A large heap is then marked by several threads ([`super::parallel`]): marks are atomics, plain loads and
//! stores as long as one thread marks, and read-modify-writes else.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytecode::SlotKind;

use super::collect::each_marked;
use super::parallel::{self, Pool};
use super::region::{
    BLOCK_BYTES, BLOCK_SHIFT, Block, Huge, REGION_BYTES, RegionRef, State, owner_of,
};
use super::shape::{Pattern, Shape, ShapeData, holds_reference};
use super::{Heap, State as HeapState};
use crate::moves;

/// Bytes of a large object that are scanned at a time.
const PIECE: u64 = 64 * 1024;
/// Objects that are prefetched while others are scanned. A power of two.
const AHEAD: usize = 8;
/// Entries that a marker gives away at a time.
pub(super) const SHARED: usize = 128;
/// Reporting roots works off the stack when it has this many entries.
const ROOTS_AT_ONCE: usize = 4096;

/// Where the roots are reported during [`Heap::collect`]. All its functions accept any 64 bits.
pub struct Marker<'a> {
    tag: u64,
    stack: Vec<u64>,
    /// It grows no further than to this length; for tests.
    stack_limit: usize,
    /// Something was marked that could not be put on the stack.
    lost: bool,
    /// Bytes of goroutines' stacks.
    root_bytes: u64,
    /// Other markers mark the same heap: where work is shared.
    pub(super) pool: Option<&'a Pool>,
    huge: *mut [Huge],
    regions: *const [RegionRef],
    heap: &'a Heap,
    _state: PhantomData<&'a mut HeapState>,
}

/// An object that an address leads to.
pub(super) enum Found {
    /// A cell of a block: (block, number of the cell).
    Cell(*mut Block, u32),
    /// A large object: (head block, start of its memory).
    Large(*mut Block, u64),
    /// A number in the list of huge objects.
    Huge(usize),
}

/// Finds the object that an address lies in, free cells included.
///
/// # Safety
/// No block of the heap with this tag changes its use meanwhile; `huge` is its list.
#[inline(always)]
pub(super) unsafe fn find(tag: u64, huge: *const [Huge], address: u64) -> Option<Found> {
    let owner = owner_of(address);
    if owner != tag {
        if owner != tag + 1 {
            return None;
        }
        // SAFETY: by the contract.
        return unsafe { find_huge(huge, address) };
    }
    let record = record_of(address);
    // SAFETY: the address lies in a region of this heap, whose records are mapped. Field by field: others may set marks meanwhile.
    match unsafe { (*record).state } {
        State::Small => {
            let offset = address & (BLOCK_BYTES - 1);
            // SAFETY: as above.
            let (magic, cells) = unsafe { ((*record).magic, (*record).cells) };
            let cell = ((offset * magic as u64) >> 32) as u32;
            // Not so in the rest of the block that is too short for a cell.
            (cell < cells).then_some(Found::Cell(record, cell))
        }
        State::Free => None,
        State::Large | State::Tail => find_large(record, address),
    }
}

/// The record of the block that an address of a region lies in.
#[inline(always)]
fn record_of(address: u64) -> *mut Block {
    let region = address & !(REGION_BYTES - 1);
    let number = (address & (REGION_BYTES - 1)) >> BLOCK_SHIFT;
    (region + number * size_of::<Block>() as u64) as *mut Block
}

#[cold]
#[inline(never)]
fn find_large(record: *mut Block, address: u64) -> Option<Found> {
    // SAFETY: a mapped record, and a tail's head lies in the same region, `span` records before it.
    let head = unsafe {
        if (*record).state == State::Tail {
            record.sub((*record).span as usize)
        } else {
            record
        }
    };
    // SAFETY: as above.
    let distance = unsafe { record.offset_from(head) } as u64;
    let start = (address & !(BLOCK_BYTES - 1)) - distance * BLOCK_BYTES;
    // SAFETY: as above.
    (address - start < unsafe { (*head).bytes_or_layout }).then_some(Found::Large(head, start))
}

/// # Safety
/// `huge` is valid.
#[cold]
#[inline(never)]
unsafe fn find_huge(huge: *const [Huge], address: u64) -> Option<Found> {
    // SAFETY: by the contract. Field by field: others may set marks meanwhile.
    let place = |number: usize| unsafe {
        let object = huge.cast::<Huge>().add(number);
        ((*object).start, (*object).bytes)
    };
    let (mut low, mut high) = (0, huge.len());
    while low < high {
        let middle = low.midpoint(high);
        if place(middle).0 <= address {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let number = low.checked_sub(1)?;
    let (start, bytes) = place(number);
    (address - start < bytes).then_some(Found::Huge(number))
}

/// How many entries the stack may have under a limit: it is not charged to anybody, so it must stay small beside what is.
pub(super) fn stack_limit(limit: Option<u64>) -> Option<usize> {
    limit.map(|limit| (limit as usize / 512).clamp(4096, 1 << 20))
}

impl<'a> Marker<'a> {
    /// A marker for a heap whose marks are cleared.
    pub(super) fn new(heap: &'a Heap, state: &'a mut HeapState) -> Marker<'a> {
        Marker {
            tag: heap.tag,
            stack: std::mem::take(&mut state.mark_stack),
            stack_limit: stack_limit(heap.account.limit())
                .unwrap_or(usize::MAX)
                .min(state.mark_stack_limit),
            lost: false,
            root_bytes: 0,
            pool: None,
            huge: &raw mut *state.huge,
            regions: &raw const *state.regions,
            heap,
            _state: PhantomData,
        }
    }

    /// Reports a reference: 0, the address of or into an object, or anything else, which is ignored.
    #[inline]
    pub fn mark_reference(&mut self, value: u64) {
        self.drain_if_long();
        self.visit(value);
    }

    #[inline]
    pub(super) fn drain_if_long(&mut self) {
        if self.stack.len() >= ROOTS_AT_ONCE {
            self.drain_with_help();
        }
    }

    /// As [`find`], in this heap.
    ///
    /// # Safety
    /// As for [`find`].
    pub(super) unsafe fn find(&self, address: u64) -> Option<Found> {
        // SAFETY: by the contract.
        unsafe { find(self.tag, self.huge, address) }
    }

    /// Reports the two slots of an interface.
    #[inline]
    pub fn mark_interface(&mut self, type_word: u64, data: u64) {
        if holds_reference(type_word) {
            self.mark_reference(data);
        }
    }

    /// Reports slot `index` of this kind; `slot` gives a slot's value. Of interface data it is asked for the slot before, too.
    #[inline]
    pub fn mark_slot(&mut self, kind: SlotKind, index: usize, slot: impl Fn(usize) -> u64) {
        match kind {
            SlotKind::Scalar => {}
            SlotKind::Ref => self.mark_reference(slot(index)),
            SlotKind::InterfaceData => self.mark_interface(slot(index - 1), slot(index)),
        }
    }

    /// Reports memory outside the heap that is laid out like heap memory (package variables).
    ///
    /// # Safety
    /// The memory is readable and 8-aligned, and nobody writes to it meanwhile.
    pub unsafe fn mark_memory(&mut self, start: u64, bytes: usize, shape: Shape) {
        let data: *const ShapeData = self
            .heap
            .with_shapes(|shapes| shapes.get(shape) as *const _);
        // SAFETY: shapes live as long as the heap; the memory is readable by the contract.
        unsafe { self.scan(start, start + bytes as u64, &(*data).pattern) };
        self.drain_if_long();
    }

    /// Marks the object that `value` leads to, and remembers it for scanning if that was news.
    #[inline(always)]
    fn visit(&mut self, value: u64) {
        // SAFETY: the world is stopped and the collector holds the heap's state.
        match unsafe { find(self.tag, self.huge, value) } {
            None => {}
            Some(Found::Cell(record, cell)) => {
                // SAFETY: as above; the cell is below `cells`, so its bit exists. All threads that mark use its word as an atomic, and
                // nobody writes the other fields but for `marked`, which one thread counts if it is alone.
                unsafe {
                    let words = (&raw mut (*record).marks).cast::<u64>();
                    let word = AtomicU64::from_ptr(words.add(cell as usize / 64));
                    if !self.set_mark(word, 1 << (cell % 64), &raw mut (*record).marked) {
                        return;
                    }
                    if !(*record).scalar {
                        self.push((value & !(BLOCK_BYTES - 1)) + (cell * (*record).cell) as u64);
                    }
                }
            }
            // SAFETY: as above.
            Some(Found::Large(record, start)) => unsafe {
                let word = AtomicU64::from_ptr((&raw mut (*record).marks).cast());
                if self.set_mark(word, 1, &raw mut (*record).marked) && !(*record).scalar {
                    self.push(start | 1);
                }
            },
            Some(Found::Huge(number)) => {
                // SAFETY: as above; shapes live as long as the heap.
                unsafe {
                    let object = self.huge.cast::<Huge>().add(number);
                    // ORDERING: relaxed, as in `set_mark`.
                    let marked = AtomicBool::from_ptr(&raw mut (*object).marked)
                        .swap(true, Ordering::Relaxed);
                    if !marked && !(*(*object).shape).pattern.is_scalar() {
                        self.push((*object).start | 1);
                    }
                }
            }
        }
    }

    /// Sets a mark; says whether this was news. `count` is only written if no other thread marks.
    ///
    /// # Safety
    /// `count` is the count of the block whose mark it is.
    #[inline(always)]
    unsafe fn set_mark(&self, word: &AtomicU64, bit: u64, count: *mut u32) -> bool {
        // ORDERING: relaxed, here and below. A mark publishes nothing: what an object holds was written before the world stopped, and
        // the threads' end orders all marks before they are read.
        let marks = word.load(Ordering::Relaxed);
        if marks & bit != 0 {
            return false;
        }
        if self.pool.is_some() {
            return word.fetch_or(bit, Ordering::Relaxed) & bit == 0;
        }
        word.store(marks | bit, Ordering::Relaxed);
        // SAFETY: by the contract; this thread is the only one.
        unsafe { *count += 1 };
        true
    }

    #[inline(always)]
    fn push(&mut self, entry: u64) {
        if self.stack.len() == self.stack.capacity() {
            self.grow();
            if self.stack.len() == self.stack.capacity() {
                return;
            }
        }
        self.stack.push(entry);
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        let more = self.stack.capacity().max(1024);
        if self.stack.len() >= self.stack_limit || self.stack.try_reserve_exact(more).is_err() {
            self.lost = true;
        }
    }

    /// Scans until the stack is empty.
    fn drain(&mut self) {
        let mut queue = [0u64; AHEAD];
        let mut at = 0;
        let mut queued = 0;
        loop {
            if let Some(pool) = self.pool
                && self.stack.len() >= 2 * SHARED
                && pool.is_hungry()
            {
                pool.give(&mut self.stack);
            }
            // Fill the queue from the stack, then scan the oldest.
            let entry = if let Some(entry) = self.stack.pop() {
                prefetch(entry);
                let oldest = std::mem::replace(&mut queue[at % AHEAD], entry);
                at += 1;
                if oldest == 0 {
                    queued += 1;
                    continue;
                }
                oldest
            } else if queued > 0 {
                let oldest = std::mem::take(&mut queue[at % AHEAD]);
                at += 1;
                if oldest == 0 {
                    continue;
                }
                queued -= 1;
                oldest
            } else {
                return;
            };
            if entry & 1 == 0 {
                self.scan_cell(entry)
            } else {
                self.scan_piece(entry & !1)
            }
        }
    }

    /// As [`Marker::drain`], by several threads if there is much to do.
    fn drain_with_help(&mut self) {
        let helpers = self.heap.helpers();
        if helpers == 0 || self.stack.is_empty() {
            return self.drain();
        }
        let stack = std::mem::take(&mut self.stack);
        let limit = self.stack_limit / (helpers + 1);
        let (stack, lost) = parallel::mark(self, stack, limit, helpers);
        self.stack = stack;
        self.lost |= lost;
        // SAFETY: the world is stopped, and no other thread marks any more.
        unsafe { parallel::count_marks(self.regions) };
    }

    /// Scans a small object.
    #[inline(always)]
    pub(super) fn scan_cell(&mut self, start: u64) {
        let block = record_of(start);
        // SAFETY: the address came from `visit`, so it lies in a block of cells. Field by field: others may set marks meanwhile.
        let (period, mask, cell) =
            unsafe { ((*block).period as u64, (*block).mask, (*block).cell as u64) };
        let end = start + cell;
        if mask != 0 {
            // SAFETY: a cell of a live block.
            unsafe { self.scan_masked(start, end, mask, period) };
        } else {
            // SAFETY: shapes live as long as the heap; a cell of a live block.
            unsafe { self.scan(start, end, &(*(*block).shape).pattern) };
        }
    }

    /// Scans a piece of a large or huge object, leaving the rest on the stack.
    #[cold]
    #[inline(never)]
    pub(super) fn scan_piece(&mut self, piece: u64) {
        // SAFETY: as in `visit`.
        let (end, pattern) = match unsafe { find(self.tag, self.huge, piece) } {
            // SAFETY: as in `visit`; shapes live as long as the heap.
            Some(Found::Large(block, start)) => unsafe {
                (start + (*block).bytes_or_layout, &(*(*block).shape).pattern)
            },
            // SAFETY: as above.
            Some(Found::Huge(number)) => unsafe {
                let object = self.huge.cast::<Huge>().add(number);
                let end = (*object).start + (*object).bytes;
                (end, &(*(*object).shape).pattern)
            },
            _ => return,
        };
        if pattern.is_scalar() {
            return;
        }
        let period = pattern.period as u64;
        let rest = piece + (PIECE / period).max(1) * period;
        if rest < end {
            self.push(rest | 1);
        }
        // SAFETY: part of a live object.
        unsafe { self.scan(piece, end.min(rest), pattern) };
    }

    /// Visits the references in `start..end`, where the pattern begins at `start`.
    ///
    /// # Safety
    /// Readable, 8-aligned memory.
    unsafe fn scan(&mut self, start: u64, end: u64, pattern: &Pattern) {
        let period = pattern.period as u64;
        if pattern.is_plain() {
            // SAFETY: by the contract.
            return unsafe { self.scan_masked(start, end, pattern.references, period) };
        }
        let mut at = start;
        while at < end {
            // SAFETY: by the contract, here and below.
            let mut reference = |word: u32| unsafe { self.scan_word(at, word, end) };
            each_bit(pattern.references, &mut reference);
            pattern
                .reference_words
                .iter()
                .for_each(|&word| reference(word));
            // SAFETY: as above.
            let mut interface = |word: u32| unsafe { self.scan_interface(at, word, end) };
            each_bit(pattern.interfaces, &mut interface);
            pattern
                .interface_words
                .iter()
                .for_each(|&word| interface(word));
            at += period;
        }
    }

    /// Visits the reference at a word of the pattern that begins at `at`, unless that lies beyond `end`.
    ///
    /// # Safety
    /// As for [`Marker::scan`].
    #[inline(always)]
    unsafe fn scan_word(&mut self, at: u64, word: u32, end: u64) {
        let address = at + word as u64 * 8;
        // A cell may end within a period; what lies beyond the object in it is zero.
        if address < end {
            // SAFETY: by the contract.
            self.visit(unsafe { moves::load64(address) });
        }
    }

    /// As [`Marker::scan_word`], of interface data: asks the type word before it. The world is stopped, so that the two
    /// belong together.
    ///
    /// # Safety
    /// As for [`Marker::scan`].
    #[inline(always)]
    unsafe fn scan_interface(&mut self, at: u64, word: u32, end: u64) {
        let address = at + word as u64 * 8;
        // SAFETY: by the contract; no pattern has interface data in its first word.
        if address < end && holds_reference(unsafe { moves::load64(address - 8) }) {
            // SAFETY: by the contract.
            self.visit(unsafe { moves::load64(address) });
        }
    }

    /// Visits the references in `start..end` of a short pattern without interfaces.
    ///
    /// # Safety
    /// Readable, 8-aligned memory.
    #[inline(always)]
    unsafe fn scan_masked(&mut self, start: u64, end: u64, mask: u64, period: u64) {
        let mut at = start;
        while at < end {
            let mut bits = mask;
            while bits != 0 {
                let address = at + bits.trailing_zeros() as u64 * 8;
                bits &= bits - 1;
                // A cell may end within a period; what lies beyond the object in it is zero.
                if address >= end {
                    return;
                }
                // SAFETY: by the contract.
                self.visit(unsafe { moves::load64(address) });
            }
            at += period;
        }
    }

    /// Counts bytes of a goroutine's stack among what a collection costs.
    #[inline]
    pub fn count_stack(&mut self, bytes: u64) {
        self.root_bytes += bytes;
    }

    /// Whether the object that an address leads to is marked; what does not lie in the heap is always alive.
    pub fn is_marked(&self, address: u64) -> bool {
        // SAFETY: the world is stopped and the collector holds the heap's state.
        match unsafe { find(self.tag, self.huge, address) } {
            None => true,
            Some(Found::Cell(record, cell)) => {
                // SAFETY: as above.
                let block = unsafe { &*record };
                block.marks[cell as usize / 64] & 1 << (cell % 64) != 0
            }
            // SAFETY: as above.
            Some(Found::Large(record, _)) => unsafe { (*record).marks[0] != 0 },
            // SAFETY: as above.
            Some(Found::Huge(number)) => unsafe { (&(*self.huge))[number].marked },
        }
    }

    /// A marker for another thread, which marks the same heap.
    pub(super) fn helper(&self, pool: &'a Pool, stack: Vec<u64>, stack_limit: usize) -> Marker<'a> {
        Marker {
            tag: self.tag,
            stack,
            stack_limit,
            lost: false,
            root_bytes: 0,
            pool: Some(pool),
            huge: self.huge,
            regions: self.regions,
            heap: self.heap,
            _state: PhantomData,
        }
    }

    /// Takes part in marking until nobody has anything left. Returns the memory of its stack, and whether something was lost.
    pub(super) fn work(mut self, pool: &Pool) -> (Vec<u64>, bool) {
        loop {
            self.drain();
            match pool.take() {
                // A stack that has been reserved is not given up.
                Some(more) if more.len() <= self.stack.capacity() => self.stack.extend(more),
                Some(more) => self.stack = more,
                None => return (self.stack, self.lost),
            }
        }
    }

    /// Marks all that the roots lead to which were reported so far.
    pub fn settle(&mut self) {
        self.drain_with_help();
        while std::mem::take(&mut self.lost) {
            // Scanning a marked object again finds the unmarked ones behind it. Each round marks at least one object
            // more.
            let (regions, huge) = (self.regions, self.huge);
            // SAFETY: the world is stopped; scanning only sets marks.
            unsafe {
                each_marked(regions, huge, &mut |entry| {
                    if entry & 1 == 0 {
                        self.scan_cell(entry)
                    } else {
                        self.scan_piece(entry & !1)
                    }
                    self.drain();
                });
            }
        }
    }

    /// Marks all that the roots lead to; gives the stack's memory back to the heap, and the bytes counted.
    pub(super) fn finish(mut self) -> (Vec<u64>, u64) {
        self.settle();
        (std::mem::take(&mut self.stack), self.root_bytes)
    }
}

/// Calls `visit` with the number of each bit set.
#[inline(always)]
fn each_bit(mut bits: u64, visit: &mut impl FnMut(u32)) {
    while bits != 0 {
        visit(bits.trailing_zeros());
        bits &= bits - 1;
    }
}

#[inline(always)]
fn prefetch(address: u64) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch of any address is harmless.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address as *const i8);
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = address;
}
