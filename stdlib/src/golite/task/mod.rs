//! Natives of package golite/task: scopes of goroutines, which the machine knows.

use vm::border::Reference;
use vm::native::{GoPanic, NativeContext, Parking};
use vm::{ScopeLimit, ScopeLimits, natives};

fn scope(context: &mut NativeContext<'_>) -> u64 {
    context.scope()
}

pub(crate) fn new_scope<'h>(
    context: &mut NativeContext<'h>,
    parent: u64,
    trouble: Reference<'h>,
    left: Reference<'h>,
    time: i64,
    bytes: i64,
) -> Result<u64, GoPanic> {
    context.new_scope(parent, trouble, left, ScopeLimits::new(time, bytes))
}

pub(crate) fn start_in(context: &mut NativeContext<'_>, number: u64) {
    context.start_in(number);
}

fn cancel_scope(context: &mut NativeContext<'_>, number: u64) -> Parking<i64> {
    Parking::World(context.cancel_scope(number))
}

fn stop_all(context: &mut NativeContext<'_>) -> Parking<()> {
    Parking::World(context.count_scopes())
}

/// The text of a panic that nobody recovered, without `panic: `.
pub(crate) fn crash(context: &mut NativeContext<'_>, number: u64) -> (String, String, bool) {
    match context.scope_report(number).crash {
        Some((text, trace)) => {
            let text = text.strip_prefix("panic: ").unwrap_or(&text).to_owned();
            (text, trace, true)
        }
        None => (String::new(), String::new(), false),
    }
}

/// Which limit was reached: 0 none, 1 time, 2 memory; and the scope that has it.
fn limit(context: &mut NativeContext<'_>, number: u64) -> (i64, u64) {
    match context.scope_report(number).limit {
        None => (0, 0),
        Some((ScopeLimit::Time, whose)) => (1, whose),
        Some((ScopeLimit::Bytes, whose)) => (2, whose),
    }
}

fn was_ended(context: &mut NativeContext<'_>, number: u64) -> bool {
    context.scope_report(number).was_ended
}

fn usage(context: &mut NativeContext<'_>, number: u64) -> (i64, i64) {
    let report = context.scope_report(number);
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    (signed(report.time), signed(report.bytes))
}

pub(crate) fn drop_scope(context: &mut NativeContext<'_>, number: u64) {
    context.drop_scope(number);
}

natives! {
    pure "scope" => scope;
    pure "newScope" => new_scope;
    pure "startIn" => start_in;
    parking "cancelScope" => cancel_scope;
    parking "stopAll" => stop_all;
    pure "crash" => crash;
    pure "limit" => limit;
    pure "wasEnded" => was_ended;
    pure "usage" => usage;
    pure "dropScope" => drop_scope;
}
