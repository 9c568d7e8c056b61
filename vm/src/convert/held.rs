//! Values that the host holds, as parameters and results.

use super::{Declarations, FromGo, GoType, IntoGo, Mismatch, Target, Unconvertible};
use crate::border::{Any, View};
use crate::held::Held;
use crate::native::{GoPanic, NativeContext};
use crate::types::RuntimeType;

/// A value of any Go type, held: of an interface what is in it, `None` for a nil interface.
#[derive(Debug)]
pub struct HeldAny(pub Option<Held>);

impl HeldAny {
    /// Holds an interface value.
    pub fn new(any: Any<'_>, context: &NativeContext<'_>) -> HeldAny {
        HeldAny((!any.is_nil()).then(|| context.machine.hold(any.word, any.data)))
    }

    /// Writes a held value to where one of a type belongs.
    ///
    /// # Errors
    /// It is another machine's, or of another type.
    pub fn give<'h>(
        held: Option<&Held>,
        target: Target<'h>,
        context: &NativeContext<'h>,
    ) -> Result<(), GoPanic> {
        let any = match held {
            Some(held) => held
                .any(context)
                .ok_or_else(|| GoPanic::text("a value of another VM"))?,
            None => Any::NIL,
        };
        if target.view().assign(any) {
            return Ok(());
        }
        let what = any.ty().map_or("nil", RuntimeType::name);
        Err(GoPanic::text(format!(
            "a value of type {what} where {} is expected",
            target.ty().name()
        )))
    }
}

impl GoType for HeldAny {
    type Plan = ();
    fn declare(_: &mut Declarations) -> String {
        "any".to_owned()
    }
    fn plan(_: &RuntimeType) -> Result<(), Mismatch> {
        Ok(())
    }
}

impl FromGo for HeldAny {
    fn from_go<'h>(
        view: View<'h>,
        _: &(),
        context: &mut NativeContext<'h>,
    ) -> Result<HeldAny, Unconvertible> {
        let any = view
            .to_any(context)
            .map_err(|_| Unconvertible("there is no memory for a value".to_owned()))?;
        Ok(HeldAny::new(any, context))
    }
}

impl IntoGo for HeldAny {
    fn into_go<'h>(
        self,
        target: Target<'h>,
        _: &(),
        context: &mut NativeContext<'h>,
    ) -> Result<(), GoPanic> {
        HeldAny::give(self.0.as_ref(), target, context)
    }
}
