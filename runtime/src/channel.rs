//! Channels: the protocol. The elements belong to the engine.
//!
//! A channel is a lock word, a ring position and two queues of waiters; it lies in the engine's heap. All that matters
//! happens under the lock:
//!
//! * Send: a waiting receiver gets the value into its waiter (never into its frame) and is readied; else the value goes into
//!   the buffer; else the sender enqueues itself with the value in its own waiter.
//! * Receive: from a waiting sender when the buffer is empty; from the buffer, refilled by a waiting sender; else it enqueues.
//! * Close: wakes everybody. A receiver finds "no value", a sender must panic.
//!
//! The lock is released before anybody is readied, so no other lock is ever taken under it.
//!
//! INVARIANT: receivers wait only while the buffer is empty, senders only while it is full. At least one queue is
//! empty, but for a select that waits on both sides of one channel.
//! INVARIANT: a channel outlives the waits at it (the engine's collector sees to it) and is used by one scheduler only.
//!
//! GO: chan.go.

use crate::{
    context::{Context, Slice},
    engine::Engine,
    goroutine::{GoroutineRef, WaitsAt},
    sync::{AtomicU32, AtomicUsize, Ordering, fence},
    wait_queue::{WaitQueue, Waits, WordGuard, WordLock},
};

/// Where a channel's elements lie. Called under the channel's lock: every method must be short, must not
/// allocate from the collected heap and must not call back into the runtime.
pub trait Buffer<T> {
    /// Reads element `index`.
    fn load(&self, index: usize) -> T;
    /// Writes element `index`.
    fn store(&self, index: usize, value: T);
    /// Forgets element `index`, so that the collector does not keep what it refers to.
    fn clear(&self, index: usize);
}

/// The buffer of an unbuffered channel.
#[derive(Clone, Copy, Debug)]
pub struct Unbuffered;

impl<T: Default> Buffer<T> for Unbuffered {
    fn load(&self, _index: usize) -> T {
        T::default()
    }
    fn store(&self, _index: usize, _value: T) {}
    fn clear(&self, _index: usize) {}
}

/// What a send did.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendResult {
    /// The value is in the buffer or with a receiver.
    Done,
    /// The goroutine is enqueued: return `Switch::Park(WaitReason::ChannelSend)`, then ask
    /// [`Slice::take_wake_outcome`].
    Parked,
    /// `try_send` only: nobody is ready.
    WouldBlock,
    /// Panic with "send on closed channel".
    Closed,
}

/// What a receive did.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveResult<T> {
    /// A value, or `(T::default(), false)` from a closed, drained channel.
    Done(T, bool),
    /// The goroutine is enqueued: return `Switch::Park(WaitReason::ChannelReceive)`, then ask
    /// [`Slice::take_wake_outcome`].
    Parked,
    /// `try_receive` only: nobody is ready.
    WouldBlock,
}

/// What a close did.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseResult {
    /// The channel is closed now.
    Done,
    /// Panic with "close of closed channel".
    AlreadyClosed,
}

/// A channel's protocol state, made to lie inside an object of a garbage-collected heap: it has no destructor, owns no
/// memory, and zeroed memory is an open, empty, unbuffered channel (use [`Channel::set_capacity`] before it is shared).
#[repr(C)]
pub struct Channel<E: Engine> {
    pub(crate) lock: WordLock,
    pub(crate) closed: AtomicU32,
    pub(crate) count: AtomicUsize,
    pub(crate) capacity: AtomicUsize,
    /// Where the next receive reads.
    pub(crate) head: AtomicUsize,
    pub(crate) receivers: WaitQueue<E>,
    pub(crate) senders: WaitQueue<E>,
}

impl<E: Engine> Channel<E> {
    /// An open, empty channel.
    pub fn new(capacity: usize) -> Channel<E> {
        Channel {
            lock: WordLock::new(),
            closed: AtomicU32::new(0),
            count: AtomicUsize::new(0),
            capacity: AtomicUsize::new(capacity),
            head: AtomicUsize::new(0),
            receivers: WaitQueue::new(),
            senders: WaitQueue::new(),
        }
    }

    /// Gives a zeroed channel its capacity, before anybody else sees it.
    pub fn set_capacity(&self, capacity: usize) {
        // ORDERING: Relaxed; nobody else sees the channel yet, and who publishes it does so with release.
        self.capacity.store(capacity, Ordering::Relaxed);
    }

    /// `cap(c)`.
    pub fn capacity(&self) -> usize {
        // ORDERING: Relaxed; never changes once the channel is shared.
        self.capacity.load(Ordering::Relaxed)
    }

    /// `len(c)`.
    pub fn len(&self) -> usize {
        // ORDERING: Relaxed; a snapshot, as in Go.
        self.count.load(Ordering::Relaxed)
    }

    /// Whether the buffer holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether an operation would go ahead, without the lock: a hint.
    #[inline]
    pub(crate) fn looks_ready(&self, is_send: bool) -> bool {
        let meets_somebody = if is_send {
            !self.receivers.looks_empty() || self.len() < self.capacity()
        } else {
            !self.senders.looks_empty() || !self.is_empty()
        };
        meets_somebody || self.is_closed()
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        // ORDERING: Acquire. Pairs with `close`; under the lock it would not matter, in the fast paths a channel that is seen
        // closed must not be seen with an older, emptier buffer.
        self.closed.load(Ordering::Acquire) != 0
    }

    /// Where the next send writes.
    fn tail(&self) -> usize {
        // ORDERING: Relaxed; under the lock.
        let head = self.head.load(Ordering::Relaxed);
        let room_before_wrap = self.capacity() - head;
        let count = self.len();
        if count < room_before_wrap {
            head + count
        } else {
            count - room_before_wrap
        }
    }

    /// What is in the buffer, the oldest element first, of a channel that nobody uses meanwhile: in a stopped world.
    pub fn buffered(&self, buffer: &impl Buffer<E::Transfer>) -> Vec<E::Transfer> {
        // ORDERING: Relaxed; who uses it otherwise is stopped.
        let head = self.head.load(Ordering::Relaxed);
        let places = (head..self.capacity()).chain(0..head);
        let full = places.take(self.len());
        full.map(|place| buffer.load(place)).collect()
    }

    /// Takes the oldest element.
    fn take_from_buffer(&self, buffer: &impl Buffer<E::Transfer>) -> E::Transfer {
        // ORDERING: Relaxed, all; under the lock.
        let head = self.head.load(Ordering::Relaxed);
        let value = buffer.load(head);
        buffer.clear(head);
        let next = head + 1;
        self.head.store(
            if next == self.capacity() { 0 } else { next },
            Ordering::Relaxed,
        );
        self.count.store(self.len() - 1, Ordering::Relaxed);
        value
    }

    fn put_into_buffer(&self, value: E::Transfer, buffer: &impl Buffer<E::Transfer>) {
        buffer.store(self.tail(), value);
        // ORDERING: Relaxed; under the lock.
        self.count.store(self.len() + 1, Ordering::Relaxed);
    }

    /// The part of a send that needs no waiting. `Err`: it does.
    #[inline]
    pub(crate) fn send_now(
        &self,
        held: &WordGuard<'_>,
        value: E::Transfer,
        buffer: &impl Buffer<E::Transfer>,
    ) -> Result<SentNow<E>, ()> {
        if self.is_closed() {
            return Ok(SentNow::Closed);
        }
        if let Some(receiver) = self.receivers.pop(held) {
            return Ok(SentNow::To(receiver.complete(value, true)));
        }
        if self.len() < self.capacity() {
            self.put_into_buffer(value, buffer);
            return Ok(SentNow::IntoBuffer);
        }
        Err(())
    }

    /// The part of a receive that needs no waiting: the value, whether it is one, and whom to wake. `None`: it must wait.
    #[inline]
    pub(crate) fn receive_now(
        &self,
        held: &WordGuard<'_>,
        buffer: &impl Buffer<E::Transfer>,
    ) -> Option<(E::Transfer, bool, Option<GoroutineRef<E>>)> {
        if !self.is_empty() {
            let value = self.take_from_buffer(buffer);
            let sender = self.senders.pop(held).map(|sender| {
                self.put_into_buffer(sender.transfer(), buffer);
                sender.complete(E::Transfer::default(), true)
            });
            return Some((value, true, sender));
        }
        if let Some(sender) = self.senders.pop(held) {
            let value = sender.transfer();
            return Some((
                value,
                true,
                Some(sender.complete(E::Transfer::default(), true)),
            ));
        }
        if self.is_closed() {
            return Some((E::Transfer::default(), false, None));
        }
        None
    }

    /// `c <- value`.
    #[inline]
    pub fn send(
        &self,
        slice: &Slice<'_, E>,
        value: E::Transfer,
        buffer: &impl Buffer<E::Transfer>,
    ) -> SendResult {
        let held = self.lock.lock();
        match self.send_now(&held, value, buffer) {
            Ok(sent) => {
                drop(held);
                sent.finish(slice)
            }
            Err(()) => {
                self.enqueue(slice, &held, Some(value));
                SendResult::Parked
            }
        }
    }

    /// `v, ok := <-c`.
    #[inline]
    pub fn receive(
        &self,
        slice: &Slice<'_, E>,
        buffer: &impl Buffer<E::Transfer>,
    ) -> ReceiveResult<E::Transfer> {
        let held = self.lock.lock();
        match self.receive_now(&held, buffer) {
            Some((value, ok, sender)) => {
                drop(held);
                if let Some(sender) = sender {
                    slice.ready(sender);
                }
                ReceiveResult::Done(value, ok)
            }
            None => {
                self.enqueue(slice, &held, None);
                ReceiveResult::Parked
            }
        }
    }

    /// Enqueues the running goroutine: as a sender of `value`, or as a receiver.
    fn enqueue(&self, slice: &Slice<'_, E>, held: &WordGuard<'_>, value: Option<E::Transfer>) {
        let goroutine = slice.running();
        let waiter = goroutine.waiter();
        waiter.set_up(Waits {
            goroutine,
            key: std::ptr::from_ref(self).cast(),
            transfer: value.unwrap_or_default(),
            number: 0,
            is_send: value.is_some(),
            is_select: false,
        });
        goroutine.set_waits_at(WaitsAt::Channel);
        if value.is_some() {
            &self.senders
        } else {
            &self.receivers
        }
        .push_back(waiter, held);
    }

    /// Sends if that needs no waiting.
    pub fn try_send(
        &self,
        context: &Context<'_, E>,
        value: E::Transfer,
        buffer: &impl Buffer<E::Transfer>,
    ) -> SendResult {
        // As in Go, a look without the lock: a channel that was open and had no room at some moment of this call
        // may answer so.
        if !self.is_closed() && self.receivers.looks_empty() && self.len() == self.capacity() {
            return SendResult::WouldBlock;
        }
        let held = self.lock.lock();
        match self.send_now(&held, value, buffer) {
            Ok(sent) => {
                drop(held);
                sent.finish(context)
            }
            Err(()) => SendResult::WouldBlock,
        }
    }

    /// Receives if that needs no waiting.
    pub fn try_receive(
        &self,
        context: &Context<'_, E>,
        buffer: &impl Buffer<E::Transfer>,
    ) -> ReceiveResult<E::Transfer> {
        // A look without the lock. Empty is read first, then closed: a channel is never opened again, so one that is seen open
        // afterwards was open when it was seen empty.
        if self.is_empty() && self.senders.looks_empty() {
            fence(Ordering::Acquire);
            if !self.is_closed() {
                return ReceiveResult::WouldBlock;
            }
        }
        let held = self.lock.lock();
        match self.receive_now(&held, buffer) {
            Some((value, ok, sender)) => {
                drop(held);
                if let Some(sender) = sender {
                    context.ready(sender);
                }
                ReceiveResult::Done(value, ok)
            }
            None => ReceiveResult::WouldBlock,
        }
    }

    /// `close(c)`.
    pub fn close(&self, context: &Context<'_, E>) -> CloseResult {
        let held = self.lock.lock();
        if self.is_closed() {
            return CloseResult::AlreadyClosed;
        }
        // ORDERING: Release. Pairs with the acquire in `is_closed`.
        self.closed.store(1, Ordering::Release);
        // From here on nobody is enqueued any more, so the waiters may be let go one by one, the lock being released
        // before each wake-up. (They would fill a list first in Go; there is nowhere to put it here.)
        let mut held = Some(held);
        loop {
            let guard = held.take().unwrap_or_else(|| self.lock.lock());
            let waiter = self
                .receivers
                .pop(&guard)
                .or_else(|| self.senders.pop(&guard));
            let Some(waiter) = waiter else {
                return CloseResult::Done;
            };
            let goroutine = waiter.complete(E::Transfer::default(), false);
            drop(guard);
            context.ready(goroutine);
        }
    }
}

/// How a send went ahead.
pub(crate) enum SentNow<E: Engine> {
    /// To this waiting receiver, who must be readied.
    To(GoroutineRef<E>),
    /// Into the buffer.
    IntoBuffer,
    /// It did not: the channel is closed.
    Closed,
}

impl<E: Engine> SentNow<E> {
    #[inline]
    fn finish(self, context: &Context<'_, E>) -> SendResult {
        match self {
            SentNow::To(goroutine) => {
                context.ready(goroutine);
                SendResult::Done
            }
            SentNow::IntoBuffer => SendResult::Done,
            SentNow::Closed => SendResult::Closed,
        }
    }
}
