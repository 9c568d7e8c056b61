//! Natives of package iter: the pair of goroutines behind `Pull` ([`runtime::coroutine`]).

use runtime::WaitReason;
use runtime::coroutine::{self, Switched};
use vm::border::Pointer;
use vm::native::{GoPanic, NativeContext, Parking};
use vm::natives;

/// Two goroutines ask one sequence at a time. Go's words.
fn nobody_there() -> GoPanic {
    GoPanic::fatal("coroswitch on exited coro")
}

fn enter(context: &mut NativeContext<'_>, word: Pointer<'_, u64>) -> Result<(), GoPanic> {
    match coroutine::enter(context.slice(), word.atomic()?) {
        true => Ok(()),
        false => Err(nobody_there()),
    }
}

fn park(_: &mut NativeContext<'_>) -> Parking<()> {
    Parking::Park(WaitReason::Coroutine, ())
}

fn pass(context: &mut NativeContext<'_>, word: Pointer<'_, u64>) -> Parking<()> {
    let word = match word.atomic() {
        Ok(word) => word,
        Err(panic) => return Parking::Panic(panic),
    };
    match coroutine::switch(context.slice(), word) {
        Switched::To(other) => Parking::Coroutine(other, ()),
        Switched::Parked => Parking::Park(WaitReason::Coroutine, ()),
        Switched::Nobody => Parking::Panic(nobody_there()),
    }
}

fn leave(context: &mut NativeContext<'_>, word: Pointer<'_, u64>) -> Result<(), GoPanic> {
    match coroutine::wake(context.scheduler(), word.atomic()?) {
        true => Ok(()),
        false => Err(nobody_there()),
    }
}

natives! {
    pure "enter" => enter;
    parking "park" => park;
    parking "pass" => pass;
    pure "leave" => leave;
}
