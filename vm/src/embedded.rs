//! A program that its host calls: no goroutine `main`, no end but that the host, a limit or the program itself brings about.

use std::ptr::NonNull;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use runtime::{Ender, Outcome, SchedulerHandle, Session};

use crate::convert::{CallArguments, CallResults, CallSlot};
use crate::ending;
use crate::engine::{Machine, PerProcessor};
use crate::fiber::Interrupt;
use crate::heap::OutOfMemory;
use crate::host_call::{CallFailure, CallPlan, Callee, HostCall, Told};
use crate::image::Linked;
use crate::vm::{Exit, VmOptions, exit_of, machine_for, scheduler_options};

/// Somebody who waits for a call, to be woken when the program ends.
pub(crate) trait Waiting: Send + Sync {
    fn wake(&self);
}

/// Waits until `done` is notified or `deadline` is there; `false` without waiting once it has passed.
pub(crate) fn wait_until<'s, T>(
    done: &Condvar,
    state: MutexGuard<'s, T>,
    deadline: Option<Instant>,
) -> (MutexGuard<'s, T>, bool) {
    let Some(deadline) = deadline else {
        let state = done.wait(state).unwrap_or_else(PoisonError::into_inner);
        return (state, true);
    };
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return (state, false);
    }
    let waited = done.wait_timeout(state, left);
    (waited.unwrap_or_else(PoisonError::into_inner).0, true)
}

/// How a program has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// It called `os.Exit`.
    Exited(i32),
    /// Everybody is asleep, and somebody waits for a call: the error, with traces.
    Deadlock(Exit),
    /// A limit or the host has ended it: why, and the goroutines' traces.
    Interrupted {
        /// What [`Stopper::quit`] was given.
        reason: &'static str,
        /// All goroutines with their traces, if they could be looked at.
        traces: String,
    },
    /// A panic of a goroutine that nobody waits for, or a fatal error.
    Fatal(Exit),
    /// The host has closed it.
    Closed,
}

type Waiters = Mutex<Vec<Weak<dyn Waiting>>>;

/// See the module's text.
pub struct Embedded {
    machine: Arc<Machine>,
    session: Session<Machine>,
    waiters: Arc<Waiters>,
    ending: OnceLock<Ending>,
    /// It runs on its callers' threads alone.
    callers_only: bool,
}

/// Ends a program from any thread.
#[derive(Clone)]
pub struct Stopper {
    ender: Ender<Machine>,
}

impl Stopper {
    /// Ends the program with a look at its goroutines. Returns when it has ended: at once, but for natives at work.
    pub fn quit(&self, reason: &'static str) {
        self.ender.quit(reason);
    }

    /// Ends the program without waiting for anybody.
    pub fn end(&self, reason: &'static str) {
        self.ender.end(Outcome::Dumped {
            message: reason,
            dump: String::new(),
        });
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.ender.is_over()
    }
}

/// While it is held, nothing is a deadlock.
pub struct Awake {
    _handle: SchedulerHandle<Machine>,
}

/// Takes a waiter out when it is dropped.
pub(crate) struct Registered {
    waiters: Arc<Waiters>,
    waiter: Weak<dyn Waiting>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut waiters = lock(&self.waiters);
        if let Some(at) = waiters
            .iter()
            .position(|other| Weak::ptr_eq(other, &self.waiter))
        {
            waiters.swap_remove(at);
        }
    }
}

fn lock(waiters: &Waiters) -> MutexGuard<'_, Vec<Weak<dyn Waiting>>> {
    waiters.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Machine {
    pub(crate) fn begin_to_wait(&self) {
        // ORDERING: SeqCst. Pairs with `may_rest`.
        self.waiting_calls.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn stop_waiting(&self) {
        // ORDERING: SeqCst, as above.
        self.waiting_calls.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Embedded {
    /// Makes what a program needs to run; runs nothing of it.
    ///
    /// # Errors
    /// There is no memory, or no address space.
    pub fn new(linked: Arc<Linked>, options: &VmOptions) -> Result<Embedded, OutOfMemory> {
        let machine = machine_for(linked, options)?;
        // ORDERING: relaxed; nobody else sees it yet.
        machine.is_embedded.store(true, Ordering::Relaxed);
        machine.hide_addresses(crate::vm::random_seed());
        let waiters: Arc<Waiters> = Arc::default();
        let told = Arc::clone(&waiters);
        let session = Session::new(
            Arc::clone(&machine),
            scheduler_options(options),
            move || {
                for waiter in &*lock(&told) {
                    if let Some(waiter) = waiter.upgrade() {
                        waiter.wake();
                    }
                }
            },
        );
        let ender = session.quitter();
        options.host.count_others(move || ender.open_descriptors());
        Ok(Embedded {
            machine,
            session,
            waiters,
            ending: OnceLock::new(),
            callers_only: options.callers_only,
        })
    }

    /// The engine.
    pub fn machine(&self) -> &Arc<Machine> {
        &self.machine
    }

    /// Starts a call; see [`HostCall`] for how it ends.
    pub fn call(&self, callee: &Callee, call: Arc<dyn HostCall>, plan: CallPlan) {
        let mut call = Some(call);
        let make = |local: Option<&mut PerProcessor>| {
            let call = call.take()?;
            self.machine
                .call_fiber(callee, Told::Anywhere(call), plan, local)
        };
        let called = if self.callers_only {
            self.session.call_to_its_end(make)
        } else {
            self.session.call(make)
        };
        if called == runtime::Called::Over
            && let Some(call) = call
        {
            call.fail(CallFailure::Gone);
        }
    }

    /// As [`Embedded::call`], of a call that lies on this thread's stack, if the session has a processor at hand. If the goroutine stops before it has ended, the
    /// call goes on as what `moved` makes of it. Answers no if nothing was called.
    ///
    /// # Safety
    /// `call` leads to a call that lives until this returns and is used by nobody else meanwhile.
    #[inline]
    pub(crate) unsafe fn call_at_hand(
        &self,
        callee: &Callee,
        call: NonNull<dyn HostCall>,
        plan: CallPlan,
        moved: impl FnOnce() -> Arc<dyn HostCall>,
    ) -> bool {
        self.session.call_at_hand(
            |local| {
                self.machine
                    .call_fiber(callee, Told::Here(call), plan, Some(local))
            },
            |fiber| fiber.call.keep(moved),
        )
    }

    /// As [`Embedded::call`], by who does not wait: where only callers run, the rest of the call is run by later callers.
    pub fn call_and_leave(&self, callee: &Callee, call: Arc<dyn HostCall>, plan: CallPlan) {
        if !self.callers_only {
            return self.call(callee, call, plan);
        }
        if self.is_over() {
            return call.fail(CallFailure::Gone);
        }
        let call = Told::Anywhere(call);
        if let Some(fiber) = self.machine.call_fiber(callee, call, plan, None) {
            self.session.spawn(fiber);
            // If the program has ended the call is told when its fiber is dropped.
            let _ = self.session.run_until_idle();
        }
    }

    /// Whether the program runs on its callers' threads alone.
    pub fn is_callers_only(&self) -> bool {
        self.callers_only
    }

    /// Runs, on this thread, what can run now, and comes back when nothing is left but to wait. False: the program has ended.
    pub fn run_until_idle(&self) -> bool {
        self.session.run_until_idle().is_ok()
    }

    /// Moves a virtual clock on by `time`, timer by timer, and runs what these make runnable. False: the program has ended.
    pub fn advance(&self, time: Duration) -> bool {
        self.session.advance(time).is_ok()
    }

    /// Ends the program after `time`; the running goroutine sees to it, where only callers run.
    pub fn set_deadline(&self, time: Duration) {
        self.session.set_deadline(time);
    }

    /// Ends the goroutine of a call, as `runtime.Goexit` would: its deferred calls run. At its next safepoint; at once if it waits at channels, in package sync,
    /// for a socket, or sleeps; else when its wait is over. `told` is given its trace before. Nothing happens if the call has ended. Not by a thread that runs the
    /// program.
    pub fn end_call(&self, call: &Arc<dyn HostCall>, told: impl FnOnce(String)) {
        self.session.stop_the_world(|world| {
            let mut found = None;
            world.for_each_goroutine(|goroutine| {
                if goroutine.fiber.call.is(call) {
                    found = Some(goroutine.id);
                }
            });
            if let Some(id) = found {
                told(world.dump_of(id));
                world.break_waits(|goroutine, fiber, wait| {
                    goroutine == id
                        && !fiber.is_leaving()
                        && ending::end(fiber, wait, Interrupt::Now)
                });
                // It may be one of very many that want to run.
                world.hasten(id);
            }
        });
    }

    /// Does `job` while no goroutine of the program runs; `None`: it has ended. Not by a thread that runs the program.
    pub(crate) fn stopped<R>(&self, job: impl FnOnce() -> R) -> Option<R> {
        self.session.stop_the_world(|_| job())
    }

    /// Whether the program has ended.
    pub fn is_over(&self) -> bool {
        self.session.is_over()
    }

    /// How the program has ended, if it has.
    pub fn ending(&self) -> Option<&Ending> {
        if !self.is_over() {
            return None;
        }
        Some(
            self.ending
                .get_or_init(|| match self.session.take_outcome() {
                    None | Some(Outcome::Stopped | Outcome::MainExited) => Ending::Closed,
                    Some(Outcome::Exited(status)) => Ending::Exited(status),
                    Some(
                        Outcome::Dumped { message, dump } | Outcome::TimedOut { message, dump },
                    ) => Ending::Interrupted {
                        reason: message,
                        traces: dump,
                    },
                    Some(outcome @ Outcome::Deadlock { .. }) => {
                        Ending::Deadlock(exit_of(&self.machine, outcome))
                    }
                    Some(outcome @ Outcome::Fatal { .. }) => {
                        Ending::Fatal(exit_of(&self.machine, outcome))
                    }
                }),
        )
    }

    /// What ends the program.
    pub fn stopper(&self) -> Stopper {
        Stopper {
            ender: self.session.quitter(),
        }
    }

    /// The host may wake goroutines in ways that the machine does not see.
    pub fn stay_awake(&self) -> Awake {
        Awake {
            _handle: self.session.handle(),
        }
    }

    /// How many goroutines there are.
    pub fn goroutines(&self) -> usize {
        self.session.goroutines()
    }

    /// Collects the heap, from a thread that is not running the program.
    pub fn collect(&self) {
        let machine = &self.machine;
        self.session
            .stop_the_world(|world| machine.collect_in(world, true));
    }

    /// Whether this thread runs the program: it must not close it then.
    #[inline]
    pub fn is_inside(&self) -> bool {
        self.session.is_inside()
    }

    /// Ends the program, waits until its threads have left it, and closes its files and sockets. A blocking call of the operating system that is under
    /// way goes on, and with it what it is busy with.
    pub fn close(&self) {
        self.session.close();
        self.machine.host.close_files();
    }

    pub(crate) fn register(&self, waiter: &Arc<dyn Waiting>) -> Registered {
        let waiter = Arc::downgrade(waiter);
        lock(&self.waiters).push(Weak::clone(&waiter));
        Registered {
            waiters: Arc::clone(&self.waiters),
            waiter,
        }
    }

    /// Has the waker of a call's task woken when the program ends.
    pub fn wake_at_end<A: CallArguments, R: CallResults>(&self, slot: &Arc<CallSlot<A, R>>) {
        let slot: Arc<dyn Waiting> = slot.clone();
        self.tell_at_end(&slot);
    }

    pub(crate) fn tell_at_end(&self, waiting: &Arc<dyn Waiting>) {
        let slot = Arc::downgrade(waiting);
        let mut waiters = lock(&self.waiters);
        if !waiters.iter().any(|other| Weak::ptr_eq(other, &slot)) {
            waiters.retain(|other| other.strong_count() > 0);
            waiters.push(slot);
        }
    }

    /// Somebody has begun to wait.
    pub fn check_deadlock(&self) {
        self.session.check_deadlock();
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.close();
    }
}
