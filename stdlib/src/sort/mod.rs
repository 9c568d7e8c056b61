//! Natives of package sort.

use bytecode::TypeKind;
use std::cmp::Ordering;
use vm::border::{Any, GoSlice, GoStr};

use vm::native::{GoPanic, Pace};
use vm::natives;

/// So many values are quickly sorted.
const PART: usize = 1 << 13;

/// Sorts, equal values as they stand, until nobody wants that any more. Parts that are quickly sorted are merged. A comparison looks at `bytes`.
fn sort<T: Copy>(
    values: &mut Vec<T>,
    part: usize,
    bytes: impl Fn(&T) -> usize,
    compare: impl Fn(&T, &T) -> Ordering,
) {
    let mut pace = Pace::default();
    for part in values.chunks_mut(part) {
        part.sort_by(&compare);
        if pace.is_over_after(size_of_val(part)) {
            return;
        }
    }
    let mut width = part;
    while width < values.len() {
        let mut merged = Vec::with_capacity(values.len());
        for pair in values.chunks(2 * width) {
            let (mut left, mut right) = pair.split_at(width.min(pair.len()));
            while let (Some(a), Some(b)) = (left.first(), right.first()) {
                if compare(b, a).is_lt() {
                    merged.push(*b);
                    right = &right[1..];
                } else {
                    merged.push(*a);
                    left = &left[1..];
                }
                if pace.is_over_after(bytes(a) + 16) {
                    return;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        *values = merged;
        width *= 2;
    }
}

fn ints(x: GoSlice<'_, i64>) {
    let mut values = x.to_vec();
    sort(&mut values, PART, |_| 8, i64::cmp);
    x.copy_from(&values);
}

fn floats(x: GoSlice<'_, f64>) {
    let mut values = x.to_vec();
    // NaNs first; zeros of both signs are equal and stay as they stand.
    sort(
        &mut values,
        PART,
        |_| 8,
        |a, b| match (a.is_nan(), b.is_nan()) {
            (false, false) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            (a, b) => b.cmp(&a),
        },
    );
    x.copy_from(&values);
}

fn strings(x: GoSlice<'_, GoStr<'_>>) {
    let mut values: Vec<GoStr<'_>> = x.iter().collect();
    // Long texts may have much in common.
    let part = match values.iter().any(|text| text.len() > 1 << 10) {
        true => 1,
        false => PART,
    };
    let compare = |a: &GoStr<'_>, b: &GoStr<'_>| a.as_bytes().cmp(b.as_bytes());
    sort(&mut values, part, |text| text.len(), compare);
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
