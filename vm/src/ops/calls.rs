//! Calls that are more than a jump: natives, goroutines, deferred calls, closures.

use std::ops::ControlFlow;

use bytecode::{Opcode, RED_ZONE, Word};
use runtime::Switch;

use super::{after, allocated, decode, high, r};
use crate::engine::Machine;
use crate::fiber::{Defer, Fiber, Interrupt, Pending, Safepoint};
use crate::heap::OutOfMemory;
use crate::host_call;
use crate::host_function::HostEntry;
use crate::moves;
use crate::native::{Entry, FinishNative, NativeContext, ParkingOutcome, Slots};
use crate::panics;
use crate::running::{Next, Running, enter, stub};
use crate::trace;

/// # Safety
/// See [`super`].
#[cold]
#[inline(never)]
pub(crate) unsafe fn unreachable(cx: &mut Running<'_>, ip: *const Word, _: *mut u64) -> Next {
    let offset = cx.offset_of(ip);
    panic!("the program ran into code that is never executed, at {offset}");
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn check_stack(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, CheckStack);
        let index = cx.index_of(fp);
        // The frame's end, less the red zone that `ensure_stack` adds.
        let end = (index + i.slots.0 as usize)
            .saturating_sub(RED_ZONE as usize)
            .max(index);
        match cx.ensure_stack(end) {
            Ok(()) => {
                let fp = cx.frame(index);
                after!(ip, fp, CheckStack)
            }
            Err(error) => cx.stack_overflow(ip, fp, error),
        }
    }
}

/// A native's view while it runs.
macro_rules! native_context {
    ($cx:expr) => {
        NativeContext {
            machine: $cx.machine,
            cache: &mut $cx.local.cache,
            slice: $cx.slice,
            fiber: $cx.fiber,
        }
    };
}
pub(crate) use native_context;

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn call_native(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, CallNative);
        let window = fp.add(i.window.0 as usize);
        let native = cx.machine.image.natives.get_unchecked(i.native.0 as usize);
        match native.entry {
            Entry::Pure(entry) => {
                // For `runtime.Caller` and the like.
                cx.save(fp, ip, Safepoint::At(cx.offset_of(ip)));
                cx.fiber.in_native = true;
                let result = entry(&mut native_context!(cx), Slots(window));
                cx.fiber.in_native = false;
                cx.poll_heap(ip, fp);
                if cx.machine.profiler.is_on() {
                    crate::cpu_profile::after_native(cx);
                }
                if crate::panics::was_abandoned() {
                    // The program is ending, or the call of the host: the goroutine does not go on, but ends here.
                    if cx.fiber.call.is_to_end() {
                        let id = cx.slice.goroutine();
                        let trace = panics::with_trace(cx.machine, id, cx.fiber, "");
                        cx.fiber.call.left(trace.trim_start().to_owned());
                    }
                    cx.fiber.interrupt.set(Interrupt::Now);
                    return cx.leave(Switch::Yield);
                }
                match result {
                    Ok(()) => after!(ip, fp, CallNative),
                    Err(panic) => cx.go_panic(ip, fp, &panic),
                }
            }
            Entry::Machine(operation) => {
                cx.save(fp, ip, Safepoint::At(cx.offset_of(ip)));
                super::reflected::run(cx, ip, fp, i.window.0 as usize, operation)
            }
            Entry::Blocking(entry) => match entry(&cx.machine.host, Slots(window)) {
                Ok(call) => cx.leave_pending(ip, fp, Pending::Completion, Switch::Blocking(call)),
                Err(panic) => cx.go_panic(ip, fp, &panic),
            },
            Entry::Parking(entry) => {
                cx.save(fp, ip, Safepoint::At(cx.offset_of(ip)));
                cx.fiber.in_native = true;
                let outcome = entry(&mut native_context!(cx), Slots(window));
                cx.fiber.in_native = false;
                cx.poll_heap(ip, fp);
                parked(cx, ip, fp, outcome)
            }
            Entry::Host(index) => {
                cx.save(fp, ip, Safepoint::At(cx.offset_of(ip)));
                match &cx.machine.image.host_entries[index as usize] {
                    HostEntry::Pure(entry) => {
                        cx.fiber.in_native = true;
                        let result = entry(&mut native_context!(cx), Slots(window));
                        cx.fiber.in_native = false;
                        cx.poll_heap(ip, fp);
                        match result {
                            Ok(()) => after!(ip, fp, CallNative),
                            Err(panic) => cx.go_panic(ip, fp, &panic),
                        }
                    }
                    HostEntry::Blocking(entry) => {
                        match entry(&mut native_context!(cx), Slots(window)) {
                            Ok(call) => cx.leave_pending(
                                ip,
                                fp,
                                Pending::Completion,
                                Switch::Blocking(call),
                            ),
                            Err(panic) => cx.go_panic(ip, fp, &panic),
                        }
                    }
                    HostEntry::Parking(entry) => {
                        cx.fiber.in_native = true;
                        let outcome = entry(&mut native_context!(cx), Slots(window));
                        cx.fiber.in_native = false;
                        parked(cx, ip, fp, outcome)
                    }
                }
            }
        }
    }
}

/// Does what a parking native wants.
///
/// # Safety
/// See [`super`].
unsafe fn parked(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
    outcome: ParkingOutcome,
) -> Next {
    // SAFETY: see `super`.
    unsafe {
        match outcome {
            ParkingOutcome::Done => after!(ip, fp, CallNative),
            ParkingOutcome::Yield(finish) => {
                cx.leave_pending(ip, fp, Pending::Native(finish), Switch::Yield)
            }
            ParkingOutcome::Park(reason, finish) => {
                cx.leave_pending(ip, fp, Pending::Native(finish), Switch::Park(reason))
            }
            ParkingOutcome::Coroutine(other, finish) => {
                cx.leave_pending(ip, fp, Pending::Native(finish), Switch::Coroutine(other))
            }
            ParkingOutcome::Goexit => panics::goexit(cx, ip, fp),
            ParkingOutcome::Exit(status) => {
                cx.leave_pending(ip, fp, Pending::Nothing, Switch::ExitProcess(status))
            }
            ParkingOutcome::Collect(finish) => {
                let machine = cx.machine.this.upgrade();
                let job = Box::new(move |world: &mut runtime::StoppedWorld<'_, Machine>| {
                    if let Some(machine) = machine {
                        machine.collect_in(world, true);
                    }
                    finish
                });
                cx.leave_pending(ip, fp, Pending::Completion, Switch::StopTheWorld(job))
            }
            ParkingOutcome::SetProcessors(count, finish) => {
                // ORDERING: relaxed; set before anything runs. How many there are is the host's affair.
                let embedded = cx
                    .machine
                    .is_embedded
                    .load(std::sync::atomic::Ordering::Relaxed);
                let job = Box::new(move |world: &mut runtime::StoppedWorld<'_, Machine>| {
                    if !embedded {
                        world.set_processors(count);
                    }
                    finish
                });
                cx.leave_pending(ip, fp, Pending::Completion, Switch::StopTheWorld(job))
            }
            ParkingOutcome::LockThread(lock, finish) => {
                let switch = if lock {
                    Switch::LockThread
                } else {
                    Switch::UnlockThread
                };
                cx.leave_pending(ip, fp, Pending::Native(finish), switch)
            }
            ParkingOutcome::World(job) => {
                cx.leave_pending(ip, fp, Pending::Completion, Switch::StopTheWorld(job))
            }
            ParkingOutcome::Panic(panic) => cx.go_panic(ip, fp, &panic),
        }
    }
}

/// Ends the native at `ip` that the fiber had to wait for.
///
/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn resume_native(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
    finish: FinishNative,
) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, CallNative);
        let window = fp.add(i.window.0 as usize);
        let result = finish(&mut native_context!(cx), window);
        cx.poll_heap(ip, fp);
        match result {
            Ok(()) => after!(ip, fp, CallNative),
            Err(panic) => cx.go_panic(ip, fp, &panic),
        }
    }
}

/// The code of a closure.
///
/// # Safety
/// A live closure.
#[inline(always)]
pub(crate) unsafe fn code_of(closure: u64) -> *const Word {
    // SAFETY: the first word of a closure is the address of its code.
    unsafe { moves::load64(closure) as *const Word }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn go(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, Go);
        let closure = r!(fp, i.closure);
        if closure == 0 {
            return cx.fatal(ip, fp, "go of nil func value");
        }
        if let Some(most) = cx.machine.options.max_goroutines
            && cx.slice.goroutines() >= most
        {
            cx.machine.note_limit(crate::vm::Limit::Goroutines);
            return cx.fatal(ip, fp, "too many goroutines");
        }
        let count = i.count.0 as usize;
        let code = cx.offset_of(code_of(closure));
        let recycled = cx.machine.fibers.take(&mut cx.local.free);
        let fiber = Fiber::starting(
            recycled,
            closure,
            code,
            count,
            cx.machine.max_stack(),
            cx.machine.heap.account(),
        );
        let Some(mut fiber) = fiber else {
            return cx.out_of_memory(ip, fp, OutOfMemory);
        };
        fiber.created_at = cx.offset_of(ip);
        fiber.created_by = cx.slice.goroutine();
        fiber.labels.set(cx.fiber.labels.get_mut().clone());
        fiber.scope = match cx.fiber.starts_in.take() {
            Some(other) => *other,
            None => cx.fiber.scope.clone(),
        };
        if let Some(scope) = &fiber.scope {
            scope.enter();
        }
        std::ptr::copy_nonoverlapping(fp.add(i.window.0 as usize), fiber.arguments(), count);
        cx.slice.spawn(fiber);
        after!(ip, fp, Go)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn defer(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, Defer);
        let (frame, offset) = (cx.index_of(fp), cx.offset_of(ip));
        let lists = match cx.fiber.reserve_defer(i.count.0 as usize) {
            Ok(lists) => lists,
            Err(full) => return cx.out_of_memory(ip, fp, full),
        };
        lists.defers.push(Defer {
            frame,
            offset,
            closure: r!(fp, i.closure),
            first_argument: lists.defer_arguments.len(),
        });
        for slot in 0..i.count.0 as usize {
            lists
                .defer_arguments
                .push(*fp.add(i.window.0 as usize + slot));
        }
        after!(ip, fp, Defer)
    }
}

/// The states of a range over a function. GO: internal/abi `RF_State`.
pub(crate) mod range_state {
    /// The body has left the loop.
    pub(crate) const DONE: u64 = 0;
    /// The body may be called.
    pub(crate) const READY: u64 = 1;
    /// The body runs, or has panicked.
    pub(crate) const RUNNING: u64 = 2;
    /// The function ranged over has returned.
    pub(crate) const EXHAUSTED: u64 = 3;
}

/// The body of a range over a function is called when it must not be.
///
/// # Safety
/// See [`super`].
#[cold]
#[inline(never)]
pub(crate) unsafe fn range_enter(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`; the control is a live object of two words.
    unsafe {
        let i = decode!(ip, RangeEnter);
        let control = r!(fp, i.control);
        let text = match moves::load64(control) {
            range_state::DONE => {
                "range function continued iteration after function for loop body returned false"
            }
            range_state::RUNNING => "range function continued iteration after loop body panic",
            _ => "range function continued iteration after whole loop exit",
        };
        moves::store64(control, range_state::RUNNING);
        cx.runtime_error(ip, fp, text)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn range_exit(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`; the control is a live object of two words.
    unsafe {
        let i = decode!(ip, RangeExit);
        let control = r!(fp, i.control);
        if moves::load64(control) == range_state::RUNNING {
            let text = "range function recovered a loop body panic and did not resume panicking";
            return cx.runtime_error(ip, fp, text);
        }
        moves::store64(control, range_state::EXHAUSTED);
        after!(ip, fp, RangeExit)
    }
}

/// A token: the frame's slot index above the offset of this instruction, then the goroutine.
///
/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn defer_token(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, DeferToken);
        // A stack has at most 2^27 slots.
        r!(fp, i.dst) = (cx.index_of(fp) as u64) << 32 | u64::from(cx.offset_of(ip));
        high!(fp, i.dst) = cx.slice.goroutine().0;
        after!(ip, fp, DeferToken)
    }
}

/// Puts the record below those of the frames further in: they end first.
///
/// # Safety
/// See [`super`]; the frame of the token is still there, for its loop has not ended.
#[inline(never)]
pub(crate) unsafe fn defer_at(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, DeferAt);
        let (token, goroutine) = (r!(fp, i.token), high!(fp, i.token));
        if goroutine != cx.slice.goroutine().0 {
            let text = "not supported yet: defer in the body of a range over func that another goroutine calls";
            return cx.fatal(ip, fp, text);
        }
        let frame = (token >> 32) as usize;
        let closure = r!(fp, i.closure);
        let count = i.count.0 as usize;
        let window = i.window.0 as usize;
        let lists = match cx.fiber.reserve_defer(count) {
            Ok(lists) => lists,
            Err(full) => return cx.out_of_memory(ip, fp, full),
        };
        let at = lists.defers.partition_point(|d| d.frame <= frame);
        let first_argument = match lists.defers.get(at) {
            Some(later) => later.first_argument,
            None => lists.defer_arguments.len(),
        };
        for later in &mut lists.defers[at..] {
            later.first_argument += count;
        }
        let record = Defer {
            frame,
            offset: token as u32,
            closure,
            first_argument,
        };
        lists.defers.insert(at, record);
        let arguments = (0..count).map(|slot| *fp.add(window + slot));
        lists
            .defer_arguments
            .splice(first_argument..first_argument, arguments);
        after!(ip, fp, DeferAt)
    }
}

/// Takes the last deferred call and enters it in a frame at slot `index`, with this return word. The stack may move.
///
/// # Safety
/// See [`super`]; there is a deferred call, and nothing above `index` is in use.
#[inline(never)]
pub(crate) unsafe fn enter_deferred(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
    index: usize,
    return_word: u64,
) -> Next {
    let Some(lists) = cx.fiber.unwinding() else {
        return Next { ip, fp };
    };
    let Some(record) = lists.defers.pop() else {
        return Next { ip, fp };
    };
    let first = record.first_argument;
    let count = lists.defer_arguments.len() - first;
    if record.closure == 0 {
        lists.defer_arguments.truncate(first);
        return cx.nil_dereference(ip, fp);
    }
    let end = (index + count).saturating_sub(RED_ZONE as usize).max(index);
    if let Err(error) = cx.ensure_stack(end) {
        return cx.stack_overflow(ip, fp, error);
    }
    // SAFETY: see `super`; the stack reaches as far as `index + count`.
    unsafe {
        let fp = cx.frame(index);
        if let Some(lists) = cx.fiber.unwinding() {
            for slot in 0..count {
                *fp.add(slot) = lists.defer_arguments[first + slot];
            }
            lists.defer_arguments.truncate(first);
        }
        *fp.sub(2) = return_word;
        *fp.sub(1) = record.closure;
        let ip = code_of(record.closure);
        // ORDERING: relaxed, as at every entry.
        if fp as usize > cx.limit.load(std::sync::atomic::Ordering::Relaxed) {
            return enter(cx, ip, fp);
        }
        Next { ip, fp }
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn run_defers(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, RunDefers);
        let index = cx.index_of(fp);
        if cx.fiber.defers().last().is_none_or(|d| d.frame != index) {
            return after!(ip, fp, RunDefers);
        }
        let window = i.window.0 as usize;
        let back = cx.exact_return_word(ip, window);
        enter_deferred(cx, ip, fp, index + window, back)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn recover(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, Recover);
        let value = panics::recover(cx, ip, fp);
        r!(fp, i.dst) = value[0];
        high!(fp, i.dst) = value[1];
        after!(ip, fp, Recover)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn panic(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, Panic);
        let value = [r!(fp, i.value), high!(fp, i.value)];
        if value[0] == 0 {
            let ty = cx.machine.image.known.panic_nil_error;
            return cx.panic_text(ip, fp, ty, "");
        }
        cx.throw(ip, fp, value)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn make_closure(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, MakeClosure);
        let function = cx
            .machine
            .image
            .functions
            .get_unchecked(i.function.0 as usize);
        let closure = allocated!(cx, ip, fp, cx.local.cache.allocate(function.closure_site)).get();
        moves::store64(closure, cx.instruction(function.start) as u64);
        for slot in 0..i.count.0 as usize {
            moves::store_reference(
                closure + 8 + slot as u64 * 8,
                *fp.add(i.first.0 as usize + slot),
            );
        }
        r!(fp, i.dst) = closure;
        cx.poll_heap(ip, fp);
        after!(ip, fp, MakeClosure)
    }
}

/// One of the machine's stubs.
///
/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn stub(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    let number = unsafe { decode!(ip, Stub) }.number.0;
    match number {
        stub::END if cx.fiber.call.is_some() => {
            // SAFETY: the function of a host's call has returned to its frame.
            unsafe { host_call::end(cx, fp) }
        }
        stub::END => cx.leave(Switch::Exit),
        // SAFETY: a deferred call that a panic has made returns here.
        stub::PANIC => unsafe { panics::deferred_call_returned(cx) },
        // SAFETY: `panicText` returns here.
        stub::TEXT => unsafe { panics::text_returned(cx, fp) },
        // SAFETY: see `super`.
        _ => unsafe { unreachable(cx, ip, fp) },
    }
}

/// Ends a fiber where it stopped, as `runtime.Goexit` does. What it waited for is of no interest any more.
#[cold]
#[inline(never)]
pub(crate) fn interrupt(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    cx.fiber.interrupt.set(Interrupt::None);
    match std::mem::take(&mut cx.fiber.pending) {
        Pending::Again | Pending::BeginAgain | Pending::Completion => {
            drop(cx.slice.take_completion())
        }
        Pending::Channel | Pending::Host => cx.slice.forget_wake_outcome(),
        Pending::Nothing | Pending::Begin | Pending::Native(_) => {}
    }
    panics::goexit(cx, ip, fp)
}

/// Whether the fiber has stopped between statements: at a `Loop` to the instruction behind it. Others lead back.
#[cold]
fn is_at_scheduling_point(cx: &Running<'_>) -> bool {
    let Safepoint::At(offset) = cx.fiber.safepoint else {
        return false;
    };
    let word = cx.machine.image.code.get(offset as usize);
    matches!(cx.fiber.pending, Pending::Nothing)
        && word.and_then(|word| Opcode::from_u16(word.0[0])) == Some(Opcode::Loop)
        && cx.fiber.offset as usize == offset as usize + bytecode::op::Loop::WORDS
}

/// Whether the fiber has stopped at the entry of a function that a deferred call is, or has called.
#[cold]
fn is_at_entry_of_deferred(cx: &Running<'_>) -> bool {
    if !matches!(cx.fiber.pending, Pending::Nothing) || cx.fiber.safepoint != Safepoint::Entry {
        return false;
    }
    let (mut is_deferred, mut is_innermost) = (false, true);
    trace::walk_while(&cx.machine.image, cx.fiber, |frame| {
        // What makes deferred calls is what they return to.
        let makes_them = match frame.position {
            trace::Position::At(offset) if !is_innermost => {
                let word = cx.machine.image.code.get(offset as usize);
                word.and_then(|word| Opcode::from_u16(word.0[0])) == Some(Opcode::RunDefers)
            }
            _ => false,
        };
        is_innermost = false;
        is_deferred = frame.by_panic || makes_them;
        if is_deferred {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    is_deferred
}

/// What a fiber does first when it runs again.
///
/// # Safety
/// See [`super`]; `ip` is where the fiber stopped.
#[inline(never)]
pub(crate) unsafe fn resume(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        match cx.fiber.interrupt.get() {
            Interrupt::None | Interrupt::Broken { .. } => {}
            Interrupt::Soon if matches!(cx.fiber.pending, Pending::Native(_)) => {}
            // At its entry a deferred call, or what it calls, has not done yet what it was deferred for.
            Interrupt::Now | Interrupt::Soon if is_at_entry_of_deferred(cx) => {}
            // Nor between two statements, where only runs with a seed stop: the first may have taken a lock, the second defer giving it back.
            Interrupt::Now | Interrupt::Soon if is_at_scheduling_point(cx) => {}
            Interrupt::Now | Interrupt::Soon if cx.fiber.shields.get() == 0 => {
                return interrupt(cx, ip, fp);
            }
            Interrupt::Now | Interrupt::Soon => {}
            Interrupt::NextTime => cx.fiber.interrupt.set(Interrupt::Soon),
        }
        if cx.fiber.is_to_end() {
            // What it stops for from here on, and gets, is its own.
            cx.fiber.interrupt.set(Interrupt::Soon);
            cx.slice.install_limit(cx.own_limit());
        }
        if let Pending::Begin = cx.fiber.pending {
            // PERF: most of what is not run again by the thread that has run it is a call of the host.
            std::mem::forget(std::mem::take(&mut cx.fiber.pending));
            return host_call::begin(cx, ip, fp);
        }
        match std::mem::take(&mut cx.fiber.pending) {
            Pending::Nothing => Next { ip, fp },
            Pending::Again => {
                drop(cx.slice.take_completion());
                Next { ip, fp }
            }
            Pending::Channel => super::channels::resume(cx, ip, fp),
            Pending::Completion => match cx.slice.take_completion() {
                Some(finish) => resume_native(cx, ip, fp, finish),
                None => cx.fatal(ip, fp, "blocking call without an answer"),
            },
            Pending::Native(finish) => resume_native(cx, ip, fp, finish),
            Pending::Begin => host_call::begin(cx, ip, fp),
            Pending::Host => host_call::resumed(cx, ip, fp),
            Pending::BeginAgain => {
                drop(cx.slice.take_completion());
                host_call::begin(cx, ip, fp)
            }
        }
    }
}
