//! The machine as the scheduler sees it.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak};

use diagnostics::SourceMap;
use runtime::{
    CollectionReason, Context, Engine, Fired, GoroutineId, GoroutineView, Slice, StoppedWorld,
    Switch,
};

use crate::cpu_profile::{self, Burst, CpuProfiler, Look};
use crate::fiber::{FIRST_FRAME, Fiber, FiberCell};
use crate::fiber_pool::{FiberPool, FreeFibers};
use crate::heap::{
    Cache, Collection, Heap, HeapOptions, Marker, OutOfMemory, Pace, Roots, Site, barrier,
};
use crate::held::HeldTable;
use crate::host::HostHandle;
use crate::image::{Image, ImageCell, Linked};
use crate::leaks;
use crate::link::LinkError;
use crate::native::{FinishNative, NativeTable};
use crate::ops::calls;
use crate::panics;
use crate::running::{Next, Running};
use crate::scope::{self, Measured, Scopes};
use crate::session::Watch;
use crate::trace;
use crate::traceback::{self, Failure, Traceback, TracebackLevel};
use crate::types::RuntimeType;
use crate::vm::Limit;

/// What is done at every safepoint, for tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stress {
    /// Nothing.
    #[default]
    None,
    /// A collection.
    Collect,
    /// A small step of a collection: what is marked beside the program changes all the time.
    Step,
}

/// Objects that such a step scans.
const STRESS_OBJECTS: usize = 24;

/// Settings of a machine that the interpreter looks at.
#[derive(Clone, Default)]
pub struct MachineOptions {
    /// Collects at every safepoint, or does a step of a collection there.
    pub stress: Stress,
    /// Marks in stopped worlds only.
    pub stops_to_mark: bool,
    /// Writes a line per collection to the host's standard error.
    pub gctrace: bool,
    /// Notes in each collection which goroutines nobody can wake any more.
    pub finds_leaks: bool,
    /// Bytes that a goroutine's stack may take.
    pub max_stack: usize,
    /// How many goroutines there may be.
    pub max_goroutines: Option<usize>,
    /// How many steps the program may take.
    pub fuel: Option<u64>,
    /// What a failing program shows of its goroutines.
    pub traceback: TracebackLevel,
    /// For file names and lines in traces.
    pub sources: Option<Arc<SourceMap>>,
    /// Units can be added to the program ([`Machine::add`]); this is told how they end.
    pub session: Option<Arc<Watch>>,
}

/// A program, its heap and its settings: the engine that the scheduler drives.
pub struct Machine {
    pub(crate) image: ImageCell,
    pub(crate) heap: Arc<Heap>,
    pub(crate) host: HostHandle,
    pub(crate) options: MachineOptions,
    max_stack: AtomicUsize,
    /// For file names and lines in traces.
    pub(crate) sources: RwLock<Option<Arc<SourceMap>>>,
    /// Goroutines that nobody can wake, with their traces.
    pub(crate) leaks: Mutex<BTreeMap<u64, String>>,
    pub(crate) channel_site: Site,
    pub(crate) profiler: CpuProfiler,
    pub(crate) fibers: FiberPool,
    pub(crate) traceback: Traceback,
    /// What the last collection charged for the scheduler's entries of timers.
    timer_charge: AtomicU64,
    /// Of a program that grows.
    pub(crate) session: Option<Arc<Watch>>,
    /// The limit that has ended the program.
    limit: OnceLock<Limit>,
    /// Steps that are left, if they are counted.
    fuel: AtomicU64,
    /// What is added to addresses before they are shown to the program: of a program that its host calls.
    pub(crate) address_key: OnceLock<u64>,
    /// The host calls the program and may leave it alone.
    pub(crate) is_embedded: AtomicBool,
    /// Calls of the host whose threads wait.
    pub(crate) waiting_calls: AtomicUsize,
    /// How many ends of channels the host has that may still wake goroutines.
    pub(crate) host_ends: AtomicUsize,
    /// Scopes of goroutines.
    pub(crate) scopes: Scopes,
    /// What the host holds of the program.
    pub(crate) held: Arc<HeldTable>,
    /// What the host keeps for the machine: whoever makes conversions of its own finds it by [`crate::NativeContext::owner`].
    pub(crate) owner: OnceLock<Weak<dyn Any + Send + Sync>>,
    /// For jobs that outlive a borrow.
    pub(crate) this: Weak<Machine>,
}

/// A value on its way through a channel.
#[derive(Clone, Copy)]
pub struct Transfer {
    pub(crate) ty: *const RuntimeType,
    pub(crate) slots: [u64; 4],
}

impl Transfer {
    /// Tells the collector of a value that is taken from where it may not have seen it.
    #[inline(always)]
    pub(crate) fn shade(&self) {
        barrier::shade(&self.slots);
    }
}

impl Default for Transfer {
    fn default() -> Transfer {
        Transfer {
            ty: std::ptr::null(),
            slots: [0; 4],
        }
    }
}

// SAFETY: slots are plain words; the type is immutable and outlives the machine's goroutines (INVARIANT TYPES).
unsafe impl Send for Transfer {}

/// What a timer of the script does when it is due.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimerPayload {
    /// A `func()` that is started as a goroutine.
    pub function: u64,
    /// The object that the timer lies in, kept alive while it is armed.
    pub owner: u64,
}

/// What a processor lends to whoever runs on it.
pub struct PerProcessor {
    pub(crate) cache: Cache,
    pub(crate) free: FreeFibers,
    /// The goroutine that runs is timed for the CPU profile.
    pub(crate) burst: Option<Box<Burst>>,
    pub(crate) looked: Option<Look>,
}

/// About what an armed timer takes in the scheduler, whose lists double.
const TIMER_BYTES: u64 = 128;

impl Machine {
    /// A machine for a program; if the options say that it grows, it must be this machine's alone.
    ///
    /// # Errors
    /// There is no memory, or no address space.
    pub(crate) fn new(
        linked: Arc<Linked>,
        host: HostHandle,
        heap: HeapOptions,
        options: MachineOptions,
    ) -> Result<Arc<Machine>, OutOfMemory> {
        let heap = Heap::on(Arc::clone(&linked.plan), heap)?;
        let channel_site = linked.channel_site;
        let image = Image::new(linked, &heap)?;
        Ok(Arc::new_cyclic(|this| Machine {
            image: ImageCell::new(image),
            sources: RwLock::new(options.sources.clone()),
            session: options.session.clone(),
            heap,
            host,
            max_stack: AtomicUsize::new(options.max_stack),
            leaks: Mutex::new(BTreeMap::new()),
            traceback: Traceback::new(options.traceback),
            fuel: AtomicU64::new(options.fuel.unwrap_or(0)),
            options,
            channel_site,
            profiler: CpuProfiler::default(),
            fibers: FiberPool::default(),
            timer_charge: AtomicU64::new(0),
            limit: OnceLock::new(),
            address_key: OnceLock::new(),
            is_embedded: AtomicBool::new(false),
            waiting_calls: AtomicUsize::new(0),
            host_ends: AtomicUsize::new(0),
            scopes: Scopes::default(),
            held: Arc::default(),
            owner: OnceLock::new(),
            this: this.clone(),
        }))
    }

    /// Bytes that a goroutine's stack may take.
    pub(crate) fn max_stack(&self) -> usize {
        // ORDERING: Relaxed; a setting.
        self.max_stack.load(Ordering::Relaxed)
    }

    /// Sets what [`Machine::max_stack`] answers; returns what that was.
    pub fn set_max_stack(&self, bytes: usize) -> usize {
        // ORDERING: relaxed; set before anything runs.
        let bytes = match self.is_embedded.load(Ordering::Relaxed) {
            // The host's limit is not the program's to lift.
            true => bytes.min(self.options.max_stack),
            false => bytes,
        };
        // ORDERING: Relaxed; a setting.
        self.max_stack.swap(bytes, Ordering::Relaxed)
    }

    /// An address as the program sees it (`%p`, `reflect.Value.Pointer`). The real one says where a host's memory lies, which is nobody's business; differences stay
    /// what they are, and nil stays nil.
    pub fn shown_address(&self, address: u64) -> u64 {
        match self.address_key.get() {
            Some(key) if address != 0 => address.wrapping_add(*key) & ((1 << 47) - 1),
            _ => address,
        }
    }

    /// Has addresses shown with an offset that nobody knows.
    pub(crate) fn hide_addresses(&self, random: u64) {
        // It is set once.
        let _ = self.address_key.set(random & ((1 << 47) - 1) & !0xfff);
    }

    /// The heap, for statistics and settings.
    pub fn heap(&self) -> &Arc<Heap> {
        &self.heap
    }

    /// Notes why the program ends.
    pub(crate) fn note_limit(&self, limit: Limit) {
        // The first counts.
        let _ = self.limit.set(limit);
    }

    /// The limit that has ended the program.
    pub(crate) fn limit(&self) -> Option<Limit> {
        self.limit.get().copied()
    }

    /// Takes a step's fuel; false if there is none left.
    pub(crate) fn take_fuel(&self) -> bool {
        // ORDERING: relaxed; a counter.
        let taken = self
            .fuel
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        taken.is_ok()
    }

    pub fn image(&self) -> &Image {
        &self.image
    }

    /// Sets what [`crate::NativeContext::owner`] answers; the first counts.
    pub fn set_owner(&self, owner: Weak<dyn Any + Send + Sync>) {
        let _ = self.owner.set(owner);
    }

    /// Adds a unit to a program that grows.
    ///
    /// # Errors
    /// See [`LinkError`]. If it is not for lack of room, the program is of no use any more.
    pub fn add(
        &self,
        _world: &mut StoppedWorld<'_, Machine>,
        addition: bytecode::Addition,
        natives: &NativeTable,
        sources: Arc<SourceMap>,
    ) -> Result<(), LinkError> {
        *self.sources.write().unwrap_or_else(PoisonError::into_inner) = Some(sources);
        // SAFETY: the world is stopped (`_world`): no machine is in the interpreter, since one that stops at a safepoint leaves it, and
        // blocking calls hold nothing of the image.
        let image = unsafe { self.image.exclusive() };
        crate::link::grow(image, addition, natives, &self.heap)
    }

    /// A fiber that runs the program from its beginning; `None` when there is no memory.
    pub(crate) fn main_fiber(&self) -> Option<FiberCell> {
        let start = self.image.functions[self.image.entry.0 as usize].start;
        Fiber::starting(None, 0, start, 0, self.max_stack(), self.heap.account())
    }

    /// A fiber that runs a `func()` value.
    pub(crate) fn fiber_of(&self, function: u64, recycled: Option<FiberCell>) -> Option<FiberCell> {
        // SAFETY: a live closure: its first word is the address of its code, in the image.
        let code = unsafe { calls::code_of(function) };
        let offset =
            (code as usize - self.image.code.as_ptr() as usize) / size_of::<bytecode::Word>();
        Fiber::starting(
            recycled,
            function,
            offset as u32,
            0,
            self.max_stack(),
            self.heap.account(),
        )
    }

    /// Reports the references of a goroutine.
    pub(crate) fn mark_goroutine(
        &self,
        goroutine: &mut GoroutineView<'_, Machine>,
        marker: &mut Marker<'_>,
    ) {
        let used = trace::mark(self, goroutine.fiber, marker);
        goroutine.fiber.reported = self.heap.cycle_number();
        marker.count_stack(used as u64 * 8);
        // SAFETY: the world is stopped, and the walk has seen the topmost frame.
        unsafe { goroutine.fiber.stack.shrink(used) };
        goroutine.for_each_transfer(|transfer| trace::mark_transfer(transfer, marker));
        goroutine.for_each_channel(|channel| marker.mark_reference(channel as u64));
    }

    /// `runtime/debug.SetTraceback`.
    pub fn set_traceback(&self, level: TracebackLevel) {
        self.traceback.set(level);
    }

    /// Collects the heap; `forced`: since the program wants it.
    pub(crate) fn collect_in(&self, world: &mut StoppedWorld<'_, Machine>, forced: bool) {
        self.collect_with(world, forced, None);
    }

    /// As [`Machine::collect_in`]; with `going_on`, goroutines that nobody can wake are found, as if that one went on.
    fn collect_with(
        &self,
        world: &mut StoppedWorld<'_, Machine>,
        forced: bool,
        going_on: Option<GoroutineId>,
    ) {
        let mut roots = WorldRoots {
            machine: self,
            world,
            finds_leaks: self.options.finds_leaks || going_on.is_some(),
            going_on,
        };
        // SAFETY: the world is stopped (`world`), and all roots are reported: globals, goroutines with what travels to and from them,
        // timers. Blocking calls hold no reference.
        let collection = unsafe { self.heap.collect_all(&mut roots) };
        // The last look at a program that cannot go on starts nothing.
        if going_on.is_none() {
            self.collected(world, collection, forced);
        }
    }

    /// Begins a collection, or does a step of the one that is under way.
    fn step(&self, world: &mut StoppedWorld<'_, Machine>, pace: Pace, forced: bool) {
        let mut roots = WorldRoots {
            machine: self,
            world,
            finds_leaks: false,
            going_on: None,
        };
        // SAFETY: as in `collect_with`; `run` reports goroutines that have not been reported, values that are under way are shaded by who takes them.
        if let Some(collection) = unsafe { self.heap.step(&mut roots, pace) } {
            self.collected(world, collection, forced);
        }
    }

    /// What follows a collection.
    fn collected(
        &self,
        world: &mut StoppedWorld<'_, Machine>,
        mut collection: Collection,
        forced: bool,
    ) {
        // A program with a limit may need every byte.
        self.fibers.trim(self.heap.account().limit().is_some());
        if self.fibers.gathers() {
            world.for_each_processor(|_, local| self.fibers.gather(&mut local.free));
            world.gather_unused();
        }
        self.heap
            .start_runners(|function| match self.fiber_of(function, None) {
                Some(fiber) => {
                    world.spawn(fiber);
                    true
                }
                None => false,
            });
        if forced {
            collection.forced = true;
            self.heap.note_forced();
        }
        if self.options.gctrace {
            // A trace that cannot be written must not end the program.
            let globals = self.image.globals.size() as u64;
            let line = collection.trace(globals, world.processors());
            let _ = self.host.write_stderr(line.as_bytes());
        }
    }

    /// Reports a goroutine that is about to run to the collection under way.
    #[cold]
    #[inline(never)]
    fn report(&self, fiber: &mut Fiber) {
        self.heap.report_beside(|marker| {
            let used = trace::mark(self, fiber, marker);
            marker.count_stack(used as u64 * 8);
        });
        fiber.reported = self.heap.cycle_number();
    }
}

/// The roots, as the stopped world knows them.
struct WorldRoots<'a, 'w> {
    machine: &'a Machine,
    world: &'a mut StoppedWorld<'w, Machine>,
    finds_leaks: bool,
    going_on: Option<GoroutineId>,
}

impl Roots for WorldRoots<'_, '_> {
    fn report(&mut self, marker: &mut Marker<'_>) {
        let globals = &self.machine.image.globals;
        for (start, size, shape) in globals.parts() {
            // SAFETY: the area is readable and aligned; the shape is the part's own.
            unsafe { marker.mark_memory(start, size, shape) };
        }
        self.machine.held.report(marker);
        let mut timers = 0;
        self.world.for_each_timer(|payload| {
            timers += 1;
            marker.mark_reference(payload.function);
            marker.mark_reference(payload.owner);
        });
        let account = self.machine.heap.account();
        account.estimate_native(&self.machine.timer_charge, timers * TIMER_BYTES);
    }

    fn report_goroutines(
        &mut self,
        from: usize,
        marker: &mut Marker<'_>,
        enough: &mut dyn FnMut(&Marker<'_>) -> bool,
    ) -> Option<usize> {
        let (machine, going_on) = (self.machine, self.going_on);
        if !self.finds_leaks {
            return self.world.goroutines_from(from, |mut goroutine| {
                machine.mark_goroutine(&mut goroutine, marker);
                enough(marker)
            });
        }
        self.world.for_each_goroutine(|mut goroutine| {
            if !leaks::may_leak(&goroutine, going_on) {
                machine.mark_goroutine(&mut goroutine, marker);
            }
        });
        leaks::mark_waiting(machine, self.world, marker, going_on);
        None
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Those who mark must not look at the package variables any more.
        self.heap.give_up();
        if self.heap.samples() {
            // SAFETY: no address is given.
            unsafe { self.heap.sample_allocations(0) };
        }
    }
}

impl Engine for Machine {
    type Fiber = FiberCell;
    type PerProcessor = PerProcessor;
    type Transfer = Transfer;
    type Completion = FinishNative;
    // PERF: to start a goroutine of a hundred thousand, all of which are in main memory, nearly all that is needed is fetched in one go.
    const FIBER_LINES: usize = crate::fiber::LINES;
    type Failure = Failure;
    type TimerPayload = TimerPayload;

    fn new_per_processor(&self, _: usize) -> PerProcessor {
        PerProcessor {
            cache: self.heap.new_cache(),
            free: FreeFibers::default(),
            burst: None,
            looked: None,
        }
    }

    fn run(
        &self,
        fiber: &mut Self::Fiber,
        local: &mut PerProcessor,
        slice: &Slice<'_, Machine>,
    ) -> Switch<Machine> {
        fiber.prefetch_stack();
        let mutating = local.cache.mutate();
        if mutating.is_some() && fiber.reported != self.heap.cycle_number() {
            self.report(fiber);
        }
        let measured = Measured::begin(fiber, local);
        let _on_thread = panics::OnThread::new(self, slice, fiber);
        let mut cx = Running::new(self, fiber, local, slice);
        slice.install_limit(cx.own_limit());
        let (ip, fp) = (cx.instruction(cx.fiber.offset), cx.frame(cx.fiber.frame));
        debug_assert!(cx.fiber.frame >= FIRST_FRAME);
        // SAFETY: INVARIANT CODE: the fiber stands where the interpreter left it, or at a function's entry with a new stack. INVARIANT
        // VALUES: its live references have been roots meanwhile.
        unsafe {
            let start: Next = calls::resume(&mut cx, ip, fp);
            crate::interpreter::run(&mut cx, start);
        }
        let switch = cx.switch.take().expect("whoever leaves the loop says why");
        if local.burst.is_some() || self.profiler.is_on() {
            cpu_profile::left(self, fiber, local, slice.processor_index(), &switch);
        }
        if fiber.scope.is_some() {
            scope::after_slice(fiber, local, measured, slice, &switch);
        }
        match &self.session {
            Some(session) => session.look_at(self, fiber, slice.goroutine(), switch),
            None => switch,
        }
    }

    fn timer_fired(
        &self,
        payload: TimerPayload,
        local: &mut PerProcessor,
        context: &Context<'_, Machine>,
    ) -> Fired {
        let mutating = local.cache.mutate();
        barrier::shade(&[payload.function, payload.owner]);
        drop(mutating);
        if payload.function != 0
            && let Some(fiber) = self.fiber_of(payload.function, self.fibers.take(&mut local.free))
        {
            context.spawn(fiber);
            return Fired::UnderWay;
        }
        Fired::Done
    }

    fn prepare_collection(&self) {
        let stops = self.options.stops_to_mark || self.options.finds_leaks;
        if !stops && self.options.stress == Stress::None {
            self.heap.prepare_collection();
        }
    }

    fn collect(&self, world: &mut StoppedWorld<'_, Machine>, reason: CollectionReason) {
        // Without GOGC none is forced. GO: mgc.go `gcTrigger.test`
        let forced = reason == CollectionReason::Periodic && self.heap.grows();
        let steps = self.options.stress == Stress::Step;
        if reason == CollectionReason::Final || self.options.finds_leaks {
            self.collect_in(world, false);
        } else if steps {
            self.step(world, Pace::Objects(STRESS_OBJECTS), forced);
        } else if self.options.stress == Stress::Collect {
            self.collect_in(world, forced);
        } else if self.heap.collection_wanted() || forced && !self.heap.is_marking() {
            if self.options.stops_to_mark {
                self.collect_in(world, forced);
            } else {
                self.step(world, Pace::USUAL, forced);
            }
        }
    }

    fn place_of(fiber: &FiberCell) -> *const u8 {
        std::ptr::from_ref::<Fiber>(fiber).cast()
    }

    fn finished(&self, mut fiber: FiberCell, local: &mut PerProcessor) {
        if fiber.recycle() {
            self.fibers.put(&mut local.free, fiber);
        }
    }

    fn name(&self, fiber: &Self::Fiber) -> String {
        self.image
            .function_at(fiber.offset)
            .map_or_else(String::new, |function| function.function.name.to_string())
    }

    fn labels(&self, fiber: &Self::Fiber) -> String {
        traceback::labels(fiber)
    }

    fn shows_others(&self, failure: &Failure) -> bool {
        failure.shows_others
    }

    fn add_others(&self, failure: &mut Failure, others: &str) {
        if !others.is_empty() {
            failure.text.push('\n');
            failure.text.push_str(others);
        }
    }

    fn find_stuck(&self, world: &mut StoppedWorld<'_, Machine>) -> Vec<GoroutineId> {
        if self.traceback.level() == TracebackLevel::None {
            return Vec::new();
        }
        self.collect_with(world, false, Some(GoroutineId::MAIN));
        let leaks = self.leaks.lock().unwrap_or_else(PoisonError::into_inner);
        leaks.keys().map(|&id| GoroutineId(id)).collect()
    }

    #[inline]
    fn may_rest(&self) -> bool {
        // ORDERING: relaxed; set before anything runs.
        self.is_embedded.load(Ordering::Relaxed)
            // ORDERING: SeqCst. Pairs with `Embedded`: who begins to wait counts itself, then looks whether everybody is asleep.
            && (self.waiting_calls.load(Ordering::SeqCst) == 0
                // ORDERING: SeqCst, likewise: who gives an end up counts it out, then looks.
                || self.host_ends.load(Ordering::SeqCst) != 0)
    }

    fn traceback(&self, fiber: &Self::Fiber, out: &mut String) {
        trace::print(self, fiber, out);
    }
}
