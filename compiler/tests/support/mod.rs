//! Text to bytecode, with the standard packages read from their folder.

use std::fs;
use std::path::{Path, PathBuf};

use bytecode::Program;
use checker::importer::{Importer, PackageSource, SourceText};
use checker::{Options, check_program};
use diagnostics::SourceMap;
use parser::ast::{Ast, Interner};

/// Reads packages from `stdlib/src`.
pub struct Folders;

impl Importer for Folders {
    fn source(&mut self, path: &str) -> Option<PackageSource> {
        let folder = root().join("stdlib/src").join(path);
        let mut names: Vec<PathBuf> = fs::read_dir(folder)
            .ok()?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        names.retain(|name| name.extension().is_some_and(|extension| extension == "gl"));
        names.sort();
        let files: Vec<SourceText> = names
            .iter()
            .filter_map(|name| {
                Some(SourceText {
                    name: name.file_name()?.to_str()?.to_owned(),
                    text: fs::read_to_string(name).ok()?,
                })
            })
            .collect();
        (!files.is_empty()).then_some(PackageSource {
            files,
            standard: true,
        })
    }
}

/// The workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Compiles a program's text; what is wrong with the text becomes the error.
pub fn compile(name: &str, text: &str) -> Result<Program, String> {
    let mut sources = SourceMap::new();
    let (mut ast, mut names) = (Ast::new(), Interner::new());
    let id = sources.add(name, text).map_err(|error| error.to_string())?;
    let (file, diagnostics) = parser::parse_file(&mut ast, &mut names, id, text);
    let show = |diagnostics: &diagnostics::Diagnostics, sources: &SourceMap| {
        let lines: Vec<String> = diagnostics
            .iter()
            .take(5)
            .map(|d| format!("{}: {}", sources.position(d.range), d.message))
            .collect();
        lines.join("\n")
    };
    if !diagnostics.is_empty() {
        return Err(show(&diagnostics, &sources));
    }
    let machine = vec![
        "errorString",
        "boundsError",
        "plainError",
        "TypeAssertionError",
        "PanicNilError",
        "panicText",
    ];
    let options = Options {
        roots: vec![("runtime", machine)],
        ..Options::default()
    };
    let (typed, diagnostics) = check_program(
        &mut ast,
        &mut names,
        &mut sources,
        vec![file],
        &mut Folders,
        &options,
    );
    if !diagnostics.is_empty() {
        return Err(show(&diagnostics, &sources));
    }
    golite_compiler::compile(&typed, &ast, &names).map_err(|error| error.message)
}

/// The listings of the functions of package main.
pub fn listing(program: &Program) -> String {
    let own = program
        .functions
        .iter()
        .filter(|function| function.name.starts_with("main."));
    let mut functions: Vec<_> = own
        .filter(|function| !function.name.starts_with("main.init"))
        .collect();
    functions.sort_by(|a, b| a.name.cmp(&b.name));
    let texts: Vec<String> = functions
        .iter()
        .map(|function| bytecode::disassemble::function(program, function))
        .collect();
    texts.join("\n")
}
