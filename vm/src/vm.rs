//! The face: a program is linked, run, and ends with a status.

use std::sync::Arc;
use std::time::Duration;

use diagnostics::SourceMap;
use runtime::{Outcome, ScheduleTrace, Scheduler};

use crate::engine::{Machine, MachineOptions, Stress};
use crate::fiber::FiberCell;
use crate::heap::{HeapOptions, OutOfMemory};
use crate::host::{Host, HostHandle};
use crate::image::Linked;
use crate::link::LinkError;
use crate::native::NativeTable;
use crate::traceback::TracebackLevel;

/// Go's limit for a goroutine's stack on 64-bit systems.
pub const DEFAULT_MAX_STACK: usize = 1_000_000_000;

/// Settings of a run.
#[derive(Clone)]
pub struct VmOptions {
    /// Arguments, environment and streams of the program.
    pub host: HostHandle,
    /// For file names and lines in traces.
    pub sources: Option<Arc<SourceMap>>,
    /// GOMAXPROCS; `None` = as many as the process may use.
    pub processors: Option<usize>,
    /// What is done at every safepoint, for tests of the collector.
    pub stress: Stress,
    /// Marks in stopped worlds only, not while the program runs. So it is too if there is a seed.
    pub stops_to_mark: bool,
    /// Marks all anew at the end of each collection, and compares.
    pub verify_marks: bool,
    /// Writes a line per collection to the host's standard error.
    pub gctrace: bool,
    /// Bytes that a goroutine's stack may take.
    pub max_stack: usize,
    /// What the program shows of its goroutines when it fails (GOTRACEBACK).
    pub traceback: TracebackLevel,
    /// How long without a collection until one is forced; `None`: never.
    pub forced_collection_period: Option<Duration>,
    /// Print the scheduler's state every so often.
    pub schedule_trace: Option<ScheduleTrace>,
    /// When the program ends, report goroutines that nobody could wake any more ([`Exit::message`]).
    pub find_leaks: bool,
    /// Take a CPU profile from the beginning; [`Machine::stop_cpu_profile`] gives it.
    pub cpu_profile: bool,
    /// Record what the scheduler does.
    pub trace: Option<Arc<runtime::EventTrace>>,
    /// Seeds every random choice (select, stealing, map iteration), and lets who runs when be one.
    pub seed: Option<u64>,
    /// Time stands still but when everybody waits.
    pub virtual_clock: bool,
    /// Threads, monitor and poller that the program shares with others of the process; `None`: it has its own.
    pub machines: Option<runtime::Machines>,
    /// Of a program that is called: it runs on its callers' threads alone, on one processor.
    pub callers_only: bool,
    /// GOGC; `None` = off.
    pub growth_percent: Option<u32>,
    /// GOMEMLIMIT in bytes: collections try to keep the heap below it.
    pub memory_limit: Option<u64>,
    /// Bytes that the program may take for its heap, its goroutines' stacks and its natives' work together. One that needs more is
    /// ended ([`Exit::out_of_memory`]). `None`: as much as the system gives.
    pub max_memory: Option<u64>,
    /// How many goroutines there may be at a time; one more ends the program.
    pub max_goroutines: Option<usize>,
    /// How many steps the program may take: calls and rounds of loops. Then it is ended.
    pub fuel: Option<u64>,
    /// Says how many bytes of the host's allocator the program's natives have taken, as far as that is known: they count towards
    /// `max_memory`.
    pub native_memory: Option<fn() -> u64>,
    /// Has the host's allocator give back to the system what it keeps and nobody uses: called when the program is at rest, and for
    /// `debug.FreeOSMemory`.
    pub release_native: Option<fn()>,
    /// Fills what a collection frees with a pattern.
    pub poison_freed: bool,
    /// Samples allocations for a profile ([`crate::heap::Heap::allocation_records`]), also if the program itself cannot ask for it.
    pub sample_allocations: bool,
    /// Gives what a collection frees back to the system at once.
    pub release_always: bool,
    /// Of a program that grows; [`crate::session::Session::start`] sets it.
    pub session: Option<Arc<crate::session::Watch>>,
}

impl Default for VmOptions {
    fn default() -> VmOptions {
        VmOptions {
            host: Arc::new(Host::nothing()),
            sources: None,
            processors: None,
            stress: Stress::None,
            stops_to_mark: false,
            verify_marks: false,
            gctrace: false,
            max_stack: DEFAULT_MAX_STACK,
            traceback: TracebackLevel::default(),
            forced_collection_period: Some(Duration::from_secs(120)),
            schedule_trace: None,
            find_leaks: false,
            cpu_profile: false,
            trace: None,
            seed: None,
            virtual_clock: false,
            machines: None,
            callers_only: false,
            growth_percent: Some(100),
            memory_limit: None,
            max_memory: None,
            max_goroutines: None,
            fuel: None,
            native_memory: None,
            release_native: None,
            poison_freed: false,
            sample_allocations: false,
            release_always: false,
            session: None,
        }
    }
}

/// A limit that ends a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// [`VmOptions::max_memory`], or what the system has.
    Memory,
    /// [`VmOptions::max_stack`].
    Stack,
    /// [`VmOptions::max_goroutines`].
    Goroutines,
    /// [`VmOptions::fuel`].
    Fuel,
}

/// How a program has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exit {
    /// Its exit status: 0, what it gave `os.Exit`, or 2 after a panic or fatal error.
    pub status: i32,
    /// What is to be written to standard error: the panic or fatal error with traces, in Go's format. Usually empty.
    pub message: String,
    /// There was no memory, or [`VmOptions::max_memory`] was reached.
    pub out_of_memory: bool,
    /// The limit that has ended it.
    pub limit: Option<Limit>,
    /// GOTRACEBACK wants the process to end by `SIGABRT`.
    pub crashes: bool,
}

impl Exit {
    fn new(status: i32, message: String) -> Exit {
        Exit {
            status,
            message,
            out_of_memory: false,
            limit: None,
            crashes: false,
        }
    }
}

/// Ends a program from outside, with a look at all its goroutines. See [`Vm::on_start`].
pub struct Quitter(runtime::Quitter<Machine>);

impl Quitter {
    /// Ends the program: `message`, then every goroutine with its trace. Does nothing if it has ended.
    pub fn quit(&self, message: &'static str) {
        self.0.quit(message);
    }
}

/// A linked program, ready to run.
pub struct Vm {
    machine: Arc<Machine>,
    options: VmOptions,
    on_start: Option<Box<dyn FnOnce(Quitter) + Send>>,
}

impl Vm {
    /// Links a program.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub fn new(
        program: bytecode::Program,
        natives: &NativeTable,
        options: VmOptions,
    ) -> Result<Vm, LinkError> {
        let grows = options.session.is_some();
        let linked = Arc::new(crate::link::link(program, natives, grows)?);
        let machine = machine_for(linked, &options)?;
        Ok(Vm {
            machine,
            options,
            on_start: None,
        })
    }

    /// Has `watch` called, with something that ends the program and shows all its goroutines, by a thread of the machine once the program runs:
    /// the place to wait for a signal.
    pub fn on_start(&mut self, watch: impl FnOnce(Quitter) + Send + 'static) {
        self.on_start = Some(Box::new(watch));
    }

    /// The engine, for statistics.
    pub fn machine(&self) -> &Arc<Machine> {
        &self.machine
    }

    /// Runs the program to its end, on this thread and those the scheduler starts.
    pub fn run(self) -> Exit {
        let machine = self.machine.clone();
        match self.start() {
            Some((scheduler, main)) => exit_of(&machine, scheduler.run(main)),
            None => no_room_for_main(),
        }
    }

    /// Runs the program in a process that ends with it: `end` writes the message and ends the process with the status. It is called at once, by
    /// whichever thread the program ends on; the others do not stop before the process does. If it comes back the process is aborted.
    pub fn run_process(self, end: impl Fn(Exit) + Send + Sync + 'static) -> ! {
        let machine = self.machine.clone();
        match self.start() {
            Some((scheduler, main)) => {
                scheduler.run_process(main, move |outcome| end(exit_of(&machine, outcome)))
            }
            None => {
                end(no_room_for_main());
                std::process::abort()
            }
        }
    }

    /// The scheduler and the goroutine `main`.
    pub(crate) fn start(self) -> Option<(Scheduler<Machine>, FiberCell)> {
        let options = scheduler_options(&self.options);
        let main = self.machine.main_fiber()?;
        let heap = self.machine.heap().clone();
        let mut scheduler = Scheduler::new(self.machine, options);
        if self.options.cpu_profile {
            scheduler.engine().start_cpu_profile(scheduler.sampler());
        }
        let requester = scheduler.collection_requester();
        heap.on_step_wanted(move || requester.request());
        if self.options.seed.is_none() {
            crate::settle::after_spikes(scheduler.engine(), scheduler.collection_requester());
        }
        if let Some(watch) = self.on_start {
            scheduler.on_start(|quitter| watch(Quitter(quitter)));
        }
        Some((scheduler, main))
    }
}

/// The machine that the settings describe.
pub(crate) fn machine_for(
    linked: Arc<Linked>,
    options: &VmOptions,
) -> Result<Arc<Machine>, OutOfMemory> {
    let heap = HeapOptions {
        growth_percent: options.growth_percent,
        limit: options.max_memory,
        native_memory: options.native_memory,
        release_native: options.release_native,
        soft_limit: options.memory_limit,
        seed: options.seed.unwrap_or_else(random_seed),
        poison: options.poison_freed,
        bytes_per_thread: options.poison_freed.then_some(1 << 20),
        refuse: options.stress != Stress::None,
        verify: options.verify_marks,
        sample: options.sample_allocations,
        release_always: options.release_always,
    };
    let machine_options = MachineOptions {
        max_goroutines: options.max_goroutines,
        fuel: options.fuel,
        stress: options.stress,
        // What happens with a seed must not depend on how fast threads are; and moves must be whole between threads.
        stops_to_mark: options.stops_to_mark
            || options.seed.is_some()
            || !crate::moves::parallel_safe(),
        gctrace: options.gctrace,
        finds_leaks: options.find_leaks,
        max_stack: options.max_stack,
        traceback: options.traceback,
        sources: options.sources.clone(),
        session: options.session.clone(),
    };
    Machine::new(linked, options.host.clone(), heap, machine_options)
}

/// What the scheduler is told.
pub(crate) fn scheduler_options(from: &VmOptions) -> runtime::Options {
    let mut options = runtime::Options::default();
    options.processors = from.processors;
    if !crate::moves::parallel_safe() {
        options.processors = Some(1);
    }
    options.forced_collection_period = from.forced_collection_period;
    options.schedtrace = from.schedule_trace.clone();
    options.trace = from.trace.clone();
    options.final_collection = from.find_leaks || from.sample_allocations;
    options.seed = from.seed;
    options.shuffle = from.seed.is_some();
    options.virtual_clock = from.virtual_clock;
    options.machines = from.machines.clone();
    options.callers_only = from.callers_only;
    options
}

fn no_room_for_main() -> Exit {
    Exit {
        out_of_memory: true,
        limit: Some(Limit::Memory),
        ..Exit::new(2, "fatal error: out of memory\n".to_owned())
    }
}

pub(crate) fn exit_of(machine: &Machine, outcome: Outcome<Machine>) -> Exit {
    match outcome {
        Outcome::MainExited => Exit::new(0, crate::leaks::report(machine)),
        Outcome::Exited(status) => Exit::new(status, String::new()),
        Outcome::Deadlock { message, dump } => {
            failed(machine, format!("fatal error: {message}\n"), &dump)
        }
        // Whoever asks for a dump wants to see it.
        Outcome::Dumped { message, dump } | Outcome::TimedOut { message, dump } => {
            failed(machine, format!("{message}\n\n{dump}"), "")
        }
        Outcome::Fatal { failure, .. } => Exit {
            out_of_memory: machine.limit() == Some(Limit::Memory),
            limit: machine.limit(),
            ..failed(machine, failure.text, "")
        },
        Outcome::Stopped => Exit::new(2, "stopped\n".to_owned()),
    }
}

/// The end of a program that has failed; `dump` is shown if traces are wanted.
fn failed(machine: &Machine, mut message: String, dump: &str) -> Exit {
    let level = machine.traceback.level();
    if !dump.is_empty() && level != TracebackLevel::None {
        message.push('\n');
        message.push_str(dump);
    }
    Exit {
        crashes: level == TracebackLevel::Crash,
        ..Exit::new(2, message)
    }
}

/// A seed from the addresses that the system has drawn for this process.
pub(crate) fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0u8)
}
