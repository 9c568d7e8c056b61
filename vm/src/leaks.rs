//! Goroutines that nobody can wake any more.
//!
//! 1. A collection marks what leads from package variables, timers and goroutines that run or wait for something outside: these go on
//!    without anybody's help.
//! 2. A goroutine that waits at a channel, mutex, wait group or condition can go on if that object is marked: then somebody who goes on
//!    reaches it. What it holds itself is marked too, which may save others; so again, until nothing changes.
//! 3. Those that are left wait for what only they, and others like them, can reach. They are noted, and marked like all others:
//!    they stay, as in Go.

use std::collections::HashSet;
use std::sync::PoisonError;

use runtime::{GoroutineId, GoroutineView, StoppedWorld};

use crate::engine::Machine;
use crate::heap::Marker;
use crate::trace;

/// Whether somebody who reaches what the goroutine waits at must wake it; `going_on` goes on whatever it waits for.
pub(crate) fn may_leak(
    goroutine: &GoroutineView<'_, Machine>,
    going_on: Option<GoroutineId>,
) -> bool {
    goroutine.can_be_forgotten() && Some(goroutine.id) != going_on
}

/// Reports the references of all goroutines that were left out because somebody must wake them, and notes those whom nobody can.
pub(crate) fn mark_waiting(
    machine: &Machine,
    world: &mut StoppedWorld<'_, Machine>,
    marker: &mut Marker<'_>,
    going_on: Option<GoroutineId>,
) {
    let mut saved = HashSet::new();
    loop {
        marker.settle();
        let before = saved.len();
        world.for_each_goroutine(|mut goroutine| {
            if !may_leak(&goroutine, going_on) || saved.contains(&goroutine.id) {
                return;
            }
            let mut reachable = false;
            goroutine.for_each_waking_address(|address| reachable |= marker.is_marked(address));
            if reachable {
                saved.insert(goroutine.id);
                machine.mark_goroutine(&mut goroutine, marker);
            }
        });
        if saved.len() == before {
            break;
        }
    }
    let mut leaks = machine.leaks.lock().unwrap_or_else(PoisonError::into_inner);
    leaks.clear();
    world.for_each_goroutine(|mut goroutine| {
        if !may_leak(&goroutine, going_on) || saved.contains(&goroutine.id) {
            return;
        }
        let reason = goroutine.waits.map_or("", runtime::WaitReason::text);
        let mut text = format!("goroutine {} [{reason}]:\n", goroutine.id.0);
        trace::print(machine, goroutine.fiber, &mut text);
        leaks.insert(goroutine.id.0, text);
        machine.mark_goroutine(&mut goroutine, marker);
    });
}

/// The report of what was noted; empty when nothing was.
pub(crate) fn report(machine: &Machine) -> String {
    let leaks = machine.leaks.lock().unwrap_or_else(PoisonError::into_inner);
    let count = leaks.len();
    if count == 0 {
        return String::new();
    }
    let goroutines = if count == 1 {
        "goroutine waits"
    } else {
        "goroutines wait"
    };
    let traces = leaks.values().cloned().collect::<Vec<_>>().join("\n");
    format!("golite: {count} {goroutines} for what nobody can do any more:\n\n{traces}")
}
