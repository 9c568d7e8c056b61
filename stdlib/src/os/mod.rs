//! Natives of packages os, syscall and io/fs.
//!
//! Files are known to the script by their numbers; the open files themselves are kept here, so a script cannot reach a
//! descriptor that it has not opened. A file that is closed while a call uses it is closed when that call returns.
//! Errors leave as error numbers; the golite side makes Go's error values of them.

mod error_texts;
mod process;
mod root;
mod sandbox;
pub mod signal;

use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{
    DirBuilderExt, FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt,
};
use std::sync::Arc;

use vm::border::Bytes;
use vm::native::{NativeContext, Parking};
use vm::{HostHandle, natives};

/// The error number of an error; EIO for one that has none.
pub fn error_number(error: &std::io::Error) -> i64 {
    let fallback = match error.kind() {
        ErrorKind::BrokenPipe => libc::EPIPE,
        ErrorKind::WriteZero => libc::ENOSPC,
        ErrorKind::InvalidInput => libc::EINVAL,
        _ => libc::EIO,
    };
    i64::from(error.raw_os_error().unwrap_or(fallback))
}

/// The operating system's text for an error number.
pub fn error_text(number: i64) -> String {
    match error_texts::TEXTS.binary_search_by_key(&number, |&(n, _)| n) {
        Ok(at) => error_texts::TEXTS[at].1.to_string(),
        Err(_) => format!("errno {number}"),
    }
}

fn status(result: std::io::Result<()>) -> i64 {
    result.map_or_else(|error| error_number(&error), |()| 0)
}

pub(crate) fn file(host: &HostHandle, handle: i64) -> std::io::Result<Arc<File>> {
    host.file(handle)
        .ok_or_else(|| std::io::Error::from_raw_os_error(libc::EBADF))
}

/// The most that one call reads or writes at once, so that no script makes us ask for endless memory.
const MOST: usize = 1 << 20;

fn bounded(most: i64) -> usize {
    usize::try_from(most).unwrap_or(0).min(MOST)
}

fn open_handle(host: &HostHandle, name: String, flag: i64, mode: u32) -> (i64, i64, bool) {
    let flag = flag as i32;
    let mut options = OpenOptions::new();
    let access = flag & libc::O_ACCMODE;
    options
        .read(access != libc::O_WRONLY)
        .write(access != libc::O_RDONLY);
    // What `OpenOptions` would refuse is the kernel's to judge.
    options
        .custom_flags(flag & !libc::O_ACCMODE | libc::O_CLOEXEC)
        .mode(mode);
    let opened = loop {
        match options.open(&name) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => break other,
        }
    };
    match opened {
        Ok(file) => adopted(host, file.into()),
        Err(error) => (-1, error_number(&error), false),
    }
}

/// What `openHandle` answers for a file that could be opened.
fn adopted(host: &HostHandle, file: OwnedFd) -> (i64, i64, bool) {
    let waits =
        rustix::fs::fstat(&file).is_ok_and(|stat| {
            match rustix::fs::FileType::from_raw_mode(stat.st_mode) {
                rustix::fs::FileType::Fifo => true,
                rustix::fs::FileType::CharacterDevice => rustix::termios::isatty(&file),
                _ => false,
            }
        });
    let (handle, error) = adopt(host, file);
    (handle, error, waits && error == 0)
}

fn reading(read: impl Fn(&mut [u8]) -> std::io::Result<usize>, most: i64) -> (Vec<u8>, i64) {
    let mut data = vec![0; bounded(most)];
    loop {
        match read(&mut data) {
            Ok(count) => {
                data.truncate(count);
                return (data, 0);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (Vec::new(), error_number(&error)),
        }
    }
}

/// Reads from standard input: data and error number.
pub fn read_stdin(host: &HostHandle, most: i64) -> (Vec<u8>, i64) {
    reading(|data| host.read_stdin(data), most)
}

fn read_handle(host: HostHandle, handle: i64, most: i64) -> (Vec<u8>, i64) {
    match handle {
        0 => read_stdin(&host, most),
        _ => match file(&host, handle) {
            Ok(file) => reading(|data| (&*file).read(data), most),
            Err(error) => (Vec::new(), error_number(&error)),
        },
    }
}

fn read_handle_at(host: HostHandle, handle: i64, most: i64, offset: i64) -> (Vec<u8>, i64) {
    match file(&host, handle) {
        Ok(file) => reading(|data| file.read_at(data, offset as u64), most),
        Err(error) => (Vec::new(), error_number(&error)),
    }
}

/// Writes all of `data`; answers how much was written and the error.
fn writing(
    mut write: impl FnMut(&[u8], usize) -> std::io::Result<usize>,
    data: &[u8],
) -> (i64, i64) {
    let mut done = 0;
    while done < data.len() {
        match write(&data[done..], done) {
            Ok(0) => return (done as i64, i64::from(libc::EIO)),
            Ok(count) => done += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (done as i64, error_number(&error)),
        }
    }
    (done as i64, 0)
}

fn write_bytes(host: &HostHandle, handle: i64, data: &[u8]) -> (i64, i64) {
    let to_stream = |result: std::io::Result<()>| match result {
        Ok(()) => (data.len() as i64, 0),
        Err(error) => (0, error_number(&error)),
    };
    match handle {
        1 => to_stream(host.write_stdout(data)),
        2 => to_stream(host.write_stderr(data)),
        _ => match file(host, handle) {
            Ok(file) => writing(|data, _| (&*file).write(data), data),
            Err(error) => (0, error_number(&error)),
        },
    }
}

fn write_handle(host: HostHandle, handle: i64, data: Vec<u8>) -> (i64, i64) {
    write_bytes(&host, handle, &data)
}

fn write_handle_string(host: HostHandle, handle: i64, data: Bytes) -> (i64, i64) {
    write_bytes(&host, handle, &data.0)
}

fn write_handle_at(host: HostHandle, handle: i64, data: Vec<u8>, offset: i64) -> (i64, i64) {
    match file(&host, handle) {
        Ok(file) => writing(
            |data, done| file.write_at(data, offset as u64 + done as u64),
            &data,
        ),
        Err(error) => (0, error_number(&error)),
    }
}

fn seek_handle(
    context: &mut NativeContext<'_>,
    handle: i64,
    offset: i64,
    whence: i64,
) -> (i64, i64) {
    let place = match whence {
        0 if offset >= 0 => SeekFrom::Start(offset as u64),
        1 => SeekFrom::Current(offset),
        2 => SeekFrom::End(offset),
        _ => return (0, i64::from(libc::EINVAL)),
    };
    match file(context.host(), handle).and_then(|file| (&*file).seek(place)) {
        Ok(at) => (at as i64, 0),
        Err(error) => (0, error_number(&error)),
    }
}

/// Takes a file that was opened elsewhere among those of the program; its handle and the error.
pub(crate) fn adopt(host: &HostHandle, file: OwnedFd) -> (i64, i64) {
    let handle = i64::from(file.as_raw_fd());
    match host.adopt(handle, File::from(file)) {
        Ok(()) => (handle, 0),
        Err(error) => (-1, error_number(&error)),
    }
}

fn close_handle(context: &mut NativeContext<'_>, handle: i64) -> i64 {
    // The standard streams are the host's; they are only marked as closed.
    if context.host().close(handle) || (0..=2).contains(&handle) {
        0
    } else {
        i64::from(libc::EBADF)
    }
}

fn truncate_handle(host: HostHandle, handle: i64, size: i64) -> i64 {
    let Ok(size) = u64::try_from(size) else {
        return i64::from(libc::EINVAL);
    };
    status(file(&host, handle).and_then(|file| file.set_len(size)))
}

fn sync_handle(host: HostHandle, handle: i64) -> i64 {
    status(file(&host, handle).and_then(|file| file.sync_all()))
}

fn read_whole(name: String) -> (Vec<u8>, i64) {
    let mut file = match File::open(&name) {
        Ok(file) => file,
        Err(error) => return (Vec::new(), error_number(&error)),
    };
    let mut data = Vec::new();
    match file.read_to_end(&mut data) {
        Ok(_) => (data, 0),
        Err(error) => (Vec::new(), -error_number(&error)),
    }
}

/// Go's FileMode of a file.
fn file_mode(metadata: &Metadata) -> u32 {
    let kind = metadata.file_type();
    let mode = metadata.mode();
    let mut bits = mode & 0o777;
    bits |= if kind.is_dir() {
        1 << 31
    } else if kind.is_symlink() {
        1 << 27
    } else if kind.is_fifo() {
        1 << 25
    } else if kind.is_socket() {
        1 << 24
    } else if kind.is_char_device() {
        1 << 26 | 1 << 21
    } else if kind.is_block_device() {
        1 << 26
    } else {
        0
    };
    bits |= if mode & 0o4000 != 0 { 1 << 23 } else { 0 };
    bits |= if mode & 0o2000 != 0 { 1 << 22 } else { 0 };
    bits | if mode & 0o1000 != 0 { 1 << 20 } else { 0 }
}

fn described(metadata: std::io::Result<Metadata>) -> (Vec<i64>, String, i64) {
    match metadata {
        Ok(m) => (
            vec![
                i64::from(file_mode(&m)),
                m.size() as i64,
                m.mtime(),
                m.mtime_nsec(),
            ],
            format!("{}:{}", m.dev(), m.ino()),
            0,
        ),
        Err(error) => (Vec::new(), String::new(), error_number(&error)),
    }
}

fn stat(name: String, follow: bool) -> (Vec<i64>, String, i64) {
    described(if follow {
        std::fs::metadata(name)
    } else {
        std::fs::symlink_metadata(name)
    })
}

fn stat_handle(host: HostHandle, handle: i64) -> (Vec<i64>, String, i64) {
    match handle {
        0 => described(std::fs::metadata("/dev/stdin")),
        1 => described(std::fs::metadata("/dev/stdout")),
        2 => described(std::fs::metadata("/dev/stderr")),
        _ => described(file(&host, handle).and_then(|file| file.metadata())),
    }
}

fn list_directory(name: String) -> (Vec<String>, Vec<u32>, i64) {
    let listed = std::fs::read_dir(&name).and_then(|entries| {
        let mut list = Vec::new();
        for entry in entries {
            let entry = entry?;
            let mode = entry
                .metadata()
                .map_or(1 << 19, |metadata| file_mode(&metadata));
            list.push((entry.file_name().to_string_lossy().into_owned(), mode));
        }
        Ok(list)
    });
    match listed {
        Ok(mut list) => {
            list.sort_unstable();
            let (names, modes) = list.into_iter().unzip();
            (names, modes, 0)
        }
        Err(error) => (Vec::new(), Vec::new(), error_number(&error)),
    }
}

fn make_directory(name: String, mode: u32) -> i64 {
    status(std::fs::DirBuilder::new().mode(mode).create(name))
}

fn remove(name: String) -> i64 {
    match std::fs::remove_file(&name) {
        Ok(()) => 0,
        Err(first) => match std::fs::remove_dir(&name) {
            Ok(()) => 0,
            // Whichever says more than "not a directory".
            Err(second) if second.raw_os_error() == Some(libc::ENOTDIR) => error_number(&first),
            Err(second) => error_number(&second),
        },
    }
}

fn remove_all(name: String) -> (String, i64) {
    let result = match std::fs::symlink_metadata(&name) {
        Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(&name),
        Ok(_) => std::fs::remove_file(&name),
        Err(error) => Err(error),
    };
    match result {
        Err(error) if error.kind() != ErrorKind::NotFound => (name, error_number(&error)),
        _ => (String::new(), 0),
    }
}

fn rename(from: String, to: String) -> i64 {
    status(std::fs::rename(from, to))
}

fn link(from: String, to: String) -> i64 {
    status(std::fs::hard_link(from, to))
}

fn symlink(to: String, name: String) -> i64 {
    status(std::os::unix::fs::symlink(to, name))
}

fn read_link(name: String) -> (String, i64) {
    match std::fs::read_link(name) {
        Ok(to) => (to.to_string_lossy().into_owned(), 0),
        Err(error) => (String::new(), error_number(&error)),
    }
}

fn truncate(name: String, size: i64) -> i64 {
    let Ok(size) = u64::try_from(size) else {
        return i64::from(libc::EINVAL);
    };
    status(
        OpenOptions::new()
            .write(true)
            .open(name)
            .and_then(|file| file.set_len(size)),
    )
}

fn change_mode(name: String, mode: u32) -> i64 {
    status(std::fs::set_permissions(
        name,
        std::fs::Permissions::from_mode(mode),
    ))
}

/// -1 leaves a number as it is, as in chown(2).
fn owner(number: i64) -> Option<u32> {
    (number != -1).then_some(number as u32)
}

fn change_owner(name: String, user: i64, group: i64, follow: bool) -> i64 {
    status(if follow {
        std::os::unix::fs::chown(name, owner(user), owner(group))
    } else {
        std::os::unix::fs::lchown(name, owner(user), owner(group))
    })
}

fn change_owner_of(host: HostHandle, handle: i64, user: i64, group: i64) -> i64 {
    status(
        file(&host, handle)
            .and_then(|file| std::os::unix::fs::fchown(&*file, owner(user), owner(group))),
    )
}

fn enter_handle(host: &HostHandle, handle: i64) -> i64 {
    status(file(host, handle).and_then(|file| Ok(rustix::process::fchdir(&*file)?)))
}

fn is_open(host: &HostHandle, handle: i64) -> bool {
    (0..=2).contains(&handle) || file(host, handle).is_ok()
}

fn groups() -> Vec<i64> {
    let groups = rustix::process::getgroups().unwrap_or_default();
    groups
        .iter()
        .map(|group| i64::from(group.as_raw()))
        .collect()
}

/// Times in nanoseconds; the smallest number leaves one as it is.
fn times(access: i64, modification: i64) -> rustix::fs::Timestamps {
    let moment = |nanoseconds: i64| match nanoseconds {
        i64::MIN => rustix::fs::Timespec {
            tv_sec: 0,
            tv_nsec: rustix::fs::UTIME_OMIT,
        },
        _ => rustix::fs::Timespec {
            tv_sec: nanoseconds.div_euclid(1_000_000_000),
            tv_nsec: nanoseconds.rem_euclid(1_000_000_000) as _,
        },
    };
    rustix::fs::Timestamps {
        last_access: moment(access),
        last_modification: moment(modification),
    }
}

fn change_times(name: String, access: i64, modification: i64) -> i64 {
    let times = times(access, modification);
    let set = rustix::fs::utimensat(rustix::fs::CWD, name, &times, rustix::fs::AtFlags::empty());
    status(set.map_err(Into::into))
}

fn change_directory(name: String) -> i64 {
    status(std::env::set_current_dir(name))
}

fn arguments(context: &mut NativeContext<'_>) -> Vec<String> {
    context.host().arguments.clone()
}

fn host_environment(context: &mut NativeContext<'_>) -> Vec<String> {
    context
        .host()
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

fn exit(_: &mut NativeContext<'_>, status: i64) -> Parking<()> {
    Parking::Exit(status as i32)
}

/// Go's process dies of SIGPIPE here; a shell shows that as 128 + 13.
pub fn broken_pipe(_: &mut NativeContext<'_>) -> Parking<()> {
    Parking::Exit(128 + libc::SIGPIPE)
}

fn process_id() -> i64 {
    i64::from(std::process::id())
}

fn parent_id() -> i64 {
    i64::from(std::os::unix::process::parent_id())
}

/// Real and effective numbers from a line of /proc/self/status.
fn status_numbers(key: &str) -> (i64, i64) {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .unwrap_or_default();
    let mut numbers = line.split_whitespace().filter_map(|word| word.parse().ok());
    (numbers.next().unwrap_or(-1), numbers.next().unwrap_or(-1))
}

fn user() -> i64 {
    status_numbers("Uid:").0
}

fn effective_user() -> i64 {
    status_numbers("Uid:").1
}

fn group() -> i64 {
    status_numbers("Gid:").0
}

fn effective_group() -> i64 {
    status_numbers("Gid:").1
}

fn hostname() -> (String, i64) {
    match std::fs::read_to_string("/proc/sys/kernel/hostname") {
        Ok(name) => (name.trim_end().to_string(), 0),
        Err(error) => (String::new(), error_number(&error)),
    }
}

fn executable() -> (String, i64) {
    match std::env::current_exe() {
        Ok(path) => (path.to_string_lossy().into_owned(), 0),
        Err(error) => (String::new(), error_number(&error)),
    }
}

fn working_directory() -> (String, i64) {
    match std::env::current_dir() {
        Ok(path) => (path.to_string_lossy().into_owned(), 0),
        Err(error) => (String::new(), error_number(&error)),
    }
}

fn random(context: &mut NativeContext<'_>) -> String {
    // With a seeded scheduler the name may be taken; the caller tries again.
    (context.scheduler().random() as u32).to_string()
}

natives! {
    pure "arguments" => arguments;
    pure "hostEnvironment" => host_environment;
    parking "exit" => exit;
    parking "brokenPipe" => broken_pipe;
    pure "Getpid" => process_id;
    pure "Getppid" => parent_id;
    pure "Getuid" => user;
    pure "Geteuid" => effective_user;
    pure "Getgid" => group;
    pure "Getegid" => effective_group;
    pure "hostname" => sandbox::hostname;
    pure "executable" => sandbox::executable;
    pure "workingDirectory" => sandbox::working_directory;
    pure "random" => random;
    blocking "changeDirectory" => sandbox::change_directory;
    blocking "openHandle" => sandbox::open_handle;
    blocking "readHandle" => read_handle;
    blocking "readHandleAt" => read_handle_at;
    blocking "writeHandle" => write_handle;
    blocking "writeHandleString" => write_handle_string;
    blocking "writeHandleAt" => write_handle_at;
    pure "seekHandle" => seek_handle;
    pure "closeHandle" => close_handle;
    blocking "truncateHandle" => truncate_handle;
    blocking "syncHandle" => sync_handle;
    blocking "readWhole" => sandbox::read_whole;
    blocking "listDirectory" => sandbox::list_directory;
    blocking "stat" => sandbox::stat;
    blocking "statHandle" => stat_handle;
    blocking "makeDirectory" => sandbox::make_directory;
    blocking "remove" => sandbox::remove;
    blocking "removeAll" => sandbox::remove_all;
    blocking "rename" => sandbox::rename;
    blocking "link" => sandbox::link;
    blocking "symlink" => sandbox::symlink;
    blocking "readLink" => sandbox::read_link;
    blocking "truncate" => sandbox::truncate;
    blocking "changeMode" => sandbox::change_mode;
    blocking "changeTimes" => sandbox::change_times;
    blocking "changeOwner" => sandbox::change_owner;
    blocking "changeOwnerOf" => change_owner_of;
    pure "enterHandle" => sandbox::enter_handle;
    pure "isOpen" => sandbox::is_open;
    pure "groups" => groups;
    blocking "openIn" => sandbox::open_in;
    blocking "statIn" => root::stat_in;
    blocking "makeDirectoryIn" => sandbox::make_directory_in;
    blocking "removeIn" => sandbox::remove_in;
    blocking "removeAllIn" => sandbox::remove_all_in;
    blocking "renameIn" => sandbox::rename_in;
    blocking "linkIn" => sandbox::link_in;
    blocking "symlinkIn" => sandbox::symlink_in;
    blocking "readLinkIn" => root::read_link_in;
    blocking "changeModeIn" => sandbox::change_mode_in;
    blocking "changeOwnerIn" => sandbox::change_owner_in;
    blocking "changeTimesIn" => sandbox::change_times_in;
    blocking "startProcess" => process::start;
    blocking "waitProcess" => process::wait;
    pure "signalProcess" => sandbox::signal_process;
}

/// Natives of package syscall.
pub mod syscall {
    vm::natives! {
        pure "decimal" => super::fs::decimal;
        pure "text" => super::error_text;
        pure "Getpid" => super::process_id;
        pure "Getppid" => super::parent_id;
        pure "Getuid" => super::user;
        pure "Geteuid" => super::effective_user;
        pure "Getgid" => super::group;
        pure "Getegid" => super::effective_group;
        pure "kill" => super::sandbox::kill;
    }
}

/// Natives of package io/fs.
pub mod fs {
    pub(super) fn decimal(number: i64) -> String {
        number.to_string()
    }

    vm::natives! {
        pure "decimal" => decimal;
    }
}
