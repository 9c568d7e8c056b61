//! From what the command line names to parsed packages: the part of `go list` that a script needs.
//!
//! A folder is a package. The program's first package is a folder, one or more files of one, or a text; [`load`] reads and
//! parses it and then, depth first, every package of the program's own that is imported. An import path is looked for
//!
//! 1. among the standard packages, which stay with the checker's importer;
//! 2. in the module that the importing package lies in (`go.mod`, [`module`]), and in what the program's module requires;
//! 3. where there is no module, or the program is a script: in the folder beside the program with that path, and, if the path begins
//!    with `./` or `../`, beside the importing package.
//!
//! What is wrong with the imports is said in Go's words and ends the matter, as in Go: a program whose packages are
//! not all there is not checked.
//!
//! INVARIANT: packages stand after those they import; the program's first package is the last.

mod build_list;
mod constraints;
pub mod coverage;
mod embedding;
mod folder;
pub mod implicit;
pub mod module;
pub mod tests;

use crate::packages::HostPackages;
use build_list::{BuildList, Found};
use checker::{Embedded, LanguageVersion, LanguageVersions, UserPackage};
use coverage::Coverage;
use diagnostics::{Code, Diagnostic, Diagnostics, SourceMap, TextRange};
use folder::{Listing, Text};
pub use folder::{decoded, has_sources};
use module::Module;
use parser::ast::{Ast, EmbedPattern, File, Interner, Symbol};
use parser::parse_file;
use rustc_hash::FxHashMap;
use std::cell::OnceCell;
use std::path::{Component, Path, PathBuf};
use stdlib::outline;

/// Where the program's first package is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// All files of a folder that take part on this system.
    Folder(String),
    /// These files, at least one, whatever their build constraints say.
    Files(Vec<String>),
    /// A text that stands in no file.
    Text {
        /// The name in messages.
        name: String,
        /// The text.
        text: Vec<u8>,
    },
    /// The tests of a package, as a program.
    Tests(tests::TestInput),
}

/// Packages read and parsed, with what is wrong with them so far.
#[derive(Debug, Default)]
pub struct Loaded {
    /// All texts.
    pub sources: SourceMap,
    /// All trees.
    pub ast: Ast,
    /// All names.
    pub names: Interner,
    /// The program's own packages, each after those it imports.
    pub packages: Vec<UserPackage>,
    /// The standard packages that they import.
    pub standard: Vec<String>,
    /// What keeps the program from being checked and has no place in a text.
    pub failures: Vec<String>,
    /// What is wrong with imports. If this is not empty, the program is not to be checked.
    pub problems: Diagnostics,
    /// Errors of syntax.
    pub syntax: Diagnostics,
}

impl Loaded {
    /// Has it all been found, and understood well enough for the checker?
    pub fn is_checkable(&self) -> bool {
        let mut files = self.packages.iter().flat_map(|package| &package.files);
        self.failures.is_empty() && self.problems.is_empty() && files.all(|file| file.checkable)
    }
}

/// Where packages may come from that are not standard ones.
#[derive(Clone, Copy, Default)]
pub struct Sources<'a> {
    /// Where an installed Go keeps the modules it has fetched.
    pub module_cache: Option<&'a Path>,
    /// The packages of a host.
    pub host: Option<&'a HostPackages>,
    /// Nothing is read from files but what the program's [`Input`] names: its text can import standard packages and the host's only.
    pub sealed: bool,
    /// Texts that stand for those of files: what an editor has not written yet, by canonical path.
    pub edits: Option<&'a Edits>,
}

/// Texts of files, by canonical path.
pub type Edits = FxHashMap<PathBuf, String>;

/// Reads and parses the packages of a program. `module_cache` is where an installed Go keeps the modules it has fetched.
pub fn load(input: &Input, module_cache: Option<&Path>) -> Loaded {
    let sources = Sources {
        module_cache,
        ..Sources::default()
    };
    load_from(input, sources)
}

/// As [`load`], with what the packages may come from.
pub fn load_from(input: &Input, sources: Sources<'_>) -> Loaded {
    let mut loader = Loader::new(sources, !matches!(input, Input::Text { .. }));
    match input {
        Input::Tests(input) => loader.load_tests(input),
        _ => loader.load_program(input),
    }
    let mut loaded = loader.loaded;
    loaded.problems.sort_as_go(&loaded.sources);
    loaded
}

/// The folder of a package of a program's own that a text in the current folder would import, whether it is named by its module or lies
/// beside.
///
/// # Errors
/// Why there is none, in Go's words.
pub fn folder_of_import(path: &str, module_cache: Option<&Path>) -> Result<PathBuf, String> {
    let folder = folder::canonical(".")?;
    let sources = Sources {
        module_cache,
        ..Sources::default()
    };
    let mut loader = Loader::new(sources, false);
    let module = Module::containing(&folder, module_cache);
    loader.main_folder.clone_from(&folder);
    loader.main_module.clone_from(&module);
    loader.beside = true;
    if let Some(problem) = loader.build_list().and_then(|list| list.problem.clone()) {
        return Err(problem);
    }
    let of_text = PathBuf::from("\0");
    let importer = loader.frame(
        of_text,
        folder.clone(),
        module,
        "main".to_owned(),
        Vec::new(),
    )?;
    let import = Pending {
        path: path.to_owned(),
        range: TextRange::default(),
        file: String::new(),
    };
    let (found, path) = loader.find(&importer, &import)?;
    match internal_outside(&found, &folder) {
        Some(_) => Err(format!("use of internal package {path} not allowed")),
        None => Ok(found),
    }
}

/// How far the package in a folder has come.
#[derive(Clone, Copy)]
enum State {
    Loading,
    Done(usize),
    Failed,
}

/// A package on the way to being loaded.
struct Frame {
    /// What its folder is known by; of a program of files or a text, nothing that can be imported.
    key: PathBuf,
    folder: PathBuf,
    module: Option<Module>,
    /// Its import path.
    path: String,
    /// The name of the file whose import led here.
    imported_from: String,
    files: Vec<File>,
    /// Imports still to be followed, last first.
    pending: Vec<Pending>,
    imports: FxHashMap<TextRange, usize>,
    /// Of a script: the names that stand for standard packages without an import, and their paths.
    implicit: Vec<(Symbol, String)>,
    /// What its `//go:embed` lines name.
    embedded: Embedded,
    versions: LanguageVersions,
    /// Made by golite itself: it may import what is internal.
    generated: bool,
}

/// A file, and what the loader wants to know of it.
struct Parsed {
    file: File,
    name: String,
    /// Is it one of tests?
    test: bool,
    /// The name in its package clause.
    package: Option<String>,
}

struct Pending {
    path: String,
    range: TextRange,
    /// The name of the file it stands in.
    file: String,
}

struct Loader<'a> {
    loaded: Loaded,
    states: FxHashMap<PathBuf, State>,
    sources: Sources<'a>,
    main_folder: PathBuf,
    main_module: Option<Module>,
    /// The versions that the main module's program is made of; found out when they are first asked for.
    build_list: OnceCell<BuildList>,
    /// May packages lie beside the program?
    beside: bool,
    /// Does the program stand in files?
    in_files: bool,
    overlay: Overlay,
    /// The import path and the folder of the package whose tests these are.
    tested: Option<(String, PathBuf)>,
    /// What of a test program is counted.
    coverage: Option<Coverage>,
}

/// Folders in which standard packages are looked for that golite does not have, and those that are taken from there though it has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    /// Folders like the `src` of an installed Go; the first that has a package counts.
    pub roots: Vec<PathBuf>,
    /// Import paths of packages that replace golite's own.
    pub replaced: Vec<String>,
}

impl Overlay {
    /// The folder of a package that is to come from here. golite's own internal packages are no one else's business, so those of Go
    /// never mean them.
    fn folder(&self, path: &str) -> Option<PathBuf> {
        let own = outline::is_standard(path) && !implicit::is_internal(path);
        if own && !self.replaced.iter().any(|replaced| replaced == path) {
            return None;
        }
        let mut folders = self.roots.iter().map(|root| root.join(path));
        folders.find(|folder| folder::has_sources(folder))
    }
}

impl<'a> Loader<'a> {
    fn new(sources: Sources<'a>, in_files: bool) -> Loader<'a> {
        Loader {
            loaded: Loaded::default(),
            states: FxHashMap::default(),
            sources,
            main_folder: PathBuf::new(),
            main_module: None,
            build_list: OnceCell::new(),
            beside: false,
            in_files,
            overlay: Overlay::default(),
            tested: None,
            coverage: None,
        }
    }

    fn load_program(&mut self, input: &Input) {
        if let Some(first) = self.main_package(input) {
            let path = if self.is_named_main(&first.files) {
                "main".to_owned()
            } else {
                first.path.clone()
            };
            self.follow(first, path);
        }
    }

    /// Loads what a package imports, then the package itself, under the given path; gives its number.
    fn follow(&mut self, first: Frame, path: String) -> usize {
        self.states.insert(first.key.clone(), State::Loading);
        let mut stack = vec![first];
        while let Some(frame) = stack.last_mut() {
            let Some(import) = frame.pending.pop() else {
                let Some(frame) = stack.pop() else { break };
                let path = if stack.is_empty() {
                    path.clone()
                } else {
                    frame.path
                };
                self.states
                    .insert(frame.key, State::Done(self.loaded.packages.len()));
                self.loaded.packages.push(UserPackage {
                    path,
                    files: frame.files,
                    imports: frame.imports,
                    implicit: frame.implicit,
                    embedded: frame.embedded,
                    versions: frame.versions,
                });
                continue;
            };
            // The checker knows what to say of these.
            if matches!(import.path.as_str(), "" | "C" | "unsafe") {
                continue;
            }
            let generated = frame.generated || import.file == coverage::FILE;
            let from_overlay = match generated {
                true => None,
                false => self.overlay.folder(&import.path),
            };
            let host = self.sources.host;
            let is_host = host.is_some_and(|host| host.contains(&import.path));
            if is_host || from_overlay.is_none() && outline::is_standard(&import.path) {
                if implicit::is_internal(&import.path) && !generated {
                    let message = format!("use of internal package {} not allowed", import.path);
                    self.problem(import.range, message);
                    continue;
                }
                if !self.loaded.standard.contains(&import.path) {
                    self.loaded.standard.push(import.path);
                }
                continue;
            }
            let found = match from_overlay {
                Some(folder) => Ok((folder, import.path.clone())),
                None => self.find(frame, &import),
            };
            let (folder, path) = match found {
                Ok(found) => found,
                Err(message) => {
                    let mut diagnostic = Diagnostic::new(Code::CannotImport, import.range, message);
                    if let Some(path) = implicit::similar(&import.path) {
                        diagnostic = diagnostic.help(format!("did you mean {path:?}?"));
                    }
                    self.loaded.problems.push(diagnostic);
                    continue;
                }
            };
            match self.states.get(&folder).copied() {
                Some(State::Done(index)) => {
                    let tested = self.tested.as_ref().map(|(_, tested)| tested);
                    if self.is_program(index) && tested != Some(&folder) {
                        self.problem_of_program(&import);
                    }
                    frame.imports.insert(import.range, index);
                }
                Some(State::Failed) => {}
                Some(State::Loading) => self.problem_of_cycle(&stack, &folder, &import),
                None => {
                    let outside = internal_outside(&folder, &frame.folder);
                    let of_overlay = |folder: &Path| {
                        self.overlay
                            .roots
                            .iter()
                            .any(|root| folder.starts_with(root))
                    };
                    if let Some(outside) = outside
                        && !of_overlay(&folder)
                    {
                        let message = format!("use of internal package {path} not allowed");
                        let help =
                            format!("only code in {} and below may import it", outside.display());
                        self.loaded.problems.push(
                            Diagnostic::new(Code::CannotImport, import.range, message).help(help),
                        );
                    }
                    match self.package(folder.clone(), path) {
                        Ok(mut next) => {
                            next.imported_from.clone_from(&import.file);
                            // Come back to this import when the package is there.
                            frame.pending.push(import);
                            self.states.insert(folder, State::Loading);
                            stack.push(next);
                        }
                        Err(message) => {
                            self.states.insert(folder, State::Failed);
                            self.problem(import.range, message);
                        }
                    }
                }
            }
        }
        self.loaded.packages.len() - 1
    }

    fn main_package(&mut self, input: &Input) -> Option<Frame> {
        let (folder, texts) = match input {
            Input::Folder(name) => match folder::canonical(name) {
                Ok(folder) => (folder.clone(), folder::list(&folder)),
                Err(message) => (PathBuf::new(), Err(message)),
            },
            Input::Files(names) => {
                let folder = folder::of_file(&names[0]);
                let unwritten = self.unwritten_file(names);
                (
                    folder,
                    unwritten.map_or_else(|| folder::read_files(names), Ok),
                )
            }
            Input::Tests(_) => return None,
            Input::Text { name, text } => {
                let text = folder::decoded(name, text.clone()).map(|text| {
                    let file = name.clone();
                    Listing {
                        texts: vec![Text {
                            file,
                            shown: name.clone(),
                            text,
                            test: false,
                        }],
                        excluded: 0,
                        tests: 0,
                    }
                });
                (folder::canonical(".").unwrap_or_default(), text)
            }
        };
        let is_folder = matches!(input, Input::Folder(_));
        let texts = texts.map(|listing| self.edited(&folder, listing, is_folder, false));
        let listing = match texts.and_then(|listing| listing.not_empty(&folder)) {
            Ok(listing) => listing,
            Err(message) => {
                self.loaded.failures.push(message);
                return None;
            }
        };
        let is_text = matches!(input, Input::Text { .. });
        let module = match self.sources.sealed && is_text {
            true => None,
            false => Module::containing(&folder, self.sources.module_cache),
        };
        let key = if is_folder {
            folder.clone()
        } else {
            PathBuf::from("\0")
        };
        let path = match &module {
            Some(module) if is_folder => own_path(module, &folder),
            _ => "command-line-arguments".to_owned(),
        };
        match self.parse(key, folder.clone(), module.clone(), path, listing) {
            Ok(frame) => {
                let is_script = frame.files.iter().any(|file| file.script.is_some());
                self.main_folder = folder;
                self.beside = module.is_none() || is_script;
                self.main_module = module;
                for file in &frame.files {
                    self.require(file);
                }
                if let Some(problem) = self.build_list().and_then(|list| list.problem.clone()) {
                    self.loaded.failures.push(problem);
                    return None;
                }
                Some(frame)
            }
            Err(message) => {
                self.loaded.failures.push(message);
                None
            }
        }
    }

    /// With the texts that an editor has. Of a whole folder also those of files that it has not written at all, its tests among them if
    /// they are wanted.
    fn edited(
        &self,
        folder: &Path,
        mut listing: Listing,
        is_whole: bool,
        with_tests: bool,
    ) -> Listing {
        let Some(edits) = self.sources.edits else {
            return listing;
        };
        for text in &mut listing.texts {
            if let Some(edit) = edits.get(&folder.join(&text.file)) {
                text.text.clone_from(edit);
            }
        }
        if !is_whole {
            return listing;
        }
        for (path, edit) in edits {
            let Some(file) = path.file_name().map(|name| name.to_string_lossy()) else {
                continue;
            };
            if path.parent() == Some(folder)
                && let Some(test) = folder::takes_part(&file, edit)
                && (with_tests || !test)
                && !path.exists()
            {
                listing.texts.push(Text {
                    file: file.into_owned(),
                    shown: path.display().to_string(),
                    text: edit.clone(),
                    test,
                });
            }
        }
        listing.texts.sort_by(|a, b| a.file.cmp(&b.file));
        listing
    }

    /// The text of the only file of a program that an editor has and has not written.
    fn unwritten_file(&self, names: &[String]) -> Option<Listing> {
        let [name] = names else { return None };
        let path = Path::new(name);
        let text = self.sources.edits?.get(path).filter(|_| !path.exists())?;
        let text = Text {
            file: path.file_name()?.to_string_lossy().into_owned(),
            shown: name.clone(),
            text: text.clone(),
            test: false,
        };
        Some(Listing {
            texts: vec![text],
            ..Listing::default()
        })
    }

    /// Reads and parses the package in a folder.
    fn package(&mut self, folder: PathBuf, path: String) -> Result<Frame, String> {
        let mut listing = self
            .edited(&folder, folder::list(&folder)?, true, false)
            .not_empty(&folder)?;
        self.count(&mut listing.texts, &path);
        let module = Module::containing(&folder, self.sources.module_cache);
        self.parse(folder.clone(), folder, module, path, listing)
    }

    /// Puts counters into the texts of a package if it is one of those that are counted.
    fn count(&self, texts: &mut Vec<Text>, path: &str) {
        if let (Some(coverage), Some((tested, _))) = (&self.coverage, &self.tested)
            && coverage.covers(path, tested)
        {
            coverage::instrument(texts, path, coverage.mode);
        }
    }

    fn parse(
        &mut self,
        key: PathBuf,
        folder: PathBuf,
        module: Option<Module>,
        path: String,
        listing: Listing,
    ) -> Result<Frame, String> {
        let parsed = self.parse_texts(listing.texts)?;
        self.frame(key, folder, module, path, parsed)
    }

    fn parse_texts(&mut self, texts: Vec<Text>) -> Result<Vec<Parsed>, String> {
        let mut parsed = Vec::with_capacity(texts.len());
        for text in texts {
            let Loaded {
                sources,
                ast,
                names,
                syntax,
                ..
            } = &mut self.loaded;
            let id = sources
                .add(&text.shown, text.text)
                .map_err(|error| format!("{}: {error}", text.shown))?;
            let (file, diagnostics) = parse_file(ast, names, id, sources.text(id));
            syntax.append(diagnostics);
            let clause = file.package.and_then(|ident| ast.ident(ident));
            parsed.push(Parsed {
                package: clause.map(|name| names.text(name).to_owned()),
                file,
                name: text.file,
                test: text.test,
            });
        }
        Ok(parsed)
    }

    /// A package of files that are parsed.
    fn frame(
        &mut self,
        key: PathBuf,
        folder: PathBuf,
        module: Option<Module>,
        path: String,
        parsed: Vec<Parsed>,
    ) -> Result<Frame, String> {
        let Loaded {
            sources,
            ast,
            names,
            standard,
            ..
        } = &mut self.loaded;
        let mut files = Vec::with_capacity(parsed.len());
        let mut pending = Vec::new();
        let mut package: Option<(String, String)> = None;
        for Parsed {
            file,
            name,
            package: clause,
            ..
        } in parsed
        {
            for import in &file.imports {
                let path = String::from_utf8_lossy(ast.string_value(import.path)).into_owned();
                pending.push(Pending {
                    path,
                    range: ast.range(import.path),
                    file: name.clone(),
                });
            }
            if let Some(clause) = clause {
                match &package {
                    None => package = Some((clause, name)),
                    Some((first, _)) if *first == clause => {}
                    Some((first, file)) => {
                        return Err(format!(
                            "found packages {first} ({file}) and {clause} ({name}) in {}",
                            folder.display()
                        ));
                    }
                }
            }
            files.push(file);
        }
        pending.reverse();
        let mut implicit = Vec::new();
        if let Some(script) = files.iter().position(|file| file.script.is_some()) {
            if files.len() > 1 || !self.states.is_empty() {
                let shown = sources.file(files[script].file).name();
                return Err(format!(
                    "{shown} has no package clause: it is a script, which is a program of its own and no part of a package"
                ));
            }
            implicit = implicit::packages(ast, names, &files[script], self.sources.host);
            for (_, path) in &implicit {
                if !standard.contains(path) {
                    standard.push(path.clone());
                }
            }
        }
        let imports = FxHashMap::default();
        let embedded = self.embedded(&folder, &files);
        let versions = self.versions(&folder, module.as_ref(), &path, &files);
        Ok(Frame {
            versions,
            implicit,
            embedded,
            key,
            folder,
            module,
            path,
            imported_from: String::new(),
            files,
            pending,
            imports,
            generated: false,
        })
    }

    /// The language versions of a package's files that are not of today's. Scripts and texts without a file are of today.
    fn versions(
        &self,
        folder: &Path,
        module: Option<&Module>,
        path: &str,
        files: &[File],
    ) -> LanguageVersions {
        let of_module = module.map(|module| {
            let vendored = folder.starts_with(module.root.join("vendor"));
            if vendored {
                module.vendored_language(path)
            } else {
                module.language
            }
        });
        let of_file = |file: &File| {
            let of_line = constraints::language_version(self.loaded.sources.text(file.file));
            let minor = of_line.or(of_module)?;
            let version = LanguageVersion {
                minor,
                of_line: of_line.is_some(),
            };
            let old = minor < constraints::VERSION && file.script.is_none() && self.in_files;
            old.then_some((file.file, version))
        };
        files.iter().filter_map(of_file).collect()
    }

    /// The files that the `//go:embed` lines of a package name. Files that do not import the package have none: the checker says so.
    fn embedded(&mut self, folder: &Path, files: &[File]) -> Embedded {
        let ast = &self.loaded.ast;
        let imports_it = |file: &&File| {
            let mut imports = file.imports.iter();
            file.script.is_some() || imports.any(|import| ast.string_value(import.path) == b"embed")
        };
        let embedding = files.iter().filter(imports_it);
        let patterns: Vec<&EmbedPattern> = embedding
            .flat_map(|file| &file.embeds)
            .flat_map(|embed| &embed.patterns)
            .collect();
        if patterns.is_empty() {
            return Embedded::default();
        }
        for name in checker::embed::NAMES {
            self.loaded.names.intern(name);
        }
        if self.sources.sealed {
            let place = patterns[0];
            let message = format!("pattern {}: no matching files found", place.pattern);
            self.problem(place.range, message);
            return Embedded::default();
        }
        let texts = patterns.iter().map(|pattern| pattern.pattern.as_str());
        match embedding::resolve(folder, texts) {
            Ok(embedded) => embedded,
            Err(error) => {
                let mut places = patterns.iter();
                let place = places.find(|pattern| pattern.pattern == error.pattern);
                if let Some(place) = place {
                    let message = format!("pattern {}: {}", error.pattern, error.message);
                    self.problem(place.range, message);
                }
                Embedded::default()
            }
        }
    }

    /// The folder of an import and the package's path.
    fn find(&self, importer: &Frame, import: &Pending) -> Result<(PathBuf, String), String> {
        let path = import.path.as_str();
        if self.sources.sealed {
            return Err(not_in_std(path));
        }
        if path.starts_with("./") || path.starts_with("../") || path == "." || path == ".." {
            if importer.module.is_some() && !self.beside {
                return Err(format!(
                    "{path:?} is relative, but relative import paths are not supported in module mode"
                ));
            }
            let folder = importer.folder.join(path).canonicalize();
            let folder = folder.map_err(|_| {
                format!(
                    "cannot find package {path:?} in {}",
                    importer.folder.display()
                )
            })?;
            let path = self.path_beside(&folder);
            return Ok((folder, path));
        }
        if path.starts_with('/') {
            return Err(format!(
                "{path:?} is not a package path; see 'go help packages'"
            ));
        }
        if let Some((tested, folder)) = &self.tested
            && tested == path
        {
            return Ok((folder.clone(), path.to_owned()));
        }
        let own = importer
            .module
            .as_ref()
            .and_then(|module| module.own_folder(path));
        let found = own.filter(|folder| folder::has_sources(folder));
        let mut missing = None;
        let found = found.or_else(|| match self.build_list()?.find(path, folder::has_sources) {
            Found::Folder(folder) => Some(folder),
            Found::Missing(module) => {
                missing = Some(format!(
                    "module {0} {1}, which has package {path}, is not in the module cache; to fetch it:\n\tgo mod download {0}@{1}",
                    module.path, module.version
                ));
                None
            }
            Found::NotVendored => {
                missing = Some(format!(
                    "cannot find module providing package {path}: import lookup disabled by -mod=vendor\n\t(Go version in go.mod is at least 1.14 and vendor directory exists.)"
                ));
                None
            }
            Found::Nowhere => None,
        });
        if let Some(folder) = found {
            let folder = folder.canonicalize().unwrap_or(folder);
            return Ok((folder, path.to_owned()));
        }
        if self.beside
            && let Ok(folder) = self.main_folder.join(path).canonicalize()
            && folder::has_sources(&folder)
        {
            let path = self.path_beside(&folder);
            return Ok((folder, path));
        }
        if let Some(message) = missing.filter(|_| path.contains('.')) {
            return Err(message);
        }
        // GO: cmd/go/internal/modload/import.go ImportMissingError
        let first = path.split('/').next().unwrap_or(path);
        Err(if !first.contains('.') {
            not_in_std(path)
        } else if self.main_module.is_some() {
            format!("no required module provides package {path}; to add it:\n\tgo get {path}")
        } else {
            format!(
                "no required module provides package {path}: go.mod file not found in current directory or any parent \
                 directory; see 'go help modules'"
            )
        })
    }

    fn build_list(&self) -> Option<&BuildList> {
        let module = self.main_module.as_ref()?;
        Some(self.build_list.get_or_init(|| build_list::of(module)))
    }

    /// What a script says in the comments at its head that it requires: each such module must be there. Lines are
    /// `//golite:require PATH VERSION`.
    fn require(&mut self, file: &File) {
        let text = self.loaded.sources.text(file.file);
        let lexed = lexer::lex(text);
        let head = lexed
            .tokens
            .first()
            .map_or(text.len() as u32, |token| token.start);
        let mut lines = Vec::new();
        for comment in lexed
            .comments
            .iter()
            .take_while(|comment| comment.start < head)
        {
            let line = &text[comment.start as usize..comment.end as usize];
            if let Some(rest) = line.strip_prefix("//golite:require")
                && rest.is_empty() | rest.starts_with([' ', '\t'])
            {
                let words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
                lines.push((TextRange::new(file.file, comment.start, comment.end), words));
            }
        }
        if lines.is_empty() {
            return;
        }
        let mut wanted = Vec::new();
        for (range, words) in lines {
            match <[String; 2]>::try_from(words) {
                Ok([path, version]) if version.starts_with('v') => {
                    wanted.push((range, path, version));
                }
                _ => self.problem(
                    range,
                    "usage: //golite:require PATH VERSION, as in //golite:require example.com/lib v1.2.3".to_owned(),
                ),
            }
        }
        let cache = self.sources.module_cache;
        let folder = self.main_folder.clone();
        let module = self
            .main_module
            .get_or_insert_with(|| Module::of_script(&folder, cache));
        for (_, path, version) in &wanted {
            module.requirements.push((path.clone(), version.clone()));
        }
        let vendored = |path: &str| folder.join("vendor").join(path).is_dir();
        let mut problems = Vec::new();
        let list = self.build_list();
        for (range, path, version) in wanted {
            let selected = list.and_then(|list| list.selected(&path));
            if selected.is_some_and(|module| module.root.is_some()) || vendored(&path) {
                continue;
            }
            let version = selected.map_or(version, |module| module.version.clone());
            problems.push((range, format!(
                "module {path} {version} is neither in the folder vendor nor in the module cache; to fetch it:\n\tgo mod download {path}@{version}"
            )));
        }
        for (range, message) in problems {
            self.problem(range, message);
        }
    }

    /// The path of a package that is no module's: the way to it from the program's folder.
    fn path_beside(&self, folder: &Path) -> String {
        let path = relative(&self.main_folder, folder).display().to_string();
        if outline::is_standard(&path) || path == "main" {
            format!("./{path}")
        } else {
            path
        }
    }

    /// Is a package that is there named `main`?
    fn is_program(&self, index: usize) -> bool {
        self.is_named_main(&self.loaded.packages[index].files)
    }

    fn is_named_main(&self, files: &[File]) -> bool {
        let mut clauses = files.iter().filter_map(|file| file.package);
        let name = clauses
            .next()
            .and_then(|ident| self.loaded.ast.ident(ident));
        name.is_none_or(|name| self.loaded.names.text(name) == "main")
    }

    fn problem(&mut self, range: TextRange, message: String) {
        self.loaded
            .problems
            .report(Code::CannotImport, range, message);
    }

    fn problem_of_program(&mut self, import: &Pending) {
        let message = format!(
            "import {:?} is a program, not an importable package",
            import.path
        );
        self.problem(import.range, message);
    }

    fn problem_of_cycle(&mut self, stack: &[Frame], folder: &Path, import: &Pending) {
        let in_tests = self
            .tested
            .as_ref()
            .is_some_and(|(_, tested)| tested == folder);
        let mut message = "import cycle not allowed".to_owned();
        if in_tests {
            message.push_str(" in test");
        }
        for (index, frame) in stack.iter().enumerate() {
            if index == 0 {
                message.push_str(&format!("\n\tpackage {}", frame.path));
            } else {
                message.push_str(&format!(
                    "\n\timports {} from {}",
                    frame.path, frame.imported_from
                ));
            }
        }
        let again = stack
            .iter()
            .find(|frame| frame.key == folder)
            .map_or(&import.path, |frame| &frame.path);
        message.push_str(&format!("\n\timports {again} from {}", import.file));
        self.loaded
            .problems
            .report(Code::ImportCycle, import.range, message);
    }
}

/// The sources in a folder that take part on this system, without tests: names and texts.
///
/// # Errors
/// What cannot be read.
pub fn sources_in(folder: &Path) -> Result<Vec<(String, String)>, String> {
    let listing = folder::list(folder)?.not_empty(folder)?;
    let texts = listing.texts.into_iter();
    Ok(texts.map(|text| (text.shown, text.text)).collect())
}

/// The import path of a folder in a module.
pub fn own_path(module: &Module, folder: &Path) -> String {
    match folder.strip_prefix(&module.root) {
        Ok(rest) if rest.as_os_str().is_empty() => module.path.clone(),
        Ok(rest) => format!("{}/{}", module.path, rest.display()),
        Err(_) => module.path.clone(),
    }
}

/// The way from one folder to another, both canonical.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let common = from
        .components()
        .zip(to.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    up.chain(to.components().skip(common)).collect()
}

/// If the package in `folder` is internal to a folder that `importer` is not below: that folder.
///
/// GO: cmd/go/internal/load `disallowInternal`.
fn internal_outside(folder: &Path, importer: &Path) -> Option<PathBuf> {
    let internal = folder
        .ancestors()
        .find(|ancestor| ancestor.ends_with("internal"))?;
    let parent = internal.parent()?;
    (!importer.starts_with(parent)).then(|| parent.to_owned())
}

/// There is no standard package with this path: Go has none, or golite.
fn not_in_std(path: &str) -> String {
    match stdlib::not_there::is_not_there(path) {
        true => {
            format!("package {path} is not supported yet: of Go's standard library golite lacks it")
        }
        false => format!("package {path} is not in std"),
    }
}
