//! `//go:embed` lines: what they say, and which variable they are about.
//!
//! A directive is a line comment on a line of its own. It belongs to the declaration that the next token begins: to `var` and
//! its only variable, or to one line of a group. GO: cmd/compile/internal/noder `pragma`, `parseGoEmbed`.

use crate::ast::{Ast, Decl, DeclId, Embed, EmbedPattern, EmbedTarget, File, Stmt};
use diagnostics::{FileId, TextRange};
use lexer::{Comment, Token, TokenKind, literals};
use std::collections::{BTreeMap, HashSet};

const MISPLACED: &str = "misplaced go:embed directive";

/// What the directives of a file come to.
#[derive(Default)]
pub(crate) struct Directives {
    pub(crate) embeds: Vec<Embed>,
    /// What is wrong with them as such.
    pub(crate) errors: Vec<(TextRange, String)>,
}

/// Reads the directives of a file whose declarations have been parsed. `first` is the first of them.
pub(crate) fn read(
    ast: &Ast,
    file: &File,
    first: usize,
    text: &str,
    tokens: &[Token],
    comments: &[Comment],
) -> Directives {
    let mut out = Directives::default();
    let mut places: Option<Places> = None;
    for comment in comments {
        let source = &text[comment.start as usize..comment.end as usize];
        let Some(directive) = source.strip_prefix("//go:") else {
            continue;
        };
        // GO: behind the slashes.
        let range = TextRange::new(file.file, comment.start + 2, comment.end);
        let before = &text[..comment.start as usize];
        let line = before.rfind('\n').map_or(before, |at| &before[at + 1..]);
        if !line
            .bytes()
            .all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
        {
            out.errors
                .push((range, "misplaced compiler directive".to_owned()));
            continue;
        }
        let Some(arguments) = directive.strip_prefix("embed") else {
            continue;
        };
        if !(arguments.is_empty() || arguments.starts_with(' ')) {
            continue;
        }
        let start = comment.end - arguments.len() as u32;
        let (patterns, error) = patterns(file.file, arguments, start);
        if let Some(error) = error {
            out.errors.push((range, error));
        }
        if patterns.is_empty() {
            let usage = "usage: //go:embed pattern...".to_owned();
            out.errors.push((range, usage));
            continue;
        }
        let next = tokens.partition_point(|token| token.start < comment.end);
        let next = tokens
            .get(next)
            .filter(|token| token.kind != TokenKind::EndOfFile);
        let places = places.get_or_insert_with(|| Places::find(ast, file, first, tokens));
        let target = next.and_then(|token| places.by_start.get(&token.start));
        let Some(target) = target else {
            out.errors.push((range, MISPLACED.to_owned()));
            continue;
        };
        out.embeds.push(Embed {
            range,
            patterns,
            target: *target,
        });
    }
    out
}

/// What a directive may stand before, by the offset of its first token; nothing stands for a declaration that is none of variables.
struct Places {
    by_start: BTreeMap<u32, Option<EmbedTarget>>,
}

impl Places {
    fn find(ast: &Ast, file: &File, first: usize, tokens: &[Token]) -> Places {
        let mut by_start = BTreeMap::new();
        let behind = |offset: u32| {
            let at = tokens.partition_point(|token| token.start <= offset);
            tokens.get(at).map(|token| token.kind)
        };
        if let Some(name) = file.package {
            let at = tokens.partition_point(|token| token.start < ast.range(name).start);
            if let Some(keyword) = at.checked_sub(1).and_then(|at| tokens.get(at)) {
                by_start.insert(keyword.start, None);
            }
        }
        for import in &file.imports {
            let at = tokens.partition_point(|token| token.start < import.range.start);
            let keyword = at.checked_sub(1).and_then(|at| tokens.get(at));
            if let Some(keyword) = keyword.filter(|token| token.kind == TokenKind::Import) {
                by_start.insert(keyword.start, None);
            }
            by_start.insert(import.range.start, None);
        }
        let mut outer: HashSet<DeclId> = file.decls.iter().copied().collect();
        if let Some(script) = file.script {
            let statements = ast.statements(script.body).iter();
            outer.extend(
                statements.filter_map(|&statement| match *ast.stmt(statement) {
                    Stmt::Decl(decl) => Some(decl),
                    _ => None,
                }),
            );
        }
        for index in first..ast.decl_count() {
            let id = DeclId::from_index(index);
            let start = ast.decl_range(id).start;
            let single = behind(start) != Some(TokenKind::LeftParen);
            let mut add = |range: TextRange, variable: Option<EmbedTarget>| {
                if single {
                    by_start.insert(start, variable);
                }
                by_start.insert(range.start, variable);
            };
            match *ast.decl(id) {
                Decl::Bad => {}
                Decl::Var(specs) => {
                    for spec in ast.list(specs) {
                        let target = EmbedTarget {
                            spec: *spec,
                            local: !outer.contains(&id),
                        };
                        add(spec.range, Some(target));
                    }
                }
                Decl::Const(specs) => {
                    for spec in ast.list(specs) {
                        add(spec.range, None);
                    }
                }
                Decl::Type(specs) => {
                    for spec in ast.list(specs) {
                        add(spec.range, None);
                    }
                }
                Decl::Func(_) => {
                    by_start.insert(start, None);
                }
            }
        }
        Places { by_start }
    }
}

/// The patterns behind `//go:embed`, which begin at `start`: words, and strings in quotes.
fn patterns(file: FileId, arguments: &str, start: u32) -> (Vec<EmbedPattern>, Option<String>) {
    let mut patterns = Vec::new();
    let mut rest = arguments.trim_start();
    let end = start + arguments.len() as u32;
    while let Some(first) = rest.chars().next() {
        let at = end - rest.len() as u32;
        let invalid = |text: &str| {
            let text = text.trim_end();
            Some(format!("invalid quoted string in //go:embed: {text}"))
        };
        let (pattern, length) = match first {
            '`' => match rest[1..].find('`') {
                Some(close) => (rest[1..=close].to_owned(), close + 2),
                None => return (Vec::new(), invalid(rest)),
            },
            '"' => {
                let Some(length) = quoted_length(rest) else {
                    return (Vec::new(), invalid(rest));
                };
                let value = literals::string(&rest[..length]).map(String::from_utf8);
                match value {
                    Some(Ok(value)) => (value, length),
                    _ => return (Vec::new(), invalid(&rest[..length])),
                }
            }
            _ => {
                let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
                (rest[..length].to_owned(), length)
            }
        };
        let range = TextRange::new(file, at, at + length as u32);
        rest = &rest[length..];
        if rest.starts_with(|c: char| !c.is_whitespace()) {
            return (Vec::new(), invalid(rest));
        }
        patterns.push(EmbedPattern { pattern, range });
        rest = rest.trim_start();
    }
    (patterns, None)
}

/// The length of the string literal in double quotes that a text begins with, if it is a proper one.
fn quoted_length(text: &str) -> Option<usize> {
    let lexed = lexer::lex(text);
    let token = lexed.tokens.first()?;
    let clean = lexed.errors.iter().all(|error| error.start >= token.end);
    (token.kind == TokenKind::String && token.start == 0 && clean).then_some(token.end as usize)
}
