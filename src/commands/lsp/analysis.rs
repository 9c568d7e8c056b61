//! A checked program, asked about its names.

use super::shown_range;
use super::texts::uri_of;
use checker::lookup::{Found, Lookup};
use checker::typed::{ObjectKind, Selected, TypedProgram};
use checker::types::{ObjectId, PackageId, Type, TypeId};
use diagnostics::{Code, FileId, TextRange};
use golite::documentation::{Comments, comment_text};
use golite::loader::tests::MAIN_FILE;
use golite::pipeline::Checked;
use parser::ast::{Decl, Expr, ExprId, Stmt};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use stdlib::outline;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity {
    Object(ObjectId),
    /// A field of a struct type, by the canonical type and its index.
    Field {
        of: TypeId,
        index: u32,
    },
    /// A method of an interface.
    Method {
        of: TypeId,
        index: u32,
    },
}

/// A checked program.
pub struct Analysis {
    pub checked: Checked,
    /// The selector that a name stands behind the dot of.
    selectors: FxHashMap<ExprId, ExprId>,
    /// Names that declare fields, methods of interfaces, or name a field in a literal.
    members: FxHashMap<ExprId, Entity>,
}

impl Analysis {
    pub fn new(checked: Checked) -> Analysis {
        let mut analysis = Analysis {
            checked,
            selectors: FxHashMap::default(),
            members: FxHashMap::default(),
        };
        analysis.index();
        analysis
    }

    fn index(&mut self) {
        let Some(typed) = &self.checked.typed else {
            return;
        };
        let ast = &self.checked.ast;
        for id in (0..ast.expr_count()).map(ExprId::from_index) {
            match *ast.expr(id) {
                Expr::Selector { name, .. } => {
                    self.selectors.insert(name, id);
                }
                Expr::StructType { fields } => {
                    let of = typed.types.canonical(typed.type_of(id));
                    for (index, field) in ast.list(fields).iter().enumerate() {
                        if let Some(name) = field.name {
                            let index = index as u32;
                            self.members.insert(name, Entity::Field { of, index });
                        }
                    }
                }
                Expr::CompositeLit { elements, .. } => {
                    let of = typed.types.underlying_id(typed.type_of(id));
                    for &element in ast.list(elements) {
                        if let Expr::KeyValue { key, .. } = *ast.expr(element)
                            && let Some([index]) = typed.field_keys.get(&key).map(|path| &path[..])
                        {
                            let of = typed.types.canonical(of);
                            self.members
                                .insert(key, Entity::Field { of, index: *index });
                        }
                    }
                }
                _ => {}
            }
        }
    }

    pub fn typed(&self) -> Option<&TypedProgram> {
        self.checked.typed.as_ref()
    }

    pub fn text_of(&self, file: FileId) -> &str {
        self.checked.sources.text(file)
    }

    /// Where a file is. Standard packages, which lie in none, are written where they can be read.
    pub fn path_of(&self, file: FileId) -> PathBuf {
        let name = self.checked.sources.file(file).name();
        let path = Path::new(name);
        if let Ok(path) = path.canonicalize() {
            return path;
        }
        // An editor has it and has not written it yet.
        if path.is_absolute() && path.parent().is_some_and(Path::is_dir) {
            return path.to_owned();
        }
        let folder = format!("golite-std-{}", env!("CARGO_PKG_VERSION"));
        let path = std::env::temp_dir()
            .join(folder)
            .join(name.trim_start_matches('/'));
        let text = self.text_of(file);
        let is_there = std::fs::read_to_string(&path).is_ok_and(|there| there == text);
        if !is_there && let Some(folder) = path.parent() {
            let _ = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text));
        }
        path
    }

    /// The file of a path.
    pub fn file(&self, path: &Path) -> Option<FileId> {
        let mut files = self.checked.sources.files();
        let is_it = |name: &str| {
            let name = Path::new(name);
            name == path || name.canonicalize().is_ok_and(|found| found == path)
        };
        files.find(|(_, file)| is_it(file.name())).map(|(id, _)| id)
    }

    pub fn location(&self, place: TextRange) -> Value {
        json!({
            "uri": uri_of(&self.path_of(place.file)),
            "range": shown_range(self.text_of(place.file), place),
        })
    }

    /// Names, in files of the program's own.
    fn own_names(&self) -> impl Iterator<Item = ExprId> + '_ {
        let files = self.own_files();
        let ast = &self.checked.ast;
        (0..ast.expr_count())
            .map(ExprId::from_index)
            .filter(move |&id| {
                matches!(ast.expr(id), Expr::Ident(_)) && files.contains(&ast.range(id).file)
            })
    }

    fn own_files(&self) -> FxHashSet<FileId> {
        let packages = self.typed().into_iter().flat_map(|typed| &typed.packages);
        packages
            .filter(|package| !package.standard)
            .flat_map(|package| &package.files)
            .map(|file| file.file)
            .filter(|file| self.checked.sources.file(*file).name() != MAIN_FILE)
            .collect()
    }

    /// The package that a file belongs to.
    pub fn package_of(&self, file: FileId) -> Option<PackageId> {
        let typed = self.typed()?;
        typed.package_order.iter().copied().find(|&id| {
            let mut files = typed.package(id).files.iter();
            files.any(|found| found.file == file)
        })
    }

    /// What a name stands for.
    pub fn entity(&self, name: ExprId) -> Option<Entity> {
        let typed = self.typed()?;
        if let Some(&member) = self.members.get(&name) {
            return Some(member);
        }
        if let Some(selector) = self.selectors.get(&name)
            && let Some(selection) = typed.selections.get(selector)
        {
            return match selection.selected {
                Selected::Method(object) => Some(Entity::Object(object)),
                Selected::InterfaceMethod { interface, index } => Some(Entity::Method {
                    of: typed.types.canonical(interface),
                    index,
                }),
                Selected::Field => self.field(selection.receiver, &selection.path),
            };
        }
        typed.object_of(name).map(Entity::Object)
    }

    /// The field at the end of a way through fields.
    fn field(&self, receiver: TypeId, path: &[u32]) -> Option<Entity> {
        let types = &self.typed()?.types;
        let mut ty = receiver;
        for (step, &index) in path.iter().enumerate() {
            if let Some(base) = types.as_pointer(ty) {
                ty = base;
            }
            // A field of an instance is that of the generic type.
            let of = types.canonical(types.underlying_id(types.origin(ty)));
            if step + 1 == path.len() {
                return Some(Entity::Field { of, index });
            }
            ty = types.as_struct(ty)?.get(index as usize)?.typ;
        }
        None
    }

    /// The name at a place, and what it stands for. A place behind its end counts, too.
    pub fn entity_at(&self, file: FileId, offset: usize) -> Option<(Entity, TextRange)> {
        let ast = &self.checked.ast;
        let offset = offset as u32;
        let mut found = None;
        for id in (0..ast.expr_count()).map(ExprId::from_index) {
            let range = ast.range(id);
            let is_here = range.file == file && range.start <= offset && offset <= range.end;
            if is_here
                && matches!(ast.expr(id), Expr::Ident(_))
                && let Some(entity) = self.entity(id)
                && (found.is_none() || offset < range.end)
            {
                found = Some((entity, range));
            }
        }
        found
    }

    pub fn definition(&self, entity: Entity) -> Option<TextRange> {
        let typed = self.typed()?;
        match entity {
            Entity::Object(id) => {
                let object = typed.object(id);
                if let ObjectKind::PackageName { imported, .. } = object.kind {
                    let file = typed.package(imported).files.first()?;
                    let clause = file.package?;
                    return Some(self.checked.ast.range(clause));
                }
                object.range
            }
            Entity::Field { .. } => {
                let mut members = self.members.iter();
                let ast = &self.checked.ast;
                let declares = |name: &ExprId| !typed.field_keys.contains_key(name);
                let found = members.find(|(name, member)| **member == entity && declares(name));
                found.map(|(name, _)| ast.range(*name))
            }
            Entity::Method { of, index } => {
                let method = typed.types.as_interface(of)?.methods.get(index as usize)?;
                let ast = &self.checked.ast;
                for id in (0..ast.expr_count()).map(ExprId::from_index) {
                    if let Expr::InterfaceType { elements } = *ast.expr(id)
                        && typed
                            .types
                            .canonical(typed.types.underlying_id(typed.type_of(id)))
                            == of
                    {
                        for element in ast.list(elements) {
                            if let parser::ast::InterfaceElement::Method { name, .. } = *element
                                && ast.ident(name) == Some(method.name)
                            {
                                return Some(ast.range(name));
                            }
                        }
                    }
                }
                None
            }
        }
    }

    /// Where an entity is named, its declaration among them, in files of the program's own.
    pub fn references(&self, entity: Entity) -> Vec<TextRange> {
        let ast = &self.checked.ast;
        let mut places: Vec<TextRange> = self
            .own_names()
            .filter(|&name| self.entity(name) == Some(entity))
            .map(|name| ast.range(name))
            .collect();
        places.sort_by_key(|place| (place.file, place.start));
        places.dedup();
        places
    }

    /// Is it declared by the program itself, and not by a package it uses?
    pub fn is_own(&self, entity: Entity) -> bool {
        let files = self.own_files();
        let is_package_name = matches!(entity, Entity::Object(id)
            if self.typed().is_some_and(|typed| matches!(typed.object(id).kind, ObjectKind::PackageName { .. })));
        !is_package_name
            && self
                .definition(entity)
                .is_some_and(|place| files.contains(&place.file))
    }

    /// Is it declared in a function?
    pub fn is_local(&self, entity: Entity) -> bool {
        let Some(typed) = self.typed() else {
            return true;
        };
        let Entity::Object(id) = entity else {
            return false;
        };
        let object = typed.object(id);
        let is_method = matches!(
            object.kind,
            ObjectKind::Function {
                receiver_base: Some(_),
                ..
            }
        );
        let is_of_package =
            |package: PackageId| typed.package(package).scope.get(&object.name) == Some(&id);
        !is_method && !object.package.is_some_and(is_of_package)
    }

    pub fn type_name(&self, ty: TypeId, package: Option<PackageId>) -> String {
        let Some(typed) = self.typed() else {
            return String::new();
        };
        typed.type_string(&self.checked.names, &self.checked.sources, ty, package)
    }

    /// What stands above the declaration of something.
    fn documentation(&self, entity: Entity) -> String {
        let Some(place) = self.definition(entity) else {
            return String::new();
        };
        let text = self.text_of(place.file);
        let comments = Comments::of(text);
        let start = place.start as usize;
        let above = comments.above(start);
        let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let comment = above.or_else(|| {
            let line = &text[start..end];
            let at = line.find("//").map(|at| start + at)?;
            text.get(at..end)
        });
        comment.map(comment_text).unwrap_or_default()
    }

    /// On one line, as it would be declared.
    pub fn declaration(&self, entity: Entity) -> Option<String> {
        let typed = self.typed()?;
        let names = &self.checked.names;
        let main = Some(typed.main);
        Some(match entity {
            Entity::Object(id) => {
                let object = typed.object(id);
                let name = names.text(object.name);
                let ty = self.type_name(object.typ, main);
                match &object.kind {
                    ObjectKind::PackageName { imported, .. } => {
                        let package = typed.package(*imported);
                        format!("package {} ({:?})", names.text(package.name), package.path)
                    }
                    ObjectKind::Constant(value) => {
                        let value = match (value.as_bytes(), value.as_i64()) {
                            (Some(bytes), _) => format!(" = {:?}", String::from_utf8_lossy(&bytes)),
                            (None, Some(number)) => format!(" = {number}"),
                            (None, None) => String::new(),
                        };
                        format!("const {name} {ty}{value}")
                    }
                    ObjectKind::TypeName { alias } => {
                        let under = self.type_name(typed.types.underlying_id(object.typ), main);
                        let under = match under.len() > 400 {
                            true => "...".to_owned(),
                            false => under,
                        };
                        let equals = if *alias { "= " } else { "" };
                        format!("type {name} {equals}{under}")
                    }
                    ObjectKind::Variable(_) => format!("var {name} {ty}"),
                    ObjectKind::Function { function, .. } => {
                        // As it is written, with the names of parameters.
                        let written = function.and_then(|id| self.head(id));
                        let signature = ty.strip_prefix("func").unwrap_or(&ty);
                        written.unwrap_or_else(|| format!("func {name}{signature}"))
                    }
                    ObjectKind::Label { .. } => format!("label {name}"),
                    ObjectKind::Builtin(builtin) => format!("builtin {}", builtin.name()),
                    ObjectKind::Nil => "nil".to_owned(),
                }
            }
            Entity::Field { of, index } => {
                let field = typed.types.as_struct(of)?.get(index as usize)?;
                let name = names.text(field.name);
                format!("field {name} {}", self.type_name(field.typ, main))
            }
            Entity::Method { of, index } => {
                let method = typed.types.as_interface(of)?.methods.get(index as usize)?;
                let ty = self.type_name(method.signature, main);
                let signature = ty.strip_prefix("func").unwrap_or(&ty);
                format!("func {}{signature}", names.text(method.name))
            }
        })
    }

    /// The head of a function's declaration, on one line.
    fn head(&self, function: checker::typed::FunctionId) -> Option<String> {
        let id = self.typed()?.function(function).declaration;
        let Decl::Func(function) = *self.checked.ast.decl(id) else {
            return None;
        };
        let whole = self.checked.ast.decl_range(id);
        let end = self.checked.ast.range(function.ty).end as usize;
        let text = self.text_of(whole.file).get(whole.start as usize..end)?;
        let words: Vec<&str> = text.split_whitespace().collect();
        Some(words.join(" ").replace("( ", "(").replace(", )", ")"))
    }

    pub fn hover(&self, entity: Entity) -> Option<String> {
        let declaration = self.declaration(entity)?;
        let documentation = self.documentation(entity);
        let rule = if documentation.is_empty() {
            ""
        } else {
            "\n---\n"
        };
        Some(format!("```go\n{declaration}\n```\n{rule}{documentation}"))
    }

    /// The declarations of a file.
    pub fn symbols(&self, file: FileId) -> Value {
        let ast = &self.checked.ast;
        let names = &self.checked.names;
        let text = self.text_of(file);
        let symbol = |name: ExprId, kind: u32, whole: TextRange, detail: String| {
            let shown = ast.ident(name).map_or("", |name| names.text(name));
            json!({
                "name": shown,
                "kind": kind,
                "detail": detail,
                "range": shown_range(text, whole),
                "selectionRange": shown_range(text, ast.range(name)),
            })
        };
        let mut symbols = Vec::new();
        let mut declarations = Vec::new();
        for index in 0..ast.decl_count() {
            let id = parser::ast::DeclId::from_index(index);
            if ast.decl_range(id).file == file {
                declarations.push(id);
            }
        }
        // Those in functions are none of the file's.
        let local: FxHashSet<_> = (0..ast.stmt_count())
            .map(parser::ast::StmtId::from_index)
            .filter_map(|id| match *ast.stmt(id) {
                Stmt::Decl(decl) => Some(decl),
                _ => None,
            })
            .collect();
        for id in declarations.into_iter().filter(|id| !local.contains(id)) {
            let whole = ast.decl_range(id);
            match *ast.decl(id) {
                Decl::Bad => {}
                Decl::Const(specs) => {
                    for spec in ast.list(specs) {
                        for &name in ast.list(spec.names) {
                            symbols.push(symbol(name, 14, spec.range, String::new()));
                        }
                    }
                }
                Decl::Var(specs) => {
                    for spec in ast.list(specs) {
                        for &name in ast.list(spec.names) {
                            symbols.push(symbol(name, 13, spec.range, String::new()));
                        }
                    }
                }
                Decl::Type(specs) => {
                    for spec in ast.list(specs) {
                        let kind = match ast.expr(spec.ty) {
                            Expr::StructType { .. } => 23,
                            Expr::InterfaceType { .. } => 11,
                            _ => 5,
                        };
                        symbols.push(symbol(spec.name, kind, spec.range, String::new()));
                    }
                }
                Decl::Func(function) => {
                    // The function that a script's statements are stands nowhere.
                    let range = ast.range(function.name);
                    if text
                        .get(range.start as usize..range.end as usize)
                        .is_none_or(|name| {
                            name != ast.ident(function.name).map_or("", |name| names.text(name))
                        })
                    {
                        continue;
                    }
                    let kind = if function.receiver.is_some() { 6 } else { 12 };
                    let detail = function.receiver.map_or(String::new(), |receiver| {
                        let range = ast.range(receiver.ty);
                        text.get(range.start as usize..range.end as usize)
                            .unwrap_or("")
                            .to_owned()
                    });
                    symbols.push(symbol(function.name, kind, whole, detail));
                }
            }
        }
        Value::Array(symbols)
    }

    /// The text of a file with the imports that it needs, and no others. `None` for a script, which needs none.
    pub fn organised_imports(&self, file: FileId, text: &str) -> Option<String> {
        let (mut names, mut tree) = (parser::ast::Interner::new(), parser::ast::Ast::new());
        let (parsed, _) = parser::parse_file(&mut tree, &mut names, file, text);
        let clause = parsed.package?;
        let mut unused: Vec<TextRange> = Vec::new();
        let mut missing: Vec<&str> = Vec::new();
        for diagnostic in self.checked.diagnostics.iter() {
            if diagnostic.range.file != file {
                continue;
            }
            match diagnostic.code {
                Code::UnusedImport => unused.push(diagnostic.range),
                Code::Undefined => {
                    let range = diagnostic.range;
                    let name = text.get(range.start as usize..range.end as usize)?;
                    let behind = text[range.end as usize..].starts_with('.');
                    let package = behind.then(|| standard_package(name)).flatten();
                    missing.extend(package.filter(|path| !missing.contains(path)));
                }
                _ => {}
            }
        }
        let mut out = text.to_owned();
        // From the last to the first, so that places stay.
        for import in parsed.imports.iter().rev() {
            let holds = |range: &TextRange| {
                import.range.start <= range.start && range.start < import.range.end
            };
            let is_unused = unused.iter().any(holds);
            if !is_unused {
                continue;
            }
            let (start, end) = (import.range.start as usize, import.range.end as usize);
            let line = out[..start].rfind('\n').map_or(0, |at| at + 1);
            let end = out[end..].find('\n').map_or(out.len(), |at| end + at + 1);
            out.replace_range(line..end, "");
        }
        for (empty, with) in [("import (\n)\n", ""), ("import ()\n", "")] {
            out = out.replace(empty, with);
        }
        if !missing.is_empty() {
            let lines: String = missing.iter().map(|path| format!("\t{path:?}\n")).collect();
            match out.find("\nimport (\n") {
                Some(at) => out.insert_str(at + "\nimport (\n".len(), &lines),
                None => {
                    let end = tree.range(clause).end as usize;
                    out.insert_str(end, &format!("\n\nimport (\n{lines})"));
                }
            }
        }
        Some(format::format(&out, file, format::Options::default()).unwrap_or(out))
    }

    /// The fields and methods that can be selected from a value of a type, as (name, what it is).
    pub fn members_of(&self, ty: TypeId, package: Option<PackageId>) -> Vec<(String, Entity)> {
        let Some(typed) = self.typed() else {
            return Vec::new();
        };
        let names = &self.checked.names;
        let types = &typed.types;
        let mut found: Vec<(String, Entity)> = Vec::new();
        let mut seen = FxHashSet::default();
        let mut add = |name: String, entity: Entity| {
            if name != "_" && seen.insert(name.clone()) {
                found.push((name, entity));
            }
        };
        // Level by level, as the language looks names up.
        let mut level = vec![ty];
        for _ in 0..8 {
            let mut next = Vec::new();
            for ty in level {
                let base = types.as_pointer(ty).unwrap_or(ty);
                let declared_in = |object: ObjectId| typed.object(object).package;
                for &method in types.methods(base) {
                    let object = typed.object(method);
                    if object.exported || declared_in(method) == package {
                        add(names.text(object.name).to_owned(), Entity::Object(method));
                    }
                }
                if let Some(interface) = types.as_interface(base) {
                    let of = types.canonical(types.underlying_id(base));
                    for (index, method) in interface.methods.iter().enumerate() {
                        if method.package.is_none() || method.package == package {
                            let index = index as u32;
                            add(
                                names.text(method.name).to_owned(),
                                Entity::Method { of, index },
                            );
                        }
                    }
                }
                for (index, field) in types.as_struct(base).into_iter().flatten().enumerate() {
                    let of = types.canonical(types.underlying_id(types.origin(base)));
                    if field.package.is_none() || field.package == package {
                        let index = index as u32;
                        add(
                            names.text(field.name).to_owned(),
                            Entity::Field { of, index },
                        );
                    }
                    if field.embedded {
                        next.push(field.typ);
                    }
                }
            }
            level = next;
        }
        // A method that needs an address is there all the same: most operands have one.
        found.retain(|(name, _)| {
            names.find(name).is_some_and(|name| {
                !matches!(
                    typed.lookup_field_or_method(ty, true, package, name),
                    Lookup::Missing
                ) || types.as_pointer(ty).is_some()
            })
        });
        found
    }

    /// The type of what a member is.
    pub fn type_of(&self, entity: Entity) -> Option<TypeId> {
        let typed = self.typed()?;
        Some(match entity {
            Entity::Object(id) => typed.object(id).typ,
            Entity::Field { of, index } => typed.types.as_struct(of)?.get(index as usize)?.typ,
            Entity::Method { of, index } => {
                let found = Found::InterfaceMethod {
                    interface: of,
                    index,
                };
                typed.found_type(&found)
            }
        })
    }

    pub fn is_function(&self, entity: Entity) -> bool {
        let ty = self.type_of(entity);
        self.typed()
            .zip(ty)
            .is_some_and(|(typed, ty)| matches!(typed.types.underlying(ty), Type::Signature(_)))
    }
}

/// The standard package that a name most likely means.
pub fn standard_package(name: &str) -> Option<&'static str> {
    let mut packages: Vec<&'static str> = outline::packages()
        .into_iter()
        .filter(|path| path.rsplit('/').next() == Some(name))
        .filter(|path| !path.split('/').any(|part| part == "internal"))
        .collect();
    // math/rand rather than crypto/rand, text/template rather than html/template.
    packages.sort_by_key(|path| {
        let rare = path.starts_with("crypto") || path.starts_with("html");
        (rare, path.matches('/').count(), *path)
    });
    packages.first().copied()
}
