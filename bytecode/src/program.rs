//! The compiled program: what the compiler hands to the linker of the virtual machine.

use crate::operand::{FunctionId, TypeId, Word};
use crate::stored::{code, line_table, place, texts};
use crate::types::{Method, SlotKind, TypeDescriptor};
use diagnostics::TextRange;
use serde::{Deserialize, Serialize};

/// Fewer free slots than this above a callee's frame pointer are never left by the entry check, so that only functions
/// with larger frames need [`crate::op::CheckStack`]. In slots. Every goroutine pays for it in memory, hence small.
pub const RED_ZONE: u32 = 48;

/// The largest frame, so that a window above it still fits 16 bits.
pub const MAX_FRAME: u32 = 65_000;

/// A function's frame: `fp[-2]` return word, `fp[-1]` the closure that is running (0 for none), `fp[0..]` parameters in
/// their slots, then locals, temporaries and callee windows. Results are returned from `fp[0]` on.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Function {
    /// As Go prints it in traces: `main.main`, `main.(*T).Method`, `main.f.func1`.
    pub name: String,
    #[serde(with = "code")]
    pub code: Vec<Word>,
    /// Slots used above `fp`, callee windows' heads included; parameters and results included.
    pub frame_size: u32,
    /// Kinds of the parameter slots (also the live map at the entry safepoint).
    pub parameters: Vec<SlotKind>,
    /// Kinds of the result slots.
    pub results: Vec<SlotKind>,
    /// Kinds of the captured slots of its closures.
    pub captures: Vec<SlotKind>,
    /// For every instruction at which the goroutine may stop or be collected (calls, back-edges, natives, channel operations, go, defer...):
    /// word offset of the instruction, and an index into `maps`. Sorted by offset.
    pub safepoints: Vec<(u32, u32)>,
    /// Live reference slots at safepoints: (slot, kind), `Scalar` never listed; for `InterfaceData` the type word is in
    /// the slot before. Everything listed has been written on every path there. At a call the map leaves
    /// out the callee's window; at `CallNative` it includes the argument slots of the window.
    pub maps: Vec<Vec<(u16, SlotKind)>>,
    /// (word offset, position) of instructions, ascending: the entry at or before an offset counts.
    #[serde(with = "line_table")]
    pub lines: Vec<(u32, TextRange)>,
    /// Where the function goes on after a panic of its own was recovered: runs the remaining deferred calls and returns the
    /// result variables. `None` if it has no `defer`. The instruction there must have a live map (a `RunDefers` has one): it says what the
    /// collector keeps of the frame while deferred calls run after a panic, so it lists the result variables (or their cells),
    /// which must be initialised before anything can panic.
    pub recovery: Option<u32>,
    /// Position of the function's declaration.
    #[serde(with = "place")]
    pub range: Option<TextRange>,
    /// Word offsets, ascending, of instructions whose index or slice bounds are of an unsigned 64-bit type, and which of the bounds (bit 0 for
    /// the index or the first): asked for only when they
    /// panic, since the message then shows a value above 2^63 as it is and not as a negative one.
    pub unsigned: Vec<(u32, u8)>,
    /// A wrapper that the compiler made (method values, interface tables, go/defer of builtins): left out of traces, and `recover`
    /// looks through it.
    pub wrapper: bool,
}

/// A native function that the program wants.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NativeReference {
    /// Package path and name, `strings.Index`; methods as `strings.Builder.WriteString` (receiver's base type, pointer or not).
    pub name: String,
    /// Declared parameter and result types, receiver first.
    pub parameters: Vec<TypeId>,
    pub results: Vec<TypeId>,
    /// Slots of all parameters.
    pub parameter_slots: u16,
    /// Kinds of the parameter slots: part of the collector's view while the native is parked or blocking.
    pub parameter_kinds: Vec<SlotKind>,
}

/// A method name that can be called through an interface. Two are the same when name, package (if unexported) and
/// signature are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SelectorName {
    pub name: String,
    /// Empty for exported names.
    pub package: String,
    /// As Go prints the method's type without `func`: `(int) string`.
    pub signature: String,
}

/// A package variable in the globals area.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Global {
    /// `main.counter`.
    pub name: String,
    pub ty: TypeId,
    /// Byte offset, aligned to the type. Boxed types lie in the area inline, like struct fields in the heap.
    pub offset: u32,
}

/// Well-known types the machine itself makes values of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KnownTypes {
    pub bool: TypeId,
    pub int: TypeId,
    pub string: TypeId,
    pub error: TypeId,
    /// `any`.
    pub any: TypeId,
    pub byte_slice: TypeId,
    pub string_slice: TypeId,
    pub any_slice: TypeId,
    /// `runtime.errorString`: run-time errors; its `Error()` puts "runtime error: " before the text.
    pub runtime_error: TypeId,
    /// `runtime.boundsError`, a struct of one string: indices and slices out of range, conversions to arrays that are too long.
    pub bounds_error: TypeId,
    /// `*runtime.TypeAssertionError`, a pointer to a struct of one string, the text.
    pub type_assertion_error: TypeId,
    /// `*runtime.PanicNilError`, likewise.
    pub panic_nil_error: TypeId,
    /// `runtime.plainError`: run-time panics printed without "runtime error: " that are `runtime.Error`s
    /// ("close of closed channel", "send on closed channel", "close of nil channel", "all goroutines..." ...).
    pub plain_error: TypeId,
    /// `runtime.panicText(v any) string`, the text of an uncaught panic's value; `None` in programs without package `runtime`.
    pub panic_text: Option<FunctionId>,
}

/// A function that a host may call by its name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Export {
    /// Its name in the program's first package.
    pub name: String,
    pub function: FunctionId,
    /// Its type, a function type.
    pub ty: TypeId,
}

/// What a host that embeds the program may ask for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Exports {
    /// Initialises all packages in order.
    pub initialize: FunctionId,
    /// Does what the program does once its packages are initialised: calls `main.main`, runs a script's statements.
    pub main: FunctionId,
    /// The functions of the program's first package that are not generic, sorted by name.
    pub functions: Vec<Export>,
}

/// A compiled program.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Program {
    pub functions: Vec<Function>,
    pub types: Vec<TypeDescriptor>,
    #[serde(with = "texts")]
    pub strings: Vec<Vec<u8>>,
    pub natives: Vec<NativeReference>,
    pub selectors: Vec<SelectorName>,
    pub globals: Vec<Global>,
    /// Size of the globals area in bytes.
    pub globals_size: u32,
    /// Initialises all packages in order, then calls `main.main`.
    pub entry: Option<FunctionId>,
    /// Set by the compiler for every program.
    pub known: Option<KnownTypes>,
    /// What package `reflect` wants to know; `None` in programs without it.
    pub reflection: Option<Reflection>,
    /// For a host that embeds the program; `None` in programs that are only run.
    pub exports: Option<Exports>,
}

/// What only reflection asks about a program's types.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Reflection {
    /// Types that no value has: the arrays behind slices that literals make.
    pub hidden: Vec<TypeId>,
    /// By selector: the function type of such methods, without the receiver. Shorter than the table of selectors when the program
    /// does not look at methods.
    pub method_types: Vec<Option<TypeId>>,
    /// Types with exported methods and how many those are, sorted; not of interfaces.
    pub exported_methods: Vec<(TypeId, u32)>,
    /// Struct types with unexported fields and the package these belong to, sorted.
    pub field_packages: Vec<(TypeId, String)>,
    /// Function types and the functions that `reflect.MakeFunc` makes closures of, sorted. Such a function captures one
    /// `func([]any) []any`, hands its arguments to it, and returns what that gives, which must be of the right types.
    pub made: Vec<(TypeId, FunctionId)>,
}

/// What a unit adds to a program that was linked already. Numbers go on where those of the program end.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Addition {
    pub functions: Vec<Function>,
    pub types: Vec<TypeDescriptor>,
    pub strings: Vec<Vec<u8>>,
    pub natives: Vec<NativeReference>,
    pub selectors: Vec<SelectorName>,
    pub globals: Vec<Global>,
    /// Size of the globals area in bytes, with all globals.
    pub globals_size: u32,
    /// Earlier types that have other methods now: all methods of each, sorted by selector. None is missing that the type had before.
    pub methods: Vec<(TypeId, Vec<Method>)>,
    /// Earlier types, and the types of pointers to them, which are new.
    pub pointers: Vec<(TypeId, TypeId)>,
    /// Runs the unit.
    pub entry: Option<FunctionId>,
    /// Set in every addition.
    pub known: Option<KnownTypes>,
    /// As [`Program::reflection`], for the whole program, if it has changed.
    pub reflection: Option<Reflection>,
}

impl Program {
    /// Adds a unit. The code of its functions is in the program until [`Program::take_functions`].
    pub fn add(&mut self, addition: Addition) {
        self.functions.extend(addition.functions);
        self.types.extend(addition.types);
        self.strings.extend(addition.strings);
        self.natives.extend(addition.natives);
        self.selectors.extend(addition.selectors);
        self.globals.extend(addition.globals);
        self.globals_size = addition.globals_size;
        for (id, methods) in addition.methods {
            self.types[id.0 as usize].methods = methods;
        }
        for (id, pointer) in addition.pointers {
            self.types[id.0 as usize].pointer_to = Some(pointer);
        }
        self.entry = addition.entry;
        self.known = addition.known;
        if addition.reflection.is_some() {
            self.reflection = addition.reflection;
        }
    }

    /// Takes the functions from number `from` on out of the program, which keeps what callers and the verifier look at.
    pub fn take_functions(&mut self, from: usize) -> Vec<Function> {
        self.functions[from..]
            .iter_mut()
            .map(|function| {
                let head = Function {
                    captures: function.captures.clone(),
                    parameters: function.parameters.clone(),
                    ..Function::default()
                };
                std::mem::replace(function, head)
            })
            .collect()
    }
}
