//! Natives of package internal/poll: sockets and pipes that the scheduler's poller watches.
//!
//! The script knows a socket by its key, which is never used twice; the socket itself belongs to the scheduler's table
//! ([`runtime::Descriptor`]). Calls are tried without blocking; one that would block parks its goroutine and answers [`AGAIN`] when that
//! runs again, and the golite side repeats it. What is read goes through a buffer of the thread, since script memory can
//! be changed by other goroutines at any time.
//!
//! Addresses cross the border as bytes: `4`, 4 bytes, port; `6`, 16 bytes, port, scope; `u`, path. Nothing is no address.

use std::cell::RefCell;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use runtime::{Attempt, DescriptorKey, NEVER, Side, WaitReason};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrAny, SocketAddrUnix, SocketFlags,
    SocketType, ipproto, sockopt,
};
use vm::border::{Bytes, GoSlice, GoStr};
use vm::native::{NativeContext, Parking};
use vm::{HostHandle, natives};

use crate::os::error_number;

/// The goroutine has waited: try again.
const AGAIN: i64 = -1;
/// The socket is closed.
const CLOSED: i64 = -2;
/// The deadline has passed.
const TIMED_OUT: i64 = -3;
/// Somebody has ended the goroutine while it waited.
const ENDED: i64 = -4;

/// The most that one call reads or writes.
const MOST: usize = 64 << 10;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Runs `f` on `length` bytes of the thread's buffer.
fn with_buffer<R>(length: usize, f: impl FnOnce(&mut [u8]) -> R) -> R {
    BUFFER.with_borrow_mut(|buffer| {
        let length = length.min(MOST);
        if buffer.len() < length {
            buffer.resize(length, 0);
        }
        f(&mut buffer[..length])
    })
}

/// An address in the form of the module's text.
fn encode(address: Option<&SocketAddrAny>) -> Vec<u8> {
    let Some(address) = address else {
        return Vec::new();
    };
    if let Ok(v4) = SocketAddrV4::try_from(address.clone()) {
        return encode_internet(&SocketAddr::V4(v4));
    }
    if let Ok(v6) = SocketAddrV6::try_from(address.clone()) {
        return encode_internet(&SocketAddr::V6(v6));
    }
    if let Ok(unix) = SocketAddrUnix::try_from(address.clone()) {
        let mut bytes = vec![b'u'];
        match (unix.path_bytes(), unix.abstract_name()) {
            (Some(path), _) => bytes.extend_from_slice(path),
            (None, Some(name)) => {
                bytes.push(b'@');
                bytes.extend_from_slice(name);
            }
            // As Go shows a socket without a name.
            (None, None) => bytes.push(b'@'),
        }
        return bytes;
    }
    Vec::new()
}

fn encode_internet(address: &SocketAddr) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(24);
    match address {
        SocketAddr::V4(v4) => {
            bytes.push(b'4');
            bytes.extend_from_slice(&v4.ip().octets());
            bytes.extend_from_slice(&v4.port().to_be_bytes());
        }
        SocketAddr::V6(v6) => {
            bytes.push(b'6');
            bytes.extend_from_slice(&v6.ip().octets());
            bytes.extend_from_slice(&v6.port().to_be_bytes());
            bytes.extend_from_slice(&v6.scope_id().to_be_bytes());
        }
    }
    bytes
}

/// Whether the program may reach an address, if it is `reached` and not only where its own end is.
fn permitted(context: &NativeContext<'_>, bytes: &[u8], reached: bool) -> io::Result<()> {
    let capabilities = &context.host().capabilities;
    let address = match bytes.split_first() {
        Some((b'4', [a, b, c, d, high, low])) => {
            let ip = Ipv4Addr::new(*a, *b, *c, *d);
            Some(SocketAddr::from((ip, u16::from_be_bytes([*high, *low]))))
        }
        Some((b'6', [ip @ .., high, low, _, _, _, _])) => {
            let ip = <[u8; 16]>::try_from(ip).map(Ipv6Addr::from).ok();
            ip.map(|ip| SocketAddr::from((ip, u16::from_be_bytes([*high, *low]))))
        }
        _ => None,
    };
    if !reached && address.is_some() || capabilities.allows(address) {
        return Ok(());
    }
    Err(io::Error::from_raw_os_error(libc::EACCES))
}

fn decode(bytes: &[u8]) -> io::Result<SocketAddrAny> {
    let invalid = || io::Error::from_raw_os_error(libc::EINVAL);
    match bytes.split_first().ok_or_else(invalid)? {
        (b'4', [a, b, c, d, high, low]) => Ok(SocketAddrV4::new(
            Ipv4Addr::new(*a, *b, *c, *d),
            u16::from_be_bytes([*high, *low]),
        )
        .into()),
        (b'6', rest) => {
            let (ip, rest) = rest.split_first_chunk::<16>().ok_or_else(invalid)?;
            let (port, rest) = rest.split_first_chunk::<2>().ok_or_else(invalid)?;
            let scope = rest.first_chunk::<4>().ok_or_else(invalid)?;
            Ok(SocketAddrV6::new(
                Ipv6Addr::from(*ip),
                u16::from_be_bytes(*port),
                0,
                u32::from_be_bytes(*scope),
            )
            .into())
        }
        (b'u', [b'@', name @ ..]) if !name.is_empty() => {
            Ok(SocketAddrUnix::new_abstract_name(name)?.into())
        }
        (b'u', path) => Ok(SocketAddrUnix::new(path)?.into()),
        _ => Err(invalid()),
    }
}

fn descriptor(
    context: &NativeContext<'_>,
    handle: i64,
) -> Option<std::sync::Arc<runtime::Descriptor<vm::Machine>>> {
    context.scheduler().descriptor(DescriptorKey(handle as u64))
}

/// Tries `call`; `give` makes results of its value (or of nothing) and an error number.
fn attempt<T, R>(
    context: &NativeContext<'_>,
    handle: i64,
    side: Side,
    call: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    give: impl FnOnce(Option<T>, i64) -> R,
) -> Parking<R> {
    if context.is_descriptor_left() {
        return Parking::Done(give(None, ENDED));
    }
    let Some(descriptor) = descriptor(context, handle) else {
        return Parking::Done(give(None, CLOSED));
    };
    match descriptor.attempt(context.slice(), side, call) {
        Attempt::Done(Ok(value)) => Parking::Done(give(Some(value), 0)),
        Attempt::Done(Err(error)) => Parking::Done(give(None, error_number(&error))),
        Attempt::Parked => Parking::Park(WaitReason::IoWait, give(None, AGAIN)),
        Attempt::Closed => Parking::Done(give(None, CLOSED)),
        Attempt::TimedOut => Parking::Done(give(None, TIMED_OUT)),
    }
}

fn read(
    context: &mut NativeContext<'_>,
    handle: i64,
    data: GoSlice<'_, u8>,
) -> Parking<(i64, i64)> {
    with_buffer(data.len(), |buffer| {
        attempt(
            context,
            handle,
            Side::Read,
            |source| {
                let count = match rustix::net::recv(source, &mut *buffer, RecvFlags::empty()) {
                    Ok((count, _)) => count,
                    // A pipe.
                    Err(rustix::io::Errno::NOTSOCK) => rustix::io::read(source, &mut *buffer)?,
                    Err(error) => return Err(error.into()),
                };
                data.copy_from(&buffer[..count]);
                Ok(count as i64)
            },
            |count, number| (count.unwrap_or(0), number),
        )
    })
}

fn write(
    context: &mut NativeContext<'_>,
    handle: i64,
    data: GoSlice<'_, u8>,
    from: i64,
) -> Parking<(i64, i64)> {
    let from = usize::try_from(from).unwrap_or(0).min(data.len());
    let end = data.len().min(from + MOST);
    let bytes = data.slice(from..end).to_vec();
    attempt(
        context,
        handle,
        Side::Write,
        |source| match rustix::net::send(source, &bytes, SendFlags::NOSIGNAL) {
            Ok(count) => Ok(count as i64),
            Err(rustix::io::Errno::NOTSOCK) => Ok(rustix::io::write(source, &bytes)? as i64),
            Err(error) => Err(error.into()),
        },
        |count, number| (count.unwrap_or(0), number),
    )
}

fn receive_from(
    context: &mut NativeContext<'_>,
    handle: i64,
    data: GoSlice<'_, u8>,
) -> Parking<(i64, Bytes, i64)> {
    with_buffer(data.len(), |buffer| {
        attempt(
            context,
            handle,
            Side::Read,
            |source| {
                let (count, _, from) =
                    rustix::net::recvfrom(source, &mut *buffer, RecvFlags::empty())?;
                data.copy_from(&buffer[..count]);
                Ok((count as i64, encode(from.as_ref())))
            },
            |received, number| {
                let (count, from) = received.unwrap_or_default();
                (count, Bytes(from), number)
            },
        )
    })
}

fn send_to(
    context: &mut NativeContext<'_>,
    handle: i64,
    data: GoSlice<'_, u8>,
    to: GoStr<'_>,
) -> Parking<(i64, i64)> {
    let to = match permitted(context, &to, true).and_then(|()| decode(&to)) {
        Ok(to) => to,
        Err(error) => return Parking::Done((0, error_number(&error))),
    };
    // No datagram is longer; one byte more, so that the system judges.
    let bytes = data.slice(0..data.len().min(MOST + 1)).to_vec();
    attempt(
        context,
        handle,
        Side::Write,
        |source| Ok(rustix::net::sendto(source, &bytes, SendFlags::NOSIGNAL, &to)? as i64),
        |count, number| (count.unwrap_or(0), number),
    )
}

fn accept(context: &mut NativeContext<'_>, handle: i64) -> Parking<(i64, Bytes, i64)> {
    let (scheduler, host) = (context.scheduler(), context.host());
    attempt(
        context,
        handle,
        Side::Read,
        |source| {
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            let (socket, from) = loop {
                match rustix::net::acceptfrom_with(source, flags) {
                    // The peer has gone before we came.
                    Err(rustix::io::Errno::CONNABORTED) => {}
                    other => break other?,
                }
            };
            host.check_open_files()?;
            let accepted = scheduler.open_descriptor(socket)?;
            Ok((accepted.key().0 as i64, encode(from.as_ref())))
        },
        |accepted, number| {
            let (handle, from) = accepted.unwrap_or_default();
            (handle, Bytes(from), number)
        },
    )
}

/// The steps of making a socket, for the error's name.
const SOCKET: i64 = 0;
const BIND: i64 = 1;
const LISTEN: i64 = 2;
const CONNECT: i64 = 3;
const OPTION: i64 = 4;

struct Failure {
    step: i64,
    error: io::Error,
}

fn at<T, Error: Into<io::Error>>(step: i64, result: Result<T, Error>) -> Result<T, Failure> {
    result.map_err(|error| Failure {
        step,
        error: error.into(),
    })
}

/// Kinds of sockets, by the script's numbers.
fn socket_type(kind: i64) -> SocketType {
    match kind & 0xFF {
        1 => SocketType::STREAM,
        2 => SocketType::DGRAM,
        4 => SocketType::RAW,
        _ => SocketType::SEQPACKET,
    }
}

/// Of a kind: others may have the same address.
const SHARED: i64 = 1 << 8;
/// Of a kind: where the number of the protocol begins.
const PROTOCOL: u32 = 16;

/// Families, by the script's letters.
fn family(letter: i64) -> AddressFamily {
    match u8::try_from(letter) {
        Ok(b'4') => AddressFamily::INET,
        Ok(b'6') => AddressFamily::INET6,
        _ => AddressFamily::UNIX,
    }
}

fn new_socket(letter: i64, kind: i64, only_v6: bool) -> Result<OwnedFd, Failure> {
    let family = family(letter);
    let socket = at(
        SOCKET,
        rustix::net::socket_with(
            family,
            socket_type(kind),
            SocketFlags::NONBLOCK | SocketFlags::CLOEXEC,
            u32::try_from(kind >> PROTOCOL)
                .ok()
                .and_then(std::num::NonZeroU32::new)
                .map(rustix::net::Protocol::from_raw),
        ),
    )?;
    if family == AddressFamily::INET6 {
        // As Go: what the system says to this does not matter.
        let _ = sockopt::set_ipv6_v6only(&socket, only_v6);
    }
    if family != AddressFamily::UNIX && kind != 1 {
        at(OPTION, sockopt::set_socket_broadcast(&socket, true))?;
    }
    if kind & SHARED != 0 {
        at(OPTION, sockopt::set_socket_reuseaddr(&socket, true))?;
    }
    Ok(socket)
}

/// Has the poller watch a new descriptor, if the program may have one more.
fn watch_new(
    context: &NativeContext<'_>,
    source: OwnedFd,
) -> std::io::Result<Arc<runtime::Descriptor<vm::Machine>>> {
    let scheduler = context.scheduler();
    context.host().check_open_files()?;
    scheduler.open_descriptor(source)
}

fn opened(
    context: &NativeContext<'_>,
    made: Result<(OwnedFd, bool), Failure>,
) -> (i64, bool, i64, i64) {
    let watched = made.and_then(|(socket, under_way)| {
        let watched = at(SOCKET, watch_new(context, socket))?;
        Ok((watched.key().0 as i64, under_way))
    });
    match watched {
        Ok((handle, under_way)) => (handle, under_way, 0, 0),
        Err(failure) => (-1, false, failure.step, error_number(&failure.error)),
    }
}

/// A socket that begins to connect: key, whether that is still under way, step and error number.
fn connect(
    context: &mut NativeContext<'_>,
    letter: i64,
    kind: i64,
    only_v6: bool,
    local: GoStr<'_>,
    remote: GoStr<'_>,
) -> (i64, bool, i64, i64) {
    let made = (|| {
        let socket = new_socket(letter, kind, only_v6)?;
        if !local.is_empty() {
            at(BIND, permitted(context, &local, remote.is_empty()))?;
            let local = at(BIND, decode(&local))?;
            at(BIND, rustix::net::bind(&socket, &local))?;
        }
        if remote.is_empty() {
            return Ok((socket, false));
        }
        at(CONNECT, permitted(context, &remote, true))?;
        let remote = at(CONNECT, decode(&remote))?;
        match rustix::net::connect(&socket, &remote) {
            Ok(()) => Ok((socket, false)),
            Err(rustix::io::Errno::INPROGRESS | rustix::io::Errno::INTR) => Ok((socket, true)),
            Err(error) => at(CONNECT, Err(error)),
        }
    })();
    opened(context, made)
}

/// A socket that is neither bound nor connected: key, step and error number.
fn open(context: &mut NativeContext<'_>, letter: i64, kind: i64, only_v6: bool) -> (i64, i64, i64) {
    let made = new_socket(letter, kind, only_v6).map(|socket| (socket, false));
    let (handle, _, step, number) = opened(context, made);
    (handle, step, number)
}

/// Binds a socket; `reached`: others will reach it there, or it is where its own end is. Error number.
fn bind(context: &mut NativeContext<'_>, handle: i64, local: GoStr<'_>, reached: bool) -> i64 {
    if let Err(error) = permitted(context, &local, reached) {
        return error_number(&error);
    }
    on(context, handle, |source| {
        Ok(rustix::net::bind(source, &decode(&local)?)?)
    })
}

/// Begins to connect a socket: whether that is still under way, error number.
fn connect_to(context: &mut NativeContext<'_>, handle: i64, remote: GoStr<'_>) -> (bool, i64) {
    if let Err(error) = permitted(context, &remote, true) {
        return (false, error_number(&error));
    }
    let mut under_way = false;
    let number = on(context, handle, |source| {
        match rustix::net::connect(source, &decode(&remote)?) {
            Err(rustix::io::Errno::INPROGRESS | rustix::io::Errno::INTR) => {
                under_way = true;
                Ok(())
            }
            other => Ok(other?),
        }
    });
    (under_way, number)
}

/// Has a socket take connections: error number.
fn listen_on(context: &mut NativeContext<'_>, handle: i64) -> i64 {
    on(context, handle, |source| {
        Ok(rustix::net::listen(source, backlog())?)
    })
}

/// Joins a multicast group through the interface of a number, 0: any. Error number.
fn join(context: &mut NativeContext<'_>, handle: i64, group: GoStr<'_>, interface: i64) -> i64 {
    let interface = u32::try_from(interface).unwrap_or(0);
    on(context, handle, |source| {
        if let Ok(v4) = <[u8; 4]>::try_from(&*group) {
            let any = Ipv4Addr::UNSPECIFIED;
            sockopt::set_ip_add_membership_with_ifindex(source, &v4.into(), &any, interface)?;
            return Ok(());
        }
        let v6 = <[u8; 16]>::try_from(&*group)
            .map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
        Ok(sockopt::set_ipv6_add_membership(
            source,
            &v6.into(),
            interface,
        )?)
    })
}

/// What kind of socket it is, as scripts count them, 0 for another: kind and error number.
fn socket_kind(context: &mut NativeContext<'_>, handle: i64) -> (i64, i64) {
    let mut kind = 0;
    let number = on(context, handle, |source| {
        kind = match sockopt::socket_type(source)? {
            SocketType::STREAM => 1,
            SocketType::DGRAM => 2,
            SocketType::SEQPACKET => 3,
            SocketType::RAW => 4,
            _ => 0,
        };
        Ok(())
    });
    (kind, number)
}

/// What the system tells of its network interfaces: netlink messages, asked for by a request of this type. GO: syscall/netlink_linux.go `NetlinkRIB`.
fn routes(host: HostHandle, request: i64) -> (Bytes, i64) {
    let told = || -> io::Result<Vec<u8>> {
        // Who is kept from the network is kept from its plan.
        if !host.capabilities.may_look_up("localhost") {
            return Err(io::Error::from_raw_os_error(libc::EACCES));
        }
        let socket = rustix::net::socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            None,
        )?;
        let kernel = rustix::net::netlink::SocketAddrNetlink::new(0, 0);
        rustix::net::bind(&socket, &kernel)?;
        // Length, type, flags (a request for all), number, sender; then the family: any.
        let mut message = [0; 17];
        message[0] = 17;
        message[4] = u8::try_from(request).unwrap_or(0);
        message[5] = 0;
        message[6..8].copy_from_slice(&0x301_u16.to_ne_bytes());
        message[8] = 1;
        rustix::net::sendto(&socket, &message, SendFlags::empty(), &kernel)?;
        let mut all = Vec::new();
        let mut piece = vec![0; MOST];
        loop {
            let (_, length) = rustix::net::recv(&socket, &mut piece[..], RecvFlags::empty())?;
            let mut rest = &piece[..length.min(MOST)];
            while let Some(head) = rest.first_chunk::<16>() {
                let size = u32::from_ne_bytes([head[0], head[1], head[2], head[3]]) as usize;
                let kind = u16::from_ne_bytes([head[4], head[5]]);
                if kind == NETLINK_DONE || size < head.len() || size > rest.len() {
                    return Ok(all);
                }
                if kind == NETLINK_ERROR {
                    return Err(io::Error::from_raw_os_error(libc::EINVAL));
                }
                let padded = size.next_multiple_of(4).min(rest.len());
                all.extend_from_slice(&rest[..padded]);
                rest = &rest[padded..];
            }
            if length == 0 {
                return Ok(all);
            }
        }
    };
    match told() {
        Ok(all) => (Bytes(all), 0),
        Err(error) => (Bytes::default(), error_number(&error)),
    }
}

const NETLINK_ERROR: u16 = 2;
const NETLINK_DONE: u16 = 3;

/// Waits until a connection that is under way stands: error number.
fn connected(context: &mut NativeContext<'_>, handle: i64) -> Parking<i64> {
    if context.is_descriptor_left() {
        return Parking::Done(ENDED);
    }
    let Some(descriptor) = descriptor(context, handle) else {
        return Parking::Done(CLOSED);
    };
    let stands = descriptor.wait_until(context.slice(), Side::Write, |source| {
        if let Err(error) = sockopt::socket_error(source)? {
            return Err(error.into());
        }
        match rustix::net::getpeername(source) {
            Ok(_) => Ok(Some(())),
            Err(rustix::io::Errno::NOTCONN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    });
    match stands {
        Attempt::Done(Ok(())) => Parking::Done(0),
        Attempt::Done(Err(error)) => Parking::Done(error_number(&error)),
        Attempt::Parked => Parking::Park(WaitReason::IoWait, AGAIN),
        Attempt::Closed => Parking::Done(CLOSED),
        Attempt::TimedOut => Parking::Done(TIMED_OUT),
    }
}

/// A socket that listens, or, of datagrams, receives: key, step and error number.
fn listen(
    context: &mut NativeContext<'_>,
    letter: i64,
    kind: i64,
    only_v6: bool,
    local: GoStr<'_>,
) -> (i64, i64, i64) {
    let made = (|| {
        let socket = new_socket(letter, kind, only_v6)?;
        let is_stream = kind == 1 || kind == 3;
        if is_stream && family(letter) != AddressFamily::UNIX {
            at(OPTION, sockopt::set_socket_reuseaddr(&socket, true))?;
        }
        at(BIND, permitted(context, &local, true))?;
        let local = at(BIND, decode(&local))?;
        at(BIND, rustix::net::bind(&socket, &local))?;
        if is_stream {
            at(LISTEN, rustix::net::listen(&socket, backlog()))?;
        }
        Ok((socket, false))
    })();
    let (handle, _, step, number) = opened(context, made);
    (handle, step, number)
}

/// How many connections may wait to be accepted. GO: net/sock_linux.go `maxListenerBacklog`.
fn backlog() -> i32 {
    std::fs::read_to_string("/proc/sys/net/core/somaxconn")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(4096)
}

/// A pipe: the keys of its ends for reading and for writing, and the error number.
fn pipe(context: &mut NativeContext<'_>) -> (i64, i64, i64) {
    let made = std::io::pipe().and_then(|(reader, writer)| {
        let watched = |end: OwnedFd| {
            rustix::io::ioctl_fionbio(&end, true)?;
            watch_new(context, end)
        };
        let reader = watched(reader.into())?.key();
        match watched(writer.into()) {
            Ok(writer) => Ok((reader, writer.key())),
            Err(error) => {
                context.scheduler().close_descriptor(reader);
                Err(error)
            }
        }
    });
    match made {
        Ok((reader, writer)) => (reader.0 as i64, writer.0 as i64, 0),
        Err(error) => (-1, -1, error_number(&error)),
    }
}

/// Turns a descriptor into an ordinary file, whose calls block; answers its number.
fn detach(context: &mut NativeContext<'_>, handle: i64) -> (i64, i64) {
    let Some(descriptor) = descriptor(context, handle) else {
        return (-1, CLOSED);
    };
    let file = rustix::io::fcntl_dupfd_cloexec(descriptor.source(), 3).and_then(|file| {
        rustix::io::ioctl_fionbio(&file, false)?;
        Ok(file)
    });
    match file {
        Ok(file) => {
            close(context, handle);
            crate::os::adopt(context.host(), file)
        }
        Err(error) => (-1, error_number(&error.into())),
    }
}

/// A second number for the same open file.
fn duplicate(context: &mut NativeContext<'_>, handle: i64) -> (i64, i64) {
    let Some(descriptor) = descriptor(context, handle) else {
        return (-1, CLOSED);
    };
    match rustix::io::fcntl_dupfd_cloexec(descriptor.source(), 3) {
        Ok(file) => crate::os::adopt(context.host(), file),
        Err(error) => (-1, error_number(&error.into())),
    }
}

/// Has the poller watch an open file of package os, whose calls do not block from now on.
fn watch(context: &mut NativeContext<'_>, file: i64) -> (i64, i64) {
    let watched = crate::os::file(context.host(), file).and_then(|source| {
        let own = rustix::io::fcntl_dupfd_cloexec(&*source, 3)?;
        // It was opened by this program, so that nobody else finds it changed.
        rustix::io::ioctl_fionbio(&own, true)?;
        let opened = context.scheduler().open_descriptor(own);
        if opened.is_err() {
            rustix::io::ioctl_fionbio(&*source, false)?;
        }
        opened
    });
    match watched {
        Ok(descriptor) => {
            context.host().close(file);
            (descriptor.key().0 as i64, 0)
        }
        Err(error) => (-1, error_number(&error)),
    }
}

/// A descriptor of its own for an open file that is a socket; the file stays open, and nothing of either ever blocks a thread again.
fn watch_socket(context: &mut NativeContext<'_>, file: i64) -> (i64, i64) {
    let watched = crate::os::file(context.host(), file).and_then(|source| {
        sockopt::socket_type(&*source)?;
        let own = rustix::io::fcntl_dupfd_cloexec(&*source, 3)?;
        rustix::io::ioctl_fionbio(&own, true)?;
        watch_new(context, own)
    });
    match watched {
        Ok(descriptor) => (descriptor.key().0 as i64, 0),
        Err(error) => (-1, error_number(&error)),
    }
}

fn close(context: &mut NativeContext<'_>, handle: i64) -> bool {
    context
        .scheduler()
        .close_descriptor(DescriptorKey(handle as u64))
}

/// Ends one direction: 0 reading, 1 writing.
fn shut_down(context: &mut NativeContext<'_>, handle: i64, how: i64) -> i64 {
    let how = if how == 0 {
        Shutdown::Read
    } else {
        Shutdown::Write
    };
    on(context, handle, |source| {
        Ok(rustix::net::shutdown(source, how)?)
    })
}

fn on(
    context: &NativeContext<'_>,
    handle: i64,
    call: impl FnOnce(BorrowedFd<'_>) -> io::Result<()>,
) -> i64 {
    match descriptor(context, handle) {
        Some(descriptor) => call(descriptor.source()).map_or_else(|e| error_number(&e), |()| 0),
        None => CLOSED,
    }
}

fn addresses(context: &mut NativeContext<'_>, handle: i64) -> (Bytes, Bytes) {
    let Some(descriptor) = descriptor(context, handle) else {
        return (Bytes::default(), Bytes::default());
    };
    let local = rustix::net::getsockname(descriptor.source()).ok();
    let remote = rustix::net::getpeername(descriptor.source()).ok().flatten();
    (
        Bytes(encode(local.as_ref())),
        Bytes(encode(remote.as_ref())),
    )
}

/// Sets deadlines: `sides` is 1 for reading, 2 for writing, 3 for both; `kind` 0 takes it away, 1 is `after` nanoseconds from now.
fn set_deadline(
    context: &mut NativeContext<'_>,
    handle: i64,
    sides: i64,
    kind: i64,
    after: i64,
) -> i64 {
    let Some(descriptor) = descriptor(context, handle) else {
        return CLOSED;
    };
    let scheduler = context.scheduler();
    let when = if kind == 0 {
        NEVER
    } else {
        scheduler.now().saturating_add(after).min(NEVER - 1)
    };
    for (bit, side) in [(1, Side::Read), (2, Side::Write)] {
        if sides & bit != 0 && !descriptor.set_deadline(scheduler, side, when) {
            return CLOSED;
        }
    }
    0
}

fn set_option(context: &mut NativeContext<'_>, handle: i64, option: i64, value: i64) -> i64 {
    let seconds = |value: i64| Duration::from_secs(u64::try_from(value).unwrap_or(0).max(1));
    on(context, handle, |source| {
        let is_on = value != 0;
        match option {
            0 => sockopt::set_tcp_nodelay(source, is_on)?,
            1 => sockopt::set_socket_keepalive(source, is_on)?,
            2 => sockopt::set_tcp_keepidle(source, seconds(value))?,
            3 => sockopt::set_tcp_keepintvl(source, seconds(value))?,
            4 => sockopt::set_tcp_keepcnt(source, u32::try_from(value).unwrap_or(9))?,
            5 => sockopt::set_socket_linger(
                source,
                u64::try_from(value).ok().map(Duration::from_secs),
            )?,
            6 => sockopt::set_socket_recv_buffer_size(source, usize::try_from(value).unwrap_or(0))?,
            7 => sockopt::set_socket_send_buffer_size(source, usize::try_from(value).unwrap_or(0))?,
            _ => return Err(io::Error::from_raw_os_error(libc::ENOPROTOOPT)),
        }
        Ok(())
    })
}

/// Whether the system has IPv6, and whether such a socket takes IPv4 too. GO: net/ipsock_posix.go `ipStackCapabilities.probe`.
fn has_ipv6() -> bool {
    rustix::net::socket_with(
        AddressFamily::INET6,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        Some(ipproto::TCP),
    )
    .is_ok_and(|socket| {
        sockopt::set_ipv6_v6only(&socket, false).is_ok()
            && rustix::net::bind(&socket, &SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0))
                .is_ok()
    })
}

/// The addresses of a host as the system's resolver finds them, in the form of the module's text; an error text.
fn look_up(host_handle: HostHandle, host: String) -> (Vec<String>, String) {
    use std::net::ToSocketAddrs;
    let capabilities = &host_handle.capabilities;
    if !capabilities.may_look_up(&host) {
        return (Vec::new(), "permission denied".to_owned());
    }
    match (host.as_str(), 0).to_socket_addrs() {
        Ok(found) => {
            let mut texts: Vec<String> = Vec::new();
            for address in found {
                capabilities.found(&host, [address.ip()]);
                let text = match address {
                    SocketAddr::V6(v6) if v6.scope_id() != 0 => {
                        format!("{}%{}", v6.ip(), v6.scope_id())
                    }
                    other => other.ip().to_string(),
                };
                if !texts.contains(&text) {
                    texts.push(text);
                }
            }
            (texts, String::new())
        }
        Err(error) => {
            let text = error.to_string();
            // Rust's text ends in the resolver's own.
            let own = text.rsplit(": ").next().unwrap_or_default();
            (Vec::new(), own.to_owned())
        }
    }
}

/// The bytes of an IP address, 4 or 16; none if it is not one.
fn parse_ip(text: GoStr<'_>) -> Vec<u8> {
    match std::str::from_utf8(&text).ok().map(str::parse) {
        Some(Ok(std::net::IpAddr::V4(ip))) => ip.octets().to_vec(),
        Some(Ok(std::net::IpAddr::V6(ip))) => ip.octets().to_vec(),
        _ => Vec::new(),
    }
}

/// The text of 16 bytes as an IPv6 address.
fn ipv6_text(bytes: GoSlice<'_, u8>) -> String {
    <[u8; 16]>::try_from(bytes.to_vec())
        .map(|bytes| Ipv6Addr::from(bytes).to_string())
        .unwrap_or_default()
}

/// The number of a network interface, 0 if there is none of that name; and the other way round.
fn interface_number(name: String) -> i64 {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, None);
    socket
        .and_then(|socket| rustix::net::netdevice::name_to_index(&socket, &name))
        .map_or(0, i64::from)
}

fn interface_name(number: i64) -> String {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, None);
    socket
        .and_then(|socket| {
            rustix::net::netdevice::index_to_name(&socket, u32::try_from(number).unwrap_or(0))
        })
        .unwrap_or_default()
}

natives! {
    parking "leave" => crate::sync::leave;
    pure "shield" => crate::sync::shield;
    parking "unshield" => crate::sync::unshield;
    parking "read" => read;
    parking "write" => write;
    parking "receiveFrom" => receive_from;
    parking "sendTo" => send_to;
    parking "accept" => accept;
    pure "Pipe" => pipe;
    pure "detach" => detach;
    pure "duplicate" => duplicate;
    pure "Watch" => watch;
    pure "WatchSocket" => watch_socket;
    pure "Connect" => connect;
    pure "Open" => open;
    pure "Bind" => bind;
    pure "ConnectTo" => connect_to;
    pure "ListenOn" => listen_on;
    pure "Join" => join;
    pure "SocketKind" => socket_kind;
    blocking "Routes" => routes;
    parking "connected" => connected;
    pure "Listen" => listen;
    pure "closeHandle" => close;
    pure "shutDown" => shut_down;
    pure "Addresses" => addresses;
    pure "setDeadline" => set_deadline;
    pure "setOption" => set_option;
    blocking "HasIPv6" => has_ipv6;
    long "LookUp" => look_up;
    pure "ParseIP" => parse_ip;
    pure "IPv6Text" => ipv6_text;
    blocking "InterfaceNumber" => interface_number;
    blocking "InterfaceName" => interface_name;
}
