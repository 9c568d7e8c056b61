//! Scripts: files without a `package` clause.
//!
//! A script's statements are the body of a function that stands nowhere in the text. What they declare at the outermost level
//! belongs to the package:
//!
//! 1. Constants, types and functions are declared before anything is checked, as in every package: they may stand anywhere.
//! 2. The statements are checked next, in order. A variable is declared when its statement has been checked, so statements
//!    cannot use what comes later, and `:=` may mention older variables beside new ones. A variable whose name occurs in no declared
//!    function is a local one: registers are faster than memory, and nobody can tell.
//! 3. The functions' bodies come last and see all variables.
//!
//! Scopes lie the other way round than in a package of several files: the package's scope lies inside that of the imports, and those inside
//! the scope of the packages that need no import, so that whatever a script declares hides a package of that name.
//!
//! A variable at the outermost level need not be used, as a package's. A script that consists of declarations alone and
//! has a function `main` runs that, too.

use parser::ast::{Decl, DeclId, Expr, ExprId, Script, Stmt, StmtId, Symbol};
use rustc_hash::FxHashSet;

use crate::checker::{Checker, Color};
use crate::importer::LoadedPackage;
use crate::resolver::Method;
use crate::scope::ScopeId;
use crate::typed::{FunctionId, ObjectKind, VarKind};
use crate::types::PackageId;

/// What the checker remembers of the script.
#[derive(Debug)]
pub(crate) struct ScriptState {
    /// The function of its statements.
    pub(crate) function: FunctionId,
    /// Where what they declare goes.
    scope: ScopeId,
    /// The names that occur in declared functions.
    shared: FxHashSet<Symbol>,
    /// Its last statement.
    pub(crate) last: Option<StmtId>,
    /// Does it only declare?
    only_declares: bool,
}

impl Checker<'_> {
    /// The scope of a script's imports, around which lies that of the packages that need none, and inside which lies the package's.
    pub(crate) fn open_script_scope(
        &mut self,
        package_scope: ScopeId,
        loaded: &LoadedPackage,
        ids: &[PackageId],
        imported: &mut Vec<PackageId>,
    ) -> ScopeId {
        let (implicit, outer) = match &self.session {
            Some(session) => (session.implicit, session.scope),
            None => {
                let implicit = self.scopes.open(Some(self.universe));
                (implicit, implicit)
            }
        };
        for (name, index) in &loaded.implicit {
            let id = ids[*index];
            if !imported.contains(&id) {
                imported.push(id);
            }
            let kind = ObjectKind::PackageName {
                imported: id,
                used: true,
            };
            let object = self.new_object(kind, *name, None, Color::Black);
            self.scopes.insert(implicit, *name, object);
        }
        let imports = self.scopes.open(Some(outer));
        self.scopes.set_parent(package_scope, imports);
        imports
    }

    /// Declares the function of a script's statements, and the constants and types among them.
    pub(crate) fn collect_script(
        &mut self,
        package: PackageId,
        script: Script,
        methods: &mut Vec<Method>,
    ) {
        let scope = self.packages[package.index()].scope;
        let Decl::Func(function) = *self.ast.decl(script.function) else {
            return;
        };
        let id = self.declare_script_function(package, scope, script.function, &function);
        let mut only_declares = true;
        for statement in self.ast.statements(script.body) {
            let mut inner = *self.ast.stmt(*statement);
            while let Stmt::Labeled { statement, .. } = inner {
                inner = *self.ast.stmt(statement);
            }
            let Stmt::Decl(decl) = inner else {
                only_declares = false;
                continue;
            };
            if matches!(self.ast.decl(decl), Decl::Const(_) | Decl::Type(_)) {
                self.collect_declaration(package, scope, scope, decl, methods);
            }
        }
        let in_session = self.session.is_some();
        let statements = self.ast.statements(script.body);
        self.script = Some(ScriptState {
            function: id,
            scope,
            last: statements.last().copied(),
            shared: match in_session {
                true => FxHashSet::default(),
                false => self.names_in_functions(script.function),
            },
            // What a session is told to run it is told by name.
            only_declares: only_declares && !in_session,
        });
    }

    /// The names that occur in the functions that a script declares.
    fn names_in_functions(&self, script: DeclId) -> FxHashSet<Symbol> {
        let whole = self.ast.decl_range(script);
        let mut functions = Vec::new();
        for index in 0..self.ast.decl_count() {
            let decl = DeclId::from_index(index);
            let range = self.ast.decl_range(decl);
            let is_function = matches!(self.ast.decl(decl), Decl::Func(_));
            if is_function && range.file == whole.file && decl != script {
                functions.push((range.start, range.end));
            }
        }
        functions.sort_unstable();
        let mut names = FxHashSet::default();
        if functions.is_empty() {
            return names;
        }
        for index in 0..self.ast.expr_count() {
            let expr = ExprId::from_index(index);
            let Expr::Ident(name) = *self.ast.expr(expr) else {
                continue;
            };
            let range = self.ast.range(expr);
            let before = functions.partition_point(|(start, _)| *start <= range.start);
            if range.file == whole.file && before > 0 && range.start < functions[before - 1].1 {
                names.insert(name);
            }
        }
        names
    }

    /// Is this the outermost level of a script?
    pub(crate) fn at_script_level(&self) -> bool {
        let script = self.script.as_ref();
        script.is_some_and(|script| script.scope == self.env.scope) && self.env.context.is_some()
    }

    /// Is this the function of a script's statements?
    pub(crate) fn is_script_function(&self, id: FunctionId) -> bool {
        self.script
            .as_ref()
            .is_some_and(|script| script.function == id)
    }

    /// What a variable is that a statement declares here.
    pub(crate) fn kind_of_new_variable(&self, name: Symbol) -> VarKind {
        match &self.script {
            Some(script)
                if self.at_script_level()
                    && (self.session.is_some() || script.shared.contains(&name)) =>
            {
                VarKind::Package
            }
            _ => VarKind::Local,
        }
    }

    /// Notes what is to run when all packages are initialised.
    pub(crate) fn collect_entry_functions(&mut self, main: PackageId) {
        let scope = &self.program.package(main).scope;
        let function = scope.get(&Symbol::MAIN).copied();
        let function = function.and_then(|object| self.object(object).function());
        let mut entry = Vec::new();
        match &self.script {
            None => entry.extend(function),
            Some(script) => {
                entry.push(script.function);
                entry.extend(function.filter(|_| script.only_declares));
            }
        }
        self.program.entry = entry;
    }
}
