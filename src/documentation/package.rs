//! The documented declarations of a package.

use super::comments::{Comments, comment_text};
use super::one_line::OneLine;
use diagnostics::{FileId, SourceMap};
use parser::ast::{
    Ast, ConstSpec, Decl, Expr, ExprId, FuncDecl, InterfaceElement, Interner, List, TypeSpec,
    VarSpec,
};
use parser::parse_file;

/// What of a package is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Show {
    /// Also what is not exported.
    pub unexported: bool,
    /// The source itself, bodies and all.
    pub source: bool,
}

impl Show {
    /// Is a name shown?
    #[must_use]
    pub fn name(self, name: &str) -> bool {
        self.unexported || is_exported(name)
    }
}

/// Does a name begin with a capital?
fn is_exported(name: &str) -> bool {
    name.chars().next().is_some_and(char::is_uppercase)
}

/// Constants or variables that are declared together.
#[derive(Clone, Debug)]
pub struct Value {
    /// All names, in source order.
    pub names: Vec<String>,
    /// What stands above it.
    pub doc: String,
    /// On one line: the first that is shown.
    pub summary: String,
    /// As it is written.
    pub declaration: String,
    is_const: bool,
    /// The type that it belongs to.
    of: Option<String>,
}

/// A function or method.
#[derive(Clone, Debug)]
pub struct Function {
    pub name: String,
    pub doc: String,
    pub summary: String,
    pub declaration: String,
}

/// A type with what belongs to it.
#[derive(Clone, Debug)]
pub struct Type {
    pub name: String,
    pub doc: String,
    pub summary: String,
    pub declaration: String,
    pub constants: Vec<Value>,
    pub variables: Vec<Value>,
    /// Functions that make one.
    pub makers: Vec<Function>,
    pub methods: Vec<Function>,
    /// Of an interface: the names of its methods, and how each is written with the comment above it.
    pub interface_methods: Vec<(String, String)>,
    /// Of a struct: names of fields, and how each is shown alone.
    pub fields: Vec<(String, String)>,
}

/// A package as its sources document it.
#[derive(Clone, Debug, Default)]
pub struct Package {
    pub name: String,
    pub path: String,
    pub doc: String,
    pub constants: Vec<Value>,
    pub variables: Vec<Value>,
    pub functions: Vec<Function>,
    pub types: Vec<Type>,
    /// What comments say that begin with `BUG(name):`.
    pub bugs: Vec<String>,
    /// The import paths of its files.
    pub imports: Vec<String>,
}

impl Package {
    /// Reads the files of a package, given by name and text. Tests are not among them.
    #[must_use]
    pub fn read(path: &str, files: &[(String, String)], show: Show) -> Package {
        let mut package = Package {
            path: path.to_owned(),
            ..Package::default()
        };
        let mut declared = Declared::default();
        for (name, text) in files {
            let mut sources = SourceMap::new();
            let Ok(id) = sources.add(name.as_str(), text.as_str()) else {
                continue;
            };
            let (mut ast, mut names) = (Ast::new(), Interner::new());
            let (file, _) = parse_file(&mut ast, &mut names, id, text);
            let comments = Comments::of(text);
            if let Some(clause) = file.package {
                if let Some(name) = ast.ident(clause) {
                    package.name = names.text(name).to_owned();
                }
                let above = comments.text_above(ast.range(clause).start as usize);
                if let Some(doc) = above.filter(|doc| !doc.is_empty()) {
                    if !package.doc.is_empty() {
                        package.doc.push_str("\n\n");
                    }
                    package.doc.push_str(&doc);
                }
            }
            for import in &file.imports {
                let path = String::from_utf8_lossy(ast.string_value(import.path));
                package.imports.push(path.into_owned());
            }
            package.bugs.extend(bugs(text));
            let reader = Reader {
                ast: &ast,
                names: &names,
                text,
                comments,
                show,
            };
            for &decl in &file.decls {
                reader.declaration(decl, &mut declared);
            }
            if let Some(script) = file.script {
                for &statement in ast.statements(script.body) {
                    if let parser::ast::Stmt::Decl(decl) = *ast.stmt(statement) {
                        reader.declaration(decl, &mut declared);
                    }
                }
            }
        }
        if package.name.is_empty() {
            "main".clone_into(&mut package.name);
        }
        declared.sort_into(&mut package, show);
        package
    }

    /// Is there something of this name, `Name` or `Type.Method`?
    #[must_use]
    pub fn declares(&self, name: &str) -> bool {
        if let Some((ty, member)) = name.split_once('.') {
            let mut types = self.types.iter().filter(|found| found.name == ty);
            return types.any(|ty| {
                ty.methods.iter().any(|method| method.name == member)
                    || ty.fields.iter().any(|(field, _)| field == member)
                    || ty.interface_methods.iter().any(|(name, _)| name == member)
            });
        }
        let values = self.constants.iter().chain(&self.variables);
        let in_types = self
            .types
            .iter()
            .flat_map(|ty| ty.constants.iter().chain(&ty.variables));
        let makers = self.types.iter().flat_map(|ty| &ty.makers);
        values
            .chain(in_types)
            .any(|value| value.names.iter().any(|found| found == name))
            || self.functions.iter().chain(makers).any(|f| f.name == name)
            || self.types.iter().any(|ty| ty.name == name)
    }
}

/// Comments that begin with `BUG(name):`.
fn bugs(text: &str) -> Vec<String> {
    let mut bugs = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(rest) = line.strip_prefix("// BUG(") else {
            continue;
        };
        let Some((_, first)) = rest.split_once("):") else {
            continue;
        };
        let mut bug = first.trim().to_owned();
        while let Some(more) = lines.next_if(|line| line.starts_with("// ")) {
            bug.push('\n');
            bug.push_str(&more[3..]);
        }
        bugs.push(bug);
    }
    bugs
}

/// All that a package declares, unsorted.
#[derive(Default)]
struct Declared {
    values: Vec<Value>,
    /// With the type that it makes, if it makes one.
    functions: Vec<(Function, Option<String>)>,
    /// With the receiver's type.
    methods: Vec<(Function, String)>,
    types: Vec<Type>,
}

impl Declared {
    fn sort_into(mut self, package: &mut Package, show: Show) {
        self.types.sort_by(|a, b| a.name.cmp(&b.name));
        self.functions.sort_by(|a, b| a.0.name.cmp(&b.0.name));
        self.methods.sort_by(|a, b| a.0.name.cmp(&b.0.name));
        // Groups come first, in source order.
        let place = |value: &Value| match &value.names[..] {
            [one] => one.clone(),
            _ => String::new(),
        };
        self.values.sort_by_key(place);
        let find = |types: &mut Vec<Type>, name: &str| -> Option<usize> {
            types.iter().position(|ty| ty.name == name)
        };
        for (method, ty) in self.methods {
            if let Some(index) = find(&mut self.types, &ty) {
                self.types[index].methods.push(method);
            }
        }
        let mut behind = Vec::new();
        for (function, made) in self.functions {
            let index = made.and_then(|made| find(&mut self.types, &made));
            match index {
                Some(index) if show.name(&self.types[index].name) => {
                    self.types[index].makers.push(function);
                }
                Some(_) => behind.push(function),
                None => package.functions.push(function),
            }
        }
        package.functions.append(&mut behind);
        let mut behind = Vec::new();
        for value in self.values {
            let index = value.of.as_deref().and_then(|of| find(&mut self.types, of));
            let is_const = value.is_const;
            match index {
                Some(index) if show.name(&self.types[index].name) => match is_const {
                    true => self.types[index].constants.push(value),
                    false => self.types[index].variables.push(value),
                },
                Some(_) => behind.push(value),
                None if is_const => package.constants.push(value),
                None => package.variables.push(value),
            }
        }
        for value in behind {
            match value.is_const {
                true => package.constants.push(value),
                false => package.variables.push(value),
            }
        }
        package.types = self.types;
    }
}

/// A piece of a declaration that is kept: a field or a line of a group.
struct Piece {
    /// The comment above it, and where the piece begins and ends with all comments.
    doc: Option<(usize, usize)>,
    start: usize,
    end: usize,
    trailing: Option<String>,
    /// Instead of what stands in the text.
    replaced: Option<String>,
}

/// Reads the declarations of one file.
struct Reader<'a> {
    ast: &'a Ast,
    names: &'a Interner,
    text: &'a str,
    comments: Comments<'a>,
    show: Show,
}

impl Reader<'_> {
    fn one_line(&self) -> OneLine<'_> {
        OneLine {
            ast: self.ast,
            names: self.names,
            text: self.text,
        }
    }

    fn name(&self, id: ExprId) -> String {
        self.ast
            .ident(id)
            .map_or(String::new(), |name| self.names.text(name).to_owned())
    }

    fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or("")
    }

    /// Where the comment above begins, if there is one.
    fn commented(&self, start: usize) -> usize {
        self.comments
            .above_at(start)
            .map_or(start, |(above, _)| above)
    }

    fn line(&self, offset: usize) -> usize {
        self.slice(0, offset).matches('\n').count()
    }

    fn declaration(&self, id: parser::ast::DeclId, declared: &mut Declared) {
        let range = self.ast.decl_range(id);
        let (start, end) = (range.start as usize, range.end as usize);
        let doc = self.comments.text_above(start).unwrap_or_default();
        match *self.ast.decl(id) {
            Decl::Bad => {}
            Decl::Func(function) => self.function(&function, start, end, doc, declared),
            Decl::Type(specs) => {
                let specs = self.ast.list(specs);
                for spec in specs {
                    let own = self.comments.text_above(spec.range.start as usize);
                    let doc = match specs.len() {
                        1 if !doc.is_empty() => doc.clone(),
                        _ => own.unwrap_or_else(|| doc.clone()),
                    };
                    declared.types.push(self.ty(spec, doc));
                }
            }
            Decl::Const(specs) => {
                let specs: Vec<Spec> = self.ast.list(specs).iter().map(Spec::from).collect();
                declared
                    .values
                    .extend(self.value("const", &specs, start, end, doc));
            }
            Decl::Var(specs) => {
                let specs: Vec<Spec> = self.ast.list(specs).iter().map(Spec::from).collect();
                declared
                    .values
                    .extend(self.value("var", &specs, start, end, doc));
            }
        }
    }

    fn function(
        &self,
        function: &FuncDecl,
        start: usize,
        end: usize,
        doc: String,
        declared: &mut Declared,
    ) {
        let name = self.name(function.name);
        let line = self.one_line();
        let signature = line.function(function.type_params, function.ty);
        let receiver = function.receiver.map_or(String::new(), |receiver| {
            let ty = line.expr(receiver.ty);
            match receiver.name {
                Some(name) => format!("({} {ty}) ", self.name(name)),
                None => format!("({ty}) "),
            }
        });
        let head = self.ast.range(function.ty).end as usize;
        let declaration = match self.show.source {
            true => self.slice(self.commented(start), end),
            false => self.slice(start, head),
        };
        let found = Function {
            summary: format!("func {receiver}{name}{signature}"),
            declaration: declaration.to_owned(),
            doc,
            name,
        };
        match function.receiver {
            Some(receiver) => {
                let base = self.base(receiver.ty).unwrap_or_default();
                declared.methods.push((found, base));
            }
            None => {
                let made = self.made(function);
                declared.functions.push((found, made));
            }
        }
    }

    /// The type of this package that a function makes: the only one among its results. GO: go/doc/reader.go `readFunc`
    fn made(&self, function: &FuncDecl) -> Option<String> {
        let Expr::FuncType { results, .. } = *self.ast.expr(function.ty) else {
            return None;
        };
        let parameters: Vec<String> = self
            .ast
            .list(function.type_params)
            .iter()
            .map(|param| self.name(param.name))
            .collect();
        let mut made = None;
        for result in self
            .ast
            .list(results)
            .chunk_by(|a, b| a.name.is_some() && a.ty == b.ty)
        {
            let ty = match *self.ast.expr(result[0].ty) {
                Expr::SliceType { element } | Expr::ArrayType { element, .. } => element,
                _ => result[0].ty,
            };
            let Some(name) = self.base(ty) else { continue };
            if parameters.contains(&name) || checker::is_predeclared(&name) {
                continue;
            }
            if made.is_some() {
                return None;
            }
            made = Some(name);
        }
        made
    }

    /// The name of a type, of one that a pointer leads to, of a generic one; none of one of another package.
    fn base(&self, mut ty: ExprId) -> Option<String> {
        loop {
            match *self.ast.expr(ty) {
                Expr::Ident(name) => return Some(self.names.text(name).to_owned()),
                Expr::Star(inner) | Expr::Paren(inner) => ty = inner,
                Expr::Index { operand, .. } => ty = operand,
                _ => return None,
            }
        }
    }

    fn ty(&self, spec: &TypeSpec, doc: String) -> Type {
        let name = self.name(spec.name);
        let line = self.one_line();
        let equals = if spec.alias.is_some() { "= " } else { "" };
        let summary = format!(
            "type {name}{} {equals}{}",
            line.type_params(spec.type_params),
            line.expr(spec.ty)
        );
        let range = self.ast.range(spec.ty);
        let (start, end) = (spec.range.start as usize, spec.range.end as usize);
        let head = self.slice(start, range.start as usize);
        let (mut fields, mut interface_methods) = (Vec::new(), Vec::new());
        let mut declaration = format!("type {}", self.slice(start, end));
        let (open, shut) = (range.start as usize, range.end as usize);
        match *self.ast.expr(spec.ty) {
            Expr::StructType { fields: list } => {
                let (pieces, trimmed) = self.fields(list, &mut fields, &name);
                if !self.show.source {
                    let note = trimmed.then_some("fields");
                    let body = self.body("struct", open, shut, &pieces, note);
                    declaration = format!("type {head}{body}");
                }
            }
            Expr::InterfaceType { elements } => {
                let (pieces, trimmed) = self.elements(elements, &mut interface_methods);
                if !self.show.source {
                    let note = trimmed.then_some("methods");
                    let body = self.body("interface", open, shut, &pieces, note);
                    declaration = format!("type {head}{body}");
                }
            }
            _ => {
                if let Some(behind) = self.comments.behind(end) {
                    declaration = format!("{declaration} {behind}");
                }
            }
        }
        Type {
            name,
            doc,
            summary,
            declaration: tidy(&declaration),
            constants: Vec::new(),
            variables: Vec::new(),
            makers: Vec::new(),
            methods: Vec::new(),
            interface_methods,
            fields,
        }
    }

    fn piece(&self, start: usize, end: usize) -> Piece {
        Piece {
            doc: self.comments.above_at(start),
            start,
            end,
            trailing: self.comments.behind(end).map(str::to_owned),
            replaced: None,
        }
    }

    /// The fields that are shown, and whether others are not.
    fn fields(
        &self,
        list: List<parser::ast::StructField>,
        shown: &mut Vec<(String, String)>,
        owner: &str,
    ) -> (Vec<Piece>, bool) {
        let (mut pieces, mut trimmed) = (Vec::new(), false);
        let list = self.ast.list(list);
        for group in list.chunk_by(|a, b| a.name.is_some() && b.name.is_some() && a.ty == b.ty) {
            let field = &group[0];
            let ty = self.ast.range(field.ty);
            let start = field.name.map_or(ty, |name| self.ast.range(name)).start as usize;
            let end = field.tag.map_or(ty, |tag| self.ast.range(tag)).end as usize;
            let piece = self.piece(start, end);
            let names: Vec<String> = match field.name {
                Some(_) => group
                    .iter()
                    .filter_map(|field| field.name)
                    .map(|name| self.name(name))
                    .collect(),
                None => vec![self.embedded(field.ty)],
            };
            let doc = piece.doc.map_or("", |(start, end)| self.slice(start, end));
            for name in names.iter().filter(|_| field.name.is_some()) {
                let mut text = format!("type {owner} struct {{\n");
                let doc = format::doc_text(&comment_text(doc), "", "    ", &|_| false);
                for line in doc.lines() {
                    text.push_str(&format!("    // {line}\n"));
                }
                let behind = piece.trailing.as_deref();
                let behind = behind.map_or(String::new(), |comment| format!("  {comment}"));
                let line = self.one_line().expr(field.ty);
                text.push_str(&format!("    {name} {line}{behind}\n"));
                shown.push((name.clone(), text));
            }
            match names.iter().all(|name| self.show.name(name)) {
                true => pieces.push(piece),
                false => trimmed = true,
            }
        }
        (pieces, trimmed)
    }

    fn embedded(&self, ty: ExprId) -> String {
        match *self.ast.expr(ty) {
            Expr::Selector { name, .. } => self.name(name),
            Expr::Star(inner) => self.embedded_name(inner),
            _ => self.base(ty).unwrap_or_default(),
        }
    }

    fn embedded_name(&self, ty: ExprId) -> String {
        match *self.ast.expr(ty) {
            Expr::Selector { name, .. } => self.name(name),
            _ => self.base(ty).unwrap_or_default(),
        }
    }

    fn elements(
        &self,
        list: List<InterfaceElement>,
        methods: &mut Vec<(String, String)>,
    ) -> (Vec<Piece>, bool) {
        let (mut pieces, mut trimmed) = (Vec::new(), false);
        for element in self.ast.list(list) {
            let (start, end, name) = match *element {
                InterfaceElement::Method { name, ty } => (
                    self.ast.range(name).start as usize,
                    self.ast.range(ty).end as usize,
                    Some(self.name(name)),
                ),
                InterfaceElement::Embedded(ty) => {
                    let range = self.ast.range(ty);
                    let name = match *self.ast.expr(ty) {
                        Expr::Ident(_) | Expr::Selector { .. } => Some(self.embedded(ty))
                            .filter(|name| name != "error" && name != "comparable"),
                        _ => None,
                    };
                    (range.start as usize, range.end as usize, name)
                }
            };
            let piece = self.piece(start, end);
            if let (InterfaceElement::Method { .. }, Some(name)) = (element, &name) {
                let doc = piece.doc.map_or("", |(start, end)| self.slice(start, end));
                let break_ = if doc.is_empty() { "" } else { "\n" };
                let behind = piece.trailing.as_deref();
                let behind = behind.map_or(String::new(), |comment| format!(" {comment}"));
                let text = format!("\t{doc}{break_}\t{}{behind}", self.slice(start, end));
                methods.push((name.clone(), text));
            }
            match name.is_none_or(|name| self.show.name(&name)) {
                true => pieces.push(piece),
                false => trimmed = true,
            }
        }
        (pieces, trimmed)
    }

    /// `keyword { ... }` of what is kept.
    fn body(
        &self,
        keyword: &str,
        start: usize,
        end: usize,
        pieces: &[Piece],
        trimmed: Option<&str>,
    ) -> String {
        if trimmed.is_none() && pieces.is_empty() {
            return format!("{keyword}{{}}");
        }
        // What stands on one line stays there.
        let one_line = self.line(start) == self.line(end);
        if trimmed.is_none() && one_line {
            return self.slice(start, end).to_owned();
        }
        let mut out = format!("{keyword} {{\n");
        let first = pieces.first();
        let first = first.map(|piece| piece.doc.map_or(piece.start, |(start, _)| start));
        if first.is_some_and(|first| self.line(first) > self.line(start) + 1) {
            out.push('\n');
        }
        let last = self.pieces(pieces, &mut out);
        if let Some(what) = trimmed {
            if last.is_some_and(|last| self.line(end) > last + 1) {
                out.push('\n');
            }
            out.push_str(&format!("\t// Has unexported {what}.\n"));
        }
        out.push('}');
        out
    }

    /// Writes pieces one below the other, an empty line where there was more than the end of a line; gives the last one's line.
    fn pieces(&self, pieces: &[Piece], out: &mut String) -> Option<usize> {
        let mut last = None;
        for piece in pieces {
            let start = piece.doc.map_or(piece.start, |(start, _)| start);
            if last.is_some_and(|last| self.line(start) > last + 1) {
                out.push('\n');
            }
            if let Some((start, end)) = piece.doc {
                out.push_str(self.slice(start, end));
                out.push('\n');
            }
            let text = piece.replaced.as_deref();
            out.push_str(text.unwrap_or(self.slice(piece.start, piece.end)));
            if let Some(comment) = &piece.trailing {
                out.push(' ');
                out.push_str(comment);
            }
            out.push('\n');
            last = Some(self.line(piece.end));
        }
        last
    }

    fn value(
        &self,
        keyword: &str,
        specs: &[Spec],
        start: usize,
        end: usize,
        doc: String,
    ) -> Option<Value> {
        let line = self.one_line();
        let mut all = Vec::new();
        let mut summary = String::new();
        let mut pieces = Vec::new();
        // The type of the lines before, for those that have none of their own.
        let mut ty: Option<ExprId> = None;
        let mut shown_type = String::new();
        let (mut of, mut of_count, mut mixed, mut previous) =
            (String::new(), 0, false, String::new());
        for (index, spec) in specs.iter().enumerate() {
            let ids = self.ast.list(spec.names);
            let names: Vec<String> = ids.iter().map(|&id| self.name(id)).collect();
            let values = self.ast.list(spec.values);
            // GO: go/doc/reader.go `readValue`
            let belongs = match (spec.ty, values.is_empty()) {
                (Some(ty), _) => self.base(ty).unwrap_or_default(),
                (None, true) if keyword == "const" => previous.clone(),
                _ => String::new(),
            };
            if !belongs.is_empty() && !mixed {
                mixed = !of.is_empty() && of != belongs;
                of.clone_from(&belongs);
                of_count += 1;
            }
            previous = belongs;
            if spec.ty.is_some() {
                ty = spec.ty;
                shown_type = spec
                    .ty
                    .map_or(String::new(), |ty| format!(" {}", line.expr(ty)));
            } else if !values.is_empty() {
                shown_type.clear();
            }
            if summary.is_empty() && names.first().is_some_and(|name| self.show.name(name)) {
                let value = values.get(index).map(|&value| line.expr(value));
                let value = value.map_or(String::new(), |value| format!(" = {value}"));
                let more = if specs.len() > 1 { " ..." } else { "" };
                summary = format!("{keyword} {}{shown_type}{value}{more}", names[0]);
            }
            if self.show.source || names.iter().any(|name| self.show.name(name)) {
                let (from, to) = (spec.range.start as usize, spec.range.end as usize);
                let mut piece = self.piece(from, to);
                if let (None, true, Some(ty)) = (spec.ty, values.is_empty(), ty) {
                    piece.replaced = Some(format!("{} {}", self.slice(from, to), line.expr(ty)));
                }
                ty = None;
                pieces.push(piece);
            }
            all.extend(names);
        }
        if all.is_empty() {
            return None;
        }
        let grouped = self.slice(start, end).ends_with(')')
            && self
                .slice(start + keyword.len(), end)
                .trim_start()
                .starts_with('(');
        let mut declaration = keyword.to_owned();
        match grouped {
            true => {
                declaration.push_str(" (\n");
                self.pieces(&pieces, &mut declaration);
                declaration.push(')');
            }
            false => {
                declaration = self.slice(start, end).to_owned();
                if let Some(comment) = self.comments.behind(end) {
                    declaration.push(' ');
                    declaration.push_str(comment);
                }
            }
        }
        let often = of_count as f64 >= (specs.len() as f64 * 0.75).floor();
        let of = (!mixed && !of.is_empty() && often).then_some(of);
        Some(Value {
            names: all,
            doc,
            summary,
            declaration: tidy(&declaration),
            is_const: keyword == "const",
            of,
        })
    }
}

/// A line of `const` or `var`.
struct Spec {
    names: List<ExprId>,
    ty: Option<ExprId>,
    values: List<ExprId>,
    range: diagnostics::TextRange,
}

impl From<&ConstSpec> for Spec {
    fn from(spec: &ConstSpec) -> Spec {
        Spec {
            names: spec.names,
            ty: spec.ty,
            values: spec.values,
            range: spec.range,
        }
    }
}

impl From<&VarSpec> for Spec {
    fn from(spec: &VarSpec) -> Spec {
        Spec {
            names: spec.names,
            ty: spec.ty,
            values: spec.values,
            range: spec.range,
        }
    }
}

/// Formats a declaration of which parts were cut out.
fn tidy(declaration: &str) -> String {
    let text = format!("package p\n\n{declaration}\n");
    match format::format(&text, FileId(0), format::Options::default()) {
        Ok(text) => text
            .strip_prefix("package p\n\n")
            .unwrap_or(&text)
            .trim_end()
            .to_owned(),
        Err(_) => declaration.to_owned(),
    }
}
