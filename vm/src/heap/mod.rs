//! PUBLISHED API, bodies follow.
mod shape;
use std::num::NonZero;
use std::sync::Arc;
pub use shape::Shape;

/// Address of an object of the heap, or of zero-size memory; good until the next safepoint unless it is in a root.
pub type Reference = NonZero<u64>;

/// The operating system or the heap's limit refused memory. Go dies of it: `fatal error: out of memory`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory;

#[derive(Clone, Debug)]
pub struct HeapOptions {
    /// GOGC; `None` = off.
    pub growth_percent: Option<u32>,
    /// Bytes; allocation beyond it fails. `None` = as the system gives.
    pub limit: Option<u64>,
    /// Seed of hash seeds and of the random start of map iteration.
    pub seed: u64,
    /// Fill everything a collection frees with a pattern, so that a missing root shows at once.
    pub poison: bool,
}

/// A precomputed place to allocate one type from: made once per type descriptor at link time.
#[derive(Clone, Copy, Debug)]
pub struct Site { /* private */ layout: u32, bytes: u32, shape: Shape }

pub struct Heap { /* private */ }
/// The allocation cache of one P.
pub struct Cache { /* private */ }
pub struct Marker<'a> { _p: std::marker::PhantomData<&'a ()> }

#[derive(Clone, Copy, Debug, Default)]
pub struct Collection { pub number: u64, pub pause: std::time::Duration, pub before: u64, pub live: u64, pub goal: u64 }
#[derive(Clone, Copy, Debug, Default)]
pub struct Statistics {
    pub live: u64, pub allocated: u64, pub total_allocated: u64, pub mallocs: u64, pub frees: u64, pub system: u64,
    pub released: u64, pub next_collection: u64, pub collections: u64, pub pause_total: std::time::Duration, pub last_pause: std::time::Duration,
}

impl Heap {
    pub fn new(options: HeapOptions) -> Result<Arc<Heap>, OutOfMemory> { todo!("{options:?}") }
    /// The shape of memory whose word `w` (of every `period` bytes) is a reference or interface data for `w` in `words`, ascending.
    pub fn shape(&self, words: &[u32], period: u32) -> Shape { todo!("{words:?} {period}") }
    /// The shape of values of a type, also of arrays of them (slice backing).
    pub fn shape_of(&self, ty: &bytecode::TypeDescriptor) -> Shape { todo!("{ty:?}") }
    /// Where objects of `bytes` bytes and this shape are allocated.
    pub fn site(&self, shape: Shape, bytes: usize) -> Site { todo!("{shape:?} {bytes}") }
    pub fn new_cache(self: &Arc<Self>) -> Cache { todo!() }
    /// Whether enough was allocated since the last collection; poll in slow paths and ask the scheduler. One relaxed load.
    #[inline(always)]
    pub fn collection_wanted(&self) -> bool { todo!() }
    /// Collects. Flushes every cache of this heap itself.
    /// # Safety
    /// The world is stopped: no other thread uses a `Cache` of this heap or script memory; `roots` reports every live root.
    pub unsafe fn collect(&self, roots: &mut dyn FnMut(&mut Marker<'_>)) -> Collection { let _ = roots; todo!() }
    pub fn statistics(&self) -> Statistics { todo!() }
    /// Gives unused blocks back to the system; returns bytes. For the scavenger hook after a collection.
    pub fn release_unused(&self) -> u64 { todo!() }
    /// `debug.SetGCPercent`; returns the old one.
    pub fn set_growth_percent(&self, percent: Option<u32>) -> Option<u32> { todo!("{percent:?}") }
    pub fn set_limit(&self, limit: Option<u64>) { todo!("{limit:?}") }
}

impl Cache {
    /// A zeroed object. A few instructions inline. Never collects.
    #[inline(always)]
    pub fn allocate(&mut self, site: Site) -> Result<Reference, OutOfMemory> { todo!("{site:?}") }
    /// Zeroed memory of `bytes` bytes of this shape (arrays of any run-time length, strings: `Shape::SCALAR`).
    #[inline]
    pub fn allocate_bytes(&mut self, shape: Shape, bytes: usize) -> Result<Reference, OutOfMemory> { todo!("{shape:?} {bytes}") }
    /// `count * size` with overflow check.
    #[inline]
    pub fn allocate_array(&mut self, shape: Shape, count: u64, size: u64) -> Result<Reference, OutOfMemory> { todo!("{shape:?} {count} {size}") }
    /// `size` zeroed bytes of memory without references that the caller overwrites wholly before the next safepoint (strings): not zeroed when that costs.
    #[inline]
    pub fn allocate_uninitialized(&mut self, bytes: usize) -> Result<Reference, OutOfMemory> { todo!("{bytes}") }
    pub fn heap(&self) -> &Arc<Heap> { todo!() }
    /// Pseudo-random number for hash seeds and iteration starts.
    pub fn random(&mut self) -> u64 { todo!() }
}

impl Marker<'_> {
    /// Any u64 is safe: what is not the address of (or into) an object of this heap is ignored.
    #[inline]
    pub fn mark_reference(&mut self, value: u64) { todo!("{value}") }
    /// The two slots of an interface. The data word is marked as if it were a reference; the type word is not looked at.
    #[inline]
    pub fn mark_interface(&mut self, type_word: u64, data: u64) { todo!("{type_word} {data}") }
    /// A slot by kind.
    #[inline]
    pub fn mark_slot(&mut self, kind: bytecode::SlotKind, value: u64) { todo!("{kind:?} {value}") }
    /// Memory outside the heap laid out as heap memory (globals).
    /// # Safety
    /// `bytes` bytes at `start` are readable, 8-aligned.
    pub unsafe fn mark_memory(&mut self, start: u64, bytes: usize, shape: Shape) { todo!("{start} {bytes} {shape:?}") }
}
