//! Natives of package errors.

use bytecode::TypeKind;
use vm::border::Any;
use vm::native::NativeContext;
use vm::natives;

use crate::fmt::printer::{Method, has_method};
use crate::internal::values;

/// errors.gl's `checkTarget`.
fn check_target(context: &mut NativeContext<'_>, target: Any<'_>) -> i64 {
    let Some(view) = target.view() else { return 1 };
    if !matches!(view.kind(), TypeKind::Pointer { .. }) || view.is_nil() {
        return 2;
    }
    let element = view.ty().element();
    if element.is_interface() || has_method(context, element, Method::Error) {
        0
    } else {
        3
    }
}

natives! {
    pure "isComparable" => values::is_comparable;
    pure "checkTarget" => check_target;
    pure "assign" => values::assign;
}
