//! Threads, the monitor and the poller that the schedulers of a process share ([`Machines`]).
//!
//! A thread of the pool runs one *job* after the other: a job is a machine of some scheduler, from the assignment it is started for until it
//! has had nothing to do for [`LINGER`]. So a program at rest has no thread at all, and a program that gets busy takes one that
//! another has left.
//!
//! 1. A thread without a job puts itself on the stack of idle threads, under the pool's lock, and sleeps on its own slot.
//! 2. Who has a job takes the thread on top, fills its slot and wakes it; with none there it starts a thread.
//! 3. A thread that has slept for [`KEPT`] takes itself off the stack and ends. If it is not there any more, a job is on its way.
//!
//! When the last [`Machines`] is dropped, idle threads end at once and busy ones when their job does: schedulers keep one while they
//! live.
//!
//! The pool's lock is a leaf: nothing is called under it.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, PoisonError, Weak},
    time::{Duration, Instant},
};

use crate::{
    blocking::default_call_limit,
    monitor::Monitor,
    processor_count,
    sync::{Condvar, Mutex, MutexGuard},
};

/// How long a machine of the pool waits for more work of its scheduler before it lets its thread go.
pub(crate) const LINGER: Duration = Duration::from_millis(5);
/// How long a thread without a job is kept.
const KEPT: Duration = Duration::from_secs(10);

/// What a thread of the pool is wanted for.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// Threads, a system monitor and a poller for any number of schedulers: see [`crate::Options::machines`]. Cloning gives
/// another handle to the same.
#[derive(Clone)]
pub struct Machines {
    handle: Arc<Handle>,
}

/// Machines, as long as somebody else holds them.
#[derive(Clone, Default)]
pub struct WeakMachines {
    handle: Weak<Handle>,
}

impl WeakMachines {
    /// The machines, if somebody still holds them.
    #[must_use]
    pub fn upgrade(&self) -> Option<Machines> {
        let handle = self.handle.upgrade()?;
        Some(Machines { handle })
    }
}

struct Handle {
    pool: Arc<Pool>,
    monitor: Arc<Monitor>,
    system: Mutex<Option<System>>,
}

/// What the system grants, which costs two dozen calls to ask: schedulers that are made within [`ASKED`] of each other ask once.
#[derive(Clone, Copy)]
struct System {
    asked: Instant,
    processors: usize,
    blocking_calls: usize,
}

/// How long what the system has said counts. Sysmon asks as often.
const ASKED: Duration = Duration::from_secs(1);

impl Machines {
    /// Makes them; starts no thread. At most `threads` run at once, the monitor not counted.
    ///
    /// # Errors
    /// The system has no descriptor for the poller.
    pub fn new(threads: usize) -> io::Result<Machines> {
        Ok(Machines {
            handle: Arc::new(Handle {
                pool: Arc::new(Pool::new(threads)),
                monitor: Arc::new(Monitor::new()?),
                system: Mutex::new(None),
            }),
        })
    }

    /// A handle that does not keep them.
    #[must_use]
    pub fn downgrade(&self) -> WeakMachines {
        WeakMachines {
            handle: Arc::downgrade(&self.handle),
        }
    }

    /// How many threads there are now, the monitor not counted.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.handle.pool.lock().threads
    }

    /// Ends the threads that have nothing to do.
    pub fn trim(&self) {
        let idle = std::mem::take(&mut self.handle.pool.lock().idle);
        for thread in idle {
            thread.give(Order::End);
        }
    }

    fn system(&self, root: &Path) -> System {
        let mut system = lock(&self.handle.system);
        match *system {
            Some(known) if known.asked.elapsed() < ASKED => known,
            _ => *system.insert(System {
                asked: Instant::now(),
                processors: processor_count::available(root),
                blocking_calls: default_call_limit(),
            }),
        }
    }

    /// How many processors the process may use.
    pub(crate) fn processors(&self, root: &Path) -> usize {
        self.system(root).processors
    }

    /// The most blocking calls under way at once.
    pub(crate) fn call_limit(&self, root: &Path) -> usize {
        self.system(root).blocking_calls
    }

    pub(crate) fn monitor(&self) -> &Arc<Monitor> {
        &self.handle.monitor
    }

    /// Has a thread do `job`. `Err`: there is none to be had.
    pub(crate) fn run(&self, job: Job, stack_size: usize) -> Result<(), Job> {
        self.handle.pool.run(job, stack_size)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.pool.close();
        self.monitor.close();
    }
}

struct Pool {
    state: Mutex<State>,
    most: usize,
}

struct State {
    /// Threads that sleep, the one that went last on top.
    idle: Vec<Arc<Thread>>,
    threads: usize,
    closed: bool,
}

/// A thread, as others see it.
struct Thread {
    order: Mutex<Option<Order>>,
    ordered: Condvar,
}

enum Order {
    Run(Job),
    End,
}

impl Thread {
    fn new(order: Option<Order>) -> Thread {
        Thread {
            order: Mutex::new(order),
            ordered: Condvar::new(),
        }
    }

    fn give(&self, order: Order) {
        *lock(&self.order) = Some(order);
        self.ordered.notify_one();
    }

    /// Sleeps until there is an order, at most until `limit`.
    fn take(&self, limit: Option<Instant>) -> Option<Order> {
        let mut order = lock(&self.order);
        loop {
            if let Some(order) = order.take() {
                return Some(order);
            }
            order = match limit {
                None => self
                    .ordered
                    .wait(order)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(limit) => {
                    let left = limit.saturating_duration_since(Instant::now());
                    // In models nobody waits for a time: who comes too late for one comes after it.
                    if left.is_zero() || cfg!(loom) {
                        return None;
                    }
                    self.ordered
                        .wait_timeout(order, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    fn new(most: usize) -> Pool {
        Pool {
            state: Mutex::new(State {
                idle: Vec::new(),
                threads: 0,
                closed: false,
            }),
            most,
        }
    }

    /// Idle threads end now, others after their job.
    fn close(&self) {
        let idle = {
            let mut state = self.lock();
            state.closed = true;
            std::mem::take(&mut state.idle)
        };
        for thread in idle {
            thread.give(Order::End);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn run(self: &Arc<Self>, job: Job, stack_size: usize) -> Result<(), Job> {
        {
            let mut state = self.lock();
            if let Some(thread) = state.idle.pop() {
                drop(state);
                thread.give(Order::Run(job));
                return Ok(());
            }
            if state.threads >= self.most {
                return Err(job);
            }
            state.threads += 1;
        }
        let thread = Arc::new(Thread::new(Some(Order::Run(job))));
        let started = {
            let (pool, thread) = (Arc::clone(self), Arc::clone(&thread));
            std::thread::Builder::new()
                .name("golite-m".to_string())
                .stack_size(stack_size)
                .spawn(move || pool.work(&thread))
        };
        if started.is_ok() {
            return Ok(());
        }
        self.lock().threads -= 1;
        match lock(&thread.order).take() {
            Some(Order::Run(job)) => Err(job),
            _ => Ok(()),
        }
    }

    /// What a thread does, from its first job to its end.
    fn work(&self, thread: &Arc<Thread>) {
        let mut order = thread.take(None);
        loop {
            match order {
                Some(Order::Run(job)) => {
                    // A machine reports its own panics to its scheduler; whatever else there is must not cost the thread.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                }
                Some(Order::End) | None => break,
            }
            order = self.next_order(thread);
        }
        self.lock().threads -= 1;
    }

    /// Waits for another job; `None`: the thread is to end.
    fn next_order(&self, thread: &Arc<Thread>) -> Option<Order> {
        {
            let mut state = self.lock();
            if state.closed {
                return None;
            }
            state.idle.push(Arc::clone(thread));
        }
        let order = thread.take(Some(Instant::now() + KEPT));
        if order.is_some() {
            return order;
        }
        let mut state = self.lock();
        let kept = state.idle.len();
        state.idle.retain(|other| !Arc::ptr_eq(other, thread));
        if state.idle.len() < kept {
            return None;
        }
        // Somebody has taken us: the order is on its way.
        drop(state);
        thread.take(None)
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::{
        models::model,
        sync::{AtomicUsize, Ordering},
    };
    use loom::thread;

    /// A thread of the pool without a job: it gets one, and again, until it is given up on.
    fn idle_thread(pool: &Arc<Pool>) -> thread::JoinHandle<()> {
        let pool = Arc::clone(pool);
        pool.lock().threads += 1;
        thread::spawn(move || {
            let own = Arc::new(Thread::new(None));
            while let Some(Order::Run(job)) = pool.next_order(&own) {
                job();
            }
            pool.lock().threads -= 1;
        })
    }

    /// Hands a job that counts to a thread that is idle; answers whether there was one.
    fn hand(pool: &Arc<Pool>, done: &Arc<AtomicUsize>) -> bool {
        let done = Arc::clone(done);
        let job: Job = Box::new(move || {
            done.fetch_add(1, Ordering::Relaxed);
        });
        let idle = pool.lock().idle.pop();
        let Some(thread) = idle else { return false };
        thread.give(Order::Run(job));
        true
    }

    #[test]
    fn loom_a_job_reaches_a_thread_that_gives_up_waiting() {
        model(|| {
            let pool = Arc::new(Pool::new(2));
            let done = Arc::new(AtomicUsize::new(0));
            let threads = [idle_thread(&pool), idle_thread(&pool)];
            let given = usize::from(hand(&pool, &done)) + usize::from(hand(&pool, &done));
            for thread in threads {
                thread.join().unwrap();
            }
            assert_eq!(done.load(Ordering::Relaxed), given);
            let state = pool.lock();
            assert!(state.idle.is_empty() && state.threads == 0);
        });
    }

    #[test]
    fn loom_a_pool_that_is_closed_keeps_no_thread_and_loses_no_job() {
        loom::model(|| {
            let pool = Arc::new(Pool::new(1));
            let done = Arc::new(AtomicUsize::new(0));
            let thread = idle_thread(&pool);
            let closer = {
                let pool = Arc::clone(&pool);
                thread::spawn(move || pool.close())
            };
            let given = usize::from(hand(&pool, &done));
            closer.join().unwrap();
            thread.join().unwrap();
            assert_eq!(done.load(Ordering::Relaxed), given);
            let state = pool.lock();
            assert!(state.idle.is_empty() && state.threads == 0);
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_thread_does_one_job_after_the_other() {
        let machines = Machines::new(1).unwrap();
        let (tell, told) = mpsc::channel();
        for _ in 0..100 {
            let tell = tell.clone();
            let mut job: Job = Box::new(move || tell.send(std::thread::current().id()).unwrap());
            // The thread may not have come back from the last job yet; then there is none to be had.
            while let Err(refused) = machines.run(job, 64 << 10) {
                job = refused;
                std::thread::yield_now();
            }
        }
        let ids: std::collections::HashSet<_> = told.iter().take(100).collect();
        assert_eq!(ids.len(), 1);
        assert_eq!(machines.threads(), 1);
    }

    #[test]
    fn threads_end_with_the_last_handle_and_when_trimmed() {
        let machines = Machines::new(8).unwrap();
        let (tell, told) = mpsc::channel();
        for _ in 0..4 {
            let tell = tell.clone();
            assert!(
                machines
                    .run(Box::new(move || tell.send(()).unwrap()), 64 << 10)
                    .is_ok()
            );
        }
        assert_eq!(told.iter().take(4).count(), 4);
        let limit = Instant::now() + Duration::from_secs(10);
        while machines.threads() != 0 && Instant::now() < limit {
            machines.trim();
            std::thread::yield_now();
        }
        assert_eq!(machines.threads(), 0);
        assert!(machines.run(Box::new(|| ()), 64 << 10).is_ok());
        let pool = Arc::clone(&machines.handle.pool);
        drop(machines);
        while pool.lock().threads != 0 && Instant::now() < limit {
            std::thread::yield_now();
        }
        assert_eq!(pool.lock().threads, 0);
    }

    #[test]
    fn a_job_that_panics_does_not_cost_the_thread() {
        let machines = Machines::new(1).unwrap();
        assert!(
            machines
                .run(
                    Box::new(|| std::panic::resume_unwind(Box::new(0))),
                    64 << 10
                )
                .is_ok()
        );
        let (tell, told) = mpsc::channel();
        let mut job: Job = Box::new(move || tell.send(()).unwrap());
        while let Err(refused) = machines.run(job, 64 << 10) {
            job = refused;
            std::thread::yield_now();
        }
        assert!(told.recv().is_ok());
    }
}
