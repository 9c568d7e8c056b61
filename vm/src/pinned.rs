//! Lists whose entries never move: others hold the addresses of their entries.
//!
//! Of a program that does not grow such a list is as long as it ever gets. Of one that grows it lies in reserved address space, which the
//! system fills with pages as they are touched.

use std::ops::Deref;
use std::ptr::NonNull;

use crate::heap::platform;

/// Reservations are as large as a page table's entry of the smallest kind; nobody asks for other alignments.
const PAGE: usize = 1 << 12;

/// See the module's text.
pub(crate) struct Pinned<T: Copy> {
    start: NonNull<T>,
    length: usize,
    /// Bytes of the reservation; 0 if it is an allocation of `length` entries.
    reserved: usize,
}

// SAFETY: a list of plain words that only its owner changes.
unsafe impl<T: Copy + Send> Send for Pinned<T> {}
// SAFETY: as above.
unsafe impl<T: Copy + Sync> Sync for Pinned<T> {}

impl<T: Copy> Pinned<T> {
    /// A list that will not grow.
    pub(crate) fn exact(entries: Vec<T>) -> Pinned<T> {
        let length = entries.len();
        let start = Box::into_raw(entries.into_boxed_slice()).cast::<T>();
        // What only the addresses of entries lead to is read by way of this.
        let _ = start.expose_provenance();
        // SAFETY: a box is not null.
        let start = unsafe { NonNull::new_unchecked(start) };
        Pinned {
            start,
            length,
            reserved: 0,
        }
    }

    /// An empty list with room for `room` entries; `None` if the system refuses.
    pub(crate) fn with_room(room: usize) -> Option<Pinned<T>> {
        let reserved = room.checked_mul(size_of::<T>())?.next_multiple_of(PAGE);
        let start = platform::reserve(reserved, PAGE)?.cast();
        Some(Pinned {
            start,
            length: 0,
            reserved,
        })
    }

    /// Adds entries behind the last one; false, and nothing done, if there is no room.
    #[must_use]
    pub(crate) fn extend(&mut self, entries: &[T]) -> bool {
        let length = self.length + entries.len();
        if length * size_of::<T>() > self.reserved {
            return false;
        }
        // SAFETY: the reservation has room for them, and nobody refers to what lies behind the last entry.
        unsafe {
            let end = self.start.add(self.length);
            std::ptr::copy_nonoverlapping(entries.as_ptr(), end.as_ptr(), entries.len());
        }
        self.length = length;
        true
    }
}

impl<T: Copy> Deref for Pinned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `length` entries have been written, and are only added to by who holds the list exclusively.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl<T: Copy> Drop for Pinned<T> {
    fn drop(&mut self) {
        // SAFETY: made by `with_room` with this size, or by `exact` of this length; given back once.
        unsafe {
            if self.reserved > 0 {
                platform::unreserve(self.start.cast(), self.reserved, PAGE);
            } else {
                let entries = std::ptr::slice_from_raw_parts_mut(self.start.as_ptr(), self.length);
                drop(Box::from_raw(entries));
            }
        }
    }
}
