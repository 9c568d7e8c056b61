//! `golite run --watch`: a program that is run anew whenever its sources change.
//!
//! 1. The program runs in another golite process, which is given the same words without `--watch`.
//! 2. Meanwhile this one looks at the sources' sizes and times every so often: files of the program's packages, their folders (for files that
//!    are new or gone) and `go.mod`. They are found as the program itself is loaded, and anew for each run.
//! 3. When something is different the process is asked to end, made to end if it does not, and the next one started.
//!
//! Rejected: inotify, which sees only some file systems and whose descriptors must be kept for every folder that editors replace.

use super::run::program;
use super::{module_cache, print};
use golite::loader;
use rustc_hash::FxHashMap;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant, SystemTime};

/// How often is looked.
const PERIOD: Duration = Duration::from_millis(100);

/// How long a program may take to end by itself.
const GRACE: Duration = Duration::from_millis(700);

/// Runs the program that `words` name, again and again. `arguments` are all words of the command line.
pub fn watch(words: &[String], arguments: &[String]) -> ExitCode {
    match words.first().map(String::as_str) {
        None | Some("-") => {
            eprintln!("golite: run: --watch wants a file or a folder");
            return ExitCode::from(2);
        }
        Some(_) => {}
    }
    let mut rest = arguments.to_vec();
    if let Some(at) = rest
        .iter()
        .position(|word| matches!(word.as_str(), "--watch" | "-watch"))
    {
        rest.remove(at);
    }
    loop {
        let before = look(words);
        let child =
            std::env::current_exe().and_then(|golite| Command::new(golite).args(&rest).spawn());
        let mut child = match child {
            Ok(child) => child,
            Err(error) => {
                eprintln!("golite: {error}");
                return ExitCode::FAILURE;
            }
        };
        let changed = wait(&mut child, words, before);
        end(&mut child);
        if io::stderr().is_terminal() && io::stdout().is_terminal() {
            // The screen and what was scrolled away, and to its beginning.
            print("\x1b[2J\x1b[3J\x1b[H");
        }
        eprintln!("golite: {} changed, running again", changed.display());
    }
}

/// What is known of files by looking at them from outside.
type State = FxHashMap<PathBuf, Option<(u64, SystemTime)>>;

/// Waits for a change; gives what has changed. The program may end before.
fn wait(child: &mut Child, words: &[String], before: State) -> PathBuf {
    let mut running = true;
    loop {
        std::thread::sleep(PERIOD);
        if running && let Ok(Some(status)) = child.try_wait() {
            running = false;
            eprintln!("golite: {}, waiting for changes", ended(status));
        }
        let changed = before.iter().find(|(path, state)| stamp(path) != **state);
        if let Some((path, _)) = changed {
            let path = path.clone();
            settle(words);
            return path;
        }
    }
}

/// Editors write in several steps: waits until two looks agree.
fn settle(words: &[String]) {
    let mut last = look(words);
    for _ in 0..10 {
        std::thread::sleep(Duration::from_millis(30));
        let now = look(words);
        if now == last {
            return;
        }
        last = now;
    }
}

fn ended(status: std::process::ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// Asks the program to end, and sees to it that it does.
fn end(child: &mut Child) {
    if !matches!(child.try_wait(), Ok(None)) {
        return;
    }
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::TERM);
    }
    let since = Instant::now();
    while since.elapsed() < GRACE {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// The sources of the program and the folders they lie in.
fn look(words: &[String]) -> State {
    let mut paths: Vec<PathBuf> = vec![PathBuf::from(&words[0])];
    if let Ok((input, _)) = program(words, true) {
        let loaded = loader::load(&input, module_cache().as_deref());
        let named = loaded
            .sources
            .files()
            .map(|(_, file)| PathBuf::from(file.name()));
        paths.extend(named.filter(|path| path.exists()));
    }
    let folders: Vec<PathBuf> = paths
        .iter()
        .filter_map(|path| path.parent())
        .map(|folder| match folder.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => folder.to_owned(),
        })
        .collect();
    for folder in folders {
        let absolute = std::path::absolute(&folder).unwrap_or_else(|_| folder.clone());
        paths.extend(absolute.ancestors().map(|above| above.join("go.mod")));
        paths.push(folder);
    }
    paths
        .into_iter()
        .map(|path| (path.clone(), stamp(&path)))
        .collect()
}

fn stamp(path: &Path) -> Option<(u64, SystemTime)> {
    let data = std::fs::metadata(path).ok()?;
    // Of a folder, which files there are: what else lies in it (a log that the program writes) comes and goes.
    if data.is_dir() {
        let mut names: Vec<_> = std::fs::read_dir(path)
            .ok()?
            .filter_map(|entry| Some(entry.ok()?.file_name()))
            .filter(|name| {
                let extension = Path::new(name).extension();
                extension.is_some_and(|extension| extension == "gl" || extension == "go")
            })
            .collect();
        names.sort();
        let hash = names.iter().fold(0u64, |hash, name| {
            use std::hash::{BuildHasher, BuildHasherDefault};
            let one = BuildHasherDefault::<rustc_hash::FxHasher>::default().hash_one(name);
            hash.rotate_left(5) ^ one
        });
        return Some((hash, SystemTime::UNIX_EPOCH));
    }
    Some((data.len(), data.modified().ok()?))
}
