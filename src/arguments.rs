//! The command line, read by hand: a script starts in milliseconds, so nothing is built that it does not need.
//!
//! `golite [FLAGS] COMMAND [FLAGS] WORDS`. Flags stand before the first word; what follows a program's name is the program's.

use crate::commands::{doc, fmt, profile};
use crate::help;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Run a program: the first word names it, and perhaps more of them do; the rest are its arguments.
    Run {
        words: Vec<String>,
        /// May more than the first word be files of the program?
        several: bool,
    },
    /// Run a text given on the command line.
    Evaluate {
        code: String,
        arguments: Vec<String>,
    },
    /// Make an executable of a program.
    Build {
        program: String,
        output: Option<String>,
    },
    /// Run a program anew whenever its sources change.
    Watch { words: Vec<String> },
    /// Serve an editor.
    Lsp,
    /// Look for likely mistakes in packages.
    Vet {
        programs: Vec<String>,
        rules: Vec<vet::Rule>,
    },
    /// Print the documentation of a package, or of something it declares.
    Document { words: Vec<String>, mode: doc::Mode },
    /// Print what makes a shell complete command lines.
    Completions { shell: String },
    /// Report every error of programs, run nothing.
    Check { programs: Vec<String> },
    /// Format files, folders, or without any standard input.
    Format { names: Vec<String>, mode: fmt::Mode },
    /// Print the bytecode.
    Disassemble { program: String },
    /// Print the page of a diagnostic code, or the list of all.
    Explain { code: Option<String> },
    /// Make a page of a timeline.
    ViewTrace { file: String },
    /// Run a program with a profile, and make a page of it.
    Profile {
        words: Vec<String>,
        output: Option<String>,
    },
    /// Make pages of profiles.
    ViewProfiles { files: Vec<String> },
    /// Run the tests of packages: the words are flags and packages.
    Test {
        words: Vec<String>,
        /// Benchmarks instead of tests?
        benchmarks: bool,
    },
    /// Run the tests of one package, as `golite test` asks another process.
    TestProgram { words: Vec<String> },
    /// Read a program line by line, and run each line.
    Repl,
    /// Print a text and end well.
    Print(String),
}

/// A command line that was understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    pub command: Command,
    pub settings: Settings,
}

/// What flags say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How errors are shown; by default, that depends on where they go.
    pub format: Option<Style>,
    /// With colours? By default, that depends on the terminal and on `NO_COLOR`.
    pub color: Option<bool>,
    /// Are unused variables and imports only warnings?
    pub relaxed: bool,
    /// Bytes that the program may take.
    pub max_heap: Option<u64>,
    /// Where to write the timeline of the run. The command line lives as long as the process.
    pub trace: Option<&'static str>,
    /// Where to write which allocations fill the heap.
    pub memory_profile: Option<&'static str>,
    /// Profiles to write when the program ends.
    pub profile: profile::Wanted,
    /// Draw who runs when, and all that is random, from this; time is virtual.
    pub seed: Option<u64>,
    /// Report goroutines that nobody can wake any more when the program ends?
    pub leaks: bool,
    /// Try so many seeds.
    pub schedules: Option<u64>,
    /// Where the declarations of a host's packages are.
    pub stubs: Option<&'static str>,
    /// What the program may reach; by default, all that the process may. The command line lives as long as the process.
    pub sandbox: Option<&'static Sandbox>,
    /// What `os.Executable` tells the program, if not the file of this process. It lives as long as the process.
    pub executable: Option<&'static str>,
}

/// What a program in a sandbox may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// Folders to read below.
    pub read: Vec<String>,
    /// Folders to read and write below.
    pub write: Vec<String>,
    /// Hosts and ports.
    pub net: Vec<(String, Option<u16>)>,
    /// The environment.
    pub env: bool,
    /// Other processes.
    pub run: bool,
}

/// How errors are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A line each, as Go prints them.
    Short,
    /// With an excerpt of the source.
    Full,
    /// An object of JSON on a line each.
    Json,
}

/// A command line that asks for nothing sensible: what to say, with a hint.
#[derive(Debug, PartialEq, Eq)]
pub struct UsageError(pub String);

/// A flag: its name, what its value is, for which commands it is.
pub struct Flag {
    pub name: &'static str,
    pub value: Option<&'static str>,
    pub commands: &'static [&'static str],
}

const PROGRAMS: &[&str] = &[
    "golite",
    "run",
    "eval",
    "build",
    "check",
    "profile",
    "disassemble",
];
/// Where errors in sources are reported.
const REPORTS: &[&str] = &[
    "golite",
    "run",
    "eval",
    "build",
    "check",
    "vet",
    "fmt",
    "profile",
    "disassemble",
    "repl",
];

/// All flags but those of `golite test`.
pub const FLAGS: &[Flag] = &[
    Flag {
        name: "--relaxed",
        value: None,
        commands: PROGRAMS,
    },
    Flag {
        name: "--format",
        value: Some("short, full or json"),
        commands: REPORTS,
    },
    Flag {
        name: "--color",
        value: Some("auto, always or never"),
        commands: REPORTS,
    },
    Flag {
        name: "--max-heap",
        value: Some("a number of bytes, as 256M or 1G"),
        commands: &["golite", "run", "eval", "profile", "repl"],
    },
    Flag {
        name: "-e",
        value: Some("CODE"),
        commands: &["golite", "run"],
    },
    Flag {
        name: "--trace",
        value: Some("FILE"),
        commands: &["golite", "run"],
    },
    Flag {
        name: "--memprofile",
        value: Some("FILE"),
        commands: &["golite", "run"],
    },
    Flag {
        name: "--cpuprofile",
        value: Some("FILE"),
        commands: &["golite", "run"],
    },
    Flag {
        name: "--leaks",
        value: None,
        commands: &["golite", "run"],
    },
    Flag {
        name: "--seed",
        value: Some("a number"),
        commands: &["golite", "run"],
    },
    Flag {
        name: "--schedules",
        value: Some("a number above 0"),
        commands: &["golite", "run"],
    },
    Flag {
        name: "--stubs",
        value: Some("a folder"),
        commands: &["check", "lsp"],
    },
    Flag {
        name: "--sandbox",
        value: None,
        commands: &["golite", "run"],
    },
    Flag {
        name: "--allow-read",
        value: Some("a folder"),
        commands: &["golite", "run"],
    },
    Flag {
        name: "--allow-write",
        value: Some("a folder"),
        commands: &["golite", "run"],
    },
    Flag {
        name: "--allow-net",
        value: Some("HOST or HOST:PORT"),
        commands: &["golite", "run"],
    },
    Flag {
        name: "--allow-env",
        value: None,
        commands: &["golite", "run"],
    },
    Flag {
        name: "--allow-run",
        value: None,
        commands: &["golite", "run"],
    },
    Flag {
        name: "--watch",
        value: None,
        commands: &["golite", "run"],
    },
    Flag {
        name: "-o",
        value: Some("a NAME"),
        commands: &["build", "profile"],
    },
    Flag {
        name: "--all",
        value: None,
        commands: &["doc"],
    },
    Flag {
        name: "--short",
        value: None,
        commands: &["doc"],
    },
    Flag {
        name: "--src",
        value: None,
        commands: &["doc"],
    },
    Flag {
        name: "-u",
        value: None,
        commands: &["doc"],
    },
    Flag {
        name: "-c",
        value: None,
        commands: &["doc"],
    },
    Flag {
        name: "--json",
        value: None,
        commands: &["golite", "version"],
    },
    Flag {
        name: "--check",
        value: None,
        commands: &["fmt"],
    },
    Flag {
        name: "--diff",
        value: None,
        commands: &["fmt"],
    },
    Flag {
        name: "--simplify",
        value: None,
        commands: &["fmt"],
    },
    Flag {
        name: "--help",
        value: None,
        commands: help::COMMANDS,
    },
    Flag {
        name: "--version",
        value: None,
        commands: &["golite"],
    },
];

/// Words being read.
struct Reader<'a> {
    rest: &'a [String],
    settings: Settings,
    mode: fmt::Mode,
    doc: doc::Mode,
    watch: bool,
    output: Option<String>,
    json: bool,
    /// The texts of `-e`, a line each.
    code: Option<String>,
    wants_help: bool,
    wants_version: bool,
}

/// Understands the arguments after the program's name.
///
/// # Errors
/// What is wrong with them, as one line and perhaps a hint.
pub fn parse(arguments: &[String]) -> Result<Request, UsageError> {
    let mut reader = Reader {
        rest: arguments,
        settings: Settings::default(),
        mode: fmt::Mode::default(),
        doc: doc::Mode::default(),
        watch: false,
        output: None,
        json: false,
        code: None,
        wants_help: false,
        wants_version: false,
    };
    reader.flags("golite")?;
    let command = reader.command()?;
    Ok(Request {
        command,
        settings: reader.settings,
    })
}

impl Reader<'_> {
    fn command(&mut self) -> Result<Command, UsageError> {
        if self.wants_help {
            return Ok(Command::Print(help::general()));
        }
        if self.wants_version || self.json {
            return Ok(self.version());
        }
        if let Some(code) = self.code.take() {
            return Ok(self.evaluate(code));
        }
        let Some((first, rest)) = self.rest.split_first() else {
            return Ok(Command::Run {
                words: Vec::new(),
                several: false,
            });
        };
        let name = first.as_str();
        if name == "test" || name == "bench" {
            // Their flags stand anywhere, and have one dash as Go's.
            let asks = |word: &String| matches!(word.as_str(), "-h" | "-help" | "--help");
            let own = rest.split(|word| matches!(word.as_str(), "-args" | "--args"));
            if own.take(1).flatten().any(asks) {
                return Ok(Command::Print(help::of(name).unwrap_or_default()));
            }
            return Ok(Command::Test {
                words: rest.to_vec(),
                benchmarks: name == "bench",
            });
        }
        if name == "test-program" {
            return Ok(Command::TestProgram {
                words: rest.to_vec(),
            });
        }
        if name == "vet" {
            self.rest = rest;
            return self.vet();
        }
        if help::COMMANDS[1..].contains(&name) {
            self.rest = rest;
            self.flags(name)?;
            if self.wants_help {
                return Ok(Command::Print(help::of(name).unwrap_or_default()));
            }
        }
        let words = self.rest;
        match name {
            "run" => match self.code.take() {
                Some(code) => Ok(self.evaluate(code)),
                None if words.is_empty() => Err(UsageError(
                    "run: which program? (golite run FILE|FOLDER|- [ARGUMENTS])".into(),
                )),
                None => Ok(self.run(true)),
            },
            "eval" => match words.split_first() {
                None => Err(UsageError(
                    "eval: what? (golite eval CODE [ARGUMENTS])".into(),
                )),
                Some((code, arguments)) => {
                    self.rest = arguments;
                    Ok(self.evaluate(code.clone()))
                }
            },
            "check" if words.is_empty() => Err(UsageError(
                "check: which program? (golite check FILE|FOLDER...)".into(),
            )),
            "check" => Ok(Command::Check {
                programs: words.to_vec(),
            }),
            "fmt" => {
                let mut names = Vec::new();
                while let Some((name, rest)) = self.rest.split_first() {
                    names.push(name.clone());
                    self.rest = rest;
                    self.flags("fmt")?;
                }
                if self.wants_help {
                    return Ok(Command::Print(help::of("fmt").unwrap_or_default()));
                }
                Ok(Command::Format {
                    names,
                    mode: self.mode,
                })
            }
            "disassemble" => match words {
                [program] => Ok(Command::Disassemble {
                    program: program.clone(),
                }),
                _ => Err(UsageError(
                    "disassemble: give one program (golite disassemble FILE|FOLDER)".into(),
                )),
            },
            "explain" => match words {
                [] => Ok(Command::Explain { code: None }),
                [code] => Ok(Command::Explain {
                    code: Some(code.clone()),
                }),
                _ => Err(UsageError(
                    "explain: give one code (golite explain E0202)".into(),
                )),
            },
            "trace" => match words {
                [view, file] if view == "view" => Ok(Command::ViewTrace { file: file.clone() }),
                _ => Err(UsageError(
                    "trace: what of it? (golite trace view FILE)".into(),
                )),
            },
            "profile" => match words {
                [] => Err(UsageError(
                    "profile: which program? (golite profile FILE|FOLDER [ARGUMENTS])".into(),
                )),
                [view, files @ ..] if view == "view" && !files.is_empty() => {
                    Ok(Command::ViewProfiles {
                        files: files.to_vec(),
                    })
                }
                words => Ok(Command::Profile {
                    words: words.to_vec(),
                    output: self.output.take(),
                }),
            },
            "help" => match words.first().map(String::as_str) {
                None => Ok(Command::Print(help::general())),
                Some(topic) => match help::of(topic) {
                    Some(text) => Ok(Command::Print(text)),
                    None => Err(UsageError(format!(
                        "help: no command {topic:?}{}",
                        command_near(topic)
                    ))),
                },
            },
            "repl" if words.is_empty() => Ok(Command::Repl),
            "repl" => Err(UsageError("repl: it takes no words (golite repl)".into())),
            "version" => Ok(self.version()),
            "build" => {
                let mut programs = Vec::new();
                while let Some((name, rest)) = self.rest.split_first() {
                    programs.push(name.clone());
                    self.rest = rest;
                    self.flags("build")?;
                }
                if self.wants_help {
                    return Ok(Command::Print(help::of("build").unwrap_or_default()));
                }
                match <[String; 1]>::try_from(programs) {
                    Ok([program]) => Ok(Command::Build {
                        program,
                        output: self.output.take(),
                    }),
                    Err(_) => Err(UsageError(
                        "build: give one program (golite build FILE|FOLDER [-o NAME])".into(),
                    )),
                }
            }
            "doc" => {
                let mut names = Vec::new();
                while let Some((name, rest)) = self.rest.split_first() {
                    names.push(name.clone());
                    self.rest = rest;
                    self.flags("doc")?;
                }
                if self.wants_help {
                    return Ok(Command::Print(help::of("doc").unwrap_or_default()));
                }
                if names.len() > 2 {
                    return Err(UsageError(
                        "doc: of what? (golite doc [PACKAGE[.NAME]])".into(),
                    ));
                }
                Ok(Command::Document {
                    words: names,
                    mode: self.doc,
                })
            }
            "completions" => match words {
                [shell] => Ok(Command::Completions {
                    shell: shell.clone(),
                }),
                _ => Err(UsageError(
                    "completions: for which shell? (golite completions bash|zsh|fish)".into(),
                )),
            },
            "man" => Ok(Command::Print(help::manual())),
            "lsp" => Ok(Command::Lsp),
            file if file == "-" || looks_like_a_file(file) => Ok(self.run(false)),
            other => Err(UsageError(format!(
                "no command and no file {other:?}{}",
                command_near(other)
            ))),
        }
    }

    /// The words that are left name a program.
    fn run(&self, several: bool) -> Command {
        let words = self.rest.to_vec();
        match self.watch {
            true => Command::Watch { words },
            false => Command::Run { words, several },
        }
    }

    /// Names of rules are flags, and may stand anywhere.
    fn vet(&mut self) -> Result<Command, UsageError> {
        let (mut programs, mut wanted, mut unwanted) = (Vec::new(), Vec::new(), Vec::new());
        while let Some((word, rest)) = self.rest.split_first() {
            if !word.starts_with('-') || word == "-" {
                programs.push(word.clone());
                self.rest = rest;
                continue;
            }
            let name = word.trim_start_matches('-');
            let (name, value) = name.split_once('=').unwrap_or((name, "true"));
            match (vet::Rule::find(name), value) {
                (Some(rule), "true") => wanted.push(rule),
                (Some(rule), "false") => unwanted.push(rule),
                (Some(_), _) => {
                    return Err(UsageError(format!(
                        "vet: -{name} wants true or false, not {value:?}"
                    )));
                }
                (None, _) => {
                    // Takes at least this word, or says what is wrong with it.
                    self.flags("vet")?;
                    if self.wants_help {
                        return Ok(Command::Print(help::of("vet").unwrap_or_default()));
                    }
                    continue;
                }
            }
            self.rest = rest;
        }
        if wanted.is_empty() {
            wanted = vet::Rule::ALL.to_vec();
        }
        wanted.retain(|rule| !unwanted.contains(rule));
        if programs.is_empty() {
            programs.push(".".to_owned());
        }
        Ok(Command::Vet {
            programs,
            rules: wanted,
        })
    }

    fn version(&self) -> Command {
        Command::Print(match self.json {
            true => help::version_json(),
            false => help::version(),
        })
    }

    /// A text to run; errors that only matter in what is kept are warnings there.
    fn evaluate(&mut self, code: String) -> Command {
        self.settings.relaxed = true;
        Command::Evaluate {
            code,
            arguments: self.rest.to_vec(),
        }
    }

    /// Takes the flags in front of the next word.
    fn flags(&mut self, command: &str) -> Result<(), UsageError> {
        while let Some((word, rest)) = self.rest.split_first() {
            if word == "--" {
                self.rest = rest;
                return Ok(());
            }
            let is_rule = |word: &str| {
                let name = word.trim_start_matches('-');
                vet::Rule::find(name.split('=').next().unwrap_or(name)).is_some()
            };
            if !word.starts_with('-') || word == "-" || command == "vet" && is_rule(word) {
                return Ok(());
            }
            self.rest = rest;
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            let name = match name {
                "-h" | "-help" => "--help",
                "-V" | "-version" => "--version",
                "-format" => "--format",
                "-color" | "--colour" => "--color",
                "-relaxed" => "--relaxed",
                "-l" if command == "fmt" => "--check",
                "-d" if command == "fmt" => "--diff",
                "-s" if command == "fmt" => "--simplify",
                "-max-heap" => "--max-heap",
                "-watch" => "--watch",
                "-cpuprofile" => "--cpuprofile",
                "-json" => "--json",
                "-all" if command == "doc" => "--all",
                "-short" if command == "doc" => "--short",
                "-src" if command == "doc" => "--src",
                other => other,
            };
            let flag = FLAGS.iter().find(|flag| flag.name == name);
            let Some(flag) = flag.filter(|flag| flag.commands.contains(&command)) else {
                return Err(unknown_flag(word, command));
            };
            let value = match (flag.value, value) {
                (None, Some(_)) => {
                    return Err(UsageError(format!("{command}: {name} takes no value")));
                }
                (None, None) => String::new(),
                (Some(_), Some(value)) => value,
                (Some(wanted), None) => {
                    let Some((value, rest)) = self.rest.split_first() else {
                        return Err(UsageError(format!("{command}: {name} wants {wanted}")));
                    };
                    self.rest = rest;
                    value.clone()
                }
            };
            self.set(flag, &value).map_err(|()| {
                let wanted = flag.value.unwrap_or_default();
                UsageError(format!("{command}: {name} wants {wanted}, not {value:?}"))
            })?;
        }
        Ok(())
    }

    fn set(&mut self, flag: &Flag, value: &str) -> Result<(), ()> {
        match flag.name {
            "--relaxed" => self.settings.relaxed = true,
            "--trace" if value.is_empty() => return Err(()),
            "--trace" => self.settings.trace = Some(Box::leak(value.into())),
            "--memprofile" if value.is_empty() => return Err(()),
            "--memprofile" => self.settings.memory_profile = Some(Box::leak(value.into())),
            "--leaks" => self.settings.leaks = true,
            "--seed" => self.settings.seed = Some(value.parse().map_err(|_| ())?),
            "--schedules" => {
                let count = value.parse().ok().filter(|&count| count > 0);
                self.settings.schedules = Some(count.ok_or(())?);
            }
            "--check" => self.mode.check = true,
            "--diff" => self.mode.diff = true,
            "--simplify" => self.mode.simplify = true,
            "--watch" => self.watch = true,
            "--cpuprofile" if value.is_empty() => return Err(()),
            "--cpuprofile" => self.settings.profile.cpu = Some(Box::leak(value.into())),
            "-o" if value.is_empty() => return Err(()),
            "-o" => self.output = Some(value.to_owned()),
            "--all" => self.doc.all = true,
            "--short" => self.doc.short = true,
            "--src" => self.doc.source = true,
            "-u" => self.doc.unexported = true,
            "-c" => self.doc.case = true,
            "--json" => self.json = true,
            "--help" => self.wants_help = true,
            "--version" => self.wants_version = true,
            "-e" => {
                let code = self.code.get_or_insert_default();
                if !code.is_empty() {
                    code.push('\n');
                }
                code.push_str(value);
            }
            "--stubs" if value.is_empty() => return Err(()),
            "--stubs" => self.settings.stubs = Some(Box::leak(value.into())),
            "--sandbox" => self.sandbox(|_| ()),
            "--allow-read" | "--allow-write" | "--allow-net" if value.is_empty() => return Err(()),
            "--allow-read" => self.sandbox(|sandbox| sandbox.read.push(value.to_owned())),
            "--allow-write" => self.sandbox(|sandbox| sandbox.write.push(value.to_owned())),
            "--allow-net" => {
                let peer = match value.rsplit_once(':') {
                    Some((host, port)) => (host.to_owned(), Some(port.parse().map_err(|_| ())?)),
                    None => (value.to_owned(), None),
                };
                self.sandbox(|sandbox| sandbox.net.push(peer));
            }
            "--allow-env" => self.sandbox(|sandbox| sandbox.env = true),
            "--allow-run" => self.sandbox(|sandbox| sandbox.run = true),
            "--max-heap" => {
                let bytes = size(value).filter(|&bytes| bytes > 0).ok_or(())?;
                self.settings.max_heap = Some(bytes);
            }
            "--format" => {
                self.settings.format = Some(match value {
                    "short" => Style::Short,
                    "full" => Style::Full,
                    "json" => Style::Json,
                    _ => return Err(()),
                });
            }
            _ => {
                self.settings.color = match value {
                    "auto" => None,
                    "always" => Some(true),
                    "never" => Some(false),
                    _ => return Err(()),
                };
            }
        }
        Ok(())
    }

    /// The program runs in a sandbox, of which `change` says more.
    fn sandbox(&mut self, change: impl FnOnce(&mut Sandbox)) {
        let mut sandbox = self.settings.sandbox.cloned().unwrap_or_default();
        change(&mut sandbox);
        self.settings.sandbox = Some(Box::leak(Box::new(sandbox)));
    }
}

fn unknown_flag(flag: &str, command: &str) -> UsageError {
    let name = flag.split('=').next().unwrap_or(flag);
    let flags = FLAGS.iter().filter(|flag| flag.commands.contains(&command));
    let hint = match nearest(name, flags.map(|flag| flag.name)) {
        Some(near) => format!("did you mean {near}?"),
        None => "a program's own arguments stand after it".to_owned(),
    };
    UsageError(format!("{command}: no flag {name}; {hint}"))
}

/// A number of bytes, perhaps with a unit: K, M, G and T are powers of 1024; B or iB may follow.
pub fn size(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let shift = match unit
        .strip_suffix("iB")
        .or(unit.strip_suffix('B'))
        .unwrap_or(unit)
    {
        "" if unit != "iB" => 0,
        "K" | "k" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

fn looks_like_a_file(word: &str) -> bool {
    word.contains('.') || word.contains('/') || std::path::Path::new(word).exists()
}

/// A hint at the nearest command.
fn command_near(word: &str) -> String {
    match nearest(word, help::COMMANDS[1..].iter().copied()) {
        Some(command) => format!("; did you mean `golite {command}`?"),
        None => "; see `golite help`".into(),
    }
}

/// The nearest of some words, if one is near.
pub fn nearest(word: &str, others: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    others
        .map(|other| (edit_distance(word, other), other))
        .min()
        .filter(|(distance, other)| *distance <= other.len() / 2)
        .map(|(_, other)| other)
}

/// Levenshtein's distance.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(32).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substitution = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substitution.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    fn command(line: &str) -> Command {
        parse(&words(line)).expect("a good command line").command
    }

    fn error(line: &str) -> String {
        parse(&words(line)).expect_err("a bad command line").0
    }

    #[test]
    fn what_follows_a_program_is_its_own() {
        for (line, several) in [("a.gl -x --help", false), ("run a.gl -x --help", true)] {
            let words = words("a.gl -x --help");
            assert_eq!(command(line), Command::Run { words, several });
        }
        let arguments = words("a --relaxed -e");
        let code = "x".to_owned();
        assert_eq!(
            command("-e x a --relaxed -e"),
            Command::Evaluate { code, arguments }
        );
    }

    #[test]
    fn max_heap_is_a_number_of_bytes() {
        for line in [
            "--max-heap 2M a.gl",
            "run --max-heap=2MiB a.gl --max-heap 1",
        ] {
            let request = parse(&words(line)).expect("a good command line");
            assert_eq!(request.settings.max_heap, Some(2 << 20), "{line}");
        }
        for line in [
            "run --max-heap",
            "run --max-heap x a.gl",
            "run --max-heap 0 a.gl",
            "--max-heap=1X a.gl",
        ] {
            assert!(
                error(line).contains("--max-heap wants a number of bytes"),
                "{line}"
            );
        }
        let sizes = [
            "512",
            "1K",
            "3MB",
            "2GiB",
            "1T",
            "",
            "M",
            "1i",
            "1iB",
            "99999999999T",
        ];
        let sizes = sizes.map(size);
        assert_eq!(
            sizes[..5],
            [512, 1 << 10, 3 << 20, 2 << 30, 1 << 40].map(Some)
        );
        assert_eq!(sizes[5..], [None; 5]);
    }

    #[test]
    fn flags_stand_before_or_behind_the_command() {
        let settings = Settings {
            format: Some(Style::Json),
            color: Some(false),
            relaxed: true,
            ..Settings::default()
        };
        for line in [
            "--relaxed --format=json check --color never a.gl",
            "check --relaxed --color=never --format json -- a.gl",
        ] {
            assert_eq!(parse(&words(line)).expect("good").settings, settings);
        }
    }

    #[test]
    fn several_texts_are_lines_of_one() {
        let code = "a\nb".to_owned();
        let arguments = words("c");
        assert_eq!(
            command("-e a -e b c"),
            Command::Evaluate { code, arguments }
        );
    }

    #[test]
    fn mistakes_are_answered_with_a_hint() {
        assert!(error("chekc").contains("did you mean `golite check`?"));
        assert_eq!(
            error("run --relax a.gl"),
            "run: no flag --relax; did you mean --relaxed?"
        );
        assert_eq!(
            error("check --format=xml a"),
            "check: --format wants short, full or json, not \"xml\""
        );
        assert_eq!(error("-e"), "golite: -e wants CODE");
        assert_eq!(
            error("check -e 1"),
            "check: no flag -e; a program's own arguments stand after it"
        );
        assert_eq!(error("run --relaxed=1 a"), "run: --relaxed takes no value");
        assert!(error("help runn").contains("golite run"));
    }
}
