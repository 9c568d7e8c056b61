//! Ending a goroutine from outside: what `:kill`, Ctrl-C in a session, the end of a host's call and a cancelled scope do to one.
//!
//! The world is stopped. A goroutine that does not wait ends at its next safepoint; one that waits at channels or sleeps is taken out and ends
//! there. One that waits in package sync has counted itself in words of its lock, group or condition, and waits at a semaphore beside them.
//! [`end`] takes that back before the goroutine is taken out of the queue, so that those who come later find the lock as if it had never come. If
//! the words show that somebody is about to wake it, it stays, and ends when it stops the next time: having the lock, it may do what it has
//! it for.
//!
//! What needs code of the library (the readers that a writer has kept out, the list of a condition, the locks of a socket) the goroutine does itself
//! when it runs again: the native that follows each wait tells it so ([`crate::native::NativeContext::take_broken_wait`]), and when all is in order it
//! leaves as by `runtime.Goexit`.
//!
//! Between two steps that others rely on (unlocking and waking, unlocking and waiting) the library shields the goroutine: it ends behind them.
//!
//! A goroutine that is asked to end where it cannot (shielded, woken with what is its own, between two statements, at the entry of a deferred call) goes on
//! knowing it, and nobody asks again. So what is about to wait looks first: channels do only what needs no waiting
//! ([`Fiber::ends_here`]), a semaphore's waiter takes back what it has counted ([`give_up`]), the others leave
//! ([`crate::native::NativeContext::is_to_leave`], [`crate::native::NativeContext::is_descriptor_left`]).
//!
//! INVARIANT (layout): in stdlib's sync.gl the word `state` lies right before the semaphore of a Mutex and of a WaitGroup, `readerCount` one word
//! behind the semaphore of the readers and two behind the writer's, and `readerWait` three behind the writer's. What the bits mean stands there.

use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering::SeqCst};

use runtime::{Breakable, WaitReason};

use crate::fiber::{Fiber, Interrupt, Pending};

/// Bits of a Mutex's state, and what one waiter counts there.
const LOCKED: i32 = 1;
const STARVING: i32 = 4;
const WAITER: i32 = 8;

/// What a writer takes from the number of readers.
const MAX_READERS: i32 = 1 << 30;

/// Has a goroutine end, and says whether its wait is to be broken. `wait` is how that can be done, if it waits. `unfinished` is for one that cannot be
/// stopped where it is: [`Interrupt::Now`] drops what comes of it.
pub(crate) fn end(fiber: &Fiber, wait: Option<Breakable>, unfinished: Interrupt) -> bool {
    let (interrupt, is_broken) = match wait {
        // What it waited for has come, and is its own: a lock that nobody else would unlock.
        None if matches!(fiber.pending, Pending::Native(_)) => (Interrupt::NextTime, false),
        None if matches!(fiber.pending, Pending::Completion) => (unfinished, false),
        None => (Interrupt::Now, false),
        Some(Breakable::No) => (unfinished, false),
        Some(Breakable::AtOnce) => (Interrupt::Now, true),
        Some(Breakable::AtDescriptor) => (Interrupt::Broken { readers: 0 }, true),
        // In the middle of something it has to have the lock; what it does beside at a condition or a descriptor it can leave.
        Some(Breakable::AtSemaphore(reason, _))
            if fiber.shields.get() != 0 && reason != WaitReason::CondWait =>
        {
            (Interrupt::Now, false)
        }
        Some(Breakable::AtSemaphore(reason, address)) => match take_back(reason, address) {
            Some(readers) => (Interrupt::Broken { readers }, true),
            None => (Interrupt::NextTime, false),
        },
    };
    // A second time is not to put it off.
    if interrupt != Interrupt::NextTime || fiber.interrupt.get() == Interrupt::None {
        fiber.interrupt.set(interrupt);
    }
    is_broken
}

/// The word so many bytes from the semaphore at this address.
fn word<T>(semaphore: u64, distance: isize) -> &'static T {
    let address = semaphore.wrapping_add_signed(distance as i64) as usize;
    // SAFETY: a goroutine waits at the semaphore, or is about to, so the lock that it is part of is alive, whose words lie where the module's text says and are
    // aligned. All access them by atomic moves. The reference does not leave `take_back`.
    unsafe { &*std::ptr::with_exposed_provenance(address) }
}

/// For a goroutine that is to end and has counted itself at a semaphore, but does not wait there yet: whether that is taken back.
pub(crate) fn give_up(is_shielded: bool, reason: WaitReason, semaphore: &AtomicU32) -> bool {
    match reason {
        WaitReason::CondWait => true,
        // Those who have come behind a writer wait for it, and the world runs.
        WaitReason::RwMutexLock => false,
        _ => {
            !is_shielded
                && take_back(reason, semaphore.as_ptr().expose_provenance() as u64).is_some()
        }
    }
}

/// Takes back what a waiter has done to the words beside its semaphore; `None`: it is about to be woken. What comes back is for the goroutine.
///
/// ORDERING: SeqCst, as all accesses of these words (stdlib's sync). The world is stopped, but for [`give_up`]; what is done to two words needs that.
fn take_back(reason: WaitReason, semaphore: u64) -> Option<u32> {
    match reason {
        WaitReason::MutexLock => {
            let state: &AtomicI32 = word(semaphore, -4);
            let less = |old: i32| {
                let is_handed_over = old & STARVING != 0 && old & LOCKED == 0;
                if old < WAITER || is_handed_over {
                    return None;
                }
                let new = old - WAITER;
                // The last waiter makes a starving one normal again.
                let flags = if new < WAITER { !STARVING } else { !0 };
                Some(new & flags)
            };
            state.fetch_update(SeqCst, SeqCst, less).ok().map(|_| 0)
        }
        WaitReason::RwMutexRLock => {
            let count: &AtomicI32 = word(semaphore, 4);
            // While a writer waits or writes; then it lets those in who are counted.
            let less = |now: i32| (now < 0).then(|| now - 1);
            count.fetch_update(SeqCst, SeqCst, less).ok().map(|_| 0)
        }
        WaitReason::RwMutexLock => {
            let (count, awaited): (&AtomicI32, &AtomicI32) =
                (word(semaphore, 8), word(semaphore, 12));
            let reading = awaited.load(SeqCst);
            if reading <= 0 {
                return None;
            }
            let all = count.load(SeqCst).wrapping_add(MAX_READERS);
            count.store(all, SeqCst);
            awaited.store(0, SeqCst);
            // Who has come behind the writer waits for it.
            Some(u32::try_from(all.wrapping_sub(reading)).unwrap_or(0))
        }
        WaitReason::WaitGroupWait => {
            let state: &AtomicU64 = word(semaphore, -8);
            // Who has made the number 0 wakes those who were counted then.
            let less = |old: u64| (old >> 32 != 0 && old as u32 != 0).then(|| old - 1);
            state.fetch_update(SeqCst, SeqCst, less).ok().map(|_| 0)
        }
        // A condition's waiter has a semaphore of its own.
        _ => Some(0),
    }
}
