//! Getting machines to run: sleeping ones are woken, new ones are started, and each is told what for.

use std::{
    sync::{Arc, Mutex as StdMutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::{
    blocking::ProcessorStatus,
    engine::{BlockingCall, Engine},
    goroutine::{Runnable, Running},
    lock_rank::{Rank, RankedGuard, RankedMutex},
    machine::Machine,
    processor::OwnedProcessor,
    program::Returned,
    scheduler::{Central, Shared},
    sync::{AtomicBool, AtomicU64, Condvar, Ordering},
};

/// A machine, as others see it.
pub(crate) struct MachineHandle<E: Engine> {
    pub(crate) id: usize,
    /// It is a thread of the host that calls.
    is_guest: bool,
    /// The goroutine that a thread of the host has called has come back to it; until it leaves.
    pub(crate) has_returned: AtomicBool,
    slot: RankedMutex<Slot<E>>,
    assigned: Condvar,
    pub(crate) is_spinning: AtomicBool,
    pub(crate) is_blocked: AtomicBool,
    /// The number of the goroutine it runs or ran last, for schedtrace.
    pub(crate) current: AtomicU64,
    pub(crate) ended: AtomicBool,
    pub(crate) thread: StdMutex<Option<JoinHandle<()>>>,
}

struct Slot<E: Engine> {
    assignment: Option<Assignment<E>>,
    /// The goroutine that a thread of the host has called, when it has ended on another machine.
    returned: Option<Returned<E>>,
    /// The run ends.
    dismissed: bool,
}

/// What a machine is woken or started for.
pub(crate) struct Assignment<E: Engine> {
    pub(crate) processor: OwnedProcessor<E>,
    /// It counts among the spinning ones already.
    pub(crate) spinning: bool,
    pub(crate) takeover: Takeover<E>,
}

/// What goes with an assignment.
pub(crate) enum Takeover<E: Engine> {
    /// Nothing: the machine looks for work.
    Nothing,
    /// A blocking call that machine 0 hands over.
    Call(Running<E>, BlockingCall<E>),
    /// A goroutine of machine 0 that is going to be locked to its thread.
    Lock(Running<E>),
    /// The goroutine that is locked to this machine's thread.
    Locked(Runnable<E>),
}

impl<E: Engine> MachineHandle<E> {
    pub(crate) fn new(id: usize, is_guest: bool) -> MachineHandle<E> {
        MachineHandle {
            id,
            is_guest,
            has_returned: AtomicBool::new(false),
            slot: RankedMutex::new(
                Rank::Machine,
                Slot {
                    assignment: None,
                    returned: None,
                    dismissed: false,
                },
            ),
            assigned: Condvar::new(),
            is_spinning: AtomicBool::new(false),
            is_blocked: AtomicBool::new(false),
            current: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            thread: StdMutex::new(None),
        }
    }

    pub(crate) fn assign(&self, assignment: Assignment<E>) {
        self.slot.lock().assignment = Some(assignment);
        self.assigned.notify_one();
    }

    /// Tells a sleeping machine that the run ends.
    pub(crate) fn dismiss(&self) {
        self.slot.lock().dismissed = true;
        self.assigned.notify_one();
    }

    /// Hands over the goroutine that this machine's thread has called.
    pub(crate) fn give_back(&self, returned: Returned<E>) {
        let mut slot = self.slot.lock();
        slot.returned = Some(returned);
        // ORDERING: Release. Pairs with the acquire in `has_what_it_came_for`; the lock guards the goroutine itself.
        self.has_returned.store(true, Ordering::Release);
        drop(slot);
        self.assigned.notify_one();
    }

    /// Takes what was given back.
    pub(crate) fn take_returned(&self) -> Option<Returned<E>> {
        self.slot.lock().returned.take()
    }

    /// Sleeps until there is something to do; `None`: the run ends, or what it waits for has been given back.
    pub(crate) fn await_assignment(&self) -> Option<Assignment<E>> {
        self.await_assignment_for(None)
    }

    /// As `await_assignment`, for so long only.
    pub(crate) fn await_assignment_for(&self, length: Option<Duration>) -> Option<Assignment<E>> {
        // In models nobody waits for a time.
        let limit = length
            .filter(|_| !cfg!(loom))
            .map(|length| Instant::now() + length);
        let mut slot = self.slot.lock();
        loop {
            if let Some(assignment) = slot.assignment.take() {
                return Some(assignment);
            }
            if slot.dismissed || slot.returned.is_some() {
                return None;
            }
            let left = limit.map(|limit| limit.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return None;
            }
            slot = slot.wait(&self.assigned, left);
        }
    }

    pub(crate) fn is_dismissed(&self) -> bool {
        self.slot.lock().dismissed
    }
}

/// Gets a machine to run on `processor`.
pub(crate) fn start<E: Engine>(
    shared: &Arc<Shared<E>>,
    central: RankedGuard<'_, Central<E>>,
    processor: OwnedProcessor<E>,
    spinning: bool,
) {
    let assignment = Assignment {
        processor,
        spinning,
        takeover: Takeover::Nothing,
    };
    if let Err(assignment) = assign(shared, central, assignment) {
        // No thread to be had. The processor waits for a machine that comes back from somewhere; its work is anybody's.
        let mut central = shared.central();
        if assignment.spinning {
            // ORDERING: SeqCst, as in `stop_spinning`.
            shared.spinning.fetch_sub(1, Ordering::SeqCst);
        }
        shared.put_work_global(&mut central, &assignment.processor);
        shared.put_processor_by(&mut central, assignment.processor);
        drop(central);
        if shared.counts_safepoints() {
            // Another caller may wait in the poller.
            shared.netpoll.notify();
        }
    }
}

/// Gives `assignment` to a sleeping machine or a new one. `Err`: there is none.
pub(crate) fn assign<E: Engine>(
    shared: &Arc<Shared<E>>,
    mut central: RankedGuard<'_, Central<E>>,
    assignment: Assignment<E>,
) -> Result<(), Assignment<E>> {
    assignment.processor.set_status(ProcessorStatus::Running);
    // A thread of the host would hand over as well what it must not be held up by.
    let machine = match assignment.takeover {
        Takeover::Nothing | Takeover::Locked(_) => central.idle_machines.pop(),
        Takeover::Call(..) | Takeover::Lock(_) => central
            .idle_machines
            .iter()
            .rposition(|machine| !machine.is_guest)
            .map(|at| central.idle_machines.remove(at)),
    };
    if let Some(machine) = machine {
        drop(central);
        machine.assign(assignment);
        return Ok(());
    }
    // Machine 0 and sysmon count too.
    if central.machines_started + 2 >= shared.max_threads() {
        central.thread_refused = true;
        return Err(assignment);
    }
    central.machines_started += 1;
    central.last_machine += 1;
    let handle = Arc::new(MachineHandle::new(central.last_machine, false));
    central.machines.push(Arc::clone(&handle));
    drop(central);
    shared.need_monitor();

    handle.slot.lock().assignment = Some(assignment);
    match start_thread(shared, &handle) {
        true => Ok(()),
        false => {
            let mut central = shared.central();
            central.machines_started -= 1;
            central.thread_refused = true;
            central
                .machines
                .retain(|machine| !Arc::ptr_eq(machine, &handle));
            drop(central);
            shared.progress.notify_all();
            let assignment = handle.slot.lock().assignment.take();
            Err(assignment.expect("no thread has taken it"))
        }
    }
}

/// Has a thread be this machine; answers whether there is one to be had.
fn start_thread<E: Engine>(shared: &Arc<Shared<E>>, handle: &Arc<MachineHandle<E>>) -> bool {
    let machine = (Arc::clone(shared), Arc::clone(handle));
    let body = move || Machine::run_thread(machine.0, machine.1);
    let stack_size = shared.options.thread_stack_size;
    if let Some(machines) = &shared.options.machines {
        return machines.run(Box::new(body), stack_size).is_ok();
    }
    let spawned = std::thread::Builder::new()
        .name(format!("golite-m{}", handle.id))
        .stack_size(stack_size)
        .spawn(body);
    match spawned {
        Ok(thread) => {
            *handle.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
            true
        }
        Err(_) => false,
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::models::{model, sides};

    #[test]
    fn loom_an_assignment_reaches_a_machine_that_goes_to_sleep() {
        model(|| {
            let (shared, a, _b) = sides();
            let handle = Arc::new(MachineHandle::new(1, false));
            let giver = {
                let handle = handle.clone();
                loom::thread::spawn(move || {
                    handle.assign(Assignment {
                        processor: a.processor,
                        spinning: false,
                        takeover: Takeover::Nothing,
                    });
                })
            };
            let assignment = handle.await_assignment();
            assert!(assignment.is_some_and(|a| a.processor.index < shared.processor_count()));
            giver.join().unwrap();
        });
    }

    #[test]
    fn loom_a_dismissal_does_not_swallow_the_goroutine_of_a_locked_thread() {
        model(|| {
            let (shared, a, _b) = sides();
            let handle = Arc::new(MachineHandle::new(1, false));
            let ends = {
                let handle = handle.clone();
                loom::thread::spawn(move || handle.dismiss())
            };
            handle.assign(Assignment {
                processor: a.processor,
                spinning: false,
                takeover: Takeover::Nothing,
            });
            // What was assigned is taken up first; the dismissal is seen when there is nothing left.
            assert!(handle.await_assignment().is_some());
            assert!(handle.await_assignment().is_none());
            ends.join().unwrap();
            drop(shared);
        });
    }
}
