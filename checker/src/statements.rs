//! Statements and function bodies. GO: go/types stmt.go, range.go.

use diagnostics::{Code, TextRange};
use parser::ast::{
    AssignOperator, BlockId, CaseClause, CommClause, Decl, Expr, ExprId, List, RangeKind, Stmt,
    StmtId, Symbol, UnaryOperator,
};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::checker::{Checker, Context, Delayed, Environment, with_stack};
use crate::constants::Constant;
use crate::hints::Hint;
use crate::literals::{ConstantKey, constant_key};
use crate::operand::{Label, Operand};
use crate::type_expressions::Variables;
use crate::typed::{FunctionId, FunctionRef, Mode, ObjectKind, VarKind};
use crate::types::{BasicKind, ChanDirection, ObjectId, Type, TypeId};
use crate::universe::CallKind;

impl Checker<'_> {
    // ---- function bodies ----

    /// Checks the body of a declared function, once.
    pub(crate) fn check_function_body(&mut self, id: FunctionId) {
        let function = &self.program.functions[id.0 as usize];
        if function.checked {
            return;
        }
        let (object, package) = (function.object, function.package);
        self.declare_object(object);
        if self.unchecked.contains(&id) {
            return;
        }
        let Some(declaration) = self.declaration_of[object.index()] else {
            return;
        };
        let file_scope = self.declarations[declaration.0 as usize].file_scope;
        let scope = self.function_scopes.get(&id).copied();
        let mut env = self.package_environment(package, scope.unwrap_or(file_scope));
        let function = &self.program.functions[id.0 as usize];
        env.ambient = function
            .receiver_parameters
            .iter()
            .chain(&function.type_parameters)
            .copied()
            .collect();
        env.declaration = Some(declaration);
        let variables = self.function_variables.remove(&id).unwrap_or_default();
        let function = &mut self.program.functions[id.0 as usize];
        function.checked = true;
        let results = function.results.clone();
        let body = function.body;
        env.context = Some(Context {
            function: FunctionRef::Declared(id),
            results,
        });
        if self.is_script_function(id) {
            let first_local = self.local_variables.len();
            let body = body.map(|body| self.ast.statements(body));
            self.in_environment(env, |checker| {
                checker.statement_list(body.unwrap_or_default());
            });
            return self.report_unused_variables(first_local);
        }
        self.function_body(env, variables, body, scope.is_none());
    }

    pub(crate) fn check_literal_body(
        &mut self,
        mut env: Environment,
        literal: ExprId,
        variables: Variables,
        body: BlockId,
    ) {
        if !self.is_standard(env.package) {
            self.check_branches(body);
        }
        let results = self
            .program
            .closures
            .get(&literal)
            .map(|closure| closure.results.clone())
            .unwrap_or_default();
        env.context = Some(Context {
            function: FunctionRef::Literal(literal),
            results,
        });
        env.has_call_or_receive = false;
        env.error_place = None;
        self.function_body(env, variables, Some(body), true);
    }

    fn function_body(
        &mut self,
        env: Environment,
        variables: Variables,
        body: Option<BlockId>,
        new_scope: bool,
    ) {
        let first_local = self.local_variables.len();
        self.in_environment(env, |checker| {
            if new_scope {
                checker.open_scope();
            }
            for (object, ident) in variables {
                if let Some(ident) = ident {
                    checker.declare(checker.env.scope, Some(ident), object);
                }
            }
            let Some(body) = body else { return };
            checker.statement_list(checker.ast.statements(body));
            let has_results = checker
                .env
                .context
                .as_ref()
                .is_some_and(|context| !context.results.is_empty());
            if has_results && !checker.is_terminating_list(checker.ast.statements(body)) {
                let range = checker.closing_brace(body);
                let hint = Hint::help("every way through the function must end in return or panic");
                checker.report_with(Code::MissingReturn, range, "missing return", hint);
            }
        });
        self.report_unused_variables(first_local);
    }

    /// Reports the variables of a function, those from `first_local` on, that are not used.
    fn report_unused_variables(&mut self, first_local: usize) {
        // The literals inside have taken theirs out of the list already.
        let locals: Vec<ObjectId> = self.local_variables.drain(first_local..).collect();
        let mut namesakes: FxHashMap<Symbol, Vec<ObjectId>> = FxHashMap::default();
        for variable in &locals {
            let object = self.object(*variable);
            let name = object.name;
            if object.name.is_blank() || object.variable().is_none_or(|variable| variable.used) {
                continue;
            }
            let range = object.range.unwrap_or_default();
            let message = format!("declared and not used: {}", self.text(object.name));
            if namesakes.is_empty() {
                for local in &locals {
                    let name = self.object(*local).name;
                    namesakes.entry(name).or_default().push(*local);
                }
            }
            let same = namesakes.get(&name).map_or(&[][..], Vec::as_slice);
            let hint = self.hint_unused_variable(*variable, same);
            self.report_with(Code::UnusedVariable, range, message, hint);
        }
    }

    // ---- delayed actions ----

    /// Runs the delayed actions from `top` on, those that they add included.
    pub(crate) fn process_delayed(&mut self, top: usize) {
        if self.delayed.len() == top {
            return;
        }
        let mut index = top;
        while index < self.delayed.len() {
            let filler = Delayed::ValidType {
                typ: TypeId::INVALID,
                package: self.env.package,
            };
            let action = std::mem::replace(&mut self.delayed[index], filler);
            index += 1;
            with_stack(|| self.run_delayed(action));
        }
        self.delayed.truncate(top);
    }

    fn run_delayed(&mut self, action: Delayed) {
        let in_package = |checker: &mut Self, package, run: &mut dyn FnMut(&mut Self)| {
            let saved = std::mem::replace(&mut checker.env.package, package);
            let place = checker.env.error_place.take();
            run(checker);
            checker.env.package = saved;
            checker.env.error_place = place;
        };
        match action {
            Delayed::FunctionBody {
                environment,
                literal,
                parameters,
                body,
            } => {
                self.check_literal_body(environment, literal, parameters, body);
            }
            Delayed::ValidType { typ, package } => {
                in_package(self, package, &mut |c| c.check_valid_type(typ))
            }
            Delayed::MapKey { key, at, package } => {
                in_package(self, package, &mut |c| c.check_map_key(key, at))
            }
            Delayed::EmbeddedField {
                typ,
                range,
                package,
            } => {
                in_package(self, package, &mut |c| c.check_embedded_field(typ, range));
            }
            Delayed::VariableType {
                typ,
                range,
                package,
            } => in_package(self, package, &mut |c| {
                let why = match c.program.types.as_interface(typ) {
                    Some(interface) if interface.comparable => "is (or embeds) comparable",
                    Some(interface) if interface.terms.is_some() => "contains type constraints",
                    _ => return,
                };
                let message = format!(
                    "cannot use type {} outside a type constraint: interface {why}",
                    c.type_text(typ)
                );
                let help = format!(
                    "it constrains type parameters: func f[T {}](x T)",
                    c.type_text(typ)
                );
                c.report_with(Code::MisplacedConstraint, range, message, Hint::help(help));
            }),
            Delayed::Union {
                terms,
                operands,
                package,
            } => in_package(self, package, &mut |c| c.check_union(&terms, &operands)),
            Delayed::Instantiation(what) => {
                in_package(self, what.package, &mut |c| c.check_instantiation(&what));
            }
            Delayed::FunctionInstantiation(what) => {
                in_package(self, what.package, &mut |c| {
                    c.check_function_instantiation(&what)
                });
            }
            Delayed::FieldUniqueness { typ, package } => {
                in_package(self, package, &mut |c| c.check_field_uniqueness(typ));
            }
            Delayed::Receiver {
                typ,
                range,
                package,
            } => {
                in_package(self, package, &mut |c| c.check_receiver(typ, range));
            }
        }
    }

    // ---- statements ----

    fn statement_list(&mut self, list: &[StmtId]) {
        for statement in list {
            self.statement(*statement);
        }
    }

    fn block(&mut self, block: BlockId) {
        let outer = self.open_scope();
        self.statement_list(self.ast.statements(block));
        self.close_scope(outer);
    }

    pub(crate) fn statement(&mut self, statement: StmtId) {
        let top = self.delayed.len();
        with_stack(|| self.statement_inner(statement));
        // Function literals see the scope as it is now.
        self.process_delayed(top);
    }

    fn at(&self, statement: StmtId, offset: u32) -> TextRange {
        TextRange::at(self.ast.stmt_range(statement).file, offset)
    }

    fn statement_inner(&mut self, statement: StmtId) {
        match *self.ast.stmt(statement) {
            // Branches are checked for the whole function, see labels.rs.
            Stmt::Bad
            | Stmt::Empty
            | Stmt::Break { .. }
            | Stmt::Continue { .. }
            | Stmt::Goto { .. }
            | Stmt::Fallthrough => {}
            Stmt::Expr(expr) => self.expression_statement(statement, expr),
            Stmt::Send { channel, value, .. } => {
                let mut ch = Operand::invalid(channel);
                self.expr(&mut ch, channel);
                let mut x = Operand::invalid(value);
                self.generic_expr(&mut x, value);
                if ch.is_valid() && x.is_valid() {
                    let range = self.ast.stmt_range(statement);
                    if let Some(element) = self.channel_element(&ch, range, false) {
                        self.assignment(&mut x, Some(element), "send");
                    }
                }
            }
            Stmt::IncDec {
                operand, increment, ..
            } => {
                let mut x = Operand::invalid(operand);
                self.expr(&mut x, operand);
                if !x.is_valid() {
                    return;
                }
                if !self.program.types.all_basic(x.typ, BasicKind::is_numeric) {
                    if self.program.types.underlying_id(x.typ) == TypeId::INVALID {
                        return;
                    }
                    let op = if increment { "++" } else { "--" };
                    let message = format!(
                        "invalid operation: {}{op} (non-numeric type {})",
                        self.expression_text(operand),
                        self.type_text(x.typ)
                    );
                    self.report_expr(Code::InvalidOperation, operand, message);
                    return;
                }
                self.assign_variable(operand, None, Some(&mut x), "assignment");
            }
            Stmt::Assign {
                op: AssignOperator::Plain,
                lhs,
                rhs,
                ..
            } => {
                self.assign_variables(self.ast.list(lhs), self.ast.list(rhs));
            }
            Stmt::Assign {
                op: AssignOperator::Operation(op),
                lhs,
                rhs,
                ..
            } => {
                let (Some(left), Some(right)) =
                    (self.ast.list(lhs).first(), self.ast.list(rhs).first())
                else {
                    return;
                };
                let mut x = Operand::invalid(*left);
                self.binary(&mut x, None, *left, *right, op);
                self.assign_variable(*left, None, Some(&mut x), "assignment");
            }
            Stmt::Define { op_pos, lhs, rhs } => {
                let place = self.at(statement, op_pos);
                self.short_variable_declaration(place, self.ast.list(lhs), self.ast.list(rhs));
            }
            Stmt::Go { call } => self.suspended_call("go", call),
            Stmt::Defer { call } => self.suspended_call("defer", call),
            Stmt::Return { results } => self.return_statement(statement, self.ast.list(results)),
            Stmt::Block(block) => self.block(block),
            Stmt::If {
                init,
                condition,
                then,
                otherwise,
            } => {
                let outer = self.open_scope();
                if let Some(init) = init {
                    self.statement(init);
                }
                self.condition(condition, "if");
                self.block(then);
                if let Some(otherwise) = otherwise {
                    self.statement(otherwise);
                }
                self.close_scope(outer);
            }
            Stmt::Switch {
                init,
                tag,
                cases,
                lbrace,
            } => {
                let outer = self.open_scope();
                if let Some(init) = init {
                    self.statement(init);
                }
                self.switch_statement(statement, tag, cases, lbrace);
                self.close_scope(outer);
            }
            Stmt::TypeSwitch {
                init,
                binding,
                operand,
                cases,
                ..
            } => {
                let outer = self.open_scope();
                if let Some(init) = init {
                    self.statement(init);
                }
                self.type_switch_statement(binding, operand, cases);
                self.close_scope(outer);
            }
            Stmt::Select { cases, .. } => self.select_statement(cases),
            Stmt::For {
                init,
                condition,
                post,
                body,
            } => {
                let outer = self.open_scope();
                if let Some(init) = init {
                    self.statement(init);
                }
                if let Some(condition) = condition {
                    self.condition(condition, "for");
                }
                if let Some(post) = post {
                    if let Stmt::Define { lhs, .. } = *self.ast.stmt(post) {
                        let range = self.ast.stmt_range(post);
                        self.report(
                            Code::Syntax,
                            range,
                            "syntax error: cannot declare in post statement of for loop",
                        );
                        self.statement(post);
                        self.use_exprs(self.ast.list(lhs));
                    } else {
                        self.statement(post);
                    }
                }
                self.block(body);
                self.close_scope(outer);
            }
            Stmt::Range {
                kind,
                lhs,
                operand,
                body,
                ..
            } => {
                self.range_statement(statement, kind, self.ast.list(lhs), operand, body);
            }
            Stmt::Labeled { statement, .. } => self.statement(statement),
            Stmt::Decl(decl) => {
                if !matches!(self.ast.decl(decl), Decl::Bad) {
                    self.declaration_statement(decl);
                }
            }
        }
    }

    fn condition(&mut self, expr: ExprId, keyword: &str) {
        let mut x = Operand::invalid(expr);
        self.expr(&mut x, expr);
        if x.is_valid() {
            if self.program.types.all_basic(x.typ, BasicKind::is_boolean) {
                // A comparison has untyped bool for its type still; at run time it is a bool.
                let typ = self.program.types.default_type(x.typ);
                self.update_operand_type(&x, typ, true);
            } else if self.program.types.underlying_id(x.typ) != TypeId::INVALID {
                let message = format!("non-boolean condition in {keyword} statement");
                let (range, hint) = (self.range(expr), self.hint_condition(&x));
                self.report_with(Code::InvalidCondition, range, message, hint);
            }
        }
    }

    fn expression_statement(&mut self, statement: StmtId, expr: ExprId) {
        let mut x = Operand::invalid(expr);
        let kind = self.raw_expr(&mut x, expr, None);
        if self.session.is_some() && self.at_script_level() && x.mode.is_value() {
            self.echo(statement, x, expr);
            return;
        }
        let what = match x.mode {
            Mode::Builtin => "must be called",
            Mode::Type => "is not an expression",
            Mode::None => return,
            _ if kind == CallKind::Statement => return,
            _ => "is not used",
        };
        let message = format!("{} {what}", self.operand_string(&x));
        let (range, hint) = (self.operand_range(&x), self.hint_unused_result(&x, expr));
        self.report_with(Code::UnusedResult, range, message, hint);
    }

    fn suspended_call(&mut self, keyword: &str, call: ExprId) {
        if !matches!(self.ast.expr(call), Expr::Call { .. }) {
            // The parser has refused parentheses around a call.
            if !matches!(
                self.ast.expr(self.ast.unparen(call)),
                Expr::Bad | Expr::Call { .. }
            ) {
                let message = format!("expression in {keyword} must be function call");
                let text = self.expression_text(call);
                let hint = Hint::help(format!("call it: {keyword} {text}()"));
                self.report_with(Code::InvalidStatement, self.range(call), message, hint);
            }
            self.use_exprs(&[call]);
            return;
        }
        let mut x = Operand::invalid(call);
        let what = match self.raw_expr(&mut x, call, None) {
            CallKind::Conversion => "requires function call, not conversion",
            CallKind::Expression => "discards result of",
            CallKind::Statement => return,
        };
        if !x.is_valid() {
            return;
        }
        let message = format!("{keyword} {what} {}", self.operand_string(&x));
        self.report_operand(Code::InvalidStatement, &x, message);
    }

    fn return_statement(&mut self, statement: StmtId, exprs: &[ExprId]) {
        let results = self
            .env
            .context
            .as_ref()
            .map(|context| context.results.clone())
            .unwrap_or_default();
        let range = self.ast.stmt_range(statement);
        let named = results
            .first()
            .is_some_and(|first| self.object(*first).name != Symbol::EMPTY);
        if exprs.is_empty() && named {
            for result in results {
                let name = self.object(result).name;
                if name.is_blank() {
                    continue;
                }
                if let Some(other) = self.lookup_name(name)
                    && other != result
                {
                    let text = self.text(name);
                    let place = self
                        .object(other)
                        .range
                        .map(|range| self.sources.position(range));
                    let message = format!(
                        "result parameter {text} not in scope at return\n\t{}: inner declaration of {}",
                        place.unwrap_or_default(),
                        self.object_string(result)
                    );
                    self.report(Code::InvalidStatement, range, message);
                }
            }
            return;
        }
        for result in &results {
            self.reassign_variable(*result);
            // In the body of a range over a function they are variables of a function around.
            let owner = self.object(*result).variable().map(|v| v.function);
            self.use_local_variable(*result, owner.flatten());
        }
        if results.is_empty() && exprs.is_empty() {
            return;
        }
        self.initialize_variables(&results, exprs, Some(range));
    }

    /// An object as messages describe it. GO: object.go `ObjectString`.
    fn object_string(&self, object: ObjectId) -> String {
        let object = self.object(object);
        let name = self.text(object.name);
        match object.kind {
            ObjectKind::Variable(_) => format!("var {name} {}", self.type_text(object.typ)),
            ObjectKind::Constant(_) => format!("const {name} {}", self.type_text(object.typ)),
            ObjectKind::TypeName { .. } => {
                format!(
                    "type {name} {}",
                    self.type_text(self.program.types.underlying_id(object.typ))
                )
            }
            _ => name.to_owned(),
        }
    }

    // ---- switches ----

    fn report_multiple_defaults(&mut self, heads: impl Iterator<Item = TextRange>) {
        let mut first: Option<TextRange> = None;
        for head in heads {
            match first {
                Some(first) => {
                    let message = format!(
                        "multiple defaults (first at {})",
                        self.sources.position(first)
                    );
                    self.report(Code::DuplicateCase, head, message);
                }
                None => first = Some(head),
            }
        }
    }

    fn switch_statement(
        &mut self,
        statement: StmtId,
        tag: Option<ExprId>,
        cases: List<CaseClause>,
        lbrace: u32,
    ) {
        let cases = self.ast.list(cases);
        let mut x;
        match tag {
            Some(tag) => {
                x = Operand::invalid(tag);
                self.expr(&mut x, tag);
                self.assignment(&mut x, None, "switch expression");
                let types = &self.program.types;
                if x.is_valid() && !types.is_comparable(x.typ) && !types.has_nil(x.typ) {
                    let message = format!(
                        "cannot switch on {} ({} is not comparable)",
                        self.operand_string(&x),
                        self.type_text(x.typ)
                    );
                    self.report_operand(Code::InvalidStatement, &x, message);
                    x.invalidate();
                }
            }
            None => {
                let _ = (statement, lbrace);
                let first = cases
                    .iter()
                    .find_map(|case| self.ast.list(case.values).first().copied());
                let Some(first) = first else {
                    self.case_bodies(cases);
                    return;
                };
                x = Operand::invalid(first);
                x.expr = None;
                x.label = Label::True;
                x.mode = Mode::Constant;
                x.typ = TypeId::BOOL;
                x.value = Constant::Bool(true);
            }
        }
        self.report_multiple_defaults(
            cases
                .iter()
                .filter(|case| case.is_default())
                .map(|case| case.head),
        );
        let mut seen: FxHashMap<ConstantKey, SmallVec<[(TypeId, TextRange); 1]>> =
            FxHashMap::default();
        for case in cases {
            for value in self.ast.list(case.values) {
                self.case_value(&x, *value, &mut seen);
            }
            self.block(case.body);
        }
    }

    fn case_bodies(&mut self, cases: &[CaseClause]) {
        self.report_multiple_defaults(
            cases
                .iter()
                .filter(|case| case.is_default())
                .map(|case| case.head),
        );
        for case in cases {
            self.block(case.body);
        }
    }

    fn case_value(
        &mut self,
        x: &Operand,
        value: ExprId,
        seen: &mut FxHashMap<ConstantKey, SmallVec<[(TypeId, TextRange); 1]>>,
    ) {
        let mut v = Operand::invalid(value);
        self.expr(&mut v, value);
        if !x.is_valid() || !v.is_valid() {
            return;
        }
        self.convert_untyped(&mut v, x.typ);
        if !v.is_valid() {
            return;
        }
        let mut result = v.clone();
        let mut tag = x.clone();
        self.comparison(
            &mut result,
            &mut tag,
            parser::ast::BinaryOperator::Equal,
            true,
        );
        if !result.is_valid() || !v.is_constant() {
            return;
        }
        // GO: booleans and complex numbers are not looked at.
        if matches!(v.value, Constant::Bool(_) | Constant::Complex(_)) {
            return;
        }
        let Some(key) = constant_key(&v.value) else {
            return;
        };
        let typ = self.program.types.canonical(v.typ);
        let range = self.range(value);
        let others = seen.entry(key).or_default();
        if let Some((_, other)) = others.iter().find(|(other, _)| *other == typ) {
            let message = format!(
                "duplicate case {} in expression switch\n\t{}: previous case",
                self.operand_string(&v),
                self.sources.position(*other)
            );
            self.report(Code::DuplicateCase, range, message);
            return;
        }
        others.push((typ, self.node_range(value)));
    }

    fn type_switch_statement(
        &mut self,
        binding: Option<ExprId>,
        operand: ExprId,
        cases: List<CaseClause>,
    ) {
        let cases = self.ast.list(cases);
        let mut binding = binding;
        if let Some(ident) = binding
            && self.ast.ident(ident).is_some_and(Symbol::is_blank)
        {
            self.report_expr(
                Code::NoNewVariables,
                ident,
                "no new variable on left side of :=",
            );
            binding = None;
        }
        let mut x = Operand::invalid(operand);
        self.expr(&mut x, operand);
        let mut valid = x.is_valid();
        if valid && self.program.types.is_type_parameter(x.typ) {
            let message = format!(
                "cannot use type switch on type parameter value {}",
                self.operand_string(&x)
            );
            self.report_operand(Code::InvalidOperation, &x, message);
            valid = false;
        } else if valid && !self.program.types.is_interface(x.typ) {
            let message = format!("{} is not an interface", self.operand_string(&x));
            self.report_operand(Code::InvalidOperation, &x, message);
            valid = false;
        }
        self.report_multiple_defaults(
            cases
                .iter()
                .filter(|case| case.is_default())
                .map(|case| case.head),
        );
        // `None` is nil.
        let mut seen: FxHashMap<Option<TypeId>, TextRange> = FxHashMap::default();
        let mut variables = Vec::new();
        for case in cases {
            let values = self.ast.list(case.values);
            let mut single = None;
            for value in values {
                single = self.case_type(valid.then_some(&x), *value, &mut seen);
            }
            let typ = match single {
                Some(typ) if values.len() == 1 => typ,
                _ if valid => x.typ,
                _ => TypeId::INVALID,
            };
            let outer = self.open_scope();
            if let Some(ident) = binding
                && let Some(name) = self.ast.ident(ident)
            {
                let range = self.range(ident);
                let object = self.new_variable(VarKind::Local, name, range, Some(typ));
                self.declare(self.env.scope, None, object);
                self.program.implicits.insert(case.body, object);
                variables.push(object);
            }
            self.statement_list(self.ast.statements(case.body));
            self.close_scope(outer);
        }
        if let Some(ident) = binding {
            let used = |object: &ObjectId| {
                self.object(*object)
                    .variable()
                    .is_some_and(|variable| variable.used)
            };
            if !variables.iter().any(used) {
                let message = format!("{} declared and not used", self.expression_text(ident));
                self.report_expr(Code::UnusedVariable, ident, message);
            }
        }
    }

    /// Checks a case of a type switch; gives its type, `None` for nil and invalid for what is wrong.
    fn case_type(
        &mut self,
        x: Option<&Operand>,
        value: ExprId,
        seen: &mut FxHashMap<Option<TypeId>, TextRange>,
    ) -> Option<TypeId> {
        let is_nil = self
            .ast
            .ident(self.ast.unparen(value))
            .and_then(|name| self.lookup_name(name))
            .is_some_and(|object| matches!(self.object(object).kind, ObjectKind::Nil));
        let typ = if is_nil {
            let mut nil = Operand::invalid(value);
            self.expr(&mut nil, value);
            None
        } else {
            let typ = self.variable_type(value);
            if !self.program.types.is_valid(typ) {
                return Some(TypeId::INVALID);
            }
            Some(typ)
        };
        let range = self.range(value);
        let key = typ.map(|typ| self.program.types.canonical(typ));
        if let Some(other) = seen.get(&key) {
            let text = typ.map_or("nil".to_owned(), |typ| self.type_text(typ));
            let message = format!(
                "duplicate case {text} in type switch\n\t{}: previous case",
                self.sources.position(*other)
            );
            self.report(Code::DuplicateCase, range, message);
            return typ;
        }
        seen.insert(key, range);
        if let (Some(x), Some(typ)) = (x, typ) {
            self.check_assertion(value, x, typ, true);
        }
        typ
    }

    // ---- select ----

    fn select_statement(&mut self, cases: List<CommClause>) {
        let cases = self.ast.list(cases);
        self.report_multiple_defaults(
            cases
                .iter()
                .filter(|case| case.comm.is_none())
                .map(|case| case.head),
        );
        for case in cases {
            let received = match case.comm.map(|comm| *self.ast.stmt(comm)) {
                None | Some(Stmt::Send { .. } | Stmt::Bad) => None,
                Some(Stmt::Expr(expr)) => Some(Some(expr)),
                Some(
                    Stmt::Assign {
                        op: AssignOperator::Plain,
                        rhs,
                        ..
                    }
                    | Stmt::Define { rhs, .. },
                ) => match self.ast.list(rhs) {
                    [single] => Some(Some(*single)),
                    _ => Some(None),
                },
                Some(_) => Some(None),
            };
            let valid = match received {
                None => true,
                Some(Some(expr)) => {
                    matches!(
                        self.ast.expr(self.ast.unparen(expr)),
                        Expr::Unary {
                            op: UnaryOperator::Receive,
                            ..
                        } | Expr::Bad
                    )
                }
                Some(None) => false,
            };
            if !valid {
                if let Some(comm) = case.comm {
                    let range = self.ast.stmt_range(comm);
                    let message = "select case must be send or receive (possibly with assignment)";
                    self.report(Code::InvalidStatement, range, message);
                }
                continue;
            }
            let outer = self.open_scope();
            if let Some(comm) = case.comm {
                self.statement(comm);
            }
            self.statement_list(self.ast.statements(case.body));
            self.close_scope(outer);
        }
    }

    // ---- range ----

    fn range_statement(
        &mut self,
        statement: StmtId,
        kind: RangeKind,
        lhs: &[ExprId],
        operand: ExprId,
        body: BlockId,
    ) {
        let mut x = Operand::invalid(operand);
        self.env.has_call_or_receive = false;
        self.expr(&mut x, operand);
        let (key, value, extra) = (lhs.first(), lhs.get(1), lhs.get(2));
        let (mut key_type, mut value_type) = (None, None);
        let mut integer = false;
        let mut function = false;
        if x.is_valid() {
            match self.range_types_in(x.typ, self.range(operand).file) {
                Err(cause) => {
                    let mut message = format!("cannot range over {}", self.operand_string(&x));
                    if !cause.is_empty() {
                        message.push_str(": ");
                        message.push_str(&cause);
                    }
                    let (range, hint) = (self.operand_range(&x), self.hint_range(&x));
                    self.report_with(Code::InvalidRange, range, message, hint);
                    x.invalidate();
                }
                Ok((k, v)) => {
                    integer = self.program.types.all_basic(x.typ, BasicKind::is_integer);
                    function = matches!(self.program.types.underlying(x.typ), Type::Signature(_));
                    let text = |checker: &Self| checker.operand_string(&x);
                    if let (Some(key), None) = (key, k) {
                        let message =
                            format!("range over {} permits no iteration variables", text(self));
                        self.report_expr(Code::InvalidRange, *key, message);
                    } else if let (Some(value), None) = (value, v) {
                        let message = format!(
                            "range over {} permits only one iteration variable",
                            text(self)
                        );
                        self.report_expr(Code::InvalidRange, *value, message);
                    } else if let Some(extra) = extra {
                        let message = "range clause permits at most two iteration variables";
                        self.report_expr(Code::InvalidRange, *extra, message);
                    }
                    if !integer && self.program.types.is_untyped(x.typ) {
                        // A constant string.
                        let typ = self.program.types.default_type(x.typ);
                        self.update_operand_type(&x, typ, true);
                    }
                    (key_type, value_type) = (k, v);
                }
            }
        }
        let outer = self.open_scope();
        let context = self.env.context.clone();
        if function && let Some(context) = &mut self.env.context {
            // What is assigned and done in the loop happens in a function of its own.
            let reference = FunctionRef::RangeBody(body);
            self.literal_parents.insert(reference, context.function);
            context.function = reference;
            self.program.range_bodies.entry(body).or_default();
        }
        let sides = [(key, key_type), (value, value_type)];
        match kind {
            RangeKind::Define => self.range_definitions(statement, &sides, &mut x, integer),
            RangeKind::Assign => {
                for (left, typ) in sides {
                    let (Some(left), Some(typ)) = (left, typ) else {
                        if let Some(left) = left {
                            self.use_left_exprs(&[*left]);
                        }
                        continue;
                    };
                    if !self.program.types.is_valid(typ) {
                        continue;
                    }
                    if integer {
                        self.assign_variable(*left, None, Some(&mut x), "range clause");
                        if x.is_valid()
                            && !self.program.types.all_basic(x.typ, BasicKind::is_integer)
                        {
                            let message = format!(
                                "cannot use iteration variable of type {}",
                                self.type_text(x.typ)
                            );
                            self.report_expr(Code::InvalidRange, *left, message);
                        }
                    } else {
                        let mut y = Operand::value(*left, typ, Label::Expression);
                        self.assign_variable(*left, None, Some(&mut y), "assignment");
                    }
                }
            }
            RangeKind::Nothing if integer => self.assignment(&mut x, None, "range clause"),
            RangeKind::Nothing => {}
        }
        self.block(body);
        self.env.context = context;
        self.close_scope(outer);
    }

    fn range_definitions(
        &mut self,
        statement: StmtId,
        sides: &[(Option<&ExprId>, Option<TypeId>); 2],
        x: &mut Operand,
        integer: bool,
    ) {
        let mut variables = Vec::new();
        for (left, typ) in sides {
            let Some(left) = left else { continue };
            let range = self.range(**left);
            let name = match *self.ast.expr(**left) {
                Expr::Ident(name) => name,
                Expr::Bad => Symbol::BLANK,
                _ => {
                    let message = format!(
                        "non-name {} on left side of :=",
                        self.expression_text(**left)
                    );
                    self.report(Code::InvalidDeclaration, range, message);
                    Symbol::BLANK
                }
            };
            let object = self.new_variable(VarKind::Local, name, range, None);
            self.record_name(**left, object);
            if !name.is_blank() {
                variables.push(object);
            }
            match typ {
                Some(typ) if self.program.types.is_valid(*typ) => {
                    if integer {
                        self.initialize_variable(object, None, x, "range clause");
                    } else {
                        let mut y = Operand::value(**left, *typ, Label::Expression);
                        self.initialize_variable(object, None, &mut y, "assignment");
                    }
                }
                _ => {
                    self.set_type(object, TypeId::INVALID);
                    if let Some(variable) = self.variable_mut(object) {
                        variable.used = true;
                    }
                }
            }
            let typ = self.object(object).typ;
            self.record_type(**left, Mode::Variable, typ, None);
        }
        if variables.is_empty() {
            let range = self.ast.stmt_range(statement);
            self.report_with(
                Code::NoNewVariables,
                range,
                "no new variables on left side of :=",
                Hint::help("= assigns to what is declared"),
            );
        }
        let shared = variables
            .first()
            .and_then(|object| self.object(*object).range);
        let shared = shared.is_some_and(|range| self.program.shares_loop_variables(range.file));
        for object in variables {
            if shared {
                self.reassign_variable(object);
            }
            if self.declare(self.env.scope, None, object) {
                self.local_variables.push(object);
            }
        }
    }

    /// The same for a file, which may be older than ranges over integers and functions.
    fn range_types_in(
        &self,
        typ: TypeId,
        file: diagnostics::FileId,
    ) -> Result<(Option<TypeId>, Option<TypeId>), String> {
        let later = match self.program.types.underlying(typ) {
            Type::Basic(kind) if kind.is_integer() => Some(22),
            Type::Signature(_) => Some(23),
            _ => None,
        };
        match later.filter(|minor| !self.allows(file, *minor)) {
            Some(minor) => Err(self.requirement(file, minor, "").trim_start().to_owned()),
            None => self.range_types(typ),
        }
    }

    /// The types of key and value, as far as there are such, or the cause why nothing can be ranged over.
    fn range_types(&self, typ: TypeId) -> Result<(Option<TypeId>, Option<TypeId>), String> {
        let types = &self.program.types;
        let send_only = |pair: &(TypeId, TypeId)| {
            matches!(
                types.get(pair.1),
                Type::Chan {
                    direction: ChanDirection::Send,
                    ..
                }
            )
        };
        let pairs = types.type_set(typ).unwrap_or_default();
        if let Some((typ, _)) = pairs.into_iter().find(send_only) {
            return Err(format!(
                "receive from send-only channel {}",
                self.type_text(typ)
            ));
        }
        let common = match types.common_underlying(typ) {
            Ok(common) => common,
            Err(why) => return Err(self.no_common_type_text(&why)),
        };
        let mut under = types.get(common);
        if let Type::Pointer(base) = under
            && matches!(types.underlying(*base), Type::Array(..))
        {
            under = types.underlying(*base);
        }
        match under {
            Type::Basic(kind) if kind.is_string() => Ok((Some(TypeId::INT), Some(TypeId::RUNE))),
            Type::Basic(kind) if kind.is_integer() => Ok((Some(typ), None)),
            Type::Basic(BasicKind::Invalid) => Ok((Some(TypeId::INVALID), Some(TypeId::INVALID))),
            Type::Array(element, _) | Type::Slice(element) => {
                Ok((Some(TypeId::INT), Some(*element)))
            }
            Type::Map { key, element } => Ok((Some(*key), Some(*element))),
            Type::Chan { element, .. } => Ok((Some(*element), None)),
            Type::Signature(signature) => {
                let bad =
                    |cause: &str| Err(format!("func must be func(yield func(...) bool): {cause}"));
                if signature.params.len() != 1 {
                    return bad("wrong argument count");
                }
                if !signature.results.is_empty() {
                    return bad("unexpected results");
                }
                let yielding = match types.common_underlying(signature.params[0].typ) {
                    Ok(common) => types.get(common),
                    Err(why) => {
                        let why = self.no_common_type_text(&why);
                        return bad(&format!("in yield type, {why}"));
                    }
                };
                let Type::Signature(yielding) = yielding else {
                    return bad("argument is not func");
                };
                if yielding.params.len() > 2 {
                    return bad("yield func has too many parameters");
                }
                match *yielding.results {
                    [result] if types.identical(result.typ, TypeId::BOOL) => {}
                    [result] if types.all_basic(result.typ, BasicKind::is_boolean) => {
                        return bad("yield func returns user-defined boolean, not bool");
                    }
                    _ => return bad("yield func does not return bool"),
                }
                if yielding.variadic {
                    return Err(format!(
                        "yield func of type {} cannot be variadic",
                        self.type_text(signature.params[0].typ)
                    ));
                }
                let parameter = |index: usize| yielding.params.get(index).map(|param| param.typ);
                Ok((parameter(0), parameter(1)))
            }
            _ => Err(String::new()),
        }
    }
}
