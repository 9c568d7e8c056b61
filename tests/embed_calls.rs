//! Calls from several threads at once that go all the ways a call can go: to its end on the caller's thread, through waits, slices, blocking
//! calls and collections, into a VM that ends meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use golite::{Error, Golite, Program, ScriptError};

const TEXT: &str = r#"
package calls

import (
	"errors"
	"host"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

var mu sync.Mutex
var total int
var started atomic.Int64

func Add(a, b int) int { return a + b }

func Text(s string, n int) string { return strings.Repeat(s, n) }

func Wait(n int) int {
	c := make(chan int)
	go func() { c <- n }()
	return <-c
}

func Count(n int) int {
	mu.Lock()
	defer mu.Unlock()
	total += n
	runtime.Gosched()
	return total
}

func Leave(n int) int {
	go func() { started.Add(int64(n)) }()
	return n
}

func Started() int { return int(started.Load()) }

func Sum(n int) int {
	sum := 0
	for i := range n {
		sum += i
	}
	return sum
}

func Block(n int) int { return host.Block(n) }

func Check(n int) (int, error) {
	if n%2 != 0 {
		return 0, errors.New("odd")
	}
	return n / 2, nil
}

func Index(n int) int {
	var list [3]int
	return list[n]
}

func Forever() { select {} }
"#;

fn program() -> Program {
    let golite = Golite::builder()
        .blocking_func("host", "Block", |n: i64| n * 2)
        .build()
        .unwrap();
    golite.compile_named("calls.go", TEXT).unwrap()
}

/// Makes call number `n` of a kind that the number says; answers whether the VM was still there.
fn one_call(vm: &golite::Vm, n: i64) -> bool {
    let kind = n % 9;
    let checked = |name: &str, expected: i64| -> Result<(), Error> {
        let result = vm.func::<(i64,), i64>(name)?.call((n,))?;
        assert_eq!(result, expected, "{name}({n})");
        Ok(())
    };
    let result = match kind {
        0 => checked("Wait", n),
        1 => vm
            .func::<(i64, i64), i64>("Add")
            .and_then(|add| add.call((n, 1)))
            .map(|sum| assert_eq!(sum, n + 1)),
        2 => vm
            .func::<(String, i64), String>("Text")
            .and_then(|text| text.call((format!("{n} "), 100)))
            .map(|text| assert_eq!(text, format!("{n} ").repeat(100))),
        3 => vm
            .func::<(i64,), i64>("Count")
            .and_then(|count| count.call((1,)))
            .map(|count| assert!(count > 0)),
        4 => checked("Leave", n),
        5 => checked("Sum", n * (n - 1) / 2),
        6 => checked("Block", n * 2),
        7 => vm
            .func::<(i64,), Result<i64, ScriptError>>("Check")
            .and_then(|check| check.call((n,)))
            .map(|half| match half {
                Ok(half) => assert_eq!(half * 2, n),
                Err(error) => assert_eq!((error.message.as_str(), n % 2), ("odd", 1)),
            }),
        _ => match vm.func::<(i64,), i64>("Index").unwrap().call((n + 3,)) {
            Err(Error::Panic(panic)) => {
                assert!(panic.message.contains("index out of range"), "{panic:?}");
                Ok(())
            }
            Ok(value) => panic!("Index({n}) is {value}"),
            Err(error) => Err(error),
        },
    };
    match result {
        Ok(()) => true,
        Err(Error::Interrupted { .. } | Error::Closed) => false,
        Err(error) => panic!("call {n}: {error:?}"),
    }
}

const CALLS: i64 = 2000;

fn from_threads(vm: &golite::Vm, threads: i64) {
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for n in 0..CALLS {
                    assert!(one_call(vm, n * threads + thread), "the VM goes on");
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..50 {
                vm.collect_garbage();
                thread::yield_now();
            }
        });
    });
}

#[test]
fn calls_of_all_kinds_meet() {
    let program = program();
    for processors in [1, 2, 4] {
        let vm = program.vm().processors(processors).start().unwrap();
        from_threads(&vm, 1);
        from_threads(&vm, 4);
        assert!(vm.ended().is_none());
        // Goroutines that calls have left run without another call.
        let started = vm.func::<(), i64>("Started").unwrap();
        let left = |threads: i64| -> i64 { (0..threads * CALLS).filter(|n| n % 9 == 4).sum() };
        while started.call(()).unwrap() != left(1) + left(4) {
            thread::yield_now();
        }
    }
}

#[test]
fn a_vm_ends_amid_calls_of_all_kinds() {
    let program = program();
    for round in 0..40 {
        let vm = program.vm().processors(2).start().unwrap();
        let made = Arc::new(AtomicUsize::new(0));
        let interrupter = vm.interrupter();
        thread::scope(|scope| {
            for thread in 0..3 {
                let (vm, made) = (vm.clone(), Arc::clone(&made));
                scope.spawn(move || {
                    let mut n = thread;
                    while one_call(&vm, n) {
                        made.fetch_add(1, Ordering::Relaxed);
                        n += 3;
                    }
                });
            }
            while made.load(Ordering::Relaxed) < 10 * round && vm.ended().is_none() {
                thread::yield_now();
            }
            interrupter.interrupt();
        });
        assert!(vm.ended().is_some());
        // A call of a VM that has ended says so.
        assert!(!one_call(&vm, 1));
    }
}

#[test]
fn a_call_that_waits_for_ever_is_a_deadlock_though_others_end_at_once() {
    let program = program();
    let vm = program.start().unwrap();
    let result = thread::scope(|scope| {
        let waiting = vm.func::<(), ()>("Forever").unwrap();
        let waiting = scope.spawn(move || waiting.call(()));
        // Until the deadlock is seen calls go on; after it they say that the VM has ended.
        let add = vm.func::<(i64, i64), i64>("Add").unwrap();
        while add.call((1, 2)).is_ok() {}
        waiting.join().unwrap()
    });
    assert!(matches!(result, Err(Error::Deadlock { .. })), "{result:?}");
}

#[test]
fn the_deadline_of_a_call_ends_the_native_that_it_is_in() {
    let text = r#"
        package p

        import ("math/big"; "strings")

        var Counted int

        func Long() string {
            text := strings.Repeat("ab", 1<<17)
            defer func() { Counted = strings.Count(text, "b") }()
            return new(big.Int).Exp(big.NewInt(3), big.NewInt(1<<30), nil).String()
        }

        func Take() int { n := Counted; Counted = 0; return n }
    "#;
    let program = golite::Golite::new().compile(text).unwrap();
    // A VM whose call has not ended some time after it was told to is ended, too. On a machine that is busy with others that may be so once.
    let ended = (0..10).find_map(|_| {
        let vm = program.start().unwrap();
        let long = vm.func::<(), String>("Long").unwrap();
        match long.call_within(Duration::from_millis(20), ()) {
            Err(Error::TimedOut { trace }) => Some((vm, trace)),
            Err(Error::Limit { .. }) => None,
            other => panic!("{other:?}"),
        }
    });
    let (vm, trace) = ended.expect("the VM is ended each time");
    assert!(trace.contains(".Long()"), "{trace:?}");
    // A deferred call's own natives are not disturbed.
    let take = vm.func::<(), i64>("Take").unwrap();
    assert_eq!(take.call(()).unwrap(), 1 << 17);
}

#[test]
fn the_deadline_of_a_call_ends_its_wait_in_package_sync_and_the_lock_is_as_before() {
    let text = r#"
        package p
        import "sync"

        var (
            mu   sync.Mutex
            rw   sync.RWMutex
            wg   sync.WaitGroup
            cond = sync.NewCond(new(sync.Mutex))
        )

        func Hold()   { mu.Lock(); rw.Lock(); wg.Add(1) }
        func Let()    { mu.Unlock(); rw.Unlock(); wg.Done() }
        func Lock()   { mu.Lock(); defer mu.Unlock() }
        func RLock()  { rw.RLock(); defer rw.RUnlock() }
        func Write()  { rw.Lock(); defer rw.Unlock() }
        func Group()  { wg.Wait() }
        func Signal() { cond.L.Lock(); defer cond.L.Unlock(); cond.Wait() }
        func Free() bool {
            if !mu.TryLock() || !rw.TryLock() || !cond.L.(*sync.Mutex).TryLock() { return false }
            mu.Unlock(); rw.Unlock(); cond.L.Unlock(); wg.Wait()
            return true
        }
    "#;
    let program = Golite::new().compile(text).unwrap();
    let vm = program.start().unwrap();
    let call = |name: &str| vm.func::<(), ()>(name).unwrap();
    call("Hold").call(()).unwrap();
    for name in ["Lock", "RLock", "Write", "Group", "Signal"] {
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let waits = call(name);
                thread::spawn(move || waits.call_within(Duration::from_millis(20), ()))
            })
            .collect();
        for thread in threads {
            let ended = thread.join().unwrap();
            assert!(
                matches!(ended, Err(Error::TimedOut { .. })),
                "{name}: {ended:?}"
            );
        }
    }
    call("Let").call(()).unwrap();
    assert!(vm.func::<(), bool>("Free").unwrap().call(()).unwrap());
}

#[test]
fn goroutines_that_want_a_thread_each_share_that_of_the_caller() {
    let text = r#"
        package p
        import "runtime"

        func Pass(n int) int {
            first := make(chan int)
            from := first
            for range n {
                to := make(chan int)
                go func(from, to chan int) {
                    runtime.LockOSThread()
                    defer runtime.UnlockOSThread()
                    to <- 1 + <-from
                }(from, to)
                from = to
            }
            runtime.LockOSThread()
            first <- 0
            return <-from
        }
    "#;
    let program = Golite::new().compile(text).unwrap();
    let vm = program.vm().on_callers_thread().start().unwrap();
    let pass = vm.func::<(i64,), i64>("Pass").unwrap();
    assert_eq!(
        pass.call_within(Duration::from_secs(100), (50,)).unwrap(),
        50
    );
    let vm = program.start().unwrap();
    let pass = vm.func::<(i64,), i64>("Pass").unwrap();
    assert_eq!(pass.call((50,)).unwrap(), 50);
}
