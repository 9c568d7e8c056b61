//! Native functions: how the body of a body-less Go declaration is written in Rust.
//!
//! A package's natives are rows of a table:
//!
//! ```ignore
//! vm::natives! {
//!     pure "Index" => index;
//!     blocking "readFile" => read_file;
//!     parking "semacquire" => semacquire;
//! }
//! ```
//!
//! which makes `pub const NATIVES: &[vm::Native]`. Name a method `"Builder.WriteString"`. The functions are ordinary Rust functions; their
//! parameter and result types are converted by [`Parameter`] and [`Results`] (see [`crate::border`]), and compared with
//! the declaration when a program is linked.
//!
//! - *pure*: runs where it is called and returns at once. May take `&mut NativeContext<'_>` first.
//!   Returns any [`Results`], or `Result<_, GoPanic>`.
//! - *blocking*: may wait for the operating system. It runs off the processor, so that other goroutines go on: its
//!   parameters and results are owned and `Send` ([`OwnedParameter`]). Take [`crate::HostHandle`] first to reach standard
//!   streams. Write *long* instead of *blocking* for what surely takes long (a name server, a child process): its processor is
//!   handed on at once. It can be cut off at the end of the program; it must not hold locks that others need then.
//! - *parking*: may make the goroutine wait, yield or end. Takes `&mut NativeContext<'_>` first (its [`NativeContext::slice`]
//!   is the door to the scheduler) and returns [`Parking`].
//!
//! - *machine*: a [`crate::reflection::MachineOperation`], such as a call of a function whose type only its value knows.
//!
//! INVARIANT (NATIVES): natives never call bytecode, and what has the lifetime `'h` (strings, slices, `Any`) is good only
//! until the native returns: the heap is not collected before.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicU32;

use std::sync::Arc;

use runtime::{BlockingCall, Context, Slice, StoppedWorld, WaitReason};

use crate::border::{NativeType, OwnedParameter, Parameter, Results};
use crate::engine::Machine;
use crate::fiber::Interrupt;
use crate::host::HostHandle;
use crate::host_function::HostFunction;
use crate::image::Image;
use crate::reflection::MachineOperation;

/// A panic (or worse) that a native asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GoPanic {
    /// `panic("text")`.
    Text(String),
    /// A `runtime.Error` that prints as `runtime error: text`.
    Runtime(String),
    /// A `runtime.Error` that prints as the bare text.
    Plain(String),
    /// `fatal error: text`: ends the program and cannot be recovered.
    Fatal(String),
    /// As `Fatal`, with this first line: what Go prints when a signal ends the program.
    Signal(String),
    /// There is no memory: ends the program as Go does.
    OutOfMemory,
    /// There is no memory, and the native has changed nothing yet: the heap is collected and the native called again; then as
    /// `OutOfMemory`.
    WantsMemory,
}

impl GoPanic {
    pub fn text(text: impl Into<String>) -> GoPanic {
        GoPanic::Text(text.into())
    }

    pub fn runtime(text: impl Into<String>) -> GoPanic {
        GoPanic::Runtime(text.into())
    }

    pub fn fatal(text: impl Into<String>) -> GoPanic {
        GoPanic::Fatal(text.into())
    }

    /// What following a nil pointer gives.
    pub fn nil_dereference() -> GoPanic {
        GoPanic::Runtime(crate::panics::NIL_DEREFERENCE.into())
    }

    /// The heap has no room: ends the program as Go does.
    pub fn out_of_memory() -> GoPanic {
        GoPanic::OutOfMemory
    }
}

/// What a parking native wants to happen.
pub enum Parking<R> {
    /// Go on with these results.
    Done(R),
    /// Let others run, then go on with these results.
    Yield(R),
    /// Wait; whoever wakes the goroutine lets it go on with these results. Something must hold it already
    /// (see [`runtime::Switch::Park`]).
    Park(WaitReason, R),
    /// Wait, and let the other goroutine of a pair run on ([`runtime::coroutine`]).
    Coroutine(runtime::coroutine::Resumed<Machine>, R),
    /// `runtime.Goexit`: runs the deferred calls, then ends the goroutine.
    Goexit,
    /// `os.Exit`.
    Exit(i32),
    /// Collects the heap (`runtime.GC`), then goes on with these results.
    Collect(R),
    /// `runtime.GOMAXPROCS(n)`: sets the number of processors; goes on with these results.
    SetProcessors(usize, R),
    /// `runtime.LockOSThread` (true) and `UnlockOSThread`; goes on with these results.
    LockThread(bool, R),
    /// Does this while no goroutine runs, and goes on with what it answers.
    World(WorldJob<R>),
    /// Panics.
    Panic(GoPanic),
}

/// What is done while no goroutine runs, and what comes of it.
pub type WorldJob<R> = Box<dyn FnOnce(&mut StoppedWorld<'_, Machine>) -> R + Send>;

/// What a blocking native hands back: writes its results into the window when the goroutine has a processor again.
pub type FinishNative =
    Box<dyn FnOnce(&mut NativeContext<'_>, *mut u64) -> Result<(), GoPanic> + Send>;

/// [`Parking`] with its results packed, as the interpreter wants it.
pub enum ParkingOutcome {
    Done,
    Yield(FinishNative),
    Park(WaitReason, FinishNative),
    Coroutine(runtime::coroutine::Resumed<Machine>, FinishNative),
    Goexit,
    Exit(i32),
    Collect(FinishNative),
    SetProcessors(usize, FinishNative),
    LockThread(bool, FinishNative),
    World(WorldJob<FinishNative>),
    Panic(GoPanic),
}

/// The argument slots of one call of a native, and where its results go. Only the interpreter makes them, and it gives them only to the
/// native that the linker found fit.
pub struct Slots(pub(crate) *mut u64);

/// How a native is called.
#[derive(Clone, Copy)]
pub enum Entry {
    Pure(fn(&mut NativeContext<'_>, Slots) -> Result<(), GoPanic>),
    Blocking(fn(&HostHandle, Slots) -> Result<BlockingCall<Machine>, GoPanic>),
    Parking(fn(&mut NativeContext<'_>, Slots) -> ParkingOutcome),
    /// The interpreter does it itself.
    Machine(MachineOperation),
    /// A host function of this number in the image: made by the linker.
    Host(u32),
}

/// A row of a package's table.
#[derive(Clone, Copy)]
pub struct Native {
    /// Function name, or `Type.Method`, without the package.
    pub name: &'static str,
    pub entry: Entry,
    pub signature: fn() -> Signature,
}

/// Parameters and results of a native, worked out from its Rust types.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Signature {
    pub parameters: Vec<NativeType>,
    pub results: Vec<NativeType>,
}

impl std::fmt::Display for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |types: &[NativeType]| {
            types
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        write!(
            f,
            "func({}) ({})",
            list(&self.parameters),
            list(&self.results)
        )
    }
}

impl Signature {
    /// Whether a declaration with these parameter and result types fits.
    pub fn agrees_with(
        &self,
        types: &[bytecode::TypeDescriptor],
        parameters: &[bytecode::TypeId],
        results: &[bytecode::TypeId],
    ) -> bool {
        let fits = |wanted: &[NativeType], declared: &[bytecode::TypeId]| {
            wanted.len() == declared.len()
                && wanted
                    .iter()
                    .zip(declared)
                    .all(|(w, d)| w.accepts(types, *d))
        };
        fits(&self.parameters, parameters) && fits(&self.results, results)
    }
}

/// All natives that a program may be linked with: tables under their package paths. Making one costs nothing to speak of, however many
/// natives there are: a program needs few of them.
#[derive(Clone, Default)]
pub struct NativeTable {
    packages: rustc_hash::FxHashMap<String, Vec<Native>>,
    hosts: rustc_hash::FxHashMap<String, Arc<dyn HostFunction>>,
}

impl NativeTable {
    pub fn new() -> NativeTable {
        NativeTable::default()
    }

    /// Adds a package's table.
    pub fn add(&mut self, package: &str, natives: &[Native]) {
        self.packages
            .entry(package.to_owned())
            .or_default()
            .extend_from_slice(natives);
    }

    /// Adds a host function under its full name (`package/path.Name`). It stands before a native of that name.
    pub fn add_host(&mut self, name: String, function: Arc<dyn HostFunction>) {
        self.hosts.insert(name, function);
    }

    /// The host function with this full name.
    pub(crate) fn host(&self, name: &str) -> Option<&Arc<dyn HostFunction>> {
        self.hosts.get(name)
    }

    /// The native with this full name (`strings.Index`, `strings.Builder.WriteString`); of several the last that was added.
    pub fn get(&self, name: &str) -> Option<&Native> {
        // A path may have dots in it, before its last slash and behind it.
        let dots = name.match_indices('.').map(|(at, _)| at);
        dots.filter_map(|dot| Some((self.packages.get(&name[..dot])?, &name[dot + 1..])))
            .find_map(|(natives, name)| natives.iter().rev().find(|native| native.name == name))
    }
}

/// So many bytes of work may be done between two looks at [`is_abandoned`].
pub const STRETCH: usize = 64 << 10;

/// Whether the program of the goroutine that runs on this thread is ending, so that nobody wants any more what its native is at. A pure native that may work
/// for long asks after each [`STRETCH`] of work, or has a [`Pace`] ask, and returns whatever it likes: its goroutine does not go on. What a native
/// does outside its results is another matter: it must not leave lists half sorted that are not the program's.
#[cold]
#[must_use]
pub fn is_abandoned() -> bool {
    crate::panics::is_abandoned()
}

/// Counts the work of a native, and asks [`is_abandoned`] from time to time.
#[derive(Debug)]
pub struct Pace {
    left: usize,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { left: STRETCH }
    }
}

impl Pace {
    /// To be told of so many more bytes of work (not of none): should the native give up? If so once, then always.
    #[inline]
    pub fn is_over_after(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                false
            }
            None => {
                let over = is_abandoned();
                self.left = if over { 0 } else { STRETCH };
                over
            }
        }
    }
}

/// What a native sees of the machine. `'h` is the duration of the call.
pub struct NativeContext<'h> {
    pub(crate) machine: &'h Machine,
    pub(crate) cache: &'h mut crate::heap::Cache,
    pub(crate) slice: &'h Slice<'h, Machine>,
    /// The calling goroutine's frames, for `runtime.Caller` and `runtime.Stack`.
    pub(crate) fiber: &'h crate::fiber::Fiber,
}

impl<'h> NativeContext<'h> {
    /// Arguments, environment, standard streams.
    pub fn host(&self) -> &'h HostHandle {
        &self.machine.host
    }

    /// Whether somebody wanted this goroutine to end and has broken the wait that it was in: it puts in order what it has to and leaves
    /// ([`Parking::Goexit`]). Some: how many readers of a lock it has to wake. Asked once per wait.
    pub fn take_broken_wait(&self) -> Option<u32> {
        match self.fiber.interrupt.get() {
            Interrupt::Broken { readers } => {
                self.fiber.interrupt.set(Interrupt::None);
                Some(readers)
            }
            _ => None,
        }
    }

    /// Asked before each wait for a descriptor, shielded or not. True: somebody wants the goroutine to end, and it puts in order what it has to and leaves.
    #[must_use]
    pub fn is_descriptor_left(&self) -> bool {
        let is_left = self.fiber.is_to_end()
            || matches!(self.fiber.interrupt.get(), Interrupt::Broken { .. });
        if is_left {
            self.fiber.interrupt.set(Interrupt::None);
        }
        is_left
    }

    /// Asked by what is about to wait, or to count itself among those who do. True: somebody wants the goroutine to end, and it leaves now
    /// ([`Parking::Goexit`]): who has asked would not break a wait that comes later.
    #[must_use]
    pub fn is_to_leave(&self) -> bool {
        let leaves = self.fiber.ends_here();
        if leaves {
            self.fiber.interrupt.set(Interrupt::None);
        }
        leaves
    }

    /// Asked before a wait at a semaphore that the goroutine has counted itself for. True: somebody wants it to end, what it has counted is taken back, and
    /// [`NativeContext::take_broken_wait`] says so.
    #[must_use]
    pub fn gives_up_waiting(&self, reason: WaitReason, semaphore: &AtomicU32) -> bool {
        let gives_up = self.fiber.is_to_end()
            && crate::ending::give_up(self.fiber.shields.get() != 0, reason, semaphore);
        if gives_up {
            self.fiber.interrupt.set(Interrupt::Broken { readers: 0 });
        }
        gives_up
    }

    /// From now on nobody ends this goroutine, until it has called [`NativeContext::unshield`] as often: it is in the middle of something that others
    /// rely on.
    pub fn shield(&self) {
        let shields = &self.fiber.shields;
        shields.set(shields.get().saturating_add(1));
    }

    /// The counterpart of [`NativeContext::shield`]. True: somebody wants the goroutine to end, and it leaves now ([`Parking::Goexit`]).
    #[must_use]
    pub fn unshield(&self) -> bool {
        let left = self.lower_shield();
        let ends = left == 0 && self.fiber.is_to_end();
        if ends {
            self.fiber.interrupt.set(Interrupt::None);
        }
        ends
    }

    /// [`NativeContext::unshield`], but the goroutine goes on in any case. Says how many shields are left.
    pub fn lower_shield(&self) -> u16 {
        let left = self.fiber.shields.get().saturating_sub(1);
        self.fiber.shields.set(left);
        left
    }

    /// What may park the goroutine; of use only to parking natives.
    pub fn slice(&self) -> &'h Slice<'h, Machine> {
        self.slice
    }

    /// The scheduler: time, number of goroutines, waking and starting goroutines.
    pub fn scheduler(&self) -> &'h Context<'h, Machine> {
        self.slice
    }

    /// Types, functions and lines of the running program.
    pub fn image(&self) -> &'h Image {
        &self.machine.image
    }

    /// Brings the heap's counters up to date with what this processor has allocated.
    pub fn publish_allocations(&mut self) {
        self.cache.publish();
    }

    /// The program counters of the calling functions, innermost (the one that called the native) first, until `visit` breaks off. GO:
    /// `runtime.Callers`
    pub fn program_counters(&self, visit: impl FnMut(u64) -> ControlFlow<()>) {
        crate::trace::program_counters(&self.machine.image, self.fiber, visit);
    }

    /// File and line of the instruction at a program counter; `None` if that is none, or of the machine's own functions.
    pub fn position(&self, program_counter: u64) -> Option<(String, u32)> {
        crate::trace::position_of_address(self.machine, program_counter)
    }

    /// The name of the function that a program counter lies in.
    pub fn function_name(&self, program_counter: u64) -> Option<&'h str> {
        self.machine.image.function_name(program_counter)
    }

    /// What stands for the function that a program counter lies in: an immortal word with the program counter of its first
    /// instruction; nil if there is none.
    pub fn function_entry(&self, program_counter: u64) -> crate::border::Reference<'h> {
        let entry = self.machine.image.entry_of(program_counter);
        crate::border::Reference::immortal(entry)
    }

    /// The calling goroutine's trace in Go's format, without the `goroutine 1 [running]:` line.
    pub fn stack_trace(&self) -> String {
        let mut out = String::new();
        crate::trace::print(self.machine, self.fiber, &mut out);
        out
    }

    /// Sets the labels of the calling goroutine and of those that it starts from now on, as traces show them; `None`: it has none.
    pub fn set_labels(&self, labels: Option<String>) {
        self.fiber.labels.set(labels.map(Arc::new));
    }

    /// What stands in a trace's first line after the state of the calling goroutine.
    pub fn labels_text(&self) -> String {
        crate::traceback::labels(self.fiber)
    }

    /// What the host keeps for this machine ([`Machine::set_owner`]), if it is still there.
    pub fn owner(&self) -> Option<Arc<dyn std::any::Any + Send + Sync>> {
        self.machine.owner.get()?.upgrade()
    }

    /// The engine itself, for statistics.
    pub fn machine(&self) -> &'h Machine {
        self.machine
    }
}

/// A function that can be the body of a *pure* native. `M` only tells the implementations apart.
pub trait PureFunction<'h, M> {
    fn signature() -> Signature;
    /// # Safety
    /// `window` leads to slots that hold arguments of [`PureFunction::signature`], with room for the results.
    unsafe fn call(&self, context: &mut NativeContext<'h>, window: *mut u64)
    -> Result<(), GoPanic>;
}

/// A function that can be the body of a *blocking* native.
pub trait BlockingFunction<M>: Copy + Send + 'static {
    fn signature() -> Signature;
    /// # Safety
    /// As [`PureFunction::call`].
    unsafe fn call(
        &self,
        host: &HostHandle,
        window: *mut u64,
    ) -> Result<BlockingCall<Machine>, GoPanic>;
}

/// A function that can be the body of a *parking* native.
pub trait ParkingFunction<'h, M> {
    fn signature() -> Signature;
    /// # Safety
    /// As [`PureFunction::call`].
    unsafe fn call(&self, context: &mut NativeContext<'h>, window: *mut u64) -> ParkingOutcome;
}

#[doc(hidden)]
pub struct WithContext;
#[doc(hidden)]
pub struct WithHost;

macro_rules! functions_of {
    ($($name:ident),*) => {
        impl<'h, F, R, $($name),*> PureFunction<'h, (R, $($name,)*)> for F
        where F: Fn($($name),*) -> R, R: Results<'h>, $($name: Parameter<'h>),*
        {
            fn signature() -> Signature {
                let mut signature = Signature::default();
                $($name::describe(&mut signature.parameters);)*
                R::describe(&mut signature.results);
                signature
            }
            #[allow(unused_assignments, unused_mut, unused_unsafe, unused_variables, non_snake_case, clippy::allow_attributes)]
            #[inline]
            unsafe fn call(&self, context: &mut NativeContext<'h>, window: *mut u64) -> Result<(), GoPanic> {
                let mut at = 0;
                // SAFETY: the caller's promise; each parameter takes its own slots.
                let result = unsafe { $(let $name = $name::read(window.add(at)); at += $name::SLOTS;)* self($($name),*) };
                // SAFETY: the caller's promise: the window has room for the results.
                unsafe { result.write(context, window) }
            }
        }

        impl<'h, F, R, $($name),*> PureFunction<'h, (WithContext, R, $($name,)*)> for F
        where F: for<'c> Fn(&'c mut NativeContext<'h>, $($name),*) -> R, R: Results<'h>, $($name: Parameter<'h>),*
        {
            fn signature() -> Signature {
                <fn($($name),*) -> R as PureFunction<'h, (R, $($name,)*)>>::signature()
            }
            #[allow(unused_assignments, unused_mut, unused_unsafe, unused_variables, non_snake_case, clippy::allow_attributes)]
            #[inline]
            unsafe fn call(&self, context: &mut NativeContext<'h>, window: *mut u64) -> Result<(), GoPanic> {
                let mut at = 0;
                // SAFETY: as above.
                let result = unsafe { $(let $name = $name::read(window.add(at)); at += $name::SLOTS;)* self(context, $($name),*) };
                // SAFETY: as above.
                unsafe { result.write(context, window) }
            }
        }

        impl<'h, F, R, $($name),*> ParkingFunction<'h, (R, $($name,)*)> for F
        where F: for<'c> Fn(&'c mut NativeContext<'h>, $($name),*) -> Parking<R>,
            R: for<'x> Results<'x> + Send + 'static, $($name: Parameter<'h>),*
        {
            fn signature() -> Signature {
                <fn($($name),*) -> R as PureFunction<'h, (R, $($name,)*)>>::signature()
            }
            #[allow(unused_assignments, unused_mut, unused_unsafe, unused_variables, non_snake_case, clippy::allow_attributes)]
            unsafe fn call(&self, context: &mut NativeContext<'h>, window: *mut u64) -> ParkingOutcome {
                let mut at = 0;
                // SAFETY: as above.
                let parking = unsafe { $(let $name = $name::read(window.add(at)); at += $name::SLOTS;)* self(context, $($name),*) };
                match parking {
                    // SAFETY: as above.
                    Parking::Done(results) => match unsafe { results.write(context, window) } {
                        Ok(()) => ParkingOutcome::Done,
                        Err(panic) => ParkingOutcome::Panic(panic),
                    },
                    Parking::Yield(results) => ParkingOutcome::Yield(finish_with(results)),
                    Parking::Park(reason, results) => ParkingOutcome::Park(reason, finish_with(results)),
                    Parking::Coroutine(other, results) => ParkingOutcome::Coroutine(other, finish_with(results)),
                    Parking::Goexit => ParkingOutcome::Goexit,
                    Parking::Exit(status) => ParkingOutcome::Exit(status),
                    Parking::Collect(results) => ParkingOutcome::Collect(finish_with(results)),
                    Parking::SetProcessors(count, results) => ParkingOutcome::SetProcessors(count, finish_with(results)),
                    Parking::LockThread(lock, results) => ParkingOutcome::LockThread(lock, finish_with(results)),
                    Parking::World(job) => ParkingOutcome::World(Box::new(move |world| finish_with(job(world)))),
                    Parking::Panic(panic) => ParkingOutcome::Panic(panic),
                }
            }
        }

        impl<F, R, $($name),*> BlockingFunction<(R, $($name,)*)> for F
        where F: Fn($($name),*) -> R + Copy + Send + 'static, R: for<'x> Results<'x> + Send + 'static, $($name: OwnedParameter),*
        {
            fn signature() -> Signature {
                let mut signature = Signature::default();
                $(<$name as OwnedParameter>::describe(&mut signature.parameters);)*
                R::describe(&mut signature.results);
                signature
            }
            #[allow(unused_assignments, unused_mut, unused_unsafe, unused_variables, non_snake_case, clippy::allow_attributes)]
            unsafe fn call(&self, host: &HostHandle, window: *mut u64) -> Result<BlockingCall<Machine>, GoPanic> {
                let function = *self;
                let mut at = 0;
                // SAFETY: as above.
                unsafe { $(let $name = $name::take(window.add(at)); at += <$name as OwnedParameter>::SLOTS;)*
                    Ok(BlockingCall::new(move || finish_with(function($($name),*))))
                }
            }
        }

        impl<F, R, $($name),*> BlockingFunction<(WithHost, R, $($name,)*)> for F
        where F: Fn(HostHandle, $($name),*) -> R + Copy + Send + 'static, R: for<'x> Results<'x> + Send + 'static, $($name: OwnedParameter),*
        {
            fn signature() -> Signature {
                <fn($($name),*) -> R as BlockingFunction<(R, $($name,)*)>>::signature()
            }
            #[allow(unused_assignments, unused_mut, unused_unsafe, unused_variables, non_snake_case, clippy::allow_attributes)]
            unsafe fn call(&self, host: &HostHandle, window: *mut u64) -> Result<BlockingCall<Machine>, GoPanic> {
                let function = *self;
                let host = host.clone();
                let mut at = 0;
                // SAFETY: as above.
                unsafe { $(let $name = $name::take(window.add(at)); at += <$name as OwnedParameter>::SLOTS;)*
                    Ok(BlockingCall::new(move || finish_with(function(host, $($name),*))))
                }
            }
        }
    };
}

functions_of!();
functions_of!(A);
functions_of!(A, B);
functions_of!(A, B, C);
functions_of!(A, B, C, D);
functions_of!(A, B, C, D, E);
functions_of!(A, B, C, D, E, G);
functions_of!(A, B, C, D, E, G, H);
functions_of!(A, B, C, D, E, G, H, I);

fn finish_with<R: for<'x> Results<'x> + Send + 'static>(results: R) -> FinishNative {
    // SAFETY: the interpreter gives the window that the native was called with.
    Box::new(move |context, window| unsafe { results.write(context, window) })
}

#[doc(hidden)]
pub fn call_pure<'h, M>(
    f: &impl PureFunction<'h, M>,
    context: &mut NativeContext<'h>,
    slots: Slots,
) -> Result<(), GoPanic> {
    // SAFETY: the linker has compared the signature with the declaration, the verifier the window with the frame.
    unsafe { f.call(context, slots.0) }
}

#[doc(hidden)]
pub fn call_parking<'h, M>(
    f: &impl ParkingFunction<'h, M>,
    context: &mut NativeContext<'h>,
    slots: Slots,
) -> ParkingOutcome {
    // SAFETY: as in `call_pure`.
    unsafe { f.call(context, slots.0) }
}

#[doc(hidden)]
pub fn call_blocking<M>(
    f: &impl BlockingFunction<M>,
    host: &HostHandle,
    slots: Slots,
) -> Result<BlockingCall<Machine>, GoPanic> {
    // SAFETY: as in `call_pure`.
    unsafe { f.call(host, slots.0) }
}

#[doc(hidden)]
pub fn signature_of_pure<'h, M, F: PureFunction<'h, M>>(_: &F) -> Signature {
    F::signature()
}

#[doc(hidden)]
pub fn signature_of_parking<'h, M, F: ParkingFunction<'h, M>>(_: &F) -> Signature {
    F::signature()
}

#[doc(hidden)]
pub fn signature_of_blocking<M, F: BlockingFunction<M>>(_: &F) -> Signature {
    F::signature()
}

/// Makes `pub const NATIVES: &[Native]` out of rows `mode "Name" => function;`. See [`crate::native`].
#[macro_export]
macro_rules! natives {
    ($($mode:ident $name:literal => $function:expr;)*) => {
        /// The natives of this package.
        pub const NATIVES: &[$crate::Native] = &[$($crate::native_row!($mode $name => $function)),*];
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! native_row {
    (pure $name:literal => $function:expr) => {
        $crate::Native {
            name: $name,
            entry: $crate::native::Entry::Pure(|context, slots| {
                $crate::native::call_pure(&$function, context, slots)
            }),
            signature: || $crate::native::signature_of_pure(&$function),
        }
    };
    (blocking $name:literal => $function:expr) => {
        $crate::Native {
            name: $name,
            entry: $crate::native::Entry::Blocking(|host, slots| {
                $crate::native::call_blocking(&$function, host, slots)
            }),
            signature: || $crate::native::signature_of_blocking(&$function),
        }
    };
    (long $name:literal => $function:expr) => {
        $crate::Native {
            name: $name,
            entry: $crate::native::Entry::Blocking(|host, slots| {
                Ok($crate::native::call_blocking(&$function, host, slots)?.known_to_be_long())
            }),
            signature: || $crate::native::signature_of_blocking(&$function),
        }
    };
    (parking $name:literal => $function:expr) => {
        $crate::Native {
            name: $name,
            entry: $crate::native::Entry::Parking(|context, slots| {
                $crate::native::call_parking(&$function, context, slots)
            }),
            signature: || $crate::native::signature_of_parking(&$function),
        }
    };
    (machine $name:literal => $operation:expr) => {
        $crate::Native {
            name: $name,
            entry: $crate::native::Entry::Machine($operation),
            signature: || $operation.signature(),
        }
    };
}

fn heap_full(_: crate::heap::OutOfMemory) -> GoPanic {
    GoPanic::out_of_memory()
}

impl<'h> NativeContext<'h> {
    /// Whether the program may take `bytes` bytes more: for natives that are about to make something large, in the heap or outside,
    /// before they change anything that somebody may notice, since they may be called again.
    ///
    /// # Errors
    /// It may not.
    pub fn check_memory(&self, bytes: usize) -> Result<(), GoPanic> {
        if self.machine.heap().account().allows(bytes as u64) {
            return Ok(());
        }
        self.machine.heap().account().refuse(bytes as u64);
        Err(GoPanic::WantsMemory)
    }

    /// The end of the program because it cannot have `bytes` bytes.
    pub fn out_of_memory(&self, bytes: usize) -> GoPanic {
        self.machine.heap().account().refuse(bytes as u64);
        GoPanic::OutOfMemory
    }

    /// A new string with these bytes.
    ///
    /// # Errors
    /// The heap is full.
    pub fn new_string(&mut self, bytes: &[u8]) -> Result<crate::border::GoStr<'h>, GoPanic> {
        if bytes.is_empty() {
            // SAFETY: no bytes are read.
            return Ok(unsafe { crate::border::GoStr::from_raw(std::ptr::null(), 0) });
        }
        let object = self
            .cache
            .allocate_uninitialized(bytes.len())
            .map_err(heap_full)?
            .get();
        // SAFETY: a new object of that size, which nobody else sees yet.
        unsafe {
            fill_new(object, bytes);
            Ok(crate::border::GoStr::from_raw(
                object as *const u8,
                bytes.len(),
            ))
        }
    }

    /// A new string of `length` bytes, written in its place by `fill`: for results whose length is known, which need no buffer besides.
    ///
    /// # Errors
    /// The heap is full.
    pub fn make_string(
        &mut self,
        length: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<crate::border::GoStr<'h>, GoPanic> {
        if length == 0 {
            fill(&mut []);
            return self.new_string(b"");
        }
        if u32::try_from(length).is_err() {
            return Err(self.out_of_memory(length));
        }
        let object = self
            .cache
            .allocate_uninitialized(length)
            .map_err(heap_full)?
            .get();
        // SAFETY: a new object of that size, which nobody else sees yet; its bytes come from the system as zeroes, or are what somebody has left there.
        unsafe {
            fill(std::slice::from_raw_parts_mut(object as *mut u8, length));
            Ok(crate::border::GoStr::from_raw(object as *const u8, length))
        }
    }

    /// A new slice of zeroed elements.
    ///
    /// # Errors
    /// The heap is full, or a slice cannot hold as much (2^32-1 elements).
    pub fn new_slice<T: crate::border::Element<'h>>(
        &mut self,
        length: usize,
        capacity: usize,
    ) -> Result<crate::border::GoSlice<'h, T>, GoPanic> {
        let (Ok(length), Ok(capacity)) = (u32::try_from(length), u32::try_from(capacity)) else {
            // More than a slice can hold here.
            self.machine
                .heap()
                .account()
                .refuse(length.max(capacity) as u64);
            return Err(GoPanic::OutOfMemory);
        };
        let shape = match T::slice_type(self) {
            None => crate::heap::Shape::SCALAR,
            Some(slice) => self.machine.image.ty(slice).element().heap_shape(),
        };
        let object = self
            .cache
            .allocate_array(shape, u64::from(capacity.max(length)), T::SIZE as u64)
            .map_err(heap_full)?;
        // SAFETY: a new object with room for so many elements, zeroed.
        Ok(unsafe {
            crate::border::GoSlice::from_raw(object.get() as *mut u8, length, capacity.max(length))
        })
    }

    /// A new heap object with a copy of the value of type `ty` at `place`.
    pub(crate) unsafe fn clone_value(
        &mut self,
        ty: &crate::types::RuntimeType,
        place: *const u8,
    ) -> Result<*const u8, GoPanic> {
        let object = self.cache.allocate(ty.site()).map_err(heap_full)?.get();
        // SAFETY: the caller's promise; the object is new and of that size.
        unsafe { crate::moves::copy(object, place as u64, ty.size as usize) };
        Ok(object as *const u8)
    }
}

/// Copies into an object that nobody else sees yet, and that holds no references: so moves need not be whole. Leaves off when nobody wants the result any
/// more.
///
/// # Safety
/// `to` leads to a new object of at least that many bytes.
unsafe fn fill_new(to: u64, bytes: &[u8]) {
    /// Copying is quick.
    const LONG: usize = 16 * STRETCH;
    for (index, part) in bytes.chunks(LONG).enumerate() {
        let place = (to as *mut u8).wrapping_add(index * LONG);
        // SAFETY: within the object, by the contract.
        unsafe { std::ptr::copy_nonoverlapping(part.as_ptr(), place, part.len()) };
        if part.len() == LONG && is_abandoned() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::border::{Any, Bytes, GoSlice, GoStr, Pointer};

    fn index(s: GoStr<'_>, t: GoStr<'_>) -> i64 {
        s.windows(t.len().max(1))
            .position(|w| w == &*t)
            .map_or(-1, |i| i as i64)
    }
    fn trim<'h>(s: GoStr<'h>) -> GoStr<'h> {
        s.slice(0..0)
    }
    fn repeat<'h>(
        context: &mut NativeContext<'h>,
        s: GoStr<'h>,
        count: i64,
    ) -> Result<GoStr<'h>, GoPanic> {
        let count =
            usize::try_from(count).map_err(|_| GoPanic::text("strings: negative Repeat count"))?;
        context.new_string(&s.as_bytes().repeat(count))
    }
    fn fields(s: GoStr<'_>) -> Vec<GoStr<'_>> {
        vec![s]
    }
    fn sum(values: GoSlice<'_, f64>) -> f64 {
        values.iter().sum()
    }
    fn print(values: GoSlice<'_, Any<'_>>) -> (i64, bool) {
        (values.iter().count() as i64, true)
    }
    fn now(context: &mut NativeContext<'_>) -> i64 {
        context.scheduler().now()
    }
    fn read_file(name: String) -> (Vec<u8>, String) {
        (Vec::new(), name)
    }
    fn write(host: HostHandle, _descriptor: i64, data: Vec<u8>) -> i64 {
        host.write_stdout(&data).map_or(-1, |()| data.len() as i64)
    }
    fn write_string(data: Bytes) -> Result<i64, GoPanic> {
        Ok(data.0.len() as i64)
    }
    fn acquire(
        context: &mut NativeContext<'_>,
        address: Pointer<'_, u32>,
        lifo: bool,
    ) -> Parking<()> {
        let address = match address.atomic() {
            Ok(address) => address,
            Err(panic) => return Parking::Panic(panic),
        };
        match runtime::acquire(context.slice(), address, lifo) {
            runtime::AcquireResult::Done => Parking::Done(()),
            runtime::AcquireResult::Parked => Parking::Park(WaitReason::SemaphoreAcquire, ()),
        }
    }
    fn gosched(_: &mut NativeContext<'_>) -> Parking<()> {
        Parking::Yield(())
    }

    crate::natives! {
        pure "Index" => index;
        pure "Trim" => trim;
        pure "Repeat" => repeat;
        pure "Fields" => fields;
        pure "Sum" => sum;
        pure "print" => print;
        pure "Sqrt" => f64::sqrt;
        pure "now" => now;
        blocking "readFile" => read_file;
        blocking "write" => write;
        blocking "writeString" => write_string;
        parking "semacquire" => acquire;
        parking "Gosched" => gosched;
    }

    #[test]
    fn signatures_follow_from_rust_types() {
        let text = |name: &str| {
            NATIVES
                .iter()
                .find(|n| n.name == name)
                .map(|n| (n.signature)().to_string())
        };
        assert_eq!(text("Index").as_deref(), Some("func(string, string) (int)"));
        assert_eq!(
            text("Repeat").as_deref(),
            Some("func(string, int) (string)")
        );
        assert_eq!(text("Fields").as_deref(), Some("func(string) ([]string)"));
        assert_eq!(text("print").as_deref(), Some("func([]any) (int, bool)"));
        assert_eq!(text("now").as_deref(), Some("func() (int)"));
        assert_eq!(
            text("readFile").as_deref(),
            Some("func(string) ([]uint8, string)")
        );
        assert_eq!(text("write").as_deref(), Some("func(int, []uint8) (int)"));
        assert_eq!(
            text("semacquire").as_deref(),
            Some("func(*uint32, bool) ()")
        );
    }
}
