//! What hangs on objects without keeping them alive: finalizers, cleanups, weak pointers; and pools that collections empty.
//!
//! All stand in tables by address, apart from the objects, so that objects without any pay nothing. A collection treats them thus:
//!
//! 1. Before marking, each pool's items become its victims, and former victims are forgotten ([`Specials::begin`]).
//! 2. Roots are the functions, what is due and not yet taken, and *what an object with a finalizer refers to, but not the object*: all that the
//!    finalizer can reach is there when it runs, and of objects that refer to each other the one that nobody refers to goes first. An object
//!    that reaches itself is never finalized ([`Specials::mark_roots`]).
//! 3. After marking, weak pointers to unmarked objects become nil; then unmarked objects with a finalizer are marked and their finalizers due;
//!    then cleanups of what is still unmarked are due ([`Specials::settle`]).
//!
//! What is due is run by a goroutine for each of the two kinds, started after the collection and ended when nothing is left, so that no goroutine
//! stands around whom nobody can wake.
//!
//! A weak pointer's *handle* is an object without references that holds the address; the entry here does not keep it alive, since who has no
//! handle of an object cannot tell an old one from a new one.
//!
//! GO: mfinal.go, mcleanup.go, mheap.go `getOrAddWeakHandle`, mgcmark.go `markrootSpans`.

use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;

use rustc_hash::FxHashMap;

use super::{Account, Cache, Heap, Marker, OutOfMemory, Reference, barrier, lock, mark};
use crate::moves;

/// About what an entry takes in its table, which doubles.
const ENTRY_BYTES: u64 = 96;

/// The two kinds of calls that come due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DueKind {
    Finalizer,
    Cleanup,
}

/// A call that is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Due {
    /// A func value.
    pub function: u64,
    /// Of a finalizer: the object. Of a cleanup: an address in the object, 0 once it is due.
    pub object: u64,
    /// Of a finalizer that takes an interface: the type word; else 0.
    pub type_word: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    /// Entries in the order in which they were made.
    number: u64,
    due: Due,
}

/// Calls that are due, and who runs them.
#[derive(Default)]
struct Queue {
    due: VecDeque<Due>,
    /// A `func()` that takes what is due until nothing is left; 0 until it is known.
    runner: u64,
    running: bool,
}

/// See the module's text.
#[derive(Default)]
pub(super) struct Specials {
    /// By the object's address.
    finalizers: FxHashMap<u64, Entry>,
    /// By number; [`Due::object`] is an address in the object.
    cleanups: FxHashMap<u64, Entry>,
    /// Handles by the address they stand for.
    handles: FxHashMap<u64, u64>,
    /// Addresses of two references: a pool's items, and those of the cycle before.
    pools: Vec<u64>,
    queues: [Queue; 2],
    last_number: u64,
    /// What the tables are charged.
    charge: AtomicU64,
}

impl Specials {
    fn count(&self) -> u64 {
        (self.finalizers.len()
            + self.cleanups.len()
            + self.handles.len()
            + self.pools.len()
            + self.queues[0].due.len()
            + self.queues[1].due.len()) as u64
    }

    fn queue(&mut self, kind: DueKind) -> &mut Queue {
        &mut self.queues[kind as usize]
    }

    /// Whether one more entry may be made.
    fn may_grow(&self, account: &Account) -> Result<(), OutOfMemory> {
        let bytes = (self.count() + 1) * ENTRY_BYTES;
        if !account.allows(ENTRY_BYTES) {
            return Err(account.refuse(ENTRY_BYTES));
        }
        account.estimate_native(&self.charge, bytes);
        Ok(())
    }

    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// A collection begins.
    ///
    /// # Safety
    /// The world is stopped.
    pub(super) unsafe fn begin(&mut self) {
        self.pools.retain(|&pool| {
            // SAFETY: who registered the pool says that two references are there; the pool was alive at the end of the last collection, and
            // what has died since has not been swept.
            unsafe {
                let items = moves::load_reference(pool);
                moves::store_reference(pool + 8, items);
                moves::store_reference(pool, 0);
                items != 0
            }
        });
    }

    /// Reports the roots.
    pub(super) fn mark_roots(&self, marker: &mut Marker<'_>) {
        for (&object, entry) in &self.finalizers {
            marker.mark_contents(object);
            marker.mark_reference(entry.due.function);
        }
        for entry in self.cleanups.values() {
            marker.mark_reference(entry.due.function);
        }
        for queue in &self.queues {
            marker.mark_reference(queue.runner);
            for due in &queue.due {
                marker.mark_reference(due.function);
                marker.mark_reference(due.object);
            }
        }
    }

    /// All that is reachable is marked: says what becomes of the rest.
    ///
    /// # Safety
    /// The world is stopped.
    pub(super) unsafe fn settle(&mut self, marker: &mut Marker<'_>, account: &Account) {
        self.handles.retain(|&address, &mut handle| {
            let alive = marker.is_marked(address);
            if !alive {
                // SAFETY: a handle, which is an object of a word at least that has not been swept if it has died.
                unsafe { moves::store64(handle, 0) };
            }
            alive && marker.is_marked(handle)
        });
        for object in take_dead(
            &mut self.finalizers,
            &mut self.queues,
            DueKind::Finalizer,
            marker,
        ) {
            marker.mark_reference(object);
        }
        marker.settle();
        take_dead(
            &mut self.cleanups,
            &mut self.queues,
            DueKind::Cleanup,
            marker,
        );
        self.pools.retain(|&pool| marker.is_marked(pool));
        account.estimate_native(&self.charge, self.count() * ENTRY_BYTES);
    }
}

/// Moves the entries of unmarked objects to the queue, in the order in which they were made; returns the objects. For lack of memory all of them
/// stay, with their objects, for the next collection.
fn take_dead(
    table: &mut FxHashMap<u64, Entry>,
    queues: &mut [Queue; 2],
    kind: DueKind,
    marker: &mut Marker<'_>,
) -> Vec<u64> {
    let queue = &mut queues[kind as usize];
    let is_dead = |entry: &Entry, marker: &Marker<'_>| !marker.is_marked(entry.due.object);
    let count = table
        .values()
        .filter(|entry| is_dead(entry, marker))
        .count();
    let (mut dead, mut objects) = (Vec::new(), Vec::new());
    if dead.try_reserve_exact(count).is_err()
        || objects.try_reserve_exact(count).is_err()
        || queue.due.try_reserve(count).is_err()
    {
        table
            .values()
            .for_each(|entry| marker.mark_reference(entry.due.object));
        marker.settle();
        return Vec::new();
    }
    table.retain(|_, entry| {
        let is_dead = is_dead(entry, marker);
        if is_dead {
            dead.push(*entry);
        }
        !is_dead
    });
    table.shrink_to(table.len() * 2);
    dead.sort_unstable_by_key(|entry| entry.number);
    for entry in dead {
        objects.push(entry.due.object);
        queue.due.push_back(Due {
            // Of a cleanup it was only watched.
            object: if kind == DueKind::Finalizer {
                entry.due.object
            } else {
                0
            },
            ..entry.due
        });
    }
    objects
}

impl Heap {
    /// The object that the address of a live object leads to: (its address, bytes of its cell); `None` if it does not lie in the heap.
    ///
    /// # Safety
    /// What lies at the address is alive, and no collection runs.
    pub(crate) unsafe fn object_of(&self, address: u64) -> Option<(u64, u64)> {
        // SAFETY: a live object's blocks do not change their use, and `object_at` holds the lock of the list of huge objects.
        unsafe { self.object_at(address) }
    }

    /// Has `due` come due when its object, whose address it is, is found unreachable. Returns false if it has a finalizer.
    ///
    /// # Errors
    /// There is no memory for the entry.
    pub(crate) fn set_finalizer(&self, due: Due, runner: u64) -> Result<bool, OutOfMemory> {
        let specials = &mut *lock(&self.specials);
        specials.may_grow(self.account())?;
        specials.queue(DueKind::Finalizer).runner = runner;
        if specials.finalizers.contains_key(&due.object) {
            return Ok(false);
        }
        specials
            .finalizers
            .try_reserve(1)
            .map_err(|_| OutOfMemory)?;
        let number = specials.next_number();
        specials
            .finalizers
            .insert(due.object, Entry { number, due });
        Ok(true)
    }

    /// Takes an object's finalizer away.
    pub(crate) fn clear_finalizer(&self, object: u64) {
        lock(&self.specials).finalizers.remove(&object);
    }

    /// Has a `func()` come due when the object that `address` lies in is found unreachable. Returns the cleanup's number, never 0.
    ///
    /// # Errors
    /// There is no memory for the entry.
    pub(crate) fn add_cleanup(
        &self,
        address: u64,
        function: u64,
        runner: u64,
    ) -> Result<u64, OutOfMemory> {
        let specials = &mut *lock(&self.specials);
        specials.may_grow(self.account())?;
        specials.queue(DueKind::Cleanup).runner = runner;
        specials.cleanups.try_reserve(1).map_err(|_| OutOfMemory)?;
        let number = specials.next_number();
        let due = Due {
            function,
            object: address,
            type_word: 0,
        };
        specials.cleanups.insert(number, Entry { number, due });
        Ok(number)
    }

    /// Forgets a cleanup that is not due yet.
    pub(crate) fn stop_cleanup(&self, number: u64) {
        lock(&self.specials).cleanups.remove(&number);
    }

    /// The handle of an address: an object of one word, which holds the address until what lies there is found unreachable, and then 0.
    ///
    /// # Errors
    /// There is no memory.
    pub(crate) fn weak_handle(
        &self,
        cache: &mut Cache,
        address: u64,
    ) -> Result<Reference, OutOfMemory> {
        let known = lock(&self.specials).handles.get(&address).copied();
        if let Some(handle) = known.and_then(Reference::new) {
            // Nothing but the table may have known it.
            barrier::shade(&[handle.get()]);
            return Ok(handle);
        }
        let new = cache.allocate_uninitialized(8)?;
        // SAFETY: a new object of a word.
        unsafe { moves::store64(new.get(), address) };
        let specials = &mut *lock(&self.specials);
        // Somebody may have been faster.
        if let Some(handle) = specials.handles.get(&address).copied()
            && let Some(handle) = Reference::new(handle)
        {
            barrier::shade(&[handle.get()]);
            return Ok(handle);
        }
        specials.may_grow(self.account())?;
        specials.handles.try_reserve(1).map_err(|_| OutOfMemory)?;
        specials.handles.insert(address, new.get());
        Ok(new)
    }

    /// Has collections move the reference at `pool` to the word after it, and drop it the next time. To be called whenever that at `pool` has
    /// become other than nil.
    ///
    /// # Errors
    /// There is no memory for the entry.
    pub(crate) fn add_pool(&self, pool: u64) -> Result<(), OutOfMemory> {
        let specials = &mut *lock(&self.specials);
        if specials.pools.contains(&pool) {
            return Ok(());
        }
        specials.may_grow(self.account())?;
        specials.pools.try_reserve(1).map_err(|_| OutOfMemory)?;
        specials.pools.push(pool);
        Ok(())
    }

    /// Takes the next call that is due. When there is none, the runner that asked must end.
    pub(crate) fn next_due(&self, kind: DueKind) -> Option<Due> {
        let specials = &mut *lock(&self.specials);
        let queue = specials.queue(kind);
        let due = queue.due.pop_front();
        queue.running = due.is_some();
        if let Some(due) = due {
            barrier::shade(&[due.function, due.object]);
        }
        due
    }

    /// Whether a runner is under way.
    pub(crate) fn runners_at_work(&self) -> bool {
        lock(&self.specials)
            .queues
            .iter()
            .any(|queue| queue.running)
    }

    /// A runner has ended early.
    pub(crate) fn runner_ended(&self, kind: DueKind) {
        lock(&self.specials).queue(kind).running = false;
    }

    /// Calls `start` with each runner that must be started; it answers whether that was possible.
    pub(crate) fn start_runners(&self, mut start: impl FnMut(u64) -> bool) {
        for queue in &mut lock(&self.specials).queues {
            if !queue.running && !queue.due.is_empty() {
                queue.running = start(queue.runner);
            }
        }
    }
}

impl Marker<'_> {
    /// Reports what an object refers to, but not the object.
    pub(super) fn mark_contents(&mut self, object: u64) {
        // SAFETY: the world is stopped and the collector holds the heap's state.
        match unsafe { self.find(object) } {
            // SAFETY: as above.
            Some(mark::Found::Cell(block, _)) if unsafe { !(*block).scalar } => {
                self.scan_cell(object)
            }
            Some(mark::Found::Large(..) | mark::Found::Huge(_)) => self.scan_piece(object),
            Some(mark::Found::Cell(..)) | None => {}
        }
        self.drain_if_long();
    }
}
