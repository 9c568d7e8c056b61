//! `golite run`: a program from text to exit status.

use super::{ERROR_LIMIT, read_and_check, report};
use crate::INTERNAL_ERROR;
use crate::debug_flags::{self, DebugFlags};
use golite::pipeline;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;
use vm::{Host, Vm, VmOptions};

/// Runs the program in `file` with `arguments` behind its own name.
pub fn run(file: &str, arguments: Vec<String>) -> ExitCode {
    let mut checked = match read_and_check(file, &pipeline::program_options()) {
        Ok(checked) => checked,
        Err(failure) => return failure,
    };
    let program = match pipeline::compile(&mut checked) {
        Ok(program) => program,
        Err(_) => {
            report(&checked.sources, &checked.diagnostics, Some(ERROR_LIMIT));
            return ExitCode::FAILURE;
        }
    };
    let mut options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("golite: {error}");
            return ExitCode::from(2);
        }
    };
    options.host = Arc::new(host(file, arguments));
    options.sources = Some(Arc::new(checked.sources));
    let vm = match Vm::new(program, &stdlib::natives(), options) {
        Ok(vm) => vm,
        Err(error) => {
            eprintln!("golite: bug: {error}");
            return ExitCode::from(INTERNAL_ERROR);
        }
    };
    let exit = vm.run();
    let _ = io::stderr().write_all(exit.message.as_bytes());
    // Not `exit_process`: threads in blocking calls must not hold the end up, and there is nothing to clean.
    std::process::exit(exit.status)
}

/// Settings from the environment.
fn options() -> Result<VmOptions, String> {
    let flags = match std::env::var("GOLITEDEBUG") {
        Ok(text) => debug_flags::read(&text)?,
        Err(_) => DebugFlags::default(),
    };
    let mut options = VmOptions {
        processors: std::env::var("GOMAXPROCS")
            .ok()
            .and_then(|text| text.parse().ok())
            .filter(|&count| count > 0),
        collect_always: flags.gcstress,
        poison_freed: flags.gcstress,
        gctrace: flags.gctrace,
        seed: flags.seed,
        virtual_clock: flags.virtualclock,
        ..VmOptions::default()
    };
    if let Some(period) = flags.forcegcperiod {
        options.forced_collection_period = (!period.is_zero()).then_some(period);
    }
    if let Some(period) = flags.schedtrace {
        let sink = Arc::new(|text: &str| {
            let _ = io::stderr().write_all(text.as_bytes());
        });
        options.schedule_trace = Some(runtime::ScheduleTrace {
            period,
            detail: flags.scheddetail,
            sink,
        });
    }
    if let Ok(text) = std::env::var("GOGC") {
        options.growth_percent = match text.as_str() {
            "" => options.growth_percent,
            "off" => None,
            number => Some(
                number
                    .parse()
                    .map_err(|_| format!("GOGC: a percentage or off, not {number:?}"))?,
            ),
        };
    }
    if let Ok(text) = std::env::var("GOMEMLIMIT")
        && !text.is_empty()
        && text != "off"
    {
        options.memory_limit = Some(
            bytes(&text).ok_or_else(|| format!("GOMEMLIMIT: bytes, as 512MiB, not {text:?}"))?,
        );
    }
    Ok(options)
}

/// A number of bytes with Go's suffixes. GO: runtime `parseByteCount`.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let factor = match &text[digits.len()..] {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// The process's own arguments, environment and streams.
fn host(file: &str, arguments: Vec<String>) -> Host {
    let arguments = std::iter::once(file.to_string()).chain(arguments).collect();
    let environment = std::env::vars_os()
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        })
        .collect();
    let stdin: Box<dyn Read + Send> = match duplicate(io::stdin()) {
        Some(file) => Box::new(file),
        None => Box::new(io::empty()),
    };
    Host::new(
        arguments,
        environment,
        stdin,
        output(duplicate(io::stdout())),
        output(duplicate(io::stderr())),
    )
}

/// The stream as a file without buffer: Go writes at once what it is given. `None` if it is closed.
fn duplicate(stream: impl AsFd) -> Option<File> {
    stream.as_fd().try_clone_to_owned().ok().map(File::from)
}

/// What is written to a closed stream goes nowhere, as in Go, whose runtime opens `/dev/null` there.
fn output(file: Option<File>) -> Box<dyn Write + Send> {
    match file {
        Some(file) => Box::new(StandardOutput(file)),
        None => Box::new(io::sink()),
    }
}

/// Standard output or error: a write after the reader went away ends the process by SIGPIPE.
/// GO: os/file_unix.go `epipecheck`.
struct StandardOutput(File);

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.0.write(bytes);
        if result
            .as_ref()
            .is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
        {
            let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGPIPE);
        }
        result
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
