//! Natives of package sync/atomic.
//!
//! ORDERING: sequentially consistent, as Go's memory model has it; the partner of an access is every other atomic access of the
//! same word.

use std::sync::atomic::Ordering::SeqCst;

use vm::border::{Any, Pointer};
use vm::native::{GoPanic, NativeContext, Parking};
use vm::natives;

macro_rules! operations {
    ($($ty:ident)*) => {$(
        mod $ty {
            use super::*;

            pub fn load(word: Pointer<'_, $ty>) -> Result<$ty, GoPanic> {
                Ok(word.atomic()?.load(SeqCst))
            }

            pub fn store(word: Pointer<'_, $ty>, value: $ty) -> Result<(), GoPanic> {
                word.atomic()?.store(value, SeqCst);
                Ok(())
            }

            pub fn swap(word: Pointer<'_, $ty>, new: $ty) -> Result<$ty, GoPanic> {
                Ok(word.atomic()?.swap(new, SeqCst))
            }

            pub fn compare_and_swap(word: Pointer<'_, $ty>, old: $ty, new: $ty) -> Result<bool, GoPanic> {
                Ok(word.atomic()?.compare_exchange(old, new, SeqCst, SeqCst).is_ok())
            }

            pub fn add(word: Pointer<'_, $ty>, delta: $ty) -> Result<$ty, GoPanic> {
                Ok(word.atomic()?.fetch_add(delta, SeqCst).wrapping_add(delta))
            }

            pub fn and(word: Pointer<'_, $ty>, mask: $ty) -> Result<$ty, GoPanic> {
                Ok(word.atomic()?.fetch_and(mask, SeqCst))
            }

            pub fn or(word: Pointer<'_, $ty>, mask: $ty) -> Result<$ty, GoPanic> {
                Ok(word.atomic()?.fetch_or(mask, SeqCst))
            }
        }
    )*};
}

operations! { i32 i64 u32 u64 }

fn same_type(a: Any<'_>, b: Any<'_>) -> bool {
    match (a.ty(), b.ty()) {
        (Some(a), Some(b)) => a.word() == b.word(),
        (None, None) => true,
        _ => false,
    }
}

fn yield_now(_: &mut NativeContext<'_>) -> Parking<()> {
    Parking::Yield(())
}

natives! {
    pure "LoadInt32" => i32::load;
    pure "StoreInt32" => i32::store;
    pure "SwapInt32" => i32::swap;
    pure "CompareAndSwapInt32" => i32::compare_and_swap;
    pure "AddInt32" => i32::add;
    pure "AndInt32" => i32::and;
    pure "OrInt32" => i32::or;
    pure "LoadInt64" => i64::load;
    pure "StoreInt64" => i64::store;
    pure "SwapInt64" => i64::swap;
    pure "CompareAndSwapInt64" => i64::compare_and_swap;
    pure "AddInt64" => i64::add;
    pure "AndInt64" => i64::and;
    pure "OrInt64" => i64::or;
    pure "LoadUint32" => u32::load;
    pure "StoreUint32" => u32::store;
    pure "SwapUint32" => u32::swap;
    pure "CompareAndSwapUint32" => u32::compare_and_swap;
    pure "AddUint32" => u32::add;
    pure "AndUint32" => u32::and;
    pure "OrUint32" => u32::or;
    pure "LoadUint64" => u64::load;
    pure "StoreUint64" => u64::store;
    pure "SwapUint64" => u64::swap;
    pure "CompareAndSwapUint64" => u64::compare_and_swap;
    pure "AddUint64" => u64::add;
    pure "AndUint64" => u64::and;
    pure "OrUint64" => u64::or;
    pure "LoadUintptr" => u64::load;
    pure "StoreUintptr" => u64::store;
    pure "SwapUintptr" => u64::swap;
    pure "CompareAndSwapUintptr" => u64::compare_and_swap;
    pure "AddUintptr" => u64::add;
    pure "AndUintptr" => u64::and;
    pure "OrUintptr" => u64::or;
    pure "sameType" => same_type;
    parking "yield" => yield_now;
}
