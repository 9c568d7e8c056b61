//! Functions of a host that are bodies of Go declarations, with state of their own: closures.
//!
//! Unlike a [`crate::Native`] such a function is bound once per program: it looks at the declared types, and keeps what it needs to convert
//! values of them. See [`crate::convert`] for how typed Rust closures become host functions.

use std::sync::Arc;

use bytecode::TypeId;
use runtime::BlockingCall;

use crate::engine::Machine;
use crate::native::{GoPanic, NativeContext, ParkingOutcome, Slots};
use crate::types::TypeTable;

/// A body that runs where it is called. See [`crate::native`] for the three kinds.
pub type PureEntry =
    Box<dyn Fn(&mut NativeContext<'_>, Slots) -> Result<(), GoPanic> + Send + Sync>;
/// A body that makes a job of its call, which runs without a processor.
pub type BlockingEntry = Box<
    dyn Fn(&mut NativeContext<'_>, Slots) -> Result<BlockingCall<Machine>, GoPanic> + Send + Sync,
>;
/// A body that may make its goroutine wait.
pub type ParkingEntry = Box<dyn Fn(&mut NativeContext<'_>, Slots) -> ParkingOutcome + Send + Sync>;

/// A host function that is bound to a program.
pub enum HostEntry {
    Pure(PureEntry),
    Blocking(BlockingEntry),
    Parking(ParkingEntry),
}

/// A host function.
pub trait HostFunction: Send + Sync {
    /// Looks at the declaration.
    ///
    /// # Errors
    /// It does not fit: how the function would have to be declared.
    fn bind(
        self: Arc<Self>,
        types: &TypeTable,
        parameters: &[TypeId],
        results: &[TypeId],
    ) -> Result<HostEntry, String>;
}
