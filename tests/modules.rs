//! Which modules a program is made of: `go.mod`, `go.work`, `vendor`, and what scripts require themselves.

use std::path::PathBuf;
use std::process::Command;

const GOLITE: &str = env!("CARGO_BIN_EXE_golite");

/// A folder with files that is gone afterwards; `cache` in it is the module cache.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str, files: &[(&str, &str)]) -> Folder {
        let root =
            std::env::temp_dir().join(format!("golite-modules-{test}-{}", std::process::id()));
        for (name, text) in files {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().expect("below the root")).expect("a folder");
            std::fs::write(path, text).expect("a file can be written");
        }
        Folder(root.canonicalize().expect("it is there"))
    }

    /// Status, and what came out: standard output, then standard error.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(GOLITE);
        command.args(arguments).current_dir(&self.0);
        command.env("GOMODCACHE", self.0.join("cache"));
        let output = command.output().expect("golite can be run");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).replace(&self.0.display().to_string(), "ROOT");
        (output.status.code(), text)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn prints(folder: &Folder, arguments: &[&str], text: &str) {
    assert_eq!(folder.run(arguments), (Some(0), text.to_owned()));
}

#[track_caller]
fn fails(folder: &Folder, arguments: &[&str], text: &str) {
    assert_eq!(folder.run(arguments), (Some(1), text.to_owned()));
}

const MAIN: &str = "package main\n\nimport (\n\t\"example.org/a\"\n\t\"example.org/b\"\n)\n\nfunc main() { println(a.X, b.X) }\n";

/// Two modules of which `b` comes in three versions; a@v1.0.0 wants b@v1.2.0, and c@v1.0.0 wants b@v1.10.0.
fn cache() -> Vec<(&'static str, &'static str)> {
    vec![
        ("main.go", MAIN),
        (
            "cache/example.org/a@v1.0.0/go.mod",
            "module example.org/a\n\ngo 1.16\n\nrequire example.org/b v1.2.0\n",
        ),
        (
            "cache/example.org/a@v1.0.0/a.go",
            "package a\n\nimport \"example.org/b\"\n\nconst X = b.X\n",
        ),
        (
            "cache/example.org/b@v1.1.0/b.go",
            "package b\n\nconst X = 1\n",
        ),
        (
            "cache/example.org/b@v1.2.0/b.go",
            "package b\n\nconst X = 2\n",
        ),
        (
            "cache/example.org/b@v1.10.0/b.go",
            "package b\n\nconst X = 10\n",
        ),
        (
            "cache/cache/download/example.org/c/@v/v1.0.0.mod",
            "module example.org/c\n\ngo 1.16\n\nrequire example.org/b v1.10.0\n",
        ),
    ]
}

fn with(test: &str, more: &[(&'static str, &'static str)]) -> Folder {
    Folder::new(test, &[&cache(), more].concat())
}

#[test]
fn of_each_module_the_highest_version_that_anybody_requires_is_taken() {
    let mod_file = "module example.com/m\n\ngo 1.16\n\nrequire (\n\texample.org/a v1.0.0\n\texample.org/b v1.1.0\n)\n";
    prints(
        &with("highest", &[("go.mod", mod_file)]),
        &["run", "."],
        "2 2\n",
    );
    // A module may be required whose packages nobody needs: its go.mod counts.
    let mod_file = "module example.com/m\n\ngo 1.16\n\nrequire (\n\texample.org/a v1.0.0\n\texample.org/c v1.0.0\n)\n";
    prints(
        &with("indirect", &[("go.mod", mod_file)]),
        &["run", "."],
        "10 10\n",
    );
}

#[test]
fn what_is_excluded_nobody_requires_and_what_is_replaced_is_elsewhere() {
    let mod_file = "module example.com/m\n\ngo 1.16\n\nrequire (\n\texample.org/a v1.0.0\n\texample.org/b v1.1.0\n)\n\nexclude example.org/b v1.2.0\n";
    prints(
        &with("exclude", &[("go.mod", mod_file)]),
        &["run", "."],
        "1 1\n",
    );
    let mod_file = "module example.com/m\n\ngo 1.16\n\nrequire example.org/a v1.0.0\n\nreplace (\n\texample.org/b v1.1.0 => ./no\n\texample.org/b v1.2.0 => ./fork\n)\n";
    let fork = [
        ("go.mod", mod_file),
        ("fork/go.mod", "module example.org/b\n"),
        ("fork/b.go", "package b\n\nconst X = 77\n"),
    ];
    prints(&with("replace", &fork), &["run", "."], "77 77\n");
}

#[test]
fn modules_of_a_workspace_find_each_other() {
    let files = [
        ("go.work", "go 1.24\n\nuse (\n\t./one\n\t./two\n)\n"),
        ("one/go.mod", "module example.com/one\n\ngo 1.24\n"),
        (
            "one/main.go",
            "package main\n\nimport \"example.com/two/lib\"\n\nfunc main() { println(lib.X) }\n",
        ),
        (
            "two/go.mod",
            "module example.com/two\n\ngo 1.24\n\nrequire example.org/b v1.2.0\n",
        ),
        (
            "two/lib/lib.go",
            "package lib\n\nimport \"example.org/b\"\n\nconst X = b.X\n",
        ),
        ("three/go.mod", "module example.com/three\n\ngo 1.24\n"),
        (
            "three/main.go",
            "package main\n\nimport \"example.com/two/lib\"\n\nfunc main() { println(lib.X) }\n",
        ),
    ];
    let folder = with("workspace", &files);
    prints(&folder, &["run", "one"], "2\n");
    // It is none of the workspace's.
    fails(
        &folder,
        &["run", "three"],
        "three/main.go:3:8: no required module provides package example.com/two/lib; to add it:\n\tgo get example.com/two/lib\n",
    );
}

#[test]
fn a_vendor_folder_must_say_what_go_mod_says() {
    let mod_file = "module example.com/m\n\ngo 1.24\n\nrequire example.org/b v1.2.0\n\nrequire example.org/d v1.0.0\n";
    let main = "package main\n\nimport \"example.org/b\"\n\nfunc main() { println(b.X) }\n";
    let files = |list: &'static str| {
        vec![
            ("go.mod", mod_file),
            ("main.go", main),
            ("vendor/example.org/b/b.go", "package b\n\nconst X = 5\n"),
            ("vendor/modules.txt", list),
        ]
    };
    let good = "# example.org/b v1.2.0\n## explicit; go 1.16\nexample.org/b\n# example.org/d v1.0.0\n## explicit\n";
    prints(&Folder::new("vendor", &files(good)), &["run", "."], "5\n");
    let bad =
        "# example.org/b v1.1.0\n## explicit\nexample.org/b\n# example.org/d v1.0.0\n## explicit\n";
    fails(
        &Folder::new("inconsistent", &files(bad)),
        &["run", "."],
        "golite: inconsistent vendoring in ROOT:\n\
         \texample.org/b@v1.2.0: is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt\n\
         \texample.org/b@v1.1.0: is marked as explicit in vendor/modules.txt, but not explicitly required in go.mod\n\
         \n\tTo sync the vendor directory, run:\n\t\tgo mod vendor\n",
    );
}

#[test]
fn a_module_that_is_not_there_is_named() {
    let mod_file = "module example.com/m\n\ngo 1.24\n\nrequire example.org/a v1.5.0\n";
    fails(
        &with(
            "missing",
            &[
                ("go.mod", mod_file),
                (
                    "main.go",
                    "package main\n\nimport \"example.org/a/x\"\n\nfunc main() { x.F() }\n",
                ),
            ],
        ),
        &["run", "."],
        "main.go:3:8: module example.org/a v1.5.0, which has package example.org/a/x, is not in the module cache; to fetch it:\n\tgo mod download example.org/a@v1.5.0\n",
    );
}

#[test]
fn a_script_requires_modules_in_its_head() {
    let script = |line: &str| {
        format!(
            "#!/usr/bin/env golite\n// What it does.\n{line}\n\nimport \"example.org/a\"\n\nfmt.Println(a.X)\n"
        )
    };
    let good = script("//golite:require example.org/a v1.0.0");
    let missing =
        script("//golite:require example.org/a v1.0.0\n//golite:require example.org/z v0.1.0");
    let wrong = script("//golite:require example.org/a");
    let folder = with("script", &[]);
    for (name, text) in [
        ("good.gl", good),
        ("missing.gl", missing),
        ("wrong.gl", wrong),
    ] {
        std::fs::write(folder.0.join(name), text).expect("a file can be written");
    }
    prints(&folder, &["good.gl"], "2\n");
    fails(
        &folder,
        &["missing.gl"],
        "missing.gl:4:1: module example.org/z v0.1.0 is neither in the folder vendor nor in the module cache; to fetch it:\n\tgo mod download example.org/z@v0.1.0\n",
    );
    let (status, text) = folder.run(&["wrong.gl"]);
    assert_eq!(status, Some(1));
    assert!(
        text.starts_with("wrong.gl:3:1: usage: //golite:require PATH VERSION"),
        "{text}"
    );
    // A folder vendor beside the script will do.
    std::fs::create_dir_all(folder.0.join("vendor/example.org/z")).expect("a folder");
    std::fs::write(folder.0.join("vendor/example.org/z/z.go"), "package z\n").expect("a file");
    prints(&folder, &["missing.gl"], "2\n");
}
