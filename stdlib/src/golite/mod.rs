//! Packages that Go has not.

pub mod task;
