//! Profiles: what they say of a program whose times are known, and the page that shows them.

use golite::profile::{self, Profile};
use std::path::{Path, PathBuf};
use std::process::Command;

const GOLITE: &str = env!("CARGO_BIN_EXE_golite");

/// Nearly all of its time is the leaf's, which has no loop and so no safepoint but its entry.
const PROGRAM: &str = "package main

import \"fmt\"

func leaf(a, b int) int {
	x := a*31 ^ b
	x = x*31 + a
	x ^= x >> 3
	x = x*17 + b
	x ^= x >> 5
	x = x*13 + a
	x ^= x >> 7
	x = x*11 + b
	x ^= x >> 9
	x = x*7 + a
	x = x*31 + a
	x ^= x >> 3
	x = x*17 + b
	x ^= x >> 5
	x = x*13 + a
	return x
}

func caller() int {
	s := 0
	for i := range 6_000_000 {
		s = leaf(s, i)
	}
	return s
}

func main() {
	fmt.Println(caller() != 0)
}
";

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, program: &str) -> Folder {
        let folder =
            std::env::temp_dir().join(format!("golite-profile-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        std::fs::write(folder.join("program.go"), program).expect("a file can be written");
        Folder(folder)
    }

    fn golite(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new(GOLITE);
        command.args(arguments).current_dir(&self.0);
        command.output().expect("golite can be run")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn read(path: &Path) -> Profile {
    let bytes = std::fs::read(path).expect("the profile was written");
    profile::read(&bytes).expect("it is one")
}

/// The nanoseconds that are a function's own.
fn own(profile: &Profile, function: &str) -> i64 {
    let of = |stack: &[usize]| {
        stack
            .first()
            .map(|&frame| profile.frames[frame].function.as_str())
    };
    let samples = profile.samples.iter();
    samples
        .filter(|sample| of(&sample.stack) == Some(function))
        .map(|sample| sample.values[1])
        .sum()
}

#[test]
fn a_leaf_is_charged_with_what_it_does_and_not_its_caller() {
    let folder = Folder::new("leaf", PROGRAM);
    let output = folder.golite(&["profile", "program.go"]);
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "true\n");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("cpu: program.cpu.pprof, program.cpu.pprof.html")
            && said.contains("inuse_space: program.mem.pprof, program.mem.pprof.html"),
        "{said}"
    );
    let profile = read(&folder.0.join("program.cpu.pprof"));
    assert_eq!(profile.types[1], ("cpu".into(), "nanoseconds".into()));
    let (leaf, caller) = (own(&profile, "main.leaf"), own(&profile, "main.caller"));
    // Charged wrongly, the leaf would have next to nothing; how much exactly is up to when the samples fall.
    assert!(4 * leaf > caller, "leaf {leaf}, caller {caller}");
    let all: i64 = profile.samples.iter().map(|sample| sample.values[1]).sum();
    assert!(all >= 100_000_000, "it runs for longer than {all} ns");
    let page = std::fs::read_to_string(folder.0.join("program.cpu.pprof.html")).expect("the page");
    assert!(page.contains("main.leaf"));
    shown_by_a_browser(&folder.0.join("program.cpu.pprof.html"));
}

/// Where there is a browser, it runs the page, which then has a table of functions.
fn shown_by_a_browser(page: &Path) {
    let mut command = Command::new("chromium");
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--dump-dom",
        "--virtual-time-budget=3000",
    ]);
    command.arg(format!("file://{}", page.display()));
    let Ok(output) = command.output() else { return };
    let dom = String::from_utf8_lossy(&output.stdout);
    if dom.is_empty() {
        return;
    }
    let table = dom
        .split("<table id=\"functions\">")
        .nth(1)
        .unwrap_or_default();
    assert!(table.contains("<td>main.leaf</td>"), "{table}");
}

#[test]
fn a_profile_is_written_however_the_program_ends() {
    let program = PROGRAM.replace(
        "fmt.Println(caller() != 0)",
        "fmt.Println(caller() != 0); panic(1)",
    );
    let folder = Folder::new("panic", &program);
    let output = folder.golite(&["run", "--cpuprofile", "cpu.pprof", "program.go"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!read(&folder.0.join("cpu.pprof")).samples.is_empty());
    let output = folder.golite(&["profile", "view", "cpu.pprof", "program.go"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "cpu.pprof.html\n");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "golite: profile: program.go: no profile in the format of pprof\n"
    );
}

/// What `go test -covermode=count -coverprofile` writes for the packages in `tests/testing/coverage`.
#[test]
fn a_coverage_profile_is_gos() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testing");
    let folder = Folder::new("coverage", PROGRAM);
    let file = folder.0.join("cover.out");
    let output = Command::new(GOLITE)
        .args(["test", "-covermode=count", "-coverprofile"])
        .arg(&file)
        .arg("./...")
        .current_dir(root.join("coverage"))
        .output()
        .expect("golite can be run");
    assert_eq!(output.status.code(), Some(1), "one of the tests fails");
    let wanted = std::fs::read_to_string(root.join("coverage.profile")).expect("the expectation");
    let found = std::fs::read_to_string(file).expect("the profile was written");
    assert_eq!(found, wanted);
}

#[test]
fn tests_write_a_profile_of_what_they_allocate() {
    let package = "package m\n\nvar kept [][]byte\n\nfunc Allocate() {\n\tfor range 64 {\n\t\tkept = append(kept, make([]byte, 1<<20))\n\t}\n}\n";
    let folder = Folder::new("memory-of-tests", package);
    let test =
        "package m\n\nimport \"testing\"\n\nfunc TestAllocate(t *testing.T) { Allocate() }\n";
    std::fs::write(folder.0.join("m_test.go"), test).expect("a file can be written");
    let output = folder.golite(&["test", "-memprofile", "mem.pprof", "."]);
    assert!(output.status.success(), "{output:?}");
    let profile = read(&folder.0.join("mem.pprof"));
    let names = |stack: &[usize]| {
        let frames = stack.iter().map(|frame| &profile.frames[*frame].function);
        frames.cloned().collect::<Vec<String>>()
    };
    let mut stacks = profile.samples.iter().map(|sample| names(&sample.stack));
    assert!(stacks.any(|stack| stack.iter().any(|name| name.ends_with(".Allocate"))));
}
