//! Typed program to bytecode.
