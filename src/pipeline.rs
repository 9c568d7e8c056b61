//! The whole story on one page.
//!
//! ```text
//! names ─load→ Files ─check→ TypedProgram ─compile→ Program ─link→ Image ─start→ goroutine main
//! ```
//!
//! Each arrow is one public function; to load is to find, lex and parse. Commands are prefixes of this row.

use crate::loader::{self, Input, Loaded, Sources};
use crate::packages::{HostPackages, StandardPackages};
use bytecode::Program;
use checker::{Options, TypedProgram, check_packages};
use diagnostics::{Code, Diagnostics, SourceMap};
use parser::ast::{Ast, Interner, Symbol};
use std::path::Path;

/// A program text that was understood, with what is wrong with it.
pub struct Checked {
    pub sources: SourceMap,
    pub ast: Ast,
    pub names: Interner,
    /// `None` if the packages could not even be found and parsed.
    pub typed: Option<TypedProgram>,
    /// Why there is no program, if it is not a text that is wrong: a line each.
    pub failures: Vec<String>,
    /// If there are no errors among them and no failures, the program can be compiled.
    pub diagnostics: Diagnostics,
}

/// Checker options for a program that is to be run: the machine's own needs in package `runtime` included.
pub fn program_options() -> Options {
    let machine = vec![
        "errorString",
        "boundsError",
        "plainError",
        "TypeAssertionError",
        "PanicNilError",
        "panicText",
    ];
    Options {
        roots: vec![("runtime", machine)],
        ..Options::default()
    }
}

/// Loads and checks a program. `module_cache` is where an installed Go keeps modules.
pub fn check(input: &Input, module_cache: Option<&Path>, options: &Options) -> Checked {
    let sources = Sources {
        module_cache,
        ..Sources::default()
    };
    check_from(input, sources, options)
}

/// As [`check`], with what the packages may come from.
pub fn check_from(input: &Input, sources: Sources<'_>, options: &Options) -> Checked {
    check_loaded(loader::load_from(input, sources), input, sources, options)
}

/// As [`check_from`], for who has loaded `input` from `sources` already.
pub fn check_loaded(
    loaded: Loaded,
    input: &Input,
    sources: Sources<'_>,
    options: &Options,
) -> Checked {
    let again = |extent| {
        let loaded = loader::load_from(input, sources);
        check_with(loaded, sources.host, options, extent).0
    };
    let (checked, enough) = check_with(loaded, sources.host, options, Packages::Needed);
    if checked.diagnostics.has_errors() && checked.typed.is_some() {
        // Messages mention what else a package has: "undefined: strings.toUpper (but have ToUpper)".
        return again(Packages::Whole);
    }
    if !enough {
        return again(Packages::Reflected);
    }
    checked
}

/// As [`check`], with all that standard packages declare: for those that look further than the program's own names lead.
pub fn check_whole(input: &Input, module_cache: Option<&Path>, options: &Options) -> Checked {
    let sources = Sources {
        module_cache,
        ..Sources::default()
    };
    check_whole_from(input, sources, options)
}

/// As [`check_whole`], with what the packages may come from.
pub fn check_whole_from(input: &Input, sources: Sources<'_>, options: &Options) -> Checked {
    let loaded = loader::load_from(input, sources);
    check_with(loaded, sources.host, options, Packages::Whole).0
}

/// How much of the standard packages the checker sees.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packages {
    /// What the program can need, as far as its names say.
    Needed,
    /// The same, with all exported methods.
    Reflected,
    Whole,
}

/// Checks what was loaded. Was the extent large enough for what the program finds by reflection?
fn check_with(
    loaded: Loaded,
    host: Option<&HostPackages>,
    options: &Options,
    extent: Packages,
) -> (Checked, bool) {
    let checkable = loaded.is_checkable();
    let Loaded {
        mut sources,
        mut ast,
        mut names,
        packages,
        standard,
        failures,
        problems,
        syntax,
    } = loaded;
    if !checkable {
        let mut diagnostics = if problems.is_empty() {
            syntax
        } else {
            problems
        };
        diagnostics.sort_as_go(&sources);
        let checked = Checked {
            sources,
            ast,
            names,
            typed: None,
            failures,
            diagnostics,
        };
        return (checked, true);
    }
    let mut importer = match extent {
        Packages::Needed | Packages::Reflected => {
            let mut standard = standard;
            if let Some(host) = host {
                add_needs_of_host(host, &mut names, &mut standard);
            }
            let mentioned = (0..names.len()).map(|index| names.text(Symbol(index as u32)));
            let imports = standard.iter().map(String::as_str);
            let reflects = extent == Packages::Reflected;
            StandardPackages::for_program(imports, mentioned, reflects, host)
        }
        Packages::Whole => StandardPackages::whole(host),
    };
    let (typed, mut diagnostics) = check_packages(
        &mut ast,
        &mut names,
        &mut sources,
        packages,
        &mut importer,
        options,
    );
    if !syntax.is_empty() {
        // Missing bodies are reported only if nothing else is wrong.
        diagnostics.retain(|diagnostic| diagnostic.code != Code::MissingBody);
        diagnostics.append(syntax);
        diagnostics.sort_as_go(&sources);
    }
    let enough = !typed.reflects_methods || importer.have_exported_methods();
    let checked = Checked {
        sources,
        ast,
        names,
        typed: Some(typed),
        failures,
        diagnostics,
    };
    (checked, enough)
}

/// What the packages of the host that the program imports mention and import in turn.
fn add_needs_of_host(host: &HostPackages, names: &mut Interner, imports: &mut Vec<String>) {
    let mut at = 0;
    while let Some(path) = imports.get(at).cloned() {
        at += 1;
        for file in host.files(&path) {
            // Its names become known, its imports are needed; the checker parses it for good.
            let mut ast = Ast::default();
            let mut map = SourceMap::default();
            let Ok(id) = map.add(&file.name, file.text.clone()) else {
                continue;
            };
            let (file, _) = parser::parse_file(&mut ast, names, id, map.text(id));
            for import in &file.imports {
                let import = String::from_utf8_lossy(ast.string_value(import.path)).into_owned();
                if !imports.contains(&import) {
                    imports.push(import);
                }
            }
        }
    }
}

/// Compiles a checked program.
///
/// # Errors
/// The diagnostics, if there are errors among them (none, if there are failures); one more, if the program is larger than the machine's limits.
pub fn compile(checked: &mut Checked) -> Result<Program, &Diagnostics> {
    compile_as(checked, compiler::Options::default())
}

/// As [`compile`], for a host that calls the program's functions, for instance.
///
/// # Errors
/// As [`compile`].
pub fn compile_as(
    checked: &mut Checked,
    options: compiler::Options,
) -> Result<Program, &Diagnostics> {
    let Checked {
        ast,
        names,
        typed,
        diagnostics,
        ..
    } = checked;
    let Some(typed) = typed.as_ref().filter(|_| !diagnostics.has_errors()) else {
        return Err(diagnostics);
    };
    match compiler::compile_as(typed, ast, names, options) {
        Ok(program) => Ok(program),
        Err(too_large) => {
            let range = too_large.range.unwrap_or_default();
            diagnostics.report(Code::TooLarge, range, too_large.message);
            Err(diagnostics)
        }
    }
}
