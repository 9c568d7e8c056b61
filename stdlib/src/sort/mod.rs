//! Natives of package sort.

use bytecode::TypeKind;
use vm::border::{Any, GoSlice, GoStr};
use vm::native::GoPanic;
use vm::natives;

fn ints(x: GoSlice<'_, i64>) {
    let mut values = x.to_vec();
    values.sort_unstable();
    x.copy_from(&values);
}

fn floats(x: GoSlice<'_, f64>) {
    let mut values = x.to_vec();
    // NaNs first; zeros of both signs are equal and stay as they stand.
    values.sort_by(|a, b| match (a.is_nan(), b.is_nan()) {
        (false, false) => a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal),
        (a, b) => b.cmp(&a),
    });
    x.copy_from(&values);
}

fn strings(x: GoSlice<'_, GoStr<'_>>) {
    let mut values: Vec<GoStr<'_>> = x.iter().collect();
    values.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    for (index, value) in values.into_iter().enumerate() {
        x.set(index, value);
    }
}

fn length(x: Any<'_>) -> Result<i64, GoPanic> {
    match x.view() {
        Some(view) if matches!(view.kind(), TypeKind::Slice { .. }) => Ok(view.len() as i64),
        Some(view) => Err(GoPanic::text(format!(
            "reflect: call of Swapper on {} Value",
            kind_name(view.kind())
        ))),
        None => Err(GoPanic::text("reflect: call of Swapper on zero Value")),
    }
}

/// The word for a kind of type, as package reflect has it.
fn kind_name(kind: &TypeKind) -> &'static str {
    match kind {
        TypeKind::Bool => "bool",
        TypeKind::Int => "int",
        TypeKind::Int8 => "int8",
        TypeKind::Int16 => "int16",
        TypeKind::Int32 => "int32",
        TypeKind::Int64 => "int64",
        TypeKind::Uint => "uint",
        TypeKind::Uint8 => "uint8",
        TypeKind::Uint16 => "uint16",
        TypeKind::Uint32 => "uint32",
        TypeKind::Uint64 => "uint64",
        TypeKind::Uintptr => "uintptr",
        TypeKind::Float32 => "float32",
        TypeKind::Float64 => "float64",
        TypeKind::Complex64 { .. } => "complex64",
        TypeKind::Complex128 { .. } => "complex128",
        TypeKind::String => "string",
        TypeKind::Pointer { .. } => "ptr",
        TypeKind::Slice { .. } => "slice",
        TypeKind::Array { .. } => "array",
        TypeKind::Map { .. } => "map",
        TypeKind::Channel { .. } => "chan",
        TypeKind::Struct { .. } => "struct",
        TypeKind::Function { .. } => "func",
        TypeKind::Interface { .. } => "interface",
        TypeKind::Tuple { .. } => "tuple",
    }
}

fn swap(x: Any<'_>, i: i64, j: i64) -> Result<(), GoPanic> {
    let swapped = match (x.view(), usize::try_from(i), usize::try_from(j)) {
        (Some(view), Ok(i), Ok(j)) => view.swap(i, j),
        _ => false,
    };
    if swapped {
        Ok(())
    } else {
        Err(GoPanic::text("reflect: slice index out of range"))
    }
}

natives! {
    pure "Ints" => ints;
    pure "Float64s" => floats;
    pure "Strings" => strings;
    pure "length" => length;
    pure "swap" => swap;
}
