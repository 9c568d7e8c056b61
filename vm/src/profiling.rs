//! Profiles as the machine takes them: stacks of allocations ([`crate::heap`] says which), stacks of goroutines.
//!
//! A program pays for the sampling of allocations only if somebody can ask for it: it names one of the natives that answer what was found, or
//! its host has said so ([`crate::heap::HeapOptions::sample`]).

use std::ops::ControlFlow;

use bytecode::{Global, NativeReference, Word};
use runtime::StoppedWorld;

use crate::engine::Machine;
use crate::fiber::Safepoint;
use crate::globals::Globals;
use crate::heap::{Heap, MOST_FRAMES};
use crate::native::NativeContext;
use crate::running::Running;
use crate::trace;

/// The natives that answer what was sampled.
const READERS: [&str; 2] = ["runtime.memoryProfile", "runtime/pprof.encodeHeap"];

/// The variable that a program sets the distance of samples by.
const RATE: &str = "runtime.MemProfileRate";

/// What a program has to do with samples of allocations.
pub(crate) struct Sampling {
    /// It can ask for them.
    is_read: bool,
    /// Where, among the package variables, it sets their distance.
    rate: Option<u32>,
}

impl Sampling {
    /// What follows from the natives and variables of a program.
    pub(crate) fn of(natives: &[NativeReference], globals: &[Global]) -> Sampling {
        let is_read = natives
            .iter()
            .any(|native| READERS.contains(&native.name.as_str()));
        let rate = globals.iter().find(|global| global.name == RATE);
        Sampling {
            is_read,
            rate: rate.map(|global| global.offset),
        }
    }

    /// Has the heap sample allocations if the program can ask for them. Called when the program of a machine, or a unit of it, is known.
    pub(crate) fn begin(&self, area: &Globals, heap: &Heap) {
        if !self.is_read && !heap.samples() {
            return;
        }
        let rate = self
            .rate
            .map_or(0, |offset| area.start() + u64::from(offset));
        // SAFETY: the area lives as long as the machine, which takes the address back when it goes.
        unsafe { heap.sample_allocations(rate) };
    }
}

impl Running<'_> {
    /// Tells the heap which stack has made the objects that this processor has met, by the instruction at `ip`.
    #[cold]
    #[inline(never)]
    pub(crate) fn note_samples(&mut self, ip: *const Word, fp: *const u64) {
        let offset = self.offset_of(ip);
        self.save(fp, ip, Safepoint::At(offset));
        let mut stack = Vec::with_capacity(MOST_FRAMES);
        trace::program_counters(&self.machine.image, self.fiber, |counter| {
            stack.push(counter);
            match stack.len() < MOST_FRAMES {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        self.machine
            .heap
            .note_samples(&mut self.local.cache, &stack);
    }
}

impl Machine {
    /// The program counters of all goroutines, of each the innermost first.
    pub fn goroutine_stacks(&self, world: &mut StoppedWorld<'_, Machine>) -> Vec<Vec<u64>> {
        let mut stacks = Vec::new();
        world.for_each_goroutine(|goroutine| {
            let mut stack = Vec::new();
            trace::program_counters(&self.image, goroutine.fiber, |counter| {
                stack.push(counter);
                match stack.len() < MOST_FRAMES {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            });
            stacks.push(stack);
        });
        stacks
    }
}

impl NativeContext<'_> {
    /// What natives do in a stopped world and need the machine for: see [`crate::native::Parking::World`].
    pub fn with_machine<R: Default>(
        &self,
        job: impl FnOnce(&Machine, &mut StoppedWorld<'_, Machine>) -> R + Send + 'static,
    ) -> crate::native::WorldJob<R> {
        let machine = self.machine.this.clone();
        Box::new(move |world| {
            // The machine lives as long as its world.
            machine
                .upgrade()
                .map_or_else(R::default, |machine| job(&machine, world))
        })
    }
}
