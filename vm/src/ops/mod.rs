//! What the longer arms of the interpreter call.
//!
//! Functions with the signature `(cx, ip, fp) -> Next` are whole instructions: they decode the instruction at `ip` and say where to go
//! on. Their common safety contract: INVARIANT CODE and INVARIANT VALUES of [`crate::running`] hold, and `ip` is an instruction of
//! the kind they are for.

pub(crate) mod arithmetic;
pub(crate) mod atomics;
pub(crate) mod calls;
pub(crate) mod channels;
pub(crate) mod compare;
pub(crate) mod interfaces;
pub(crate) mod maps;
pub(crate) mod memory;
pub(crate) mod reflected;
pub(crate) mod slices;
pub(crate) mod strings;

/// The operands of the instruction at `ip`.
macro_rules! decode {
    ($ip:expr, $op:ident) => {
        bytecode::op::$op::decode(&*$ip.cast::<[bytecode::Word; bytecode::op::$op::WORDS]>())
    };
}
/// A register.
macro_rules! r {
    ($fp:expr, $register:expr) => {
        *$fp.add($register.0 as usize)
    };
}
/// The slot after a register: the second half of a pair.
macro_rules! high {
    ($fp:expr, $register:expr) => {
        *$fp.add($register.0 as usize + 1)
    };
}
/// The instruction after this one, same frame.
macro_rules! after {
    ($ip:expr, $fp:expr, $op:ident) => {
        crate::running::Next {
            ip: $ip.add(bytecode::op::$op::WORDS),
            fp: $fp,
        }
    };
}
/// The value, or the end of the program.
macro_rules! allocated {
    ($cx:expr, $ip:expr, $fp:expr, $result:expr) => {
        match $result {
            Ok(value) => value,
            Err(full) => return $cx.out_of_memory($ip, $fp, full),
        }
    };
}
pub(crate) use {after, allocated, decode, high, r};
