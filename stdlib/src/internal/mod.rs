//! Natives of the packages that only other standard packages import.

pub mod poll;
pub mod values;
