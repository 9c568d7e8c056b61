//! What the scheduler costs by itself: a toy engine whose goroutines are Rust futures.
//!
//! `cargo run --release -p golite-runtime --example microbench [processors] [name]`

#[path = "../tests/toy/mod.rs"]
mod toy;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

use golite_runtime::{Outcome, Switch, WaitReason};
use toy::*;

/// The CPU time of the process, in nanoseconds.
fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let _ = text;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or("")
        .split_whitespace()
        .collect();
    let ticks: u64 = fields
        .get(11..13)
        .map_or(0, |f| f.iter().filter_map(|t| t.parse::<u64>().ok()).sum());
    ticks * 10_000_000
}

fn measure(
    name: &str,
    processors: usize,
    count: u64,
    body: impl Future<Output = ()> + Send + 'static,
) {
    if std::env::args().nth(2).is_some_and(|wanted| wanted != name) {
        return;
    }
    let (start, cpu_start) = (Instant::now(), cpu());
    let (_, outcome) = run_with(Toy::default(), options(processors), body);
    assert!(matches!(outcome, Outcome::MainExited));
    println!(
        "{name:12} {:8.1} ns wall {:8.1} ns cpu",
        start.elapsed().as_nanos() as f64 / count as f64,
        (cpu() - cpu_start) as f64 / count as f64
    );
}

fn main() {
    let processors = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(1);
    const N: u64 = 2_000_000;

    measure("pingpong", processors, N, async {
        let (ping, pong) = (chan(0), chan(0));
        let (a, b) = (ping.clone(), pong.clone());
        go(async move {
            while let Some(v) = a.recv().await {
                b.send(v + 1).await;
                safepoint().await;
            }
        });
        for i in 0..N {
            ping.send(i).await;
            pong.recv().await;
            safepoint().await;
        }
    });
    measure("yield", processors, N, async {
        go(async {
            loop {
                gosched().await;
            }
        });
        for _ in 0..N {
            gosched().await;
        }
    });
    measure("ring", processors, N, async {
        let first = chan(0);
        let mut last = first.clone();
        for _ in 0..503 {
            let next = chan(0);
            let (from, to) = (last, next.clone());
            go(async move {
                while let Some(v) = from.recv().await {
                    to.send(v + 1).await;
                    safepoint().await;
                }
            });
            last = next;
        }
        let sender = first.clone();
        go(async move {
            sender.send(0).await;
        });
        for _ in 0..N / 503 {
            let v = last.recv().await.unwrap();
            first.send(v).await;
        }
        let _ = last.recv().await;
    });
    measure("spawn", processors, 1_000_000, async {
        let left = Arc::new(AtomicU32::new(1_000_000));
        let done = chan(0);
        for _ in 0..1_000_000 {
            let (left, done) = (left.clone(), done.clone());
            go(async move {
                if left.fetch_sub(1, Ordering::AcqRel) == 1 {
                    done.send(0).await;
                }
            });
            safepoint().await;
        }
        done.recv().await;
    });
    measure("fanout", processors, 1_000_000, async {
        let (jobs, results) = (chan(16), chan(16));
        for _ in 0..8 {
            let (jobs, results) = (jobs.clone(), results.clone());
            go(async move {
                while let Some(v) = jobs.recv().await {
                    results.send(v * 2).await;
                    safepoint().await;
                }
            });
        }
        let sender = jobs.clone();
        go(async move {
            for i in 0..1_000_000 {
                sender.send(i).await;
                safepoint().await;
            }
        });
        for _ in 0..1_000_000 {
            results.recv().await;
            safepoint().await;
        }
    });
    measure("select", processors, N, async {
        let channels = [chan(0), chan(0), chan(0), chan(0)];
        for c in channels.clone() {
            go(async move {
                loop {
                    c.send(1).await;
                    safepoint().await;
                }
            });
        }
        for _ in 0..N {
            let cases: [Case<'_>; 4] = [
                (&channels[0], None),
                (&channels[1], None),
                (&channels[2], None),
                (&channels[3], None),
            ];
            select_any(&cases).await;
            safepoint().await;
        }
    });
    measure("blocking", processors, N, async {
        for i in 0..N {
            blocking(move || i).await;
        }
    });
    measure("sema", processors, N, async {
        let (a, b) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let (a2, b2) = (a.clone(), b.clone());
        go(async move {
            loop {
                sem_acquire(&a2).await;
                sem_release(&b2).await;
                safepoint().await;
            }
        });
        for _ in 0..N {
            sem_release(&a).await;
            sem_acquire(&b).await;
            safepoint().await;
        }
    });
    measure("sleepers", processors, 100_000, async {
        let done = chan(0);
        for _ in 0..100_000 {
            let done = done.clone();
            go(async move {
                sleep(10_000_000).await;
                done.send(0).await;
            });
        }
        for _ in 0..100_000 {
            done.recv().await;
        }
    });
    measure("parked", processors, 1_000_000, async {
        let c = chan(0);
        for _ in 0..1_000_000 {
            let c = c.clone();
            go(async move {
                c.recv().await;
            });
        }
        for _ in 0..3 {
            gosched().await;
        }
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let rss = status
            .lines()
            .find(|line| line.starts_with("VmRSS"))
            .unwrap_or("")
            .to_string();
        println!("a million parked: {rss}");
        leave(Switch::Yield).await;
        let _ = WaitReason::Zero;
    });
}
