//! Values between registers and memory, by their types.
//!
//! Callers promise in all functions here that a place is aligned, live script memory of the type (or its access) given,
//! and that register pointers lead to as many slots as the type takes.

use crate::heap::{Cache, OutOfMemory};
use crate::moves;
use crate::objects::map;
use crate::types::{Access, FlatPart, RuntimeType};

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

/// Loads one part of a flat value into its slots.
///
/// # Safety
/// As the module says.
#[inline]
unsafe fn load_part(part: FlatPart, place: u64, slots: *mut u64) {
    let at = place + u64::from(part.offset);
    // SAFETY: the caller's promise.
    unsafe {
        let slot = slots.add(part.slot as usize);
        match part.access {
            Access::Pair | Access::Interface => moves::load128_to(slot, at),
            access => *slot = load_scalar(access, at as *const u8),
        }
    }
}

/// Stores one part of a flat value from its slots.
///
/// # Safety
/// As the module says.
#[inline]
unsafe fn store_part(part: FlatPart, place: u64, slots: *const u64) {
    let at = place + u64::from(part.offset);
    // SAFETY: the caller's promise.
    unsafe {
        let slot = slots.add(part.slot as usize);
        match part.access {
            Access::Pair | Access::Interface => moves::store128_from(at, slot),
            Access::Int8 | Access::Uint8 => moves::store8(at, *slot as u8),
            Access::Int16 | Access::Uint16 => moves::store16(at, *slot as u16),
            Access::Int32 | Access::Uint32 => moves::store32(at, *slot as u32),
            Access::Word => moves::store64(at, *slot),
            Access::Float32 => moves::store32(at, (f64::from_bits(*slot) as f32).to_bits()),
            Access::Ref => moves::store_reference(at, *slot),
            Access::Boxed | Access::Nothing | Access::Flat => unreachable!("not a part"),
        }
    }
}

/// Loads a value that is not boxed into its slots.
///
/// # Safety
/// As the module says.
#[inline]
pub(crate) unsafe fn load_flat(ty: &RuntimeType, place: u64, slots: *mut u64) {
    for part in &ty.parts {
        // SAFETY: the caller's promise.
        unsafe { load_part(*part, place, slots) }
    }
}

/// Stores a value that is not boxed from its slots.
///
/// # Safety
/// As the module says.
#[inline]
pub(crate) unsafe fn store_flat(ty: &RuntimeType, place: u64, slots: *const u64) {
    for part in &ty.parts {
        // SAFETY: the caller's promise.
        unsafe { store_part(*part, place, slots) }
    }
}

/// Loads a value of any type into its slots; a boxed one into a fresh box.
///
/// # Errors
/// The heap is full.
///
/// # Safety
/// As the module says.
#[inline]
pub(crate) unsafe fn load(
    cache: &mut Cache,
    ty: &RuntimeType,
    place: u64,
    slots: *mut u64,
) -> Result<(), OutOfMemory> {
    // SAFETY: the caller's promise.
    unsafe {
        if ty.boxed {
            let object = cache.allocate(ty.site())?.get();
            moves::copy(object, place, ty.size as usize);
            *slots = object;
        } else {
            load_flat(ty, place, slots);
        }
    }
    Ok(())
}

/// Stores a value of any type from its slots; of a boxed one the box's contents.
///
/// # Safety
/// As the module says.
#[inline]
pub(crate) unsafe fn store(ty: &RuntimeType, place: u64, slots: *const u64) {
    // SAFETY: the caller's promise.
    unsafe {
        if ty.boxed {
            moves::copy(place, *slots, ty.size as usize);
        } else {
            store_flat(ty, place, slots);
        }
    }
}

/// Writes the zero value of a type to its slots; a fresh box for a boxed one.
///
/// # Errors
/// The heap is full.
///
/// # Safety
/// As the module says.
#[inline]
pub(crate) unsafe fn zero(
    cache: &mut Cache,
    ty: &RuntimeType,
    slots: *mut u64,
) -> Result<(), OutOfMemory> {
    // SAFETY: the caller's promise.
    unsafe {
        if ty.boxed {
            *slots = cache.allocate(ty.site())?.get();
        } else {
            for slot in 0..ty.slots as usize {
                *slots.add(slot) = 0;
            }
        }
    }
    Ok(())
}

/// The data word of an interface that takes over the value in `slots`.
///
/// # Errors
/// The heap is full.
///
/// # Safety
/// As the module says.
#[inline]
pub(crate) unsafe fn interface_data(
    cache: &mut Cache,
    ty: &RuntimeType,
    slots: *const u64,
) -> Result<u64, OutOfMemory> {
    // SAFETY: the caller's promise.
    unsafe {
        match ty.slots {
            0 => Ok(0),
            1 => Ok(*slots),
            _ => {
                let object = cache.allocate(ty.site())?.get();
                store_flat(ty, object, slots);
                Ok(object)
            }
        }
    }
}

/// The value of type `ty` in an interface's data word, into its slots.
///
/// # Safety
/// As the module says; `data` belongs to an interface that holds `ty`.
#[inline]
pub(crate) unsafe fn unpack(ty: &RuntimeType, data: u64, slots: *mut u64) {
    // SAFETY: the caller's promise.
    unsafe {
        match ty.slots {
            0 => {}
            1 => *slots = data,
            _ => load_flat(ty, data, slots),
        }
    }
}

/// How many entries a map has.
pub(crate) fn map_len(map: u64) -> usize {
    // SAFETY: a map value of the script.
    unsafe { map::len(map) as usize }
}

/// Calls `visit` with the addresses of each entry's key and value; stops early if another goroutine changes the map.
pub(crate) fn for_each_entry(
    cache: &mut Cache,
    map: u64,
    ty: &RuntimeType,
    visit: &mut dyn FnMut(*const u8, *const u8),
) -> Result<(), OutOfMemory> {
    let Some(map_type) = ty.map.as_deref() else {
        return Ok(());
    };
    // SAFETY: a map value of this type.
    let iterator = match unsafe { map::iterate(cache, map, map_type) } {
        Ok(iterator) => iterator,
        Err(map::MapError::OutOfMemory) => return Err(OutOfMemory),
        Err(_) => return Ok(()),
    };
    // SAFETY: an iterator of this type, used here only.
    while let Ok(Some((key, value))) = unsafe { map::next(iterator, map_type) } {
        visit(key as *const u8, value as *const u8);
    }
    Ok(())
}
