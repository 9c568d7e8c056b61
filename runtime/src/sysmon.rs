//! The system monitor: a thread without a processor that sees to it that none is lost to a blocking call, an endless loop or
//! a timer that nobody waits for.
//!
//! Each round it sleeps, then (each a function that says what it did):
//!
//! 1. sleeps deeply while the world is stopped or everybody is idle, until somebody gets a processor busy or a timer is due;
//! 2. sees to overdue timers and other urgent matters: starts a machine, or asks a busy processor to yield at once;
//! 3. looks for events of descriptors when nobody did for 10 ms;
//! 4. retakes processors from blocking calls, and asks goroutines whose slice is over to yield if anybody waits;
//! 5. asks for a collection when none ran for long;
//! 6. looks, at most once a second, how many processors the mask and the cgroup's quota grant;
//! 7. prints the scheduler's trace.
//!
//! It is not counted in deadlock detection. What it decides is decided by plain functions over numbers, tested below without
//! threads or clocks.
//!
//! GO: proc.go `sysmon`, `retake`, `schedtrace`.

use std::{sync::Arc, thread::JoinHandle, time::Duration};

use crate::{
    blocking::{BlockingTicket, ProcessorStatus},
    clock::{NEVER, Nanos},
    engine::Engine,
    event_trace::TraceKind,
    lock_rank::{Rank, RankedMutex},
    netpoll::POLL_GAP,
    preempt::{TIME_SLICE, attention, request},
    processor_count, schedule_trace,
    scheduler::{MAX_PROCESSORS, Shared},
    sync::{AtomicBool, AtomicI64, Condvar, Ordering},
};

/// The first delay between two rounds.
const SHORTEST_DELAY: Nanos = 20_000;
/// The longest.
const LONGEST_DELAY: Nanos = 10_000_000;
/// How many rounds without success until the delay grows.
const PATIENT_ROUNDS: u32 = 50;
/// The longest deep sleep when no collection is ever forced.
const LONGEST_SLEEP: Nanos = 60_000_000_000;
/// How long until the processor mask and the cgroup's quota are looked at again.
const QUOTA_PERIOD: Nanos = 1_000_000_000;
/// A blocking call that takes this long loses its processor in any case.
const LONG_CALL: Nanos = 10_000_000;

/// How long sysmon sleeps between rounds: 20 µs at first, doubled after 50 idle rounds, at most 10 ms; short again
/// when a round achieved something.
#[derive(Debug)]
struct Pace {
    idle_rounds: u32,
    delay: Nanos,
}

impl Pace {
    fn new() -> Pace {
        Pace {
            idle_rounds: 0,
            delay: SHORTEST_DELAY,
        }
    }

    /// The delay before the next round.
    fn next(&mut self) -> Nanos {
        if self.idle_rounds == 0 {
            self.delay = SHORTEST_DELAY;
        } else if self.idle_rounds > PATIENT_ROUNDS {
            self.delay *= 2;
        }
        self.delay = self.delay.min(LONGEST_DELAY);
        self.delay
    }

    fn round_ended(&mut self, achieved: bool) {
        self.idle_rounds = if achieved {
            0
        } else {
            self.idle_rounds.saturating_add(1)
        };
    }

    /// After a wake-up from deep sleep by somebody who got busy.
    fn reset(&mut self) {
        self.idle_rounds = 0;
        self.delay = SHORTEST_DELAY;
    }
}

/// How long to sleep while there is nothing to monitor; `None`: not at all.
fn deep_sleep(now: Nanos, next_timer: Nanos, forced_collection: Option<Nanos>) -> Option<Nanos> {
    if next_timer <= now {
        return None;
    }
    let longest = forced_collection.map_or(LONGEST_SLEEP, |period| (period / 2).max(1));
    Some(longest.min(next_timer - now))
}

/// What sysmon knows of a processor in a blocking call.
struct CallView {
    /// How long this very call has been seen; `None`: it is new in this round.
    seen_for: Option<Nanos>,
    /// The time slice in which it was made is over, and somebody waits.
    slice_is_over: bool,
    has_local_work: bool,
    /// Somebody spins or is idle: new work would find a processor.
    others_free: bool,
}

/// Whether to take a processor from a blocking call: when it has been there for at least one round, and its queue is not
/// empty, or nobody else could take new work, or the call is long. Also when its time slice is over, as the request to yield does
/// not reach it.
fn should_retake(view: &CallView) -> bool {
    match view.seen_for {
        _ if view.slice_is_over => true,
        None => false,
        Some(seen_for) => view.has_local_work || !view.others_free || seen_for >= LONG_CALL,
    }
}

/// Whether a goroutine must yield: its slice is over and somebody waits.
fn should_preempt(running_for: Nanos, somebody_waits: bool) -> bool {
    running_for >= TIME_SLICE && somebody_waits
}

/// Whether sysmon must look for events itself: nobody waits for them (`last` would be 0), nobody looked for long, and
/// somebody waits for one.
fn poll_is_due(now: Nanos, last: Nanos, somebody_waits: bool) -> bool {
    last != 0 && now - last >= POLL_GAP && somebody_waits
}

/// Whether to ask for a collection.
fn collection_is_due(now: Nanos, last: Nanos, period: Option<Nanos>) -> bool {
    period.is_some_and(|period| now - last >= period)
}

/// What sysmon remembers of a processor between rounds.
#[derive(Clone, Copy, Default)]
struct Seen {
    ticket: Option<BlockingTicket>,
    call_since: Nanos,
    tick: u32,
    slice_since: Nanos,
}

/// How sysmon sleeps, and is woken.
pub(crate) struct SysmonNote {
    state: RankedMutex<NoteState>,
    condition: Condvar,
    /// It sleeps deeply: whoever gets a processor busy wakes it.
    deep: AtomicBool,
    /// Until when it sleeps; 0: it does not.
    wakes_at: AtomicI64,
}

#[derive(Default)]
struct NoteState {
    notified: bool,
    /// Start with short delays again.
    fresh: bool,
}

impl SysmonNote {
    pub(crate) fn new() -> SysmonNote {
        SysmonNote {
            state: RankedMutex::new(Rank::Note, NoteState::default()),
            condition: Condvar::new(),
            deep: AtomicBool::new(false),
            wakes_at: AtomicI64::new(0),
        }
    }

    /// Whether it sleeps deeply.
    pub(crate) fn is_deep(&self) -> bool {
        // ORDERING: Relaxed; for schedtrace.
        self.deep.load(Ordering::Relaxed)
    }

    /// Ends its sleep.
    pub(crate) fn notify(&self) {
        self.state.lock().notified = true;
        self.condition.notify_one();
    }

    /// Ends its sleep, if that is deep. The central lock is held.
    #[inline]
    pub(crate) fn wake_if_deep(&self) {
        // ORDERING: Relaxed; set under the central lock.
        if self.deep.load(Ordering::Relaxed) {
            self.wake_fresh();
        }
    }

    /// Ends its sleep and has it start with short delays.
    pub(crate) fn wake_fresh(&self) {
        // ORDERING: Relaxed; the note's lock says the rest.
        self.deep.store(false, Ordering::Relaxed);
        let mut state = self.state.lock();
        state.notified = true;
        state.fresh = true;
        drop(state);
        self.condition.notify_one();
    }

    /// Ends its sleep if that lasts beyond `when`.
    pub(crate) fn wake_before(&self, when: Nanos) {
        // ORDERING: SeqCst. Pairs with `sleep_until`, which publishes the time and then looks at the timers.
        if self.wakes_at.load(Ordering::SeqCst) > when {
            self.notify();
        }
    }

    /// Sleeps for `delay` or until notified; answers whether it was told to start afresh.
    fn sleep(&self, delay: Nanos) -> bool {
        let mut state = self.state.lock();
        if !state.notified && delay > 0 {
            state = state.wait(
                &self.condition,
                Some(Duration::from_nanos(delay.unsigned_abs())),
            );
        }
        state.notified = false;
        std::mem::take(&mut state.fresh)
    }
}

/// Starts the thread. `None`: there is none to be had; the run goes on without (a goroutine then keeps its processor
/// until it yields by itself).
pub(crate) fn start<E: Engine>(
    shared: &Arc<Shared<E>>,
    at_start: Option<impl FnOnce() + Send + 'static>,
) -> Option<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    std::thread::Builder::new()
        .name("golite-sysmon".to_string())
        .stack_size(256 << 10)
        .spawn(move || {
            if let Some(at_start) = at_start {
                at_start();
            }
            Sysmon {
                shared,
                seen: Vec::new(),
                last_trace: 0,
                last_quota: 0,
            }
            .run()
        })
        .ok()
}

struct Sysmon<E: Engine> {
    shared: Arc<Shared<E>>,
    seen: Vec<Seen>,
    last_trace: Nanos,
    last_quota: Nanos,
}

impl<E: Engine> Sysmon<E> {
    fn run(&mut self) {
        let mut pace = Pace::new();
        loop {
            let delay = pace.next();
            if self.sleep(delay) {
                pace.reset();
            }
            if self.shared.is_finishing() {
                return;
            }
            if self.sleep_deeply() {
                pace.reset();
            }
            let shared = &self.shared;
            if shared.is_finishing() {
                return;
            }
            let now = shared.real_now();
            shared.event(TraceKind::Monitor, None, None, 0);
            self.see_to_urgent_matters();
            let polled = self.poll();
            let retaken = self.retake(now);
            pace.round_ended(polled || retaken != 0);
            self.force_collection(now);
            self.follow_quota(now);
            self.trace(now);
        }
    }

    fn next_timer(&self) -> Nanos {
        // Virtual time does not pass while sysmon sleeps.
        if self.shared.clock.is_virtual() {
            NEVER
        } else {
            self.shared.earliest_timer()
        }
    }

    /// Sleeps for `delay`, but never past the next timer: when all processors are busy, nobody else waits for it.
    fn sleep(&self, delay: Nanos) -> bool {
        let shared = &self.shared;
        let now = shared.clock.now();
        // ORDERING: SeqCst. Pairs with `wake_before`: publish, then look at the timers.
        shared.sysmon.wakes_at.store(now + delay, Ordering::SeqCst);
        let next = self.next_timer();
        // A timer that is overdue already is being seen to; do not spin for it.
        let delay = if next > now {
            delay.min(next - now)
        } else {
            delay.min(SHORTEST_DELAY)
        };
        let fresh = shared.sysmon.sleep(delay);
        shared.sysmon.wakes_at.store(0, Ordering::SeqCst);
        fresh
    }

    /// Sleeps while the world is stopped or everybody is idle. Answers whether somebody who got busy has ended it.
    fn sleep_deeply(&self) -> bool {
        let shared = &self.shared;
        let nothing_to_do = |stopping: bool| {
            shared.options.schedtrace.is_none()
                && (stopping || shared.idle_count() == shared.processor_count())
                && !shared.is_finishing()
        };
        if !nothing_to_do(shared.attention() & attention::STOP != 0) {
            return false;
        }
        let central = shared.central();
        if !nothing_to_do(central.is_stopping) {
            return false;
        }
        let Some(length) = deep_sleep(
            shared.clock.now(),
            self.next_timer(),
            self.collection_period(),
        ) else {
            return false;
        };
        // ORDERING: Relaxed; under the central lock, as its reader.
        shared.sysmon.deep.store(true, Ordering::Relaxed);
        drop(central);
        let fresh = shared.sysmon.sleep(length);
        shared.sysmon.deep.store(false, Ordering::Relaxed);
        fresh
    }

    fn collection_period(&self) -> Option<Nanos> {
        let period = self.shared.options.forced_collection_period?;
        Some(i64::try_from(period.as_nanos()).unwrap_or(NEVER))
    }

    /// Gets somebody for overdue timers and for what was put off by a minimum slice.
    fn see_to_urgent_matters(&self) {
        let shared = &self.shared;
        let overdue = self.next_timer() <= shared.clock.now();
        let pending = shared.urgent.take_pending() && shared.global_len() != 0;
        if !overdue && !pending {
            return;
        }
        if shared.idle_count() != 0 {
            shared.wake_processor();
        } else {
            shared.request_urgent();
        }
    }

    /// Looks for events when nobody did for long. Answers whether there were any.
    fn poll(&self) -> bool {
        let shared = &self.shared;
        // ORDERING: SeqCst, as all of `last_poll`. The compare-and-swap elects one poller; 0: a machine waits there.
        let last = shared.last_poll.load(Ordering::SeqCst);
        let now = shared.clock.now();
        if !poll_is_due(now, last, shared.netpoll.has_waiters())
            || shared
                .last_poll
                .compare_exchange(last, now.max(1), Ordering::SeqCst, Ordering::SeqCst)
                .is_err()
        {
            return false;
        }
        let woken = shared.look_for_events();
        if !shared.put_woken(woken) {
            return false;
        }
        if shared.idle_count() != 0 {
            shared.wake_processor();
        } else {
            shared.request_urgent();
        }
        true
    }

    /// Takes processors from blocking calls; asks goroutines whose slice is over to yield. Answers how many were taken.
    fn retake(&mut self, now: Nanos) -> usize {
        let shared = Arc::clone(&self.shared);
        let mut taken = 0;
        self.seen.resize(shared.processors_made(), Seen::default());
        let mut work_is_waiting = false;
        for processor in shared.all_processors() {
            let seen = &mut self.seen[processor.index];
            let status = processor.word.status();
            if !matches!(status, ProcessorStatus::Running | ProcessorStatus::Blocking) {
                continue;
            }
            // ORDERING: Relaxed; compared only.
            let tick = processor.schedule_tick.load(Ordering::Relaxed);
            let has_work = !processor.queue.is_empty();
            let mut slice_is_over = false;
            if seen.tick != tick {
                seen.tick = tick;
                seen.slice_since = now;
            } else {
                work_is_waiting |= has_work;
                // A goroutine that makes one blocking call after the other is asked too: it finds the request when it is back.
                slice_is_over =
                    should_preempt(now - seen.slice_since, has_work || shared.global_len() != 0);
                if slice_is_over {
                    processor.limit.request(request::PREEMPT);
                    shared.event(TraceKind::Preempt, Some(processor.index), None, 0);
                }
            }
            let Some(ticket) = processor.word.blocking_ticket() else {
                continue;
            };
            let seen_for = if seen.ticket == Some(ticket) {
                Some(now - seen.call_since)
            } else {
                seen.ticket = Some(ticket);
                seen.call_since = now;
                None
            };
            let view = CallView {
                seen_for,
                slice_is_over,
                has_local_work: has_work,
                // ORDERING: Relaxed; a heuristic.
                others_free: shared.spinning.load(Ordering::Relaxed) + shared.idle_count() > 0,
            };
            if should_retake(&view) {
                let mut central = shared.central();
                if let Some(processor) = processor.try_retake(ticket) {
                    central.blocked_calls += 1;
                    taken += 1;
                    shared.event(TraceKind::HandOff, Some(processor.index), None, 0);
                    if shared.is_finishing() {
                        central.dead.push(processor);
                    } else {
                        shared.hand_off(central, processor);
                    }
                }
            }
        }
        // A wake-up that was put off for a goroutine which has not come to a safepoint since (preempt.rs).
        if work_is_waiting && shared.idle_count() != 0 {
            shared.wake_processor();
        }
        taken
    }

    fn force_collection(&self, now: Nanos) {
        let shared = &self.shared;
        // ORDERING: Relaxed; compared only.
        let last = shared.last_collection.load(Ordering::Relaxed);
        if !collection_is_due(now, last, self.collection_period()) {
            return;
        }
        // Not again before this one can have run.
        shared.last_collection.store(now, Ordering::Relaxed);
        shared.call_attention(attention::COLLECT_PERIODIC);
        // If everybody sleeps, somebody must come and see.
        shared.wake_processor();
    }

    /// Looks at the processor mask and the cgroup's quota, when GOMAXPROCS follows them.
    fn follow_quota(&mut self, now: Nanos) {
        let shared = &self.shared;
        // ORDERING: Relaxed, all here; settings.
        if now - self.last_quota < QUOTA_PERIOD || !shared.follows_quota.load(Ordering::Relaxed) {
            return;
        }
        self.last_quota = now;
        let granted = processor_count::available(&shared.options.system_root);
        if granted.clamp(1, MAX_PROCESSORS) == shared.processor_count() {
            return;
        }
        shared.quota.store(granted, Ordering::Relaxed);
        shared.call_attention(attention::PROCESSORS);
        shared.wake_processor();
    }

    fn trace(&mut self, now: Nanos) {
        let Some(trace) = &self.shared.options.schedtrace else {
            return;
        };
        let period = i64::try_from(trace.period.as_nanos()).unwrap_or(NEVER);
        if now - self.last_trace >= period {
            self.last_trace = now;
            (trace.sink)(&schedule_trace::text(&self.shared, trace.detail, now));
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_pace_slows_down_after_fifty_idle_rounds_and_recovers() {
        let mut pace = Pace::new();
        for _ in 0..=PATIENT_ROUNDS {
            assert_eq!(pace.next(), SHORTEST_DELAY);
            pace.round_ended(false);
        }
        assert_eq!(pace.next(), 2 * SHORTEST_DELAY);
        pace.round_ended(false);
        assert_eq!(pace.next(), 4 * SHORTEST_DELAY);
        for _ in 0..20 {
            pace.round_ended(false);
            assert!(pace.next() <= LONGEST_DELAY);
        }
        assert_eq!(pace.next(), LONGEST_DELAY);
        pace.round_ended(true);
        assert_eq!(pace.next(), SHORTEST_DELAY);
    }

    #[test]
    fn deep_sleep_is_bounded_by_the_next_timer_and_half_the_collection_period() {
        assert_eq!(deep_sleep(100, NEVER, Some(1000)), Some(500));
        assert_eq!(deep_sleep(100, 150, Some(1000)), Some(50));
        assert_eq!(deep_sleep(100, 100, Some(1000)), None);
        assert_eq!(deep_sleep(100, NEVER, None), Some(LONGEST_SLEEP));
    }

    #[test]
    fn a_blocking_call_loses_its_processor_by_the_rules() {
        let view = |seen_for, has_local_work, others_free| CallView {
            seen_for,
            slice_is_over: false,
            has_local_work,
            others_free,
        };
        // New in this round: never.
        assert!(!should_retake(&view(None, true, false)));
        // Work lies there.
        assert!(should_retake(&view(Some(20_000), true, true)));
        // Nobody else could take new work.
        assert!(should_retake(&view(Some(20_000), false, false)));
        // Neither: not before ten milliseconds.
        assert!(!should_retake(&view(Some(LONG_CALL - 1), false, true)));
        assert!(should_retake(&view(Some(LONG_CALL), false, true)));
        // Its slice is over.
        assert!(should_retake(&CallView {
            slice_is_over: true,
            ..view(None, true, true)
        }));
    }

    #[test]
    fn sysmon_polls_when_nobody_else_did() {
        assert!(poll_is_due(20 + POLL_GAP, 20, true));
        assert!(!poll_is_due(19 + POLL_GAP, 20, true));
        // Nobody waits for an event; a machine waits for them.
        assert!(!poll_is_due(20 + POLL_GAP, 20, false));
        assert!(!poll_is_due(20 + POLL_GAP, 0, true));
    }

    #[test]
    fn nobody_is_preempted_while_nobody_waits() {
        assert!(!should_preempt(100 * TIME_SLICE, false));
        assert!(!should_preempt(TIME_SLICE - 1, true));
        assert!(should_preempt(TIME_SLICE, true));
    }

    #[test]
    fn a_collection_is_due_after_the_period() {
        assert!(!collection_is_due(99, 0, Some(100)));
        assert!(collection_is_due(100, 0, Some(100)));
        assert!(!collection_is_due(Nanos::MAX, 0, None));
    }
}
