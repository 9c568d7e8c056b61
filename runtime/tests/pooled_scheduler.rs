//! What `scheduler.rs` tests, on machines, a monitor and a poller that all schedulers share.

#[path = "scheduler.rs"]
mod scheduler;
