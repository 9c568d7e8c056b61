//! Moves between registers and heap memory: the only way script memory is read and written.
//!
//! Script memory is shared by all goroutines and scripts may race, so every access is one of
//!
//! * a scalar move of 1, 2, 4 or 8 bytes through an atomic of that width, relaxed;
//! * a reference move of 8 bytes, stored with release and loaded with acquire, so that who sees a reference sees the
//!   object behind it initialised (ordinary moves on x86-64);
//! * a move of a whole 16-byte value (string, slice, interface) at a 16-aligned address;
//! * a block move or block clear that keeps every naturally aligned unit of 16, 8, 4, 2 or 1 bytes whole.
//!
//! INVARIANT: no unit that the type system knows is ever seen half old, half new. A racing script can read stale or mixed
//! *structs*, never a torn string, slice or interface; this is what memory safety of racing scripts rests on.
//!
//! The 128-bit moves are inline assembly. Rejected: vector intrinsics and `u128` accesses, which LLVM splits or
//! repeats (thousands of torn values in a test of two threads). On x86-64 a 16-aligned `movdqa` is whole on every
//! processor with AVX (Intel SDM 3A 9.1.1, AMD APM 2 7.3.2); [`parallel_safe`] says whether this one has it, and a
//! virtual machine on a processor without it runs one goroutine at a time (one P), where a move cannot be interrupted
//! by another. On aarch64 `ldp`/`stp` are whole with LSE2, else `ldxp`/`stxp` loops do it. Elsewhere, and under Miri,
//! a striped lock does.
//!
//! Registers and frames are private to a goroutine and need none of this.
//!
//! Before a reference or anything that may contain one is overwritten, the collector is told what was there if it marks meanwhile
//! ([`crate::heap::barrier`]). Scalar moves are never used to overwrite references.

#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)))]
use std::arch::asm;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use crate::heap::barrier;

/// Whether 128-bit moves are whole between threads on this processor. When false, the virtual machine must use a
/// single P.
pub fn parallel_safe() -> bool {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        std::arch::is_x86_feature_detected!("avx")
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    {
        true
    }
}

macro_rules! scalar_moves {
    ($($load:ident, $store:ident, $atomic:ty, $int:ty;)*) => {$(
        /// Loads one naturally aligned scalar.
        ///
        /// # Safety
        /// `address` is aligned to the width and lies in live script memory (heap, globals, immortal).
        #[inline(always)]
        pub unsafe fn $load(address: u64) -> $int {
            // SAFETY: by the contract the address is valid and aligned; all accesses to script memory are atomic or
            // whole assembly.
            // ORDERING: relaxed. A scalar publishes nothing; its partner is any relaxed store of a (possibly racing)
            // script.
            unsafe { <$atomic>::from_ptr(address as *mut $int).load(Ordering::Relaxed) }
        }

        /// Stores one naturally aligned scalar.
        ///
        /// # Safety
        /// As for the load; the memory is writable.
        #[inline(always)]
        pub unsafe fn $store(address: u64, value: $int) {
            // SAFETY: as for the load.
            // ORDERING: relaxed, as for the load.
            unsafe { <$atomic>::from_ptr(address as *mut $int).store(value, Ordering::Relaxed) }
        }
    )*};
}

scalar_moves! {
    load8, store8, AtomicU8, u8;
    load16, store16, AtomicU16, u16;
    load32, store32, AtomicU32, u32;
    load64, store64, AtomicU64, u64;
}

/// Loads a reference.
///
/// # Safety
/// `address` is 8-aligned and lies in live script memory.
#[inline(always)]
pub unsafe fn load_reference(address: u64) -> u64 {
    // SAFETY: by the contract.
    // ORDERING: acquire, pairs with `store_reference`: the object's initialisation is seen with its reference.
    unsafe { AtomicU64::from_ptr(address as *mut u64).load(Ordering::Acquire) }
}

/// Tells the collector what is about to be overwritten.
///
/// # Safety
/// The bytes lie in live script memory.
#[inline(always)]
unsafe fn overwrite(address: u64, bytes: usize) {
    if barrier::is_on() {
        // SAFETY: by the contract.
        unsafe { barrier::before_store(address, bytes) };
    }
}

/// Stores a reference.
///
/// # Safety
/// `address` is 8-aligned and lies in live, writable script memory.
#[inline(always)]
pub unsafe fn store_reference(address: u64, value: u64) {
    // SAFETY: by the contract.
    unsafe {
        overwrite(address, 8);
        put_reference(address, value);
    }
}

/// As [`store_reference`], of which the collector knows.
///
/// # Safety
/// As [`store_reference`].
#[inline(always)]
pub(crate) unsafe fn put_reference(address: u64, value: u64) {
    // SAFETY: by the contract.
    // ORDERING: release, pairs with `load_reference`.
    unsafe { AtomicU64::from_ptr(address as *mut u64).store(value, Ordering::Release) }
}

/// Loads a 16-byte value whole: (word at `address`, word after it).
///
/// # Safety
/// `address` is 16-aligned and lies in live script memory.
#[inline(always)]
pub unsafe fn load128(address: u64) -> (u64, u64) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        let (low, high): (u64, u64);
        // SAFETY: reads 16 bytes of valid memory by the contract. The assembly is opaque to the compiler, so it is
        // executed as it stands, once. What is read *through* the values depends on them and so comes later: on
        // x86-64 that is acquire.
        unsafe {
            asm!(
                "movdqa {x}, xmmword ptr [{address}]",
                "movq {low}, {x}",
                "punpckhqdq {x}, {x}",
                "movq {high}, {x}",
                x = out(xmm_reg) _,
                address = in(reg) address,
                low = lateout(reg) low,
                high = lateout(reg) high,
                options(nostack, preserves_flags, readonly),
            );
        }
        (low, high)
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    {
        // SAFETY: by the contract.
        unsafe { aarch64::load128(address) }
    }
    #[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
    {
        // SAFETY: by the contract.
        unsafe { striped::load128(address) }
    }
}

/// Stores a 16-byte value whole.
///
/// # Safety
/// `address` is 16-aligned and lies in live, writable script memory.
#[inline(always)]
pub unsafe fn store128(address: u64, low: u64, high: u64) {
    // SAFETY: by the contract.
    unsafe {
        overwrite(address, 16);
        put128(address, low, high);
    }
}

/// As [`store128`], of which the collector knows.
///
/// # Safety
/// As [`store128`].
#[inline(always)]
unsafe fn put128(address: u64, low: u64, high: u64) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: writes 16 bytes of valid memory by the contract; opaque, hence one store (release on x86-64).
    unsafe {
        asm!(
            "movq {x}, {low}",
            "movq {y}, {high}",
            "punpcklqdq {x}, {y}",
            "movdqa xmmword ptr [{address}], {x}",
            x = out(xmm_reg) _,
            y = out(xmm_reg) _,
            address = in(reg) address,
            low = in(reg) low,
            high = in(reg) high,
            options(nostack, preserves_flags),
        );
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    {
        // SAFETY: by the contract.
        unsafe { aarch64::store128(address, low, high) }
    }
    #[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
    // SAFETY: by the contract.
    unsafe {
        striped::store128(address, low, high)
    }
}

/// Loads a 16-byte value whole from script memory into two frame slots: fewer instructions than [`load128`].
///
/// # Safety
/// `address` as for [`load128`]; `slots` points to two slots of the goroutine's own frame.
#[inline(always)]
pub unsafe fn load128_to(slots: *mut u64, address: u64) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: as for `load128`; the two slots are writable by the contract.
    unsafe {
        asm!(
            "movdqa {x}, xmmword ptr [{address}]",
            "movups xmmword ptr [{slots}], {x}",
            x = out(xmm_reg) _,
            address = in(reg) address,
            slots = in(reg) slots,
            options(nostack, preserves_flags),
        );
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    // SAFETY: by the contract.
    unsafe {
        let (low, high) = load128(address);
        *slots = low;
        *slots.add(1) = high;
    }
}

/// Stores two frame slots whole as a 16-byte value in script memory.
///
/// # Safety
/// `address` as for [`store128`]; `slots` points to two slots of the goroutine's own frame.
#[inline(always)]
pub unsafe fn store128_from(address: u64, slots: *const u64) {
    // SAFETY: by the contract.
    unsafe {
        overwrite(address, 16);
        put128_from(address, slots);
    }
}

/// As [`store128_from`], of which the collector knows.
///
/// # Safety
/// As [`store128_from`].
#[inline(always)]
pub(crate) unsafe fn put128_from(address: u64, slots: *const u64) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // Two 8-byte loads, because the slots were mostly written as two words and a 16-byte load would wait for both stores.
    // SAFETY: as for `store128`; the slots are readable by the contract.
    unsafe {
        asm!(
            "movq {x}, qword ptr [{slots}]",
            "movhps {x}, qword ptr [{slots} + 8]",
            "movdqa xmmword ptr [{address}], {x}",
            x = out(xmm_reg) _,
            address = in(reg) address,
            slots = in(reg) slots,
            options(nostack, preserves_flags),
        );
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    // SAFETY: by the contract.
    unsafe {
        put128(address, *slots, *slots.add(1));
    }
}

/// Copies a 16-byte value whole from one place in script memory to another; the collector knows.
///
/// # Safety
/// Both addresses are 16-aligned and lie in live script memory; `to` is writable.
#[inline(always)]
unsafe fn copy128(to: u64, from: u64) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: as for `load128` and `store128`.
    unsafe {
        asm!(
            "movdqa {x}, xmmword ptr [{from}]",
            "movdqa xmmword ptr [{to}], {x}",
            x = out(xmm_reg) _,
            from = in(reg) from,
            to = in(reg) to,
            options(nostack, preserves_flags),
        );
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    // SAFETY: by the contract.
    unsafe {
        let (low, high) = load128(from);
        put128(to, low, high);
    }
}

/// Copies `bytes` bytes inside script memory (memmove): the ranges may overlap, and every unit of 16, 8, 4, 2 or 1
/// bytes that is naturally aligned at both ends stays whole.
///
/// # Safety
/// Both ranges lie in live script memory and `to` is writable. If the memory holds units of more than one byte, both
/// addresses are aligned to the largest of them.
#[inline]
pub unsafe fn copy(to: u64, from: u64, bytes: usize) {
    // SAFETY: by the contract.
    unsafe { overwrite(to, bytes) };
    // Downwards only if the destination starts inside the source.
    if to.wrapping_sub(from) >= bytes as u64 {
        // SAFETY: by the contract; `to` does not start inside `from..from + bytes`, so going up reads each unit
        // before it is overwritten.
        unsafe { copy_up(to, from, bytes) }
    } else if to != from {
        // SAFETY: by the contract; `to` lies above `from`, so going down reads each unit before it is overwritten.
        unsafe { copy_down(to, from, bytes) }
    }
}

/// As [`copy`], from memory of the host's that nobody writes to meanwhile.
///
/// # Safety
/// As for [`copy`], of the range at `to`; the elements are laid out alike on both sides.
#[inline]
pub unsafe fn copy_in<T: Copy>(to: u64, from: &[T]) {
    // Miri forbids atomic loads of what only a shared reference leads to, though nothing is stored there.
    #[cfg(miri)]
    let own: &mut [T] = &mut from.to_vec();
    #[cfg(miri)]
    let from = own.as_mut_ptr();
    #[cfg(miri)]
    let bytes = size_of_val(own);
    #[cfg(not(miri))]
    let (from, bytes) = (from.as_ptr(), size_of_val(from));
    // SAFETY: by the contract.
    unsafe { copy(to, from as u64, bytes) }
}

/// Sets `bytes` bytes of script memory to zero, keeping naturally aligned units whole.
///
/// # Safety
/// The range lies in live, writable script memory; `to` is aligned to the largest unit in it.
#[inline]
pub unsafe fn zero(to: u64, bytes: usize) {
    // SAFETY: by the contract.
    unsafe { overwrite(to, bytes) };
    let (mut at, end) = (to, to + bytes as u64);
    // SAFETY: every store lies in `to..end` and is aligned by the conditions around it.
    unsafe {
        while at < end && !at.is_multiple_of(16) {
            at += store_zero_unit(at, end);
        }
        while end - at >= 16 {
            zero128(at);
            at += 16;
        }
        while at < end {
            at += store_zero_unit(at, end);
        }
    }
}

/// Zeroes the largest aligned unit of at most 8 bytes at `at` that ends by `end`; returns its size.
///
/// # Safety
/// `at < end`, and the unit is writable script memory.
#[inline(always)]
unsafe fn store_zero_unit(at: u64, end: u64) -> u64 {
    let left = end - at;
    // SAFETY: each width is chosen so that it is aligned and fits.
    unsafe {
        if at.is_multiple_of(8) && left >= 8 {
            store64(at, 0);
            8
        } else if at.is_multiple_of(4) && left >= 4 {
            store32(at, 0);
            4
        } else if at.is_multiple_of(2) && left >= 2 {
            store16(at, 0);
            2
        } else {
            store8(at, 0);
            1
        }
    }
}

/// Zeroes 16 bytes whole.
///
/// # Safety
/// As for [`store128`].
#[inline(always)]
unsafe fn zero128(address: u64) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: as for `store128`.
    unsafe {
        asm!(
            "pxor {x}, {x}",
            "movdqa xmmword ptr [{address}], {x}",
            x = out(xmm_reg) _,
            address = in(reg) address,
            options(nostack, preserves_flags),
        );
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    // SAFETY: by the contract.
    unsafe {
        put128(address, 0, 0);
    }
}

/// Copies the largest unit of at most 8 bytes that is aligned at both ends (given their bitwise `or`) and fits `left`.
///
/// # Safety
/// `left > 0`; both units lie in live script memory.
#[inline(always)]
unsafe fn copy_unit(to: u64, from: u64, alignment: u64, left: u64) -> u64 {
    // SAFETY: each width is chosen so that it is aligned at both ends and fits. 8-byte units may be references, hence
    // acquire and release, which are the same moves on x86-64.
    unsafe {
        if alignment.is_multiple_of(8) && left >= 8 {
            put_reference(to, load_reference(from));
            8
        } else if alignment.is_multiple_of(4) && left >= 4 {
            store32(to, load32(from));
            4
        } else if alignment.is_multiple_of(2) && left >= 2 {
            store16(to, load16(from));
            2
        } else {
            store8(to, load8(from));
            1
        }
    }
}

/// The upward half of [`copy`].
///
/// # Safety
/// As for [`copy`]; `to` does not start inside the source.
unsafe fn copy_up(to: u64, from: u64, bytes: usize) {
    let (mut to, mut from, mut left) = (to, from, bytes as u64);
    // SAFETY: all accesses lie in the two ranges; see the single steps.
    unsafe {
        if (to ^ from).is_multiple_of(16) {
            while left > 0 && !to.is_multiple_of(16) {
                let unit = copy_unit(to, from, to | from, left);
                (to, from, left) = (to + unit, from + unit, left - unit);
            }
            while left >= 16 {
                copy128(to, from);
                (to, from, left) = (to + 16, from + 16, left - 16);
            }
        } else if left >= 16 && wide_unaligned_moves() {
            // The ends differ in alignment, so the units are of at most 8 bytes. A move that crosses a cache line is
            // split at the line's end, which is a boundary of all such units.
            while left >= 16 {
                copy_wide(to, from);
                (to, from, left) = (to + 16, from + 16, left - 16);
            }
        }
        while left > 0 {
            let unit = copy_unit(to, from, to | from, left);
            (to, from, left) = (to + unit, from + unit, left - unit);
        }
    }
}

/// The downward half of [`copy`].
///
/// # Safety
/// As for [`copy`]; `to` lies above `from`.
unsafe fn copy_down(to: u64, from: u64, bytes: usize) {
    // `to` and `from` are the ends of what is left.
    let (mut to, mut from, mut left) = (to + bytes as u64, from + bytes as u64, bytes as u64);
    // SAFETY: all accesses lie in the two ranges; see the single steps.
    unsafe {
        if (to ^ from).is_multiple_of(16) {
            while left > 0 && !to.is_multiple_of(16) {
                let unit = unit_below(to | from, left);
                (to, from, left) = (to - unit, from - unit, left - unit);
                copy_unit(to, from, unit, unit);
            }
            while left >= 16 {
                (to, from, left) = (to - 16, from - 16, left - 16);
                copy128(to, from);
            }
        } else if left >= 16 && wide_unaligned_moves() {
            while left >= 16 {
                (to, from, left) = (to - 16, from - 16, left - 16);
                copy_wide(to, from);
            }
        }
        while left > 0 {
            let unit = unit_below(to | from, left);
            (to, from, left) = (to - unit, from - unit, left - unit);
            copy_unit(to, from, unit, unit);
        }
    }
}

/// The largest unit of at most 8 bytes that ends at addresses with this alignment and fits `left`.
#[inline(always)]
fn unit_below(alignment: u64, left: u64) -> u64 {
    match alignment {
        a if a.is_multiple_of(8) && left >= 8 => 8,
        a if a.is_multiple_of(4) && left >= 4 => 4,
        a if a.is_multiple_of(2) && left >= 2 => 2,
        _ => 1,
    }
}

/// Whether [`copy_wide`] exists here.
#[inline(always)]
const fn wide_unaligned_moves() -> bool {
    cfg!(all(target_arch = "x86_64", not(miri)))
}

/// Copies 16 bytes at any alignment, read whole before they are written.
///
/// # Safety
/// Both ends lie in live script memory. Only where [`wide_unaligned_moves`].
#[inline(always)]
unsafe fn copy_wide(to: u64, from: u64) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: 16 readable and 16 writable bytes by the contract.
    unsafe {
        asm!(
            "movups {x}, xmmword ptr [{from}]",
            "movups xmmword ptr [{to}], {x}",
            x = out(xmm_reg) _,
            from = in(reg) from,
            to = in(reg) to,
            options(nostack, preserves_flags),
        );
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    unreachable!("copy_wide({to}, {from}) without wide moves");
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
mod aarch64 {
    use super::asm;

    /// # Safety
    /// As for [`super::load128`].
    #[inline(always)]
    pub unsafe fn load128(address: u64) -> (u64, u64) {
        let (low, high): (u64, u64);
        #[cfg(target_feature = "lse2")]
        // SAFETY: by the contract of the caller; `ldp` of 16 aligned bytes is whole with LSE2, the barrier makes it
        // acquire.
        unsafe {
            asm!("ldp {l}, {h}, [{a}]", "dmb ishld", a = in(reg) address, l = out(reg) low, h = out(reg) high, options(nostack, preserves_flags));
        }
        #[cfg(not(target_feature = "lse2"))]
        // SAFETY: by the contract of the caller. A `ldaxp` is whole only if the `stxp` of the same value succeeds.
        unsafe {
            asm!(
                "2: ldaxp {l}, {h}, [{a}]",
                "stxp {s:w}, {l}, {h}, [{a}]",
                "cbnz {s:w}, 2b",
                a = in(reg) address, l = out(reg) low, h = out(reg) high, s = out(reg) _,
                options(nostack),
            );
        }
        (low, high)
    }

    /// # Safety
    /// As for [`super::store128`].
    #[inline(always)]
    pub unsafe fn store128(address: u64, low: u64, high: u64) {
        #[cfg(target_feature = "lse2")]
        // SAFETY: by the contract of the caller; whole with LSE2, the barrier makes it release.
        unsafe {
            asm!("dmb ish", "stp {l}, {h}, [{a}]", a = in(reg) address, l = in(reg) low, h = in(reg) high, options(nostack, preserves_flags));
        }
        #[cfg(not(target_feature = "lse2"))]
        // SAFETY: by the contract of the caller.
        unsafe {
            asm!(
                "2: ldxp {x}, {y}, [{a}]",
                "stlxp {s:w}, {l}, {h}, [{a}]",
                "cbnz {s:w}, 2b",
                a = in(reg) address, l = in(reg) low, h = in(reg) high, x = out(reg) _, y = out(reg) _, s = out(reg) _,
                options(nostack),
            );
        }
    }
}

/// 128-bit moves under one of a few locks, chosen by address.
#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod striped {
    use super::{load_reference, put_reference};
    use std::sync::{Mutex, PoisonError};

    static STRIPES: [Mutex<()>; 64] = [const { Mutex::new(()) }; 64];

    /// # Safety
    /// As for [`super::load128`].
    pub unsafe fn load128(address: u64) -> (u64, u64) {
        let _guard = STRIPES[(address >> 4) as usize % 64]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // SAFETY: by the contract; the lock keeps the two words together.
        unsafe { (load_reference(address), load_reference(address + 8)) }
    }

    /// # Safety
    /// As for [`super::store128`].
    pub unsafe fn store128(address: u64, low: u64, high: u64) {
        let _guard = STRIPES[(address >> 4) as usize % 64]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // SAFETY: by the contract; the lock keeps the two words together.
        unsafe {
            put_reference(address, low);
            put_reference(address + 8, high);
        }
    }
}

#[cfg(test)]
mod tests;
