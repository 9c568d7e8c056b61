//! Scripts that want to harm their host: each is ended with an error by whichever limit it meets first, alone and beside others, and leaves
//! nothing behind.
//!
//! Each script is done by one goroutine and by sixteen of its VM, within each limit alone and within all of them. What a limit does not end,
//! since the script never reaches it, the deadline does: so time is always limited, and a script that ends well is a failure.

mod scripts;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use golite::{Error, Golite, Limit, Program, VmBuilder};

use scripts::{INITIALISATIONS, REFUSED, SCRIPTS, huge};

/// What each script may take in wall-clock time.
const DEADLINE: Duration = Duration::from_millis(60);
/// The same, where it is known that nothing else ends a script: it is at its harm long before.
const SHORT: Duration = Duration::from_micros(600);
/// How much longer an error may take than the limit, on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much longer an error may take than the limit. Strict: as it is promised, for a release build on a machine that does nothing else.
fn patience() -> Duration {
    match std::env::var_os("GOLITE_STRICT") {
        Some(_) => Duration::from_millis(50),
        None => PATIENCE,
    }
}

fn number_from(name: &str, otherwise: usize) -> usize {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn compile(name: &str, text: &str) -> Program {
    let file = format!("{}.go", name.replace(' ', "_"));
    let program = Golite::new().compile_named(&file, text);
    program.unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The script with its harm as a function, which the script's statements call.
fn program(name: &str, text: &str) -> Program {
    let (declarations, statements) = text.rsplit_once('\n').unwrap_or(("", text));
    let text = format!(
        "{declarations}\nfunc hostile() {{ {statements} }}\nfunc crowd() {{ for range 15 {{ go hostile() }}; hostile() }}\nhostile()\n"
    );
    compile(name, &text)
}

fn programs() -> Vec<(&'static str, Program)> {
    let all = SCRIPTS.iter();
    let scripts = all.map(|(name, text)| (*name, program(name, text)));
    let all = INITIALISATIONS.iter();
    let initialisations = all.map(|(name, text)| {
        let text = format!("package main\n{text}\nfunc main() {{}}\n");
        (*name, compile(name, &text))
    });
    scripts.chain(initialisations).collect()
}

/// Whether it is only [initialised](INITIALISATIONS).
fn is_initialisation(program: &Program) -> bool {
    program.functions().all(|name| name != "hostile")
}

/// How many goroutines do it.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Doers {
    One,
    Sixteen,
}

/// Who ends a script that no other limit ends.
#[derive(Clone, Copy, PartialEq)]
enum Ender {
    /// The VM's deadline.
    Deadline,
    /// Another thread of the host.
    Interrupter,
    /// The deadline of the call.
    Call,
}

struct Within {
    name: &'static str,
    set: fn(VmBuilder) -> VmBuilder,
    ender: Ender,
}

const fn within(name: &'static str, set: fn(VmBuilder) -> VmBuilder) -> Within {
    Within {
        name,
        set,
        ender: Ender::Deadline,
    }
}

/// What a script may take of memory when nobody limits that is bounded by the time it has, and this machine's memory.
fn nearly_unlimited(vm: VmBuilder) -> VmBuilder {
    vm.memory(1 << 30).open_files(100)
}

fn all_limits(vm: VmBuilder) -> VmBuilder {
    vm.memory(16 << 20)
        .stack(1 << 20)
        .goroutines(2000)
        .output(1 << 18)
        .open_files(10)
        .processors(2)
}

/// Each limit alone, and all.
const LIMITS: [Within; 12] = [
    within("deadline", |vm| vm),
    Within {
        name: "interrupt",
        set: |vm| vm,
        ender: Ender::Interrupter,
    },
    Within {
        name: "deadline of the call",
        set: |vm| vm,
        ender: Ender::Call,
    },
    within("memory", |vm| vm.memory(8 << 20)),
    within("stack", |vm| vm.stack(1 << 18)),
    within("goroutines", |vm| vm.goroutines(200)),
    within("output", |vm| vm.output(1 << 16)),
    within("open files", |vm| {
        vm.open_files(8)
            .allow_read("/tmp")
            .allow_net("127.0.0.1", None)
    }),
    within("fuel", |vm| vm.fuel(50_000)),
    within("caller's thread", VmBuilder::on_callers_thread),
    within("all", all_limits),
    within("all, on the caller's thread", |vm| {
        all_limits(vm).on_callers_thread()
    }),
];

/// A script within a limit.
struct Case<'p> {
    name: &'static str,
    program: &'p Program,
    doers: Doers,
    within: &'static Within,
}

impl std::fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, doers, limit) = (self.name, self.doers, self.within.name);
        write!(f, "{name}, {doers:?}, within {limit}")
    }
}

/// How a case ended.
struct Ended {
    /// By time: it would have gone on.
    by_time: bool,
    /// How much longer it took than it had.
    late: Duration,
    /// How long the VM took to go.
    dropping: Duration,
}

impl Case<'_> {
    /// Whether there is such a case: what is never called is done once, and ended by its VM.
    fn is_possible(&self) -> bool {
        let is_plain = self.doers == Doers::One && self.within.ender == Ender::Deadline;
        is_plain || !is_initialisation(self.program)
    }

    fn run(&self, time: Duration) -> Ended {
        let ender = self.within.ender;
        let mut builder = (self.within.set)(nearly_unlimited(self.program.vm()));
        if ender == Ender::Deadline {
            builder = builder.deadline(time);
        }
        let start = Instant::now();
        let vm = builder.start();
        let result = vm.as_ref().map_err(Clone::clone).map(|vm| {
            let interrupting = (ender == Ender::Interrupter).then(|| {
                let interrupter = vm.interrupter();
                std::thread::spawn(move || {
                    std::thread::sleep(time);
                    interrupter.interrupt();
                })
            });
            let result = match (ender, self.doers) {
                (Ender::Call, Doers::One) => vm
                    .func::<(), ()>("hostile")
                    .and_then(|hostile| hostile.call_within(time, ())),
                (Ender::Call, Doers::Sixteen) => vm
                    .func::<(), ()>("crowd")
                    .and_then(|crowd| crowd.call_within(time, ())),
                (_, Doers::One) => vm.run(),
                (_, Doers::Sixteen) => vm.func::<(), ()>("crowd").and_then(|crowd| crowd.call(())),
            };
            let took = start.elapsed();
            if let Some(interrupting) = interrupting {
                interrupting.join().unwrap();
            }
            (result, took)
        });
        let (result, took) = result.unwrap_or_else(|error| (Err(error), start.elapsed()));
        let Err(error) = result else {
            panic!("{self} ended well");
        };
        let dropping = Instant::now();
        drop(vm);
        Ended {
            by_time: matches!(
                error,
                Error::Interrupted { .. }
                    | Error::TimedOut { .. }
                    | Error::Limit {
                        limit: Limit::Deadline,
                        ..
                    }
            ),
            late: took.saturating_sub(time),
            dropping: dropping.elapsed(),
        }
    }
}

fn cases<'p>(programs: &'p [(&'static str, Program)]) -> Vec<Case<'p>> {
    let only = std::env::var("GOLITE_ONLY").unwrap_or_default();
    let mut all = Vec::new();
    for (name, program) in programs {
        for doers in [Doers::One, Doers::Sixteen] {
            for within in &LIMITS {
                let case = Case {
                    name,
                    program,
                    doers,
                    within,
                };
                if case.is_possible() && case.to_string().contains(&only) {
                    all.push(case);
                }
            }
        }
    }
    all
}

/// What came of many cases.
#[derive(Default)]
struct Findings {
    count: usize,
    latest: (Duration, String),
    slowest_drop: (Duration, String),
    too_late: Vec<String>,
}

impl Findings {
    fn add(&mut self, case: &Case<'_>, ended: &Ended) {
        self.count += 1;
        if ended.late > self.latest.0 {
            self.latest = (ended.late, case.to_string());
        }
        if ended.dropping > self.slowest_drop.0 {
            self.slowest_drop = (ended.dropping, case.to_string());
        }
        // What a script has taken is given back when the host has its error.
        if ended.late > patience() || ended.dropping > PATIENCE {
            let text = format!("{case}: {:?}, and {:?} to go", ended.late, ended.dropping);
            println!("too late: {text}");
            self.too_late.push(text);
        }
    }

    #[track_caller]
    fn check(&self) {
        println!(
            "{} VMs; latest {:?}; slowest to go {:?}",
            self.count, self.latest, self.slowest_drop
        );
        assert!(
            self.too_late.is_empty(),
            "{} of {} too late:\n{}",
            self.too_late.len(),
            self.count,
            self.too_late.join("\n")
        );
    }
}

/// Does something with each of `items`, on several threads.
fn on_threads<T: Sync>(threads: usize, items: &[T], job: impl Fn(usize, &T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    // ORDERING: Relaxed; it only counts.
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { return };
                    job(at, item);
                }
            });
        }
    });
}

/// What the process holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    threads: usize,
    descriptors: usize,
    /// Bytes in memory.
    resident: u64,
    /// Bytes of address space.
    reserved: u64,
}

impl Held {
    fn now() -> Held {
        let count = |folder: &str| std::fs::read_dir(folder).map_or(0, Iterator::count);
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let mut pages = statm.split(' ').map(|pages| pages.parse().unwrap_or(0u64));
        let mut bytes = || pages.next().unwrap_or(0) * 4096;
        let (reserved, resident) = (bytes(), bytes());
        Held {
            threads: count("/proc/self/task"),
            descriptors: count("/proc/self/fd"),
            resident,
            reserved,
        }
    }

    /// What is held once threads without work, which stay for ten seconds, are gone.
    fn at_rest(wanted: impl Fn(&Held) -> bool) -> Held {
        let patience = Instant::now() + Duration::from_secs(60);
        loop {
            let held = Held::now();
            if wanted(&held) || Instant::now() > patience {
                return held;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn is_back_at(&self, before: &Held) -> bool {
        self.threads <= before.threads + 1 && self.descriptors <= before.descriptors
    }
}

#[test]
fn hostile_scripts_end_with_an_error_and_leave_nothing_behind() {
    let programs = programs();
    let mut findings = Findings::default();
    let of = |within: &'static Within, doers| {
        let all = programs.iter().map(move |(name, program)| Case {
            name,
            program,
            doers,
            within,
        });
        all.filter(Case::is_possible).collect::<Vec<_>>()
    };
    let all = &LIMITS[10];
    let alone = of(all, Doers::One);
    alone[0].run(SHORT);
    let before = Held::now();
    for case in &alone {
        findings.add(case, &case.run(DEADLINE / 3));
    }
    // Beside each other, each by many.
    let findings = Mutex::new(findings);
    on_threads(16, &of(all, Doers::Sixteen), |_, case| {
        let ended = case.run(DEADLINE);
        findings.lock().unwrap().add(case, &ended);
    });
    findings.into_inner().unwrap().check();
    let after = Held::at_rest(|held| held.is_back_at(&before));
    assert!(after.is_back_at(&before), "{before:?}, now {after:?}");
}

/// What Go's rules refuse is ended before it begins.
#[test]
fn what_is_no_program_is_refused() {
    for (name, text, words) in REFUSED {
        match Golite::new().compile(text) {
            Err(Error::Compile(error)) => {
                let text = error.to_string();
                assert!(text.contains(words), "{name}: {text}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// Huge texts are programs or they are not; those that are meet their limits as all do.
#[test]
fn huge_sources_are_programs_or_errors() {
    for (name, text, is_program) in huge() {
        match Golite::new().compile_named(name, &text) {
            Ok(program) => {
                assert!(is_program, "{name} is a program");
                let vm = all_limits(program.vm()).deadline(DEADLINE).start();
                let result = vm.and_then(|vm| vm.run());
                assert!(result.is_err(), "{name} ended well");
            }
            Err(Error::Compile(error)) => {
                let text = error.to_string();
                let first = text.lines().next().unwrap_or_default();
                assert!(!is_program, "{name} is no program: {first}");
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

/// What a native is at when a limit is reached takes seconds, or hours.
#[test]
fn natives_at_long_work_are_ended() {
    for (number, text) in scripts::LONG.iter().enumerate() {
        let name = format!("long work {number}");
        let program = compile(&name, text);
        let end = |vm: VmBuilder, interrupted: bool| {
            let start = Instant::now();
            let vm = vm.start().unwrap();
            let interrupter = vm.interrupter();
            let interrupting = interrupted.then(|| {
                std::thread::spawn(move || {
                    std::thread::sleep(DEADLINE);
                    interrupter.interrupt();
                })
            });
            // The host's own thread is at it.
            let result = vm.run();
            let took = start.elapsed();
            assert!(
                took < DEADLINE + patience(),
                "{name} took {took:?}: {result:?}"
            );
            if let Some(interrupting) = interrupting {
                interrupting.join().unwrap();
            }
            result
        };
        let result = end(program.vm().deadline(DEADLINE), false);
        assert!(result.is_err(), "{name} ended well");
        let result = end(program.vm().deadline(DEADLINE).on_callers_thread(), false);
        assert!(
            matches!(
                result,
                Err(Error::Limit {
                    limit: Limit::Deadline,
                    ..
                })
            ),
            "{name}: {result:?}"
        );
        let result = end(program.vm(), true);
        assert!(
            matches!(result, Err(Error::Interrupted { .. })),
            "{name}: {result:?}"
        );
    }
}

/// A VM whose time is over while a map gets a larger table, where nobody but the goroutine looks at the clock.
#[test]
fn a_map_that_grows_ends_with_its_vm() {
    let text = "m := map[float64]int{}; for { m[math.NaN()]++ }";
    let program = compile("map that grows", text);
    for time in 1..=60 {
        let deadline = Duration::from_micros(500 * time);
        let start = Instant::now();
        let vm = program.vm().deadline(deadline).on_callers_thread().start();
        let result = vm.and_then(|vm| vm.run());
        let took = start.elapsed();
        let is_deadline = matches!(
            result,
            Err(Error::Limit {
                limit: Limit::Deadline,
                ..
            })
        );
        assert!(is_deadline, "{result:?}");
        assert!(took < deadline + patience(), "{took:?}");
    }
}

/// Each script within each limit, one after the other: how late an error is.
/// `GOLITE_STRICT=1 cargo test --release --test hostile -- --ignored --nocapture alone`; `GOLITE_ONLY="empty loop, Sixteen"` chooses cases.
#[test]
#[ignore = "takes minutes"]
fn each_limit_alone_is_enough() {
    let programs = programs();
    let mut findings = Findings::default();
    for case in &cases(&programs) {
        findings.add(case, &case.run(DEADLINE / 2));
    }
    findings.check();
}

/// Each script within each limit, many times: `GOLITE_ROUNDS=1000 GOLITE_STRICT=1 cargo test --release --test hostile -- --ignored --nocapture again`.
/// `GOLITE_THREADS` of the host are at it.
///
/// What is ended by time alone, as a first round says, has little of it in most of the rounds that follow, so that a thousand take minutes.
#[test]
#[ignore = "takes minutes"]
fn hostile_scripts_again_and_again() {
    let rounds = number_from("GOLITE_ROUNDS", 20);
    let threads = number_from("GOLITE_THREADS", 4);
    let programs = programs();
    let cases = cases(&programs);
    let findings = Mutex::new(Findings::default());
    let by_time: Vec<Mutex<bool>> = cases.iter().map(|_| Mutex::new(false)).collect();
    let round = |is_long: bool| {
        on_threads(threads, &cases, |at, case| {
            let known = *by_time[at].lock().unwrap();
            let time = match known && !is_long {
                true => SHORT,
                false => DEADLINE,
            };
            let ended = case.run(time);
            findings.lock().unwrap().add(case, &ended);
            if is_long {
                *by_time[at].lock().unwrap() = ended.by_time;
            }
        });
    };
    // The first rounds make what is made once, and the allocator's arenas.
    round(true);
    for _ in 0..rounds.min(5) {
        round(false);
    }
    let by_time_count = by_time.iter().filter(|by| *by.lock().unwrap()).count();
    println!("{} cases, of which time ends {by_time_count}", cases.len());
    let few = |held: &Held| held.threads <= 6;
    let before = Held::at_rest(few);
    let start = Instant::now();
    for number in 0..rounds {
        round(number % 100 == 99);
        if number % 50 == 0 {
            println!("round {number}, {:?}: {:?}", start.elapsed(), Held::now());
        }
    }
    let took = start.elapsed();
    let after = Held::at_rest(|held| held.is_back_at(&before));
    println!("{rounds} rounds in {took:?}; before {before:?}, after {after:?}");
    findings.into_inner().unwrap().check();
    assert!(after.is_back_at(&before), "{before:?}, then {after:?}");
    let grown = after.resident.saturating_sub(before.resident);
    assert!(grown < 32 << 20, "{grown} bytes more");
    let reserved = after.reserved.saturating_sub(before.reserved);
    assert!(reserved < 1 << 30, "{reserved} bytes of address space more");
}
