//! Natives of the packages below compress.

pub mod flate;
