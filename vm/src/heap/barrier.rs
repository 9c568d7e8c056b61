//! The write barrier: what a program must tell a collection that marks while it runs.
//!
//! 1. A collection marks all that can be reached when it begins (the *snapshot*), and objects are born marked until it ends. So nothing that
//!    the program can ever reach is missed, if no reference that belongs to the snapshot is lost before the collection has read it.
//! 2. A reference is lost when another value is stored in its place. So who stores to memory that may hold references first *shades*
//!    what is there: marks it and leaves it to be scanned. All stores go through [`crate::moves`], which ask [`is_on`]; the type of what is
//!    there is not asked for, each word is taken for a reference, which at worst keeps something until the next collection.
//! 3. Registers have no barrier. Instead a goroutine is scanned before it runs for the first time in a collection, by who runs it, if the
//!    collector has not done so yet. The same holds for what is on its way in a channel: who takes it shades it.
//! 4. What keeps nothing alive but gives out references (weak pointers, finalizers that are due) shades what it gives out.
//!
//! The flag is one for the process, so that asking costs a comparison with memory and a branch, and stores through pointers, which ask for nil
//! anyway, nothing more; a program whose own heap does not mark
//! finds so in the slow path. It is set and cleared in stopped worlds of the heap concerned.
//!
//! *(Rejected: a barrier for what is stored (insertion), which does not spare scanning the stacks again at the end; both, as Go has,
//! which spares scanning a goroutine at once, but here it is only scanned before it runs; to read the type of what is overwritten.)*
//!
//! GO: mbarrier.go, mwbbuf.go

use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::cache::{Cache, Shared};
use super::mark::{self, Found, Marker};
use super::{Heap, lock};
use crate::moves;

/// How many heaps of the process are being marked while their programs run.
static MARKING: Mutex<u32> = Mutex::new(0);

/// The largest address if there are any, else 0: see [`limit`].
static LIMIT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Who mutates the heap on this thread, if that heap is being marked.
    static MUTATOR: Cell<Option<Mutator>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
struct Mutator {
    heap: *const Heap,
    shared: NonNull<Shared>,
}

/// Shaded objects that a processor keeps before it leaves them to those who mark.
const KEPT: usize = 512;

/// Pointers up to this one are not just stored through: nil, or all of them while stores must shade what they overwrite. So those who ask whether a
/// pointer is nil need not ask twice.
#[inline(always)]
pub(crate) fn limit() -> u64 {
    // ORDERING: relaxed. Of this thread's heap it was set or cleared in a stopped world, which orders it; of others it does not matter.
    LIMIT.load(Ordering::Relaxed)
}

/// Whether stores must shade what they overwrite.
#[inline(always)]
pub(crate) fn is_on() -> bool {
    limit() != 0
}

/// One heap more, or less, is marked while its program runs. In its stopped world.
pub(super) fn switch(on: bool) {
    let marking = &mut *lock(&MARKING);
    *marking = if on { *marking + 1 } else { *marking - 1 };
    // ORDERING: relaxed, as in `limit`.
    LIMIT.store(if *marking > 0 { u64::MAX } else { 0 }, Ordering::Relaxed);
}

/// As long as it lives, this thread's stores shade what they overwrite. See [`Cache::mutate`].
pub struct Mutating {
    before: Option<Mutator>,
}

impl Drop for Mutating {
    fn drop(&mut self) {
        MUTATOR.set(self.before);
    }
}

impl Cache {
    /// To be called by whoever begins to run a goroutine with this cache, and kept until it stops: until the world can be stopped.
    #[inline]
    pub fn mutate(&mut self) -> Option<Mutating> {
        self.heap().is_marking().then(|| self.start_mutating())
    }

    #[cold]
    fn start_mutating(&mut self) -> Mutating {
        let mutator = Mutator {
            heap: &raw const **self.heap(),
            shared: self.shared(),
        };
        Mutating {
            before: MUTATOR.replace(Some(mutator)),
        }
    }
}

/// Shades `bytes` bytes at `address`, which are about to be overwritten.
///
/// # Safety
/// They lie in live script memory.
#[cold]
#[inline(never)]
pub(crate) unsafe fn before_store(address: u64, bytes: usize) {
    with_marker(|heap, marker| {
        let (mut at, end) = (address.next_multiple_of(8), address + bytes as u64);
        if end - address > 16
            // SAFETY: what is alive is not freed while a collection marks.
            && let Some(Found::Cell(block, _) | Found::Large(block, _)) = unsafe { mark::find(heap, None, address) }
            // SAFETY: the record of a block in use.
            && unsafe { (*block).scalar }
        {
            return;
        }
        while at + 8 <= end {
            // SAFETY: by the contract.
            marker.visit(unsafe { moves::load64(at) });
            at += 8;
        }
    });
}

/// Shades values that come from where no store would.
#[inline]
pub(crate) fn shade(values: &[u64]) {
    if is_on() {
        shade_slowly(values);
    }
}

#[cold]
#[inline(never)]
fn shade_slowly(values: &[u64]) {
    with_marker(|_, marker| values.iter().for_each(|&value| marker.visit(value)));
}

/// Calls `work` with a marker of this thread's heap, if that is being marked.
fn with_marker(work: impl FnOnce(&Heap, &mut Marker<'_>)) {
    let Some(mutator) = MUTATOR.get() else {
        return;
    };
    // SAFETY: `Cache::mutate` was called for a cache that is in use until its result is dropped; caches hold their heap.
    let heap = unsafe { &*mutator.heap };
    let shaded = unsafe {
        // SAFETY: as above; `shaded` is only used here, and in the stopped world.
        &mut *ptr::addr_of_mut!((*mutator.shared.as_ptr()).shaded)
    };
    let mut marker = Marker::beside(heap, std::mem::take(shaded));
    work(heap, &mut marker);
    *shaded = marker.take_stack();
    heap.add_up(&marker);
    if shaded.len() >= KEPT {
        heap.leave(shaded);
    }
}
