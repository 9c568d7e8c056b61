//! Which packages the words of a command line mean.

use super::flags::Plan;
use golite::loader::coverage::{self, Coverage, FileBlocks};
use golite::loader::tests::{self, TestInput};
use golite::loader::{Overlay, module::Module};
use std::path::{Path, PathBuf};

/// A package to be tested, or why a word means none.
#[derive(Debug)]
pub struct Package {
    /// The import path.
    pub path: String,
    pub input: Result<TestInput, String>,
    /// Are there tests?
    pub has_tests: bool,
}

impl Package {
    fn counts(&self, coverage: &Coverage) -> bool {
        coverage.covers(&self.path, &self.path)
    }

    /// The blocks of statements of a package without tests, if they count.
    pub fn blocks(&self) -> Vec<FileBlocks> {
        match &self.input {
            Ok(input) => match &input.coverage {
                Some(coverage) if self.counts(coverage) => {
                    coverage::of_folder(&input.folder, &self.path).unwrap_or_default()
                }
                _ => Vec::new(),
            },
            Err(_) => Vec::new(),
        }
    }
}

/// Has the statements of packages counted, as the plan says.
pub fn cover(plan: &Plan, packages: &mut [Package], module_cache: Option<&Path>) {
    if !plan.cover.wanted {
        return;
    }
    let finder = Finder {
        roots: &plan.roots,
        module_cache,
    };
    let patterns = plan.cover.packages.iter().map(|word| finder.pattern(word));
    let mut coverage = Coverage {
        mode: plan.cover.mode.unwrap_or_default(),
        patterns: patterns.collect(),
        shown: plan.cover.packages.join(", "),
        others: Vec::new(),
    };
    if !coverage.patterns.is_empty() {
        let counted = packages.iter().filter(|package| package.counts(&coverage));
        let others = counted.filter_map(|package| {
            let input = package.input.as_ref().ok()?;
            Some((package.path.clone(), input.folder.clone()))
        });
        coverage.others = others.collect();
    }
    for package in packages {
        if let Ok(input) = &mut package.input {
            input.coverage = Some(coverage.clone());
        }
    }
}

/// The packages that the plan names, in order, each once.
pub fn find(plan: &Plan, module_cache: Option<&Path>) -> Vec<Package> {
    let mut packages: Vec<Package> = Vec::new();
    let words = match plan.packages.as_slice() {
        [] => &[".".to_owned()][..],
        words => words,
    };
    if words.iter().any(|word| is_file(word)) {
        return vec![of_files(plan, words)];
    }
    let finder = Finder {
        roots: &plan.roots,
        module_cache,
    };
    for word in words {
        for package in finder.of_word(word) {
            if !packages.iter().any(|other| other.path == package.path) {
                packages.push(package);
            }
        }
    }
    packages
}

fn is_file(word: &str) -> bool {
    let extension = Path::new(word).extension();
    extension.is_some_and(|extension| extension == "gl" || extension == "go")
        && Path::new(word).is_file()
}

fn of_files(plan: &Plan, words: &[String]) -> Package {
    let folder = Path::new(&words[0])
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let path = "command-line-arguments".to_owned();
    let input = folder.canonicalize().map_err(|error| error.to_string());
    let input = input.map(|folder| TestInput {
        folder,
        files: words.to_vec(),
        coverage: None,
        path: Some(path.clone()),
        overlay: Overlay {
            roots: plan.roots.clone(),
            replaced: Vec::new(),
        },
    });
    let has_tests = words
        .iter()
        .any(|word| word.ends_with("_test.gl") || word.ends_with("_test.go"));
    Package {
        path,
        input,
        has_tests,
    }
}

struct Finder<'a> {
    roots: &'a [PathBuf],
    module_cache: Option<&'a Path>,
}

impl Finder<'_> {
    /// The import paths that a word of `-coverpkg` stands for.
    fn pattern(&self, word: &str) -> String {
        let is_local = word.starts_with('.') || Path::new(word).is_absolute();
        match word {
            "all" => "...".to_owned(),
            _ if !is_local => word.to_owned(),
            _ => {
                let (start, rest) = match word.strip_suffix("/...") {
                    Some(start) => (start, "/..."),
                    None => (word, ""),
                };
                let folder = self.folder(start).unwrap_or_else(|_| start.into());
                format!("{}{rest}", tests::path_of(&folder, self.module_cache))
            }
        }
    }

    fn of_word(&self, word: &str) -> Vec<Package> {
        let (start, all_below) = match word.strip_suffix("...") {
            Some(rest) => (rest.trim_end_matches('/'), true),
            None => (word, false),
        };
        let folder = match self.folder(start) {
            Ok(folder) => folder,
            Err(message) => {
                return vec![Package {
                    path: word.to_owned(),
                    input: Err(message),
                    has_tests: false,
                }];
            }
        };
        if !all_below {
            return vec![self.package(folder)];
        }
        let mut folders = Vec::new();
        below(&folder, true, &mut folders);
        let found: Vec<Package> = folders
            .into_iter()
            .filter(|folder| tests::is_package(folder))
            .map(|folder| self.package(folder))
            .collect();
        if found.is_empty() {
            eprintln!("golite: warning: {word:?} matched no packages");
        }
        found
    }

    /// The folder that a word means: a path in the file system if it looks like one, else an import path.
    fn folder(&self, word: &str) -> Result<PathBuf, String> {
        let is_local = word.is_empty() || word.starts_with('.') || Path::new(word).is_absolute();
        let local = Path::new(if word.is_empty() { "." } else { word }).canonicalize();
        if is_local {
            let whole = || {
                let current = std::env::current_dir().unwrap_or_default();
                current.join(word.trim_start_matches("./"))
            };
            return local.map_err(|_| format!("stat {}: directory not found", whole().display()));
        }
        if let Some(folder) = self
            .roots
            .iter()
            .map(|root| root.join(word))
            .find(|f| f.is_dir())
        {
            return folder.canonicalize().map_err(|error| error.to_string());
        }
        let current = std::env::current_dir().unwrap_or_default();
        let module = Module::containing(&current, self.module_cache);
        let in_module = module.as_ref().and_then(|module| module.own_folder(word));
        in_module
            .and_then(|folder| folder.canonicalize().ok())
            .or_else(|| local.ok().filter(|folder| folder.is_dir()))
            .ok_or_else(|| format!("package {word} is not in std"))
    }

    fn package(&self, folder: PathBuf) -> Package {
        let root = self
            .roots
            .iter()
            .filter_map(|root| root.canonicalize().ok());
        let standard = root
            .filter_map(|root| folder.strip_prefix(root).ok().map(Path::to_owned))
            .map(|path| path.display().to_string())
            .next();
        let path = match &standard {
            Some(path) => path.clone(),
            None => tests::path_of(&folder, self.module_cache),
        };
        let has_tests = tests::has_tests(&folder);
        let input = has_tests.clone().map(|_| TestInput {
            folder,
            files: Vec::new(),
            coverage: None,
            path: Some(path.clone()),
            overlay: Overlay {
                roots: self.roots.to_vec(),
                replaced: standard.into_iter().collect(),
            },
        });
        Package {
            path,
            input,
            has_tests: has_tests.unwrap_or(false),
        }
    }
}

/// The folder and those in it, but for other modules and what is not meant: `testdata`, `vendor`, names with `_` or `.` before.
fn below(folder: &Path, first: bool, folders: &mut Vec<PathBuf>) {
    let mut open = vec![(folder.to_owned(), first)];
    while let Some((folder, first)) = open.pop() {
        if !first && folder.join("go.mod").exists() {
            continue;
        }
        let mut inside: Vec<PathBuf> = std::fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.path())
            .filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                !name.starts_with(['.', '_']) && name != "testdata" && name != "vendor"
            })
            .collect();
        inside.sort();
        folders.push(folder);
        open.extend(inside.into_iter().rev().map(|path| (path, false)));
    }
}
