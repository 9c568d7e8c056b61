//! `golite check`: all errors, nothing is run.

use super::{load_and_check_named, report};
use crate::arguments::Settings;
use checker::Options;
use std::process::ExitCode;

/// Checks each file, each folder and standard input (`-`) as a program of its own; a package that is not `main` need not have a `func main`.
pub fn check(programs: &[String], settings: Settings) -> ExitCode {
    let mut status = ExitCode::SUCCESS;
    for program in programs {
        let options = Options {
            reachable_bodies: false,
            is_program: false,
            ..Options::default()
        };
        let checked = match load_and_check_named(program, options, settings) {
            Ok(checked) => checked,
            Err(failure) => {
                status = failure;
                continue;
            }
        };
        report(&checked, settings, None);
        if checked.diagnostics.has_errors() {
            status = ExitCode::FAILURE;
        }
    }
    status
}
