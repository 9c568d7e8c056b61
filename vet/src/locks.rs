//! Locks that are copied: a copy of a locked mutex is a locked mutex nobody unlocks. GO: passes/copylock

use crate::context::Context;
use checker::types::{Type, TypeId};
use diagnostics::TextRange;
use parser::ast::{AssignOperator, Decl, DeclId, Expr, ExprId, RangeKind, Stmt};
use rustc_hash::FxHashSet;

/// Standard types that Go marks with a field of type `noCopy`, whatever they are made of here.
const MARKED: &[(&str, &[&str])] = &[
    ("sync", &["Cond", "Map", "Once", "Pool", "WaitGroup"]),
    (
        "sync/atomic",
        &[
            "Bool", "Int32", "Int64", "Pointer", "Uint32", "Uint64", "Uintptr",
        ],
    ),
];

/// The rule.
pub(crate) fn copylocks(context: &mut Context<'_>) {
    let heads = context.loop_heads();
    for id in context.stmts.clone() {
        match *context.ast.stmt(id) {
            Stmt::Assign {
                op: AssignOperator::Plain,
                lhs,
                rhs,
                ..
            } => {
                assigned(context, lhs, rhs);
            }
            Stmt::Define { lhs, rhs, .. }
                if !assigned(context, lhs, rhs) && heads.contains(&id) =>
            {
                for &name in context.ast.list(lhs) {
                    let is_new = context.typed.is_definition(context.ast, name);
                    let object = context.typed.object_of(name).filter(|_| is_new);
                    let path =
                        object.and_then(|object| path(context, context.typed.object(object).typ));
                    if let Some(path) = path {
                        let text = context.text(name);
                        let message =
                            format!("for loop iteration copies lock value to {text}: {path}");
                        context.report(context.ast.range(name), message);
                    }
                }
            }
            Stmt::Range { kind, lhs, .. } => {
                for &variable in context.ast.list(lhs) {
                    if context
                        .ast
                        .ident(variable)
                        .is_some_and(|name| name.is_blank())
                    {
                        continue;
                    }
                    let ty = match kind {
                        RangeKind::Define => match context.typed.object_of(variable) {
                            Some(object) => context.typed.object(object).typ,
                            None => continue,
                        },
                        _ => context.type_of(variable),
                    };
                    if let Some(path) = path(context, ty) {
                        let text = context.text(variable);
                        let place = context.ast.range(variable);
                        context.report(place, format!("range var {text} copies lock: {path}"));
                    }
                }
            }
            Stmt::Return { results } => {
                for &result in context.ast.list(results) {
                    copied(context, result, |_, path| {
                        format!("return copies lock value: {path}")
                    });
                }
            }
            _ => {}
        }
    }
    for index in 0..context.ast.decl_count() {
        let id = DeclId::from_index(index);
        if context.package_at(context.ast.decl_range(id)).is_none() {
            continue;
        }
        if let Decl::Var(specs) = *context.ast.decl(id) {
            for spec in context.ast.list(specs) {
                let names = context.ast.list(spec.names);
                for (&value, &name) in context.ast.list(spec.values).iter().zip(names) {
                    copied(context, value, |context, path| {
                        let name = context.text(name);
                        format!("variable declaration copies lock value to {name}: {path}")
                    });
                }
            }
        }
    }
    for id in context.exprs.clone() {
        match *context.ast.expr(id) {
            Expr::Call { callee, args, .. } => {
                let builtin = context.builtin_called(id);
                // Their operand is not evaluated, or a type.
                if matches!(builtin, Some("len" | "cap" | "new" | "make"))
                    && !(builtin == Some("new") && context.is_value(context.ast.list(args)[0]))
                {
                    continue;
                }
                for &argument in context.ast.list(args) {
                    copied(context, argument, |context, path| {
                        let function = context.text(callee);
                        format!("call of {function} copies lock value: {path}")
                    });
                }
            }
            Expr::CompositeLit { elements, .. } => {
                for &element in context.ast.list(elements) {
                    let value = match *context.ast.expr(element) {
                        Expr::KeyValue { value, .. } => value,
                        _ => element,
                    };
                    copied(context, value, |context, path| {
                        let value = context.text(value);
                        format!("literal copies lock value from {value}: {path}")
                    });
                }
            }
            _ => {}
        }
    }
    for body in context.bodies() {
        let name = body
            .name
            .map_or("func".to_owned(), |name| context.text(name));
        let mut types: Vec<ExprId> = body.receiver.into_iter().collect();
        if let Expr::FuncType { params, .. } = *context.ast.expr(body.ty) {
            for param in context.ast.list(params) {
                if param.variadic.is_none() && types.last() != Some(&param.ty) {
                    types.push(param.ty);
                }
            }
        }
        for ty in types {
            if let Some(path) = path(context, context.type_of(ty)) {
                let range = context.ast.range(ty);
                context.report(range, format!("{name} passes lock by value: {path}"));
            }
        }
    }
}

/// Reports assignments that copy; are there any?
fn assigned(
    context: &mut Context<'_>,
    lhs: parser::ast::List<ExprId>,
    rhs: parser::ast::List<ExprId>,
) -> bool {
    let (names, values) = (context.ast.list(lhs), context.ast.list(rhs));
    let before = context.found.len();
    for (&value, &name) in values.iter().zip(names) {
        copied(context, value, |context, path| {
            format!(
                "assignment copies lock value to {}: {path}",
                context.text(name)
            )
        });
    }
    context.found.len() > before
}

/// Reports an expression whose value is copied, and that holds a lock.
fn copied(
    context: &mut Context<'_>,
    value: ExprId,
    message: impl FnOnce(&Context<'_>, String) -> String,
) {
    let inner = context.ast.unparen(value);
    match *context.ast.expr(inner) {
        // A new value; what a function gives is copied by it, not here.
        Expr::CompositeLit { .. } | Expr::Call { .. } => return,
        Expr::Star(pointer) => {
            let pointer = context.ast.unparen(pointer);
            if matches!(context.ast.expr(pointer), Expr::Call { .. }) {
                return;
            }
        }
        _ => {}
    }
    if !context.is_value(inner) {
        return;
    }
    if let Some(path) = path(context, context.type_of(inner)) {
        let message = message(context, path);
        let range: TextRange = context.ast.range(value);
        context.report(range, message);
    }
}

/// How a type comes to hold a lock: `T contains sync.Mutex`.
fn path(context: &Context<'_>, ty: TypeId) -> Option<String> {
    let mut seen = FxHashSet::default();
    let path = path_in(context, ty, &mut seen)?;
    Some(path.join(" contains "))
}

fn path_in(context: &Context<'_>, ty: TypeId, seen: &mut FxHashSet<TypeId>) -> Option<Vec<String>> {
    stacker::maybe_grow(64 << 10, 1 << 20, || {
        let types = &context.typed.types;
        let mut ty = ty;
        if !seen.insert(types.canonical(ty)) {
            return None;
        }
        if types.is_type_parameter(ty) {
            let terms = types.terms_of(ty)?;
            for term in terms {
                if let Some(mut path) = path_in(context, term.typ, seen) {
                    if term.tilde {
                        path[0].insert(0, '~');
                    }
                    path.insert(0, context.type_name(ty));
                    return Some(path);
                }
            }
            return None;
        }
        while let Type::Array(element, _) = *types.underlying(ty) {
            ty = element;
        }
        let Type::Struct(fields) = types.underlying(ty) else {
            return None;
        };
        let name = context.type_name(ty);
        if is_locker(context, ty) {
            return Some(vec![name]);
        }
        if let Some((package, own)) = context.named(ty)
            && MARKED
                .iter()
                .any(|(path, names)| *path == package && names.contains(&own))
        {
            return Some(vec![name, format!("{package}.noCopy")]);
        }
        for field in fields.iter() {
            if let Some(mut path) = path_in(context, field.typ, seen) {
                path.insert(0, name);
                return Some(path);
            }
        }
        None
    })
}

/// Do pointers to the type have `Lock()` and `Unlock()`, and it itself not?
fn is_locker(context: &Context<'_>, ty: TypeId) -> bool {
    let has = |addressable: bool, name: &str| {
        context.has_method(ty, addressable, name, |signature| {
            signature.params.is_empty() && signature.results.is_empty()
        })
    };
    let of_pointer = has(true, "Lock") && has(true, "Unlock");
    of_pointer && !(has(false, "Lock") && has(false, "Unlock"))
}
