//! Which threads programs have: these tests count those of the process, so they take turns and have it for themselves.

mod toy;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use golite_runtime::*;
use toy::*;

const MS: i64 = 1_000_000;

static TURN: Mutex<()> = Mutex::new(());

/// Calls `body` and waits.
fn call(
    program: &Program<Toy>,
    body: impl Future<Output = ()> + Send + 'static,
) -> Result<CallEnd, Ended> {
    let called = program.call(
        |_, _| Some(Box::pin(body) as Body),
        |fiber, how, _, _| {
            drop(fiber);
            how
        },
    );
    if called.is_err() {
        program.with_outcome(|outcome| match outcome {
            Outcome::Deadlock { dump, .. } => eprintln!("deadlock:\n{dump}"),
            Outcome::Stopped => {}
            _ => eprintln!("another end"),
        });
    }
    called.map(|how| how.expect("the fiber was made"))
}

fn machines() -> Machines {
    Machines::new(64).unwrap()
}

fn pooled(machines: &Machines, processors: usize) -> Options {
    let mut options = options(processors);
    options.machines = Some(machines.clone());
    options
}

fn callers_only() -> Options {
    let mut options = options(1);
    options.callers_only = true;
    options
}

fn start(options: Options) -> Program<Toy> {
    Scheduler::new(Arc::new(Toy::default()), options).start()
}

/// How many threads the process has whose names begin with `golite-`.
fn our_threads() -> usize {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with("golite-"))
        .count()
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(600);
    while !holds() {
        assert!(Instant::now() < limit, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn only_callers_run_a_program_of_theirs() {
    let _turn = TURN
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let before = our_threads();
    let program = start(callers_only());
    let caller = std::thread::current().id();
    let (tell, told) = mpsc::channel();
    let other = tell.clone();
    let how = call(&program, async move {
        let here = move || std::thread::current().id() == caller;
        assert!(here());
        let done = chan(0);
        let at_end = done.clone();
        go(async move {
            tell.send(here()).unwrap();
            sleep(MS).await;
            blocking_long(move || u64::from(here())).await;
            tell.send(here()).unwrap();
            at_end.close();
        });
        // An endless loop without a monitor lets others run.
        let stop = Arc::new(AtomicBool::new(false));
        let flag = stop.clone();
        go(async move {
            sleep(5 * MS).await;
            flag.store(true, Ordering::Relaxed);
        });
        while !stop.load(Ordering::Relaxed) {
            safepoint().await;
        }
        done.recv().await;
        // What stays behind runs when somebody drives.
        go(async move {
            gosched().await;
            gosched().await;
            other.send(here()).unwrap();
        });
    });
    assert_eq!(how, Ok(CallEnd::Returned));
    assert!(told.recv().unwrap() && told.recv().unwrap());
    program.run_until_idle().unwrap();
    assert!(told.try_recv().unwrap());
    assert_eq!(our_threads(), before);
}

#[test]
fn programs_at_rest_have_no_threads_and_wake_for_their_timers() {
    let _turn = TURN
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let before = our_threads();
    let machines = machines();
    let programs: Vec<_> = (0..50).map(|_| start(pooled(&machines, 2))).collect();
    let fired = Arc::new(AtomicUsize::new(0));
    for (i, program) in programs.iter().enumerate() {
        let fired = fired.clone();
        call(program, async move {
            go(async move {
                sleep((300 + i as i64) * MS).await;
                fired.fetch_add(1, Ordering::SeqCst);
            });
        })
        .unwrap();
    }
    wait_until("threads leave programs at rest", || {
        machines.trim();
        machines.threads() == 0
    });
    // The monitor remains.
    wait_until("only the monitor remains", || our_threads() <= before + 1);
    wait_until("timers fire", || fired.load(Ordering::SeqCst) == 50);
    for program in &programs {
        call(program, async {}).unwrap();
    }
    drop(programs);
    drop(machines);
    wait_until("all threads end", || our_threads() <= before);
}
