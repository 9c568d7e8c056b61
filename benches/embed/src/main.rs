//! What the border between a Rust program and its scripts costs, in golite and in its peers, side by side in one run.
//!
//! `cargo run --release` in this folder; words behind it choose works by name. `cargo build --release --no-default-features` leaves the peers out, for a
//! profile: `callgrind target/release/golite-embed-bench --once "call into"`.
//!
//! Each figure is CPU time of the whole process for one operation: the least of many batches, which the peers run in turns, so that what else the
//! machine does meets all alike.

mod golite_works;
#[cfg(feature = "lua")]
mod lua_works;
#[cfg(feature = "rhai")]
mod rhai_works;
#[cfg(feature = "rune")]
mod rune_works;
#[cfg(feature = "wasmtime")]
mod wasmtime_works;

/// What is measured, by name. Each peer has those that mean something in it.
pub const WORKS: &[&str] = &[
    "call of a host function",
    "call into a script",
    "making a VM",
    "1 KB string to a script",
    "1 KB string to the host",
    "struct to a script",
];

/// One work of one peer: does it so many times.
pub struct Work {
    /// One of [`WORKS`].
    pub name: &'static str,
    /// Whose work it is.
    pub peer: &'static str,
    /// Does it so many times.
    pub run: Box<dyn FnMut(u64)>,
}

impl Work {
    /// A row of a peer's table.
    pub fn new(name: &'static str, peer: &'static str, run: impl FnMut(u64) + 'static) -> Work {
        assert!(WORKS.contains(&name), "{name}");
        Work {
            name,
            peer,
            run: Box::new(run),
        }
    }
}

/// A kilobyte of text.
pub fn kilobyte() -> String {
    "0123456789abcdef".repeat(64)
}

/// CPU time of this process, in nanoseconds.
fn cpu_time() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a timespec of this function's own.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0, "no clock of the process");
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn measured(work: &mut Work, count: u64) -> u64 {
    let start = cpu_time();
    (work.run)(count);
    cpu_time() - start
}

fn main() {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let once = words.first().is_some_and(|word| word == "--once");
    if once {
        words.remove(0);
    }
    let mut works = golite_works::works();
    #[cfg(feature = "lua")]
    works.extend(lua_works::works());
    #[cfg(feature = "rhai")]
    works.extend(rhai_works::works());
    #[cfg(feature = "rune")]
    works.extend(rune_works::works());
    #[cfg(feature = "wasmtime")]
    works.extend(wasmtime_works::works());
    for name in WORKS {
        if !words.is_empty() && !words.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        let mut rows: Vec<(&mut Work, u64, f64)> = works
            .iter_mut()
            .filter(|work| work.name == *name)
            .map(|work| (work, 1, f64::INFINITY))
            .collect();
        if once {
            for (work, ..) in &mut rows {
                (work.run)(10_000);
            }
            continue;
        }
        // Batches of about two milliseconds: short enough that some of them are not disturbed.
        for (work, count, _) in &mut rows {
            while measured(work, *count) < 2_000_000 {
                *count *= 2;
            }
        }
        for _ in 0..300 {
            for (work, count, best) in &mut rows {
                *best = best.min(measured(work, *count) as f64 / *count as f64);
            }
        }
        let first = rows
            .iter()
            .filter(|(work, ..)| work.peer != "wasmtime")
            .fold(f64::INFINITY, |best, (.., time)| best.min(*time));
        println!("{name}");
        for (work, _, best) in rows {
            println!(
                "    {:<16} {best:>10.1} ns   {:.2}",
                work.peer,
                best / first
            );
        }
    }
}
