//! Standard packages: Go declarations and native bodies.
