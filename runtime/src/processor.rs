//! Processors (P): the right to run goroutines, and what goes with it.
//!
//! Who has a processor shows in a token, [`OwnedProcessor`], that is moved between machines, the idle list, the stopped
//! world and, for the time of a blocking call, the ownership word (`blocking.rs`). The parts of a processor that only its
//! owner touches are reached through the token.
//!
//! INVARIANT: there is at most one token of a processor. It comes from [`OwnedProcessor::new`], and again from
//! [`BlockedProcessor::try_leave`] or [`Processor::try_retake`], of which the word lets exactly one succeed per `enter_blocking`,
//! or from the standby word (`standby.rs`).
//!
//! GO: runtime2.go `p`.

use std::{
    cell::{Cell, UnsafeCell},
    sync::{Arc, atomic::AtomicUsize as StdAtomicUsize},
};

use crossbeam_utils::CachePadded;

use crate::{
    backlog::Backlog,
    blocking::{BlockingTicket, OwnershipWord, ProcessorStatus},
    engine::Engine,
    goroutine::{Free, FreeList, GoroutineId, Registry},
    preempt::{COUNTED_SAFEPOINTS, LimitWord},
    run_queue::RunQueue,
    sync::{AtomicU32, AtomicU64, AtomicUsize, Ordering},
    timers::Timers,
    turns::Turns,
};

/// A processor, as everybody sees it.
pub(crate) struct Processor<E: Engine> {
    pub(crate) index: usize,
    /// The safepoint word and the pending requests.
    pub(crate) limit: CachePadded<LimitWord>,
    pub(crate) queue: CachePadded<RunQueue<E>>,
    pub(crate) timers: Timers<E>,
    pub(crate) word: OwnershipWord,
    /// Counts time slices: a goroutine that inherits the rest of a slice does not count.
    pub(crate) schedule_tick: AtomicU32,
    /// The number of the machine that has it plus 1, for schedtrace.
    pub(crate) machine: AtomicUsize,
    /// Goroutines started and ended here; the sums' difference is how many there are.
    pub(crate) started: AtomicU64,
    pub(crate) ended: AtomicU64,
    owned: UnsafeCell<Owned<E>>,
}

// SAFETY: `owned` is reached only through the one token (INVARIANT); it may move between threads, as its contents are
// `Send` (cells of plain values, a list of goroutines, `PerProcessor: Send`).
unsafe impl<E: Engine> Sync for Processor<E> {}
// SAFETY: as above.
unsafe impl<E: Engine> Send for Processor<E> {}

/// What only the owner touches.
struct Owned<E: Engine> {
    shared_by_context: OwnerCells<E>,
    local: E::PerProcessor,
}

/// The owner's part that a `Context` uses while the engine has the rest.
pub(crate) struct OwnerCells<E: Engine> {
    pub(crate) free: Cell<FreeList<E>>,
    /// What the last caller's goroutine was, for the next.
    pub(crate) spare: Cell<Option<Free<E>>>,
    /// The next number for a goroutine, and how many are left of this processor's batch.
    next_id: Cell<u64>,
    ids_left: Cell<u32>,
    random: Cell<u64>,
    /// A wake-up of another processor that is put off (`preempt.rs`): how many more safepoints.
    pub(crate) deferred_wakeups: Cell<u32>,
    /// Among them: a timer or a descriptor needs somebody to wait for it.
    pub(crate) deferred_watch: Cell<bool>,
    /// Whether queued goroutines go before the one in `next`.
    pub(crate) backlog: Backlog,
    /// The running goroutine was asked to leave for something that is no affair of the other goroutines.
    pub(crate) interrupted: Cell<bool>,
    /// Without a monitor: how many safepoints until the clock is looked at, and which slice was seen when. 0: safepoints are not counted; with a seed it is
    /// never 0.
    pub(crate) counted: Cell<u32>,
    pub(crate) counted_slice: Cell<(u32, i64)>,
    /// With a seed: when the running goroutine's turn is over.
    pub(crate) turns: Turns,
}

/// How many goroutine numbers a processor takes at a time.
const ID_BATCH: u32 = 16;

impl<E: Engine> OwnerCells<E> {
    #[inline]
    pub(crate) fn next_goroutine_id(&self, last: &AtomicU64) -> GoroutineId {
        if self.ids_left.get() == 0 {
            // ORDERING: Relaxed; only uniqueness counts.
            self.next_id
                .set(last.fetch_add(u64::from(ID_BATCH), Ordering::Relaxed) + 1);
            self.ids_left.set(ID_BATCH);
        }
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        self.ids_left.set(self.ids_left.get() - 1);
        GoroutineId(id)
    }

    /// A goroutine for a caller.
    #[inline]
    pub(crate) fn take_spare(&self, registry: &Registry<E>) -> Free<E> {
        self.spare.take().unwrap_or_else(|| {
            let mut list = self.free.take();
            let free = list.take(registry);
            self.free.set(list);
            free
        })
    }

    /// Keeps it for the next, or with the others.
    #[inline]
    pub(crate) fn put_spare(&self, free: Free<E>, registry: &Registry<E>) {
        if let Some(before) = self.spare.replace(Some(free)) {
            let mut list = self.free.take();
            list.put(before, registry);
            self.free.set(list);
        }
    }

    /// A random number (wyrand).
    #[inline]
    pub(crate) fn random(&self) -> u64 {
        let state = self.random.get().wrapping_add(0xa076_1d64_78bd_642f);
        self.random.set(state);
        let product = u128::from(state) * u128::from(state ^ 0xe703_7ed1_a0b4_28db);
        (product >> 64) as u64 ^ product as u64
    }

    /// A random number below `bound`.
    #[inline]
    pub(crate) fn random_below(&self, bound: usize) -> usize {
        ((u128::from(self.random()) * bound as u128) >> 64) as usize
    }
}

impl<E: Engine> Processor<E> {
    /// Takes the processor from the blocking call with this ticket.
    pub(crate) fn try_retake(
        self: &Arc<Self>,
        ticket: BlockingTicket,
    ) -> Option<OwnedProcessor<E>> {
        self.word
            .try_retake(ticket)
            .then(|| OwnedProcessor(Arc::clone(self)))
    }

    /// Adds to one of the owner's counters.
    #[inline]
    pub(crate) fn count(counter: &AtomicU64) {
        // ORDERING: Relaxed load, as only the owner writes. Release. Pairs with `Shared::goroutine_count`.
        counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Release);
    }
}

/// Having a processor.
pub(crate) struct OwnedProcessor<E: Engine>(Arc<Processor<E>>);

impl<E: Engine> std::ops::Deref for OwnedProcessor<E> {
    type Target = Arc<Processor<E>>;
    #[inline]
    fn deref(&self) -> &Arc<Processor<E>> {
        &self.0
    }
}

impl<E: Engine> OwnedProcessor<E> {
    pub(crate) fn new(
        index: usize,
        seed: u64,
        shuffle: bool,
        local: E::PerProcessor,
    ) -> OwnedProcessor<E> {
        let seed = seed ^ (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // Where turns end by the seed every safepoint is counted, from the first on.
        let counted = if shuffle { COUNTED_SAFEPOINTS } else { 0 };
        OwnedProcessor(Arc::new(Processor {
            index,
            limit: CachePadded::new(LimitWord::new()),
            queue: CachePadded::new(RunQueue::new()),
            timers: Timers::new(),
            word: OwnershipWord::new(),
            schedule_tick: AtomicU32::new(0),
            machine: AtomicUsize::new(0),
            started: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            owned: UnsafeCell::new(Owned {
                shared_by_context: OwnerCells {
                    free: Cell::new(FreeList::default()),
                    spare: Cell::new(None),
                    next_id: Cell::new(0),
                    ids_left: Cell::new(0),
                    random: Cell::new(seed),
                    deferred_wakeups: Cell::new(0),
                    deferred_watch: Cell::new(false),
                    backlog: Backlog::default(),
                    interrupted: Cell::new(false),
                    counted: Cell::new(counted),
                    counted_slice: Cell::new((0, 0)),
                    turns: Turns::new(shuffle.then_some(seed)),
                },
                local,
            }),
        }))
    }

    /// For a word that keeps the token by its address.
    #[inline]
    pub(crate) fn into_raw(self) -> *mut Processor<E> {
        Arc::into_raw(self.0).cast_mut()
    }

    /// The token again.
    ///
    /// # Safety
    /// The address came from [`OwnedProcessor::into_raw`] and is used once.
    #[inline]
    pub(crate) unsafe fn from_raw(raw: *mut Processor<E>) -> OwnedProcessor<E> {
        // SAFETY: by the contract.
        OwnedProcessor(unsafe { Arc::from_raw(raw) })
    }

    /// The owner's cells.
    #[inline]
    pub(crate) fn cells(&self) -> &OwnerCells<E> {
        // SAFETY: we are the owner (INVARIANT), and only `local` is ever borrowed mutably.
        unsafe { &(*self.0.owned.get()).shared_by_context }
    }

    /// The engine's part.
    #[inline]
    pub(crate) fn local(&mut self) -> &mut E::PerProcessor {
        // SAFETY: we are the owner, and `&mut self` lasts as long as the borrow.
        unsafe { &mut (*self.0.owned.get()).local }
    }

    /// The engine's part and all the rest, at once.
    #[inline]
    pub(crate) fn split(&mut self) -> (&mut E::PerProcessor, &Processor<E>, &OwnerCells<E>) {
        // SAFETY: we are the owner, and `&mut self` lasts as long as the borrows.
        let local = unsafe { &mut (*self.0.owned.get()).local };
        // SAFETY: the cells are a different field than `local`; shared only.
        let cells = unsafe { &(*self.0.owned.get()).shared_by_context };
        (local, &self.0, cells)
    }

    /// Gives the processor up for the time of a blocking call.
    #[inline]
    pub(crate) fn enter_blocking(self) -> BlockedProcessor<E> {
        let ticket = self.0.word.enter_blocking();
        BlockedProcessor {
            processor: self.0,
            ticket,
        }
    }

    #[inline]
    pub(crate) fn set_status(&self, status: ProcessorStatus) {
        self.0.word.set(status);
    }
}

/// A processor whose machine is in a blocking call.
#[must_use]
pub(crate) struct BlockedProcessor<E: Engine> {
    processor: Arc<Processor<E>>,
    ticket: BlockingTicket,
}

impl<E: Engine> BlockedProcessor<E> {
    /// Takes the processor back, unless somebody has it.
    #[inline]
    pub(crate) fn try_leave(self) -> Option<OwnedProcessor<E>> {
        self.processor
            .word
            .try_leave(self.ticket)
            .then_some(OwnedProcessor(self.processor))
    }

    /// Takes the processor back, as another's would.
    pub(crate) fn try_retake(&self) -> Option<OwnedProcessor<E>> {
        self.processor.try_retake(self.ticket)
    }
}

/// The word the interpreter compares its frame pointer with.
pub(crate) type LimitAtomic = StdAtomicUsize;
