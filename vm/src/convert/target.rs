//! Places of the heap that a conversion writes to.

use std::marker::PhantomData;

use bytecode::TypeKind;

use crate::border::{GoStr, Place, View};
use crate::moves;
use crate::types::{Access, RuntimeType};

/// A place for a value of some type, which holds the zero value until it is written. Each method suits some kinds of type, and panics on
/// others: a mistake of the Rust type that planned otherwise, never of a script.
#[derive(Clone, Copy)]
pub struct Target<'h> {
    ty: &'h RuntimeType,
    place: *mut u8,
    marker: PhantomData<&'h u8>,
}

impl<'h> Target<'h> {
    /// The place must be one of the type, good for `'h`: only this crate's conversions make targets.
    pub(crate) fn new(ty: &'h RuntimeType, place: *mut u8) -> Target<'h> {
        Target {
            ty,
            place,
            marker: PhantomData,
        }
    }

    /// The type of the value that belongs here.
    pub fn ty(&self) -> &'h RuntimeType {
        self.ty
    }

    /// A look at what has been written.
    pub fn view(&self) -> View<'h> {
        View {
            ty: self.ty,
            place: Place::Memory(self.place),
            marker: PhantomData,
        }
    }

    pub(crate) fn place(&self) -> u64 {
        self.place as u64
    }

    /// Field `index` of a struct.
    ///
    /// # Panics
    /// If this is no struct, or has no such field.
    pub fn field(&self, index: usize) -> Target<'h> {
        assert!(
            matches!(self.ty.kind(), TypeKind::Struct { .. }),
            "a struct"
        );
        let (_, field) = self.ty.field(index);
        // SAFETY: INVARIANT TYPES.
        let ty = unsafe { field.ty.as_ref() };
        Target::new(ty, self.place.wrapping_add(field.offset as usize))
    }

    /// Element `index` of an array.
    ///
    /// # Panics
    /// If this is no array, or has no such element.
    pub fn element(&self, index: usize) -> Target<'h> {
        let TypeKind::Array { length, .. } = self.ty.kind() else {
            panic!("an array");
        };
        assert!((index as u64) < *length, "an element of the array");
        let element = self.ty.element();
        Target::new(
            element,
            self.place.wrapping_add(index * element.size as usize),
        )
    }

    /// Writes a bool or a number, given as registers hold it.
    pub(super) fn set_scalar(&self, slot: u64) {
        assert!(
            !matches!(
                self.ty.access,
                Access::Ref
                    | Access::Pair
                    | Access::Interface
                    | Access::Nothing
                    | Access::Flat
                    | Access::Boxed
            ),
            "a scalar"
        );
        // SAFETY: a place of a scalar, of which every slot is one.
        unsafe { crate::objects::value::store_flat(self.ty, self.place(), &slot) }
    }

    /// Writes a pointer or a map, which must be one of this type.
    pub(crate) fn set_reference(&self, reference: u64) {
        assert!(self.ty.access == Access::Ref, "a reference");
        // SAFETY: a place of a reference.
        unsafe { moves::store_reference(self.place(), reference) }
    }

    /// Writes a string.
    pub(super) fn set_string(&self, string: GoStr<'_>) {
        assert!(matches!(self.ty.kind(), TypeKind::String), "a string");
        // SAFETY: a place of a string.
        unsafe { moves::store128(self.place(), string.pointer as u64, string.length as u64) }
    }

    /// Writes a slice, which must be one of this type.
    pub(super) fn set_pair(&self, pair: (u64, u64)) {
        assert!(matches!(self.ty.kind(), TypeKind::Slice { .. }), "a slice");
        // SAFETY: a place of a slice.
        unsafe { moves::store128(self.place(), pair.0, pair.1) }
    }
}
