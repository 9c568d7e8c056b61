//! Hot reload: a new version of a script takes over, with the state that the old one hands on.
//!
//! `cargo run --example embed_hot_reload`

use std::collections::BTreeMap;

use golite::{Error, Golite, Vm};

const FIRST: &str = r#"
package counter

var visits = map[string]int{}

func Visit(name string) int { visits[name]++; return visits[name] }

func Save() map[string]int { return visits }

func Restore(saved map[string]int) { visits = saved }
"#;

/// The new version counts in tens.
fn second() -> String {
    FIRST.replace("visits[name]++", "visits[name] += 10")
}

type State = BTreeMap<String, i64>;

/// A VM of the new text with the state of the old one; if the text is wrong the old one stays.
fn reload(golite: &Golite, old: &Vm, text: &str) -> Result<Vm, Error> {
    let new = golite.compile_named("counter.go", text)?.start()?;
    let state = old.func::<(), State>("Save")?.call(())?;
    new.func::<(State,), ()>("Restore")?.call((state,))?;
    Ok(new)
}

pub fn main() -> Result<(), Error> {
    let golite = Golite::new();
    let mut vm = golite.compile_named("counter.go", FIRST)?.start()?;
    let visit = |vm: &Vm| vm.func::<(String,), i64>("Visit")?.call(("ann".into(),));
    assert_eq!(visit(&vm)?, 1);
    assert_eq!(visit(&vm)?, 2);

    // A version with a mistake changes nothing.
    let broken = FIRST.replace("return visits[name]", "return visit[name]");
    match reload(&golite, &vm, &broken) {
        Err(Error::Compile(error)) => println!("not reloaded:\n{error}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(visit(&vm)?, 3);

    vm = reload(&golite, &vm, &second())?;
    assert_eq!(visit(&vm)?, 13);
    println!("reloaded: the next visit is number {}", visit(&vm)?);
    Ok(())
}
