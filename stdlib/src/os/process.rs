//! Processes: started by std, waited for and signalled by number.

use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions};

use super::{error_number, file};

/// What a handle of the script is for a child: the null device for -1, the host's own stream for 0 to 2.
fn stream(handle: i64) -> std::io::Result<Stdio> {
    Ok(match handle {
        -1 => Stdio::null(),
        0..=2 => Stdio::from(duplicate(handle)?),
        _ => Stdio::from(file(handle)?.try_clone()?),
    })
}

fn duplicate(handle: i64) -> std::io::Result<OwnedFd> {
    use std::os::fd::AsFd;
    match handle {
        0 => std::io::stdin().as_fd().try_clone_to_owned(),
        1 => std::io::stdout().as_fd().try_clone_to_owned(),
        _ => std::io::stderr().as_fd().try_clone_to_owned(),
    }
}

/// Starts a process; answers its number and the error.
#[allow(
    clippy::too_many_arguments,
    reason = "one parameter for each of the declaration's"
)]
pub fn start(
    path: String,
    arguments: Vec<String>,
    environment: Vec<String>,
    directory: String,
    input: i64,
    output: i64,
    errors: i64,
    group: i64,
) -> (i64, i64) {
    // Without a slash the system would search $PATH; that is package os/exec's.
    let program = if path.contains('/') {
        path
    } else {
        format!("./{path}")
    };
    let mut command = Command::new(program);
    let mut arguments = arguments.into_iter();
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command.args(arguments).env_clear();
    command.envs(environment.iter().filter_map(|pair| pair.split_once('=')));
    if !directory.is_empty() {
        command.current_dir(directory);
    }
    if let Ok(group) = i32::try_from(group)
        && group >= 0
    {
        command.process_group(group);
    }
    let started = stream(input).and_then(|input| {
        command.stdin(input);
        command.stdout(stream(output)?).stderr(stream(errors)?);
        command.spawn()
    });
    match started {
        // The child is waited for by its number.
        Ok(child) => (i64::from(child.id()), 0),
        Err(error) => (-1, error_number(&error)),
    }
}

fn process(number: i64) -> Option<Pid> {
    Pid::from_raw(i32::try_from(number).ok()?)
}

/// Waits for the end of a child: its status and the error.
pub fn wait(number: i64) -> (u32, i64) {
    let Some(pid) = process(number) else {
        return (0, i64::from(libc::ECHILD));
    };
    loop {
        match rustix::process::waitpid(Some(pid), WaitOptions::empty()) {
            Ok(Some((_, status))) => return (status.as_raw() as u32, 0),
            Ok(None) | Err(Errno::INTR) => {}
            Err(error) => return (0, i64::from(error.raw_os_error())),
        }
    }
}

/// Sends a signal, or with 0 asks whether the process is there.
pub fn signal(number: i64, signal: i64) -> i64 {
    let invalid = i64::from(libc::EINVAL);
    let Some(pid) = process(number) else {
        return i64::from(libc::ESRCH);
    };
    let sent = match i32::try_from(signal) {
        Ok(0) => rustix::process::test_kill_process(pid),
        Ok(signal) => match Signal::from_named_raw(signal) {
            Some(signal) => rustix::process::kill_process(pid, signal),
            None => return invalid,
        },
        Err(_) => return invalid,
    };
    sent.map_or_else(|error| i64::from(error.raw_os_error()), |()| 0)
}
