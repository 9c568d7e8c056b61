//! A script that calls the host, and is called by it.
//!
//! `cargo run --example embed_hello`

use golite::{Error, Golite, Output, ScriptError};

const SCRIPT: &str = r#"
package main

import (
	"fmt"
	"greet"
)

func main() {
	fmt.Println(greet.Phrase("world"))
}

// Repeat is called by the host.
func Repeat(text string, times int) (string, error) {
	if times < 0 {
		return "", fmt.Errorf("cannot repeat %q %d times", text, times)
	}
	out := ""
	for range times {
		out += text
	}
	return out, nil
}
"#;

pub fn main() -> Result<(), Error> {
    let golite = Golite::builder()
        .func("greet", "Phrase", |name: &str| format!("Hello, {name}!"))
        .build()?;
    let program = golite.compile(SCRIPT)?;

    let output = Output::new();
    let vm = program.vm().stdout(output.clone()).start()?;
    vm.run()?;
    print!("{}", output.text());
    assert_eq!(output.text(), "Hello, world!\n");

    let repeat = vm.func::<(String, i64), Result<String, ScriptError>>("Repeat")?;
    assert_eq!(repeat.call(("ab".into(), 3))?, Ok("ababab".into()));
    if let Err(error) = repeat.call(("ab".into(), -1))? {
        println!("the script says: {error}");
    }
    Ok(())
}
