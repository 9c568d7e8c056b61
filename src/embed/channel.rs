//! Channels between the host and a script.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytecode::ChannelDirection;
use vm::convert::{Declarations, FromGo, GoType, IntoGo, Mismatch, Target, Unconvertible};
use vm::types::RuntimeType;
use vm::{
    ChannelCall, ChannelOutcome, End, GoPanic, HeldChannel, NativeContext, NotVisited, Patience,
    View,
};

use super::error::Error;
use super::value::{owner, type_of};
use super::vm::{Inner, Vm};

/// What can go through a channel.
pub trait Element: FromGo + IntoGo + Send {}

impl<T: FromGo + IntoGo + Send> Element for T {}

/// The end of a Go channel that the host sends to. Clones are handles of one end.
///
/// Given to a script it is a `chan<- T`. When the last handle of an end that [`Vm::chan`] has made is dropped, and it was not given to the script,
/// the channel is closed.
pub struct Sender<T: Element> {
    /// Given up before the handle: the channel is closed before anybody looks for a deadlock.
    side: Arc<Side<T>>,
    handle: Handle,
}

/// The end of a Go channel that the host receives from. Clones are handles of one end, each value goes to one of them.
///
/// Given to a script it is a `<-chan T`. When the last handle of an end that [`Vm::chan`] has made is dropped, and it was not given to the script,
/// the channel is closed: who sends to it panics, as Go has it, instead of waiting for ever.
pub struct Receiver<T: Element> {
    /// As of [`Sender`].
    side: Arc<Side<T>>,
    handle: Handle,
}

/// One handle of an end: as long as it is there, and nobody waits at it, a script may wait for the host.
struct Handle {
    end: Option<End>,
    vm: Weak<Inner>,
}

impl Handle {
    fn new(inner: &Arc<Inner>) -> Handle {
        Handle {
            end: Some(End::new(inner.embedded.machine())),
            vm: Arc::downgrade(inner),
        }
    }
}

impl Clone for Handle {
    fn clone(&self) -> Handle {
        Handle {
            end: self.end.clone(),
            vm: Weak::clone(&self.vm),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(inner) = self.vm.upgrade() {
            // This handle may have been what the script could wait for.
            inner.embedded.check_deadlock();
        }
    }
}

/// What the handles of an end share.
struct Side<T: Element> {
    channel: Arc<HeldChannel<T>>,
    vm: Weak<Inner>,
    /// The host closes it when it has no handle any more.
    is_ours: AtomicBool,
    /// Values that were received for futures which nobody awaited any more.
    left: Mutex<Vec<T>>,
}

impl<T: Element> Drop for Side<T> {
    fn drop(&mut self) {
        // ORDERING: Relaxed; whoever dropped a handle before is ordered by the count of handles.
        if self.is_ours.load(Ordering::Relaxed)
            && let Some(inner) = self.vm.upgrade()
        {
            let channel = Arc::clone(&self.channel);
            let close = move |inner: &Inner| {
                let channel = Arc::clone(&channel);
                // If the VM has ended there is nobody to be told.
                inner.visit(move |context| channel.close(context))
            };
            if let Err(Error::Reentrant) = close(&inner) {
                // In the midst of a conversion: soon. Without a thread the channel stays open.
                let _ = std::thread::Builder::new()
                    .name("golite-close".to_owned())
                    .spawn(move || close(&inner).is_ok());
            }
        }
    }
}

/// A value was not sent.
pub enum SendError<T> {
    /// The channel is closed. The value, if it is still at hand.
    Closed(Option<T>),
    /// The value would have had to wait, or has waited as long as it should.
    Full(Option<T>),
    /// The VM has ended, or the value could not be converted.
    Failed(Error),
}

/// Nothing was received.
#[derive(Clone, Debug)]
pub enum RecvError {
    /// The channel is closed and empty.
    Closed,
    /// There is no value, or none has come in time.
    Empty,
    /// The VM has ended, or the value could not be converted.
    Failed(Error),
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Closed(_) => f.write_str("send on closed channel"),
            SendError::Full(_) => f.write_str("the channel is not ready"),
            SendError::Failed(error) => error.fmt(f),
        }
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Closed(_) => f.write_str("Closed(..)"),
            SendError::Full(_) => f.write_str("Full(..)"),
            SendError::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
        }
    }
}

impl<T> std::error::Error for SendError<T> {}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvError::Closed => f.write_str("receive from closed channel"),
            RecvError::Empty => f.write_str("the channel is not ready"),
            RecvError::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RecvError {}

impl<T> From<SendError<T>> for Error {
    fn from(error: SendError<T>) -> Error {
        match error {
            SendError::Failed(error) => error,
            other => Error::Host(other.to_string()),
        }
    }
}

impl From<RecvError> for Error {
    fn from(error: RecvError) -> Error {
        match error {
            RecvError::Failed(error) => error,
            other => Error::Host(other.to_string()),
        }
    }
}

impl Vm {
    /// Makes a Go channel for values of a type, with room for `capacity` of them: both ends, of which one is usually given to the script.
    ///
    /// As long as the host has an end and does not wait at it, the script may wait for it: that is no deadlock.
    ///
    /// ```
    /// use golite::{Golite, Receiver};
    ///
    /// let program = Golite::new().compile(
    ///     "package main\n\nfunc Sum(c <-chan int) (n int) {\n\tfor v := range c {\n\t\tn += v\n\t}\n\treturn\n}",
    /// )?;
    /// let vm = program.start()?;
    /// let (sender, receiver) = vm.chan::<i64>(0)?;
    /// let sum = vm.func::<(Receiver<i64>,), i64>("Sum")?;
    /// let total = std::thread::spawn(move || sum.call((receiver,)));
    /// for n in 1..=10 {
    ///     sender.send(n)?;
    /// }
    /// drop(sender);
    /// assert_eq!(total.join().unwrap()?, 55);
    /// # Ok::<(), golite::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Conversion`]: the program has no type that `T` stands for. The VM has ended, or there is no memory.
    pub fn chan<T: Element>(&self, capacity: usize) -> Result<(Sender<T>, Receiver<T>), Error> {
        let inner = self.inner();
        let channel = inner.visit(move |context| {
            let element = type_of::<T>(context)?;
            HeldChannel::make(context, element, capacity)
        })?;
        let channel = Arc::new(channel);
        let side = || {
            Arc::new(Side {
                channel: Arc::clone(&channel),
                vm: Arc::downgrade(inner),
                is_ours: AtomicBool::new(true),
                left: Mutex::default(),
            })
        };
        let sender = Sender {
            side: side(),
            handle: Handle::new(inner),
        };
        let receiver = Receiver {
            side: side(),
            handle: Handle::new(inner),
        };
        Ok((sender, receiver))
    }
}

impl<T: Element> Side<T> {
    fn inner(&self) -> Result<Arc<Inner>, Error> {
        self.vm.upgrade().ok_or(Error::Closed)
    }

    fn close(&self) -> Result<bool, Error> {
        let channel = Arc::clone(&self.channel);
        self.inner()?.visit(move |context| channel.close(context))
    }

    fn len(&self) -> Result<usize, Error> {
        let channel = Arc::clone(&self.channel);
        self.inner()?.visit(move |context| channel.len(context))
    }

    /// Runs an operation to its end.
    fn run(
        &self,
        inner: &Arc<Inner>,
        call: &Arc<ChannelCall<T>>,
        deadline: Option<Instant>,
    ) -> Result<ChannelOutcome<T>, NotVisited> {
        let embedded = &inner.embedded;
        call.start(embedded)?;
        if let Some(answer) = call.take() {
            return answer;
        }
        let mut answer = call.wait(embedded, deadline);
        if answer.is_none() {
            answer = Some(call.give_up(embedded));
        }
        answer.unwrap_or(Err(NotVisited::Over))
    }
}

fn sent<T>(
    inner: &Inner,
    outcome: Result<ChannelOutcome<T>, NotVisited>,
) -> Result<(), SendError<T>> {
    match outcome {
        Ok(ChannelOutcome::Sent) => Ok(()),
        Ok(ChannelOutcome::Closed(value)) => Err(SendError::Closed(value)),
        Ok(ChannelOutcome::NotReady(value)) => Err(SendError::Full(value)),
        Ok(ChannelOutcome::Received(_)) => Err(SendError::Full(None)),
        Ok(ChannelOutcome::Unconvertible(text)) => Err(SendError::Failed(Error::Conversion(text))),
        Err(error) => Err(SendError::Failed(inner.not_visited(error))),
    }
}

fn received<T>(
    inner: &Inner,
    outcome: Result<ChannelOutcome<T>, NotVisited>,
) -> Result<T, RecvError> {
    match outcome {
        Ok(ChannelOutcome::Received(value)) => Ok(value),
        Ok(ChannelOutcome::Closed(_)) => Err(RecvError::Closed),
        Ok(ChannelOutcome::NotReady(_) | ChannelOutcome::Sent) => Err(RecvError::Empty),
        Ok(ChannelOutcome::Unconvertible(text)) => Err(RecvError::Failed(Error::Conversion(text))),
        Err(error) => Err(RecvError::Failed(inner.not_visited(error))),
    }
}

impl<T: Element> Sender<T> {
    fn operation(
        &self,
        value: T,
        patience: Patience,
        deadline: Option<Instant>,
    ) -> Result<(), SendError<T>> {
        let inner = self.side.inner().map_err(SendError::Failed)?;
        let call = ChannelCall::send(&inner.embedded, &self.side.channel, value, patience);
        let outcome = self.side.run(&inner, &call, deadline);
        sent(&inner, outcome)
    }

    /// Sends a value; waits until there is a receiver, or room.
    ///
    /// # Errors
    /// The channel is closed, the VM has ended, or nobody can ever receive it ([`Error::Deadlock`]).
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.operation(value, Patience::Forever, None)
    }

    /// Sends a value if that needs no waiting. Of these methods it is the one that host functions may call where they run.
    ///
    /// # Errors
    /// As [`Sender::send`]; [`SendError::Full`].
    pub fn try_send(&self, value: T) -> Result<(), SendError<T>> {
        self.operation(value, Patience::Try, None)
    }

    /// As [`Sender::send`], for so long.
    ///
    /// # Errors
    /// As [`Sender::send`]; [`SendError::Full`].
    pub fn send_timeout(&self, value: T, timeout: Duration) -> Result<(), SendError<T>> {
        let deadline = Instant::now().checked_add(timeout);
        self.operation(value, Patience::UntilGivenUp, deadline)
    }

    /// As [`Sender::send`], for an async task. A future that is dropped gives the send up, unless it has gone ahead.
    pub fn send_async(
        &self,
        value: T,
    ) -> impl Future<Output = Result<(), SendError<T>>> + Send + '_ {
        Operation {
            side: Arc::clone(&self.side),
            _handle: &self.handle,
            state: Step::First(Some(value)),
            finish: sent::<T>,
            failed: SendError::Failed,
        }
    }

    /// Closes the channel; false if it was closed.
    ///
    /// # Errors
    /// The VM has ended.
    pub fn close(&self) -> Result<bool, Error> {
        self.side.close()
    }

    /// How many values lie in the channel.
    ///
    /// # Errors
    /// The VM has ended.
    pub fn len(&self) -> Result<usize, Error> {
        self.side.len()
    }

    /// Whether no value lies in the channel.
    ///
    /// # Errors
    /// The VM has ended.
    pub fn is_empty(&self) -> Result<bool, Error> {
        self.len().map(|length| length == 0)
    }
}

impl<T: Element> Receiver<T> {
    fn operation(&self, patience: Patience, deadline: Option<Instant>) -> Result<T, RecvError> {
        if let Some(value) = self.side.left_over() {
            return Ok(value);
        }
        let inner = self.side.inner().map_err(RecvError::Failed)?;
        let call = ChannelCall::receive(&inner.embedded, &self.side.channel, patience);
        let outcome = self.side.run(&inner, &call, deadline);
        received(&inner, outcome)
    }

    /// Receives a value; waits for it.
    ///
    /// # Errors
    /// The channel is closed and empty, the VM has ended, or nobody can ever send one ([`Error::Deadlock`]).
    pub fn recv(&self) -> Result<T, RecvError> {
        self.operation(Patience::Forever, None)
    }

    /// Receives a value if there is one. Of these methods it is the one that host functions may call where they run.
    ///
    /// # Errors
    /// As [`Receiver::recv`]; [`RecvError::Empty`].
    pub fn try_recv(&self) -> Result<T, RecvError> {
        self.operation(Patience::Try, None)
    }

    /// As [`Receiver::recv`], for so long.
    ///
    /// # Errors
    /// As [`Receiver::recv`]; [`RecvError::Empty`].
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvError> {
        let deadline = Instant::now().checked_add(timeout);
        self.operation(Patience::UntilGivenUp, deadline)
    }

    /// As [`Receiver::recv`], for an async task. No value is lost if the future is dropped.
    pub fn recv_async(&self) -> impl Future<Output = Result<T, RecvError>> + Send + '_ {
        Operation {
            side: Arc::clone(&self.side),
            _handle: &self.handle,
            state: Step::First(None),
            finish: received::<T>,
            failed: RecvError::Failed,
        }
    }

    /// The values, until the channel is closed or the VM has ended.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        std::iter::from_fn(|| self.recv().ok())
    }

    /// Closes the channel; false if it was closed.
    ///
    /// # Errors
    /// The VM has ended.
    pub fn close(&self) -> Result<bool, Error> {
        self.side.close()
    }

    /// How many values lie in the channel.
    ///
    /// # Errors
    /// The VM has ended.
    pub fn len(&self) -> Result<usize, Error> {
        self.side.len()
    }

    /// Whether no value lies in the channel.
    ///
    /// # Errors
    /// The VM has ended.
    pub fn is_empty(&self) -> Result<bool, Error> {
        self.len().map(|length| length == 0)
    }
}

impl<T: Element> Side<T> {
    fn leave(&self, value: T) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.push(value);
    }

    fn left_over(&self) -> Option<T> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        (!left.is_empty()).then(|| left.remove(0))
    }
}

/// Makes the result of an operation from what came of the visit.
type Finish<T, R, E> = fn(&Inner, Result<ChannelOutcome<T>, NotVisited>) -> Result<R, E>;

/// An operation of a task.
struct Operation<'e, T: Element, R, E> {
    side: Arc<Side<T>>,
    /// It counts while this waits.
    _handle: &'e Handle,
    state: Step<T>,
    finish: Finish<T, R, E>,
    failed: fn(Error) -> E,
}

enum Step<T: Element> {
    /// The value to be sent; `None`: one is to be received.
    First(Option<T>),
    Waiting(Arc<ChannelCall<T>>),
    Over,
}

impl<T: Element, R, E> Unpin for Operation<'_, T, R, E> {}

impl<T: Element, R, E> Future for Operation<'_, T, R, E> {
    type Output = Result<R, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<R, E>> {
        let inner = match self.side.inner() {
            Ok(inner) => inner,
            Err(error) => return Poll::Ready(Err((self.failed)(error))),
        };
        let embedded = &inner.embedded;
        let call = match std::mem::replace(&mut self.state, Step::Over) {
            Step::First(value) => {
                let (channel, patience) = (&self.side.channel, Patience::UntilGivenUp);
                let call = match value {
                    Some(value) => ChannelCall::send(embedded, channel, value, patience),
                    None => {
                        if let Some(value) = self.side.left_over() {
                            let outcome = Ok(ChannelOutcome::Received(value));
                            return Poll::Ready((self.finish)(&inner, outcome));
                        }
                        ChannelCall::receive(embedded, channel, patience)
                    }
                };
                if let Err(error) = call.start(embedded) {
                    return Poll::Ready((self.finish)(&inner, Err(error)));
                }
                if let Some(answer) = call.take() {
                    return Poll::Ready((self.finish)(&inner, answer));
                }
                call.register(embedded);
                call
            }
            Step::Waiting(call) => call,
            Step::Over => return Poll::Ready(Err((self.failed)(Error::Closed))),
        };
        match call.poll(embedded, context.waker()) {
            Poll::Pending => {
                self.state = Step::Waiting(call);
                Poll::Pending
            }
            Poll::Ready(answer) => {
                call.abandon();
                Poll::Ready((self.finish)(&inner, answer))
            }
        }
    }
}

impl<T: Element, R, E> Drop for Operation<'_, T, R, E> {
    fn drop(&mut self) {
        let Step::Waiting(call) = std::mem::replace(&mut self.state, Step::Over) else {
            return;
        };
        call.abandon();
        let Ok(inner) = self.side.inner() else { return };
        if inner.embedded.is_inside() {
            let side = Arc::downgrade(&self.side);
            return call.give_up_later(&inner.embedded, move |outcome| {
                if let (ChannelOutcome::Received(value), Some(side)) = (outcome, side.upgrade()) {
                    side.leave(value);
                }
            });
        }
        if let Ok(ChannelOutcome::Received(value)) = call.give_up(&inner.embedded) {
            self.side.leave(value);
        }
    }
}

macro_rules! ends {
    ($($end:ident: $direction:ident, $arrow:literal;)*) => {$(
        impl<T: Element> Clone for $end<T> {
            fn clone(&self) -> $end<T> {
                $end {
                    side: Arc::clone(&self.side),
                    handle: self.handle.clone(),
                }
            }
        }

        impl<T: Element> fmt::Debug for $end<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($end))
            }
        }

        impl<T: Element> GoType for $end<T> {
            type Plan = Arc<T::Plan>;
            fn declare(declarations: &mut Declarations) -> String {
                format!(concat!($arrow, " {}"), T::declare(declarations))
            }
            fn plan(ty: &RuntimeType) -> Result<Arc<T::Plan>, Mismatch> {
                let declared = || Self::declare(&mut Declarations::default());
                HeldChannel::<T>::plan(ty, ChannelDirection::$direction, declared)
            }
        }

        /// The script's own channel: it is not closed when the host lets it go.
        impl<T: Element> FromGo for $end<T> {
            fn from_go<'h>(
                view: View<'h>,
                plan: &Arc<T::Plan>,
                context: &mut NativeContext<'h>,
            ) -> Result<Self, Unconvertible> {
                let channel = HeldChannel::of_value(view, plan, context)?;
                let inner = owner(context)
                    .ok_or_else(|| Unconvertible("the VM was closed".to_owned()))?;
                Ok($end {
                    side: Arc::new(Side {
                        channel: Arc::new(channel),
                        vm: Arc::downgrade(&inner),
                        is_ours: AtomicBool::new(false),
                        left: Mutex::default(),
                    }),
                    handle: Handle::new(&inner),
                })
            }
        }

        impl<T: Element> IntoGo for $end<T> {
            fn into_go<'h>(
                self,
                target: Target<'h>,
                _: &Arc<T::Plan>,
                context: &mut NativeContext<'h>,
            ) -> Result<(), GoPanic> {
                self.side.channel.give(target, context)?;
                // ORDERING: Relaxed, as in `drop`.
                self.side.is_ours.store(false, Ordering::Relaxed);
                Ok(())
            }
        }
    )*};
}

ends! {
    Sender: Send, "chan<-";
    Receiver: Receive, "<-chan";
}
