//! Arguments of host functions: owned values, and `&str` and `&[u8]` for the time of the call.

use super::registers::Registers;
use super::{Declarations, FromGo, GoType, Mismatch, Unconvertible, collections, scalars};
use crate::border::GoStr;
use crate::native::NativeContext;
use crate::types::RuntimeType;

/// What a host function can take. `Item` is what it is given: of `&str` one of the call's own lifetime.
pub trait Argument {
    /// As [`GoType::Plan`].
    type Plan: Send + Sync + 'static;
    /// What is kept for the time of the call.
    type Held<'h>;
    /// What the function is given.
    type Item<'a>;

    /// As [`GoType::declare`].
    fn declare(declarations: &mut Declarations) -> String;

    /// As [`GoType::plan`].
    ///
    /// # Errors
    /// As [`GoType::plan`].
    fn plan(ty: &RuntimeType) -> Result<Self::Plan, Mismatch>;

    /// Reads the value.
    ///
    /// # Errors
    /// As [`FromGo::from_go`].
    #[doc(hidden)]
    fn hold<'h>(
        registers: Registers<'h>,
        plan: &Self::Plan,
        context: &mut NativeContext<'h>,
    ) -> Result<Self::Held<'h>, Unconvertible>;

    /// Gives it to the function.
    #[doc(hidden)]
    fn lend<'a>(held: &'a mut Self::Held<'_>) -> Self::Item<'a>;
}

impl<T: FromGo> Argument for T {
    type Plan = T::Plan;
    type Held<'h> = Option<T>;
    type Item<'a> = T;

    fn declare(declarations: &mut Declarations) -> String {
        <T as GoType>::declare(declarations)
    }

    fn plan(ty: &RuntimeType) -> Result<T::Plan, Mismatch> {
        <T as GoType>::plan(ty)
    }

    #[inline]
    fn hold<'h>(
        registers: Registers<'h>,
        plan: &T::Plan,
        context: &mut NativeContext<'h>,
    ) -> Result<Option<T>, Unconvertible> {
        T::from_registers(registers, plan, context).map(Some)
    }

    #[inline]
    fn lend(held: &mut Option<T>) -> T {
        held.take().expect("an argument is given once")
    }
}

impl Argument for &str {
    type Plan = ();
    type Held<'h> = (GoStr<'h>, &'h str);
    type Item<'a> = &'a str;

    fn declare(_: &mut Declarations) -> String {
        "string".to_owned()
    }

    fn plan(ty: &RuntimeType) -> Result<(), Mismatch> {
        <String as GoType>::plan(ty)
    }

    #[inline]
    fn hold<'h>(
        registers: Registers<'h>,
        _: &(),
        _: &mut NativeContext<'h>,
    ) -> Result<(GoStr<'h>, &'h str), Unconvertible> {
        let string = scalars::held_string(registers);
        Ok((string, scalars::utf8(&string)?))
    }

    #[inline]
    fn lend<'a>(held: &'a mut (GoStr<'_>, &str)) -> &'a str {
        held.1
    }
}

/// A script may change the bytes of a slice at any time, so the function is given a copy.
impl Argument for &[u8] {
    type Plan = ();
    type Held<'h> = Vec<u8>;
    type Item<'a> = &'a [u8];

    fn declare(_: &mut Declarations) -> String {
        "[]byte".to_owned()
    }

    fn plan(ty: &RuntimeType) -> Result<(), Mismatch> {
        match collections::is_byte_slice(ty) {
            true => Ok(()),
            false => Err(Mismatch::of::<Vec<u8>>(ty)),
        }
    }

    fn hold<'h>(
        registers: Registers<'h>,
        _: &(),
        _: &mut NativeContext<'h>,
    ) -> Result<Vec<u8>, Unconvertible> {
        Ok(collections::copied_bytes(registers))
    }

    #[inline]
    fn lend(held: &mut Vec<u8>) -> &[u8] {
        held
    }
}
