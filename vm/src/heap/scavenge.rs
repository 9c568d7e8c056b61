//! Giving memory back to the system.
//!
//! 1. After a collection the heap keeps what it will need until the next: the goal and a tenth, as Go does. What else is free and was written is in
//!    *excess*. If there are many free blocks a thread is started, at most one at a time.
//! 2. It looks once a second, lest blocks go that are wanted again at once, and gives back the excess in small steps, so
//!    that nobody waits long for the lock of the heap. High addresses go first, since low ones are used first.
//! 3. A program that has allocated next to nothing for two of these seconds is at rest: then everything free is in excess, and what the host's allocator
//!    keeps for the program's natives goes back as well.
//! 4. When hardly anything is free any more the thread ends. It holds the heap only while it works.
//!
//! Huge objects go back as soon as a collection finds them dead. *(Rejected: to do it in the pause, which `madvise` of 200 MB
//! makes 20 ms longer; to do it in the scheduler's monitor, which sleeps for long when nothing runs, and would have to know of the heap.)*
//!
//! GO: mgcscavenge.go, `retainExtraPercent`.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::region::{self, BLOCK_BYTES, RECORD_BLOCKS};
use super::{Heap, State, lock, release_run};

/// Between two looks: how long free blocks are kept after a collection.
const PATIENCE: Duration = Duration::from_secs(1);
/// So many looks in a row must have found a program at rest.
const QUIET_LOOKS: u32 = 2;
/// What a program at rest allocates at most between two looks.
const QUIET_BYTES: u64 = 64 << 10;
/// Fewer free blocks are not worth a thread.
const LEAST_BLOCKS: u64 = 32;
/// Blocks that are looked at in one step.
const STEP: usize = 64;
/// The pause between two steps.
const BREATH: Duration = Duration::from_micros(200);

impl Heap {
    /// Blocks that are free, were written, and are not kept for what the program will allocate next, if it allocates at all.
    fn excess(&self, state: &State, is_at_rest: bool) -> u64 {
        // ORDERING: relaxed. A setting.
        let trigger = self.trigger.load(Ordering::Relaxed);
        let kept = match trigger {
            _ if is_at_rest => state.used_blocks,
            u64::MAX => return 0,
            _ => {
                let goal =
                    state.live + trigger.saturating_sub(state.allocated_then) + state.headroom;
                (goal.saturating_add(goal / 10) / BLOCK_BYTES).max(state.used_blocks)
            }
        };
        state.dirty_blocks.saturating_sub(kept)
    }

    /// Starts the thread that gives back what is in excess, or will be, if there is enough and it does not run already. Called at the end of a
    /// collection.
    pub(super) fn scavenge_soon(&self, state: &State) {
        // ORDERING: acquire and release. Who clears the flag has done with the heap.
        if self.excess(state, true) < LEAST_BLOCKS || self.scavenging.swap(true, Ordering::Acquire)
        {
            return;
        }
        let heap = self.this.clone();
        let thread = std::thread::Builder::new()
            .name("golite-scavenger".to_owned())
            .stack_size(64 << 10)
            .spawn(move || {
                runtime::work_in_background();
                run(&heap);
            });
        if thread.is_err() {
            // The next collection tries again.
            // ORDERING: release, as above.
            self.scavenging.store(false, Ordering::Release);
        }
    }

    /// One step: gives back excess among the blocks below number `end` of region `region`, counted from the first. Returns where to go
    /// on, or `None` when there is nothing left to do.
    fn scavenge_step(&self, place: Place, is_at_rest: bool) -> Option<Place> {
        let state = &mut *lock(&self.state);
        let excess = self.excess(state, is_at_rest);
        let (number, end) = place;
        if excess == 0 {
            return None;
        }
        let Some(&region) = state.regions.get(number) else {
            return number.checked_sub(1).map(|number| (number, region::BLOCKS));
        };
        let first = end
            .saturating_sub(STEP.min(excess as usize))
            .max(RECORD_BLOCKS);
        // SAFETY: we hold the state's lock.
        let data = unsafe { region.data() };
        let mut at = first;
        let mut released = 0;
        while at < end {
            let start = at;
            while at < end && data.is_free(at) {
                at += 1;
            }
            // SAFETY: the blocks are free, and we hold the lock under which they are taken.
            released += unsafe { release_run(region, start, at) };
            at += 1;
        }
        state.note_released(released);
        if first > RECORD_BLOCKS {
            Some((number, first))
        } else {
            number.checked_sub(1).map(|number| (number, region::BLOCKS))
        }
    }
}

impl State {
    /// Counts what was given back.
    pub(super) fn note_released(&mut self, bytes: u64) {
        self.dirty_blocks = self.dirty_blocks.saturating_sub(bytes / BLOCK_BYTES);
        self.released += bytes;
    }
}

/// A region and a block of it.
type Place = (usize, usize);

/// The thread.
fn run(heap: &Weak<Heap>) {
    let mut allocated = 0;
    let mut quiet = 0;
    loop {
        std::thread::sleep(PATIENCE);
        let Some(now) = heap.upgrade().map(|heap| heap.allocated()) else {
            return;
        };
        // Windows that are given up count backwards.
        if now.abs_diff(allocated) <= QUIET_BYTES {
            quiet += 1;
        } else {
            quiet = 0;
        }
        allocated = now;
        let is_at_rest = quiet >= QUIET_LOOKS;
        scavenge(heap, is_at_rest);
        let Some(heap) = heap.upgrade() else {
            return;
        };
        if is_at_rest {
            heap.release_native();
        }
        let state = lock(&heap.state);
        if is_at_rest || heap.excess(&state, true) < LEAST_BLOCKS {
            // ORDERING: release, pairs with the swap in `scavenge_soon`. Under the lock under which that is called.
            heap.scavenging.store(false, Ordering::Release);
            return;
        }
    }
}

/// Gives back what is in excess now.
fn scavenge(heap: &Weak<Heap>, is_at_rest: bool) {
    let with =
        |work: &dyn Fn(&Arc<Heap>) -> Option<Place>| heap.upgrade().and_then(|heap| work(&heap));
    let mut place = with(&|heap| {
        let regions = lock(&heap.state).regions.len();
        regions.checked_sub(1).map(|last| (last, region::BLOCKS))
    });
    while let Some(at) = place {
        place = with(&|heap| heap.scavenge_step(at, is_at_rest));
        std::thread::sleep(BREATH);
    }
}
