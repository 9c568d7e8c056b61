//! Rules about test files: names that package testing does not find, and tests ended by another goroutine.

use crate::context::{Callee, Context};
use checker::lookup::Lookup;
use checker::typed::ObjectKind;
use checker::types::{BasicKind, ObjectId, PackageId, Signature, Type, TypeId};
use diagnostics::TextRange;
use parser::ast::{Decl, DeclId, Expr, ExprId, FuncDecl, List, Param, Stmt, StmtId, doc_text};

/// GO: passes/tests
pub(crate) fn tests(context: &mut Context<'_>) {
    for index in 0..context.ast.decl_count() {
        let id = DeclId::from_index(index);
        let range = context.ast.decl_range(id);
        let Some(package) = context.package_at(range) else {
            continue;
        };
        let file = context.sources.file(range.file).name();
        if !file.ends_with("_test.go") && !file.ends_with("_test.gl") {
            continue;
        }
        let Decl::Func(function) = *context.ast.decl(id) else {
            continue;
        };
        let Some(name) = context.ast.ident(function.name) else {
            continue;
        };
        let name = context.names.text(name).to_owned();
        if function.receiver.is_some() {
            continue;
        }
        // GO: the position of a declaration is that of its keyword.
        let place = TextRange::new(range.file, range.start, range.start + 4);
        if name.starts_with("Example") {
            example_name(context, &function, &name, package, place);
            example_output(context, &function);
        } else if let Some(prefix) = ["Test", "Benchmark", "Fuzz"]
            .into_iter()
            .find(|prefix| name.starts_with(prefix))
        {
            test_name(context, &function, &name, prefix);
            if prefix == "Fuzz" {
                fuzz_calls(context, range);
            }
        }
    }
}

fn parameters(context: &Context<'_>, ty: ExprId) -> (List<Param>, List<Param>) {
    match *context.ast.expr(ty) {
        Expr::FuncType { params, results } => (params, results),
        _ => (List::EMPTY, List::EMPTY),
    }
}

/// GO: isExampleSuffix
fn begins_small(text: &str) -> bool {
    text.chars().next().is_some_and(char::is_lowercase)
}

fn example_name(
    context: &mut Context<'_>,
    function: &FuncDecl,
    name: &str,
    package: PackageId,
    place: TextRange,
) {
    let (params, results) = parameters(context, function.ty);
    if !params.is_empty() {
        context.report(place, format!("{name} should be niladic"));
    }
    if !results.is_empty() {
        context.report(place, format!("{name} should return nothing"));
    }
    if !function.type_params.is_empty() {
        context.report(place, format!("{name} should not have type params"));
    }
    let rest = name.strip_prefix("Example").unwrap_or_default();
    if rest.is_empty() {
        return;
    }
    let parts: Vec<&str> = rest.splitn(3, '_').collect();
    let ident = parts[0];
    let found = declared(context, package, ident);
    if !ident.is_empty() && found.is_empty() {
        let message = format!("{name} refers to unknown identifier: {ident}");
        context.report(place, message);
        return;
    }
    let Some(&member) = parts.get(1) else { return };
    if ident.is_empty() {
        let suffix = rest.strip_prefix('_').unwrap_or(rest);
        if !begins_small(suffix) {
            let message = format!("{name} has malformed example suffix: {suffix}");
            context.report(place, message);
        }
        return;
    }
    if !begins_small(member) {
        let has_member = |object: &ObjectId| {
            let typ = context.typed.object(*object).typ;
            let owner = context.typed.object(*object).package;
            context.names.find(member).is_some_and(|member| {
                !matches!(
                    context
                        .typed
                        .lookup_field_or_method(typ, true, owner, member),
                    Lookup::Missing
                )
            })
        };
        if !found.iter().any(has_member) {
            let message = format!("{name} refers to unknown field or method: {ident}.{member}");
            context.report(place, message);
        }
    }
    if let Some(&suffix) = parts.get(2)
        && !begins_small(suffix)
    {
        let message = format!("{name} has malformed example suffix: {suffix}");
        context.report(place, message);
    }
}

/// What a package declares by a name, or else the packages that it imports. GO: lookup
fn declared(context: &Context<'_>, package: PackageId, name: &str) -> Vec<ObjectId> {
    let Some(name) = context.names.find(name) else {
        return Vec::new();
    };
    let package = context.typed.package(package);
    match package.scope.get(&name) {
        Some(object) => vec![*object],
        None => {
            let imports = package.imports.iter();
            let imports = imports.map(|id| context.typed.package(*id));
            let found = imports.filter_map(|import| import.scope.get(&name));
            found.copied().collect()
        }
    }
}

fn example_output(context: &mut Context<'_>, function: &FuncDecl) {
    let Some(body) = function.body else { return };
    let range = context.ast.block(body).range;
    let text = context.sources.slice(range);
    let groups = comment_groups(context, text, range);
    let is_output = |comment: &str| {
        let text = doc_text(comment).to_lowercase();
        let text = text.trim_start();
        text.strip_prefix("unordered ")
            .unwrap_or(text)
            .starts_with("output:")
    };
    let outputs: Vec<bool> = groups
        .iter()
        .map(|&(start, end)| is_output(&text[start..end]))
        .collect();
    let message = match outputs.iter().filter(|is| **is).count() {
        0 | 1 => "output comment block must be the last comment block",
        _ => "there can only be one output comment block per example",
    };
    for (index, &(start, _)) in groups.iter().enumerate() {
        if outputs[index] && index + 1 != groups.len() {
            let at = range.start + start as u32;
            context.report(TextRange::new(range.file, at, at + 2), message);
        }
    }
}

/// The groups of comments of a body: comments on adjacent lines. Those in literals do not count.
fn comment_groups(context: &Context<'_>, text: &str, range: TextRange) -> Vec<(usize, usize)> {
    let literals: Vec<TextRange> = context
        .exprs
        .iter()
        .filter(|&&id| {
            matches!(
                context.ast.expr(id),
                Expr::StringLit { .. } | Expr::RuneLit { .. }
            )
        })
        .map(|&id| context.ast.range(id))
        .filter(|literal| literal.file == range.file)
        .collect();
    let mut groups: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find('/') {
        let start = at + found;
        let offset = range.start + start as u32;
        let literal = literals
            .iter()
            .find(|literal| literal.start <= offset && offset < literal.end);
        if let Some(literal) = literal {
            at = ((literal.end - range.start) as usize).min(text.len());
            continue;
        }
        let rest = &text[start..];
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            at = start + 1;
            continue;
        };
        let end = start + length;
        match groups.last_mut() {
            Some((_, last))
                if text[*last..start].trim().is_empty()
                    && text[*last..start].matches('\n').count() <= 1 =>
            {
                *last = end;
            }
            _ => groups.push((start, end)),
        }
        at = end;
    }
    groups
}

/// GO: checkTest
fn test_name(context: &mut Context<'_>, function: &FuncDecl, name: &str, prefix: &str) {
    let (params, results) = parameters(context, function.ty);
    let &[param] = context.ast.list(params) else {
        return;
    };
    if !results.is_empty() || !takes(context, param.ty, &prefix[..1]) {
        return;
    }
    if let Some(first) = context.ast.list(function.type_params).first() {
        // The brackets around them.
        let start = context.ast.range(first.name).start.saturating_sub(1);
        let range = TextRange::new(context.ast.range(function.name).file, start, start + 1);
        let message = format!(
            "{name} has type parameters: it will not be run by go test as a {prefix}{} function",
            "X".repeat(3)
        );
        context.report(range, message);
    }
    if begins_small(&name[prefix.len()..]) {
        let message = format!(
            "{name} has malformed name: first letter after '{prefix}' must not be lowercase"
        );
        context.report(context.ast.range(function.name), message);
    }
}

/// Is a type written `*T` or `*testing.T`? GO: isTestParam
fn takes(context: &Context<'_>, ty: ExprId, wanted: &str) -> bool {
    let Expr::Star(inner) = *context.ast.expr(ty) else {
        return false;
    };
    let name = match *context.ast.expr(inner) {
        Expr::Selector { name, .. } => name,
        _ => inner,
    };
    let name = context.ast.ident(name);
    name.is_some_and(|name| context.names.text(name) == wanted)
}

// ---- fuzz targets ----

/// Is it `*testing.NAME`?
fn is_testing(context: &Context<'_>, ty: TypeId, name: &str) -> bool {
    let base = context.typed.types.as_pointer(ty);
    base.is_some_and(|base| context.named(base) == Some(("testing", name)))
}

/// The method of an `*testing.F` that a call calls.
fn method_of_fuzz(context: &Context<'_>, call: ExprId) -> Option<String> {
    let (callee, ..) = context.call(call)?;
    let Expr::Selector { operand, name } = *context.ast.expr(callee) else {
        return None;
    };
    let name = context.ast.ident(name)?;
    is_testing(context, context.type_of(operand), "F").then(|| context.names.text(name).to_owned())
}

const FUZZ_TYPES: &str = "string, bool, float32, float64, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, []byte";

fn is_fuzz_type(context: &Context<'_>, ty: TypeId) -> bool {
    let types = &context.typed.types;
    match types.get(types.canonical(ty)) {
        Type::Basic(kind) => {
            (kind.is_numeric() || kind.is_string() || kind.is_boolean())
                && !matches!(
                    kind,
                    BasicKind::Uintptr | BasicKind::Complex64 | BasicKind::Complex128
                )
        }
        Type::Slice(element) => matches!(
            types.get(types.canonical(*element)),
            Type::Basic(BasicKind::Uint8)
        ),
        _ => false,
    }
}

/// GO: checkFuzz
fn fuzz_calls(context: &mut Context<'_>, function: TextRange) {
    let inside = |range: TextRange, of: TextRange| {
        range.file == of.file && of.start <= range.start && range.end <= of.end
    };
    let calls: Vec<(ExprId, String)> = context
        .exprs
        .iter()
        .filter(|&&id| inside(context.ast.range(id), function))
        .filter_map(|&id| Some((id, method_of_fuzz(context, id)?)))
        .collect();
    let mut target: Option<Signature> = None;
    for (call, _) in calls.iter().filter(|(_, method)| method == "Fuzz") {
        let Some((_, &[argument], _)) = context.call(*call) else {
            continue;
        };
        let range = context.ast.range(argument);
        let Some(signature) = context.signature(context.type_of(argument)).cloned() else {
            context.report(range, "argument to Fuzz must be a function");
            continue;
        };
        if !signature.results.is_empty() {
            context.report(range, "fuzz target must not return any value");
        }
        if signature.params.is_empty() {
            context.report(range, "fuzz target must have 1 or more argument");
            continue;
        }
        if fuzz_parameters(context, argument, &signature) && target.is_none() {
            target = Some(signature);
        }
        for (other, method) in &calls {
            let place = context.ast.range(*other);
            if inside(place, range) && !matches!(method.as_str(), "Name" | "Failed") {
                context.report(place, "fuzz target must not call any *F methods");
            }
        }
    }
    let Some(target) = target else { return };
    for (call, _) in calls.iter().filter(|(_, method)| method == "Add") {
        added_values(context, *call, &target);
    }
}

/// GO: validateFuzzArgs
fn fuzz_parameters(context: &mut Context<'_>, argument: ExprId, signature: &Signature) -> bool {
    let written: Vec<ExprId> = match *context.ast.expr(argument) {
        Expr::FuncLit { ty, .. } => {
            let (params, _) = parameters(context, ty);
            context
                .ast
                .list(params)
                .iter()
                .map(|param| param.ty)
                .collect()
        }
        _ => Vec::new(),
    };
    let place = |context: &Context<'_>, index: usize| {
        context
            .ast
            .range(written.get(index).copied().unwrap_or(argument))
    };
    let mut fits = true;
    for (index, param) in signature.params.iter().enumerate() {
        let range = place(context, index);
        if index == 0 {
            if !is_testing(context, param.typ, "T") {
                let message = "the first parameter of a fuzz target must be *testing.T";
                context.report(range, message);
                fits = false;
            }
        } else if !is_fuzz_type(context, param.typ) {
            let message =
                format!("fuzzing arguments can only have the following types: {FUZZ_TYPES}");
            context.report(range, message);
            fits = false;
        }
    }
    fits
}

/// GO: checkAddCalls
fn added_values(context: &mut Context<'_>, call: ExprId, target: &Signature) {
    let Some((_, args, _)) = context.call(call) else {
        return;
    };
    let wanted = &target.params[1..];
    let range = context.ast.range(call);
    if args.len() != wanted.len() {
        let message = format!(
            "wrong number of values in call to (*testing.F).Add: {}, fuzz target expects {}",
            args.len(),
            wanted.len()
        );
        context.report(range, message);
        return;
    }
    let types = &context.typed.types;
    let given = |index: usize| types.default_type(context.type_of(args[index]));
    let wrong: Vec<usize> = (0..args.len())
        .filter(|&index| !types.identical(given(index), wanted[index].typ))
        .collect();
    let name = |ty: TypeId| context.type_name(ty);
    match wrong[..] {
        [] => {}
        [index] => {
            let message = format!(
                "mismatched type in call to (*testing.F).Add: {}, fuzz target expects {}",
                name(given(index)),
                name(wanted[index].typ)
            );
            context.report(context.ast.range(args[index]), message);
        }
        _ => {
            let all = |of: &dyn Fn(usize) -> TypeId| {
                let names: Vec<String> = (0..args.len()).map(|index| name(of(index))).collect();
                names.join(" ")
            };
            let message = format!(
                "mismatched types in call to (*testing.F).Add: [{}], fuzz target expects [{}]",
                all(&given),
                all(&|index| wanted[index].typ)
            );
            context.report(range, message);
        }
    }
}

// ---- goroutines ----

/// A piece of code that runs beside a test, and what starts it.
struct Region {
    range: TextRange,
    /// The `go` statement, or the call of `Run`.
    start: TextRange,
    is_go: bool,
    /// The function's name, if it is called by that.
    name: Option<String>,
    /// Is the function written at the place?
    is_literal: bool,
}

/// What ends a test by ending the goroutine that calls it.
const ENDING: &[&str] = &["FailNow", "Fatal", "Fatalf", "Skip", "Skipf", "SkipNow"];

/// GO: passes/testinggoroutine
pub(crate) fn testinggoroutine(context: &mut Context<'_>) {
    let regions = regions(context);
    let inside = |inner: TextRange, outer: TextRange| {
        inner.file == outer.file && outer.start <= inner.start && inner.end <= outer.end
    };
    let calls: Vec<(ExprId, String)> = context
        .exprs
        .iter()
        .filter_map(|&id| Some((id, ending_call(context, id)?)))
        .collect();
    for region in regions.iter().filter(|region| region.is_go) {
        for (call, method) in &calls {
            let place = context.ast.range(*call);
            let belongs_to_another = regions.iter().any(|other| {
                other.range != region.range
                    && inside(other.range, region.range)
                    && inside(place, other.range)
            });
            if !inside(place, region.range) || belongs_to_another {
                continue;
            }
            let (range, how) = match (&region.name, region.is_literal) {
                (_, true) => (place, String::new()),
                (Some(name), _) => (region.start, format!(" ({name} calls {method})")),
                (None, _) => (region.start, String::new()),
            };
            let message = format!("call to {method} from a non-test goroutine{how}");
            context.report(range, message);
        }
    }
}

/// The code that `go` statements and calls of `Run` start, in functions with a test among their parameters.
fn regions(context: &Context<'_>) -> Vec<Region> {
    let mut tests: Vec<TextRange> = Vec::new();
    for index in 0..context.ast.decl_count() {
        let id = DeclId::from_index(index);
        let range = context.ast.decl_range(id);
        let Decl::Func(function) = *context.ast.decl(id) else {
            continue;
        };
        let (params, _) = parameters(context, function.ty);
        let takes_test = context.ast.list(params).iter().any(|param| {
            let ty = context.type_of(param.ty);
            is_testing(context, ty, "T") || is_testing(context, ty, "B")
        });
        if takes_test && context.package_at(range).is_some() {
            tests.push(range);
        }
    }
    let is_in_test = |range: TextRange| {
        tests.iter().any(|test| {
            test.file == range.file && test.start <= range.start && range.end <= test.end
        })
    };
    let mut regions = Vec::new();
    for &id in &context.stmts {
        let start = context.ast.stmt_range(id);
        if let Stmt::Go { call } = *context.ast.stmt(id)
            && is_in_test(start)
            && let Some((callee, ..)) = context.call(call)
        {
            regions.push(started(context, callee, start, true));
        }
    }
    for &id in &context.exprs {
        let start = context.ast.range(id);
        if let Some((_, &[_, function], _)) = context.call(id)
            && is_in_test(start)
            && context
                .function_called(id)
                .is_some_and(|name| name.starts_with("(*testing.") && name.ends_with(").Run"))
        {
            regions.push(started(context, function, start, false));
        }
    }
    regions
}

fn started(context: &Context<'_>, function: ExprId, start: TextRange, is_go: bool) -> Region {
    let function = context.ast.unparen(function);
    let region = |range: TextRange, name: Option<String>, is_literal: bool| Region {
        range,
        start,
        is_go,
        name,
        is_literal,
    };
    match *context.ast.expr(function) {
        Expr::FuncLit { .. } if is_go => region(start, None, true),
        Expr::FuncLit { .. } => region(context.ast.range(function), None, true),
        Expr::Ident(name) => {
            let text = Some(context.names.text(name).to_owned());
            let object = context.typed.object_of(function);
            match object.and_then(|object| code_of(context, object)) {
                Some(range) => region(range, text, false),
                None => region(start, text, false),
            }
        }
        _ => region(start, None, false),
    }
}

/// The body of a function of the program, or the literal that a variable was declared with.
fn code_of(context: &Context<'_>, object: ObjectId) -> Option<TextRange> {
    let declared = context.typed.object(object).range?;
    if matches!(
        context.typed.object(object).kind,
        ObjectKind::Function { .. }
    ) {
        return (0..context.ast.decl_count()).find_map(|index| {
            let id = DeclId::from_index(index);
            match *context.ast.decl(id) {
                Decl::Func(function) if context.ast.range(function.name) == declared => {
                    Some(context.ast.decl_range(id))
                }
                _ => None,
            }
        });
    }
    let value = definition(context, object)?.1;
    matches!(context.ast.expr(value), Expr::FuncLit { .. }).then(|| context.ast.range(value))
}

/// The statement or declaration that declares a variable, and the value that stands for it there; the only value, if there is one.
pub(crate) fn definition(context: &Context<'_>, object: ObjectId) -> Option<(bool, ExprId)> {
    let declared = context.typed.object(object).range?;
    let value = |names: &[ExprId], values: &[ExprId]| {
        let at = names
            .iter()
            .position(|name| context.ast.range(*name) == declared)?;
        match values {
            [one] => Some((true, *one)),
            values => Some((false, *values.get(at)?)),
        }
    };
    let in_statement = |id: &StmtId| match *context.ast.stmt(*id) {
        Stmt::Define { lhs, rhs, .. } => value(context.ast.list(lhs), context.ast.list(rhs)),
        _ => None,
    };
    context.stmts.iter().find_map(in_statement).or_else(|| {
        (0..context.ast.decl_count()).find_map(|index| {
            let Decl::Var(specs) = *context.ast.decl(DeclId::from_index(index)) else {
                return None;
            };
            context
                .ast
                .list(specs)
                .iter()
                .find_map(|spec| value(context.ast.list(spec.names), context.ast.list(spec.values)))
        })
    })
}

/// The method of a test that a call `t.Fatal(...)` calls, as messages name it.
fn ending_call(context: &Context<'_>, id: ExprId) -> Option<String> {
    let (callee, ..) = context.call(id)?;
    let callee = context.ast.unparen(callee);
    let Expr::Selector { operand, name } = *context.ast.expr(callee) else {
        return None;
    };
    let operand = context.ast.unparen(operand);
    let object = context.typed.object_of(operand)?;
    if !matches!(context.typed.object(object).kind, ObjectKind::Variable(_)) {
        return None;
    }
    let method = context.names.text(context.ast.ident(name)?);
    if !ENDING.contains(&method) {
        return None;
    }
    let is_of_testing = match context.callee(callee)? {
        Callee::Object(object) => {
            let package = context.typed.object(object).package?;
            context.typed.package(package).path == "testing"
        }
        Callee::Interface { interface, .. } => context.named(interface) == Some(("testing", "TB")),
    };
    let receiver = context.type_name(context.type_of(operand));
    is_of_testing.then(|| format!("({receiver}).{method}"))
}
