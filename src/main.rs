//! The command `golite`.

mod allocator;
mod arguments;
mod commands;
mod debug_flags;
mod help;

use arguments::{Command, Request, UsageError};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

/// The exit status when golite is wrong, not the program.
const INTERNAL_ERROR: u8 = 3;

/// A panic of golite's own ends the process at once, whatever thread it is on, and says whose fault it is.
fn end_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        eprintln!(
            "golite: bug: {panic}\nThis is golite's fault, not the program's. RUST_BACKTRACE=1 shows where."
        );
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
            eprintln!("{}", std::backtrace::Backtrace::force_capture());
        }
        std::process::exit(i32::from(INTERNAL_ERROR));
    }));
}

fn main() -> ExitCode {
    end_on_panic();
    if let Some(status) = commands::build::appended() {
        return status;
    }
    if let Some(status) = commands::test::started_again() {
        return status;
    }
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let Request { command, settings } = match arguments::parse(&arguments) {
        Ok(request) => request,
        Err(UsageError(text)) => {
            eprintln!("golite: {text}");
            return ExitCode::from(2);
        }
    };
    match command {
        Command::Run { words, several } => commands::run::run(&words, several, settings),
        Command::Evaluate { code, arguments } => {
            commands::run::evaluate(code, &arguments, settings)
        }
        Command::Build { program, output } => {
            commands::build::build(&program, output.as_deref(), settings)
        }
        Command::Check { programs } => commands::check::check(&programs, settings),
        Command::Format { names, mode } => commands::fmt::fmt(&names, mode, settings),
        Command::Disassemble { program } => commands::disassemble::disassemble(&program, settings),
        Command::ViewTrace { file } => commands::trace::view(&file),
        Command::Profile { words, output } => {
            commands::profile::run(&words, output.as_deref(), settings)
        }
        Command::ViewProfiles { files } => commands::profile::view(&files),
        Command::Explain { code } => commands::explain::explain(code.as_deref()),
        Command::Test { words, benchmarks } => commands::test::test(&words, settings, benchmarks),
        Command::TestProgram { words } => commands::test::run_program(&words),
        Command::Vet { programs, rules } => commands::vet::vet(&programs, &rules, settings),
        Command::Watch { words } => commands::watch::watch(&words, &arguments),
        Command::Completions { shell } => commands::completions::completions(&shell),
        Command::Document { words, mode } => commands::doc::doc(&words, mode),
        Command::Repl => commands::repl::repl(settings),
        Command::Lsp => commands::lsp::lsp(settings.stubs),
        Command::Print(text) => commands::print(&text),
    }
}
