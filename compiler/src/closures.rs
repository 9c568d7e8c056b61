//! Function literals: what they capture, and how they come by it.
//!
//! A closure holds the slots of its captured variables one after the other: of one that lives in a cell the reference to
//! the cell, else the variable's own slots. The literal's prologue copies them all into registers with one instruction.

use bytecode::{Count, Function, FunctionId, Register, Run, SlotKind, op};
use checker::types::ObjectId;
use parser::ast::{Expr, ExprId};

use crate::function::{FunctionCompiler, Location, Signature};

impl FunctionCompiler<'_, '_> {
    /// The kinds of the slots by which a variable is captured.
    fn capture_kinds(&mut self, object: ObjectId) -> Vec<SlotKind> {
        if self.needs_cell(object) {
            return vec![SlotKind::Ref];
        }
        let ty = self.object_type(object);
        self.layout(ty).slots.clone()
    }

    /// A function literal as a value.
    pub(crate) fn closure_into(&mut self, e: ExprId, dst: u16) {
        let function = self.literal_id(e);
        let captures = self
            .c
            .typed
            .closures
            .get(&e)
            .map(|closure| closure.captures.clone())
            .unwrap_or_default();
        if captures.is_empty() {
            self.emit(op::LoadFunction {
                dst: Register(dst),
                function,
            });
            return;
        }
        let sources = self.capture_sources(&captures);
        self.make_closure(function, &sources, dst);
    }

    /// The registers of captured variables, with the kinds of their slots.
    pub(crate) fn capture_sources(&mut self, captures: &[ObjectId]) -> Vec<(u16, Vec<SlotKind>)> {
        let source = |f: &mut Self, object: ObjectId| {
            let kinds = f.capture_kinds(object);
            match f.location(object) {
                Some(Location::Registers(register) | Location::Cell(register)) => (register, kinds),
                None => panic!("a captured variable is in scope"),
            }
        };
        captures
            .iter()
            .map(|&object| source(self, object))
            .collect()
    }

    /// A closure over the slots in some registers.
    pub(crate) fn make_closure(
        &mut self,
        function: FunctionId,
        sources: &[(u16, Vec<SlotKind>)],
        dst: u16,
    ) {
        let count: usize = sources.iter().map(|(_, kinds)| kinds.len()).sum();
        // In a row already?
        let mut expected = sources[0].0;
        let in_a_row = sources.iter().all(|(register, kinds)| {
            let fits = *register == expected || kinds.is_empty();
            expected = register + kinds.len() as u16;
            fits
        });
        let first = if in_a_row {
            sources[0].0
        } else {
            let kinds: Vec<SlotKind> = sources
                .iter()
                .flat_map(|(_, kinds)| kinds.clone())
                .collect();
            let first = self.registers.allocate(&kinds);
            let mut at = first;
            for (register, kinds) in sources {
                self.move_slots(*register, at, kinds.len());
                at += kinds.len() as u16;
            }
            first
        };
        self.emit(op::MakeClosure {
            dst: Register(dst),
            first: Run(first),
            count: Count(count as u16),
            function,
        });
    }

    /// Brings the captured variables into registers; returns their kinds.
    pub(crate) fn load_captures(&mut self, captures: &[ObjectId]) -> Vec<SlotKind> {
        self.load_captures_after(&[], captures).1
    }

    /// The same with other slots before the variables'; returns the first register, too.
    pub(crate) fn load_captures_after(
        &mut self,
        own: &[SlotKind],
        captures: &[ObjectId],
    ) -> (u16, Vec<SlotKind>) {
        let mut all = own.to_vec();
        let mut places = Vec::new();
        for &object in captures {
            let kinds = self.capture_kinds(object);
            places.push((object, all.len()));
            all.extend(kinds);
        }
        let first = self.registers.allocate(&all);
        if !all.is_empty() {
            self.emit(op::LoadCapture {
                dst: Run(first),
                index: Count(0),
                count: Count(all.len() as u16),
            });
            self.registers.declare(first, all.len());
        }
        for (object, at) in places {
            let register = first + at as u16;
            self.captured.insert(object);
            if self.needs_cell(object) {
                self.declare_cell(object, register);
            } else {
                self.variables.insert(object, Location::Registers(register));
            }
        }
        (first, all)
    }

    /// Compiles a function literal.
    pub(crate) fn literal(&mut self, e: ExprId) -> Function {
        let Expr::FuncLit { body, .. } = *self.c.ast.expr(e) else {
            panic!("the key names a literal")
        };
        self.name = self.c.literal_names.get(&e).cloned().unwrap_or_default();
        let closure = self.c.typed.closures.get(&e).cloned().unwrap_or_default();
        let ty = self.type_of(e);
        let (parameter_types, result_types) = self.c.signature_types(ty);
        let range = self.c.ast.range(e);
        self.at(range);
        self.body(Signature {
            parameters: closure
                .parameters
                .iter()
                .map(|&object| Some(object))
                .collect(),
            parameter_types,
            results: closure.results,
            result_types,
            captures: closure.captures,
            body,
            range: Some(range),
            receiver_from_interface: false,
        })
    }
}
