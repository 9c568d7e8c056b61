//! `golite run --schedules K`: one program under many schedules, each in a process of its own, until one fails.

use crate::arguments::Settings;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{Command, ExitCode, Stdio};

/// Runs `words` with `count` seeds, from that of the settings on. The first failing run is shown, with the seed that repeats it.
pub fn run(words: &[String], settings: Settings, count: u64) -> ExitCode {
    if words.first().is_some_and(|word| word == "-") {
        eprintln!("golite: run --schedules: wants a file: standard input can be read once only");
        return ExitCode::from(super::run::REFUSED);
    }
    let first = settings.seed.unwrap_or(1);
    let given: Vec<OsString> = std::env::args_os().skip(1).collect();
    let flags = flags_of(&given, words.len());
    let mut usual: Option<(u64, Vec<u8>)> = None;
    for seed in (first..).take(usize::try_from(count).unwrap_or(usize::MAX)) {
        let ran = match one(words, &flags, seed) {
            Ok(ran) => ran,
            Err(error) => {
                eprintln!("golite: run --schedules: {error}");
                return ExitCode::FAILURE;
            }
        };
        let of_all: String = flags
            .iter()
            .map(|flag| format!("{} ", flag.to_string_lossy()))
            .collect();
        let repeat = format!("golite {of_all}--seed {seed} {}", words.join(" "));
        if !ran.status.success() {
            // What cannot be shown is no reason to hide the seed.
            let _ = io::stdout().write_all(&ran.stdout);
            let _ = io::stderr().write_all(&ran.stderr);
            eprintln!("golite: seed {seed} fails ({}): {repeat}", ran.status);
            let status = ran.status.code().and_then(|code| u8::try_from(code).ok());
            return ExitCode::from(status.unwrap_or(1));
        }
        match &usual {
            None => usual = Some((seed, ran.stdout)),
            Some((other, output)) if *output != ran.stdout => {
                eprintln!("golite: seed {seed} prints something else than seed {other}: {repeat}");
                return ExitCode::FAILURE;
            }
            Some(_) => {}
        }
    }
    if let Some((_, output)) = usual {
        let _ = io::stdout().write_all(&output);
    }
    eprintln!("golite: {count} schedules, all alike");
    ExitCode::SUCCESS
}

/// What the command line says before the program, for one of its runs: which schedule that has, it is told otherwise.
fn flags_of(given: &[OsString], words: usize) -> Vec<&OsString> {
    let mut given = &given[..given.len().saturating_sub(words)];
    // There is one more flag to come.
    given = given.strip_suffix(&["--".into()][..]).unwrap_or(given);
    let mut flags = Vec::new();
    let mut rest = given.iter();
    while let Some(flag) = rest.next() {
        let text = flag.to_string_lossy();
        let name = text.trim_start_matches('-');
        match name.split_once('=').map_or(name, |(name, _)| name) {
            "schedules" | "seed" => {
                if !text.contains('=') {
                    rest.next();
                }
            }
            _ => flags.push(flag),
        }
    }
    flags
}

fn one(words: &[String], flags: &[&OsString], seed: u64) -> io::Result<std::process::Output> {
    Command::new(std::env::current_exe()?)
        .args(flags)
        .arg(format!("--seed={seed}"))
        .args(words)
        .stdin(Stdio::null())
        .output()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_the_flags_of_its_command_line() {
        let flags = |line: &str, words| -> String {
            let given: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let flags = flags_of(&given, words);
            flags
                .iter()
                .map(|flag| format!("{} ", flag.to_string_lossy()))
                .collect()
        };
        let line =
            "run --sandbox --schedules 9 --max-heap 2M --seed=4 --allow-read=x a.gl --seed 3";
        assert_eq!(
            flags(line, 3),
            "run --sandbox --max-heap 2M --allow-read=x "
        );
        assert_eq!(flags("--schedules=9 --relaxed a.gl", 1), "--relaxed ");
        assert_eq!(flags("run --schedules=9 -- a.gl", 1), "run ");
    }
}
