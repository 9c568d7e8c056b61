//! What the command does, a file each.

pub mod check;
pub mod disassemble;
pub mod run;

use checker::Options;
use diagnostics::{Diagnostics, Format, SourceMap, render};
use golite::pipeline::{self, Checked};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// As many errors as `golite run` shows. GO: cmd/compile without `-e`.
const ERROR_LIMIT: usize = 10;

/// Prints a text to standard output; a reader that went away is no error.
pub fn print(text: &str) -> ExitCode {
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// Reads and checks a program. What cannot be read is said on standard error.
fn read_and_check(file: &str, options: &Options) -> Result<Checked, ExitCode> {
    let fail = |reason: &dyn std::fmt::Display| {
        eprintln!("golite: {file}: {reason}");
        Err(ExitCode::FAILURE)
    };
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            let hint = match error.kind() {
                std::io::ErrorKind::NotFound => "no such file",
                std::io::ErrorKind::IsADirectory => "is a folder; give the file with func main",
                std::io::ErrorKind::PermissionDenied => "permission denied",
                _ => return fail(&error),
            };
            return fail(&hint);
        }
    };
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let (line, column) = place(error.as_bytes(), error.utf8_error().valid_up_to());
            eprintln!("{file}:{line}:{column}: invalid UTF-8 encoding");
            return Err(ExitCode::FAILURE);
        }
    };
    pipeline::check(file, text, options).or_else(|_| fail(&"too long"))
}

/// Line and column (in bytes), from 1.
fn place(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = &bytes[..offset];
    let line_start = before
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |at| at + 1);
    (
        before.iter().filter(|&&byte| byte == b'\n').count() + 1,
        offset - line_start + 1,
    )
}

/// Prints diagnostics to standard error: on a terminal with an excerpt of the source, else as Go does.
fn report(sources: &SourceMap, diagnostics: &Diagnostics, limit: Option<usize>) {
    let terminal = std::io::stderr().is_terminal();
    let color = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let format = if terminal {
        Format::Excerpt { color }
    } else {
        Format::OneLine
    };
    let _ = std::io::stderr().write_all(render(sources, diagnostics, format, limit).as_bytes());
}
