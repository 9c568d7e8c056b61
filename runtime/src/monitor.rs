//! The monitor that several schedulers share: one thread that is sysmon to all of them (`sysmon.rs` says what that does), waits for
//! their timers, and for the events of their descriptors.
//!
//! Each scheduler is a *ward*. A ward is *awake* while anything of it may run: it gets its rounds. When everybody in it is idle and
//! nothing has run since the last round it goes to *rest*: it costs nothing but an entry with the time of its next timer, until somebody takes one of its
//! processors, or the timer is due, or an event comes.
//!
//! 1. A ward's own poller is one descriptor in the monitor's poller (pollers can be polled). It is *armed* for one event when a machine of the
//!    ward goes idle while goroutines wait for descriptors ([`Link::arm`]). While all processors are busy their machines look themselves, and each round does.
//! 2. Resting begins under the ward's central lock, with all processors idle: from then on [`Link::wake`] is called by whoever
//!    takes a processor. It puts the ward's number into the inbox and ends the monitor's sleep.
//! 3. Before it sleeps the monitor publishes in each ward that is awake until when it sleeps, then asks for that ward's next timer: publish,
//!    then look. Who arms an earlier one sees that and ends the sleep.
//!
//! INVARIANT: wards are touched by the monitor's thread alone; everybody else writes into the inbox. The inbox's lock is a leaf.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    io,
    os::fd::AsFd,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use polling::{Event, Events, PollMode, Poller};

use crate::{
    clock::Nanos,
    promptness,
    sysmon::{Pace, QuotaWatch},
};

/// How long the monitor's thread stays when nobody needs it.
const KEPT: Duration = Duration::from_secs(10);

/// A scheduler, as the monitor sees it. The answer `None` says that it is over.
pub(crate) trait Ward: Send {
    /// Publishes that the monitor is going to sleep for `delay`, and answers how long it may.
    fn before_sleep(&mut self, delay: Nanos) -> Option<Nanos>;

    /// One round of sysmon; answers whether it achieved something.
    fn round(&mut self, quota: &mut QuotaWatch) -> Option<bool>;

    /// Goes to rest, if everybody is idle and nothing has run since the last call. Answers after how long it is to be woken.
    fn rest(&mut self) -> Option<Rest>;

    /// Its poller has events, or its timer is due.
    fn call(&mut self);
}

/// What a ward says to the question whether it may be left alone.
pub(crate) enum Rest {
    /// Somebody is busy.
    No,
    /// For so long; `None`: until somebody wakes it.
    For(Option<Duration>),
}

/// The monitor, as everybody sees it.
pub(crate) struct Monitor {
    inbox: Mutex<Inbox>,
    poller: Poller,
}

#[derive(Default)]
struct Inbox {
    new: Vec<(usize, Box<dyn Ward>)>,
    /// Those that rest no more.
    woken: Vec<usize>,
    last: usize,
    /// Start with short delays again.
    fresh: bool,
    has_thread: bool,
    closed: bool,
}

/// A scheduler's way to its monitor.
pub(crate) struct Link {
    monitor: Arc<Monitor>,
    number: usize,
    /// Its poller is watched, and armed.
    armed: AtomicBool,
}

/// A poller that the monitor watches, for as long as this lives.
pub(crate) struct Watched {
    monitor: Arc<Monitor>,
    poller: Arc<Poller>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        // It is watched no more, whatever this answers: the poller is going to be closed.
        let _ = self.monitor.poller.delete(self.poller.as_fd());
    }
}

impl Link {
    /// Ends the monitor's sleep. `fresh`: it is to start with short delays.
    pub(crate) fn wake(&self, fresh: bool) {
        {
            let mut inbox = self.monitor.lock();
            if inbox.has_thread {
                inbox.woken.push(self.number);
            }
            inbox.fresh |= fresh;
        }
        self.notify();
    }

    /// Ends the monitor's sleep for a ward that is awake.
    pub(crate) fn notify(&self) {
        // If it fails the monitor sees it in its next round.
        let _ = self.monitor.poller.notify();
    }

    /// Has the monitor watch the scheduler's poller.
    pub(crate) fn watch(&self, poller: &Arc<Poller>) -> io::Result<Watched> {
        // SAFETY: `Watched` keeps the poller open and has the monitor forget it before it lets go.
        unsafe {
            self.monitor.poller.add_with_mode(
                &poller.as_fd(),
                Event::none(self.number),
                PollMode::Oneshot,
            )?;
        }
        Ok(Watched {
            monitor: Arc::clone(&self.monitor),
            poller: Arc::clone(poller),
        })
    }

    /// Has the monitor wait for events of the watched poller: it calls the ward at the next one. Nothing happens if it does already.
    pub(crate) fn arm(&self, watched: &Watched) {
        // ORDERING: AcqRel. Pairs with `disarmed`: an event that is there already is reported, so it is enough that one of two calls asks.
        if self.armed.swap(true, Ordering::AcqRel) {
            return;
        }
        let interest = Event::readable(self.number);
        if self
            .monitor
            .poller
            .modify(watched.poller.as_fd(), interest)
            .is_err()
        {
            self.disarmed();
        }
    }

    /// An event has come.
    pub(crate) fn disarmed(&self) {
        // ORDERING: Release. Pairs with `arm`.
        self.armed.store(false, Ordering::Release);
    }
}

impl Monitor {
    pub(crate) fn new() -> io::Result<Monitor> {
        Ok(Monitor {
            inbox: Mutex::default(),
            poller: Poller::new()?,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A way for a scheduler that is going to be watched.
    pub(crate) fn link(self: &Arc<Self>) -> Link {
        let number = {
            let mut inbox = self.lock();
            inbox.last += 1;
            inbox.last
        };
        Link {
            monitor: Arc::clone(self),
            number,
            armed: AtomicBool::new(false),
        }
    }

    /// Looks after `ward` from now on. Where no thread can be had, it goes on without.
    pub(crate) fn add(self: &Arc<Self>, link: &Link, ward: Box<dyn Ward>) {
        let starts = {
            let mut inbox = self.lock();
            inbox.new.push((link.number, ward));
            inbox.fresh = true;
            !std::mem::replace(&mut inbox.has_thread, true)
        };
        if !starts {
            link.notify();
            return;
        }
        let monitor = Arc::clone(self);
        let started = std::thread::Builder::new()
            .name("golite-sysmon".to_string())
            .stack_size(256 << 10)
            .spawn(move || {
                promptness::ask(promptness::MONITOR);
                monitor.run();
            });
        if started.is_err() {
            self.lock().has_thread = false;
        }
    }

    /// Ends the thread.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        let _ = self.poller.notify();
    }

    fn run(&self) {
        let mut watch = Watch {
            monitor: self,
            wards: HashMap::new(),
            awake: Vec::new(),
            resting: BinaryHeap::new(),
            pace: Pace::new(),
            events: Events::new(),
            quota: QuotaWatch::default(),
        };
        while watch.turn() {}
    }
}

/// What the monitor's thread knows.
struct Watch<'a> {
    monitor: &'a Monitor,
    wards: HashMap<usize, Entry>,
    awake: Vec<usize>,
    /// When which ward is to be called, and what its `rests` was.
    resting: BinaryHeap<Reverse<(Instant, usize, u64)>>,
    pace: Pace,
    events: Events,
    quota: QuotaWatch,
}

struct Entry {
    ward: Box<dyn Ward>,
    is_awake: bool,
    /// How often it has gone to rest: what was said of an earlier rest counts no more.
    rests: u64,
}

impl Watch<'_> {
    /// Sleeps, and does a round. Answers false when the thread is to end.
    fn turn(&mut self) -> bool {
        if !self.read_inbox() {
            return false;
        }
        let began = Instant::now();
        self.sleep();
        if !self.read_inbox() {
            return false;
        }
        let called: Vec<usize> = self.events.iter().map(|event| event.key).collect();
        for number in called {
            self.call(number);
        }
        self.call_due();
        self.do_rounds();
        self.wards.len() + self.awake.len() != 0 || began.elapsed() < KEPT || !self.may_end()
    }

    /// Whether nobody has come meanwhile; then the thread has ended.
    fn may_end(&self) -> bool {
        let mut inbox = self.monitor.lock();
        if inbox.new.is_empty() {
            inbox.has_thread = false;
        }
        inbox.new.is_empty()
    }

    /// Answers false when the monitor is closed.
    fn read_inbox(&mut self) -> bool {
        let (new, woken) = {
            let mut inbox = self.monitor.lock();
            if inbox.closed {
                inbox.has_thread = false;
                inbox.new.clear();
                return false;
            }
            if std::mem::take(&mut inbox.fresh) {
                self.pace.reset();
            }
            (
                std::mem::take(&mut inbox.new),
                std::mem::take(&mut inbox.woken),
            )
        };
        for (number, ward) in new {
            let entry = Entry {
                ward,
                is_awake: true,
                rests: 0,
            };
            self.wards.insert(number, entry);
            self.awake.push(number);
        }
        for number in woken {
            self.wake(number);
        }
        true
    }

    fn wake(&mut self, number: usize) {
        if let Some(entry) = self.wards.get_mut(&number)
            && !entry.is_awake
        {
            entry.is_awake = true;
            self.awake.push(number);
        }
    }

    /// Sleeps until there is something to do.
    fn sleep(&mut self) {
        self.events.clear();
        let mut delay = None;
        if !self.awake.is_empty() {
            let pace = self.pace.next();
            let mut shortest = pace;
            let wards = &mut self.wards;
            self.awake.retain(|number| {
                let wait = wards
                    .get_mut(number)
                    .and_then(|entry| entry.ward.before_sleep(pace));
                match wait {
                    Some(wait) => {
                        shortest = shortest.min(wait);
                        true
                    }
                    None => {
                        wards.remove(number);
                        false
                    }
                }
            });
            delay = Some(Duration::from_nanos(shortest.max(0).unsigned_abs()));
        }
        if let Some(&Reverse((when, ..))) = self.resting.peek() {
            let wait = when.saturating_duration_since(Instant::now());
            delay = Some(delay.map_or(wait, |delay| delay.min(wait)));
        }
        if self.wards.is_empty() {
            delay = Some(KEPT);
        }
        // What fails here is asked for again in the next turn, after the delay that the loop would have had.
        if self.monitor.poller.wait(&mut self.events, delay).is_err() {
            std::thread::sleep(delay.unwrap_or(KEPT).min(Duration::from_millis(10)));
        }
    }

    fn call(&mut self, number: usize) {
        if let Some(entry) = self.wards.get_mut(&number) {
            entry.ward.call();
            self.wake(number);
        }
    }

    /// Calls those whose rest is over.
    fn call_due(&mut self) {
        while let Some(&Reverse((when, number, rests))) = self.resting.peek() {
            let counts = self
                .wards
                .get(&number)
                .is_some_and(|entry| !entry.is_awake && entry.rests == rests);
            if counts && when > Instant::now() {
                break;
            }
            self.resting.pop();
            if counts {
                self.call(number);
            }
        }
    }

    fn do_rounds(&mut self) {
        let mut achieved = false;
        let Watch {
            wards,
            awake,
            resting,
            quota,
            ..
        } = self;
        awake.retain(|number| {
            let Some(entry) = wards.get_mut(number) else {
                return false;
            };
            let done = entry.ward.round(quota);
            achieved |= done == Some(true);
            let rest = match done {
                None => None,
                Some(true) => Some(Rest::No),
                Some(false) => entry.ward.rest(),
            };
            match rest {
                None => {
                    wards.remove(number);
                    false
                }
                Some(Rest::No) => true,
                Some(Rest::For(length)) => {
                    entry.is_awake = false;
                    entry.rests += 1;
                    if let Some(length) = length {
                        resting.push(Reverse((Instant::now() + length, *number, entry.rests)));
                    }
                    false
                }
            }
        });
        self.pace.round_ended(achieved);
    }
}
