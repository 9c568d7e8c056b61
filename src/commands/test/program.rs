//! The process in which the tests of one package run: `golite test-program ...`, which only [`super`] starts.

use super::super::run::{compiler_options, execute};
use super::{ERROR_LIMIT, SETUP_FAILED, STARTED};
use crate::arguments::{Settings, Style};
use crate::commands::{load_and_check, module_cache, report, report_diagnostics, vet};
use ::vet::Rule;
use checker::Options;
use diagnostics::Code;
use golite::loader::coverage::{Coverage, Mode};
use golite::loader::tests::TestInput;
use golite::loader::{Input, Overlay};
use golite::pipeline;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// The words that have a process test a package; `--` and the program's arguments follow.
pub fn words(
    input: &TestInput,
    has_tests: bool,
    rules: &[Rule],
    settings: &Settings,
    seed: Option<u64>,
) -> Vec<String> {
    let mut words = vec!["test-program".to_owned()];
    let mut say = |name: &str, value: &str| words.extend([name.to_owned(), value.to_owned()]);
    say("folder", &input.folder.display().to_string());
    say("path", input.path.as_deref().unwrap_or_default());
    for file in &input.files {
        say("file", file);
    }
    for root in &input.overlay.roots {
        say("root", &root.display().to_string());
    }
    for path in &input.overlay.replaced {
        say("replaced", path);
    }
    if !has_tests {
        say("check", "only");
    }
    for rule in rules {
        say("vet", rule.name());
    }
    if let Some(coverage) = &input.coverage {
        say("cover", coverage.mode.name());
        say("cover-shown", &coverage.shown);
        for pattern in &coverage.patterns {
            say("cover-pattern", pattern);
        }
        for (path, folder) in &coverage.others {
            say("cover-other", path);
            say("cover-folder", &folder.display().to_string());
        }
    }
    if let Some(file) = settings.profile.cpu {
        say("cpuprofile", file);
    }
    if let Some(file) = settings.memory_profile {
        say("memprofile", file);
    }
    if settings.relaxed {
        say("relaxed", "yes");
    }
    if let Some(seed) = seed {
        say("seed", &seed.to_string());
    }
    if let Some(bytes) = settings.max_heap {
        say("max-heap", &bytes.to_string());
    }
    match settings.format {
        Some(Style::Short) => say("format", "short"),
        Some(Style::Full) => say("format", "full"),
        Some(Style::Json) => say("format", "json"),
        None => {}
    }
    if let Some(color) = settings.color {
        say("color", if color { "always" } else { "never" });
    }
    words
}

/// Runs the tests of the package that the words of [`words`] describe.
pub fn run(words: &[String]) -> ExitCode {
    let mut input = TestInput::default();
    let mut overlay = Overlay::default();
    let mut settings = Settings::default();
    let mut check_only = false;
    let mut rules = Vec::new();
    let started_in = std::env::current_dir().unwrap_or_default();
    let mut here = started_in.clone();
    let mut executable = None;
    let mut again = None;
    let mut coverage = Coverage::default();
    let mut covers = false;
    let mut rest = words;
    while let [name, value, behind @ ..] = rest {
        if name == "--" {
            break;
        }
        rest = behind;
        match name.as_str() {
            "executable" => executable = Some(value.clone()),
            "here" => here = PathBuf::from(value),
            "again" => again = Some(value.clone()),
            "folder" => input.folder = PathBuf::from(value),
            "path" => input.path = Some(value.clone()),
            "file" => input.files.push(value.clone()),
            "root" => overlay.roots.push(PathBuf::from(value)),
            "replaced" => overlay.replaced.push(value.clone()),
            "check" => check_only = true,
            "vet" => rules.extend(Rule::find(value)),
            "cover" => {
                covers = true;
                coverage.mode = Mode::named(value).unwrap_or_default();
            }
            "cover-shown" => coverage.shown.clone_from(value),
            "cover-pattern" => coverage.patterns.push(value.clone()),
            "cover-other" => coverage.others.push((value.clone(), PathBuf::new())),
            "cover-folder" => {
                if let Some((_, folder)) = coverage.others.last_mut() {
                    *folder = PathBuf::from(value);
                }
            }
            "cpuprofile" => settings.profile.cpu = Some(Box::leak(value.as_str().into())),
            "memprofile" => settings.memory_profile = Some(Box::leak(value.as_str().into())),
            "relaxed" => settings.relaxed = true,
            "seed" => settings.seed = value.parse().ok(),
            "max-heap" => settings.max_heap = value.parse().ok(),
            "format" => {
                settings.format = Some(match value.as_str() {
                    "full" => Style::Full,
                    "json" => Style::Json,
                    _ => Style::Short,
                });
            }
            _ => settings.color = Some(value == "always"),
        }
    }
    let arguments = rest.split_first().map_or(rest, |(_, arguments)| arguments);
    input.overlay = overlay;
    let folder = input.folder.clone();
    let name = match (&again, &executable) {
        (Some(name), _) | (None, Some(name)) => name.clone(),
        (None, None) => format!("{}.test", input.path.as_deref().unwrap_or("main")),
    };
    // What the words name is named as seen from there.
    if let Err(error) = std::env::set_current_dir(&here) {
        eprintln!("golite: {}: {error}", here.display());
        return ExitCode::FAILURE;
    }
    if check_only {
        return check(&folder, settings);
    }
    let options = pipeline::program_options();
    let vet_options = Options {
        reachable_bodies: false,
        relaxed: settings.relaxed,
        ..Options::default()
    };
    // Errors, and what is likely a mistake, are looked for in the texts as they are.
    let plain = Input::Tests(input.clone());
    let counted = covers.then(|| {
        input.coverage = Some(coverage);
        Input::Tests(input)
    });
    let load = |input: &Input, options| {
        load_and_check(input, options, settings).map_err(|_| ExitCode::from(SETUP_FAILED))
    };
    let checked = match &counted {
        Some(counted) => match load(counted, options.clone()) {
            Ok(checked) if !checked.diagnostics.has_errors() => Ok(checked),
            _ => load(&plain, options),
        },
        None => load(&plain, options),
    };
    let mut checked = match checked {
        Ok(checked) => checked,
        Err(failed) => return failed,
    };
    let program = pipeline::compile_as(&mut checked, compiler_options(settings)).ok();
    report(&checked, settings, Some(ERROR_LIMIT));
    if program.is_some() && !rules.is_empty() {
        // Rules ask for methods that the program does not name.
        let whole = pipeline::check_whole(&plain, module_cache().as_deref(), &vet_options);
        let found = vet::findings(&whole, &rules);
        if !found.is_empty() {
            report_diagnostics(&whole.sources, &found, settings, None);
            return ExitCode::FAILURE;
        }
    }
    let Some(program) = program else {
        let is_setup = |code| matches!(code, Code::CannotImport | Code::ImportCycle);
        let mut codes = checked.diagnostics.iter().map(|diagnostic| diagnostic.code);
        return match checked.typed.is_none() && codes.all(is_setup) {
            true => ExitCode::from(SETUP_FAILED),
            false => ExitCode::FAILURE,
        };
    };
    // Tests find what lies beside them by runtime.Caller, and they run in another folder than this. The library lies nowhere.
    checked.sources.rename(|name| {
        let path = here.join(name);
        match path.exists() {
            true => path.display().to_string(),
            false => name.to_owned(),
        }
    });
    let runs_in = if again.is_some() { started_in } else { folder };
    if let Err(error) = std::env::set_current_dir(&runs_in) {
        eprintln!("golite: {}: {error}", runs_in.display());
        return ExitCode::FAILURE;
    }
    settings.executable = executable.map(|path| &*path.leak());
    if again.is_some() {
        // The profile is that of the first.
        settings.profile = Default::default();
        settings.memory_profile = None;
        return execute(checked.sources, program, &name, arguments, settings);
    }
    let mut stdout = std::io::stdout().lock();
    if stdout
        .write_all(STARTED)
        .and_then(|()| stdout.flush())
        .is_err()
    {
        return ExitCode::FAILURE;
    }
    drop(stdout);
    execute(checked.sources, program, &name, arguments, settings)
}

/// A package without tests is only looked at.
fn check(folder: &std::path::Path, settings: Settings) -> ExitCode {
    let options = Options {
        reachable_bodies: false,
        is_program: false,
        ..Options::default()
    };
    let input = Input::Folder(folder.display().to_string());
    match load_and_check(&input, options, settings) {
        Ok(checked) => {
            report(&checked, settings, Some(ERROR_LIMIT));
            if checked.diagnostics.has_errors() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            }
        }
        Err(failure) => failure,
    }
}
