//! The whole story on one page.
//!
//! ```text
//! names ─load→ Files ─check→ TypedProgram ─compile→ Program ─link→ Image ─start→ goroutine main
//! ```
//!
//! Each arrow is one public function; to load is to find, lex and parse. Commands are prefixes of this row.

use crate::loader::{self, Input, Loaded};
use crate::packages::StandardPackages;
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
    let checked = check_with(loader::load(input, module_cache), options, Packages::Needed);
    if !checked.diagnostics.has_errors() || checked.typed.is_none() {
        return checked;
    }
    // Messages mention what else a package has: "undefined: strings.toUpper (but have ToUpper)".
    check_with(loader::load(input, module_cache), options, Packages::Whole)
}

/// How much of the standard packages the checker sees.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packages {
    /// What the program can need.
    Needed,
    Whole,
}

fn check_with(loaded: Loaded, options: &Options, extent: Packages) -> Checked {
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
        return Checked {
            sources,
            ast,
            names,
            typed: None,
            failures,
            diagnostics,
        };
    }
    let mut importer = match extent {
        Packages::Needed => {
            let mentioned = (0..names.len()).map(|index| names.text(Symbol(index as u32)));
            StandardPackages::for_program(standard.iter().map(String::as_str), mentioned)
        }
        Packages::Whole => StandardPackages::whole(),
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
    Checked {
        sources,
        ast,
        names,
        typed: Some(typed),
        failures,
        diagnostics,
    }
}

/// Compiles a checked program.
///
/// # Errors
/// The diagnostics, if there are errors among them (none, if there are failures); one more, if the program is larger than the machine's limits.
pub fn compile(checked: &mut Checked) -> Result<Program, &Diagnostics> {
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
    match compiler::compile(typed, ast, names) {
        Ok(program) => Ok(program),
        Err(too_large) => {
            let range = too_large.range.unwrap_or_default();
            diagnostics.report(Code::TooLarge, range, too_large.message);
            Err(diagnostics)
        }
    }
}
