//! Address space and pages from the operating system. What differs between systems is here and nowhere else.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

/// Reserves `bytes` of zeroed, lazily committed address space at an address that is a multiple of `alignment`; `None`
/// if the system refuses.
#[cfg(all(unix, not(miri)))]
pub fn reserve(bytes: usize, alignment: usize) -> Option<NonNull<u8>> {
    let with_slack = bytes.checked_add(alignment)?;
    // SAFETY: an anonymous mapping at an address of the system's choice touches no existing memory.
    let raw = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            with_slack,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if raw == libc::MAP_FAILED {
        return None;
    }
    let start = raw as usize;
    let aligned = start.next_multiple_of(alignment);
    let (before, after) = (aligned - start, start + with_slack - aligned - bytes);
    // SAFETY: both ranges are parts of the mapping just made that nobody has seen yet.
    unsafe {
        if before > 0 {
            libc::munmap(raw, before);
        }
        if after > 0 {
            libc::munmap((aligned + bytes) as *mut libc::c_void, after);
        }
    }
    NonNull::new(aligned as *mut u8)
}

/// Gives back what [`reserve`] gave.
///
/// # Safety
/// Exactly one reservation, not used afterwards.
#[cfg(all(unix, not(miri)))]
pub unsafe fn unreserve(start: NonNull<u8>, bytes: usize, _alignment: usize) {
    // SAFETY: by the contract.
    unsafe { libc::munmap(start.as_ptr().cast(), bytes) };
}

/// Has the pages of the executable and its libraries that cannot be written leave the process's memory; those that are used again come back
/// from the system's cache of files. Worth a call after much code has run for the last time, such as a compiler's: it counts as the process's memory.
#[cfg(all(target_os = "linux", not(miri)))]
fn release_code() {
    unsafe extern "C" fn release(
        object: *mut libc::dl_phdr_info,
        _: usize,
        _: *mut libc::c_void,
    ) -> libc::c_int {
        // SAFETY: who calls back passes an object that is loaded, with so many headers.
        let (base, headers) = unsafe {
            let object = &*object;
            let count = usize::from(object.dlpi_phnum);
            if object.dlpi_phdr.is_null() {
                return 0;
            }
            let headers = std::slice::from_raw_parts(object.dlpi_phdr, count);
            (object.dlpi_addr as usize, headers)
        };
        // What the system brings itself (vdso) has no file to come back from, and refuses.
        let page = 1 << 12;
        for segment in headers {
            if segment.p_type != libc::PT_LOAD || segment.p_flags & libc::PF_W != 0 {
                continue;
            }
            let start = (base + segment.p_vaddr as usize).next_multiple_of(page);
            let end = (base + (segment.p_vaddr + segment.p_filesz) as usize) & !(page - 1);
            if start < end {
                // SAFETY: whole pages of a private mapping of a file that nobody writes to: they are read from the file again.
                unsafe {
                    libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED)
                };
            }
        }
        0
    }
    // SAFETY: the function keeps nothing of what it is given.
    unsafe { libc::dl_iterate_phdr(Some(release), std::ptr::null_mut()) };
}

/// As above, where that is not known.
#[cfg(not(all(target_os = "linux", not(miri))))]
fn release_code() {}

/// Somebody has asked for [`release_code_later`].
static RELEASES_CODE: AtomicBool = AtomicBool::new(false);

/// Has the pages of the executable leave the process's memory when a heap has grown by so much that they count. A short program is over sooner than
/// its own code would be back.
pub fn release_code_later() {
    // ORDERING: relaxed. Whose heap has grown may come a little late.
    RELEASES_CODE.store(true, Ordering::Relaxed);
}

/// How much a heap takes before the pages of the executable are released for it.
const MUCH: u64 = 1 << 20;

/// A heap takes so many bytes now.
#[inline]
pub fn heap_has_grown(bytes: u64) {
    // ORDERING: relaxed, both. One of those who see it does it.
    if bytes > MUCH
        && RELEASES_CODE.load(Ordering::Relaxed)
        && RELEASES_CODE.swap(false, Ordering::Relaxed)
    {
        release_code();
    }
}

/// A mapping of `bytes` bytes for a large stack: zeroed, committed as it is touched, in large pages if the system has any.
#[cfg(all(target_os = "linux", not(miri)))]
pub fn map(bytes: usize) -> Option<NonNull<u8>> {
    // SAFETY: an anonymous mapping at an address of the system's choice touches no existing memory.
    let raw = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if raw == libc::MAP_FAILED {
        return None;
    }
    NonNull::new(raw.cast())
}

/// Makes a mapping larger or smaller; it may move. Its pages move by the page table, nothing is copied. The contents of what both
/// sizes have in common stay. `None`, and nothing done, if the system refuses.
///
/// # Safety
/// `start` is what [`map`] or this function gave for `old` bytes, and is not used afterwards unless the answer is `None`.
#[cfg(all(target_os = "linux", not(miri)))]
pub unsafe fn remap(start: NonNull<u8>, old: usize, new: usize) -> Option<NonNull<u8>> {
    // SAFETY: by the contract.
    let raw = unsafe { libc::mremap(start.as_ptr().cast(), old, new, libc::MREMAP_MAYMOVE) };
    if raw == libc::MAP_FAILED {
        return None;
    }
    NonNull::new(raw.cast())
}

/// Gives back what [`map`] or [`remap`] gave.
///
/// # Safety
/// Exactly one mapping of this size, not used afterwards.
#[cfg(all(target_os = "linux", not(miri)))]
pub unsafe fn unmap(start: NonNull<u8>, bytes: usize) {
    // SAFETY: by the contract.
    unsafe { libc::munmap(start.as_ptr().cast(), bytes) };
}

/// A mapping of `bytes` bytes for a large stack.
#[cfg(not(all(target_os = "linux", not(miri))))]
pub fn map(bytes: usize) -> Option<NonNull<u8>> {
    let layout = std::alloc::Layout::from_size_align(bytes, 16).ok()?;
    // SAFETY: the layout has a size other than zero (stacks are not empty).
    NonNull::new(unsafe { std::alloc::alloc(layout) })
}

/// Makes a mapping larger or smaller; it may move.
///
/// # Safety
/// `start` is what [`map`] or this function gave for `old` bytes, and is not used afterwards unless the answer is `None`.
#[cfg(not(all(target_os = "linux", not(miri))))]
pub unsafe fn remap(start: NonNull<u8>, old: usize, new: usize) -> Option<NonNull<u8>> {
    let layout = std::alloc::Layout::from_size_align(old, 16).ok()?;
    // SAFETY: by the contract; the new size is not zero.
    NonNull::new(unsafe { std::alloc::realloc(start.as_ptr(), layout, new) })
}

/// Gives back what [`map`] or [`remap`] gave.
///
/// # Safety
/// Exactly one mapping of this size, not used afterwards.
#[cfg(not(all(target_os = "linux", not(miri))))]
pub unsafe fn unmap(start: NonNull<u8>, bytes: usize) {
    if let Ok(layout) = std::alloc::Layout::from_size_align(bytes, 16) {
        // SAFETY: by the contract, and the layout is the one it was made with.
        unsafe { std::alloc::dealloc(start.as_ptr(), layout) };
    }
}

/// Drops the pages of a range; it reads as zero afterwards. Returns whether that was done.
///
/// # Safety
/// A page-aligned part of a reservation whose contents nobody needs.
#[cfg(all(target_os = "linux", not(miri)))]
pub unsafe fn decommit(start: u64, bytes: usize) -> bool {
    // SAFETY: by the contract. On Linux `MADV_DONTNEED` of private anonymous memory zeroes it.
    unsafe { libc::madvise(start as *mut libc::c_void, bytes, libc::MADV_DONTNEED) == 0 }
}

/// Drops the pages of a range; it reads as zero afterwards. Returns whether that was done.
///
/// # Safety
/// A page-aligned part of a reservation whose contents nobody needs.
#[cfg(all(unix, not(target_os = "linux"), not(miri)))]
pub unsafe fn decommit(start: u64, bytes: usize) -> bool {
    // SAFETY: by the contract: the old pages are replaced by fresh ones in one step.
    let raw = unsafe {
        libc::mmap(
            start as *mut libc::c_void,
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED,
            -1,
            0,
        )
    };
    raw != libc::MAP_FAILED
}

/// Asks for small pages, so that one touched byte does not commit two megabytes. Advice only.
///
/// # Safety
/// A page-aligned part of a reservation.
#[cfg(all(target_os = "linux", not(miri)))]
pub unsafe fn advise_small_pages(start: u64, bytes: usize) {
    // SAFETY: by the contract; the advice changes no contents.
    unsafe { libc::madvise(start as *mut libc::c_void, bytes, libc::MADV_NOHUGEPAGE) };
}

/// Nothing to ask for here.
///
/// # Safety
/// None needed.
#[cfg(not(all(target_os = "linux", not(miri))))]
pub unsafe fn advise_small_pages(_start: u64, _bytes: usize) {}

/// Reserves zeroed memory from the global allocator.
#[cfg(any(not(unix), miri))]
pub fn reserve(bytes: usize, alignment: usize) -> Option<NonNull<u8>> {
    let layout = std::alloc::Layout::from_size_align(bytes, alignment).ok()?;
    // SAFETY: the layout has a size other than zero (callers reserve whole regions).
    let start = NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) })?;
    // The heap finds objects by plain addresses.
    let _ = start.as_ptr().expose_provenance();
    Some(start)
}

/// Gives back what [`reserve`] gave.
///
/// # Safety
/// Exactly one reservation, not used afterwards.
#[cfg(any(not(unix), miri))]
pub unsafe fn unreserve(start: NonNull<u8>, bytes: usize, alignment: usize) {
    if let Ok(layout) = std::alloc::Layout::from_size_align(bytes, alignment) {
        // SAFETY: by the contract, and the layout is the one it was made with.
        unsafe { std::alloc::dealloc(start.as_ptr(), layout) };
    }
}

/// Pages cannot be dropped here.
///
/// # Safety
/// None needed.
#[cfg(any(not(unix), miri))]
pub unsafe fn decommit(_start: u64, _bytes: usize) -> bool {
    false
}
