//! Walking the frames of a fiber that is not running: for tracebacks and for the collector.

use std::collections::VecDeque;
use std::fmt::Write;
use std::ops::ControlFlow;
use std::sync::PoisonError;

use bytecode::RED_ZONE;

use crate::engine::Machine;
use crate::fiber::{EXACT, Fiber, OFFSET_MASK, Safepoint, WINDOW_SHIFT};
use crate::heap::Marker;
use crate::image::{Image, LinkedFunction};
use crate::running::stub;

/// Where a frame stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Position {
    /// Before the first instruction.
    Entry(u32),
    /// At this instruction, which is a safepoint.
    At(u32),
    /// In a call that returns here.
    Returning(u32),
    /// At the instruction that panicked.
    Unwinding(u32),
}

impl Position {
    /// Word offset of an instruction in the frame's function.
    pub(crate) fn offset(self) -> u32 {
        match self {
            Position::Entry(offset)
            | Position::At(offset)
            | Position::Returning(offset)
            | Position::Unwinding(offset) => offset,
        }
    }

    /// Word offset to look for in the line table: of a call, not of what follows it.
    fn line_offset(self) -> u32 {
        match self {
            Position::Returning(offset) => offset.saturating_sub(1),
            other => other.offset(),
        }
    }
}

/// One frame of a walk.
pub(crate) struct Frame<'i> {
    /// Slot index.
    pub(crate) index: usize,
    pub(crate) function: &'i LinkedFunction,
    pub(crate) position: Position,
    /// It was called because of a panic.
    pub(crate) by_panic: bool,
}

/// Calls `visit` with each frame, the innermost first.
pub(crate) fn walk<'i>(image: &'i Image, fiber: &Fiber, mut visit: impl FnMut(Frame<'i>)) {
    walk_while(image, fiber, |frame| {
        visit(frame);
        ControlFlow::Continue(())
    });
}

/// Calls `visit` with each frame, the innermost first, until it breaks off.
pub(crate) fn walk_while<'i>(
    image: &'i Image,
    fiber: &Fiber,
    mut visit: impl FnMut(Frame<'i>) -> ControlFlow<()>,
) {
    let mut index = fiber.frame;
    let mut position = match fiber.safepoint {
        Safepoint::Entry => Position::Entry(fiber.offset),
        Safepoint::At(offset) => Position::At(offset),
        Safepoint::Unwinding => Position::Unwinding(fiber.offset),
    };
    let mut last: Option<&LinkedFunction> = None;
    // Panics not met yet: their frames come in the order of the list, the newest first.
    let mut panics = fiber.panics();
    loop {
        let offset = position.offset();
        let function = match last {
            Some(function) if (function.start..function.end).contains(&offset) => function,
            _ => match image.function_at(offset) {
                Some(function) => function,
                None => return,
            },
        };
        last = Some(function);
        // SAFETY: every frame has a return word two slots below its first register.
        let word = unsafe { *fiber.stack.base().add(index - 2) };
        let offset = ((word & OFFSET_MASK) / size_of::<bytecode::Word>() as u64) as u32;
        let by_panic = offset == u32::from(stub::PANIC);
        let frame = Frame {
            index,
            function,
            position,
            by_panic,
        };
        if visit(frame).is_break() {
            return;
        }
        if offset == u32::from(stub::END) {
            return;
        }
        let callee = index;
        index -= (word >> WINDOW_SHIFT) as usize;
        position = if by_panic {
            match panics.iter().rposition(|p| p.deferred_call == callee) {
                Some(at) => {
                    let panic = &panics[at];
                    panics = &panics[..at];
                    Position::Unwinding(panic.offset)
                }
                None => return,
            }
        } else if offset == u32::from(stub::TEXT) {
            match panics.iter().rev().find(|p| p.frame == index) {
                Some(panic) => Position::Unwinding(panic.offset),
                None => return,
            }
        } else if word & EXACT != 0 {
            Position::At(offset)
        } else {
            Position::Returning(offset)
        };
    }
}

/// Reports all references of a fiber. Returns how many slots of its stack are in use, the red zone above them included.
pub(crate) fn mark(machine: &Machine, fiber: &Fiber, marker: &mut Marker<'_>) -> usize {
    let mut used = 0;
    walk(&machine.image, fiber, |frame| {
        let function = frame.function;
        let end = frame.index + function.function.frame_size as usize + RED_ZONE as usize;
        used = used.max(end);
        // SAFETY: registers that a live map names lie in the frame and have been written (INVARIANT of the compiler's maps).
        let slot = |index: usize| unsafe { *fiber.stack.base().add(frame.index + index) };
        if !function.function.captures.is_empty() {
            // SAFETY: the slot below the registers; functions that capture are only called through closures, which write it.
            marker.mark_reference(unsafe { *fiber.stack.base().add(frame.index - 1) });
        }
        let map = match frame.position {
            Position::Entry(_) => {
                for (index, kind) in function.function.parameters.iter().enumerate() {
                    marker.mark_slot(*kind, index, slot);
                }
                return;
            }
            Position::At(offset) => function.live_map(&machine.image, offset),
            Position::Returning(offset) => function.live_map_of_call(&machine.image, offset),
            Position::Unwinding(_) => function
                .function
                .recovery
                .and_then(|recovery| function.live_map(&machine.image, function.start + recovery)),
        };
        for (index, kind) in map.unwrap_or_default() {
            marker.mark_slot(*kind, usize::from(*index), slot);
        }
    });
    for defer in fiber.defers() {
        if defer.closure == 0 {
            // It panics before anybody looks at its arguments.
            continue;
        }
        marker.mark_reference(defer.closure);
        // SAFETY: a closure, which was alive when the call was deferred and has been a root since.
        let code = unsafe { crate::ops::calls::code_of(defer.closure) };
        let offset =
            (code as usize - machine.image.code.as_ptr() as usize) / size_of::<bytecode::Word>();
        let Some(callee) = machine.image.function_at(offset as u32) else {
            continue;
        };
        let arguments = &fiber.defer_arguments()[defer.first_argument..];
        for (index, kind) in callee.function.parameters.iter().enumerate() {
            marker.mark_slot(*kind, index, |index| arguments[index]);
        }
    }
    if let Some(scope) = &fiber.scope {
        scope.mark(marker);
    }
    if let Some(starts_in) = fiber.starts_in.take() {
        if let Some(scope) = &*starts_in {
            scope.mark(marker);
        }
        fiber.starts_in.set(Some(starts_in));
    }
    for panic in fiber.panics() {
        marker.mark_interface(panic.value[0], panic.value[1]);
        if let Some(text) = panic.text {
            marker.mark_reference(text[0]);
        }
    }
    used
}

/// Marks a value on its way through a channel.
pub(crate) fn mark_transfer(transfer: &crate::engine::Transfer, marker: &mut Marker<'_>) {
    // SAFETY: null or a type of the image.
    let Some(ty) = (unsafe { transfer.ty.as_ref() }) else {
        return;
    };
    for (index, kind) in ty.descriptor.slots.iter().enumerate() {
        marker.mark_slot(*kind, index, |index| transfer.slots[index]);
    }
}

/// Frames printed at each end of a long trace.
const PRINTED: usize = 50;

/// Appends the trace of a fiber in Go's format, without the `goroutine 1 [running]:` line.
pub(crate) fn print(machine: &Machine, fiber: &Fiber, out: &mut String) {
    let image = &machine.image;
    // A stack may have tens of millions of frames: only those that are printed become text.
    let mut head: Vec<Frame<'_>> = Vec::new();
    let mut tail: VecDeque<Frame<'_>> = VecDeque::new();
    let mut elided = 0usize;
    walk(image, fiber, |frame| {
        if (frame.function.function.wrapper || image.is_entry(frame.function)) && !frame.by_panic {
            return;
        }
        if head.len() < PRINTED {
            head.push(frame);
            return;
        }
        if tail.len() == PRINTED {
            tail.pop_front();
            elided += 1;
        }
        tail.push_back(frame);
    });
    let print = |frames: &mut dyn Iterator<Item = &Frame<'_>>, out: &mut String| {
        for frame in frames {
            if !frame.function.function.wrapper && !image.is_entry(frame.function) {
                out.push_str(&frame_text(machine, frame.function, frame.position));
            }
            if frame.by_panic {
                out.push_str("panic(...)\n");
            }
        }
    };
    print(&mut head.iter(), out);
    if elided > 0 {
        let _ = writeln!(out, "...{elided} frames elided...");
    }
    print(&mut tail.iter(), out);
    if let Some(function) = image.function_at(fiber.created_at) {
        let _ = write!(
            out,
            "created by {} in goroutine {}\n\t{}\n",
            function.function.name,
            fiber.created_by.0,
            place(machine, function, fiber.created_at)
        );
    }
}

fn frame_text(machine: &Machine, function: &LinkedFunction, position: Position) -> String {
    let arguments = if function.function.parameters.is_empty() {
        "()"
    } else {
        "(...)"
    };
    format!(
        "{}{arguments}\n\t{}\n",
        function.function.name,
        place(machine, function, position.line_offset())
    )
}

/// `/path/file.gl:12 +0x1a`.
fn place(machine: &Machine, function: &LinkedFunction, offset: u32) -> String {
    let relative = offset - function.start;
    let line = match position_of(machine, function, offset) {
        Some((path, line)) => format!("{path}:{line}"),
        None => "?:0".to_owned(),
    };
    format!(
        "{line} +{:#x}",
        relative as usize * size_of::<bytecode::Word>()
    )
}

/// File and line of the instruction at `offset`.
pub(crate) fn position_of(
    machine: &Machine,
    function: &LinkedFunction,
    offset: u32,
) -> Option<(String, u32)> {
    let relative = offset - function.start;
    let lines = &function.function.lines;
    let index = lines.partition_point(|l| l.0 <= relative);
    let range = index
        .checked_sub(1)
        .map(|i| lines[i].1)
        .or(function.function.range)?;
    let sources = machine
        .sources
        .read()
        .unwrap_or_else(PoisonError::into_inner);
    let sources = sources.as_ref()?;
    Some((
        sources.file(range.file).name().to_owned(),
        sources.line_column(range).line,
    ))
}

/// The program counters of a running fiber that calls a native, innermost first: as Go's `runtime.Callers` gives them, without wrappers,
/// with the machine's own functions (`runtime.gopanic`, `runtime.main`, `runtime.goexit`) where Go has them. `visit` may break off.
///
/// A program counter is the address of a word of code, or one byte further when it is that of an instruction that panicked and not
/// where a call returns to: so one less always lies in the instruction in question. GO: traceback.go `tracebackPCs`
pub(crate) fn program_counters(
    image: &Image,
    fiber: &Fiber,
    mut visit: impl FnMut(u64) -> ControlFlow<()>,
) {
    let mut more = ControlFlow::Continue(());
    walk_while(image, fiber, |frame| {
        more = (|| {
            if !frame.function.function.wrapper || image.is_entry(frame.function) {
                visit(match frame.position {
                    Position::Returning(offset) => image.address_of(offset),
                    other => image.address_of(other.offset()) + 1,
                })?;
            }
            // A deferred function that a panic runs is called by the panic. GO: runtime.gopanic
            if frame.by_panic {
                visit(image.address_of(u32::from(stub::PANIC)) + 1)?;
            }
            ControlFlow::Continue(())
        })();
        more
    });
    if more.is_continue() {
        let _ = visit(image.address_of(u32::from(stub::END)) + 1);
    }
}

/// File and line of the instruction at an address of code; `None` for the machine's own functions and what is no code.
pub(crate) fn position_of_address(machine: &Machine, address: u64) -> Option<(String, u32)> {
    let offset = machine.image.offset_of(address)?;
    position_of(machine, machine.image.function_at(offset)?, offset)
}

/// What lies at a program counter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The function's name, with that of its package.
    pub function: String,
    /// Its file; empty for the machine's own functions.
    pub file: String,
    /// The line of the instruction; 0 if it is not known.
    pub line: u32,
}

impl Machine {
    /// What lies at a program counter as `runtime.Callers` gives it: of the call that returns there, or of the instruction before it. `None` for
    /// what is none. For profiles.
    pub fn place_of(&self, counter: u64) -> Option<Place> {
        let address = counter.checked_sub(1)?;
        let function = self.image.function_name(address)?.to_owned();
        let (file, line) = position_of_address(self, address).unwrap_or_default();
        Some(Place {
            function,
            file,
            line,
        })
    }
}
