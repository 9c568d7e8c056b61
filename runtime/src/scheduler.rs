//! The scheduler's face, and what a running goroutine sees of it.
use std::{marker::PhantomData, sync::Arc};
use crate::{engine::{Engine, Outcome, SafepointAction, WakeOutcome}, goroutine::GoroutineId};

/// Settings of a run.
#[non_exhaustive]
#[derive(Clone)]
pub struct Options {
    /// GOMAXPROCS; `None` takes it from the processor mask and the cgroup quota.
    pub processors: Option<usize>,
    /// The most threads the run may have (Go: 10,000). When it is reached, or the operating system refuses one, the run goes on with fewer.
    pub max_threads: usize,
    /// How long without a collection until sysmon asks for one; `None`: never.
    pub forced_collection_period: Option<std::time::Duration>,
    /// Print a line every so often.
    pub schedtrace: Option<ScheduleTrace>,
    /// Seeds every random choice (select, stealing).
    pub seed: Option<u64>,
    /// Time stands still but for `sleep`s when everybody waits.
    pub virtual_clock: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            processors: None,
            max_threads: 10_000,
            forced_collection_period: Some(std::time::Duration::from_secs(120)),
            schedtrace: None,
            seed: None,
            virtual_clock: false,
        }
    }
}

/// `GOLITEDEBUG=schedtrace=...,scheddetail=1`.
#[derive(Clone)]
pub struct ScheduleTrace {
    /// One line per period.
    pub period: std::time::Duration,
    /// Also every processor, machine and goroutine.
    pub detail: bool,
    /// Where the text goes; whole lines.
    pub sink: Arc<dyn Fn(&str) + Send + Sync>,
}

/// A scheduler and everything that runs on it.
pub struct Scheduler<E: Engine> {
    engine: Arc<E>,
}

impl<E: Engine> Scheduler<E> {
    /// Makes the processors; starts nothing.
    pub fn new(engine: Arc<E>, options: Options) -> Scheduler<E> {
        let _ = options;
        Scheduler { engine }
    }
    /// The engine.
    pub fn engine(&self) -> &Arc<E> {
        &self.engine
    }
    /// For other threads.
    pub fn handle(&self) -> SchedulerHandle<E> {
        todo!()
    }
    /// Runs `main` and whatever it starts, until the program ends. The calling thread becomes machine 0.
    /// All goroutines are gone when this returns; a thread in a blocking call is left to end on its own.
    pub fn run(self, main: E::Fiber) -> Outcome<E> {
        let _ = main;
        todo!()
    }
}

/// A door to a running scheduler for other threads. While one is held, nothing is a deadlock.
pub struct SchedulerHandle<E: Engine> {
    marker: PhantomData<E>,
}

impl<E: Engine> SchedulerHandle<E> {
    /// Starts a goroutine.
    pub fn spawn(&self, fiber: E::Fiber) {
        let _ = fiber;
        todo!()
    }
    /// Ends the run with [`Outcome::Stopped`].
    pub fn stop(&self) {
        todo!()
    }
}

/// Wakes one parked goroutine, from anywhere; dropping it wakes too. While one is held, nothing is a deadlock.
pub struct Waker<E: Engine> {
    marker: PhantomData<E>,
}

impl<E: Engine> Waker<E> {
    /// Makes the goroutine run again.
    pub fn wake(self) {
        todo!()
    }
}

/// What holding a processor permits: waking and starting goroutines, asking for the time.
pub struct Context<'a, E: Engine> {
    marker: PhantomData<(&'a E, *const ())>,
}

impl<E: Engine> Context<'_, E> {
    /// Starts a goroutine; it runs next on this processor unless another machine takes it.
    pub fn spawn(&self, fiber: E::Fiber) -> GoroutineId {
        let _ = fiber;
        todo!()
    }
    /// Nanoseconds on the scheduler's monotonic clock (virtual when so configured).
    pub fn now(&self) -> i64 {
        todo!()
    }
    /// Asks for [`Engine::collect`] soon: the running goroutine's next safepoint answers `Yield`.
    pub fn request_collection(&self) {
        todo!()
    }
    /// `runtime.NumGoroutine`.
    pub fn goroutines(&self) -> usize {
        todo!()
    }
    /// `runtime.GOMAXPROCS(0)`.
    pub fn processors(&self) -> usize {
        todo!()
    }
    /// The processor's number.
    pub fn processor(&self) -> usize {
        todo!()
    }
    /// A random number, from the scheduler's seed when it has one.
    pub fn random(&self) -> u64 {
        todo!()
    }
}

/// The running goroutine's view.
pub struct Slice<'a, E: Engine> {
    context: Context<'a, E>,
}

impl<'a, E: Engine> Slice<'a, E> {
    pub(crate) fn context(&self) -> &Context<'a, E> {
        &self.context
    }
    /// The running goroutine.
    pub fn goroutine(&self) -> GoroutineId {
        todo!()
    }
    /// The safepoint word: the running goroutine must call [`Slice::at_safepoint`] when its frame pointer is above it.
    /// 0 is the poison, so a frame pointer is never 0. The address is the processor's and stays good for this `run`.
    pub fn limit(&self) -> &std::sync::atomic::AtomicUsize {
        todo!()
    }
    /// Stores the fiber's own stack limit into the safepoint word, and poisons it again if a request is pending.
    /// Called at the start of every `run`, and when the stack has moved.
    pub fn install_limit(&self, limit: usize) {
        let _ = limit;
        todo!()
    }
    /// What the frame pointer above the limit means, after stack growth was ruled out. `limit` is the fiber's own
    /// stack limit, which is installed again before `Continue`.
    pub fn at_safepoint(&self, limit: usize) -> SafepointAction {
        let _ = limit;
        todo!()
    }
    /// How the goroutine's channel operation or select went while it was parked. Call it exactly once after a
    /// `Switch::Park` that followed a `Parked` result of a channel operation or of select.
    pub fn take_wake_outcome(&self) -> WakeOutcome<E::Transfer> {
        todo!()
    }
    /// The answer of the last `Switch::Blocking` or `Switch::StopTheWorld`.
    pub fn take_completion(&self) -> Option<E::Completion> {
        todo!()
    }
    /// Arms the goroutine's own alarm for `when`; then return `Switch::Park(WaitReason::Sleep)`.
    pub fn sleep_until(&self, when: i64) {
        let _ = when;
        todo!()
    }
    /// For a wake-up from elsewhere (a host future): hand it on, then return `Switch::Park(WaitReason::HostCall)`.
    pub fn waker(&self) -> Waker<E> {
        todo!()
    }
}
