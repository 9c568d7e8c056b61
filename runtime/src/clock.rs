//! The scheduler's monotonic clock: real, or virtual.
//!
//! Virtual time stands still while anybody can run; when everybody waits, the idle machine moves it to the next timer.

use std::time::Instant;

use crate::sync::{AtomicI64, Ordering};

/// Nanoseconds on a scheduler's clock, which began a little above 0; never goes back.
pub type Nanos = i64;

/// A moment that never comes.
pub const NEVER: Nanos = Nanos::MAX;

/// A clock.
pub(crate) enum Clock {
    /// That of the operating system.
    Real(Instant),
    /// One that the scheduler moves.
    Virtual(AtomicI64),
}

impl Clock {
    pub(crate) fn new(is_virtual: bool) -> Clock {
        if is_virtual {
            Clock::Virtual(AtomicI64::new(1))
        } else {
            Clock::Real(Instant::now())
        }
    }

    pub(crate) fn now(&self) -> Nanos {
        match self {
            // The 1 keeps 0 free for "not set".
            Clock::Real(start) => {
                i64::try_from(start.elapsed().as_nanos()).unwrap_or(NEVER - 1) + 1
            }
            // ORDERING: Acquire. Pairs with `advance_to`.
            Clock::Virtual(now) => now.load(Ordering::Acquire),
        }
    }

    pub(crate) fn is_virtual(&self) -> bool {
        matches!(self, Clock::Virtual(_))
    }

    /// Moves a virtual clock forward; a real one moves itself.
    pub(crate) fn advance_to(&self, when: Nanos) {
        if let Clock::Virtual(now) = self {
            // ORDERING: AcqRel. Pairs with `now`.
            now.fetch_max(when, Ordering::AcqRel);
        }
    }
}
