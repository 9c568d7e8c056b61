//! A program that grows: units are checked one after the other, each against what those before it declared.
//!
//! A [`Session`] keeps the checker's tables; trees, names and sources are the caller's, who only ever adds to them.
//!
//! 1. A unit is a script or a file, as it was parsed. What it imports and is not there yet is loaded and declared.
//! 2. It is checked as one more part of the package `main`, with a scope of its own inside the *session's scope*. Its outermost
//!    variables are the package's; an expression that stands alone at its end is given variables that take its values ([`Echo`]).
//! 3. If nothing is wrong, what it declares goes into the session's scope, where it takes the place of what had the same name: code that
//!    was checked earlier keeps what its names stood for then. If something is wrong, nothing has happened: what it had added to
//!    earlier things, methods of types, is taken back. Objects and types that nobody refers to stay in the tables.
//!
//! A method for a type of an earlier unit becomes one of the type's methods, in place of one of that name: it is found by everything that
//! is checked from then on. What was checked keeps the one it found.
//!
//! Variables of standard packages that a unit reaches first are initialised by it, before its own ([`crate::typed::Unit`]).

use diagnostics::{Code, Diagnostics, SourceMap};
use parser::ast::{Ast, Expr, ExprId, Interner, StmtId, Symbol};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::OnceLock;

use crate::checker::{Checker, Color, Delayed};
use crate::importer::{Importer, Kept, LoadedPackage, Loader, UserPackage};
use crate::operand::Operand;
use crate::package::{Options, known_names};
use crate::scope::ScopeId;
use crate::typed::{
    Echo, FunctionId, FunctionRef, Initializer, Mode, ObjectKind, TypeAndValue, TypedProgram, Unit,
    VarKind,
};
use crate::types::{ObjectId, PackageId, Type, TypeId};

/// Functions whose results nobody wants to see: they say how much was printed.
const PRINTING: (&str, &[&str]) = (
    "fmt",
    &[
        "Print", "Printf", "Println", "Fprint", "Fprintf", "Fprintln",
    ],
);

/// What the checker knows of the session that it works for.
#[derive(Debug)]
pub(crate) struct SessionState {
    /// Names of packages that were meant without an import.
    pub(crate) implicit: ScopeId,
    /// What the units so far have declared.
    pub(crate) scope: ScopeId,
    /// The package of all units.
    package: PackageId,
    /// The methods that types had before the unit at hand added to them.
    undo: Vec<(TypeId, Vec<ObjectId>)>,
    /// What shows values.
    show: Option<FunctionId>,
    /// What `_` will stand for.
    last: Option<ObjectId>,
    /// Variables that functions mention, which may be called again.
    held: FxHashSet<ObjectId>,
}

/// What one name of the session stands for.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name.
    pub name: Symbol,
    /// What it stands for.
    pub object: ObjectId,
}

/// See the module's text.
pub struct Session {
    /// Always there but while a unit is checked.
    checker: Option<Checker<'static>>,
    kept: Kept,
    ids: Vec<PackageId>,
    options: Options,
    /// How many of `ids` have been declared.
    collected: usize,
    /// Standard packages that are to be initialised by the next unit.
    waiting: Vec<PackageId>,
    /// How many of the variables that are reached have been looked at.
    variables_seen: usize,
    initialized: FxHashSet<ObjectId>,
    units: u32,
    /// The unit that was checked and is neither kept nor forgotten.
    pending: Option<Checked>,
}

/// A unit without errors, before it is decided whether it stays.
struct Checked {
    scope: UnitScope,
    /// How large the graph of instantiations was.
    graph: (usize, usize),
}

/// The tables of a session that is not at work.
fn no_tables() -> (&'static Ast, &'static Interner, &'static SourceMap) {
    static NONE: OnceLock<(Ast, Interner, SourceMap)> = OnceLock::new();
    let (ast, names, sources) = NONE.get_or_init(Default::default);
    (ast, names, sources)
}

impl Session {
    /// A session in which nothing is declared. `show` is a function of a standard package, `func(index, count int, value any, typ string)`,
    /// by its path and name: the code of a unit calls it for each value of an expression that stands alone at its end.
    ///
    /// `options.roots` are loaded with the first unit.
    pub fn new(
        names: &mut Interner,
        mut options: Options,
        show: (&'static str, &'static str),
    ) -> Session {
        let known = known_names(names);
        let (ast, no_names, sources) = no_tables();
        options.relaxed = true;
        options.roots.push((show.0, vec![show.1]));
        let mut session = Session {
            checker: None,
            kept: Kept::default(),
            ids: Vec::new(),
            options,
            collected: 0,
            waiting: Vec::new(),
            variables_seen: 0,
            initialized: FxHashSet::default(),
            units: 0,
            pending: None,
        };
        // The universe's names are looked up in the real table.
        let mut checker = Checker::new(ast, names, sources, known, Diagnostics::new());
        checker.relaxed = true;
        let implicit = checker.scopes.open(Some(checker.universe));
        let scope = checker.scopes.open(Some(implicit));
        let package = checker.add_package("main", Symbol::MAIN, false, Vec::new());
        checker.program.main = package;
        checker.session = Some(SessionState {
            implicit,
            scope,
            package,
            undo: Vec::new(),
            show: None,
            last: None,
            held: FxHashSet::default(),
        });
        session.checker = Some(checker.over(ast, no_names, sources));
        session
    }

    fn checker(&self) -> &Checker<'static> {
        self.checker.as_ref().expect("no unit is being checked")
    }

    /// The program so far. Its [`TypedProgram::unit`] is that of the last unit that was right.
    pub fn program(&self) -> &TypedProgram {
        &self.checker().program
    }

    /// What the name stands for at the outermost level, if a unit has declared or imported it.
    pub fn lookup(&self, name: Symbol) -> Option<ObjectId> {
        let checker = self.checker();
        let state = checker.session.as_ref()?;
        checker.scopes.lookup(state.scope, name)
    }

    /// Whatever units have declared and imported and nothing has taken the place of.
    pub fn entries(&self) -> Vec<Entry> {
        let checker = self.checker();
        let Some(state) = &checker.session else {
            return Vec::new();
        };
        let objects = checker.scopes.objects(state.scope);
        objects
            .into_iter()
            .map(|(name, object)| Entry { name, object })
            .collect()
    }

    /// May code that mentions the variable run again? Not if only statements of units do, or if it is no variable of theirs.
    pub fn is_held(&self, variable: ObjectId) -> bool {
        let session = self.checker().session.as_ref();
        let is_held = session.is_some_and(|session| session.held.contains(&variable));
        let object = self.program().object(variable);
        let is_alone = |variable: &crate::typed::Variable| {
            variable.kind == VarKind::Package && !variable.address_taken
        };
        is_held || !object.variable().is_some_and(is_alone)
    }

    /// The package with this import path, if it has been loaded.
    pub fn package(&self, path: &str) -> Option<PackageId> {
        let packages = &self.program().packages;
        let index = packages.iter().position(|package| package.path == path)?;
        Some(PackageId::from_index(index))
    }

    /// Checks a unit. `ast`, `names` and `sources` hold at least what they held before, and the unit; packages that it imports are added.
    ///
    /// `Ok` with the warnings if nothing is wrong with it. [`TypedProgram::unit`] then says what there is to run, and it is to be kept
    /// or forgotten before the next one ([`Session::keep`], [`Session::forget`]).
    ///
    /// # Errors
    /// What is wrong. The session is as it was.
    ///
    /// # Panics
    /// If the unit before was neither kept nor forgotten.
    pub fn check(
        &mut self,
        ast: &mut Ast,
        names: &mut Interner,
        sources: &mut SourceMap,
        unit: UserPackage,
        importer: &mut dyn Importer,
    ) -> Result<Diagnostics, Diagnostics> {
        assert!(self.pending.is_none(), "a unit waits to be kept");
        let kept = std::mem::take(&mut self.kept);
        let loader = Loader::new(ast, names, sources, importer).resume(kept);
        let (loaded, kept, diagnostics) = loader.load_unit(unit, &self.options);
        self.kept = kept;
        let checker = self.checker.take().expect("no unit is being checked");
        let mut checker = checker.over(ast, names, sources);
        checker.importable = importer.importable();
        let outcome = self.check_with(&mut checker, &loaded, diagnostics);
        let (ast, names, no_sources) = no_tables();
        self.checker = Some(checker.over(ast, names, no_sources));
        outcome.map_err(|mut diagnostics| {
            diagnostics.sort_as_go(sources);
            diagnostics
        })
    }

    fn check_with(
        &mut self,
        checker: &mut Checker<'_>,
        loaded: &LoadedPackage,
        diagnostics: Diagnostics,
    ) -> Result<Diagnostics, Diagnostics> {
        checker.diagnostics = diagnostics;
        let count = checker.ast.expr_count();
        let program = &mut checker.program;
        program.types_and_values.resize(count, TypeAndValue::NONE);
        program.names.resize(count, None);
        program.types.reopen();
        program.echoes.clear();
        let graph = checker.instantiations.mark();
        self.collect_packages(checker);
        checker.find_show(&self.options);
        let scope = checker.check_unit(loaded, &self.ids);
        checker.reach_roots(&self.options);
        if self.options.reachable_bodies && !checker.instantiations.has_cycle() {
            checker.check_reachable_bodies();
        }
        let unit = self.initializations(checker);
        checker.script = None;
        let diagnostics = std::mem::take(&mut checker.diagnostics);
        if diagnostics.has_errors() {
            checker.forget_unit(&scope);
            checker.instantiations.forget(graph);
            return Err(diagnostics);
        }
        let program = &mut checker.program;
        program.types.finish();
        for object in &mut program.objects {
            object.typ = program.types.canonical(object.typ);
        }
        program.number_local_types();
        // A unit that is forgotten has a number of its own too: it may have been compiled.
        self.units += 1;
        program.unit = Unit {
            number: self.units,
            ..unit
        };
        self.pending = Some(Checked { scope, graph });
        Ok(diagnostics)
    }

    /// The unit that was checked stays: its names are the session's. Returns what these names stood for until now.
    pub fn keep(&mut self) -> Vec<ObjectId> {
        let checker = self.checker.as_mut().expect("no unit is being checked");
        let Some(Checked { scope, .. }) = self.pending.take() else {
            return Vec::new();
        };
        self.waiting.clear();
        self.variables_seen = checker.reachability.variables.len();
        for (_, initializers) in &checker.program.unit.initializers {
            let variables = initializers.iter().flat_map(|initializer| &initializer.lhs);
            self.initialized.extend(variables);
        }
        checker.keep_unit(&scope)
    }

    /// The unit that was checked does not stay: the session is as it was before.
    pub fn forget(&mut self) {
        let checker = self.checker.as_mut().expect("no unit is being checked");
        if let Some(Checked { scope, graph }) = self.pending.take() {
            checker.forget_unit(&scope);
            checker.instantiations.forget(graph);
        }
    }

    /// Declares the packages that were loaded and are not declared yet.
    fn collect_packages(&mut self, checker: &mut Checker<'_>) {
        for package in &self.kept.loaded.packages[self.collected..] {
            let files = &package.files;
            let name = files
                .iter()
                .find_map(|file| file.package.and_then(|ident| checker.ast.ident(ident)))
                .unwrap_or(Symbol::MAIN);
            let id = checker.add_package(&package.path, name, package.standard, files.clone());
            checker.collect_objects(id, package, &self.ids);
            self.ids.push(id);
            self.waiting.push(id);
        }
        self.collected = self.kept.loaded.packages.len();
    }

    /// What the unit has to initialise and to call.
    fn initializations(&mut self, checker: &mut Checker<'_>) -> Unit {
        let Some(main) = checker.session.as_ref().map(|session| session.package) else {
            return Unit::default();
        };
        let reached = &checker.reachability.variables[self.variables_seen..];
        let mut dirty: FxHashSet<PackageId> = self.waiting.iter().copied().collect();
        dirty.extend(
            reached
                .iter()
                .filter_map(|object| checker.object(*object).package),
        );
        dirty.remove(&main);
        let mut unit = Unit {
            adds_methods: checker
                .session
                .as_ref()
                .is_some_and(|session| !session.undo.is_empty()),
            ..Unit::default()
        };
        let order = match dirty.is_empty() {
            true => Vec::new(),
            false => checker.initialization_order(&self.ids),
        };
        let order = order.into_iter().filter(|id| dirty.contains(id));
        for id in order.chain([main]) {
            checker.env = checker.package_environment(id, checker.packages[id.index()].scope);
            checker.compute_init_order(id);
            let package = checker.program.package(id);
            let fresh =
                |initializer: &&Initializer| !self.initialized.contains(&initializer.lhs[0]);
            let initializers = package.init_order.iter().filter(fresh).cloned().collect();
            let mut functions = Vec::new();
            if id == main || self.waiting.contains(&id) {
                functions.extend(package.init_functions.iter().copied());
            }
            if id == main {
                functions.extend(checker.script.as_ref().map(|script| script.function));
            }
            unit.initializers.push((id, initializers));
            unit.functions.push(functions);
        }
        unit
    }
}

/// The scopes of a unit.
struct UnitScope {
    own: ScopeId,
    imports: ScopeId,
}

impl Checker<'_> {
    /// What an earlier unit has declared by this name.
    pub(crate) fn declared_by_session(&self, name: Symbol) -> Option<ObjectId> {
        let session = self.session.as_ref()?;
        if self.env.package != session.package {
            return None;
        }
        let object = self.scopes.lookup(session.scope, name)?;
        (self.object(object).package == Some(session.package)).then_some(object)
    }

    /// Declares and checks what a unit holds.
    fn check_unit(&mut self, loaded: &LoadedPackage, ids: &[PackageId]) -> UnitScope {
        let Some(session) = &mut self.session else {
            panic!("a unit belongs to a session");
        };
        session.last = None;
        let (id, outer) = (session.package, session.scope);
        let own = self.scopes.open(Some(outer));
        let state = &mut self.packages[id.index()];
        state.scope = own;
        state.objects.clear();
        state.methods.clear();
        state.imports.clear();
        let package = &mut self.program.packages[id.index()];
        package.init_functions.clear();
        package.init_order.clear();
        package.files.clear();
        self.collect_objects(id, loaded, ids);
        let mut imports = self.scopes.parent(own).filter(|scope| *scope != outer);
        // A file with a package clause has its imports in a scope inside.
        if imports.is_none() {
            let collected = self.scopes.open(Some(outer));
            for (object, _) in self.packages[id.index()].imports.clone() {
                let name = self.object(object).name;
                self.scopes.insert(collected, name, object);
            }
            imports = Some(collected);
        }
        self.add_methods_to_earlier_types(id);
        self.env = self.package_environment(id, own);
        self.check_package_objects(id);
        self.check_instantiation_cycles();
        if !self.diagnostics.has_errors() {
            self.check_sizes();
            for (code, range, message) in std::mem::take(&mut self.late_errors) {
                self.report(code, range, message);
            }
        }
        UnitScope {
            own,
            imports: imports.unwrap_or(own),
        }
    }

    /// Gives the methods that a unit declares for types of earlier units to those types.
    fn add_methods_to_earlier_types(&mut self, package: PackageId) {
        let mut earlier: Vec<(ObjectId, Vec<ObjectId>)> = Vec::new();
        let colors = &self.colors;
        self.packages[package.index()]
            .methods
            .retain(|base, methods| {
                let is_known = colors[base.index()] == Color::Black;
                if is_known {
                    earlier.push((*base, std::mem::take(methods)));
                }
                !is_known
            });
        earlier.sort_by_key(|(base, _)| base.index());
        for (object, methods) in earlier {
            let base = self.object(object).typ;
            let Some(named) = self.program.types.named(base) else {
                continue;
            };
            let before = named.methods.clone();
            let mut all = before.clone();
            let mut seen: FxHashMap<Symbol, ObjectId> = FxHashMap::default();
            for method in methods {
                let name = self.object(method).name;
                if let Some(other) = seen.insert(name, method) {
                    let other = self.object(other).range.unwrap_or_default();
                    let range = self.object(method).range.unwrap_or_default();
                    let message = format!(
                        "method {}.{} already declared at {}",
                        self.text(self.object(object).name),
                        self.text(name),
                        self.sources.position(other)
                    );
                    self.report(Code::Redeclared, range, message);
                    continue;
                }
                if let ObjectKind::Function { receiver_base, .. } =
                    &mut self.program.objects[method.index()].kind
                {
                    *receiver_base = Some(base);
                }
                match all
                    .iter()
                    .position(|other| self.object(*other).name == name)
                {
                    Some(place) => all[place] = method,
                    None => all.push(method),
                }
            }
            if let Some(named) = self.program.types.named_mut(base) {
                named.methods = all;
            }
            self.program.members.clear();
            if let Some(session) = &mut self.session {
                session.undo.push((base, before));
            }
            self.delayed
                .push(Delayed::FieldUniqueness { typ: base, package });
        }
    }

    /// Code mentions an object: if it is not that of the unit's statements, it may do so again.
    #[inline]
    pub(crate) fn note_mention(&mut self, object: ObjectId) {
        if self.session.is_none() || self.object(object).package != Some(self.env.package) {
            return;
        }
        let statements = self.script.as_ref().map(|script| script.function);
        let context = self.env.context.as_ref();
        let here = context.map(|context| context.function);
        let runs_once = matches!(here, Some(FunctionRef::Declared(id)) if Some(id) == statements);
        if let Some(session) = &mut self.session
            && !runs_once
        {
            session.held.insert(object);
        }
    }

    /// Finds the function that shows values.
    fn find_show(&mut self, options: &Options) {
        if self
            .session
            .as_ref()
            .is_none_or(|session| session.show.is_some())
        {
            return;
        }
        let Some((path, names)) = options.roots.last() else {
            return;
        };
        let package = self
            .program
            .packages
            .iter()
            .find(|package| package.path == *path);
        let name = names.first().and_then(|name| self.names.find(name));
        let object = package
            .zip(name)
            .and_then(|(package, name)| package.scope.get(&name));
        let function = object.and_then(|object| self.object(*object).function());
        if let Some(session) = &mut self.session {
            session.show = function;
        }
    }

    /// The expression of a statement at the outermost level of a unit has a value: it is kept, and shown if it is the last.
    pub(crate) fn echo(&mut self, statement: StmtId, mut x: Operand, expr: ExprId) {
        let is_last = self.script.as_ref().and_then(|script| script.last) == Some(statement);
        if is_last && self.only_prints(expr) {
            return;
        }
        let mut types: Vec<TypeId> = Vec::new();
        let mut texts = Vec::new();
        match self.program.types.get(x.typ) {
            Type::Tuple(several) => types.extend(several.iter().copied()),
            _ if x.mode == Mode::Nil => texts.push("untyped nil".to_owned()),
            _ => {
                self.assignment(&mut x, None, "statement");
                if !x.is_valid() {
                    return;
                }
                types.push(x.typ);
            }
        }
        let range = self.range(expr);
        let new = |checker: &mut Self, typ: &TypeId| {
            checker.new_variable(VarKind::Package, Symbol::BLANK, range, Some(*typ))
        };
        let variables: Vec<ObjectId> = types.iter().map(|typ| new(self, typ)).collect();
        // As people write them, though they are the same.
        let usual = |text: String| {
            text.replace("[]uint8", "[]byte")
                .replace("interface{}", "any")
        };
        texts.extend(types.iter().map(|typ| usual(self.type_text(*typ))));
        // The values are put into interfaces, to be shown.
        for typ in &types {
            self.add_run_time_type(*typ);
        }
        if is_last && let Some(session) = &mut self.session {
            session.last = variables.first().copied();
        }
        let Some(show) = self.session.as_ref().and_then(|session| session.show) else {
            return;
        };
        let types = if is_last { texts } else { Vec::new() };
        let echo = Echo {
            variables,
            types,
            show,
        };
        self.program.echoes.insert(expr, echo);
    }

    /// Is it a call that is made for what it prints?
    fn only_prints(&self, expr: ExprId) -> bool {
        let Expr::Call { callee, .. } = *self.ast.expr(self.ast.unparen(expr)) else {
            return false;
        };
        let Expr::Selector { name, .. } = *self.ast.expr(self.ast.unparen(callee)) else {
            return false;
        };
        let Some(object) = self.program.object_of(name) else {
            return false;
        };
        let object = self.object(object);
        let package = object.package.map(|id| self.program.package(id));
        package.is_some_and(|package| package.standard && package.path == PRINTING.0)
            && object.function().is_some()
            && PRINTING.1.contains(&self.names.text(object.name))
    }

    /// A unit was right: its names are the session's.
    fn keep_unit(&mut self, scope: &UnitScope) -> Vec<ObjectId> {
        let Some(session) = &mut self.session else {
            return Vec::new();
        };
        session.undo.clear();
        let mut shadowed = Vec::new();
        let mut names = self.scopes.objects(scope.imports);
        names.extend(self.scopes.objects(scope.own));
        names.extend(session.last.take().map(|last| (Symbol::BLANK, last)));
        for (name, object) in names {
            shadowed.extend(self.scopes.replace(session.scope, name, object));
        }
        self.scopes.clear(scope.own);
        self.scopes.clear(scope.imports);
        shadowed
    }

    /// A unit was wrong, or not meant to stay.
    fn forget_unit(&mut self, scope: &UnitScope) {
        self.scopes.clear(scope.own);
        self.scopes.clear(scope.imports);
        let Some(session) = &mut self.session else {
            return;
        };
        for (base, methods) in std::mem::take(&mut session.undo).into_iter().rev() {
            if let Some(named) = self.program.types.named_mut(base) {
                named.methods = methods;
            }
            self.program.members.clear();
        }
        self.path.clear();
        self.delayed.clear();
        self.unfinished.clear();
        self.late_errors.clear();
        self.written_sizes.clear();
        self.awaited_by_constraint = None;
        self.embedding_errors.clear();
        self.local_variables.clear();
    }
}
