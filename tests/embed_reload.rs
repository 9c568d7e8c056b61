//! `Vm::reload`: what a changed program takes over.

use std::time::Duration;

use golite::{Error, Golite, Limit, Output, Program, Reloaded, Vm};

fn compiled(text: &str) -> Program {
    match Golite::new().compile_named("p.go", text) {
        Ok(program) => program,
        Err(error) => panic!("{error}"),
    }
}

fn started(text: &str) -> Vm {
    compiled(text).start().unwrap()
}

/// The VM of `new` with the variables of `old`, after `Change` was called there.
fn reloaded(old: &str, new: &str) -> Reloaded {
    let vm = started(old);
    vm.func::<(), ()>("Change").unwrap().call(()).unwrap();
    // What a collection leaves is what is carried.
    vm.collect_garbage();
    let reloaded = vm.reload(&compiled(new)).unwrap();
    assert!(matches!(vm.ended(), Some(Error::Closed)));
    reloaded
}

/// What `Show` answers.
fn shown(vm: &Vm) -> String {
    vm.func::<(), String>("Show").unwrap().call(()).unwrap()
}

/// As [`reloaded`], of the same text; everything is carried. Then the collector runs, so that it sees what was made.
fn carried(text: &str) -> String {
    let Reloaded { vm, started_anew } = reloaded(text, text);
    assert_eq!(started_anew, []);
    let before = shown(&vm);
    vm.collect_garbage();
    assert_eq!(shown(&vm), before);
    before
}

/// Why variables have started anew.
fn reasons(reloaded: &Reloaded) -> Vec<String> {
    let all = reloaded.started_anew.iter();
    all.map(|anew| format!("{}: {}", anew.variable, anew.reason))
        .collect()
}

#[test]
fn scalars_strings_and_structs_keep_their_values() {
    let text = r#"
        package p
        import "fmt"
        type Point struct { X, Y int; Name string; In [3]int8 }
        var a, b = 1, "one"
        var c = 1.5
        var d = complex(1, 2)
        var e = Point{1, 2, "p", [3]int8{1, 2, 3}}
        var f = [2]string{"x", "y"}
        var g bool
        var h uint8 = 7
        func Change() {
            a, b, c, d, g, h = 2, fmt.Sprint("tw", "o"), 2.5, complex(3, 4), true, 200
            e = Point{3, 4, fmt.Sprint("q", 1), [3]int8{4, 5, -6}}
            f[1] = fmt.Sprint("z", 1)
        }
        func Show() string { return fmt.Sprint(a, b, c, d, e, f, g, h) }
    "#;
    assert_eq!(
        carried(text),
        "2two2.5 (3+4i) {3 4 q1 [4 5 -6]} [x z1] true 200"
    );
}

#[test]
fn shared_structure_and_cycles_stay() {
    let text = r#"
        package p
        import "fmt"
        type Node struct { Next, Other *Node; N int; In struct{ V int } }
        var list, last *Node
        var field *int
        var ints, part, rest, full []int
        var element *int
        var whole [4]int
        var outside *int
        func Change() {
            list = &Node{N: 1}
            list.Next = &Node{N: 2, Next: list, Other: list}
            last = list.Next
            field = &last.In.V
            backing := []int{0, 1, 2, 3, 4, 5, 6, 7}
            part, rest = backing[1:3:4], backing[2:6]
            element = &backing[3]
            ints = backing[4:]
            full = whole[1:3]
            outside = &whole[2]
        }
        func Show() string {
            *field = 5
            part[1] = 20
            *element = 30
            *outside = 9
            return fmt.Sprint(list.Next == last, last.Next == list, last.Other == list, last.In.V,
                part, len(part), cap(part), rest, ints, full, whole)
        }
    "#;
    let shown = carried(text);
    assert_eq!(
        shown,
        "true true true 5 [1 20] 2 3 [20 30 4 5] [4 5 6 7] [0 9] [0 0 9 0]"
    );
}

#[test]
fn maps_keep_their_entries_whatever_their_keys() {
    let text = r#"
        package p
        import ("fmt"; "sort")
        type Key struct { A string; B int }
        type Small int8
        var byName = map[string][]int{}
        var byKey = map[Key]*Key{}
        var byPointer = map[*Key]string{}
        var byAny = map[any]any{}
        var bySmall = map[Small]bool{}
        var byFloat = map[float64]string{}
        var byArray = map[[2]string]int{}
        var key *Key
        var many = map[int]int{}
        var nested = map[string]map[string]int{"a": {}}
        var none map[string]int
        func Change() {
            key = &Key{"k", 1}
            byName["a"] = append(byName["a"], 1, 2)
            byKey[*key] = key
            byPointer[key] = "by pointer"
            byAny[1], byAny["x"], byAny[*key], byAny[key], byAny[2.5] = "int", 2, key, []int{1}, Small(3)
            bySmall[-5] = true
            byFloat[0.5] = "half"
            byArray[[2]string{"x", "y"}] = 7
            for i := range 1000 { many[i*7] = i }
            nested["a"]["b"] = 3
        }
        func Show() string {
            sum := 0
            for k, v := range many { sum += k - 7*v }
            var names []string
            for k := range byAny { names = append(names, fmt.Sprintf("%T", k)) }
            sort.Strings(names)
            return fmt.Sprint(byName, byKey[Key{"k", 1}] == key, byPointer[key], byAny[1], byAny["x"], byAny[Key{"k", 1}] == any(key),
                byAny[key], byAny[2.5], names, bySmall[-5], byFloat[0.5], byArray[[2]string{"x", "y"}], len(many), sum, nested, none == nil)
        }
    "#;
    assert_eq!(
        carried(text),
        "map[a:[1 2]] trueby pointerint2 true [1] 3 [*p.Key float64 int p.Key string] truehalf7 1000 0 map[a:map[b:3]] true"
    );
}

#[test]
fn values_in_interfaces_keep_their_types_and_get_new_methods() {
    let old = r#"
        package p
        import ("fmt"; "errors"; "io")
        type Shape interface { Area() float64 }
        type Square struct { Side float64 }
        func (s Square) Area() float64 { return s.Side * s.Side }
        type Big struct { A, B, C, D, E float64 }
        func (b *Big) Area() float64 { return b.A }
        type Wide struct { A, B, C, D, E int }
        type One struct { P *int }
        var shapes []Shape
        var err, end error
        var values []any
        func Change() {
            n := 5
            shapes = []Shape{Square{2}, &Big{A: 3}}
            err = fmt.Errorf("wrapped: %w", io.EOF)
            end = io.EOF
            values = []any{1, "two", 3.0, Wide{1, 2, 3, 4, 5}, &Wide{E: 6}, One{&n}, [2]int{7, 8}, []string{"x"}, nil, struct{}{}}
        }
        func Show() string {
            text := fmt.Sprint(errors.Is(err, io.EOF), end == io.EOF)
            for _, shape := range shapes { text += fmt.Sprint(" ", shape.Area()) }
            for _, value := range values {
                if one, ok := value.(One); ok { value = *one.P }
                text += fmt.Sprintf(" %T:%v", value, value)
            }
            return text
        }
    "#;
    let new = old.replace("return s.Side * s.Side", "return 100 * s.Side");
    let Reloaded { vm, started_anew } = reloaded(old, &new);
    assert_eq!(started_anew, []);
    assert_eq!(
        shown(&vm),
        "true true 200 3 int:1 string:two float64:3 p.Wide:{1 2 3 4 5} *p.Wide:&{0 0 0 0 6} int:5 [2]int:[7 8] []string:[x] <nil>:<nil> struct {}:{}"
    );
}

#[test]
fn variables_whose_types_have_changed_start_anew() {
    let old = r#"
        package p
        type T struct { A int }
        type U struct { B int; T *T }
        var same, number = 1, 1
        var t T
        var u *U
        var list []any
        var gone = 1
        func Change() { same, number, t, u, list, gone = 2, 2, T{2}, &U{2, &T{3}}, []any{T{1}}, 2 }
    "#;
    let new = r#"
        package p
        import "fmt"
        type T struct { A int; More string }
        type U struct { B int; T *T }
        var same, number = 1, "one"
        var t T
        var u *U
        var list []any
        var fresh = 5
        func Show() string { return fmt.Sprint(same, number, t, u == nil, list, fresh) }
    "#;
    let reloaded = reloaded(old, new);
    assert_eq!(shown(&reloaded.vm), "2one{0 } true [] 5");
    let mut reasons = reasons(&reloaded);
    reasons.sort();
    assert_eq!(
        reasons,
        [
            "list: it has a value of type p.T, which has changed",
            "number: it was of type int, and is of type string",
            "t: type p.T has changed",
            "u: type *p.U has changed",
        ]
    );
}

#[test]
fn declared_functions_are_found_again_and_literals_start_anew() {
    let old = r#"
        package p
        func double(n int) int { return 2 * n }
        type T struct { N int }
        func (t T) Add(n int) int { return t.N + n }
        var f, g, h func(int) int
        var both = map[string]func(int) int{}
        func Change() {
            n := 1
            f, g, h = double, func(m int) int { return n + m }, T{4}.Add
            both["double"] = double
        }
    "#;
    let new = r#"
        package p
        import "fmt"
        func double(n int) int { return 20 * n }
        type T struct { N int }
        func (t T) Add(n int) int { return t.N + n }
        var f, g, h func(int) int
        var both = map[string]func(int) int{}
        func Show() string { return fmt.Sprint(f(3), g == nil, h == nil, both["double"](4)) }
    "#;
    let reloaded = reloaded(old, new);
    assert_eq!(shown(&reloaded.vm), "60 true true 80");
    assert_eq!(
        reasons(&reloaded),
        [
            "g: it has the function command-line-arguments.Change.func1",
            "h: it has the function command-line-arguments.T.Add-fm"
        ]
    );
}

#[test]
fn channels_keep_what_is_in_them() {
    let text = r#"
        package p
        import "fmt"
        type T struct { A int; S string }
        type Large struct { A [8]int; P *int }
        var c = make(chan T, 4)
        var same = c
        var closed = make(chan *int, 2)
        var large = make(chan Large, 2)
        var empty = make(chan struct{}, 3)
        var rendezvous = make(chan any)
        func Change() {
            // So that the oldest is not the first of the buffer.
            for i := range 6 { c <- T{i, fmt.Sprint("s", i)}; if i < 3 { <-c } }
            n := 7
            closed <- &n
            close(closed)
            large <- Large{A: [8]int{7: 1}, P: &n}
            empty <- struct{}{}
            go func() { rendezvous <- 1 }()
        }
        var text string
        func Show() string {
            if text != "" { return text }
            text = fmt.Sprint(len(c), cap(c), c == same, <-c, <-same, <-c)
            n, open := <-closed
            _, again := <-closed
            l := <-large
            n2 := l.P
            text += fmt.Sprint(" ", *n, open, again, l.A[7], n == n2, len(empty), cap(empty), cap(rendezvous))
            go func() { rendezvous <- 2 }()
            text += fmt.Sprint(" ", <-rendezvous)
            return text
        }
    "#;
    assert_eq!(
        carried(text),
        "3 4 true {3 s3} {4 s4} {5 s5} 7 true false 1 true 1 3 0 2"
    );
}

#[test]
fn locks_are_open_and_what_is_outside_starts_anew() {
    let text = r#"
        package p
        import ("fmt"; "sync"; "time"; "os"; "regexp"; "reflect"; "sync/atomic"; "strings"; "math/big"; "errors")
        var mu sync.Mutex
        var guarded struct { sync.RWMutex; n int }
        var once sync.Once
        var timer = time.NewTimer(time.Hour)
        var out = os.Stdout
        var pattern = regexp.MustCompile("a+")
        var typ reflect.Type
        var counter atomic.Int64
        var builder strings.Builder
        var number = big.NewInt(1)
        var known sync.Map
        var when time.Time
        var where = time.UTC
        var sentinel = errors.New("sentinel")
        var last error
        func Change() {
            mu.Lock()
            guarded.Lock()
            guarded.n = 3
            once.Do(func() {})
            typ = reflect.TypeFor[map[string]int]()
            counter.Add(5)
            builder.WriteString("built")
            number.Lsh(number, 100)
            known.Store("k", 4)
            when = time.Unix(1e9, 0).UTC()
            pattern = regexp.MustCompile("b+")
            last = sentinel
        }
        func Show() string {
            mu.Lock(); mu.Unlock()
            guarded.Lock(); guarded.Unlock()
            ran := false
            once.Do(func() { ran = true })
            v, _ := known.Load("k")
            return fmt.Sprint(guarded.n, ran, timer != nil, out == os.Stdout, pattern.FindString("aabb"), typ, counter.Load(), builder.String(),
                number, v, when.Format(time.RFC3339), where == time.UTC, last == sentinel)
        }
    "#;
    let reloaded = reloaded(text, text);
    assert_eq!(
        shown(&reloaded.vm),
        "3 false true truebbmap[string]int 5built1267650600228229401496703205376 42001-09-09T01:46:40Ztrue true"
    );
    assert_eq!(reasons(&reloaded), ["timer: it has a time.Timer"]);
}

#[test]
fn the_settings_stay_and_an_error_changes_nothing() {
    let old = "package p\nimport \"fmt\"\nvar n = 1\nfunc Next() int { n++; fmt.Print(n, \" \"); return n }";
    let output = Output::new();
    let vm = compiled(old)
        .vm()
        .stdout(output.clone())
        .output(1000)
        .stack(1 << 20)
        .start()
        .unwrap();
    let next = |vm: &Vm| vm.func::<(), i64>("Next").unwrap().call(()).unwrap();
    assert_eq!(next(&vm), 2);
    // One that does not start.
    let panics = compiled(&format!("{old}\nfunc init() {{ panic(\"no\") }}"));
    assert!(matches!(vm.reload(&panics), Err(Error::Panic(_))));
    assert_eq!(next(&vm), 3);
    let deep = "\nfunc Deep(n int) int { return Deep(n+1) + 1 }";
    let vm = vm.reload(&compiled(&format!("{old}{deep}"))).unwrap().vm;
    assert_eq!(next(&vm), 4);
    assert_eq!(output.text(), "2 3 4 ");
    let error = vm
        .func::<(i64,), i64>("Deep")
        .unwrap()
        .call((0,))
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Limit {
                limit: Limit::Stack,
                ..
            }
        ),
        "{error:?}"
    );
    // It has ended.
    assert!(vm.reload(&compiled(old)).is_err());
}

#[test]
fn goroutines_end_with_the_old_vm() {
    let text = "package p\nvar n = 0\nvar c = make(chan int)\nfunc Start() { go func() { for { n++ } }(); go func() { <-c }() }\nfunc N() int { return n }";
    let vm = started(text);
    vm.func::<(), ()>("Start").unwrap().call(()).unwrap();
    let n = vm.func::<(), i64>("N").unwrap();
    while n.call(()).unwrap() == 0 {}
    let vm = vm.reload(&compiled(text)).unwrap().vm;
    assert_eq!(vm.goroutine_count(), 0);
    let n = vm.func::<(), i64>("N").unwrap();
    let now = n.call(()).unwrap();
    assert!(now > 0);
    assert_eq!(n.call(()).unwrap(), now);
}

#[test]
fn deep_and_large_structures_are_carried() {
    let text = r#"
        package p
        import "fmt"
        type Node struct { Next *Node; N int }
        var list *Node
        var tree []any
        var large []*int
        var text string
        func Change() {
            for i := range 200000 { list = &Node{list, i} }
            var nested any
            for range 100000 { nested = []any{nested} }
            tree = []any{nested}
            n := 1
            large = make([]*int, 100000)
            for i := range large { large[i] = &n }
        }
        func Show() string {
            count, sum := 0, 0
            for node := list; node != nil; node = node.Next { count++; sum += node.N }
            depth := 0
            for at := tree; at != nil; depth++ { at, _ = at[0].([]any) }
            return fmt.Sprint(count, sum, depth, large[0] == large[99999], *large[5])
        }
    "#;
    assert_eq!(carried(text), "200000 19999900000 100001 true 1");
}

#[test]
fn without_memory_for_both_the_old_one_goes_on() {
    let old = "package p\nvar kept []byte\nfunc Change() { kept = make([]byte, 40<<20); kept[5] = 9 }\nfunc Get() int { return int(kept[5]) }";
    // The new program takes memory of its own, beside which there is no room for what is carried.
    let new = old.replace(
        "var kept []byte",
        "var kept []byte\nvar other = make([]byte, 40<<20)",
    );
    let vm = compiled(old).vm().memory(64 << 20).start().unwrap();
    vm.func::<(), ()>("Change").unwrap().call(()).unwrap();
    let error = vm.reload(&compiled(&new)).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Limit {
                limit: Limit::Memory,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(vm.func::<(), i64>("Get").unwrap().call(()).unwrap(), 9);
    let vm = vm.reload(&compiled(old)).unwrap().vm;
    assert_eq!(vm.func::<(), i64>("Get").unwrap().call(()).unwrap(), 9);
}

#[test]
fn a_vm_of_its_callers_threads_and_virtual_time_is_reloaded_too() {
    let text = "package p\nimport \"time\"\nvar n = 0\nfunc Start() { go func() { for { time.Sleep(time.Second); n++ } }() }\nfunc N() int { return n }";
    let vm = compiled(text).vm().virtual_time().start().unwrap();
    vm.func::<(), ()>("Start").unwrap().call(()).unwrap();
    vm.step(Duration::from_secs(3)).unwrap();
    let vm = vm.reload(&compiled(text)).unwrap().vm;
    assert_eq!(vm.func::<(), i64>("N").unwrap().call(()).unwrap(), 3);
    vm.func::<(), ()>("Start").unwrap().call(()).unwrap();
    vm.step(Duration::from_secs(2)).unwrap();
    assert_eq!(vm.func::<(), i64>("N").unwrap().call(()).unwrap(), 5);
}

#[test]
fn not_from_within() {
    use std::sync::{Arc, OnceLock};
    let place: Arc<OnceLock<(Vm, Program)>> = Arc::default();
    let own = Arc::clone(&place);
    let golite = Golite::builder()
        .func("host", "Reload", move || {
            let (vm, program) = own.get().unwrap();
            match vm.reload(program) {
                Err(error) => error.to_string(),
                Ok(_) => String::new(),
            }
        })
        .build()
        .unwrap();
    let text = "package p\nimport \"host\"\nfunc Try() string { return host.Reload() }";
    let program = golite.compile(text).unwrap();
    let vm = program.start().unwrap();
    assert!(place.set((vm.clone(), program.clone())).is_ok());
    let said = vm.func::<(), String>("Try").unwrap().call(()).unwrap();
    assert_eq!(said, Error::Reentrant.to_string());
}
