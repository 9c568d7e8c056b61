//! Checks Go files as one package and prints what is wrong: `check FILE...`. Types are checked even if the syntax is wrong, as the
//! tests of Go's own type checker have it.
//!
//! Imports are looked for as `.gl` files in the folders of the standard library given by `--std DIR`. With `--standard` the files
//! are those of a standard package, which is checked whole.

use std::path::PathBuf;

use diagnostics::{Diagnostics, SourceMap};
use golite_checker::{Importer, Options, PackageSource, SourceText, check_program};
use parser::ast::{Ast, Interner};

struct Folder(Option<PathBuf>);

impl Importer for Folder {
    fn source(&mut self, path: &str) -> Option<PackageSource> {
        let folder = self.0.as_ref()?.join(path);
        let mut names: Vec<PathBuf> = std::fs::read_dir(folder)
            .ok()?
            .flatten()
            .map(|entry| entry.path())
            .collect();
        names.retain(|name| name.extension().is_some_and(|extension| extension == "gl"));
        names.sort();
        let mut files = Vec::new();
        for name in names {
            files.push(SourceText {
                name: name.display().to_string(),
                text: std::fs::read_to_string(&name).ok()?,
            });
        }
        (!files.is_empty()).then_some(PackageSource {
            files,
            standard: true,
        })
    }
}

fn main() {
    let mut std = None;
    let mut args = std::env::args().skip(1);
    let mut files = Vec::new();
    let (mut ast, mut names, mut sources) = (Ast::new(), Interner::new(), SourceMap::new());
    let mut found = Diagnostics::default();
    let mut statistics = false;
    let mut options = Options {
        is_program: false,
        reachable_bodies: false,
        ..Options::default()
    };
    while let Some(arg) = args.next() {
        if arg == "--std" {
            std = args.next().map(PathBuf::from);
            continue;
        }
        if arg == "--standard" {
            options = Options {
                standard: true,
                is_program: false,
                ..Options::default()
            };
            continue;
        }
        if arg == "--statistics" {
            statistics = true;
            continue;
        }
        let text = match std::fs::read_to_string(&arg) {
            Ok(text) => text,
            Err(error) => {
                eprintln!("{arg}: {error}");
                std::process::exit(2);
            }
        };
        let Ok(id) = sources.add(arg, text) else {
            std::process::exit(2)
        };
        let (file, diagnostics) = parser::parse_file(&mut ast, &mut names, id, sources.text(id));
        found.append(diagnostics);
        files.push(file);
    }
    let start = std::time::Instant::now();
    let (program, diagnostics) = check_program(
        &mut ast,
        &mut names,
        &mut sources,
        files,
        &mut Folder(std),
        &options,
    );
    found.append(diagnostics);
    found.sort_as_go(&sources);
    for diagnostic in &found {
        println!(
            "{}: {}",
            sources.position(diagnostic.range),
            diagnostic.message
        );
    }
    if statistics {
        eprintln!(
            "{:?}: {} expressions, {} types, {} objects, {} of {} functions reachable",
            start.elapsed(),
            ast.expr_count(),
            program.types.len(),
            program.objects.len(),
            program.reachable.len(),
            program.functions.len()
        );
    }
    std::process::exit(i32::from(!found.is_empty()));
}
