//! What a wrong program looks like on a terminal: excerpt, label, help.
//!
//! The programs are those of `tests/check/wrong/`. Their messages are Go's (`tests/golden.rs` compares them); the hints are golite's
//! own, so the expectations, `NAME.shown`, are written by golite: `GOLITE_BLESS_SHOWN=1 cargo test --test shown`, then read the difference.

use diagnostics::Format;
use std::fmt::Write as _;
use std::path::Path;

#[test]
fn wrong_programs_are_shown_with_hints() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check/wrong");
    let bless = std::env::var_os("GOLITE_BLESS_SHOWN").is_some();
    let mut scripts: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "gl"))
        .collect();
    scripts.sort();
    assert!(scripts.len() >= 60);
    let mut differences = String::new();
    for script in scripts {
        let name = script
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read_to_string(&script).expect("a script");
        let input = golite::loader::Input::Text {
            name,
            text: text.into_bytes(),
        };
        let checked = golite::pipeline::check(&input, None, &golite::pipeline::program_options());
        let shown = diagnostics::render(
            &checked.sources,
            &checked.diagnostics,
            Format::Excerpt { color: false },
            Some(10),
        );
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
}
