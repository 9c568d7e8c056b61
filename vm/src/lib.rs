//! Interpreter, values, heap: what running means.
//!
//! The way of a program: [`Vm::new`] links it ([`link`]: verified code in one block, natives bound, types and strings pinned:
//! an [`Image`]); [`Vm::run`] gives its first fiber to the scheduler, which calls back through [`runtime::Engine`] ([`engine`]).
//!
//! - [`interpreter`]: the loop; [`ops`]: what its longer arms call; [`running`]: the context it carries along, the invariants
//!   its `unsafe` rests on, and the cold ways out of an instruction.
//! - [`fiber`], [`stack`]: a goroutine's frames; [`panics`]: unwinding, recover, Goexit; [`trace`]: walking frames for
//!   tracebacks and for the collector; [`liveness`]: which of their registers are needed.
//! - [`types`], [`objects`], [`growth`]: values by their types: moving, comparing, hashing, growing.
//! - [`pinned`], [`globals`]: what never moves, and the way in which it grows.
//! - [`heap`], [`moves`]: the collected heap, and the only moves that touch script memory.
//! - [`made_types`], [`reflection`]: types made while the program runs, and what package `reflect` does to values.
//! - [`cpu_profile`]: whose code runs.
//! - [`session`]: a program that grows while it runs, for who types it.
//! - [`embedded`], [`host_call`], [`host_function`], [`convert`]: programs that are called by their host: calls in both directions,
//!   and typed Rust values on either side.
//! - [`ending`]: goroutines that somebody else ends.
//! - [`carry`]: the variables of one program become those of its next version.
//! - [`native`], [`border`], [`host`]: natives, their conversions, and what the host lends to a program; [`finalizers`]: what hangs on
//!   objects.
//!
//! INVARIANT: the heap is collected only at safepoints, with the world stopped. Allocation never collects; it lets the scheduler
//! know. So a reference in a Rust local is good until its instruction (or native) ends.
//!
//! INVARIANT: a racy script may compute nonsense, it never breaks the machine: registers are a goroutine's own, and shared memory is
//! touched by whole moves only ([`moves`]).
//!
//! Knows nothing of syntax, the checker, the compiler, or which packages there are. Prints nothing and reads no environment.

pub mod border;
mod capabilities;
mod carry;
mod children;
pub mod convert;
mod cpu_profile;
mod embedded;
mod ending;
mod engine;
mod fiber;
mod fiber_pool;
mod finalizers;
mod globals;
mod growth;
pub mod heap;
mod held;
mod host;
mod host_call;
mod host_channel;
mod host_function;
mod image;
mod interpreter;
mod leaks;
mod link;
mod liveness;
pub mod made_types;
pub mod moves;
pub mod native;
pub mod objects;
mod ops;
mod panics;
mod pinned;
mod profiling;
pub mod reflection;
mod running;
mod scope;
pub mod session;
mod settle;
mod slab;
mod stack;
mod trace;
mod traceback;
pub mod types;
mod visit;
mod vm;

pub use border::{Any, Bytes, GoSlice, GoStr, NativeType, Pointer, Reference, View};
pub use capabilities::{Capabilities, Files, Folder, Network, Peers};
pub use carry::NotCarried;
pub use children::spawn;
pub use cpu_profile::{CpuProfile, processor_time};
pub use embedded::{Awake, Embedded, Ending, Stopper};
pub use engine::{Machine, MachineOptions, Stress, TimerPayload};
pub use heap::release_code_later;
pub use held::Held;
pub use host::{Host, HostHandle};
pub use host_call::{Begun, CallFailure, CallPlan, Callee, HostCall, is_error};
pub use host_channel::{ChannelCall, ChannelOutcome, End, HeldChannel, Patience};
pub use host_function::{HostEntry, HostFunction};
pub use image::{Image, Linked};
pub use link::LinkError;
pub use native::{
    GoPanic, Native, NativeContext, NativeTable, Parking, ParkingOutcome, Signature, Slots,
};
pub use panics::trace_of_native;
pub use scope::{ScopeLimit, ScopeLimits, ScopeReport};
pub use trace::Place;
pub use traceback::{Failure, TracebackLevel};
pub use visit::NotVisited;
pub use vm::{DEFAULT_MAX_STACK, Exit, Limit, Quitter, Vm, VmOptions};
