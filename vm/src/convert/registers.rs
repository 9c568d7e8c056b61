//! Values in registers, on their way to or from a conversion.
//!
//! These types have no name outside this crate, so nobody else's conversion can be handed registers of another type than it was planned for.

use std::marker::PhantomData;

use super::Target;
use crate::border::{Place, View};
use crate::native::{GoPanic, NativeContext};
use crate::types::RuntimeType;

/// The registers that hold, or will hold, one value. Made by the machine only.
#[derive(Clone, Copy)]
pub struct Registers<'h> {
    pub(crate) slots: *mut u64,
    pub(crate) ty: &'h RuntimeType,
    marker: PhantomData<&'h u64>,
}

/// Room for a flat value in the heap's layout: at most four slots of at most 16 bytes.
#[repr(align(16))]
pub struct Scratch(pub(super) [u64; 8]);

impl Scratch {
    pub(crate) fn new() -> Scratch {
        Scratch([0; 8])
    }
}

impl<'h> Registers<'h> {
    /// # Safety
    /// The slots are as many as the type takes and good for `'h`; they hold a value of the type if one is read.
    #[inline]
    pub(crate) unsafe fn new(slots: *mut u64, ty: &'h RuntimeType) -> Registers<'h> {
        Registers {
            slots,
            ty,
            marker: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn slot(&self) -> u64 {
        debug_assert!(self.ty.slots >= 1);
        // SAFETY: the promise of `new`; planned for types with slots only.
        unsafe { *self.slots }
    }

    #[inline]
    pub(crate) fn pair(&self) -> (u64, u64) {
        debug_assert!(self.ty.slots >= 2);
        // SAFETY: the promise of `new`; planned for types of two slots only.
        unsafe { (*self.slots, *self.slots.add(1)) }
    }

    #[inline]
    pub(crate) fn set_slot(&self, slot: u64) {
        debug_assert!(self.ty.slots >= 1);
        // SAFETY: as `slot`.
        unsafe { *self.slots = slot }
    }

    #[inline]
    pub(crate) fn set_pair(&self, pair: (u64, u64)) {
        debug_assert!(self.ty.slots >= 2);
        // SAFETY: as `pair`.
        unsafe {
            *self.slots = pair.0;
            *self.slots.add(1) = pair.1;
        }
    }

    /// The value as it lies in memory: where it does if it is boxed, else copied to `scratch`.
    pub(crate) fn view(self, scratch: &mut Scratch) -> View<'h> {
        let place = if self.ty.boxed {
            self.slot() as *const u8
        } else {
            let place = scratch.0.as_mut_ptr();
            // SAFETY: the slots hold a value of the type, which takes at most 64 bytes.
            unsafe { crate::objects::value::store_flat(self.ty, place as u64, self.slots) };
            place.cast_const().cast()
        };
        View {
            ty: self.ty,
            place: Place::Memory(place),
            marker: PhantomData,
        }
    }

    /// Has `write` write a value, and puts it into the slots.
    pub(crate) fn fill(
        self,
        context: &mut NativeContext<'h>,
        write: impl FnOnce(Target<'h>, &mut NativeContext<'h>) -> Result<(), GoPanic>,
    ) -> Result<(), GoPanic> {
        if self.ty.boxed {
            let place = context.new_object(self.ty)?;
            write(Target::new(self.ty, place), context)?;
            self.set_slot(place as u64);
            return Ok(());
        }
        let mut scratch = Scratch::new();
        let place = scratch.0.as_mut_ptr();
        write(Target::new(self.ty, place.cast()), context)?;
        // SAFETY: the scratch place holds a value of the type; there are as many slots as it takes.
        unsafe { crate::objects::value::load_flat(self.ty, place as u64, self.slots) };
        Ok(())
    }

    /// Puts the zero value into the slots.
    pub(crate) fn zero(self, context: &mut NativeContext<'h>) -> Result<(), GoPanic> {
        // SAFETY: there are as many slots as the type takes.
        unsafe { crate::objects::value::zero(context.cache, self.ty, self.slots) }
            .map_err(|_| GoPanic::OutOfMemory)
    }
}
