//! Waiting for the operating system: which descriptors it watches, and where the last idle machine sleeps, until the next timer,
//! a note from another machine, or an event.
//!
//! 1. One machine at a time sleeps here; the others sleep on their own notes. Machines that look for work look here
//!    too, without sleeping, and sysmon does when nobody has for [`POLL_GAP`]. While every processor is busy and none looks, sysmon
//!    spends its sleep at the poller's own descriptor, so that an event ends it ([`Netpoll::await_events`]).
//! 2. An event names a descriptor by its key; the table says which that is, or that it is gone. Whoever waits for it becomes
//!    runnable and goes to the global queue.
//! 3. `waiting` counts goroutines that wait here. It is counted off after they are in the queue, so that nobody sees
//!    everybody asleep in between.
//!
//! A look that does not sleep can swallow another machine's notification; if somebody has gone to sleep meanwhile, it is sent again.
//!
//! The poller of a scheduler with machines of its own is made with the scheduler, so that it needs no descriptor later; where the system refuses
//! one, a condition variable stands in and descriptors cannot be opened. Of the others there may be thousands in a process: theirs is made when the first
//! descriptor is opened, or somebody sleeps. Machines that are shared do not sleep here: the monitor waits for the pollers of all (`monitor.rs`).
//!
//! GO: netpoll.go, netpoll_epoll.go.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Arc, OnceLock},
    time::Duration,
};

use polling::{Events, Poller};

use crate::{
    clock::Nanos,
    context::Context,
    descriptor::{Descriptor, DescriptorKey},
    engine::Engine,
    goroutine::GoroutineRef,
    lock_rank::{Rank, RankedMutex},
    monitor::{Link, Watched},
    preempt::MINIMUM_SLICE,
    run_queue::List,
    scheduler::Shared,
    sync::{AtomicUsize, Condvar, Mutex, Ordering},
};

/// sysmon polls when nobody did for so long.
pub(crate) const POLL_GAP: Nanos = 10_000_000;

/// Bits of a key that number the slot.
const SLOT_BITS: u32 = 32;
/// Generations, so that a key is positive as a script's `int` and never the poller's own.
const GENERATION_MASK: u32 = 0x7fff_ffff;

/// The poller and its table.
pub(crate) struct Netpoll<E: Engine> {
    poller: OnceLock<Option<OwnPoller>>,
    table: RankedMutex<Table<E>>,
    /// Goroutines that wait for a descriptor.
    waiting: AtomicUsize,
    /// The stand-in: whether somebody has notified.
    notified: Mutex<bool>,
    condition: Condvar,
}

struct OwnPoller {
    poller: Arc<Poller>,
    events: Mutex<Events>,
    /// A shared monitor waits for its events.
    watched: Option<Watched>,
}

impl OwnPoller {
    fn make(link: Option<&Link>) -> Option<OwnPoller> {
        let poller = if cfg!(loom) { None } else { Poller::new().ok() };
        let poller = Arc::new(poller?);
        let watched = match link {
            Some(link) => Some(link.watch(&poller).ok()?),
            None => None,
        };
        Some(OwnPoller {
            poller,
            events: Mutex::new(Events::new()),
            watched,
        })
    }
}

struct Table<E: Engine> {
    slots: Vec<TableSlot<E>>,
    free: Vec<u32>,
}

struct TableSlot<E: Engine> {
    generation: u32,
    descriptor: Option<Arc<Descriptor<E>>>,
}

impl<E: Engine> Table<E> {
    fn get(&self, key: u64) -> Option<&Arc<Descriptor<E>>> {
        let slot = self.slots.get(key as u32 as usize)?;
        if u64::from(slot.generation) != key >> SLOT_BITS {
            return None;
        }
        slot.descriptor.as_ref()
    }
}

/// Goroutines that events have made runnable.
#[must_use]
pub(crate) struct Woken<E: Engine> {
    list: List<E>,
}

impl<E: Engine> Woken<E> {
    fn nobody() -> Woken<E> {
        Woken {
            list: List::default(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.len() == 0
    }
}

fn lock<T>(mutex: &Mutex<T>) -> crate::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl<E: Engine> Netpoll<E> {
    /// `at_once`: the poller is made now, so that it needs no descriptor later; else when the first descriptor is opened.
    pub(crate) fn new(at_once: bool) -> Netpoll<E> {
        let poller = OnceLock::new();
        if at_once {
            // It is set nowhere before.
            let _ = poller.set(OwnPoller::make(None));
        }
        Netpoll {
            poller,
            table: RankedMutex::new(
                Rank::Descriptors,
                Table {
                    slots: Vec::new(),
                    free: Vec::new(),
                },
            ),
            waiting: AtomicUsize::new(0),
            notified: Mutex::new(false),
            condition: Condvar::new(),
        }
    }

    fn own(&self) -> Option<&OwnPoller> {
        self.poller.get()?.as_ref()
    }

    /// Waits for events or a notification, at most `timeout`. May return early.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Woken<E> {
        // Whoever sleeps sleeps in the poller, so that one that is made later does not miss him.
        if let Some(own) = self.poller.get_or_init(|| OwnPoller::make(None)) {
            let mut events = lock(&own.events);
            events.clear();
            if own.poller.wait(&mut events, timeout).is_ok() {
                return self.woken_by(&events);
            }
        }
        let mut notified = lock(&self.notified);
        if !*notified {
            notified = match timeout {
                Some(timeout) => {
                    self.condition
                        .wait_timeout(notified, timeout)
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .0
                }
                None => self
                    .condition
                    .wait(notified)
                    .unwrap_or_else(std::sync::PoisonError::into_inner),
            };
        }
        *notified = false;
        Woken::nobody()
    }

    /// Looks for events without waiting; does nothing while another machine is here. `sleeper` tells whether one has come to sleep
    /// here meanwhile.
    pub(crate) fn look(&self, sleeper: impl Fn() -> bool) -> Woken<E> {
        let Some(OwnPoller { poller, events, .. }) = self.own() else {
            return Woken::nobody();
        };
        let Ok(mut events) = events.try_lock() else {
            return Woken::nobody();
        };
        // PERF: `wait` makes five system calls; mostly there is nothing, and one says so.
        let mut descriptors = [rustix::event::PollFd::from_borrowed_fd(
            poller.as_fd(),
            rustix::event::PollFlags::IN,
        )];
        let now = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        if sleeper() || !matches!(rustix::event::poll(&mut descriptors, Some(&now)), Ok(1..)) {
            return Woken::nobody();
        }
        events.clear();
        let polled = poller.wait(&mut events, Some(Duration::ZERO));
        if sleeper() {
            self.notify();
        }
        match polled {
            Ok(_) => self.woken_by(&events),
            Err(_) => Woken::nobody(),
        }
    }

    /// Waits until there are events or `note` can be read, at most `timeout`, and takes none of them: for sysmon, while no machine sleeps here.
    /// Answers whether there are events; `None`: this cannot be waited for so.
    pub(crate) fn await_events(&self, note: BorrowedFd<'_>, timeout: Duration) -> Option<bool> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let own = self.own()?;
        let mut descriptors = [
            PollFd::from_borrowed_fd(own.poller.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(note, PollFlags::IN),
        ];
        let timeout = Timespec::try_from(timeout).ok()?;
        // A signal ends it too: then it is another round.
        let _ = poll(&mut descriptors, Some(&timeout));
        Some(!descriptors[0].revents().is_empty())
    }

    fn woken_by(&self, events: &Events) -> Woken<E> {
        let mut woken = Woken::nobody();
        if events.is_empty() {
            return woken;
        }
        let table = self.table.lock();
        for event in events.iter() {
            let Some(descriptor) = table.get(event.key as u64) else {
                continue;
            };
            let ready = descriptor.take_ready(&event);
            for goroutine in ready.into_iter().flatten() {
                match goroutine.ready() {
                    Some(runnable) => woken.list.push_back(runnable.into_raw()),
                    // It has not parked yet: its machine sees to it, and holds a processor.
                    None => self.woken(1),
                }
            }
        }
        woken
    }

    /// Ends the wait that is under way, or the next one at once.
    pub(crate) fn notify(&self) {
        if let Some(own) = self.own()
            && own.poller.notify().is_ok()
        {
            return;
        }
        *lock(&self.notified) = true;
        self.condition.notify_one();
    }

    /// Whether goroutines wait for descriptors.
    #[inline]
    pub(crate) fn has_waiters(&self) -> bool {
        // ORDERING: SeqCst. Pairs with `waits`, by a goroutine that ran: the deadlock check comes after its processor was put by.
        self.waiting.load(Ordering::SeqCst) != 0
    }

    /// One more goroutine waits.
    pub(crate) fn waits(&self) {
        // ORDERING: SeqCst, as in `has_waiters`.
        self.waiting.fetch_add(1, Ordering::SeqCst);
    }

    /// Goroutines that waited are in a queue now.
    pub(crate) fn woken(&self, count: usize) {
        // ORDERING: SeqCst, as in `has_waiters`.
        self.waiting.fetch_sub(count, Ordering::SeqCst);
    }

    fn open(&self, source: OwnedFd, link: Option<&Link>) -> io::Result<Arc<Descriptor<E>>> {
        let own = self.poller.get_or_init(|| OwnPoller::make(link));
        let Some(OwnPoller { poller, .. }) = own else {
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        };
        let (slot, key) = {
            let mut table = self.table.lock();
            let slot = match table.free.pop() {
                Some(slot) => slot,
                None => {
                    let slot = u32::try_from(table.slots.len())
                        .map_err(|_| io::Error::from_raw_os_error(libc::ENFILE))?;
                    table.slots.push(TableSlot {
                        generation: 1,
                        descriptor: None,
                    });
                    slot
                }
            };
            let generation = table.slots[slot as usize].generation;
            (slot, u64::from(generation) << SLOT_BITS | u64::from(slot))
        };
        // An event that comes before the table knows the descriptor is dropped: nobody waits for it, and the first attempt looks.
        let opened = Descriptor::open(source, DescriptorKey(key), poller, poller.supports_edge());
        let mut table = self.table.lock();
        match opened {
            Ok(descriptor) => {
                table.slots[slot as usize].descriptor = Some(Arc::clone(&descriptor));
                Ok(descriptor)
            }
            Err(error) => {
                table.free.push(slot);
                Err(error)
            }
        }
    }

    fn get(&self, key: DescriptorKey) -> Option<Arc<Descriptor<E>>> {
        self.table.lock().get(key.0).cloned()
    }

    /// Takes a goroutine out that waits for a descriptor; `false`: somebody has, and wakes it.
    pub(crate) fn withdraw(&self, goroutine: GoroutineRef<E>) -> bool {
        let table = self.table.lock();
        let mut open = table
            .slots
            .iter()
            .filter_map(|slot| slot.descriptor.as_ref());
        let is_out = open.any(|descriptor| descriptor.withdraw(goroutine));
        if is_out {
            self.woken(1);
        }
        is_out
    }

    /// How many descriptors are open.
    pub(crate) fn count(&self) -> usize {
        let table = self.table.lock();
        table.slots.len().saturating_sub(table.free.len())
    }

    /// Closes all descriptors, at the end of a run; one that a call is busy with, when that call is done.
    pub(crate) fn close_all(&self) {
        let mut table = self.table.lock();
        let open: Vec<_> = table
            .slots
            .iter_mut()
            .filter_map(|slot| slot.descriptor.take())
            .collect();
        drop(table);
        drop(open);
    }

    /// Takes a descriptor out of the table.
    fn take(&self, key: DescriptorKey) -> Option<Arc<Descriptor<E>>> {
        let mut table = self.table.lock();
        table.get(key.0)?;
        let index = key.0 as u32;
        let slot = &mut table.slots[index as usize];
        slot.generation = (slot.generation + 1) & GENERATION_MASK;
        let is_spent = slot.generation == 0;
        let descriptor = slot.descriptor.take();
        // A slot whose generations are used up is not used again.
        if !is_spent {
            table.free.push(index);
        }
        descriptor
    }
}

/// How long machines that come by the poller, though rarely, are left to find events themselves.
const LONGEST_EVENT_GAP: Nanos = 2_000_000;

/// How long nobody must have looked before the monitor waits for the next event. A server that is busy comes by the poller every now and then: then each
/// event that the monitor meets costs more than it brings. While endless loops hold all processors nobody comes by.
fn next_event_gap(gap: Nanos, machines_look: bool) -> Nanos {
    if machines_look {
        (2 * gap).min(LONGEST_EVENT_GAP)
    } else {
        MINIMUM_SLICE
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_monitor_leaves_machines_that_look_for_events_in_peace() {
        let mut gap = MINIMUM_SLICE;
        for _ in 0..20 {
            gap = next_event_gap(gap, true);
        }
        assert_eq!(gap, LONGEST_EVENT_GAP);
        assert_eq!(next_event_gap(gap, false), MINIMUM_SLICE);
    }
}

impl<E: Engine> Shared<E> {
    /// Puts goroutines whose events have come into the global queue; answers whether there were any.
    pub(crate) fn put_woken(self: &Arc<Self>, woken: Woken<E>) -> bool {
        let count = woken.list.len();
        if count == 0 {
            return false;
        }
        self.put_global_list(&mut self.central(), woken.list);
        self.netpoll.woken(count);
        true
    }

    /// Looks for events unless a machine waits for them.
    pub(crate) fn look_for_events(&self) -> Woken<E> {
        // ORDERING: SeqCst, as all of `last_poll`; 0: a machine waits in the poller.
        let sleeper = || self.last_poll.load(Ordering::SeqCst) == 0;
        if !self.netpoll.has_waiters() || sleeper() {
            return Woken::nobody();
        }
        self.netpoll.look(sleeper)
    }

    /// Whether goroutines wait for events, every processor is busy, and none of them has looked for a while.
    pub(crate) fn events_wait_for_monitor(&self) -> bool {
        // ORDERING: SeqCst, as all of `last_poll`; 0: a machine waits in the poller.
        let last = self.last_poll.load(Ordering::SeqCst);
        last != 0
            && self.idle_count() == 0
            && self.netpoll.has_waiters()
            // ORDERING: Relaxed; a setting of the monitor's own.
            && self.clock.now() - last >= self.event_gap.load(Ordering::Relaxed)
            && !self.clock.is_virtual()
    }

    /// A machine has looked for events: the monitor need not for a while.
    pub(crate) fn machine_has_looked(&self) {
        if !self.netpoll.has_waiters() {
            return;
        }
        // ORDERING: Relaxed; a hint for the monitor.
        self.machines_look.store(true, Ordering::Relaxed);
        // ORDERING: SeqCst, as all of `last_poll`. Not while a machine waits there, which says 0.
        let last = self.last_poll.load(Ordering::SeqCst);
        if last != 0 {
            let now = self.clock.now().max(1);
            let _ = self
                .last_poll
                .compare_exchange(last, now, Ordering::SeqCst, Ordering::Relaxed);
        }
    }

    /// The monitor has waited for an event and found some.
    pub(crate) fn event_gap_ends(&self) {
        // ORDERING: Relaxed, all; only the monitor writes the gap.
        let machines_look = self.machines_look.swap(false, Ordering::Relaxed);
        let gap = next_event_gap(self.event_gap.load(Ordering::Relaxed), machines_look);
        self.event_gap.store(gap, Ordering::Relaxed);
    }

    /// Makes sure that a machine, or the shared monitor, waits for events if a processor is idle, or nobody else looks for them.
    #[inline]
    pub(crate) fn watch_descriptors(self: &Arc<Self>) {
        if self.netpoll.has_waiters() {
            self.watch_for_waiters();
        }
    }

    fn watch_for_waiters(self: &Arc<Self>) {
        if !self.waits_itself() {
            if self.netpoll.has_waiters()
                && (self.idle_count() != 0 || self.events_wait_for_monitor())
                && let Some(link) = self.sysmon.link()
                && let Some(OwnPoller {
                    watched: Some(watched),
                    ..
                }) = self.netpoll.own()
            {
                self.need_monitor();
                link.arm(watched);
            }
            return;
        }
        // ORDERING: SeqCst, as all of `last_poll`.
        if self.netpoll.has_waiters()
            && self.idle_count() != 0
            && self.last_poll.load(Ordering::SeqCst) != 0
        {
            self.wake_processor();
        }
    }
}

impl<E: Engine> Context<'_, E> {
    /// Has the poller watch an open file, which must be non-blocking.
    ///
    /// # Errors
    /// The system cannot watch it (a regular file: EPERM), or has no room.
    pub fn open_descriptor(&self, source: OwnedFd) -> io::Result<Arc<Descriptor<E>>> {
        let shared = self.shared();
        shared.netpoll.open(source, shared.sysmon.link())
    }

    /// Whether the run is ending, or its time is over where nobody else looks at the clock: nobody wants any more what goroutines are at.
    #[inline]
    #[must_use]
    pub fn is_ending(&self) -> bool {
        let shared = self.shared();
        shared.is_finishing() || shared.counts_safepoints() && shared.until_deadline() <= 0
    }

    /// The descriptor with this key, unless it was closed.
    #[must_use]
    pub fn descriptor(&self, key: DescriptorKey) -> Option<Arc<Descriptor<E>>> {
        self.shared().netpoll.get(key)
    }

    /// Closes a descriptor: who waits for it is woken. Answers `false` when it was closed already.
    pub fn close_descriptor(&self, key: DescriptorKey) -> bool {
        match self.shared().netpoll.take(key) {
            Some(descriptor) => {
                descriptor.close(self);
                true
            }
            None => false,
        }
    }

    /// A goroutine is going to wait for a descriptor: if this processor runs on, an idle machine shall wait for events.
    pub(crate) fn descriptor_waits(&self) {
        let shared = self.shared();
        // ORDERING: Relaxed; a hint, sysmon comes by in any case.
        self.count_safepoints();
        if shared.idle_count() != 0 && shared.last_poll.load(Ordering::Relaxed) != 0 {
            self.cells().deferred_watch.set(true);
            self.defer_wakeup();
        }
    }
}
