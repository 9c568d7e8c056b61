//! Typed program to bytecode.
//!
//! One public function, [`compile`], with [`compile_for_host`] for a host that calls the program's functions by name, and for programs that grow a [`Session`], which compiles unit after unit. It takes a program without errors and cannot fail but for limits of the machine.
//!
//! **Flow.** `package` keeps the work list: the entry function is compiled, then whatever it names, then the methods that
//! interface methods in use may select. `function` compiles one function in one pass over its syntax; the code is
//! *destination-driven*: `into(expression, register)` computes an expression into a register, `operand(expression)` gives the
//! register where its value already is (a variable's own) or computes it into a temporary.
//!
//! - `instances`: generic functions, and the environments they are compiled in.
//! - `registers`: stack-like register allocation, and which reference slots are live where.
//! - `type_descriptors`: register and heap layout of types, run-time descriptors.
//! - `places`: what can be loaded, stored, and have its address taken.
//! - `expressions`, `operators`, `conversions`, `conditions`, `literals`, `constants`: values.
//! - `calls`, `inline`, `builtins`, `closures`, `wrappers`, `defers`: functions of all kinds.
//! - `statements`, `assignments`, `parallel`, `loops`, `range_functions`, `switch`, `select`: statements.
//! - `walk`: questions about syntax (does it call, does it assign, how large is it), without recursion.
//!
//! **Values.** A register value is *owned* when nobody else refers to its box (only boxed types, arrays and large structs, make a difference);
//! `into` gives owned values, `operand` may give *borrowed* ones: the box of a variable, or the address of a part of some
//! object. What stores, compares, or reads parts may borrow; what keeps takes owned.
//!
//! **Variables.** A variable lives in registers, unless its address is taken, or it is captured by a function literal and
//! assigned after its declaration: then in a heap cell. Captured variables that are never assigned are copied into the closure.
//! The parts of a boxed variable are assigned in its box, so to capture one that is assigned in part takes a cell too.
//!
//! **Order of evaluation** is that of Go's compiler: calls and receives in source order, before the loads and
//! operations of the same statement (`order`); assignments of several values are single ones in a row (`parallel`).
//!
//! Does not know: the heap, the interpreter, the scheduler.
#![forbid(unsafe_code)]

mod assignments;
mod builtins;
mod calls;
mod closures;
mod conditions;
mod constants;
mod conversions;
mod defers;
mod expressions;
mod function;
mod inline;
mod instances;
mod intrinsics;
mod literals;
mod loops;
mod operators;
mod order;
mod package;
mod parallel;
mod places;
mod range_functions;
mod reflection;
mod registers;
mod select;
mod session;
mod statements;
mod switch;
mod type_descriptors;
mod walk;
mod wrappers;

pub use package::{Options, TooLarge, compile, compile_as, compile_for_host};
pub use session::{Compiled, Session};
