//! What a wrong program looks like on a terminal: excerpt, label, help.
//!
//! The programs are those of `tests/check/wrong/`. Their messages are Go's (`tests/golden.rs` compares them); the hints are golite's
//! own. Those of `tests/wrong_scripts/` are scripts, which Go does not know. Expectations, `NAME.shown`, are written by golite: `GOLITE_BLESS_SHOWN=1 cargo test --test shown`, then read the difference.

use diagnostics::Format;
use std::fmt::Write as _;
use std::path::Path;

#[test]
fn wrong_programs_are_shown_with_hints() {
    let errors = are_shown("tests/check/wrong");
    assert!(errors.len() >= 120);
}

/// What is wrong with a script is said once: each has one mistake, from which at most one more error follows.
#[test]
fn wrong_scripts_are_shown_with_hints() {
    let errors = are_shown("tests/wrong_scripts");
    assert!(errors.len() >= 150);
    for (script, errors) in errors {
        assert!((1..=2).contains(&errors), "{script}: {errors} errors");
    }
}

/// Compares, or writes, what a terminal shows of the programs in a folder; gives their names and the number of errors.
fn are_shown(folder: &str) -> Vec<(String, usize)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut errors = Vec::new();
    let bless = std::env::var_os("GOLITE_BLESS_SHOWN").is_some();
    let mut scripts: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "gl"))
        .collect();
    scripts.sort();
    let mut differences = String::new();
    for script in scripts {
        let name = script
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read_to_string(&script).expect("a script");
        let input = golite::loader::Input::Text {
            name: name.clone(),
            text: text.into_bytes(),
        };
        let checked = golite::pipeline::check(&input, None, &golite::pipeline::program_options());
        let shown = diagnostics::render(
            &checked.sources,
            &checked.diagnostics,
            Format::Excerpt { color: false },
            Some(10),
        );
        errors.push((name, checked.diagnostics.error_count()));
        let path = script.with_extension("shown");
        if bless {
            std::fs::write(&path, &shown).expect("the expectation is written");
            continue;
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        if shown != expected {
            let _ = writeln!(
                differences,
                "{}:\n--- expected\n{expected}--- shown\n{shown}",
                path.display()
            );
        }
    }
    assert!(differences.is_empty(), "{differences}");
    errors
}
