//! How often an idle program wakes up: sleeps some seconds with everybody asleep and prints the context switches of all threads.
//!
//! `cargo run --release -p golite-runtime --example idle`

#[path = "../tests/toy/mod.rs"]
mod toy;

use golite_runtime::Outcome;
use toy::*;

fn switches() -> u64 {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return 0;
    };
    tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("status")).ok())
        .filter_map(|status| {
            let line = status
                .lines()
                .find(|line| line.starts_with("voluntary_ctxt_switches"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .sum()
}

fn main() {
    let (_, outcome) = run_with(Toy::default(), options(2), async {
        go(async { sleep(3_600_000_000_000).await });
        sleep(100_000_000).await;
        let before = switches();
        sleep(3_000_000_000).await;
        println!("context switches in 3 s of sleep: {}", switches() - before);
        let before = switches();
        for _ in 0..1000 {
            sleep(1_000_000).await;
        }
        println!(
            "context switches for 1000 sleeps of 1 ms: {}",
            switches() - before
        );
    });
    assert!(matches!(outcome, Outcome::MainExited));
}
