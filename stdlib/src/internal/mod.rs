//! Natives of the packages that only other standard packages import.

pub mod values;
