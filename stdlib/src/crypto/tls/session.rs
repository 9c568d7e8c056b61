//! Sessions and what is done with them. See the module above.

use std::collections::HashMap;
use std::io::{Cursor, Read, Write};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, IpAddr, Ipv4Addr, ServerName};
use rustls::server::{Accepted, Acceptor};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConnection, Connection, Error, HandshakeKind, ServerConnection,
};
use vm::border::{Bytes, GoSlice, GoStr};

use super::config::{self, Roots, fields, private_key, push_field};

enum State {
    /// A server that waits for the greeting.
    Accepting(Box<Acceptor>),
    /// The greeting is there; what has arrived behind it waits.
    Greeted(Box<Accepted>, Vec<u8>),
    Connected(Box<Connection>),
    /// The handshake has failed.
    Failed,
}

struct Session {
    state: State,
    /// What is to be sent before what rustls has.
    out: Vec<u8>,
    /// Plain text that has arrived, and how much of it was taken.
    plain: Vec<u8>,
    taken: usize,
    /// The certificates that the peer presented in a handshake that failed.
    presented: Vec<u8>,
}

type Table<T> = LazyLock<Mutex<HashMap<i64, Arc<T>>>>;

static SESSIONS: Table<Mutex<Session>> = LazyLock::new(Mutex::default);
static ROOTS: Table<Roots> = LazyLock::new(Mutex::default);
/// Numbers of sessions and roots; none is used twice.
static NUMBERS: AtomicI64 = AtomicI64::new(1);

fn enter<T>(table: &Table<T>, value: T) -> i64 {
    // ORDERING: relaxed. Only that each number is given once counts; the table's lock publishes what is under it.
    let number = NUMBERS.fetch_add(1, Relaxed);
    let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
    table.insert(number, Arc::new(value));
    number
}

fn find<T>(table: &Table<T>, number: i64) -> Option<Arc<T>> {
    let table = table.lock().unwrap_or_else(PoisonError::into_inner);
    table.get(&number).cloned()
}

fn forget<T>(table: &Table<T>, number: i64) {
    let removed = {
        let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
        table.remove(&number)
    };
    // Outside of the lock: a session may be large.
    drop(removed);
}

/// Does something with a session; `otherwise` if it is gone.
fn with<R>(number: i64, otherwise: R, f: impl FnOnce(&mut Session) -> R) -> R {
    match find(&SESSIONS, number) {
        Some(session) => f(&mut session.lock().unwrap_or_else(PoisonError::into_inner)),
        None => otherwise,
    }
}

fn connected<R>(number: i64, otherwise: R, f: impl FnOnce(&mut Connection) -> R) -> R {
    let mut otherwise = Some(otherwise);
    with(number, None, |session| match &mut session.state {
        State::Connected(connection) => Some(f(connection)),
        _ => None,
    })
    .or_else(|| otherwise.take())
    .expect("INVARIANT: one of both was given")
}

fn new_session(state: State) -> i64 {
    enter(
        &SESSIONS,
        Mutex::new(Session {
            state,
            out: Vec::new(),
            plain: Vec::new(),
            taken: 0,
            presented: Vec::new(),
        }),
    )
}

/// Whether this golite has TLS.
pub fn is_there() -> bool {
    true
}

/// Roots of a list of certificates.
pub fn new_roots(list: GoStr<'_>) -> i64 {
    enter(&ROOTS, Roots::new(&list))
}

pub fn forget_roots(number: i64) {
    forget(&ROOTS, number);
}

fn roots(number: i64) -> Arc<Roots> {
    find(&ROOTS, number).unwrap_or_else(|| Arc::new(Roots::new(&[])))
}

/// An error for the golite side: `alert N` from the peer, `certificate KIND`, or `other TEXT`.
fn describe(error: &Error) -> String {
    use CertificateError as Wrong;
    match error {
        Error::AlertReceived(alert) => format!("alert {}", u8::from(*alert)),
        Error::InvalidCertificate(wrong) => match wrong {
            Wrong::Expired | Wrong::ExpiredContext { .. } => "certificate expired".into(),
            Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => "certificate early".into(),
            Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => {
                "certificate name".into()
            }
            Wrong::UnknownIssuer => "certificate issuer".into(),
            Wrong::InvalidPurpose | Wrong::InvalidPurposeContext { .. } => {
                "certificate purpose".into()
            }
            // Among others an issuer that is none, which Go does not find.
            Wrong::BadEncoding => "certificate encoding".into(),
            other => format!("certificate other {other}"),
        },
        Error::NoCertificatesPresented => "certificate none".into(),
        Error::NoApplicationProtocol => "protocol".into(),
        Error::PeerIncompatible(why) => format!("incompatible {why:?}"),
        other => format!("other {other}"),
    }
}

/// A client's session, for a server's name (or address, or nothing) and with a configuration.
pub fn client(name: GoStr<'_>, settings: GoStr<'_>) -> (i64, String) {
    let name = String::from_utf8_lossy(&name).into_owned();
    let name = match name.as_str() {
        // No name is sent for an address.
        "" => ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([0; 4]))),
        name => match ServerName::try_from(name.to_owned()) {
            Ok(name) => name,
            Err(_) => return (0, "name".into()),
        },
    };
    let made =
        config::client(&settings, roots).and_then(|config| ClientConnection::new(config, name));
    match made {
        Ok(mut connection) => {
            connection.set_buffer_limit(None);
            (
                new_session(State::Connected(Box::new(connection.into()))),
                String::new(),
            )
        }
        Err(error) => (0, describe(&error)),
    }
}

/// A server's session, which waits for a greeting.
pub fn server() -> i64 {
    new_session(State::Accepting(Box::default()))
}

/// Goes on with a configuration after the greeting.
pub fn accept(number: i64, settings: GoStr<'_>) -> String {
    with(number, "other closed".to_owned(), |session| {
        let State::Greeted(accepted, behind) = std::mem::replace(&mut session.state, State::Failed)
        else {
            return "other no greeting".into();
        };
        let config = match config::server(&settings, roots) {
            Ok(config) => config,
            Err(error) => return describe(&error),
        };
        match accepted.into_connection(config) {
            Ok(mut connection) => {
                connection.set_buffer_limit(None);
                let connection: ServerConnection = connection;
                session.state = State::Connected(Box::new(connection.into()));
                match session.process(&behind) {
                    Ok(()) => String::new(),
                    Err(error) => describe(&error),
                }
            }
            Err((error, mut alert)) => {
                let _ = alert.write_all(&mut session.out);
                describe(&error)
            }
        }
    })
}

impl Session {
    /// Takes what has arrived on a connection.
    fn process(&mut self, data: &[u8]) -> Result<(), Error> {
        let State::Connected(connection) = &mut self.state else {
            return Ok(());
        };
        let mut rest = data;
        while !rest.is_empty() {
            let taken = connection
                .read_tls(&mut rest)
                .map_err(|error| Error::General(error.to_string()))?;
            let processed = connection.process_new_packets();
            if processed.is_err() {
                self.presented = config::take_presented();
                // The alert that tells the peer.
                let _ = drain(connection, &mut self.out);
            }
            let state = processed?;
            let count = state.plaintext_bytes_to_read();
            if count > 0 {
                if self.taken == self.plain.len() {
                    self.plain.clear();
                    self.taken = 0;
                }
                let start = self.plain.len();
                self.plain.resize(start + count, 0);
                let got = connection.reader().read(&mut self.plain[start..]);
                self.plain.truncate(start + got.unwrap_or(0));
            }
            if taken == 0 {
                // Behind the peer's last word.
                break;
            }
        }
        Ok(())
    }
}

fn drain(connection: &mut Connection, out: &mut Vec<u8>) -> std::io::Result<()> {
    while connection.wants_write() {
        connection.write_tls(out)?;
    }
    Ok(())
}

/// Gives what has arrived from the peer. Answers whether a greeting is complete, whose configuration is wanted; and an error.
pub fn feed(number: i64, data: GoSlice<'_, u8>) -> (bool, String) {
    with(number, (false, "other closed".to_owned()), |session| {
        let data = data.to_vec();
        match &mut session.state {
            State::Accepting(acceptor) => {
                let mut rest = Cursor::new(data.as_slice());
                loop {
                    let took = acceptor.read_tls(&mut rest).unwrap_or(0);
                    match acceptor.accept() {
                        Ok(None) if took == 0 => return (false, String::new()),
                        Ok(None) => {}
                        Ok(Some(accepted)) => {
                            let behind = data[rest.position() as usize..].to_vec();
                            session.state = State::Greeted(Box::new(accepted), behind);
                            return (true, String::new());
                        }
                        Err((error, mut alert)) => {
                            let _ = alert.write_all(&mut session.out);
                            session.state = State::Failed;
                            return (false, describe(&error));
                        }
                    }
                }
            }
            State::Greeted(_, behind) => {
                behind.extend_from_slice(&data);
                (true, String::new())
            }
            State::Connected(_) => match session.process(&data) {
                Ok(()) => (false, String::new()),
                Err(error) => (false, describe(&error)),
            },
            State::Failed => (false, "other failed".into()),
        }
    })
}

/// What is to be sent to the peer.
pub fn take(number: i64) -> Vec<u8> {
    with(number, Vec::new(), |session| {
        let mut out = std::mem::take(&mut session.out);
        if let State::Connected(connection) = &mut session.state {
            let _ = drain(connection, &mut out);
        }
        out
    })
}

/// Plain text that has arrived: its length, 0 if there is none yet, -1 if there will be none.
pub fn read(number: i64, data: GoSlice<'_, u8>) -> i64 {
    with(number, -1, |session| {
        let waiting = &session.plain[session.taken..];
        if waiting.is_empty() {
            let ended = match &mut session.state {
                State::Connected(connection) => {
                    matches!(connection.process_new_packets(), Ok(state) if state.peer_has_closed())
                }
                _ => false,
            };
            return if ended { -1 } else { 0 };
        }
        let count = waiting.len().min(data.len());
        data.copy_from(&waiting[..count]);
        session.taken += count;
        if session.taken == session.plain.len() {
            session.plain = Vec::new();
            session.taken = 0;
        }
        count as i64
    })
}

/// Encrypts plain text; [`take`] gives what comes of it.
pub fn write(number: i64, data: GoSlice<'_, u8>) {
    let data = data.to_vec();
    connected(number, (), |connection| {
        // There is no limit, and memory is all that is written to.
        let _ = connection.writer().write_all(&data);
    });
}

/// A client's greeting: the server's name, its protocols (a list), and its cipher suites, two bytes each.
pub fn hello(number: i64) -> (Bytes, Bytes, Bytes) {
    let none = (Bytes::default(), Bytes::default(), Bytes::default());
    with(number, none, |session| {
        let State::Greeted(accepted, _) = &session.state else {
            return (Bytes::default(), Bytes::default(), Bytes::default());
        };
        let hello = accepted.client_hello();
        let mut protocols = Vec::new();
        for protocol in hello.alpn().into_iter().flatten() {
            push_field(&mut protocols, protocol);
        }
        let suites = hello.cipher_suites().iter();
        (
            Bytes(hello.server_name().unwrap_or_default().into()),
            Bytes(protocols),
            Bytes(suites.flat_map(|s| u16::from(*s).to_be_bytes()).collect()),
        )
    })
}

/// Whether the handshake goes on, version, cipher suite, group, protocol, the name that the client asked for, whether it is a session resumed.
pub fn info(number: i64) -> (bool, i64, i64, i64, Bytes, Bytes, bool) {
    let none = (true, 0, 0, 0, Bytes::default(), Bytes::default(), false);
    connected(number, none, |connection| {
        let name = match connection {
            Connection::Server(server) => server.server_name().unwrap_or_default().into(),
            Connection::Client(_) => Vec::new(),
        };
        let group = connection.negotiated_key_exchange_group();
        (
            connection.is_handshaking(),
            connection
                .protocol_version()
                .map_or(0, |version| i64::from(u16::from(version))),
            connection
                .negotiated_cipher_suite()
                .map_or(0, |suite| i64::from(u16::from(suite.suite()))),
            group.map_or(0, |group| i64::from(u16::from(group.name()))),
            Bytes(connection.alpn_protocol().unwrap_or_default().to_vec()),
            Bytes(name),
            connection.handshake_kind() == Some(HandshakeKind::Resumed),
        )
    })
}

/// The certificates of the peer, a list; also those that were not believed.
pub fn peer_certificates(number: i64) -> Bytes {
    with(number, Bytes::default(), |session| {
        let mut list = session.presented.clone();
        if let State::Connected(connection) = &session.state {
            for certificate in connection.peer_certificates().unwrap_or_default() {
                push_field(&mut list, certificate);
            }
        }
        Bytes(list)
    })
}

/// Tells the peer that nothing more will be written.
pub fn close_notify(number: i64) {
    connected(number, (), |connection| connection.send_close_notify());
}

/// The session is over.
pub fn discard(number: i64) {
    forget(&SESSIONS, number);
}

/// What is wrong with a certificate and its key: nothing, `key`, `mismatch`, or `certificate`.
pub fn check_key(chain: GoStr<'_>, kind: i64, key: GoStr<'_>) -> String {
    let Ok(key) = any_supported_type(&private_key(kind, &key)) else {
        return "key".into();
    };
    let chain = fields(&chain).map(|der| CertificateDer::from(der.to_vec()));
    match CertifiedKey::new(chain.collect(), key).keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => String::new(),
        Err(Error::InconsistentKeys(_)) => "mismatch".into(),
        Err(_) => "certificate".into(),
    }
}
