//! Values between registers and memory, by their types.
//!
//! Callers promise in all functions here that a place is aligned, live script memory of the type (or its access) given.

use crate::moves;
use crate::types::{Access, RuntimeType};

/// Loads a one-slot value.
///
/// # Safety
/// `place` is live script memory with such a value.
#[inline]
pub(crate) unsafe fn load_scalar(access: Access, place: *const u8) -> u64 {
    let place = place as u64;
    // SAFETY: the caller's promise.
    unsafe {
        match access {
            Access::Int8 => moves::load8(place) as i8 as i64 as u64,
            Access::Uint8 => u64::from(moves::load8(place)),
            Access::Int16 => moves::load16(place) as i16 as i64 as u64,
            Access::Uint16 => u64::from(moves::load16(place)),
            Access::Int32 => moves::load32(place) as i32 as i64 as u64,
            Access::Uint32 => u64::from(moves::load32(place)),
            Access::Word => moves::load64(place),
            Access::Float32 => f64::from(f32::from_bits(moves::load32(place))).to_bits(),
            Access::Ref => moves::load_reference(place),
            Access::Boxed => place,
            Access::Nothing => 0,
            Access::Pair | Access::Interface | Access::Flat => unreachable!("not a one-slot value"),
        }
    }
}

/// How many entries a map has.
pub(crate) fn map_len(map: u64) -> usize {
    // SAFETY: a map value of the script.
    unsafe { crate::objects::map::len(map) as usize }
}

/// Calls `visit` with the addresses of each entry's key and value.
pub(crate) fn for_each_entry(map: u64, ty: &RuntimeType, visit: &mut dyn FnMut(*const u8, *const u8)) {
    let _ = (map, ty, visit);
    todo!()
}
