//! Natives of package runtime/pprof.

pub mod cpu;
pub mod profile;

use vm::border::{GoSlice, GoStr};
use vm::native::NativeContext;
use vm::{Machine, heap};

use profile::{LabelValue, Profile};

fn set_text(context: &mut NativeContext<'_>, text: GoStr<'_>) {
    context.set_labels((!text.is_empty()).then(|| text.to_text().to_string()));
}

/// How many objects and bytes so many samples of objects of `size` bytes stand for: the smaller an object, the rarer it is met.
///
/// GO: protomem.go `scaleHeapSample`.
fn scaled(count: u64, size: u64, rate: u64) -> [i64; 2] {
    if count == 0 || size == 0 {
        return [0, 0];
    }
    if rate <= 1 {
        return [count as i64, (count * size) as i64];
    }
    let scale = 1.0 / (1.0 - (-(size as f64) / rate as f64).exp());
    [
        (count as f64 * scale) as i64,
        ((count * size) as f64 * scale) as i64,
    ]
}

/// The profile of a machine's allocations, as a file; readers show `kind` first (`inuse_space`, `alloc_space`).
///
/// GO: protomem.go `writeHeapProto`.
pub fn heap_profile(machine: &Machine, kind: &str) -> Vec<u8> {
    let rate = machine.heap().profile_rate();
    let types = [
        ("alloc_objects", "count"),
        ("alloc_space", "bytes"),
        ("inuse_objects", "count"),
        ("inuse_space", "bytes"),
    ];
    let mut profile = Profile::new(&types, ("space", "bytes"), rate as i64);
    if !kind.is_empty() {
        profile.show_first(kind);
    }
    let is_machines = |counter: &u64| {
        machine
            .place_of(*counter)
            .is_some_and(|place| place.function.starts_with("runtime."))
    };
    for record in machine.heap().allocation_records() {
        let heap::AllocationRecord {
            stack,
            size,
            allocated,
            freed,
        } = record;
        // What the machine did for the program is the program's doing, unless there is nothing else.
        let own = stack
            .iter()
            .position(|counter| !is_machines(counter))
            .unwrap_or(0);
        let ever = scaled(allocated, size, rate);
        let now = scaled(allocated.saturating_sub(freed), size, rate);
        profile.add(
            &stack[own..],
            &[ever[0], ever[1], now[0], now[1]],
            &[("bytes", LabelValue::Number(size as i64))],
        );
    }
    profile.encode(|counter| machine.place_of(counter))
}

fn encode_heap(context: &mut NativeContext<'_>, kind: GoStr<'_>) -> Vec<u8> {
    heap_profile(context.machine(), &kind.to_text())
}

fn profile_rate(context: &mut NativeContext<'_>) -> i64 {
    context.machine().heap().profile_rate() as i64
}

/// A profile of counted stacks: for each its count, its number of frames, and these.
fn encode_counts(
    context: &mut NativeContext<'_>,
    name: GoStr<'_>,
    words: GoSlice<'_, u64>,
) -> Vec<u8> {
    let name = name.to_text();
    let mut profile = Profile::new(&[(&name, "count")], (&name, "count"), 1);
    let words = words.to_vec();
    let mut rest = words.as_slice();
    while let [count, frames, more @ ..] = rest {
        let frames = usize::try_from(*frames)
            .unwrap_or(usize::MAX)
            .min(more.len());
        let (stack, others) = more.split_at(frames);
        profile.add(stack, &[*count as i64], &[]);
        rest = others;
    }
    profile.encode(|counter| context.machine().place_of(counter))
}

vm::natives! {
    pure "setText" => set_text;
    pure "encodeHeap" => encode_heap;
    pure "encodeCounts" => encode_counts;
    pure "profileRate" => profile_rate;
    pure "startProfile" => cpu::start;
    pure "stopProfile" => cpu::stop;
}
