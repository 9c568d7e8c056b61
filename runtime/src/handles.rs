//! Doors to a running scheduler for threads that have no processor.
//!
//! Some keep the run from being a deadlock while they are held, since who holds them may wake somebody ([`SchedulerHandle`], [`Waker`]). Others
//! only look on, or ask for something ([`Quitter`], [`Sampler`], [`CollectionRequester`]).

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use crate::{
    blocking::ProcessorStatus,
    engine::{Engine, Outcome},
    goroutine::GoroutineRef,
    preempt::{attention, request},
    scheduler::{MAX_PROCESSORS, Shared},
    stop_the_world,
    sync::Ordering,
};

/// Ends a run from another thread, with a look at its goroutines. Unlike a [`SchedulerHandle`] it does not keep anybody waiting: a deadlock
/// is one all the same.
pub struct Quitter<E: Engine> {
    pub(crate) shared: Weak<Shared<E>>,
}

impl<E: Engine> Quitter<E> {
    /// Ends the run with [`Outcome::Dumped`], if it has not ended.
    pub fn quit(&self, message: &'static str) {
        if let Some(shared) = self.shared.upgrade() {
            stop_the_world::end_with_dump(&shared, None, None, |dump| Outcome::Dumped {
                message,
                dump,
            });
        }
    }
}

/// Has running goroutines pass by their next safepoint, for a profiler. It does not keep anybody waiting: a deadlock is one all the same.
pub struct Sampler<E: Engine> {
    pub(crate) shared: Weak<Shared<E>>,
}

impl<E: Engine> Sampler<E> {
    /// Calls `wanted` with the number of each processor that runs a goroutine, beginning with one that `turn` says, and asks that goroutine for attention
    /// if the answer is true. False: the run has ended.
    #[must_use]
    pub fn sample(&self, turn: usize, mut wanted: impl FnMut(usize) -> bool) -> bool {
        let Some(shared) = self.shared.upgrade() else {
            return false;
        };
        if shared.is_finishing() {
            return false;
        }
        let count = shared.processors_made();
        for index in 0..count {
            if let Some(processor) = shared.processor((turn + index) % count)
                && processor.word.status() == ProcessorStatus::Running
                && wanted(processor.index)
            {
                processor.limit.request(request::SAMPLE);
            }
        }
        true
    }

    /// Numbers of processors are below this.
    #[must_use]
    pub fn most_processors(&self) -> usize {
        MAX_PROCESSORS
    }
}

/// Asks for [`Engine::collect`] from any thread.
pub struct CollectionRequester<E: Engine> {
    pub(crate) shared: Weak<Shared<E>>,
}

impl<E: Engine> CollectionRequester<E> {
    /// Has the world stopped for [`Engine::collect`] with [`CollectionReason::Periodic`](crate::CollectionReason::Periodic) soon.
    pub fn request_collection(&self) {
        if let Some(shared) = self.shared.upgrade()
            && !shared.is_finishing()
        {
            shared.call_attention(attention::COLLECT_PERIODIC);
            shared.wake_processor();
        }
    }

    /// Gives memory that goroutines have left and none needs now back to the system.
    pub fn release_goroutines(&self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.registry.release_unused();
        }
    }

    /// Has the world stopped for [`Engine::collect`] soon, though everybody may be asleep; nothing if the run has ended.
    pub fn request(&self) {
        if let Some(shared) = self.shared.upgrade()
            && !shared.is_finishing()
        {
            shared.call_attention(attention::COLLECT_GROWTH);
            shared.wake_processor();
        }
    }
}

/// A door to a running scheduler for other threads. While one is held, nothing is a deadlock.
pub struct SchedulerHandle<E: Engine> {
    shared: Arc<Shared<E>>,
}

impl<E: Engine> SchedulerHandle<E> {
    pub(crate) fn new(shared: &Arc<Shared<E>>) -> SchedulerHandle<E> {
        // ORDERING: SeqCst. Pairs with the deadlock check.
        shared.host_handles.fetch_add(1, Ordering::SeqCst);
        SchedulerHandle {
            shared: Arc::clone(shared),
        }
    }

    /// Starts a goroutine. After the run has ended it is dropped with the scheduler.
    pub fn spawn(&self, fiber: E::Fiber) {
        self.shared.spawn_from_outside(fiber);
    }

    /// Does a job while no goroutine runs. `None`: the run has ended.
    pub fn stop_the_world<R>(
        &self,
        job: impl FnOnce(&mut crate::StoppedWorld<'_, E>) -> R,
    ) -> Option<R> {
        stop_the_world::run_from_outside(&self.shared, job)
    }

    /// Whether all goroutines are asleep, and nothing but the holder of this handle, the only one, can wake any: without the handle it
    /// would be a deadlock.
    #[must_use]
    pub fn everybody_sleeps(&self) -> bool {
        let mut central = self.shared.central();
        self.shared.recall_standby(&mut central);
        self.shared.everybody_sleeps(&central, 1)
    }

    /// Ends the run with [`Outcome::Stopped`].
    pub fn stop(&self) {
        let mut central = self.shared.central();
        self.shared.finish(&mut central, Outcome::Stopped);
    }

    /// Ends the run with [`Outcome::TimedOut`] `after` so long; `None`: it has time.
    pub fn set_deadline(&self, after: Option<Duration>) {
        self.shared.set_deadline(after);
    }
}

impl<E: Engine> Clone for SchedulerHandle<E> {
    fn clone(&self) -> SchedulerHandle<E> {
        SchedulerHandle::new(&self.shared)
    }
}

impl<E: Engine> Drop for SchedulerHandle<E> {
    fn drop(&mut self) {
        release_host_handle(&self.shared);
    }
}

/// Drops one handle; if it was the last, everybody may be asleep for good now.
fn release_host_handle<E: Engine>(shared: &Arc<Shared<E>>) {
    // ORDERING: SeqCst. Pairs with the deadlock check.
    if shared.host_handles.fetch_sub(1, Ordering::SeqCst) == 1 {
        let mut central = shared.central();
        shared.check_deadlock(&mut central);
    }
}

/// Wakes one parked goroutine, from anywhere; dropping it wakes too. While one is held, nothing is a deadlock.
pub struct Waker<E: Engine> {
    pub(crate) shared: Arc<Shared<E>>,
    pub(crate) goroutine: GoroutineRef<E>,
}

impl<E: Engine> Waker<E> {
    /// Makes the goroutine run again.
    pub fn wake(self) {}
}

impl<E: Engine> Drop for Waker<E> {
    fn drop(&mut self) {
        // A run that is over has no use for it; its goroutines may be gone.
        if !self.shared.is_finishing()
            && let Some(runnable) = self.goroutine.ready()
        {
            self.shared.ready_from_outside(runnable);
        }
        release_host_handle(&self.shared);
    }
}
