//! Where imported packages come from, and the order in which they are checked.

use diagnostics::{Code, Diagnostics, FileId, SourceMap, TextRange};
use parser::ast::{Ast, File, Interner, Symbol};
use rustc_hash::FxHashMap;

use crate::embed::Embedded;
use crate::versions::LanguageVersions;

/// One file of an imported package.
#[derive(Clone, Debug)]
pub struct SourceText {
    /// The name shown in messages.
    pub name: String,
    /// The text.
    pub text: String,
}

/// The texts of a package.
#[derive(Clone, Debug, Default)]
pub struct PackageSource {
    /// Its files; at least one.
    pub files: Vec<SourceText>,
    /// Does it belong to the standard library? Then functions may have no body, and only what is reached is checked.
    pub standard: bool,
}

/// Gives the texts of packages by import path.
pub trait Importer {
    /// The package's texts; `None` if there is no such package.
    fn source(&mut self, path: &str) -> Option<PackageSource>;

    /// The paths of packages that a message may propose to import; none, unless hints are wanted.
    fn importable(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A package of the program's own, with its files parsed.
#[derive(Clone, Debug, Default)]
pub struct UserPackage {
    /// Its import path; `main` for the program's first package.
    pub path: String,
    /// In the order of initialisation: of their names, unless the command line gave another.
    pub files: Vec<File>,
    /// Which of its imports, by the range of the path, lead to which earlier package of the program. All others are
    /// asked of the [`Importer`].
    pub imports: FxHashMap<TextRange, usize>,
    /// Names that stand for standard packages without an import, and their paths: of scripts.
    pub implicit: Vec<(Symbol, String)>,
    /// What its `//go:embed` lines name.
    pub embedded: Embedded,
    /// The language versions of its files, unless today's.
    pub versions: LanguageVersions,
}

/// An importer that knows no packages.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoImports;

impl Importer for NoImports {
    fn source(&mut self, _path: &str) -> Option<PackageSource> {
        None
    }
}

/// A package whose files are parsed.
#[derive(Debug)]
pub(crate) struct LoadedPackage {
    pub(crate) path: String,
    pub(crate) standard: bool,
    pub(crate) files: Vec<File>,
    /// What its imports lead to, by the range of the path; absent for those that failed.
    pub(crate) imports: FxHashMap<TextRange, usize>,
    /// Names that stand for packages without an import.
    pub(crate) implicit: Vec<(Symbol, usize)>,
    pub(crate) embedded: Embedded,
    /// The text of its first file, for placing errors about the package as a whole.
    pub(crate) first_file: FileId,
}

/// All packages of a program in dependency order: each after those it imports, the main package last.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) packages: Vec<LoadedPackage>,
}

/// How far a path has come.
#[derive(Clone, Copy)]
enum State {
    Loading,
    Done(usize),
    Failed,
}

pub(crate) struct Loader<'a> {
    pub(crate) ast: &'a mut Ast,
    pub(crate) names: &'a mut Interner,
    pub(crate) sources: &'a mut SourceMap,
    pub(crate) importer: &'a mut dyn Importer,
    pub(crate) diagnostics: Diagnostics,
    states: FxHashMap<String, State>,
    loaded: Loaded,
    /// Where the program's own packages are in `loaded`, by their number.
    users: Vec<usize>,
}

/// What a session keeps of its loader between two units.
#[derive(Default)]
pub(crate) struct Kept {
    states: FxHashMap<String, State>,
    pub(crate) loaded: Loaded,
}

/// A package on the way to being loaded.
struct Frame {
    path: String,
    standard: bool,
    files: Vec<File>,
    imports: FxHashMap<TextRange, usize>,
    implicit: Vec<(Symbol, String)>,
    embedded: Embedded,
    /// Import paths still to be followed, last first.
    pending: Vec<(String, TextRange)>,
    first_file: FileId,
}

/// GO: resolver.go `validatedImportPath`.
fn invalid_import_path(path: &str) -> Option<String> {
    if path.is_empty() {
        return Some("empty string".to_owned());
    }
    let illegal = |c: char| {
        "!\"#$%&'()*,:;<=>?[\\]^{|}`\u{FFFD}".contains(c) || c.is_whitespace() || c.is_control()
    };
    path.chars()
        .find(|c| illegal(*c))
        .map(|c| format!("invalid character U+{:04X} {:?}", c as u32, c))
}

impl<'a> Loader<'a> {
    pub(crate) fn new(
        ast: &'a mut Ast,
        names: &'a mut Interner,
        sources: &'a mut SourceMap,
        importer: &'a mut dyn Importer,
    ) -> Loader<'a> {
        Loader {
            ast,
            names,
            sources,
            importer,
            diagnostics: Diagnostics::new(),
            states: FxHashMap::default(),
            loaded: Loaded::default(),
            users: Vec::new(),
        }
    }

    /// Goes on where another loader has stopped.
    pub(crate) fn resume(self, kept: Kept) -> Loader<'a> {
        Loader {
            states: kept.states,
            loaded: kept.loaded,
            ..self
        }
    }

    /// Loads what one more package of the program's own imports, behind what is loaded already. The package itself comes last, and is
    /// forgotten; so is what could not be found.
    pub(crate) fn load_unit(
        mut self,
        package: UserPackage,
        options: &crate::Options,
    ) -> (LoadedPackage, Kept, Diagnostics) {
        let path = package.path.clone();
        let mut frame = self.frame(package.path, false, package.files, &package.imports);
        let implicit = package.implicit.iter();
        frame
            .pending
            .extend(implicit.map(|(_, path)| (path.clone(), TextRange::default())));
        frame.implicit = package.implicit;
        let roots = options.roots.iter();
        frame
            .pending
            .extend(roots.map(|(path, _)| ((*path).to_owned(), TextRange::default())));
        self.load_from(frame);
        self.states.remove(&path);
        self.states
            .retain(|_, state| matches!(state, State::Done(_)));
        let unit = self
            .loaded
            .packages
            .pop()
            .expect("the package itself is loaded last");
        let kept = Kept {
            states: self.states,
            loaded: self.loaded,
        };
        (unit, kept, self.diagnostics)
    }

    /// Loads the imports of all packages of the program, theirs, and so on, depth first.
    pub(crate) fn load(
        mut self,
        packages: Vec<UserPackage>,
        options: &crate::Options,
    ) -> (Loaded, Diagnostics) {
        let last = packages.len().saturating_sub(1);
        for (number, package) in packages.into_iter().enumerate() {
            let standard = options.standard && number == last;
            let mut frame = self.frame(package.path, standard, package.files, &package.imports);
            frame.embedded = package.embedded;
            if number == last {
                let implicit = package.implicit.iter();
                frame
                    .pending
                    .extend(implicit.map(|(_, path)| (path.clone(), TextRange::default())));
                frame.implicit = package.implicit;
                let roots = options.roots.iter();
                frame
                    .pending
                    .extend(roots.map(|(path, _)| ((*path).to_owned(), TextRange::default())));
            }
            self.load_from(frame);
            self.users.push(self.loaded.packages.len() - 1);
        }
        (self.loaded, self.diagnostics)
    }

    fn load_from(&mut self, first: Frame) {
        let mut stack = vec![first];
        while let Some(frame) = stack.last_mut() {
            let Some((path, range)) = frame.pending.pop() else {
                let Some(frame) = stack.pop() else { break };
                let index = self.loaded.packages.len();
                self.states.insert(frame.path.clone(), State::Done(index));
                let implicit =
                    frame
                        .implicit
                        .iter()
                        .filter_map(|(name, path)| match self.states.get(path) {
                            Some(State::Done(index)) => Some((*name, *index)),
                            _ => None,
                        });
                self.loaded.packages.push(LoadedPackage {
                    implicit: implicit.collect(),
                    embedded: frame.embedded,
                    path: frame.path,
                    standard: frame.standard,
                    files: frame.files,
                    imports: frame.imports,
                    first_file: frame.first_file,
                });
                continue;
            };
            match self.states.get(&path) {
                Some(State::Done(index)) => {
                    frame.imports.insert(range, *index);
                }
                Some(State::Failed) => {}
                Some(State::Loading) => self.report_import_cycle(&stack, &path, range),
                None => {
                    if let Some(problem) = invalid_import_path(&path) {
                        self.diagnostics.report(
                            Code::CannotImport,
                            range,
                            format!("invalid import path ({problem})"),
                        );
                        continue;
                    }
                    if path == "unsafe" || path == "C" {
                        let why = if path == "C" {
                            "import \"C\" is not supported: golite runs Go alone and calls no C code"
                        } else {
                            "package unsafe is not supported: golite keeps every program within its own memory"
                        };
                        self.diagnostics.report(Code::Unsafe, range, why);
                        self.states.insert(path, State::Failed);
                        continue;
                    }
                    match self.importer.source(&path) {
                        Some(source) => {
                            // Come back to this import when the package is there.
                            frame.pending.push((path.clone(), range));
                            self.states.insert(path.clone(), State::Loading);
                            let files = self.parse(source.files);
                            let no_users = FxHashMap::default();
                            let frame = self.frame(path, source.standard, files, &no_users);
                            stack.push(frame);
                        }
                        None => {
                            let message = format!("package {path} is not in std");
                            self.diagnostics.report(Code::CannotImport, range, message);
                            self.states.insert(path, State::Failed);
                        }
                    }
                }
            }
        }
    }

    fn report_import_cycle(&mut self, stack: &[Frame], path: &str, range: TextRange) {
        let start = stack
            .iter()
            .position(|frame| frame.path == path)
            .unwrap_or(0);
        let mut message = "import cycle not allowed".to_owned();
        let mut names = stack[start..].iter().map(|frame| frame.path.as_str());
        if let Some(first) = names.next() {
            message.push_str(&format!("\n\tpackage {first}"));
            for name in names {
                message.push_str(&format!("\n\timports {name}"));
            }
            message.push_str(&format!("\n\timports {first}"));
        }
        self.diagnostics.report(Code::ImportCycle, range, message);
    }

    fn parse(&mut self, texts: Vec<SourceText>) -> Vec<File> {
        let mut files = Vec::with_capacity(texts.len());
        for text in texts {
            let Ok(id) = self.sources.add(text.name, text.text) else {
                continue;
            };
            let (file, diagnostics) =
                parser::parse_file(self.ast, self.names, id, self.sources.text(id));
            self.diagnostics.append(diagnostics);
            files.push(file);
        }
        files
    }

    fn frame(
        &mut self,
        path: String,
        standard: bool,
        files: Vec<File>,
        users: &FxHashMap<TextRange, usize>,
    ) -> Frame {
        self.states.insert(path.clone(), State::Loading);
        let mut pending = Vec::new();
        let mut imports = FxHashMap::default();
        for file in &files {
            for import in &file.imports {
                let range = self.ast.range(import.path);
                if let Some(&user) = users.get(&range) {
                    imports.insert(range, self.users[user]);
                    continue;
                }
                let value = self.ast.string_value(import.path);
                pending.push((String::from_utf8_lossy(value).into_owned(), range));
            }
        }
        pending.reverse();
        let first_file = files.first().map(|file| file.file).unwrap_or_default();
        Frame {
            path,
            standard,
            files,
            imports,
            implicit: Vec::new(),
            embedded: Embedded::default(),
            pending,
            first_file,
        }
    }
}
