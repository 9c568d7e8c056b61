//! Interpreter, values, heap.

pub mod border;
mod engine;
mod fiber;
mod globals;
pub mod heap;
mod host;
mod image;
pub mod moves;
pub mod native;
pub mod objects;
mod stack;
pub mod types;

pub use border::{Any, Bytes, GoSlice, GoStr, NativeType, Pointer, Reference, View};
pub use engine::{Machine, MachineOptions, TimerPayload};
pub use host::{Host, HostHandle};
pub use image::Image;
pub use native::{GoPanic, Native, NativeContext, NativeTable, Parking, Signature};
