//! What `golite help` says.

use crate::debug_flags;

/// The command alone, and its subcommands.
pub const COMMANDS: &[&str] = &[
    "golite",
    "run",
    "eval",
    "build",
    "check",
    "fmt",
    "disassemble",
    "vet",
    "lsp",
    "explain",
    "doc",
    "repl",
    "test",
    "bench",
    "trace",
    "profile",
    "completions",
    "man",
    "help",
    "version",
];

const GENERAL: &str = "\
golite runs Go programs as scripts.

Usage:
  golite FILE [ARGUMENTS]            run a program (short for `golite run`)
  golite run FILE|DIR|- [ARGUMENTS]  run a file, a folder, or what standard input holds
  golite -e CODE [ARGUMENTS]         run CODE
  golite build FILE|DIR [-o NAME]    make one executable of a program
  golite repl                        type a program line by line (also `golite` alone, on a terminal)
  golite check FILE|DIR|-...         report all errors, run nothing
  golite fmt [FILE|DIR|-]...         write sources in their one form, as gofmt does
  golite vet [DIR|FILE]...           report what compiles and is likely a mistake, as go vet
  golite lsp                         serve editors: the language server protocol over standard input and output
  golite doc [PACKAGE[.NAME]]        show the documentation of a package or of what it declares
  golite explain [CODE]              tell more about an error: its cause and how to mend it
  golite test [PACKAGE...]           run the tests of packages
  golite bench [PACKAGE...]          run their benchmarks
  golite disassemble FILE|DIR        print the bytecode of a program
  golite trace view FILE             make a page of the timeline that `golite run --trace FILE` wrote
  golite profile FILE|DIR [ARGS]     run a program and make pages of where its time and its memory went
  golite completions SHELL           print what makes bash, zsh or fish complete golite's command lines
  golite man                         print the manual page
  golite help [COMMAND]              tell more about a command, or about `environment`
  golite version [--json]            print the version

A first script, hello.gl, which is Go without the ceremony:
  names := os.Args[1:]
  for _, name := range names {
      fmt.Println(\"hello,\", name)
  }

  $ golite hello.gl you me
  hello, you
  hello, me

With `package main` and `func main()` it is a plain Go program, and runs as well. A file whose first line
is `#!/usr/bin/env golite` and that is executable is a command of its own.

On one line:
  $ golite -e 'fmt.Println(strings.Repeat(\"go\", 3))'
  $ ls | golite -e 'b, _ := io.ReadAll(os.Stdin); fmt.Println(len(strings.Fields(string(b))), \"files\")'
";

const FLAGS: &str = "
Flags:
  --relaxed                 unused variables and imports are warnings, not errors
  --format short|full|json  errors as lines, with excerpts of the source, or as JSON (default: full on a terminal)
  --color auto|always|never (default auto: on a terminal, unless NO_COLOR is set)
";

/// After [`FLAGS`], where a program runs.
const RUN_FLAGS: &str = "  --watch                   run again whenever a source file of the program changes, until Ctrl-C
  --max-heap SIZE           the program may take so much memory (256M, 1G); beyond it ends with \"out of memory\"
  --sandbox                 the program reaches no files, no network, no environment and no other processes, but for what is allowed:
  --allow-read DIR          files below DIR (this flag and the next three may be given several times)
  --allow-write DIR         files below DIR, to change them as well
  --allow-net HOST[:PORT]   a host, or one port of it, to connect to and to listen at
  --allow-env, --allow-run  the environment; other processes, which are in no sandbox
  --trace FILE              write a timeline of the run: who ran when on which processor, who woke whom, blocking calls,
                            collections (for chrome://tracing, ui.perfetto.dev, or `golite trace view FILE`)
  --memprofile FILE         write which allocations fill the heap, and all there were, with their stacks (for go tool pprof)
  --cpuprofile FILE         write a CPU profile of the run (for `go tool pprof`, or `golite profile view FILE`)
  --leaks                   when main returns, report goroutines that wait for what nobody can do any more, with their traces
  --seed N                  on one processor, with a clock that only moves when everybody waits: draw the order of goroutines
                            and every random choice from N, so that a run can be repeated
  --schedules K             try K seeds, from --seed or 1 on; stop at the first that fails and name it
";

const RUN: &str = "\
Usage: golite run [FLAGS] FILE|DIR|- [ARGUMENTS]
       golite run [FLAGS] FILE FILE... [--] [ARGUMENTS]

Checks the program and runs it. The program is a file, all files of a folder, or what standard input holds (-).
Further names with extension .gl or .go are files of the same program, unless the first is a script. What follows
is the program's own: os.Args[1:]. A program that does not compile is not started; its errors go to standard error,
at most ten of them.

Exit status: that of the program (0, or what os.Exit was given; 2 after a panic or a fatal error);
1 if it cannot be read or does not compile; 2 if the command line makes no sense.
";

const TRACE: &str = "\
Usage: golite trace view FILE

Writes FILE.html, one page without anything from elsewhere that shows the timeline in FILE: lanes of processors and machines, which can be
zoomed and searched, a table of goroutines and the longest waits. `golite run --trace FILE` writes such timelines.
";

const PROFILE: &str = "\
Usage: golite profile [FLAGS] FILE|DIR|- [ARGUMENTS]
       golite profile view FILE...

Runs the program as `golite run` does, looks a hundred times a second what it is doing, and when it ends writes NAME.cpu.pprof, and what
fills its memory NAME.mem.pprof, which `go tool pprof` reads, and of each a page NAME.cpu.pprof.html without anything from elsewhere: a flame
graph, which can be zoomed and searched, and a table of functions. The ten that have most are listed. -o NAME is another NAME than the program's.

Native functions count for those that call them; what a goroutine waits for does not count. `view` makes pages of profiles that there are,
whoever wrote them: `golite run --cpuprofile FILE`, `golite test -cpuprofile FILE`, package runtime/pprof, or Go.

Examples:
  golite profile examples/word_count.gl examples/data/alice.txt
  golite profile -o before server.gl
";

const RUN_EXAMPLES: &str = "
Examples:
  golite run examples/word_count.gl examples/data/alice.txt
  GOMAXPROCS=1 golite run examples/worker_pool.gl
  echo 'println(1 + 2)' | golite run -
  golite run --watch server.gl 8080
";

const BUILD: &str = "\
Usage: golite build [FLAGS] FILE|DIR|- [-o NAME]

Makes one executable of a program: golite's runtime and the program's bytecode, nothing else is needed to run it. All its
arguments are the program's: os.Args[1:]. It heeds GOMAXPROCS, GOGC and the like (`golite help environment`), and shows file names
and lines in traces. Without -o it is named after the file, or the folder, and lies in the current folder.

Examples:
  golite build examples/word_count.gl && ./word_count examples/data/alice.txt
  golite build -o /usr/local/bin/serve ./cmd/serve
";

const DOC: &str = "\
Usage: golite doc [FLAGS] [PACKAGE[.NAME[.METHOD OR FIELD]]]
       golite doc [FLAGS] PACKAGE NAME[.METHOD OR FIELD]

Shows the documentation of a package: what its sources say above its declarations. PACKAGE is a standard package (json as well as
encoding/json), a folder, or an import path of the module. A name alone is one of the current folder's package, or if that has none, a
package. Without any word it is the package in the current folder. Names written in lower case match both cases.

Flags, with one dash or two:
  -all    everything the package declares, with its documentation
  -short  a line for each
  -src    the source of the declaration
  -u      also what is not exported
  -c      heed the case of names

Examples:
  golite doc strings
  golite doc strings.Builder
  golite doc json.Decoder.Decode
  golite doc ./queue Push
";

const LSP: &str = "\
Usage: golite lsp [--stubs DIR]

A language server for editors (docs/editors.md): errors as one types, what a name is and its documentation, definitions, references,
renaming, completion, signatures of calls, formatting, the symbols of a file, imports that are missing or not used. It speaks over
standard input and output and wants nothing but golite itself. With --stubs DIR it knows the packages of a host whose declarations are in DIR
(crate golite's `write_stubs` writes them).
";

const VET: &str = "\
Usage: golite vet [FLAGS] [FILE|DIR|DIR/...]...

Reports what compiles and is likely a mistake, in the words of go vet. Without a name it looks at the package in the current folder; DIR/... are
all packages below DIR. Exit status: 0 if nothing is found, else 1.

Flags, with one dash or two:
  -RULE        only this rule (several may be given)
  -RULE=false  not this rule

Rules:
";

const VET_EXAMPLES: &str = "
`golite test` applies those marked * before it runs tests; -vet=off leaves them out.

Examples:
  golite vet ./...
  golite vet -printf -copylocks server.gl
";

const COMPLETIONS: &str = "\
Usage: golite completions bash|zsh|fish

Prints a script that makes the shell complete golite's commands, flags and files.

Examples:
  golite completions bash > ~/.local/share/bash-completion/completions/golite
  golite completions zsh > ~/.zfunc/_golite          (a folder in $fpath)
  golite completions fish > ~/.config/fish/completions/golite.fish
";

const MAN: &str = "\
Usage: golite man

Prints the manual page, all that `golite help` has to say, in the form that man reads.

Examples:
  golite man | man -l -
  golite man > ~/.local/share/man/man1/golite.1
";

const VERSION: &str = "\
Usage: golite version [--json]

Prints golite's version and that of the Go language it speaks; with --json as an object with the fields
version, go, os, arch, instructions (how many the machine has) and packages (how many standard ones there are).
";

const EVAL: &str = "\
Usage: golite -e CODE [ARGUMENTS]
       golite eval CODE [ARGUMENTS]

Runs CODE, a script: statements, declarations and functions in any order; standard packages need no import.
Several -e are lines of one script. Unused variables and imports are only warnings.

Examples:
  golite -e 'for i := range 3 { fmt.Println(i * i) }'
  golite -e 'x := 6' -e 'func f(n int) int { return n * x }' -e 'fmt.Println(f(7))'
  golite -e 'fmt.Println(time.Now().Format(time.Kitchen))'
";

const CHECK: &str = "\
Usage: golite check [FLAGS] FILE|DIR|-...

Reports every error of the programs, each as FILE:LINE:COLUMN: MESSAGE (with an excerpt of the source on a terminal),
and runs nothing. Each word is a program of its own; a folder may be a package without `main`. With --stubs DIR programs may import the
packages of a host whose declarations are in DIR (crate golite's `write_stubs` writes them).

Exit status: 0 if there is no error, else 1.
";

const FMT: &str = "\
Usage: golite fmt [FLAGS] [FILE|DIR|-]...

Formats Go and golite sources exactly as gofmt does. Files, and all .go and .gl files below folders, are rewritten in place, and those
that changed are named. Standard input (-, or no name at all) goes to standard output; it may be a piece of a file. A file with
syntax errors is left alone, and they are reported.

Flags:
  --check       name the files that are not formatted, change nothing; exit status 1 if there are any
  --diff        show what would change as unified differences, change nothing; exit status 1 if there is anything
  --simplify    also leave out what means nothing: types within literals, `len(s)` of slices, blank range variables
";

const DISASSEMBLE: &str = "\
Usage: golite disassemble FILE|DIR

Prints the bytecode of the program's own functions and of what they use from standard packages, and beside the first instruction of
each line of their source that line.
docs/instructions.md explains each instruction.
";

const EXPLAIN: &str = "\
Usage: golite explain [CODE]

Tells what an error means, shows a program that has it and how it is mended. The code stands in brackets in the
error's first line on a terminal: error[E0202]. Without CODE it lists all codes.
";

const TEST: &str = "\
Usage: golite test [FLAGS] [PACKAGE...] [FLAGS] [-args ARGUMENTS]

Runs the tests of packages: functions in files whose names end in _test.gl or _test.go. A package is a folder (.), all folders below one
(./...), an import path of the module, or the files of one. Without any it is the current folder, and all that its tests print is shown.
A package that passes says ok; of one that fails all is shown.

A first test, sum_test.gl beside sum.gl:
  package sum

  import \"testing\"

  func TestAdd(t *testing.T) {
      if got := Add(1, 2); got != 3 {
          t.Errorf(\"Add(1, 2) = %d, want 3\", got)
      }
  }

TestXxx(t *testing.T)       t.Run(name, f) for tests within it, t.Parallel() for those that may run at the same time
BenchmarkXxx(b *testing.B)  for b.Loop() { what is measured }
ExampleXxx()                prints what its last comment says: // Output: ...
FuzzXxx(f *testing.F)       its seeds: f.Add(values), f.Fuzz(func(t *testing.T, values) { ... })
TestMain(m *testing.M)      runs instead of them, and calls m.Run()

Flags, with one dash or two:
  -run REGEXP        only tests and examples whose names match; a part between slashes for each level: -run 'TestAdd/negative'
  -skip REGEXP       not those
  -v                 show every test, and what it logs
  -json              show a line of JSON for every event
  -list REGEXP       show the names of tests that match, run none
  -count N           run each N times
  -shuffle on|off|N  in another order, from seed N perhaps
  -short             testing.Short() is true
  -failfast          stop at the first that fails
  -timeout D         panic when a package's tests take longer (default 10m; 0: never)
  -parallel N        so many tests that call t.Parallel at the same time
  -p N               so many packages at the same time
  -cpu 1,2,4         run all for each number of processors
  -bench REGEXP      run the benchmarks that match, too
  -benchtime D|Nx    each for so long, or so often (default 1s)
  -benchmem          show what benchmarks allocate
  -fullpath          show whole file names before messages
  -cover             say which share of the statements has run; -covermode set|count|atomic: how they are counted
  -coverpkg A,B      of these packages (patterns as ./...), not only of the one that is tested
  -coverprofile FILE also write how often each block of statements has run (for `go tool cover -html`)
  -cpuprofile FILE   write a CPU profile of the one package's tests (for `go tool pprof`, `golite profile view`)
  -memprofile FILE   write a profile of what its tests allocate
  -leaks             note goroutines that are left when a test is done
  -seed N            on one processor, with a clock that only moves when everybody waits: draw the order of goroutines and all that
                     is random from N
  -schedules K       run all under K seeds, from -seed or 1 on, until something fails; the seed that fails is named
  -max-heap SIZE     the tests of a package may take so much memory
  -std FOLDER        standard packages that golite does not have are taken from FOLDER, the src of an installed Go; a package there
                     that is to be tested replaces golite's own. May be given several times

Exit status: 0 if all tests pass, else 1; 2 if the command line makes no sense.

Examples:
  golite test
  golite test -v -run TestAdd ./...
  golite test -schedules 100 ./queue
";

const BENCH: &str = "\
Usage: golite bench [FLAGS] [PACKAGE...]

Short for golite test -bench . -run '^$': runs benchmarks, no tests. Flags are those of golite test.

Examples:
  golite bench
  golite bench -bench Sort -benchmem -count 5 ./...
";

const REPL: &str = "\
Usage: golite repl [FLAGS]
       golite

Reads a program line by line and runs each line at once; the value of an expression is shown with its type, and `_` is the last value.
Statements, declarations, functions, types and methods stand in any order; standard packages need no import. A name that is declared
again stands for the new thing from then on; code from before keeps the old one. What is not used is no error. Lines are put together
as long as a bracket is open; an empty line ends them all the same. Goroutines go on while one types.

Ctrl-C stops what runs and says where it was; a second one ends the session, as Ctrl-D does. `:help` lists the commands. Lines are kept in
$XDG_STATE_HOME/golite/history. When standard input is no terminal, lines are read from it without echo.
";

const ENVIRONMENT: &str = "\
GOMAXPROCS     how many processors run goroutines (default: those the machine grants)
GOGC           collect when the heap has grown by this percentage (default 100; off: never)
GOMEMLIMIT     how much memory the heap may take (512MiB, 2GiB; default: no limit)
NO_COLOR       if it is not empty, no colours
GOMODCACHE     where an installed Go keeps modules (also GOPATH)
GOLITE_CACHE   folder in which programs are kept compiled (default: golite/programs in $XDG_CACHE_HOME or ~/.cache; off: nowhere)
GOLITEDEBUG    comma-separated flags, name=value:
";

/// What `golite help` prints.
pub fn general() -> String {
    format!("{GENERAL}{FLAGS}")
}

/// What `golite help TOPIC` prints.
pub fn of(topic: &str) -> Option<String> {
    Some(match topic {
        "golite" | "help" => general(),
        "run" => format!("{RUN}{FLAGS}{RUN_FLAGS}{RUN_EXAMPLES}"),
        "trace" => TRACE.to_owned(),
        "profile" => format!("{PROFILE}{FLAGS}"),
        "eval" | "-e" => EVAL.to_owned(),
        "check" => format!("{CHECK}{FLAGS}"),
        "fmt" => FMT.to_owned(),
        "disassemble" => DISASSEMBLE.to_owned(),
        "test" => TEST.to_owned(),
        "bench" => BENCH.to_owned(),
        "explain" => EXPLAIN.to_owned(),
        "repl" => format!("{REPL}{FLAGS}"),
        "environment" => format!("{ENVIRONMENT}{}", debug_flags::help()),
        "version" => VERSION.to_owned(),
        "build" => format!("{BUILD}{FLAGS}"),
        "doc" => DOC.to_owned(),
        "lsp" => LSP.to_owned(),
        "vet" => {
            let rules = vet::Rule::ALL.iter().map(|rule| {
                let mark = if rule.is_for_tests() { "*" } else { " " };
                format!("{mark} {:<14}{}\n", rule.name(), rule.about().trim())
            });
            format!("{VET}{}{VET_EXAMPLES}{FLAGS}", rules.collect::<String>())
        }
        "completions" => COMPLETIONS.to_owned(),
        "man" => MAN.to_owned(),
        _ => return None,
    })
}

/// What a command does, in a line: what [`GENERAL`] says of it.
pub fn summary(command: &str) -> &'static str {
    let prefix = format!("  golite {command} ");
    let of = |line: &'static str| {
        line.starts_with(&prefix)
            .then(|| line.rsplit_once("  ").map(|(_, text)| text))?
    };
    match command {
        "eval" => "run CODE",
        _ => GENERAL.lines().find_map(of).unwrap_or_default(),
    }
}

/// What `golite version` prints.
pub fn version() -> String {
    concat!("golite ", env!("CARGO_PKG_VERSION"), " (Go 1.27)\n").to_owned()
}

/// What `golite version --json` prints.
pub fn version_json() -> String {
    format!(
        "{{\"version\":\"{}\",\"go\":\"1.27\",\"os\":\"{}\",\"arch\":\"{}\",\"instructions\":{},\"packages\":{}}}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        bytecode::Opcode::ALL.len(),
        stdlib::outline::packages().len(),
    )
}

/// What `golite man` prints: all pages, in the language of man.
pub fn manual() -> String {
    let mut page = String::from(
        ".TH GOLITE 1\n.SH NAME\ngolite \\- run Go programs as scripts\n.SH SYNOPSIS\n\
         .B golite\n[FLAGS] FILE|COMMAND [WORDS]\n.SH DESCRIPTION\n",
    );
    for topic in COMMANDS.iter().copied().chain(["environment"]) {
        if matches!(topic, "help") {
            continue;
        }
        if topic != "golite" {
            page.push_str(&format!(".SH {}\n", topic.to_uppercase()));
        }
        page.push_str(".nf\n");
        for line in of(topic).unwrap_or_default().lines() {
            // A dot or a quote at the beginning of a line would be a request, a backslash an escape.
            let line = line.replace('\\', "\\e").replace('-', "\\-");
            if line.starts_with(['.', '\'']) {
                page.push_str("\\&");
            }
            page.push_str(&line);
            page.push('\n');
        }
        page.push_str(".fi\n");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        for command in COMMANDS {
            assert!(
                of(command).is_some_and(|text| text.contains("Usage")),
                "{command}"
            );
            if *command != "golite" {
                assert!(!summary(command).is_empty(), "{command}");
            }
        }
    }
}
