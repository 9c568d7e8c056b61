//! The registers of one frame.
//!
//! 1. Registers are handed out like a stack: a scope or an expression takes a mark and gives back everything above it.
//! 2. A slot counts as *written* from the moment its value is complete until it is given back. Only written reference slots
//!    stand in the live maps of safepoints, so nothing needs to be zeroed at entry.
//! 3. A slot that belongs to a variable is no scratch space: what is computed into it must be written by the last step.
//!
//! INVARIANT: a slot is marked as written only in code that dominates all its later uses; where only some paths write it, it is
//! zeroed before they part.

use bytecode::SlotKind;

/// Frames beyond this are refused: operands have 16 bits, `0xFFFF` means "absent", and windows need some room.
pub(crate) const LARGEST_FRAME: usize = 65_000;

#[derive(Clone, Copy)]
struct Slot {
    kind: SlotKind,
    written: bool,
    variable: bool,
    cell: bool,
}

/// The allocator, see above.
#[derive(Default)]
pub(crate) struct Registers {
    slots: Vec<Slot>,
    highest: usize,
    overflow: bool,
}

impl Registers {
    /// The next register that would be handed out.
    pub(crate) fn mark(&self) -> u16 {
        self.slots.len() as u16
    }

    /// Gives back all registers from `mark` on.
    pub(crate) fn release(&mut self, mark: u16) {
        self.slots.truncate(mark as usize);
    }

    /// Consecutive registers of these kinds. After an overflow (see [`Registers::overflown`]) they are meaningless.
    pub(crate) fn allocate(&mut self, kinds: &[SlotKind]) -> u16 {
        if self.slots.len() + kinds.len() > LARGEST_FRAME {
            self.overflow = true;
            self.slots.clear();
        }
        let first = self.slots.len() as u16;
        self.slots.extend(kinds.iter().map(|&kind| Slot {
            kind,
            written: false,
            variable: false,
            cell: false,
        }));
        self.highest = self.highest.max(self.slots.len());
        first
    }

    /// Notes that a callee will use registers up to `end`.
    pub(crate) fn reach(&mut self, end: usize) {
        self.overflow |= end > LARGEST_FRAME;
        self.highest = self.highest.max(end.min(LARGEST_FRAME));
    }

    /// The registers hold a value from here on.
    pub(crate) fn written(&mut self, first: u16, count: usize) {
        let end = (first as usize + count).min(self.slots.len());
        if let Some(slots) = self.slots.get_mut(first as usize..end) {
            slots.iter_mut().for_each(|slot| slot.written = true);
        }
    }

    /// The registers hold nothing certain any more.
    pub(crate) fn forget(&mut self, first: u16, count: usize) {
        let end = (first as usize + count).min(self.slots.len());
        if let Some(slots) = self.slots.get_mut(first as usize..end) {
            slots.iter_mut().for_each(|slot| slot.written = false);
        }
    }

    /// The registers belong to a variable from here on.
    pub(crate) fn declare(&mut self, first: u16, count: usize) {
        self.written(first, count);
        let end = (first as usize + count).min(self.slots.len());
        if let Some(slots) = self.slots.get_mut(first as usize..end) {
            slots.iter_mut().for_each(|slot| slot.variable = true);
        }
    }

    /// The register refers to a variable's cell: it is never nil.
    pub(crate) fn set_cell(&mut self, register: u16) {
        if let Some(slot) = self.slots.get_mut(register as usize) {
            slot.cell = true;
        }
    }

    /// See [`Registers::set_cell`].
    pub(crate) fn is_cell(&self, register: u16) -> bool {
        self.slots
            .get(register as usize)
            .is_some_and(|slot| slot.cell)
    }

    /// Whether the register is scratch space that a computation may use before its last step.
    pub(crate) fn is_fresh(&self, register: u16) -> bool {
        self.slots
            .get(register as usize)
            .is_none_or(|slot| !slot.variable)
    }

    /// Whether the two registers below are the head of a window: no value has ever been put there.
    pub(crate) fn is_window_start(&self, register: u16) -> bool {
        let register = register as usize;
        register >= 2
            && self.slots.len() >= register
            && self.slots[register - 2..register]
                .iter()
                .all(|slot| !slot.written && slot.kind == SlotKind::Scalar)
    }

    /// The live reference slots below `limit`.
    pub(crate) fn live(&self, limit: u16) -> Vec<(u16, SlotKind)> {
        let below = &self.slots[..self.slots.len().min(limit as usize)];
        let live = below
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.written && slot.kind != SlotKind::Scalar);
        live.map(|(index, slot)| (index as u16, slot.kind))
            .collect()
    }

    /// How many registers the frame needs.
    pub(crate) fn frame_size(&self) -> u32 {
        self.highest as u32
    }

    /// The function needs more registers than there are.
    pub(crate) fn overflown(&self) -> bool {
        self.overflow
    }
}
