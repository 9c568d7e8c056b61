//! The system monitor: a thread without a processor that sees to it that none is lost to a blocking call, an endless loop or
//! a timer that nobody waits for.
//!
//! Each round it sleeps, then (each a function that says what it did):
//!
//! 1. sleeps deeply while the world is stopped or everybody is idle, until somebody gets a processor busy or a timer is due;
//! 2. sees to overdue timers and other urgent matters: starts a machine, or asks a busy processor to yield at once;
//! 3. looks for events of descriptors when one has ended its sleep, or nobody did for 10 ms;
//! 4. retakes processors from blocking calls, and asks goroutines whose slice is over to yield if anybody waits;
//! 5. asks for a collection when none ran for long;
//! 6. looks, at most once a second, how many processors the mask and the cgroup's quota grant;
//! 7. prints the scheduler's trace.
//!
//! A scheduler with machines of its own has such a thread of its own ([`start`]); those that share machines share one (`monitor.rs`), which
//! does the rounds of each ([`PooledWard`]); one that runs on its callers' threads alone has none.
//!
//! While every processor is busy and goroutines wait for descriptors, it sleeps where an event ends the sleep. Machines that run short of work look
//! for events themselves, some thousand times a second; in that case it is left in peace, so that a busy server does not wake it for each packet.
//!
//! It is not counted in deadlock detection. What it decides is decided by plain functions over numbers, tested below without
//! threads or clocks.
//!
//! GO: proc.go `sysmon`, `retake`, `schedtrace`.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, Weak},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::{
    blocking::{BlockingTicket, ProcessorStatus},
    clock::{NEVER, Nanos},
    engine::Engine,
    event_trace::TraceKind,
    lock_rank::{Rank, RankedMutex},
    monitor::{Link, Rest, Ward},
    netpoll::POLL_GAP,
    preempt::{TIME_SLICE, attention, request},
    processor_count, promptness, schedule_trace,
    scheduler::{MAX_PROCESSORS, Shared},
    stop_the_world,
    sync::{AtomicBool, AtomicI64, Condvar, Ordering, fence},
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
/// In a run that is to be repeated: so does one that takes this long.
const ENDLESS_CALL: Nanos = 1_000_000_000;

/// How long sysmon sleeps between rounds: 20 µs at first, doubled after 50 idle rounds, at most 10 ms; short again
/// when a round achieved something.
#[derive(Debug)]
pub(crate) struct Pace {
    idle_rounds: u32,
    delay: Nanos,
}

impl Pace {
    pub(crate) fn new() -> Pace {
        Pace {
            idle_rounds: 0,
            delay: SHORTEST_DELAY,
        }
    }

    /// The delay before the next round.
    pub(crate) fn next(&mut self) -> Nanos {
        if self.idle_rounds == 0 {
            self.delay = SHORTEST_DELAY;
        } else if self.idle_rounds > PATIENT_ROUNDS {
            self.delay *= 2;
        }
        self.delay = self.delay.min(LONGEST_DELAY);
        self.delay
    }

    pub(crate) fn round_ended(&mut self, achieved: bool) {
        self.idle_rounds = if achieved {
            0
        } else {
            self.idle_rounds.saturating_add(1)
        };
    }

    /// After a wake-up from deep sleep by somebody who got busy.
    pub(crate) fn reset(&mut self) {
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

/// Whether somebody is wanted at once, whatever the slice of who runs: a timer is overdue; a goroutine waits outside whose request was put off, or
/// for which no thread was to be had, though there is a processor for it.
fn is_urgent(now: Nanos, next_timer: Nanos, put_off: bool, waiting: usize, idle: usize) -> bool {
    next_timer <= now || waiting != 0 && (put_off || idle != 0)
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
    /// The monitor that this scheduler shares with others; it sleeps elsewhere.
    link: Option<Link>,
    /// What ends a sleep at the poller. `None`: the system has none to give.
    bell: OnceLock<Option<OwnedFd>>,
}

#[derive(Default)]
struct NoteState {
    notified: bool,
    /// Start with short delays again.
    fresh: bool,
    /// It sleeps at the poller: the bell is to be rung.
    at_poller: bool,
}

impl SysmonNote {
    pub(crate) fn new(link: Option<Link>) -> SysmonNote {
        SysmonNote {
            link,
            state: RankedMutex::new(Rank::Note, NoteState::default()),
            condition: Condvar::new(),
            deep: AtomicBool::new(false),
            wakes_at: AtomicI64::new(0),
            bell: OnceLock::new(),
        }
    }

    /// Whether it sleeps deeply.
    pub(crate) fn is_deep(&self) -> bool {
        // ORDERING: Relaxed; for schedtrace.
        self.deep.load(Ordering::Relaxed)
    }

    /// The way to a shared monitor.
    pub(crate) fn link(&self) -> Option<&Link> {
        self.link.as_ref()
    }

    /// Ends its sleep.
    pub(crate) fn notify(&self) {
        if let Some(link) = &self.link {
            return link.wake(false);
        }
        self.tell(false);
    }

    fn tell(&self, fresh: bool) {
        let mut state = self.state.lock();
        state.notified = true;
        state.fresh |= fresh;
        let at_poller = state.at_poller;
        drop(state);
        self.condition.notify_one();
        if at_poller && let Some(Some(bell)) = self.bell.get() {
            // If it fails it rings already.
            let _ = rustix::io::write(bell, &1_u64.to_ne_bytes());
        }
    }

    /// Says that it is about to sleep deeply; then `all_idle` says whether it may, or somebody has got busy meanwhile.
    fn fall_asleep(&self, all_idle: impl FnOnce() -> bool) -> bool {
        // ORDERING: SeqCst. Pairs with `wake_if_deep`.
        self.deep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let may = all_idle();
        if !may {
            self.deep.store(false, Ordering::SeqCst);
        }
        may
    }

    /// Ends its sleep, if that is deep.
    #[inline]
    pub(crate) fn wake_if_deep(&self) {
        // ORDERING: SeqCst. The caller has taken a processor before: either we see that the monitor means to sleep, or it sees that processor
        // missing (`SysmonNote::fall_asleep`).
        if self.deep.load(Ordering::SeqCst) {
            self.wake_fresh();
        }
    }

    /// Ends its sleep and has it start with short delays.
    pub(crate) fn wake_fresh(&self) {
        // ORDERING: Relaxed; the note's lock says the rest.
        self.deep.store(false, Ordering::Relaxed);
        if let Some(link) = &self.link {
            return link.wake(true);
        }
        self.tell(true);
    }

    /// Ends its sleep if that lasts beyond `when`.
    pub(crate) fn wake_before(&self, when: Nanos) {
        // ORDERING: SeqCst. Pairs with `sleep_until`, which publishes the time and then looks at the timers.
        if self.wakes_at.load(Ordering::SeqCst) > when {
            self.notify();
        }
    }

    fn bell(&self) -> Option<&OwnedFd> {
        use rustix::event::{EventfdFlags, eventfd};
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let made = self.bell.get_or_init(|| eventfd(0, flags).ok());
        made.as_ref()
    }

    /// As `sleep`, but `wait` does the waiting, until the descriptor that it is given can be read. `None`: there is none to be had.
    fn sleep_elsewhere(&self, wait: impl FnOnce(BorrowedFd<'_>)) -> Option<bool> {
        let bell = self.bell()?;
        {
            let mut state = self.state.lock();
            state.at_poller = !state.notified;
            if state.notified {
                state.notified = false;
                return Some(std::mem::take(&mut state.fresh));
            }
        }
        wait(bell.as_fd());
        let mut state = self.state.lock();
        state.at_poller = false;
        state.notified = false;
        let fresh = std::mem::take(&mut state.fresh);
        drop(state);
        // Who rings does so without the lock: a ring that comes later ends the next sleep too early, and is taken then.
        let _ = rustix::io::read(bell, &mut [0; 8]);
        Some(fresh)
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
    // Now, so that the descriptors of a program do not become more while it runs.
    shared.sysmon.bell();
    let shared = Arc::clone(shared);
    std::thread::Builder::new()
        .name("golite-sysmon".to_string())
        .stack_size(256 << 10)
        .spawn(move || {
            if let Some(at_start) = at_start {
                at_start();
            }
            promptness::ask(promptness::MONITOR);
            Sysmon {
                shared,
                memory: Memory::default(),
            }
            .run()
        })
        .ok()
}

/// Has a shared monitor look after the scheduler.
pub(crate) fn join<E: Engine>(shared: &Arc<Shared<E>>) {
    if let (Some(machines), Some(link)) = (&shared.options.machines, shared.sysmon.link()) {
        let ward = PooledWard {
            shared: Arc::downgrade(shared),
            memory: Memory {
                // Not even one that has run nothing has been collected yet.
                slices_collected: u64::MAX,
                ..Memory::default()
            },
        };
        machines.monitor().add(link, Box::new(ward));
    }
}

/// What sysmon remembers of a scheduler between rounds.
#[derive(Default)]
struct Memory {
    seen: Vec<Seen>,
    last_trace: Nanos,
    last_quota: Nanos,
    /// How many slices had begun when it was looked at last, and when a collection was asked for.
    slices: u64,
    slices_collected: u64,
    /// An event has ended the last sleep, and whether the last round has woken somebody for one.
    event: bool,
    polled: bool,
}

/// The mask and the quotas of the system, read at most once in [`QUOTA_PERIOD`] for all who ask.
#[derive(Default)]
pub(crate) struct QuotaWatch {
    read: Option<(Instant, PathBuf, usize)>,
}

impl QuotaWatch {
    fn granted(&mut self, root: &Path) -> usize {
        if let Some((when, of, granted)) = &self.read
            && of == root
            && when.elapsed() < Duration::from_nanos(QUOTA_PERIOD.unsigned_abs())
        {
            return *granted;
        }
        let granted = processor_count::available(root);
        self.read = Some((Instant::now(), root.to_path_buf(), granted));
        granted
    }
}

/// A scheduler as a shared monitor sees it.
struct PooledWard<E: Engine> {
    shared: Weak<Shared<E>>,
    memory: Memory,
}

impl<E: Engine> PooledWard<E> {
    /// Does something as its sysmon. `None`: the scheduler is over.
    fn with<R>(&mut self, f: impl FnOnce(&mut Sysmon<E>) -> R) -> Option<R> {
        let shared = self.shared.upgrade().filter(|s| !s.is_finishing())?;
        let mut sysmon = Sysmon {
            shared,
            memory: std::mem::take(&mut self.memory),
        };
        let result = f(&mut sysmon);
        self.memory = sysmon.memory;
        Some(result)
    }
}

impl<E: Engine> Ward for PooledWard<E> {
    fn before_sleep(&mut self, delay: Nanos) -> Option<Nanos> {
        self.with(|sysmon| {
            if sysmon.shared.events_wait_for_monitor() {
                // Its poller is one that the monitor waits at: an event is a call.
                sysmon.shared.watch_descriptors();
            }
            sysmon.before_sleep(delay)
        })
    }

    fn round(&mut self, quota: &mut QuotaWatch) -> Option<bool> {
        self.with(|sysmon| {
            // ORDERING: SeqCst, as in `before_sleep`.
            sysmon.shared.sysmon.wakes_at.store(0, Ordering::SeqCst);
            sysmon.round(quota)
        })
    }

    fn rest(&mut self) -> Option<Rest> {
        self.with(Sysmon::rest)
    }

    fn call(&mut self) {
        self.with(|sysmon| {
            let shared = &sysmon.shared;
            if let Some(link) = shared.sysmon.link() {
                link.disarmed();
            }
            let woken = shared.look_for_events();
            if shared.put_woken(woken) {
                shared.wake_or_ask();
            }
            sysmon.see_to_urgent_matters();
            // Somebody may wait for more, and nobody goes idle who would ask for it.
            shared.watch_descriptors();
        });
    }
}

struct Sysmon<E: Engine> {
    shared: Arc<Shared<E>>,
    memory: Memory,
}

impl<E: Engine> Sysmon<E> {
    fn run(&mut self) {
        let mut pace = Pace::new();
        let mut quota = QuotaWatch::default();
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
            if self.shared.is_finishing() {
                return;
            }
            let achieved = self.round(&mut quota);
            pace.round_ended(achieved);
        }
    }

    /// One round; answers whether it achieved something.
    fn round(&mut self, quota: &mut QuotaWatch) -> bool {
        let now = self.shared.real_now();
        self.shared.event(TraceKind::Monitor, None, None, 0);
        self.see_to_urgent_matters();
        self.see_to_deadline();
        let polled = self.poll();
        self.memory.polled = polled;
        let retaken = self.retake(now);
        self.force_collection(now);
        self.follow_quota(now, quota);
        self.trace(now);
        polled || retaken != 0
    }

    /// How many time slices have begun.
    fn slices(&self) -> u64 {
        self.shared
            .all_processors()
            // ORDERING: Relaxed; compared only.
            .map(|processor| u64::from(processor.schedule_tick.load(Ordering::Relaxed)))
            .sum()
    }

    /// Leaves a scheduler alone in which everybody is idle and has been since the last call. Only for shared monitors.
    fn rest(&mut self) -> Rest {
        let slices = self.slices();
        let before = std::mem::replace(&mut self.memory.slices, slices);
        let shared = &self.shared;
        let is_idle = || shared.idle_count() == shared.processor_count();
        if before != self.memory.slices
            || shared.options.schedtrace.is_some()
            || shared.attention() != 0
            || !is_idle()
        {
            return Rest::No;
        }
        let central = shared.central();
        if central.is_stopping || !is_idle() || central.global.len() != 0 {
            return Rest::No;
        }
        // A collection is forced once after something has run, not for ever.
        let collection = self
            .collection_period()
            .filter(|_| self.memory.slices != self.memory.slices_collected);
        let now = shared.clock.now();
        let next = self.next_timer();
        let deadline = shared.until_deadline();
        if next <= now || deadline <= 0 {
            return Rest::No;
        }
        if !shared.sysmon.fall_asleep(is_idle) {
            return Rest::No;
        }
        drop(central);
        let timer = if next == NEVER { NEVER } else { next - now };
        let length = timer.min(deadline).min(collection.unwrap_or(NEVER));
        Rest::For((length != NEVER).then(|| Duration::from_nanos(length.unsigned_abs())))
    }

    /// Ends a run whose time is over.
    fn see_to_deadline(&self) {
        if self.shared.until_deadline() <= 0 {
            stop_the_world::end_at_deadline(&self.shared, None);
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

    /// How long to sleep, at most `delay`, but never past the next timer: when all processors are busy, nobody else waits for it. Publishes
    /// until when.
    fn before_sleep(&self, delay: Nanos) -> Nanos {
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
        delay.min(shared.until_deadline())
    }

    /// Sleeps for `delay`, but never past the next timer, nor past an event that nobody else would see soon.
    fn sleep(&mut self, delay: Nanos) -> bool {
        let shared = Arc::clone(&self.shared);
        let delay = self.before_sleep(delay);
        // An event that nobody could take would end each sleep at once.
        let in_vain = std::mem::take(&mut self.memory.event) && !self.memory.polled;
        let mut event = None;
        let told = (delay > 0 && !in_vain && shared.events_wait_for_monitor())
            .then(|| {
                shared.sysmon.sleep_elsewhere(|bell| {
                    let delay = Duration::from_nanos(delay.unsigned_abs());
                    event = shared.netpoll.await_events(bell, delay);
                })
            })
            .flatten();
        self.memory.event = event.unwrap_or(false);
        let fresh = told.unwrap_or_else(|| shared.sysmon.sleep(delay));
        shared.sysmon.wakes_at.store(0, Ordering::SeqCst);
        fresh
    }

    /// Sleeps while the world is stopped or everybody is idle. Answers whether somebody who got busy has ended it.
    fn sleep_deeply(&self) -> bool {
        let shared = &self.shared;
        let nothing_to_do = |stopping: bool| {
            shared.options.schedtrace.is_none()
                && (stopping
                    || shared.idle_count() == shared.processor_count() && shared.global_len() == 0)
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
        let length = length.min(shared.until_deadline());
        if !shared
            .sysmon
            .fall_asleep(|| nothing_to_do(central.is_stopping))
        {
            return false;
        }
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
        let put_off = shared.urgent.take_pending();
        let (now, next) = (shared.clock.now(), self.next_timer());
        if is_urgent(now, next, put_off, shared.global_len(), shared.idle_count()) {
            shared.wake_or_ask();
        }
    }

    /// Looks for events when nobody did for long. Answers whether there were any.
    fn poll(&self) -> bool {
        let event = self.memory.event;
        let shared = &self.shared;
        // ORDERING: SeqCst, as all of `last_poll`. The compare-and-swap elects one poller; 0: a machine waits there.
        let last = shared.last_poll.load(Ordering::SeqCst);
        let now = shared.clock.now();
        let is_due = event && last != 0 || poll_is_due(now, last, shared.netpoll.has_waiters());
        if !is_due
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
        if event {
            shared.event_gap_ends();
        }
        shared.wake_or_ask();
        true
    }

    /// Takes processors from blocking calls; asks goroutines whose slice is over to yield. Answers how many were taken.
    fn retake(&mut self, now: Nanos) -> usize {
        let shared = Arc::clone(&self.shared);
        let mut taken = 0;
        self.memory
            .seen
            .resize(shared.processors_made(), Seen::default());
        let mut work_is_waiting = false;
        for processor in shared.all_processors() {
            let Some(seen) = self.memory.seen.get_mut(processor.index) else {
                // It was made meanwhile: the next round looks at it.
                continue;
            };
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
                slice_is_over = !shared.is_repeatable()
                    && should_preempt(now - seen.slice_since, has_work || shared.global_len() != 0);
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
            let is_due = match shared.is_repeatable() {
                // How long a call takes is not to say who runs when, unless it takes for ever: it may wait for others of the program.
                true => seen_for.is_some_and(|seen_for| seen_for >= ENDLESS_CALL),
                false => should_retake(&view),
            };
            if is_due {
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

    fn force_collection(&mut self, now: Nanos) {
        let shared = &self.shared;
        // ORDERING: Relaxed; compared only.
        let last = shared.last_collection.load(Ordering::Relaxed);
        if !collection_is_due(now, last, self.collection_period()) {
            return;
        }
        self.memory.slices_collected = self.slices();
        // Not again before this one can have run.
        shared.last_collection.store(now, Ordering::Relaxed);
        shared.call_attention(attention::COLLECT_PERIODIC);
        // If everybody sleeps, somebody must come and see.
        shared.wake_processor();
    }

    /// Looks at the processor mask and the cgroup's quota, when GOMAXPROCS follows them.
    fn follow_quota(&mut self, now: Nanos, quota: &mut QuotaWatch) {
        let shared = &self.shared;
        // ORDERING: Relaxed, all here; settings.
        if now - self.memory.last_quota < QUOTA_PERIOD
            || !shared.follows_quota.load(Ordering::Relaxed)
        {
            return;
        }
        self.memory.last_quota = now;
        let granted = quota.granted(&shared.options.system_root);
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
        if now - self.memory.last_trace >= period {
            self.memory.last_trace = now;
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
    fn timers_and_what_was_put_off_do_not_wait_for_a_slice() {
        // A timer that is due, however short the slice.
        assert!(is_urgent(20, 20, false, 0, 0));
        assert!(!is_urgent(19, 20, false, 0, 0));
        assert!(!is_urgent(19, NEVER, false, 0, 2));
        // Who was woken while all were busy, and could not be asked for at once.
        assert!(is_urgent(19, 20, true, 1, 0));
        assert!(!is_urgent(19, 20, true, 0, 0));
        // Who waits though there is a processor. Else its turn comes with the next slice.
        assert!(is_urgent(19, 20, false, 1, 1));
        assert!(!is_urgent(19, 20, false, 1, 0));
    }

    #[test]
    fn a_collection_is_due_after_the_period() {
        assert!(!collection_is_due(99, 0, Some(100)));
        assert!(collection_is_due(100, 0, Some(100)));
        assert!(!collection_is_due(Nanos::MAX, 0, None));
    }
}
