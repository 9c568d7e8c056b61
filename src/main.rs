//! The command `golite`.

mod arguments;
mod commands;
mod debug_flags;

use arguments::{Command, UsageError};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    match arguments::parse(&arguments) {
        Ok(Command::Run { words, several }) => commands::run::run(&words, several),
        Ok(Command::Check { files }) => commands::check::check(&files),
        Ok(Command::Disassemble { file }) => commands::disassemble::disassemble(&file),
        Ok(Command::Help(text)) => commands::print(text),
        Ok(Command::Version) => commands::print(concat!(
            "golite ",
            env!("CARGO_PKG_VERSION"),
            " (Go 1.27)\n"
        )),
        Err(UsageError(text)) => {
            eprintln!("golite: {text}");
            ExitCode::from(2)
        }
    }
}
