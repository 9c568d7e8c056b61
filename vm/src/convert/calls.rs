//! Calls of the script's functions with typed arguments and results.
//!
//! [`CallShared`] is made once per function: it compares the Rust types with the function's. [`CallSlot`] is one call, and is used again for
//! the next: it carries the arguments to the goroutine, wherever that runs, and the results back. A [`CallHere`] does the same for a goroutine that
//! runs on the caller's own thread, without locks; it becomes a slot if that goroutine stops.

use std::cell::Cell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Poll, Waker};
use std::time::Instant;

use bytecode::{FunctionId, TypeKind};

use super::functions::{Placed, Placer, returns_error};
use super::{Declarations, FromGo, IntoGo, Mismatch, Target, TypeOf, Unconvertible};
use crate::border::View;
use crate::embedded::{Embedded, Waiting, wait_until};
use crate::engine::Machine;
use crate::host_call::{Begun, CallFailure, CallPlan, Callee, HostCall};
use crate::image::Image;
use crate::native::{GoPanic, NativeContext, Slots};
use crate::types::RuntimeType;

/// An error that a function of the script has returned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScriptError {
    /// What its `Error` method says.
    pub message: String,
}

impl std::fmt::Display for ScriptError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ScriptError {}

/// The arguments of a call: a tuple of up to eight values.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the arguments of a call",
    note = "they are a tuple of values that implement `IntoGo`: `()`, `(i64,)`, `(i64, String)`"
)]
pub trait CallArguments: Send + 'static {
    #[doc(hidden)]
    type Plan: Send + Sync + 'static;
    #[doc(hidden)]
    fn declare(declarations: &mut Declarations) -> Vec<String>;
    #[doc(hidden)]
    fn plan(types: &mut Placer<'_>) -> Result<Self::Plan, Mismatch>;
    /// # Safety
    /// `window` leads to the slots of the types that the plan is of.
    #[doc(hidden)]
    unsafe fn write(
        self,
        window: *mut u64,
        plan: &Self::Plan,
        context: &mut NativeContext<'_>,
    ) -> Result<(), GoPanic>;
}

macro_rules! call_tuples {
    ($(($($name:ident $at:tt),*))*) => {$(
        #[allow(unused_variables, clippy::unused_unit, clippy::allow_attributes)]
        impl<$($name: IntoGo + Send),*> CallArguments for ($($name,)*) {
            type Plan = ($(Placed<$name::Plan>,)*);
            fn declare(declarations: &mut Declarations) -> Vec<String> {
                vec![$($name::declare(declarations)),*]
            }
            fn plan(types: &mut Placer<'_>) -> Result<Self::Plan, Mismatch> {
                Ok(($(types.place($name::plan)?,)*))
            }
            #[inline]
            unsafe fn write(self, window: *mut u64, plan: &Self::Plan, context: &mut NativeContext<'_>) -> Result<(), GoPanic> {
                // SAFETY: the caller's promise.
                $(self.$at.into_registers(unsafe { plan.$at.registers(window) }, plan.$at.plan(), context)?;)*
                Ok(())
            }
        }
    )*};
}

call_tuples! {
    ()
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
}

/// The results of a call: `()`, a value, a tuple of values, or a `Result` of these with a [`ScriptError`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the results of a call",
    note = "they are `()`, a value that implements `FromGo`, a tuple of such values, or a `Result<_, ScriptError>` of these"
)]
pub trait CallResults: Send + Sized + 'static {
    #[doc(hidden)]
    type Plan: Send + Sync + 'static;
    /// The function returns an error as well.
    #[doc(hidden)]
    const FALLIBLE: bool = false;
    #[doc(hidden)]
    fn declare(declarations: &mut Declarations) -> Vec<String>;
    #[doc(hidden)]
    fn plan(types: &mut Placer<'_>) -> Result<Self::Plan, Mismatch>;
    /// # Safety
    /// `window` leads to slots that hold values of the types that the plan is of.
    #[doc(hidden)]
    unsafe fn read(
        window: *mut u64,
        plan: &Self::Plan,
        context: &mut NativeContext<'_>,
    ) -> Result<Self, Unconvertible>;
    /// The function has returned an error.
    #[doc(hidden)]
    fn from_error(_: ScriptError) -> Option<Self> {
        None
    }
}

impl<T: FromGo + Send> CallResults for T {
    type Plan = Placed<T::Plan>;
    fn declare(declarations: &mut Declarations) -> Vec<String> {
        vec![T::declare(declarations)]
    }
    fn plan(types: &mut Placer<'_>) -> Result<Self::Plan, Mismatch> {
        types.place(T::plan)
    }
    #[inline]
    unsafe fn read(
        window: *mut u64,
        plan: &Self::Plan,
        context: &mut NativeContext<'_>,
    ) -> Result<T, Unconvertible> {
        // SAFETY: the caller's promise.
        T::from_registers(unsafe { plan.registers(window) }, plan.plan(), context)
    }
}

macro_rules! result_tuples {
    ($(($($name:ident $at:tt),*))*) => {$(
        #[allow(unused_variables, clippy::unused_unit, clippy::allow_attributes)]
        impl<$($name: FromGo + Send),*> CallResults for ($($name,)*) {
            type Plan = ($(Placed<$name::Plan>,)*);
            fn declare(declarations: &mut Declarations) -> Vec<String> {
                vec![$($name::declare(declarations)),*]
            }
            fn plan(types: &mut Placer<'_>) -> Result<Self::Plan, Mismatch> {
                Ok(($(types.place($name::plan)?,)*))
            }
            unsafe fn read(window: *mut u64, plan: &Self::Plan, context: &mut NativeContext<'_>) -> Result<Self, Unconvertible> {
                // SAFETY: the caller's promise.
                Ok(($($name::from_registers(unsafe { plan.$at.registers(window) }, plan.$at.plan(), context)?,)*))
            }
        }
    )*};
}

result_tuples! {
    ()
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}

impl<R: CallResults> CallResults for Result<R, ScriptError> {
    type Plan = R::Plan;
    const FALLIBLE: bool = true;
    fn declare(declarations: &mut Declarations) -> Vec<String> {
        let mut types = R::declare(declarations);
        types.push("error".to_owned());
        types
    }
    fn plan(types: &mut Placer<'_>) -> Result<R::Plan, Mismatch> {
        let plan = R::plan(types)?;
        match types.peek() {
            Some(ty) if crate::host_call::is_error(ty) => types.skip(),
            other => {
                return Err(Mismatch {
                    go: other.map_or("nothing", RuntimeType::name).to_owned(),
                    wanted: "error".to_owned(),
                });
            }
        }
        Ok(plan)
    }
    unsafe fn read(
        window: *mut u64,
        plan: &R::Plan,
        context: &mut NativeContext<'_>,
    ) -> Result<Self, Unconvertible> {
        // SAFETY: the caller's promise.
        unsafe { R::read(window, plan, context) }.map(Ok)
    }
    fn from_error(error: ScriptError) -> Option<Self> {
        Some(Err(error))
    }
}

/// A function of a program, compared with Rust types.
pub struct CallShared<A: CallArguments, R: CallResults> {
    callee: Callee,
    layout: Arc<CallLayout<A, R>>,
}

/// A function type, compared with Rust types.
pub struct CallLayout<A: CallArguments, R: CallResults> {
    /// `None`: it has neither parameters nor results.
    ty: Option<TypeOf>,
    arguments: A::Plan,
    results: R::Plan,
    plan: CallPlan,
}

/// Why a call has no results.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallStatus {
    /// It failed.
    Failed(CallFailure),
    /// A result is none that the Rust type can hold.
    Unconvertible(String),
    /// The program has ended.
    Over,
}

impl<A: CallArguments, R: CallResults> CallShared<A, R> {
    /// The function with this name; `None`: there is none.
    ///
    /// # Errors
    /// It has other types: both signatures.
    pub fn bind(machine: &Machine, name: &str) -> Option<Result<CallShared<A, R>, Mismatch>> {
        let image = machine.image();
        let (function, ty) = image.export(name)?;
        let layout = CallLayout::of_type(image, ty);
        Some(layout.map(|layout| CallShared {
            callee: Callee::Function(function),
            layout: Arc::new(layout),
        }))
    }

    /// A function value of the script. What its type was found to be is kept in `layout`, which belongs to one type.
    ///
    /// # Errors
    /// It is nil, no function, or of another type.
    pub fn of_value<'h>(
        view: View<'h>,
        layout: &OnceLock<Arc<CallLayout<A, R>>>,
        context: &mut NativeContext<'h>,
    ) -> Result<CallShared<A, R>, Unconvertible> {
        let ty = view.ty();
        let layout = match layout.get() {
            Some(layout) => Arc::clone(layout),
            None => {
                let made = CallLayout::of_type(context.image(), ty)
                    .map_err(|mismatch| Unconvertible(mismatch.to_string()))?;
                Arc::clone(layout.get_or_init(|| Arc::new(made)))
            }
        };
        if view.is_nil() {
            return Err(Unconvertible(format!("a nil {}", ty.name())));
        }
        let callee = Callee::Closure(context.machine.hold(0, view.slot()));
        Ok(CallShared { callee, layout })
    }

    /// Gives the function to the script.
    ///
    /// # Errors
    /// It is another program's, or of another type.
    pub fn give<'h>(
        &self,
        machine: &Machine,
        target: Target<'h>,
        context: &mut NativeContext<'h>,
    ) -> Result<(), GoPanic> {
        if !std::ptr::eq(machine, context.machine) {
            return Err(GoPanic::text("a function of another VM"));
        }
        let image = context.image();
        let closure = match &self.callee {
            Callee::Closure(held) => held.words()[1],
            Callee::Function(function) => {
                std::ptr::from_ref(&image.closures[function.0 as usize]) as u64
            }
        };
        let fits = self.layout.ty.is_some_and(|ty| {
            // SAFETY: a type of this machine, as the function is.
            let own = unsafe { ty.get() };
            let tags = crate::reflection::Tags::Compared;
            crate::reflection::identical_underlying(image, own, target.ty(), tags)
        });
        if !fits {
            return Err(GoPanic::text(format!(
                "a function of another type than {}",
                target.ty().name()
            )));
        }
        target.set_reference(closure);
        Ok(())
    }

    /// A function whose type is known: one without parameters and results.
    pub fn plain(function: FunctionId) -> CallShared<(), ()> {
        CallShared {
            callee: Callee::Function(function),
            layout: Arc::new(CallLayout {
                ty: None,
                arguments: (),
                results: (),
                plan: CallPlan::default(),
            }),
        }
    }

    /// What the Rust types stand for.
    pub fn signature(declarations: &mut Declarations) -> String {
        let parameters = A::declare(declarations).join(", ");
        let results = R::declare(declarations);
        match &results[..] {
            [] => format!("func({parameters})"),
            [one] => format!("func({parameters}) {one}"),
            several => format!("func({parameters}) ({})", several.join(", ")),
        }
    }
}

impl<A: CallArguments, R: CallResults> CallLayout<A, R> {
    /// Compares a type with the Rust types.
    fn of_type(image: &Image, ty: &RuntimeType) -> Result<CallLayout<A, R>, Mismatch> {
        let wrong = || Mismatch {
            go: ty.name().to_owned(),
            wanted: CallShared::<A, R>::signature(&mut Declarations::default()),
        };
        let TypeKind::Function {
            parameters,
            results,
            ..
        } = ty.kind()
        else {
            return Err(wrong());
        };
        let all = |ids: &[bytecode::TypeId]| -> Vec<&RuntimeType> {
            ids.iter().map(|id| image.ty(*id)).collect()
        };
        let (parameters, results) = (all(parameters), all(results));
        let bind = || {
            let mut types = Placer::new(&parameters);
            let arguments = A::plan(&mut types)?;
            types.end()?;
            let mut types = Placer::new(&results);
            let plan = R::plan(&mut types)?;
            types.end()?;
            let error = (R::FALLIBLE && returns_error(&results)).then(|| types.slot() as u16 - 2);
            Ok((arguments, plan, CallPlan::new(error)))
        };
        let (arguments, results, plan) = bind().map_err(|_: Mismatch| wrong())?;
        Ok(CallLayout {
            ty: Some(TypeOf::new(ty)),
            arguments,
            results,
            plan,
        })
    }
}

enum Phase<A, R> {
    Idle,
    Armed(A),
    Running,
    Done(Result<R, CallStatus>),
}

struct State<A, R> {
    phase: Phase<A, R>,
    /// Its thread waits, and is counted in the machine.
    waits: bool,
    waker: Option<Waker>,
}

/// What is left to say when the arguments were being made and memory was refused twice.
const NO_ROOM: &str = "there is no memory for the arguments of a call";

/// One call. See the module's text.
pub struct CallSlot<A: CallArguments, R: CallResults> {
    shared: Arc<CallShared<A, R>>,
    machine: Arc<Machine>,
    state: Mutex<State<A, R>>,
    done: Condvar,
    /// See [`HostCall::is_to_end`].
    is_to_end: AtomicBool,
    /// See [`HostCall::left`].
    left_at: OnceLock<String>,
}

impl<A: CallArguments, R: CallResults> CallSlot<A, R> {
    /// A slot for calls of a function.
    pub fn new(shared: Arc<CallShared<A, R>>, machine: Arc<Machine>) -> CallSlot<A, R> {
        CallSlot {
            shared,
            machine,
            state: Mutex::new(State {
                phase: Phase::Idle,
                waits: false,
                waker: None,
            }),
            done: Condvar::new(),
            is_to_end: AtomicBool::new(false),
            left_at: OnceLock::new(),
        }
    }

    /// Where the goroutine was in a native that it has left, since the call was to end.
    pub fn left_at(&self) -> Option<&str> {
        self.left_at.get().map(String::as_str)
    }

    fn lock(&self) -> MutexGuard<'_, State<A, R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the call, on this thread if that can be.
    pub fn start(self: &Arc<Self>, embedded: &Embedded, arguments: A) {
        self.lock().phase = Phase::Armed(arguments);
        if embedded.is_callers_only() {
            // While this thread runs the program it waits for the call, too.
            self.begin_to_wait();
        }
        let call: Arc<dyn HostCall> = self.clone();
        embedded.call(&self.shared.callee, call, self.shared.layout.plan);
    }

    /// As [`CallSlot::start`], by who does not wait.
    pub fn start_and_leave(self: &Arc<Self>, embedded: &Embedded, arguments: A) {
        self.lock().phase = Phase::Armed(arguments);
        let call: Arc<dyn HostCall> = self.clone();
        embedded.call_and_leave(&self.shared.callee, call, self.shared.layout.plan);
    }

    /// The results, if it has ended; the slot may be used again then.
    pub fn take(&self) -> Option<Result<R, CallStatus>> {
        let mut state = self.lock();
        match std::mem::replace(&mut state.phase, Phase::Idle) {
            Phase::Done(result) => Some(result),
            other => {
                state.phase = other;
                None
            }
        }
    }

    /// Waits until it has ended, or the program has, or until `deadline`. `None`: the last.
    pub fn wait(
        self: &Arc<Self>,
        embedded: &Embedded,
        deadline: Option<Instant>,
    ) -> Option<Result<R, CallStatus>> {
        if let Some(result) = self.take() {
            return Some(result);
        }
        let waiting: Arc<dyn Waiting> = self.clone();
        let _registered = embedded.register(&waiting);
        self.begin_to_wait();
        embedded.check_deadlock();
        let mut state = self.lock();
        loop {
            if matches!(state.phase, Phase::Done(_)) {
                break;
            }
            if embedded.is_over() {
                self.stop_waiting(&mut state);
                return Some(Err(CallStatus::Over));
            }
            let (again, in_time) = wait_until(&self.done, state, deadline);
            state = again;
            if !in_time {
                self.stop_waiting(&mut state);
                return None;
            }
        }
        drop(state);
        self.take()
    }

    /// As [`CallSlot::wait`], for a task: `waker` is woken when it is worth asking again.
    pub fn poll(
        self: &Arc<Self>,
        embedded: &Embedded,
        waker: &Waker,
    ) -> Poll<Result<R, CallStatus>> {
        let mut state = self.lock();
        if let Phase::Done(_) = state.phase {
            drop(state);
            return match self.take() {
                Some(result) => Poll::Ready(result),
                None => Poll::Ready(Err(CallStatus::Over)),
            };
        }
        if embedded.is_over() {
            return Poll::Ready(Err(CallStatus::Over));
        }
        state.waker = Some(waker.clone());
        Poll::Pending
    }

    /// From now on a program in which everybody sleeps is in a deadlock.
    pub fn begin_to_wait(&self) {
        let mut state = self.lock();
        if !state.waits && !matches!(state.phase, Phase::Done(_)) {
            state.waits = true;
            self.machine.begin_to_wait();
        }
    }

    /// Nobody waits for it any more.
    pub fn abandon(&self) {
        self.stop_waiting(&mut self.lock());
    }

    fn stop_waiting(&self, state: &mut State<A, R>) {
        if std::mem::take(&mut state.waits) {
            self.machine.stop_waiting();
        }
    }

    fn complete(&self, result: Result<R, CallStatus>) {
        let mut state = self.lock();
        let waits = state.waits;
        self.stop_waiting(&mut state);
        state.phase = Phase::Done(result);
        let waker = state.waker.take();
        drop(state);
        // PERF: to notify is a call of the system, whether anybody waits or not.
        if waits {
            self.done.notify_all();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<A: CallArguments, R: CallResults> HostCall for CallSlot<A, R> {
    fn begin(&self, context: &mut NativeContext<'_>, arguments: Slots) -> Result<Begun, GoPanic> {
        let mut state = self.lock();
        let Phase::Armed(values) = std::mem::replace(&mut state.phase, Phase::Running) else {
            return Err(GoPanic::text(NO_ROOM));
        };
        drop(state);
        // SAFETY: the machine gives the slots of the function that the plan is of.
        unsafe { values.write(arguments.0, &self.shared.layout.arguments, context) }?;
        Ok(Begun::Call)
    }

    fn end(&self, context: &mut NativeContext<'_>, results: Slots) {
        // SAFETY: as in `begin`.
        let read = unsafe { R::read(results.0, &self.shared.layout.results, context) };
        self.complete(read.map_err(|error| CallStatus::Unconvertible(error.0)));
    }

    fn end_with_error(&self, message: String) {
        let result = R::from_error(ScriptError { message });
        self.complete(result.ok_or(CallStatus::Over));
    }

    fn fail(&self, failure: CallFailure) {
        self.complete(Err(CallStatus::Failed(failure)));
    }

    fn tell_to_end(&self) {
        // ORDERING: Relaxed; nothing else is published, and whoever looks looks again.
        self.is_to_end.store(true, Ordering::Relaxed);
    }

    fn left(&self, trace: String) {
        // It leaves once.
        let _ = self.left_at.set(trace);
    }

    fn is_to_end(&self) -> bool {
        // ORDERING: Relaxed, as in `tell_to_end`.
        self.is_to_end.load(Ordering::Relaxed)
    }
}

/// A call on the stack of its caller. See the module's text.
struct CallHere<A: CallArguments, R: CallResults> {
    /// The caller has it as long as the call.
    shared: NonNull<CallShared<A, R>>,
    phase: Cell<Phase<A, R>>,
}

// SAFETY: only the thread that makes it touches it (`Told::Here`); what it carries is `Send`.
unsafe impl<A: CallArguments, R: CallResults> Send for CallHere<A, R> {}
// SAFETY: as above.
unsafe impl<A: CallArguments, R: CallResults> Sync for CallHere<A, R> {}

impl<A: CallArguments, R: CallResults> CallHere<A, R> {
    fn shared(&self) -> &CallShared<A, R> {
        // SAFETY: `CallSlot::call` borrows it until the call has ended or moved.
        unsafe { self.shared.as_ref() }
    }
}

impl<A: CallArguments, R: CallResults> HostCall for CallHere<A, R> {
    fn begin(&self, context: &mut NativeContext<'_>, arguments: Slots) -> Result<Begun, GoPanic> {
        let Phase::Armed(values) = self.phase.replace(Phase::Running) else {
            return Err(GoPanic::text(NO_ROOM));
        };
        // SAFETY: the machine gives the slots of the function that the plan is of.
        unsafe { values.write(arguments.0, &self.shared().layout.arguments, context) }?;
        Ok(Begun::Call)
    }

    fn end(&self, context: &mut NativeContext<'_>, results: Slots) {
        // SAFETY: as in `begin`.
        let read = unsafe { R::read(results.0, &self.shared().layout.results, context) };
        let result = read.map_err(|error| CallStatus::Unconvertible(error.0));
        self.phase.set(Phase::Done(result));
    }

    fn end_with_error(&self, message: String) {
        let result = R::from_error(ScriptError { message });
        self.phase.set(Phase::Done(result.ok_or(CallStatus::Over)));
    }

    fn fail(&self, failure: CallFailure) {
        self.phase
            .set(Phase::Done(Err(CallStatus::Failed(failure))));
    }
}

/// What came of [`CallSlot::call`].
pub enum AtHand<A: CallArguments, R: CallResults> {
    /// It has ended.
    Ended(Result<R, CallStatus>),
    /// It goes on without this thread.
    GoesOn(Arc<CallSlot<A, R>>),
    /// There was no processor at hand: nothing was called.
    Not(A),
}

impl<A: CallArguments, R: CallResults> CallSlot<A, R> {
    /// Calls a function on this thread, if there is a processor for that at hand, and as long as its goroutine does not stop.
    #[inline]
    pub fn call(shared: &Arc<CallShared<A, R>>, embedded: &Embedded, arguments: A) -> AtHand<A, R> {
        let here = CallHere {
            shared: NonNull::from(&**shared),
            phase: Cell::new(Phase::Armed(arguments)),
        };
        let mut slot = None;
        let moved = || {
            let machine = Arc::clone(embedded.machine());
            let moved = Arc::new(CallSlot::new(Arc::clone(shared), machine));
            moved.lock().phase = here.phase.replace(Phase::Idle);
            let call: Arc<dyn HostCall> = moved.clone();
            slot = Some(moved);
            call
        };
        let call: NonNull<dyn HostCall> = NonNull::from(&here);
        // SAFETY: `here` lives until the end of this function, and nobody else has it.
        let called =
            unsafe { embedded.call_at_hand(&shared.callee, call, shared.layout.plan, moved) };
        if let Some(slot) = slot {
            return AtHand::GoesOn(slot);
        }
        match here.phase.into_inner() {
            Phase::Armed(arguments) if !called => AtHand::Not(arguments),
            Phase::Done(result) => AtHand::Ended(result),
            _ => AtHand::Ended(Err(CallStatus::Over)),
        }
    }
}

impl<A: CallArguments, R: CallResults> Waiting for CallSlot<A, R> {
    fn wake(&self) {
        // With the lock, so that who is about to wait sees it.
        let waker = self.lock().waker.take();
        self.done.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
