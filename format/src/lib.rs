//! Go source to the one form that gofmt gives it, byte for byte.
//!
//! [`format`] is the only door. What happens behind it:
//!
//! 1. The parser makes a tree, which knows where things stand; [`source`] adds what a tree does not have: lines, which bracket
//!    closes which, and the comments, in groups.
//! 2. [`imports`] sorts the lines of import declarations; [`simplify`] notes what may be left out, if asked to. The tree stays as
//!    it is.
//! 3. [`printer`] takes tokens and wishes for white space from the nodes ([`expressions`], [`statements`],
//!    [`declarations`]) and mixes comments in, doc comments in their canonical form ([`doc_comment`]).
//! 4. [`constraints`] brings build constraints together, [`columns`] makes columns of cells.
//!
//! What gofmt does is a matter of heuristics, so these are Go's own, step by step; `cargo xtask gofmt` compares the results for all
//! files of a Go distribution, also after their white space was shaken up.
//!
//! [`doc_text`] shows a doc comment as plain text, as `go doc` does.
//!
//! A text without package clause is a script. If it holds declarations only, or statements only, gofmt knows it as a fragment, and it
//! is wrapped as gofmt wraps it; what is mixed is printed like statements, with functions standing apart.
//!
//! INVARIANT: no recursion without [`expressions::with_stack`] over what a text nests.
//!
//! Rejected: a tree with comments as nodes (where a comment goes depends on the white space around, not on the syntax); a
//! copy of the tree in Go's shape (the parser's has all but the brackets, which the tokens give).
#![forbid(unsafe_code)]

mod columns;
mod comments;
mod constraints;
mod declarations;
mod doc_comment;
mod doc_text;
mod expressions;
mod imports;
mod printer;
mod simplify;
mod source;
mod statements;

use declarations::TopDeclaration;
use diagnostics::{Diagnostics, FileId};
pub use doc_text::doc_text;
use parser::ast::{Ast, Decl, File, Interner, Stmt};
use printer::Printer;
use simplify::Edits;
use source::Source;
use statements::Item;

/// How to format.
#[derive(Clone, Copy, Default, Debug)]
pub struct Options {
    /// Leave out what means nothing, as `gofmt -s` does.
    pub simplify: bool,
    /// The text is a piece of a file: one without package clause keeps its indentation and the white space around it.
    pub fragment: bool,
}

/// Formats a text.
///
/// # Errors
/// What is wrong with its syntax.
///
/// # Panics
/// The text is longer than [`diagnostics::SourceMap::LARGEST_TEXT`].
pub fn format(text: &str, file: FileId, options: Options) -> Result<String, Diagnostics> {
    let parsed = Parsed::new(text, file)?;
    if parsed.file.package.is_some() {
        return Ok(parsed.print(options, 0));
    }
    let begin = if text.starts_with('\u{FEFF}') { 3 } else { 0 };
    let (head, rest) = match text[begin..].strip_prefix("#!") {
        Some(line) => {
            let end = line.find('\n').map_or(line.len(), |at| at + 1);
            text[begin..].split_at(end + 2)
        }
        None => ("", &text[begin..]),
    };
    let mut out = head.trim_end().to_owned();
    if !head.is_empty() {
        out.push('\n');
    }
    let space = rest.len() - rest.trim_start_matches(is_space).len();
    let (space, code) = rest.split_at(space);
    if code.is_empty() {
        out.push_str(if options.fragment { rest } else { "" });
        return Ok(out);
    }
    // Empty lines before the code, and its indentation.
    let lines = space.rfind('\n').map_or(0, |at| at + 1);
    let indent = match space[lines..].matches('\t').count() {
        0 => usize::from(space[lines..].contains(' ')),
        tabs => tabs,
    };
    let indent = if options.fragment { indent } else { 0 };
    let formatted = parsed.script(rest, options, indent)?;
    if options.fragment {
        out.push_str(&space[..lines]);
        out.push_str(&"\t".repeat(indent));
        out.push_str(&formatted);
        let end = code.trim_end_matches(is_space).len();
        out.push_str(&code[end..]);
    } else {
        if !head.is_empty() && space.contains('\n') {
            out.push('\n');
        }
        out.push_str(&formatted);
        out.push('\n');
    }
    Ok(out)
}

/// GO: go/format/internal.go isSpace
fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

/// A text with its tree.
struct Parsed<'t> {
    text: &'t str,
    ast: Ast,
    names: Interner,
    file: File,
}

impl<'t> Parsed<'t> {
    fn new(text: &'t str, file: FileId) -> Result<Self, Diagnostics> {
        let (mut ast, mut names) = (Ast::new(), Interner::new());
        let (file, diagnostics) = parser::parse_file(&mut ast, &mut names, file, text);
        // GO: gofmt's parser is not the compiler's.
        if !diagnostics.is_empty() && !file.printable {
            return Err(diagnostics);
        }
        Ok(Self {
            text,
            ast,
            names,
            file,
        })
    }

    /// Prints a file, or a script that is neither declarations nor statements only.
    fn print(&self, options: Options, indent: usize) -> String {
        let mut source = Source::new(self.text);
        let mut groups = source.groups();
        let edits = if options.simplify {
            Edits::simplify(&self.file, &self.ast, &source, self.names.find("len"))
        } else {
            Edits::of_file(&self.file)
        };
        let mut imports =
            imports::declarations(&source, &self.ast, self.file.file, &self.file.imports);
        imports::sort(&mut source, &mut groups, &mut imports);
        let is_dropped = |range: diagnostics::TextRange| {
            edits.drops_empty && source.is_undocumented(range.start, range.end)
        };
        let mut list: Vec<TopDeclaration> = imports
            .into_iter()
            .filter(|import| !(import.is_empty() && is_dropped(import.range)))
            .map(TopDeclaration::Import)
            .collect();
        let has_imports = !list.is_empty();
        let mut printer = Printer::new(&source, &self.ast, &edits, &groups);
        printer.base_indent = indent as isize;
        match (self.file.package, self.file.script) {
            (Some(package), _) => {
                let kept = |id: &&parser::ast::DeclId| !edits.drops_declaration(**id);
                list.extend(
                    self.file
                        .decls
                        .iter()
                        .filter(kept)
                        .copied()
                        .map(TopDeclaration::Decl),
                );
                printer.file(package, &list);
            }
            (None, Some(script)) => {
                printer.declarations(&list);
                let from = source.token(0).start;
                let mut items = printer.items_from(from, self.ast.statements(script.body));
                items.extend(self.file.decls.iter().copied().map(Item::Function));
                items.retain(|item| !matches!(item, Item::Empty));
                items.sort_by_key(|item| printer.item_start(item));
                // As in a function, so that labels have where to go, but without its indentation.
                printer.base_indent -= 1;
                printer.script(&items, has_imports);
            }
            (None, None) => {}
        }
        printer.finish();
        columns::format(&printer.output)
    }

    /// Prints a script without the white space around it. `text` is what is behind its first line if that is for the system.
    fn script(&self, text: &str, options: Options, indent: usize) -> Result<String, Diagnostics> {
        let file = self.file.file;
        let body = self.file.script.map(|script| script.body);
        let statements = body.map_or(&[][..], |body| self.ast.statements(body));
        let is_declaration =
            |statement: &&parser::ast::StmtId| matches!(self.ast.stmt(**statement), Stmt::Decl(_));
        let declarations = statements.iter().filter(is_declaration).count();
        let has_functions = self
            .file
            .decls
            .iter()
            .any(|&id| matches!(self.ast.decl(id), Decl::Func(_)));
        if declarations == statements.len() {
            let text = format!("package p;{text}");
            let printed = Parsed::new(&text, file)?.print(options, indent);
            let printed = printed.get(indent + "package p\n".len()..).unwrap_or("");
            return Ok(printed.trim_matches(is_space).to_owned());
        }
        if has_functions || !self.file.imports.is_empty() {
            let printed = self.print(options, indent);
            return Ok(printed.trim_matches(is_space).to_owned());
        }
        let text = format!("package p; func _() {{{text}\n\n}}");
        let parsed = Parsed::new(&text, file)?;
        let printed = parsed.print_statements(options, indent);
        Ok(printed.trim_matches(is_space).to_owned())
    }

    /// Prints the body of the only function of a file.
    fn print_statements(&self, options: Options, indent: usize) -> String {
        let source = Source::new(self.text);
        let groups = source.groups();
        let edits = if options.simplify {
            Edits::simplify(&self.file, &self.ast, &source, self.names.find("len"))
        } else {
            Edits::of_file(&self.file)
        };
        let mut printer = Printer::new(&source, &self.ast, &edits, &groups);
        printer.base_indent = indent as isize - 1;
        if let Some(package) = self.file.package {
            let list: Vec<TopDeclaration> = self
                .file
                .decls
                .iter()
                .copied()
                .map(TopDeclaration::Decl)
                .collect();
            printer.file(package, &list);
        }
        printer.finish();
        let printed = columns::format(&printer.output);
        let base = indent.saturating_sub(1);
        printed
            .get(2 * base + "package p\n\nfunc _() {".len()..)
            .and_then(|body| body.trim_end().strip_suffix('}'))
            .unwrap_or("")
            .to_owned()
    }
}
