//! Tags of struct fields. GO: passes/structtag

use crate::context::Context;
use checker::types::{Field, Type};
use diagnostics::TextRange;
use parser::ast::{Expr, ExprId};
use rustc_hash::FxHashMap;

/// The rule.
pub(crate) fn structtag(context: &mut Context<'_>) {
    for id in context.exprs.clone() {
        let Expr::StructType { fields: list } = *context.ast.expr(id) else {
            continue;
        };
        let Type::Struct(fields) = context.typed.types.underlying(context.type_of(id)) else {
            continue;
        };
        let mut seen = FxHashMap::default();
        for (field, syntax) in fields.iter().zip(context.ast.list(list)) {
            let place = syntax.name.map_or_else(
                || embedded_name(context, syntax.ty),
                |name| context.ast.range(name),
            );
            check(context, field, place, &mut seen);
        }
    }
}

/// Where the name of an embedded field's type stands.
fn embedded_name(context: &Context<'_>, mut ty: ExprId) -> TextRange {
    loop {
        match *context.ast.expr(ty) {
            Expr::Star(inner) | Expr::Paren(inner) => ty = inner,
            Expr::Selector { name, .. } => ty = name,
            Expr::Index { operand, .. } => ty = operand,
            _ => return context.ast.range(ty),
        }
    }
}

/// Key, name and depth, and where such a tag was first.
type Seen = FxHashMap<(String, String, usize), TextRange>;

fn check(context: &mut Context<'_>, field: &Field, place: TextRange, seen: &mut Seen) {
    let tag = field.tag.as_deref().unwrap_or("");
    for key in ["json", "xml"] {
        duplicates(context, field, tag, key, place, seen, 1);
    }
    if let Err(error) = validate(tag) {
        let quoted = match tag.contains('`') {
            true => format!("{tag:?}"),
            false => format!("`{tag}`"),
        };
        let message =
            format!("struct field tag {quoted} not compatible with reflect.StructTag.Get: {error}");
        context.report(place, message);
    }
    if field.embedded || field.exported {
        return;
    }
    for key in ["json", "xml"] {
        if value_of(tag, key).is_some_and(|value| !value.is_empty() && value != "-") {
            let name = context.names.text(field.name);
            let message = format!("struct field {name} has {key} tag but is not exported");
            context.report(place, message);
            return;
        }
    }
}

fn duplicates(
    context: &mut Context<'_>,
    field: &Field,
    tag: &str,
    key: &str,
    place: TextRange,
    seen: &mut Seen,
    depth: usize,
) {
    let value = value_of(tag, key).unwrap_or_default();
    if value == "-" || depth > 100 {
        return;
    }
    if value.is_empty() || value.starts_with(',') {
        if !field.embedded {
            return;
        }
        let Type::Struct(fields) = context.typed.types.underlying(field.typ) else {
            return;
        };
        for inner in fields.iter().filter(|inner| inner.exported) {
            let tag = inner.tag.as_deref().unwrap_or("");
            duplicates(context, inner, tag, key, place, seen, depth + 1);
        }
        return;
    }
    if key == "xml" && context.names.text(field.name) == "XMLName" {
        return;
    }
    let (name, options) = value.split_once(',').unwrap_or((&value, ""));
    let is_attribute = key == "xml" && options.split(',').any(|option| option == "attr");
    let key = if is_attribute { "xml attribute" } else { key };
    let place_key = (key.to_owned(), name.to_owned(), depth);
    match seen.get(&place_key) {
        Some(&first) => {
            let file = context.sources.file(first.file).name();
            let file = file.rsplit('/').next().unwrap_or(file);
            let line = context.sources.line_column(first).line;
            let field = context.names.text(field.name);
            let message =
                format!("struct field {field} repeats {key} tag {name:?} also at {file}:{line}");
            context.report(place, message);
        }
        None => {
            seen.insert(place_key, place);
        }
    }
}

/// The value of a key in a tag, as reflection finds it.
fn value_of(tag: &str, key: &str) -> Option<String> {
    let mut rest = tag;
    loop {
        rest = rest.trim_start_matches(' ');
        let end = rest.find(|c: char| c <= ' ' || c == ':' || c == '"' || c == '\x7f')?;
        let (name, behind) = rest.split_at(end);
        let quoted = behind.strip_prefix(':').filter(|_| end > 0)?;
        let length = quoted_length(quoted)?;
        if name == key {
            return unquoted(&quoted[..length]);
        }
        rest = &quoted[length..];
    }
}

/// How long the quoted text is that something begins with.
fn quoted_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    while *bytes.get(at)? != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    Some(at + 1)
}

/// What a quoted text means, as far as tags go: escapes of single characters.
fn unquoted(text: &str) -> Option<String> {
    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = String::new();
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        if c == '\n' {
            return None;
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            c @ ('\\' | '"') => out.push(c),
            'a' | 'b' | 'f' | 'v' => out.push('?'),
            'x' => {
                let digits: String = chars.by_ref().take(2).collect();
                let byte = u8::from_str_radix(&digits, 16).ok()?;
                out.push(char::from(byte));
            }
            _ => return None,
        }
    }
    Some(out)
}

/// GO: passes/structtag validateStructTag
fn validate(mut tag: &str) -> Result<(), &'static str> {
    const SYNTAX: &str = "bad syntax for struct tag pair";
    const KEY: &str = "bad syntax for struct tag key";
    const VALUE: &str = "bad syntax for struct tag value";
    const SPACE: &str = "suspicious space in struct tag value";
    let mut first = true;
    while !tag.is_empty() {
        if !std::mem::take(&mut first) && !tag.starts_with(' ') {
            return Err("key:\"value\" pairs not separated by spaces");
        }
        tag = tag.trim_start_matches(' ');
        if tag.is_empty() {
            break;
        }
        let end = tag
            .find(|c: char| c <= ' ' || c == ':' || c == '"' || c == '\x7f')
            .unwrap_or(tag.len());
        if end == 0 {
            return Err(KEY);
        }
        let behind = &tag[end..];
        if behind.len() < 2 || !behind.starts_with(':') {
            return Err(SYNTAX);
        }
        let key = &tag[..end];
        let Some(length) = quoted_length(&behind[1..]) else {
            return Err(VALUE);
        };
        let quoted = &behind[1..=length];
        tag = &behind[1 + length..];
        let Some(value) = unquoted(quoted) else {
            return Err(VALUE);
        };
        let options = match key {
            "xml" => {
                if value.trim_matches(' ') != value || value.matches(' ').count() > 1 {
                    return Err(SPACE);
                }
                match value.split_once(',') {
                    None => continue,
                    Some((name, _)) if name.ends_with(' ') => return Err(SPACE),
                    Some((_, options)) => options.to_owned(),
                }
            }
            "json" => match value.split_once(',') {
                None => continue,
                Some((_, options)) => options.to_owned(),
            },
            "asn1" => value,
            _ => continue,
        };
        if options.contains(' ') {
            return Err(SPACE);
        }
    }
    Ok(())
}
