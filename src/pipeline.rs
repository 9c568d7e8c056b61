//! The whole story on one page.
//!
//! ```text
//! text ─parse→ File ─check→ TypedProgram ─compile→ Program ─link→ Image ─start→ goroutine main
//! ```
//!
//! Each arrow is one public function of one crate. Commands are prefixes of this row.

use crate::packages::StandardPackages;
use bytecode::Program;
use checker::{Options, TypedProgram, check_program};
use diagnostics::{Code, Diagnostics, SourceMap};
use parser::ast::{Ast, Interner, Symbol};
use parser::parse_file;

/// A program text that was understood, with what is wrong with it.
pub struct Checked {
    pub sources: SourceMap,
    pub ast: Ast,
    pub names: Interner,
    /// `None` if the text could not even be parsed.
    pub typed: Option<TypedProgram>,
    /// If they are empty, the program can be compiled.
    pub diagnostics: Diagnostics,
}

/// Checker options for a program that is to be run: the machine's own needs in package `runtime` included.
pub fn program_options() -> Options {
    let machine = vec![
        "errorText",
        "plainErrorText",
        "typeAssertionText",
        "panicText",
    ];
    Options {
        roots: vec![("runtime", machine)],
        ..Options::default()
    }
}

/// Parses and checks a program of one file.
///
/// # Errors
/// The text is too long to be a program.
pub fn check(
    name: &str,
    text: String,
    options: &Options,
) -> Result<Checked, diagnostics::FileTooLarge> {
    let checked = check_with(name, text.clone(), options, Packages::Needed)?;
    if checked.diagnostics.is_empty() {
        return Ok(checked);
    }
    // Messages mention what else a package has: "undefined: strings.toUpper (but have ToUpper)".
    check_with(name, text, options, Packages::Whole)
}

/// How much of the standard packages the checker sees.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packages {
    /// What the program can need.
    Needed,
    Whole,
}

fn check_with(
    name: &str,
    text: String,
    options: &Options,
    extent: Packages,
) -> Result<Checked, diagnostics::FileTooLarge> {
    let mut sources = SourceMap::new();
    let mut ast = Ast::default();
    let mut names = Interner::new();
    let id = sources.add(name, text)?;
    let (file, syntax) = parse_file(&mut ast, &mut names, id, sources.text(id));
    if !file.checkable {
        return Ok(Checked {
            sources,
            ast,
            names,
            typed: None,
            diagnostics: syntax,
        });
    }
    let mut packages = match extent {
        Packages::Needed => {
            let imports: Vec<String> = file
                .imports
                .iter()
                .map(|import| import_path(&ast, import))
                .collect();
            let mentioned = (0..names.len()).map(|index| names.text(Symbol(index as u32)));
            StandardPackages::for_program(imports.iter().map(String::as_str), mentioned)
        }
        Packages::Whole => StandardPackages::whole(),
    };
    let (typed, mut diagnostics) = check_program(
        &mut ast,
        &mut names,
        &mut sources,
        vec![file],
        &mut packages,
        options,
    );
    if !syntax.is_empty() {
        // Missing bodies are reported only if nothing else is wrong.
        diagnostics.retain(|diagnostic| diagnostic.code != Code::MissingBody);
        diagnostics.append(syntax);
        diagnostics.sort_as_go(&sources);
    }
    Ok(Checked {
        sources,
        ast,
        names,
        typed: Some(typed),
        diagnostics,
    })
}

/// Compiles a checked program.
///
/// # Errors
/// The diagnostics, if there are any; one more, if the program is larger than the machine's limits.
pub fn compile(checked: &mut Checked) -> Result<Program, &Diagnostics> {
    let Checked {
        ast,
        names,
        typed,
        diagnostics,
        ..
    } = checked;
    let Some(typed) = typed.as_ref().filter(|_| diagnostics.is_empty()) else {
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

fn import_path(ast: &Ast, import: &parser::ast::Import) -> String {
    String::from_utf8_lossy(ast.string_value(import.path)).into_owned()
}
