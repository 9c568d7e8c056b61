//! The select statement.
//!
//! 1. The cases are looked at in random order, without a lock. The channel of one that looks ready is locked, and if the case is ready it goes
//!    ahead: at that moment it could, and nothing is promised about the others. That nobody is ready cannot be seen so, for a value may
//!    move from one channel to another while they are looked at:
//! 2. All channels are locked, in the order of their addresses (two selects over the same channels cannot embrace
//!    each other), each once. The cases are looked at once more; the first that is ready goes ahead.
//! 3. Else the goroutine enqueues a waiter at every channel, all locks are released, and it parks.
//! 4. Who wakes it has won its `select_won` word with one of the waiters: exactly one case goes ahead.
//! 5. When it runs again it takes the losers out of their queues ([`SelectWaiters::leave`]), one channel lock at a time:
//!    a loser that a waker meets meanwhile is dropped by that waker, since the word is taken.
//!
//! The waiters of a select lie in a block that the goroutine keeps: only its first select that waits allocates.
//!
//! GO: select.go `selectgo`.

use std::cell::UnsafeCell;

use smallvec::SmallVec;

use crate::{
    channel::{Buffer, Channel, SentNow},
    context::Slice,
    engine::{Engine, WakeOutcome},
    goroutine::{GoroutineRef, WaitsAt},
    wait_queue::{Waiter, WaiterRef, Waits, WordGuard},
};

/// How many cases need no memory of their own.
const USUAL_CASES: usize = 8;

/// What a case wants to do with its channel.
#[derive(Clone, Copy, Debug)]
pub enum Direction<T> {
    /// `case c <- value`.
    Send(T),
    /// `case v, ok := <-c`.
    Receive,
}

/// One case of a select statement.
pub struct SelectCase<'a, E: Engine, B> {
    /// The channel; `None` is nil and never ready.
    pub channel: Option<&'a Channel<E>>,
    /// What to do with it.
    pub direction: Direction<E::Transfer>,
    /// Where its elements lie.
    pub buffer: B,
}

/// What [`select`] did.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectResult<T> {
    /// Case number `case` received.
    Received { case: usize, value: T, ok: bool },
    /// Case number `case` sent.
    Sent { case: usize },
    /// Case number `case` is a send on a closed channel: panic with "send on closed channel".
    SendOnClosed { case: usize },
    /// The goroutine is enqueued everywhere: return `Switch::Park(WaitReason::Select)` (`SelectNoCases` when there
    /// is no case at all; a select of nil channels only waits as `Select`), then ask [`Slice::take_wake_outcome`].
    Parked,
    /// Only when `may_park` is false (there is a `default`): nothing is ready.
    WouldBlock,
}

impl<T: Default> SelectResult<T> {
    /// The case that went ahead at once, told as a wake-up tells of one.
    ///
    /// # Errors
    /// None did: [`SelectResult::Parked`] or [`SelectResult::WouldBlock`].
    pub fn outcome(self) -> Result<WakeOutcome<T>, SelectResult<T>> {
        let sent = |case, ok| WakeOutcome {
            case,
            is_send: true,
            value: T::default(),
            ok,
        };
        match self {
            SelectResult::Received { case, value, ok } => Ok(WakeOutcome {
                case,
                is_send: false,
                value,
                ok,
            }),
            SelectResult::Sent { case } => Ok(sent(case, true)),
            SelectResult::SendOnClosed { case } => Ok(sent(case, false)),
            none => Err(none),
        }
    }
}

/// A select statement over `cases`; `may_park` is false when it has a `default`.
/// The engine keeps the channels alive until [`Slice::take_wake_outcome`] (they stand in the fiber's registers).
pub fn select<E: Engine, B: Buffer<E::Transfer>>(
    slice: &Slice<'_, E>,
    cases: &[SelectCase<'_, E, B>],
    may_park: bool,
) -> SelectResult<E::Transfer> {
    // Nil channels are never ready. Poll order: a random permutation. Lock order: by address.
    let mut poll_order: SmallVec<[u32; USUAL_CASES]> = SmallVec::new();
    for (case, number) in cases.iter().zip(0..) {
        if case.channel.is_some() {
            poll_order.push(number);
            let last = poll_order.len() - 1;
            poll_order.swap(last, slice.random_below(last + 1));
        }
    }
    let channel_of = |number: u32| {
        cases[number as usize]
            .channel
            .expect("nil channels are left out")
    };
    for &number in &poll_order {
        let channel = channel_of(number);
        let is_send = matches!(cases[number as usize].direction, Direction::Send(_));
        if !channel.looks_ready(is_send) {
            continue;
        }
        let held = channel.lock.lock();
        if let Some((result, woken)) = attempt(&cases[number as usize], number, channel, &held) {
            drop(held);
            if let Some(woken) = woken {
                slice.ready(woken);
            }
            return result;
        }
    }
    let mut lock_order = poll_order.clone();
    lock_order.sort_unstable_by_key(|&number| std::ptr::from_ref(channel_of(number)));

    // Equal channels are neighbours and share one guard.
    let mut held: SmallVec<[WordGuard<'_>; USUAL_CASES]> = SmallVec::new();
    let mut previous: Option<&Channel<E>> = None;
    for &number in &lock_order {
        let channel = channel_of(number);
        if previous.is_none_or(|previous| !std::ptr::eq(previous, channel)) {
            held.push(channel.lock.lock());
            previous = Some(channel);
        }
    }
    // Any of the guards shows that the locks are held, for all of them are.
    if let Some(witness) = held.first() {
        for &number in &poll_order {
            let case = &cases[number as usize];
            if let Some((result, woken)) = attempt(case, number, channel_of(number), witness) {
                held.clear();
                if let Some(woken) = woken {
                    slice.ready(woken);
                }
                return result;
            }
        }
    }
    if !may_park {
        return SelectResult::WouldBlock;
    }
    let goroutine = slice.running();
    goroutine.open_select();
    goroutine.set_waits_at(WaitsAt::Select);
    goroutine.with_select(|select| {
        select.reserve(lock_order.len());
        let Some(witness) = held.first() else { return };
        for (&number, waiter) in lock_order.iter().zip(select.in_use()) {
            let channel = channel_of(number);
            let (transfer, is_send) = match cases[number as usize].direction {
                Direction::Send(value) => (value, true),
                Direction::Receive => (E::Transfer::default(), false),
            };
            waiter.set_up(Waits {
                goroutine,
                key: std::ptr::from_ref(channel).cast(),
                transfer,
                number,
                is_send,
                is_select: true,
            });
            if is_send {
                &channel.senders
            } else {
                &channel.receivers
            }
            .push_back(waiter, witness);
        }
    });
    SelectResult::Parked
}

/// What a case that goes ahead answers, and whom to wake.
type Ahead<E> = (
    SelectResult<<E as Engine>::Transfer>,
    Option<GoroutineRef<E>>,
);

/// Lets one case go ahead, if it is ready. `held` is the lock of its channel.
#[inline]
fn attempt<E: Engine, B: Buffer<E::Transfer>>(
    case: &SelectCase<'_, E, B>,
    number: u32,
    channel: &Channel<E>,
    held: &WordGuard<'_>,
) -> Option<Ahead<E>> {
    let number = number as usize;
    match case.direction {
        Direction::Receive => {
            let (value, ok, sender) = channel.receive_now(held, &case.buffer)?;
            let received = SelectResult::Received {
                case: number,
                value,
                ok,
            };
            Some((received, sender))
        }
        Direction::Send(value) => match channel.send_now(held, value, &case.buffer).ok()? {
            SentNow::To(receiver) => Some((SelectResult::Sent { case: number }, Some(receiver))),
            SentNow::IntoBuffer => Some((SelectResult::Sent { case: number }, None)),
            SentNow::Closed => Some((SelectResult::SendOnClosed { case: number }, None)),
        },
    }
}

/// Takes a waiter out of the queue of its channel, if it is still in, and forgets its value.
pub(crate) fn leave_queue<E: Engine>(waiter: WaiterRef<E>) {
    let channel = waiter.key().cast::<Channel<E>>();
    // SAFETY: it was a reference when the operation began, and the engine keeps the channel alive until the goroutine
    // has asked for the outcome or given it up, which it is doing now (INVARIANT in channel.rs).
    let channel = unsafe { &*channel };
    let held = channel.lock.lock();
    if waiter.is_send() {
        &channel.senders
    } else {
        &channel.receivers
    }
    .remove(waiter, &held);
    let _ = waiter.take_transfer();
}

/// The waiters of a goroutine's select statements.
pub(crate) struct SelectWaiters<E: Engine> {
    block: Option<Box<Block<E>>>,
}

struct Block<E: Engine> {
    waiters: Box<[UnsafeCell<Waiter<E>>]>,
    used: usize,
}

impl<E: Engine> Default for SelectWaiters<E> {
    fn default() -> SelectWaiters<E> {
        SelectWaiters { block: None }
    }
}

impl<E: Engine> SelectWaiters<E> {
    /// Makes `count` waiters available; none is enqueued now.
    fn reserve(&mut self, count: usize) {
        if self
            .block
            .as_ref()
            .is_none_or(|block| block.waiters.len() < count)
        {
            let size = count.next_power_of_two().max(2);
            let waiters = (0..size).map(|_| UnsafeCell::new(Waiter::new())).collect();
            self.block = Some(Box::new(Block { waiters, used: 0 }));
        }
        if let Some(block) = &mut self.block {
            block.used = count;
        }
    }

    /// The waiters of the present select.
    pub(crate) fn in_use(&self) -> impl Iterator<Item = WaiterRef<E>> + '_ {
        self.block
            .iter()
            .flat_map(|block| block.waiters[..block.used].iter().map(WaiterRef::new))
    }

    /// Takes all out of their queues: the select goes ahead with no case.
    pub(crate) fn leave_all(&mut self) {
        for waiter in self.in_use() {
            leave_queue(waiter);
        }
        if let Some(block) = &mut self.block {
            block.used = 0;
        }
    }

    /// Takes the losers out of their queues, after the select has gone ahead with case `case`; answers its waiter.
    pub(crate) fn leave(&mut self, case: u32) -> WaiterRef<E> {
        let mut winner = None;
        for waiter in self.in_use() {
            // The key and number of an enqueued waiter never change.
            if waiter.number() == case {
                winner = Some(waiter);
                continue;
            }
            leave_queue(waiter);
        }
        if let Some(block) = &mut self.block {
            block.used = 0;
        }
        winner.expect("a select goes ahead with one of its cases")
    }
}
