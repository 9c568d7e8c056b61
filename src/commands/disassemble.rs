//! `golite disassemble`: the bytecode of a program.

use super::{ERROR_LIMIT, print, read_and_check, report};
use golite::pipeline;
use std::process::ExitCode;

/// Prints the bytecode of the program in `file`.
pub fn disassemble(file: &str) -> ExitCode {
    let mut checked = match read_and_check(file, &pipeline::program_options()) {
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
