//! The formatter against what gofmt made of the inputs in `tests/format` (`cargo xtask gofmt --go GOROOT --bless`), and its limits.

use diagnostics::{Diagnostics, SourceMap};
use format::Options;
use std::fs;
use std::path::{Path, PathBuf};

fn formatted(text: &str, options: Options) -> Result<String, Diagnostics> {
    let mut sources = SourceMap::new();
    let file = sources.add("input", text).expect("it is small");
    format::format(text, file, options)
}

/// Every input below a folder of `tests/format`.
fn inputs(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/format")
        .join(folder);
    let mut inputs: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "input")
        })
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "there are inputs");
    inputs
}

fn compare(folder: &str, fragment: bool) {
    let mut wrong = String::new();
    for path in inputs(folder) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let read = |path: &Path| fs::read_to_string(path).expect("it is a text");
        let (input, wanted) = (read(&path), read(&path.with_extension("formatted")));
        let options = Options {
            simplify: name.starts_with("simplified"),
            fragment,
        };
        // What is formatted stays as it is, with the exceptions that gofmt makes.
        let again = path.with_extension("again");
        let again = if again.exists() {
            read(&again)
        } else {
            wanted.clone()
        };
        for (text, wanted) in [(&input, &wanted), (&wanted, &again)] {
            match formatted(text, options) {
                Ok(got) if got == *wanted => {}
                Ok(got) => wrong += &format!("{name}: got\n{got}\nwanted\n{wanted}\n"),
                Err(errors) => wrong += &format!("{name}: {errors:?}\n"),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn files_are_as_gofmt_has_them() {
    compare("", false);
}

#[test]
fn fragments_are_as_gofmt_has_them() {
    compare("fragments", true);
}

#[test]
fn scripts_have_a_form() {
    compare("scripts", false);
}

#[test]
fn what_is_wrong_is_reported() {
    let errors = formatted("package p\nfunc f( {\n}\n", Options::default());
    let errors = errors.expect_err("that is no Go");
    let first = errors.iter().next().expect("there is one");
    assert!(first.message.starts_with("syntax error"), "{first:?}");
}

#[test]
fn depth_needs_no_stack() {
    const DEPTH: usize = 2_000;
    for (open, middle, close) in [
        ("(x + ", "x", ")"),
        ("{\n", "", "\n}"),
        ("if x {\n", "", "\n}"),
        ("f(", "", ")"),
        ("T{", "", "}"),
        ("x + ", "x", ""),
        ("func() {\n", "", "\n}()"),
        ("-(", "1", ")"),
        ("[]", "int{}", ""),
        ("L:\n", "x()", ""),
        ("x[", "0", "]"),
    ] {
        let deep = format!("{}{middle}{}", open.repeat(DEPTH), close.repeat(DEPTH));
        let assigned = if open.ends_with('\n') { "" } else { "x = " };
        let text = format!("package p\n\nfunc f() {{\n\t{assigned}{deep}\n}}\n");
        let work = move || formatted(&text, Options::default()).map(|text| text.len());
        let thread = std::thread::Builder::new()
            .stack_size(512 << 10)
            .spawn(work)
            .expect("a thread");
        let len = thread.join().expect("no panic");
        assert!(len.is_ok_and(|len| len > DEPTH), "{open:?}");
    }
}
