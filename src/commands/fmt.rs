//! `golite fmt`: sources in the form that gofmt gives them.

use super::{difference, report_diagnostics};
use crate::arguments::Settings;
use diagnostics::{Diagnostics, SourceMap};
use format::Options;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the flags ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// Name what is not formatted, change nothing.
    pub check: bool,
    /// Show what would change, change nothing.
    pub diff: bool,
    /// Leave out what means nothing.
    pub simplify: bool,
}

/// The name of what standard input holds.
const STANDARD_INPUT: &str = "<standard input>";

/// What became of a file.
enum Outcome {
    Same,
    Changed { old: String, new: String },
    Wrong(SourceMap, Diagnostics),
    Failed(String),
}

/// Formats files, the files of folders, or standard input.
///
/// The exit status is 1 if something is wrong, or if `--check` or `--diff` found what is not formatted.
pub fn fmt(names: &[String], mode: Mode, settings: Settings) -> ExitCode {
    if names.is_empty() {
        return standard_input(mode, settings);
    }
    let mut failed = false;
    let mut files = Vec::new();
    for name in names {
        if name == "-" {
            failed |= standard_input(mode, settings) != ExitCode::SUCCESS;
        } else if let Err(error) = collect(Path::new(name), &mut files) {
            eprintln!("golite: {name}: {error}");
            failed = true;
        }
    }
    let outcomes = in_parallel(&files, |file| match fs::read(file) {
        Ok(bytes) => outcome(&file.display().to_string(), bytes, mode, false),
        Err(error) => Outcome::Failed(format!("{}: {error}", file.display())),
    });
    for (file, outcome) in files.iter().zip(outcomes) {
        let name = file.display().to_string();
        failed |= match outcome {
            Some(Outcome::Changed { old, new }) if !mode.check && !mode.diff => {
                match write(file, &old, &new) {
                    Ok(()) => {
                        super::print(&format!("{name}\n"));
                        false
                    }
                    Err(error) => {
                        eprintln!("golite: {name}: {error}");
                        true
                    }
                }
            }
            Some(outcome) => show(&name, outcome, mode, settings),
            None => true,
        };
    }
    status(failed)
}

fn status(failed: bool) -> ExitCode {
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Says what is wrong or different; gives whether something is.
fn show(name: &str, outcome: Outcome, mode: Mode, settings: Settings) -> bool {
    match outcome {
        Outcome::Same => false,
        Outcome::Changed { old, new } => {
            if mode.check {
                super::print(&format!("{name}\n"));
            }
            if mode.diff {
                let before = format!("{name}.orig");
                super::print(&difference::unified(&before, &old, name, &new));
            }
            true
        }
        Outcome::Wrong(sources, diagnostics) => {
            report_diagnostics(&sources, &diagnostics, settings, None);
            true
        }
        Outcome::Failed(message) => {
            eprintln!("golite: {message}");
            true
        }
    }
}

/// Formats standard input to standard output.
fn standard_input(mode: Mode, settings: Settings) -> ExitCode {
    let mut bytes = Vec::new();
    if let Err(error) = io::stdin().lock().read_to_end(&mut bytes) {
        eprintln!("golite: {STANDARD_INPUT}: {error}");
        return ExitCode::FAILURE;
    }
    let original = bytes.clone();
    let outcome = outcome(STANDARD_INPUT, bytes, mode, true);
    if mode.check || mode.diff {
        return status(show(STANDARD_INPUT, outcome, mode, settings));
    }
    let text = match outcome {
        Outcome::Same => original,
        Outcome::Changed { new, .. } => new.into_bytes(),
        wrong => return status(show(STANDARD_INPUT, wrong, mode, settings)),
    };
    let _ = io::stdout().write_all(&text);
    ExitCode::SUCCESS
}

fn outcome(name: &str, bytes: Vec<u8>, mode: Mode, fragment: bool) -> Outcome {
    let old = match golite::loader::decoded(name, bytes) {
        Ok(text) => text,
        Err(message) => return Outcome::Failed(message),
    };
    let mut sources = SourceMap::new();
    let Ok(file) = sources.add(name, old.clone()) else {
        return Outcome::Failed(format!("{name}: the file is too large"));
    };
    let options = Options {
        simplify: mode.simplify,
        fragment,
    };
    match format::format(&old, file, options) {
        Ok(new) if new == old => Outcome::Same,
        Ok(new) => Outcome::Changed { old, new },
        Err(diagnostics) => Outcome::Wrong(sources, diagnostics),
    }
}

/// Does something with each file, on as many threads as there are processors; gives the results in the order of the files.
fn in_parallel<R: Send>(files: &[PathBuf], work: impl Fn(&Path) -> R + Sync) -> Vec<Option<R>> {
    let results: Vec<Mutex<Option<R>>> = files.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(files.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(index) else {
                        return;
                    };
                    let result = work(file);
                    if let Ok(mut place) = results[index].lock() {
                        *place = Some(result);
                    }
                }
            });
        }
    });
    results
        .into_iter()
        .map(|result| result.into_inner().unwrap_or(None))
        .collect()
}

/// A file, or the sources below a folder, those with a dot before their name left out.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut folders = vec![path.to_owned()];
    let first = files.len();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let path = path.strip_prefix("./").map_or(path.clone(), Path::to_owned);
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            let is_source = path
                .extension()
                .is_some_and(|extension| extension == "go" || extension == "gl");
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && is_source {
                files.push(path);
            }
        }
    }
    files[first..].sort();
    Ok(())
}

/// Writes a file in place, so that its owner, mode and links stay. Until that is done its old text stands beside it.
fn write(file: &Path, old: &str, new: &str) -> io::Result<()> {
    let mut backup = file.as_os_str().to_owned();
    backup.push(format!(".{}.orig", std::process::id()));
    let backup = PathBuf::from(backup);
    fs::write(&backup, old)?;
    fs::write(file, new).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("{error}; its text is in {}", backup.display()),
        )
    })?;
    fs::remove_file(&backup)
}
