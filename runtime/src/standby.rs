//! The standby processor: an idle one that a thread of the host takes with one atomic step, and gives back with another.
//!
//! Most calls into a program run to their end on their caller's thread and wake nobody. For those the central lock would be most of the
//! work. So a session keeps one of its idle processors in a word:
//!
//! 1. The word is empty, or names the processor, which is idle then and counts as such ([`Shared::idle_count`]), or says that a caller has it.
//! 2. A caller takes it (`here` to `taken`), and looks at the attention word: whoever stops the world or ends the run has set that
//!    before looking here. One of the two sees the other.
//! 3. When the call has ended the caller publishes the processor again, and *then* looks for what came up meanwhile: the attention word,
//!    the global queue, somebody who waits for a call. This is the delicate dance of `scheduler.rs`: whoever made work runnable did
//!    so before looking for idle processors.
//! 4. A call that is not over when its goroutine stops for the first time becomes a guest as any other (`session.rs`): the caller counts itself among the
//!    machines and empties the word, both under the central lock.
//! 5. Everybody else takes the processor under the central lock, as one of the idle list: `here` to empty.
//! 6. The end of the run waits until no caller has it, as it waits for machines.
//!
//! INVARIANT: the word's address is one reference of a processor's `Arc`, and with it the processor's token. Whoever moves the word away from the address has
//! both; whoever moves it there has given both.
//!
//! Rejected: leaving the processor to its last caller until somebody wants it (a blocking call that never ends, to the monitor). A session
//! whose calls never wait has no monitor, and others would find no idle processor.

use std::{ptr, sync::Arc};

use crate::{
    blocking::{ProcessorStatus, fence_in_models},
    engine::Engine,
    processor::{OwnedProcessor, Processor},
    scheduler::{Central, Shared},
    sync::{AtomicPtr, Ordering},
};

/// The word. See the module's text.
pub(crate) struct Standby<E: Engine> {
    word: AtomicPtr<Processor<E>>,
}

/// No address of a processor: a caller has it.
fn taken<E: Engine>() -> *mut Processor<E> {
    ptr::without_provenance_mut(1)
}

fn is_here<E: Engine>(word: *mut Processor<E>) -> bool {
    !word.is_null() && word != taken()
}

impl<E: Engine> Standby<E> {
    pub(crate) fn new() -> Standby<E> {
        Standby {
            word: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Whether it is idle here.
    #[inline]
    pub(crate) fn is_here(&self) -> bool {
        // ORDERING: SeqCst. Pairs with `take` and `give_back`, in the dances (steps 2 and 3).
        is_here(self.word.load(Ordering::SeqCst))
    }

    /// Whether a caller has it.
    pub(crate) fn is_taken(&self) -> bool {
        fence_in_models();
        // ORDERING: SeqCst. Pairs with `give_back`: who gives it back looks whether the run is ending, which was said before this.
        self.word.load(Ordering::SeqCst) == taken()
    }

    /// Takes it, for a caller.
    #[inline]
    pub(crate) fn take(&self) -> Option<OwnedProcessor<E>> {
        // ORDERING: Relaxed; the exchange decides.
        let here = self.word.load(Ordering::Relaxed);
        if !is_here(here) {
            return None;
        }
        // ORDERING: SeqCst. Acquire for what the last owner did; and before the look at the attention word (step 2).
        let took = self
            .word
            .compare_exchange(here, taken(), Ordering::SeqCst, Ordering::Relaxed)
            .is_ok();
        fence_in_models();
        took
            // SAFETY: the address was in the word, and we have moved the word away from it (INVARIANT).
            .then(|| unsafe { OwnedProcessor::from_raw(here) })
    }

    /// The caller gives it back.
    #[inline]
    pub(crate) fn give_back(&self, processor: OwnedProcessor<E>) {
        // ORDERING: SeqCst. Release for what we did with it; and before the looks of step 3.
        let before = self.word.swap(processor.into_raw(), Ordering::SeqCst);
        debug_assert!(before == taken(), "only who has taken it gives it back");
        fence_in_models();
    }

    /// The caller keeps it, as a machine. Under the central lock.
    fn keep(&self) {
        // ORDERING: SeqCst, as all others.
        let before = self.word.swap(ptr::null_mut(), Ordering::SeqCst);
        debug_assert!(before == taken(), "only who has taken it keeps it");
    }

    /// Puts a processor here, if there is room. Under the central lock.
    fn put(&self, processor: OwnedProcessor<E>) -> Result<(), OwnedProcessor<E>> {
        let raw = processor.into_raw();
        // ORDERING: SeqCst. Release for `take`; and the delicate dance, as in `put_idle_processor`.
        let put =
            self.word
                .compare_exchange(ptr::null_mut(), raw, Ordering::SeqCst, Ordering::Relaxed);
        match put {
            Ok(_) => Ok(()),
            // SAFETY: it never got into the word.
            Err(_) => Err(unsafe { OwnedProcessor::from_raw(raw) }),
        }
    }

    /// Takes it away, if it is idle. Under the central lock.
    pub(crate) fn recall(&self) -> Option<OwnedProcessor<E>> {
        fence_in_models();
        let mut here = self.word.load(Ordering::Relaxed);
        loop {
            if !is_here(here) {
                return None;
            }
            // ORDERING: SeqCst. Acquire for what its last owner did; and after the attention word was set (step 2).
            match self.word.compare_exchange(
                here,
                ptr::null_mut(),
                Ordering::SeqCst,
                Ordering::Relaxed,
            ) {
                // SAFETY: as in `take`.
                Ok(_) => return Some(unsafe { OwnedProcessor::from_raw(here) }),
                Err(now) => here = now,
            }
        }
    }
}

impl<E: Engine> Drop for Standby<E> {
    fn drop(&mut self) {
        drop(self.recall());
    }
}

impl<E: Engine> Shared<E> {
    /// Whether callers may have a processor without the central lock: not where every step is recorded, or chosen by a seed, or where
    /// callers wait for the only processor.
    fn has_standby(&self) -> bool {
        self.options.trace.is_none() && !self.options.shuffle && !self.options.callers_only
    }

    /// Takes the standby processor, for a caller. `None`: it is not there, or something else comes first.
    #[inline]
    pub(crate) fn take_standby(self: &Arc<Self>) -> Option<OwnedProcessor<E>> {
        let processor = self.standby.take()?;
        if self.attention() != 0 {
            self.give_standby_back(processor);
            return None;
        }
        processor.set_status(ProcessorStatus::Running);
        self.sysmon.wake_if_deep();
        Some(processor)
    }

    /// Gives it back, when nothing is queued there.
    #[inline]
    pub(crate) fn give_standby_back(self: &Arc<Self>, processor: OwnedProcessor<E>) {
        let cells = processor.cells();
        cells.deferred_wakeups.set(0);
        cells.deferred_watch.set(false);
        processor.set_status(ProcessorStatus::Idle);
        let watch = processor.timers.earliest();
        self.standby.give_back(processor);
        if self.attention() != 0
            || self.global_len_now() != 0
            || !self.engine().may_rest()
            // ORDERING: SeqCst. Pairs with `wake_processor`, which sets it because it found no idle processor.
            || self.need_spinning.load(Ordering::SeqCst)
        {
            self.look_after_standby();
        }
        self.watch_timer(watch);
        self.watch_descriptors();
    }

    /// Something may have come up while a caller had the standby processor.
    #[cold]
    fn look_after_standby(self: &Arc<Self>) {
        let mut central = self.central();
        if let Some(processor) = self.standby.recall() {
            central = self.put_by(central, processor);
        }
        drop(central);
        if self.is_finishing() {
            self.progress.notify_all();
        }
    }

    /// A caller that has the standby processor becomes a machine. Under the central lock, under which it has counted itself.
    pub(crate) fn keep_standby(&self, _: &mut Central<E>) {
        self.standby.keep();
    }

    /// Puts a processor by that has nothing to run: for callers, if they have none.
    pub(crate) fn stand_by(&self, central: &mut Central<E>, processor: OwnedProcessor<E>) {
        if !self.has_standby() {
            return self.put_idle_processor(central, processor);
        }
        processor.set_status(ProcessorStatus::Idle);
        if let Err(processor) = self.standby.put(processor) {
            self.put_idle_processor(central, processor);
        }
    }

    /// Takes the standby processor for the idle list, so that it can be counted with the others.
    pub(crate) fn recall_standby(&self, central: &mut Central<E>) {
        if let Some(processor) = self.standby.recall() {
            self.put_idle_processor(central, processor);
        }
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::models::{Nobody, model, sides};
    use crate::preempt::attention;
    use crate::sync::fence;
    use loom::{cell::UnsafeCell, thread};

    /// A scheduler whose only idle processor is the standby one; nobody waits for it.
    fn with_standby() -> Arc<Shared<Nobody>> {
        let (shared, a, _b) = sides();
        shared
            .engine()
            .rests
            .store(true, std::sync::atomic::Ordering::Relaxed);
        shared.stand_by(&mut shared.central(), a.processor);
        shared
    }

    #[test]
    fn loom_the_standby_processor_has_one_owner() {
        model(|| {
            let shared = with_standby();
            let contents = Arc::new(UnsafeCell::new(0));
            let touch = |contents: &UnsafeCell<u32>| {
                // SAFETY: loom itself checks that nobody else is here; that is the point of the model.
                contents.with_mut(|contents| unsafe { *contents += 1 });
            };
            let caller = {
                let (shared, contents) = (Arc::clone(&shared), Arc::clone(&contents));
                thread::spawn(move || {
                    if let Some(processor) = shared.standby.take() {
                        touch(&contents);
                        shared.standby.give_back(processor);
                    }
                })
            };
            let recalled = shared.standby.recall();
            if recalled.is_some() {
                touch(&contents);
            }
            caller.join().unwrap();
            assert!(recalled.is_some() ^ shared.standby.is_here());
        });
    }

    #[test]
    fn loom_who_stops_the_world_gets_the_processor_of_a_caller() {
        model(|| {
            let shared = with_standby();
            let caller = {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    if let Some(processor) = shared.take_standby() {
                        shared.give_standby_back(processor);
                    }
                })
            };
            {
                let mut central = shared.central();
                central.is_stopping = true;
                shared.set_attention(attention::STOP);
                central.stop_wait = 1;
                if let Some(processor) = shared.standby.recall() {
                    shared.stop_processor(&mut central, processor);
                }
            }
            caller.join().unwrap();
            let central = shared.central();
            assert_eq!((central.stop_wait, central.stopped.len()), (0, 1));
        });
    }

    #[test]
    fn loom_work_that_comes_while_a_caller_leaves_is_seen() {
        model(|| {
            let (shared, a, b) = sides();
            let runnable = b.into_runnable();
            shared.stand_by(&mut shared.central(), a.processor);
            let processor = shared.standby.take().expect("nobody else takes it");
            let caller = {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    shared.standby.give_back(processor);
                    shared.global_len_now() != 0
                })
            };
            shared.put_global(&mut shared.central(), runnable);
            // As `wake_processor`.
            fence(Ordering::SeqCst);
            let is_idle = shared.idle_count() != 0;
            assert!(caller.join().unwrap() || is_idle);
        });
    }

    #[test]
    fn loom_the_end_of_the_run_does_not_wait_for_a_caller_that_has_left() {
        model(|| {
            let shared = with_standby();
            let processor = shared.standby.take().expect("nobody else takes it");
            let caller = {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    shared.standby.give_back(processor);
                    shared.is_finishing()
                })
            };
            shared.set_attention(attention::FINISH);
            let waits = shared.standby.is_taken();
            assert!(caller.join().unwrap() || !waits, "the caller ends the wait");
        });
    }
}
