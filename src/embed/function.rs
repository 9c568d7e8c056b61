//! Typed functions of a script.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use vm::HostCall;
use vm::convert::{CallArguments, CallResults, CallShared, CallSlot, CallStatus};

use super::error::Error;
use super::vm::Inner;

/// A function of a VM's program, whose type was compared with the Rust types. Cheap to clone; does not keep the VM running.
///
/// The arguments are a tuple, the results `()`, a value, a tuple, or a `Result<_, ScriptError>` of these if the function returns an `error` last.
pub struct Func<A: CallArguments, R: CallResults> {
    shared: Arc<Shared<A, R>>,
}

struct Shared<A: CallArguments, R: CallResults> {
    call: Arc<CallShared<A, R>>,
    vm: Arc<Inner>,
    /// Slots of calls that have ended.
    free: Mutex<Vec<Arc<CallSlot<A, R>>>>,
}

impl<A: CallArguments, R: CallResults> Clone for Func<A, R> {
    fn clone(&self) -> Func<A, R> {
        Func {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<A: CallArguments, R: CallResults> Func<A, R> {
    pub(super) fn new(vm: Arc<Inner>, call: CallShared<A, R>) -> Func<A, R> {
        Func {
            shared: Arc::new(Shared {
                call: Arc::new(call),
                vm,
                free: Mutex::default(),
            }),
        }
    }

    /// Calls it on this thread, and waits for its results if it does not return there.
    ///
    /// # Errors
    /// The call panicked, or the VM has ended, before or meanwhile. [`Error::Reentrant`]: this is a host function that the same VM has called
    /// where it runs; only blocking host functions and futures can call back.
    pub fn call(&self, arguments: A) -> Result<R, Error> {
        if self.shared.vm.embedded.is_inside() {
            return Err(Error::Reentrant);
        }
        self.call_in(self.slot(), arguments)
    }

    fn call_in(&self, slot: Arc<CallSlot<A, R>>, arguments: A) -> Result<R, Error> {
        slot.start(&self.shared.vm.embedded, arguments);
        let result = match slot.take() {
            Some(result) => result,
            None => match slot.wait(&self.shared.vm.embedded, None) {
                Some(result) => result,
                None => return Err(Error::Closed),
            },
        };
        self.ended(slot, result)
    }

    /// As [`Func::call`]. A call that takes longer than `limit` is ended as by `runtime.Goexit`, its deferred calls run, and the VM goes on. If it has not
    /// ended 20 ms later (a deferred call takes as long, or it waits for a lock), the VM is ended: see [`crate::VmBuilder::deadline`].
    ///
    /// Goroutines that the call has started go on. What it has locked without deferring the unlock stays locked.
    ///
    /// # Errors
    /// As [`Func::call`]; [`Error::TimedOut`].
    pub fn call_within(&self, limit: Duration, arguments: A) -> Result<R, Error> {
        let vm = &self.shared.vm;
        let Some(due) = Instant::now().checked_add(limit) else {
            return self.call(arguments);
        };
        if vm.embedded.is_inside() {
            return Err(Error::Reentrant);
        }
        let slot = self.slot();
        let call: Arc<dyn HostCall> = slot.clone();
        let watched = vm.watch_call(due, call);
        match self.call_in(slot, arguments) {
            Err(Error::Goexit) => Err(match watched.ended() {
                Some(trace) => Error::TimedOut { trace },
                None => Error::Goexit,
            }),
            result => result,
        }
    }

    /// Calls it for an async task, on any executor: nobody waits but the future. A future that is dropped leaves the call running. In a VM
    /// [on its callers' threads](crate::VmBuilder::on_callers_thread) what does not end at once goes on when somebody calls or steps.
    pub fn call_async(
        &self,
        arguments: A,
    ) -> impl Future<Output = Result<R, Error>> + Send + use<A, R> {
        Calling {
            function: self.clone(),
            state: Some(CallState::Armed(arguments)),
        }
    }

    fn slot(&self) -> Arc<CallSlot<A, R>> {
        let free = self
            .shared
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        free.unwrap_or_else(|| {
            let machine = self.shared.vm.embedded.machine();
            Arc::new(CallSlot::new(
                Arc::clone(&self.shared.call),
                Arc::clone(machine),
            ))
        })
    }

    /// The results, or what the VM says.
    fn ended(&self, slot: Arc<CallSlot<A, R>>, result: Result<R, CallStatus>) -> Result<R, Error> {
        match result {
            Ok(results) => {
                let mut free = self
                    .shared
                    .free
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                if free.len() < 64 {
                    free.push(slot);
                }
                Ok(results)
            }
            Err(status) => Err(self.shared.vm.error_of(status)),
        }
    }
}

enum CallState<A: CallArguments, R: CallResults> {
    Armed(A),
    Running(Arc<CallSlot<A, R>>),
}

/// A call of a task.
struct Calling<A: CallArguments, R: CallResults> {
    function: Func<A, R>,
    state: Option<CallState<A, R>>,
}

impl<A: CallArguments, R: CallResults> Unpin for Calling<A, R> {}

impl<A: CallArguments, R: CallResults> Future for Calling<A, R> {
    type Output = Result<R, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<R, Error>> {
        let vm = Arc::clone(&self.function.shared.vm);
        let slot = match self.state.take() {
            None => return Poll::Ready(Err(Error::Closed)),
            Some(CallState::Armed(arguments)) => {
                let slot = self.function.slot();
                vm.register(&slot);
                slot.start_and_leave(&vm.embedded, arguments);
                if !vm.embedded.is_callers_only() {
                    slot.begin_to_wait();
                    vm.embedded.check_deadlock();
                }
                slot
            }
            Some(CallState::Running(slot)) => slot,
        };
        match slot.poll(&vm.embedded, context.waker()) {
            Poll::Pending => {
                self.state = Some(CallState::Running(slot));
                Poll::Pending
            }
            Poll::Ready(result) => {
                slot.abandon();
                Poll::Ready(self.function.ended(slot, result))
            }
        }
    }
}

impl<A: CallArguments, R: CallResults> Drop for Calling<A, R> {
    fn drop(&mut self) {
        if let Some(CallState::Running(slot)) = &self.state {
            slot.abandon();
        }
    }
}
