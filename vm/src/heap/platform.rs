//! Address space and pages from the operating system. What differs between systems is here and nowhere else.

use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

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
        for segment in headers {
            let start = (base + segment.p_vaddr as usize).next_multiple_of(PAGE);
            let end = (base + (segment.p_vaddr + segment.p_filesz) as usize) & !(PAGE - 1);
            if start >= end {
                continue;
            }
            match segment.p_type {
                libc::PT_LOAD if segment.p_flags & libc::PF_W == 0 => {
                    // SAFETY: whole pages of a private mapping of a file that nobody writes to: they are read from the file again.
                    unsafe {
                        libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED)
                    };
                }
                libc::PT_GNU_RELRO => {
                    // SAFETY: the loader has written here, and protected it since.
                    unsafe { release_unwritten(start, end) };
                }
                _ => {}
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

/// Bytes of a page.
#[cfg(all(target_os = "linux", not(miri)))]
const PAGE: usize = 1 << 12;

/// Has those pages between two addresses leave the process's memory that are still as they stand in their file: tables of constants. The system
/// tells which; if it does not, all stay.
///
/// # Safety
/// Whole pages of a private mapping of a file, which nobody writes to any more.
#[cfg(all(target_os = "linux", not(miri)))]
unsafe fn release_unwritten(start: usize, end: usize) {
    use std::os::unix::fs::FileExt;
    // Of each page a word. Linux, Documentation/admin-guide/mm/pagemap.rst
    const PRESENT: u64 = 1 << 63;
    const OF_FILE: u64 = 1 << 61;
    let Ok(map) = std::fs::File::open("/proc/self/pagemap") else {
        return;
    };
    let mut words = [0; 8 * 256];
    let mut at = start;
    while at < end {
        let count = ((end - at) / PAGE).min(words.len() / 8);
        let bytes = &mut words[..8 * count];
        if map.read_exact_at(bytes, (at / PAGE * 8) as u64).is_err() {
            return;
        }
        let (words, _) = bytes.as_chunks();
        let is_unwritten = |page: usize| {
            let word = u64::from_ne_bytes(words[page]);
            word & PRESENT != 0 && word & OF_FILE != 0
        };
        let mut page = 0;
        while page < count {
            let first = page;
            while page < count && is_unwritten(page) {
                page += 1;
            }
            if first < page {
                let (start, bytes) = (at + first * PAGE, (page - first) * PAGE);
                // SAFETY: by the contract, and the pages are still the file's.
                unsafe { libc::madvise(start as *mut libc::c_void, bytes, libc::MADV_DONTNEED) };
            }
            page += 1;
        }
        at += count * PAGE;
    }
}

/// How much a heap takes when the pages of the executable are next released for it.
static RELEASE_AT: AtomicU64 = AtomicU64::new(u64::MAX);

/// What else is given back then.
static RELEASED_TOO: OnceLock<fn()> = OnceLock::new();

/// How much a heap takes before the pages of the executable are released for it, and when they do not count any more.
const MUCH: u64 = 1 << 20;
const VERY_MUCH: u64 = 32 << 20;

/// Has the pages of the executable leave the process's memory when a heap has grown by so much that they count, and again whenever it is a third
/// larger: what was used only once meanwhile is not there when the heap is largest. A short program is over sooner than its own code would be back.
/// `also` is called with it, by whoever allocates: to give back what else the compiler has left.
// Not inlined: `cargo xtask text-order` takes its call for the moment when the program starts.
#[inline(never)]
pub fn release_code_later(also: fn()) {
    let _ = RELEASED_TOO.set(also);
    // ORDERING: relaxed. Whose heap has grown may come a little late.
    RELEASE_AT.store(MUCH, Ordering::Relaxed);
}

/// A heap takes so many bytes now.
#[inline]
pub fn heap_has_grown(bytes: u64) {
    // ORDERING: relaxed, both. One of those who see it does it.
    let at = RELEASE_AT.load(Ordering::Relaxed);
    if bytes > at {
        let next = if bytes < VERY_MUCH {
            bytes + bytes / 3
        } else {
            u64::MAX
        };
        let exchanged = RELEASE_AT.compare_exchange(at, next, Ordering::Relaxed, Ordering::Relaxed);
        if exchanged.is_ok() {
            release_code();
            if let Some(also) = RELEASED_TOO.get() {
                also();
            }
        }
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
