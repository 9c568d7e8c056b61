//! Values of a script that the host holds.

use std::fmt;
use std::sync::{Arc, Weak};

use vm::convert::{Declarations, FromGo, GoType, HeldAny, IntoGo, Mismatch, Target, Unconvertible};
use vm::types::RuntimeType;
use vm::{Any, GoPanic, Held, NativeContext, View};

use super::error::Error;
use super::vm::{Inner, Vm};

/// A value of any Go type, as an interface holds it: what a script passes as `any`, or anything else. Cheap to clone.
///
/// The value lives as long as this does; it is the script's own, not a copy: what a script changes behind a pointer, in a slice or in a map is
/// seen. A `Value` does not keep its VM, and is good for that VM alone.
///
/// As parameter and result it stands for any type. Given to a script, it must be of the type that is expected there, or implement
/// the interface; else the call fails with [`Error::Conversion`], or the host function's caller panics.
///
/// ```
/// use golite::{Golite, Kind, Value};
///
/// let program = Golite::new().compile(
///     "package main\n\ntype P struct{ X, Y int }\n\nfunc Make() any { return P{1, 2} }\nfunc Sum(v any) int { return v.(P).X + v.(P).Y }",
/// )?;
/// let vm = program.start()?;
/// let p = vm.func::<(), Value>("Make")?.call(())?;
/// assert_eq!(p.kind()?, Kind::Struct);
/// assert_eq!(p.type_name()?, "main.P");
/// assert_eq!(p.field("Y")?.map(|y| y.get::<i64>()).transpose()?, Some(2));
/// assert_eq!(vm.func::<(Value,), i64>("Sum")?.call((p,))?, 3);
/// # Ok::<(), golite::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Value {
    held: Option<(Arc<Held>, Weak<Inner>)>,
}

/// Kinds of Go types.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Kind {
    /// The nil interface.
    Nil,
    /// `bool`.
    Bool,
    /// Signed integers of any size.
    Int,
    /// Unsigned integers of any size.
    Uint,
    /// `float32` and `float64`.
    Float,
    /// `complex64` and `complex128`.
    Complex,
    /// `string`.
    String,
    /// `*T`.
    Pointer,
    /// `[]T`.
    Slice,
    /// `[n]T`.
    Array,
    /// `map[K]V`.
    Map,
    /// `chan T`.
    Channel,
    /// `struct`.
    Struct,
    /// `func`.
    Func,
    /// An interface, as element or field.
    Interface,
}

impl Kind {
    fn of(ty: &RuntimeType) -> Kind {
        use bytecode::TypeKind as K;
        match ty.kind() {
            K::Bool => Kind::Bool,
            K::Int | K::Int8 | K::Int16 | K::Int32 | K::Int64 => Kind::Int,
            K::Uint | K::Uint8 | K::Uint16 | K::Uint32 | K::Uint64 | K::Uintptr => Kind::Uint,
            K::Float32 | K::Float64 => Kind::Float,
            K::Complex64 { .. } | K::Complex128 { .. } => Kind::Complex,
            K::String => Kind::String,
            K::Pointer { .. } => Kind::Pointer,
            K::Slice { .. } => Kind::Slice,
            K::Array { .. } => Kind::Array,
            K::Map { .. } => Kind::Map,
            K::Channel { .. } => Kind::Channel,
            K::Struct { .. } => Kind::Struct,
            K::Function { .. } => Kind::Func,
            K::Interface { .. } | K::Tuple { .. } => Kind::Interface,
        }
    }
}

/// The VM's part that belongs to a context.
pub(super) fn owner(context: &NativeContext<'_>) -> Option<Arc<Inner>> {
    context.owner()?.downcast::<Inner>().ok()
}

fn wrong(view: &View<'_>, wanted: &str) -> GoPanic {
    GoPanic::text(format!("a {} is no {wanted}", view.ty().name()))
}

impl Value {
    /// The nil interface.
    pub fn nil() -> Value {
        Value::default()
    }

    /// Holds what is in an interface, or a view shows.
    pub(super) fn of_any(any: Any<'_>, context: &NativeContext<'_>) -> Value {
        let held = HeldAny::new(any, context).0;
        let vm = owner(context).map_or_else(Weak::new, |inner| Arc::downgrade(&inner));
        Value {
            held: held.map(|held| (Arc::new(held), vm)),
        }
    }

    fn of_view<'h>(view: View<'h>, context: &mut NativeContext<'h>) -> Result<Value, GoPanic> {
        let any = view.to_any(context)?;
        Ok(Value::of_any(any, context))
    }

    /// Whether it is the nil interface. (A nil pointer in an interface is none.)
    pub fn is_nil(&self) -> bool {
        self.held.is_none()
    }

    /// Does something with the value.
    pub(super) fn look<R, J>(&self, mut job: J) -> Result<R, Error>
    where
        R: Send + 'static,
        J: for<'h> FnMut(View<'h>, &mut NativeContext<'h>) -> Result<R, GoPanic> + Send + 'static,
    {
        let Some((held, vm)) = &self.held else {
            return Err(Error::Conversion("nil has no type".to_owned()));
        };
        let inner = vm.upgrade().ok_or(Error::Closed)?;
        let held = Arc::clone(held);
        inner.visit(move |context| {
            let view = held.any(context).and_then(|any| any.view());
            let view = view.ok_or_else(|| GoPanic::text("a value of another VM"))?;
            job(view, context)
        })
    }

    /// What kind of type it has.
    ///
    /// # Errors
    /// The VM has ended, or this is a host function that was not lent it ([`Error::Reentrant`]). So with all methods that look at the value.
    pub fn kind(&self) -> Result<Kind, Error> {
        if self.is_nil() {
            return Ok(Kind::Nil);
        }
        self.look(|view, _| Ok(Kind::of(view.ty())))
    }

    /// The name of its type, as `%T` prints it; `<nil>` for nil.
    ///
    /// # Errors
    /// As [`Value::kind`].
    pub fn type_name(&self) -> Result<String, Error> {
        if self.is_nil() {
            return Ok("<nil>".to_owned());
        }
        self.look(|view, _| Ok(view.ty().name().to_owned()))
    }

    /// The value as a Rust value.
    ///
    /// # Errors
    /// [`Error::Conversion`]: `T` does not stand for its type, or cannot hold it; else as [`Value::kind`].
    pub fn get<T: FromGo + Send>(&self) -> Result<T, Error> {
        self.look(|view, context| {
            let plan =
                T::plan(view.ty()).map_err(|mismatch| GoPanic::text(mismatch.to_string()))?;
            T::from_go(view, &plan, context).map_err(|error| GoPanic::text(error.to_string()))
        })
    }

    /// The length of a string, slice, array, map or channel.
    ///
    /// # Errors
    /// [`Error::Conversion`]: it has none; else as [`Value::kind`].
    pub fn len(&self) -> Result<usize, Error> {
        self.look(|view, _| match Kind::of(view.ty()) {
            Kind::String | Kind::Slice | Kind::Array | Kind::Map | Kind::Channel => Ok(view.len()),
            _ => Err(wrong(&view, "value with a length")),
        })
    }

    /// Whether [`Value::len`] is 0.
    ///
    /// # Errors
    /// As [`Value::len`].
    pub fn is_empty(&self) -> Result<bool, Error> {
        self.len().map(|length| length == 0)
    }

    /// A field of a struct, or of what a pointer to one points to; `None`: it has none of this name.
    ///
    /// # Errors
    /// [`Error::Conversion`]: it is no struct; else as [`Value::kind`].
    pub fn field(&self, name: &str) -> Result<Option<Value>, Error> {
        let name = name.to_owned();
        self.look(move |view, context| {
            let view = fields_of(view)?;
            let at = (0..view.field_count()).find(|at| view.field_name(*at) == name);
            at.map(|at| Value::of_view(view.field(at), context))
                .transpose()
        })
    }

    /// The fields of a struct, or of what a pointer to one points to, with their names.
    ///
    /// # Errors
    /// As [`Value::field`].
    pub fn fields(&self) -> Result<Vec<(String, Value)>, Error> {
        self.look(|view, context| {
            let view = fields_of(view)?;
            let mut all = Vec::new();
            for at in 0..view.field_count() {
                let value = Value::of_view(view.field(at), context)?;
                all.push((view.field_name(at).to_owned(), value));
            }
            Ok(all)
        })
    }

    /// An element of a slice or array; `None`: the index is out of range.
    ///
    /// # Errors
    /// [`Error::Conversion`]: it is neither; else as [`Value::kind`].
    pub fn index(&self, index: usize) -> Result<Option<Value>, Error> {
        self.look(move |view, context| match Kind::of(view.ty()) {
            Kind::Slice | Kind::Array => {
                let element = view.elements().nth(index);
                element
                    .map(|element| Value::of_view(element, context))
                    .transpose()
            }
            _ => Err(wrong(&view, "slice or array")),
        })
    }

    /// The elements of a slice or array.
    ///
    /// # Errors
    /// As [`Value::index`].
    pub fn elements(&self) -> Result<Vec<Value>, Error> {
        self.look(|view, context| match Kind::of(view.ty()) {
            Kind::Slice | Kind::Array => view
                .elements()
                .map(|element| Value::of_view(element, context))
                .collect(),
            _ => Err(wrong(&view, "slice or array")),
        })
    }

    /// The entries of a map, in no order.
    ///
    /// # Errors
    /// [`Error::Conversion`]: it is no map; else as [`Value::kind`].
    pub fn entries(&self) -> Result<Vec<(Value, Value)>, Error> {
        self.look(|view, context| {
            if Kind::of(view.ty()) != Kind::Map {
                return Err(wrong(&view, "map"));
            }
            let mut all = Vec::new();
            for (key, value) in view.entries(context)? {
                let key = Value::of_view(key, context)?;
                all.push((key, Value::of_view(value, context)?));
            }
            Ok(all)
        })
    }

    /// What a pointer points to; `None` for a nil pointer.
    ///
    /// # Errors
    /// [`Error::Conversion`]: it is no pointer; else as [`Value::kind`].
    pub fn pointee(&self) -> Result<Option<Value>, Error> {
        self.look(|view, context| match Kind::of(view.ty()) {
            Kind::Pointer => view
                .pointee()
                .map(|view| Value::of_view(view, context))
                .transpose(),
            _ => Err(wrong(&view, "pointer")),
        })
    }
}

fn fields_of(view: View<'_>) -> Result<View<'_>, GoPanic> {
    match Kind::of(view.ty()) {
        Kind::Struct => Ok(view),
        Kind::Pointer if Kind::of(view.ty().element()) == Kind::Struct => view
            .pointee()
            .ok_or_else(|| GoPanic::text(format!("a nil {}", view.ty().name()))),
        _ => Err(wrong(&view, "struct")),
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.is_nil() {
            true => "Value(nil)",
            false => "Value",
        })
    }
}

impl GoType for Value {
    type Plan = ();
    fn declare(declarations: &mut Declarations) -> String {
        HeldAny::declare(declarations)
    }
    fn plan(ty: &RuntimeType) -> Result<(), Mismatch> {
        HeldAny::plan(ty)
    }
}

impl FromGo for Value {
    fn from_go<'h>(
        view: View<'h>,
        _: &(),
        context: &mut NativeContext<'h>,
    ) -> Result<Value, Unconvertible> {
        Value::of_view(view, context)
            .map_err(|_| Unconvertible("there is no memory for a value".to_owned()))
    }
}

impl IntoGo for Value {
    fn into_go<'h>(
        self,
        target: Target<'h>,
        _: &(),
        context: &mut NativeContext<'h>,
    ) -> Result<(), GoPanic> {
        let held = self.held.as_ref().map(|(held, _)| &**held);
        HeldAny::give(held, target, context)
    }
}

impl Vm {
    /// A Go value of the type that `T` stands for, to be given to the script as `any`, say.
    ///
    /// # Errors
    /// [`Error::Conversion`]: the program has no such type (a struct that it does not use); else the VM has ended.
    pub fn value<T: IntoGo + Send>(&self, value: T) -> Result<Value, Error> {
        let mut value = Some(value);
        self.inner().visit(move |context| {
            let ty = type_of::<T>(context)?;
            let plan = T::plan(ty).map_err(|mismatch| GoPanic::text(mismatch.to_string()))?;
            let value = value.take().ok_or(GoPanic::OutOfMemory)?;
            let any =
                context.make_any(ty, |target, context| value.into_go(target, &plan, context))?;
            Ok(Value::of_any(any, context))
        })
    }
}

/// The type of the program that a Rust type stands for.
pub(super) fn type_of<'h, T: GoType>(
    context: &NativeContext<'h>,
) -> Result<&'h RuntimeType, GoPanic> {
    let text = T::declare(&mut Declarations::default());
    type_named(&text, context)
}

/// The type of the program that a text means.
pub(super) fn type_named<'h>(
    text: &str,
    context: &NativeContext<'h>,
) -> Result<&'h RuntimeType, GoPanic> {
    let heap = context.machine().heap();
    let found = context.image().type_of_text(heap, text);
    found.ok_or_else(|| GoPanic::text(format!("the program has no type {text}")))
}
