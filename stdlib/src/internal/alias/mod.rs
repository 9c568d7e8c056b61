//! Natives of package internal/alias.

use std::ops::Range;
use vm::border::GoSlice;

fn extent(slice: &GoSlice<'_, u8>) -> Range<u64> {
    slice.address()..slice.address() + slice.len() as u64
}

fn any_overlap(x: GoSlice<'_, u8>, y: GoSlice<'_, u8>) -> bool {
    let (a, b) = (extent(&x), extent(&y));
    !a.is_empty() && !b.is_empty() && a.start < b.end && b.start < a.end
}

fn inexact_overlap(x: GoSlice<'_, u8>, y: GoSlice<'_, u8>) -> bool {
    x.address() != y.address() && any_overlap(x, y)
}

fn xor(dst: GoSlice<'_, u8>, x: GoSlice<'_, u8>, y: GoSlice<'_, u8>) -> i64 {
    let mut result = x.to_vec();
    for (to, from) in result.iter_mut().zip(y.to_vec()) {
        *to ^= from;
    }
    let count = x.len().min(y.len()).min(dst.len());
    dst.copy_from(&result[..count]);
    count as i64
}

vm::natives! {
    pure "AnyOverlap" => any_overlap;
    pure "InexactOverlap" => inexact_overlap;
    pure "XOR" => xor;
}
