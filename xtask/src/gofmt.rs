//! The formatter against gofmt, over all Go files of a folder.
//!
//! The files are copied, gofmt rewrites the copies, and what it makes of each is compared byte for byte with what [`format::format`]
//! makes of the original. With `--shaken` white space, line breaks and comments between tokens are changed first, differently
//! everywhere but in each run the same, because what is formatted already says little. What gofmt
//! writes must be a text that the formatter accepts again.

use diagnostics::{FileId, SourceMap};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many differences are shown.
const SHOWN: usize = 12;

/// Compares all files below a folder; gives the number of those that differ.
///
/// # Errors
/// The folder cannot be read or copied, or gofmt cannot be run.
pub fn run(goroot: &Path, folder: &Path, shakes: bool, simplify: bool) -> io::Result<usize> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let copies = std::env::temp_dir().join(format!("golite-gofmt-{}", std::process::id()));
    std::fs::create_dir_all(&copies)?;
    let result = compare(goroot, folder, &copies, &files, shakes, simplify);
    std::fs::remove_dir_all(&copies)?;
    result
}

fn compare(
    goroot: &Path,
    folder: &Path,
    copies: &Path,
    files: &[PathBuf],
    shakes: bool,
    simplify: bool,
) -> io::Result<usize> {
    let mut texts = Vec::new();
    for (index, file) in files.iter().enumerate() {
        // What is no UTF-8 is no Go.
        let Ok(mut text) = String::from_utf8(std::fs::read(file)?) else {
            continue;
        };
        if shakes {
            text = shaken(&text, index as u64);
        }
        let copy = copies.join(format!("{index}.go"));
        std::fs::write(&copy, &text)?;
        texts.push((file, copy, text));
    }
    let mut gofmt = Command::new(goroot.join("bin/gofmt"));
    gofmt.arg("-w");
    if simplify {
        gofmt.arg("-s");
    }
    let output = gofmt.arg(copies).output()?;
    let refused = String::from_utf8_lossy(&output.stderr).into_owned();
    let refused: std::collections::HashSet<&str> = refused
        .lines()
        .filter_map(|line| line.split(':').next())
        .collect();
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    let (equal, invalid) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let options = format::Options {
        simplify,
        fragment: false,
    };
    let work = || {
        loop {
            // ORDERING: Relaxed; only that each number is given once matters.
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((file, copy, text)) = texts.get(index) else {
                return;
            };
            if refused.contains(copy.to_string_lossy().as_ref()) {
                // ORDERING: Relaxed; read when the threads are done.
                invalid.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let difference = match std::fs::read_to_string(copy) {
                Ok(wanted) => difference(text, &wanted, options),
                Err(error) => Some(error.to_string()),
            };
            match difference {
                None => {
                    // ORDERING: Relaxed; read when the threads are done.
                    equal.fetch_add(1, Ordering::Relaxed);
                }
                Some(difference) => {
                    if let Ok(mut found) = found.lock() {
                        found.push((*file, difference));
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let mut found = found.into_inner().unwrap_or_default();
    found.sort();
    for (file, difference) in found.iter().take(SHOWN) {
        let name = file.strip_prefix(folder).unwrap_or(file);
        println!("{}: {difference}", name.display());
    }
    for (file, _) in found.iter().skip(SHOWN) {
        println!("{}", file.display());
    }
    let (equal, invalid) = (equal.into_inner(), invalid.into_inner());
    let share = 100.0 * equal as f64 / (equal + found.len()).max(1) as f64;
    println!(
        "{equal} files as gofmt has them, {} not ({share:.2} %); {invalid} that gofmt refuses",
        found.len()
    );
    Ok(found.len())
}

/// Writes what gofmt makes of the inputs in `tests/format`, except of scripts, which it does not know. Those whose name begins with
/// `simplified` are simplified.
///
/// # Errors
/// gofmt cannot be run or refuses an input, or the repository cannot be read or written.
pub fn bless(goroot: &Path) -> io::Result<usize> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/format");
    for folder in [root.clone(), root.join("fragments")] {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path
                .extension()
                .is_none_or(|extension| extension != "input")
            {
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let gofmt = |input: &Path| {
                let mut gofmt = Command::new(goroot.join("bin/gofmt"));
                if name.starts_with("simplified") {
                    gofmt.arg("-s");
                }
                let output = gofmt.stdin(std::fs::File::open(input)?).output()?;
                if output.status.success() {
                    return Ok(output.stdout);
                }
                let message = String::from_utf8_lossy(&output.stderr).into_owned();
                Err(io::Error::other(format!("{name}: {message}")))
            };
            let formatted = path.with_extension("formatted");
            std::fs::write(&formatted, gofmt(&path)?)?;
            // GO: of some texts gofmt makes something else each time.
            let again = gofmt(&formatted)?;
            if again != std::fs::read(&formatted)? {
                std::fs::write(path.with_extension("again"), again)?;
            }
        }
    }
    Ok(0)
}

/// What is wrong with a file's format, if anything is.
fn difference(text: &str, wanted: &str, options: format::Options) -> Option<String> {
    let formatted = |text: &str| {
        let mut map = SourceMap::new();
        let file: FileId = map
            .add("file.go".to_owned(), text.to_owned())
            .map_err(|_| "too large".to_owned())?;
        format::format(text, file, options).map_err(|errors| {
            errors.iter().next().map_or(String::new(), |first| {
                let place = map.position(first.range);
                format!("{place}: {}", first.message)
            })
        })
    };
    let first_difference = |got: &str| {
        let line = got
            .lines()
            .zip(wanted.lines())
            .position(|(got, wanted)| got != wanted)
            .unwrap_or_else(|| got.lines().count().min(wanted.lines().count()));
        let part = |text: &str| -> String {
            text.lines()
                .skip(line.saturating_sub(2))
                .take(5)
                .map(|line| format!("    {line:?}\n"))
                .collect()
        };
        format!(
            "line {}\n  got\n{}  wanted\n{}",
            line + 1,
            part(got),
            part(wanted)
        )
    };
    match formatted(text) {
        Err(error) => Some(format!("refused: {error}\n")),
        Ok(got) if got != wanted => Some(first_difference(&got)),
        Ok(_) => match formatted(wanted) {
            // GO: a few comments are not in their last form after gofmt's first run, so only what was formatted when it came
            // must stay.
            Ok(again) if again != wanted && text == wanted => Some("changes again\n".to_owned()),
            Ok(_) => None,
            Err(error) => Some(format!("refused when formatted: {error}\n")),
        },
    }
}

fn collect(folder: &Path, out: &mut Vec<PathBuf>) -> io::Result<()> {
    if folder.is_file() {
        out.push(folder.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, out)?;
        } else if path.extension().is_some_and(|extension| extension == "go") {
            out.push(path);
        }
    }
    Ok(())
}

/// Other white space and comments between tokens, of the same meaning.
fn shaken(text: &str, seed: u64) -> String {
    let lexed = lexer::lex(text);
    // Every piece that stays: tokens with a text, and comments. With each whether a line break behind it is white space and no more.
    let mut pieces: Vec<(usize, usize, bool)> = lexed
        .tokens
        .iter()
        .filter(|token| token.kind != lexer::TokenKind::NewlineSemicolon)
        .map(|token| {
            let breaks = !token.kind.ends_statement();
            (token.start as usize, token.end as usize, breaks)
        })
        .collect();
    pieces.extend(
        lexed
            .comments
            .iter()
            .map(|comment| (comment.start as usize, comment.end as usize, false)),
    );
    pieces.sort_unstable();
    let mut out = String::with_capacity(text.len() * 2);
    let mut end = 0;
    let mut may_break = false;
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d;
    let mut choose = |among: &[&'static str]| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        among[(state >> 33) as usize % among.len()]
    };
    // Comments are rare in a file, or its lines would hold little else.
    let comments = seed % 3 == 1;
    for (start, piece_end, breaks) in pieces {
        let gap = text.get(end..start).unwrap_or("");
        let is_white = gap.chars().all(|character| " \t\r\n".contains(character));
        let rare = choose(&["", "", "", "", "", "", "", "", "", "x"]) == "x";
        if !is_white {
            out.push_str(gap);
        } else if gap.contains('\n') {
            let is_joined = may_break && rare && !comments;
            out.push_str(choose(&["", "", " ", "\t"]));
            if comments && rare {
                out.push_str(choose(&[
                    "// c",
                    " // c",
                    " /* c */",
                    "\n// c",
                    "\n\t/* c\n  d */",
                ]));
            }
            if !is_joined {
                out.push_str(&"\n".repeat(gap.matches('\n').count()));
                out.push_str(choose(&["", "", "", "", "", "", "\n", "\n\n"]));
            }
            out.push_str(choose(&[" ", "", "", "\t", "    ", "\t\t", " \t"]));
        } else {
            out.push_str(if gap.is_empty() {
                choose(&["", "", "", " ", "\t", "  "])
            } else {
                choose(&[" ", "\t", "   "])
            });
            if rare && comments {
                out.push_str(choose(&["/* c */", " /* c */ "]));
            } else if rare && may_break && seed % 3 == 2 {
                out.push_str(choose(&["\n", "\n", "\n\n", "// c\n"]));
            }
        }
        out.push_str(text.get(start..piece_end).unwrap_or(""));
        end = piece_end.max(end);
        may_break = breaks;
    }
    out.push_str(text.get(end..).unwrap_or(""));
    out
}
