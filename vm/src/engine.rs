//! The machine as the scheduler sees it.

use std::sync::Arc;

use crate::heap::{Cache, Heap};
use crate::host::HostHandle;
use crate::image::Image;
use crate::types::RuntimeType;

/// Settings of a machine that the interpreter looks at.
#[derive(Clone, Debug)]
pub struct MachineOptions {
    /// Collects at every safepoint.
    pub collect_always: bool,
    /// Bytes that a goroutine's stack may take.
    pub max_stack: usize,
}

/// A program, its heap and its settings: the engine that the scheduler drives.
pub struct Machine {
    pub(crate) image: Image,
    pub(crate) heap: Arc<Heap>,
    pub(crate) host: HostHandle,
    pub(crate) options: MachineOptions,
}

/// A value on its way through a channel.
#[derive(Clone, Copy)]
pub struct Transfer {
    pub(crate) ty: *const RuntimeType,
    pub(crate) slots: [u64; 4],
}

impl Default for Transfer {
    fn default() -> Transfer {
        Transfer { ty: std::ptr::null(), slots: [0; 4] }
    }
}

// SAFETY: slots are plain words; the type is immutable and outlives the machine's goroutines (INVARIANT TYPES).
unsafe impl Send for Transfer {}

/// What a timer of the script does when it is due.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimerPayload {
    /// A `func()` that is started as a goroutine.
    pub function: u64,
    /// The object that the timer lies in, kept alive while it is armed.
    pub owner: u64,
}

/// What a processor lends to whoever runs on it.
pub struct PerProcessor {
    pub(crate) cache: Cache,
    /// Fibers of ended goroutines, for new ones.
    pub(crate) free: Vec<crate::fiber::Fiber>,
}

impl runtime::Engine for Machine {
    type Fiber = crate::fiber::Fiber;
    type PerProcessor = PerProcessor;
    type Transfer = Transfer;
    type Completion = crate::native::FinishNative;
    type Failure = String;
    type TimerPayload = TimerPayload;
    fn new_per_processor(&self, _processor: usize) -> PerProcessor {
        PerProcessor { cache: self.heap.new_cache(), free: Vec::new() }
    }
    fn run(&self, _: &mut Self::Fiber, _: &mut PerProcessor, _: &runtime::Slice<'_, Self>) -> runtime::Switch<Self> {
        todo!()
    }
    fn timer_fired(&self, _: TimerPayload, _: &mut PerProcessor, _: &runtime::Context<'_, Self>) {
        todo!()
    }
    fn collect(&self, _: &mut runtime::StoppedWorld<'_, Self>, _: runtime::CollectionReason) {
        todo!()
    }
    fn traceback(&self, _: &Self::Fiber, _: &mut String) {
        todo!()
    }
}
