//! The embedding face, as an application uses it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use golite::{Error, Golite, Limit, Output, ScriptError, Vm};

fn vm(text: &str) -> Vm {
    match Golite::new()
        .compile(text)
        .and_then(|program| program.start())
    {
        Ok(vm) => vm,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn values_of_all_kinds_go_both_ways() {
    let vm = vm(r#"
        package main

        type Celsius float64

        func Numbers(a int8, b int16, c int32, d int, e uint8, f uint16, g uint32, h uint64) int {
            return int(a) + int(b) + int(c) + d + int(e) + int(f) + int(g) + int(h)
        }
        func Floats(a float32, b Celsius) float64 { return float64(a) + float64(b) }
        func Not(b bool) bool { return !b }
        func Upper(r rune) rune { return r - 'a' + 'A' }
        func Reverse(s []string) []string {
            for i, j := 0, len(s)-1; i < j; i, j = i+1, j-1 {
                s[i], s[j] = s[j], s[i]
            }
            return s
        }
        func Sum(m map[string][]int) map[string]int {
            out := map[string]int{}
            for k, v := range m {
                for _, n := range v {
                    out[k] += n
                }
            }
            return out
        }
        func Next(p *int) *int {
            if p == nil {
                return nil
            }
            n := *p + 1
            return &n
        }
        func Bytes(b []byte) string { return string(b) }
        func Several(s string) (int, string, []float64) { return len(s), s + s, []float64{0.5, 1.5} }
        func bad() string { return "\xff" }
    "#);
    let numbers = vm
        .func::<(i8, i16, i32, i64, u8, u16, u32, u64), i64>("Numbers")
        .unwrap();
    assert_eq!(numbers.call((-1, -2, -3, -4, 5, 6, 7, 8)).unwrap(), 16);
    let floats = vm.func::<(f32, f64), f64>("Floats").unwrap();
    assert_eq!(floats.call((0.5, 1.25)).unwrap(), 1.75);
    assert!(
        vm.func::<(bool,), bool>("Not")
            .unwrap()
            .call((false,))
            .unwrap()
    );
    assert_eq!(
        vm.func::<(char,), char>("Upper")
            .unwrap()
            .call(('q',))
            .unwrap(),
        'Q'
    );
    let reverse = vm.func::<(Vec<String>,), Vec<String>>("Reverse").unwrap();
    let strings = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        reverse.call((strings(&["a", "b", "c"]),)).unwrap(),
        strings(&["c", "b", "a"])
    );
    assert_eq!(reverse.call((Vec::new(),)).unwrap(), strings(&[]));
    let sum = vm
        .func::<(HashMap<String, Vec<i64>>,), BTreeMap<String, i64>>("Sum")
        .unwrap();
    let given = HashMap::from([("x".to_owned(), vec![1, 2, 3]), ("y".to_owned(), vec![-1])]);
    let wanted = BTreeMap::from([("x".to_owned(), 6), ("y".to_owned(), -1)]);
    assert_eq!(sum.call((given,)).unwrap(), wanted);
    let next = vm.func::<(Option<i64>,), Option<i64>>("Next").unwrap();
    assert_eq!(next.call((Some(41),)).unwrap(), Some(42));
    assert_eq!(next.call((None,)).unwrap(), None);
    let bytes = vm.func::<(Vec<u8>,), String>("Bytes").unwrap();
    assert_eq!(bytes.call((b"abc".to_vec(),)).unwrap(), "abc");
    let several = vm
        .func::<(String,), (i64, String, Vec<f64>)>("Several")
        .unwrap();
    assert_eq!(
        several.call(("ä".to_owned(),)).unwrap(),
        (2, "ää".to_owned(), vec![0.5, 1.5])
    );
    let bad = vm.func::<(), String>("bad").unwrap().call(());
    assert!(matches!(bad, Err(Error::Conversion(_))), "{bad:?}");
    let raw = vm
        .func::<(), golite::Bytes>("bad")
        .unwrap()
        .call(())
        .unwrap();
    assert_eq!(raw.0, b"\xff");
}

#[test]
fn wrong_names_and_types_are_errors_before_any_call() {
    let vm = vm(
        "package main\nfunc F(a int, b string) (bool, error) { return true, nil }\nfunc G[T any](t T) {}",
    );
    assert!(matches!(
        vm.func::<(), ()>("Nothing"),
        Err(Error::NoFunction(_))
    ));
    assert!(matches!(
        vm.func::<(i64,), ()>("G"),
        Err(Error::NoFunction(_))
    ));
    let error = vm.func::<(i64,), bool>("F").err().unwrap();
    assert_eq!(
        error.to_string(),
        "the function F is func(int, string) (bool, error), the Rust types stand for func(int) bool"
    );
    assert!(vm.func::<(i64, String), bool>("F").is_err());
    assert!(
        vm.func::<(i64, String), Result<bool, ScriptError>>("F")
            .is_ok()
    );
}

#[test]
fn host_functions_have_state_and_errors() {
    let count = Arc::new(AtomicI64::new(0));
    let counter = Arc::clone(&count);
    let golite = Golite::builder()
        .func("host", "Add", move |n: i64| {
            // ORDERING: Relaxed; a counter.
            counter.fetch_add(n, Ordering::Relaxed) + n
        })
        .func("host", "Parse", |text: &str| text.parse::<i64>())
        .func("host", "Split", |text: &str| -> Result<(String, Vec<String>), String> {
            let mut parts = text.split(',').map(str::to_owned);
            let first = parts.next().ok_or("nothing")?;
            Ok((first, parts.collect()))
        })
        .func("host", "Nothing", || {})
        .func("host", "Fail", |bytes: &[u8]| -> Result<(), String> {
            Err(format!("{} bytes", bytes.len()))
        })
        .func("host", "Panic", || -> i64 { panic!("as the host wants") })
        .go("host", "const Answer = 42\n\ntype Pair struct{ A, B int }\n\nfunc (p Pair) Sum() int { return Add(p.A) + p.B }")
        .build()
        .unwrap();
    let program = golite
        .compile(
            r#"
            package main

            import ("fmt"; "host")

            func Run() []string {
                var out []string
                host.Nothing()
                out = append(out, fmt.Sprint(host.Add(2), host.Add(3)))
                n, err := host.Parse("12")
                out = append(out, fmt.Sprint(n, err))
                n, err = host.Parse("x")
                out = append(out, fmt.Sprint(n, err))
                first, rest, err := host.Split("a,b,c")
                out = append(out, fmt.Sprint(first, rest, err))
                out = append(out, fmt.Sprint(host.Fail([]byte("abc"))))
                out = append(out, fmt.Sprint(host.Pair{1, host.Answer}.Sum()))
                func() {
                    defer func() { out = append(out, fmt.Sprint(recover())) }()
                    host.Panic()
                }()
                return out
            }
            "#,
        )
        .unwrap_or_else(|error| panic!("{error}"));
    let vm = program.start().unwrap();
    let lines = vm.func::<(), Vec<String>>("Run").unwrap().call(()).unwrap();
    assert_eq!(
        lines,
        [
            "2 5",
            "12 <nil>",
            "0 invalid digit found in string",
            "a[b c] <nil>",
            "3 bytes",
            "48",
            "host function panicked: as the host wants",
        ]
    );
    // ORDERING: Relaxed; the call has returned.
    assert_eq!(count.load(Ordering::Relaxed), 6);
}

#[test]
fn scripts_without_a_package_clause_know_the_hosts_packages() {
    let golite = Golite::builder()
        .func("shop", "Price", |item: &str| item.len() as i64)
        .build()
        .unwrap();
    let program = golite
        .compile(
            "total := shop.Price(\"tea\")\nfmt.Println(total)\nfunc Total() int { return total }",
        )
        .unwrap();
    let output = Output::new();
    let vm = program.vm().stdout(output.clone()).start().unwrap();
    let total = vm.func::<(), i64>("Total").unwrap();
    assert_eq!(total.call(()).unwrap(), 0);
    vm.run().unwrap();
    assert_eq!(output.text(), "3\n");
    assert_eq!(total.call(()).unwrap(), 3);
}

#[test]
fn a_panic_is_the_calls_error_and_the_vm_goes_on() {
    let vm = vm(r#"
        package main
        var calls int
        func Divide(a, b int) int {
            calls++
            return a / b
        }
        func Calls() int { return calls }
        func Deferred() (n int) {
            defer func() { calls += 100; recover() }()
            panic("recovered")
        }
        func Nested() {
            defer func() { panic("second") }()
            panic("first")
        }
    "#);
    let divide = vm.func::<(i64, i64), i64>("Divide").unwrap();
    assert_eq!(divide.call((6, 3)).unwrap(), 2);
    let Err(Error::Panic(panic)) = divide.call((1, 0)) else {
        panic!("no panic");
    };
    assert_eq!(
        panic.message,
        "panic: runtime error: integer divide by zero"
    );
    assert!(
        panic.trace.contains("main.Divide(...)\n\tscript.go:6"),
        "{}",
        panic.trace
    );
    assert_eq!(divide.call((8, 2)).unwrap(), 4);
    vm.func::<(), i64>("Deferred").unwrap().call(()).unwrap();
    assert_eq!(vm.func::<(), i64>("Calls").unwrap().call(()).unwrap(), 103);
    let Err(Error::Panic(panic)) = vm.func::<(), ()>("Nested").unwrap().call(()) else {
        panic!("no panic");
    };
    assert_eq!(panic.message, "panic: first\n\tpanic: second");
}

#[test]
fn calls_wait_for_goroutines_channels_and_timers() {
    let vm = vm(r#"
        package main
        import ("sync"; "time")
        func Squares(n int) int {
            results := make(chan int)
            for i := range n {
                go func() { results <- i * i }()
            }
            sum := 0
            for range n {
                sum += <-results
            }
            return sum
        }
        func Sleep(ms int) int {
            var wg sync.WaitGroup
            wg.Add(1)
            go func() {
                time.Sleep(time.Duration(ms) * time.Millisecond)
                wg.Done()
            }()
            wg.Wait()
            return ms
        }
        var box = make(chan string, 1)
        func Put(s string) { box <- s }
        func Take() string { return <-box }
    "#);
    let squares = vm.func::<(i64,), i64>("Squares").unwrap();
    for _ in 0..20 {
        assert_eq!(squares.call((10,)).unwrap(), 285);
    }
    let start = Instant::now();
    assert_eq!(
        vm.func::<(i64,), i64>("Sleep")
            .unwrap()
            .call((30,))
            .unwrap(),
        30
    );
    assert!(start.elapsed() >= Duration::from_millis(30));
    vm.func::<(String,), ()>("Put")
        .unwrap()
        .call(("kept".into(),))
        .unwrap();
    assert_eq!(
        vm.func::<(), String>("Take").unwrap().call(()).unwrap(),
        "kept"
    );
}

#[test]
fn many_threads_call_one_vm() {
    let vm = vm(r#"
        package main
        import "sync"
        var mu sync.Mutex
        var total int
        func Add(n int) int { mu.Lock(); defer mu.Unlock(); total += n; return total }
        func Total() int { return total }
    "#);
    let add = vm.func::<(i64,), i64>("Add").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let add = add.clone();
            scope.spawn(move || {
                for _ in 0..500 {
                    add.call((1,)).unwrap();
                }
            });
        }
    });
    assert_eq!(vm.func::<(), i64>("Total").unwrap().call(()).unwrap(), 4000);
}

#[test]
fn a_deadlock_is_an_error() {
    let vm = vm("package main\nfunc Wait() { <-make(chan int) }\nfunc Fine() int { return 1 }");
    assert_eq!(vm.func::<(), i64>("Fine").unwrap().call(()).unwrap(), 1);
    let result = vm.func::<(), ()>("Wait").unwrap().call(());
    let Err(Error::Deadlock { message, traces }) = result else {
        panic!("{result:?}");
    };
    assert_eq!(
        message,
        "fatal error: all goroutines are asleep - deadlock!"
    );
    assert!(
        traces.contains("[chan receive") && traces.contains("main.Wait"),
        "{traces}"
    );
    assert!(matches!(
        vm.func::<(), i64>("Fine").unwrap().call(()),
        Err(Error::Deadlock { .. })
    ));
}

#[test]
fn limits_end_the_vm_with_an_error() {
    let text = r#"
        package main
        import ("fmt"; "time")
        func Loop() { for {} }
        func Recurse(n int) int { return Recurse(n+1) + 1 }
        func Allocate() { var keep [][]byte; for { keep = append(keep, make([]byte, 1<<16)) } }
        func Spawn() { for { go time.Sleep(time.Hour) } }
        func Print() { for { fmt.Println("again and again") } }
        func Sleep() { time.Sleep(time.Hour) }
        func Exit() int { return 1 }
    "#;
    let program = Golite::new().compile(text).unwrap();
    let check = |vm: Vm, name: &str, wanted: Limit| {
        let start = Instant::now();
        let result = match name {
            "Recurse" => vm.func::<(i64,), i64>(name).unwrap().call((0,)).map(drop),
            _ => vm.func::<(), ()>(name).unwrap().call(()),
        };
        let Err(error) = result else {
            panic!("{name} returned")
        };
        assert_eq!(error.limit(), Some(wanted), "{name}: {error:?}");
        assert!(
            error.traces().contains("main."),
            "{name}: {}",
            error.traces()
        );
        let again = vm.func::<(), i64>("Exit").unwrap().call(());
        assert_eq!(again.unwrap_err().limit(), Some(wanted));
        start.elapsed()
    };
    let deadline = || {
        program
            .vm()
            .deadline(Duration::from_millis(30))
            .start()
            .unwrap()
    };
    for name in ["Loop", "Sleep", "Print"] {
        let took = check(deadline(), name, Limit::Deadline);
        assert!(took < Duration::from_secs(2), "{name} took {took:?}");
    }
    check(
        program.vm().memory(8 << 20).start().unwrap(),
        "Allocate",
        Limit::Memory,
    );
    check(
        program.vm().stack(1 << 20).start().unwrap(),
        "Recurse",
        Limit::Stack,
    );
    check(
        program.vm().goroutines(1000).start().unwrap(),
        "Spawn",
        Limit::Goroutines,
    );
    check(
        program.vm().fuel(100_000).start().unwrap(),
        "Loop",
        Limit::Fuel,
    );
    check(
        program.vm().output(10_000).start().unwrap(),
        "Print",
        Limit::Output,
    );
    let vm = program.start().unwrap();
    let call = vm.func::<(), ()>("Loop").unwrap();
    let result = call.call_within(Duration::from_millis(20), ());
    assert_eq!(result.unwrap_err().limit(), Some(Limit::Deadline));
}

#[test]
fn a_vm_is_interrupted_from_another_thread() {
    for name in ["Loop", "Wait"] {
        let vm = vm(
            "package main\nimport \"time\"\nfunc Loop() { for {} }\nfunc Wait() { time.Sleep(time.Hour) }",
        );
        let interrupter = vm.interrupter();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            interrupter.interrupt();
        });
        let result = vm.func::<(), ()>(name).unwrap().call(());
        let Err(Error::Interrupted { traces }) = result else {
            panic!("{result:?}");
        };
        assert!(traces.contains(&format!("main.{name}")), "{traces}");
        thread.join().unwrap();
    }
}

#[test]
fn exit_ends_the_vm_and_not_the_host() {
    let vm = vm("package main\nimport \"os\"\nfunc main() { os.Exit(3) }\nfunc F() {}");
    assert!(matches!(vm.run(), Err(Error::Exited(3))));
    assert!(matches!(
        vm.func::<(), ()>("F").unwrap().call(()),
        Err(Error::Exited(3))
    ));
}

#[test]
fn a_vm_can_be_dropped_while_goroutines_run() {
    for _ in 0..20 {
        let vm = vm(r#"
            package main
            import "time"
            func Start() {
                for range 4 {
                    go func() { for {} }()
                }
                go func() { time.Sleep(time.Hour) }()
                go func() { select {} }()
            }
        "#);
        vm.func::<(), ()>("Start").unwrap().call(()).unwrap();
        drop(vm);
    }
}

#[test]
fn blocking_and_async_functions_do_not_hold_others_up() {
    let golite = Golite::builder()
        .blocking_func("host", "Block", |ms: u64| {
            std::thread::sleep(Duration::from_millis(ms));
            ms
        })
        .async_func("host", "Later", |text: String| async move {
            Ok::<_, String>(text + "!")
        })
        .async_func("host", "Fails", || async {
            Err::<(), _>("not today".to_owned())
        })
        .build()
        .unwrap();
    let program = golite
        .compile(
            r#"
            package main
            import "host"
            func Parallel() uint64 {
                results := make(chan uint64)
                for range 8 {
                    go func() { results <- host.Block(30) }()
                }
                var sum uint64
                for range 8 {
                    sum += <-results
                }
                return sum
            }
            func Async() (string, string) {
                s, err := host.Later("soon")
                if err != nil {
                    return "", err.Error()
                }
                return s, host.Fails().Error()
            }
            "#,
        )
        .unwrap();
    let vm = program.start().unwrap();
    let start = Instant::now();
    assert_eq!(
        vm.func::<(), u64>("Parallel").unwrap().call(()).unwrap(),
        240
    );
    assert!(
        start.elapsed() < Duration::from_millis(200),
        "{:?}",
        start.elapsed()
    );
    let wanted = ("soon!".to_owned(), "not today".to_owned());
    assert_eq!(
        vm.func::<(), (String, String)>("Async")
            .unwrap()
            .call(())
            .unwrap(),
        wanted
    );
}

#[test]
fn compile_errors_have_places() {
    let error = Golite::new()
        .compile("package main\nfunc F() int { return \"x\" }\n")
        .unwrap_err();
    let Error::Compile(error) = error else {
        panic!("{error}");
    };
    let problem = &error.problems()[0];
    assert_eq!(
        (problem.file.as_str(), problem.line, problem.column),
        ("script.go", 2, 23)
    );
    assert!(
        error.to_string().starts_with("script.go:2:23: cannot use"),
        "{error}"
    );
    assert!(error.excerpts(false).contains("return"));
    assert!(error.json().starts_with('{'));
    let outside = Golite::new().compile("package main\nimport \"./secrets\"\nfunc main() {}\n");
    assert!(matches!(outside, Err(Error::Compile(_))));
}
