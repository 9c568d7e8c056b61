//! Channels: the protocol. The elements belong to the engine.

use crate::{
    engine::Engine,
    scheduler::{Context, Slice},
    sync::{AtomicU32, AtomicUsize, Ordering},
    wait_queue::{WaitQueue, WordLock},
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
        let _ = capacity;
        todo!()
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

    /// `c <- value`.
    pub fn send(&self, slice: &Slice<'_, E>, value: E::Transfer, buffer: &impl Buffer<E::Transfer>) -> SendResult {
        let _ = (slice, value, buffer);
        todo!()
    }

    /// `v, ok := <-c`.
    pub fn receive(&self, slice: &Slice<'_, E>, buffer: &impl Buffer<E::Transfer>) -> ReceiveResult<E::Transfer> {
        let _ = (slice, buffer);
        todo!()
    }

    /// Sends if that needs no waiting.
    pub fn try_send(&self, context: &Context<'_, E>, value: E::Transfer, buffer: &impl Buffer<E::Transfer>) -> SendResult {
        let _ = (context, value, buffer);
        todo!()
    }

    /// Receives if that needs no waiting.
    pub fn try_receive(&self, context: &Context<'_, E>, buffer: &impl Buffer<E::Transfer>) -> ReceiveResult<E::Transfer> {
        let _ = (context, buffer);
        todo!()
    }

    /// `close(c)`.
    pub fn close(&self, context: &Context<'_, E>) -> CloseResult {
        let _ = context;
        todo!()
    }
}
