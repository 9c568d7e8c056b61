//! Programs that threads of the host call, and schedulers that share machines.

mod toy;

use std::{
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use golite_runtime::*;
use toy::*;

const MS: i64 = 1_000_000;

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

/// Each way in which a program's goroutines can get threads.
fn everywhere(test: impl Fn(&dyn Fn() -> Program<Toy>)) {
    test(&|| start(callers_only()));
    let machines = machines();
    for processors in [1, 2, 4] {
        test(&|| start(pooled(&machines, processors)));
        test(&|| start(options(processors)));
    }
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(600);
    while !holds() {
        assert!(Instant::now() < limit, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_call_runs_to_its_end() {
    everywhere(|start| {
        let program = start();
        let seen = Arc::new(AtomicUsize::new(0));
        for round in 0..1000 {
            let seen = seen.clone();
            let how = call(&program, async move {
                assert_eq!(seen.fetch_add(1, Ordering::SeqCst), round);
            });
            assert_eq!(how, Ok(CallEnd::Returned));
        }
        assert_eq!(program.goroutines(), 0);
        assert_eq!(
            call(&program, async { leave(Switch::Goexit).await }),
            Ok(CallEnd::Goexit)
        );
    });
}

#[test]
fn a_call_waits_for_others_timers_and_blocking_calls() {
    everywhere(|start| {
        let program = start();
        for _ in 0..20 {
            let how = call(&program, async {
                let (a, b) = (chan(0), chan(0));
                let (c, d) = (a.clone(), b.clone());
                go(async move {
                    while let Some(v) = c.recv().await {
                        d.send(v + 1).await;
                    }
                    d.close();
                });
                for i in 0..100 {
                    a.send(i).await;
                    assert_eq!(b.recv().await, Some(i + 1));
                }
                let began = now();
                sleep(MS).await;
                assert!(now() - began >= MS);
                assert_eq!(blocking(|| 7).await, 7);
                assert_eq!(
                    blocking_long(|| {
                        std::thread::sleep(Duration::from_millis(1));
                        8
                    })
                    .await,
                    8
                );
                assert_eq!(stop_the_world(|world| world.goroutines() as u64).await, 2);
                a.close();
                assert_eq!(b.recv().await, None);
            });
            assert_eq!(how, Ok(CallEnd::Returned));
        }
    });
}

#[test]
fn many_threads_call_at_once() {
    everywhere(|start| {
        let program = start();
        let sum = Arc::new(AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (program, sum) = (&program, sum.clone());
                scope.spawn(move || {
                    for i in 0..50 {
                        let sum = sum.clone();
                        let how = call(program, async move {
                            if i % 3 == thread % 3 {
                                gosched().await;
                            }
                            if i % 10 == 0 {
                                sleep(MS / 10).await;
                            }
                            if i % 25 == 0 {
                                blocking(|| 0).await;
                            }
                            sum.fetch_add(1, Ordering::Relaxed);
                        });
                        assert_eq!(how, Ok(CallEnd::Returned));
                    }
                });
            }
        });
        assert_eq!(sum.load(Ordering::Relaxed), 400);
        assert_eq!(program.goroutines(), 0);
    });
}

#[test]
fn a_call_gets_its_turn_beside_an_endless_loop() {
    everywhere(|start| {
        let program = start();
        let over = Arc::new(AtomicBool::new(false));
        let began = Arc::new(Barrier::new(2));
        std::thread::scope(|scope| {
            let (program, flag, begin) = (&program, over.clone(), began.clone());
            scope.spawn(move || {
                let how = call(program, async move {
                    begin.wait();
                    while !flag.load(Ordering::Relaxed) {
                        safepoint().await;
                    }
                });
                assert_eq!(how, Ok(CallEnd::Returned));
            });
            began.wait();
            for _ in 0..10 {
                assert_eq!(call(program, async {}), Ok(CallEnd::Returned));
            }
            over.store(true, Ordering::Relaxed);
        });
    });
}

#[test]
fn what_a_call_leaves_behind_goes_on_where_there_are_machines() {
    let machines = machines();
    for options in [pooled(&machines, 1), pooled(&machines, 3), options(2)] {
        let program = start(options);
        let (tell, told) = mpsc::channel();
        let end = call(&program, async move {
            go(async move {
                sleep(5 * MS).await;
                for _ in 0..1000 {
                    gosched().await;
                }
                tell.send(()).unwrap();
            });
        });
        assert_eq!(end, Ok(CallEnd::Returned));
        told.recv_timeout(Duration::from_secs(600)).unwrap();
    }
}

#[test]
fn a_deadlock_of_a_call_ends_the_program_and_rest_is_none() {
    everywhere(|start| {
        let program = start();
        assert_eq!(
            call(&program, async {
                go(async {
                    chan(0).recv().await;
                });
            }),
            Ok(CallEnd::Returned)
        );
        std::thread::sleep(Duration::from_millis(5));
        assert!(!program.has_ended());
        assert_eq!(
            call(&program, async {
                chan(0).recv().await;
            }),
            Err(Ended)
        );
        let is_deadlock = program.with_outcome(|o| matches!(o, Outcome::Deadlock { .. }));
        assert_eq!(is_deadlock, Some(true));
        assert_eq!(call(&program, async {}), Err(Ended));
    });
}

#[test]
fn a_program_can_be_shut_down_at_any_moment() {
    everywhere(|start| {
        for pause in [0, 1, 3] {
            let program = Arc::new(start());
            let callers: Vec<_> = (0..4)
                .map(|i| {
                    let program = program.clone();
                    std::thread::spawn(move || {
                        while call(&program, async move {
                            match i {
                                0 => loop {
                                    safepoint().await;
                                },
                                1 => sleep(10_000 * MS).await,
                                2 => gosched().await,
                                _ => {
                                    go(async {
                                        chan(0).recv().await;
                                    });
                                }
                            }
                        })
                        .is_ok()
                        {}
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(pause));
            program.shut_down();
            for caller in callers {
                caller.join().unwrap();
            }
            assert_eq!(
                program.with_outcome(|o| matches!(o, Outcome::Stopped)),
                Some(true)
            );
        }
    });
}

#[test]
fn a_deadline_ends_loops_and_waits() {
    everywhere(|start| {
        for sleeps in [false, true] {
            let program = start();
            let began = Instant::now();
            program
                .handle()
                .set_deadline(Some(Duration::from_millis(20)));
            let how = call(&program, async move {
                if sleeps {
                    sleep(3_600_000 * MS).await;
                }
                loop {
                    safepoint().await;
                }
            });
            assert_eq!(how, Err(Ended));
            assert!(began.elapsed() >= Duration::from_millis(20));
            let timed_out = program.with_outcome(|o| match o {
                Outcome::TimedOut { dump, .. } => dump.contains("goroutine"),
                _ => false,
            });
            assert_eq!(timed_out, Some(true));
        }
    });
}

#[test]
fn a_panic_of_the_host_in_a_call_leaves_the_program_in_order() {
    everywhere(|start| {
        let program = start();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            program.call(
                |_, _| -> Option<Body> { std::panic::resume_unwind(Box::new("begin")) },
                |_, _, _, _| (),
            )
        }));
        assert!(caught.is_err());
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            program.call(
                |_, _| Some(Box::pin(async {}) as Body),
                |_, _, _, _| std::panic::resume_unwind(Box::new("end")),
            )
        }));
        assert!(caught.is_err());
        assert_eq!(call(&program, async {}), Ok(CallEnd::Returned));
    });
}

#[test]
fn virtual_time_passes_when_it_is_told_to() {
    let mut options = callers_only();
    options.virtual_clock = true;
    let program = start(options);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    call(&program, async move {
        for step in 1..=3 {
            let log = log.clone();
            go(async move {
                sleep(step * 1000 * MS).await;
                log.lock().unwrap().push(step);
                sleep(500 * MS).await;
                log.lock().unwrap().push(step + 10);
            });
        }
    })
    .unwrap();
    program.run_until_idle().unwrap();
    assert!(seen.lock().unwrap().is_empty());
    program.advance(Duration::from_millis(1700)).unwrap();
    assert_eq!(*seen.lock().unwrap(), [1, 11]);
    program.advance(Duration::from_secs(10)).unwrap();
    assert_eq!(*seen.lock().unwrap(), [1, 11, 2, 12, 3, 13]);
    assert_eq!(program.goroutines(), 0);
}

#[test]
fn programs_take_turns_where_threads_are_few() {
    let machines = Machines::new(2).unwrap();
    let programs: Vec<_> = (0..30).map(|_| start(pooled(&machines, 2))).collect();
    let ran = Arc::new(AtomicUsize::new(0));
    for program in &programs {
        let ran = ran.clone();
        call(program, async move {
            for _ in 0..3 {
                let ran = ran.clone();
                go(async move {
                    sleep(MS).await;
                    blocking(|| 0).await;
                    ran.fetch_add(1, Ordering::SeqCst);
                });
            }
        })
        .unwrap();
    }
    wait_until("all have run", || ran.load(Ordering::SeqCst) == 90);
    assert!(machines.threads() <= 2);
}

#[test]
fn schedulers_that_share_machines_run_beside_each_other() {
    let machines = machines();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let options = pooled(&machines, 2);
            std::thread::spawn(move || {
                for _ in 0..5 {
                    let (_, outcome) = run_with(Toy::default(), options.clone(), async {
                        let done = chan(0);
                        for i in 0..50_u64 {
                            let done = done.clone();
                            go(async move {
                                if i % 5 == 0 {
                                    sleep(MS).await;
                                }
                                if i % 7 == 0 {
                                    blocking(|| 0).await;
                                }
                                done.send(i).await;
                            });
                        }
                        for _ in 0..50 {
                            done.recv().await;
                        }
                    });
                    assert!(matches!(outcome, Outcome::MainExited));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let (_, outcome) = run_with(Toy::default(), pooled(&machines, 2), async {
        chan(0).recv().await;
    });
    assert!(matches!(outcome, Outcome::Deadlock { .. }));
}

#[test]
fn endless_loops_of_one_program_are_preempted_by_the_shared_monitor() {
    let machines = machines();
    let (_, outcome) = run_with(Toy::default(), pooled(&machines, 1), async {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = stop.clone();
        go(async move {
            sleep(2 * MS).await;
            flag.store(true, Ordering::Relaxed);
        });
        while !stop.load(Ordering::Relaxed) {
            safepoint().await;
        }
    });
    assert!(matches!(outcome, Outcome::MainExited));
}
