//! Running programs.

use std::any::Any;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use vm::convert::{CallArguments, CallResults, CallShared, CallStatus};
use vm::{
    CallFailure, Capabilities, Embedded, Ending, Exit, Files, Folder, Host, HostCall, Network,
    NotVisited, Peers, Stopper, VmOptions,
};

use super::error::{Error, Limit, Panic};
use super::function::Func;
use super::output::{Meter, Metered, TOO_MUCH_OUTPUT};
use super::program::Program;
use super::watch;

/// What a VM is given, and what it may take. See [`Program::vm`].
///
/// Nothing is given unless it is said: no arguments, no environment, an empty standard input, outputs that go nowhere, no files, no network, no
/// other processes. What the program may not reach answers `permission denied`.
#[must_use]
pub struct VmBuilder {
    program: Program,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    stdin: Box<dyn Read + Send>,
    stdout: Box<dyn Write + Send>,
    stderr: Box<dyn Write + Send>,
    output: Option<u64>,
    open_files: usize,
    deadline: Option<Duration>,
    folders: Vec<(PathBuf, bool)>,
    peers: Vec<(String, Option<u16>)>,
    capabilities: Capabilities,
    options: VmOptions,
}

/// A running program: clones are handles of one. When the last is dropped its goroutines end.
#[derive(Clone)]
pub struct Vm {
    inner: Arc<Inner>,
    /// Closes with the last handle.
    _running: Arc<Running>,
}

/// What handles, functions and interrupters share.
pub(super) struct Inner {
    pub(super) embedded: Embedded,
    stopper: Stopper,
    ended: OnceLock<Error>,
    /// The calls that have a deadline.
    calls: Mutex<WatchedCalls>,
    /// What is watched counts as long as this is there.
    alive: Arc<()>,
    /// How it was made, for [`Vm::reload`].
    settings: Settings,
}

/// What a VM was made with.
#[derive(Clone)]
struct Settings {
    options: VmOptions,
    meter: Option<Arc<Meter>>,
    deadline: Option<Duration>,
}

/// What [`Vm::reload`] has made.
#[derive(Debug)]
pub struct Reloaded {
    /// The VM of the new program.
    pub vm: Vm,
    /// Variables of both programs that have not kept their values.
    pub started_anew: Vec<StartedAnew>,
}

/// A variable that has not kept its value. See [`Vm::reload`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StartedAnew {
    /// Its name, after its package's path if that is not the program's first: `counter`, `example.org/shop/stock.items`.
    pub variable: String,
    /// Why: `it has the function main.main.func1`, `type main.Guest has changed`.
    pub reason: String,
}

struct Running(Arc<Inner>);

impl Drop for Running {
    fn drop(&mut self) {
        let inner = Arc::clone(&self.0);
        if inner.embedded.is_inside() {
            // The program itself has let its VM go: another thread must wait for it.
            inner.stopper.end(CLOSED);
            let _ = std::thread::Builder::new()
                .name("golite-close".to_owned())
                .spawn(move || inner.embedded.close());
        } else {
            inner.embedded.close();
        }
    }
}

/// Why a VM was ended that lost its last handle.
const CLOSED: &str = "closed";
/// Why [`Vm::interrupt`] has ended a VM.
const INTERRUPTED: &str = "interrupted";

/// Ends a VM from any thread; does not keep it. See [`Vm::interrupter`].
#[derive(Clone)]
pub struct Interrupter {
    stopper: Stopper,
}

impl Interrupter {
    /// As [`Vm::interrupt`].
    pub fn interrupt(&self) {
        watch::quit_soon(self.stopper.clone(), INTERRUPTED);
    }
}

impl VmBuilder {
    pub(super) fn new(program: Program) -> VmBuilder {
        let options = VmOptions {
            sources: Some(Arc::clone(&program.shared.sources)),
            ..VmOptions::default()
        };
        VmBuilder {
            program,
            arguments: vec!["golite".to_owned()],
            environment: Vec::new(),
            stdin: Box::new(std::io::empty()),
            stdout: Box::new(std::io::sink()),
            stderr: Box::new(std::io::sink()),
            output: None,
            open_files: usize::MAX,
            deadline: None,
            folders: Vec::new(),
            peers: Vec::new(),
            capabilities: Capabilities::default(),
            options,
        }
    }

    /// `os.Args`, the program's name first.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> VmBuilder {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self
    }

    /// Adds an environment variable.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> VmBuilder {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Where standard input comes from.
    pub fn stdin(mut self, stream: impl Read + Send + 'static) -> VmBuilder {
        self.stdin = Box::new(stream);
        self
    }

    /// Where standard output goes: a file, [`std::io::stdout`], an [`crate::Output`].
    pub fn stdout(mut self, stream: impl Write + Send + 'static) -> VmBuilder {
        self.stdout = Box::new(stream);
        self
    }

    /// Where standard error goes.
    pub fn stderr(mut self, stream: impl Write + Send + 'static) -> VmBuilder {
        self.stderr = Box::new(stream);
        self
    }

    /// Lets the program read the files below `folder`, and list its folders. They are named by their paths in the host's file system. Nothing
    /// outside is reached, by no symbolic link either.
    pub fn allow_read(mut self, folder: impl AsRef<Path>) -> VmBuilder {
        self.folders.push((folder.as_ref().to_owned(), false));
        self
    }

    /// As [`VmBuilder::allow_read`], and lets the program change what is there.
    pub fn allow_write(mut self, folder: impl AsRef<Path>) -> VmBuilder {
        self.folders.push((folder.as_ref().to_owned(), true));
        self
    }

    /// Lets the program connect to, and listen at, a host (a name or an address) and a port; `None`: any port.
    pub fn allow_net(mut self, host: impl Into<String>, port: Option<u16>) -> VmBuilder {
        self.peers.push((host.into(), port));
        self
    }

    /// Lets the program start other processes and signal them: these may do whatever the host's process may.
    pub fn allow_run(mut self) -> VmBuilder {
        self.capabilities.processes = true;
        self
    }

    /// Lets the program reach all that the host's process may.
    pub fn allow_all(mut self) -> VmBuilder {
        self.capabilities = Capabilities::all();
        self
    }

    /// How many goroutines may run at the same time (GOMAXPROCS); without it, as many as the process has processors.
    pub fn processors(mut self, count: usize) -> VmBuilder {
        self.options.processors = Some(count.max(1));
        self
    }

    /// The VM runs on the threads that call it alone, one goroutine at a time: no other thread is started. Who waits for a call runs whatever there is
    /// to run meanwhile; what a call leaves behind runs during later calls, or when somebody steps ([`Vm::run_until_idle`], [`Vm::step`]). Calls of the
    /// operating system, and blocking functions of the host, hold up who calls. `runtime.LockOSThread` is of no effect.
    pub fn on_callers_thread(mut self) -> VmBuilder {
        self.options.callers_only = true;
        self
    }

    /// Time stands still in the VM but when a call waits for it, or [`Vm::step`] moves it. As [`VmBuilder::on_callers_thread`] otherwise.
    pub fn virtual_time(mut self) -> VmBuilder {
        self.options.virtual_clock = true;
        self.on_callers_thread()
    }

    /// Ends the VM ([`Limit::Deadline`]) so long after its start, whatever it does then.
    pub fn deadline(mut self, time: Duration) -> VmBuilder {
        self.deadline = Some(time);
        self
    }

    /// Ends the VM ([`Limit::Memory`]) when heap, stacks and what natives take together would need more bytes.
    pub fn memory(mut self, bytes: u64) -> VmBuilder {
        self.options.max_memory = Some(bytes);
        self
    }

    /// Ends the VM ([`Limit::Stack`]) when a goroutine's stack would need more bytes; without it, 1,000,000,000 as in Go.
    pub fn stack(mut self, bytes: usize) -> VmBuilder {
        self.options.max_stack = bytes;
        self
    }

    /// Ends the VM ([`Limit::Goroutines`]) when it would have more goroutines at a time.
    pub fn goroutines(mut self, count: usize) -> VmBuilder {
        self.options.max_goroutines = Some(count);
        self
    }

    /// Ends the VM ([`Limit::Fuel`]) after so many calls and rounds of loops, counted exactly, over all its goroutines. Such a VM is slower.
    pub fn fuel(mut self, steps: u64) -> VmBuilder {
        self.options.fuel = Some(steps);
        self
    }

    /// Ends the VM ([`Limit::Output`]) when it writes more bytes to standard output and error together.
    pub fn output(mut self, bytes: u64) -> VmBuilder {
        self.output = Some(bytes);
        self
    }

    /// How many files, sockets and pipes the program may have open at a time; what would be one more answers `too many open files`.
    pub fn open_files(mut self, count: usize) -> VmBuilder {
        self.open_files = count;
        self
    }

    /// Runs the same way each time: every random choice follows from `seed`, and so does which goroutine runs when, and after how many calls and rounds of
    /// loops it loses its turn (see also [`Builder::scheduling_points`](super::Builder::scheduling_points)). As [`VmBuilder::virtual_time`] otherwise.
    pub fn seeded(mut self, seed: u64) -> VmBuilder {
        self.options.seed = Some(seed);
        self.virtual_time()
    }

    /// Makes the VM, and initialises the program's packages.
    ///
    /// # Errors
    /// A host function does not fit its declaration, there is no memory, or the initialisation has failed.
    pub fn start(self) -> Result<Vm, Error> {
        let VmBuilder {
            program,
            arguments,
            environment,
            stdin,
            mut stdout,
            mut stderr,
            output,
            open_files,
            deadline,
            folders,
            peers,
            mut capabilities,
            mut options,
        } = self;
        if let Files::Below(allowed) = &mut capabilities.files {
            for (folder, writable) in folders {
                let path = folder
                    .canonicalize()
                    .map_err(|error| Error::Host(format!("{}: {error}", folder.display())))?;
                allowed.push(Folder { path, writable });
            }
        }
        if let Network::Only(_) = capabilities.network {
            capabilities.network = Network::Only(Peers::new(peers));
        }
        let meter = output.map(Meter::new);
        if let Some(meter) = &meter {
            let metered = |to| -> Box<dyn Write + Send> {
                Box::new(Metered {
                    to,
                    meter: Arc::clone(meter),
                })
            };
            stdout = metered(stdout);
            stderr = metered(stderr);
        }
        let host = Host::new(arguments, environment, stdin, stdout, stderr);
        let host = host
            .with_capabilities(capabilities)
            .with_open_files(open_files);
        options.host = Arc::new(host);
        if !options.callers_only {
            options.machines = program.shared.golite.machines();
        }
        Vm::start(
            &program,
            Settings {
                options,
                meter,
                deadline,
            },
        )
    }
}

impl Vm {
    /// Makes a VM, and initialises the program's packages.
    fn start(program: &Program, settings: Settings) -> Result<Vm, Error> {
        let compiled = &program.shared;
        let Settings {
            options,
            meter,
            deadline,
        } = &settings;
        let embedded = Embedded::new(compiled.linked()?, options);
        let embedded = embedded.map_err(|_| Error::Limit {
            limit: Limit::Memory,
            traces: String::new(),
        })?;
        let stopper = embedded.stopper();
        if let Some(meter) = meter {
            meter.arm(stopper.clone());
        }
        let alive = Arc::new(());
        if let Some(time) = *deadline {
            if embedded.is_callers_only() {
                embedded.set_deadline(time);
            } else if let Some(due) = Instant::now().checked_add(time) {
                let stopper = stopper.clone();
                let end = move |_| {
                    if !stopper.is_over() {
                        watch::quit_soon(stopper.clone(), watch::DEADLINE);
                    }
                    None
                };
                watch::at(due, &alive, Box::new(end));
            }
        }
        let inner = Arc::new(Inner {
            embedded,
            stopper,
            ended: OnceLock::new(),
            calls: Mutex::default(),
            alive,
            settings,
        });
        let owner: Weak<dyn Any + Send + Sync> = Arc::downgrade(&inner) as Weak<Inner>;
        inner.embedded.machine().set_owner(owner);
        let vm = Vm {
            _running: Arc::new(Running(Arc::clone(&inner))),
            inner,
        };
        let exports = compiled.code.exports.as_ref();
        if let Some(exports) = exports {
            vm.plain(exports.initialize).call(())?;
        }
        Ok(vm)
    }

    /// Goes on with another program, usually a changed version of this one's. A new VM is made with the settings of this one and its packages are
    /// initialised, `init` functions and all. Then each package variable that both programs have, with the same name and type, gets the value that it
    /// has here: with all that it refers to, shared structure and cycles kept. Then this VM ends.
    ///
    /// Types are the same if they have the same name and are made of the same things; their methods may have changed. A variable of another type,
    /// or one that leads to something that cannot be carried ([`Reloaded::started_anew`] says what), has the value that the new program gives it. That
    /// are function literals (functions that were declared are found by their names), timers, open files and sockets, `unique` handles and weak
    /// pointers, and values of types that have changed. Channels keep what is in their buffers. Mutexes and wait groups are unlocked. The standard
    /// packages' own variables begin anew.
    ///
    /// Goroutines are not carried: they end as when a VM is dropped. So do this when nothing is under way, and have the new program start what it
    /// needs, by its `init` functions or by a call. What the host holds of the old VM (functions, values, channels) is of no use any more. The deadline
    /// and the counts of fuel begin anew, that of the output goes on.
    ///
    /// ```
    /// use golite::Golite;
    ///
    /// let golite = Golite::new();
    /// let first = golite.compile("package p\nvar count = 0\nfunc Next() int { count++; return count }")?;
    /// let vm = first.start()?;
    /// vm.func::<(), i64>("Next")?.call(())?;
    /// let second = golite.compile("package p\nvar count = 0\nfunc Next() int { count += 10; return count }")?;
    /// let vm = vm.reload(&second)?.vm;
    /// assert_eq!(vm.func::<(), i64>("Next")?.call(())?, 11);
    /// # Ok::<(), golite::Error>(())
    /// ```
    ///
    /// # Errors
    /// The new program cannot be started, or there is no memory: this VM goes on as if nothing had been. [`Error::Reentrant`]: this is a host
    /// function that the VM has called.
    pub fn reload(&self, program: &Program) -> Result<Reloaded, Error> {
        let old = &self.inner;
        if old.embedded.is_inside() {
            return Err(Error::Reentrant);
        }
        if old.embedded.is_over() {
            return Err(old.end());
        }
        let mut settings = old.settings.clone();
        settings.options.host = Arc::new(settings.options.host.for_another());
        settings.options.sources = Some(Arc::clone(&program.shared.sources));
        let carried = Vm::start(program, settings).and_then(|vm| {
            let is_own = |package: &str| !stdlib::outline::is_standard(package);
            match vm.inner.embedded.carry_from(&old.embedded, is_own) {
                Ok(not_carried) => Ok((vm, not_carried)),
                Err(NotVisited::Inside) => Err(Error::Reentrant),
                Err(NotVisited::Over) if old.embedded.is_over() => Err(old.end()),
                Err(NotVisited::Over) => Err(vm.inner.end()),
                Err(NotVisited::Failed(failure)) => {
                    Err(vm.inner.error_of(CallStatus::Failed(failure)))
                }
            }
        });
        let (vm, not_carried) = carried.inspect_err(|_| {
            if let Some(meter) = &old.settings.meter {
                meter.arm(old.stopper.clone());
            }
        })?;
        old.embedded.close();
        let started_anew = not_carried.into_iter().map(|carried| StartedAnew {
            // A text by itself is a package without a path.
            variable: match carried.variable.strip_prefix("command-line-arguments.") {
                Some(name) => name.to_owned(),
                None => carried.variable,
            },
            reason: carried.reason,
        });
        Ok(Reloaded {
            vm,
            started_anew: started_anew.collect(),
        })
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    fn plain(&self, function: bytecode::FunctionId) -> Func<(), ()> {
        Func::new(
            Arc::clone(&self.inner),
            CallShared::<(), ()>::plain(function),
        )
    }

    /// Calls the program's `main`, or runs a script's statements, and waits until it returns. Goroutines that it has started go on.
    ///
    /// # Errors
    /// As [`Func::call`]. `os.Exit(0)` is no error.
    pub fn run(&self) -> Result<(), Error> {
        let image = self.inner.embedded.machine().image();
        let Some(exports) = image.exports() else {
            return Err(Error::NoFunction("main".to_owned()));
        };
        match self.plain(exports.main).call(()) {
            Err(Error::Exited(0)) => Ok(()),
            result => result,
        }
    }

    /// The function of the program's first package with this name, exported or not. The types are compared now; see
    /// [`crate::embed`] for what stands for what.
    ///
    /// # Errors
    /// [`Error::NoFunction`], [`Error::Signature`].
    pub fn func<A: CallArguments, R: CallResults>(&self, name: &str) -> Result<Func<A, R>, Error> {
        let machine = self.inner.embedded.machine();
        match CallShared::bind(machine, name) {
            None => Err(Error::NoFunction(name.to_owned())),
            Some(Ok(call)) => Ok(Func::new(Arc::clone(&self.inner), call)),
            Some(Err(mismatch)) => Err(Error::Signature {
                name: name.to_owned(),
                go: mismatch.go,
                rust: mismatch.wanted,
            }),
        }
    }

    /// Runs, on this thread, what can run now, and comes back when nothing is left but to wait.
    ///
    /// # Errors
    /// The VM has ended. [`Error::Reentrant`]: this is a host function that the same VM has called where it runs.
    pub fn run_until_idle(&self) -> Result<(), Error> {
        self.drive(Embedded::run_until_idle)
    }

    /// Moves the VM's time on by `time`, from timer to timer, and runs what these make runnable: a frame of a game, a step of a simulation. For a VM with
    /// [`VmBuilder::virtual_time`]; with real time it is [`Vm::run_until_idle`].
    ///
    /// # Errors
    /// As [`Vm::run_until_idle`].
    pub fn step(&self, time: Duration) -> Result<(), Error> {
        self.drive(|embedded| embedded.advance(time))
    }

    fn drive(&self, run: impl FnOnce(&Embedded) -> bool) -> Result<(), Error> {
        let embedded = &self.inner.embedded;
        if embedded.is_inside() {
            return Err(Error::Reentrant);
        }
        match run(embedded) {
            true => Ok(()),
            false => Err(self.inner.end()),
        }
    }

    /// Ends the VM: every call gets [`Error::Interrupted`] with the goroutines' traces. Returns at once; may be called from any thread.
    pub fn interrupt(&self) {
        self.interrupter().interrupt();
    }

    /// What can end the VM and does not keep it.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter {
            stopper: self.inner.stopper.clone(),
        }
    }

    /// Why the VM has ended, if it has.
    pub fn ended(&self) -> Option<Error> {
        self.inner.embedded.is_over().then(|| self.inner.end())
    }

    /// How many goroutines there are, those of calls included.
    pub fn goroutine_count(&self) -> usize {
        self.inner.embedded.goroutines()
    }

    /// Bytes that the VM's heap and stacks take, and what is known of its natives.
    pub fn memory_used(&self) -> u64 {
        self.inner.embedded.machine().heap().account().charged()
    }

    /// Collects the heap now.
    pub fn collect_garbage(&self) {
        if !self.inner.embedded.is_inside() {
            self.inner.embedded.collect();
        }
    }
}

impl std::fmt::Debug for Vm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vm")
            .field("ended", &self.ended())
            .finish_non_exhaustive()
    }
}

/// The calls of a VM that have a deadline.
#[derive(Default)]
struct WatchedCalls {
    list: Vec<WatchedCall>,
    /// When the VM's entry of the watch is due, if it has one.
    armed: Option<Instant>,
    last: u64,
}

struct WatchedCall {
    number: u64,
    /// When something is to be done.
    due: Instant,
    call: Arc<dyn HostCall>,
    /// Its time is over: where it was then, once that is known.
    ended: Option<Arc<OnceLock<String>>>,
    /// Since its time is over.
    waits: Option<watch::Grace>,
    /// Since it was found that it has been told to end.
    told: Option<watch::Grace>,
}

impl WatchedCall {
    /// Ends the VM of a call that was told to end, and has had its time for that.
    fn end_if_stubborn(&mut self, stopper: &vm::Stopper) {
        let Some(trace) = &self.ended else {
            return;
        };
        let waits = self.waits.get_or_insert_with(watch::Grace::begin);
        match trace.get() {
            Some(_) => {
                if self.told.get_or_insert_with(watch::Grace::begin).is_over() {
                    watch::quit_soon(stopper.clone(), watch::DEADLINE);
                }
            }
            // Nobody could look at it yet: the program does not come to a halt, and would not for a look at its end.
            None => {
                if waits.is_long_over() {
                    stopper.end(watch::DEADLINE);
                }
            }
        }
    }
}

/// A call's deadline, while it runs.
pub(super) struct Watched {
    vm: Arc<Inner>,
    number: u64,
}

impl Watched {
    /// Where the call was when its time was over, if it was.
    pub(super) fn ended(&self) -> Option<String> {
        let calls = self.vm.lock_calls();
        let call = calls.list.iter().find(|call| call.number == self.number)?;
        let trace = call.ended.as_ref()?;
        Some(trace.get().cloned().unwrap_or_default())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut calls = self.vm.lock_calls();
        calls.list.retain(|call| call.number != self.number);
    }
}

impl Inner {
    fn lock_calls(&self) -> MutexGuard<'_, WatchedCalls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the call at `due`, unless what is returned was dropped before.
    pub(super) fn watch_call(self: &Arc<Inner>, due: Instant, call: Arc<dyn HostCall>) -> Watched {
        let mut calls = self.lock_calls();
        calls.last += 1;
        let number = calls.last;
        calls.list.push(WatchedCall {
            number,
            due,
            call,
            ended: None,
            waits: None,
            told: None,
        });
        // One entry of the watch serves all calls: it looks for the next that is due.
        let is_new = calls.armed.is_none_or(|armed| due < armed);
        if is_new {
            calls.armed = Some(due);
        }
        drop(calls);
        if is_new {
            let vm = Arc::downgrade(self);
            let look = move |now| vm.upgrade()?.end_calls_at(now);
            watch::at(due, &self.alive, Box::new(look));
        }
        Watched {
            vm: Arc::clone(self),
            number,
        }
    }

    /// Ends the calls whose time is over, and the VM if one does not end. Answers when to look again.
    fn end_calls_at(self: &Arc<Inner>, now: Instant) -> Option<Instant> {
        let mut calls = self.lock_calls();
        if self.embedded.is_over() {
            calls.armed = None;
            return None;
        }
        for call in &mut calls.list {
            if call.due > now {
                continue;
            }
            call.due = now + watch::Grace::STEP;
            if call.ended.is_some() {
                call.end_if_stubborn(&self.stopper);
                continue;
            }
            let trace = Arc::new(OnceLock::new());
            call.ended = Some(Arc::clone(&trace));
            // The world stops only when its natives come back.
            call.call.tell_to_end();
            let (vm, host_call) = (Arc::downgrade(self), Arc::downgrade(&call.call));
            watch::soon(move || {
                if let (Some(vm), Some(call)) = (vm.upgrade(), host_call.upgrade()) {
                    vm.embedded.end_call(&call, |at| {
                        // It is set once.
                        let _ = trace.set(at);
                    });
                }
            });
        }
        calls.armed = calls.list.iter().map(|call| call.due).min();
        calls.armed
    }

    pub(super) fn register<A: CallArguments, R: CallResults>(
        &self,
        slot: &Arc<vm::convert::CallSlot<A, R>>,
    ) {
        self.embedded.wake_at_end(slot);
    }

    pub(super) fn error_of(&self, status: CallStatus) -> Error {
        match status {
            CallStatus::Unconvertible(text) => Error::Conversion(text),
            CallStatus::Failed(CallFailure::Panic { message, trace }) => {
                Error::Panic(Panic { message, trace })
            }
            CallStatus::Failed(CallFailure::Argument(text)) => Error::Conversion(text),
            CallStatus::Failed(CallFailure::OutOfMemory) => Error::Limit {
                limit: Limit::Memory,
                traces: String::new(),
            },
            CallStatus::Failed(CallFailure::Gone) | CallStatus::Over => {
                match self.embedded.is_over() {
                    true => self.end(),
                    false => Error::Goexit,
                }
            }
        }
    }

    /// Why the VM has ended.
    fn end(&self) -> Error {
        let end = self.ended.get_or_init(|| match self.embedded.ending() {
            None | Some(Ending::Closed) => Error::Closed,
            Some(Ending::Exited(status)) => Error::Exited(*status),
            Some(Ending::Interrupted { reason, traces }) => {
                let traces = traces.clone();
                match *reason {
                    watch::DEADLINE => Error::Limit {
                        limit: Limit::Deadline,
                        traces,
                    },
                    TOO_MUCH_OUTPUT => Error::Limit {
                        limit: Limit::Output,
                        traces,
                    },
                    CLOSED => Error::Closed,
                    _ => Error::Interrupted { traces },
                }
            }
            Some(Ending::Deadlock(exit)) => {
                let (message, traces) = split(&exit.message);
                Error::Deadlock { message, traces }
            }
            Some(Ending::Fatal(exit)) => fatal(exit),
        });
        end.clone()
    }
}

/// The first line, without its end, and the rest.
fn split(text: &str) -> (String, String) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    (first.to_owned(), rest.trim_start_matches('\n').to_owned())
}

fn fatal(exit: &Exit) -> Error {
    let limit = match exit.limit {
        Some(vm::Limit::Memory) => Limit::Memory,
        Some(vm::Limit::Stack) => Limit::Stack,
        Some(vm::Limit::Goroutines) => Limit::Goroutines,
        Some(vm::Limit::Fuel) => Limit::Fuel,
        None => {
            return Error::Fatal {
                message: exit.message.clone(),
            };
        }
    };
    Error::Limit {
        limit,
        traces: exit.message.clone(),
    }
}
