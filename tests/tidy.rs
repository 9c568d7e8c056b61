//! Rules of the house that the compiler does not check. Each is a table; a change of a rule is a
//! change of its table, in the same commit as the code that needs it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The arrows: which crate of the workspace may use which (ARCHITECTURE.md, "Who may know whom").
/// `golite` sees everything and nobody sees `golite`.
const ARROWS: &[(&str, &[&str])] = &[
    ("golite-diagnostics", &[]),
    ("golite-lexer", &["golite-diagnostics"]),
    ("golite-parser", &["golite-diagnostics", "golite-lexer"]),
    (
        "golite-format",
        &["golite-diagnostics", "golite-lexer", "golite-parser"],
    ),
    // The lexer only for the values of literals.
    (
        "golite-checker",
        &["golite-diagnostics", "golite-lexer", "golite-parser"],
    ),
    (
        "golite-vet",
        &["golite-diagnostics", "golite-parser", "golite-checker"],
    ),
    ("golite-bytecode", &["golite-diagnostics"]),
    (
        "golite-compiler",
        &[
            "golite-diagnostics",
            "golite-parser",
            "golite-checker",
            "golite-bytecode",
        ],
    ),
    ("golite-runtime", &[]),
    (
        "golite-vm",
        &["golite-diagnostics", "golite-bytecode", "golite-runtime"],
    ),
    // The lexer only in the build script, which outlines the packages' declarations.
    (
        "golite-stdlib",
        &[
            "golite-bytecode",
            "golite-lexer",
            "golite-runtime",
            "golite-vm",
        ],
    ),
    (
        "golite",
        &[
            "golite-diagnostics",
            "golite-lexer",
            "golite-parser",
            "golite-format",
            "golite-checker",
            "golite-vet",
            "golite-compiler",
            "golite-bytecode",
            "golite-runtime",
            "golite-vm",
            "golite-stdlib",
            "golite-macros",
        ],
    ),
    // What it makes names golite, which its users have.
    ("golite-macros", &[]),
    // The repository's tools: generated pages need the tables, and the formatter is compared with gofmt.
    (
        "xtask",
        &[
            "golite-bytecode",
            "golite-diagnostics",
            "golite-format",
            "golite-lexer",
        ],
    ),
    // It runs golite as a user does.
    ("difftest", &[]),
];

/// Where `unsafe` may stand. A path that ends in `/` is a folder.
const UNSAFE_ALLOWED: &[&str] = &[
    // The goroutine's own memory, the run queue's slots, intrusive queues of waiters and timers.
    "runtime/src/blocking.rs",
    // A source is registered with the poller for as long as its descriptor owns it.
    "runtime/src/descriptor.rs",
    "runtime/src/goroutine.rs",
    "runtime/src/models.rs",
    // A scheduler's poller is registered with the poller of the monitor for as long as it lives.
    "runtime/src/monitor.rs",
    "runtime/src/processor.rs",
    // Asks the system for shorter slices.
    "runtime/src/promptness.rs",
    "runtime/src/run_queue.rs",
    "runtime/src/select.rs",
    "runtime/src/standby.rs",
    "runtime/src/timers.rs",
    "runtime/src/wait_queue.rs",
    // The toy engine of the runtime's tests lends its slice through a thread local.
    "runtime/tests/toy/mod.rs",
    // The heap, and the only moves that touch script memory.
    "vm/src/heap/",
    "vm/src/moves.rs",
    "vm/src/moves/tests.rs",
    // Values in script memory, by their types.
    "vm/src/globals.rs",
    "vm/src/image.rs",
    "vm/src/link.rs",
    "vm/src/pinned.rs",
    "vm/src/objects/",
    "vm/src/types.rs",
    // Registers and code, which the verifier answers for.
    "vm/src/interpreter.rs",
    "vm/src/ops/",
    "vm/src/running.rs",
    // Stacks, and walking their frames.
    "vm/src/engine.rs",
    "vm/src/fiber.rs",
    "vm/src/panics.rs",
    "vm/src/profiling.rs",
    "vm/src/stack.rs",
    "vm/src/trace.rs",
    // What a child does between its birth and its program.
    "vm/src/children.rs",
    // Fibers and stacks.
    "vm/src/slab.rs",
    // The global allocator.
    "src/allocator.rs",
    // Natives' windows, those of calls from the host, and values on their way to and from it.
    "vm/src/carry.rs",
    "vm/src/convert/",
    "vm/src/held.rs",
    "vm/src/host_call.rs",
    "vm/src/host_channel.rs",
    "vm/src/scope.rs",
    // Words of locks that a goroutine waits at which is ended.
    "vm/src/ending.rs",
    "vm/src/visit.rs",
    "vm/src/border.rs",
    "vm/src/native.rs",
    // Types made while a program runs, and looks at values through them.
    "vm/src/made_types.rs",
    "vm/src/reflection.rs",
    // Closures and weak pointers, as natives ask for them.
    "vm/src/finalizers.rs",
];

/// Words that mark what is not finished or does not belong, and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("todo!(", "a stub"),
    ("unimplemented!(", "a stub"),
    ("dbg!(", "left from debugging"),
    ("TODO", "unfinished work belongs into docs/gaps.md"),
    ("FIXME", "unfinished work belongs into docs/gaps.md"),
    ("XXX", "say what is the matter"),
    ("HACK", "say what is the matter"),
];

/// File names that say nothing about what is inside.
const FORBIDDEN_NAMES: &[&str] = &["utils.rs", "util.rs", "helpers.rs", "common.rs", "misc.rs"];

/// It names what it forbids.
const THIS_FILE: &str = "tests/tidy.rs";

/// Crates whose Rust files are looked at.
const FOLDERS: &[&str] = &[
    "diagnostics",
    "lexer",
    "parser",
    "format",
    "checker",
    "vet",
    "compiler",
    "bytecode",
    "runtime",
    "vm",
    "stdlib",
    "macros",
    "src",
    "tests",
    "xtask",
    "difftest",
];

#[test]
fn arrows_are_those_of_the_architecture() {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--workspace",
            "--offline",
            "--depth",
            "1",
            "--no-dedupe",
        ])
        .args([
            "--edges",
            "normal,build",
            "--prefix",
            "depth",
            "--format",
            "{p}",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs, it runs this test");
    let tree = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "cargo tree: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut wrong = String::new();
    let mut members = BTreeSet::new();
    let mut user = "";
    for line in tree.lines() {
        let Some(depth) = line.chars().next() else {
            continue;
        };
        let name = line[1..].split(' ').next().unwrap_or_default();
        if depth == '0' {
            user = name;
            members.insert(user);
        } else if ARROWS.iter().any(|(member, _)| *member == name) {
            let allowed = ARROWS.iter().find(|(member, _)| *member == user);
            if !allowed.is_some_and(|(_, allowed)| allowed.contains(&name)) {
                let _ = writeln!(wrong, "{user} must not know {name}");
            }
        }
    }
    let table: BTreeSet<&str> = ARROWS.iter().map(|(member, _)| *member).collect();
    assert_eq!(
        members, table,
        "the table names every crate of the workspace"
    );
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn unsafe_is_argued_and_in_few_places() {
    let mut wrong = String::new();
    for (path, text) in rust_files() {
        if path.ends_with(THIS_FILE) {
            continue;
        }
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let code = code_of(line);
            if !is_unsafe(code) {
                continue;
            }
            let place = format!("{}:{}", path.display(), index + 1);
            let name = path.display().to_string();
            if !UNSAFE_ALLOWED.iter().any(|allowed| {
                if allowed.ends_with('/') {
                    name.starts_with(allowed)
                } else {
                    name == *allowed
                }
            }) {
                let _ = writeln!(wrong, "{place}: unsafe is not allowed in this file");
            }
            let argued = lines[index.saturating_sub(12)..=index]
                .iter()
                .any(|line| line.contains("SAFETY:") || line.contains("# Safety"));
            if !argued {
                let _ = writeln!(wrong, "{place}: unsafe without a SAFETY comment");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn nothing_is_left_unfinished() {
    let mut wrong = String::new();
    for (path, text) in rust_files() {
        if path.ends_with(THIS_FILE) {
            continue;
        }
        let name = path.file_name().unwrap_or_default();
        if FORBIDDEN_NAMES.iter().any(|forbidden| name == *forbidden) {
            let _ = writeln!(wrong, "{}: the name says nothing", path.display());
        }
        for (index, line) in text.lines().enumerate() {
            for (word, reason) in FORBIDDEN {
                if contains_word(line, word) {
                    let _ = writeln!(wrong, "{}:{}: {word}: {reason}", path.display(), index + 1);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_expectation_has_its_script() {
    let mut wrong = String::new();
    for folder in ["tests/run", "tests/check", "tests/scripts", "examples"] {
        for path in files_below(&root().join(folder)) {
            let expectation = path.extension().is_some_and(|extension| {
                [
                    "stdout", "stderr", "status", "errors", "shown", "args", "stdin",
                ]
                .iter()
                .any(|known| extension == *known)
            });
            if expectation && !path.with_extension("gl").exists() {
                let _ = writeln!(wrong, "{}: there is no such script", path.display());
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files with their text, by their path from the root.
fn rust_files() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        for path in files_below(&root().join(folder)) {
            if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("source files are UTF-8");
                let path = path
                    .strip_prefix(root())
                    .expect("it was found there")
                    .to_owned();
                files.push((path, text));
            }
        }
    }
    assert!(files.len() > 10, "the sources are found");
    files
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder exists") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path)
            } else {
                files.push(path)
            }
        }
    }
    files.sort();
    files
}

/// The line without its comment; good enough for lines that hold `unsafe`.
fn code_of(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// Blocks and implementations; a function's obligation is its caller's, and clippy asks for its text.
fn is_unsafe(code: &str) -> bool {
    ["unsafe {", "unsafe impl"]
        .iter()
        .any(|form| contains_word(code, form))
}

/// True when `word` stands in `line` and no letter comes before or after it.
fn contains_word(line: &str, word: &str) -> bool {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(start, _)| {
        let after = &line[start + word.len()..];
        !(line[..start].ends_with(letter) || word.ends_with(letter) && after.starts_with(letter))
    })
}
