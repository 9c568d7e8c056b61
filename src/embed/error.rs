//! What can go wrong, as values.

use std::fmt;
use std::sync::Arc;

use diagnostics::{Diagnostics, SourceMap, render};

/// Why a program was not compiled, a VM not made, or a call has no results.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The text is no program.
    Compile(CompileError),
    /// A host function cannot be what its declaration says, or another mistake of the host in what it offers.
    Host(String),
    /// There is no such function in the program's first package, or it is generic.
    NoFunction(String),
    /// The function is of another type than the Rust types stand for.
    Signature {
        /// The function's name.
        name: String,
        /// Its type.
        go: String,
        /// The type that the Rust types stand for.
        rust: String,
    },
    /// The call panicked, and nobody recovered.
    Panic(Panic),
    /// A value could not be converted: a string that is not UTF-8, say.
    Conversion(String),
    /// A limit was reached: the VM has ended.
    Limit {
        /// Which.
        limit: Limit,
        /// What Go would print, and the goroutines' traces.
        traces: String,
    },
    /// The call has taken longer than [`crate::Func::call_within`] allows, and was ended; the VM goes on.
    TimedOut {
        /// The trace of its goroutine.
        trace: String,
    },
    /// [`crate::Vm::interrupt`] has ended the VM.
    Interrupted {
        /// The goroutines' traces.
        traces: String,
    },
    /// The script called `os.Exit` with this status: the VM has ended.
    Exited(i32),
    /// The call can never return, since every goroutine waits for another: the VM has ended.
    Deadlock {
        /// Go's message.
        message: String,
        /// The goroutines' traces.
        traces: String,
    },
    /// A goroutine of the script's own panicked and nobody recovered, or there was a fatal error: the VM has ended.
    Fatal {
        /// Go's message, with traces.
        message: String,
    },
    /// The call's goroutine ended by `runtime.Goexit`.
    Goexit,
    /// The VM was closed.
    Closed,
    /// A host function that runs where it is called has called its own VM.
    Reentrant,
}

/// A panic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Panic {
    /// What Go prints of it: `panic: ...`.
    pub message: String,
    /// The goroutine's trace.
    pub trace: String,
}

/// A limit that a VM has reached.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Limit {
    /// Wall-clock time.
    Deadline,
    /// Memory of any kind.
    Memory,
    /// The depth of a goroutine's stack.
    Stack,
    /// The number of goroutines.
    Goroutines,
    /// Steps: calls and rounds of loops.
    Fuel,
    /// Bytes written to standard output and error.
    Output,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Limit::Deadline => "deadline exceeded",
            Limit::Memory => "out of memory",
            Limit::Stack => "stack overflow",
            Limit::Goroutines => "too many goroutines",
            Limit::Fuel => "out of fuel",
            Limit::Output => "too much output",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Compile(error) => error.fmt(f),
            Error::Host(text) => f.write_str(text),
            Error::NoFunction(name) => write!(f, "the program has no function {name}"),
            Error::Signature { name, go, rust } => {
                write!(
                    f,
                    "the function {name} is {go}, the Rust types stand for {rust}"
                )
            }
            Error::Panic(panic) => f.write_str(&panic.message),
            Error::Conversion(text) => f.write_str(text),
            Error::Limit { limit, .. } => limit.fmt(f),
            Error::TimedOut { .. } => f.write_str("the call has taken too long"),
            Error::Interrupted { .. } => f.write_str("interrupted"),
            Error::Exited(status) => write!(f, "exit status {status}"),
            Error::Deadlock { message, .. } => f.write_str(message),
            Error::Fatal { message } => f.write_str(message.lines().next().unwrap_or_default()),
            Error::Goexit => f.write_str("the function called runtime.Goexit"),
            Error::Closed => f.write_str("the VM was closed"),
            Error::Reentrant => {
                f.write_str("a host function that is not blocking cannot call its own VM")
            }
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// The traces of goroutines that came with the error; empty if there are none.
    pub fn traces(&self) -> &str {
        match self {
            Error::Panic(panic) => &panic.trace,
            Error::TimedOut { trace } => trace,
            Error::Limit { traces, .. }
            | Error::Interrupted { traces }
            | Error::Deadlock { traces, .. } => traces,
            Error::Fatal { message } => message,
            _ => "",
        }
    }

    /// The limit that was reached, if that is what it says.
    pub fn limit(&self) -> Option<Limit> {
        match self {
            Error::Limit { limit, .. } => Some(*limit),
            _ => None,
        }
    }
}

/// What is wrong with a program's text.
#[derive(Clone)]
pub struct CompileError {
    shared: Arc<Shared>,
}

struct Shared {
    sources: SourceMap,
    diagnostics: Diagnostics,
    failures: Vec<String>,
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The file's name.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1, in bytes.
    pub column: u32,
    /// The code, as `golite explain` takes it.
    pub code: String,
    /// In Go's words.
    pub message: String,
    /// A warning does not keep a program from running.
    pub is_warning: bool,
}

impl CompileError {
    pub(super) fn new(
        sources: SourceMap,
        diagnostics: Diagnostics,
        failures: Vec<String>,
    ) -> CompileError {
        CompileError {
            shared: Arc::new(Shared {
                sources,
                diagnostics,
                failures,
            }),
        }
    }

    /// All that is wrong, in the order of the text.
    pub fn problems(&self) -> Vec<Problem> {
        let sources = &self.shared.sources;
        let problems = self.shared.diagnostics.iter().map(|diagnostic| {
            let file = sources.file(diagnostic.range.file);
            let place = file.line_column(diagnostic.range.start);
            Problem {
                file: file.name().to_owned(),
                line: place.line,
                column: place.column,
                code: diagnostic.code.to_string(),
                message: diagnostic.message.clone(),
                is_warning: diagnostic.is_warning,
            }
        });
        let failures = self.shared.failures.iter().map(|failure| Problem {
            file: String::new(),
            line: 0,
            column: 0,
            code: String::new(),
            message: failure.clone(),
            is_warning: false,
        });
        problems.chain(failures).collect()
    }

    /// With excerpts of the text; `color`: for a terminal.
    pub fn excerpts(&self, color: bool) -> String {
        self.lines(|sources, diagnostic| render::excerpt(sources, diagnostic, color))
    }

    /// A JSON object a line.
    pub fn json(&self) -> String {
        self.lines(render::json)
    }

    fn lines(&self, one: impl Fn(&SourceMap, &diagnostics::Diagnostic) -> String) -> String {
        let shared = &self.shared;
        let all = shared.diagnostics.iter().map(|d| one(&shared.sources, d));
        all.chain(shared.failures.iter().cloned())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines(render::one_line))
    }
}

impl fmt::Debug for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CompileError")
            .field(&self.to_string())
            .finish()
    }
}

impl std::error::Error for CompileError {}

impl From<CompileError> for Error {
    fn from(error: CompileError) -> Error {
        Error::Compile(error)
    }
}
