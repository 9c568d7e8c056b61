//! Loops. They are inverted: the condition is tested once before the loop and then at its bottom, where it is the back-edge.
//!
//! A counting loop (`i < n`, `i++`) ends in one instruction that increments, tests, checks the safepoint word and jumps.
//! What the bottom test compares with is computed before the loop if nothing in the loop can change it. Register variables
//! can be changed by assignments in the function itself only, so that is a question about syntax.

use std::rc::Rc;

use bytecode::{Imm16, Jump16, Jump32, Label, OptionalRegister, Pair, Register, SlotKind, op};
use checker::types::{BasicKind, ObjectId, Type, TypeId as Ty};
use checker::universe::Builtin;
use parser::ast::{
    AssignOperator, BinaryOperator, BlockId, Expr, ExprId, RangeKind, Stmt, StmtId, Symbol,
};
use rustc_hash::FxHashSet;

use crate::conditions::{is_wide_unsigned, mirrored};
use crate::function::{FunctionCompiler, JumpTarget, Location};
use crate::parallel::Value;
use crate::places::{NONE, Place};
use crate::walk::Node;

/// A condition with more nodes than this stands at the bottom only, and the loop is entered by a jump to it.
const LARGEST_DUPLICATE: usize = 16;

/// The bottom of a counting loop.
struct Counting {
    variable: u16,
    step: i16,
    inclusive: bool,
    bound: Bound,
}

enum Bound {
    Constant(i16),
    /// Computed before the loop, or a variable.
    Register(u16),
    /// To be computed each time.
    Expression(ExprId),
}

impl FunctionCompiler<'_, '_> {
    /// `for init; condition; post { body }`.
    pub(crate) fn for_statement(
        &mut self,
        label: Option<Symbol>,
        init: Option<StmtId>,
        condition: Option<ExprId>,
        post: Option<StmtId>,
        body: BlockId,
    ) {
        let mut own = Vec::new();
        if let Some(init) = init {
            self.statement(init);
            if let Stmt::Define { lhs, .. } = *self.c.ast.stmt(init) {
                own = self
                    .c
                    .ast
                    .list(lhs)
                    .iter()
                    .filter_map(|&name| self.c.typed.object_of(name))
                    .collect();
            }
        }
        let mut roots = vec![Node::Block(body)];
        roots.extend(condition.map(Node::Expr));
        roots.extend(post.map(Node::Stmt));
        let constants = self.cache_constants(&roots);
        // What a literal captures by its cell is a new variable in each iteration.
        let file = self.c.ast.block(body).range.file;
        if self.c.typed.shares_loop_variables(file) {
            own.clear();
        }
        let renewed: Vec<ObjectId> = own
            .into_iter()
            .filter(|&object| self.needs_cell(object))
            .collect();
        let counting = match (condition, post) {
            (Some(condition), Some(post)) => self.counting(condition, post, &roots),
            _ => None,
        };
        let (top, next, bottom, end) = (
            self.asm.new_label(),
            self.asm.new_label(),
            self.asm.new_label(),
            self.asm.new_label(),
        );
        let mut enter_at_bottom = false;
        if let Some(Counting {
            variable,
            inclusive,
            bound: Bound::Register(bound),
            ..
        }) = counting
        {
            let (a, b, to) = (Register(bound), Register(variable), Jump16(0));
            if inclusive {
                self.emit_jump(op::JumpIfLtInt { a, b, to }, end);
            } else {
                self.emit_jump(op::JumpIfLeInt { a, b, to }, end);
            }
        } else if let Some(condition) = condition {
            if counting.is_none()
                && self.c.size(condition, LARGEST_DUPLICATE + 1) > LARGEST_DUPLICATE
            {
                enter_at_bottom = true;
                self.jump(bottom);
            } else {
                self.condition(condition, false, end);
            }
        }
        self.asm.bind(top);
        self.targets.push(JumpTarget {
            label,
            break_to: end,
            continue_to: Some(next),
        });
        self.block(body);
        self.targets.pop();
        self.asm.bind(next);
        for object in renewed {
            self.renew(object);
        }
        if let Some(counting) = counting {
            self.at(self.c.ast.range(
                condition.unwrap_or_else(|| unreachable!("a counting loop has a condition")),
            ));
            self.count(&counting, top);
        } else {
            if let Some(post) = post {
                self.scoped(|f| f.statement(post));
            }
            if enter_at_bottom {
                self.asm.bind(bottom);
            }
            match condition {
                Some(condition) => {
                    self.at(self.c.ast.range(condition));
                    self.condition(condition, true, top);
                }
                None => self.jump(top),
            }
        }
        if !enter_at_bottom {
            self.asm.bind(bottom);
        }
        self.asm.bind(end);
        self.forget_constants(&constants);
    }

    /// A new cell with the same value for a loop variable.
    fn renew(&mut self, object: ObjectId) {
        let Some(Location::Cell(cell)) = self.location(object) else {
            return;
        };
        let ty = self.object_type(object);
        let id = self.c.descriptor(ty);
        self.emit(op::Clone {
            dst: Register(cell),
            src: Register(cell),
            ty: id,
        });
    }

    /// Whether condition and post statement make a counting loop.
    fn counting(&mut self, condition: ExprId, post: StmtId, roots: &[Node]) -> Option<Counting> {
        let ast = self.c.ast;
        let (target, step) = match *ast.stmt(post) {
            Stmt::IncDec {
                operand,
                increment: true,
                ..
            } => (operand, 1),
            Stmt::Assign {
                op: AssignOperator::Operation(BinaryOperator::Add),
                lhs,
                rhs,
                ..
            } => {
                let (target, value) = (ast.list(lhs)[0], ast.list(rhs)[0]);
                (target, self.small_constant(value, self.type_of(target))?)
            }
            _ => return None,
        };
        if step <= 0 {
            return None;
        }
        let target = ast.unparen(target);
        let Expr::Ident(_) = ast.expr(target) else {
            return None;
        };
        let object = self.c.typed.object_of(target)?;
        let Some(Location::Registers(variable)) = self.location(object) else {
            return None;
        };
        let ty = self.object_type(object);
        if !matches!(
            self.c.typed.types.basic(ty),
            Some(BasicKind::Int | BasicKind::Int64)
        ) {
            return None;
        }
        let condition = ast.unparen(condition);
        let Expr::Binary {
            op, left, right, ..
        } = *ast.expr(condition)
        else {
            return None;
        };
        let names = |e: ExprId| {
            let inner = ast.unparen(e);
            matches!(ast.expr(inner), Expr::Ident(_))
                && self.c.typed.object_of(inner) == Some(object)
        };
        let (op, bound) = if names(left) {
            (op, right)
        } else if names(right) {
            (mirrored(op), left)
        } else {
            return None;
        };
        if self.c.mentions(bound, object) {
            return None;
        }
        let inclusive = match op {
            BinaryOperator::Less => false,
            BinaryOperator::LessEqual => true,
            _ => return None,
        };
        let constant = self.small_constant(bound, ty);
        let bound = match constant {
            Some(value) if step == 1 && !inclusive => Bound::Constant(value),
            Some(value) if step == 1 && value < i16::MAX => {
                return Some(Counting {
                    variable,
                    step,
                    inclusive: false,
                    bound: Bound::Constant(value + 1),
                });
            }
            _ if inclusive && step != 1 => return None,
            _ => self.loop_bound(bound, ty, roots),
        };
        Some(Counting {
            variable,
            step,
            inclusive,
            bound,
        })
    }

    /// The bound of a counting loop: in a register if it can be computed before the loop.
    fn loop_bound(&mut self, e: ExprId, ty: Ty, roots: &[Node]) -> Bound {
        let inner = self.c.ast.unparen(e);
        if let Expr::Ident(_) = self.c.ast.expr(inner)
            && let Some(object) = self.c.typed.object_of(inner)
            && let Some(Location::Registers(register)) = self.location(object)
        {
            // Read anew each time, so it may be assigned.
            return Bound::Register(register);
        }
        if let Some(register) = self.cached_constant(inner) {
            return Bound::Register(register);
        }
        let assigned = self.c.assigned(roots);
        if self.is_invariant(inner, &assigned) {
            let register = self.allocate(ty);
            self.convert_into(inner, ty, register);
            self.registers.declare(register, 1);
            return Bound::Register(register);
        }
        Bound::Expression(inner)
    }

    /// Whether the expression has the same value throughout the loop, and cannot panic.
    fn is_invariant(&self, e: ExprId, assigned: &FxHashSet<ObjectId>) -> bool {
        let typed = self.c.typed;
        let ast = self.c.ast;
        let mut fine = true;
        self.c.walk(&[Node::Expr(e)], |node| {
            let Node::Expr(e) = node else { return false };
            if !fine || typed.constant(e).is_some() {
                return false;
            }
            fine = match *ast.expr(e) {
                Expr::Paren(_) => true,
                Expr::Ident(_) => typed.object_of(e).is_some_and(|object| {
                    matches!(
                        typed.object(object).kind,
                        checker::typed::ObjectKind::Builtin(_)
                    ) || matches!(self.location(object), Some(Location::Registers(_)))
                        && !assigned.contains(&object)
                }),
                Expr::Binary {
                    op, left, right, ..
                } => {
                    use BinaryOperator::*;
                    let integers = typed.types.is_integer(self.c.type_of(left));
                    integers
                        && match op {
                            Add | Subtract | Multiply | And | Or | Xor | AndNot => true,
                            Divide | Remainder => typed.constant(right).is_some(),
                            ShiftLeft | ShiftRight => typed.constant(right).is_some(),
                            _ => false,
                        }
                }
                Expr::Call { callee, args, .. } => {
                    let callee = ast.unparen(callee);
                    let argument = ast.list(args).first().copied();
                    self.type_and_value(callee).mode == checker::typed::Mode::Builtin
                        && self.builtin_of(callee) == Builtin::Len
                        && argument.is_some_and(|argument| {
                            let ty = self.c.type_of(argument);
                            matches!(typed.types.underlying(ty), Type::Slice(_))
                                || typed.types.is_string(ty)
                        })
                }
                _ => false,
            };
            fine
        });
        fine
    }

    /// The bottom of a counting loop.
    fn count(&mut self, counting: &Counting, top: Label) {
        let a = Register(counting.variable);
        let to = Jump16(0);
        self.scoped(|f| {
            let bound = match counting.bound {
                Bound::Constant(value) if counting.step == 1 => {
                    return f.emit_jump(
                        op::ForLtIntImm {
                            a,
                            value: Imm16(value),
                            to,
                        },
                        top,
                    );
                }
                Bound::Constant(value) => f.integer(i32::from(value)),
                Bound::Register(register) => register,
                Bound::Expression(e) => f.operand_as(e, Ty::INT),
            };
            let b = Register(bound);
            match (counting.step, counting.inclusive) {
                (1, false) => f.emit_jump(op::ForLtInt { a, b, to }, top),
                (1, true) => f.emit_jump(op::ForLeInt { a, b, to }, top),
                (step, _) => {
                    f.emit_jump(
                        op::ForStepLtInt {
                            a,
                            b,
                            step: Imm16(step),
                            to: Jump32(0),
                        },
                        top,
                    );
                }
            }
        });
    }

    // ---- range ----

    /// `for k, v := range operand { body }`.
    pub(crate) fn range_statement(
        &mut self,
        label: Option<Symbol>,
        kind: RangeKind,
        lhs: &[ExprId],
        operand: ExprId,
        body: BlockId,
    ) {
        let typed = self.c.typed;
        let wanted = |index: usize| {
            lhs.get(index).copied().filter(|&e| {
                !matches!(*self.c.ast.expr(self.c.ast.unparen(e)), Expr::Ident(name) if name.is_blank())
            })
        };
        let (key, value) = (wanted(0), wanted(1));
        // One variable for all iterations is as good as one that was there before.
        let file = self.c.ast.block(body).range.file;
        let mut kind = kind;
        if kind == RangeKind::Define && typed.shares_loop_variables(file) {
            let variables: Vec<ObjectId> = [key, value]
                .into_iter()
                .flatten()
                .filter_map(|name| typed.object_of(name))
                .collect();
            if variables.iter().any(|&object| self.needs_cell(object)) {
                for object in variables {
                    self.declare_zero(object);
                }
                kind = RangeKind::Assign;
            }
        }
        let mut roots = vec![Node::Block(body)];
        roots.extend(lhs.iter().map(|&e| Node::Expr(e)));
        let mut assigned = self.c.assigned(&roots);
        if kind == RangeKind::Assign {
            assigned.extend(lhs.iter().filter_map(|&e| self.c.root_variable(e)));
        }
        let assigned = Rc::new(assigned);
        let mut range = Range {
            label,
            define: kind == RangeKind::Define,
            key,
            value,
            body,
            assigned,
            constants: Vec::new(),
        };
        let ty = typed.types.default_type(self.type_of(operand));
        self.hoist(&[operand]);
        if self.is_function_type(ty) {
            return self.function_loop(label, kind, lhs, operand, body);
        }
        match typed.types.underlying(ty) {
            Type::Slice(element) => {
                let slice = self.kept_operand(operand, ty, &range.assigned);
                range.constants = self.cache_constants(&roots);
                let length = self.scalar();
                self.emit(op::Len {
                    dst: Register(length),
                    header: Register(slice + 1),
                });
                self.registers.declare(length, 1);
                let element = typed.types.canonical(*element);
                self.index_loop(&range, Some(length), 0, element, |index| Place::Slice {
                    slice,
                    index,
                });
            }
            Type::Array(element, length) => {
                let pointer = self.ranged_array(operand, ty, &range);
                range.constants = self.cache_constants(&roots);
                let element = typed.types.canonical(*element);
                let length = *length as u32;
                self.index_loop(&range, None, length, element, |index| Place::Array {
                    pointer,
                    index,
                    length,
                });
            }
            Type::Pointer(base) => {
                let Type::Array(element, length) = typed.types.underlying(*base) else {
                    panic!("only pointers to arrays are ranged over")
                };
                let pointer = self.ranged_array(operand, ty, &range);
                range.constants = self.cache_constants(&roots);
                let element = typed.types.canonical(*element);
                let length = *length as u32;
                self.index_loop(&range, None, length, element, |index| Place::Array {
                    pointer,
                    index,
                    length,
                });
            }
            Type::Map { .. } => {
                let map = self.operand(operand);
                range.constants = self.cache_constants(&roots);
                self.map_loop(&range, map, ty);
            }
            Type::Chan { .. } => {
                let channel = self.kept_operand(operand, ty, &range.assigned);
                range.constants = self.cache_constants(&roots);
                self.channel_loop(&range, channel, ty);
            }
            Type::Basic(kind) if kind.is_string() => {
                let string = self.kept_operand(operand, Ty::STRING, &range.assigned);
                range.constants = self.cache_constants(&roots);
                self.string_loop(&range, string);
            }
            Type::Basic(kind) => {
                let ty = match key.and_then(|key| self.c.typed.object_of(key)) {
                    Some(object) if range.define => self.object_type(object),
                    _ => ty,
                };
                let constant = self.small_constant(operand, ty);
                let bound = match constant {
                    Some(_) => 0,
                    None => self.kept_operand(operand, ty, &range.assigned),
                };
                range.constants = self.cache_constants(&roots);
                self.integer_loop(&range, *kind, ty, constant, bound);
            }
            _ => panic!("the checker refuses other ranges"),
        }
        self.forget_constants(&range.constants);
    }

    /// An array to range over, or a pointer to one. Without a value variable only its length counts: if that is constant,
    /// it is not evaluated. SPEC: For statements with range clause; Length and capacity.
    fn ranged_array(&mut self, operand: ExprId, ty: Ty, range: &Range) -> u16 {
        if range.value.is_some() {
            return self.kept_operand(operand, ty, &range.assigned);
        }
        if !self.c.has_constant_length(operand) {
            self.effect(operand);
        }
        0
    }

    /// An operand that must not change while the loop runs: a variable that the loop assigns is copied.
    fn kept_operand(&mut self, e: ExprId, ty: Ty, assigned: &FxHashSet<ObjectId>) -> u16 {
        let root = self
            .c
            .root_variable(e)
            .filter(|&root| matches!(self.location(root), Some(Location::Registers(_))));
        let boxed = self.layout(ty).boxed();
        let copies = match root {
            Some(root) => assigned.contains(&root),
            // An array elsewhere in memory may be changed by anybody.
            None => boxed && self.is_place(e),
        };
        if copies {
            let register = self.allocate(ty);
            self.convert_into(e, ty, register);
            return register;
        }
        self.operand_as(e, ty)
    }

    /// The register that counts: the key variable itself where nothing but the loop changes it.
    fn counter(&mut self, range: &Range, ty: Ty) -> (u16, bool) {
        let direct = range.define
            && range
                .key
                .and_then(|key| self.c.typed.object_of(key))
                .is_some_and(|object| {
                    !self.needs_cell(object)
                        && !range.assigned_in_body(object, self)
                        && self.object_type(object) == ty
                });
        let counter = self.scalar();
        (counter, direct)
    }

    /// A loop over indices below a length.
    fn index_loop(
        &mut self,
        range: &Range,
        length: Option<u16>,
        constant: u32,
        element: Ty,
        place: impl Fn(u16) -> Place,
    ) {
        if length.is_none() && constant == 0 {
            return;
        }
        let (counter, direct) = self.counter(range, Ty::INT);
        self.load_slot(0, counter);
        self.registers.declare(counter, 1);
        let small = if length.is_none() {
            i16::try_from(constant).ok()
        } else {
            None
        };
        let bound = match (length, small) {
            (Some(length), _) => length,
            (None, Some(_)) => 0,
            (None, None) => {
                let register = self.scalar();
                self.load_slot(u64::from(constant), register);
                self.registers.declare(register, 1);
                register
            }
        };
        let (top, next, end) = (
            self.asm.new_label(),
            self.asm.new_label(),
            self.asm.new_label(),
        );
        if length.is_some() {
            self.emit_jump(
                op::JumpIfLeIntImm {
                    a: Register(bound),
                    value: Imm16(0),
                    to: Jump16(0),
                },
                end,
            );
        }
        self.asm.bind(top);
        self.scoped(|f| {
            let value = range.value.map(|_| {
                let register = f.allocate(element);
                f.scoped(|f| f.load_into(place(counter), element, register));
                let count = f.slots(element);
                f.registers.written(register, count);
                (register, element)
            });
            f.bind(range, Some((counter, Ty::INT, direct)), value);
            f.loop_body(range, next, end);
        });
        self.asm.bind(next);
        let a = Register(counter);
        match small {
            Some(value) => self.emit_jump(
                op::ForLtIntImm {
                    a,
                    value: Imm16(value),
                    to: Jump16(0),
                },
                top,
            ),
            None => self.emit_jump(
                op::ForLtInt {
                    a,
                    b: Register(bound),
                    to: Jump16(0),
                },
                top,
            ),
        }
        self.asm.bind(end);
    }

    fn integer_loop(
        &mut self,
        range: &Range,
        kind: BasicKind,
        ty: Ty,
        constant: Option<i16>,
        bound: u16,
    ) {
        if constant.is_some_and(|constant| constant <= 0) {
            return;
        }
        let (counter, direct) = self.counter(range, ty);
        self.load_slot(0, counter);
        self.registers.declare(counter, 1);
        let (top, next, end) = (
            self.asm.new_label(),
            self.asm.new_label(),
            self.asm.new_label(),
        );
        let unsigned = is_wide_unsigned(kind);
        if constant.is_none() {
            let (a, to) = (Register(bound), Jump16(0));
            if unsigned {
                self.emit_jump(
                    op::JumpIfEqIntImm {
                        a,
                        value: Imm16(0),
                        to,
                    },
                    end,
                );
            } else {
                self.emit_jump(
                    op::JumpIfLeIntImm {
                        a,
                        value: Imm16(0),
                        to,
                    },
                    end,
                );
            }
        }
        self.asm.bind(top);
        self.scoped(|f| {
            f.bind(range, Some((counter, ty, direct)), None);
            f.loop_body(range, next, end);
        });
        self.asm.bind(next);
        let (a, to) = (Register(counter), Jump16(0));
        match constant {
            Some(value) => self.emit_jump(
                op::ForLtIntImm {
                    a,
                    value: Imm16(value),
                    to,
                },
                top,
            ),
            None if unsigned => {
                self.emit(op::AddIntImm {
                    dst: a,
                    a,
                    value: Imm16(1),
                });
                self.emit_jump(
                    op::LoopIfLtUint {
                        a,
                        b: Register(bound),
                        to,
                    },
                    top,
                );
            }
            None => self.emit_jump(
                op::ForLtInt {
                    a,
                    b: Register(bound),
                    to,
                },
                top,
            ),
        }
        self.asm.bind(end);
    }

    fn string_loop(&mut self, range: &Range, string: u16) {
        let (counter, direct) = self.counter(range, Ty::INT);
        let following = self.scalar();
        self.load_slot(0, counter);
        self.registers.declare(counter, 1);
        let (top, next, end) = (
            self.asm.new_label(),
            self.asm.new_label(),
            self.asm.new_label(),
        );
        let length = Register(string + 1);
        self.emit_jump(
            op::JumpIfLeIntImm {
                a: length,
                value: Imm16(0),
                to: Jump16(0),
            },
            end,
        );
        self.asm.bind(top);
        self.scoped(|f| {
            let rune = f.scalar();
            f.emit(op::StringNext {
                rune: Register(rune),
                next: Register(following),
                string: Pair(string),
                index: Register(counter),
            });
            f.registers.written(rune, 1);
            f.registers.declare(following, 1);
            let value = (rune, f.c.typed.types.canonical(Ty::RUNE));
            f.bind(range, Some((counter, Ty::INT, direct)), Some(value));
            f.loop_body(range, next, end);
        });
        self.asm.bind(next);
        self.move_slots(following, counter, 1);
        self.emit_jump(
            op::LoopIfLtInt {
                a: Register(counter),
                b: length,
                to: Jump16(0),
            },
            top,
        );
        self.asm.bind(end);
    }

    fn map_loop(&mut self, range: &Range, map: u16, ty: Ty) {
        let Type::Map {
            key: key_type,
            element,
        } = *self.c.typed.types.underlying(ty)
        else {
            return;
        };
        let id = self.c.descriptor(ty);
        let iterator = self.reference();
        self.emit(op::MapIterate {
            iterator: Register(iterator),
            map: Register(map),
            ty: id,
        });
        self.registers.declare(iterator, 1);
        let (top, end) = (self.asm.new_label(), self.asm.new_label());
        let next = self.asm.new_label();
        self.asm.bind(top);
        self.scoped(|f| {
            let home = |f: &mut Self, wanted: Option<ExprId>, ty: Ty| match wanted {
                Some(_) => {
                    let register = f.allocate(ty);
                    (OptionalRegister(register), Some(register))
                }
                None => (NONE, None),
            };
            let (key_type, element) = (
                f.c.typed.types.canonical(key_type),
                f.c.typed.types.canonical(element),
            );
            let (key, key_register) = home(f, range.key, key_type);
            let (value, value_register) = home(f, range.value, element);
            f.emit_jump(
                op::MapNext {
                    iterator: Register(iterator),
                    key,
                    value,
                    ty: id,
                    to: Jump32(0),
                },
                end,
            );
            for (register, ty) in [(key_register, key_type), (value_register, element)] {
                if let Some(register) = register {
                    let count = f.slots(ty);
                    f.registers.written(register, count);
                }
            }
            let key = key_register.map(|register| (register, key_type, true));
            let value = value_register.map(|register| (register, element));
            f.bind_received(range, key, value);
            f.loop_body(range, next, end);
        });
        self.asm.bind(next);
        self.jump(top);
        self.asm.bind(end);
    }

    fn channel_loop(&mut self, range: &Range, channel: u16, ty: Ty) {
        let Type::Chan { element, .. } = *self.c.typed.types.underlying(ty) else {
            return;
        };
        let element = self.c.typed.types.canonical(element);
        let id = self.c.descriptor(ty);
        let (top, next, end) = (
            self.asm.new_label(),
            self.asm.new_label(),
            self.asm.new_label(),
        );
        self.asm.bind(top);
        self.scoped(|f| {
            let ok = f.scalar();
            let register = range.key.map(|_| f.allocate(element));
            f.emit(op::ReceiveOk {
                dst: register.map_or(NONE, OptionalRegister),
                ok: Register(ok),
                channel: Register(channel),
                ty: id,
            });
            f.jump_if(ok, false, end);
            if let (Some(target), Some(register)) = (range.key, register) {
                let count = f.slots(element);
                f.registers.written(register, count);
                f.bind_register(range, target, register, element);
            }
            f.loop_body(range, next, end);
        });
        self.asm.bind(next);
        self.jump(top);
        self.asm.bind(end);
    }

    fn loop_body(&mut self, range: &Range, next: Label, end: Label) {
        self.targets.push(JumpTarget {
            label: range.label,
            break_to: end,
            continue_to: Some(next),
        });
        self.block(range.body);
        self.targets.pop();
    }

    /// Gives this iteration its variables, or assigns them. The key is in the counter: `direct` makes that the variable itself.
    fn bind(&mut self, range: &Range, key: Option<(u16, Ty, bool)>, value: Option<(u16, Ty)>) {
        let mut key = key.filter(|_| range.key.is_some());
        if let (Some((counter, _, true)), Some(name)) = (key, range.key) {
            if let Some(object) = self.c.typed.object_of(name) {
                self.variables.insert(object, Location::Registers(counter));
            }
            return self.bind_received(range, None, value);
        }
        if let Some((register, ..)) = &mut key
            && range.define
        {
            let copy = self.registers.allocate(&[SlotKind::Scalar]);
            self.move_slots(*register, copy, 1);
            self.registers.written(copy, 1);
            *register = copy;
        }
        self.bind_received(range, key, value);
    }

    /// The same with key and value in fresh registers that may become the variables.
    pub(crate) fn bind_received(
        &mut self,
        range: &Range,
        key: Option<(u16, Ty, bool)>,
        value: Option<(u16, Ty)>,
    ) {
        let key = key.map(|(register, ty, _)| (register, ty));
        let bound: Vec<(ExprId, u16, Ty)> = [(range.key, key), (range.value, value)]
            .into_iter()
            .filter_map(|(target, given)| Some((target?, given?.0, given?.1)))
            .collect();
        if range.define {
            for (target, register, ty) in bound {
                self.bind_register(range, target, register, ty);
            }
            return;
        }
        self.scoped(|f| {
            let targets: Vec<ExprId> = bound.iter().map(|&(target, ..)| target).collect();
            let values = bound.iter().map(|&(_, register, ty)| Value::Register {
                register,
                ty,
                owned: false,
            });
            f.assign_in_parallel(&targets, &values.collect::<Vec<_>>());
        });
    }

    /// Makes fresh registers the iteration's variable, or assigns them.
    fn bind_register(&mut self, range: &Range, target: ExprId, register: u16, ty: Ty) {
        if !range.define {
            return self.assign_value(target, register, ty);
        }
        if let Some(object) = self.c.typed.object_of(target) {
            self.declare(object, register);
        }
    }
}

/// A range clause.
pub(crate) struct Range {
    pub(crate) label: Option<Symbol>,
    pub(crate) define: bool,
    pub(crate) key: Option<ExprId>,
    pub(crate) value: Option<ExprId>,
    pub(crate) body: BlockId,
    /// The variables that the loop assigns.
    pub(crate) assigned: Rc<FxHashSet<ObjectId>>,
    pub(crate) constants: Vec<crate::function::CachedConstant>,
}

impl Range {
    fn assigned_in_body(&self, object: ObjectId, f: &FunctionCompiler<'_, '_>) -> bool {
        self.assigned.contains(&object)
            || f.c
                .typed
                .object(object)
                .variable()
                .is_some_and(|variable| variable.reassigned)
    }
}
