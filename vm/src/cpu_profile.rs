//! The CPU profiler: whose code runs, a hundred times a second.
//!
//! 1. A thread of its own ticks: once for every hundredth of a second that the process has had of the system's processors. It notes each tick on
//!    a processor that runs a goroutine, in turn, and has that goroutine pass by its next safepoint ([`runtime::Sampler`]).
//! 2. Where the goroutine was when the clock ticked nobody knows: a safepoint says where a stretch of code ends, not which one it was, and
//!    a loop that calls a function has one at the function's entry and one at its own end. So the goroutine also passes by the safepoints of
//!    the next [`LONG_ENOUGH`], and the time of each stretch between two of them counts for the stack at its beginning.
//! 3. One of these stacks is drawn, by their times: it is the sample.
//! 4. What takes long is one long stretch, in which the clock ticks, and which may not come again soon. The first to end counts as well, with twice the
//!    time since the tick, which is its expected length: when a native ends it, for the native's caller; else only if it was long and the
//!    thread has run meanwhile, for the function it ended in.
//!
//! A goroutine that stops running earlier (it waits, or its time is over) ends the last stretch. What goroutines in blocking calls do is not sampled:
//! mostly they wait.
//!
//! Rejected: to count for the stack at the safepoint itself. In a loop around a leaf function without loops the leaf is then charged with what the
//! loop does and the loop with what the leaf does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use runtime::{Sampler, Switch};
use rustix::time::{ClockId, clock_gettime};

use crate::engine::{Machine, PerProcessor};
use crate::fiber::Fiber;
use crate::running::Running;
use crate::trace::{self, Position};

/// How long stretches of code between safepoints are timed for a tick.
const LONG_ENOUGH: Duration = Duration::from_micros(150);

/// How many at most.
const STRETCHES: u32 = 1000;

/// A stretch that goes on for so long after a tick is worth to be counted.
const LONG: Duration = Duration::from_millis(1);

/// How many frames of a stack are noted. GO: runtime `maxProfStackDepth`
const DEPTH: usize = 128;

/// Between two ticks. GO: runtime/pprof: 100 Hz
const PERIOD: Duration = Duration::from_millis(10);

/// So many different stacks are kept at most; further ones are counted together. Each may hold [`DEPTH`] frames.
const STACKS: usize = 100_000;

/// How often each stack was met.
#[derive(Clone, Debug)]
pub struct CpuProfile {
    pub started: SystemTime,
    pub duration: Duration,
    /// What one sample stands for.
    pub period: Duration,
    /// Stacks, and in how many samples each was met: program counters as `runtime.Callers` gives them, the innermost first. A stack without any stands
    /// for those that there was no room for.
    pub samples: Vec<(Vec<u64>, u64)>,
}

/// Ticks of a processor that no goroutine has taken yet.
#[derive(Default)]
struct Ticks {
    count: AtomicU32,
    /// When the first of them was, in nanoseconds of the profile.
    since: AtomicU64,
}

/// Program counters, the innermost first.
type Stack = Vec<u64>;

#[derive(Default)]
struct Found {
    stacks: HashMap<Stack, u64>,
    /// Samples whose stacks there was no room for.
    others: u64,
}

/// One profile that is being taken.
struct Recording {
    start: Instant,
    started: SystemTime,
    ticks: Vec<Ticks>,
    found: Mutex<Found>,
    /// It has been stopped: the thread ends.
    over: AtomicBool,
}

/// A machine's profiler.
#[derive(Default)]
pub(crate) struct CpuProfiler {
    is_on: AtomicBool,
    recording: Mutex<Option<Arc<Recording>>>,
}

impl CpuProfiler {
    /// Whether ticks are to be looked for.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        // ORDERING: Relaxed; a hint, the lock says the rest.
        self.is_on.load(Ordering::Relaxed)
    }

    fn recording(&self) -> Option<Arc<Recording>> {
        let recording = self.recording.lock();
        recording.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How much the threads of this process have run until now, together.
pub fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

/// How much a thread has run until when.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    at: Instant,
    ran: Duration,
}

impl Look {
    fn now() -> Look {
        let ran = clock_gettime(ClockId::ThreadCPUTime);
        Look {
            at: Instant::now(),
            ran: Duration::try_from(ran).unwrap_or_default(),
        }
    }

    /// Whether the thread that looks now has run all the time since, as it has not if it is another one.
    fn has_run_since(self) -> bool {
        let now = Look::now();
        let ran = now.ran.checked_sub(self.ran).unwrap_or_default();
        let passed = now.at - self.at;
        ran <= passed + LONG && ran >= passed.mul_f64(0.9)
    }
}

/// What a processor's goroutines are being timed for.
pub(crate) struct Burst {
    recording: Arc<Recording>,
    /// How many samples the outcome counts as.
    ticks: u32,
    stretches: u32,
    begun: Instant,
    /// Nanoseconds of all stretches so far.
    total: u64,
    /// The stack that is drawn so far.
    drawn: Stack,
    /// The stack at the beginning of this stretch, and when that was.
    current: Stack,
    since: Instant,
    random: u64,
}

impl Burst {
    /// If the goroutine on this processor has ticks to account for, begins. The stretch that has ended was one of `stack`; `counts` says whether it
    /// counts if it went on for so long after the first tick.
    fn begin(
        recording: Arc<Recording>,
        processor: usize,
        stack: Stack,
        counts: impl FnOnce(Duration) -> bool,
    ) -> Option<Burst> {
        let ticks = recording.ticks.get(processor)?;
        // ORDERING: Relaxed, both; a tick that is missed or dated wrongly is a small error of a statistic.
        let count = ticks.count.swap(0, Ordering::Relaxed);
        let tick = ticks.since.load(Ordering::Relaxed);
        if count == 0 {
            return None;
        }
        let now = nanoseconds(recording.start.elapsed());
        let went_on = now.saturating_sub(tick);
        let weight = match counts(Duration::from_nanos(went_on)) {
            true => went_on.saturating_mul(2),
            false => 0,
        };
        let begun = Instant::now();
        Some(Burst {
            ticks: count,
            stretches: 0,
            begun,
            total: weight,
            drawn: stack,
            current: Stack::new(),
            since: begun,
            random: now ^ 0x9e37_79b9_7f4a_7c15,
            recording,
        })
    }

    /// The stretch ends.
    fn end_stretch(&mut self) {
        let time = nanoseconds(self.since.elapsed()).max(1);
        self.total = self.total.saturating_add(time);
        self.stretches += 1;
        // A reservoir of one: each stretch ends up drawn with the chance that its time has among all.
        if self.next_random() % self.total < time {
            std::mem::swap(&mut self.drawn, &mut self.current);
        }
    }

    fn is_long_enough(&self) -> bool {
        self.stretches >= STRETCHES || self.begun.elapsed() >= LONG_ENOUGH
    }

    /// A random number (splitmix64).
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Counts what is drawn.
    fn finish(self) {
        if self.drawn.is_empty() {
            return;
        }
        let found = self.recording.found.lock();
        let mut found = found.unwrap_or_else(PoisonError::into_inner);
        let ticks = u64::from(self.ticks);
        if let Some(count) = found.stacks.get_mut(&self.drawn) {
            *count += ticks;
        } else if found.stacks.len() < STACKS {
            found.stacks.insert(self.drawn, ticks);
        } else {
            found.others += ticks;
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The goroutine passes by a safepoint, where it has been saved, and a profile is being taken or was until now.
#[cold]
#[inline(never)]
pub(crate) fn at_safepoint(cx: &mut Running<'_>) {
    let burst = match cx.local.burst.take() {
        Some(mut burst) => {
            burst.end_stretch();
            if burst.is_long_enough() {
                cx.local.looked = Some(Look::now());
                return burst.finish();
            }
            Some(burst)
        }
        None => begin(cx, false),
    };
    if let Some(mut burst) = burst {
        burst.current = stack_of(cx.machine, cx.fiber, false);
        burst.since = Instant::now();
        cx.local.burst = Some(burst);
    }
}

/// A native has returned to the goroutine, which has been saved at its call, and a profile is being taken or was until now.
#[cold]
#[inline(never)]
pub(crate) fn after_native(cx: &mut Running<'_>) {
    if cx.local.burst.is_some() {
        return;
    }
    if let Some(mut burst) = begin(cx, true) {
        burst.current = stack_of(cx.machine, cx.fiber, false);
        burst.since = Instant::now();
        cx.local.burst = Some(burst);
        cx.slice.install_limit(cx.own_limit());
    }
}

/// Begins to time a goroutine that has been saved, if the clock has ticked.
fn begin(cx: &mut Running<'_>, native: bool) -> Option<Box<Burst>> {
    let recording = cx.machine.profiler.recording()?;
    let processor = cx.slice.processor_index();
    // ORDERING: Relaxed; `begin` takes them.
    if recording
        .ticks
        .get(processor)?
        .count
        .load(Ordering::Relaxed)
        == 0
    {
        return None;
    }
    let stack = stack_of(cx.machine, cx.fiber, !native);
    let looked = cx.local.looked.take();
    let counts = |time: Duration| native || time >= LONG && looked.is_some_and(Look::has_run_since);
    Burst::begin(recording, processor, stack, counts).map(Box::new)
}

/// A goroutine stops running, and a profile is being taken or was until now.
#[cold]
#[inline(never)]
pub(crate) fn left(
    machine: &Machine,
    fiber: &Fiber,
    local: &mut PerProcessor,
    processor: usize,
    switch: &Switch<Machine>,
) {
    if let Some(mut burst) = local.burst.take() {
        burst.end_stretch();
        return burst.finish();
    }
    // One that has ended has no frames to look at; its last ticks count for what comes next.
    if !matches!(switch, Switch::Exit | Switch::Goexit)
        && let Some(recording) = machine.profiler.recording()
    {
        let stack = stack_of(machine, fiber, true);
        if let Some(burst) = Burst::begin(recording, processor, stack, |_| true) {
            burst.finish();
        }
    }
}

/// The stack of a saved fiber; `ended`: for the stretch that has ended there, so without a function that has only been entered.
fn stack_of(machine: &Machine, fiber: &Fiber, ended: bool) -> Stack {
    use std::ops::ControlFlow::{Break, Continue};
    let image = &machine.image;
    let mut counters = Stack::new();
    let mut entered = None;
    trace::walk_while(image, fiber, |frame| {
        if frame.function.function.wrapper || image.is_entry(frame.function) {
            return Continue(());
        }
        let counter = match frame.position {
            Position::Returning(offset) => image.address_of(offset),
            other => image.address_of(other.offset()) + 1,
        };
        if ended && counters.is_empty() && matches!(frame.position, Position::Entry(_)) {
            entered = Some(counter);
            return Continue(());
        }
        counters.push(counter);
        if counters.len() < DEPTH {
            Continue(())
        } else {
            Break(())
        }
    });
    if counters.is_empty() {
        // The first function of a goroutine has nothing below it.
        counters.extend(entered);
    }
    counters
}

impl Machine {
    /// Begins to take a CPU profile. False: one is being taken, or there is no thread to be had.
    pub fn start_cpu_profile(&self, sampler: Sampler<Machine>) -> bool {
        let current = self.profiler.recording.lock();
        let mut current = current.unwrap_or_else(PoisonError::into_inner);
        if current.is_some() {
            return false;
        }
        let recording = Arc::new(Recording {
            start: Instant::now(),
            started: SystemTime::now(),
            ticks: (0..sampler.most_processors())
                .map(|_| Ticks::default())
                .collect(),
            found: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let of_thread = Arc::downgrade(&recording);
        let thread = std::thread::Builder::new()
            .name("golite-profiler".to_owned())
            .stack_size(256 << 10)
            .spawn(move || tick(&of_thread, &sampler));
        if thread.is_err() {
            return false;
        }
        *current = Some(recording);
        // ORDERING: Relaxed; see `is_on`.
        self.profiler.is_on.store(true, Ordering::Relaxed);
        true
    }

    /// Ends the profile that is being taken. `None`: there is none.
    pub fn stop_cpu_profile(&self) -> Option<CpuProfile> {
        let current = self.profiler.recording.lock();
        let mut current = current.unwrap_or_else(PoisonError::into_inner);
        let recording = current.take()?;
        // ORDERING: Relaxed; see `is_on`.
        self.profiler.is_on.store(false, Ordering::Relaxed);
        // ORDERING: Relaxed; the thread looks again at its next tick.
        recording.over.store(true, Ordering::Relaxed);
        drop(current);
        let found = recording.found.lock();
        let mut found = found.unwrap_or_else(PoisonError::into_inner);
        let found = std::mem::take(&mut *found);
        let mut samples: Vec<_> = found.stacks.into_iter().collect();
        if found.others != 0 {
            samples.push((Stack::new(), found.others));
        }
        // The table has no order of its own.
        samples.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
        Some(CpuProfile {
            started: recording.started,
            duration: recording.start.elapsed(),
            period: PERIOD,
            samples,
        })
    }
}

/// The thread's work: ticks until the profile is over, or the program.
fn tick(recording: &Weak<Recording>, sampler: &Sampler<Machine>) {
    let mut next = Instant::now();
    let used = || Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default();
    let mut last_used = used();
    // What the process has used and no tick stands for.
    let mut credit = Duration::ZERO;
    for turn in 0usize.. {
        next += PERIOD;
        let now = Instant::now();
        match next.checked_duration_since(now) {
            Some(wait) => std::thread::sleep(wait),
            // The system was busy elsewhere: what was missed stays so.
            None => next = now,
        }
        let Some(recording) = recording.upgrade() else {
            return;
        };
        // ORDERING: Relaxed; a stop that is seen late costs a tick that nobody counts.
        if recording.over.load(Ordering::Relaxed) {
            return;
        }
        let now_used = used();
        credit += now_used.saturating_sub(last_used);
        last_used = now_used;
        let at = nanoseconds(recording.start.elapsed());
        let goes_on = sampler.sample(turn, |processor| {
            let due = credit >= PERIOD;
            if due && let Some(ticks) = recording.ticks.get(processor) {
                credit -= PERIOD;
                // ORDERING: Relaxed, all; as in `Burst::begin`. The request that follows lets the goroutine look.
                if ticks.count.load(Ordering::Relaxed) == 0 {
                    ticks.since.store(at, Ordering::Relaxed);
                }
                ticks.count.fetch_add(1, Ordering::Relaxed);
            }
            due
        });
        // What others than goroutines have used nobody is to be charged with.
        credit = credit.min(PERIOD);
        if !goes_on {
            return;
        }
    }
}
