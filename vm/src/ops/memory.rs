//! Values in the heap.

use bytecode::Word;

use super::{after, allocated, decode, r};
use crate::moves;
use crate::objects::value;
use crate::running::{Next, Running};

/// # Safety
/// See [`super`].
#[cold]
#[inline(never)]
pub(crate) unsafe fn nil_dereference(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    cx.nil_dereference(ip, fp)
}

/// As `New`, when the processor's window has no room.
///
/// # Safety
/// See [`super`].
#[cold]
#[inline(never)]
pub(crate) unsafe fn new_slowly(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, New);
        let site = cx.ty(i.ty).site();
        r!(fp, i.dst) = allocated!(cx, ip, fp, cx.local.cache.allocate_slowly(site)).get();
        cx.poll_heap(ip, fp);
        after!(ip, fp, New)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn copy_memory(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, CopyMemory);
        let (to, from) = (r!(fp, i.dst), r!(fp, i.src));
        if to == 0 || from == 0 {
            return cx.nil_dereference(ip, fp);
        }
        moves::copy(to, from, cx.ty(i.ty).size as usize);
        after!(ip, fp, CopyMemory)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn clone(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, Clone);
        let from = r!(fp, i.src);
        if from == 0 {
            return cx.nil_dereference(ip, fp);
        }
        let ty = cx.ty(i.ty);
        let to = allocated!(cx, ip, fp, cx.local.cache.allocate(ty.site())).get();
        moves::copy(to, from, ty.size as usize);
        r!(fp, i.dst) = to;
        cx.poll_heap(ip, fp);
        after!(ip, fp, Clone)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn load_value(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, LoadValue);
        let pointer = r!(fp, i.pointer);
        if pointer == 0 {
            return cx.nil_dereference(ip, fp);
        }
        value::load_flat(
            cx.ty(i.ty),
            pointer + u64::from(i.offset.0),
            fp.add(i.dst.0 as usize),
        );
        after!(ip, fp, LoadValue)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn store_value(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, StoreValue);
        let pointer = r!(fp, i.pointer);
        if pointer == 0 {
            return cx.nil_dereference(ip, fp);
        }
        value::store_flat(
            cx.ty(i.ty),
            pointer + u64::from(i.offset.0),
            fp.add(i.src.0 as usize),
        );
        after!(ip, fp, StoreValue)
    }
}
