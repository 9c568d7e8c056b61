//! A collection that marks while the program runs.
//!
//! ```text
//!  step        threads mark, the program runs       step  ...  step         caches and threads sort
//!  begin ─────────────────────────────────────────────────────  finish ──────────────────────────── next
//!  barrier on                                                   barrier off
//! ```
//!
//! 1. All work in stopped worlds is done in *steps* of bounded length ([`Heap::step`]). The first begins the collection: the other side of the
//!    marks is filled from now on, the barrier is on ([`super::barrier`]), objects are born marked. It reports the roots; goroutines as many as there
//!    is time for. What time is left it marks; with a small heap that is all, and the step finishes the collection as well.
//! 2. Else threads are started that mark ([`super::parallel`]). Processors that allocate faster than these mark help ([`Heap::assist`]). Goroutines
//!    not reported yet are scanned before they run.
//! 3. When the threads have nothing left, they ask for a step. It takes what the barrier has shaded, reports more goroutines, and marks what that leads to.
//!    If it comes to an end in time, the collection is finished; else the threads go on. It comes to an end since what is to be marked is
//!    bounded by what there was at the beginning.
//! 4. The end settles what hangs on objects, turns the sides of the marks round and switches the barrier off. Blocks are sorted
//!    afterwards ([`super::collect`]).
//!
//! A collection of the whole heap in a stopped world ([`Heap::collect`]) gives up one that is under way.
//!
//! INVARIANT (SNAPSHOT): while a collection marks, each object that was reachable when it began is marked, or reachable over
//! unmarked objects from what is left to scan, from package variables or objects by references that were there when it began, or from a goroutine or
//! value on its way that has not been reported and does not run.
//!
//! GO: mgc.go, mgcpacer.go, in reduced form.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::mark::Marker;
use super::{Collection, Heap, State, barrier, lock};

/// What a step may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pace {
    /// About so long; threads mark between the steps.
    Time(Duration),
    /// About so many objects, and one goroutine; nothing is marked between the steps. For tests: what happens depends on the program only.
    Objects(usize),
}

impl Pace {
    /// What is used outside tests.
    pub const USUAL: Pace = Pace::Time(Duration::from_micros(150));
}

/// Who knows the roots.
pub trait Roots {
    /// Reports all roots but those in goroutines.
    fn report(&mut self, marker: &mut Marker<'_>);

    /// Reports goroutines, beginning where the last call has stopped (0 at first), until all are reported or `enough` says so. Answers where to go
    /// on.
    fn report_goroutines(
        &mut self,
        from: usize,
        marker: &mut Marker<'_>,
        enough: &mut dyn FnMut(&Marker<'_>) -> bool,
    ) -> Option<usize>;
}

/// Roots that are reported all at once.
pub(super) struct Simple<'a>(pub(super) &'a mut dyn FnMut(&mut Marker<'_>));

impl Roots for Simple<'_> {
    fn report(&mut self, marker: &mut Marker<'_>) {
        (self.0)(marker);
    }

    fn report_goroutines(
        &mut self,
        _: usize,
        _: &mut Marker<'_>,
        _: &mut dyn FnMut(&Marker<'_>) -> bool,
    ) -> Option<usize> {
        None
    }
}

/// A collection under way.
pub(super) struct Cycle {
    pub(super) begun: Instant,
    /// `Heap::allocated` and `Heap::objects` at the beginning.
    pub(super) allocated: u64,
    pub(super) objects: u64,
    pub(super) before: u64,
    pub(super) goal_before: u64,
    /// How long the world has stood still, in the first step and in all.
    pub(super) first_stop: Duration,
    pub(super) stopped: Duration,
    /// Where to go on with the goroutines.
    goroutines: Option<usize>,
    pub(super) root_bytes: u64,
}

/// Live bytes that may be marked within a step.
pub(super) const SOON_MARKED: u64 = 2 << 20;
/// Entries that are scanned between two looks at the clock.
const BATCH: usize = 128;
/// What a processor that allocates scans at most at a time.
const ASSIST: usize = 512;

impl Heap {
    /// Whether a collection marks while the program runs.
    #[inline(always)]
    pub fn is_marking(&self) -> bool {
        // ORDERING: relaxed. Written in a stopped world.
        self.marking.load(Ordering::Relaxed)
    }

    /// A number for each collection that has begun.
    #[inline]
    pub fn cycle_number(&self) -> u64 {
        // ORDERING: relaxed. Written in a stopped world.
        self.cycles.load(Ordering::Relaxed)
    }

    /// Has `ask` called when a step is wanted, by any thread.
    pub fn on_step_wanted(&self, ask: impl Fn() + Send + Sync + 'static) {
        *lock(&self.ask) = Some(Box::new(ask));
    }

    /// Somebody should stop the world for a step.
    pub(super) fn ask_for_step(&self) {
        // ORDERING: relaxed, as in `collection_wanted`.
        self.wanted.store(true, Ordering::Relaxed);
        if let Some(ask) = &*lock(&self.ask) {
            ask();
        }
    }

    /// Adds up what a marker has marked beside the program.
    pub(super) fn add_up(&self, marker: &Marker<'_>) {
        if marker.lost {
            self.pool.note_lost();
        }
        if marker.objects > 0 || marker.root_bytes > 0 {
            // ORDERING: relaxed. Sums; the last is taken in a stopped world.
            self.marked_bytes.fetch_add(marker.bytes, Ordering::Relaxed);
            self.marked_objects
                .fetch_add(marker.objects, Ordering::Relaxed);
            self.marked_roots
                .fetch_add(marker.root_bytes, Ordering::Relaxed);
        }
    }

    /// Leaves what is to be scanned to those who mark.
    pub(super) fn leave(&self, stack: &mut Vec<u64>) {
        self.pool.put(stack);
    }

    /// Reports roots of this collection while the program runs: a goroutine before it runs.
    pub fn report_beside(&self, report: impl FnOnce(&mut Marker<'_>)) {
        let mut marker = Marker::beside(self, Vec::new());
        report(&mut marker);
        self.pool.put(&mut marker.take_stack());
        self.add_up(&marker);
    }

    /// Begins a collection, or does some of what is left of one. Answers what it did when it is finished.
    ///
    /// # Safety
    /// The world is stopped. All references that will be used afterwards are reported by `roots`, or reachable from
    /// what is; until the collection is finished those who run goroutines keep what [`Cache::mutate`](super::Cache::mutate) gave them, and a goroutine
    /// that has not been reported in this collection is reported by [`Heap::report_beside`] before it runs.
    pub unsafe fn step(&self, roots: &mut dyn Roots, pace: Pace) -> Option<Collection> {
        let begin = Instant::now();
        self.pool.pause();
        let state = &mut *lock(&self.state);
        let begins = state.cycle.is_none();
        if begins {
            // SAFETY: the world is stopped.
            unsafe { self.begin(state) };
        }
        let mut cycle = state.cycle.take()?;
        let (mut pieces, lost) = self.pool.take_all();
        for shared in &state.caches {
            // SAFETY: nobody uses a cache in a stopped world.
            let shaded = unsafe { std::mem::take(&mut (*shared.as_ptr()).shaded) };
            if !shaded.is_empty() {
                pieces.push(shaded);
            }
        }
        let specials = lock(&self.specials);
        let mut marker = Marker::new(self, state, self.marking_side());
        marker.lost = lost;
        marker.steps = true;
        if begins {
            specials.mark_roots(&mut marker);
            roots.report(&mut marker);
        }
        let mut scanned = 0;
        let mut may_wait = true;
        // A heap that is too large to be marked in the first step is not marked there at all.
        // ORDERING: relaxed, as in `begin`.
        let may_finish = !begins || self.live_then.load(Ordering::Relaxed) < SOON_MARKED;
        let is_over = |scanned: usize| match pace {
            Pace::Time(_) if !may_finish && scanned > 0 => true,
            Pace::Time(time) => begin.elapsed() >= time,
            Pace::Objects(most) => scanned >= most,
        };
        if let Some(from) = cycle.goroutines {
            let mut reported = 0;
            cycle.goroutines = roots.report_goroutines(from, &mut marker, &mut |_| {
                reported += 1;
                match pace {
                    // The clock costs as much as a small goroutine.
                    Pace::Time(_) => reported % 8 == 0 && is_over(0),
                    Pace::Objects(_) => true,
                }
            });
        }
        let finished = loop {
            if marker.left() == 0
                && let Some(piece) = pieces.pop()
            {
                marker.add_work(piece);
            }
            if marker.left() == 0 && cycle.goroutines.is_none() {
                break true;
            }
            if may_wait && (is_over(scanned) || marker.left() == 0) {
                if matches!(pace, Pace::Objects(_)) || self.start_workers() {
                    break false;
                }
                // There is nobody to leave it to.
                may_wait = false;
            }
            if let (false, Some(from)) = (may_wait, cycle.goroutines) {
                cycle.goroutines = roots.report_goroutines(from, &mut marker, &mut |_| false);
            }
            let batch = match pace {
                Pace::Time(_) => BATCH,
                Pace::Objects(most) => most.saturating_sub(scanned).max(1),
            };
            marker.drain_some(batch);
            scanned += batch;
        };
        cycle.root_bytes += std::mem::take(&mut marker.root_bytes);
        if finished {
            marker.steps = false;
            // SAFETY: by the contract.
            let collection = unsafe { self.finish(state, specials, marker, cycle, begin, roots) };
            return Some(collection);
        }
        drop(specials);
        self.add_up(&marker);
        let mut stack = marker.take_stack();
        self.pool.put(&mut stack);
        for mut piece in pieces {
            self.pool.put(&mut piece);
        }
        let stop = begin.elapsed();
        if begins {
            cycle.first_stop = stop;
        }
        cycle.stopped += stop;
        state.cycle = Some(cycle);
        // ORDERING: relaxed, as in `collection_wanted`.
        self.wanted
            .store(matches!(pace, Pace::Objects(_)), Ordering::Relaxed);
        self.pool.resume();
        None
    }

    /// Begins a collection.
    ///
    /// # Safety
    /// The world is stopped.
    pub(super) unsafe fn begin(&self, state: &mut State) {
        self.sort(state, usize::MAX);
        self.pool.start();
        for shared in &mut state.caches {
            // SAFETY: caches remove themselves from the list when they are dropped, and nobody uses one in a stopped
            // world.
            unsafe { shared.as_mut() }.publish(self);
        }
        // ORDERING: relaxed, here and below. The world is stopped; stopping it ordered everything before us, and starting it orders what comes.
        let (allocated, objects) = (
            self.allocated.load(Ordering::Relaxed),
            self.objects.load(Ordering::Relaxed),
        );
        let trigger = self.trigger.swap(u64::MAX, Ordering::Relaxed);
        let goal_before = match trigger {
            u64::MAX => u64::MAX,
            _ => state.live + (trigger + state.headroom).saturating_sub(state.allocated_then),
        };
        // SAFETY: the world is stopped.
        unsafe { lock(&self.specials).begin() };
        let side = self.marking_side();
        for shared in &state.caches {
            // SAFETY: as above.
            unsafe { shared.as_ref() }.mark_windows(side, true);
        }
        self.cycles.fetch_add(1, Ordering::Relaxed);
        self.marking.store(true, Ordering::Relaxed);
        self.wanted.store(false, Ordering::Relaxed);
        barrier::switch(true);
        for sum in [&self.marked_bytes, &self.marked_objects, &self.marked_roots] {
            sum.store(0, Ordering::Relaxed);
        }
        self.begun_at.store(allocated, Ordering::Relaxed);
        // Those who allocate help so that all is marked when this much has been allocated.
        let runway = (trigger.saturating_add(state.headroom))
            .saturating_sub(allocated)
            .clamp(state.live / 16 + (1 << 20), state.live + (4 << 20));
        self.runway.store(runway, Ordering::Relaxed);
        state.cycle = Some(Cycle {
            begun: Instant::now(),
            allocated,
            objects,
            before: state
                .live
                .wrapping_add(allocated.wrapping_sub(state.allocated_then)),
            goal_before,
            first_stop: Duration::ZERO,
            stopped: Duration::ZERO,
            goroutines: Some(0),
            root_bytes: 0,
        });
    }

    /// Gives up a collection under way; does nothing if there is none. The world is stopped, or no goroutine will run again.
    pub fn give_up(&self) {
        self.pool.pause();
        self.pool.end();
        let state = &mut *lock(&self.state);
        if state.cycle.take().is_none() {
            return;
        }
        for shared in &state.caches {
            // SAFETY: as in `begin`.
            unsafe { (*shared.as_ptr()).shaded = Vec::new() };
        }
        self.clear_side(state, self.marking_side());
        // ORDERING: relaxed, as in `begin`.
        self.marking.store(false, Ordering::Relaxed);
        barrier::switch(false);
    }

    /// Marks some of what is left, if the program allocates faster than the threads mark. By a processor that needs memory.
    #[cold]
    #[inline(never)]
    pub(super) fn assist(&self) {
        // ORDERING: relaxed. Figures that may be a little old.
        let allocated = self
            .allocated
            .load(Ordering::Relaxed)
            .wrapping_sub(self.begun_at.load(Ordering::Relaxed));
        let runway = self.runway.load(Ordering::Relaxed).max(1);
        let expected = self.live_then.load(Ordering::Relaxed) as u128 * allocated as u128;
        let marked = self.marked_bytes.load(Ordering::Relaxed) as u128 * runway as u128;
        if marked >= expected {
            return;
        }
        match self.pool.try_take() {
            Some(piece) => {
                let mut marker = Marker::beside(self, piece);
                marker.drain_some(ASSIST);
                self.pool.put(&mut marker.take_stack());
                self.add_up(&marker);
            }
            // They will leave something; or there is nothing, and the end is near.
            None if allocated > 2 * runway => std::thread::yield_now(),
            None => {}
        }
    }
}
