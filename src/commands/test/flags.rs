//! The words behind `golite test`: flags of `go test`, which may stand before and behind the packages, and golite's own.

use crate::arguments::{Settings, UsageError, size};
use golite::loader::coverage::Mode;
use std::path::PathBuf;
use std::time::Duration;
use vet::Rule;

/// What `golite test` is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Folders, patterns, import paths or files; none means the current folder.
    pub packages: Vec<String>,
    /// What the test programs are told: `-test.run=X` and so on.
    pub program: Vec<String>,
    pub verbose: bool,
    pub json: bool,
    pub list: bool,
    pub benchmarks: bool,
    pub fail_fast: bool,
    /// How many packages are tested at once.
    pub at_once: Option<usize>,
    /// After which time a test program is ended that has not ended itself.
    pub timeout: Duration,
    /// Folders of standard packages, see `--std`.
    pub roots: Vec<PathBuf>,
    /// The rules that are applied before tests run.
    pub rules: Vec<Rule>,
    pub cover: Cover,
    /// Where the CPU profile of the one package goes.
    pub cpu_profile: Option<String>,
    pub memory_profile: Option<String>,
    /// Where profiles go whose names say no folder.
    pub output_folder: Option<PathBuf>,
    pub settings: Settings,
}

impl Plan {
    /// Where a profile of this name goes.
    pub fn output(&self, name: &str) -> PathBuf {
        let here = std::env::current_dir().unwrap_or_default();
        match &self.output_folder {
            Some(folder) => here.join(folder).join(name),
            None => here.join(name),
        }
    }
}

/// What is said of the statements that tests run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cover {
    pub wanted: bool,
    pub mode: Option<Mode>,
    /// The patterns of `-coverpkg`.
    pub packages: Vec<String>,
    pub profile: Option<String>,
}

/// A flag: its name without dashes, and whether it has a value.
struct Flag {
    name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A switch of the test program's.
    Switch,
    /// A value for the test program.
    Value,
    /// A switch of golite's own.
    Own,
    /// A value of golite's own.
    OwnValue,
    /// A flag of `go test` that golite has no answer to.
    Missing,
}

macro_rules! flags {
    ($($kind:ident: $($name:literal)*;)*) => {
        const FLAGS: &[Flag] = &[$($(Flag { name: $name, kind: Kind::$kind }),*),*];
    };
}

flags! {
    Switch: "artifacts" "benchmem" "failfast" "fullpath" "leaks" "short" "v";
    Value: "bench" "benchtime" "count" "cpu" "list" "outputdir" "parallel" "run" "shuffle" "skip" "timeout";
    Own: "json" "relaxed" "cover";
    OwnValue: "covermode" "coverpkg" "coverprofile" "cpuprofile" "memprofile" "p" "vet" "std" "schedules" "seed" "max-heap" "format" "color";
    Missing: "c" "o" "exec" "race" "memprofilerate"
        "blockprofile" "blockprofilerate" "mutexprofile" "mutexprofilefraction" "trace" "fuzz" "fuzztime" "fuzzminimizetime" "work"
        "x" "n" "a" "tags" "mod" "msan" "asan";
}

/// The names of all flags that golite has an answer to, without dashes.
pub fn names() -> impl Iterator<Item = &'static str> {
    let known = FLAGS.iter().filter(|flag| flag.kind != Kind::Missing);
    known.map(|flag| flag.name)
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// Understands the words behind `golite test`, or behind `golite bench` with `benchmarks`.
///
/// # Errors
/// What is wrong with them.
pub fn parse(words: &[String], settings: Settings, benchmarks: bool) -> Result<Plan, UsageError> {
    let command = if benchmarks { "bench" } else { "test" };
    let mut plan = Plan {
        settings,
        timeout: DEFAULT_TIMEOUT,
        rules: test_rules(),
        ..Plan::default()
    };
    let mut named_timeout = false;
    let mut words = words.iter();
    // Words behind flags that stand behind packages are the program's.
    let mut packages_done = false;
    // A word behind one of the program's flags may be its value.
    let mut unknown_before = false;
    while let Some(word) = words.next() {
        if !word.starts_with('-') || word == "-" {
            if packages_done || unknown_before {
                plan.program.push(word.clone());
                plan.program.extend(words.by_ref().cloned());
                break;
            }
            plan.packages.push(word.clone());
            continue;
        }
        packages_done = !plan.packages.is_empty();
        let name = word
            .strip_prefix("--")
            .or_else(|| word.strip_prefix('-'))
            .unwrap_or(word);
        if name == "args" || name.is_empty() {
            plan.program.extend(words.by_ref().cloned());
            break;
        }
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (name, None),
        };
        let name = name.strip_prefix("test.").unwrap_or(name);
        let name = match name {
            "verbose" => "v",
            other => other,
        };
        let Some(flag) = FLAGS.iter().find(|flag| flag.name == name) else {
            // One of the program's own. GO: cmd/go/internal/test `testFlags`.
            plan.program.push(word.clone());
            unknown_before = value.is_none();
            continue;
        };
        let wrong = |value: &str| {
            UsageError(format!(
                "{command}: invalid value {value:?} for flag -{name}"
            ))
        };
        match flag.kind {
            Kind::Missing => {
                return Err(UsageError(format!(
                    "{command}: -{name} is not supported yet"
                )));
            }
            Kind::Switch | Kind::Own => {
                let on = match value.as_deref() {
                    None | Some("true" | "1") => true,
                    Some("false" | "0") => false,
                    Some("test2json") if name == "v" => {
                        plan.json = true;
                        true
                    }
                    Some(other) => return Err(wrong(other)),
                };
                match name {
                    "v" => plan.verbose = on,
                    "json" => plan.json = on,
                    "relaxed" => plan.settings.relaxed = on,
                    "failfast" => plan.fail_fast = on,
                    "cover" => plan.cover.wanted = on,
                    _ => {}
                }
                if flag.kind == Kind::Switch && name != "v" {
                    plan.program.push(format!("-test.{name}={on}"));
                }
            }
            Kind::Value | Kind::OwnValue => {
                let value = match (value, name) {
                    (Some(value), _) => value,
                    (None, _) => words.next().cloned().ok_or_else(|| {
                        UsageError(format!("{command}: flag needs an argument: -{name}"))
                    })?,
                };
                let number = || value.parse::<u64>().map_err(|_| wrong(&value));
                match name {
                    "bench" => plan.benchmarks = true,
                    "list" => plan.list = true,
                    "timeout" => {
                        plan.timeout = duration(&value).ok_or_else(|| wrong(&value))?;
                        named_timeout = true;
                    }
                    "count" | "parallel" => drop(number()?),
                    "p" => plan.at_once = usize::try_from(number()?).ok().filter(|&n| n > 0),
                    "vet" => {
                        plan.rules = match value.as_str() {
                            "off" => Vec::new(),
                            "all" => Rule::ALL.to_vec(),
                            "" => test_rules(),
                            names => {
                                let names = names.split(',').map(|name| Rule::find(name.trim()));
                                names.collect::<Option<_>>().ok_or_else(|| wrong(&value))?
                            }
                        };
                    }
                    "std" => plan.roots.push(value.clone().into()),
                    "covermode" => {
                        plan.cover.mode = Some(Mode::named(&value).ok_or_else(|| wrong(&value))?);
                        plan.cover.wanted = true;
                    }
                    "coverpkg" => {
                        let patterns = value.split(',').map(|part| part.trim().to_owned());
                        plan.cover.packages = patterns.filter(|part| !part.is_empty()).collect();
                        plan.cover.wanted = true;
                    }
                    "coverprofile" => {
                        plan.cover.profile = Some(value.clone());
                        plan.cover.wanted = true;
                    }
                    "cpuprofile" => plan.cpu_profile = Some(value.clone()),
                    "memprofile" => plan.memory_profile = Some(value.clone()),
                    "outputdir" => plan.output_folder = Some(value.clone().into()),
                    "seed" => plan.settings.seed = Some(number()?),
                    "schedules" => plan.settings.schedules = Some(number()?.max(1)),
                    "max-heap" => {
                        let bytes = size(&value).filter(|&bytes| bytes > 0);
                        plan.settings.max_heap = Some(bytes.ok_or_else(|| wrong(&value))?);
                    }
                    "format" | "color" => {
                        let flag = format!("--{name}={value}");
                        let parsed = crate::arguments::parse(&[flag, "version".to_owned()])?;
                        plan.settings.format = parsed.settings.format.or(plan.settings.format);
                        plan.settings.color = parsed.settings.color.or(plan.settings.color);
                    }
                    _ => {}
                }
                if flag.kind == Kind::Value {
                    plan.program.push(format!("-test.{name}={value}"));
                }
            }
        }
    }
    if benchmarks && !plan.benchmarks {
        plan.benchmarks = true;
        plan.program.insert(0, "-test.bench=.".to_owned());
    }
    if benchmarks
        && !plan
            .program
            .iter()
            .any(|flag| flag.starts_with("-test.run="))
    {
        plan.program.insert(0, "-test.run=^$".to_owned());
    }
    if plan.json {
        plan.program.insert(0, "-test.v=test2json".to_owned());
    } else if plan.verbose {
        plan.program.insert(0, "-test.v=true".to_owned());
    }
    if !named_timeout {
        plan.program.insert(0, "-test.timeout=10m0s".to_owned());
    }
    plan.program.insert(0, "-test.paniconexit0".to_owned());
    Ok(plan)
}

/// The rules that go test applies.
fn test_rules() -> Vec<Rule> {
    let rules = Rule::ALL.iter().copied();
    rules.filter(|rule| rule.is_for_tests()).collect()
}

/// A time as Go writes it: `1h2m3.5s`. Zero means forever.
fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::MAX);
    }
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        seconds += number
            * match &rest[..unit] {
                "ns" => 1e-9,
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    if text.is_empty() {
        return None;
    }
    if seconds == 0.0 {
        return Some(Duration::MAX);
    }
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(line: &str) -> Plan {
        let words: Vec<String> = line.split_whitespace().map(String::from).collect();
        parse(&words, Settings::default(), false).expect("a good command line")
    }

    #[test]
    fn flags_stand_before_and_behind_packages() {
        let one = plan("-run=X ./a ./b -v --count 2");
        assert_eq!(one.packages, ["./a", "./b"]);
        assert!(one.verbose);
        assert_eq!(
            one.program,
            [
                "-test.paniconexit0",
                "-test.timeout=10m0s",
                "-test.v=true",
                "-test.run=X",
                "-test.count=2"
            ]
        );
        let two = plan("./a -short b -v -args -x");
        assert_eq!(two.packages, ["./a"]);
        assert!(
            two.program
                .ends_with(&["b".into(), "-v".into(), "-args".into(), "-x".into()])
        );
    }

    #[test]
    fn flags_that_are_not_known_are_the_programs() {
        let plan = plan("-word=x -v . -run T -other value -short");
        assert_eq!(plan.packages, ["."]);
        assert!(plan.program.contains(&"-word=x".to_owned()));
        assert!(
            plan.program
                .ends_with(&["-other".into(), "value".into(), "-short".into()])
        );
    }

    #[test]
    fn mistakes_are_answered_with_a_hint() {
        let error = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(String::from).collect();
            parse(&words, Settings::default(), false)
                .expect_err("a bad command line")
                .0
        };
        assert_eq!(error("-run"), "test: flag needs an argument: -run");
        assert_eq!(
            error("-count x"),
            "test: invalid value \"x\" for flag -count"
        );
        assert_eq!(error("-race"), "test: -race is not supported yet");
    }

    #[test]
    fn times_are_written_as_in_go() {
        assert_eq!(duration("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(duration("1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(duration("0"), Some(Duration::MAX));
        assert_eq!(duration("5"), None);
        assert_eq!(duration(""), None);
        assert_eq!(duration("x"), None);
    }
}
