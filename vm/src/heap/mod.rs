//! The heap: script memory, allocated by each P without a lock, collected in a stopped world, precisely.
//!
//! # Objects have no headers
//! A block of 32 KiB holds cells of one size class and one *shape* (the pattern of its references, [`shape`]), so
//! what the collector wants to know of an object stands once per block, in a record apart from the memory
//! ([`region`]). Pointers may lead into objects; the object is found by mask and multiplication. An object is what
//! was asked for rounded up to its cell, zeroed. References are plain addresses; 0 is nil; addresses outside the heap
//! (constants, package variables, types) are valid references that the collector ignores.
//!
//! # Plans
//! Which shapes and layouts there are, by number, is a matter of the program, not of the heap: a [`Plan`] is made when a program is linked, and all heaps of its
//! machines are made on it ([`plans`]). A heap has for itself what it has used of them.
//!
//! # Allocation
//! Each P has a [`Cache`] with a bump pointer per layout ([`cache`]): a few instructions, no lock, no atomic
//! read-modify-write. Allocation never collects. When enough was allocated, [`Heap::collection_wanted`] turns true;
//! the interpreter polls it in its slow paths and asks the scheduler to stop the world. An allocation that the system
//! or the limit refuses is an [`OutOfMemory`] error, never an abort.
//!
//! # Limits
//! One [`Account`] per heap is charged for blocks and huge objects, and by the machine for goroutines' stacks; the host's own count of
//! what natives take comes on top. What would go beyond the limit is refused; free blocks are given back to the system
//! before they and what is in use exceed it. Instructions that allocate as much as a script asks for are *repeatable*
//! (`bytecode::verify::may_retry`): they have a live map and change nothing when refused, so the interpreter collects and runs them again
//! before the program dies. Small requests must have allocated a 64th of the limit since the last collection to be worth another.
//!
//! # Collection
//! Marking ([`mark`]) goes on while the program runs ([`concurrent`]), by threads of its own ([`parallel`]) and with a barrier ([`barrier`]); the
//! world stops for bounded steps. Small heaps are marked in one such step. Then blocks are sorted ([`collect`]): without marks: free; with free
//! cells: into the list of their layout; full: left alone. Cells are not touched: the caches sweep a block when they take it from the list, and zero
//! the runs they find just before use.
//!
//! When as much was allocated as was live (GOGC = 100), and 4 MiB are in use, a collection should be at its end: it is wanted as much earlier as
//! the program has allocated during the last ones.
//!
//! # Interfaces
//! Whether an interface's data word is a reference, its type word says, by its address: types of which it is one lie at odd
//! multiples of 16 ([`shape::REFERENCE_TYPE`]), the others at even ones. So the collector asks with one `and`, reads nothing, and
//! may ask any 64 bits; 0, the type word of nil, says no. A number in an interface keeps nothing alive. *(Rejected: to ask
//! the type behind the word, a dependent load per interface that a stale cell could lead astray; not to ask at all, which keeps
//! what a number happens to name.)*
//!
//! # Robustness
//! Marking is total: [`mark::find`] accepts any 64 bits. A stale reference may keep a dead cell, or what a dead
//! cell's stale contents lead to, but cannot break the heap. [`HeapOptions::poison`] fills freed cells with a
//! pattern, so that a root the compiler or interpreter forgot shows at the next use, not some day.
//!
//! # Profiles
//! If somebody can ask for them, some allocations are noted with their stacks ([`profile`]).
//!
//! # What hangs on objects
//! Finalizers, cleanups and weak pointers stand in tables apart ([`specials`]); pools are emptied by collections.
//!
//! GO: mheap.go, mcentral.go, mcache.go, mgcmark.go, in much reduced form.

mod account;
pub(crate) mod barrier;
mod cache;
mod collect;
mod concurrent;
mod mark;
mod parallel;
mod plans;
pub(crate) mod platform;
mod profile;
mod region;
mod scavenge;
mod shape;
mod size_class;
mod specials;
#[cfg(test)]
pub(crate) mod tests;

use std::num::NonZero;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use cache::Shared;
use collect::Sorting;
use concurrent::Cycle;
use parallel::Pool;
use plans::Plans;
use profile::Sampling;
use region::{
    BLOCK_BYTES, Block, Huge, RECORD_BLOCKS, RegionRef, State as BlockState, USABLE_BLOCKS,
};
use shape::{Pattern, ShapeData};
use size_class::{CELL_SIZES, class_of};
use specials::Specials;

pub use account::Account;
pub use barrier::Mutating;
pub use cache::{Cache, Site, zero_sized};
pub use concurrent::{Pace, Roots};
pub use mark::Marker;
pub use plans::{Plan, PlanMaker, Planner};
pub use platform::release_code_later;
pub use profile::{AllocationRecord, MOST_FRAMES, USUAL_RATE};
pub use shape::{REFERENCE_TYPE, Shape};
pub use specials::{Due, DueKind};

/// The address of an object, or of memory without size. Good until the next safepoint, and as long as a root holds it.
pub type Reference = NonZero<u64>;

/// The system or the limit refused memory; [`Account::refused`] says how much. Go dies of it: `fatal error: out of memory`. Since
/// allocation never collects, the interpreter first asks for a collection and runs the instruction again, where it can.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory;

/// With less in use no collection is wanted, at GOGC = 100. GO: mgcpacer.go `defaultHeapMinimum`
const MINIMUM_GOAL: u64 = 4 << 20;

/// Blocks that a cache that needs one sorts at a time, and how often.
const SORTED_AT_ONCE: usize = 32;
const MOST_PORTIONS: usize = 16;

/// What freed memory is filled with if [`HeapOptions::poison`]: no address, no small number.
const POISON: u8 = 0xdb;

/// How a heap behaves.
#[derive(Clone, Debug)]
pub struct HeapOptions {
    /// GOGC: how much may be allocated until the next collection, in percent of what is live. `None`: no collection
    /// is wanted.
    pub growth_percent: Option<u32>,
    /// Bytes that the heap, goroutines' stacks and what else is charged to the heap's [`Account`] may take together; allocation
    /// beyond fails. `None`: as much as the system gives.
    pub limit: Option<u64>,
    /// Says how many bytes natives have taken from the host's allocator: they count towards `limit` as well.
    pub native_memory: Option<fn() -> u64>,
    /// Has the host's allocator give back what it keeps and nobody uses. Called from threads of the heap.
    pub release_native: Option<fn()>,
    /// GOMEMLIMIT: bytes that collections try to stay under. Allocation never fails because of it.
    pub soft_limit: Option<u64>,
    /// Of hash seeds and iteration starts of maps: the same seed, the same numbers for each cache in order of creation.
    pub seed: u64,
    /// Fill what a collection frees with a pattern: for tests of the roots.
    pub poison: bool,
    /// For tests: live bytes for each thread that marks. `None`: so many that threads pay.
    pub bytes_per_thread: Option<u64>,
    /// Refuse every other request that can be repeated ([`Cache::may_refuse`]): for tests of the repetition.
    pub refuse: bool,
    /// Give what a collection frees back to the system at once, all of it.
    pub release_always: bool,
    /// Mark all anew at the end of each collection, and compare: for tests of the barrier. A difference is a panic.
    pub verify: bool,
    /// Sample allocations, whether or not the program can ask for them ([`Heap::allocation_records`]).
    pub sample: bool,
}

impl Default for HeapOptions {
    fn default() -> Self {
        HeapOptions {
            growth_percent: Some(100),
            limit: None,
            native_memory: None,
            release_native: None,
            soft_limit: None,
            seed: 0,
            poison: false,
            bytes_per_thread: None,
            refuse: false,
            release_always: false,
            verify: false,
            sample: false,
        }
    }
}

/// What a collection did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Collection {
    /// Its number, from 1.
    pub number: u64,
    /// How long the world stood still for it.
    pub pause: Duration,
    /// How much of that at its beginning.
    pub first_stop: Duration,
    /// How long it took beside that, while the program ran.
    pub beside: Duration,
    /// Bytes in use before (live after the previous collection, plus what was allocated since).
    pub before: u64,
    /// Bytes in use at its end.
    pub at_end: u64,
    /// Bytes live.
    pub live: u64,
    /// Bytes in use at which this collection was wanted.
    pub goal_before: u64,
    /// Bytes in use at which the next collection will be wanted; `u64::MAX` if never.
    pub goal: u64,
    /// Bytes of goroutines' stacks in use.
    pub stacks: u64,
    /// When it ended, since the heap was made.
    pub at: Duration,
    /// How long all collections so far took.
    pub pause_total: Duration,
    /// The program asked for it.
    pub forced: bool,
}

impl Collection {
    /// A line of `gctrace`, as Go prints it: first stop, marking beside the program, other stops; for processors' time stands that of one.
    /// GO: mgc.go `gcMarkTermination`
    pub fn trace(&self, globals: u64, processors: usize) -> String {
        // Go prints three digits that count.
        let digits = |x: f64| {
            if x == 0.0 || x >= 100.0 {
                format!("{x:.0}")
            } else if x >= 10.0 {
                format!("{x:.1}").trim_end_matches(".0").to_owned()
            } else if x >= 1.0 {
                format!("{x:.1}")
            } else if x >= 0.1 {
                format!("{x:.2}")
            } else {
                format!("{x:.3}")
            }
        };
        let [first, beside, last] = [
            self.first_stop,
            self.beside,
            self.pause.saturating_sub(self.first_stop),
        ]
        .map(|time| digits(time.as_secs_f64() * 1e3));
        let share = self.pause_total.as_secs_f64() / self.at.as_secs_f64().max(1e-9);
        let goal = match self.goal_before {
            u64::MAX => "no".to_owned(),
            goal => (goal >> 20).to_string(),
        };
        format!(
            "gc {} @{:.3}s {}%: {first}+{beside}+{last} ms clock, {first}+0/{beside}/0+{last} ms cpu, {}->{}->{} MB, {goal} MB goal, {} MB stacks, {} MB globals, {processors} P{}\n",
            self.number,
            self.at.as_secs_f64(),
            (share * 100.0) as u64,
            self.before >> 20,
            self.at_end >> 20,
            self.live >> 20,
            self.stacks >> 20,
            globals >> 20,
            if self.forced { " (forced)" } else { "" },
        )
    }
}

/// A pause of a collection.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Pause {
    pub nanoseconds: u64,
    /// When it ended: nanoseconds since 1970.
    pub end: u64,
}

/// How many pauses are remembered. GO: `MemStats.PauseNs`
pub const PAUSES: usize = 256;

/// Figures about a heap, for `runtime.ReadMemStats`. Counters of what is being allocated are ahead by the unused
/// parts of other caches' windows (at most a few KiB per layout); see [`Cache::publish`].
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Statistics {
    /// Bytes live after the last collection plus bytes allocated since (HeapAlloc).
    pub in_use: u64,
    /// Bytes live after the last collection.
    pub live: u64,
    /// Bytes allocated so far (TotalAlloc).
    pub total_allocated: u64,
    /// Objects allocated so far (Mallocs).
    pub mallocs: u64,
    /// Objects found dead so far (Frees).
    pub frees: u64,
    /// Bytes of blocks in use, records included (HeapInuse).
    pub block_bytes: u64,
    /// Bytes that were written and may still be in memory: blocks in use, free blocks not given back, huge objects.
    pub resident: u64,
    /// Bytes of free blocks given back to the system so far.
    pub released: u64,
    /// Bytes of address space reserved (Sys).
    pub reserved: u64,
    /// Bytes in use at which a collection will be wanted (NextGC); `u64::MAX` if never.
    pub goal: u64,
    pub collections: u64,
    /// Those the program asked for.
    pub forced: u64,
    pub pause_total: Duration,
    pub last_pause: Duration,
    /// When the last collection ended: nanoseconds since 1970; 0 if there was none.
    pub last_end: u64,
    /// Bytes of stacks and what else is charged besides the heap.
    pub stack_bytes: u64,
    /// Share of the time since the heap was made that collections took.
    pub share: f64,
    /// Bytes of the records of blocks: of those in use, and of all that were ever written.
    pub record_bytes: [u64; 2],
    /// Bytes of caches.
    pub cache_bytes: u64,
    /// Bytes of what collections remember between each other.
    pub collector_bytes: u64,
}

/// Objects of one size, of `runtime.MemStats.BySize`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SizeFigures {
    /// Bytes of a cell.
    pub size: u32,
    /// How many were made, and found dead.
    pub mallocs: u64,
    pub frees: u64,
}

/// A size class with a shape.
struct LayoutData {
    number: u32,
    cell: u32,
    shape: *const ShapeData,
    /// Objects made, ever; how many that were at the last collection, and how many of those it found alive, as far as blocks have been sorted.
    made: AtomicU64,
    made_then: AtomicU64,
    alive_then: AtomicU64,
    /// Blocks with free cells that the last collection found and no cache has taken: a list through [`Block::next`].
    unswept: Mutex<BlockList>,
}

struct BlockList {
    first: *mut Block,
    last: *mut Block,
}

impl BlockList {
    const EMPTY: BlockList = BlockList {
        first: ptr::null_mut(),
        last: ptr::null_mut(),
    };

    fn clear(&mut self) {
        *self = BlockList::EMPTY;
    }

    /// Adds a block at the end; blocks belong to who holds the list's lock.
    fn push(&mut self, block: *mut Block) {
        // SAFETY: records of the heap's blocks; see above.
        unsafe {
            (*block).next = ptr::null_mut();
            match self.last.as_mut() {
                Some(last) => last.next = block,
                None => self.first = block,
            }
        }
        self.last = block;
    }

    /// Takes the first block.
    fn pop(&mut self) -> Option<*mut Block> {
        let block = self.first;
        // SAFETY: as in `push`.
        self.first = unsafe { block.as_ref()?.next };
        if self.first.is_null() {
            self.last = ptr::null_mut();
        }
        Some(block)
    }
}

// SAFETY: the records of a list belong to the heap; who holds the list's lock may take one.
unsafe impl Send for BlockList {}
// SAFETY: shapes live as long as the heap and are shared immutably; the list is behind its lock.
unsafe impl Send for LayoutData {}
// SAFETY: as above.
unsafe impl Sync for LayoutData {}

/// Where memory comes from.
struct State {
    regions: Vec<RegionRef>,
    /// Regions before this one are full.
    first_with_space: usize,
    /// Sorted by address. Boxed: those who mark beside the program hold addresses.
    #[expect(clippy::vec_box)]
    huge: Vec<Box<Huge>>,
    /// Blocks in use for objects, and bytes of huge objects.
    used_blocks: u64,
    most_used_blocks: u64,
    huge_bytes: u64,
    /// Blocks that have been written since they came from the system: in use, or free and not given back.
    dirty_blocks: u64,
    /// What the last collection found in goroutines' stacks.
    root_bytes: u64,
    mark_stack: Vec<u64>,
    mark_stack_limit: usize,
    caches: Vec<NonNull<Shared>>,
    /// The collection under way.
    cycle: Option<Cycle>,
    /// Blocks that have not been sorted since the last collection.
    sorting: Option<Sorting>,
    /// How many collections have come to their end, not counting those given up.
    finished: u32,
    /// How much before the goal the next collection is wanted.
    headroom: u64,
    next_seed: u64,
    /// Found by the last collection.
    live: u64,
    frees: u64,
    /// `Heap::allocated` at the last collection.
    allocated_then: u64,
    collections: u64,
    pause_total: Duration,
    last_pause: Duration,
    /// Bytes of free blocks given back to the system so far.
    released: u64,
    forced: u64,
    /// Of the last collections, the next to be overwritten at `collections % PAUSES`.
    pauses: Vec<Pause>,
}

// SAFETY: the caches' shared parts are only used in a stopped world (contract of `Heap::collect`) or through their
// own cache.
unsafe impl Send for State {}

/// A heap. One per virtual machine; shared by its Ps through their caches.
pub struct Heap {
    /// Names this heap in the table of regions.
    tag: u64,
    poison: bool,
    refuses: bool,
    /// Give free memory back at each collection, at once.
    release_always: bool,
    release_native: Option<fn()>,
    /// For the scavenger.
    this: Weak<Heap>,
    scavenging: AtomicBool,
    made: Instant,
    bytes_per_thread: Option<u64>,
    /// Bytes live after the last collection.
    live_then: AtomicU64,
    wanted: AtomicBool,
    /// Called when somebody else than a goroutine wants a step.
    ask: Mutex<Option<Box<dyn Fn() + Send + Sync>>>,
    verifies: bool,
    /// The side of the marks that free cells are read off; the other is filled by the next collection.
    side: AtomicUsize,
    /// A collection marks.
    marking: AtomicBool,
    /// Collections begun.
    cycles: AtomicU64,
    /// Those who mark beside the program.
    pool: Pool,
    /// What they have marked so far.
    marked_bytes: AtomicU64,
    marked_objects: AtomicU64,
    marked_roots: AtomicU64,
    /// `allocated` when the collection began, and how much may be allocated until it should be over.
    begun_at: AtomicU64,
    runway: AtomicU64,
    /// Bytes allocated, ever.
    allocated: AtomicU64,
    /// Objects allocated, ever.
    objects: AtomicU64,
    /// `allocated` at which a collection is wanted.
    trigger: AtomicU64,
    /// Percent, or `u64::MAX` for off.
    growth: AtomicU64,
    soft_limit: AtomicU64,
    account: Arc<Account>,
    /// Set if allocations are sampled.
    sampling: OnceLock<Sampling>,
    // Locks are taken in this order; last those of `LayoutData::unswept`.
    state: Mutex<State>,
    specials: Mutex<Specials>,
    plans: Mutex<Plans>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds these locks can panic half-way through a change except by a bug, which has been reported then.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Heap {
    /// A new heap with shapes and layouts of its own only.
    ///
    /// # Errors
    /// As [`Heap::on`].
    pub fn new(options: HeapOptions) -> Result<Arc<Heap>, OutOfMemory> {
        Heap::on(Arc::default(), options)
    }

    /// A new heap, for which the plan's shapes and sites are good. Takes address space only; pages are committed as they are used.
    ///
    /// # Errors
    /// If there is no address space.
    pub fn on(plan: Arc<Plan>, options: HeapOptions) -> Result<Arc<Heap>, OutOfMemory> {
        let tag = region::new_tag();
        let mut mark_stack = Vec::new();
        // So that marking can always go on, if slowly (see `mark`); under a limit it gets all it may have now, when nobody counts.
        let entries = mark::stack_limit(options.limit).unwrap_or(64);
        mark_stack
            .try_reserve_exact(entries)
            .map_err(|_| OutOfMemory)?;
        let region = RegionRef::reserve(tag, true).ok_or(OutOfMemory)?;
        let heap = Arc::new_cyclic(|this| Heap {
            release_always: options.release_always,
            release_native: options.release_native,
            this: this.clone(),
            scavenging: AtomicBool::new(false),
            made: Instant::now(),
            bytes_per_thread: options.bytes_per_thread,
            live_then: AtomicU64::new(0),
            tag,
            poison: options.poison,
            refuses: options.refuse,
            wanted: AtomicBool::new(false),
            ask: Mutex::new(None),
            verifies: options.verify,
            side: AtomicUsize::new(0),
            marking: AtomicBool::new(false),
            cycles: AtomicU64::new(0),
            pool: Pool::default(),
            marked_bytes: AtomicU64::new(0),
            marked_objects: AtomicU64::new(0),
            marked_roots: AtomicU64::new(0),
            begun_at: AtomicU64::new(0),
            runway: AtomicU64::new(0),
            allocated: AtomicU64::new(0),
            objects: AtomicU64::new(0),
            trigger: AtomicU64::new(0),
            growth: AtomicU64::new(options.growth_percent.map_or(u64::MAX, u64::from)),
            soft_limit: AtomicU64::new(options.soft_limit.unwrap_or(u64::MAX)),
            account: Arc::new(Account::new(options.limit, options.native_memory)),
            sampling: OnceLock::new(),
            plans: Mutex::new(Plans::new(plan)),
            specials: Mutex::default(),
            state: Mutex::new(State {
                regions: vec![region],
                first_with_space: 0,
                huge: Vec::new(),
                used_blocks: 0,
                most_used_blocks: 0,
                huge_bytes: 0,
                dirty_blocks: 0,
                root_bytes: 0,
                mark_stack,
                mark_stack_limit: usize::MAX,
                caches: Vec::new(),
                cycle: None,
                sorting: None,
                finished: 0,
                headroom: 0,
                next_seed: options.seed,
                live: 0,
                frees: 0,
                allocated_then: 0,
                collections: 0,
                pause_total: Duration::ZERO,
                last_pause: Duration::ZERO,
                released: 0,
                forced: 0,
                pauses: Vec::new(),
            }),
        });
        if options.sample {
            // SAFETY: no address is given.
            unsafe { heap.sample_allocations(0) };
        }
        heap.set_trigger(&mut lock(&heap.state));
        Ok(heap)
    }

    // ---- shapes and sites ----

    /// A shape's data; it lives as long as the heap.
    fn shape_data(&self, shape: Shape) -> *const ShapeData {
        lock(&self.plans).shape(shape)
    }

    /// How many layouts there are.
    fn layouts(&self) -> usize {
        lock(&self.plans).count()
    }

    /// A layout; it lives as long as the heap.
    fn layout(&self, number: u32) -> *const LayoutData {
        lock(&self.plans).layout(number)
    }

    // ---- caches ----

    /// Enters a cache's shared part; returns its seed.
    fn register(&self, shared: NonNull<Shared>) -> u64 {
        let mut state = lock(&self.state);
        state.caches.push(shared);
        state.next_seed = state.next_seed.wrapping_add(0xd1b5_4a32_d192_ed03);
        cache::mix(state.next_seed)
    }

    fn unregister(&self, shared: NonNull<Shared>) {
        lock(&self.state).caches.retain(|&other| other != shared);
    }

    /// Counts what was handed out.
    fn count_allocation(&self, bytes: u64, objects: u64) {
        // ORDERING: relaxed. Counters; whether the collection comes a window earlier or later does not matter.
        // Wrapping: corrections may be negative.
        let allocated = self
            .allocated
            .fetch_add(bytes, Ordering::Relaxed)
            .wrapping_add(bytes);
        self.objects.fetch_add(objects, Ordering::Relaxed);
        if allocated >= self.trigger.load(Ordering::Relaxed) && !self.wanted.load(Ordering::Relaxed)
        {
            self.wanted.store(true, Ordering::Relaxed);
        }
    }

    // ---- blocks ----

    /// The side of the marks that free cells are read off.
    #[inline]
    fn side(&self) -> usize {
        // ORDERING: relaxed. Written in a stopped world.
        self.side.load(Ordering::Relaxed)
    }

    /// The side that a collection fills.
    #[inline]
    fn marking_side(&self) -> usize {
        1 - self.side()
    }

    /// A block with free cells for a cache: (record, start of its memory).
    fn take_block(&self, layout: &LayoutData) -> Result<(*mut Block, u64), OutOfMemory> {
        for tried in 0.. {
            if let Some(block) = lock(&layout.unswept).pop() {
                return Ok((block, block_memory(block)));
            }
            // There may be some among those not sorted yet.
            if tried >= MOST_PORTIONS || self.sort(&mut lock(&self.state), SORTED_AT_ONCE) {
                break;
            }
        }
        if let Some(block) = lock(&layout.unswept).pop() {
            return Ok((block, block_memory(block)));
        }
        let mut state = lock(&self.state);
        let (region, number) = self.take_blocks(&mut state, 1)?;
        let record = region.record(number);
        // SAFETY: the block was free and is ours now; shapes live as long as the heap.
        unsafe {
            (*record).become_small(layout.cell, layout.number, &*layout.shape, state.finished);
        }
        Ok((record, region.block_start(number)))
    }

    /// Takes `count` neighbouring free blocks, reserving a region if need be.
    fn take_blocks(
        &self,
        state: &mut State,
        count: usize,
    ) -> Result<(RegionRef, usize), OutOfMemory> {
        let bytes = count as u64 * BLOCK_BYTES;
        if self.account.charge(bytes).is_err() {
            self.sort(state, usize::MAX);
            self.account.charge(bytes)?;
        }
        let taken = self.find_blocks(state, count);
        match taken {
            Some((region, first)) => {
                state.used_blocks += count as u64;
                state.most_used_blocks = state.most_used_blocks.max(state.used_blocks);
                let fresh = (first..first + count)
                    // SAFETY: records are mapped, and we hold the state's lock.
                    .filter(|&number| unsafe { (*region.record(number)).dirty == 0 })
                    .count();
                state.dirty_blocks += fresh as u64;
                self.stay_resident(state, 0);
                platform::heap_has_grown(state.dirty_blocks * BLOCK_BYTES + state.huge_bytes);
                Ok((region, first))
            }
            None => {
                self.account.release(bytes);
                Err(self.account.refuse(bytes))
            }
        }
    }

    /// Gives free blocks back if they and what is in use, and `more` bytes, are more than the program may take.
    fn stay_resident(&self, state: &mut State, more: u64) {
        if let Some(limit) = self.account.limit()
            && state.dirty_blocks * BLOCK_BYTES + state.huge_bytes + more > limit
        {
            release_free(state);
        }
    }

    fn find_blocks(&self, state: &mut State, count: usize) -> Option<(RegionRef, usize)> {
        let take = |data: &mut region::Region| {
            if count == 1 {
                data.take_one()
            } else {
                data.take_run(count)
            }
        };
        for index in state.first_with_space..state.regions.len() {
            let region = state.regions[index];
            // SAFETY: we hold the state's lock.
            let data = unsafe { region.data() };
            if data.free == 0 && index == state.first_with_space {
                state.first_with_space += 1;
            }
            if let Some(number) = take(data) {
                return Some((region, number));
            }
        }
        if state.sorting.is_some() {
            // What is free comes before what is new.
            self.sort(state, usize::MAX);
            return self.find_blocks(state, count);
        }
        state.regions.try_reserve(1).ok()?;
        let region = RegionRef::reserve(self.tag, false)?;
        // In order of address, so that a collection fills low addresses first.
        let place = state
            .regions
            .partition_point(|other| other.start() < region.start());
        state.regions.insert(place, region);
        if let Some(sorting) = &mut state.sorting
            && place <= sorting.region
        {
            sorting.region += 1;
        }
        state.first_with_space = state.first_with_space.min(place);
        // SAFETY: we hold the state's lock.
        Some((region, take(unsafe { region.data() })?))
    }

    /// Allocates an object of more than [`MAX_SMALL`] bytes.
    fn allocate_large(
        &self,
        shape: Shape,
        bytes: u64,
        zeroed: bool,
    ) -> Result<Reference, OutOfMemory> {
        let data = self.shape_data(shape);
        // SAFETY: shapes live as long as the heap.
        let data = unsafe { &*data };
        let blocks = bytes.div_ceil(BLOCK_BYTES);
        let start = if blocks > USABLE_BLOCKS as u64 {
            self.allocate_huge(data, bytes)?
        } else {
            let blocks = blocks as usize;
            let (region, first) = {
                let mut state = lock(&self.state);
                let (region, first) = self.take_blocks(&mut state, blocks)?;
                // SAFETY: the blocks were free and are ours now.
                unsafe {
                    let head = &mut *region.record(first);
                    head.become_large(bytes, blocks as u32, data, state.finished);
                    if self.is_marking() {
                        head.mark_cells(self.marking_side(), 0, 1, true);
                    }
                    for distance in 1..blocks {
                        let tail = &mut *region.record(first + distance);
                        tail.state = BlockState::Tail;
                        tail.span = distance as u32;
                    }
                }
                (region, first)
            };
            let end = region.block_start(first) + bytes;
            for number in first..first + blocks {
                let start = region.block_start(number);
                let to = end.min(start + BLOCK_BYTES);
                // SAFETY: the blocks are ours, and nobody has the object yet.
                unsafe {
                    let record = region.record(number);
                    if zeroed {
                        cache::clear(record, start, start, to);
                    } else {
                        (*record).dirty = (*record).dirty.max((to - start) as u32);
                    }
                }
            }
            region.block_start(first)
        };
        self.count_allocation(bytes, 1);
        Reference::new(start).ok_or(OutOfMemory)
    }

    fn allocate_huge(&self, shape: &ShapeData, bytes: u64) -> Result<u64, OutOfMemory> {
        let mut state = lock(&self.state);
        if self.account.charge(bytes).is_err() {
            self.sort(&mut state, usize::MAX);
            self.account.charge(bytes)?;
        }
        self.stay_resident(&mut state, bytes);
        let object = match state.huge.try_reserve(1) {
            Ok(()) => Huge::reserve(self.tag, bytes, shape),
            Err(_) => None,
        };
        let Some(object) = object else {
            self.account.release(bytes);
            return Err(self.account.refuse(bytes));
        };
        let start = object.start;
        // No collection has found it dead, and one that marks now finds it marked.
        // ORDERING: relaxed, as all marks.
        object.marked[self.side()].store(true, Ordering::Relaxed);
        object.marked[self.marking_side()].store(self.is_marking(), Ordering::Relaxed);
        state.huge_bytes += bytes;
        platform::heap_has_grown(state.dirty_blocks * BLOCK_BYTES + state.huge_bytes);
        let place = state.huge.partition_point(|other| other.start < start);
        state.huge.insert(place, Box::new(object));
        Ok(start)
    }

    /// Gives all unused blocks back to the system (`debug.FreeOSMemory`); returns how many bytes. What is given back costs page faults
    /// when it is used again: see [`scavenge`] for what happens by itself.
    pub fn release_unused(&self) -> u64 {
        let released = {
            let state = &mut *lock(&self.state);
            self.sort(state, usize::MAX);
            release_free(state)
        };
        self.release_native();
        released
    }

    /// Has the host's allocator give back what nobody uses.
    fn release_native(&self) {
        if let Some(release) = self.release_native {
            release();
        }
    }

    // ---- collection ----

    /// Whether enough was allocated since the last collection. Cheap; meant for the slow paths of safepoints.
    #[inline(always)]
    pub fn collection_wanted(&self) -> bool {
        // ORDERING: relaxed. A hint; pairs with the store in `count_allocation`.
        self.wanted.load(Ordering::Relaxed)
    }

    // ---- settings and figures ----

    /// `debug.SetGCPercent`: sets GOGC (`None`: off); returns the setting before.
    pub fn set_growth_percent(&self, percent: Option<u32>) -> Option<u32> {
        let mut state = lock(&self.state);
        // ORDERING: relaxed. A setting, changed under the state's lock.
        let before = self
            .growth
            .swap(percent.map_or(u64::MAX, u64::from), Ordering::Relaxed);
        self.change_trigger(&mut state);
        u32::try_from(before).ok()
    }

    /// Whether the heap is collected as it grows: GOGC is not off.
    pub fn grows(&self) -> bool {
        // ORDERING: relaxed. A setting.
        self.growth.load(Ordering::Relaxed) != u64::MAX
    }

    /// `debug.SetMemoryLimit`: sets GOMEMLIMIT (`None`: off); returns the setting before.
    pub fn set_soft_limit(&self, limit: Option<u64>) -> Option<u64> {
        let mut state = lock(&self.state);
        // ORDERING: relaxed. A setting, changed under the state's lock.
        let before = self
            .soft_limit
            .swap(limit.unwrap_or(u64::MAX), Ordering::Relaxed);
        self.change_trigger(&mut state);
        Some(before).filter(|&before| before != u64::MAX)
    }

    /// Sets what the program may take ([`HeapOptions::limit`]).
    pub fn set_limit(&self, limit: Option<u64>) {
        let mut state = lock(&self.state);
        self.account.set_limit(limit);
        self.change_trigger(&mut state);
    }

    /// Sets when the next collection is wanted after a setting has changed; one under way does so at its end.
    fn change_trigger(&self, state: &mut State) {
        if state.cycle.is_none() {
            self.set_trigger(state);
        }
    }

    /// The account that the program's memory is charged to.
    #[inline]
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Bytes allocated, ever; windows count when they are opened.
    pub fn allocated(&self) -> u64 {
        // ORDERING: relaxed. A counter.
        self.allocated.load(Ordering::Relaxed)
    }

    /// Bytes allocated since the last collection.
    pub fn allocated_since_collection(&self) -> u64 {
        self.allocated()
            .wrapping_sub(lock(&self.state).allocated_then)
    }

    /// Figures about the heap.
    pub fn statistics(&self) -> Statistics {
        let state = lock(&self.state);
        // ORDERING: relaxed. Counters.
        let (allocated, mallocs) = (
            self.allocated.load(Ordering::Relaxed),
            self.objects.load(Ordering::Relaxed),
        );
        let since = allocated.wrapping_sub(state.allocated_then);
        let trigger = self.trigger.load(Ordering::Relaxed);
        let goal = match (&state.cycle, trigger) {
            (Some(cycle), _) => cycle.goal_before,
            (None, u64::MAX) => u64::MAX,
            (None, _) => state
                .live
                .saturating_add(trigger - state.allocated_then + state.headroom),
        };
        let huge: u64 = state
            .huge
            .iter()
            .map(|object| object.bytes.next_multiple_of(region::REGION_BYTES))
            .sum();
        Statistics {
            in_use: state.live.wrapping_add(since),
            live: state.live,
            total_allocated: allocated,
            mallocs,
            frees: state.frees,
            block_bytes: state.used_blocks * BLOCK_BYTES + state.huge_bytes,
            resident: state.dirty_blocks * BLOCK_BYTES + state.huge_bytes,
            released: state.released,
            reserved: state.regions.len() as u64 * region::REGION_BYTES + huge,
            goal,
            collections: state.collections,
            forced: state.forced,
            pause_total: state.pause_total,
            last_pause: state.last_pause,
            last_end: state.last_end(),
            stack_bytes: self
                .account
                .charged()
                .saturating_sub(state.used_blocks * BLOCK_BYTES + state.huge_bytes),
            share: state.pause_total.as_secs_f64() / self.made.elapsed().as_secs_f64().max(1e-9),
            record_bytes: [state.used_blocks, state.most_used_blocks]
                .map(|count| count * size_of::<Block>() as u64),
            cache_bytes: state.caches.len() as u64 * self.layouts() as u64 * cache::ENTRY_BYTES,
            collector_bytes: (size_of::<Heap>()
                + state.mark_stack.capacity() * 8
                + state.pauses.capacity() * size_of::<Pause>()) as u64,
        }
    }

    /// Objects by size: the sizes there are, ascending, with how many objects of each were made, and found dead. Caches count when they are
    /// published, and when the world stops.
    pub fn sizes(&self) -> Vec<SizeFigures> {
        self.sort(&mut lock(&self.state), usize::MAX);
        let mut figures: Vec<_> = CELL_SIZES
            .iter()
            .map(|&size| SizeFigures {
                size,
                mallocs: 0,
                frees: 0,
            })
            .collect();
        for layout in lock(&self.plans).used_layouts() {
            // ORDERING: relaxed. Counters.
            let [made, then, alive] = [&layout.made, &layout.made_then, &layout.alive_then]
                .map(|count| count.load(Ordering::Relaxed));
            let of_size = &mut figures[class_of(layout.cell as usize)];
            of_size.mallocs += made;
            of_size.frees += then.saturating_sub(alive);
        }
        figures
    }

    /// The last pauses, at most [`PAUSES`]: that of collection `n` at `(n - 1) % PAUSES`.
    pub fn pauses(&self) -> Vec<Pause> {
        lock(&self.state).pauses.clone()
    }

    /// The object an address lies in: (its address, bytes of its cell). For debugging.
    ///
    /// # Safety
    /// The world is stopped.
    pub unsafe fn object_at(&self, address: u64) -> Option<(u64, u64)> {
        let state = lock(&self.state);
        // SAFETY: the world is stopped and we hold the state's lock.
        unsafe {
            Some(
                match mark::find(self, Some(&raw const *state.huge), address)? {
                    mark::Found::Cell(block, cell) => (
                        block_memory(block) + cell as u64 * (*block).cell as u64,
                        (*block).cell as u64,
                    ),
                    mark::Found::Large(block, start) => (start, (*block).bytes_or_layout),
                    mark::Found::Huge(object) => ((*object).start, (*object).bytes),
                },
            )
        }
    }
}

impl Planner for Heap {
    fn intern(&self, pattern: Pattern) -> Shape {
        lock(&self.plans).intern(pattern)
    }

    fn layout_of(&self, shape: Shape, class: usize) -> u32 {
        lock(&self.plans).layout_of(shape, class)
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // Caches hold the heap, so there are none.
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        for object in &state.huge {
            // SAFETY: nobody has the heap any more.
            unsafe { object.unreserve() };
        }
        for region in &state.regions {
            // SAFETY: as above.
            unsafe { region.unreserve() };
        }
    }
}

/// The memory that a record describes.
fn block_memory(record: *mut Block) -> u64 {
    let address = record as u64;
    let region = address & !(region::REGION_BYTES - 1);
    region + (((address - region) / size_of::<Block>() as u64) << region::BLOCK_SHIFT)
}

/// Gives all free blocks back to the system where they were written; returns the bytes.
fn release_free(state: &mut State) -> u64 {
    let mut released = 0;
    for region in &state.regions {
        // SAFETY: we have the state mutably: its lock is held.
        let data = unsafe { region.data() };
        let mut number = RECORD_BLOCKS;
        while number < region::BLOCKS {
            let first = number;
            while number < region::BLOCKS && data.is_free(number) {
                number += 1;
            }
            // SAFETY: the blocks are free, and we hold the lock under which they are taken.
            released += unsafe { release_run(*region, first, number) };
            number += 1;
        }
    }
    state.note_released(released);
    released
}

/// Gives the free blocks `first..end` back to the system where they were written; returns the bytes.
///
/// # Safety
/// The blocks are free and stay so meanwhile.
unsafe fn release_run(region: RegionRef, first: usize, end: usize) -> u64 {
    // SAFETY: by the contract, here and below.
    let dirty = |number: usize| unsafe { (*region.record(number)).dirty };
    let mut released = 0;
    let mut number = first;
    while number < end {
        let start = number;
        while number < end && dirty(number) > 0 {
            number += 1;
        }
        let bytes = (number - start) << region::BLOCK_SHIFT;
        // SAFETY: by the contract.
        if bytes > 0 && unsafe { platform::decommit(region.block_start(start), bytes) } {
            for number in start..number {
                // SAFETY: by the contract.
                unsafe { (*region.record(number)).dirty = 0 };
            }
            released += bytes as u64;
        }
        number += 1;
    }
    released
}
