//! `golite run`: a program from text to exit status.

use super::{ERROR_LIMIT, cache, input_of, load_and_check, module_cache, or_failure};
use super::{report, schedules, trace};
use crate::INTERNAL_ERROR;
use crate::allocator;
use crate::arguments::{Sandbox, Settings, Style};
use crate::debug_flags::{self, DebugFlags};
use bytecode::Program;
use checker::Options;
use diagnostics::SourceMap;
use golite::loader::{self, Input, Sources};
use golite::pipeline::{self, Checked};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use stdlib::runtime::pprof::heap_profile;
use vm::{
    Capabilities, Exit, Files, Folder, Host, Network, Peers, Quitter, Stress, TracebackLevel, Vm,
    VmOptions,
};

/// The exit status when a program is not started: what it is made of, or what it is told, makes no sense.
pub const REFUSED: u8 = 2;

/// Runs the program that the first of `words` names, or several of them; the rest are its arguments.
pub fn run(words: &[String], several: bool, settings: Settings) -> ExitCode {
    if words.is_empty() {
        // Nothing was asked for: a program may come from standard input.
        return match io::stdin().is_terminal() {
            true => super::repl::repl(settings),
            false => run(&["-".to_owned()], several, settings),
        };
    }
    if let Some(count) = settings.schedules {
        return schedules::run(words, settings, count);
    }
    let (input, arguments) = match program(words, several) {
        Ok(found) => found,
        Err(error) => {
            eprintln!("golite: {error}");
            return ExitCode::FAILURE;
        }
    };
    start(&input, &words[0], arguments, settings)
}

/// Runs a text given on the command line.
pub fn evaluate(code: String, arguments: &[String], settings: Settings) -> ExitCode {
    let name = "-e".to_owned();
    let text = code.into_bytes();
    start(&Input::Text { name, text }, "-e", arguments, settings)
}

/// Checks, compiles and runs; or runs what was compiled before.
fn start(input: &Input, name: &str, arguments: &[String], settings: Settings) -> ExitCode {
    if settings.stubs.is_some() {
        let options = pipeline::program_options();
        let checked = load_and_check(input, options, settings);
        return match checked.and_then(|checked| build(checked, settings)) {
            Ok((checked, program)) => execute(checked.sources, program, name, arguments, settings),
            Err(failure) => failure,
        };
    }
    let module_cache = module_cache();
    let sources = Sources {
        module_cache: module_cache.as_deref(),
        ..Sources::default()
    };
    let loaded = loader::load_from(input, sources);
    let place = cache::place(&loaded, compiler_options(settings));
    if let Some((program, sources)) = place.as_ref().and_then(cache::Place::read) {
        return execute(sources, program, name, arguments, settings);
    }
    let options = Options {
        relaxed: settings.relaxed,
        ..pipeline::program_options()
    };
    let checked = or_failure(pipeline::check_loaded(loaded, input, sources, &options));
    let (checked, program) = match checked.and_then(|checked| build(checked, settings)) {
        Ok(built) => built,
        Err(failure) => return failure,
    };
    if let Some(place) = place.filter(|_| checked.diagnostics.is_empty()) {
        place.keep(&program, &checked.sources);
    }
    execute(checked.sources, program, name, arguments, settings)
}

/// What the compiler is told: a program that runs with a seed gets scheduling points.
pub fn compiler_options(settings: Settings) -> compiler::Options {
    let flags = std::env::var("GOLITEDEBUG").ok();
    let flags = flags.and_then(|text| debug_flags::read(&text).ok());
    compiler::Options {
        scheduling_points: settings.seed.is_some()
            || flags.is_some_and(|flags| flags.seed.is_some()),
        ..compiler::Options::default()
    }
}

/// Compiles; what is wrong is said on standard error.
fn build(mut checked: Checked, settings: Settings) -> Result<(Checked, Program), ExitCode> {
    let program = pipeline::compile_as(&mut checked, compiler_options(settings)).ok();
    report(&checked, settings, Some(ERROR_LIMIT));
    program
        .map(|program| (checked, program))
        .ok_or(ExitCode::FAILURE)
}

/// Runs a program to its end, and the process's.
pub fn execute(
    sources: SourceMap,
    program: Program,
    name: &str,
    arguments: &[String],
    settings: Settings,
) -> ExitCode {
    let mut options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("golite: {error}");
            return ExitCode::from(2);
        }
    };
    options.traceback = TracebackLevel::named(&std::env::var("GOTRACEBACK").unwrap_or_default());
    options.max_memory = settings.max_heap;
    options.native_memory = Some(allocator::in_large_blocks);
    options.release_native = Some(allocator::release);
    if let Some(seed) = settings.seed {
        options.seed = Some(seed);
        options.processors = Some(1);
        options.virtual_clock = true;
    }
    options.cpu_profile = settings.profile.cpu.is_some();
    options.find_leaks = settings.leaks;
    options.trace = settings.trace.map(|_| Arc::default());
    let recorded = options.trace.clone();
    options.sample_allocations = settings.memory_profile.is_some();
    let mut host = host(name, arguments.to_vec());
    host.executable = settings.executable.map(str::to_owned);
    if let Some(sandbox) = settings.sandbox {
        if !sandbox.env {
            host.environment.clear();
        }
        match capabilities(sandbox) {
            Ok(capabilities) => host = host.with_capabilities(capabilities),
            Err(error) => {
                eprintln!("golite: {error}");
                return ExitCode::from(2);
            }
        }
    }
    host.descriptor_limit = raise_descriptor_limit();
    options.host = Arc::new(host);
    let sources = Arc::new(sources);
    options.sources = Some(sources.clone());
    let mut vm = match Vm::new(program, &stdlib::natives(), options) {
        Ok(vm) => vm,
        Err(error) => {
            eprintln!("golite: bug: {error}");
            return ExitCode::from(INTERNAL_ERROR);
        }
    };
    // From here on a signal waits until there is somebody to ask for the goroutines.
    if let Ok(signals) = signal_hook::iterator::Signals::new([signal_hook::consts::SIGQUIT]) {
        vm.on_start(|quitter| quit_on_signal(signals, quitter));
    }
    let account = settings
        .max_heap
        .map(|_| vm.machine().heap().account().clone());
    allocator::program_starts(account);
    let wanted = settings.profile;
    if settings.trace.is_some() || settings.memory_profile.is_some() || wanted.cpu.is_some() {
        let machine = vm.machine().clone();
        let exit = vm.run();
        wanted.write(&machine);
        if let Some(file) = settings.memory_profile {
            wanted.keep(file, &heap_profile(&machine, ""));
        }
        let exit = shown(exit, &sources, settings);
        if let (Some(file), Some(recorded)) = (settings.trace, recorded)
            && let Err(error) = trace::write(file, &recorded.take())
        {
            eprintln!("golite: {file}: {error}");
        }
        end(&exit)
    }
    // The compiler's work is done.
    vm::release_code_later(allocator::release);
    vm.run_process(move |exit| end(&shown(exit, &sources, settings)))
}

/// The end of a program; on a terminal with the line of its source where it failed, behind what Go prints.
fn shown(mut exit: Exit, sources: &SourceMap, settings: Settings) -> Exit {
    let terminal = || match settings.format {
        Some(style) => style == Style::Full,
        None => io::stderr().is_terminal(),
    };
    if !exit.message.is_empty()
        && terminal()
        && let Some(line) = failing_line(&exit.message, sources)
    {
        exit.message.push_str(&line);
    }
    exit
}

/// The line of the program's own that the first trace of a message leads to, as a diagnostic shows lines.
fn failing_line(message: &str, sources: &SourceMap) -> Option<String> {
    let trace = message.split("\ngoroutine ").nth(1)?;
    let trace = trace.split("\n\n").next()?;
    let mut places = trace.lines().filter_map(|line| {
        let (file, rest) = line.strip_prefix('\t')?.rsplit_once(':')?;
        let number: usize = rest.split(' ').next()?.parse().ok()?;
        Some((file, number))
    });
    // Standard packages have their sources in golite itself.
    let is_own = |file: &str| file == "-e" || file == "-" || Path::new(file).is_file();
    let (file, number) = places.find(|(file, _)| is_own(file))?;
    let (_, found) = sources.files().find(|(_, source)| source.name() == file)?;
    let line = found.text().lines().nth(number.checked_sub(1)?)?;
    let margin = " ".repeat(number.to_string().len());
    let line = line.replace('\t', "    ");
    Some(format!(
        "\n{margin}--> {file}:{number}\n{margin} |\n{number} | {}\n{margin} |\n",
        line.trim_end()
    ))
}

/// What a program in a sandbox may reach.
fn capabilities(sandbox: &Sandbox) -> Result<Capabilities, String> {
    let folders = |names: &[String], writable: bool| -> Result<Vec<Folder>, String> {
        let folder = |name: &String| match Path::new(name).canonicalize() {
            Ok(path) => Ok(Folder { path, writable }),
            Err(error) => Err(format!("{name}: {error}")),
        };
        names.iter().map(folder).collect()
    };
    let mut files = folders(&sandbox.read, false)?;
    files.extend(folders(&sandbox.write, true)?);
    Ok(Capabilities {
        files: Files::Below(files),
        network: Network::Only(Peers::new(sandbox.net.clone())),
        processes: sandbox.run,
        system: false,
    })
}

/// Lets the program have as many open files as the system allows: the lower limit is there for programs that use `select`. Answers that limit, which
/// the processes are to have that it starts; `None`: it was not lower. GO: os/rlimit.go
fn raise_descriptor_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return None;
    }
    // If it is refused the lower limit stays.
    let raised = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    );
    raised.ok().and(current)
}

/// Waits for `SIGQUIT`, which ends the program with a look at its goroutines. Where no signal or thread is to be had, `SIGQUIT` does what it
/// does by default.
fn quit_on_signal(mut signals: signal_hook::iterator::Signals, quitter: Quitter) {
    let waiting = std::thread::Builder::new()
        .name("golite-signals".to_owned())
        .stack_size(256 << 10)
        .spawn(move || {
            if signals.forever().next().is_some() {
                quitter.quit("SIGQUIT: quit");
            }
        });
    if waiting.is_err() {
        let default = signal_hook::flag::register_conditional_default;
        let _ = default(signal_hook::consts::SIGQUIT, Arc::new(true.into()));
    }
}

/// Ends the process at once: there is nothing to flush, and other threads need not be waited for.
pub fn end(exit: &Exit) -> ! {
    let _ = io::stderr().write_all(exit.message.as_bytes());
    if exit.crashes {
        let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGABRT);
    }
    signal_hook::low_level::exit(exit.status)
}

/// Tells the program from its arguments: a folder, `-` for standard input, a file, or, with `several`, all files with
/// extension `.gl` or `.go` that follow, as `go run` does; but a script is always one file. `--` ends the files.
pub fn program(words: &[String], several: bool) -> io::Result<(Input, &[String])> {
    let (first, rest) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let input = input_of(first)?;
    if !several || !matches!(input, Input::Files(_)) {
        return Ok((input, rest));
    }
    let is_file = |word: &&String| {
        let extension = Path::new(word).extension();
        extension.is_some_and(|extension| extension == "gl" || extension == "go")
    };
    let more = rest.iter().take_while(is_file).count();
    // What is no regular file can be read only once, and stands alone.
    let is_alone = || {
        !Path::new(first).is_file()
            || std::fs::read_to_string(first).is_ok_and(|text| parser::is_script(&text))
    };
    if more == 0 || is_alone() {
        return Ok((input, rest));
    }
    let rest = match rest[more..].split_first() {
        Some((end, arguments)) if end == "--" => arguments,
        _ => &rest[more..],
    };
    Ok((Input::Files(words[..=more].to_vec()), rest))
}

/// Settings from the environment.
pub fn options() -> Result<VmOptions, String> {
    let flags = match std::env::var("GOLITEDEBUG") {
        Ok(text) => debug_flags::read(&text)?,
        Err(_) => DebugFlags::default(),
    };
    let mut options = VmOptions {
        processors: std::env::var("GOMAXPROCS")
            .ok()
            .and_then(|text| text.parse().ok())
            .filter(|&count| count > 0),
        stress: flags.gcstress,
        poison_freed: flags.gcstress != Stress::None,
        verify_marks: flags.gcverify,
        stops_to_mark: flags.stopmark,
        gctrace: flags.gctrace,
        release_always: flags.scavenge,
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
    let stdin: Box<dyn Read + Send> = match duplicate(io::stdin()) {
        Some(file) => Box::new(file),
        None => Box::new(io::empty()),
    };
    host_with(file, arguments, stdin)
}

/// As [`host`], with another standard input.
pub fn host_with(file: &str, arguments: Vec<String>, stdin: Box<dyn Read + Send>) -> Host {
    let stdout = output(duplicate(io::stdout()));
    let stderr = output(duplicate(io::stderr()));
    host_of(file, arguments, stdin, stdout, stderr)
}

/// The process's arguments and environment, with other streams.
pub fn host_of(
    file: &str,
    arguments: Vec<String>,
    stdin: Box<dyn Read + Send>,
    stdout: Box<dyn Write + Send>,
    stderr: Box<dyn Write + Send>,
) -> Host {
    let arguments = std::iter::once(file.to_string()).chain(arguments).collect();
    let environment = std::env::vars_os()
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        })
        .collect();
    Host::new(arguments, environment, stdin, stdout, stderr)
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
