//! Semaphores and notify lists: what package sync is built on.

use crate::{
    engine::Engine,
    scheduler::{Context, Slice},
};

/// What an acquire did.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcquireResult {
    /// The permit is taken.
    Done,
    /// The goroutine is enqueued: return `Switch::Park(reason)`. When it runs again it *has* the permit.
    Parked,
}

/// What a release did.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseResult {
    /// Go on.
    Done,
    /// `handoff` was asked for and a waiter has the permit: return `Switch::Yield`, so that it runs at once.
    YieldToWaiter,
}

/// `runtime_Semacquire*(address, lifo)`: waits until `*address > 0` and decrements it. `address` lies in memory that
/// does not move; waiting goroutines are found by it.
pub fn acquire<E: Engine>(slice: &Slice<'_, E>, address: &std::sync::atomic::AtomicU32, lifo: bool) -> AcquireResult {
    let _ = (slice, address, lifo);
    todo!()
}

/// `runtime_Semrelease(address, handoff)`: increments `*address` and wakes one waiter.
pub fn release<E: Engine>(context: &Context<'_, E>, address: &std::sync::atomic::AtomicU32, handoff: bool) -> ReleaseResult {
    let _ = (context, address, handoff);
    todo!()
}

/// `sync.notifyList`, for `sync.Cond`; lies inside a heap object like [`crate::Channel`]: zeroed memory is an empty
/// list. 32 bytes, aligned to 8.
#[repr(C)]
pub struct NotifyList<E: Engine> {
    _marker: std::marker::PhantomData<fn() -> E>,
    _words: [u64; 4],
}

impl<E: Engine> NotifyList<E> {
    /// `runtime_notifyListAdd`: takes a ticket, before the caller unlocks its mutex.
    pub fn add(&self) -> u32 {
        todo!()
    }
    /// `runtime_notifyListWait`: `Done` when the ticket was notified meanwhile, else park with `CondWait`.
    pub fn wait(&self, slice: &Slice<'_, E>, ticket: u32) -> AcquireResult {
        let _ = (slice, ticket);
        todo!()
    }
    /// `runtime_notifyListNotifyOne`.
    pub fn notify_one(&self, context: &Context<'_, E>) {
        let _ = context;
        todo!()
    }
    /// `runtime_notifyListNotifyAll`.
    pub fn notify_all(&self, context: &Context<'_, E>) {
        let _ = context;
        todo!()
    }
}
