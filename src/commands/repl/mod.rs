//! `golite repl`: a program, typed line by line.
//!
//! - [`lines`]: when a text is complete.
//! - [`commands`]: what begins with a colon.
//! - [`terminal`], [`completion`]: for who types.
//!
//! Where standard input is no terminal it is read as it is, without echo. The program reads what stands behind the line that asks for it.

mod commands;
mod completion;
mod lines;
mod terminal;

use super::{report_diagnostics, run};
use crate::arguments::Settings;
use golite::session::{Ending, Refusal, Session};
use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Stdin, Write};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A conversation.
pub struct Repl {
    session: Rc<RefCell<Session>>,
    settings: Settings,
    colors: bool,
    host: vm::HostHandle,
    /// What was typed and is part of the program.
    typed: Vec<String>,
    /// Somebody has pressed Ctrl-C.
    interrupted: Arc<AtomicBool>,
    status: ExitCode,
    /// Somebody did not want to wait for the end of what he had interrupted.
    is_over: bool,
}

/// What a line has led to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Next {
    More,
    End,
}

/// Reads and runs a program line by line.
pub fn repl(settings: Settings) -> ExitCode {
    let interrupted: Arc<AtomicBool> = Arc::default();
    // Where no handler is to be had Ctrl-C ends the process.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, interrupted.clone());
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colors = settings.color.unwrap_or(!no_color);
        match terminal::editor(colors) {
            Ok((editor, output)) => {
                let standard_error: Box<dyn Write + Send> = match io::stderr().is_terminal() {
                    true => Box::new(output.clone()),
                    false => Box::new(io::stderr()),
                };
                let host = run::host_of(
                    "repl",
                    Vec::new(),
                    Box::new(io::stdin()),
                    Box::new(output),
                    standard_error,
                );
                let mut repl = match Repl::new(settings, host, interrupted) {
                    Ok(repl) => repl,
                    Err(failure) => return failure,
                };
                repl.colors = colors;
                show(&format!(
                    "golite {} (Go 1.27), :help lists the commands\n",
                    env!("CARGO_PKG_VERSION")
                ));
                repl.talk(editor);
                return repl.status;
            }
            Err(error) => say(&format!("golite: {error}\n")),
        }
    }
    let input = Arc::new(Mutex::new(BufReader::new(io::stdin())));
    let host = run::host_with("repl", Vec::new(), Box::new(SharedInput(input.clone())));
    let mut repl = match Repl::new(settings, host, interrupted) {
        Ok(repl) => repl,
        Err(failure) => return failure,
    };
    repl.read_lines(&input);
    repl.status
}

fn start(settings: Settings, host: vm::HostHandle) -> Result<Session, ExitCode> {
    let mut options = run::options().map_err(|error| {
        eprintln!("golite: {error}");
        ExitCode::from(2)
    })?;
    options.host = host;
    options.max_memory = settings.max_heap;
    let terminal = rustix::termios::tcgetattr(io::stdin()).ok();
    let end = move |exit: vm::Exit| {
        // Somebody may be typing.
        if let Some(settings) = &terminal {
            let now = rustix::termios::OptionalActions::Now;
            let _ = rustix::termios::tcsetattr(io::stdin(), now, settings);
        }
        run::end(&exit)
    };
    let session = Session::new(options, end).map(|mut session| {
        session.set_module_cache(super::module_cache());
        session
    });
    session.map_err(|refusal| match refusal {
        Refusal::Package(text) => {
            eprint!("golite: {text}");
            ExitCode::FAILURE
        }
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
    fn new(
        settings: Settings,
        host: vm::Host,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Repl, ExitCode> {
        let host = Arc::new(host);
        Ok(Repl {
            session: Rc::new(RefCell::new(start(settings, host.clone())?)),
            settings,
            colors: false,
            host,
            typed: Vec::new(),
            interrupted,
            status: ExitCode::SUCCESS,
            is_over: false,
        })
    }

    /// Begins anew.
    fn reset(&mut self) {
        if let Ok(session) = start(self.settings, self.host.clone()) {
            self.session.replace(session);
            self.typed.clear();
        }
    }

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
                self.next()
            }
        }
    }

    /// Runs a text; says whether it was right.
    pub fn unit(&mut self, text: &str) -> bool {
        let submitted = self.session.borrow_mut().submit(text);
        match submitted {
            Ok(warnings) => {
                let session = self.session.borrow();
                report_diagnostics(session.sources(), &warnings, self.settings, None);
                drop(session);
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
                let session = self.session.borrow();
                report_diagnostics(session.sources(), diagnostics, self.settings, limit);
            }
            Refusal::Package(text) => say(text),
            Refusal::Link(error) => say(&format!("golite: {error}\n")),
        }
    }

    /// Waits for what was started.
    fn wait(&mut self) {
        // ORDERING: Relaxed; what was pressed before is of no interest.
        self.interrupted.store(false, Ordering::Relaxed);
        let ending = self.session.borrow_mut().wait(&self.interrupted);
        match ending {
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
            Ending::Abandoned => {
                say("interrupted twice: the session ends\n");
                self.status = ExitCode::from(130);
                self.is_over = true;
            }
        }
    }

    /// Is there more to come?
    fn next(&self) -> Next {
        match self.is_over {
            true => Next::End,
            false => Next::More,
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
