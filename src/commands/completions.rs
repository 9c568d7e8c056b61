//! `golite completions`: scripts that make shells complete command lines, from the tables of commands and flags.

use super::print;
use super::test::flag_names;
use crate::arguments::FLAGS;
use crate::help::{COMMANDS, summary};
use diagnostics::Code;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Prints the script for a shell.
pub fn completions(shell: &str) -> ExitCode {
    match script(shell) {
        Some(script) => print(&script),
        None => {
            eprintln!("golite: completions: for bash, zsh or fish, not {shell:?}");
            ExitCode::from(2)
        }
    }
}

fn script(shell: &str) -> Option<String> {
    match shell {
        "bash" => Some(bash()),
        "zsh" => Some(zsh()),
        "fish" => Some(fish()),
        _ => None,
    }
}

/// What can be completed behind a command, beside files.
fn words_of(command: &str) -> Vec<String> {
    let mut words: Vec<String> = FLAGS
        .iter()
        .filter(|flag| flag.commands.contains(&command))
        .map(|flag| flag.name.to_owned())
        .collect();
    match command {
        "golite" => words.extend(COMMANDS[1..].iter().map(|&command| command.to_owned())),
        "help" => words.extend(COMMANDS[1..].iter().map(|&command| command.to_owned())),
        "test" | "bench" => words.extend(flag_names().map(|name| format!("-{name}"))),
        "explain" => words.extend(Code::ALL.iter().map(|code| code.as_str().to_owned())),
        "completions" => words.extend(["bash", "zsh", "fish"].map(str::to_owned)),
        "trace" | "profile" => words.push("view".to_owned()),
        "doc" => words.extend(
            stdlib::outline::packages()
                .into_iter()
                .filter(|path| !path.split('/').any(|part| part == "internal"))
                .map(str::to_owned),
        ),
        _ => {}
    }
    words
}

/// Values of flags that are not files.
const VALUES: &[(&str, &str)] = &[
    ("--format", "short full json"),
    ("--color", "auto always never"),
];

fn bash() -> String {
    let mut cases = String::new();
    for command in COMMANDS {
        let words = words_of(command).join(" ");
        let _ = writeln!(cases, "    {command}) words='{words}' ;;");
    }
    let mut values = String::new();
    for (flag, words) in VALUES {
        let _ = writeln!(
            values,
            "    {flag}) COMPREPLY=($(compgen -W '{words}' -- \"$cur\")); return ;;"
        );
    }
    format!(
        "# bash completion for golite\n\
         _golite() {{\n\
         \x20 local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} command=golite words i\n\
         \x20 for ((i = 1; i < COMP_CWORD; i++)); do\n\
         \x20   case ${{COMP_WORDS[i]}} in\n\
         \x20     -*) ;;\n\
         \x20     *) command=${{COMP_WORDS[i]}}; break ;;\n\
         \x20   esac\n\
         \x20 done\n\
         \x20 case $prev in\n{values}  esac\n\
         \x20 case $command in\n{cases}    *) words= ;;\n  esac\n\
         \x20 COMPREPLY=($(compgen -W \"$words\" -- \"$cur\") $(compgen -f -- \"$cur\"))\n\
         }}\n\
         complete -o filenames -o bashdefault -F _golite golite\n"
    )
}

fn zsh() -> String {
    let mut cases = String::new();
    for command in &COMMANDS[1..] {
        let words = words_of(command).join(" ");
        let _ = writeln!(cases, "    {command}) offered=({words}) ;;");
    }
    let mut commands = String::new();
    for command in &COMMANDS[1..] {
        let summary = summary(command).replace('\'', "'\\''");
        let _ = writeln!(commands, "    '{command}:{summary}'");
    }
    let mut values = String::new();
    for (flag, words) in VALUES {
        let _ = writeln!(values, "    {flag}) compadd -- {words}; return ;;");
    }
    let flags = words_of("golite");
    let flags: Vec<String> = flags
        .into_iter()
        .filter(|word| word.starts_with('-'))
        .collect();
    let flags = flags.join(" ");
    // Read from a folder of functions the file is the function's body; sourced, it has to register itself.
    format!(
        "#compdef golite\n\
         _golite() {{\n\
         \x20 local command word\n\
         \x20 local -a commands offered\n\
         \x20 commands=(\n{commands}  )\n\
         \x20 for word in \"${{(@)words[2,CURRENT-1]}}\"; do\n\
         \x20   if [[ $word != -* ]]; then command=$word; break; fi\n\
         \x20 done\n\
         \x20 case ${{words[CURRENT-1]}} in\n{values}  esac\n\
         \x20 if [[ -z $command ]]; then\n\
         \x20   _describe command commands\n\
         \x20   compadd -- {flags}\n\
         \x20   _files\n\
         \x20   return\n\
         \x20 fi\n\
         \x20 case $command in\n{cases}    *) offered=() ;;\n  esac\n\
         \x20 compadd -- $offered\n\
         \x20 _files\n\
         }}\n\
         if [[ $funcstack[1] == _golite ]]; then _golite \"$@\"; else compdef _golite golite; fi\n"
    )
}

fn fish() -> String {
    let mut out = String::from("# fish completion for golite\n");
    for command in &COMMANDS[1..] {
        let summary = summary(command).replace('\'', "\\'");
        let _ = writeln!(
            out,
            "complete -c golite -n __fish_use_subcommand -a {command} -d '{summary}'"
        );
    }
    for command in COMMANDS {
        let condition = match *command {
            "golite" => "__fish_use_subcommand".to_owned(),
            command => format!("'__fish_seen_subcommand_from {command}'"),
        };
        for word in words_of(command) {
            if *command == "golite" && !word.starts_with('-') {
                continue;
            }
            let values = VALUES.iter().find(|(flag, _)| *flag == word);
            let _ = match (word.strip_prefix("--"), word.strip_prefix('-'), values) {
                (Some(long), _, Some((_, values))) => writeln!(
                    out,
                    "complete -c golite -n {condition} -l {long} -x -a '{values}'"
                ),
                (Some(long), ..) => writeln!(out, "complete -c golite -n {condition} -l {long}"),
                (None, Some(old), _) if old.len() == 1 => {
                    writeln!(out, "complete -c golite -n {condition} -s {old}")
                }
                (None, Some(old), _) => writeln!(out, "complete -c golite -n {condition} -o {old}"),
                (None, None, _) => writeln!(out, "complete -c golite -n {condition} -a {word}"),
            };
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_is_told_of_every_command() {
        for shell in ["bash", "zsh", "fish"] {
            let script = script(shell).expect("a script");
            for command in COMMANDS {
                assert!(script.contains(command), "{shell} {command}");
            }
            for flag in FLAGS {
                let name = flag.name.trim_start_matches('-');
                assert!(script.contains(name), "{shell} {name}");
            }
        }
        assert!(script("csh").is_none());
    }
}
