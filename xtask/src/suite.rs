//! What a test script is: which files belong to it and how an outcome is compared.
//!
//! The harness (`tests/golden.rs`) and `cargo xtask bless` share this file, so that
//! what is written and what is compared cannot differ.
//!
//! | kind | scripts | expectation beside the script |
//! | --- | --- | --- |
//! | run | `tests/run/<topic>/NAME.gl` | `.stdout`, `.stderr` (its head), `.status` |
//! | script | `tests/scripts/NAME.gl`, and `NAME.go`, the same as a plain Go program | as run, from the `.go` file |
//! | example | `examples/NAME.gl` | the same |
//! | check | `tests/check/NAME.gl` | `.errors`, every line that the type checker prints |
//! | program | the folder `tests/packages/run/NAME/` | as run, beside the folder |
//! | package check | the folder `tests/packages/check/NAME/` | as check, beside the folder |
//! | known gap | `tests/known_gaps/NAME.gl` | none: must be refused as not supported yet |
//!
//! `NAME.args` (one argument a line) and `NAME.stdin` are given to the program.
//! A missing `.stdout` means nothing is printed, a missing `.status` means 0, a missing
//! `.stderr` means that standard error is empty.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// What is asked of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Runs and prints what real Go prints.
    Run,
    /// As `Run`, but without package clause; what it must do is asked of the Go program beside it.
    Script,
    /// As `Run`, and also shown to people.
    Example,
    /// Is rejected with the errors that real Go reports.
    Check,
    /// As `Run`; the script is a folder with a `go.mod`.
    Program,
    /// As `Check`; the script is a folder with a `go.mod`.
    PackageCheck,
    /// Is valid Go that golite refuses for now.
    KnownGap,
}

/// One script with its expectations.
#[derive(Clone, Debug)]
pub struct Case {
    /// `run/closures/loop_variable`: the path without its extension.
    pub name: String,
    pub kind: Kind,
    /// The script (or folder of a program), relative to the root of the repository.
    pub script: PathBuf,
    root: PathBuf,
}

/// What a program did, or is expected to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// The exit status; `None` when a signal ended the program.
    pub status: Option<i32>,
    pub timed_out: bool,
}

/// Every script of the repository at `root`, in order of name.
///
/// # Errors
/// When a folder cannot be read.
pub fn cases(root: &Path) -> io::Result<Vec<Case>> {
    let folders = [
        ("tests/run", Kind::Run),
        ("tests/scripts", Kind::Script),
        ("examples", Kind::Example),
        ("tests/check", Kind::Check),
        ("tests/known_gaps", Kind::KnownGap),
    ];
    let mut cases = Vec::new();
    for (folder, kind) in folders {
        collect(root, Path::new(folder), kind, &mut cases)?;
    }
    for (folder, kind) in [
        ("tests/packages/run", Kind::Program),
        ("tests/packages/check", Kind::PackageCheck),
    ] {
        for entry in fs::read_dir(root.join(folder))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                cases.push(Case::new(
                    root,
                    Path::new(folder).join(entry.file_name()),
                    kind,
                ));
            }
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

fn collect(root: &Path, folder: &Path, kind: Kind, cases: &mut Vec<Case>) -> io::Result<()> {
    let entries = match fs::read_dir(root.join(folder)) {
        // There may be no known gap.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            collect(root, &path, kind, cases)?;
        } else if path.extension().is_some_and(|extension| extension == "gl") {
            cases.push(Case::new(root, path, kind));
        }
    }
    Ok(())
}

impl Case {
    fn new(root: &Path, script: PathBuf, kind: Kind) -> Case {
        let name = script.with_extension("").display().to_string();
        Case {
            name: name.strip_prefix("tests/").unwrap_or(&name).to_owned(),
            kind,
            script,
            root: root.to_owned(),
        }
    }

    /// The file beside the script with another extension.
    pub fn beside(&self, extension: &str) -> PathBuf {
        self.root.join(&self.script).with_extension(extension)
    }

    /// The script's text.
    ///
    /// # Errors
    /// When the script cannot be read.
    pub fn text(&self) -> io::Result<String> {
        fs::read_to_string(self.root.join(&self.script))
    }

    /// The text that real Go understands.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn go_text(&self) -> io::Result<String> {
        match self.kind {
            Kind::Script => fs::read_to_string(self.beside("go")),
            _ => self.text(),
        }
    }

    /// True when one of the first lines is `// golden: FLAG`.
    pub fn has_flag(&self, flag: &str) -> bool {
        let wanted = format!("// golden: {flag}");
        self.text()
            .is_ok_and(|text| text.lines().take(8).any(|line| line.starts_with(&wanted)))
    }

    /// The program's arguments.
    pub fn arguments(&self) -> Vec<String> {
        let text = fs::read_to_string(self.beside("args")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// What the program reads from standard input.
    pub fn stdin(&self) -> Vec<u8> {
        fs::read(self.beside("stdin")).unwrap_or_default()
    }

    /// What the program must do; `stderr` holds only the head.
    pub fn expected(&self) -> Outcome {
        let status = fs::read_to_string(self.beside("status")).ok();
        Outcome {
            stdout: fs::read(self.beside("stdout")).unwrap_or_default(),
            stderr: fs::read(self.beside("stderr")).unwrap_or_default(),
            status: status.map_or(Some(0), |text| text.trim().parse().ok()),
            timed_out: false,
        }
    }

    /// The lines that the checker must print.
    pub fn expected_errors(&self) -> String {
        fs::read_to_string(self.beside("errors")).unwrap_or_default()
    }
}

/// The part of standard error that two implementations share: everything up to the first
/// empty line (the trace follows it), without the lines that name addresses.
pub fn stderr_head(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines = text.lines().take_while(|line| !line.is_empty());
    lines
        .filter(|line| !line.starts_with("[signal ") && !line.starts_with("runtime: sp="))
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// Diagnostics as they are compared: one line each (and its indented continuation lines), files
/// by their name alone and with extension `.gl`, without golite's code at the end, and without
/// what only Go's other tools add (the toolchain's folder, the linker's symbol).
pub fn error_lines(stderr: &[u8]) -> String {
    const NO_MAIN: &str = "function main is undeclared in the main package";
    let mut lines = String::new();
    for line in String::from_utf8_lossy(stderr).lines() {
        if line.starts_with("# ") || line.is_empty() {
            continue;
        }
        let line = line.replace("./", "").replace(".go:", ".gl:");
        let line = match line.rsplit_once(" [E") {
            Some((before, code)) if code.len() == 5 && code.ends_with(']') => before,
            _ => &line,
        };
        let line = match line.split_once(" is not in std (") {
            Some((before, _)) => format!("{before} is not in std"),
            None if line.ends_with(NO_MAIN) => NO_MAIN.to_owned(),
            None => line.to_owned(),
        };
        lines.push_str(&line);
        lines.push('\n');
    }
    lines
}

/// Runs `command` to its end, or kills it when `limit` has passed.
///
/// # Errors
/// When the program cannot be started.
pub fn run(command: &mut Command, stdin: Vec<u8>, limit: Duration) -> io::Result<Outcome> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // What a test sees does not depend on what ran before it, and a run of tests does not crowd out what the user keeps.
    if !command.get_envs().any(|(name, _)| name == "GOLITE_CACHE") {
        command.env("GOLITE_CACHE", "off");
    }
    let begin = Instant::now();
    let mut child = loop {
        match command.spawn() {
            // The file was written a moment ago, and another thread's child, not yet at its own program, still has it open for writing.
            Err(error)
                if error.kind() == io::ErrorKind::ExecutableFileBusy && begin.elapsed() < limit =>
            {
                thread::sleep(Duration::from_millis(2));
            }
            child => break child?,
        }
    };
    let (sender, receiver) = mpsc::channel();
    if let Some(mut pipe) = child.stdin.take() {
        // A program need not read its input: a broken pipe is no failure.
        thread::spawn(move || pipe.write_all(&stdin));
    }
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|pipe| Box::new(pipe) as _),
        child.stderr.take().map(|pipe| Box::new(pipe) as _),
    ];
    for (index, stream) in streams.into_iter().enumerate() {
        let sender = sender.clone();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut stream) = stream {
                // What was read before an error is what the program wrote.
                let _ = stream.read_to_end(&mut bytes);
            }
            let _ = sender.send((index, bytes));
        });
    }
    let mut outcome = Outcome::default();
    for _ in 0..2 {
        match receiver.recv_timeout(limit) {
            Ok((0, bytes)) => outcome.stdout = bytes,
            Ok((_, bytes)) => outcome.stderr = bytes,
            Err(_) => {
                outcome.timed_out = true;
                child.kill()?;
                break;
            }
        }
    }
    outcome.status = child.wait()?.code();
    Ok(outcome)
}
