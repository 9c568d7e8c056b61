//! Atomic operations on words of the heap: what package sync/atomic and the locks of package sync are made of.
//!
//! ORDERING: all are sequentially consistent, as Go's memory model asks; the partner of each is every other atomic operation on the same word.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

use bytecode::Count;

use crate::heap::barrier;

/// The value of a 32-bit word in a register: an int32 keeps its sign.
#[inline(always)]
fn widened(value: u32, kind: Count) -> u64 {
    if kind.0 == 0 {
        value as i32 as i64 as u64
    } else {
        u64::from(value)
    }
}

/// Does `$wide` on the 64-bit word at `$address`, or `$narrow` on the 32-bit one.
macro_rules! by_kind {
    ($address:ident, $kind:ident, |$word:ident| $wide:expr, $narrow:expr) => {
        if $kind.0 >= 2 {
            // SAFETY: by the caller's contract.
            let $word = unsafe { AtomicU64::from_ptr($address as *mut u64) };
            $wide
        } else {
            // SAFETY: by the caller's contract.
            let $word = unsafe { AtomicU32::from_ptr($address as *mut u32) };
            $narrow
        }
    };
}

/// Tells the collector what a word that may be a reference holds, before it is overwritten.
///
/// # Safety
/// See [`load`].
#[inline(always)]
unsafe fn overwrite(address: u64, kind: Count) {
    if barrier::is_on() && kind.0 >= 2 {
        // SAFETY: by the contract.
        unsafe { barrier::before_store(address, 8) };
    }
}

/// # Safety
/// `address`, here and below, is a non-nil pointer of the script to an integer of this kind.
#[inline(always)]
pub(crate) unsafe fn load(address: u64, kind: Count) -> u64 {
    by_kind!(
        address,
        kind,
        |word| word.load(SeqCst),
        widened(word.load(SeqCst), kind)
    )
}

/// # Safety
/// See [`load`].
#[inline(always)]
pub(crate) unsafe fn store(address: u64, value: u64, kind: Count) {
    // SAFETY: by the contract.
    unsafe { overwrite(address, kind) };
    by_kind!(
        address,
        kind,
        |word| word.store(value, SeqCst),
        word.store(value as u32, SeqCst)
    );
}

/// # Safety
/// See [`load`].
#[inline(always)]
pub(crate) unsafe fn swap(address: u64, value: u64, kind: Count) -> u64 {
    // SAFETY: by the contract.
    unsafe { overwrite(address, kind) };
    by_kind!(
        address,
        kind,
        |word| word.swap(value, SeqCst),
        widened(word.swap(value as u32, SeqCst), kind)
    )
}

/// The sum.
///
/// # Safety
/// See [`load`].
#[inline(always)]
pub(crate) unsafe fn add(address: u64, value: u64, kind: Count) -> u64 {
    by_kind!(
        address,
        kind,
        |word| word.fetch_add(value, SeqCst).wrapping_add(value),
        widened(
            word.fetch_add(value as u32, SeqCst)
                .wrapping_add(value as u32),
            kind
        )
    )
}

/// Whether it was `old` and is `new` now.
///
/// # Safety
/// See [`load`].
#[inline(always)]
pub(crate) unsafe fn compare_and_swap(address: u64, old: u64, new: u64, kind: Count) -> bool {
    // SAFETY: by the contract.
    unsafe { overwrite(address, kind) };
    by_kind!(
        address,
        kind,
        |word| word.compare_exchange(old, new, SeqCst, SeqCst).is_ok(),
        word.compare_exchange(old as u32, new as u32, SeqCst, SeqCst)
            .is_ok()
    )
}
