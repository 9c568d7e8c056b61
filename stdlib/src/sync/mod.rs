//! Natives of package sync.
//!
//! ORDERING: everything here is sequentially consistent, as Go's memory model asks of synchronisation; the partner of
//! an access is every other access of the same word by the functions of this file and of sync/atomic.

pub mod atomic;

use std::sync::atomic::Ordering::SeqCst;

use vm::border::{GoStr, Pointer, Reference};
use vm::native::{GoPanic, NativeContext, Parking};
use vm::natives;

/// Why a goroutine waits, by sync.gl's numbers.
fn wait_reason(number: i64) -> runtime::WaitReason {
    use runtime::WaitReason as R;
    match number {
        1 => R::MutexLock,
        2 => R::RwMutexRLock,
        3 => R::RwMutexLock,
        4 => R::WaitGroupWait,
        5 => R::CondWait,
        _ => R::SemaphoreAcquire,
    }
}

fn acquire(
    context: &mut NativeContext<'_>,
    semaphore: Pointer<'_, u32>,
    lifo: bool,
    reason: i64,
) -> Parking<()> {
    let semaphore = match semaphore.atomic() {
        Ok(semaphore) => semaphore,
        Err(panic) => return Parking::Panic(panic),
    };
    let reason = wait_reason(reason);
    if context.gives_up_waiting(reason, semaphore) {
        return Parking::Done(());
    }
    match runtime::acquire(context.slice(), semaphore, lifo) {
        runtime::AcquireResult::Done => Parking::Done(()),
        runtime::AcquireResult::Parked => Parking::Park(reason, ()),
    }
}

fn release(
    context: &mut NativeContext<'_>,
    semaphore: Pointer<'_, u32>,
    handoff: bool,
) -> Parking<()> {
    let semaphore = match semaphore.atomic() {
        Ok(semaphore) => semaphore,
        Err(panic) => return Parking::Panic(panic),
    };
    match runtime::release(context.scheduler(), semaphore, handoff) {
        runtime::ReleaseResult::Done => Parking::Done(()),
        runtime::ReleaseResult::YieldToWaiter => Parking::Yield(()),
    }
}

fn empty_by_collections<'h>(
    context: &mut NativeContext<'h>,
    pool: Reference<'h>,
) -> Result<(), GoPanic> {
    context.add_pool(pool)
}

fn compare_and_swap(word: Pointer<'_, i32>, old: i32, new: i32) -> Result<bool, GoPanic> {
    Ok(word
        .atomic()?
        .compare_exchange(old, new, SeqCst, SeqCst)
        .is_ok())
}

fn add(word: Pointer<'_, i32>, delta: i32) -> Result<i32, GoPanic> {
    Ok(word.atomic()?.fetch_add(delta, SeqCst).wrapping_add(delta))
}

fn load(word: Pointer<'_, i32>) -> Result<i32, GoPanic> {
    Ok(word.atomic()?.load(SeqCst))
}

fn load_flag(word: Pointer<'_, u32>) -> Result<u32, GoPanic> {
    Ok(word.atomic()?.load(SeqCst))
}

fn store_flag(word: Pointer<'_, u32>, value: u32) -> Result<(), GoPanic> {
    word.atomic()?.store(value, SeqCst);
    Ok(())
}

fn add_state(word: Pointer<'_, u64>, delta: u64) -> Result<u64, GoPanic> {
    Ok(word.atomic()?.fetch_add(delta, SeqCst).wrapping_add(delta))
}

/// The state of a WaitGroup: the number in the upper half, waiters in the lower one.
fn settle_group(state: Pointer<'_, u64>, now: u64, delta: i64) -> Result<i64, GoPanic> {
    let state = state.atomic()?;
    let (number, waiters) = ((now >> 32) as i32, now as u32);
    if number < 0 {
        return Ok(-1);
    }
    if waiters != 0 && delta > 0 && i64::from(number) == delta {
        return Ok(-2);
    }
    if number > 0 || waiters == 0 {
        return Ok(0);
    }
    // The number is 0 and there are waiters: nobody may change it now but by mistake.
    if state.load(SeqCst) != now {
        return Ok(-2);
    }
    state.store(0, SeqCst);
    Ok(i64::from(waiters))
}

fn join_group(state: Pointer<'_, u64>) -> Result<bool, GoPanic> {
    let state = state.atomic()?;
    let mut now = state.load(SeqCst);
    loop {
        if now >> 32 == 0 {
            return Ok(false);
        }
        match state.compare_exchange_weak(now, now + 1, SeqCst, SeqCst) {
            Ok(_) => return Ok(true),
            Err(other) => now = other,
        }
    }
}

/// How many readers are to be woken, if somebody wants this goroutine to end and has broken its wait, else -1.
fn ended_waiting(context: &mut NativeContext<'_>) -> i64 {
    context.take_broken_wait().map_or(-1, i64::from)
}

/// Begins what may not be ended in the middle.
pub(crate) fn shield(context: &mut NativeContext<'_>) {
    context.shield();
}

/// It is done.
pub(crate) fn unshield(context: &mut NativeContext<'_>) -> Parking<()> {
    if context.unshield() {
        Parking::Goexit
    } else {
        Parking::Done(())
    }
}

/// It is done, and the goroutine ends where it stops the next time, if at all.
fn lower(context: &mut NativeContext<'_>) {
    context.lower_shield();
}

/// Whether somebody wants the goroutine to end; then it leaves.
fn is_to_leave(context: &mut NativeContext<'_>) -> bool {
    context.is_to_leave()
}

/// Ends the goroutine.
pub(crate) fn leave(_: &mut NativeContext<'_>) -> Parking<()> {
    Parking::Goexit
}

fn nanotime(context: &mut NativeContext<'_>) -> i64 {
    context.scheduler().now()
}

fn fatal(text: GoStr<'_>) -> Result<(), GoPanic> {
    Err(GoPanic::fatal(text.to_text()))
}

natives! {
    pure "emptyByCollections" => empty_by_collections;
    parking "acquire" => acquire;
    parking "release" => release;
    pure "endedWaiting" => ended_waiting;
    pure "isToLeave" => is_to_leave;
    parking "leave" => leave;
    pure "shield" => shield;
    pure "lower" => lower;
    parking "unshield" => unshield;
    pure "compareAndSwap" => compare_and_swap;
    pure "add" => add;
    pure "load" => load;
    pure "loadFlag" => load_flag;
    pure "storeFlag" => store_flag;
    pure "addState" => add_state;
    pure "settleGroup" => settle_group;
    pure "joinGroup" => join_group;
    pure "nanotime" => nanotime;
    pure "fatal" => fatal;
}
