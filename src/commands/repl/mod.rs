//! `golite repl`: a program, typed line by line.
//!
//! - [`lines`]: when a text is complete.
//! - [`commands`]: what begins with a colon.

mod commands;
mod lines;

use super::{report_diagnostics, run};
use crate::arguments::Settings;
use golite::session::{Ending, Refusal, Session};
use std::io::{self, BufRead, BufReader, Read, Stdin, Write};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

/// A conversation.
pub struct Repl {
    session: Session,
    settings: Settings,
    /// What was typed and is part of the program.
    typed: Vec<String>,
    interrupted: Arc<AtomicBool>,
}

/// What a line has led to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Next {
    More,
    End,
}

/// Reads and runs a program line by line.
pub fn repl(settings: Settings) -> ExitCode {
    let input = Arc::new(Mutex::new(BufReader::new(io::stdin())));
    let host = run::host_with("repl", Vec::new(), Box::new(SharedInput(input.clone())));
    let session = match start(settings, host) {
        Ok(session) => session,
        Err(failure) => return failure,
    };
    let mut repl = Repl {
        session,
        settings,
        typed: Vec::new(),
        interrupted: Arc::default(),
    };
    repl.read_lines(&input);
    ExitCode::SUCCESS
}

fn start(settings: Settings, host: vm::Host) -> Result<Session, ExitCode> {
    let mut options = run::options().map_err(|error| {
        eprintln!("golite: {error}");
        ExitCode::from(2)
    })?;
    options.host = Arc::new(host);
    options.max_memory = settings.max_heap;
    Session::new(options, |exit| run::end(&exit)).map_err(|refusal| match refusal {
        Refusal::Wrong(diagnostics) => {
            let first = diagnostics.iter().next();
            eprintln!("golite: bug: {:?}", first.map(|d| &d.message));
            ExitCode::from(crate::INTERNAL_ERROR)
        }
        Refusal::Link(error) => {
            eprintln!("golite: {error}");
            ExitCode::FAILURE
        }
    })
}

/// What is left of standard input belongs to the program: it reads what stands behind the line that asks for it.
struct SharedInput(Arc<Mutex<BufReader<Stdin>>>);

impl Read for SharedInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut input = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        input.read(buffer)
    }
}

impl Repl {
    /// Input that nobody types.
    fn read_lines(&mut self, input: &Mutex<BufReader<Stdin>>) {
        let mut text = String::new();
        loop {
            let mut line = Vec::new();
            let read = input
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .read_until(b'\n', &mut line);
            let ended = !matches!(read, Ok(count) if count > 0);
            let line = String::from_utf8_lossy(&line);
            let is_forced = line.trim().is_empty();
            text.push_str(&line);
            if !ended && !is_forced && !lines::is_complete(&text) {
                continue;
            }
            let unit = std::mem::take(&mut text);
            if self.line(&unit) == Next::End || ended {
                return;
            }
        }
    }

    /// Does what a complete text asks for.
    pub fn line(&mut self, text: &str) -> Next {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Next::More;
        }
        match trimmed.strip_prefix(':') {
            Some(command) => self.command(command),
            None => {
                self.unit(text);
                Next::More
            }
        }
    }

    /// Runs a text; says whether it was right.
    pub fn unit(&mut self, text: &str) -> bool {
        match self.session.submit(text) {
            Ok(warnings) => {
                report_diagnostics(self.session.sources(), &warnings, self.settings, None);
                self.typed.push(text.trim_end().to_owned());
                self.wait();
                true
            }
            Err(refusal) => {
                self.refused(&refusal);
                false
            }
        }
    }

    fn refused(&self, refusal: &Refusal) {
        match refusal {
            Refusal::Wrong(diagnostics) => {
                let limit = Some(super::ERROR_LIMIT);
                report_diagnostics(self.session.sources(), diagnostics, self.settings, limit);
            }
            Refusal::Link(error) => say(&format!("golite: {error}\n")),
        }
    }

    /// Waits for what was started.
    fn wait(&mut self) {
        match self.session.wait(&self.interrupted) {
            Ending::Done => {}
            Ending::Left => say("the goroutine has ended\n"),
            Ending::Failed(text) => say(&text),
            Ending::Deadlock(trace) => {
                let end = if trace.ends_with('\n') { "" } else { "\n" };
                say(&format!(
                    "fatal error: all goroutines are asleep - deadlock!\n\n{trace}{end}"
                ));
            }
            Ending::Interrupted { at, goes_on } => {
                let mut text = "interrupted\n".to_owned();
                if let Some(goroutine) = at {
                    text.push_str(&format!("\ngoroutine {} {}", goroutine.id, goroutine.trace));
                    if !text.ends_with('\n') {
                        text.push('\n');
                    }
                    if goes_on {
                        text.push_str(&format!(
                            "goroutine {} ends when what it waits for is over\n",
                            goroutine.id
                        ));
                    }
                }
                say(&text);
            }
        }
    }
}

/// Says something that is no value.
fn say(text: &str) {
    // A reader that went away is no error.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Shows what was asked for.
fn show(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}
