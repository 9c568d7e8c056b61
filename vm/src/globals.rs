//! The globals area: package variables, laid out as heap memory, outside the heap.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

use crate::heap::Shape;

/// A zeroed, 16-aligned area that script code reads and writes through [`crate::moves`] only.
pub(crate) struct Globals {
    start: NonNull<u8>,
    layout: Layout,
    shape: Shape,
}

// SAFETY: the area is only accessed by atomic moves (INVARIANT of `moves`).
unsafe impl Send for Globals {}
// SAFETY: as above.
unsafe impl Sync for Globals {}

impl Globals {
    /// An area of `size` bytes with references where `shape` says; `None` when there is no memory.
    pub(crate) fn new(size: u32, shape: Shape) -> Option<Globals> {
        // Never empty, so that the address of a global without size is inside.
        let size = (size as usize).next_multiple_of(8).max(16);
        let layout = Layout::from_size_align(size, 16).ok()?;
        // SAFETY: the size is not zero.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Globals {
            start,
            layout,
            shape,
        })
    }

    pub(crate) fn start(&self) -> u64 {
        self.start.as_ptr() as u64
    }

    pub(crate) fn size(&self) -> usize {
        self.layout.size()
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }
}

impl Drop for Globals {
    fn drop(&mut self) {
        // SAFETY: allocated by `new` with this layout.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}
