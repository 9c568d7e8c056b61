//! Equality of interfaces and composite values.

use bytecode::Word;

use super::{after, decode, high, r};
use crate::objects::equality::{self, Uncomparable};
use crate::running::{Next, Running};
use crate::types::RuntimeType;

/// # Safety
/// See [`super`].
#[cold]
#[inline(never)]
unsafe fn uncomparable(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
    ty: Uncomparable,
) -> Next {
    // SAFETY: a type word.
    let name = unsafe { RuntimeType::from_word(ty.0) }.map_or("", RuntimeType::name);
    cx.runtime_error(ip, fp, &format!("comparing uncomparable type {name}"))
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn eq_interface(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, EqInterface);
        match equality::interfaces((r!(fp, i.a), high!(fp, i.a)), (r!(fp, i.b), high!(fp, i.b))) {
            Ok(equal) => r!(fp, i.dst) = u64::from(equal),
            Err(ty) => return uncomparable(cx, ip, fp, ty),
        }
        after!(ip, fp, EqInterface)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn eq_value(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, EqValue);
        match equality::registers(cx.ty(i.ty), fp.add(i.a.0 as usize), fp.add(i.b.0 as usize)) {
            Ok(equal) => r!(fp, i.dst) = u64::from(equal),
            Err(ty) => return uncomparable(cx, ip, fp, ty),
        }
        after!(ip, fp, EqValue)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn eq_memory(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, EqMemory);
        let (a, b) = (r!(fp, i.a), r!(fp, i.b));
        if a == 0 || b == 0 {
            return cx.nil_dereference(ip, fp);
        }
        match equality::memory(cx.ty(i.ty), a, b) {
            Ok(equal) => r!(fp, i.dst) = u64::from(equal),
            Err(ty) => return uncomparable(cx, ip, fp, ty),
        }
        after!(ip, fp, EqMemory)
    }
}
