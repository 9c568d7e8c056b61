//! Ranges over functions: the body becomes a function that the ranged-over function calls.
//!
//! 1. The function around makes the loop's *control*, a heap object of two words: the state, and the exit that the body has taken. The body's
//!    closure captures it, then the token for its `defer` statements if it has such, then the variables that it uses.
//! 2. The body begins with `range_enter`, which panics unless the state is [`READY`], and ends by making it `READY` again and returning
//!    true (`continue`), or by making it [`DONE`] and returning false.
//! 3. A statement that leads out of the loop (`return`, a branch to a label outside) stores its exit's number in the control before it returns
//!    false. After the call the function around takes that exit; if it is itself such a body and the exit leads further out, it leaves
//!    in the same way.
//! 4. After the call `range_exit` panics if the body has panicked and nobody knows any more, and else ends the loop for good.
//!
//! Results of a `return` go to the result variables of the function around, which the checker has given cells of their own.
//!
//! GO: cmd/compile/internal/rangefunc, whose states and texts these are.

use std::rc::Rc;

use bytecode::{Count, Function, Imm16, Jump16, Pair, Register, SlotKind, Window, op};
use checker::types::{ObjectId, Type, TypeId as Ty};
use diagnostics::TextRange;
use parser::ast::{BlockId, ExprId, RangeKind, Stmt, Symbol};
use rustc_hash::FxHashSet;

use crate::function::{FunctionCompiler, JumpTarget, Location, Shape};
use crate::loops::Range;
use crate::package::{Compiler, FunctionKey};
use crate::places::Place;
use crate::walk::Node;

/// The body has left the loop.
const DONE: i16 = 0;
/// The body may be called.
const READY: i16 = 1;

/// Byte offset of the exit in the control.
const EXIT: u16 = 8;

/// How a body leaves its loop, other than by `break`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Exit {
    Return,
    Break(Symbol),
    Continue(Symbol),
    Goto(Symbol),
}

impl Exit {
    /// Its number in the control; 0 is none.
    fn code(self) -> u64 {
        let (kind, symbol) = match self {
            Exit::Return => return 1,
            Exit::Break(label) => (2, label),
            Exit::Continue(label) => (3, label),
            Exit::Goto(label) => (4, label),
        };
        kind + 4 * u64::from(symbol.0)
    }
}

/// What the function around knows of a body when it makes its closure.
pub(crate) struct RangeBody {
    name: String,
    label: Option<Symbol>,
    kind: RangeKind,
    lhs: Vec<ExprId>,
    range: TextRange,
    /// Types of what the body is called with.
    parameters: Vec<Ty>,
    defers: bool,
    captures: Vec<ObjectId>,
    results: Vec<ObjectId>,
    result_types: Vec<Ty>,
}

/// Of a function that is such a body: what leads out of it.
pub(crate) struct Leaving {
    control: u16,
    token: Option<u16>,
    /// Labels that stand in the body itself.
    labels: FxHashSet<Symbol>,
}

impl Compiler<'_> {
    /// The labels that stand in a loop's body, and the exits that lead out of it and out of the loop with this label.
    fn exits(&self, body: BlockId, own: Option<Symbol>) -> (FxHashSet<Symbol>, Vec<Exit>) {
        let (mut labels, mut exits) = (FxHashSet::default(), Vec::new());
        self.walk(&[Node::Block(body)], |node| {
            let Node::Stmt(statement) = node else {
                return matches!(node, Node::Block(_));
            };
            let name = |label: Option<ExprId>| label.and_then(|label| self.ast.ident(label));
            let exit = match *self.ast.stmt(statement) {
                Stmt::Labeled { label, .. } => {
                    labels.extend(name(Some(label)));
                    None
                }
                Stmt::Return { .. } => Some(Exit::Return),
                Stmt::Break { label } => name(label).filter(|&l| Some(l) != own).map(Exit::Break),
                Stmt::Continue { label } => {
                    name(label).filter(|&l| Some(l) != own).map(Exit::Continue)
                }
                Stmt::Goto { label } => name(Some(label)).map(Exit::Goto),
                _ => None,
            };
            if let Some(exit) = exit
                && !exits.contains(&exit)
            {
                exits.push(exit);
            }
            true
        });
        exits.retain(|exit| match exit {
            Exit::Return => true,
            Exit::Break(label) | Exit::Continue(label) | Exit::Goto(label) => {
                !labels.contains(label)
            }
        });
        (labels, exits)
    }
}

impl FunctionCompiler<'_, '_> {
    /// `for lhs = range operand { body }` over a function.
    pub(crate) fn function_loop(
        &mut self,
        label: Option<Symbol>,
        kind: RangeKind,
        lhs: &[ExprId],
        operand: ExprId,
        body: BlockId,
    ) {
        let range = self.c.ast.range(operand);
        let signature = self.type_of(operand);
        let yielding = self.c.signature_types(signature).0[0];
        let function = self.operand(operand);
        self.at(range);
        let defers = self.c.defers(body);
        self.ranges += 1;
        let around = RangeBody {
            name: format!("{}-range{}", self.name, self.ranges),
            label,
            kind,
            lhs: lhs.to_vec(),
            range: self.c.ast.block(body).range,
            parameters: self.c.signature_types(yielding).0,
            defers,
            captures: self
                .c
                .typed
                .range_bodies
                .get(&body)
                .cloned()
                .unwrap_or_default(),
            results: self.results.clone(),
            result_types: self.result_types.clone(),
        };
        let control = self.new_control();
        let mut sources = vec![(control, vec![SlotKind::Ref])];
        if defers {
            sources.push((self.defer_token(), vec![SlotKind::Scalar; 2]));
        }
        sources.extend(self.capture_sources(&around.captures));
        let environment = self.c.environment;
        let id = self
            .c
            .function_id(FunctionKey::RangeBody(body, environment));
        self.c
            .range_bodies
            .insert((body, environment), Rc::new(around));
        let mark = self.registers.mark();
        let window = self.window();
        let closure = self.reference();
        self.make_closure(id, &sources, closure);
        self.registers.written(closure, 1);
        self.registers.reach(window as usize + 1);
        self.at(range);
        self.emit_call(
            op::CallClosure {
                window: Window(window),
                closure: Register(function),
            },
            window,
        );
        self.release(mark);
        self.emit(op::RangeExit {
            control: Register(control),
        });
        let (_, exits) = self.c.exits(body, label);
        if !exits.is_empty() {
            self.take_exit(control, &exits);
        }
    }

    fn new_control(&mut self) -> u16 {
        let ty = self.c.backing_array(Ty::INT, 2);
        let control = self.reference();
        self.emit(op::New {
            dst: Register(control),
            ty,
        });
        self.registers.declare(control, 1);
        self.registers.set_cell(control);
        self.emit(op::RangeState {
            control: Register(control),
            value: Imm16(READY),
        });
        control
    }

    /// The registers of the token by which bodies defer calls to the end of the function around all of them.
    fn defer_token(&mut self) -> u16 {
        if let Some(token) = self.leaving.as_ref().and_then(|leaving| leaving.token) {
            return token;
        }
        let token = self.registers.allocate(&[SlotKind::Scalar; 2]);
        self.emit(op::DeferToken { dst: Pair(token) });
        self.registers.declare(token, 2);
        token
    }

    /// After the loop: goes where the body has wanted to go.
    fn take_exit(&mut self, control: u16, exits: &[Exit]) {
        self.scoped(|f| {
            let taken = f.scalar();
            f.emit(op::LoadWord {
                dst: Register(taken),
                pointer: Register(control),
                offset: Count(EXIT),
            });
            f.registers.written(taken, 1);
            let done = f.asm.new_label();
            f.emit_jump(
                op::JumpIfEqIntImm {
                    a: Register(taken),
                    value: Imm16(0),
                    to: Jump16(0),
                },
                done,
            );
            for &exit in exits {
                f.scoped(|f| {
                    let next = f.asm.new_label();
                    let code = f.scalar();
                    f.load_slot(exit.code(), code);
                    f.emit_jump(
                        op::JumpIfNeInt {
                            a: Register(taken),
                            b: Register(code),
                            to: Jump16(0),
                        },
                        next,
                    );
                    f.leave(exit);
                    f.asm.bind(next);
                });
            }
            f.asm.bind(done);
        });
    }

    /// Takes an exit, in this function if it leads to a place here.
    pub(crate) fn leave(&mut self, exit: Exit) {
        let target = match exit {
            Exit::Break(label) => self.break_label(Some(label)),
            Exit::Continue(label) => self.continue_label(Some(label)),
            Exit::Goto(label) => self.has_label(label).then(|| self.goto_label(label)),
            Exit::Return if self.leaving.is_some() => None,
            Exit::Return => {
                return match self.epilogue {
                    Some(epilogue) => self.jump(epilogue),
                    None => self.return_variables(),
                };
            }
        };
        if let Some(target) = target {
            return self.jump(target);
        }
        let Some(control) = self.leaving.as_ref().map(|leaving| leaving.control) else {
            panic!("a branch has a target")
        };
        self.scoped(|f| {
            let code = f.scalar();
            f.load_slot(exit.code(), code);
            f.emit(op::StoreWord {
                src: Register(code),
                pointer: Register(control),
                offset: Count(EXIT),
            });
        });
        self.end_body(control, DONE);
    }

    /// Whether a label stands in this very function.
    pub(crate) fn has_label(&self, label: Symbol) -> bool {
        self.leaving
            .as_ref()
            .is_none_or(|leaving| leaving.labels.contains(&label))
    }

    /// Sets the state and returns whether to go on.
    fn end_body(&mut self, control: u16, state: i16) {
        self.emit(op::RangeState {
            control: Register(control),
            value: Imm16(state),
        });
        self.scoped(|f| {
            let result = f.scalar();
            f.load_slot(u64::from(state == READY), result);
            f.emit(op::ReturnOne {
                src: Register(result),
            });
        });
    }

    /// `return` in the body of a range over a function; the values are evaluated by the caller.
    pub(crate) fn set_outer_results(&mut self, values: &[ExprId]) {
        let types = self.result_types.clone();
        let results = self.results.clone();
        let store = |f: &mut Self, index: usize, ty: Ty, register: u16| {
            let Some(Location::Cell(pointer)) = f.location(results[index]) else {
                panic!("a result that is set from such a body has a cell")
            };
            f.store(Place::Memory { pointer, offset: 0 }, ty, register, false);
        };
        if let ([value], [ty]) = (values, types.as_slice()) {
            let register = self.operand_as(*value, *ty);
            return store(self, 0, *ty, register);
        }
        let mut register = self.gather_results(values, &types);
        for (index, &ty) in types.iter().enumerate() {
            store(self, index, ty, register);
            register += self.slots(ty) as u16;
        }
    }

    /// `defer` in the body: the frame is that of the function around.
    pub(crate) fn outer_defer_token(&self) -> Option<u16> {
        self.leaving.as_ref().and_then(|leaving| leaving.token)
    }

    /// Compiles the body of a range over a function.
    pub(crate) fn range_body(&mut self, body: BlockId) -> Function {
        let Some(around) = self
            .c
            .range_bodies
            .get(&(body, self.c.environment))
            .map(Rc::clone)
        else {
            panic!("the function around has made the closure")
        };
        self.name.clone_from(&around.name);
        self.at(around.range);
        self.result_types.clone_from(&around.result_types);
        self.results.clone_from(&around.results);
        let mut incoming = Vec::new();
        let mut shape = Shape {
            range: Some(around.range),
            results: vec![SlotKind::Scalar],
            ..Shape::default()
        };
        for &ty in &around.parameters {
            let register = self.allocate(ty);
            let count = self.slots(ty);
            self.registers.written(register, count);
            shape.parameters.extend(self.layout(ty).slots.clone());
            incoming.push((register, ty));
        }
        self.registers.reach(shape.parameters.len().max(1));
        // The frame's first register is where the result is returned.
        if shape.parameters.is_empty() {
            self.scalar();
        }
        let mut own = vec![SlotKind::Ref];
        if around.defers {
            own.extend([SlotKind::Scalar; 2]);
        }
        let (first, captures) = self.load_captures_after(&own, &around.captures);
        shape.captures = captures;
        self.registers.set_cell(first);
        let (labels, _) = self.c.exits(body, around.label);
        self.leaving = Some(Leaving {
            control: first,
            token: around.defers.then_some(first + 1),
            labels,
        });
        self.emit(op::RangeEnter {
            control: Register(first),
        });
        let wanted = |f: &Self, index: usize| {
            around.lhs.get(index).copied().filter(|&e| {
                f.c.ast
                    .ident(f.c.ast.unparen(e))
                    .is_none_or(|name| !name.is_blank())
            })
        };
        let range = Range {
            label: around.label,
            define: around.kind == RangeKind::Define,
            key: wanted(self, 0),
            value: wanted(self, 1),
            body,
            assigned: Rc::default(),
            constants: Vec::new(),
        };
        if range.define {
            let key = incoming.first().map(|&(register, ty)| (register, ty, true));
            self.bind_received(&range, key, incoming.get(1).copied());
        } else {
            // Two assignments. GO: cmd/compile/internal/rangefunc `bodyFunc`.
            for (target, &(register, ty)) in [range.key, range.value].into_iter().zip(&incoming) {
                if let Some(target) = target {
                    self.scoped(|f| f.assign_value(target, register, ty));
                }
            }
        }
        let (next, end) = (self.asm.new_label(), self.asm.new_label());
        self.targets.push(JumpTarget {
            label: around.label,
            break_to: end,
            continue_to: Some(next),
        });
        self.block(body);
        self.targets.pop();
        self.at(around.range.last_byte());
        self.asm.bind(next);
        self.end_body(first, READY);
        self.asm.bind(end);
        self.end_body(first, DONE);
        self.finish(shape)
    }
}

impl FunctionCompiler<'_, '_> {
    /// Whether a type is that of a function, so that ranging over it calls it.
    pub(crate) fn is_function_type(&self, ty: Ty) -> bool {
        matches!(self.c.typed.types.underlying(ty), Type::Signature(_))
    }
}
