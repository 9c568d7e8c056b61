//! `soak`: does the tests that stand in the table of `docs/scheduler.md` again and again, alone and beside threads that keep every processor busy.
//! What is seen once in a thousand runs is seen here, not by users.

use std::{
    collections::BTreeSet,
    fs, io,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
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
            let output = Command::new("cargo")
                .args([
                    "test",
                    "--quiet",
                    "--no-fail-fast",
                    "--package",
                    "golite-runtime",
                ])
                .args(["--package", "golite", "--"])
                .args(&names)
                .output()?;
            let how = if loaded { "under load" } else { "alone" };
            if output.status.success() {
                println!("{how}, round {round}: ok");
            } else {
                failed += 1;
                println!("{how}, round {round}: FAILED");
                println!("{}", String::from_utf8_lossy(&output.stdout));
                println!("{}", String::from_utf8_lossy(&output.stderr));
            }
        }
    }
    Ok(failed)
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
