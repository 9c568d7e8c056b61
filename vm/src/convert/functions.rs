//! Rust closures as host functions: what they are declared as in Go, and how a call of them goes.

use std::any::Any;
use std::fmt::Display;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytecode::{TypeId, TypeKind};
use runtime::{BlockingCall, WaitReason};

use super::registers::Registers;
use super::{Argument, Declarations, FromGo, IntoGo, Mismatch, TypeOf, Unconvertible};
use crate::host_function::{HostEntry, HostFunction};
use crate::native::{FinishNative, GoPanic, NativeContext, ParkingOutcome};
use crate::types::{RuntimeType, TypeTable};
use crate::visit;

/// What a host function is in Go.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HostSignature {
    /// The types of its parameters.
    pub parameters: Vec<String>,
    /// The types of its results, without the error.
    pub results: Vec<String>,
    /// It also returns an `error`. The body then returns its results, a text, and whether it has failed.
    pub fallible: bool,
}

/// Where one value of a call lies, and how it is converted.
pub struct Placed<P> {
    at: usize,
    ty: TypeOf,
    plan: P,
}

/// Walks over the types of parameters or results.
pub struct Placer<'t> {
    types: &'t [&'t RuntimeType],
    next: usize,
    at: usize,
}

impl<'t> Placer<'t> {
    pub(super) fn new(types: &'t [&'t RuntimeType]) -> Placer<'t> {
        Placer {
            types,
            next: 0,
            at: 0,
        }
    }

    pub(super) fn place<P>(
        &mut self,
        plan: impl FnOnce(&RuntimeType) -> Result<P, Mismatch>,
    ) -> Result<Placed<P>, Mismatch> {
        let Some(&ty) = self.types.get(self.next) else {
            return Err(Mismatch {
                go: format!("of {} values", self.types.len()),
                wanted: "more".to_owned(),
            });
        };
        let placed = Placed {
            at: self.at,
            ty: TypeOf::new(ty),
            plan: plan(ty)?,
        };
        self.next += 1;
        self.at += ty.slots as usize;
        Ok(placed)
    }

    /// All types have been placed.
    pub(super) fn end(&self) -> Result<(), Mismatch> {
        if self.next == self.types.len() {
            return Ok(());
        }
        Err(Mismatch {
            go: format!("of {} values", self.types.len()),
            wanted: format!("{} values", self.next),
        })
    }

    /// The slot behind what was placed.
    pub(super) fn slot(&self) -> usize {
        self.at
    }

    /// The type to be placed next.
    pub(super) fn peek(&self) -> Option<&'t RuntimeType> {
        self.types.get(self.next).copied()
    }

    pub(super) fn skip(&mut self) {
        if let Some(ty) = self.peek() {
            self.next += 1;
            self.at += ty.slots as usize;
        }
    }
}

impl<P> Placed<P> {
    /// # Safety
    /// `window` leads to the slots of the types that this was placed among; the image lives for `'h`.
    #[inline]
    pub(super) unsafe fn registers<'h>(&self, window: *mut u64) -> Registers<'h> {
        // SAFETY: the caller's promise.
        unsafe { Registers::new(window.add(self.at), self.ty.get()) }
    }

    #[inline]
    pub(super) fn plan(&self) -> &P {
        &self.plan
    }
}

/// What host functions can return: `()`, a value, a tuple of values, and a `Result` of each of these.
pub trait HostResults: 'static {
    /// Where the results go.
    type Plan: Send + Sync + 'static;
    /// There is an error among them.
    const FALLIBLE: bool;

    /// Their types in Go, without the error.
    fn declare(declarations: &mut Declarations) -> Vec<String>;

    #[doc(hidden)]
    fn plan(types: &mut Placer<'_>) -> Result<Self::Plan, Mismatch>;

    /// # Safety
    /// `window` leads to the slots of the types that the plan is of.
    #[doc(hidden)]
    unsafe fn write(
        self,
        window: *mut u64,
        plan: &Self::Plan,
        context: &mut NativeContext<'_>,
    ) -> Result<(), GoPanic>;
}

/// [`HostResults`] without an error.
pub trait Values: 'static {
    #[doc(hidden)]
    type Plan: Send + Sync + 'static;
    #[doc(hidden)]
    fn declare(declarations: &mut Declarations) -> Vec<String>;
    #[doc(hidden)]
    fn plan(types: &mut Placer<'_>) -> Result<Self::Plan, Mismatch>;
    /// # Safety
    /// As [`HostResults::write`].
    #[doc(hidden)]
    unsafe fn write(
        self,
        window: *mut u64,
        plan: &Self::Plan,
        context: &mut NativeContext<'_>,
    ) -> Result<(), GoPanic>;
    /// # Safety
    /// As [`HostResults::write`].
    #[doc(hidden)]
    unsafe fn zero(
        window: *mut u64,
        plan: &Self::Plan,
        context: &mut NativeContext<'_>,
    ) -> Result<(), GoPanic>;
}

impl<T: IntoGo> Values for T {
    type Plan = Placed<T::Plan>;
    fn declare(declarations: &mut Declarations) -> Vec<String> {
        vec![T::declare(declarations)]
    }
    fn plan(types: &mut Placer<'_>) -> Result<Self::Plan, Mismatch> {
        types.place(T::plan)
    }
    #[inline]
    unsafe fn write(
        self,
        window: *mut u64,
        plan: &Self::Plan,
        context: &mut NativeContext<'_>,
    ) -> Result<(), GoPanic> {
        // SAFETY: the caller's promise.
        let registers = unsafe { plan.registers(window) };
        self.into_registers(registers, plan.plan(), context)
    }
    unsafe fn zero(
        window: *mut u64,
        plan: &Self::Plan,
        context: &mut NativeContext<'_>,
    ) -> Result<(), GoPanic> {
        // SAFETY: the caller's promise.
        unsafe { plan.registers(window) }.zero(context)
    }
}

macro_rules! value_tuples {
    ($(($($name:ident $at:tt),*))*) => {$(
        #[allow(unused_variables, clippy::unused_unit, clippy::allow_attributes)]
        impl<$($name: IntoGo),*> Values for ($($name,)*) {
            type Plan = ($(Placed<$name::Plan>,)*);
            fn declare(declarations: &mut Declarations) -> Vec<String> {
                vec![$($name::declare(declarations)),*]
            }
            fn plan(types: &mut Placer<'_>) -> Result<Self::Plan, Mismatch> {
                Ok(($(types.place($name::plan)?,)*))
            }
            #[inline]
            unsafe fn write(self, window: *mut u64, plan: &Self::Plan, context: &mut NativeContext<'_>) -> Result<(), GoPanic> {
                // SAFETY: the caller's promise.
                $(self.$at.into_registers(unsafe { plan.$at.registers(window) }, plan.$at.plan(), context)?;)*
                Ok(())
            }
            unsafe fn zero(window: *mut u64, plan: &Self::Plan, context: &mut NativeContext<'_>) -> Result<(), GoPanic> {
                // SAFETY: the caller's promise.
                $(unsafe { plan.$at.registers(window) }.zero(context)?;)*
                Ok(())
            }
        }
    )*};
}

value_tuples! {
    ()
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}

impl<V: Values> HostResults for V {
    type Plan = V::Plan;
    const FALLIBLE: bool = false;
    fn declare(declarations: &mut Declarations) -> Vec<String> {
        V::declare(declarations)
    }
    fn plan(types: &mut Placer<'_>) -> Result<V::Plan, Mismatch> {
        <V as Values>::plan(types)
    }
    #[inline]
    unsafe fn write(
        self,
        window: *mut u64,
        plan: &V::Plan,
        context: &mut NativeContext<'_>,
    ) -> Result<(), GoPanic> {
        // SAFETY: the caller's promise.
        unsafe { <V as Values>::write(self, window, plan, context) }
    }
}

impl<V: Values, E: Display + 'static> HostResults for Result<V, E> {
    type Plan = (V::Plan, Placed<()>, Placed<()>);
    const FALLIBLE: bool = true;
    fn declare(declarations: &mut Declarations) -> Vec<String> {
        V::declare(declarations)
    }
    fn plan(types: &mut Placer<'_>) -> Result<Self::Plan, Mismatch> {
        let values = V::plan(types)?;
        let text = types.place(<String as super::GoType>::plan)?;
        let failed = types.place(<bool as super::GoType>::plan)?;
        Ok((values, text, failed))
    }
    #[inline]
    unsafe fn write(
        self,
        window: *mut u64,
        plan: &Self::Plan,
        context: &mut NativeContext<'_>,
    ) -> Result<(), GoPanic> {
        // SAFETY: the caller's promise.
        let (text, failed) = unsafe { (plan.1.registers(window), plan.2.registers(window)) };
        match self {
            Ok(values) => {
                text.set_pair((0, 0));
                failed.set_slot(0);
                // SAFETY: the caller's promise.
                unsafe { values.write(window, &plan.0, context) }
            }
            Err(error) => {
                failed.set_slot(1);
                error.to_string().into_registers(text, &(), context)?;
                // SAFETY: the caller's promise.
                unsafe { V::zero(window, &plan.0, context) }
            }
        }
    }
}

/// A closure that is run where it is called. It must not block: see [`BlockingHostFn`].
///
/// Implemented for closures of up to eight [`Argument`]s that return [`HostResults`]; `Marker` only tells the implementations apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a function of the script",
    note = "a host function takes up to eight values that implement `FromGo`, `&str` or `&[u8]`, and returns `()`, values that implement \
            `IntoGo`, or a `Result` of these with an error that implements `Display`",
    note = "the types of its parameters have to be written: `|name: &str, count: i64| ...`"
)]
pub trait HostFn<Marker>: Send + Sync + 'static {
    /// What it is in Go.
    fn signature(declarations: &mut Declarations) -> HostSignature;

    #[doc(hidden)]
    fn bind(self: Arc<Self>, types: &Bound<'_>) -> Result<HostEntry, Mismatch>;
}

/// A closure that may block its thread: it runs without a processor, so that other goroutines go on. Its arguments are owned.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a blocking function of the script",
    note = "a blocking host function takes up to eight owned values that implement `FromGo` and are `Send`, and returns what is `Send`"
)]
pub trait BlockingHostFn<Marker>: Send + Sync + 'static {
    /// What it is in Go.
    fn signature(declarations: &mut Declarations) -> HostSignature;

    #[doc(hidden)]
    fn bind(self: Arc<Self>, types: &Bound<'_>) -> Result<HostEntry, Mismatch>;
}

/// A closure that returns a future: the goroutine waits for it, the script sees a plain call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an async function of the script",
    note = "an async host function takes up to eight owned values that implement `FromGo` and returns a future that is `Send`"
)]
pub trait AsyncHostFn<Marker>: Send + Sync + 'static {
    /// What it is in Go.
    fn signature(declarations: &mut Declarations) -> HostSignature;

    #[doc(hidden)]
    fn bind(self: Arc<Self>, types: &Bound<'_>, spawn: &Spawn) -> Result<HostEntry, Mismatch>;
}

/// What runs the futures of async host functions.
pub type Spawn = Arc<dyn Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync>;

/// The types that a host function is bound to.
pub struct Bound<'t> {
    parameters: Vec<&'t RuntimeType>,
    results: Vec<&'t RuntimeType>,
}

impl<'t> Bound<'t> {
    fn new(types: &'t TypeTable, parameters: &[TypeId], results: &[TypeId]) -> Bound<'t> {
        let all = |ids: &[TypeId]| ids.iter().map(|id| types.get(*id)).collect();
        Bound {
            parameters: all(parameters),
            results: all(results),
        }
    }
}

impl Bound<'_> {
    fn results<R: HostResults>(&self) -> Result<R::Plan, Mismatch> {
        let mut types = Placer::new(&self.results);
        let plan = R::plan(&mut types)?;
        types.end()?;
        Ok(plan)
    }
}

fn refused(error: Unconvertible) -> GoPanic {
    GoPanic::text(format!("argument of a host function: {error}"))
}

/// A Rust panic of a host function is a panic of the script.
fn panicked(panic: Box<dyn Any + Send>) -> GoPanic {
    let text = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "panic".to_owned(),
    };
    GoPanic::text(format!("host function panicked: {text}"))
}

fn finish<R: HostResults + Send>(
    result: std::thread::Result<R>,
    plan: Arc<R::Plan>,
) -> FinishNative {
    Box::new(move |context, window| {
        let values = result.map_err(panicked)?;
        // SAFETY: the interpreter gives the window that the function was called with.
        unsafe { values.write(window, &plan, context) }
    })
}

macro_rules! host_functions {
    ($(($($name:ident $held:ident),*))*) => {$(
        impl<Func, R, $($name),*> HostFn<fn($($name),*) -> R> for Func
        where
            Func: Send + Sync + 'static + Fn($($name),*) -> R + for<'a> Fn($($name::Item<'a>),*) -> R,
            R: HostResults,
            $($name: Argument),*
        {
            fn signature(declarations: &mut Declarations) -> HostSignature {
                HostSignature {
                    parameters: vec![$($name::declare(declarations)),*],
                    results: R::declare(declarations),
                    fallible: R::FALLIBLE,
                }
            }

            #[allow(unused_variables, unused_mut, non_snake_case, clippy::allow_attributes)]
            fn bind(self: Arc<Self>, types: &Bound<'_>) -> Result<HostEntry, Mismatch> {
                #[allow(clippy::too_many_arguments, clippy::allow_attributes)]
                fn call<R, $($name),*>(function: impl Fn($($name),*) -> R, $($held: $name),*) -> R {
                    function($($held),*)
                }
                let mut placer = Placer::new(&types.parameters);
                $(let $name = placer.place($name::plan)?;)*
                placer.end()?;
                let results = types.results::<R>()?;
                Ok(HostEntry::Pure(Box::new(move |context, slots| {
                    let window = slots.0;
                    $(
                        // SAFETY: the window that the interpreter has given; the machine keeps the image.
                        let registers = unsafe { $name.registers(window) };
                        let mut $held = $name::hold(registers, $name.plan(), context).map_err(refused)?;
                    )*
                    let values = visit::lend(context, || {
                        catch_unwind(AssertUnwindSafe(|| call(&*self, $($name::lend(&mut $held)),*)))
                    });
                    let values = values.map_err(panicked)?;
                    // SAFETY: as above.
                    unsafe { values.write(window, &results, context) }
                })))
            }
        }

        impl<Func, R, $($name),*> BlockingHostFn<fn($($name),*) -> R> for Func
        where
            Func: Send + Sync + 'static + Fn($($name),*) -> R,
            R: HostResults + Send,
            $($name: FromGo + Send),*
        {
            fn signature(declarations: &mut Declarations) -> HostSignature {
                HostSignature {
                    parameters: vec![$(<$name as super::GoType>::declare(declarations)),*],
                    results: R::declare(declarations),
                    fallible: R::FALLIBLE,
                }
            }

            #[allow(unused_variables, unused_mut, non_snake_case, clippy::allow_attributes)]
            fn bind(self: Arc<Self>, types: &Bound<'_>) -> Result<HostEntry, Mismatch> {
                let mut placer = Placer::new(&types.parameters);
                $(let $name = placer.place(<$name as super::GoType>::plan)?;)*
                placer.end()?;
                let results = Arc::new(types.results::<R>()?);
                Ok(HostEntry::Blocking(Box::new(move |context, slots| {
                    let window = slots.0;
                    $(
                        // SAFETY: the window that the interpreter has given; the machine keeps the image.
                        let registers = unsafe { $name.registers(window) };
                        let $held = $name::from_registers(registers, $name.plan(), context).map_err(refused)?;
                    )*
                    let function = Arc::clone(&self);
                    let results = Arc::clone(&results);
                    Ok(BlockingCall::new(move || {
                        let values = catch_unwind(AssertUnwindSafe(|| function($($held),*)));
                        finish::<R>(values, results)
                    }))
                })))
            }
        }

        impl<Func, Fut, R, $($name),*> AsyncHostFn<fn($($name),*) -> (Fut, R)> for Func
        where
            Func: Send + Sync + 'static + Fn($($name),*) -> Fut,
            Fut: Future<Output = R> + Send + 'static,
            R: HostResults + Send,
            $($name: FromGo),*
        {
            fn signature(declarations: &mut Declarations) -> HostSignature {
                HostSignature {
                    parameters: vec![$(<$name as super::GoType>::declare(declarations)),*],
                    results: R::declare(declarations),
                    fallible: R::FALLIBLE,
                }
            }

            #[allow(unused_variables, unused_mut, non_snake_case, clippy::allow_attributes)]
            fn bind(self: Arc<Self>, types: &Bound<'_>, spawn: &Spawn) -> Result<HostEntry, Mismatch> {
                let mut placer = Placer::new(&types.parameters);
                $(let $name = placer.place(<$name as super::GoType>::plan)?;)*
                placer.end()?;
                let results = Arc::new(types.results::<R>()?);
                let spawn = Arc::clone(spawn);
                Ok(HostEntry::Parking(Box::new(move |context, slots| {
                    let window = slots.0;
                    $(
                        // SAFETY: the window that the interpreter has given; the machine keeps the image.
                        let registers = unsafe { $name.registers(window) };
                        let $held = match $name::from_registers(registers, $name.plan(), context) {
                            Ok(value) => value,
                            Err(error) => return ParkingOutcome::Panic(refused(error)),
                        };
                    )*
                    let future = match catch_unwind(AssertUnwindSafe(|| self($($held),*))) {
                        Ok(future) => future,
                        Err(panic) => return ParkingOutcome::Panic(panicked(panic)),
                    };
                    let answer = Arc::new(Mutex::new(None));
                    let waker = context.slice().waker();
                    let place = Arc::clone(&answer);
                    spawn(Box::pin(async move {
                        let values = future.await;
                        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(values);
                        waker.wake();
                    }));
                    let results = Arc::clone(&results);
                    let finish: FinishNative = Box::new(move |context, window| {
                        let values = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
                        let Some(values) = values else {
                            return Err(GoPanic::text("the future of a host function was dropped before it was done"));
                        };
                        // SAFETY: the interpreter gives the window that the function was called with.
                        unsafe { values.write(window, &results, context) }
                    });
                    ParkingOutcome::Park(WaitReason::HostCall, finish)
                })))
            }
        }
    )*};
}

host_functions! {
    ()
    (A a)
    (A a, B b)
    (A a, B b, C c)
    (A a, B b, C c, D d)
    (A a, B b, C c, D d, E e)
    (A a, B b, C c, D d, E e, F f)
    (A a, B b, C c, D d, E e, F f, G g)
    (A a, B b, C c, D d, E e, F f, G g, H h)
}

/// A typed host function, to be added to a [`crate::NativeTable`].
pub struct Typed<F, M> {
    function: Arc<F>,
    spawn: Option<Spawn>,
    marker: PhantomData<fn() -> M>,
    bind: fn(&Typed<F, M>, &Bound<'_>) -> Result<HostEntry, Mismatch>,
}

impl<F: HostFn<M>, M: 'static> Typed<F, M> {
    /// A function that runs where it is called.
    pub fn plain(function: F) -> Typed<F, M> {
        Typed {
            function: Arc::new(function),
            spawn: None,
            marker: PhantomData,
            bind: |own, types| Arc::clone(&own.function).bind(types),
        }
    }
}

impl<F: Send + Sync + 'static, M: 'static> Typed<F, M> {
    /// A function that may block.
    pub fn blocking(function: F) -> Typed<F, M>
    where
        F: BlockingHostFn<M>,
    {
        Typed {
            function: Arc::new(function),
            spawn: None,
            marker: PhantomData,
            bind: |own, types| BlockingHostFn::bind(Arc::clone(&own.function), types),
        }
    }

    /// A function that returns a future.
    pub fn future(function: F, spawn: Spawn) -> Typed<F, M>
    where
        F: AsyncHostFn<M>,
    {
        Typed {
            function: Arc::new(function),
            spawn: Some(spawn),
            marker: PhantomData,
            bind: |own, types| match &own.spawn {
                Some(spawn) => AsyncHostFn::bind(Arc::clone(&own.function), types, spawn),
                None => Err(Mismatch {
                    go: "a function".to_owned(),
                    wanted: "an executor".to_owned(),
                }),
            },
        }
    }
}

impl<F: Send + Sync + 'static, M: 'static> HostFunction for Typed<F, M> {
    fn bind(
        self: Arc<Self>,
        types: &TypeTable,
        parameters: &[TypeId],
        results: &[TypeId],
    ) -> Result<HostEntry, String> {
        let types = Bound::new(types, parameters, results);
        (self.bind)(&self, &types).map_err(|mismatch| mismatch.to_string())
    }
}

/// Whether the last result of a function type is `error`.
pub(super) fn returns_error(results: &[&RuntimeType]) -> bool {
    results.last().is_some_and(|ty| {
        matches!(ty.kind(), TypeKind::Interface { .. }) && crate::host_call::is_error(ty)
    })
}
