//! `golite disassemble`: the bytecode of a program.

use super::{ERROR_LIMIT, load_and_check_named, print, report};
use crate::arguments::Settings;
use golite::pipeline;
use std::process::ExitCode;

/// Prints the bytecode of a program.
pub fn disassemble(program: &str, settings: Settings) -> ExitCode {
    let options = pipeline::program_options();
    let mut checked = match load_and_check_named(program, options, settings) {
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
