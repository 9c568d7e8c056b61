//! Checking a program, from its first file to the order of initialisation.

use std::rc::Rc;

use diagnostics::{Code, Diagnostics, SourceMap, TextRange};
use parser::ast::{Ast, File, Interner, Symbol};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;

use crate::checker::{Checker, Color, Environment, Known, PackageState, Reachability};
use crate::constants::Constant;
use crate::importer::{Importer, Loaded, Loader, UserPackage};
use crate::lookup::MemberTable;
use crate::monomorph::InstantiationGraph;
use crate::scope::Scopes;
use crate::typed::{Object, ObjectKind, Package, TypeAndValue, TypedProgram, Unit};
use crate::types::{ObjectId, PackageId, TypeId, Types};
use crate::universe::Builtin;

/// How to check.
#[derive(Clone, Debug)]
pub struct Options {
    /// The main package's import path.
    pub path: String,
    /// Must the main package be named `main` and have a function `main`?
    pub is_program: bool,
    /// Are the bodies of standard packages to be checked that are reached? Without them nothing can be compiled.
    pub reachable_bodies: bool,
    /// Are unused variables and imports only warnings?
    pub relaxed: bool,
    /// Is the main package itself a standard one, to be checked whole? For tests of the standard library.
    pub standard: bool,
    /// What the machine needs though no program names it: (import path of a standard package, names declared there). The packages are
    /// loaded, the functions and types count as reached.
    pub roots: Vec<(&'static str, Vec<&'static str>)>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            path: "main".to_owned(),
            is_program: true,
            reachable_bodies: true,
            relaxed: false,
            standard: false,
            roots: Vec::new(),
        }
    }
}

/// Checks the files of a package and everything they import.
///
/// `ast`, `names` and `sources` are those that the files were parsed with; imported packages are added to them. The diagnostics
/// are sorted as Go sorts them, and hold the syntax errors of imported packages, too. If they are empty, the program can be compiled.
pub fn check_program(
    ast: &mut Ast,
    names: &mut Interner,
    sources: &mut SourceMap,
    files: Vec<File>,
    importer: &mut dyn Importer,
    options: &Options,
) -> (TypedProgram, Diagnostics) {
    let main = UserPackage {
        path: options.path.clone(),
        files,
        ..UserPackage::default()
    };
    check_packages(ast, names, sources, vec![main], importer, options)
}

/// As [`check_program`], for a program of several packages: each stands after those it imports, the main package last.
///
/// A package that imports one with errors is not checked further, as in Go.
pub fn check_packages(
    ast: &mut Ast,
    names: &mut Interner,
    sources: &mut SourceMap,
    mut packages: Vec<UserPackage>,
    importer: &mut dyn Importer,
    options: &Options,
) -> (TypedProgram, Diagnostics) {
    let versions = packages.iter_mut();
    let versions = versions.flat_map(|package| std::mem::take(&mut package.versions));
    let versions = versions.collect();
    let importable = importer.importable();
    let loader = Loader::new(ast, names, sources, importer);
    let (loaded, diagnostics) = loader.load(packages, options);
    let known = known_names(names);
    let mut checker = Checker::new(ast, names, sources, known, diagnostics);
    checker.relaxed = options.relaxed;
    checker.importable = importable;
    checker.program.versions = versions;
    checker.check(&loaded, options);
    let (mut program, mut diagnostics) = (checker.program, checker.diagnostics);
    program.types.finish();
    for object in &mut program.objects {
        object.typ = program.types.canonical(object.typ);
    }
    program.number_local_types();
    diagnostics.sort_as_go(sources);
    (program, diagnostics)
}

/// Sees to it that the names of the universe, and those that the checker looks for, are there.
pub(crate) fn known_names(names: &mut Interner) -> Known {
    for name in PREDECLARED {
        names.intern(name);
    }
    for builtin in Builtin::ALL {
        names.intern(builtin.name());
    }
    Known {
        error_method: names.intern("Error"),
        string_method: names.intern("String"),
    }
}

/// Predeclared names but the builtins.
const PREDECLARED: &[&str] = &[
    "bool",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "uintptr",
    "float32",
    "float64",
    "string",
    "byte",
    "rune",
    "any",
    "error",
    "comparable",
    "true",
    "false",
    "iota",
    "nil",
    "complex64",
    "complex128",
];

/// All names that are declared in the universe.
pub fn predeclared() -> impl Iterator<Item = &'static str> {
    let builtins = Builtin::ALL.iter().map(|builtin| builtin.name());
    PREDECLARED.iter().copied().chain(builtins)
}

/// Is the name declared in the universe?
pub fn is_predeclared(name: &str) -> bool {
    PREDECLARED.contains(&name) || Builtin::ALL.iter().any(|builtin| builtin.name() == name)
}

impl<'a> Checker<'a> {
    pub(crate) fn new(
        ast: &'a Ast,
        names: &'a Interner,
        sources: &'a SourceMap,
        known: Known,
        diagnostics: Diagnostics,
    ) -> Checker<'a> {
        let mut scopes = Scopes::default();
        let universe = scopes.open(None);
        // The first two objects are the names of the predeclared named types; their places are fixed before any type exists.
        let error = ObjectId::from_index(0);
        let comparable = ObjectId::from_index(1);
        // The first package stands for those that could not be imported.
        let failed = PackageId::from_index(0);
        let program = TypedProgram {
            types: Types::new(error, comparable, known.error_method),
            objects: Vec::new(),
            packages: Vec::new(),
            package_order: Vec::new(),
            entry: Vec::new(),
            main: failed,
            functions: Vec::new(),
            reachable: Vec::new(),
            reflects_methods: false,
            versions: FxHashMap::default(),
            embeddings: FxHashMap::default(),
            closures: FxHashMap::default(),
            range_bodies: FxHashMap::default(),
            selections: FxHashMap::default(),
            instances: FxHashMap::default(),
            implicits: FxHashMap::default(),
            field_keys: FxHashMap::default(),
            local_types: FxHashMap::default(),
            types_and_values: vec![TypeAndValue::NONE; ast.expr_count()],
            names: vec![None; ast.expr_count()],
            constants: Vec::new(),
            members: MemberTable::default(),
            echoes: FxHashMap::default(),
            unit: Unit::default(),
        };
        let env = Environment {
            package: failed,
            scope: universe,
            declaration: None,
            iota: None,
            error_place: None,
            context: None,
            has_call_or_receive: false,
            in_type_parameters: false,
            ambient: Rc::default(),
        };
        let mut reachability = Reachability::default();
        // The machine calls these when it prints the value of a panic.
        reachability
            .demanded
            .extend([known.error_method, known.string_method]);
        let mut checker = Checker {
            ast,
            names,
            sources,
            program,
            diagnostics,
            scopes,
            universe,
            colors: Vec::new(),
            declaration_of: Vec::new(),
            declarations: Vec::new(),
            packages: Vec::new(),
            failed_package: failed,
            path: Vec::new(),
            env,
            delayed: Vec::new(),
            panic_calls: FxHashSet::default(),
            literal_parents: FxHashMap::default(),
            captured: FxHashSet::default(),
            local_variables: Vec::new(),
            member_ranges: FxHashMap::default(),
            saw_constraint: false,
            dot_imports: FxHashMap::default(),
            reachability,
            valid_types: FxHashSet::default(),
            instance_places: FxHashMap::default(),
            declared_as: FxHashMap::default(),
            unfinished: Vec::new(),
            awaited_by_constraint: None,
            looked_again: false,
            named_results: FxHashMap::default(),
            late_errors: Vec::new(),
            written_sizes: Vec::new(),
            has_long_arrays: false,
            embedding_errors: Vec::new(),
            unchecked: FxHashSet::default(),
            relaxed: false,
            importable: Vec::new(),
            script: None,
            function_variables: FxHashMap::default(),
            function_scopes: FxHashMap::default(),
            instantiations: InstantiationGraph::default(),
            session: None,
        };
        checker.add_package("", Symbol::EMPTY, true, Vec::new());
        checker.declare_universe();
        checker
    }

    fn predeclare(&mut self, name: &str, kind: ObjectKind, typ: TypeId) {
        let Some(name) = self.names.find(name) else {
            return;
        };
        let id = ObjectId::from_index(self.program.objects.len());
        self.program.objects.push(Object {
            kind,
            name,
            exported: false,
            typ,
            package: None,
            range: None,
        });
        self.colors.push(Color::Black);
        self.declaration_of.push(None);
        self.scopes.insert(self.universe, name, id);
    }

    fn declare_universe(&mut self) {
        let type_name = || ObjectKind::TypeName { alias: false };
        self.predeclare("error", type_name(), TypeId::ERROR);
        self.predeclare("comparable", type_name(), TypeId::COMPARABLE);
        for (name, typ) in [
            ("bool", TypeId::BOOL),
            ("int", TypeId::INT),
            ("int8", TypeId::INT8),
            ("int16", TypeId::INT16),
            ("int32", TypeId::INT32),
            ("int64", TypeId::INT64),
            ("uint", TypeId::UINT),
            ("uint8", TypeId::UINT8),
            ("uint16", TypeId::UINT16),
            ("uint32", TypeId::UINT32),
            ("uint64", TypeId::UINT64),
            ("uintptr", TypeId::UINTPTR),
            ("float32", TypeId::FLOAT32),
            ("float64", TypeId::FLOAT64),
            ("complex64", TypeId::COMPLEX64),
            ("complex128", TypeId::COMPLEX128),
            ("string", TypeId::STRING),
            ("byte", TypeId::BYTE),
            ("rune", TypeId::RUNE),
            ("any", TypeId::ANY),
        ] {
            self.predeclare(name, type_name(), typ);
        }
        self.predeclare(
            "true",
            ObjectKind::Constant(Constant::Bool(true)),
            TypeId::UNTYPED_BOOL,
        );
        self.predeclare(
            "false",
            ObjectKind::Constant(Constant::Bool(false)),
            TypeId::UNTYPED_BOOL,
        );
        self.predeclare(
            "iota",
            ObjectKind::Constant(Constant::Int(0)),
            TypeId::UNTYPED_INT,
        );
        self.predeclare("nil", ObjectKind::Nil, TypeId::UNTYPED_NIL);
        for builtin in Builtin::ALL {
            self.predeclare(
                builtin.name(),
                ObjectKind::Builtin(*builtin),
                TypeId::INVALID,
            );
        }
    }

    pub(crate) fn add_package(
        &mut self,
        path: &str,
        name: Symbol,
        standard: bool,
        files: Vec<File>,
    ) -> PackageId {
        let id = PackageId::from_index(self.program.packages.len());
        self.program.packages.push(Package {
            path: path.to_owned(),
            name,
            standard,
            imports: Vec::new(),
            files,
            scope: FxHashMap::default(),
            init_order: Vec::new(),
            embeds: Vec::new(),
            init_functions: Vec::new(),
        });
        let scope = self.scopes.open(Some(self.universe));
        let (objects, methods, imports) = (Vec::new(), FxHashMap::default(), Vec::new());
        self.packages.push(PackageState {
            scope,
            objects,
            methods,
            imports,
        });
        id
    }

    fn check(&mut self, loaded: &Loaded, options: &Options) {
        let mut ids: Vec<PackageId> = Vec::with_capacity(loaded.packages.len());
        for package in &loaded.packages {
            let name = package
                .files
                .iter()
                .find_map(|file| file.package.and_then(|ident| self.ast.ident(ident)))
                .unwrap_or(Symbol::MAIN);
            for ident in package.files.iter().filter_map(|file| file.package) {
                if self.ast.ident(ident).is_some_and(Symbol::is_blank) {
                    self.report_expr(Code::InvalidDeclaration, ident, "invalid package name _");
                }
            }
            let id = self.add_package(&package.path, name, package.standard, package.files.clone());
            self.collect_objects(id, package, &ids);
            ids.push(id);
        }
        let mut failed: FxHashSet<PackageId> = FxHashSet::default();
        for (id, package) in ids.iter().zip(&loaded.packages) {
            let is_main = *id == ids[ids.len() - 1];
            if package.standard && !is_main {
                continue;
            }
            let imports = &self.program.package(*id).imports;
            if imports.iter().any(|import| failed.contains(import)) {
                failed.insert(*id);
                continue;
            }
            let before = self.diagnostics.error_count();
            self.env = self.package_environment(*id, self.packages[id.index()].scope);
            self.check_package_objects(*id);
            self.check_instantiation_cycles();
            self.check_unused_imports(*id);
            if self.diagnostics.error_count() > before {
                failed.insert(*id);
            } else {
                self.check_embeds(*id, package);
            }
        }
        if let (Some(main), Some(package)) = (ids.last(), loaded.packages.last()) {
            self.program.main = *main;
            self.collect_entry_functions(*main);
            let is_script = package.files.iter().any(|file| file.script.is_some());
            if options.is_program && !is_script && !failed.contains(main) {
                let place = package
                    .files
                    .first()
                    .and_then(|file| file.package)
                    .map(|ident| self.range(ident));
                let place = place.unwrap_or(TextRange::new(package.first_file, 0, 0));
                self.env = self.package_environment(*main, self.packages[main.index()].scope);
                self.check_main(*main, place);
            }
        }
        self.reach_roots(options);
        if options.reachable_bodies && !self.instantiations.has_cycle() {
            self.check_reachable_bodies();
        }
        for id in &ids {
            self.env = self.package_environment(*id, self.packages[id.index()].scope);
            self.compute_init_order(*id);
        }
        if !self.diagnostics.has_errors() {
            self.check_sizes();
            let mut late = std::mem::take(&mut self.late_errors);
            // Bodies come last.
            if late.iter().any(|(code, ..)| *code != Code::MissingBody) {
                late.retain(|(code, ..)| *code != Code::MissingBody);
            }
            for (code, range, message) in late {
                self.report(code, range, message);
            }
            if !self.diagnostics.has_errors() {
                for (range, message) in std::mem::take(&mut self.embedding_errors) {
                    self.report(Code::InvalidDirective, range, message);
                }
            }
        }
        self.program.package_order = self.initialization_order(&ids);
        self.finish_reachability();
    }

    /// The order in which packages are initialised: of those whose imports are, always the one whose path comes first; standard
    /// packages, which cannot notice, before the program's own, since the machine needs some that nothing imports.
    ///
    /// SPEC: Program initialization.
    pub(crate) fn initialization_order(&self, ids: &[PackageId]) -> Vec<PackageId> {
        let mut importers: FxHashMap<PackageId, Vec<PackageId>> = FxHashMap::default();
        let mut waiting: FxHashMap<PackageId, usize> = FxHashMap::default();
        let mut ready: BTreeSet<(bool, &str, PackageId)> = BTreeSet::new();
        let place = |id: PackageId| {
            let package = self.program.package(id);
            (!package.standard, package.path.as_str(), id)
        };
        for &id in ids {
            let package = self.program.package(id);
            for import in &package.imports {
                importers.entry(*import).or_default().push(id);
            }
            waiting.insert(id, package.imports.len());
            if package.imports.is_empty() {
                ready.insert(place(id));
            }
        }
        let mut order = Vec::with_capacity(ids.len());
        while let Some((.., id)) = ready.pop_first() {
            order.push(id);
            for importer in importers.get(&id).into_iter().flatten() {
                let Some(count) = waiting.get_mut(importer) else {
                    continue;
                };
                *count -= 1;
                if *count == 0 {
                    ready.insert(place(*importer));
                }
            }
        }
        order
    }

    pub(crate) fn reach_roots(&mut self, options: &Options) {
        for (path, names) in &options.roots {
            let Some(package) = self
                .program
                .packages
                .iter()
                .position(|package| package.path == *path)
            else {
                continue;
            };
            for name in names {
                let Some(name) = self.names.find(name) else {
                    continue;
                };
                let Some(&object) = self.program.packages[package].scope.get(&name) else {
                    continue;
                };
                self.env = self.package_environment(
                    PackageId::from_index(package),
                    self.packages[package].scope,
                );
                self.declare_object(object);
                match self.object(object).kind {
                    ObjectKind::TypeName { .. } => self.add_run_time_type(self.object(object).typ),
                    _ => self.reach(object),
                }
            }
        }
    }
}
