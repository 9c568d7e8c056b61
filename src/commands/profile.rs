//! `golite run --cpuprofile FILE`, `golite profile`: where programs spend their time.

use super::run;
use crate::arguments::Settings;
use golite::profile::{self, Profile};
use std::io;
use std::path::Path;
use std::process::ExitCode;
use vm::Machine;

/// How many functions are listed when a profile is made.
const LISTED: usize = 10;

/// What is to be written when the program ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Where the CPU profile goes. The command line lives as long as the process.
    pub cpu: Option<&'static str>,
    /// Is a page to be made as well, and the functions with the most time to be listed?
    pub page: bool,
}

impl Wanted {
    /// Writes what is wanted; what cannot be written is said on standard error.
    pub fn write(self, machine: &Machine) {
        if let Some(file) = self.cpu
            && let Some(taken) = machine.stop_cpu_profile()
        {
            self.keep(file, &stdlib::runtime::pprof::cpu::encode(machine, &taken));
        }
    }

    /// Writes a profile, and what else is wanted of it.
    pub fn keep(self, file: &str, bytes: &[u8]) {
        let written = std::fs::write(file, bytes).and_then(|()| match self.page {
            true => make_page(file, bytes).map(Some),
            false => Ok(None),
        });
        match written {
            Ok(None) => {}
            Ok(Some((page, profile))) => {
                let value = profile.main_value();
                let kind = profile.types.get(value).map_or("", |(name, _)| name);
                eprintln!("\n{kind}: {file}, {page}");
                if profile.samples.is_empty() {
                    eprintln!("nothing was met: the program was too short, or too small");
                } else {
                    eprint!("{}", profile.top(value, LISTED));
                }
            }
            Err(error) => eprintln!("golite: {file}: {error}"),
        }
    }
}

/// Runs a program as `golite run` does, and makes a profile and its page.
pub fn run(words: &[String], output: Option<&str>, mut settings: Settings) -> ExitCode {
    let Some(program) = words.first() else {
        return ExitCode::from(run::REFUSED);
    };
    let stem = match output {
        Some(stem) => stem.to_owned(),
        None => {
            let path = Path::new(program).canonicalize().ok();
            let name = path.as_deref().and_then(Path::file_stem);
            name.map_or_else(|| "program".into(), |name| name.to_string_lossy())
                .into_owned()
        }
    };
    let file = |kind: &str| &*Box::leak(format!("{stem}.{kind}.pprof").into_boxed_str());
    settings.profile = Wanted {
        cpu: Some(file("cpu")),
        page: true,
    };
    settings.memory_profile = Some(file("mem"));
    run::run(words, true, settings)
}

/// Makes `FILE.html` of each profile.
pub fn view(files: &[String]) -> ExitCode {
    let mut status = ExitCode::SUCCESS;
    for file in files {
        match std::fs::read(file).and_then(|bytes| make_page(file, &bytes)) {
            Ok((page, _)) => {
                super::print(&format!("{page}\n"));
            }
            Err(error) => {
                eprintln!("golite: profile: {file}: {error}");
                status = ExitCode::FAILURE;
            }
        }
    }
    status
}

/// Writes `FILE.html`; returns its name and what was read.
fn make_page(file: &str, bytes: &[u8]) -> io::Result<(String, Profile)> {
    let none = || io::Error::other("no profile in the format of pprof");
    let profile = profile::read(bytes).ok_or_else(none)?;
    let page = profile::page(&profile, file).ok_or_else(none)?;
    let target = format!("{file}.html");
    std::fs::write(&target, page)?;
    Ok((target, profile))
}
