//! The checker against a folder of Go files that say in comments where an error belongs, as Go's own type checker tests do:
//! `x /* ERROR text */` expects an error on the line of the token before the comment.
//!
//! A file passes if `golite check` reports an error on every such line and on no other. Left out by rule: files with flags in their first
//! line (`// -lang=...`), files that use package unsafe or C, and those that call the test-only builtins `assert` and `trace`.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the files below the folder; gives the number of those that do not pass.
///
/// # Errors
/// The folder cannot be read, or golite cannot be run.
pub fn run(golite: &Path, folder: &Path) -> io::Result<usize> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let (mut passed, mut failed, mut left_out) = (0, 0, 0);
    for file in files {
        let text = String::from_utf8_lossy(&std::fs::read(&file)?).into_owned();
        if is_left_out(&text) {
            left_out += 1;
            continue;
        }
        let wanted = expected_lines(&text);
        let found = reported_lines(golite, &file)?;
        if wanted == found {
            passed += 1;
            continue;
        }
        failed += 1;
        let lines = |a: &BTreeSet<usize>, b: &BTreeSet<usize>| {
            let lines: Vec<String> = a.difference(b).map(usize::to_string).collect();
            lines.join(" ")
        };
        println!(
            "{}: missing [{}], elsewhere [{}]",
            file.display(),
            lines(&wanted, &found),
            lines(&found, &wanted)
        );
    }
    let rate = 100.0 * f64::from(passed) / f64::from((passed + failed).max(1));
    println!("{passed} passed, {failed} failed ({rate:.1} %), {left_out} left out");
    Ok(usize::try_from(failed).unwrap_or(usize::MAX))
}

fn collect(folder: &Path, out: &mut Vec<PathBuf>) -> io::Result<()> {
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

fn is_left_out(text: &str) -> bool {
    let first = text.lines().next().unwrap_or("");
    let flags = first
        .strip_prefix("//")
        .is_some_and(|rest| rest.trim_start().starts_with('-'));
    let has = |part: &str| text.contains(part);
    flags || has("\"unsafe\"") || has("import \"C\"") || has("assert(") || has("trace(")
}

/// The lines of the tokens before `ERROR` comments.
fn expected_lines(text: &str) -> BTreeSet<usize> {
    let bytes = text.as_bytes();
    let mut lines = BTreeSet::new();
    let (mut place, mut line, mut token_line) = (0, 1, 1);
    while place < bytes.len() {
        let rest = &text.as_bytes()[place..];
        let end = match rest[0] {
            b'\n' | b' ' | b'\t' | b'\r' => place + 1,
            b'/' if rest.starts_with(b"//") || rest.starts_with(b"/*") => {
                let close: &[u8] = if rest[1] == b'/' { b"\n" } else { b"*/" };
                let length = find(&rest[2..], close).map_or(rest.len(), |at| at + 2);
                let comment = String::from_utf8_lossy(&rest[2..length]);
                let comment = comment.trim_start();
                if comment.starts_with("ERROR") {
                    lines.insert(token_line);
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
                let end = (place + length + 1).min(bytes.len());
                token_line = line + newlines(&bytes[place..end]);
                end
            }
            _ => {
                token_line = line;
                place + 1
            }
        };
        line += newlines(&bytes[place..end]);
        place = end;
    }
    lines
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// The lines on which golite reports something: `FILE:LINE:COLUMN: message`.
fn reported_lines(golite: &Path, file: &Path) -> io::Result<BTreeSet<usize>> {
    let output = Command::new(golite).arg("check").arg(file).output()?;
    let name = format!("{}:", file.display());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = |report: &str| report.strip_prefix(&name)?.split(':').next()?.parse().ok();
    Ok(text.lines().filter_map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::expected_lines;

    #[test]
    fn errors_belong_to_the_token_before_the_comment() {
        let text = "a /* ERROR one */ b\nc\n\t// ERROR \"two\"\nd := \"/* ERROR no */\" // fine\n`x\ny` /* ERROR three */";
        assert_eq!(
            expected_lines(text).into_iter().collect::<Vec<_>>(),
            [1, 2, 6]
        );
    }
}
