//! Typed functions of a script.

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytecode::TypeKind;
use vm::convert::{
    AtHand, CallArguments, CallLayout, CallResults, CallShared, CallSlot, Declarations, FromGo,
    GoType, IntoGo, Mismatch, Target, Unconvertible,
};
use vm::types::RuntimeType;
use vm::{GoPanic, HostCall, NativeContext, View};

use super::error::Error;
use super::value::owner;
use super::vm::Inner;

/// A function of a VM's program, whose type was compared with the Rust types. Cheap to clone; does not keep the VM running.
///
/// It is one that [`crate::Vm::func`] has found by its name, or a function value of the script, closures among them: as parameter of a host
/// function, as result of a call, as field of a struct or element of a slice. A host keeps such a value as long as it likes, and calls it from any
/// thread; what the closure refers to lives as long. The host function that is given one cannot call it where it runs
/// ([`Error::Reentrant`]); blocking and async ones can.
///
/// ```
/// use golite::{Func, Golite};
/// use std::sync::{Arc, Mutex};
///
/// let handlers: Arc<Mutex<Vec<Func<(i64,), i64>>>> = Arc::default();
/// let registered = Arc::clone(&handlers);
/// let golite = Golite::builder()
///     .func("events", "On", move |f: Func<(i64,), i64>| registered.lock().unwrap().push(f))
///     .build()?;
/// let program = golite.compile(
///     "package main\n\nimport \"events\"\n\nfunc main() {\n\tsum := 0\n\tevents.On(func(n int) int { sum += n; return sum })\n}",
/// )?;
/// let vm = program.start()?;
/// vm.run()?;
/// let handler = handlers.lock().unwrap()[0].clone();
/// assert_eq!(handler.call((2,))?, 2);
/// assert_eq!(handler.call((3,))?, 5);
/// # Ok::<(), golite::Error>(())
/// ```
///
/// The arguments are a tuple, the results `()`, a value, a tuple, or a `Result<_, ScriptError>` of these if the function returns an `error` last.
pub struct Func<A: CallArguments, R: CallResults> {
    shared: Arc<Shared<A, R>>,
}

struct Shared<A: CallArguments, R: CallResults> {
    call: Arc<CallShared<A, R>>,
    vm: Home,
    /// Slots of calls that have ended.
    free: Mutex<Vec<Arc<CallSlot<A, R>>>>,
}

/// The VM of a function.
enum Home {
    /// Of a function by its name.
    Kept(Arc<Inner>),
    /// Of a value of the script: what a script gives to a host function may end where the host keeps it for ever.
    Known(Weak<Inner>),
}

/// A VM for the time of a call.
enum At<'f> {
    Kept(&'f Arc<Inner>),
    Found(Arc<Inner>),
}

impl Deref for At<'_> {
    type Target = Arc<Inner>;

    fn deref(&self) -> &Arc<Inner> {
        match self {
            At::Kept(inner) => inner,
            At::Found(inner) => inner,
        }
    }
}

impl<A: CallArguments, R: CallResults> Shared<A, R> {
    fn vm(&self) -> Result<At<'_>, Error> {
        match &self.vm {
            Home::Kept(inner) => Ok(At::Kept(inner)),
            Home::Known(inner) => inner.upgrade().map(At::Found).ok_or(Error::Closed),
        }
    }
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
                vm: Home::Kept(vm),
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
        let vm = self.shared.vm()?;
        if vm.embedded.is_inside() {
            return Err(Error::Reentrant);
        }
        let arguments = match CallSlot::call(&self.shared.call, &vm.embedded, arguments) {
            AtHand::Ended(Ok(results)) => return Ok(results),
            AtHand::Ended(Err(status)) => return Err(vm.error_of(status)),
            AtHand::GoesOn(slot) => return self.wait_in(&vm, slot),
            AtHand::Not(arguments) => arguments,
        };
        self.call_in(&vm, self.slot(&vm), arguments)
    }

    fn call_in(&self, vm: &Inner, slot: Arc<CallSlot<A, R>>, arguments: A) -> Result<R, Error> {
        slot.start(&vm.embedded, arguments);
        self.wait_in(vm, slot)
    }

    fn wait_in(&self, vm: &Inner, slot: Arc<CallSlot<A, R>>) -> Result<R, Error> {
        let result = self.result_in(vm, &slot)?;
        self.keep(slot);
        Ok(result)
    }

    fn result_in(&self, vm: &Inner, slot: &Arc<CallSlot<A, R>>) -> Result<R, Error> {
        let result = match slot.take() {
            Some(result) => result,
            None => match slot.wait(&vm.embedded, None) {
                Some(result) => result,
                None => return Err(Error::Closed),
            },
        };
        result.map_err(|status| vm.error_of(status))
    }

    /// As [`Func::call`]. A call that takes longer than `limit` is ended as by `runtime.Goexit`, its deferred calls run, and the VM goes on. If it has not
    /// ended 15 ms later (a deferred call takes as long), the VM is ended: see
    /// [`crate::VmBuilder::deadline`].
    ///
    /// A call that waits for what will never come is in no deadlock: it has its deadline. (In a VM on its callers' threads it is.)
    ///
    /// Goroutines that the call has started go on. What it has locked without deferring the unlock stays locked.
    ///
    /// # Errors
    /// As [`Func::call`]; [`Error::TimedOut`].
    pub fn call_within(&self, limit: Duration, arguments: A) -> Result<R, Error> {
        let vm = self.shared.vm()?;
        let Some(due) = Instant::now().checked_add(limit) else {
            return self.call(arguments);
        };
        if vm.embedded.is_inside() {
            return Err(Error::Reentrant);
        }
        // Somebody will wake it: its deadline. Callers who run everything themselves see what there is to wait for.
        let _awake = (!vm.embedded.is_callers_only()).then(|| vm.embedded.stay_awake());
        // Not for later calls: who ends this one may come late.
        let slot = self.new_slot(&vm);
        let call: Arc<dyn HostCall> = slot.clone();
        let watched = vm.watch_call(due, call);
        slot.start(&vm.embedded, arguments);
        match self.result_in(&vm, &slot) {
            Err(Error::Goexit) => Err(match watched.ended() {
                Some(trace) => Error::TimedOut {
                    trace: match slot.left_at() {
                        Some(left) if trace.is_empty() => left.to_owned(),
                        _ => trace,
                    },
                },
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

    fn slot(&self, vm: &Inner) -> Arc<CallSlot<A, R>> {
        let free = self
            .shared
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        free.unwrap_or_else(|| self.new_slot(vm))
    }

    fn new_slot(&self, vm: &Inner) -> Arc<CallSlot<A, R>> {
        let machine = vm.embedded.machine();
        Arc::new(CallSlot::new(
            Arc::clone(&self.shared.call),
            Arc::clone(machine),
        ))
    }

    /// Keeps the slot of a call that has ended well for another.
    fn keep(&self, slot: Arc<CallSlot<A, R>>) {
        let mut free = self
            .shared
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // A slot keeps the VM's memory.
        if free.len() < 64 && matches!(self.shared.vm, Home::Kept(_)) {
            free.push(slot);
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
        let vm = match self.function.shared.vm() {
            Ok(vm) => Arc::clone(&vm),
            Err(error) => return Poll::Ready(Err(error)),
        };
        let slot = match self.state.take() {
            None => return Poll::Ready(Err(Error::Closed)),
            Some(CallState::Armed(arguments)) => {
                let slot = self.function.slot(&vm);
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
                let result = result.map_err(|status| vm.error_of(status));
                if result.is_ok() {
                    self.function.keep(slot);
                }
                Poll::Ready(result)
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

impl<A: CallArguments, R: CallResults> std::fmt::Debug for Func<A, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let signature = CallShared::<A, R>::signature(&mut Declarations::default());
        write!(f, "Func({signature})")
    }
}

/// What is known of a function type once the first value of it has been seen.
#[doc(hidden)]
pub struct FunctionPlan<A: CallArguments, R: CallResults>(OnceLock<Arc<CallLayout<A, R>>>);

impl<A: CallArguments, R: CallResults> GoType for Func<A, R> {
    type Plan = FunctionPlan<A, R>;

    fn declare(declarations: &mut Declarations) -> String {
        CallShared::<A, R>::signature(declarations)
    }

    fn plan(ty: &RuntimeType) -> Result<FunctionPlan<A, R>, Mismatch> {
        match ty.kind() {
            TypeKind::Function { .. } => Ok(FunctionPlan(OnceLock::new())),
            _ => Err(Mismatch::of::<Self>(ty)),
        }
    }
}

impl<A: CallArguments, R: CallResults> FromGo for Func<A, R> {
    fn from_go<'h>(
        view: View<'h>,
        plan: &FunctionPlan<A, R>,
        context: &mut NativeContext<'h>,
    ) -> Result<Func<A, R>, Unconvertible> {
        let call = CallShared::of_value(view, &plan.0, context)?;
        let vm = owner(context).map_or_else(Weak::new, |inner| Arc::downgrade(&inner));
        Ok(Func {
            shared: Arc::new(Shared {
                call: Arc::new(call),
                vm: Home::Known(vm),
                free: Mutex::default(),
            }),
        })
    }
}

impl<A: CallArguments, R: CallResults> IntoGo for Func<A, R> {
    fn into_go<'h>(
        self,
        target: Target<'h>,
        _: &FunctionPlan<A, R>,
        context: &mut NativeContext<'h>,
    ) -> Result<(), GoPanic> {
        let vm = self
            .shared
            .vm()
            .map_err(|error| GoPanic::text(error.to_string()))?;
        self.shared
            .call
            .give(vm.embedded.machine(), target, context)
    }
}
