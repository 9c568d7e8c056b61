//! Statements but loops, switches and assignments.

use bytecode::{Count, Register, Run, op};
use checker::types::{Type, TypeId as Ty};
use parser::ast::{BlockId, Decl, Expr, ExprId, Stmt, StmtId, Symbol, VarSpec};

use crate::function::{FunctionCompiler, Location};
use crate::places::Place;
use crate::range_functions::Exit;

impl FunctionCompiler<'_, '_> {
    /// A block with a scope of its own.
    pub(crate) fn block(&mut self, block: BlockId) {
        self.scoped(|f| f.block_statements(block));
    }

    /// The statements of a block in the current scope.
    pub(crate) fn block_statements(&mut self, block: BlockId) {
        for &statement in self.c.ast.statements(block) {
            self.statement(statement);
        }
    }

    /// One statement. Registers of variables it declares stay allocated.
    pub(crate) fn statement(&mut self, id: StmtId) {
        stacker::maybe_grow(64 << 10, 1 << 20, || self.statement_of(id));
    }

    fn statement_of(&mut self, id: StmtId) {
        let ast = self.c.ast;
        let label = self.pending_label.take();
        self.at(ast.stmt_range(id));
        if is_action(ast.stmt(id)) {
            self.scheduling_point();
        }
        match *ast.stmt(id) {
            Stmt::Bad | Stmt::Empty => {}
            Stmt::Expr(e) => match self.c.typed.echoes.get(&e) {
                Some(echo) => self.echo(e, echo),
                None => self.effect(e),
            },
            Stmt::Send { channel, value, .. } => self.scoped(|f| {
                f.hoist(&[channel, value]);
                let ty = f.type_of(channel);
                let Type::Chan { element, .. } = *f.c.typed.types.underlying(ty) else {
                    panic!("only channels are sent to")
                };
                let channel = Register(f.operand(channel));
                let src = Run(f.owned_operand_as(value, element));
                let ty = f.c.descriptor(ty);
                f.at(ast.stmt_range(id));
                f.emit(op::Send { channel, src, ty });
            }),
            Stmt::IncDec {
                operand,
                increment,
                op_pos,
            } => {
                self.scoped(|f| f.increment(operand, increment, op_pos));
            }
            Stmt::Assign {
                op,
                op_pos,
                lhs,
                rhs,
            } => {
                self.scoped(|f| f.assignment(id, op, op_pos, ast.list(lhs), ast.list(rhs)));
            }
            Stmt::Define { lhs, rhs, .. } => self.define(ast.list(lhs), ast.list(rhs)),
            Stmt::Go { call } => self.scoped(|f| f.start(call, true)),
            Stmt::Defer { call } => self.scoped(|f| f.start(call, false)),
            Stmt::Return { results } => self.scoped(|f| f.return_statement(ast.list(results))),
            Stmt::Break { label } => {
                let name = label.and_then(|label| ast.ident(label));
                match (self.break_label(name), name) {
                    (Some(target), _) => self.jump(target),
                    (None, Some(name)) => self.leave(Exit::Break(name)),
                    (None, None) => panic!("break has a target"),
                }
            }
            Stmt::Continue { label } => {
                let name = label.and_then(|label| ast.ident(label));
                match (self.continue_label(name), name) {
                    (Some(target), _) => self.jump(target),
                    (None, Some(name)) => self.leave(Exit::Continue(name)),
                    (None, None) => panic!("continue has a target"),
                }
            }
            Stmt::Goto { label } => {
                let Some(name) = ast.ident(label) else { return };
                self.leave(Exit::Goto(name));
            }
            Stmt::Fallthrough => {
                if let Some(next) = self.fallthrough {
                    self.jump(next);
                }
            }
            Stmt::Block(block) => self.block(block),
            Stmt::If {
                init,
                condition,
                then,
                otherwise,
            } => {
                self.scoped(|f| f.if_statement(init, condition, then, otherwise));
            }
            Stmt::Switch {
                init, tag, cases, ..
            } => {
                self.scoped(|f| f.switch_statement(label, init, tag, ast.list(cases)));
            }
            Stmt::TypeSwitch {
                init,
                operand,
                cases,
                ..
            } => {
                self.scoped(|f| f.type_switch(label, init, operand, ast.list(cases)));
            }
            Stmt::Select { cases, .. } => {
                self.scoped(|f| f.select_statement(label, ast.list(cases)))
            }
            Stmt::For {
                init,
                condition,
                post,
                body,
            } => {
                self.scoped(|f| f.for_statement(label, init, condition, post, body));
            }
            Stmt::Range {
                kind,
                lhs,
                operand,
                body,
                ..
            } => {
                self.scoped(|f| f.range_statement(label, kind, ast.list(lhs), operand, body));
            }
            Stmt::Labeled { label, statement } => {
                if let Some(name) = ast.ident(label) {
                    let target = self.goto_label(name);
                    self.asm.bind(target);
                    self.pending_label = Some(name);
                }
                self.statement(statement);
                self.pending_label = None;
            }
            Stmt::Decl(decl) => {
                if let Decl::Var(specs) = *ast.decl(decl) {
                    for spec in ast.list(specs) {
                        self.var_spec(spec);
                    }
                }
            }
        }
    }

    pub(crate) fn goto_label(&mut self, name: Symbol) -> bytecode::Label {
        if let Some(&label) = self.labels.get(&name) {
            return label;
        }
        let label = self.asm.new_label();
        self.labels.insert(name, label);
        label
    }

    fn if_statement(
        &mut self,
        init: Option<StmtId>,
        condition: ExprId,
        then: BlockId,
        otherwise: Option<StmtId>,
    ) {
        if let Some(init) = init {
            self.statement(init);
        }
        let end = self.asm.new_label();
        let Some(otherwise) = otherwise else {
            if let Some(target) = self.sole_jump(then) {
                return self.condition(condition, true, target);
            }
            self.condition(condition, false, end);
            self.block(then);
            self.asm.bind(end);
            return;
        };
        let other = self.asm.new_label();
        self.condition(condition, false, other);
        self.block(then);
        if self.falls_through() {
            self.jump(end);
        }
        self.asm.bind(other);
        self.scoped(|f| f.statement(otherwise));
        self.asm.bind(end);
    }

    /// Where a block leads that is nothing but a jump.
    fn sole_jump(&mut self, block: BlockId) -> Option<bytecode::Label> {
        let ast = self.c.ast;
        let [statement] = ast.statements(block) else {
            return None;
        };
        match *ast.stmt(*statement) {
            Stmt::Break { label } => self.break_label(label.and_then(|label| ast.ident(label))),
            Stmt::Continue { label } => {
                self.continue_label(label.and_then(|label| ast.ident(label)))
            }
            Stmt::Goto { label } => ast
                .ident(label)
                .filter(|&name| self.has_label(name))
                .map(|name| self.goto_label(name)),
            _ => None,
        }
    }

    /// Where `break` leads, with a label or without; `None` if that is outside this function.
    pub(crate) fn break_label(&self, name: Option<Symbol>) -> Option<bytecode::Label> {
        let target = self
            .targets
            .iter()
            .rev()
            .find(|target| name.is_none() || target.label == name);
        target.map(|target| target.break_to)
    }

    /// The same for `continue`.
    pub(crate) fn continue_label(&self, name: Option<Symbol>) -> Option<bytecode::Label> {
        let wanted = |target: &crate::function::JumpTarget| name.is_none() || target.label == name;
        self.targets
            .iter()
            .rev()
            .find_map(|target| target.continue_to.filter(|_| wanted(target)))
    }

    fn var_spec(&mut self, spec: &VarSpec) {
        let ast = self.c.ast;
        let (names, values) = (ast.list(spec.names), ast.list(spec.values));
        if values.is_empty() {
            for &name in names {
                if let Some(object) = self.c.typed.object_of(name) {
                    self.declare_zero(object);
                    if self.c.typed.embeddings.contains_key(&object) {
                        self.fill_with_files(object);
                    }
                }
            }
            return;
        }
        self.define(names, values);
    }

    /// The contents of files into a variable of a script.
    fn fill_with_files(&mut self, object: checker::types::ObjectId) {
        self.scoped(|f| {
            let ty = f.object_type(object);
            let value = f.allocate(ty);
            f.embedded(object, value);
            if let Some(place) = f.variable_place(object) {
                f.store(place, ty, value, false);
            }
        });
    }

    // ---- return ----

    fn return_statement(&mut self, values: &[ExprId]) {
        if self.leaving.is_some() {
            if !values.is_empty() {
                self.hoist(values);
                self.set_outer_results(values);
            }
            return self.leave(Exit::Return);
        }
        let types = self.result_types.clone();
        if values.is_empty() {
            return match self.epilogue {
                Some(epilogue) => self.jump(epilogue),
                None => self.return_variables(),
            };
        }
        self.hoist_for(values, &types);
        let spread = types.len() > 1 && values.len() == 1;
        if let Some(epilogue) = self.epilogue {
            if let ([value], [ty], false) = (values, types.as_slice(), spread) {
                let location = self.result_locations[0];
                if let Location::Registers(register) = location
                    && !self.layout(*ty).boxed()
                {
                    self.convert_into(*value, *ty, register);
                } else {
                    let register = self.operand_as(*value, *ty);
                    self.store_result(0, *ty, register);
                }
            } else {
                let first = self.gather_results(values, &types);
                let mut register = first;
                for (index, &ty) in types.iter().enumerate() {
                    self.store_result(index, ty, register);
                    register += self.slots(ty) as u16;
                }
            }
            return self.jump(epilogue);
        }
        if let ([value], [ty], false) = (values, types.as_slice(), spread) {
            let register = self.returned_operand(*value, *ty);
            self.store_captured_result(0, *ty, register);
            let count = self.slots(*ty);
            return self.emit_return(register, count);
        }
        let first = self.gather_results(values, &types);
        let mut register = first;
        for (index, &ty) in types.iter().enumerate() {
            self.store_captured_result(index, ty, register);
            register += self.slots(ty) as u16;
        }
        self.emit_return(first, (register - first) as usize);
    }

    /// The value of a returned expression, owned: the function ends, so a variable of its own may be given away.
    fn returned_operand(&mut self, e: ExprId, ty: Ty) -> u16 {
        if !self.layout(ty).boxed() {
            return self.operand_as(e, ty);
        }
        let inner = self.c.ast.unparen(e);
        if let Expr::Ident(_) = self.c.ast.expr(inner)
            && let Some(object) = self.c.typed.object_of(inner)
            && let Some(Location::Registers(register)) = self.location(object)
            && self
                .c
                .typed
                .object(object)
                .variable()
                .is_some_and(|variable| !variable.captured)
        {
            return register;
        }
        let register = self.allocate(ty);
        self.convert_into(e, ty, register);
        register
    }

    /// The returned values in a row.
    pub(crate) fn gather_results(&mut self, values: &[ExprId], types: &[Ty]) -> u16 {
        if values.len() == 1 {
            let given = self.several_values(values[0], types.len());
            let same = given
                .iter()
                .zip(types)
                .all(|(&(_, from), &to)| !self.wraps(from, to));
            if same {
                return given[0].0;
            }
            let first = self.registers.mark();
            let registers: Vec<u16> = types.iter().map(|&ty| self.allocate(ty)).collect();
            for ((&(src, from), &to), &dst) in given.iter().zip(types).zip(&registers) {
                self.convert_value(src, from, to, dst);
            }
            return first;
        }
        // Variables that stand in a row already?
        let mut expected = None;
        let in_a_row = values.iter().zip(types).all(|(&e, &ty)| {
            let inner = self.c.ast.unparen(e);
            if self.layout(ty).boxed()
                || self.type_of(inner) != ty
                || self.hoisted.contains_key(&inner)
            {
                return false;
            }
            let Expr::Ident(_) = self.c.ast.expr(inner) else {
                return false;
            };
            let Some(object) = self.c.typed.object_of(inner) else {
                return false;
            };
            let Some(Location::Registers(register)) = self.location(object) else {
                return false;
            };
            let fits = expected.is_none_or(|expected| expected == register);
            expected = Some(register + self.slots(ty) as u16);
            fits
        });
        if in_a_row {
            return self.operand(values[0]);
        }
        let first = self.registers.mark();
        for (&e, &ty) in values.iter().zip(types) {
            let dst = self.allocate(ty);
            self.convert_into(e, ty, dst);
        }
        first
    }

    fn store_result(&mut self, index: usize, ty: Ty, register: u16) {
        let place = match self.result_locations[index] {
            Location::Registers(register) => Place::Registers(register),
            Location::Cell(pointer) => Place::Memory { pointer, offset: 0 },
        };
        self.store(place, ty, register, false);
    }

    /// A function literal may still see a result variable.
    fn store_captured_result(&mut self, index: usize, ty: Ty, register: u16) {
        if let Some(Location::Cell(_)) = self.result_locations.get(index) {
            self.store_result(index, ty, register);
        }
    }

    /// Returns the result variables.
    pub(crate) fn return_variables(&mut self) {
        let types = self.result_types.clone();
        let locations = self.result_locations.clone();
        self.scoped(|f| {
            let mut expected = None;
            let in_a_row = types.iter().zip(&locations).all(|(&ty, location)| {
                let Location::Registers(register) = *location else {
                    return false;
                };
                let fits = expected.is_none_or(|expected| expected == register);
                expected = Some(register + f.slots(ty) as u16);
                fits
            });
            let count: usize = types.iter().map(|&ty| f.slots(ty)).sum();
            if in_a_row && let Some(Location::Registers(first)) = locations.first() {
                return f.emit_return(*first, count);
            }
            let first = f.registers.mark();
            for (&ty, location) in types.iter().zip(&locations) {
                let dst = f.allocate(ty);
                match *location {
                    Location::Registers(register) => {
                        let count = f.slots(ty);
                        f.move_slots(register, dst, count);
                    }
                    Location::Cell(pointer) => f.load_memory_owned(ty, pointer, 0, dst),
                }
                let count = f.slots(ty);
                f.registers.written(dst, count);
            }
            f.emit_return(first, count);
        });
    }

    fn emit_return(&mut self, first: u16, count: usize) {
        match count {
            0 => _ = self.emit(op::Return {}),
            1 => {
                _ = self.emit(op::ReturnOne {
                    src: Register(first),
                })
            }
            _ => {
                _ = self.emit(op::ReturnRun {
                    src: Run(first),
                    count: Count(count as u16),
                })
            }
        }
    }
}

/// Whether a statement does something itself, other than to lead elsewhere: others may run before it does.
fn is_action(statement: &Stmt) -> bool {
    !matches!(
        statement,
        Stmt::Bad
            | Stmt::Empty
            | Stmt::Break { .. }
            | Stmt::Continue { .. }
            | Stmt::Goto { .. }
            | Stmt::Fallthrough
            | Stmt::Block(_)
            | Stmt::Labeled { .. }
    )
}
