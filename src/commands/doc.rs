//! `golite doc`: the documentation of a package, or of what it declares, laid out as `go doc` does.
//!
//! GO: cmd/go/internal/doc/pkg.go

use super::{module_cache, print};
use golite::documentation::{Function, Package, Show, Type, Value};
use golite::loader::{self, module::Module};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use stdlib::outline;

/// What is shown, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// Everything, with its documentation.
    pub all: bool,
    /// A line for each.
    pub short: bool,
    /// The source itself.
    pub source: bool,
    /// Also what is not exported.
    pub unexported: bool,
    /// Names are as they are written.
    pub case: bool,
}

const INDENT: &str = "    ";

/// Shows what the words name.
pub fn doc(words: &[String], mode: Mode) -> ExitCode {
    match show(words, mode) {
        Ok(text) => print(&text),
        Err(error) => {
            eprintln!("golite: doc: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Where a package's files are.
enum Place {
    Standard(String),
    /// A folder and its import path.
    Folder(PathBuf, String),
}

impl Place {
    fn read(&self, show: Show) -> Result<Package, String> {
        match self {
            Place::Standard(path) => {
                let files = outline::files(path).into_iter();
                let files: Vec<(String, String)> = files
                    .map(|(name, text)| (name.to_owned(), text.to_owned()))
                    .collect();
                Ok(Package::read(path, &files, show))
            }
            Place::Folder(folder, path) => {
                let files = loader::sources_in(folder)?;
                Ok(Package::read(path, &files, show))
            }
        }
    }
}

fn show(words: &[String], mode: Mode) -> Result<String, String> {
    let show = Show {
        unexported: mode.unexported,
        source: mode.source,
    };
    let page = |package: &Package, symbol: &str| -> Option<String> {
        let mut page = Page {
            package,
            mode,
            show,
            out: String::new(),
        };
        page.write(symbol).then_some(page.out)
    };
    // Every way to cut the words into a package and a name in it, the likeliest first.
    let mut tries: Vec<(Vec<Place>, String)> = Vec::new();
    match words {
        [] => tries.push((here().into_iter().collect(), String::new())),
        [package, symbol, ..] => {
            let places = places(package);
            if places.is_empty() {
                return Err(format!("no such package: {package}"));
            }
            tries.push((places, symbol.clone()));
        }
        [word] => {
            let capital = word.chars().next().is_some_and(char::is_uppercase);
            if !capital {
                tries.push((places(word), String::new()));
            }
            let last = word.rfind('/').map_or(0, |at| at + 1);
            for (dot, _) in word[last..].match_indices('.') {
                let (package, symbol) = word.split_at(last + dot);
                tries.push((places(package), symbol[1..].to_owned()));
            }
            tries.push((here().into_iter().collect(), word.clone()));
        }
    }
    let mut found: Option<(String, String)> = None;
    for (places, symbol) in &tries {
        for place in places {
            let package = match place.read(show) {
                Ok(package) => package,
                Err(error) => {
                    found.get_or_insert((error, String::new()));
                    continue;
                }
            };
            if let Some(text) = page(&package, symbol) {
                return Ok(text);
            }
            if found.as_ref().is_none_or(|(_, symbol)| symbol.is_empty()) {
                found = Some((package.path, symbol.clone()));
            }
        }
    }
    Err(match (found, words) {
        (Some((error, symbol)), _) if symbol.is_empty() => error,
        (Some((package, symbol)), _) => format!("no symbol {symbol} in package {package}"),
        (None, [word, ..]) => format!("no such package: {word}"),
        (None, []) => "no package here; name one (golite doc strings)".to_owned(),
    })
}

/// The package in the current folder.
fn here() -> Option<Place> {
    in_folder(Path::new("."))
}

fn in_folder(folder: &Path) -> Option<Place> {
    let folder = folder.canonicalize().ok()?;
    if !folder.is_dir() || !loader::has_sources(&folder) {
        return None;
    }
    let path = match Module::containing(&folder, module_cache().as_deref()) {
        Some(module) => loader::own_path(&module, &folder),
        None => folder.file_name()?.to_string_lossy().into_owned(),
    };
    Some(Place::Folder(folder, path))
}

/// The packages that a word may mean.
fn places(word: &str) -> Vec<Place> {
    let is_folder = word.starts_with('.') || word.starts_with('/');
    if is_folder {
        return in_folder(Path::new(word)).into_iter().collect();
    }
    if outline::is_standard(word) {
        return vec![Place::Standard(word.to_owned())];
    }
    let mut places = Vec::new();
    if let Some(module) = std::env::current_dir()
        .ok()
        .and_then(|folder| Module::containing(&folder, module_cache().as_deref()))
    {
        let folder = module.own_folder(word).filter(|folder| folder.is_dir());
        let folder = folder.or_else(|| module.required_folder(word));
        places.extend(folder.map(|folder| Place::Folder(folder, word.to_owned())));
    }
    let ending = format!("/{word}");
    let mut standard: Vec<&str> = outline::packages()
        .into_iter()
        .filter(|path| path.ends_with(&ending) && !path.split('/').any(|p| p == "internal"))
        .collect();
    standard.sort_by_key(|path| path.matches('/').count());
    places.extend(
        standard
            .into_iter()
            .map(|path| Place::Standard(path.to_owned())),
    );
    places.extend(in_folder(Path::new(word)));
    places
}

/// What is written of a package.
struct Page<'a> {
    package: &'a Package,
    mode: Mode,
    show: Show,
    out: String,
}

impl Page<'_> {
    /// Writes of the package, or of a name in it; has it been found?
    fn write(&mut self, symbol: &str) -> bool {
        if symbol.is_empty() {
            self.clause();
            self.of_package();
            return true;
        }
        let found = match symbol.split_once('.') {
            Some((ty, member)) => self.member(ty, member),
            None => self.symbol(symbol) || self.method("", symbol),
        };
        if found && !self.mode.short {
            let text = std::mem::take(&mut self.out);
            self.clause();
            self.out.push_str(&text);
        }
        found
    }

    fn clause(&mut self) {
        if !self.mode.short {
            let Package { name, path, .. } = self.package;
            self.out
                .push_str(&format!("package {name} // import {path:?}\n\n"));
        }
    }

    /// Is the name of the program the one that was asked for? Small letters match capitals.
    fn matches(&self, asked: &str, name: &str) -> bool {
        if !self.show.name(name) {
            return false;
        }
        if self.mode.case {
            return asked == name;
        }
        let (mut asked, mut name) = (asked.chars(), name.chars());
        loop {
            match (asked.next(), name.next()) {
                (None, None) => return true,
                (Some(a), Some(n)) if a == n => {}
                (Some(a), Some(n)) if a.is_lowercase() && n.to_lowercase().eq([a]) => {}
                _ => return false,
            }
        }
    }

    fn lines(&mut self, count: usize) {
        let wanted = "\n".repeat(count);
        while !self.out.is_empty() && !self.out.ends_with(&wanted) {
            self.out.push('\n');
        }
    }

    fn text(&mut self, comment: &str, prefix: &str, code: &str) {
        let package = self.package;
        let is_link = |name: &str| {
            let name = name.strip_prefix('*').unwrap_or(name);
            if package.declares(name) {
                return true;
            }
            let (path, symbol) = match name.rfind('/') {
                Some(slash) => match name[slash..].find('.') {
                    Some(dot) => (&name[..slash + dot], &name[slash + dot + 1..]),
                    None => (name, ""),
                },
                None => name.split_once('.').unwrap_or((name, "")),
            };
            let known = outline::is_standard(path)
                || package
                    .imports
                    .iter()
                    .any(|import| import == path || import.rsplit('/').next() == Some(path));
            known && (symbol.is_empty() || symbol.starts_with(char::is_uppercase))
        };
        self.out
            .push_str(&format::doc_text(comment, prefix, code, &is_link));
    }

    /// A declaration and what stands above it.
    fn emit(&mut self, doc: &str, declaration: &str) {
        self.out.push_str(declaration);
        self.lines(1);
        if !doc.is_empty() && !self.mode.source {
            self.text(doc, INDENT, &INDENT.repeat(2));
            self.lines(2);
        }
    }

    fn summary(&mut self, indent: &str, line: &str) {
        if !line.is_empty() {
            self.out.push_str(&format!("{indent}{line}\n"));
        }
    }

    fn functions(&mut self, indent: &str, functions: &[Function]) {
        for function in functions {
            if self.show.name(&function.name) {
                self.summary(indent, &function.summary);
            }
        }
    }

    fn of_package(&mut self) {
        let package = self.package;
        if self.mode.all || !self.mode.short {
            self.text(&package.doc, "", INDENT);
            self.lines(1);
        }
        if self.mode.all {
            self.everything();
        } else if package.name != "main" || self.mode.unexported {
            if !self.mode.short {
                self.lines(2);
            }
            for value in package.constants.iter().chain(&package.variables) {
                self.summary("", &value.summary);
            }
            self.functions("", &package.functions);
            for ty in &package.types {
                if !self.show.name(&ty.name) {
                    continue;
                }
                self.summary("", &ty.summary);
                for value in ty.constants.iter().chain(&ty.variables) {
                    self.summary(INDENT, &value.summary);
                }
                self.functions(INDENT, &ty.makers);
            }
        }
        if !self.mode.short && !package.bugs.is_empty() {
            self.out.push('\n');
            for bug in &package.bugs {
                self.out.push_str(&format!("BUG: {bug}\n"));
            }
        }
    }

    fn everything(&mut self) {
        let package = self.package;
        let shown = |value: &&Value, show: Show| value.names.iter().any(|name| show.name(name));
        for (header, values) in [
            ("CONSTANTS", &package.constants),
            ("VARIABLES", &package.variables),
        ] {
            let values: Vec<&Value> = values.iter().filter(|v| shown(v, self.show)).collect();
            self.header(header, !values.is_empty());
            for value in values {
                self.value(value);
            }
        }
        let functions: Vec<&Function> = package
            .functions
            .iter()
            .filter(|function| self.show.name(&function.name))
            .collect();
        self.header("FUNCTIONS", !functions.is_empty());
        for function in functions {
            self.emit(&function.doc, &function.declaration);
        }
        let types: Vec<&Type> = package
            .types
            .iter()
            .filter(|ty| self.show.name(&ty.name))
            .collect();
        self.header("TYPES", !types.is_empty());
        for ty in types {
            self.ty(ty);
        }
    }

    fn header(&mut self, header: &str, wanted: bool) {
        if wanted {
            self.out.push_str(&format!("\n{header}\n\n"));
        }
    }

    fn value(&mut self, value: &Value) {
        match self.mode.short {
            true => self.summary("", &value.summary),
            false => self.emit(&value.doc, &value.declaration),
        }
    }

    fn ty(&mut self, ty: &Type) {
        if self.mode.short {
            self.summary("", &ty.summary);
            return;
        }
        self.emit(&ty.doc, &ty.declaration);
        self.lines(2);
        if self.mode.all {
            for value in ty.constants.iter().chain(&ty.variables) {
                if value.names.iter().any(|name| self.show.name(name)) {
                    self.value(value);
                }
            }
            for function in ty.makers.iter().chain(&ty.methods) {
                if self.show.name(&function.name) {
                    self.emit(&function.doc, &function.declaration);
                    if function.doc.is_empty() {
                        self.lines(2);
                    }
                }
            }
            return;
        }
        for value in ty.constants.iter().chain(&ty.variables) {
            self.summary("", &value.summary);
        }
        self.functions("", &ty.makers);
        self.functions("", &ty.methods);
    }

    /// A function, value or type.
    fn symbol(&mut self, symbol: &str) -> bool {
        let package = self.package;
        let mut found = false;
        let makers = package.types.iter().flat_map(|ty| &ty.makers);
        for function in package.functions.iter().chain(makers) {
            if self.matches(symbol, &function.name) {
                found = true;
                match self.mode.short {
                    true => self.summary("", &function.summary),
                    false => self.emit(&function.doc, &function.declaration),
                }
            }
        }
        let in_types = |of: fn(&Type) -> &Vec<Value>| package.types.iter().flat_map(of);
        let constants = package.constants.iter().chain(in_types(|ty| &ty.constants));
        let variables = package.variables.iter().chain(in_types(|ty| &ty.variables));
        for value in constants.chain(variables) {
            if value.names.iter().any(|name| self.matches(symbol, name)) {
                found = true;
                self.value(value);
            }
        }
        for ty in &package.types {
            if self.matches(symbol, &ty.name) {
                found = true;
                self.ty(ty);
            }
        }
        found
    }

    fn member(&mut self, ty: &str, member: &str) -> bool {
        self.method(ty, member) || self.field(ty, member)
    }

    /// Methods of a type, or of any.
    fn method(&mut self, ty: &str, method: &str) -> bool {
        let package = self.package;
        let mut found = false;
        for of in &package.types {
            if !ty.is_empty() && !self.matches(ty, &of.name)
                || ty.is_empty() && !self.show.name(&of.name)
            {
                continue;
            }
            for function in &of.methods {
                if self.matches(method, &function.name) {
                    found = true;
                    self.emit(&function.doc, &function.declaration);
                }
            }
            if !of.methods.is_empty() || ty.is_empty() {
                continue;
            }
            let methods: Vec<&str> = of
                .interface_methods
                .iter()
                .filter(|(name, _)| self.matches(method, name))
                .map(|(_, text)| text.as_str())
                .collect();
            if !methods.is_empty() {
                found = true;
                let text = format!(
                    "type {} interface {{\n{}\n}}\n",
                    of.name,
                    methods.join("\n")
                );
                self.out.push_str(&text);
            }
        }
        found
    }

    fn field(&mut self, ty: &str, field: &str) -> bool {
        let package = self.package;
        let mut found = false;
        for of in &package.types {
            if !self.matches(ty, &of.name) {
                continue;
            }
            let named = of
                .fields
                .iter()
                .filter(|(name, _)| self.matches(field, name));
            let texts: Vec<&str> = named.map(|(_, text)| text.as_str()).collect();
            if texts.is_empty() {
                continue;
            }
            found = true;
            let others = of.fields.len() > texts.len();
            for (index, text) in texts.iter().enumerate() {
                let head = text.find('\n').map_or(0, |at| at + 1);
                self.out
                    .push_str(if index == 0 { text } else { &text[head..] });
            }
            if others {
                self.out.push_str("\n    // ... other fields elided ...\n");
            }
            self.out.push_str("}\n");
        }
        found
    }
}
