//! Natives of package errors.

use bytecode::TypeKind;
use vm::border::{Any, View};
use vm::native::NativeContext;
use vm::natives;

use crate::fmt::printer::{Method, has_method};

fn is_comparable(value: Any<'_>) -> bool {
    value.ty().is_some_and(|ty| ty.comparable)
}

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

fn assign(target: Any<'_>, value: Any<'_>) -> bool {
    target
        .view()
        .and_then(|view: View<'_>| view.pointee())
        .is_some_and(|place| place.assign(value))
}

natives! {
    pure "isComparable" => is_comparable;
    pure "checkTarget" => check_target;
    pure "assign" => assign;
}
