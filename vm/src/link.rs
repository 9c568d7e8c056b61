//! Linking: a program and natives become an image.
//!
//! 1. The verifier runs, always: the interpreter's unchecked accesses rest on it.
//! 2. All code goes into one block behind the stubs; static calls become distances in words.
//! 3. Natives are looked up by name and their Rust signatures compared with the declarations.
//! 4. Types, strings, immortal closures and globals are laid out and pinned.

use bytecode::{Opcode, Program, TypeDescriptor, TypeId, TypeKind, Word, op, verify};

use crate::globals::Globals;
use crate::heap::{Heap, OutOfMemory, Shape};
use crate::image::{Image, LinkedFunction};
use crate::native::{Native, NativeTable};
use crate::running::stub;
use crate::types::{TypeTable, reference_words, slot_words};

/// Why a program cannot be linked. All but the lack of memory are mistakes of the compiler or of a package, not of the script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LinkError {
    /// The code is not sound.
    Verify(verify::VerifyError),
    /// A body-less function has no native.
    MissingNative(String),
    /// A native's Rust types do not fit its declaration.
    Signature { name: String, native: String },
    /// The program has no entry, no known types, or too much of something.
    Malformed(&'static str),
    /// No memory.
    OutOfMemory,
}

impl std::fmt::Display for LinkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LinkError::Verify(error) => write!(f, "bad code: {error}"),
            LinkError::MissingNative(name) => write!(f, "no native function for {name}"),
            LinkError::Signature { name, native } => write!(
                f,
                "the native function for {name} is {native}, not what is declared"
            ),
            LinkError::Malformed(what) => write!(f, "malformed program: {what}"),
            LinkError::OutOfMemory => f.write_str("out of memory"),
        }
    }
}

impl std::error::Error for LinkError {}

impl From<OutOfMemory> for LinkError {
    fn from(_: OutOfMemory) -> LinkError {
        LinkError::OutOfMemory
    }
}

/// Links a program for a heap.
///
/// # Errors
/// See [`LinkError`].
pub(crate) fn link(
    mut program: Program,
    natives: &NativeTable,
    heap: &Heap,
) -> Result<Image, LinkError> {
    debug_assert_eq!(bytecode::tables::check(&program), Ok(()));
    verify::program(&program).map_err(LinkError::Verify)?;
    let (Some(entry), Some(known)) = (program.entry, program.known) else {
        return Err(LinkError::Malformed("no entry or known types"));
    };
    if program.selectors.len() > usize::from(u16::MAX) {
        return Err(LinkError::Malformed("too many methods"));
    }
    if program
        .functions
        .get(entry.0 as usize)
        .is_none_or(|f| !f.parameters.is_empty())
    {
        return Err(LinkError::Malformed(
            "entry is no function without parameters",
        ));
    }
    let texts = [
        known.string,
        known.runtime_error,
        known.bounds_error,
        known.type_assertion_error,
        known.panic_nil_error,
        known.plain_error,
    ];
    if !texts.iter().all(|&id| holds_text(&program.types, id)) {
        return Err(LinkError::Malformed("known types"));
    }
    let starts = starts(&program)?;
    let code = code(&mut program, &starts)?;
    let types = TypeTable::new(heap, &program.types, |function| starts[function.0 as usize]);
    let natives = link_natives(&program, natives)?;
    let closures = starts[..program.functions.len()]
        .iter()
        .copied()
        .chain(0..u32::from(stub::COUNT))
        .map(|start| std::ptr::from_ref(&code[start as usize]) as u64)
        .collect();
    let (string_bytes, strings) = strings(&program);
    let globals = Globals::new(program.globals_size, globals_shape(&program, heap))
        .ok_or(LinkError::OutOfMemory)?;
    let functions = std::mem::take(&mut program.functions)
        .into_iter()
        .enumerate()
        .map(|(index, function)| LinkedFunction {
            start: starts[index],
            end: starts[index + 1],
            closure_site: closure_site(heap, &function.captures),
            liveness: std::sync::OnceLock::new(),
            function,
        })
        .collect();
    Ok(Image {
        code,
        functions,
        types,
        strings,
        string_bytes,
        closures,
        natives,
        selectors: program.selectors,
        globals,
        entry,
        known,
        reflection: program.reflection,
        made_types: crate::made_types::MadeTypes::default(),
    })
}

/// Whether an interface's data word of this type leads to a string: the type is a string, or points to a struct of one.
fn holds_text(types: &[TypeDescriptor], id: TypeId) -> bool {
    let kind = |id: TypeId| types.get(id.0 as usize).map(|ty| &ty.kind);
    let holder = match kind(id) {
        Some(TypeKind::Pointer { element }) => kind(*element),
        kind => kind,
    };
    match holder {
        Some(TypeKind::String) => holder == kind(id),
        Some(TypeKind::Struct { fields }) => {
            matches!(&fields[..], [field] if kind(field.ty) == Some(&TypeKind::String))
        }
        _ => false,
    }
}

/// Where each function's code begins; last, where all ends.
fn starts(program: &Program) -> Result<Vec<u32>, LinkError> {
    let mut at = u32::from(stub::COUNT);
    let mut starts = vec![at];
    for function in &program.functions {
        let length = u32::try_from(function.code.len())
            .map_err(|_| LinkError::Malformed("too much code"))?;
        at = at
            .checked_add(length)
            .filter(|at| *at <= i32::MAX as u32)
            .ok_or(LinkError::Malformed("too much code"))?;
        starts.push(at);
    }
    Ok(starts)
}

/// The block of all code.
fn code(program: &mut Program, starts: &[u32]) -> Result<Box<[Word]>, LinkError> {
    let mut code: Vec<Word> = Vec::with_capacity(starts.last().copied().unwrap_or(0) as usize);
    for number in 0..stub::COUNT {
        code.extend(
            op::Stub {
                number: bytecode::Count(number),
            }
            .encode(),
        );
    }
    for function in &mut program.functions {
        let from = code.len();
        code.append(&mut function.code);
        let mut at = from;
        while at < code.len() {
            let opcode = Opcode::from_u16(code[at].0[0])
                .ok_or(LinkError::Malformed("unknown instruction"))?;
            let next = at + opcode.words();
            match opcode {
                Opcode::Call => {
                    if let Some(words) = code[at..].first_chunk::<{ op::Call::WORDS }>() {
                        let mut call = op::Call::decode(words);
                        // A distance in words from the first word after the instruction.
                        call.function.0 =
                            starts[call.function.0 as usize].wrapping_sub(next as u32);
                        code[at..next].copy_from_slice(&call.encode());
                    }
                }
                Opcode::Defer if function.recovery.is_none() => {
                    return Err(LinkError::Malformed(
                        "a function that defers has no recovery code",
                    ));
                }
                _ => {}
            }
            at = next;
        }
    }
    Ok(code.into_boxed_slice())
}

fn link_natives(program: &Program, natives: &NativeTable) -> Result<Vec<Native>, LinkError> {
    program
        .natives
        .iter()
        .map(|reference| {
            let native = natives
                .get(&reference.name)
                .ok_or_else(|| LinkError::MissingNative(reference.name.clone()))?;
            let signature = (native.signature)();
            if !signature.agrees_with(&program.types, &reference.parameters, &reference.results) {
                return Err(LinkError::Signature {
                    name: reference.name.clone(),
                    native: signature.to_string(),
                });
            }
            Ok(*native)
        })
        .collect()
}

/// All string constants in one piece of memory, and address and length of each.
fn strings(program: &Program) -> (Box<[u8]>, Vec<[u64; 2]>) {
    let bytes: Box<[u8]> = program.strings.concat().into_boxed_slice();
    let mut at = bytes.as_ptr() as u64;
    let strings = program
        .strings
        .iter()
        .map(|string| {
            let length = string.len() as u64;
            let address = if length == 0 { 0 } else { at };
            at += length;
            [address, length]
        })
        .collect();
    (bytes, strings)
}

fn globals_shape(program: &Program, heap: &Heap) -> Shape {
    let words: Vec<_> = program
        .globals
        .iter()
        .flat_map(|global| {
            reference_words(&program.types[global.ty.0 as usize])
                .into_iter()
                .map(move |(word, kind)| (word + global.offset / 8, kind))
        })
        .collect();
    heap.shape(&words, program.globals_size.next_multiple_of(8))
}

fn closure_site(heap: &Heap, captures: &[bytecode::SlotKind]) -> crate::heap::Site {
    let size = 8 * (captures.len() + 1);
    heap.site(heap.shape(&slot_words(captures, 1), size as u32), size)
}
