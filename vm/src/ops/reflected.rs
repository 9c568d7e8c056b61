//! Natives that the interpreter does itself ([`crate::native::Entry::Machine`]): calls and channel operations of package `reflect`, whose
//! types only the values know.
//!
//! - A call puts its arguments where the callee's frame begins, behind its own parameters, and makes its own instruction run again
//!   when the callee returns: a parameter says so, and it takes the results.
//! - A channel operation that must wait ends in [`resume`].

use bytecode::{RED_ZONE, TypeKind, Word, op};
use runtime::{
    Direction, ReceiveResult, SelectCase, SelectResult, SendResult, Switch, WaitReason, WakeOutcome,
};
use smallvec::SmallVec;

use super::calls::{self, native_context};
use super::channels;
use crate::border::{Any, GoSlice, NativeType, Parameter, Results};
use crate::engine::{Machine, Transfer};
use crate::fiber::Pending;
use crate::native::{Entry, GoPanic, NativeContext, Signature};
use crate::objects::channel::{self, Elements};
use crate::reflection::{
    Tags, TypeHandle, any_of, identical_underlying, slots_of, wrong_type, zero_of,
};
use crate::running::{Next, Running, enter};
use crate::types::RuntimeType;

/// What the interpreter does itself when a native of this kind is called. `$` are the parameters as the `.gl` declares them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MachineOperation {
    /// `call($function any, $type *rtype, $selector int, $arguments []any, $state int) []any`: calls a function, or (selector not
    /// negative) a method of what the interface holds. The arguments are of the parameters' types; `$type` is the function's without
    /// receiver; state is 0.
    Call,
    /// `send($channel any, $value any, $block bool) bool`.
    Send,
    /// `receive($channel any, $block bool) ($value any, $state int)`: state 0 nothing, 1 the value of a closed channel, 2 a value.
    Receive,
    /// `choose($channels []any, $values []any, $sends []bool, $block bool) ($case int, $value any, $ok bool)`: case -1 is the default.
    Select,
}

impl MachineOperation {
    /// Types of parameters and results.
    pub fn signature(self) -> Signature {
        use NativeType::{Bool, Int64, Interface, Type};
        let slice = |of: NativeType| NativeType::Slice(Box::new(of));
        let (parameters, results) = match self {
            MachineOperation::Call => (
                vec![Interface, Type, Int64, slice(Interface), Int64],
                vec![slice(Interface)],
            ),
            MachineOperation::Send => (vec![Interface, Interface, Bool], vec![Bool]),
            MachineOperation::Receive => (vec![Interface, Bool], vec![Interface, Int64]),
            MachineOperation::Select => (
                vec![slice(Interface), slice(Interface), slice(Bool), Bool],
                vec![Int64, Interface, Bool],
            ),
        };
        Signature {
            parameters,
            results,
        }
    }
}

/// Slots of the parameters of [`MachineOperation::Call`], behind which the callee's frame begins.
const CALL_SLOTS: usize = 7;

/// Runs the machine operation of the `CallNative` at `ip`, whose arguments are at `window`.
///
/// # Safety
/// See [`crate::ops`]; the native is this operation, and the linker has compared its signature.
#[inline(never)]
pub(crate) unsafe fn run(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
    window: usize,
    operation: MachineOperation,
) -> Next {
    // SAFETY: the caller's promise.
    let result = unsafe {
        match operation {
            MachineOperation::Call => call(cx, ip, fp, window),
            MachineOperation::Send => send(cx, ip, fp, window),
            MachineOperation::Receive => receive(cx, ip, fp, window),
            MachineOperation::Select => select(cx, ip, fp, window),
        }
    };
    cx.poll_heap(ip, fp);
    result.unwrap_or_else(|panic| cx.go_panic(ip, fp, &panic))
}

fn done(ip: *const Word, fp: *mut u64) -> Result<Next, GoPanic> {
    Ok(Next {
        ip: ip.wrapping_add(op::CallNative::WORDS),
        fp,
    })
}

/// # Safety
/// As [`run`].
unsafe fn call(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
    window: usize,
) -> Result<Next, GoPanic> {
    // SAFETY: the caller's promise: seven slots of parameters, as `MachineOperation::Call` says.
    unsafe {
        let slots = fp.add(window);
        let function = Any::read(slots);
        let ty = TypeHandle::read(slots.add(2)).get()?;
        let selector = *slots.add(3) as i64;
        let arguments = GoSlice::<Any<'_>>::read(slots.add(4));
        let image = &cx.machine.image;
        let TypeKind::Function {
            parameters,
            results,
            ..
        } = ty.kind()
        else {
            return Err(wrong_type());
        };
        if *slots.add(6) != 0 {
            // The callee has returned: its results begin where its frame did.
            let count = results.len();
            let mut at = slots.add(CALL_SLOTS + 2);
            let types: SmallVec<[&RuntimeType; 8]> =
                results.iter().map(|id| image.ty(*id)).collect();
            let mut context = native_context!(cx);
            let packed = context.new_slice::<Any<'_>>(count, count)?;
            for (index, ty) in types.into_iter().enumerate() {
                packed.set(index, any_of(context.cache, ty, at)?);
                at = at.add(usize::from(ty.slots));
            }
            packed.write(&mut context, slots)?;
            return done(ip, fp);
        }
        let held = function.ty().ok_or_else(GoPanic::nil_dereference)?;
        let (closure, code, mut count) = if selector < 0 {
            if held.word() != ty.word() && !identical_underlying(image, held, ty, Tags::Compared) {
                return Err(wrong_type());
            }
            if function.data == 0 {
                return Err(GoPanic::nil_dereference());
            }
            if !image.is_callable(held) {
                return Err(wrong_type());
            }
            (function.data, calls::code_of(function.data), 0)
        } else {
            let method_types = image.reflection.as_ref().map(|r| &r.method_types[..]);
            let known = method_types.and_then(|types| types.get(selector as usize).copied());
            if known.flatten() != Some(ty.id) {
                return Err(wrong_type());
            }
            let code = held.method(selector as u32).ok_or_else(wrong_type)?;
            (0, cx.instruction(code), 1)
        };
        if arguments.len() != parameters.len() {
            return Err(wrong_type());
        }
        let types: SmallVec<[&RuntimeType; 8]> =
            parameters.iter().map(|id| image.ty(*id)).collect();
        let first = CALL_SLOTS + 2;
        let needed: usize = types.iter().map(|ty| usize::from(ty.slots)).sum();
        if window + first + needed + 1 > usize::from(u16::MAX) {
            return Err(wrong_type());
        }
        let index = cx.index_of(fp);
        let end = (index + window + first + needed + 1)
            .saturating_sub(RED_ZONE as usize)
            .max(index + window + first);
        if let Err(error) = cx.ensure_stack(end) {
            return Ok(cx.stack_overflow(ip, fp, error));
        }
        let fp = cx.frame(index);
        let slots = fp.add(window);
        let callee = slots.add(first);
        if count == 1 {
            *callee = function.data;
        }
        for (place, ty) in types.into_iter().enumerate() {
            let mut values = slots_of(ty, arguments.get(place))?;
            if ty.boxed {
                // The callee may write to its parameters.
                let mut context = native_context!(cx);
                values[0] = context.clone_value(ty, values[0] as *const u8)? as u64;
            }
            let taken = usize::from(ty.slots);
            std::ptr::copy_nonoverlapping(values.as_ptr(), callee.add(count), taken);
            count += taken;
        }
        *slots.add(6) = 1;
        *callee.sub(2) = cx.exact_return_word(ip, window + first);
        *callee.sub(1) = closure;
        // ORDERING: relaxed, as at every entry.
        if callee as usize > cx.limit.load(std::sync::atomic::Ordering::Relaxed) {
            return Ok(enter(cx, code, callee));
        }
        Ok(Next {
            ip: code,
            fp: callee,
        })
    }
}

/// The channel in an interface, and its type.
fn channel_in<'h>(value: Any<'h>) -> Result<(u64, &'h RuntimeType), GoPanic> {
    let ty = value.ty().ok_or_else(wrong_type)?;
    match ty.kind() {
        TypeKind::Channel { .. } => Ok((value.data, ty)),
        _ => Err(wrong_type()),
    }
}

/// An element as it goes through a channel.
fn transfer(cx: &mut Running<'_>, ty: &RuntimeType, value: Any<'_>) -> Result<Transfer, GoPanic> {
    let mut slots = slots_of(ty, value)?;
    if ty.boxed {
        let mut context = native_context!(cx);
        // SAFETY: the box of a value of this type.
        slots[0] = unsafe { context.clone_value(ty, slots[0] as *const u8)? } as u64;
    }
    Ok(Transfer { ty, slots })
}

/// # Safety
/// As [`run`].
unsafe fn send(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
    window: usize,
) -> Result<Next, GoPanic> {
    // SAFETY: the caller's promise: five slots of parameters.
    unsafe {
        let slots = fp.add(window);
        let (reference, ty) = channel_in(Any::read(slots))?;
        let block = *slots.add(4) != 0;
        let element = ty.element();
        let value = transfer(cx, element, Any::read(slots.add(2)))?;
        if reference == 0 {
            if block {
                let reason = WaitReason::ChannelSendNil;
                return Ok(channels::wait_for_good(cx, ip, fp, reason));
            }
            *slots = 0;
            return done(ip, fp);
        }
        let object = channel::object(reference);
        let elements = Elements::of(object, element);
        let result = if block && !cx.fiber.ends_here() {
            object.channel.send(cx.slice, value, &elements)
        } else {
            object.channel.try_send(cx.slice, value, &elements)
        };
        match result {
            SendResult::Done => {
                *slots = 1;
                done(ip, fp)
            }
            SendResult::WouldBlock if !block => {
                *slots = 0;
                done(ip, fp)
            }
            SendResult::WouldBlock => Ok(calls::interrupt(cx, ip, fp)),
            SendResult::Parked => {
                let switch = Switch::Park(WaitReason::ChannelSend);
                Ok(cx.leave_pending(ip, fp, Pending::Channel, switch))
            }
            SendResult::Closed => Err(GoPanic::Plain("send on closed channel".into())),
        }
    }
}

/// # Safety
/// As [`run`].
unsafe fn receive(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
    window: usize,
) -> Result<Next, GoPanic> {
    // SAFETY: the caller's promise: three slots of parameters, and as many of results.
    unsafe {
        let slots = fp.add(window);
        let (reference, ty) = channel_in(Any::read(slots))?;
        let block = *slots.add(2) != 0;
        let element = ty.element();
        let nothing = |slots: *mut u64| {
            *slots = 0;
            *slots.add(1) = 0;
            *slots.add(2) = 0;
        };
        if reference == 0 {
            if block {
                let reason = WaitReason::ChannelReceiveNil;
                return Ok(channels::wait_for_good(cx, ip, fp, reason));
            }
            nothing(slots);
            return done(ip, fp);
        }
        let object = channel::object(reference);
        let elements = Elements::of(object, element);
        let result = if block && !cx.fiber.ends_here() {
            object.channel.receive(cx.slice, &elements)
        } else {
            object.channel.try_receive(cx.slice, &elements)
        };
        match result {
            ReceiveResult::Done(value, ok) => {
                let received = received(cx, element, &value, ok)?;
                received.write(&mut native_context!(cx), slots)?;
                *slots.add(2) = if ok { 2 } else { 1 };
                done(ip, fp)
            }
            ReceiveResult::WouldBlock if !block => {
                nothing(slots);
                done(ip, fp)
            }
            ReceiveResult::WouldBlock => Ok(calls::interrupt(cx, ip, fp)),
            ReceiveResult::Parked => {
                let switch = Switch::Park(WaitReason::ChannelReceive);
                Ok(cx.leave_pending(ip, fp, Pending::Channel, switch))
            }
        }
    }
}

/// What was received, as an interface; the zero value (of an interface type: nil) when the channel was closed.
fn received<'h>(
    cx: &mut Running<'_>,
    ty: &RuntimeType,
    value: &Transfer,
    ok: bool,
) -> Result<Any<'h>, GoPanic> {
    if ok {
        value.shade();
        // SAFETY: the slots of a value of this type, which goes into the goroutine's registers.
        return unsafe { any_of(&mut cx.local.cache, ty, value.slots.as_ptr()) };
    }
    if ty.is_interface() {
        return Ok(Any::NIL);
    }
    zero_of(&mut cx.local.cache, ty)
}

/// # Safety
/// As [`run`].
unsafe fn select(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
    window: usize,
) -> Result<Next, GoPanic> {
    // SAFETY: the caller's promise: seven slots of parameters.
    unsafe {
        let slots = fp.add(window);
        let channels = GoSlice::<Any<'_>>::read(slots);
        let values = GoSlice::<Any<'_>>::read(slots.add(2));
        let sends = GoSlice::<bool>::read(slots.add(4));
        let block = *slots.add(6) != 0;
        let mut wanted: SmallVec<[SelectCase<'_, Machine, Elements>; 8]> = SmallVec::new();
        if values.len() != channels.len() || sends.len() != channels.len() {
            return Err(wrong_type());
        }
        for index in 0..channels.len() {
            let is_send = sends.get(index);
            let none = SelectCase {
                channel: None,
                direction: Direction::Receive,
                buffer: Elements::none(),
            };
            if channels.get(index).is_nil() {
                wanted.push(none);
                continue;
            }
            let (reference, ty) = channel_in(channels.get(index))?;
            if reference == 0 {
                wanted.push(none);
                continue;
            }
            let object = channel::object(reference);
            let direction = if is_send {
                Direction::Send(transfer(cx, ty.element(), values.get(index))?)
            } else {
                Direction::Receive
            };
            wanted.push(SelectCase {
                channel: Some(&object.channel),
                direction,
                buffer: Elements::of(object, ty.element()),
            });
        }
        let may_park = block && !cx.fiber.ends_here();
        let outcome = match runtime::select(cx.slice, &wanted, may_park).outcome() {
            Ok(outcome) => outcome,
            Err(SelectResult::WouldBlock) if block => return Ok(calls::interrupt(cx, ip, fp)),
            Err(SelectResult::WouldBlock) => {
                *slots = -1i64 as u64;
                for slot in 1..4 {
                    *slots.add(slot) = 0;
                }
                return done(ip, fp);
            }
            Err(_) => {
                let reason = if wanted.is_empty() {
                    WaitReason::SelectNoCases
                } else {
                    WaitReason::Select
                };
                return Ok(cx.leave_pending(ip, fp, Pending::Channel, Switch::Park(reason)));
            }
        };
        selected(cx, ip, fp, window, &outcome)
    }
}

/// Ends a select with the case that went ahead.
///
/// # Safety
/// As [`run`].
unsafe fn selected(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
    window: usize,
    outcome: &WakeOutcome<Transfer>,
) -> Result<Next, GoPanic> {
    // SAFETY: the caller's promise: seven slots of parameters.
    unsafe {
        let slots = fp.add(window);
        let channels = GoSlice::<Any<'_>>::read(slots);
        let mut value = Any::NIL;
        if outcome.is_send {
            if !outcome.ok {
                return Err(GoPanic::Plain("send on closed channel".into()));
            }
        } else if outcome.case < channels.len() {
            let (_, ty) = channel_in(channels.get(outcome.case))?;
            value = received(cx, ty.element(), &outcome.value, outcome.ok)?;
        }
        *slots = outcome.case as u64;
        value.write(&mut native_context!(cx), slots.add(1))?;
        *slots.add(3) = u64::from(outcome.ok && !outcome.is_send);
        done(ip, fp)
    }
}

/// Ends the channel operation of the `CallNative` at `ip` that the fiber had to wait for.
///
/// # Safety
/// See [`crate::ops`].
#[inline(never)]
pub(crate) unsafe fn resume(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
    outcome: &WakeOutcome<Transfer>,
) -> Next {
    // SAFETY: the caller's promise: a native that is a machine operation has waited here.
    let result = unsafe {
        let i = op::CallNative::decode(&*ip.cast::<[Word; op::CallNative::WORDS]>());
        let window = i.window.0 as usize;
        let slots = fp.add(window);
        match cx.machine.image.natives[i.native.0 as usize].entry {
            Entry::Machine(MachineOperation::Send) if !outcome.ok => {
                Err(GoPanic::Plain("send on closed channel".into()))
            }
            Entry::Machine(MachineOperation::Send) => {
                *slots = 1;
                done(ip, fp)
            }
            Entry::Machine(MachineOperation::Receive) => channel_in(Any::read(slots))
                .and_then(|(_, ty)| received(cx, ty.element(), &outcome.value, outcome.ok))
                .and_then(|value| {
                    value.write(&mut native_context!(cx), slots)?;
                    *slots.add(2) = if outcome.ok { 2 } else { 1 };
                    done(ip, fp)
                }),
            _ => selected(cx, ip, fp, window, outcome),
        }
    };
    result.unwrap_or_else(|panic| cx.go_panic(ip, fp, &panic))
}
