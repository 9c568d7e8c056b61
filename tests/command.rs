//! What the command itself does: which files make a program, what it says when they do not, how a process ends.
//!
//! What Go's compiler has an opinion on is data, in `tests/run` and `tests/packages`; here stands the rest.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use xtask::suite::{self, Outcome};

const GOLITE: &str = env!("CARGO_BIN_EXE_golite");

/// A folder with files that is gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str, files: &[(&str, &str)]) -> Folder {
        let root = std::env::temp_dir().join(format!("golite-{test}-{}", std::process::id()));
        for (name, text) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("below the root"))
                .expect("a folder can be made");
            fs::write(path, text).expect("a file can be written");
        }
        Folder(root.canonicalize().expect("it is there"))
    }

    fn golite(&self, arguments: &[&str]) -> Outcome {
        golite_in(&self.0, arguments, "")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn golite_in(folder: &Path, arguments: &[&str], stdin: &str) -> Outcome {
    let mut command = Command::new(GOLITE);
    command.args(arguments).current_dir(folder);
    suite::run(&mut command, stdin.into(), Duration::from_secs(60)).expect("golite can be run")
}

#[track_caller]
fn assert_outcome(outcome: &Outcome, status: i32, stdout: &str, stderr: &str) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(
        (outcome.status, text(&outcome.stdout), text(&outcome.stderr)),
        (Some(status), stdout.to_owned(), stderr.to_owned())
    );
}

const UTIL: &str =
    "package util\n\nimport \"../other\"\n\nfunc Twice(x int) int { return other.Two * x }\n";

#[test]
fn without_a_module_packages_lie_beside_the_program() {
    let folder = Folder::new(
        "beside",
        &[
            (
                "main.gl",
                "package main\n\nimport \"./util\"\nimport \"other\"\n\nfunc main() { println(util.Twice(other.Two)) }\n",
            ),
            ("util/util.gl", UTIL),
            ("other/other.go", "package other\n\nconst Two = 2\n"),
        ],
    );
    assert_outcome(&folder.golite(&["run", "main.gl"]), 0, "", "4\n");
    assert_outcome(&folder.golite(&["run", "."]), 0, "", "4\n");
    assert_outcome(
        &golite_in(&folder.0.join("util"), &["../main.gl"], ""),
        0,
        "",
        "4\n",
    );
}

#[test]
fn files_of_a_program_are_given_by_name_and_arguments_follow() {
    let main = "package main\n\nimport \"os\"\n\nfunc main() { println(len(os.Args), help(), os.Args[len(os.Args)-1]) }\n";
    let folder = Folder::new(
        "files",
        &[
            ("main.gl", main),
            (
                "help.go",
                "//go:build ignore\n\npackage main\n\nfunc help() string { return \"help\" }\n",
            ),
        ],
    );
    assert_outcome(
        &folder.golite(&["run", "main.gl", "help.go", "x", "y.go"]),
        0,
        "",
        "3 help y.go\n",
    );
    assert_outcome(
        &folder.golite(&["run", "main.gl", "help.go", "--", "y.go"]),
        0,
        "",
        "2 help y.go\n",
    );
    let alone = folder.golite(&["main.gl", "help.go"]);
    assert_outcome(&alone, 1, "", "main.gl:5:37: undefined: help\n");
}

#[test]
fn a_program_comes_from_standard_input() {
    let text = "package main\n\nimport \"os\"\n\nfunc main() { println(os.Args[1]) }\n";
    assert_outcome(
        &golite_in(Path::new("/"), &["run", "-", "x"], text),
        0,
        "",
        "x\n",
    );
    let wrong = golite_in(
        Path::new("/"),
        &["run", "-"],
        "package main\n\nfunc main() { x }\n",
    );
    assert_outcome(&wrong, 1, "", "-:3:15: undefined: x\n");
}

#[test]
fn a_program_from_a_pipe_may_have_arguments_that_look_like_files() {
    let code = "println(len(os.Args), os.Args[1])";
    let outcome = golite(&["run", "/dev/stdin", "other.go"], code);
    assert_outcome(&outcome, 0, "", "2 other.go\n");
}

#[test]
fn packages_that_import_each_other_in_a_circle_are_refused_with_the_way() {
    let folder = Folder::new(
        "cycle",
        &[
            ("go.mod", "module example.com/m\n"),
            (
                "main.go",
                "package main\n\nimport \"example.com/m/a\"\n\nfunc main() { println(a.A) }\n",
            ),
            (
                "a/a.go",
                "package a\n\nimport \"example.com/m/b\"\n\nvar A = b.B\n",
            ),
            (
                "b/b.go",
                "package b\n\nimport \"example.com/m/a\"\n\nvar B = a.A\n",
            ),
        ],
    );
    let expected = "b/b.go:3:8: import cycle not allowed\n\tpackage example.com/m\n\timports example.com/m/a from main.go\n\t\
                    imports example.com/m/b from a.go\n\timports example.com/m/a from b.go\n";
    assert_outcome(&folder.golite(&["run", "."]), 1, "", expected);
}

#[test]
fn what_is_wrong_with_a_folder_is_said_in_gos_words() {
    let folder = Folder::new(
        "folders",
        &[
            ("two/x.go", "package x\n"),
            ("two/y.go", "package y\n"),
            ("none/readme.txt", ""),
            ("tests/a_test.go", "package a\n"),
            ("other/a_plan9.go", "package a\n"),
            ("a.go", "package main\n"),
        ],
    );
    let root = folder.0.display();
    let refused = |words: &[&str], message: &str| {
        assert_outcome(
            &folder.golite(words),
            1,
            "",
            &format!("golite: {message}\n"),
        );
    };
    refused(
        &["run", "two"],
        &format!("found packages x (x.go) and y (y.go) in {root}/two"),
    );
    refused(&["run", "none"], &format!("no Go files in {root}/none"));
    refused(
        &["run", "tests"],
        &format!("no non-test Go files in {root}/tests"),
    );
    refused(
        &["run", "other"],
        &format!("build constraints exclude all Go files in {root}/other"),
    );
    refused(
        &["run", "a.go", "two/x.go"],
        "named files must all be in one directory; have . and two",
    );
    refused(
        &["run", "missing.go"],
        "missing.go: no such file or directory",
    );
}

#[test]
fn internal_packages_are_for_their_neighbours() {
    let folder = Folder::new(
        "internal",
        &[
            ("go.mod", "module example.com/m\n"),
            (
                "main.go",
                "package main\n\nimport \"example.com/m/lib/internal/x\"\n\nfunc main() { println(x.X) }\n",
            ),
            ("lib/internal/x/x.go", "package x\n\nconst X = 1\n"),
            (
                "lib/tool/t.go",
                "package main\n\nimport \"example.com/m/lib/internal/x\"\n\nfunc main() { println(x.X) }\n",
            ),
        ],
    );
    let message = "main.go:3:8: use of internal package example.com/m/lib/internal/x not allowed\n";
    assert_outcome(&folder.golite(&["run", "."]), 1, "", message);
    assert_outcome(&folder.golite(&["run", "lib/tool"]), 0, "", "1\n");
}

#[test]
fn relative_imports_are_refused_in_a_module() {
    let folder = Folder::new(
        "relative",
        &[
            ("go.mod", "module example.com/m\n"),
            (
                "main.go",
                "package main\n\nimport \"./util\"\n\nfunc main() { println(util.X) }\n",
            ),
            ("util/util.go", "package util\n\nconst X = 1\n"),
        ],
    );
    let message = "main.go:3:8: \"./util\" is relative, but relative import paths are not supported in module mode\n";
    assert_outcome(&folder.golite(&["run", "."]), 1, "", message);
}

#[test]
fn required_modules_are_found_in_the_cache_of_an_installed_go() {
    let folder = Folder::new(
        "cache",
        &[
            (
                "m/go.mod",
                "module example.com/m\n\nrequire example.org/Lib v1.0.0\n",
            ),
            (
                "m/main.go",
                "package main\n\nimport \"example.org/Lib/part\"\n\nfunc main() { println(part.X) }\n",
            ),
            (
                "cache/example.org/!lib@v1.0.0/part/p.go",
                "package part\n\nconst X = 1\n",
            ),
        ],
    );
    let mut command = Command::new(GOLITE);
    command
        .args(["run", "m"])
        .current_dir(&folder.0)
        .env("GOMODCACHE", folder.0.join("cache"));
    let outcome =
        suite::run(&mut command, Vec::new(), Duration::from_secs(60)).expect("golite can be run");
    assert_outcome(&outcome, 0, "", "1\n");
}

#[test]
fn a_child_has_the_limit_of_open_files_that_the_program_was_started_with() {
    let script = "import (\n\t\"fmt\"\n\t\"os/exec\"\n)\n\nfor _, limit := range []string{\"-S\", \"-H\"} {\n\tout, err := exec.Command(\"sh\", \"-c\", \"ulimit \"+limit+\"n\").Output()\n\tfmt.Print(string(out), err, \"\\n\")\n}\n";
    let folder = Folder::new("descriptor-limit", &[("limits.gl", script)]);
    let mut command = Command::new("sh");
    let line = format!("ulimit -Sn 300 && ulimit -Hn 700 && exec {GOLITE} run limits.gl");
    command.args(["-c", &line]).current_dir(&folder.0);
    let outcome =
        suite::run(&mut command, Vec::new(), Duration::from_secs(600)).expect("sh can be run");
    assert_outcome(&outcome, 0, "300\n<nil>\n700\n<nil>\n", "");
}

#[test]
fn a_reader_that_goes_away_ends_the_program_by_a_signal() {
    use std::os::unix::process::ExitStatusExt;
    let folder = Folder::new(
        "pipe",
        &[(
            "a.gl",
            "package main\n\nimport \"fmt\"\n\nfunc main() { for { fmt.Println(\"y\") } }\n",
        )],
    );
    let mut child = Command::new(GOLITE)
        .args(["run", "a.gl"])
        .current_dir(&folder.0)
        .stdout(Stdio::piped())
        .spawn()
        .expect("golite can be run");
    drop(child.stdout.take());
    let status = child.wait().expect("it ends");
    assert_eq!(status.signal(), Some(13), "{status}");
}

#[test]
fn scripts_are_told_what_is_wrong_with_them_in_gos_words() {
    for (text, expected) in [
        ("fmt.Println(x)\nx := 1\n", "1:13: undefined: x"),
        (
            "x := 1\nx := 2\n",
            "2:3: no new variables on left side of :=",
        ),
        (
            "var x int\nvar x string\n",
            "2:5: x redeclared in this block\n\tscript.gl:1:5: other declaration of x",
        ),
        (
            "f()\nfunc f() { x = nowhere }\nx := 1\n",
            "2:16: undefined: nowhere",
        ),
        ("if true { x := 1 }\n", "1:11: declared and not used: x"),
        (
            "import \"os\"\nprintln()\n",
            "1:8: \"os\" imported and not used",
        ),
        (
            "println()\nimport \"os\"\n",
            "2:1: syntax error: imports must appear before other declarations",
        ),
        (
            "goto L\nx := 2\nL:\n",
            "1:6: goto L jumps over declaration of x at script.gl:2:3",
        ),
        ("break\n", "1:1: break is not in a loop, switch, or select"),
        (
            "return 5\n",
            "1:8: too many return values\n\thave (number)\n\twant ()",
        ),
        ("fmt.Printn()\n", "1:5: undefined: fmt.Printn"),
        (
            "type T struct{}\nfunc T() {}\n",
            "2:6: T redeclared in this block\n\tscript.gl:1:6: other declaration of T",
        ),
    ] {
        let folder = Folder::new("script", &[("script.gl", text)]);
        assert_outcome(
            &folder.golite(&["script.gl"]),
            1,
            "",
            &format!("script.gl:{expected}\n"),
        );
    }
}

#[test]
fn a_script_imports_packages_beside_it_and_is_no_part_of_one() {
    let folder = Folder::new(
        "beside-script",
        &[
            ("go.mod", "module example.com/m\n"),
            (
                "script",
                "#!/usr/bin/env golite\nimport \"./util\"\nimport \"example.com/m/more\"\nprintln(util.X, more.Y, len(os.Args))\n",
            ),
            ("util/util.gl", "package util\n\nconst X = 1\n"),
            ("more/more.gl", "package more\n\nconst Y = 2\n"),
            ("two/a.gl", "println(1)\n"),
            ("two/b.gl", "package two\n"),
        ],
    );
    assert_outcome(&folder.golite(&["./script", "x.go", "y"]), 0, "", "1 2 3\n");
    assert_outcome(
        &folder.golite(&["run", "script", "x.go", "y"]),
        0,
        "",
        "1 2 3\n",
    );
    let message = "golite: two/a.gl has no package clause: it is a script, which is a program of its own and no part of a package\n";
    assert_outcome(&folder.golite(&["run", "two"]), 1, "", message);
}

fn golite(arguments: &[&str], stdin: &str) -> Outcome {
    golite_in(Path::new("/"), arguments, stdin)
}

#[test]
fn code_stands_on_the_command_line() {
    let outcome = golite(&["-e", "fmt.Println(1+2, os.Args)", "a", "--help"], "");
    assert_outcome(&outcome, 0, "3 [-e a --help]\n", "");
    let lines = [
        "-e",
        "x := 6",
        "-e",
        "func f(n int) int { return n * x }",
        "-e",
        "println(f(7))",
    ];
    assert_outcome(&golite(&lines, ""), 0, "", "42\n");
    assert_outcome(&golite(&["eval", "os.Exit(7)"], ""), 7, "", "");
    assert_outcome(
        &golite(
            &["run", "-e", "b, _ := io.ReadAll(os.Stdin); print(len(b))"],
            "four",
        ),
        0,
        "",
        "4",
    );
}

#[test]
fn unused_things_are_warnings_where_nothing_is_kept() {
    let code = "import \"os\"\nif true { x := 1 }\nprintln(\"runs\")";
    let warnings = "-e:1:8: warning: \"os\" imported and not used\n-e:2:11: warning: declared and not used: x\n";
    assert_outcome(
        &golite(&["-e", code], ""),
        0,
        "",
        &format!("{warnings}runs\n"),
    );
    let folder = Folder::new(
        "relaxed",
        &[
            (
                "main.gl",
                "package main\n\nimport \"./util\"\n\nfunc main() {\n\tx := util.X\n}\n",
            ),
            (
                "util/util.gl",
                "package util\n\nimport \"os\"\n\nconst X = 1\n",
            ),
        ],
    );
    let warnings = "util/util.gl:3:8: warning: \"os\" imported and not used\nmain.gl:6:2: warning: declared and not used: x\n";
    assert_outcome(
        &folder.golite(&["run", "--relaxed", "main.gl"]),
        0,
        "",
        warnings,
    );
    assert_outcome(
        &folder.golite(&["run", "main.gl"]),
        1,
        "",
        "util/util.gl:3:8: \"os\" imported and not used\n",
    );
}

#[test]
fn redirected_input_is_a_program() {
    assert_outcome(&golite(&[], "println(\"in\")\n"), 0, "", "in\n");
    assert_outcome(&golite(&["-", "x"], "println(os.Args[1])\n"), 0, "", "x\n");
}

#[test]
fn errors_are_shown_as_asked() {
    let json = "{\"file\":\"-e\",\"line\":1,\"column\":1,\"end_line\":1,\"end_column\":4,\"severity\":\"error\",\
                \"code\":\"E0102\",\"message\":\"undefined: foo\",\"help\":null,\"labels\":[]}\n";
    assert_outcome(&golite(&["--format", "json", "-e", "foo"], ""), 1, "", json);
    let full = "error[E0102]: undefined: foo\n --> -e:1:1\n  |\n1 | foo\n  | ^^^\n\n";
    assert_outcome(&golite(&["--format=full", "-e", "foo"], ""), 1, "", full);
    let colored = golite(&["--format=full", "--color=always", "-e", "foo"], "");
    assert!(colored.stderr.contains(&0x1b));
}

#[test]
fn run_stops_at_ten_errors_and_check_does_not() {
    let text = "package main\n\nfunc main() {\n".to_owned() + &"\tx()\n".repeat(12) + "}\n";
    let folder = Folder::new("ten", &[("a.gl", &text)]);
    let line = |line: usize| format!("a.gl:{line}:2: undefined: x\n");
    let all: String = (4..16).map(line).collect();
    assert_outcome(&folder.golite(&["check", "a.gl"]), 1, "", &all);
    let ten: String = (4..14).map(line).collect();
    assert_outcome(
        &folder.golite(&["run", "a.gl"]),
        1,
        "",
        &format!("{ten}a.gl:13:2: too many errors\n"),
    );
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_2_and_a_hint() {
    for (arguments, message) in [
        (
            &["chekc"][..],
            "no command and no file \"chekc\"; did you mean `golite check`?",
        ),
        (
            &["--relax", "a.gl"],
            "golite: no flag --relax; did you mean --relaxed?",
        ),
        (
            &["run"],
            "run: which program? (golite run FILE|FOLDER|- [ARGUMENTS])",
        ),
        (
            &["explain", "E0203x"],
            "explain: no code \"E0203x\", did you mean E0203? (golite explain lists them)",
        ),
    ] {
        assert_outcome(
            &golite(arguments, ""),
            2,
            "",
            &format!("golite: {message}\n"),
        );
    }
    let mut command = Command::new(GOLITE);
    command.args(["-e", ""]).env("GOLITEDEBUG", "gcstres=1");
    let outcome =
        suite::run(&mut command, Vec::new(), Duration::from_secs(60)).expect("golite can be run");
    assert_eq!(outcome.status, Some(2));
    assert!(String::from_utf8_lossy(&outcome.stderr).contains("no flag \"gcstres\""));
}

#[test]
fn a_test_that_takes_too_long_shows_where_everybody_is() {
    let test = "package x\n\nimport \"testing\"\n\nfunc TestHangs(t *testing.T) {\n\tt.Run(\"inside\", func(t *testing.T) {\n\t\t<-make(chan int)\n\t})\n}\n";
    let files = [("go.mod", "module x\n\ngo 1.27\n"), ("x_test.go", test)];
    let folder = Folder::new("timeout", &files);
    let outcome = folder.golite(&["test", "-timeout", "200ms"]);
    let shown = String::from_utf8_lossy(&outcome.stdout);
    let place = |line| format!("\n\t{}:{line} +", folder.0.join("x_test.go").display());
    for part in [
        "panic: test timed out after 200ms\n\trunning tests:\n\t\tTestHangs (",
        "\n\ngoroutine 1 [chan receive",
        "\nx.TestHangs(...)",
        &place(6),
        "\nx.TestHangs.func1(...)",
        &place(7),
        "\nFAIL\tx\t",
    ] {
        assert!(shown.contains(part), "{part:?} is lacking in\n{shown}");
    }
    assert_eq!(outcome.status, Some(1));
}

#[test]
fn what_was_printed_is_there_however_the_program_ends() {
    for (end, status) in [
        ("", 0),
        ("os.Exit(3)", 3),
        ("panic(1)", 2),
        ("select {}", 2),
        ("var m map[int]int; m[1] = 1", 2),
    ] {
        let code = format!("fmt.Print(\"printed\"); defer fmt.Print(\" deferred\")\n{end}");
        let outcome = golite(&["-e", &code], "");
        let deferred = if status == 3 || end == "select {}" {
            ""
        } else {
            " deferred"
        };
        let stdout = String::from_utf8_lossy(&outcome.stdout).into_owned();
        assert_eq!(
            (outcome.status, stdout),
            (Some(status), format!("printed{deferred}")),
            "{end}"
        );
    }
}

#[test]
fn signals_end_a_program_as_they_do_any_other() {
    use std::os::unix::process::ExitStatusExt;
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        // The tests may run under nohup, which has SIGHUP ignored by everybody in it.
        let mut child = Command::new("env")
            .args(["--default-signal", GOLITE])
            .args(["-e", "fmt.Println(\"ready\"); for {}"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("golite can be run");
        let mut ready = [0; 6];
        let stdout = child.stdout.as_mut().expect("a pipe");
        std::io::Read::read_exact(stdout, &mut ready).expect("it says so");
        let sent = Command::new("kill")
            .args([format!("-{name}"), child.id().to_string()])
            .status();
        assert!(sent.expect("kill can be run").success());
        assert_eq!(child.wait().expect("it ends").signal(), Some(number));
    }
}

/// The examples of a page: pieces of Go, each a file or several with their names between dashes, or commands for the shell.
fn examples(page: &str) -> Vec<(&str, &str)> {
    let pieces = page.split("```").skip(1).step_by(2);
    pieces
        .filter_map(|piece| piece.split_once('\n'))
        .filter(|(language, _)| matches!(*language, "go" | "sh" | "vet"))
        .collect()
}

/// The files of an example: `-- name --` and what follows, or all of it as `a.gl`.
fn files_of(text: &str) -> Vec<(&str, &str)> {
    let Some(rest) = text.strip_prefix("-- ") else {
        return vec![("a.gl", text)];
    };
    rest.split("\n-- ")
        .filter_map(|file| file.split_once(" --\n"))
        .collect()
}

/// What an example gives: its exit status, and its messages as JSON, of a shell's command as text.
fn outcome_of(language: &str, text: &str) -> Outcome {
    if language == "sh" {
        let folder = Path::new(GOLITE)
            .parent()
            .expect("it is in a folder")
            .display();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = Command::new("sh");
        shell
            .args(["-c", text])
            .env("PATH", format!("{folder}:{path}"));
        return suite::run(&mut shell, Vec::new(), Duration::from_secs(60)).expect("sh is there");
    }
    let files = files_of(text);
    let program = if files.len() == 1 { "a.gl" } else { "." };
    if language == "vet" {
        return Folder::new("page", &files).golite(&["vet", "--format=json", program]);
    }
    // What is printed is of no interest, but the program must be complete.
    Folder::new("page", &files).golite(&["--format=json", "disassemble", program])
}

#[test]
fn every_diagnostic_has_a_page_whose_first_example_has_it_and_whose_second_is_mended() {
    let mut codes: Vec<String> = diagnostics::Code::ALL
        .iter()
        .map(|code| code.to_string())
        .collect();
    codes.sort();
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/diagnostics");
    let mut names: Vec<String> = fs::read_dir(&pages)
        .expect("the pages are there")
        .map(|entry| {
            entry
                .expect("a page")
                .path()
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    assert_eq!(codes, names, "a page for each code");
    let mut problems = String::new();
    for code in codes {
        let page = fs::read_to_string(pages.join(format!("{code}.md"))).expect("a page");
        let explained = golite(&["explain", &code], "");
        assert_outcome(&explained, 0, &page, "");
        let title = page.lines().next().unwrap_or_default();
        let title = title.trim_start_matches(&format!("# {code}: "));
        let [wrong, mended] = examples(&page)[..] else {
            panic!("{code} wants two examples");
        };
        for ((language, text), is_wrong) in [(wrong, true), (mended, false)] {
            let outcome = outcome_of(language, text);
            let stderr = String::from_utf8_lossy(&outcome.stderr).into_owned();
            let wanted = match language {
                "sh" => title.to_owned(),
                _ => format!("\"code\":\"{code}\""),
            };
            let holds = if is_wrong {
                stderr.contains(&wanted) && stderr.lines().all(|line| line.contains(&wanted))
            } else {
                outcome.status == Some(0)
            };
            if !holds {
                problems.push_str(&format!("{code}, wanted {wanted:?}: {stderr}\n{text}\n"));
            }
        }
    }
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn fmt_rewrites_files_and_folders() {
    let files = [
        ("a.gl", "x:=1\nfmt.Println( x )\n"),
        ("sub/b.go", "package b\nvar  x=[]T{T{}}\n"),
        ("sub/good.go", "package b\n"),
        ("sub/.hidden.go", "package   b\n"),
        ("sub/bad.go", "package b\nfunc (\n"),
    ];
    let folder = Folder::new("fmt", &files);
    let read = |name: &str| fs::read_to_string(folder.0.join(name)).expect("it is there");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let outcome = folder.golite(&["fmt", "--check", "."]);
    assert_eq!(outcome.status, Some(1));
    assert_eq!(text(&outcome.stdout), "a.gl\nsub/b.go\n");
    assert!(text(&outcome.stderr).starts_with("sub/bad.go:"));
    assert_eq!(read("a.gl"), files[0].1);
    let outcome = folder.golite(&["fmt", "a.gl", "--diff"]);
    let shown = "diff a.gl.orig a.gl\n--- a.gl.orig\n+++ a.gl\n@@ -1,2 +1,2 @@\n-x:=1\n-fmt.Println( x )\n+x := 1\n+fmt.Println(x)\n";
    assert_outcome(&outcome, 1, shown, "");
    let outcome = folder.golite(&["fmt", "--simplify", "sub"]);
    assert_eq!(outcome.status, Some(1));
    assert_eq!(text(&outcome.stdout), "sub/b.go\n");
    assert_eq!(read("sub/b.go"), "package b\n\nvar x = []T{{}}\n");
    assert_eq!(read("sub/bad.go"), files[4].1);
    assert_outcome(&folder.golite(&["fmt", "a.gl"]), 0, "a.gl\n", "");
    assert_outcome(&folder.golite(&["fmt", "--check", "a.gl"]), 0, "", "");
}

#[test]
fn fmt_is_a_filter() {
    let folder = Folder::new("fmt_filter", &[("x", "")]);
    for arguments in [&["fmt"][..], &["fmt", "-"]] {
        let outcome = golite_in(&folder.0, arguments, "\tif x{y( )}\n");
        assert_outcome(&outcome, 0, "\tif x {\n\t\ty()\n\t}\n", "");
    }
}

#[test]
fn a_sandbox_holds_but_for_what_is_allowed() {
    let script = "read := func(name string) {\n\tdata, err := os.ReadFile(name)\n\tfmt.Printf(\"%s %v\\n\", data, err)\n}\nread(\"in/a\")\nread(\"in/out\")\nread(\"b\")\nfmt.Println(len(os.Environ()), os.WriteFile(\"in/c\", nil, 0o644))\n";
    let folder = Folder::new(
        "sandbox",
        &[("a.gl", script), ("in/a", "inside"), ("b", "beside")],
    );
    std::os::unix::fs::symlink("../b", folder.0.join("in/out")).expect("a link can be made");
    let denied = |name: &str| format!(" open {name}: permission denied\n");
    let outcome = folder.golite(&["--sandbox", "a.gl"]);
    let none = [denied("in/a"), denied("in/out"), denied("b")].concat();
    let write = "0 open in/c: permission denied\n";
    assert_outcome(&outcome, 0, &format!("{none}{write}"), "");
    let outcome = folder.golite(&["--allow-read=in", "a.gl"]);
    let some = ["inside <nil>\n".to_owned(), denied("in/out"), denied("b")].concat();
    assert_outcome(&outcome, 0, &format!("{some}{write}"), "");
    let outcome = folder.golite(&["--allow-write=in", "a.gl"]);
    assert_outcome(&outcome, 0, &format!("{some}0 <nil>\n"), "");
    let outcome = folder.golite(&["a.gl"]);
    assert!(String::from_utf8_lossy(&outcome.stdout).contains("beside <nil>\nbeside <nil>\n"));
}

#[test]
fn programs_are_checked_against_the_declarations_of_a_host() {
    let folder = Folder::new(
        "stubs",
        &[
            (
                "stubs/acme/shop/shop.go",
                "package shop\n\nfunc Price(item string) float64\n",
            ),
            (
                "good.go",
                "package main\n\nimport \"acme/shop\"\n\nfunc F() float64 { return shop.Price(\"tea\") }\n",
            ),
            (
                "bad.go",
                "package main\n\nimport \"acme/shop\"\n\nfunc F() string { return shop.Price(\"tea\") }\n",
            ),
        ],
    );
    assert_outcome(
        &folder.golite(&["check", "--stubs", "stubs", "good.go"]),
        0,
        "",
        "",
    );
    let outcome = folder.golite(&["check", "--stubs=stubs", "bad.go"]);
    assert_eq!(outcome.status, Some(1));
    assert!(String::from_utf8_lossy(&outcome.stderr).starts_with("bad.go:5:26: cannot use"));
}

/// Uses enough of the library to be worth keeping.
const LARGE: &str = "package main

import (
	\"encoding/json\"
	\"fmt\"
	\"net/http\"
	\"os\"
)

func main() {
	if len(os.Args) > 1 {
		http.ListenAndServe(os.Args[1], nil)
	}
	text, err := json.Marshal([]int{1, 2})
	fmt.Println(string(text), err)
	var none []int
	fmt.Println(none[len(os.Args)])
}
";

fn golite_with_cache(folder: &Folder, cache: &Path) -> Outcome {
    let mut command = Command::new(GOLITE);
    command
        .arg("large.gl")
        .current_dir(&folder.0)
        .env("GOLITE_CACHE", cache);
    suite::run(&mut command, Vec::new(), Duration::from_secs(60)).expect("golite can be run")
}

fn kept(cache: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(cache) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

#[test]
fn programs_are_kept_compiled() {
    let folder = Folder::new("kept", &[("large.gl", LARGE)]);
    let cache = folder.0.join("cache");
    let first = golite_with_cache(&folder, &cache);
    assert_eq!(String::from_utf8_lossy(&first.stdout), "[1,2] <nil>\n");
    assert_eq!(first.status, Some(2));
    let files = kept(&cache);
    assert_eq!(files.len(), 1);

    // What is there is what runs: the trace has the same lines.
    let again = golite_with_cache(&folder, &cache);
    assert_eq!(again.stdout, first.stdout);
    assert_eq!(again.stderr, first.stderr);
    assert_eq!(kept(&cache), files);

    // Another text is another program.
    fs::write(folder.0.join("large.gl"), LARGE.replace("{1, 2}", "{3}"))
        .expect("a file can be written");
    let other = golite_with_cache(&folder, &cache);
    assert_eq!(String::from_utf8_lossy(&other.stdout), "[3] <nil>\n");
    assert_eq!(kept(&cache).len(), 2);
}

#[test]
fn what_is_damaged_or_another_may_write_is_compiled_anew() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("damaged", &[("large.gl", LARGE)]);
    let cache = folder.0.join("cache");
    let first = golite_with_cache(&folder, &cache);
    let [file] = kept(&cache).try_into().expect("one file");
    let whole = fs::read(&file).expect("it can be read");
    let middle = whole.len() / 2;
    let mut damaged = whole.clone();
    damaged[middle] ^= 1;
    for wrong in [&damaged[..], &whole[..middle], b""] {
        fs::write(&file, wrong).expect("it can be written");
        let outcome = golite_with_cache(&folder, &cache);
        assert_eq!(
            (outcome.status, &outcome.stdout),
            (first.status, &first.stdout)
        );
        assert_eq!(fs::read(&file).expect("it can be read"), whole);
    }
    // It is not read: it is written anew.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("it can be done");
    golite_with_cache(&folder, &cache);
    let mode = fs::metadata(&file)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}
