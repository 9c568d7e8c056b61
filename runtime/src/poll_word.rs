//! One direction of a descriptor: who waits for it, or that it has become ready while nobody did.
//!
//! The word is `NOTHING`, `READY`, or a goroutine that waits.
//!
//! 1. A goroutine *prepares* (forgets an older readiness), tries its system call, and when that would block *enqueues*
//!    itself here. A readiness that came between is found then, and it tries again.
//! 2. After it has enqueued itself it looks at the descriptor's state once more: who closes a descriptor or ends its deadline
//!    first changes the state and then takes the waiter. So one of the two sees the other; a goroutine that sees the new state
//!    *withdraws*, and if that fails somebody has taken it and will wake it.
//! 3. Whoever takes the waiter out wakes it; the word is a swap, so only one does.
//!
//! A wake-up says only "try again": the goroutine looks at the state and repeats its call.
//!
//! INVARIANT: at most one goroutine waits in one direction; package net's locks see to it, [`Enqueued::Busy`] says when not.
//!
//! GO: netpoll.go `pollDesc.rg`, `netpollblock`, `netpollunblock` (whose `pdWait` the goroutine's own status replaces here).

use std::ptr::NonNull;

use crate::sync::{AtomicPtr, Ordering};

/// The word, over any pointee, so that models need no engine.
pub(crate) struct PollWord<T>(AtomicPtr<T>);

/// What enqueueing did.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Enqueued {
    /// It waits here: look at the state once more, then park.
    Waits,
    /// The direction has become ready meanwhile: try again.
    Ready,
    /// Another goroutine waits here.
    Busy,
}

fn ready<T>() -> *mut T {
    // No goroutine lies at this address.
    std::ptr::without_provenance_mut(1)
}

impl<T> PollWord<T> {
    pub(crate) fn new() -> PollWord<T> {
        PollWord(AtomicPtr::new(std::ptr::null_mut()))
    }

    /// ORDERING of all steps below: SeqCst. The word pairs with the descriptor's state (protocol, point 2): enqueue, then read the
    /// state; change the state, then take the waiter.
    fn step(&self, from: *mut T, to: *mut T) -> Result<*mut T, *mut T> {
        // ORDERING: SeqCst, as above.
        self.0
            .compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst)
    }

    /// Forgets a readiness of before. For the goroutine that is about to try.
    pub(crate) fn prepare(&self) {
        // Fails when there is nothing to forget.
        let _ = self.step(ready(), std::ptr::null_mut());
    }

    /// Enqueues a goroutine.
    pub(crate) fn enqueue(&self, waiter: NonNull<T>) -> Enqueued {
        loop {
            match self.step(std::ptr::null_mut(), waiter.as_ptr()) {
                Ok(_) => return Enqueued::Waits,
                Err(now) if now == ready() => {
                    if self.step(now, std::ptr::null_mut()).is_ok() {
                        return Enqueued::Ready;
                    }
                }
                // Taken between our two looks.
                Err(now) if now.is_null() => {}
                Err(_) => return Enqueued::Busy,
            }
        }
    }

    /// Takes a goroutine out that has just enqueued itself; `false`: somebody has, and wakes it.
    pub(crate) fn withdraw(&self, waiter: NonNull<T>) -> bool {
        self.step(waiter.as_ptr(), std::ptr::null_mut()).is_ok()
    }

    /// The system says that the direction is ready: whom the caller must wake.
    pub(crate) fn make_ready(&self) -> Option<NonNull<T>> {
        let mut now: *mut T = std::ptr::null_mut();
        loop {
            let next = if now.is_null() || now == ready() {
                ready()
            } else {
                std::ptr::null_mut()
            };
            match self.step(now, next) {
                Ok(_) if now == ready() => return None,
                Ok(_) => return NonNull::new(now),
                Err(other) => now = other,
            }
        }
    }

    /// The state has changed: whom the caller must wake.
    pub(crate) fn interrupt(&self) -> Option<NonNull<T>> {
        // ORDERING: SeqCst, as above.
        let mut now = self.0.load(Ordering::SeqCst);
        loop {
            if now.is_null() || now == ready() {
                return None;
            }
            match self.step(now, std::ptr::null_mut()) {
                Ok(_) => return NonNull::new(now),
                Err(other) => now = other,
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_readiness_that_nobody_waited_for_is_found_once() {
        let word = PollWord::<u8>::new();
        let waiter = NonNull::from(&mut 7u8);
        assert_eq!(word.make_ready(), None);
        assert_eq!(word.make_ready(), None);
        assert_eq!(word.enqueue(waiter), Enqueued::Ready);
        assert_eq!(word.enqueue(waiter), Enqueued::Waits);
        assert_eq!(word.enqueue(waiter), Enqueued::Busy);
        assert_eq!(word.make_ready(), Some(waiter));
        assert_eq!(word.interrupt(), None);
        assert_eq!(word.make_ready(), None);
        word.prepare();
        assert_eq!(word.enqueue(waiter), Enqueued::Waits);
        assert!(word.withdraw(waiter));
        assert!(!word.withdraw(waiter));
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::sync::AtomicU32;
    use loom::{sync::Arc, thread};

    const CLOSED: u32 = 1;
    const EXPIRED: u32 = 2;

    struct Side {
        word: PollWord<u8>,
        state: AtomicU32,
        /// What the system call would find.
        data: AtomicU32,
    }

    fn side() -> Arc<Side> {
        Arc::new(Side {
            word: PollWord::new(),
            state: AtomicU32::new(0),
            data: AtomicU32::new(0),
        })
    }

    fn waiter() -> NonNull<u8> {
        NonNull::without_provenance(std::num::NonZero::new(16).expect("not 0"))
    }

    #[derive(PartialEq, Eq, Debug)]
    enum End {
        Data,
        State,
        Parked,
    }

    // A read-modify-write stands for each SeqCst load: loom treats plain SeqCst loads as weaker than they are.
    fn look(word: &AtomicU32) -> u32 {
        word.fetch_add(0, Ordering::SeqCst)
    }

    /// What a goroutine does (descriptor.rs, `attempt`).
    fn read(side: &Side) -> End {
        loop {
            if look(&side.state) != 0 {
                return End::State;
            }
            side.word.prepare();
            if look(&side.data) != 0 {
                return End::Data;
            }
            match side.word.enqueue(waiter()) {
                Enqueued::Ready => continue,
                Enqueued::Busy => panic!("there is one reader"),
                Enqueued::Waits => {}
            }
            if look(&side.state) != 0 && side.word.withdraw(waiter()) {
                return End::State;
            }
            return End::Parked;
        }
    }

    /// A state is set, then the waiter taken.
    fn end(side: &Side, bit: u32) -> bool {
        side.state.fetch_or(bit, Ordering::SeqCst);
        side.word.interrupt().is_some()
    }

    fn event(side: &Side) -> bool {
        side.data.fetch_add(1, Ordering::SeqCst);
        side.word.make_ready().is_some()
    }

    #[test]
    fn loom_a_reader_is_woken_by_an_event_or_sees_the_data() {
        loom::model(|| {
            let side = side();
            let poller = {
                let side = side.clone();
                thread::spawn(move || event(&side))
            };
            let parked = read(&side) == End::Parked;
            assert_eq!(parked, poller.join().unwrap());
        });
    }

    #[test]
    fn loom_a_reader_is_woken_by_close_or_sees_it() {
        loom::model(|| {
            let side = side();
            let closer = {
                let side = side.clone();
                thread::spawn(move || end(&side, CLOSED))
            };
            let parked = read(&side) == End::Parked;
            assert_eq!(parked, closer.join().unwrap());
        });
    }

    #[test]
    fn loom_a_reader_is_woken_once_by_event_deadline_and_close_together() {
        loom::model(|| {
            let side = side();
            let others = [
                {
                    let side = side.clone();
                    thread::spawn(move || event(&side))
                },
                {
                    let side = side.clone();
                    thread::spawn(move || end(&side, EXPIRED))
                },
            ];
            let parked = read(&side) == End::Parked;
            let woken = others
                .into_iter()
                .map(|other| usize::from(other.join().unwrap()))
                .sum::<usize>()
                + usize::from(end(&side, CLOSED));
            assert_eq!(usize::from(parked), woken);
        });
    }

    #[test]
    fn loom_a_stale_readiness_does_not_hide_a_new_one() {
        loom::model(|| {
            let side = side();
            // Of an event whose data was read long ago.
            assert_eq!(side.word.make_ready(), None);
            let poller = {
                let side = side.clone();
                thread::spawn(move || event(&side))
            };
            let parked = read(&side) == End::Parked;
            assert_eq!(parked, poller.join().unwrap());
        });
    }
}
