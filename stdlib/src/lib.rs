//! Standard packages: Go declarations and native bodies.
pub mod outline;
