//! Rules about the use of certain packages: log/slog, net, net/http; about literals of structs of other packages, and about directives.

use crate::context::Context;
use crate::testing::definition;
use checker::types::{Type, TypeId};
use diagnostics::TextRange;
use parser::ast::{Expr, ExprId, Stmt, StmtId};

/// Types whose fields will never be more. GO: passes/composite/whitelist.go
const FROZEN: &[&str] = &[
    "image/color.Alpha16",
    "image/color.Alpha",
    "image/color.CMYK",
    "image/color.Gray16",
    "image/color.Gray",
    "image/color.NRGBA64",
    "image/color.NRGBA",
    "image/color.NYCbCrA",
    "image/color.RGBA64",
    "image/color.RGBA",
    "image/color.YCbCr",
    "image.Point",
    "image.Rectangle",
    "image.Uniform",
    "unicode.Range16",
    "unicode.Range32",
    "testing.InternalBenchmark",
    "testing.InternalExample",
    "testing.InternalTest",
    "testing.InternalFuzzTarget",
];

/// GO: passes/composite
pub(crate) fn composites(context: &mut Context<'_>) {
    for id in context.exprs.clone() {
        let Expr::CompositeLit { elements, .. } = *context.ast.expr(id) else {
            continue;
        };
        let elements = context.ast.list(elements);
        let is_keyed =
            |element: &ExprId| matches!(context.ast.expr(*element), Expr::KeyValue { .. });
        if elements.is_empty() || elements.iter().any(is_keyed) {
            continue;
        }
        let typ = context.type_of(id);
        let types = &context.typed.types;
        let base = types.as_pointer(typ).unwrap_or(typ);
        if !matches!(types.underlying(base), Type::Struct(_)) {
            continue;
        }
        let Some((package, _)) = context.named(base) else {
            continue;
        };
        let range = context.ast.range(id);
        let own = context.package_at(range);
        let own = own.map_or("", |own| context.typed.package(own).path.as_str());
        let plain = |path: &str| path.strip_suffix("_test").unwrap_or(path).to_owned();
        if plain(package) == plain(own) {
            continue;
        }
        let name = context.type_name(typ);
        if !FROZEN.contains(&name.as_str()) {
            context.report(range, format!("{name} struct literal uses unkeyed fields"));
        }
    }
}

// ---- net/http, net ----

/// GO: passes/httpresponse
pub(crate) fn httpresponse(context: &mut Context<'_>) {
    for index in 0..context.ast.block_count() {
        let block = parser::ast::BlockId::from_index(index);
        if context.package_at(context.ast.block(block).range).is_none() {
            continue;
        }
        let statements = context.ast.statements(block).to_vec();
        for pair in statements.windows(2) {
            response_before_error(context, pair[0], pair[1]);
        }
    }
}

fn response_before_error(context: &mut Context<'_>, first: StmtId, second: StmtId) {
    let (Stmt::Define { lhs, rhs, .. } | Stmt::Assign { lhs, rhs, .. }) = *context.ast.stmt(first)
    else {
        return;
    };
    let Stmt::Defer { call } = *context.ast.stmt(second) else {
        return;
    };
    let (&[response, ..], &[value]) = (context.ast.list(lhs), context.ast.list(rhs)) else {
        return;
    };
    let Some((callee, ..)) = context.call(call) else {
        return;
    };
    if !asks_server(context, context.ast.unparen(value)) {
        return;
    }
    let (Some(response), Some(used)) = (root(context, response), root(context, callee)) else {
        return;
    };
    let (one, other) = (
        context.typed.object_of(response),
        context.typed.object_of(used),
    );
    if one.is_some() && one == other {
        let name = context.text(response);
        let message = format!("using {name} before checking for errors");
        context.report(context.ast.range(used), message);
    }
}

/// Is it a call of a function of net/http, or of a method of its client, that gives a response and an error?
fn asks_server(context: &Context<'_>, id: ExprId) -> bool {
    let Some(name) = context.function_called(id) else {
        return false;
    };
    let is_asking = name.starts_with("net/http.") || name.starts_with("(*net/http.Client).");
    let Some((callee, ..)) = context.call(id) else {
        return false;
    };
    let Some(signature) = context.signature(context.type_of(callee)) else {
        return false;
    };
    let types = &context.typed.types;
    is_asking
        && matches!(&signature.results[..], [response, error]
        if types.identical(error.typ, TypeId::ERROR)
            && types.as_pointer(response.typ).is_some_and(|base| {
                context.named(base) == Some(("net/http", "Response"))
            }))
}

/// x of `x.y.z`.
fn root(context: &Context<'_>, mut id: ExprId) -> Option<ExprId> {
    loop {
        match *context.ast.expr(id) {
            Expr::Selector { operand, .. } => id = operand,
            Expr::Ident(_) => return Some(id),
            _ => return None,
        }
    }
}

/// GO: passes/hostport
pub(crate) fn hostport(context: &mut Context<'_>) {
    for id in context.exprs.clone() {
        let dials = context.function_called(id).is_some_and(|name| {
            matches!(
                name.as_str(),
                "net.Dial" | "net.DialTimeout" | "(*net.Dialer).Dial"
            )
        });
        let Some((_, args, _)) = context.call(id) else {
            continue;
        };
        let (true, Some(&address)) = (dials, args.get(1)) else {
            continue;
        };
        match *context.ast.expr(address) {
            Expr::Call { .. } if args.len() == 2 => address_format(context, address, None),
            Expr::Ident(_) => {
                let object = context.typed.object_of(address);
                let found = object.and_then(|object| definition(context, object));
                if let Some((true, value)) = found {
                    address_format(context, value, Some(id));
                }
            }
            _ => {}
        }
    }
}

fn address_format(context: &mut Context<'_>, value: ExprId, dial: Option<ExprId>) {
    let Some((_, &[format, _, _], _)) = context.call(value) else {
        return;
    };
    if context.function_called(value).as_deref() != Some("fmt.Sprintf") {
        return;
    }
    let Some(text) = context.constant_text(format) else {
        return;
    };
    if text != "%s:%d" && text != "%s:%s" {
        return;
    }
    let place = dial.map_or(String::new(), |dial| {
        let line = context
            .sources
            .position(context.ast.range(dial))
            .to_string();
        let line = line.rsplit(':').nth(1).unwrap_or_default().to_owned();
        format!(" (passed to net.Dial at L{line})")
    });
    let message = format!("address format {text:?} does not work with IPv6{place}");
    context.report(context.ast.range(format), message);
}

// ---- log/slog ----

/// How many arguments stand before the keys and values.
const LOGGING: &[(&str, usize)] = &[
    ("Debug", 1),
    ("Info", 1),
    ("Warn", 1),
    ("Error", 1),
    ("DebugContext", 2),
    ("InfoContext", 2),
    ("WarnContext", 2),
    ("ErrorContext", 2),
    ("Log", 3),
];

/// The short name of a function of log/slog that takes keys and values, and how many arguments stand before those.
fn logging(name: &str) -> Option<(String, usize)> {
    let skipped = |method: &str| LOGGING.iter().find(|(name, _)| *name == method);
    if let Some(function) = name.strip_prefix("log/slog.") {
        let skip = match function {
            "Group" => 1,
            _ => skipped(function)?.1,
        };
        return Some((format!("slog.{function}"), skip));
    }
    if let Some(method) = name.strip_prefix("(*log/slog.Logger).") {
        let skip = match method {
            "With" => 0,
            _ => skipped(method)?.1,
        };
        return Some((format!("slog.Logger.{method}"), skip));
    }
    (name == "(*log/slog.Record).Add").then(|| ("slog.Record.Add".to_owned(), 0))
}

/// What is expected at an argument's place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Key,
    Value,
    Unknown,
}

/// GO: passes/slog
pub(crate) fn slog(context: &mut Context<'_>) {
    for id in context.exprs.clone() {
        let Some((callee, args, false)) = context.call(id) else {
            continue;
        };
        let called = context.function_called(id);
        let Some((name, mut skip)) = called.as_deref().and_then(logging) else {
            continue;
        };
        let is_expression = context
            .typed
            .selections
            .get(&context.ast.unparen(callee))
            .is_some_and(|selection| {
                matches!(
                    selection.kind,
                    checker::typed::SelectionKind::MethodExpression
                )
            });
        skip += usize::from(is_expression);
        if args.len() > skip {
            keys_and_values(context, id, &name, &args[skip..]);
        }
    }
}

/// The type `slog.Attr`.
fn attribute_type(context: &Context<'_>) -> Option<TypeId> {
    let name = context.names.find("Attr")?;
    let mut packages = context.typed.packages.iter();
    let package = packages.find(|package| package.path == "log/slog")?;
    let object = package.scope.get(&name)?;
    Some(context.typed.object(*object).typ)
}

fn keys_and_values(context: &mut Context<'_>, call: ExprId, name: &str, args: &[ExprId]) {
    let types = &context.typed.types;
    let is_string = |ty: TypeId| types.canonical(types.default_type(ty)) == TypeId::STRING;
    let is_attribute = |ty: TypeId| context.named(ty) == Some(("log/slog", "Attr"));
    let attribute = attribute_type(context);
    let may_be_attribute = |ty: TypeId| {
        let methods = types.as_interface(ty).map(|interface| &interface.methods);
        attribute.zip(methods).is_some_and(|(attribute, methods)| {
            methods.iter().all(|method| {
                let name = context.names.text(method.name);
                context.has_method(attribute, false, name, |_| true)
            })
        })
    };
    let mut place = Place::Key;
    let mut unknown: Option<ExprId> = None;
    for &arg in args {
        let typ = context.type_of(arg);
        match place {
            Place::Key if is_string(typ) => place = Place::Value,
            Place::Key if is_attribute(typ) => {}
            Place::Key
                if types
                    .as_interface(typ)
                    .is_some_and(|interface| interface.methods.is_empty()) =>
            {
                place = Place::Unknown;
            }
            Place::Key if may_be_attribute(typ) => {}
            Place::Key => {
                let text = context.text(arg);
                let message = match unknown {
                    None => format!(
                        "{name} arg {text:?} should be a string or a slog.Attr (possible missing key or value)"
                    ),
                    Some(before) => format!(
                        "{name} arg {text:?} should probably be a string or a slog.Attr (previous arg {:?} cannot be a key)",
                        context.text(before)
                    ),
                };
                context.report(context.ast.range(arg), message);
                return;
            }
            Place::Value => place = Place::Key,
            Place::Unknown => {
                unknown = Some(arg);
                if !is_string(typ) && !is_attribute(typ) && !types.is_interface(typ) {
                    place = Place::Key;
                }
            }
        }
    }
    if place == Place::Value {
        let message = match unknown {
            None => format!("call to {name} missing a final value"),
            Some(_) => format!("call to {name} has a missing or misplaced value"),
        };
        context.report(context.ast.range(call), message);
    }
}

// ---- loops of old files ----

/// GO: passes/loopclosure
pub(crate) fn loopclosure(context: &mut Context<'_>) {
    for id in context.stmts.clone() {
        if !context
            .typed
            .shares_loop_variables(context.ast.stmt_range(id).file)
        {
            continue;
        }
        let (names, body) = match *context.ast.stmt(id) {
            Stmt::Range { lhs, body, .. } => (context.ast.list(lhs).to_vec(), body),
            Stmt::For { init, body, .. } => match init.map(|init| *context.ast.stmt(init)) {
                Some(Stmt::Define { lhs, .. }) => (context.ast.list(lhs).to_vec(), body),
                _ => continue,
            },
            _ => continue,
        };
        let objects: Vec<_> = names
            .iter()
            .filter_map(|name| context.typed.object_of(*name))
            .collect();
        let Some(&last) = context.ast.statements(body).last() else {
            continue;
        };
        let call = match *context.ast.stmt(last) {
            Stmt::Go { call } | Stmt::Defer { call } => call,
            _ => continue,
        };
        let Some((callee, ..)) = context.call(call) else {
            continue;
        };
        let Expr::FuncLit { body, .. } = *context.ast.expr(context.ast.unparen(callee)) else {
            continue;
        };
        let range = context.ast.block(body).range;
        let captured: Vec<ExprId> = context
            .exprs
            .iter()
            .copied()
            .filter(|&expr| {
                let place = context.ast.range(expr);
                place.file == range.file && range.start <= place.start && place.end <= range.end
            })
            .filter(|&expr| matches!(context.ast.expr(expr), Expr::Ident(_)))
            .filter(|&expr| {
                context
                    .typed
                    .object_of(expr)
                    .is_some_and(|object| objects.contains(&object))
            })
            .collect();
        for expr in captured {
            let message = format!(
                "loop variable {} captured by func literal",
                context.text(expr)
            );
            context.report(context.ast.range(expr), message);
        }
    }
}

// ---- directives ----

/// The lines of the program's files that begin with a directive, and whether they stand before the package clause. Those in literals do not count.
fn directives(context: &Context<'_>, word: &str) -> Vec<(TextRange, bool)> {
    let literals: Vec<TextRange> = context
        .exprs
        .iter()
        .filter(|&&id| matches!(context.ast.expr(id), Expr::StringLit { .. }))
        .map(|&id| context.ast.range(id))
        .collect();
    let mut found = Vec::new();
    for file in context.files() {
        let text = context.sources.text(file);
        let package = text
            .match_indices("package")
            .map(|(at, _)| at)
            .find(|at| *at == 0 || text.as_bytes()[at - 1] == b'\n');
        let Some(package) = package else { continue };
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let (start, end) = (at as u32, (at + line.trim_end().len()) as u32);
            at += line.len();
            let rest = line.strip_prefix(word);
            if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)) {
                continue;
            }
            let range = TextRange::new(file, start, end);
            let in_literal = literals.iter().any(|literal| {
                literal.file == file && literal.start < start && start < literal.end
            });
            if !in_literal {
                found.push((range, (start as usize) < package));
            }
        }
    }
    found
}

/// GO: passes/directive
pub(crate) fn directive(context: &mut Context<'_>) {
    for (range, in_header) in directives(context, "//go:debug") {
        let file = context.sources.file(range.file).name();
        let is_test = file.ends_with("_test.go") || file.ends_with("_test.gl");
        let package = context.package_at(range);
        let is_main =
            package.is_some_and(|id| context.names.text(context.typed.package(id).name) == "main");
        if !is_main && !is_test {
            let message = "//go:debug directive only valid in package main or test";
            context.report(range, message);
        } else if !in_header {
            let message = "//go:debug directive only valid before package declaration";
            context.report(range, message);
        }
    }
}

/// GO: passes/buildtag
pub(crate) fn buildtag(context: &mut Context<'_>) {
    let mut last = None;
    for (range, in_header) in directives(context, "//go:build") {
        if !in_header {
            context.report(range, "misplaced //go:build comment");
        } else if last == Some(range.file) {
            context.report(range, "unexpected extra //go:build line");
        }
        last = Some(range.file);
    }
}
