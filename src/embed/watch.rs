//! The thread that watches deadlines, one for all VMs of the process; it is there while there are deadlines to watch.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use vm::Stopper;

/// Why the watch has ended a VM.
pub(super) const DEADLINE: &str = "deadline exceeded";

/// How long a VM may take to stop until it is ended without a look at its goroutines, and a call until its VM is.
const GRACE: Duration = Duration::from_millis(15);

/// The same, however little the process has run meanwhile.
const LAST_GRACE: Duration = Duration::from_millis(500);

/// The time that one has to come to an end. A machine that is busy with others may not let the process run at all: what counts is how
/// long it has run, and only far later what the wall clock says.
#[derive(Clone, Copy)]
pub(super) struct Grace {
    since: Instant,
    /// How much the process had run then.
    ran: Duration,
}

impl Grace {
    /// After how long it is worth a look whether it is over.
    pub(super) const STEP: Duration = Duration::from_millis(5);

    pub(super) fn begin() -> Grace {
        Grace {
            since: Instant::now(),
            ran: vm::processor_time(),
        }
    }

    /// As [`Grace::is_over`], for one that has to wait for others before it can begin. With the step before it is noticed, and that in which natives see
    /// that their VM has ended, that is less than 50 ms.
    pub(super) fn is_long_over(&self) -> bool {
        let ran = vm::processor_time().saturating_sub(self.ran);
        self.since.elapsed() >= GRACE * 3 / 2 && ran >= GRACE * 3 / 2
    }

    pub(super) fn is_over(&self) -> bool {
        let waited = self.since.elapsed();
        waited >= LAST_GRACE
            || waited >= GRACE && vm::processor_time().saturating_sub(self.ran) >= GRACE
    }
}

/// What is to be done at a moment; answers when it is to be called again, if ever. It must not take long.
pub(super) type Action = Box<dyn FnMut(Instant) -> Option<Instant> + Send>;

/// A moment that somebody waits for.
struct Entry {
    when: Instant,
    number: u64,
    /// It counts only as long as somebody holds this.
    alive: Weak<()>,
    action: Action,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> std::cmp::Ordering {
        (self.when, self.number).cmp(&(other.when, other.number))
    }
}

#[derive(Default)]
struct State {
    entries: BinaryHeap<Reverse<Entry>>,
    /// With how many entries those that do not count any more are dropped.
    sweep_at: usize,
    last: u64,
    runs: bool,
}

struct Watch {
    state: Mutex<State>,
    changed: Condvar,
}

static WATCH: Watch = Watch {
    state: Mutex::new(State {
        entries: BinaryHeap::new(),
        sweep_at: 64,
        last: 0,
        runs: false,
    }),
    changed: Condvar::new(),
};

impl Watch {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does `action` at `when`, if `alive` is held by anybody then.
pub(super) fn at(when: Instant, alive: &Arc<()>, action: Action) {
    let mut state = WATCH.lock();
    if state.entries.len() >= state.sweep_at {
        state
            .entries
            .retain(|Reverse(entry)| entry.alive.strong_count() > 0);
        state.sweep_at = 64.max(2 * state.entries.len());
    }
    state.last += 1;
    let number = state.last;
    let is_first = state
        .entries
        .peek()
        .is_none_or(|Reverse(first)| when < first.when);
    state.entries.push(Reverse(Entry {
        when,
        number,
        alive: Arc::downgrade(alive),
        action,
    }));
    if !state.runs {
        let thread = std::thread::Builder::new()
            .name("golite-deadlines".to_owned())
            .stack_size(256 << 10)
            .spawn(watch);
        // Without a thread the next deadline tries again.
        state.runs = thread.is_ok();
    } else if is_first {
        WATCH.changed.notify_one();
    }
}

fn watch() {
    let mut state = WATCH.lock();
    loop {
        let now = Instant::now();
        let Some(Reverse(first)) = state.entries.peek() else {
            // Nothing is left to be watched: after a while the thread ends.
            let waited = WATCH.changed.wait_timeout(state, Duration::from_secs(1));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.entries.is_empty() {
                state.runs = false;
                return;
            }
            continue;
        };
        if first.when > now {
            let left = first.when - now;
            let waited = WATCH.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            continue;
        }
        let Some(Reverse(mut entry)) = state.entries.pop() else {
            continue;
        };
        if entry.alive.strong_count() == 0 {
            continue;
        }
        drop(state);
        let again = (entry.action)(now);
        state = WATCH.lock();
        if let Some(when) = again {
            entry.when = when;
            state.entries.push(Reverse(entry));
        }
    }
}

/// Does what may have to wait for goroutines to come to a halt, on a thread of its own.
pub(super) fn soon(job: impl FnOnce() + Send + 'static) {
    // Without a thread it is not done; whoever depends on it has a second way.
    let _ = std::thread::Builder::new()
        .name("golite-stop".to_owned())
        .stack_size(512 << 10)
        .spawn(job);
}

/// Ends a VM with a look at its goroutines, or after a while without; on a thread of its own, for a goroutine may be long in coming to a halt.
pub(super) fn quit_soon(stopper: Stopper, reason: &'static str) {
    let quitting = stopper.clone();
    let started = std::thread::Builder::new()
        .name("golite-stop".to_owned())
        .stack_size(512 << 10)
        .spawn(move || {
            let done = Arc::new((Mutex::new(false), Condvar::new()));
            let told = Arc::clone(&done);
            let ender = quitting.clone();
            let backstop = std::thread::Builder::new()
                .stack_size(128 << 10)
                .spawn(move || {
                    let (finished, changed) = &*told;
                    let grace = Grace::begin();
                    let mut guard = finished.lock().unwrap_or_else(PoisonError::into_inner);
                    while !*guard && !grace.is_over() {
                        let waited = changed.wait_timeout(guard, Grace::STEP);
                        guard = waited.unwrap_or_else(PoisonError::into_inner).0;
                    }
                    drop(guard);
                    ender.end(reason);
                });
            quitting.quit(reason);
            *done.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
            done.1.notify_one();
            if let Ok(backstop) = backstop {
                // It does not panic.
                let _ = backstop.join();
            }
        });
    if started.is_err() {
        stopper.end(reason);
    }
}

/// Wakes a thread that runs a future.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on a thread of its own: for hosts without an executor.
pub(super) fn run_on_a_thread(mut future: Pin<Box<dyn Future<Output = ()> + Send>>) {
    let run = move || {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        while future.as_mut().poll(&mut context).is_pending() {
            std::thread::park();
        }
    };
    // Without a thread the future is dropped, and the script's call panics.
    let _ = std::thread::Builder::new()
        .name("golite-future".to_owned())
        .spawn(run);
}
