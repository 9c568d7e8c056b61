//! Whether what is wrong with a program is said in Go's words: `cargo xtask mutants --go GO --golite GOLITE [--from SEED] [--count N] [FOLDER]`.
//!
//! Each mutant is a script of the folder (else of `tests/run`) with one token deleted, repeated, replaced by one from elsewhere in the file, or
//! exchanged with the next. Go's compiler and `golite check` are asked what is wrong; compared are the first line of the errors, and all of them up to
//! the tenth, where Go stops. Mutants that Go accepts must be accepted. The differences that occur most often are shown with an example each.

use lexer::TokenKind;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is asked for.
pub struct Wanted<'a> {
    /// The command `go`.
    pub go: &'a Path,
    /// The command `golite`.
    pub golite: &'a Path,
    /// The scripts.
    pub folder: &'a Path,
    /// The first mutant.
    pub from: u64,
    /// How many.
    pub count: u64,
    /// Print every difference.
    pub all: bool,
}

/// Go prints no more errors than these.
const MOST_ERRORS: usize = 10;

/// Makes the mutants and compares; gives the number of those whose first error differs.
///
/// # Errors
/// A file cannot be read or written, or a command cannot be run.
pub fn run(wanted: &Wanted<'_>) -> io::Result<usize> {
    let mut scripts = Vec::new();
    find_scripts(wanted.folder, &mut scripts)?;
    scripts.sort();
    let scripts: Vec<(PathBuf, String)> = scripts
        .into_iter()
        .filter_map(|path| Some((path.clone(), fs::read_to_string(&path).ok()?)))
        // Go refuses other clauses for reasons of its own.
        .filter(|(_, text)| text.contains("package main\n") && !text.contains("//go:"))
        .collect();
    if scripts.is_empty() {
        return Err(io::Error::other("no scripts there"));
    }
    let folder = std::env::temp_dir().join(format!("mutants{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let compiler = Compiler::new(wanted.go, &folder, &scripts)?;
    let mut mutants = Vec::new();
    for seed in wanted.from..wanted.from + wanted.count {
        let mut random = Random(seed);
        let (_, text) = &scripts[random.below(scripts.len())];
        let path = folder.join(format!("m{seed}.go"));
        fs::write(&path, mutant(text, &mut random))?;
        mutants.push(path);
    }
    let golite = golite_errors(wanted.golite, &mutants)?;
    let empty = Vec::new();
    let (mut first_lines, mut first_texts, mut firsts, mut alls) = (0, 0, 0, 0);
    let mut differences: BTreeMap<(String, String), (usize, String)> = BTreeMap::new();
    for path in &mutants {
        let expected = compiler.errors(path)?;
        let found = golite.get(path).unwrap_or(&empty);
        let (a, b) = (expected.first(), found.first());
        first_lines += usize::from(a.map(|e| e.line) == b.map(|e| e.line));
        let texts = a.map(|e| (e.line, &e.text)) == b.map(|e| (e.line, &e.text));
        first_texts += usize::from(texts);
        firsts += usize::from(a == b);
        let all = expected[..] == found[..found.len().min(MOST_ERRORS)];
        alls += usize::from(all);
        if !texts || !all && wanted.all {
            let shown = |errors: &[Error]| -> String {
                let line = |e: &Error| format!("    {}:{}: {}\n", e.line, e.column, e.text);
                errors.iter().take(MOST_ERRORS).map(line).collect()
            };
            let kind = |error: Option<&Error>| error.map_or("accepted".into(), Error::pattern);
            let example = format!(
                "  {}\n  Go:\n{}  golite:\n{}",
                path.display(),
                shown(&expected),
                shown(found)
            );
            if wanted.all {
                println!("{example}");
            }
            let entry = differences.entry((kind(a), kind(b))).or_default();
            entry.0 += 1;
            entry.1 = example;
        }
    }
    let mut differences: Vec<_> = differences.into_iter().collect();
    differences.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    for ((go, golite), (count, example)) in differences.iter().take(25) {
        println!("{count} times: {go} | {golite}\n{example}");
    }
    let share = |count: usize| 100.0 * count as f64 / mutants.len() as f64;
    println!(
        "{} mutants; of the first errors {:.1} % on the same line, {:.1} % with the same text, {:.1} % in the same column; {:.1} % with the same errors throughout",
        mutants.len(),
        share(first_lines),
        share(first_texts),
        share(firsts),
        share(alls)
    );
    if differences.is_empty() {
        fs::remove_dir_all(&folder)?;
    }
    Ok(mutants.len() - first_texts)
}

fn find_scripts(folder: &Path, out: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|e| e.to_str());
        if path.is_dir() {
            find_scripts(&path, out)?;
        } else if matches!(extension, Some("gl" | "go")) {
            out.push(path);
        }
    }
    Ok(())
}

/// The text with one token changed.
fn mutant(text: &str, random: &mut Random) -> String {
    let tokens: Vec<(usize, usize)> = lexer::lex(text)
        .tokens
        .iter()
        .filter(|token| !token.kind.is_semicolon() || token.end > token.start)
        .filter(|token| token.kind != TokenKind::EndOfFile)
        .map(|token| (token.start as usize, token.end as usize))
        .filter(|(start, end)| !text[*start..*end].trim().is_empty())
        .collect();
    // The package clause stays: what is a script to golite is nothing to Go.
    let first = 2.min(tokens.len() - 1);
    let index = first + random.below(tokens.len() - first);
    let (start, end) = tokens[index];
    let (before, token, after) = (&text[..start], &text[start..end], &text[end..]);
    let other = tokens[first + random.below(tokens.len() - first)];
    let other = &text[other.0..other.1];
    match random.below(5) {
        0 | 1 => format!("{before}{after}"),
        2 => format!("{before}{token} {other} {after}"),
        3 => format!("{before}{other}{after}"),
        _ => match tokens.get(index + 1) {
            Some(&(next, last)) => {
                let (between, after) = (&text[end..next], &text[last..]);
                format!("{before}{}{between}{token}{after}", &text[next..last])
            }
            None => format!("{before}{after}"),
        },
    }
}

/// One line of errors; lines that go on are part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Error {
    line: u32,
    column: u32,
    text: String,
}

impl Error {
    /// The text without what is particular to the program.
    fn pattern(&self) -> String {
        let mut pattern = String::new();
        let mut known = true;
        for word in self.text.split(' ') {
            let plain = word
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b == b',' || b == b';');
            if plain {
                pattern.push_str(word);
                pattern.push(' ');
            } else if known {
                pattern.push_str("_ ");
            }
            known = plain;
        }
        pattern.trim_end().to_owned()
    }
}

/// The errors of a text of lines `FILE:LINE:COLUMN: TEXT`, by file.
fn errors(text: &str) -> BTreeMap<PathBuf, Vec<Error>> {
    let mut errors: BTreeMap<PathBuf, Vec<Error>> = BTreeMap::new();
    let mut last: Option<PathBuf> = None;
    for line in text.lines() {
        let parsed = (|| {
            let (file, rest) = line.split_once(':')?;
            let (line, rest) = rest.split_once(':')?;
            let line = line.parse().ok()?;
            // Go has no room for columns above 255 and leaves them out.
            let with_column = rest.split_once(':').and_then(|(column, text)| {
                let column = column.parse().ok().filter(|column| *column <= 255);
                column.map(|column| (column, text))
            });
            let (column, text) = with_column.unwrap_or_else(|| {
                let is_column = |text: &&str| text.bytes().all(|b| b.is_ascii_digit());
                let behind = rest.split_once(':').filter(|(column, _)| is_column(column));
                (0, behind.map_or(rest, |(_, text)| text))
            });
            let text = text.trim_start().to_owned();
            Some((PathBuf::from(file), Error { line, column, text }))
        })();
        match parsed {
            Some((file, error)) => {
                errors.entry(file.clone()).or_default().push(error);
                last = Some(file);
            }
            None if line.starts_with('\t') => {
                let list = last.as_ref().and_then(|file| errors.get_mut(file));
                if let Some(error) = list.and_then(|list| list.last_mut()) {
                    // Positions in what follows name the file as each command does.
                    error.text.push('\n');
                }
            }
            None => {}
        }
    }
    errors
}

fn golite_errors(golite: &Path, mutants: &[PathBuf]) -> io::Result<BTreeMap<PathBuf, Vec<Error>>> {
    let mut all = BTreeMap::new();
    for some in mutants.chunks(100) {
        let output = Command::new(golite)
            .args(["check", "--format", "short", "--color", "never"])
            .args(some)
            .output()?;
        if output.status.code().is_none_or(|code| code > 1) {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!(
                "golite: {}: {text}",
                output.status
            )));
        }
        all.extend(errors(&String::from_utf8_lossy(&output.stdout)));
        all.extend(errors(&String::from_utf8_lossy(&output.stderr)));
    }
    Ok(all)
}

/// Go's compiler, with the packages that the scripts import.
struct Compiler {
    command: PathBuf,
    config: PathBuf,
    out: PathBuf,
}

impl Compiler {
    fn new(go: &Path, folder: &Path, scripts: &[(PathBuf, String)]) -> io::Result<Compiler> {
        let ask = |arguments: &[&str]| -> io::Result<String> {
            let output = Command::new(go)
                .args(arguments)
                .stderr(Stdio::inherit())
                .output()?;
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let standard = ask(&["list", "std"])?;
        let standard: BTreeSet<&str> = standard.lines().collect();
        let imported: BTreeSet<&str> = scripts
            .iter()
            .flat_map(|(_, text)| text.split('"').skip(1).step_by(2))
            .filter_map(|word| standard.get(word).copied())
            .collect();
        let format = "{{if .Export}}packagefile {{.ImportPath}}={{.Export}}{{end}}";
        let mut arguments = vec!["list", "-export", "-deps", "-f", format];
        arguments.extend(imported);
        let config = folder.join("importcfg");
        fs::write(&config, ask(&arguments)?)?;
        Ok(Compiler {
            command: ask(&["tool", "-n", "compile"])?.trim().into(),
            config,
            out: folder.join("out.a"),
        })
    }

    fn errors(&self, file: &Path) -> io::Result<Vec<Error>> {
        let output = Command::new(&self.command)
            .args(["-p", "main", "-o"])
            .arg(&self.out)
            .arg("-importcfg")
            .arg(&self.config)
            .arg(file)
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut errors = errors(&text).remove(file).unwrap_or_default();
        errors.truncate(MOST_ERRORS);
        Ok(errors)
    }
}

/// Random numbers that a seed determines for good (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
