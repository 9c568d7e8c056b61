//! The allocation cache of one P: a bump pointer per layout.
//!
//! A *layout* is a pair of size class and shape; it has a number. Each cache has an [`Entry`] per layout, with a
//! *window* of zeroed cells between `next` and `end`: to allocate is to index, add and compare. When a window is used
//! up, [`Cache::refill`] takes the next window of the current free run, the next free run of the current block, the
//! next block with free cells that the last collection left in the layout's list (this is the lazy sweep), or a free
//! block, in this order.
//!
//! Windows are a few KiB: zeroed just before use they are still in the first-level cache when objects are made in
//! them, and the heap's counters, which decide when to collect, are only touched once per window.
//!
//! INVARIANT (OWNER): the block of an entry belongs to the cache until the block is used up or the world is stopped
//! for a collection; nobody else looks for free cells in it. Memory between `next` and `end` is zero and unreachable.
//!
//! The entries are reached by the collector too, through the heap's list of caches, but only in a stopped world.

use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[cfg(doc)]
use super::HeapOptions;
use super::profile::Countdown;
use super::region::{BLOCK_BYTES, Block};
use super::shape::{Shape, ShapeData};
use super::size_class::{CELL_SIZES, MAX_SMALL, class_of};
use super::{Heap, LayoutData, OutOfMemory, Planner, Reference};

/// Bytes that are zeroed and counted at a time, for cells up to this size.
const WINDOW: u32 = 4096;

/// Zero-size objects all have this address. It lies outside every heap.
#[repr(align(16))]
struct ZeroSized(#[expect(dead_code, reason = "only its address counts")] [u8; 16]);
static ZERO_SIZED: ZeroSized = ZeroSized([0; 16]);

/// The address of objects without size.
#[inline]
pub fn zero_sized() -> Reference {
    NonNull::from(&ZERO_SIZED)
        .addr()
        .try_into()
        .expect("addresses have 64 bits")
}

/// Where the objects of one size and shape are allocated: made once per type by [`Heap::site`], so that allocating
/// needs no search.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Site {
    /// Number of the layout, or `NO_LAYOUT`.
    pub(super) layout: u32,
    /// Bytes of its cells.
    pub(super) cell: u32,
    pub(super) shape: Shape,
    /// Bytes asked for.
    pub(super) bytes: u32,
}

impl Site {
    /// The layout's number, to compare sites.
    pub fn layout(self) -> u32 {
        self.layout
    }
}

/// The layout of sites whose objects are large or have no size.
pub(super) const NO_LAYOUT: u32 = u32::MAX;

/// The bump pointer of one layout.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    next: u64,
    end: u64,
    /// End of the free run of which the window is a part.
    run_end: u64,
    block: *mut Block,
    /// Start of the block's memory.
    start: u64,
    /// First cell of the block not looked at.
    cursor: u32,
    cell: u32,
    /// Objects of windows that the layout does not know of yet.
    made: u64,
    /// Null in an entry never used.
    layout: *const LayoutData,
}

impl Entry {
    const EMPTY: Entry = Entry {
        next: 0,
        end: 0,
        run_end: 0,
        block: ptr::null_mut(),
        start: 0,
        cursor: 0,
        cell: 0,
        made: 0,
        layout: ptr::null(),
    };

    /// Marks the cells from an address to the end of the window, or takes the marks away.
    ///
    /// # Safety
    /// There is a window, and the address is that of a cell in it.
    unsafe fn mark(&self, side: usize, from: u64, marked: bool) {
        let cell = |address: u64| ((address - self.start) / self.cell as u64) as u32;
        // SAFETY: by the contract.
        unsafe { (*self.block).mark_cells(side, cell(from), cell(self.end), marked) };
    }
}

/// Bytes of an entry.
pub(super) const ENTRY_BYTES: u64 = size_of::<Entry>() as u64;

/// What the heap's list of caches holds.
pub(super) struct Shared {
    pub entries: Vec<Entry>,
    /// Addresses of the heap's shapes by number, as far as this cache needed them; null for the others.
    shapes: Vec<*const ShapeData>,
    /// Bytes and objects of windows that the heap's counters do not know of yet.
    bytes: u64,
    objects: u64,
    /// Bytes that the heap's counters were told of, ever.
    counted: u64,
    /// What the barrier has shaded and nobody has scanned.
    pub(super) shaded: Vec<u64>,
}

/// A per-P allocation cache. Whoever has it mutably may allocate.
pub struct Cache {
    entries: *mut Entry,
    count: u32,
    random: u64,
    /// See [`Cache::may_refuse`].
    refuses: bool,
    refused: bool,
    /// To the next allocation that is noted.
    pub(super) countdown: Countdown,
    shared: NonNull<Shared>,
    heap: Arc<Heap>,
}

// SAFETY: the cache owns what it points to, apart from the collector's use of `shared` in a stopped world (contract
// of `Heap::collect`).
unsafe impl Send for Cache {}

impl Heap {
    /// A new cache, for one P.
    pub fn new_cache(self: &Arc<Self>) -> Cache {
        let shared = Box::new(Shared {
            entries: Vec::new(),
            shapes: Vec::new(),
            bytes: 0,
            objects: 0,
            counted: 0,
            shaded: Vec::new(),
        });
        let shared = NonNull::from(Box::leak(shared));
        let random = self.register(shared);
        Cache {
            entries: ptr::null_mut(),
            count: 0,
            random,
            refuses: self.refuses,
            refused: false,
            countdown: Countdown::default(),
            shared,
            heap: self.clone(),
        }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.heap.unregister(self.shared);
        // SAFETY: made by `Box::leak`, and no longer in the heap's list.
        let mut shared = unsafe { Box::from_raw(self.shared.as_ptr()) };
        if self.heap.is_marking() {
            shared.mark_windows(self.heap.marking_side(), false);
        }
        shared.flush(&self.heap);
        // A collection under way needs it all the same.
        self.heap.leave(&mut shared.shaded);
    }
}

impl Shared {
    /// Gives up all windows, so that the collector may sort the blocks anew.
    pub fn flush(&mut self, heap: &Heap) {
        self.publish(heap);
        (self.bytes, self.objects) = (0, 0);
        for entry in &mut self.entries {
            *entry = Entry {
                cell: entry.cell,
                layout: entry.layout,
                ..Entry::EMPTY
            };
        }
    }

    /// Marks what is left of the windows, or takes the marks away.
    pub fn mark_windows(&self, side: usize, marked: bool) {
        for entry in self.entries.iter().filter(|entry| entry.next < entry.end) {
            // SAFETY: the block belongs to the cache (INVARIANT OWNER).
            unsafe { entry.mark(side, entry.next, marked) };
        }
    }

    /// Brings the heap's counters up to date: counts windows as far as they are used.
    pub fn publish(&mut self, heap: &Heap) {
        let (mut unused_bytes, mut unused_objects) = (0, 0);
        for entry in self.entries.iter_mut().filter(|entry| entry.cell > 0) {
            let unused = (entry.end - entry.next) / entry.cell as u64;
            unused_bytes += entry.end - entry.next;
            unused_objects += unused;
            // SAFETY: layouts live as long as the heap, and an entry with a size has one.
            let layout = unsafe { &*entry.layout };
            // ORDERING: relaxed. A counter.
            layout
                .made
                .fetch_add(entry.made.wrapping_sub(unused), Ordering::Relaxed);
            entry.made = unused;
        }
        let bytes = self.bytes.wrapping_sub(unused_bytes);
        self.counted = self.counted.wrapping_add(bytes);
        heap.count_allocation(bytes, self.objects.wrapping_sub(unused_objects));
        (self.bytes, self.objects) = (unused_bytes, unused_objects);
    }
}

impl Cache {
    /// The heap this cache allocates from.
    #[inline]
    pub fn heap(&self) -> &Arc<Heap> {
        &self.heap
    }

    /// The part that the collector reaches.
    pub(super) fn shared(&self) -> NonNull<Shared> {
        self.shared
    }

    /// What instructions that can be repeated ask before they allocate: fails every other time if the heap was made so
    /// ([`HeapOptions::refuse`]), which tries the way from a refusal through a collection to a second attempt.
    ///
    /// # Errors
    /// See above.
    #[inline]
    pub fn may_refuse(&mut self) -> Result<(), OutOfMemory> {
        if self.refuses {
            self.refused = !self.refused;
            if self.refused {
                return Err(self.heap.account().refuse(0));
            }
        }
        Ok(())
    }

    /// A new zeroed object. Never collects.
    ///
    /// # Errors
    /// If the system or the heap's limit refuses memory.
    #[inline(always)]
    pub fn allocate(&mut self, site: Site) -> Result<Reference, OutOfMemory> {
        match self.next_of_window(site) {
            Some(object) => Ok(object),
            None => self.allocate_slowly(site),
        }
    }

    /// A new zeroed object, if there is one in the window: allocating without a call. Who gets none goes on with [`Cache::allocate_slowly`].
    /// Whether a collection is wanted need be asked only then.
    #[inline(always)]
    pub fn next_of_window(&mut self, site: Site) -> Option<Reference> {
        if site.layout < self.count {
            // SAFETY: `entries` has `count` entries, and only this cache uses them while the world runs.
            let entry = unsafe { &mut *self.entries.add(site.layout as usize) };
            let next = entry.next + site.cell as u64;
            if next <= entry.end {
                let object = entry.next;
                entry.next = next;
                // SAFETY: a window lies in a block of a region, which does not start at address 0.
                return Some(unsafe { Reference::new_unchecked(object) });
            }
        }
        None
    }

    /// New zeroed memory of this shape and any size: backing of slices, closures, strings. Never collects.
    ///
    /// # Errors
    /// If the system or the heap's limit refuses memory.
    #[inline]
    pub fn allocate_bytes(&mut self, shape: Shape, bytes: usize) -> Result<Reference, OutOfMemory> {
        self.allocate_sized(shape, bytes, true)
    }

    /// New memory for `count` elements of `size` bytes and this shape. Never collects.
    ///
    /// # Errors
    /// If the product overflows, or the system or the heap's limit refuses memory.
    #[inline]
    pub fn allocate_array(
        &mut self,
        shape: Shape,
        count: u64,
        size: u64,
    ) -> Result<Reference, OutOfMemory> {
        let bytes = count
            .checked_mul(size)
            .and_then(|bytes| usize::try_from(bytes).ok())
            .ok_or_else(|| self.heap.account().refuse(count.saturating_mul(size)))?;
        self.allocate_sized(shape, bytes, true)
    }

    /// New memory without references that the caller writes wholly before its next safepoint: bytes of strings.
    /// Zeroed only where that costs nothing.
    ///
    /// # Errors
    /// If the system or the heap's limit refuses memory.
    #[inline]
    pub fn allocate_uninitialized(&mut self, bytes: usize) -> Result<Reference, OutOfMemory> {
        self.allocate_sized(Shape::SCALAR, bytes, false)
    }

    #[inline]
    fn allocate_sized(
        &mut self,
        shape: Shape,
        bytes: usize,
        zeroed: bool,
    ) -> Result<Reference, OutOfMemory> {
        if bytes > MAX_SMALL || bytes == 0 {
            return self.allocate_large(shape, bytes, zeroed);
        }
        let class = class_of(bytes);
        // SAFETY: `shared` is alive as long as the cache, and only used by it while the world runs.
        let shapes = unsafe { &self.shared.as_ref().shapes };
        let layout = match shapes.get(shape.0 as usize) {
            // SAFETY: what is not null is a shape's address, and shapes live as long as the heap.
            Some(&data) if !data.is_null() => unsafe { (*data).layout(class) },
            _ => None,
        };
        let site = Site {
            layout: layout.unwrap_or(NO_LAYOUT),
            cell: CELL_SIZES[class],
            shape,
            bytes: bytes as u32,
        };
        self.allocate(site)
    }

    /// Allocates when the fast way failed: no window left, entry never used, or a large or odd object.
    ///
    /// # Errors
    /// As [`Cache::allocate`].
    #[cold]
    #[inline(never)]
    pub fn allocate_slowly(&mut self, mut site: Site) -> Result<Reference, OutOfMemory> {
        if site.bytes as usize > MAX_SMALL || site.bytes == 0 {
            return self.allocate_large(site.shape, site.bytes as usize, true);
        }
        if site.layout == NO_LAYOUT {
            self.learn_shape(site.shape)?;
            site = self.heap.site(site.shape, site.bytes as usize);
        }
        if site.layout >= self.count {
            self.grow_entries(site.layout)?;
        }
        self.refill(site)
    }

    #[cold]
    #[inline(never)]
    fn allocate_large(
        &mut self,
        shape: Shape,
        bytes: usize,
        zeroed: bool,
    ) -> Result<Reference, OutOfMemory> {
        if bytes == 0 {
            return Ok(zero_sized());
        }
        let object = self.heap.allocate_large(shape, bytes as u64, zeroed)?;
        if self.heap.samples() {
            self.is_next(object.get(), bytes as u64);
        }
        Ok(object)
    }

    /// Notes the address of a shape.
    fn learn_shape(&mut self, shape: Shape) -> Result<(), OutOfMemory> {
        // SAFETY: as in `allocate_sized`.
        let shapes = unsafe { &mut self.shared.as_mut().shapes };
        let number = shape.0 as usize;
        if shapes.len() <= number {
            let more = number + 1 - shapes.len();
            shapes.try_reserve(more).map_err(|_| OutOfMemory)?;
            shapes.resize(number + 1, ptr::null());
        }
        shapes[number] = self.heap.shape_data(shape);
        Ok(())
    }

    /// Makes an entry for this layout, and for all others that exist by now.
    fn grow_entries(&mut self, layout: u32) -> Result<(), OutOfMemory> {
        let wanted = self.heap.layouts().max(layout as usize + 1);
        // SAFETY: as in `allocate_sized`.
        let shared = unsafe { self.shared.as_mut() };
        shared
            .entries
            .try_reserve(wanted - shared.entries.len())
            .map_err(|_| OutOfMemory)?;
        shared.entries.resize(wanted, Entry::EMPTY);
        self.entries = shared.entries.as_mut_ptr();
        self.count = wanted as u32;
        Ok(())
    }

    /// Opens the next window and allocates from it.
    fn refill(&mut self, site: Site) -> Result<Reference, OutOfMemory> {
        let marks = self.heap.is_marking();
        if marks {
            self.heap.assist();
        }
        let side = self.heap.side();
        // SAFETY: as in `allocate_sized`; the layout is below `count`.
        let shared = unsafe { self.shared.as_mut() };
        let entry = &mut shared.entries[site.layout as usize];
        if entry.layout.is_null() {
            entry.layout = self.heap.layout(site.layout);
            entry.cell = site.cell;
        }
        // SAFETY: layouts live as long as the heap.
        let layout = unsafe { &*entry.layout };
        while entry.end == entry.run_end {
            let run = if entry.block.is_null() {
                None
            } else {
                // SAFETY: the block belongs to this cache (INVARIANT OWNER).
                unsafe { (*entry.block).free_run(side, entry.cursor) }
            };
            if let Some((first, end)) = run {
                entry.cursor = end;
                entry.next = entry.start + (first * entry.cell) as u64;
                entry.end = entry.next;
                entry.run_end = entry.start + (end * entry.cell) as u64;
            } else {
                entry.block = ptr::null_mut();
                let (block, start) = self.heap.take_block(layout)?;
                (entry.block, entry.start, entry.cursor) = (block, start, 0);
            }
        }
        let cells = (WINDOW / entry.cell).max(1) as u64;
        let mut end = entry.run_end.min(entry.end + cells * entry.cell as u64);
        if self.heap.samples() {
            end = self.cut_window(entry.end, end, entry.cell as u64);
        }
        // SAFETY: the window is a run of free cells of our block.
        unsafe { clear(entry.block, entry.start, entry.end, end) };
        let bytes = end - entry.end;
        entry.end = end;
        if marks {
            // Objects are born marked.
            // SAFETY: the window begins at `next`.
            unsafe { entry.mark(1 - side, entry.next, true) };
        }
        let object = entry.next;
        entry.next += entry.cell as u64;
        shared.bytes += bytes;
        let objects = bytes / entry.cell as u64;
        shared.objects += objects;
        entry.made += objects;
        let (bytes, objects) = (
            std::mem::take(&mut shared.bytes),
            std::mem::take(&mut shared.objects),
        );
        shared.counted = shared.counted.wrapping_add(bytes);
        self.heap.count_allocation(bytes, objects);
        Reference::new(object).ok_or(OutOfMemory)
    }

    /// Brings the heap's counters up to date with what this cache allocated; the counters are else ahead by the unused
    /// parts of windows.
    pub fn publish(&mut self) {
        // SAFETY: as in `allocate_sized`.
        unsafe { self.shared.as_mut() }.publish(&self.heap);
    }

    /// Bytes that were ever allocated from this cache.
    pub fn allocated(&mut self) -> u64 {
        self.publish();
        // SAFETY: as in `allocate_sized`.
        unsafe { self.shared.as_ref() }.counted
    }

    /// The next of a sequence of pseudo-random numbers, for hash seeds and the start of map iterations.
    #[inline]
    pub fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.random)
    }
}

/// The output function of splitmix64.
pub(super) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Makes `from..to` in the block at `start` zero, as far as it was ever written, and counts it as written.
///
/// # Safety
/// The range lies in the block, and nobody can reach it.
pub(super) unsafe fn clear(block: *mut Block, start: u64, from: u64, to: u64) {
    debug_assert!(from >= start && to <= start + BLOCK_BYTES);
    // SAFETY: by the contract; others do not look at this field while the block is in use.
    let dirty_end = start + unsafe { (*block).dirty } as u64;
    if from < dirty_end {
        // SAFETY: by the contract. Plain writes: the memory is published only later, with the reference to the object.
        unsafe { ptr::write_bytes(from as *mut u8, 0, (to.min(dirty_end) - from) as usize) };
    }
    if to > dirty_end {
        // SAFETY: as above.
        unsafe { (*block).dirty = (to - start) as u32 };
    }
}
