//! The scripts: of each, what is declared, if anything, stands on lines of its own above its one line of statements, so that these can also be done by many
//! goroutines at a time.

/// Scripts that never end by themselves, or do what they must not: a name, and the text.
pub const SCRIPTS: &[(&str, &str)] = &[
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
    (
        "regular expression that repeats repeats",
        "regexp.MustCompile(\"((a{1,100}){1,100}){1,100}\")",
    ),
    (
        "regular expression of much",
        "re := regexp.MustCompile(\"(\" + strings.Repeat(\"a?b*\", 400) + \")*c\"); s := strings.Repeat(\"ab\", 1<<16); for { re.MatchString(s) }",
    ),
    (
        "regular expressions that are kept",
        "var all []*regexp.Regexp; for i := range 1 << 30 { all = append(all, regexp.MustCompile(fmt.Sprintf(\"[a-z]{1,200}x%d[^0-9]{1,200}\", i))) }",
    ),
    (
        "matches that are kept",
        "re := regexp.MustCompile(\".\"); s := strings.Repeat(\"ab\", 1<<18); var all [][][]int; for { all = append(all, re.FindAllStringSubmatchIndex(s, -1)) }",
    ),
    (
        "replacement that grows",
        "re := regexp.MustCompile(\"a\"); s := \"a\"; for { s = re.ReplaceAllString(s, \"aa\") }",
    ),
    (
        "text that is split",
        "s := strings.Repeat(\"a,\", 1<<20); var all [][]string; for { all = append(all, strings.Split(s, \",\")) }",
    ),
    (
        "joins",
        "s := []string{\"x\", \"y\"}; for { s = append(s, strings.Join(s, \"-\")) }",
    ),
    ("precision", "for { _ = fmt.Sprintf(\"%.1000000f\", 1.5) }"),
    (
        "width from an argument",
        "for { _ = fmt.Sprintf(\"%[1]*d|%[1]*d|%[1]*d\", 999999, 7) }",
    ),
    (
        "format of what holds itself",
        "m := map[string]any{}; m[\"m\"] = m; _ = fmt.Sprint(m)",
    ),
    (
        "format of a slice in itself",
        "s := make([]any, 2); s[0], s[1] = s, s; fmt.Println(s)",
    ),
    (
        "errors that wrap each other",
        "err := errors.New(\"x\"); for { err = fmt.Errorf(\"%w: %w\", err, err); _ = err.Error() }",
    ),
    (
        "error that wraps itself",
        "type T struct{}\nfunc (t *T) Error() string { return \"t\" }\nfunc (t *T) Unwrap() error { return t }\nfor { errors.Is(&T{}, io.EOF) }",
    ),
    (
        "JSON that is deep",
        "var v any; panic(json.Unmarshal(bytes.Repeat([]byte(\"[\"), 1<<20), &v))",
    ),
    (
        "JSON of what holds itself",
        "type T struct { Next *T }\nt := &T{}; t.Next = t; _, err := json.Marshal(t); panic(err)",
    ),
    (
        "JSON that is kept",
        "b := append(append([]byte(\"[0\"), bytes.Repeat([]byte(\",[]\"), 1<<16)...), 93); var all []any; for { var v any; json.Unmarshal(b, &v); all = append(all, v) }",
    ),
    (
        "compressed bomb",
        "var b bytes.Buffer; w := gzip.NewWriter(&b); zeros := make([]byte, 1<<20); for range 64 { w.Write(zeros) }; w.Close(); for { r, _ := gzip.NewReader(bytes.NewReader(b.Bytes())); all, _ := io.ReadAll(r); _ = all }",
    ),
    (
        "template that calls itself",
        "t := template.Must(template.New(\"t\").Parse(\"{{template \\\"t\\\" .}}\")); panic(t.Execute(io.Discard, 1))",
    ),
    (
        "template without end",
        "t := template.Must(template.New(\"t\").Parse(\"{{range .}}{{printf \\\"%1000d\\\" .}}{{end}}\")); for { t.Execute(io.Discard, make([]int, 1<<12)) }",
    ),
    (
        "numbers as text",
        "for { strconv.ParseFloat(strings.Repeat(\"9\", 1<<20), 64); strconv.Atoi(strings.Repeat(\"9\", 1<<20)) }",
    ),
    (
        "long number as text",
        "x := new(big.Int).Lsh(big.NewInt(3), 1<<22); for { _ = x.String() }",
    ),
    (
        "fractions",
        "r := big.NewRat(1, 3); for i := int64(2); ; i++ { r.Add(r, big.NewRat(1, i)) }",
    ),
    (
        "huge map",
        "m := make(map[int]int, 1<<40); fmt.Println(len(m)); for i := 0; ; i++ { m[i] = i }",
    ),
    (
        "huge channel",
        "c := make(chan [128]int, 1<<40); fmt.Println(cap(c))",
    ),
    (
        "map with keys that equal nothing",
        "m := map[float64]int{}; for { m[math.NaN()]++ }",
    ),
    (
        "map of long strings",
        "m := map[string]string{}; for i := 0; ; i++ { k := strings.Repeat(\"k\", i); m[k] = k }",
    ),
    (
        "map that is read and changed",
        "m := map[int][]int{}; for i := 0; ; i++ { m[i%1000] = append(m[i%1000], i); for range m { break } }",
    ),
    (
        "interfaces",
        "var all []any; for i := 0; ; i++ { all = append(all, i, fmt.Sprint(i), float64(i)) }",
    ),
    (
        "arrays by value",
        "type T [1 << 16]int\nvar all []T; for { all = append(all, T{}) }",
    ),
    (
        "array in an interface",
        "type T [1 << 14]int\nvar x any = T{}; for { y := x.(T); y[0]++; x = y }",
    ),
    (
        "bits of a string",
        "s := strings.Repeat(\"x\", 1<<20); var all [][]byte; for { all = append(all, []byte(s)) }",
    ),
    (
        "runes of a string",
        "s := strings.Repeat(\"x\", 1<<20); var all [][]rune; for { all = append(all, []rune(s)) }",
    ),
    (
        "substrings that hold much",
        "var all []string; for { all = append(all, strings.Repeat(\"x\", 1<<16)[:1]) }",
    ),
    (
        "pools",
        "var p sync.Pool; for { p.Put(make([]byte, 1<<12)) }",
    ),
    (
        "a sync.Map",
        "var m sync.Map; for i := 0; ; i++ { m.Store(i, make([]int, 16)) }",
    ),
    (
        "unique handles",
        "var all []unique.Handle[string]; for i := 0; ; i++ { all = append(all, unique.Make(fmt.Sprint(i))) }",
    ),
    (
        "weak pointers",
        "for { p := new([64]int); w := weak.Make(p); if w.Value() == nil { panic(\"gone\") } }",
    ),
    (
        "cleanups",
        "for { p := new([1024]int); runtime.AddCleanup(p, func(int) { for {} }, 1) }",
    ),
    (
        "finalizer that never ends",
        "type T struct { p *int }\nfor { t := &T{new(int)}; runtime.SetFinalizer(t, func(*T) { select {} }) }",
    ),
    (
        "finalizer that panics",
        "type T struct { p *int }\nfor { t := &T{new(int)}; runtime.SetFinalizer(t, func(*T) { panic(\"late\") }) }",
    ),
    (
        "finalizer that starts goroutines",
        "type T struct { p *int }\nfor { t := &T{new(int)}; runtime.SetFinalizer(t, func(*T) { go func() { for {} }() }) }",
    ),
    (
        "contexts in each other",
        "ctx := context.Background(); for { c, cancel := context.WithCancel(ctx); _ = cancel; ctx = c }",
    ),
    (
        "contexts that all hear of one end",
        "for { ctx, cancel := context.WithCancel(context.Background()); for range 100 { context.AfterFunc(ctx, func() {}) }; cancel() }",
    ),
    (
        "contexts with deadlines",
        "for { ctx, _ := context.WithTimeout(context.Background(), time.Hour); go func() { <-ctx.Done() }() }",
    ),
    (
        "iterators that are not stopped",
        "var all []any; for { next, _ := iter.Pull(func(yield func(int) bool) { for yield(1) {} }); next(); all = append(all, next) }",
    ),
    (
        "iterators in each other",
        "var seq iter.Seq[int] = func(yield func(int) bool) { yield(1) }; for { inner := seq; seq = func(yield func(int) bool) { inner(yield) }; for range seq {} }",
    ),
    (
        "select of many",
        "var cases []reflect.SelectCase; for range 60000 { cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(make(chan int))}) }; reflect.Select(cases)",
    ),
    (
        "types that are made",
        "t := reflect.TypeOf(1); for { t = reflect.SliceOf(t) }",
    ),
    (
        "array types that are made",
        "for i := 0; ; i++ { reflect.ArrayOf(i, reflect.TypeOf(\"\")) }",
    ),
    (
        "large array by reflection",
        "panic(reflect.New(reflect.ArrayOf(1<<40, reflect.TypeOf(1))).Elem().Len())",
    ),
    (
        "slices by reflection",
        "v := reflect.ValueOf([]int{}); for { v = reflect.Append(v, reflect.ValueOf(1)) }",
    ),
    (
        "functions by reflection",
        "var all []reflect.Value; for { all = append(all, reflect.MakeFunc(reflect.TypeOf(func(int) int { return 0 }), func(in []reflect.Value) []reflect.Value { return in })) }",
    ),
    (
        "calls by reflection",
        "var f func(int) int; f = func(n int) int { return int(reflect.ValueOf(f).Call([]reflect.Value{reflect.ValueOf(n + 1)})[0].Int()) }; f(0)",
    ),
    (
        "method values",
        "type T struct { f func() }\nfunc (t T) Call() { t.f() }\nt := T{func() {}}; for { t = T{t.Call} }; t.Call()",
    ),
    (
        "many results and arguments",
        "func f(a, b, c, d, e, g, h, i string) (string, string, string, string, string, string, string, string) { return f(b+a, c, d, e, g, h, i, a) }\nf(\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\")",
    ),
    (
        "panic that recovers and panics",
        "var f func(int); f = func(n int) { defer func() { recover(); f(n + 1) }(); panic(n) }; f(0)",
    ),
    (
        "deferred calls that wait",
        "func() { defer func() { select {} }(); panic(\"x\") }()",
    ),
    (
        "deferred call after Goexit",
        "defer func() { for {} }(); runtime.Goexit()",
    ),
    (
        "recover of an end",
        "defer func() { for { recover() } }(); os.Exit(3)",
    ),
    (
        "recover of everything",
        "for { func() { defer func() { recover() }(); var s []byte; for { s = append(s, make([]byte, 1<<20)...) } }() }",
    ),
    (
        "goroutines that panic and recover",
        "for { go func() { defer func() { recover() }(); var p *int; *p = 1 }() }",
    ),
    (
        "goroutines that hold threads",
        "for { go func() { runtime.LockOSThread(); select {} }() }",
    ),
    (
        "goroutines that wait for a lock",
        "var mu sync.Mutex; mu.Lock(); for { go mu.Lock() }",
    ),
    (
        "goroutines that all wake",
        "var mu sync.Mutex; c := sync.NewCond(&mu); for range 500 { go func() { mu.Lock(); for { c.Wait() } }() }; for { c.Broadcast() }",
    ),
    (
        "lock that is fought for",
        "var mu sync.RWMutex; for range 8 { go func() { for { mu.RLock(); mu.RUnlock() } }() }; for { mu.Lock(); mu.Unlock() }",
    ),
    (
        "counter that is fought for",
        "var n atomic.Int64; for range 8 { go func() { for { n.Add(1) } }() }; for { n.CompareAndSwap(n.Load(), 0) }",
    ),
    (
        "Once in itself",
        "var once sync.Once; var f func(); f = func() { once.Do(f) }; f()",
    ),
    (
        "race with a slice",
        "var s []int; go func() { for { s = append(s, 1) } }(); for { s = nil; _ = append(s, 2) }",
    ),
    (
        "race with an interface",
        "var x any = 1; go func() { for { x = \"text\" } }(); for { x = []int{1}; if n, ok := x.(int); ok { _ = n } }",
    ),
    (
        "race with a string",
        "s := \"x\"; go func() { for { s = strings.Repeat(\"y\", 1000) } }(); for { s = \"\"; _ = s + s }",
    ),
    (
        "timer that is reset",
        "t := time.NewTimer(time.Hour); for { t.Reset(time.Nanosecond) }",
    ),
    (
        "timers that are stopped",
        "for { time.NewTimer(time.Hour).Stop() }",
    ),
    (
        "timer calls that never end",
        "for { time.AfterFunc(0, func() { for {} }); time.Sleep(time.Microsecond) }",
    ),
    ("sleep below nothing", "for { time.Sleep(-1) }"),
    (
        "time that is read",
        "for { _ = time.Now().Format(time.RFC3339Nano) }",
    ),
    (
        "stacks that are read",
        "for { _ = debug.Stack(); runtime.Stack(make([]byte, 1<<16), true) }",
    ),
    (
        "callers that are read",
        "var f func(int); f = func(n int) { if n == 0 { for { runtime.Callers(0, make([]uintptr, 1000)) } }; f(n - 1) }; f(500)",
    ),
    (
        "memory that is measured",
        "var m runtime.MemStats; for { runtime.ReadMemStats(&m) }",
    ),
    (
        "limits of its own",
        "debug.SetMemoryLimit(1 << 50); debug.SetGCPercent(-1); var all [][]byte; for { all = append(all, make([]byte, 1<<14)) }",
    ),
    ("standard input", "for { var s string; fmt.Scan(&s) }"),
    (
        "scanner of much",
        "s := bufio.NewScanner(strings.NewReader(strings.Repeat(\"x\", 1<<24))); s.Buffer(nil, 1<<30); for s.Scan() {}; for {}",
    ),
    (
        "pipe in memory",
        "r, w := io.Pipe(); go func() { for { w.Write(make([]byte, 1<<16)) } }(); io.Copy(io.Discard, r)",
    ),
    (
        "copy from who never ends",
        "type T struct{}\nfunc (T) Read(p []byte) (int, error) { return len(p), nil }\nio.Copy(io.Discard, T{})",
    ),
    (
        "reads all of who never ends",
        "type T struct{}\nfunc (T) Read(p []byte) (int, error) { return len(p), nil }\nio.ReadAll(T{})",
    ),
    (
        "reads nothing for ever",
        "type T struct{}\nfunc (T) Read(p []byte) (int, error) { return 0, nil }\nb := make([]byte, 1); for { io.ReadFull(T{}, b) }",
    ),
    (
        "files without end",
        "var all []*os.File; for { f, err := os.Open(\"/tmp\"); if err != nil { panic(err) }; all = append(all, f) }",
    ),
    (
        "pipes without end",
        "var all []*os.File; for { r, w, err := os.Pipe(); if err != nil { panic(err) }; all = append(all, r, w) }",
    ),
    (
        "listeners without end",
        "var all []net.Listener; for { l, err := net.Listen(\"tcp\", \"127.0.0.1:0\"); if err != nil { panic(err) }; all = append(all, l) }",
    ),
    (
        "accepts nobody",
        "l, err := net.Listen(\"tcp\", \"127.0.0.1:0\"); if err != nil { panic(err) }; l.Accept()",
    ),
    (
        "connections to itself",
        "l, err := net.Listen(\"tcp\", \"127.0.0.1:0\"); if err != nil { panic(err) }; for { c, err := net.Dial(\"tcp\", l.Addr().String()); if err != nil { panic(err) }; go io.Copy(io.Discard, c) }",
    ),
    (
        "links out of its folder",
        "os.Symlink(\"/etc\", \"/tmp/golite-hostile-link\"); _, err := os.ReadFile(\"/tmp/golite-hostile-link/passwd\"); panic(err)",
    ),
    (
        "a way up",
        "_, err := os.ReadFile(\"/tmp/../etc/passwd\"); panic(err)",
    ),
    (
        "environment",
        "panic(os.Getenv(\"HOME\") + os.Getenv(\"PATH\"))",
    ),
    (
        "signal to itself",
        "p, _ := os.FindProcess(os.Getpid()); panic(p.Signal(os.Kill))",
    ),
    (
        "signals that are held",
        "c := make(chan os.Signal, 1); signal.Notify(c); signal.Ignore(os.Interrupt); <-c",
    ),
    (
        "exit while others run",
        "for range 100 { go func() { for {} }() }; os.Exit(1)",
    ),
    (
        "exit from everywhere",
        "for range 100 { go os.Exit(1) }; select {}",
    ),
    (
        "panic while others panic",
        "for range 100 { go func() { panic(\"all\") }() }; select {}",
    ),
    (
        "digest that never ends",
        "h := sha256.New(); for { h.Write(make([]byte, 1<<20)) }",
    ),
    (
        "random bytes",
        "b := make([]byte, 1<<20); for { rand.Read(b) }",
    ),
    ("permutations", "for { rand.Perm(1 << 20) }"),
    (
        "sort with an order that lies",
        "s := make([]int, 1<<20); for { sort.Slice(s, func(i, j int) bool { return true }) }",
    ),
    (
        "heap that lies",
        "type H []int\nfunc (h H) Len() int { return 1 << 40 }\nfunc (h H) Less(i, j int) bool { return true }\nfunc (h H) Swap(i, j int) {}\nfunc (h *H) Push(x any) {}\nfunc (h *H) Pop() any { return 0 }\nheap.Init(&H{})",
    ),
    (
        "list that is long",
        "l := list.New(); for { l.PushBack(make([]int, 8)) }",
    ),
    (
        "bits that overflow",
        "var x uint8 = 255; for { x++; _ = 1 << (x % 64); _ = x / (x | 1) }",
    ),
    (
        "division by nothing",
        "var x int; for { func() { defer func() { recover() }(); _ = 1 / x }() }",
    ),
    (
        "nothing behind a pointer",
        "type T struct { next *T; x [1 << 20]int }\nvar t *T; t.next.x[1<<19] = 1",
    ),
    ("index out of range", "var s []int; i := 1 << 62; s[i] = 1"),
    (
        "switch that is long",
        "x := 0; for { switch x { case 0, 1, 2, 3, 4, 5, 6, 7, 8, 9: x++; case 10: x = 0 } }",
    ),
];

/// Programs whose harm is in how their packages are initialised, so that there is no VM yet: a name, and the text behind the package clause.
pub const INITIALISATIONS: &[(&str, &str)] = &[
    ("loop in a variable", "var x = f()\nfunc f() int { for {} }"),
    ("loop in init", "func init() { for {} }"),
    (
        "sleep in init",
        "import \"time\"\nfunc init() { time.Sleep(time.Hour) }",
    ),
    (
        "recursion in init",
        "func f(n int) int { return f(n+1) + 1 }\nfunc init() { f(0) }",
    ),
    (
        "slices in init",
        "var all [][]int\nfunc init() { for { all = append(all, make([]int, 1000)) } }",
    ),
    (
        "goroutines in init",
        "func init() { for { go func() { select {} }() } }",
    ),
    (
        "goroutines that init leaves, and its wait",
        "func init() { for range 16 { go func() { for {} }() }; select {} }",
    ),
    (
        "output in init",
        "func init() { for { println(\"spam\") } }",
    ),
    ("exit in init", "import \"os\"\nfunc init() { os.Exit(1) }"),
    ("panic in init", "func init() { panic(\"no\") }"),
    (
        "panic beside init",
        "func init() { go panic(\"no\"); select {} }",
    ),
    ("deadlock in init", "func init() { select {} }"),
    (
        "Goexit in init",
        "import \"runtime\"\nfunc init() { runtime.Goexit() }",
    ),
];

/// Statements with one native call that takes seconds, or hours.
pub const LONG: &[&str] = &[
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

/// What is no program: a name, the text, and words of the error.
pub const REFUSED: &[(&str, &str, &str)] = &[
    (
        "memory by its address",
        "package main\nimport \"unsafe\"\nfunc main() { *(*int)(unsafe.Pointer(uintptr(4096))) = 1 }",
        "package unsafe is not supported",
    ),
    (
        "the machine's linker",
        "package main\nimport _ \"unsafe\"\n//go:linkname now runtime.now\nfunc now() int64\nfunc main() { now() }",
        "package unsafe is not supported",
    ),
    (
        "C",
        "package main\nimport \"C\"\nfunc main() { C.abort() }",
        "is not supported",
    ),
    (
        "an import of what is not there",
        "package main\nimport \"unsafe/really\"\nfunc main() {}",
        "unsafe/really",
    ),
    (
        "a type that holds itself",
        "type T struct { t T }\nvar t T",
        "invalid recursive type",
    ),
    (
        "an array that is too large",
        "var a [1 << 60]int; a[0] = 1",
        "larger than address space",
    ),
    (
        "a constant that is too large",
        "const c = 1 << (1 << 30)",
        "shift count",
    ),
    (
        "instances without end",
        "func f[T any](n int) { if n > 0 { f[[]T](n - 1) } }\nf[int](10)",
        "instantiation cycle",
    ),
];

/// Huge texts, and whether each is a program.
pub fn huge() -> Vec<(&'static str, String, bool)> {
    let spin = "\nfor {}\n";
    let lines = |line: &dyn Fn(usize) -> String, count: usize| -> String {
        (0..count).map(|number| line(number) + "\n").collect()
    };
    vec![
        (
            "statements",
            "x := 0\n".to_owned() + &"x++\n".repeat(50_000) + spin,
            true,
        ),
        (
            "functions",
            lines(&|n| format!("func f{n}() int {{ return {n} }}"), 20_000) + spin,
            true,
        ),
        (
            "a long string",
            format!("s := \"{}\"; _ = s{spin}", "x".repeat(1 << 22)),
            true,
        ),
        (
            "a long list",
            format!("s := []int{{{}}}; _ = s{spin}", "1,".repeat(100_000)),
            true,
        ),
        (
            "a long sum",
            format!("x := 1; x = x{}{spin}", " + x".repeat(5_000)),
            true,
        ),
        (
            "deep parentheses",
            format!("x := {}1{}{spin}", "(".repeat(200_000), ")".repeat(200_000)),
            false,
        ),
        (
            "deep blocks",
            "{".repeat(200_000) + &"}".repeat(200_000) + spin,
            false,
        ),
        ("open brackets", "[".repeat(1 << 20), false),
        (
            "operators",
            "x := ".to_owned() + &"-".repeat(1 << 20),
            false,
        ),
        ("nothing but zeros", "\0".repeat(1 << 20), false),
        ("one long name", "x".repeat(1 << 22), false),
        (
            "a comment without end",
            "/*".to_owned() + &"x".repeat(1 << 22),
            false,
        ),
        (
            "declarations that are used before they are there",
            lines(&|n| format!("var v{n} = v{} + 1", n + 1), 5_000) + "var v5000 = 1" + spin,
            false,
        ),
    ]
}
