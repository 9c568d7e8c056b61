//! Run-time type descriptors: what the heap, equality, hashing, printing and assertions know of a type.

use crate::operand::{FunctionId, TypeId};
use serde::{Deserialize, Serialize};

/// What one slot or heap word holds, for the collector.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum SlotKind {
    Scalar,
    /// 0 or the address of (or into) a heap object, or of immortal memory outside the heap.
    Ref,
    /// The word after an interface's type word, which says whether it is a reference.
    InterfaceData,
}

/// The kind of a type, with what belongs to it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum TypeKind {
    Bool,
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Uintptr,
    Float32,
    Float64,
    /// Two float32, one slot each.
    Complex64 {
        /// The type of the parts.
        part: TypeId,
    },
    /// Two float64.
    Complex128 {
        /// The type of the parts.
        part: TypeId,
    },
    String,
    Pointer {
        element: TypeId,
    },
    Slice {
        element: TypeId,
    },
    Array {
        element: TypeId,
        length: u64,
    },
    Map {
        key: TypeId,
        value: TypeId,
    },
    Channel {
        element: TypeId,
        direction: ChannelDirection,
    },
    Struct {
        fields: Vec<Field>,
    },
    Function {
        parameters: Vec<TypeId>,
        results: Vec<TypeId>,
        variadic: bool,
    },
    Interface {
        methods: Vec<InterfaceMethod>,
    },
    /// Several values at once: of no variable. An empty one stands for a type whose own kind is still being made.
    Tuple {
        elements: Vec<TypeId>,
    },
}

impl TypeKind {
    /// Whether it is one of the integers with a sign: `int`, `int8` to `int64`.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        use TypeKind as K;
        matches!(self, K::Int | K::Int8 | K::Int16 | K::Int32 | K::Int64)
    }

    /// Whether it is one of the integers without: `uint`, `uint8` to `uint64`, `uintptr`.
    #[must_use]
    pub fn is_unsigned(&self) -> bool {
        use TypeKind as K;
        matches!(
            self,
            K::Uint | K::Uint8 | K::Uint16 | K::Uint32 | K::Uint64 | K::Uintptr
        )
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ChannelDirection {
    Both,
    Send,
    Receive,
}

/// A struct field, in declaration order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Field {
    pub name: String,
    pub ty: TypeId,
    /// Byte offset in the heap.
    pub offset: u32,
    /// First slot of the field in a flat struct (meaningless in a boxed one).
    pub slot: u16,
    pub embedded: bool,
    pub exported: bool,
    pub tag: String,
}

/// A method an interface asks for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct InterfaceMethod {
    /// Index into `Program::selectors`.
    pub selector: u32,
    pub name: String,
}

/// A method a concrete type offers through interfaces.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Method {
    /// Index into `Program::selectors`.
    pub selector: u32,
    pub name: String,
    /// Takes the interface's *data slot* as its first parameter slot, then the arguments. The compiler makes wrappers where
    /// the declared method wants the receiver in another shape.
    pub function: FunctionId,
}

/// One type at run time. Identical types have one descriptor, so type identity is identity of descriptors.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TypeDescriptor {
    /// As Go's `%T` prints it: `int`, `main.Point`, `[]string`, `map[string]*main.Node`.
    pub name: String,
    /// For a defined type: its bare name (`Point`) and package path (`main`, `strings`; empty for predeclared); else empty.
    pub own_name: String,
    pub package: String,
    pub kind: TypeKind,
    /// Heap size in bytes, a multiple of `align`.
    pub size: u32,
    /// Heap alignment: 1, 2, 4, 8, or 16 for types that hold a 16-byte value.
    pub align: u8,
    /// Kinds of its register slots; `slots.len()` is its size in registers.
    pub slots: Vec<SlotKind>,
    /// In registers the value is a reference to a private heap object of this type (large structs, arrays).
    pub boxed: bool,
    /// Heap words that hold references, as (word offset, kind), ascending. For an array only of its first element: the
    /// pattern repeats every element size, see `pattern_period`.
    pub pattern: Vec<(u32, SlotKind)>,
    /// Bytes after which `pattern` repeats (the element's size for arrays, else `size`).
    pub pattern_period: u32,
    /// `==` is defined.
    pub comparable: bool,
    /// Equality and hash are those of the raw bytes/slot (integers, bools, pointers, channels).
    pub plain_memory: bool,
    /// Methods callable through interfaces, sorted by selector. Empty for interface types.
    pub methods: Vec<Method>,
    /// The pointer type to this type, if the program has one.
    pub pointer_to: Option<TypeId>,
}

impl TypeDescriptor {
    /// Whether an interface's data slot holding this type is a reference: one-slot types by their slot's kind, wider ones always.
    pub fn interface_data_is_reference(&self) -> bool {
        match self.slots.as_slice() {
            [] => false,
            [one] => *one == SlotKind::Ref,
            _ => true,
        }
    }
}
