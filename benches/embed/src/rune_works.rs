//! Rune. A VM is a stack over a shared unit and context: it has no variables of its own.

use std::sync::Arc;

use rune::runtime::{RuntimeContext, Unit};
use rune::{Any, Context, Diagnostics, Hash, Module, Source, Sources, Vm};

use crate::{Work, kilobyte};

const TEXT: &str = r#"
pub fn run(n) {
    let sum = 0;
    for i in 0..n { sum = host::add(sum, i); }
    sum
}
pub fn texts(n, text) {
    let sum = 0;
    for i in 0..n { sum += host::length(text); }
    sum
}
pub fn add(a, b) { a + b }
pub fn length(text) { text.len() }
pub fn total(order) { order.price * order.count }
"#;

#[derive(Any, Clone)]
struct Order {
    #[rune(get)]
    id: i64,
    #[rune(get)]
    name: String,
    #[rune(get)]
    price: f64,
    #[rune(get)]
    count: f64,
}

fn compiled() -> rune::support::Result<(Arc<RuntimeContext>, Arc<Unit>)> {
    let mut module = Module::with_crate("host")?;
    module.ty::<Order>()?;
    module.function("add", |a: i64, b: i64| a + b).build()?;
    module
        .function("length", |text: &str| text.len() as i64)
        .build()?;
    let mut context = Context::with_default_modules()?;
    context.install(module)?;
    let runtime = Arc::new(context.runtime()?);
    let mut sources = Sources::new();
    sources.insert(Source::memory(TEXT)?)?;
    let mut diagnostics = Diagnostics::new();
    let unit = rune::prepare(&mut sources)
        .with_context(&context)
        .with_diagnostics(&mut diagnostics)
        .build()?;
    Ok((runtime, Arc::new(unit)))
}

fn call<R: rune::FromValue>(
    vm: &mut Vm,
    name: Hash,
    arguments: impl rune::runtime::GuardedArgs,
) -> R {
    let value = vm.call(name, arguments).expect("the call");
    rune::from_value(value).expect("the result")
}

pub fn works() -> Vec<Work> {
    let (runtime, unit) = compiled().expect("the program");
    let new = || Vm::new(Arc::clone(&runtime), Arc::clone(&unit));
    let hash = |name: &str| Hash::type_hash([name]);
    let (run, add, texts) = (hash("run"), hash("add"), hash("texts"));
    let (length, total) = (hash("length"), hash("total"));
    let (mut host, mut into, mut to_script, mut to_host, mut of_struct) =
        (new(), new(), new(), new(), new());
    let text = kilobyte();
    let again = text.clone();
    let order = Order {
        id: 7,
        name: "tea".into(),
        price: 2.5,
        count: 3.0,
    };
    assert!(order.id == 7 && order.name == "tea");
    vec![
        Work::new("call of a host function", "Rune", move |n| {
            call::<i64>(&mut host, run, (n as i64,));
        }),
        Work::new("call into a script", "Rune", move |n| {
            for i in 0..n as i64 {
                assert_eq!(call::<i64>(&mut into, add, (i, 1i64)), i + 1);
            }
        }),
        Work::new("making a VM", "Rune", move |n| {
            for _ in 0..n {
                drop(std::hint::black_box(Vm::new(
                    Arc::clone(&runtime),
                    Arc::clone(&unit),
                )));
            }
        }),
        Work::new("1 KB string to a script", "Rune", move |n| {
            for _ in 0..n {
                assert_eq!(call::<i64>(&mut to_script, length, (text.clone(),)), 1024);
            }
        }),
        Work::new("1 KB string to the host", "Rune", move |n| {
            call::<i64>(&mut to_host, texts, (n as i64, again.clone()));
        }),
        Work::new("struct to a script", "Rune", move |n| {
            for _ in 0..n {
                assert_eq!(call::<f64>(&mut of_struct, total, (order.clone(),)), 7.5);
            }
        }),
    ]
}
