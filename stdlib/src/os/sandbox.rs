//! Files of programs that may not reach all of them ([`vm::Capabilities`]).
//!
//! A name is found below one of the folders that are allowed by the kernel itself (`openat2` with `RESOLVE_BENEATH`), so neither `..`, nor a
//! symbolic link, nor one that is put there meanwhile leads out. What was found is then named by its descriptor, below `/proc/self/fd`, for
//! as long as the call lasts. Programs that may reach everything use names as they are.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use vm::native::NativeContext;
use vm::{Capabilities, Files, Folder, HostHandle};

use super::error_number;

/// Permission denied.
const DENIED: i64 = libc::EACCES as i64;

/// What an operation does with a symbolic link at the end of a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Followed,
    /// It is the link itself, or something that need not be there, that the operation is about.
    Itself,
}

/// A name that may be used.
struct Allowed {
    name: String,
    _found: Option<OwnedFd>,
}

fn denied() -> io::Error {
    io::Error::from_raw_os_error(libc::EACCES)
}

/// The folder that a name lies below, and the way from there.
fn place<'f>(folders: &'f [Folder], name: &str, writes: bool) -> io::Result<(&'f Folder, PathBuf)> {
    if name.is_empty() || name.contains('\0') {
        return Err(io::Error::from_raw_os_error(libc::ENOENT));
    }
    let whole = match name.starts_with('/') {
        true => PathBuf::from(name),
        false => std::env::current_dir()?.join(name),
    };
    let mut clean = PathBuf::from("/");
    for component in whole.components() {
        match component {
            Component::Normal(part) => clean.push(part),
            Component::ParentDir => _ = clean.pop(),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    let mut fitting = folders.iter().filter(|folder| folder.writable || !writes);
    let found = fitting.find_map(|folder| {
        let rest = clean.strip_prefix(&folder.path).ok()?;
        Some((folder, rest.to_owned()))
    });
    found.ok_or_else(denied)
}

/// Finds what is at `way` below a folder; nothing on the way leads out of it.
fn below(folder: &Path, way: &Path, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
    let root = rustix::fs::open(
        folder,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let way = match way.as_os_str().is_empty() {
        true => Path::new("."),
        false => way,
    };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    loop {
        return match openat2(&root, way, flags | OFlags::CLOEXEC, mode, resolve) {
            // Something was renamed meanwhile.
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => continue,
            // It would lead out.
            Err(rustix::io::Errno::XDEV) => Err(denied()),
            found => Ok(found?),
        };
    }
}

fn allow(host: &HostHandle, name: &str, writes: bool, last: Last) -> Result<Allowed, i64> {
    let Files::Below(folders) = &host.capabilities.files else {
        return Ok(Allowed {
            name: name.to_owned(),
            _found: None,
        });
    };
    let find = || {
        let (folder, way) = place(folders, name, writes)?;
        if last == Last::Followed {
            let found = below(&folder.path, &way, OFlags::PATH, Mode::empty())?;
            let name = format!("/proc/self/fd/{}", found.as_raw_fd());
            return Ok((name, found));
        }
        // The folder itself is not the program's to remove or rename.
        let (Some(parent), Some(base)) = (way.parent(), way.file_name()) else {
            return Err(denied());
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let found = below(&folder.path, parent, flags, Mode::empty())?;
        let base = base.to_string_lossy();
        Ok((format!("/proc/self/fd/{}/{base}", found.as_raw_fd()), found))
    };
    let (name, found) = find().map_err(|error| error_number(&error))?;
    Ok(Allowed {
        name,
        _found: Some(found),
    })
}

pub(super) fn open_handle(
    host: HostHandle,
    name: String,
    flag: i64,
    mode: u32,
) -> (i64, i64, bool) {
    let Files::Below(folders) = &host.capabilities.files else {
        return super::open_handle(&host, name, flag, mode);
    };
    let flags = OFlags::from_bits_retain(flag as u32);
    let access = flag as i32 & libc::O_ACCMODE;
    let creates = flag as i32 & (libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND) != 0;
    let writes = access != libc::O_RDONLY || creates;
    let opened = place(folders, &name, writes).and_then(|(folder, way)| {
        let mode = match flags.intersects(OFlags::CREATE) {
            true => Mode::from_raw_mode(mode & 0o7777),
            false => Mode::empty(),
        };
        below(&folder.path, &way, flags, mode)
    });
    match opened {
        Ok(opened) => super::adopted(&host, opened),
        Err(error) => (-1, error_number(&error), false),
    }
}

/// Wrappers of operations on one name: what they may do, and what they answer if they may not.
macro_rules! on_names {
    ($($name:ident($writes:expr, $last:expr; $($argument:ident: $ty:ty),*) -> $result:ty, $refused:expr;)*) => {$(
        pub(super) fn $name(host: HostHandle, name: String $(, $argument: $ty)*) -> $result {
            match allow(&host, &name, $writes, $last) {
                Ok(allowed) => super::$name(allowed.name.clone() $(, $argument)*),
                Err(number) => $refused(number),
            }
        }
    )*};
}

on_names! {
    read_whole(false, Last::Followed;) -> (Vec<u8>, i64), |number| (Vec::new(), number);
    list_directory(false, Last::Followed;) -> (Vec<String>, Vec<u32>, i64), |number| (Vec::new(), Vec::new(), number);
    make_directory(true, Last::Itself; mode: u32) -> i64, |number| number;
    remove(true, Last::Itself;) -> i64, |number| number;
    read_link(false, Last::Itself;) -> (String, i64), |number| (String::new(), number);
    truncate(true, Last::Followed; size: i64) -> i64, |number| number;
    change_mode(true, Last::Followed; mode: u32) -> i64, |number| number;
    change_times(true, Last::Followed; access: i64, modification: i64) -> i64, |number| number;
}

pub(super) fn remove_all(host: HostHandle, name: String) -> (String, i64) {
    match allow(&host, &name, true, Last::Itself) {
        Ok(allowed) => super::remove_all(allowed.name.clone()),
        // What is not there is removed.
        Err(number) if number == i64::from(libc::ENOENT) => (String::new(), 0),
        Err(number) => (name, number),
    }
}

pub(super) fn stat(host: HostHandle, name: String, follow: bool) -> (Vec<i64>, String, i64) {
    if let Files::All = host.capabilities.files {
        return super::stat(name, follow);
    }
    let found = allow(&host, &name, false, Last::Followed);
    if follow {
        return match found {
            Ok(allowed) => super::stat(allowed.name.clone(), true),
            Err(number) => (Vec::new(), String::new(), number),
        };
    }
    match allow(&host, &name, false, Last::Itself).or(found) {
        // One of the folders themselves is named by its descriptor, which is a link.
        Ok(allowed) => {
            let is_folder = !allowed
                .name
                .trim_start_matches("/proc/self/fd/")
                .contains('/');
            super::stat(allowed.name.clone(), is_folder)
        }
        Err(number) => (Vec::new(), String::new(), number),
    }
}

pub(super) fn change_owner(
    host: HostHandle,
    name: String,
    user: i64,
    group: i64,
    follow: bool,
) -> i64 {
    let last = if follow { Last::Followed } else { Last::Itself };
    match allow(&host, &name, true, last) {
        Ok(allowed) => super::change_owner(allowed.name.clone(), user, group, follow),
        Err(number) => number,
    }
}

/// Both are changed by a link, too: what is linked to may be written by the new name.
fn on_two(host: &HostHandle, from: &str, to: &str, operation: fn(String, String) -> i64) -> i64 {
    let from = allow(host, from, true, Last::Itself);
    let to = allow(host, to, true, Last::Itself);
    match (from, to) {
        (Ok(from), Ok(to)) => operation(from.name.clone(), to.name.clone()),
        (Err(number), _) | (_, Err(number)) => number,
    }
}

pub(super) fn rename(host: HostHandle, from: String, to: String) -> i64 {
    on_two(&host, &from, &to, super::rename)
}

pub(super) fn link(host: HostHandle, from: String, to: String) -> i64 {
    on_two(&host, &from, &to, super::link)
}

/// The link may say what it likes: nobody follows it out.
pub(super) fn symlink(host: HostHandle, to: String, name: String) -> i64 {
    match allow(&host, &name, true, Last::Itself) {
        Ok(allowed) => super::symlink(to, allowed.name.clone()),
        Err(number) => number,
    }
}

pub(super) fn change_directory(host: HostHandle, name: String) -> i64 {
    match host.capabilities.system {
        true => super::change_directory(name),
        false => DENIED,
    }
}

pub(super) fn enter_handle(context: &mut NativeContext<'_>, handle: i64) -> i64 {
    match capabilities(context).system {
        true => super::enter_handle(context.host(), handle),
        false => DENIED,
    }
}

fn capabilities<'c>(context: &'c NativeContext<'_>) -> &'c Capabilities {
    &context.host().capabilities
}

/// A text about the process or the machine.
fn told(context: &NativeContext<'_>, tell: fn() -> (String, i64)) -> (String, i64) {
    match capabilities(context).system {
        true => tell(),
        false => (String::new(), DENIED),
    }
}

pub(super) fn hostname(context: &mut NativeContext<'_>) -> (String, i64) {
    told(context, super::hostname)
}

pub(super) fn executable(context: &mut NativeContext<'_>) -> (String, i64) {
    match &context.host().executable {
        Some(path) if capabilities(context).system => (path.clone(), 0),
        _ => told(context, super::executable),
    }
}

pub(super) fn working_directory(context: &mut NativeContext<'_>) -> (String, i64) {
    match &capabilities(context).files {
        Files::Below(folders) if folders.is_empty() => (String::new(), DENIED),
        _ => super::working_directory(),
    }
}

pub(super) fn signal_process(context: &mut NativeContext<'_>, number: i64, signal: i64) -> i64 {
    match capabilities(context).processes {
        true => super::process::signal(number, signal),
        false => DENIED,
    }
}

/// `kill` of the system: `number` below zero names a group of processes, 0 the own one.
pub(super) fn kill(context: &mut NativeContext<'_>, number: i64, signal: i64) -> i64 {
    match capabilities(context).processes {
        true => super::process::kill(number, signal),
        false => DENIED,
    }
}

/// Descriptors are numbers of the whole process: a program that may not reach that one has its own streams only.
pub(super) fn is_open(context: &mut NativeContext<'_>, handle: i64) -> bool {
    match capabilities(context).system {
        true => super::is_open(context.host(), handle),
        false => (0..=2).contains(&handle),
    }
}

/// A root is a folder that was opened: nobody knows any more whether what is below may be changed, so it may if that is so of all folders.
fn may_change_roots(host: &HostHandle) -> bool {
    match &host.capabilities.files {
        Files::All => true,
        Files::Below(folders) => folders.iter().all(|folder| folder.writable),
    }
}

pub(super) fn open_in(
    host: HostHandle,
    root: i64,
    name: String,
    flag: i64,
    mode: u32,
) -> (i64, i64) {
    let access = flag as i32 & libc::O_ACCMODE;
    let creates = flag as i32 & (libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND) != 0;
    match access == libc::O_RDONLY && !creates || may_change_roots(&host) {
        true => super::root::open_in(&host, root, name, flag, mode),
        false => (-1, DENIED),
    }
}

/// Wrappers of what changes something below a root.
macro_rules! in_roots {
    ($($name:ident($($argument:ident: $ty:ty),*);)*) => {$(
        pub(super) fn $name(host: HostHandle, root: i64 $(, $argument: $ty)*) -> i64 {
            match may_change_roots(&host) {
                true => super::root::$name(&host, root $(, $argument)*),
                false => DENIED,
            }
        }
    )*};
}

in_roots! {
    make_directory_in(name: String, mode: u32);
    remove_in(name: String);
    remove_all_in(name: String);
    rename_in(from: String, to: String);
    link_in(from: String, to: String);
    symlink_in(to: String, name: String);
    change_mode_in(name: String, mode: u32);
    change_owner_in(name: String, user: i64, group: i64, follow: bool);
    change_times_in(name: String, access: i64, modification: i64);
}
