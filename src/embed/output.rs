//! Where a script's output goes.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use vm::Stopper;

/// A buffer that collects what scripts write. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    /// An empty one.
    pub fn new() -> Output {
        Output::default()
    }

    /// What was written so far; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What was written so far, and empties it.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.try_reserve(bytes.len()).is_err() {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Why [`Meter`] has ended a VM.
pub(super) const TOO_MUCH_OUTPUT: &str = "too much output";

/// What is left of the output that a VM may write.
pub(super) struct Meter {
    left: AtomicU64,
    /// The VM that writes, or after a reload the new one.
    stopper: Mutex<Option<Stopper>>,
}

impl Meter {
    pub(super) fn new(limit: u64) -> Arc<Meter> {
        Arc::new(Meter {
            left: AtomicU64::new(limit),
            stopper: Mutex::new(None),
        })
    }

    /// From now on whoever writes too much ends the VM.
    pub(super) fn arm(&self, stopper: Stopper) {
        *self.stopper.lock().unwrap_or_else(PoisonError::into_inner) = Some(stopper);
    }
}

/// A stream whose bytes are counted.
pub(super) struct Metered {
    pub(super) to: Box<dyn Write + Send>,
    pub(super) meter: Arc<Meter>,
}

impl Write for Metered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let wanted = bytes.len() as u64;
        // ORDERING: Relaxed; a counter.
        let left = self
            .meter
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(wanted)
            });
        if left.is_err() {
            // ORDERING: Relaxed, as above. Nothing more goes through.
            self.meter.left.store(0, Ordering::Relaxed);
            let stopper = self.meter.stopper.lock();
            if let Some(stopper) = stopper.unwrap_or_else(PoisonError::into_inner).clone() {
                super::watch::quit_soon(stopper, TOO_MUCH_OUTPUT);
            }
            return Err(io::Error::other(TOO_MUCH_OUTPUT));
        }
        self.to.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
