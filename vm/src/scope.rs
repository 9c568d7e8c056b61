//! Scopes: sets of goroutines that end together. What package `golite/task` is made of.
//!
//! 1. A goroutine belongs to the scope of the one that started it, or to none. [`NativeContext::start_in`] says that the next one belongs to
//!    another. A scope has a parent: it is part of that.
//! 2. When the last goroutine of a scope has ended, and its scopes within have, its channel `left` is closed. So whoever waits there waits for all.
//! 3. A panic that nobody recovers ends its goroutine and not the program; its text and trace are kept, and the channel `trouble` is closed. So is it
//!    when a limit of the scope or of one around it is reached. What follows of that is the package's affair: golite code waits at the channel.
//! 4. [`Machine::cancel_scope`] has all goroutines of a scope end at the safepoint at which they are, as `runtime.Goexit` would: deferred calls run.
//!    One that waits for something other than channels and time ends when that wait is over, and when it has run on a little: who waits for a mutex may
//!    have been handed it, and unlocks it by a deferred call that it has yet to make.
//!
//! Time is counted by slices, and only where a limit wants it; memory by what is allocated, freed or not.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use runtime::{Context, Switch};
use rustc_hash::FxHashMap;

use crate::border::Reference;
use crate::ending;
use crate::engine::{Machine, PerProcessor};
use crate::fiber::{Fiber, FiberCell, Interrupt};
use crate::heap::{Account, Marker};
use crate::native::{GoPanic, NativeContext, WorldJob};
use crate::objects::channel::object;

/// What a scope takes, about, with its entry.
const SCOPE_BYTES: u64 = 256;

/// What a scope may take; 0: there is no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ScopeLimits {
    /// Nanoseconds of running.
    pub time: u64,
    /// Bytes allocated.
    pub bytes: u64,
}

/// The limit that a scope has reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScopeLimit {
    Time,
    Bytes,
}

/// How it stands with a scope.
#[derive(Clone, Debug, Default)]
pub struct ScopeReport {
    /// Text and trace of the first panic that nobody recovered.
    pub crash: Option<(String, String)>,
    /// The limit of the scope, or of one around it, that was reached, and the number of the scope that has it.
    pub limit: Option<(ScopeLimit, u64)>,
    /// Goroutines of it were ended by [`NativeContext::cancel_scope`].
    pub was_ended: bool,
    /// Nanoseconds of running, as far as they are counted.
    pub time: u64,
    /// Bytes allocated, likewise.
    pub bytes: u64,
}

/// See the module's text.
pub(crate) struct Scope {
    number: u64,
    parent: Option<Arc<Scope>>,
    /// Channels; 0: there is none.
    trouble: u64,
    left: u64,
    limits: ScopeLimits,
    /// It or one around it has a limit.
    is_limited: bool,
    time: AtomicU64,
    bytes: AtomicU64,
    /// Goroutines, and scopes within that have any.
    members: AtomicU64,
    is_troubled: AtomicBool,
    state: Mutex<State>,
    account: Arc<Account>,
    charge: u64,
}

#[derive(Default)]
struct State {
    crash: Option<(String, String)>,
    limit: Option<(ScopeLimit, u64)>,
    was_ended: bool,
}

/// The scopes of a machine, by their numbers.
#[derive(Default)]
pub(crate) struct Scopes {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    last: u64,
    scopes: FxHashMap<u64, Arc<Scope>>,
}

impl Scopes {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, number: u64) -> Option<Arc<Scope>> {
        self.lock().scopes.get(&number).cloned()
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        self.account.release(self.charge);
    }
}

impl Scope {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This scope and those around it, from the inside.
    fn chain(&self) -> impl Iterator<Item = &Scope> {
        std::iter::successors(Some(self), |scope| scope.parent.as_deref())
    }

    /// One more goroutine, or scope within.
    pub(crate) fn enter(&self) {
        for scope in self.chain() {
            // ORDERING: Relaxed; who leaves comes later in the order of this counter alone. The channel's lock orders the rest.
            if scope.members.fetch_add(1, Ordering::Relaxed) > 0 {
                return;
            }
        }
    }

    /// One less.
    fn leave(&self, context: &Context<'_, Machine>) {
        for scope in self.chain() {
            // ORDERING: AcqRel. Who finds itself the last sees what the others have noted before they left.
            if scope.members.fetch_sub(1, Ordering::AcqRel) > 1 {
                return;
            }
            close(scope.left, context);
        }
    }

    /// Tells whoever watches that something is wrong.
    fn tell(&self, context: &Context<'_, Machine>) {
        // ORDERING: Relaxed; the first closes the channel, whose lock orders the rest.
        if !self.is_troubled.swap(true, Ordering::Relaxed) {
            close(self.trouble, context);
        }
    }

    /// Counts what a slice has taken.
    fn count(&self, time: u64, bytes: u64, context: &Context<'_, Machine>) {
        let mut reached = None;
        for scope in self.chain() {
            // ORDERING: Relaxed; counters.
            let time = scope.time.fetch_add(time, Ordering::Relaxed) + time;
            let bytes = scope.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
            let ScopeLimits {
                time: most_time,
                bytes: most_bytes,
            } = scope.limits;
            if most_time != 0 && time > most_time {
                reached = Some((ScopeLimit::Time, scope));
            }
            if most_bytes != 0 && bytes > most_bytes {
                reached = Some((ScopeLimit::Bytes, scope));
            }
        }
        if let Some((limit, scope)) = reached {
            scope.state().limit.get_or_insert((limit, scope.number));
            self.tell(context);
        }
    }

    /// Reports the channels.
    pub(crate) fn mark(&self, marker: &mut Marker<'_>) {
        for scope in self.chain() {
            marker.mark_reference(scope.trouble);
            marker.mark_reference(scope.left);
        }
    }

    /// The goroutine's panic was recovered by nobody.
    pub(crate) fn crashed(&self, message: String, trace: String) {
        let mut state = self.state();
        state.crash.get_or_insert((message, trace));
    }
}

/// Closes a channel, if it is not closed.
fn close(channel: u64, context: &Context<'_, Machine>) {
    if channel != 0 {
        // SAFETY: a channel of the script, which the goroutines of its scope keep alive (`Scope::mark`); the one that runs is among them.
        let object = unsafe { object(channel) };
        let _ = object.channel.close(context);
    }
}

/// What is measured of a slice of a goroutine with limits.
pub(crate) struct Measured {
    began: Instant,
    allocated: u64,
}

impl Measured {
    /// Begins, if the fiber's scope has limits.
    pub(crate) fn begin(fiber: &Fiber, local: &mut PerProcessor) -> Option<Measured> {
        let scope = fiber.scope.as_ref()?;
        scope.is_limited.then(|| Measured {
            began: Instant::now(),
            allocated: local.cache.allocated(),
        })
    }
}

/// A goroutine of a scope has run a slice, and stops for this reason.
#[cold]
#[inline(never)]
pub(crate) fn after_slice(
    fiber: &mut Fiber,
    local: &mut PerProcessor,
    measured: Option<Measured>,
    context: &Context<'_, Machine>,
    switch: &Switch<Machine>,
) {
    let ends = matches!(switch, Switch::Exit | Switch::Goexit);
    let Some(scope) = fiber.scope.clone() else {
        return;
    };
    if let Some(measured) = measured {
        let time = measured.began.elapsed().as_nanos();
        let bytes = local.cache.allocated().wrapping_sub(measured.allocated);
        scope.count(u64::try_from(time).unwrap_or(u64::MAX), bytes, context);
    }
    if ends {
        fiber.scope = None;
        if scope.state().crash.is_some() {
            scope.tell(context);
        }
        scope.leave(context);
    }
}

impl<'h> NativeContext<'h> {
    /// The number of the scope that the calling goroutine belongs to; 0: to none.
    pub fn scope(&self) -> u64 {
        self.fiber.scope.as_ref().map_or(0, |scope| scope.number)
    }

    /// A new scope within the one with number `parent`, or with 0 in none. The channels are `chan struct{}`s, or nil.
    ///
    /// # Errors
    /// There is no memory.
    pub fn new_scope(
        &self,
        parent: u64,
        trouble: Reference<'h>,
        left: Reference<'h>,
        limits: ScopeLimits,
    ) -> Result<u64, GoPanic> {
        let account = self.machine.heap.account();
        let charge = account
            .charge_native(SCOPE_BYTES)
            .map_err(|_| GoPanic::WantsMemory)?;
        let parent = self.machine.scopes.get(parent);
        let mut table = self.machine.scopes.lock();
        table.last += 1;
        let number = table.last;
        let is_limited = limits != ScopeLimits::default()
            || parent.as_ref().is_some_and(|parent| parent.is_limited);
        let scope = Scope {
            number,
            parent,
            trouble: trouble.address(),
            left: left.address(),
            limits,
            is_limited,
            time: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            members: AtomicU64::new(0),
            is_troubled: AtomicBool::new(false),
            state: Mutex::default(),
            account: Arc::clone(account),
            charge,
        };
        table.scopes.insert(number, Arc::new(scope));
        Ok(number)
    }

    /// The next goroutine that this one starts belongs to the scope with this number; with 0 to none.
    pub fn start_in(&self, number: u64) {
        self.fiber
            .starts_in
            .set(Some(Box::new(self.machine.scopes.get(number))));
    }

    /// How it stands with a scope.
    pub fn scope_report(&self, number: u64) -> ScopeReport {
        let Some(scope) = self.machine.scopes.get(number) else {
            return ScopeReport::default();
        };
        let limit = scope.chain().find_map(|scope| scope.state().limit);
        let state = scope.state();
        ScopeReport {
            crash: state.crash.clone(),
            limit,
            was_ended: state.was_ended,
            // ORDERING: Relaxed, both; counters.
            time: scope.time.load(Ordering::Relaxed),
            bytes: scope.bytes.load(Ordering::Relaxed),
        }
    }

    /// Nobody will ask for the scope any more.
    pub fn drop_scope(&self, number: u64) {
        let dropped = self.machine.scopes.lock().scopes.remove(&number);
        drop(dropped);
    }

    /// Whether the calling goroutine belongs to the scope with this number, or to one within.
    pub fn is_within_scope(&self, number: u64) -> bool {
        let scope = self.fiber.scope.as_deref();
        scope.is_some_and(|scope| scope.chain().any(|scope| scope.number == number))
    }

    /// Counts, in a stopped world, the goroutines of a scope; -1 if one of them runs, or waits for what neither goroutines nor time bring.
    pub fn count_waiting(&self, number: u64) -> WorldJob<i64> {
        Box::new(move |world| {
            let (mut all, mut is_still) = (0, true);
            world.for_each_goroutine(|goroutine| {
                let scope = goroutine.fiber.scope.as_deref();
                if scope.is_some_and(|scope| scope.chain().any(|scope| scope.number == number)) {
                    all += 1;
                    is_still &= goroutine.waits.is_some_and(runtime::WaitReason::is_durable);
                }
            });
            if is_still { all } else { -1 }
        })
    }

    /// Has every goroutine stop for a moment, so that what they have taken is counted.
    pub fn count_scopes(&self) -> WorldJob<()> {
        Box::new(|_| ())
    }

    /// What ends all goroutines of a scope, in a stopped world: how many there were.
    pub fn cancel_scope(&self, number: u64) -> WorldJob<i64> {
        let own = std::ptr::from_ref(self.fiber).addr();
        Box::new(move |world| {
            let mut ended = 0;
            world.break_waits(|_, fiber: &mut FiberCell, wait| {
                let belongs = fiber
                    .scope
                    .as_ref()
                    .is_some_and(|scope| scope.chain().any(|scope| scope.number == number));
                // What ends already is left to its deferred calls.
                if !belongs || fiber.panics().iter().any(|panic| panic.goexit) {
                    return false;
                }
                ended += 1;
                if let Some(scope) = &fiber.scope {
                    scope.state().was_ended = true;
                }
                if wait.is_none() && std::ptr::from_ref(&**fiber).addr() == own {
                    fiber.interrupt.set(Interrupt::Now);
                    return false;
                }
                ending::end(fiber, wait, Interrupt::NextTime)
            });
            ended
        })
    }
}

impl ScopeLimits {
    /// These limits; what is not positive is none.
    pub fn new(time: i64, bytes: i64) -> ScopeLimits {
        ScopeLimits {
            time: u64::try_from(time).unwrap_or(0),
            bytes: u64::try_from(bytes).unwrap_or(0),
        }
    }
}
