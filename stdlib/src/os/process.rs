//! Processes: started by std, waited for and signalled by number.

use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use command_fds::{CommandFdExt, FdMapping};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions};
use vm::HostHandle;

use super::{error_number, file};

/// What a handle of the script is for a child: the null device for -1, the host's own stream for 0 to 2.
fn stream(host: &HostHandle, handle: i64) -> std::io::Result<Stdio> {
    Ok(match handle {
        -1 => Stdio::null(),
        _ => Stdio::from(descriptor(host, handle)?),
    })
}

/// A descriptor of its own for a handle of the script.
fn descriptor(host: &HostHandle, handle: i64) -> std::io::Result<OwnedFd> {
    match handle {
        0..=2 => duplicate(handle),
        _ => Ok(OwnedFd::from(file(host, handle)?.try_clone()?)),
    }
}

fn duplicate(handle: i64) -> std::io::Result<OwnedFd> {
    use std::os::fd::AsFd;
    match handle {
        0 => std::io::stdin().as_fd().try_clone_to_owned(),
        1 => std::io::stdout().as_fd().try_clone_to_owned(),
        _ => std::io::stderr().as_fd().try_clone_to_owned(),
    }
}

/// Starts a process; answers its number and the error. `files` has the handles of its files, -1 for none, with commas between: the first three
/// are standard input, output and error.
pub fn start(
    host: HostHandle,
    path: String,
    arguments: Vec<String>,
    environment: Vec<String>,
    directory: String,
    files: String,
    group: i64,
) -> (i64, i64) {
    if !host.capabilities.processes {
        return (-1, i64::from(libc::EACCES));
    }
    let files: Vec<i64> = files.split(',').filter_map(|n| n.parse().ok()).collect();
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
    let of = |at: usize| stream(&host, files.get(at).copied().unwrap_or(-1));
    let started = of(0).and_then(|input| {
        command.stdin(input).stdout(of(1)?).stderr(of(2)?);
        let mut mappings = Vec::new();
        for (at, &handle) in files.iter().enumerate().skip(3) {
            if handle >= 0 {
                mappings.push(FdMapping {
                    parent_fd: descriptor(&host, handle)?,
                    child_fd: i32::try_from(at).unwrap_or(i32::MAX),
                });
            }
        }
        if !mappings.is_empty() {
            command
                .fd_mappings(mappings)
                .map_err(|_| std::io::Error::from_raw_os_error(libc::EINVAL))?;
        }
        vm::spawn(&mut command, host.descriptor_limit)
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

/// Waits for the end of a child: its status, the time that it and its own children have used (in the program and in the system,
/// nanoseconds), and the error.
pub fn wait(host: HostHandle, number: i64) -> (u32, i64, i64, i64) {
    if !host.capabilities.processes {
        return (0, 0, 0, i64::from(libc::ECHILD));
    }
    let Some(pid) = process(number) else {
        return (0, 0, 0, i64::from(libc::ECHILD));
    };
    // The times can be looked up as long as nobody has asked for the status.
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(Errno::INTR) = rustix::process::waitid(WaitId::Pid(pid), ended) {}
    let (user, system) = times_of(number);
    loop {
        match rustix::process::waitpid(Some(pid), WaitOptions::empty()) {
            Ok(Some((_, status))) => return (status.as_raw() as u32, user, system, 0),
            Ok(None) | Err(Errno::INTR) => {}
            Err(error) => return (0, 0, 0, i64::from(error.raw_os_error())),
        }
    }
}

/// The system counts in hundredths of a second here, whatever its clock does.
const TICK: i64 = 10_000_000;

fn times_of(number: i64) -> (i64, i64) {
    let text = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    // The name before may have spaces and parentheses in it.
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    // Of the fields behind, the 12th to 15th: user, system, and the same of children.
    let mut times = fields.split_whitespace().skip(11);
    let mut next = || -> i64 { times.next().and_then(|n| n.parse().ok()).unwrap_or(0) };
    let (user, system) = (next(), next());
    (
        (user + next()).saturating_mul(TICK),
        (system + next()).saturating_mul(TICK),
    )
}

/// Sends a signal to a process or a group of them, as the system's `kill` does; with -1 to none.
pub fn kill(number: i64, wanted: i64) -> i64 {
    if number > 0 {
        return signal(number, wanted);
    }
    let named = i32::try_from(wanted).ok().and_then(Signal::from_named_raw);
    let sent = match (number, named) {
        (-1, _) => return i64::from(libc::EPERM),
        (0, None) if wanted == 0 => rustix::process::test_kill_current_process_group(),
        (0, Some(signal)) => rustix::process::kill_current_process_group(signal),
        (_, _) => {
            let Some(group) = number.checked_neg().and_then(process) else {
                return i64::from(libc::ESRCH);
            };
            match named {
                Some(signal) => rustix::process::kill_process_group(group, signal),
                None if wanted == 0 => rustix::process::test_kill_process_group(group),
                None => return i64::from(libc::EINVAL),
            }
        }
    };
    sent.map_or_else(|error| i64::from(error.raw_os_error()), |()| 0)
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
