//! Rules about what the standard library expects of those who use it.

use crate::context::Context;
use checker::types::{Type, TypeId};
use diagnostics::TextRange;
use parser::ast::{Decl, DeclId, Expr, ExprId, InterfaceElement, Stmt};

const BAD_FORMAT: &str = "2006-02-01";
const GOOD_FORMAT: &str = "2006-01-02";

/// GO: passes/timeformat
pub(crate) fn timeformat(context: &mut Context<'_>) {
    for id in context.exprs.clone() {
        let called = context.function_called(id);
        if !matches!(called.as_deref(), Some("(time.Time).Format" | "time.Parse")) {
            continue;
        }
        let Some((_, &[format, ..], _)) = context.call(id) else {
            continue;
        };
        let Some(at) = context
            .constant_text(format)
            .and_then(|text| text.find(BAD_FORMAT))
        else {
            continue;
        };
        let mut range = context.ast.range(format);
        if matches!(context.ast.expr(format), Expr::StringLit { .. }) {
            // Behind the quote.
            range.start += at as u32 + 1;
        }
        context.report(range, format!("{BAD_FORMAT} should be {GOOD_FORMAT}"));
    }
}

/// Methods that packages look for: parameters, results. What has `=` before it says that the method is meant to be one of these.
const CANONICAL: &[(&str, &[&str], &[&str])] = &[
    ("As", &["any"], &["bool"]),
    ("Format", &["=fmt.State", "rune"], &[]),
    ("GobDecode", &["[]byte"], &["error"]),
    ("GobEncode", &[], &["[]byte", "error"]),
    ("Is", &["error"], &["bool"]),
    ("MarshalJSON", &[], &["[]byte", "error"]),
    (
        "MarshalXML",
        &["*xml.Encoder", "xml.StartElement"],
        &["error"],
    ),
    ("ReadByte", &[], &["byte", "error"]),
    ("ReadFrom", &["=io.Reader"], &["int64", "error"]),
    ("ReadRune", &[], &["rune", "int", "error"]),
    ("Scan", &["=fmt.ScanState", "rune"], &["error"]),
    ("Seek", &["=int64", "int"], &["int64", "error"]),
    ("UnmarshalJSON", &["[]byte"], &["error"]),
    (
        "UnmarshalXML",
        &["*xml.Decoder", "xml.StartElement"],
        &["error"],
    ),
    ("UnreadByte", &[], &["error"]),
    ("UnreadRune", &[], &["error"]),
    ("Unwrap", &[], &["error"]),
    ("WriteByte", &["byte"], &["error"]),
    ("WriteTo", &["=io.Writer"], &["int64", "error"]),
];

/// GO: passes/stdmethods
pub(crate) fn stdmethods(context: &mut Context<'_>) {
    for index in 0..context.ast.decl_count() {
        let id = DeclId::from_index(index);
        if let Decl::Func(function) = *context.ast.decl(id)
            && let Some(receiver) = function.receiver
            && context.package_at(context.ast.decl_range(id)).is_some()
        {
            let receiver = context.type_of(receiver.ty);
            method(context, function.name, function.ty, Some(receiver));
        }
    }
    for id in context.exprs.clone() {
        if let Expr::InterfaceType { elements } = *context.ast.expr(id) {
            for element in context.ast.list(elements) {
                if let InterfaceElement::Method { name, ty } = *element {
                    method(context, name, ty, None);
                }
            }
        }
    }
}

fn method(context: &mut Context<'_>, ident: ExprId, ty: ExprId, receiver: Option<TypeId>) {
    let Some(name) = context
        .ast
        .ident(ident)
        .map(|name| context.names.text(name))
    else {
        return;
    };
    let Some((_, wanted, results)) = CANONICAL.iter().find(|(other, ..)| *other == name) else {
        return;
    };
    let Expr::FuncType {
        params: parameters,
        results: own_results,
    } = *context.ast.expr(ty)
    else {
        return;
    };
    let texts = |list| -> Vec<String> {
        let list = context.ast.list(list).iter();
        list.map(|one: &parser::ast::Param| short_type(context, one.ty))
            .collect()
    };
    let (own, own_results) = (texts(parameters), texts(own_results));
    // One with more is not meant to be an io.WriterTo.
    if name == "WriteTo" && own.len() > 1 {
        return;
    }
    if matches!(name, "Is" | "As" | "Unwrap")
        && !receiver.is_some_and(|receiver| context.is_error(receiver))
    {
        return;
    }
    let range = context.ast.range(ident);
    if name == "Unwrap" {
        let fits = own.is_empty()
            && matches!(own_results.as_slice(), [one] if one == "error" || one == "[]error");
        if !fits {
            let message =
                "method Unwrap() should have signature Unwrap() error or Unwrap() []error";
            context.report(range, message);
        }
        return;
    }
    let fits = |wanted: &[&str], own: &[String], marked: bool| {
        let all = wanted.iter().enumerate().all(|(index, wanted)| {
            let (is_marked, wanted) = match wanted.strip_prefix('=') {
                Some(wanted) => (true, wanted),
                None => (false, *wanted),
            };
            marked && !is_marked || own.get(index).is_some_and(|own| own == wanted)
        });
        all && (marked || own.len() <= wanted.len())
    };
    if !fits(wanted, &own, true) || fits(wanted, &own, false) && fits(results, &own_results, false)
    {
        return;
    }
    let joined = |list: &[&str]| list.join(", ").replace('=', "");
    let results = match results {
        [] => String::new(),
        [one] => format!(" {one}"),
        more => format!(" ({})", joined(more)),
    };
    let actual = context.text(ty);
    let actual = actual.strip_prefix("func").unwrap_or(&actual);
    let actual = match actual.find('(') {
        Some(at) => &actual[at..],
        None => actual,
    };
    context.report(
        range,
        format!(
            "method {name}{actual} should have signature {name}({}){results}",
            joined(wanted)
        ),
    );
}

/// A type with the names of packages, not their paths.
fn short_type(context: &Context<'_>, ty: ExprId) -> String {
    let full = context.type_name(context.type_of(ty));
    let mut short = String::with_capacity(full.len());
    let mut word = String::new();
    let flush = |word: &mut String, short: &mut String| {
        let last = word.rsplit('/').next().unwrap_or(word);
        short.push_str(match last {
            "uint8" => "byte",
            "int32" => "rune",
            other => other,
        });
        word.clear();
    };
    for c in full.chars() {
        if c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '-' | '~') {
            word.push(c);
        } else {
            flush(&mut word, &mut short);
            short.push(c);
        }
    }
    flush(&mut word, &mut short);
    short
        .replace("interface {}", "any")
        .replace("interface{}", "any")
}

/// GO: passes/ifaceassert
pub(crate) fn ifaceassert(context: &mut Context<'_>) {
    let mut asserted: Vec<(ExprId, ExprId)> = Vec::new();
    for &id in &context.exprs {
        if let Expr::TypeAssert { operand, ty } = *context.ast.expr(id) {
            asserted.push((operand, ty));
        }
    }
    for &id in &context.stmts {
        if let Stmt::TypeSwitch { operand, cases, .. } = *context.ast.stmt(id) {
            for clause in context.ast.list(cases) {
                let types = context.ast.list(clause.values).iter();
                asserted.extend(types.map(|ty| (operand, *ty)));
            }
        }
    }
    for (operand, target) in asserted {
        let (from, to) = (context.type_of(operand), context.type_of(target));
        if let Some(name) = conflict(context, from, to) {
            let message = format!(
                "impossible type assertion: no type can implement both {} and {} (conflicting types for {name} method)",
                context.type_name(from),
                context.type_name(to),
            );
            let range: TextRange = context.ast.range(target);
            context.report(range, message);
        }
    }
}

/// A method that both interfaces have, with different types.
fn conflict(context: &Context<'_>, from: TypeId, to: TypeId) -> Option<String> {
    let types = &context.typed.types;
    if types.is_type_parameter(from) || types.is_type_parameter(to) {
        return None;
    }
    let (Type::Interface(from), Type::Interface(to)) =
        (types.underlying(from), types.underlying(to))
    else {
        return None;
    };
    let differs = |method: &&checker::types::InterfaceMethod| {
        let same = |other: &&checker::types::InterfaceMethod| {
            other.name == method.name && other.package == method.package
        };
        let other = from.methods.iter().find(same);
        other.is_some_and(|other| !types.identical(other.signature, method.signature))
    };
    let method = to.methods.iter().find(differs)?;
    Some(context.names.text(method.name).to_owned())
}
