//! `golite lsp`: a language server.
//!
//! 1. A thread reads messages ([`protocol`]) and hands them to the server, which answers one after the other.
//! 2. A program is checked anew when a text in it has changed and nothing more is waiting to be read: whoever types fast does not wait
//!    for what is outdated. What an editor has not written yet stands for the file ([`loader::Edits`]).
//! 3. Questions are answered from the checked program ([`analysis`]): names are found by their places, and what they mean is what
//!    the checker says. While one types the text is rarely whole; for completion and signatures it is checked with a name put in
//!    where the cursor stands.
//!
//! A file is checked with the package in its folder and the tests of that, unless it is a script, or one of several programs in one
//! folder: then alone. What is asked of all uses of a name looks at the other packages of the module, too, each as it is checked by itself:
//! what is declared at one place is the same.
//!
//! Rejected: lsp-types and lsp-server (types for all of the protocol, of which a dozen messages are used, and a framing of thirty
//! lines).

mod analysis;
mod completion;
mod protocol;
mod texts;

use super::module_cache;
use analysis::{Analysis, Entity};
use checker::Options;
use diagnostics::{Code, Diagnostic, FileId, TextRange};
use golite::loader::tests::{self, TestInput};
use golite::loader::{Edits, Input, Sources, has_sources};
use golite::packages::HostPackages;
use golite::pipeline;
use protocol::Message;
use rustc_hash::FxHashMap;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use texts::{offset_at, path_of, position_at, uri_of};

/// Serves until the editor says `exit` or goes away. Packages of a host are those that `stubs` has.
pub fn lsp(stubs: Option<&'static str>) -> ExitCode {
    let stubs = stubs.map(Path::new);
    if let Some(Err(error)) = stubs.map(HostPackages::read) {
        eprintln!(
            "golite: lsp: {}: {error}",
            stubs.unwrap_or(Path::new("")).display()
        );
        return ExitCode::FAILURE;
    }
    let (sender, messages) = mpsc::channel();
    let reading = std::thread::Builder::new()
        .name("golite-lsp".to_owned())
        .spawn(move || protocol::read_all(&sender));
    if let Err(error) = reading {
        eprintln!("golite: lsp: {error}");
        return ExitCode::FAILURE;
    }
    let mut server = Server {
        edits: Edits::default(),
        changed: Vec::new(),
        published: FxHashMap::default(),
        cache: module_cache(),
        stubs,
        analysis: None,
        ends_well: false,
    };
    loop {
        let message = match messages.try_recv() {
            Ok(message) => message,
            Err(mpsc::TryRecvError::Empty) => {
                server.publish_changed();
                match messages.recv() {
                    Ok(message) => message,
                    Err(_) => break,
                }
            }
            Err(mpsc::TryRecvError::Disconnected) => break,
        };
        if message.method == "exit" {
            break;
        }
        server.handle(message);
    }
    match server.ends_well {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

struct Server {
    /// Texts of open files.
    edits: Edits,
    /// Files whose programs are to be checked.
    changed: Vec<PathBuf>,
    /// By the file whose program was checked: the files that errors were shown for.
    published: FxHashMap<PathBuf, Vec<PathBuf>>,
    cache: Option<PathBuf>,
    /// The folder with the declarations of a host's packages. It is read for each program: hosts write it anew.
    stubs: Option<&'static Path>,
    /// The program checked last, and the file that it was checked for.
    analysis: Option<(PathBuf, Analysis)>,
    ends_well: bool,
}

impl Server {
    fn handle(&mut self, message: Message) {
        let params = &message.params;
        match message.method.as_str() {
            "textDocument/didOpen" => {
                if let Some(path) = document(params) {
                    let text = params["textDocument"]["text"].as_str().unwrap_or("");
                    self.edit(path, text.to_owned());
                }
            }
            "textDocument/didChange" => {
                if let Some(path) = document(params) {
                    let mut text = self.edits.get(&path).cloned().unwrap_or_default();
                    for change in params["contentChanges"].as_array().into_iter().flatten() {
                        apply(&mut text, change);
                    }
                    self.edit(path, text);
                }
            }
            "textDocument/didClose" => {
                if let Some(path) = document(params) {
                    self.edits.remove(&path);
                    self.analysis = None;
                }
            }
            "textDocument/didSave" => self.changed.extend(document(params)),
            _ => {
                let Some(id) = message.id else { return };
                match self.answer(&message.method, params) {
                    Ok(result) => {
                        protocol::write(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
                    }
                    Err((code, text)) => protocol::write(
                        &json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": text}}),
                    ),
                }
            }
        }
    }

    fn edit(&mut self, path: PathBuf, text: String) {
        self.edits.insert(path.clone(), text);
        self.analysis = None;
        if !self.changed.contains(&path) {
            self.changed.push(path);
        }
    }

    fn answer(&mut self, method: &str, params: &Value) -> Result<Value, (i32, String)> {
        Ok(match method {
            "initialize" => capabilities(),
            "shutdown" => {
                self.ends_well = true;
                Value::Null
            }
            "textDocument/hover" => self.at(params, |analysis, entity, range| {
                let text = analysis.hover(entity)?;
                let file = analysis.text_of(range.file);
                Some(json!({
                    "contents": {"kind": "markdown", "value": text},
                    "range": shown_range(file, range),
                }))
            }),
            "textDocument/definition" => self.at(params, |analysis, entity, _| {
                analysis
                    .definition(entity)
                    .map(|place| analysis.location(place))
            }),
            "textDocument/references" => match self.everywhere(params, |_, _| true) {
                Some(places) => places.into_iter().map(|place| place.location()).collect(),
                None => Value::Null,
            },
            "textDocument/prepareRename" => self.at(params, |analysis, entity, range| {
                analysis
                    .is_own(entity)
                    .then(|| shown_range(analysis.text_of(range.file), range))
            }),
            "textDocument/rename" => self.rename(params)?,
            "textDocument/completion" => completion::complete(self, params),
            "textDocument/signatureHelp" => completion::signature(self, params),
            "textDocument/formatting" => self.format(params),
            "textDocument/documentSymbol" => self.symbols(params),
            "textDocument/codeAction" => self.organise(params),
            _ => return Err((-32601, format!("golite does not know {method}"))),
        })
    }

    /// The program that a file belongs to, checked; with `instead` in its place.
    fn analyse(&self, path: &Path, instead: Option<String>) -> Analysis {
        let mut edits = Edits::default();
        let edits = match instead {
            Some(text) => {
                edits.clone_from(&self.edits);
                edits.insert(path.to_owned(), text);
                &edits
            }
            None => &self.edits,
        };
        self.analyse_input(&program_of(path, edits), edits)
    }

    fn analyse_input(&self, input: &Input, edits: &Edits) -> Analysis {
        let options = Options {
            reachable_bodies: false,
            is_program: false,
            ..Options::default()
        };
        // A folder that cannot be read just now is one without packages: their imports are errors that say so.
        let host = self
            .stubs
            .and_then(|folder| HostPackages::read(folder).ok());
        let sources = Sources {
            module_cache: self.cache.as_deref(),
            host: host.as_ref(),
            edits: Some(edits),
            ..Sources::default()
        };
        Analysis::new(pipeline::check_whole_from(input, sources, &options))
    }

    fn current(&mut self, path: &Path) -> &Analysis {
        let is_current = matches!(&self.analysis, Some((of, _)) if of == path);
        if !is_current {
            self.analysis = None;
        }
        let analysis = match self.analysis.take() {
            Some((_, analysis)) => analysis,
            None => self.analyse(path, None),
        };
        &self.analysis.insert((path.to_owned(), analysis)).1
    }

    /// Asks about the name at the place that a request names.
    fn at(
        &mut self,
        params: &Value,
        answer: impl FnOnce(&Analysis, Entity, TextRange) -> Option<Value>,
    ) -> Value {
        let Some(path) = document(params) else {
            return Value::Null;
        };
        let analysis = self.current(&path);
        let found = analysis.file(&path).and_then(|file| {
            let offset = offset_at(analysis.text_of(file), &params["position"]);
            analysis.entity_at(file, offset)
        });
        found
            .and_then(|(entity, range)| answer(analysis, entity, range))
            .unwrap_or(Value::Null)
    }

    fn rename(&mut self, params: &Value) -> Result<Value, (i32, String)> {
        let name = params["newName"].as_str().unwrap_or("").to_owned();
        let lexed = lexer::lex(&name);
        let is_name = lexed.errors.is_empty()
            && name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || c == '_')
            && !lexer::TokenKind::keywords().any(|keyword| keyword == name);
        if !is_name {
            return Err((-32602, format!("{name:?} is no name")));
        }
        let Some(places) = self.everywhere(params, Analysis::is_own) else {
            return Err((-32602, "there is nothing to rename here".to_owned()));
        };
        let mut changes = serde_json::Map::new();
        for place in places {
            let edits = changes
                .entry(uri_of(&place.path))
                .or_insert_with(|| json!([]));
            if let Some(edits) = edits.as_array_mut() {
                edits.push(json!({"range": place.range, "newText": name}));
            }
        }
        Ok(json!({ "changes": changes }))
    }

    /// All places of the module where what stands at the place of a request is named; `None` if nothing does that is wanted.
    fn everywhere(
        &mut self,
        params: &Value,
        is_wanted: impl FnOnce(&Analysis, Entity) -> bool,
    ) -> Option<Vec<Place>> {
        let path = document(params)?;
        let analysis = self.current(&path);
        let file = analysis.file(&path)?;
        let offset = offset_at(analysis.text_of(file), &params["position"]);
        let (entity, _) = analysis.entity_at(file, offset)?;
        if !is_wanted(analysis, entity) {
            return None;
        }
        let mut places = places(analysis, entity);
        // Of what is declared in a function nobody else knows.
        let declared = analysis
            .definition(entity)
            .filter(|_| analysis.is_own(entity) && !analysis.is_local(entity));
        if let Some(declared) = declared {
            let (at, of) = (declared.start as usize, analysis.path_of(declared.file));
            for folder in other_packages(&path) {
                let analysis = self.analyse_input(&package_in(&folder), &self.edits);
                let found = analysis
                    .file(&of)
                    .and_then(|file| analysis.entity_at(file, at));
                if let Some((entity, _)) = found {
                    places.extend(self::places(&analysis, entity));
                }
            }
        }
        places.sort_by(|a, b| (&a.path, a.start).cmp(&(&b.path, b.start)));
        places.dedup_by(|a, b| a.path == b.path && a.start == b.start);
        Some(places)
    }

    fn text(&self, path: &Path) -> String {
        match self.edits.get(path) {
            Some(text) => text.clone(),
            None => std::fs::read_to_string(path).unwrap_or_default(),
        }
    }

    fn format(&self, params: &Value) -> Value {
        let Some(path) = document(params) else {
            return Value::Null;
        };
        let text = self.text(&path);
        match format::format(&text, FileId(0), format::Options::default()) {
            Ok(formatted) if formatted != text => json!([whole(&text, &formatted)]),
            Ok(_) => json!([]),
            Err(_) => Value::Null,
        }
    }

    fn symbols(&mut self, params: &Value) -> Value {
        let Some(path) = document(params) else {
            return Value::Null;
        };
        let analysis = self.current(&path);
        match analysis.file(&path) {
            Some(file) => analysis.symbols(file),
            None => json!([]),
        }
    }

    /// Imports that are missing are added, those that are not used go, and all are sorted.
    fn organise(&mut self, params: &Value) -> Value {
        let wanted = params["context"]["only"].as_array();
        let is_wanted = wanted.is_none_or(|kinds| {
            let mut kinds = kinds.iter().filter_map(Value::as_str);
            kinds.any(|kind| "source.organizeImports".starts_with(kind))
        });
        let Some(path) = document(params).filter(|_| is_wanted) else {
            return json!([]);
        };
        let text = self.text(&path);
        let analysis = self.current(&path);
        let Some(organised) = analysis
            .file(&path)
            .and_then(|file| analysis.organised_imports(file, &text))
            .filter(|organised| *organised != text)
        else {
            return json!([]);
        };
        json!([{
            "title": "Organise imports",
            "kind": "source.organizeImports",
            "edit": {"changes": {uri_of(&path): [whole(&text, &organised)]}},
        }])
    }

    /// Shows the errors of all programs whose texts have changed.
    fn publish_changed(&mut self) {
        for path in std::mem::take(&mut self.changed) {
            let analysis = self.analyse(&path, None);
            let mut files: FxHashMap<PathBuf, Vec<Value>> = FxHashMap::default();
            files.insert(path.clone(), Vec::new());
            for diagnostic in analysis.checked.diagnostics.iter() {
                let place = analysis.path_of(diagnostic.range.file);
                let shown = shown_diagnostic(&analysis, diagnostic);
                files.entry(place).or_default().push(shown);
            }
            for failure in &analysis.checked.failures {
                let start = json!({"line": 0, "character": 0});
                files.entry(path.clone()).or_default().push(json!({
                    "range": {"start": start, "end": start},
                    "severity": 1,
                    "source": "golite",
                    "message": failure,
                }));
            }
            // What was shown before and is mended.
            for old in self.published.remove(&path).into_iter().flatten() {
                files.entry(old).or_default();
            }
            let with_errors = files.iter().filter(|(_, list)| !list.is_empty());
            let with_errors = with_errors.map(|(path, _)| path.clone()).collect();
            for (file, list) in files {
                publish(&file, list);
            }
            self.published.insert(path.clone(), with_errors);
            self.analysis = Some((path, analysis));
        }
    }
}

fn publish(path: &Path, diagnostics: Vec<Value>) {
    protocol::write(&json!({
        "jsonrpc": "2.0",
        "method": "textDocument/publishDiagnostics",
        "params": {"uri": uri_of(path), "diagnostics": diagnostics},
    }));
}

fn capabilities() -> Value {
    json!({
        "capabilities": {
            "positionEncoding": "utf-16",
            "textDocumentSync": {"openClose": true, "change": 2, "save": true},
            "hoverProvider": true,
            "definitionProvider": true,
            "referencesProvider": true,
            "renameProvider": {"prepareProvider": true},
            "completionProvider": {"triggerCharacters": ["."]},
            "signatureHelpProvider": {"triggerCharacters": ["(", ","]},
            "documentFormattingProvider": true,
            "documentSymbolProvider": true,
            "codeActionProvider": {"codeActionKinds": ["source.organizeImports"]},
        },
        "serverInfo": {"name": "golite", "version": env!("CARGO_PKG_VERSION")},
    })
}

/// The file that a request is about.
fn document(params: &Value) -> Option<PathBuf> {
    path_of(params["textDocument"]["uri"].as_str()?)
}

fn is_test(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.ends_with("_test")
}

/// With which files a file is checked.
fn program_of(path: &Path, edits: &Edits) -> Input {
    let name = path.display().to_string();
    let alone = Input::Files(vec![name]);
    let text_of = |path: &Path| match edits.get(path) {
        Some(text) => Some(text.clone()),
        None => std::fs::read_to_string(path).ok(),
    };
    let Some(text) = text_of(path) else {
        return alone;
    };
    let Some(folder) = path.parent().filter(|folder| has_sources(folder)) else {
        return alone;
    };
    if parser::is_script(&text) {
        return alone;
    }
    let has_main = |text: &str| text.starts_with("func main(") || text.contains("\nfunc main(");
    let programs = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "gl" || e == "go"))
        .filter(|path| !is_test(path))
        .filter_map(|path| text_of(&path));
    let mut others = programs.map(|text| has_main(&text) || parser::is_script(&text));
    match has_main(&text) && others.by_ref().filter(|is_program| *is_program).count() > 1 {
        true => alone,
        false => with_tests(folder, edits),
    }
}

/// The package in a folder, with its tests if it has some.
fn package_in(folder: &Path) -> Input {
    with_tests(folder, &Edits::default())
}

fn with_tests(folder: &Path, edits: &Edits) -> Input {
    let mut unwritten = edits.keys().filter(|path| path.parent() == Some(folder));
    if tests::has_tests(folder).is_ok_and(|has_tests| has_tests)
        || unwritten.any(|path| is_test(path))
    {
        return Input::Tests(TestInput {
            folder: folder.to_owned(),
            ..TestInput::default()
        });
    }
    Input::Folder(folder.display().to_string())
}

/// Where something is named.
struct Place {
    path: PathBuf,
    start: u32,
    range: Value,
}

impl Place {
    fn location(&self) -> Value {
        json!({"uri": uri_of(&self.path), "range": self.range})
    }
}

fn places(analysis: &Analysis, entity: Entity) -> Vec<Place> {
    let references = analysis.references(entity).into_iter();
    let places = references.map(|place| Place {
        path: analysis.path_of(place.file),
        start: place.start,
        range: shown_range(analysis.text_of(place.file), place),
    });
    places.collect()
}

/// The folders with packages of the module that a file belongs to, but its own.
fn other_packages(path: &Path) -> Vec<PathBuf> {
    /// Who has more waits too long for an answer, and gets that of the package alone.
    const MOST: usize = 300;
    let own = path.parent();
    let root = path
        .ancestors()
        .skip(1)
        .find(|folder| folder.join("go.mod").is_file());
    let mut folders: Vec<PathBuf> = root
        .map(super::vet::below)
        .unwrap_or_default()
        .into_iter()
        .map(PathBuf::from)
        .filter(|folder| Some(folder.as_path()) != own)
        .collect();
    if folders.len() > MOST {
        folders.clear();
    }
    folders
}

/// A change of a part of a text, or the whole text.
fn apply(text: &mut String, change: &Value) {
    let new = change["text"].as_str().unwrap_or("");
    let range = &change["range"];
    if range.is_null() {
        new.clone_into(text);
        return;
    }
    let start = offset_at(text, &range["start"]);
    let end = offset_at(text, &range["end"]).max(start);
    text.replace_range(start..end, new);
}

fn shown_range(text: &str, range: TextRange) -> Value {
    json!({
        "start": position_at(text, range.start as usize),
        "end": position_at(text, range.end as usize),
    })
}

/// An edit that replaces a whole text.
fn whole(text: &str, new: &str) -> Value {
    json!({
        "range": {"start": {"line": 0, "character": 0}, "end": position_at(text, text.len())},
        "newText": new,
    })
}

fn shown_diagnostic(analysis: &Analysis, diagnostic: &Diagnostic) -> Value {
    let mut message = diagnostic.message.clone();
    if let Some(help) = &diagnostic.help {
        message.push('\n');
        message.push_str(help);
    }
    let related: Vec<Value> = diagnostic
        .labels
        .iter()
        .map(|label| json!({"location": analysis.location(label.range), "message": label.message}))
        .collect();
    let is_unused = matches!(diagnostic.code, Code::UnusedImport | Code::UnusedVariable);
    json!({
        "range": shown_range(analysis.text_of(diagnostic.range.file), diagnostic.range),
        "severity": if diagnostic.is_warning { 2 } else { 1 },
        "code": diagnostic.code.as_str(),
        "source": "golite",
        "message": message,
        "relatedInformation": related,
        "tags": if is_unused { vec![1] } else { Vec::new() },
    })
}
