//! Finalizers and cleanups.

use vm::border::{Any, Reference};
use vm::heap::DueKind;
use vm::native::{GoPanic, NativeContext};

pub(super) fn set_finalizer<'h>(
    context: &mut NativeContext<'h>,
    object: Any<'h>,
    finalizer: Any<'h>,
    runner: Reference<'h>,
) -> Result<(), GoPanic> {
    context.set_finalizer(object, finalizer, runner)
}

type NextFinalizer<'h> = (i64, Reference<'h>, Reference<'h>, Reference<'h>, Any<'h>);

/// The numbers are those of finalizers.gl.
pub(super) fn next_finalizer<'h>(context: &mut NativeContext<'h>) -> NextFinalizer<'h> {
    let nil = Reference::NIL;
    match context.next_due(DueKind::Finalizer) {
        None => (0, nil, nil, nil, Any::NIL),
        Some((function, pointer, value)) if value.is_nil() => (1, function, pointer, nil, Any::NIL),
        Some((function, _, value)) => (2, nil, nil, function, value),
    }
}

pub(super) fn runner_ended(context: &mut NativeContext<'_>, cleanups: bool) {
    context.runner_ended(if cleanups {
        DueKind::Cleanup
    } else {
        DueKind::Finalizer
    });
}

pub(super) fn runners_at_work(context: &mut NativeContext<'_>) -> bool {
    context.runners_at_work()
}

pub(super) fn add_cleanup<'h>(
    context: &mut NativeContext<'h>,
    pointer: Any<'h>,
    argument: Any<'h>,
    cleanup: Any<'h>,
    run: Reference<'h>,
    runner: Reference<'h>,
) -> Result<u64, GoPanic> {
    context.add_cleanup(pointer, argument, cleanup, run, runner)
}

pub(super) fn stop_cleanup(context: &mut NativeContext<'_>, number: u64) {
    context.stop_cleanup(number);
}

pub(super) fn next_cleanup<'h>(context: &mut NativeContext<'h>) -> Reference<'h> {
    match context.next_due(DueKind::Cleanup) {
        Some((function, ..)) => function,
        None => Reference::NIL,
    }
}
