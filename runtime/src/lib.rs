//! Goroutines: scheduler, channels, timers, system monitor.

mod channel;
mod clock;
mod engine;
mod goroutine;
mod scheduler;
mod select;
mod semaphore;
mod stop_the_world;
mod sync;
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
