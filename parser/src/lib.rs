//! Tokens to syntax tree.
//!
//! [`parse_file`] is the only door. What happens behind it:
//!
//! 1. The lexer cuts the text into tokens, with semicolons inserted.
//! 2. `terminals.rs` marks the three places where Go's grammar is not LR(1): the brace of a statement's body, the bracket
//!    of type parameters, the `func` of a declaration.
//! 3. The grammar, `golite.lalrpop`, reads them; each of its actions is one call into `actions.rs`, which adds nodes to the
//!    [`ast::Ast`], bottom up.
//! 4. If the grammar or an action refuses the text, `explain.rs` finds Go's words for what is wrong, all over the file.
//!
//! INVARIANT: depth is bounded, stack is not needed. The grammar's automaton keeps its stack on the heap; no node is nested
//! deeper than [`ast::MAX_DEPTH`]; a million open parentheses give an error, not a crash.
//!
//! INVARIANT: no types are known here. `f(x)` may be a conversion and `a[b]` an instance; the checker says.
//!
//! What Go's parser checks beyond the grammar is refused here too (conditions that are assignments, `...` before the last
//! parameter, a method's receivers, ...), with one exception: labels and where `break`, `continue` and `goto` may lead, for which
//! the checker is the better place.
//!
//! To change the grammar: run the build with a time limit. On a conflict only the first "Local ambiguity" matters, the others
//! follow from it. Lists are left-recursive; optional pieces stand as alternatives or as `Maybe`, never as a nullable nonterminal
//! before a shared token; type arguments are expressions; types that end in a function type without result are kept apart (`Open...`).
#![forbid(unsafe_code)]

mod actions;
pub mod ast;
mod directives;
mod explain;
mod hints;
mod terminals;

lalrpop_util::lalrpop_mod!(
    #[allow(clippy::all, clippy::pedantic, unused)]
    golite
);

use ast::{Ast, File, Interner, MAX_DEPTH};
use diagnostics::{Code, Diagnostic, Diagnostics, FileId, TextRange};
use lalrpop_util::ParseError;

/// Parses one file into the tree.
///
/// It never fails: what is wrong is reported, in the order of the text, and what was understood before the first error is in the
/// file. The tree is complete when nothing is reported, and good enough for the checker when [`File::checkable`] says so.
///
/// # Panics
/// The text is longer than [`diagnostics::SourceMap::LARGEST_TEXT`].
pub fn parse_file(
    ast: &mut Ast,
    names: &mut Interner,
    file: FileId,
    text: &str,
) -> (File, Diagnostics) {
    assert!(
        text.len() <= diagnostics::SourceMap::LARGEST_TEXT,
        "offsets fit a u32"
    );
    let lexed = lexer::lex(text);
    let is_lexed = lexed.errors.is_empty();
    let range = |start, end| TextRange::new(file, start, end);
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut spoiled: Vec<u32> = lexed
        .errors
        .iter()
        .filter(|error| error.spoils_literal)
        .map(|error| error.start)
        .collect();
    spoiled.sort_unstable();
    for error in lexed.errors {
        found.push(Diagnostic::new(
            Code::Literal,
            range(error.start, error.end),
            error.message,
        ));
    }
    let first_declaration = ast.decl_count();
    let mut builder = actions::Builder::new(ast, names, file, text, &lexed.comments, spoiled);
    let result =
        golite::SourceParser::new().parse(&mut builder, terminals::terminals(&lexed.tokens));
    let complete = result.is_ok();
    if complete {
        builder.finish();
    }
    let mut too_deep = builder.too_deep;
    if too_deep.is_none() && (result.is_err() || builder.refused.is_some()) {
        let explained = explain::explain(&lexed.tokens, text, !found.is_empty());
        too_deep = explained
            .too_deep
            .map(|token| range(token.start, token.end));
        for error in explained.errors {
            let mut diagnostic =
                Diagnostic::new(Code::Syntax, range(error.start, error.end), error.message);
            diagnostic.help = error.help.map(str::to_owned);
            found.push(diagnostic);
        }
        if found.is_empty() && too_deep.is_none() {
            let place = match (result, builder.refused) {
                (Err(error), _) => place(file, &error, text.len() as u32),
                (Ok(()), refused) => refused.unwrap_or(range(0, 0)),
            };
            let source = text
                .get(place.start as usize..place.end as usize)
                .map_or("", str::trim);
            let what = if source.is_empty() { "newline" } else { source };
            found.push(Diagnostic::new(
                Code::Syntax,
                place,
                format!("syntax error: unexpected {what}"),
            ));
        }
    }
    if let Some(range) = too_deep {
        found.push(Diagnostic::new(
            Code::TooDeep,
            range,
            format!("nested too deeply (more than {MAX_DEPTH} levels)"),
        ));
    }
    let mut file = File {
        file,
        package: builder.package,
        imports: builder.imports,
        decls: builder.declarations,
        script: builder.script,
        checkable: false,
        printable: complete && is_lexed && too_deep.is_none() && !builder.is_malformed,
        receivers: builder.receivers,
        guards: builder.guards,
        embeds: Vec::new(),
    };
    if complete
        && lexed
            .comments
            .iter()
            .any(|comment| is_directive(text, comment))
    {
        let read = directives::read(
            ast,
            &file,
            first_declaration,
            text,
            &lexed.tokens,
            &lexed.comments,
        );
        file.embeds = read.embeds;
        for (range, message) in read.errors {
            found.push(Diagnostic::new(Code::InvalidDirective, range, message));
        }
    }
    found.sort_by_key(|diagnostic| diagnostic.range.start);
    for (index, diagnostic) in found.iter_mut().enumerate() {
        hints::explain(diagnostic, index == 0, &lexed.tokens, text);
    }
    drop_repetitions(&mut found, text);
    let is_script = is_script_in(&lexed.tokens);
    // A character that Go does not know leaves words behind that mean nothing. Go says what is wrong with them too.
    let has_stray_character = is_script
        && found
            .iter()
            .any(|diagnostic| diagnostic.message.starts_with("invalid character"));
    if is_script {
        drop_follow_ups(&mut found, text);
    }
    // GO: cmd/compile/internal/noder checkFiles: only errors that are called syntax errors keep a file from the type checker.
    file.checkable = complete
        && too_deep.is_none()
        && !has_stray_character
        && !found
            .iter()
            .any(|diagnostic| diagnostic.message.starts_with("syntax error"));
    let mut diagnostics = Diagnostics::new();
    found
        .into_iter()
        .for_each(|diagnostic| diagnostics.push(diagnostic));
    (file, diagnostics)
}

fn is_directive(text: &str, comment: &lexer::Comment) -> bool {
    text[comment.start as usize..].starts_with("//go:")
}

/// Is this the text of a script, a file without `package` clause?
pub fn is_script(text: &str) -> bool {
    is_script_in(&lexer::lex(text).tokens)
}

fn is_script_in(tokens: &[lexer::Token]) -> bool {
    tokens
        .first()
        .is_none_or(|token| token.kind != lexer::TokenKind::Package)
}

/// Drops what follows on a line from a character or literal that is wrong.
fn drop_follow_ups(found: &mut Vec<Diagnostic>, text: &str) {
    let mut wrong: Option<u32> = None;
    found.retain(|diagnostic| {
        let start = diagnostic.range.start;
        let is_on_its_line = wrong.is_some_and(|wrong| {
            let between = text.get(wrong as usize..start as usize);
            between.is_none_or(|between| !between.contains('\n'))
        });
        if diagnostic.code == Code::Literal && !is_on_its_line {
            wrong = Some(start);
        }
        !(is_on_its_line && diagnostic.message.starts_with("syntax error"))
    });
}

/// Says the same only once a line.
///
/// GO: cmd/compile/internal/base/print.go ErrorfAt
fn drop_repetitions(found: &mut Vec<Diagnostic>, text: &str) {
    let mut last: Option<(u32, String)> = None;
    found.retain(|diagnostic| {
        if diagnostic.message.starts_with("syntax error") {
            return true;
        }
        let start = diagnostic.range.start;
        let is_same = last.as_ref().is_some_and(|(before, message)| {
            let between = text.get(*before as usize..start as usize).unwrap_or("");
            *message == diagnostic.message && !between.contains('\n')
        });
        last = Some((start, diagnostic.message.clone()));
        !is_same
    });
}

/// Where the grammar stopped.
fn place(file: FileId, error: &ParseError<u32, terminals::Terminal, ()>, end: u32) -> TextRange {
    match *error {
        ParseError::UnrecognizedToken {
            token: (start, _, end),
            ..
        }
        | ParseError::ExtraToken {
            token: (start, _, end),
        } => TextRange::new(file, start, end),
        ParseError::InvalidToken { location } | ParseError::UnrecognizedEof { location, .. } => {
            TextRange::at(file, location)
        }
        ParseError::User { .. } => TextRange::at(file, end),
    }
}
