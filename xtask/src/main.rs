//! The repository's own tools, run as `cargo xtask COMMAND`.
//!
//! * `bless --with-go [FILTER]` regenerates the expectations of all scripts whose name
//!   contains FILTER, from the real Go toolchain (environment variable `GO`, else `go`).
//! * `checkspeed GOLITE [SHAPE]` measures `golite check` with generated programs.
//! * `docs` writes the pages of `docs/` that follow from tables in the code.
//! * `typesuite FOLDER COMMAND...` compares the errors of a checker with those that comments in Go files ask for.
//! * `gofmt --go GOROOT [--shaken] [--simplify] [FOLDER]` compares the formatter with gofmt over all Go files of the folder, else of Go's `src`;
//!   `--bless` writes the expectations of `tests/format`.
//! * `mutants --go GO --golite GOLITE [--from SEED] [--count N] [--all] [FOLDER]` compares what is said of programs with one wrong token with
//!   what Go's compiler says.
//! * `soak [ROUNDS]` does the tests of `docs/scheduler.md` ten times, or so many, alone and under load.
//! * `waits GOLITE RUNS` runs the programs of `tests/waits` so often: none may hang, or be told that it has deadlocked.
//! * `std --go GOROOT` writes `docs/std.md`: how much of Go's standard library is there.
//! * `text-order GOLITE` writes `text_order.ld`, the order of the functions in the executable.
//! * `stdtests --go GOROOT --golite GOLITE [PACKAGE...]` compiles packages of Go's standard library with their tests, as they are, and runs
//!   them; with `--library` before the packages Go's tests run against golite's own packages.
//!
//! golite's expectations are Go's opinion, not golite's own: there is no way to bless
//! from golite.

use std::process::ExitCode;
use xtask::{
    bless, checkspeed, docs, gofmt, mutants, soak, std as standard, stdtests, text_order, typesuite,
};

const USAGE: &str = "usage: cargo xtask bless --with-go [FILTER] | cargo xtask checkspeed GOLITE [SHAPE] | cargo xtask docs | cargo xtask soak [ROUNDS] | cargo xtask waits GOLITE RUNS | cargo xtask std --go GOROOT | cargo xtask gofmt --go GOROOT [--shaken] [--simplify] [FOLDER] | cargo xtask gofmt --go GOROOT --bless | cargo xtask mutants --go GO --golite GOLITE [--from SEED] [--count N] [--all] [FOLDER] | cargo xtask typesuite FOLDER COMMAND... | cargo xtask text-order GOLITE | cargo xtask stdtests --go GOROOT --golite GOLITE [--library] [PACKAGE...]";

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["bless", "--with-go"] => bless::bless(""),
        ["checkspeed", golite] => checkspeed::run(golite.as_ref(), ""),
        ["checkspeed", golite, filter] => checkspeed::run(golite.as_ref(), filter),
        ["docs"] => docs::write().map(|()| 0),
        ["std", "--go", goroot] => standard::write(goroot.as_ref()).map(|()| 0),
        ["typesuite", folder, program, ref arguments @ ..] => {
            typesuite::run(folder.as_ref(), program, arguments)
        }
        ["gofmt", "--go", goroot, "--bless"] => gofmt::bless(goroot.as_ref()),
        ["gofmt", "--go", goroot, ref rest @ ..] => {
            let folders: Vec<&str> = rest
                .iter()
                .copied()
                .filter(|word| !word.starts_with("--"))
                .collect();
            let goroot: &std::path::Path = goroot.as_ref();
            let folder = folders
                .first()
                .map_or_else(|| goroot.join("src"), |folder| folder.into());
            let (shaken, simplify) = (rest.contains(&"--shaken"), rest.contains(&"--simplify"));
            gofmt::run(goroot, &folder, shaken, simplify)
        }
        [
            "stdtests",
            "--go",
            goroot,
            "--golite",
            golite,
            "--library",
            ref packages @ ..,
        ] => {
            let library = stdtests::Question::Library;
            stdtests::run(library, goroot.as_ref(), golite.as_ref(), packages)
        }
        [
            "stdtests",
            "--go",
            goroot,
            "--golite",
            golite,
            ref packages @ ..,
        ] => {
            let language = stdtests::Question::Language;
            stdtests::run(language, goroot.as_ref(), golite.as_ref(), packages)
        }
        ["mutants", "--go", go, "--golite", golite, ref rest @ ..] => {
            let mut wanted = mutants::Wanted {
                go: go.as_ref(),
                golite: golite.as_ref(),
                folder: "tests/run".as_ref(),
                from: 1,
                count: 500,
                all: false,
            };
            let mut rest = rest.iter();
            while let Some(word) = rest.next() {
                let mut number = || rest.next().and_then(|number| number.parse().ok());
                match *word {
                    "--from" => wanted.from = number().unwrap_or(wanted.from),
                    "--count" => wanted.count = number().unwrap_or(wanted.count),
                    "--all" => wanted.all = true,
                    folder => wanted.folder = folder.as_ref(),
                }
            }
            mutants::run(&wanted)
        }
        ["bless", "--with-go", filter] => bless::bless(filter),
        ["waits", golite, runs] => match runs.parse() {
            Ok(runs) => soak::waits(golite, runs),
            Err(_) => return usage(),
        },
        ["text-order", golite] => text_order::write(golite.as_ref()).map(|()| 0),
        ["soak"] => soak::run(10),
        ["soak", rounds] => match rounds.parse() {
            Ok(rounds) => soak::run(rounds),
            Err(_) => return usage(),
        },
        _ => return usage(),
    };
    match result {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failures) => {
            eprintln!("{failures} failed");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
