//! The order of locks: one table, checked in debug builds, but not under loom, where the threads of a model are one to the system.
//!
//! A thread that holds a lock may take only locks of a higher rank. `WordLock`s (channels, semaphore buckets, timers) are
//! not ranked: under one of them a thread takes other locks only as `channel.rs`, `select.rs` and `timers.rs` say.
//!
//! GO: lockrank.go.

use crate::sync::{Mutex, MutexGuard};

/// The ranked locks, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// The scheduler's central lock.
    Central,
    /// A machine's assignment.
    Machine,
    /// A descriptor's deadlines.
    Descriptor,
    /// A processor's timers.
    Timers,
    /// The storage of goroutines.
    Goroutines,
    /// The table of descriptors.
    Descriptors,
    /// sysmon's note.
    Note,
}

#[cfg(all(debug_assertions, not(loom)))]
thread_local! {
    static HELD: std::cell::RefCell<Vec<Rank>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// A mutex with a place in the order.
pub(crate) struct RankedMutex<T> {
    rank: Rank,
    mutex: Mutex<T>,
}

impl<T> RankedMutex<T> {
    pub(crate) fn new(rank: Rank, value: T) -> RankedMutex<T> {
        RankedMutex {
            rank,
            mutex: Mutex::new(value),
        }
    }

    /// Waits for the lock. A panic of an earlier holder does not matter: the run is ending then, and what ends it only
    /// reads.
    #[inline]
    pub(crate) fn lock(&self) -> RankedGuard<'_, T> {
        #[cfg(all(debug_assertions, not(loom)))]
        HELD.with(|held| {
            let mut held = held.borrow_mut();
            if let Some(&top) = held.last() {
                assert!(
                    top < self.rank,
                    "lock rank: {:?} taken while {top:?} is held",
                    self.rank
                );
            }
            held.push(self.rank);
        });
        RankedGuard {
            rank: self.rank,
            guard: Some(
                self.mutex
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner),
            ),
        }
    }
}

/// A held [`RankedMutex`].
pub(crate) struct RankedGuard<'a, T> {
    rank: Rank,
    /// `None` only inside [`RankedGuard::wait`].
    guard: Option<MutexGuard<'a, T>>,
}

impl<'a, T> RankedGuard<'a, T> {
    /// Waits on `condition`, at most `timeout`, without the lock meanwhile.
    pub(crate) fn wait(
        mut self,
        condition: &crate::sync::Condvar,
        timeout: Option<std::time::Duration>,
    ) -> RankedGuard<'a, T> {
        let guard = self.guard.take().expect("held");
        self.guard = Some(match timeout {
            None => condition
                .wait(guard)
                .unwrap_or_else(std::sync::PoisonError::into_inner),
            Some(timeout) => {
                condition
                    .wait_timeout(guard, timeout)
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .0
            }
        });
        self
    }
}

impl<T> std::ops::Deref for RankedGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        self.guard.as_ref().expect("held")
    }
}

impl<T> std::ops::DerefMut for RankedGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.guard.as_mut().expect("held")
    }
}

impl<T> Drop for RankedGuard<'_, T> {
    fn drop(&mut self) {
        #[cfg(all(debug_assertions, not(loom)))]
        HELD.with(|held| {
            let mut held = held.borrow_mut();
            if let Some(at) = held.iter().rposition(|&rank| rank == self.rank) {
                held.remove(at);
            }
        });
        let _ = self.rank;
    }
}
