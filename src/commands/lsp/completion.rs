//! What may stand where the cursor is, and what a call wants there.

use super::analysis::{Analysis, Entity};
use super::texts::offset_at;
use super::{Server, document};
use checker::typed::{Mode, ObjectKind, VarKind};
use diagnostics::{FileId, TextRange};
use lexer::TokenKind;
use parser::ast::{Decl, Expr, ExprId};
use serde_json::{Value, json};
use stdlib::outline;

/// A name that no program has.
const MARK: &str = "goliteCursor";

/// The text with a name at the place, or one and what closes what is open before it, whichever can be understood.
fn with_mark(server: &Server, params: &Value) -> Option<(Analysis, FileId, usize)> {
    let path = document(params)?;
    let text = server.text(&path);
    let offset = offset_at(&text, &params["position"]);
    let mut best = None;
    for closing in ["", ")", ")}", "}", "()", " {}"] {
        let marked = format!("{}{MARK}{closing}{}", &text[..offset], &text[offset..]);
        let analysis = server.analyse(&path, Some(marked));
        let file = analysis.file(&path);
        let is_whole = !analysis
            .checked
            .diagnostics
            .iter()
            .any(|diagnostic| diagnostic.message.starts_with("syntax error"));
        if let Some(file) = file {
            if is_whole {
                return Some((analysis, file, offset));
            }
            best.get_or_insert((analysis, file, offset));
        }
    }
    best
}

pub fn complete(server: &Server, params: &Value) -> Value {
    let Some((analysis, file, offset)) = with_mark(server, params) else {
        return Value::Null;
    };
    let Some(typed) = analysis.typed() else {
        return json!([]);
    };
    let ast = &analysis.checked.ast;
    let package = analysis.package_of(file);
    // What stands before the dot, if the mark is in what stands behind it.
    let mut selected = None;
    for id in (0..ast.expr_count()).map(ExprId::from_index) {
        let range = ast.range(id);
        let is_here = range.file == file
            && (range.start as usize) <= offset
            && range.end as usize >= offset + MARK.len();
        if !is_here {
            continue;
        }
        if let Expr::Selector { operand, name } = *ast.expr(id)
            && let Some(symbol) = ast.ident(name)
            && analysis.checked.names.text(symbol).ends_with(MARK)
            && ast.range(name).end as usize >= offset + MARK.len()
        {
            selected = Some(operand);
        }
    }
    let mut items: Vec<Value> = Vec::new();
    if let Some(operand) = selected {
        let operand = ast.unparen(operand);
        let imported = typed
            .object_of(operand)
            .and_then(|id| match typed.object(id).kind {
                ObjectKind::PackageName { imported, .. } => Some(imported),
                _ => None,
            });
        let script_package = || {
            let name = ast.ident(operand)?;
            let path = super::analysis::standard_package(analysis.checked.names.text(name))?;
            typed
                .package_order
                .iter()
                .copied()
                .find(|&id| typed.package(id).path == path)
        };
        let unknown = typed.type_and_value(operand).mode == Mode::None;
        let imported = imported.or_else(|| unknown.then(script_package).flatten());
        match imported {
            Some(id) => {
                for (&name, &object) in &typed.package(id).scope {
                    if typed.object(object).exported {
                        let name = analysis.checked.names.text(name);
                        items.push(item(&analysis, name, Entity::Object(object)));
                    }
                }
            }
            None if unknown => {
                // A package that nothing of was used yet.
                if let Some(name) = ast.ident(operand) {
                    let name = analysis.checked.names.text(name);
                    items.extend(exported_names(name));
                }
            }
            None => {
                let ty = typed.type_of(operand);
                for (name, entity) in analysis.members_of(ty, package) {
                    items.push(item(&analysis, &name, entity));
                }
            }
        }
    } else {
        names_in_scope(&analysis, file, offset, &mut items);
    }
    items.sort_by(|a, b| a["label"].as_str().cmp(&b["label"].as_str()));
    items.dedup_by(|a, b| a["label"] == b["label"]);
    json!({"isIncomplete": false, "items": items})
}

/// What a standard package exports, from the text of its sources.
fn exported_names(package: &str) -> Vec<Value> {
    let Some(path) = super::analysis::standard_package(package) else {
        return Vec::new();
    };
    let files: Vec<(String, String)> = outline::files(path)
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    let package = golite::documentation::Package::read(path, &files, Default::default());
    let mut items = Vec::new();
    let mut add = |name: &str, kind: u32, detail: &str| {
        if name.starts_with(char::is_uppercase) {
            items.push(json!({"label": name, "kind": kind, "detail": detail}));
        }
    };
    let in_types = package.types.iter();
    for function in package
        .functions
        .iter()
        .chain(in_types.clone().flat_map(|ty| &ty.makers))
    {
        add(&function.name, 3, &function.summary);
    }
    for ty in in_types.clone() {
        add(&ty.name, 7, &ty.summary);
    }
    for value in package
        .constants
        .iter()
        .chain(&package.variables)
        .chain(in_types.flat_map(|ty| ty.constants.iter().chain(&ty.variables)))
    {
        for name in &value.names {
            add(name, 21, &value.summary);
        }
    }
    items
}

fn item(analysis: &Analysis, name: &str, entity: Entity) -> Value {
    let kind = match entity {
        Entity::Field { .. } => 5,
        Entity::Method { .. } => 2,
        Entity::Object(id) => match analysis.typed().map(|typed| &typed.object(id).kind) {
            Some(ObjectKind::Function {
                receiver_base: Some(_),
                ..
            }) => 2,
            Some(ObjectKind::Function { .. } | ObjectKind::Builtin(_)) => 3,
            Some(ObjectKind::TypeName { .. }) => 7,
            Some(ObjectKind::Constant(_)) => 21,
            Some(ObjectKind::PackageName { .. }) => 9,
            _ => 6,
        },
    };
    let detail = analysis.declaration(entity).unwrap_or_default();
    json!({"label": name, "kind": kind, "detail": detail})
}

/// Names that can be used at a place: those of the blocks around it, of the package, of packages, and the language's own.
fn names_in_scope(analysis: &Analysis, file: FileId, offset: usize, items: &mut Vec<Value>) {
    let Some(typed) = analysis.typed() else {
        return;
    };
    let (ast, names) = (&analysis.checked.ast, &analysis.checked.names);
    let blocks: Vec<TextRange> = (0..ast.block_count())
        .map(|index| ast.block(parser::ast::BlockId::from_index(index)).range)
        .filter(|range| range.file == file)
        .collect();
    let functions: Vec<TextRange> = (0..ast.decl_count())
        .map(parser::ast::DeclId::from_index)
        .filter(|&id| matches!(ast.decl(id), Decl::Func(_)))
        .map(|id| ast.decl_range(id))
        .filter(|range| range.file == file)
        .collect();
    let holds =
        |range: &TextRange, at: usize| (range.start as usize) <= at && at <= range.end as usize;
    for (index, object) in typed.objects.iter().enumerate() {
        let id = checker::types::ObjectId::from_index(index);
        let Some(place) = object.range.filter(|place| place.file == file) else {
            continue;
        };
        let name = names.text(object.name);
        let is_local = match &object.kind {
            ObjectKind::Variable(variable) => variable.kind != VarKind::Package,
            ObjectKind::Constant(_) | ObjectKind::TypeName { .. } => true,
            _ => false,
        };
        if !is_local || name == "_" || name.ends_with(MARK) || place.start as usize >= offset {
            continue;
        }
        let is_parameter = object.variable().is_some_and(|variable| {
            matches!(
                variable.kind,
                VarKind::Parameter | VarKind::Receiver | VarKind::Result
            )
        });
        let around = match is_parameter {
            true => &functions,
            false => &blocks,
        };
        let innermost = around
            .iter()
            .filter(|range| holds(range, place.start as usize))
            .min_by_key(|range| range.end - range.start);
        if innermost.is_none_or(|range| holds(range, offset)) {
            items.push(item(analysis, name, Entity::Object(id)));
        }
    }
    if let Some(package) = analysis.package_of(file) {
        for (&name, &object) in &typed.package(package).scope {
            items.push(item(analysis, names.text(name), Entity::Object(object)));
        }
    }
    for object in &typed.objects {
        if let ObjectKind::PackageName { .. } = object.kind
            && object.range.is_none_or(|place| place.file == file)
        {
            items.push(json!({"label": names.text(object.name), "kind": 9}));
        }
    }
    for path in outline::packages() {
        let is_internal = path.split('/').any(|part| part == "internal");
        if !is_internal && let Some(name) = path.rsplit('/').next() {
            items.push(json!({"label": name, "kind": 9, "detail": format!("package {path:?}")}));
        }
    }
    for keyword in TokenKind::keywords() {
        items.push(json!({"label": keyword, "kind": 14}));
    }
    for builtin in checker::universe::Builtin::ALL {
        items.push(json!({"label": builtin.name(), "kind": 3}));
    }
    for name in [
        "true", "false", "nil", "iota", "bool", "byte", "error", "any", "float64", "int", "rune",
        "string",
    ] {
        items.push(json!({"label": name, "kind": 14}));
    }
}

pub fn signature(server: &Server, params: &Value) -> Value {
    let Some((analysis, file, offset)) = with_mark(server, params) else {
        return Value::Null;
    };
    let Some(typed) = analysis.typed() else {
        return Value::Null;
    };
    let ast = &analysis.checked.ast;
    // The innermost call whose parentheses are around the place.
    let mut innermost: Option<(TextRange, ExprId, usize)> = None;
    for id in (0..ast.expr_count()).map(ExprId::from_index) {
        let Expr::Call { callee, args, .. } = *ast.expr(id) else {
            continue;
        };
        let range = ast.range(id);
        let behind = ast.range(callee).end as usize;
        let is_here = range.file == file && behind < offset && offset < range.end as usize;
        if is_here
            && innermost.is_none_or(|(outer, ..)| range.end - range.start < outer.end - outer.start)
        {
            let before = |&&arg: &&ExprId| (ast.range(arg).end as usize) < offset;
            let active = ast.list(args).iter().take_while(before).count();
            innermost = Some((range, callee, active));
        }
    }
    let Some((_, callee, active)) = innermost else {
        return Value::Null;
    };
    let name = match *ast.expr(ast.unparen(callee)) {
        Expr::Selector { name, .. } => name,
        _ => ast.unparen(callee),
    };
    let Some(entity) = analysis
        .entity(name)
        .filter(|&entity| analysis.is_function(entity))
    else {
        return Value::Null;
    };
    let label = analysis.declaration(entity).unwrap_or_default();
    let ty = typed.type_of(callee);
    let ty = match typed.types.as_signature(ty) {
        Some(_) => ty,
        None => analysis.type_of(entity).unwrap_or(ty),
    };
    let Some(signature) = typed.types.as_signature(ty) else {
        return Value::Null;
    };
    let parameters: Vec<Value> = signature
        .params
        .iter()
        .map(|param| json!({"label": analysis.type_name(param.typ, Some(typed.main))}))
        .collect();
    let last = parameters.len().saturating_sub(1);
    let documentation = analysis.hover(entity).unwrap_or_default();
    let documentation = documentation
        .split_once("\n---\n")
        .map_or("", |(_, text)| text);
    json!({
        "signatures": [{"label": label, "documentation": documentation, "parameters": parameters}],
        "activeSignature": 0,
        "activeParameter": if signature.variadic { active.min(last) } else { active },
    })
}
