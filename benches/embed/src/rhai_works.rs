//! Rhai. A VM is an engine with the standard package and a scope, over an AST that was compiled before.

use rhai::{Engine, Scope};

use crate::{Work, kilobyte};

const TEXT: &str = r#"
fn run(n) {
    let sum = 0;
    for i in 0..n { sum = host_add(sum, i); }
    sum
}
fn texts(n, text) {
    let sum = 0;
    for i in 0..n { sum += host_length(text); }
    sum
}
fn add(a, b) { a + b }
fn length(text) { text.len() }
fn total(order) { order.price * order.count }
"#;

#[derive(Clone)]
struct Order {
    id: i64,
    name: String,
    price: f64,
    count: i64,
}

fn made() -> Engine {
    let mut engine = Engine::new();
    engine.set_max_operations(0);
    engine.register_fn("host_add", |a: i64, b: i64| a + b);
    engine.register_fn("host_length", |text: &str| text.len() as i64);
    engine.register_type::<Order>();
    engine.register_get("id", |order: &mut Order| order.id);
    engine.register_get("name", |order: &mut Order| order.name.clone());
    engine.register_get("price", |order: &mut Order| order.price);
    engine.register_get("count", |order: &mut Order| order.count as f64);
    engine
}

/// What a function of the script answers, as the type that is given.
macro_rules! call {
    ($result:ty, $engine:expr, $ast:expr, $name:expr, $arguments:expr) => {
        $engine
            .call_fn::<$result>(&mut Scope::new(), $ast, $name, $arguments)
            .expect($name)
    };
}

pub fn works() -> Vec<Work> {
    let ast = made().compile(TEXT).expect("the program");
    let text = kilobyte();
    let again = text.clone();
    let order = Order {
        id: 7,
        name: "tea".into(),
        price: 2.5,
        count: 3,
    };
    let with = || (made(), ast.clone());
    let (host, into, to_script, to_host, of_struct) = (with(), with(), with(), with(), with());
    let same = ast.clone();
    vec![
        Work::new("call of a host function", "Rhai", move |n| {
            call!(i64, &host.0, &host.1, "run", (n as i64,));
        }),
        Work::new("call into a script", "Rhai", move |n| {
            for i in 0..n as i64 {
                assert_eq!(call!(i64, &into.0, &into.1, "add", (i, 1i64)), i + 1);
            }
        }),
        Work::new("making a VM", "Rhai", move |n| {
            for _ in 0..n {
                let engine = made();
                engine.run_ast(&same).expect("a VM");
            }
        }),
        Work::new("1 KB string to a script", "Rhai", move |n| {
            for _ in 0..n {
                let length = call!(i64, &to_script.0, &to_script.1, "length", (text.clone(),));
                assert_eq!(length, 1024);
            }
        }),
        Work::new("1 KB string to the host", "Rhai", move |n| {
            call!(
                i64,
                &to_host.0,
                &to_host.1,
                "texts",
                (n as i64, again.clone())
            );
        }),
        Work::new("struct to a script", "Rhai", move |n| {
            for _ in 0..n {
                let total = call!(f64, &of_struct.0, &of_struct.1, "total", (order.clone(),));
                assert_eq!(total, 7.5);
            }
        }),
    ]
}
