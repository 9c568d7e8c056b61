//! Slices and arrays.
//!
//! A slice's second word is its length (low half) and capacity (high half). A pointer never leaves its object, not even one past its
//! end: slicing that leaves no capacity keeps the pointer.

use bytecode::{OptionalRegister, Word};

use super::{after, allocated, decode, high, r};
use crate::growth::{MAX_ALLOCATION, MAX_ELEMENTS, grown_capacity, round_up_size};
use crate::heap::{Cache, OutOfMemory, Shape};
use crate::moves;
use crate::objects::value;
use crate::running::{Next, Running};
use crate::types::RuntimeType;

/// A slice's second word.
#[inline(always)]
pub(crate) fn header(length: u64, capacity: u64) -> u64 {
    length | capacity << 32
}

/// Whether the index, or which of the bounds, of the instruction at `ip` are of an unsigned 64-bit type: a bit each.
fn unsigned(cx: &Running<'_>, ip: *const Word) -> u8 {
    let offset = cx.offset_of(ip);
    let function = cx.function_at(offset);
    let marked = &function.function.unsigned;
    marked
        .binary_search_by_key(&(offset - function.start), |&(at, _)| at)
        .map_or(0, |index| marked[index].1)
}

/// Panics for an index out of range.
///
/// # Safety
/// See [`super`].
#[cold]
#[inline(never)]
pub(crate) unsafe fn index_panic(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
    index: u64,
    length: u64,
) -> Next {
    if (index as i64) < 0 && unsigned(cx, ip) == 0 {
        let index = index as i64;
        cx.bounds_error(ip, fp, &format!("index out of range [{index}]"))
    } else {
        cx.bounds_error(
            ip,
            fp,
            &format!("index out of range [{index}] with length {length}"),
        )
    }
}

/// Panics for the index of a slice instruction (all have the slice and the index at the same places).
///
/// # Safety
/// See [`super`].
#[cold]
#[inline(never)]
pub(crate) unsafe fn index_out_of_range(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, SliceGetWord);
        index_panic(
            cx,
            ip,
            fp,
            r!(fp, i.index),
            u64::from(high!(fp, i.slice) as u32),
        )
    }
}

/// The same for the first index of `slice[i][j]`.
///
/// # Safety
/// See [`super`].
#[cold]
#[inline(never)]
pub(crate) unsafe fn index2_out_of_range(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, SliceGetWord2);
        index_panic(
            cx,
            ip,
            fp,
            r!(fp, i.i),
            u64::from(high!(fp, i.slice) as u32),
        )
    }
}

/// An array instruction found the index out of range or the pointer nil.
///
/// # Safety
/// See [`super`].
#[cold]
#[inline(never)]
pub(crate) unsafe fn array_access_failed(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
) -> Next {
    // SAFETY: see `super`; all array instructions begin like this one.
    unsafe {
        let i = decode!(ip, ArrayGetWord);
        let index = r!(fp, i.index);
        if index >= u64::from(i.length.0) {
            index_panic(cx, ip, fp, index, u64::from(i.length.0))
        } else {
            cx.nil_dereference(ip, fp)
        }
    }
}

/// A conversion of a slice to an array found it too short.
///
/// # Safety
/// See [`super`].
#[cold]
#[inline(never)]
pub(crate) unsafe fn slice_too_short(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    let (length, wanted) = unsafe {
        let i = decode!(ip, SliceToArray);
        (high!(fp, i.slice) as u32, i.length.0)
    };
    cx.bounds_error(ip, fp, &format!("cannot convert slice with length {length} to array or pointer to array with length {wanted}"))
}

/// What `x[low:high:max]` says about its operand.
struct Bounds {
    /// Which bounds are of an unsigned 64-bit type: a bit each, from the lowest.
    unsigned: u8,
    length: u64,
    capacity: u64,
    /// Errors speak of the capacity (slices) or of the length (strings, arrays).
    of_capacity: bool,
}

/// Low, high and new capacity, or the text of the panic.
fn slice_bounds(
    bounds: &Bounds,
    [low, high, max]: [Option<u64>; 3],
) -> Result<(u64, u64, u64), String> {
    let what = if bounds.of_capacity {
        "capacity"
    } else {
        "length"
    };
    let negative = |bound: u8, value: u64| bounds.unsigned >> bound & 1 == 0 && (value as i64) < 0;
    let low_value = low.unwrap_or(0);
    let error = |text: String| Err(format!("slice bounds out of range {text}"));
    if let Some(max) = max {
        let high = high.unwrap_or(bounds.length);
        if max > bounds.capacity {
            return if negative(2, max) {
                error(format!("[::{}]", max as i64))
            } else {
                error(format!("[::{max}] with {what} {}", bounds.capacity))
            };
        }
        if high > max {
            return if negative(1, high) {
                error(format!("[:{}:]", high as i64))
            } else {
                error(format!("[:{high}:{max}]"))
            };
        }
        if low_value > high {
            return if negative(0, low_value) {
                error(format!("[{}::]", low_value as i64))
            } else {
                error(format!("[{low_value}:{high}:]"))
            };
        }
        return Ok((low_value, high, max - low_value));
    }
    let high = match high {
        None => bounds.length,
        Some(high) if high > bounds.capacity => {
            return if negative(1, high) {
                error(format!("[:{}]", high as i64))
            } else {
                error(format!("[:{high}] with {what} {}", bounds.capacity))
            };
        }
        Some(high) => high,
    };
    if low_value > high {
        return if negative(0, low_value) {
            error(format!("[{}:]", low_value as i64))
        } else {
            error(format!("[{low_value}:{high}]"))
        };
    }
    Ok((low_value, high, bounds.capacity - low_value))
}

/// Panics for bounds out of range: with `text`, unless there are unsigned ones among them.
#[cold]
#[inline(never)]
fn bounds_out_of_range(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
    bounds: Bounds,
    wanted: [Option<u64>; 3],
    text: &str,
) -> Next {
    let unsigned = unsigned(cx, ip);
    if unsigned != 0
        && let Err(text) = slice_bounds(&Bounds { unsigned, ..bounds }, wanted)
    {
        return cx.bounds_error(ip, fp, &text);
    }
    cx.bounds_error(ip, fp, text)
}

/// An optional register's value.
///
/// # Safety
/// See [`super`].
#[inline(always)]
unsafe fn optional(fp: *const u64, register: OptionalRegister) -> Option<u64> {
    // SAFETY: see `super`.
    (register.0 != u16::MAX).then(|| unsafe { *fp.add(register.0 as usize) })
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn slice_slice(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, SliceSlice);
        let (pointer, word) = (r!(fp, i.src), high!(fp, i.src));
        let bounds = Bounds {
            unsigned: 0,
            length: u64::from(word as u32),
            capacity: word >> 32,
            of_capacity: true,
        };
        let wanted = [
            optional(fp, i.low),
            optional(fp, i.high),
            optional(fp, i.max),
        ];
        match slice_bounds(&bounds, wanted) {
            Ok((low, high, capacity)) => {
                r!(fp, i.dst) = if capacity == 0 {
                    pointer
                } else {
                    pointer + low * u64::from(i.size.0)
                };
                high!(fp, i.dst) = header(high - low, capacity);
                after!(ip, fp, SliceSlice)
            }
            Err(text) => bounds_out_of_range(cx, ip, fp, bounds, wanted, &text),
        }
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn slice_string(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, SliceString);
        let (pointer, length) = (r!(fp, i.src), high!(fp, i.src));
        let bounds = Bounds {
            unsigned: 0,
            length,
            capacity: length,
            of_capacity: false,
        };
        let wanted = [optional(fp, i.low), optional(fp, i.high), None];
        match slice_bounds(&bounds, wanted) {
            Ok((low, high, _)) => {
                r!(fp, i.dst) = if low == high { pointer } else { pointer + low };
                high!(fp, i.dst) = high - low;
                after!(ip, fp, SliceString)
            }
            Err(text) => bounds_out_of_range(cx, ip, fp, bounds, wanted, &text),
        }
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn slice_array(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, SliceArray);
        let pointer = r!(fp, i.pointer);
        if pointer == 0 {
            return cx.nil_dereference(ip, fp);
        }
        let length = u64::from(i.length.0);
        let bounds = Bounds {
            unsigned: 0,
            length,
            capacity: length,
            of_capacity: false,
        };
        let wanted = [
            optional(fp, i.low),
            optional(fp, i.high),
            optional(fp, i.max),
        ];
        match slice_bounds(&bounds, wanted) {
            Ok((low, high, capacity)) => {
                r!(fp, i.dst) = if capacity == 0 {
                    pointer
                } else {
                    pointer + low * u64::from(i.size.0)
                };
                high!(fp, i.dst) = header(high - low, capacity);
                after!(ip, fp, SliceArray)
            }
            Err(text) => bounds_out_of_range(cx, ip, fp, bounds, wanted, &text),
        }
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn make_slice(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, MakeSlice);
        let element = cx.ty(i.ty).element();
        let length = r!(fp, i.length);
        let capacity = optional(fp, i.capacity).unwrap_or(length);
        // Go judges by the size the elements have there.
        let fits = |count: u64| {
            (count as i64) >= 0
                && count
                    .checked_mul(element.go.size)
                    .is_some_and(|b| b <= MAX_ALLOCATION)
        };
        if !fits(length) {
            return cx.runtime_error(ip, fp, "makeslice: len out of range");
        }
        if !fits(capacity) || length > capacity {
            return cx.runtime_error(ip, fp, "makeslice: cap out of range");
        }
        allocated!(cx, ip, fp, cx.local.cache.may_refuse());
        if capacity > MAX_ELEMENTS && element.go.size == 0 {
            // More than a slice can hold here; in Go such a slice takes no memory.
            return cx.runtime_error(ip, fp, "makeslice: len out of range");
        }
        if capacity > MAX_ELEMENTS {
            // More than a slice can hold here: Go would try, and mostly fail.
            let full = cx
                .machine
                .heap
                .account()
                .refuse(capacity.saturating_mul(element.go.size));
            return cx.die_of_memory(ip, fp, full);
        }
        let pointer = allocated!(
            cx,
            ip,
            fp,
            cx.local
                .cache
                .allocate_array(element.heap_shape(), capacity, u64::from(element.size))
        )
        .get();
        r!(fp, i.dst) = pointer;
        high!(fp, i.dst) = header(length, capacity);
        cx.poll_heap(ip, fp);
        after!(ip, fp, MakeSlice)
    }
}

/// Why a slice did not grow.
pub(crate) enum Grow {
    TooLong,
    Full(OutOfMemory),
}

/// Whether Go would try to allocate so many elements of this size.
fn grows_in_go(wanted: u64, size: u64) -> bool {
    wanted
        .checked_mul(size)
        .is_some_and(|bytes| bytes <= MAX_ALLOCATION)
}

/// A copy of a slice with room for `wanted` elements (more than its capacity): pointer and capacity.
///
/// # Safety
/// `pointer` leads to `length` elements of this type.
pub(crate) unsafe fn grow(
    cache: &mut Cache,
    element: &RuntimeType,
    pointer: u64,
    length: u64,
    capacity: u64,
    wanted: u64,
) -> Result<(u64, u64), Grow> {
    cache.may_refuse().map_err(Grow::Full)?;
    let new = match grown_capacity(wanted, capacity, element.go.size, element.go.has_pointers) {
        Some(new) => new,
        None if grows_in_go(wanted, element.go.size) => {
            let bytes = wanted * element.go.size;
            return Err(Grow::Full(cache.heap().account().refuse(bytes)));
        }
        None => return Err(Grow::TooLong),
    };
    let size = u64::from(element.size);
    let object = if element.heap_shape() == Shape::SCALAR && size > 0 {
        // The tail is zeroed here, so that the copied part need not be.
        let bytes = new
            .checked_mul(size)
            .filter(|b| *b <= MAX_ALLOCATION)
            .ok_or(Grow::TooLong)?;
        let object = cache
            .allocate_uninitialized(bytes as usize)
            .map_err(Grow::Full)?
            .get();
        // SAFETY: the new object has `new` elements.
        unsafe { moves::zero(object + length * size, ((new - length) * size) as usize) };
        object
    } else {
        cache
            .allocate_array(element.heap_shape(), new, size)
            .map_err(Grow::Full)?
            .get()
    };
    // SAFETY: the caller's promise; the new object is at least as large.
    unsafe { moves::copy(object, pointer, (length * size) as usize) };
    Ok((object, new))
}

/// Room for `extra` more elements in a slice: pointer and capacity.
macro_rules! with_room {
    ($cx:expr, $ip:expr, $fp:expr, $element:expr, $pointer:expr, $length:expr, $capacity:expr, $extra:expr) => {
        if $capacity - $length >= $extra {
            ($pointer, $capacity)
        } else {
            match grow(
                &mut $cx.local.cache,
                $element,
                $pointer,
                $length,
                $capacity,
                $length + $extra,
            ) {
                Ok(grown) => {
                    $cx.poll_heap($ip, $fp);
                    grown
                }
                Err(Grow::TooLong) => {
                    return $cx.runtime_error($ip, $fp, "growslice: len out of range");
                }
                Err(Grow::Full(full)) => return $cx.out_of_memory($ip, $fp, full),
            }
        }
    };
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn append(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, Append);
        let element = cx.ty(i.ty).element();
        let (pointer, word) = (r!(fp, i.slice), high!(fp, i.slice));
        let (length, capacity) = (u64::from(word as u32), word >> 32);
        let (pointer, capacity) = with_room!(cx, ip, fp, element, pointer, length, capacity, 1);
        value::store(
            element,
            pointer + length * u64::from(element.size),
            fp.add(i.src.0 as usize),
        );
        r!(fp, i.dst) = pointer;
        high!(fp, i.dst) = header(length + 1, capacity);
        after!(ip, fp, Append)
    }
}

/// `AppendWord` to a full slice.
///
/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn append_word_slow(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, AppendWord);
        let element = cx.ty(i.ty).element();
        let (pointer, word) = (r!(fp, i.slice), high!(fp, i.slice));
        let (length, capacity) = (u64::from(word as u32), word >> 32);
        let (pointer, capacity) = with_room!(cx, ip, fp, element, pointer, length, capacity, 1);
        moves::store64(pointer + length * 8, r!(fp, i.src));
        r!(fp, i.dst) = pointer;
        high!(fp, i.dst) = header(length + 1, capacity);
        after!(ip, fp, AppendWord)
    }
}

/// `Append8` to a full slice.
///
/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn append8_slow(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, Append8);
        let element = cx.ty(i.ty).element();
        let (pointer, word) = (r!(fp, i.slice), high!(fp, i.slice));
        let (length, capacity) = (u64::from(word as u32), word >> 32);
        let (pointer, capacity) = with_room!(cx, ip, fp, element, pointer, length, capacity, 1);
        moves::store8(pointer + length, r!(fp, i.src) as u8);
        r!(fp, i.dst) = pointer;
        high!(fp, i.dst) = header(length + 1, capacity);
        after!(ip, fp, Append8)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn append_reserve(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, AppendReserve);
        let element = cx.ty(i.ty).element();
        let (pointer, word) = (r!(fp, i.slice), high!(fp, i.slice));
        let (length, capacity) = (u64::from(word as u32), word >> 32);
        let (pointer, capacity) = with_room!(
            cx,
            ip,
            fp,
            element,
            pointer,
            length,
            capacity,
            u64::from(i.count.0)
        );
        r!(fp, i.dst) = pointer;
        high!(fp, i.dst) = header(length, capacity);
        after!(ip, fp, AppendReserve)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn append_slice(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, AppendSlice);
        let element = cx.ty(i.ty).element();
        let (pointer, word) = (r!(fp, i.a), high!(fp, i.a));
        let (length, capacity) = (u64::from(word as u32), word >> 32);
        let (source, count) = (r!(fp, i.b), u64::from(high!(fp, i.b) as u32));
        let (pointer, capacity) = with_room!(cx, ip, fp, element, pointer, length, capacity, count);
        let size = u64::from(element.size);
        if count > 0 {
            moves::copy(pointer + length * size, source, (count * size) as usize);
        }
        r!(fp, i.dst) = pointer;
        high!(fp, i.dst) = header(length + count, capacity);
        after!(ip, fp, AppendSlice)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn append_string(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, AppendString);
        let element = cx.ty(i.ty).element();
        let (pointer, word) = (r!(fp, i.a), high!(fp, i.a));
        let (length, capacity) = (u64::from(word as u32), word >> 32);
        let (source, count) = (r!(fp, i.b), high!(fp, i.b));
        let (pointer, capacity) = with_room!(cx, ip, fp, element, pointer, length, capacity, count);
        if count > 0 {
            moves::copy(pointer + length, source, count as usize);
        }
        r!(fp, i.dst) = pointer;
        high!(fp, i.dst) = header(length + count, capacity);
        after!(ip, fp, AppendString)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn copy_slice(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, CopySlice);
        let size = cx.ty(i.ty).element().size as usize;
        let count = (high!(fp, i.a) as u32).min(high!(fp, i.b) as u32);
        if count > 0 {
            moves::copy(r!(fp, i.a), r!(fp, i.b), count as usize * size);
        }
        r!(fp, i.dst) = u64::from(count);
        after!(ip, fp, CopySlice)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn copy_string(_: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, CopyString);
        let count = u64::from(high!(fp, i.a) as u32).min(high!(fp, i.b));
        if count > 0 {
            moves::copy(r!(fp, i.a), r!(fp, i.b), count as usize);
        }
        r!(fp, i.dst) = count;
        after!(ip, fp, CopyString)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn clear_slice(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, ClearSlice);
        let size = cx.ty(i.ty).element().size as usize;
        let count = high!(fp, i.slice) as u32 as usize;
        if count > 0 {
            moves::zero(r!(fp, i.slice), count * size);
        }
        after!(ip, fp, ClearSlice)
    }
}

/// A new slice of scalars of `size` bytes with the capacity Go gives to `[]byte(s)`: pointer and capacity. The caller writes the
/// first `length` elements.
pub(crate) fn new_scalars(
    cache: &mut Cache,
    length: u64,
    size: u64,
) -> Result<(u64, u64), OutOfMemory> {
    let bytes = round_up_size(length * size, false);
    let capacity = bytes / size;
    let object = cache.allocate_uninitialized(bytes.max(1) as usize)?.get();
    // SAFETY: the new object has that many bytes.
    unsafe {
        moves::zero(
            object + length * size,
            ((capacity - length) * size) as usize,
        )
    };
    Ok((object, capacity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_speak_as_go_does() {
        let slice = Bounds {
            unsigned: 0,
            length: 3,
            capacity: 3,
            of_capacity: true,
        };
        let text = Bounds {
            unsigned: 0,
            length: 5,
            capacity: 5,
            of_capacity: false,
        };
        let error = |b: &Bounds, l: Option<i64>, h: Option<i64>, m: Option<i64>| {
            let u = |v: Option<i64>| v.map(|v| v as u64);
            slice_bounds(b, [u(l), u(h), u(m)])
                .expect_err("out of range")
                .replace("slice bounds out of range ", "")
        };
        assert_eq!(error(&slice, Some(5), None, None), "[5:3]");
        assert_eq!(error(&slice, None, Some(10), None), "[:10] with capacity 3");
        assert_eq!(error(&slice, Some(-1), None, None), "[-1:]");
        assert_eq!(error(&slice, Some(3), Some(1), None), "[3:1]");
        assert_eq!(error(&slice, None, Some(-1), None), "[:-1]");
        assert_eq!(
            error(&slice, Some(0), Some(1), Some(10)),
            "[::10] with capacity 3"
        );
        assert_eq!(error(&slice, Some(0), Some(5), Some(3)), "[:5:3]");
        assert_eq!(error(&slice, Some(3), Some(1), Some(3)), "[3:1:]");
        assert_eq!(error(&text, None, Some(10), None), "[:10] with length 5");
        let unsigned = Bounds {
            unsigned: 2,
            ..slice
        };
        assert_eq!(
            error(&unsigned, None, Some(-1), None),
            "[:18446744073709551615] with capacity 3"
        );
        assert_eq!(error(&unsigned, Some(-1), Some(1), None), "[-1:]");
        assert_eq!(
            slice_bounds(&unsigned, [Some(1), Some(2), None]),
            Ok((1, 2, 2))
        );
    }
}
