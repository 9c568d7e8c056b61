//! Stopping the world, and what can be done in it.
//!
//! 1. One machine at a time stops the world. It sets STOP in the attention word, takes all idle processors and those in blocking
//!    calls, and asks the running ones to look; each machine that finds the bit gives its processor up and sleeps.
//! 2. A machine that enters a blocking call meanwhile looks at the attention word after it has written its ticket; the
//!    stopper looks at the tickets after it has set the word. So a call is never waited for, and neither is a loop: its safepoint
//!    word is poisoned.
//! 3. When all processors are in hand the world is stopped; [`StoppedWorld`] is the proof. Jobs that other machines wanted done in
//!    a stopped world are done as well.
//! 4. Dropping the proof starts the world: processors with work get machines, the others go idle.
//! 5. The run may be ended while the world is stopped, by the host. Goroutines stay until nobody looks at them any more: machines are waited
//!    for anyway, other threads that stop the world are counted ([`Visitor`]).
//!
//! GO: proc.go `stopTheWorldWithSema`, `startTheWorldWithSema`, `procresize`.

use std::{fmt::Write, sync::Arc, time::Duration};

use crate::{
    assignment,
    blocking::ProcessorStatus,
    channel::Channel,
    clock::{NEVER, Nanos},
    engine::{CollectionReason, Engine, Outcome, WorldJob},
    event_trace::TraceKind,
    goroutine::{GoroutineId, GoroutineRef, Registry, Runnable, Running, special},
    lock_rank::RankedGuard,
    machine::Machine,
    preempt::{attention, request},
    processor::OwnedProcessor,
    run_queue::List,
    scheduler::{Central, MAX_PROCESSORS, Shared},
    status::Status,
    sync::Ordering,
    wait_reason::{WaitReason, WokenBy},
};

/// Shows that no goroutine runs and nobody holds a processor. Made only in this file.
pub(crate) struct WorldProof(());

/// Proof that no goroutine runs and nobody holds a processor. The world goes on when it is dropped.
pub struct StoppedWorld<'a, E: Engine> {
    shared: &'a Arc<Shared<E>>,
    processors: Vec<OwnedProcessor<E>>,
    proof: WorldProof,
    count: usize,
}

/// A goroutine in the stopped world.
pub struct GoroutineView<'a, E: Engine> {
    /// Its number.
    pub id: GoroutineId,
    /// `None` when it is runnable, or running a blocking call.
    pub waits: Option<WaitReason>,
    /// Its fiber.
    pub fiber: &'a mut E::Fiber,
    goroutine: GoroutineRef<E>,
    proof: &'a WorldProof,
}

impl<E: Engine> GoroutineView<'_, E> {
    /// Visits the values that are under way to or from this goroutine: what it is sending, what it has been
    /// handed and has not taken yet. All are roots.
    pub fn for_each_transfer(&mut self, mut visit: impl FnMut(&mut E::Transfer)) {
        Registry::for_each_transfer(self.proof, self.goroutine, &mut visit);
    }

    /// Whether only others who reach what it waits at can wake it; when nobody can it waits forever.
    #[must_use]
    pub fn can_be_forgotten(&self) -> bool {
        self.waits
            .is_some_and(|reason| reason.woken_by() != WokenBy::Elsewhere)
    }

    /// Visits the addresses at which others can wake a goroutine that can be forgotten: of channels, semaphores, lists.
    pub fn for_each_waking_address(&self, mut visit: impl FnMut(u64)) {
        match self.waits.map(WaitReason::woken_by) {
            Some(WokenBy::Channels) => {
                Registry::for_each_channel(self.proof, self.goroutine, &mut |channel| {
                    visit(channel.addr() as u64);
                });
            }
            Some(WokenBy::Object) => visit(self.goroutine.waiter().key().addr() as u64),
            _ => {}
        }
    }

    /// Visits the addresses of the channels the goroutine is enqueued at. They are roots too, unless the
    /// fiber keeps them alive until it has taken the wake outcome.
    pub fn for_each_channel(&self, mut visit: impl FnMut(*const Channel<E>)) {
        Registry::for_each_channel(self.proof, self.goroutine, &mut |channel| {
            visit(channel.cast())
        });
    }
}

impl<E: Engine> StoppedWorld<'_, E> {
    /// Visits every goroutine that has not ended.
    pub fn for_each_goroutine(&mut self, mut visit: impl FnMut(GoroutineView<'_, E>)) {
        let seen = WorldProof(());
        self.shared
            .registry
            .for_each(&mut self.proof, |goroutine, fiber| {
                let waits =
                    (goroutine.status() == Status::Waiting).then(|| goroutine.wait_reason());
                visit(GoroutineView {
                    id: goroutine.id(),
                    waits,
                    fiber,
                    goroutine,
                    proof: &seen,
                });
            });
    }

    /// Visits goroutines that have not ended, beginning at `from`, which is 0 or what the last call answered, until `visit` answers that it has had
    /// enough, or all have been visited: then it answers `None`. Goroutines that are started between two calls may be left out.
    pub fn goroutines_from(
        &mut self,
        from: usize,
        mut visit: impl FnMut(GoroutineView<'_, E>) -> bool,
    ) -> Option<usize> {
        let seen = WorldProof(());
        self.shared
            .registry
            .for_each_from(&mut self.proof, from, |goroutine, fiber| {
                let waits =
                    (goroutine.status() == Status::Waiting).then(|| goroutine.wait_reason());
                visit(GoroutineView {
                    id: goroutine.id(),
                    waits,
                    fiber,
                    goroutine,
                    proof: &seen,
                })
            })
    }

    /// Visits every processor's engine part, with the processor's number.
    pub fn for_each_processor(&mut self, mut visit: impl FnMut(usize, &mut E::PerProcessor)) {
        for processor in &mut self.processors {
            visit(processor.index, processor.local());
        }
    }

    /// Takes the records of goroutines that processors keep for new ones, so that their memory can be given back
    /// ([`crate::CollectionRequester::release_goroutines`]).
    pub fn gather_unused(&mut self) {
        for processor in &self.processors {
            let mut free = processor.cells().free.take();
            self.shared.registry.take_back_all(&mut free);
        }
    }

    /// Visits every armed timer's payload (and some of timers just stopped).
    pub fn for_each_timer(&mut self, mut visit: impl FnMut(&mut E::TimerPayload)) {
        for processor in &self.processors {
            processor.timers.for_each_payload(&mut visit);
        }
    }

    /// Makes goroutines runnable whose waits can be broken: what they wait for does not happen. `wanted` is asked for each goroutine that has not ended,
    /// and is given how its wait can be broken if it waits; the engine has it end then, or at least ask for no outcome
    /// ([`crate::Slice::forget_wake_outcome`]).
    ///
    /// Of a semaphore's waiter the engine takes back, before it agrees, what the goroutine has done beside to wait there. No other goroutine is
    /// between two steps of such doings: it would be at a safepoint, and there is none between them.
    pub fn break_waits(
        &mut self,
        mut wanted: impl FnMut(GoroutineId, &mut E::Fiber, Option<Breakable>) -> bool,
    ) {
        let mut found = Vec::new();
        self.shared
            .registry
            .for_each(&mut self.proof, |goroutine, fiber| {
                let wait = (goroutine.status() == Status::Waiting).then(|| breakable(goroutine));
                let can_be = wait.is_some_and(|wait| wait != Breakable::No);
                if wanted(goroutine.id(), fiber, wait) && can_be {
                    found.push(goroutine);
                }
            });
        for goroutine in found {
            self.break_wait(goroutine);
        }
    }

    fn break_wait(&mut self, goroutine: GoroutineRef<E>) {
        match breakable(goroutine) {
            Breakable::No => return,
            Breakable::AtOnce => {
                goroutine.leave_channels();
                if goroutine.wait_reason() == WaitReason::Sleep {
                    for processor in &self.processors {
                        processor.timers.forget_sleeper(goroutine);
                    }
                }
            }
            Breakable::AtSemaphore(..) => self.shared.semaphores.withdraw(goroutine),
            Breakable::AtDescriptor => {
                // Else the poller has it in hand, and wakes it.
                if !self.shared.netpoll.withdraw(goroutine) {
                    return;
                }
            }
        }
        if let Some(runnable) = goroutine.ready() {
            self.shared.put_global(&mut self.shared.central(), runnable);
        }
    }

    /// Starts a goroutine: it is runnable when the world goes on.
    pub fn spawn(&mut self, fiber: E::Fiber) {
        let runnable = self.shared.spawned_outside(fiber);
        self.shared.put_global(&mut self.shared.central(), runnable);
    }

    /// `runtime.GOMAXPROCS(n)`: from the end of the stop on there are `count` processors (1 to 256).
    pub fn set_processors(&mut self, count: usize) {
        // ORDERING: Relaxed; a setting.
        self.shared.follows_quota.store(false, Ordering::Relaxed);
        self.count = count.clamp(1, MAX_PROCESSORS);
    }

    /// `runtime.SetDefaultGOMAXPROCS`: as many processors as the mask and the quota grant, now and later.
    pub fn set_default_processors(&mut self) {
        self.set_processors(crate::processor_count::available(
            &self.shared.options.system_root,
        ));
        // ORDERING: Relaxed; a setting.
        self.shared.follows_quota.store(true, Ordering::Relaxed);
    }

    /// How many processors there are, or will be when the world goes on.
    #[must_use]
    pub fn processors(&self) -> usize {
        self.count
    }

    /// `runtime.NumGoroutine`.
    #[must_use]
    pub fn goroutines(&self) -> usize {
        self.shared.goroutine_count()
    }

    /// Every goroutine with its state and stack, in Go's format, in the order of their numbers. `first` goes before all,
    /// as the one that failed does in Go.
    pub fn dump(&mut self, first: Option<GoroutineId>) -> String {
        let shown = Shown {
            first,
            ..Shown::default()
        };
        dump(self.shared, &mut self.proof, &shown)
    }

    /// As [`StoppedWorld::dump`], of one goroutine; empty if it has ended.
    #[must_use]
    pub fn dump_of(&mut self, only: GoroutineId) -> String {
        let shown = Shown {
            only: Some(only),
            ..Shown::default()
        };
        dump(self.shared, &mut self.proof, &shown)
    }

    /// Has a goroutine that is runnable run as soon as the world goes on, before all that have waited longer (but for the one
    /// that the global queue is owed now and then). Nothing happens to one that runs, waits
    /// or has ended.
    pub fn hasten(&mut self, id: GoroutineId) {
        let mut central = self.shared.central();
        let (mut wanted, mut others) = (None, List::default());
        while let Some(raw) = central.global.pop_front() {
            let runnable = Runnable::from_raw(raw);
            match runnable.goroutine().id() == id {
                true => wanted = Some(runnable),
                false => others.push_back(runnable.into_raw()),
            }
        }
        self.shared.put_global_list(&mut central, others);
        for processor in &self.processors {
            let queue = &processor.queue;
            let next = queue.take_next();
            for _ in 0..queue.len() {
                let Some(other) = queue.pop() else { break };
                if other.goroutine().id() == id {
                    wanted = Some(other);
                } else if let Some(overflow) = queue.push(other) {
                    self.shared.put_global_list(&mut central, overflow);
                }
            }
            match next {
                Some(next) if next.goroutine().id() == id => wanted = Some(next),
                Some(next) => {
                    let displaced = queue.put_next(next);
                    debug_assert!(displaced.is_none(), "it was taken from there");
                }
                None => {}
            }
        }
        let (Some(wanted), Some(processor)) = (wanted, self.processors.first()) else {
            return;
        };
        // Nobody goes first there because another has stepped aside.
        let now = self.shared.clock.now();
        processor.cells().backlog.end(now);
        // Who was interrupted there in the middle of his turn goes on later.
        if let Some(displaced) = processor.queue.put_next(wanted) {
            self.shared.put_global(&mut central, displaced);
        }
    }

    /// Makes or gives up processors, as `set_processors` said.
    fn resize(&mut self) {
        let shared = self.shared;
        let count = self.count;
        if count == shared.processor_count() {
            return;
        }
        for index in shared.processors_made()..count {
            self.processors.push(shared.make_processor(index));
        }
        let Some(first) = self
            .processors
            .iter()
            .find(|processor| processor.index == 0)
            .map(|p| Arc::clone(p))
        else {
            return;
        };
        for processor in self
            .processors
            .iter()
            .filter(|processor| processor.index >= count)
        {
            let mut central = shared.central();
            shared.put_work_global(&mut central, processor);
            drop(central);
            processor.timers.move_to(&first.timers);
            let mut free = processor.cells().free.take();
            if let Some(spare) = processor.cells().spare.take() {
                free.put(spare, &shared.registry);
            }
            shared.registry.take_back_all(&mut free);
        }
        shared.set_processor_count(count);
    }
}

/// What a dump shows.
#[derive(Default)]
struct Shown<'a> {
    /// It stands before all others.
    first: Option<GoroutineId>,
    /// It is left out.
    but: Option<GoroutineId>,
    /// None but this.
    only: Option<GoroutineId>,
    /// How long writing may take; what is left out then is said.
    budget: Option<Nanos>,
    /// Nobody could have woken them.
    stuck: &'a [GoroutineId],
}

/// The text of a dump.
fn dump<E: Engine>(shared: &Arc<Shared<E>>, proof: &mut WorldProof, shown: &Shown<'_>) -> String {
    let now = shared.real_now();
    let mut texts = Vec::new();
    let (mut is_late, mut left_out) = (false, 0usize);
    let write = |goroutine: GoroutineRef<E>, fiber: &mut E::Fiber| {
        let id = goroutine.id();
        if shown.but == Some(id) || shown.only.is_some_and(|only| only != id) {
            return false;
        }
        if is_late {
            left_out += 1;
            return false;
        }
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "goroutine {} [{}]{}:",
            id.0,
            state_text(goroutine, now, shown.stuck.contains(&id)),
            shared.engine().labels(fiber),
        );
        shared.engine().traceback(fiber, &mut text);
        texts.push((shown.first != Some(id), id, text));
        is_late = texts.len().is_multiple_of(BUDGET_STEP)
            && shown
                .budget
                .is_some_and(|budget| shared.real_now() - now > budget);
        // Whoever has ended the run meanwhile waits, and nobody reads on.
        shared.is_finishing()
    };
    shared.registry.for_each_from(proof, 0, write);
    texts.sort_by_key(|&(is_other, id, _)| (is_other, id));
    texts
        .into_iter()
        .map(|(_, _, text)| text)
        .chain((left_out != 0).then(|| format!("...{left_out} more goroutines...\n")))
        .collect::<Vec<_>>()
        .join("\n")
}

/// How long the traces of a run may take that somebody waits to see ended: an end is to come soon after its reason, however many goroutines there are.
const END_BUDGET: Nanos = 10_000_000;

/// After how many traces the clock is looked at.
const BUDGET_STEP: usize = 64;

fn state_text<E: Engine>(goroutine: GoroutineRef<E>, now: Nanos, is_stuck: bool) -> String {
    let mut text = match goroutine.status() {
        Status::Dead => "dead",
        Status::Runnable => "runnable",
        Status::Running | Status::RunningNotified => "running",
        Status::Blocking => "syscall",
        Status::Waiting => match goroutine.wait_reason() {
            WaitReason::Zero => "waiting",
            reason => reason.text(),
        },
    }
    .to_string();
    let waits = matches!(goroutine.status(), Status::Waiting | Status::Blocking);
    let minutes = if waits {
        (now - goroutine.waiting_since(now)) / 60_000_000_000
    } else {
        0
    };
    if is_stuck {
        text.push_str(" (leaked)");
    }
    if minutes >= 1 {
        let _ = write!(text, ", {minutes} minutes");
    }
    if goroutine.special() & special::LOCKED != 0 {
        text.push_str(", locked to thread");
    }
    text
}

impl<E: Engine> Shared<E> {
    /// Gives a processor to whoever stops the world.
    pub(crate) fn stop_processor(&self, central: &mut Central<E>, processor: OwnedProcessor<E>) {
        processor.set_status(ProcessorStatus::Stopped);
        central.stopped.push(processor);
        central.stop_wait -= 1;
        if central.stop_wait == 0 {
            self.progress.notify_all();
        }
    }

    /// Takes the processors of all blocking calls.
    fn stop_blocking_calls(&self, central: &mut Central<E>) {
        for processor in self.all_processors() {
            if let Some(ticket) = processor.word.blocking_ticket()
                && let Some(processor) = processor.try_retake(ticket)
            {
                central.blocked_calls += 1;
                self.stop_processor(central, processor);
            }
        }
    }
}

/// A thread without a machine that stops the world: until it is dropped, the run's goroutines stay.
struct Visitor<'a, E: Engine>(&'a Arc<Shared<E>>);

impl<'a, E: Engine> Visitor<'a, E> {
    /// To be made under the lock under which the run was seen not to be ending, and dropped without it.
    fn new(shared: &'a Arc<Shared<E>>, central: &mut Central<E>) -> Visitor<'a, E> {
        central.visitors += 1;
        Visitor(shared)
    }
}

impl<E: Engine> Drop for Visitor<'_, E> {
    fn drop(&mut self) {
        self.0.central().visitors -= 1;
        self.0.progress.notify_all();
    }
}

/// How long the stopper waits before it looks for blocking calls again.
const STOP_POLL: Duration = Duration::from_micros(100);

/// Stops the world; the caller's own processor, if it has one, is put with the rest. `None`: the run ends meanwhile.
fn stop<'a, E: Engine>(
    shared: &'a Arc<Shared<E>>,
    mut central: RankedGuard<'_, Central<E>>,
    own: Option<OwnedProcessor<E>>,
) -> Option<StoppedWorld<'a, E>> {
    central.is_stopping = true;
    shared.set_attention(attention::STOP);
    central.stop_wait = shared.processor_count();
    if let Some(own) = own {
        shared.stop_processor(&mut central, own);
    }
    for processor in shared.take_all_idle(&mut central) {
        shared.stop_processor(&mut central, processor);
    }
    shared.request_all(request::ATTENTION);
    loop {
        shared.stop_blocking_calls(&mut central);
        if shared.is_finishing() {
            let stopped = std::mem::take(&mut central.stopped);
            central.dead.extend(stopped);
            central.is_stopping = false;
            central.stop_wait = 0;
            return None;
        }
        if central.stop_wait == 0 {
            break;
        }
        central = central.wait(&shared.progress, Some(STOP_POLL));
    }
    let mut processors = std::mem::take(&mut central.stopped);
    processors.append(&mut central.dead);
    processors.sort_by_key(|processor| processor.index);
    drop(central);
    Some(StoppedWorld {
        shared,
        processors,
        proof: WorldProof(()),
        count: shared.processor_count(),
    })
}

/// Starts the world. Answers the processor with number `own`, or another that is still in use.
fn start<E: Engine>(mut world: StoppedWorld<'_, E>, own: usize) -> OwnedProcessor<E> {
    let shared = world.shared;
    let mut central = loop {
        let mut central = shared.central();
        let jobs = std::mem::take(&mut central.world_jobs);
        if jobs.is_empty() {
            break central;
        }
        drop(central);
        for (mut running, job) in jobs {
            running.complete(job(&mut world));
            shared.put_global(&mut shared.central(), running.yield_now());
        }
    };
    if world.count != shared.processor_count() {
        drop(central);
        world.resize();
        central = shared.central();
        // A job that came meanwhile waits for the next stop of the world: nobody is left to bring one about, so do it now.
        if !central.world_jobs.is_empty() {
            drop(central);
            return start(world, own);
        }
    }
    let count = world.count;
    let mut mine = None;
    let mut with_work = Vec::new();
    for processor in std::mem::take(&mut world.processors) {
        if processor.index >= count {
            processor.set_status(ProcessorStatus::Dead);
            central.dead.push(processor);
        } else if processor.index == own.min(count - 1) {
            processor.set_status(ProcessorStatus::Running);
            mine = Some(processor);
        } else if processor.queue.is_empty() {
            shared.put_idle_processor(&mut central, processor);
        } else {
            processor.set_status(ProcessorStatus::Running);
            with_work.push(processor);
        }
    }
    central.is_stopping = false;
    shared.clear_attention(attention::STOP);
    drop(central);
    for processor in with_work {
        assignment::start(shared, shared.central(), processor, false);
    }
    if shared.global_len() != 0 {
        shared.wake_processor();
    }
    // Whoever waited in the poller may have given up because no processor was to be had.
    shared.watch_timer(shared.earliest_timer());
    shared.watch_descriptors();
    shared.sysmon.notify();
    mine.expect("the stopped world has every processor")
}

/// Does a job in the stopped world. `None`: the goroutine is not this machine's any more.
pub(crate) fn run<E: Engine>(
    machine: &mut Machine<E>,
    mut running: Running<E>,
    job: WorldJob<E>,
) -> Option<Running<E>> {
    let shared = Arc::clone(&machine.shared);
    let mut central = shared.central();
    if shared.is_finishing() {
        return None;
    }
    if central.is_stopping {
        // Another machine is at it and does ours as well; this one finds the attention word.
        central.world_jobs.push((running, job));
        return None;
    }
    let own = machine.processor.take()?;
    let index = own.index;
    let mut world = stop(&shared, central, Some(own))?;
    shared.event(TraceKind::WorldStops, None, None, 0);
    running.complete(job(&mut world));
    shared.event(TraceKind::WorldStarts, None, None, 0);
    machine.processor = Some(start(world, index));
    Some(running)
}

/// Does a job in the stopped world for a thread that has no processor. `None`: the run has ended.
pub(crate) fn run_from_outside<E: Engine, R>(
    shared: &Arc<Shared<E>>,
    job: impl FnOnce(&mut StoppedWorld<'_, E>) -> R,
) -> Option<R> {
    let mut central = shared.central();
    while central.is_stopping && !shared.is_finishing() {
        central = central.wait(&shared.progress, Some(STOP_POLL));
    }
    if shared.is_finishing() {
        return None;
    }
    let _visitor = Visitor::new(shared, &mut central);
    let mut world = stop(shared, central, None)?;
    shared.event(TraceKind::WorldStops, None, None, 0);
    let result = job(&mut world);
    shared.event(TraceKind::WorldStarts, None, None, 0);
    let processor = start(world, 0);
    // A machine takes it, finds the work there is, and puts it by if there is none.
    assignment::start(shared, shared.central(), processor, false);
    Some(result)
}

/// Makes as many processors as sysmon has found to be granted.
pub(crate) fn follow_quota<E: Engine>(machine: &mut Machine<E>) {
    machine.stop_spinning();
    let shared = Arc::clone(&machine.shared);
    let central = shared.central();
    // ORDERING: Relaxed, both; settings.
    let count = shared.quota.load(Ordering::Relaxed);
    if shared.is_finishing() || !shared.follows_quota.load(Ordering::Relaxed) {
        return;
    }
    if central.is_stopping {
        shared.set_attention(attention::PROCESSORS);
        return;
    }
    let Some(own) = machine.processor.take() else {
        return;
    };
    let index = own.index;
    let Some(mut world) = stop(&shared, central, Some(own)) else {
        return;
    };
    world.count = count.clamp(1, MAX_PROCESSORS);
    machine.processor = Some(start(world, index));
}

/// Runs a collection.
pub(crate) fn collect<E: Engine>(machine: &mut Machine<E>, reason: CollectionReason) {
    machine.stop_spinning();
    let shared = Arc::clone(&machine.shared);
    shared.engine().prepare_collection();
    let central = shared.central();
    if shared.is_finishing() || central.is_stopping {
        let again = match reason {
            CollectionReason::Growth => attention::COLLECT_GROWTH,
            CollectionReason::Periodic => attention::COLLECT_PERIODIC,
            // Whoever stops the world does not see the main goroutine end: the report is of that time.
            CollectionReason::Final => return,
        };
        shared.set_attention(again);
        return;
    }
    let Some(own) = machine.processor.take() else {
        return;
    };
    let index = own.index;
    let Some(mut world) = stop(&shared, central, Some(own)) else {
        return;
    };
    shared.event(TraceKind::WorldStops, None, None, 0);
    shared.engine().collect(&mut world, reason);
    shared.event(TraceKind::WorldStarts, None, None, 0);
    // ORDERING: Relaxed; sysmon compares times.
    shared
        .last_collection
        .store(shared.real_now(), Ordering::Relaxed);
    machine.processor = Some(start(world, index));
}

/// Ends the run with a look at all goroutines `but` one: `outcome` makes its outcome of their traces. From a machine with its processor, or
/// from any other thread without one.
pub(crate) fn end_with_dump<E: Engine>(
    shared: &Arc<Shared<E>>,
    mut own: Option<OwnedProcessor<E>>,
    but: Option<GoroutineId>,
    outcome: impl FnOnce(String) -> Outcome<E>,
) {
    let mut central = shared.central();
    loop {
        if shared.is_finishing() {
            central.dead.extend(own);
            return;
        }
        if !central.is_stopping {
            break;
        }
        // Another machine is at it; it may wait for our processor.
        if let Some(own) = own.take() {
            shared.stop_processor(&mut central, own);
        }
        central = central.wait(&shared.progress, Some(STOP_POLL));
    }
    let _visitor = Visitor::new(shared, &mut central);
    let Some(mut world) = stop(shared, central, own) else {
        return;
    };
    let shown = Shown {
        but,
        budget: Some(END_BUDGET),
        ..Shown::default()
    };
    let text = dump(shared, &mut world.proof, &shown);
    let mut central = shared.central();
    central.dead.append(&mut world.processors);
    central.is_stopping = false;
    shared.finish(&mut central, outcome(text));
}

/// The text above the goroutines of a run whose time was over.
const DEADLINE: &str = "deadline exceeded";

/// Ends a run whose time is over, with a look at its goroutines.
pub(crate) fn end_at_deadline<E: Engine>(shared: &Arc<Shared<E>>, own: Option<OwnedProcessor<E>>) {
    end_with_dump(shared, own, None, |dump| Outcome::TimedOut {
        message: DEADLINE,
        dump,
    });
}

/// How the wait of a goroutine can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakable {
    /// Not: it is over when what it waits for has come.
    No,
    /// At once, at channels and asleep: nobody but the scheduler knows that it waits.
    AtOnce,
    /// At the semaphore with this address, for this reason.
    AtSemaphore(WaitReason, u64),
    /// At a descriptor: the goroutine is woken as if that were ready, and is to try no more.
    AtDescriptor,
}

fn breakable<E: Engine>(goroutine: GoroutineRef<E>) -> Breakable {
    use WaitReason as W;
    match goroutine.wait_reason() {
        W::ChannelReceive
        | W::ChannelSend
        | W::Select
        | W::ChannelReceiveNil
        | W::ChannelSendNil
        | W::SelectNoCases
        | W::Sleep => Breakable::AtOnce,
        reason @ (W::MutexLock
        | W::RwMutexRLock
        | W::RwMutexLock
        | W::WaitGroupWait
        | W::CondWait) => Breakable::AtSemaphore(reason, goroutine.waiter().key().addr() as u64),
        W::IoWait => Breakable::AtDescriptor,
        _ => Breakable::No,
    }
}

impl<E: Engine> Shared<E> {
    /// Whether everybody is asleep for good; then the run ends. The caller has just put a processor by, or dropped the last
    /// handle of a host.
    ///
    /// Nobody holds a processor when all are idle, so nothing can become runnable but through a timer, a blocking call,
    /// the poller or a host, and those are counted.
    pub(crate) fn check_deadlock(self: &Arc<Self>, central: &mut Central<E>) {
        // Nobody minds if nobody waits for the program to come to something.
        if central.waited_for == 0 || self.engine().may_rest() {
            return;
        }
        self.recall_standby(central);
        if !self.everybody_sleeps(central, 0) {
            return;
        }
        let message = if self.goroutine_count() == 0 {
            "no goroutines (main called runtime.Goexit) - deadlock!"
        } else {
            "all goroutines are asleep - deadlock!"
        };
        // All processors are idle, so the world is as good as stopped.
        let mut world = StoppedWorld {
            shared: self,
            processors: self.take_all_idle(central),
            proof: WorldProof(()),
            count: self.processor_count(),
        };
        let stuck = self.engine().find_stuck(&mut world);
        let shown = Shown {
            stuck: &stuck,
            ..Shown::default()
        };
        let dump = dump(self, &mut world.proof, &shown);
        central.dead.append(&mut world.processors);
        self.finish(central, Outcome::Deadlock { message, dump });
    }
}

impl<E: Engine> Shared<E> {
    /// Whether nobody but who holds one of `handles` handles of the host can make a goroutine runnable.
    pub(crate) fn everybody_sleeps(&self, central: &Central<E>, handles: usize) -> bool {
        let asleep = central.idle_processors.len() == self.processor_count()
            && central.global.len() == 0
            && central.blocked_calls == 0
            && central.outcome.is_none()
            && central.callers.all_wait()
            && !central.is_stopping
            && self.attention() & !attention::GUEST == 0
            // ORDERING: SeqCst. Pairs with the increments where handles and wakers are made, by a goroutine that ran.
            && self.host_handles.load(Ordering::SeqCst) == handles
            && !self.netpoll.has_waiters();
        // A timer that was stopped may still lie in its heap.
        asleep
            && (self.earliest_timer() == NEVER
                || !self
                    .all_processors()
                    .any(|processor| processor.timers.sweep()))
    }
}

/// The run is over: drops what is left of its goroutines. No machine runs any more; those in blocking calls touch
/// nothing when they come back.
pub(crate) fn abandon_all<E: Engine>(shared: &Arc<Shared<E>>) {
    let mut proof = WorldProof(());
    shared
        .registry
        .take_fibers(&mut proof, |fiber| shared.engine().abandoned(fiber));
}
