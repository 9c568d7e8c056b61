//! Processes that a program starts.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

/// Starts a process. It begins as if the program's had changed nothing for itself: with the usual slices of a processor, and with this limit of open
/// files, if the program's has been raised. GO: syscall/rlimit.go, syscall/exec_linux.go
///
/// # Errors
/// Those of [`Command::spawn`].
pub fn spawn(command: &mut Command, descriptor_limit: Option<u64>) -> io::Result<Child> {
    if let Some(limit) = descriptor_limit {
        let restore = move || {
            let mut limits = libc::rlimit {
                rlim_cur: 0,
                rlim_max: 0,
            };
            // SAFETY: the system writes into the local that it is given.
            if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limits) } != 0 {
                return Err(io::Error::last_os_error());
            }
            limits.rlim_cur = limit;
            // SAFETY: the system only reads.
            if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limits) } != 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        };
        // SAFETY: between the child's birth and its program two calls of the system are made; nothing is allocated and no lock taken.
        unsafe { command.pre_exec(restore) };
    }
    runtime::with_usual_slice(|| command.spawn())
}
