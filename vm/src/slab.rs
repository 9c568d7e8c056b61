//! Cells of one size in chunks of their own, which go back to the system when they are empty.
//!
//! A program with a million goroutines takes a gigabyte for their fibers and stacks. The host's allocator keeps what other threads have given back until
//! the thread that took it comes by again, and threads that have nothing to do never come by. Here a chunk belongs to nobody: with its last cell
//! it is gone.
//!
//! 1. A chunk is aligned to its size, so a cell's address leads to its chunk. It begins with its record; behind it stand the cells.
//! 2. Cells are taken from the first chunk that is not full: one that was given back, or the next that was never used.
//! 3. Chunks that are neither full nor empty are in a list. An empty one is unmapped, but for the last in the list, so that who takes and gives back one
//!    cell does not map and unmap each time.
//!
//! INVARIANT (CHUNK): records and links of free cells are touched only under the lock of their slab.

use std::alloc::Layout;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::heap::platform;

/// Bytes of a chunk, and its alignment.
const CHUNK: usize = 256 << 10;
/// Where the cells begin: behind the record, at the start of a line.
const FIRST: usize = 64;

/// The record at the beginning of a chunk.
struct Chunk {
    /// Its neighbours in the list of those with free cells; it is in there unless it is full.
    next: *mut Chunk,
    previous: *mut Chunk,
    /// Cells that were given back.
    free: *mut Link,
    /// How many cells are in use, and how many ever were.
    used: usize,
    touched: usize,
}

/// A free cell.
struct Link {
    next: *mut Link,
}

/// Where cells of one size come from.
pub struct Slab {
    cell: usize,
    /// The first chunk with free cells.
    open: Mutex<*mut Chunk>,
}

// SAFETY: the chunks belong to the slab, and are reached under its lock (INVARIANT CHUNK).
unsafe impl Sync for Slab {}
// SAFETY: as above.
unsafe impl Send for Slab {}

impl Slab {
    /// Cells for values of this layout, which is aligned to 64 bytes at most.
    pub(crate) const fn new(layout: Layout) -> Slab {
        assert!(layout.align() <= FIRST && layout.size() >= size_of::<Link>());
        Slab {
            cell: layout.size().next_multiple_of(if layout.align() > 16 {
                layout.align()
            } else {
                16
            }),
            open: Mutex::new(std::ptr::null_mut()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, *mut Chunk> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cells(&self) -> usize {
        (CHUNK - FIRST) / self.cell
    }

    /// A cell, contents undefined; `None` when there is no memory.
    pub(crate) fn take(&self) -> Option<NonNull<u8>> {
        let mut open = self.lock();
        if open.is_null() {
            let chunk = platform::reserve(CHUNK, CHUNK)?.cast::<Chunk>().as_ptr();
            // SAFETY: new memory of a chunk's size and alignment.
            unsafe {
                chunk.write(Chunk {
                    next: std::ptr::null_mut(),
                    previous: std::ptr::null_mut(),
                    free: std::ptr::null_mut(),
                    used: 0,
                    touched: 0,
                });
            }
            *open = chunk;
        }
        let at = *open;
        // SAFETY: INVARIANT CHUNK, and the lock is held: nobody else has a reference.
        let chunk = unsafe { &mut *at };
        let cell = match NonNull::new(chunk.free) {
            Some(free) => {
                // SAFETY: a free cell holds its link (INVARIANT CHUNK).
                chunk.free = unsafe { free.as_ref() }.next;
                free.cast::<u8>()
            }
            None => {
                let offset = FIRST + chunk.touched * self.cell;
                chunk.touched += 1;
                // SAFETY: one that is in the list has a free cell, so there is one more within the chunk.
                unsafe { NonNull::new_unchecked(at.cast::<u8>().add(offset)) }
            }
        };
        chunk.used += 1;
        if chunk.used == self.cells() {
            let next = chunk.next;
            chunk.next = std::ptr::null_mut();
            if !next.is_null() {
                // SAFETY: as above; it is another chunk.
                unsafe { (*next).previous = std::ptr::null_mut() };
            }
            *open = next;
        }
        Some(cell)
    }

    /// Gives a cell back.
    ///
    /// # Safety
    /// It came from [`Slab::take`] of this slab, and is not used afterwards.
    pub(crate) unsafe fn give_back(&self, cell: NonNull<u8>) {
        let mut open = self.lock();
        let at = cell
            .as_ptr()
            .map_addr(|address| address & !(CHUNK - 1))
            .cast::<Chunk>();
        // SAFETY: by the contract the cell is in a chunk of this slab. INVARIANT CHUNK: the lock is held.
        let chunk = unsafe { &mut *at };
        let link = cell.cast::<Link>();
        // SAFETY: the cell is nobody's any more; cells are aligned, and larger than a link.
        unsafe { link.write(Link { next: chunk.free }) };
        chunk.free = link.as_ptr();
        if chunk.used == self.cells() {
            // It was full.
            chunk.next = *open;
            if !chunk.next.is_null() {
                // SAFETY: as above; it is another chunk.
                unsafe { (*chunk.next).previous = at };
            }
            *open = at;
        }
        chunk.used -= 1;
        let is_last = chunk.next.is_null() && chunk.previous.is_null();
        if chunk.used > 0 || is_last {
            return;
        }
        let (next, previous) = (chunk.next, chunk.previous);
        // SAFETY: as above; both are other chunks. The empty one is out of the list afterwards: nobody leads to it.
        unsafe {
            match NonNull::new(previous) {
                Some(mut previous) => previous.as_mut().next = next,
                None => *open = next,
            }
            if let Some(mut next) = NonNull::new(next) {
                next.as_mut().previous = previous;
            }
            platform::unreserve(NonNull::new_unchecked(at.cast()), CHUNK, CHUNK);
        }
    }
}

/// A type whose values lie in cells of a slab.
pub trait InSlab: Sized + 'static {
    /// Whose cells are large enough and aligned for it.
    const SLAB: &'static Slab;
}

/// A value in a cell: what `Box` is for the host's allocator.
pub struct Cell<T: InSlab> {
    at: NonNull<T>,
    _owns: PhantomData<T>,
}

// SAFETY: it owns its value, as a box does.
unsafe impl<T: InSlab + Send> Send for Cell<T> {}
// SAFETY: as above.
unsafe impl<T: InSlab + Sync> Sync for Cell<T> {}

impl<T: InSlab> Cell<T> {
    /// `None` when there is no memory.
    pub(crate) fn new(value: T) -> Option<Cell<T>> {
        let at = T::SLAB.take()?.cast::<T>();
        // SAFETY: a cell of the right size and alignment, which is ours.
        unsafe { at.write(value) };
        Some(Cell {
            at,
            _owns: PhantomData,
        })
    }
}

impl<T: InSlab> Deref for Cell<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: it holds a value until it is dropped.
        unsafe { self.at.as_ref() }
    }
}

impl<T: InSlab> DerefMut for Cell<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and it is ours alone.
        unsafe { self.at.as_mut() }
    }
}

impl<T: InSlab> Drop for Cell<T> {
    fn drop(&mut self) {
        // SAFETY: the value is not used afterwards, and then the cell is not.
        unsafe {
            self.at.drop_in_place();
            T::SLAB.give_back(self.at.cast());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_apart_and_come_back_in_any_order() {
        let slab = Slab::new(Layout::new::<[u64; 40]>());
        let count = if cfg!(miri) { 900 } else { 10_000 };
        let mut random = 7_u64;
        let mut below = |bound: usize| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 33) as usize % bound
        };
        for _ in 0..3 {
            let mut cells: Vec<NonNull<u8>> = Vec::new();
            while cells.len() < count {
                let cell = slab.take().expect("memory");
                assert_eq!(cell.as_ptr().addr() % 16, 0);
                // SAFETY: the cell has 40 words and is ours.
                unsafe {
                    cell.cast::<[u64; 40]>()
                        .write([cell.as_ptr().addr() as u64; 40])
                };
                cells.push(cell);
                if below(3) == 0 {
                    let cell = cells.swap_remove(below(cells.len()));
                    // SAFETY: taken above, and out of the list.
                    unsafe { slab.give_back(cell) };
                }
            }
            while !cells.is_empty() {
                let cell = cells.swap_remove(below(cells.len()));
                // SAFETY: as above; it was written when it was taken.
                let words = unsafe { cell.cast::<[u64; 40]>().read() };
                assert_eq!(words, [cell.as_ptr().addr() as u64; 40]);
                // SAFETY: as above.
                unsafe { slab.give_back(cell) };
            }
            // One chunk stays, empty.
            let open = *slab.lock();
            // SAFETY: nobody else has the slab.
            let (used, next) = unsafe { ((*open).used, (*open).next) };
            assert_eq!((used, next), (0, std::ptr::null_mut()));
        }
        let last = *slab.lock();
        // SAFETY: the test's own slab is not used any more.
        unsafe { platform::unreserve(NonNull::new(last).expect("one stays").cast(), CHUNK, CHUNK) };
    }
}
