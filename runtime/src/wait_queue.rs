//! Intrusive queues of waiting goroutines, and the lock word that guards one.
use std::marker::PhantomData;
use crate::{engine::Engine, sync::{AtomicPtr, AtomicU32}};

/// A lock that fits a word of a heap object; zero is unlocked.
#[repr(transparent)]
pub(crate) struct WordLock(AtomicU32);

/// First and last waiter; zeroed memory is an empty queue.
#[repr(C)]
pub(crate) struct WaitQueue<E: Engine> {
    first: AtomicPtr<()>,
    last: AtomicPtr<()>,
    marker: PhantomData<fn() -> E>,
}
