//! Machines (M): threads that run goroutines.
//!
//! A machine needs a processor to run anything. It is started when a processor has work and no machine sleeps, and sleeps
//! when it finds none; it never ends before the run does.
//!
//! The thread that calls `run` is machine 0. A run must be able to end while a call blocks, so machine 0 never blocks: at its
//! first blocking call it hands processor, goroutine and call to another machine and is done. Where no thread can be had, it makes
//! the call itself. Where the process ends with the run there is nobody to come back to, and machine 0 is like all others.
//!
//! Where machines are shared (`pool.rs`), a machine that has not been wanted for a while ends, and its thread becomes a machine of
//! another scheduler. Threads of the host that call into a program are machines for the time of their call (`program.rs`).
//!
//! GO: proc.go `startm`, `newm`, `mstart1`, `execute`, `stopm`, `entersyscall`, `exitsyscall`, `handoffp`.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Arc, Mutex as StdMutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::{
    blocking::ProcessorStatus,
    clock::NEVER,
    engine::{BlockingCall, CollectionReason, Engine, Outcome, Switch},
    event_trace::{Stop, TraceKind},
    goroutine::{GoroutineId, Runnable, Running, special},
    lock_rank::{Rank, RankedGuard, RankedMutex},
    pool::LINGER,
    preempt::{attention, request},
    processor::{OwnedProcessor, Processor},
    program::{Guest, Returned},
    promptness,
    scheduler::{Central, Context, Shared, Slice},
    session::Inside,
    stop_the_world,
    sync::{AtomicBool, AtomicU64, Condvar, Ordering},
    wait_reason::WaitReason,
};

/// A machine, as others see it.
pub(crate) struct MachineHandle<E: Engine> {
    pub(crate) id: usize,
    /// It is a thread of the host that calls.
    is_guest: bool,
    /// The goroutine that a thread of the host has called has come back to it; until it leaves.
    pub(crate) has_returned: AtomicBool,
    slot: RankedMutex<Slot<E>>,
    assigned: Condvar,
    pub(crate) is_spinning: AtomicBool,
    pub(crate) is_blocked: AtomicBool,
    /// The number of the goroutine it runs or ran last, for schedtrace.
    pub(crate) current: AtomicU64,
    ended: AtomicBool,
    thread: StdMutex<Option<JoinHandle<()>>>,
}

struct Slot<E: Engine> {
    assignment: Option<Assignment<E>>,
    /// The goroutine that a thread of the host has called, when it has ended on another machine.
    returned: Option<Returned<E>>,
    /// The run ends.
    dismissed: bool,
}

/// What a machine is woken or started for.
pub(crate) struct Assignment<E: Engine> {
    pub(crate) processor: OwnedProcessor<E>,
    /// It counts among the spinning ones already.
    pub(crate) spinning: bool,
    pub(crate) takeover: Takeover<E>,
}

/// What goes with an assignment.
pub(crate) enum Takeover<E: Engine> {
    /// Nothing: the machine looks for work.
    Nothing,
    /// A blocking call that machine 0 hands over.
    Call(Running<E>, BlockingCall<E>),
    /// A goroutine of machine 0 that is going to be locked to its thread.
    Lock(Running<E>),
    /// The goroutine that is locked to this machine's thread.
    Locked(Runnable<E>),
}

impl<E: Engine> MachineHandle<E> {
    pub(crate) fn new(id: usize, is_guest: bool) -> MachineHandle<E> {
        MachineHandle {
            id,
            is_guest,
            has_returned: AtomicBool::new(false),
            slot: RankedMutex::new(
                Rank::Machine,
                Slot {
                    assignment: None,
                    returned: None,
                    dismissed: false,
                },
            ),
            assigned: Condvar::new(),
            is_spinning: AtomicBool::new(false),
            is_blocked: AtomicBool::new(false),
            current: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            thread: StdMutex::new(None),
        }
    }

    pub(crate) fn assign(&self, assignment: Assignment<E>) {
        self.slot.lock().assignment = Some(assignment);
        self.assigned.notify_one();
    }

    /// Tells a sleeping machine that the run ends.
    pub(crate) fn dismiss(&self) {
        self.slot.lock().dismissed = true;
        self.assigned.notify_one();
    }

    /// Hands over the goroutine that this machine's thread has called.
    pub(crate) fn give_back(&self, returned: Returned<E>) {
        let mut slot = self.slot.lock();
        slot.returned = Some(returned);
        // ORDERING: Release. Pairs with the acquire in `has_what_it_came_for`; the lock guards the goroutine itself.
        self.has_returned.store(true, Ordering::Release);
        drop(slot);
        self.assigned.notify_one();
    }

    /// Takes what was given back.
    pub(crate) fn take_returned(&self) -> Option<Returned<E>> {
        self.slot.lock().returned.take()
    }

    /// Sleeps until there is something to do; `None`: the run ends, or what it waits for has been given back.
    fn await_assignment(&self) -> Option<Assignment<E>> {
        self.await_assignment_for(None)
    }

    /// As `await_assignment`, for so long only.
    pub(crate) fn await_assignment_for(&self, length: Option<Duration>) -> Option<Assignment<E>> {
        // In models nobody waits for a time.
        let limit = length
            .filter(|_| !cfg!(loom))
            .map(|length| Instant::now() + length);
        let mut slot = self.slot.lock();
        loop {
            if let Some(assignment) = slot.assignment.take() {
                return Some(assignment);
            }
            if slot.dismissed || slot.returned.is_some() {
                return None;
            }
            let left = limit.map(|limit| limit.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return None;
            }
            slot = slot.wait(&self.assigned, left);
        }
    }

    pub(crate) fn is_dismissed(&self) -> bool {
        self.slot.lock().dismissed
    }
}

/// Gets a machine to run on `processor`.
pub(crate) fn start<E: Engine>(
    shared: &Arc<Shared<E>>,
    central: RankedGuard<'_, Central<E>>,
    processor: OwnedProcessor<E>,
    spinning: bool,
) {
    let assignment = Assignment {
        processor,
        spinning,
        takeover: Takeover::Nothing,
    };
    if let Err(assignment) = assign(shared, central, assignment) {
        // No thread to be had. The processor waits for a machine that comes back from somewhere; its work is anybody's.
        let mut central = shared.central();
        if assignment.spinning {
            // ORDERING: SeqCst, as in `stop_spinning`.
            shared.spinning.fetch_sub(1, Ordering::SeqCst);
        }
        shared.put_work_global(&mut central, &assignment.processor);
        shared.put_processor_by(&mut central, assignment.processor);
        drop(central);
        if shared.counts_safepoints() {
            // Another caller may wait in the poller.
            shared.netpoll.notify();
        }
    }
}

/// Gives `assignment` to a sleeping machine or a new one. `Err`: there is none.
fn assign<E: Engine>(
    shared: &Arc<Shared<E>>,
    mut central: RankedGuard<'_, Central<E>>,
    assignment: Assignment<E>,
) -> Result<(), Assignment<E>> {
    assignment.processor.set_status(ProcessorStatus::Running);
    // A thread of the host would hand over as well what it must not be held up by.
    let machine = match assignment.takeover {
        Takeover::Nothing | Takeover::Locked(_) => central.idle_machines.pop(),
        Takeover::Call(..) | Takeover::Lock(_) => central
            .idle_machines
            .iter()
            .rposition(|machine| !machine.is_guest)
            .map(|at| central.idle_machines.remove(at)),
    };
    if let Some(machine) = machine {
        drop(central);
        machine.assign(assignment);
        return Ok(());
    }
    // Machine 0 and sysmon count too.
    if central.machines_started + 2 >= shared.max_threads() {
        central.thread_refused = true;
        return Err(assignment);
    }
    central.machines_started += 1;
    central.last_machine += 1;
    let handle = Arc::new(MachineHandle::new(central.last_machine, false));
    central.machines.push(Arc::clone(&handle));
    drop(central);
    shared.need_monitor();

    handle.slot.lock().assignment = Some(assignment);
    match start_thread(shared, &handle) {
        true => Ok(()),
        false => {
            let mut central = shared.central();
            central.machines_started -= 1;
            central.thread_refused = true;
            central
                .machines
                .retain(|machine| !Arc::ptr_eq(machine, &handle));
            drop(central);
            shared.progress.notify_all();
            let assignment = handle.slot.lock().assignment.take();
            Err(assignment.expect("no thread has taken it"))
        }
    }
}

/// Has a thread be this machine; answers whether there is one to be had.
fn start_thread<E: Engine>(shared: &Arc<Shared<E>>, handle: &Arc<MachineHandle<E>>) -> bool {
    let machine = (Arc::clone(shared), Arc::clone(handle));
    let body = move || Machine::run_thread(machine.0, machine.1);
    let stack_size = shared.options.thread_stack_size;
    if let Some(machines) = &shared.options.machines {
        return machines.run(Box::new(body), stack_size).is_ok();
    }
    let spawned = std::thread::Builder::new()
        .name(format!("golite-m{}", handle.id))
        .stack_size(stack_size)
        .spawn(body);
    match spawned {
        Ok(thread) => {
            *handle.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
            true
        }
        Err(_) => false,
    }
}

impl<E: Engine> Shared<E> {
    /// Takes a goroutine apart that has ended on this processor.
    #[inline]
    pub(crate) fn put_ended(&self, owned: &mut OwnedProcessor<E>, running: Running<E>) {
        let (free, fiber) = running.exit();
        self.engine().finished(fiber, owned.local());
        Processor::<E>::count(&owned.ended);
        let cells = owned.cells();
        let mut list = cells.free.take();
        list.put(free, &self.registry);
        cells.free.set(list);
    }

    /// Lets the goroutine go whose call has waited longest for its turn.
    fn release_queued_call(&self, central: &mut Central<E>) {
        if let Some(running) = central.queued_calls.pop_front() {
            self.put_global(central, running.yield_now());
        }
        self.calls.set_queued(central.queued_calls.len());
    }

    /// Moves a processor's run queue to the global queue.
    pub(crate) fn put_work_global(&self, central: &mut Central<E>, processor: &OwnedProcessor<E>) {
        while let Some(runnable) = processor
            .queue
            .take_next()
            .or_else(|| processor.queue.pop())
        {
            self.put_global(central, runnable);
        }
    }

    /// Puts a processor that has nothing to run where it belongs now: to the stopper, or into the idle list.
    pub(crate) fn put_processor_by(&self, central: &mut Central<E>, processor: OwnedProcessor<E>) {
        if central.is_stopping {
            self.stop_processor(central, processor);
        } else {
            self.put_idle_processor(central, processor);
        }
    }

    /// Hands on a processor whose machine is in a blocking call.
    pub(crate) fn hand_off(
        self: &Arc<Self>,
        mut central: RankedGuard<'_, Central<E>>,
        processor: OwnedProcessor<E>,
    ) {
        if central.is_stopping {
            self.stop_processor(&mut central, processor);
            return;
        }
        let has_work = !processor.queue.is_empty() || central.global.len() != 0;
        if has_work || self.attention() != 0 || processor.timers.earliest() <= self.clock.now() {
            start(self, central, processor, false);
            return;
        }
        // Nothing to do now, and perhaps nobody is looking: let one look, as work may come that nobody else would see.
        // ORDERING: SeqCst, as in `wake_processor`.
        if self.idle_count() == 0
            && self
                .spinning
                .compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
        {
            start(self, central, processor, true);
            return;
        }
        let when = processor.timers.earliest();
        self.put_idle_processor(&mut central, processor);
        drop(central);
        self.watch_timer(when);
        self.watch_descriptors();
    }
}

/// The last waits of a run: until every machine has left that is not in a blocking call, and nobody else looks at its goroutines.
pub(crate) fn await_all<E: Engine>(shared: &Arc<Shared<E>>) {
    let mut central = shared.central();
    while central.outcome.is_none() && central.panic.is_none()
        || central.machines_started > central.blocked_calls
        || central.visitors > 0
        || shared.standby.is_taken()
    {
        central = central.wait(&shared.progress, None);
    }
    let ended: Vec<_> = central
        .machines
        .drain(..)
        // ORDERING: Acquire. Pairs with the release at a machine's end.
        .filter(|m| m.ended.load(Ordering::Acquire))
        .collect();
    drop(central);
    for machine in ended {
        let thread = machine
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // Its panic, if any, was recorded before.
            let _ = thread.join();
        }
    }
}

/// A machine, as it sees itself.
pub(crate) struct Machine<E: Engine> {
    pub(crate) shared: Arc<Shared<E>>,
    pub(crate) handle: Arc<MachineHandle<E>>,
    pub(crate) processor: Option<OwnedProcessor<E>>,
    /// Looks for work; counted in `Shared::spinning`.
    pub(crate) spinning: bool,
    /// The next search begins with the global queue.
    pub(crate) global_first: bool,
    /// Machine 0, or a caller's, on a thread that the host wants back.
    pub(crate) is_first: bool,
    /// What a thread of the host has called.
    pub(crate) guest: Option<Guest<E>>,
    /// Machine 0 has handed its work over.
    retired: bool,
    /// A goroutine is locked to this thread.
    has_locked: bool,
}

/// Why a goroutine has stopped running, for traces.
fn stop_of<E: Engine>(switch: &Switch<E>, asked: bool) -> Stop {
    match switch {
        Switch::Park(reason) => Stop::Wait(*reason),
        Switch::Coroutine(_) => Stop::Wait(WaitReason::Coroutine),
        Switch::Yield if asked => Stop::Preempted,
        Switch::Yield | Switch::LockThread | Switch::UnlockThread => Stop::Yield,
        Switch::Blocking(_) => Stop::Call,
        Switch::StopTheWorld(_) => Stop::World,
        Switch::Exit | Switch::Goexit | Switch::ExitProcess(_) | Switch::Fatal(_) => Stop::End,
    }
}

/// A goroutine to run, and whether it inherits the time slice of the one before.
pub(crate) struct Found<E: Engine> {
    pub(crate) runnable: Runnable<E>,
    pub(crate) inherits: bool,
}

impl<E: Engine> Found<E> {
    pub(crate) fn afresh(runnable: Runnable<E>) -> Found<E> {
        Found {
            runnable,
            inherits: false,
        }
    }
}

impl<E: Engine> Machine<E> {
    pub(crate) fn new(shared: &Arc<Shared<E>>, handle: &Arc<MachineHandle<E>>) -> Machine<E> {
        Machine {
            shared: Arc::clone(shared),
            handle: Arc::clone(handle),
            processor: None,
            spinning: false,
            global_first: false,
            is_first: false,
            guest: None,
            retired: false,
            has_locked: false,
        }
    }

    /// A host's thread, lent for one goroutine. Like machine 0 it never blocks.
    pub(crate) fn guest(
        shared: &Arc<Shared<E>>,
        handle: &Arc<MachineHandle<E>>,
        processor: OwnedProcessor<E>,
    ) -> Machine<E> {
        let mut machine = Machine::new(shared, handle);
        machine.processor = Some(processor);
        machine.is_first = true;
        machine
    }

    /// Machine 0, on the caller's thread.
    pub(crate) fn run_first(shared: &Arc<Shared<E>>, main: Runnable<E>) {
        let handle = Arc::new(MachineHandle::new(0, false));
        let mut machine = Machine::new(shared, &handle);
        machine.is_first = !shared.ends_process();
        if shared.ends_process() {
            // The thread is ours for good.
            promptness::ask(promptness::MACHINE);
        }
        {
            let mut central = shared.central();
            central.machines.push(Arc::clone(&handle));
            machine.processor = shared.take_idle_processor(&mut central);
        }
        match &machine.processor {
            Some(processor) => {
                let displaced = processor.queue.put_next(main);
                debug_assert!(displaced.is_none(), "nothing runs before main");
            }
            // A host has started goroutines before the run and they have taken all processors.
            None => shared.put_global(&mut shared.central(), main),
        }
        machine.run_guarded(None);
    }

    /// Any other machine, on a thread of its own.
    fn run_thread(shared: Arc<Shared<E>>, handle: Arc<MachineHandle<E>>) {
        let _inside = Inside::enter(&shared);
        promptness::ask(promptness::MACHINE);
        let mut machine = Machine::new(&shared, &handle);
        let first = handle.await_assignment();
        machine.run_guarded(first);
        // ORDERING: Release. Pairs with the acquire in `await_all`; the lock would do too.
        handle.ended.store(true, Ordering::Release);
        let mut central = shared.central();
        central.machines_started -= 1;
        if shared.options.machines.is_some() {
            central
                .machines
                .retain(|machine| !Arc::ptr_eq(machine, &handle));
        }
        drop(central);
        shared.progress.notify_all();
    }

    /// Runs until the run ends. A panic of the engine ends it.
    pub(crate) fn run_guarded(&mut self, first: Option<Assignment<E>>) {
        let result = catch_unwind(AssertUnwindSafe(|| {
            if let Some(assignment) = first {
                self.take_up(assignment);
            }
            while let Some(found) = self.find_runnable() {
                self.execute(found);
            }
        }));
        if let Err(panic) = result {
            let mut central = self.shared.central();
            central.panic.get_or_insert(panic);
            self.shared.finish_now(&mut central);
        }
    }

    /// Begins an assignment.
    pub(crate) fn take_up(&mut self, assignment: Assignment<E>) {
        self.spinning = assignment.spinning;
        // ORDERING: Relaxed; for schedtrace.
        self.handle
            .is_spinning
            .store(self.spinning, Ordering::Relaxed);
        self.processor = Some(assignment.processor);
        match assignment.takeover {
            Takeover::Nothing => {}
            Takeover::Call(running, call) => {
                if let Some(running) = self.call_blocking(running, call) {
                    self.run_on(running);
                }
            }
            Takeover::Lock(running) => {
                if let Some(running) = self.lock_thread(running) {
                    self.run_on(running);
                }
            }
            Takeover::Locked(runnable) => self.run_special(runnable),
        }
    }

    /// Runs a goroutine until it stops for now.
    pub(crate) fn execute(&mut self, found: Found<E>) {
        let processor = self.processor();
        if !found.inherits {
            // ORDERING: Relaxed; only the owner writes, sysmon compares.
            let tick = processor.schedule_tick.load(Ordering::Relaxed);
            processor
                .schedule_tick
                .store(tick.wrapping_add(1), Ordering::Relaxed);
        }
        if found.runnable.goroutine().special() != 0 {
            self.execute_special(found.runnable);
            return;
        }
        let running = found.runnable.start();
        self.run_on(running);
    }

    /// Runs a goroutine that is locked to a thread, or whose blocking call was put off.
    #[cold]
    fn execute_special(&mut self, runnable: Runnable<E>) {
        if runnable.goroutine().special() & special::LOCKED != 0 {
            let central = self.shared.central();
            let handle = central.locked.get(&runnable.goroutine().id()).cloned();
            drop(central);
            if let (Some(handle), Some(processor)) = (handle, self.processor.take()) {
                handle.assign(Assignment {
                    processor,
                    spinning: false,
                    takeover: Takeover::Locked(runnable),
                });
            }
            return;
        }
        self.run_special(runnable);
    }

    fn run_special(&mut self, runnable: Runnable<E>) {
        let mut running = runnable.start();
        if let Some(call) = running.take_call() {
            match self.call_blocking(running, call) {
                Some(returned) => running = returned,
                None => return,
            }
        }
        self.run_on(running);
    }

    /// Locks a goroutine to this thread. Machine 0 must stay free to see the end of the run: it gives the goroutine to another.
    fn lock_thread(&mut self, running: Running<E>) -> Option<Running<E>> {
        if self.has_locked || !self.is_first {
            if running.lock_thread() {
                self.has_locked = true;
                let id = running.goroutine().id();
                let handle = Arc::clone(&self.handle);
                self.shared.central().locked.insert(id, handle);
            }
            return Some(running);
        }
        match self.hand_over(Takeover::Lock(running)) {
            // There is no other thread: then this is the one.
            Some(Takeover::Lock(running)) => {
                self.is_first = false;
                self.lock_thread(running)
            }
            _ => None,
        }
    }

    /// Undoes one lock, or all.
    fn unlock_thread(&mut self, running: &Running<E>, all: bool) {
        if running.unlock_thread(all) {
            self.has_locked = false;
            let id = running.goroutine().id();
            self.shared.central().locked.remove(&id);
        }
    }

    /// Waits, without a processor, until the locked goroutine is to run; false: the run ends.
    #[cold]
    pub(crate) fn run_locked(&mut self) -> bool {
        self.stop_spinning();
        if let Some(processor) = self.processor.take() {
            let mut central = self.shared.central();
            if self.shared.is_finishing() {
                central.dead.push(processor);
                return false;
            }
            self.shared.hand_off(central, processor);
        }
        {
            let mut central = self.shared.central();
            if self.shared.is_finishing() {
                return false;
            }
            self.shared.check_deadlock(&mut central);
        }
        match self.handle.await_assignment() {
            Some(assignment) => {
                self.take_up(assignment);
                true
            }
            None => false,
        }
    }

    /// Whether a goroutine is locked to this thread.
    #[inline]
    pub(crate) fn has_locked(&self) -> bool {
        self.has_locked
    }

    #[inline]
    pub(crate) fn processor(&mut self) -> &mut OwnedProcessor<E> {
        self.processor
            .as_mut()
            .expect("a machine runs goroutines with a processor only")
    }

    pub(crate) fn run_on(&mut self, mut running: Running<E>) {
        loop {
            let goroutine = running.goroutine();
            let shared = &self.shared;
            let owned = self
                .processor
                .as_mut()
                .expect("a machine runs goroutines with a processor only");
            // ORDERING: Relaxed; for schedtrace.
            self.handle
                .current
                .store(goroutine.id().0, Ordering::Relaxed);
            let (local, processor, cells) = owned.split();
            let slice = Slice::new(Context::new(shared, processor, cells), goroutine);
            let place = (Some(processor.index), Some(self.handle.id));
            shared.event(TraceKind::Run, place.0, place.1, goroutine.id().0);
            let switch = shared.engine().run(running.fiber(), local, &slice);
            if shared.options.trace.is_some() {
                let asked = processor.limit.requests() != 0;
                let kind = TraceKind::Stop(stop_of(&switch, asked));
                shared.event(kind, place.0, place.1, goroutine.id().0);
            }
            match self.stopped(running, switch) {
                Some(next) => running = next,
                None => return,
            }
        }
    }

    /// A goroutine has stopped for this reason. Answers the one that this machine runs on with at once.
    #[inline(always)]
    pub(crate) fn stopped(&mut self, running: Running<E>, switch: Switch<E>) -> Option<Running<E>> {
        let goroutine = running.goroutine();
        match switch {
            Switch::Park(reason) => {
                if let Some(runnable) = running.park(reason) {
                    self.enqueue_last(runnable);
                }
                None
            }
            Switch::Coroutine(resumed) => {
                let next = resumed.0;
                if let Some(woken) = running.park(WaitReason::Coroutine) {
                    self.enqueue_last(woken);
                }
                let other_thread = special::LOCKED | special::CALL;
                if self.has_locked || next.goroutine().special() & other_thread != 0 {
                    let shared = Arc::clone(&self.shared);
                    let (_, processor, cells) = self.processor().split();
                    Context::new(&shared, processor, cells).enqueue_next(next);
                    return None;
                }
                Some(next.start())
            }
            Switch::Yield if self.has_locked && self.processor().cells().backlog.take_asked() => {
                // Others would run here only after the processor has gone to another thread.
                Some(running)
            }
            Switch::Yield => {
                self.yielded(running.yield_now());
                None
            }
            Switch::Blocking(call) => self.call_blocking(running, call),
            Switch::StopTheWorld(job) => stop_the_world::run(self, running, job),
            Switch::LockThread => self.lock_thread(running),
            Switch::UnlockThread => {
                self.unlock_thread(&running, false);
                Some(running)
            }
            Switch::Exit | Switch::Goexit if goroutine.special() & special::CALLED != 0 => {
                let regular = matches!(switch, Switch::Exit);
                self.called_ended(Returned { running, regular });
                None
            }
            Switch::Exit => {
                let is_main = goroutine.id() == GoroutineId::MAIN;
                self.ended(running);
                if is_main {
                    if self.shared.options.final_collection {
                        stop_the_world::collect(self, CollectionReason::Final);
                    }
                    self.finish(Outcome::MainExited);
                }
                None
            }
            Switch::Goexit => {
                self.ended(running);
                None
            }
            Switch::ExitProcess(status) => {
                self.finish(Outcome::Exited(status));
                None
            }
            Switch::Fatal(failure) => {
                self.fail(goroutine.id(), failure);
                None
            }
        }
    }

    /// Puts a goroutine that was woken while it parked to the end of the own queue.
    #[cold]
    fn enqueue_last(&mut self, runnable: Runnable<E>) {
        let shared = Arc::clone(&self.shared);
        let (_, processor, cells) = self.processor().split();
        Context::new(&shared, processor, cells).enqueue_last(runnable);
    }

    /// Where a goroutine goes that lets others run.
    fn yielded(&mut self, runnable: Runnable<E>) {
        let shared = Arc::clone(&self.shared);
        let processor = self.processor();
        let overflow = if processor.cells().interrupted.take() {
            // It is not out of its turn, and goes on first.
            processor
                .queue
                .put_next(runnable)
                .and_then(|displaced| processor.queue.push(displaced))
        } else if processor.limit.requests() & request::PREEMPT != 0 {
            // Its slice is over: behind everybody.
            let mut central = shared.central();
            shared.put_global(&mut central, runnable);
            None
        } else if processor.cells().backlog.take_asked() {
            processor.cells().backlog.begin(shared.clock.now());
            processor
                .queue
                .put_next(runnable)
                .and_then(|displaced| processor.queue.push(displaced))
        } else {
            processor.queue.push(runnable)
        };
        if let Some(overflow) = overflow {
            let mut central = shared.central();
            shared.put_global_list(&mut central, overflow);
        }
    }

    /// A goroutine that ends is locked to no thread.
    pub(crate) fn unlock_ended(&mut self, running: &Running<E>) {
        if self.has_locked {
            self.unlock_thread(running, true);
        }
    }

    fn ended(&mut self, running: Running<E>) {
        self.unlock_ended(&running);
        let owned = self
            .processor
            .as_mut()
            .expect("a machine runs goroutines with a processor only");
        self.shared.put_ended(owned, running);
    }

    /// A goroutine ends the program.
    fn fail(&mut self, goroutine: GoroutineId, mut failure: E::Failure) {
        let shared = Arc::clone(&self.shared);
        if !shared.engine().shows_others(&failure) {
            return self.finish(Outcome::Fatal { goroutine, failure });
        }
        let own = self.processor.take();
        stop_the_world::end_with_dump(&shared, own, Some(goroutine), |others| {
            shared.engine().add_others(&mut failure, &others);
            Outcome::Fatal { goroutine, failure }
        });
    }

    fn finish(&mut self, outcome: Outcome<E>) {
        let mut central = self.shared.central();
        self.shared.finish(&mut central, outcome);
    }

    /// Makes a blocking call without the processor. `None`: the goroutine is not this machine's any more.
    fn call_blocking(&mut self, running: Running<E>, call: BlockingCall<E>) -> Option<Running<E>> {
        let (mut running, call) = if self.is_first {
            match self.hand_over(Takeover::Call(running, call))? {
                Takeover::Call(running, call) => (running, call),
                _ => return None,
            }
        } else {
            (running, call)
        };
        if !self.shared.calls.enter() {
            self.queue_call(running, call);
            return None;
        }
        running.set_blocking(true);
        let id = running.goroutine().id().0;
        let machine = Some(self.handle.id);
        self.shared.event(TraceKind::Call, None, machine, id);
        let processor = self
            .processor
            .take()
            .expect("a machine runs goroutines with a processor only");
        // ORDERING: Relaxed; for schedtrace.
        self.handle.is_blocked.store(true, Ordering::Relaxed);
        if call.is_long {
            let index = Some(processor.index);
            self.shared.event(TraceKind::HandOff, index, None, id);
            {
                let mut central = self.shared.central();
                central.blocked_calls += 1;
                if self.shared.is_finishing() {
                    central.dead.push(processor);
                } else {
                    self.shared.hand_off(central, processor);
                }
            }
            let result = catch_unwind(AssertUnwindSafe(|| Inside::outside(call.job)));
            self.shared.event(TraceKind::Return, None, machine, id);
            self.leave_call();
            return self.return_late(running, result);
        }
        let blocked = processor.enter_blocking();
        // Between entering and the call: either we see that the processor is wanted, or who wants it sees the ticket.
        if self.shared.attention() & (attention::STOP | attention::FINISH) != 0 {
            let mut central = self.shared.central();
            if (central.is_stopping || self.shared.is_finishing())
                && let Some(processor) = blocked.try_retake()
            {
                central.blocked_calls += 1;
                if central.is_stopping {
                    self.shared.stop_processor(&mut central, processor);
                } else {
                    central.dead.push(processor);
                }
            }
        }
        let result = catch_unwind(AssertUnwindSafe(|| Inside::outside(call.job)));
        self.shared.event(TraceKind::Return, None, machine, id);
        self.leave_call();
        let Some(processor) = blocked.try_leave() else {
            return self.return_late(running, result);
        };
        self.processor = Some(processor);
        // ORDERING: Relaxed; for schedtrace.
        self.handle.is_blocked.store(false, Ordering::Relaxed);
        running.set_blocking(false);
        running.complete(result.unwrap_or_else(|panic| resume_unwind(panic)));
        Some(running)
    }

    /// As many calls as may be are under way: the goroutine waits for its turn.
    #[cold]
    fn queue_call(&mut self, mut running: Running<E>, call: BlockingCall<E>) {
        running.put_call_off(call);
        running.set_blocking(true);
        let shared = Arc::clone(&self.shared);
        let mut central = shared.central();
        central.queued_calls.push_back(running);
        shared.calls.set_queued(central.queued_calls.len());
        // The last of those under way may have come back before it could see ours.
        if shared.calls.has_room() {
            shared.release_queued_call(&mut central);
        }
    }

    /// A call has come back: the next that waits for its turn may go.
    #[inline]
    fn leave_call(&self) {
        if self.shared.calls.leave() {
            let mut central = self.shared.central();
            self.shared.release_queued_call(&mut central);
            drop(central);
            self.shared.wake_processor();
        }
    }

    /// A blocking call has come back and its processor is gone.
    fn return_late(
        &mut self,
        mut running: Running<E>,
        result: std::thread::Result<E::Completion>,
    ) -> Option<Running<E>> {
        // ORDERING: Relaxed; for schedtrace.
        self.handle.is_blocked.store(false, Ordering::Relaxed);
        let mut central = self.shared.central();
        central.blocked_calls -= 1;
        if self.shared.is_finishing() {
            // The goroutine may be gone: it is not touched any more.
            return None;
        }
        let completion = match result {
            Ok(completion) => completion,
            Err(panic) => {
                drop(central);
                resume_unwind(panic);
            }
        };
        running.complete(completion);
        running.set_blocking(false);
        if !central.is_stopping
            && let Some(processor) = self.shared.take_idle_processor(&mut central)
        {
            drop(central);
            self.processor = Some(processor);
            // sysmon has retaken once and may have to again.
            self.shared.sysmon.wake_fresh();
            return Some(running);
        }
        self.shared.put_global(&mut central, running.yield_now());
        drop(central);
        self.shared.request_urgent();
        None
    }

    /// Machine 0 gives what it has to another machine, with its processor. It comes back when there is none.
    fn hand_over(&mut self, takeover: Takeover<E>) -> Option<Takeover<E>> {
        let processor = self
            .processor
            .take()
            .expect("a machine runs goroutines with a processor only");
        let central = self.shared.central();
        if self.shared.is_finishing() {
            return None;
        }
        let assignment = Assignment {
            processor,
            spinning: false,
            takeover,
        };
        match assign(&self.shared, central, assignment) {
            Ok(()) => {
                self.retired = self.guest.is_none();
                None
            }
            Err(assignment) => {
                self.processor = Some(assignment.processor);
                Some(assignment.takeover)
            }
        }
    }

    /// Sleeps without a processor until there is one; false: the run ends, or machine 0 has retired.
    pub(crate) fn sleep(&mut self) -> bool {
        if self.retired || self.drives() {
            return false;
        }
        debug_assert!(!self.spinning, "a machine that sleeps looks for nothing");
        {
            let mut central = self.shared.central();
            if self.shared.is_finishing() {
                return false;
            }
            // Whoever put work and a processor by may have found no thread for them, while this one was not asleep yet.
            if !central.is_stopping
                && self.is_needed(&central)
                && let Some(processor) = self.shared.take_idle_processor(&mut central)
            {
                self.processor = Some(processor);
                return true;
            }
            central.idle_machines.push(Arc::clone(&self.handle));
        }
        // A thread of a pool goes elsewhere when it has not been wanted for a while.
        let lingers = self.shared.options.machines.is_some() && self.runs_on_a_thread_of_ours();
        loop {
            if let Some(assignment) = self.handle.await_assignment_for(lingers.then_some(LINGER)) {
                self.take_up(assignment);
                return true;
            }
            let mut central = self.shared.central();
            let idle = central.idle_machines.len();
            let handle = &self.handle;
            central
                .idle_machines
                .retain(|machine| !Arc::ptr_eq(machine, handle));
            // If it is not there any more an assignment is on its way, or a dismissal.
            if central.idle_machines.len() < idle || handle.is_dismissed() {
                return false;
            }
        }
    }

    /// Whether there is something to do for a machine that is going to sleep, and perhaps nobody else for it.
    fn is_needed(&self, central: &Central<E>) -> bool {
        let shared = &self.shared;
        central.global.len() != 0
            // Where only callers run, nobody but them waits for timers and events.
            || shared.counts_safepoints()
                // ORDERING: SeqCst, as all of `last_poll`; 0: somebody waits already.
                && shared.last_poll.load(Ordering::SeqCst) != 0
                && (shared.earliest_timer() != NEVER
                    || shared.netpoll.has_waiters()
                    || shared.until_deadline() != NEVER)
    }

    fn runs_on_a_thread_of_ours(&self) -> bool {
        !self.is_first && self.guest.is_none() && self.handle.id != 0
    }

    /// What the attention word wants. Answers false when the run ends.
    pub(crate) fn attend(&mut self, wanted: u32) -> bool {
        if wanted & attention::FINISH != 0 {
            self.leave();
            return false;
        }
        if wanted & attention::STOP != 0 {
            self.stop_for_another();
            return true;
        }
        if wanted & attention::GUEST != 0 && self.let_guest_in() {
            return true;
        }
        if self.shared.clear_attention(attention::PROCESSORS) != 0 {
            stop_the_world::follow_quota(self);
            return true;
        }
        let reason = if self.shared.clear_attention(attention::COLLECT_GROWTH) != 0 {
            CollectionReason::Growth
        } else if self.shared.clear_attention(attention::COLLECT_PERIODIC) != 0 {
            CollectionReason::Periodic
        } else {
            return true;
        };
        stop_the_world::collect(self, reason);
        true
    }

    /// Gives the processor to whoever stops the world.
    pub(crate) fn stop_for_another(&mut self) {
        self.stop_spinning();
        let Some(processor) = self.processor.take() else {
            return;
        };
        let mut central = self.shared.central();
        if central.is_stopping {
            self.shared.stop_processor(&mut central, processor);
        } else {
            // It was over already.
            drop(central);
            self.processor = Some(processor);
        }
    }

    /// The run ends: puts the processor by.
    pub(crate) fn leave(&mut self) {
        self.stop_spinning();
        if let Some(processor) = self.processor.take() {
            self.shared.central().dead.push(processor);
        }
    }

    /// Counts this machine among those that look for work.
    pub(crate) fn start_spinning(&mut self) {
        self.spinning = true;
        // ORDERING: SeqCst. Pairs with `wake_processor`.
        self.shared.spinning.fetch_add(1, Ordering::SeqCst);
        self.handle.is_spinning.store(true, Ordering::Relaxed);
    }

    /// Counts it out again. The caller looks for work once more afterwards, or has found some.
    pub(crate) fn stop_spinning(&mut self) {
        if self.spinning {
            self.spinning = false;
            self.handle.is_spinning.store(false, Ordering::Relaxed);
            // ORDERING: SeqCst. Pairs with the load in `wake_processor`: either that load sees our decrement and wakes somebody,
            // or our next look sees its work.
            self.shared.spinning.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::models::{model, sides};

    #[test]
    fn loom_an_assignment_reaches_a_machine_that_goes_to_sleep() {
        model(|| {
            let (shared, a, _b) = sides();
            let handle = Arc::new(MachineHandle::new(1, false));
            let giver = {
                let handle = handle.clone();
                loom::thread::spawn(move || {
                    handle.assign(Assignment {
                        processor: a.processor,
                        spinning: false,
                        takeover: Takeover::Nothing,
                    });
                })
            };
            let assignment = handle.await_assignment();
            assert!(assignment.is_some_and(|a| a.processor.index < shared.processor_count()));
            giver.join().unwrap();
        });
    }

    #[test]
    fn loom_a_dismissal_does_not_swallow_the_goroutine_of_a_locked_thread() {
        model(|| {
            let (shared, a, _b) = sides();
            let handle = Arc::new(MachineHandle::new(1, false));
            let ends = {
                let handle = handle.clone();
                loom::thread::spawn(move || handle.dismiss())
            };
            handle.assign(Assignment {
                processor: a.processor,
                spinning: false,
                takeover: Takeover::Nothing,
            });
            // What was assigned is taken up first; the dismissal is seen when there is nothing left.
            assert!(handle.await_assignment().is_some());
            assert!(handle.await_assignment().is_none());
            ends.join().unwrap();
            drop(shared);
        });
    }
}
