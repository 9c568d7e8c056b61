//! Packages with tests: what `golite test` prints of them is compared with what `go test` prints.
//!
//! `tests/testing/NAME/` is a module. `tests/testing/NAME.commands` holds the words behind `test`, a command a line;
//! `tests/testing/NAME.output` what they print, with what is different every time made alike.

use crate::suite::{self, Outcome};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

/// A module with commands.
#[derive(Clone, Debug)]
pub struct TestCase {
    /// `testing/helpers`
    pub name: String,
    /// The module's folder.
    pub folder: PathBuf,
}

/// All of them, in order of name.
///
/// # Errors
/// When a folder cannot be read.
pub fn cases(root: &Path) -> io::Result<Vec<TestCase>> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(root.join("tests/testing"))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "commands")
        {
            let folder = path.with_extension("");
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            cases.push(TestCase {
                name: format!("testing/{name}"),
                folder,
            });
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

impl TestCase {
    /// What the commands should print.
    pub fn expected(&self) -> String {
        fs::read_to_string(self.folder.with_extension("output")).unwrap_or_default()
    }

    /// Where that stands.
    pub fn expectation(&self) -> PathBuf {
        self.folder.with_extension("output")
    }

    /// What the commands print when `tool` runs them in `folder`, made comparable.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn transcript(&self, tool: &Path, folder: &Path) -> io::Result<String> {
        let commands = fs::read_to_string(self.folder.with_extension("commands"))?;
        let mut transcript = String::new();
        for line in commands.lines() {
            let mut command = Command::new(tool);
            command
                .arg("test")
                .args(line.split_whitespace())
                .current_dir(folder)
                .env("GOMAXPROCS", "2")
                .env("GOTMPDIR", std::env::temp_dir());
            let outcome = suite::run(&mut command, Vec::new(), LIMIT)?;
            transcript.push_str(&format!("$ test {line}\n"));
            transcript.push_str(&comparable(&outcome, folder));
        }
        Ok(transcript)
    }
}

/// Standard output and what stands on standard error, without times, numbers of benchmarks, traces, and what names a tool.
fn comparable(outcome: &Outcome, folder: &Path) -> String {
    let mut text = String::new();
    let folder = folder.display().to_string();
    for (stream, bytes) in [("", &outcome.stdout), ("error: ", &outcome.stderr)] {
        let mut in_trace = false;
        for line in String::from_utf8_lossy(bytes).lines() {
            // The tools name packages of errors differently.
            if !stream.is_empty() && line.starts_with("# ") {
                continue;
            }
            in_trace = match in_trace {
                false => line.starts_with("goroutine "),
                true => !["FAIL", "exit status", "PASS", "---"]
                    .iter()
                    .any(|end| line.starts_with(end)),
            };
            if in_trace || line.starts_with("cpu: ") || line.starts_with("[signal ") {
                continue;
            }
            let line = line
                .replace(&format!("{folder}/"), "")
                .replace(".gl", ".go")
                // Files, and no patterns of packages.
                .replace(" ./...", " \0...")
                .replace(" ./", " ")
                .replace('\0', "./");
            let line = line.strip_prefix("./").unwrap_or(&line);
            text.push_str(stream);
            // golite keeps no results.
            let line = line.replace("\t(cached)", "\t0.1s");
            let line = line.as_str();
            let line = without_numbers(line);
            // Package testing speaks of itself.
            let own = ["testing.go:", "fuzz.go:"].iter();
            match own.filter_map(|file| line.split_once(file)).next() {
                Some((before, behind)) => {
                    let (_, message) = behind.split_once(':').unwrap_or(("", behind));
                    text.push_str(&format!("{before}testing:{message}"));
                }
                None => text.push_str(&line),
            }
            text.push('\n');
        }
    }
    // A trace leaves an empty line before it.
    let text = text
        .replace("\n\nexit status", "\nexit status")
        .replace("\n\nFAIL", "\nFAIL");
    let status = outcome
        .status
        .map_or("killed".to_owned(), |status| status.to_string());
    format!("{text}status {status}\n\n")
}

/// The line with `#` for times, and only the name and the units of a benchmark's line.
fn without_numbers(line: &str) -> String {
    let columns: Vec<&str> = line.split('\t').collect();
    if line.starts_with("Benchmark") && columns.len() > 2 {
        let units = columns[2..].iter().map(|column| {
            let column = column.trim();
            column.split_once(' ').map_or(column, |(_, unit)| unit)
        });
        let units: Vec<&str> = units.collect();
        // How often something runs for some time depends on the machine.
        let count = columns[1].trim();
        let count = if count.len() > 3 { "many" } else { count };
        return format!("{}\t{count}\t{}", columns[0], units.join("\t"));
    }
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(at);
        let end = number
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(number.len());
        let (digits, behind) = number.split_at(end);
        out.push_str(before);
        let is_time = digits.contains('.') && behind.starts_with('s');
        let is_elapsed = before.ends_with("\"Elapsed\":") || before.ends_with("\"Time\":\"");
        match before.ends_with("\"Time\":\"") {
            true => {
                out.push('#');
                rest = behind.find('"').map_or("", |quote| &behind[quote..]);
                continue;
            }
            false if is_time || is_elapsed => out.push('#'),
            false => out.push_str(digits),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::without_numbers;

    #[test]
    fn what_differs_every_time_is_made_alike() {
        for (line, expected) in [
            ("--- FAIL: TestA1 (0.12s)", "--- FAIL: TestA1 (#s)"),
            ("ok  \tm\t1.234s", "ok  \tm\t#s"),
            (
                "BenchmarkA-2  \t     100\t    1.5 ns/op\t   3 B/op",
                "BenchmarkA-2  \t100\tns/op\tB/op",
            ),
            (
                "{\"Time\":\"2026-01-02T03:04:05.6Z\",\"Elapsed\":0.5}",
                "{\"Time\":\"#\",\"Elapsed\":#}",
            ),
            ("a 12 b 1.5", "a 12 b 1.5"),
        ] {
            assert_eq!(without_numbers(line), expected);
        }
    }
}
