//! A linked program: what the interpreter runs.
//!
//! INVARIANT (IMAGE): code, strings, types, immortal closures and globals are pinned: they are allocated once, when
//! the image is made, and neither move nor die before it. All but the globals are never written again. The code has
//! passed the verifier, so operands that it names lie in frames and tables. Types that reflection makes are pinned likewise.

use bytecode::{Function, KnownTypes, SelectorName, SlotKind, Word};

use std::sync::OnceLock;

use crate::liveness::Liveness;
use crate::native::Native;
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

/// A linked program. See the module's text.
pub struct Image {
    pub(crate) code: Box<[Word]>,
    /// Ascending by start.
    pub(crate) functions: Vec<LinkedFunction>,
    pub(crate) types: TypeTable,
    /// Address and length of each string constant.
    pub(crate) strings: Vec<[u64; 2]>,
    /// The bytes of all strings.
    #[expect(dead_code, reason = "owns what the addresses in `strings` lead to")]
    pub(crate) string_bytes: Box<[u8]>,
    /// One word per function: its immortal closure object, which holds the address of its code. Then one for each of the machine's
    /// stubs, so that these have entries as functions have.
    pub(crate) closures: Box<[u64]>,
    /// By native id.
    pub(crate) natives: Vec<Native>,
    pub(crate) selectors: Vec<SelectorName>,
    pub(crate) globals: crate::globals::Globals,
    pub(crate) entry: bytecode::FunctionId,
    pub known: KnownTypes,
    /// What the compiler says for reflection only.
    pub(crate) reflection: Option<bytecode::Reflection>,
    /// Types that reflection has made.
    pub(crate) made_types: crate::made_types::MadeTypes,
}

impl Image {
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
            return Some(&self.closures[self.functions.len() + offset as usize]);
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
        if function.start == self.functions[self.entry.0 as usize].start {
            return Some("runtime.main");
        }
        Some(&function.function.name)
    }

    /// All types.
    pub fn types(&self) -> &TypeTable {
        &self.types
    }

    /// The type with this id.
    pub fn ty(&self, id: bytecode::TypeId) -> &RuntimeType {
        if (id.0 as usize) < self.types.len() {
            self.types.get(id)
        } else {
            self.made_type(id)
        }
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
