//! Program counters, and what lies at them.

use std::ops::ControlFlow;

use vm::border::{GoSlice, GoStr, Reference};
use vm::native::{GoPanic, NativeContext};

/// Fills `counters` from the function that called on, without the first `skip`; returns how many there were room and frames for.
pub(super) fn callers(
    context: &mut NativeContext<'_>,
    skip: i64,
    counters: GoSlice<'_, u64>,
) -> i64 {
    let mut skip = u64::try_from(skip).unwrap_or(0);
    let mut count = 0;
    if !counters.is_empty() {
        context.program_counters(|counter| {
            if skip > 0 {
                skip -= 1;
                return ControlFlow::Continue(());
            }
            counters.set(count, counter);
            count += 1;
            if count == counters.len() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
    }
    count as i64
}

pub(super) fn position(context: &mut NativeContext<'_>, counter: u64) -> (String, i64) {
    match context.position(counter) {
        Some((file, line)) => (file, i64::from(line)),
        None => ("?".to_owned(), 0),
    }
}

pub(super) fn function_name<'h>(
    context: &mut NativeContext<'h>,
    counter: u64,
) -> Result<GoStr<'h>, GoPanic> {
    let name = context.function_name(counter).unwrap_or_default();
    context.new_string(name.as_bytes())
}

pub(super) fn function_at<'h>(context: &mut NativeContext<'h>, counter: u64) -> Reference<'h> {
    context.function_entry(counter)
}
