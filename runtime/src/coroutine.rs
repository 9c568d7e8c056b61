//! Coroutine pairs: two goroutines of which one runs while the other is parked, and control goes from one to the other without a queue
//! (`iter.Pull`).
//!
//! A pair shares a word that lies in the engine's memory: the address of the one that is parked; 0 while there is none.
//!
//! 1. The first to wait writes itself into the empty word ([`enter`]), starts the other, and parks.
//! 2. Who passes control on takes the other out of the word and puts itself in, in one step, then leaves with [`crate::Switch::Coroutine`]: its
//!    machine parks it and goes on with the other, in the same time slice ([`switch`]).
//! 3. Who ends takes the other out and makes it runnable in the usual way ([`wake`]).
//!
//! A goroutine is in the word a little before it has parked. A third that gets hold of it then, against the rules of whoever made the pair,
//! leaves a note, as any waker does (`status.rs`): nothing breaks, and the order of the pair's steps is its makers' affair.
//!
//! INVARIANT: a word holds 0 or the address of a goroutine of the scheduler that uses it, which is parked for the word alone or about to be.
//!
//! GO: coro.go `coroswitch`, `coroexit`.

use std::ptr::{NonNull, with_exposed_provenance_mut};

use crate::{
    context::{Context, Slice},
    engine::Engine,
    goroutine::{GoroutineRef, Runnable},
};

// The word lies in the engine's memory.
#[cfg(loom)]
use crate::sync::AtomicU64;
#[cfg(not(loom))]
use std::sync::atomic::AtomicU64;

use std::sync::atomic::Ordering;

/// The other goroutine of a pair, on its way to run: for [`crate::Switch::Coroutine`].
#[must_use = "a goroutine that is dropped never runs"]
pub struct Resumed<E: Engine>(pub(crate) Runnable<E>);

/// What [`switch`] answers.
#[must_use]
pub enum Switched<E: Engine> {
    /// Return `Switch::Coroutine` with this.
    To(Resumed<E>),
    /// Return `Switch::Park(WaitReason::Coroutine)`: the other has not parked yet, and comes by itself.
    Parked,
    /// Nobody waits in the word.
    Nobody,
}

/// The running goroutine is going to wait in an empty word: it parks next, with `Switch::Park(WaitReason::Coroutine)`. `false`: somebody is
/// there.
#[must_use]
pub fn enter<E: Engine>(slice: &Slice<'_, E>, word: &AtomicU64) -> bool {
    let own = address(slice.running());
    // ORDERING: AcqRel, all of the word: who takes a goroutine out sees what was done before it was put in.
    word.compare_exchange(0, own, Ordering::AcqRel, Ordering::Relaxed)
        .is_ok()
}

/// Control goes from the running goroutine to the one in the word.
pub fn switch<E: Engine>(slice: &Slice<'_, E>, word: &AtomicU64) -> Switched<E> {
    let own = address(slice.running());
    let mut other = word.load(Ordering::Acquire);
    loop {
        let Some(goroutine) = goroutine::<E>(other) else {
            return Switched::Nobody;
        };
        match word.compare_exchange_weak(other, own, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => {
                return match goroutine.ready() {
                    Some(runnable) => Switched::To(Resumed(runnable)),
                    None => Switched::Parked,
                };
            }
            Err(now) => other = now,
        }
    }
}

/// The goroutine in the word is made runnable. `false`: there is none.
pub fn wake<E: Engine>(context: &Context<'_, E>, word: &AtomicU64) -> bool {
    let Some(goroutine) = goroutine::<E>(word.swap(0, Ordering::AcqRel)) else {
        return false;
    };
    context.ready(goroutine);
    true
}

fn address<E: Engine>(goroutine: GoroutineRef<E>) -> u64 {
    goroutine.raw().as_ptr().expose_provenance() as u64
}

fn goroutine<E: Engine>(address: u64) -> Option<GoroutineRef<E>> {
    let address = usize::try_from(address).ok()?;
    NonNull::new(with_exposed_provenance_mut(address)).map(GoroutineRef::from_raw)
}
