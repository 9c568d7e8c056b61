//! `schedtrace` and `scheddetail`: what the scheduler is doing, in Go's format.
//!
//! Read while everything moves, so one line may not quite agree with itself.
//!
//! GO: proc.go `schedtrace`.

use std::{fmt::Write, sync::Arc};

use crate::{
    blocking::ProcessorStatus, clock::Nanos, engine::Engine, scheduler::Shared, status::Status,
    sync::Ordering,
};

/// One line, or with `detail` several. Whole lines.
pub(crate) fn text<E: Engine>(shared: &Arc<Shared<E>>, detail: bool, now: Nanos) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_text(&mut out, shared, detail, now);
    out
}

fn write_text<E: Engine>(
    out: &mut String,
    shared: &Arc<Shared<E>>,
    detail: bool,
    now: Nanos,
) -> std::fmt::Result {
    let (machines, idle_machines, is_stopping, stop_wait) = {
        let central = shared.central();
        (
            central.machines.clone(),
            central.idle_machines.len(),
            central.is_stopping,
            central.stop_wait,
        )
    };
    // ORDERING: Relaxed, all loads in this file; for people to read.
    let relaxed = Ordering::Relaxed;
    let count = shared.processor_count();
    write!(
        out,
        "SCHED {}ms: gomaxprocs={count} idleprocs={} threads={} spinningthreads={} needspinning={} idlethreads={idle_machines} runqueue={}",
        now / 1_000_000,
        shared.idle_count(),
        // sysmon is one.
        machines.len() + 1,
        shared.spinning.load(relaxed),
        u32::from(shared.need_spinning.load(relaxed)),
        shared.global_len(),
    )?;
    let processors = || shared.all_processors().take(count);
    if !detail {
        out.push_str(" [");
        for processor in processors() {
            write!(out, " {}", processor.queue.len())?;
        }
        out.push_str(" ] schedticks=[ ");
        for processor in processors() {
            write!(out, "{} ", processor.schedule_tick.load(relaxed))?;
        }
        out.push_str("]\n");
        return Ok(());
    }
    writeln!(
        out,
        " gcwaiting={is_stopping} nmidlelocked=0 stopwait={stop_wait} sysmonwait={}",
        shared.sysmon.is_deep(),
    )?;
    for processor in processors() {
        writeln!(
            out,
            "  P{}: status={} schedtick={} syscalltick={} m={} runqsize={} gfreecnt=0 timerslen={}",
            processor.index,
            status_number(processor.word.status()),
            processor.schedule_tick.load(relaxed),
            processor.word.calls(),
            or_nil(processor.machine.load(relaxed)),
            processor.queue.len(),
            processor.timers.len(),
        )?;
    }
    for machine in &machines {
        writeln!(
            out,
            "  M{}: p={} curg={} mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning={} blocked={} lockedg=nil",
            machine.id,
            or_nil(
                processors()
                    .find(|p| p.machine.load(relaxed) == machine.id + 1)
                    .map_or(0, |p| p.index + 1)
            ),
            or_nil(
                machine.current.load(relaxed) as usize
                    + usize::from(machine.current.load(relaxed) != 0)
            ),
            machine.is_spinning.load(relaxed),
            machine.is_blocked.load(relaxed),
        )?;
    }
    let mut goroutines = Vec::new();
    shared.registry.for_each_name(|goroutine| {
        goroutines.push((goroutine.id(), goroutine.status(), goroutine.wait_reason()));
    });
    goroutines.sort_unstable_by_key(|&(id, ..)| id);
    for (id, status, reason) in goroutines {
        let machine = machines
            .iter()
            .find(|m| m.current.load(relaxed) == id.0)
            .map_or(0, |m| m.id + 1);
        writeln!(
            out,
            "  G{}: status={}({}) m={} lockedm=nil",
            id.0,
            goroutine_status_number(status),
            if status == Status::Waiting {
                reason.text()
            } else {
                ""
            },
            or_nil(machine),
        )?;
    }
    Ok(())
}

/// A number that counts from 1, 0 being nobody.
fn or_nil(number: usize) -> String {
    number
        .checked_sub(1)
        .map_or_else(|| "nil".to_string(), |number| number.to_string())
}

/// Go's numbers (`_Pidle`, `_Prunning`, `_Psyscall`, `_Pgcstop`, `_Pdead`).
fn status_number(status: ProcessorStatus) -> u32 {
    status as u32
}

/// Go's numbers (`_Grunnable`, `_Grunning`, `_Gsyscall`, `_Gwaiting`, `_Gdead`).
fn goroutine_status_number(status: Status) -> u32 {
    match status {
        Status::Runnable => 1,
        Status::Running | Status::RunningNotified => 2,
        Status::Blocking => 3,
        Status::Waiting => 4,
        Status::Dead => 6,
    }
}
