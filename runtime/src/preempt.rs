//! Safepoints: how a running goroutine is asked for something.
//!
//! The interpreter compares its frame pointer with one word per processor. Whoever wants its attention notes a request and
//! then *poisons* the word, so that the next comparison fails and the engine asks what is the matter.
//!
//! 1. A requester adds its bit to `requests`, then stores the poison into `word`.
//! 2. A machine that installs another limit stores it, then reads `requests`; if there are any it stores the poison.
//! 3. All four accesses are SeqCst: either the requester's poison comes after the new limit, or the installer sees the
//!    request. So none is lost.
//!
//! A request is a hint to look. What for is said by the scheduler's own words ([`Attention`]) or found by looking at the queues: a
//! stale request costs one detour.
//!
//! **Deferred wake-ups.** A goroutine that readies another one usually parks soon after and leaves its processor to it;
//! waking an idle processor for it would cost more than it brings. So when nothing but `next` is filled, the wake-up is put off
//! for [`DEFERRED_SAFEPOINTS`] passes of the running goroutine through its (poisoned) safepoint: when it has not parked by
//! then, it means to run on, and the wake-up is done. sysmon does what a long native call leaves undone. The same holds while few others
//! that were woken are queued: a goroutine that serves several wakes them one after the other. When the processor turns to the next
//! goroutine and something is left in its ring, the wake-up is done then.
//!
//! **Without a monitor** (a program that runs on its callers' threads alone) nobody could ask. There the word stays poisoned while others may want
//! the processor: each safepoint is counted, and every [`COUNTED_SAFEPOINTS`] the running goroutine looks at the clock itself.
//!
//! **With a seed** ([`crate::Options::shuffle`]) the word stays poisoned, too: each safepoint is counted, and the seed says at which the turn is over (`turns.rs`). Of
//! a run that is to be repeated the monitor keeps out: it ends no turn.
//!
//! GO: proc.go `preemptone`, `preemptall`; the deferral has no counterpart.

use crate::{
    blocking::ProcessorStatus,
    clock::Nanos,
    context::Context,
    engine::{Engine, SafepointAction},
    event_trace::TraceKind,
    processor::LimitAtomic,
    scheduler::Shared,
    sync::{AtomicBool, AtomicI64, AtomicU32, Ordering},
};
use std::sync::{Arc, atomic::Ordering as StdOrdering};

/// Below every frame pointer, so that each comparison fails.
pub(crate) const POISON: usize = 0;

/// How many safepoints pass, without a monitor, until the clock is looked at.
pub(crate) const COUNTED_SAFEPOINTS: u32 = 512;

/// How many safepoints a wake-up is put off.
pub(crate) const DEFERRED_SAFEPOINTS: u32 = 16;

/// How many of those that are queued may be passed over at the end of a turn.
const MOST_PASSED_OVER: u64 = 8;

/// Requests to one processor, as bits.
pub(crate) mod request {
    /// The time slice is over.
    pub(crate) const PREEMPT: u32 = 1;
    /// A timer or I/O event waits for this processor.
    pub(crate) const URGENT: u32 = 2;
    /// Look at the scheduler's attention word.
    pub(crate) const ATTENTION: u32 = 4;
    /// The run has got a deadline: without a monitor, count from now on.
    pub(crate) const DEADLINE: u32 = 8;
    /// Yield in any case: a goroutine that was called has come back to the thread that runs others here (`program.rs`).
    pub(crate) const RETURNED: u32 = 16;
    /// Pass by: a profiler wants to know who runs.
    pub(crate) const SAMPLE: u32 = 32;
}

/// What the whole scheduler must attend to, as bits of its attention word.
pub(crate) mod attention {
    /// The world is being stopped.
    pub(crate) const STOP: u32 = 1;
    /// A collection is wanted because the heap has grown.
    pub(crate) const COLLECT_GROWTH: u32 = 2;
    /// A collection is wanted because none ran for long.
    pub(crate) const COLLECT_PERIODIC: u32 = 4;
    /// The run ends.
    pub(crate) const FINISH: u32 = 8;
    /// The quota of processors has changed.
    pub(crate) const PROCESSORS: u32 = 16;
    /// A thread of the host waits for a processor, or a goroutine that it has called has come back on another thread (`program.rs`).
    pub(crate) const GUEST: u32 = 32;
}

/// A processor's safepoint word.
pub(crate) struct LimitWord {
    pub(crate) word: LimitAtomic,
    requests: AtomicU32,
}

impl LimitWord {
    pub(crate) fn new() -> LimitWord {
        LimitWord {
            word: LimitAtomic::new(POISON),
            requests: AtomicU32::new(0),
        }
    }

    /// Asks for attention. From any thread.
    pub(crate) fn request(&self, bits: u32) {
        // ORDERING: SeqCst, both: protocol, step 3.
        self.requests.fetch_or(bits, Ordering::SeqCst);
        self.word.store(POISON, StdOrdering::SeqCst);
    }

    /// Makes the running goroutine pass by `at_safepoint`, without a request. Owner only.
    #[inline]
    pub(crate) fn poison_own(&self) {
        // ORDERING: Relaxed; the owner reads it itself.
        self.word.store(POISON, StdOrdering::Relaxed);
    }

    /// Installs a limit. Owner only.
    #[inline]
    pub(crate) fn install(&self, limit: usize) {
        // PERF: a caller's goroutine finds the limit of the last one, whose stack it has. What is not stored can overwrite no poison.
        // ORDERING: Relaxed; a poison that is not seen yet is seen at the next safepoint.
        if self.word.load(StdOrdering::Relaxed) == limit {
            return;
        }
        // ORDERING: SeqCst, both: protocol, step 3.
        self.word.store(limit, StdOrdering::SeqCst);
        if self.requests.load(Ordering::SeqCst) != 0 {
            self.word.store(POISON, StdOrdering::SeqCst);
        }
    }

    /// The pending requests.
    #[inline]
    pub(crate) fn requests(&self) -> u32 {
        // ORDERING: Relaxed; a hint. A request that is missed here has poisoned the word and is seen at the next safepoint.
        self.requests.load(Ordering::Relaxed)
    }

    /// Takes the pending requests. Owner only.
    pub(crate) fn take_requests(&self) -> u32 {
        // ORDERING: SeqCst. The owner reads the attention word after this: whoever set that did so before requesting.
        self.requests.swap(0, Ordering::SeqCst)
    }

    /// Takes some requests. Owner only.
    fn clear(&self, bits: u32) {
        // ORDERING: SeqCst, as in `take_requests`.
        self.requests.fetch_and(!bits, Ordering::SeqCst);
    }
}

impl<E: Engine> Context<'_, E> {
    /// The running goroutine's limit word was above its limit, and its stack need not grow.
    #[cold]
    pub(crate) fn safepoint(&self, limit: usize) -> SafepointAction {
        let word = &self.processor().limit;
        let turns = &self.cells().turns;
        // Before all else, so that what others ask for at this safepoint does not make it count twice, or not at all.
        if turns.is_on() && turns.pass() && self.somebody_waits() {
            self.end_turn();
            return SafepointAction::Yield;
        }
        let requests = word.requests();
        if requests != 0 {
            if self.shared().attention() != 0 {
                return self.interrupt();
            }
            if requests & (request::PREEMPT | request::URGENT) != 0 && self.somebody_waits() {
                return SafepointAction::Yield;
            }
            if requests & request::RETURNED != 0 {
                return SafepointAction::Yield;
            }
            word.clear(requests);
            if requests & request::DEADLINE != 0 {
                self.count_safepoints();
            }
            if self.shared().attention() != 0 {
                return self.interrupt();
            }
        }
        let cells = self.cells();
        if self.shared().counts_safepoints() && self.counted_out() {
            return SafepointAction::Yield;
        }
        if cells.backlog.is_asked() {
            return SafepointAction::Yield;
        }
        let left = cells.deferred_wakeups.get();
        if left > 1 {
            cells.deferred_wakeups.set(left - 1);
            // The limit stays poisoned; but our requester may have been overtaken, so that is not all it says.
            return SafepointAction::Continue;
        }
        if left == 1 {
            self.wake_deferred();
        }
        if cells.counted.get() != 0 {
            // The next safepoint is to be counted too.
            return SafepointAction::Continue;
        }
        word.install(limit);
        SafepointAction::Continue
    }

    /// The running goroutine's turn is over by the seed: behind everybody it goes, or behind those that are queued here; and somebody of those is the next.
    #[cold]
    fn end_turn(&self) {
        let processor = self.processor();
        let turns = &self.cells().turns;
        let queued = u64::from(processor.queue.len());
        for _ in 0..turns.below(queued.clamp(1, MOST_PASSED_OVER)) {
            let overflow = match processor.queue.pop() {
                Some(first) => processor.queue.push(first),
                None => None,
            };
            if let Some(overflow) = overflow {
                let mut central = self.shared().central();
                self.shared().put_global_list(&mut central, overflow);
            }
        }
        let request = match turns.below(2) {
            0 => request::PREEMPT,
            // Says no more than that it was asked.
            _ => request::ATTENTION,
        };
        processor.limit.request(request);
        self.shared()
            .event(TraceKind::Preempt, Some(processor.index), None, 0);
    }

    /// Has the running goroutine leave for the scheduler's own affairs; it goes on first afterwards (`Machine::yielded`).
    fn interrupt(&self) -> SafepointAction {
        self.cells().interrupted.set(true);
        SafepointAction::Yield
    }

    /// Without a monitor: counts a safepoint, and every so often looks whether the goroutine must let others run. While nobody else can
    /// come to want the processor nothing is counted.
    fn counted_out(&self) -> bool {
        let cells = self.cells();
        let left = cells.counted.get();
        if left > 1 {
            cells.counted.set(left - 1);
            return false;
        }
        let shared = self.shared();
        if shared.until_deadline() <= 0 {
            cells.counted.set(COUNTED_SAFEPOINTS);
            // The machine sees it on its way to the next goroutine.
            return true;
        }
        let waits = !self.processor().queue.is_empty() || shared.global_len() != 0;
        let may_wait = waits
            || shared.earliest_timer() != crate::clock::NEVER
            || shared.until_deadline() != crate::clock::NEVER
            || shared.netpoll.has_waiters();
        let by_seed = cells.turns.is_on();
        if !may_wait && !by_seed {
            cells.counted.set(0);
            return false;
        }
        cells.counted.set(COUNTED_SAFEPOINTS);
        let now = self.now();
        if shared.earliest_timer() <= now {
            return true;
        }
        if by_seed {
            return false;
        }
        // ORDERING: Relaxed; one machine at a time runs goroutines here.
        let tick = self.processor().schedule_tick.load(Ordering::Relaxed);
        let (seen, since) = cells.counted_slice.get();
        if seen != tick {
            cells.counted_slice.set((tick, now));
            return false;
        }
        if now - since < TIME_SLICE || !waits && !shared.netpoll.has_waiters() {
            return false;
        }
        self.processor().limit.request(request::PREEMPT);
        true
    }

    /// Something has come up for which others may want the processor: without a monitor, safepoints are counted from now on.
    #[inline]
    pub(crate) fn count_safepoints(&self) {
        if self.shared().counts_safepoints() && self.cells().counted.get() == 0 {
            self.cells().counted.set(COUNTED_SAFEPOINTS);
            self.processor().limit.poison_own();
        }
    }

    /// Whether yielding would let somebody else run.
    fn somebody_waits(&self) -> bool {
        !self.processor().queue.is_empty()
            || self.shared().global_len() != 0
            || self.processor().timers.earliest() <= self.now()
            || self.shared().earliest_timer() <= self.now()
    }

    /// Does the wake-up that was put off.
    #[cold]
    pub(crate) fn wake_deferred(&self) {
        let cells = self.cells();
        cells.deferred_wakeups.set(0);
        if cells.deferred_watch.replace(false) {
            self.shared()
                .watch_timer(self.processor().timers.earliest());
            self.shared().watch_descriptors();
        }
        if !self.processor().queue.is_empty() {
            self.shared().wake_processor();
        }
    }

    /// Puts a wake-up off.
    #[inline]
    pub(crate) fn defer_wakeup(&self) {
        let cells = self.cells();
        if cells.deferred_wakeups.get() == 0 {
            cells.deferred_wakeups.set(DEFERRED_SAFEPOINTS);
            self.processor().limit.poison_own();
        }
    }
}

impl<E: Engine> Shared<E> {
    /// Sets bits of the attention word and makes every running goroutine look.
    pub(crate) fn call_attention(&self, bits: u32) {
        self.set_attention(bits);
        self.request_all(request::ATTENTION);
    }

    /// Makes every running goroutine look.
    pub(crate) fn request_all(&self, bits: u32) {
        for processor in self.all_processors() {
            processor.limit.request(bits);
        }
    }
}

/// Urgent requests: a goroutine has become runnable from outside (a timer, a blocking call that came back) while every processor
/// is busy. One is asked to yield at once, but none twice within [`MINIMUM_SLICE`], so that events cannot drive the
/// scheduler into thrashing; what is put off for that reason sysmon does.
pub(crate) struct Urgency {
    /// When the last request was made.
    last: AtomicI64,
    /// The processor that was asked last.
    turn: AtomicU32,
    /// A request was put off.
    pending: AtomicBool,
}

impl Urgency {
    pub(crate) fn new() -> Urgency {
        Urgency {
            last: AtomicI64::new(0),
            turn: AtomicU32::new(0),
            pending: AtomicBool::new(false),
        }
    }

    /// Whether a request was put off; it is no longer.
    pub(crate) fn take_pending(&self) -> bool {
        // ORDERING: Relaxed; a hint for sysmon, which comes by again.
        self.pending.load(Ordering::Relaxed) && self.pending.swap(false, Ordering::Relaxed)
    }
}

impl<E: Engine> Shared<E> {
    /// Asks one busy processor to yield, or has sysmon ask later.
    pub(crate) fn request_urgent(self: &Arc<Self>) {
        let now = self.real_now();
        let urgent = &self.urgent;
        let count = self.processor_count();
        // Each processor is asked in turn, so the gap between two requests to one is the gap between any two times their number.
        let gap = MINIMUM_SLICE / i64::try_from(count).unwrap_or(1).max(1);
        // ORDERING: Relaxed; the compare-and-swap only elects one of several requesters.
        let last = urgent.last.load(Ordering::Relaxed);
        if now - last < gap
            || urgent
                .last
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            urgent.pending.store(true, Ordering::Relaxed);
            self.sysmon.wake_before(self.clock.now() + MINIMUM_SLICE);
            return;
        }
        // ORDERING: Relaxed; any processor will do.
        let turn = urgent.turn.fetch_add(1, Ordering::Relaxed) as usize;
        // One that runs, else one in a blocking call: its goroutine finds the request when it is back.
        for wanted in [ProcessorStatus::Running, ProcessorStatus::Blocking] {
            for offset in 0..count {
                if let Some(processor) = self.processor((turn + offset) % count)
                    && processor.word.status() == wanted
                {
                    processor.limit.request(request::URGENT);
                    return;
                }
            }
        }
    }
}

/// How long a time slice is before others that wait get their turn.
pub(crate) const TIME_SLICE: Nanos = 10_000_000;

/// How long a goroutine runs at least between two urgent requests.
pub(crate) const MINIMUM_SLICE: Nanos = 100_000;

#[cfg(all(test, loom))]
mod models {
    use super::*;

    // `word` is a std atomic (it is lent to the engine), so the model rebuilds the protocol with loom's.
    #[test]
    fn loom_no_request_is_lost() {
        use loom::{sync::Arc, sync::atomic::AtomicUsize, thread};
        loom::model(|| {
            let pair = Arc::new((AtomicUsize::new(7), AtomicU32::new(0)));
            let requester = {
                let pair = pair.clone();
                thread::spawn(move || {
                    pair.1.fetch_or(request::PREEMPT, Ordering::SeqCst);
                    pair.0.store(POISON, Ordering::SeqCst);
                })
            };
            pair.0.store(9, Ordering::SeqCst);
            // A read-modify-write stands for the SeqCst load: loom treats plain SeqCst loads as weaker than they are.
            if pair.1.fetch_or(0, Ordering::SeqCst) != 0 {
                pair.0.store(POISON, Ordering::SeqCst);
            }
            requester.join().unwrap();
            assert_eq!(pair.0.load(Ordering::SeqCst), POISON);
        });
    }
}
