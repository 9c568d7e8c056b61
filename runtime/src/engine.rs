//! The seam to the interpreter: what an engine must offer, and what it may ask for while it runs.
//!
//! `runtime` decides who runs where and when; the engine decides what running means. The seam is crossed
//! once per time slice:
//!
//! 1. A machine that holds a processor takes a runnable goroutine and calls [`Engine::run`] with the goroutine's
//!    fiber, the processor's [`Engine::PerProcessor`] and a [`Slice`].
//! 2. The engine starts by [`Slice::install_limit`], then by [`Slice::take_completion`] or
//!    [`Slice::take_wake_outcome`] when it left with `Blocking`, `StopTheWorld` or `Park` the last time.
//! 3. It runs until it has a reason to return a [`Switch`]. At safepoints it compares its frame pointer with
//!    [`Slice::limit`]; when the comparison fails it first rules out that its stack must grow, then calls
//!    [`Slice::at_safepoint`].
//!
//! Everything through which another goroutine may be woken takes a [`Context`]: having one is having a processor.
//! What may park the running goroutine takes a [`Slice`].

use std::ops::Deref;

use crate::{
    context::Context, goroutine::GoroutineId, stop_the_world::StoppedWorld, wait_reason::WaitReason,
};

pub use crate::context::Slice;

/// The interpreter, as the scheduler sees it.
///
/// Methods are called on any thread that holds a processor. A panic in one of them ends the whole run: the scheduler
/// stops and [`crate::Scheduler::run`] resumes the panic on the caller's thread.
pub trait Engine: Send + Sync + Sized + 'static {
    /// The engine's half of a goroutine: stack, frames, deferred calls.
    type Fiber: Send;
    /// What a processor lends to whoever runs on it, such as an allocation cache.
    /// Holding `&mut PerProcessor` *is* holding the processor.
    type PerProcessor: Send;
    /// What travels through a channel. It must say itself whether it holds references, since the collector
    /// meets it in waiting goroutines ([`crate::GoroutineView::for_each_transfer`]). `Default` is "no value".
    type Transfer: Copy + Default + Send;
    /// What a blocking call or a job in the stopped world hands back. It may hold no heap reference: the heap may
    /// be collected while it waits for its goroutine to run again.
    type Completion: Send;
    /// What a fatal error carries to [`crate::Outcome::Fatal`].
    type Failure: Send;
    /// What a timer carries; a root of the collector while the timer is armed
    /// ([`StoppedWorld::for_each_timer`]).
    type TimerPayload: Copy + Send;

    /// How much of a fiber, from [`Engine::place_of`] on, is needed to run it, in lines of 64 bytes.
    const FIBER_LINES: usize = 0;

    /// Where a fiber lies in memory, so that it can be fetched while others run.
    fn place_of(_fiber: &Self::Fiber) -> *const u8 {
        std::ptr::null()
    }

    /// Makes the part of a processor that belongs to the engine. Called once per processor, before it runs anything.
    fn new_per_processor(&self, processor: usize) -> Self::PerProcessor;

    /// Runs `fiber` until it ends, parks, or [`Slice::at_safepoint`] asks it to yield.
    fn run(
        &self,
        fiber: &mut Self::Fiber,
        local: &mut Self::PerProcessor,
        slice: &Slice<'_, Self>,
    ) -> Switch<Self>;

    /// A timer armed with `payload` is due: send the time on its channel ([`crate::Channel::try_send`]) or start a
    /// goroutine ([`Context::spawn`]). Runs on a machine between two goroutines, under the timer's lock: it must be
    /// short and must not touch the same [`crate::Timer`]. What it answers counts for periodic timers only.
    fn timer_fired(
        &self,
        payload: Self::TimerPayload,
        local: &mut Self::PerProcessor,
        context: &Context<'_, Self>,
    ) -> Fired;

    /// The world is about to be stopped for [`Engine::collect`]: what takes long and can be done before is done here. Nothing may come of it.
    fn prepare_collection(&self) {}

    /// Collects the heap. `reason` says who asked; the world runs on when this returns.
    fn collect(&self, world: &mut StoppedWorld<'_, Self>, reason: CollectionReason);

    /// A goroutine has ended; its fiber may go into a free list of `local`.
    fn finished(&self, fiber: Self::Fiber, local: &mut Self::PerProcessor) {
        let _ = local;
        drop(fiber);
    }

    /// A goroutine will never run again, because the program ended before it did.
    fn abandoned(&self, fiber: Self::Fiber) {
        drop(fiber);
    }

    /// What a goroutine that has not run yet will run, for traces.
    fn name(&self, fiber: &Self::Fiber) -> String {
        let _ = fiber;
        String::new()
    }

    /// What stands after the state in the first line of a goroutine's trace.
    fn labels(&self, fiber: &Self::Fiber) -> String {
        let _ = fiber;
        String::new()
    }

    /// Whether the other goroutines are to be shown as well when the program fails so.
    fn shows_others(&self, failure: &Self::Failure) -> bool {
        let _ = failure;
        false
    }

    /// Adds the traces of all other goroutines to a failure.
    fn add_others(&self, failure: &mut Self::Failure, others: &str) {
        let _ = (failure, others);
    }

    /// In a deadlock: which goroutines nobody could have woken, whatever the main goroutine had done.
    fn find_stuck(&self, world: &mut StoppedWorld<'_, Self>) -> Vec<GoroutineId> {
        let _ = world;
        Vec::new()
    }

    /// Whether nothing is amiss when everybody is asleep: the program waits for its host to call it, and nobody waits for the program.
    fn may_rest(&self) -> bool {
        false
    }

    /// Appends the goroutine's stack trace to `out`, as whole lines in Go's format, without the
    /// `goroutine 1 [running]:` line above it.
    fn traceback(&self, fiber: &Self::Fiber, out: &mut String);
}

/// Why [`Engine::run`] returned.
#[must_use]
pub enum Switch<E: Engine> {
    /// Let others run: [`Slice::at_safepoint`] asked for it, or `runtime.Gosched`, or a semaphore handed over.
    Yield,
    /// The goroutine waits. Something that can wake it holds it already (an operation answered `Parked`,
    /// [`Slice::sleep_until`], [`Slice::waker`]), or nothing does and it waits forever (a nil channel).
    Park(WaitReason),
    /// The goroutine waits, and the other of its pair runs on in its place, in the same time slice ([`crate::coroutine`]).
    Coroutine(crate::coroutine::Resumed<E>),
    /// Do this without the processor; the answer is at [`Slice::take_completion`] when the goroutine runs again.
    Blocking(BlockingCall<E>),
    /// Do this while no goroutine runs (`runtime.GC`, `GOMAXPROCS`, dumps); answered like `Blocking`.
    StopTheWorld(WorldJob<E>),
    /// `runtime.LockOSThread`: from now on the goroutine runs on this thread only, and no other does, until it is unlocked as often.
    LockThread,
    /// `runtime.UnlockOSThread`.
    UnlockThread,
    /// The goroutine's function has returned. For the main goroutine: the program ends.
    Exit,
    /// The goroutine ends by `runtime.Goexit`. For the main goroutine: the others go on.
    Goexit,
    /// `os.Exit`: the program ends now, with this status.
    ExitProcess(i32),
    /// An error that ends the program: an unrecovered panic, concurrent map writes, ...
    Fatal(E::Failure),
}

/// A job for the stopped world.
pub type WorldJob<E> =
    Box<dyn FnOnce(&mut StoppedWorld<'_, E>) -> <E as Engine>::Completion + Send>;

/// A call that may block its thread.
pub struct BlockingCall<E: Engine> {
    pub(crate) job: Box<dyn FnOnce() -> E::Completion + Send>,
    pub(crate) is_long: bool,
}

impl<E: Engine> BlockingCall<E> {
    /// A call that is usually short (a read of a file): its processor is retaken only when it takes long.
    pub fn new(job: impl FnOnce() -> E::Completion + Send + 'static) -> BlockingCall<E> {
        BlockingCall {
            job: Box::new(job),
            is_long: false,
        }
    }

    /// The same call, known to take long.
    #[must_use]
    pub fn known_to_be_long(mut self) -> BlockingCall<E> {
        self.is_long = true;
        self
    }

    /// A call known to take long (waiting for a child process): its processor is handed on at once.
    pub fn long(job: impl FnOnce() -> E::Completion + Send + 'static) -> BlockingCall<E> {
        BlockingCall {
            job: Box::new(job),
            is_long: true,
        }
    }
}

/// What [`Slice::at_safepoint`] asks of the engine.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SafepointAction {
    /// Run on; the limit given to `at_safepoint` is installed again.
    Continue,
    /// Save the state and return [`Switch::Yield`].
    Yield,
}

/// What became of a timer that has fired ([`Engine::timer_fired`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fired {
    /// All is done.
    Done,
    /// A goroutine was started for it. If the timer is periodic it does not fire again before [`crate::Timer::dealt_with`].
    UnderWay,
}

/// Who asked for a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CollectionReason {
    /// The heap has grown ([`Context::request_collection`]).
    Growth,
    /// None ran for the forced period: sysmon asks.
    Periodic,
    /// The main goroutine has ended ([`crate::Options::final_collection`]).
    Final,
}

/// What happened to a goroutine that was parked on a channel or in a select statement.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WakeOutcome<T> {
    /// The select case that went ahead, by its index in the list of cases; 0 outside select.
    pub case: usize,
    /// Whether that was a send.
    pub is_send: bool,
    /// The value received; `Default` after a send and when the channel was closed.
    pub value: T,
    /// Receive: `false` when the channel was closed. Send: `false` when it was closed, which must panic with
    /// "send on closed channel".
    pub ok: bool,
}

impl<'a, E: Engine> Deref for Slice<'a, E> {
    type Target = Context<'a, E>;

    fn deref(&self) -> &Context<'a, E> {
        self.context()
    }
}

/// How a run of the scheduler ended.
#[must_use]
pub enum Outcome<E: Engine> {
    /// The main goroutine returned.
    MainExited,
    /// `os.Exit` with this status.
    Exited(i32),
    /// All goroutines are asleep. The texts are Go's: `message` is the line after "fatal error: ",
    /// `dump` every goroutine with its stack.
    Deadlock { message: &'static str, dump: String },
    /// [`crate::Quitter::quit`]: `dump` shows every goroutine with its stack.
    Dumped { message: &'static str, dump: String },
    /// [`crate::SchedulerHandle::set_deadline`]: its time was over. `dump` shows every goroutine with its stack.
    TimedOut { message: &'static str, dump: String },
    /// A goroutine ended the program.
    Fatal {
        goroutine: GoroutineId,
        failure: E::Failure,
    },
    /// The host ended it ([`crate::SchedulerHandle::stop`]).
    Stopped,
}
