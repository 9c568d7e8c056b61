//! Scripts that want to harm their host: each is ended with an error by whichever limit it meets first, alone and beside others, and leaves
//! nothing behind.

use std::time::{Duration, Instant};

use golite::{Error, Golite, Program, VmBuilder};

/// What each script may take in wall-clock time.
const DEADLINE: Duration = Duration::from_millis(60);
/// How much longer an error may take than the limit, on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(10);

/// Scripts that never end by themselves, or do what they must not.
const SCRIPTS: &[(&str, &str)] = &[
    ("empty loop", "for {}"),
    ("counting loop", "for i := 0; ; i++ {}"),
    (
        "nested loops",
        "for { for range 1000 { for range 1000 {} } }",
    ),
    ("goto", "again: goto again"),
    ("loop in a closure", "f := func() { for {} }; f()"),
    (
        "loop in a deferred call",
        "defer func() { for {} }(); panic(1)",
    ),
    (
        "loop while recovering",
        "for { func() { defer func() { recover() }(); panic(1) }() }",
    ),
    (
        "loop in a method",
        "type T int\nfunc (t T) Spin() { for {} }\nT(0).Spin()",
    ),
    (
        "loop in init order",
        "var x = f()\nfunc f() int { for {} }\nfmt.Println(x)",
    ),
    (
        "loop in String",
        "type T struct{}\nfunc (T) String() string { for {} }\nfmt.Println(T{})",
    ),
    (
        "loop in Error",
        "type T struct{}\nfunc (T) Error() string { for {} }\nfmt.Println(T{})",
    ),
    (
        "panic whose text never ends",
        "type T struct{}\nfunc (T) Error() string { for {} }\npanic(T{})",
    ),
    (
        "loop in sort",
        "s := []int{3, 2, 1}; slices.SortFunc(s, func(a, b int) int { for {} })",
    ),
    (
        "loop in an iterator",
        "for range func(yield func(int) bool) { for yield(1) {} } {}",
    ),
    (
        "loop in a generic function",
        "func f[T any](t T) { for {} }\nf(1)",
    ),
    (
        "select that is always ready",
        "c := make(chan int); close(c); for { select { case <-c: } }",
    ),
    ("select with default", "for { select { default: } }"),
    ("Gosched for ever", "for { runtime.Gosched() }"),
    ("sleep", "time.Sleep(time.Hour)"),
    ("many short sleeps", "for { time.Sleep(time.Microsecond) }"),
    (
        "timers without end",
        "for { time.AfterFunc(time.Hour, func() {}) }",
    ),
    (
        "timer that arms itself",
        "var f func(); f = func() { time.AfterFunc(0, f) }; f(); select {}",
    ),
    ("ticker", "for range time.Tick(time.Microsecond) {}"),
    ("receive from nobody", "<-make(chan int)"),
    ("send to nobody", "make(chan int) <- 1"),
    ("nil channel", "var c chan int; <-c"),
    ("empty select", "select {}"),
    ("lock twice", "var mu sync.Mutex; mu.Lock(); mu.Lock()"),
    ("wait group", "var wg sync.WaitGroup; wg.Add(1); wg.Wait()"),
    (
        "cond",
        "c := sync.NewCond(&sync.Mutex{}); c.L.Lock(); c.Wait()",
    ),
    (
        "ping pong",
        "a, b := make(chan int), make(chan int); go func() { for x := range a { b <- x } }(); for { a <- 1; <-b }",
    ),
    (
        "recursion",
        "var f func(int) int; f = func(n int) int { return f(n+1) + 1 }; f(0)",
    ),
    (
        "recursion in two",
        "func a(n int) int { return b(n) + 1 }\nfunc b(n int) int { return a(n) + 1 }\na(0)",
    ),
    (
        "recursion with large frames",
        "type T [64]int\nfunc f(t T) T { t[0]++; u := f(t); u[1]++; return u }\nf(T{})",
    ),
    (
        "recursion in goroutines",
        "var f func(int) int; f = func(n int) int { return f(n+1) + 1 }; for range 10 { go f(0) }; select {}",
    ),
    (
        "recursion in String",
        "type T struct{}\nfunc (t T) String() string { return fmt.Sprint(t) }\nfmt.Println(T{})",
    ),
    (
        "recursion by deferred calls",
        "var f func(); f = func() { defer f() }; f()",
    ),
    (
        "panics in deferred calls",
        "var f func(); f = func() { defer f(); panic(1) }; f()",
    ),
    ("deferred calls without end", "for { defer func() {}() }"),
    ("slice that grows", "var s []int; for { s = append(s, 1) }"),
    (
        "slices that are kept",
        "var s [][]byte; for { s = append(s, make([]byte, 1<<12)) }",
    ),
    (
        "large slice",
        "s := make([]int, 1<<30); s[0] = 1; fmt.Println(len(s))",
    ),
    (
        "large slices",
        "var s [][]int; for { s = append(s, make([]int, 1<<18)) }",
    ),
    (
        "map that grows",
        "m := map[int]int{}; for i := 0; ; i++ { m[i] = i }",
    ),
    (
        "map of maps",
        "var m map[string]any = map[string]any{}; for { m = map[string]any{\"a\": m, \"b\": make([]int, 100)} }",
    ),
    (
        "linked list",
        "type T struct { next *T; data [32]int }\nvar head *T; for { head = &T{next: head} }",
    ),
    ("string that doubles", "s := \"x\"; for { s += s }"),
    (
        "repeat",
        "var all []string; for { all = append(all, strings.Repeat(\"ab\", 1<<16)) }",
    ),
    (
        "huge repeat",
        "s := strings.Repeat(\"ab\", 1<<40); fmt.Println(len(s))",
    ),
    (
        "builder",
        "var b strings.Builder; for { b.WriteString(\"0123456789\") }",
    ),
    (
        "buffer",
        "var b bytes.Buffer; for { b.Write(make([]byte, 1024)) }",
    ),
    ("format width", "for { _ = fmt.Sprintf(\"%1000000d\", 1) }"),
    (
        "format of much",
        "s := make([]int, 1<<18); for { _ = fmt.Sprint(s) }",
    ),
    (
        "closures",
        "var fs []func(); for { x := make([]int, 100); fs = append(fs, func() { _ = x }) }",
    ),
    (
        "channels",
        "var cs []chan [64]int; for { cs = append(cs, make(chan [64]int, 64)) }",
    ),
    (
        "full channel",
        "c := make(chan []int, 1<<20); for { c <- make([]int, 128) }",
    ),
    ("garbage", "for { _ = make([]byte, 1<<16) }"),
    (
        "finalizers",
        "for { p := new([1024]int); runtime.SetFinalizer(p, func(*[1024]int) {}) }",
    ),
    (
        "finalizer that revives",
        "var keep []*[1024]int; for { p := new([1024]int); runtime.SetFinalizer(p, func(q *[1024]int) { keep = append(keep, q) }) }",
    ),
    ("collections", "for { runtime.GC() }"),
    ("goroutines that wait", "for { go func() { select {} }() }"),
    ("goroutines that spin", "for { go func() { for {} }() }"),
    (
        "goroutines that multiply",
        "var f func(); f = func() { go f(); go f() }; f(); select {}",
    ),
    ("goroutines that sleep", "for { go time.Sleep(time.Hour) }"),
    ("output", "for { fmt.Println(\"spam\") }"),
    (
        "large output",
        "s := strings.Repeat(\"x\", 1<<16); for { fmt.Print(s) }",
    ),
    ("error output", "for { fmt.Fprintln(os.Stderr, \"spam\") }"),
    ("println", "for { println(\"spam\") }"),
    (
        "multiplication",
        "x := new(big.Int).Lsh(big.NewInt(3), 1<<25); x.Add(x, big.NewInt(1)); for { x.Mul(x, x) }",
    ),
    (
        "power",
        "for { new(big.Int).Exp(big.NewInt(3), big.NewInt(1<<25), nil) }",
    ),
    (
        "replacer of many pairs",
        "var pairs []string; for i := range 4000 { pairs = append(pairs, \"aaaaaaaaaaaaaaa\"+fmt.Sprint(i), \"\") }; r := strings.NewReplacer(pairs...); s := strings.Repeat(\"a\", 1<<22); for { r.Replace(s) }",
    ),
    (
        "sort of long texts",
        "s := strings.Repeat(\"a\", 1<<22); var all []string; for i := range 2000 { all = append(all, s[i:]) }; for { sort.Strings(slices.Clone(all)) }",
    ),
    (
        "sort of many numbers",
        "all := rand.Perm(1 << 20); for { sort.Ints(slices.Clone(all)) }",
    ),
    (
        "characters of a long set",
        "set := make([]rune, 50000); for i := range set { set[i] = rune(0x4e00 + i%20000) }; s := strings.Repeat(\"\\u3040\", 1<<21); for { strings.IndexAny(s, string(set)) }",
    ),
    (
        "search of what is nearly there",
        "s := strings.Repeat(\"a\", 1<<23); part := strings.Repeat(\"a\", 1<<12) + \"b\"; for { strings.Count(s, part); strings.LastIndex(s, part) }",
    ),
    (
        "digests",
        "b := make([]byte, 1<<23); for { sha512.Sum512(b); crc32.ChecksumIEEE(b); md5.Sum(b) }",
    ),
    (
        "encodings",
        "b := make([]byte, 1<<20); for { s := base64.StdEncoding.EncodeToString(b); base64.StdEncoding.DecodeString(s); hex.EncodeToString(b) }",
    ),
    (
        "long JSON",
        "b := bytes.Repeat([]byte(\"[1,\\\"x\\\"],\"), 1<<19); b = append(append([]byte(\"[\"), b...), \"0]\"...); for { json.Valid(b) }",
    ),
    (
        "quotes",
        "s := strings.Repeat(\"\\x00\\u00e9\", 1<<20); for { strconv.Quote(s); fmt.Sprintf(\"%q %x\", s, s) }",
    ),
    (
        "compression",
        "b := make([]byte, 1<<20); for i := range b { b[i] = byte(i * i >> 3) }; for { w := zlib.NewWriter(io.Discard); w.Write(b); w.Close() }",
    ),
    (
        "comparison of deep values",
        "type T struct { next *T }\nvar a, b *T; for range 1 << 17 { a, b = &T{a}, &T{b} }; for { reflect.DeepEqual(a, b) }",
    ),
    ("exit", "os.Exit(1)"),
    ("exit in a goroutine", "go os.Exit(2); select {}"),
    ("panic", "panic(\"no\")"),
    (
        "panic in a goroutine",
        "go func() { panic(\"no\") }(); select {}",
    ),
    ("Goexit", "runtime.Goexit()"),
    ("log.Fatal", "log.Fatal(\"no\")"),
    ("nil map", "var m map[int]int; m[1] = 1"),
    (
        "concurrent map writes",
        "m := map[int]int{}; for i := range 4 { go func() { for { m[i] = i } }() }; for { m[9] = 9 }",
    ),
    ("close twice", "c := make(chan int); close(c); close(c)"),
    ("unlock of unlocked", "var mu sync.Mutex; mu.Unlock()"),
    (
        "stack limit of its own",
        "debug.SetMaxStack(1 << 40); var f func(int) int; f = func(n int) int { return f(n+1) + 1 }; f(0)",
    ),
    (
        "processors of its own",
        "runtime.GOMAXPROCS(256); for range 256 { go func() { for {} }() }; select {}",
    ),
    (
        "files",
        "_, err := os.ReadFile(\"/etc/passwd\"); panic(err)",
    ),
    (
        "writes a file",
        "panic(os.WriteFile(\"/tmp/golite-hostile\", nil, 0o644))",
    ),
    (
        "network",
        "_, err := net.Dial(\"tcp\", \"127.0.0.1:22\"); panic(err)",
    ),
    (
        "processes",
        "panic(exec.Command(\"/bin/sh\", \"-c\", \"true\").Run())",
    ),
    (
        "kills its host",
        "p, _ := os.FindProcess(os.Getppid()); panic(p.Kill())",
    ),
];

fn program(name: &str, text: &str) -> Option<Program> {
    match Golite::new().compile_named(&format!("{}.go", name.replace(' ', "_")), text) {
        Ok(program) => Some(program),
        // What Go's rules refuse is ended before it begins.
        Err(Error::Compile(_)) => None,
        Err(error) => panic!("{name}: {error}"),
    }
}

type Limits = fn(VmBuilder) -> VmBuilder;

/// The limits beside the deadline, which is always there: else a loop would not end.
const LIMITS: [(&str, Limits); 7] = [
    ("deadline", |vm| vm),
    ("memory", |vm| vm.memory(32 << 20)),
    ("stack", |vm| vm.stack(1 << 20)),
    ("goroutines", |vm| vm.goroutines(2000)),
    ("output", |vm| vm.output(1 << 18)),
    ("fuel", |vm| vm.fuel(100_000)),
    ("caller's thread", VmBuilder::on_callers_thread),
];

fn limited(program: &Program) -> VmBuilder {
    program
        .vm()
        .deadline(DEADLINE)
        .memory(32 << 20)
        .stack(1 << 20)
        .goroutines(2000)
        .output(1 << 18)
        .open_files(10)
        .processors(2)
}

/// How much longer an error may take than the limit. Strict: as it is promised, for a release build on a machine that does nothing else.
fn patience() -> Duration {
    match std::env::var_os("GOLITE_STRICT") {
        Some(_) => Duration::from_millis(50),
        None => PATIENCE,
    }
}

fn run(name: &str, program: &Program) {
    run_within(name, limited(program));
}

fn run_within(name: &str, vm: VmBuilder) {
    let start = Instant::now();
    let vm = vm.start();
    let result = vm.as_ref().map_err(Clone::clone).and_then(|vm| vm.run());
    let took = start.elapsed();
    assert!(result.is_err(), "{name} ended well");
    assert!(
        took < DEADLINE + patience(),
        "{name} took {took:?}: {result:?}"
    );
    drop(vm);
}

/// Threads of this process, and its open descriptors.
fn held() -> (usize, usize) {
    let count = |folder: &str| std::fs::read_dir(folder).map_or(0, Iterator::count);
    (count("/proc/self/task"), count("/proc/self/fd"))
}

#[test]
fn hostile_scripts_end_with_an_error_and_leave_nothing_behind() {
    let programs = programs();
    assert!(
        programs.len() >= 60,
        "only {} scripts are programs",
        programs.len()
    );
    run(programs[0].0, &programs[0].1);
    let before = held();
    for (name, program) in &programs {
        run(name, program);
    }
    // Beside each other.
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let programs = &programs;
            scope.spawn(move || {
                for (name, program) in programs.iter().skip(thread % 8).step_by(8) {
                    run(name, program);
                }
            });
        }
    });
    // Threads without work stay for ten seconds.
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let after = held();
        if after.0 <= before.0 + 1 && after.1 <= before.1 {
            break;
        }
        assert!(
            Instant::now() < patience,
            "threads and descriptors: {before:?}, now {after:?}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What a native is at when a limit is reached takes seconds, or hours.
#[test]
fn natives_at_long_work_are_ended() {
    const LONG: &[&str] = &[
        "new(big.Int).Quo(new(big.Int).Lsh(big.NewInt(3), 1<<29), new(big.Int).Add(new(big.Int).Lsh(big.NewInt(3), 1<<28), big.NewInt(1)))",
        "new(big.Int).Sqrt(new(big.Int).Lsh(big.NewInt(3), 1<<29))",
        "_ = new(big.Int).Add(new(big.Int).Lsh(big.NewInt(3), 1<<28), big.NewInt(1)).String()",
        "new(big.Int).SetString(strings.Repeat(\"7\", 1<<27), 10)",
        "x := new(big.Int).Lsh(big.NewInt(3), 1<<22); x.Add(x, big.NewInt(1)); new(big.Int).Exp(big.NewInt(7), x, new(big.Int).Add(x, big.NewInt(6)))",
        "new(big.Int).Exp(big.NewInt(7), new(big.Int).Lsh(big.NewInt(3), 1<<28), big.NewInt(1000003))",
        "x := new(big.Int).Exp(big.NewInt(3), big.NewInt(1<<21), nil); y := new(big.Int).Exp(big.NewInt(7), big.NewInt(1<<20), nil); new(big.Int).GCD(nil, nil, x.Mul(x, x), y.Mul(y, y))",
        "x := new(big.Int).Exp(big.NewInt(3), big.NewInt(1<<21), nil); y := new(big.Int).Exp(big.NewInt(7), big.NewInt(1<<20), nil); new(big.Int).ModInverse(x.Mul(x, x), y.Mul(y, y))",
        "x := new(big.Int).Lsh(big.NewInt(1), 216091); x.Sub(x, big.NewInt(1)); x.ProbablyPrime(20)",
        "new(big.Int).MulRange(1, 1<<24)",
        "x := new(big.Int).Lsh(big.NewInt(3), 1<<28); x.Add(x, big.NewInt(1)); x.Mul(x, x)",
        "new(big.Int).Exp(big.NewInt(3), big.NewInt(1<<28), nil)",
        "var pairs []string; for i := range 4000 { pairs = append(pairs, \"aaaaaaaaaaaaaaa\"+fmt.Sprint(i), \"\") }; strings.NewReplacer(pairs...).Replace(strings.Repeat(\"a\", 1<<26))",
        "s := strings.Repeat(\"a\", 1<<24); var all []string; for i := range 1 << 16 { all = append(all, s[i:]) }; sort.Strings(all)",
    ];
    for (number, text) in LONG.iter().enumerate() {
        let name = format!("long work {number}");
        let program = program(&name, text).unwrap_or_else(|| panic!("{name} is no program"));
        run_within(&name, program.vm().deadline(DEADLINE));
        // The host's own thread is at it.
        let vm = program.vm().start().unwrap();
        let interrupter = vm.interrupter();
        let interrupting = std::thread::spawn(move || {
            std::thread::sleep(DEADLINE);
            interrupter.interrupt();
        });
        let start = Instant::now();
        let result = vm.run();
        assert!(
            matches!(result, Err(Error::Interrupted { .. })),
            "{name}: {result:?}"
        );
        assert!(
            start.elapsed() < DEADLINE + patience(),
            "{name}: {:?}",
            start.elapsed()
        );
        interrupting.join().unwrap();
    }
}

fn programs() -> Vec<(&'static str, Program)> {
    let all = SCRIPTS.iter();
    all.filter_map(|(name, text)| Some((*name, program(name, text)?)))
        .collect()
}

#[test]
#[ignore = "takes a minute"]
fn each_limit_alone_is_enough() {
    let programs = programs();
    for (limit, set) in LIMITS {
        for (name, program) in &programs {
            // What a script may take of memory when nobody limits that is bounded by the time it has, and this machine's memory.
            let vm = set(program.vm().deadline(DEADLINE).memory(1 << 30));
            run_within(&format!("{name} within the limit of {limit}"), vm);
        }
    }
}

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0u64) * 4096
}

/// `GOLITE_ROUNDS=1000 GOLITE_STRICT=1 cargo test --release --test hostile -- --ignored --nocapture again`
#[test]
#[ignore = "takes minutes"]
fn hostile_scripts_again_and_again() {
    let rounds = std::env::var("GOLITE_ROUNDS").ok();
    let rounds: usize = rounds.and_then(|n| n.parse().ok()).unwrap_or(20);
    let programs = programs();
    let round = || {
        std::thread::scope(|scope| {
            for thread in 0..16 {
                let programs = &programs;
                scope.spawn(move || {
                    for (name, program) in programs.iter().skip(thread).step_by(16) {
                        run(name, program);
                    }
                });
            }
        });
    };
    // The first rounds make what is made once, and the allocator's arenas.
    for _ in 0..rounds.min(10) {
        round();
    }
    let (before, memory) = (held(), resident());
    for number in 0..rounds {
        round();
        if number % 50 == 0 {
            println!("round {number}: {:?}, {} MiB", held(), resident() >> 20);
        }
    }
    let (after, grown) = (held(), resident().saturating_sub(memory));
    println!(
        "before {before:?}, after {after:?}, {} KiB more",
        grown >> 10
    );
    assert!(
        after.0 <= before.0 + 4 && after.1 <= before.1,
        "{before:?}, then {after:?}"
    );
    assert!(grown < 64 << 20, "{grown} bytes more");
}
