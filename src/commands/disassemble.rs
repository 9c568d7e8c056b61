//! `golite disassemble`: the bytecode of a program.

use super::{ERROR_LIMIT, input_of, load_and_check, print, report};
use golite::pipeline;
use std::process::ExitCode;

/// Prints the bytecode of the program in `file`.
pub fn disassemble(file: &str) -> ExitCode {
    let mut checked = match load_and_check(&input_of(file), &pipeline::program_options()) {
        Ok(checked) => checked,
        Err(failure) => return failure,
    };
    match pipeline::compile(&mut checked) {
        Ok(program) => print(&bytecode::disassemble::program(&program)),
        Err(_) => {
            report(&checked.sources, &checked.diagnostics, Some(ERROR_LIMIT));
            ExitCode::FAILURE
        }
    }
}
