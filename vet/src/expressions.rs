//! Rules that look at one expression or statement at a time.

use crate::context::{Callee, Context};
use checker::typed::{Mode, ObjectKind};
use checker::types::{BasicKind, Type, TypeId};
use diagnostics::TextRange;
use parser::ast::{AssignOperator, BinaryOperator, Expr, ExprId, Stmt, UnaryOperator};
use rustc_hash::{FxHashMap, FxHashSet};

/// GO: passes/appends
pub(crate) fn appends(context: &mut Context<'_>) {
    for id in context.exprs.clone() {
        if context.builtin_called(id) == Some("append")
            && context.call(id).is_some_and(|(_, args, _)| args.len() == 1)
        {
            context.report(context.ast.range(id), "append with no values");
        }
    }
}

/// GO: passes/assign
pub(crate) fn self_assignments(context: &mut Context<'_>) {
    for id in context.stmts.clone() {
        let Stmt::Assign {
            op: AssignOperator::Plain,
            lhs,
            rhs,
            ..
        } = *context.ast.stmt(id)
        else {
            continue;
        };
        let (left, right) = (context.ast.list(lhs), context.ast.list(rhs));
        if left.len() != right.len() {
            continue;
        }
        let same: Vec<String> = left
            .iter()
            .zip(right)
            .filter(|&(&a, &b)| {
                context.has_no_effects(a)
                    && context.has_no_effects(b)
                    && !is_map_index(context, a)
                    && context.text(a) == context.text(b)
            })
            .map(|(&a, _)| context.text(a))
            .collect();
        if !same.is_empty() {
            let message = format!("self-assignment of {}", same.join(", "));
            context.report(context.ast.stmt_range(id), message);
        }
    }
}

fn is_map_index(context: &Context<'_>, id: ExprId) -> bool {
    match *context.ast.expr(context.ast.unparen(id)) {
        Expr::Index { operand, .. } => matches!(
            context.typed.types.underlying(context.type_of(operand)),
            Type::Map { .. }
        ),
        _ => false,
    }
}

/// GO: passes/atomic
pub(crate) fn atomic(context: &mut Context<'_>) {
    for id in context.stmts.clone() {
        let (lhs, rhs) = match *context.ast.stmt(id) {
            Stmt::Assign { lhs, rhs, .. } => (lhs, rhs),
            Stmt::Define { lhs, rhs, .. } if lhs.len() > 1 => (lhs, rhs),
            _ => continue,
        };
        let (left, right) = (context.ast.list(lhs), context.ast.list(rhs));
        if left.len() != right.len() {
            continue;
        }
        for (&left, &right) in left.iter().zip(right) {
            let adds = context.function_called(right).is_some_and(|name| {
                name.strip_prefix("sync/atomic.Add").is_some_and(|kind| {
                    ["Int32", "Int64", "Uint32", "Uint64", "Uintptr"].contains(&kind)
                })
            });
            let Some((_, &[address, _], _)) = context.call(right) else {
                continue;
            };
            let broken = adds
                && match (*context.ast.expr(address), *context.ast.expr(left)) {
                    (
                        Expr::Unary {
                            op: UnaryOperator::Address,
                            operand,
                        },
                        _,
                    ) => context.text(left) == context.text(operand),
                    (_, Expr::Star(pointer)) => context.text(pointer) == context.text(address),
                    _ => false,
                };
            if broken {
                context.report(context.ast.range(left), "direct assignment to atomic value");
            }
        }
    }
}

/// Operands are looked at from right to left, as there. GO: passes/bools
pub(crate) fn bools(context: &mut Context<'_>) {
    let mut done = FxHashSet::default();
    // Parents have larger numbers than their operands.
    for id in context.exprs.clone().into_iter().rev() {
        let Expr::Binary { op, .. } = *context.ast.expr(id) else {
            continue;
        };
        if !op.is_logical() || !done.insert(id) {
            continue;
        }
        let mut operands = Vec::new();
        let mut work = vec![id];
        while let Some(id) = work.pop() {
            let inner = context.ast.unparen(id);
            match *context.ast.expr(inner) {
                Expr::Binary {
                    op: other,
                    left,
                    right,
                    ..
                } if other == op => {
                    done.insert(inner);
                    work.extend([left, right]);
                }
                _ => operands.push(inner),
            }
        }
        // What has effects separates those before from those behind.
        let effects = |operand: &ExprId| !context.has_no_effects(*operand);
        let sets: Vec<Vec<ExprId>> = operands.split(effects).map(<[_]>::to_vec).collect();
        for operands in sets {
            redundant(context, op, &operands);
            suspect(context, op, &operands);
        }
    }
}

fn word(op: BinaryOperator) -> &'static str {
    match op {
        BinaryOperator::LogicalOr => "or",
        _ => "and",
    }
}

fn redundant(context: &mut Context<'_>, op: BinaryOperator, operands: &[ExprId]) {
    let mut seen = FxHashSet::default();
    for &operand in operands {
        let text = context.text(operand);
        if !seen.insert(text.clone()) {
            let message = format!("redundant {}: {text} {op} {text}", word(op));
            context.report(context.ast.range(operand), message);
        }
    }
}

/// `x != a || x != b`, `x == a && x == b`
fn suspect(context: &mut Context<'_>, op: BinaryOperator, operands: &[ExprId]) {
    let wanted = match op {
        BinaryOperator::LogicalOr => BinaryOperator::NotEqual,
        _ => BinaryOperator::Equal,
    };
    let mut seen: FxHashMap<String, String> = FxHashMap::default();
    for &operand in operands {
        let Expr::Binary {
            op: compared,
            left,
            right,
            ..
        } = *context.ast.expr(operand)
        else {
            continue;
        };
        if compared != wanted {
            continue;
        }
        let is_constant = |id| context.typed.constant(id).is_some();
        let variable = match (is_constant(left), is_constant(right)) {
            (false, true) => left,
            (true, false) => right,
            _ => continue,
        };
        let (name, text) = (context.text(variable), context.text(operand));
        match seen.get(&name) {
            Some(before) if *before != text => {
                let message = format!("suspect {}: {text} {op} {before}", word(op));
                context.report(context.ast.range(operand), message);
            }
            _ => {
                seen.insert(name, text);
            }
        }
    }
}

/// GO: passes/defers
pub(crate) fn defers(context: &mut Context<'_>) {
    let literals: Vec<TextRange> = context
        .exprs
        .iter()
        .filter(|&&id| matches!(context.ast.expr(id), Expr::FuncLit { .. }))
        .map(|&id| context.ast.range(id))
        .collect();
    let within = |inner: TextRange, outer: TextRange| {
        inner.file == outer.file && outer.start <= inner.start && inner.end <= outer.end
    };
    let deferred: Vec<TextRange> = context
        .stmts
        .iter()
        .filter_map(|&id| match *context.ast.stmt(id) {
            Stmt::Defer { call } => Some(context.ast.range(call)),
            _ => None,
        })
        .collect();
    for id in context.exprs.clone() {
        let range = context.ast.range(id);
        let Some(&around) = deferred.iter().find(|&&around| within(range, around)) else {
            continue;
        };
        let later = literals
            .iter()
            .any(|&literal| within(literal, around) && within(range, literal));
        if !later && context.function_called(id).as_deref() == Some("time.Since") {
            context.report(range, "call to time.Since is not deferred");
        }
    }
}

/// GO: passes/errorsas
pub(crate) fn errorsas(context: &mut Context<'_>) {
    for id in context.exprs.clone() {
        if context.function_called(id).as_deref() != Some("errors.As") {
            continue;
        }
        let Some((_, &[_, target], _)) = context.call(id) else {
            continue;
        };
        let ty = context.type_of(target);
        let types = &context.typed.types;
        let message = match types.underlying(ty) {
            Type::Interface(interface) if interface.methods.is_empty() => continue,
            Type::Pointer(base) if types.canonical(*base) == TypeId::ERROR => {
                "second argument to errors.As should not be *error"
            }
            Type::Pointer(base) if types.is_interface(*base) || context.is_error(*base) => {
                continue;
            }
            _ => {
                "second argument to errors.As must be a non-nil pointer to either a type that implements error, or to any interface type"
            }
        };
        context.report(context.ast.range(id), message);
    }
}

/// GO: passes/nilfunc
pub(crate) fn nilfunc(context: &mut Context<'_>) {
    for id in context.exprs.clone() {
        let Expr::Binary {
            op, left, right, ..
        } = *context.ast.expr(id)
        else {
            continue;
        };
        if !matches!(op, BinaryOperator::Equal | BinaryOperator::NotEqual) {
            continue;
        }
        let is_nil = |id| context.typed.type_and_value(id).mode == Mode::Nil;
        let function = match (is_nil(left), is_nil(right)) {
            (true, false) => right,
            (false, true) => left,
            _ => continue,
        };
        let name = match *context.ast.expr(function) {
            Expr::Index { operand, .. } => operand,
            _ => function,
        };
        let is_call = matches!(context.ast.expr(name), Expr::Call { .. });
        let Some(Callee::Object(object)) = context.callee(name).filter(|_| !is_call) else {
            continue;
        };
        let object = context.typed.object(object);
        if matches!(object.kind, ObjectKind::Function { .. }) {
            let name = context.names.text(object.name);
            let always = op == BinaryOperator::NotEqual;
            let message = format!("comparison of function {name} {op} nil is always {always}");
            context.report(context.ast.range(id), message);
        }
    }
}

/// GO: passes/shift
pub(crate) fn shift(context: &mut Context<'_>) {
    let dead = dead_ranges(context);
    let check = |context: &mut Context<'_>, range: TextRange, x: ExprId, y: ExprId| {
        let within = |outer: &TextRange| {
            outer.file == range.file && outer.start <= range.start && range.end <= outer.end
        };
        if context.typed.constant(x).is_some() || dead.iter().any(within) {
            return;
        }
        let count = context
            .typed
            .constant(y)
            .and_then(|count| count.to_int().as_i64());
        let Some(count) = count else { return };
        let ty = context.type_of(x);
        let types = &context.typed.types;
        let mut sizes: Vec<u32> = match types.is_type_parameter(ty) {
            true => types
                .terms_of(ty)
                .unwrap_or_default()
                .iter()
                .filter_map(|term| context.basic(term.typ))
                .map(bits)
                .collect(),
            false => context.basic(ty).map(bits).into_iter().collect(),
        };
        sizes.sort_unstable();
        sizes.dedup();
        if let Some(&least) = sizes.first()
            && count >= i64::from(least)
        {
            let may = if sizes.len() > 1 { "may be " } else { "" };
            let text = context.text(x);
            let message = format!("{text} ({may}{least} bits) too small for shift of {count}");
            context.report(range, message);
        }
    };
    for id in context.exprs.clone() {
        if let Expr::Binary {
            op, left, right, ..
        } = *context.ast.expr(id)
            && op.is_shift()
        {
            let range = context.ast.range(id);
            check(context, range, left, right);
        }
    }
    for id in context.stmts.clone() {
        if let Stmt::Assign {
            op: AssignOperator::Operation(op),
            lhs,
            rhs,
            ..
        } = *context.ast.stmt(id)
            && op.is_shift()
            && let (&[left], &[right]) = (context.ast.list(lhs), context.ast.list(rhs))
        {
            let range = context.ast.stmt_range(id);
            check(context, range, left, right);
        }
    }
}

fn bits(kind: BasicKind) -> u32 {
    match kind {
        BasicKind::Int8 | BasicKind::Uint8 => 8,
        BasicKind::Int16 | BasicKind::Uint16 => 16,
        BasicKind::Int32 | BasicKind::Uint32 => 32,
        _ => 64,
    }
}

/// Branches that a constant condition rules out.
fn dead_ranges(context: &Context<'_>) -> Vec<TextRange> {
    let mut dead = Vec::new();
    for &id in &context.stmts {
        if let Stmt::If {
            condition,
            then,
            otherwise,
            ..
        } = *context.ast.stmt(id)
            && let Some(value) = context.typed.constant(condition)
        {
            match value.as_bool() {
                true => dead.extend(otherwise.map(|id| context.ast.stmt_range(id))),
                false => dead.push(context.ast.block(then).range),
            }
        }
        if let Stmt::Switch {
            tag: None, cases, ..
        } = *context.ast.stmt(id)
        {
            for case in context.ast.list(cases) {
                let values = context.ast.list(case.values);
                let is_false = |&id: &ExprId| {
                    context
                        .typed
                        .constant(id)
                        .is_some_and(|value| !value.as_bool())
                };
                if !values.is_empty() && values.iter().all(is_false) {
                    dead.push(context.ast.block(case.body).range);
                }
            }
        }
    }
    dead
}

/// GO: passes/sigchanyzer
pub(crate) fn signal_channels(context: &mut Context<'_>) {
    // The value that each variable is declared with.
    let mut made = FxHashMap::default();
    for &id in &context.stmts {
        if let Stmt::Define { lhs, rhs, .. } = *context.ast.stmt(id) {
            let (names, values) = (context.ast.list(lhs), context.ast.list(rhs));
            if names.len() == values.len() {
                for (&name, &value) in names.iter().zip(values) {
                    if let Some(object) = context.typed.object_of(name) {
                        made.entry(object).or_insert(value);
                    }
                }
            }
        }
    }
    for id in context.exprs.clone() {
        if context.function_called(id).as_deref() != Some("os/signal.Notify") {
            continue;
        }
        let Some((_, &[channel, ..], _)) = context.call(id) else {
            continue;
        };
        let object = context.typed.object_of(channel);
        let Some(&value) = object.and_then(|object| made.get(&object)) else {
            continue;
        };
        if context.builtin_called(value) == Some("make")
            && context
                .call(value)
                .is_some_and(|(_, args, _)| args.len() == 1)
        {
            let message = "misuse of unbuffered os.Signal channel as argument to signal.Notify";
            context.report(context.ast.range(id), message);
        }
    }
}

/// GO: passes/stringintconv
pub(crate) fn strings_of_integers(context: &mut Context<'_>) {
    for id in context.exprs.clone() {
        let Some((callee, &[argument], _)) = context.call(id) else {
            continue;
        };
        if context.typed.type_and_value(callee).mode != Mode::Type {
            continue;
        }
        let named = matches!(
            context.ast.expr(callee),
            Expr::Ident(_) | Expr::Selector { .. }
        );
        let (to, from) = (context.type_of(callee), context.type_of(argument));
        let Some(kind) = context.basic(from) else {
            continue;
        };
        let is_character = matches!(
            kind,
            BasicKind::Uint8 | BasicKind::Int32 | BasicKind::UntypedRune
        );
        if !named
            || context.basic(to) != Some(BasicKind::String)
            || !kind.is_integer()
            || is_character
        {
            continue;
        }
        let describe = |ty: TypeId, kind: BasicKind| {
            let name = match context.named(ty) {
                Some((_, name)) => name.to_owned(),
                None => context.type_name(ty),
            };
            match name == kind.name() {
                true => name,
                false => format!("{name} ({})", kind.name()),
            }
        };
        let message = format!(
            "conversion from {} to {} yields a string of one rune, not a string of digits",
            describe(from, kind),
            describe(to, BasicKind::String)
        );
        context.report(context.ast.range(id), message);
    }
}

/// GO: passes/unmarshal
pub(crate) fn unmarshal(context: &mut Context<'_>) {
    for id in context.exprs.clone() {
        let (index, message) = match context.function_called(id).as_deref() {
            Some(
                "encoding/json.Unmarshal" | "encoding/xml.Unmarshal" | "encoding/asn1.Unmarshal",
            ) => (1, "call of Unmarshal passes non-pointer as second argument"),
            Some(
                "(*encoding/json.Decoder).Decode"
                | "(*encoding/xml.Decoder).Decode"
                | "(*encoding/gob.Decoder).Decode",
            ) => (0, "call of Decode passes non-pointer"),
            _ => continue,
        };
        let Some((callee, args, _)) = context.call(id) else {
            continue;
        };
        let Some(&argument) = args.get(index) else {
            continue;
        };
        let ty = context.type_of(argument);
        let types = &context.typed.types;
        let fits = matches!(types.underlying(ty), Type::Pointer(_) | Type::Interface(_))
            || types.is_type_parameter(ty);
        if !fits {
            let place = context.ast.range(callee).end_point();
            context.report(place, message);
        }
    }
}

/// Functions that do nothing but give a result. GO: passes/unusedresult
const PURE: &[(&str, &[&str])] = &[
    (
        "context",
        &["WithCancel", "WithDeadline", "WithTimeout", "WithValue"],
    ),
    ("errors", &["New"]),
    (
        "fmt",
        &[
            "Append", "Appendf", "Appendln", "Errorf", "Sprint", "Sprintf", "Sprintln",
        ],
    ),
    (
        "maps",
        &[
            "All",
            "Clone",
            "Collect",
            "Equal",
            "EqualFunc",
            "Keys",
            "Values",
        ],
    ),
    (
        "slices",
        &[
            "All",
            "AppendSeq",
            "Backward",
            "BinarySearch",
            "BinarySearchFunc",
            "Chunk",
            "Clip",
            "Clone",
            "Collect",
            "Compact",
            "CompactFunc",
            "Compare",
            "CompareFunc",
            "Concat",
            "Contains",
            "ContainsFunc",
            "Delete",
            "DeleteFunc",
            "Equal",
            "EqualFunc",
            "Grow",
            "Index",
            "IndexFunc",
            "Insert",
            "IsSorted",
            "IsSortedFunc",
            "Max",
            "MaxFunc",
            "Min",
            "MinFunc",
            "Repeat",
            "Replace",
            "Sorted",
            "SortedFunc",
            "SortedStableFunc",
            "Values",
        ],
    ),
    ("sort", &["Reverse"]),
];

/// GO: passes/unusedresult
pub(crate) fn unused_results(context: &mut Context<'_>) {
    for id in context.stmts.clone() {
        let Stmt::Expr(expr) = *context.ast.stmt(id) else {
            continue;
        };
        let call = context.ast.unparen(expr);
        let Some((callee, args, _)) = context.call(call) else {
            continue;
        };
        let Some(name) = context.function_called(call) else {
            continue;
        };
        let range = context.ast.range(call);
        if name.starts_with('(') {
            let is_text = name.ends_with(").Error") || name.ends_with(").String");
            let gives_text = context
                .signature(context.type_of(callee))
                .is_some_and(|signature| {
                    let types = &context.typed.types;
                    matches!(&signature.results[..], [one] if types.canonical(one.typ) == TypeId::STRING)
                });
            if is_text && args.is_empty() && gives_text {
                context.report(range, format!("result of {name} call not used"));
            }
            continue;
        }
        let Some((package, function)) = name.rsplit_once('.') else {
            continue;
        };
        if PURE
            .iter()
            .any(|(path, names)| *path == package && names.contains(&function))
        {
            context.report(range, format!("result of {name} call not used"));
        }
    }
}

/// GO: passes/waitgroup
pub(crate) fn waitgroup(context: &mut Context<'_>) {
    for id in context.stmts.clone() {
        let Stmt::Go { call } = *context.ast.stmt(id) else {
            continue;
        };
        let Some((callee, ..)) = context.call(call) else {
            continue;
        };
        let Expr::FuncLit { body, .. } = *context.ast.expr(callee) else {
            continue;
        };
        let Some(&first) = context.ast.statements(body).first() else {
            continue;
        };
        let Stmt::Expr(add) = *context.ast.stmt(first) else {
            continue;
        };
        if context.function_called(add).as_deref() == Some("(*sync.WaitGroup).Add") {
            let place = context
                .call(add)
                .map(|(callee, ..)| context.ast.range(callee));
            let place = place.map_or(context.ast.range(add), TextRange::end_point);
            context.report(place, "WaitGroup.Add called from inside new goroutine");
        }
    }
}
