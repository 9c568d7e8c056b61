//! The run queue of one processor.
//!
//! Its owner pushes and pops; any other machine may steal half of it.
//!
//! 1. The owner writes a slot, then publishes it by storing `tail`.
//! 2. The owner and thieves alike claim entries by advancing `head` with compare-and-swap. A thief reads the slots
//!    *before* it claims them: the owner cannot overwrite a slot that `head` has not passed, so if the claim succeeds what
//!    was read is right.
//! 3. A thief that loses the race for `head` throws away what it read and starts anew.
//! 4. `next` holds the goroutine that was readied last by the running one: it runs next and inherits the rest of
//!    the time slice, so that a pair that talks to each other needs no trip through the ring, and no third starves.
//!
//! INVARIANT: `tail - head <= CAPACITY`; only the owner moves `tail`.
//! INVARIANT: every pointer in here came from `Runnable::into_raw` and leaves exactly once.
//!
//! Rejected: a `Mutex<VecDeque>` (every spawn would contend with thieves), one global queue (no locality).
//!
//! GO: proc.go `runqput`, `runqget`, `runqsteal`, `runqgrab`, `runqputslow`.

use std::{collections::VecDeque, ptr::NonNull};

use crate::{
    engine::Engine,
    goroutine::{Goroutine, Runnable, prefetch},
    sync::{AtomicPtr, AtomicU32, Ordering},
};

/// How many goroutines the ring holds. Tiny under loom, so that models reach the corners.
#[cfg(not(loom))]
pub(crate) const CAPACITY: u32 = 256;
#[cfg(loom)]
pub(crate) const CAPACITY: u32 = 4;

/// The ring itself, over any pointee, so that models need no engine.
pub(crate) struct Ring<T> {
    head: AtomicU32,
    tail: AtomicU32,
    next: AtomicPtr<T>,
    slots: Box<[AtomicPtr<T>]>,
}

impl<T> Ring<T> {
    pub(crate) fn new() -> Ring<T> {
        Ring {
            head: AtomicU32::new(0),
            tail: AtomicU32::new(0),
            next: AtomicPtr::new(std::ptr::null_mut()),
            slots: (0..CAPACITY)
                .map(|_| AtomicPtr::new(std::ptr::null_mut()))
                .collect(),
        }
    }

    fn slot(&self, position: u32) -> &AtomicPtr<T> {
        &self.slots[(position % CAPACITY) as usize]
    }

    /// Makes `entry` the next to run; the one it displaces comes back. Owner only.
    #[inline]
    pub(crate) fn put_next(&self, entry: NonNull<T>) -> Option<NonNull<T>> {
        // ORDERING: AcqRel. Release pairs with the acquire of who takes `next`; a swap, because a thief may take it.
        NonNull::new(self.next.swap(entry.as_ptr(), Ordering::AcqRel))
    }

    /// Takes the next to run. Owner only.
    #[inline]
    pub(crate) fn take_next(&self) -> Option<NonNull<T>> {
        // ORDERING: Relaxed. Only the owner sets it to something; if it is null now it stays so.
        if self.next.load(Ordering::Relaxed).is_null() {
            return None;
        }
        // ORDERING: Acquire. Pairs with `put_next`, though the owner did that itself.
        NonNull::new(self.next.swap(std::ptr::null_mut(), Ordering::Acquire))
    }

    /// What stands, or stood once, in a slot so far from the oldest.
    #[inline]
    fn peek(&self, distance: u32) -> *const T {
        // ORDERING: Relaxed, both; a hint.
        let head = self.head.load(Ordering::Relaxed);
        self.slot(head.wrapping_add(distance))
            .load(Ordering::Relaxed)
    }

    /// What is to run next, as a bare address.
    pub(crate) fn peek_next(&self) -> *const T {
        // ORDERING: Relaxed; compared only.
        self.next.load(Ordering::Relaxed)
    }

    /// Appends `entry`. A full ring gives half of its entries and the new one to `overflow`. Owner only.
    #[inline]
    pub(crate) fn push(&self, entry: NonNull<T>, overflow: impl FnMut(NonNull<T>)) {
        if !self.push_if_room(entry) {
            self.push_slowly(entry, overflow);
        }
    }

    /// Answers whether there was room.
    #[inline]
    fn push_if_room(&self, entry: NonNull<T>) -> bool {
        // ORDERING: Acquire. Pairs with the release of a claim: the thief has read the slot we are going to reuse.
        let head = self.head.load(Ordering::Acquire);
        // ORDERING: Relaxed; only the owner writes it.
        let tail = self.tail.load(Ordering::Relaxed);
        if tail.wrapping_sub(head) == CAPACITY {
            return false;
        }
        // ORDERING: Relaxed; published by the store of `tail`.
        self.slot(tail).store(entry.as_ptr(), Ordering::Relaxed);
        // ORDERING: Release. Pairs with the acquire of `tail` by thieves.
        self.tail.store(tail.wrapping_add(1), Ordering::Release);
        true
    }

    #[cold]
    fn push_slowly(&self, entry: NonNull<T>, mut overflow: impl FnMut(NonNull<T>)) {
        const HALF: u32 = CAPACITY / 2;
        loop {
            // ORDERING: Acquire, as in `push_if_room`.
            let head = self.head.load(Ordering::Acquire);
            let mut taken = [std::ptr::null_mut(); HALF as usize];
            for (slot, i) in taken.iter_mut().zip(0..) {
                // ORDERING: Relaxed; the owner wrote them itself.
                *slot = self.slot(head.wrapping_add(i)).load(Ordering::Relaxed);
            }
            // ORDERING: Relaxed; only the owner writes it.
            let is_full = self.tail.load(Ordering::Relaxed).wrapping_sub(head) == CAPACITY;
            // ORDERING: Release, as in `pop`.
            let claimed = is_full
                && self
                    .head
                    .compare_exchange(
                        head,
                        head.wrapping_add(HALF),
                        Ordering::Release,
                        Ordering::Relaxed,
                    )
                    .is_ok();
            if claimed {
                for raw in taken {
                    overflow(NonNull::new(raw).expect("slots below tail are written"));
                }
                overflow(entry);
                return;
            }
            // A thief was faster, so there may be room now.
            if self.push_if_room(entry) {
                return;
            }
        }
    }

    /// Takes the oldest entry of the ring. Owner only.
    #[inline]
    pub(crate) fn pop(&self) -> Option<NonNull<T>> {
        loop {
            // ORDERING: Acquire. Pairs with the claims of thieves.
            let head = self.head.load(Ordering::Acquire);
            // ORDERING: Relaxed; only the owner writes it.
            if head == self.tail.load(Ordering::Relaxed) {
                return None;
            }
            // ORDERING: Relaxed; the owner wrote it itself.
            let entry = self.slot(head).load(Ordering::Relaxed);
            // ORDERING: Release. Pairs with the acquire of `head` in `push`.
            if self
                .head
                .compare_exchange(
                    head,
                    head.wrapping_add(1),
                    Ordering::Release,
                    Ordering::Relaxed,
                )
                .is_ok()
            {
                return NonNull::new(entry);
            }
        }
    }

    /// How many entries, `next` included. A snapshot.
    pub(crate) fn len(&self) -> u32 {
        // ORDERING: Acquire, so that `tail` is not older than `head` by more than what moved meanwhile.
        let head = self.head.load(Ordering::Acquire);
        let ring = self
            .tail
            .load(Ordering::Acquire)
            .wrapping_sub(head)
            .min(CAPACITY);
        ring + u32::from(!self.next.load(Ordering::Acquire).is_null())
    }

    /// Whether nothing is in here. Exact in the sense that an entry which was here during the whole call is seen.
    pub(crate) fn is_empty(&self) -> bool {
        loop {
            // ORDERING: Acquire, all three; `tail` is read again because an entry kicked out of `next` into the
            // ring between the first two loads would be missed (proc.go `runqempty`).
            let head = self.head.load(Ordering::Acquire);
            let tail = self.tail.load(Ordering::Acquire);
            let next = self.next.load(Ordering::Acquire);
            if tail == self.tail.load(Ordering::Acquire) {
                return head == tail && next.is_null();
            }
        }
    }

    /// Moves half of this ring into `to`, the thief's own empty ring; answers one of them to run. `next` is taken only
    /// when the ring is empty and `also_next` says so.
    pub(crate) fn steal_into(&self, to: &Ring<T>, also_next: bool) -> Option<NonNull<T>> {
        loop {
            // ORDERING: Acquire. Pairs with other claims.
            let head = self.head.load(Ordering::Acquire);
            // ORDERING: Acquire. Pairs with the release in `push`: the slots below `tail` are written.
            let tail = self.tail.load(Ordering::Acquire);
            let length = tail.wrapping_sub(head);
            let count = length - length / 2;
            if count == 0 {
                if !also_next {
                    return None;
                }
                // ORDERING: Acquire. Pairs with `put_next`.
                return NonNull::new(self.next.swap(std::ptr::null_mut(), Ordering::Acquire));
            }
            if count > CAPACITY / 2 {
                // `head` and `tail` were read at different times.
                continue;
            }
            // ORDERING: Relaxed; `to` is ours.
            let to_tail = to.tail.load(Ordering::Relaxed);
            for i in 0..count {
                // ORDERING: Relaxed. Published to us by `tail`; garbage if the claim below fails.
                let entry = self.slot(head.wrapping_add(i)).load(Ordering::Relaxed);
                to.slot(to_tail.wrapping_add(i))
                    .store(entry, Ordering::Relaxed);
            }
            // ORDERING: Release. Pairs with the acquire of `head` in `push`: we have read the slots.
            if self
                .head
                .compare_exchange(
                    head,
                    head.wrapping_add(count),
                    Ordering::Release,
                    Ordering::Relaxed,
                )
                .is_err()
            {
                continue;
            }
            let count = count - 1;
            // ORDERING: Relaxed; ours.
            let entry = to.slot(to_tail.wrapping_add(count)).load(Ordering::Relaxed);
            // ORDERING: Release, as in `push`.
            to.tail
                .store(to_tail.wrapping_add(count), Ordering::Release);
            return NonNull::new(entry);
        }
    }
}

/// A processor's run queue.
pub(crate) struct RunQueue<E: Engine>(Ring<Goroutine<E>>);

impl<E: Engine> RunQueue<E> {
    pub(crate) fn new() -> RunQueue<E> {
        RunQueue(Ring::new())
    }

    /// Makes `runnable` the next to run; the one it displaces comes back. Owner only.
    #[inline]
    pub(crate) fn put_next(&self, runnable: Runnable<E>) -> Option<Runnable<E>> {
        self.0.put_next(runnable.into_raw()).map(Runnable::from_raw)
    }

    /// Takes the next to run. Owner only.
    #[inline]
    pub(crate) fn take_next(&self) -> Option<Runnable<E>> {
        self.0.take_next().map(Runnable::from_raw)
    }

    /// Appends; half of a full ring comes back, for the global queue. Owner only.
    #[inline]
    pub(crate) fn push(&self, runnable: Runnable<E>) -> Option<List<E>> {
        let mut list = List::default();
        self.0.push(runnable.into_raw(), |raw| list.push_back(raw));
        (list.len() != 0).then_some(list)
    }

    /// Takes the oldest of the ring. Owner only.
    #[inline]
    pub(crate) fn pop(&self) -> Option<Runnable<E>> {
        let oldest = self.0.pop().map(Runnable::from_raw);
        // PERF: of many thousand goroutines that wait their turn none is in a cache. What the next two need is fetched while this one runs.
        let (next, later) = (self.0.peek(0), self.0.peek(1));
        prefetch(later.cast());
        // SAFETY: what stands in a slot is a goroutine, queued or not any more; goroutines live as long as their scheduler.
        if let Some(next) = unsafe { next.as_ref() } {
            next.prefetch_fiber();
        }
        oldest
    }

    /// Steals half of this queue into `to`, the thief's own.
    pub(crate) fn steal_into(&self, to: &RunQueue<E>, also_next: bool) -> Option<Runnable<E>> {
        self.0.steal_into(&to.0, also_next).map(Runnable::from_raw)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn peek_next(&self) -> *const Goroutine<E> {
        self.0.peek_next()
    }

    pub(crate) fn len(&self) -> u32 {
        self.0.len()
    }
}

/// Goroutines in order: the global queue, the free lists.
///
/// Their addresses stand side by side: to hand on hundreds of goroutines none of them is touched. (A list through links in them would wait
/// for main memory at each that has been out of the caches, one after the other.)
pub(crate) struct List<E: Engine>(VecDeque<NonNull<Goroutine<E>>>);

// SAFETY: the list owns its goroutines, which may move between threads.
unsafe impl<E: Engine> Send for List<E> {}

impl<E: Engine> Default for List<E> {
    fn default() -> List<E> {
        List(VecDeque::new())
    }
}

/// A list with room for more gives it back when it is empty.
const KEPT_ROOM: usize = 4096;

impl<E: Engine> List<E> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    pub(crate) fn push_back(&mut self, raw: NonNull<Goroutine<E>>) {
        self.0.push_back(raw);
    }

    #[inline]
    pub(crate) fn push_front(&mut self, raw: NonNull<Goroutine<E>>) {
        self.0.push_front(raw);
    }

    #[inline]
    pub(crate) fn pop_front(&mut self) -> Option<NonNull<Goroutine<E>>> {
        let raw = self.0.pop_front()?;
        if self.0.is_empty() && self.0.capacity() > KEPT_ROOM {
            self.0 = VecDeque::new();
        }
        Some(raw)
    }

    /// The first one.
    #[inline]
    pub(crate) fn peek_front(&self) -> Option<NonNull<Goroutine<E>>> {
        self.0.front().copied()
    }

    /// All of them, by address.
    pub(crate) fn into_sorted(self) -> Vec<NonNull<Goroutine<E>>> {
        let mut all = Vec::from(self.0);
        all.sort_unstable();
        all
    }

    /// Appends all of `other`.
    pub(crate) fn append(&mut self, mut other: List<E>) {
        self.0.append(&mut other.0);
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use loom::{sync::Arc, thread};

    /// Entries are never followed, so any non-null addresses will do.
    fn entry(number: usize) -> NonNull<u8> {
        NonNull::without_provenance(std::num::NonZero::new(number).expect("numbers begin at 1"))
    }

    fn drain(ring: &Ring<u8>, seen: &mut Vec<usize>) {
        while let Some(got) = ring.take_next().or_else(|| ring.pop()) {
            seen.push(got.addr().get());
        }
    }

    fn check(mut seen: Vec<usize>, expected: usize) {
        seen.sort_unstable();
        assert_eq!(
            seen,
            (1..=expected).collect::<Vec<_>>(),
            "each exactly once"
        );
    }

    fn thief(ring: &Arc<Ring<u8>>, also_next: bool) -> thread::JoinHandle<Vec<usize>> {
        let ring = Arc::clone(ring);
        thread::spawn(move || {
            let own = Ring::new();
            let mut seen = Vec::new();
            if let Some(got) = ring.steal_into(&own, also_next) {
                seen.push(got.addr().get());
            }
            drain(&own, &mut seen);
            seen
        })
    }

    #[test]
    fn loom_an_entry_is_popped_or_stolen_exactly_once() {
        loom::model(|| {
            let ring = Arc::new(Ring::new());
            ring.push(entry(1), |_| ());
            ring.push(entry(2), |_| ());
            let thief = thief(&ring, false);
            ring.push(entry(3), |_| ());
            let mut seen = Vec::new();
            drain(&ring, &mut seen);
            seen.extend(thief.join().unwrap());
            check(seen, 3);
        });
    }

    #[test]
    fn loom_slots_are_not_reused_before_they_are_read() {
        loom::model(|| {
            let ring = Arc::new(Ring::new());
            for i in 1..=4 {
                ring.push(entry(i), |_| panic!("there is room"));
            }
            let thief = thief(&ring, false);
            let mut seen = Vec::new();
            for i in 5..=6 {
                ring.push(entry(i), |raw| seen.push(raw.addr().get()));
            }
            drain(&ring, &mut seen);
            seen.extend(thief.join().unwrap());
            check(seen, 6);
        });
    }

    #[test]
    fn loom_two_thieves_share() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let ring = Arc::new(Ring::new());
            for i in 1..=3 {
                ring.push(entry(i), |_| panic!("there is room"));
            }
            let (first, second) = (thief(&ring, false), thief(&ring, false));
            let mut seen = Vec::new();
            drain(&ring, &mut seen);
            seen.extend(first.join().unwrap());
            seen.extend(second.join().unwrap());
            check(seen, 3);
        });
    }

    #[test]
    fn loom_next_is_taken_once_and_an_empty_queue_is_no_illusion() {
        loom::model(|| {
            let ring = Arc::new(Ring::new());
            assert!(ring.put_next(entry(1)).is_none());
            let thief = thief(&ring, true);
            let watcher = {
                let ring = Arc::clone(&ring);
                thread::spawn(move || ring.is_empty())
            };
            let mut seen = Vec::new();
            // Entry 1 moves from `next` to the ring: whoever looks meanwhile must not see nothing, unless it was stolen.
            if let Some(displaced) = ring.put_next(entry(2)) {
                ring.push(displaced, |_| panic!("there is room"));
            }
            let looked_empty = watcher.join().unwrap();
            let stolen = thief.join().unwrap();
            assert!(
                !looked_empty || !stolen.is_empty(),
                "something was there all the time"
            );
            drain(&ring, &mut seen);
            seen.extend(stolen);
            check(seen, 2);
        });
    }
}
