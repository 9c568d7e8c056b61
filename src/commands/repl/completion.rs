//! What could stand where the cursor is.
//!
//! Behind a dot that is decided by the type of what stands before it: the text up to there is checked as a unit that is closed for the
//! purpose, and forgotten. Else all names that are known, of the session, the universe, standard packages, keywords, and those that the
//! text itself contains.

use checker::typed::TypedProgram;
use checker::types::TypeId;
use golite::session::Session;
use lexer::TokenKind;
use parser::ast::Interner;
use std::collections::BTreeSet;

/// Where the word at `place` begins, and what it could be.
pub fn candidates(session: &mut Session, text: &str, place: usize) -> (usize, Vec<String>) {
    let before = &text[..place];
    let start = word_start(before);
    let word = &before[start..];
    let mut names = match before[..start].strip_suffix('.') {
        Some(rest) => members(session, rest),
        None if rest_is_literal(before) => BTreeSet::new(),
        None => known_names(session, text),
    };
    names.retain(|name| name.starts_with(word) && name != word);
    (start, names.into_iter().collect())
}

fn word_start(text: &str) -> usize {
    text.char_indices()
        .rev()
        .take_while(|(_, c)| c.is_alphanumeric() || *c == '_')
        .last()
        .map_or(text.len(), |(at, _)| at)
}

/// Is the end of the text inside a string, a rune or a comment?
fn rest_is_literal(text: &str) -> bool {
    let lexed = lexer::lex(text);
    let in_comment = |comment: &lexer::Comment| comment.end as usize == text.len();
    lexed.comments.last().is_some_and(in_comment)
        || lexed
            .errors
            .iter()
            .any(|error| error.message.ends_with("not terminated"))
}

fn known_names(session: &Session, text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in session.checker().entries() {
        names.insert(session.names().text(entry.name).to_owned());
    }
    names.extend(checker::predeclared().map(str::to_owned));
    names.extend(TokenKind::keywords().map(str::to_owned));
    names.extend(session.package_names().map(str::to_owned));
    for token in lexer::lex(text).tokens {
        if token.kind == TokenKind::Ident {
            let (start, end) = (token.start as usize, token.end as usize);
            names.insert(text[start..end].to_owned());
        }
    }
    names.remove("_");
    names
}

/// What has a dot before it: members of what stands before the dot.
fn members(session: &mut Session, text: &str) -> BTreeSet<String> {
    let start = operand_start(text);
    let operand = &text[start..];
    if operand.is_empty() {
        return BTreeSet::new();
    }
    if !session.is_declared(operand)
        && let Some(names) = session.exported_names(operand)
    {
        return names;
    }
    // As it stands, and as the head of a statement that has a block.
    for end in ["", " {}"] {
        let closed = format!("{text}{end}{}", closing(text));
        if let Some(typ) = session.type_at(&closed, start..text.len()) {
            return members_of(session.typed(), session.names(), typ);
        }
    }
    BTreeSet::new()
}

/// Where the operand begins that the text ends with: names, dots, and what stands in brackets.
fn operand_start(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = bytes.len();
    let mut depth = 0usize;
    while at > 0 {
        let byte = bytes[at - 1];
        match byte {
            b')' | b']' | b'}' => depth += 1,
            b'(' | b'[' | b'{' if depth == 0 => break,
            b'(' | b'[' | b'{' => depth -= 1,
            _ if depth > 0 => {}
            b'.' | b'_' => {}
            b'"' | b'`' => match text[..at - 1].rfind(byte as char) {
                Some(begin) => at = begin + 1,
                None => break,
            },
            _ if byte.is_ascii_alphanumeric() || !byte.is_ascii() => {}
            _ => break,
        }
        at -= 1;
    }
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// The brackets that are open at the end of the text, closed.
fn closing(text: &str) -> String {
    let mut open = Vec::new();
    for token in lexer::lex(text).tokens {
        match token.kind {
            TokenKind::LeftParen => open.push(")"),
            TokenKind::LeftBracket => open.push("]"),
            TokenKind::LeftBrace => open.push("\n}"),
            TokenKind::RightParen | TokenKind::RightBracket | TokenKind::RightBrace => {
                open.pop();
            }
            _ => {}
        }
    }
    open.into_iter().rev().collect()
}

/// The fields and methods of values of a type, those of embedded fields among them.
fn members_of(typed: &TypedProgram, names: &Interner, typ: TypeId) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let visible = |package: Option<checker::types::PackageId>| {
        package.is_none_or(|package| package == typed.main)
    };
    let types = &typed.types;
    let base = types.as_pointer(typ).unwrap_or(typ);
    let mut sets = vec![typ];
    if !types.is_interface(base) {
        sets.push(types.canonical(types.pointer(types.canonical(base))));
    }
    for set in sets {
        for method in typed.method_set(set, names) {
            if visible(method.package) {
                found.insert(names.text(method.name).to_owned());
            }
        }
    }
    let mut seen = BTreeSet::new();
    let mut work = vec![base];
    while let Some(next) = work.pop() {
        let next = types.as_pointer(next).unwrap_or(next);
        if !seen.insert(types.canonical(next)) {
            continue;
        }
        for field in types.as_struct(next).into_iter().flatten() {
            if visible(field.package) {
                found.insert(names.text(field.name).to_owned());
            }
            if field.embedded {
                work.push(field.typ);
            }
        }
    }
    if let checker::types::Type::Interface(interface) = types.underlying(base) {
        for method in &interface.methods {
            found.insert(names.text(method.name).to_owned());
        }
    }
    found.remove("_");
    found
}
