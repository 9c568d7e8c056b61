//! The globals area: package variables, laid out as heap memory, outside the heap.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

use crate::heap::{Shape, platform};

/// A zeroed, 16-aligned area that script code reads and writes through [`crate::moves`] only.
pub(crate) struct Globals {
    start: NonNull<u8>,
    layout: Layout,
    /// Of an area that grows: how much address space it has.
    reserved: usize,
    /// What each unit has added: where that begins, its size, and where references lie in it.
    parts: Vec<(usize, usize, Shape)>,
}

/// How large the area of a program that grows can become.
const LARGEST: usize = 1 << 30;
const ALIGNMENT: usize = 1 << 12;

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
            reserved: 0,
            parts: vec![(0, size, shape)],
        })
    }

    /// An empty area that can grow; `None` when there is no address space.
    pub(crate) fn growing() -> Option<Globals> {
        Some(Globals {
            start: platform::reserve(LARGEST, ALIGNMENT)?,
            layout: Layout::from_size_align(16, 16).ok()?,
            reserved: LARGEST,
            parts: Vec::new(),
        })
    }

    /// Where what is added next may have references.
    pub(crate) fn next_part(&self) -> usize {
        self.parts.last().map_or(0, |(start, size, _)| start + size)
    }

    /// Adds what lies between [`Globals::next_part`] and `end`, with references where `shape` says; false, and nothing done, when it has
    /// no room.
    #[must_use]
    pub(crate) fn grow(&mut self, end: u32, shape: Shape) -> bool {
        let start = self.next_part();
        let end = (end as usize).next_multiple_of(8).max(start);
        let size = end.next_multiple_of(16).max(16);
        let Ok(layout) = Layout::from_size_align(size, 16) else {
            return false;
        };
        if size > self.reserved {
            return false;
        }
        self.layout = layout;
        self.parts.push((start, end - start, shape));
        true
    }

    /// Fills a part with zeroes, with the world stopped.
    pub(crate) fn clear(&self, offset: u32, size: u32) {
        let (from, to) = (offset as usize, offset as usize + size as usize);
        if to <= self.size() {
            for at in (from..to).step_by(8) {
                // SAFETY: within the area, whose parts that are not shared with others are whole words.
                unsafe { crate::moves::store64(self.start() + at as u64, 0) };
            }
        }
    }

    pub(crate) fn start(&self) -> u64 {
        self.start.as_ptr() as u64
    }

    pub(crate) fn size(&self) -> usize {
        self.layout.size()
    }

    /// Start, size and shape of the area's parts.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (u64, usize, Shape)> {
        let base = self.start();
        let parts = self.parts.iter();
        parts.map(move |(start, size, shape)| (base + *start as u64, *size, *shape))
    }
}

impl Drop for Globals {
    fn drop(&mut self) {
        // SAFETY: allocated by `new` with this layout, or reserved by `growing`.
        unsafe {
            if self.reserved > 0 {
                platform::unreserve(self.start, self.reserved, ALIGNMENT);
            } else {
                dealloc(self.start.as_ptr(), self.layout);
            }
        }
    }
}
