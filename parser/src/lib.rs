//! Tokens to syntax tree.
#![forbid(unsafe_code)]

mod actions;
pub mod ast;
mod terminals;

lalrpop_util::lalrpop_mod!(
    #[allow(clippy::all, clippy::pedantic, unused, missing_docs)]
    golite
);

use ast::{Ast, File, Interner};
use diagnostics::{Code, Diagnostics, FileId, TextRange};

/// Parses one file into the tree.
///
/// It never fails: what is wrong is reported, and what was understood before the first error is in the file. The tree
/// is complete when nothing is reported.
pub fn parse_file(ast: &mut Ast, names: &mut Interner, file: FileId, text: &str) -> (File, Diagnostics) {
    let lexed = lexer::lex(text);
    let mut diagnostics = Diagnostics::new();
    for error in &lexed.errors {
        diagnostics.report(Code::Literal, TextRange::new(file, error.start, error.end), error.message.clone());
    }
    let terminals = terminals::terminals(&lexed.tokens);
    let mut builder = actions::Builder::new(ast, names, file, text, &lexed.comments);
    let result = golite::SourceParser::new().parse(&mut builder, terminals);
    builder.finish();
    if let Err(error) = result {
        diagnostics.report(Code::Syntax, TextRange::new(file, 0, 0), format!("{error:?}"));
    }
    if let Some(r) = builder.refused { diagnostics.report(Code::Syntax, r, "refused"); }
    if let Some(r) = builder.too_deep { diagnostics.report(Code::Syntax, r, "too deep"); }
    let file = File {
        file,
        package: builder.package,
        imports: builder.imports,
        decls: builder.declarations,
        script: builder.script,
    };
    (file, diagnostics)
}
