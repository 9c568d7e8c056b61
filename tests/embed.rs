//! The embedding face, as an application uses it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
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
        // A VM that a loaded machine does not let stop soon after its deadline is ended without a look at its goroutines.
        let traces = error.traces();
        let unseen = wanted == Limit::Deadline && traces.is_empty();
        assert!(unseen || traces.contains("main."), "{name}: {traces}");
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
    assert!(matches!(result, Err(Error::TimedOut { .. })), "{result:?}");
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
    let inside = Arc::new(AtomicU64::new(0));
    let golite = Golite::builder()
        // It returns when that many are inside at once.
        .blocking_func("host", "Block", move |wanted: u64| {
            inside.fetch_add(1, Ordering::SeqCst);
            let end = Instant::now() + Duration::from_secs(30);
            while inside.load(Ordering::SeqCst) < wanted && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(1));
            }
            inside.load(Ordering::SeqCst)
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
                    go func() { results <- host.Block(8) }()
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
    assert_eq!(
        vm.func::<(), u64>("Parallel").unwrap().call(()).unwrap(),
        64
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

#[golite::export]
mod shop {
    pub const CURRENCY: &str = "EUR";
    pub const MAX_ITEMS: i64 = 3;

    /// A line of an order.
    #[derive(golite::GoType, Clone, Debug, PartialEq)]
    pub struct Line {
        pub item: String,
        #[go(name = "N")]
        pub count: i64,
        pub tags: Vec<String>,
        pub note: Option<String>,
    }

    /// Adds up what the lines cost.
    pub fn total_price(lines: Vec<Line>, price: f64) -> Result<f64, String> {
        match lines.len() as i64 > MAX_ITEMS {
            true => Err("too many".to_owned()),
            false => Ok(lines.iter().map(|line| line.count as f64 * price).sum()),
        }
    }

    pub fn first_line() -> Line {
        Line {
            item: "tea".to_owned(),
            count: 2,
            tags: vec!["hot".to_owned()],
            note: Some("now".to_owned()),
        }
    }

    #[blocking]
    pub fn slowly(n: i64) -> i64 {
        n + 1
    }

    #[golite::export(package = "shop")]
    impl Line {
        /// Whether it has a tag.
        pub fn is_tagged(&self, tag: &str) -> bool {
            self.tags.iter().any(|other| other == tag)
        }
        pub fn add(&mut self, more: i64) {
            self.count += more;
        }
        pub fn check(&self) -> Result<i64, String> {
            match self.count {
                0 => Err("nothing".to_owned()),
                count => Ok(count),
            }
        }
    }
}

/// Doubles.
#[golite::export(package = "shop")]
fn double_it(n: i64) -> i64 {
    2 * n
}

#[test]
fn exported_modules_types_and_methods() {
    let golite = Golite::builder()
        .export::<shop::Exports>()
        .export::<shop::Line>()
        .export::<double_it>()
        .build()
        .unwrap();
    assert_eq!(double_it(2), 4);
    let text = r#"
        package main

        import ("fmt"; "shop")

        // Order has the fields of the Rust struct, in another order and among others.
        type Order struct {
            Extra bool
            Note *string
            Tags []string
            Item string
            Amount int `json:"count,omitempty"`
        }

        func Run() []string {
            line := shop.FirstLine()
            var out []string
            out = append(out, fmt.Sprint(line.Item, line.N, line.Tags, *line.Note))
            line.Add(40)
            n, err := line.Check()
            out = append(out, fmt.Sprint(line.N, n, err, line.IsTagged("hot"), line.IsTagged("cold")))
            _, err = shop.Line{}.Check()
            out = append(out, fmt.Sprint(err))
            total, err := shop.TotalPrice([]shop.Line{line, line}, 0.5)
            out = append(out, fmt.Sprint(total, err, shop.Currency, shop.MaxItems))
            _, err = shop.TotalPrice(make([]shop.Line, 4), 1)
            out = append(out, fmt.Sprint(err, shop.Slowly(1), shop.DoubleIt(4)))
            return out
        }
        func Twice(o Order) []Order { o.Amount *= 2; return []Order{o, o} }
    "#;
    let program = golite
        .compile(text)
        .unwrap_or_else(|error| panic!("{error}"));
    let vm = program.start().unwrap_or_else(|error| panic!("{error}"));
    let lines = vm.func::<(), Vec<String>>("Run").unwrap().call(()).unwrap();
    assert_eq!(
        lines,
        [
            "tea2 [hot]now",
            "42 42 <nil> true false",
            "nothing",
            "42 <nil>EUR3",
            "too many 2 8"
        ]
    );
    let twice = vm.func::<(shop::Line,), Vec<shop::Line>>("Twice").unwrap();
    let line = shop::first_line();
    let mut wanted = line.clone();
    wanted.count = 4;
    assert_eq!(twice.call((line,)).unwrap(), [wanted.clone(), wanted]);

    let folder = std::env::temp_dir().join(format!("golite-stubs-{}", std::process::id()));
    golite.write_stubs(&folder).unwrap();
    let stubs = std::fs::read_to_string(folder.join("shop/shop.go")).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(
        stubs.contains("// Adds up what the lines cost.\nfunc TotalPrice("),
        "{stubs}"
    );
}

/// What a park has.
///
/// Of trees and numbers.
#[golite::export]
mod park {
    /// Where it is.
    pub const TITLE: &str = "Zoë's \"park\"\u{0}\t\u{feff}'";
    /// Below the ground.
    pub const DEPTH: i64 = -(4 + 8);
    pub const HUGE: u64 = u64::MAX;
    pub const LEAST: f64 = -1e-300;
    pub const QUOTE: char = '\'';
    pub const IS_OPEN: bool = !false;
    /// No constant in Go.
    pub const SEATS: [u8; 2] = [1, 2];

    /// A tree
    /// in the park.
    #[golite::export]
    pub struct Tree {
        /// How high it is.
        pub height: f32,
        pub kind: Kind,
    }

    /// What it bears.
    #[derive(golite::GoType)]
    pub enum Kind {
        /// Needles, mostly.
        Needles = -1,
        Leaves,
    }

    /// Counts.
    #[derive(golite::GoType)]
    pub struct Count(pub u32);

    /// Not mentioned by a function, and not for scripts.
    pub struct Hidden;

    /// Names that Go does not let have.
    #[allow(unused_variables)]
    pub fn plant(
        r#type: Kind,
        tree_count: u8,
        _: bool,
        errors: i64,
        r1: i64,
        failed: bool,
    ) -> Result<(), String> {
        let _ = Hidden;
        match failed {
            true => Err(format!("{tree_count} {errors} {r1}")),
            false => Ok(()),
        }
    }

    /// Waits.
    pub async fn grow(_by_how_much: f64, go: i64) -> Result<(i64, String), String> {
        Ok((go, SEATS.len().to_string()))
    }

    #[golite::export(package = "park")]
    impl Tree {
        /// Cuts.
        pub fn cut(&self, v: f32) -> Result<f32, String> {
            match v < self.height {
                true => Ok(self.height - v),
                false => Err("too much".to_owned()),
            }
        }
        pub fn rise(&mut self, by_metres: f32, err: f32) {
            self.height += by_metres + err;
        }
    }
}

#[test]
fn declarations_have_names_constants_and_documentation() {
    let golite = Golite::builder()
        .export::<park::Exports>()
        .export::<park::Tree>()
        .func("park/deep", "Nothing", || ())
        .build()
        .unwrap();
    let folder = std::env::temp_dir().join(format!("golite-park-{}", std::process::id()));
    golite.write_stubs(&folder).unwrap();
    let stubs = std::fs::read_to_string(folder.join("park/park.go")).unwrap();
    let deep = std::fs::read_to_string(folder.join("park/deep/deep.go")).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(deep, "package deep\n\nfunc Nothing()\n");
    let wanted = r#"// What a park has.
//
// Of trees and numbers.
package park

import "errors"

// A tree
// in the park.
type Tree struct {
	// How high it is.
	Height float32 `json:"height"`
	Kind Kind `json:"kind"`
}

// What it bears.
type Kind int

const (
	// Needles, mostly.
	KindNeedles Kind = -1
	KindLeaves Kind = 0
)

// Counts.
type Count uint32

// Where it is.
const Title = "Zoë's \"park\"\u0000\t\ufeff'"

// Below the ground.
const Depth = -12

const Huge = 18446744073709551615

const Least = -1e-300

const Quote = '\''

const IsOpen = true

// Names that Go does not let have.
func Plant(type_ Kind, treeCount uint8, p2 bool, errors_ int, r1_ int, failed_ bool) (err error) {
	var failure string
	var failed bool
	failure, failed = hostPlant(type_, treeCount, p2, errors_, r1_, failed_)
	if failed {
		err = errors.New(failure)
	}
	return err
}

func hostPlant(type_ Kind, treeCount uint8, p2 bool, errors_ int, r1_ int, failed_ bool) (failure string, failed bool)

// Cuts.
func (v Tree) Cut(v_ float32) (r0 float32, err error) {
	var failure string
	var failed bool
	r0, failure, failed = hostTreeCut(v, v_)
	if failed {
		err = errors.New(failure)
	}
	return r0, err
}

func hostTreeCut(v Tree, v_ float32) (r0 float32, failure string, failed bool)

func (v *Tree) Rise(byMetres float32, err_ float32) {
	*v = hostTreeRise(*v, byMetres, err_)
}

func hostTreeRise(v Tree, byMetres float32, err_ float32) Tree

// Waits.
func Grow(byHowMuch float64, go_ int) (r0 int, r1 string, err error) {
	var failure string
	var failed bool
	r0, r1, failure, failed = hostGrow(byHowMuch, go_)
	if failed {
		err = errors.New(failure)
	}
	return r0, r1, err
}

func hostGrow(byHowMuch float64, go_ int) (r0 int, r1 string, failure string, failed bool)
"#;
    assert_eq!(stubs, wanted);
    let text = r#"
        package main
        import ("fmt"; "park"; "park/deep")
        func Run() string {
            deep.Nothing()
            tree := park.Tree{Height: 3, Kind: park.KindNeedles}
            tree.Rise(1, 0.5)
            left, err := tree.Cut(1.5)
            _, failed := tree.Cut(9)
            n, text, _ := park.Grow(1, 7)
            return fmt.Sprint(left, err, failed, tree.Kind, park.Count(3), n, text) + fmt.Sprintf(" %q", park.Title) +
                fmt.Sprint(park.Depth, uint64(park.Huge), park.Least, park.Quote, park.IsOpen,
                    park.Plant(park.KindLeaves, 3, true, 4, 5, true), park.Plant(park.KindLeaves, 3, true, 4, 5, false))
        }
    "#;
    let vm = golite
        .compile(text)
        .unwrap_or_else(|error| panic!("{error}"))
        .start()
        .unwrap();
    assert_eq!(
        vm.func::<(), String>("Run").unwrap().call(()).unwrap(),
        "3 <nil> too much -1 3 72 \"Zoë's \\\"park\\\"\\x00\\t\\ufeff'\"-12 18446744073709551615 -1e-300 39 true 3 4 5 <nil>"
    );
}

#[golite::export]
mod wide {
    pub const FAR: f64 = f64::INFINITY;
}

#[test]
fn a_constant_that_go_has_not_is_refused() {
    let error = Golite::builder().export::<wide::Exports>().build().err();
    let text = error.unwrap().to_string();
    assert_eq!(text, "wide.Far is no number that Go has constants of");
}

#[test]
fn a_vm_reaches_nothing_until_it_is_allowed() {
    let text = r#"
        package main
        import ("fmt"; "net"; "os"; "os/exec"; "path/filepath")
        func Read(name string) string {
            data, err := os.ReadFile(name)
            if err != nil { return "error: " + err.Error() }
            return string(data)
        }
        func Write(name string) error { return os.WriteFile(name, []byte("written"), 0o644) }
        func List(dir string) string {
            entries, err := os.ReadDir(dir)
            if err != nil { return "error: " + err.Error() }
            return fmt.Sprint(len(entries))
        }
        func Link(to, name string) error { return os.Symlink(to, name) }
        func Rest(dir string) []string {
            _, dial := net.Dial("tcp", "127.0.0.1:1")
            _, listen := net.Listen("tcp", "127.0.0.1:0")
            _, look := net.LookupHost("localhost")
            _, host := os.Hostname()
            return []string{
                fmt.Sprint(dial), fmt.Sprint(listen), fmt.Sprint(look), fmt.Sprint(host),
                fmt.Sprint(exec.Command("/bin/true").Run()),
                fmt.Sprint(os.Chdir("/")), fmt.Sprint(os.Environ()),
                fmt.Sprint(os.Remove(filepath.Join(dir, "a"))),
                fmt.Sprint(os.NewFile(9, "x").Close()),
            }
        }
    "#;
    let folder = std::env::temp_dir().join(format!("golite-sandbox-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("in/sub")).unwrap();
    std::fs::write(folder.join("in/a"), "inside").unwrap();
    std::fs::write(folder.join("secret"), "secret").unwrap();
    std::os::unix::fs::symlink(folder.join("secret"), folder.join("in/way_out")).unwrap();
    let inside = folder.join("in").canonicalize().unwrap();
    let name = |file: &str| inside.join(file).to_string_lossy().into_owned();
    let program = Golite::new().compile(text).unwrap();
    let read = |vm: &Vm, file: &str| {
        let read = vm.func::<(String,), String>("Read").unwrap();
        read.call((name(file),)).unwrap()
    };
    let write = |vm: &Vm, file: &str| {
        let write = vm
            .func::<(String,), Result<(), ScriptError>>("Write")
            .unwrap();
        write.call((name(file),)).unwrap()
    };

    let vm = program.start().unwrap();
    assert!(
        read(&vm, "a").ends_with("permission denied"),
        "{}",
        read(&vm, "a")
    );
    assert!(write(&vm, "b").is_err());
    let rest = vm
        .func::<(String,), Vec<String>>("Rest")
        .unwrap()
        .call((name("."),))
        .unwrap();
    for (index, answer) in rest.iter().enumerate() {
        match index {
            6 => assert_eq!(answer, "[]"),
            _ => assert_ne!(answer, "<nil>", "{index}"),
        }
    }

    let vm = program.vm().allow_read(&inside).start().unwrap();
    assert_eq!(read(&vm, "a"), "inside");
    assert_eq!(read(&vm, "sub/../a"), "inside");
    for outside in ["../secret", "way_out", "sub/../../secret", "/etc/passwd"] {
        assert!(
            read(&vm, outside).ends_with("permission denied"),
            "{outside}: {}",
            read(&vm, outside)
        );
    }
    assert!(write(&vm, "b").is_err());
    let list = vm.func::<(String,), String>("List").unwrap();
    assert_eq!(list.call((name("."),)).unwrap(), "3");

    let vm = program.vm().allow_write(&inside).start().unwrap();
    assert!(write(&vm, "b").is_ok());
    assert_eq!(read(&vm, "b"), "written");
    assert!(write(&vm, "../c").is_err());
    let link = vm
        .func::<(String, String), Result<(), ScriptError>>("Link")
        .unwrap();
    assert!(
        link.call((name("../secret"), name("link")))
            .unwrap()
            .is_ok()
    );
    assert!(read(&vm, "link").ends_with("permission denied"));
    assert!(write(&vm, "link").is_err());
    assert_eq!(
        std::fs::read_to_string(folder.join("secret")).unwrap(),
        "secret"
    );

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let dial = |vm: &Vm| {
        let text = format!("127.0.0.1:{port}");
        vm.func::<(String,), Result<(), ScriptError>>("Dial")
            .unwrap()
            .call((text,))
            .unwrap()
    };
    let program = Golite::new()
        .compile("package main\nimport \"net\"\nfunc Dial(to string) error { c, err := net.Dial(\"tcp\", to); if err == nil { c.Close() }; return err }")
        .unwrap();
    assert!(
        dial(
            &program
                .vm()
                .allow_net("127.0.0.1", Some(port))
                .start()
                .unwrap()
        )
        .is_ok()
    );
    assert!(
        dial(
            &program
                .vm()
                .allow_net("127.0.0.1", Some(port ^ 1))
                .start()
                .unwrap()
        )
        .is_err()
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn programs_are_kept_as_bytes_and_verified() {
    let golite = Golite::builder()
        .func("host", "One", || 1i64)
        .build()
        .unwrap();
    let program = golite
        .compile("package main\nimport \"host\"\nvar x = host.One()\nfunc F(n int) int { if n == 0 { panic(\"zero\") }; return n + x }")
        .unwrap();
    let bytes = program.to_bytes();
    let loaded = golite.load(&bytes).unwrap();
    assert_eq!(loaded.functions().collect::<Vec<_>>(), ["F"]);
    let vm = loaded.start().unwrap();
    let f = vm.func::<(i64,), i64>("F").unwrap();
    assert_eq!(f.call((41,)).unwrap(), 42);
    let Err(Error::Panic(panic)) = f.call((0,)) else {
        panic!("no panic");
    };
    assert!(panic.trace.contains("script.go:4"), "{}", panic.trace);
    for at in 0..bytes.len() {
        let mut broken = bytes.clone();
        broken[at] ^= 0x41;
        if let Ok(program) = golite.load(&broken) {
            // What is still a program is run within limits.
            let vm = program.vm().fuel(10_000).memory(16 << 20).start();
            drop(vm);
        }
        if at > 600 {
            break;
        }
    }
    assert!(golite.load(&bytes[..bytes.len() / 2]).is_err());
    // With a key nothing that differs in a bit, or is cut, is a program.
    let sealing = Golite::builder()
        .func("host", "One", || 1i64)
        .key([7; 40])
        .build()
        .unwrap();
    assert!(sealing.load(&bytes).is_err());
    let sealed = sealing
        .compile("import \"host\"\nprintln(host.One())")
        .unwrap()
        .to_bytes();
    assert!(sealing.load(&sealed).is_ok());
    for at in (0..8 * sealed.len()).step_by(997) {
        let mut broken = sealed.clone();
        broken[at / 8] ^= 1 << (at % 8);
        assert!(sealing.load(&broken).is_err(), "bit {at}");
        assert!(sealing.load(&sealed[..at / 8]).is_err(), "{} bytes", at / 8);
    }
    // A host without the function cannot run it.
    assert!(matches!(
        Golite::new()
            .load(&bytes)
            .and_then(|program| program.start()),
        Err(Error::Host(_))
    ));
}

#[test]
fn host_functions_call_back_only_where_they_may_wait() {
    let place: Arc<std::sync::OnceLock<golite::Func<(i64,), i64>>> = Arc::default();
    let (at_once, blocking) = (Arc::clone(&place), Arc::clone(&place));
    let back = |place: &Arc<std::sync::OnceLock<golite::Func<(i64,), i64>>>, n: i64| {
        let function = place.get().ok_or("not yet")?;
        function.call((n,)).map_err(|error| error.to_string())
    };
    let golite = Golite::builder()
        .func("host", "AtOnce", move |n: i64| -> Result<i64, String> {
            back(&at_once, n)
        })
        .blocking_func("host", "Blocking", move |n: i64| -> Result<i64, String> {
            back(&blocking, n)
        })
        .build()
        .unwrap();
    let program = golite
        .compile(
            r#"
            package main
            import "host"
            func Double(n int) int { return 2 * n }
            func AtOnce(n int) (int, error) { return host.AtOnce(n) }
            func Blocking(n int) (int, error) { return host.Blocking(n) }
            "#,
        )
        .unwrap();
    let vm = program.start().unwrap();
    assert!(place.set(vm.func("Double").unwrap()).is_ok());
    let call = |name: &str| {
        vm.func::<(i64,), Result<i64, ScriptError>>(name)
            .unwrap()
            .call((21,))
            .unwrap()
    };
    assert!(call("AtOnce").is_err());
    assert_eq!(call("Blocking"), Ok(42));
}

#[test]
fn a_call_that_takes_too_long_is_ended_and_the_vm_goes_on() {
    let vm = vm(r#"
        package main

        import ("sync"; "time")

        var cleaned int
        var mu sync.Mutex

        func Spin() { defer func() { cleaned++ }(); for {} }
        func Sleep() { defer func() { cleaned++ }(); time.Sleep(time.Hour) }
        func Receive() {
            defer func() { cleaned++ }()
            // Else it were a deadlock.
            go func() { for { time.Sleep(time.Millisecond) } }()
            <-make(chan int)
        }
        func Quick() int { return cleaned }
        func Stubborn() { defer func() { for {} }(); for {} }
    "#);
    let quick = vm.func::<(), i64>("Quick").unwrap();
    for (number, name) in ["Spin", "Sleep", "Receive", "Spin"].into_iter().enumerate() {
        let start = Instant::now();
        let slow = vm.func::<(), ()>(name).unwrap();
        let error = slow.call_within(Duration::from_millis(20), ()).unwrap_err();
        assert!(
            matches!(&error, Error::TimedOut { .. }),
            "{name}: {error:?}"
        );
        assert!(
            error.traces().contains(&format!("main.{name}")),
            "{error:?}"
        );
        assert!(start.elapsed() < Duration::from_secs(5));
        assert!(vm.ended().is_none());
        assert_eq!(quick.call(()).unwrap(), number as i64 + 1);
    }
    // Many quick calls, each with time enough.
    for _ in 0..1000 {
        quick.call_within(Duration::from_secs(100), ()).unwrap();
    }
    let stubborn = vm.func::<(), ()>("Stubborn").unwrap();
    let error = stubborn
        .call_within(Duration::from_millis(20), ())
        .unwrap_err();
    assert_eq!(error.limit(), Some(Limit::Deadline), "{error:?}");
    assert!(vm.ended().is_some());
}

#[test]
fn a_vm_on_its_callers_thread_has_no_other() {
    let text = r#"
        package main

        import "time"

        var ticks int

        func Work() int {
            c := make(chan int)
            for i := range 10 {
                go func() { time.Sleep(time.Duration(i) * time.Millisecond); c <- i }()
            }
            sum := 0
            for range 10 { sum += <-c }
            return sum
        }
        func Leave() { go func() { for { time.Sleep(time.Second); ticks++ } }() }
        func Ticks() int { return ticks }
        func Spin() { for {} }
        func Stuck() { <-make(chan int) }
    "#;
    let program = Golite::new().compile(text).unwrap();
    let vm = program.vm().on_callers_thread().start().unwrap();
    let work = vm.func::<(), i64>("Work").unwrap();
    assert_eq!(work.call(()).unwrap(), 45);
    // Calls of several threads take turns.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(work.call(()).unwrap(), 45));
        }
    });
    let spin = vm.func::<(), ()>("Spin").unwrap();
    let error = spin.call_within(Duration::from_millis(20), ()).unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    vm.run_until_idle().unwrap();
    let stuck = vm.func::<(), ()>("Stuck").unwrap().call(()).unwrap_err();
    assert!(matches!(stuck, Error::Deadlock { .. }), "{stuck:?}");

    let vm = program.vm().virtual_time().start().unwrap();
    let ticks = vm.func::<(), i64>("Ticks").unwrap();
    vm.func::<(), ()>("Leave").unwrap().call(()).unwrap();
    assert_eq!(ticks.call(()).unwrap(), 0);
    vm.step(Duration::from_millis(2500)).unwrap();
    assert_eq!(ticks.call(()).unwrap(), 2);
    vm.run_until_idle().unwrap();
    assert_eq!(ticks.call(()).unwrap(), 2);
    vm.step(Duration::from_millis(500)).unwrap();
    assert_eq!(ticks.call(()).unwrap(), 3);

    let vm = program
        .vm()
        .on_callers_thread()
        .deadline(Duration::from_millis(50))
        .start()
        .unwrap();
    let error = vm.func::<(), ()>("Spin").unwrap().call(()).unwrap_err();
    assert_eq!(error.limit(), Some(Limit::Deadline), "{error:?}");
}

#[test]
fn open_files_are_limited_and_closed_with_their_vm() {
    let folder = std::env::temp_dir().join(format!("golite-open-files-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("file"), "text").unwrap();
    let text = r#"
        package main

        import ("net"; "os")

        var keep []*os.File

        func Open(name string, count int) (int, error) {
            for i := range count {
                f, err := os.Open(name)
                if err != nil {
                    return i, err
                }
                keep = append(keep, f)
            }
            return count, nil
        }
        func Close() { keep[0].Close(); keep = keep[1:] }
        func Listen() error {
            _, err := net.Listen("tcp", "127.0.0.1:0")
            return err
        }
    "#;
    let program = Golite::new().compile(text).unwrap();
    let vm = program
        .vm()
        .allow_read(&folder)
        .allow_net("127.0.0.1", None)
        .open_files(10)
        .start()
        .unwrap();
    type Opened = Result<i64, ScriptError>;
    let open = vm.func::<(String, i64), Opened>("Open").unwrap();
    let name = folder.join("file").to_string_lossy().into_owned();
    let open_here = || {
        let all = std::fs::read_dir("/proc/self/fd").unwrap();
        all.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
            .filter(|path| path.to_string_lossy() == name)
            .count()
    };
    assert_eq!(open.call((name.clone(), 10)).unwrap().unwrap(), 10);
    assert_eq!(open_here(), 10);
    let error = open.call((name.clone(), 1)).unwrap().unwrap_err();
    assert!(error.message.ends_with("too many open files"), "{error}");
    let listen = vm.func::<(), Result<(), ScriptError>>("Listen").unwrap();
    let error = listen.call(()).unwrap().unwrap_err();
    assert!(error.message.ends_with("too many open files"), "{error}");
    vm.func::<(), ()>("Close").unwrap().call(()).unwrap();
    listen.call(()).unwrap().unwrap();
    assert!(open.call((name.clone(), 1)).unwrap().is_err());
    // What the script has left open goes with its VM.
    drop((open, listen, vm));
    // A thread that worked for it may be on its way out of it.
    let deadline = Instant::now() + Duration::from_secs(10);
    while open_here() > 0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(open_here(), 0);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_call_with_a_deadline_is_in_no_deadlock() {
    let vm = vm(
        "package main\nvar c = make(chan int)\nvar calls int\nfunc Receive() int { calls++; return <-c }\nfunc Calls() int { return calls }",
    );
    let receive = vm.func::<(), i64>("Receive").unwrap();
    for _ in 0..2 {
        let error = receive
            .call_within(Duration::from_millis(20), ())
            .unwrap_err();
        assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    }
    assert!(vm.ended().is_none());
    assert_eq!(vm.func::<(), i64>("Calls").unwrap().call(()).unwrap(), 2);
    // Without one it is.
    let error = receive.call(()).unwrap_err();
    assert!(matches!(error, Error::Deadlock { .. }), "{error:?}");
}

#[test]
fn files_and_sockets_are_closed_when_the_vm_was_dropped() {
    let folder = std::env::temp_dir().join(format!("golite-dropped-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("kept.txt");
    std::fs::write(&file, "text").unwrap();
    let file = file.canonicalize().unwrap();
    let text = r#"
        package main
        import ("net"; "os")
        var file *os.File
        var listener net.Listener
        func Open(name string) (int, error) {
            var err error
            if file, err = os.Open(name); err != nil { return 0, err }
            if listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil { return 0, err }
            go listener.Accept()
            return listener.Addr().(*net.TCPAddr).Port, nil
        }
    "#;
    let program = Golite::new().compile(text).unwrap();
    let vm = program
        .vm()
        .allow_read(&folder)
        .allow_net("127.0.0.1", None)
        .start()
        .unwrap();
    let open = vm
        .func::<(String,), Result<i64, golite::ScriptError>>("Open")
        .unwrap();
    let port = open
        .call((file.to_str().unwrap().into(),))
        .unwrap()
        .unwrap();
    let is_open = |wanted: &std::path::Path| {
        let own = std::fs::read_dir("/proc/self/fd").unwrap();
        own.flatten()
            .any(|entry| std::fs::read_link(entry.path()).is_ok_and(|to| to == wanted))
    };
    // The socket of this process that listens at the port: local address, state and inode are among a line's words.
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let local = format!(":{port:04X}");
    let inode = sockets.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words[1].ends_with(&local) && words[3] == "0A").then(|| words[9].to_owned())
    });
    let socket = std::path::PathBuf::from(format!("socket:[{}]", inode.unwrap()));
    assert!(is_open(&file) && is_open(&socket));
    drop((vm, open));
    assert!(!is_open(&file) && !is_open(&socket));
    std::fs::remove_dir_all(&folder).unwrap();
}
