//! Timers.
use std::marker::PhantomData;
use crate::{engine::Engine, scheduler::Context};

/// A timer that can be stopped and reset; lies inside a heap object like [`crate::Channel`]: zeroed memory is a timer
/// that is not armed. 24 bytes, aligned to 8. While it is armed its payload is a root of the collector; the payload
/// must keep the object alive in which the timer lies.
#[repr(C)]
pub struct Timer<E: Engine> {
    _words: [u64; 3],
    _marker: PhantomData<fn() -> E>,
}

impl<E: Engine> Timer<E> {
    /// Arms the timer (again): due at `when` (on the clock of [`Context::now`]), then every `period` nanoseconds when
    /// that is not 0. Answers whether it was armed. `settle` runs under the timer's lock after the old setting is undone:
    /// with `false` after it fired for the last time, so the caller can drain its channel (Go 1.23's rule that no
    /// stale value is received after Stop or Reset).
    pub fn reset(&self, context: &Context<'_, E>, when: i64, period: i64, payload: E::TimerPayload, settle: impl FnOnce()) -> bool {
        let _ = (context, when, period, payload, settle);
        todo!()
    }

    /// Disarms the timer. Answers whether it was armed. `settle` as in [`Timer::reset`].
    pub fn stop(&self, context: &Context<'_, E>, settle: impl FnOnce()) -> bool {
        let _ = (context, settle);
        todo!()
    }
}
