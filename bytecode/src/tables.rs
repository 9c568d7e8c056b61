//! What the verifier and the machine take for granted of a program's tables.
//!
//! INVARIANT: in a checked program every id in a table is in the table it belongs to; types have the size, alignment, slots and reference
//! words that their kinds ask for; no type holds itself by value; safepoints and line tables ascend. The linker builds its own tables from
//! these without looking again.

use crate::operand::{FunctionId, TypeId};
use crate::program::{Function, Program};
use crate::types::{SlotKind, TypeDescriptor, TypeKind};

/// A table that is not sound: which, and what is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableError(pub String);

impl std::fmt::Display for TableError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TableError {}

type Result = std::result::Result<(), TableError>;

/// The largest type and the largest area of globals, in bytes.
const LARGEST: u64 = 1 << 30;

/// Checks the tables of a program; its code is [`crate::verify`]'s.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(program: &Program) -> Result {
    let check = Check { program };
    for (index, ty) in program.types.iter().enumerate() {
        check
            .descriptor(ty)
            .map_err(|error| TableError(format!("type {index} ({}): {}", ty.name, error.0)))?;
    }
    check.containment()?;
    for function in &program.functions {
        check
            .function(function)
            .map_err(|error| TableError(format!("{}: {}", function.name, error.0)))?;
    }
    for native in &program.natives {
        check.types(&native.parameters)?;
        check.types(&native.results)?;
        let kinds: usize = native.parameters.iter().map(|id| check.slots(*id)).sum();
        if kinds != native.parameter_kinds.len() || kinds != usize::from(native.parameter_slots) {
            return fail(format!("native {}: slots of parameters", native.name));
        }
    }
    check.globals()?;
    check.known()?;
    check.exports()?;
    check.reflection()
}

fn fail(what: impl Into<String>) -> Result {
    Err(TableError(what.into()))
}

struct Check<'a> {
    program: &'a Program,
}

impl Check<'_> {
    fn type_id(&self, id: TypeId) -> Result {
        match self.program.types.get(id.0 as usize) {
            Some(_) => Ok(()),
            None => fail(format!("no type {}", id.0)),
        }
    }

    fn types(&self, ids: &[TypeId]) -> Result {
        ids.iter().try_for_each(|id| self.type_id(*id))
    }

    /// Of an id that was checked.
    fn ty(&self, id: TypeId) -> &TypeDescriptor {
        &self.program.types[id.0 as usize]
    }

    fn slots(&self, id: TypeId) -> usize {
        self.ty(id).slots.len()
    }

    fn function_id(&self, id: FunctionId) -> Result {
        match self.program.functions.get(id.0 as usize) {
            Some(_) => Ok(()),
            None => fail(format!("no function {}", id.0)),
        }
    }

    /// What a host may call has the slots that its type says.
    fn exports(&self) -> Result {
        let Some(exports) = &self.program.exports else {
            return Ok(());
        };
        for id in [exports.initialize, exports.main] {
            self.function_id(id)?;
            let function = &self.program.functions[id.0 as usize];
            if !function.parameters.is_empty() || !function.results.is_empty() {
                return fail("exports: parameters of what takes none");
            }
        }
        for export in &exports.functions {
            self.function_id(export.function)?;
            self.type_id(export.ty)?;
            let function = &self.program.functions[export.function.0 as usize];
            let TypeKind::Function {
                parameters,
                results,
                ..
            } = &self.ty(export.ty).kind
            else {
                return fail(format!("export {}: no function type", export.name));
            };
            let slots = |ids: &[TypeId]| -> Vec<SlotKind> {
                ids.iter()
                    .flat_map(|id| self.ty(*id).slots.clone())
                    .collect()
            };
            if slots(parameters) != function.parameters || slots(results) != function.results {
                return fail(format!("export {}: slots", export.name));
            }
        }
        if !exports.functions.is_sorted_by(|a, b| a.name < b.name) {
            return fail("exports are not sorted");
        }
        Ok(())
    }

    fn selector(&self, selector: u32) -> Result {
        match self.program.selectors.get(selector as usize) {
            Some(_) => Ok(()),
            None => fail(format!("no selector {selector}")),
        }
    }

    fn descriptor(&self, ty: &TypeDescriptor) -> Result {
        self.parts(ty)?;
        self.layout(ty)?;
        for method in &ty.methods {
            self.selector(method.selector)?;
            self.function_id(method.function)?;
        }
        if !ty.methods.is_sorted_by_key(|method| method.selector) {
            return fail("methods are not sorted");
        }
        let Some(pointer) = ty.pointer_to else {
            return Ok(());
        };
        self.type_id(pointer)?;
        match self.ty(pointer).kind {
            TypeKind::Pointer { .. } => Ok(()),
            _ => fail("the pointer to it is none"),
        }
    }

    /// The ids in a type's kind.
    fn parts(&self, ty: &TypeDescriptor) -> Result {
        match &ty.kind {
            TypeKind::Complex64 { part } => self.part(*part, &TypeKind::Float32),
            TypeKind::Complex128 { part } => self.part(*part, &TypeKind::Float64),
            TypeKind::Pointer { element }
            | TypeKind::Slice { element }
            | TypeKind::Array { element, .. }
            | TypeKind::Channel { element, .. } => self.type_id(*element),
            TypeKind::Map { key, value } => self.types(&[*key, *value]),
            TypeKind::Struct { fields } => {
                fields.iter().try_for_each(|field| self.type_id(field.ty))
            }
            TypeKind::Function {
                parameters,
                results,
                ..
            } => self.types(parameters).and_then(|()| self.types(results)),
            TypeKind::Interface { methods } => methods
                .iter()
                .try_for_each(|method| self.selector(method.selector)),
            TypeKind::Tuple { elements } => self.types(elements),
            _ => Ok(()),
        }
    }

    fn part(&self, part: TypeId, kind: &TypeKind) -> Result {
        self.type_id(part)?;
        if self.ty(part).kind != *kind {
            return fail("parts of a complex number that are no floats");
        }
        Ok(())
    }

    /// Size, alignment, slots and reference words.
    fn layout(&self, ty: &TypeDescriptor) -> Result {
        use SlotKind::{InterfaceData, Ref, Scalar};
        let number = |size| (size, vec![Scalar], Vec::new());
        let (size, slots, pattern) = match &ty.kind {
            TypeKind::Bool | TypeKind::Int8 | TypeKind::Uint8 => number(1),
            TypeKind::Int16 | TypeKind::Uint16 => number(2),
            TypeKind::Int32 | TypeKind::Uint32 | TypeKind::Float32 => number(4),
            TypeKind::Int
            | TypeKind::Int64
            | TypeKind::Uint
            | TypeKind::Uint64
            | TypeKind::Float64 => number(8),
            // The type of an untyped nil is written as this one, and is a reference.
            TypeKind::Uintptr if ty.slots == [Ref] => (8, vec![Ref], vec![(0, Ref)]),
            TypeKind::Uintptr => number(8),
            TypeKind::Complex64 { .. } => (8, vec![Scalar; 2], Vec::new()),
            TypeKind::Complex128 { .. } => (16, vec![Scalar; 2], Vec::new()),
            TypeKind::String | TypeKind::Slice { .. } => (16, vec![Ref, Scalar], vec![(0, Ref)]),
            TypeKind::Interface { .. } => {
                (16, vec![Scalar, InterfaceData], vec![(1, InterfaceData)])
            }
            TypeKind::Pointer { .. }
            | TypeKind::Map { .. }
            | TypeKind::Channel { .. }
            | TypeKind::Function { .. } => (8, vec![Ref], vec![(0, Ref)]),
            TypeKind::Array { element, length } => return self.array(ty, *element, *length),
            TypeKind::Struct { .. } => return self.structure(ty),
            TypeKind::Tuple { .. } => (0, Vec::new(), Vec::new()),
        };
        let align = match ty.kind {
            TypeKind::Complex64 { .. } => 4,
            TypeKind::Complex128 { .. } => 8,
            _ => size.max(1),
        };
        let fits = ty.size == size
            && u32::from(ty.align) == align
            && ty.slots == slots
            && ty.pattern == pattern
            && ty.pattern_period == size
            && !ty.boxed;
        if fits { Ok(()) } else { fail("its layout") }
    }

    fn array(&self, ty: &TypeDescriptor, element: TypeId, length: u64) -> Result {
        let element = self.ty(element);
        let size = u64::from(element.size).checked_mul(length);
        let fits = size.is_some_and(|size| size <= LARGEST && size == u64::from(ty.size))
            && ty.align == element.align
            && ty.slots == [SlotKind::Ref]
            && ty.boxed
            && ty.pattern_period == element.size
            && words(element, ty.pattern.len()).as_ref() == Some(&ty.pattern);
        if fits { Ok(()) } else { fail("its layout") }
    }

    fn structure(&self, ty: &TypeDescriptor) -> Result {
        let TypeKind::Struct { fields } = &ty.kind else {
            return Ok(());
        };
        if u64::from(ty.size) > LARGEST
            || !ty.align.is_power_of_two()
            || ty.align > 16
            || !ty.size.is_multiple_of(u32::from(ty.align))
            || ty.pattern_period != ty.size
        {
            return fail("its size");
        }
        let mut end = 0u64;
        let (mut slots, mut pattern) = (Vec::new(), Vec::new());
        for field in fields {
            let part = self.ty(field.ty);
            if u64::from(field.offset) < end
                || part.align > ty.align
                || !field.offset.is_multiple_of(u32::from(part.align.max(1)))
            {
                return fail(format!("its field {}", field.name));
            }
            end = u64::from(field.offset) + u64::from(part.size);
            if !ty.boxed {
                if usize::from(field.slot) != slots.len() || part.boxed {
                    return fail(format!("the slots of its field {}", field.name));
                }
                slots.extend_from_slice(&part.slots);
            }
            let Some(words) = words(part, ty.pattern.len() - pattern.len()) else {
                return fail("its references");
            };
            let first = field.offset / 8;
            pattern.extend(words.iter().map(|(word, kind)| (first + word, *kind)));
        }
        if ty.boxed {
            slots = vec![SlotKind::Ref];
        }
        if end > u64::from(ty.size) || slots != ty.slots || pattern != ty.pattern {
            return fail("its layout");
        }
        Ok(())
    }

    /// No type holds itself by value: whoever follows fields and elements comes to an end.
    fn containment(&self) -> Result {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Open,
            Done,
        }
        let mut states = vec![State::New; self.program.types.len()];
        // A type and how many of its parts have been followed.
        let mut stack: Vec<(usize, usize)> = Vec::new();
        for first in 0..states.len() {
            if states[first] == State::New {
                states[first] = State::Open;
                stack.push((first, 0));
            }
            while let Some((ty, next)) = stack.last_mut() {
                let part = match &self.program.types[*ty].kind {
                    TypeKind::Struct { fields } => fields.get(*next).map(|field| field.ty),
                    TypeKind::Array { element, .. } if *next == 0 => Some(*element),
                    TypeKind::Tuple { elements } => elements.get(*next).copied(),
                    _ => None,
                };
                *next += 1;
                let Some(part) = part else {
                    states[*ty] = State::Done;
                    stack.pop();
                    continue;
                };
                let part = part.0 as usize;
                match states[part] {
                    State::New => {
                        states[part] = State::Open;
                        stack.push((part, 0));
                    }
                    State::Open => return fail("a type that holds itself"),
                    State::Done => {}
                }
            }
        }
        Ok(())
    }

    fn function(&self, function: &Function) -> Result {
        if !function.safepoints.is_sorted_by_key(|point| point.0) {
            return fail("safepoints out of order");
        }
        if !function.lines.is_sorted_by_key(|line| line.0) {
            return fail("lines out of order");
        }
        if !function.unsigned.is_sorted() {
            return fail("unsigned bounds out of order");
        }
        let length = function.code.len();
        if function.safepoints.iter().any(|p| p.0 as usize >= length) {
            return fail("a safepoint behind the code");
        }
        for map in &function.maps {
            if !map.is_sorted_by_key(|place| place.0) {
                return fail("a live map out of order");
            }
        }
        if function.results.len() > function.frame_size as usize {
            return fail("results outside the frame");
        }
        Ok(())
    }

    fn globals(&self) -> Result {
        if u64::from(self.program.globals_size) > LARGEST {
            return fail("too many globals");
        }
        let mut end = 0;
        for global in &self.program.globals {
            self.type_id(global.ty)?;
            let ty = self.ty(global.ty);
            let aligned = global.offset.is_multiple_of(u32::from(ty.align.max(1)));
            if !aligned || u64::from(global.offset) < end {
                return fail(format!("where the global {} lies", global.name));
            }
            end = u64::from(global.offset) + u64::from(ty.size);
        }
        if end > u64::from(self.program.globals_size) {
            return fail("globals outside their area");
        }
        Ok(())
    }

    fn known(&self) -> Result {
        if let Some(entry) = self.program.entry {
            self.function_id(entry)?;
        }
        let Some(known) = &self.program.known else {
            return Ok(());
        };
        self.types(&[
            known.bool,
            known.int,
            known.string,
            known.error,
            known.any,
            known.byte_slice,
            known.string_slice,
            known.any_slice,
            known.runtime_error,
            known.bounds_error,
            known.type_assertion_error,
            known.panic_nil_error,
            known.plain_error,
        ])?;
        known.panic_text.map_or(Ok(()), |id| self.function_id(id))
    }

    fn reflection(&self) -> Result {
        let Some(reflection) = &self.program.reflection else {
            return Ok(());
        };
        self.types(&reflection.hidden)?;
        let methods = reflection.method_types.iter().flatten();
        for id in methods
            .chain(reflection.exported_methods.iter().map(|(id, _)| id))
            .chain(reflection.field_packages.iter().map(|(id, _)| id))
        {
            self.type_id(*id)?;
        }
        for (ty, function) in &reflection.made {
            self.type_id(*ty)?;
            self.function_id(*function)?;
        }
        Ok(())
    }
}

/// The reference words of a whole value, unless there are more than `most`.
fn words(ty: &TypeDescriptor, most: usize) -> Option<Vec<(u32, SlotKind)>> {
    let repeats = !ty.pattern.is_empty() && ty.pattern_period > 0;
    let times = match repeats {
        true => ty.size / ty.pattern_period,
        false => 1,
    };
    if (times as usize).checked_mul(ty.pattern.len())? > most {
        return None;
    }
    let mut words = Vec::new();
    for time in 0..times {
        let first = time * ty.pattern_period / 8;
        words.extend(ty.pattern.iter().map(|(word, kind)| (first + word, *kind)));
    }
    Some(words)
}
