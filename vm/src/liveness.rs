//! Which registers will be read again: what makes live maps as narrow as Go's.
//!
//! The compiler's maps ([`bytecode::Function::maps`]) list what has been written and is in scope. A variable that nobody reads any more would keep what it
//! refers to alive until its block ends; a long-running `main` would keep all it ever made, and finalizers and weak pointers would show it.
//! So the collector narrows the maps of a function when it first meets a frame of it: programs that never collect pay nothing, others once for the
//! few functions that are at work when they do.
//!
//! 1. A register is live before an instruction if the instruction reads it, or if it is live after it and the instruction does not
//!    surely write it. This is solved backwards over the function's code, until nothing changes.
//! 2. What cannot be told counts as read: runs whose length is not known here, and all from a callee's window on, unless the callee is known.
//! 3. In a function that recovers, what the recovery code reads is live everywhere.
//! 4. At a safepoint a slot of the map stays in it if it is live before *or* after the instruction: it may run again, or go on with what it has
//!    read. A frame that waits for a call only needs what is live after it.
//!
//! INVARIANT (LIVENESS): each operand that an instruction reads is counted. An operand is read unless it is called `dst`, or one of the few others
//! below; `dst` is written whole, unless listed. A new instruction that reads its `dst`, or writes it only sometimes, must be listed in
//! [`Uses::of`].
//!
//! GO: cmd/compile/internal/liveness

use bytecode::verify::ends_control;
use bytecode::{Instruction, OperandValue, Run, SlotKind, TypeId, Word};

use crate::image::{Image, LinkedFunction};

/// Words of bit sets that a function may need: others keep the compiler's maps.
const LARGEST: usize = 1 << 21;
/// Passes over the code; they are about as many as loops are nested.
const MOST_PASSES: usize = 40;

/// Narrowed maps of a function, by the number of the safepoint.
pub(crate) struct Liveness {
    slots: Box<[(u16, SlotKind)]>,
    /// Where each map begins and ends: at the instruction, and after it.
    ranges: Box<[[(u32, u32); 2]]>,
}

impl Liveness {
    /// The map of a frame that stands at safepoint `index`.
    pub(crate) fn at(&self, index: usize) -> &[(u16, SlotKind)] {
        self.range(self.ranges[index][0])
    }

    /// The map of a frame that waits for the call that is safepoint `index`.
    pub(crate) fn after(&self, index: usize) -> &[(u16, SlotKind)] {
        self.range(self.ranges[index][1])
    }

    fn range(&self, (start, end): (u32, u32)) -> &[(u16, SlotKind)] {
        &self.slots[start as usize..end as usize]
    }

    /// Works out the maps of a function; `None` if it is too large.
    pub(crate) fn of(image: &Image, function: &LinkedFunction) -> Option<Liveness> {
        let code = &image.code[function.start as usize..function.end as usize];
        let solution = Solution::of(image, function, code)?;
        let safepoints = &function.function.safepoints;
        let mut slots = Vec::new();
        let mut ranges = Vec::new();
        ranges.try_reserve_exact(safepoints.len()).ok()?;
        for &(offset, map) in safepoints {
            let map = function.function.maps.get(map as usize)?;
            let number = *solution.number_at.get(offset as usize)? as usize;
            let before = solution.before(number);
            let after = &solution.after(number)[..];
            let mut narrowed = |is_live: &dyn Fn(u16) -> bool| {
                slots.try_reserve(map.len()).ok()?;
                let start = slots.len() as u32;
                slots.extend(map.iter().filter(|(slot, _)| is_live(*slot)));
                Some((start, slots.len() as u32))
            };
            ranges.push([
                narrowed(&|slot| contains(before, slot) || contains(after, slot))?,
                narrowed(&|slot| contains(after, slot))?,
            ]);
        }
        Some(Liveness {
            slots: slots.into(),
            ranges: ranges.into(),
        })
    }
}

fn contains(set: &[u64], slot: u16) -> bool {
    set[usize::from(slot) / 64] >> (slot % 64) & 1 != 0
}

/// What one instruction reads and surely writes: first slot and number of slots of each run.
#[derive(Default)]
struct Uses {
    reads: Vec<(u16, u32)>,
    writes: Vec<(u16, u32)>,
}

/// More slots than any frame has above a register.
const TO_THE_END: u32 = u32::MAX;

impl Uses {
    /// See INVARIANT (LIVENESS). `next` is the word after the instruction.
    fn of(image: &Image, instruction: &Instruction, next: u32) -> Uses {
        use Instruction as I;
        let mut uses = Uses::default();
        instruction.each_operand(&mut |name, value| match value {
            OperandValue::Registers { first, count } => {
                // A run has no count of its own: it is counted below, or to the end.
                let count = if count == 0 {
                    run_length(image, instruction, first, name).unwrap_or(TO_THE_END)
                } else {
                    u32::from(count)
                };
                match (name, instruction) {
                    // It is added to, or leads to what is written.
                    ("dst", I::MulAddFloat(_) | I::CopyMemory(_)) => {
                        uses.reads.push((first, count))
                    }
                    // Written in one case of several; the head of a select stands before the operands that its cases read.
                    ("dst", I::Select(_) | I::SelectReceive(_))
                    | ("ok" | "rune" | "next", _)
                    | ("key" | "value", I::MapNext(_)) => {}
                    ("dst", _) | ("iterator", I::MapIterate(_)) if count != TO_THE_END => {
                        uses.writes.push((first, count));
                    }
                    ("dst", _) => {}
                    _ => uses.reads.push((first, count)),
                }
            }
            OperandValue::Window(window) => {
                let count = match instruction {
                    I::Call(call) => called(image, call, next),
                    I::Go(i) => Some(u32::from(i.count.0)),
                    I::Defer(i) => Some(u32::from(i.count.0)),
                    I::DeferAt(i) => Some(u32::from(i.count.0)),
                    _ => None,
                };
                uses.reads.push((window, count.unwrap_or(TO_THE_END)));
            }
            _ => {}
        });
        uses
    }
}

/// How many slots of parameters the function of a linked call has; `next` is the word after the instruction.
fn called(image: &Image, call: &bytecode::op::Call, next: u32) -> Option<u32> {
    let start = next.wrapping_add(call.function.0);
    let function = image.function_at(start)?;
    (function.start == start).then_some(function.function.parameters.len() as u32)
}

/// How long the run is that begins at `first`, an operand of this name.
fn run_length(image: &Image, instruction: &Instruction, first: u16, name: &str) -> Option<u32> {
    use Instruction as I;
    let slots = |ty: TypeId| u32::from(image.ty(ty).slots);
    let element = |ty: TypeId| u32::from(image.ty(ty).element().slots);
    let key = |ty: TypeId| u32::from(image.ty(ty).key().slots);
    let is = |run: Run, wanted: &str| run.0 == first && name == wanted;
    match *instruction {
        I::MoveRun(i) => Some(u32::from(i.count.0)),
        I::Zero(i) => Some(u32::from(i.count.0)),
        I::LoadCapture(i) => Some(u32::from(i.count.0)),
        I::MakeClosure(i) => Some(u32::from(i.count.0)),
        I::ReturnRun(i) => Some(u32::from(i.count.0)),
        I::ConcatRun(i) => Some(2 * u32::from(i.count.0)),
        I::EqValue(i) => Some(slots(i.ty)),
        I::LoadValue(i) => Some(slots(i.ty)),
        I::StoreValue(i) => Some(slots(i.ty)),
        I::MakeInterface(i) => Some(slots(i.ty)),
        I::Unpack(i) => Some(slots(i.ty)),
        I::AssertType(i) => Some(slots(i.ty)),
        I::Append(i) => Some(element(i.ty)),
        I::Send(i) => Some(element(i.ty)),
        I::SelectSend(i) => Some(element(i.ty)),
        I::MapGet(i) if is(i.key, "key") => Some(key(i.ty)),
        I::MapGet(i) if is(i.dst, "dst") => Some(element(i.ty)),
        I::MapGetOk(i) if is(i.key, "key") => Some(key(i.ty)),
        I::MapSet(i) if is(i.key, "key") => Some(key(i.ty)),
        I::MapSet(i) if is(i.src, "src") => Some(element(i.ty)),
        I::MapAddress(i) => Some(key(i.ty)),
        I::MapDelete(i) => Some(key(i.ty)),
        _ => None,
    }
}

/// Live sets before all instructions of a function.
struct Solution {
    /// Words of a set.
    width: usize,
    sets: Vec<u64>,
    /// The number of the instruction that begins at a word.
    number_at: Vec<u32>,
    /// Numbers of the instructions that may come next.
    successors: Vec<[u32; 2]>,
    /// What the recovery code reads.
    recovery: Option<usize>,
    scratch: Vec<u64>,
}

/// No instruction.
const NOBODY: u32 = u32::MAX;

impl Solution {
    fn of(image: &Image, function: &LinkedFunction, code: &[Word]) -> Option<Solution> {
        let slots = function.function.frame_size;
        let width = slots as usize / 64 + 1;
        let mut instructions = Vec::new();
        let mut number_at = Vec::new();
        number_at.try_reserve_exact(code.len()).ok()?;
        number_at.resize(code.len(), NOBODY);
        let mut at = 0;
        while at < code.len() {
            let instruction = Instruction::decode(&code[at..])?;
            number_at[at] = instructions.len() as u32;
            instructions.try_reserve(1).ok()?;
            instructions.push((at, instruction));
            at += instruction.opcode().words();
        }
        let count = instructions.len();
        if count.checked_mul(width)? > LARGEST {
            return None;
        }
        let mut successors = Vec::new();
        successors.try_reserve_exact(count).ok()?;
        let mut table_end = 0;
        for (number, (offset, instruction)) in instructions.iter().enumerate() {
            let next = offset + instruction.opcode().words();
            let base = match instruction {
                Instruction::JumpTableEntry(_) => table_end,
                Instruction::JumpTable(table) => {
                    table_end = next + table.count.0 as usize * bytecode::op::JumpTableEntry::WORDS;
                    next
                }
                _ => next,
            };
            let mut jump = NOBODY;
            let mut known = true;
            instruction.each_operand(&mut |_, value| {
                if let OperandValue::Jump(distance) = value {
                    let target = usize::try_from(base as i64 + i64::from(distance)).ok();
                    match target.and_then(|target| number_at.get(target)) {
                        Some(&target) if target != NOBODY => jump = target,
                        _ => known = false,
                    }
                }
            });
            if !known {
                return None;
            }
            let follows = if ends_control(instruction) || number + 1 == count {
                NOBODY
            } else {
                number as u32 + 1
            };
            successors.push([follows, jump]);
        }
        let mut sets = Vec::new();
        sets.try_reserve_exact(count * width).ok()?;
        sets.resize(count * width, 0);
        let recovery = function.function.recovery;
        let recovery = match recovery {
            Some(offset) => Some(*number_at.get(offset as usize)? as usize),
            None => None,
        };
        let mut solution = Solution {
            width,
            sets,
            number_at,
            successors,
            recovery,
            scratch: vec![0; width],
        };
        let uses: Vec<Uses> = instructions
            .iter()
            .map(|(at, instruction)| {
                let next = function.start + (at + instruction.opcode().words()) as u32;
                Uses::of(image, instruction, next)
            })
            .collect();
        for _ in 0..MOST_PASSES {
            let mut changed = false;
            for (number, uses) in uses.iter().enumerate().rev() {
                changed |= solution.step(number, uses, slots);
            }
            if !changed {
                return Some(solution);
            }
        }
        None
    }

    fn before(&self, number: usize) -> &[u64] {
        &self.sets[number * self.width..][..self.width]
    }

    /// What is live after an instruction, wherever it goes on.
    fn after(&self, number: usize) -> Vec<u64> {
        let mut set = vec![0; self.width];
        self.join(number, &mut set);
        set
    }

    fn join(&self, number: usize, set: &mut [u64]) {
        set.fill(0);
        let recovery = self.recovery.map(|recovery| recovery as u32);
        let following = self.successors[number].into_iter().chain(recovery);
        for next in following.filter(|&next| next != NOBODY) {
            for (to, from) in set.iter_mut().zip(self.before(next as usize)) {
                *to |= from;
            }
        }
    }

    /// Works out anew what is live before an instruction; says whether that has changed.
    fn step(&mut self, number: usize, uses: &Uses, slots: u32) -> bool {
        let mut set = std::mem::take(&mut self.scratch);
        self.join(number, &mut set);
        let each = |runs: &[(u16, u32)], change: &mut dyn FnMut(u32)| {
            for &(first, count) in runs {
                (u32::from(first)..u32::from(first).saturating_add(count).min(slots))
                    .for_each(&mut *change);
            }
        };
        each(&uses.writes, &mut |slot| {
            set[slot as usize / 64] &= !(1 << (slot % 64));
        });
        // An instruction that fails half-way leaves what the recovery code reads.
        if let Some(recovery) = self.recovery {
            for (to, from) in set.iter_mut().zip(self.before(recovery)) {
                *to |= from;
            }
        }
        each(&uses.reads, &mut |slot| {
            set[slot as usize / 64] |= 1 << (slot % 64);
        });
        let before = &mut self.sets[number * self.width..][..self.width];
        let changed = *before != set[..];
        before.copy_from_slice(&set);
        self.scratch = set;
        changed
    }
}
