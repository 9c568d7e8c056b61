//! Stopping the world.
use std::marker::PhantomData;
use crate::{engine::Engine, goroutine::GoroutineId, wait_reason::WaitReason};

/// Proof that no goroutine runs and nobody holds a processor. The world goes on when it is dropped.
pub struct StoppedWorld<'a, E: Engine> {
    marker: PhantomData<&'a E>,
}

/// A goroutine in the stopped world.
pub struct GoroutineView<'a, E: Engine> {
    /// Its number.
    pub id: GoroutineId,
    /// `None` when it is runnable, or running a blocking call.
    pub waits: Option<WaitReason>,
    /// Its fiber.
    pub fiber: &'a mut E::Fiber,
    marker: PhantomData<&'a E>,
}

impl<E: Engine> GoroutineView<'_, E> {
    /// Visits the values that are under way to or from this goroutine: what it is sending, what it has been
    /// handed and has not taken yet. All are roots.
    pub fn for_each_transfer(&mut self, visit: impl FnMut(&mut E::Transfer)) {
        let _ = visit;
        todo!()
    }
    /// Visits the addresses of the channels (`Channel<E>`) the goroutine is enqueued at. The fiber keeps them
    /// alive as well; a collector that traces fibers precisely by liveness marks these too.
    pub fn for_each_channel(&self, visit: impl FnMut(*const crate::Channel<E>)) {
        let _ = visit;
        todo!()
    }
}

impl<E: Engine> StoppedWorld<'_, E> {
    /// Visits every goroutine that has not ended.
    pub fn for_each_goroutine(&mut self, visit: impl FnMut(GoroutineView<'_, E>)) {
        let _ = visit;
        todo!()
    }
    /// Visits every processor's engine part.
    pub fn for_each_processor(&mut self, visit: impl FnMut(usize, &mut E::PerProcessor)) {
        let _ = visit;
        todo!()
    }
    /// Visits every armed timer's payload (and some of timers just stopped).
    pub fn for_each_timer(&mut self, visit: impl FnMut(&mut E::TimerPayload)) {
        let _ = visit;
        todo!()
    }
    /// `runtime.GOMAXPROCS(n)`: from the end of the stop on there are `count` processors (1 to 256).
    pub fn set_processors(&mut self, count: usize) {
        let _ = count;
        todo!()
    }
    /// How many processors there are.
    pub fn processors(&self) -> usize {
        todo!()
    }
    /// Every goroutine with its state and stack, in Go's format.
    pub fn dump(&mut self) -> String {
        todo!()
    }
}
