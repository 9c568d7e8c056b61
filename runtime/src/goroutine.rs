//! Goroutines (G): their storage, and who may touch one.
//!
//! A goroutine that was made is recycled, never freed before its scheduler: queues may name goroutines by address and
//! need no reference counts. Who has a goroutine shows in a token that is moved, never copied:
//!
//! * [`Runnable`]: it is in a run queue or on its way. Made by spawning, by the winner of `ready`, by a park that failed.
//! * [`Running`]: one machine has it, and with it the fiber.
//! * [`Free`]: nobody uses it.
//!
//! A parked goroutine has no token; [`GoroutineRef::ready`] makes a new one, at most once per park (`status.rs`).
//!
//! INVARIANT: the fiber, the completion and the wait record are touched only by the holder of the goroutine's token,
//! or by the stopped world ([`WorldProof`]).
//!
//! GO: runtime2.go `g`, proc.go `gfget`, `gfput`, `allgs`.

use std::{
    alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error},
    cell::{Cell, UnsafeCell},
    ops::Deref,
    ptr::NonNull,
};

use crate::{
    engine::{BlockingCall, Engine, WakeOutcome},
    lock_rank::{Rank, RankedMutex},
    run_queue::List,
    select::SelectWaiters,
    status::{Parked, Ready, Status, StatusCell},
    stop_the_world::WorldProof,
    sync::{AtomicI64, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering},
    wait_queue::{Waiter, WaiterRef},
    wait_reason::WaitReason,
};

/// A goroutine's number, as `goroutine 7 [running]:` prints it. Never used twice in one scheduler; 1 is main.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GoroutineId(pub u64);

impl GoroutineId {
    /// The goroutine that runs `main`.
    pub const MAIN: GoroutineId = GoroutineId(1);
}

/// What a goroutine's waiters are in use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum WaitsAt {
    /// No channel.
    Nothing,
    /// One channel: the waiter in the goroutine.
    Channel,
    /// Those of a select statement.
    Select,
}

/// A goroutine.
///
/// What is needed to start it, run it and end it lies in the first 64 bytes: of a hundred thousand each is fetched from main memory.
#[repr(C, align(64))]
pub(crate) struct Goroutine<E: Engine> {
    status: StatusCell,
    wait_reason: AtomicU8,
    /// Why it cannot just be run: bits of [`special`].
    special: AtomicU8,
    waits_at: Cell<WaitsAt>,
    /// Something is in `completion`.
    is_left: Cell<bool>,
    id: AtomicU64,
    fiber: UnsafeCell<Option<E::Fiber>>,
    /// Where its fiber lies, or has lain; only to fetch it early.
    fiber_place: AtomicPtr<u8>,
    /// Since when it waits, as far as somebody noticed; 0: nobody did.
    waiting_since: AtomicI64,
    /// Taken by whoever makes a select of this goroutine go ahead: 0 open, 1 won.
    select_won: AtomicU32,
    /// The waiter through which it was woken.
    woken_case: AtomicU32,
    /// How often it has been locked to its thread.
    thread_locks: AtomicU32,
    waiter: UnsafeCell<Waiter<E>>,
    select: UnsafeCell<SelectWaiters<E>>,
    completion: UnsafeCell<Option<Left<E>>>,
}

/// Has the cache line at this address fetched. It need not be one.
#[inline(always)]
pub fn prefetch(address: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch touches nothing that a program could see, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = address;
}

/// What was left for a goroutine until it runs again.
enum Left<E: Engine> {
    /// The answer of a blocking call or of a job in the stopped world.
    Answer(E::Completion),
    /// A blocking call that waits until fewer are under way.
    Call(Box<BlockingCall<E>>),
}

/// Why a goroutine cannot just be run, as bits.
pub(crate) mod special {
    /// It belongs to a thread.
    pub(crate) const LOCKED: u8 = 1;
    /// A blocking call of it was put off.
    pub(crate) const CALL: u8 = 2;
    /// A thread of the host has called it, and waits.
    pub(crate) const CALLED: u8 = 4;
}

// SAFETY: everything that is not atomic is reached only through the tokens or under a queue's lock (the INVARIANTs here
// and in wait_queue.rs), which hand it from thread to thread with release and acquire; what they hand over is `Send`.
unsafe impl<E: Engine> Sync for Goroutine<E> {}
// SAFETY: as above; the raw pointers inside name waiters and goroutines, which may be used from any thread that has them.
unsafe impl<E: Engine> Send for Goroutine<E> {}

impl<E: Engine> Goroutine<E> {
    /// Makes a dead goroutine of zeroed memory, at which others may look all the while: what they read is zero for a dead one, and is not written.
    ///
    /// # Safety
    /// Memory of this size and alignment, zeroed, of which nobody but the caller uses more than the status and the fiber's place.
    unsafe fn make_of_zeros(place: NonNull<Goroutine<E>>) {
        let place = place.as_ptr();
        #[cfg(loom)]
        // SAFETY: by the contract. The models' atomics are more than numbers.
        unsafe {
            place.write(Goroutine::new());
        }
        #[cfg(not(loom))]
        // SAFETY: by the contract. Zero is a number, a null pointer, `false`, or the first of an enum with numbers, in all fields but these.
        unsafe {
            (&raw mut (*place).fiber).write(UnsafeCell::new(None));
            (&raw mut (*place).waiter).write(UnsafeCell::new(Waiter::new()));
            (&raw mut (*place).select).write(UnsafeCell::new(SelectWaiters::default()));
            (&raw mut (*place).completion).write(UnsafeCell::new(None));
        }
    }

    #[cfg(loom)]
    fn new() -> Goroutine<E> {
        Goroutine {
            status: StatusCell::new(Status::Dead),
            select_won: AtomicU32::new(0),
            woken_case: AtomicU32::new(0),
            wait_reason: AtomicU8::new(0),
            special: AtomicU8::new(0),
            thread_locks: AtomicU32::new(0),
            id: AtomicU64::new(0),
            waiting_since: AtomicI64::new(0),
            fiber_place: AtomicPtr::new(std::ptr::null_mut()),
            waits_at: Cell::new(WaitsAt::Nothing),
            is_left: Cell::new(false),
            waiter: UnsafeCell::new(Waiter::new()),
            select: UnsafeCell::new(SelectWaiters::default()),
            fiber: UnsafeCell::new(None),
            completion: UnsafeCell::new(None),
        }
    }

    pub(crate) fn id(&self) -> GoroutineId {
        // ORDERING: Relaxed; written before the goroutine was made runnable.
        GoroutineId(self.id.load(Ordering::Relaxed))
    }

    /// Has its fiber fetched.
    #[inline]
    pub(crate) fn prefetch_fiber(&self) {
        // ORDERING: Relaxed; an address that is of no use any more does no harm.
        let place: *const u8 = self.fiber_place.load(Ordering::Relaxed);
        for line in 0..E::FIBER_LINES {
            prefetch(place.wrapping_add(64 * line));
        }
    }

    /// Bits of [`special`].
    #[inline]
    pub(crate) fn special(&self) -> u8 {
        // ORDERING: Relaxed; written by its machine before it was made runnable.
        self.special.load(Ordering::Relaxed)
    }

    pub(crate) fn set_special(&self, bit: u8, is_set: bool) {
        // ORDERING: Relaxed; only its machine writes.
        let others = self.special.load(Ordering::Relaxed) & !bit;
        let bits = if is_set { others | bit } else { others };
        self.special.store(bits, Ordering::Relaxed);
    }

    pub(crate) fn status(&self) -> Status {
        self.status.get()
    }

    pub(crate) fn wait_reason(&self) -> WaitReason {
        // ORDERING: Relaxed; for people to read.
        WaitReason::from_number(self.wait_reason.load(Ordering::Relaxed))
    }

    /// Since when it waits; the first call of a wait starts the count, as in Go.
    pub(crate) fn waiting_since(&self, now: i64) -> i64 {
        // ORDERING: Relaxed; the world is stopped.
        let since = self.waiting_since.load(Ordering::Relaxed);
        if since == 0 {
            self.waiting_since.store(now, Ordering::Relaxed);
            return now;
        }
        since
    }

    /// Claims the goroutine's select for one case.
    pub(crate) fn win_select(&self) -> bool {
        // ORDERING: AcqRel; between the holders of two channels' locks, of whom one wins.
        self.select_won
            .compare_exchange(0, 1, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    pub(crate) fn open_select(&self) {
        // ORDERING: Relaxed; published by the locks of the channels, all held by the caller.
        self.select_won.store(0, Ordering::Relaxed);
    }

    pub(crate) fn set_woken_case(&self, case: u32) {
        // ORDERING: Relaxed; published by `ready`.
        self.woken_case.store(case, Ordering::Relaxed);
    }
}

/// Names a goroutine by address.
pub(crate) struct GoroutineRef<E: Engine>(NonNull<Goroutine<E>>);

impl<E: Engine> Clone for GoroutineRef<E> {
    fn clone(&self) -> GoroutineRef<E> {
        *self
    }
}
impl<E: Engine> Copy for GoroutineRef<E> {}

// SAFETY: it is a shared reference to a `Sync` goroutine.
unsafe impl<E: Engine> Send for GoroutineRef<E> {}
// SAFETY: as above.
unsafe impl<E: Engine> Sync for GoroutineRef<E> {}

impl<E: Engine> Deref for GoroutineRef<E> {
    type Target = Goroutine<E>;

    #[inline]
    fn deref(&self) -> &Goroutine<E> {
        // SAFETY: goroutines live as long as their scheduler, and whoever can name one keeps the scheduler alive (machines,
        // wakers) or is kept inside it (queues, timers).
        unsafe { self.0.as_ref() }
    }
}

impl<E: Engine> GoroutineRef<E> {
    /// Wakes a goroutine that has parked or is about to. `None`: its machine sees to it.
    #[inline]
    pub(crate) fn ready(self) -> Option<Runnable<E>> {
        match self.status.ready() {
            Ready::Enqueue => Some(Runnable(self)),
            Ready::LeftToParker => None,
        }
    }

    /// For words that name a waiting goroutine by address.
    #[inline]
    pub(crate) fn raw(self) -> NonNull<Goroutine<E>> {
        self.0
    }

    /// The goroutine whose [`GoroutineRef::raw`] this is.
    #[inline]
    pub(crate) fn from_raw(raw: NonNull<Goroutine<E>>) -> GoroutineRef<E> {
        GoroutineRef(raw)
    }

    /// The waiter for plain operations. For the holder of the goroutine.
    #[inline]
    pub(crate) fn waiter(self) -> WaiterRef<E> {
        WaiterRef::new(&self.goroutine().waiter)
    }

    fn goroutine(&self) -> &Goroutine<E> {
        self
    }

    /// Records what the waiters are in use for. For the holder of the goroutine.
    #[inline]
    pub(crate) fn set_waits_at(self, at: WaitsAt) {
        self.waits_at.set(at);
    }

    /// Runs `f` on the waiters for select. For the holder of the goroutine.
    pub(crate) fn with_select<R>(self, f: impl FnOnce(&mut SelectWaiters<E>) -> R) -> R {
        // SAFETY: only the holder of the goroutine calls (INVARIANT), and `f` does not come back here (select.rs).
        // Others reach the single waiters meanwhile, but those lie in cells of their own.
        f(unsafe { &mut *self.select.get() })
    }

    /// Gives up an operation at channels, whether it went ahead or not.
    pub(crate) fn leave_channels(self) {
        match self.waits_at.replace(WaitsAt::Nothing) {
            WaitsAt::Nothing => {}
            WaitsAt::Channel => crate::select::leave_queue(self.waiter()),
            WaitsAt::Select => self.with_select(crate::select::SelectWaiters::leave_all),
        }
    }

    /// How the channel operation went that the goroutine was parked on. For the running goroutine.
    pub(crate) fn take_wake_outcome(self) -> WakeOutcome<E::Transfer> {
        let waits_at = self.waits_at.replace(WaitsAt::Nothing);
        let waiter = match waits_at {
            WaitsAt::Nothing => {
                panic!("take_wake_outcome: the goroutine was not parked at a channel")
            }
            WaitsAt::Channel => self.waiter(),
            // ORDERING: Relaxed; handed over by `ready`.
            WaitsAt::Select => {
                let case = self.woken_case.load(Ordering::Relaxed);
                self.with_select(|select| select.leave(case))
            }
        };
        let is_send = waiter.is_send();
        let value = waiter.take_transfer();
        WakeOutcome {
            case: if waits_at == WaitsAt::Select {
                waiter.number() as usize
            } else {
                0
            },
            is_send,
            value: if is_send {
                E::Transfer::default()
            } else {
                value
            },
            ok: waiter.succeeded(),
        }
    }

    /// Takes what a blocking call left. For the running goroutine.
    pub(crate) fn take_completion(self) -> Option<E::Completion> {
        self.is_left.set(false);
        // SAFETY: only the running goroutine and its machine call (INVARIANT), one after the other.
        match unsafe { (*self.completion.get()).take() }? {
            Left::Answer(completion) => Some(completion),
            Left::Call(_) => None,
        }
    }
}

/// A goroutine that somebody is going to run.
#[must_use = "a runnable goroutine that is dropped never runs"]
pub(crate) struct Runnable<E: Engine>(GoroutineRef<E>);

impl<E: Engine> Runnable<E> {
    /// For the run queues.
    #[inline]
    pub(crate) fn into_raw(self) -> NonNull<Goroutine<E>> {
        self.0.0
    }

    /// For the run queues: `raw` came from [`Runnable::into_raw`], once.
    #[inline]
    pub(crate) fn from_raw(raw: NonNull<Goroutine<E>>) -> Runnable<E> {
        Runnable(GoroutineRef(raw))
    }

    /// The goroutine.
    #[inline]
    pub(crate) fn goroutine(&self) -> GoroutineRef<E> {
        self.0
    }

    /// Takes it up on a machine.
    #[inline]
    pub(crate) fn start(self) -> Running<E> {
        self.0.status.set(Status::Running);
        Running(self.0)
    }
}

/// A goroutine that a machine has.
#[must_use = "a running goroutine must park, yield or end"]
pub(crate) struct Running<E: Engine>(GoroutineRef<E>);

impl<E: Engine> Running<E> {
    #[inline]
    pub(crate) fn goroutine(&self) -> GoroutineRef<E> {
        self.0
    }

    #[inline]
    pub(crate) fn fiber(&mut self) -> &mut E::Fiber {
        // SAFETY: the token's holder alone touches the fiber (INVARIANT), and `&mut self` lasts as long as the borrow.
        unsafe { (*self.0.fiber.get()).as_mut() }.expect("a running goroutine has a fiber")
    }

    /// Lets others run.
    #[inline]
    pub(crate) fn yield_now(self) -> Runnable<E> {
        self.0.status.set(Status::Runnable);
        Runnable(self.0)
    }

    /// Parks. A goroutine that was woken meanwhile comes back.
    #[inline]
    pub(crate) fn park(self, reason: WaitReason) -> Option<Runnable<E>> {
        // ORDERING: Relaxed; published by the step to Waiting.
        self.0.wait_reason.store(reason as u8, Ordering::Relaxed);
        self.0.waiting_since.store(0, Ordering::Relaxed);
        match self.0.status.park() {
            Parked::Waiting => None,
            Parked::WokenMeanwhile => Some(Runnable(self.0)),
        }
    }

    /// Says that its blocking call runs, for dumps.
    pub(crate) fn set_blocking(&self, is_blocking: bool) {
        // ORDERING: Relaxed; for dumps.
        self.0.waiting_since.store(0, Ordering::Relaxed);
        self.0.status.set(if is_blocking {
            Status::Blocking
        } else {
            Status::Running
        });
    }

    /// Leaves the answer of a blocking call.
    pub(crate) fn complete(&mut self, completion: E::Completion) {
        self.0.is_left.set(true);
        // SAFETY: the token's holder alone touches it (INVARIANT).
        unsafe { *self.0.completion.get() = Some(Left::Answer(completion)) };
    }

    /// Puts a blocking call off until the goroutine is run again.
    pub(crate) fn put_call_off(&mut self, call: BlockingCall<E>) {
        self.0.is_left.set(true);
        // SAFETY: the token's holder alone touches it (INVARIANT).
        unsafe { *self.0.completion.get() = Some(Left::Call(Box::new(call))) };
        self.0.set_special(special::CALL, true);
    }

    /// Takes a call that was put off.
    pub(crate) fn take_call(&mut self) -> Option<BlockingCall<E>> {
        if self.0.special() & special::CALL == 0 {
            return None;
        }
        self.0.set_special(special::CALL, false);
        // SAFETY: the token's holder alone touches it (INVARIANT).
        match unsafe { (*self.0.completion.get()).take() }? {
            Left::Call(call) => Some(*call),
            Left::Answer(_) => None,
        }
    }

    /// Counts a lock to the thread; answers whether it is the first.
    pub(crate) fn lock_thread(&self) -> bool {
        // ORDERING: Relaxed, here and below; only its machine writes.
        let locks = self.0.thread_locks.load(Ordering::Relaxed);
        self.0.thread_locks.store(locks + 1, Ordering::Relaxed);
        self.0.set_special(special::LOCKED, true);
        locks == 0
    }

    /// Counts a lock off, or all of them; answers whether it was the last.
    pub(crate) fn unlock_thread(&self, all: bool) -> bool {
        let locks = self.0.thread_locks.load(Ordering::Relaxed);
        if locks == 0 {
            return false;
        }
        let left = if all { 0 } else { locks - 1 };
        self.0.thread_locks.store(left, Ordering::Relaxed);
        self.0.set_special(special::LOCKED, left != 0);
        left == 0
    }

    /// Ends it.
    pub(crate) fn exit(self) -> (Free<E>, E::Fiber) {
        self.0.status.set(Status::Dead);
        // SAFETY: the token's holder alone touches the fiber (INVARIANT).
        let fiber =
            unsafe { (*self.0.fiber.get()).take() }.expect("a running goroutine has a fiber");
        if self.0.is_left.replace(false) {
            // SAFETY: as above.
            drop(unsafe { (*self.0.completion.get()).take() });
        }
        (Free(self.0), fiber)
    }
}

/// A goroutine that nobody uses.
pub(crate) struct Free<E: Engine>(GoroutineRef<E>);

impl<E: Engine> Free<E> {
    /// Makes a new goroutine of it.
    pub(crate) fn spawn(self, id: GoroutineId, fiber: E::Fiber) -> Runnable<E> {
        let g = self.0;
        // ORDERING: Relaxed; published by the run queue.
        g.id.store(id.0, Ordering::Relaxed);
        g.wait_reason.store(0, Ordering::Relaxed);
        g.waits_at.set(WaitsAt::Nothing);
        g.fiber_place
            .store(E::place_of(&fiber).cast_mut(), Ordering::Relaxed);
        // SAFETY: the token's holder alone touches the fiber (INVARIANT).
        unsafe { *g.fiber.get() = Some(fiber) };
        g.status.set(Status::Runnable);
        Runnable(g)
    }
}

/// Goroutines that nobody uses: the list of a processor.
pub(crate) struct FreeList<E: Engine>(List<E>);

impl<E: Engine> Default for FreeList<E> {
    fn default() -> FreeList<E> {
        FreeList(List::default())
    }
}

/// How many free goroutines a processor keeps before it gives half away, and how many it takes at a time.
const FREE_LIMIT: usize = 128;
const FREE_BATCH: usize = 64;
/// How many goroutines are made at a time: some pages of memory; few at first, as most programs have few.
const CHUNKS: [usize; 3] = [8, 48, 256];
/// A page.
const PAGE: usize = 4096;

impl<E: Engine> FreeList<E> {
    /// A goroutine to make a new one of.
    #[inline]
    pub(crate) fn take(&mut self, registry: &Registry<E>) -> Free<E> {
        if let Some(raw) = self.0.pop_front() {
            if let Some(next) = self.0.peek_front() {
                prefetch(next.as_ptr().cast());
            }
            return Free(GoroutineRef(raw));
        }
        registry.refill(&mut self.0);
        Free(GoroutineRef(self.0.pop_front().expect("refilled")))
    }

    /// Gives one back.
    #[inline]
    pub(crate) fn put(&mut self, free: Free<E>, registry: &Registry<E>) {
        self.0.push_front(free.0.0);
        if self.0.len() > FREE_LIMIT {
            registry.take_back(&mut self.0, FREE_BATCH);
        }
    }
}

/// Gives pages back to the system; they are zero from now on.
///
/// # Safety
/// Whole pages of private memory, of which nobody uses anything but to look whether it is zero.
unsafe fn make_zero(start: NonNull<u8>, bytes: usize) {
    #[cfg(all(target_os = "linux", not(miri), not(loom)))]
    // SAFETY: by the contract.
    if unsafe { libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_DONTNEED) } == 0 {
        return;
    }
    // SAFETY: by the contract.
    unsafe { start.as_ptr().write_bytes(0, bytes) };
}

/// Every goroutine of a scheduler, used or not.
pub(crate) struct Registry<E: Engine> {
    storage: RankedMutex<Storage<E>>,
}

struct Storage<E: Engine> {
    /// INVARIANT: a chunk is never dropped or moved before the registry is dropped. One that is not in use may have been given back to the
    /// system ([`Registry::release_unused`]): then it is zero, so all in it are dead.
    chunks: Vec<NonNull<[Goroutine<E>]>>,
    /// Which of them have been given back.
    released: Vec<NonNull<[Goroutine<E>]>>,
    free: List<E>,
}

/// The memory of a chunk: whole pages, if it is large.
fn layout_of<E: Engine>(count: usize) -> Layout {
    let layout = Layout::array::<Goroutine<E>>(count).expect("a chunk is small");
    if layout.size() < 4 * PAGE {
        return layout;
    }
    layout.align_to(PAGE).expect("a power of two")
}

/// New memory for so many goroutines, zeroed.
fn new_chunk<E: Engine>(count: usize) -> NonNull<[Goroutine<E>]> {
    let layout = layout_of::<E>(count);
    // SAFETY: the size is not zero.
    let Some(memory) = NonNull::new(unsafe { alloc_zeroed(layout) }) else {
        handle_alloc_error(layout)
    };
    NonNull::slice_from_raw_parts(memory.cast(), count)
}

// SAFETY: the chunks are owned, and goroutines are `Send` and `Sync`.
unsafe impl<E: Engine> Send for Storage<E> {}

impl<E: Engine> Registry<E> {
    pub(crate) fn new() -> Registry<E> {
        Registry {
            storage: RankedMutex::new(
                Rank::Goroutines,
                Storage {
                    chunks: Vec::new(),
                    released: Vec::new(),
                    free: List::default(),
                },
            ),
        }
    }

    fn refill(&self, list: &mut List<E>) {
        let mut storage = self.storage.lock();
        if storage.free.len() == 0 {
            let chunk = match storage.released.pop() {
                Some(chunk) => chunk,
                None => {
                    let size = CHUNKS[storage.chunks.len().min(CHUNKS.len() - 1)];
                    let chunk = new_chunk(size);
                    storage.chunks.push(chunk);
                    chunk
                }
            };
            for at in 0..chunk.len() {
                // SAFETY: within the chunk.
                let goroutine = unsafe { chunk.cast::<Goroutine<E>>().add(at) };
                // SAFETY: the chunk is zero, new or given back, and only who looks at all of them sees it so far.
                unsafe { Goroutine::make_of_zeros(goroutine) };
                storage.free.push_back(goroutine);
            }
        }
        for _ in 0..FREE_BATCH {
            let Some(raw) = storage.free.pop_front() else {
                break;
            };
            list.push_back(raw);
        }
    }

    fn take_back(&self, list: &mut List<E>, count: usize) {
        let mut storage = self.storage.lock();
        for _ in 0..count {
            let Some(raw) = list.pop_front() else { break };
            storage.free.push_front(raw);
        }
    }

    /// Gives a whole list back, for a processor that is given up.
    pub(crate) fn take_back_all(&self, list: &mut FreeList<E>) {
        self.take_back(&mut list.0, usize::MAX);
    }

    /// Gives the memory of chunks in which no goroutine is in use back to the system. They stay where they are.
    pub(crate) fn release_unused(&self) {
        // Whoever wants a goroutine meanwhile makes new ones.
        let (free, mut chunks) = {
            let mut storage = self.storage.lock();
            (std::mem::take(&mut storage.free), storage.chunks.clone())
        };
        let mut free = free.into_sorted();
        chunks.sort_unstable_by_key(|chunk| chunk.cast::<u8>());
        let (mut kept, mut released) = (List::default(), Vec::new());
        let mut rest = free.as_mut_slice();
        for chunk in chunks {
            let start = chunk.cast::<Goroutine<E>>();
            // SAFETY: the end of the chunk.
            let end = unsafe { start.add(chunk.len()) };
            let count = rest.partition_point(|&raw| raw < end);
            let (inside, others) = std::mem::take(&mut rest).split_at_mut(count);
            rest = others;
            let layout = layout_of::<E>(chunk.len());
            if count == chunk.len() && layout.align() == PAGE && layout.size().is_multiple_of(PAGE)
            {
                for raw in inside {
                    // SAFETY: it is free, and out of the list, so it is ours. Of a dead goroutine nothing else is to be dropped.
                    unsafe { (&raw mut (*raw.as_ptr()).select).drop_in_place() };
                }
                // SAFETY: whole pages of a chunk that nobody uses. Who looks at all goroutines sees dead ones before and after.
                unsafe { make_zero(chunk.cast(), layout.size()) };
                released.push(chunk);
            } else {
                inside.iter().for_each(|&raw| kept.push_back(raw));
            }
        }
        let mut storage = self.storage.lock();
        storage.free.append(kept);
        storage.released.append(&mut released);
    }

    /// Visits every goroutine that is in use, with its fiber.
    pub(crate) fn for_each(
        &self,
        _world: &mut WorldProof,
        mut visit: impl FnMut(GoroutineRef<E>, &mut E::Fiber),
    ) {
        let chunks = self.storage.lock().chunks.clone();
        for chunk in chunks {
            // SAFETY: chunks live as long as the registry (INVARIANT).
            for goroutine in unsafe { chunk.as_ref() } {
                if goroutine.status() == Status::Dead {
                    continue;
                }
                // SAFETY: the world is stopped, which the proof shows: no token's holder is at work.
                if let Some(fiber) = unsafe { (*goroutine.fiber.get()).as_mut() } {
                    visit(GoroutineRef(NonNull::from(goroutine)), fiber);
                }
            }
        }
    }

    /// Visits goroutines that are in use, in the order in which they were made, beginning with number `from`, until `visit` answers true. Answers the
    /// number after the last one visited; `None` if there is none.
    pub(crate) fn for_each_from(
        &self,
        _world: &mut WorldProof,
        from: usize,
        mut visit: impl FnMut(GoroutineRef<E>, &mut E::Fiber) -> bool,
    ) -> Option<usize> {
        let chunks = self.storage.lock().chunks.clone();
        let mut first = 0;
        for chunk in chunks {
            let end = first + chunk.len();
            if from < end {
                let skipped = from.saturating_sub(first);
                // SAFETY: chunks live as long as the registry (INVARIANT).
                for (goroutine, number) in unsafe { chunk.as_ref() }[skipped..]
                    .iter()
                    .zip(first + skipped..)
                {
                    if goroutine.status() == Status::Dead {
                        continue;
                    }
                    // SAFETY: the world is stopped, which the proof shows: no token's holder is at work.
                    let fiber = unsafe { (*goroutine.fiber.get()).as_mut() };
                    if let Some(fiber) = fiber
                        && visit(GoroutineRef(NonNull::from(goroutine)), fiber)
                    {
                        return Some(number + 1);
                    }
                }
            }
            first = end;
        }
        None
    }

    /// Takes every fiber that is left: nobody will run again.
    pub(crate) fn take_fibers(&self, _world: &mut WorldProof, mut abandoned: impl FnMut(E::Fiber)) {
        let chunks = self.storage.lock().chunks.clone();
        for chunk in chunks {
            // SAFETY: chunks live as long as the registry (INVARIANT).
            for goroutine in unsafe { chunk.as_ref() } {
                // A dead one has none, and its memory may have been given back.
                if goroutine.status() == Status::Dead {
                    continue;
                }
                // SAFETY: as in `for_each`.
                if let Some(fiber) = unsafe { (*goroutine.fiber.get()).take() } {
                    abandoned(fiber);
                }
                // SAFETY: as in `for_each`.
                drop(unsafe { (*goroutine.completion.get()).take() });
            }
        }
    }

    /// Visits every goroutine that is in use, while they run: for their names and states only.
    pub(crate) fn for_each_name(&self, mut visit: impl FnMut(GoroutineRef<E>)) {
        let chunks = self.storage.lock().chunks.clone();
        for chunk in chunks {
            // SAFETY: chunks live as long as the registry (INVARIANT).
            for goroutine in unsafe { chunk.as_ref() } {
                if goroutine.status() != Status::Dead {
                    visit(GoroutineRef(NonNull::from(goroutine)));
                }
            }
        }
    }

    /// Visits the values under way to or from a goroutine.
    pub(crate) fn for_each_transfer(
        _world: &WorldProof,
        goroutine: GoroutineRef<E>,
        visit: &mut impl FnMut(&mut E::Transfer),
    ) {
        match goroutine.waits_at.get() {
            WaitsAt::Nothing => {}
            WaitsAt::Channel => goroutine.waiter().visit_transfer(visit),
            WaitsAt::Select => goroutine.with_select(|select| {
                for waiter in select.in_use() {
                    waiter.visit_transfer(visit);
                }
            }),
        }
    }

    /// Visits the channels a goroutine is enqueued at.
    pub(crate) fn for_each_channel(
        _world: &WorldProof,
        goroutine: GoroutineRef<E>,
        visit: &mut impl FnMut(*const ()),
    ) {
        match goroutine.waits_at.get() {
            WaitsAt::Nothing => {}
            WaitsAt::Channel => visit(goroutine.waiter().key()),
            WaitsAt::Select => goroutine.with_select(|select| {
                for waiter in select.in_use() {
                    visit(waiter.key());
                }
            }),
        }
    }
}

impl<E: Engine> Drop for Registry<E> {
    fn drop(&mut self) {
        let mut storage = self.storage.lock();
        let (chunks, released) = (
            std::mem::take(&mut storage.chunks),
            std::mem::take(&mut storage.released),
        );
        for chunk in chunks {
            // SAFETY: it was made with this layout, and the scheduler is gone, so nobody names its goroutines any more. What has been given back holds
            // nothing.
            unsafe {
                if !released.contains(&chunk) {
                    chunk.as_ptr().drop_in_place();
                }
                dealloc(chunk.as_ptr().cast(), layout_of::<E>(chunk.len()));
            }
        }
    }
}
