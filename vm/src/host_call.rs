//! Calls that a host makes: a goroutine that begins with the host's arguments and ends with the host's being told.
//!
//! 1. [`Machine::call_fiber`] makes a fiber at a function's entry, with zeroed argument slots and the [`HostCall`].
//! 2. When it first runs it asks the call for its arguments ([`HostCall::begin`]): only then is there a processor, and with it a cache
//!    to allocate from.
//! 3. When the function returns, the call takes the results ([`HostCall::end`]). If the last of them is an error that is not nil, the machine
//!    asks the error for its text, on the same goroutine, and hands that over ([`HostCall::end_with_error`]).
//! 4. In every other case the call is told how it failed, exactly once: also when its goroutine is dropped because the program has ended.
//!
//! Most calls end on their caller's thread before their goroutine stops for the first time. Such a call lies on the caller's stack, and the goroutine
//! has but its address ([`Told::Here`]). If it stops, the call moves to where others can reach it ([`Owed::keep`]).
//!
//! A panic that nobody recovers ends the call alone and not the program: it is the host that the panic arrives at.

use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

use bytecode::{FunctionId, TypeKind};
use runtime::{Switch, WaitReason, WakeOutcome, WorldJob};

use crate::engine::{Machine, PerProcessor, Transfer};
use crate::fiber::{Fiber, FiberCell, Pending, Safepoint};
use crate::held::Held;
use crate::native::{FinishNative, GoPanic, NativeContext, Slots};
use crate::ops::calls::native_context;
use crate::running::{Next, Running, enter, stub};

/// How a call failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallFailure {
    /// A panic that nobody recovered: what Go prints of it, and the goroutine's trace.
    Panic {
        /// The lines `panic: ...`.
        message: String,
        /// The trace, with its first line.
        trace: String,
    },
    /// An argument could not be made.
    Argument(String),
    /// There is no memory for the arguments.
    OutOfMemory,
    /// Its goroutine ended by `runtime.Goexit`, or because the program has ended.
    Gone,
}

impl CallFailure {
    /// What a panic of a conversion is for a call.
    pub(crate) fn of(panic: GoPanic) -> CallFailure {
        match panic {
            GoPanic::OutOfMemory | GoPanic::WantsMemory => CallFailure::OutOfMemory,
            GoPanic::Text(text)
            | GoPanic::Runtime(text)
            | GoPanic::Plain(text)
            | GoPanic::Fatal(text)
            | GoPanic::Signal(text) => CallFailure::Argument(text),
        }
    }
}

/// How a call goes on once it has begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Begun {
    /// The function is called.
    Call,
    /// That was all: the call has ended, and has been told so.
    Done,
    /// The goroutine waits at channels, where it is enqueued: [`HostCall::resumed`] is next.
    Park(WaitReason),
}

/// What a host wants of a call. See the module's text. Called on any thread that runs goroutines; must not block.
pub trait HostCall: Send + Sync {
    /// Writes the arguments.
    ///
    /// # Errors
    /// There is no memory for them, or one cannot be made. If there is no memory it is called again after a collection.
    fn begin(&self, context: &mut NativeContext<'_>, arguments: Slots) -> Result<Begun, GoPanic>;
    /// What the goroutine waited for has happened: the call has ended.
    fn resumed(&self, _: &mut NativeContext<'_>, _: WakeOutcome<Transfer>) {}
    /// Takes the results.
    fn end(&self, context: &mut NativeContext<'_>, results: Slots);
    /// The function has returned an error with this text.
    fn end_with_error(&self, text: String);
    /// It has failed.
    fn fail(&self, failure: CallFailure);
    /// Somebody wants it to end: a native that it is in need not come to its own end. From any thread.
    fn tell_to_end(&self) {}
    /// Since it is to end, its goroutine has left a native before that was done. This is where it was.
    fn left(&self, _trace: String) {}
    /// Whether somebody does.
    fn is_to_end(&self) -> bool {
        false
    }
}

/// A call, to whoever runs its goroutine.
pub(crate) enum Told {
    /// Anybody can reach it.
    Anywhere(Arc<dyn HostCall>),
    /// It lies on the stack of the thread that runs its goroutine now.
    ///
    /// INVARIANT: a fiber has one only while the thread that made it runs the fiber for the first time: within one `Session::call_at_hand`,
    /// which gives the fiber to `Owed::keep` before anybody else can have it.
    Here(NonNull<dyn HostCall>),
}

// SAFETY: what lies on a thread's stack is reached by that thread alone (INVARIANT).
unsafe impl Send for Told {}
// SAFETY: as above.
unsafe impl Sync for Told {}

impl Deref for Told {
    type Target = dyn HostCall;

    fn deref(&self) -> &(dyn HostCall + 'static) {
        match self {
            Told::Anywhere(call) => &**call,
            // SAFETY: the caller's frame is there as long as it runs the fiber (INVARIANT).
            Told::Here(call) => unsafe { call.as_ref() },
        }
    }
}

/// A call that will be told how it went, whatever happens.
pub(crate) struct Owed(Option<(Told, CallPlan)>);

/// What the machine must know of a call.
#[derive(Clone, Copy, Default)]
pub struct CallPlan {
    /// Slot of the error among the results, if the last one is an error.
    pub error: Option<u16>,
    /// The text of the error is being asked for.
    asked: bool,
    /// Memory was refused once to the arguments.
    refused: bool,
}

impl CallPlan {
    /// For a function with these result types.
    pub fn new(error: Option<u16>) -> CallPlan {
        CallPlan {
            error,
            ..CallPlan::default()
        }
    }
}

impl Owed {
    pub(crate) const NOTHING: Owed = Owed(None);

    #[inline]
    pub(crate) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// Whether it is this call.
    pub(crate) fn is(&self, call: &Arc<dyn HostCall>) -> bool {
        self.0.as_ref().is_some_and(
            |(own, _)| matches!(own, Told::Anywhere(own) if std::ptr::addr_eq(Arc::as_ptr(own), Arc::as_ptr(call))),
        )
    }

    /// Whether somebody wants the call to end.
    pub(crate) fn is_to_end(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|(own, _)| matches!(own, Told::Anywhere(own) if own.is_to_end()))
    }

    /// Tells the call where its goroutine has left.
    #[cold]
    pub(crate) fn left(&self, trace: String) {
        if let Some((call, _)) = &self.0 {
            call.left(trace);
        }
    }

    pub(crate) fn take(&mut self) -> Option<Told> {
        self.0.take().map(|(call, _)| call)
    }

    /// The call, if it lies on the stack of the thread that runs its goroutine, and what must be known of it.
    #[inline]
    fn here(&self) -> Option<(NonNull<dyn HostCall>, CallPlan)> {
        match &self.0 {
            Some((Told::Here(call), plan)) => Some((*call, *plan)),
            _ => None,
        }
    }

    /// Its goroutine stops: a call on a thread's stack is replaced by what `moved` makes of it. Nothing happens if it has been told.
    pub(crate) fn keep(&mut self, moved: impl FnOnce() -> Arc<dyn HostCall>) {
        if let Some((told @ Told::Here(_), _)) = &mut self.0 {
            *told = Told::Anywhere(moved());
        }
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if let Some(call) = self.take() {
            call.fail(CallFailure::Gone);
        }
    }
}

/// What a call calls.
pub enum Callee {
    /// A function of the program.
    Function(FunctionId),
    /// A closure that the host holds.
    Closure(Held),
}

impl Machine {
    /// A fiber that calls a function for the host; `None`, and the call told, when there is no memory.
    ///
    /// # Panics
    /// If there is no such function.
    pub(crate) fn call_fiber(
        &self,
        callee: &Callee,
        call: Told,
        plan: CallPlan,
        local: Option<&mut PerProcessor>,
    ) -> Option<FiberCell> {
        let (start, slots, closure) = match callee {
            Callee::Function(function) => {
                let linked = &self.image.functions[function.0 as usize];
                (linked.start, linked.function.parameters.len(), 0)
            }
            Callee::Closure(held) => {
                let [_, closure] = held.words();
                // SAFETY: a closure of this machine, which it keeps alive as long as it is held.
                let code = unsafe { crate::ops::calls::code_of(closure) };
                let function = self
                    .image
                    .offset_of(code as u64)
                    .and_then(|offset| self.image.function_at(offset))
                    .expect("the code of a closure");
                let slots = function.function.parameters.len();
                (function.start, slots, closure)
            }
        };
        let recycled = local.and_then(|local| self.fibers.take(&mut local.free));
        let account = self.heap.account();
        let fiber = Fiber::starting(recycled, closure, start, slots, self.max_stack(), account);
        let Some(mut fiber) = fiber else {
            call.fail(CallFailure::OutOfMemory);
            return None;
        };
        let arguments = fiber.arguments();
        // What begins at once on this thread writes them before anybody can look.
        if let Told::Anywhere(_) = call {
            // SAFETY: the fiber has so many argument slots. Zeroes are references to nothing, whatever the slots' kinds.
            unsafe { std::ptr::write_bytes(arguments, 0, slots) };
        }
        // PERF: a new fiber has none, which the compiler does not know.
        let before = std::mem::replace(&mut fiber.call, Owed(Some((call, plan))));
        debug_assert!(
            !before.is_some(),
            "a fiber that has not started owes nothing"
        );
        std::mem::forget(before);
        std::mem::forget(std::mem::replace(&mut fiber.pending, Pending::Begin));
        Some(fiber)
    }
}

/// Asks the call for its arguments.
///
/// # Safety
/// As for `ops`: the fiber stands at its function's entry.
pub(crate) unsafe fn begin(cx: &mut Running<'_>, ip: *const bytecode::Word, fp: *mut u64) -> Next {
    let mut made = None;
    if let Some((here, _)) = cx.fiber.call.here() {
        // SAFETY: the caller's frame is there as long as this runs (INVARIANT of `Told`).
        let answer = unsafe { here.as_ref() }.begin(&mut native_context!(cx), Slots(fp));
        if let Ok(Begun::Call) = answer {
            cx.poll_heap(ip, fp);
            return Next { ip, fp };
        }
        made = Some(answer);
    }
    let Some((call, mut plan)) = cx.fiber.call.0.take() else {
        return Next { ip, fp };
    };
    let made = made.unwrap_or_else(|| call.begin(&mut native_context!(cx), Slots(fp)));
    match made {
        Ok(Begun::Call) => {
            cx.fiber.call = Owed(Some((call, plan)));
            cx.poll_heap(ip, fp);
            Next { ip, fp }
        }
        Ok(Begun::Done) => {
            cx.poll_heap(ip, fp);
            cx.save(fp, ip, Safepoint::Entry);
            cx.leave(Switch::Exit)
        }
        Ok(Begun::Park(reason)) => {
            cx.fiber.call = Owed(Some((call, plan)));
            cx.save(fp, ip, Safepoint::Entry);
            cx.fiber.pending = Pending::Host;
            cx.leave(Switch::Park(reason))
        }
        Err(GoPanic::OutOfMemory | GoPanic::WantsMemory) if !plan.refused => {
            plan.refused = true;
            let slots = cx.function_at(cx.offset_of(ip)).function.parameters.len();
            // SAFETY: the frame has so many slots; what was written to some of them is not needed.
            unsafe { std::ptr::write_bytes(fp, 0, slots) };
            cx.fiber.call = Owed(Some((call, plan)));
            cx.save(fp, ip, Safepoint::Entry);
            cx.fiber.pending = Pending::BeginAgain;
            let machine = cx.machine.this.upgrade();
            let job: WorldJob<Machine> = Box::new(move |world| {
                if let Some(machine) = machine {
                    machine.collect_in(world, false);
                }
                let finish: FinishNative = Box::new(|_, _| Ok(()));
                finish
            });
            cx.leave(Switch::StopTheWorld(job))
        }
        Err(panic) => {
            cx.save(fp, ip, Safepoint::Entry);
            call.fail(CallFailure::of(panic));
            cx.leave(Switch::Exit)
        }
    }
}

/// What a call waited for at channels has happened.
pub(crate) fn resumed(cx: &mut Running<'_>, ip: *const bytecode::Word, fp: *mut u64) -> Next {
    let outcome = cx.slice.take_wake_outcome();
    if let Some(call) = cx.fiber.call.take() {
        call.resumed(&mut native_context!(cx), outcome);
    }
    cx.poll_heap(ip, fp);
    cx.save(fp, ip, Safepoint::Entry);
    cx.leave(Switch::Exit)
}

/// The function has returned.
///
/// # Safety
/// As for `ops`: the results lie at `fp`.
pub(crate) unsafe fn end(cx: &mut Running<'_>, fp: *mut u64) -> Next {
    if let Some((here, plan)) = cx.fiber.call.here()
        && plan.error.is_none()
        && !plan.asked
    {
        // What is forgotten is an address.
        std::mem::forget(std::mem::replace(&mut cx.fiber.call, Owed::NOTHING));
        // SAFETY: as in `begin`.
        unsafe { here.as_ref() }.end(&mut native_context!(cx), Slots(fp));
        return cx.leave(Switch::Exit);
    }
    let Some((call, mut plan)) = cx.fiber.call.0.take() else {
        return cx.leave(Switch::Exit);
    };
    if plan.asked {
        // SAFETY: `panicText` has returned a string.
        let text = unsafe {
            let (pointer, length) = (*fp, *fp.add(1));
            String::from_utf8_lossy(crate::objects::equality::bytes(pointer, length)).into_owned()
        };
        // The function indents what follows a line's end.
        call.end_with_error(text.replace("\n\t", "\n"));
        return cx.leave(Switch::Exit);
    }
    // SAFETY: the error is among the results.
    let error = plan.error.map(|at| unsafe {
        let at = fp.add(at as usize);
        [*at, *at.add(1)]
    });
    if let Some(error) = error.filter(|error| error[0] != 0)
        && let Some(text) = cx.machine.image.known.panic_text
    {
        plan.asked = true;
        cx.fiber.call = Owed(Some((call, plan)));
        let ip = cx.instruction(cx.machine.image.functions[text.0 as usize].start);
        // SAFETY: the stack has the red zone above a first frame; the return word leads to the stub as it did.
        unsafe {
            *fp.sub(2) = cx.return_word(cx.instruction(u32::from(stub::END)), 0);
            *fp = error[0];
            *fp.add(1) = error[1];
            return enter(cx, ip, fp);
        }
    }
    call.end(&mut native_context!(cx), Slots(fp));
    cx.leave(Switch::Exit)
}

/// Whether a type is `error`, or another interface with nothing but `Error`.
pub fn is_error(ty: &crate::types::RuntimeType) -> bool {
    match ty.kind() {
        TypeKind::Interface { methods } => {
            matches!(&methods[..], [method] if method.name == "Error")
        }
        _ => false,
    }
}
