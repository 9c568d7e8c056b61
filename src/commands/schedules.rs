//! `golite run --schedules K`: one program under many schedules, each in a process of its own, until one fails.

use crate::arguments::Settings;
use std::io::{self, Write};
use std::process::{Command, ExitCode, Stdio};

/// Runs `words` with `count` seeds, from that of the settings on. The first failing run is shown, with the seed that repeats it.
pub fn run(words: &[String], settings: Settings, count: u64) -> ExitCode {
    let first = settings.seed.unwrap_or(1);
    let mut usual: Option<(u64, Vec<u8>)> = None;
    for seed in (first..).take(usize::try_from(count).unwrap_or(usize::MAX)) {
        let ran = match one(words, settings, seed) {
            Ok(ran) => ran,
            Err(error) => {
                eprintln!("golite: run --schedules: {error}");
                return ExitCode::FAILURE;
            }
        };
        let repeat = format!("golite run --seed {seed} {}", words.join(" "));
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

fn one(words: &[String], settings: Settings, seed: u64) -> io::Result<std::process::Output> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("run").arg(format!("--seed={seed}"));
    if settings.relaxed {
        command.arg("--relaxed");
    }
    command.args(words).stdin(Stdio::null()).output()
}
