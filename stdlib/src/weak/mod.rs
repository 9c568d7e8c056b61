//! Natives of package weak.

use vm::border::{Any, Reference};
use vm::native::{GoPanic, NativeContext};
use vm::natives;

fn handle_of<'h>(
    context: &mut NativeContext<'h>,
    pointer: Any<'h>,
) -> Result<Reference<'h>, GoPanic> {
    context.weak_handle(pointer)
}

fn target<'h>(context: &mut NativeContext<'h>, handle: Reference<'h>, like: Any<'h>) -> Any<'h> {
    context.weak_target(handle, like)
}

natives! {
    pure "handleOf" => handle_of;
    pure "target" => target;
}
