//! Import declarations, sorted.
//!
//! Lines of a group that follow one another are sorted by path, name and comment; what is imported twice goes once. The lines keep
//! their places: each takes over the position of the one that stood there, and takes its comments with it.
//!
//! GO: go/ast/import.go

use crate::source::{Group, Source};
use diagnostics::{FileId, TextRange};
use lexer::TokenKind;
use parser::ast::{Ast, Import};

/// `import` with what is imported.
pub(crate) struct ImportDecl {
    pub range: TextRange,
    pub specs: Vec<ImportSpec>,
    /// Where the parenthesis of a group ends.
    rparen: Option<u32>,
}

impl ImportDecl {
    pub fn is_empty(&self) -> bool {
        self.specs.is_empty()
    }
}

/// A line of `import`.
pub(crate) struct ImportSpec {
    pub name: Option<String>,
    /// As it is printed.
    pub path: String,
    /// What it means.
    value: Vec<u8>,
    pub start: u32,
    pub path_start: u32,
    end: u32,
    /// The comment behind it.
    comment: Option<String>,
    /// Where it ends since it was sorted.
    pub moved_end: Option<u32>,
    /// The groups of comments on its line by their index, and whether they stand before it.
    attached: Vec<(usize, bool)>,
}

/// The import declarations of a file, as they stand.
pub(crate) fn declarations(
    source: &Source<'_>,
    ast: &Ast,
    file: FileId,
    imports: &[Import],
) -> Vec<ImportDecl> {
    let mut specs = imports.iter().peekable();
    let mut declarations = Vec::new();
    let mut index = 0;
    while let Some(token) = source.tokens.get(index) {
        if token.kind != TokenKind::Import {
            // Behind the package clause and between imports stand semicolons; a declaration ends the search.
            let is_clause = matches!(token.kind, TokenKind::Package)
                || token.kind.is_semicolon()
                || token.kind == TokenKind::Ident && index == 1;
            if !is_clause {
                break;
            }
            index += 1;
            continue;
        }
        let start = token.start;
        let first = source.token(index + 1);
        let rparen = (first.kind == TokenKind::LeftParen).then(|| source.partner(first.start));
        let mut declaration = ImportDecl {
            range: TextRange::new(file, start, rparen.map_or(first.end, |rparen| rparen + 1)),
            specs: Vec::new(),
            rparen,
        };
        while let Some(import) = specs.peek() {
            let is_inside = match rparen {
                Some(rparen) => import.range.start < rparen,
                None => declaration.specs.is_empty(),
            };
            if !is_inside {
                break;
            }
            declaration.specs.push(spec(source, ast, import));
            if rparen.is_none() {
                declaration.range.end = import.range.end;
            }
            specs.next();
        }
        index = source.token_at(declaration.range.end);
        declarations.push(declaration);
    }
    declarations
}

fn spec(source: &Source<'_>, ast: &Ast, import: &Import) -> ImportSpec {
    let text = |range: TextRange| source.slice(range.start, range.end).to_owned();
    let path = ast.range(import.path);
    let value = ast.string_value(import.path).to_vec();
    ImportSpec {
        name: import.name.map(|name| text(ast.range(name))),
        path: match std::str::from_utf8(&value) {
            Ok(value) if is_valid_path(value) => format!("\"{value}\""),
            _ => text(path),
        },
        value,
        start: import.range.start,
        path_start: path.start,
        end: import.range.end,
        comment: source.line_comment(import.range.end),
        moved_end: None,
        attached: Vec::new(),
    }
}

/// Whether a path has only characters that Go's compilers allow there.
fn is_valid_path(path: &str) -> bool {
    const FORBIDDEN: &str = "!\"#$%&'()*,:;<=>?[\\]^{|}`\u{FFFD}";
    !path.is_empty()
        && !path.chars().any(|character| {
            character.is_control() || character.is_whitespace() || FORBIDDEN.contains(character)
        })
}

/// Sorts the lines of each group; moves comments along.
pub(crate) fn sort(
    source: &mut Source<'_>,
    groups: &mut [Group<'_>],
    declarations: &mut [ImportDecl],
) {
    for declaration in declarations {
        let Some(rparen) = declaration.rparen else {
            continue;
        };
        let mut rest = std::mem::take(&mut declaration.specs);
        while !rest.is_empty() {
            // A run ends before an empty line.
            let len = (1..rest.len())
                .find(|&index| {
                    source.line(rest[index].start) > 1 + source.line(rest[index - 1].end)
                })
                .unwrap_or(rest.len());
            let others = rest.split_off(len);
            declaration
                .specs
                .extend(sort_run(source, groups, rparen, rest));
            rest = others;
        }
        // What was dropped may leave empty lines before the parenthesis.
        if let Some(last) = declaration.specs.last() {
            let last_line = source.line(last.start);
            for line in (last_line + 1..source.line(rparen)).rev() {
                source.merge_line(line);
            }
        }
    }
}

fn sort_run(
    source: &mut Source<'_>,
    groups: &mut [Group<'_>],
    rparen: u32,
    mut specs: Vec<ImportSpec>,
) -> Vec<ImportSpec> {
    if specs.len() <= 1 {
        return specs;
    }
    let places: Vec<(u32, u32)> = specs.iter().map(|spec| (spec.start, spec.end)).collect();
    let (from, to) = (places[0].0, places[places.len() - 1].1);
    let from = source.line_start(source.line(from));
    let end_line = source.line(to);
    let to = if end_line == source.line_count() {
        to
    } else {
        source.line_start(end_line + 1)
    };
    let start_of = |group: &Group<'_>| group[0].start;
    let end_of = |group: &Group<'_>| group[group.len() - 1].end();
    let behind = groups
        .iter()
        .position(|group| end_of(group) >= to)
        .unwrap_or(groups.len());
    let first = groups[..behind]
        .iter()
        .position(|group| from <= start_of(group))
        .unwrap_or(behind);
    let mut at = 0;
    for (index, group) in groups.iter().enumerate().take(behind).skip(first) {
        let start = start_of(group);
        while at + 1 < specs.len() && places[at + 1].0 <= start {
            at += 1;
        }
        let mut is_left = false;
        if at == 0 && places[at].0 > start {
            is_left = true;
        } else if at + 1 < specs.len() && source.line(places[at].0) + 1 == source.line(start) {
            at += 1;
            is_left = true;
        }
        specs[at].attached.push((index, is_left));
    }
    specs.sort_by(|left, right| {
        let key = |spec: &ImportSpec| {
            let name = spec.name.clone().unwrap_or_default();
            let comment = spec.comment.as_deref().map(comment_text);
            (spec.value.clone(), name, comment.unwrap_or_default())
        };
        key(left).cmp(&key(right))
    });
    let mut kept: Vec<ImportSpec> = Vec::with_capacity(specs.len());
    let mut rest = specs.into_iter().peekable();
    while let Some(spec) = rest.next() {
        let is_repeated = rest.peek().is_some_and(|next| {
            next.value == spec.value && next.name == spec.name && spec.comment.is_none()
        });
        if !is_repeated {
            kept.push(spec);
            continue;
        }
        let line = source.line(spec.start);
        if line != source.line(rparen) {
            source.merge_line(line);
        }
    }
    for (spec, &(start, end)) in kept.iter_mut().zip(&places) {
        spec.start = start;
        spec.path_start = start;
        spec.end = end;
        spec.moved_end = Some(end);
        for &(group, is_left) in &spec.attached {
            for comment in &mut groups[group] {
                comment.start = if is_left { start - 1 } else { end };
            }
        }
    }
    groups[first..behind].sort_by_key(start_of);
    kept
}

/// Without what makes it a comment.
fn comment_text(comment: &str) -> String {
    parser::ast::doc_text(comment)
}
