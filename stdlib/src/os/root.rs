//! `os.Root`: files below a directory, whatever symbolic links lie there.
//!
//! The kernel walks the path and refuses what leads out of the directory (`openat2` with `RESOLVE_BENEATH`), so that nobody can put a link
//! in the way between a look and the deed. What is done to a name is done in its directory, opened so.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use vm::HostHandle;

use super::{adopt, described, error_number, file, owner, times};

/// The number of the error of a path that leads out.
const ESCAPES: i64 = -1;

fn number(error: &io::Error) -> i64 {
    match error.raw_os_error() {
        Some(libc::EXDEV) => ESCAPES,
        _ => error_number(error),
    }
}

fn status(result: io::Result<()>) -> i64 {
    result.map_or_else(|error| number(&error), |()| 0)
}

/// How often the kernel may be asked again, when somebody renames directories meanwhile.
const TRIES: usize = 64;

fn open(host: &HostHandle, root: i64, name: &str, flags: OFlags, mode: u32) -> io::Result<OwnedFd> {
    let root = file(host, root)?;
    for _ in 0..TRIES {
        let opened = rustix::fs::openat2(
            &*root,
            name,
            flags | OFlags::CLOEXEC,
            // The kernel wants none without a new file.
            match flags.intersects(OFlags::CREATE) {
                true => Mode::from_raw_mode(mode),
                false => Mode::empty(),
            },
            ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS,
        );
        match opened {
            Err(Errno::AGAIN | Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
    Err(Errno::AGAIN.into())
}

/// What leads to an open file by its number.
fn place(descriptor: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", descriptor.as_raw_fd())
}

/// The directory that a name lies in, and the name there. A name that ends in a slash keeps it: it must be a directory's.
fn parent(host: &HostHandle, root: i64, name: &str) -> io::Result<(OwnedFd, String)> {
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let trimmed = name.trim_end_matches('/');
    let slashes = &name[trimmed.len()..];
    let (directory, base) = match trimmed.rsplit_once('/') {
        Some((directory, base)) => (directory, base),
        None => (".", trimmed),
    };
    match base {
        // An absolute path leads out; an empty one is none.
        "" if slashes.is_empty() => Err(Errno::NOENT.into()),
        "" => Err(Errno::XDEV.into()),
        "." | ".." => Ok((open(host, root, trimmed, flags, 0)?, ".".into())),
        _ if directory.is_empty() => Err(Errno::XDEV.into()),
        base => Ok((
            open(host, root, directory, flags, 0)?,
            format!("{base}{}", &slashes[..slashes.len().min(1)]),
        )),
    }
}

/// Opens a file; its handle and the error.
pub fn open_in(host: &HostHandle, root: i64, name: String, flag: i64, mode: u32) -> (i64, i64) {
    let flags = OFlags::from_bits_retain(flag as u32);
    match open(host, root, &name, flags, mode) {
        Ok(descriptor) => adopt(host, descriptor),
        Err(error) => (-1, number(&error)),
    }
}

/// Describes a file, as the native `stat` does.
pub fn stat_in(host: HostHandle, root: i64, name: String, follow: bool) -> (Vec<i64>, String, i64) {
    let host = &host;
    let mut flags = OFlags::PATH;
    if !follow {
        flags |= OFlags::NOFOLLOW;
    }
    match open(host, root, &name, flags, 0) {
        Ok(descriptor) => described(File::from(descriptor).metadata()),
        Err(error) => (Vec::new(), String::new(), number(&error)),
    }
}

pub fn make_directory_in(host: &HostHandle, root: i64, name: String, mode: u32) -> i64 {
    status(parent(host, root, &name).and_then(|(directory, base)| {
        Ok(rustix::fs::mkdirat(
            &directory,
            base,
            Mode::from_raw_mode(mode),
        )?)
    }))
}

pub fn remove_in(host: &HostHandle, root: i64, name: String) -> i64 {
    status(parent(host, root, &name).and_then(|(directory, base)| {
        match rustix::fs::unlinkat(&directory, &base, AtFlags::empty()) {
            Ok(()) => Ok(()),
            Err(first) => match rustix::fs::unlinkat(&directory, &base, AtFlags::REMOVEDIR) {
                Ok(()) => Ok(()),
                // Whichever says more than "not a directory".
                Err(Errno::NOTDIR) => Err(first.into()),
                Err(second) => Err(second.into()),
            },
        }
    }))
}

pub fn remove_all_in(host: &HostHandle, root: i64, name: String) -> i64 {
    let removed = parent(host, root, &name).and_then(|(directory, base)| {
        let path = format!("{}/{base}", place(&directory));
        match std::fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(&path),
            Ok(_) => std::fs::remove_file(&path),
            Err(error) => Err(error),
        }
    });
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        other => status(other),
    }
}

pub fn rename_in(host: &HostHandle, root: i64, from: String, to: String) -> i64 {
    status(
        parent(host, root, &from).and_then(|(from_directory, from)| {
            let (to_directory, to) = parent(host, root, &to)?;
            let look = |directory, name: &str| {
                rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
            };
            // As Go: a directory is not replaced.
            if let Ok(there) = look(&to_directory, &to)
                && rustix::fs::FileType::from_raw_mode(there.st_mode).is_dir()
            {
                let moved = look(&from_directory, &from)?;
                if to == from || (moved.st_dev, moved.st_ino) != (there.st_dev, there.st_ino) {
                    return Err(Errno::EXIST.into());
                }
            }
            Ok(rustix::fs::renameat(
                &from_directory,
                from,
                &to_directory,
                to,
            )?)
        }),
    )
}

pub fn link_in(host: &HostHandle, root: i64, from: String, to: String) -> i64 {
    status(
        parent(host, root, &from).and_then(|(from_directory, from)| {
            let (to_directory, to) = parent(host, root, &to)?;
            Ok(rustix::fs::linkat(
                &from_directory,
                from,
                &to_directory,
                to,
                AtFlags::empty(),
            )?)
        }),
    )
}

/// A link to anywhere.
pub fn symlink_in(host: &HostHandle, root: i64, to: String, name: String) -> i64 {
    status(
        parent(host, root, &name)
            .and_then(|(directory, base)| Ok(rustix::fs::symlinkat(to, &directory, base)?)),
    )
}

pub fn read_link_in(host: HostHandle, root: i64, name: String) -> (String, i64) {
    let host = &host;
    let read = parent(host, root, &name).and_then(|(directory, base)| {
        let to = rustix::fs::readlinkat(&directory, base, Vec::new())?;
        Ok(to.to_string_lossy().into_owned())
    });
    match read {
        Ok(to) => (to, 0),
        Err(error) => (String::new(), number(&error)),
    }
}

pub fn change_mode_in(host: &HostHandle, root: i64, name: String, mode: u32) -> i64 {
    use std::os::unix::fs::PermissionsExt;
    status(
        open(host, root, &name, OFlags::PATH, 0).and_then(|descriptor| {
            std::fs::set_permissions(place(&descriptor), std::fs::Permissions::from_mode(mode))
        }),
    )
}

pub fn change_owner_in(
    host: &HostHandle,
    root: i64,
    name: String,
    user: i64,
    group: i64,
    follow: bool,
) -> i64 {
    if follow {
        return status(
            open(host, root, &name, OFlags::PATH, 0).and_then(|descriptor| {
                std::os::unix::fs::chown(place(&descriptor), owner(user), owner(group))
            }),
        );
    }
    status(parent(host, root, &name).and_then(|(directory, base)| {
        Ok(rustix::fs::chownat(
            &directory,
            base,
            owner(user).map(rustix::fs::Uid::from_raw),
            owner(group).map(rustix::fs::Gid::from_raw),
            AtFlags::SYMLINK_NOFOLLOW,
        )?)
    }))
}

/// Sets times in nanoseconds; the smallest number leaves one as it is.
pub fn change_times_in(
    host: &HostHandle,
    root: i64,
    name: String,
    access: i64,
    modification: i64,
) -> i64 {
    let times = times(access, modification);
    status(
        open(host, root, &name, OFlags::PATH, 0).and_then(|descriptor| {
            Ok(rustix::fs::utimensat(
                rustix::fs::CWD,
                place(&descriptor),
                &times,
                AtFlags::empty(),
            )?)
        }),
    )
}
