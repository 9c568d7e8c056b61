//! Layout and meaning of each kind of heap object.

pub(crate) mod channel;
pub(crate) mod equality;
pub mod map;
pub(crate) mod value;
