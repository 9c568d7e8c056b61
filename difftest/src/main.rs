//! Generates programs, runs them through golite and through a real Go, and compares what they do.
//!
//! ```console
//! $ cargo run -p difftest -- --go /usr/local/go/bin/go --golite target/release/golite --from 1 --files 100
//! ```
//!
//! 1. A seed gives one file (`generate`): many functions that terminate, print what they compute, and depend on nothing that Go
//!    leaves open. Each runs behind a `recover`, so that a panic ends one function and its text is compared too.
//! 2. The file is built with Go and run; golite runs the same text.
//! 3. Output, exit status and the head of standard error must agree. A difference is reported with the seed, the
//!    function in which it shows first, and the file, which is kept.
//!
//! A difference found becomes a script of its own in `tests/run` before it is mended.

mod concurrency;
mod constants;
mod evaluation;
mod expressions;
mod forms;
mod generate;
mod generics;
mod library;
mod prelude;
mod random;
mod statements;
mod structures;
mod types;
mod unwinding;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

const USAGE: &str = "usage: difftest [--go PATH] [--golite PATH] [--from SEED] [--files N] [--functions N] [--keep FOLDER] [--print]";

struct Settings {
    go: PathBuf,
    golite: PathBuf,
    from: u64,
    files: u64,
    functions: usize,
    keep: PathBuf,
    print: bool,
}

fn settings() -> Option<Settings> {
    let mut settings = Settings {
        go: "go".into(),
        golite: "target/debug/golite".into(),
        from: 1,
        files: 10,
        functions: 50,
        keep: "target/difftest".into(),
        print: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--print" {
            settings.print = true;
            continue;
        }
        let value = words.next()?;
        match word.as_str() {
            "--go" => settings.go = value.into(),
            "--golite" => settings.golite = value.into(),
            "--from" => settings.from = value.parse().ok()?,
            "--files" => settings.files = value.parse().ok()?,
            "--functions" => settings.functions = value.parse().ok()?,
            "--keep" => settings.keep = value.into(),
            _ => return None,
        }
    }
    Some(settings)
}

fn main() -> ExitCode {
    let Some(settings) = settings() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if settings.print {
        print!("{}", generate::file(settings.from, settings.functions));
        return ExitCode::SUCCESS;
    }
    match compare_all(&settings) {
        Ok(0) => {
            println!(
                "{} functions of seeds {} to {}: no difference",
                settings.files * settings.functions as u64,
                settings.from,
                settings.from + settings.files - 1
            );
            ExitCode::SUCCESS
        }
        Ok(differences) => {
            eprintln!("{differences} files differ");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("difftest: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Compares every file; returns how many differ.
fn compare_all(settings: &Settings) -> std::io::Result<usize> {
    std::fs::create_dir_all(&settings.keep)?;
    let mut differences = 0;
    for seed in settings.from..settings.from + settings.files {
        let script = settings.keep.join(format!("seed{seed}.go"));
        std::fs::write(&script, generate::file(seed, settings.functions))?;
        let program = settings.keep.join(format!("seed{seed}.out"));
        let built = Command::new(&settings.go)
            .arg("build")
            .arg("-o")
            .arg(&program)
            .arg(&script)
            .output()?;
        let difference = if built.status.success() {
            let expected = Command::new(&program).output()?;
            let actual = Command::new(&settings.golite)
                .arg("run")
                .arg(&script)
                .output()?;
            std::fs::remove_file(&program)?;
            difference(&expected, &actual)
        } else {
            // The generator is wrong, or Go is.
            Some(format!(
                "Go rejects the program:\n{}",
                String::from_utf8_lossy(&built.stderr)
            ))
        };
        match difference {
            None => std::fs::remove_file(&script)?,
            Some(text) => {
                differences += 1;
                report(seed, &script, &text);
            }
        }
    }
    Ok(differences)
}

fn report(seed: u64, script: &Path, text: &str) {
    println!("seed {seed}: {}\n{text}", script.display());
}

fn difference(expected: &Output, actual: &Output) -> Option<String> {
    let lines = |bytes: &[u8]| -> Vec<String> {
        String::from_utf8_lossy(bytes)
            .lines()
            .map(str::to_owned)
            .collect()
    };
    let (wanted, found) = (lines(&expected.stdout), lines(&actual.stdout));
    let same = wanted
        .iter()
        .zip(&found)
        .take_while(|(a, b)| a == b || panics_of_one_statement(a, b))
        .count();
    if same < wanted.len().max(found.len()) {
        let function = wanted[..same]
            .iter()
            .rev()
            .find(|line| line.starts_with("== "))
            .map_or("", String::as_str);
        let line = |lines: &[String]| lines.get(same).cloned().unwrap_or_default();
        return Some(format!(
            "  line {} after {function}\n  - {}\n  + {}\n{}",
            same + 1,
            line(&wanted),
            line(&found),
            excerpt(&actual.stderr)
        ));
    }
    if expected.status.code() != actual.status.code() {
        return Some(format!(
            "  exit status {:?}, expected {:?}\n{}",
            actual.status.code(),
            expected.status.code(),
            excerpt(&actual.stderr)
        ));
    }
    let (wanted, found) = (head(&expected.stderr), head(&actual.stderr));
    if wanted != found {
        return Some(format!("  standard error\n  - {wanted:?}\n  + {found:?}\n"));
    }
    None
}

/// Standard error up to the first empty line: what a panic says, without the trace. The addresses of a signal are left out.
fn head(bytes: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(bytes)
        .lines()
        .take_while(|line| !line.is_empty())
        .map(
            |line| match (line.split_once(" code="), line.split_once(") 0x")) {
                (Some((signal, _)), _) => signal.to_owned(),
                // A value that a panic cannot print.
                (_, Some((before, after))) => {
                    let after = after.trim_start_matches(|c: char| c.is_ascii_hexdigit());
                    format!("{before}) ADDRESS{after}")
                }
                _ => line.to_owned(),
            },
        )
        .collect()
}

/// Whether both lines tell of a panic of the machine, and of different kinds. In which order the operations of a statement that
/// are no calls panic is left open.
fn panics_of_one_statement(a: &str, b: &str) -> bool {
    const KINDS: &[&str] = &[
        "runtime error: index out of range",
        "runtime error: slice bounds out of range",
        "runtime error: integer divide by zero",
        "runtime error: invalid memory address",
        "runtime error: negative shift amount",
        "interface conversion: ",
    ];
    let kind = |line: &str| {
        KINDS.iter().find_map(|kind| {
            line.split_once(kind)
                .map(|(before, _)| (before.to_owned(), *kind))
        })
    };
    match (kind(a), kind(b)) {
        (Some((before_a, kind_a)), Some((before_b, kind_b))) => {
            before_a == before_b && kind_a != kind_b
        }
        _ => false,
    }
}

fn excerpt(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .lines()
        .take(6)
        .flat_map(|line| ["  ", line, "\n"])
        .collect()
}
