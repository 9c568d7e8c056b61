//! A program that grows while it runs.
//!
//! 1. [`Session::start`] links the first unit and runs it on threads of its own. The session holds a handle of the scheduler: the program
//!    does not end with its first goroutine, and that everybody sleeps is no deadlock.
//! 2. [`Session::add`] stops the world, adds a unit to the image (INVARIANT GROWTH of [`crate::image`]), and starts a goroutine that runs it.
//!    Other goroutines go on meanwhile.
//! 3. How that goroutine ends is an [`Event`]. What would end a program (a panic that nobody recovers, a fatal error) ends the goroutine
//!    alone; of one that runs no unit it is written to the host's standard error. `os.Exit` ends the session.
//! 4. [`Session::interrupt`] and [`Session::kill`] end a goroutine at its next safepoint as `runtime.Goexit` would: its deferred calls run. One
//!    that waits at channels or sleeps is woken for it; one in another wait, or in a call of the operating system, ends when that is over.
//!
//! The thread that adds units is the only one that does.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytecode::{Addition, Program};
use diagnostics::SourceMap;
use runtime::{GoroutineId, Outcome, SchedulerHandle, StoppedWorld, Switch};

use crate::ending;
use crate::engine::Machine;
use crate::fiber::{Fiber, Interrupt};
use crate::link::LinkError;
use crate::native::NativeTable;
use crate::vm::{Exit, Vm, VmOptions, exit_of};

/// How a unit has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// It came to its end.
    Done,
    /// It was interrupted, or has called `runtime.Goexit`.
    Left,
    /// A panic or a fatal error, with its trace.
    Failed(String),
}

/// A goroutine, as it is now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Goroutine {
    pub id: u64,
    /// It runs the unit that was added last.
    pub runs_unit: bool,
    /// As a trace shows it: its first line in brackets, then its frames.
    pub trace: String,
}

/// Is told how goroutines end.
pub struct Watch {
    events: Mutex<Sender<(u64, Event)>>,
}

impl Watch {
    /// What is to be done instead of `switch`.
    pub(crate) fn look_at(
        &self,
        machine: &Machine,
        fiber: &mut Fiber,
        goroutine: GoroutineId,
        switch: Switch<Machine>,
    ) -> Switch<Machine> {
        match switch {
            Switch::Exit => {
                self.tell(fiber, Event::Done);
                if goroutine == GoroutineId::MAIN {
                    return Switch::Goexit;
                }
                Switch::Exit
            }
            Switch::Goexit => {
                self.tell(fiber, Event::Left);
                Switch::Goexit
            }
            Switch::Fatal(failure) => {
                fiber.broken = true;
                if fiber.unit == 0 {
                    // A trace that cannot be written must not end the session.
                    let _ = machine.host.write_stderr(failure.text.as_bytes());
                } else {
                    self.tell(fiber, Event::Failed(failure.text));
                }
                Switch::Goexit
            }
            other => other,
        }
    }

    fn tell(&self, fiber: &mut Fiber, event: Event) {
        let unit = std::mem::take(&mut fiber.unit);
        if unit != 0 {
            // Nobody listens once the session is dropped.
            let _ = self
                .events
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .send((unit, event));
        }
    }
}

/// See the module's text.
pub struct Session {
    machine: Arc<Machine>,
    handle: SchedulerHandle<Machine>,
    natives: NativeTable,
    events: Receiver<(u64, Event)>,
    units: u64,
}

impl Session {
    /// Links the first unit and runs it. `end` is called, on any thread, when the program ends itself, by `os.Exit`: it ends the
    /// process.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub fn start(
        first: Addition,
        natives: NativeTable,
        mut options: VmOptions,
        end: impl Fn(Exit) + Send + Sync + 'static,
    ) -> Result<Session, LinkError> {
        let (sender, events) = channel();
        options.session = Some(Arc::new(Watch {
            events: Mutex::new(sender),
        }));
        let mut program = Program::default();
        program.add(first);
        let vm = Vm::new(program, &natives, options)?;
        let machine = vm.machine().clone();
        let Some((scheduler, mut main)) = vm.start() else {
            return Err(LinkError::OutOfMemory);
        };
        main.unit = 1;
        let handle = scheduler.handle();
        let of = machine.clone();
        std::thread::Builder::new()
            .name("golite-program".to_owned())
            .spawn(move || match scheduler.run(main) {
                Outcome::Stopped => {}
                outcome => end(exit_of(&of, outcome)),
            })
            .map_err(|_| LinkError::OutOfMemory)?;
        Ok(Session {
            machine,
            handle,
            natives,
            events,
            units: 1,
        })
    }

    /// The engine, for statistics.
    pub fn machine(&self) -> &Arc<Machine> {
        &self.machine
    }

    /// Adds a unit; starts its entry if `runs`.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub fn add(
        &mut self,
        unit: Addition,
        sources: Arc<SourceMap>,
        runs: bool,
    ) -> Result<(), LinkError> {
        self.units += 1;
        let (machine, natives, number) = (&self.machine, &self.natives, self.units);
        let added = self.handle.stop_the_world(|world| {
            machine.add(world, unit, natives, sources)?;
            if runs {
                let mut fiber = machine.main_fiber().ok_or(LinkError::OutOfMemory)?;
                fiber.unit = number;
                world.spawn(fiber);
            }
            Ok(())
        });
        added.unwrap_or(Ok(()))
    }

    /// How the last unit has ended; `None` if it has not, after this time.
    pub fn wait(&self, time: Duration) -> Option<Event> {
        loop {
            match self.events.recv_timeout(time) {
                Ok((unit, event)) if unit == self.units => return Some(event),
                // Of a unit that was given up.
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return None,
                // Not before the process ends.
                Err(RecvTimeoutError::Disconnected) => {
                    std::thread::sleep(time);
                    return None;
                }
            }
        }
    }

    /// Whether nobody but who adds units can ever wake a goroutine.
    pub fn everybody_sleeps(&self) -> bool {
        self.handle.everybody_sleeps()
    }

    /// Ends the goroutine of the last unit; says where it was. `None` if there is none. Another [`Session::wait`] tells whether it has ended.
    pub fn interrupt(&self) -> Option<Goroutine> {
        let found = self.handle.stop_the_world(|world| {
            let unit = self.units;
            let goroutine = list(world, |fiber| fiber.unit == unit).pop();
            if let Some(goroutine) = &goroutine {
                end_goroutine(world, goroutine.id);
            }
            goroutine
        });
        found.flatten()
    }

    /// The goroutine of the last unit does not matter any more, whenever it ends.
    pub fn give_up(&mut self) {
        self.units += 1;
    }

    /// Ends the goroutine with this number; false if there is none.
    pub fn kill(&self, id: u64) -> bool {
        let killed = self.handle.stop_the_world(|world| end_goroutine(world, id));
        killed.unwrap_or(false)
    }

    /// All goroutines.
    pub fn goroutines(&self) -> Vec<Goroutine> {
        let all = self.handle.stop_the_world(|world| list(world, |_| true));
        all.unwrap_or_default()
    }

    /// Clears memory of globals that no code refers to any more: offset and size of each.
    pub fn clear_globals(&self, places: &[(u32, u32)]) {
        if places.is_empty() {
            return;
        }
        let machine = &self.machine;
        self.handle.stop_the_world(|_| {
            for (offset, size) in places {
                machine.image.globals.clear(*offset, *size);
            }
        });
    }
}

impl Drop for Session {
    /// Ends the program and all its goroutines.
    fn drop(&mut self) {
        self.handle.stop();
    }
}

/// The goroutines that `wanted` names, in the order of their numbers.
fn list(world: &mut StoppedWorld<'_, Machine>, wanted: impl Fn(&Fiber) -> bool) -> Vec<Goroutine> {
    let mut found: Vec<(u64, bool)> = Vec::new();
    world.for_each_goroutine(|goroutine| {
        if wanted(goroutine.fiber) {
            found.push((goroutine.id.0, goroutine.fiber.unit != 0));
        }
    });
    found.sort_unstable();
    let dump = world.dump(None);
    let traces = dump.split("\n\n");
    let trace_of = |id: u64| {
        let head = format!("goroutine {id} [");
        let trace = traces.clone().find(|trace| trace.starts_with(&head));
        trace
            .map_or("", |trace| &trace[head.len() - 1..])
            .to_owned()
    };
    found
        .into_iter()
        .map(|(id, runs_unit)| Goroutine {
            id,
            runs_unit,
            trace: trace_of(id),
        })
        .collect()
}

fn end_goroutine(world: &mut StoppedWorld<'_, Machine>, id: u64) -> bool {
    let mut found = false;
    world.break_waits(|goroutine, fiber, wait| {
        let is_it = goroutine.0 == id;
        found |= is_it;
        is_it && ending::end(fiber, wait, Interrupt::Now)
    });
    found
}
