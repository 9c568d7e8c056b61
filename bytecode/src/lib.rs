//! The instruction set and the program format: what compiler and virtual machine agree on.
//!
//! - [`instruction_set`]: the table of instructions; [`operand`]: how operands are packed, printed and verified.
//! - [`program`], [`types`]: functions, type descriptors, globals, natives wanted.
//! - [`assembler`]: code with labels, patched at the end; fused jumps that do not reach become an inverted jump and a far one.
//! - [`disassemble`]: listings; [`verify`]: registers in the frame, jumps on instructions, ids in their tables. The
//!   interpreter reads registers and code unchecked: the verifier is its argument.
//! - [`image`]: a program as bytes, [`image::to_bytes`] and [`image::from_bytes`]: what `golite build` appends to an executable and
//!   what an embedder may keep. Files of another golite, cut files and damaged ones are refused; [`tables`] checks what
//!   the verifier takes for granted of the tables that code refers to.
//!
//! Does not know: syntax, checker types, values, the heap.
#![forbid(unsafe_code)]

pub mod assembler;
pub mod disassemble;
pub mod image;
pub mod instruction_set;
pub mod operand;
pub mod program;
pub mod reference;
mod stored;
pub mod tables;
pub mod types;
pub mod verify;

pub use assembler::{Assembler, Label};
pub use instruction_set::{Instruction, Opcode, op};
pub use operand::*;
pub use program::*;
pub use types::*;
