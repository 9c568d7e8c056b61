//! golite inside Rust programs.
//!
//! ```
//! use golite::Golite;
//!
//! let golite = Golite::builder()
//!     .func("shop", "Price", |item: &str| -> Result<f64, String> {
//!         match item {
//!             "tea" => Ok(2.5),
//!             other => Err(format!("no {other} today")),
//!         }
//!     })
//!     .build()?;
//! let program = golite.compile(
//!     r#"
//!     package main
//!
//!     import "shop"
//!
//!     func Total(item string, count int) (float64, error) {
//!         price, err := shop.Price(item)
//!         return price * float64(count), err
//!     }
//!     "#,
//! )?;
//! let vm = program.start()?;
//! let total = vm.func::<(String, i64), Result<f64, golite::ScriptError>>("Total")?;
//! assert_eq!(total.call(("tea".into(), 3))?, Ok(7.5));
//! assert_eq!(total.call(("gin".into(), 1))?.unwrap_err().message, "no gin today");
//! # Ok::<(), golite::Error>(())
//! ```
//!
//! - A [`Golite`] knows the host's functions. It is made once.
//! - A [`Program`] is a text that was compiled. It is immutable; any number of VMs run it.
//! - A [`Vm`] is a running program: its variables, its heap, its goroutines. Starting one initialises the program's packages; [`Vm::run`] calls its
//!   `main`, [`Vm::func`] finds any function. Goroutines go on between calls, until the last handle of the VM is dropped.
//! - Values are converted as [`vm::convert`] says. Types are compared once, when a function is asked for; a [`Func`] is then called without looks at
//!   types.
//!
//! - A [`Value`] is a value of the script that the host holds, whatever its type; a [`Func`] may be a closure of the script; [`Sender`] and [`Receiver`] are
//!   the ends of a Go channel ([`Vm::chan`]); [`Serde`] converts by serde.
//!
//! All of these are `Send` and `Sync`, none has a lifetime, and nothing is global. Whatever goes wrong is an [`Error`] value.
//!
//! **Threads.** A call runs on the thread that makes it, as long as it does not wait. Goroutines that are started run in parallel, as Go's do, on
//! threads that all VMs of the process share, as they share the system monitor and the poller. A VM in which nobody can run has no thread. One
//! [on its callers' threads](VmBuilder::on_callers_thread) never has.
//!
//! **Memory.** Code, types and constants of a program are linked once, when its first VM is made. A VM has variables, a heap and the scheduler's state for
//! itself: it is made in microseconds and at rest takes some tens of kilobytes.
//!
//! **Errors.** A panic in a call that nobody recovers is the call's error, with the goroutine's trace; the VM can be called again. A panic in any
//! other goroutine, a fatal error, `os.Exit`, a limit and [`Vm::interrupt`] end the VM: every call, now and later, gets the error that says so.
//!
//! **Deadlines.** That of a VM ends it, since nobody knows what its goroutines were in the midst of, and another is made quickly. That of one call
//! ([`Func::call_within`]) ends the call's goroutine as `runtime.Goexit` does, and the VM only if that does not help.
//!
//! **Reload.** [`Vm::reload`] makes a new VM and carries the values of package variables into it, rather than to put new code into a running VM: goroutines and
//! closures of the old code would go on beside the new, with other ideas of what the variables mean.
//!
//! **What the host holds** is a root of the collector until it is dropped, on any thread, also after the VM. It does not keep the VM: what a script
//! gives to a host function that keeps it for ever would else live as long as the host. Used with another VM it is an error. Whoever
//! looks at a value does so as a goroutine would, for a moment; a host function that runs where it is called is lent the VM for that.
//!
//! **Channels** are Go's own, with the host's operations as goroutines that run no code: so a `select` sees no difference, nothing is copied
//! between two queues, and deadlock detection counts the ends that the host has and does not wait at.

#![deny(missing_docs)]

mod builder;
mod channel;
mod error;
mod function;
mod output;
mod program;
mod seal;
mod serde;
mod value;
mod visit;
mod vm;
mod watch;

pub use ::vm::convert::{
    Argument, AsyncHostFn, BlockingHostFn, CallArguments, CallResults, Declarations, FromGo,
    GoType, HostFn, IntoGo, Mismatch, ScriptError, Target, Unconvertible,
};
pub use ::vm::{Bytes, NativeContext, View};
pub use builder::{Builder, Export, Golite};
pub use channel::{Element, Receiver, RecvError, SendError, Sender};
pub use error::{CompileError, Error, Limit, Panic, Problem};
pub use function::Func;
pub use golite_macros::{GoType, export};
pub use output::Output;
pub use program::Program;
pub use serde::{Serde, from_value};
pub use value::{Kind, Value};
pub use vm::{Interrupter, Reloaded, StartedAnew, Vm, VmBuilder};

/// What derived code names.
#[doc(hidden)]
pub mod __private {
    pub use super::builder::{ConstantValue, Described, comment};
    pub use ::vm::GoPanic;
    pub use ::vm::convert::FieldPlan;
    pub use ::vm::types::RuntimeType;
}
