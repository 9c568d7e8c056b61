//! `golite disassemble`: the bytecode of a program.

use super::{ERROR_LIMIT, input_of, load_and_check, print, report};
use crate::arguments::Settings;
use golite::pipeline;
use std::process::ExitCode;

/// Prints the bytecode of a program.
pub fn disassemble(program: &str, settings: Settings) -> ExitCode {
    let options = pipeline::program_options();
    let mut checked = match load_and_check(&input_of(program), options, settings) {
        Ok(checked) => checked,
        Err(failure) => return failure,
    };
    let program = pipeline::compile(&mut checked).ok();
    report(&checked, settings, Some(ERROR_LIMIT));
    match program {
        Some(program) => print(&bytecode::disassemble::program(&program)),
        None => ExitCode::FAILURE,
    }
}
