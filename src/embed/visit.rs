//! How the host's handles reach the values of a VM.

use vm::convert::CallStatus;
use vm::{GoPanic, NativeContext, NotVisited};

use super::error::Error;
use super::vm::Inner;

impl Inner {
    /// Does a short job with the VM's values.
    pub(super) fn visit<R, J>(&self, job: J) -> Result<R, Error>
    where
        R: Send + 'static,
        J: FnMut(&mut NativeContext<'_>) -> Result<R, GoPanic> + Send + 'static,
    {
        self.embedded
            .visit(job)
            .map_err(|error| self.not_visited(error))
    }

    /// Why nothing came of something that was asked of the VM.
    pub(super) fn not_visited(&self, error: NotVisited) -> Error {
        self.error_of(match error {
            NotVisited::Inside => return Error::Reentrant,
            NotVisited::Failed(failure) => CallStatus::Failed(failure),
            NotVisited::Over => CallStatus::Over,
        })
    }
}
