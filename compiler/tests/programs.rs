//! Compiles programs: what is compiled passes the verifier, and small functions have the code that is wanted.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "gl") {
            out.push(path);
        }
    }
}

#[test]
fn every_program_of_the_repository_passes_the_verifier() {
    let mut programs = Vec::new();
    files(&support::root().join("tests/run"), &mut programs);
    files(&support::root().join("examples"), &mut programs);
    assert!(!programs.is_empty());
    let (mut compiled, mut failures) = (0, Vec::new());
    for path in programs {
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        // Whether a program is right is for other tests to say.
        let Ok(program) = support::compile(&path.display().to_string(), &text) else {
            continue;
        };
        compiled += 1;
        if let Err(error) = bytecode::verify::program(&program) {
            failures.push(format!("{}: {error}", path.display()));
        }
    }
    assert!(compiled > 0);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// `tests/listings/x.gl` has the code of `x.listing`; `BLESS=1 cargo test -p golite-compiler` writes them.
#[test]
fn small_functions_have_the_wanted_code() {
    let mut programs = Vec::new();
    files(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/listings"),
        &mut programs,
    );
    assert!(!programs.is_empty());
    let bless = std::env::var_os("BLESS").is_some();
    let mut failures = Vec::new();
    for path in programs {
        let text = fs::read_to_string(&path).expect("the file was just listed");
        let program = support::compile(&path.display().to_string(), &text)
            .expect("listings are right programs");
        bytecode::verify::program(&program).expect("compiled programs are verified");
        let listing = support::listing(&program);
        let golden = path.with_extension("listing");
        if bless {
            fs::write(&golden, listing).expect("the folder can be written");
        } else if fs::read_to_string(&golden).unwrap_or_default() != listing {
            failures.push(format!("{}:\n{listing}", path.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
