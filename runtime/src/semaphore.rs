//! Semaphores and notify lists: what package sync is built on.
//!
//! A semaphore is a counter in the script's memory; who waits for it is found in a table of queues by its address.
//!
//! 1. `acquire` decrements the counter if it is positive. Else it announces itself in the bucket's `waiting` count, looks
//!    once more, and enqueues.
//! 2. `release` increments the counter, *then* reads `waiting`. Between the two sides there is a full barrier each way, so
//!    either the releaser sees the waiter or the waiter sees the permit.
//! 3. A releaser that finds a waiter takes the permit back on its behalf and readies it: a waiter that runs again has
//!    its permit. If somebody was faster with the permit, the waiter stays: that somebody will release too.
//!
//! Go lets the woken goroutine compete for the permit once more; sync's own fairness rules work on the mutex word
//! above and do not depend on it.
//!
//! GO: sema.go `semacquire1`, `semrelease1`, `notifyList`.

use std::collections::HashMap;

#[cfg(loom)]
use crate::sync::AtomicU32 as ScriptU32;
#[cfg(not(loom))]
use std::sync::atomic::AtomicU32 as ScriptU32;

use crate::{
    context::{Context, Slice},
    engine::Engine,
    goroutine::{GoroutineRef, WaitsAt},
    sync::{AtomicU32, Mutex, MutexGuard, Ordering, fence},
    wait_queue::{WaitQueue, Waits, WordLock},
};

/// What an acquire did.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcquireResult {
    /// The permit is taken.
    Done,
    /// The goroutine is enqueued: return `Switch::Park(reason)`. When it runs again it *has* the permit.
    Parked,
}

/// What a release did.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseResult {
    /// Go on.
    Done,
    /// `handoff` was asked for and a waiter has the permit: return `Switch::Yield`, so that it runs at once.
    YieldToWaiter,
}

/// How many buckets the table has; a prime, as in Go, so that addresses with common factors spread.
const BUCKETS: usize = if cfg!(loom) { 1 } else { 61 };

/// The queues of a scheduler's semaphores.
pub(crate) struct SemaphoreTable<E: Engine> {
    buckets: Box<[Bucket<E>]>,
}

struct Bucket<E: Engine> {
    /// How many goroutines wait here, or are about to.
    waiting: AtomicU32,
    /// INVARIANT: a queue in the map is not empty.
    queues: Mutex<HashMap<usize, Queue<E>>>,
}

/// The waiters of one address. The lock inside is never contended: the bucket's mutex is held. It is what
/// `WaitQueue` wants to see.
struct Queue<E: Engine> {
    waiters: WaitQueue<E>,
    lock: WordLock,
}

impl<E: Engine> SemaphoreTable<E> {
    pub(crate) fn new() -> SemaphoreTable<E> {
        let bucket = |_| Bucket {
            waiting: AtomicU32::new(0),
            queues: Mutex::new(HashMap::new()),
        };
        SemaphoreTable {
            buckets: (0..BUCKETS).map(bucket).collect(),
        }
    }

    fn bucket(&self, key: usize) -> &Bucket<E> {
        &self.buckets[(key >> 3) % BUCKETS]
    }

    /// Takes a goroutine out that waits at a semaphore, without a permit. The world is stopped.
    pub(crate) fn withdraw(&self, goroutine: GoroutineRef<E>) {
        let waiter = goroutine.waiter();
        let key = waiter.key().addr();
        let bucket = self.bucket(key);
        let mut queues = bucket.lock();
        let queue = queues
            .get(&key)
            .expect("who waits at a semaphore is in its queue");
        queue.waiters.remove(waiter, &queue.lock.lock());
        if queue.waiters.looks_empty() {
            queues.remove(&key);
        }
        // ORDERING: SeqCst, as all accesses of `waiting`.
        bucket.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<E: Engine> Bucket<E> {
    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Queue<E>>> {
        self.queues
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes a permit on behalf of the longest waiting goroutine of `address` and dequeues that goroutine.
    fn grant(&self, address: &ScriptU32) -> Option<GoroutineRef<E>> {
        let key = key_of(address);
        let mut queues = self.lock();
        let queue = queues.get(&key)?;
        if !try_acquire(address) {
            return None;
        }
        let guard = queue.lock.lock();
        let waiter = queue
            .waiters
            .pop(&guard)
            .expect("a queue in the map is not empty");
        drop(guard);
        if queue.waiters.looks_empty() {
            queues.remove(&key);
        }
        // ORDERING: SeqCst, as all accesses of `waiting`.
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        Some(waiter.complete(E::Transfer::default(), true))
    }
}

fn key_of(address: &ScriptU32) -> usize {
    std::ptr::from_ref(address).addr()
}

fn try_acquire(address: &ScriptU32) -> bool {
    // ORDERING: SeqCst. Pairs with the increment in `release`; see the protocol's point 2.
    let mut permits = address.load(std::sync::atomic::Ordering::SeqCst);
    while permits > 0 {
        match address.compare_exchange_weak(
            permits,
            permits - 1,
            std::sync::atomic::Ordering::SeqCst,
            std::sync::atomic::Ordering::SeqCst,
        ) {
            Ok(_) => return true,
            Err(now) => permits = now,
        }
    }
    false
}

/// `runtime_Semacquire*(address, lifo)`: waits until `*address > 0` and decrements it. `address` lies in memory that
/// does not move and outlives the wait; waiting goroutines are found by it.
pub fn acquire<E: Engine>(slice: &Slice<'_, E>, address: &ScriptU32, lifo: bool) -> AcquireResult {
    if try_acquire(address) {
        return AcquireResult::Done;
    }
    let key = key_of(address);
    let bucket = slice.shared().semaphores.bucket(key);
    let mut queues = bucket.lock();
    // ORDERING: SeqCst. Announce, then look once more: pairs with increment-then-read in `release`.
    bucket.waiting.fetch_add(1, Ordering::SeqCst);
    fence(Ordering::SeqCst);
    if try_acquire(address) {
        bucket.waiting.fetch_sub(1, Ordering::SeqCst);
        return AcquireResult::Done;
    }
    let goroutine = slice.running();
    let waiter = goroutine.waiter();
    waiter.set_up(Waits {
        goroutine,
        key: std::ptr::from_ref(address).cast(),
        transfer: E::Transfer::default(),
        number: 0,
        is_send: false,
        is_select: false,
    });
    goroutine.set_waits_at(WaitsAt::Nothing);
    let queue = queues.entry(key).or_insert_with(|| Queue {
        waiters: WaitQueue::new(),
        lock: WordLock::new(),
    });
    let guard = queue.lock.lock();
    if lifo {
        queue.waiters.push_front(waiter, &guard);
    } else {
        queue.waiters.push_back(waiter, &guard);
    }
    AcquireResult::Parked
}

/// `runtime_Semrelease(address, handoff)`: increments `*address` and wakes one waiter.
pub fn release<E: Engine>(
    context: &Context<'_, E>,
    address: &ScriptU32,
    handoff: bool,
) -> ReleaseResult {
    let bucket = context.shared().semaphores.bucket(key_of(address));
    // ORDERING: SeqCst. Increment, then read `waiting`: pairs with announce-then-look in `acquire`.
    address.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    fence(Ordering::SeqCst);
    if bucket.waiting.load(Ordering::SeqCst) == 0 {
        return ReleaseResult::Done;
    }
    let Some(goroutine) = bucket.grant(address) else {
        return ReleaseResult::Done;
    };
    context.ready(goroutine);
    if handoff {
        ReleaseResult::YieldToWaiter
    } else {
        ReleaseResult::Done
    }
}

/// `sync.notifyList`, for `sync.Cond`; lies inside a heap object like [`crate::Channel`]: zeroed memory is an empty
/// list. 32 bytes, aligned to 8.
///
/// Tickets are handed out by [`NotifyList::add`] before the caller unlocks its mutex, and notified in that order, so that a
/// notification between unlocking and waiting is not lost.
#[repr(C)]
pub struct NotifyList<E: Engine> {
    lock: WordLock,
    /// The next ticket to hand out.
    wait: AtomicU32,
    /// The next ticket to notify; changed under the lock.
    notify: AtomicU32,
    _reserved: u32,
    waiters: WaitQueue<E>,
}

/// Whether ticket `a` is older than `b`; they wrap around.
fn is_before(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() < 0
}

impl<E: Engine> NotifyList<E> {
    /// An empty list.
    #[must_use]
    pub fn new() -> NotifyList<E> {
        NotifyList {
            lock: WordLock::new(),
            wait: AtomicU32::new(0),
            notify: AtomicU32::new(0),
            _reserved: 0,
            waiters: WaitQueue::new(),
        }
    }

    /// `runtime_notifyListAdd`: takes a ticket, before the caller unlocks its mutex.
    pub fn add(&self) -> u32 {
        // ORDERING: SeqCst. Pairs with the look at `wait` in the fast paths of notify; as in Go.
        self.wait.fetch_add(1, Ordering::SeqCst)
    }

    /// `runtime_notifyListWait`: `Done` when the ticket was notified meanwhile, else park with `CondWait`.
    pub fn wait(&self, slice: &Slice<'_, E>, ticket: u32) -> AcquireResult {
        let held = self.lock.lock();
        // ORDERING: Relaxed; under the lock.
        if is_before(ticket, self.notify.load(Ordering::Relaxed)) {
            return AcquireResult::Done;
        }
        let goroutine = slice.running();
        let waiter = goroutine.waiter();
        waiter.set_up(Waits {
            goroutine,
            key: std::ptr::from_ref(self).cast(),
            transfer: E::Transfer::default(),
            number: ticket,
            is_send: false,
            is_select: false,
        });
        goroutine.set_waits_at(WaitsAt::Nothing);
        self.waiters.push_back(waiter, &held);
        AcquireResult::Parked
    }

    /// Whether no ticket is out that was not notified.
    fn nobody_waits(&self) -> bool {
        // ORDERING: SeqCst. Pairs with `add`.
        self.wait.load(Ordering::SeqCst) == self.notify.load(Ordering::SeqCst)
    }

    /// `runtime_notifyListNotifyOne`.
    pub fn notify_one(&self, context: &Context<'_, E>) {
        if self.nobody_waits() {
            return;
        }
        let held = self.lock.lock();
        // ORDERING: SeqCst, Relaxed: under the lock, `wait` apart, which only grows.
        let ticket = self.notify.load(Ordering::Relaxed);
        if ticket == self.wait.load(Ordering::SeqCst) {
            return;
        }
        self.notify.store(ticket.wrapping_add(1), Ordering::SeqCst);
        // The ticket's owner may not have come to wait yet; it will see `notify` then.
        let Some(waiter) = self.waiters.find(&held, |waiter| waiter.number() == ticket) else {
            return;
        };
        self.waiters.remove(waiter, &held);
        let goroutine = waiter.complete(E::Transfer::default(), true);
        drop(held);
        context.ready(goroutine);
    }

    /// `runtime_notifyListNotifyAll`.
    pub fn notify_all(&self, context: &Context<'_, E>) {
        if self.nobody_waits() {
            return;
        }
        let mut held = self.lock.lock();
        // ORDERING: as in `notify_one`.
        let end = self.wait.load(Ordering::SeqCst);
        self.notify.store(end, Ordering::SeqCst);
        // Tickets from `end` on belong to goroutines that came later: they stay. The lock is released for each wake-up.
        while let Some(waiter) = self
            .waiters
            .find(&held, |waiter| is_before(waiter.number(), end))
        {
            self.waiters.remove(waiter, &held);
            let goroutine = waiter.complete(E::Transfer::default(), true);
            drop(held);
            context.ready(goroutine);
            held = self.lock.lock();
        }
    }
}

impl<E: Engine> Default for NotifyList<E> {
    fn default() -> NotifyList<E> {
        NotifyList::new()
    }
}
