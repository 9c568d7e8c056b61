//! The settings of a run.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::{event_trace::EventTrace, pool::Machines};

/// Settings of a run.
#[non_exhaustive]
#[derive(Clone)]
pub struct Options {
    /// GOMAXPROCS (1 to 256); `None` takes it from the processor mask and the cgroup quota.
    pub processors: Option<usize>,
    /// The most threads the run may have (Go: 10,000). When it is reached, or the operating system refuses one, the run
    /// goes on with fewer.
    pub max_threads: usize,
    /// The most blocking calls under way at once; more wait for their turn. `None`: 512, or fewer if the user may have few threads.
    pub max_blocking_calls: Option<usize>,
    /// Where `proc` and `sys` are, for the processor mask and the cgroup's quota; tests have a tree of their own.
    pub system_root: PathBuf,
    /// How long without a collection until sysmon asks for one; `None`: never.
    pub forced_collection_period: Option<Duration>,
    /// Collect once more when the main goroutine has ended.
    pub final_collection: bool,
    /// Print a line every so often.
    pub schedtrace: Option<ScheduleTrace>,
    /// Record what happens.
    pub trace: Option<Arc<EventTrace>>,
    /// Seeds every random choice (select, stealing).
    pub seed: Option<u64>,
    /// The seed says who runs when: a goroutine that is started or woken is put behind all others half of the time, and turns are over after a number of
    /// safepoints that is drawn. With one processor and a virtual clock the same seed gives the same run.
    /// GO: proc.go `randomizeScheduler`.
    pub shuffle: bool,
    /// Time stands still while anybody can run, and jumps to the next timer when everybody waits.
    pub virtual_clock: bool,
    /// The stack of the threads the scheduler starts.
    pub thread_stack_size: usize,
    /// Threads, monitor and poller that it shares with other schedulers; `None`: it has its own.
    pub machines: Option<Machines>,
    /// Only threads that call run goroutines: no other is started, and there is no monitor. It has one processor; blocking calls hold
    /// their caller up, and no goroutine is locked to a thread.
    pub callers_only: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            processors: None,
            max_threads: 10_000,
            max_blocking_calls: None,
            system_root: PathBuf::from("/"),
            forced_collection_period: Some(Duration::from_secs(120)),
            final_collection: false,
            schedtrace: None,
            trace: None,
            seed: None,
            shuffle: false,
            virtual_clock: false,
            thread_stack_size: 2 << 20,
            machines: None,
            callers_only: false,
        }
    }
}

/// `GOLITEDEBUG=schedtrace=...,scheddetail=1`.
#[derive(Clone)]
pub struct ScheduleTrace {
    /// One line per period.
    pub period: Duration,
    /// Also every processor, machine and goroutine.
    pub detail: bool,
    /// Where the text goes; whole lines.
    pub sink: Arc<dyn Fn(&str) + Send + Sync>,
}
