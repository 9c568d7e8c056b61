//! Syntax tree to typed program: go/types' design, cut and names.
//!
//! [`check_program`] takes the parsed files of the main package, loads what they import through an [`Importer`], checks everything
//! and returns a [`TypedProgram`] with the errors found. It never fails: what is wrong becomes a diagnostic, and
//! checking goes on. Messages and positions are those of Go 1.27's compiler (types2).
//!
//! # The way
//! 1. `importer.rs` loads and parses the imported packages, depth first, and finds import cycles.
//! 2. `resolver.rs` declares the objects of every package, without looking at types; `script.rs` those of a script.
//! 3. For each user package, `declarations.rs` makes the types of all its objects known, `statements.rs` checks the bodies.
//!    Objects of standard packages are declared when they are first mentioned.
//! 4. `reachability.rs` checks the bodies of standard packages that are reached, until nothing new is.
//! 5. `init_order.rs` orders the initialisation of package variables.
//!
//! `session.rs` checks a program that grows, unit by unit, for who types one.
//!
//! # Decisions
//! * Types are interned. Identical types have one *canonical* id; other ids keep the spelling for messages (`types.rs`).
//! * Untyped expressions are recorded like others and updated when they get their type; there is no table of pending ones.
//! * A package variable of a standard package whose initial value nothing reaches is not initialised, and its
//!   unused imports are not reported. User packages are checked whole.
//! * Branch errors (labels, misplaced `break`) are reported beside type errors; Go reports them with the syntax errors and then stops.
//! * A constraint literal that embeds the interface whose declaration it stands in waits for it (`checker::Unfinished`). One with another
//!   interface literal in it that does is looked at a second time, when that declaration has come to its end.
//! * Members of types that have many are found by name (`lookup.rs`), aliases know what they stand for in the end (`types.rs`), the order of
//!   initialisation takes time by the number of dependencies (`init_order.rs`): `cargo xtask checkspeed` shows what grows faster than the text.
//! * An instance remembers where it was first written: messages about cycles name it there.
//!
//! # Type parameters, for the compiler
//! * A generic body is checked once; the types recorded for it mention `Type::TypeParameter`s. To compile it for a list of type arguments,
//!   pair `Function::receiver_parameters` and `Function::type_parameters` with them and ask [`types::Types::substitute`] for every type read. It, and
//!   everything else that makes types, works through `&Types`; the results are canonical if the arguments are.
//! * [`typed::TypedProgram::instances`] has the type arguments of every use of a generic function, by its identifier; to be substituted as well
//!   where that use stands in a generic body. Callees and function values have their instantiated types recorded.
//! * A selected method of an instance: `Selection::owner` is the instance, and its [`types::Types::type_arguments`] stand for the method's
//!   `receiver_parameters`. If `Selection::receiver` is, or mentions, a type parameter, look the name up again on the substituted type with
//!   [`typed::TypedProgram::lookup_field_or_method`]: what is recorded for a type parameter is the method of its constraint's interface.
//! * Untyped constants that got a type parameter for their type are recorded with it and their exact value; operators, conversions, `range`, `len`
//!   and so on are decided by the substituted type. An operation whose operands have a type parameter's type is never constant.
//! * A type declared in a generic function (`Named::ambient`) becomes an instance of itself by substitution: distinct for distinct arguments.
//! * Instantiation that would not end is an error (`monomorph.rs`), so a work list of instances comes to its end.
//!
//! INVARIANT: an operand with `Mode::None`, and a type that is `TypeId::INVALID`, stand for an error that has been reported.
//! Nothing further is said of them.
//!
//! INVARIANT: no panic and no overflow of the stack for any syntax tree; recursion goes through `checker::with_stack`.
//!
//! What this crate does not know: files and folders (it asks the importer), bytecode, the standard library's contents.
#![forbid(unsafe_code)]

mod assignability;
mod assignments;
mod binary;
mod builtins;
mod calls;
mod captures;
mod checker;
pub mod constants;
mod conversions;
mod declarations;
pub mod embed;
mod expression_strings;
mod expressions;
mod function_instances;
pub mod generics;
mod hints;
pub mod importer;
mod index;
mod infer;
mod init_order;
mod labels;
mod literals;
pub mod lookup;
mod mends;
mod monomorph;
mod operand;
mod package;
mod predicates;
mod reachability;
mod resolver;
mod returns;
mod scope;
mod script;
pub mod session;
mod sizes;
mod statements;
mod table;
mod type_expressions;
mod type_names;
mod type_parameters;
mod type_sets;
pub mod typed;
pub mod types;
mod unify;
pub mod universe;
mod versions;

pub use constants::Constant;
pub use embed::Embedded;
pub use importer::{Importer, NoImports, PackageSource, SourceText, UserPackage};
pub use package::{Options, check_packages, check_program, is_predeclared, predeclared};
pub use typed::TypedProgram;
pub use versions::{LanguageVersion, LanguageVersions};
