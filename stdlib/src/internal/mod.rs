//! Natives of the packages that only other standard packages import.

pub mod aes;
pub mod alias;
pub mod digest;
pub mod poll;
pub mod synctest;
pub mod values;
