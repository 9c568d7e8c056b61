//! `text-order`: writes `text_order.ld`, which has the linker put the functions side by side that run together.
//!
//! The system brings the pages of an executable into memory sixteen at a time, and counts them as the process's. Of golite's seven megabytes of code a
//! program needs some hundred kilobytes, which the compiler leaves where their crates are: so a program that prints one line had half of the
//! code in memory. Here the functions that typical programs call while they run come first, then those that start a program which was
//! compiled before, then those that compile one.
//!
//! The order is taken from runs under callgrind, of a release build with symbols:
//!
//! ```console
//! $ CARGO_PROFILE_RELEASE_STRIP=none cargo build --release --target-dir target/symbols
//! $ cargo xtask text-order target/symbols/release/golite
//! ```
//!
//! Names lose what changes from build to build. An order that does not fit the code any more costs memory, nothing else.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
    fs, io,
    path::Path,
    process::{Command, Stdio},
    sync::LazyLock,
};

use regex::Regex;

const SCRIPT: &str = "text_order.ld";

/// Programs that do what most do.
const PROGRAMS: [&str; 3] = ["hello", "values", "memory"];

/// Called once, when a program is about to run.
const PROGRAM_STARTS: &str = "*release_code_later*";

/// Instructions executed in each function, by its symbol.
type Costs = HashMap<String, u64>;

fn output(command: &mut Command) -> io::Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| io::Error::other(format!("{command:?}: {error}")))?;
    if !output.status.success() {
        return Err(io::Error::other(format!(
            "{command:?}: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Sizes of the functions of an executable, by their symbols.
fn functions_of(golite: &Path) -> io::Result<HashMap<String, u64>> {
    let symbols = output(
        Command::new("nm")
            .args(["-S", "--defined-only"])
            .arg(golite),
    )?;
    let functions: HashMap<String, u64> = symbols
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            let size = u64::from_str_radix(words.next()?, 16).ok()?;
            let is_text = matches!(words.next()?, "t" | "T" | "w" | "W");
            Some((words.next()?.to_owned(), size)).filter(|_| is_text)
        })
        .collect();
    if functions.is_empty() {
        return Err(io::Error::other(format!(
            "{} has no symbols",
            golite.display()
        )));
    }
    Ok(functions)
}

/// What a run of a program executes. With `from`, only what comes after that function has begun.
fn costs_of(golite: &Path, program: &Path, cache: &Path, from: Option<&str>) -> io::Result<Costs> {
    let counts = cache.with_extension("callgrind");
    let mut command = Command::new("valgrind");
    command
        .args([
            "-q",
            "--tool=callgrind",
            "--demangle=no",
            "--compress-strings=no",
            "--compress-pos=no",
        ])
        .arg(format!("--callgrind-out-file={}", counts.display()))
        .args(from.map(|function| format!("--zero-before={function}")))
        .arg(golite)
        .arg("run")
        .arg(program)
        .env("GOLITE_CACHE", cache);
    output(&mut command)?;
    let text = fs::read_to_string(&counts)?;
    let (mut costs, mut function, mut is_call) = (Costs::new(), "", false);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            // A function that calls itself has its depth behind its name.
            function = name.split('\'').next().unwrap_or(name);
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if line.starts_with(|c: char| c.is_ascii_digit()) && !std::mem::take(&mut is_call) {
            let cost = line
                .split(' ')
                .nth(1)
                .and_then(|cost| cost.parse::<u64>().ok());
            *costs.entry(function.to_owned()).or_default() += cost.unwrap_or(0);
        }
    }
    costs.retain(|_, cost| *cost > 0);
    Ok(costs)
}

/// A symbol with stars for what another build may call otherwise: hashes of crates and of instances.
fn pattern(symbol: &str) -> String {
    static INSTANCE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"17h[0-9a-f]{16}E(\.llvm\.\d+)?$").expect("a valid pattern"));
    static CRATE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"Cs[0-9A-Za-z]+_").expect("a valid pattern"));
    if symbol.starts_with("_ZN") {
        INSTANCE.replace(symbol, "17h*E").into_owned()
    } else if symbol.starts_with("_R") {
        CRATE.replace_all(symbol, "Cs*_").into_owned()
    } else {
        symbol.to_owned()
    }
}

/// The patterns in their order.
fn order(functions: &HashMap<String, u64>, phases: &[Vec<Costs>]) -> Vec<String> {
    // A pattern stands for all instances of a generic function. Where few of them are executed it would bring more than it keeps together.
    const FEW: u64 = 4096;
    let (mut all, mut executed) = (
        BTreeMap::<String, u64>::new(),
        BTreeMap::<String, u64>::new(),
    );
    for (symbol, size) in functions {
        *all.entry(pattern(symbol)).or_default() += size;
        if phases
            .iter()
            .flatten()
            .any(|costs| costs.contains_key(symbol))
        {
            *executed.entry(pattern(symbol)).or_default() += size;
        }
    }
    let is_worth_it = |pattern: &String| all[pattern] < FEW || executed[pattern] * 4 > all[pattern];
    let (mut order, mut taken) = (Vec::new(), BTreeSet::new());
    for runs in phases {
        // First what most programs need; the order among those is only to be the same in each build.
        let mut needed = BTreeMap::<String, usize>::new();
        for costs in runs {
            let names: BTreeSet<String> = costs
                .keys()
                .filter(|symbol| functions.contains_key(*symbol))
                .map(|symbol| pattern(symbol))
                .collect();
            for name in names {
                *needed.entry(name).or_default() += 1;
            }
        }
        let mut needed: Vec<(usize, String)> = needed
            .into_iter()
            .map(|(name, programs)| (runs.len() - programs, name))
            .collect();
        needed.sort();
        for (_, name) in needed {
            if is_worth_it(&name) && taken.insert(name.clone()) {
                order.push(name);
            }
        }
    }
    order
}

/// Writes the script for a release build of the command that has its symbols.
///
/// # Errors
/// If it has none, or valgrind or nm are not there.
pub fn write(golite: &Path) -> io::Result<()> {
    let functions = functions_of(golite)?;
    let folder = std::env::temp_dir().join(format!("golite-text-order-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let (mut running, mut starting, mut compiling) = (Vec::new(), Vec::new(), Vec::new());
    for program in PROGRAMS {
        let source = format!("xtask/src/text_order/{program}.gl");
        let cache = folder.join(program);
        let run = |from| costs_of(golite, source.as_ref(), &cache, from);
        // The first run compiles the program and keeps it, the second starts what was kept.
        compiling.push(run(None)?);
        starting.push(run(None)?);
        running.push(run(Some(PROGRAM_STARTS))?);
    }
    let mut script = String::from(
        "/* Functions that run together side by side: fewer pages are in memory. Written by `cargo xtask text-order`, see xtask/src/text_order.rs. */\n\
         SECTIONS\n{\n  .text.first :\n  {\n",
    );
    for name in order(&functions, &[running, starting, compiling]) {
        let _ = writeln!(script, "    *(.text.{name})");
    }
    script.push_str("  }\n}\nINSERT BEFORE .text;\n");
    fs::write(SCRIPT, script)?;
    fs::remove_dir_all(&folder)
}
