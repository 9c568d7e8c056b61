//! What begins with a colon.

use super::{Next, Repl, say, show};
use std::time::Instant;

/// The commands: name, what it takes, what it does.
const COMMANDS: &[(&str, &str, &str)] = &[
    ("help", "", "this list"),
    (
        "type",
        "EXPRESSION",
        "the type of an expression, which is not run",
    ),
    ("time", "TEXT", "runs a text and says how long it took"),
    ("dis", "TEXT", "runs a text and shows its bytecode"),
    ("load", "FILE", "runs what a file holds"),
    (
        "save",
        "FILE",
        "writes what was typed and was right to a file",
    ),
    (
        "doc",
        "NAME",
        "the documentation of a package, or of what it declares",
    ),
    ("reset", "", "forgets everything and begins anew"),
    ("env", "", "what is declared"),
    (
        "goroutines",
        "",
        "the goroutines there are, and what they do",
    ),
    ("stack", "N", "the stack of goroutine N"),
    ("kill", "N", "ends goroutine N: its deferred calls run"),
    ("quit", "", "ends the session (also Ctrl-D)"),
];

impl Repl {
    /// Does what a command says; without its colon.
    pub(super) fn command(&mut self, text: &str) -> Next {
        let text = text.trim();
        let (name, argument) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let argument = argument.trim();
        match self.command_called(name) {
            "help" => help(),
            "type" => self.type_of(argument),
            "time" => {
                let begin = Instant::now();
                if self.unit(argument) {
                    show(&format!("took {:.3?}\n", begin.elapsed()));
                }
            }
            "dis" => {
                if self.unit(argument) {
                    show(self.session.borrow().listing());
                }
            }
            "load" => match std::fs::read_to_string(argument) {
                Ok(text) => _ = self.unit(&text),
                Err(error) => say(&format!("golite: {argument}: {error}\n")),
            },
            "save" => {
                let mut text = self.typed.join("\n");
                text.push('\n');
                if let Err(error) = std::fs::write(argument, text) {
                    say(&format!("golite: {argument}: {error}\n"));
                }
            }
            "env" => self.environment(),
            "goroutines" => self.goroutines(),
            "stack" => self.stack(argument),
            "kill" => self.kill(argument),
            "doc" => self.document(argument),
            "reset" => self.reset(),
            "quit" => return Next::End,
            _ => say(&format!("no command :{name} (:help lists them)\n")),
        }
        self.next()
    }

    /// The command with this name, or the only one that begins so.
    fn command_called<'a>(&self, name: &'a str) -> &'a str {
        let mut found = COMMANDS
            .iter()
            .map(|(command, ..)| *command)
            .filter(|command| !name.is_empty() && command.starts_with(name));
        match (found.next(), found.next()) {
            (Some(command), None) => command,
            (Some(command), _) if command == name => command,
            _ => name,
        }
    }

    fn type_of(&mut self, text: &str) {
        let types = self.session.borrow_mut().types_of(text);
        match types {
            Ok(types) => show(&match &types[..] {
                [] => "no value\n".to_owned(),
                [one] => format!("{one}\n"),
                several => format!("({})\n", several.join(", ")),
            }),
            Err(diagnostics) => {
                let refusal = golite::session::Refusal::Wrong(diagnostics);
                self.refused(&refusal);
            }
        }
    }

    /// Of a name of the session, what it is; else what `golite doc` says.
    fn document(&self, name: &str) {
        let own = self.session.borrow().declaration(name);
        match own {
            Some(declaration) => show(&format!("{declaration}\n")),
            None => {
                let words: Vec<String> = name.split_whitespace().map(str::to_owned).collect();
                super::super::doc::doc(&words, super::super::doc::Mode::default());
            }
        }
    }

    fn environment(&self) {
        let mut lines: Vec<String> = self.session.borrow().declarations();
        lines.sort();
        for line in lines {
            show(&format!("{line}\n"));
        }
    }

    fn goroutines(&self) {
        let session = self.session.borrow();
        let goroutines = session.program().map(|program| program.goroutines());
        for goroutine in goroutines.into_iter().flatten() {
            let mut lines = goroutine.trace.lines();
            let state = lines.next().unwrap_or_default().trim_end_matches(':');
            let top = lines.next().unwrap_or_default();
            show(&format!("{} {state} {top}\n", goroutine.id));
        }
    }

    fn stack(&self, number: &str) {
        let session = self.session.borrow();
        let goroutines = session.program().map(|program| program.goroutines());
        match goroutines
            .into_iter()
            .flatten()
            .find(|goroutine| goroutine.id.to_string() == number)
        {
            Some(goroutine) => show(&format!(
                "goroutine {} {}\n",
                goroutine.id,
                goroutine.trace.trim_end()
            )),
            None => say(&format!("no goroutine {number}\n")),
        }
    }

    fn kill(&self, number: &str) {
        let killed = number
            .parse()
            .ok()
            .zip(self.session.borrow().program())
            .is_some_and(|(id, program)| program.kill(id));
        if !killed {
            say(&format!("no goroutine {number}\n"));
        }
    }
}

fn help() {
    for (name, argument, what) in COMMANDS {
        show(&format!("{:<20} {what}\n", format!(":{name} {argument}")));
    }
}
