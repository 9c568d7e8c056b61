//! The order of evaluation.
//!
//! Calls and receives of a statement, and a few things besides (slices, assertions, `len`), are *units*: Go's compiler evaluates them one after
//! the other before the loads and operations of the statement. [`FunctionCompiler::hoist`] does so where it makes a difference: the values
//! stay in registers until the statement ends.
//!
//! GO: cmd/compile/internal/walk/order.go.

use checker::typed::Mode;
use checker::types::{Type, TypeId as Ty};
use checker::universe::Builtin;
use parser::ast::{BinaryOperator, Expr, ExprId};
use smallvec::SmallVec;

use crate::function::{FunctionCompiler, Location};
use crate::walk::{Node, Panics};

/// What is evaluated in source order before the loads and operations around it: calls, receives, and some more.
#[derive(Default)]
struct Units {
    list: Vec<ExprId>,
    /// A load that could see a call's effects stands before that call.
    needed: bool,
    /// How many of the list there are up to the last that calls: the rest can stay where it is.
    up_to_last_call: usize,
}

/// What the parts of an expression are converted to, in the order of the parts.
pub(crate) enum Targets {
    All(Option<Ty>),
    Each(Vec<Option<Ty>>),
}

impl Targets {
    pub(crate) fn of(&self, position: usize) -> Option<Ty> {
        match self {
            Targets::All(target) => *target,
            Targets::Each(targets) => targets.get(position).copied().flatten(),
        }
    }
}

/// Roots whose values are not converted.
pub(crate) fn untyped(roots: &[ExprId]) -> SmallVec<[Root; 8]> {
    roots.iter().map(|&e| (e, None)).collect()
}

/// An expression of a statement and, where its value is converted to a type without being written so, that type.
pub(crate) type Root = (ExprId, Option<Ty>);

impl FunctionCompiler<'_, '_> {
    /// Evaluates the calls and receives in `roots` now, in their order, if some load that could see their effects stands
    /// before one of them. Their values stay in registers until the statement ends ([`FunctionCompiler::hoisted`]).
    pub(crate) fn hoist(&mut self, roots: &[ExprId]) {
        self.hoist_behind(&untyped(roots), false);
    }

    /// As [`FunctionCompiler::hoist`], of what goes where values have these types.
    pub(crate) fn hoist_for(&mut self, roots: &[ExprId], types: &[Ty]) {
        let typed = |(i, &e)| (e, types.get(i).copied());
        let roots: SmallVec<[Root; 8]> = roots.iter().enumerate().map(typed).collect();
        self.hoist_behind(&roots, false);
    }

    /// As [`FunctionCompiler::hoist`]; `loads` says that something is loaded through the first root's value.
    pub(crate) fn hoist_behind(&mut self, roots: &[Root], loads: bool) {
        let mut units = Units::default();
        self.find_units(roots, loads, &mut units);
        if units.needed {
            self.hoist_units(units);
        }
    }

    /// As [`FunctionCompiler::hoist`], where it shows which of several parts panics first: also what has its turn among the calls without
    /// being one, as slices and assertions have.
    pub(crate) fn hoist_in_turn(&mut self, roots: &[Root]) {
        let mut units = Units::default();
        self.find_units(roots, false, &mut units);
        let may_panic = |&&(e, _): &&Root| self.c.panics(e) != Panics::Never;
        if !units.list.is_empty()
            && roots.iter().filter(may_panic).count() > 1
            && let Some(last) = units
                .list
                .iter()
                .rposition(|&unit| self.panics_itself(unit))
        {
            units.needed = true;
            units.up_to_last_call = units.up_to_last_call.max(last + 1);
        }
        if units.needed {
            self.hoist_units(units);
        }
    }

    /// Whether evaluating a unit may panic; of most builtins only their arguments can.
    fn panics_itself(&self, unit: ExprId) -> bool {
        match *self.c.ast.expr(unit) {
            Expr::Call { callee, args, .. }
                if self.type_and_value(self.c.ast.unparen(callee)).mode == Mode::Builtin
                    && self.builtin_of(callee) != Builtin::Make =>
            {
                let args = self.c.ast.list(args).iter();
                args.copied().any(|e| self.c.panics(e) != Panics::Never)
            }
            _ => self.c.panics(unit) != Panics::Never,
        }
    }

    /// Evaluates all calls in an expression now.
    pub(crate) fn hoist_all(&mut self, root: ExprId) {
        let mut units = Units::default();
        self.find_units(&[(root, None)], false, &mut units);
        self.hoist_units(units);
    }

    /// Evaluates the units in `first` now if they or `second`, which is evaluated next, call something.
    pub(crate) fn hoist_before(&mut self, first: ExprId, second: ExprId) {
        let mut units = Units::default();
        self.find_units(&[(first, None)], false, &mut units);
        if !units.list.is_empty() && (units.up_to_last_call > 0 || self.c.calls(second)) {
            units.up_to_last_call = units.list.len();
            self.hoist_units(units);
        }
    }

    fn hoist_units(&mut self, units: Units) {
        for &unit in &units.list[..units.up_to_last_call] {
            let ty = self.type_of(unit);
            let register = if !self.c.is_call(unit)
                && !self.is_unit_without_call(unit)
                && self.layout(ty).boxed()
            {
                // What is borrowed could change until it is used.
                let register = self.allocate(ty);
                self.into(unit, register);
                register
            } else {
                self.operand(unit)
            };
            self.hoisted.insert(unit, register);
        }
    }

    /// Lists the outermost units of evaluation. `loads`: behind the first root something is loaded.
    fn find_units(&mut self, roots: &[Root], loads: bool, units: &mut Units) {
        enum Visit {
            Enter,
            Leave,
        }
        let mut work: Vec<(ExprId, Option<Ty>, Visit)> = roots
            .iter()
            .rev()
            .map(|&(e, target)| (e, target, Visit::Enter))
            .collect();
        if loads {
            work.insert(roots.len() - 1, (roots[0].0, None, Visit::Leave));
        }
        let mut loaded = false;
        let mut children = Vec::new();
        while let Some((e, target, visit)) = work.pop() {
            if let Visit::Leave = visit {
                loaded = true;
                continue;
            }
            // What is hoisted is found without its parentheses.
            let e = self.c.ast.unparen(e);
            if self.hoisted.contains_key(&e) || self.c.typed.constant(e).is_some() {
                continue;
            }
            let expr = *self.c.ast.expr(e);
            let (is_unit, has_call) = match expr {
                Expr::FuncLit { .. } => continue,
                Expr::Binary {
                    op: BinaryOperator::LogicalAnd | BinaryOperator::LogicalOr,
                    ..
                } => (true, self.c.calls(e)),
                _ if self.c.is_call(e) => (true, true),
                _ if self.is_unit_without_call(e) => (true, self.is_copy(e) || self.c.calls(e)),
                _ if target.is_some_and(|target| self.is_converted_in_turn(e, target)) => {
                    (true, self.c.calls(e))
                }
                _ => (false, false),
            };
            if is_unit {
                // Without a value there is nothing to keep.
                if self.type_and_value(e).mode != Mode::NoValue {
                    units.list.push(e);
                }
                if has_call {
                    units.needed |= loaded;
                    units.up_to_last_call = units.list.len();
                } else {
                    loaded = true;
                }
                continue;
            }
            match expr {
                Expr::Ident(_) => {
                    loaded |= self.c.typed.object_of(e).is_some_and(|object| {
                        matches!(self.location(object), Some(Location::Cell(_)))
                            || self.is_package_variable(object)
                    });
                }
                Expr::Star(_) | Expr::Index { .. } | Expr::Selector { .. }
                    if self.is_place(e) && !self.is_register_place(e) =>
                {
                    work.push((e, None, Visit::Leave));
                }
                // It may panic, and does so after the calls.
                Expr::Binary {
                    op: BinaryOperator::Divide | BinaryOperator::Remainder,
                    right,
                    ..
                } if self.c.typed.constant(right).is_none() => work.push((e, None, Visit::Leave)),
                // A conversion of a slice reads its elements.
                Expr::Call { args, .. }
                    if self.c.ast.list(args).iter().any(|&operand| {
                        let ty = self.type_of(operand);
                        matches!(self.c.typed.types.underlying(ty), Type::Slice(_))
                    }) =>
                {
                    work.push((e, None, Visit::Leave));
                }
                _ => {}
            }
            children.clear();
            self.c.walk(&[Node::Expr(e)], |node| match node {
                Node::Expr(child) if child == e => true,
                Node::Expr(child) => {
                    children.push(child);
                    false
                }
                _ => false,
            });
            let targets = self.child_targets(e, target);
            work.extend(
                children
                    .iter()
                    .enumerate()
                    .rev()
                    .map(|(i, &child)| (child, targets.of(i), Visit::Enter)),
            );
        }
    }

    /// What the parts of an expression are converted to.
    pub(crate) fn child_targets(&self, e: ExprId, target: Option<Ty>) -> Targets {
        let types = &self.c.typed.types;
        match *self.c.ast.expr(e) {
            Expr::Paren(_) => Targets::All(target),
            // The key has nothing to evaluate but in maps, which are units.
            Expr::KeyValue { .. } => Targets::All(target),
            Expr::Call { callee, .. }
                if self.type_and_value(self.c.ast.unparen(callee)).mode == Mode::Type =>
            {
                Targets::All(Some(self.type_of(e)))
            }
            Expr::CompositeLit { elements, .. } => match types.underlying(self.type_of(e)) {
                Type::Slice(element) | Type::Array(element, _) => Targets::All(Some(*element)),
                Type::Struct(fields) => Targets::Each(
                    self.c
                        .ast
                        .list(elements)
                        .iter()
                        .enumerate()
                        .map(|(position, &element)| match *self.c.ast.expr(element) {
                            Expr::KeyValue { key, value } => {
                                match self.c.typed.field_keys.get(&key).map(|path| &path[..]) {
                                    Some([index]) => Some(fields[*index as usize].typ),
                                    // A promoted field's type is not at hand here: its value counts as one of no interface.
                                    _ => Some(self.type_of(value)),
                                }
                            }
                            _ => fields.get(position).map(|field| field.typ),
                        })
                        .collect(),
                ),
                _ => Targets::All(None),
            },
            _ => Targets::All(None),
        }
    }

    /// Whether a value becomes an interface's in its turn among the calls: Go's compiler makes a temporary of what the conversion takes by
    /// address, unless it has an address already. GO: walk/order.go `OCONVIFACE`, walk/convert.go `dataWordFuncName`.
    fn is_converted_in_turn(&mut self, e: ExprId, target: Ty) -> bool {
        let types = &self.c.typed.types;
        if !matches!(types.underlying(target), Type::Interface(_))
            || !matches!(
                self.type_and_value(e).mode,
                Mode::Value | Mode::MapIndex | Mode::CommaOk
            )
        {
            return false;
        }
        let ty = types.default_type(self.type_of(e));
        !matches!(types.get(ty), Type::Tuple(_))
            && !matches!(types.underlying(ty), Type::Interface(_))
            && self.is_converted_by_address(ty)
    }

    /// Whether a conversion of the type to an interface takes the value's address: not of numbers of 16 bits and more, of strings and of slices,
    /// nor of what consists of one of them.
    fn is_converted_by_address(&mut self, ty: Ty) -> bool {
        let layout = self.layout(ty);
        if layout.size == u32::from(layout.align) && matches!(layout.size, 2 | 4 | 8) {
            // There is one part that is not empty.
            let mut part = ty;
            loop {
                match self.c.typed.types.underlying(part) {
                    Type::Array(element, _) => part = *element,
                    Type::Struct(_) => {
                        let layout = self.layout(part);
                        match layout.fields.iter().find(|f| self.layout(f.ty).size > 0) {
                            Some(field) => part = field.ty,
                            None => return true,
                        }
                    }
                    Type::Basic(_) => return false,
                    _ => return true,
                }
            }
        }
        let types = &self.c.typed.types;
        let mut part = ty;
        loop {
            match types.underlying(part) {
                Type::Array(element, 1) => part = *element,
                Type::Struct(fields) if fields.len() == 1 => part = fields[0].typ,
                Type::Slice(_) => return false,
                _ => return !types.is_string(part),
            }
        }
    }

    /// `copy(...)`, whose effects loads can see.
    fn is_copy(&self, e: ExprId) -> bool {
        let Expr::Call { callee, .. } = *self.c.ast.expr(e) else {
            return false;
        };
        self.type_and_value(self.c.ast.unparen(callee)).mode == Mode::Builtin
            && self.builtin_of(callee) == Builtin::Copy
    }

    /// What Go's compiler gives a temporary in its turn although it is no call. GO: walk/order.go `expr1`.
    fn is_unit_without_call(&self, e: ExprId) -> bool {
        let types = &self.c.typed.types;
        match *self.c.ast.expr(e) {
            Expr::Slice { .. } => true,
            Expr::TypeAssert { .. } => !matches!(types.get(self.type_of(e)), Type::Tuple(_)),
            Expr::CompositeLit { .. } => {
                matches!(types.underlying(self.type_of(e)), Type::Map { .. })
            }
            Expr::Call { callee, args, .. } => {
                match self.type_and_value(self.c.ast.unparen(callee)).mode {
                    Mode::Builtin => matches!(
                        self.builtin_of(callee),
                        Builtin::Append
                            | Builtin::Cap
                            | Builtin::Copy
                            | Builtin::Len
                            | Builtin::Make
                            | Builtin::Max
                            | Builtin::Min
                            | Builtin::New
                    ),
                    // A string to bytes or runes.
                    Mode::Type => {
                        matches!(types.underlying(self.type_of(e)), Type::Slice(_))
                            && self
                                .c
                                .ast
                                .list(args)
                                .iter()
                                .all(|&operand| types.is_string(self.type_of(operand)))
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// Keeps the value of an expression in registers until the statement ends.
    pub(crate) fn evaluate_now(&mut self, e: ExprId) {
        let e = self.c.ast.unparen(e);
        if self.hoisted.contains_key(&e)
            || self.c.typed.constant(e).is_some()
            || self.is_nil(e)
            || matches!(self.c.ast.expr(e), Expr::FuncLit { .. })
        {
            return;
        }
        let ty = self.type_of(e);
        let register = self.allocate(ty);
        self.convert_into(e, ty, register);
        self.hoisted.insert(e, register);
    }

    /// Evaluates the key of a map that is assigned to, if Go's compiler passes it by address and finding it may panic.
    ///
    /// GO: cmd/compile/internal/walk/order.go `mapKeyTemp`, walk/walk.go `mapfast`.
    pub(crate) fn evaluate_key(&mut self, target: ExprId) {
        let Some((map, index)) = self.map_index(target) else {
            return;
        };
        if self.c.panics(index) == Panics::Never {
            return;
        }
        let map = self.type_of(map);
        let types = &self.c.typed.types;
        let Type::Map { key, element } = *types.underlying(map) else {
            return;
        };
        let key_size = self.layout(key).size;
        let types = &self.c.typed.types;
        let by_value = types.is_string(key)
            || types.is_integer(key) && matches!(key_size, 4 | 8)
            || matches!(types.underlying(key), Type::Pointer(_) | Type::Chan { .. });
        if !by_value || self.layout(element).size > 128 {
            self.evaluate_now(index);
        }
    }
}
