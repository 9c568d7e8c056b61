//! `golite check`: all errors, nothing is run.

use super::{input_of, load_and_check, report};
use checker::Options;
use std::process::ExitCode;

/// Checks each file and each folder as a program of its own; a package that is not `main` need not have a `func main`.
pub fn check(files: &[String]) -> ExitCode {
    let mut status = ExitCode::SUCCESS;
    for file in files {
        let options = Options {
            reachable_bodies: false,
            is_program: false,
            ..Options::default()
        };
        let checked = match load_and_check(&input_of(file), &options) {
            Ok(checked) => checked,
            Err(failure) => {
                status = failure;
                continue;
            }
        };
        if !checked.diagnostics.is_empty() {
            report(&checked.sources, &checked.diagnostics, None);
            status = ExitCode::FAILURE;
        }
    }
    status
}
