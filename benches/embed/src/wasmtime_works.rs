//! wasmtime: compiled code over a flat memory. A string is copied into that memory; it has no structs.

use wasmtime::{Engine, Instance, Linker, Memory, Module, Store};

use crate::{Work, kilobyte};

const TEXT: &str = r#"
(module
  (import "host" "add" (func $host_add (param i64 i64) (result i64)))
  (import "host" "length" (func $host_length (param i32 i32) (result i64)))
  (memory (export "memory") 1)
  (func (export "run") (param $n i64) (result i64) (local $i i64) (local $sum i64)
    (loop $again
      (local.set $sum (call $host_add (local.get $sum) (local.get $i)))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $again (i64.lt_s (local.get $i) (local.get $n))))
    (local.get $sum))
  (func (export "texts") (param $n i64) (param $at i32) (param $length i32) (result i64) (local $i i64) (local $sum i64)
    (loop $again
      (local.set $sum (i64.add (local.get $sum) (call $host_length (local.get $at) (local.get $length))))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $again (i64.lt_s (local.get $i) (local.get $n))))
    (local.get $sum))
  (func (export "add") (param i64 i64) (result i64) (i64.add (local.get 0) (local.get 1)))
  (func (export "length") (param i32 i32) (result i32) (local.get 1)))
"#;

struct Host {
    memory: Option<Memory>,
}

fn made(engine: &Engine, before: &wasmtime::InstancePre<Host>) -> (Store<Host>, Instance) {
    let mut store = Store::new(engine, Host { memory: None });
    let instance = before.instantiate(&mut store).expect("an instance");
    store.data_mut().memory = instance.get_memory(&mut store, "memory");
    (store, instance)
}

pub fn works() -> Vec<Work> {
    let engine = Engine::default();
    let module = Module::new(&engine, TEXT).expect("the program");
    let mut linker: Linker<Host> = Linker::new(&engine);
    linker
        .func_wrap("host", "add", |a: i64, b: i64| a + b)
        .expect("add");
    let length = |caller: wasmtime::Caller<'_, Host>, at: i32, length: i32| -> i64 {
        let memory = caller.data().memory.expect("the memory");
        let bytes = &memory.data(&caller)[at as usize..(at + length) as usize];
        std::str::from_utf8(bytes).expect("text").len() as i64
    };
    linker.func_wrap("host", "length", length).expect("length");
    let before = linker.instantiate_pre(&module).expect("an instance");
    let (mut host, instance) = made(&engine, &before);
    let run = instance
        .get_typed_func::<i64, i64>(&mut host, "run")
        .expect("run");
    let (mut into, instance) = made(&engine, &before);
    let add = instance
        .get_typed_func::<(i64, i64), i64>(&mut into, "add")
        .expect("add");
    let (mut to_script, instance) = made(&engine, &before);
    let length = instance
        .get_typed_func::<(i32, i32), i32>(&mut to_script, "length")
        .expect("length");
    let (mut to_host, instance) = made(&engine, &before);
    let texts = instance
        .get_typed_func::<(i64, i32, i32), i64>(&mut to_host, "texts")
        .expect("texts");
    let text = kilobyte();
    let again = text.clone();
    vec![
        Work::new("call of a host function", "wasmtime", move |n| {
            run.call(&mut host, n as i64).expect("run");
        }),
        Work::new("call into a script", "wasmtime", move |n| {
            for i in 0..n as i64 {
                assert_eq!(add.call(&mut into, (i, 1)).expect("add"), i + 1);
            }
        }),
        Work::new("making a VM", "wasmtime", move |n| {
            for _ in 0..n {
                drop(made(&engine, &before));
            }
        }),
        Work::new("1 KB string to a script", "wasmtime", move |n| {
            let memory = to_script.data().memory.expect("the memory");
            for _ in 0..n {
                memory
                    .write(&mut to_script, 64, text.as_bytes())
                    .expect("room");
                let length = length
                    .call(&mut to_script, (64, text.len() as i32))
                    .expect("length");
                assert_eq!(length, 1024);
            }
        }),
        Work::new("1 KB string to the host", "wasmtime", move |n| {
            let memory = to_host.data().memory.expect("the memory");
            memory
                .write(&mut to_host, 64, again.as_bytes())
                .expect("room");
            texts
                .call(&mut to_host, (n as i64, 64, again.len() as i32))
                .expect("texts");
        }),
    ]
}
