//! Natives of package os/signal.
//!
//! 1. A signal that the script asks about gets two handlers, which stay: one that does what the system would, while nobody is notified and the
//!    signal is not ignored, and one that raises its flag and writes a byte into the listener's socket.
//! 2. The script's goroutine waits for bytes at the other end, as at any socket, then takes the raised flags ([`take`]).
//!
//! Signals that come faster than they are taken are one, as with the system.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use vm::native::NativeContext;
use vm::natives;

use super::error_number;

/// Handlers of one signal.
struct Watched {
    raised: Arc<AtomicBool>,
    /// What the system does by itself is done.
    is_default: Arc<AtomicBool>,
}

/// What a program listens to: the end of its socket that handlers write to, and the signals with handlers.
struct Listener {
    writer: UnixStream,
    watched: BTreeMap<i64, Watched>,
}

/// The listeners of this process by the script's number of their other end. Handlers of signals belong to the process.
static LISTENERS: Mutex<BTreeMap<i64, Listener>> = Mutex::new(BTreeMap::new());

/// The number of a signal that can be caught.
fn catchable(signal: i64) -> Option<i32> {
    let signal = i32::try_from(signal).ok()?;
    let is_forbidden = signal_hook::consts::FORBIDDEN.contains(&signal);
    ((1..=64).contains(&signal) && !is_forbidden).then_some(signal)
}

/// The socket that tells of signals: its number and the error.
fn open(context: &mut NativeContext<'_>) -> (i64, i64) {
    if !context.host().capabilities.system {
        // Signals are the whole process's. None ever comes.
        return (-1, i64::from(libc::EACCES));
    }
    let opened = (|| {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        let descriptor = context.scheduler().open_descriptor(OwnedFd::from(reader))?;
        std::io::Result::Ok((descriptor.key().0 as i64, writer))
    })();
    match opened {
        Ok((handle, writer)) => {
            let listener = Listener {
                writer,
                watched: BTreeMap::new(),
            };
            let mut listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
            listeners.insert(handle, listener);
            (handle, 0)
        }
        Err(error) => (-1, error_number(&error)),
    }
}

/// Catches a signal (`is_default` false) or leaves it to the system again.
fn set(handle: i64, signal: i64, is_default: bool) -> i64 {
    let Some(number) = catchable(signal) else {
        return 0;
    };
    let mut listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(listener) = listeners.get_mut(&handle) else {
        return 0;
    };
    if let Some(watched) = listener.watched.get(&signal) {
        // ORDERING: SeqCst. Pairs with the handler's load: who has set it sees later signals treated so.
        watched.is_default.store(is_default, Ordering::SeqCst);
        return 0;
    }
    if is_default {
        return 0;
    }
    let watched = Watched {
        raised: Arc::default(),
        is_default: Arc::default(),
    };
    let registered = (|| {
        let writer = listener.writer.try_clone()?;
        // They run in this order. Whether the system is to have the signal is looked at first: as soon as the script knows of it, it
        // may give it back, and that must not count for this one.
        let is_default = Arc::clone(&watched.is_default);
        signal_hook::flag::register_conditional_default(number, is_default)?;
        signal_hook::flag::register(number, Arc::clone(&watched.raised))?;
        signal_hook::low_level::pipe::register(number, writer)
    })();
    listener.watched.insert(signal, watched);
    registered.map_or_else(|error| error_number(&error), |_| 0)
}

/// The signals that were raised since the last call.
fn take(handle: i64) -> Vec<i64> {
    let listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(listener) = listeners.get(&handle) else {
        return Vec::new();
    };
    let raised = listener.watched.iter().filter(|(_, watched)| {
        // ORDERING: SeqCst. Pairs with the handler's store, which comes before its byte.
        watched.raised.swap(false, Ordering::SeqCst)
    });
    raised.map(|(signal, _)| *signal).collect()
}

/// Whether the process was started with this signal ignored.
fn ignored_at_start(signal: i64) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    (1..=64).contains(&signal) && mask >> (signal - 1) & 1 != 0
}

natives! {
    pure "open" => open;
    pure "set" => set;
    pure "take" => take;
    pure "ignoredAtStart" => ignored_at_start;
}
