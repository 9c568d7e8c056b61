//! The command's allocator: mimalloc, with an eye on large blocks.
//!
//! `--max-heap` bounds what a program takes, library functions included, which are written in Rust and take their memory here. Those that may
//! need much ask first ([`vm::native::NativeContext::check_memory`]) and fail with a trace. For all others there is this: large blocks
//! are counted, the count is the machine's to ask ([`in_large_blocks`]), and one that goes beyond the limit ends the
//! process as Go does, with the trace of the goroutine whose native it is for, since Rust's collections cannot be refused memory.

use std::alloc::{GlobalAlloc, Layout};
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use mimalloc::MiMalloc;

/// Blocks of at least so many bytes are counted. Smaller ones are not worth the price of a shared counter.
const LARGE: usize = 64 << 10;

/// Bytes in large blocks.
static LARGE_BYTES: AtomicU64 = AtomicU64::new(0);
/// What the compiler had taken when the program started: no memory of the program.
static BEFORE: AtomicU64 = AtomicU64::new(0);
/// The account of the program that runs.
static ACCOUNT: OnceLock<Arc<vm::heap::Account>> = OnceLock::new();

/// See the module's text.
pub struct Allocator;

/// Bytes of large blocks that were taken for the program.
pub fn in_large_blocks() -> u64 {
    // ORDERING: relaxed, here and below: sums of sizes that publish nothing.
    LARGE_BYTES
        .load(Ordering::Relaxed)
        .saturating_sub(BEFORE.load(Ordering::Relaxed))
}

/// What is taken from here on is the program's; with an account it is held to that account's limit.
pub fn program_starts(account: Option<Arc<vm::heap::Account>>) {
    BEFORE.store(LARGE_BYTES.load(Ordering::Relaxed), Ordering::Relaxed);
    if let Some(account) = account {
        // The first program is the only one.
        let _ = ACCOUNT.set(account);
    }
}

/// Counts a large block about to be taken.
fn take(bytes: usize) {
    if let Some(account) = ACCOUNT.get()
        && let Some(limit) = account.limit()
        // A little more than the limit, so that a function that made something too large gets to where it can say so, with a trace.
        && !account.allows((bytes as u64).saturating_sub(limit / 8))
    {
        let head = format!(
            "runtime: out of memory: cannot allocate {bytes}-byte block ({} in use)\nruntime: memory is limited to {limit} bytes\nfatal error: out of memory\n",
            account.charged() + in_large_blocks()
        );
        // Traces are short: no large blocks. Nobody can be told that they cannot be written.
        let text = vm::trace_of_native(&head);
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
        std::process::exit(2);
    }
    LARGE_BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
}

unsafe extern "C" {
    /// Of mimalloc: its thread's free pages, those of threads that have ended, and with `force` what it keeps of the system's.
    fn mi_collect(force: bool);
}

/// Gives back to the system what the allocator keeps and nobody uses.
pub fn release() {
    // SAFETY: any thread may call it at any time.
    unsafe { mi_collect(true) };
}

fn give_back(bytes: usize) {
    LARGE_BYTES.fetch_sub(bytes as u64, Ordering::Relaxed);
}

// SAFETY: all memory comes from mimalloc and goes back to it with the layout it came with.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= LARGE {
            take(layout.size());
        }
        // SAFETY: the caller's promise.
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= LARGE {
            take(layout.size());
        }
        // SAFETY: the caller's promise.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if layout.size() >= LARGE {
            give_back(layout.size());
        }
        // SAFETY: the caller's promise.
        unsafe { MiMalloc.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size >= LARGE {
            take(size);
        }
        if layout.size() >= LARGE {
            give_back(layout.size());
        }
        // SAFETY: the caller's promise.
        unsafe { MiMalloc.realloc(memory, layout, size) }
    }
}
