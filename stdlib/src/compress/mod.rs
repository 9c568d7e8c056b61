//! Natives of the packages below compress.

pub mod bzip2;
pub mod flate;
