//! Panics, recover and Goexit.
//!
//! 1. A panic puts a record on the fiber's list and runs the deferred calls, last first, each in a frame *on top of* the frame that
//!    panicked, so that traces show it; they return to the stub [`stub::PANIC`].
//! 2. `recover` marks the last record, if it is called by the deferred call itself. When that call returns, its record goes, and so do the
//!    older ones whose deferred calls it has left; the deferring function goes on at its recovery code.
//! 3. When no deferred call is left the program dies: the texts of the values are asked for one by one by running
//!    `runtime.panicText` on top of everything (stub [`stub::TEXT`]), then all is printed as Go does.
//!
//! Goexit is a panic that cannot be recovered and ends the goroutine instead of the program; if a panic in one of its deferred
//! calls is recovered below, it goes on from there.
//!
//! GO: panic.go `gopanic`, `gorecover`, `Goexit`, `printpanics`.

use std::cell::Cell;
use std::ptr;

use bytecode::Word;
use runtime::{GoroutineId, Slice, Switch};

use crate::engine::Machine;
use crate::fiber::{Fiber, NO_FRAME, OFFSET_MASK, PanicRecord, Safepoint, WINDOW_SHIFT};
use crate::host_call::CallFailure;
use crate::objects::equality;
use crate::ops::calls::enter_deferred;
use crate::running::{Next, Running, enter, stub};
use crate::traceback::{self, Failure, TracebackLevel};

impl Running<'_> {
    /// Panics with an interface value at the instruction `ip`.
    #[cold]
    #[inline(never)]
    pub(crate) fn throw(&mut self, ip: *const Word, fp: *mut u64, value: [u64; 2]) -> Next {
        self.begin(ip, fp, value, false)
    }

    fn begin(&mut self, ip: *const Word, fp: *mut u64, value: [u64; 2], goexit: bool) -> Next {
        let record = PanicRecord {
            value,
            goexit,
            recovered: false,
            frame: self.index_of(fp),
            offset: self.offset_of(ip),
            deferred_call: NO_FRAME,
            deferring_frame: NO_FRAME,
            deferring_offset: 0,
            text: None,
        };
        match self.fiber.reserve_panic() {
            Ok(lists) => lists.panics.push(record),
            Err(full) => return self.die_of_memory(ip, fp, full),
        }
        go_on(self)
    }
}

/// `runtime.Goexit`, called at `ip`.
pub(crate) fn goexit(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    cx.begin(ip, fp, [0, 0], true)
}

/// Where a frame may be put on top of the frame that the last panic was raised in.
fn top(cx: &Running<'_>, record: &PanicRecord) -> usize {
    record.frame + cx.function_at(record.offset).function.frame_size as usize + 2
}

/// Runs the next deferred call of the last panic, or ends the goroutine or the program.
fn go_on(cx: &mut Running<'_>) -> Next {
    let (Some(record), Some(defer)) = (
        cx.fiber.panics().last().copied(),
        cx.fiber.defers().last().copied(),
    ) else {
        return match cx.fiber.panics().last() {
            Some(record) if record.goexit => cx.leave(Switch::Goexit),
            _ => die(cx),
        };
    };
    let index = top(cx, &record);
    if let Some(last) = cx.fiber.last_panic() {
        last.deferred_call = index;
        last.deferring_frame = defer.frame;
        last.deferring_offset = defer.offset;
    }
    let (ip, fp) = (cx.instruction(record.offset), cx.frame(record.frame));
    let back = cx.return_word(cx.instruction(u32::from(stub::PANIC)), index - record.frame);
    // SAFETY: there is a deferred call; the frame at `record.frame` ends below `index`, and nothing lies above it.
    unsafe { enter_deferred(cx, ip, fp, index, back) }
}

/// A deferred call that the last panic made has returned.
///
/// # Safety
/// INVARIANT CODE.
pub(crate) unsafe fn deferred_call_returned(cx: &mut Running<'_>) -> Next {
    let Some(record) = cx.fiber.panics().last().copied().filter(|r| r.recovered) else {
        return go_on(cx);
    };
    let mut goexit = false;
    if let Some(lists) = cx.fiber.unwinding() {
        lists.panics.pop();
        let is_over = |p: &mut PanicRecord| p.deferred_call > record.deferring_frame;
        while let Some(older) = lists.panics.pop_if(is_over) {
            goexit |= older.goexit;
        }
    }
    let function = cx.function_at(record.deferring_offset);
    let recovery = function
        .function
        .recovery
        .expect("the linker wants recovery code where there is a defer");
    let ip = cx.instruction(function.start + recovery);
    let fp = cx.frame(record.deferring_frame);
    if goexit {
        cx.begin(ip, fp, [0, 0], true)
    } else {
        Next { ip, fp }
    }
}

/// The value of `recover()` at instruction `ip` in frame `fp`.
///
/// # Safety
/// INVARIANT CODE.
pub(crate) unsafe fn recover(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> [u64; 2] {
    const NIL: [u64; 2] = [0, 0];
    let Some(record) = cx
        .fiber
        .panics()
        .last()
        .copied()
        .filter(|r| !r.goexit && !r.recovered)
    else {
        return NIL;
    };
    let mut index = cx.index_of(fp);
    // `defer recover()`: the wrapper stands for the builtin, which the function calls that deferred it, or nobody if a panic runs it.
    if cx.function_at(cx.offset_of(ip)).function.wrapper {
        if index == record.deferred_call {
            return NIL;
        }
        // SAFETY: every frame has a return word.
        index -= (unsafe { *fp.sub(2) } >> WINDOW_SHIFT) as usize;
    }
    while index != record.deferred_call {
        // A wrapper between the deferred call and its function does not count.
        // SAFETY: every frame has a return word.
        let word = unsafe { *cx.frame(index).sub(2) };
        let offset = ((word & OFFSET_MASK) / size_of::<Word>() as u64) as u32;
        match cx.machine.image.function_at(offset) {
            Some(caller) if caller.function.wrapper => index -= (word >> WINDOW_SHIFT) as usize,
            _ => return NIL,
        }
    }
    if let Some(last) = cx.fiber.last_panic() {
        last.recovered = true;
    }
    record.value
}

/// The text of the panic with this number is asked for next.
fn set_dying(cx: &mut Running<'_>, next: u32) {
    if let Some(lists) = cx.fiber.unwinding() {
        lists.dying = Some(next);
    }
}

/// Nobody has recovered: asks for the texts of the values, then ends the program.
fn die(cx: &mut Running<'_>) -> Next {
    if cx.fiber.dying().is_some() {
        return died_printing(cx);
    }
    set_dying(cx, 0);
    next_text(cx)
}

/// Asks for the next text; ends the program when there are all.
fn next_text(cx: &mut Running<'_>) -> Next {
    let image = &cx.machine.image;
    loop {
        let next = cx.fiber.dying().unwrap_or(0);
        let Some(record) = cx.fiber.panics().get(next as usize).copied() else {
            return died(cx);
        };
        let string = image.types.get(image.known.string).word();
        if !record.goexit && record.value[0] != string {
            let (Some(function), Some(last)) =
                (image.known.panic_text, cx.fiber.panics().last().copied())
            else {
                set_dying(cx, next + 1);
                continue;
            };
            let index = top(cx, &last);
            let (ip, fp) = (cx.instruction(last.offset), cx.frame(last.frame));
            // Two more slots: the argument.
            if let Err(error) = cx.ensure_stack(index + 2) {
                return cx.stack_overflow(ip, fp, error);
            }
            let back = cx.return_word(cx.instruction(u32::from(stub::TEXT)), index - last.frame);
            let fp = cx.frame(index);
            // SAFETY: the stack reaches beyond `index + 2`.
            unsafe {
                *fp.sub(2) = back;
                *fp = record.value[0];
                *fp.add(1) = record.value[1];
                return enter(
                    cx,
                    cx.instruction(image.functions[function.0 as usize].start),
                    fp,
                );
            }
        }
        if !record.goexit {
            // SAFETY: the data word of an interface that holds a string.
            let (pointer, length) = unsafe { crate::moves::load128(record.value[1]) };
            if let Some(record) = cx.fiber.panic(next) {
                record.text = Some([pointer, length]);
            }
        }
        set_dying(cx, next + 1);
    }
}

/// `panicText` has returned to the frame of the last panic.
///
/// # Safety
/// INVARIANT CODE.
pub(crate) unsafe fn text_returned(cx: &mut Running<'_>, _: *mut u64) -> Next {
    let next = cx.fiber.dying().unwrap_or(0);
    if let Some(last) = cx.fiber.panics().last().copied() {
        let result = cx.frame(top(cx, &last));
        // SAFETY: results stand in the first slots of the frame that has returned.
        let text = unsafe { [*result, *result.add(1)] };
        if let Some(record) = cx.fiber.panic(next) {
            record.text = Some(text);
        }
    }
    set_dying(cx, next + 1);
    next_text(cx)
}

fn text_of(record: &PanicRecord) -> String {
    match record.text {
        // SAFETY: a string that the record keeps alive.
        Some([pointer, length]) => unsafe {
            String::from_utf8_lossy(equality::bytes(pointer, length)).into_owned()
        },
        None => {
            // SAFETY: a type word.
            let name = unsafe { crate::types::RuntimeType::from_word(record.value[0]) }
                .map_or("nil", |ty| ty.name());
            format!("({name}) {:#x}", record.value[1])
        }
    }
}

/// The text of the panic by a nil pointer.
pub(crate) const NIL_DEREFERENCE: &str = "invalid memory address or nil pointer dereference";

/// The run-time errors of which Go has one value each. GO: panic.go `memoryError`, `divideError`, `shiftError`.
const ONE_OF_A_KIND: [&str; 3] = [
    NIL_DEREFERENCE,
    "integer divide by zero",
    "negative shift amount",
];

/// Type words of values that panics are compared by.
#[derive(Clone, Copy)]
struct KnownWords {
    string: u64,
    nil_error: u64,
    runtime_error: u64,
}

/// What Go prints for panics that nobody recovered. GO: panic.go `printpanics`.
///
/// A panic with the very value of the one before is not shown again. Go compares the words of the interfaces, and keeps one copy of each
/// string literal: here the bytes of the two strings must be the same ones. A `*runtime.PanicNilError` points to nothing there, so all are one,
/// and of each run-time error without figures in it there is only one.
fn describe(panics: &[PanicRecord], known: KnownWords) -> String {
    let mut out = String::new();
    let mut previous: Option<&PanicRecord> = None;
    let repanicked = |p: &PanicRecord, next: &PanicRecord| {
        let same_literal = || {
            [p.value[0], next.value[0]] == [known.string; 2]
                && p.text == next.text
                && p.text.is_some()
        };
        let both_nil = || [p.value[0], next.value[0]] == [known.nil_error; 2];
        let same_error = || {
            let text = text_of(p);
            [p.value[0], next.value[0]] == [known.runtime_error; 2]
                && ONE_OF_A_KIND.iter().any(|one| text.ends_with(one))
                && text == text_of(next)
        };
        let is_same = || p.value == next.value || same_literal() || both_nil() || same_error();
        !p.goexit && !next.goexit && is_same()
    };
    for (index, record) in panics.iter().enumerate() {
        if record.goexit {
            previous = Some(record);
            continue;
        }
        if let Some(previous) = previous {
            if repanicked(previous, record) {
                continue;
            }
            if !previous.goexit {
                out.push('\t');
            }
        }
        out.push_str("panic: ");
        out.push_str(&text_of(record).replace('\n', "\n\t"));
        let again = panics
            .get(index + 1)
            .is_some_and(|next| repanicked(record, next));
        if record.recovered && again {
            out.push_str(" [recovered, repanicked]");
        } else if record.recovered {
            out.push_str(" [recovered]");
        }
        out.push('\n');
        previous = Some(record);
    }
    out
}

fn died(cx: &mut Running<'_>) -> Next {
    let (types, known) = (&cx.machine.image.types, &cx.machine.image.known);
    let known = KnownWords {
        string: types.get(known.string).word(),
        nil_error: types.get(known.panic_nil_error).word(),
        runtime_error: types.get(known.runtime_error).word(),
    };
    let mut head = describe(cx.fiber.panics(), known);
    let is_nil_dereference = |record: &PanicRecord| {
        record.value[0] == known.runtime_error && text_of(record).ends_with(NIL_DEREFERENCE)
    };
    if cx.fiber.panics().iter().any(is_nil_dereference) {
        // Go's own figures are those of its machine code; there is no signal here, so there are none.
        head.push_str("[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x0]\n");
    }
    finish(cx, &head)
}

fn died_printing(cx: &mut Running<'_>) -> Next {
    let text = cx.fiber.panics().last().map(|record| {
        let string = cx
            .machine
            .image
            .types
            .get(cx.machine.image.known.string)
            .word();
        if record.value[0] == string {
            // SAFETY: the data word of an interface that holds a string.
            let (pointer, length) = unsafe { crate::moves::load128(record.value[1]) };
            // SAFETY: a live string.
            return format!(": {}", unsafe {
                String::from_utf8_lossy(equality::bytes(pointer, length))
            });
        }
        String::new()
    });
    let head = format!(
        "fatal error: panic while printing panic value{}\n",
        text.unwrap_or_default()
    );
    finish(cx, &head)
}

fn finish(cx: &mut Running<'_>, head: &str) -> Next {
    if let Some(last) = cx.fiber.panics().last().copied() {
        cx.fiber.frame = last.frame;
        cx.fiber.offset = last.offset;
        cx.fiber.safepoint = Safepoint::Unwinding;
    }
    if let Some(call) = cx.fiber.call.take() {
        // It is the host that the panic arrives at.
        let trace = with_trace(cx.machine, cx.slice.goroutine(), cx.fiber, "");
        call.fail(CallFailure::Panic {
            message: head.trim_end().to_owned(),
            trace: trace.trim_start().to_owned(),
        });
        return cx.leave(Switch::Exit);
    }
    if let Some(scope) = &cx.fiber.scope {
        let trace = with_trace(cx.machine, cx.slice.goroutine(), cx.fiber, "");
        scope.crashed(head.trim_end().to_owned(), trace.trim_start().to_owned());
        return cx.leave(Switch::Exit);
    }
    let text = with_trace(cx.machine, cx.slice.goroutine(), cx.fiber, head);
    let shows_others = cx.machine.traceback.level() >= TracebackLevel::All;
    cx.leave(Switch::Fatal(Failure { text, shows_others }))
}

/// Ends the program. What is not the program's own error shows all goroutines, if any are to be shown.
pub(crate) fn fatal(cx: &mut Running<'_>, head: &str, own: bool) -> Next {
    let text = with_trace(cx.machine, cx.slice.goroutine(), cx.fiber, head);
    let level = cx.machine.traceback.level();
    let least = if own {
        TracebackLevel::All
    } else {
        TracebackLevel::Single
    };
    let shows_others = level >= least;
    cx.leave(Switch::Fatal(Failure { text, shows_others }))
}

/// `head`, then the trace of the goroutine, if traces are wanted.
pub(crate) fn with_trace(
    machine: &Machine,
    goroutine: GoroutineId,
    fiber: &Fiber,
    head: &str,
) -> String {
    if machine.traceback.level() == TracebackLevel::None {
        return head.to_owned();
    }
    let labels = traceback::labels(fiber);
    let mut out = format!("{head}\ngoroutine {} [running]{labels}:\n", goroutine.0);
    crate::trace::print(machine, fiber, &mut out);
    out
}

/// The goroutine that runs on a thread: its machine, number and fiber, and its slice.
#[derive(Clone, Copy)]
struct OnThisThread {
    machine: *const Machine,
    goroutine: GoroutineId,
    fiber: *const Fiber,
    slice: *const Slice<'static, Machine>,
}

thread_local! {
    /// The goroutine that runs on this thread.
    static RUNNING: Cell<Option<OnThisThread>> = const { Cell::new(None) };
    /// Its native was told that nobody wants its results.
    static ABANDONED: Cell<bool> = const { Cell::new(false) };
}

/// As long as it lives, [`trace_of_native`] and [`is_abandoned`] know which goroutine runs on this thread.
pub(crate) struct OnThread(Option<OnThisThread>);

impl OnThread {
    pub(crate) fn new(machine: &Machine, slice: &Slice<'_, Machine>, fiber: &Fiber) -> OnThread {
        ABANDONED.set(false);
        let entry = OnThisThread {
            machine: ptr::from_ref(machine),
            goroutine: slice.goroutine(),
            fiber: ptr::from_ref(fiber),
            slice: ptr::from_ref(slice).cast(),
        };
        OnThread(RUNNING.replace(Some(entry)))
    }
}

impl Drop for OnThread {
    fn drop(&mut self) {
        RUNNING.set(self.0);
    }
}

/// See [`crate::native::is_abandoned`].
pub(crate) fn is_abandoned() -> bool {
    // SAFETY: slice and fiber outlive the run that `OnThread` stands for.
    // The fiber is nobody else's while its native runs.
    let ending = RUNNING.get().is_some_and(|running| unsafe {
        let fiber = &*running.fiber;
        (*running.slice).is_ending()
            || fiber.in_native
                && fiber.call.is_to_end()
                && fiber.shields.get() == 0
                && !fiber.is_leaving()
    });
    if ending {
        ABANDONED.set(true);
    }
    ending
}

/// Whether the native that has just returned was told so: its results mean nothing.
#[inline]
pub(crate) fn was_abandoned() -> bool {
    ABANDONED.get()
}

/// `head`, followed by the trace of the goroutine whose native runs on this thread; `head` alone if none does. For an allocator that refuses a native
/// memory, which can only end the process then.
#[must_use]
pub fn trace_of_native(head: &str) -> String {
    match RUNNING.get() {
        // SAFETY: both outlive the run that `OnThread` stands for. While a native runs, the interpreter waits for it on this thread and nobody
        // changes the fiber.
        Some(running) if unsafe { (*running.fiber).in_native } => unsafe {
            with_trace(&*running.machine, running.goroutine, &*running.fiber, head)
        },
        _ => head.to_owned(),
    }
}
