//! Linking: a program and natives become an image.
//!
//! 1. The verifier runs, always: the interpreter's unchecked accesses rest on it.
//! 2. All code goes into one block behind the stubs; static calls become distances in words.
//! 3. Natives are looked up by name and their Rust signatures compared with the declarations.
//! 4. Types, strings, immortal closures and globals are laid out and pinned.
//!
//! The result is shared by all machines that run the program. Shapes and sites are those of a plan, on which each machine makes its heap.
//!
//! A program that grows is linked in the same steps, unit by unit ([`grow`]), into tables that have room.

use std::sync::Arc;

use bytecode::{
    Addition, Function, FunctionId, Opcode, Program, TypeDescriptor, TypeId, TypeKind, Word, op,
    verify,
};

use crate::globals::Globals;
use crate::heap::{Heap, OutOfMemory, PlanMaker, Planner, Shape};
use crate::host_function::HostEntry;
use crate::image::{Image, Linked, LinkedFunction};
use crate::native::{Entry, Native, NativeTable, Signature};
use crate::pinned::Pinned;
use crate::profiling::Sampling;
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

/// How many words of code, and functions, a program that grows can have.
const CODE_ROOM: usize = 1 << 28;
const FUNCTION_ROOM: usize = 1 << 24;

/// Links a program; `grows`: [`grow`] can add to it.
///
/// # Errors
/// See [`LinkError`].
pub(crate) fn link(
    mut program: Program,
    natives: &NativeTable,
    grows: bool,
) -> Result<Linked, LinkError> {
    let plan = PlanMaker::default();
    debug_assert_eq!(bytecode::tables::check(&program), Ok(()));
    let (mut code, closures) = match grows {
        false => {
            let words = program
                .functions
                .iter()
                .map(|f| f.code.len())
                .sum::<usize>();
            let code = Vec::with_capacity(words + usize::from(stub::COUNT));
            (code, None)
        }
        true => {
            let closures = Pinned::with_room(FUNCTION_ROOM).ok_or(LinkError::OutOfMemory)?;
            (Vec::new(), Some(closures))
        }
    };
    for number in 0..stub::COUNT {
        code.extend(
            op::Stub {
                number: bytecode::Count(number),
            }
            .encode(),
        );
    }
    check(&program, 0)?;
    let starts = starts(&program.functions, u32::from(stub::COUNT))?;
    let start_of = |id: FunctionId| starts[id.0 as usize];
    add_code(&mut code, &mut program.functions, start_of, starts[0])?;
    let code = match grows {
        false => Pinned::exact(code),
        true => {
            let mut room = Pinned::with_room(CODE_ROOM).ok_or(LinkError::OutOfMemory)?;
            if !room.extend(&code) {
                return Err(LinkError::Malformed("too much code"));
            }
            room
        }
    };
    let types = {
        let mut types = TypeTable::default();
        types.add(
            &plan,
            &program.types,
            |function| starts[function.0 as usize],
            grows,
        );
        types
    };
    let mut host_entries = Vec::new();
    let natives = link_natives(&program, natives, &types, 0, &mut host_entries)?;
    let address = |start: u32| std::ptr::from_ref(&code[start as usize]) as u64;
    let entries: Vec<u64> = starts[..program.functions.len()]
        .iter()
        .map(|start| address(*start))
        .collect();
    let closures = match closures {
        None => Pinned::exact(entries),
        Some(mut closures) => {
            if !closures.extend(&entries) {
                return Err(LinkError::Malformed("too many functions"));
            }
            closures
        }
    };
    let (string_bytes, strings) = strings(&program.strings);
    let globals_shape = globals_shape(&program, 0, 0, &plan);
    let functions = linked(std::mem::take(&mut program.functions), &starts, &plan);
    let (Some(entry), Some(known)) = (program.entry, program.known) else {
        return Err(LinkError::Malformed("no entry or known types"));
    };
    let mut image = Linked {
        stub_closures: Pinned::exact((0..u32::from(stub::COUNT)).map(address).collect()),
        code,
        functions,
        types,
        strings,
        string_bytes: vec![string_bytes],
        closures,
        natives,
        host_entries,
        exports: program.exports.take(),
        selectors: std::mem::take(&mut program.selectors),
        sampling: Sampling::of(&program.natives, &program.globals),
        globals_size: program.globals_size,
        globals_shape,
        variables: match grows {
            false => std::mem::take(&mut program.globals),
            true => program.globals.clone(),
        },
        channel_site: crate::objects::channel::site(&plan),
        plan: plan.finish(),
        entry,
        known,
        reflection: program.reflection.take(),
        program: None,
    };
    if grows {
        // The verifier asks for heads of functions and for lengths of tables.
        program.functions = image.functions.iter().map(head).collect();
        program.selectors.clone_from(&image.selectors);
        image.program = Some(Box::new(program));
    }
    Ok(image)
}

/// Adds a unit to an image (INVARIANT GROWTH).
///
/// # Errors
/// See [`LinkError`]. Unless the unit does not fit, the image must not be run any more.
pub(crate) fn grow(
    image: &mut Image,
    addition: Addition,
    natives: &NativeTable,
    heap: &Heap,
) -> Result<(), LinkError> {
    const SHARED: LinkError = LinkError::Malformed("the program does not grow");
    let linked = Arc::get_mut(&mut image.linked).ok_or(SHARED)?;
    let mut program = linked.program.take().ok_or(SHARED)?;
    let grown = add(
        linked,
        &mut image.globals,
        &mut program,
        addition,
        natives,
        heap,
    );
    linked.program = Some(program);
    image.made_types.forget_index();
    grown
}

fn add(
    image: &mut Linked,
    globals: &mut Globals,
    program: &mut Program,
    mut addition: Addition,
    natives: &NativeTable,
    heap: &Heap,
) -> Result<(), LinkError> {
    let first = program.functions.len();
    let (first_native, first_string) = (program.natives.len(), program.strings.len());
    let (first_selector, first_global) = (program.selectors.len(), program.globals.len());
    let methods = std::mem::take(&mut addition.methods);
    let pointers = std::mem::take(&mut addition.pointers);
    if addition.reflection.is_some() {
        image.reflection = addition.reflection.take();
    }
    program.add(addition);
    check(program, first)?;
    let mut functions = program.take_functions(first);
    let starts = starts(&functions, image.code.len() as u32)?;
    let start_of = |id: FunctionId| match (id.0 as usize).checked_sub(first) {
        Some(index) => starts[index],
        None => image.functions[id.0 as usize].start,
    };
    let mut code = Vec::new();
    add_code(&mut code, &mut functions, start_of, starts[0])?;
    image.types.add(heap, &program.types, start_of, true);
    // SAFETY: INVARIANT GROWTH; the compiler leaves no selector out.
    let changed = unsafe { image.types.set_methods(methods, start_of) };
    if changed.is_err() {
        return Err(LinkError::Malformed("too many methods"));
    }
    image.types.set_pointers(&pointers);
    if !image.code.extend(&code) {
        return Err(LinkError::Malformed("too much code"));
    }
    let entries: Vec<u64> = starts[..functions.len()]
        .iter()
        .map(|start| image.address_of(*start))
        .collect();
    if !image.closures.extend(&entries) {
        return Err(LinkError::Malformed("too many functions"));
    }
    let next = globals.next_part();
    let shape = globals_shape(program, first_global, next as u32, heap);
    if !globals.grow(program.globals_size, shape) {
        return Err(LinkError::Malformed("package variables are too large"));
    }
    Sampling::of(&program.natives, &program.globals).begin(globals, heap);
    let linked_natives = link_natives(
        program,
        natives,
        &image.types,
        first_native,
        &mut image.host_entries,
    )?;
    image.natives.extend(linked_natives);
    let (bytes, table) = strings(&program.strings[first_string..]);
    image.string_bytes.push(bytes);
    image.strings.extend(table);
    for string in &mut program.strings[first_string..] {
        *string = Vec::new();
    }
    image
        .selectors
        .extend_from_slice(&program.selectors[first_selector..]);
    image.functions.extend(linked(functions, &starts, heap));
    if let (Some(entry), Some(known)) = (program.entry, program.known) {
        image.entry = entry;
        image.known = known;
    }
    Ok(())
}

/// What the verifier looks at of a function that is called.
fn head(function: &LinkedFunction) -> Function {
    Function {
        captures: function.function.captures.clone(),
        parameters: function.function.parameters.clone(),
        ..Function::default()
    }
}

/// Refuses a program that is not sound; its functions are looked at from number `first` on.
fn check(program: &Program, first: usize) -> Result<(), LinkError> {
    for function in &program.functions[first..] {
        verify::function(program, function).map_err(LinkError::Verify)?;
    }
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
    Ok(())
}

fn linked(functions: Vec<Function>, starts: &[u32], plan: &impl Planner) -> Vec<LinkedFunction> {
    functions
        .into_iter()
        .enumerate()
        .map(|(index, function)| LinkedFunction {
            start: starts[index],
            end: starts[index + 1],
            closure_site: closure_site(plan, &function.captures),
            liveness: std::sync::OnceLock::new(),
            function,
        })
        .collect()
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

/// Where each function's code begins if the first begins at `at`; last, where all ends.
fn starts(functions: &[Function], mut at: u32) -> Result<Vec<u32>, LinkError> {
    let mut starts = vec![at];
    for function in functions {
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

/// Takes the code of the functions, one behind the other; `start_of` says where functions begin. What is there already ends where the
/// first of them begins.
fn add_code(
    code: &mut Vec<Word>,
    functions: &mut [Function],
    start_of: impl Fn(FunctionId) -> u32,
    first: u32,
) -> Result<(), LinkError> {
    let before = code.len();
    for function in functions {
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
                        let place = first + (next - before) as u32;
                        call.function.0 = start_of(call.function).wrapping_sub(place);
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
    Ok(())
}

fn link_natives(
    program: &Program,
    natives: &NativeTable,
    types: &TypeTable,
    first: usize,
    hosts: &mut Vec<HostEntry>,
) -> Result<Vec<Native>, LinkError> {
    program.natives[first..]
        .iter()
        .map(|reference| {
            if let Some(host) = natives.host(&reference.name) {
                let bound = host
                    .clone()
                    .bind(types, &reference.parameters, &reference.results);
                hosts.push(bound.map_err(|native| LinkError::Signature {
                    name: reference.name.clone(),
                    native,
                })?);
                return Ok(Native {
                    name: "",
                    entry: Entry::Host((hosts.len() - 1) as u32),
                    signature: Signature::default,
                });
            }
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

/// String constants in one piece of memory, and address and length of each.
fn strings(strings: &[Vec<u8>]) -> (Pinned<u8>, Vec<[u64; 2]>) {
    let bytes = Pinned::exact(strings.concat());
    let mut at = bytes.as_ptr() as u64;
    let table = strings
        .iter()
        .map(|string| {
            let length = string.len() as u64;
            let address = if length == 0 { 0 } else { at };
            at += length;
            [address, length]
        })
        .collect();
    (bytes, table)
}

/// Where references lie behind `start`, among the globals from number `first` on.
fn globals_shape(program: &Program, first: usize, start: u32, plan: &impl Planner) -> Shape {
    let words: Vec<_> = program.globals[first..]
        .iter()
        .flat_map(|global| {
            reference_words(&program.types[global.ty.0 as usize])
                .into_iter()
                .map(move |(word, kind)| (word + (global.offset - start) / 8, kind))
        })
        .collect();
    let size = program.globals_size.saturating_sub(start);
    plan.shape(&words, size.next_multiple_of(8))
}

fn closure_site(plan: &impl Planner, captures: &[bytecode::SlotKind]) -> crate::heap::Site {
    let size = 8 * (captures.len() + 1);
    plan.site(plan.shape(&slot_words(captures, 1), size as u32), size)
}
