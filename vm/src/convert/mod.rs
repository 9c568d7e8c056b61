//! Typed Rust values on the host's side, typed Go values on the script's.
//!
//! | Rust | Go |
//! | --- | --- |
//! | `bool`, `i8` … `i32`, `u8` … `u32`, `f32`, `f64` | the type of that size |
//! | `i64` | `int` (and `int64`) |
//! | `u64` | `uint64` (and `uint`, `uintptr`) |
//! | `char` | `rune` |
//! | `String`, `&str` (arguments), `&'static str` (results) | `string`, which must be UTF-8 |
//! | [`crate::Bytes`] | `string`, any bytes |
//! | `Vec<T>`, `&[u8]` (arguments) | `[]T`, copied |
//! | `HashMap<K, V>`, `BTreeMap<K, V>` | `map[K]V`, copied |
//! | `Option<T>` | `*T`, of which the value is copied |
//! | `Box<T>` | `T` |
//! | structs with `#[derive(GoType)]` | structs with these fields, in any order and among others |
//! | `()`, tuples | several results |
//! | `Result<T, E>` (results of host functions) | `T, error` |
//! | `Result<T, ScriptError>` (results of calls) | `T, error` |
//!
//! Defined Go types count as their underlying types.
//!
//! A conversion is worked out once, when a host function is bound to a declaration or a call to a function: [`GoType::plan`] compares the
//! types and keeps what the conversion needs. What is converted then fits without a look at types. The traits are safe to implement: values
//! are read through [`View`]s and written through [`Target`]s, which know their types.
//!
//! INVARIANT: as for natives: no collection happens during a conversion, so what was allocated may lie where no collector looks.

mod arguments;
mod calls;
mod collections;
mod functions;
mod held;
mod lookup;
mod registers;
mod scalars;
mod target;

pub use arguments::Argument;
pub use calls::{
    AtHand, CallArguments, CallLayout, CallResults, CallShared, CallSlot, CallStatus, ScriptError,
};
pub use functions::{
    AsyncHostFn, BlockingHostFn, HostFn, HostResults, HostSignature, Spawn, Typed, Values,
};
pub use held::HeldAny;
pub use target::Target;

use crate::border::View;
use crate::native::{GoPanic, NativeContext};
use crate::types::RuntimeType;
pub(crate) use registers::{Registers, Scratch};
use std::ptr::NonNull;

/// A Rust type does not stand for a Go type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// What the Go type is.
    pub go: String,
    /// What it would have to be.
    pub wanted: String,
}

impl Mismatch {
    /// `go` is not what `T` stands for.
    pub fn of<T: GoType>(go: &RuntimeType) -> Mismatch {
        Mismatch {
            go: go.name().to_owned(),
            wanted: T::declare(&mut Declarations::default()),
        }
    }
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the Go type is {}, the Rust type stands for {}",
            self.go, self.wanted
        )
    }
}

impl std::error::Error for Mismatch {}

/// A Go value that the Rust type cannot hold: a string that is not UTF-8, say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unconvertible(pub String);

impl std::fmt::Display for Unconvertible {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unconvertible {}

/// Declarations of named Go types, as they are needed by declarations of functions.
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    named: Vec<Declared>,
}

/// A declared type.
#[derive(Clone, Debug)]
struct Declared {
    name: String,
    documentation: String,
    text: String,
}

impl Declarations {
    /// The name of a declared type. What it is `make` says, the first time it is asked; of two types with one name the first counts.
    pub fn named(&mut self, name: &str, make: impl FnOnce(&mut Declarations) -> String) -> String {
        self.documented(name, "", make)
    }

    /// As [`Declarations::named`], with a text that stands above the declaration.
    pub fn documented(
        &mut self,
        name: &str,
        documentation: &str,
        make: impl FnOnce(&mut Declarations) -> String,
    ) -> String {
        if !self.named.iter().any(|known| known.name == name) {
            let at = self.named.len();
            self.named.push(Declared {
                name: name.to_owned(),
                documentation: documentation.to_owned(),
                text: String::new(),
            });
            let text = make(self);
            self.named[at].text = text;
        }
        name.to_owned()
    }

    /// Names and types, in the order in which they were needed first.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.named
            .iter()
            .map(|known| (known.name.as_str(), known.text.as_str()))
    }

    /// What stands above the declaration of a type, if anything does.
    pub fn documentation(&self, name: &str) -> &str {
        let known = self.named.iter().find(|known| known.name == name);
        known.map_or("", |known| &known.documentation)
    }
}

/// A Rust type that stands for a Go type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not stand for a Go type",
    note = "for a type of your own, `#[derive(golite::GoType)]`; for one that serde knows, `golite::Serde<{Self}>`; for any value of the script, \
            `golite::Value`"
)]
pub trait GoType: Sized + 'static {
    /// What a conversion needs to know.
    type Plan: Send + Sync + 'static;

    /// The type in Go. A named one adds its declaration.
    fn declare(declarations: &mut Declarations) -> String;

    /// Compares with a type of a program.
    ///
    /// # Errors
    /// This type does not stand for that one.
    fn plan(ty: &RuntimeType) -> Result<Self::Plan, Mismatch>;
}

/// A type whose values can be taken from the script.
#[diagnostic::on_unimplemented(
    message = "no `{Self}` can be taken from the script",
    note = "for a type of your own, `#[derive(golite::GoType)]`; for one that serde knows, `golite::Serde<{Self}>`; for any value of the script, \
            `golite::Value`"
)]
pub trait FromGo: GoType {
    /// Reads a value.
    ///
    /// # Errors
    /// It is none that this type can hold.
    fn from_go<'h>(
        view: View<'h>,
        plan: &Self::Plan,
        context: &mut NativeContext<'h>,
    ) -> Result<Self, Unconvertible>;

    /// Reads a value from registers.
    ///
    /// # Errors
    /// As [`FromGo::from_go`].
    #[doc(hidden)]
    #[inline]
    fn from_registers<'h>(
        registers: Registers<'h>,
        plan: &Self::Plan,
        context: &mut NativeContext<'h>,
    ) -> Result<Self, Unconvertible> {
        let mut scratch = Scratch::new();
        Self::from_go(registers.view(&mut scratch), plan, context)
    }
}

/// A type whose values can be given to the script.
#[diagnostic::on_unimplemented(
    message = "no `{Self}` can be given to the script",
    note = "for a type of your own, `#[derive(golite::GoType)]`; for one that serde knows, `golite::Serde<{Self}>`; for any value of the script, \
            `golite::Value`"
)]
pub trait IntoGo: GoType {
    /// Writes a value to memory that holds the zero value.
    ///
    /// # Errors
    /// There is no memory for what it consists of.
    fn into_go<'h>(
        self,
        target: Target<'h>,
        plan: &Self::Plan,
        context: &mut NativeContext<'h>,
    ) -> Result<(), GoPanic>;

    /// Writes a value to registers.
    ///
    /// # Errors
    /// As [`IntoGo::into_go`].
    #[doc(hidden)]
    #[inline]
    fn into_registers<'h>(
        self,
        registers: Registers<'h>,
        plan: &Self::Plan,
        context: &mut NativeContext<'h>,
    ) -> Result<(), GoPanic> {
        registers.fill(context, |target, context| {
            self.into_go(target, plan, context)
        })
    }
}

/// A type of a program that a plan refers to. INVARIANT TYPES: it lives as long as the image, which whoever has the plan keeps alive.
#[derive(Clone, Copy)]
pub(crate) struct TypeOf(NonNull<RuntimeType>);

// SAFETY: types are immutable.
unsafe impl Send for TypeOf {}
// SAFETY: as above.
unsafe impl Sync for TypeOf {}

impl TypeOf {
    pub(crate) fn new(ty: &RuntimeType) -> TypeOf {
        TypeOf(NonNull::from(ty))
    }

    /// # Safety
    /// The image lives for `'h`.
    #[inline]
    pub(crate) unsafe fn get<'h>(self) -> &'h RuntimeType {
        // SAFETY: the caller's promise.
        unsafe { self.0.as_ref() }
    }
}

/// A field of a Go struct that stands for a field of a Rust struct: what derived conversions are made of.
#[doc(hidden)]
pub struct FieldPlan<T: GoType> {
    index: usize,
    plan: T::Plan,
}

#[doc(hidden)]
impl<T: GoType> FieldPlan<T> {
    /// Finds the field with this name in Go, or with `key` in its json tag.
    ///
    /// # Errors
    /// There is none, or it is of another type.
    pub fn find(ty: &RuntimeType, name: &str, key: &str) -> Result<FieldPlan<T>, Mismatch> {
        let wanted = || T::declare(&mut Declarations::default());
        let bytecode::TypeKind::Struct { fields } = ty.kind() else {
            return Err(Mismatch {
                go: ty.name().to_owned(),
                wanted: format!("a struct with a field {name} {}", wanted()),
            });
        };
        let tagged = |tag: &str| {
            let value = tag
                .split_once("json:\"")
                .and_then(|(_, rest)| rest.split('"').next());
            value.is_some_and(|value| value.split(',').next() == Some(key))
        };
        let at = fields.iter().position(|field| field.name == name);
        let at = at.or_else(|| fields.iter().position(|field| tagged(&field.tag)));
        let Some(index) = at else {
            return Err(Mismatch {
                go: ty.name().to_owned(),
                wanted: format!("a struct with a field {name} {}", wanted()),
            });
        };
        let plan = T::plan(ty.field(index).0).map_err(|mismatch| Mismatch {
            go: format!("{} (field {name} of {})", mismatch.go, ty.name()),
            wanted: mismatch.wanted,
        })?;
        Ok(FieldPlan { index, plan })
    }
}

#[doc(hidden)]
impl<T: FromGo> FieldPlan<T> {
    /// # Errors
    /// As [`FromGo::from_go`].
    pub fn read<'h>(
        &self,
        view: View<'h>,
        context: &mut NativeContext<'h>,
    ) -> Result<T, Unconvertible> {
        T::from_go(view.field(self.index), &self.plan, context)
    }
}

#[doc(hidden)]
impl<T: IntoGo> FieldPlan<T> {
    /// # Errors
    /// As [`IntoGo::into_go`].
    pub fn write<'h>(
        &self,
        value: T,
        target: Target<'h>,
        context: &mut NativeContext<'h>,
    ) -> Result<(), GoPanic> {
        value.into_go(target.field(self.index), &self.plan, context)
    }
}

impl<'h> NativeContext<'h> {
    /// An interface value with a new value of a type, which `write` writes.
    ///
    /// # Errors
    /// There is no memory, or `write` has failed.
    pub fn make_any(
        &mut self,
        ty: &'h RuntimeType,
        write: impl FnOnce(Target<'h>, &mut NativeContext<'h>) -> Result<(), GoPanic>,
    ) -> Result<crate::border::Any<'h>, GoPanic> {
        let place = self.new_object(ty)?;
        write(Target::new(ty, place), self)?;
        Target::new(ty, place).view().to_any(self)
    }

    /// A new zeroed heap object for a value of a type.
    pub(crate) fn new_object(&mut self, ty: &RuntimeType) -> Result<*mut u8, GoPanic> {
        let object = self.cache.allocate(ty.site());
        Ok(object.map_err(|_| GoPanic::OutOfMemory)?.get() as *mut u8)
    }
}
