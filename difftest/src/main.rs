//! Generates programs, runs them through golite and through a real Go, and compares what they do.
//!
//! ```console
//! $ cargo run -p difftest -- --go /usr/local/go/bin/go --golite target/release/golite --from 1 --files 50 --functions 400
//! ```
//!
//! 1. A seed gives one file (`generate`): many functions that terminate, print what they compute, and depend on nothing that Go
//!    leaves open. Each runs behind a `recover`, so that a panic ends one function and its text is compared too. The last thing
//!    a file does is often a panic that nobody recovers.
//! 2. The file is built with Go and run; golite runs the same text.
//! 3. Output, exit status and the head of standard error must agree. A difference is reported with the seed, the
//!    function in which it shows first, and the file, which is kept (`--keep`). `--print` shows the file of a seed.
//!
//! A difference found becomes a script of its own in `tests/run` before it is mended. When Go rejects a file, the generator is wrong.
//!
//! # What is generated
//!
//! | module | a function is about |
//! | --- | --- |
//! | `statements`, `expressions` over `types` | everything ordinary, in random nesting: integers of every width, strings, slices, maps, closures, loops with labels, ranges over functions, `return`, `goto`, `defer`, `recover`, switches, assertions |
//! | `structures` over `forms` | values of random types, however nested: copies, places inside them, conversions to interfaces, keys, comparisons, methods by value and by pointer, promotion |
//! | `generics` | arithmetic that wraps by instance, constraints with `~`, generic types with iterators, inference, type switches on parameters |
//! | `evaluation` | the order of calls in every position where the specification fixes it |
//! | `constants` | untyped arithmetic far beyond 64 bits, fractions, `iota`, shifts |
//! | `kernels` | loops over numbers in every kind of place; package variables initialised from each other |
//! | `library` | calls of the standard library, fmt's verbs with random flags |
//! | `unwinding` | panics, deferred calls and recovery in every nesting; how programs end |
//! | `concurrency` | goroutines, channels, select and package sync in patterns that have one outcome |
//!
//! # What is kept out
//!
//! What Go leaves open must not be printed: addresses (pointers inside printed values are nil), capacities after `append`, the order of
//! maps (fmt sorts, but not several NaN and not keys of different types), the order of variables and calls in one expression (operands
//! of `evaluation` are calls; elsewhere calls have no effects), conversions of floats that do not fit, products fused with sums. Two panics
//! of the machine in one statement may come in either order: lines that tell of different kinds count as equal. Two of one kind (`a[5] += b[6]`)
//! are reported all the same, as a wrong index would look alike: they are to be judged by eye.
//!
//! To have more generated: a new subject is a module, a variant of `generate::Subject` and its share in `SUBJECTS`; a new statement is an
//! arm in the `match` of its module. Seeds then mean other programs than before.

mod concurrency;
mod constants;
mod evaluation;
mod expressions;
mod forms;
mod generate;
mod generics;
mod kernels;
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

#[cfg(test)]
mod tests {
    use super::{difference, generate};
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{ExitStatus, Output};

    fn output(status: i32, stdout: &str, stderr: &str) -> Output {
        Output {
            status: ExitStatus::from_raw(status << 8),
            stdout: stdout.into(),
            stderr: stderr.into(),
        }
    }

    #[test]
    fn a_seed_means_one_program_and_another_seed_another() {
        let file = generate::file(7, 40);
        assert_eq!(file, generate::file(7, 40));
        assert_ne!(file, generate::file(8, 40));
        for number in 0..40 {
            assert!(file.contains(&format!("\nfunc f{number}(a int, s string)")));
            assert!(file.contains(&format!("run(\"f{number}\"")));
        }
    }

    #[test]
    fn brackets_are_balanced_whatever_the_seed() {
        for seed in 0..30 {
            let (mut depth, mut quote, mut escaped) = (0i64, None, false);
            for c in generate::file(seed, 30).chars() {
                match (quote, c) {
                    _ if escaped => escaped = false,
                    (Some('"' | '\''), '\\') => escaped = true,
                    (Some(open), c) if open == c => quote = None,
                    (Some(_), _) => {}
                    (None, '"' | '\'' | '`') => quote = Some(c),
                    (None, '{' | '(' | '[') => depth += 1,
                    (None, '}' | ')' | ']') => depth -= 1,
                    _ => {}
                }
                assert!(depth >= 0, "seed {seed}");
            }
            assert_eq!((depth, quote), (0, None), "seed {seed}");
        }
    }

    #[test]
    fn equal_outcomes_do_not_differ() {
        let expected = output(
            2,
            "== f0\n1\n",
            "panic: x\n\ngoroutine 1 [running]:\nhere\n",
        );
        let actual = output(
            2,
            "== f0\n1\n",
            "panic: x\n\ngoroutine 1 [running]:\nelsewhere\n",
        );
        assert_eq!(difference(&expected, &actual), None);
        let address = |at: &str| output(2, "", &format!("panic: ([]int) 0x{at} [recovered]\n\n"));
        assert_eq!(difference(&address("1f"), &address("2e0")), None);
    }

    #[test]
    fn a_difference_names_the_function_and_the_lines() {
        let expected = output(0, "== f0\n1\n== f1\n2\n3\n", "");
        let actual = output(0, "== f0\n1\n== f1\n2\n4\n", "");
        let text = difference(&expected, &actual).unwrap_or_default();
        assert!(
            text.contains("line 5 after == f1\n  - 3\n  + 4\n"),
            "{text}"
        );
        let short = output(0, "== f0\n1\n", "");
        assert!(difference(&expected, &short).is_some());
        assert!(difference(&short, &expected).is_some());
    }

    #[test]
    fn status_and_what_a_panic_says_count() {
        let expected = output(2, "", "panic: one\n\ntrace\n");
        let text = difference(&expected, &output(1, "", "panic: one\n\n")).unwrap_or_default();
        assert!(
            text.contains("exit status Some(1), expected Some(2)"),
            "{text}"
        );
        let text = difference(&expected, &output(2, "", "panic: two\n\n")).unwrap_or_default();
        assert!(text.contains("panic: two"), "{text}");
    }

    #[test]
    fn panics_of_one_statement_may_come_in_either_order() {
        let index = "guarded: runtime error: index out of range [3] with length 2\n";
        let divide = "guarded: runtime error: integer divide by zero\n";
        assert_eq!(
            difference(&output(0, index, ""), &output(0, divide, "")),
            None
        );
        let other = "guarded: runtime error: index out of range [4] with length 2\n";
        assert!(difference(&output(0, index, ""), &output(0, other, "")).is_some());
    }
}
