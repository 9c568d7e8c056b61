//! What `netpoll.rs` tests, on machines, a monitor and a poller that all schedulers share.

#[path = "netpoll.rs"]
mod netpoll;
