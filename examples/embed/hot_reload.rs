//! Hot reload: a new version of a script takes over, with the state of the old one.
//!
//! `cargo run --example embed_hot_reload`

use golite::{Error, Golite, Program, Vm};

const FIRST: &str = r#"
package counter

import "fmt"

type Guest struct {
	Name   string
	Visits int
	Friend *Guest
}

func (g *Guest) Greeting() string { return fmt.Sprintf("visit %d of %s", g.Visits, g.Name) }

var guests = map[string]*Guest{}

// greet is kept by its name: the new version's takes its place.
var greet = greeting

func greeting(g *Guest) string { return g.Greeting() }

func Visit(name, friend string) string {
	g := guest(name)
	g.Visits++
	g.Friend = guest(friend)
	return greet(g)
}

func guest(name string) *Guest {
	g := guests[name]
	if g == nil {
		g = &Guest{Name: name}
		guests[name] = g
	}
	return g
}
"#;

/// The new version speaks of friends. Functions and methods have changed, types of what is kept have not.
fn second() -> String {
    FIRST.replace(
        "return g.Greeting() }",
        "return g.Greeting() + fmt.Sprint(\", a friend's: \", g.Friend.Visits) }",
    )
}

/// In the third one a guest has another field: what is known of guests starts anew.
fn third() -> String {
    second().replace("Visits int", "Visits int\n\tEmail  string")
}

fn compiled(golite: &Golite, text: &str) -> Result<Program, Error> {
    golite.compile_named("counter.go", text)
}

fn visit(vm: &Vm, name: &str, friend: &str) -> Result<String, Error> {
    let visit = vm.func::<(String, String), String>("Visit")?;
    visit.call((name.into(), friend.into()))
}

pub fn main() -> Result<(), Error> {
    let golite = Golite::new();
    let vm = compiled(&golite, FIRST)?.start()?;
    visit(&vm, "ann", "bob")?;
    assert_eq!(visit(&vm, "bob", "ann")?, "visit 1 of bob");

    // A version with a mistake changes nothing: it does not get so far.
    match compiled(&golite, &FIRST.replace("g.Visits++", "g.Visit++")) {
        Err(Error::Compile(error)) => println!("not reloaded:\n{error}"),
        other => panic!("{other:?}"),
    }

    let reloaded = vm.reload(&compiled(&golite, &second())?)?;
    assert!(reloaded.started_anew.is_empty());
    let vm = reloaded.vm;
    let said = visit(&vm, "ann", "bob")?;
    assert_eq!(said, "visit 2 of ann, a friend's: 1");
    println!("reloaded: {said}");

    let reloaded = vm.reload(&compiled(&golite, &third())?)?;
    for anew in &reloaded.started_anew {
        println!("{} starts anew: {}", anew.variable, anew.reason);
    }
    assert_eq!(reloaded.started_anew.len(), 2);
    assert_eq!(
        visit(&reloaded.vm, "ann", "bob")?,
        "visit 1 of ann, a friend's: 0"
    );
    Ok(())
}
