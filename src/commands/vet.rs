//! `golite vet`: what compiles and is likely a mistake.

use super::{input_of, module_cache, report, report_diagnostics};
use crate::arguments::Settings;
use checker::Options;
use diagnostics::Diagnostics;
use golite::loader::tests::{self, TestInput};
use golite::loader::{self, Input};
use golite::pipeline::{self, Checked};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use vet::Rule;

/// Looks at each program or package by itself.
pub fn vet(programs: &[String], rules: &[Rule], settings: Settings) -> ExitCode {
    let mut status = ExitCode::SUCCESS;
    for program in programs {
        let names = match program.strip_suffix("...") {
            Some(folder) => below(Path::new(if folder.is_empty() { "." } else { folder })),
            None => vec![program.clone()],
        };
        for name in names {
            let input = match input_of(&name) {
                Ok(input) => input,
                Err(error) => {
                    eprintln!("golite: {error}");
                    status = ExitCode::FAILURE;
                    continue;
                }
            };
            if !package(&input, rules, settings) {
                status = ExitCode::FAILURE;
            }
        }
    }
    status
}

/// Is nothing found?
fn package(input: &Input, rules: &[Rule], settings: Settings) -> bool {
    let options = Options {
        reachable_bodies: false,
        is_program: false,
        relaxed: settings.relaxed,
        ..Options::default()
    };
    let with_tests = with_tests(input);
    let input = with_tests.as_ref().unwrap_or(input);
    let checked = pipeline::check_whole(input, module_cache().as_deref(), &options);
    for failure in &checked.failures {
        eprintln!("golite: {failure}");
    }
    report(&checked, settings, None);
    if !checked.failures.is_empty() || checked.diagnostics.has_errors() {
        return false;
    }
    let found = findings(&checked, rules);
    report_diagnostics(&checked.sources, &found, settings, None);
    found.is_empty()
}

/// A package with its test files, as `go vet` looks at it.
fn with_tests(input: &Input) -> Option<Input> {
    let Input::Folder(folder) = input else {
        return None;
    };
    let folder = PathBuf::from(folder).canonicalize().ok()?;
    tests::has_tests(&folder)
        .is_ok_and(|has_tests| has_tests)
        .then(|| {
            Input::Tests(TestInput {
                folder,
                ..TestInput::default()
            })
        })
}

/// What rules find in a checked program.
pub fn findings(checked: &Checked, rules: &[Rule]) -> Diagnostics {
    match &checked.typed {
        Some(typed) => vet::vet(typed, &checked.ast, &checked.names, &checked.sources, rules),
        None => Diagnostics::new(),
    }
}

/// The packages in a folder and below. GO: cmd/go/internal/modload: not in hidden folders, not in `testdata` and `vendor`.
pub(super) fn below(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut work = vec![root.to_owned()];
    while let Some(folder) = work.pop() {
        if loader::has_sources(&folder) {
            found.push(folder.display().to_string());
        }
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> = entries
            .map(|entry| entry.path())
            .filter(|path| path.is_dir() && !path.is_symlink())
            .filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                !name.starts_with(['.', '_']) && name != "testdata" && name != "vendor"
            })
            .collect();
        folders.sort();
        work.extend(folders.into_iter().rev());
    }
    found
}
