//! The table of instructions: each is defined once, here. Opcode enum, typed view, encoder, decoder, listing, verifier
//! and `docs/instructions.md` follow from it.
//!
//! To add an instruction: one row here, one arm in the interpreter (the compiler demands it), the place that emits it.
//!
//! Conventions. A *slot* is 64 bits of the frame. A type takes `slots(T)` slots in registers (see
//! [`crate::types::TypeDescriptor::slots`]): scalars, pointers, maps, channels and funcs 1; strings, slices and interfaces 2;
//! a struct without arrays and with at most 4 slots is the row of its fields' slots ("flat"); larger structs and
//! all arrays are *boxed*: 1 slot, a reference to a private heap object that nobody else refers to and that is copied when Go copies.
//! Sources are read before destinations are written, so they may overlap.

use crate::operand::*;

macro_rules! instruction_set {
    ($($(#[doc = $doc:literal])* $name:ident = $snake:ident { $($field:ident : $ty:ident),* })*) => {
        /// The operation of an instruction: halfword 0 of its first word.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u16)]
        pub enum Opcode { $($(#[doc = $doc])* $name),* }

        impl Opcode {
            /// Every opcode, in numerical order.
            pub const ALL: &'static [Opcode] = &[$(Opcode::$name),*];

            /// The opcode with this number, if there is one.
            #[inline(always)]
            pub fn from_u16(value: u16) -> Option<Opcode> { Self::ALL.get(value as usize).copied() }

            /// Its name in listings.
            pub fn name(self) -> &'static str { match self { $(Opcode::$name => stringify!($snake)),* } }

            /// Length of the instruction in words.
            pub fn words(self) -> usize { match self { $(Opcode::$name => op::$name::WORDS),* } }

            /// Its documentation.
            pub fn documentation(self) -> &'static str { match self { $(Opcode::$name => concat!($($doc, "\n"),*)),* } }

            /// Names and types of its operands.
            pub fn operand_types(self) -> &'static [(&'static str, &'static str)] {
                match self { $(Opcode::$name => &[$((stringify!($field), stringify!($ty))),*]),* }
            }
        }

        /// The instructions as structs of typed operands.
        pub mod op {
            use super::*;
            $(
                $(#[doc = $doc])*
                #[derive(Clone, Copy, PartialEq, Eq, Debug)]
                pub struct $name { $(pub $field: $ty),* }

                #[allow(non_camel_case_types, unused, clippy::allow_attributes)]
                impl $name {
                    pub const OPCODE: Opcode = Opcode::$name;
                    const SIZES: &'static [usize] = &[$(<$ty as Operand>::HALFWORDS),*];
                    /// Length in words.
                    pub const WORDS: usize = words_of(Self::SIZES);

                    /// Reads the operands of the instruction at the head of `words`.
                    #[inline(always)]
                    pub fn decode(words: &[Word; Self::WORDS]) -> Self {
                        enum Field { $($field),* }
                        Self { $($field: {
                            const POSITION: usize = operand_position($name::SIZES, Field::$field as usize);
                            <$ty as Operand>::from_halfwords(&words[POSITION / 4].0[POSITION % 4..])
                        }),* }
                    }

                    /// The instruction's words.
                    pub fn encode(self) -> [Word; Self::WORDS] {
                        enum Field { $($field),* }
                        let mut words = [Word::default(); Self::WORDS];
                        words[0].0[0] = Opcode::$name as u16;
                        $({
                            const POSITION: usize = operand_position($name::SIZES, Field::$field as usize);
                            <$ty as Operand>::write(self.$field, &mut words[POSITION / 4].0[POSITION % 4..]);
                        })*
                        words
                    }
                }
            )*
        }

        /// The typed view of one instruction.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Instruction { $($(#[doc = $doc])* $name(op::$name)),* }

        impl Instruction {
            /// The instruction at the head of `words`, or `None` if there is none (unknown opcode, cut short).
            pub fn decode(words: &[Word]) -> Option<Instruction> {
                match Opcode::from_u16(words.first()?.0[0])? {
                    $(Opcode::$name => Some(Instruction::$name(op::$name::decode(words.first_chunk()?)))),*
                }
            }

            /// Appends the instruction's words.
            pub fn encode(self, code: &mut Vec<Word>) {
                match self { $(Instruction::$name(i) => code.extend_from_slice(&i.encode())),* }
            }

            pub fn opcode(&self) -> Opcode { match self { $(Instruction::$name(_) => Opcode::$name),* } }

            /// Calls `visit` with each operand's name and value.
            #[allow(unused_variables)]
            pub fn each_operand(&self, visit: &mut dyn FnMut(&'static str, OperandValue)) {
                match self { $(Instruction::$name(i) => { $(visit(stringify!($field), i.$field.value());)* }),* }
            }
        }

        $(impl From<op::$name> for Instruction {
            fn from(i: op::$name) -> Instruction { Instruction::$name(i) }
        })*
    };
}

instruction_set! {

// ---- moves and constants ----
/// `dst = src`.
Move = move { dst: Register, src: Register }
/// Two slots: `dst, dst+1 = src, src+1`. The source is read whole before the destination is written.
MovePair = move_pair { dst: Pair, src: Pair }
/// `count` slots from `src` to `dst`; the runs may overlap (memmove).
MoveRun = move_run { dst: Run, src: Run, count: Count }
/// `dst = value`, sign-extended.
LoadInt = load_int { dst: Register, value: Imm32 }
/// `dst = value`.
LoadConstant = load_constant { dst: Register, value: Imm64 }
/// Sets `count` slots to zero.
Zero = zero { dst: Run, count: Count }
/// `dst = ` pointer and length of an immortal string constant.
LoadString = load_string { dst: Pair, value: StringId }
/// `dst = ` the immortal closure object of a function that captures nothing.
LoadFunction = load_function { dst: Register, function: FunctionId }

// ---- integers: slots hold narrow integers sign- or zero-extended to 64 bits ----
/// `dst = a + b`, wrapping.
AddInt = add_int { dst: Register, a: Register, b: Register }
/// `dst = a - b`, wrapping.
SubInt = sub_int { dst: Register, a: Register, b: Register }
/// `dst = a * b`, wrapping.
MulInt = mul_int { dst: Register, a: Register, b: Register }
/// `dst = a & b`.
AndInt = and_int { dst: Register, a: Register, b: Register }
/// `dst = a | b`.
OrInt = or_int { dst: Register, a: Register, b: Register }
/// `dst = a ^ b`.
XorInt = xor_int { dst: Register, a: Register, b: Register }
/// `dst = a &^ b`.
AndNotInt = and_not_int { dst: Register, a: Register, b: Register }
/// Signed `dst = a / b` truncated; panics if `b == 0`; MIN / -1 = MIN.
DivInt = div_int { dst: Register, a: Register, b: Register }
/// Signed remainder; panics if `b == 0`; MIN % -1 = 0.
RemInt = rem_int { dst: Register, a: Register, b: Register }
/// Unsigned quotient; panics if `b == 0`.
DivUint = div_uint { dst: Register, a: Register, b: Register }
/// Unsigned remainder; panics if `b == 0`.
RemUint = rem_uint { dst: Register, a: Register, b: Register }
/// `dst = a << b`; `b` unsigned; 0 when `b >= 64`.
ShlInt = shl_int { dst: Register, a: Register, b: Register }
/// Arithmetic `dst = a >> b`; `b` unsigned; sign fill when `b >= 64`.
ShrInt = shr_int { dst: Register, a: Register, b: Register }
/// Logical `dst = a >> b`; `b` unsigned; 0 when `b >= 64`.
ShrUint = shr_uint { dst: Register, a: Register, b: Register }
/// Panics ("negative shift amount") if `a`, signed, is negative.
CheckShift = check_shift { a: Register }
/// `dst = -a`, wrapping.
NegInt = neg_int { dst: Register, a: Register }
/// `dst = ^a`.
NotInt = not_int { dst: Register, a: Register }
/// `dst = a + value`, wrapping.
AddIntImm = add_int_imm { dst: Register, a: Register, value: Imm16 }
/// `dst = value - a`, wrapping.
SubImmInt = sub_imm_int { dst: Register, a: Register, value: Imm16 }
/// `dst = a * value`, wrapping.
MulIntImm = mul_int_imm { dst: Register, a: Register, value: Imm16 }
/// Signed quotient by a constant other than 0 and -1.
DivIntImm = div_int_imm { dst: Register, a: Register, value: Imm16 }
/// Signed remainder by a constant other than 0 and -1.
RemIntImm = rem_int_imm { dst: Register, a: Register, value: Imm16 }
/// `dst = a & value`, `value` sign-extended.
AndIntImm = and_int_imm { dst: Register, a: Register, value: Imm16 }
/// `dst = a | value`, `value` sign-extended.
OrIntImm = or_int_imm { dst: Register, a: Register, value: Imm16 }
/// `dst = a ^ value`, `value` sign-extended.
XorIntImm = xor_int_imm { dst: Register, a: Register, value: Imm16 }
/// `dst = a << value`, 0 <= value <= 63.
ShlIntImm = shl_int_imm { dst: Register, a: Register, value: Imm16 }
/// Arithmetic `dst = a >> value`, 0 <= value <= 63.
ShrIntImm = shr_int_imm { dst: Register, a: Register, value: Imm16 }
/// Logical `dst = a >> value`, 0 <= value <= 63.
ShrUintImm = shr_uint_imm { dst: Register, a: Register, value: Imm16 }
/// `dst` = low 8 bits of `a`, sign-extended: wraps to int8.
WrapInt8 = wrap_int8 { dst: Register, a: Register }
/// `dst` = low 16 bits of `a`, sign-extended: wraps to int16.
WrapInt16 = wrap_int16 { dst: Register, a: Register }
/// `dst` = low 32 bits of `a`, sign-extended: wraps to int32.
WrapInt32 = wrap_int32 { dst: Register, a: Register }
/// `dst` = low 8 bits of `a`, zero-extended: wraps to uint8.
WrapUint8 = wrap_uint8 { dst: Register, a: Register }
/// `dst` = low 16 bits of `a`, zero-extended: wraps to uint16.
WrapUint16 = wrap_uint16 { dst: Register, a: Register }
/// `dst` = low 32 bits of `a`, zero-extended: wraps to uint32.
WrapUint32 = wrap_uint32 { dst: Register, a: Register }
/// `dst = uint32(a + b)`.
AddUint32 = add_uint32 { dst: Register, a: Register, b: Register }
/// `dst = int32(a + b)`, sign-extended.
AddInt32 = add_int32 { dst: Register, a: Register, b: Register }
/// `dst = uint32(a - b)`.
SubUint32 = sub_uint32 { dst: Register, a: Register, b: Register }
/// `dst = int32(a - b)`, sign-extended.
SubInt32 = sub_int32 { dst: Register, a: Register, b: Register }
/// `dst = uint32(a * b)`.
MulUint32 = mul_uint32 { dst: Register, a: Register, b: Register }
/// `dst = int32(a * b)`, sign-extended.
MulInt32 = mul_int32 { dst: Register, a: Register, b: Register }
/// `dst = uint32(a << value)`, 0 <= value <= 31.
ShlUint32Imm = shl_uint32_imm { dst: Register, a: Register, value: Imm16 }
/// `dst = uint32(a << b)`, 0 when `b >= 32`.
ShlUint32 = shl_uint32 { dst: Register, a: Register, b: Register }
/// `dst = ^a` as uint32.
NotUint32 = not_uint32 { dst: Register, a: Register }

// ---- floats: a slot holds an f64; a float32 is kept as the f64 of the same value ----
/// `dst = a + b`.
AddFloat = add_float { dst: Register, a: Register, b: Register }
/// `dst = a - b`.
SubFloat = sub_float { dst: Register, a: Register, b: Register }
/// `dst = a * b`.
MulFloat = mul_float { dst: Register, a: Register, b: Register }
/// `dst = a / b`.
DivFloat = div_float { dst: Register, a: Register, b: Register }
/// `dst = dst + a * b`, rounded twice (never fused).
MulAddFloat = mul_add_float { dst: Register, a: Register, b: Register }
/// `dst = -a`.
NegFloat = neg_float { dst: Register, a: Register }
/// Rounds to float32 precision.
RoundFloat32 = round_float32 { dst: Register, a: Register }
/// `dst = a * b` of complex numbers: pairs of floats.
MulComplex = mul_complex { dst: Pair, a: Pair, b: Pair }
/// `dst = a / b` of complex numbers, with Go's results for infinities, zeros and NaN.
DivComplex = div_complex { dst: Pair, a: Pair, b: Pair }
/// `dst = math.Sqrt(a)`.
SqrtFloat = sqrt_float { dst: Register, a: Register }
/// `dst = min(a, b)` with Go's rules for NaN and -0.
MinFloat = min_float { dst: Register, a: Register, b: Register }
/// `dst = max(a, b)` with Go's rules for NaN and -0.
MaxFloat = max_float { dst: Register, a: Register, b: Register }
/// int64 to f64.
IntToFloat = int_to_float { dst: Register, a: Register }
/// uint64 to f64.
UintToFloat = uint_to_float { dst: Register, a: Register }
/// int64 to float32, rounded once.
IntToFloat32 = int_to_float32 { dst: Register, a: Register }
/// uint64 to float32, rounded once.
UintToFloat32 = uint_to_float32 { dst: Register, a: Register }
/// f64 to int64, truncated; out of range as Go on amd64 (0x8000000000000000).
FloatToInt = float_to_int { dst: Register, a: Register }
/// f64 to int32, truncated; out of range as Go on amd64 (0x80000000).
FloatToInt32 = float_to_int32 { dst: Register, a: Register }
/// f64 to uint64, truncated; out of range as Go on amd64.
FloatToUint = float_to_uint { dst: Register, a: Register }

// ---- comparison to a bool slot (0 or 1) ----
/// `dst = a == b`.
EqInt = eq_int { dst: Register, a: Register, b: Register }
/// `dst = a != b`.
NeInt = ne_int { dst: Register, a: Register, b: Register }
/// `dst = a < b, signed`.
LtInt = lt_int { dst: Register, a: Register, b: Register }
/// `dst = a <= b, signed`.
LeInt = le_int { dst: Register, a: Register, b: Register }
/// `dst = a < b, unsigned`.
LtUint = lt_uint { dst: Register, a: Register, b: Register }
/// `dst = a <= b, unsigned`.
LeUint = le_uint { dst: Register, a: Register, b: Register }
/// `dst = a == b`.
EqFloat = eq_float { dst: Register, a: Register, b: Register }
/// `dst = a != b`.
NeFloat = ne_float { dst: Register, a: Register, b: Register }
/// `dst = a < b`.
LtFloat = lt_float { dst: Register, a: Register, b: Register }
/// `dst = a <= b`.
LeFloat = le_float { dst: Register, a: Register, b: Register }
/// `dst = !a`.
NotBool = not_bool { dst: Register, a: Register }
/// `dst = a == b`.
EqString = eq_string { dst: Register, a: Pair, b: Pair }
/// `dst = a != b`.
NeString = ne_string { dst: Register, a: Pair, b: Pair }
/// `dst = a < b`, bytewise.
LtString = lt_string { dst: Register, a: Pair, b: Pair }
/// `dst = a <= b`, bytewise.
LeString = le_string { dst: Register, a: Pair, b: Pair }
/// `dst = a == b` for interfaces; panics on equal but uncomparable dynamic types.
EqInterface = eq_interface { dst: Register, a: Pair, b: Pair }
/// `dst = ` whether the values of type `ty` (in registers, `slots(ty)` each) are equal.
EqValue = eq_value { dst: Register, a: Run, b: Run, ty: TypeId }

// ---- jumps; displacements are in words from the first word after the instruction ----
/// Jumps forward. A backward jump must be one with a safepoint.
Jump = jump { to: Jump32 }
/// Back-edge: a safepoint, then the jump.
Loop = loop { to: Jump32 }
/// Jumps if `a` is true.
JumpIfTrue = jump_if_true { a: Register, to: Jump32 }
/// Jumps if `a` is false (or nil, or zero).
JumpIfFalse = jump_if_false { a: Register, to: Jump32 }
/// Jumps if `a == b`.
JumpIfEqInt = jump_if_eq_int { a: Register, b: Register, to: Jump16 }
/// Jumps if `a != b`.
JumpIfNeInt = jump_if_ne_int { a: Register, b: Register, to: Jump16 }
/// Jumps if `a < b`.
JumpIfLtInt = jump_if_lt_int { a: Register, b: Register, to: Jump16 }
/// Jumps if `a <= b`.
JumpIfLeInt = jump_if_le_int { a: Register, b: Register, to: Jump16 }
/// Jumps if `a < b, unsigned`.
JumpIfLtUint = jump_if_lt_uint { a: Register, b: Register, to: Jump16 }
/// Jumps if `a <= b, unsigned`.
JumpIfLeUint = jump_if_le_uint { a: Register, b: Register, to: Jump16 }
/// Jumps if `a == b`.
JumpIfEqFloat = jump_if_eq_float { a: Register, b: Register, to: Jump16 }
/// Jumps if `a != b`.
JumpIfNeFloat = jump_if_ne_float { a: Register, b: Register, to: Jump16 }
/// Jumps if `a < b`.
JumpIfLtFloat = jump_if_lt_float { a: Register, b: Register, to: Jump16 }
/// Jumps if `a <= b`.
JumpIfLeFloat = jump_if_le_float { a: Register, b: Register, to: Jump16 }
/// Jumps if `!(a < b)`.
JumpIfNotLtFloat = jump_if_not_lt_float { a: Register, b: Register, to: Jump16 }
/// Jumps if `!(a <= b)`.
JumpIfNotLeFloat = jump_if_not_le_float { a: Register, b: Register, to: Jump16 }
/// Jumps if `a == value`.
JumpIfEqIntImm = jump_if_eq_int_imm { a: Register, value: Imm16, to: Jump16 }
/// Jumps if `a != value`.
JumpIfNeIntImm = jump_if_ne_int_imm { a: Register, value: Imm16, to: Jump16 }
/// Jumps if `a < value`.
JumpIfLtIntImm = jump_if_lt_int_imm { a: Register, value: Imm16, to: Jump16 }
/// Jumps if `a <= value`.
JumpIfLeIntImm = jump_if_le_int_imm { a: Register, value: Imm16, to: Jump16 }
/// Jumps if `a > value`.
JumpIfGtIntImm = jump_if_gt_int_imm { a: Register, value: Imm16, to: Jump16 }
/// Jumps if `a >= value`.
JumpIfGeIntImm = jump_if_ge_int_imm { a: Register, value: Imm16, to: Jump16 }
/// Back-edge with safepoint if `a` is true.
LoopIfTrue = loop_if_true { a: Register, to: Jump32 }
/// Back-edge with safepoint if `a` is false (or nil, or zero).
LoopIfFalse = loop_if_false { a: Register, to: Jump32 }
/// Back-edge with safepoint if `a == b`.
LoopIfEqInt = loop_if_eq_int { a: Register, b: Register, to: Jump16 }
/// Back-edge with safepoint if `a != b`.
LoopIfNeInt = loop_if_ne_int { a: Register, b: Register, to: Jump16 }
/// Back-edge with safepoint if `a < b`.
LoopIfLtInt = loop_if_lt_int { a: Register, b: Register, to: Jump16 }
/// Back-edge with safepoint if `a <= b`.
LoopIfLeInt = loop_if_le_int { a: Register, b: Register, to: Jump16 }
/// Back-edge with safepoint if `a < b, unsigned`.
LoopIfLtUint = loop_if_lt_uint { a: Register, b: Register, to: Jump16 }
/// Back-edge with safepoint if `a <= b, unsigned`.
LoopIfLeUint = loop_if_le_uint { a: Register, b: Register, to: Jump16 }
/// Back-edge with safepoint if `a == b`.
LoopIfEqFloat = loop_if_eq_float { a: Register, b: Register, to: Jump16 }
/// Back-edge with safepoint if `a != b`.
LoopIfNeFloat = loop_if_ne_float { a: Register, b: Register, to: Jump16 }
/// Back-edge with safepoint if `a < b`.
LoopIfLtFloat = loop_if_lt_float { a: Register, b: Register, to: Jump16 }
/// Back-edge with safepoint if `a <= b`.
LoopIfLeFloat = loop_if_le_float { a: Register, b: Register, to: Jump16 }
/// Back-edge with safepoint if `!(a < b)`.
LoopIfNotLtFloat = loop_if_not_lt_float { a: Register, b: Register, to: Jump16 }
/// Back-edge with safepoint if `!(a <= b)`.
LoopIfNotLeFloat = loop_if_not_le_float { a: Register, b: Register, to: Jump16 }
/// Back-edge with safepoint if `a == value`.
LoopIfEqIntImm = loop_if_eq_int_imm { a: Register, value: Imm16, to: Jump16 }
/// Back-edge with safepoint if `a != value`.
LoopIfNeIntImm = loop_if_ne_int_imm { a: Register, value: Imm16, to: Jump16 }
/// Back-edge with safepoint if `a < value`.
LoopIfLtIntImm = loop_if_lt_int_imm { a: Register, value: Imm16, to: Jump16 }
/// Back-edge with safepoint if `a <= value`.
LoopIfLeIntImm = loop_if_le_int_imm { a: Register, value: Imm16, to: Jump16 }
/// Back-edge with safepoint if `a > value`.
LoopIfGtIntImm = loop_if_gt_int_imm { a: Register, value: Imm16, to: Jump16 }
/// Back-edge with safepoint if `a >= value`.
LoopIfGeIntImm = loop_if_ge_int_imm { a: Register, value: Imm16, to: Jump16 }
/// Jumps if the strings are equal.
JumpIfEqString = jump_if_eq_string { a: Pair, b: Pair, to: Jump16 }
/// Jumps if the strings differ.
JumpIfNeString = jump_if_ne_string { a: Pair, b: Pair, to: Jump16 }
/// `a += 1`, then back-edge with safepoint if `a < b` (signed).
ForLtInt = for_lt_int { a: Register, b: Register, to: Jump16 }
/// `a += 1`, then back-edge with safepoint if `a <= b` (signed).
ForLeInt = for_le_int { a: Register, b: Register, to: Jump16 }
/// `a += 1`, then back-edge with safepoint if `a < value`.
ForLtIntImm = for_lt_int_imm { a: Register, value: Imm16, to: Jump16 }
/// `a += step`, then back-edge with safepoint if `a < b` (signed).
ForStepLtInt = for_step_lt_int { a: Register, b: Register, step: Imm16, to: Jump32 }
/// Jumps to entry `a` of the `count` displacement words that follow (each a `JumpTableEntry`), or past them if `a`, unsigned, is not below `count`.
JumpTable = jump_table { a: Register, count: Count32 }
/// An entry of a jump table; the displacement counts from the first word after the whole table.
JumpTableEntry = jump_table_entry { to: Jump32 }

// ---- heap memory through a pointer: `offset` in bytes; a nil `pointer` panics ----
/// `dst = *(pointer + offset)`: i8.
LoadInt8 = load_int8 { dst: Register, pointer: Register, offset: Count }
/// `dst = *(pointer + offset)`: u8.
LoadUint8 = load_uint8 { dst: Register, pointer: Register, offset: Count }
/// `dst = *(pointer + offset)`: i16.
LoadInt16 = load_int16 { dst: Register, pointer: Register, offset: Count }
/// `dst = *(pointer + offset)`: u16.
LoadUint16 = load_uint16 { dst: Register, pointer: Register, offset: Count }
/// `dst = *(pointer + offset)`: i32.
LoadInt32 = load_int32 { dst: Register, pointer: Register, offset: Count }
/// `dst = *(pointer + offset)`: u32.
LoadUint32 = load_uint32 { dst: Register, pointer: Register, offset: Count }
/// `dst = *(pointer + offset)`: 64-bit scalar.
LoadWord = load_word { dst: Register, pointer: Register, offset: Count }
/// `dst = *(pointer + offset)`: f32, widened.
LoadFloat32 = load_float32 { dst: Register, pointer: Register, offset: Count }
/// `dst = *(pointer + offset)`: reference.
LoadRef = load_ref { dst: Register, pointer: Register, offset: Count }
/// `dst = *(pointer + offset)`: string, slice or interface.
LoadPair = load_pair { dst: Pair, pointer: Register, offset: Count }
/// `*(pointer + offset) = src`: low 8 bits.
Store8 = store8 { src: Register, pointer: Register, offset: Count }
/// `*(pointer + offset) = src`: low 16 bits.
Store16 = store16 { src: Register, pointer: Register, offset: Count }
/// `*(pointer + offset) = src`: low 32 bits.
Store32 = store32 { src: Register, pointer: Register, offset: Count }
/// `*(pointer + offset) = src`: 64-bit scalar.
StoreWord = store_word { src: Register, pointer: Register, offset: Count }
/// `*(pointer + offset) = src`: f32, from the widened value.
StoreFloat32 = store_float32 { src: Register, pointer: Register, offset: Count }
/// `*(pointer + offset) = src`: reference.
StoreRef = store_ref { src: Register, pointer: Register, offset: Count }
/// `*(pointer + offset) = src`: string or slice.
StorePair = store_pair { src: Pair, pointer: Register, offset: Count }
/// `*(pointer + offset) = src`: interface.
StoreInterface = store_interface { src: Pair, pointer: Register, offset: Count }
/// `dst = *pointer`, as package sync/atomic wants it. `kind`, here and below: 0 for int32, 1 for uint32, 2 for 64 bits.
AtomicLoad = atomic_load { dst: Register, pointer: Register, kind: Count }
/// `*pointer = src`, atomically.
AtomicStore = atomic_store { src: Register, pointer: Register, kind: Count }
/// `dst, *pointer = *pointer, src`, atomically.
AtomicSwap = atomic_swap { dst: Register, pointer: Register, src: Register, kind: Count }
/// `dst = *pointer + src`, which `*pointer` becomes, atomically.
AtomicAdd = atomic_add { dst: Register, pointer: Register, src: Register, kind: Count }
/// If `*pointer == old`, then `*pointer = src`, atomically; `dst` says whether.
CompareAndSwap = compare_and_swap { dst: Register, pointer: Register, old: Register, src: Register, kind: Count }
/// `*(pointer + offset) += src`, 64-bit integer.
AddWordAt = add_word_at { src: Register, pointer: Register, offset: Count }
/// `*(pointer + offset) += src`, f64.
AddFloatAt = add_float_at { src: Register, pointer: Register, offset: Count }
/// `*(pointer + offset) -= src`, f64.
SubFloatAt = sub_float_at { src: Register, pointer: Register, offset: Count }
/// `*(pointer + offset) += value`, 64-bit integer.
AddImmAt = add_imm_at { value: Imm16, pointer: Register, offset: Count }
/// `dst = pointer + offset`; panics on nil: address of a field.
FieldAddress = field_address { dst: Register, pointer: Register, offset: Count32 }
/// Panics if `pointer` is nil.
CheckNil = check_nil { pointer: Register }
/// `dst = ` a new zeroed heap object of type `ty`.
New = new { dst: Register, ty: TypeId }
/// Copies a value of type `ty` between heap places (`memmove` by whole 16-, 8-, 4-, 2-, 1-byte units); nil panics.
CopyMemory = copy_memory { dst: Register, src: Register, ty: TypeId }
/// `dst = ` a new heap object of type `ty` with a copy of `*src`; nil panics.
Clone = clone { dst: Register, src: Register, ty: TypeId }
/// Loads a flat value of type `ty` (2 to 4 slots) from `pointer + offset` into its slots.
LoadValue = load_value { dst: Run, pointer: Register, offset: Count, ty: TypeId }
/// Stores a flat value of type `ty` from its slots to `pointer + offset`.
StoreValue = store_value { src: Run, pointer: Register, offset: Count, ty: TypeId }
/// `dst = ` whether two heap values of type `ty` are equal.
EqMemory = eq_memory { dst: Register, a: Register, b: Register, ty: TypeId }

// ---- globals: an area outside the heap, laid out as heap memory ----
/// `dst = ` the address of the global.
GlobalAddress = global_address { dst: Register, at: GlobalOffset }
/// `dst = global`: word.
LoadGlobalWord = load_global_word { dst: Register, at: GlobalOffset }
/// `dst = global`: ref.
LoadGlobalRef = load_global_ref { dst: Register, at: GlobalOffset }
/// `dst = global`: pair.
LoadGlobalPair = load_global_pair { dst: Pair, at: GlobalOffset }
/// `global = src`: word.
StoreGlobalWord = store_global_word { src: Register, at: GlobalOffset }
/// `global = src`: ref.
StoreGlobalRef = store_global_ref { src: Register, at: GlobalOffset }
/// `global = src`: pair.
StoreGlobalPair = store_global_pair { src: Pair, at: GlobalOffset }
/// `global = src`: interface.
StoreGlobalInterface = store_global_interface { src: Pair, at: GlobalOffset }

// ---- slices; `slice` is pointer, then length (low 32 bits) and capacity (high 32 bits) ----
/// `dst = len(slice)`; takes the slice's second slot.
Len = len { dst: Register, header: Register }
/// `dst = cap(slice)`; takes the slice's second slot.
Cap = cap { dst: Register, header: Register }
/// `dst = slice[index]`: i8.
SliceGetInt8 = slice_get_int8 { dst: Register, slice: Pair, index: Register }
/// `dst = slice[index]`: u8.
SliceGetUint8 = slice_get_uint8 { dst: Register, slice: Pair, index: Register }
/// `dst = slice[index]`: i16.
SliceGetInt16 = slice_get_int16 { dst: Register, slice: Pair, index: Register }
/// `dst = slice[index]`: u16.
SliceGetUint16 = slice_get_uint16 { dst: Register, slice: Pair, index: Register }
/// `dst = slice[index]`: i32.
SliceGetInt32 = slice_get_int32 { dst: Register, slice: Pair, index: Register }
/// `dst = slice[index]`: u32.
SliceGetUint32 = slice_get_uint32 { dst: Register, slice: Pair, index: Register }
/// `dst = slice[index]`: 64-bit scalar.
SliceGetWord = slice_get_word { dst: Register, slice: Pair, index: Register }
/// `dst = slice[index]`: f32, widened.
SliceGetFloat32 = slice_get_float32 { dst: Register, slice: Pair, index: Register }
/// `dst = slice[index]`: reference.
SliceGetRef = slice_get_ref { dst: Register, slice: Pair, index: Register }
/// `dst = slice[index]`: string, slice or interface.
SliceGetPair = slice_get_pair { dst: Pair, slice: Pair, index: Register }
/// `slice[index] = src`: low 8 bits.
SliceSet8 = slice_set8 { src: Register, slice: Pair, index: Register }
/// `slice[index] = src`: low 16 bits.
SliceSet16 = slice_set16 { src: Register, slice: Pair, index: Register }
/// `slice[index] = src`: low 32 bits.
SliceSet32 = slice_set32 { src: Register, slice: Pair, index: Register }
/// `slice[index] = src`: 64-bit scalar.
SliceSetWord = slice_set_word { src: Register, slice: Pair, index: Register }
/// `slice[index] = src`: f32, from the widened value.
SliceSetFloat32 = slice_set_float32 { src: Register, slice: Pair, index: Register }
/// `slice[index] = src`: reference.
SliceSetRef = slice_set_ref { src: Register, slice: Pair, index: Register }
/// `slice[index] = src`: string or slice.
SliceSetPair = slice_set_pair { src: Pair, slice: Pair, index: Register }
/// `slice[index] = src`: interface.
SliceSetInterface = slice_set_interface { src: Pair, slice: Pair, index: Register }
/// `dst = &slice[index]`, elements of `size` bytes.
SliceAddress = slice_address { dst: Register, slice: Pair, index: Register, size: Count32 }
/// `dst = slice[i][j]` of a slice of slices of 64-bit scalars; the inner header is loaded whole, once.
SliceGetWord2 = slice_get_word2 { dst: Register, slice: Pair, i: Register, j: Register }
/// `slice[i][j] = src` of a slice of slices of 64-bit scalars.
SliceSetWord2 = slice_set_word2 { src: Register, slice: Pair, i: Register, j: Register }
/// `dst = string[index]`, a byte.
StringGet = string_get { dst: Register, string: Pair, index: Register }
/// `dst = src[low:high:max]`, elements of `size` bytes; absent bounds by Go's rules.
SliceSlice = slice_slice { dst: Pair, src: Pair, low: OptionalRegister, high: OptionalRegister, max: OptionalRegister, size: Count32 }
/// `dst = string[low:high]`.
SliceString = slice_string { dst: Pair, src: Pair, low: OptionalRegister, high: OptionalRegister }
/// `dst = array[low:high:max]` of a pointer to an array of `length` elements of `size` bytes; nil panics; errors speak of length as Go does.
SliceArray = slice_array { dst: Pair, pointer: Register, low: OptionalRegister, high: OptionalRegister, max: OptionalRegister, length: Count32, size: Count32 }
/// `dst = ` the pointer of a slice as a pointer to an array of `length` elements; panics as Go if the slice is shorter.
SliceToArray = slice_to_array { dst: Register, slice: Pair, length: Count32 }
/// `dst = make([]T, length, capacity)`; `ty` is the slice type; `capacity` absent = `length`. Panics as Go.
MakeSlice = make_slice { dst: Pair, length: Register, capacity: OptionalRegister, ty: TypeId }
/// `dst = append(slice, src)`; `src` is a value of the element type in its slots; `ty` is the slice type.
Append = append { dst: Pair, slice: Pair, src: Run, ty: TypeId }
/// Fast form for 8-byte scalar elements.
AppendWord = append_word { dst: Pair, slice: Pair, src: Register, ty: TypeId }
/// Fast form for one-byte elements.
Append8 = append8 { dst: Pair, slice: Pair, src: Register, ty: TypeId }
/// Makes room for `count` more elements (Go's growth rule), length unchanged.
AppendReserve = append_reserve { dst: Pair, slice: Pair, count: Count, ty: TypeId }
/// `dst = append(a, b...)`; `ty` is the slice type.
AppendSlice = append_slice { dst: Pair, a: Pair, b: Pair, ty: TypeId }
/// `dst = append(a, b...)` of a `[]byte` and a string; `ty` is the slice type.
AppendString = append_string { dst: Pair, a: Pair, b: Pair, ty: TypeId }
/// `dst = copy(a, b)`; `ty` is the slice type.
CopySlice = copy_slice { dst: Register, a: Pair, b: Pair, ty: TypeId }
/// `dst = copy(a, b)` of a `[]byte` and a string.
CopyString = copy_string { dst: Register, a: Pair, b: Pair }
/// Zeroes all elements; `ty` is the slice type.
ClearSlice = clear_slice { slice: Pair, ty: TypeId }

// ---- arrays: `array` is a pointer to `length` elements; nil panics ----
/// `dst = array[index]`: i8.
ArrayGetInt8 = array_get_int8 { dst: Register, array: Register, index: Register, length: Count32 }
/// `dst = array[index]`: u8.
ArrayGetUint8 = array_get_uint8 { dst: Register, array: Register, index: Register, length: Count32 }
/// `dst = array[index]`: i16.
ArrayGetInt16 = array_get_int16 { dst: Register, array: Register, index: Register, length: Count32 }
/// `dst = array[index]`: u16.
ArrayGetUint16 = array_get_uint16 { dst: Register, array: Register, index: Register, length: Count32 }
/// `dst = array[index]`: i32.
ArrayGetInt32 = array_get_int32 { dst: Register, array: Register, index: Register, length: Count32 }
/// `dst = array[index]`: u32.
ArrayGetUint32 = array_get_uint32 { dst: Register, array: Register, index: Register, length: Count32 }
/// `dst = array[index]`: 64-bit scalar.
ArrayGetWord = array_get_word { dst: Register, array: Register, index: Register, length: Count32 }
/// `dst = array[index]`: f32, widened.
ArrayGetFloat32 = array_get_float32 { dst: Register, array: Register, index: Register, length: Count32 }
/// `dst = array[index]`: reference.
ArrayGetRef = array_get_ref { dst: Register, array: Register, index: Register, length: Count32 }
/// `dst = array[index]`: string, slice or interface.
ArrayGetPair = array_get_pair { dst: Pair, array: Register, index: Register, length: Count32 }
/// `array[index] = src`: low 8 bits.
ArraySet8 = array_set8 { src: Register, array: Register, index: Register, length: Count32 }
/// `array[index] = src`: low 16 bits.
ArraySet16 = array_set16 { src: Register, array: Register, index: Register, length: Count32 }
/// `array[index] = src`: low 32 bits.
ArraySet32 = array_set32 { src: Register, array: Register, index: Register, length: Count32 }
/// `array[index] = src`: 64-bit scalar.
ArraySetWord = array_set_word { src: Register, array: Register, index: Register, length: Count32 }
/// `array[index] = src`: f32, from the widened value.
ArraySetFloat32 = array_set_float32 { src: Register, array: Register, index: Register, length: Count32 }
/// `array[index] = src`: reference.
ArraySetRef = array_set_ref { src: Register, array: Register, index: Register, length: Count32 }
/// `array[index] = src`: string or slice.
ArraySetPair = array_set_pair { src: Pair, array: Register, index: Register, length: Count32 }
/// `array[index] = src`: interface.
ArraySetInterface = array_set_interface { src: Pair, array: Register, index: Register, length: Count32 }
/// `dst = &array[index]`, elements of `size` bytes.
ArrayAddress = array_address { dst: Register, array: Register, index: Register, length: Count32, size: Count32 }

// ---- strings ----
/// `dst = a + b`.
Concat = concat { dst: Pair, a: Pair, b: Pair }
/// `dst = ` concatenation of `count` strings in consecutive pairs from `first`.
ConcatRun = concat_run { dst: Pair, first: Run, count: Count }
/// `dst = string(rune(a))`.
StringFromRune = string_from_rune { dst: Pair, a: Register }
/// `dst = string(bytes)`.
StringFromBytes = string_from_bytes { dst: Pair, bytes: Pair }
/// `dst = string(runes)`.
StringFromRunes = string_from_runes { dst: Pair, runes: Pair }
/// `dst = []byte(string)`.
BytesFromString = bytes_from_string { dst: Pair, string: Pair }
/// `dst = []rune(string)`.
RunesFromString = runes_from_string { dst: Pair, string: Pair }
/// Decodes the rune at byte `index` (< len): `rune`, and `next` = index of the following one. Invalid UTF-8 gives U+FFFD, width 1.
StringNext = string_next { rune: Register, next: Register, string: Pair, index: Register }

// ---- maps; `ty` is the map type; a nil map reads as empty, writing panics ----
/// `dst = make(map[K]V, hint)`; `hint` absent = 0.
MakeMap = make_map { dst: Register, hint: OptionalRegister, ty: TypeId }
/// `dst = map[key]` or the zero value (`slots(V)` slots; a fresh box for a boxed V).
MapGet = map_get { dst: Run, map: Register, key: Run, ty: TypeId }
/// `dst, ok = map[key]`.
MapGetOk = map_get_ok { dst: Run, ok: Register, map: Register, key: Run, ty: TypeId }
/// `MapGet` for keys that are integers or bools and values of 64 bits that are numbers.
MapGetWord = map_get_word { dst: Register, map: Register, key: Register, ty: TypeId }
/// `MapGetOk` for such keys and values.
MapGetWordOk = map_get_word_ok { dst: Register, ok: Register, map: Register, key: Register, ty: TypeId }
/// `MapGet` for string keys.
MapGetString = map_get_string { dst: Run, map: Register, key: Pair, ty: TypeId }
/// `MapGetOk` for string keys.
MapGetStringOk = map_get_string_ok { dst: Run, ok: Register, map: Register, key: Pair, ty: TypeId }
/// `map[key] = src`.
MapSet = map_set { map: Register, key: Run, src: Run, ty: TypeId }
/// `dst = ` address of `map[key]`'s value, inserted as zero if absent. Good until the map is next touched; used by the very next memory instructions of `m[k] op= v`.
MapAddress = map_address { dst: Register, map: Register, key: Run, ty: TypeId }
/// `delete(map, key)`.
MapDelete = map_delete { map: Register, key: Run, ty: TypeId }
/// `dst = len(map)`.
MapLen = map_len { dst: Register, map: Register }
/// `clear(map)`.
MapClear = map_clear { map: Register, ty: TypeId }
/// `iterator = ` a new iterator object (a reference) over the map, random start.
MapIterate = map_iterate { iterator: Register, map: Register, ty: TypeId }
/// Next entry into `key` and `value` (absent: not wanted), or jumps when done. `ty` is the map type.
MapNext = map_next { iterator: Register, key: OptionalRegister, value: OptionalRegister, ty: TypeId, to: Jump32 }

// ---- interfaces: type word (0 = nil), data slot ----
/// `dst = ` interface holding the value of concrete type `ty` in `src` (`slots(ty)` slots). One-slot values inline; others in a new heap object. A boxed value (its slot is a box) is taken over, not copied.
MakeInterface = make_interface { dst: Pair, src: Run, ty: TypeId }
/// Unpacks the data of an interface known to hold `ty` into `slots(ty)` slots; a boxed value is NOT copied (the compiler clones it where it may be changed).
Unpack = unpack { dst: Run, src: Pair, ty: TypeId }
/// `dst = src.(ty)`, concrete `ty`; panics as Go; `from` is the static interface type, for the message. As with `Unpack`, a boxed
/// value is not copied: the compiler clones it.
AssertType = assert_type { dst: Run, src: Pair, ty: TypeId, from: TypeId }
/// `dst, ok = src.(ty)`, concrete; zero value (fresh box for boxed types) when not ok. A boxed value is not copied.
AssertTypeOk = assert_type_ok { dst: Run, ok: Register, src: Pair, ty: TypeId }
/// `dst = src.(I)`; `ty` is the interface type `I`.
AssertInterface = assert_interface { dst: Pair, src: Pair, ty: TypeId }
/// `dst, ok = src.(I)`.
AssertInterfaceOk = assert_interface_ok { dst: Pair, ok: Register, src: Pair, ty: TypeId }
/// Jumps if `src` does not hold concrete type `ty`.
JumpIfNotType = jump_if_not_type { src: Pair, ty: TypeId, to: Jump32 }
/// Jumps if `src` does not implement interface type `ty` (nil does not).
JumpIfNotInterface = jump_if_not_interface { src: Pair, ty: TypeId, to: Jump32 }

// ---- calls; the callee's frame is `fp + window`; `fp[window-2]` and `fp[window-1]` are written by the call; results come back from `fp[window]` on ----
/// Static call. In a linked image `function` is the distance in words from the first word after the instruction.
Call = call { window: Window, function: FunctionId }
/// Calls a func value; nil panics.
CallClosure = call_closure { window: Window, closure: Register }
/// Calls method `selector`; the receiver's data slot is stored to `fp[window]`; other arguments stand from `fp[window+1]`. nil panics.
CallInterface = call_interface { window: Window, receiver: Pair, selector: Selector }
/// Calls a native; arguments and results in the window as for a call. May park, block or panic by its table row.
CallNative = call_native { window: Window, native: NativeId }
/// Returns with no results.
Return = return { }
/// Returns one slot.
ReturnOne = return_one { src: Register }
/// Returns `count` slots from `src` (memmove to `fp[0]`).
ReturnRun = return_run { src: Run, count: Count }
/// Explicit stack check at the entry of functions whose frame is larger than the red zone.
CheckStack = check_stack { slots: Count32 }
/// `go closure(args)`; `count` argument slots at `fp[window]`; a nil func value panics.
Go = go { window: Window, closure: Register, count: Count }
/// `defer closure(args)`; `count` argument slots at `fp[window]`. A nil func value panics when run, as in Go.
Defer = defer { window: Window, closure: Register, count: Count }
/// `dst = ` a token of this frame, for [`DeferAt`].
DeferToken = defer_token { dst: Pair }
/// `Defer` to the end of the frame that made the token: a frame further out, of the same goroutine.
DeferAt = defer_at { window: Window, closure: Register, count: Count, token: Pair }
/// Sets the state of a range over a function.
RangeState = range_state { control: Register, value: Imm16 }
/// Begins a call of the body of a range over a function: panics unless the loop waits for one.
RangeEnter = range_enter { control: Register }
/// Ends a range over a function: panics if its body has panicked and the function ranged over has recovered that.
RangeExit = range_exit { control: Register }
/// Runs this frame's deferred calls, last first; the instruction is re-entered after each until none is left.
RunDefers = run_defers { window: Window }
/// `dst = recover()`.
Recover = recover { dst: Pair }
/// `panic(value)`.
Panic = panic { value: Pair }
/// `dst = ` new closure of `function` over the `count` slots from `first` (kinds: `Function::captures`).
MakeClosure = make_closure { dst: Register, first: Run, count: Count, function: FunctionId }
/// `count` captured slots from index `index` of the running closure to `dst`.
LoadCapture = load_capture { dst: Run, index: Count, count: Count }

// ---- channels; `ty` is the channel type ----
/// `dst = make(chan T, size)`; `size` absent = 0.
MakeChannel = make_channel { dst: Register, size: OptionalRegister, ty: TypeId }
/// `channel <- src`; may park.
Send = send { channel: Register, src: Run, ty: TypeId }
/// `dst = <-channel`; `dst` absent: the value is dropped; may park.
Receive = receive { dst: OptionalRegister, channel: Register, ty: TypeId }
/// `dst, ok = <-channel`; may park.
ReceiveOk = receive_ok { dst: OptionalRegister, ok: Register, channel: Register, ty: TypeId }
/// `close(channel)`.
CloseChannel = close_channel { channel: Register }
/// `dst = len(channel)`.
ChannelLen = channel_len { dst: Register, channel: Register }
/// `dst = cap(channel)`.
ChannelCap = channel_cap { dst: Register, channel: Register }
/// `select` over the `count` SelectSend/SelectReceive words that follow; `dst` = chosen index, or -1 for the default if `has_default`. Execution goes on after the last case word. May park.
Select = select { dst: Register, count: Count, has_default: Count }
/// A case of the select before it; never executed by itself.
SelectSend = select_send { channel: Register, src: Run, ty: TypeId }
/// A case of the select before it; never executed by itself.
SelectReceive = select_receive { channel: Register, dst: OptionalRegister, ok: OptionalRegister, ty: TypeId }

// ---- the rest ----
/// Marks code that cannot be reached (after a call that never returns); executing it is a bug.
Unreachable = unreachable { }
/// The machine's own: the linker puts a few before the program's code, where goroutines end and panics go on. The
/// verifier refuses it in functions.
Stub = stub { number: Count }}
