//! Format strings and their arguments. GO: passes/printf

use crate::context::{Callee, Context};
use crate::format_string::{Operation, parse};
use checker::typed::{Mode, ObjectKind, VarKind};
use checker::types::{BasicKind, ObjectId, Type, TypeId};
use diagnostics::TextRange;
use parser::ast::{Expr, ExprId, Stmt, UnaryOperator};
use rustc_hash::{FxHashMap, FxHashSet};

/// What a function does with its last arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Print,
    Printf,
    Errorf,
}

impl Kind {
    fn text(self) -> &'static str {
        match self {
            Kind::Print => "print",
            Kind::Printf => "printf",
            Kind::Errorf => "errorf",
        }
    }
}

/// The functions that are known; a name ending in `f` takes a format.
const KNOWN: &[&str] = &[
    "fmt.Appendf",
    "fmt.Append",
    "fmt.Appendln",
    "fmt.Errorf",
    "fmt.Fprint",
    "fmt.Fprintf",
    "fmt.Fprintln",
    "fmt.Print",
    "fmt.Printf",
    "fmt.Println",
    "fmt.Sprint",
    "fmt.Sprintf",
    "fmt.Sprintln",
    "log.Print",
    "log.Printf",
    "log.Println",
    "log.Fatal",
    "log.Fatalf",
    "log.Fatalln",
    "log.Panic",
    "log.Panicf",
    "log.Panicln",
    "(*log.Logger).Fatal",
    "(*log.Logger).Fatalf",
    "(*log.Logger).Fatalln",
    "(*log.Logger).Panic",
    "(*log.Logger).Panicf",
    "(*log.Logger).Panicln",
    "(*log.Logger).Print",
    "(*log.Logger).Printf",
    "(*log.Logger).Println",
    "(*testing.common).Error",
    "(*testing.common).Errorf",
    "(*testing.common).Fatal",
    "(*testing.common).Fatalf",
    "(*testing.common).Log",
    "(*testing.common).Logf",
    "(*testing.common).Skip",
    "(*testing.common).Skipf",
    "(testing.TB).Error",
    "(testing.TB).Errorf",
    "(testing.TB).Fatal",
    "(testing.TB).Fatalf",
    "(testing.TB).Log",
    "(testing.TB).Logf",
    "(testing.TB).Skip",
    "(testing.TB).Skipf",
];

/// A function of the program's own whose last parameter is `...any`.
struct Wrapper {
    object: ObjectId,
    format: Option<ObjectId>,
    arguments: ObjectId,
    kind: Option<Kind>,
    /// Calls in it that hand its arguments on.
    forwards: Vec<ExprId>,
}

/// The rule.
pub(crate) fn printf(context: &mut Context<'_>) {
    let mut printf = Printf {
        wrappers: wrappers(context),
        by_object: FxHashMap::default(),
        context,
    };
    for (index, wrapper) in printf.wrappers.iter().enumerate() {
        printf.by_object.insert(wrapper.object, index);
    }
    printf.find_kinds();
    for id in printf.context.exprs.clone() {
        printf.call(id);
    }
}

fn wrappers(context: &Context<'_>) -> Vec<Wrapper> {
    let mut wrappers = Vec::new();
    let typed = context.typed;
    let mut add = |object: ObjectId, parameters: &[ObjectId], ty: TypeId| {
        let Some(signature) = context.signature(ty).filter(|signature| signature.variadic) else {
            return;
        };
        let (Some(&arguments), Some(last)) = (parameters.last(), signature.params.last()) else {
            return;
        };
        let Type::Slice(element) = *typed.types.get(typed.types.unalias(last.typ)) else {
            return;
        };
        let is_any = typed
            .types
            .as_interface(element)
            .is_some_and(|interface| interface.methods.is_empty() && interface.terms.is_none());
        if !is_any || typed.types.is_type_parameter(element) {
            return;
        }
        let before = parameters.len().checked_sub(2).map(|at| parameters[at]);
        let format = before.filter(|&id| typed.object(id).typ == TypeId::STRING);
        // What is changed on the way is not what the caller gave.
        let is_kept = |id: ObjectId| {
            let variable = typed.object(id).variable();
            variable.is_some_and(|variable| !variable.reassigned && !variable.address_taken)
        };
        if is_kept(arguments) && format.is_none_or(is_kept) {
            wrappers.push(Wrapper {
                object,
                format,
                arguments,
                kind: None,
                forwards: Vec::new(),
            });
        }
    };
    for function in &typed.functions {
        if function.checked && !typed.package(function.package).standard {
            add(
                function.object,
                &function.parameters,
                typed.object(function.object).typ,
            );
        }
    }
    // Function literals that a variable is given.
    let mut literal = |name: ExprId, value: ExprId| {
        if let (Some(object), Some(closure)) = (typed.object_of(name), typed.closures.get(&value)) {
            add(object, &closure.parameters, context.type_of(value));
        }
    };
    for &id in &context.stmts {
        if let Stmt::Define { lhs, rhs, .. } | Stmt::Assign { lhs, rhs, .. } = *context.ast.stmt(id)
        {
            let (names, values) = (context.ast.list(lhs), context.ast.list(rhs));
            if names.len() == values.len() {
                names.iter().zip(values).for_each(|(&n, &v)| literal(n, v));
            }
        }
    }
    for index in 0..context.ast.decl_count() {
        let id = parser::ast::DeclId::from_index(index);
        if context.package_at(context.ast.decl_range(id)).is_none() {
            continue;
        }
        if let parser::ast::Decl::Var(specs) = *context.ast.decl(id) {
            for spec in context.ast.list(specs) {
                let (names, values) = (context.ast.list(spec.names), context.ast.list(spec.values));
                if names.len() == values.len() {
                    names.iter().zip(values).for_each(|(&n, &v)| literal(n, v));
                }
            }
        }
    }
    wrappers
}

struct Printf<'c, 'a> {
    context: &'c mut Context<'a>,
    wrappers: Vec<Wrapper>,
    by_object: FxHashMap<ObjectId, usize>,
}

impl<'a> Printf<'_, 'a> {
    /// What the program's own functions do, by what they hand their arguments to.
    fn find_kinds(&mut self) {
        let by_arguments: FxHashMap<ObjectId, usize> = self
            .wrappers
            .iter()
            .enumerate()
            .map(|(index, wrapper)| (wrapper.arguments, index))
            .collect();
        for &id in &self.context.exprs {
            let Some((_, args, _)) = self.context.call(id) else {
                continue;
            };
            let last = args
                .last()
                .and_then(|&last| self.context.typed.object_of(last));
            if let Some(&index) = last.and_then(|last| by_arguments.get(&last)) {
                self.wrappers[index].forwards.push(id);
            }
        }
        let mut reported = FxHashSet::default();
        loop {
            let mut changed = false;
            for index in 0..self.wrappers.len() {
                if self.wrappers[index].kind.is_some() {
                    continue;
                }
                for call in self.wrappers[index].forwards.clone() {
                    let Some(kind) = self.kind_of_call(call) else {
                        continue;
                    };
                    if self.forwards(index, call, kind, &mut reported) {
                        self.wrappers[index].kind = Some(kind);
                        changed = true;
                        break;
                    }
                }
            }
            if !changed {
                return;
            }
        }
    }

    /// Does the call hand on all that the wrapper was given?
    fn forwards(
        &mut self,
        wrapper: usize,
        call: ExprId,
        kind: Kind,
        reported: &mut FxHashSet<ExprId>,
    ) -> bool {
        let Some((callee, args, spread)) = self.context.call(call) else {
            return false;
        };
        let wrapper = &self.wrappers[wrapper];
        if kind != Kind::Print {
            let before = args.len().checked_sub(2).map(|at| args[at]);
            let format = before.and_then(|before| self.context.typed.object_of(before));
            if format.is_none() || format != wrapper.format {
                return false;
            }
        }
        if !spread {
            let params = self
                .context
                .signature(self.context.type_of(callee))
                .map_or(0, |signature| signature.params.len());
            if args.len() <= params && reported.insert(call) {
                let message = format!(
                    "missing ... in args forwarded to {}-like function",
                    kind.text()
                );
                let range = self.context.ast.range(call);
                self.context.report(range, message);
            }
            return false;
        }
        true
    }

    fn kind_of_call(&self, call: ExprId) -> Option<Kind> {
        let (callee, ..) = self.context.call(call)?;
        self.kind(self.context.callee(callee)?)
    }

    fn kind(&self, callee: Callee) -> Option<Kind> {
        if let Callee::Object(id) = callee
            && let Some(&index) = self.by_object.get(&id)
        {
            return self.wrappers[index].kind;
        }
        let name = self.context.full_name(callee)?;
        if name == "fmt.Errorf" {
            return Some(Kind::Errorf);
        }
        KNOWN
            .contains(&name.as_str())
            .then(|| match name.ends_with('f') {
                true => Kind::Printf,
                false => Kind::Print,
            })
    }

    fn call(&mut self, id: ExprId) {
        let Some((callee, args, spread)) = self.context.call(id) else {
            return;
        };
        let Some(object) = self.context.callee(callee) else {
            return;
        };
        let Some(kind) = self.kind(object) else {
            return;
        };
        let name = match object {
            Callee::Object(id)
                if matches!(
                    self.context.typed.object(id).variable().map(|v| v.kind),
                    Some(VarKind::Local | VarKind::Parameter | VarKind::Package)
                ) =>
            {
                let name = self.context.typed.object(id).name;
                self.context.names.text(name).to_owned()
            }
            _ => self.context.full_name(object).unwrap_or_default(),
        };
        let Some(signature) = self.context.signature(self.context.type_of(callee)) else {
            return;
        };
        if !signature.variadic {
            return;
        }
        match kind {
            Kind::Print => self.print(id, args, signature.params.len() - 1, &name),
            _ => {
                if let Some(format) = signature.params.len().checked_sub(2) {
                    self.printf(id, args, spread, format, kind, &name);
                }
            }
        }
    }

    fn printf(
        &mut self,
        call: ExprId,
        args: &'a [ExprId],
        spread: bool,
        index: usize,
        kind: Kind,
        name: &str,
    ) {
        let Some(&format_arg) = args.get(index) else {
            return;
        };
        let range = self.context.ast.range(format_arg);
        let Some(format) = self.context.constant_text(format_arg) else {
            if index + 1 == args.len() && self.context.is_value(format_arg) {
                self.context.report(
                    range,
                    format!("non-constant format string in call to {name}"),
                );
            }
            return;
        };
        let first = index + 1;
        if !format.contains('%') {
            if let Some(&argument) = args.get(first) {
                let range = self.context.ast.range(argument);
                let message = format!("{name} call has arguments but no formatting directives");
                self.context.report(range, message);
            }
            return;
        }
        let operations = match parse(&format, first) {
            Ok(operations) => operations,
            Err(error) => {
                self.context.report(range, format!("{name} {error}"));
                return;
            }
        };
        let mut highest = first - 1;
        let mut any_index = false;
        for operation in &operations {
            any_index |=
                operation.indexed || operation.width.indexed || operation.precision.indexed;
            let range = self.operation_range(format_arg, operation);
            if operation.verb == 'w' && kind != Kind::Errorf {
                let message = format!("{name} does not support error-wrapping directive %w");
                self.context.report(range, message);
                return;
            }
            let call = Formatted {
                args,
                spread,
                first,
                name,
                range,
                operation,
            };
            if !self.argument(&call, &mut highest) {
                return;
            }
        }
        if spread && highest + 2 >= args.len() || any_index {
            return;
        }
        if highest + 1 < args.len() {
            let (needs, has) = (highest + 1 - first, args.len() - first);
            let message = format!("{name} call needs {} but has {}", count(needs), count(has));
            let range = self.context.ast.range(call);
            self.context.report(range, message);
        }
    }

    /// Where the verb stands: within the literal, if the format is one.
    fn operation_range(&self, format: ExprId, operation: &Operation) -> TextRange {
        let whole = self.context.ast.range(format);
        let Expr::StringLit { text, .. } = *self.context.ast.expr(format) else {
            return whole;
        };
        let written = self.context.names.text(text);
        let Some(start) = place_in_literal(written, operation.start) else {
            return whole;
        };
        let end = place_in_literal(written, operation.start + operation.text.len());
        let end = end.unwrap_or(written.len());
        TextRange::new(
            whole.file,
            whole.start + start as u32,
            whole.start + end as u32,
        )
    }

    /// The type of an argument; nil has none but its own.
    fn type_of(&self, argument: ExprId) -> TypeId {
        match self.context.typed.type_and_value(argument).mode {
            Mode::Nil => TypeId::UNTYPED_NIL,
            _ => self.context.type_of(argument),
        }
    }

    /// Checks one verb; is it worth going on?
    fn argument(&mut self, call: &Formatted<'_>, highest: &mut usize) -> bool {
        let Formatted {
            args,
            name,
            range,
            operation,
            ..
        } = *call;
        let text = &operation.text;
        let verb = VERBS.iter().find(|row| row.0 == operation.verb);
        let shown = args.get(operation.argument).copied();
        let formatter = operation.verb != 'w'
            && shown.is_some_and(|shown| {
                self.context.is_value(shown) && self.is_formatter(self.type_of(shown))
            });
        if !formatter {
            let Some((_, flags, _)) = verb else {
                let message = format!("{name} format {text} has unknown verb {}", operation.verb);
                self.context.report(range, message);
                return false;
            };
            let unknown = operation
                .flags
                .chars()
                .find(|&c| c != '0' && !flags.contains(c));
            if let Some(flag) = unknown {
                let message = format!("{name} format {text} has unrecognized flag {flag}");
                self.context.report(range, message);
                return false;
            }
        }
        let mut used = Vec::new();
        for size in [operation.width, operation.precision] {
            let Some(index) = size.argument else { continue };
            if !self.can_be_checked(call, index) {
                return false;
            }
            let argument = args[index];
            if !self.fits(INT, self.context.type_of(argument)) {
                let shown = self.context.text(argument);
                let message = format!("{name} format {text} uses non-int {shown} as argument of *");
                self.context.report(range, message);
                return false;
            }
            used.push(index);
        }
        if operation.verb != '%' {
            used.push(operation.argument);
        }
        *highest = used.into_iter().fold(*highest, usize::max);
        if operation.verb == '%' || formatter {
            return true;
        }
        if !self.can_be_checked(call, operation.argument) {
            return false;
        }
        let argument = args[operation.argument];
        let ty = self.type_of(argument);
        let shown = self.context.text(argument);
        if operation.verb == 'w'
            && let Type::Pointer(base) = *self.context.typed.types.underlying(ty)
            && self.context.is_error(base)
        {
            let package = self.context.package_at(range);
            let short = |ty| {
                let Context {
                    typed,
                    names,
                    sources,
                    ..
                } = *self.context;
                typed.type_string(names, sources, ty, package)
            };
            let message = format!(
                "%w wants operand of error type {}, not pointer type {} (defeats errors.Is)",
                short(base),
                short(ty)
            );
            self.context.report(range, message);
            return false;
        }
        if self.is_function(ty) && !matches!(operation.verb, 'p' | 'T') {
            let message = format!("{name} format {text} arg {shown} is a func value, not called");
            self.context.report(range, message);
            return false;
        }
        let wanted = verb.map_or(0, |row| row.2);
        if !self.fits(wanted, ty) {
            let ty = self.context.type_name(ty);
            let message = format!("{name} format {text} has arg {shown} of wrong type {ty}");
            self.context.report(range, message);
            return false;
        }
        if wanted & STRING != 0
            && operation.verb != 'T'
            && (!operation.flags.contains('#') || matches!(operation.verb, 'q' | 'x' | 'X'))
            && let Some(method) = self.recursive(argument)
        {
            let message = format!(
                "{name} format {text} with arg {shown} causes recursive {method} method call"
            );
            self.context.report(range, message);
            return false;
        }
        true
    }

    fn can_be_checked(&mut self, call: &Formatted<'_>, index: usize) -> bool {
        if index + 1 < call.args.len() {
            return true;
        }
        if call.spread {
            return false;
        }
        if index < call.args.len() {
            return true;
        }
        let message = format!(
            "{} format {} reads arg #{}, but call has {}",
            call.name,
            call.operation.text,
            index - call.first + 1,
            count(call.args.len() - call.first)
        );
        self.context.report(call.range, message);
        false
    }

    fn print(&mut self, call: ExprId, args: &'a [ExprId], first: usize, name: &str) {
        let range = self.context.ast.range(call);
        let Some((&leading, args)) = args
            .get(first..)
            .and_then(|args| Some((args.first()?, args)))
        else {
            return;
        };
        let signature_takes_any = true;
        if first == 0 && signature_takes_any {
            let text = self.context.text(leading);
            if text.starts_with("os.Std") {
                let message = format!("{name} does not take io.Writer but has first arg {text}");
                self.context.report(range, message);
            }
        }
        if let Some(text) = self.context.constant_text(leading)
            && let Some(directive) = directive(&text)
        {
            let message =
                format!("{name} call has possible Printf formatting directive {directive}");
            self.context.report(range, message);
        }
        if name.ends_with("ln")
            && let Some(&last) = args.last()
            && self
                .context
                .constant_text(last)
                .is_some_and(|text| text.ends_with('\n'))
        {
            self.context.report(
                range,
                format!("{name} arg list ends with redundant newline"),
            );
        }
        for &argument in args {
            let shown = self.context.text(argument);
            if self.is_function(self.context.type_of(argument)) {
                let message = format!("{name} arg {shown} is a func value, not called");
                self.context.report(range, message);
            }
            if let Some(method) = self.recursive(argument) {
                let message =
                    format!("{name} arg {shown} causes recursive call to {method} method");
                self.context.report(range, message);
            }
        }
    }

    fn is_function(&self, ty: TypeId) -> bool {
        let types = &self.context.typed.types;
        matches!(types.get(types.unalias(ty)), Type::Signature(_))
    }

    /// Does the type say itself how it is shown? A value in an interface may.
    fn is_formatter(&self, ty: TypeId) -> bool {
        let types = &self.context.typed.types;
        if types.is_interface(ty) && !types.is_type_parameter(ty) {
            return true;
        }
        self.context.has_method(ty, false, "Format", |signature| {
            matches!(&signature.params[..], [state, verb]
                if self.context.named(state.typ) == Some(("fmt", "State"))
                    && types.canonical(verb.typ) == types.canonical(TypeId::RUNE))
                && signature.results.is_empty()
        })
    }

    fn is_text(&self, ty: TypeId) -> bool {
        ty != TypeId::UNTYPED_NIL
            && (self.context.is_error(ty) || self.context.has_text_method(ty, "String"))
    }

    fn fits(&self, wanted: u32, ty: TypeId) -> bool {
        if wanted == ANY || ty == TypeId::INVALID {
            return true;
        }
        let mut seen = FxHashSet::default();
        self.matches(wanted, ty, true, &mut seen)
    }

    /// GO: passes/printf/types.go argMatcher.match
    fn matches(&self, wanted: u32, ty: TypeId, top: bool, seen: &mut FxHashSet<TypeId>) -> bool {
        stacker::maybe_grow(64 << 10, 1 << 20, || self.matches_in(wanted, ty, top, seen))
    }

    fn matches_in(&self, wanted: u32, ty: TypeId, top: bool, seen: &mut FxHashSet<TypeId>) -> bool {
        let types = &self.context.typed.types;
        if wanted == ERROR {
            return ty == TypeId::UNTYPED_NIL || self.context.is_error(ty);
        }
        if self.is_formatter(ty) || wanted & STRING != 0 && self.is_text(ty) {
            return true;
        }
        if types.is_type_parameter(ty) {
            // Each type that may stand for it.
            let Some(terms) = self.context.typed.types.terms_of(ty) else {
                return false;
            };
            return terms
                .iter()
                .all(|term| self.matches(wanted, term.typ, top, seen));
        }
        let under = types.underlying_id(ty);
        if !seen.insert(types.canonical(under)) {
            return true;
        }
        let is_byte = |element: TypeId| self.context.basic(element) == Some(BasicKind::Uint8);
        match types.get(under) {
            Type::Signature(_) => wanted == POINTER,
            Type::Map { key, element } => {
                wanted == POINTER
                    || self.matches(wanted, *key, false, seen)
                        && self.matches(wanted, *element, false, seen)
            }
            Type::Chan { .. } => wanted & POINTER != 0,
            Type::Array(element, _) => {
                is_byte(*element) && wanted & STRING != 0
                    || self.matches(wanted, *element, false, seen)
            }
            Type::Slice(element) => {
                is_byte(*element) && wanted & STRING != 0
                    || wanted == POINTER
                    || self.matches(wanted, *element, false, seen)
            }
            Type::Pointer(base) => {
                if wanted == POINTER || types.is_type_parameter(*base) {
                    return true;
                }
                match types.underlying(*base) {
                    Type::Struct(_) | Type::Array(..) | Type::Slice(_) | Type::Map { .. } => {
                        top && self.matches(wanted, types.underlying_id(*base), false, seen)
                    }
                    _ => wanted & POINTER != 0,
                }
            }
            Type::Struct(fields) => fields.iter().all(|field| {
                self.matches(wanted, field.typ, false, seen)
                    && !(wanted & STRING != 0 && !field.exported && self.is_text(field.typ))
            }),
            Type::Interface(_) => true,
            Type::Basic(kind) => wanted & shown_as(*kind) != 0,
            _ => true,
        }
    }

    /// The method `String` or `Error` around the expression that would be called for it again.
    fn recursive(&self, argument: ExprId) -> Option<String> {
        let inner = match *self.context.ast.expr(argument) {
            Expr::Unary {
                op: UnaryOperator::Address,
                operand,
            } => operand,
            _ => argument,
        };
        let object = self.context.typed.object_of(inner)?;
        let variable = self.context.typed.object(object).variable()?;
        if variable.kind != VarKind::Receiver {
            return None;
        }
        let ty = self.context.type_of(argument);
        if self.is_formatter(ty) {
            return None;
        }
        for name in ["String", "Error"] {
            if !self.context.has_text_method(ty, name) {
                continue;
            }
            let mut functions = self.context.typed.functions.iter();
            let function = functions.find(|function| function.receiver == Some(object))?;
            let method = self.context.typed.object(function.object);
            if self.context.names.text(method.name) == name
                && matches!(method.kind, ObjectKind::Function { .. })
            {
                return self.context.full_name(Callee::Object(function.object));
            }
        }
        None
    }
}

/// A verb within its call.
#[derive(Clone, Copy)]
struct Formatted<'c> {
    args: &'c [ExprId],
    spread: bool,
    first: usize,
    name: &'c str,
    range: TextRange,
    operation: &'c Operation,
}

fn count(number: usize) -> String {
    match number {
        1 => "1 arg".to_owned(),
        number => format!("{number} args"),
    }
}

const BOOL: u32 = 1;
const BYTE: u32 = 2;
const INT: u32 = 4;
const RUNE: u32 = 8;
const STRING: u32 = 16;
const FLOAT: u32 = 32;
const COMPLEX: u32 = 64;
const POINTER: u32 = 128;
const ERROR: u32 = 256;
const ANY: u32 = u32::MAX;

/// Verbs with the flags that they heed and what they show. GO: passes/printf `printVerbs`
const VERBS: &[(char, &str, u32)] = &[
    ('%', "", 0),
    ('b', " -+.0#", INT | FLOAT | COMPLEX | POINTER),
    ('c', "-", RUNE | INT),
    ('d', " -+.0", INT | POINTER),
    ('e', " -+.0#", FLOAT | COMPLEX),
    ('E', " -+.0#", FLOAT | COMPLEX),
    ('f', " -+.0#", FLOAT | COMPLEX),
    ('F', " -+.0#", FLOAT | COMPLEX),
    ('g', " -+.0#", FLOAT | COMPLEX),
    ('G', " -+.0#", FLOAT | COMPLEX),
    ('o', " -+.0#", INT | POINTER),
    ('O', " -+.0#", INT | POINTER),
    ('p', "-#", POINTER),
    ('q', " -+.0#", RUNE | BYTE | STRING),
    ('s', " -+.0", STRING),
    ('t', "-", BOOL),
    ('T', "-", ANY),
    ('U', "-#", RUNE | INT),
    ('v', " -+.0#", ANY),
    ('w', " -+.0#", ERROR),
    (
        'x',
        " -+.0#",
        RUNE | INT | STRING | POINTER | FLOAT | COMPLEX,
    ),
    (
        'X',
        " -+.0#",
        RUNE | INT | STRING | POINTER | FLOAT | COMPLEX,
    ),
];

/// What a basic type can be shown as.
fn shown_as(kind: BasicKind) -> u32 {
    match kind {
        BasicKind::Bool | BasicKind::UntypedBool => BOOL,
        BasicKind::Uint8 => INT | BYTE,
        BasicKind::Int32 | BasicKind::UntypedRune => INT | RUNE,
        BasicKind::Float32 | BasicKind::Float64 | BasicKind::UntypedFloat => FLOAT,
        BasicKind::Complex64 | BasicKind::Complex128 | BasicKind::UntypedComplex => COMPLEX,
        BasicKind::String | BasicKind::UntypedString => STRING,
        BasicKind::UntypedNil => 0,
        BasicKind::Invalid => ANY,
        _ => INT,
    }
}

/// Where the byte at `offset` of a string's value stands in its literal.
fn place_in_literal(written: &str, offset: usize) -> Option<usize> {
    if written.starts_with('`') {
        return Some(offset + 1);
    }
    let bytes = written.as_bytes();
    let (mut at, mut value) = (1, 0);
    while value < offset {
        let (length, means) = match (bytes.get(at)?, bytes.get(at + 1)) {
            (b'\\', Some(b'x')) => (4, 1),
            (b'\\', Some(b'0'..=b'7')) => (4, 1),
            (b'\\', Some(escape @ (b'u' | b'U'))) => {
                let length = if *escape == b'u' { 6 } else { 10 };
                let digits = written.get(at + 2..at + length)?;
                let code = u32::from_str_radix(digits, 16).ok()?;
                (length, char::from_u32(code)?.len_utf8())
            }
            (b'\\', _) => (2, 1),
            _ => (1, 1),
        };
        at += length;
        value += means;
    }
    Some(at)
}

/// The first thing in a text that looks like a verb, and is no `%20` of an address. GO: `printFormatRE`
fn directive(text: &str) -> Option<&str> {
    let text = text.strip_suffix('%').unwrap_or(text);
    let mut from = 0;
    while let Some(found) = text[from..].find('%') {
        let start = from + found;
        from = start + 1;
        let bytes = text.as_bytes();
        let mut at = start + 1;
        let skip = |at: &mut usize, wanted: &dyn Fn(u8) -> bool| {
            while bytes.get(*at).is_some_and(|&byte| wanted(byte)) {
                *at += 1;
            }
        };
        let index = |at: usize| -> usize {
            let digits = bytes[at.min(bytes.len())..]
                .iter()
                .skip(1)
                .take_while(|b| b.is_ascii_digit())
                .count();
            match (bytes.get(at), bytes.get(at + 1 + digits)) {
                (Some(b'['), Some(b']')) if digits > 0 => at + digits + 2,
                _ => at,
            }
        };
        let number = |at: &mut usize| {
            let digits = bytes[(*at).min(bytes.len())..]
                .iter()
                .take_while(|b| b.is_ascii_digit())
                .count();
            let star = index(*at);
            if digits > 0 {
                *at += digits;
            } else if bytes.get(star) == Some(&b'*') {
                *at = star + 1;
            }
        };
        skip(&mut at, &|byte| b"+-#".contains(&byte));
        number(&mut at);
        if bytes.get(at) == Some(&b'.') {
            at += 1;
        }
        number(&mut at);
        at = index(at);
        if bytes
            .get(at)
            .is_some_and(|verb| b"bcdefgopqstvxEFGTUX".contains(verb))
        {
            let all = &text[start..=at];
            let hex = |at: usize| all.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
            if !(all.len() >= 3 && hex(1) && hex(2)) {
                return Some(all);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_found_in_texts_and_literals() {
        assert_eq!(directive("100%"), None);
        assert_eq!(directive("50% of"), None);
        assert_eq!(directive("a %d b"), Some("%d"));
        assert_eq!(directive("%2[1]v%-10.3f"), Some("%2[1]v"));
        assert_eq!(directive("a%20b"), None);
        assert_eq!(place_in_literal("\"\\u00e9%d\"", 2), Some(7));
        assert_eq!(place_in_literal("`x%d`", 1), Some(2));
    }
}
