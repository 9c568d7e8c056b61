//! `go.mod`: which folder an import path of a module means. GO: <https://go.dev/ref/mod#go-mod-file>
//!
//! No network is used: what a module requires is looked for in its `vendor` folder, where a `replace` line points, and in the
//! module cache of an installed Go.

use std::path::{Path, PathBuf};

/// A module: the folder with its `go.mod`, and what that says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its path, the beginning of the import paths of its packages.
    pub path: String,
    /// Its folder.
    pub root: PathBuf,
    /// The `N` of its language version `go1.N`.
    pub language: u32,
    /// Paths and versions of the modules it requires.
    pub(super) requirements: Vec<(String, String)>,
    /// Those that nobody is to require.
    pub(super) exclusions: Vec<(String, String)>,
    /// Paths, perhaps with a version, and what stands in their place.
    pub(super) replacements: Vec<(String, Option<String>, Replacement)>,
    pub(super) cache: Option<PathBuf>,
}

/// What stands in the place of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Replacement {
    /// A folder, and how it is written.
    Folder(PathBuf, String),
    /// A module's path and version.
    Module(String, String),
}

impl Replacement {
    /// As `vendor/modules.txt` has it.
    pub(super) fn shown(&self) -> String {
        match self {
            Replacement::Folder(_, written) => written.clone(),
            Replacement::Module(path, version) => format!("{path} {version}"),
        }
    }
}

/// The lines of a `go.mod` or `go.work` file, those in parentheses each with its verb: words without quotes, at least one.
pub(super) fn directives(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or(line).trim();
        let mut words: Vec<String> = line.split_whitespace().map(unquoted).collect();
        if words.is_empty() {
            continue;
        }
        if block.is_some() && words == [")"] {
            block = None;
        } else if let Some(verb) = &block {
            words.insert(0, verb.clone());
            found.push(words);
        } else if words.len() == 2 && words[1] == "(" {
            block = Some(words.swap_remove(0));
        } else {
            found.push(words);
        }
    }
    found
}

/// What follows `replace`: `path => place` or `path version => place`.
pub(super) fn replacement(
    words: &[String],
    root: &Path,
) -> Option<(String, Option<String>, Replacement)> {
    let arrow = words.iter().position(|word| word == "=>")?;
    let (path, version) = match &words[..arrow] {
        [path] => (path.clone(), None),
        [path, version] => (path.clone(), Some(version.clone())),
        _ => return None,
    };
    let place = match &words[arrow + 1..] {
        [folder] => Replacement::Folder(root.join(folder), folder.clone()),
        [path, version] => Replacement::Module(path.clone(), version.clone()),
        _ => return None,
    };
    Some((path, version, place))
}

impl Module {
    /// The module that a folder lies in: that of the nearest `go.mod` upward. `cache` is where an installed Go keeps modules.
    pub fn containing(folder: &Path, cache: Option<&Path>) -> Option<Module> {
        let mut folders = folder.ancestors();
        folders.find_map(|root| Module::at(root, cache))
    }

    /// The module whose `go.mod` lies in a folder.
    pub(super) fn at(root: &Path, cache: Option<&Path>) -> Option<Module> {
        let text = std::fs::read_to_string(root.join("go.mod")).ok()?;
        let mut module = Module::parse(&text, root)?;
        module.cache = cache.map(Path::to_owned);
        Some(module)
    }

    /// One of no path, for a script in a folder that is no module's: it only has requirements.
    pub(super) fn of_script(root: &Path, cache: Option<&Path>) -> Module {
        Module {
            path: String::new(),
            root: root.to_owned(),
            language: super::constraints::VERSION,
            requirements: Vec::new(),
            exclusions: Vec::new(),
            replacements: Vec::new(),
            cache: cache.map(Path::to_owned),
        }
    }

    pub(super) fn parse(text: &str, root: &Path) -> Option<Module> {
        let mut module = Module {
            language: DEFAULT_LANGUAGE,
            ..Module::of_script(root, None)
        };
        for words in directives(text) {
            match (words[0].as_str(), &words[1..]) {
                ("module", [path]) => module.path.clone_from(path),
                ("go", [version]) => {
                    module.language = minor_version(version).unwrap_or(DEFAULT_LANGUAGE);
                }
                ("require", [path, version]) => {
                    module.requirements.push((path.clone(), version.clone()))
                }
                ("exclude", [path, version]) => {
                    module.exclusions.push((path.clone(), version.clone()))
                }
                ("replace", rest) => module.replacements.extend(replacement(rest, root)),
                _ => {}
            }
        }
        (!module.path.is_empty()).then_some(module)
    }

    /// The folder of a package of this module itself; it need not exist.
    pub fn own_folder(&self, path: &str) -> Option<PathBuf> {
        below(path, &self.path).map(|rest| self.root.join(rest))
    }

    /// The folder of a package of a module that this one requires.
    pub fn required_folder(&self, path: &str) -> Option<PathBuf> {
        match super::build_list::of(self).find(path, Path::is_dir) {
            super::build_list::Found::Folder(folder) => Some(folder),
            _ => None,
        }
    }

    /// The language version of a package in the `vendor` folder, which `vendor/modules.txt` has.
    pub fn vendored_language(&self, path: &str) -> u32 {
        let text = std::fs::read_to_string(self.root.join("vendor/modules.txt"));
        let text = text.unwrap_or_default();
        let mut best: Option<(usize, u32)> = None;
        let mut module = "";
        for line in text.lines() {
            if let Some(explanation) = line.strip_prefix("## ") {
                let version = explanation
                    .split(';')
                    .find_map(|part| minor_version(part.trim().strip_prefix("go ")?));
                if let Some(entry) = &mut best
                    && entry.0 == module.len()
                    && below(path, module).is_some()
                {
                    entry.1 = version.unwrap_or(entry.1);
                }
            } else if let Some(words) = line.strip_prefix("# ") {
                module = words.split(' ').next().unwrap_or("");
                if below(path, module).is_some()
                    && best.is_none_or(|(length, _)| length < module.len())
                {
                    best = Some((module.len(), DEFAULT_LANGUAGE));
                }
            }
        }
        best.map_or(self.language, |(_, version)| version)
    }
}

/// The language version of a module that says none. GO: cmd/go/internal/gover `DefaultGoModVersion`.
const DEFAULT_LANGUAGE: u32 = 16;

/// The `N` of `1.N`, `1.N.P` or `1.NrcP`.
fn minor_version(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("1.")?;
    let end = rest.find(|c: char| !c.is_ascii_digit());
    rest[..end.unwrap_or(rest.len())].parse().ok()
}

/// What follows `prefix/` in an import path; nothing if they are equal.
pub(super) fn below<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(prefix)?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix('/')
    }
}

/// Capital letters as `!` and the small one: file systems differ in what they tell apart. GO: golang.org/x/mod/module `EscapePath`.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(c.to_ascii_lowercase());
    }
    escaped
}

fn unquoted(word: &str) -> String {
    word.trim_matches(['"', '`']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
module \"example.com/m\" // the module

go 1.27

require example.com/one v1.2.3
require (
	example.com/two v0.1.0 // indirect
)
replace (
	example.com/one => ../one
	example.com/two v0.1.0 => example.com/fork v0.2.0
)
";

    #[test]
    fn lines_and_blocks_are_read() {
        let module = Module::parse(TEXT, Path::new("/m")).expect("it has a module line");
        assert_eq!(module.path, "example.com/m");
        assert_eq!(module.language, 27);
        assert_eq!(module.requirements.len(), 2);
        assert_eq!(
            module.replacements[0].2,
            Replacement::Folder("/m/../one".into(), "../one".into())
        );
        assert_eq!(
            module.replacements[1],
            (
                "example.com/two".into(),
                Some("v0.1.0".into()),
                Replacement::Module("example.com/fork".into(), "v0.2.0".into())
            )
        );
    }

    #[test]
    fn language_versions_are_read() {
        for (line, minor) in [
            ("", 16),
            ("go 1.21", 21),
            ("go 1.21.3", 21),
            ("go 1.22rc1", 22),
            ("go 1.9 // old", 9),
        ] {
            let text = format!("module m\n{line}\n");
            let module = Module::parse(&text, Path::new("/m")).expect("it has a module line");
            assert_eq!(module.language, minor, "{line}");
        }
    }

    #[test]
    fn paths_of_the_module_are_folders_below_it() {
        let module = Module::parse(TEXT, Path::new("/m")).expect("it has a module line");
        assert_eq!(module.own_folder("example.com/m"), Some("/m".into()));
        assert_eq!(
            module.own_folder("example.com/m/a/b"),
            Some("/m/a/b".into())
        );
        assert_eq!(module.own_folder("example.com/more"), None);
    }
}
