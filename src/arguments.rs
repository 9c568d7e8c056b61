//! The command line, read by hand: a script starts in milliseconds, so nothing is built that it does not need.

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Run a program: the first word names it, and perhaps more of them do; the rest are its arguments.
    Run {
        words: Vec<String>,
        /// May more than the first word be files of the program?
        several: bool,
    },
    /// Report every error of a program, run nothing.
    Check {
        files: Vec<String>,
    },
    /// Print the bytecode.
    Disassemble {
        file: String,
    },
    /// Print a text and end well.
    Help(&'static str),
    Version,
}

/// A command line that asks for nothing sensible: what to say, with a hint.
#[derive(Debug, PartialEq, Eq)]
pub struct UsageError(pub String);

pub const HELP: &str = "\
golite runs Go programs as scripts.

Usage:
  golite FILE [ARGUMENTS]         run a program (short for `golite run`)
  golite run FILE [ARGUMENTS]     run a program
  golite check FILE...            report all errors, run nothing
  golite disassemble FILE         print the bytecode of a program
  golite help [COMMAND]           tell more about a command
  golite version                  print the version

A first program, hello.gl:
  package main

  import \"fmt\"

  func main() {
      fmt.Println(\"hello\")
  }

  $ golite hello.gl
  hello

A file whose first line is `#!/usr/bin/env golite` and that is executable is a command of its own.

Environment:
  GOMAXPROCS     how many processors run goroutines (default: those the machine grants)
  GOGC           collect when the heap has grown by this percentage (default 100; off: never)
  GOMEMLIMIT     how much memory the heap may take (512MiB, 2GiB; default: no limit)
  GOLITEDEBUG    comma-separated flags, name=value; a wrong one lists them all
";

const HELP_RUN: &str = "\
Usage: golite run FILE [ARGUMENTS]

Checks the program and runs it. What follows FILE is the program's own: os.Args[1:].
A program that does not compile is not started; its errors go to standard error.

Exit status: that of the program (0, or what os.Exit was given; 2 after a panic or a fatal error);
1 if it cannot be read or does not compile.

Examples:
  golite run examples/word_count.gl examples/data/text.txt
  GOMAXPROCS=1 golite run examples/worker_pool.gl
";

const HELP_CHECK: &str = "\
Usage: golite check FILE...

Reports every error of the programs, each as FILE:LINE:COLUMN: MESSAGE (with an excerpt of the source on a terminal),
and runs nothing.

Exit status: 0 if there is no error, else 1.
";

const HELP_DISASSEMBLE: &str = "\
Usage: golite disassemble FILE

Prints the bytecode of the program's own functions and of what they use from standard packages.
docs/instructions.md explains each instruction.
";

/// Understands the arguments after the program's name.
///
/// # Errors
/// What is wrong with them, as one line and perhaps a hint.
pub fn parse(arguments: &[String]) -> Result<Command, UsageError> {
    let Some((first, rest)) = arguments.split_first() else {
        return Ok(Command::Help(HELP));
    };
    match first.as_str() {
        "run" => match rest.first() {
            None => Err(UsageError(
                "run: which program? (golite run FILE|FOLDER|- [ARGUMENTS])".into(),
            )),
            Some(help) if is_help(help) => Ok(Command::Help(HELP_RUN)),
            Some(flag) if is_flag(flag) => Err(unknown_flag(flag, "run")),
            Some(_) => Ok(Command::Run {
                words: rest.to_vec(),
                several: true,
            }),
        },
        "check" => match rest.first() {
            None => Err(UsageError(
                "check: which file? (golite check FILE...)".into(),
            )),
            Some(help) if is_help(help) => Ok(Command::Help(HELP_CHECK)),
            Some(flag) if is_flag(flag) => Err(unknown_flag(flag, "check")),
            Some(_) => Ok(Command::Check {
                files: rest.to_vec(),
            }),
        },
        "disassemble" => match rest {
            [help] if is_help(help) => Ok(Command::Help(HELP_DISASSEMBLE)),
            [flag, ..] if is_flag(flag) => Err(unknown_flag(flag, "disassemble")),
            [file] => Ok(Command::Disassemble { file: file.clone() }),
            _ => Err(UsageError(
                "disassemble: give one file (golite disassemble FILE)".into(),
            )),
        },
        "help" => match rest.first().map(String::as_str) {
            None => Ok(Command::Help(HELP)),
            Some("run") => Ok(Command::Help(HELP_RUN)),
            Some("check") => Ok(Command::Help(HELP_CHECK)),
            Some("disassemble") => Ok(Command::Help(HELP_DISASSEMBLE)),
            Some(other) => Err(UsageError(format!(
                "help: no command {other:?}{}",
                suggestion(other)
            ))),
        },
        help if is_help(help) => Ok(Command::Help(HELP)),
        "version" | "--version" | "-V" => Ok(Command::Version),
        flag if is_flag(flag) => Err(unknown_flag(flag, "golite")),
        file if looks_like_a_file(file) => Ok(Command::Run {
            words: arguments.to_vec(),
            several: false,
        }),
        other => Err(UsageError(format!(
            "no command and no file {other:?}{}",
            suggestion(other)
        ))),
    }
}

fn is_help(word: &str) -> bool {
    matches!(word, "--help" | "-h" | "-help")
}

fn is_flag(word: &str) -> bool {
    word.starts_with('-') && word.len() > 1
}

fn unknown_flag(flag: &str, command: &str) -> UsageError {
    UsageError(format!(
        "{command}: no flag {flag:?}; a program's own arguments stand after its file"
    ))
}

fn looks_like_a_file(word: &str) -> bool {
    word.contains('.') || word.contains('/') || std::path::Path::new(word).exists()
}

/// The nearest command, if one is near.
fn suggestion(word: &str) -> String {
    let near = ["run", "check", "disassemble", "help", "version"]
        .into_iter()
        .map(|command| (edit_distance(word, command), command))
        .min()
        .filter(|(distance, command)| *distance <= command.len() / 2);
    match near {
        Some((_, command)) => format!("; did you mean `golite {command}`?"),
        None => "; see `golite help`".into(),
    }
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

    #[test]
    fn a_bare_file_is_run_with_its_arguments() {
        let expected = Command::Run {
            words: words("a.gl -x --help"),
            several: false,
        };
        assert_eq!(parse(&words("a.gl -x --help")), Ok(expected));
    }

    #[test]
    fn run_passes_flags_after_the_file_on() {
        let expected = Command::Run {
            words: words("a.gl run -v"),
            several: true,
        };
        assert_eq!(parse(&words("run a.gl run -v")), Ok(expected));
    }

    #[test]
    fn a_mistyped_command_is_answered_with_the_nearest() {
        let UsageError(text) = parse(&words("chekc")).expect_err("no such command");
        assert!(text.contains("golite check"), "{text}");
    }

    #[test]
    fn an_unknown_flag_is_refused() {
        assert!(parse(&words("run --fast a.gl")).is_err());
    }
}
