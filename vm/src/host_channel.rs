//! Channels of the program that its host sends to and receives from.
//!
//! The channel is the program's own, in the heap: what a host does with it is an ordinary operation of a goroutine, and so the script's
//! `select`, `len`, `close` and deadlock detection know nothing of hosts.
//!
//! 1. An operation is a call of the host ([`HostCall`]) that runs no code: it tries, and ends, or its goroutine is enqueued at the channel like
//!    any other and the call ends when that is woken.
//! 2. An operation that can be given up waits in a select over the channel and one of its own, which is closed to give it up. Whether it went ahead
//!    or was given up is decided under the locks of the channels, so a value is never lost: who gives up a receive hands a value that came all
//!    the same to the next one.
//! 3. While the host has an end and does not wait at it, somebody may still be woken: nothing is a deadlock ([`End`]).
//!
//! *(Rejected: a queue of the host's, crossbeam's say, behind a goroutine that copies. It would hold one value more than was asked for, an unbuffered
//! channel would not be one, and a select would lose values: what the copying goroutine has taken cannot be put back.)*

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use bytecode::{ChannelDirection, TypeKind};
use runtime::{
    CloseResult, Direction, ReceiveResult, SelectCase, SendResult, WaitReason, WakeOutcome,
};

use crate::border::View;
use crate::convert::{FromGo, GoType, IntoGo, Mismatch, Registers, Target, TypeOf, Unconvertible};
use crate::embedded::{Embedded, Waiting};
use crate::engine::{Machine, Transfer};
use crate::held::Held;
use crate::host_call::{Begun, CallFailure, HostCall};
use crate::native::{GoPanic, NativeContext, Slots};
use crate::objects::channel::{self, Elements, MakeError, object};
use crate::objects::value;
use crate::types::RuntimeType;
use crate::visit::{Answer, NotVisited};

/// A channel that the host holds, of elements that `T` stands for.
pub struct HeldChannel<T: GoType> {
    held: Held,
    element: TypeOf,
    plan: Arc<T::Plan>,
}

/// How long an operation waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Patience {
    /// Not at all.
    Try,
    /// For ever.
    Forever,
    /// Until [`ChannelCall::give_up`].
    UntilGivenUp,
}

/// What came of an operation. A value that was not sent is given back if it is still at hand.
#[derive(Debug)]
pub enum ChannelOutcome<T> {
    /// The value was sent.
    Sent,
    /// A value was received.
    Received(T),
    /// The channel is closed.
    Closed(Option<T>),
    /// It would have had to wait, or was given up.
    NotReady(Option<T>),
    /// What was received is none that the Rust type can hold.
    Unconvertible(String),
}

/// Types of elements that lie alike, so that a channel of one is as good as a channel of the other.
fn alike(context: &NativeContext<'_>, a: &RuntimeType, b: &RuntimeType) -> bool {
    let whole = |ty: &RuntimeType| match ty.kind() {
        TypeKind::Int | TypeKind::Int64 => 1,
        TypeKind::Uint | TypeKind::Uint64 | TypeKind::Uintptr => 2,
        _ => 0,
    };
    whole(a) != 0 && whole(a) == whole(b)
        || crate::reflection::identical_underlying(
            context.image(),
            a,
            b,
            crate::reflection::Tags::Ignored,
        )
}

impl<T: GoType> HeldChannel<T> {
    /// Makes a channel with elements of this type.
    ///
    /// # Errors
    /// The Rust type does not stand for it, or there is no memory.
    pub fn make(
        context: &mut NativeContext<'_>,
        element: &RuntimeType,
        capacity: usize,
    ) -> Result<HeldChannel<T>, GoPanic> {
        let plan = T::plan(element).map_err(|mismatch| GoPanic::text(mismatch.to_string()))?;
        let capacity = i64::try_from(capacity).unwrap_or(i64::MAX);
        let site = context.machine.channel_site;
        let made = channel::make(context.cache, site, element, capacity);
        let reference = made.map_err(|error| match error {
            MakeError::Size => GoPanic::text("makechan: size out of range"),
            MakeError::OutOfMemory => GoPanic::OutOfMemory,
        })?;
        Ok(HeldChannel {
            held: context.machine.hold(0, reference),
            element: TypeOf::new(element),
            plan: Arc::new(plan),
        })
    }

    /// Compares with a Go type: a channel that can be sent to, or received from.
    ///
    /// # Errors
    /// It is no such channel, or of other elements.
    pub fn plan(
        ty: &RuntimeType,
        wanted: ChannelDirection,
        declared: impl FnOnce() -> String,
    ) -> Result<Arc<T::Plan>, Mismatch> {
        let fits = match ty.kind() {
            TypeKind::Channel { direction, .. } => {
                *direction == wanted || *direction == ChannelDirection::Both
            }
            _ => false,
        };
        let plan = fits.then(|| T::plan(ty.element()).ok()).flatten();
        plan.map(Arc::new).ok_or_else(|| Mismatch {
            go: ty.name().to_owned(),
            wanted: declared(),
        })
    }

    /// Holds a channel of the script.
    ///
    /// # Errors
    /// It is nil.
    pub fn of_value<'h>(
        view: View<'h>,
        plan: &Arc<T::Plan>,
        context: &NativeContext<'h>,
    ) -> Result<HeldChannel<T>, Unconvertible> {
        if view.is_nil() {
            return Err(Unconvertible(format!("a nil {}", view.ty().name())));
        }
        Ok(HeldChannel {
            held: context.machine.hold(0, view.slot()),
            element: TypeOf::new(view.ty().element()),
            plan: Arc::clone(plan),
        })
    }

    /// Gives the channel to the script.
    ///
    /// # Errors
    /// It is another machine's, or of elements that lie differently.
    pub fn give<'h>(&self, target: Target<'h>, context: &NativeContext<'h>) -> Result<(), GoPanic> {
        if !self.held.belongs_to(context.machine) {
            return Err(GoPanic::text("a channel of another VM"));
        }
        // SAFETY: a type of this machine, since the channel is.
        let own = unsafe { self.element.get() };
        if !alike(context, own, target.ty().element()) {
            return Err(GoPanic::text(format!(
                "a channel of {} where {} is expected",
                own.name(),
                target.ty().name()
            )));
        }
        target.set_reference(self.held.words()[1]);
        Ok(())
    }

    /// Closes it; false if it was closed.
    ///
    /// # Errors
    /// It is another machine's.
    pub fn close(&self, context: &NativeContext<'_>) -> Result<bool, GoPanic> {
        self.check(context)?;
        // SAFETY: a channel of this machine, held.
        let object = unsafe { object(self.held.words()[1]) };
        Ok(object.channel.close(context.slice) == CloseResult::Done)
    }

    /// How many values lie in its buffer.
    ///
    /// # Errors
    /// It is another machine's.
    pub fn len(&self, context: &NativeContext<'_>) -> Result<usize, GoPanic> {
        self.check(context)?;
        Ok(channel::len(self.held.words()[1]) as usize)
    }

    fn check(&self, context: &NativeContext<'_>) -> Result<(), GoPanic> {
        match self.held.belongs_to(context.machine) {
            true => Ok(()),
            false => Err(GoPanic::text("a channel of another VM")),
        }
    }
}

/// An end of a channel that the host has, and may yet use: nothing is a deadlock meanwhile.
pub struct End {
    machine: std::sync::Weak<Machine>,
}

impl End {
    /// Counts an end.
    pub fn new(machine: &Arc<Machine>) -> End {
        // ORDERING: SeqCst. Pairs with `may_rest`.
        machine.host_ends.fetch_add(1, Ordering::SeqCst);
        End {
            machine: Arc::downgrade(machine),
        }
    }
}

impl Clone for End {
    fn clone(&self) -> End {
        match self.machine.upgrade() {
            Some(machine) => End::new(&machine),
            None => End {
                machine: std::sync::Weak::new(),
            },
        }
    }
}

impl Drop for End {
    /// Who drops the last one looks for a deadlock ([`Embedded::check_deadlock`]).
    fn drop(&mut self) {
        if let Some(machine) = self.machine.upgrade() {
            // ORDERING: SeqCst, as above.
            machine.host_ends.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

enum Todo<T> {
    Send(Option<T>),
    Receive,
}

/// What is known of an operation that can be given up.
#[derive(Default)]
struct Waits {
    /// Nobody wants it any more.
    given_up: bool,
    /// While it waits: the channel to close to give it up, and the value to be sent.
    at: Option<(Held, Option<Held>)>,
}

/// An operation. See the module's text.
pub struct ChannelCall<T: FromGo + IntoGo + Send> {
    channel: Arc<HeldChannel<T>>,
    todo: Mutex<Todo<T>>,
    patience: Patience,
    waits: Mutex<Waits>,
    answer: Arc<Answer<ChannelOutcome<T>>>,
}

impl<T: FromGo + IntoGo + Send> ChannelCall<T> {
    /// A send.
    pub fn send(
        embedded: &Embedded,
        channel: &Arc<HeldChannel<T>>,
        value: T,
        patience: Patience,
    ) -> Arc<ChannelCall<T>> {
        ChannelCall::new(embedded, channel, Todo::Send(Some(value)), patience)
    }

    /// A receive.
    pub fn receive(
        embedded: &Embedded,
        channel: &Arc<HeldChannel<T>>,
        patience: Patience,
    ) -> Arc<ChannelCall<T>> {
        ChannelCall::new(embedded, channel, Todo::Receive, patience)
    }

    fn new(
        embedded: &Embedded,
        channel: &Arc<HeldChannel<T>>,
        todo: Todo<T>,
        patience: Patience,
    ) -> Arc<ChannelCall<T>> {
        Arc::new(ChannelCall {
            channel: Arc::clone(channel),
            todo: Mutex::new(todo),
            patience,
            waits: Mutex::default(),
            answer: Arc::new(Answer::new(embedded.machine())),
        })
    }

    /// Starts it.
    ///
    /// # Errors
    /// This thread runs a goroutine of the program, and the operation may have to wait, or has no context lent.
    pub fn start(self: &Arc<Self>, embedded: &Embedded) -> Result<(), NotVisited> {
        if !embedded.is_inside() {
            if !embedded.is_callers_only() || self.patience == Patience::Try {
                embedded.start(self.clone());
            } else if self.patience == Patience::Forever {
                // While this thread runs the program it waits, too.
                self.answer.begin_to_wait();
                embedded.start(self.clone());
            } else {
                embedded.start_and_leave(self.clone());
            }
            return Ok(());
        }
        if self.patience != Patience::Try {
            return Err(NotVisited::Inside);
        }
        let call = Arc::clone(self);
        embedded.visit(move |context| call.begin_in(context).map(|_| ()))
    }

    /// What came of it, if it has ended.
    pub fn take(&self) -> Option<Result<ChannelOutcome<T>, NotVisited>> {
        self.answer
            .take()
            .map(|answer| answer.map_err(NotVisited::Failed))
    }

    /// Waits for its end, the program's, or until `deadline`: `None`. Without a deadline, that everybody sleeps is a deadlock, unless the host has
    /// other ends of channels.
    pub fn wait(
        &self,
        embedded: &Embedded,
        deadline: Option<Instant>,
    ) -> Option<Result<ChannelOutcome<T>, NotVisited>>
    where
        T: 'static,
    {
        match deadline {
            None => {
                self.answer.begin_to_wait();
                embedded.check_deadlock();
            }
            Some(deadline) if embedded.is_callers_only() => {
                return self.wait_and_run(embedded, deadline);
            }
            Some(_) => {}
        }
        self.answer.wait(embedded, deadline)
    }

    /// As [`ChannelCall::wait`], where only callers run: this thread is one, which looks again and again for what timers have made runnable.
    fn wait_and_run(
        &self,
        embedded: &Embedded,
        deadline: Instant,
    ) -> Option<Result<ChannelOutcome<T>, NotVisited>>
    where
        T: 'static,
    {
        const LOOK: Duration = Duration::from_millis(1);
        loop {
            embedded.run_until_idle();
            let until = deadline.min(Instant::now() + LOOK);
            let answer = self.answer.wait(embedded, Some(until));
            if answer.is_some() || deadline <= until {
                return answer;
            }
        }
    }

    /// To be called once before [`ChannelCall::poll`].
    pub fn register(&self, embedded: &Embedded)
    where
        T: 'static,
    {
        let waiting: Arc<dyn Waiting> = self.answer.clone();
        embedded.tell_at_end(&waiting);
        self.answer.begin_to_wait();
        embedded.check_deadlock();
    }

    /// As [`ChannelCall::wait`], for a task.
    pub fn poll(
        &self,
        embedded: &Embedded,
        waker: &Waker,
    ) -> Poll<Result<ChannelOutcome<T>, NotVisited>> {
        self.answer.poll(embedded, waker)
    }

    /// Nobody waits for it any more.
    pub fn abandon(&self) {
        self.answer.abandon();
    }

    /// Gives it up, unless it has gone ahead; what has come of it. Not by a thread that runs a goroutine of the program.
    ///
    /// # Errors
    /// The program has ended.
    pub fn give_up(self: &Arc<Self>, embedded: &Embedded) -> Result<ChannelOutcome<T>, NotVisited>
    where
        T: 'static,
    {
        let call = Arc::clone(self);
        embedded.start(Arc::new(GiveUp { call }));
        if embedded.is_callers_only() {
            // The operation can go on now, and there may be nobody else to run it.
            embedded.run_until_idle();
        }
        let answer = self.answer.wait(embedded, None);
        answer.unwrap_or(Err(NotVisited::Over))
    }

    /// As [`ChannelCall::give_up`], from anywhere; what has come of it is told later.
    pub fn give_up_later(
        self: &Arc<Self>,
        embedded: &Embedded,
        told: impl FnOnce(ChannelOutcome<T>) + Send + 'static,
    ) where
        T: 'static,
    {
        self.answer.leave_to(told);
        let call = Arc::clone(self);
        // If it is not possible now, the operation goes ahead some time.
        let _ = embedded.visit(move |context| {
            call.give_up_in(context);
            Ok(())
        });
    }

    fn give_up_in(&self, context: &NativeContext<'_>) {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.given_up = true;
        if let Some((cancel, _)) = &waits.at {
            // SAFETY: a channel of this machine, held.
            let object = unsafe { object(cancel.words()[1]) };
            // It may have been closed before.
            let _ = object.channel.close(context.slice);
        }
    }

    fn begin_in(&self, context: &mut NativeContext<'_>) -> Result<Begun, GoPanic> {
        self.channel.check(context)?;
        // SAFETY: a type of this machine, since the channel is.
        let element: &RuntimeType = unsafe { self.channel.element.get() };
        // SAFETY: a channel of this machine, which is held at least as long as the operation: `self` has it.
        let object = unsafe { object(self.channel.held.words()[1]) };
        let buffer = Elements::of(object, element);
        let mut transfer = Transfer {
            ty: element,
            slots: [0; 4],
        };
        let is_send = {
            let mut todo = self.todo.lock().unwrap_or_else(PoisonError::into_inner);
            match &mut *todo {
                Todo::Send(value) => {
                    // It is gone if the machine asks again: then there is no memory for it.
                    let value = value.take().ok_or(GoPanic::OutOfMemory)?;
                    // SAFETY: no value takes more than four slots.
                    let registers = unsafe { Registers::new(transfer.slots.as_mut_ptr(), element) };
                    value.into_registers(registers, &self.channel.plan, context)?;
                    true
                }
                Todo::Receive => false,
            }
        };
        let tried = match is_send {
            true => match object.channel.try_send(context.slice, transfer, &buffer) {
                SendResult::Done => Some(ChannelOutcome::Sent),
                SendResult::Closed => {
                    Some(ChannelOutcome::Closed(self.read(transfer, context).ok()))
                }
                SendResult::WouldBlock | SendResult::Parked => None,
            },
            false => match object.channel.try_receive(context.slice, &buffer) {
                ReceiveResult::Done(value, true) => Some(self.received(value, context)),
                ReceiveResult::Done(_, false) => Some(ChannelOutcome::Closed(None)),
                ReceiveResult::WouldBlock | ReceiveResult::Parked => None,
            },
        };
        if let Some(outcome) = tried {
            self.answer.give(Ok(outcome));
            return Ok(Begun::Done);
        }
        match self.patience {
            Patience::Try => {
                let value = is_send.then(|| self.read(transfer, context).ok()).flatten();
                self.answer.give(Ok(ChannelOutcome::NotReady(value)));
                Ok(Begun::Done)
            }
            Patience::Forever => {
                let outcome = match is_send {
                    true => match object.channel.send(context.slice, transfer, &buffer) {
                        SendResult::Done => ChannelOutcome::Sent,
                        SendResult::Closed => {
                            ChannelOutcome::Closed(self.read(transfer, context).ok())
                        }
                        SendResult::Parked | SendResult::WouldBlock => {
                            return Ok(Begun::Park(WaitReason::ChannelSend));
                        }
                    },
                    false => match object.channel.receive(context.slice, &buffer) {
                        ReceiveResult::Done(value, true) => self.received(value, context),
                        ReceiveResult::Done(_, false) => ChannelOutcome::Closed(None),
                        ReceiveResult::Parked | ReceiveResult::WouldBlock => {
                            return Ok(Begun::Park(WaitReason::ChannelReceive));
                        }
                    },
                };
                self.answer.give(Ok(outcome));
                Ok(Begun::Done)
            }
            Patience::UntilGivenUp => {
                self.select(is_send.then_some(transfer), object, buffer, context)
            }
        }
    }

    fn select(
        &self,
        sent: Option<Transfer>,
        object: &channel::ChannelObject,
        buffer: Elements,
        context: &mut NativeContext<'_>,
    ) -> Result<Begun, GoPanic> {
        let image = context.image();
        let flag = image.ty(image.known.bool);
        let site = context.machine.channel_site;
        let cancel =
            channel::make(context.cache, site, flag, 0).map_err(|_| GoPanic::OutOfMemory)?;
        // SAFETY: just made, and held from the next line on.
        let cancel_object = unsafe { channel::object(cancel) };
        let cancel = context.machine.hold(0, cancel);
        let kept = match &sent {
            Some(transfer) => {
                // SAFETY: a type of this machine, and a value of it.
                let ty: &RuntimeType = unsafe { self.channel.element.get() };
                // SAFETY: as above.
                let data =
                    unsafe { value::interface_data(context.cache, ty, transfer.slots.as_ptr()) };
                let data = data.map_err(|_| GoPanic::OutOfMemory)?;
                Some(context.machine.hold(ty.word(), data))
            }
            None => None,
        };
        {
            let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
            if waits.given_up {
                drop(waits);
                let value = sent.and_then(|transfer| self.read(transfer, context).ok());
                self.answer.give(Ok(ChannelOutcome::NotReady(value)));
                return Ok(Begun::Done);
            }
            waits.at = Some((cancel, kept));
        }
        let cases = [
            SelectCase {
                channel: Some(&object.channel),
                direction: match sent {
                    Some(transfer) => Direction::Send(transfer),
                    None => Direction::Receive,
                },
                buffer,
            },
            SelectCase {
                channel: Some(&cancel_object.channel),
                direction: Direction::Receive,
                buffer: Elements::of(cancel_object, flag),
            },
        ];
        match runtime::select(context.slice, &cases, true).outcome() {
            Ok(outcome) => {
                self.settle(context, &outcome);
                Ok(Begun::Done)
            }
            Err(_) => Ok(Begun::Park(WaitReason::Select)),
        }
    }

    /// Answers with what a wait came to.
    fn settle(&self, context: &mut NativeContext<'_>, outcome: &WakeOutcome<Transfer>) {
        let waits = self
            .waits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .at
            .take();
        let is_send = matches!(
            *self.todo.lock().unwrap_or_else(PoisonError::into_inner),
            Todo::Send(_)
        );
        let mut unsent = || {
            let kept = waits.as_ref()?.1.as_ref()?;
            let [word, data] = kept.words();
            // SAFETY: the word of a type of this machine, and the data of a value of it.
            let ty = unsafe { RuntimeType::from_word(word) }?;
            let mut transfer = Transfer { ty, slots: [0; 4] };
            // SAFETY: as above.
            unsafe { value::unpack(ty, data, transfer.slots.as_mut_ptr()) };
            self.read(transfer, context).ok()
        };
        let answer = match (outcome.case, is_send, outcome.ok) {
            (0, true, true) => ChannelOutcome::Sent,
            (0, true, false) => ChannelOutcome::Closed(unsent()),
            (0, false, true) => self.received(outcome.value, context),
            (0, false, false) => ChannelOutcome::Closed(None),
            _ => ChannelOutcome::NotReady(unsent()),
        };
        self.answer.give(Ok(answer));
    }

    fn received(&self, value: Transfer, context: &mut NativeContext<'_>) -> ChannelOutcome<T> {
        value.shade();
        match self.read(value, context) {
            Ok(value) => ChannelOutcome::Received(value),
            Err(error) => ChannelOutcome::Unconvertible(error.0),
        }
    }

    fn read(
        &self,
        mut transfer: Transfer,
        context: &mut NativeContext<'_>,
    ) -> Result<T, Unconvertible> {
        // SAFETY: a type of this machine, since the channel is.
        let element: &RuntimeType = unsafe { self.channel.element.get() };
        // SAFETY: the slots of a value of the channel's elements.
        let registers = unsafe { Registers::new(transfer.slots.as_mut_ptr(), element) };
        T::from_registers(registers, &self.channel.plan, context)
    }
}

impl<T: FromGo + IntoGo + Send> HostCall for ChannelCall<T> {
    fn begin(&self, context: &mut NativeContext<'_>, _: Slots) -> Result<Begun, GoPanic> {
        self.begin_in(context)
    }

    fn resumed(&self, context: &mut NativeContext<'_>, outcome: WakeOutcome<Transfer>) {
        self.settle(context, &outcome);
    }

    fn end(&self, _: &mut NativeContext<'_>, _: Slots) {}

    fn end_with_error(&self, _: String) {}

    fn fail(&self, failure: CallFailure) {
        self.answer.give(Err(failure));
    }
}

/// Gives an operation up.
struct GiveUp<T: FromGo + IntoGo + Send> {
    call: Arc<ChannelCall<T>>,
}

impl<T: FromGo + IntoGo + Send> HostCall for GiveUp<T> {
    fn begin(&self, context: &mut NativeContext<'_>, _: Slots) -> Result<Begun, GoPanic> {
        self.call.give_up_in(context);
        Ok(Begun::Done)
    }

    fn end(&self, _: &mut NativeContext<'_>, _: Slots) {}

    fn end_with_error(&self, _: String) {}

    fn fail(&self, _: CallFailure) {}
}
