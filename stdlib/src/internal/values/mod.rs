//! Natives of package internal/values.

use bytecode::TypeKind;
use vm::border::{Any, GoSlice, GoStr, View};
use vm::native::{GoPanic, NativeContext};
use vm::natives;

pub(crate) fn type_name(value: Any<'_>) -> String {
    value
        .ty()
        .map_or_else(|| "<nil>".to_string(), |ty| ty.name().to_string())
}

pub(crate) fn is_comparable(value: Any<'_>) -> bool {
    value.ty().is_some_and(|ty| ty.comparable)
}

fn zero<'h>(context: &mut NativeContext<'h>, value: Any<'h>) -> Result<Any<'h>, GoPanic> {
    value.zero_like(context)
}

/// The constants of values.gl, and the size in bits.
fn kind_of(view: Option<View<'_>>) -> (i64, i64) {
    let Some(view) = view else { return (0, 0) };
    match view.kind() {
        TypeKind::Bool => (1, 0),
        TypeKind::Int | TypeKind::Int64 => (2, 64),
        TypeKind::Int8 => (2, 8),
        TypeKind::Int16 => (2, 16),
        TypeKind::Int32 => (2, 32),
        TypeKind::Uint | TypeKind::Uint64 | TypeKind::Uintptr => (3, 64),
        TypeKind::Uint8 => (3, 8),
        TypeKind::Uint16 => (3, 16),
        TypeKind::Uint32 => (3, 32),
        TypeKind::Float32 => (4, 32),
        TypeKind::Float64 => (5, 64),
        TypeKind::String => (6, 0),
        TypeKind::Slice { .. } if matches!(view.ty().element().kind(), TypeKind::Uint8) => (7, 0),
        TypeKind::Pointer { .. } => (8, 0),
        TypeKind::Complex64 { .. } => (10, 32),
        TypeKind::Complex128 { .. } => (10, 64),
        _ => (9, 0),
    }
}

/// What a pointer points to.
fn target(pointer: Any<'_>) -> Option<View<'_>> {
    let view = pointer.view()?;
    match view.kind() {
        TypeKind::Pointer { .. } => view.pointee(),
        _ => None,
    }
}

fn kind(value: Any<'_>) -> (i64, i64) {
    kind_of(value.view())
}

fn kind_of_target(pointer: Any<'_>) -> (i64, i64) {
    kind_of(target(pointer))
}

fn elem<'h>(context: &mut NativeContext<'h>, pointer: Any<'h>) -> Result<Any<'h>, GoPanic> {
    target(pointer).map_or(Ok(Any::NIL), |view| view.to_any(context))
}

pub(crate) fn assign(pointer: Any<'_>, value: Any<'_>) -> bool {
    target(pointer).is_some_and(|place| place.assign(value))
}

fn set_bool(pointer: Any<'_>, value: bool) -> bool {
    target(pointer).is_some_and(|place| place.set_scalar(u64::from(value)))
}

/// A slot holds an integer extended to 64 bits from its type's width.
fn set_int(pointer: Any<'_>, value: i64) -> bool {
    target(pointer).is_some_and(|place| place.set_scalar(value as u64))
}

fn set_uint(pointer: Any<'_>, value: u64) -> bool {
    target(pointer).is_some_and(|place| place.set_scalar(value))
}

fn set_float(pointer: Any<'_>, value: f64) -> bool {
    target(pointer).is_some_and(|place| place.set_scalar(value.to_bits()))
}

fn set_complex(pointer: Any<'_>, real: f64, imaginary: f64) -> bool {
    target(pointer).is_some_and(|place| place.set_complex(real, imaginary))
}

fn set_string<'h>(pointer: Any<'h>, value: GoStr<'h>) -> bool {
    target(pointer).is_some_and(|place| place.set_string(value))
}

fn set_bytes<'h>(pointer: Any<'h>, value: GoSlice<'h, u8>) -> bool {
    target(pointer).is_some_and(|place| place.set_bytes(value))
}

natives! {
    pure "TypeName" => type_name;
    pure "Comparable" => is_comparable;
    pure "Zero" => zero;
    pure "Kind" => kind;
    pure "Target" => kind_of_target;
    pure "Elem" => elem;
    pure "Assign" => assign;
    pure "SetBool" => set_bool;
    pure "SetInt" => set_int;
    pure "SetUint" => set_uint;
    pure "SetFloat" => set_float;
    pure "SetComplex" => set_complex;
    pure "SetString" => set_string;
    pure "SetBytes" => set_bytes;
}
