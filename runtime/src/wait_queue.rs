//! Queues of waiting goroutines, and the lock word that guards one.
//!
//! A waiter lies in the goroutine that waits (one for plain operations, one per case for select), so waiting allocates
//! nothing, and a queue is two pointers that may lie in collected memory.
//!
//! INVARIANT (lock): a waiter that is `queued` is touched only by who holds the lock of its queue. A waiter that is
//! not queued is touched only by who has its goroutine: the machine that runs it, the waker that dequeued it until it calls
//! `ready`, or the stopped world.
//!
//! INVARIANT (life): a waiter's memory lives as long as the scheduler: goroutines are recycled, never freed, and a
//! select's waiters are replaced only while none is queued.
//!
//! GO: runtime2.go `sudog`, chan.go `waitq`.

use std::{cell::UnsafeCell, ptr::NonNull};

use crate::{
    engine::Engine,
    goroutine::GoroutineRef,
    sync::{AtomicPtr, AtomicU32, Ordering},
};

/// A lock that fits one word of a heap object; zero is unlocked.
///
/// 0 free, 1 held, 2 held and somebody sleeps. Critical sections are some dozen instructions, so a contender first spins;
/// it sleeps only when the holder has lost its processor to another thread.
///
/// PERF: each look takes the cache line, and with it what the lock guards, from the holder. So there are few, far enough apart that who
/// uses a channel all the time gets several operations done between two of them: that is cheaper for both than taking turns.
#[repr(transparent)]
pub(crate) struct WordLock(AtomicU32);

const FREE: u32 = 0;
const HELD: u32 = 1;
const CONTENDED: u32 = 2;

/// How often a contender looks again before it sleeps, and how long it spins before each look. GO: lock_spinbit.go.
const LOOKS: u32 = 5;
const SPINS: u32 = 30;

impl WordLock {
    pub(crate) fn new() -> WordLock {
        WordLock(AtomicU32::new(FREE))
    }

    /// Waits for the lock.
    #[inline]
    pub(crate) fn lock(&self) -> WordGuard<'_> {
        // ORDERING: Acquire. Pairs with the release in `WordGuard::drop`.
        if self
            .0
            .compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            self.lock_slowly();
        }
        WordGuard(self)
    }

    #[cold]
    fn lock_slowly(&self) {
        #[cfg(not(loom))]
        for _ in 0..LOOKS {
            for _ in 0..SPINS {
                std::hint::spin_loop();
            }
            // ORDERING: Relaxed look, then Acquire as in `lock`.
            if self.0.load(Ordering::Relaxed) == FREE
                && self
                    .0
                    .compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
            {
                return;
            }
        }
        #[cfg(loom)]
        let _ = (LOOKS, SPINS);
        // ORDERING: Acquire as in `lock`. From here on we hold it as CONTENDED: whether others sleep is not known.
        while self.0.swap(CONTENDED, Ordering::Acquire) != FREE {
            wait_while(&self.0, CONTENDED);
        }
    }
}

/// The lock of a [`WordLock`], released on drop.
pub(crate) struct WordGuard<'a>(&'a WordLock);

impl Drop for WordGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // ORDERING: Release. Pairs with the acquire of the next holder.
        if self.0.0.swap(FREE, Ordering::Release) == CONTENDED {
            wake_one(&self.0.0);
        }
    }
}

/// Sleeps while `word` is `value`; may return early.
#[cfg(all(target_os = "linux", not(loom), not(miri)))]
fn wait_while(word: &AtomicU32, value: u32) {
    // SAFETY: the address is that of a live atomic, and FUTEX_WAIT only reads it.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            value,
            std::ptr::null::<libc::timespec>(),
        );
    }
}

/// Wakes one sleeper.
#[cfg(all(target_os = "linux", not(loom), not(miri)))]
#[cold]
fn wake_one(word: &AtomicU32) {
    // SAFETY: FUTEX_WAKE uses the address as a key and reads nothing.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
            1,
        );
    }
}

#[cfg(loom)]
fn wait_while(_word: &AtomicU32, _value: u32) {
    loom::thread::yield_now();
}

#[cfg(all(not(loom), any(not(target_os = "linux"), miri)))]
fn wait_while(_word: &AtomicU32, _value: u32) {
    std::thread::yield_now();
}

#[cfg(any(loom, miri, not(target_os = "linux")))]
fn wake_one(_word: &AtomicU32) {}

/// A goroutine's place in one wait queue.
pub(crate) struct Waiter<E: Engine> {
    next: Option<WaiterRef<E>>,
    previous: Option<WaiterRef<E>>,
    goroutine: Option<GoroutineRef<E>>,
    /// The channel it waits at, or the semaphore's address.
    key: *const (),
    transfer: E::Transfer,
    /// Its case in a select, or its ticket in a notify list.
    number: u32,
    queued: bool,
    is_send: bool,
    is_select: bool,
    /// The operation went ahead; false: the channel was closed.
    succeeded: bool,
}

impl<E: Engine> Waiter<E> {
    pub(crate) fn new() -> Waiter<E> {
        Waiter {
            next: None,
            previous: None,
            goroutine: None,
            key: std::ptr::null(),
            transfer: E::Transfer::default(),
            number: 0,
            queued: false,
            is_send: false,
            is_select: false,
            succeeded: false,
        }
    }
}

/// What a waiter is set up with before it is enqueued.
pub(crate) struct Waits<E: Engine> {
    pub(crate) goroutine: GoroutineRef<E>,
    pub(crate) key: *const (),
    pub(crate) transfer: E::Transfer,
    pub(crate) number: u32,
    pub(crate) is_send: bool,
    pub(crate) is_select: bool,
}

/// Names a waiter. Its methods rely on the module's two invariants.
pub(crate) struct WaiterRef<E: Engine>(NonNull<Waiter<E>>);

impl<E: Engine> Clone for WaiterRef<E> {
    fn clone(&self) -> WaiterRef<E> {
        *self
    }
}
impl<E: Engine> Copy for WaiterRef<E> {}

impl<E: Engine> PartialEq for WaiterRef<E> {
    fn eq(&self, other: &WaiterRef<E>) -> bool {
        self.0 == other.0
    }
}

impl<E: Engine> WaiterRef<E> {
    pub(crate) fn new(cell: &UnsafeCell<Waiter<E>>) -> WaiterRef<E> {
        // SAFETY: the address of a live cell is not null.
        WaiterRef(unsafe { NonNull::new_unchecked(cell.get()) })
    }

    /// Runs `f` on the waiter.
    #[inline]
    fn with<R>(self, f: impl FnOnce(&mut Waiter<E>) -> R) -> R {
        // SAFETY: the memory is live (INVARIANT life); whoever calls has the lock or the goroutine (INVARIANT lock), so
        // nobody else touches it meanwhile. `f` never reaches the same waiter a second time: the closures in this file
        // only read and write fields.
        f(unsafe { &mut *self.0.as_ptr() })
    }

    /// Sets it up, before it is enqueued.
    pub(crate) fn set_up(self, waits: Waits<E>) {
        self.with(|w| {
            w.goroutine = Some(waits.goroutine);
            w.key = waits.key;
            w.transfer = waits.transfer;
            w.number = waits.number;
            w.is_send = waits.is_send;
            w.is_select = waits.is_select;
            w.succeeded = false;
        });
    }

    /// Ends its wait: `value` for it, and whether the operation went ahead. Answers whom to wake.
    #[inline]
    pub(crate) fn complete(self, value: E::Transfer, succeeded: bool) -> GoroutineRef<E> {
        self.with(|w| {
            w.transfer = value;
            w.succeeded = succeeded;
            let goroutine = w.goroutine.expect("an enqueued waiter has a goroutine");
            goroutine.set_woken_case(w.number);
            goroutine
        })
    }

    pub(crate) fn transfer(self) -> E::Transfer {
        self.with(|w| w.transfer)
    }

    /// Takes the value out, so that the collector no longer sees it here.
    pub(crate) fn take_transfer(self) -> E::Transfer {
        self.with(|w| std::mem::take(&mut w.transfer))
    }

    pub(crate) fn visit_transfer(self, visit: &mut impl FnMut(&mut E::Transfer)) {
        // Copied out and back, so that `visit` runs without a borrow of the waiter.
        let mut transfer = self.transfer();
        visit(&mut transfer);
        self.with(|w| w.transfer = transfer);
    }

    pub(crate) fn key(self) -> *const () {
        self.with(|w| w.key)
    }

    pub(crate) fn number(self) -> u32 {
        self.with(|w| w.number)
    }

    pub(crate) fn is_send(self) -> bool {
        self.with(|w| w.is_send)
    }

    pub(crate) fn succeeded(self) -> bool {
        self.with(|w| w.succeeded)
    }
}

/// First and last waiter. Zeroed memory is an empty queue.
///
/// Both are changed only under the lock of the queue; they are atomics so that a fast path may look at `first` without.
#[repr(C)]
pub(crate) struct WaitQueue<E: Engine> {
    first: AtomicPtr<Waiter<E>>,
    last: AtomicPtr<Waiter<E>>,
}

impl<E: Engine> WaitQueue<E> {
    pub(crate) fn new() -> WaitQueue<E> {
        WaitQueue {
            first: AtomicPtr::new(std::ptr::null_mut()),
            last: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// A snapshot, without the lock.
    pub(crate) fn looks_empty(&self) -> bool {
        // ORDERING: Relaxed; only a hint, as in Go's fast paths (chan.go `empty`, `full`).
        self.first.load(Ordering::Relaxed).is_null()
    }

    fn first(&self) -> Option<WaiterRef<E>> {
        // ORDERING: Relaxed; the lock is held.
        NonNull::new(self.first.load(Ordering::Relaxed)).map(WaiterRef)
    }

    fn last(&self) -> Option<WaiterRef<E>> {
        // ORDERING: Relaxed; the lock is held.
        NonNull::new(self.last.load(Ordering::Relaxed)).map(WaiterRef)
    }

    fn set_first(&self, waiter: Option<WaiterRef<E>>) {
        // ORDERING: Relaxed; the lock is held.
        self.first.store(
            waiter.map_or(std::ptr::null_mut(), |w| w.0.as_ptr()),
            Ordering::Relaxed,
        );
    }

    fn set_last(&self, waiter: Option<WaiterRef<E>>) {
        // ORDERING: Relaxed; the lock is held.
        self.last.store(
            waiter.map_or(std::ptr::null_mut(), |w| w.0.as_ptr()),
            Ordering::Relaxed,
        );
    }

    /// Appends `waiter`. `_held` shows that the queue's lock is held.
    pub(crate) fn push_back(&self, waiter: WaiterRef<E>, _held: &WordGuard<'_>) {
        let last = self.last();
        waiter.with(|w| {
            w.previous = last;
            w.next = None;
            w.queued = true;
        });
        match last {
            Some(last) => last.with(|w| w.next = Some(waiter)),
            None => self.set_first(Some(waiter)),
        }
        self.set_last(Some(waiter));
    }

    /// Puts `waiter` in front of all.
    pub(crate) fn push_front(&self, waiter: WaiterRef<E>, _held: &WordGuard<'_>) {
        let first = self.first();
        waiter.with(|w| {
            w.previous = None;
            w.next = first;
            w.queued = true;
        });
        match first {
            Some(first) => first.with(|w| w.previous = Some(waiter)),
            None => self.set_last(Some(waiter)),
        }
        self.set_first(Some(waiter));
    }

    /// Takes the longest waiting one that is still to be had: the waiter of a select that another case has won is
    /// dropped on the way.
    #[inline]
    pub(crate) fn pop(&self, held: &WordGuard<'_>) -> Option<WaiterRef<E>> {
        loop {
            let waiter = self.first()?;
            self.remove(waiter, held);
            let (is_select, goroutine) = waiter.with(|w| (w.is_select, w.goroutine));
            if !is_select || goroutine.is_some_and(|g| g.win_select()) {
                return Some(waiter);
            }
        }
    }

    /// Takes `waiter` out, if it is still in.
    pub(crate) fn remove(&self, waiter: WaiterRef<E>, _held: &WordGuard<'_>) {
        let (queued, next, previous) = waiter.with(|w| {
            let was = (w.queued, w.next, w.previous);
            w.queued = false;
            w.next = None;
            w.previous = None;
            was
        });
        if !queued {
            return;
        }
        match next {
            Some(next) => next.with(|w| w.previous = previous),
            None => self.set_last(previous),
        }
        match previous {
            Some(previous) => previous.with(|w| w.next = next),
            None => self.set_first(next),
        }
    }

    /// The first waiter for which `wanted` holds.
    pub(crate) fn find(
        &self,
        _held: &WordGuard<'_>,
        wanted: impl Fn(WaiterRef<E>) -> bool,
    ) -> Option<WaiterRef<E>> {
        let mut at = self.first();
        while let Some(waiter) = at {
            if wanted(waiter) {
                return Some(waiter);
            }
            at = waiter.with(|w| w.next);
        }
        None
    }
}
