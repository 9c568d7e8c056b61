//! Scalars and strings.

use bytecode::TypeKind;

use super::registers::Registers;
use super::{Declarations, FromGo, GoType, IntoGo, Mismatch, Target, Unconvertible};
use crate::border::{Bytes, GoStr, Scalar, View};
use crate::native::{GoPanic, NativeContext};
use crate::types::RuntimeType;

macro_rules! scalars {
    ($($ty:ty: $name:literal, $($kind:ident)|+;)*) => {$(
        impl GoType for $ty {
            type Plan = ();
            fn declare(_: &mut Declarations) -> String {
                $name.to_owned()
            }
            fn plan(ty: &RuntimeType) -> Result<(), Mismatch> {
                match ty.kind() {
                    $(TypeKind::$kind)|+ => Ok(()),
                    _ => Err(Mismatch::of::<$ty>(ty)),
                }
            }
        }
        impl FromGo for $ty {
            #[inline]
            fn from_go<'h>(view: View<'h>, _: &(), _: &mut NativeContext<'h>) -> Result<$ty, Unconvertible> {
                Ok(<$ty as Scalar>::from_slot(view.slot()))
            }
            #[inline]
            fn from_registers<'h>(registers: Registers<'h>, _: &(), _: &mut NativeContext<'h>) -> Result<$ty, Unconvertible> {
                Ok(<$ty as Scalar>::from_slot(registers.slot()))
            }
        }
        impl IntoGo for $ty {
            #[inline]
            fn into_go<'h>(self, target: Target<'h>, _: &(), _: &mut NativeContext<'h>) -> Result<(), GoPanic> {
                target.set_scalar(self.to_slot());
                Ok(())
            }
            #[inline]
            fn into_registers<'h>(self, registers: Registers<'h>, _: &(), _: &mut NativeContext<'h>) -> Result<(), GoPanic> {
                registers.set_slot(self.to_slot());
                Ok(())
            }
        }
    )*};
}

scalars! {
    bool: "bool", Bool;
    i8: "int8", Int8;
    i16: "int16", Int16;
    i32: "int32", Int32;
    i64: "int", Int | Int64;
    u8: "uint8", Uint8;
    u16: "uint16", Uint16;
    u32: "uint32", Uint32;
    u64: "uint64", Uint64 | Uint | Uintptr;
    f32: "float32", Float32;
    f64: "float64", Float64;
}

impl GoType for char {
    type Plan = ();
    fn declare(_: &mut Declarations) -> String {
        "rune".to_owned()
    }
    fn plan(ty: &RuntimeType) -> Result<(), Mismatch> {
        match ty.kind() {
            TypeKind::Int32 => Ok(()),
            _ => Err(Mismatch::of::<char>(ty)),
        }
    }
}

impl FromGo for char {
    fn from_go<'h>(
        view: View<'h>,
        _: &(),
        _: &mut NativeContext<'h>,
    ) -> Result<char, Unconvertible> {
        let rune = view.slot() as i32;
        let valid = u32::try_from(rune).ok().and_then(char::from_u32);
        valid.ok_or_else(|| Unconvertible(format!("{rune} is no character")))
    }
}

impl IntoGo for char {
    fn into_go<'h>(
        self,
        target: Target<'h>,
        _: &(),
        _: &mut NativeContext<'h>,
    ) -> Result<(), GoPanic> {
        target.set_scalar(u64::from(u32::from(self)));
        Ok(())
    }
}

fn is_string<T: GoType>(ty: &RuntimeType) -> Result<(), Mismatch> {
    match ty.kind() {
        TypeKind::String => Ok(()),
        _ => Err(Mismatch::of::<T>(ty)),
    }
}

/// The text of a string that must be UTF-8.
pub(super) fn utf8<'s>(string: &GoStr<'s>) -> Result<&'s str, Unconvertible> {
    std::str::from_utf8(string.as_bytes())
        .map_err(|_| Unconvertible("a string is not valid UTF-8".to_owned()))
}

/// The words of a string.
fn words(string: GoStr<'_>) -> (u64, u64) {
    (string.pointer as u64, string.length as u64)
}

fn string_of<'h>(registers: Registers<'h>) -> GoStr<'h> {
    let (pointer, length) = registers.pair();
    // SAFETY: the registers hold a string (planned), which is good for `'h`.
    unsafe { GoStr::from_raw(pointer as *const u8, length as usize) }
}

pub(super) fn held_string(registers: Registers<'_>) -> GoStr<'_> {
    string_of(registers)
}

macro_rules! strings {
    ($($ty:ty: |$read:ident| $from:expr, |$write:ident| $bytes:expr;)*) => {$(
        impl GoType for $ty {
            type Plan = ();
            fn declare(_: &mut Declarations) -> String {
                "string".to_owned()
            }
            fn plan(ty: &RuntimeType) -> Result<(), Mismatch> {
                is_string::<$ty>(ty)
            }
        }
        impl FromGo for $ty {
            fn from_go<'h>(view: View<'h>, _: &(), _: &mut NativeContext<'h>) -> Result<$ty, Unconvertible> {
                let $read = view.string();
                $from
            }
            #[inline]
            fn from_registers<'h>(registers: Registers<'h>, _: &(), _: &mut NativeContext<'h>) -> Result<$ty, Unconvertible> {
                let $read = string_of(registers);
                $from
            }
        }
        impl IntoGo for $ty {
            fn into_go<'h>(self, target: Target<'h>, _: &(), context: &mut NativeContext<'h>) -> Result<(), GoPanic> {
                let $write = &self;
                target.set_string(context.new_string($bytes)?);
                Ok(())
            }
            #[inline]
            fn into_registers<'h>(self, registers: Registers<'h>, _: &(), context: &mut NativeContext<'h>) -> Result<(), GoPanic> {
                let $write = &self;
                registers.set_pair(words(context.new_string($bytes)?));
                Ok(())
            }
        }
    )*};
}

strings! {
    String: |s| utf8(&s).map(str::to_owned), |s| s.as_bytes();
    Bytes: |s| Ok(Bytes(s.as_bytes().to_vec())), |s| &s.0;
}

impl GoType for &'static str {
    type Plan = ();
    fn declare(_: &mut Declarations) -> String {
        "string".to_owned()
    }
    fn plan(ty: &RuntimeType) -> Result<(), Mismatch> {
        is_string::<&'static str>(ty)
    }
}

impl IntoGo for &'static str {
    fn into_go<'h>(
        self,
        target: Target<'h>,
        _: &(),
        context: &mut NativeContext<'h>,
    ) -> Result<(), GoPanic> {
        target.set_string(context.new_string(self.as_bytes())?);
        Ok(())
    }
}
