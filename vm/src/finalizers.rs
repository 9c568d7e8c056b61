//! Finalizers, cleanups, weak pointers and pools, as natives ask for them: what [`crate::heap`]'s tables are told.
//!
//! The goroutines that run what is due are golite code of package runtime, which hands its functions over when it makes an entry. A finalizer
//! is called by them as `func(*byte)` or `func(any)`: a pointer is one slot and an interface two, whatever they are called, and results
//! that nobody asks for lie in the callee's own frame.

use bytecode::TypeKind;

use crate::border::{Any, Reference};
use crate::heap::barrier;
use crate::heap::{Due, DueKind, OutOfMemory};
use crate::moves;
use crate::native::{GoPanic, NativeContext};
use crate::types::RuntimeType;

fn no_memory(_: OutOfMemory) -> GoPanic {
    GoPanic::WantsMemory
}

/// How a finalizer of this type takes a pointer of that one.
enum Passing {
    Pointer,
    Interface,
}

/// Whether a function of type `function` can be called with a pointer of type `pointer`. GO: mfinal.go `SetFinalizer`
fn passing(
    context: &NativeContext<'_>,
    pointer: &RuntimeType,
    function: &RuntimeType,
) -> Option<Passing> {
    let TypeKind::Function { parameters, .. } = function.kind() else {
        return None;
    };
    let &[parameter] = &parameters[..] else {
        return None;
    };
    let parameter = context.image().ty(parameter);
    // GO: type.go `Uncommon`: named types have it, and those with methods.
    let is_named =
        |ty: &RuntimeType| !ty.descriptor.package.is_empty() || !ty.descriptor.methods.is_empty();
    match parameter.kind() {
        TypeKind::Pointer { .. } => (parameter.word() == pointer.word()
            || (!is_named(parameter) || !is_named(pointer))
                && parameter.element().word() == pointer.element().word())
        .then_some(Passing::Pointer),
        TypeKind::Interface { .. } => pointer.implements(parameter).then_some(Passing::Interface),
        _ => None,
    }
}

impl<'h> NativeContext<'h> {
    /// `runtime.SetFinalizer`; `runner` is a `func()` that runs what [`NativeContext::next_due`] gives.
    ///
    /// # Errors
    /// The arguments are not what they must be, the object has a finalizer, or there is no memory. GO: mfinal.go `SetFinalizer`
    pub fn set_finalizer(
        &mut self,
        object: Any<'h>,
        finalizer: Any<'h>,
        runner: Reference<'h>,
    ) -> Result<(), GoPanic> {
        let wrong = |text: &str| Err(GoPanic::fatal(format!("runtime.SetFinalizer: {text}")));
        let Some(ty) = object.ty() else {
            return wrong("first argument is nil");
        };
        let TypeKind::Pointer { element } = *ty.kind() else {
            return wrong(&format!("first argument is {}, not pointer", ty.name()));
        };
        let address = object.data_word();
        if address == 0 {
            return wrong("pointer not in allocated block");
        }
        let heap = self.machine.heap();
        // SAFETY: the pointer is alive, and nothing is collected while a native runs.
        let Some((start, _)) = (unsafe { heap.object_of(address) }) else {
            // Variables of packages, and what has no size, are never freed.
            return Ok(());
        };
        let element = self.image().ty(element);
        // Go allows places in an object that may be one of several in a block of 16 bytes.
        if address != start && (element.size >= 16 || !element.descriptor.pattern.is_empty()) {
            return wrong("pointer not at beginning of allocated block");
        }
        let Some(function) = finalizer.ty() else {
            heap.clear_finalizer(start);
            return Ok(());
        };
        let cannot = |why: &str| {
            let (ty, function) = (ty.name(), function.name());
            wrong(&format!("cannot pass {ty} to finalizer {function}{why}"))
        };
        let type_word = match function.kind() {
            TypeKind::Function { variadic: true, .. } => return cannot(" because dotdotdot"),
            TypeKind::Function { .. } => match passing(self, ty, function) {
                Some(Passing::Pointer) => 0,
                Some(Passing::Interface) => ty.word(),
                None => return cannot(""),
            },
            _ => {
                let function = function.name();
                return wrong(&format!("second argument is {function}, not a function"));
            }
        };
        let due = Due {
            function: finalizer.data_word(),
            object: start,
            type_word,
        };
        if heap
            .set_finalizer(due, runner.address())
            .map_err(no_memory)?
        {
            Ok(())
        } else {
            wrong("finalizer already set")
        }
    }

    /// `runtime.AddCleanup`: has `run`, a `func()` that calls `cleanup` with `argument`, come due when what `pointer` leads to is found
    /// unreachable. Returns a number for [`NativeContext::stop_cleanup`], 0 if that will never be.
    ///
    /// # Errors
    /// The arguments make the cleanup impossible, or there is no memory. GO: mcleanup.go `AddCleanup`
    pub fn add_cleanup(
        &mut self,
        pointer: Any<'h>,
        argument: Any<'h>,
        cleanup: Any<'h>,
        run: Reference<'h>,
        runner: Reference<'h>,
    ) -> Result<u64, GoPanic> {
        let wrong = |text: &str| Err(GoPanic::text(format!("runtime.AddCleanup: {text}")));
        let address = pointer.data_word();
        if address == 0 {
            return wrong("ptr is nil");
        }
        let is_pointer = |ty: &RuntimeType| matches!(ty.kind(), TypeKind::Pointer { .. });
        let argument = match argument.ty() {
            Some(ty) if is_pointer(ty) => argument.data_word(),
            _ => 0,
        };
        if argument == address {
            return wrong("ptr is equal to arg, cleanup will never run");
        }
        let heap = self.machine.heap();
        // SAFETY: the pointer is alive, and nothing is collected while a native runs.
        let Some((start, bytes)) = (unsafe { heap.object_of(address) }) else {
            return Ok(0);
        };
        let inside = |address: u64| (start..start + bytes).contains(&address);
        if inside(argument) {
            return wrong("ptr is within arg, cleanup will never run");
        }
        if self.captures(cleanup.data_word()).any(inside) {
            return wrong("cleanup function closes over ptr, cleanup will never run");
        }
        heap.add_cleanup(address, run.address(), runner.address())
            .map_err(no_memory)
    }

    /// The references that a closure has captured.
    fn captures(&self, closure: u64) -> impl Iterator<Item = u64> {
        let captures = if closure == 0 {
            &[][..]
        } else {
            // SAFETY: a live closure, whose first word is the address of its code.
            let code = unsafe { crate::ops::calls::code_of(closure) };
            let image = self.image();
            let function = image
                .offset_of(code as u64)
                .and_then(|at| image.function_at(at));
            function.map_or(&[][..], |function| &function.function.captures)
        };
        captures
            .iter()
            .zip(1..)
            .filter(|(kind, _)| **kind == bytecode::SlotKind::Ref)
            // SAFETY: captured slots follow the first word.
            .map(move |(_, word)| unsafe { moves::load_reference(closure + 8 * word) })
    }

    /// `Cleanup.Stop`.
    pub fn stop_cleanup(&mut self, number: u64) {
        self.machine.heap().stop_cleanup(number);
    }

    /// The next finalizer or cleanup that is due: the function, and of a finalizer its argument, as pointer or, if that is what it takes, as
    /// interface. `None` ends the runner.
    pub fn next_due(&mut self, kind: DueKind) -> Option<(Reference<'h>, Reference<'h>, Any<'h>)> {
        let due = self.machine.heap().next_due(kind)?;
        // SAFETY: both words are those of a live value: the type of the object and its address.
        let interface = unsafe { Any::from_raw(due.type_word, due.object) };
        let interface = if due.type_word == 0 {
            Any::NIL
        } else {
            interface
        };
        let pointer = if due.type_word == 0 { due.object } else { 0 };
        Some((
            Reference::to_live(due.function),
            Reference::to_live(pointer),
            interface,
        ))
    }

    /// Whether a runner is under way.
    pub fn runners_at_work(&mut self) -> bool {
        self.machine.heap().runners_at_work()
    }

    /// A runner ends before everything is done.
    pub fn runner_ended(&mut self, kind: DueKind) {
        self.machine.heap().runner_ended(kind);
    }

    /// The handle of a weak pointer to what lies at an address: equal addresses of live objects have the same.
    ///
    /// # Errors
    /// There is no memory.
    pub fn weak_handle(&mut self, target: Any<'h>) -> Result<Reference<'h>, GoPanic> {
        let heap = self.machine.heap();
        let handle = heap
            .weak_handle(self.cache, target.data_word())
            .map_err(no_memory)?;
        Ok(Reference::to_live(handle.get()))
    }

    /// What a handle leads to, nil if that is gone, as a pointer of the same type as `like`.
    pub fn weak_target(&mut self, handle: Reference<'h>, like: Any<'h>) -> Any<'h> {
        let address = match handle.address() {
            0 => 0,
            // SAFETY: handles are objects of one word.
            handle => unsafe { moves::load64(handle) },
        };
        barrier::shade(&[address]);
        // SAFETY: what a handle holds is alive, and of the pointer's type.
        unsafe { Any::from_raw(like.word, address) }
    }

    /// Has collections empty a pool: move the first of the two references at `pool` to the second, and forget that the next time. To be called
    /// whenever the first has become other than nil.
    ///
    /// # Errors
    /// There is no memory.
    pub fn add_pool(&mut self, pool: Reference<'h>) -> Result<(), GoPanic> {
        let heap = self.machine.heap();
        heap.add_pool(pool.address()).map_err(no_memory)
    }
}
