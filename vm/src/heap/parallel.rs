//! Marking by several threads: how they share work, and how many mark in a stopped world.
//!
//! 1. Each thread has a marker with a stack of its own. Who has nothing left takes a piece of somebody's stack out of the [`Pool`], or sleeps there.
//!    Who has much looks now and then whether anybody sleeps, and gives away the older half of his stack, which leads to more than the
//!    newer half.
//! 2. When all sleep and no piece is left, there is nothing to scan. In a stopped world that is the end; else somebody is asked to stop the
//!    world and see whether it is ([`super::concurrent`]).
//! 3. [`Pool::pause`] calls all back: they leave their stacks as pieces and sleep until [`Pool::resume`].
//!
//! In a stopped world threads are started for one marking and end with it: that costs some ten microseconds, and only large heaps are marked so.
//! A thread that cannot be started means only that fewer help. A piece for which there is no room is *lost*: all marked objects are scanned again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use super::concurrent::SOON_MARKED;
use super::mark::{Marker, SHARED};
use super::{Heap, lock};

/// Live bytes for each thread that marks.
const BYTES_PER_THREAD: u64 = 16 << 20;
/// More threads bring little: they wait for memory.
const MOST_THREADS: u64 = 8;

/// In [`Pool::call`]: all are called back.
const BACK: usize = 1;
/// Somebody who does not wait has asked for a piece.
const WANTED: usize = 2;
/// One that sleeps.
const SLEEPER: usize = 4;

/// Where work is shared.
#[derive(Default)]
pub(super) struct Pool {
    state: Mutex<PoolState>,
    /// Something has come, or all is done.
    news: Condvar,
    /// One more sleeps, or is gone.
    quiet: Condvar,
    /// What those who mark should look for, for a look without the lock.
    call: AtomicUsize,
}

#[derive(Default)]
struct PoolState {
    pieces: Vec<Vec<u64>>,
    /// Threads that mark.
    workers: usize,
    sleeping: usize,
    paused: bool,
    ended: bool,
    /// For the marking that begins next.
    prepared: bool,
    /// Somebody has been told that all sleep.
    asked: bool,
    lost: bool,
}

impl PoolState {
    fn put(&mut self, piece: Vec<u64>) {
        if self.pieces.try_reserve(1).is_ok() {
            self.pieces.push(piece);
        } else {
            self.lost = true;
        }
    }
}

// ORDERING: relaxed, of `call` everywhere. It says only that a look at what is behind the lock may be worth while.
impl Pool {
    /// Whether [`Pool::called`] has something to say.
    #[inline(always)]
    pub(super) fn calls(&self) -> bool {
        self.call.load(Ordering::Relaxed) != 0
    }

    /// Gives somebody a part of the stack if he waits for it. Answers whether the marker is called back.
    #[cold]
    #[inline(never)]
    pub(super) fn called(&self, stack: &mut Vec<u64>) -> bool {
        if self.call.load(Ordering::Relaxed) & BACK != 0 {
            return true;
        }
        if stack.len() >= 2 * SHARED {
            self.give(stack);
        }
        false
    }

    /// Gives away the older half of a stack, if there is memory to do so.
    fn give(&self, stack: &mut Vec<u64>) {
        let half = stack.len() / 2;
        let mut piece = Vec::new();
        if piece.try_reserve_exact(half).is_err() {
            return;
        }
        let mut state = lock(&self.state);
        if state.pieces.try_reserve(1).is_err() {
            return;
        }
        piece.extend(stack.drain(..half));
        state.pieces.push(piece);
        self.call.fetch_and(!WANTED, Ordering::Relaxed);
        self.news.notify_one();
    }

    /// Leaves a whole stack to others.
    pub(super) fn put(&self, stack: &mut Vec<u64>) {
        if !stack.is_empty() {
            lock(&self.state).put(std::mem::take(stack));
            self.news.notify_one();
        }
    }

    /// A piece, if there is one now; if not, somebody who has much will leave one.
    pub(super) fn try_take(&self) -> Option<Vec<u64>> {
        let piece = lock(&self.state).pieces.pop();
        if piece.is_none() {
            self.call.fetch_or(WANTED, Ordering::Relaxed);
        }
        piece
    }

    /// All pieces, and whether something was lost. For who has paused the others.
    pub(super) fn take_all(&self) -> (Vec<Vec<u64>>, bool) {
        let mut state = lock(&self.state);
        (
            std::mem::take(&mut state.pieces),
            std::mem::take(&mut state.lost),
        )
    }

    /// Adds one to those that mark, who has work.
    fn enter(&self) {
        lock(&self.state).workers += 1;
    }

    /// Adds a thread to those that mark, which will begin with [`Pool::take`]: nobody waits for it until it has something.
    fn enter_asleep(&self) {
        let mut state = lock(&self.state);
        state.workers += 1;
        state.sleeping += 1;
        self.call.fetch_add(SLEEPER, Ordering::Relaxed);
    }

    /// It has not come about.
    fn not_entered(&self) {
        let mut state = lock(&self.state);
        state.workers -= 1;
        state.sleeping -= 1;
        self.call.fetch_sub(SLEEPER, Ordering::Relaxed);
    }

    /// Sleeps, and leaves what is on the stack for others: what follows is [`Pool::take`].
    pub(super) fn sleep(&self, stack: &mut Vec<u64>) {
        let mut state = lock(&self.state);
        if !stack.is_empty() {
            state.put(std::mem::take(stack));
        }
        state.sleeping += 1;
        self.call.fetch_add(SLEEPER, Ordering::Relaxed);
        self.quiet.notify_all();
    }

    /// Waits for a piece, and puts it on the stack; for a thread that sleeps. When all sleep, `ask` is called; if it answers
    /// false that is the end. Answers false at the end.
    pub(super) fn take(&self, stack: &mut Vec<u64>, ask: &dyn Fn() -> bool) -> bool {
        let mut state = lock(&self.state);
        loop {
            if state.ended {
                state.sleeping -= 1;
                state.workers -= 1;
                self.call.fetch_sub(SLEEPER, Ordering::Relaxed);
                self.quiet.notify_all();
                return false;
            }
            if !state.paused {
                if let Some(piece) = state.pieces.pop() {
                    state.sleeping -= 1;
                    self.call.fetch_sub(SLEEPER, Ordering::Relaxed);
                    // A stack that has been reserved is not given up.
                    if piece.len() <= stack.capacity() {
                        stack.extend(piece);
                    } else {
                        *stack = piece;
                    }
                    return true;
                }
                if state.sleeping == state.workers && !state.asked {
                    state.asked = true;
                    drop(state);
                    let goes_on = ask();
                    state = lock(&self.state);
                    if !goes_on {
                        state.ended = true;
                        self.news.notify_all();
                    }
                    continue;
                }
            }
            state = wait(&self.news, state);
        }
    }

    /// Calls all back and waits until they sleep.
    pub(super) fn pause(&self) {
        let mut state = lock(&self.state);
        state.paused = true;
        self.call.fetch_or(BACK, Ordering::Relaxed);
        while state.sleeping < state.workers {
            state = wait(&self.quiet, state);
        }
    }

    /// Lets them go on.
    pub(super) fn resume(&self) {
        let mut state = lock(&self.state);
        (state.paused, state.asked) = (false, false);
        self.call.fetch_and(!BACK, Ordering::Relaxed);
        self.news.notify_all();
    }

    /// Ends the marking: all go, what is left is forgotten.
    pub(super) fn end(&self) {
        let mut state = lock(&self.state);
        state.ended = true;
        state.pieces = Vec::new();
        self.call.fetch_or(BACK, Ordering::Relaxed);
        self.news.notify_all();
    }

    /// Begins another marking, when all those of the last have gone. Threads that have been prepared for it stay.
    pub(super) fn start(&self) {
        let mut state = lock(&self.state);
        if std::mem::take(&mut state.prepared) && !state.ended {
            return;
        }
        while state.workers > 0 {
            state = wait(&self.quiet, state);
        }
        *state = PoolState::default();
        self.call.store(0, Ordering::Relaxed);
    }

    /// As [`Pool::start`], while the program still runs: those that enter wait for [`Pool::resume`]. Answers false if somebody has done so already, or the
    /// last marking has not come to an end.
    fn prepare(&self) -> bool {
        let mut state = lock(&self.state);
        if state.prepared || state.workers > 0 {
            return false;
        }
        *state = PoolState {
            paused: true,
            prepared: true,
            ..PoolState::default()
        };
        self.call.store(BACK, Ordering::Relaxed);
        true
    }

    /// Something was marked that is on no stack.
    pub(super) fn note_lost(&self) {
        lock(&self.state).lost = true;
    }

    /// How many threads mark.
    pub(super) fn workers(&self) -> usize {
        lock(&self.state).workers
    }
}

fn wait<'a>(condition: &Condvar, state: MutexGuard<'a, PoolState>) -> MutexGuard<'a, PoolState> {
    condition
        .wait(state)
        .unwrap_or_else(PoisonError::into_inner)
}

/// A marker on its way to or from its thread.
struct Helper<'a>(Marker<'a>);

// SAFETY: what a marker points to are the heap's records and lists, which outlive the marking and which markers share by atomics.
unsafe impl Send for Helper<'_> {}

impl<'a> Helper<'a> {
    fn work(self, pool: &Pool) -> Helper<'a> {
        Helper(self.0.work(pool, false))
    }
}

/// Marks all that `stack` leads to, in the stopped world. Returns a marker with the sums of all.
pub(super) fn mark(marker: &Marker<'_>, stack: Vec<u64>, limit: usize, helpers: usize) -> Marked {
    let pool = &Pool::default();
    std::thread::scope(|scope| {
        // Nobody may find that all sleep before all are there.
        pool.enter();
        let threads: Vec<_> = (0..helpers)
            .filter_map(|_| {
                let helper = Helper(marker.helper(pool, Vec::new(), limit));
                pool.enter_asleep();
                let thread = std::thread::Builder::new()
                    .name("golite-mark".into())
                    .spawn_scoped(scope, move || helper.work(pool));
                if thread.is_err() {
                    pool.not_entered();
                }
                thread.ok()
            })
            .collect();
        let mut own = marker.helper(pool, stack, limit).work(pool, true);
        let mut all = Marked {
            stack: own.take_stack(),
            lost: own.lost,
            bytes: own.bytes,
            objects: own.objects,
        };
        for thread in threads {
            let Helper(other) = thread.join().expect("marking does not panic");
            all.lost |= other.lost;
            all.bytes += other.bytes;
            all.objects += other.objects;
        }
        all.lost |= lock(&pool.state).lost;
        all
    })
}

/// What several threads have marked.
pub(super) struct Marked {
    /// The memory of a stack.
    pub(super) stack: Vec<u64>,
    pub(super) lost: bool,
    pub(super) bytes: u64,
    pub(super) objects: u64,
}

impl Heap {
    /// How many threads help to mark in a stopped world, judged by what was live last.
    pub(super) fn helpers(&self) -> usize {
        // ORDERING: relaxed. Settings, written under the lock that the collector holds.
        let live = self.live_then.load(Ordering::Relaxed);
        let wanted = (live / self.bytes_per_thread.unwrap_or(BYTES_PER_THREAD)).min(MOST_THREADS);
        (wanted as usize).min(self.threads()).saturating_sub(1)
    }

    /// How many threads may run at the same time.
    pub(super) fn threads(&self) -> usize {
        if self.bytes_per_thread.is_some() {
            return MOST_THREADS as usize;
        }
        // The system is asked once: that takes longer than a stop of the world should.
        static THREADS: OnceLock<usize> = OnceLock::new();
        *THREADS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// The world is about to be stopped for a collection that will be marked beside the program: starts the threads for that, which takes longer than the
    /// rest of the stop.
    pub fn prepare_collection(&self) {
        // ORDERING: relaxed. If it is not so any more, threads have been started for nothing.
        let is_large = self.live_then.load(Ordering::Relaxed) >= SOON_MARKED;
        if is_large && !self.is_marking() && self.collection_wanted() && self.pool.prepare() {
            self.start_workers();
        }
    }

    /// Starts the threads that mark beside the program, a quarter as many as may run at the same time; answers whether there is one.
    pub(super) fn start_workers(&self) -> bool {
        let wanted = (self.threads() / 4).clamp(1, MOST_THREADS as usize);
        for _ in self.pool.workers()..wanted {
            let Some(heap) = self.this.upgrade() else {
                return false;
            };
            self.pool.enter_asleep();
            let thread = std::thread::Builder::new()
                .name("golite-mark".into())
                .spawn(move || {
                    runtime::work_in_background();
                    heap.work_beside();
                });
            if thread.is_err() {
                self.pool.not_entered();
                break;
            }
        }
        self.pool.workers() > 0
    }

    /// What such a thread does.
    fn work_beside(&self) {
        let mut stack = Vec::new();
        while self.pool.take(&mut stack, &|| {
            self.ask_for_step();
            true
        }) {
            let mut marker = Marker::beside(self, std::mem::take(&mut stack));
            marker.drain_some(usize::MAX);
            stack = marker.take_stack();
            self.add_up(&marker);
            self.pool.sleep(&mut stack);
        }
        self.sort_rest();
    }
}
