//! Collecting a package's declarations. GO: go/types resolver.go.

use diagnostics::{Code, TextRange};
use indexmap::IndexSet;
use parser::ast::{Decl, DeclId, Expr, ExprId, FuncDecl, List, Symbol, TypeSpec, VarSpec};
use rustc_hash::FxHashSet;

use crate::checker::{Checker, Color, Declaration, DeclarationId, Declared};
use crate::constants::Constant;
use crate::importer::LoadedPackage;
use crate::scope::ScopeId;
use crate::typed::{Function, FunctionId, ObjectKind, VarKind};
use crate::types::{ObjectId, PackageId};

/// A method before its receiver's base type is found.
pub(crate) struct Method {
    object: ObjectId,
    pointer: bool,
    base: Symbol,
}

impl Checker<'_> {
    /// Declares the objects of a package, without looking at their types.
    pub(crate) fn collect_objects(
        &mut self,
        package: PackageId,
        loaded: &LoadedPackage,
        ids: &[PackageId],
    ) {
        let scope = self.packages[package.index()].scope;
        let mut methods: Vec<Method> = Vec::new();
        let mut file_scopes = Vec::with_capacity(loaded.files.len());
        let mut imported: Vec<PackageId> = Vec::new();
        for file in &loaded.files {
            let file_scope = match file.script {
                Some(_) => self.open_script_scope(scope, loaded, ids, &mut imported),
                None => self.scopes.open(Some(scope)),
            };
            file_scopes.push(file_scope);
            self.env = self.package_environment(package, file_scope);
            for import in &file.imports {
                let Some(path) = loaded.imports.get(&self.range(import.path)) else {
                    self.declare_failed_import(import, file_scope);
                    continue;
                };
                let id = ids[*path];
                if !imported.contains(&id) {
                    imported.push(id);
                }
                self.declare_import(package, import, id, file_scope);
            }
            let mut scope_of_bodies = file_scope;
            if let Some(script) = file.script {
                scope_of_bodies = scope;
                self.collect_script(package, script, &mut methods);
            }
            for decl in &file.decls {
                self.collect_declaration(package, scope, scope_of_bodies, *decl, &mut methods);
            }
        }
        self.program.packages[package.index()].imports = imported;
        self.check_file_scopes(scope, &file_scopes);
        for method in methods {
            let Some((pointer, base)) =
                self.resolve_base_type_name(scope, method.pointer, method.base)
            else {
                continue;
            };
            if let ObjectKind::Function {
                pointer_receiver, ..
            } = &mut self.program.objects[method.object.index()].kind
            {
                *pointer_receiver = pointer;
            }
            self.packages[package.index()]
                .methods
                .entry(base)
                .or_default()
                .push(method.object);
        }
        let objects = self.scopes.objects(scope);
        self.program.packages[package.index()].scope = objects.into_iter().collect();
    }

    /// A name for a package that could not be imported, so that its uses are no further errors.
    fn declare_failed_import(&mut self, import: &parser::ast::Import, file_scope: ScopeId) {
        let path = String::from_utf8_lossy(self.ast.string_value(import.path)).into_owned();
        let last = path.rsplit('/').next().unwrap_or(&path);
        let name = match import.name {
            Some(name) => self.ast.ident(name),
            None => self.names.find(last),
        };
        let Some(name) = name.filter(|name| !name.is_blank() && *name != Symbol::DOT) else {
            return;
        };
        let kind = ObjectKind::PackageName {
            imported: self.failed_package,
            used: true,
        };
        let object = self.new_object(kind, name, Some(import.range), Color::Black);
        self.scopes.insert(file_scope, name, object);
    }

    fn declare_import(
        &mut self,
        package: PackageId,
        import: &parser::ast::Import,
        imported: PackageId,
        file_scope: ScopeId,
    ) {
        let name = match import.name {
            Some(ident) => self.ast.ident(ident).unwrap_or(Symbol::BLANK),
            None => self.program.package(imported).name,
        };
        if name == Symbol::INIT {
            let message = "cannot import package as init - init must be a func";
            self.report(Code::InvalidDeclaration, import.range, message);
            return;
        }
        let range = import
            .name
            .map_or(self.range(import.path), |name| self.range(name));
        let kind = ObjectKind::PackageName {
            imported,
            used: false,
        };
        let object = self.new_object(kind, name, Some(range), Color::Black);
        if let Some(ident) = import.name {
            self.record_name(ident, object);
        }
        self.packages[package.index()].imports.push((object, range));
        if name == Symbol::DOT {
            let members: Vec<(Symbol, ObjectId)> = self
                .program
                .package(imported)
                .scope
                .iter()
                .map(|(name, object)| (*name, *object))
                .filter(|(_, object)| self.object(*object).exported)
                .collect();
            for (name, member) in members {
                if let Some(other) = self.scopes.insert(file_scope, name, member) {
                    let message = format!(
                        "{} redeclared in this block{}",
                        self.text(name),
                        self.other_declaration(other)
                    );
                    self.report(Code::Redeclared, range, message);
                } else {
                    self.dot_imports.insert((file_scope, name), object);
                }
            }
            return;
        }
        self.declare(file_scope, None, object);
    }

    /// Marks the import that brought an object into the file as used.
    pub(crate) fn use_dot_import(&mut self, object: ObjectId, name: Symbol) {
        let mut scope = Some(self.env.scope);
        while let Some(current) = scope {
            if let Some(import) = self.dot_imports.get(&(current, name)).copied() {
                if let ObjectKind::PackageName { used, .. } =
                    &mut self.program.objects[import.index()].kind
                {
                    *used = true;
                }
                self.reach(object);
                return;
            }
            scope = self.scopes.parent(current);
        }
    }

    fn declare_package_object(
        &mut self,
        package: PackageId,
        scope: ScopeId,
        ident: ExprId,
        object: ObjectId,
        file_scope: ScopeId,
        what: Declared,
    ) {
        let name = self.object(object).name;
        let problem = if name == Symbol::INIT {
            Some("cannot declare init - must be func")
        } else if name == Symbol::MAIN && self.program.package(package).name == Symbol::MAIN {
            Some("cannot declare main - must be func")
        } else {
            None
        };
        if let Some(problem) = problem {
            self.report_expr(Code::InvalidDeclaration, ident, problem);
            return;
        }
        self.declare(scope, Some(ident), object);
        self.add_declaration(package, object, file_scope, what);
    }

    fn add_declaration(
        &mut self,
        package: PackageId,
        object: ObjectId,
        file_scope: ScopeId,
        what: Declared,
    ) {
        let id = DeclarationId(self.declarations.len() as u32);
        let dependencies = IndexSet::default();
        self.declarations.push(Declaration {
            package,
            file_scope,
            what,
            dependencies,
        });
        self.declaration_of[object.index()] = Some(id);
        self.packages[package.index()].objects.push(object);
    }

    pub(crate) fn collect_declaration(
        &mut self,
        package: PackageId,
        scope: ScopeId,
        file_scope: ScopeId,
        decl: DeclId,
        methods: &mut Vec<Method>,
    ) {
        match *self.ast.decl(decl) {
            Decl::Bad => {}
            Decl::Const(specs) => {
                let mut typ = None;
                let mut values: List<ExprId> = List::EMPTY;
                for (index, spec) in self.ast.list(specs).iter().enumerate() {
                    let inherited = index > 0 && spec.ty.is_none() && spec.values.is_empty();
                    if !inherited {
                        (typ, values) = (spec.ty, spec.values);
                    }
                    let list = self.ast.list(values);
                    let names = self.ast.list(spec.names);
                    for (index, ident) in names.iter().enumerate() {
                        let Some(name) = self.ast.ident(*ident) else {
                            continue;
                        };
                        let kind = ObjectKind::Constant(Constant::Unknown);
                        let object =
                            self.new_object(kind, name, Some(self.range(*ident)), Color::White);
                        let init = list.get(index).copied();
                        let what = Declared::Constant {
                            typ,
                            init,
                            inherited,
                            iota: spec.iota,
                        };
                        self.declare_package_object(
                            package, scope, *ident, object, file_scope, what,
                        );
                    }
                    self.check_arity(spec.range, names, list, true, inherited);
                }
            }
            Decl::Var(specs) => {
                for spec in self.ast.list(specs) {
                    self.collect_variables(package, scope, file_scope, spec);
                }
            }
            Decl::Type(specs) => {
                for spec in self.ast.list(specs) {
                    self.collect_type(package, scope, file_scope, spec);
                }
            }
            Decl::Func(function) => {
                self.collect_function(package, scope, file_scope, decl, &function, methods)
            }
        }
    }

    /// Declares the function of a script's statements, which has no name that could be used.
    pub(crate) fn declare_script_function(
        &mut self,
        package: PackageId,
        scope: ScopeId,
        declaration: DeclId,
        function: &FuncDecl,
    ) -> FunctionId {
        let id = FunctionId(self.program.functions.len() as u32);
        let kind = ObjectKind::Function {
            function: Some(id),
            receiver_base: None,
            pointer_receiver: false,
        };
        let range = self.range(function.name);
        let object = self.new_object(kind, Symbol::MAIN, Some(range), Color::White);
        self.program
            .functions
            .push(Function::new(object, package, declaration, function.body));
        self.add_declaration(package, object, scope, Declared::Function(id));
        id
    }

    fn collect_variables(
        &mut self,
        package: PackageId,
        scope: ScopeId,
        file_scope: ScopeId,
        spec: &VarSpec,
    ) {
        let names = self.ast.list(spec.names);
        let values = self.ast.list(spec.values);
        let mut objects = Vec::with_capacity(names.len());
        for ident in names {
            let name = self.ast.ident(*ident).unwrap_or(Symbol::BLANK);
            let range = self.range(*ident);
            objects.push(self.new_variable(VarKind::Package, name, range, None));
        }
        let together = values.len() == 1 && names.len() > 1;
        for (index, (ident, object)) in names.iter().zip(&objects).enumerate() {
            let (lhs, init) = if together {
                (Some(objects.clone()), Some(values[0]))
            } else {
                (None, values.get(index).copied())
            };
            let what = Declared::Variable {
                lhs,
                typ: spec.ty,
                init,
            };
            self.declare_package_object(package, scope, *ident, *object, file_scope, what);
        }
        if together {
            // They share what they depend on, so they share the declaration.
            let first = self.declaration_of[objects[0].index()];
            for object in &objects[1..] {
                self.declaration_of[object.index()] = first;
            }
        }
        if spec.ty.is_none() || !values.is_empty() {
            self.check_arity(spec.range, names, values, false, false);
        }
    }

    fn collect_type(
        &mut self,
        package: PackageId,
        scope: ScopeId,
        file_scope: ScopeId,
        spec: &TypeSpec,
    ) {
        let Some(name) = self.ast.ident(spec.name) else {
            return;
        };
        let kind = ObjectKind::TypeName {
            alias: spec.alias.is_some(),
        };
        let object = self.new_object(kind, name, Some(self.range(spec.name)), Color::White);
        self.declare_package_object(
            package,
            scope,
            spec.name,
            object,
            file_scope,
            Declared::Type(*spec),
        );
    }

    fn collect_function(
        &mut self,
        package: PackageId,
        scope: ScopeId,
        file_scope: ScopeId,
        decl: DeclId,
        function: &FuncDecl,
        methods: &mut Vec<Method>,
    ) {
        let Some(name) = self.ast.ident(function.name) else {
            return;
        };
        let range = self.range(function.name);
        let id = FunctionId(self.program.functions.len() as u32);
        let kind = ObjectKind::Function {
            function: Some(id),
            receiver_base: None,
            pointer_receiver: false,
        };
        let object = self.new_object(kind, name, Some(range), Color::White);
        self.program
            .functions
            .push(Function::new(object, package, decl, function.body));
        let standard = self.is_standard(package);
        match function.receiver {
            None => {
                let is_main =
                    name == Symbol::MAIN && self.program.package(package).name == Symbol::MAIN;
                if name == Symbol::INIT || is_main {
                    let text = self.text(name);
                    if let Some(param) = self.ast.list(function.type_params).first() {
                        let message = format!("func {text} must have no type parameters");
                        self.report_expr(Code::InvalidDeclaration, param.name, message);
                    }
                    if let Expr::FuncType { params, results } = *self.ast.expr(function.ty)
                        && !(params.is_empty() && results.is_empty())
                    {
                        let message =
                            format!("func {text} must have no arguments and no return values");
                        self.report(Code::InvalidDeclaration, range, message);
                    }
                }
                if name == Symbol::INIT {
                    self.record_name(function.name, object);
                    self.program.packages[package.index()]
                        .init_functions
                        .push(id);
                    if function.body.is_none() {
                        self.report(Code::MissingBody, range, "func init must have a body");
                    } else if standard {
                        self.reachability.functions.push(id);
                    }
                } else {
                    self.declare(scope, Some(function.name), object);
                    if function.body.is_none() && !standard && !name.is_blank() {
                        let message = "missing function body";
                        self.late_errors
                            .push((Code::MissingBody, range, message.to_owned()));
                    }
                }
            }
            Some(receiver) => {
                let base = self.receiver_base(receiver.ty);
                let pointer = matches!(self.ast.expr(self.ast.unparen(receiver.ty)), Expr::Star(_));
                let base = match *self.ast.expr(base) {
                    Expr::Index { operand, .. } => operand,
                    _ => base,
                };
                if let Some(base) = self.ast.ident(base).filter(|_| !name.is_blank()) {
                    methods.push(Method {
                        object,
                        pointer,
                        base,
                    });
                }
                self.record_name(function.name, object);
                if function.body.is_none() && !standard && !name.is_blank() {
                    // GO: at the receiver's parenthesis.
                    let receiver = self.range(receiver.name.unwrap_or(receiver.ty));
                    let before = &self.sources.text(receiver.file)[..receiver.start as usize];
                    let start = before.rfind('(').map_or(receiver.start, |at| at as u32);
                    let range = TextRange { start, ..receiver };
                    let message = "missing function body";
                    self.late_errors
                        .push((Code::MissingBody, range, message.to_owned()));
                }
            }
        }
        self.add_declaration(package, object, file_scope, Declared::Function(id));
    }

    /// The defined type that a receiver's type name leads to through aliases, and whether through a pointer.
    fn resolve_base_type_name(
        &self,
        scope: ScopeId,
        pointer: bool,
        name: Symbol,
    ) -> Option<(bool, ObjectId)> {
        let mut pointer = pointer;
        let mut name = name;
        let mut seen: FxHashSet<ObjectId> = FxHashSet::default();
        loop {
            let object = self
                .scopes
                .lookup(scope, name)
                .or_else(|| self.declared_by_session(name))?;
            let declaration = self.declaration_of[object.index()]?;
            let Declared::Type(spec) = &self.declarations[declaration.0 as usize].what else {
                return None;
            };
            if !seen.insert(object) {
                return None;
            }
            if spec.alias.is_none() {
                return Some((pointer, object));
            }
            let mut typ = self.ast.unparen(spec.ty);
            if let Expr::Star(inner) = *self.ast.expr(typ) {
                if pointer {
                    return None;
                }
                pointer = true;
                typ = self.ast.unparen(inner);
            }
            name = self.ast.ident(typ)?;
        }
    }

    /// Names of imports and of the package's own declarations must differ.
    fn check_file_scopes(&mut self, scope: ScopeId, file_scopes: &[ScopeId]) {
        for file_scope in file_scopes {
            for (name, object) in self.scopes.objects(*file_scope) {
                let Some(own) = self.scopes.lookup(scope, name) else {
                    continue;
                };
                let range = self.object(own).range.unwrap_or_default();
                let text = self.text(name);
                let other = self.other_declaration(object);
                let message = match self.object(object).kind {
                    ObjectKind::PackageName { imported, .. } => {
                        let imported = self.program.package(imported);
                        format!(
                            "{text} already declared through import of package {} ({:?}){other}",
                            self.text(imported.name),
                            imported.path
                        )
                    }
                    _ => {
                        let of = self.object(object).package.map(|id| {
                            let package = self.program.package(id);
                            format!(
                                " of package {} ({:?})",
                                self.text(package.name),
                                package.path
                            )
                        });
                        format!(
                            "{text} already declared through dot-import{}{other}",
                            of.unwrap_or_default()
                        )
                    }
                };
                self.report(Code::Redeclared, range, message);
            }
        }
    }

    /// Checks all declarations of a package: types first, then aliases, then the rest.
    pub(crate) fn check_package_objects(&mut self, package: PackageId) {
        let objects = self.packages[package.index()].objects.clone();
        let rank = |checker: &Self, object: ObjectId| match checker.object(object).kind {
            ObjectKind::TypeName { alias: false } => 0,
            ObjectKind::TypeName { alias: true } => 1,
            _ => 2,
        };
        for wanted in 0..3 {
            for object in &objects {
                if rank(self, *object) == wanted {
                    self.declare_object(*object);
                }
            }
        }
        self.process_delayed(0);
        for object in &objects {
            if let Some(function) = self.object(*object).function() {
                if let Some(body) = self.program.function(function).body {
                    self.env.package = package;
                    self.check_branches(body);
                }
                self.check_function_body(function);
                self.process_delayed(0);
            }
        }
    }

    /// Reports imports that are not used.
    pub(crate) fn check_unused_imports(&mut self, package: PackageId) {
        for (object, range) in self.packages[package.index()].imports.clone() {
            let ObjectKind::PackageName { imported, used } = self.object(object).kind else {
                continue;
            };
            let name = self.object(object).name;
            if used || name.is_blank() {
                continue;
            }
            let path = self.program.package(imported).path.clone();
            let last = path.rsplit('/').next().unwrap_or(&path);
            let text = self.text(name);
            let message = if name == Symbol::DOT || text == last {
                format!("{path:?} imported and not used")
            } else {
                format!("{path:?} imported as {text} and not used")
            };
            let hint = self.hint_unused_import(name, range);
            self.report_with(Code::UnusedImport, range, message, hint);
        }
    }

    /// A program needs a function `main`.
    pub(crate) fn check_main(&mut self, package: PackageId, place: TextRange) {
        let found = self
            .program
            .package(package)
            .scope
            .get(&Symbol::MAIN)
            .copied();
        if !found
            .is_some_and(|object| matches!(self.object(object).kind, ObjectKind::Function { .. }))
        {
            self.report(
                Code::MissingMain,
                place,
                "function main is undeclared in the main package",
            );
        }
    }
}
