//! Natives of package crypto/tls: sessions of rustls, which know no sockets.
//!
//! A session is a number for the golite side. That gives it what has arrived ([`feed`]), sends what it wants to send ([`take`]), and
//! moves plain text in and out ([`read`], [`write`]); the goroutine waits at the connection below, never here. A session lives until
//! [`discard`], which the connection's Close and, if nobody closes it, a cleanup call.
//!
//! 1. A client has its configuration from the start. A server begins with an acceptor, which reads the greeting; then the golite
//!    side chooses the configuration ([`accept`]), as Go's callbacks want it.
//! 2. Configurations are told as bytes, the same for the same settings, and kept by them: resumption needs the same one again.
//! 3. Certificates are verified inside the handshake, so that the peer gets the right alert. What was presented is kept, so that
//!    golite can make Go's errors of it.
//!
//! INVARIANT: a session is locked only within one native, and none of them waits.

#[cfg(feature = "tls")]
mod config;
#[cfg(feature = "tls")]
mod session;
#[cfg(feature = "tls")]
use session::{
    accept, check_key, client, close_notify, discard, feed, forget_roots, hello, info, is_there,
    new_roots, peer_certificates, read, server, take, write,
};
#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(not(feature = "tls"))]
use absent::{
    accept, check_key, client, close_notify, discard, feed, forget_roots, hello, info, is_there,
    new_roots, peer_certificates, read, server, take, write,
};

use vm::natives;

natives! {
    pure "isThere" => is_there;
    pure "newRoots" => new_roots;
    pure "forgetRoots" => forget_roots;
    pure "newClient" => client;
    pure "newServer" => server;
    pure "accept" => accept;
    pure "feed" => feed;
    pure "take" => take;
    pure "read" => read;
    pure "write" => write;
    pure "hello" => hello;
    pure "info" => info;
    pure "peerCertificates" => peer_certificates;
    pure "closeNotify" => close_notify;
    pure "discard" => discard;
    pure "checkKey" => check_key;
}
