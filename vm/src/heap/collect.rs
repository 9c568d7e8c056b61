//! Collecting: what happens around marking. See [`super`].

use std::ptr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use super::mark::{self, Marker};
use super::region::{self, BLOCK_BYTES, Block, RECORD_BLOCKS, RegionRef, State as BlockState};
use super::{
    Collection, Heap, Huge, MINIMUM_GROWTH, PAUSES, POISON, Pause, State, lock, release_free,
};

impl Heap {
    /// Frees everything that the roots do not lead to. `roots` reports them; it is called once, and may use nothing of this heap
    /// but the marker (the heap's locks are held).
    ///
    /// # Safety
    /// The world is stopped: until this returns, no other thread uses a cache of this heap, allocates, or touches its
    /// objects. All references that will be used afterwards are reported or reachable from what is reported.
    pub unsafe fn collect(&self, roots: &mut dyn FnMut(&mut Marker<'_>)) -> Collection {
        let begin = Instant::now();
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        for shared in &mut state.caches {
            // SAFETY: caches remove themselves from the list when they are dropped, and nobody uses one in a stopped
            // world.
            unsafe { shared.as_mut() }.flush(self);
        }
        // ORDERING: relaxed. The world is stopped; stopping it ordered everything before us.
        let (allocated, objects) = (
            self.allocated.load(Ordering::Relaxed),
            self.objects.load(Ordering::Relaxed),
        );
        let before = state
            .live
            .wrapping_add(allocated.wrapping_sub(state.allocated_then));
        let trigger = self.trigger.load(Ordering::Relaxed);
        let goal_before = match trigger {
            u64::MAX => u64::MAX,
            _ => state.live + trigger.saturating_sub(state.allocated_then),
        };
        let specials = &mut *lock(&self.specials);
        // SAFETY: by the contract.
        unsafe { specials.begin() };
        clear_marks(state);
        let mut marker = Marker::new(self, state);
        specials.mark_roots(&mut marker);
        roots(&mut marker);
        marker.settle();
        // SAFETY: by the contract.
        unsafe { specials.settle(&mut marker, &self.account) };
        (state.mark_stack, state.root_bytes) = marker.finish();
        // What a large heap needed is not kept for ever.
        let kept = mark::stack_limit(self.account.limit()).unwrap_or(64 * 1024);
        state.mark_stack.shrink_to(kept);
        let (live, live_objects) = self.sort_blocks(state);
        state.frees = objects.wrapping_sub(live_objects);
        state.live = live;
        // ORDERING: relaxed. Read by the next collection.
        self.live_then.store(live, Ordering::Relaxed);
        state.allocated_then = allocated;
        state.collections += 1;
        let goal = self.set_trigger(state);
        // ORDERING: relaxed, as in `collection_wanted`.
        self.wanted.store(false, Ordering::Relaxed);
        if self.release_always {
            release_free(state);
        } else {
            self.scavenge_soon(state);
        }
        let pause = begin.elapsed();
        state.note_pause(pause);
        Collection {
            number: state.collections,
            pause,
            before,
            live,
            goal_before,
            goal,
            stacks: state.root_bytes,
            at: self.made.elapsed(),
            pause_total: state.pause_total,
            forced: false,
        }
    }

    /// Counts the last collection among those that the program asked for.
    pub fn note_forced(&self) {
        lock(&self.state).forced += 1;
    }

    /// Sets when the next collection is wanted, from the state after the last; returns the goal in bytes in use.
    pub(super) fn set_trigger(&self, state: &State) -> u64 {
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
            percent => (MINIMUM_GROWTH as u128 * percent as u128 / 100)
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
        self.trigger.store(
            state.allocated_then.saturating_add(growth),
            Ordering::Relaxed,
        );
        state.live.saturating_add(growth)
    }

    /// Sorts all blocks by what the marks say: frees, lists, leaves. Returns live bytes and objects.
    fn sort_blocks(&self, state: &mut State) -> (u64, u64) {
        let plans = lock(&self.plans);
        for layout in &plans.layouts {
            lock(&layout.unswept).0 = ptr::null_mut();
        }
        let (mut live, mut objects) = (0, 0);
        // Downwards, so that the lists begin with the lowest addresses.
        for region in state.regions.iter().rev() {
            // SAFETY: we hold the state's lock in a stopped world.
            let data = unsafe { region.data() };
            for number in (RECORD_BLOCKS..region::BLOCKS).rev() {
                if data.is_free(number) {
                    continue;
                }
                let record = region.record(number);
                // SAFETY: the world is stopped, nobody else uses records.
                let block = unsafe { &mut *record };
                match block.state {
                    BlockState::Small if block.marked > 0 => {
                        live += block.marked as u64 * block.cell as u64;
                        objects += block.marked as u64;
                        if block.marked < block.cells {
                            let list =
                                &mut *lock(&plans.layouts[block.bytes_or_layout as usize].unswept);
                            block.next = list.0;
                            list.0 = record;
                            if self.poison {
                                // SAFETY: unmarked cells are unreachable, and no cache has a window in them.
                                unsafe { poison_free_cells(block, region.block_start(number)) };
                            }
                        }
                    }
                    BlockState::Large if block.marked > 0 => {
                        live += block.bytes_or_layout;
                        objects += 1;
                    }
                    BlockState::Small | BlockState::Large => {
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
                        data.give_back(number, count);
                        state.used_blocks -= count as u64;
                        self.account.release(count as u64 * BLOCK_BYTES);
                    }
                    BlockState::Tail | BlockState::Free => {}
                }
            }
        }
        state.first_with_space = 0;
        let huge_bytes = &mut state.huge_bytes;
        state.huge.retain(|object| {
            if object.marked {
                live += object.bytes;
                objects += 1;
            } else {
                *huge_bytes -= object.bytes;
                self.account.release(object.bytes);
                // SAFETY: nothing leads to the object.
                unsafe { object.unreserve() };
            }
            object.marked
        });
        (live, objects)
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

/// Makes all marks clear.
fn clear_marks(state: &mut State) {
    for region in &state.regions {
        // SAFETY: we hold the state's lock in a stopped world.
        let data = unsafe { region.data() };
        for number in (RECORD_BLOCKS..region::BLOCKS).filter(|&number| !data.is_free(number)) {
            // SAFETY: the world is stopped, nobody else uses records.
            let block = unsafe { &mut *region.record(number) };
            if block.marked > 0 {
                block.marked = 0;
                let words = if block.state == BlockState::Small {
                    (block.cells as usize).div_ceil(64)
                } else {
                    1
                };
                block.marks[..words].fill(0);
            }
        }
    }
    for object in &mut state.huge {
        object.marked = false;
    }
}

/// Calls `visit` with the stack entry of every marked object that has references.
///
/// # Safety
/// The world is stopped; marks may be set meanwhile, but no block changes its use.
pub(super) unsafe fn each_marked(
    regions: *const [RegionRef],
    huge: *const [Huge],
    visit: &mut dyn FnMut(u64),
) {
    // SAFETY: by the contract; re-borrowed for each step, since `visit` sets marks.
    for region in unsafe { &*regions } {
        for number in RECORD_BLOCKS..region::BLOCKS {
            let record = region.record(number);
            // SAFETY: records are mapped.
            let (state, scalar, cells, cell) = unsafe {
                (
                    (*record).state,
                    (*record).scalar,
                    (*record).cells,
                    (*record).cell,
                )
            };
            let start = region.block_start(number);
            match state {
                _ if scalar => {}
                BlockState::Small => {
                    for index in 0..cells {
                        // SAFETY: as above; the cell's bit exists.
                        if unsafe { (&(*record).marks)[index as usize / 64] } >> (index % 64) & 1
                            != 0
                        {
                            visit(start + (index * cell) as u64);
                        }
                    }
                }
                // SAFETY: as above.
                BlockState::Large if unsafe { (*record).marked } > 0 => visit(start | 1),
                _ => {}
            }
        }
    }
    for index in 0..huge.len() {
        // SAFETY: by the contract; shapes live as long as the heap.
        let (start, wanted) = unsafe {
            let object = &(&(*huge))[index];
            (
                object.start,
                object.marked && !(*object.shape).pattern.is_scalar(),
            )
        };
        if wanted {
            visit(start | 1);
        }
    }
}

/// Fills the free cells of a block with the poison, as far as they were ever written.
///
/// # Safety
/// Nobody needs or reaches the free cells.
unsafe fn poison_free_cells(block: &Block, start: u64) {
    let mut cursor = 0;
    while let Some((first, end)) = block.free_run(cursor) {
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
