//! What a machine runs next: the search order, one function per source.
//!
//! 1. The attention word: the run ends, the world is stopped, a collection is wanted.
//! 2. This processor's timers that are due.
//! 3. Every [`GLOBAL_QUEUE_PERIOD`] slices the global queue, so that it does not starve.
//! 4. This processor's `next`, then its ring (the ring first while somebody in `next` lets others run, `backlog.rs`).
//! 5. The global queue.
//! 6. The poller: who waits for a descriptor that is ready now.
//! 7. Other processors: half of a ring, their due timers, at last their `next`. At most half as many machines as there are busy
//!    processors look at a time (`spinning`).
//! 8. Nothing: the machine goes idle (`idle.rs`).
//!
//! GO: proc.go `findRunnable`, `schedule`, `stealWork`.

use std::sync::Arc;

use crate::{
    blocking::ProcessorStatus,
    clock::NEVER,
    context::Context,
    engine::Engine,
    machine::{Found, Machine},
    preempt::request,
    processor::Processor,
    stop_the_world,
    sync::Ordering,
};

/// How often the global queue is looked at first, so that two goroutines which keep
/// readying each other cannot starve it. A prime, lest it beat in time with the program.
const GLOBAL_QUEUE_PERIOD: u32 = 61;

/// How many goroutines are taken from the global queue at a time: half of a ring.
pub(crate) const GLOBAL_BATCH: usize = (crate::run_queue::CAPACITY / 2) as usize;

/// How many rounds a thief makes over all processors.
const STEAL_ROUNDS: usize = 4;

/// How long a thief watches a `next` that it is going to take from a running processor, in spins: some microseconds. Most such
/// goroutines are taken up by their own processor within that time.
const NEXT_GRACE: u32 = 100;

impl<E: Engine> Machine<E> {
    /// The next goroutine to run; sleeps until there is one. `None`: the run ends.
    pub(crate) fn find_runnable(&mut self) -> Option<Found<E>> {
        loop {
            if self.has_locked() {
                if !self.run_locked() {
                    self.leave();
                    return None;
                }
                continue;
            }
            if self.shared.counts_safepoints() && self.shared.until_deadline() <= 0 {
                let own = self.processor.take();
                stop_the_world::end_at_deadline(&self.shared, own);
            }
            let Some(processor) = &self.processor else {
                if self.has_what_it_came_for() || !self.sleep() {
                    return None;
                }
                continue;
            };
            // ORDERING: Relaxed; for schedtrace.
            processor
                .machine
                .store(self.handle.id + 1, Ordering::Relaxed);
            if processor.limit.requests() != 0 {
                self.take_requests();
            }
            // After the requests were cleared: one of them may be about this.
            if self.has_what_it_came_for() {
                self.found_work();
                return None;
            }
            let wanted = self.shared.attention();
            if wanted != 0 {
                if !self.attend(wanted) {
                    return None;
                }
                continue;
            }
            self.run_due_timers();
            let found = self
                .take_global_in_turn()
                .or_else(|| self.take_local())
                .or_else(|| self.take_global_work());
            if let Some(found) = found {
                self.found_work();
                return Some(found);
            }
            let woken = self.shared.look_for_events();
            self.shared.machine_has_looked();
            if self.shared.put_woken(woken) {
                continue;
            }
            if let Some(found) = self.steal() {
                self.found_work();
                return Some(found);
            }
            if self.shared.attention() != 0 {
                continue;
            }
            if let Some(found) = self.idle() {
                self.found_work();
                return Some(found);
            }
        }
    }

    /// Clears the requests to this processor; they were hints to come here.
    #[cold]
    fn take_requests(&mut self) {
        let shared = Arc::clone(&self.shared);
        let processor = self.processor();
        let requests = processor.limit.take_requests();
        if requests & (request::PREEMPT | request::URGENT) == 0 {
            return;
        }
        let backlog = &processor.cells().backlog;
        if backlog.is_on() {
            // Whoever has stepped aside has waited long enough.
            backlog.end(shared.clock.now());
        } else
        // The slice is over for the whole family of those who inherit it.
        if let Some(next) = processor.queue.take_next()
            && let Some(overflow) = processor.queue.push(next)
        {
            shared.put_global_list(&mut shared.central(), overflow);
        }
        if requests & request::URGENT != 0 {
            // What has waited outside goes first: due timers of all processors, then the global queue.
            let now = shared.clock.now();
            self.run_all_timers(now);
            self.global_first = true;
        }
    }

    #[inline]
    fn run_due_timers(&mut self) {
        let shared = &self.shared;
        let Some(processor) = &mut self.processor else {
            return;
        };
        let earliest = processor.timers.earliest();
        if earliest == NEVER {
            return;
        }
        let now = shared.clock.now();
        if earliest <= now {
            let own = Arc::clone(&**processor);
            processor.run_timers(shared, &own.timers, now);
        }
    }

    #[inline]
    fn take_global_in_turn(&mut self) -> Option<Found<E>> {
        let processor = self.processor.as_ref()?;
        let global_first = std::mem::take(&mut self.global_first);
        // ORDERING: Relaxed; only the owner writes it.
        let tick = processor.schedule_tick.load(Ordering::Relaxed);
        if !global_first && !tick.is_multiple_of(GLOBAL_QUEUE_PERIOD)
            || self.shared.global_len() == 0
        {
            return None;
        }
        let mut central = self.shared.central();
        self.shared
            .take_global(&mut central, processor, 1)
            .map(Found::afresh)
    }

    #[inline]
    fn take_local(&mut self) -> Option<Found<E>> {
        let shared = &self.shared;
        let (_, processor, cells) = self.processor.as_mut()?.split();
        cells.backlog.turn();
        let ahead = cells.backlog.is_on()
            && cells
                .backlog
                .goes_first(processor.queue.len(), || shared.clock.now());
        let ahead = if ahead { processor.queue.pop() } else { None };
        let found = match ahead {
            Some(runnable) => Found::afresh(runnable),
            None => match processor.queue.take_next() {
                Some(runnable) => Found {
                    runnable,
                    inherits: true,
                },
                None => Found::afresh(processor.queue.pop()?),
            },
        };
        // A wake-up was put off in the hope that this processor would come to it at once. It has, but for what else is here
        // somebody must be told.
        if cells.deferred_wakeups.get() != 0 {
            cells.deferred_wakeups.set(0);
            if cells.deferred_watch.get() || !processor.queue.is_empty() {
                Context::new(shared, processor, cells).wake_deferred();
            }
        }
        Some(found)
    }

    fn take_global_work(&mut self) -> Option<Found<E>> {
        if self.shared.global_len() == 0 {
            return None;
        }
        let processor = self.processor.as_ref()?;
        let mut central = self.shared.central();
        self.shared
            .take_global(&mut central, processor, GLOBAL_BATCH)
            .map(Found::afresh)
    }

    /// A spinning machine has found work: it spins no more, and if it was the only one the next is woken, for there may be
    /// more where this came from.
    #[inline]
    fn found_work(&mut self) {
        if self.spinning {
            self.stop_spinning();
            self.shared.wake_processor();
        }
    }

    /// Takes from another processor.
    fn steal(&mut self) -> Option<Found<E>> {
        let count = self.shared.processors_made();
        if count == 1 {
            return None;
        }
        if !self.spinning {
            let busy = self
                .shared
                .processor_count()
                .saturating_sub(self.shared.idle_count());
            // ORDERING: Relaxed; a bound that need not be exact.
            if 2 * self.shared.spinning.load(Ordering::Relaxed) >= busy {
                return None;
            }
            self.start_spinning();
        }
        for round in 1..=STEAL_ROUNDS {
            let start = self.processor().cells().random_below(count);
            for offset in 0..count {
                if self.shared.attention() != 0 {
                    return None;
                }
                let index = (start + offset) % count;
                let Some(victim) = self.shared.processor(index).cloned() else {
                    continue;
                };
                if index == self.processor().index {
                    continue;
                }
                if let Some(found) = self.steal_from(&victim, round == STEAL_ROUNDS) {
                    return Some(found);
                }
            }
        }
        None
    }

    fn steal_from(&mut self, victim: &Arc<Processor<E>>, is_last_round: bool) -> Option<Found<E>> {
        if is_last_round && victim.timers.earliest() != NEVER {
            let now = self.shared.clock.now();
            if victim.timers.earliest() <= now {
                let shared = Arc::clone(&self.shared);
                if self.processor().run_timers(&shared, &victim.timers, now)
                    && let Some(found) = self.take_local()
                {
                    return Some(found);
                }
            }
        }
        if victim.queue.is_empty() {
            return None;
        }
        let also_next = is_last_round && Self::may_take_next(victim);
        let processor = self.processor.as_ref()?;
        victim
            .queue
            .steal_into(&processor.queue, also_next)
            .map(Found::afresh)
    }

    /// Whether a processor leaves its `next` lying.
    fn may_take_next(victim: &Processor<E>) -> bool {
        if victim.word.status() != ProcessorStatus::Running {
            return true;
        }
        let before = victim.queue.peek_next();
        if before.is_null() {
            return false;
        }
        for _ in 0..NEXT_GRACE {
            std::hint::spin_loop();
            if victim.queue.peek_next() != before {
                return false;
            }
        }
        true
    }
}
