//! Programs that their callers drive: threads of the host call goroutines, wait for them, and run whatever there is to run meanwhile.
//!
//! A [`crate::Session`] is called as well, but its host's threads run only the goroutine they have called, and that only until it waits:
//! the rest needs machines. Here the thread that waits is what runs the program, which so needs no other thread, can be run step by
//! step, and has its time under control.
//!
//! A thread that calls is a machine for the time of its call, a *guest*: it takes a processor, makes its goroutine and runs it, and whatever else
//! there is to run, until that goroutine has ended. So a call that does not wait for others costs two locks and no thread, and where only
//! callers run ([`crate::Options::callers_only`]) everything goes on while somebody calls.
//!
//! 1. A guest takes an idle processor. When none is idle it puts itself into `waiting`: the next processor that would go idle is given to
//!    it ([`Shared::put_idle_processor`]). If that takes long it calls everybody's attention, and a machine gives its processor, with all that is
//!    queued there, to the guest.
//! 2. The goroutine carries [`special::CALLED`]. When it ends on its guest's own machine, that is all. When it ends on another, that machine puts it
//!    into the guest's slot ([`MachineHandle::give_back`]), wakes the guest or, if it is busy with others, asks it to yield. The guest then sees that it has what it came for
//!    ([`Machine::has_what_it_came_for`]), and takes a processor if it has none.
//! 3. The fiber is given to the caller while the guest still has the processor: results can be read before a collection may move on. Until then the
//!    goroutine is one of the registry, so that the collector sees it.
//! 4. The guest leaves: what is queued at its processor goes to a machine, or the processor goes idle.
//!
//! Blocking calls of goroutines that a guest runs are handed to other machines, as machine 0 does (`machine.rs`), so that the host's
//! thread comes back when the program is ended.
//!
//! INVARIANT: a guest is counted in `machines_started` from its first look for a processor until it has left, and in `waited_for` from when it has
//! started its goroutine.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use crate::{
    assignment::{self, Assignment, MachineHandle, Takeover},
    clock::{NEVER, Nanos},
    context::Context,
    engine::{Engine, Outcome},
    event_trace::TraceKind,
    goroutine::{GoroutineRef, Running, special},
    handles::SchedulerHandle,
    machine::{self, Machine},
    preempt::{MINIMUM_SLICE, attention, request},
    processor::{OwnedProcessor, Processor},
    scheduler::{Central, Shared},
    stop_the_world,
    sync::{Ordering, fence},
};

/// How the goroutine of a call has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// Its function has returned.
    Returned,
    /// `runtime.Goexit`.
    Goexit,
}

/// The program is over: [`Program::with_outcome`] tells how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended;

/// A program whose goroutines the host calls. Dropping it ends it.
pub struct Program<E: Engine> {
    shared: Arc<Shared<E>>,
    sysmon: Mutex<Option<JoinHandle<()>>>,
}

/// What a guest wants.
pub(crate) struct Guest<E: Engine> {
    /// The goroutine it has called; `None` as long as there is none.
    goroutine: Option<GoroutineRef<E>>,
    returned: Option<Returned<E>>,
    /// It calls nobody, and leaves when there is nothing to run.
    drives: bool,
}

/// A called goroutine that has ended.
pub(crate) struct Returned<E: Engine> {
    pub(crate) running: Running<E>,
    pub(crate) regular: bool,
}

/// Callers, under the central lock.
pub(crate) struct Callers<E: Engine> {
    /// Handles that nobody uses.
    free: Vec<Arc<MachineHandle<E>>>,
    /// Who has called which goroutine.
    callers: Vec<(GoroutineRef<E>, Arc<MachineHandle<E>>)>,
    /// Those who wait for a processor.
    waiting: VecDeque<Arc<MachineHandle<E>>>,
}

impl<E: Engine> Default for Callers<E> {
    fn default() -> Callers<E> {
        Callers {
            free: Vec::new(),
            callers: Vec::new(),
            waiting: VecDeque::new(),
        }
    }
}

impl<E: Engine> Callers<E> {
    /// Whether nobody has got what he came for and has yet to take it.
    pub(crate) fn all_wait(&self) -> bool {
        // ORDERING: Relaxed; it is set and cleared under the central lock.
        !self
            .callers
            .iter()
            .any(|(_, caller)| caller.has_returned.load(Ordering::Relaxed))
    }

    /// The run ends.
    pub(crate) fn dismiss(&mut self) {
        for machine in self.waiting.drain(..) {
            machine.dismiss();
        }
    }
}

impl<E: Engine> Shared<E> {
    /// Gives a processor that would go idle to a guest who waits for one; else it comes back.
    pub(crate) fn give_to_guest(
        &self,
        central: &mut Central<E>,
        processor: OwnedProcessor<E>,
    ) -> Option<OwnedProcessor<E>> {
        let Some(guest) = central.callers.waiting.pop_front() else {
            return Some(processor);
        };
        self.give(&guest, processor);
        None
    }

    fn give(&self, guest: &MachineHandle<E>, processor: OwnedProcessor<E>) {
        processor.set_status(crate::blocking::ProcessorStatus::Running);
        self.sysmon.wake_if_deep();
        guest.assign(Assignment {
            processor,
            spinning: false,
            takeover: Takeover::Nothing,
        });
    }
}

impl<E: Engine> Machine<E> {
    /// Whether this is a guest whose goroutine has ended.
    #[inline]
    pub(crate) fn has_what_it_came_for(&self) -> bool {
        self.guest.as_ref().is_some_and(|guest| {
            // ORDERING: Acquire. Pairs with `give_back`.
            guest.returned.is_some() || self.handle.has_returned.load(Ordering::Acquire)
        })
    }

    /// Whether this is a guest that leaves when there is nothing to run.
    pub(crate) fn drives(&self) -> bool {
        self.guest.as_ref().is_some_and(|guest| guest.drives)
    }

    /// A called goroutine has ended here.
    pub(crate) fn called_ended(&mut self, returned: Returned<E>) {
        let goroutine = returned.running.goroutine();
        if let Some(guest) = &mut self.guest
            && guest
                .goroutine
                .is_some_and(|own| own.raw() == goroutine.raw())
        {
            guest.returned = Some(returned);
            return;
        }
        returned.running.set_blocking(true);
        let shared = &self.shared;
        let central = shared.central();
        let callers = &central.callers.callers;
        let Some(caller) = callers
            .iter()
            .find(|(called, _)| called.raw() == goroutine.raw())
            .map(|(_, caller)| Arc::clone(caller))
        else {
            // It has left because the run ends; the goroutine is dropped with the others.
            return;
        };
        // If it sleeps it takes itself off the list.
        let was_idle = central
            .idle_machines
            .iter()
            .any(|machine| Arc::ptr_eq(machine, &caller));
        // Under the lock: from now on its caller is no longer one who waits for others (`Callers::all_wait`).
        caller.give_back(returned);
        drop(central);
        if !was_idle {
            // It runs something else, or waits in the poller.
            shared.request_all(request::RETURNED);
            if shared.waits_itself() {
                shared.netpoll.notify();
            }
        }
    }

    /// A guest may be waiting for a processor: it gets this one. Answers whether.
    pub(crate) fn let_guest_in(&mut self) -> bool {
        self.stop_spinning();
        self.shared.clear_attention(attention::GUEST);
        let mut central = self.shared.central();
        let Some(guest) = central.callers.waiting.pop_front() else {
            return false;
        };
        let others_wait = !central.callers.waiting.is_empty();
        match self.processor.take() {
            Some(processor) => self.shared.give(&guest, processor),
            None => central.callers.waiting.push_front(guest),
        }
        drop(central);
        if others_wait {
            self.shared.call_attention(attention::GUEST);
        }
        true
    }

    /// Gets a processor. Answers false when the run ends.
    fn enter(&mut self) -> bool {
        let shared = Arc::clone(&self.shared);
        loop {
            {
                let mut central = shared.central();
                if shared.is_finishing() {
                    return false;
                }
                self.processor = shared.take_idle_processor(&mut central);
                if self.processor.is_none() {
                    central.callers.waiting.push_back(Arc::clone(&self.handle));
                }
            }
            if self.processor.is_none() {
                let Some(processor) = self.await_processor() else {
                    return false;
                };
                self.processor = Some(processor);
            }
            let wanted = shared.attention();
            if wanted & attention::FINISH != 0 {
                self.leave();
                return false;
            }
            if wanted & attention::STOP != 0 {
                self.stop_for_another();
            }
            if self.processor.is_some() {
                return true;
            }
        }
    }

    /// Waits until somebody gives this guest a processor; `None`: the run ends.
    fn await_processor(&mut self) -> Option<OwnedProcessor<E>> {
        let shared = Arc::clone(&self.shared);
        // Mostly a processor goes idle soon.
        let mut patience = Some(Duration::from_nanos(MINIMUM_SLICE.unsigned_abs()));
        loop {
            if let Some(assignment) = self.handle.await_assignment_for(patience) {
                return Some(assignment.processor);
            }
            if self.handle.is_dismissed() {
                return None;
            }
            // What has come back would keep us awake.
            if let (Some(guest), Some(returned)) = (&mut self.guest, self.handle.take_returned()) {
                guest.returned = Some(returned);
                continue;
            }
            shared.call_attention(attention::GUEST);
            patience = None;
            if shared.counts_safepoints() {
                // There is no monitor that would take it from a blocking call.
                patience = Some(Duration::from_millis(1));
                self.retake_blocked();
            }
        }
    }

    /// Takes the processor of a blocking call, for whoever waits for one.
    fn retake_blocked(&self) {
        let shared = &self.shared;
        let mut central = shared.central();
        if central.is_stopping || shared.is_finishing() {
            return;
        }
        for processor in shared.all_processors() {
            if let Some(ticket) = processor.word.blocking_ticket()
                && let Some(processor) = processor.try_retake(ticket)
            {
                central.blocked_calls += 1;
                if let Some(guest) = central.callers.waiting.pop_front() {
                    shared.give(&guest, processor);
                } else {
                    shared.put_work_global(&mut central, &processor);
                    shared.put_idle_processor(&mut central, processor);
                }
            }
        }
    }

    /// Gives the processor up, and is no machine any more.
    fn depart(&mut self) {
        let shared = Arc::clone(&self.shared);
        self.stop_spinning();
        let mut central = shared.central();
        if let Some(guest) = &self.guest
            && let Some(goroutine) = guest.goroutine
        {
            let callers = &mut central.callers.callers;
            if let Some(at) = callers
                .iter()
                .position(|(called, _)| called.raw() == goroutine.raw())
            {
                callers.swap_remove(at);
            }
            central.waited_for -= 1;
        }
        // ORDERING: Relaxed; under the central lock, as its readers but the guest itself.
        self.handle.has_returned.store(false, Ordering::Relaxed);
        central.machines_started -= 1;
        if shared.is_finishing() {
            central.dead.extend(self.processor.take());
            drop(central);
            shared.progress.notify_all();
            return;
        }
        central.callers.free.push(Arc::clone(&self.handle));
        let Some(processor) = self.processor.take() else {
            shared.check_deadlock(&mut central);
            return;
        };
        if central.is_stopping {
            shared.stop_processor(&mut central, processor);
            return;
        }
        if !processor.queue.is_empty() || central.global.len() != 0 {
            assignment::start(&shared, central, processor, false);
            return;
        }
        let cells = processor.cells();
        cells.deferred_wakeups.set(0);
        cells.deferred_watch.set(false);
        let earliest = processor.timers.earliest();
        shared.put_idle_processor(&mut central, processor);
        shared.check_deadlock(&mut central);
        drop(central);
        // As a machine that goes idle: publish the processor, then look once more.
        fence(Ordering::SeqCst);
        if shared.global_len() != 0 || shared.all_processors().any(|p| !p.queue.is_empty()) {
            shared.wake_processor();
        }
        if earliest != NEVER {
            shared.watch_timer(earliest);
        }
        shared.watch_descriptors();
        if shared.counts_safepoints()
            && shared.until_deadline() != NEVER
            // ORDERING: SeqCst, as all of `last_poll`; 0: another caller waits.
            && shared.last_poll.load(Ordering::SeqCst) != 0
        {
            shared.wake_processor();
        }
    }

    /// Makes a guest of this thread.
    pub(crate) fn caller(shared: &Arc<Shared<E>>, drives: bool) -> Option<Machine<E>> {
        let handle = {
            let mut central = shared.central();
            if shared.is_finishing() {
                return None;
            }
            central.machines_started += 1;
            match central.callers.free.pop() {
                Some(handle) => handle,
                None => {
                    central.last_machine += 1;
                    Arc::new(MachineHandle::new(central.last_machine, true))
                }
            }
        };
        let mut machine = Machine::new(shared, &handle);
        machine.is_first = true;
        machine.guest = Some(Guest {
            goroutine: None,
            returned: None,
            drives,
        });
        if !machine.enter() {
            machine.depart();
            return None;
        }
        Some(machine)
    }

    /// Starts the goroutine of a call: it runs next.
    fn start_called(&mut self, fiber: E::Fiber) {
        let shared = Arc::clone(&self.shared);
        let handle = Arc::clone(&self.handle);
        let (_, processor, cells) = self.processor().split();
        let context = Context::new(&shared, processor, cells);
        let mut list = cells.free.take();
        let free = list.take(&shared.registry);
        cells.free.set(list);
        let id = context.new_goroutine(&fiber);
        let runnable = free.spawn(id, fiber);
        let goroutine = runnable.goroutine();
        goroutine.set_special(special::CALLED, true);
        {
            // From now on somebody waits; before, everybody else may be at rest.
            let mut central = shared.central();
            central.callers.callers.push((goroutine, handle));
            central.waited_for += 1;
        }
        // ORDERING: Relaxed; only the owner writes, sysmon compares.
        let tick = processor.schedule_tick.load(Ordering::Relaxed);
        processor
            .schedule_tick
            .store(tick.wrapping_add(1), Ordering::Relaxed);
        if shared.until_deadline() != NEVER {
            context.count_safepoints();
        }
        if let Some(displaced) = processor.queue.put_next(runnable) {
            context.enqueue_last(displaced);
        }
        if let Some(guest) = &mut self.guest {
            guest.goroutine = Some(goroutine);
        }
    }

    /// Takes the ended goroutine apart.
    fn finish_called<R>(
        &mut self,
        returned: Returned<E>,
        end: impl FnOnce(E::Fiber, CallEnd, &mut E::PerProcessor, &Context<'_, E>) -> R,
    ) -> R {
        let Returned { running, regular } = returned;
        self.unlock_ended(&running);
        running.goroutine().set_special(special::CALLED, false);
        let (free, fiber) = running.exit();
        let shared = Arc::clone(&self.shared);
        let (local, processor, cells) = self.processor().split();
        Processor::<E>::count(&processor.ended);
        let mut list = cells.free.take();
        list.put(free, &shared.registry);
        cells.free.set(list);
        let how = if regular {
            CallEnd::Returned
        } else {
            CallEnd::Goexit
        };
        end(fiber, how, local, &Context::new(&shared, processor, cells))
    }
}

/// A guest that has called a goroutine, which others run now, and has no processor.
#[cfg(all(test, loom))]
pub(crate) fn idle_caller<E: Engine>(
    shared: &Arc<Shared<E>>,
    goroutine: GoroutineRef<E>,
) -> Machine<E> {
    let handle = Arc::new(MachineHandle::new(1, true));
    let mut central = shared.central();
    central.machines_started += 1;
    central.waited_for += 1;
    central
        .callers
        .callers
        .push((goroutine, Arc::clone(&handle)));
    drop(central);
    let mut machine = Machine::new(shared, &handle);
    machine.is_first = true;
    machine.guest = Some(Guest {
        goroutine: Some(goroutine),
        returned: None,
        drives: false,
    });
    machine
}

impl<E: Engine> Context<'_, E> {
    /// The number of a goroutine that is started here.
    fn new_goroutine(&self, fiber: &E::Fiber) -> crate::GoroutineId {
        let shared = self.shared();
        let id = self.cells().next_goroutine_id(shared.last_id());
        Processor::<E>::count(&self.processor().started);
        if shared.options.trace.is_some() {
            shared.name_goroutine(id.0, fiber);
            shared.event(TraceKind::Spawn, Some(self.processor().index), None, id.0);
        }
        id
    }
}

impl<E: Engine> Program<E> {
    pub(crate) fn new(shared: Arc<Shared<E>>, sysmon: Option<JoinHandle<()>>) -> Program<E> {
        Program {
            shared,
            sysmon: Mutex::new(sysmon),
        }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &E {
        self.shared.engine()
    }

    /// For other threads.
    #[must_use]
    pub fn handle(&self) -> SchedulerHandle<E> {
        SchedulerHandle::new(&self.shared)
    }

    /// Has a goroutine run and waits until it has ended. `begin` makes its fiber and `end` gets it back; both have a processor, so that
    /// what the fiber names is not collected meanwhile: they must be short. When the goroutine has ended on another thread the
    /// collector may come by before `end` does. Where `begin` answers `None`, so does this.
    ///
    /// Not from within a goroutine or a blocking call of the same program that is known to be short: the call would hold the processor of
    /// another.
    ///
    /// # Errors
    /// The program was over, or ended meanwhile.
    ///
    /// # Panics
    /// Goes on with a panic of `begin` or `end`.
    pub fn call<R>(
        &self,
        begin: impl FnOnce(&mut E::PerProcessor, &Context<'_, E>) -> Option<E::Fiber>,
        end: impl FnOnce(E::Fiber, CallEnd, &mut E::PerProcessor, &Context<'_, E>) -> R,
    ) -> Result<Option<R>, Ended> {
        call(&self.shared, begin, end)
    }

    /// Does something with a processor, so that nothing is collected meanwhile: it must be short.
    ///
    /// # Errors
    /// The program is over.
    ///
    /// # Panics
    /// Goes on with a panic of `f`.
    pub fn with_processor<R>(
        &self,
        f: impl FnOnce(&mut E::PerProcessor, &Context<'_, E>) -> R,
    ) -> Result<R, Ended> {
        let mut guest = Machine::caller(&self.shared, true).ok_or(Ended)?;
        let shared = Arc::clone(&self.shared);
        let result = catch_unwind(AssertUnwindSafe(|| {
            let (local, processor, cells) = guest.processor().split();
            f(local, &Context::new(&shared, processor, cells))
        }));
        guest.depart();
        Ok(result.unwrap_or_else(|panic| resume_unwind(panic)))
    }

    /// Starts a goroutine that nobody waits for. Where only callers run, it runs when somebody calls.
    pub fn spawn(&self, fiber: E::Fiber) {
        self.shared.spawn_from_outside(fiber);
    }

    /// Runs, on this thread, what can run now, and comes back when nothing is left but to wait. Other threads may run goroutines
    /// meanwhile and later.
    ///
    /// # Errors
    /// The program was over, or ended meanwhile.
    pub fn run_until_idle(&self) -> Result<(), Ended> {
        run_until_idle(&self.shared)
    }

    /// Moves a virtual clock on by `time`, timer by timer, and runs what these make runnable, as [`Program::run_until_idle`].
    ///
    /// # Errors
    /// The program was over, or ended meanwhile.
    pub fn advance(&self, time: Duration) -> Result<(), Ended> {
        advance(&self.shared, time)
    }

    /// How many goroutines there are.
    #[must_use]
    pub fn goroutines(&self) -> usize {
        self.shared.goroutine_count()
    }

    /// Ends the program, unless it has ended, and waits until no thread runs anything of it but calls that block. All goroutines are gone then; threads in
    /// blocking calls come back on their own. Not from within a call.
    pub fn shut_down(&self) {
        {
            let mut central = self.shared.central();
            self.shared.finish(&mut central, Outcome::Stopped);
        }
        machine::await_all(&self.shared);
        let sysmon = {
            let mut sysmon = self.sysmon.lock().unwrap_or_else(PoisonError::into_inner);
            sysmon.take()
        };
        if let Some(sysmon) = sysmon {
            // A panic in it would be ours, and has been reported by then.
            let _ = sysmon.join();
        }
        stop_the_world::abandon_all(&self.shared);
    }

    /// Looks at how the program has ended. `None`: it has not, or by a panic of the engine.
    pub fn with_outcome<R>(&self, look: impl FnOnce(&Outcome<E>) -> R) -> Option<R> {
        self.shared.central().outcome.as_ref().map(look)
    }

    /// Takes the panic of the engine or of a blocking call that has ended the program.
    #[must_use]
    pub fn take_panic(&self) -> Option<Box<dyn std::any::Any + Send>> {
        self.shared.central().panic.take()
    }

    /// Whether the program has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.shared.is_finishing()
    }
}

/// See [`Program::call`].
pub(crate) fn call<E: Engine, R>(
    shared: &Arc<Shared<E>>,
    begin: impl FnOnce(&mut E::PerProcessor, &Context<'_, E>) -> Option<E::Fiber>,
    end: impl FnOnce(E::Fiber, CallEnd, &mut E::PerProcessor, &Context<'_, E>) -> R,
) -> Result<Option<R>, Ended> {
    let mut guest = Machine::caller(shared, false).ok_or(Ended)?;
    let result = catch_unwind(AssertUnwindSafe(|| {
        let fiber = {
            let (local, processor, cells) = guest.processor().split();
            begin(local, &Context::new(shared, processor, cells))
        };
        let Some(fiber) = fiber else {
            return Ok(None);
        };
        guest.start_called(fiber);
        guest.run_guarded(None);
        let own = guest.guest.as_mut().and_then(|guest| guest.returned.take());
        let returned = own.or_else(|| guest.handle.take_returned()).ok_or(Ended)?;
        if guest.processor.is_none() && !guest.enter() {
            return Err(Ended);
        }
        Ok(Some(guest.finish_called(returned, end)))
    }));
    guest.depart();
    result.unwrap_or_else(|panic| resume_unwind(panic))
}

/// See [`Program::run_until_idle`].
pub(crate) fn run_until_idle<E: Engine>(shared: &Arc<Shared<E>>) -> Result<(), Ended> {
    let mut guest = Machine::caller(shared, true).ok_or(Ended)?;
    guest.run_guarded(None);
    guest.depart();
    if shared.is_finishing() {
        return Err(Ended);
    }
    Ok(())
}

/// See [`Program::advance`].
pub(crate) fn advance<E: Engine>(shared: &Arc<Shared<E>>, time: Duration) -> Result<(), Ended> {
    let clock = &shared.clock;
    let time = Nanos::try_from(time.as_nanos()).unwrap_or(NEVER);
    let goal = clock.now().saturating_add(time).min(NEVER - 1);
    run_until_idle(shared)?;
    loop {
        let next = shared.earliest_timer();
        clock.advance_to(next.min(goal));
        run_until_idle(shared)?;
        if next >= goal {
            return Ok(());
        }
    }
}

impl<E: Engine> Drop for Program<E> {
    fn drop(&mut self) {
        self.shut_down();
    }
}
