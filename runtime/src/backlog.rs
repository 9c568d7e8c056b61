//! Whoever starts goroutines faster than they end lets them run in between.
//!
//! A loop that starts a hundred thousand short goroutines makes them faster than anybody runs them. Left alone it does so for a whole time
//! slice: each of them takes memory that none has touched yet, and when its turn comes nothing of it is in a cache any more. So:
//!
//! 1. When [`FULL`] goroutines are queued on its processor, one that has started [`MANY`] in its turn is asked to step aside at its next safepoint.
//! 2. It goes into `next`, and the queued ones go first, until [`LEFT`] of them are left for others to steal. Then it goes on. What
//!    has ended meanwhile is used again for what it starts now.
//! 3. What becomes runnable meanwhile goes behind the queue, lest it displace the one in `next`.
//! 4. Goroutines may take long. After [`LENGTH`], or at the end of a time slice, the one that has stepped aside goes on, and nobody steps aside
//!    for a while, twice as long each time in turn: whoever starts goroutines that compute is held up by a few of them, not by all.
//!
//! It is a matter of speed alone: somebody who does not step aside (a loop without a safepoint, a goroutine that is locked to its thread) fills the
//! ring, half of which then goes to the global queue.
//!
//! Rejected: asking everybody who starts one while the queue is full (a tree of goroutines that each start a few is walked breadth first then, with more
//! of them alive at a time). Stepping aside to the end of the queue (whoever starts 1,000 goroutines that compute, and then waits for a timer, would wait for
//! hundreds of time slices). Goroutines that run at once when they are started (a `go` would be a switch, and order
//! what programs expect to be later).
//!
//! GO: without a counterpart; there the starter goes on, and the queue overflows.

use std::cell::Cell;

use crate::{clock::Nanos, run_queue::CAPACITY};

/// How many queued goroutines are enough. The rest of the ring is for those that are started before the next safepoint.
pub(crate) const FULL: u32 = CAPACITY / 4 * 3;

/// How many a goroutine must have started itself.
const MANY: u32 = CAPACITY / 4;

/// How many are left to thieves.
const LEFT: u32 = CAPACITY / 8;

/// How long the queued ones may go first.
const LENGTH: Nanos = 1_000_000;

/// How long nobody steps aside when that was not enough, at first and at most.
const REST: Nanos = 2_000_000;
const LONGEST_REST: Nanos = 256_000_000;

/// How many goroutines run between two looks at the clock.
const PER_LOOK: u32 = 8;

/// A processor's part of this. Its owner's alone.
pub(crate) struct Backlog {
    /// How many goroutines the running one has started.
    started: Cell<u32>,
    /// The running goroutine is asked to step aside.
    asked: Cell<bool>,
    /// How many queued goroutines may still run before `next`; 0: nobody has stepped aside.
    turns: Cell<u32>,
    since: Cell<Nanos>,
    not_before: Cell<Nanos>,
    rest: Cell<Nanos>,
}

impl Default for Backlog {
    fn default() -> Backlog {
        Backlog {
            started: Cell::new(0),
            asked: Cell::new(false),
            turns: Cell::new(0),
            since: Cell::new(0),
            not_before: Cell::new(0),
            rest: Cell::new(REST),
        }
    }
}

impl Backlog {
    /// Another goroutine gets its turn.
    #[inline]
    pub(crate) fn turn(&self) {
        self.started.set(0);
        self.asked.set(false);
    }

    /// The running goroutine has started one; answers whether there have been many.
    #[inline]
    pub(crate) fn has_started_many(&self) -> bool {
        let started = self.started.get().saturating_add(1);
        self.started.set(started);
        started >= MANY
    }

    /// Many are queued, and the running goroutine has started many: asks it, unless it is too early.
    pub(crate) fn ask(&self, now: Nanos) -> bool {
        self.started.set(0);
        let asks = now >= self.not_before.get();
        self.asked.set(asks);
        asks
    }

    /// Whether the running goroutine is asked.
    #[inline]
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.get()
    }

    /// Nobody is asked any more; answers whether somebody was.
    #[inline]
    pub(crate) fn take_asked(&self) -> bool {
        self.asked.replace(false)
    }

    /// The running goroutine has stepped aside.
    pub(crate) fn begin(&self, now: Nanos) {
        self.turns.set(CAPACITY);
        self.since.set(now);
    }

    /// Whether somebody in `next` has stepped aside.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.turns.get() != 0
    }

    /// Whether one of so many queued goroutines runs before `next`.
    pub(crate) fn goes_first(&self, queued: u32, now: impl FnOnce() -> Nanos) -> bool {
        let turns = self.turns.get();
        if turns == 0 {
            return false;
        }
        // One of them is the one that has stepped aside.
        if queued <= LEFT + 1 {
            self.turns.set(0);
            self.rest.set(REST);
            return false;
        }
        self.turns.set(turns - 1);
        if turns.is_multiple_of(PER_LOOK) {
            let now = now();
            if now - self.since.get() > LENGTH {
                self.end(now);
            }
        }
        self.is_on()
    }

    /// The time of the queued ones is over.
    #[cold]
    pub(crate) fn end(&self, now: Nanos) {
        if self.turns.replace(0) != 0 {
            let rest = self.rest.get();
            self.not_before.set(now.saturating_add(rest));
            self.rest.set((2 * rest).min(LONGEST_REST));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unasked() -> Nanos {
        panic!("nobody looks at the clock now")
    }

    #[test]
    fn the_queued_ones_go_first_until_few_are_left() {
        let backlog = Backlog::default();
        assert!(
            !backlog.goes_first(FULL, unasked),
            "nobody has stepped aside"
        );
        assert!(backlog.ask(1) && backlog.is_asked());
        assert!(backlog.take_asked() && !backlog.is_asked());
        backlog.begin(1);
        let mut queued = FULL + 1;
        while backlog.goes_first(queued, || 2) {
            queued -= 1;
        }
        assert_eq!(queued, LEFT + 1);
        assert!(!backlog.is_on());
        assert!(backlog.ask(3), "it was quick, and may be again");
    }

    #[test]
    fn goroutines_that_take_long_keep_nobody_waiting_for_all_of_them() {
        let backlog = Backlog::default();
        let mut now = 1;
        for rest in [REST, 2 * REST, 4 * REST] {
            assert!(backlog.ask(now));
            backlog.begin(now);
            let ran = (0..CAPACITY)
                .take_while(|&ran| backlog.goes_first(FULL, || now + Nanos::from(ran) * LENGTH + 1))
                .count();
            assert!(ran <= PER_LOOK as usize, "{ran}");
            now += Nanos::from(ran as u32) * LENGTH + 1 + rest;
            assert!(!backlog.ask(now - 1) && !backlog.is_asked());
        }
        assert!(backlog.ask(now));
        backlog.begin(now);
        while backlog.goes_first(0, || now) {}
        backlog.begin(now);
        backlog.end(now);
        assert!(backlog.ask(now + REST), "those before were quick");
    }

    #[test]
    fn who_steps_aside_goes_on_though_the_queue_does_not_get_shorter() {
        let backlog = Backlog::default();
        backlog.begin(1);
        let ran = (0..10 * CAPACITY)
            .take_while(|_| backlog.goes_first(FULL, || 1))
            .count();
        assert!(ran <= CAPACITY as usize, "{ran}");
    }

    #[test]
    fn only_those_who_start_many_are_asked() {
        let backlog = Backlog::default();
        for _ in 0..3 {
            assert!((1..MANY).all(|_| !backlog.has_started_many()));
            backlog.turn();
        }
        assert!((1..MANY).all(|_| !backlog.has_started_many()));
        assert!(backlog.has_started_many());
        assert!(backlog.ask(1));
        assert!(!backlog.has_started_many(), "they are counted anew");
    }

    #[test]
    fn the_end_of_a_slice_is_the_end_of_their_turns() {
        let backlog = Backlog::default();
        backlog.end(7);
        assert!(backlog.ask(8), "nobody had stepped aside");
        backlog.begin(8);
        backlog.end(108);
        assert!(!backlog.is_on());
        assert!(!backlog.ask(108 + REST - 1));
        assert!(backlog.ask(108 + REST));
    }
}
