//! What the interpreter carries along while a goroutine runs, and the cold ways out of an instruction.
//!
//! INVARIANT (CODE): `ip` always points to the first word of an instruction of a verified function (or to a stub) of the
//! running image, and `fp` to a frame of the running fiber's stack that is large enough for that function: function entry has checked it
//! (red zone), [`bytecode::op::CheckStack`] for large frames. Hence every register operand is in bounds, and every jump of
//! the code keeps the invariant. All `unsafe` in the interpreter and in `ops` that reads code or registers rests on this.
//!
//! INVARIANT (VALUES): a slot that the compiler treats as string, slice, interface or reference holds one, whole, and what it refers to is
//! alive: slots are private to the goroutine, and the collector runs only at safepoints, where live maps list them.

use std::num::NonZero;
use std::ptr::NonNull;
use std::sync::atomic::AtomicUsize;

use bytecode::{Opcode, RED_ZONE, TypeId, TypeKind, Word};
use runtime::{SafepointAction, Slice, Switch};

use crate::engine::{Machine, PerProcessor, Stress};
use crate::fiber::{EXACT, Fiber, OFFSET_MASK, Pending, Refused, Safepoint, WINDOW_SHIFT};
use crate::heap::OutOfMemory;
use crate::image::LinkedFunction;
use crate::native::{FinishNative, GoPanic};
use crate::panics;
use crate::stack::GrowError;
use crate::traceback::Failure;
use crate::types::RuntimeType;
use crate::vm::Limit;

/// Where to go on: next instruction and frame. Two registers.
#[derive(Clone, Copy)]
pub(crate) struct Next {
    pub(crate) ip: *const Word,
    pub(crate) fp: *mut u64,
}

/// Requests up to this size are small: see [`Running::out_of_memory`].
const SMALL_REQUEST: u64 = 32 << 10;

/// The stubs at the head of an image's code, by number.
pub(crate) mod stub {
    /// Leaves the loop: [`super::Running::switch`] says why.
    pub(crate) const LEAVE: u16 = 0;
    /// A goroutine's first function has returned.
    pub(crate) const END: u16 = 1;
    /// A deferred call has returned that ran because of a panic.
    pub(crate) const PANIC: u16 = 2;
    /// `panicText` has returned.
    pub(crate) const TEXT: u16 = 3;
    pub(crate) const COUNT: u16 = 4;
}

/// The interpreter's context, one per run of a fiber.
pub(crate) struct Running<'a> {
    /// The safepoint word.
    pub(crate) limit: &'a AtomicUsize,
    pub(crate) code: *const Word,
    pub(crate) types: *const NonNull<RuntimeType>,
    pub(crate) strings: *const [u64; 2],
    pub(crate) closures: *const u64,
    pub(crate) globals: u64,
    pub(crate) machine: &'a Machine,
    pub(crate) local: &'a mut PerProcessor,
    pub(crate) fiber: &'a mut Fiber,
    pub(crate) slice: &'a Slice<'a, Machine>,
    /// Why the loop is left.
    pub(crate) switch: Option<Switch<Machine>>,
}

impl<'a> Running<'a> {
    pub(crate) fn new(
        machine: &'a Machine,
        fiber: &'a mut Fiber,
        local: &'a mut PerProcessor,
        slice: &'a Slice<'a, Machine>,
    ) -> Running<'a> {
        let image = &machine.image;
        Running {
            limit: slice.limit(),
            code: image.code.as_ptr(),
            types: image.types.pointers().as_ptr(),
            strings: image.strings.as_ptr(),
            closures: image.closures.as_ptr(),
            globals: image.globals.start(),
            machine,
            local,
            fiber,
            slice,
            switch: None,
        }
    }

    /// The type an operand names.
    #[inline(always)]
    pub(crate) fn ty(&self, id: TypeId) -> &'a RuntimeType {
        // SAFETY: the verifier has compared the id with the table; types live as long as the machine (INVARIANT TYPES).
        unsafe { (*self.types.add(id.0 as usize)).as_ref() }
    }

    /// Word offset of an instruction in the image.
    #[inline(always)]
    pub(crate) fn offset_of(&self, ip: *const Word) -> u32 {
        // Both lie in the image's code (INVARIANT CODE).
        ((ip as usize - self.code as usize) / size_of::<Word>()) as u32
    }

    /// The instruction at a word offset of the image.
    #[inline(always)]
    pub(crate) fn instruction(&self, offset: u32) -> *const Word {
        self.code.wrapping_add(offset as usize)
    }

    /// Slot index of a frame.
    #[inline(always)]
    pub(crate) fn index_of(&self, fp: *const u64) -> usize {
        (fp as usize - self.fiber.stack.base() as usize) / 8
    }

    /// The frame at a slot index.
    #[inline(always)]
    pub(crate) fn frame(&self, index: usize) -> *mut u64 {
        self.fiber.stack.base().wrapping_add(index)
    }

    /// The function that the instruction at `offset` belongs to.
    pub(crate) fn function_at(&self, offset: u32) -> &'a LinkedFunction {
        self.machine
            .image
            .function_at(offset)
            .expect("an instruction of a function")
    }

    /// The limit that this fiber wants in the safepoint word.
    #[inline]
    pub(crate) fn own_limit(&self) -> usize {
        let options = &self.machine.options;
        if options.stress != Stress::None
            || options.fuel.is_some()
            || self.local.burst.is_some()
            || self.fiber.is_to_end()
        {
            // Every safepoint is looked at.
            0
        } else {
            self.fiber.stack.limit()
        }
    }

    /// Notes where the fiber stands, so that others may look at it.
    #[inline]
    pub(crate) fn save(&mut self, fp: *const u64, resume: *const Word, safepoint: Safepoint) {
        self.fiber.frame = self.index_of(fp);
        self.fiber.offset = self.offset_of(resume);
        self.fiber.safepoint = safepoint;
    }

    /// Leaves the loop.
    pub(crate) fn leave(&mut self, switch: Switch<Machine>) -> Next {
        self.switch = Some(switch);
        Next {
            ip: self.code.wrapping_add(stub::LEAVE as usize),
            fp: std::ptr::null_mut(),
        }
    }

    /// Leaves the loop at instruction `at`, which ends according to `pending` when the fiber runs again.
    pub(crate) fn leave_pending(
        &mut self,
        at: *const Word,
        fp: *const u64,
        pending: Pending,
        switch: Switch<Machine>,
    ) -> Next {
        let offset = self.offset_of(at);
        self.save(fp, at, Safepoint::At(offset));
        self.fiber.pending = pending;
        self.leave(switch)
    }

    /// Ends the program with `fatal error: text`.
    #[cold]
    #[inline(never)]
    pub(crate) fn fatal(&mut self, ip: *const Word, fp: *const u64, text: &str) -> Next {
        self.die(ip, fp, &format!("fatal error: {text}\n"))
    }

    /// Ends the program with `head` and a trace.
    fn die(&mut self, ip: *const Word, fp: *const u64, head: &str) -> Next {
        let offset = self.offset_of(ip);
        self.save(fp, ip, Safepoint::At(offset));
        panics::fatal(self, head, true)
    }

    /// Memory was refused to the instruction at `ip`, which has changed nothing yet. Collects the heap and runs the instruction again
    /// if it can be stopped at and that may help; else ends the program.
    #[cold]
    #[inline(never)]
    pub(crate) fn out_of_memory(
        &mut self,
        ip: *const Word,
        fp: *const u64,
        full: OutOfMemory,
    ) -> Next {
        // SAFETY: INVARIANT CODE.
        let opcode = Opcode::from_u16(unsafe { (*ip).0[0] });
        if opcode.is_some_and(bytecode::verify::may_retry) {
            // It is not memory that was missing: the instruction has given up, as a native does, since its program is ending. That is the
            // scheduler's to see; to run it again would be to do so for ever where nobody else looks at the clock.
            if panics::was_abandoned() {
                return self.leave_pending(ip, fp, Pending::Again, Switch::Yield);
            }
            if self.may_collect(ip) {
                return self.collect_at(ip, fp);
            }
        }
        self.die_of_memory(ip, fp, full)
    }

    /// Whether a collection may free what the instruction at `ip` was refused.
    fn may_collect(&mut self, ip: *const Word) -> bool {
        let heap = &self.machine.heap;
        if heap.account().refused() == 0 {
            // A refusal of `Cache::may_refuse`.
            return true;
        }
        let Some(limit) = heap.account().limit() else {
            // The system has no more; a collection would need some.
            return false;
        };
        if heap.account().refused() > limit {
            return false;
        }
        let offset = self.offset_of(ip);
        let allocated = heap.allocated();
        let times = match self.fiber.refused {
            Some(last) if last.offset == offset && last.allocated == allocated => return false,
            // Others may have taken what was freed.
            Some(last)
                if last.offset == offset
                    && allocated - last.allocated < heap.account().refused() / 4 =>
            {
                last.times.saturating_add(1)
            }
            _ => NonZero::<u32>::MIN,
        };
        // What is small must pay for its collections, lest a full heap be collected for each object.
        let small = heap.account().refused() <= SMALL_REQUEST;
        if small && heap.allocated_since_collection() < limit / 64 {
            return false;
        }
        self.fiber.refused = Some(Refused {
            offset,
            allocated,
            times,
        });
        small || times.get() <= 3
    }

    /// Collects the heap, then goes on with the instruction at `ip`.
    fn collect_at(&mut self, ip: *const Word, fp: *const u64) -> Next {
        let machine = self.machine.this.upgrade();
        let fiber = self.slice.goroutine();
        let job = Box::new(move |world: &mut runtime::StoppedWorld<'_, Machine>| {
            if let Some(machine) = machine {
                machine.collect_in(world, false);
                world.for_each_goroutine(|goroutine| {
                    if goroutine.id == fiber
                        && let Some(refused) = &mut goroutine.fiber.refused
                    {
                        refused.allocated = machine.heap.allocated();
                    }
                });
            }
            let finish: FinishNative = Box::new(|_, _| Ok(()));
            finish
        });
        self.leave_pending(ip, fp, Pending::Again, Switch::StopTheWorld(job))
    }

    /// Ends the program because there is no memory. GO: mheap.go, malloc.go `throw("out of memory")`
    #[cold]
    #[inline(never)]
    pub(crate) fn die_of_memory(
        &mut self,
        ip: *const Word,
        fp: *const u64,
        _: OutOfMemory,
    ) -> Next {
        let offset = self.offset_of(ip);
        self.save(fp, ip, Safepoint::At(offset));
        self.end_of_memory()
    }

    /// As [`Running::die_of_memory`], of a fiber that has been saved.
    fn end_of_memory(&mut self) -> Next {
        let account = self.machine.heap.account();
        // GO: sizes are told in pages of 8 KiB.
        let refused = account.refused().max(1);
        let refused = refused.checked_next_multiple_of(8192).unwrap_or(refused);
        let mut head = format!(
            "runtime: out of memory: cannot allocate {refused}-byte block ({} in use)\n",
            account.charged()
        );
        if let Some(limit) = account.limit() {
            head.push_str(&format!("runtime: memory is limited to {limit} bytes\n"));
        }
        head.push_str("fatal error: out of memory\n");
        self.machine.note_limit(Limit::Memory);
        // The traces of all goroutines would need memory.
        let text = panics::with_trace(self.machine, self.slice.goroutine(), self.fiber, &head);
        self.leave(Switch::Fatal(Failure {
            text,
            shows_others: false,
        }))
    }

    /// Panics as a native or an instruction asks.
    #[cold]
    #[inline(never)]
    pub(crate) fn go_panic(&mut self, ip: *const Word, fp: *mut u64, panic: &GoPanic) -> Next {
        let known = &self.machine.image.known;
        let (ty, text) = match panic {
            GoPanic::Text(text) => (known.string, text),
            GoPanic::Runtime(text) => (known.runtime_error, text),
            GoPanic::Plain(text) => (known.plain_error, text),
            GoPanic::Fatal(text) => return self.fatal(ip, fp, text),
            GoPanic::Signal(text) => return self.die(ip, fp, &format!("{text}\n")),
            GoPanic::WantsMemory if self.may_collect(ip) => return self.collect_at(ip, fp),
            GoPanic::OutOfMemory | GoPanic::WantsMemory => {
                return self.die_of_memory(ip, fp, OutOfMemory);
            }
        };
        self.panic_text(ip, fp, ty, text)
    }

    /// Panics with `runtime error: text`.
    #[cold]
    #[inline(never)]
    pub(crate) fn runtime_error(&mut self, ip: *const Word, fp: *mut u64, text: &str) -> Next {
        self.panic_text(ip, fp, self.machine.image.known.runtime_error, text)
    }

    /// Panics with a run-time error that prints as the bare text.
    #[cold]
    #[inline(never)]
    pub(crate) fn plain_error(&mut self, ip: *const Word, fp: *mut u64, text: &str) -> Next {
        self.panic_text(ip, fp, self.machine.image.known.plain_error, text)
    }

    /// Panics because of a nil pointer.
    #[cold]
    #[inline(never)]
    pub(crate) fn nil_dereference(&mut self, ip: *const Word, fp: *mut u64) -> Next {
        self.runtime_error(ip, fp, crate::panics::NIL_DEREFERENCE)
    }

    /// Panics because of an index or a slice out of range.
    #[cold]
    #[inline(never)]
    pub(crate) fn bounds_error(&mut self, ip: *const Word, fp: *mut u64, text: &str) -> Next {
        self.panic_text(ip, fp, self.machine.image.known.bounds_error, text)
    }

    /// Panics with a value of a type whose underlying type is string or a struct of one, or that points to such a struct
    /// (INVARIANT: the linker looked at all known types).
    pub(crate) fn panic_text(
        &mut self,
        ip: *const Word,
        fp: *mut u64,
        ty: TypeId,
        text: &str,
    ) -> Next {
        let ty = self.ty(ty);
        let holder = match ty.descriptor.kind {
            TypeKind::Pointer { element } => self.ty(element),
            _ => ty,
        };
        let mut make = || {
            let bytes = if text.is_empty() {
                0
            } else {
                self.local.cache.allocate_uninitialized(text.len())?.get()
            };
            let header = self.local.cache.allocate(holder.site())?.get();
            // SAFETY: new objects of these sizes that nobody else sees.
            unsafe {
                crate::moves::copy_in(bytes, text.as_bytes());
                crate::moves::store128(header, bytes, text.len() as u64);
            }
            Ok(header)
        };
        match make() {
            Ok(header) => self.throw(ip, fp, [ty.word(), header]),
            Err(full) => self.out_of_memory(ip, fp, full),
        }
    }

    /// Makes sure that the frame at slot `index` may be entered. Returns how far `fp`s have moved, as the new base.
    pub(crate) fn ensure_stack(&mut self, index: usize) -> Result<(), GrowError> {
        if self.fiber.stack.slots() >= index + RED_ZONE as usize {
            return Ok(());
        }
        self.fiber.stack.grow(index, self.machine.max_stack())?;
        self.slice.install_limit(self.own_limit());
        Ok(())
    }

    /// The stack cannot grow: ends the program as Go does.
    #[cold]
    #[inline(never)]
    pub(crate) fn stack_overflow(
        &mut self,
        ip: *const Word,
        fp: *const u64,
        error: GrowError,
    ) -> Next {
        self.save(fp, ip, Safepoint::Entry);
        if error == GrowError::OutOfMemory {
            return self.end_of_memory();
        }
        self.machine.note_limit(Limit::Stack);
        let limit = self.machine.max_stack();
        let stack = self.fiber.stack.base() as usize;
        let head = format!(
            "runtime: goroutine stack exceeds {limit}-byte limit\nruntime: sp={:#x} stack=[{:#x}, {:#x}]\nfatal error: stack overflow\n",
            fp as usize,
            stack,
            stack + self.fiber.stack.slots() * 8,
        );
        panics::fatal(self, &head, false)
    }

    /// The return word of a call whose callee returns to `back`.
    #[inline(always)]
    pub(crate) fn return_word(&self, back: *const Word, window: usize) -> u64 {
        (back as usize - self.code as usize) as u64 | (window as u64) << WINDOW_SHIFT
    }

    /// As [`Running::return_word`], for a callee that makes the instruction `back` be executed again.
    #[inline(always)]
    pub(crate) fn exact_return_word(&self, back: *const Word, window: usize) -> u64 {
        self.return_word(back, window) | EXACT
    }

    /// At the end of the instruction at `ip`, which has allocated: whether the heap wants a collection; then asks the scheduler for it. And whether
    /// what was allocated is to be noted with its stack.
    #[inline(always)]
    pub(crate) fn poll_heap(&mut self, ip: *const Word, fp: *const u64) {
        if self.machine.heap.collection_wanted() {
            self.ask_for_collection();
        }
        if self.local.cache.has_sampled() {
            self.note_samples(ip, fp);
        }
    }

    #[cold]
    #[inline(never)]
    fn ask_for_collection(&mut self) {
        self.slice.request_collection();
    }
}

/// A callee's frame pointer lies above the safepoint word at its entry: the stack must grow, or somebody wants something.
///
/// # Safety
/// INVARIANT CODE, but for the size of the frame; `ip` is the callee's first instruction.
#[cold]
#[inline(never)]
pub(crate) unsafe fn enter(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    let index = cx.index_of(fp);
    let mut fp = fp;
    if fp as usize > cx.fiber.stack.limit() {
        if let Err(error) = cx.ensure_stack(index) {
            return cx.stack_overflow(ip, fp, error);
        }
        fp = cx.frame(index);
        // ORDERING: relaxed; the word's protocol is the runtime's (`install_limit`).
        if fp as usize <= cx.limit.load(std::sync::atomic::Ordering::Relaxed) {
            return Next { ip, fp };
        }
    }
    cx.save(fp, ip, Safepoint::Entry);
    at_safepoint(cx, ip, fp)
}

/// A back-edge found its frame pointer above the safepoint word. `at` is the jump, `target` where it leads.
///
/// # Safety
/// INVARIANT CODE.
#[cold]
#[inline(never)]
pub(crate) unsafe fn back_edge(
    cx: &mut Running<'_>,
    at: *const Word,
    target: *const Word,
    fp: *mut u64,
) -> Next {
    let offset = cx.offset_of(at);
    cx.save(fp, target, Safepoint::At(offset));
    at_safepoint(cx, target, fp)
}

/// The program has taken all its steps. The fiber is saved.
#[cold]
fn out_of_fuel(cx: &mut Running<'_>) -> Next {
    cx.machine.note_limit(Limit::Fuel);
    panics::fatal(cx, "fatal error: out of fuel\n", false)
}

fn at_safepoint(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    if cx.machine.options.stress != Stress::None {
        cx.slice.request_collection();
    }
    if cx.machine.options.fuel.is_some() && !cx.machine.take_fuel() {
        return out_of_fuel(cx);
    }
    if cx.local.burst.is_some() || cx.machine.profiler.is_on() {
        crate::cpu_profile::at_safepoint(cx);
    }
    if cx.fiber.is_to_end() {
        // It could not be ended where it was asked to.
        return cx.leave(Switch::Yield);
    }
    match cx.slice.at_safepoint(cx.own_limit()) {
        SafepointAction::Continue => Next { ip, fp },
        SafepointAction::Yield => cx.leave(Switch::Yield),
    }
}

/// Where the caller of the frame at `fp` goes on.
///
/// # Safety
/// INVARIANT CODE.
#[inline(always)]
pub(crate) unsafe fn returning(code: *const Word, fp: *mut u64) -> Next {
    // SAFETY: a frame has a return word, which leads to code of the image and to the caller's frame.
    unsafe {
        let word = *fp.sub(2);
        Next {
            ip: code.byte_add((word & OFFSET_MASK) as usize),
            fp: fp.sub((word >> WINDOW_SHIFT) as usize),
        }
    }
}
