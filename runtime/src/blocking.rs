//! Who owns a processor while a blocking call runs: one word, two atomic steps for a call that is fast.
//!
//! 1. The machine that is about to call writes a fresh ticket into the word: from now on the processor is anybody's who
//!    takes it by compare-and-swap.
//! 2. When the call returns, the machine tries to swap the ticket back. If that works nothing has happened meanwhile.
//! 3. sysmon (or a machine that stops the world) that finds the same ticket twice takes the processor by swapping the ticket
//!    away, and hands it to another machine. The returning one then finds another processor or queues its goroutine.
//!
//! A ticket is never used twice, so a machine that returns late cannot mistake a later call of another machine for its
//! own (proc.go has that possibility and lives with it).
//!
//! GO: proc.go `reentersyscall`, `exitsyscall`, `retake`.

use crate::sync::{AtomicU64, AtomicUsize, Ordering};

/// What the holder of a processor says it is doing. Only `Blocking` matters to others; the rest is for `schedtrace`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum ProcessorStatus {
    /// In the idle list.
    Idle,
    /// A machine has it.
    Running,
    /// Its machine is in a blocking call.
    Blocking,
    /// The stopped world has it.
    Stopped,
    /// GOMAXPROCS was lowered.
    Dead,
}

const STATUS_BITS: u32 = 3;
const STATUS_MASK: u64 = (1 << STATUS_BITS) - 1;
const BLOCKING: u64 = ProcessorStatus::Blocking as u64;

/// The word.
pub(crate) struct OwnershipWord(AtomicU64);

/// The right to take the processor back.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockingTicket(u64);

impl OwnershipWord {
    pub(crate) fn new() -> OwnershipWord {
        OwnershipWord(AtomicU64::new(ProcessorStatus::Idle as u64))
    }

    /// For the holder of the processor.
    #[inline]
    pub(crate) fn set(&self, status: ProcessorStatus) {
        debug_assert!(
            status != ProcessorStatus::Blocking,
            "enter_blocking gives a ticket"
        );
        // ORDERING: Relaxed, both; only the holder writes, and nobody acts on these states.
        let ticket = self.0.load(Ordering::Relaxed) & !STATUS_MASK;
        self.0.store(ticket | status as u64, Ordering::Relaxed);
    }

    pub(crate) fn status(&self) -> ProcessorStatus {
        // ORDERING: Relaxed; for schedtrace.
        match self.0.load(Ordering::Relaxed) & STATUS_MASK {
            0 => ProcessorStatus::Idle,
            1 => ProcessorStatus::Running,
            2 => ProcessorStatus::Blocking,
            3 => ProcessorStatus::Stopped,
            _ => ProcessorStatus::Dead,
        }
    }

    /// How many blocking calls there were.
    pub(crate) fn calls(&self) -> u64 {
        // ORDERING: Relaxed; for schedtrace.
        self.0.load(Ordering::Relaxed) >> STATUS_BITS
    }

    /// Gives the processor up for the time of a call.
    #[inline]
    pub(crate) fn enter_blocking(&self) -> BlockingTicket {
        // ORDERING: Relaxed; only the holder writes.
        let ticket =
            ((self.0.load(Ordering::Relaxed) >> STATUS_BITS) + 1) << STATUS_BITS | BLOCKING;
        // ORDERING: SeqCst. Release for what we did with the processor; and the caller then looks whether the world is being
        // stopped: either it sees that, or the stopper sees our ticket.
        self.0.swap(ticket, Ordering::SeqCst);
        BlockingTicket(ticket)
    }

    /// Takes the processor back, unless somebody has it.
    #[inline]
    pub(crate) fn try_leave(&self, ticket: BlockingTicket) -> bool {
        let running = ticket.0 & !STATUS_MASK | ProcessorStatus::Running as u64;
        // ORDERING: AcqRel. Pairs with `try_retake`: one of the two wins.
        self.0
            .compare_exchange(ticket.0, running, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// The ticket of the call that runs now.
    pub(crate) fn blocking_ticket(&self) -> Option<BlockingTicket> {
        // ORDERING: SeqCst. Pairs with `enter_blocking`, for the stopper.
        let word = self.0.load(Ordering::SeqCst);
        (word & STATUS_MASK == BLOCKING).then_some(BlockingTicket(word))
    }

    /// Takes the processor from the call with this ticket.
    pub(crate) fn try_retake(&self, ticket: BlockingTicket) -> bool {
        let idle = ticket.0 & !STATUS_MASK | ProcessorStatus::Idle as u64;
        // ORDERING: AcqRel. Acquire pairs with `enter_blocking`: the new owner sees all the old one did.
        self.0
            .compare_exchange(ticket.0, idle, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }
}

/// How many blocking calls are under way, and whether others wait for their turn.
///
/// Who finds no room queues its call and then looks once more; who leaves makes room and then looks at the queue: one of the two sees
/// the other.
pub(crate) struct CallCounter {
    under_way: AtomicUsize,
    queued: AtomicUsize,
    limit: usize,
}

impl CallCounter {
    pub(crate) fn new(limit: usize) -> CallCounter {
        CallCounter {
            under_way: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
            limit: limit.max(1),
        }
    }

    /// Counts a call in, if there is room.
    #[inline]
    pub(crate) fn enter(&self) -> bool {
        // ORDERING: SeqCst, all here: the dance above.
        if self.under_way.fetch_add(1, Ordering::SeqCst) < self.limit {
            return true;
        }
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        false
    }

    /// Counts a call out; answers whether others wait for their turn.
    #[inline]
    pub(crate) fn leave(&self) -> bool {
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        fence_in_models();
        self.queued.load(Ordering::SeqCst) != 0
    }

    pub(crate) fn has_room(&self) -> bool {
        self.under_way.load(Ordering::SeqCst) < self.limit
    }

    /// How many wait; under the central lock.
    pub(crate) fn set_queued(&self, count: usize) {
        self.queued.store(count, Ordering::SeqCst);
        fence_in_models();
    }
}

/// loom takes a SeqCst load for an Acquire one; a fence makes it what it is.
#[inline]
pub(crate) fn fence_in_models() {
    #[cfg(loom)]
    crate::sync::fence(Ordering::SeqCst);
}

/// How many blocking calls may be under way at once when nobody says: 512, and never more than half of what the system lets the user
/// have in threads.
pub(crate) fn default_call_limit() -> usize {
    // Miri knows no such limit.
    let limit = match cfg!(miri) {
        true => None,
        false => rustix::process::getrlimit(rustix::process::Resource::Nproc).current,
    };
    let half = limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit / 2).unwrap_or(usize::MAX)
    });
    half.clamp(1, 512)
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use loom::{cell::UnsafeCell, sync::Arc, thread};

    /// The processor's contents, which two owners at a time would be caught touching.
    struct Processor {
        word: OwnershipWord,
        contents: UnsafeCell<u32>,
    }

    fn touch(p: &Processor) {
        p.contents.with_mut(|contents| {
            // SAFETY: loom itself checks that nobody else is here; that is the point of the model.
            unsafe { *contents += 1 }
        });
    }

    #[test]
    fn loom_a_processor_is_either_retaken_or_given_back() {
        loom::model(|| {
            let p = Arc::new(Processor {
                word: OwnershipWord::new(),
                contents: UnsafeCell::new(0),
            });
            p.word.set(ProcessorStatus::Running);
            touch(&p);
            let ticket = p.word.enter_blocking();
            let sysmon = {
                let p = p.clone();
                thread::spawn(move || {
                    let Some(seen) = p.word.blocking_ticket() else {
                        return false;
                    };
                    let taken = p.word.try_retake(seen);
                    if taken {
                        touch(&p);
                    }
                    taken
                })
            };
            let back = p.word.try_leave(ticket);
            if back {
                touch(&p);
            }
            assert!(back ^ sysmon.join().unwrap());
        });
    }

    #[test]
    fn loom_a_late_return_does_not_take_another_machines_call() {
        loom::model(|| {
            let p = Arc::new(Processor {
                word: OwnershipWord::new(),
                contents: UnsafeCell::new(0),
            });
            p.word.set(ProcessorStatus::Running);
            let first = p.word.enter_blocking();
            let other = {
                let p = p.clone();
                thread::spawn(move || {
                    // sysmon retakes; another machine runs on it, and blocks too.
                    let Some(seen) = p.word.blocking_ticket() else {
                        return None;
                    };
                    if !p.word.try_retake(seen) {
                        return None;
                    }
                    p.word.set(ProcessorStatus::Running);
                    touch(&p);
                    Some(p.word.enter_blocking())
                })
            };
            let back = p.word.try_leave(first);
            let second = other.join().unwrap();
            assert!(back ^ second.is_some());
            if let Some(second) = second {
                assert!(!p.word.try_leave(first));
                assert!(p.word.try_leave(second));
                touch(&p);
            }
        });
    }
}
