//! Which variables outlive or leave their frame: captured by function literals or bodies of ranges over functions, assigned again, address taken.
//!
//! A variable that is captured and never assigned after its initialisation can be copied into a closure; one that is captured
//! and assigned, or whose address is taken, needs a cell of its own in the heap. An assignment to a part of a variable (a field, an
//! array element) counts as one to the variable.

use parser::ast::{Expr, ExprId, Symbol};

use crate::checker::Checker;
use crate::typed::{FunctionRef, ObjectKind, SelectionKind};
use crate::types::{ObjectId, Type};

impl Checker<'_> {
    /// Notes the use of a local variable of a function, perhaps from a literal inside it.
    pub(crate) fn use_local_variable(&mut self, object: ObjectId, owner: Option<FunctionRef>) {
        let current = self.env.context.as_ref().map(|context| context.function);
        if let Some(variable) = self.variable_mut(object) {
            variable.used = true;
        }
        if current == owner {
            return;
        }
        let mut next = current;
        while let Some(function) = next
            && next != owner
        {
            if !self.captured.insert((function, object)) {
                // Then the literals around this one have it, too.
                break;
            }
            if let Some(variable) = self.variable_mut(object) {
                variable.captured = true;
                variable.captured_by_literal |= matches!(function, FunctionRef::Literal(_));
            }
            let captures = match function {
                FunctionRef::Declared(_) => break,
                FunctionRef::Literal(literal) => {
                    &mut self.program.closures.entry(literal).or_default().captures
                }
                FunctionRef::RangeBody(body) => self.program.range_bodies.entry(body).or_default(),
            };
            captures.push(object);
            next = self.literal_parents.get(&function).copied();
        }
    }

    /// The variable that an addressable expression lies in: `x` of `x.f[1]`, if no pointer or slice is followed.
    fn root_variable(&self, mut expr: ExprId) -> Option<ObjectId> {
        loop {
            match *self.ast.expr(expr) {
                Expr::Ident(_) => return self.program.object_of(expr),
                Expr::Paren(inner) => expr = inner,
                Expr::Selector { operand, .. } => match self.program.selections.get(&expr) {
                    Some(selection) => {
                        if selection.kind != SelectionKind::Field || selection.indirect {
                            return None;
                        }
                        expr = operand;
                    }
                    // A member of a package.
                    None => {
                        let Expr::Selector { name, .. } = *self.ast.expr(expr) else {
                            return None;
                        };
                        return self.program.object_of(name);
                    }
                },
                Expr::Index { operand, .. } => {
                    let typ = self.program.type_of(operand);
                    if !matches!(self.program.types.underlying(typ), Type::Array(..)) {
                        return None;
                    }
                    expr = operand;
                }
                _ => return None,
            }
        }
    }

    /// Notes that the address of the expression is taken.
    pub(crate) fn take_address(&mut self, expr: ExprId) {
        if let Some(object) = self.root_variable(expr)
            && let Some(variable) = self.variable_mut(object)
        {
            variable.address_taken = true;
        }
    }

    /// Notes that the expression is assigned to.
    pub(crate) fn reassign(&mut self, expr: ExprId) {
        if let Some(object) = self.root_variable(expr) {
            self.reassign_variable(object);
        }
    }

    pub(crate) fn reassign_variable(&mut self, object: ObjectId) {
        if let Some(variable) = self.variable_mut(object) {
            variable.reassigned = true;
        }
    }

    /// The variable that a name stands for here, if it is one of this package.
    pub(crate) fn local_or_own_variable(&self, name: Symbol) -> Option<ObjectId> {
        let object = self.lookup_name(name)?;
        let entity = self.object(object);
        (matches!(entity.kind, ObjectKind::Variable(_)) && entity.package == Some(self.env.package))
            .then_some(object)
    }
}
