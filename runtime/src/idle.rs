//! Going idle: giving the processor up without losing work that comes at the same moment.
//!
//! 1. Under the central lock: look at the attention word and the global queue once more, publish the processor as idle, and if
//!    that was the last one ask whether this is a deadlock.
//! 2. A machine that was spinning counts itself out, and *then* looks at every queue again: whoever made work runnable before
//!    saw somebody spinning and woke nobody (the delicate dance, `scheduler.rs`).
//! 3. One machine waits in the poller, until the next timer of all processors. It publishes until when it waits and looks at the
//!    timers after that; who arms an earlier one sees it and notifies.
//! 4. The others sleep on their own notes.
//!
//! GO: proc.go `findRunnable` from "return P and block", `pidleput`, `checkdead`.

use std::{sync::Arc, time::Duration};

use crate::{
    clock::{NEVER, Nanos},
    engine::Engine,
    find_runnable::GLOBAL_BATCH,
    machine::{Found, Machine},
    netpoll::Woken,
    sync::{Ordering, fence},
};

impl<E: Engine> Machine<E> {
    /// Gives the processor up and waits for one. What it comes back with is in `self`: the caller starts its search
    /// anew, unless there is something to run at once.
    pub(crate) fn idle(&mut self) -> Option<Found<E>> {
        let shared = Arc::clone(&self.shared);
        {
            let mut central = shared.central();
            if shared.attention() != 0 {
                return None;
            }
            let processor = self.processor.take()?;
            if let Some(runnable) = shared.take_global(&mut central, &processor, GLOBAL_BATCH) {
                self.processor = Some(processor);
                return Some(Found::afresh(runnable));
            }
            // ORDERING: SeqCst. Pairs with `wake_processor`, which set it because it found no idle processor.
            if !self.spinning && shared.need_spinning.swap(false, Ordering::SeqCst) {
                self.processor = Some(processor);
                self.start_spinning();
                return None;
            }
            let cells = processor.cells();
            cells.deferred_wakeups.set(0);
            cells.deferred_watch.set(false);
            shared.put_idle_processor(&mut central, processor);
            shared.check_deadlock(&mut central);
        }
        if self.spinning {
            self.stop_spinning();
            fence(Ordering::SeqCst);
            if self.take_processor_if(|machine| machine.any_queue_has_work()) {
                self.start_spinning();
                return None;
            }
        }
        if !self.drives() {
            self.wait_in_poller();
        }
        None
    }

    fn any_queue_has_work(&self) -> bool {
        self.shared.global_len() != 0
            || self
                .shared
                .all_processors()
                .any(|processor| !processor.queue.is_empty())
    }

    /// Takes an idle processor if `wanted`.
    fn take_processor_if(&mut self, wanted: impl FnOnce(&Machine<E>) -> bool) -> bool {
        if !wanted(self) {
            return false;
        }
        let mut central = self.shared.central();
        if central.is_stopping {
            return false;
        }
        self.processor = self.shared.take_idle_processor(&mut central);
        self.processor.is_some()
    }

    /// Waits until the next timer, if no other machine does. Comes back with a processor when there is one to be had and
    /// something to be done.
    fn wait_in_poller(&mut self) {
        let shared = Arc::clone(&self.shared);
        if !shared.waits_itself() {
            shared.watch_timer(shared.earliest_timer());
            shared.watch_descriptors();
            return;
        }
        loop {
            if self.has_what_it_came_for() {
                return;
            }
            let next = shared.earliest_timer().min(self.own_deadline());
            if shared.is_finishing() || next == NEVER && !shared.netpoll.has_waiters() {
                return;
            }
            // ORDERING: SeqCst, all of `last_poll` and `poll_until`. Pairs with `watch_timer`.
            if shared.last_poll.swap(0, Ordering::SeqCst) == 0 {
                // Another machine waits there; perhaps too long.
                let until = shared.poll_until.load(Ordering::SeqCst);
                if until == 0 || until > next {
                    shared.netpoll.notify();
                }
                return;
            }
            shared.poll_until.store(next, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            // Once more, now that who arms a timer can see us.
            let next = shared.earliest_timer().min(self.own_deadline());
            shared.poll_until.store(next, Ordering::SeqCst);
            let woken = if shared.is_finishing() {
                None
            } else {
                self.wait_until(next)
            };
            shared.poll_until.store(0, Ordering::SeqCst);
            // Not 0, which says that somebody waits.
            shared
                .last_poll
                .store(shared.clock.now().max(1), Ordering::SeqCst);
            let somebody_woke = woken.is_some_and(|woken| shared.put_woken(woken));
            if self.take_processor_if(|machine| machine.anything_to_do()) {
                self.start_spinning();
                let now = shared.clock.now();
                self.run_all_timers(now);
                return;
            }
            if self.own_deadline() <= shared.clock.now() {
                return;
            }
            if shared.idle_count() == 0 {
                // All processors are busy, or stopped: they look after timers and events, and sysmon does.
                if somebody_woke {
                    shared.request_urgent();
                }
                return;
            }
            // Woken too early (a notification for an earlier timer): somebody must go on waiting.
        }
    }

    /// Without a monitor: when the run's time is over.
    fn own_deadline(&self) -> Nanos {
        if !self.shared.counts_safepoints() {
            return NEVER;
        }
        match self.shared.until_deadline() {
            NEVER => NEVER,
            left => self.shared.clock.now().saturating_add(left.max(0)),
        }
    }

    fn anything_to_do(&self) -> bool {
        self.shared.earliest_timer() <= self.shared.clock.now() || self.any_queue_has_work()
    }

    /// Fires what is due on any processor.
    pub(crate) fn run_all_timers(&mut self, now: Nanos) {
        let shared = Arc::clone(&self.shared);
        for index in 0..shared.processors_made() {
            if let Some(processor) = shared.processor(index)
                && processor.timers.earliest() <= now
            {
                self.processor().run_timers(&shared, &processor.timers, now);
            }
        }
    }

    fn wait_until(&self, when: Nanos) -> Option<Woken<E>> {
        let clock = &self.shared.clock;
        let now = clock.now();
        if when <= now {
            return None;
        }
        if clock.is_virtual() {
            let central = self.shared.central();
            let everybody_waits = self.shared.idle_count() == self.shared.processor_count()
                && central.blocked_calls == 0
                && central.global.len() == 0
                // ORDERING: SeqCst, as in the deadlock check.
                && self.shared.host_handles.load(Ordering::SeqCst) == 0;
            drop(central);
            // What comes from outside has its own time: it is given a moment.
            let outside = !everybody_waits || self.shared.netpoll.has_waiters();
            if outside {
                let moment = Duration::from_millis(1);
                let forever = everybody_waits && when == NEVER;
                let woken = self.shared.netpoll.wait((!forever).then_some(moment));
                if !everybody_waits || !woken.is_empty() {
                    return Some(woken);
                }
            }
            if when != NEVER {
                clock.advance_to(when);
            }
            return None;
        }
        let timeout = (when != NEVER).then(|| Duration::from_nanos((when - now).unsigned_abs()));
        Some(self.shared.netpoll.wait(timeout))
    }
}
