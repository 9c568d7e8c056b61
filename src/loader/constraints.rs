//! Which files of a folder belong to a program on this system. GO: go/build (`matchFile`, `shouldBuild`, `goodOSArchFile`).
//!
//! A file is left out by its name (`_test`, `_GOOS`, `_GOARCH`, a leading `_` or `.`) or by its `//go:build` line.

/// The systems that file names and constraints may mention, and whether `unix` stands for them. GO: internal/syslist.
const SYSTEMS: &[(&str, bool)] = &[
    ("aix", true),
    ("android", true),
    ("darwin", true),
    ("dragonfly", true),
    ("freebsd", true),
    ("hurd", true),
    ("illumos", true),
    ("ios", true),
    ("js", false),
    ("linux", true),
    ("nacl", false),
    ("netbsd", true),
    ("openbsd", true),
    ("plan9", false),
    ("solaris", true),
    ("wasip1", false),
    ("windows", false),
    ("zos", false),
];

/// The processors that file names and constraints may mention.
const ARCHITECTURES: &[&str] = &[
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "armbe",
    "arm64",
    "arm64be",
    "loong64",
    "mips",
    "mipsle",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

/// The language version: `go1.1` to `go1.27` hold.
pub const VERSION: u32 = 27;

/// How deep a constraint's parentheses and negations may be.
const MAX_DEPTH: usize = 100;

/// Is this the name of a program text, of whatever system, and if so: is it one of tests?
pub fn kind_of_name(name: &str) -> Option<FileKind> {
    let stem = name
        .strip_suffix(".gl")
        .or_else(|| name.strip_suffix(".go"))?;
    if name.starts_with(['_', '.']) {
        return None;
    }
    Some(if stem.ends_with("_test") {
        FileKind::Test
    } else {
        FileKind::Source
    })
}

/// What a file's name says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    Source,
    Test,
}

/// Do the file's name and its `//go:build` line let it take part on this system?
pub fn takes_part(name: &str, text: &str) -> bool {
    name_matches(name) && build_line(text).is_none_or(evaluate)
}

fn is_system(name: &str) -> bool {
    SYSTEMS.iter().any(|(system, _)| *system == name)
}

fn system() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    }
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86" => "386",
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "loongarch64" => "loong64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        "powerpc64" => "ppc64",
        other => other,
    }
}

/// Does a word of a constraint hold?
fn holds(tag: &str) -> bool {
    let version = tag
        .strip_prefix("go1.")
        .and_then(|minor| minor.parse::<u32>().ok());
    tag == system()
        || tag == architecture()
        || tag == "unix" && SYSTEMS.contains(&(system(), true))
        || tag == "linux" && system() == "android"
        || matches!(tag, "golite" | "go1")
        // What asks for a version without assembly gets it.
        || tag == "purego"
        || version.is_some_and(|minor| (1..=VERSION).contains(&minor))
}

/// `name_linux.go`, `name_amd64.go`, `name_linux_amd64.go`; a name that only consists of a system is no constraint.
fn name_matches(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name);
    let Some((_, parts)) = stem.split_once('_') else {
        return true;
    };
    let mut parts: Vec<&str> = parts.split('_').collect();
    if parts.last() == Some(&"test") {
        parts.pop();
    }
    match parts[..] {
        [.., os, arch] if is_system(os) && ARCHITECTURES.contains(&arch) => {
            holds(os) && holds(arch)
        }
        [.., last] if is_system(last) || ARCHITECTURES.contains(&last) => holds(last),
        _ => true,
    }
}

/// The expression of the `//go:build` line among the comments at the top, before the package clause.
fn build_line(text: &str) -> Option<&str> {
    let mut in_comment = false;
    for line in text.lines() {
        let mut line = line.trim();
        if in_comment {
            let Some((_, rest)) = line.split_once("*/") else {
                continue;
            };
            in_comment = false;
            line = rest.trim();
        }
        while let Some(rest) = line.strip_prefix("/*") {
            match rest.split_once("*/") {
                Some((_, behind)) => line = behind.trim(),
                None => {
                    in_comment = true;
                    line = "";
                }
            }
        }
        if let Some(expression) = line.strip_prefix("//go:build ") {
            return Some(expression);
        }
        if !(line.is_empty() || line.starts_with("//") || line.starts_with("#!")) {
            return None;
        }
    }
    None
}

/// The value of a constraint; one that is malformed excludes the file, as in Go.
fn evaluate(expression: &str) -> bool {
    read(expression).is_some_and(|value| value.holds)
}

/// The `N` of the language version `go1.N` that a file asks for by its `//go:build` line.
///
/// It is heeded from 21 on, what asks for less gets that. GO: cmd/compile/internal/types2 `initFiles`.
pub fn language_version(text: &str) -> Option<u32> {
    let value = read(build_line(text)?)?;
    value.at_least.map(|minor| minor.max(21))
}

fn read(expression: &str) -> Option<Value> {
    let mut parser = Constraint {
        rest: expression,
        depth: 0,
    };
    let value = parser.any()?;
    parser.rest.trim().is_empty().then_some(value)
}

/// What a constraint says.
#[derive(Clone, Copy)]
struct Value {
    holds: bool,
    /// The version of Go below which it cannot hold.
    at_least: Option<u32>,
    /// The version of Go below which it cannot fail.
    unless: Option<u32>,
}

/// A constraint being read. GO: go/build/constraint exprParser.
struct Constraint<'a> {
    rest: &'a str,
    depth: usize,
}

impl Constraint<'_> {
    fn take(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn any(&mut self) -> Option<Value> {
        let mut value = self.all()?;
        while self.take("||") {
            let other = self.all()?;
            value = Value {
                holds: value.holds | other.holds,
                at_least: value.at_least.min(other.at_least),
                unless: value.unless.max(other.unless),
            };
        }
        Some(value)
    }

    fn all(&mut self) -> Option<Value> {
        let mut value = self.not()?;
        while self.take("&&") {
            let other = self.not()?;
            value = Value {
                holds: value.holds & other.holds,
                at_least: value.at_least.max(other.at_least),
                unless: value.unless.min(other.unless),
            };
        }
        Some(value)
    }

    fn not(&mut self) -> Option<Value> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let value = if self.take("!") {
            let inner = self.not()?;
            Value {
                holds: !inner.holds,
                at_least: inner.unless,
                unless: inner.at_least,
            }
        } else if self.take("(") {
            let value = self.any()?;
            if !self.take(")") {
                return None;
            }
            value
        } else {
            self.rest = self.rest.trim_start();
            let is_tag = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
            let end = self.rest.find(|c| !is_tag(c)).unwrap_or(self.rest.len());
            let (tag, rest) = self.rest.split_at(end);
            if tag.is_empty() {
                return None;
            }
            self.rest = rest;
            let minor = match tag {
                "go1" => Some(0),
                _ => tag
                    .strip_prefix("go1.")
                    .and_then(|minor| minor.parse().ok()),
            };
            Value {
                holds: holds(tag),
                at_least: minor,
                unless: None,
            }
        };
        self.depth -= 1;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_and_hidden_files_are_no_sources() {
        for (name, kind) in [
            ("a.gl", Some(FileKind::Source)),
            ("a.go", Some(FileKind::Source)),
            ("test.go", Some(FileKind::Source)),
            ("a_test.go", Some(FileKind::Test)),
            ("a_test.gl", Some(FileKind::Test)),
            ("a_test.txt", None),
            ("_a.go", None),
            (".a.go", None),
        ] {
            assert_eq!(kind_of_name(name), kind, "{name}");
        }
    }

    #[test]
    fn names_choose_the_system() {
        for (name, expected) in [
            ("a.go", true),
            ("linux.go", true),
            ("a_plan9.go", false),
            ("windows.go", true),
            ("a_windows_amd64.go", false),
            ("a_s390x.go", architecture() == "s390x"),
            ("a_linux_more.go", true),
            ("a_plan9_test.go", false),
            ("plan9_test.go", true),
        ] {
            assert_eq!(name_matches(name), expected, "{name}");
        }
    }

    #[test]
    fn lines_ask_for_versions() {
        for (line, version) in [
            ("go1.21", Some(21)),
            ("go1.23", Some(23)),
            ("go1.17", Some(21)),
            ("go1.22 && linux", Some(22)),
            ("go1.22 && go1.24", Some(24)),
            ("go1.22 || go1.24", Some(22)),
            ("go1.22 || linux", None),
            ("!go1.23", None),
            ("!(!go1.23)", Some(23)),
            ("linux", None),
        ] {
            let text = format!("//go:build {line}\n\npackage a\n");
            assert_eq!(language_version(&text), version, "{line}");
        }
        assert_eq!(language_version("package a\n"), None);
    }

    #[test]
    fn lines_choose_too() {
        for (line, expected) in [
            ("ignore", false),
            ("!ignore", true),
            ("go1.21 && !(windows || plan9)", true),
            ("go1.28", false),
            ("golite || gc", true),
            ("gc", false),
            ("linux &&", false),
            ("(linux", false),
        ] {
            assert_eq!(
                takes_part(
                    "a.go",
                    &format!("// Words.\n\n//go:build {line}\n\npackage a\n")
                ),
                expected,
                "{line}"
            );
        }
        assert!(
            takes_part("a.go", "package a\n\n//go:build ignore\n"),
            "behind the package clause it is a comment"
        );
        assert!(!evaluate(&"!".repeat(1_000_000)));
    }
}
