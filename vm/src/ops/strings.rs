//! Strings: comparison, concatenation, conversion.

use std::cmp::Ordering;

use bytecode::Word;

use super::slices::{header, new_scalars};
use super::{after, allocated, decode, high, r};
use crate::moves;
use crate::objects::equality;
use crate::running::{Next, Running};

/// Whether two strings in registers are equal.
///
/// # Safety
/// Two slots each, with strings.
#[inline(always)]
pub(crate) unsafe fn equal(a: *const u64, b: *const u64) -> bool {
    // SAFETY: the caller's promise.
    unsafe { equality::strings((*a, *a.add(1)), (*b, *b.add(1))) }
}

/// Compares two strings in registers bytewise.
///
/// # Safety
/// Two slots each, with strings.
#[inline(never)]
pub(crate) unsafe fn compare(a: *const u64, b: *const u64) -> Ordering {
    // SAFETY: the caller's promise.
    unsafe { equality::bytes(*a, *a.add(1)).cmp(equality::bytes(*b, *b.add(1))) }
}

/// Copies a string's bytes to new memory.
///
/// # Safety
/// A live string; the memory is new and has room.
#[inline(always)]
unsafe fn copy_bytes(to: u64, string: (u64, u64)) {
    // The target is seen by nobody else yet and the bytes of strings never change, so this may be an ordinary copy.
    // SAFETY: the caller's promise.
    unsafe {
        std::ptr::copy_nonoverlapping(string.0 as *const u8, to as *mut u8, string.1 as usize)
    };
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn concat(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, Concat);
        allocated!(cx, ip, fp, cx.local.cache.may_refuse());
        let a = (r!(fp, i.a), high!(fp, i.a));
        let b = (r!(fp, i.b), high!(fp, i.b));
        let (pointer, length) = if a.1 == 0 {
            b
        } else if b.1 == 0 {
            a
        } else {
            let length = a.1.saturating_add(b.1);
            let object = allocated!(
                cx,
                ip,
                fp,
                cx.local.cache.allocate_uninitialized(length as usize)
            )
            .get();
            copy_bytes(object, a);
            copy_bytes(object + a.1, b);
            cx.poll_heap(ip, fp);
            (object, length)
        };
        r!(fp, i.dst) = pointer;
        high!(fp, i.dst) = length;
        after!(ip, fp, Concat)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn concat_run(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, ConcatRun);
        allocated!(cx, ip, fp, cx.local.cache.may_refuse());
        let part = |index: usize| {
            let slot = fp.add(i.first.0 as usize + 2 * index);
            (*slot, *slot.add(1))
        };
        let count = i.count.0 as usize;
        let (mut length, mut filled, mut last) = (0u64, 0, (0, 0));
        for index in 0..count {
            let string = part(index);
            if string.1 > 0 {
                length = length.saturating_add(string.1);
                filled += 1;
                last = string;
            }
        }
        // One part that is not empty needs no copy.
        let (pointer, length) = if filled <= 1 {
            last
        } else {
            let object = allocated!(
                cx,
                ip,
                fp,
                cx.local.cache.allocate_uninitialized(length as usize)
            )
            .get();
            let mut at = object;
            for index in 0..count {
                let string = part(index);
                if string.1 > 0 {
                    copy_bytes(at, string);
                    at += string.1;
                }
            }
            cx.poll_heap(ip, fp);
            (object, length)
        };
        r!(fp, i.dst) = pointer;
        high!(fp, i.dst) = length;
        after!(ip, fp, ConcatRun)
    }
}

/// The UTF-8 of a rune value, U+FFFD for what is none.
fn encode(rune: i64, buffer: &mut [u8; 4]) -> &[u8] {
    u32::try_from(rune)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or(char::REPLACEMENT_CHARACTER)
        .encode_utf8(buffer)
        .as_bytes()
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn string_from_rune(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, StringFromRune);
        let mut buffer = [0; 4];
        let bytes = encode(r!(fp, i.a) as i64, &mut buffer);
        let object = allocated!(
            cx,
            ip,
            fp,
            cx.local.cache.allocate_uninitialized(bytes.len())
        )
        .get();
        moves::copy_in(object, bytes);
        r!(fp, i.dst) = object;
        high!(fp, i.dst) = bytes.len() as u64;
        cx.poll_heap(ip, fp);
        after!(ip, fp, StringFromRune)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn string_from_bytes(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, StringFromBytes);
        allocated!(cx, ip, fp, cx.local.cache.may_refuse());
        let (source, length) = (r!(fp, i.bytes), u64::from(high!(fp, i.bytes) as u32));
        let mut object = 0;
        if length > 0 {
            object = allocated!(
                cx,
                ip,
                fp,
                cx.local.cache.allocate_uninitialized(length as usize)
            )
            .get();
            // Others may write to the slice meanwhile, hence a move that knows that.
            moves::copy(object, source, length as usize);
            cx.poll_heap(ip, fp);
        }
        r!(fp, i.dst) = object;
        high!(fp, i.dst) = length;
        after!(ip, fp, StringFromBytes)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn string_from_runes(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, StringFromRunes);
        allocated!(cx, ip, fp, cx.local.cache.may_refuse());
        let (source, count) = (r!(fp, i.runes), u64::from(high!(fp, i.runes) as u32));
        // Each rune is read once: a racing writer may change it between measuring and writing.
        let mut text = Vec::new();
        // At most four bytes each.
        let account = cx.machine.heap.account();
        if !account.allows(count * 4) || text.try_reserve(count as usize * 4).is_err() {
            let full = account.refuse(count * 4);
            return cx.out_of_memory(ip, fp, full);
        }
        let mut buffer = [0; 4];
        for index in 0..count {
            text.extend_from_slice(encode(
                i64::from(moves::load32(source + index * 4) as i32),
                &mut buffer,
            ));
        }
        let mut object = 0;
        if !text.is_empty() {
            object = allocated!(
                cx,
                ip,
                fp,
                cx.local.cache.allocate_uninitialized(text.len())
            )
            .get();
            moves::copy_in(object, &text);
            cx.poll_heap(ip, fp);
        }
        r!(fp, i.dst) = object;
        high!(fp, i.dst) = text.len() as u64;
        after!(ip, fp, StringFromRunes)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn bytes_from_string(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, BytesFromString);
        allocated!(cx, ip, fp, cx.local.cache.may_refuse());
        let string = (r!(fp, i.string), high!(fp, i.string));
        if string.1 > crate::growth::MAX_ELEMENTS {
            return cx.runtime_error(ip, fp, "makeslice: len out of range");
        }
        let (object, capacity) =
            allocated!(cx, ip, fp, new_scalars(&mut cx.local.cache, string.1, 1));
        if string.1 > 0 {
            moves::copy(object, string.0, string.1 as usize);
        }
        r!(fp, i.dst) = object;
        high!(fp, i.dst) = header(string.1, capacity);
        cx.poll_heap(ip, fp);
        after!(ip, fp, BytesFromString)
    }
}

/// Decodes the rune at the head of `bytes` (not empty) as Go does: value and width. Invalid UTF-8 is U+FFFD, width 1.
pub(crate) fn decode_rune(bytes: &[u8]) -> (u32, usize) {
    let first = bytes[0];
    let width = match first {
        0x00..=0x7F => return (u32::from(first), 1),
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return (0xFFFD, 1),
    };
    match bytes.get(..width).map(std::str::from_utf8) {
        Some(Ok(text)) => (text.chars().next().map_or(0xFFFD, u32::from), width),
        _ => (0xFFFD, 1),
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn runes_from_string(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, RunesFromString);
        allocated!(cx, ip, fp, cx.local.cache.may_refuse());
        let bytes = equality::bytes(r!(fp, i.string), high!(fp, i.string));
        let (mut at, mut count) = (0, 0u64);
        while at < bytes.len() {
            at += decode_rune(&bytes[at..]).1;
            count += 1;
        }
        if count > crate::growth::MAX_ELEMENTS {
            let full = cx.machine.heap.account().refuse(count * 4);
            return cx.die_of_memory(ip, fp, full);
        }
        let (object, capacity) = allocated!(cx, ip, fp, new_scalars(&mut cx.local.cache, count, 4));
        let (mut at, mut place) = (0, object);
        while at < bytes.len() {
            let (rune, width) = decode_rune(&bytes[at..]);
            moves::store32(place, rune);
            at += width;
            place += 4;
        }
        r!(fp, i.dst) = object;
        high!(fp, i.dst) = header(count, capacity);
        cx.poll_heap(ip, fp);
        after!(ip, fp, RunesFromString)
    }
}

/// `StringNext` of what is not ASCII.
///
/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn string_next(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, StringNext);
        let bytes = equality::bytes(r!(fp, i.string), high!(fp, i.string));
        let index = r!(fp, i.index);
        let Some(rest) = bytes.get(index as usize..).filter(|rest| !rest.is_empty()) else {
            return super::slices::index_panic(cx, ip, fp, index, bytes.len() as u64);
        };
        let (rune, width) = decode_rune(rest);
        r!(fp, i.rune) = u64::from(rune);
        r!(fp, i.next) = index + width as u64;
        after!(ip, fp, StringNext)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runes_decode_as_in_go() {
        assert_eq!(decode_rune("é!".as_bytes()), (0xE9, 2));
        assert_eq!(decode_rune("世".as_bytes()), (0x4E16, 3));
        assert_eq!(decode_rune("😀".as_bytes()), (0x1F600, 4));
        assert_eq!(decode_rune(b"\xff\x41"), (0xFFFD, 1));
        assert_eq!(decode_rune(b"\xe4\xb8"), (0xFFFD, 1));
        assert_eq!(
            decode_rune(b"\xed\xa0\x80"),
            (0xFFFD, 1),
            "surrogates are none"
        );
        let mut buffer = [0; 4];
        assert_eq!(encode(0xD800, &mut buffer), "\u{FFFD}".as_bytes());
        assert_eq!(encode(-1, &mut buffer), "\u{FFFD}".as_bytes());
    }
}
