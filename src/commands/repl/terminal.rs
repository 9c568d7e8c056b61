//! The conversation on a terminal: editing, colours, completion, history, and output of goroutines above the prompt.
//!
//! The program writes to the terminal itself while nobody types. While somebody does, what it writes goes through the editor, which prints
//! it above the line that is being typed.

use super::{Next, Repl, completion, lines, say};
use golite::session::Session;
use lexer::TokenKind;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{ColorMode, CompletionType, Config, Context, Editor, ExternalPrinter, Helper};
use std::borrow::Cow;
use std::cell::RefCell;
use std::io::{self, Write};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

/// The editor of lines.
pub type LineEditor = Editor<Assistant, DefaultHistory>;

const PROMPT: &str = "> ";

/// An editor, and where the program is to write.
///
/// # Errors
/// The terminal cannot be used.
pub fn editor(
    colors: bool,
) -> rustyline::Result<(LineEditor, impl Write + Send + Clone + 'static)> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .auto_add_history(false)
        .color_mode(match colors {
            true => ColorMode::Forced,
            false => ColorMode::Disabled,
        })
        .build();
    let mut editor = LineEditor::with_config(config)?;
    let printer = editor.create_external_printer()?;
    Ok((editor, Output(Arc::new(Mutex::new(printer)))))
}

/// Where the program writes.
struct Output<P>(Arc<Mutex<P>>);

impl<P> Clone for Output<P> {
    fn clone(&self) -> Output<P> {
        Output(self.0.clone())
    }
}

impl<P: ExternalPrinter> Write for Output<P> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut printer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        printer
            .print(String::from_utf8_lossy(bytes).into_owned())
            .map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the editor asks while somebody types.
pub struct Assistant {
    pub session: Rc<RefCell<Session>>,
    pub colors: bool,
}

impl Helper for Assistant {}

impl Hinter for Assistant {
    type Hint = String;
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        place: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        // The session is not at work while somebody types.
        let mut session = self.session.borrow_mut();
        Ok(completion::candidates(&mut session, line, place))
    }
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        let is_forced = text.ends_with('\n') && !text.trim().is_empty();
        Ok(match is_forced || lines::is_complete(text) {
            true => ValidationResult::Valid(None),
            false => ValidationResult::Incomplete,
        })
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        match self.colors {
            true => Cow::Owned(colored(line)),
            false => Cow::Borrowed(line),
        }
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.colors
    }
}

/// The text in colours.
fn colored(text: &str) -> String {
    let lexed = lexer::lex(text);
    let mut pieces: Vec<(usize, usize, &str)> = Vec::new();
    for comment in &lexed.comments {
        pieces.push((comment.start as usize, comment.end as usize, "2"));
    }
    for token in &lexed.tokens {
        let color = match token.kind {
            TokenKind::String | TokenKind::Rune => "32",
            TokenKind::Int | TokenKind::Float | TokenKind::Imaginary => "36",
            kind if kind.is_keyword() => "1;34",
            _ => continue,
        };
        pieces.push((token.start as usize, token.end as usize, color));
    }
    pieces.sort_unstable();
    let mut out = String::with_capacity(text.len() + 16 * pieces.len());
    let mut at = 0;
    for (start, end, color) in pieces {
        if start < at {
            continue;
        }
        out.push_str(&text[at..start]);
        out.push_str(&format!("\x1b[{color}m{}\x1b[0m", &text[start..end]));
        at = end;
    }
    out.push_str(&text[at..]);
    out
}

/// Where lines are kept from one session to the next. XDG Base Directory Specification: what belongs to a user and may be lost.
fn history_file() -> Option<PathBuf> {
    let variable = |name: &str| {
        let value = std::env::var_os(name).map(PathBuf::from);
        value.filter(|path| path.is_absolute())
    };
    let state = variable("XDG_STATE_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("golite/history"))
}

/// A line that was typed while nobody read, if there is one. The terminal has shown it already; it hands out whole lines only.
fn line_typed_ahead() -> Option<String> {
    let input = io::stdin();
    let mut watched = [PollFd::new(&input, PollFlags::IN)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    if !matches!(poll(&mut watched, Some(&now)), Ok(1..)) {
        return None;
    }
    let mut bytes = [0; 4096];
    let count = rustix::io::read(&input, &mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes[..count]).into_owned())
}

impl Repl {
    /// Runs what was typed while something else ran. What is left and not complete; `None` if the session is to end.
    fn typed_ahead(&mut self, editor: &mut LineEditor) -> Option<String> {
        let mut text = String::new();
        while let Some(line) = line_typed_ahead() {
            if line.is_empty() {
                // Ctrl-D.
                return None;
            }
            text.push_str(&line);
            if lines::is_complete(&text) && !text.trim().is_empty() {
                let unit = std::mem::take(&mut text);
                let _ = editor.add_history_entry(unit.trim_end());
                if self.line(&unit) == Next::End {
                    return None;
                }
            }
        }
        Some(text)
    }

    /// Talks until somebody ends it.
    pub(super) fn talk(&mut self, mut editor: LineEditor) {
        editor.set_helper(Some(Assistant {
            session: self.session.clone(),
            colors: self.colors,
        }));
        let history = history_file();
        if let Some(file) = &history {
            // There is none the first time.
            let _ = editor.load_history(file);
        }
        let mut was_interrupted = false;
        while let Some(ahead) = self.typed_ahead(&mut editor) {
            match editor.readline_with_initial(PROMPT, (&ahead, "")) {
                Ok(text) => {
                    was_interrupted = false;
                    if text.trim().is_empty() {
                        continue;
                    }
                    let _ = editor.add_history_entry(text.trim_end());
                    if self.line(&text) == Next::End {
                        break;
                    }
                }
                Err(ReadlineError::Interrupted) if was_interrupted => break,
                Err(ReadlineError::Interrupted) => {
                    was_interrupted = true;
                    say("(Ctrl-C again or Ctrl-D ends the session)\n");
                }
                Err(ReadlineError::Eof) => break,
                Err(error) => {
                    say(&format!("golite: {error}\n"));
                    break;
                }
            }
        }
        if let Some(file) = history {
            let kept = file
                .parent()
                .map_or(Ok(()), std::fs::create_dir_all)
                .map_err(ReadlineError::from)
                .and_then(|()| editor.save_history(&file));
            if let Err(error) = kept {
                say(&format!("golite: {}: {error}\n", file.display()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::colored;

    #[test]
    fn keywords_literals_and_comments_have_colors() {
        assert_eq!(
            colored("for x := 1 { y(\"é\", 'c') } // done"),
            "\x1b[1;34mfor\x1b[0m x := \x1b[36m1\x1b[0m { y(\x1b[32m\"é\"\x1b[0m, \x1b[32m'c'\x1b[0m) } \x1b[2m// done\x1b[0m"
        );
        // What is not complete is shown as far as it goes.
        assert_eq!(
            colored("x := \"open")
                .replace("\x1b[32m", "")
                .replace("\x1b[0m", ""),
            "x := \"open"
        );
    }
}
