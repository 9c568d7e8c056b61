//! A plugin host: Rust types and functions by derive and attribute, a VM for each plugin.
//!
//! `cargo run --example embed_plugin_host`

use golite::{Error, GoType, Golite, ScriptError};

/// What plugins see of the editor.
#[golite::export]
mod editor {
    /// The version of this interface.
    pub const VERSION: i64 = 1;

    /// A piece of text and where it begins.
    #[derive(golite::GoType, Clone, Debug, PartialEq)]
    pub struct Selection {
        pub text: String,
        pub start: i64,
    }

    #[golite::export(package = "editor")]
    impl Selection {
        /// One past the last byte.
        pub fn end(&self) -> i64 {
            self.start + self.text.len() as i64
        }

        /// Puts a text in the place of the selected one.
        pub fn replace(&mut self, text: &str) {
            text.clone_into(&mut self.text);
        }
    }

    /// Tells the user something.
    pub fn notify(message: &str) {
        println!("editor: {message}");
    }
}

/// What a plugin says of itself. The script has a struct of its own with these fields.
#[derive(GoType, Debug)]
struct Description {
    name: String,
    keys: Vec<String>,
}

const PLUGINS: [(&str, &str); 2] = [
    (
        "upper.go",
        r#"
package upper

import (
	"editor"
	"strings"
)

type Description struct {
	Name string
	Keys []string
}

func Describe() Description { return Description{"upper", []string{"ctrl-u"}} }

func Run(s editor.Selection) (editor.Selection, error) {
	s.Replace(strings.ToUpper(s.Text))
	return s, nil
}
"#,
    ),
    (
        "careful.go",
        r#"
package careful

import (
	"editor"
	"fmt"
)

type Description struct {
	Name string
	Keys []string
}

func Describe() Description { return Description{Name: "careful"} }

func Run(s editor.Selection) (editor.Selection, error) {
	if s.End() > 10 {
		return s, fmt.Errorf("%q is too long for version %d", s.Text, editor.Version)
	}
	editor.Notify("it is short enough")
	return s, nil
}
"#,
    ),
];

pub fn main() -> Result<(), Error> {
    let golite = Golite::builder()
        .export::<editor::Exports>()
        .export::<editor::Selection>()
        .build()?;
    let mut answers = Vec::new();
    for (file, text) in PLUGINS {
        let vm = golite
            .compile_named(file, text)?
            .vm()
            .memory(32 << 20)
            .start()?;
        let description = vm.func::<(), Description>("Describe")?.call(())?;
        println!("loaded {} {:?}", description.name, description.keys);
        type Answer = Result<editor::Selection, ScriptError>;
        let run = vm.func::<(editor::Selection,), Answer>("Run")?;
        let selection = editor::Selection {
            text: "hello world".to_owned(),
            start: 7,
        };
        match run.call((selection,))? {
            Ok(selection) => answers.push(selection.text),
            Err(error) => answers.push(error.message),
        }
    }
    assert_eq!(
        answers,
        ["HELLO WORLD", "\"hello world\" is too long for version 1"]
    );
    Ok(())
}
