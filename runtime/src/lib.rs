//! Goroutines: scheduler, channels, timers, system monitor.
//!
//! # What it does
//! It runs any number of goroutines (G) on a few threads (machines, M), in parallel, as Go's runtime does. To run a
//! goroutine a machine needs a processor (P); there are GOMAXPROCS of them. What a goroutine *is* this crate does not know:
//! that is the [`Engine`]'s. It knows no values, no bytecode and no heap.
//!
//! # The main types
//! * [`Engine`]: the interpreter, as the scheduler sees it. [`Switch`]: why it stopped running a goroutine. [`Slice`] and
//!   [`Context`]: what it may ask for meanwhile.
//! * [`Scheduler`]: one program's goroutines. Many can live in one process; nothing is global.
//! * [`Session`]: a scheduler without a main goroutine, for programs that are called by their host.
//! * [`Channel`], [`Timer`], [`NotifyList`]: protocols that lie inside the engine's heap objects (zeroed memory is a valid one, no
//!   destructor, no owned memory). [`select`], [`acquire`] and [`release`] work on what lies there.
//! * [`StoppedWorld`]: the proof that nobody runs, with access to every goroutine, processor and timer.
//!
//! # The flow
//! 1. `go` makes a goroutine runnable: into `next` of its maker's processor ([`Context::spawn`], `run_queue.rs`).
//! 2. A machine (`assignment.rs` wakes or starts one) finds it (`find_runnable.rs`), runs it (`machine.rs`) until the engine returns a [`Switch`].
//! 3. A goroutine that must wait enqueues itself first (`channel.rs`, `select.rs`, `semaphore.rs`, `timers.rs`, `descriptor.rs`), then parks
//!    (`status.rs`): the two are bound by a note that a waker leaves who comes too early.
//! 4. A waker dequeues it and makes it runnable ([`Context`]'s `ready`).
//! 5. A machine without work gives its processor up (`idle.rs`); the last one waits in the poller for events and the next timer
//!    (`netpoll.rs`), or finds that everybody is asleep (`stop_the_world.rs`, `check_deadlock`).
//! 6. sysmon (`sysmon.rs`) retakes processors from blocking calls (`calls.rs`, `blocking.rs`), asks for the end of slices
//!    (`preempt.rs`), forces collections.
//!
//! # Waking and spinning
//! `scheduler.rs` and `idle.rs` open with the protocol: publish, then look, on both sides. A wake-up for nothing but `next` is put off for a few
//! safepoints (`preempt.rs`), since whoever readies another goroutine mostly parks soon after: pairs that talk to each other wake no
//! threads. Whoever starts many goroutines steps aside for them (`backlog.rs`).
//!
//! # Invariants
//! * P as a token: `OwnedProcessor` is moved, never copied; having it is having the processor (`processor.rs`). The same
//!   for goroutines: `Runnable`, `Running`, `Free` (`goroutine.rs`).
//! * Goroutines are recycled, never freed while their scheduler lives, so queues hold plain addresses. Waiters lie in them.
//! * Nobody is readied under a channel's, a bucket's or a heap's lock (a timer's own lock apart: `timers.rs`).
//! * The order of the other locks is a table, checked in debug builds (`lock_rank.rs`).
//! * A collection waits neither for a blocking call nor for a loop.
//! * No script-controlled failure panics here; `assert` and `expect` state protocols.
//!
//! # What the engine promises
//! * Its heap does not move objects; a channel stays alive until the wake outcome of a wait at it is taken; a timer's payload keeps the
//!   timer's object alive; heap objects with channels are used with one scheduler only.
//! * `run` begins with [`Slice::install_limit`], passes [`Slice::at_safepoint`] when the limit word says so (function
//!   entries, loop back-edges), and never calls the scheduler's machines back.
//! * After `Switch::Park` that followed a `Parked` of channel or select it calls [`Slice::take_wake_outcome`] once.
//!   After semaphores and sleep there is nothing to take.
//!
//! # Unsafe code
//! Only in `descriptor.rs` (registration), `run_queue.rs` (links), `wait_queue.rs` and `select.rs` (waiters), `goroutine.rs` (storage), `processor.rs` (the owner's part), `monitor.rs` (a poller
//! watched by another)
//! `timers.rs` (timers in foreign memory) and `promptness.rs` (a call of the system that has no wrapper). The tests run without it.
//!
//! # Proof
//! * Models of the goroutine status, a descriptor's words, the run queue, processor ownership during blocking calls, the safepoint word, channels,
//!   select, semaphores, timers, assignments of machines and the dances of waking (`models.rs` and at the end of files):
//!   `RUSTFLAGS="--cfg loom" cargo test -p golite-runtime --release --lib --target-dir target/loom loom` (seconds).
//! * `tests/scheduler.rs`, `tests/program.rs`: the whole scheduler with a toy engine, on machines of its own and shared ones; sysmon's decisions as unit tests over numbers.
//! * `cargo run --release -p golite-runtime --example microbench [processors] [name]`: what switches cost.
//!
//! # Many schedulers in one process
//! Each has its own processors, run queues, timers and count of deadlocks. What runs them is one of three:
//! * **Its own machines** (the default): threads that stay until the run ends, a monitor thread, a poller in which the last idle machine
//!   sleeps. The quickest for a program that has the process for itself.
//! * **Shared machines** ([`Options::machines`]): [`Machines`] is a pool of threads, one monitor thread and one poller for any number of
//!   schedulers. A scheduler in which nobody can run has no thread, whatever timers and descriptors it waits for: its machines
//!   end after 5 ms and the monitor waits for all (`pool.rs`, `monitor.rs`). It makes its own poller, one descriptor in that of the
//!   monitor, when the first descriptor is opened.
//! * **Its callers' threads alone** ([`Options::callers_only`]): one processor, no other thread, no monitor. The running goroutine looks at the
//!   clock itself, every 512 safepoints, while others may want the processor or there is a deadline (`preempt.rs`); blocking calls hold
//!   their caller up; what a call leaves behind runs when somebody calls or drives ([`Program::run_until_idle`],
//!   [`Session::run_until_idle`]).
//!
//! A scheduler runs a main goroutine to its end ([`Scheduler::run`]), or is called: by threads that run what they have called until it waits
//! ([`Session`]), or that run the whole program until what they have called has ended ([`Scheduler::start`], [`Program::call`], `program.rs`). A program that is called has no deadlock while nobody waits for it; when
//! somebody does and everybody is asleep, it ends with [`Outcome::Deadlock`]. [`SchedulerHandle::stop`], [`SchedulerHandle::set_deadline`] and
//! [`Program::shut_down`] end it at any moment: callers come back with [`Ended`], goroutines go to [`Engine::abandoned`]. Only threads in
//! blocking calls come back later, by themselves; they touch nothing of it then.
//!
//! # What is not here yet
//! Parallel collection helpers.

mod assignment;
mod backlog;
mod blocking;
mod calls;
mod channel;
mod clock;
mod context;
pub mod coroutine;
mod descriptor;
mod engine;
mod event_trace;
mod find_runnable;
mod goroutine;
mod handles;
mod idle;
mod lock_rank;
mod machine;
#[cfg(all(test, loom))]
mod models;
mod monitor;
mod netpoll;
mod options;
mod poll_word;
mod pool;
mod preempt;
mod processor;
mod processor_count;
mod program;
mod promptness;
mod run_queue;
mod schedule_trace;
mod scheduler;
mod select;
mod semaphore;
mod session;
mod standby;
mod status;
mod stop_the_world;
mod sync;
mod sysmon;
mod timers;
mod turns;
mod wait_queue;
mod wait_reason;

pub use channel::{Buffer, Channel, CloseResult, ReceiveResult, SendResult, Unbuffered};
pub use clock::{NEVER, Nanos};
pub use context::{Context, Slice};
pub use descriptor::{Attempt, Descriptor, DescriptorKey, Side};
pub use engine::{
    BlockingCall, CollectionReason, Engine, Fired, Outcome, SafepointAction, Switch, WakeOutcome,
    WorldJob,
};
pub use event_trace::{EventTrace, RecordedTrace, Stop, TraceEvent, TraceKind};
pub use goroutine::{GoroutineId, prefetch};
pub use handles::{CollectionRequester, Quitter, Sampler, SchedulerHandle, Waker};
pub use options::{Options, ScheduleTrace};
pub use pool::{Machines, WeakMachines};
pub use program::{CallEnd, Ended, Program};
pub use promptness::{with_usual_slice, work_in_background};
pub use scheduler::Scheduler;
pub use select::{Direction, SelectCase, SelectResult, select};
pub use semaphore::{AcquireResult, NotifyList, ReleaseResult, acquire, release};
pub use session::{Called, Ender, Session};
pub use stop_the_world::{Breakable, GoroutineView, StoppedWorld};
pub use timers::Timer;
pub use wait_reason::WaitReason;
