//! One function: prologue, body, epilogue, and the tables beside the code.

use std::rc::Rc;

use bytecode::assembler::Mark;
use bytecode::{
    Assembler, Count, Count32, Function, Instruction, Label, Opcode, Register, Run, SlotKind,
    Window, op,
};
use checker::typed::{FunctionId as DeclaredId, VarKind};
use checker::types::{ObjectId, TypeId as Ty};
use diagnostics::TextRange;
use parser::ast::{BlockId, Decl, ExprId, Symbol};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::instances::EnvironmentId;
use crate::package::{Compiler, FunctionKey, TooLarge};
use crate::places::Place;
use crate::registers::Registers;
use crate::type_descriptors::Layout;

/// Where a variable is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Location {
    /// In registers from this one on.
    Registers(u16),
    /// In a heap cell that this register refers to.
    Cell(u16),
}

/// What `break` and `continue` lead to.
pub(crate) struct JumpTarget {
    pub(crate) label: Option<Symbol>,
    pub(crate) break_to: Label,
    pub(crate) continue_to: Option<Label>,
}

/// A constant kept in a register while a loop runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct CachedConstant(pub(crate) u64);

/// The most entries that the live maps of one function may have together: as many as ten thousand variables and a call after each.
const LARGEST_MAPS: usize = 64 << 20;

/// The compilation of one function.
pub(crate) struct FunctionCompiler<'c, 'a> {
    pub(crate) c: &'c mut Compiler<'a>,
    pub(crate) asm: Assembler,
    pub(crate) registers: Registers,
    safepoints: Vec<(Mark, u32)>,
    maps: Vec<Vec<(u16, SlotKind)>>,
    map_ids: FxHashMap<Vec<(u16, SlotKind)>, u32>,
    /// The length of all maps together.
    map_entries: usize,
    lines: Vec<(Mark, TextRange)>,
    /// Positions of expressions with an index or bounds of an unsigned 64-bit type, and which, a bit each.
    unsigned: FxHashMap<TextRange, u8>,
    position: Option<TextRange>,
    pub(crate) variables: FxHashMap<ObjectId, Location>,
    pub(crate) name: String,
    literals: u32,
    /// How many ranges over functions have been met.
    pub(crate) ranges: u32,
    /// Of the body of a range over a function.
    pub(crate) leaving: Option<crate::range_functions::Leaving>,
    /// The result variables and their types.
    pub(crate) result_types: Vec<Ty>,
    pub(crate) results: Vec<ObjectId>,
    /// Where the result values are kept: by every function with `defer`.
    pub(crate) result_locations: Vec<Location>,
    /// Of a function with `defer`: runs the deferred calls and returns the result variables.
    pub(crate) epilogue: Option<Label>,
    pub(crate) targets: Vec<JumpTarget>,
    pub(crate) labels: FxHashMap<Symbol, Label>,
    /// The label before the statement that is being compiled.
    pub(crate) pending_label: Option<Symbol>,
    /// The next clause of a switch, for `fallthrough`.
    pub(crate) fallthrough: Option<Label>,
    /// What a function literal has of the functions around it.
    pub(crate) captured: FxHashSet<ObjectId>,
    /// Expressions whose values are in registers already.
    pub(crate) hoisted: FxHashMap<ExprId, u16>,
    pub(crate) cached_constants: FxHashMap<CachedConstant, u16>,
    /// The expression around has been looked through for calls to be hoisted.
    pub(crate) scanned: bool,
    /// Parameters of functions put in place whose arguments are integer constants.
    pub(crate) bound_constants: FxHashMap<ObjectId, i64>,
    /// Behind the last scheduling point.
    after_point: Option<Mark>,
}

/// Compiles the function behind a key.
pub(crate) fn compile(c: &mut Compiler<'_>, key: &FunctionKey) -> Function {
    let mut f = FunctionCompiler::new(c, String::new());
    match key {
        FunctionKey::Declared(id, environment) => f.declared(*id, *environment, false),
        FunctionKey::DeclaredForInterface(id, environment) => f.declared(*id, *environment, true),
        FunctionKey::Literal(e, _) => f.literal(*e),
        FunctionKey::RangeBody(body, _) => f.range_body(*body),
        FunctionKey::Promoted {
            receiver,
            path,
            selected,
            data,
        } => f.promoted(*receiver, path, *selected, *data),
        FunctionKey::Bound(selected) => f.bound(*selected),
        FunctionKey::BuiltinCall(e, _) => f.builtin_call(*e),
        FunctionKey::Initializer(package) => f.initializer(*package),
        FunctionKey::Entry => f.entry(true, true),
        FunctionKey::Initialization => f.entry(true, false),
        FunctionKey::Main => f.entry(false, true),
        FunctionKey::Unit(number) => f.unit(*number),
        FunctionKey::UnitInitializer(_, part) => f.unit_initializer(*part),
        FunctionKey::Made(ty) => f.made(*ty),
        FunctionKey::Unreachable => {
            f.name = "unreachable".to_owned();
            f.emit(op::Unreachable {});
            f.finish(Shape::default())
        }
    }
}

/// Functions of package reflect that stand between a func value and what it calls: `recover` looks through them.
///
/// GO: cmd/internal/objabi `GetFuncID`.
const WRAPPERS: [&str; 3] = [
    "reflect.(*rtype).method.func1",
    "reflect.boundMethod.func1",
    "reflect.makeFunc.func1",
];

/// What a function's head says besides its code.
#[derive(Default)]
pub(crate) struct Shape {
    pub(crate) parameters: Vec<SlotKind>,
    pub(crate) results: Vec<SlotKind>,
    pub(crate) captures: Vec<SlotKind>,
    pub(crate) range: Option<TextRange>,
    pub(crate) recovery: Option<Mark>,
    pub(crate) wrapper: bool,
}

impl<'c, 'a> FunctionCompiler<'c, 'a> {
    pub(crate) fn new(c: &'c mut Compiler<'a>, name: String) -> Self {
        FunctionCompiler {
            c,
            asm: Assembler::new(),
            registers: Registers::default(),
            safepoints: Vec::new(),
            maps: Vec::new(),
            map_ids: FxHashMap::default(),
            map_entries: 0,
            lines: Vec::new(),
            unsigned: FxHashMap::default(),
            position: None,
            variables: FxHashMap::default(),
            name,
            literals: 0,
            ranges: 0,
            leaving: None,
            result_types: Vec::new(),
            results: Vec::new(),
            result_locations: Vec::new(),
            epilogue: None,
            targets: Vec::new(),
            labels: FxHashMap::default(),
            pending_label: None,
            fallthrough: None,
            captured: FxHashSet::default(),
            hoisted: FxHashMap::default(),
            cached_constants: FxHashMap::default(),
            scanned: false,
            bound_constants: FxHashMap::default(),
            after_point: None,
        }
    }

    // ---- emitting ----

    /// Sets the source position of what is emitted from here on.
    pub(crate) fn at(&mut self, range: TextRange) {
        self.position = Some(range);
    }

    /// Notes that the index or one of the bounds of `e` is of an unsigned 64-bit type: the panic must not show it as negative.
    pub(crate) fn note_unsigned(&mut self, e: ExprId, indices: &[Option<ExprId>]) {
        let mut bits = 0;
        for (bit, index) in indices.iter().enumerate() {
            bits |= u8::from(index.is_some_and(|index| self.is_wide_unsigned(index))) << bit;
        }
        if bits != 0 {
            self.unsigned.insert(self.c.ast.range(e), bits);
        }
    }

    /// Sets the source position of instructions that load and store at the place of `e` on behalf of an operator.
    pub(crate) fn at_operator(&mut self, e: ExprId, position: TextRange) {
        let range = self.c.ast.range(self.c.ast.unparen(e));
        if let Some(&bits) = self.unsigned.get(&range) {
            self.unsigned.insert(position, bits);
        }
        self.at(position);
    }

    /// Whether an expression is of an unsigned 64-bit type.
    pub(crate) fn is_wide_unsigned(&self, e: ExprId) -> bool {
        let typed = self.c.typed;
        let underlying = typed
            .types
            .canonical(typed.types.underlying_id(self.c.type_of(e)));
        [Ty::UINT, Ty::UINT64, Ty::UINTPTR].contains(&underlying)
    }

    fn note_line(&mut self) {
        if let Some(position) = self.position
            && self.lines.last().is_none_or(|(_, last)| *last != position)
        {
            let mark = self.asm.here();
            match self.lines.last_mut() {
                Some(last) if last.0 == mark => last.1 = position,
                _ => self.lines.push((mark, position)),
            }
        }
    }

    /// Appends an instruction; if the goroutine may stop there, with all live registers as its map.
    pub(crate) fn emit(&mut self, instruction: impl Into<Instruction>) -> Mark {
        let limit = self.registers.mark();
        self.emit_below(instruction, limit)
    }

    /// Appends an instruction at which only registers below `limit` are this frame's to keep alive.
    pub(crate) fn emit_below(&mut self, instruction: impl Into<Instruction>, limit: u16) -> Mark {
        let instruction = instruction.into();
        self.note_line();
        if bytecode::verify::may_stop(instruction.opcode()) {
            self.safepoint(limit);
        }
        self.asm.emit(instruction)
    }

    /// Appends a jump to `target`.
    pub(crate) fn emit_jump(&mut self, instruction: impl Into<Instruction>, target: Label) {
        let instruction = instruction.into();
        self.note_line();
        if bytecode::verify::may_stop(instruction.opcode()) {
            let limit = self.registers.mark();
            self.safepoint(limit);
        }
        self.asm.emit_jump(instruction, target);
    }

    /// A call: the map leaves out the window.
    pub(crate) fn emit_call(&mut self, instruction: impl Into<Instruction>, window: u16) {
        self.emit_below(instruction, window - 2);
    }

    fn safepoint(&mut self, limit: u16) {
        let map = self.registers.live(limit);
        let id = match self.map_ids.get(&map) {
            Some(&id) => id,
            None => {
                let id = self.maps.len() as u32;
                self.map_entries += map.len();
                if self.map_entries > LARGEST_MAPS {
                    self.maps.push(Vec::new());
                    self.safepoints.push((self.asm.here(), id));
                    return;
                }
                self.maps.push(map.clone());
                self.map_ids.insert(map, id);
                id
            }
        };
        self.safepoints.push((self.asm.here(), id));
    }

    /// Jumps to `target`, backward or forward.
    pub(crate) fn jump(&mut self, target: Label) {
        let to = bytecode::Jump32(0);
        if self.asm.is_bound(target) {
            self.emit_jump(op::Loop { to }, target);
        } else {
            self.emit_jump(op::Jump { to }, target);
        }
    }

    /// Whether scheduling points are wanted where the text is that is being compiled ([`crate::Options::scheduling_points`]).
    pub(crate) fn has_scheduling_points(&self) -> bool {
        self.position
            .is_some_and(|position| self.c.interruptible.contains(&position.file))
    }

    /// Lets another goroutine run here, if that is wanted: a back-edge that leads to the next instruction.
    pub(crate) fn scheduling_point(&mut self) {
        if !self.has_scheduling_points() {
            return;
        }
        let next = self.asm.new_label();
        self.emit_jump(
            op::Loop {
                to: bytecode::Jump32(0),
            },
            next,
        );
        self.asm.bind(next);
        self.after_point = Some(self.asm.here());
    }

    /// Whether the next instruction can be reached from the one before.
    pub(crate) fn falls_through(&self) -> bool {
        if self.after_point == Some(self.asm.here()) {
            return true;
        }
        match self.asm.last() {
            None => true,
            Some(last) => !matches!(
                last.opcode(),
                Opcode::Jump
                    | Opcode::Loop
                    | Opcode::Return
                    | Opcode::ReturnOne
                    | Opcode::ReturnRun
                    | Opcode::Panic
                    | Opcode::Unreachable
            ),
        }
    }

    // ---- registers ----

    pub(crate) fn layout(&mut self, ty: Ty) -> Rc<Layout> {
        self.c.layout(ty)
    }

    /// How many registers a value takes.
    pub(crate) fn slots(&mut self, ty: Ty) -> usize {
        self.c.layout(ty).slots.len()
    }

    /// Registers for a value.
    pub(crate) fn allocate(&mut self, ty: Ty) -> u16 {
        let layout = self.c.layout(ty);
        self.registers.allocate(&layout.slots)
    }

    pub(crate) fn scalar(&mut self) -> u16 {
        self.registers.allocate(&[SlotKind::Scalar])
    }

    pub(crate) fn reference(&mut self) -> u16 {
        self.registers.allocate(&[SlotKind::Ref])
    }

    /// The base of a window above all registers in use.
    pub(crate) fn window(&mut self) -> u16 {
        self.registers
            .allocate(&[SlotKind::Scalar, SlotKind::Scalar])
            + 2
    }

    /// Runs `body` and gives back the registers it took.
    pub(crate) fn scoped<T>(&mut self, body: impl FnOnce(&mut Self) -> T) -> T {
        let mark = self.registers.mark();
        let result = body(self);
        self.release(mark);
        result
    }

    /// Gives back all registers from `mark` on; values hoisted into them are forgotten.
    pub(crate) fn release(&mut self, mark: u16) {
        self.registers.release(mark);
        if !self.hoisted.is_empty() {
            self.hoisted.retain(|_, register| *register < mark);
        }
    }

    /// Copies `count` registers.
    pub(crate) fn move_slots(&mut self, src: u16, dst: u16, count: usize) {
        if src == dst {
            return;
        }
        match count {
            0 => {}
            1 => {
                _ = self.emit(op::Move {
                    dst: Register(dst),
                    src: Register(src),
                })
            }
            2 => {
                _ = self.emit(op::MovePair {
                    dst: bytecode::Pair(dst),
                    src: bytecode::Pair(src),
                })
            }
            _ => {
                _ = self.emit(op::MoveRun {
                    dst: Run(dst),
                    src: Run(src),
                    count: Count(count as u16),
                })
            }
        }
    }

    // ---- variables ----

    /// Whether a variable lives in a heap cell.
    pub(crate) fn needs_cell(&self, object: ObjectId) -> bool {
        self.c
            .typed
            .object(object)
            .variable()
            .is_some_and(|variable| {
                variable.address_taken || (variable.captured && variable.reassigned)
            })
    }

    /// The type of an object.
    pub(crate) fn object_type(&self, object: ObjectId) -> Ty {
        self.c.object_type(object)
    }

    /// Makes a variable of a complete, owned value in fresh registers that stay allocated with the scope. The registers
    /// may become the variable.
    pub(crate) fn declare(&mut self, object: ObjectId, value: u16) {
        let ty = self.object_type(object);
        if self.needs_cell(object) {
            let layout = self.layout(ty);
            let cell = if layout.boxed() {
                // A box is a cell already.
                value
            } else {
                let cell = self.reference();
                let id = self.c.descriptor(ty);
                self.emit(op::New {
                    dst: Register(cell),
                    ty: id,
                });
                self.registers.written(cell, 1);
                self.store_memory(ty, value, cell, 0);
                cell
            };
            self.declare_cell(object, cell);
        } else {
            let count = self.slots(ty);
            self.registers.declare(value, count);
            self.variables.insert(object, Location::Registers(value));
        }
    }

    /// Makes a register the reference to a variable's cell.
    pub(crate) fn declare_cell(&mut self, object: ObjectId, cell: u16) {
        self.registers.declare(cell, 1);
        self.registers.set_cell(cell);
        self.variables.insert(object, Location::Cell(cell));
    }

    /// Makes a variable with its zero value.
    pub(crate) fn declare_zero(&mut self, object: ObjectId) {
        let ty = self.object_type(object);
        let layout = self.layout(ty);
        if self.is_package_variable(object) {
            self.scoped(|f| {
                let register = f.registers.allocate(&layout.slots);
                f.zero(ty, register);
                let offset = f.c.global(object);
                f.store(Place::Global(offset), ty, register, false);
            });
        } else if self.needs_cell(object) {
            let cell = self.reference();
            let id = self.c.descriptor(ty);
            self.emit(op::New {
                dst: Register(cell),
                ty: id,
            });
            self.declare_cell(object, cell);
        } else {
            let register = self.registers.allocate(&layout.slots);
            self.zero(ty, register);
            self.registers.declare(register, layout.slots.len());
            self.variables.insert(object, Location::Registers(register));
        }
    }

    /// The name of the next function literal. GO: closure names in cmd/compile/internal/ir.
    pub(crate) fn literal_name(&mut self) -> String {
        self.literals += 1;
        let is_literal = self.name.rsplit('.').next().is_some_and(|last| {
            last.strip_prefix("func")
                .unwrap_or(last)
                .bytes()
                .all(|byte| byte.is_ascii_digit())
                && !last.is_empty()
                || last.contains("-range")
        });
        if is_literal {
            format!("{}.{}", self.name, self.literals)
        } else {
            format!("{}.func{}", self.name, self.literals)
        }
    }

    // ---- whole functions ----

    fn declared(
        &mut self,
        id: DeclaredId,
        environment: EnvironmentId,
        for_interface: bool,
    ) -> Function {
        let function = self.c.typed.function(id).clone();
        self.name = self.c.declared_name(id);
        let (parameter_types, result_types) = self.c.declared_types(id, environment);
        let range = Some(self.c.ast.decl_range(function.declaration));
        let Some(body) = function.body else {
            return self.native_wrapper(id);
        };
        if !function.checked {
            self.emit(op::Unreachable {});
            return self.finish(Shape::default());
        }
        if let Decl::Func(declaration) = *self.c.ast.decl(function.declaration) {
            self.at(self.c.ast.range(declaration.name));
        }
        let has_receiver = self.c.receiver_type(function.object, environment).is_some();
        let mut objects: Vec<Option<ObjectId>> = Vec::new();
        if has_receiver {
            objects.push(function.receiver);
        }
        objects.extend(function.parameters.iter().map(|&object| Some(object)));
        self.body(Signature {
            parameters: objects,
            parameter_types,
            results: function.results,
            result_types,
            captures: Vec::new(),
            body,
            range,
            receiver_from_interface: for_interface,
        })
    }

    /// Compiles parameters, captures, body and epilogue.
    pub(crate) fn body(&mut self, signature: Signature) -> Function {
        let mut shape = Shape {
            range: signature.range,
            ..Shape::default()
        };
        shape.results = self.c.kinds(&signature.result_types);
        // Parameters arrive from register 0 on.
        let mut incoming = Vec::new();
        for (index, &ty) in signature.parameter_types.iter().enumerate() {
            let kinds = if index == 0 && signature.receiver_from_interface {
                let layout = self.layout(ty);
                if layout.boxed() || layout.slots.len() > 1 {
                    vec![SlotKind::Ref]
                } else {
                    vec![SlotKind::Scalar]
                }
            } else {
                self.layout(ty).slots.clone()
            };
            let register = self.registers.allocate(&kinds);
            self.registers.written(register, kinds.len());
            shape.parameters.extend(kinds);
            incoming.push(register);
        }
        self.registers
            .reach(shape.parameters.len().max(shape.results.len()).max(1));
        if shape.results.len() > shape.parameters.len() {
            // Results are returned in these; they are nobody's temporaries while they are gathered.
            self.registers.reach(shape.results.len());
        }
        shape.captures = self.load_captures(&signature.captures);
        for (index, (&ty, &object)) in signature
            .parameter_types
            .iter()
            .zip(&signature.parameters)
            .enumerate()
        {
            let mut register = incoming[index];
            if index == 0 && signature.receiver_from_interface {
                let Some(_) = object else { continue };
                let fresh = self.allocate(ty);
                // An empty value has no data to point to.
                if self.slots(ty) > 0 {
                    self.load_memory_owned(ty, register, 0, fresh);
                }
                register = fresh;
            }
            if let Some(object) = object {
                self.declare(object, register);
            }
        }
        self.result_types = signature.result_types.clone();
        self.results = signature.results.clone();
        let named = signature.results.iter().any(|&object| {
            let name = self.c.typed.object(object).name;
            name != Symbol::EMPTY
        });
        let defers = self.c.defers(signature.body);
        // Set from the body of a range over a function.
        let in_cell = signature
            .results
            .iter()
            .any(|&object| self.needs_cell(object));
        if named || defers || in_cell {
            for &object in &signature.results {
                self.declare_zero(object);
                self.result_locations.push(self.variables[&object]);
            }
        }
        if defers {
            let label = self.asm.new_label();
            self.epilogue = Some(label);
        }
        let base = self.registers.mark();
        self.block(signature.body);
        debug_assert!(self.registers.mark() >= base || self.registers.overflown());
        self.registers.release(base);
        self.at(self.c.ast.block(signature.body).range.last_byte());
        if let Some(epilogue) = self.epilogue {
            // Falling off the end runs into the epilogue.
            self.asm.bind(epilogue);
            shape.recovery = Some(self.asm.here());
            let window = self.window();
            self.emit_call(
                op::RunDefers {
                    window: Window(window),
                },
                window,
            );
            self.registers.release(base);
            self.return_variables();
        } else if self.falls_through() {
            if signature.result_types.is_empty() {
                self.emit(op::Return {});
            } else {
                self.emit(op::Unreachable {});
            }
        }
        self.finish(shape)
    }

    /// Packs the code and its tables.
    pub(crate) fn finish(&mut self, shape: Shape) -> Function {
        let mut asm = std::mem::take(&mut self.asm);
        let mut shift = 0;
        let mut frame_size = self.registers.frame_size().max(1);
        frame_size = frame_size
            .max(shape.parameters.len() as u32)
            .max(shape.results.len() as u32);
        let excess = if self.registers.overflown() {
            Some("needs too many registers")
        } else if self.map_entries > LARGEST_MAPS {
            Some("has too many variables and calls")
        } else {
            None
        };
        if let Some(excess) = excess {
            self.c.too_large = Some(TooLarge {
                message: format!("function {} {excess}", self.name),
                range: shape.range,
            });
            return Function::default();
        }
        if frame_size > bytecode::RED_ZONE {
            asm.prepend(op::CheckStack {
                slots: Count32(frame_size),
            });
            shift = 1;
        }
        let shifted = |mark: Mark| Mark(mark.0 + shift);
        let assembled = asm.finish();
        let mut safepoints = Vec::with_capacity(self.safepoints.len());
        for &(mark, map) in &self.safepoints {
            // A jump that does not reach has become two instructions, of which the second may stop.
            let mut at = assembled.offset(shifted(mark));
            let end = assembled.offset(Mark(mark.0 + shift + 1));
            while at < end {
                let Some(instruction) = Instruction::decode(&assembled.code[at as usize..]) else {
                    break;
                };
                if bytecode::verify::may_stop(instruction.opcode()) {
                    safepoints.push((at, map));
                }
                at += instruction.opcode().words() as u32;
            }
        }
        let lines: Vec<(u32, TextRange)> = self
            .lines
            .iter()
            .map(|&(mark, range)| (assembled.offset(shifted(mark)), range))
            .collect();
        // Every instruction at the position of such an expression: only one that indexes asks.
        let mut unsigned = Vec::new();
        for (index, (start, range)) in lines.iter().enumerate() {
            let Some(&bits) = self.unsigned.get(range) else {
                continue;
            };
            let end = lines
                .get(index + 1)
                .map_or(assembled.code.len() as u32, |next| next.0);
            unsigned.extend((*start..end).map(|at| (at, bits)));
        }
        let name = std::mem::take(&mut self.name);
        Function {
            frame_size,
            parameters: shape.parameters,
            results: shape.results,
            captures: shape.captures,
            safepoints,
            maps: std::mem::take(&mut self.maps),
            lines,
            recovery: shape.recovery.map(|mark| assembled.offset(shifted(mark))),
            range: shape.range,
            wrapper: shape.wrapper || WRAPPERS.contains(&name.as_str()),
            name,
            unsigned,
            code: assembled.code,
        }
    }

    /// Whether an object is a variable of this function's registers or cells.
    pub(crate) fn location(&self, object: ObjectId) -> Option<Location> {
        self.variables.get(&object).copied()
    }

    /// Whether an object is a package variable.
    pub(crate) fn is_package_variable(&self, object: ObjectId) -> bool {
        self.c
            .typed
            .object(object)
            .variable()
            .is_some_and(|variable| variable.kind == VarKind::Package)
    }
}

/// What a function's declaration or literal gives to its compilation.
pub(crate) struct Signature {
    /// The parameter variables, the receiver first; `None` where there is none to fill.
    pub(crate) parameters: Vec<Option<ObjectId>>,
    pub(crate) parameter_types: Vec<Ty>,
    pub(crate) results: Vec<ObjectId>,
    pub(crate) result_types: Vec<Ty>,
    pub(crate) captures: Vec<ObjectId>,
    pub(crate) body: BlockId,
    pub(crate) range: Option<TextRange>,
    /// The first parameter arrives as an interface's data slot.
    pub(crate) receiver_from_interface: bool,
}
