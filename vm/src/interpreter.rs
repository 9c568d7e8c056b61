//! The loop: one `match`, one short arm per instruction, no wildcard.
//!
//! The hot state is `ip`, `fp` and `cx`, in locals that are never borrowed. What is rare or long is a function of [`crate::ops`] or a
//! cold helper that takes `(cx, ip, fp)` and returns [`Next`] in two registers; leaving the loop is an instruction (a stub) too, so
//! no arm tests for it. Nothing with a destructor lives in an arm.
//!
//! All `unsafe` here rests on INVARIANT CODE and INVARIANT VALUES of [`crate::running`].

use std::sync::atomic::Ordering::Relaxed;

use bytecode::{Opcode, Word, op};

use crate::heap::barrier;
use crate::moves;
use crate::ops;
use crate::running::{Next, Running, back_edge, enter, returning};

/// Runs from `ip` in frame `fp` until the fiber has a reason to leave ([`Running::switch`]).
///
/// # Safety
/// INVARIANT CODE and INVARIANT VALUES hold for `ip`, `fp` and `cx`.
#[expect(
    clippy::neg_cmp_op_on_partial_ord,
    reason = "the negation of a comparison holds for NaN, as the instructions say"
)]
pub(crate) unsafe fn run(cx: &mut Running<'_>, start: Next) {
    let mut ip = start.ip;
    let mut fp = start.fp;
    let code = cx.code;
    let limit = cx.limit;

    // SAFETY: the caller's promise, kept by every arm (INVARIANT CODE, INVARIANT VALUES). The invariants are argued once, for all
    // operations in the loop, because every arm makes the same kinds of access: operands, registers, script memory through `moves`.
    unsafe {
        macro_rules! decode {
            ($op:ident) => {
                op::$op::decode(&*ip.cast::<[Word; op::$op::WORDS]>())
            };
        }
        macro_rules! r {
            ($register:expr) => {
                *fp.add($register.0 as usize)
            };
        }
        macro_rules! float {
            ($register:expr) => {
                f64::from_bits(r!($register))
            };
        }
        macro_rules! next {
            ($op:ident) => {
                ip = ip.add(op::$op::WORDS)
            };
        }
        // Goes where a helper says.
        macro_rules! go {
            ($next:expr) => {{
                let next: Next = $next;
                ip = next.ip;
                fp = next.fp;
                continue;
            }};
        }
        // The whole instruction is a helper's.
        macro_rules! call {
            ($helper:path) => {
                go!($helper(cx, ip, fp))
            };
        }
        macro_rules! binary {
            ($op:ident, |$a:ident, $b:ident| $value:expr) => {{
                let i = decode!($op);
                let ($a, $b) = (r!(i.a), r!(i.b));
                r!(i.dst) = $value;
                next!($op);
            }};
        }
        macro_rules! unary {
            ($op:ident, |$a:ident| $value:expr) => {{
                let i = decode!($op);
                let $a = r!(i.a);
                r!(i.dst) = $value;
                next!($op);
            }};
        }
        macro_rules! immediate {
            ($op:ident, |$a:ident, $v:ident| $value:expr) => {{
                let i = decode!($op);
                let ($a, $v) = (r!(i.a), i.value.0 as i64 as u64);
                r!(i.dst) = $value;
                next!($op);
            }};
        }
        macro_rules! float_binary {
            ($op:ident, |$a:ident, $b:ident| $value:expr) => {{
                let i = decode!($op);
                let ($a, $b) = (float!(i.a), float!(i.b));
                r!(i.dst) = f64::to_bits($value);
                next!($op);
            }};
        }
        macro_rules! complex_binary {
            ($op:ident, $function:path) => {{
                let i = decode!($op);
                let part =
                    |first: bytecode::Pair, at: u16| float!(bytecode::Register(first.0 + at));
                let value = $function((part(i.a, 0), part(i.a, 1)), (part(i.b, 0), part(i.b, 1)));
                r!(bytecode::Register(i.dst.0)) = value.0.to_bits();
                r!(bytecode::Register(i.dst.0 + 1)) = value.1.to_bits();
                next!($op);
            }};
        }
        macro_rules! float_compare {
            ($op:ident, |$a:ident, $b:ident| $value:expr) => {{
                let i = decode!($op);
                let ($a, $b) = (float!(i.a), float!(i.b));
                r!(i.dst) = u64::from($value);
                next!($op);
            }};
        }
        macro_rules! divide {
            ($op:ident, |$a:ident, $b:ident| $value:expr) => {{
                let i = decode!($op);
                let ($a, $b) = (r!(i.a), r!(i.b));
                if $b == 0 {
                    call!(ops::arithmetic::divide_by_zero);
                }
                r!(i.dst) = $value;
                next!($op);
            }};
        }
        // A jump, relative to the word after the instruction.
        macro_rules! jump {
            ($op:ident, $i:ident, $condition:expr) => {{
                let taken = $condition;
                next!($op);
                if taken {
                    ip = ip.offset($i.to.0 as isize);
                }
            }};
        }
        macro_rules! jump_if {
            ($op:ident, |$a:ident, $b:ident| $condition:expr) => {{
                let i = decode!($op);
                let ($a, $b) = (r!(i.a), r!(i.b));
                jump!($op, i, $condition)
            }};
        }
        macro_rules! jump_if_float {
            ($op:ident, |$a:ident, $b:ident| $condition:expr) => {{
                let i = decode!($op);
                let ($a, $b) = (float!(i.a), float!(i.b));
                jump!($op, i, $condition)
            }};
        }
        macro_rules! jump_if_immediate {
            ($op:ident, |$a:ident, $v:ident| $condition:expr) => {{
                let i = decode!($op);
                let ($a, $v) = (r!(i.a) as i64, i.value.0 as i64);
                jump!($op, i, $condition)
            }};
        }
        // A back-edge: jump and safepoint.
        macro_rules! back {
            ($op:ident, $i:ident, $condition:expr) => {{
                if $condition {
                    let target = ip.add(op::$op::WORDS).offset($i.to.0 as isize);
                    if fp as usize > limit.load(Relaxed) {
                        go!(back_edge(cx, ip, target, fp));
                    }
                    ip = target;
                } else {
                    next!($op);
                }
            }};
        }
        macro_rules! loop_if {
            ($op:ident, |$a:ident, $b:ident| $condition:expr) => {{
                let i = decode!($op);
                let ($a, $b) = (r!(i.a), r!(i.b));
                back!($op, i, $condition)
            }};
        }
        macro_rules! loop_if_float {
            ($op:ident, |$a:ident, $b:ident| $condition:expr) => {{
                let i = decode!($op);
                let ($a, $b) = (float!(i.a), float!(i.b));
                back!($op, i, $condition)
            }};
        }
        macro_rules! loop_if_immediate {
            ($op:ident, |$a:ident, $v:ident| $condition:expr) => {{
                let i = decode!($op);
                let ($a, $v) = (r!(i.a) as i64, i.value.0 as i64);
                back!($op, i, $condition)
            }};
        }
        // The address `pointer + offset`, or the panic for nil.
        macro_rules! field {
            ($i:ident) => {{
                let pointer = r!($i.pointer);
                if pointer == 0 {
                    call!(ops::memory::nil_dereference);
                }
                pointer + $i.offset.0 as u64
            }};
        }
        // As `field`, of one that holds references and is about to be overwritten.
        macro_rules! field_to_overwrite {
            ($i:ident, $bytes:expr) => {{
                let pointer = r!($i.pointer);
                if pointer <= barrier::limit() {
                    if pointer == 0 {
                        call!(ops::memory::nil_dereference);
                    }
                    barrier::before_store(pointer + $i.offset.0 as u64, $bytes);
                }
                pointer + $i.offset.0 as u64
            }};
        }
        macro_rules! load {
            ($op:ident, |$at:ident| $value:expr) => {{
                let i = decode!($op);
                let $at = field!(i);
                r!(i.dst) = $value;
                next!($op);
            }};
        }
        macro_rules! store {
            ($op:ident, |$at:ident, $v:ident| $store:expr) => {{
                let i = decode!($op);
                let $at = field!(i);
                let $v = r!(i.src);
                $store;
                next!($op);
            }};
        }
        // An atomic operation on the word that `pointer` leads to, or the panic for nil.
        macro_rules! atomic {
            ($op:ident, |$i:ident, $at:ident| $value:expr) => {{
                let $i = decode!($op);
                let $at = r!($i.pointer);
                if $at == 0 {
                    call!(ops::memory::nil_dereference);
                }
                $value;
                next!($op);
            }};
        }
        // The address of an element, or the panic for an index out of range.
        macro_rules! element {
            ($i:ident, $size:expr) => {{
                let index = r!($i.index);
                let header = *fp.add($i.slice.0 as usize + 1);
                if index >= u64::from(header as u32) {
                    call!(ops::slices::index_out_of_range);
                }
                r!($i.slice) + index * $size
            }};
        }
        macro_rules! slice_get {
            ($op:ident, $size:literal, |$at:ident| $value:expr) => {{
                let i = decode!($op);
                let $at = element!(i, $size);
                r!(i.dst) = $value;
                next!($op);
            }};
        }
        macro_rules! slice_set {
            ($op:ident, $size:literal, |$at:ident, $v:ident| $store:expr) => {{
                let i = decode!($op);
                let $at = element!(i, $size);
                let $v = r!(i.src);
                $store;
                next!($op);
            }};
        }
        macro_rules! array_element {
            ($i:ident, $size:expr) => {{
                let index = r!($i.index);
                let array = r!($i.array);
                if index >= u64::from($i.length.0) || array == 0 {
                    call!(ops::slices::array_access_failed);
                }
                array + index * $size
            }};
        }
        macro_rules! array_get {
            ($op:ident, $size:literal, |$at:ident| $value:expr) => {{
                let i = decode!($op);
                let $at = array_element!(i, $size);
                r!(i.dst) = $value;
                next!($op);
            }};
        }
        macro_rules! array_set {
            ($op:ident, $size:literal, |$at:ident, $v:ident| $store:expr) => {{
                let i = decode!($op);
                let $at = array_element!(i, $size);
                let $v = r!(i.src);
                $store;
                next!($op);
            }};
        }

        use Opcode as O;
        loop {
            match *ip.cast::<Opcode>() {
                // ---- moves and constants ----
                O::Move => {
                    let i = decode!(Move);
                    r!(i.dst) = r!(i.src);
                    next!(Move);
                }
                O::MovePair => {
                    let i = decode!(MovePair);
                    let (low, high) = (r!(i.src), *fp.add(i.src.0 as usize + 1));
                    r!(i.dst) = low;
                    *fp.add(i.dst.0 as usize + 1) = high;
                    next!(MovePair);
                }
                O::MoveRun => {
                    let i = decode!(MoveRun);
                    std::ptr::copy(
                        fp.add(i.src.0 as usize),
                        fp.add(i.dst.0 as usize),
                        i.count.0 as usize,
                    );
                    next!(MoveRun);
                }
                O::LoadInt => {
                    let i = decode!(LoadInt);
                    r!(i.dst) = i.value.0 as i64 as u64;
                    next!(LoadInt);
                }
                O::LoadConstant => {
                    let i = decode!(LoadConstant);
                    r!(i.dst) = i.value.0;
                    next!(LoadConstant);
                }
                O::Zero => {
                    let i = decode!(Zero);
                    for slot in 0..i.count.0 as usize {
                        *fp.add(i.dst.0 as usize + slot) = 0;
                    }
                    next!(Zero);
                }
                O::LoadString => {
                    let i = decode!(LoadString);
                    let [pointer, length] = *cx.strings.add(i.value.0 as usize);
                    r!(i.dst) = pointer;
                    *fp.add(i.dst.0 as usize + 1) = length;
                    next!(LoadString);
                }
                O::LoadFunction => {
                    let i = decode!(LoadFunction);
                    r!(i.dst) = cx.closures.add(i.function.0 as usize) as u64;
                    next!(LoadFunction);
                }

                // ---- integers ----
                O::AddInt => binary!(AddInt, |a, b| a.wrapping_add(b)),
                O::SubInt => binary!(SubInt, |a, b| a.wrapping_sub(b)),
                O::MulInt => binary!(MulInt, |a, b| a.wrapping_mul(b)),
                O::AndInt => binary!(AndInt, |a, b| a & b),
                O::OrInt => binary!(OrInt, |a, b| a | b),
                O::XorInt => binary!(XorInt, |a, b| a ^ b),
                O::AndNotInt => binary!(AndNotInt, |a, b| a & !b),
                O::DivInt => divide!(DivInt, |a, b| (a as i64).wrapping_div(b as i64) as u64),
                O::RemInt => divide!(RemInt, |a, b| (a as i64).wrapping_rem(b as i64) as u64),
                O::DivUint => divide!(DivUint, |a, b| a / b),
                O::RemUint => divide!(RemUint, |a, b| a % b),
                O::ShlInt => binary!(ShlInt, |a, b| if b < 64 { a << b } else { 0 }),
                O::ShrInt => binary!(ShrInt, |a, b| ((a as i64) >> b.min(63)) as u64),
                O::ShrUint => binary!(ShrUint, |a, b| if b < 64 { a >> b } else { 0 }),
                O::CheckShift => {
                    let i = decode!(CheckShift);
                    if (r!(i.a) as i64) < 0 {
                        call!(ops::arithmetic::negative_shift);
                    }
                    next!(CheckShift);
                }
                O::NegInt => unary!(NegInt, |a| a.wrapping_neg()),
                O::NotInt => unary!(NotInt, |a| !a),
                O::AddIntImm => immediate!(AddIntImm, |a, v| a.wrapping_add(v)),
                O::SubImmInt => immediate!(SubImmInt, |a, v| v.wrapping_sub(a)),
                O::MulIntImm => immediate!(MulIntImm, |a, v| a.wrapping_mul(v)),
                O::DivIntImm => {
                    let i = decode!(DivIntImm);
                    let (a, v) = (r!(i.a) as i64, i.value.0 as i64);
                    if v == 0 {
                        call!(ops::arithmetic::divide_by_zero);
                    }
                    r!(i.dst) = a.wrapping_div(v) as u64;
                    next!(DivIntImm);
                }
                O::RemIntImm => {
                    let i = decode!(RemIntImm);
                    let (a, v) = (r!(i.a) as i64, i.value.0 as i64);
                    if v == 0 {
                        call!(ops::arithmetic::divide_by_zero);
                    }
                    r!(i.dst) = a.wrapping_rem(v) as u64;
                    next!(RemIntImm);
                }
                O::AndIntImm => immediate!(AndIntImm, |a, v| a & v),
                O::OrIntImm => immediate!(OrIntImm, |a, v| a | v),
                O::XorIntImm => immediate!(XorIntImm, |a, v| a ^ v),
                O::ShlIntImm => immediate!(ShlIntImm, |a, v| a << (v & 63)),
                O::ShrIntImm => immediate!(ShrIntImm, |a, v| ((a as i64) >> (v & 63)) as u64),
                O::ShrUintImm => immediate!(ShrUintImm, |a, v| a >> (v & 63)),
                O::WrapInt8 => unary!(WrapInt8, |a| a as i8 as i64 as u64),
                O::WrapInt16 => unary!(WrapInt16, |a| a as i16 as i64 as u64),
                O::WrapInt32 => unary!(WrapInt32, |a| a as i32 as i64 as u64),
                O::WrapUint8 => unary!(WrapUint8, |a| a & 0xFF),
                O::WrapUint16 => unary!(WrapUint16, |a| a & 0xFFFF),
                O::WrapUint32 => unary!(WrapUint32, |a| a & 0xFFFF_FFFF),
                O::AddUint32 => binary!(AddUint32, |a, b| u64::from(
                    (a as u32).wrapping_add(b as u32)
                )),
                O::AddInt32 => binary!(AddInt32, |a, b| (a as i32).wrapping_add(b as i32) as i64
                    as u64),
                O::SubUint32 => binary!(SubUint32, |a, b| u64::from(
                    (a as u32).wrapping_sub(b as u32)
                )),
                O::SubInt32 => binary!(SubInt32, |a, b| (a as i32).wrapping_sub(b as i32) as i64
                    as u64),
                O::MulUint32 => binary!(MulUint32, |a, b| u64::from(
                    (a as u32).wrapping_mul(b as u32)
                )),
                O::MulInt32 => binary!(MulInt32, |a, b| (a as i32).wrapping_mul(b as i32) as i64
                    as u64),
                O::ShlUint32Imm => {
                    immediate!(ShlUint32Imm, |a, v| u64::from((a as u32) << (v & 31)))
                }
                O::ShlUint32 => binary!(ShlUint32, |a, b| if b < 32 {
                    u64::from((a as u32) << b)
                } else {
                    0
                }),
                O::NotUint32 => unary!(NotUint32, |a| u64::from(!(a as u32))),

                // ---- floats ----
                O::AddFloat => float_binary!(AddFloat, |a, b| a + b),
                O::SubFloat => float_binary!(SubFloat, |a, b| a - b),
                O::MulFloat => float_binary!(MulFloat, |a, b| a * b),
                O::DivFloat => float_binary!(DivFloat, |a, b| a / b),
                O::MulAddFloat => {
                    let i = decode!(MulAddFloat);
                    // Two roundings: Rust never fuses the operations.
                    r!(i.dst) = (float!(i.dst) + float!(i.a) * float!(i.b)).to_bits();
                    next!(MulAddFloat);
                }
                O::MulComplex => complex_binary!(MulComplex, ops::arithmetic::mul_complex),
                O::DivComplex => complex_binary!(DivComplex, ops::arithmetic::div_complex),
                O::NegFloat => unary!(NegFloat, |a| a ^ 1 << 63),
                O::RoundFloat32 => unary!(RoundFloat32, |a| f64::from(f64::from_bits(a) as f32)
                    .to_bits()),
                O::SqrtFloat => unary!(SqrtFloat, |a| f64::from_bits(a).sqrt().to_bits()),
                O::MinFloat => float_binary!(MinFloat, |a, b| ops::arithmetic::min_float(a, b)),
                O::MaxFloat => float_binary!(MaxFloat, |a, b| ops::arithmetic::max_float(a, b)),
                O::IntToFloat => unary!(IntToFloat, |a| (a as i64 as f64).to_bits()),
                O::UintToFloat => unary!(UintToFloat, |a| (a as f64).to_bits()),
                O::IntToFloat32 => unary!(IntToFloat32, |a| f64::from(a as i64 as f32).to_bits()),
                O::UintToFloat32 => unary!(UintToFloat32, |a| f64::from(a as f32).to_bits()),
                O::FloatToInt => unary!(FloatToInt, |a| ops::arithmetic::float_to_int(
                    f64::from_bits(a)
                ) as u64),
                O::FloatToInt32 => unary!(FloatToInt32, |a| ops::arithmetic::float_to_int32(
                    f64::from_bits(a)
                ) as u64),
                O::FloatToUint => unary!(FloatToUint, |a| ops::arithmetic::float_to_uint(
                    f64::from_bits(a)
                )),

                // ---- comparison ----
                O::EqInt => binary!(EqInt, |a, b| u64::from(a == b)),
                O::NeInt => binary!(NeInt, |a, b| u64::from(a != b)),
                O::LtInt => binary!(LtInt, |a, b| u64::from((a as i64) < b as i64)),
                O::LeInt => binary!(LeInt, |a, b| u64::from(a as i64 <= b as i64)),
                O::LtUint => binary!(LtUint, |a, b| u64::from(a < b)),
                O::LeUint => binary!(LeUint, |a, b| u64::from(a <= b)),
                O::EqFloat => float_compare!(EqFloat, |a, b| a == b),
                O::NeFloat => float_compare!(NeFloat, |a, b| a != b),
                O::LtFloat => float_compare!(LtFloat, |a, b| a < b),
                O::LeFloat => float_compare!(LeFloat, |a, b| a <= b),
                O::NotBool => unary!(NotBool, |a| a ^ 1),
                O::EqString => {
                    let i = decode!(EqString);
                    r!(i.dst) = u64::from(ops::strings::equal(
                        fp.add(i.a.0 as usize),
                        fp.add(i.b.0 as usize),
                    ));
                    next!(EqString);
                }
                O::NeString => {
                    let i = decode!(NeString);
                    r!(i.dst) = u64::from(!ops::strings::equal(
                        fp.add(i.a.0 as usize),
                        fp.add(i.b.0 as usize),
                    ));
                    next!(NeString);
                }
                O::LtString => {
                    let i = decode!(LtString);
                    r!(i.dst) = u64::from(
                        ops::strings::compare(fp.add(i.a.0 as usize), fp.add(i.b.0 as usize))
                            .is_lt(),
                    );
                    next!(LtString);
                }
                O::LeString => {
                    let i = decode!(LeString);
                    r!(i.dst) = u64::from(
                        ops::strings::compare(fp.add(i.a.0 as usize), fp.add(i.b.0 as usize))
                            .is_le(),
                    );
                    next!(LeString);
                }
                O::EqInterface => call!(ops::compare::eq_interface),
                O::EqValue => call!(ops::compare::eq_value),

                // ---- jumps ----
                O::Jump => {
                    let i = decode!(Jump);
                    ip = ip.add(op::Jump::WORDS).offset(i.to.0 as isize);
                }
                O::Loop => {
                    let i = decode!(Loop);
                    let target = ip.add(op::Loop::WORDS).offset(i.to.0 as isize);
                    if fp as usize > limit.load(Relaxed) {
                        go!(back_edge(cx, ip, target, fp));
                    }
                    ip = target;
                }
                O::JumpIfTrue => {
                    let i = decode!(JumpIfTrue);
                    jump!(JumpIfTrue, i, r!(i.a) != 0)
                }
                O::JumpIfFalse => {
                    let i = decode!(JumpIfFalse);
                    jump!(JumpIfFalse, i, r!(i.a) == 0)
                }
                O::JumpIfEqInt => jump_if!(JumpIfEqInt, |a, b| a == b),
                O::JumpIfNeInt => jump_if!(JumpIfNeInt, |a, b| a != b),
                O::JumpIfLtInt => jump_if!(JumpIfLtInt, |a, b| (a as i64) < b as i64),
                O::JumpIfLeInt => jump_if!(JumpIfLeInt, |a, b| a as i64 <= b as i64),
                O::JumpIfLtUint => jump_if!(JumpIfLtUint, |a, b| a < b),
                O::JumpIfLeUint => jump_if!(JumpIfLeUint, |a, b| a <= b),
                O::JumpIfEqFloat => jump_if_float!(JumpIfEqFloat, |a, b| a == b),
                O::JumpIfNeFloat => jump_if_float!(JumpIfNeFloat, |a, b| a != b),
                O::JumpIfLtFloat => jump_if_float!(JumpIfLtFloat, |a, b| a < b),
                O::JumpIfLeFloat => jump_if_float!(JumpIfLeFloat, |a, b| a <= b),
                O::JumpIfNotLtFloat => jump_if_float!(JumpIfNotLtFloat, |a, b| !(a < b)),
                O::JumpIfNotLeFloat => jump_if_float!(JumpIfNotLeFloat, |a, b| !(a <= b)),
                O::JumpIfEqIntImm => jump_if_immediate!(JumpIfEqIntImm, |a, v| a == v),
                O::JumpIfNeIntImm => jump_if_immediate!(JumpIfNeIntImm, |a, v| a != v),
                O::JumpIfLtIntImm => jump_if_immediate!(JumpIfLtIntImm, |a, v| a < v),
                O::JumpIfLeIntImm => jump_if_immediate!(JumpIfLeIntImm, |a, v| a <= v),
                O::JumpIfGtIntImm => jump_if_immediate!(JumpIfGtIntImm, |a, v| a > v),
                O::JumpIfGeIntImm => jump_if_immediate!(JumpIfGeIntImm, |a, v| a >= v),
                O::LoopIfTrue => {
                    let i = decode!(LoopIfTrue);
                    back!(LoopIfTrue, i, r!(i.a) != 0)
                }
                O::LoopIfFalse => {
                    let i = decode!(LoopIfFalse);
                    back!(LoopIfFalse, i, r!(i.a) == 0)
                }
                O::LoopIfEqInt => loop_if!(LoopIfEqInt, |a, b| a == b),
                O::LoopIfNeInt => loop_if!(LoopIfNeInt, |a, b| a != b),
                O::LoopIfLtInt => loop_if!(LoopIfLtInt, |a, b| (a as i64) < b as i64),
                O::LoopIfLeInt => loop_if!(LoopIfLeInt, |a, b| a as i64 <= b as i64),
                O::LoopIfLtUint => loop_if!(LoopIfLtUint, |a, b| a < b),
                O::LoopIfLeUint => loop_if!(LoopIfLeUint, |a, b| a <= b),
                O::LoopIfEqFloat => loop_if_float!(LoopIfEqFloat, |a, b| a == b),
                O::LoopIfNeFloat => loop_if_float!(LoopIfNeFloat, |a, b| a != b),
                O::LoopIfLtFloat => loop_if_float!(LoopIfLtFloat, |a, b| a < b),
                O::LoopIfLeFloat => loop_if_float!(LoopIfLeFloat, |a, b| a <= b),
                O::LoopIfNotLtFloat => loop_if_float!(LoopIfNotLtFloat, |a, b| !(a < b)),
                O::LoopIfNotLeFloat => loop_if_float!(LoopIfNotLeFloat, |a, b| !(a <= b)),
                O::LoopIfEqIntImm => loop_if_immediate!(LoopIfEqIntImm, |a, v| a == v),
                O::LoopIfNeIntImm => loop_if_immediate!(LoopIfNeIntImm, |a, v| a != v),
                O::LoopIfLtIntImm => loop_if_immediate!(LoopIfLtIntImm, |a, v| a < v),
                O::LoopIfLeIntImm => loop_if_immediate!(LoopIfLeIntImm, |a, v| a <= v),
                O::LoopIfGtIntImm => loop_if_immediate!(LoopIfGtIntImm, |a, v| a > v),
                O::LoopIfGeIntImm => loop_if_immediate!(LoopIfGeIntImm, |a, v| a >= v),
                O::JumpIfEqString => {
                    let i = decode!(JumpIfEqString);
                    jump!(
                        JumpIfEqString,
                        i,
                        ops::strings::equal(fp.add(i.a.0 as usize), fp.add(i.b.0 as usize))
                    )
                }
                O::JumpIfNeString => {
                    let i = decode!(JumpIfNeString);
                    jump!(
                        JumpIfNeString,
                        i,
                        !ops::strings::equal(fp.add(i.a.0 as usize), fp.add(i.b.0 as usize))
                    )
                }
                O::ForLtInt => {
                    let i = decode!(ForLtInt);
                    let a = r!(i.a).wrapping_add(1);
                    r!(i.a) = a;
                    back!(ForLtInt, i, (a as i64) < r!(i.b) as i64)
                }
                O::ForLeInt => {
                    let i = decode!(ForLeInt);
                    let a = r!(i.a).wrapping_add(1);
                    r!(i.a) = a;
                    back!(ForLeInt, i, a as i64 <= r!(i.b) as i64)
                }
                O::ForLtIntImm => {
                    let i = decode!(ForLtIntImm);
                    let a = r!(i.a).wrapping_add(1);
                    r!(i.a) = a;
                    back!(ForLtIntImm, i, (a as i64) < i.value.0 as i64)
                }
                O::ForStepLtInt => {
                    let i = decode!(ForStepLtInt);
                    let a = r!(i.a).wrapping_add(i.step.0 as i64 as u64);
                    r!(i.a) = a;
                    back!(ForStepLtInt, i, (a as i64) < r!(i.b) as i64)
                }
                O::JumpTable => {
                    let i = decode!(JumpTable);
                    let a = r!(i.a);
                    let table = ip.add(op::JumpTable::WORDS);
                    let end = table.add(i.count.0 as usize * op::JumpTableEntry::WORDS);
                    ip = end;
                    if a < u64::from(i.count.0) {
                        let entry = table.add(a as usize * op::JumpTableEntry::WORDS);
                        let entry = op::JumpTableEntry::decode(
                            &*entry.cast::<[Word; op::JumpTableEntry::WORDS]>(),
                        );
                        ip = end.offset(entry.to.0 as isize);
                    }
                }
                O::JumpTableEntry => call!(ops::calls::unreachable),

                // ---- heap memory ----
                O::LoadInt8 => load!(LoadInt8, |at| moves::load8(at) as i8 as i64 as u64),
                O::LoadUint8 => load!(LoadUint8, |at| u64::from(moves::load8(at))),
                O::LoadInt16 => load!(LoadInt16, |at| moves::load16(at) as i16 as i64 as u64),
                O::LoadUint16 => load!(LoadUint16, |at| u64::from(moves::load16(at))),
                O::LoadInt32 => load!(LoadInt32, |at| moves::load32(at) as i32 as i64 as u64),
                O::LoadUint32 => load!(LoadUint32, |at| u64::from(moves::load32(at))),
                O::LoadWord => load!(LoadWord, |at| moves::load64(at)),
                O::LoadFloat32 => load!(LoadFloat32, |at| f64::from(f32::from_bits(
                    moves::load32(at)
                ))
                .to_bits()),
                O::LoadRef => load!(LoadRef, |at| moves::load_reference(at)),
                O::LoadPair => {
                    let i = decode!(LoadPair);
                    let at = field!(i);
                    moves::load128_to(fp.add(i.dst.0 as usize), at);
                    next!(LoadPair);
                }
                O::Store8 => store!(Store8, |at, v| moves::store8(at, v as u8)),
                O::Store16 => store!(Store16, |at, v| moves::store16(at, v as u16)),
                O::Store32 => store!(Store32, |at, v| moves::store32(at, v as u32)),
                O::StoreWord => store!(StoreWord, |at, v| moves::store64(at, v)),
                O::StoreFloat32 => store!(StoreFloat32, |at, v| moves::store32(
                    at,
                    (f64::from_bits(v) as f32).to_bits()
                )),
                O::StoreRef => {
                    let i = decode!(StoreRef);
                    let at = field_to_overwrite!(i, 8);
                    moves::put_reference(at, r!(i.src));
                    next!(StoreRef);
                }
                O::StorePair => {
                    let i = decode!(StorePair);
                    let at = field_to_overwrite!(i, 16);
                    moves::put128_from(at, fp.add(i.src.0 as usize));
                    next!(StorePair);
                }
                O::StoreInterface => {
                    let i = decode!(StoreInterface);
                    let at = field_to_overwrite!(i, 16);
                    moves::put128_from(at, fp.add(i.src.0 as usize));
                    next!(StoreInterface);
                }
                O::AtomicLoad => atomic!(AtomicLoad, |i, at| r!(i.dst) =
                    ops::atomics::load(at, i.kind)),
                O::AtomicStore => {
                    atomic!(AtomicStore, |i, at| ops::atomics::store(
                        at,
                        r!(i.src),
                        i.kind
                    ))
                }
                O::AtomicSwap => atomic!(AtomicSwap, |i, at| r!(i.dst) =
                    ops::atomics::swap(at, r!(i.src), i.kind)),
                O::AtomicAdd => atomic!(AtomicAdd, |i, at| r!(i.dst) =
                    ops::atomics::add(at, r!(i.src), i.kind)),
                O::CompareAndSwap => atomic!(CompareAndSwap, |i, at| r!(i.dst) = u64::from(
                    ops::atomics::compare_and_swap(at, r!(i.old), r!(i.src), i.kind)
                )),
                O::AddWordAt => store!(AddWordAt, |at, v| moves::store64(
                    at,
                    moves::load64(at).wrapping_add(v)
                )),
                O::AddFloatAt => store!(AddFloatAt, |at, v| moves::store64(
                    at,
                    (f64::from_bits(moves::load64(at)) + f64::from_bits(v)).to_bits()
                )),
                O::SubFloatAt => store!(SubFloatAt, |at, v| moves::store64(
                    at,
                    (f64::from_bits(moves::load64(at)) - f64::from_bits(v)).to_bits()
                )),
                O::AddImmAt => {
                    let i = decode!(AddImmAt);
                    let at = field!(i);
                    moves::store64(at, moves::load64(at).wrapping_add(i.value.0 as i64 as u64));
                    next!(AddImmAt);
                }
                O::FieldAddress => {
                    let i = decode!(FieldAddress);
                    let at = field!(i);
                    r!(i.dst) = at;
                    next!(FieldAddress);
                }
                O::CheckNil => {
                    let i = decode!(CheckNil);
                    if r!(i.pointer) == 0 {
                        call!(ops::memory::nil_dereference);
                    }
                    next!(CheckNil);
                }
                O::New => {
                    let i = decode!(New);
                    let site = cx.ty(i.ty).site();
                    match cx.local.cache.next_of_window(site) {
                        Some(object) => r!(i.dst) = object.get(),
                        None => call!(ops::memory::new_slowly),
                    }
                    next!(New);
                }
                O::CopyMemory => call!(ops::memory::copy_memory),
                O::Clone => call!(ops::memory::clone),
                O::LoadValue => call!(ops::memory::load_value),
                O::StoreValue => call!(ops::memory::store_value),
                O::EqMemory => call!(ops::compare::eq_memory),

                // ---- globals ----
                O::GlobalAddress => {
                    let i = decode!(GlobalAddress);
                    r!(i.dst) = cx.globals + u64::from(i.at.0);
                    next!(GlobalAddress);
                }
                O::LoadGlobalWord => {
                    let i = decode!(LoadGlobalWord);
                    r!(i.dst) = moves::load64(cx.globals + u64::from(i.at.0));
                    next!(LoadGlobalWord);
                }
                O::LoadGlobalRef => {
                    let i = decode!(LoadGlobalRef);
                    r!(i.dst) = moves::load_reference(cx.globals + u64::from(i.at.0));
                    next!(LoadGlobalRef);
                }
                O::LoadGlobalPair => {
                    let i = decode!(LoadGlobalPair);
                    moves::load128_to(fp.add(i.dst.0 as usize), cx.globals + u64::from(i.at.0));
                    next!(LoadGlobalPair);
                }
                O::StoreGlobalWord => {
                    let i = decode!(StoreGlobalWord);
                    moves::store64(cx.globals + u64::from(i.at.0), r!(i.src));
                    next!(StoreGlobalWord);
                }
                O::StoreGlobalRef => {
                    let i = decode!(StoreGlobalRef);
                    moves::store_reference(cx.globals + u64::from(i.at.0), r!(i.src));
                    next!(StoreGlobalRef);
                }
                O::StoreGlobalPair => {
                    let i = decode!(StoreGlobalPair);
                    moves::store128_from(cx.globals + u64::from(i.at.0), fp.add(i.src.0 as usize));
                    next!(StoreGlobalPair);
                }
                O::StoreGlobalInterface => {
                    let i = decode!(StoreGlobalInterface);
                    moves::store128_from(cx.globals + u64::from(i.at.0), fp.add(i.src.0 as usize));
                    next!(StoreGlobalInterface);
                }

                // ---- slices ----
                O::Len => {
                    let i = decode!(Len);
                    r!(i.dst) = u64::from(r!(i.header) as u32);
                    next!(Len);
                }
                O::Cap => {
                    let i = decode!(Cap);
                    r!(i.dst) = r!(i.header) >> 32;
                    next!(Cap);
                }
                O::SliceGetInt8 => {
                    slice_get!(SliceGetInt8, 1, |at| moves::load8(at) as i8 as i64 as u64)
                }
                O::SliceGetUint8 => slice_get!(SliceGetUint8, 1, |at| u64::from(moves::load8(at))),
                O::SliceGetInt16 => slice_get!(SliceGetInt16, 2, |at| moves::load16(at) as i16
                    as i64
                    as u64),
                O::SliceGetUint16 => {
                    slice_get!(SliceGetUint16, 2, |at| u64::from(moves::load16(at)))
                }
                O::SliceGetInt32 => slice_get!(SliceGetInt32, 4, |at| moves::load32(at) as i32
                    as i64
                    as u64),
                O::SliceGetUint32 => {
                    slice_get!(SliceGetUint32, 4, |at| u64::from(moves::load32(at)))
                }
                O::SliceGetWord => slice_get!(SliceGetWord, 8, |at| moves::load64(at)),
                O::SliceGetFloat32 => slice_get!(SliceGetFloat32, 4, |at| f64::from(
                    f32::from_bits(moves::load32(at))
                )
                .to_bits()),
                O::SliceGetRef => slice_get!(SliceGetRef, 8, |at| moves::load_reference(at)),
                O::SliceGetPair => {
                    let i = decode!(SliceGetPair);
                    let at = element!(i, 16);
                    moves::load128_to(fp.add(i.dst.0 as usize), at);
                    next!(SliceGetPair);
                }
                O::SliceSet8 => slice_set!(SliceSet8, 1, |at, v| moves::store8(at, v as u8)),
                O::SliceSet16 => slice_set!(SliceSet16, 2, |at, v| moves::store16(at, v as u16)),
                O::SliceSet32 => slice_set!(SliceSet32, 4, |at, v| moves::store32(at, v as u32)),
                O::SliceSetWord => slice_set!(SliceSetWord, 8, |at, v| moves::store64(at, v)),
                O::SliceSetFloat32 => slice_set!(SliceSetFloat32, 4, |at, v| moves::store32(
                    at,
                    (f64::from_bits(v) as f32).to_bits()
                )),
                O::SliceSetRef => slice_set!(SliceSetRef, 8, |at, v| moves::store_reference(at, v)),
                O::SliceSetPair => {
                    let i = decode!(SliceSetPair);
                    let at = element!(i, 16);
                    moves::store128_from(at, fp.add(i.src.0 as usize));
                    next!(SliceSetPair);
                }
                O::SliceSetInterface => {
                    let i = decode!(SliceSetInterface);
                    let at = element!(i, 16);
                    moves::store128_from(at, fp.add(i.src.0 as usize));
                    next!(SliceSetInterface);
                }
                O::SliceAddress => {
                    let i = decode!(SliceAddress);
                    let at = element!(i, u64::from(i.size.0));
                    r!(i.dst) = at;
                    next!(SliceAddress);
                }
                O::SliceGetWord2 => {
                    let i = decode!(SliceGetWord2);
                    let (outer, header) = (r!(i.slice), *fp.add(i.slice.0 as usize + 1));
                    let (x, y) = (r!(i.i), r!(i.j));
                    if x >= u64::from(header as u32) {
                        call!(ops::slices::index2_out_of_range);
                    }
                    // The inner header is loaded whole, once: a racing store cannot tear it.
                    let (inner, header) = moves::load128(outer + x * 16);
                    if y >= u64::from(header as u32) {
                        go!(ops::slices::index_panic(
                            cx,
                            ip,
                            fp,
                            y,
                            u64::from(header as u32)
                        ));
                    }
                    r!(i.dst) = moves::load64(inner + y * 8);
                    next!(SliceGetWord2);
                }
                O::SliceSetWord2 => {
                    let i = decode!(SliceSetWord2);
                    let (outer, header) = (r!(i.slice), *fp.add(i.slice.0 as usize + 1));
                    let (x, y) = (r!(i.i), r!(i.j));
                    if x >= u64::from(header as u32) {
                        call!(ops::slices::index2_out_of_range);
                    }
                    let (inner, header) = moves::load128(outer + x * 16);
                    if y >= u64::from(header as u32) {
                        go!(ops::slices::index_panic(
                            cx,
                            ip,
                            fp,
                            y,
                            u64::from(header as u32)
                        ));
                    }
                    moves::store64(inner + y * 8, r!(i.src));
                    next!(SliceSetWord2);
                }
                O::StringGet => {
                    let i = decode!(StringGet);
                    let index = r!(i.index);
                    let length = *fp.add(i.string.0 as usize + 1);
                    if index >= length {
                        go!(ops::slices::index_panic(cx, ip, fp, index, length));
                    }
                    r!(i.dst) = u64::from(moves::load8(r!(i.string) + index));
                    next!(StringGet);
                }
                O::SliceSlice => call!(ops::slices::slice_slice),
                O::SliceString => call!(ops::slices::slice_string),
                O::SliceArray => call!(ops::slices::slice_array),
                O::SliceToArray => {
                    let i = decode!(SliceToArray);
                    if (*fp.add(i.slice.0 as usize + 1) as u32) < i.length.0 {
                        call!(ops::slices::slice_too_short);
                    }
                    r!(i.dst) = r!(i.slice);
                    next!(SliceToArray);
                }
                O::MakeSlice => call!(ops::slices::make_slice),
                O::Append => call!(ops::slices::append),
                O::AppendWord => {
                    let i = decode!(AppendWord);
                    let (pointer, header) = (r!(i.slice), *fp.add(i.slice.0 as usize + 1));
                    let length = u64::from(header as u32);
                    if length >= header >> 32 {
                        call!(ops::slices::append_word_slow);
                    }
                    moves::store64(pointer + length * 8, r!(i.src));
                    r!(i.dst) = pointer;
                    *fp.add(i.dst.0 as usize + 1) = header + 1;
                    next!(AppendWord);
                }
                O::Append8 => {
                    let i = decode!(Append8);
                    let (pointer, header) = (r!(i.slice), *fp.add(i.slice.0 as usize + 1));
                    let length = u64::from(header as u32);
                    if length >= header >> 32 {
                        call!(ops::slices::append8_slow);
                    }
                    moves::store8(pointer + length, r!(i.src) as u8);
                    r!(i.dst) = pointer;
                    *fp.add(i.dst.0 as usize + 1) = header + 1;
                    next!(Append8);
                }
                O::AppendReserve => call!(ops::slices::append_reserve),
                O::AppendSlice => call!(ops::slices::append_slice),
                O::AppendString => call!(ops::slices::append_string),
                O::CopySlice => call!(ops::slices::copy_slice),
                O::CopyString => call!(ops::slices::copy_string),
                O::ClearSlice => call!(ops::slices::clear_slice),

                // ---- arrays ----
                O::ArrayGetInt8 => {
                    array_get!(ArrayGetInt8, 1, |at| moves::load8(at) as i8 as i64 as u64)
                }
                O::ArrayGetUint8 => array_get!(ArrayGetUint8, 1, |at| u64::from(moves::load8(at))),
                O::ArrayGetInt16 => array_get!(ArrayGetInt16, 2, |at| moves::load16(at) as i16
                    as i64
                    as u64),
                O::ArrayGetUint16 => {
                    array_get!(ArrayGetUint16, 2, |at| u64::from(moves::load16(at)))
                }
                O::ArrayGetInt32 => array_get!(ArrayGetInt32, 4, |at| moves::load32(at) as i32
                    as i64
                    as u64),
                O::ArrayGetUint32 => {
                    array_get!(ArrayGetUint32, 4, |at| u64::from(moves::load32(at)))
                }
                O::ArrayGetWord => array_get!(ArrayGetWord, 8, |at| moves::load64(at)),
                O::ArrayGetFloat32 => array_get!(ArrayGetFloat32, 4, |at| f64::from(
                    f32::from_bits(moves::load32(at))
                )
                .to_bits()),
                O::ArrayGetRef => array_get!(ArrayGetRef, 8, |at| moves::load_reference(at)),
                O::ArrayGetPair => {
                    let i = decode!(ArrayGetPair);
                    let at = array_element!(i, 16);
                    moves::load128_to(fp.add(i.dst.0 as usize), at);
                    next!(ArrayGetPair);
                }
                O::ArraySet8 => array_set!(ArraySet8, 1, |at, v| moves::store8(at, v as u8)),
                O::ArraySet16 => array_set!(ArraySet16, 2, |at, v| moves::store16(at, v as u16)),
                O::ArraySet32 => array_set!(ArraySet32, 4, |at, v| moves::store32(at, v as u32)),
                O::ArraySetWord => array_set!(ArraySetWord, 8, |at, v| moves::store64(at, v)),
                O::ArraySetFloat32 => array_set!(ArraySetFloat32, 4, |at, v| moves::store32(
                    at,
                    (f64::from_bits(v) as f32).to_bits()
                )),
                O::ArraySetRef => array_set!(ArraySetRef, 8, |at, v| moves::store_reference(at, v)),
                O::ArraySetPair => {
                    let i = decode!(ArraySetPair);
                    let at = array_element!(i, 16);
                    moves::store128_from(at, fp.add(i.src.0 as usize));
                    next!(ArraySetPair);
                }
                O::ArraySetInterface => {
                    let i = decode!(ArraySetInterface);
                    let at = array_element!(i, 16);
                    moves::store128_from(at, fp.add(i.src.0 as usize));
                    next!(ArraySetInterface);
                }
                O::ArrayAddress => {
                    let i = decode!(ArrayAddress);
                    let at = array_element!(i, u64::from(i.size.0));
                    r!(i.dst) = at;
                    next!(ArrayAddress);
                }

                // ---- strings ----
                O::Concat => call!(ops::strings::concat),
                O::ConcatRun => call!(ops::strings::concat_run),
                O::StringFromRune => call!(ops::strings::string_from_rune),
                O::StringFromBytes => call!(ops::strings::string_from_bytes),
                O::StringFromRunes => call!(ops::strings::string_from_runes),
                O::BytesFromString => call!(ops::strings::bytes_from_string),
                O::RunesFromString => call!(ops::strings::runes_from_string),
                O::StringNext => {
                    let i = decode!(StringNext);
                    let index = r!(i.index);
                    if index < *fp.add(i.string.0 as usize + 1) {
                        let byte = moves::load8(r!(i.string) + index);
                        if byte < 0x80 {
                            r!(i.rune) = u64::from(byte);
                            r!(i.next) = index + 1;
                            next!(StringNext);
                            continue;
                        }
                    }
                    call!(ops::strings::string_next)
                }

                // ---- maps ----
                O::MakeMap => call!(ops::maps::make_map),
                O::MapGet => call!(ops::maps::get),
                O::MapGetOk => call!(ops::maps::get_ok),
                O::MapGetWord => call!(ops::maps::get_word),
                O::MapGetWordOk => call!(ops::maps::get_word_ok),
                O::MapGetString => call!(ops::maps::get_string),
                O::MapGetStringOk => call!(ops::maps::get_string_ok),
                O::MapSet => call!(ops::maps::set),
                O::MapAddress => call!(ops::maps::address),
                O::MapDelete => call!(ops::maps::delete),
                O::MapLen => {
                    let i = decode!(MapLen);
                    r!(i.dst) = crate::objects::map::len(r!(i.map));
                    next!(MapLen);
                }
                O::MapClear => call!(ops::maps::clear),
                O::MapIterate => call!(ops::maps::iterate),
                O::MapNext => call!(ops::maps::next),

                // ---- interfaces ----
                O::MakeInterface => {
                    let i = decode!(MakeInterface);
                    let ty = cx.ty(i.ty);
                    if ty.slots != 1 {
                        call!(ops::interfaces::make_wide);
                    }
                    let data = r!(i.src);
                    r!(i.dst) = ty.word();
                    *fp.add(i.dst.0 as usize + 1) = data;
                    next!(MakeInterface);
                }
                O::Unpack => {
                    let i = decode!(Unpack);
                    let ty = cx.ty(i.ty);
                    let data = *fp.add(i.src.0 as usize + 1);
                    if ty.slots != 1 {
                        call!(ops::interfaces::unpack_wide);
                    }
                    r!(i.dst) = data;
                    next!(Unpack);
                }
                O::AssertType => {
                    let i = decode!(AssertType);
                    let ty = cx.ty(i.ty);
                    if r!(i.src) != ty.word() {
                        call!(ops::interfaces::assert_type_failed);
                    }
                    let data = *fp.add(i.src.0 as usize + 1);
                    if ty.slots != 1 {
                        call!(ops::interfaces::assert_wide);
                    }
                    r!(i.dst) = data;
                    next!(AssertType);
                }
                O::AssertTypeOk => call!(ops::interfaces::assert_type_ok),
                O::AssertInterface => call!(ops::interfaces::assert_interface),
                O::AssertInterfaceOk => call!(ops::interfaces::assert_interface_ok),
                O::JumpIfNotType => {
                    let i = decode!(JumpIfNotType);
                    let word = (*cx.types.add(i.ty.0 as usize)).as_ptr() as u64;
                    jump!(JumpIfNotType, i, r!(i.src) != word)
                }
                O::JumpIfNotInterface => {
                    let i = decode!(JumpIfNotInterface);
                    jump!(
                        JumpIfNotInterface,
                        i,
                        !ops::interfaces::implements(r!(i.src), cx.ty(i.ty))
                    )
                }

                // ---- calls ----
                O::Call => {
                    let i = decode!(Call);
                    let window = i.window.0 as usize;
                    let back = ip.add(op::Call::WORDS);
                    fp = fp.add(window);
                    *fp.sub(2) = (back as usize - code as usize) as u64
                        | (window as u64) << crate::fiber::WINDOW_SHIFT;
                    // A linked call holds the distance.
                    ip = back.offset(i.function.0 as i32 as isize);
                    if fp as usize > limit.load(Relaxed) {
                        call!(enter);
                    }
                }
                O::CallClosure => {
                    let i = decode!(CallClosure);
                    let closure = r!(i.closure);
                    if closure == 0 {
                        call!(ops::memory::nil_dereference);
                    }
                    let window = i.window.0 as usize;
                    let back = ip.add(op::CallClosure::WORDS);
                    fp = fp.add(window);
                    *fp.sub(2) = (back as usize - code as usize) as u64
                        | (window as u64) << crate::fiber::WINDOW_SHIFT;
                    *fp.sub(1) = closure;
                    // The first word of a closure is the address of its code.
                    ip = moves::load64(closure) as *const Word;
                    if fp as usize > limit.load(Relaxed) {
                        call!(enter);
                    }
                }
                O::CallInterface => {
                    let i = decode!(CallInterface);
                    let word = r!(i.receiver);
                    let data = *fp.add(i.receiver.0 as usize + 1);
                    if word == 0 {
                        call!(ops::memory::nil_dereference);
                    }
                    let entry = crate::types::RuntimeType::entry(word as *const _, i.selector.0);
                    let window = i.window.0 as usize;
                    let back = ip.add(op::CallInterface::WORDS);
                    fp = fp.add(window);
                    *fp.sub(2) = (back as usize - code as usize) as u64
                        | (window as u64) << crate::fiber::WINDOW_SHIFT;
                    *fp = data;
                    ip = code.add(entry.code as usize);
                    if fp as usize > limit.load(Relaxed) {
                        call!(enter);
                    }
                }
                O::CallNative => call!(ops::calls::call_native),
                O::Return => go!(returning(code, fp)),
                O::ReturnOne => {
                    let i = decode!(ReturnOne);
                    *fp = r!(i.src);
                    go!(returning(code, fp))
                }
                O::ReturnRun => {
                    let i = decode!(ReturnRun);
                    std::ptr::copy(fp.add(i.src.0 as usize), fp, i.count.0 as usize);
                    go!(returning(code, fp))
                }
                O::CheckStack => call!(ops::calls::check_stack),
                O::Go => call!(ops::calls::go),
                O::Defer => call!(ops::calls::defer),
                O::DeferToken => call!(ops::calls::defer_token),
                O::DeferAt => call!(ops::calls::defer_at),
                O::RangeState => {
                    let i = decode!(RangeState);
                    moves::store64(r!(i.control), i.value.0 as u64);
                    next!(RangeState);
                }
                O::RangeEnter => {
                    let i = decode!(RangeEnter);
                    let control = r!(i.control);
                    if moves::load64(control) != ops::calls::range_state::READY {
                        go!(ops::calls::range_enter(cx, ip, fp));
                    }
                    moves::store64(control, ops::calls::range_state::RUNNING);
                    next!(RangeEnter);
                }
                O::RangeExit => call!(ops::calls::range_exit),
                O::RunDefers => call!(ops::calls::run_defers),
                O::Recover => call!(ops::calls::recover),
                O::Panic => call!(ops::calls::panic),
                O::MakeClosure => call!(ops::calls::make_closure),
                O::LoadCapture => {
                    let i = decode!(LoadCapture);
                    let captures = *fp.sub(1) + 8 + u64::from(i.index.0) * 8;
                    for slot in 0..i.count.0 as usize {
                        *fp.add(i.dst.0 as usize + slot) =
                            moves::load_reference(captures + slot as u64 * 8);
                    }
                    next!(LoadCapture);
                }

                // ---- channels ----
                O::MakeChannel => call!(ops::channels::make),
                O::Send => call!(ops::channels::send),
                O::Receive => call!(ops::channels::receive),
                O::ReceiveOk => call!(ops::channels::receive_ok),
                O::CloseChannel => call!(ops::channels::close),
                O::ChannelLen => {
                    let i = decode!(ChannelLen);
                    r!(i.dst) = crate::objects::channel::len(r!(i.channel));
                    next!(ChannelLen);
                }
                O::ChannelCap => {
                    let i = decode!(ChannelCap);
                    r!(i.dst) = crate::objects::channel::capacity(r!(i.channel));
                    next!(ChannelCap);
                }
                O::Select => call!(ops::channels::select),
                O::SelectSend => call!(ops::calls::unreachable),
                O::SelectReceive => call!(ops::calls::unreachable),

                // ---- the rest ----
                O::Unreachable => call!(ops::calls::unreachable),
                O::Stub => {
                    let i = decode!(Stub);
                    if i.number.0 == crate::running::stub::LEAVE {
                        return;
                    }
                    call!(ops::calls::stub)
                }
            }
        }
    }
}
