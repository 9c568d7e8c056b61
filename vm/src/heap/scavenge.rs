//! Giving memory back to the system.
//!
//! 1. After a collection the heap keeps what it will need until the next: the goal and a tenth, as Go does. If there are more free
//!    blocks that were written, a thread is started, at most one at a time.
//! 2. It waits a second, lest blocks go that are wanted again at once; then it gives back the excess in small steps, so
//!    that nobody waits long for the lock of the heap. High addresses go first, since low ones are used first.
//! 3. When there is no excess any more it ends. It holds the heap only while it works.
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

/// How long free blocks are kept after a collection.
const PATIENCE: Duration = Duration::from_secs(1);
/// Excess below this is not worth a thread.
const LEAST_BLOCKS: u64 = 32;
/// Blocks that are looked at in one step.
const STEP: usize = 64;
/// The pause between two steps.
const BREATH: Duration = Duration::from_micros(200);

impl Heap {
    /// Blocks that are free, were written, and are not kept for what the program will allocate next.
    fn excess(&self, state: &State) -> u64 {
        // ORDERING: relaxed. A setting.
        let trigger = self.trigger.load(Ordering::Relaxed);
        if trigger == u64::MAX {
            return 0;
        }
        let goal = state.live + trigger.saturating_sub(state.allocated_then) + state.headroom;
        let kept = (goal.saturating_add(goal / 10) / BLOCK_BYTES).max(state.used_blocks);
        state.dirty_blocks.saturating_sub(kept)
    }

    /// Starts the thread that gives back what is in excess, if there is enough and it does not run already. Called at the end of a
    /// collection.
    pub(super) fn scavenge_soon(&self, state: &State) {
        // ORDERING: acquire and release. Who clears the flag has done with the heap.
        if self.excess(state) < LEAST_BLOCKS || self.scavenging.swap(true, Ordering::Acquire) {
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
    fn scavenge_step(&self, place: (usize, usize)) -> Option<(usize, usize)> {
        let state = &mut *lock(&self.state);
        let excess = self.excess(state);
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
    std::thread::sleep(PATIENCE);
    let with =
        |work: &dyn Fn(&Arc<Heap>) -> Option<Place>| heap.upgrade().and_then(|heap| work(&heap));
    let mut place = with(&|heap| {
        let regions = lock(&heap.state).regions.len();
        regions.checked_sub(1).map(|last| (last, region::BLOCKS))
    });
    while let Some(at) = place {
        place = with(&|heap| heap.scavenge_step(at));
        std::thread::sleep(BREATH);
    }
    if let Some(heap) = heap.upgrade() {
        // ORDERING: release, pairs with the swap in `scavenge_soon`.
        heap.scavenging.store(false, Ordering::Release);
    }
}
