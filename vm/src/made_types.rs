//! Types that reflection makes while the program runs: `reflect.SliceOf` and its like.
//!
//! A type that the program has already is not made again: types without a name are found by what they are made of
//! ([`Key`]), in an index of the compiler's types and of those made before. So type identity stays equality of addresses. The
//! index is made when it is first asked; a program that makes no types pays nothing. One lock guards index and list; types
//! live as long as the image, as in Go, and are charged to the program's memory.
//!
//! Made types have no methods: only named types and structs that embed have any, and the pointers to those are made by the
//! compiler for every program with package `reflect`.
//!
//! GO: reflect `type.go` (PointerTo, ChanOf, MapOf, FuncOf, SliceOf, StructOf, ArrayOf).

use std::alloc::Layout;
use std::fmt::Write as _;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use bytecode::{ChannelDirection, Field, SlotKind, TypeDescriptor, TypeId, TypeKind};
use rustc_hash::FxHashMap;

use crate::growth::GoLayout;
use crate::heap::{Heap, OutOfMemory};
use crate::image::Image;
use crate::reflection::{Tags, identical_underlying};
use crate::types::{Access, FlatPart, Parts, RuntimeField, RuntimeType, reference_words};

/// The number of the first made type: far above those of the compiler, whose table may grow.
pub(crate) const FIRST: u32 = 1 << 31;
/// The largest type, as the compiler has it.
const LARGEST_TYPE: u64 = 1 << 30;
/// A struct with more slots than this lives in a box, as the compiler has it.
const LARGEST_FLAT: usize = 4;

/// What a type without a name is made of; types as type words.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Key {
    Pointer(u64),
    Slice(u64),
    Array(u64, u64),
    Map(u64, u64),
    Channel(u64, u8),
    Function(Vec<u64>, Vec<u64>, bool),
    /// Name, type, tag and embeddedness of each field, and the package of those that are not exported.
    Struct(Vec<(String, u64, String, bool)>, String),
}

/// See the module's text.
#[derive(Default)]
pub(crate) struct MadeTypes {
    state: Mutex<State>,
    /// For each type of the program, which others share, the made type of pointers to it. Made when there is the first.
    pointers: OnceLock<Box<[AtomicPtr<RuntimeType>]>>,
}

#[derive(Default)]
struct State {
    index: Option<FxHashMap<Key, NonNull<RuntimeType>>>,
    made: Vec<(NonNull<RuntimeType>, Layout)>,
}

// SAFETY: the types are immutable (INVARIANT TYPES) and owned; the rest is guarded by the lock.
unsafe impl Send for MadeTypes {}
// SAFETY: as above.
unsafe impl Sync for MadeTypes {}

impl MadeTypes {
    /// The program has types that are not in the index: it is made anew when it is asked for.
    pub(crate) fn forget_index(&mut self) {
        self.lock().index = None;
    }

    /// The made type of pointers to a type of the program, if there is one.
    fn known_pointer(&self, id: TypeId) -> Option<NonNull<RuntimeType>> {
        // ORDERING: acquire. Pairs with the release in `note_pointer`: the type it leads to is complete.
        let pointer = self.pointers.get()?.get(id.0 as usize)?;
        NonNull::new(pointer.load(Ordering::Acquire))
    }

    fn note_pointer(&self, types: usize, id: TypeId, pointer: NonNull<RuntimeType>) {
        let all = self.pointers.get_or_init(|| {
            (0..types)
                .map(|_| AtomicPtr::new(std::ptr::null_mut()))
                .collect()
        });
        // Of a program that has grown since, later types are looked up each time.
        if let Some(place) = all.get(id.0 as usize) {
            // ORDERING: release. Pairs with the acquire in `known_pointer`.
            place.store(pointer.as_ptr(), Ordering::Release);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of ours while the lock was held leaves the lists whole: they are pushed to last.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for MadeTypes {
    fn drop(&mut self) {
        for (ty, layout) in std::mem::take(&mut self.lock().made) {
            // SAFETY: written, and reserved with this layout; the image's end is theirs.
            unsafe { RuntimeType::free(ty, layout) };
        }
    }
}

/// Why a type was not made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MakeTypeError {
    /// Its values would be larger than the machine allows.
    TooLarge,
    OutOfMemory,
}

impl From<OutOfMemory> for MakeTypeError {
    fn from(_: OutOfMemory) -> MakeTypeError {
        MakeTypeError::OutOfMemory
    }
}

/// A field of a struct type to be made.
pub struct NewField<'i> {
    pub name: String,
    pub ty: &'i RuntimeType,
    pub tag: String,
    pub embedded: bool,
    pub exported: bool,
}

impl Image {
    /// A type that reflection has made.
    pub(crate) fn made_type(&self, id: TypeId) -> &RuntimeType {
        let index = (id.0 - FIRST) as usize;
        // SAFETY: INVARIANT TYPES.
        unsafe { self.made_types.lock().made[index].0.as_ref() }
    }

    /// Whether a type was made by reflection: no compiled code names it.
    pub fn is_made(&self, ty: &RuntimeType) -> bool {
        ty.id.0 >= FIRST
    }

    /// The package of the unexported fields of a struct type; empty if it has none.
    pub fn field_package<'i>(&'i self, ty: &'i RuntimeType) -> &'i str {
        if self.is_made(ty) {
            return &ty.descriptor.package;
        }
        let packages = self.reflection.as_ref().map(|r| &r.field_packages[..]);
        let packages = packages.unwrap_or_default();
        match packages.binary_search_by_key(&ty.id.0, |(id, _)| id.0) {
            Ok(place) => &packages[place].1,
            Err(_) => "",
        }
    }

    /// Whether compiled code can call functions of this type: the program has an identical one, or one with a name that is made as
    /// this one.
    pub fn is_callable(&self, ty: &RuntimeType) -> bool {
        !self.is_made(ty)
            || self.types.pointers().iter().any(|known| {
                // SAFETY: INVARIANT TYPES.
                let known = unsafe { known.as_ref() };
                matches!(known.kind(), TypeKind::Function { .. })
                    && identical_underlying(self, known, ty, Tags::Compared)
            })
    }

    /// The function that `reflect.MakeFunc` makes closures of for a callable type.
    pub(crate) fn made_function(&self, ty: &RuntimeType) -> Option<bytecode::FunctionId> {
        let made = &self.reflection.as_ref()?.made;
        if let Ok(place) = made.binary_search_by_key(&ty.id.0, |(id, _)| id.0) {
            return Some(made[place].1);
        }
        let same = |id: TypeId| identical_underlying(self, self.types.get(id), ty, Tags::Compared);
        made.iter().find(|(id, _)| same(*id)).map(|found| found.1)
    }

    /// How many exported methods a type has that is no interface.
    pub fn exported_methods(&self, ty: &RuntimeType) -> u32 {
        let counts = self.reflection.as_ref().map(|r| &r.exported_methods[..]);
        let counts = counts.unwrap_or_default();
        match counts.binary_search_by_key(&ty.id.0, |(id, _)| id.0) {
            Ok(place) => counts[place].1,
            Err(_) => 0,
        }
    }

    /// The type of the methods of a selector, without receiver; `None` in a program that does not look at methods.
    pub fn method_type(&self, selector: u32) -> Option<&RuntimeType> {
        let types = &self.reflection.as_ref()?.method_types;
        types.get(selector as usize)?.map(|id| self.ty(id))
    }

    fn key_of(&self, ty: &RuntimeType) -> Option<Key> {
        let words = |ids: &[TypeId]| ids.iter().map(|id| self.types.get(*id).word()).collect();
        Some(match ty.kind() {
            TypeKind::Pointer { .. } => Key::Pointer(ty.element().word()),
            TypeKind::Slice { .. } => Key::Slice(ty.element().word()),
            TypeKind::Array { length, .. } => Key::Array(ty.element().word(), *length),
            TypeKind::Map { .. } => Key::Map(ty.key().word(), ty.element().word()),
            TypeKind::Channel { direction, .. } => {
                Key::Channel(ty.element().word(), *direction as u8)
            }
            TypeKind::Function {
                parameters,
                results,
                variadic,
            } => Key::Function(words(parameters), words(results), *variadic),
            TypeKind::Struct { fields } => Key::Struct(
                fields
                    .iter()
                    .enumerate()
                    .map(|(index, field)| {
                        (
                            field.name.clone(),
                            ty.field(index).0.word(),
                            field.tag.clone(),
                            field.embedded,
                        )
                    })
                    .collect(),
                self.field_package(ty).to_owned(),
            ),
            _ => return None,
        })
    }

    fn index(&self, made: &[NonNull<RuntimeType>]) -> FxHashMap<Key, NonNull<RuntimeType>> {
        let hidden = self.reflection.as_ref().map(|r| &r.hidden[..]);
        let mut index = FxHashMap::default();
        for pointer in self.types.pointers().iter().chain(made) {
            // SAFETY: INVARIANT TYPES.
            let ty = unsafe { pointer.as_ref() };
            if !ty.descriptor.own_name.is_empty() || hidden.is_some_and(|h| h.contains(&ty.id)) {
                continue;
            }
            if let Some(key) = self.key_of(ty) {
                index.entry(key).or_insert(*pointer);
            }
        }
        index
    }

    /// The type with this key; `make` describes it if there is none yet.
    fn find_or_make(
        &self,
        heap: &Heap,
        key: Key,
        make: impl FnOnce() -> Result<(TypeDescriptor, Parts), MakeTypeError>,
    ) -> Result<&RuntimeType, MakeTypeError> {
        let mut state = self.made_types.lock();
        let State { index, made } = &mut *state;
        let index = index.get_or_insert_with(|| {
            let made: Vec<_> = made.iter().map(|(ty, _)| *ty).collect();
            self.index(&made)
        });
        if let Some(ty) = index.get(&key) {
            // SAFETY: INVARIANT TYPES.
            return Ok(unsafe { ty.as_ref() });
        }
        let (descriptor, mut parts) = make()?;
        // The type itself, its names and its places in the lists.
        let names = descriptor.name.len() as u64;
        heap.account()
            .charge(2 * size_of::<RuntimeType>() as u64 + 2 * names)?;
        let (place, layout) = RuntimeType::reserve(&descriptor);
        parts.id = TypeId(FIRST + state.made.len() as u32);
        // SAFETY: reserved for this descriptor; what it refers to is complete; nobody has seen it.
        unsafe {
            RuntimeType::write(place, heap, descriptor, parts);
            RuntimeType::complete(place, heap);
        }
        state.made.push((place, layout));
        if let Some(index) = &mut state.index {
            index.insert(key, place);
        }
        // SAFETY: INVARIANT TYPES.
        Ok(unsafe { place.as_ref() })
    }

    /// `*T`.
    ///
    /// # Errors
    /// There is no memory.
    pub fn pointer_to<'i>(
        &'i self,
        heap: &Heap,
        element: &'i RuntimeType,
    ) -> Result<&'i RuntimeType, MakeTypeError> {
        if let Some(known) = element.known_pointer() {
            return Ok(known);
        }
        if let Some(known) = self.made_types.known_pointer(element.id) {
            // SAFETY: INVARIANT TYPES.
            return Ok(unsafe { known.as_ref() });
        }
        let pointer = self.find_or_make(heap, Key::Pointer(element.word()), || {
            let kind = TypeKind::Pointer {
                element: element.id,
            };
            Ok(one_reference(
                format!("*{}", element.name()),
                kind,
                Some(element),
                None,
                true,
            ))
        })?;
        if self.is_made(element) {
            element.set_pointer(NonNull::from(pointer));
        } else {
            // The element is not this machine's alone.
            let types = self.types.len();
            let made = &self.made_types;
            made.note_pointer(types, element.id, NonNull::from(pointer));
        }
        Ok(pointer)
    }

    /// `[]T`.
    ///
    /// # Errors
    /// There is no memory.
    pub fn slice_of(
        &self,
        heap: &Heap,
        element: &RuntimeType,
    ) -> Result<&RuntimeType, MakeTypeError> {
        self.find_or_make(heap, Key::Slice(element.word()), || {
            let descriptor = TypeDescriptor {
                size: 16,
                align: 16,
                slots: vec![SlotKind::Ref, SlotKind::Scalar],
                pattern: vec![(0, SlotKind::Ref)],
                pattern_period: 16,
                comparable: false,
                plain_memory: false,
                ..blank(
                    format!("[]{}", element.name()),
                    TypeKind::Slice {
                        element: element.id,
                    },
                )
            };
            let flat = vec![FlatPart {
                access: Access::Pair,
                offset: 0,
                slot: 0,
            }];
            let mut parts = parts(flat, pointers_in_go(3));
            parts.element = Some(NonNull::from(element));
            Ok((descriptor, parts))
        })
    }

    /// `[n]T`.
    ///
    /// # Errors
    /// There is no memory, or the type is too large.
    pub fn array_of(
        &self,
        heap: &Heap,
        length: u64,
        element: &RuntimeType,
    ) -> Result<&RuntimeType, MakeTypeError> {
        self.find_or_make(heap, Key::Array(element.word(), length), || {
            let size = length.saturating_mul(u64::from(element.size));
            if size > LARGEST_TYPE {
                return Err(MakeTypeError::TooLarge);
            }
            let pattern = reference_words(&element.descriptor);
            let descriptor = TypeDescriptor {
                size: size as u32,
                align: element.align,
                slots: vec![SlotKind::Ref],
                boxed: true,
                pattern,
                pattern_period: element.size,
                comparable: element.comparable,
                plain_memory: false,
                ..blank(
                    format!("[{length}]{}", element.name()),
                    TypeKind::Array {
                        element: element.id,
                        length,
                    },
                )
            };
            let go = GoLayout {
                size: element.go.size.saturating_mul(length),
                align: element.go.align,
                has_pointers: element.go.has_pointers && length > 0,
            };
            let mut parts = parts(Vec::new(), go);
            parts.element = Some(NonNull::from(element));
            parts.length = length;
            Ok((descriptor, parts))
        })
    }

    /// `map[K]V`, of a key type that can be compared.
    ///
    /// # Errors
    /// There is no memory.
    pub fn map_of(
        &self,
        heap: &Heap,
        key: &RuntimeType,
        value: &RuntimeType,
    ) -> Result<&RuntimeType, MakeTypeError> {
        self.find_or_make(heap, Key::Map(key.word(), value.word()), || {
            Ok(one_reference(
                format!("map[{}]{}", key.name(), value.name()),
                TypeKind::Map {
                    key: key.id,
                    value: value.id,
                },
                Some(value),
                Some(key),
                false,
            ))
        })
    }

    /// `chan T` and its one-way forms.
    ///
    /// # Errors
    /// There is no memory.
    pub fn channel_of(
        &self,
        heap: &Heap,
        direction: ChannelDirection,
        element: &RuntimeType,
    ) -> Result<&RuntimeType, MakeTypeError> {
        self.find_or_make(heap, Key::Channel(element.word(), direction as u8), || {
            let inner = element.name();
            let name = match direction {
                ChannelDirection::Send => format!("chan<- {inner}"),
                ChannelDirection::Receive => format!("<-chan {inner}"),
                ChannelDirection::Both if inner.starts_with('<') => format!("chan ({inner})"),
                ChannelDirection::Both => format!("chan {inner}"),
            };
            let kind = TypeKind::Channel {
                element: element.id,
                direction,
            };
            Ok(one_reference(name, kind, Some(element), None, true))
        })
    }

    /// `func(...) ...`.
    ///
    /// # Errors
    /// There is no memory.
    pub fn function_of(
        &self,
        heap: &Heap,
        parameters: &[&RuntimeType],
        results: &[&RuntimeType],
        variadic: bool,
    ) -> Result<&RuntimeType, MakeTypeError> {
        let words = |types: &[&RuntimeType]| types.iter().map(|ty| ty.word()).collect();
        let key = Key::Function(words(parameters), words(results), variadic);
        self.find_or_make(heap, key, || {
            let ids = |types: &[&RuntimeType]| types.iter().map(|ty| ty.id).collect();
            let kind = TypeKind::Function {
                parameters: ids(parameters),
                results: ids(results),
                variadic,
            };
            let mut name = String::from("func(");
            for (index, ty) in parameters.iter().enumerate() {
                if index > 0 {
                    name.push_str(", ");
                }
                if variadic && index + 1 == parameters.len() {
                    name.push_str("...");
                    name.push_str(ty.element().name());
                } else {
                    name.push_str(ty.name());
                }
            }
            name.push(')');
            let names: Vec<&str> = results.iter().map(|ty| ty.name()).collect();
            match names.as_slice() {
                [] => {}
                [one] => name.push_str(&format!(" {one}")),
                several => name.push_str(&format!(" ({})", several.join(", "))),
            }
            Ok(one_reference(name, kind, None, None, false))
        })
    }

    /// `struct { ... }`; `package` is that of the fields which are not exported.
    ///
    /// # Errors
    /// There is no memory, or the type is too large.
    pub fn struct_of(
        &self,
        heap: &Heap,
        fields: Vec<NewField<'_>>,
        package: String,
    ) -> Result<&RuntimeType, MakeTypeError> {
        let key = Key::Struct(
            fields
                .iter()
                .map(|f| (f.name.clone(), f.ty.word(), f.tag.clone(), f.embedded))
                .collect(),
            package.clone(),
        );
        self.find_or_make(heap, key, || new_struct(fields, package))
    }
}

/// A descriptor in which only name and kind are said; the rest is to be.
fn blank(name: String, kind: TypeKind) -> TypeDescriptor {
    TypeDescriptor {
        name,
        own_name: String::new(),
        package: String::new(),
        kind,
        size: 8,
        align: 8,
        slots: vec![SlotKind::Ref],
        boxed: false,
        pattern: vec![(0, SlotKind::Ref)],
        pattern_period: 8,
        comparable: true,
        plain_memory: true,
        methods: Vec::new(),
        pointer_to: None,
    }
}

fn parts(flat: Vec<FlatPart>, go: GoLayout) -> Parts {
    Parts {
        id: TypeId(0),
        element: None,
        key: None,
        length: 0,
        fields: Vec::new(),
        flat,
        methods: Vec::new(),
        room: 0,
        pointer_to: std::ptr::null_mut(),
        go,
    }
}

fn pointers_in_go(words: u64) -> GoLayout {
    GoLayout {
        size: 8 * words,
        align: 8,
        has_pointers: true,
    }
}

/// A type whose values are one reference.
fn one_reference(
    name: String,
    kind: TypeKind,
    element: Option<&RuntimeType>,
    key: Option<&RuntimeType>,
    comparable: bool,
) -> (TypeDescriptor, Parts) {
    let descriptor = TypeDescriptor {
        comparable,
        plain_memory: comparable,
        ..blank(name, kind)
    };
    let flat = vec![FlatPart {
        access: Access::Ref,
        offset: 0,
        slot: 0,
    }];
    let mut parts = parts(flat, pointers_in_go(1));
    parts.element = element.map(NonNull::from);
    parts.key = key.map(NonNull::from);
    (descriptor, parts)
}

/// Lays a struct out as the compiler does (`compiler/src/type_descriptors.rs`).
fn new_struct(
    fields: Vec<NewField<'_>>,
    package: String,
) -> Result<(TypeDescriptor, Parts), MakeTypeError> {
    let (mut offset, mut align, mut is_flat) = (0u64, 1u8, true);
    let (mut slots, mut flat, mut pattern) = (Vec::new(), Vec::new(), Vec::new());
    let (mut described, mut places) = (Vec::new(), Vec::new());
    let mut go = GoLayout {
        size: 0,
        align: 1,
        has_pointers: false,
    };
    let mut comparable = true;
    let mut name = String::from("struct {");
    for (index, field) in fields.iter().enumerate() {
        let ty = field.ty;
        name.push_str(if index > 0 { "; " } else { " " });
        if !field.embedded {
            name.push_str(&field.name);
            name.push(' ');
        }
        name.push_str(ty.name());
        if !field.tag.is_empty() {
            // As strconv.Quote has it, for tags of ordinary characters.
            let _ = write!(name, " {:?}", field.tag);
        }
        comparable &= ty.comparable;
        offset = offset.next_multiple_of(u64::from(ty.align));
        if offset > LARGEST_TYPE {
            return Err(MakeTypeError::TooLarge);
        }
        let slot = slots.len() as u16;
        described.push(Field {
            name: field.name.clone(),
            ty: ty.id,
            offset: offset as u32,
            slot,
            embedded: field.embedded,
            exported: field.exported,
            tag: field.tag.clone(),
        });
        places.push(RuntimeField {
            ty: NonNull::from(ty),
            offset: offset as u32,
            slot,
        });
        let words = reference_words(&ty.descriptor);
        pattern.extend(
            words
                .into_iter()
                .map(|(word, kind)| (word + (offset / 8) as u32, kind)),
        );
        is_flat &= !ty.boxed;
        if slots.len() <= LARGEST_FLAT {
            slots.extend_from_slice(&ty.descriptor.slots);
            flat.extend(ty.parts.iter().map(|part| FlatPart {
                access: part.access,
                offset: part.offset + offset as u32,
                slot: part.slot + slot,
            }));
        }
        offset += u64::from(ty.size);
        align = align.max(ty.align);
        let field_align = ty.go.align.max(1);
        go.size = go.size.next_multiple_of(field_align) + ty.go.size;
        if index + 1 == fields.len() && ty.go.size == 0 && go.size > 0 {
            go.size += 1;
        }
        go.align = go.align.max(field_align);
        go.has_pointers |= ty.go.has_pointers;
    }
    if fields.last().is_some_and(|f| f.ty.size == 0) && offset > 0 {
        offset += 1;
    }
    name.push_str(if fields.is_empty() { "}" } else { " }" });
    go.size = go.size.next_multiple_of(go.align);
    let size = offset.next_multiple_of(u64::from(align));
    if size > LARGEST_TYPE {
        return Err(MakeTypeError::TooLarge);
    }
    let boxed = !is_flat || slots.len() > LARGEST_FLAT;
    if boxed {
        slots = vec![SlotKind::Ref];
        flat = Vec::new();
    }
    let descriptor = TypeDescriptor {
        package,
        size: size as u32,
        align,
        slots,
        boxed,
        pattern,
        pattern_period: size as u32,
        comparable,
        plain_memory: false,
        ..blank(name, TypeKind::Struct { fields: described })
    };
    let mut parts = parts(flat, go);
    parts.fields = places;
    Ok((descriptor, parts))
}
