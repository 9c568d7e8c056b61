//! Operand types: how each is packed, printed and verified.
//!
//! An instruction is a sequence of 8-byte words made of 16-bit halfwords; halfword 0 of the first word is the opcode.
//! Operands follow in declaration order, each aligned to its own size (1, 2 or 4 halfwords).

/// One 8-byte unit of code, kept as halfwords so that an operand is one 16-bit load (`movzx`), never a shift.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C, align(8))]
pub struct Word(pub [u16; 4]);

/// What the verifier knows about one operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OperandValue {
    /// `count` consecutive registers from `first`.
    Registers {
        first: u16,
        count: u16,
    },
    /// An optional register; `None` is encoded as `0xFFFF`.
    NoRegister,
    /// The base of a callee's window: the callee's frame pointer is `fp + base`.
    Window(u16),
    /// A plain number.
    Number(i64),
    /// A jump, in words, relative to the first word after the instruction.
    Jump(i32),
    Function(u32),
    Native(u32),
    Type(u32),
    String(u32),
    Global(u32),
    Selector(u32),
}

/// A type that can stand in an instruction's operand list.
pub trait Operand: Copy {
    /// Size in halfwords: 1, 2 or 4.
    const HALFWORDS: usize;
    fn from_halfwords(halfwords: &[u16]) -> Self;
    fn write(self, halfwords: &mut [u16]);
    fn value(self) -> OperandValue;
}

macro_rules! operand16 {
    ($($(#[$doc:meta])* $name:ident($inner:ty) => |$v:ident| $value:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub $inner);
        impl Operand for $name {
            const HALFWORDS: usize = 1;
            #[inline(always)]
            fn from_halfwords(h: &[u16]) -> Self { Self(h[0] as $inner) }
            fn write(self, h: &mut [u16]) { h[0] = self.0 as u16; }
            fn value(self) -> OperandValue { let $v = self.0; $value }
        }
    )*};
}
macro_rules! operand32 {
    ($($(#[$doc:meta])* $name:ident($inner:ty) => |$v:ident| $value:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
        pub struct $name(pub $inner);
        impl Operand for $name {
            const HALFWORDS: usize = 2;
            #[inline(always)]
            fn from_halfwords(h: &[u16]) -> Self { Self((h[0] as u32 | (h[1] as u32) << 16) as $inner) }
            fn write(self, h: &mut [u16]) { h[0] = self.0 as u32 as u16; h[1] = (self.0 as u32 >> 16) as u16; }
            fn value(self) -> OperandValue { let $v = self.0; $value }
        }
    )*};
}

operand16! {
    /// One slot of the frame.
    Register(u16) => |v| OperandValue::Registers { first: v, count: 1 };
    /// Two consecutive slots: a string, slice or interface.
    Pair(u16) => |v| OperandValue::Registers { first: v, count: 2 };
    /// A register, or `0xFFFF` for "absent".
    OptionalRegister(u16) => |v| if v == u16::MAX { OperandValue::NoRegister } else { OperandValue::Registers { first: v, count: 1 } };
    /// The first register of a run whose length another operand or a type gives. The verifier checks the first only;
    /// the instruction's doc says how many follow.
    Run(u16) => |v| OperandValue::Registers { first: v, count: 0 };
    /// Base of a callee's window.
    Window(u16) => |v| OperandValue::Window(v);
    /// A signed 16-bit immediate.
    Imm16(i16) => |v| OperandValue::Number(v as i64);
    /// A count of slots or elements, or an unsigned field offset in bytes.
    Count(u16) => |v| OperandValue::Number(v as i64);
    /// A near jump.
    Jump16(i16) => |v| OperandValue::Jump(v as i32);
    /// An interface method: index into `Program::selectors`.
    Selector(u16) => |v| OperandValue::Selector(v as u32);
}
operand32! {
    /// A signed 32-bit immediate.
    Imm32(i32) => |v| OperandValue::Number(v as i64);
    /// An unsigned 32-bit count or size.
    Count32(u32) => |v| OperandValue::Number(v as i64);
    /// A far jump.
    Jump32(i32) => |v| OperandValue::Jump(v);
    /// Index into `Program::functions`. In a linked image a static call holds the relative distance in words instead.
    FunctionId(u32) => |v| OperandValue::Function(v);
    /// Index into `Program::natives`.
    NativeId(u32) => |v| OperandValue::Native(v);
    /// Index into `Program::types`.
    TypeId(u32) => |v| OperandValue::Type(v);
    /// Index into `Program::strings`.
    StringId(u32) => |v| OperandValue::String(v);
    /// Byte offset in the globals area.
    GlobalOffset(u32) => |v| OperandValue::Global(v);
}

/// A 64-bit constant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Imm64(pub u64);
impl Operand for Imm64 {
    const HALFWORDS: usize = 4;
    #[inline(always)]
    fn from_halfwords(h: &[u16]) -> Self {
        Self(h[0] as u64 | (h[1] as u64) << 16 | (h[2] as u64) << 32 | (h[3] as u64) << 48)
    }
    fn write(self, h: &mut [u16]) {
        for (i, slot) in h.iter_mut().enumerate().take(4) {
            *slot = (self.0 >> (16 * i)) as u16;
        }
    }
    fn value(self) -> OperandValue {
        OperandValue::Number(self.0 as i64)
    }
}

/// Where operand `index` of a row with the given sizes begins, in halfwords from the instruction's start.
pub const fn operand_position(sizes: &[usize], index: usize) -> usize {
    let mut at = 1usize;
    let mut i = 0;
    loop {
        let size = sizes[i];
        at = at.div_ceil(size) * size;
        if i == index {
            return at;
        }
        at += size;
        i += 1;
    }
}

/// How many words a row with the given operand sizes takes.
pub const fn words_of(sizes: &[usize]) -> usize {
    if sizes.is_empty() {
        return 1;
    }
    let last = sizes.len() - 1;
    (operand_position(sizes, last) + sizes[last]).div_ceil(4)
}
