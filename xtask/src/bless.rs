//! Expectations from the real Go toolchain.

use crate::suite::{self, Case, Kind, Outcome};
use crate::test_suite::{self, TestCase};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

/// Regenerates the expectations of all scripts whose name contains `filter`.
/// Returns how many could not be blessed; the reasons are printed.
///
/// # Errors
/// When the scripts cannot be found or a temporary folder cannot be made.
pub fn bless(filter: &str) -> io::Result<usize> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the root");
    let go = std::env::var_os("GO").unwrap_or_else(|| "go".into());
    let workshop = std::env::temp_dir().join(format!("golite-bless-{}", std::process::id()));
    fs::create_dir_all(&workshop)?;
    let toolchain = Toolchain {
        go: go.into(),
        workshop,
        root: root.to_owned(),
    };
    let mut failures = 0;
    for case in suite::cases(root)?
        .into_iter()
        .filter(|case| case.name.contains(filter) && !case.has_flag("own"))
    {
        let result = match case.kind {
            Kind::Run | Kind::Script | Kind::Example | Kind::Program => toolchain.bless_run(&case),
            Kind::Check | Kind::PackageCheck => toolchain.bless_check(&case),
            Kind::KnownGap => toolchain
                .build(&case, &[])
                .and_then(|outcome| accepted(&outcome)),
        };
        match result {
            Ok(()) => println!("blessed {}", case.name),
            Err(error) => {
                failures += 1;
                eprintln!("FAILED  {}: {error}", case.name);
            }
        }
    }
    for case in test_suite::cases(root)?
        .into_iter()
        .filter(|case| case.name.contains(filter))
    {
        match toolchain.bless_tests(&case) {
            Ok(()) => println!("blessed {}", case.name),
            Err(error) => {
                failures += 1;
                eprintln!("FAILED  {}: {error}", case.name);
            }
        }
    }
    fs::remove_dir_all(&toolchain.workshop)?;
    Ok(failures)
}

struct Toolchain {
    go: PathBuf,
    workshop: PathBuf,
    root: PathBuf,
}

impl Toolchain {
    fn program(&self) -> PathBuf {
        self.workshop.join("program")
    }

    /// Compiles the script as a Go file of the same name, or a folder with all its files named so.
    fn build(&self, case: &Case, flags: &[&str]) -> io::Result<Outcome> {
        let mut command = Command::new(&self.go);
        command
            .arg("build")
            .args(flags)
            .arg("-o")
            .arg(self.program());
        if matches!(case.kind, Kind::Program | Kind::PackageCheck) {
            let folder = self.workshop.join("module");
            copy_as_go(&self.root.join(&case.script), &folder)?;
            command.arg(".").current_dir(&folder);
            let outcome = suite::run(&mut command, Vec::new(), LIMIT);
            fs::remove_dir_all(&folder)?;
            return outcome;
        }
        let source = self.workshop.join(
            case.script
                .with_extension("go")
                .file_name()
                .unwrap_or_default(),
        );
        fs::write(&source, case.go_text()?)?;
        let data = case.beside("data");
        let copied = data.file_name().map(|name| self.workshop.join(name));
        if let Some(copied) = copied.filter(|_| data.exists()) {
            fs::copy(&data, copied)?;
        }
        command
            .arg(source.file_name().unwrap_or_default())
            .current_dir(&self.workshop);
        let outcome = suite::run(&mut command, Vec::new(), LIMIT);
        fs::remove_file(&source)?;
        outcome
    }

    fn bless_run(&self, case: &Case) -> io::Result<()> {
        accepted(&self.build(case, &[])?)?;
        let outcomes = ["1", "4"].map(|processors| {
            let mut command = Command::new(self.program());
            command
                .args(case.arguments())
                .current_dir(&self.root)
                .env("GOMAXPROCS", processors);
            let mut outcome = suite::run(&mut command, case.stdin(), LIMIT)?;
            outcome.stderr = suite::stderr_head(&outcome.stderr).into_bytes();
            Ok::<_, io::Error>(outcome)
        });
        let [one, four] = outcomes;
        let (one, four) = (one?, four?);
        if one != four {
            return Err(io::Error::other(
                "the outcome differs between one and four processors",
            ));
        }
        let Some(status) = one.status else {
            return Err(io::Error::other("ended by a signal or a timeout"));
        };
        write_unless_empty(&case.beside("stdout"), &one.stdout)?;
        write_unless_empty(&case.beside("stderr"), &one.stderr)?;
        let status = if status == 0 {
            String::new()
        } else {
            format!("{status}\n")
        };
        write_unless_empty(&case.beside("status"), status.as_bytes())
    }

    fn bless_tests(&self, case: &TestCase) -> io::Result<()> {
        let folder = self.workshop.join("module");
        copy_as_go(&case.folder, &folder)?;
        let transcript = case.transcript(&self.go, &folder);
        fs::remove_dir_all(&folder)?;
        fs::write(case.expectation(), transcript?)
    }

    fn bless_check(&self, case: &Case) -> io::Result<()> {
        // -e: all errors, not only the first ten.
        let outcome = self.build(case, &["-gcflags=-e"])?;
        if outcome.status == Some(0) {
            return Err(io::Error::other("Go accepts this program"));
        }
        write_unless_empty(
            &case.beside("errors"),
            suite::error_lines(&outcome.stderr).as_bytes(),
        )
    }
}

/// Copies a folder, with `.gl` files as `.go` files and links as links.
fn copy_as_go(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let Some(name) = path.file_name().map(Path::new) else {
            continue;
        };
        if let Ok(target) = fs::read_link(&path) {
            std::os::unix::fs::symlink(target, to.join(name))?;
        } else if path.is_dir() {
            copy_as_go(&path, &to.join(name))?;
        } else if name.extension().is_some_and(|extension| extension == "gl") {
            fs::copy(&path, to.join(name.with_extension("go")))?;
        } else {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

fn accepted(build: &Outcome) -> io::Result<()> {
    if build.status == Some(0) {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "go build: {}",
        String::from_utf8_lossy(&build.stderr)
    )))
}

/// An absent file is the expectation of nothing.
fn write_unless_empty(path: &Path, contents: &[u8]) -> io::Result<()> {
    if !contents.is_empty() {
        return fs::write(path, contents);
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
