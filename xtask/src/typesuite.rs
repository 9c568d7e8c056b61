//! A checker against Go files that say in comments which error belongs where, as the tests of Go's own type checker do.
//!
//! `x /* ERROR "text" */` expects an error on the line of the token before the comment, whose message contains the text; `ERRORx`
//! has a regular expression. The folder holds suites, which are folders: a file in a suite is a package, and so is a folder in it with all its files.
//!
//! A package passes if there is an error on every such line and on no other; a second figure counts those
//! where also each message fits a comment of its line, and each comment a message. Left out by rule: packages whose first line has flags
//! (`// -lang=...`), that use package unsafe or C, a standard package that is not there, or the test-only builtins `assert` and `trace`.
//! Passed over are errors that Go's compiler reports after its type checker: a missing function body, an anonymous interface that refers to itself.
//!
//! GO: src/cmd/compile/internal/types2/check_test.go

use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where an error is: the number of the file in its package, the line.
type Place = (usize, usize);

/// Runs `program` with `arguments` and the files of each package; gives the number of packages that do not pass.
///
/// # Errors
/// The folder cannot be read, or the program cannot be run.
pub fn run(folder: &Path, program: &str, arguments: &[&str]) -> io::Result<usize> {
    let (mut passed, mut worded, mut failed, mut left_out) = (0, 0, 0, 0);
    for files in packages(folder)? {
        let texts: Vec<String> = files
            .iter()
            .map(|file| Ok(String::from_utf8_lossy(&std::fs::read(file)?).into_owned()))
            .collect::<io::Result<_>>()?;
        let output = Command::new(program)
            .args(arguments)
            .args(&files)
            .output()?;
        let output = [output.stdout, output.stderr].concat();
        let found = reports(&files, &String::from_utf8_lossy(&output));
        let missing_package = |message: &String| message.ends_with(" is not in std");
        if texts.iter().any(|text| is_left_out(text))
            || found.values().flatten().any(missing_package)
        {
            left_out += 1;
            continue;
        }
        let mut wanted: BTreeMap<Place, Vec<Pattern>> = BTreeMap::new();
        for (index, text) in texts.iter().enumerate() {
            for (line, pattern) in expected(text) {
                wanted.entry((index, line)).or_default().push(pattern);
            }
        }
        let differences = Differences::between(&wanted, &found);
        if differences.places.is_empty() {
            passed += 1;
            worded += usize::from(differences.words.is_empty());
        } else {
            failed += 1;
        }
        for (text, (index, line)) in differences.places.iter().chain(&differences.words) {
            println!("{}:{line}: {text}", files[*index].display());
        }
    }
    let rate = |count: usize| 100.0 * count as f64 / (passed + failed).max(1) as f64;
    println!(
        "{passed} packages with errors on the right lines ({:.1} %), {worded} with the right messages ({:.1} %), {failed} failed, {left_out} left out",
        rate(passed),
        rate(worded)
    );
    Ok(failed)
}

/// The packages of all suites in the folder: the files of each.
fn packages(folder: &Path) -> io::Result<Vec<Vec<PathBuf>>> {
    let mut packages = Vec::new();
    for suite in entries(folder)? {
        for entry in entries(&suite)? {
            let files = if entry.is_dir() {
                entries(&entry)?
            } else {
                vec![entry]
            };
            packages.push(files);
        }
    }
    Ok(packages)
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    paths.sort();
    Ok(paths)
}

fn is_left_out(text: &str) -> bool {
    let first = text.lines().next().unwrap_or("");
    let flags = first
        .strip_prefix("//")
        .is_some_and(|rest| rest.trim_start().starts_with('-'));
    let has = |part: &str| text.contains(part);
    flags || has("\"unsafe\"") || has("import \"C\"") || has("assert(") || has("trace(")
}

/// How a message must read.
#[derive(Debug)]
enum Pattern {
    Part(String),
    Expression(Regex),
    /// A comment that is no pattern; nothing fits.
    Unreadable(String),
}

impl Pattern {
    /// Of a comment's text, if it asks for an error.
    fn of(comment: &str) -> Option<Pattern> {
        let (is_part, text) = match comment.strip_prefix(" ERROR ") {
            Some(text) => (true, text),
            None => (false, comment.strip_prefix(" ERRORx ")?),
        };
        let unreadable = || Pattern::Unreadable(text.to_owned());
        let Some(text) = unquoted(text.trim()) else {
            return Some(unreadable());
        };
        Some(if is_part {
            Pattern::Part(text)
        } else {
            Regex::new(&as_rust(&text)).map_or_else(|_| unreadable(), Pattern::Expression)
        })
    }

    fn fits(&self, message: &str) -> bool {
        match self {
            Pattern::Part(part) => message.contains(part),
            Pattern::Expression(expression) => expression.is_match(message),
            Pattern::Unreadable(_) => false,
        }
    }

    fn text(&self) -> &str {
        match self {
            Pattern::Part(text) | Pattern::Unreadable(text) => text,
            Pattern::Expression(expression) => expression.as_str(),
        }
    }
}

/// A regular expression of Go's: there a brace that begins no count stands for itself.
fn as_rust(expression: &str) -> String {
    let mut text = String::new();
    let mut before = ' ';
    for (place, character) in expression.char_indices() {
        let count = || expression[place + 1..].starts_with(|next: char| next.is_ascii_digit());
        if character == '{' && before != '\\' && !count() {
            text.push('\\');
        }
        text.push(character);
        before = character;
    }
    text
}

/// The value of a Go string literal with the escapes that such comments use.
fn unquoted(literal: &str) -> Option<String> {
    if let Some(raw) = literal.strip_prefix('`') {
        return raw.strip_suffix('`').map(str::to_owned);
    }
    let inner = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            '\\' => match characters.next()? {
                'n' => '\n',
                't' => '\t',
                other @ ('"' | '\\') => other,
                _ => return None,
            },
            other => other,
        });
    }
    Some(text)
}

/// What was asked for and what came.
#[derive(Default)]
struct Differences {
    /// Lines without error, and errors elsewhere.
    places: Vec<(String, Place)>,
    /// On the lines with errors: comments and messages without partner.
    words: Vec<(String, Place)>,
}

impl Differences {
    fn between(
        wanted: &BTreeMap<Place, Vec<Pattern>>,
        found: &BTreeMap<Place, Vec<String>>,
    ) -> Differences {
        let mut differences = Differences::default();
        let places: BTreeSet<&Place> = wanted.keys().chain(found.keys()).collect();
        for place in places {
            let patterns: &[Pattern] = wanted.get(place).map_or(&[], Vec::as_slice);
            let messages: &[String] = found.get(place).map_or(&[], Vec::as_slice);
            let mut open: Vec<&Pattern> = patterns.iter().collect();
            let mut texts = Vec::new();
            for message in messages {
                match open.iter().position(|pattern| pattern.fits(message)) {
                    Some(index) => drop(open.remove(index)),
                    None => texts.push((format!("unexpected: {message}"), *place)),
                }
            }
            // What a line says twice in the same words is said once, as by Go's compiler.
            open.retain(|pattern| !messages.iter().any(|message| pattern.fits(message)));
            let missing = |pattern: &Pattern| (format!("missing: {}", pattern.text()), *place);
            texts.extend(open.into_iter().map(missing));
            if patterns.is_empty() || messages.is_empty() {
                differences.places.append(&mut texts);
            } else {
                differences.words.append(&mut texts);
            }
        }
        differences
    }
}

/// The comments of a file that ask for an error, each with the line on which the token before it begins.
fn expected(text: &str) -> Vec<(usize, Pattern)> {
    let bytes = text.as_bytes();
    let mut patterns = Vec::new();
    let (mut place, mut line, mut token_line) = (0, 1, 1);
    while place < bytes.len() {
        let rest = &bytes[place..];
        let end = match rest[0] {
            b'\n' | b' ' | b'\t' | b'\r' => place + 1,
            b'/' if rest.starts_with(b"//") || rest.starts_with(b"/*") => {
                let close: &[u8] = if rest[1] == b'/' { b"\n" } else { b"*/" };
                let length = find(&rest[2..], close).map_or(rest.len(), |at| at + 2);
                let comment = String::from_utf8_lossy(&rest[2..length]);
                if let Some(pattern) = Pattern::of(&comment) {
                    patterns.push((token_line, pattern));
                }
                let closed = if rest[1] == b'/' { length } else { length + 2 };
                place + closed.min(rest.len())
            }
            quote @ (b'"' | b'`' | b'\'') => {
                let mut length = 1;
                while length < rest.len() && rest[length] != quote {
                    if quote != b'`' && rest[length] == b'\n' {
                        break;
                    }
                    length += if rest[length] == b'\\' && quote != b'`' {
                        2
                    } else {
                        1
                    };
                }
                token_line = line;
                (place + length + 1).min(bytes.len())
            }
            _ => {
                token_line = line;
                place + 1
            }
        };
        line += bytes[place..end]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        place = end;
    }
    patterns
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// The messages by place, of lines `FILE:LINE:COLUMN: message`; lines that begin with a tab go on with the message before.
fn reports(files: &[PathBuf], output: &str) -> BTreeMap<Place, Vec<String>> {
    let mut messages: Vec<(Place, String)> = Vec::new();
    for report in output.lines() {
        if report.starts_with('\t') {
            if let Some((_, message)) = messages.last_mut() {
                message.push('\n');
                message.push_str(report);
            }
            continue;
        }
        let place = files.iter().enumerate().find_map(|(index, file)| {
            let rest = report.strip_prefix(&format!("{}:", file.display()))?;
            let (line, rest) = rest.split_once(':')?;
            let (_, message) = rest.split_once(": ")?;
            Some(((index, line.parse().ok()?), message.to_owned()))
        });
        messages.extend(place);
    }
    let mut reports: BTreeMap<Place, Vec<String>> = BTreeMap::new();
    for (place, message) in messages {
        if !is_passed_over(&message) {
            reports.entry(place).or_default().push(message);
        }
    }
    reports
}

/// Is the error none of the type checker's? Go's compiler reports these when it has checked the types.
fn is_passed_over(message: &str) -> bool {
    message == "missing function body"
        || message.starts_with("invalid recursive type: anonymous interface refers to itself")
}

#[cfg(test)]
mod tests {
    use super::{expected, reports};

    #[test]
    fn errors_belong_to_the_token_before_the_comment() {
        let text = "a /* ERROR \"one\" */ b\nc\n\t// ERRORx `t.o`\nd := \"/* ERROR no */\" // fine\n`x\ny` /* ERROR \"a\\\"b\" */";
        let found: Vec<(usize, String)> = expected(text)
            .into_iter()
            .map(|(line, pattern)| (line, pattern.text().to_owned()))
            .collect();
        let wanted =
            [(1, "one"), (2, "t.o"), (5, "a\"b")].map(|(line, text)| (line, text.to_owned()));
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_message_ends_where_the_next_begins() {
        let output = "a.go:3:1: one\n\tmore\na.go:3:9: two\n# x\na.go:4:1: missing function body\n";
        let found = reports(&["a.go".into()], output);
        assert_eq!(found[&(0, 3)], ["one\n\tmore", "two"]);
        assert_eq!(found.len(), 1);
    }
}
