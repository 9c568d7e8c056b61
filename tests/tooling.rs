//! What stands around programs: `golite build`, `doc`, `completions`, `man`, `--watch`.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use xtask::suite::{self, Outcome};

const GOLITE: &str = env!("CARGO_BIN_EXE_golite");

/// A folder with files that is gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str, files: &[(&str, &str)]) -> Folder {
        let root = std::env::temp_dir().join(format!("golite-{test}-{}", std::process::id()));
        fs::create_dir_all(&root).expect("a folder can be made");
        for (name, text) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("below the root"))
                .expect("a folder can be made");
            fs::write(path, text).expect("a file can be written");
        }
        Folder(root.canonicalize().expect("it is there"))
    }

    fn golite(&self, arguments: &[&str]) -> Outcome {
        run(Path::new(GOLITE), &self.0, arguments)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(program: &Path, folder: &Path, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    suite::run(&mut command, Vec::new(), Duration::from_secs(60)).expect("it can be run")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const PROGRAM: &str = r#"
func fail(n int) {
	var p *int
	if n == 0 {
		*p = 1
	}
	fail(n - 1)
}

fmt.Println(len(os.Args), os.Args[1:])
if len(os.Args) > 2 {
	fail(1)
}
os.Exit(7)
"#;

#[test]
fn an_executable_is_the_program_and_nothing_else() {
    let folder = Folder::new("build", &[("hello.gl", PROGRAM)]);
    let built = folder.golite(&["build", "hello.gl"]);
    assert_eq!((built.status, text(&built.stderr).as_str()), (Some(0), ""));
    let hello = folder.0.join("hello");
    // golite's own flags and commands are words like any other.
    let outcome = run(&hello, &folder.0, &["--help"]);
    assert_eq!(outcome.status, Some(7));
    assert_eq!(text(&outcome.stdout), "2 [--help]\n");
    let outcome = run(&hello, &folder.0, &["a", "b"]);
    assert_eq!(outcome.status, Some(2));
    let stderr = text(&outcome.stderr);
    assert!(stderr.starts_with("panic: runtime error: invalid memory address"));
    for line in ["hello.gl:5 +0x", "hello.gl:7 +0x", "hello.gl:12 +0x"] {
        assert!(stderr.contains(line), "{line} in {stderr}");
    }
    let program = folder.golite(&["run", "hello.gl", "a", "b"]);
    assert_eq!(text(&program.stderr), stderr);
}

#[test]
fn executables_that_were_cut_or_damaged_are_refused() {
    let folder = Folder::new("damaged", &[("p/p.gl", "println(1)\n")]);
    let built = folder.golite(&["build", "-o", "bin/", "p"]);
    assert_eq!(built.status, Some(1), "bin is not there");
    fs::create_dir(folder.0.join("bin")).expect("a folder can be made");
    let built = folder.golite(&["build", "-o", "bin/", "p"]);
    assert_eq!((built.status, text(&built.stderr).as_str()), (Some(0), ""));
    let program = folder.0.join("bin/p");
    assert_eq!(text(&run(&program, &folder.0, &[]).stderr), "1\n");
    let bytes = fs::read(&program).expect("it is there");
    let executable = |name: &str, bytes: &[u8]| {
        let path = folder.0.join(name);
        fs::copy(&program, &path).expect("it can be copied");
        fs::write(&path, bytes).expect("it can be written");
        let outcome = run(&path, &folder.0, &["-e", "println(2)"]);
        (outcome.status, text(&outcome.stderr))
    };
    for (name, bytes, what) in [
        (
            "cut",
            &bytes[..bytes.len() - 10],
            "compiled program is damaged",
        ),
        (
            "gone",
            &bytes[..bytes.len() / 2 * 2 - 40_000],
            "compiled program",
        ),
    ] {
        let (status, stderr) = executable(name, bytes);
        assert_eq!(status, Some(2), "{name}");
        assert!(stderr.contains(what), "{name}: {stderr}");
    }
    let mut changed = bytes.clone();
    let last = changed.len() - 100;
    changed[last] ^= 1;
    let (status, stderr) = executable("changed", &changed);
    assert_eq!(status, Some(2));
    assert!(
        stderr.ends_with("compiled program is damaged\n"),
        "{stderr}"
    );
}

#[test]
fn what_does_not_compile_is_not_built() {
    let folder = Folder::new("unbuilt", &[("a.gl", "var x int = \"s\"\n")]);
    let built = folder.golite(&["build", "a.gl"]);
    assert_eq!(built.status, Some(1));
    assert!(text(&built.stderr).contains("cannot use"));
    assert!(!folder.0.join("a").exists());
    let built = folder.golite(&["build", "a.gl", "b.gl"]);
    assert_eq!(built.status, Some(2));
}

const QUEUE: &str = r#"// Package queue has queues.
//
// A [Queue] gives back what was put in, in order.
package queue

import "errors"

// ErrEmpty is returned by [Queue.Pop].
var ErrEmpty = errors.New("empty")

// How a queue grows.
const (
	Double = iota // twice as large
	linear
	Never
)

// A Queue holds values.
type Queue[T any] struct {
	// Limit is how many there may be.
	Limit int
	items []T
	Name, Other string // for people

	hidden bool
}

// New makes a queue.
func New[T any](limit int) *Queue[T] {
	return &Queue[T]{Limit: limit}
}

// Push puts x in.
func (q *Queue[T]) Push(x T) bool {
	q.items = append(q.items, x)
	return true
}

// Pop takes the first out.
func (q *Queue[T]) Pop() (x T, err error) { return x, ErrEmpty }

func (q *Queue[T]) grow() {}

// A Sink takes values.
type Sink interface {
	// Put puts.
	Put(x int) error
	Close()
}

func helper() {}
"#;

fn doc(folder: &Folder, words: &[&str]) -> String {
    let mut arguments = vec!["doc"];
    arguments.extend(words);
    let outcome = folder.golite(&arguments);
    text(&outcome.stdout) + &text(&outcome.stderr)
}

/// The expectations are what `go doc` of Go 1.27 prints.
#[test]
fn doc_is_laid_out_as_go_doc_does() {
    let folder = Folder::new(
        "doc",
        &[
            ("go.mod", "module example.com/m\n"),
            ("queue/queue.go", QUEUE),
        ],
    );
    let summary = "package queue // import \"example.com/m/queue\"\n\n\
        Package queue has queues.\n\n\
        A Queue gives back what was put in, in order.\n\n\
        const Double = iota ...\n\
        var ErrEmpty = errors.New(\"empty\")\n\
        type Queue[T any] struct{ ... }\n    func New[T any](limit int) *Queue[T]\n\
        type Sink interface{ ... }\n";
    for words in [&["./queue"][..], &["example.com/m/queue"], &["queue"]] {
        assert_eq!(doc(&folder, words), summary, "{words:?}");
    }
    assert_eq!(
        doc(&folder, &["queue.Queue"]),
        "package queue // import \"example.com/m/queue\"\n\n\
        type Queue[T any] struct {\n\t// Limit is how many there may be.\n\tLimit int\n\n\
        \tName, Other string // for people\n\n\t// Has unexported fields.\n}\n    A Queue holds values.\n\n\
        func New[T any](limit int) *Queue[T]\n\
        func (q *Queue[T]) Pop() (x T, err error)\n\
        func (q *Queue[T]) Push(x T) bool\n"
    );
    let clause = "package queue // import \"example.com/m/queue\"\n\n";
    for (words, wanted) in [
        (
            &["queue.queue.pop"][..],
            "func (q *Queue[T]) Pop() (x T, err error)\n    Pop takes the first out.\n\n",
        ),
        (
            &["./queue", "Push"],
            "func (q *Queue[T]) Push(x T) bool\n    Push puts x in.\n\n",
        ),
        (
            &["queue.Never"],
            "const (\n\tDouble = iota // twice as large\n\n\tNever\n)\n    How a queue grows.\n\n",
        ),
        (
            &["queue.Queue.Limit"],
            "type Queue struct {\n    // Limit is how many there may be.\n    Limit int\n\n    // ... other fields elided ...\n}\n",
        ),
        (
            &["queue.Sink.Put"],
            "type Sink interface {\n\t// Put puts.\n\tPut(x int) error\n}\n",
        ),
    ] {
        assert_eq!(
            doc(&folder, words),
            format!("{clause}{wanted}"),
            "{words:?}"
        );
    }
    assert_eq!(
        doc(&folder, &["queue.Nothing"]),
        "golite: doc: no symbol Nothing in package example.com/m/queue\n"
    );
    assert_eq!(
        doc(&folder, &["nowhere"]),
        "golite: doc: no such package: nowhere\n"
    );
}

#[test]
fn standard_packages_are_documented() {
    let folder = Folder::new("docstd", &[]);
    assert!(doc(&folder, &["strings"]).starts_with("package strings // import \"strings\"\n\n"));
    let builder = doc(&folder, &["strings.Builder"]);
    assert!(
        builder.contains("func (b *Builder) WriteString(s string) (int, error)\n"),
        "{builder}"
    );
    assert!(
        doc(&folder, &["json.Marshal"]).starts_with("package json // import \"encoding/json\"")
    );
    assert!(doc(&folder, &["rand.Float64"]).contains("func Float64() float64\n"));
    assert_eq!(
        doc(&folder, &["-short", "sort.Ints"]),
        "func Ints(x []int)\n"
    );
}

/// `tests/vet/NAME.go`, or a folder with a module, and beside it what `go vet` of Go 1.27 finds, in the order of places; Go calls the package of a
/// file command-line-arguments.
#[test]
fn vet_finds_what_go_vet_finds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vet");
    let mut seen = 0;
    for entry in fs::read_dir(&folder).expect("it is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            seen += 1;
            let outcome = run(Path::new(GOLITE), &path, &["vet", "--format", "short", "."]);
            let wanted = fs::read_to_string(path.with_extension("found")).expect("it is there");
            assert_eq!(text(&outcome.stderr), wanted, "{}", path.display());
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "go") {
            continue;
        }
        seen += 1;
        let name = path
            .file_name()
            .expect("a file")
            .to_string_lossy()
            .into_owned();
        let outcome = run(
            Path::new(GOLITE),
            &folder,
            &["vet", "--format", "short", &name],
        );
        let wanted = fs::read_to_string(path.with_extension("found")).expect("it is there");
        assert_eq!(text(&outcome.stderr), wanted, "{name}");
        assert_eq!(outcome.status, Some(1), "{name}");
    }
    assert!(seen >= 6);
}

#[test]
fn vet_takes_rules_folders_and_patterns() {
    let wrong =
        "package m\n\nimport \"fmt\"\n\nfunc F(x int) {\n\tx = x\n\tfmt.Printf(\"%s\", x)\n}\n";
    let test = "package m\n\nimport \"testing\"\n\nfunc TestF(t *testing.T) {}\n";
    let folder = Folder::new(
        "vet",
        &[
            ("go.mod", "module example.com/m\n"),
            ("m.go", wrong),
            ("m_test.go", test),
            ("sub/sub.gl", "x := 1\nx = x\n"),
            ("testdata/bad.go", "nothing\n"),
        ],
    );
    let vet = |words: &[&str]| {
        let mut arguments = vec!["vet"];
        arguments.extend(words);
        let outcome = folder.golite(&arguments);
        (outcome.status, text(&outcome.stderr))
    };
    let printf = "m.go:7:14: fmt.Printf format %s has arg x of wrong type int\n";
    let assign = "m.go:6:2: self-assignment of x\n";
    let sub = "sub/sub.gl:2:1: self-assignment of x\n";
    assert_eq!(vet(&[]), (Some(1), format!("{assign}{printf}")));
    assert_eq!(vet(&["./..."]), (Some(1), format!("{assign}{printf}{sub}")));
    assert_eq!(vet(&["-printf", "."]), (Some(1), printf.to_owned()));
    assert_eq!(
        vet(&["-printf=false", "-assign=false"]),
        (Some(0), String::new())
    );
    assert_eq!(
        vet(&["-shadow"]),
        (
            Some(2),
            "golite: vet: no flag -shadow; a program's own arguments stand after it\n".to_owned()
        )
    );
    let tested = folder.golite(&["test", "."]);
    assert_eq!(tested.status, Some(1));
    let output = text(&tested.stderr) + &text(&tested.stdout);
    assert_eq!(
        output,
        format!(
            "# example.com/m [example.com/m.test]\n{printf}FAIL\texample.com/m [build failed]\nFAIL\n"
        )
    );
    assert_eq!(folder.golite(&["test", "-vet=off", "."]).status, Some(0));
}

#[test]
fn the_manual_page_and_the_completions_are_understood_by_those_who_read_them() {
    let folder = Folder::new("manual", &[]);
    let manual = text(&folder.golite(&["man"]).stdout);
    assert!(manual.starts_with(".TH GOLITE 1\n"));
    for line in manual.lines() {
        let request = line.starts_with(['.', '\'']);
        assert!(
            !request
                || [".TH", ".SH", ".nf", ".fi", ".B"]
                    .iter()
                    .any(|r| line.starts_with(r)),
            "{line}"
        );
    }
    let script = text(&folder.golite(&["completions", "bash"]).stdout);
    fs::write(folder.0.join("golite.bash"), script).expect("it can be written");
    for (line, wanted) in [
        ("golite dis", "disassemble"),
        ("golite run --sch", "--schedules"),
        ("golite explain E020", "E0201"),
        ("golite check --format sh", "short"),
        ("golite test -benchm", "-benchmem"),
    ] {
        let words = line.split(' ').count();
        let ask = format!(
            ". ./golite.bash; COMP_WORDS=({line}); COMP_CWORD={}; _golite; echo \"${{COMPREPLY[0]}}\"",
            words - 1
        );
        let outcome = run(Path::new("bash"), &folder.0, &["-c", &ask]);
        assert_eq!(
            text(&outcome.stdout).trim(),
            wanted,
            "{line}: {}",
            text(&outcome.stderr)
        );
    }
}

#[test]
fn the_version_is_an_object_for_programs() {
    let folder = Folder::new("version", &[]);
    for words in [
        &["version", "--json"][..],
        &["--version", "--json"],
        &["--json"],
    ] {
        let version = text(&folder.golite(words).stdout);
        assert!(
            version.starts_with("{\"version\":\""),
            "{words:?}: {version}"
        );
        assert!(version.ends_with("}\n"), "{words:?}: {version}");
    }
}

#[test]
fn a_watched_program_runs_again_when_a_file_changes() {
    let folder = Folder::new(
        "watch",
        &[
            (
                "main.gl",
                "import \"./part\"\nprintln(\"one\", part.X)\ntime.Sleep(time.Hour)\n",
            ),
            ("part/part.gl", "package part\n\nconst X = 1\n"),
        ],
    );
    let mut child = Command::new(GOLITE)
        .args(["run", "--watch", "main.gl"])
        .current_dir(&folder.0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("golite can be run");
    let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
    let (sender, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let wait = |wanted: &str| {
        let until = Instant::now() + Duration::from_secs(30);
        let mut seen = Vec::new();
        while Instant::now() < until {
            match lines.recv_timeout(Duration::from_millis(100)) {
                Ok(line) if line == wanted => return,
                Ok(line) => seen.push(line),
                Err(_) => {}
            }
        }
        panic!("no line {wanted:?} in {seen:?}");
    };
    wait("one 1");
    fs::write(
        folder.0.join("part/part.gl"),
        "package part\n\nconst X = 22\n",
    )
    .expect("it can be written");
    wait("one 22");
    fs::write(folder.0.join("main.gl"), "println(undefined)\n").expect("it can be written");
    wait("main.gl:1:9: undefined: undefined");
    wait("golite: exit status 1, waiting for changes");
    fs::write(folder.0.join("main.gl"), "println(\"three\")\n").expect("it can be written");
    wait("three");
    let _ = child.kill();
    let mut rest = Vec::new();
    let _ = child.wait();
    let _ = child
        .stdout
        .take()
        .map(|mut out| out.read_to_end(&mut rest));
}
