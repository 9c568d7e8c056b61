//! Makes the outline of the standard packages: for each file its top-level declarations, what they declare and which names
//! they mention. `src/outline.rs` says what it is for.

use lexer::{Token, TokenKind, lex};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// A piece of a file that is kept or left out as a whole.
struct Unit {
    start: u32,
    end: u32,
    names: Vec<String>,
    receiver: Option<String>,
    import: Option<String>,
    references: BTreeSet<String>,
    always: bool,
}

fn main() {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("src");
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=build.rs");
    let mut packages: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    collect(&root, &root, &mut packages);

    let target = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    let mut files = Vec::new();
    let mut names = BTreeSet::new();
    for (package, paths) in &packages {
        for path in paths {
            let text = fs::read_to_string(path).expect("a readable file");
            let units = units(&text);
            for unit in &units {
                names.extend(
                    unit.names
                        .iter()
                        .chain(&unit.receiver)
                        .chain(&unit.references)
                        .cloned(),
                );
            }
            // The compiler is given the very text that was outlined, whatever becomes of the file meanwhile.
            let copy = target.join(format!("{}.gl", files.len()));
            fs::write(&copy, &text).expect("a writable folder");
            files.push((package.clone(), path.clone(), copy, units));
        }
    }
    let index: BTreeMap<&String, usize> = names
        .iter()
        .enumerate()
        .map(|(i, name)| (name, i))
        .collect();
    let list = |names: &mut dyn Iterator<Item = &String>| {
        names
            .map(|name| index[name].to_string())
            .collect::<Vec<_>>()
            .join(",")
    };
    let mut out = String::new();
    let _ = writeln!(
        out,
        "/// Every name that is declared or mentioned, sorted.\npub static NAMES: &[&str] = &["
    );
    for name in &names {
        let _ = writeln!(out, "{name:?},");
    }
    let _ = writeln!(
        out,
        "];\n/// Every file.\npub static FILES: &[FileOutline] = &["
    );
    for (package, path, copy, units) in &files {
        let name = path
            .strip_prefix(&root)
            .expect("a file below src")
            .display()
            .to_string();
        let _ = writeln!(
            out,
            "FileOutline {{ package: {package:?}, name: {name:?}, text: include_str!({:?}), units: &[",
            copy.display().to_string()
        );
        for unit in units {
            let _ = writeln!(
                out,
                "Unit {{ start: {}, end: {}, names: &[{}], receiver: {:?}, import: {:?}, references: &[{}], always: {} }},",
                unit.start,
                unit.end,
                list(&mut unit.names.iter()),
                unit.receiver.as_ref().map(|name| index[name] as u16),
                unit.import,
                list(&mut unit.references.iter()),
                unit.always
            );
        }
        let _ = writeln!(out, "] }},");
    }
    let _ = writeln!(out, "];");
    fs::write(target.join("outline.rs"), out).expect("a writable folder");
}

fn collect(root: &Path, folder: &Path, packages: &mut BTreeMap<String, Vec<PathBuf>>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a readable folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(root, &path, packages);
        } else if path.extension().is_some_and(|extension| extension == "gl") {
            let package = folder
                .strip_prefix(root)
                .expect("a folder below src")
                .display()
                .to_string();
            packages.entry(package).or_default().push(path);
        }
    }
}

/// The units of a file. What is in none of them (the package clause, the words and brackets of groups) is always kept.
fn units(text: &str) -> Vec<Unit> {
    let tokens = lex(text).tokens;
    let mut units = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let end = statement_end(&tokens, at);
        let declaration = &tokens[at..end];
        at = (end + 1).max(at + 1);
        let Some(first) = declaration.first() else {
            continue;
        };
        match first.kind {
            TokenKind::Func => units.push(function(text, declaration)),
            TokenKind::Const if is_group(declaration) => {
                let specs = specs(&declaration[2..declaration.len() - 1]);
                let mut names = Vec::new();
                for spec in specs {
                    names.extend(declared(text, spec));
                }
                units.push(unit(text, declaration, names));
            }
            TokenKind::Import | TokenKind::Type | TokenKind::Var if is_group(declaration) => {
                for spec in specs(&declaration[2..declaration.len() - 1]) {
                    units.push(specification(text, first.kind, spec));
                }
            }
            TokenKind::Import | TokenKind::Type | TokenKind::Var | TokenKind::Const => {
                let mut one = specification(text, first.kind, &declaration[1..]);
                one.start = first.start;
                units.push(one);
            }
            _ => {}
        }
    }
    units
}

/// The index of the semicolon that ends the statement at `at`.
fn statement_end(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0usize;
    for (offset, token) in tokens[at..].iter().enumerate() {
        match token.kind {
            TokenKind::LeftParen | TokenKind::LeftBracket | TokenKind::LeftBrace => depth += 1,
            TokenKind::RightParen | TokenKind::RightBracket | TokenKind::RightBrace => {
                depth = depth.saturating_sub(1)
            }
            kind if depth == 0 && kind.is_semicolon() => return at + offset,
            _ => {}
        }
    }
    tokens.len()
}

fn is_group(declaration: &[Token]) -> bool {
    declaration
        .get(1)
        .is_some_and(|token| token.kind == TokenKind::LeftParen)
}

fn specs(tokens: &[Token]) -> Vec<&[Token]> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let end = statement_end(tokens, at);
        if end > at {
            out.push(&tokens[at..end]);
        }
        at = end + 1;
    }
    out
}

/// The names before the type or the `=` of a const or var specification, or the one name of a type.
fn declared(text: &str, spec: &[Token]) -> Vec<String> {
    let mut names = Vec::new();
    for pair in spec.chunks(2) {
        if pair[0].kind != TokenKind::Ident {
            break;
        }
        names.push(pair[0].text(text).to_string());
        if pair
            .get(1)
            .is_none_or(|token| token.kind != TokenKind::Comma)
        {
            break;
        }
    }
    names
}

fn unit(text: &str, tokens: &[Token], names: Vec<String>) -> Unit {
    let references = tokens
        .iter()
        .filter(|token| token.kind == TokenKind::Ident)
        .map(|token| token.text(text).to_string())
        .collect();
    let always = names.iter().any(|name| name == "_");
    let (start, end) = (tokens[0].start, tokens[tokens.len() - 1].end);
    Unit {
        start,
        end,
        names,
        receiver: None,
        import: None,
        references,
        always,
    }
}

fn specification(text: &str, keyword: TokenKind, spec: &[Token]) -> Unit {
    if keyword != TokenKind::Import {
        return unit(text, spec, declared(text, spec));
    }
    let path = spec[spec.len() - 1]
        .text(text)
        .trim_matches('"')
        .to_string();
    let name = match spec {
        [name, _] => name.text(text).to_string(),
        _ => path.rsplit('/').next().unwrap_or_default().to_string(),
    };
    let mut import = unit(text, spec, vec![name]);
    import.references.clear();
    import.import = Some(path);
    import
}

fn function(text: &str, tokens: &[Token]) -> Unit {
    let mut receiver = None;
    let mut at = 1;
    if tokens[at].kind == TokenKind::LeftParen {
        let mut in_arguments = false;
        while tokens[at].kind != TokenKind::RightParen {
            in_arguments |= tokens[at].kind == TokenKind::LeftBracket;
            if tokens[at].kind == TokenKind::Ident && !in_arguments {
                receiver = Some(tokens[at].text(text).to_string());
            }
            at += 1;
        }
        at += 1;
    }
    let name = tokens[at].text(text).to_string();
    let is_init = receiver.is_none() && name == "init";
    let mut function = unit(text, tokens, vec![name]);
    function.receiver = receiver;
    function.always |= is_init;
    function
}
