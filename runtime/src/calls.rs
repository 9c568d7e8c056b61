//! How a machine makes a blocking call: it lends its processor out, calls, and takes the processor back or finds another (`blocking.rs` has the word
//! about which it, the monitor and whoever stops the world agree).

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
};

use crate::{
    assignment::Takeover,
    engine::{BlockingCall, Engine},
    event_trace::TraceKind,
    goroutine::Running,
    machine::Machine,
    preempt::attention,
    scheduler::{Central, Shared},
    session::Inside,
    sync::Ordering,
};

impl<E: Engine> Shared<E> {
    /// Lets the goroutine go whose call has waited longest for its turn.
    fn release_queued_call(&self, central: &mut Central<E>) {
        if let Some(running) = central.queued_calls.pop_front() {
            self.put_global(central, running.yield_now());
        }
        self.calls.set_queued(central.queued_calls.len());
    }
}

impl<E: Engine> Machine<E> {
    /// Makes a blocking call without the processor. `None`: the goroutine is not this machine's any more.
    pub(crate) fn call_blocking(
        &mut self,
        running: Running<E>,
        call: BlockingCall<E>,
    ) -> Option<Running<E>> {
        let (mut running, call) = if self.is_first {
            match self.hand_over(Takeover::Call(running, call))? {
                Takeover::Call(running, call) => (running, call),
                _ => return None,
            }
        } else {
            (running, call)
        };
        if !self.shared.calls.enter() {
            self.queue_call(running, call);
            return None;
        }
        running.set_blocking(true);
        let id = running.goroutine().id().0;
        let machine = Some(self.handle.id);
        self.shared.event(TraceKind::Call, None, machine, id);
        let processor = self
            .processor
            .take()
            .expect("a machine runs goroutines with a processor only");
        // ORDERING: Relaxed; for schedtrace.
        self.handle.is_blocked.store(true, Ordering::Relaxed);
        if call.is_long {
            let index = Some(processor.index);
            self.shared.event(TraceKind::HandOff, index, None, id);
            {
                let mut central = self.shared.central();
                central.blocked_calls += 1;
                if self.shared.is_finishing() {
                    central.dead.push(processor);
                } else {
                    self.shared.hand_off(central, processor);
                }
            }
            let result = catch_unwind(AssertUnwindSafe(|| Inside::outside(call.job)));
            self.shared.event(TraceKind::Return, None, machine, id);
            self.leave_call();
            return self.return_late(running, result);
        }
        let blocked = processor.enter_blocking();
        // Between entering and the call: either we see that the processor is wanted, or who wants it sees the ticket.
        if self.shared.attention() & (attention::STOP | attention::FINISH) != 0 {
            let mut central = self.shared.central();
            if (central.is_stopping || self.shared.is_finishing())
                && let Some(processor) = blocked.try_retake()
            {
                central.blocked_calls += 1;
                if central.is_stopping {
                    self.shared.stop_processor(&mut central, processor);
                } else {
                    central.dead.push(processor);
                }
            }
        }
        let result = catch_unwind(AssertUnwindSafe(|| Inside::outside(call.job)));
        self.shared.event(TraceKind::Return, None, machine, id);
        self.leave_call();
        let Some(processor) = blocked.try_leave() else {
            return self.return_late(running, result);
        };
        self.processor = Some(processor);
        // ORDERING: Relaxed; for schedtrace.
        self.handle.is_blocked.store(false, Ordering::Relaxed);
        running.set_blocking(false);
        running.complete(result.unwrap_or_else(|panic| resume_unwind(panic)));
        Some(running)
    }

    /// As many calls as may be are under way: the goroutine waits for its turn.
    #[cold]
    fn queue_call(&mut self, mut running: Running<E>, call: BlockingCall<E>) {
        running.put_call_off(call);
        running.set_blocking(true);
        let shared = Arc::clone(&self.shared);
        let mut central = shared.central();
        central.queued_calls.push_back(running);
        shared.calls.set_queued(central.queued_calls.len());
        // The last of those under way may have come back before it could see ours.
        if shared.calls.has_room() {
            shared.release_queued_call(&mut central);
        }
    }

    /// A call has come back: the next that waits for its turn may go.
    #[inline]
    fn leave_call(&self) {
        if self.shared.calls.leave() {
            let mut central = self.shared.central();
            self.shared.release_queued_call(&mut central);
            drop(central);
            self.shared.wake_processor();
        }
    }

    /// A blocking call has come back and its processor is gone.
    fn return_late(
        &mut self,
        mut running: Running<E>,
        result: std::thread::Result<E::Completion>,
    ) -> Option<Running<E>> {
        // ORDERING: Relaxed; for schedtrace.
        self.handle.is_blocked.store(false, Ordering::Relaxed);
        let mut central = self.shared.central();
        central.blocked_calls -= 1;
        if self.shared.is_finishing() {
            // The goroutine may be gone: it is not touched any more.
            return None;
        }
        let completion = match result {
            Ok(completion) => completion,
            Err(panic) => {
                drop(central);
                resume_unwind(panic);
            }
        };
        running.complete(completion);
        running.set_blocking(false);
        if !central.is_stopping
            && let Some(processor) = self.shared.take_idle_processor(&mut central)
        {
            drop(central);
            self.processor = Some(processor);
            // sysmon has retaken once and may have to again.
            self.shared.sysmon.wake_fresh();
            return Some(running);
        }
        self.shared.put_global(&mut central, running.yield_now());
        drop(central);
        self.shared.request_urgent();
        None
    }
}
