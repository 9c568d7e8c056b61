//! The scheduler: what all machines share, how goroutines are started and woken, how a run begins and ends.
//!
//! **Waking.** A goroutine becomes runnable by [`Context::ready`] or [`Context::spawn`]: it goes into the `next` slot of the
//! waker's processor, and what it displaces goes to the end of that processor's ring (half of a full ring goes to the global queue).
//! Then an idle processor is woken if nobody is spinning: at most one machine at a time is on its way from sleep to work, and
//! it wakes the next when it finds some ([`Shared::wake_processor`]).
//!
//! **The delicate dance.** A submitter first publishes its work, then looks for idle processors; a machine that goes idle first
//! publishes its processor as idle, then looks for work once more. With a full barrier between the two steps on either side one of
//! them sees the other.
//!
//! GO: proc.go `newproc`, `ready`, `wakep`, `schedinit`.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, OnceLock},
    time::Duration,
};

use crate::{
    assignment::{self, MachineHandle},
    blocking::{CallCounter, ProcessorStatus, default_call_limit},
    clock::{Clock, NEVER, Nanos},
    engine::{Engine, Outcome, WorldJob},
    goroutine::{GoroutineId, Registry, Runnable, Running},
    handles::{CollectionRequester, Quitter, Sampler, SchedulerHandle},
    lock_rank::{Rank, RankedGuard, RankedMutex},
    machine::{self, Machine},
    netpoll::Netpoll,
    options::Options,
    preempt::{Urgency, attention},
    processor::{OwnedProcessor, Processor},
    processor_count,
    program::{Callers, Program},
    run_queue::List,
    semaphore::SemaphoreTable,
    session::SessionState,
    standby::Standby,
    sync::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Condvar, Ordering, fence},
    sysmon::{self, SysmonNote},
};

/// The most processors a scheduler can have.
pub(crate) const MAX_PROCESSORS: usize = if cfg!(loom) { 2 } else { 256 };

/// What the central lock guards.
pub(crate) struct Central<E: Engine> {
    /// The global queue. `Shared::global_length` follows it.
    pub(crate) global: List<E>,
    /// INVARIANT: an idle processor's queue is empty. `Shared::idle` follows the length.
    pub(crate) idle_processors: Vec<OwnedProcessor<E>>,
    /// Machines that sleep, the one that went last on top.
    pub(crate) idle_machines: Vec<Arc<MachineHandle<E>>>,
    /// What stands for the threads of a session's host while they call.
    pub(crate) guests: Vec<Arc<MachineHandle<E>>>,
    /// Every machine there is, for schedtrace.
    pub(crate) machines: Vec<Arc<MachineHandle<E>>>,
    pub(crate) machines_started: usize,
    /// The machines of goroutines that are locked to their thread.
    pub(crate) locked: HashMap<GoroutineId, Arc<MachineHandle<E>>>,
    /// Goroutines whose blocking calls wait until fewer are under way. `Shared::calls` follows the length.
    pub(crate) queued_calls: VecDeque<Running<E>>,
    /// Processors the stopped world has.
    pub(crate) stopped: Vec<OwnedProcessor<E>>,
    /// Processors beyond GOMAXPROCS.
    pub(crate) dead: Vec<OwnedProcessor<E>>,
    /// Somebody stops the world; how many processors it still waits for.
    pub(crate) is_stopping: bool,
    pub(crate) stop_wait: usize,
    /// Threads that are no machines and stop the world. The end of the run waits for them, since they look at goroutines.
    pub(crate) visitors: usize,
    /// What other machines want done in the stopped world as well.
    pub(crate) world_jobs: Vec<(Running<E>, WorldJob<E>)>,
    /// Machines in a blocking call whose processor was taken.
    pub(crate) blocked_calls: usize,
    /// How the run ends.
    pub(crate) outcome: Option<Outcome<E>>,
    pub(crate) panic: Option<Box<dyn std::any::Any + Send>>,
    /// The operating system has refused a thread.
    pub(crate) thread_refused: bool,
    /// The number of the machine that was made last.
    pub(crate) last_machine: usize,
    /// How many threads wait for the program to come to something: with none, nothing is a deadlock.
    pub(crate) waited_for: usize,
    /// Threads of the host that call (`program.rs`).
    pub(crate) callers: Callers<E>,
}

/// What all machines share.
pub(crate) struct Shared<E: Engine> {
    engine: Arc<E>,
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    real_clock: Clock,
    pub(crate) registry: Registry<E>,
    pub(crate) semaphores: SemaphoreTable<E>,
    processors: Box<[OnceLock<Arc<Processor<E>>>]>,
    /// GOMAXPROCS.
    processor_count: AtomicUsize,
    /// How many processors were ever made.
    processors_made: AtomicUsize,
    central: RankedMutex<Central<E>>,
    /// Told when a stopped world is complete, and when a machine ends.
    pub(crate) progress: Condvar,
    global_length: AtomicUsize,
    /// Length of the idle list.
    idle: AtomicUsize,
    /// One more idle processor, for callers.
    pub(crate) standby: Standby<E>,
    pub(crate) spinning: AtomicUsize,
    /// A processor was wanted for a spinning machine and none was idle.
    pub(crate) need_spinning: AtomicBool,
    attention: AtomicU32,
    last_id: AtomicU64,
    /// Goroutines started without a processor: main and those of hosts.
    pub(crate) started_outside: AtomicU64,
    /// Handles and wakers outside; while there are any nothing is a deadlock.
    pub(crate) host_handles: AtomicUsize,
    pub(crate) netpoll: Netpoll<E>,
    /// When somebody polled last; 0 while a machine waits in the poller.
    pub(crate) last_poll: AtomicI64,
    /// How long nobody must have looked for events until the monitor waits for them, and whether machines have looked since it found some.
    pub(crate) event_gap: AtomicI64,
    pub(crate) machines_look: AtomicBool,
    /// Until when the machine in the poller waits.
    pub(crate) poll_until: AtomicI64,
    pub(crate) last_collection: AtomicI64,
    /// The most threads there may be.
    pub(crate) max_threads: AtomicUsize,
    pub(crate) calls: CallCounter,
    /// GOMAXPROCS follows the quota, and what it is to become.
    pub(crate) follows_quota: AtomicBool,
    pub(crate) quota: AtomicUsize,
    pub(crate) sysmon: SysmonNote,
    pub(crate) urgent: Urgency,
    pub(crate) session: SessionState,
    /// When the run's time is over, on the real clock.
    deadline: AtomicI64,
    seed: u64,
    /// What ends the process with the run, if that is wanted.
    process_end: OnceLock<ProcessEnd<E>>,
}

/// Ends the process. See [`Scheduler::run_process`].
type ProcessEnd<E> = Box<dyn Fn(Outcome<E>) + Send + Sync>;

impl<E: Engine> Shared<E> {
    pub(crate) fn new(engine: Arc<E>, options: Options) -> Shared<E> {
        let count = if options.callers_only {
            1
        } else {
            options
                .processors
                .unwrap_or_else(|| match &options.machines {
                    Some(machines) => machines.processors(&options.system_root),
                    None => processor_count::available(&options.system_root),
                })
                .clamp(1, MAX_PROCESSORS)
        };
        let link = options.machines.as_ref().map(|m| m.monitor().link());
        let seed = options.seed.unwrap_or_else(random_seed);
        let clock = Clock::new(options.virtual_clock);
        let now = clock.now();
        let shared = Shared {
            engine,
            clock,
            real_clock: Clock::new(false),
            registry: Registry::new(),
            semaphores: SemaphoreTable::new(),
            processors: (0..MAX_PROCESSORS).map(|_| OnceLock::new()).collect(),
            processor_count: AtomicUsize::new(count),
            processors_made: AtomicUsize::new(0),
            central: RankedMutex::new(
                Rank::Central,
                Central {
                    global: List::default(),
                    idle_processors: Vec::new(),
                    idle_machines: Vec::new(),
                    guests: Vec::new(),
                    machines: Vec::new(),
                    machines_started: 0,
                    locked: HashMap::new(),
                    queued_calls: VecDeque::new(),
                    stopped: Vec::new(),
                    dead: Vec::new(),
                    is_stopping: false,
                    stop_wait: 0,
                    visitors: 0,
                    world_jobs: Vec::new(),
                    blocked_calls: 0,
                    outcome: None,
                    panic: None,
                    thread_refused: false,
                    last_machine: 0,
                    waited_for: 0,
                    callers: Callers::default(),
                },
            ),
            progress: Condvar::new(),
            global_length: AtomicUsize::new(0),
            idle: AtomicUsize::new(0),
            standby: Standby::new(),
            spinning: AtomicUsize::new(0),
            need_spinning: AtomicBool::new(false),
            attention: AtomicU32::new(0),
            last_id: AtomicU64::new(GoroutineId::MAIN.0),
            started_outside: AtomicU64::new(1),
            host_handles: AtomicUsize::new(0),
            // Many schedulers may have nothing to poll.
            netpoll: Netpoll::new(options.machines.is_none() && !options.callers_only),
            last_poll: AtomicI64::new(now),
            event_gap: AtomicI64::new(crate::preempt::MINIMUM_SLICE),
            machines_look: AtomicBool::new(false),
            poll_until: AtomicI64::new(0),
            last_collection: AtomicI64::new(1),
            max_threads: AtomicUsize::new(if options.callers_only {
                0
            } else {
                options.max_threads
            }),
            deadline: AtomicI64::new(NEVER),
            calls: CallCounter::new(options.max_blocking_calls.unwrap_or_else(|| {
                match &options.machines {
                    Some(machines) => machines.call_limit(&options.system_root),
                    None => default_call_limit(),
                }
            })),
            follows_quota: AtomicBool::new(options.processors.is_none() && !options.callers_only),
            quota: AtomicUsize::new(count),
            sysmon: SysmonNote::new(link),
            urgent: Urgency::new(),
            process_end: OnceLock::new(),
            session: SessionState::new(),
            seed,
            options,
        };
        let mut central = shared.central();
        // The first processor ends on top: machine 0 takes it.
        for index in (0..count).rev() {
            let processor = shared.make_processor(index);
            shared.put_idle_processor(&mut central, processor);
        }
        drop(central);
        shared
    }

    pub(crate) fn make_processor(&self, index: usize) -> OwnedProcessor<E> {
        let local = self.engine.new_per_processor(index);
        let processor = OwnedProcessor::new(index, self.seed, self.options.shuffle, local);
        let known = self.processors[index].set(Arc::clone(&processor)).is_ok();
        assert!(known, "processor {index} is made once");
        // ORDERING: Release. Pairs with `all_processors`.
        self.processors_made.fetch_max(index + 1, Ordering::Release);
        processor
    }

    pub(crate) fn engine(&self) -> &E {
        &self.engine
    }

    pub(crate) fn engine_handle(&self) -> &Arc<E> {
        &self.engine
    }

    /// The last number given to a goroutine, or to a processor's batch of them.
    pub(crate) fn last_id(&self) -> &AtomicU64 {
        &self.last_id
    }

    #[inline]
    pub(crate) fn central(&self) -> RankedGuard<'_, Central<E>> {
        self.central.lock()
    }

    pub(crate) fn processor(&self, index: usize) -> Option<&Arc<Processor<E>>> {
        self.processors.get(index)?.get()
    }

    /// Every processor that was ever made.
    pub(crate) fn all_processors(&self) -> impl Iterator<Item = &Arc<Processor<E>>> {
        // ORDERING: Acquire. Pairs with `make_processor`.
        let made = self.processors_made.load(Ordering::Acquire);
        self.processors[..made].iter().filter_map(OnceLock::get)
    }

    pub(crate) fn processors_made(&self) -> usize {
        // ORDERING: Acquire. Pairs with `make_processor`.
        self.processors_made.load(Ordering::Acquire)
    }

    pub(crate) fn processor_count(&self) -> usize {
        // ORDERING: Relaxed; changes only in a stopped world.
        self.processor_count.load(Ordering::Relaxed)
    }

    pub(crate) fn set_processor_count(&self, count: usize) {
        // ORDERING: Relaxed; in a stopped world.
        self.processor_count.store(count, Ordering::Relaxed);
    }

    /// Whether its machines wait for timers and events themselves; else a shared monitor does.
    pub(crate) fn waits_itself(&self) -> bool {
        self.options.machines.is_none() || self.clock.is_virtual()
    }

    /// Whether the run is to be the same each time: nothing that takes real time may say who runs when.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.options.shuffle && self.clock.is_virtual()
    }

    /// Whether nobody but the running goroutine looks at the clock.
    #[inline]
    pub(crate) fn counts_safepoints(&self) -> bool {
        self.options.callers_only
    }

    /// How long until the run's time is over.
    pub(crate) fn until_deadline(&self) -> Nanos {
        // ORDERING: Relaxed; a setting.
        match self.deadline.load(Ordering::Relaxed) {
            NEVER => NEVER,
            deadline => deadline - self.real_now(),
        }
    }

    /// The most threads there may be.
    pub(crate) fn max_threads(&self) -> usize {
        // ORDERING: Relaxed; a setting.
        self.max_threads.load(Ordering::Relaxed)
    }

    /// What the whole scheduler must attend to.
    #[inline]
    pub(crate) fn attention(&self) -> u32 {
        // ORDERING: SeqCst. Pairs with `set_attention`: see `LimitWord::take_requests` and `Machine::call_blocking`.
        self.attention.load(Ordering::SeqCst)
    }

    pub(crate) fn set_attention(&self, bits: u32) {
        // ORDERING: SeqCst. Pairs with `attention`.
        self.attention.fetch_or(bits, Ordering::SeqCst);
    }

    /// Clears bits; answers those that were set.
    pub(crate) fn clear_attention(&self, bits: u32) -> u32 {
        // ORDERING: SeqCst, as above.
        self.attention.fetch_and(!bits, Ordering::SeqCst) & bits
    }

    pub(crate) fn is_finishing(&self) -> bool {
        self.attention() & attention::FINISH != 0
    }

    /// The length of the global queue, without the lock.
    pub(crate) fn global_len(&self) -> usize {
        // ORDERING: Relaxed; a hint, made exact by looking again under the lock.
        self.global_length.load(Ordering::Relaxed)
    }

    /// As [`Shared::global_len`], for who has just published a processor as idle.
    #[inline]
    pub(crate) fn global_len_now(&self) -> usize {
        // ORDERING: SeqCst. The delicate dance: pairs with the fence in `wake_processor`.
        self.global_length.load(Ordering::SeqCst)
    }

    /// How many processors are idle, without the lock.
    #[inline]
    pub(crate) fn idle_count(&self) -> usize {
        // ORDERING: Relaxed; the delicate dance puts fences where it matters.
        self.idle.load(Ordering::Relaxed) + usize::from(self.standby.is_here())
    }

    fn global_changed(&self, central: &Central<E>) {
        // ORDERING: Relaxed; under the lock.
        self.global_length
            .store(central.global.len(), Ordering::Relaxed);
    }

    /// Puts a goroutine to the end of the global queue.
    pub(crate) fn put_global(&self, central: &mut Central<E>, runnable: Runnable<E>) {
        central.global.push_back(runnable.into_raw());
        self.global_changed(central);
    }

    pub(crate) fn put_global_list(&self, central: &mut Central<E>, list: List<E>) {
        central.global.append(list);
        self.global_changed(central);
    }

    /// Takes one goroutine from the global queue to run, and this processor's share of the rest into its ring.
    pub(crate) fn take_global(
        &self,
        central: &mut Central<E>,
        processor: &OwnedProcessor<E>,
        at_most: usize,
    ) -> Option<Runnable<E>> {
        let first = central.global.pop_front()?;
        let share = (central.global.len() / self.processor_count() + 1).min(central.global.len());
        for _ in 1..share.min(at_most) {
            let Some(raw) = central.global.pop_front() else {
                break;
            };
            if let Some(overflow) = processor.queue.push(Runnable::from_raw(raw)) {
                central.global.append(overflow);
                break;
            }
        }
        self.global_changed(central);
        Some(Runnable::from_raw(first))
    }

    /// Puts a processor into the idle list.
    pub(crate) fn put_idle_processor(
        &self,
        central: &mut Central<E>,
        processor: OwnedProcessor<E>,
    ) {
        debug_assert!(
            processor.queue.is_empty(),
            "an idle processor has nothing to run"
        );
        let Some(processor) = self.give_to_guest(central, processor) else {
            return;
        };
        processor.set_status(crate::blocking::ProcessorStatus::Idle);
        central.idle_processors.push(processor);
        // ORDERING: SeqCst. The delicate dance: pairs with the fence in `wake_processor`.
        self.idle
            .store(central.idle_processors.len(), Ordering::SeqCst);
    }

    /// Takes a processor from the idle list; sysmon is woken if it slept because all were idle.
    pub(crate) fn take_idle_processor(
        &self,
        central: &mut Central<E>,
    ) -> Option<OwnedProcessor<E>> {
        let Some(processor) = central.idle_processors.pop() else {
            let processor = self.standby.recall()?;
            processor.set_status(ProcessorStatus::Running);
            self.sysmon.wake_if_deep();
            return Some(processor);
        };
        // ORDERING: SeqCst, as above.
        self.idle
            .store(central.idle_processors.len(), Ordering::SeqCst);
        processor.set_status(crate::blocking::ProcessorStatus::Running);
        self.sysmon.wake_if_deep();
        Some(processor)
    }

    /// Takes all idle processors, for a stopped world.
    pub(crate) fn take_all_idle(&self, central: &mut Central<E>) -> Vec<OwnedProcessor<E>> {
        // ORDERING: SeqCst, as above.
        self.idle.store(0, Ordering::SeqCst);
        let mut idle = std::mem::take(&mut central.idle_processors);
        idle.extend(self.standby.recall());
        idle
    }

    /// When the first timer of all is due.
    pub(crate) fn earliest_timer(&self) -> Nanos {
        self.all_processors()
            .map(|processor| processor.timers.earliest())
            .min()
            .unwrap_or(NEVER)
    }

    /// Gets one more machine to look for work, if a processor is idle and nobody is looking already.
    pub(crate) fn wake_processor(self: &Arc<Self>) {
        // ORDERING: SeqCst. The delicate dance: our work is published; now look. Pairs with `put_idle_processor`.
        fence(Ordering::SeqCst);
        if self.idle_count() == 0 {
            return;
        }
        // ORDERING: SeqCst. Pairs with the decrement in `Machine::stop_spinning`: either that machine sees our work, or we see that
        // it has stopped spinning.
        if self.spinning.load(Ordering::SeqCst) != 0
            || self
                .spinning
                .compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst)
                .is_err()
        {
            return;
        }
        let mut central = self.central();
        match self.take_idle_processor(&mut central) {
            Some(processor) => assignment::start(self, central, processor, true),
            None => {
                // ORDERING: SeqCst, both: a machine that goes idle under the lock sees the wish.
                self.need_spinning.store(true, Ordering::SeqCst);
                self.spinning.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }

    /// Makes sure that somebody will be awake when a timer of a busy processor is due.
    #[inline]
    pub(crate) fn watch_timer(self: &Arc<Self>, when: Nanos) {
        if when != NEVER {
            self.watch_armed_timer(when);
        }
    }

    fn watch_armed_timer(self: &Arc<Self>, when: Nanos) {
        // ORDERING: SeqCst. Pairs with `Machine::wait_in_poller`, which publishes `poll_until` before it looks at the timers.
        fence(Ordering::SeqCst);
        if !self.waits_itself() {
            // The monitor sleeps no longer than until the next timer.
            self.need_monitor();
        } else if self.last_poll.load(Ordering::SeqCst) == 0 {
            let until = self.poll_until.load(Ordering::SeqCst);
            if until == 0 || until > when {
                self.netpoll.notify();
            }
        } else if self.idle_count() != 0 {
            self.wake_processor();
        }
        self.sysmon.wake_before(when);
    }

    /// `runtime.NumGoroutine`.
    ///
    /// Each processor counts for itself. The counters only grow, so when the sum of those that ended is the same before and after the sum of
    /// those that started was taken, nobody ended meanwhile, and the difference was true at some moment between the two. Where goroutines
    /// end all the time, the last look must do.
    pub(crate) fn goroutine_count(&self) -> usize {
        const LOOKS: usize = 64;
        // ORDERING: Acquire, all, so that the looks are made one after the other. Pairs with `Processor::count`.
        let ended = || -> u64 {
            self.all_processors()
                .map(|p| p.ended.load(Ordering::Acquire))
                .sum()
        };
        let mut before = ended();
        let mut count = 0;
        for _ in 0..LOOKS {
            let started: u64 = self
                .all_processors()
                .map(|p| p.started.load(Ordering::Acquire))
                .sum();
            let started = started + self.started_outside.load(Ordering::Acquire);
            let after = ended();
            // Never fewer than there are.
            count = started.saturating_sub(before);
            if before == after {
                break;
            }
            before = after;
        }
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    /// Does the process end with the run?
    pub(crate) fn ends_process(&self) -> bool {
        self.process_end.get().is_some()
    }

    /// Ends the run, if nobody has yet. Machines leave at their next safepoint.
    pub(crate) fn finish(&self, central: &mut Central<E>, outcome: Outcome<E>) {
        if central.outcome.is_none() {
            if let Some(end) = self.process_end.get() {
                end(outcome);
                std::process::abort();
            }
            central.outcome = Some(outcome);
        }
        self.finish_now(central);
    }

    /// Ends the run, for an outcome or a panic that was recorded.
    pub(crate) fn finish_now(&self, central: &mut Central<E>) {
        self.call_attention(attention::FINISH);
        // Nobody waits for blocking calls: their machines find out when they come back.
        for processor in self.all_processors() {
            if let Some(ticket) = processor.word.blocking_ticket()
                && let Some(processor) = processor.try_retake(ticket)
            {
                central.blocked_calls += 1;
                central.dead.push(processor);
            }
        }
        for machine in central.idle_machines.drain(..) {
            machine.dismiss();
        }
        for machine in central.locked.values() {
            machine.dismiss();
        }
        central.callers.dismiss();
        self.netpoll.notify();
        self.sysmon.notify();
        self.progress.notify_all();
        self.session.finishing();
    }

    /// Makes a goroutine runnable from a thread without a processor.
    pub(crate) fn ready_from_outside(self: &Arc<Self>, runnable: Runnable<E>) {
        let mut central = self.central();
        self.put_global(&mut central, runnable);
        drop(central);
        if self.idle_count() == 0 {
            self.request_urgent();
        }
        self.wake_processor();
    }

    /// Sets when the run's time is over, from now on.
    pub(crate) fn set_deadline(&self, after: Option<Duration>) {
        let when = after.and_then(|after| {
            let after = Nanos::try_from(after.as_nanos()).ok()?;
            self.real_now().checked_add(after)
        });
        // ORDERING: Relaxed; a setting. Whoever sleeps longer is woken by what follows.
        self.deadline
            .store(when.unwrap_or(NEVER), Ordering::Relaxed);
        if when.is_some() {
            self.sysmon.notify();
            if self.counts_safepoints() {
                // The running goroutine begins to count.
                self.request_all(crate::preempt::request::DEADLINE);
                self.netpoll.notify();
            }
        }
    }

    /// Gets somebody for what has become runnable without a processor: an idle one, or a busy one that yields.
    pub(crate) fn wake_or_ask(self: &Arc<Self>) {
        if self.idle_count() != 0 {
            self.wake_processor();
        } else {
            self.request_urgent();
        }
    }

    /// Nanoseconds on the real clock, whatever the goroutines see.
    pub(crate) fn real_now(&self) -> Nanos {
        self.real_clock.now()
    }

    pub(crate) fn spawn_from_outside(self: &Arc<Self>, fiber: E::Fiber) {
        let runnable = self.spawned_outside(fiber);
        self.ready_from_outside(runnable);
    }

    /// A new goroutine that no processor has started.
    pub(crate) fn spawned_outside(self: &Arc<Self>, fiber: E::Fiber) -> Runnable<E> {
        let mut list = crate::goroutine::FreeList::default();
        let free = list.take(&self.registry);
        self.registry.take_back_all(&mut list);
        // ORDERING: Relaxed; only uniqueness counts.
        let id = GoroutineId(self.last_id.fetch_add(1, Ordering::Relaxed) + 1);
        // ORDERING: Relaxed; a statistic.
        self.started_outside.fetch_add(1, Ordering::Relaxed);
        free.spawn(id, fiber)
    }
}

fn random_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish()
}

/// A scheduler and everything that runs on it.
pub struct Scheduler<E: Engine> {
    shared: Arc<Shared<E>>,
    on_start: Option<Watch<E>>,
}

/// See [`Scheduler::on_start`].
pub(crate) type Watch<E> = Box<dyn FnOnce(Quitter<E>) + Send>;

impl<E: Engine> Scheduler<E> {
    /// A way to have running goroutines pass by their safepoints.
    #[must_use]
    pub fn sampler(&self) -> Sampler<E> {
        Sampler {
            shared: Arc::downgrade(&self.shared),
        }
    }

    /// For threads of the engine's own that help to collect.
    #[must_use]
    pub fn collection_requester(&self) -> CollectionRequester<E> {
        CollectionRequester {
            shared: Arc::downgrade(&self.shared),
        }
    }

    /// Makes the processors; starts nothing.
    #[must_use]
    pub fn new(engine: Arc<E>, options: Options) -> Scheduler<E> {
        Scheduler {
            shared: Arc::new(Shared::new(engine, options)),
            on_start: None,
        }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Arc<E> {
        &self.shared.engine
    }

    /// Has `watch` called when the run has begun: by the monitor's thread (not at all if there is none to be had), or, where that is
    /// shared or not wanted, by the thread that begins the run.
    pub fn on_start(&mut self, watch: impl FnOnce(Quitter<E>) + Send + 'static) {
        self.on_start = Some(Box::new(watch));
    }

    /// For other threads.
    #[must_use]
    pub fn handle(&self) -> SchedulerHandle<E> {
        SchedulerHandle::new(&self.shared)
    }

    /// Runs `main` and whatever it starts in a process that ends with the program: whoever ends the run calls `end` on the spot,
    /// while other machines may still be running, and holds the scheduler's lock. Nothing is waited for and nothing cleaned up. As nobody needs
    /// the calling thread for the end, it makes blocking calls like any other. If `end` comes back the process is aborted.
    ///
    /// # Panics
    /// As [`Scheduler::run`].
    pub fn run_process(
        self,
        main: E::Fiber,
        end: impl Fn(Outcome<E>) + Send + Sync + 'static,
    ) -> ! {
        let end = Arc::new(end);
        let at_end = Arc::clone(&end);
        // It is set nowhere else.
        let _ = self
            .shared
            .process_end
            .set(Box::new(move |outcome| at_end(outcome)));
        let outcome = self.run(main);
        end(outcome);
        std::process::abort()
    }

    /// Runs `main` and whatever it starts, until the program ends. The calling thread becomes machine 0; at its first
    /// blocking call it hands its work to another thread and only watches from then on, so that the run can end while a call
    /// blocks. All goroutines are gone when this returns; a thread in a blocking call is left to end on its own.
    ///
    /// # Panics
    /// Goes on with a panic that a method of the engine or a blocking job left behind.
    pub fn run(self, main: E::Fiber) -> Outcome<E> {
        let shared = self.shared;
        shared.central().waited_for = 1;
        let sysmon = begin(&shared, self.on_start);
        let runnable = {
            let mut list = crate::goroutine::FreeList::default();
            let free = list.take(&shared.registry);
            shared.registry.take_back_all(&mut list);
            shared.name_goroutine(GoroutineId::MAIN.0, &main);
            free.spawn(GoroutineId::MAIN, main)
        };
        Machine::run_first(&shared, runnable);
        machine::await_all(&shared);
        if let Some(sysmon) = sysmon {
            // It sees FINISH and ends; a panic in it would be ours and is not swallowed.
            if let Err(panic) = sysmon.join() {
                std::panic::resume_unwind(panic);
            }
        }
        let (outcome, panic) = {
            let mut central = shared.central();
            (central.outcome.take(), central.panic.take())
        };
        crate::stop_the_world::abandon_all(&shared);
        if let Some(panic) = panic {
            std::panic::resume_unwind(panic);
        }
        outcome.unwrap_or(Outcome::Stopped)
    }

    /// Starts a program without a main goroutine, which runs what is called and what that starts ([`Program::call`]).
    #[must_use]
    pub fn start(self) -> Program<E> {
        let shared = self.shared;
        // ORDERING: Relaxed; a statistic. There is no main.
        shared.started_outside.fetch_sub(1, Ordering::Relaxed);
        let sysmon = begin(&shared, self.on_start);
        Program::new(shared, sysmon)
    }
}

/// Gets a monitor for a run that begins.
fn begin<E: Engine>(
    shared: &Arc<Shared<E>>,
    watch: Option<Watch<E>>,
) -> Option<std::thread::JoinHandle<()>> {
    let watch = watch.map(|watch| {
        let shared = Arc::downgrade(shared);
        move || watch(Quitter { shared })
    });
    if shared.sysmon.link().is_none() && !shared.options.callers_only {
        return sysmon::start(shared, watch);
    }
    if let Some(watch) = watch {
        watch();
    }
    sysmon::join(shared);
    None
}
