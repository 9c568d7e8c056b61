//! The verifier: what the interpreter takes for granted.
//!
//! INVARIANT: in a verified function every register operand lies in the frame, every run of registers that a type or count
//! implies too, every jump leads to the first word of an instruction of the same function that is not a case or table word, every id is
//! in its table, control cannot run off the end, and every instruction that may stop has a live map whose slots lie in the frame.

use crate::instruction_set::{Instruction, Opcode};
use crate::operand::*;
use crate::program::{Function, Program};
use crate::types::TypeKind;

/// Why a function was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifyError {
    pub function: String,
    pub offset: u32,
    pub message: String,
}

impl std::fmt::Display for VerifyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}+{}: {}", self.function, self.offset, self.message)
    }
}

impl std::error::Error for VerifyError {}

/// Verifies a whole program.
///
/// # Errors
/// The first violation found.
pub fn program(program: &Program) -> Result<(), VerifyError> {
    program
        .functions
        .iter()
        .try_for_each(|f| function(program, f))
}

/// Verifies one function.
///
/// # Errors
/// The first violation found.
pub fn function(program: &Program, function: &Function) -> Result<(), VerifyError> {
    let mut check = Check {
        program,
        function,
        offset: 0,
    };
    check.run()
}

struct Check<'a> {
    program: &'a Program,
    function: &'a Function,
    offset: u32,
}

impl Check<'_> {
    fn fail<T>(&self, message: impl Into<String>) -> Result<T, VerifyError> {
        Err(VerifyError {
            function: self.function.name.clone(),
            offset: self.offset,
            message: message.into(),
        })
    }

    fn run(&mut self) -> Result<(), VerifyError> {
        let code = &self.function.code;
        if self.function.frame_size > crate::program::MAX_FRAME {
            return self.fail("frame too large");
        }
        if self.function.parameters.len() > self.function.frame_size as usize {
            return self.fail("parameters outside the frame");
        }
        // Pass 1: instruction boundaries.
        let mut starts = vec![false; code.len() + 1];
        let mut instructions = Vec::new();
        let mut at = 0usize;
        while at < code.len() {
            self.offset = at as u32;
            let Some(instruction) = Instruction::decode(&code[at..]) else {
                return self.fail("not an instruction");
            };
            // Case and table words follow their head and are not entered by jumps.
            starts[at] = !is_trailing(&instruction);
            instructions.push((at, instruction));
            at += instruction.opcode().words();
        }
        match instructions.last() {
            None => return self.fail("empty function"),
            Some((offset, last)) if !ends_control(last) => {
                self.offset = *offset as u32;
                return self.fail("control runs off the end");
            }
            Some(_) => {}
        }
        // Pass 2: operands.
        let mut owed = 0u32;
        // Where the jump table at hand ends; its entries count from there.
        let mut table_end = 0;
        for (index, (offset, instruction)) in instructions.iter().enumerate() {
            self.offset = *offset as u32;
            match (owed > 0, is_trailing(instruction)) {
                (true, false) => return self.fail("case or table words are missing"),
                (false, true) => return self.fail("stray case or table word"),
                (true, true) => owed -= 1,
                (false, false) => {}
            }
            let next = offset + instruction.opcode().words();
            match instruction {
                Instruction::JumpTable(i) => {
                    owed = i.count.0;
                    let behind = &instructions[index + 1..];
                    let is_entry = |(_, next): &&(usize, Instruction)| {
                        matches!(next, Instruction::JumpTableEntry(_))
                    };
                    let entries = behind.iter().take_while(is_entry).count();
                    table_end = behind.get(entries).map_or(code.len(), |(o, _)| *o);
                }
                Instruction::Select(i) => owed = i.count.0 as u32,
                _ => {}
            }
            let mut base = next;
            if let Instruction::JumpTableEntry(_) = instruction {
                base = table_end;
            }
            let mut result = Ok(());
            instruction.each_operand(&mut |_, value| {
                if result.is_ok() {
                    result = self.operand(value, base, &starts);
                }
                if let OperandValue::Jump(displacement) = value
                    && result.is_ok()
                    && base as i64 + (displacement as i64) <= *offset as i64
                    && !is_safepoint_jump(instruction.opcode())
                {
                    result = self.fail("backward jump without a safepoint");
                }
            });
            result?;
            self.runs(instruction)?;
            if may_stop(instruction.opcode())
                && self
                    .function
                    .safepoints
                    .binary_search_by_key(&self.offset, |s| s.0)
                    .is_err()
            {
                return self.fail(format!("{} has no live map", instruction.opcode().name()));
            }
        }
        if owed > 0 {
            return self.fail("case or table words are missing");
        }
        if let Some(recovery) = self.function.recovery
            && !starts.get(recovery as usize).copied().unwrap_or(false)
        {
            return self.fail("recovery is not an instruction");
        }
        if let Some(recovery) = self.function.recovery
            && self
                .function
                .safepoints
                .binary_search_by_key(&recovery, |s| s.0)
                .is_err()
        {
            return self.fail("recovery has no live map");
        }
        for slots in [&self.function.parameters, &self.function.captures] {
            if slots.first() == Some(&crate::types::SlotKind::InterfaceData) {
                return self.fail("interface data without a type word");
            }
        }
        for (offset, map) in &self.function.safepoints {
            self.offset = *offset;
            let Some(map) = self.function.maps.get(*map as usize) else {
                return self.fail("no such live map");
            };
            for (slot, kind) in map {
                self.registers(*slot, 1)?;
                if *kind == crate::types::SlotKind::InterfaceData && *slot == 0 {
                    return self.fail("interface data without a type word");
                }
            }
        }
        Ok(())
    }

    fn registers(&self, first: u16, count: u32) -> Result<(), VerifyError> {
        if first as u32 + count > self.function.frame_size {
            return self.fail(format!(
                "registers {first}+{count} outside a frame of {}",
                self.function.frame_size
            ));
        }
        Ok(())
    }

    fn operand(
        &self,
        value: OperandValue,
        base: usize,
        starts: &[bool],
    ) -> Result<(), VerifyError> {
        let in_table = |what: &str, id: u32, len: usize| {
            if (id as usize) < len {
                Ok(())
            } else {
                self.fail(format!("{what} {id} of {len}"))
            }
        };
        match value {
            OperandValue::Registers { first, count } => self.registers(first, count as u32),
            OperandValue::Window(window) => {
                if window < 2 {
                    return self.fail("window has no room for the return word");
                }
                self.registers(window - 2, 2)
            }
            OperandValue::Jump(displacement) => {
                let target = base as i64 + displacement as i64;
                match usize::try_from(target).ok().and_then(|t| starts.get(t)) {
                    Some(true) => Ok(()),
                    _ => self.fail(format!("jump to {target}")),
                }
            }
            OperandValue::Function(id) => in_table("function", id, self.program.functions.len()),
            OperandValue::Native(id) => in_table("native", id, self.program.natives.len()),
            OperandValue::Type(id) => in_table("type", id, self.program.types.len()),
            OperandValue::String(id) => in_table("string", id, self.program.strings.len()),
            OperandValue::Selector(id) => in_table("selector", id, self.program.selectors.len()),
            OperandValue::Global(offset) => {
                if offset < self.program.globals_size {
                    Ok(())
                } else {
                    self.fail("global outside the area")
                }
            }
            OperandValue::Number(_) | OperandValue::NoRegister => Ok(()),
        }
    }

    fn slots(&self, ty: TypeId) -> u32 {
        self.program.types[ty.0 as usize].slots.len() as u32
    }

    fn map_types(&self, ty: TypeId) -> Result<(TypeId, TypeId), VerifyError> {
        match self.program.types[ty.0 as usize].kind {
            TypeKind::Map { key, value } => Ok((key, value)),
            _ => self.fail("not a map type"),
        }
    }

    fn element(&self, ty: TypeId) -> Result<TypeId, VerifyError> {
        match self.program.types[ty.0 as usize].kind {
            TypeKind::Slice { element }
            | TypeKind::Channel { element, .. }
            | TypeKind::Array { element, .. } => Ok(element),
            _ => self.fail("type without elements"),
        }
    }

    /// Runs of registers whose length a type or a count gives.
    fn runs(&self, instruction: &Instruction) -> Result<(), VerifyError> {
        use Instruction as I;
        let run = |run: Run, count: u32| self.registers(run.0, count);
        let optional = |r: OptionalRegister, count: u32| {
            if r.0 == u16::MAX {
                Ok(())
            } else {
                self.registers(r.0, count)
            }
        };
        match *instruction {
            I::MoveRun(i) => run(i.dst, i.count.0 as u32).and(run(i.src, i.count.0 as u32)),
            I::Zero(i) => run(i.dst, i.count.0 as u32),
            I::EqValue(i) => run(i.a, self.slots(i.ty)).and(run(i.b, self.slots(i.ty))),
            I::LoadValue(i) => run(i.dst, self.slots(i.ty)),
            I::StoreValue(i) => run(i.src, self.slots(i.ty)),
            I::Append(i) => run(i.src, self.slots(self.element(i.ty)?)),
            I::AppendWord(i) => self.element(i.ty).map(|_| ()),
            I::Append8(i) => self.element(i.ty).map(|_| ()),
            I::ConcatRun(i) => run(i.first, 2 * i.count.0 as u32),
            I::MapGet(i) => {
                let (k, v) = self.map_types(i.ty)?;
                run(i.dst, self.slots(v)).and(run(i.key, self.slots(k)))
            }
            I::MapGetOk(i) => {
                let (k, v) = self.map_types(i.ty)?;
                run(i.dst, self.slots(v)).and(run(i.key, self.slots(k)))
            }
            I::MapGetWord(i) => self.word_map(i.ty),
            I::MapGetWordOk(i) => self.word_map(i.ty),
            I::MapGetString(i) => run(i.dst, self.slots(self.map_types(i.ty)?.1)),
            I::MapGetStringOk(i) => run(i.dst, self.slots(self.map_types(i.ty)?.1)),
            I::MapSet(i) => {
                let (k, v) = self.map_types(i.ty)?;
                run(i.src, self.slots(v)).and(run(i.key, self.slots(k)))
            }
            I::MapAddress(i) => run(i.key, self.slots(self.map_types(i.ty)?.0)),
            I::MapDelete(i) => run(i.key, self.slots(self.map_types(i.ty)?.0)),
            I::MapNext(i) => {
                let (k, v) = self.map_types(i.ty)?;
                optional(i.key, self.slots(k)).and(optional(i.value, self.slots(v)))
            }
            I::MakeInterface(i) => run(i.src, self.slots(i.ty)),
            I::Unpack(i) => run(i.dst, self.slots(i.ty)),
            I::AssertType(i) => run(i.dst, self.slots(i.ty)),
            I::AssertTypeOk(i) => run(i.dst, self.slots(i.ty)),
            I::ReturnRun(i) => {
                run(i.src, i.count.0 as u32).and(self.registers(0, i.count.0 as u32))
            }
            I::ReturnOne(_) => self.registers(0, 1),
            I::Go(i) => self.registers(i.window.0, i.count.0 as u32),
            I::Defer(i) => self.registers(i.window.0, i.count.0 as u32),
            I::DeferAt(i) => self.registers(i.window.0, i.count.0 as u32),
            I::CallNative(i) => {
                let native = &self.program.natives[i.native.0 as usize];
                let results: u32 = native.results.iter().map(|ty| self.slots(*ty)).sum();
                self.registers(i.window.0, results.max(native.parameter_slots as u32))
            }
            I::Stub(_) => self.fail("a stub of the machine"),
            I::CallInterface(i) => self.registers(i.window.0, 1),
            I::MakeClosure(i) => {
                let captures = self.program.functions[i.function.0 as usize].captures.len();
                if captures != i.count.0 as usize {
                    return self.fail("closure with the wrong number of captures");
                }
                run(i.first, i.count.0 as u32)
            }
            I::LoadCapture(i) => {
                if i.index.0 as usize + i.count.0 as usize > self.function.captures.len() {
                    return self.fail("no such capture");
                }
                run(i.dst, i.count.0 as u32)
            }
            I::Send(i) => run(i.src, self.slots(self.element(i.ty)?)),
            I::SelectSend(i) => run(i.src, self.slots(self.element(i.ty)?)),
            I::Receive(i) => optional(i.dst, self.slots(self.element(i.ty)?)),
            I::ReceiveOk(i) => optional(i.dst, self.slots(self.element(i.ty)?)),
            I::SelectReceive(i) => optional(i.dst, self.slots(self.element(i.ty)?)),
            _ => Ok(()),
        }
    }

    fn word_map(&self, ty: TypeId) -> Result<(), VerifyError> {
        let (k, v) = self.map_types(ty)?;
        let kind = |ty: TypeId| &self.program.types[ty.0 as usize].kind;
        let is_word_key = matches!(
            kind(k),
            TypeKind::Bool
                | TypeKind::Int
                | TypeKind::Int8
                | TypeKind::Int16
                | TypeKind::Int32
                | TypeKind::Int64
                | TypeKind::Uint
                | TypeKind::Uint8
                | TypeKind::Uint16
                | TypeKind::Uint32
                | TypeKind::Uint64
                | TypeKind::Uintptr
        );
        let is_word = matches!(
            kind(v),
            TypeKind::Int
                | TypeKind::Int64
                | TypeKind::Uint
                | TypeKind::Uint64
                | TypeKind::Uintptr
                | TypeKind::Float64
        );
        if !is_word_key || !is_word {
            return self.fail("not a map of words to words");
        }
        Ok(())
    }
}

/// The back-edges: jumps that check the safepoint word.
fn is_safepoint_jump(opcode: Opcode) -> bool {
    opcode.name().starts_with("loop") || opcode.name().starts_with("for_")
}

fn is_trailing(instruction: &Instruction) -> bool {
    matches!(
        instruction,
        Instruction::JumpTableEntry(_) | Instruction::SelectSend(_) | Instruction::SelectReceive(_)
    )
}

/// Whether the instruction behind this one is never reached from it.
pub fn ends_control(instruction: &Instruction) -> bool {
    use Instruction as I;
    matches!(
        instruction,
        I::Jump(_)
            | I::Loop(_)
            | I::Return(_)
            | I::ReturnOne(_)
            | I::ReturnRun(_)
            | I::Panic(_)
            | I::Unreachable(_)
    )
}

/// Whether a goroutine can be stopped or collected at this instruction: it then needs a live map.
pub fn may_stop(opcode: Opcode) -> bool {
    use Opcode as O;
    matches!(
        opcode,
        O::Call
            | O::CallClosure
            | O::CallInterface
            | O::CallNative
            | O::RunDefers
            | O::Send
            | O::Receive
            | O::ReceiveOk
            | O::Select
            | O::Go
    ) || may_retry(opcode)
        || opcode.name().starts_with("loop")
        || opcode.name().starts_with("for_")
}

/// Whether this instruction allocates as much as the script asks for, and has changed nothing when memory is refused to it: the
/// heap is then collected, and the instruction runs again.
pub fn may_retry(opcode: Opcode) -> bool {
    use Opcode as O;
    matches!(
        opcode,
        O::MakeSlice
            | O::Append
            | O::AppendWord
            | O::Append8
            | O::AppendReserve
            | O::AppendSlice
            | O::AppendString
            | O::Concat
            | O::ConcatRun
            | O::StringFromBytes
            | O::StringFromRunes
            | O::BytesFromString
            | O::RunesFromString
            | O::MakeMap
            | O::MapSet
            | O::MapAddress
            | O::MakeChannel
            | O::Go
    )
}
