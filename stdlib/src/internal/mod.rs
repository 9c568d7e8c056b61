//! Natives of the packages that only other standard packages import.

pub mod digest;
pub mod poll;
pub mod values;
