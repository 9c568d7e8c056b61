//! Assignments and initialisations of several values at once. GO: go/types assignments.go.

use diagnostics::{Code, TextRange};
use parser::ast::{Expr, ExprId, Symbol};
use rustc_hash::FxHashSet;

use crate::checker::{Checker, Color};
use crate::hints::Hint;
use crate::operand::Operand;
use crate::typed::{Mode, ObjectKind, VarKind};
use crate::types::{ObjectId, TypeId};

/// What is said of a number of things: `1 variable`, `2 variables`.
fn measure(count: usize, unit: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

impl Checker<'_> {
    /// Checks `lhs = x` in a declaration; without declared type the variable gets that of the value.
    pub(crate) fn initialize_variable(
        &mut self,
        lhs: ObjectId,
        declared: Option<TypeId>,
        x: &mut Operand,
        context: &str,
    ) {
        let types = &self.program.types;
        if !x.is_valid()
            || !types.is_valid(x.typ)
            || declared.is_some_and(|typ| !types.is_valid(typ))
        {
            self.set_type(lhs, declared.unwrap_or(TypeId::INVALID));
            x.invalidate();
            return;
        }
        let typ = match declared {
            Some(typ) => typ,
            None => {
                if x.typ == TypeId::UNTYPED_NIL {
                    self.report_operand(
                        Code::InvalidNil,
                        x,
                        format!("use of untyped nil in {context}"),
                    );
                    self.set_type(lhs, TypeId::INVALID);
                    x.invalidate();
                    return;
                }
                types.default_type(x.typ)
            }
        };
        self.set_type(lhs, typ);
        if declared.is_none() && self.assign_quickly(x, typ) {
            return;
        }
        self.assignment(x, Some(typ), context);
    }

    /// Checks the left side of an assignment, which does not count as a use. `None` for `_`, invalid for what is wrong.
    fn left_side(&mut self, lhs: ExprId) -> Option<TypeId> {
        let ident = self.ast.ident(self.ast.unparen(lhs));
        if ident.is_some_and(Symbol::is_blank) {
            return None;
        }
        let variable = ident.and_then(|name| self.local_or_own_variable(name));
        let used = variable.and_then(|v| self.object(v).variable().map(|variable| variable.used));
        let mut x = Operand::invalid(lhs);
        match ident.filter(|name| self.lookup_name(*name).is_none()) {
            Some(name) => {
                let hint = self.hint_undeclared_target(name);
                self.report_undefined(self.ast.unparen(lhs), name, hint);
            }
            None => self.expr(&mut x, lhs),
        }
        if let (Some(object), Some(used)) = (variable, used)
            && let Some(variable) = self.variable_mut(object)
        {
            variable.used = used;
        }
        if !x.is_valid() || !self.program.types.is_valid(x.typ) {
            return Some(TypeId::INVALID);
        }
        if matches!(x.mode, Mode::Variable | Mode::MapIndex) {
            if x.mode == Mode::Variable {
                self.reassign(lhs);
            }
            return Some(x.typ);
        }
        let text = self.expression_text(lhs);
        if let Expr::Selector { operand, .. } = *self.ast.expr(lhs)
            && self.program.type_and_value(operand).mode == Mode::MapIndex
        {
            let message = format!("cannot assign to struct field {text} in map");
            let hint = Hint::help("change a copy and store it, or keep pointers in the map");
            self.report_with(Code::CannotAssign, self.range(lhs), message, hint);
            return Some(TypeId::INVALID);
        }
        if let Expr::Selector { operand, .. } = *self.ast.expr(lhs)
            && self.program.type_and_value(operand).mode == Mode::Package
        {
            // GO: says this, too, of a package's function or constant.
            let message = format!(
                "use of package {} not in selector",
                self.expression_text(operand)
            );
            self.report_expr(Code::NotAnExpression, operand, message);
        }
        let message =
            format!("cannot assign to {text} (neither addressable nor a map index expression)");
        let hint = self.hint_cannot_assign(lhs);
        self.report_with(Code::CannotAssign, self.range(lhs), message, hint);
        Some(TypeId::INVALID)
    }

    /// Checks `lhs = rhs`, or `lhs = x` for a value checked already.
    pub(crate) fn assign_variable(
        &mut self,
        lhs: ExprId,
        rhs: Option<ExprId>,
        x: Option<&mut Operand>,
        context: &str,
    ) {
        let target = self.left_side(lhs);
        if target.is_some_and(|typ| !self.program.types.is_valid(typ)) {
            match (x, rhs) {
                (Some(x), _) => x.invalidate(),
                (None, Some(rhs)) => {
                    self.use_exprs(&[rhs]);
                }
                (None, None) => {}
            }
            return;
        }
        let context = if target.is_none() && context == "assignment" {
            "assignment to _ identifier"
        } else {
            context
        };
        match (x, rhs) {
            (Some(x), _) => self.assignment(x, target, context),
            (None, Some(rhs)) => {
                let mut x = Operand::invalid(rhs);
                let function = self.target(target, |checker| checker.expression_text(lhs));
                self.expr_for(&mut x, rhs, function.as_ref());
                self.assignment(&mut x, target, context);
            }
            (None, None) => {}
        }
    }

    fn is_call(&self, exprs: &[ExprId]) -> bool {
        matches!(exprs, [single] if matches!(self.ast.expr(self.ast.unparen(*single)), Expr::Call { .. }))
    }

    fn report_assignment_mismatch(&mut self, rhs: &[ExprId], l: usize, r: usize) {
        let vars = measure(l, "variable");
        let vals = measure(r, "value");
        let first = rhs[0];
        if rhs.len() == 1
            && let Expr::Call { callee, .. } = *self.ast.expr(self.ast.unparen(first))
        {
            let message = format!(
                "assignment mismatch: {vars} but {} returns {vals}",
                self.expression_text(callee)
            );
            let hint = self.hint_assignment_mismatch(l, r);
            self.report_with(Code::AssignmentMismatch, self.range(first), message, hint);
            return;
        }
        let message = format!("assignment mismatch: {vars} but {vals}");
        self.report_expr(Code::AssignmentMismatch, first, message);
    }

    fn report_return(&mut self, at: TextRange, lhs: &[ObjectId], rhs: &[Operand]) {
        let (l, r) = (lhs.len(), rhs.len());
        let (range, qualifier) = if r > l {
            (self.operand_range(&rhs[l]), "too many")
        } else if r > 0 {
            (self.operand_range(&rhs[r - 1]), "not enough")
        } else {
            (at, "not enough")
        };
        let have: Vec<TypeId> = rhs.iter().map(|operand| operand.typ).collect();
        let want: Vec<TypeId> = lhs.iter().map(|object| self.object(*object).typ).collect();
        let message = format!(
            "{qualifier} return values\n\thave {}\n\twant {}",
            self.types_summary(&have, false, false),
            self.types_summary(&want, false, false)
        );
        self.report(Code::WrongResultCount, range, message);
    }

    fn declared_type(&self, object: ObjectId) -> Option<TypeId> {
        match self.colors[object.index()] {
            Color::Black => Some(self.object(object).typ),
            // A package variable with a type, whose value is being checked.
            Color::Grey if self.object(object).typ != TypeId::INVALID => {
                Some(self.object(object).typ)
            }
            _ => None,
        }
    }

    /// Checks the initialisation of variables, or of results by a `return` (then with its range).
    pub(crate) fn initialize_variables(
        &mut self,
        lhs: &[ObjectId],
        rhs: &[ExprId],
        returns: Option<TextRange>,
    ) {
        let (l, r) = (lhs.len(), rhs.len());
        let context = match returns {
            Some(_) => "return statement",
            None if l > 1 => "multiple assignment",
            None => "assignment",
        };
        let context_owned = context;
        if l == r && !self.is_call(rhs) {
            for (object, expr) in lhs.iter().zip(rhs) {
                let declared = self.declared_type(*object);
                let mut x = Operand::invalid(*expr);
                let target = self.target(declared, |checker| {
                    match checker.text(checker.object(*object).name) {
                        "" if returns.is_some() => "result variable".to_owned(),
                        name => name.to_owned(),
                    }
                });
                self.expr_for(&mut x, *expr, target.as_ref());
                self.initialize_variable(*object, declared, &mut x, context_owned);
            }
            return;
        }
        let give_types = |checker: &mut Self| {
            for object in lhs {
                if checker.declared_type(*object).is_none() {
                    checker.set_type(*object, TypeId::INVALID);
                }
            }
        };
        if r != 1 {
            if self.use_exprs(rhs) {
                match returns {
                    Some(range) => {
                        let operands = self.expression_list(rhs);
                        self.report_return(range, lhs, &operands);
                    }
                    None if r > 0 => self.report_assignment_mismatch(rhs, l, r),
                    None => {}
                }
            }
            give_types(self);
            return;
        }
        let mut operands = self.multi_expr(rhs[0], l == 2 && returns.is_none());
        let r = operands.len();
        if l == r {
            for (object, operand) in lhs.iter().zip(&mut operands) {
                let declared = self.declared_type(*object);
                self.initialize_variable(*object, declared, operand, context);
            }
            return;
        }
        if operands[0].is_valid() {
            match returns {
                Some(range) => self.report_return(range, lhs, &operands),
                None => self.report_assignment_mismatch(rhs, l, r),
            }
        }
        give_types(self);
    }

    /// Checks `lhs... = rhs...`.
    pub(crate) fn assign_variables(&mut self, lhs: &[ExprId], rhs: &[ExprId]) {
        let (l, r) = (lhs.len(), rhs.len());
        let context = if l > 1 {
            "multiple assignment"
        } else {
            "assignment"
        };
        if l == r && !self.is_call(rhs) {
            for (left, right) in lhs.iter().zip(rhs) {
                self.assign_variable(*left, Some(*right), None, context);
            }
            return;
        }
        if r != 1 {
            let left_valid = self.use_left_exprs(lhs);
            let right_valid = self.use_exprs(rhs);
            if left_valid && right_valid && r > 0 {
                self.report_assignment_mismatch(rhs, l, r);
            }
            return;
        }
        let mut operands = self.multi_expr(rhs[0], l == 2);
        let r = operands.len();
        if l == r {
            for (left, operand) in lhs.iter().zip(&mut operands) {
                self.assign_variable(*left, None, Some(operand), context);
            }
            return;
        }
        if operands[0].is_valid() {
            self.report_assignment_mismatch(rhs, l, r);
        }
        self.use_left_exprs(lhs);
    }

    /// Checks `lhs... := rhs...`; `place` is the operator.
    pub(crate) fn short_variable_declaration(
        &mut self,
        place: TextRange,
        lhs: &[ExprId],
        rhs: &[ExprId],
    ) {
        let top = self.delayed.len();
        let scope = self.env.scope;
        let mut seen: FxHashSet<Symbol> = FxHashSet::default();
        let mut variables: Vec<ObjectId> = Vec::with_capacity(lhs.len());
        let mut new: Vec<ObjectId> = Vec::new();
        let mut wrong = false;
        for left in lhs {
            let range = self.range(*left);
            let name = match *self.ast.expr(*left) {
                Expr::Ident(name) => name,
                _ => {
                    self.use_left_exprs(&[*left]);
                    if !matches!(self.ast.expr(*left), Expr::Bad) {
                        let message = format!(
                            "non-name {} on left side of :=",
                            self.expression_text(*left)
                        );
                        self.report(Code::InvalidDeclaration, range, message);
                    }
                    wrong = true;
                    variables.push(self.new_variable(VarKind::Local, Symbol::BLANK, range, None));
                    continue;
                }
            };
            if !name.is_blank() {
                if !seen.insert(name) {
                    let message = format!("{} repeated on left side of :=", self.text(name));
                    self.report(Code::Redeclared, range, message);
                    wrong = true;
                    variables.push(self.new_variable(VarKind::Local, Symbol::BLANK, range, None));
                    continue;
                }
                if let Some(other) = self.scopes.lookup(scope, name) {
                    self.record_name(*left, other);
                    if matches!(self.object(other).kind, ObjectKind::Variable(_)) {
                        self.reassign_variable(other);
                        let typ = self.object(other).typ;
                        self.record_type(*left, Mode::Variable, typ, None);
                        variables.push(other);
                    } else {
                        let message = format!("cannot assign to {}", self.text(name));
                        self.report(Code::CannotAssign, range, message);
                        wrong = true;
                        variables.push(self.new_variable(
                            VarKind::Local,
                            Symbol::BLANK,
                            range,
                            None,
                        ));
                    }
                    continue;
                }
            }
            let kind = self.kind_of_new_variable(name);
            let object = self.new_variable(kind, name, range, None);
            variables.push(object);
            if !name.is_blank() {
                new.push(object);
            }
            self.record_name(*left, object);
        }
        self.initialize_variables(&variables, rhs, None);
        self.process_delayed(top);
        for (left, object) in lhs.iter().zip(&variables) {
            if self.program.object_of(*left) == Some(*object) {
                let typ = self.object(*object).typ;
                self.record_type(*left, Mode::Variable, typ, None);
            }
        }
        if new.is_empty() && !wrong {
            let hint = self.hint_nothing_new(&variables);
            self.report_with(
                Code::NoNewVariables,
                place,
                "no new variables on left side of :=",
                hint,
            );
            return;
        }
        for object in new {
            if self.declare(scope, None, object) && !self.at_script_level() {
                self.local_variables.push(object);
            }
        }
    }
}
