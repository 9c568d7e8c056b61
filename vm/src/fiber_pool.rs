//! Fibers of ended goroutines, for new ones.
//!
//! A processor keeps some for itself and touches nothing else while it starts about as many goroutines as it ends. When one processor
//! starts what another ends, they hand fibers on in batches through the pool of the whole program.
//!
//! What the pool holds is charged to the program like any stack. A collection gives back what has lain there unused since the one before,
//! a part at a time: a program that starts and ends goroutines all the time keeps what it needs, and a spike is forgotten. After a large one a thread gives back
//! what lies unused for a second, though nobody collects (`settle.rs`).
//!
//! GO: proc.go `gfput`, `gfget`; mgcmark.go `markrootFreeGStacks`.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::fiber::FiberCell;

/// How many fibers are handed on at a time.
const BATCH: usize = 64;
/// How many a processor keeps.
const KEPT: usize = 2 * BATCH;
/// How many batches the pool keeps; what a larger spike leaves goes back at once.
const MOST_BATCHES: usize = 1024;
/// With more batches than this, those that are not needed go back within seconds, without a collection.
const MANY_BATCHES: usize = 64;
/// So many are not worth another look.
const FEW_BATCHES: usize = 4;
/// How many batches a collection gives back, since the world waits for it.
const TRIMMED: usize = 128;

/// The fibers that a processor keeps.
#[derive(Default)]
pub(crate) struct FreeFibers(Vec<FiberCell>);

/// What the processors share.
#[derive(Default)]
pub(crate) struct FiberPool {
    state: Mutex<State>,
    /// How many batches there are, to be looked at without the lock.
    batches: AtomicUsize,
    /// Sees to it that `settle` is called for a while.
    after_spike: OnceLock<Box<dyn Fn() -> bool + Send + Sync>>,
    /// Somebody does.
    settling: AtomicBool,
    /// What the processors keep is wanted here.
    gathers: AtomicBool,
}

#[derive(Default)]
struct State {
    batches: Vec<Vec<FiberCell>>,
    /// The fewest there were since the last collection.
    unused: usize,
    /// The fewest there were since [`FiberPool::settle`].
    unused_since: usize,
}

impl FiberPool {
    /// A fiber for a new goroutine, if one is left over.
    #[inline]
    pub(crate) fn take(&self, local: &mut FreeFibers) -> Option<FiberCell> {
        let Some(fiber) = local.0.pop() else {
            return self.refill(local);
        };
        // PERF: who starts one goroutine mostly starts more, and what comes from the pool is in no cache of this core.
        if let [.., later, next] = local.0.as_slice() {
            later.prefetch();
            next.prefetch_stack();
        }
        Some(fiber)
    }

    /// Keeps the fiber of a goroutine that has ended.
    #[inline]
    pub(crate) fn put(&self, local: &mut FreeFibers, fiber: FiberCell) {
        if local.0.len() == KEPT {
            self.hand_on(local);
        }
        local.0.push(fiber);
    }

    #[cold]
    fn refill(&self, local: &mut FreeFibers) -> Option<FiberCell> {
        // ORDERING: Relaxed. A hint; the lock says the rest.
        if self.batches.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = state.batches.pop()?;
        state.unused = state.unused.min(state.batches.len());
        state.unused_since = state.unused_since.min(state.batches.len());
        self.publish(&state);
        drop(state);
        local.0.append(&mut batch);
        local.0.pop()
    }

    #[cold]
    fn hand_on(&self, local: &mut FreeFibers) {
        // Those used last stay: they are in this core's cache.
        let batch: Vec<_> = local.0.drain(..BATCH).collect();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.batches.len() < MOST_BATCHES {
            state.batches.push(batch);
            self.publish(&state);
        } else {
            drop(state);
            drop(batch);
        }
        // ORDERING: relaxed, as in `refill`; acquire and release of the flag: who clears it has done.
        if self.batches.load(Ordering::Relaxed) > MANY_BATCHES
            && let Some(after_spike) = self.after_spike.get()
            && !self.settling.swap(true, Ordering::Acquire)
            && !after_spike()
        {
            self.settling.store(false, Ordering::Release);
        }
    }

    /// Has `settle` called when many goroutines have ended, by whoever ends one: it is to see to it that [`FiberPool::settle`] is called now and then from
    /// another thread, and to say whether it can.
    pub(crate) fn after_spike(&self, settle: impl Fn() -> bool + Send + Sync + 'static) {
        let _ = self.after_spike.set(Box::new(settle));
    }

    /// Gives back what has not been needed since the last call. Answers whether that is all there is to do.
    pub(crate) fn settle(&self) -> bool {
        let (unused, is_in_use): (Vec<_>, _) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let count = state.unused_since;
            let unused = state.batches.drain(..count).collect();
            state.unused_since = state.batches.len();
            state.unused = state.unused.min(state.batches.len());
            self.publish(&state);
            (unused, count == 0)
        };
        // Somebody may want some meanwhile.
        for batch in unused {
            drop(batch);
        }
        // ORDERING: relaxed and release, as in `hand_on`.
        let left = self.batches.load(Ordering::Relaxed);
        // What is left of a spike may be in use again and again; what is not goes at the next call.
        let is_settled = left <= FEW_BATCHES || left <= MANY_BATCHES && is_in_use;
        if is_settled {
            self.settling.store(false, Ordering::Release);
        }
        is_settled
    }

    /// After a spike, what processors keep may hold a chunk of memory each ([`crate::slab`]): the next collection gathers it.
    pub(crate) fn gather_soon(&self) {
        // ORDERING: relaxed. The collection that sees it does it.
        self.gathers.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has asked for [`FiberPool::gather`].
    pub(crate) fn gathers(&self) -> bool {
        // ORDERING: relaxed, as above.
        self.gathers.swap(false, Ordering::Relaxed)
    }

    /// Takes over what a processor keeps; the world is stopped.
    pub(crate) fn gather(&self, local: &mut FreeFibers) {
        let batch = std::mem::take(&mut local.0);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.batches.push(batch);
        self.publish(&state);
    }

    fn publish(&self, state: &State) {
        // ORDERING: Relaxed, as in `refill`.
        self.batches.store(state.batches.len(), Ordering::Relaxed);
    }

    /// Gives back what has not been needed since the last call; `all`: everything.
    pub(crate) fn trim(&self, all: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let count = if all {
            state.batches.len()
        } else {
            state.unused.min(TRIMMED)
        };
        // The oldest lie at the front.
        let unused: Vec<_> = state.batches.drain(..count).collect();
        state.unused = state.batches.len();
        state.unused_since = state.unused_since.min(state.batches.len());
        self.publish(&state);
        drop(state);
        drop(unused);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fiber::Fiber;
    use crate::heap::{Heap, HeapOptions};

    #[test]
    fn fibers_go_from_one_processor_to_the_other_and_what_lies_unused_is_given_back() {
        let heap = Heap::new(HeapOptions::default()).expect("address space");
        let fiber =
            || Fiber::starting(None, 0, 0, 0, 1 << 20, heap.account()).expect("there is memory");
        let pool = FiberPool::default();
        let (mut here, mut there) = (FreeFibers::default(), FreeFibers::default());
        let count = KEPT + 3 * BATCH;
        for _ in 0..count {
            pool.put(&mut here, fiber());
        }
        let each = heap.account().charged() / count as u64;
        let held = |fibers: usize| assert_eq!(heap.account().charged(), fibers as u64 * each);
        assert!(pool.take(&mut there).is_some(), "handed on");
        held(count - 1);
        // Two batches were there all the time since the first trim, which itself takes what was there before any.
        pool.trim(false);
        held(count - 1);
        pool.trim(false);
        held(count - 1 - 2 * BATCH);
        pool.trim(true);
        held(KEPT + BATCH - 1);
        for _ in 0..BATCH - 1 {
            assert!(pool.take(&mut there).is_some());
        }
        assert!(
            pool.take(&mut there).is_none(),
            "nothing is left to hand on"
        );
        assert!(!pool.gathers());
        pool.gather_soon();
        assert!(pool.gathers() && !pool.gathers());
        pool.gather(&mut here);
        pool.trim(true);
        held(0);
    }
}
