//! The select statement.

use crate::{
    channel::{Buffer, Channel},
    engine::Engine,
    scheduler::Slice,
};

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

/// A select statement over `cases`; `may_park` is false when it has a `default`.
/// The engine keeps the channels alive until [`Slice::take_wake_outcome`] (they stand in the fiber's registers).
pub fn select<E: Engine, B: Buffer<E::Transfer>>(
    slice: &Slice<'_, E>,
    cases: &[SelectCase<'_, E, B>],
    may_park: bool,
) -> SelectResult<E::Transfer> {
    let _ = (slice, cases, may_park);
    todo!()
}
