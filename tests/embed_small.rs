//! The API on one thread, with little to compute: VMs on their callers' threads, without poller and other threads, as interpreters of machine code such as Miri want it.
//!
//! To compile a program takes such an interpreter very long, and is safe code in any case. So with `GOLITE_PROGRAMS=FOLDER` an ordinary run writes the programs there,
//! and one under Miri reads them:
//!
//! ```console
//! $ GOLITE_PROGRAMS=/tmp/programs cargo test --test embed_small
//! $ GOLITE_PROGRAMS=/tmp/programs MIRIFLAGS="-Zmiri-permissive-provenance -Zmiri-disable-isolation" \
//!       cargo +nightly miri test --no-default-features --test embed_small
//! ```

use golite::{Bytes, Error, Func, GoType, Golite, Program, ScriptError, Value, Vm};

/// The program of a text: compiled, and kept for others to load.
fn program(golite: &Golite, text: &str) -> Program {
    let Some(folder) = std::env::var_os("GOLITE_PROGRAMS") else {
        return golite.compile(text).unwrap();
    };
    let name = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    let path = std::path::Path::new(&folder).join(format!("{name:016x}"));
    if cfg!(miri) {
        let bytes = std::fs::read(&path);
        return golite
            .load(&bytes.expect("a run without Miri has written it"))
            .unwrap();
    }
    let program = golite.compile(text).unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(&path, program.to_bytes()).unwrap();
    program
}

fn on_this_thread(golite: &Golite, text: &str) -> Vm {
    program(golite, text)
        .vm()
        .on_callers_thread()
        .start()
        .unwrap()
}

#[derive(GoType, Clone, Debug, PartialEq)]
struct Order {
    item: String,
    count: i64,
    price: f64,
    tags: Vec<String>,
}

#[test]
fn calls_go_both_ways() {
    let golite = Golite::builder()
        .func("host", "Join", |a: &str, b: &[u8]| {
            format!("{a}{}", b.len())
        })
        .func("host", "Half", |n: i64| match n % 2 {
            0 => Ok(n / 2),
            _ => Err(format!("{n} is odd")),
        })
        .build()
        .unwrap();
    let vm = on_this_thread(
        &golite,
        r#"
        package p
        import "host"
        type Order struct { Item string; Count int; Price float64; Tags []string }
        func Double(o Order) Order { o.Count *= 2; o.Tags = append(o.Tags, "doubled"); return o }
        func Join(s string) string { return host.Join(s, []byte{1, 2, 3}) }
        func Half(n int) (int, error) { return host.Half(n) }
        func Panic(at int) int { return []int{1}[at] }
        func Sum(m map[string]int, more []int) int {
            sum := 0
            for _, n := range m { sum += n }
            for _, n := range more { sum += n }
            return sum
        }
        "#,
    );
    let order = Order {
        item: "tea".into(),
        count: 2,
        price: 1.5,
        tags: vec!["hot".into()],
    };
    let double = vm.func::<(Order,), Order>("Double").unwrap();
    let doubled = double.call((order.clone(),)).unwrap();
    assert_eq!(doubled.count, 4);
    assert_eq!(doubled.tags, ["hot", "doubled"]);
    let join = vm.func::<(Bytes,), String>("Join").unwrap();
    assert_eq!(join.call((Bytes(b"x".to_vec()),)).unwrap(), "x3");
    let half = vm.func::<(i64,), Result<i64, ScriptError>>("Half").unwrap();
    assert_eq!(half.call((4,)).unwrap().unwrap(), 2);
    assert_eq!(half.call((3,)).unwrap().unwrap_err().message, "3 is odd");
    let panic = vm.func::<(i64,), i64>("Panic").unwrap();
    assert!(matches!(panic.call((5,)), Err(Error::Panic(_))));
    assert_eq!(panic.call((0,)).unwrap(), 1);
    let sum = vm
        .func::<(std::collections::HashMap<String, i64>, Vec<i64>), i64>("Sum")
        .unwrap();
    let map = [("a".to_owned(), 1), ("b".to_owned(), 2)].into();
    assert_eq!(sum.call((map, vec![3, 4])).unwrap(), 10);
    assert!(matches!(
        vm.func::<(i64,), String>("Half"),
        Err(Error::Signature { .. })
    ));
    drop(vm);
    assert!(half.call((4,)).is_err());
}

#[test]
fn what_the_host_holds_is_used_and_dropped_in_any_order() {
    let vm = on_this_thread(
        &Golite::new(),
        r#"
        package p
        type Node struct { Next *Node; Name string; Any any }
        func Adder(n int) func(int) int { return func(m int) int { n += m; return n } }
        func List() *Node { return &Node{&Node{nil, "last", 2}, "first", []string{"x"}} }
        func Take(n *Node) string { return n.Name }
        "#,
    );
    let adder = vm.func::<(i64,), Func<(i64,), i64>>("Adder").unwrap();
    let (one, ten) = (adder.call((1,)).unwrap(), adder.call((10,)).unwrap());
    vm.collect_garbage();
    assert_eq!(one.call((1,)).unwrap(), 2);
    assert_eq!(ten.call((1,)).unwrap(), 11);
    drop(one);
    let list = vm.func::<(), Value>("List").unwrap().call(()).unwrap();
    vm.collect_garbage();
    let node = list.pointee().unwrap().unwrap();
    let name = node.field("Name").unwrap().unwrap();
    assert_eq!(name.get::<String>().unwrap(), "first");
    let take = vm.func::<(Value,), String>("Take").unwrap();
    assert_eq!(take.call((list.clone(),)).unwrap(), "first");
    drop(vm);
    assert!(ten.call((1,)).is_err());
    drop(list);
}

#[test]
fn goroutines_channels_and_limits() {
    let golite = Golite::new();
    let text = r#"
        package p
        func Pump(n int) int {
            c := make(chan int)
            done := make(chan int)
            go func() { sum := 0; for x := range c { sum += x }; done <- sum }()
            for i := range n { c <- i }
            close(c)
            return <-done
        }
        func Spin() { for {} }
        func Deep(n int) int { return Deep(n+1) + 1 }
    "#;
    let vm = on_this_thread(&golite, text);
    assert_eq!(
        vm.func::<(i64,), i64>("Pump").unwrap().call((5,)).unwrap(),
        10
    );
    let program = program(&golite, text);
    let limited = || program.vm().on_callers_thread();
    let vm = limited().fuel(50).start().unwrap();
    assert!(vm.func::<(), ()>("Spin").unwrap().call(()).is_err());
    assert!(vm.ended().is_some());
    let vm = limited().stack(1 << 12).start().unwrap();
    assert!(vm.func::<(i64,), i64>("Deep").unwrap().call((0,)).is_err());
    drop(vm);
}

#[test]
fn a_new_program_takes_over() {
    let golite = Golite::new();
    let text = |by: &str| {
        format!(
            "package p\ntype T struct {{ Next *T; N int; S string }}\nvar t = &T{{N: 1, S: \"s\"}}\nvar m = map[string]*T{{}}\nvar c = make(chan any, 2)\nfunc Add() int {{ t.N += {by}; t.Next = t; m[t.S] = t; c <- t; return m[\"s\"].Next.N + len(c) }}"
        )
    };
    let vm = on_this_thread(&golite, &text("1"));
    assert_eq!(vm.func::<(), i64>("Add").unwrap().call(()).unwrap(), 3);
    let reloaded = vm.reload(&program(&golite, &text("10"))).unwrap();
    assert_eq!(reloaded.started_anew, []);
    reloaded.vm.collect_garbage();
    assert_eq!(
        reloaded
            .vm
            .func::<(), i64>("Add")
            .unwrap()
            .call(())
            .unwrap(),
        14
    );
}
