//! The reference page of the instructions (`docs/instructions.md`), from the table.

use crate::instruction_set::Opcode;
use std::fmt::Write;

/// The whole page, in Markdown.
pub fn markdown() -> String {
    let mut out = String::from(
        "# Instructions\n\nGenerated from `bytecode/src/instruction_set.rs` by `cargo xtask docs`; do not edit.\n\n\
         An instruction is a row of 8-byte words; the first 16 bits are its opcode. `golite disassemble FILE` prints them.\n\n\
         | instruction | operands | words | what it does |\n| --- | --- | --- | --- |\n",
    );
    for opcode in Opcode::ALL {
        let operands: Vec<String> = opcode
            .operand_types()
            .iter()
            .map(|(name, ty)| format!("{name}: {ty}"))
            .collect();
        let text = opcode
            .documentation()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .replace('|', "\\|");
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} |",
            opcode.name(),
            operands.join(", "),
            opcode.words(),
            text
        );
    }
    out
}
