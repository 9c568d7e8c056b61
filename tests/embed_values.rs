//! Values, closures and channels of a script that the host holds, and values that serde makes.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use golite::{
    Error, Func, GoType, Golite, Kind, Receiver, RecvError, ScriptError, SendError, Sender, Serde,
    Value, Vm, from_value,
};

fn start(golite: &Golite, text: &str) -> Vm {
    match golite.compile(text).and_then(|program| program.start()) {
        Ok(vm) => vm,
        Err(error) => panic!("{error}"),
    }
}

fn vm(text: &str) -> Vm {
    start(&Golite::new(), text)
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

const SHAPES: &str = r#"
    package main

    type Point struct{ X, Y int }
    type Node struct {
        Name string
        Next *Node
        At   Point
        Tags []string
        Ages map[string]int
        Any  any
        Big  [3]float64
    }

    func (p Point) String() string { return "point" }

    func Make() any {
        n := &Node{Name: "a", At: Point{1, 2}, Tags: []string{"x", "y"}, Ages: map[string]int{"m": 7}, Any: 2.5, Big: [3]float64{1, 2, 3}}
        n.Next = n
        return n
    }
    func Points() []any { return []any{Point{3, 4}, &Point{5, 6}, 7, "s", nil, uint8(9), []int{1}} }
    func Same(v any) bool { return v.(*Node).Next == v.(*Node) }
    func Rename(v *Node, name string) { v.Name = name }
    func PointSum(p Point) int { return p.X + p.Y }
    func Text(s interface{ String() string }) string { return s.String() }
    func Any(v any) any { return v }
"#;

#[test]
fn values_of_any_type_are_looked_at() {
    let vm = vm(SHAPES);
    let node = vm.func::<(), Value>("Make").unwrap().call(()).unwrap();
    assert_eq!(node.kind().unwrap(), Kind::Pointer);
    assert_eq!(node.type_name().unwrap(), "*main.Node");
    let field = |name: &str| node.field(name).unwrap().unwrap();
    assert_eq!(field("Name").get::<String>().unwrap(), "a");
    assert!(node.field("Nothing").unwrap().is_none());
    let at = field("At");
    assert_eq!(at.kind().unwrap(), Kind::Struct);
    assert_eq!(at.field("Y").unwrap().unwrap().get::<i64>().unwrap(), 2);
    assert_eq!(field("Tags").len().unwrap(), 2);
    assert_eq!(
        field("Tags")
            .index(1)
            .unwrap()
            .unwrap()
            .get::<String>()
            .unwrap(),
        "y"
    );
    assert!(field("Tags").index(2).unwrap().is_none());
    assert_eq!(field("Any").get::<f64>().unwrap(), 2.5);
    assert_eq!(field("Big").elements().unwrap().len(), 3);
    assert_eq!(
        field("Big").elements().unwrap()[2].get::<f64>().unwrap(),
        3.0
    );
    let ages = field("Ages").entries().unwrap();
    assert_eq!(ages.len(), 1);
    assert_eq!(ages[0].0.get::<String>().unwrap(), "m");
    assert_eq!(ages[0].1.get::<i64>().unwrap(), 7);
    let names: Vec<String> = node
        .fields()
        .unwrap()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["Name", "Next", "At", "Tags", "Ages", "Any", "Big"]);
    let next = field("Next").pointee().unwrap().unwrap();
    assert_eq!(next.kind().unwrap(), Kind::Struct);
    // It is the script's own, not a copy.
    vm.func::<(Value, String), ()>("Rename")
        .unwrap()
        .call((node.clone(), "b".into()))
        .unwrap();
    assert_eq!(field("Name").get::<String>().unwrap(), "b");
    assert!(
        vm.func::<(Value,), bool>("Same")
            .unwrap()
            .call((node.clone(),))
            .unwrap()
    );
    assert!(matches!(node.get::<i64>(), Err(Error::Conversion(_))));
    assert!(matches!(node.len(), Err(Error::Conversion(_))));
    assert!(matches!(at.elements(), Err(Error::Conversion(_))));
    let points = vm
        .func::<(), Vec<Value>>("Points")
        .unwrap()
        .call(())
        .unwrap();
    let kinds: Vec<Kind> = points.iter().map(|value| value.kind().unwrap()).collect();
    use Kind::{Int, Nil, Pointer, Slice, String as Text, Struct, Uint};
    assert_eq!(kinds, [Struct, Pointer, Int, Text, Nil, Uint, Slice]);
    let sum = vm.func::<(Value,), i64>("PointSum").unwrap();
    assert_eq!(sum.call((points[0].clone(),)).unwrap(), 7);
    let wrong = sum.call((points[1].clone(),));
    assert!(
        matches!(&wrong, Err(Error::Conversion(text)) if text.contains("*main.Point")),
        "{wrong:?}"
    );
    let text = vm.func::<(Value,), String>("Text").unwrap();
    assert_eq!(text.call((points[0].clone(),)).unwrap(), "point");
    assert!(text.call((points[2].clone(),)).is_err());
    let any = vm.func::<(Value,), Value>("Any").unwrap();
    assert!(any.call((Value::nil(),)).unwrap().is_nil());
}

#[test]
fn values_live_while_they_are_held() {
    let vm = vm(SHAPES);
    let make = vm.func::<(), Value>("Make").unwrap();
    let kept: Vec<Value> = (0..200).map(|_| make.call(()).unwrap()).collect();
    for _ in 0..3 {
        for _ in 0..2000 {
            drop(make.call(()).unwrap());
        }
        vm.collect_garbage();
    }
    for value in &kept {
        let tags = value.field("Tags").unwrap().unwrap();
        assert_eq!(tags.get::<Vec<String>>().unwrap(), ["x", "y"]);
    }
    let held = kept[0].clone();
    let threads: Vec<_> = kept
        .into_iter()
        .map(|value| std::thread::spawn(move || value.type_name().unwrap()))
        .collect();
    assert!(
        threads
            .into_iter()
            .all(|thread| thread.join().unwrap() == "*main.Node")
    );
    drop(vm);
    drop(make);
    assert!(held.kind().is_err());
    drop(held);
}

#[test]
fn a_value_of_one_vm_is_an_error_in_another() {
    let (one, other) = (vm(SHAPES), vm(SHAPES));
    let value = one.func::<(), Value>("Make").unwrap().call(()).unwrap();
    let same = other.func::<(Value,), bool>("Same").unwrap();
    let error = same.call((value.clone(),));
    assert!(
        matches!(&error, Err(Error::Conversion(text)) if text.contains("another VM")),
        "{error:?}"
    );
    assert!(
        one.func::<(Value,), bool>("Same")
            .unwrap()
            .call((value,))
            .unwrap()
    );
}

#[test]
fn rust_values_become_go_values() {
    let vm = vm(SHAPES);
    #[derive(GoType, PartialEq, Debug)]
    struct Point {
        x: i64,
        y: i64,
    }
    let any = vm.func::<(Value,), Value>("Any").unwrap();
    for (value, name) in [
        (vm.value(3_i64).unwrap(), "int"),
        (vm.value("s".to_owned()).unwrap(), "string"),
        (vm.value(vec![1.5]).unwrap(), "[]float64"),
        (
            vm.value(BTreeMap::from([("k".to_owned(), vec![1_i64])]))
                .unwrap(),
            "map[string][]int",
        ),
        (vm.value(Point { x: 1, y: 2 }).unwrap(), "main.Point"),
        (vm.value(Some(Point { x: 1, y: 2 })).unwrap(), "*main.Point"),
    ] {
        assert_eq!(any.call((value,)).unwrap().type_name().unwrap(), name);
    }
    #[derive(GoType)]
    struct Elsewhere {
        n: i64,
    }
    assert!(matches!(
        vm.value(Elsewhere { n: 1 }),
        Err(Error::Conversion(_))
    ));
}

#[test]
fn host_functions_look_at_what_they_are_given() {
    let golite = Golite::builder()
        .func(
            "host",
            "Describe",
            |value: Value| -> Result<String, Error> {
                let mut text = value.type_name()?;
                for (name, field) in value.fields()? {
                    text.push_str(&format!(" {name}={}", field.get::<i64>()?));
                }
                Ok(text)
            },
        )
        .func("host", "First", |values: Vec<Value>| {
            values.into_iter().next().unwrap_or_default()
        })
        .build()
        .unwrap();
    let vm = start(
        &golite,
        "package main\n\nimport \"host\"\n\ntype P struct{ A, B int }\n\nfunc F() (string, error) { return host.Describe(P{1, 2}) }\nfunc G() string { return host.First([]any{\"x\", 2}).(string) }\nfunc H() error { _, err := host.Describe(5); return err }",
    );
    let describe = vm.func::<(), Result<String, ScriptError>>("F").unwrap();
    assert_eq!(describe.call(()).unwrap().unwrap(), "main.P A=1 B=2");
    assert_eq!(vm.func::<(), String>("G").unwrap().call(()).unwrap(), "x");
    let refused = vm
        .func::<(), Result<(), ScriptError>>("H")
        .unwrap()
        .call(())
        .unwrap();
    assert_eq!(refused.unwrap_err().message, "a int is no struct");
}

#[test]
fn closures_are_kept_and_called_from_any_thread() {
    type Handlers = Arc<Mutex<Vec<Func<(i64,), i64>>>>;
    let handlers: Handlers = Arc::default();
    let registered = Arc::clone(&handlers);
    let golite = Golite::builder()
        .func("host", "On", move |f: Func<(i64,), i64>| {
            registered.lock().unwrap().push(f)
        })
        .func("host", "Now", |f: Func<(), ()>| {
            f.call(()).map_err(|error| error.to_string())
        })
        .blocking_func(
            "host",
            "Later",
            |f: Func<(String,), Result<i64, ScriptError>>| {
                f.call(("four".to_owned(),))
                    .map_err(|error| error.to_string())?
                    .map_err(|error| error.to_string())
            },
        )
        .build()
        .unwrap();
    let vm = start(
        &golite,
        r#"
        package main

        import ("errors"; "host")

        func Register(step int) {
            sum := 0
            host.On(func(n int) int { sum += n * step; return sum })
        }
        func Nil() { host.On(nil) }
        func Now() error { return host.Now(func() {}) }
        func Later(fail bool) (int, error) {
            return host.Later(func(s string) (int, error) {
                if fail {
                    return 0, errors.New("no")
                }
                return len(s), nil
            })
        }
        func Adder(n int) func(int) int { return func(m int) int { return n + m } }
        func Twice(f func(int) int, n int) int { return f(f(n)) }
        func Double(n int) int { return 2 * n }
        func Text(s string) string { return s }
        func Panics() func() { return func() { panic("oh") } }
    "#,
    );
    let register = vm.func::<(i64,), ()>("Register").unwrap();
    for step in 1..=4 {
        register.call((step,)).unwrap();
        vm.collect_garbage();
    }
    let kept = std::mem::take(&mut *handlers.lock().unwrap());
    assert_eq!(kept.len(), 4);
    for round in 1..=3 {
        let sums: Vec<i64> = kept.iter().map(|f| f.call((10,)).unwrap()).collect();
        assert_eq!(sums, [10 * round, 20 * round, 30 * round, 40 * round]);
    }
    let threads: Vec<_> = kept
        .iter()
        .cloned()
        .map(|f| std::thread::spawn(move || f.call((0,)).unwrap()))
        .collect();
    let sums: Vec<i64> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    assert_eq!(sums, [30, 60, 90, 120]);
    let refused = vm.func::<(), ()>("Nil").unwrap().call(());
    assert!(
        matches!(&refused, Err(Error::Panic(panic)) if panic.message.contains("nil func")),
        "{refused:?}"
    );
    let now = vm
        .func::<(), Result<(), ScriptError>>("Now")
        .unwrap()
        .call(())
        .unwrap();
    assert!(now.unwrap_err().message.contains("cannot call its own VM"));
    let later = vm
        .func::<(bool,), Result<i64, ScriptError>>("Later")
        .unwrap();
    assert_eq!(later.call((false,)).unwrap().unwrap(), 4);
    assert_eq!(later.call((true,)).unwrap().unwrap_err().message, "no");
    let adder = vm
        .func::<(i64,), Func<(i64,), i64>>("Adder")
        .unwrap()
        .call((5,))
        .unwrap();
    assert_eq!(adder.call((1,)).unwrap(), 6);
    let twice = vm.func::<(Func<(i64,), i64>, i64), i64>("Twice").unwrap();
    assert_eq!(twice.call((adder.clone(), 1)).unwrap(), 11);
    let double = vm.func::<(i64,), i64>("Double").unwrap();
    assert_eq!(twice.call((double, 3)).unwrap(), 12);
    let wrong = vm
        .func::<(i64,), Func<(String,), i64>>("Adder")
        .unwrap()
        .call((5,));
    assert!(
        matches!(&wrong, Err(Error::Conversion(text)) if text.contains("func(int) int")),
        "{wrong:?}"
    );
    let panics = vm
        .func::<(), Func<(), ()>>("Panics")
        .unwrap()
        .call(())
        .unwrap();
    assert!(matches!(panics.call(()), Err(Error::Panic(_))));
    assert!(block_on(adder.call_async((2,))).unwrap() == 7);
    let other = start(
        &golite,
        "package main\n\nfunc Twice(f func(int) int, n int) int { return f(f(n)) }",
    );
    let foreign = other
        .func::<(Func<(i64,), i64>, i64), i64>("Twice")
        .unwrap()
        .call((adder.clone(), 1));
    assert!(
        matches!(&foreign, Err(Error::Conversion(text)) if text.contains("another VM")),
        "{foreign:?}"
    );
    drop(vm);
    drop((register, later, twice));
    assert!(matches!(adder.call((1,)), Err(Error::Closed)));
}

const CHANNELS: &str = r#"
    package main

    type Point struct{ X, Y int }

    var idle chan int

    func Sum(c <-chan int) (n int) {
        for v := range c {
            n += v
        }
        return
    }
    func Count(c chan<- string, n int) {
        for i := 0; i < n; i++ {
            c <- string(rune('a' + i))
        }
        close(c)
    }
    func Merge(a <-chan int, b <-chan Point, quit <-chan bool) (n int) {
        for {
            select {
            case v := <-a:
                n += v
            case p := <-b:
                n += 100 * (p.X + p.Y)
            case <-quit:
                return n
            }
        }
    }
    func Wait(c <-chan int) int { return <-c }
    func Send(c chan<- int, v int) { c <- v }
    func Own() chan int {
        c := make(chan int, 2)
        go func() {
            for v := range c {
                idle <- v
            }
        }()
        return c
    }
    func Nothing() chan int { return nil }
    func Texts(c chan string) {}
"#;

#[test]
fn a_script_selects_over_channels_of_the_host() {
    #[derive(GoType)]
    struct Point {
        y: i64,
        x: i64,
    }
    let vm = vm(CHANNELS);
    let (a, a_end) = vm.chan::<i64>(0).unwrap();
    let (b, b_end) = vm.chan::<Point>(3).unwrap();
    let (quit, quit_end) = vm.chan::<bool>(0).unwrap();
    let merge = vm
        .func::<(Receiver<i64>, Receiver<Point>, Receiver<bool>), i64>("Merge")
        .unwrap();
    let total = std::thread::spawn(move || merge.call((a_end, b_end, quit_end)));
    for n in 1..=10 {
        a.send(n).unwrap();
        b.send(Point { y: 1, x: 2 }).unwrap();
    }
    while !b.is_empty().unwrap() {
        std::thread::sleep(Duration::from_millis(1));
    }
    quit.send(true).unwrap();
    assert_eq!(total.join().unwrap().unwrap(), 55 + 10 * 300);
    assert!(quit.close().unwrap());
    assert!(!quit.close().unwrap());
    assert!(matches!(
        quit.send(true),
        Err(SendError::Closed(Some(true)))
    ));
}

#[test]
fn both_sides_send_receive_and_close() {
    let vm = vm(CHANNELS);
    let (sender, receiver) = vm.chan::<i64>(0).unwrap();
    assert!(matches!(sender.try_send(5), Err(SendError::Full(Some(5)))));
    assert!(matches!(receiver.try_recv(), Err(RecvError::Empty)));
    let short = Duration::from_millis(20);
    let began = Instant::now();
    assert!(matches!(
        receiver.recv_timeout(short),
        Err(RecvError::Empty)
    ));
    assert!(matches!(
        sender.send_timeout(6, short),
        Err(SendError::Full(Some(6)))
    ));
    assert!(began.elapsed() >= 2 * short);
    let sum = vm.func::<(Receiver<i64>,), i64>("Sum").unwrap();
    let total = std::thread::spawn(move || sum.call((receiver,)));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let sender = sender.clone();
            std::thread::spawn(move || (0..100).for_each(|n| sender.send(n).unwrap()))
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    // The last handle closes the channel.
    drop(sender);
    assert_eq!(total.join().unwrap().unwrap(), 4 * 4950);

    let (sender, receiver) = vm.chan::<String>(2).unwrap();
    let count = vm.func::<(Sender<String>, i64), ()>("Count").unwrap();
    let counted = std::thread::spawn(move || count.call((sender, 5)));
    let all: Vec<String> = receiver.iter().collect();
    assert_eq!(all.concat(), "abcde");
    assert!(matches!(receiver.recv(), Err(RecvError::Closed)));
    assert!(matches!(receiver.try_recv(), Err(RecvError::Closed)));
    counted.join().unwrap().unwrap();

    // A receiver that goes is seen by who sends.
    let (sender, receiver) = vm.chan::<i64>(0).unwrap();
    drop(receiver);
    let send = vm.func::<(Sender<i64>, i64), ()>("Send").unwrap();
    let closed = send.call((sender, 1));
    assert!(
        matches!(&closed, Err(Error::Panic(panic)) if panic.message.contains("send on closed channel")),
        "{closed:?}"
    );
}

#[test]
fn who_waits_for_a_while_runs_a_vm_that_only_callers_run() {
    let text = r#"
    import "time"

    func Later(c chan int) {
        go func() {
            time.Sleep(20 * time.Millisecond)
            c <- 7
        }()
    }
"#;
    let golite = Golite::new();
    let program = golite.compile(text).unwrap();
    let short = Duration::from_millis(30);
    for virtual_time in [false, true] {
        let builder = program.vm().on_callers_thread();
        let vm = if virtual_time {
            builder.virtual_time().start().unwrap()
        } else {
            builder.start().unwrap()
        };
        let (sender, receiver) = vm.chan::<i64>(0).unwrap();
        assert!(matches!(
            receiver.recv_timeout(short),
            Err(RecvError::Empty)
        ));
        assert!(matches!(
            sender.send_timeout(6, short),
            Err(SendError::Full(Some(6)))
        ));
        let later = vm.func::<(Sender<i64>,), ()>("Later").unwrap();
        later.call((sender,)).unwrap();
        if virtual_time {
            vm.step(Duration::from_millis(20)).unwrap();
        }
        let began = Instant::now();
        assert_eq!(receiver.recv_timeout(Duration::from_secs(60)).unwrap(), 7);
        // Not when the time is over: when the timer of the script was due.
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}

#[test]
fn channels_of_the_script_are_the_hosts_too() {
    let vm = vm(CHANNELS);
    let own = vm.func::<(), Sender<i64>>("Own").unwrap().call(()).unwrap();
    own.send(1).unwrap();
    drop(own.clone());
    own.send(2).unwrap();
    let nothing = vm.func::<(), Receiver<i64>>("Nothing").unwrap().call(());
    assert!(
        matches!(&nothing, Err(Error::Conversion(text)) if text == "a nil chan int"),
        "{nothing:?}"
    );
    assert!(matches!(
        vm.func::<(Receiver<i64>,), ()>("Texts"),
        Err(Error::Signature { .. })
    ));
    assert!(vm.func::<(Receiver<String>,), ()>("Texts").is_ok());
    let other = self::vm(CHANNELS);
    let (_sender, receiver) = other.chan::<i64>(0).unwrap();
    let foreign = vm
        .func::<(Receiver<i64>,), i64>("Wait")
        .unwrap()
        .call((receiver,));
    assert!(
        matches!(&foreign, Err(Error::Conversion(text)) if text.contains("another VM")),
        "{foreign:?}"
    );
}

#[test]
fn nothing_is_a_deadlock_while_the_host_may_send() {
    let vm = vm(CHANNELS);
    let wait = vm.func::<(Receiver<i64>,), i64>("Wait").unwrap();
    {
        let (sender, receiver) = vm.chan::<i64>(0).unwrap();
        let (waiting, end) = (wait.clone(), receiver.clone());
        let waits = std::thread::spawn(move || waiting.call((end,)));
        std::thread::sleep(Duration::from_millis(50));
        sender.send(3).unwrap();
        assert_eq!(waits.join().unwrap().unwrap(), 3);
        drop(receiver);
    }
    let (sender, receiver) = vm.chan::<i64>(0).unwrap();
    let waits = std::thread::spawn(move || wait.call((receiver,)));
    std::thread::sleep(Duration::from_millis(50));
    sender.send(4).unwrap();
    assert_eq!(waits.join().unwrap().unwrap(), 4);
    // Nobody is left who could receive.
    let alone = sender.send(5);
    assert!(
        matches!(&alone, Err(SendError::Failed(Error::Deadlock { .. }))),
        "{alone:?}"
    );
    assert!(matches!(vm.ended(), Some(Error::Deadlock { .. })));
    assert!(matches!(
        sender.try_send(1),
        Err(SendError::Failed(Error::Deadlock { .. }))
    ));
}

#[test]
fn tasks_send_and_receive() {
    let vm = vm(CHANNELS);
    let (sender, receiver) = vm.chan::<String>(0).unwrap();
    let count = vm.func::<(Sender<String>, i64), ()>("Count").unwrap();
    let counted = std::thread::spawn(move || count.call((sender, 26)));
    let mut all = String::new();
    let mut dropped = 0;
    block_on(async {
        loop {
            {
                // A future that is polled once and dropped loses nothing.
                let mut once = pin!(receiver.recv_async());
                let polled =
                    std::future::poll_fn(|context| Poll::Ready(once.as_mut().poll(context))).await;
                match polled {
                    Poll::Ready(Ok(text)) => {
                        all.push_str(&text);
                        continue;
                    }
                    Poll::Ready(Err(_)) => break,
                    Poll::Pending => dropped += 1,
                }
            }
            if dropped % 3 == 0 {
                match receiver.recv_async().await {
                    Ok(text) => all.push_str(&text),
                    Err(_) => break,
                }
            }
        }
    });
    assert_eq!(all, "abcdefghijklmnopqrstuvwxyz");
    counted.join().unwrap().unwrap();
    let (sender, receiver) = vm.chan::<i64>(0).unwrap();
    let sum = vm.func::<(Receiver<i64>,), i64>("Sum").unwrap();
    let total = std::thread::spawn(move || sum.call((receiver,)));
    block_on(async {
        for n in 0..50 {
            sender.send_async(n).await.unwrap();
        }
    });
    drop(sender);
    assert_eq!(total.join().unwrap().unwrap(), 1225);
}

#[test]
fn a_vm_ends_under_who_waits_at_a_channel() {
    let vm = vm(CHANNELS);
    let (sender, receiver) = vm.chan::<i64>(0).unwrap();
    let waits = std::thread::spawn(move || receiver.recv_timeout(Duration::from_secs(60)));
    std::thread::sleep(Duration::from_millis(20));
    vm.interrupt();
    let ended = waits.join().unwrap();
    assert!(
        matches!(ended, Err(RecvError::Failed(Error::Interrupted { .. }))),
        "{ended:?}"
    );
    drop(vm);
    assert!(matches!(sender.send(1), Err(SendError::Failed(_))));
}

#[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug, Clone)]
enum Shape {
    Empty,
    Circle(f64),
    Rectangle { w: u8, h: u8 },
}

#[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug, Clone)]
struct Order {
    id: u32,
    #[serde(rename = "customer")]
    who: String,
    lines: Vec<Line>,
    note: Option<String>,
    prices: BTreeMap<String, f64>,
    counts: BTreeMap<i32, bool>,
    shape: Shape,
}

#[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug, Clone)]
struct Line {
    name: String,
    amount: i64,
}

const ORDERS: &str = r#"
    package main

    import ("math"; "time")

    type Base struct{ ID int `json:"id"` }
    type Line struct {
        Name   string `json:"name"`
        Amount int16  `json:"amount"`
        secret int
    }
    type Order struct {
        Base
        Who    string             `json:"customer"`
        Lines  []Line             `json:"lines"`
        Note   *string            `json:"note"`
        Prices map[string]float64 `json:"prices"`
        Counts map[int32]bool     `json:"counts"`
        Shape  any                `json:"shape"`
        Hidden string             `json:"-"`
        Extra  int                `json:"extra,omitempty"`
    }
    type Loop struct{ Next *Loop }

    func Echo(o Order) Order { return o }
    func Total(o *Order) (n int) {
        for _, line := range o.Lines {
            n += int(line.Amount)
        }
        return n + o.ID
    }
    func Kind(v any) string {
        switch v := v.(type) {
        case nil:
            return "nil"
        case int:
            return "int"
        case float64:
            return "float64"
        case string:
            return "string " + v
        case []any:
            return "[]any of " + Kind(v[0])
        case map[string]any:
            return "map of " + Kind(v["k"])
        case bool:
            return "bool"
        }
        return "other"
    }
    func NaN() float64 { return math.NaN() }
    func Now() time.Time { return time.Now() }
    func Func() func() { return nil }
    func Cycle() *Loop { l := &Loop{}; l.Next = l; return l }
"#;

#[test]
fn serde_types_go_both_ways() {
    let vm = vm(ORDERS);
    let order = Order {
        id: 9,
        who: "Ann".to_owned(),
        lines: vec![
            Line {
                name: "tea".to_owned(),
                amount: 2,
            },
            Line {
                name: "cake".to_owned(),
                amount: 3,
            },
        ],
        note: Some("soon".to_owned()),
        prices: BTreeMap::from([("tea".to_owned(), 2.5)]),
        counts: BTreeMap::from([(-3, true)]),
        shape: Shape::Rectangle { w: 1, h: 2 },
    };
    let echo = vm.func::<(Serde<Order>,), Serde<Order>>("Echo").unwrap();
    for shape in [
        Shape::Empty,
        Shape::Circle(1.5),
        Shape::Rectangle { w: 1, h: 2 },
    ] {
        let order = Order {
            shape,
            ..order.clone()
        };
        assert_eq!(echo.call((Serde(order.clone()),)).unwrap().0, order);
    }
    let bare = Order {
        note: None,
        lines: Vec::new(),
        ..order.clone()
    };
    assert_eq!(echo.call((Serde(bare.clone()),)).unwrap().0, bare);
    let total = vm.func::<(Serde<Order>,), i64>("Total").unwrap();
    assert_eq!(total.call((Serde(order.clone()),)).unwrap(), 14);
    let value = vm.to_value_of("Order", &order).unwrap();
    assert_eq!(value.type_name().unwrap(), "main.Order");
    assert_eq!(from_value::<Order>(&value).unwrap(), order);
    let all = vm.to_value_of("[]*Order", &[order.clone(), bare]).unwrap();
    assert_eq!(all.type_name().unwrap(), "[]*main.Order");
    assert_eq!(from_value::<Vec<Order>>(&all).unwrap()[0], order);
    let kind = vm.func::<(Value,), String>("Kind").unwrap();
    let kind_of = |value: serde_json::Value| kind.call((vm.to_value(&value).unwrap(),)).unwrap();
    use serde_json::json;
    assert_eq!(kind_of(json!(null)), "nil");
    assert_eq!(kind_of(json!(1)), "int");
    assert_eq!(kind_of(json!(1.5)), "float64");
    assert_eq!(kind_of(json!("x")), "string x");
    assert_eq!(kind_of(json!([[true]])), "[]any of []any of bool");
    assert_eq!(kind_of(json!({"k": 2})), "map of int");
    let wrong =
        |ty: &str, value: serde_json::Value| vm.to_value_of(ty, &value).unwrap_err().to_string();
    assert_eq!(
        wrong("Line", json!({"amount": 70000})),
        "70000 is out of the range of int16"
    );
    assert_eq!(
        wrong("Order", json!({"id": "x"})),
        "a string cannot be a int"
    );
    assert_eq!(
        wrong("Missing", json!(1)),
        "the program has no type Missing"
    );
    let refused = |name: &str| {
        vm.func::<(), Serde<serde_json::Value>>(name)
            .unwrap()
            .call(())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refused("NaN"), "NaN has no form in JSON");
    assert_eq!(refused("Now"), "a time.Time has no exported fields");
    assert_eq!(refused("Func"), "a func() has no form in JSON");
    assert!(refused("Cycle").contains("contains itself"));
}

#[derive(GoType, Clone, Copy, PartialEq, Debug)]
struct UserId(i64);

#[derive(GoType, Clone, Copy, PartialEq, Debug)]
enum Level {
    Low,
    Middle = 5,
    #[go(name = "Top")]
    High,
}

#[test]
fn newtypes_and_enums_are_types_of_the_script() {
    let golite = Golite::builder()
        .func("host", "Next", |id: UserId| UserId(id.0 + 1))
        .func("host", "Raise", |level: Level| match level {
            Level::Low => Level::Middle,
            Level::Middle | Level::High => Level::High,
        })
        .build()
        .unwrap();
    let vm = start(
        &golite,
        r#"
        package main

        import "host"

        func ID(id host.UserId) host.UserId { return host.Next(id) + 10 }
        func Up(l host.Level) (host.Level, bool) {
            l = host.Raise(l)
            return l, l == host.Top
        }
        func Bad() { host.Raise(3) }
        func Numbers() []int { return []int{int(host.LevelLow), int(host.LevelMiddle), int(host.Top)} }
    "#,
    );
    let id = vm.func::<(UserId,), UserId>("ID").unwrap();
    assert_eq!(id.call((UserId(1),)).unwrap(), UserId(12));
    let up = vm.func::<(Level,), (Level, bool)>("Up").unwrap();
    assert_eq!(up.call((Level::Low,)).unwrap(), (Level::Middle, false));
    assert_eq!(up.call((Level::Middle,)).unwrap(), (Level::High, true));
    assert_eq!(
        vm.func::<(), Vec<i64>>("Numbers")
            .unwrap()
            .call(())
            .unwrap(),
        [0, 5, 6]
    );
    let bad = vm.func::<(), ()>("Bad").unwrap().call(());
    assert!(
        matches!(&bad, Err(Error::Panic(panic)) if panic.message.contains("3 is no Level")),
        "{bad:?}"
    );
}
