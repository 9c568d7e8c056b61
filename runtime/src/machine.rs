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
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError},
};

use crate::{
    assignment::{Assignment, MachineHandle, Takeover, assign, start},
    clock::NEVER,
    context::{Context, Slice},
    engine::{CollectionReason, Engine, Outcome, Switch},
    event_trace::{Stop, TraceKind},
    goroutine::{GoroutineId, Runnable, Running, special},
    lock_rank::RankedGuard,
    pool::LINGER,
    preempt::{attention, request},
    processor::{OwnedProcessor, Processor},
    program::{Guest, Returned},
    promptness,
    scheduler::{Central, Shared},
    session::Inside,
    stop_the_world,
    sync::Ordering,
    wait_reason::WaitReason,
};

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
    pub(crate) fn run_thread(shared: Arc<Shared<E>>, handle: Arc<MachineHandle<E>>) {
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

    /// Locks a goroutine to this thread. Machine 0 must stay free to see the end of the run: it gives the goroutine to another. Where only callers run the
    /// program no thread is a goroutine's: there is none for the others while it waits, and the next caller's is another.
    fn lock_thread(&mut self, running: Running<E>) -> Option<Running<E>> {
        if self.shared.options.callers_only {
            return Some(running);
        }
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
            Switch::Yield => self.yielded(running.yield_now()),
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

    /// Where a goroutine goes that lets others run; it comes back if it runs on.
    fn yielded(&mut self, mut runnable: Runnable<E>) -> Option<Running<E>> {
        let shared = Arc::clone(&self.shared);
        let interrupted = self.processor().cells().interrupted.take();
        if interrupted && self.processor().cells().turns.is_on() {
            match self.collect_between(runnable) {
                Ok(running) => return Some(running),
                Err(kept) => runnable = kept,
            }
        }
        let Some(processor) = &self.processor else {
            shared.put_global(&mut shared.central(), runnable);
            return None;
        };
        let overflow = if interrupted {
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
        None
    }

    /// With a seed, a collection changes nothing of who runs when, nor when it comes: the one that is interrupted for it runs on, and the queues stay what they
    /// are. It comes back as it is if something else is wanted.
    #[cold]
    fn collect_between(&mut self, runnable: Runnable<E>) -> Result<Running<E>, Runnable<E>> {
        const COLLECTIONS: u32 = attention::COLLECT_GROWTH | attention::COLLECT_PERIODIC;
        let wanted = self.shared.attention();
        if wanted & !COLLECTIONS != 0 {
            return Err(runnable);
        }
        if wanted != 0 {
            self.attend(wanted);
        }
        match self.processor.is_some() && self.shared.attention() == 0 {
            true => Ok(runnable.start()),
            false => Err(runnable),
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

    /// Machine 0 gives what it has to another machine, with its processor. It comes back when there is none.
    pub(crate) fn hand_over(&mut self, takeover: Takeover<E>) -> Option<Takeover<E>> {
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
