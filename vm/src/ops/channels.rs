//! Channels and select. The protocol is the runtime's; here values go between registers and transfers.
//!
//! An operation that must wait leaves the loop with [`Pending::Channel`] and ends in [`resume`] when the fiber runs again.

use bytecode::{Opcode, OptionalRegister, Word};
use runtime::{
    CloseResult, Direction, ReceiveResult, SelectCase, SelectResult, SendResult, Switch,
    WaitReason, WakeOutcome,
};
use smallvec::SmallVec;

use super::{after, allocated, decode, r};
use crate::engine::{Machine, Transfer};
use crate::fiber::Pending;
use crate::objects::channel::{self, Elements, MakeError, object};
use crate::objects::value;
use crate::running::{Next, Running};
use crate::types::RuntimeType;

/// A value in registers as a transfer.
///
/// # Safety
/// `slots` leads to a value of this type.
#[inline(always)]
unsafe fn transfer(ty: &RuntimeType, slots: *const u64) -> Transfer {
    let mut transfer = Transfer { ty, slots: [0; 4] };
    for slot in 0..ty.slots as usize {
        // SAFETY: the caller's promise. No type takes more than four slots.
        transfer.slots[slot] = unsafe { *slots.add(slot) };
    }
    transfer
}

/// Stores what was received to its registers, if it is wanted; the zero value when the channel was closed.
///
/// # Safety
/// See [`super`].
#[inline(always)]
unsafe fn deliver(
    cx: &mut Running<'_>,
    ty: &RuntimeType,
    value: &Transfer,
    ok: bool,
    fp: *mut u64,
    dst: OptionalRegister,
) -> Result<(), crate::heap::OutOfMemory> {
    if dst.0 == u16::MAX {
        return Ok(());
    }
    // SAFETY: see `super`.
    unsafe {
        let dst = fp.add(dst.0 as usize);
        if !ok {
            return value::zero(&mut cx.local.cache, ty, dst);
        }
        value.shade();
        for slot in 0..ty.slots as usize {
            *dst.add(slot) = value.slots[slot];
        }
    }
    Ok(())
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn make(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, MakeChannel);
        let element = cx.ty(i.ty).element();
        let size = if i.size.0 == u16::MAX {
            0
        } else {
            r!(fp, i.size) as i64
        };
        match channel::make(&mut cx.local.cache, cx.machine.channel_site, element, size) {
            Ok(reference) => r!(fp, i.dst) = reference,
            Err(MakeError::Size) => return cx.plain_error(ip, fp, "makechan: size out of range"),
            Err(MakeError::OutOfMemory) => {
                return cx.out_of_memory(ip, fp, crate::heap::OutOfMemory);
            }
        }
        cx.poll_heap(ip, fp);
        after!(ip, fp, MakeChannel)
    }
}

/// # Safety
/// See [`super`].
#[cold]
#[inline(never)]
unsafe fn send_on_closed(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    cx.plain_error(ip, fp, "send on closed channel")
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn send(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, Send);
        let reference = r!(fp, i.channel);
        if reference == 0 {
            return wait_for_good(cx, ip, fp, WaitReason::ChannelSendNil);
        }
        let ty = cx.ty(i.ty).element();
        let channel = object(reference);
        let value = transfer(ty, fp.add(i.src.0 as usize));
        let elements = Elements::of(channel, ty);
        let result = if cx.fiber.ends_here() {
            channel.channel.try_send(cx.slice, value, &elements)
        } else {
            channel.channel.send(cx.slice, value, &elements)
        };
        match result {
            SendResult::Done => after!(ip, fp, Send),
            SendResult::WouldBlock => super::calls::interrupt(cx, ip, fp),
            SendResult::Parked => cx.leave_pending(
                ip,
                fp,
                Pending::Channel,
                Switch::Park(WaitReason::ChannelSend),
            ),
            SendResult::Closed => send_on_closed(cx, ip, fp),
        }
    }
}

/// Waits at a nil channel.
#[cold]
pub(super) fn wait_for_good(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
    reason: WaitReason,
) -> Next {
    if cx.fiber.ends_here() {
        return super::calls::interrupt(cx, ip, fp);
    }
    cx.leave_pending(ip, fp, Pending::Nothing, Switch::Park(reason))
}

/// Receives; `WouldBlock`: the fiber is to end, and does not begin to wait.
#[inline(always)]
fn receive_from(
    cx: &Running<'_>,
    channel: &channel::ChannelObject,
    ty: &RuntimeType,
) -> ReceiveResult<Transfer> {
    let elements = Elements::of(channel, ty);
    if cx.fiber.ends_here() {
        channel.channel.try_receive(cx.slice, &elements)
    } else {
        channel.channel.receive(cx.slice, &elements)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn receive(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, Receive);
        let reference = r!(fp, i.channel);
        if reference == 0 {
            return wait_for_good(cx, ip, fp, WaitReason::ChannelReceiveNil);
        }
        let ty = cx.ty(i.ty).element();
        let channel = object(reference);
        match receive_from(cx, channel, ty) {
            ReceiveResult::Done(value, ok) => {
                allocated!(cx, ip, fp, deliver(cx, ty, &value, ok, fp, i.dst));
                after!(ip, fp, Receive)
            }
            ReceiveResult::WouldBlock => super::calls::interrupt(cx, ip, fp),
            ReceiveResult::Parked => cx.leave_pending(
                ip,
                fp,
                Pending::Channel,
                Switch::Park(WaitReason::ChannelReceive),
            ),
        }
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn receive_ok(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, ReceiveOk);
        let reference = r!(fp, i.channel);
        if reference == 0 {
            return wait_for_good(cx, ip, fp, WaitReason::ChannelReceiveNil);
        }
        let ty = cx.ty(i.ty).element();
        let channel = object(reference);
        match receive_from(cx, channel, ty) {
            ReceiveResult::Done(value, ok) => {
                allocated!(cx, ip, fp, deliver(cx, ty, &value, ok, fp, i.dst));
                r!(fp, i.ok) = u64::from(ok);
                after!(ip, fp, ReceiveOk)
            }
            ReceiveResult::WouldBlock => super::calls::interrupt(cx, ip, fp),
            ReceiveResult::Parked => cx.leave_pending(
                ip,
                fp,
                Pending::Channel,
                Switch::Park(WaitReason::ChannelReceive),
            ),
        }
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn close(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, CloseChannel);
        let reference = r!(fp, i.channel);
        if reference == 0 {
            return cx.plain_error(ip, fp, "close of nil channel");
        }
        match object(reference).channel.close(cx.slice) {
            CloseResult::Done => after!(ip, fp, CloseChannel),
            CloseResult::AlreadyClosed => cx.plain_error(ip, fp, "close of closed channel"),
        }
    }
}

/// A case word of a select statement.
enum Case {
    Send(bytecode::op::SelectSend),
    Receive(bytecode::op::SelectReceive),
}

/// The case words behind a select, and where the code goes on.
///
/// # Safety
/// See [`super`].
unsafe fn cases(ip: *const Word, count: usize) -> (SmallVec<[Case; 8]>, *const Word) {
    let mut cases = SmallVec::new();
    // SAFETY: see `super`; the verifier has counted the case words.
    unsafe {
        let mut at = ip.add(bytecode::op::Select::WORDS);
        for _ in 0..count {
            if (*at).0[0] == Opcode::SelectSend as u16 {
                cases.push(Case::Send(decode!(at, SelectSend)));
                at = at.add(bytecode::op::SelectSend::WORDS);
            } else {
                cases.push(Case::Receive(decode!(at, SelectReceive)));
                at = at.add(bytecode::op::SelectReceive::WORDS);
            }
        }
        (cases, at)
    }
}

/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn select(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, Select);
        let (cases, end) = cases(ip, i.count.0 as usize);
        let wait_for =
            |reference: u64, ty: &RuntimeType, direction| -> SelectCase<'_, Machine, Elements> {
                if reference == 0 {
                    return SelectCase {
                        channel: None,
                        direction,
                        buffer: Elements::none(),
                    };
                }
                let channel = object(reference);
                SelectCase {
                    channel: Some(&channel.channel),
                    direction,
                    buffer: Elements::of(channel, ty),
                }
            };
        let wanted: SmallVec<[SelectCase<'_, Machine, Elements>; 8]> = cases
            .iter()
            .map(|case| match case {
                Case::Send(case) => {
                    let ty = cx.ty(case.ty).element();
                    wait_for(
                        r!(fp, case.channel),
                        ty,
                        Direction::Send(transfer(ty, fp.add(case.src.0 as usize))),
                    )
                }
                Case::Receive(case) => wait_for(
                    r!(fp, case.channel),
                    cx.ty(case.ty).element(),
                    Direction::Receive,
                ),
            })
            .collect();
        let has_default = i.has_default.0 != 0;
        let may_park = !has_default && !cx.fiber.ends_here();
        let outcome = match runtime::select(cx.slice, &wanted, may_park).outcome() {
            Ok(outcome) => outcome,
            Err(SelectResult::WouldBlock) if !has_default => {
                return super::calls::interrupt(cx, ip, fp);
            }
            Err(SelectResult::WouldBlock) => {
                r!(fp, i.dst) = -1i64 as u64;
                return Next { ip: end, fp };
            }
            Err(_) => {
                let reason = if cases.is_empty() {
                    WaitReason::SelectNoCases
                } else {
                    WaitReason::Select
                };
                return cx.leave_pending(ip, fp, Pending::Channel, Switch::Park(reason));
            }
        };
        selected(cx, ip, fp, &cases, end, &outcome)
    }
}

/// Ends a select with the case that went ahead.
///
/// # Safety
/// See [`super`].
unsafe fn selected(
    cx: &mut Running<'_>,
    ip: *const Word,
    fp: *mut u64,
    cases: &[Case],
    end: *const Word,
    outcome: &WakeOutcome<Transfer>,
) -> Next {
    // SAFETY: see `super`.
    unsafe {
        let i = decode!(ip, Select);
        match cases.get(outcome.case) {
            Some(Case::Send(_)) if !outcome.ok => return send_on_closed(cx, ip, fp),
            Some(Case::Receive(case)) => {
                let ty = cx.ty(case.ty).element();
                allocated!(
                    cx,
                    ip,
                    fp,
                    deliver(cx, ty, &outcome.value, outcome.ok, fp, case.dst)
                );
                if case.ok.0 != u16::MAX {
                    *fp.add(case.ok.0 as usize) = u64::from(outcome.ok);
                }
            }
            Some(Case::Send(_)) | None => {}
        }
        r!(fp, i.dst) = outcome.case as u64;
        Next { ip: end, fp }
    }
}

/// Ends the operation at `ip` that the fiber had to wait for.
///
/// # Safety
/// See [`super`].
#[inline(never)]
pub(crate) unsafe fn resume(cx: &mut Running<'_>, ip: *const Word, fp: *mut u64) -> Next {
    let outcome = cx.slice.take_wake_outcome();
    // SAFETY: see `super`.
    unsafe {
        match *ip.cast::<Opcode>() {
            Opcode::Send => {
                if outcome.ok {
                    after!(ip, fp, Send)
                } else {
                    send_on_closed(cx, ip, fp)
                }
            }
            Opcode::Receive => {
                let i = decode!(ip, Receive);
                let ty = cx.ty(i.ty).element();
                allocated!(
                    cx,
                    ip,
                    fp,
                    deliver(cx, ty, &outcome.value, outcome.ok, fp, i.dst)
                );
                after!(ip, fp, Receive)
            }
            Opcode::ReceiveOk => {
                let i = decode!(ip, ReceiveOk);
                let ty = cx.ty(i.ty).element();
                allocated!(
                    cx,
                    ip,
                    fp,
                    deliver(cx, ty, &outcome.value, outcome.ok, fp, i.dst)
                );
                r!(fp, i.ok) = u64::from(outcome.ok);
                after!(ip, fp, ReceiveOk)
            }
            Opcode::CallNative => super::reflected::resume(cx, ip, fp, &outcome),
            _ => {
                let i = decode!(ip, Select);
                let (cases, end) = cases(ip, i.count.0 as usize);
                selected(cx, ip, fp, &cases, end, &outcome)
            }
        }
    }
}
