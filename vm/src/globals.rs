//! The globals area: package variables, laid out as heap memory, outside the heap.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

/// A zeroed, 16-aligned area that script code reads and writes through [`crate::moves`] only.
pub(crate) struct Globals {
    start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: the area is only accessed by atomic moves (INVARIANT of `moves`).
unsafe impl Send for Globals {}
// SAFETY: as above.
unsafe impl Sync for Globals {}

impl Globals {
    /// An area of `size` bytes; `None` when there is no memory.
    pub(crate) fn new(size: u32) -> Option<Globals> {
        let layout = Layout::from_size_align(size as usize + 16, 16).ok()?;
        // SAFETY: the size is not zero.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Globals { start, layout })
    }

    pub(crate) fn start(&self) -> u64 {
        self.start.as_ptr() as u64
    }

    pub(crate) fn size(&self) -> usize {
        self.layout.size()
    }
}

impl Drop for Globals {
    fn drop(&mut self) {
        // SAFETY: allocated by `new` with this layout.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}
