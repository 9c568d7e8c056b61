//! Where the last idle machine waits: for the next timer, for a note from another machine, and (once descriptors are registered)
//! for the operating system.
//!
//! One machine at a time waits here; the others sleep on their own notes. The poller is made when the scheduler is, so that it
//! needs no descriptor later; where the system refuses one, a condition variable stands in.
//!
//! GO: netpoll.go, netpoll_epoll.go.

use std::time::Duration;

use crate::sync::{Condvar, Mutex};

/// The poller.
pub(crate) struct Netpoll {
    #[cfg(not(loom))]
    poller: Option<(polling::Poller, Mutex<polling::Events>)>,
    /// The stand-in: whether somebody has notified.
    notified: Mutex<bool>,
    condition: Condvar,
}

impl Netpoll {
    pub(crate) fn new() -> Netpoll {
        Netpoll {
            #[cfg(not(loom))]
            poller: polling::Poller::new()
                .ok()
                .map(|poller| (poller, Mutex::new(polling::Events::new()))),
            notified: Mutex::new(false),
            condition: Condvar::new(),
        }
    }

    /// Waits for a notification, at most `timeout`. May return early.
    pub(crate) fn wait(&self, timeout: Option<Duration>) {
        #[cfg(not(loom))]
        if let Some((poller, events)) = &self.poller {
            let mut events = events
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            events.clear();
            if poller.wait(&mut events, timeout).is_ok() {
                return;
            }
        }
        let mut notified = self
            .notified
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
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
    }

    /// Ends the wait that is under way, or the next one at once.
    pub(crate) fn notify(&self) {
        #[cfg(not(loom))]
        if let Some((poller, _)) = &self.poller
            && poller.notify().is_ok()
        {
            return;
        }
        *self
            .notified
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = true;
        self.condition.notify_one();
    }

    /// Whether goroutines wait for descriptors here; none can yet.
    pub(crate) fn has_waiters(&self) -> bool {
        false
    }
}
