//! Collecting: what happens before and after marking. See [`super`] and [`super::concurrent`].
//!
//! After marking, blocks are *sorted* by what the marks say: without marks: free; with free cells: into the list of their layout; full: left
//! alone. That takes some time for each block, so it is done while the program runs, in portions: by the threads that have marked, and by
//! caches that need a block. [`Block::sorted`] says which blocks have been seen to; new ones are made so. Before the next collection begins
//! all are.

use std::ptr;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use super::concurrent::{Cycle, Roots, Simple};
use super::mark::{self, Marker};
use super::region::{self, BLOCK_BYTES, Block, RECORD_BLOCKS, RegionRef, State as BlockState};
use super::specials::Specials;
use super::{
    Collection, Heap, Huge, MINIMUM_GOAL, PAUSES, POISON, Pause, State, barrier, lock, release_free,
};

/// Where the sorting of blocks has come to.
pub(super) struct Sorting {
    pub(super) region: usize,
    block: usize,
}

/// So few blocks are sorted in the stopped world.
const FEW_BLOCKS: u64 = 256;
/// How many are sorted while others wait for the lock.
const PORTION: usize = 64;

impl Heap {
    /// As [`Heap::collect_all`], where `roots` reports all roots at once.
    ///
    /// # Safety
    /// As for [`Heap::step`].
    pub unsafe fn collect(&self, roots: &mut dyn FnMut(&mut Marker<'_>)) -> Collection {
        // SAFETY: by the contract.
        unsafe { self.collect_all(&mut Simple(roots)) }
    }

    /// Frees everything that the roots do not lead to, in one go. A collection that was under way is given up.
    ///
    /// # Safety
    /// As for [`Heap::step`].
    pub unsafe fn collect_all(&self, roots: &mut dyn Roots) -> Collection {
        let begin = Instant::now();
        self.give_up();
        let state = &mut *lock(&self.state);
        // SAFETY: by the contract, here and below.
        unsafe { self.begin(state) };
        let specials = lock(&self.specials);
        let cycle = state.cycle.take().expect("it has just begun");
        let mut marker = Marker::new(self, state, self.marking_side());
        specials.mark_roots(&mut marker);
        roots.report(&mut marker);
        roots.report_goroutines(0, &mut marker, &mut |_| false);
        marker.settle();
        // SAFETY: by the contract.
        let collection = unsafe { self.finish(state, specials, marker, cycle, begin, roots) };
        self.sort(state, usize::MAX);
        collection
    }

    /// Ends a collection: all that the roots lead to is marked, or lost.
    ///
    /// # Safety
    /// As for [`Heap::step`].
    pub(super) unsafe fn finish(
        &self,
        state: &mut State,
        mut specials: MutexGuard<'_, Specials>,
        mut marker: Marker<'_>,
        mut cycle: Cycle,
        begin: Instant,
        roots: &mut dyn Roots,
    ) -> Collection {
        marker.settle();
        // SAFETY: by the contract.
        unsafe { specials.settle(&mut marker, &self.account) };
        self.settle_samples(&marker);
        cycle.root_bytes += marker.root_bytes;
        // ORDERING: relaxed, here and below: the world is stopped.
        let (marked_bytes, marked_objects) = (
            self.marked_bytes.load(Ordering::Relaxed) + marker.bytes,
            self.marked_objects.load(Ordering::Relaxed) + marker.objects,
        );
        state.root_bytes = cycle.root_bytes + self.marked_roots.load(Ordering::Relaxed);
        state.mark_stack = marker.take_stack();
        // What a large heap needed is not kept for ever.
        let kept = mark::stack_limit(self.account.limit()).unwrap_or(64 * 1024);
        state.mark_stack.shrink_to(kept);
        let side = self.marking_side();
        for shared in &mut state.caches {
            // SAFETY: nobody uses a cache in a stopped world.
            let shared = unsafe { shared.as_mut() };
            shared.mark_windows(side, false);
            shared.flush(self);
        }
        if self.verifies {
            // SAFETY: by the contract.
            unsafe { self.verify(state, &specials, roots) };
        }
        drop(specials);
        self.marking.store(false, Ordering::Relaxed);
        barrier::switch(false);
        self.side.store(side, Ordering::Relaxed);
        let is_concurrent = self.pool.workers() > 0;
        self.pool.end();
        // What was allocated meanwhile was born marked.
        let (allocated, objects) = (
            self.allocated.load(Ordering::Relaxed),
            self.objects.load(Ordering::Relaxed),
        );
        let meanwhile = allocated.wrapping_sub(cycle.allocated);
        let live = marked_bytes.wrapping_add(meanwhile);
        let live_objects = marked_objects.wrapping_add(objects.wrapping_sub(cycle.objects));
        state.frees = objects.wrapping_sub(live_objects);
        state.live = live;
        self.live_then.store(live, Ordering::Relaxed);
        state.allocated_then = allocated;
        state.collections += 1;
        state.finished += 1;
        for layout in lock(&self.plans).used_layouts() {
            lock(&layout.unswept).clear();
            let made = layout.made.load(Ordering::Relaxed);
            layout.made_then.store(made, Ordering::Relaxed);
            layout.alive_then.store(0, Ordering::Relaxed);
        }
        state.sorting = Some(Sorting {
            region: 0,
            block: RECORD_BLOCKS,
        });
        let used = if is_concurrent {
            meanwhile + meanwhile / 4
        } else {
            0
        };
        state.headroom = used.max(state.headroom / 4 * 3);
        let goal = self.set_trigger(state);
        // ORDERING: relaxed, as in `collection_wanted`.
        self.wanted.store(false, Ordering::Relaxed);
        if state.used_blocks <= FEW_BLOCKS || self.poison {
            self.sort(state, usize::MAX);
        } else if !is_concurrent {
            self.start_sorting();
        }
        let stop = begin.elapsed();
        let pause = cycle.stopped + stop;
        state.note_pause(pause);
        let first_stop = if cycle.stopped > Duration::ZERO {
            cycle.first_stop
        } else {
            stop
        };
        Collection {
            number: state.collections,
            pause,
            first_stop,
            beside: cycle.begun.elapsed().saturating_sub(pause),
            before: cycle.before,
            at_end: cycle.before.wrapping_add(meanwhile),
            live,
            goal_before: cycle.goal_before,
            goal,
            stacks: state.root_bytes,
            at: self.made.elapsed(),
            pause_total: state.pause_total,
            forced: false,
        }
    }

    /// Sorts what is left in a thread of its own.
    fn start_sorting(&self) {
        let Some(heap) = self.this.upgrade() else {
            return;
        };
        // Without a thread those who need blocks do it.
        let _ = std::thread::Builder::new()
            .name("golite-sort".into())
            .spawn(move || {
                runtime::work_in_background();
                heap.sort_rest();
            });
    }

    /// Sorts what is left, in portions.
    pub(super) fn sort_rest(&self) {
        while !self.sort(&mut lock(&self.state), PORTION) {}
    }

    /// Looks at about `most` blocks that have not been sorted by the marks of the last collection. Answers whether none is left.
    pub(super) fn sort(&self, state: &mut State, most: usize) -> bool {
        let Some(mut sorting) = state.sorting.take() else {
            return true;
        };
        let plans = lock(&self.plans);
        let side = self.side();
        let mut seen = 0;
        while let Some(&region) = state.regions.get(sorting.region) {
            // SAFETY: we hold the state's lock.
            let data = unsafe { region.data() };
            while sorting.block < region::BLOCKS {
                let number = sorting.block;
                sorting.block += 1;
                if data.is_free(number) {
                    continue;
                }
                let record = region.record(number);
                // SAFETY: a block that is not sorted belongs to nobody but who holds the state's lock. Marks are atomics.
                let block = unsafe { &mut *record };
                if matches!(block.state, BlockState::Tail | BlockState::Free)
                    || block.sorted == state.finished
                {
                    continue;
                }
                block.sorted = state.finished;
                block.clear_marks(1 - side);
                let marked = block.count_marks(side);
                if block.state == BlockState::Small
                    && marked > 0
                    && let Some(layout) = plans.used_layout(block.bytes_or_layout as u32)
                {
                    // ORDERING: relaxed. A counter.
                    layout
                        .alive_then
                        .fetch_add(marked.into(), Ordering::Relaxed);
                }
                if marked == 0 {
                    // SAFETY: as above; nothing leads into the block.
                    let count = unsafe { self.free_block(region, number) };
                    data.give_back(number, count);
                    state.first_with_space = state.first_with_space.min(sorting.region);
                    state.used_blocks -= count as u64;
                    self.account.release(count as u64 * BLOCK_BYTES);
                    seen += count;
                } else if block.state == BlockState::Small && marked < block.cells {
                    if self.poison {
                        // SAFETY: unmarked cells are unreachable, and no cache has a window in them.
                        unsafe { poison_free_cells(block, side, region.block_start(number)) };
                    }
                    // A block that is in use has a layout.
                    if let Some(layout) = plans.used_layout(block.bytes_or_layout as u32) {
                        lock(&layout.unswept).push(record);
                    }
                }
                seen += 1;
                if seen >= most {
                    state.sorting = Some(sorting);
                    return false;
                }
            }
            sorting.region += 1;
            sorting.block = RECORD_BLOCKS;
        }
        drop(plans);
        let huge_bytes = &mut state.huge_bytes;
        state.huge.retain(|object| {
            // ORDERING: relaxed, as all marks.
            object.marked[1 - side].store(false, Ordering::Relaxed);
            let marked = object.marked[side].load(Ordering::Relaxed);
            if !marked {
                *huge_bytes -= object.bytes;
                self.account.release(object.bytes);
                // SAFETY: nothing leads to the object.
                unsafe { object.unreserve() };
            }
            marked
        });
        if self.release_always {
            release_free(state);
        } else {
            self.scavenge_soon(state);
        }
        true
    }

    /// Frees a block of cells or a large object; answers how many blocks that are.
    ///
    /// # Safety
    /// The state's lock is held, and nothing leads to what lies there.
    unsafe fn free_block(&self, region: RegionRef, number: usize) -> usize {
        // SAFETY: by the contract, here and below.
        let block = unsafe { &*region.record(number) };
        let count = if block.state == BlockState::Small {
            1
        } else {
            block.span as usize
        };
        for freed in number..number + count {
            // SAFETY: as above.
            let block = unsafe { &mut *region.record(freed) };
            block.state = BlockState::Free;
            if self.poison {
                // SAFETY: the block is unreachable, and written as far as `dirty` says.
                unsafe {
                    ptr::write_bytes(
                        region.block_start(freed) as *mut u8,
                        POISON,
                        block.dirty as usize,
                    )
                };
            }
        }
        count
    }

    /// Makes a side of all marks clear.
    pub(super) fn clear_side(&self, state: &State, side: usize) {
        for region in &state.regions {
            // SAFETY: we hold the state's lock.
            let data = unsafe { region.data() };
            for number in (RECORD_BLOCKS..region::BLOCKS).filter(|&number| !data.is_free(number)) {
                // SAFETY: a block in use; marks are atomics.
                unsafe { (*region.record(number)).clear_marks(side) };
            }
        }
        for object in &state.huge {
            // ORDERING: relaxed, as all marks.
            object.marked[side].store(false, Ordering::Relaxed);
        }
    }

    /// Marks all anew, on the side that is not needed any more, and compares.
    ///
    /// # Safety
    /// The world is stopped, the marks are complete and no cache has a window.
    ///
    /// # Panics
    /// If something that can be reached is not marked.
    unsafe fn verify(&self, state: &mut State, specials: &Specials, roots: &mut dyn Roots) {
        let (side, other) = (self.marking_side(), self.side());
        self.clear_side(state, other);
        let mut marker = Marker::new(self, state, other);
        specials.mark_roots(&mut marker);
        roots.report(&mut marker);
        roots.report_goroutines(0, &mut marker, &mut |_| false);
        marker.settle();
        state.mark_stack = marker.take_stack();
        let missing = |reached: u64, marked: u64| {
            (reached & !marked != 0).then(|| (reached & !marked).trailing_zeros())
        };
        for region in &state.regions {
            // SAFETY: we hold the state's lock in a stopped world, here and below.
            let data = unsafe { region.data() };
            for number in (RECORD_BLOCKS..region::BLOCKS).filter(|&number| !data.is_free(number)) {
                // SAFETY: as above.
                let block = unsafe { &*region.record(number) };
                if matches!(block.state, BlockState::Tail | BlockState::Free) {
                    continue;
                }
                for word in 0..block.marks[0].len() {
                    // ORDERING: relaxed, as all marks.
                    let marks = |side: usize| block.marks[side][word].load(Ordering::Relaxed);
                    // Words that are not in use hold anything.
                    let used = word * 64 < block.cells.max(1) as usize
                        || block.state == BlockState::Large && word == 0;
                    if let (true, Some(bit)) = (used, missing(marks(other), marks(side))) {
                        let cell = word as u64 * 64 + bit as u64;
                        let address = region.block_start(number) + cell * block.cell as u64;
                        panic!(
                            "INVARIANT SNAPSHOT: collection {} has not marked {address:#x} (cells of {} bytes, scalar: {}), which {} refers to",
                            state.finished + 1,
                            block.cell,
                            block.scalar,
                            self.who_refers(state, other, address, block.cell as u64),
                        );
                    }
                }
            }
        }
        for object in &state.huge {
            // ORDERING: relaxed, as all marks.
            assert!(
                !object.marked[other].load(Ordering::Relaxed)
                    || object.marked[side].load(Ordering::Relaxed),
                "INVARIANT SNAPSHOT: a huge object has not been marked"
            );
        }
    }

    /// Names an object marked on `side` that refers to this one.
    fn who_refers(&self, state: &State, side: usize, address: u64, bytes: u64) -> String {
        let mut found = "a root".to_owned();
        // SAFETY: the world is stopped.
        unsafe {
            each_marked(
                &raw const *state.regions,
                Some(&raw const *state.huge),
                side,
                &mut |entry| {
                    let Some(mark::Found::Cell(block, _)) =
                        mark::find(self, Some(&raw const *state.huge), entry & !1)
                    else {
                        return;
                    };
                    if entry & 1 == 0 {
                        for word in 0..(*block).cell as u64 / 8 {
                            let value = crate::moves::load64(entry + word * 8);
                            if (address..address + bytes.max(8)).contains(&value) {
                                found = format!(
                                    "word {word} of {entry:#x} (cells of {} bytes, marked: {})",
                                    (*block).cell,
                                    (*block).is_marked(
                                        1 - side,
                                        ((entry & (BLOCK_BYTES - 1)) / (*block).cell as u64) as u32
                                    )
                                );
                            }
                        }
                    }
                },
            );
        }
        found
    }

    /// Counts the last collection among those that the program asked for.
    pub fn note_forced(&self) {
        lock(&self.state).forced += 1;
    }

    /// Sets when the next collection is wanted, from the state after the last; returns the goal in bytes in use.
    pub(super) fn set_trigger(&self, state: &mut State) -> u64 {
        // ORDERING: relaxed. Settings; pairs with the loads in `count_allocation`, where a little early or late does
        // not matter.
        // Stacks count as live: scanning them costs as much. GO: mgcpacer.go
        let live = state.live as u128 + state.root_bytes as u128;
        let growth = match self.growth.load(Ordering::Relaxed) {
            u64::MAX => u64::MAX,
            percent => (live * percent as u128 / 100).min(u64::MAX as u128) as u64,
        };
        let minimum = match self.growth.load(Ordering::Relaxed) {
            u64::MAX => u64::MAX,
            percent => (MINIMUM_GOAL as u128 * percent as u128 / 100)
                .saturating_sub(live)
                .max(64 << 10)
                .min(u64::MAX as u128) as u64,
        };
        // Near a limit the heap is collected more often, but not without end: at least a sixteenth of it is
        // allocated between.
        let below = |limit: u64, taken: u64| {
            limit
                .saturating_sub(taken)
                .saturating_sub(limit / 16)
                .max(limit / 16)
        };
        let soft = match self.soft_limit.load(Ordering::Relaxed) {
            u64::MAX => u64::MAX,
            limit => below(limit, state.live),
        };
        let hard = self
            .account
            .limit()
            .map_or(u64::MAX, |limit| below(limit, self.account.charged()));
        let growth = growth.max(minimum).min(soft).min(hard);
        // So much earlier, that the program allocates while it is marked.
        state.headroom = state.headroom.min(growth / 2);
        self.trigger.store(
            state
                .allocated_then
                .saturating_add(growth)
                .saturating_sub(state.headroom),
            Ordering::Relaxed,
        );
        state.live.saturating_add(growth)
    }
}

impl State {
    fn note_pause(&mut self, pause: Duration) {
        self.pause_total += pause;
        self.last_pause = pause;
        let entry = Pause {
            nanoseconds: u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX),
            end: SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .map_or(0, |time| time.as_nanos() as u64),
        };
        let place = (self.collections as usize - 1) % PAUSES;
        if let Some(pause) = self.pauses.get_mut(place) {
            *pause = entry;
        } else if self.pauses.try_reserve(1).is_ok() {
            // Without memory for it a pause is forgotten.
            self.pauses.push(entry);
        }
    }

    /// When the last collection ended.
    pub(super) fn last_end(&self) -> u64 {
        let last = (self.collections as usize).checked_sub(1);
        last.and_then(|last| self.pauses.get(last % PAUSES))
            .map_or(0, |pause| pause.end)
    }
}

/// Calls `visit` with the stack entry of every marked object that has references.
///
/// # Safety
/// The world is stopped; marks may be set meanwhile, but no block changes its use.
pub(super) unsafe fn each_marked(
    regions: *const [RegionRef],
    huge: Option<*const [Box<Huge>]>,
    side: usize,
    visit: &mut dyn FnMut(u64),
) {
    // SAFETY: by the contract.
    for region in unsafe { &*regions } {
        for number in RECORD_BLOCKS..region::BLOCKS {
            // SAFETY: records are mapped; marks are atomics.
            let block = unsafe { &*region.record(number) };
            let start = region.block_start(number);
            match block.state {
                _ if block.scalar => {}
                BlockState::Small => {
                    for index in (0..block.cells).filter(|&index| block.is_marked(side, index)) {
                        visit(start + (index * block.cell) as u64);
                    }
                }
                BlockState::Large if block.is_marked(side, 0) => visit(start | 1),
                _ => {}
            }
        }
    }
    let Some(huge) = huge else { return };
    // SAFETY: by the contract.
    for object in unsafe { &*huge } {
        // ORDERING: relaxed, as all marks.
        let is_marked = object.marked[side].load(Ordering::Relaxed);
        // SAFETY: shapes live as long as the heap.
        if is_marked && unsafe { !(*object.shape).pattern.is_scalar() } {
            visit(object.start | 1);
        }
    }
}

/// Fills the free cells of a block with the poison, as far as they were ever written.
///
/// # Safety
/// Nobody needs or reaches the free cells.
unsafe fn poison_free_cells(block: &Block, side: usize, start: u64) {
    let mut cursor = 0;
    while let Some((first, end)) = block.free_run(side, cursor) {
        let (from, to) = (first * block.cell, (end * block.cell).min(block.dirty));
        if from < to {
            // SAFETY: by the contract.
            unsafe {
                ptr::write_bytes(
                    (start + from as u64) as *mut u8,
                    POISON,
                    (to - from) as usize,
                )
            };
        }
        cursor = end;
    }
}
