//! Code with labels.
//!
//! 1. Instructions are appended as words; a jump to a label leaves its displacement open and is noted.
//! 2. `finish` computes displacements. A near jump (`Jump16`) that does not reach is rewritten to the inverted
//!    condition over a far `Jump`/`Loop`; since that moves code, sizes are settled in rounds until nothing changes.
//! 3. Whoever keeps word offsets (safepoints, lines, recovery) gives them as [`Mark`]s and gets final offsets back.

use crate::instruction_set::{Instruction, Opcode, op};
use crate::operand::*;

/// A place in the code, possibly not yet known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Label(u32);

/// The place of an instruction, as an index that survives the rewriting of jumps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Mark(pub u32);

#[derive(Clone, Copy)]
struct Item {
    instruction: Instruction,
    target: Option<Label>,
    far: bool,
}

/// Collects the instructions of one function.
#[derive(Default)]
pub struct Assembler {
    items: Vec<Item>,
    /// Per label: the index of the item it stands before.
    labels: Vec<Option<u32>>,
    /// The place of the label bound last.
    last_bound: Option<u32>,
}

/// Finished code and the final word offset of every item.
pub struct Assembled {
    pub code: Vec<Word>,
    offsets: Vec<u32>,
}

impl Assembled {
    /// The word offset of a marked instruction; of the end of the code for a mark past the last one.
    pub fn offset(&self, mark: Mark) -> u32 {
        self.offsets[mark.0 as usize]
    }
}

impl Assembler {
    pub fn new() -> Assembler {
        Assembler::default()
    }

    /// The place of the next instruction.
    pub fn here(&self) -> Mark {
        Mark(self.items.len() as u32)
    }

    pub fn new_label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() as u32 - 1)
    }

    /// Puts `label` before the next instruction.
    ///
    /// # Panics
    /// If the label is bound already.
    pub fn bind(&mut self, label: Label) {
        let slot = &mut self.labels[label.0 as usize];
        assert!(slot.is_none(), "label bound twice");
        *slot = Some(self.items.len() as u32);
        self.last_bound = *slot;
    }

    /// Whether `label` has been bound (a jump to it goes backward).
    pub fn is_bound(&self, label: Label) -> bool {
        self.labels[label.0 as usize].is_some()
    }

    /// Appends an instruction without a label.
    pub fn emit(&mut self, instruction: impl Into<Instruction>) -> Mark {
        let mark = self.here();
        self.items.push(Item {
            instruction: instruction.into(),
            target: None,
            far: false,
        });
        mark
    }

    /// Appends an instruction whose jump operand (whatever it holds) will lead to `target`.
    pub fn emit_jump(&mut self, instruction: impl Into<Instruction>, target: Label) -> Mark {
        let mark = self.here();
        self.items.push(Item {
            instruction: instruction.into(),
            target: Some(target),
            far: false,
        });
        mark
    }

    /// The last instruction, if no label is bound behind it: what a peephole may look at.
    pub fn last(&self) -> Option<&Instruction> {
        let end = self.items.len() as u32;
        if self.last_bound == Some(end) {
            return None;
        }
        self.items.last().map(|item| &item.instruction)
    }

    /// Removes the last instruction (see [`Assembler::last`]). Marks of it then denote the next one emitted.
    pub fn pop(&mut self) -> Option<Instruction> {
        self.items.pop().map(|item| item.instruction)
    }

    /// Replaces an instruction emitted before (same jump target, if any).
    pub fn replace(&mut self, mark: Mark, instruction: impl Into<Instruction>) {
        self.items[mark.0 as usize].instruction = instruction.into();
    }

    /// Puts an instruction before all others; every mark and label moves up by one, a label at the very beginning too.
    pub fn prepend(&mut self, instruction: impl Into<Instruction>) {
        let item = Item {
            instruction: instruction.into(),
            target: None,
            far: false,
        };
        self.items.insert(0, item);
        self.labels.iter_mut().flatten().for_each(|at| *at += 1);
        self.last_bound = self.last_bound.map(|at| at + 1);
    }

    /// Settles all jumps.
    ///
    /// # Panics
    /// If a label that is jumped to was never bound.
    pub fn finish(mut self) -> Assembled {
        // A jump made far moves others out of reach, perhaps one in every round. After some rounds jumps are
        // made far before they have to be, so that the number of rounds does not grow with the code.
        for round in 0.. {
            let reach = i64::from(i16::MAX) >> (round - round.min(3)).min(14);
            let mut offsets = Vec::with_capacity(self.items.len() + 1);
            let mut at = 0u32;
            for item in &self.items {
                offsets.push(at);
                at += item_words(item);
            }
            offsets.push(at);
            let mut grew = false;
            for index in 0..self.items.len() {
                let item = self.items[index];
                let Some(label) = item.target else { continue };
                if item.far || !is_near(&item.instruction) {
                    continue;
                }
                let target = self.target_offset(&offsets, label);
                let displacement = target as i64 - offsets[index + 1] as i64;
                if displacement.abs() > reach {
                    self.items[index].far = true;
                    grew = true;
                }
            }
            if !grew {
                return self.write(offsets);
            }
        }
        unreachable!("in the end all jumps are far")
    }

    fn target_offset(&self, offsets: &[u32], label: Label) -> u32 {
        let item = self.labels[label.0 as usize].expect("a label that is jumped to is bound");
        offsets[item as usize]
    }

    fn write(&self, offsets: Vec<u32>) -> Assembled {
        let mut code = Vec::with_capacity(*offsets.last().unwrap_or(&0) as usize);
        // The item behind the jump table at hand.
        let mut table_end = 0;
        for (index, item) in self.items.iter().enumerate() {
            let Some(label) = item.target else {
                item.instruction.encode(&mut code);
                continue;
            };
            let target = self.target_offset(&offsets, label) as i64;
            if item.far {
                write_far(item.instruction, target, offsets[index], &mut code);
                continue;
            }
            let base = match item.instruction {
                // Entries count from the end of their table.
                Instruction::JumpTableEntry(_) => {
                    if index >= table_end {
                        let is_entry =
                            |item: &&Item| item.instruction.opcode() == Opcode::JumpTableEntry;
                        table_end = index + self.items[index..].iter().take_while(is_entry).count();
                    }
                    offsets[table_end]
                }
                _ => offsets[index + 1],
            };
            set_jump(item.instruction, (target - base as i64) as i32).encode(&mut code);
        }
        Assembled { code, offsets }
    }
}

fn item_words(item: &Item) -> u32 {
    let own = item.instruction.opcode().words() as u32;
    if item.far {
        own + far_extra(&item.instruction)
    } else {
        own
    }
}

/// Extra words of the far form.
fn far_extra(instruction: &Instruction) -> u32 {
    if is_counting_loop(instruction) { 2 } else { 1 }
}

fn is_counting_loop(instruction: &Instruction) -> bool {
    matches!(
        instruction,
        Instruction::ForLtInt(_) | Instruction::ForLeInt(_) | Instruction::ForLtIntImm(_)
    )
}

/// The far form: counting loops become `add; inverted test over Loop`, other jumps `inverted test over Jump/Loop`.
fn write_far(instruction: Instruction, target: i64, offset: u32, code: &mut Vec<Word>) {
    let mut at = offset as i64;
    let test = match instruction {
        Instruction::ForLtInt(i) => {
            Instruction::from(op::AddIntImm {
                dst: i.a,
                a: i.a,
                value: Imm16(1),
            })
            .encode(code);
            at += 1;
            Instruction::from(op::LoopIfLtInt {
                a: i.a,
                b: i.b,
                to: Jump16(0),
            })
        }
        Instruction::ForLeInt(i) => {
            Instruction::from(op::AddIntImm {
                dst: i.a,
                a: i.a,
                value: Imm16(1),
            })
            .encode(code);
            at += 1;
            Instruction::from(op::LoopIfLeInt {
                a: i.a,
                b: i.b,
                to: Jump16(0),
            })
        }
        Instruction::ForLtIntImm(i) => {
            Instruction::from(op::AddIntImm {
                dst: i.a,
                a: i.a,
                value: Imm16(1),
            })
            .encode(code);
            at += 1;
            Instruction::from(op::LoopIfLtIntImm {
                a: i.a,
                value: i.value,
                to: Jump16(0),
            })
        }
        other => other,
    };
    let (inverted, is_loop) = invert(test);
    set_jump(inverted, 1).encode(code);
    at += inverted.opcode().words() as i64 + 1;
    let to = Jump32((target - at) as i32);
    if is_loop {
        Instruction::from(op::Loop { to })
    } else {
        Instruction::from(op::Jump { to })
    }
    .encode(code);
}

macro_rules! jump_forms {
    (near: $($near:ident)*; far: $($far:ident)*; invert: $($from:ident / $loop_from:ident => $to:ident { $($field:ident),* })*) => {
        fn is_near(instruction: &Instruction) -> bool {
            match instruction { $(Instruction::$near(_))|* => true, _ => false }
        }

        /// The same instruction with its displacement set.
        fn set_jump(instruction: Instruction, displacement: i32) -> Instruction {
            match instruction {
                $(Instruction::$near(i) => Instruction::$near(op::$near { to: Jump16(displacement as i16), ..i }),)*
                $(Instruction::$far(mut i) => { i.to = Jump32(displacement); Instruction::$far(i) })*
                other => panic!("not a jump: {:?}", other.opcode()),
            }
        }

        /// The inverted test of a near conditional jump, and whether the original was a back-edge.
        fn invert(instruction: Instruction) -> (Instruction, bool) {
            match instruction {
                $(
                    Instruction::$from(i) => (op::$to { $($field: i.$field,)* to: i.to }.into(), false),
                    Instruction::$loop_from(i) => (op::$to { $($field: i.$field,)* to: i.to }.into(), true),
                )*
                Instruction::JumpIfLtInt(i) => (op::JumpIfLeInt { a: i.b, b: i.a, to: i.to }.into(), false),
                Instruction::LoopIfLtInt(i) => (op::JumpIfLeInt { a: i.b, b: i.a, to: i.to }.into(), true),
                Instruction::JumpIfLeInt(i) => (op::JumpIfLtInt { a: i.b, b: i.a, to: i.to }.into(), false),
                Instruction::LoopIfLeInt(i) => (op::JumpIfLtInt { a: i.b, b: i.a, to: i.to }.into(), true),
                Instruction::JumpIfLtUint(i) => (op::JumpIfLeUint { a: i.b, b: i.a, to: i.to }.into(), false),
                Instruction::LoopIfLtUint(i) => (op::JumpIfLeUint { a: i.b, b: i.a, to: i.to }.into(), true),
                Instruction::JumpIfLeUint(i) => (op::JumpIfLtUint { a: i.b, b: i.a, to: i.to }.into(), false),
                Instruction::LoopIfLeUint(i) => (op::JumpIfLtUint { a: i.b, b: i.a, to: i.to }.into(), true),
                Instruction::JumpIfEqString(i) => (op::JumpIfNeString { a: i.a, b: i.b, to: i.to }.into(), false),
                Instruction::JumpIfNeString(i) => (op::JumpIfEqString { a: i.a, b: i.b, to: i.to }.into(), false),
                other => panic!("no inverse: {:?}", other.opcode()),
            }
        }
    };
}

jump_forms! {
    near: JumpIfEqInt JumpIfNeInt JumpIfLtInt JumpIfLeInt JumpIfLtUint JumpIfLeUint JumpIfEqFloat JumpIfNeFloat JumpIfLtFloat
        JumpIfLeFloat JumpIfNotLtFloat JumpIfNotLeFloat JumpIfEqIntImm JumpIfNeIntImm JumpIfLtIntImm JumpIfLeIntImm JumpIfGtIntImm
        JumpIfGeIntImm LoopIfEqInt LoopIfNeInt LoopIfLtInt LoopIfLeInt LoopIfLtUint LoopIfLeUint LoopIfEqFloat LoopIfNeFloat
        LoopIfLtFloat LoopIfLeFloat LoopIfNotLtFloat LoopIfNotLeFloat LoopIfEqIntImm LoopIfNeIntImm LoopIfLtIntImm LoopIfLeIntImm
        LoopIfGtIntImm LoopIfGeIntImm JumpIfEqString JumpIfNeString ForLtInt ForLeInt ForLtIntImm;
    far: Jump Loop JumpIfTrue JumpIfFalse LoopIfTrue LoopIfFalse ForStepLtInt JumpTableEntry MapNext JumpIfNotType JumpIfNotInterface;
    invert:
        JumpIfEqInt / LoopIfEqInt => JumpIfNeInt { a, b }
        JumpIfNeInt / LoopIfNeInt => JumpIfEqInt { a, b }
        JumpIfEqFloat / LoopIfEqFloat => JumpIfNeFloat { a, b }
        JumpIfNeFloat / LoopIfNeFloat => JumpIfEqFloat { a, b }
        JumpIfLtFloat / LoopIfLtFloat => JumpIfNotLtFloat { a, b }
        JumpIfLeFloat / LoopIfLeFloat => JumpIfNotLeFloat { a, b }
        JumpIfNotLtFloat / LoopIfNotLtFloat => JumpIfLtFloat { a, b }
        JumpIfNotLeFloat / LoopIfNotLeFloat => JumpIfLeFloat { a, b }
        JumpIfEqIntImm / LoopIfEqIntImm => JumpIfNeIntImm { a, value }
        JumpIfNeIntImm / LoopIfNeIntImm => JumpIfEqIntImm { a, value }
        JumpIfLtIntImm / LoopIfLtIntImm => JumpIfGeIntImm { a, value }
        JumpIfGeIntImm / LoopIfGeIntImm => JumpIfLtIntImm { a, value }
        JumpIfLeIntImm / LoopIfLeIntImm => JumpIfGtIntImm { a, value }
        JumpIfGtIntImm / LoopIfGtIntImm => JumpIfLeIntImm { a, value }
}
