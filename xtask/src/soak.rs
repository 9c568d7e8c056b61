//! `soak`: does the tests that stand in the table of `docs/scheduler.md` again and again, alone and beside threads that keep every processor busy.
//! What is seen once in a thousand runs is seen here, not by users. And runs the programs of `tests/waits`, which wait for nothing but timers, sockets,
//! signals or calls, thousands of times: none may be told that it has deadlocked, or hang.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const PAGE: &str = "docs/scheduler.md";

/// The names of tests in the last column of the page's table. Models have a build of their own.
fn tests_of(page: &str) -> BTreeSet<String> {
    page.lines()
        .filter(|line| line.starts_with("| S"))
        .filter_map(|line| line.trim_end_matches(['|', ' ']).rsplit('|').next())
        .flat_map(|column| column.split('`').skip(1).step_by(2))
        .filter(|name| {
            !name.starts_with("loom_")
                && name.contains('_')
                && name
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        })
        .map(str::to_owned)
        .collect()
}

/// Threads that do nothing, one for each processor, until this is dropped.
struct Load(Arc<AtomicBool>);

impl Load {
    fn begin() -> Load {
        let over = Arc::new(AtomicBool::new(false));
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            let over = Arc::clone(&over);
            thread::spawn(move || {
                // ORDERING: Relaxed; a flag.
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Load(over)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // ORDERING: Relaxed; a flag.
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Where the tests are. The scripts' harness, which takes one filter, is not among them.
const TARGETS: [&[&str]; 2] = [
    &[
        "--package",
        "golite-runtime",
        "--package",
        "golite-vm",
        "--lib",
        "--tests",
    ],
    &[
        "--package",
        "golite",
        "--test",
        "concurrency",
        "--test",
        "limits",
    ],
];

/// Does every test `rounds` times alone and as often under load. Answers how many rounds failed.
///
/// # Errors
/// The page cannot be read, or cargo not be started.
pub fn run(rounds: u32) -> io::Result<usize> {
    let names = tests_of(&fs::read_to_string(Path::new(PAGE))?);
    println!("{} tests", names.len());
    let mut failed = 0;
    for loaded in [false, true] {
        let _load = loaded.then(Load::begin);
        for round in 1..=rounds {
            let how = if loaded { "under load" } else { "alone" };
            let mut is_fine = true;
            for targets in TARGETS {
                let output = Command::new("cargo")
                    .args(["test", "--quiet", "--no-fail-fast"])
                    .args(targets)
                    .arg("--")
                    .args(&names)
                    .output()?;
                if !output.status.success() {
                    is_fine = false;
                    println!("{}", String::from_utf8_lossy(&output.stdout));
                    println!("{}", String::from_utf8_lossy(&output.stderr));
                }
            }
            failed += usize::from(!is_fine);
            println!(
                "{how}, round {round}: {}",
                if is_fine { "ok" } else { "FAILED" }
            );
        }
    }
    Ok(failed)
}

/// How long one of the programs that wait may take; it needs some hundredths of a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the programs of `tests/waits`, `runs` times in all, on one to four processors, with as many at a time as there are
/// processors. Answers how many runs did not end as they are to.
///
/// # Errors
/// The programs cannot be read, or golite not be started.
pub fn waits(golite: &str, runs: usize) -> io::Result<usize> {
    let mut programs: Vec<PathBuf> = fs::read_dir("tests/waits")?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    programs.sort();
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let worker = || -> io::Result<()> {
        loop {
            // ORDERING: Relaxed, here and below; counters.
            let run = next.fetch_add(1, Ordering::Relaxed);
            if run >= runs {
                return Ok(());
            }
            let program = &programs[run % programs.len()];
            let processors = run / programs.len() % 4 + 1;
            if let Some(what) = once(golite, program, processors)? {
                failed.fetch_add(1, Ordering::Relaxed);
                let program = program.display();
                println!("{program} with GOMAXPROCS={processors}, run {run}: {what}");
            }
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..thread::available_parallelism().map_or(1, usize::from))
            .map(|_| scope.spawn(worker))
            .collect();
        for worker in workers {
            match worker.join() {
                Ok(result) => result?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok::<(), io::Error>(())
    })?;
    println!("{runs} runs of {} programs", programs.len());
    Ok(failed.into_inner())
}

/// Runs a program that prints `done`; answers what is wrong.
fn once(golite: &str, program: &Path, processors: usize) -> io::Result<Option<String>> {
    let mut child = Command::new(golite)
        .arg("run")
        .arg(program)
        .env("GOMAXPROCS", processors.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let begin = Instant::now();
    // What it prints fits into a pipe, unless it fails at length; then it is ended here.
    while child.try_wait()?.is_none() {
        if begin.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok(Some(format!("no end after {PATIENCE:?}")));
        }
        thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output()?;
    let fine = output.status.success() && output.stdout == b"done\n" && output.stderr.is_empty();
    Ok((!fine).then(|| {
        format!(
            "{}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_are_those_of_the_last_column() {
        let page = "\
| | what | where | shown by |
| S1 | a `thing_of` | `file.rs` | `a_first_test`, `loom_a_model`, `tests/run/x.gl`, `net_ok` |
| S2 | b | `poll_word` | the models of `run_queue.rs` |";
        let names: Vec<_> = tests_of(page).into_iter().collect();
        assert_eq!(names, ["a_first_test", "net_ok"]);
    }

    #[test]
    fn the_page_names_tests() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(PAGE);
        assert!(tests_of(&fs::read_to_string(page).unwrap()).len() > 30);
    }
}
