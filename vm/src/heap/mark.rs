//! Marking: finding all objects that the roots lead to.
//!
//! The marker keeps a stack of addresses whose objects are marked but not yet scanned. Large objects are scanned in
//! pieces: an entry with bit 0 set is the start of a piece. There is no recursion, and if the stack cannot grow, the
//! marker notes that, goes on, and afterwards, in the stopped world, scans all marked objects again until nothing is lost.
//!
//! Between stack and scan lies a short queue whose objects are being prefetched: most of the time of marking is
//! waiting for memory.
//!
//! A marker is all state of one thread that marks. Either it is *alone* in a stopped world: marks are plain stores. Or others mark too
//! ([`super::parallel`]), and the program may run meanwhile ([`super::concurrent`]): marks are set by read-modify-writes, and what is
//! scanned may be written at the same time, so it is read word by word by the moves of [`crate::moves`]. An interface whose two words
//! were read at different times may lead to nothing, or to something dead: what it held has been shaded by who overwrote it.

use std::sync::atomic::{AtomicU64, Ordering};

use bytecode::SlotKind;

use super::collect::each_marked;
use super::parallel::{self, Pool};
use super::region::{
    BLOCK_BYTES, BLOCK_SHIFT, Block, Huge, Marks, REGION_BYTES, RegionRef, State, owner_of,
};
use super::shape::{Pattern, Shape, holds_reference};
use super::{Heap, State as HeapState, lock};
use crate::moves;

/// Bytes of a large object that are scanned at a time.
const PIECE: u64 = 16 * 1024;
/// Objects that are prefetched while others are scanned. A power of two.
const AHEAD: usize = 8;
/// Entries that a marker gives away at a time.
pub(super) const SHARED: usize = 128;
/// Reporting roots works off the stack when it has this many entries.
const ROOTS_AT_ONCE: usize = 4096;

/// Where the roots are reported during a collection. All its functions accept any 64 bits.
pub struct Marker<'a> {
    /// The side of the marks that is filled.
    side: usize,
    stack: Vec<u64>,
    /// It grows no further than to this length.
    stack_limit: usize,
    /// Something was marked that could not be put on the stack.
    pub(super) lost: bool,
    /// Bytes of goroutines' stacks.
    pub(super) root_bytes: u64,
    /// Bytes and number of the objects it has marked.
    pub(super) bytes: u64,
    pub(super) objects: u64,
    /// No other thread marks, and the world is stopped.
    alone: bool,
    /// Where work is shared with others that mark.
    pool: Option<&'a Pool>,
    /// The list of huge objects, if it cannot change meanwhile.
    huge: Option<*const [Box<Huge>]>,
    regions: *const [RegionRef],
    heap: &'a Heap,
    /// It has little time: roots are only put on the stack.
    pub(super) steps: bool,
}

/// An object that an address leads to.
pub(super) enum Found {
    /// A cell of a block: (block, number of the cell).
    Cell(*mut Block, u32),
    /// A large object: (head block, start of its memory).
    Large(*mut Block, u64),
    Huge(*const Huge),
}

/// Finds the object that an address lies in, free cells included. `huge` is the heap's list of huge objects if it cannot change
/// meanwhile; else it is looked at under its lock.
///
/// # Safety
/// Nothing that is alive is freed meanwhile.
#[inline(always)]
pub(super) unsafe fn find(
    heap: &Heap,
    huge: Option<*const [Box<Huge>]>,
    address: u64,
) -> Option<Found> {
    let owner = owner_of(address);
    if owner != heap.tag {
        if owner != heap.tag + 1 {
            return None;
        }
        // SAFETY: by the contract.
        return unsafe { find_huge(heap, huge, address) };
    }
    let record = record_of(address);
    // SAFETY: the address lies in a region of this heap, whose records are mapped. Field by field: others may set marks meanwhile.
    let (state, magic, cells) = unsafe { ((*record).state, (*record).magic, (*record).cells) };
    match state {
        State::Small => {
            let offset = address & (BLOCK_BYTES - 1);
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
/// As for [`find`].
#[cold]
#[inline(never)]
unsafe fn find_huge(heap: &Heap, huge: Option<*const [Box<Huge>]>, address: u64) -> Option<Found> {
    let search = |huge: &[Box<Huge>]| {
        let number = huge
            .partition_point(|object| object.start <= address)
            .checked_sub(1)?;
        let object = &huge[number];
        (address - object.start < object.bytes).then_some(Found::Huge(&raw const **object))
    };
    match huge {
        // SAFETY: by the contract.
        Some(huge) => search(unsafe { &*huge }),
        // The object stays where it is when the list changes; it goes only when a collection has found it dead.
        None => search(&lock(&heap.state).huge),
    }
}

/// How many entries the stack may have under a limit: it is not charged to anybody, so it must stay small beside what is.
pub(super) fn stack_limit(limit: Option<u64>) -> Option<usize> {
    limit.map(|limit| (limit as usize / 512).clamp(4096, 1 << 20))
}

impl<'a> Marker<'a> {
    /// A marker for the stopped world.
    ///
    /// The lists of `state` do not change while it is used.
    pub(super) fn new(heap: &'a Heap, state: &mut HeapState, side: usize) -> Marker<'a> {
        Marker {
            side,
            stack: std::mem::take(&mut state.mark_stack),
            stack_limit: stack_limit(heap.account.limit())
                .unwrap_or(usize::MAX)
                .min(state.mark_stack_limit),
            lost: false,
            root_bytes: 0,
            bytes: 0,
            objects: 0,
            alone: true,
            pool: None,
            huge: Some(&raw const *state.huge),
            regions: &raw const *state.regions,
            heap,
            steps: false,
        }
    }

    /// A marker that works while the program and others do.
    pub(super) fn beside(heap: &'a Heap, stack: Vec<u64>) -> Marker<'a> {
        Marker {
            side: heap.marking_side(),
            stack,
            stack_limit: stack_limit(heap.account.limit()).unwrap_or(usize::MAX),
            lost: false,
            root_bytes: 0,
            bytes: 0,
            objects: 0,
            alone: false,
            pool: Some(&heap.pool),
            huge: None,
            regions: &raw const *(&[] as &[RegionRef]),
            heap,
            steps: false,
        }
    }

    /// A marker for another thread, which marks the same heap in the same stopped world.
    pub(super) fn helper(&self, pool: &'a Pool, stack: Vec<u64>, stack_limit: usize) -> Marker<'a> {
        Marker {
            stack,
            stack_limit,
            lost: false,
            root_bytes: 0,
            bytes: 0,
            objects: 0,
            alone: false,
            pool: Some(pool),
            ..*self
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
            self.shorten();
        }
    }

    #[cold]
    #[inline(never)]
    fn shorten(&mut self) {
        match self.pool {
            Some(pool) => pool.put(&mut self.stack),
            None if self.steps => {}
            None => self.drain_with_help(),
        }
    }

    /// As [`find`], in this heap.
    ///
    /// # Safety
    /// As for [`find`].
    pub(super) unsafe fn find(&self, address: u64) -> Option<Found> {
        // SAFETY: by the contract.
        unsafe { find(self.heap, self.huge, address) }
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
        let data = self.heap.shape_data(shape);
        // SAFETY: shapes live as long as the heap; the memory is readable by the contract.
        unsafe { self.scan(start, start + bytes as u64, &(*data).pattern) };
        self.drain_if_long();
    }

    /// Marks the object that `value` leads to, and remembers it for scanning if that was news.
    #[inline(always)]
    pub(super) fn visit(&mut self, value: u64) {
        // SAFETY: what is alive is not freed while a collection marks.
        match unsafe { find(self.heap, self.huge, value) } {
            None => {}
            Some(Found::Cell(record, cell)) => {
                // SAFETY: as above; the cell is below `cells`, so its bit exists. Field by field: others may set marks meanwhile.
                unsafe {
                    let words = (&raw const (*record).marks).cast::<Marks>().add(self.side);
                    let word = &*words.cast::<AtomicU64>().add(cell as usize / 64);
                    if !self.set_mark(word, 1 << (cell % 64)) {
                        return;
                    }
                    let size = (*record).cell;
                    self.count(size as u64);
                    if !(*record).scalar {
                        self.push((value & !(BLOCK_BYTES - 1)) + (cell * size) as u64);
                    }
                }
            }
            // SAFETY: as above.
            Some(Found::Large(record, start)) => unsafe {
                let word = &raw const (*record).marks[self.side][0];
                if self.set_mark(&*word, 1) {
                    self.count((*record).bytes_or_layout);
                    if !(*record).scalar {
                        self.push(start | 1);
                    }
                }
            },
            // SAFETY: as above; shapes live as long as the heap.
            Some(Found::Huge(object)) => unsafe {
                // ORDERING: relaxed, as in `set_mark`.
                if !(*object).marked[self.side].swap(true, Ordering::Relaxed) {
                    self.count((*object).bytes);
                    if !(*(*object).shape).pattern.is_scalar() {
                        self.push((*object).start | 1);
                    }
                }
            },
        }
    }

    #[inline(always)]
    fn count(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.objects += 1;
    }

    /// Sets a mark; says whether this was news.
    #[inline(always)]
    fn set_mark(&self, word: &AtomicU64, bit: u64) -> bool {
        // ORDERING: relaxed, here and below. A mark publishes nothing: what an object holds was written before the world stopped, or before the
        // reference to it was stored, which was read with acquire; and who reads all marks does so in a stopped world.
        let marks = word.load(Ordering::Relaxed);
        if marks & bit != 0 {
            return false;
        }
        if !self.alone {
            return word.fetch_or(bit, Ordering::Relaxed) & bit == 0;
        }
        word.store(marks | bit, Ordering::Relaxed);
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

    /// Scans until the stack is empty, or the pool calls those who mark back.
    fn drain(&mut self) {
        self.drain_some(usize::MAX);
    }

    /// As [`Marker::drain`], about `most` entries.
    pub(super) fn drain_some(&mut self, most: usize) {
        let mut queue = [0u64; AHEAD];
        let mut at = 0;
        let mut queued = 0;
        let mut scanned = 0;
        loop {
            if let Some(pool) = self.pool
                && pool.calls()
                && pool.called(&mut self.stack)
            {
                break;
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
            scanned += 1;
            if scanned >= most {
                break;
            }
        }
        for entry in queue.into_iter().filter(|&entry| entry != 0) {
            self.push(entry);
        }
    }

    /// As [`Marker::drain`], by several threads if there is much to do.
    fn drain_with_help(&mut self) {
        let helpers = self.heap.helpers();
        if helpers == 0 || self.stack.is_empty() || !self.alone {
            return self.drain();
        }
        let stack = std::mem::take(&mut self.stack);
        let limit = self.stack_limit / (helpers + 1);
        let mut all = parallel::mark(self, stack, limit, helpers);
        self.stack = std::mem::take(&mut all.stack);
        self.lost |= all.lost;
        self.bytes += all.bytes;
        self.objects += all.objects;
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
        let (end, pattern) = match unsafe { find(self.heap, self.huge, piece) } {
            // SAFETY: as in `visit`; shapes live as long as the heap.
            Some(Found::Large(block, start)) => unsafe {
                (start + (*block).bytes_or_layout, &(*(*block).shape).pattern)
            },
            // SAFETY: as above.
            Some(Found::Huge(object)) => unsafe {
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
            self.visit(unsafe { moves::load_reference(address) });
        }
    }

    /// As [`Marker::scan_word`], of interface data: asks the type word before it.
    ///
    /// # Safety
    /// As for [`Marker::scan`].
    #[inline(always)]
    unsafe fn scan_interface(&mut self, at: u64, word: u32, end: u64) {
        let address = at + word as u64 * 8;
        // SAFETY: by the contract; no pattern has interface data in its first word.
        if address < end && holds_reference(unsafe { moves::load64(address - 8) }) {
            // SAFETY: by the contract.
            self.visit(unsafe { moves::load_reference(address) });
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
                self.visit(unsafe { moves::load_reference(address) });
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
        // SAFETY: what is alive is not freed while a collection marks.
        match unsafe { find(self.heap, self.huge, address) } {
            None => true,
            // SAFETY: as above.
            Some(Found::Cell(record, cell)) => unsafe { (*record).is_marked(self.side, cell) },
            // SAFETY: as above.
            Some(Found::Large(record, _)) => unsafe { (*record).is_marked(self.side, 0) },
            // SAFETY: as above.
            // ORDERING: relaxed, as in `set_mark`.
            Some(Found::Huge(object)) => unsafe {
                (*object).marked[self.side].load(Ordering::Relaxed)
            },
        }
    }

    /// Takes part in marking until nobody has anything left; the world is stopped. `has_work`: it did not enter the pool asleep.
    pub(super) fn work(mut self, pool: &Pool, mut has_work: bool) -> Marker<'a> {
        loop {
            if has_work {
                self.drain();
                pool.sleep(&mut self.stack);
            }
            if !pool.take(&mut self.stack, &|| false) {
                return self;
            }
            has_work = true;
        }
    }

    /// Marks all that the roots lead to which were reported so far. In the stopped world.
    pub fn settle(&mut self) {
        self.drain_with_help();
        while std::mem::take(&mut self.lost) {
            // Scanning a marked object again finds the unmarked ones behind it. Each round marks at least one object
            // more.
            let (regions, huge, side) = (self.regions, self.huge, self.side);
            // SAFETY: the world is stopped; scanning only sets marks.
            unsafe {
                each_marked(regions, huge, side, &mut |entry| {
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

    /// Takes over what others have left to scan.
    pub(super) fn add_work(&mut self, mut more: Vec<u64>) {
        if self.stack.is_empty() && self.stack.capacity() < more.capacity() {
            std::mem::swap(&mut self.stack, &mut more);
        }
        for entry in more {
            self.push(entry);
        }
    }

    /// How many entries are left to scan.
    pub(super) fn left(&self) -> usize {
        self.stack.len()
    }

    /// Gives up the stack.
    pub(super) fn take_stack(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.stack)
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
