//! `golite test`: the tests of packages, each package's as a program of its own, and what `go test` says of how they end.
//!
//! A package is tested by another golite process (`program`), so that no test can end more than its own package's tests: it may exit,
//! crash, change its folder or its environment. What that process prints before [`STARTED`] are errors of the text; what follows is the
//! program's. GO: cmd/go/internal/test.

mod executable;
mod flags;
mod json;
mod packages;
mod program;

use super::{ERROR_LIMIT, module_cache};
use crate::arguments::Settings;
use flags::Plan;
use golite::loader::coverage::FileBlocks;
use packages::Package;
use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

pub use executable::started_again;
pub use flags::names as flag_names;
pub use program::run as run_program;

/// The line that a test program's process prints when the program starts.
const STARTED: &[u8] = b"\x16golite: the test program starts\n";

/// The exit status of a test program's process when its packages are not all there.
const SETUP_FAILED: u8 = 4;

/// Tests what the words name.
pub fn test(words: &[String], settings: Settings, benchmarks: bool) -> ExitCode {
    let plan = match flags::parse(words, settings, benchmarks) {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("golite: {}", error.0);
            return ExitCode::from(2);
        }
    };
    let cache = module_cache();
    let mut packages = packages::find(&plan, cache.as_deref());
    let profiles = [
        ("-cpuprofile", &plan.cpu_profile),
        ("-memprofile", &plan.memory_profile),
    ];
    for (flag, file) in profiles {
        if file.is_some() && packages.len() > 1 {
            eprintln!("golite: test: cannot use {flag} flag with multiple packages");
            return ExitCode::from(2);
        }
    }
    packages::cover(&plan, &mut packages, cache.as_deref());
    let packages = packages;
    if packages.is_empty() {
        eprintln!("golite: no packages to test");
        return ExitCode::FAILURE;
    }
    let mut profile = Vec::new();
    let mut failed = run_all(&plan, &packages, &mut profile);
    if let Some(file) = &plan.cover.profile {
        let file = plan.output(file);
        let mode = plan.cover.mode.unwrap_or_default().name();
        let text = [format!("mode: {mode}\n").as_bytes(), &profile].concat();
        if let Err(error) = std::fs::write(&file, text) {
            eprintln!("golite: test: {}: {error}", file.display());
            failed = true;
        }
    }
    if failed && !plan.json && !plan.packages.is_empty() {
        super::print("FAIL\n");
    }
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Where the output of a package's tests goes.
enum Sink {
    /// On, as it comes.
    Standard,
    /// Into a buffer, until all packages before have printed theirs.
    Buffer(Vec<u8>),
}

impl Sink {
    fn write(&mut self, bytes: &[u8]) {
        match self {
            // Whoever went away wants no more.
            Sink::Standard => {
                let mut stdout = io::stdout().lock();
                let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
            }
            Sink::Buffer(buffer) => buffer.extend_from_slice(bytes),
        }
    }
}

/// What has come of a package's tests.
struct Outcome {
    failed: bool,
    /// Errors of its text.
    errors: Vec<u8>,
    output: Vec<u8>,
    /// Lines of a coverage profile, if one is wanted.
    covered: Vec<u8>,
}

/// Runs the tests of all packages, several at once unless they show what they do, and prints in order. Has anything failed?
fn run_all(plan: &Plan, packages: &[Package], profile: &mut Vec<u8>) -> bool {
    let streams = plan.packages.is_empty()
        || plan.benchmarks
        || (plan.verbose || plan.list || plan.json) && packages.len() == 1;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = match plan.at_once {
        _ if streams || plan.benchmarks => 1,
        at_once => at_once.unwrap_or(processors).min(packages.len()),
    };
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    let mut failed = false;
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (sender, next, stop) = (sender.clone(), &next, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(package) = packages.get(index) else {
                        return;
                    };
                    let outcome = run_package(plan, package, streams);
                    if outcome.failed && plan.fail_fast {
                        stop.store(true, Ordering::Relaxed);
                    }
                    if sender.send((index, outcome)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting: Vec<Option<Outcome>> = packages.iter().map(|_| None).collect();
        let mut printed = 0;
        for (index, outcome) in receiver {
            waiting[index] = Some(outcome);
            while let Some(outcome) = waiting.get_mut(printed).and_then(Option::take) {
                failed |= outcome.failed;
                let _ = io::stderr().write_all(&outcome.errors);
                Sink::Standard.write(&outcome.output);
                profile.extend_from_slice(&outcome.covered);
                printed += 1;
            }
        }
    });
    failed
}

fn run_package(plan: &Plan, package: &Package, streams: bool) -> Outcome {
    let sink = if streams {
        Sink::Standard
    } else {
        Sink::Buffer(Vec::new())
    };
    let mut run = Run {
        plan,
        package,
        printer: Printer::new(plan, package, sink),
        errors: Vec::new(),
        covered: Vec::new(),
    };
    let failed = run.package();
    let output = match run.printer.finish(failed) {
        Sink::Buffer(output) => output,
        Sink::Standard => Vec::new(),
    };
    Outcome {
        failed,
        errors: run.errors,
        covered: run.covered,
        output,
    }
}

/// Prints lines as they are, or as JSON.
struct Printer {
    sink: Sink,
    converter: Option<json::Converter>,
}

impl Printer {
    fn new(plan: &Plan, package: &Package, mut sink: Sink) -> Printer {
        let converter = plan
            .json
            .then(|| json::Converter::new(&package.path, &mut |line| sink.write(line)));
        Printer { sink, converter }
    }

    fn print(&mut self, bytes: &[u8]) {
        let sink = &mut self.sink;
        match &mut self.converter {
            Some(converter) => converter.write(bytes, &mut |line| sink.write(line)),
            None => sink.write(bytes),
        }
    }

    fn finish(mut self, failed: bool) -> Sink {
        let sink = &mut self.sink;
        if let Some(converter) = self.converter {
            converter.finish(failed, &mut |line| sink.write(line));
        }
        self.sink
    }
}

/// The tests of one package on their way.
struct Run<'a> {
    plan: &'a Plan,
    package: &'a Package,
    printer: Printer,
    errors: Vec<u8>,
    covered: Vec<u8>,
}

/// How a test program ended.
struct Ended {
    /// Did it start at all?
    started: bool,
    output: Vec<u8>,
    status: std::process::ExitStatus,
    seconds: f64,
    /// Had it to be ended because it ran too long?
    killed: bool,
}

impl Run<'_> {
    /// Runs the tests and says how they ended. Have they failed?
    fn package(&mut self) -> bool {
        let path = &self.package.path;
        if let Err(message) = &self.package.input {
            self.errors = format!("# {path}\n{message}\n").into_bytes();
            let line = format!("FAIL\t{path} [setup failed]\n");
            self.printer.print(line.as_bytes());
            return true;
        }
        let seeds = match self.plan.settings.schedules {
            Some(count) if self.package.has_tests => {
                let first = self.plan.settings.seed.unwrap_or(1);
                (first..)
                    .take(usize::try_from(count).unwrap_or(usize::MAX))
                    .map(Some)
                    .collect()
            }
            _ => vec![self.plan.settings.seed],
        };
        let mut last = None;
        for seed in &seeds {
            match self.program(*seed, seeds.len() == 1) {
                Ok(ended) => {
                    let good = ended.started && ended.status.success();
                    last = Some((*seed, ended));
                    if !good {
                        break;
                    }
                }
                Err(error) => {
                    self.errors
                        .extend(format!("golite: test: {error}\n").bytes());
                    return true;
                }
            }
        }
        let Some((seed, ended)) = last else {
            return true;
        };
        if seeds.len() > 1 && ended.started {
            let shows = self.shows_passing() || !ended.status.success();
            if shows {
                self.printer.print(&ended.output);
            }
            if !ended.status.success()
                && let Some(seed) = seed
            {
                let words = self.plan.packages.join(" ");
                let note =
                    format!("golite: seed {seed} fails: golite test --seed {seed} {words}\n");
                self.errors.extend(note.bytes());
            }
        }
        self.report(&ended, seeds.len())
    }

    /// Is the output of tests that pass shown?
    fn shows_passing(&self) -> bool {
        self.plan.verbose
            || self.plan.list
            || self.plan.benchmarks
            || self.plan.packages.is_empty()
            || self.plan.json
    }

    /// Is the output looked at again, when all is done? What Go only passes on it does not.
    fn keeps_output(&self) -> bool {
        !self.plan.packages.is_empty() && !self.plan.benchmarks
    }

    /// Says how the tests ended. Have they failed?
    fn report(&mut self, ended: &Ended, schedules: usize) -> bool {
        let path = self.package.path.clone();
        if !ended.started {
            if ended.status.success() {
                let blocks = self.package.blocks();
                let line = match blocks.is_empty() {
                    true => format!("?   \t{path}\t[no test files]\n"),
                    false => format!("\t{path}\t\tcoverage: 0.0% of statements\n"),
                };
                for FileBlocks { file, mut blocks } in blocks {
                    blocks.sort_by_key(|block| (block.start, block.end));
                    for block in blocks {
                        let ((a, b), (c, d)) = (block.start, block.end);
                        let line = format!("{file}:{a}.{b},{c}.{d} {} 0\n", block.statements);
                        self.covered.extend_from_slice(line.as_bytes());
                    }
                }
                self.printer.print(line.as_bytes());
                return false;
            }
            let variant = if self.package.has_tests {
                format!("{path} [{path}.test]")
            } else {
                path.clone()
            };
            let mut errors = format!("# {variant}\n").into_bytes();
            errors.extend_from_slice(&ended.output);
            self.errors.splice(0..0, errors);
            let what = match ended.status.code() {
                Some(code) if code == i32::from(SETUP_FAILED) => "setup failed",
                _ => "build failed",
            };
            let line = format!("FAIL\t{path} [{what}]\n");
            self.printer.print(line.as_bytes());
            return true;
        }
        let time = format!("{:.3}s", ended.seconds);
        if ended.status.success() {
            let said = |text: &str| {
                let line = format!("{text}\n").into_bytes();
                ended.output.starts_with(&line)
                    || ended
                        .output
                        .windows(line.len() + 1)
                        .any(|part| part[0] == b'\n' && part[1..] == line[..])
            };
            let mut note = "";
            if self.keeps_output() && said("testing: warning: no tests to run") {
                note = " [no tests to run]";
            }
            let schedules = match schedules {
                1 => String::new(),
                count => format!("\t({count} schedules)"),
            };
            if self.shows_passing() && !ended.output.is_empty() && !ended.output.ends_with(b"\n") {
                self.printer.print(b"\n");
            }
            let share = match self.plan.cover.wanted && self.keeps_output() {
                true => share(&ended.output),
                false => String::new(),
            };
            let line = format!("ok  \t{path}\t{time}{share}{note}{schedules}\n");
            self.printer.print(line.as_bytes());
            return false;
        }
        if ended.killed {
            let line = format!(
                "*** Test killed: ran too long ({:?}).\n",
                kill_after(self.plan.timeout)
            );
            self.printer.print(line.as_bytes());
        }
        let code = ended.status.code();
        if code.is_none() || ended.output.is_empty() || !self.keeps_output() {
            let how = match code {
                Some(code) => format!("exit status {code}\n"),
                None => format!("{}\n", signal_text(ended.status)),
            };
            self.printer.print(how.as_bytes());
        } else if !ended.output.ends_with(b"\n") {
            self.printer.print(b"\n");
        }
        let prefix = if self.plan.json { "\x16" } else { "" };
        let line = format!("{prefix}FAIL\t{path}\t{time}\n");
        self.printer.print(line.as_bytes());
        true
    }

    /// Runs the test program, under a seed perhaps. What it prints is passed on, if `live`, as it comes.
    fn program(&mut self, seed: Option<u64>, live: bool) -> io::Result<Ended> {
        let Ok(input) = &self.package.input else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let (mut reader, writer) = io::pipe()?;
        let mut settings = self.plan.settings;
        if let Some(file) = &self.plan.cpu_profile {
            let file = self.plan.output(file).display().to_string();
            settings.profile.cpu = Some(Box::leak(file.into_boxed_str()));
        }
        if let Some(file) = &self.plan.memory_profile {
            let file = self.plan.output(file).display().to_string();
            settings.memory_profile = Some(Box::leak(file.into_boxed_str()));
        }
        let mut command = Command::new(std::env::current_exe()?);
        let mut words = program::words(
            input,
            self.package.has_tests,
            &self.plan.rules,
            &settings,
            seed,
        );
        // Without the file the tests run all the same, but those that start themselves.
        let _executable = executable::Executable::new(&self.package.path, &mut words).ok();
        command.args(words);
        let mut profile = None;
        command.arg("--");
        if self.plan.cover.profile.is_some() && self.package.has_tests {
            let name = format!(
                "golite-cover-{}-{}",
                std::process::id(),
                NEXT_PROFILE.fetch_add(1, Ordering::Relaxed)
            );
            let file = std::env::temp_dir().join(name);
            command.arg(format!("-test.coverprofile={}", file.display()));
            profile = Some(file);
        }
        command.args(&self.plan.program);
        command
            .env("PWD", &input.folder)
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer);
        let mut start = Instant::now();
        let child = command.spawn()?;
        // The command holds ends of the pipe, which would never be at its end.
        drop(command);
        let guard = Guard::new(child, kill_after(self.plan.timeout));
        let mut output = Vec::new();
        let mut buffer = [0; 1 << 14];
        let mut started = false;
        // Of a program that passes nothing need be shown: then only the end decides.
        let at_once = live && self.shows_passing();
        loop {
            let count = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            output.extend_from_slice(&buffer[..count]);
            if !started {
                let Some(at) = position(&output, STARTED) else {
                    continue;
                };
                // Warnings of the checker.
                self.errors.extend(output.drain(..at));
                output.drain(..STARTED.len());
                started = true;
                start = Instant::now();
                if at_once {
                    self.printer.print(&output);
                }
            } else if at_once {
                self.printer.print(&buffer[..count]);
            }
        }
        let (status, killed) = guard.wait()?;
        if let Some(file) = profile {
            // A program that has crashed has written none.
            if let Ok(text) = std::fs::read(&file) {
                let head = text.iter().position(|byte| *byte == b'\n');
                self.covered = text[head.map_or(text.len(), |at| at + 1)..].to_vec();
            }
            let _ = std::fs::remove_file(&file);
        }
        let ended = Ended {
            started,
            output,
            status,
            seconds: start.elapsed().as_secs_f64(),
            killed,
        };
        if started && live && !at_once && !ended.status.success() {
            self.printer.print(&ended.output);
        }
        Ok(ended)
    }
}

/// Tells files of coverage apart.
static NEXT_PROFILE: AtomicUsize = AtomicUsize::new(0);

/// What a program's output says of the statements it has run. GO: `coveragePercentage`
fn share(output: &[u8]) -> String {
    let lines = output.split(|byte| *byte == b'\n');
    let mut lines = lines.map(String::from_utf8_lossy);
    lines
        .find_map(|line| Some(format!("\tcoverage: {}", line.split_once("coverage: ")?.1)))
        .unwrap_or_default()
}

/// A program gets a minute more than its tests, to say itself that they took too long. GO: `testKillTimeout`.
fn kill_after(timeout: Duration) -> Duration {
    timeout.saturating_add(Duration::from_secs(60))
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

fn signal_text(status: std::process::ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        Some(signal_hook::consts::SIGKILL) => "signal: killed".to_owned(),
        Some(signal_hook::consts::SIGQUIT) => "signal: quit".to_owned(),
        Some(signal_hook::consts::SIGTERM) => "signal: terminated".to_owned(),
        Some(signal_hook::consts::SIGSEGV) => "signal: segmentation fault".to_owned(),
        Some(signal_hook::consts::SIGABRT) => "signal: aborted".to_owned(),
        Some(signal_hook::consts::SIGINT) => "signal: interrupt".to_owned(),
        Some(number) => format!("signal: {number}"),
        None => status.to_string(),
    }
}

/// Ends a process that runs too long.
struct Guard {
    thread: std::thread::JoinHandle<io::Result<(std::process::ExitStatus, bool)>>,
    done: mpsc::Sender<()>,
}

impl Guard {
    fn new(mut child: Child, after: Duration) -> Guard {
        let (done, is_done) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let late = is_done.recv_timeout(after) == Err(mpsc::RecvTimeoutError::Timeout);
            if late {
                child.kill()?;
            }
            Ok((child.wait()?, late))
        });
        Guard { thread, done }
    }

    /// Waits for the process, which has closed its output.
    fn wait(self) -> io::Result<(std::process::ExitStatus, bool)> {
        // It is gone if the time was over.
        let _ = self.done.send(());
        self.thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("waiting for the test program failed")))
    }
}
