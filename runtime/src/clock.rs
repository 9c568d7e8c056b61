//! The clock.

/// Nanoseconds since some fixed moment; never goes back.
pub type Nanos = i64;
