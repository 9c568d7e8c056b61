//! What a goroutine that runs, and its machine, may ask of the scheduler.

use std::{marker::PhantomData, sync::Arc};

use crate::{
    backlog,
    clock::Nanos,
    engine::{Engine, SafepointAction, WakeOutcome},
    event_trace::TraceKind,
    goroutine::{GoroutineId, GoroutineRef, Runnable},
    handles::{Sampler, SchedulerHandle, Waker},
    preempt::attention,
    processor::{OwnerCells, Processor},
    scheduler::Shared,
    sync::Ordering,
    timers::Action,
};

/// How many goroutines may be queued without a processor being woken for them at once.
const FEW: u32 = 8;

/// What holding a processor permits: waking and starting goroutines, asking for the time.
pub struct Context<'a, E: Engine> {
    shared: &'a Arc<Shared<E>>,
    processor: &'a Processor<E>,
    cells: &'a OwnerCells<E>,
    /// It stays on the thread that has the processor.
    _here: PhantomData<*const ()>,
}

impl<'a, E: Engine> Context<'a, E> {
    #[inline]
    pub(crate) fn new(
        shared: &'a Arc<Shared<E>>,
        processor: &'a Processor<E>,
        cells: &'a OwnerCells<E>,
    ) -> Context<'a, E> {
        Context {
            shared,
            processor,
            cells,
            _here: PhantomData,
        }
    }

    pub(crate) fn shared(&self) -> &'a Arc<Shared<E>> {
        self.shared
    }

    #[inline]
    pub(crate) fn processor(&self) -> &'a Processor<E> {
        self.processor
    }

    #[inline]
    pub(crate) fn cells(&self) -> &'a OwnerCells<E> {
        self.cells
    }

    /// Starts a goroutine; it runs next on this processor unless another machine takes it.
    pub fn spawn(&self, fiber: E::Fiber) -> GoroutineId {
        let mut list = self.cells.free.take();
        let free = list.take(&self.shared.registry);
        self.cells.free.set(list);
        let id = self.cells.next_goroutine_id(self.shared.last_id());
        Processor::<E>::count(&self.processor.started);
        self.shared.need_monitor();
        if self.shared.options.trace.is_some() {
            self.shared.name_goroutine(id.0, &fiber);
            self.event(TraceKind::Spawn, id);
        }
        if let Some(displaced) = self.put_next(free.spawn(id, fiber)) {
            self.enqueue_last(displaced);
            if self.cells.backlog.has_started_many() && self.processor.queue.len() >= backlog::FULL
            {
                self.ask_to_step_aside();
            }
        }
        id
    }

    /// Many of those that were started wait for their turn: asks the running goroutine to let them run.
    #[cold]
    fn ask_to_step_aside(&self) {
        // What a seed draws is not to depend on the clock.
        let by_seed = self.cells.turns.is_on() || self.shared.clock.is_virtual();
        if !by_seed && self.cells.backlog.ask(self.now()) {
            self.processor.limit.poison_own();
        }
    }

    /// Wakes a goroutine that has parked, or is about to.
    #[inline]
    pub(crate) fn ready(&self, goroutine: GoroutineRef<E>) {
        self.event(TraceKind::Wake, goroutine.id());
        if let Some(runnable) = goroutine.ready()
            && let Some(displaced) = self.put_next(runnable)
        {
            self.put_last(displaced);
            // Who wakes several, one after the other, mostly parks soon too; what is queued then says whether others are needed.
            if self.processor.queue.len() > FEW {
                self.shared.wake_processor();
            } else if self.shared.idle_count() != 0 {
                self.defer_wakeup();
            }
        }
    }

    /// Records what happens to a goroutine because of this processor.
    #[inline]
    fn event(&self, kind: TraceKind, goroutine: GoroutineId) {
        self.shared
            .event(kind, Some(self.processor.index), None, goroutine.0);
    }

    /// Makes `runnable` the next to run here, and sees to it that idle processors hear of it.
    #[inline]
    pub(crate) fn enqueue_next(&self, runnable: Runnable<E>) {
        if let Some(displaced) = self.put_next(runnable) {
            self.enqueue_last(displaced);
        }
    }

    /// Makes `runnable` the next to run here; the one that it displaces comes back.
    #[inline]
    fn put_next(&self, runnable: Runnable<E>) -> Option<Runnable<E>> {
        if self.cells.backlog.is_on()
            || self.shared.options.shuffle && self.cells.random_below(2) == 0
        {
            return Some(runnable);
        }
        self.count_safepoints();
        let displaced = self.processor.queue.put_next(runnable);
        // Only `next` is filled: whoever runs now will most likely park and leave the processor to it.
        if displaced.is_none() && self.shared.idle_count() != 0 {
            self.defer_wakeup();
        }
        displaced
    }

    /// Puts `runnable` to the end of this processor's ring, and wakes an idle processor.
    pub(crate) fn enqueue_last(&self, runnable: Runnable<E>) {
        self.put_last(runnable);
        self.shared.wake_processor();
    }

    #[inline]
    fn put_last(&self, runnable: Runnable<E>) {
        self.count_safepoints();
        if let Some(overflow) = self.processor.queue.push(runnable) {
            let mut central = self.shared.central();
            self.shared.put_global_list(&mut central, overflow);
        }
    }

    /// A timer was put into this processor's heap.
    #[inline]
    pub(crate) fn timer_added(&self, when: Nanos) {
        self.count_safepoints();
        // Only if it is the first to be due; else somebody watches already. Put off like any wake-up: if this processor goes
        // idle at once, its machine waits for the timer itself.
        if self.processor.timers.earliest() >= when {
            self.cells.deferred_watch.set(true);
            self.defer_wakeup();
        }
    }

    /// Bytes of the host's allocator that arming one more timer on this processor takes: mostly none, now and then a longer list.
    #[must_use]
    pub fn timer_growth(&self) -> usize {
        self.processor.timers.growth()
    }

    /// Nanoseconds on the scheduler's monotonic clock (virtual when so configured).
    #[must_use]
    pub fn now(&self) -> Nanos {
        self.shared.clock.now()
    }

    /// Asks for [`Engine::collect`] soon: the running goroutine's next safepoint answers `Yield`.
    pub fn request_collection(&self) {
        self.shared.set_attention(attention::COLLECT_GROWTH);
        self.processor
            .limit
            .request(crate::preempt::request::ATTENTION);
    }

    /// `runtime.NumGoroutine`.
    #[must_use]
    pub fn goroutines(&self) -> usize {
        self.shared.goroutine_count()
    }

    /// `runtime.GOMAXPROCS(0)`.
    #[must_use]
    pub fn processors(&self) -> usize {
        self.shared.processor_count()
    }

    /// `runtime/debug.SetMaxThreads`; answers what it was. At the limit the run goes on with the threads it has; [`Context::has_too_many_threads`] says whether
    /// those are too many already.
    pub fn set_max_threads(&self, count: usize) -> usize {
        // ORDERING: Relaxed; a setting.
        self.shared.max_threads.swap(count, Ordering::Relaxed)
    }

    /// Whether the run has more threads of its own than [`Context::set_max_threads`] has allowed.
    #[must_use]
    pub fn has_too_many_threads(&self) -> bool {
        let options = &self.shared.options;
        if options.callers_only || options.machines.is_some() {
            // They are the host's.
            return false;
        }
        // Machine 0 and sysmon count too.
        self.shared.central().machines_started + 2 > self.shared.max_threads()
    }

    /// The number of the processor that is held.
    #[must_use]
    pub fn processor_index(&self) -> usize {
        self.processor.index
    }

    /// A random number, from the scheduler's seed when it has one.
    #[must_use]
    pub fn random(&self) -> u64 {
        self.cells.random()
    }

    /// A random number below `bound`, which is not 0.
    pub(crate) fn random_below(&self, bound: usize) -> usize {
        self.cells.random_below(bound)
    }

    /// A way to have running goroutines pass by their safepoints.
    #[must_use]
    pub fn sampler(&self) -> Sampler<E> {
        Sampler {
            shared: Arc::downgrade(self.shared),
        }
    }

    /// A handle for other threads.
    #[must_use]
    pub fn handle(&self) -> SchedulerHandle<E> {
        SchedulerHandle::new(self.shared)
    }
}

/// The running goroutine's view.
pub struct Slice<'a, E: Engine> {
    context: Context<'a, E>,
    goroutine: GoroutineRef<E>,
}

impl<'a, E: Engine> Slice<'a, E> {
    #[inline]
    pub(crate) fn new(context: Context<'a, E>, goroutine: GoroutineRef<E>) -> Slice<'a, E> {
        Slice { context, goroutine }
    }

    pub(crate) fn context(&self) -> &Context<'a, E> {
        &self.context
    }

    #[inline]
    pub(crate) fn running(&self) -> GoroutineRef<E> {
        self.goroutine
    }

    /// The running goroutine.
    #[must_use]
    pub fn goroutine(&self) -> GoroutineId {
        self.goroutine.id()
    }

    /// The safepoint word: the running goroutine must call [`Slice::at_safepoint`] when its frame pointer is above it.
    /// 0 is the poison, so a frame pointer is never 0. The address is the processor's and stays good for this `run`.
    #[must_use]
    #[inline]
    pub fn limit(&self) -> &std::sync::atomic::AtomicUsize {
        &self.context.processor.limit.word
    }

    /// Stores the fiber's own stack limit into the safepoint word, and poisons it again if a request is pending.
    /// Called at the start of every `run`, and when the stack has moved.
    #[inline]
    pub fn install_limit(&self, limit: usize) {
        self.context.processor.limit.install(limit);
        let cells = self.context.cells;
        if cells.deferred_wakeups.get() | cells.counted.get() != 0 || cells.backlog.is_asked() {
            self.context.processor.limit.poison_own();
        }
    }

    /// What the frame pointer above the limit means, after stack growth was ruled out. `limit` is the fiber's own
    /// stack limit, which is installed again before `Continue`, unless the next safepoint shall ask again.
    pub fn at_safepoint(&self, limit: usize) -> SafepointAction {
        self.context.safepoint(limit)
    }

    /// How the goroutine's channel operation or select went while it was parked. Call it exactly once after a
    /// `Switch::Park` that followed a `Parked` result of a channel operation or of select.
    ///
    /// # Panics
    /// When there was none: a mistake of the engine.
    pub fn take_wake_outcome(&self) -> WakeOutcome<E::Transfer> {
        self.goroutine.take_wake_outcome()
    }

    /// As [`Slice::take_wake_outcome`], for a goroutine that is not interested in how it went, or in going on.
    pub fn forget_wake_outcome(&self) {
        self.goroutine.leave_channels();
    }

    /// The answer of the last `Switch::Blocking` or `Switch::StopTheWorld`.
    #[must_use]
    pub fn take_completion(&self) -> Option<E::Completion> {
        self.goroutine.take_completion()
    }

    /// Arms the goroutine's own alarm for `when`; then return `Switch::Park(WaitReason::Sleep)`.
    pub fn sleep_until(&self, when: Nanos) {
        self.context
            .processor
            .timers
            .add(when.max(1), Action::Wake(self.goroutine));
        self.context.timer_added(when);
    }

    /// For a wake-up from elsewhere (a host future): hand it on, then return `Switch::Park(WaitReason::HostCall)`.
    #[must_use]
    pub fn waker(&self) -> Waker<E> {
        // ORDERING: SeqCst. Pairs with the deadlock check.
        self.context
            .shared
            .host_handles
            .fetch_add(1, Ordering::SeqCst);
        Waker {
            shared: Arc::clone(self.context.shared),
            goroutine: self.goroutine,
        }
    }
}
