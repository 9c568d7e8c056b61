//! Maps. What they are is [`crate::objects::map`]'s; here keys and values go between registers and entries.

use bytecode::{TypeId, Word};

use super::{after, allocated, decode, r};
use crate::heap::{Cache, OutOfMemory};
use crate::moves;
use crate::objects::map::{self, Glance, KeyKind, MapError, MapType};
use crate::objects::value;
use crate::running::{Next, Running};
use crate::types::RuntimeType;

/// How many slots of key fit the scratch place below: flat keys have at most four slots of at most 16 bytes for two.
#[repr(C, align(16))]
struct Scratch([u64; 8]);

/// # Safety
/// See [`super`].
#[cold]
#[inline(never)]
unsafe fn failed(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64, error: MapError) -> Next {
    match error {
        MapError::ConcurrentWrites => cx.fatal(ip, fp, "concurrent map writes"),
        MapError::ConcurrentReadAndWrite => cx.fatal(ip, fp, "concurrent map read and map write"),
        MapError::ConcurrentIterationAndWrite => {
            cx.fatal(ip, fp, "concurrent map iteration and map write")
        }
        MapError::Unhashable(word) => {
            // SAFETY: a type word.
            let name = unsafe { RuntimeType::from_word(word) }.map_or("", RuntimeType::name);
            cx.runtime_error(ip, fp, &format!("hash of unhashable type {name}"))
        }
        MapError::OutOfMemory => cx.out_of_memory(ip, fp, OutOfMemory),
    }
}

/// A lookup or deletion failed. Of a nil or empty map Go speaks in other words: it looks at the key without hashing it.
///
/// # Safety
/// See [`super`].
#[cold]
#[inline(never)]
unsafe fn lookup_failed(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
    map: u64,
    error: MapError,
) -> Next {
    // SAFETY: a live map or nil, and see `super`; a type word.
    unsafe {
        match error {
            MapError::Unhashable(word) if map::len(map) == 0 => {
                let name = RuntimeType::from_word(word).map_or("", RuntimeType::name);
                cx.plain_error(ip, fp, &format!("hash of unhashable type: {name}"))
            }
            error => failed(cx, ip, fp, error),
        }
    }
}

macro_rules! looked_up {
    ($cx:expr, $ip:expr, $fp:expr, $map:expr, $result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return lookup_failed($cx, $ip, $fp, $map, error),
        }
    };
}

macro_rules! checked {
    ($cx:expr, $ip:expr, $fp:expr, $result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return failed($cx, $ip, $fp, error),
        }
    };
}

/// A map type and the layout of its entries.
#[inline(always)]
fn types<'a>(cx: &Running<'a>, ty: TypeId) -> (&'a RuntimeType, &'a MapType) {
    let ty = cx.ty(ty);
    (
        ty,
        ty.map.as_deref().expect("the verifier wants a map type"),
    )
}

/// The address of the value for a key in registers, 0 if there is none.
///
/// # Safety
/// See [`super`].
#[inline(always)]
pub(crate) unsafe fn find(
    map: u64,
    ty: &RuntimeType,
    map_type: &MapType,
    key: *const u64,
) -> Result<u64, MapError> {
    // SAFETY: see `super`.
    unsafe {
        match map_type.kind {
            KeyKind::Word => map::get_word(map, map_type, *key),
            KeyKind::String => map::get_string(map, map_type, *key, *key.add(1)),
            KeyKind::Float64 | KeyKind::Memory => {
                let mut scratch = Scratch([0; 8]);
                map::get(map, map_type, key_place(ty.key(), key, &mut scratch))
            }
        }
    }
}

/// Where a key in registers lies in memory: its box, or the scratch place that it is stored to.
///
/// # Safety
/// See [`super`].
#[inline]
unsafe fn key_place(ty: &RuntimeType, key: *const u64, scratch: &mut Scratch) -> u64 {
    // SAFETY: see `super`. A flat key of at most 4 slots takes at most 64 bytes.
    unsafe {
        if ty.boxed {
            return *key;
        }
        let place = scratch.0.as_mut_ptr() as u64;
        value::store_flat(ty, place, key);
        place
    }
}

/// The address of the value for a key in registers, inserted if absent.
///
/// # Safety
/// See [`super`]; the map is not nil.
#[inline(always)]
pub(crate) unsafe fn find_or_insert(
    cache: &mut Cache,
    map: u64,
    ty: &RuntimeType,
    map_type: &MapType,
    key: *const u64,
) -> Result<u64, MapError> {
    // SAFETY: see `super`.
    unsafe {
        match map_type.kind {
            KeyKind::Word => map::assign_word(cache, map, map_type, *key),
            KeyKind::String => map::assign_string(cache, map, map_type, *key, *key.add(1)),
            KeyKind::Float64 | KeyKind::Memory => {
                let mut scratch = Scratch([0; 8]);
                map::assign(cache, map, map_type, key_place(ty.key(), key, &mut scratch))
            }
        }
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn make_map(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, MakeMap);
        let (_, map_type) = types(cx, i.ty);
        let hint = if i.hint.0 == u16::MAX {
            0
        } else {
            r!(fp, i.hint)
        };
        // A negative hint was refused where it is a constant, and is as good as none elsewhere, as in Go.
        let hint = if (hint as i64) < 0 { 0 } else { hint };
        let map = checked!(cx, ip, fp, map::make(&mut cx.local.cache, map_type, hint));
        r!(fp, i.dst) = map;
        cx.poll_heap(ip, fp);
        after!(ip, fp, MakeMap)
    }
}

/// Loads the value found at `place` (0: the zero value) to `dst`.
///
/// # Safety
/// See [`super`].
#[inline(always)]
unsafe fn load_found(
    cx: &mut Running<'_>,
    ty: &RuntimeType,
    place: u64,
    dst: *mut u64,
) -> Result<(), OutOfMemory> {
    let value = ty.element();
    // SAFETY: see `super`.
    unsafe {
        if place == 0 {
            value::zero(&mut cx.local.cache, value, dst)
        } else {
            value::load(&mut cx.local.cache, value, place, dst)
        }
    }
}

macro_rules! getters {
    ($($name:ident, $name_ok:ident: $op:ident, $op_ok:ident, |$map:ident, $ty:ident, $map_type:ident, $key:ident| $find:expr;)*) => {$(
        /// # Safety
        /// See [`super`].
        #[inline(never)]
        pub(crate) unsafe fn $name(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
            // SAFETY: see `super`.
            unsafe {
                let i = decode!(ip, $op);
                let ($ty, $map_type) = types(cx, i.ty);
                let ($map, $key) = (r!(fp, i.map), fp.add(i.key.0 as usize));
                let place = looked_up!(cx, ip, fp, $map, $find);
                allocated!(cx, ip, fp, load_found(cx, $ty, place, fp.add(i.dst.0 as usize)));
                after!(ip, fp, $op)
            }
        }

        /// # Safety
        /// See [`super`].
        #[inline(never)]
        pub(crate) unsafe fn $name_ok(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
            // SAFETY: see `super`.
            unsafe {
                let i = decode!(ip, $op_ok);
                let ($ty, $map_type) = types(cx, i.ty);
                let ($map, $key) = (r!(fp, i.map), fp.add(i.key.0 as usize));
                let place = looked_up!(cx, ip, fp, $map, $find);
                allocated!(cx, ip, fp, load_found(cx, $ty, place, fp.add(i.dst.0 as usize)));
                r!(fp, i.ok) = u64::from(place != 0);
                after!(ip, fp, $op_ok)
            }
        }
    )*};
}

getters! {
    get, get_ok: MapGet, MapGetOk, |map, ty, map_type, key| find(map, ty, map_type, key);
    get_string, get_string_ok: MapGetString, MapGetStringOk, |map, ty, map_type, key| find(map, ty, map_type, key);
}

/// Its operands lie as those of `MapGet`, which looks on where a glance tells nothing.
///
/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn get_word(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`. The verifier wants a map of words to words.
    unsafe {
        let i = decode!(ip, MapGetWord);
        let value = match map::glance(r!(fp, i.map), r!(fp, i.key)) {
            Glance::Entry(place) => moves::load64(place),
            Glance::Absent => 0,
            Glance::Unknown => return get(cx, ip, fp),
        };
        // Decoded again, so that the other operand takes no register meanwhile.
        let i = decode!(ip, MapGetWord);
        r!(fp, i.dst) = value;
        after!(ip, fp, MapGetWord)
    }
}

/// Its operands lie as those of `MapGetOk`, which looks on where a glance tells nothing.
///
/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn get_word_ok(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`. The verifier wants a map of words to words.
    unsafe {
        let i = decode!(ip, MapGetWordOk);
        let (value, ok) = match map::glance(r!(fp, i.map), r!(fp, i.key)) {
            Glance::Entry(place) => (moves::load64(place), 1),
            Glance::Absent => (0, 0),
            Glance::Unknown => return get_ok(cx, ip, fp),
        };
        // Decoded again, so that the other operands take no registers meanwhile.
        let i = decode!(ip, MapGetWordOk);
        r!(fp, i.dst) = value;
        r!(fp, i.ok) = ok;
        after!(ip, fp, MapGetWordOk)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn set(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, MapSet);
        let (ty, map_type) = types(cx, i.ty);
        let map = r!(fp, i.map);
        if map == 0 {
            return cx.plain_error(ip, fp, "assignment to entry in nil map");
        }
        let place = checked!(
            cx,
            ip,
            fp,
            find_or_insert(
                &mut cx.local.cache,
                map,
                ty,
                map_type,
                fp.add(i.key.0 as usize)
            )
        );
        value::store(ty.element(), place, fp.add(i.src.0 as usize));
        cx.poll_heap(ip, fp);
        after!(ip, fp, MapSet)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn address(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, MapAddress);
        let (ty, map_type) = types(cx, i.ty);
        let map = r!(fp, i.map);
        if map == 0 {
            return cx.plain_error(ip, fp, "assignment to entry in nil map");
        }
        if ty.maps_words
            && let Glance::Entry(place) = map::glance(map, r!(fp, i.key))
        {
            r!(fp, i.dst) = place;
            return after!(ip, fp, MapAddress);
        }
        let place = checked!(
            cx,
            ip,
            fp,
            find_or_insert(
                &mut cx.local.cache,
                map,
                ty,
                map_type,
                fp.add(i.key.0 as usize)
            )
        );
        r!(fp, i.dst) = place;
        cx.poll_heap(ip, fp);
        after!(ip, fp, MapAddress)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn delete(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, MapDelete);
        let (ty, map_type) = types(cx, i.ty);
        let map = r!(fp, i.map);
        let key = fp.add(i.key.0 as usize);
        looked_up!(cx, ip, fp, map, remove(map, ty, map_type, key));
        after!(ip, fp, MapDelete)
    }
}

/// Deletes the entry with a key in registers, if there is one.
///
/// # Safety
/// See [`super`].
#[inline(always)]
pub(crate) unsafe fn remove(
    map: u64,
    ty: &RuntimeType,
    map_type: &MapType,
    key: *const u64,
) -> Result<(), MapError> {
    let mut scratch = Scratch([0; 8]);
    // SAFETY: see `super`.
    unsafe {
        let place = match map_type.kind {
            // A register holds such a key as the map does.
            KeyKind::Word => {
                scratch.0[0] = *key;
                scratch.0.as_ptr() as u64
            }
            KeyKind::String | KeyKind::Float64 | KeyKind::Memory => {
                key_place(ty.key(), key, &mut scratch)
            }
        };
        map::delete(map, map_type, place)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn clear(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, MapClear);
        let (_, map_type) = types(cx, i.ty);
        let map = r!(fp, i.map);
        if map != 0 {
            checked!(cx, ip, fp, map::clear(map, map_type));
        }
        after!(ip, fp, MapClear)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn iterate(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, MapIterate);
        let (_, map_type) = types(cx, i.ty);
        let map = r!(fp, i.map);
        r!(fp, i.iterator) = checked!(cx, ip, fp, map::iterate(&mut cx.local.cache, map, map_type));
        cx.poll_heap(ip, fp);
        after!(ip, fp, MapIterate)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn next(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, MapNext);
        let (ty, map_type) = types(cx, i.ty);
        let after = after!(ip, fp, MapNext);
        let Some((key, value)) = checked!(cx, ip, fp, map::next(r!(fp, i.iterator), map_type))
        else {
            return Next {
                ip: after.ip.offset(i.to.0 as isize),
                fp,
            };
        };
        if i.key.0 != u16::MAX {
            let dst = fp.add(i.key.0 as usize);
            if map_type.kind == KeyKind::Word {
                *dst = moves::load_reference(key);
            } else {
                allocated!(
                    cx,
                    ip,
                    fp,
                    value::load(&mut cx.local.cache, ty.key(), key, dst)
                );
            }
        }
        if i.value.0 != u16::MAX {
            allocated!(
                cx,
                ip,
                fp,
                value::load(
                    &mut cx.local.cache,
                    ty.element(),
                    value,
                    fp.add(i.value.0 as usize)
                )
            );
        }
        after
    }
}
