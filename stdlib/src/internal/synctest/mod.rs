//! Natives of package internal/synctest: bubbles are scopes of goroutines, which the machine knows.

use vm::native::{NativeContext, Parking};
use vm::natives;

use crate::golite::task::{crash, drop_scope, new_scope, start_in};
use crate::time::{sleep, try_lock, unlock};

fn is_within(context: &mut NativeContext<'_>, number: u64) -> bool {
    context.is_within_scope(number)
}

fn waiting(context: &mut NativeContext<'_>, number: u64) -> Parking<i64> {
    Parking::World(context.count_waiting(number))
}

natives! {
    pure "newScope" => new_scope;
    pure "startIn" => start_in;
    pure "dropScope" => drop_scope;
    pure "isWithin" => is_within;
    parking "waiting" => waiting;
    pure "crash" => crash;
    pure "tryLock" => try_lock;
    pure "unlock" => unlock;
    parking "pause" => sleep;
}
