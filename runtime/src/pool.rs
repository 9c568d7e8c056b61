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
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::monitor::Monitor;

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

struct Handle {
    pool: Arc<Pool>,
    monitor: Arc<Monitor>,
}

impl Machines {
    /// Makes them; starts no thread. At most `threads` run at once, the monitor not counted.
    ///
    /// # Errors
    /// The system has no descriptor for the poller.
    pub fn new(threads: usize) -> io::Result<Machines> {
        Ok(Machines {
            handle: Arc::new(Handle {
                pool: Arc::new(Pool {
                    state: Mutex::new(State {
                        idle: Vec::new(),
                        threads: 0,
                        closed: false,
                    }),
                    most: threads,
                }),
                monitor: Arc::new(Monitor::new()?),
            }),
        })
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
        let idle = {
            let mut state = self.pool.lock();
            state.closed = true;
            std::mem::take(&mut state.idle)
        };
        for thread in idle {
            thread.give(Order::End);
        }
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
                    if left.is_zero() {
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
        let thread = Arc::new(Thread {
            order: Mutex::new(Some(Order::Run(job))),
            ordered: Condvar::new(),
        });
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
            {
                let mut state = self.lock();
                if state.closed {
                    break;
                }
                state.idle.push(Arc::clone(thread));
            }
            order = thread.take(Some(Instant::now() + KEPT));
            if order.is_none() {
                let mut state = self.lock();
                let kept = state.idle.len();
                state.idle.retain(|other| !Arc::ptr_eq(other, thread));
                if state.idle.len() == kept {
                    // Somebody has taken us: the order is on its way.
                    drop(state);
                    order = thread.take(None);
                }
            }
        }
        self.lock().threads -= 1;
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
