//! The status of a goroutine and its few legal steps.
//!
//! ```text
//! Dead -> Runnable -> Running -> Dead
//!            ^           |  \
//!            |           |   `-> Blocking -> Running | Runnable
//!            |           v
//!            +-------- Waiting            (parked; a waker enqueues it)
//!            |           ^
//!            |           |
//!            +-- RunningNotified          (woken before it had parked; its machine enqueues it)
//! ```
//!
//! A goroutine that wants to wait is first enqueued somewhere, then returns to its machine. Between the two a waker may
//! find it while its stack is still in use. So parking is a step that may fail:
//!
//! 1. The waker finds `Running`: it leaves a note (`RunningNotified`) and enqueues nothing.
//! 2. The machine tries `Running -> Waiting`. If the note is there, the machine itself enqueues the goroutine.
//!
//! Each goroutine stands in wait for one wake-up at a time and whoever dequeues it wakes it exactly once, so there are
//! never two wakers.
//!
//! Rejected: Go's unlock function that `gopark` calls after the switch (the lock of a channel would be held over it).
//!
//! GO: runtime2.go `_Gidle` ..., proc.go `casgstatus`, `goready`.

use crate::sync::{AtomicU32, Ordering};

/// What a goroutine is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Status {
    /// Not in use; in a free list.
    Dead,
    /// In a run queue, or on its way into one.
    Runnable,
    /// A machine has it.
    Running,
    /// A machine has it, and it has been woken before it parked.
    RunningNotified,
    /// Parked.
    Waiting,
    /// Its blocking call runs.
    Blocking,
}

const ALL: [Status; 6] = [
    Status::Dead,
    Status::Runnable,
    Status::Running,
    Status::RunningNotified,
    Status::Waiting,
    Status::Blocking,
];

/// What [`StatusCell::ready`] leaves to its caller.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// The caller puts the goroutine into a run queue.
    Enqueue,
    /// The machine that is about to park it will see the note.
    LeftToParker,
}

/// How parking went.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parked {
    /// It waits; the waker has it.
    Waiting,
    /// The wake-up came first: it is runnable, and the caller enqueues it.
    WokenMeanwhile,
}

/// A goroutine's status.
pub(crate) struct StatusCell(AtomicU32);

impl StatusCell {
    /// A zeroed one is dead.
    #[cfg(loom)]
    pub(crate) fn new(status: Status) -> StatusCell {
        StatusCell(AtomicU32::new(status as u32))
    }

    /// A snapshot.
    pub(crate) fn get(&self) -> Status {
        // ORDERING: Acquire. Pairs with the steps below, for readers in the stopped world.
        ALL[self.0.load(Ordering::Acquire) as usize]
    }

    /// A step that nobody else can contend for: only one owner has the goroutine in this state.
    pub(crate) fn set(&self, status: Status) {
        // ORDERING: Release. What the owner did before is seen by whoever reads this status.
        self.0.store(status as u32, Ordering::Release);
    }

    fn step(&self, from: Status, to: Status) -> bool {
        // ORDERING: AcqRel. Pairs with the other side's step: who enqueues the goroutine sees all that its last
        // machine wrote to the fiber (release by `park`), and its next machine what the waker left (release by `ready`).
        self.0
            .compare_exchange(from as u32, to as u32, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Running → RunningNotified, or Waiting → Runnable.
    pub(crate) fn ready(&self) -> Ready {
        // The common case first. A goroutine goes from Running to Waiting once and then stays, so after the second
        // step has failed too the third cannot miss.
        if self.step(Status::Waiting, Status::Runnable) {
            return Ready::Enqueue;
        }
        if self.step(Status::Running, Status::RunningNotified) {
            return Ready::LeftToParker;
        }
        let woken = self.step(Status::Waiting, Status::Runnable);
        assert!(woken, "ready: goroutine is {:?}", self.get());
        Ready::Enqueue
    }

    /// Running → Waiting, or RunningNotified → Runnable. Called by the machine that has the goroutine.
    pub(crate) fn park(&self) -> Parked {
        if self.step(Status::Running, Status::Waiting) {
            return Parked::Waiting;
        }
        let notified = self.step(Status::RunningNotified, Status::Runnable);
        assert!(notified, "park: goroutine is {:?}", self.get());
        Parked::WokenMeanwhile
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use loom::{sync::Arc, thread};

    #[test]
    fn loom_a_wakeup_is_enqueued_exactly_once() {
        loom::model(|| {
            let g = Arc::new(StatusCell::new(Status::Running));
            let waker = {
                let g = g.clone();
                thread::spawn(move || g.ready() == Ready::Enqueue)
            };
            let parker = g.park() == Parked::WokenMeanwhile;
            assert!(parker ^ waker.join().unwrap());
            assert_eq!(g.get(), Status::Runnable);
        });
    }
}
