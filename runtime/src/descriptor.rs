//! Descriptors that the poller watches: sockets, pipes, terminals.
//!
//! 1. Opening one makes the poller watch it, in both directions, for as long as it lives (edge-triggered, as in Go; where the system
//!    has no such mode, each wait asks again).
//! 2. A goroutine tries its system call ([`Descriptor::attempt`]). When that would block it waits in the direction's word
//!    (`poll_word.rs`) and parks; when it runs again it repeats the attempt.
//! 3. A deadline is a moment per direction. One timer entry stands for it in a processor's heap; a deadline that moves
//!    to later leaves the entry where it is, which moves on when it comes up: connections that set a deadline before each operation
//!    cost nothing.
//! 4. Closing takes the descriptor out of the table, has the poller forget it, wakes who waits, and lets go of the
//!    descriptor. The number is given back to the system when the last call that is using it has returned, so it can be
//!    neither used nor watched under somebody else's name.
//!
//! **Keys.** Scripts and the poller name a descriptor by slot and generation ([`DescriptorKey`]). An event or a script that
//! comes late finds another generation and nothing happens.
//!
//! GO: netpoll.go `pollDesc`, internal/poll/fd_unix.go, fd_poll_runtime.go.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Arc, Weak},
};

use polling::{Event, PollMode, Poller};

use crate::{
    clock::{NEVER, Nanos},
    context::{Context, Slice},
    engine::Engine,
    goroutine::{Goroutine, GoroutineRef},
    lock_rank::{Rank, RankedMutex},
    poll_word::{Enqueued, PollWord},
    sync::{AtomicU32, AtomicU64, Ordering},
    timers::Action,
};

/// Names a descriptor in the tables of its scheduler. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DescriptorKey(pub u64);

/// What one waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Side {
    /// Something to read, a connection to accept.
    Read,
    /// Room to write, a connection that stands.
    Write,
}

const SIDES: [Side; 2] = [Side::Read, Side::Write];

/// How an attempt went.
#[must_use]
#[derive(Debug)]
pub enum Attempt<T> {
    /// The call was made; its error is never "would block".
    Done(io::Result<T>),
    /// The goroutine is enqueued: return `Switch::Park(WaitReason::IoWait)` and try again when it runs again.
    Parked,
    /// The descriptor is closed.
    Closed,
    /// The deadline has passed.
    TimedOut,
}

const CLOSED: u32 = 1;
const EXPIRED: [u32; 2] = [2, 4];

/// A deadline and its timer.
struct Deadline {
    /// `NEVER`: none.
    when: Nanos,
    /// When the timer entry comes up; `NEVER`: there is none.
    armed: Nanos,
    /// In whose heap it lies.
    processor: usize,
}

/// A descriptor that the poller watches.
pub struct Descriptor<E: Engine> {
    source: OwnedFd,
    key: DescriptorKey,
    poller: Arc<Poller>,
    is_edge: bool,
    /// CLOSED and EXPIRED; changes before waiters are taken (`poll_word.rs`).
    state: AtomicU32,
    words: [PollWord<Goroutine<E>>; 2],
    /// The number of the timer entry that counts, for each direction; changes under `deadlines`.
    entries: [AtomicU64; 2],
    deadlines: RankedMutex<[Deadline; 2]>,
}

impl<E: Engine> Descriptor<E> {
    /// Has the poller watch `source`.
    pub(crate) fn open(
        source: OwnedFd,
        key: DescriptorKey,
        poller: &Arc<Poller>,
        is_edge: bool,
    ) -> io::Result<Arc<Descriptor<E>>> {
        let deadline = || Deadline {
            when: NEVER,
            armed: NEVER,
            processor: 0,
        };
        let descriptor = Arc::new(Descriptor {
            source,
            key,
            poller: Arc::clone(poller),
            is_edge,
            state: AtomicU32::new(0),
            words: [PollWord::new(), PollWord::new()],
            entries: [AtomicU64::new(0), AtomicU64::new(0)],
            deadlines: RankedMutex::new(Rank::Descriptor, [deadline(), deadline()]),
        });
        let key = usize::try_from(key.0).map_err(|_| io::Error::from_raw_os_error(libc::ENFILE))?;
        let (event, mode) = if is_edge {
            (Event::all(key), PollMode::Edge)
        } else {
            (Event::none(key), PollMode::Oneshot)
        };
        // SAFETY: the descriptor owns the source and is deleted from the poller before it is closed: by `close`, else by `drop`.
        unsafe { poller.add_with_mode(&descriptor.source, event, mode) }?;
        Ok(descriptor)
    }

    /// The open file itself, for calls that never wait (options, addresses, shutdown).
    pub fn source(&self) -> BorrowedFd<'_> {
        self.source.as_fd()
    }

    /// Its name in the table.
    pub fn key(&self) -> DescriptorKey {
        self.key
    }

    fn stopped<T>(&self, side: Side) -> Option<Attempt<T>> {
        // ORDERING: SeqCst. Pairs with the changes of the state: see poll_word.rs, point 2.
        let state = self.state.load(Ordering::SeqCst);
        if state & CLOSED != 0 {
            Some(Attempt::Closed)
        } else if state & EXPIRED[side as usize] != 0 {
            Some(Attempt::TimedOut)
        } else {
            None
        }
    }

    /// Makes a call that does not block; when it would, has the goroutine wait for `side`.
    pub fn attempt<T>(
        &self,
        slice: &Slice<'_, E>,
        side: Side,
        mut call: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    ) -> Attempt<T> {
        let word = &self.words[side as usize];
        loop {
            if let Some(stopped) = self.stopped(side) {
                return stopped;
            }
            word.prepare();
            match call(self.source.as_fd()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    match self.enqueue(slice, side) {
                        Ok(Enqueued::Waits) => return Attempt::Parked,
                        Ok(Enqueued::Ready) => {}
                        Ok(Enqueued::Busy) => {
                            return Attempt::Done(Err(io::Error::from_raw_os_error(
                                libc::EALREADY,
                            )));
                        }
                        Err(error) => return Attempt::Done(Err(error)),
                    }
                }
                other => return Attempt::Done(other),
            }
        }
    }

    /// Waits for `side` once, whatever a call would say: for a connection that is being made. `is_over` is asked first and
    /// whenever the descriptor has become ready.
    pub fn wait_until<T>(
        &self,
        slice: &Slice<'_, E>,
        side: Side,
        mut is_over: impl FnMut(BorrowedFd<'_>) -> io::Result<Option<T>>,
    ) -> Attempt<T> {
        self.attempt(slice, side, |source| {
            is_over(source)?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
        })
    }

    fn enqueue(&self, slice: &Slice<'_, E>, side: Side) -> io::Result<Enqueued> {
        let word = &self.words[side as usize];
        let waiter = slice.running().raw();
        // Counted first: who takes the waiter counts it off.
        let netpoll = &slice.shared().netpoll;
        netpoll.waits();
        let enqueued = word.enqueue(waiter);
        if enqueued != Enqueued::Waits {
            netpoll.woken(1);
            return Ok(enqueued);
        }
        let asked = if self.is_edge { Ok(()) } else { self.ask() };
        if (asked.is_err() || self.stopped::<()>(side).is_some()) && word.withdraw(waiter) {
            netpoll.woken(1);
            return asked.map(|()| Enqueued::Ready);
        }
        slice.context().descriptor_waits();
        Ok(Enqueued::Waits)
    }

    /// Without edges: asks for both directions once more.
    fn ask(&self) -> io::Result<()> {
        let key = usize::try_from(self.key.0).unwrap_or(0);
        self.poller
            .modify_with_mode(&self.source, Event::all(key), PollMode::Oneshot)
    }

    /// The poller says what is ready: who waits for that.
    pub(crate) fn take_ready(&self, event: &Event) -> [Option<GoroutineRef<E>>; 2] {
        let take = |side: Side, is_ready: bool| {
            is_ready
                .then(|| self.words[side as usize].make_ready())
                .flatten()
                .map(GoroutineRef::from_raw)
        };
        [
            take(Side::Read, event.readable),
            take(Side::Write, event.writable),
        ]
    }

    /// Takes a goroutine out, if it waits here.
    pub(crate) fn withdraw(&self, goroutine: GoroutineRef<E>) -> bool {
        self.words.iter().any(|word| word.withdraw(goroutine.raw()))
    }

    /// Wakes who waits for `side`, because the state has changed.
    fn interrupt(&self, context: &Context<'_, E>, side: Side) {
        if let Some(waiter) = self.words[side as usize].interrupt() {
            context.ready(GoroutineRef::from_raw(waiter));
            context.shared().netpoll.woken(1);
        }
    }

    /// Sets the deadline of one direction; `NEVER` takes it away, a moment that has passed ends a wait at once. Answers
    /// `false` when the descriptor is closed.
    pub fn set_deadline(
        self: &Arc<Self>,
        context: &Context<'_, E>,
        side: Side,
        when: Nanos,
    ) -> bool {
        let mut deadlines = self.deadlines.lock();
        // ORDERING: SeqCst, here and below, as in `stopped`; changes happen under the lock.
        if self.state.load(Ordering::SeqCst) & CLOSED != 0 {
            return false;
        }
        let expired = EXPIRED[side as usize];
        let deadline = &mut deadlines[side as usize];
        deadline.when = when;
        if when <= context.now() {
            deadline.when = NEVER;
            self.state.fetch_or(expired, Ordering::SeqCst);
            self.forget_timer(context, side, deadline);
            drop(deadlines);
            self.interrupt(context, side);
            return true;
        }
        self.state.fetch_and(!expired, Ordering::SeqCst);
        if when == NEVER {
            self.forget_timer(context, side, deadline);
        } else if deadline.armed > when {
            self.forget_timer(context, side, deadline);
            self.arm(context, side, deadline);
            drop(deadlines);
            context.timer_added(when);
        }
        true
    }

    fn arm(self: &Arc<Self>, context: &Context<'_, E>, side: Side, deadline: &mut Deadline) {
        let processor = context.processor();
        let number = self.next_entry(side);
        deadline.armed = deadline.when;
        deadline.processor = processor.index;
        processor.timers.add(
            deadline.when,
            Action::Deadline(DeadlineEntry {
                descriptor: Arc::downgrade(self),
                side,
                number,
            }),
        );
    }

    fn next_entry(&self, side: Side) -> u64 {
        // ORDERING: Relaxed; under the lock. Sweepers of a heap read it without, and may be late.
        self.entries[side as usize].fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether the timer entry with this number still counts.
    fn entry_counts(&self, side: Side, number: u64) -> bool {
        // ORDERING: Relaxed, as above.
        self.entries[side as usize].load(Ordering::Relaxed) == number
    }

    /// Makes a corpse of the timer entry.
    fn forget_timer(&self, context: &Context<'_, E>, side: Side, deadline: &mut Deadline) {
        if deadline.armed != NEVER {
            deadline.armed = NEVER;
            self.next_entry(side);
            if let Some(processor) = context.shared().processor(deadline.processor) {
                processor.timers.mourn();
            }
        }
    }

    /// Ends the descriptor's life; it is out of the table already.
    pub(crate) fn close(&self, context: &Context<'_, E>) {
        {
            let mut deadlines = self.deadlines.lock();
            // ORDERING: SeqCst, as in `stopped`.
            self.state.fetch_or(CLOSED, Ordering::SeqCst);
            for (side, deadline) in SIDES.into_iter().zip(deadlines.iter_mut()) {
                self.forget_timer(context, side, deadline);
            }
        }
        // It is watched; a poller that cannot forget it would still name a generation that is gone.
        let _ = self.poller.delete(&self.source);
        for side in SIDES {
            self.interrupt(context, side);
        }
    }
}

impl<E: Engine> Drop for Descriptor<E> {
    fn drop(&mut self) {
        // ORDERING: Relaxed; nobody else has it.
        if self.state.load(Ordering::Relaxed) & CLOSED == 0 {
            // Left open at the end of the run.
            let _ = self.poller.delete(&self.source);
        }
    }
}

/// A deadline in a heap of timers.
pub(crate) struct DeadlineEntry<E: Engine> {
    descriptor: Weak<Descriptor<E>>,
    side: Side,
    number: u64,
}

impl<E: Engine> DeadlineEntry<E> {
    /// Whether nothing is to be done when it comes up.
    pub(crate) fn is_corpse(&self) -> bool {
        self.descriptor
            .upgrade()
            .is_none_or(|descriptor| !descriptor.entry_counts(self.side, self.number))
    }

    /// It is due.
    pub(crate) fn fire(self, context: &Context<'_, E>) {
        let Some(descriptor) = self.descriptor.upgrade() else {
            return;
        };
        let mut deadlines = descriptor.deadlines.lock();
        let deadline = &mut deadlines[self.side as usize];
        if !descriptor.entry_counts(self.side, self.number) {
            return;
        }
        deadline.armed = NEVER;
        if deadline.when > context.now() {
            // It has been moved to later.
            descriptor.arm(context, self.side, deadline);
            return;
        }
        deadline.when = NEVER;
        // ORDERING: SeqCst, as in `stopped`.
        descriptor
            .state
            .fetch_or(EXPIRED[self.side as usize], Ordering::SeqCst);
        drop(deadlines);
        descriptor.interrupt(context, self.side);
    }
}
