//! What happened in a run, event by event, for a timeline that people look at.
//!
//! The places where something happens ask whether there is a trace (one look at a setting) and record an event. All events go into one
//! list under a lock: a program that is traced is slower, and one that is not pays nothing that can be measured. What is made of them is
//! the command's business.
//!
//! GO: runtime/trace.go (whose format is richer; this one is for a timeline only).

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{clock::Nanos, engine::Engine, scheduler::Shared, wait_reason::WaitReason};

/// Why a goroutine has stopped running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It waits.
    Wait(WaitReason),
    /// It lets others run by itself.
    Yield,
    /// It was asked to let others run.
    Preempted,
    /// A blocking call has begun.
    Call,
    /// The world is stopped for it.
    World,
    /// It has ended.
    End,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceKind {
    /// A goroutine runs on a processor and a machine.
    Run,
    /// It runs no longer.
    Stop(Stop),
    /// A goroutine was made runnable by what ran on the processor.
    Wake,
    /// The same, and it is new.
    Spawn,
    /// A machine begins a blocking call for a goroutine.
    Call,
    /// The call is over.
    Return,
    /// A processor was taken from a blocking call.
    HandOff,
    /// The goroutine on a processor was asked to let others run.
    Preempt,
    /// The monitor has made a round.
    Monitor,
    /// The world has been stopped, for a collection or another job.
    WorldStops,
    /// The world goes on.
    WorldStarts,
}

/// One event; what does not apply is `None` or 0.
#[derive(Clone, Copy, Debug)]
pub struct TraceEvent {
    /// On the run's real clock.
    pub at: Nanos,
    pub kind: TraceKind,
    pub processor: Option<u32>,
    pub machine: Option<u32>,
    /// The goroutine's number.
    pub goroutine: u64,
}

/// More events than this are counted, not kept.
const MOST_EVENTS: usize = 4_000_000;

/// The events of a run. Give it to [`crate::Options::trace`], and take them when the run is over.
#[derive(Default)]
pub struct EventTrace {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    events: Vec<TraceEvent>,
    names: HashMap<u64, String>,
    dropped: u64,
}

/// What [`EventTrace::take`] answers.
#[derive(Debug, Default)]
pub struct RecordedTrace {
    /// In the order of their times.
    pub events: Vec<TraceEvent>,
    /// The functions that goroutines were started with, by number.
    pub names: HashMap<u64, String>,
    /// How many events were too many to keep.
    pub dropped: u64,
}

impl EventTrace {
    fn record(&self, event: TraceEvent) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.events.len() < MOST_EVENTS {
            inner.events.push(event);
        } else {
            inner.dropped += 1;
        }
    }

    fn name(&self, goroutine: u64, name: String) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.names.len() < MOST_EVENTS {
            inner.names.insert(goroutine, name);
        }
    }

    /// Takes all that was recorded.
    #[must_use]
    pub fn take(&self) -> RecordedTrace {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = std::mem::take(&mut *inner);
        let mut events = inner.events;
        events.sort_by_key(|event| event.at);
        RecordedTrace {
            events,
            names: inner.names,
            dropped: inner.dropped,
        }
    }
}

impl<E: Engine> Shared<E> {
    /// Records an event, if there is a trace.
    #[inline]
    pub(crate) fn event(
        &self,
        kind: TraceKind,
        processor: Option<usize>,
        machine: Option<usize>,
        goroutine: u64,
    ) {
        if self.options.trace.is_some() {
            self.record_event(kind, processor, machine, goroutine);
        }
    }

    #[cold]
    fn record_event(
        &self,
        kind: TraceKind,
        processor: Option<usize>,
        machine: Option<usize>,
        goroutine: u64,
    ) {
        if let Some(trace) = &self.options.trace {
            let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            trace.record(TraceEvent {
                at: self.real_now(),
                kind,
                processor: processor.map(number),
                machine: machine.map(number),
                goroutine,
            });
        }
    }

    /// Records what a new goroutine runs.
    #[inline]
    pub(crate) fn name_goroutine(&self, goroutine: u64, fiber: &E::Fiber) {
        if let Some(trace) = &self.options.trace {
            trace.name(goroutine, self.engine().name(fiber));
        }
    }
}
