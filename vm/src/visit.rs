//! What a host does with a machine's values from outside: short jobs that hold a processor.
//!
//! 1. A job is a call ([`HostCall`]) that ends where it begins: a goroutine is made for it, on the host's thread if a processor is idle, and ends
//!    without running any code.
//! 2. A thread that is in a host function has a processor already, and the function's context is lent to it ([`lend`]): its jobs run there.
//!
//! *(Rejected: to read values without a processor, in a stopped world. A look at a field would stop the program.)*

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Poll, Waker};
use std::time::Instant;

use crate::embedded::{Embedded, Waiting, wait_until};
use crate::engine::Machine;
use crate::host_call::{Begun, CallFailure, CallPlan, Callee, HostCall};
use crate::native::{GoPanic, NativeContext, Slots};

/// A host function's context, for as long as the function runs.
struct Lent {
    machine: *const Machine,
    context: *mut NativeContext<'static>,
    outer: *const Lent,
}

thread_local! {
    /// The innermost context that is lent on this thread.
    static LENT: Cell<*const Lent> = const { Cell::new(std::ptr::null()) };
}

/// Runs a host function, to whose thread the context is lent meanwhile.
#[inline]
pub(crate) fn lend<R>(context: &mut NativeContext<'_>, function: impl FnOnce() -> R) -> R {
    struct Back(*const Lent);
    impl Drop for Back {
        fn drop(&mut self) {
            LENT.set(self.0);
        }
    }
    let outer = LENT.get();
    let lent = Lent {
        machine: std::ptr::from_ref(context.machine),
        context: std::ptr::from_mut(context).cast(),
        outer,
    };
    let _back = Back(outer);
    LENT.set(&raw const lent);
    function()
}

/// Runs `job` with the context of this machine that is lent to this thread; `None` if there is none.
fn with_lent<R>(machine: &Machine, job: &mut dyn FnMut(&mut NativeContext<'_>) -> R) -> Option<R> {
    struct Back(*const Lent);
    impl Drop for Back {
        fn drop(&mut self) {
            LENT.set(self.0);
        }
    }
    let mut at = LENT.get();
    // SAFETY: what is lent lies in the frames of `lend` further up this thread's stack.
    while let Some(lent) = unsafe { at.as_ref() } {
        if std::ptr::eq(lent.machine, machine) {
            // A job cannot find it again: nobody else may have it at the same time.
            let _back = Back(LENT.replace(lent.outer));
            // SAFETY: `lend` has the only reference to it and does not use it before its function returns, which has called us; the job
            // is made for any lifetime, so it keeps nothing of it.
            let context = unsafe { &mut *lent.context };
            // The thread may be running another program's goroutine on top of ours.
            let mutating = context.cache.mutate();
            let answer = job(context);
            drop(mutating);
            return Some(answer);
        }
        at = lent.outer;
    }
    None
}

/// Why a job was not done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotVisited {
    /// This thread runs a goroutine of the program, whose context it was not lent.
    Inside,
    /// The job has failed.
    Failed(CallFailure),
    /// The program has ended.
    Over,
}

/// The answer to something that was asked of a machine: taken once, waited for or polled.
pub(crate) struct Answer<R> {
    machine: Weak<Machine>,
    state: Mutex<State<R>>,
    done: Condvar,
}

struct State<R> {
    answer: Option<Result<R, CallFailure>>,
    waker: Option<Waker>,
    /// Its thread waits, and is counted in the machine.
    waits: bool,
    /// Nobody waits any more, and this is told.
    late: Option<Late<R>>,
}

type Late<R> = Box<dyn FnOnce(R) + Send>;

impl<R> Answer<R> {
    pub(crate) fn new(machine: &Arc<Machine>) -> Answer<R> {
        Answer {
            machine: Arc::downgrade(machine),
            state: Mutex::new(State {
                answer: None,
                waker: None,
                waits: false,
                late: None,
            }),
            done: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the answer; the first counts.
    pub(crate) fn give(&self, answer: Result<R, CallFailure>) {
        let mut state = self.lock();
        if state.answer.is_some() {
            return;
        }
        self.stop_waiting(&mut state);
        if let Some(late) = state.late.take() {
            drop(state);
            if let Ok(answer) = answer {
                late(answer);
            }
            return;
        }
        state.answer = Some(answer);
        let waker = state.waker.take();
        drop(state);
        self.done.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Nobody will ask for the answer: `late` is told, if there is one.
    pub(crate) fn leave_to(&self, late: impl FnOnce(R) + Send + 'static) {
        let mut state = self.lock();
        match state.answer.take() {
            Some(answer) => {
                drop(state);
                if let Ok(answer) = answer {
                    late(answer);
                }
            }
            None => state.late = Some(Box::new(late)),
        }
    }

    pub(crate) fn take(&self) -> Option<Result<R, CallFailure>> {
        self.lock().answer.take()
    }

    /// From now on a program in which everybody sleeps is in a deadlock.
    /// Who waits has an end of a channel, which wakes nobody meanwhile; from the answer on it may again, before the goroutine ends that gives the answer.
    pub(crate) fn begin_to_wait(&self) {
        let mut state = self.lock();
        if !state.waits
            && state.answer.is_none()
            && let Some(machine) = self.machine.upgrade()
        {
            state.waits = true;
            machine.begin_to_wait();
            // ORDERING: SeqCst. Pairs with `may_rest`.
            machine.host_ends.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn stop_waiting(&self, state: &mut State<R>) {
        if std::mem::take(&mut state.waits)
            && let Some(machine) = self.machine.upgrade()
        {
            // ORDERING: SeqCst, as above.
            machine.host_ends.fetch_add(1, Ordering::SeqCst);
            machine.stop_waiting();
        }
    }

    /// Nobody waits for it any more.
    pub(crate) fn abandon(&self) {
        self.stop_waiting(&mut self.lock());
    }

    /// Waits for the answer, the program's end, or until `deadline`: `None`.
    pub(crate) fn wait(
        self: &Arc<Self>,
        embedded: &Embedded,
        deadline: Option<Instant>,
    ) -> Option<Result<R, NotVisited>>
    where
        R: Send + 'static,
    {
        let waiting: Arc<dyn Waiting> = self.clone();
        let _registered = embedded.register(&waiting);
        let mut state = self.lock();
        loop {
            if let Some(answer) = state.answer.take() {
                self.stop_waiting(&mut state);
                return Some(answer.map_err(NotVisited::Failed));
            }
            if embedded.is_over() {
                self.stop_waiting(&mut state);
                return Some(Err(NotVisited::Over));
            }
            let (again, in_time) = wait_until(&self.done, state, deadline);
            state = again;
            if !in_time {
                self.stop_waiting(&mut state);
                return None;
            }
        }
    }

    /// As [`Answer::wait`], for a task; it must have been registered for the program's end.
    pub(crate) fn poll(&self, embedded: &Embedded, waker: &Waker) -> Poll<Result<R, NotVisited>> {
        let mut state = self.lock();
        if let Some(answer) = state.answer.take() {
            return Poll::Ready(answer.map_err(NotVisited::Failed));
        }
        if embedded.is_over() {
            return Poll::Ready(Err(NotVisited::Over));
        }
        state.waker = Some(waker.clone());
        Poll::Pending
    }
}

impl<R: Send + 'static> Waiting for Answer<R> {
    fn wake(&self) {
        // With the lock, so that who is about to wait sees it.
        let waker = self.lock().waker.take();
        self.done.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A job as a call.
struct Visit<R, J> {
    job: Mutex<J>,
    answer: Arc<Answer<R>>,
}

impl<R, J> HostCall for Visit<R, J>
where
    R: Send + 'static,
    J: FnMut(&mut NativeContext<'_>) -> Result<R, GoPanic> + Send + 'static,
{
    fn begin(&self, context: &mut NativeContext<'_>, _: Slots) -> Result<Begun, GoPanic> {
        let answer = (self.job.lock().unwrap_or_else(PoisonError::into_inner))(context)?;
        self.answer.give(Ok(answer));
        Ok(Begun::Done)
    }

    fn end(&self, _: &mut NativeContext<'_>, _: Slots) {}

    fn end_with_error(&self, _: String) {}

    fn fail(&self, failure: CallFailure) {
        self.answer.give(Err(failure));
    }
}

impl Embedded {
    /// Does a job that looks at the program's values, or makes some: it must be short. If it answers that there is no memory it is done again
    /// after a collection.
    ///
    /// # Errors
    /// The job has failed, or could not be done: see [`NotVisited`].
    pub fn visit<R, J>(&self, job: J) -> Result<R, NotVisited>
    where
        R: Send + 'static,
        J: FnMut(&mut NativeContext<'_>) -> Result<R, GoPanic> + Send + 'static,
    {
        let mut job = job;
        if let Some(answer) = with_lent(self.machine(), &mut job) {
            return answer.map_err(|panic| NotVisited::Failed(CallFailure::of(panic)));
        }
        if self.is_inside() {
            return Err(NotVisited::Inside);
        }
        let answer = Arc::new(Answer::new(self.machine()));
        let visit = Arc::new(Visit {
            job: Mutex::new(job),
            answer: Arc::clone(&answer),
        });
        self.start(visit);
        match answer.take() {
            Some(answer) => answer.map_err(NotVisited::Failed),
            None => answer.wait(self, None).unwrap_or(Err(NotVisited::Over)),
        }
    }

    /// As [`Embedded::start`], by who does not wait for it where only callers run.
    pub(crate) fn start_and_leave(&self, call: Arc<dyn HostCall>) {
        let nothing = Callee::Function(self.machine().image.entry);
        self.call_and_leave(&nothing, call, CallPlan::default());
    }

    /// Starts a call that runs no code of the program.
    pub(crate) fn start(&self, call: Arc<dyn HostCall>) {
        let nothing = Callee::Function(self.machine().image.entry);
        self.call(&nothing, call, CallPlan::default());
    }
}
