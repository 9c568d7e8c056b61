//! What the command does, a file each.

pub mod build;
mod cache;
pub mod check;
pub mod completions;
mod difference;
pub mod disassemble;
pub mod doc;
pub mod explain;
pub mod fmt;
pub mod lsp;
pub mod profile;
pub mod repl;
pub mod run;
pub mod schedules;
pub mod test;
pub mod trace;
pub mod vet;
pub mod watch;

use crate::arguments::{Settings, Style};
use checker::Options;
use diagnostics::{Diagnostics, Format, SourceMap, render};
use golite::loader::{Input, Sources};
use golite::packages::HostPackages;
use golite::pipeline::{self, Checked};
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// As many errors as `golite run` shows. GO: cmd/compile without `-e`.
const ERROR_LIMIT: usize = 10;

/// Prints a text to standard output; a reader that went away is no error.
pub fn print(text: &str) -> ExitCode {
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// Loads and checks the program of this name, as [`input_of`] takes it.
fn load_and_check_named(
    name: &str,
    options: Options,
    settings: Settings,
) -> Result<Checked, ExitCode> {
    match input_of(name) {
        Ok(input) => load_and_check(&input, options, settings),
        Err(error) => {
            eprintln!("golite: {error}");
            Err(ExitCode::FAILURE)
        }
    }
}

/// Loads and checks a program. What keeps it from being one is said on standard error.
fn load_and_check(
    input: &Input,
    mut options: Options,
    settings: Settings,
) -> Result<Checked, ExitCode> {
    options.relaxed = settings.relaxed;
    let host = match settings
        .stubs
        .map(|folder| HostPackages::read(Path::new(folder)))
    {
        None => None,
        Some(Ok(host)) => Some(host),
        Some(Err(error)) => {
            eprintln!("golite: {}: {error}", settings.stubs.unwrap_or_default());
            return Err(ExitCode::FAILURE);
        }
    };
    let cache = module_cache();
    let sources = Sources {
        module_cache: cache.as_deref(),
        host: host.as_ref(),
        ..Sources::default()
    };
    or_failure(pipeline::check_from(input, sources, &options))
}

/// Says on standard error what keeps a program from having a text to check.
fn or_failure(checked: Checked) -> Result<Checked, ExitCode> {
    for failure in &checked.failures {
        eprintln!("golite: {failure}");
    }
    if checked.failures.is_empty() {
        Ok(checked)
    } else {
        Err(ExitCode::FAILURE)
    }
}

/// A folder, the one file of a program, or with `-` what standard input holds.
fn input_of(name: &str) -> io::Result<Input> {
    if name == "-" {
        let mut text = Vec::new();
        io::stdin().lock().read_to_end(&mut text)?;
        let name = name.to_owned();
        return Ok(Input::Text { name, text });
    }
    Ok(if Path::new(name).is_dir() {
        Input::Folder(name.to_owned())
    } else {
        Input::Files(vec![name.to_owned()])
    })
}

/// Where an installed Go keeps the modules it has fetched. GO: `go env GOMODCACHE`.
fn module_cache() -> Option<PathBuf> {
    let variable = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    variable("GOMODCACHE")
        .or_else(|| variable("GOPATH").map(|path| path.join("pkg/mod")))
        .or_else(|| variable("HOME").map(|path| path.join("go/pkg/mod")))
}

/// Prints diagnostics to standard error: on a terminal with an excerpt of the source, else as Go does.
fn report(checked: &Checked, settings: Settings, limit: Option<usize>) {
    report_diagnostics(&checked.sources, &checked.diagnostics, settings, limit);
}

/// As [`report`], for who has no checked program.
fn report_diagnostics(
    sources: &SourceMap,
    diagnostics: &Diagnostics,
    settings: Settings,
    limit: Option<usize>,
) {
    if diagnostics.is_empty() {
        return;
    }
    let terminal = io::stderr().is_terminal();
    let no_color = || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let color = settings.color.unwrap_or_else(|| terminal && !no_color());
    let format = match settings.format {
        Some(Style::Short) => Format::OneLine,
        Some(Style::Json) => Format::Json,
        Some(Style::Full) => Format::Excerpt { color },
        None if terminal => Format::Excerpt { color },
        None => Format::OneLine,
    };
    let text = render(sources, diagnostics, format, limit);
    let _ = io::stderr().write_all(text.as_bytes());
}
