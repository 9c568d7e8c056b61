//! Sessions: a scheduler without a main goroutine, into which the threads of a host call.
//!
//! A session starts no thread. A call lends the host's thread to the scheduler: it takes an idle processor and runs the new goroutine
//! there, as a machine would, for as long as that goroutine runs on. When it waits, makes a blocking call, has to let others run or ends, the
//! thread gives the processor back (to a machine, if there is work) and is the host's again: a *guest* never runs any other goroutine. How the
//! goroutine went the engine tells the host by itself, whoever ran it last.
//!
//! * Machines and the monitor are started when they are first needed: a session that is only called and whose calls never wait has none.
//! * Guests count among the machines (`Central::machines_started`), so the end of the run waits for them.
//! * Where only callers run, a call runs the program until its goroutine has ended, as one of a [`crate::Program`] does.
//! * One processor is at hand for callers, who take it and give it back without a lock (`standby.rs`).
//! * That everybody is asleep is a deadlock only if the engine says that somebody waits for them ([`Engine::may_rest`]).
//!
//! Rejected: running other goroutines on the host's thread while its own waits. Its call would come back late, or not at all while
//! another thread's blocking call sits on it.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Arc, Mutex as StdMutex, PoisonError, Weak},
    thread::JoinHandle,
    time::Duration,
};

use crate::{
    assignment::{self, MachineHandle},
    clock::NEVER,
    context::{Context, Slice},
    engine::{Engine, Outcome, Switch},
    goroutine::{GoroutineRef, Running},
    handles::SchedulerHandle,
    lock_rank::RankedGuard,
    machine::{self, Machine},
    options::Options,
    preempt::{attention, request},
    processor::{OwnedProcessor, Processor},
    program,
    scheduler::{Central, Shared},
    stop_the_world,
    sync::{AtomicU32, Ordering},
    sysmon,
};

/// What a scheduler knows of being a session.
pub(crate) struct SessionState {
    /// See [`monitor`].
    monitor: AtomicU32,
    thread: StdMutex<Option<JoinHandle<()>>>,
    /// Called when the run is ending, by whoever ends it, under the central lock.
    on_finish: std::sync::OnceLock<Box<dyn Fn() + Send + Sync>>,
}

mod monitor {
    /// This is no session; `run` starts the monitor.
    pub(super) const NO_SESSION: u32 = 0;
    /// Nothing was to be monitored yet.
    pub(super) const NOT_STARTED: u32 = 1;
    pub(super) const STARTED: u32 = 2;
}

impl SessionState {
    pub(crate) fn new() -> SessionState {
        SessionState {
            monitor: AtomicU32::new(monitor::NO_SESSION),
            thread: StdMutex::new(None),
            on_finish: std::sync::OnceLock::new(),
        }
    }

    pub(crate) fn finishing(&self) {
        if let Some(told) = self.on_finish.get() {
            told();
        }
    }
}

impl<E: Engine> Shared<E> {
    /// There is something to monitor.
    #[inline]
    pub(crate) fn need_monitor(self: &Arc<Self>) {
        // ORDERING: Relaxed; a hint, the exchange below decides.
        if self.session.monitor.load(Ordering::Relaxed) == monitor::NOT_STARTED {
            self.start_monitor();
        }
    }

    #[cold]
    fn start_monitor(self: &Arc<Self>) {
        let state = &self.session.monitor;
        // ORDERING: Relaxed; who wins starts the thread, nothing else is published.
        let won = state.compare_exchange(
            monitor::NOT_STARTED,
            monitor::STARTED,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if won.is_ok() {
            if self.sysmon.link().is_some() {
                return sysmon::join(self);
            }
            if self.options.callers_only {
                return;
            }
            let thread = sysmon::start(self, None::<fn()>);
            *self
                .session
                .thread
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = thread;
        }
    }
}

/// The schedulers whose goroutines a thread runs: a host function may call another program. Nearly always it is one at most.
#[derive(Clone, Copy)]
struct Innermost {
    /// The address of its `Shared`.
    scheduler: usize,
    /// How many there are; the others are in `OUTER`.
    depth: usize,
}

thread_local! {
    static INNERMOST: Cell<Innermost> = const { Cell::new(Innermost { scheduler: 0, depth: 0 }) };
    static OUTER: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

impl Innermost {
    #[inline]
    fn push(scheduler: usize) {
        let before = INNERMOST.get();
        if before.depth > 0 {
            OUTER.with(|outer| outer.borrow_mut().push(before.scheduler));
        }
        INNERMOST.set(Innermost {
            scheduler,
            depth: before.depth + 1,
        });
    }

    #[inline]
    fn pop() -> usize {
        let before = INNERMOST.get();
        let scheduler = match before.depth {
            0 | 1 => None,
            _ => OUTER.with(|outer| outer.borrow_mut().pop()),
        };
        INNERMOST.set(Innermost {
            scheduler: scheduler.unwrap_or(0),
            depth: before.depth.saturating_sub(1),
        });
        before.scheduler
    }
}

/// A thread runs goroutines of a scheduler while this lives.
pub(crate) struct Inside;

impl Inside {
    #[inline]
    pub(crate) fn enter<E: Engine>(shared: &Arc<Shared<E>>) -> Inside {
        Innermost::push(Arc::as_ptr(shared).addr());
        Inside
    }

    #[inline]
    fn is_in<E: Engine>(shared: &Arc<Shared<E>>) -> bool {
        let own = Arc::as_ptr(shared).addr();
        let innermost = INNERMOST.get();
        innermost.scheduler == own
            || innermost.depth > 1 && OUTER.with(|outer| outer.borrow().contains(&own))
    }

    /// Does a blocking job, for which the thread has given its processor up.
    pub(crate) fn outside<R>(job: impl FnOnce() -> R) -> R {
        struct Back(Option<usize>);
        impl Drop for Back {
            fn drop(&mut self) {
                if let Some(own) = self.0 {
                    Innermost::push(own);
                }
            }
        }
        let is_inside = INNERMOST.get().depth > 0;
        let _back = Back(is_inside.then(Innermost::pop));
        job()
    }
}

impl Drop for Inside {
    #[inline]
    fn drop(&mut self) {
        Innermost::pop();
    }
}

/// What came of [`Session::call`].
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called {
    /// The goroutine ran, or will. The engine says when it has ended.
    Started,
    /// The run has ended: no goroutine was made.
    Over,
}

/// A scheduler that runs until it is closed. See the module's text.
pub struct Session<E: Engine> {
    shared: Arc<Shared<E>>,
    closing: StdMutex<bool>,
}

impl<E: Engine> Session<E> {
    /// Makes the processors; starts nothing. `on_finish` is called when the run is ending, whatever the reason, by the thread that ends it,
    /// under a lock of the scheduler: it must not call the session.
    #[must_use]
    pub fn new(
        engine: Arc<E>,
        options: Options,
        on_finish: impl Fn() + Send + Sync + 'static,
    ) -> Session<E> {
        let shared = Arc::new(Shared::new(engine, options));
        // There is no main goroutine.
        // ORDERING: Relaxed, both; nobody else sees it yet.
        shared.started_outside.store(0, Ordering::Relaxed);
        shared
            .session
            .monitor
            .store(monitor::NOT_STARTED, Ordering::Relaxed);
        // The engine knows whether anybody waits.
        shared.central().waited_for = 1;
        // It is set nowhere else.
        let _ = shared.session.on_finish.set(Box::new(on_finish));
        {
            let mut central = shared.central();
            if let Some(processor) = shared.take_idle_processor(&mut central) {
                shared.stand_by(&mut central, processor);
            }
        }
        Session {
            shared,
            closing: StdMutex::new(false),
        }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Arc<E> {
        self.shared.engine_handle()
    }

    /// Starts a goroutine with the fiber that `make` makes, on this thread if a processor is idle. `make` is given the processor's
    /// part of the engine if there is one at hand.
    ///
    /// # Panics
    /// Goes on with a panic that a method of the engine left behind.
    pub fn call(
        &self,
        make: impl FnOnce(Option<&mut E::PerProcessor>) -> Option<E::Fiber>,
    ) -> Called {
        let shared = &self.shared;
        let mut central = shared.central();
        if shared.is_finishing() {
            return Called::Over;
        }
        let processor = match central.is_stopping {
            true => None,
            false => shared.take_idle_processor(&mut central),
        };
        let Some(mut processor) = processor else {
            drop(central);
            if let Some(fiber) = make(None) {
                shared.spawn_from_outside(fiber);
            }
            return Called::Started;
        };
        let handle = guest_handle(&mut central);
        drop(central);
        let _inside = Inside::enter(shared);
        let fiber = make(Some(processor.local()));
        let mut machine = Machine::guest(shared, &handle, processor);
        let result = catch_unwind(AssertUnwindSafe(|| {
            if let Some(fiber) = fiber {
                let own = machine.spawn_guest(fiber);
                machine.run_guest(own);
            }
        }));
        machine.leave_guest(result.is_err());
        match result {
            Ok(()) => Called::Started,
            Err(panic) => resume_unwind(panic),
        }
    }

    /// As [`Session::call`], but only if the session has a processor at hand for it (`standby.rs`); otherwise nothing happens, and the answer is no.
    /// A goroutine that stops before it has ended is first given to `stays`: what it keeps of the caller's must then be good for
    /// longer than this call.
    ///
    /// # Panics
    /// As [`Session::call`].
    #[inline]
    pub fn call_at_hand(
        &self,
        make: impl FnOnce(&mut E::PerProcessor) -> Option<E::Fiber>,
        stays: impl FnOnce(&mut E::Fiber),
    ) -> bool {
        let shared = &self.shared;
        let Some(mut processor) = shared.take_standby() else {
            return false;
        };
        let _inside = Inside::enter(shared);
        let mut going = None;
        let result = catch_unwind(AssertUnwindSafe(|| {
            let fiber = make(processor.local())?;
            let (local, seen, cells) = processor.split();
            let free = cells.take_spare(&shared.registry);
            let id = cells.next_goroutine_id(shared.last_id());
            Processor::<E>::count(&seen.started);
            // ORDERING: Relaxed; only the owner writes, sysmon compares.
            let tick = seen.schedule_tick.load(Ordering::Relaxed);
            seen.schedule_tick
                .store(tick.wrapping_add(1), Ordering::Relaxed);
            let running = going.insert(free.spawn(id, fiber).start());
            let slice = Slice::new(Context::new(shared, seen, cells), running.goroutine());
            let switch = shared.engine().run(running.fiber(), local, &slice);
            if matches!(switch, Switch::Exit | Switch::Goexit)
                && let Some(running) = going.take()
            {
                // PERF: there is nothing in it, which is not seen from here.
                std::mem::forget(switch);
                let (free, fiber) = running.exit();
                shared.engine().finished(fiber, local);
                Processor::<E>::count(&seen.ended);
                cells.put_spare(free, &shared.registry);
                return None;
            }
            Some(switch)
        }));
        match result {
            Ok(None) if shared.attention() == 0 && processor.queue.is_empty() => {
                shared.give_standby_back(processor);
            }
            result => self.go_on(processor, going, result, stays),
        }
        true
    }

    /// A call on the standby processor is not over, or has left something to do.
    #[cold]
    fn go_on(
        &self,
        processor: OwnedProcessor<E>,
        going: Option<Running<E>>,
        result: std::thread::Result<Option<Switch<E>>>,
        stays: impl FnOnce(&mut E::Fiber),
    ) {
        let shared = &self.shared;
        let handle = {
            let mut central = shared.central();
            let handle = guest_handle(&mut central);
            shared.keep_standby(&mut central);
            handle
        };
        let mut machine = Machine::guest(shared, &handle, processor);
        let result = catch_unwind(AssertUnwindSafe(|| {
            let Some(mut running) = going else {
                return result.err();
            };
            stays(running.fiber());
            let own = running.goroutine();
            match result {
                Ok(Some(switch)) => {
                    if let Some(running) = machine.stopped(running, switch) {
                        machine.run_on(running);
                    }
                    machine.run_guest(own);
                    None
                }
                Ok(None) => None,
                Err(panic) => Some(panic),
            }
        }));
        let panic = result.unwrap_or_else(Some);
        machine.leave_guest(panic.is_some());
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// As [`Session::call`], but this thread runs whatever there is to run until that goroutine has ended: the only way there is where only callers
    /// run ([`Options::callers_only`]). Answers [`Called::Over`] also if the run has ended meanwhile.
    ///
    /// # Panics
    /// As [`Session::call`].
    pub fn call_to_its_end(
        &self,
        make: impl FnOnce(Option<&mut E::PerProcessor>) -> Option<E::Fiber>,
    ) -> Called {
        let shared = &self.shared;
        let _inside = Inside::enter(shared);
        let called = program::call(
            shared,
            |local, _| make(Some(local)),
            |fiber, _, local, _| shared.engine().finished(fiber, local),
        );
        match called {
            Ok(_) => Called::Started,
            Err(program::Ended) => Called::Over,
        }
    }

    /// Runs, on this thread, what can run now, and comes back when nothing is left but to wait.
    ///
    /// # Errors
    /// The run was over, or ended meanwhile.
    pub fn run_until_idle(&self) -> Result<(), program::Ended> {
        let _inside = Inside::enter(&self.shared);
        program::run_until_idle(&self.shared)
    }

    /// Moves a virtual clock on by `time`, timer by timer, and runs what these make runnable, as [`Session::run_until_idle`].
    ///
    /// # Errors
    /// The run was over, or ended meanwhile.
    pub fn advance(&self, time: Duration) -> Result<(), program::Ended> {
        let _inside = Inside::enter(&self.shared);
        program::advance(&self.shared, time)
    }

    /// Ends the run with [`Outcome::TimedOut`] `after` so long, which whoever runs goroutines sees to.
    pub fn set_deadline(&self, after: Duration) {
        self.shared.set_deadline(Some(after));
    }

    /// Whether this thread is running a goroutine of the session, and holds a processor for it: then it must neither call nor wait for its
    /// end, as the others may wait for that processor.
    #[must_use]
    #[inline]
    pub fn is_inside(&self) -> bool {
        Inside::is_in(&self.shared)
    }

    /// Somebody begins to wait ([`Engine::may_rest`] says no from now on): everybody may be asleep already.
    pub fn check_deadlock(&self) {
        self.shared.check_deadlock(&mut self.shared.central());
    }

    /// Starts a goroutine that some machine runs.
    pub fn spawn(&self, fiber: E::Fiber) {
        self.shared.spawn_from_outside(fiber);
    }

    /// For other threads; while one is held, nothing is a deadlock.
    #[must_use]
    pub fn handle(&self) -> SchedulerHandle<E> {
        SchedulerHandle::new(&self.shared)
    }

    /// What ends the run with a look at its goroutines.
    #[must_use]
    pub fn quitter(&self) -> Ender<E> {
        Ender(Arc::downgrade(&self.shared))
    }

    /// Whether the run has ended or is ending.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.shared.is_finishing()
    }

    /// Does `job` while no goroutine runs, on this thread, which must hold no processor. `None`: the run has ended.
    pub fn stop_the_world<R>(
        &self,
        job: impl FnOnce(&mut crate::stop_the_world::StoppedWorld<'_, E>) -> R,
    ) -> Option<R> {
        stop_the_world::run_from_outside(&self.shared, job)
    }

    /// How the run ended, once it has; to whoever asks first.
    pub fn take_outcome(&self) -> Option<Outcome<E>> {
        self.shared.central().outcome.take()
    }

    /// How many goroutines there are.
    #[must_use]
    pub fn goroutines(&self) -> usize {
        self.shared.goroutine_count()
    }

    /// Ends the run, waits until every thread has left it that is not in a blocking call, drops all goroutines and closes all
    /// descriptors. Not to be called by a
    /// thread that is inside.
    pub fn close(&self) {
        let mut closed = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *closed, true) {
            return;
        }
        {
            let mut central = self.shared.central();
            self.shared.finish(&mut central, Outcome::Stopped);
        }
        machine::await_all(&self.shared);
        let thread = self
            .shared
            .session
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // Its panic would be ours; the host goes on.
            let _ = thread.join();
        }
        stop_the_world::abandon_all(&self.shared);
        self.shared.netpoll.close_all();
    }
}

/// Ends a session's run, from anywhere. Does not keep the session alive.
pub struct Ender<E: Engine>(Weak<Shared<E>>);

impl<E: Engine> Clone for Ender<E> {
    fn clone(&self) -> Ender<E> {
        Ender(self.0.clone())
    }
}

impl<E: Engine> Ender<E> {
    /// Ends the run with [`Outcome::Dumped`], if it has not ended: waits until every goroutine has stopped, and looks at them.
    pub fn quit(&self, message: &'static str) {
        if let Some(shared) = self.0.upgrade() {
            stop_the_world::end_with_dump(&shared, None, None, |dump| Outcome::Dumped {
                message,
                dump,
            });
        }
    }

    /// Ends the run with this outcome, at once and without a look.
    pub fn end(&self, outcome: Outcome<E>) {
        if let Some(shared) = self.0.upgrade() {
            let mut central = shared.central();
            shared.finish(&mut central, outcome);
        }
    }

    /// How many descriptors its poller watches or may watch: sockets and pipes.
    #[must_use]
    pub fn open_descriptors(&self) -> usize {
        self.0.upgrade().map_or(0, |shared| shared.netpoll.count())
    }

    /// Whether the run has ended, or nobody has the session any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.upgrade().is_none_or(|shared| shared.is_finishing())
    }
}

/// Counts a guest in, and gives it something to stand for it.
fn guest_handle<E: Engine>(central: &mut Central<E>) -> Arc<MachineHandle<E>> {
    central.machines_started += 1;
    match central.guests.pop() {
        Some(handle) => handle,
        None => {
            central.last_machine += 1;
            Arc::new(MachineHandle::new(central.last_machine, true))
        }
    }
}

impl<E: Engine> Shared<E> {
    /// Puts a processor by that a caller has had.
    pub(crate) fn put_by<'c>(
        self: &'c Arc<Self>,
        mut central: RankedGuard<'c, Central<E>>,
        processor: OwnedProcessor<E>,
    ) -> RankedGuard<'c, Central<E>> {
        if central.is_stopping {
            self.stop_processor(&mut central, processor);
        } else if self.is_finishing() {
            central.dead.push(processor);
        } else if !processor.queue.is_empty() || central.global.len() != 0 || self.attention() != 0
        {
            assignment::start(self, central, processor, false);
            central = self.central();
        } else if self.is_wanted_for_a_search() {
            assignment::start(self, central, processor, true);
            central = self.central();
        } else {
            self.stand_by(&mut central, processor);
            self.check_deadlock(&mut central);
        }
        central
    }

    /// Whether somebody wanted a machine to look for work and found no idle processor; then the caller's is to do so, and counts among the spinning.
    fn is_wanted_for_a_search(&self) -> bool {
        // ORDERING: SeqCst, both. Pairs with `wake_processor`.
        self.need_spinning.swap(false, Ordering::SeqCst)
            && self
                .spinning
                .compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
    }
}

impl<E: Engine> Machine<E> {
    /// Runs a goroutine that is queued here until it stops for any reason but an interruption that is seen to here.
    fn run_guest(&mut self, own: GoroutineRef<E>) {
        while let Some(processor) = &self.processor {
            if processor.limit.requests() != 0 {
                let requests = processor.limit.take_requests();
                if requests & (request::PREEMPT | request::URGENT) != 0 && self.others_wait() {
                    return;
                }
            }
            let wanted = self.shared.attention();
            if wanted != 0 {
                if !self.attend(wanted) {
                    return;
                }
                continue;
            }
            // Only if it is its turn.
            let Some(found) = self.take_guest(own) else {
                return;
            };
            self.execute(found);
        }
    }

    fn others_wait(&self) -> bool {
        let shared = &self.shared;
        let due = |when| when != NEVER && when <= shared.clock.now();
        shared.global_len() != 0
            || due(shared.earliest_timer())
            || self
                .processor
                .as_ref()
                .is_some_and(|processor| !processor.queue.is_empty())
    }

    fn spawn_guest(&mut self, fiber: E::Fiber) -> GoroutineRef<E> {
        let shared = Arc::clone(&self.shared);
        let processor = self.processor();
        let cells = processor.cells();
        let mut list = cells.free.take();
        let free = list.take(&shared.registry);
        cells.free.set(list);
        let id = cells.next_goroutine_id(shared.last_id());
        crate::processor::Processor::<E>::count(&processor.started);
        shared.name_goroutine(id.0, &fiber);
        let runnable = free.spawn(id, fiber);
        let own = runnable.goroutine();
        if let Some(displaced) = processor.queue.put_next(runnable) {
            // An idle processor's queue is empty; but nothing is lost if it is not.
            let overflow = processor.queue.push(displaced);
            if let Some(overflow) = overflow {
                shared.put_global_list(&mut shared.central(), overflow);
            }
        }
        own
    }

    /// The guest's goroutine, if it is the next here.
    fn take_guest(&mut self, own: GoroutineRef<E>) -> Option<machine::Found<E>> {
        let processor = self.processor.as_ref()?;
        if processor.queue.peek_next() != own.raw().as_ptr().cast_const() {
            return None;
        }
        let runnable = processor.queue.take_next()?;
        Some(machine::Found::afresh(runnable))
    }

    /// Gives up what the guest has, and counts it out.
    fn leave_guest(&mut self, panicked: bool) {
        let shared = Arc::clone(&self.shared);
        if panicked {
            let mut central = shared.central();
            shared.finish(&mut central, Outcome::Stopped);
        }
        // What the call has made necessary it does itself, rather than have a thread started for it.
        let collects = attention::COLLECT_GROWTH | attention::COLLECT_PERIODIC;
        let wanted = shared.attention();
        if wanted & collects != 0 && wanted & !collects == 0 && self.processor.is_some() {
            self.attend(wanted);
        }
        let mut central = shared.central();
        let mut watch = NEVER;
        if let Some(processor) = self.processor.take() {
            let cells = processor.cells();
            cells.deferred_wakeups.set(0);
            cells.deferred_watch.set(false);
            watch = processor.timers.earliest();
            central = shared.put_by(central, processor);
        }
        central.machines_started -= 1;
        central.guests.push(Arc::clone(&self.handle));
        drop(central);
        if shared.is_finishing() {
            shared.progress.notify_all();
        }
        shared.watch_timer(watch);
        shared.watch_descriptors();
    }
}
