//! Marking by several threads, in the stopped world.
//!
//! 1. The marker that the roots were reported to becomes one of several, each with a stack of its own. Threads are started for the others and end with
//!    the marking: that costs some ten microseconds, and large heaps only are marked so.
//! 2. Who has nothing left takes a piece of somebody's stack out of the pool, or sleeps there. Who has much looks now and then whether anybody sleeps, and
//!    gives away the older half of his stack, which leads to more than the newer half.
//! 3. When all sleep, all is marked.
//! 4. How many cells of each block are marked is counted afterwards: counting along would have all threads write the same lines.
//!
//! A thread that cannot be started, or a list for which there is no memory, means only that fewer help.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use super::mark::{Marker, SHARED};
use super::region::{self, RECORD_BLOCKS, RegionRef, State as BlockState};
use super::{Heap, lock};

/// Live bytes for each thread that marks.
const BYTES_PER_THREAD: u64 = 16 << 20;
/// More threads bring little: they wait for memory.
const MOST_THREADS: u64 = 8;

/// Where work is shared.
#[derive(Default)]
pub(super) struct Pool {
    state: Mutex<PoolState>,
    /// Something has come, or all is done.
    news: Condvar,
    /// How many sleep, for a look without the lock.
    hungry: AtomicUsize,
}

#[derive(Default)]
struct PoolState {
    pieces: Vec<Vec<u64>>,
    /// Threads that mark.
    workers: usize,
    sleeping: usize,
}

impl Pool {
    /// Whether somebody waits for work.
    #[inline(always)]
    pub(super) fn is_hungry(&self) -> bool {
        // ORDERING: relaxed. A hint; the pieces are behind the lock.
        self.hungry.load(Ordering::Relaxed) > 0
    }

    /// Gives away the older half of a stack, if there is memory to do so.
    #[cold]
    pub(super) fn give(&self, stack: &mut Vec<u64>) {
        let half = stack.len() / 2;
        let mut piece = Vec::new();
        if piece.try_reserve_exact(half.max(SHARED)).is_err() {
            return;
        }
        let mut state = lock(&self.state);
        if state.pieces.try_reserve(1).is_err() {
            return;
        }
        piece.extend(stack.drain(..half));
        state.pieces.push(piece);
        self.news.notify_one();
    }

    /// A piece of somebody's stack; waits for one. `None`: all is marked.
    pub(super) fn take(&self) -> Option<Vec<u64>> {
        let mut state = lock(&self.state);
        state.sleeping += 1;
        // ORDERING: relaxed, as in `is_hungry`.
        self.hungry.fetch_add(1, Ordering::Relaxed);
        loop {
            if let Some(piece) = state.pieces.pop() {
                state.sleeping -= 1;
                // ORDERING: relaxed, as in `is_hungry`.
                self.hungry.fetch_sub(1, Ordering::Relaxed);
                return Some(piece);
            }
            if state.sleeping == state.workers {
                self.news.notify_all();
                return None;
            }
            state = self
                .news
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A marker on its way to its thread.
struct Helper<'a>(Marker<'a>);

// SAFETY: what a marker points to are the heap's records and lists, which outlive the marking and which markers share by atomics.
unsafe impl Send for Helper<'_> {}

impl Helper<'_> {
    fn work(self, pool: &Pool) -> bool {
        self.0.work(pool).1
    }
}

/// Marks all that `stack` leads to. Returns the memory of a stack, and whether something was lost.
pub(super) fn mark(
    marker: &Marker<'_>,
    stack: Vec<u64>,
    limit: usize,
    helpers: usize,
) -> (Vec<u64>, bool) {
    let pool = &Pool::default();
    std::thread::scope(|scope| {
        // Nobody may find that all sleep before all are there.
        lock(&pool.state).workers = 1;
        let threads: Vec<_> = (0..helpers)
            .filter_map(|_| {
                let helper = Helper(marker.helper(pool, Vec::new(), limit));
                lock(&pool.state).workers += 1;
                let thread = std::thread::Builder::new()
                    .name("golite-mark".into())
                    .spawn_scoped(scope, move || helper.work(pool));
                if thread.is_err() {
                    lock(&pool.state).workers -= 1;
                }
                thread.ok()
            })
            .collect();
        let (stack, lost) = marker.helper(pool, stack, limit).work(pool);
        let lost = threads.into_iter().fold(lost, |lost, thread| {
            lost | thread.join().expect("marking does not panic")
        });
        (stack, lost)
    })
}

/// Counts the marks of all blocks.
///
/// # Safety
/// The world is stopped, and nobody else marks.
pub(super) unsafe fn count_marks(regions: *const [RegionRef]) {
    // SAFETY: by the contract, here and below.
    for region in unsafe { &*regions } {
        // SAFETY: as above.
        let data = unsafe { region.data() };
        for number in (RECORD_BLOCKS..region::BLOCKS).filter(|&number| !data.is_free(number)) {
            // SAFETY: as above.
            let block = unsafe { &mut *region.record(number) };
            let words = match block.state {
                BlockState::Small => (block.cells as usize).div_ceil(64),
                BlockState::Large => 1,
                BlockState::Tail | BlockState::Free => continue,
            };
            block.marked = block.marks[..words]
                .iter()
                .map(|word| word.count_ones())
                .sum();
        }
    }
}

impl Heap {
    /// How many threads help to mark, judged by what was live last.
    pub(super) fn helpers(&self) -> usize {
        // ORDERING: relaxed. Settings, written under the lock that the collector holds.
        let live = self.live_then.load(Ordering::Relaxed);
        let wanted = (live / self.bytes_per_thread.unwrap_or(BYTES_PER_THREAD)).min(MOST_THREADS);
        (wanted as usize).min(self.threads()).saturating_sub(1)
    }

    /// How many threads may run at the same time.
    fn threads(&self) -> usize {
        if self.bytes_per_thread.is_some() {
            return MOST_THREADS as usize;
        }
        std::thread::available_parallelism().map_or(1, usize::from)
    }
}
