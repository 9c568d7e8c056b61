//! A goroutine's slot stack.
//!
//! INVARIANT (STACK): nothing outside points into it but the running interpreter's `fp`, so it may move when its goroutine asks for
//! more, and when the world is stopped. The memory is not zeroed: what of it holds references is known from live maps, which list only
//! slots that have been written.
//!
//! New stacks lie in a slab of their own; small ones come from the allocator and double by copying. From [`MAPPED`] bytes on they are mappings of their own, which grow by
//! moving page table entries: so a deep recursion touches each page once, never has two copies, and gives everything back when the stack
//! shrinks. Each stack is charged to the heap's account by its size.

use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;
use std::sync::Arc;

use bytecode::RED_ZONE;

use crate::heap::{Account, platform};
use crate::slab::Slab;

/// Slots of a new stack that the entry check leaves free to use; the red zone comes on top.
const INITIAL_SLOTS: usize = 14 + RED_ZONE as usize;
/// Stacks of at least so many bytes are mappings.
const MAPPED: usize = 64 << 10;
/// What a goroutine takes besides its stack: the fiber, the scheduler's record of it. Charged with the stack.
const OVERHEAD: u64 = 1024;

/// The stack itself.
pub(crate) struct Stack {
    base: NonNull<u64>,
    slots: usize,
    account: Arc<Account>,
}

// SAFETY: owned memory without references to threads.
unsafe impl Send for Stack {}

/// The stack has reached its limit, or there is no memory for a larger one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum GrowError {
    Limit,
    OutOfMemory,
}

/// Where new stacks lie.
static SMALLEST: Slab = Slab::new(Layout::new::<[u64; INITIAL_SLOTS]>());

/// Memory for so many slots, contents undefined.
fn allocate(slots: usize) -> Option<NonNull<u64>> {
    if slots == INITIAL_SLOTS {
        return SMALLEST.take().map(NonNull::cast);
    }
    let layout = Layout::array::<u64>(slots).ok()?;
    if layout.size() >= MAPPED {
        return platform::map(layout.size()).map(NonNull::cast);
    }
    // SAFETY: the size is not zero.
    NonNull::new(unsafe { alloc(layout) }).map(NonNull::cast)
}

/// Gives back what [`allocate`] gave.
///
/// # Safety
/// Memory for so many slots, not used afterwards.
unsafe fn free(base: NonNull<u64>, slots: usize) {
    if slots == INITIAL_SLOTS {
        // SAFETY: by the contract.
        return unsafe { SMALLEST.give_back(base.cast()) };
    }
    let layout = Layout::array::<u64>(slots).expect("the layout it was allocated with");
    // SAFETY: by the contract.
    unsafe {
        if layout.size() >= MAPPED {
            platform::unmap(base.cast(), layout.size());
        } else {
            dealloc(base.as_ptr().cast(), layout);
        }
    }
}

impl Stack {
    /// A new stack; `None` when there is no memory.
    pub(crate) fn new(account: &Arc<Account>) -> Option<Stack> {
        let slots = INITIAL_SLOTS;
        account.charge(slots as u64 * 8 + OVERHEAD).ok()?;
        let Some(base) = allocate(slots) else {
            account.release(slots as u64 * 8 + OVERHEAD);
            return None;
        };
        Some(Stack {
            base,
            slots,
            account: account.clone(),
        })
    }

    /// What it is charged to.
    pub(crate) fn account(&self) -> &Account {
        &self.account
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

    /// Makes room for a frame at slot `index` (the red zone above it included), keeping all that is there. Stacks double, and one that
    /// would then be larger than `max_bytes` has reached its limit. GO: stack.go `newstack`
    pub(crate) fn grow(&mut self, index: usize, max_bytes: usize) -> Result<(), GrowError> {
        let wanted = index + RED_ZONE as usize;
        let mut slots = self.slots;
        while slots < wanted {
            slots *= 2;
        }
        if slots * 8 > max_bytes {
            return Err(GrowError::Limit);
        }
        let more = (slots - self.slots) as u64 * 8;
        self.account
            .charge(more)
            .map_err(|_| GrowError::OutOfMemory)?;
        // SAFETY: all slots of the old stack may be in use.
        if unsafe { self.resize(slots, self.slots) }.is_none() {
            self.account.release(more);
            self.account.refuse(more);
            return Err(GrowError::OutOfMemory);
        }
        Ok(())
    }

    /// Makes the stack half as large, once or several times, if its first `used` slots (a red zone included) take less than a
    /// quarter of it. GO: stack.go `shrinkstack`
    ///
    /// # Safety
    /// The world is stopped; nothing lies above the first `used` slots.
    pub(crate) unsafe fn shrink(&mut self, used: usize) {
        let mut slots = self.slots;
        while slots > INITIAL_SLOTS && used < slots / 4 {
            slots /= 2;
        }
        let less = (self.slots - slots) as u64 * 8;
        // SAFETY: by the contract.
        if less > 0 && unsafe { self.resize(slots, used) }.is_some() {
            self.account.release(less);
        }
    }

    /// Makes it so many slots, keeping the first `used`. `None`, and nothing done, if there is no memory.
    ///
    /// # Safety
    /// Nothing lies above the first `used` slots, which fit the old and the new size.
    unsafe fn resize(&mut self, slots: usize, used: usize) -> Option<()> {
        let (old, new) = (self.slots * 8, slots * 8);
        if old >= MAPPED && new >= MAPPED {
            // SAFETY: a mapping of that size, which only this stack uses.
            self.base = unsafe { platform::remap(self.base.cast(), old, new) }?.cast();
        } else {
            let base = allocate(slots)?;
            // SAFETY: both have `used` slots; the new memory is nobody else's; the old is not used afterwards.
            unsafe {
                std::ptr::copy_nonoverlapping(self.base.as_ptr(), base.as_ptr(), used);
                free(self.base, self.slots);
            }
            self.base = base;
        }
        self.slots = slots;
        Some(())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.account.release(self.slots as u64 * 8 + OVERHEAD);
        // SAFETY: allocated with so many slots, not used afterwards.
        unsafe { free(self.base, self.slots) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::{Heap, HeapOptions};

    #[test]
    fn contents_stay_while_a_stack_grows_and_shrinks() {
        let heap = Heap::new(HeapOptions::default()).expect("address space");
        let mut stack = Stack::new(heap.account()).expect("memory");
        let mut filled = 0;
        for round in [1000, 8000, 9000, 300_000, 20_000, 5000, 10] {
            if round > stack.slots() {
                stack.grow(round, 1 << 30).expect("a stack below its limit");
            } else {
                // SAFETY: one thread; only so many slots are looked at below.
                unsafe { stack.shrink(round) };
                filled = filled.min(round);
            }
            assert!(stack.slots() >= round);
            for index in 0..filled {
                // SAFETY: below `slots`.
                assert_eq!(unsafe { *stack.base().add(index) }, index as u64);
            }
            while filled < round {
                // SAFETY: below `slots`.
                unsafe { *stack.base().add(filled) = filled as u64 };
                filled += 1;
            }
            assert_eq!(
                heap.account().charged(),
                stack.slots() as u64 * 8 + OVERHEAD
            );
        }
        assert_eq!(stack.slots(), INITIAL_SLOTS);
        drop(stack);
        assert_eq!(heap.account().charged(), 0);
    }

    #[test]
    fn a_stack_stops_at_its_limit_and_at_the_account() {
        let heap = Heap::new(HeapOptions {
            limit: Some(1 << 20),
            ..HeapOptions::default()
        })
        .expect("address space");
        let mut stack = Stack::new(heap.account()).expect("memory");
        assert_eq!(stack.grow(10_000, 64 << 10), Err(GrowError::Limit));
        assert_eq!(stack.grow(1 << 20, 1 << 30), Err(GrowError::OutOfMemory));
        assert!(stack.grow(50_000, 1 << 30).is_ok());
    }
}
