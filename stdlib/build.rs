//! Makes the outline of the standard packages: for each file its top-level declarations, what they declare and which names
//! they mention. `src/outline.rs` says what it is for.

use lexer::{Comment, Token, TokenKind, lex};
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
    mentions: Mentions,
    always: bool,
}

/// The names that stand in a unit, by what they can lead to.
#[derive(Default)]
struct Mentions {
    /// Names that stand alone: of what the package declares, or of an import.
    bare: BTreeSet<String>,
    /// Names behind a name and a dot, which is a package if the first is the name of an import.
    qualified: BTreeSet<(String, String)>,
    /// Names behind any other dot, and the methods of interface types.
    members: BTreeSet<String>,
}

/// A file, read and cut.
struct Source {
    path: PathBuf,
    /// What the compiler is given.
    copy: PathBuf,
    units: Vec<Unit>,
    /// The number of its first unit among all.
    first: usize,
}

/// A package: its files, and its units by what they declare, methods left out.
struct Package {
    path: String,
    files: Vec<Source>,
    declared: BTreeMap<String, Vec<usize>>,
    always: Vec<usize>,
}

fn main() {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("src");
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=build.rs");
    let mut paths: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    collect(&root, &root, &mut paths);

    let target = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    let mut packages: Vec<Package> = Vec::new();
    let (mut count, mut copies) = (0, 0);
    for (path, files) in paths {
        let mut package = Package {
            path,
            files: Vec::new(),
            declared: BTreeMap::new(),
            always: Vec::new(),
        };
        for path in files {
            let text = fs::read_to_string(&path).expect("a readable file");
            let units = units(&text);
            // The compiler is given the very text that was outlined, whatever becomes of the file meanwhile.
            let copy = target.join(format!("{copies}.gl"));
            copies += 1;
            fs::write(&copy, &text).expect("a writable folder");
            for (index, unit) in units.iter().enumerate() {
                if unit.always {
                    package.always.push(count + index);
                }
                if unit.receiver.is_none() && unit.import.is_none() {
                    for name in &unit.names {
                        let of_name = package.declared.entry(name.clone()).or_default();
                        of_name.push(count + index);
                    }
                }
            }
            let first = count;
            count += units.len();
            package.files.push(Source {
                path,
                copy,
                units,
                first,
            });
        }
        packages.push(package);
    }
    assert!(
        count < usize::from(u16::MAX),
        "numbers of units are 16 bits"
    );
    let out = table(&root, &packages);
    fs::write(target.join("outline.rs"), out).expect("a writable folder");
}

/// The tables of `src/outline.rs`, as Rust.
fn table(root: &Path, packages: &[Package]) -> String {
    let every = || {
        let files = packages.iter().flat_map(|package| &package.files);
        files.flat_map(|file| (file.first..).zip(&file.units))
    };
    let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, unit) in every() {
        if unit.receiver.is_some() {
            members.entry(&unit.names[0]).or_default().push(number);
        }
    }
    // Of the names behind dots only those of methods lead anywhere.
    let member_index: BTreeMap<&str, usize> = members
        .keys()
        .enumerate()
        .map(|(i, name)| (*name, i))
        .collect();
    let by_path: BTreeMap<&str, usize> = packages
        .iter()
        .enumerate()
        .map(|(i, package)| (package.path.as_str(), i))
        .collect();

    let mut files = String::new();
    let mut units = String::new();
    for (index, package) in packages.iter().enumerate() {
        let mut methods: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for file in &package.files {
            for (number, unit) in (file.first..).zip(&file.units) {
                for &receiver in receiver_units(package, unit) {
                    methods.entry(receiver).or_default().push(number);
                }
            }
        }
        for file in &package.files {
            let name = file.path.strip_prefix(root).expect("a file below src");
            let _ = writeln!(
                files,
                "FileOutline {{ package: {index}, name: {:?}, text: include_str!({:?}), first: {}, count: {} }},",
                name.display().to_string(),
                file.copy.display().to_string(),
                file.first,
                file.units.len(),
            );
            for (number, unit) in (file.first..).zip(&file.units) {
                let uses = uses(packages, &by_path, package, file, unit);
                let selected = members_mentioned(file, unit);
                let selected: Vec<usize> = selected
                    .into_iter()
                    .filter_map(|name| member_index.get(name).copied())
                    .collect();
                let import = unit.import.as_deref().and_then(|path| by_path.get(path));
                let method = unit
                    .receiver
                    .as_ref()
                    .map(|_| member_index[unit.names[0].as_str()]);
                let none = Vec::new();
                let _ = writeln!(
                    units,
                    "Unit {{ start: {}, end: {}, package: {index}, uses: &{:?}, members: &{:?}, methods: &{:?}, \
                     receiver: {:?}, method: {method:?}, import: {import:?} }},",
                    unit.start,
                    unit.end,
                    uses,
                    selected,
                    methods.get(&number).unwrap_or(&none),
                    receiver_units(package, unit).first(),
                );
            }
        }
    }
    let mut out =
        String::from("/// Every package, by path.\npub static PACKAGES: &[PackageOutline] = &[\n");
    for package in packages {
        let _ = write!(
            out,
            "PackageOutline {{ path: {:?}, always: &{:?}, declared: &[",
            package.path, package.always
        );
        for (name, numbers) in &package.declared {
            let _ = write!(out, "({name:?}, &{numbers:?}), ");
        }
        let _ = writeln!(out, "] }},");
    }
    let _ = write!(
        out,
        "];\n/// Every file.\npub static FILES: &[FileOutline] = &[\n{files}];\n\
         /// Every unit, file by file.\npub static UNITS: &[Unit] = &[\n{units}];\n\
         /// Every method's name, and the methods of that name.\npub static MEMBERS: &[(&str, &[u16])] = &[\n"
    );
    for (name, numbers) in &members {
        let _ = writeln!(out, "({name:?}, &{numbers:?}),");
    }
    out.push_str("];\n");
    out
}

/// What declares the type that a method belongs to.
fn receiver_units<'a>(package: &'a Package, unit: &Unit) -> &'a [usize] {
    let receiver = unit.receiver.as_ref();
    receiver.map_or(&[], |name| {
        package.declared.get(name).map_or(&[], Vec::as_slice)
    })
}

/// The names in a unit that may be those of methods. Behind the name of an import, a name is none, unless the unit declares something
/// by the import's name: then that name stands alone somewhere.
fn members_mentioned<'a>(file: &Source, unit: &'a Unit) -> BTreeSet<&'a str> {
    let is_import = |name: &String| {
        let mut imports = file.units.iter().filter(|unit| unit.import.is_some());
        imports.any(|import| import.names[0] == *name)
    };
    let mentions = &unit.mentions;
    let qualified = mentions.qualified.iter();
    let members = qualified.filter(|(first, _)| !is_import(first) || mentions.bare.contains(first));
    let members = members.map(|(_, name)| name.as_str());
    members
        .chain(mentions.members.iter().map(String::as_str))
        .collect()
}

/// The units that are needed when this one is.
fn uses(
    packages: &[Package],
    by_path: &BTreeMap<&str, usize>,
    package: &Package,
    file: &Source,
    unit: &Unit,
) -> Vec<usize> {
    let mut uses = BTreeSet::new();
    let imports = || {
        (file.first..)
            .zip(&file.units)
            .filter(|(_, unit)| unit.import.is_some())
    };
    let qualifiers = unit.mentions.qualified.iter().map(|(first, _)| first);
    for name in unit.mentions.bare.iter().chain(qualifiers) {
        uses.extend(package.declared.get(name).into_iter().flatten());
        uses.extend(
            imports()
                .filter(|(_, import)| import.names[0] == *name)
                .map(|(number, _)| number),
        );
    }
    for (first, name) in &unit.mentions.qualified {
        let mut imported = imports().filter(|(_, import)| import.names[0] == *first);
        let path = imported
            .next()
            .and_then(|(_, import)| import.import.as_deref());
        if let Some(of_path) = path.and_then(|path| by_path.get(path)) {
            uses.extend(packages[*of_path].declared.get(name).into_iter().flatten());
        }
    }
    uses.into_iter().collect()
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
    let lexed = lex(text);
    let tokens = lexed.tokens;
    let mut units: Vec<Unit> = Vec::new();
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
    take_comments(&mut units, &tokens, &lexed.comments);
    units
}

/// Comments before a unit go where it goes.
fn take_comments(units: &mut [Unit], tokens: &[Token], comments: &[Comment]) {
    for unit in units {
        let token = tokens.partition_point(|token| token.start < unit.start);
        let before = if token == 0 { 0 } else { tokens[token - 1].end };
        let comment = comments.partition_point(|comment| comment.start < before);
        if let Some(comment) = comments.get(comment)
            && comment.start < unit.start
        {
            unit.start = comment.start;
        }
    }
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
    let mut mentions = Mentions::default();
    let is_function = tokens[0].kind == TokenKind::Func;
    // Of a group a specification begins with its name.
    let is_type = !is_function
        && tokens
            .iter()
            .any(|token| token.kind == TokenKind::LeftBrace)
        && {
            let at = usize::from(tokens[0].kind == TokenKind::Type) + 1;
            tokens
                .get(at)
                .is_some_and(|token| matches!(token.kind, TokenKind::Struct | TokenKind::Interface))
        };
    let has_interface = tokens
        .iter()
        .any(|token| token.kind == TokenKind::Interface);
    let kind = |index: usize| tokens.get(index).map(|token| token.kind);
    for (index, token) in tokens.iter().enumerate() {
        if token.kind != TokenKind::Ident {
            continue;
        }
        let name = token.text(text).to_string();
        let behind_dot = |index: usize| index > 0 && kind(index - 1) == Some(TokenKind::Dot);
        if behind_dot(index) {
            let first = tokens.get(index.wrapping_sub(2));
            match first.filter(|first| first.kind == TokenKind::Ident && !behind_dot(index - 2)) {
                Some(first) => {
                    let first = first.text(text).to_string();
                    mentions.qualified.insert((first, name));
                }
                None => {
                    mentions.members.insert(name);
                }
            }
            continue;
        }
        let first = index > 0
            && kind(index - 1)
                .is_some_and(|kind| kind == TokenKind::LeftBrace || kind.is_semicolon());
        let next = kind(index + 1);
        if has_interface && next == Some(TokenKind::LeftParen) {
            mentions.members.insert(name.clone());
            if first && is_type {
                continue;
            }
        }
        // What a field is called leads nowhere; an embedded one is its type's name.
        let types = [
            TokenKind::Ident,
            TokenKind::Star,
            TokenKind::Comma,
            TokenKind::Func,
            TokenKind::Map,
            TokenKind::Chan,
            TokenKind::Struct,
            TokenKind::Interface,
        ];
        if is_type && first && next.is_some_and(|next| types.contains(&next)) {
            continue;
        }
        let qualifies =
            kind(index + 1) == Some(TokenKind::Dot) && kind(index + 2) == Some(TokenKind::Ident);
        if !qualifies {
            mentions.bare.insert(name);
        }
    }
    let (start, end) = (tokens[0].start, tokens[tokens.len() - 1].end);
    Unit {
        start,
        end,
        names,
        receiver: None,
        import: None,
        mentions,
        always: false,
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
    import.mentions = Mentions::default();
    import.import = Some(path);
    import.always = import.names[0] == "_";
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
    let mut function = unit(text, tokens, vec![name.clone()]);
    let is_name = |token: &Token| token.kind == TokenKind::Ident && token.text(text) == name;
    if tokens.iter().filter(|token| is_name(token)).count() == 1 {
        // The name of a method is none of a function.
        function.mentions.bare.remove(&name);
    }
    function.receiver = receiver;
    function.always = is_init;
    function
}
