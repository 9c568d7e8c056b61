//! Go's own tests of its standard library, on golite.
//!
//! Two questions:
//!
//! * [`Question::Language`]: do Go's packages, their own sources and tests, run as they are? They replace golite's own under their import
//!   paths (`golite test --std`); what they import is golite's, or Go's where golite has none.
//! * [`Question::Library`]: do golite's packages pass Go's tests? Tests that stand in the package itself are turned into external ones.
//!
//! What cannot be compiled (package unsafe, names that golite's package does not export, what golite does not have) is taken out,
//! declaration by declaration, until the rest compiles, and listed. A test that ends the program is left out of the next run and counts as
//! failed. `overlay/` has stand-ins for internal packages of Go's that look into its toolchain.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Do Go's packages run?
    Language,
    /// Are golite's packages as Go's?
    Library,
}

/// Packages whose sources need nothing of Go's runtime.
const LANGUAGE: &[&str] = &[
    "bufio",
    "cmp",
    "compress/lzw",
    "container/heap",
    "container/list",
    "container/ring",
    "encoding/ascii85",
    "encoding/csv",
    "encoding/hex",
    "html",
    "index/suffixarray",
    "math/cmplx",
    "text/scanner",
    "text/tabwriter",
    "unicode/utf16",
    "unicode/utf8",
];

/// Packages that golite has in its own way.
const LIBRARY: &[&str] = &[
    "archive/tar",
    "archive/zip",
    "bufio",
    "bytes",
    "cmp",
    "compress/bzip2",
    "compress/flate",
    "compress/gzip",
    "compress/lzw",
    "compress/zlib",
    "container/heap",
    "container/list",
    "container/ring",
    "context",
    "crypto/cipher",
    "crypto/rand",
    "encoding/ascii85",
    "encoding/base32",
    "encoding/base64",
    "encoding/binary",
    "encoding/csv",
    "encoding/hex",
    "encoding/json",
    "encoding/pem",
    "encoding/xml",
    "errors",
    "flag",
    "fmt",
    "hash",
    "hash/adler32",
    "hash/crc32",
    "hash/crc64",
    "hash/fnv",
    "hash/maphash",
    "html",
    "html/template",
    "index/suffixarray",
    "io",
    "io/fs",
    "io/ioutil",
    "iter",
    "log",
    "log/slog",
    "maps",
    "math",
    "math/big",
    "math/bits",
    "math/cmplx",
    "math/rand",
    "math/rand/v2",
    "mime",
    "mime/multipart",
    "mime/quotedprintable",
    "net",
    "net/mail",
    "net/netip",
    "net/textproto",
    "net/url",
    "os",
    "os/exec",
    "path",
    "path/filepath",
    "reflect",
    "regexp",
    "regexp/syntax",
    "slices",
    "sort",
    "strconv",
    "strings",
    "sync",
    "sync/atomic",
    "testing",
    "testing/fstest",
    "testing/iotest",
    "testing/quick",
    "testing/synctest",
    "text/scanner",
    "text/tabwriter",
    "text/template",
    "text/template/parse",
    "time",
    "unicode",
    "unicode/utf16",
    "unicode/utf8",
    "weak",
];

/// How often declarations are taken out before a package counts as one that cannot be compiled.
const ROUNDS: usize = 200;

/// How many tests may end the program before the rest is given up.
const CRASHES: usize = 15;

/// What has come of a package's tests.
#[derive(Debug, Default)]
struct Report {
    passed: BTreeSet<String>,
    skipped: BTreeSet<String>,
    /// With the first lines of what they said.
    failed: BTreeMap<String, String>,
    /// Tests that cannot be compiled though they use exported names only, and the first error in each.
    left_out: BTreeMap<String, String>,
    /// Tests of what the package does not export.
    inside: BTreeMap<String, String>,
    /// Why nothing could be run.
    broken: Option<String>,
}

/// Runs the tests of the packages, or of all that are known, prints what has come of them, and gives the number of failures.
///
/// # Errors
/// When files cannot be copied or golite cannot be run.
pub fn run(
    question: Question,
    goroot: &Path,
    golite: &Path,
    packages: &[&str],
) -> io::Result<usize> {
    let workshop = std::env::temp_dir().join(format!("golite-stdtests-{}", std::process::id()));
    let runner = Runner {
        question,
        source: goroot.join("src"),
        golite: golite.canonicalize()?,
        workshop: workshop.clone(),
    };
    let all = match question {
        Question::Language => LANGUAGE,
        Question::Library => LIBRARY,
    };
    let mut total = Report::default();
    let mut rows = String::new();
    for package in if packages.is_empty() { all } else { packages } {
        let report = runner.package(package)?;
        print(package, &report);
        let named = |names: &BTreeSet<String>| -> Vec<String> {
            names
                .iter()
                .map(|name| format!("{package}.{name}"))
                .collect()
        };
        rows.push_str(&row(package, &report));
        total.passed.extend(named(&report.passed));
        total.skipped.extend(named(&report.skipped));
        if report.broken.is_some() {
            total.failed.insert((*package).to_owned(), String::new());
        }
        let failed = report.failed.into_iter();
        total
            .failed
            .extend(failed.map(|(name, why)| (format!("{package}.{name}"), why)));
        for (from, to) in [
            (report.left_out, &mut total.left_out),
            (report.inside, &mut total.inside),
        ] {
            let of_package = from.into_iter();
            to.extend(of_package.map(|(name, why)| (format!("{package}.{name}"), why)));
        }
    }
    let _ = fs::remove_dir_all(&workshop);
    println!("{}", summary("all", &total));
    if question == Question::Library && packages.is_empty() {
        rows.push_str(&row("all", &total));
        write_table(&rows)?;
    }
    Ok(total.failed.len())
}

/// A row of the table in `docs/std_tests.md`.
fn row(package: &str, report: &Report) -> String {
    let (passed, of) = report.share();
    format!(
        "| `{package}` | {passed} | {of} | {:.1} % | {} |\n",
        100.0 * passed as f64 / of as f64,
        report.inside.len()
    )
}

/// Writes the rows into `docs/std_tests.md`, in the place of those that are there.
fn write_table(rows: &str) -> io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/std_tests.md");
    let text = fs::read_to_string(&path)?;
    let is_table = |line: &&str| line.starts_with("| `") && line.matches('|').count() == 6;
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(&is_table);
    let Some(first) = first else {
        return Err(io::Error::other(
            "docs/std_tests.md has no table of packages",
        ));
    };
    let behind = lines[first..]
        .iter()
        .take_while(|line| is_table(line))
        .count()
        + first;
    let mut new = lines[..first].join("\n");
    new.push('\n');
    new.push_str(rows);
    new.push_str(&lines[behind..].join("\n"));
    new.push('\n');
    fs::write(&path, new)
}

impl Report {
    /// How many tests pass, of how many that use exported names only.
    fn share(&self) -> (usize, usize) {
        let passed = self.passed.len();
        let broken = usize::from(self.broken.is_some());
        (
            passed,
            (passed + self.failed.len() + self.left_out.len() + broken).max(1),
        )
    }
}

fn summary(name: &str, report: &Report) -> String {
    let (passed, of) = report.share();
    format!(
        "{name}: {passed} passed, {} failed, {} skipped, {} cannot be compiled ({:.1} % pass), {} look inside",
        report.failed.len(),
        report.skipped.len(),
        report.left_out.len(),
        100.0 * passed as f64 / of as f64,
        report.inside.len()
    )
}

fn print(package: &str, report: &Report) {
    println!("{}", summary(package, report));
    if let Some(why) = &report.broken {
        println!("    nothing runs: {why}");
    }
    for (name, why) in &report.failed {
        println!("    FAIL {name}: {why}");
    }
    for (name, why) in &report.left_out {
        println!("    left out {name}: {why}");
    }
    for (name, why) in &report.inside {
        println!("    looks inside {name}: {why}");
    }
}

struct Runner {
    question: Question,
    source: PathBuf,
    golite: PathBuf,
    workshop: PathBuf,
}

/// Files of a package, to be cut until they compile.
struct Files {
    folder: PathBuf,
    /// Name and lines.
    texts: BTreeMap<String, Vec<String>>,
    /// What the package's files other than tests say.
    source: String,
    /// What its tests say, before anything was taken out.
    tests: String,
    /// Names whose declarations were taken out, and whether that was for names that are not exported.
    taken: BTreeMap<String, bool>,
}

impl Runner {
    fn package(&self, package: &str) -> io::Result<Report> {
        let mut report = Report::default();
        match self.question {
            Question::Language => {
                let folder = self.workshop.join("src").join(package);
                let files = self.copy(package, &folder, |name, text| {
                    (is_kept(name, text)).then(|| text.to_owned())
                })?;
                self.test(files, package, &mut report)?;
            }
            Question::Library => {
                for internal in [true, false] {
                    let kind = if internal { "internal" } else { "external" };
                    let folder = self.workshop.join(kind).join(package);
                    let files = self.copy(package, &folder, |file, text| {
                        let is_test = file.ends_with("_test.go") && is_kept(file, text);
                        let clause = clause(text)?;
                        let is_external = clause.ends_with("_test");
                        if !is_test || is_external == internal {
                            return None;
                        }
                        Some(if internal {
                            external(text, clause, package)
                        } else {
                            text.to_owned()
                        })
                    })?;
                    if !files.texts.is_empty() {
                        let folder = files.folder.display().to_string();
                        self.test(files, &folder, &mut report)?;
                    }
                }
            }
        }
        Ok(report)
    }

    /// Copies files of a package into a folder; `choose` gives the text of those that are wanted.
    fn copy(
        &self,
        package: &str,
        folder: &Path,
        choose: impl Fn(&str, &str) -> Option<String>,
    ) -> io::Result<Files> {
        let source = self.source.join(package);
        fs::create_dir_all(folder)?;
        let mut texts = BTreeMap::new();
        let (mut own, mut tests) = (String::new(), String::new());
        for entry in fs::read_dir(&source)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".go") {
                let text = String::from_utf8_lossy(&fs::read(entry.path())?).into_owned();
                let all = match name.ends_with("_test.go") {
                    true => &mut tests,
                    false => &mut own,
                };
                all.push_str(&text);
                if let Some(text) = choose(&name, &text) {
                    // golite's package is what Go's is with this experiment.
                    let text = text.replace("//go:build goexperiment.jsonv2\n", "\n");
                    texts.insert(name, text.split('\n').map(str::to_owned).collect());
                } else if self.question == Question::Library && !name.ends_with("_test.go") {
                    // Some tests look for the package's files.
                    fs::write(folder.join(&name), "//go:build ignore\n\npackage beside\n")?;
                }
            } else if !folder.join(&name).exists()
                && (name == "testdata" || entry.file_type()?.is_file())
            {
                std::os::unix::fs::symlink(entry.path(), folder.join(&name))?;
            }
        }
        // Some tests read what belongs to all packages, or to the folder above.
        if self.question == Question::Library {
            for kind in ["internal", "external"] {
                let shared = self.workshop.join(kind).join("testdata");
                if shared.parent().is_some_and(Path::is_dir) && !shared.exists() {
                    std::os::unix::fs::symlink(self.source.join("testdata"), shared)?;
                }
            }
        }
        if let (Some(above), Some(to)) = (source.parent(), folder.parent()) {
            let to = to.join("testdata");
            if above.join("testdata").is_dir() && !to.exists() {
                std::os::unix::fs::symlink(above.join("testdata"), to)?;
            }
        }
        Ok(Files {
            folder: folder.to_owned(),
            texts,
            source: own,
            tests,
            taken: BTreeMap::new(),
        })
    }

    /// Runs the tests in the files, taking out what does not compile.
    fn test(&self, mut files: Files, word: &str, report: &mut Report) -> io::Result<()> {
        let mut skip: Vec<String> = Vec::new();
        let mut rounds = 0;
        loop {
            for (name, lines) in &files.texts {
                fs::write(files.folder.join(name), lines.join("\n"))?;
            }
            let output = self.golite(word, &skip)?;
            let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            if stdout.contains("[build failed]") || stdout.contains("[setup failed]") {
                rounds += 1;
                let cut = files.cut(&stderr, report);
                if !cut || rounds > ROUNDS {
                    let errors: Vec<&str> = stderr.lines().take(4).collect();
                    report.broken = Some(errors.join(" | "));
                    return Ok(());
                }
                continue;
            }
            let events = Events::read(&stdout);
            report.passed.extend(events.with("pass"));
            report.skipped.extend(events.with("skip"));
            for name in events.with("fail") {
                let why = events.first_words(&name);
                report.failed.insert(name, why);
            }
            // A test that has begun and not ended ended the program.
            let unfinished = events.unfinished();
            if unfinished.is_empty() || skip.len() >= CRASHES {
                for name in unfinished {
                    report
                        .failed
                        .insert(name.clone(), events.first_words(&name));
                }
                break;
            }
            for name in unfinished {
                let why = events.end_of_program();
                report.failed.insert(name.clone(), why);
                skip.push(name);
            }
        }
        // What a later run did not see again.
        for name in report.failed.keys() {
            report.passed.remove(name);
        }
        Ok(())
    }

    fn golite(&self, word: &str, skip: &[String]) -> io::Result<std::process::Output> {
        let mut command = Command::new(&self.golite);
        command.args(["test", "-json", "-short", "-timeout", "120s", "-relaxed"]);
        if self.question == Question::Language {
            command.arg("-std").arg(self.workshop.join("src"));
        }
        command
            .arg("-std")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("overlay"));
        // golite's packages are not tested by way of Go's.
        if self.question == Question::Language {
            command.arg("-std").arg(&self.source);
        }
        if !skip.is_empty() {
            command.arg(format!("-skip=^({})$", skip.join("|")));
        }
        // Go's own cut of -run: all but benchmarks.
        command.arg(word);
        // Package time's tests set the local zone from inside.
        command.env("TZ", "America/Los_Angeles");
        command.env("ZONEINFO", self.source.join("../lib/time/zoneinfo.zip"));
        command.env(
            "GOLITE_STDTESTS_GOROOT",
            self.source.parent().unwrap_or(&self.source),
        );
        command.current_dir(&self.workshop).output()
    }
}

/// Does a file take part? Those for other systems and with build lines that golite does not meet are left to golite itself; what is
/// for the race detector alone is not.
fn is_kept(name: &str, text: &str) -> bool {
    !name.starts_with('_')
        && !text.contains("//go:build ignore")
        && !text.contains("//go:build !goexperiment.jsonv2")
}

/// The name in the package clause.
fn clause(text: &str) -> Option<&str> {
    let line = text.lines().find(|line| line.starts_with("package "))?;
    line["package ".len()..].split_whitespace().next()
}

/// A test of the package itself as an external one, which takes all names of the package as its own.
fn external(text: &str, clause: &str, package: &str) -> String {
    let old = format!("package {clause}");
    let new = format!("package {clause}_test; import . \"{package}\"");
    let mut done = false;
    let lines = text.split('\n').map(|line| {
        if !done && line.split("//").next().unwrap_or("").trim_end() == old {
            done = true;
            new.clone()
        } else {
            line.to_owned()
        }
    });
    lines.collect::<Vec<String>>().join("\n")
}

impl Files {
    /// Takes out the declarations that errors stand in, or the row of a table. Was there any?
    fn cut(&mut self, errors: &str, report: &mut Report) -> bool {
        let mut cut = false;
        for error in errors.lines() {
            let mut parts = error.splitn(4, ':');
            let (Some(path), Some(line), Some(_), Some(message)) =
                (parts.next(), parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            let name = Path::new(path)
                .file_name()
                .unwrap_or_default()
                .to_string_lossy();
            let is_inside = self.looks_inside(message);
            let (Some(lines), Ok(line)) =
                (self.texts.get_mut(name.as_ref()), line.parse::<usize>())
            else {
                continue;
            };
            let at = line.saturating_sub(1);
            // What was taken out for an error before has no more of them.
            if lines.get(at).is_none_or(|line| line.trim().is_empty()) {
                continue;
            }
            // A line that uses what has gone for that reason looks inside, too.
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let is_inside = is_inside
                || lines[at]
                    .split(|c| !is_word(c))
                    .any(|word| self.taken.get(word) == Some(&true));
            let Some((start, end)) = declaration(lines, at) else {
                continue;
            };
            let first = lines[start].clone();
            if first.trim().is_empty() {
                continue;
            }
            if let Some(function) = test_name(&first) {
                let to = match is_inside {
                    true => &mut report.inside,
                    false => &mut report.left_out,
                };
                to.entry(function.to_owned())
                    .or_insert_with(|| message.trim().to_owned());
            }
            let rows = row_of_table(&lines[start..=end], at - start);
            let (start, end) = match rows {
                Some((from, to)) => (start + from, start + to),
                None => {
                    for declared in declared_names(&lines[start..=end]) {
                        self.taken.entry(declared).or_insert(is_inside);
                    }
                    (start, end)
                }
            };
            for line in &mut lines[start..=end] {
                // The package clause stays.
                *line = match line.starts_with("package ") {
                    true => line.split(';').next().unwrap_or_default().to_owned(),
                    false => String::new(),
                };
            }
            cut = true;
        }
        cut
    }

    /// Is an error about a name that the package does not export, or has only in its own tests?
    fn looks_inside(&self, message: &str) -> bool {
        let message = message.trim();
        if message.contains("unexported") || message.contains("but does have method") {
            return true;
        }
        let name = if let Some(name) = message.strip_prefix("undefined: ") {
            name.split(' ').next().unwrap_or_default()
        } else if let Some((_, name)) = message.rsplit_once("has no field or method ") {
            name.split([',', ')', ' ']).next().unwrap_or_default()
        } else {
            return false;
        };
        if let Some(&inside) = self.taken.get(name) {
            return inside;
        }
        if name == "unsafe" {
            return false;
        }
        // A name of another package is one that golite's package lacks, unless it is the package's own.
        let plain = name.rsplit('.').next().unwrap_or(name);
        if plain.starts_with(|c: char| c.is_lowercase() || c == '_') {
            return true;
        }
        let declares = |text: &str| {
            [
                format!("func {plain}("),
                format!("func {plain}["),
                format!(") {plain}("),
                format!("type {plain} "),
                format!("var {plain} "),
                format!("const {plain} "),
                format!("\t{plain} "),
            ]
            .iter()
            .any(|declaration| text.contains(declaration.as_str()))
        };
        match name.split_once('.') {
            // Of another package, or of this one by the name that tests from outside use.
            Some(_) => declares(&self.tests) && !declares(&self.source),
            None => !declares(&self.source),
        }
    }
}

/// The names that a declaration outside of functions declares, and the name that an import gives.
fn declared_names(lines: &[String]) -> Vec<String> {
    let first = lines[0].trim();
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    for word in ["var ", "const ", "type ", "func "] {
        if let Some(rest) = first.strip_prefix(word) {
            let rest = match rest.strip_prefix('(') {
                Some(method) => method.split_once(") ").map_or("", |(_, name)| name),
                None => rest,
            };
            let name: String = rest.chars().take_while(|&c| is_name(c)).collect();
            return vec![name];
        }
    }
    if let Some(path) = first.split('"').nth(1) {
        let last = path.rsplit('/').next().unwrap_or(path);
        return vec![last.to_owned()];
    }
    let name: String = first.chars().take_while(|&c| is_name(c)).collect();
    vec![name]
}

/// First and last line of the row that a line belongs to, in the declaration of a table that gofmt has written. Rows begin and end
/// with one tab, or are separated by lines that begin with `}, {`.
fn row_of_table(lines: &[String], at: usize) -> Option<(usize, usize)> {
    let first = lines[0].as_str();
    // A field of a struct on a line of its own.
    if first.starts_with("type ") && first.ends_with("struct {") && at > 0 && at + 1 < lines.len() {
        let line = lines[at].as_str();
        return (line.starts_with('\t') && !line.starts_with("\t\t") && !line.ends_with('{'))
            .then_some((at, at));
    }
    if !first.starts_with("var ") || at == 0 || at + 1 >= lines.len() {
        return None;
    }
    let separated = |line: &String| line.starts_with("}, {") || line.starts_with("}, &");
    if lines.iter().any(separated) {
        let from = (1..=at).rev().find(|&i| separated(&lines[i]))?;
        let behind =
            (at + 1..lines.len()).find(|&i| separated(&lines[i]) || lines[i].starts_with("}}"))?;
        return Some((from, behind - 1));
    }
    // Behind the type of the elements, if it is written out.
    let body = match first.ends_with("struct {") {
        true => (1..lines.len()).find(|&i| lines[i].starts_with("}{"))?,
        false if first.ends_with('{') => 0,
        false => return None,
    };
    if at <= body {
        return None;
    }
    let outermost = |line: &String| {
        line.strip_prefix('\t')
            .is_some_and(|rest| !rest.starts_with(['\t', '}', ')', ']', '/']) && !rest.is_empty())
    };
    let from = (body + 1..=at).rev().find(|&i| outermost(&lines[i]))?;
    if lines[from].ends_with("},") || lines[from].ends_with(',') && !lines[from].ends_with("{,") {
        return (from == at).then_some((from, from));
    }
    let to = (from + 1..lines.len()).find(|&i| lines[i].starts_with("\t}"))?;
    (at <= to).then_some((from, to))
}

/// The name of a test function that a line declares.
fn test_name(line: &str) -> Option<&str> {
    let name = line.strip_prefix("func ")?.split('(').next()?;
    let kinds = ["Test", "Example", "Fuzz"];
    kinds
        .iter()
        .any(|kind| name.starts_with(kind))
        .then_some(name)
}

/// First and last line of the declaration around a line, in a text that gofmt has written: a declaration begins without indentation and
/// ends with a line that closes it without indentation; in a group of declarations those are indented by one tab.
fn declaration(lines: &[String], at: usize) -> Option<(usize, usize)> {
    let begins = |line: &str| {
        ["func ", "var ", "const ", "type ", "import ", "package "]
            .iter()
            .any(|word| line.starts_with(word))
    };
    let start = (0..=at.min(lines.len() - 1))
        .rev()
        .find(|&i| begins(&lines[i]))?;
    let first = lines[start].as_str();
    let opens = |line: &str| {
        let line = line.split(" //").next().unwrap_or(line).trim_end();
        line.ends_with(['{', '(', '[', ','])
            || line.ends_with(" +")
            || line.ends_with('=')
            || line.matches('`').count() % 2 == 1
    };
    let is_group = ["var (", "const (", "type (", "import ("].contains(&first);
    if !is_group {
        if !opens(first) {
            return (start == at).then_some((start, start));
        }
        let closes = |line: &str| line.starts_with(['}', ')', '`']) && !opens(line);
        let end = (start + 1..lines.len()).find(|&i| closes(&lines[i]))?;
        return (at <= end).then_some((start, end));
    }
    let end = (start + 1..lines.len()).find(|&i| lines[i] == ")")?;
    if at > end {
        return None;
    }
    let of_group = |line: &str| {
        line.strip_prefix('\t')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_alphabetic() || "_.\"".contains(c)))
    };
    let one = (start + 1..=at).rev().find(|&i| of_group(&lines[i]))?;
    let next = (one + 1..end)
        .find(|&i| of_group(&lines[i]) || lines[i].is_empty())
        .unwrap_or(end);
    Some((one, next - 1))
}

/// Lines of JSON that `golite test -json` wrote.
struct Events {
    /// Action, test, output.
    rows: Vec<(String, String, String)>,
}

impl Events {
    fn read(text: &str) -> Events {
        let member = |line: &str, name: &str| {
            let start = line.find(&format!("\"{name}\":\""))? + name.len() + 4;
            let mut value = String::new();
            let mut characters = line[start..].chars();
            while let Some(c) = characters.next() {
                match c {
                    '"' => return Some(value),
                    '\\' => match characters.next()? {
                        'n' => value.push('\n'),
                        't' => value.push('\t'),
                        'u' => _ = characters.by_ref().take(4).count(),
                        other => value.push(other),
                    },
                    c => value.push(c),
                }
            }
            None
        };
        let rows = text.lines().filter_map(|line| {
            Some((
                member(line, "Action")?,
                member(line, "Test").unwrap_or_default(),
                member(line, "Output").unwrap_or_default(),
            ))
        });
        Events {
            rows: rows.collect(),
        }
    }

    /// The outermost tests with an action.
    fn with(&self, action: &str) -> BTreeSet<String> {
        let rows = self.rows.iter();
        rows.filter(|(found, test, _)| found == action && !test.is_empty() && !test.contains('/'))
            .map(|(_, test, _)| test.clone())
            .collect()
    }

    fn unfinished(&self) -> Vec<String> {
        let mut begun = self.with("run");
        for action in ["pass", "fail", "skip"] {
            for test in self.with(action) {
                begun.remove(&test);
            }
        }
        begun.into_iter().collect()
    }

    /// What a test says first that is no frame.
    fn first_words(&self, test: &str) -> String {
        let mut words = String::new();
        let below = format!("{test}/");
        for (action, of, output) in &self.rows {
            let line = output.trim();
            if action == "output"
                && (of == test || of.starts_with(&below))
                && !line.is_empty()
                && !line.starts_with("===")
                && !line.starts_with("---")
            {
                let _ = write!(words, "{} ", line.replace('\n', " "));
                if words.len() > 160 {
                    break;
                }
            }
        }
        words.trim().chars().take(300).collect()
    }

    /// The panic or fatal error that ended the program.
    fn end_of_program(&self) -> String {
        let mut lines = self.rows.iter().map(|(_, _, output)| output.trim());
        let found = lines.find(|line| {
            ["panic: ", "fatal error: ", "golite: bug", "*** Test killed"]
                .iter()
                .any(|start| line.starts_with(start))
        });
        found
            .unwrap_or("ended the program")
            .chars()
            .take(300)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_is_found_around_an_error() {
        let text = "package p\n\nimport (\n\t\"a\"\n\t\"b\"\n)\n\nvar x = 1\n\nfunc f() {\n\tg()\n}\n\nvar t = []struct {\n\ta int\n}{\n\t{1},\n}\n\nconst (\n\tA = 1\n\tB = 2\n)";
        let lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
        for (at, expected) in [
            (4, Some((4, 4))),
            (7, Some((7, 7))),
            (10, Some((9, 11))),
            (16, Some((13, 17))),
            (20, Some((20, 20))),
            (18, None),
        ] {
            assert_eq!(declaration(&lines, at), expected, "{at}");
        }
    }

    #[test]
    fn a_row_is_found_around_an_error() {
        let lines = |text: &str| -> Vec<String> { text.split('\n').map(str::to_owned).collect() };
        let table = lines("var t = []struct {\n\ta int\n}{\n\t{1},\n\t{\n\t\tx,\n\t},\n}");
        assert_eq!(row_of_table(&table, 1), None);
        assert_eq!(row_of_table(&table, 3), Some((3, 3)));
        assert_eq!(row_of_table(&table, 5), Some((4, 6)));
        let joined = lines("var t = []r{{\n\ta: 1,\n}, {\n\ta: x,\n}, {\n\ta: y,\n}}");
        assert_eq!(row_of_table(&joined, 3), Some((2, 3)));
        assert_eq!(row_of_table(&joined, 5), Some((4, 5)));
        assert_eq!(row_of_table(&joined, 1), None);
    }

    #[test]
    fn a_test_inside_becomes_one_outside() {
        assert_eq!(
            external("// x\npackage a // y\n\nvar b", "a", "p/a"),
            "// x\npackage a_test; import . \"p/a\"\n\nvar b"
        );
    }
}
