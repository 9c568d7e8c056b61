//! The command `golite`.

mod arguments;
mod commands;
mod debug_flags;

use arguments::{Command, UsageError};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    match arguments::parse(&arguments) {
        Ok(Command::Run { file, arguments }) => commands::run::run(&file, arguments),
        Ok(Command::Check { files }) => commands::check::check(&files),
        Ok(Command::Disassemble { file }) => commands::disassemble::disassemble(&file),
        Ok(Command::Help(text)) => commands::print(text),
        Ok(Command::Version) => commands::print(concat!("golite ", env!("CARGO_PKG_VERSION"), " (Go 1.27)\n")),
        Err(UsageError(text)) => {
            eprintln!("golite: {text}");
            ExitCode::from(2)
        }
    }
}
