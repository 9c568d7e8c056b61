//! Interfaces: making, asserting.

use bytecode::{TypeKind, Word};

use super::{after, allocated, decode, high, r};
use crate::objects::value;
use crate::running::{Next, Running};
use crate::types::RuntimeType;

/// `MakeInterface` of a value that is not one slot.
///
/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn make_wide(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, MakeInterface);
        let ty = cx.ty(i.ty);
        let data = allocated!(
            cx,
            ip,
            fp,
            value::interface_data(&mut cx.local.cache, ty, fp.add(i.src.0 as usize))
        );
        r!(fp, i.dst) = ty.word();
        high!(fp, i.dst) = data;
        cx.poll_heap(ip, fp);
        after!(ip, fp, MakeInterface)
    }
}

/// `Unpack` of a value that is not one slot.
///
/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn unpack_wide(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, Unpack);
        value::unpack(cx.ty(i.ty), high!(fp, i.src), fp.add(i.dst.0 as usize));
        after!(ip, fp, Unpack)
    }
}

/// `AssertType` that holds, of a value that is not one slot.
///
/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn assert_wide(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, AssertType);
        value::unpack(cx.ty(i.ty), high!(fp, i.src), fp.add(i.dst.0 as usize));
        after!(ip, fp, AssertType)
    }
}

fn type_assertion(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64, text: &str) -> Next {
    let ty = cx.machine.image.known.type_assertion_error;
    cx.panic_text(ip, fp, ty, &format!("interface conversion: {text}"))
}

/// # Safety
/// See [`super`].
#[cold]
#[inline(never)]
pub(crate) unsafe fn assert_type_failed(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
) -> Next {
    // SAFETY: see `super`.
    let (found, wanted, from) = unsafe {
        let i = decode!(ip, AssertType);
        (
            RuntimeType::from_word(r!(fp, i.src)),
            cx.ty(i.ty),
            cx.ty(i.from),
        )
    };
    let text = match found {
        None => format!("{} is nil, not {}", from.name(), wanted.name()),
        Some(found) if found.name() == wanted.name() => {
            let what = if found.descriptor.package == wanted.descriptor.package {
                "scopes"
            } else {
                "packages"
            };
            format!(
                "{} is {}, not {} (types from different {what})",
                from.name(),
                found.name(),
                wanted.name()
            )
        }
        Some(found) => format!("{} is {}, not {}", from.name(), found.name(), wanted.name()),
    };
    type_assertion(cx, ip, fp, &text)
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn assert_type_ok(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, AssertTypeOk);
        let ty = cx.ty(i.ty);
        let (word, data) = (r!(fp, i.src), high!(fp, i.src));
        let ok = word == ty.word();
        if ok {
            value::unpack(ty, data, fp.add(i.dst.0 as usize));
        } else {
            allocated!(
                cx,
                ip,
                fp,
                value::zero(&mut cx.local.cache, ty, fp.add(i.dst.0 as usize))
            );
        }
        r!(fp, i.ok) = u64::from(ok);
        after!(ip, fp, AssertTypeOk)
    }
}

/// Whether the type of this type word (0: nil) has all methods of `interface`.
///
/// # Safety
/// A type word.
#[inline(never)]
pub(crate) unsafe fn implements(word: u64, interface: &RuntimeType) -> bool {
    // SAFETY: the caller's promise.
    unsafe { RuntimeType::from_word(word) }.is_some_and(|ty| ty.implements(interface))
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn assert_interface(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, AssertInterface);
        let interface = cx.ty(i.ty);
        let (word, data) = (r!(fp, i.src), high!(fp, i.src));
        if !implements(word, interface) {
            return assert_interface_failed(cx, ip, fp, word, interface);
        }
        r!(fp, i.dst) = word;
        high!(fp, i.dst) = data;
        after!(ip, fp, AssertInterface)
    }
}

#[cold]
#[inline(never)]
fn assert_interface_failed(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
    word: u64,
    interface: &RuntimeType,
) -> Next {
    // SAFETY: a type word.
    let text = match unsafe { RuntimeType::from_word(word) } {
        None => format!("interface is nil, not {}", interface.name()),
        Some(found) => {
            // Go names the first of the methods in order of name.
            let missing = match interface.kind() {
                TypeKind::Interface { methods } => methods
                    .iter()
                    .filter(|m| found.method(m.selector).is_none())
                    .map(|m| m.name.as_str())
                    .min()
                    .unwrap_or(""),
                _ => "",
            };
            format!(
                "{} is not {}: missing method {missing}",
                found.name(),
                interface.name()
            )
        }
    };
    type_assertion(cx, ip, fp, &text)
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn assert_interface_ok(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, AssertInterfaceOk);
        let (word, data) = (r!(fp, i.src), high!(fp, i.src));
        let ok = implements(word, cx.ty(i.ty));
        r!(fp, i.dst) = if ok { word } else { 0 };
        high!(fp, i.dst) = if ok { data } else { 0 };
        r!(fp, i.ok) = u64::from(ok);
        after!(ip, fp, AssertInterfaceOk)
    }
}
