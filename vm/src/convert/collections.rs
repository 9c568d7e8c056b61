//! Slices, maps and pointers.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

use bytecode::TypeKind;

use super::registers::{Registers, Scratch};
use super::{Declarations, FromGo, GoType, IntoGo, Mismatch, Target, Unconvertible};
use crate::border::{Parameter, View};
use crate::native::{GoPanic, NativeContext};
use crate::objects::map::{self, MapError};
use crate::types::{Access, RuntimeType};

/// How the elements of a slice are converted.
pub struct ElementPlan<P> {
    plan: P,
    /// They lie alike on both sides, so that whole runs are copied.
    is_plain: bool,
}

/// Whether values of the Rust type lie in memory as those of the Go type do, and every pattern of bits is one.
fn is_plain<T: 'static>(ty: &RuntimeType) -> bool {
    use std::any::TypeId;
    let own = TypeId::of::<T>();
    let number = [
        TypeId::of::<i8>(),
        TypeId::of::<i16>(),
        TypeId::of::<i32>(),
        TypeId::of::<i64>(),
        TypeId::of::<u8>(),
        TypeId::of::<u16>(),
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<f32>(),
        TypeId::of::<f64>(),
    ]
    .contains(&own);
    number && ty.size as usize == size_of::<T>()
}

impl<T: GoType> GoType for Vec<T> {
    type Plan = ElementPlan<T::Plan>;
    fn declare(declarations: &mut Declarations) -> String {
        format!("[]{}", T::declare(declarations))
    }
    fn plan(ty: &RuntimeType) -> Result<Self::Plan, Mismatch> {
        match ty.kind() {
            TypeKind::Slice { .. } => Ok(ElementPlan {
                plan: T::plan(ty.element()).map_err(|_| Mismatch::of::<Vec<T>>(ty))?,
                is_plain: is_plain::<T>(ty.element()),
            }),
            _ => Err(Mismatch::of::<Vec<T>>(ty)),
        }
    }
}

impl<T: FromGo> FromGo for Vec<T> {
    fn from_go<'h>(
        view: View<'h>,
        plan: &Self::Plan,
        context: &mut NativeContext<'h>,
    ) -> Result<Vec<T>, Unconvertible> {
        let (pointer, header) = view.pair();
        let length = header as u32 as usize;
        let mut values = Vec::new();
        if values.try_reserve_exact(length).is_err() {
            return Err(Unconvertible("there is no memory for a slice".to_owned()));
        }
        if plan.is_plain {
            // SAFETY: the slice has so many elements, of the size of a `T`, of which every pattern of bits is one; there is room for them.
            unsafe {
                crate::moves::copy(values.as_mut_ptr() as u64, pointer, length * size_of::<T>());
                values.set_len(length);
            }
            return Ok(values);
        }
        for element in view.elements() {
            values.push(T::from_go(element, &plan.plan, context)?);
        }
        Ok(values)
    }
}

impl<T: IntoGo> IntoGo for Vec<T> {
    fn into_go<'h>(
        self,
        target: Target<'h>,
        plan: &Self::Plan,
        context: &mut NativeContext<'h>,
    ) -> Result<(), GoPanic> {
        let pair = slice_of(self, target.ty(), plan, context)?;
        target.set_pair(pair);
        Ok(())
    }

    fn into_registers<'h>(
        self,
        registers: Registers<'h>,
        plan: &Self::Plan,
        context: &mut NativeContext<'h>,
    ) -> Result<(), GoPanic> {
        let pair = slice_of(self, registers.ty, plan, context)?;
        registers.set_pair(pair);
        Ok(())
    }
}

/// The words of a new slice with these elements.
fn slice_of<'h, T: IntoGo>(
    mut values: Vec<T>,
    ty: &'h RuntimeType,
    plan: &ElementPlan<T::Plan>,
    context: &mut NativeContext<'h>,
) -> Result<(u64, u64), GoPanic> {
    if values.is_empty() {
        return Ok((0, 0));
    }
    let length = u32::try_from(values.len()).map_err(|_| GoPanic::OutOfMemory)?;
    let element = ty.element();
    let size = element.size as usize;
    let array = context
        .cache
        .allocate_array(element.heap_shape(), u64::from(length), size as u64)
        .map_err(|_| GoPanic::OutOfMemory)?
        .get();
    if plan.is_plain {
        // SAFETY: a new array of so many elements of this size.
        unsafe { crate::moves::copy(array, values.as_mut_ptr() as u64, size_of_val(&values[..])) };
    } else {
        for (index, value) in values.into_iter().enumerate() {
            let place = array + (index * size) as u64;
            value.into_go(Target::new(element, place as *mut u8), &plan.plan, context)?;
        }
    }
    Ok((array, u64::from(length) | u64::from(length) << 32))
}

impl<T: GoType> GoType for Option<T> {
    type Plan = T::Plan;
    fn declare(declarations: &mut Declarations) -> String {
        format!("*{}", T::declare(declarations))
    }
    fn plan(ty: &RuntimeType) -> Result<Self::Plan, Mismatch> {
        match ty.kind() {
            TypeKind::Pointer { .. } => {
                T::plan(ty.element()).map_err(|_| Mismatch::of::<Option<T>>(ty))
            }
            _ => Err(Mismatch::of::<Option<T>>(ty)),
        }
    }
}

impl<T: FromGo> FromGo for Option<T> {
    fn from_go<'h>(
        view: View<'h>,
        plan: &Self::Plan,
        context: &mut NativeContext<'h>,
    ) -> Result<Option<T>, Unconvertible> {
        match view.pointee() {
            None => Ok(None),
            Some(value) => T::from_go(value, plan, context).map(Some),
        }
    }
}

impl<T: IntoGo> IntoGo for Option<T> {
    fn into_go<'h>(
        self,
        target: Target<'h>,
        plan: &Self::Plan,
        context: &mut NativeContext<'h>,
    ) -> Result<(), GoPanic> {
        if let Some(value) = self {
            let ty = target.ty().element();
            let place = context.new_object(ty)?;
            value.into_go(Target::new(ty, place), plan, context)?;
            target.set_reference(place as u64);
        }
        Ok(())
    }
}

impl<T: GoType> GoType for Box<T> {
    type Plan = Box<T::Plan>;
    fn declare(declarations: &mut Declarations) -> String {
        T::declare(declarations)
    }
    fn plan(ty: &RuntimeType) -> Result<Self::Plan, Mismatch> {
        T::plan(ty).map(Box::new)
    }
}

impl<T: FromGo> FromGo for Box<T> {
    fn from_go<'h>(
        view: View<'h>,
        plan: &Self::Plan,
        context: &mut NativeContext<'h>,
    ) -> Result<Box<T>, Unconvertible> {
        T::from_go(view, plan, context).map(Box::new)
    }
}

impl<T: IntoGo> IntoGo for Box<T> {
    fn into_go<'h>(
        self,
        target: Target<'h>,
        plan: &Self::Plan,
        context: &mut NativeContext<'h>,
    ) -> Result<(), GoPanic> {
        (*self).into_go(target, plan, context)
    }
}

fn map_plan<K: GoType, V: GoType, M: GoType>(
    ty: &RuntimeType,
) -> Result<(K::Plan, V::Plan), Mismatch> {
    let mismatch = |_| Mismatch::of::<M>(ty);
    match ty.kind() {
        TypeKind::Map { .. } => Ok((
            K::plan(ty.key()).map_err(mismatch)?,
            V::plan(ty.element()).map_err(mismatch)?,
        )),
        _ => Err(Mismatch::of::<M>(ty)),
    }
}

fn entries<'h, K: FromGo, V: FromGo, C: Extend<(K, V)> + Default>(
    view: View<'h>,
    plan: &(K::Plan, V::Plan),
    context: &mut NativeContext<'h>,
) -> Result<C, Unconvertible> {
    let no_memory = |_| Unconvertible("there is no memory for a map".to_owned());
    let mut map = C::default();
    for (key, value) in view.entries(context).map_err(no_memory)? {
        let key = K::from_go(key, &plan.0, context)?;
        let value = V::from_go(value, &plan.1, context)?;
        map.extend([(key, value)]);
    }
    Ok(map)
}

fn new_map<'h, K: IntoGo, V: IntoGo>(
    entries: impl ExactSizeIterator<Item = (K, V)>,
    target: Target<'h>,
    plan: &(K::Plan, V::Plan),
    context: &mut NativeContext<'h>,
) -> Result<(), GoPanic> {
    let ty = target.ty();
    let refused = |error: MapError| match error {
        MapError::OutOfMemory => GoPanic::OutOfMemory,
        _ => GoPanic::text("a key of a map cannot be compared"),
    };
    let Some(map_type) = ty.map.as_deref() else {
        return Err(GoPanic::text("a map type was expected"));
    };
    let map = map::make(context.cache, map_type, entries.len() as u64).map_err(refused)?;
    for (key, value) in entries {
        let mut slots = Scratch::new();
        // SAFETY: a flat key takes at most four slots, a boxed one takes one.
        let registers = unsafe { Registers::new(slots.0.as_mut_ptr(), ty.key()) };
        key.into_registers(registers, &plan.0, context)?;
        let (cache, slots) = (&mut *context.cache, slots.0.as_ptr());
        // SAFETY: a map of this type, and a key in its slots.
        let place = unsafe { crate::ops::maps::find_or_insert(cache, map, ty, map_type, slots) };
        let place = place.map_err(refused)?;
        value.into_go(
            Target::new(ty.element(), place as *mut u8),
            &plan.1,
            context,
        )?;
    }
    target.set_reference(map);
    Ok(())
}

macro_rules! maps {
    ($([$($head:tt)*] $map:ty where [$($bounds:tt)*];)*) => {$(
        impl<$($head)*> GoType for $map where $($bounds)* {
            type Plan = (K::Plan, V::Plan);
            fn declare(declarations: &mut Declarations) -> String {
                let key = K::declare(declarations);
                format!("map[{key}]{}", V::declare(declarations))
            }
            fn plan(ty: &RuntimeType) -> Result<Self::Plan, Mismatch> {
                map_plan::<K, V, $map>(ty)
            }
        }
        impl<$($head)*> FromGo for $map where K: FromGo, V: FromGo, $($bounds)* {
            fn from_go<'h>(view: View<'h>, plan: &Self::Plan, context: &mut NativeContext<'h>) -> Result<Self, Unconvertible> {
                entries::<K, V, Self>(view, plan, context)
            }
        }
        impl<$($head)*> IntoGo for $map where K: IntoGo, V: IntoGo, $($bounds)* {
            fn into_go<'h>(self, target: Target<'h>, plan: &Self::Plan, context: &mut NativeContext<'h>) -> Result<(), GoPanic> {
                new_map(self.into_iter(), target, plan, context)
            }
        }
    )*};
}

maps! {
    [K, V, S] HashMap<K, V, S> where [K: GoType + Eq + Hash, V: GoType, S: BuildHasher + Default + 'static];
    [K, V] BTreeMap<K, V> where [K: GoType + Ord, V: GoType];
}

/// Whether a type is a slice of bytes.
pub(super) fn is_byte_slice(ty: &RuntimeType) -> bool {
    matches!(ty.kind(), TypeKind::Slice { .. })
        && ty.element().access == Access::Uint8
        && matches!(ty.element().kind(), TypeKind::Uint8)
}

/// A copy of the bytes of a slice in registers.
pub(super) fn copied_bytes(registers: Registers<'_>) -> Vec<u8> {
    // SAFETY: the registers hold a slice of bytes (planned).
    unsafe { crate::border::GoSlice::<u8>::read(registers.slots) }.to_vec()
}
