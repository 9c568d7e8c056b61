//! golite.

use golite::{GoType, Golite};

use crate::{Work, kilobyte};

const TEXT: &str = r#"
package bench

import "host"

var calls = 0

type Order struct {
	Id    int
	Name  string
	Price float64
	Count int
}

func Loop(n int) int {
	sum := 0
	for i := 0; i < n; i++ {
		sum = host.Add(sum, i)
	}
	return sum
}

func Texts(n int, text string) int {
	sum := 0
	for i := 0; i < n; i++ {
		sum += host.Length(text)
	}
	return sum
}

func Add(a, b int) int { return a + b }

func Length(text string) int { return len(text) }

func Total(order Order) float64 { return order.Price * float64(order.Count) }
"#;

#[derive(GoType, Clone)]
struct Order {
    id: i64,
    name: String,
    price: f64,
    count: i64,
}

pub fn works() -> Vec<Work> {
    let golite = Golite::builder()
        .func("host", "Add", |a: i64, b: i64| a + b)
        .func("host", "Length", |text: &str| text.len() as i64)
        .build()
        .expect("the host's functions");
    let program = golite.compile_named("bench.go", TEXT).expect("the program");
    let vm = program.start().expect("a VM");
    let run = vm.func::<(i64,), i64>("Loop").expect("Loop");
    let add = vm.func::<(i64, i64), i64>("Add").expect("Add");
    let texts = vm.func::<(i64, String), i64>("Texts").expect("Texts");
    let length = vm.func::<(String,), i64>("Length").expect("Length");
    let total = vm.func::<(Order,), f64>("Total").expect("Total");
    let text = kilobyte();
    let again = text.clone();
    let order = Order {
        id: 7,
        name: "tea".into(),
        price: 2.5,
        count: 3,
    };
    vec![
        Work::new("call of a host function", "golite", move |n| {
            run.call((n as i64,)).expect("Loop");
        }),
        Work::new("call into a script", "golite", move |n| {
            for i in 0..n as i64 {
                assert_eq!(add.call((i, 1)).expect("Add"), i + 1);
            }
        }),
        Work::new("making a VM", "golite", move |n| {
            let _keep = &vm;
            for _ in 0..n {
                drop(program.start().expect("a VM"));
            }
        }),
        Work::new("1 KB string to a script", "golite", move |n| {
            for _ in 0..n {
                assert_eq!(length.call((text.clone(),)).expect("Length"), 1024);
            }
        }),
        Work::new("1 KB string to the host", "golite", move |n| {
            texts.call((n as i64, again.clone())).expect("Texts");
        }),
        Work::new("struct to a script", "golite", move |n| {
            for _ in 0..n {
                assert_eq!(total.call((order.clone(),)).expect("Total"), 7.5);
            }
        }),
    ]
}
