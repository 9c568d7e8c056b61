//! A program that grows while it runs: from the text of a unit to what became of it.
//!
//! A unit is what somebody types at once: statements and declarations as in a script, or a file with its package clause. [`Session::submit`]
//! parses, checks, compiles, links and starts it; [`Session::wait`] says how it ends. The pieces are [`checker::session`],
//! [`compiler::Session`] and [`vm::session`]; what binds them is that numbers of trees, names, types, functions and globals are given once.
//!
//! Packages of the program's own (`import "./lib"`, those of a module) are checked by themselves when a unit first imports them, and refused
//! if anything is wrong with them; then they are part of the session as standard packages are, and are not read again.
//!
//! Memory: a variable that was declared again, and that only statements which have run could mention, is cleared, so that what it held can
//! be collected. Code and types of old units stay.

use crate::loader::{self, Input, implicit};
use crate::packages::StandardPackages;
use crate::pipeline;
use bytecode::Addition;
use checker::session::Session as Checker;
use checker::typed::{ObjectKind, TypedProgram};
use checker::types::{ObjectId, TypeId};
use checker::{Importer, Options, PackageSource, SourceText, UserPackage};
use diagnostics::{Code, Diagnostics, Format, SourceMap, TextRange};
use parser::ast::{Ast, ExprId, File, Interner};
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use stdlib::outline;
use vm::session::{Event, Goroutine, Session as Program};
use vm::{Exit, VmOptions};

/// What shows the values of expressions.
const SHOW: (&str, &str) = ("internal/session", "Show");

/// How often somebody who waits for a unit looks whether it was interrupted, or can never end.
const PATIENCE: Duration = Duration::from_millis(5);
/// How long an interrupted unit may take to run its deferred calls.
const GRACE: Duration = Duration::from_millis(1000);

/// How a unit that was started has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    Done,
    /// By `runtime.Goexit`, or because somebody ended its goroutine.
    Left,
    /// It was interrupted a second time before it had ended.
    Abandoned,
    /// A panic or a fatal error: its text with the trace.
    Failed(String),
    /// It waited for what nobody could do any more: its trace.
    Deadlock(String),
    /// It was interrupted. Its goroutine, as it was then.
    Interrupted {
        at: Option<Goroutine>,
        /// The goroutine has not ended yet: it is in a call of the operating system, or its deferred calls take long.
        goes_on: bool,
    },
}

/// Why a unit was not started.
#[derive(Debug)]
pub enum Refusal {
    /// The text is wrong.
    Wrong(Diagnostics),
    /// A package of the program's own that it imports is: what is wrong with that, in lines.
    Package(String),
    /// The program cannot take it in.
    Link(vm::LinkError),
}

/// See the module's text.
pub struct Session {
    sources: SourceMap,
    ast: Ast,
    names: Interner,
    checker: Checker,
    compiler: compiler::Session,
    program: Option<Program>,
    /// What the program needs to start.
    start: Option<Start>,
    /// Where an installed Go keeps modules.
    module_cache: Option<PathBuf>,
    units: usize,
    /// Places of variables that nothing can mention any more once the unit that runs has ended.
    forgotten: Vec<(u32, u32)>,
    /// The listings of the functions of the last unit.
    listing: String,
}

struct Start {
    options: VmOptions,
    end: Box<dyn Fn(Exit) + Send + Sync>,
}

impl Session {
    /// A program that does nothing yet. `end` is called when it ends itself (`os.Exit`); it ends the process.
    ///
    /// # Errors
    /// It cannot be linked: there is no memory.
    pub fn new(
        options: VmOptions,
        end: impl Fn(Exit) + Send + Sync + 'static,
    ) -> Result<Session, Refusal> {
        let mut names = Interner::new();
        let checker = Checker::new(
            &mut names,
            Options {
                is_program: false,
                ..pipeline::program_options()
            },
            SHOW,
        );
        let mut session = Session {
            sources: SourceMap::new(),
            ast: Ast::new(),
            names,
            checker,
            compiler: compiler::Session::new(),
            program: None,
            start: Some(Start {
                options,
                end: Box::new(end),
            }),
            units: 0,
            forgotten: Vec::new(),
            listing: String::new(),
            module_cache: None,
        };
        // What the machine needs itself is loaded and started with a unit of nothing.
        session.submit_as("[0]", "")?;
        session.wait(&AtomicBool::new(false));
        session.units = 0;
        Ok(session)
    }

    /// Says where an installed Go keeps the modules that it has fetched.
    pub fn set_module_cache(&mut self, folder: Option<PathBuf>) {
        self.module_cache = folder;
    }

    /// All texts, for rendering diagnostics.
    pub fn sources(&self) -> &SourceMap {
        &self.sources
    }

    /// All names of the program.
    pub fn names(&self) -> &Interner {
        &self.names
    }

    /// The syntax of the program.
    pub fn ast(&self) -> &Ast {
        &self.ast
    }

    /// What is declared, and what that is.
    pub fn checker(&self) -> &Checker {
        &self.checker
    }

    /// The program as it was checked so far.
    pub fn typed(&self) -> &TypedProgram {
        self.checker.program()
    }

    /// The running program.
    pub fn program(&self) -> Option<&Program> {
        self.program.as_ref()
    }

    /// The bytecode of what the last unit has added of its own.
    pub fn listing(&self) -> &str {
        &self.listing
    }

    /// Takes a unit in and starts it; gives the warnings.
    ///
    /// # Errors
    /// The text is wrong, and nothing has happened; or the program is full.
    pub fn submit(&mut self, text: &str) -> Result<Diagnostics, Refusal> {
        self.units += 1;
        self.submit_as(&format!("[{}]", self.units), text)
    }

    /// As [`Session::submit`], with a name for the unit in messages.
    ///
    /// # Errors
    /// As there.
    pub fn submit_as(&mut self, name: &str, text: &str) -> Result<Diagnostics, Refusal> {
        let unit = self.parse(name, text).map_err(Refusal::Wrong)?;
        let file = unit.files.first().map(|file| file.file);
        let whole = file.map(|file| TextRange::new(file, 0, text.len() as u32));
        let cache = self.module_cache.clone();
        let mut importer = Packages::new(cache.as_deref());
        let checked = self.checker.check(
            &mut self.ast,
            &mut self.names,
            &mut self.sources,
            unit,
            &mut importer,
        );
        if !importer.problems.is_empty() {
            self.checker.forget();
            return Err(Refusal::Package(importer.problems.concat()));
        }
        let warnings = checked.map_err(|wrong| Refusal::Wrong(importer.explained(&wrong)))?;
        let typed = self.checker.program();
        let compiled = self.compiler.compile(typed, &self.ast, &self.names);
        self.list(&compiled.addition);
        if let Some(problem) = compiled.problem {
            self.checker.forget();
            self.link(compiled.addition, false).map_err(Refusal::Link)?;
            let mut diagnostics = Diagnostics::new();
            let range = problem.range.or(whole).unwrap_or_default();
            diagnostics.report(Code::TooLarge, range, problem.message);
            return Err(Refusal::Wrong(diagnostics));
        }
        let shadowed = self.checker.keep();
        // The unit itself may mention them.
        let forgotten = self.forgotten_variables(&shadowed);
        self.forgotten.extend(forgotten);
        self.link(compiled.addition, true).map_err(Refusal::Link)?;
        Ok(warnings)
    }

    /// Parses a unit and finds the packages that it means.
    fn parse(&mut self, name: &str, text: &str) -> Result<UserPackage, Diagnostics> {
        let first = self.ast.expr_count();
        let (file, syntax) = self.parse_file(name, text)?;
        if !file.checkable || syntax.has_errors() {
            return Err(syntax);
        }
        if let Some(embed) = file.embeds.first() {
            let mut diagnostics = Diagnostics::new();
            let message = "not supported yet: embedded files in a session";
            diagnostics.report(Code::NotSupported, embed.range, message);
            return Err(diagnostics);
        }
        let mut implicit = Vec::new();
        if file.script.is_some() {
            implicit = implicit::packages_from(&self.ast, &self.names, &file, first, None);
            implicit.retain(|(name, _)| self.checker.lookup(*name).is_none());
        }
        Ok(UserPackage {
            path: "main".to_owned(),
            files: vec![file],
            implicit,
            ..UserPackage::default()
        })
    }

    fn parse_file(&mut self, name: &str, text: &str) -> Result<(File, Diagnostics), Diagnostics> {
        let id = self.sources.add(name, text).map_err(|error| {
            let mut diagnostics = Diagnostics::new();
            diagnostics.report(Code::TooLarge, Default::default(), error.to_string());
            diagnostics
        })?;
        Ok(parser::parse_file(
            &mut self.ast,
            &mut self.names,
            id,
            self.sources.text(id),
        ))
    }

    fn link(&mut self, addition: Addition, runs: bool) -> Result<(), vm::LinkError> {
        let sources = Arc::new(self.sources.clone());
        match (&mut self.program, self.start.take()) {
            (None, Some(Start { mut options, end })) => {
                options.sources = Some(sources);
                self.program = Some(Program::start(addition, stdlib::natives(), options, end)?);
                Ok(())
            }
            (Some(program), _) => program.add(addition, sources, runs),
            (None, None) => Err(vm::LinkError::OutOfMemory),
        }
    }

    /// The places of variables that have lost their names, and that nothing can mention any more: not their addresses, and no function.
    fn forgotten_variables(&self, shadowed: &[ObjectId]) -> Vec<(u32, u32)> {
        let alone = shadowed
            .iter()
            .filter(|object| !self.checker.is_held(**object));
        alone
            .filter_map(|object| self.compiler.place_of(*object))
            .collect()
    }

    /// Keeps the listings of what is the unit's own.
    fn list(&mut self, addition: &Addition) {
        let own = addition
            .functions
            .iter()
            .filter(|function| function.name.starts_with("main."));
        self.listing = own
            .map(|function| {
                bytecode::disassemble::function(&bytecode::Program::default(), function)
            })
            .collect::<Vec<_>>()
            .join("\n");
    }

    /// Waits for the unit that was started last. `interrupted` is cleared when it was heeded.
    pub fn wait(&mut self, interrupted: &AtomicBool) -> Ending {
        let ending = self.wait_for_end(interrupted);
        let forgotten = std::mem::take(&mut self.forgotten);
        if let Some(program) = &self.program {
            program.clear_globals(&forgotten);
        }
        ending
    }

    fn wait_for_end(&mut self, interrupted: &AtomicBool) -> Ending {
        let Some(program) = &mut self.program else {
            return Ending::Done;
        };
        let mut asleep = 0;
        loop {
            match program.wait(PATIENCE) {
                Some(Event::Done) => return Ending::Done,
                Some(Event::Left) => return Ending::Left,
                Some(Event::Failed(text)) => return Ending::Failed(text),
                None => {}
            }
            // ORDERING: Relaxed; a wish, made by a signal handler.
            if interrupted.swap(false, Ordering::Relaxed) {
                let at = program.interrupt();
                let begin = Instant::now();
                while begin.elapsed() < GRACE {
                    if program.wait(PATIENCE).is_some() {
                        return Ending::Interrupted { at, goes_on: false };
                    }
                    // ORDERING: as above.
                    if interrupted.load(Ordering::Relaxed) {
                        return Ending::Abandoned;
                    }
                }
                program.give_up();
                return Ending::Interrupted { at, goes_on: true };
            }
            asleep = if program.everybody_sleeps() {
                asleep + 1
            } else {
                0
            };
            if asleep > 1 {
                let at = program.interrupt();
                if program.wait(PATIENCE).is_none() {
                    program.give_up();
                }
                return Ending::Deadlock(at.map_or_else(String::new, |goroutine| {
                    format!("goroutine {} {}", goroutine.id, goroutine.trace)
                }));
            }
        }
    }

    /// The types of the values of an expression, which is not run.
    ///
    /// # Errors
    /// The text is wrong.
    pub fn types_of(&mut self, text: &str) -> Result<Vec<String>, Diagnostics> {
        let unit = self.parse("[:type]", text)?;
        self.checker.check(
            &mut self.ast,
            &mut self.names,
            &mut self.sources,
            unit,
            &mut Packages::new(None),
        )?;
        let echoes = &self.checker.program().echoes;
        let types = echoes.values().flat_map(|echo| echo.types.clone());
        let types = types.collect();
        self.checker.forget();
        Ok(types)
    }

    /// Is the name declared by a unit or predeclared?
    pub fn is_declared(&self, name: &str) -> bool {
        let symbol = self.names.find(name);
        let object = symbol.and_then(|name| self.checker.lookup(name));
        object.is_some_and(|object| {
            !matches!(
                self.typed().object(object).kind,
                ObjectKind::PackageName { .. }
            )
        })
    }

    /// The names of packages that need no import, and of those that were imported under other names.
    pub fn package_names(&self) -> impl Iterator<Item = &'static str> {
        implicit::package_names()
    }

    /// What the package exports that is meant by a name, if it is one.
    pub fn exported_names(&self, name: &str) -> Option<BTreeSet<String>> {
        let imported = self.names.find(name).and_then(|name| {
            let object = self.checker.lookup(name)?;
            match self.typed().object(object).kind {
                ObjectKind::PackageName { imported, .. } => {
                    Some(self.typed().package(imported).path.clone())
                }
                _ => None,
            }
        });
        let path = match imported {
            Some(path) if !outline::is_standard(&path) => return self.exported_by(&path),
            Some(path) => path,
            None => implicit::path_named(name)?.to_owned(),
        };
        Some(
            outline::exported(&path)
                .into_iter()
                .map(str::to_owned)
                .collect(),
        )
    }

    /// What a package of the program's own exports.
    fn exported_by(&self, path: &str) -> Option<BTreeSet<String>> {
        let package = self.typed().package(self.checker.package(path)?);
        let objects = package.scope.values();
        let exported = objects
            .map(|object| self.typed().object(*object))
            .filter(|object| object.exported);
        Some(
            exported
                .map(|object| self.names.text(object.name).to_owned())
                .collect(),
        )
    }

    /// The type of the expression in a range of a text, which is checked and forgotten; `None` if it has none.
    pub fn type_at(&mut self, text: &str, range: Range<usize>) -> Option<TypeId> {
        let first = self.ast.expr_count();
        let unit = self.parse("[:complete]", text).ok()?;
        let file = unit.files.first()?.file;
        // What is wrong elsewhere does not matter.
        let _ = self.checker.check(
            &mut self.ast,
            &mut self.names,
            &mut self.sources,
            unit,
            &mut Packages::new(None),
        );
        self.checker.forget();
        let range = TextRange::new(file, range.start as u32, range.end as u32);
        let typed = self.checker.program();
        let found = (first..self.ast.expr_count())
            .map(ExprId::from_index)
            .filter(|expr| self.ast.range(*expr) == range)
            .map(|expr| typed.type_and_value(expr))
            .find(|found| found.is_value() || found.mode == checker::typed::Mode::Type)?;
        Some(found.typ).filter(|typ| typed.types.is_valid(*typ))
    }

    /// What the units have declared and nothing has taken the place of, as declarations in short.
    pub fn declarations(&self) -> Vec<String> {
        let entries = self.checker.entries();
        let objects = entries.iter().map(|entry| entry.object);
        objects.map(|object| self.declaration_of(object)).collect()
    }

    /// The declaration, in short, of what a unit has declared by this name.
    pub fn declaration(&self, name: &str) -> Option<String> {
        let object = self.checker.lookup(self.names.find(name)?)?;
        let is_package = matches!(
            self.typed().object(object).kind,
            ObjectKind::PackageName { .. }
        );
        (!is_package).then(|| self.declaration_of(object))
    }

    fn declaration_of(&self, object: ObjectId) -> String {
        let typed = self.typed();
        let object = typed.object(object);
        let name = self.names.text(object.name);
        let text =
            |typ: TypeId| typed.type_string(&self.names, &self.sources, typ, Some(typed.main));
        match &object.kind {
            ObjectKind::PackageName { imported, .. } => {
                format!("import {name} {:?}", typed.package(*imported).path)
            }
            ObjectKind::Constant(_) => format!("const {name} {}", text(object.typ)),
            ObjectKind::TypeName { .. } => {
                format!(
                    "type {name} {}",
                    text(typed.types.underlying_id(object.typ))
                )
            }
            ObjectKind::Function { .. } => {
                let ty = text(object.typ);
                format!("func {name}{}", ty.strip_prefix("func").unwrap_or(&ty))
            }
            _ => format!("var {name} {}", text(object.typ)),
        }
    }
}

/// The standard packages, and those of the program's own that the current folder can import.
struct Packages<'a> {
    standard: StandardPackages<'static>,
    module_cache: Option<&'a Path>,
    /// What is wrong with packages of the program's own, each with a line end.
    problems: Vec<String>,
    /// Import paths that lead to no package, and why.
    missing: Vec<(String, String)>,
}

impl<'a> Packages<'a> {
    fn new(module_cache: Option<&'a Path>) -> Packages<'a> {
        Packages {
            standard: StandardPackages::whole(None),
            module_cache,
            problems: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// The errors of a unit, which says of imports that lead nowhere why that is.
    fn explained(&self, wrong: &Diagnostics) -> Diagnostics {
        let mut explained = Diagnostics::new();
        for diagnostic in wrong.iter() {
            let mut diagnostic = diagnostic.clone();
            let found = self
                .missing
                .iter()
                .find(|(path, _)| diagnostic.message == format!("package {path} is not in std"));
            if let Some((_, why)) = found {
                diagnostic.message.clone_from(why);
            }
            explained.push(diagnostic);
        }
        explained
    }

    /// The texts of a package of the program's own, with which nothing is wrong.
    fn own(&self, path: &str, folder: &Path) -> Result<PackageSource, String> {
        let input = Input::Folder(folder.display().to_string());
        let options = Options {
            is_program: false,
            ..Options::default()
        };
        let checked = pipeline::check(&input, self.module_cache, &options);
        if let Some(failure) = checked.failures.first() {
            return Err(failure.clone());
        }
        let Some(typed) = checked
            .typed
            .as_ref()
            .filter(|_| !checked.diagnostics.has_errors())
        else {
            let (map, wrong) = (&checked.sources, &checked.diagnostics);
            let text = diagnostics::render(map, wrong, Format::OneLine, None);
            return Err(text.trim_end().to_owned());
        };
        let package = typed.package(typed.main);
        if package.name == parser::ast::Symbol::MAIN {
            return Err(format!(
                "import {path:?} is a program, not an importable package"
            ));
        }
        for file in &package.files {
            if !file.embeds.is_empty() {
                return Err(format!(
                    "not supported yet: package {path} has //go:embed lines, in a session"
                ));
            }
            let mut imports = file.imports.iter();
            if imports.any(|import| checked.ast.string_value(import.path).starts_with(b".")) {
                return Err(format!(
                    "not supported yet: package {path} imports another by a relative path, in a session"
                ));
            }
        }
        let texts = loader::sources_in(folder)?.into_iter();
        Ok(PackageSource {
            files: texts
                .map(|(name, text)| SourceText { name, text })
                .collect(),
            standard: true,
        })
    }
}

impl Importer for Packages<'_> {
    fn source(&mut self, path: &str) -> Option<PackageSource> {
        if outline::is_standard(path) {
            return self.standard.source(path);
        }
        let folder = match loader::folder_of_import(path, self.module_cache) {
            Ok(folder) => folder,
            Err(why) => {
                self.missing.push((path.to_owned(), why));
                return None;
            }
        };
        match self.own(path, &folder) {
            Ok(source) => Some(source),
            Err(problem) => {
                self.problems.push(format!("{problem}\n"));
                None
            }
        }
    }

    fn importable(&self) -> Vec<String> {
        self.standard.importable()
    }
}
