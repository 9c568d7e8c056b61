//! How soon the operating system lets a thread run that has been woken.
//!
//! On a machine with as many busy threads as cores, a thread that wakes waits until the one that runs there has used up its slice, by default about three
//! milliseconds, and then for the next tick of the system's clock. For a timer or an event of a socket that is most of the lateness there is.
//! Since version 6.12 Linux lets a thread ask for shorter slices: it then gets its turn sooner, for as much less at a time. Its share stays the same.
//!
//! So machines have short slices, the monitor has the shortest, and threads that work in the background, such as those that mark a heap, have the usual
//! ones. Threads inherit the slice of who starts them, and so do processes: who starts one of those gives up its own for that moment
//! ([`with_usual_slice`]). The host's own threads are left as they are.
//!
//! Where the system knows no such thing, nothing happens.

use std::cell::Cell;

use crate::clock::Nanos;

/// What machines ask for.
pub(crate) const MACHINE: Nanos = 250_000;
/// What the monitor asks for: the shortest that there is.
pub(crate) const MONITOR: Nanos = 100_000;
/// What the system gives to who does not ask.
const USUAL: Nanos = 0;

thread_local! {
    /// What this thread has asked for.
    static ASKED: Cell<Nanos> = const { Cell::new(USUAL) };
}

/// Asks for slices of this length for the calling thread.
pub(crate) fn ask(slice: Nanos) {
    if ASKED.replace(slice) != slice {
        set(slice);
    }
}

/// Gives a thread that works in the background the usual slices, whoever has started it.
pub fn work_in_background() {
    ASKED.set(USUAL);
    set(USUAL);
}

/// Starts a process, say, that is to have the usual slices.
pub fn with_usual_slice<R>(start: impl FnOnce() -> R) -> R {
    let asked = ASKED.get();
    ask(USUAL);
    let result = start();
    ask(asked);
    result
}

/// The first fields of `struct sched_attr`, as its first version has them.
#[cfg(all(target_os = "linux", not(miri), not(loom)))]
#[repr(C)]
#[derive(Default)]
struct Attributes {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

#[cfg(all(target_os = "linux", not(miri), not(loom)))]
fn set(slice: Nanos) {
    let size = size_of::<Attributes>() as u32;
    let mut attributes = Attributes::default();
    // SAFETY: 0 is the calling thread; the system writes at most `size` bytes.
    let known =
        unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size, 0_u32) };
    // What has been put under another policy has its own rules.
    let usual = [libc::SCHED_OTHER as u32, libc::SCHED_BATCH as u32];
    if known != 0 || !usual.contains(&attributes.policy) {
        return;
    }
    attributes.size = size;
    attributes.runtime = slice.unsigned_abs();
    // SAFETY: as above; the system only reads. What it says of itself is what it gave us, but for the slice; if it is refused nothing changes.
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0_u32) };
}

#[cfg(not(all(target_os = "linux", not(miri), not(loom))))]
fn set(_slice: Nanos) {}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_slice_is_given_up_for_who_inherits_it() {
        ask(MACHINE);
        assert_eq!(ASKED.get(), MACHINE);
        assert_eq!(with_usual_slice(|| ASKED.get()), USUAL);
        assert_eq!(ASKED.get(), MACHINE);
        work_in_background();
        assert_eq!(ASKED.get(), USUAL);
    }
}
