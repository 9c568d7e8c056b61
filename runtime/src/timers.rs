//! Timers: a heap per processor.
//!
//! 1. A timer is put into the heap of the processor on which it is armed. `earliest` tells everybody when that heap is due next.
//! 2. Whoever looks for work on that processor fires what is due; thieves and sysmon look after the heaps of processors
//!    that are busy or idle.
//! 3. A [`Timer`] that is stopped or reset stays in the heap as a corpse: its generation is over, so it does nothing
//!    when it comes up. When corpses are many the heap is swept.
//! 4. An engine that starts a goroutine for each tick says so ([`Fired::UnderWay`]). The timer's next ticks are dropped then until that one has
//!    been dealt with ([`Timer::dealt_with`]): a program that is slower than its ticker would drown in goroutines otherwise.
//! 5. Firing, stopping and resetting one timer exclude each other by the timer's own lock, so that after `stop` nothing of it
//!    happens any more.
//!
//! INVARIANT: an entry keeps its timer's memory alive by its payload, which the collector traces, corpse or not.
//!
//! Order of locks: a timer's word lock, then a heap's mutex. Nothing is fired under a heap's mutex.
//!
//! GO: time.go `timers`, `timer.modify`, `timers.run`, `siftup`.

use std::ptr::NonNull;

use crate::{
    clock::{NEVER, Nanos},
    context::Context,
    descriptor::DeadlineEntry,
    engine::{Engine, Fired},
    goroutine::GoroutineRef,
    lock_rank::{Rank, RankedMutex},
    processor::OwnedProcessor,
    scheduler::Shared,
    sync::{AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    wait_queue::WordLock,
};

/// A timer that can be stopped and reset; lies inside a heap object like [`crate::Channel`]: zeroed memory is a timer
/// that is not armed. 16 bytes, aligned to 8. While it is armed its payload is a root of the collector; the payload
/// must keep the object alive in which the timer lies.
#[repr(C)]
pub struct Timer<E: Engine> {
    lock: WordLock,
    /// The processor in whose heap it lies, and [`UNDER_WAY`].
    processor: AtomicU32,
    /// Counts settings. Odd: armed.
    generation: AtomicU64,
    _marker: std::marker::PhantomData<fn() -> E>,
}

/// A bit of `Timer::processor`: the engine is still at the last tick.
const UNDER_WAY: u32 = 1 << 31;

impl<E: Engine> Timer<E> {
    /// A timer that is not armed.
    #[must_use]
    pub fn new() -> Timer<E> {
        Timer {
            lock: WordLock::new(),
            processor: AtomicU32::new(0),
            generation: AtomicU64::new(0),
            _marker: std::marker::PhantomData,
        }
    }

    /// Whether it is armed; a snapshot.
    pub fn is_armed(&self) -> bool {
        // ORDERING: Relaxed; a snapshot.
        self.generation.load(Ordering::Relaxed) % 2 == 1
    }

    /// Arms the timer (again): due at `when` (on the clock of [`Context::now`]), then every `period` nanoseconds when
    /// that is not 0 (but see [`Timer::dealt_with`]). Answers whether it was armed. `settle` runs under the timer's lock after the old setting is undone and before the
    /// new one counts: the place to drain its channel (Go 1.23's rule that no stale value is received after
    /// Stop or Reset).
    pub fn reset(
        &self,
        context: &Context<'_, E>,
        when: Nanos,
        period: Nanos,
        payload: E::TimerPayload,
        settle: impl FnOnce(),
    ) -> bool {
        let held = self.lock.lock();
        // ORDERING: Relaxed, here and below; under the lock. Sweepers read it without, and may be late.
        let generation = self.generation.load(Ordering::Relaxed);
        let was_armed = generation % 2 == 1;
        if was_armed {
            self.mourn(context);
        }
        settle();
        let generation = (generation | 1) + if was_armed { 2 } else { 0 };
        self.generation.store(generation, Ordering::Relaxed);
        let processor = context.processor();
        // ORDERING: Relaxed; under the lock. A tick of the old setting that is under way does not count for the new one.
        self.processor
            .store(processor.index as u32, Ordering::Relaxed);
        let fire = Fire {
            timer: NonNull::from(self),
            generation,
            period: period.max(0),
            payload,
        };
        processor.timers.add(when.max(1), Action::Fire(fire));
        drop(held);
        context.timer_added(when);
        was_armed
    }

    /// Disarms the timer. Answers whether it was armed. `settle` as in [`Timer::reset`].
    pub fn stop(&self, context: &Context<'_, E>, settle: impl FnOnce()) -> bool {
        let _held = self.lock.lock();
        // ORDERING: Relaxed; under the lock.
        let generation = self.generation.load(Ordering::Relaxed);
        let was_armed = generation % 2 == 1;
        if was_armed {
            self.generation.store(generation + 1, Ordering::Relaxed);
            self.mourn(context);
        }
        settle();
        was_armed
    }

    /// The engine has dealt with a tick of which it said that it was under way: the timer ticks again. That it was a tick of an
    /// earlier setting does no harm.
    pub fn dealt_with(&self) {
        let _held = self.lock.lock();
        // ORDERING: Relaxed; under the lock.
        let processor = self.processor.load(Ordering::Relaxed);
        self.processor
            .store(processor & !UNDER_WAY, Ordering::Relaxed);
    }

    /// Counts a corpse where the timer's entry lies.
    fn mourn(&self, context: &Context<'_, E>) {
        // ORDERING: Relaxed; under the lock.
        let index = (self.processor.load(Ordering::Relaxed) & !UNDER_WAY) as usize;
        if let Some(processor) = context.shared().processor(index) {
            processor.timers.mourn();
        }
    }
}

impl<E: Engine> Default for Timer<E> {
    fn default() -> Timer<E> {
        Timer::new()
    }
}

/// What is to happen.
pub(crate) enum Action<E: Engine> {
    /// A sleeper wakes.
    Wake(GoroutineRef<E>),
    /// A timer fires.
    Fire(Fire<E>),
    /// A descriptor's deadline passes.
    Deadline(DeadlineEntry<E>),
}

/// One setting of a timer.
pub(crate) struct Fire<E: Engine> {
    timer: NonNull<Timer<E>>,
    generation: u64,
    period: Nanos,
    payload: E::TimerPayload,
}

// SAFETY: the pointer names a `Sync` timer that lives as long as the entry (INVARIANT); the payload is `Send`.
unsafe impl<E: Engine> Send for Fire<E> {}

impl<E: Engine> Fire<E> {
    fn timer(&self) -> &Timer<E> {
        // SAFETY: the timer lives as long as the entry (INVARIANT).
        unsafe { self.timer.as_ref() }
    }

    fn is_corpse(&self) -> bool {
        // ORDERING: Relaxed; the decision falls under the timer's lock.
        self.timer().generation.load(Ordering::Relaxed) != self.generation
    }
}

struct Entry<E: Engine> {
    when: Nanos,
    /// Among equals the first armed fires first.
    sequence: u64,
    action: Action<E>,
}

impl<E: Engine> Entry<E> {
    fn key(&self) -> (Nanos, u64) {
        (self.when, self.sequence)
    }
}

/// A 4-ary heap: flatter than a binary one, and the children of a node lie together.
struct TimerHeap<E: Engine> {
    entries: Vec<Entry<E>>,
    sequence: u64,
}

const ARITY: usize = 4;

impl<E: Engine> TimerHeap<E> {
    fn push(&mut self, when: Nanos, action: Action<E>) {
        self.sequence += 1;
        self.entries.push(Entry {
            when,
            sequence: self.sequence,
            action,
        });
        self.sift_up(self.entries.len() - 1);
    }

    fn pop(&mut self) -> Option<Entry<E>> {
        let last = self.entries.len().checked_sub(1)?;
        self.entries.swap(0, last);
        let entry = self.entries.pop();
        self.sift_down(0);
        entry
    }

    fn sift_up(&mut self, mut at: usize) {
        while at > 0 {
            let parent = (at - 1) / ARITY;
            if self.entries[parent].key() <= self.entries[at].key() {
                return;
            }
            self.entries.swap(parent, at);
            at = parent;
        }
    }

    fn sift_down(&mut self, mut at: usize) {
        loop {
            let first = at * ARITY + 1;
            let end = (first + ARITY).min(self.entries.len());
            let Some(least) = (first..end).min_by_key(|&child| self.entries[child].key()) else {
                return;
            };
            if self.entries[at].key() <= self.entries[least].key() {
                return;
            }
            self.entries.swap(at, least);
            at = least;
        }
    }

    fn earliest(&self) -> Nanos {
        self.entries.first().map_or(NEVER, |entry| entry.when)
    }

    fn sweep(&mut self) {
        self.entries.retain(|entry| match &entry.action {
            Action::Wake(_) => true,
            Action::Fire(fire) => !fire.is_corpse(),
            Action::Deadline(deadline) => !deadline.is_corpse(),
        });
        for at in (0..self.entries.len() / ARITY + 1).rev() {
            self.sift_down(at);
        }
    }
}

/// The timers of one processor.
pub(crate) struct Timers<E: Engine> {
    heap: RankedMutex<TimerHeap<E>>,
    /// When the first is due; [`NEVER`] when there is none.
    earliest: AtomicI64,
    corpses: AtomicUsize,
}

/// How many due entries are taken under one lock.
const BATCH: usize = 16;

impl<E: Engine> Timers<E> {
    pub(crate) fn new() -> Timers<E> {
        Timers {
            heap: RankedMutex::new(
                Rank::Timers,
                TimerHeap {
                    entries: Vec::new(),
                    sequence: 0,
                },
            ),
            earliest: AtomicI64::new(NEVER),
            corpses: AtomicUsize::new(0),
        }
    }

    /// When the first is due.
    #[inline]
    pub(crate) fn earliest(&self) -> Nanos {
        // ORDERING: Acquire. Pairs with the release in `publish`.
        self.earliest.load(Ordering::Acquire)
    }

    fn publish(&self, heap: &TimerHeap<E>) {
        // ORDERING: Release. Pairs with `earliest`: who sees a time finds an entry for it.
        self.earliest.store(heap.earliest(), Ordering::Release);
    }

    pub(crate) fn add(&self, when: Nanos, action: Action<E>) {
        let mut heap = self.heap.lock();
        // ORDERING: Relaxed; a heuristic.
        let corpses = self.corpses.load(Ordering::Relaxed);
        if corpses > 32 && corpses > heap.entries.len() / 4 {
            heap.sweep();
            self.corpses.store(0, Ordering::Relaxed);
        }
        heap.push(when, action);
        self.publish(&heap);
    }

    /// Bytes that the list takes anew, beside what it has, when one more timer is armed.
    pub(crate) fn growth(&self) -> usize {
        let heap = self.heap.lock();
        let entries = heap.entries.len();
        match entries < heap.entries.capacity() {
            true => 0,
            false => (2 * entries).max(4) * size_of::<Entry<E>>(),
        }
    }

    /// Counts a corpse among the entries.
    pub(crate) fn mourn(&self) {
        // ORDERING: Relaxed; a heuristic.
        self.corpses.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there are, corpses included.
    pub(crate) fn len(&self) -> usize {
        self.heap.lock().entries.len()
    }

    /// Drops all corpses; answers whether live ones are left.
    pub(crate) fn sweep(&self) -> bool {
        let mut heap = self.heap.lock();
        heap.sweep();
        // ORDERING: Relaxed; a heuristic.
        self.corpses.store(0, Ordering::Relaxed);
        self.publish(&heap);
        !heap.entries.is_empty()
    }

    /// Forgets that a sleeper is to be woken. The world is stopped.
    pub(crate) fn forget_sleeper(&self, sleeper: GoroutineRef<E>) {
        let mut heap = self.heap.lock();
        heap.entries.retain(
            |entry| !matches!(&entry.action, Action::Wake(other) if other.raw() == sleeper.raw()),
        );
        heap.sweep();
        self.publish(&heap);
    }

    /// Takes up to [`BATCH`] entries that are due.
    fn take_due(&self, now: Nanos) -> smallvec::SmallVec<[(Nanos, Action<E>); BATCH]> {
        let mut due = smallvec::SmallVec::new();
        let mut heap = self.heap.lock();
        while due.len() < BATCH && heap.earliest() <= now {
            let Some(entry) = heap.pop() else { break };
            due.push((entry.when, entry.action));
        }
        self.publish(&heap);
        due
    }

    /// Moves everything to another processor's heap.
    pub(crate) fn move_to(&self, other: &Timers<E>) {
        let entries = {
            let mut heap = self.heap.lock();
            let entries = std::mem::take(&mut heap.entries);
            self.publish(&heap);
            entries
        };
        let mut heap = other.heap.lock();
        for entry in entries {
            heap.push(entry.when, entry.action);
        }
        other.publish(&heap);
    }

    /// Visits the payloads. The world is stopped.
    pub(crate) fn for_each_payload(&self, visit: &mut impl FnMut(&mut E::TimerPayload)) {
        for entry in &mut self.heap.lock().entries {
            if let Action::Fire(fire) = &mut entry.action {
                visit(&mut fire.payload);
            }
        }
    }
}

impl<E: Engine> OwnedProcessor<E> {
    /// Fires what is due on `of`, a processor of the same scheduler (often this one). Answers whether anything was.
    #[cold]
    pub(crate) fn run_timers(
        &mut self,
        shared: &std::sync::Arc<Shared<E>>,
        of: &Timers<E>,
        now: Nanos,
    ) -> bool {
        let mut any = false;
        loop {
            let due = of.take_due(now);
            if due.is_empty() {
                return any;
            }
            any = true;
            for (when, action) in due {
                self.fire(shared, when, action, now);
            }
        }
    }

    fn fire(
        &mut self,
        shared: &std::sync::Arc<Shared<E>>,
        when: Nanos,
        action: Action<E>,
        now: Nanos,
    ) {
        let (local, processor, cells) = self.split();
        let context = Context::new(shared, processor, cells);
        let fire = match action {
            Action::Wake(goroutine) => {
                context.ready(goroutine);
                return;
            }
            Action::Deadline(deadline) => {
                deadline.fire(&context);
                return;
            }
            Action::Fire(fire) => fire,
        };
        let timer = fire.timer;
        // SAFETY: the timer lives as long as the entry (INVARIANT), and for a timer that is not armed again its object is
        // in the engine's hands from `timer_fired` on, which we are inside of: no collection can come between.
        let timer = unsafe { timer.as_ref() };
        let held = timer.lock.lock();
        if fire.is_corpse() {
            return;
        }
        let payload = fire.payload;
        if fire.period > 0 {
            // The next time on the grid that lies ahead: ticks that were missed are dropped.
            let missed = (now - when).max(0) / fire.period;
            let next = when.saturating_add(fire.period.saturating_mul(missed + 1));
            processor.timers.add(next, Action::Fire(fire));
            // ORDERING: Relaxed, both; under the lock.
            let mut under_way = timer.processor.load(Ordering::Relaxed) & UNDER_WAY;
            if under_way == 0
                && shared.engine().timer_fired(payload, local, &context) == Fired::UnderWay
            {
                under_way = UNDER_WAY;
            }
            timer
                .processor
                .store(processor.index as u32 | under_way, Ordering::Relaxed);
        } else {
            // ORDERING: Relaxed; under the lock.
            timer
                .generation
                .store(fire.generation + 1, Ordering::Relaxed);
            shared.engine().timer_fired(payload, local, &context);
        }
        drop(held);
    }
}
