//! Listings, derived from the table.

use crate::instruction_set::Instruction;
use crate::operand::OperandValue;
use crate::program::{Function, Program};
use std::fmt::Write;

/// The listing of one function: a line per instruction, `offset  name  operands`.
pub fn function(program: &Program, function: &Function) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "func {}: {} slots, {} parameters, {} results",
        function.name,
        function.frame_size,
        function.parameters.len(),
        function.results.len()
    );
    let mut at = 0;
    while let Some(instruction) = function.code.get(at..).and_then(Instruction::decode) {
        let words = instruction.opcode().words();
        let _ = write!(out, "  {at:5}  {:<17} ", instruction.opcode().name());
        let mut first = true;
        instruction.each_operand(&mut |name, value| {
            if !first {
                out.push_str(", ");
            }
            first = false;
            operand(program, at + words, name, value, &mut out);
        });
        out.push('\n');
        at += words;
    }
    out
}

/// The listing of the whole program.
pub fn program(program: &Program) -> String {
    program
        .functions
        .iter()
        .map(|f| function(program, f))
        .collect::<Vec<_>>()
        .join("\n")
}

fn operand(program: &Program, next: usize, name: &str, value: OperandValue, out: &mut String) {
    let _ = match value {
        OperandValue::Registers { first, count: 2 } => {
            write!(out, "{name}=r{first}:{}", first.saturating_add(1))
        }
        OperandValue::Registers { first, count: 0 } => write!(out, "{name}=r{first}.."),
        OperandValue::Registers { first, .. } => write!(out, "{name}=r{first}"),
        OperandValue::NoRegister => write!(out, "{name}=-"),
        OperandValue::Window(base) => write!(out, "window={base}"),
        OperandValue::Number(n) => write!(out, "{name}={n}"),
        OperandValue::Jump(j) => write!(out, "{name}={}", next as i64 + j as i64),
        OperandValue::Function(id) => match program.functions.get(id as usize) {
            Some(f) => write!(out, "{}", f.name),
            None => write!(out, "function {id}"),
        },
        OperandValue::Native(id) => match program.natives.get(id as usize) {
            Some(n) => write!(out, "{}", n.name),
            None => write!(out, "native {id}"),
        },
        OperandValue::Type(id) => match program.types.get(id as usize) {
            Some(t) => write!(out, "{name}={}", t.name),
            None => write!(out, "{name}=type {id}"),
        },
        OperandValue::String(id) => match program.strings.get(id as usize) {
            Some(s) => {
                let text = String::from_utf8_lossy(s);
                let short: String = text.chars().take(40).collect();
                write!(
                    out,
                    "{name}={short:?}{}",
                    if short.len() < text.len() { "..." } else { "" }
                )
            }
            None => write!(out, "{name}=string {id}"),
        },
        OperandValue::Global(offset) => match program.globals.iter().find(|g| g.offset == offset) {
            Some(g) => write!(out, "{name}={}", g.name),
            None => write!(out, "{name}=globals+{offset}"),
        },
        OperandValue::Selector(id) => match program.selectors.get(id as usize) {
            Some(s) => write!(out, ".{}", s.name),
            None => write!(out, "selector {id}"),
        },
    };
}
