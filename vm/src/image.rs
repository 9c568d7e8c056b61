//! A linked program: what the interpreter runs.
//!
//! [`Linked`] is what does not change: code, types, strings. All machines that run a program share it. An [`Image`] is one machine's: it adds what the
//! running program changes, package variables and the types that reflection makes.
//!
//! INVARIANT (IMAGE): code, strings, types, immortal closures and globals are pinned: they are allocated once, when
//! the program is linked or the image is made, and neither move nor die before it. All but the globals are never written again. The code has
//! passed the verifier, so operands that it names lie in frames and tables. Types that reflection makes are pinned likewise.
//!
//! INVARIANT (GROWTH): the image of a program that grows is one machine's alone, and is added to with the world stopped and no machine in the interpreter
//! ([`ImageCell::exclusive`]). Numbers, addresses of code, closures, globals, strings and types stay what they are; only tables that
//! nobody holds addresses into may move, and every run of the interpreter asks for them anew ([`crate::running::Running::new`]).
//! Earlier types may get methods and types of pointers to them.

use bytecode::{Function, KnownTypes, SelectorName, SlotKind, Word};

use std::cell::UnsafeCell;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use crate::heap::{Heap, OutOfMemory, Plan, Shape, Site};
use crate::host_function::HostEntry;
use crate::link::LinkError;
use crate::liveness::Liveness;
use crate::native::{Native, NativeTable};
use crate::pinned::Pinned;
use crate::running::stub;
use crate::types::{RuntimeType, TypeTable};

/// A function of the image.
pub struct LinkedFunction {
    /// Where its code begins, in words from the image's first.
    pub start: u32,
    /// One past its last word.
    pub end: u32,
    /// What the compiler made; its own code is empty, it has moved to the image's block.
    pub function: Function,
    /// Where its closures are allocated.
    pub closure_site: crate::heap::Site,
    /// Its live maps without what is not read again, once the collector has asked; `None` if that is not known.
    pub(crate) liveness: OnceLock<Option<Liveness>>,
}

/// What all machines of a program share. See the module's text.
pub struct Linked {
    pub(crate) code: Pinned<Word>,
    /// Ascending by start.
    pub(crate) functions: Vec<LinkedFunction>,
    pub(crate) types: TypeTable,
    /// Address and length of each string constant.
    pub(crate) strings: Vec<[u64; 2]>,
    /// The bytes of the strings of each unit.
    pub(crate) string_bytes: Vec<Pinned<u8>>,
    /// One word per function: its immortal closure object, which holds the address of its code.
    pub(crate) closures: Pinned<u64>,
    /// Likewise one for each of the machine's stubs, so that these have entries as functions have.
    pub(crate) stub_closures: Pinned<u64>,
    /// By native id.
    pub(crate) natives: Vec<Native>,
    /// What natives of hosts are, by their number there.
    pub(crate) host_entries: Vec<HostEntry>,
    /// What the host may call.
    pub(crate) exports: Option<bytecode::Exports>,
    pub(crate) selectors: Vec<SelectorName>,
    pub(crate) entry: bytecode::FunctionId,
    pub known: KnownTypes,
    /// Whether the program can ask for samples of allocations.
    pub(crate) sampling: crate::profiling::Sampling,
    /// How large the package variables are, and where references lie among them.
    pub(crate) globals_size: u32,
    pub(crate) globals_shape: Shape,
    /// The package variables, by offset; of a program that grows, those of its first unit.
    pub(crate) variables: Vec<bytecode::Global>,
    pub(crate) channel_site: Site,
    /// The shapes and layouts that all of it is made for.
    pub(crate) plan: Arc<Plan>,
    /// What the compiler says for reflection only.
    pub(crate) reflection: Option<bytecode::Reflection>,
    /// Of a program that grows: all of it but the code, for the verifier.
    pub(crate) program: Option<Box<bytecode::Program>>,
}

/// A machine's program. See the module's text.
pub struct Image {
    pub(crate) linked: Arc<Linked>,
    pub(crate) globals: crate::globals::Globals,
    /// Types that reflection has made.
    pub(crate) made_types: crate::made_types::MadeTypes,
}

impl Deref for Image {
    type Target = Linked;

    #[inline(always)]
    fn deref(&self) -> &Linked {
        &self.linked
    }
}

impl Linked {
    /// Links a program, for any number of machines ([`crate::Embedded::new`]).
    ///
    /// # Errors
    /// See [`LinkError`].
    pub fn new(
        program: bytecode::Program,
        natives: &NativeTable,
    ) -> Result<Arc<Linked>, LinkError> {
        crate::link::link(program, natives, false).map(Arc::new)
    }
}

impl Image {
    /// The image of a machine with this heap, which was made for the program's plan.
    ///
    /// # Errors
    /// There is no memory for the package variables.
    pub(crate) fn new(linked: Arc<Linked>, heap: &Heap) -> Result<Image, OutOfMemory> {
        debug_assert_eq!(
            crate::objects::channel::site(heap).layout(),
            linked.channel_site.layout()
        );
        let globals = match linked.program.is_some() {
            false => crate::globals::Globals::new(linked.globals_size, linked.globals_shape),
            true => crate::globals::Globals::growing().and_then(|mut globals| {
                let grown = globals.grow(linked.globals_size, linked.globals_shape);
                grown.then_some(globals)
            }),
        };
        let globals = globals.ok_or(OutOfMemory)?;
        linked.sampling.begin(&globals, heap);
        Ok(Image {
            globals,
            made_types: crate::made_types::MadeTypes::default(),
            linked,
        })
    }

    /// The type with this id.
    pub fn ty(&self, id: bytecode::TypeId) -> &RuntimeType {
        if id.0 < crate::made_types::FIRST {
            self.types.get(id)
        } else {
            self.made_type(id)
        }
    }
}

/// The image of a machine. It is shared by all threads and changed only while none of them looks.
pub(crate) struct ImageCell(UnsafeCell<Image>);

// SAFETY: shared access only reads; exclusive access is INVARIANT GROWTH.
unsafe impl Sync for ImageCell {}

impl ImageCell {
    pub(crate) fn new(image: Image) -> ImageCell {
        ImageCell(UnsafeCell::new(image))
    }

    /// The image, to be added to.
    ///
    /// # Safety
    /// INVARIANT GROWTH: the world is stopped, and no other reference into the image is used while this one lives.
    #[expect(
        clippy::mut_from_ref,
        reason = "the contract stands in for the borrow checker"
    )]
    pub(crate) unsafe fn exclusive(&self) -> &mut Image {
        // SAFETY: by the contract.
        unsafe { &mut *self.0.get() }
    }
}

impl Deref for ImageCell {
    type Target = Image;

    #[inline(always)]
    fn deref(&self) -> &Image {
        // SAFETY: nobody changes the image meanwhile (INVARIANT GROWTH).
        unsafe { &*self.0.get() }
    }
}

impl Linked {
    /// The function that holds the word at `offset` of the code; `None` for the machine's own stubs.
    pub fn function_at(&self, offset: u32) -> Option<&LinkedFunction> {
        let index = self
            .functions
            .partition_point(|f| f.start <= offset)
            .checked_sub(1)?;
        let function = &self.functions[index];
        (offset < function.end).then_some(function)
    }

    /// The address of a word of the code.
    pub(crate) fn address_of(&self, offset: u32) -> u64 {
        self.code.as_ptr() as u64 + u64::from(offset) * size_of::<Word>() as u64
    }

    /// The word of the code that an address lies in.
    pub(crate) fn offset_of(&self, address: u64) -> Option<u32> {
        let offset = address.checked_sub(self.code.as_ptr() as u64)? / size_of::<Word>() as u64;
        (offset < self.code.len() as u64).then_some(offset as u32)
    }

    /// The immortal word that stands for the function whose code an address lies in: it holds the address of the function's first
    /// instruction. `None` for what is no code.
    pub(crate) fn entry_of(&self, address: u64) -> Option<&u64> {
        let offset = self.offset_of(address)?;
        if offset < u32::from(stub::COUNT) {
            return Some(&self.stub_closures[offset as usize]);
        }
        let index = self.functions.partition_point(|f| f.start <= offset);
        Some(&self.closures[index - 1])
    }

    /// The name of the function whose code an address lies in, as Go has it; the machine's own functions have the names of those that do
    /// the same in Go. `None` for what is no code.
    pub(crate) fn function_name(&self, address: u64) -> Option<&str> {
        let offset = self.offset_of(address)?;
        let Some(function) = self.function_at(offset) else {
            return Some(match offset as u16 {
                stub::PANIC => "runtime.gopanic",
                stub::END => "runtime.goexit",
                _ => "runtime.mcall",
            });
        };
        Some(&function.function.name)
    }

    /// Is it what runs the program, or a unit of it?
    pub(crate) fn is_entry(&self, function: &LinkedFunction) -> bool {
        let entry = &self.functions[self.entry.0 as usize];
        function.start == entry.start || function.function.name == entry.function.name
    }

    /// All types.
    pub fn types(&self) -> &TypeTable {
        &self.types
    }

    /// The function that a host may call by this name, and its type.
    pub fn export(&self, name: &str) -> Option<(bytecode::FunctionId, &RuntimeType)> {
        let functions = &self.exports.as_ref()?.functions;
        let at = functions.binary_search_by(|export| export.name.as_str().cmp(name));
        let export = &functions[at.ok()?];
        Some((export.function, self.types.get(export.ty)))
    }

    /// All that a host may call.
    pub fn exports(&self) -> Option<&bytecode::Exports> {
        self.exports.as_ref()
    }

    pub fn selectors(&self) -> &[SelectorName] {
        &self.selectors
    }
}

impl LinkedFunction {
    /// What the collector keeps of a frame that stands at the safepoint at `offset` (in words from the image's first), if that is one.
    pub(crate) fn live_map(&self, image: &Image, offset: u32) -> Option<&[(u16, SlotKind)]> {
        let relative = offset.wrapping_sub(self.start);
        let index = self
            .function
            .safepoints
            .binary_search_by_key(&relative, |s| s.0)
            .ok()?;
        match self.liveness(image) {
            Some(liveness) => Some(liveness.at(index)),
            None => self.map(index),
        }
    }

    /// Likewise of a frame whose call returns to `offset`: the safepoint is the last before it.
    pub(crate) fn live_map_of_call(
        &self,
        image: &Image,
        offset: u32,
    ) -> Option<&[(u16, SlotKind)]> {
        let relative = offset.wrapping_sub(self.start);
        let index = self
            .function
            .safepoints
            .partition_point(|s| s.0 < relative)
            .checked_sub(1)?;
        match self.liveness(image) {
            Some(liveness) => Some(liveness.after(index)),
            None => self.map(index),
        }
    }

    fn liveness(&self, image: &Image) -> Option<&Liveness> {
        self.liveness
            .get_or_init(|| Liveness::of(image, self))
            .as_ref()
    }

    fn map(&self, index: usize) -> Option<&[(u16, SlotKind)]> {
        let map = self.function.safepoints[index].1;
        self.function.maps.get(map as usize).map(Vec::as_slice)
    }
}
