//! Channels in the heap: the runtime's protocol state and, behind a reference, the buffer.
//!
//! Elements lie in the buffer as they lie in registers, one 8-byte word a slot; a boxed element is its box, which the
//! compiler has copied before the send. All of it is touched under the channel's lock only.

use std::sync::atomic::{AtomicU64, Ordering};

use runtime::{Buffer, Channel};

use crate::engine::{Machine, Transfer};
use crate::heap::{Cache, Planner, Shape, Site};
use crate::moves;
use crate::types::RuntimeType;

/// A channel as it lies in the heap.
#[repr(C)]
pub(crate) struct ChannelObject {
    pub(crate) channel: Channel<Machine>,
    /// Reference to the elements; 0 when there is no buffer.
    buffer: u64,
    /// Whether `len` and `cap` answer 0 all the same: for the channels of timers, whose buffer is nobody's business.
    /// GO: chan.go `chanlen`, `chancap`.
    hides_buffer: AtomicU64,
}

const _: () = assert!(std::mem::offset_of!(ChannelObject, buffer).is_multiple_of(8));
const _: () = assert!(align_of::<ChannelObject>() <= 16);

/// Where channels are allocated.
pub(crate) fn site(plan: &impl Planner) -> Site {
    let word = std::mem::offset_of!(ChannelObject, buffer) / 8;
    let shape = plan.shape(
        &[(word as u32, bytecode::SlotKind::Ref)],
        size_of::<ChannelObject>() as u32,
    );
    plan.site(shape, size_of::<ChannelObject>())
}

/// A channel of the script.
///
/// # Safety
/// `reference` is a channel (not nil), good for `'a`: it stands in the goroutine's registers.
pub(crate) unsafe fn object<'a>(reference: u64) -> &'a ChannelObject {
    // SAFETY: the caller's promise. Everything in it is atomic, or written before the channel is shared.
    unsafe { &*(reference as *const ChannelObject) }
}

/// Why a channel was not made.
pub(crate) enum MakeError {
    Size,
    OutOfMemory,
}

/// `make(chan T, size)`; `buffer_shape` is that of elements in slots.
pub(crate) fn make(
    cache: &mut Cache,
    site: Site,
    element: &RuntimeType,
    size: i64,
) -> Result<u64, MakeError> {
    let slots = u64::from(element.slots);
    if size < 0
        || size as u64 > crate::growth::MAX_ALLOCATION
        || (size as u64).saturating_mul(slots * 8) > crate::growth::MAX_ALLOCATION
    {
        return Err(MakeError::Size);
    }
    let full = |_| MakeError::OutOfMemory;
    cache.may_refuse().map_err(full)?;
    let buffer = if size > 0 && slots > 0 {
        cache
            .allocate_array(element.slots_shape, size as u64, slots * 8)
            .map_err(full)?
            .get()
    } else {
        0
    };
    let reference = cache.allocate(site).map_err(full)?.get();
    // SAFETY: a new zeroed object that nobody else sees.
    unsafe {
        let object = reference as *mut ChannelObject;
        (*object).channel.set_capacity(size as usize);
        (*object).buffer = buffer;
    }
    Ok(reference)
}

impl ChannelObject {
    /// Makes `len` and `cap` answer 0 from now on.
    pub(crate) fn hide_buffer(&self) {
        // ORDERING: relaxed, as its reader. Set before the channel is shared.
        self.hides_buffer.store(1, Ordering::Relaxed);
    }

    /// What `len` and `cap` answer, if there is nothing to hide.
    fn unless_hidden(&self, value: usize) -> u64 {
        // ORDERING: relaxed, as above.
        if self.hides_buffer.load(Ordering::Relaxed) == 0 {
            value as u64
        } else {
            0
        }
    }
}

/// `len(channel)`, 0 for nil.
pub(crate) fn len(channel: u64) -> u64 {
    if channel == 0 {
        return 0;
    }
    // SAFETY: a channel of the script.
    let object = unsafe { object(channel) };
    object.unless_hidden(object.channel.len())
}

/// `cap(channel)`, 0 for nil.
pub(crate) fn capacity(channel: u64) -> u64 {
    if channel == 0 {
        return 0;
    }
    // SAFETY: a channel of the script.
    let object = unsafe { object(channel) };
    object.unless_hidden(object.channel.capacity())
}

/// The buffer of a channel, for the runtime.
#[derive(Clone, Copy)]
pub(crate) struct Elements {
    buffer: u64,
    ty: *const RuntimeType,
    slots: usize,
}

impl Elements {
    pub(crate) fn of(object: &ChannelObject, ty: &RuntimeType) -> Elements {
        Elements {
            buffer: object.buffer,
            ty,
            slots: ty.slots as usize,
        }
    }

    /// Of a nil channel: never looked at.
    pub(crate) fn none() -> Elements {
        Elements {
            buffer: 0,
            ty: std::ptr::null(),
            slots: 0,
        }
    }

    fn at(&self, index: usize, slot: usize) -> u64 {
        self.buffer + ((index * self.slots + slot) * 8) as u64
    }
}

impl Buffer<Transfer> for Elements {
    fn load(&self, index: usize) -> Transfer {
        let mut transfer = Transfer {
            ty: self.ty,
            slots: [0; 4],
        };
        for slot in 0..self.slots {
            // SAFETY: the runtime gives indices below the capacity; the buffer has that many elements.
            transfer.slots[slot] = unsafe { moves::load_reference(self.at(index, slot)) };
        }
        transfer
    }

    fn store(&self, index: usize, value: Transfer) {
        // It may come from a sender that has waited and whose value the collector has not seen.
        value.shade();
        for slot in 0..self.slots {
            // SAFETY: as `load`.
            unsafe { moves::store_reference(self.at(index, slot), value.slots[slot]) };
        }
    }

    fn clear(&self, index: usize) {
        for slot in 0..self.slots {
            // SAFETY: as `load`.
            unsafe { moves::store_reference(self.at(index, slot), 0) };
        }
    }
}

/// The shape of elements in slots.
pub(crate) fn slots_shape(plan: &impl Planner, descriptor: &bytecode::TypeDescriptor) -> Shape {
    plan.shape(
        &crate::types::slot_words(&descriptor.slots, 0),
        descriptor.slots.len() as u32 * 8,
    )
}
