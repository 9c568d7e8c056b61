//! Goroutines: scheduler, channels, timers, system monitor.

mod blocking;
mod channel;
mod clock;
mod engine;
mod find_runnable;
mod goroutine;
mod idle;
mod lock_rank;
mod machine;
mod netpoll;
mod preempt;
mod processor;
mod processor_count;
mod run_queue;
mod schedule_trace;
mod scheduler;
mod select;
mod semaphore;
mod status;
mod stop_the_world;
mod sync;
mod sysmon;
mod timers;
mod wait_queue;
mod wait_reason;

pub use channel::{Buffer, Channel, CloseResult, ReceiveResult, SendResult, Unbuffered};
pub use clock::Nanos;
pub use engine::{BlockingCall, CollectionReason, Engine, Outcome, SafepointAction, Switch, WakeOutcome, WorldJob};
pub use goroutine::GoroutineId;
pub use scheduler::{Context, Options, ScheduleTrace, Scheduler, SchedulerHandle, Slice, Waker};
pub use select::{Direction, SelectCase, SelectResult, select};
pub use semaphore::{AcquireResult, NotifyList, ReleaseResult, acquire, release};
pub use stop_the_world::{GoroutineView, StoppedWorld};
pub use timers::Timer;
pub use wait_reason::WaitReason;
