//! A goroutine's slot stack.
//!
//! INVARIANT (STACK): nothing outside points into it but the running interpreter's `fp`, so it grows by copying. The memory
//! is not zeroed: what of it holds references is known from live maps, which list only slots that have been written.

use std::alloc::{Layout, alloc, dealloc, realloc};
use std::ptr::NonNull;

use bytecode::RED_ZONE;

/// Slots of a new stack that the entry check leaves free to use; the red zone comes on top.
const INITIAL_SLOTS: usize = 64;

/// The stack itself.
pub(crate) struct Stack {
    base: NonNull<u64>,
    slots: usize,
}

// SAFETY: owned memory without references to threads.
unsafe impl Send for Stack {}

/// The stack has reached its limit, or there is no memory for a larger one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum GrowError {
    Limit,
    OutOfMemory,
}

impl Stack {
    /// A new stack; `None` when there is no memory.
    pub(crate) fn new() -> Option<Stack> {
        Stack::with_slots(INITIAL_SLOTS + RED_ZONE as usize)
    }

    fn with_slots(slots: usize) -> Option<Stack> {
        let layout = Layout::array::<u64>(slots).ok()?;
        // SAFETY: the size is not zero.
        let base = NonNull::new(unsafe { alloc(layout) })?.cast();
        Some(Stack { base, slots })
    }

    /// The first slot.
    pub(crate) fn base(&self) -> *mut u64 {
        self.base.as_ptr()
    }

    pub(crate) fn slots(&self) -> usize {
        self.slots
    }

    /// A frame pointer above this must not enter a function unchecked.
    pub(crate) fn limit(&self) -> usize {
        self.base.as_ptr() as usize + (self.slots - RED_ZONE as usize) * 8
    }

    /// Makes room for a frame at slot `index` (the red zone above it included), keeping all that is there.
    pub(crate) fn grow(&mut self, index: usize, max_bytes: usize) -> Result<(), GrowError> {
        let wanted = index + RED_ZONE as usize;
        let mut slots = self.slots;
        while slots < wanted {
            slots *= 2;
        }
        if slots * 8 > max_bytes {
            // The last step may be smaller than a doubling.
            slots = max_bytes / 8;
            if slots < wanted {
                return Err(GrowError::Limit);
            }
        }
        let old = Layout::array::<u64>(self.slots).map_err(|_| GrowError::OutOfMemory)?;
        let new = Layout::array::<u64>(slots).map_err(|_| GrowError::OutOfMemory)?;
        // `realloc`, not allocation and copy: large stacks are then moved by the page table.
        // SAFETY: allocated with this layout; the new size is larger and fits.
        let base = unsafe { realloc(self.base.as_ptr().cast(), old, new.size()) };
        self.base = NonNull::new(base.cast()).ok_or(GrowError::OutOfMemory)?;
        self.slots = slots;
        Ok(())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let layout = Layout::array::<u64>(self.slots).expect("the layout it was allocated with");
        // SAFETY: allocated by `with_slots` with this layout.
        unsafe { dealloc(self.base.as_ptr().cast(), layout) }
    }
}
