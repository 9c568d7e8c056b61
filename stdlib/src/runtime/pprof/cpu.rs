//! CPU profiles: the machine takes them, here they become files.

use vm::native::NativeContext;
use vm::{CpuProfile, Machine};

use super::profile::Profile;

/// A CPU profile of a machine's program as the contents of a file.
#[must_use]
pub fn encode(machine: &Machine, taken: &CpuProfile) -> Vec<u8> {
    let period = i64::try_from(taken.period.as_nanos()).unwrap_or(i64::MAX);
    let cpu = ("cpu", "nanoseconds");
    let mut profile = Profile::new(&[("samples", "count"), cpu], cpu, period);
    profile.took(taken.started, taken.duration);
    for (stack, count) in &taken.samples {
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        profile.add(stack, &[count, count.saturating_mul(period)], &[]);
    }
    profile.encode(|counter| machine.place_of(counter))
}

pub(super) fn start(context: &mut NativeContext<'_>) -> bool {
    let sampler = context.scheduler().sampler();
    context.machine().start_cpu_profile(sampler)
}

pub(super) fn stop(context: &mut NativeContext<'_>) -> Vec<u8> {
    let machine = context.machine();
    machine
        .stop_cpu_profile()
        .map_or_else(Vec::new, |taken| encode(machine, &taken))
}
