//! Types at run time: what a type word points to.
//!
//! A type word is the address of a [`RuntimeType`], or 0 in a nil interface. Each descriptor of the program gets one,
//! pinned for the life of its image, so type identity is equality of type words.
//!
//! Behind the fixed part lies the method table: `mask + 1` entries, a power of two chosen at link time so
//! that the type's selectors fall on different places. An interface call is then three loads and no search:
//! `table[selector & mask]`. A selector the type does not have may fall on another's entry; only
//! code that has been checked (statically, or by [`RuntimeType::method`]) may call without comparing.
//!
//! INVARIANT (PLACE): the addresses of those types of which an interface's data word is a reference, and only theirs, have the
//! bit [`crate::heap::REFERENCE_TYPE`] set: the collector asks the type word itself.
//!
//! INVARIANT (TYPES): every pointer in a `RuntimeType` leads to a `RuntimeType` of the same image, which owns them
//! all and never moves or changes one after it was made ([`RuntimeType::write`]), but for `pointer_to` of types that one machine has for itself, which
//! is atomic, and the methods of types of a program that grows, which change with the world stopped ([`RuntimeType::set_methods`]); their tables have
//! room. Most stand in the [`TypeTable`], which all machines of a program share; those that reflection makes are [`crate::made_types`]'.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::any::Any;
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use bytecode::{SlotKind, TypeDescriptor, TypeId, TypeKind};

use crate::heap::{Planner, REFERENCE_TYPE};
use crate::objects::map::{KeyKind, MapType};

/// One place of a method table.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct MethodEntry {
    /// Where the method's code begins, in words from the image's first.
    pub code: u32,
    /// The selector, plus one; 0 when the place is free.
    pub selector: u32,
}

/// How a value is compared and hashed, worked out once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// By its bits.
    Plain,
    Float32,
    Float64,
    String,
    Interface,
    Struct,
    Array,
    /// Slices, maps, functions, and whatever holds one.
    Uncomparable,
}

/// How one scalar or multi-word value lies in the heap: how a slot and memory are turned into one another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    Int8,
    Uint8,
    Int16,
    Uint16,
    Int32,
    Uint32,
    Word,
    Float32,
    Ref,
    /// String or slice.
    Pair,
    Interface,
    /// `struct{}` and the like: no slots, no memory worth copying.
    Nothing,
    /// A flat struct or a complex number: field by field.
    Flat,
    /// A large struct or an array: by block moves.
    Boxed,
}

/// A field of a struct type.
#[derive(Clone, Copy, Debug)]
pub struct RuntimeField {
    pub ty: NonNull<RuntimeType>,
    pub offset: u32,
    pub slot: u16,
}

/// One scalar or 16-byte part of a flat value.
#[derive(Clone, Copy, Debug)]
pub struct FlatPart {
    pub access: Access,
    pub offset: u32,
    pub slot: u16,
}

/// A type at run time. See the module's text.
#[repr(C, align(16))]
pub struct RuntimeType {
    /// Its own address: whoever is given a pointer that should lead to a type can tell ([`crate::reflection::TypeHandle`]).
    this: u64,
    /// Places of the method table minus one.
    mask: u32,
    /// Heap size in bytes.
    pub size: u32,
    pub slots: u16,
    pub align: u8,
    pub boxed: bool,
    /// An interface's data word is a reference when it holds this type.
    pub data_is_reference: bool,
    pub comparable: bool,
    pub shape: Shape,
    pub access: Access,
    /// Of the heap memory of one value, and of arrays of them.
    pub(crate) heap_shape: crate::heap::Shape,
    /// Of one value as it lies in registers, one word a slot: elements of channel buffers.
    pub(crate) slots_shape: crate::heap::Shape,
    /// What the type would be in Go, for the growth of slices of it.
    pub(crate) go: crate::growth::GoLayout,
    /// Where single values are allocated.
    pub(crate) site: crate::heap::Site,
    /// Maps: layout of entries, hash and equality of keys.
    pub(crate) map: Option<Box<crate::objects::map::MapType>>,
    /// A map of word keys ([`KeyKind::Word`]) to values that are words without references: its slots are two words.
    pub(crate) maps_words: bool,
    pub id: TypeId,
    /// Element of pointers, slices, arrays and channels; value of maps.
    element: Option<NonNull<RuntimeType>>,
    /// Key of maps.
    key: Option<NonNull<RuntimeType>>,
    /// Length of arrays.
    pub length: u64,
    /// Fields of structs; the two parts of complex numbers.
    pub fields: Vec<RuntimeField>,
    /// Parts of a flat struct (and of every one- or two-slot value), in slot order.
    pub parts: Vec<FlatPart>,
    /// Sorted by selector: (selector, code).
    methods: Vec<(u32, u32)>,
    /// The largest mask that the method table has room for.
    room: u32,
    /// The type of pointers to it, once it was asked for.
    pub(crate) pointer_to: AtomicPtr<RuntimeType>,
    /// See [`RuntimeType::note`].
    note: OnceLock<Box<dyn Any + Send + Sync>>,
    /// What the compiler said.
    pub descriptor: TypeDescriptor,
}

// SAFETY: immutable once its table is made (INVARIANT TYPES), so it may be read from every thread.
unsafe impl Send for RuntimeType {}
// SAFETY: as above.
unsafe impl Sync for RuntimeType {}

impl RuntimeType {
    /// The type a type word stands for; `None` for 0.
    ///
    /// # Safety
    /// `word` is 0 or the address of a type of a table that outlives `'a`.
    #[inline(always)]
    pub unsafe fn from_word<'a>(word: u64) -> Option<&'a RuntimeType> {
        // SAFETY: the caller's promise.
        unsafe { (word as *const RuntimeType).as_ref() }
    }

    /// This type's type word.
    #[inline(always)]
    pub fn word(&self) -> u64 {
        std::ptr::from_ref(self) as u64
    }

    /// Go's name of it, as `%T` prints it.
    pub fn name(&self) -> &str {
        &self.descriptor.name
    }

    pub fn kind(&self) -> &TypeKind {
        &self.descriptor.kind
    }

    pub(crate) fn heap_shape(&self) -> crate::heap::Shape {
        self.heap_shape
    }

    pub(crate) fn site(&self) -> crate::heap::Site {
        self.site
    }

    /// Element of pointers, slices, arrays and channels; value type of maps.
    ///
    /// # Panics
    /// If the type has none.
    #[inline]
    pub fn element(&self) -> &RuntimeType {
        // SAFETY: INVARIANT TYPES.
        unsafe { self.element.expect("a type with elements").as_ref() }
    }

    /// Key type of maps.
    ///
    /// # Panics
    /// If the type is no map.
    #[inline]
    pub fn key(&self) -> &RuntimeType {
        // SAFETY: INVARIANT TYPES.
        unsafe { self.key.expect("a map type").as_ref() }
    }

    /// Field `index` and its type.
    #[inline]
    pub fn field(&self, index: usize) -> (&RuntimeType, RuntimeField) {
        let field = self.fields[index];
        // SAFETY: INVARIANT TYPES.
        (unsafe { field.ty.as_ref() }, field)
    }

    /// The entry of the method table where `selector` lies if the type has it.
    ///
    /// # Safety
    /// `this` points to a live type.
    #[inline(always)]
    pub unsafe fn entry(this: *const RuntimeType, selector: u16) -> MethodEntry {
        // SAFETY: the table lies behind the fixed part and has `mask + 1` entries.
        unsafe {
            let index = u32::from(selector) & (*this).mask;
            let table = this.add(1).cast::<MethodEntry>();
            *table.add(index as usize)
        }
    }

    /// Where the code of method `selector` begins, if the type has it.
    #[inline]
    pub fn method(&self, selector: u32) -> Option<u32> {
        // A reference reaches the fixed part alone, the type's address all of it.
        let this = std::ptr::from_ref(self).expose_provenance();
        let this = std::ptr::with_exposed_provenance(this);
        // SAFETY: `self` is live. Selectors fit 16 bits: the linker refuses more.
        let entry = unsafe { RuntimeType::entry(this, selector as u16) };
        (entry.selector == selector + 1).then_some(entry.code)
    }

    /// The first method that `interface` wants and this type lacks.
    pub fn missing_method<'i>(&self, interface: &'i RuntimeType) -> Option<&'i str> {
        let TypeKind::Interface { methods } = interface.kind() else {
            return None;
        };
        methods
            .iter()
            .find(|m| self.method(m.selector).is_none())
            .map(|m| m.name.as_str())
    }

    /// Whether this (concrete) type has all methods of `interface`.
    #[inline]
    pub fn implements(&self, interface: &RuntimeType) -> bool {
        self.missing_method(interface).is_none()
    }

    fn new_map_type(&self, plan: &impl Planner) -> Option<Box<MapType>> {
        if !matches!(self.kind(), TypeKind::Map { .. }) {
            return None;
        }
        let (key, value) = (self.key(), self.element());
        let words = |ty: &RuntimeType| reference_words(&ty.descriptor);
        let kind = match key.shape {
            Shape::Plain if crate::border::is_one_slot(key.access) => KeyKind::Word,
            Shape::Float64 => KeyKind::Float64,
            Shape::String => KeyKind::String,
            _ => KeyKind::Memory,
        };
        let (key_size, key_align) = if kind == KeyKind::Word {
            (8, 8)
        } else {
            (key.size, u32::from(key.align))
        };
        Some(Box::new(MapType::new(
            plan,
            kind,
            key_size,
            key_align,
            &words(key),
            value.size,
            u32::from(value.align),
            &words(value),
            crate::objects::equality::key_functions(key),
        )))
    }

    pub fn is_interface(&self) -> bool {
        matches!(self.descriptor.kind, TypeKind::Interface { .. })
    }

    /// Whether an address is that of a type, given that 8 bytes can be read there.
    ///
    /// # Safety
    /// `address` is 0, or leads to 8 aligned readable bytes, of a type or of script memory. Of the latter none holds its own address
    /// as a scalar: what a type holds in `this` is not the address of a copy of it.
    pub(crate) unsafe fn is_at(address: u64) -> bool {
        // SAFETY: the caller's promise.
        address != 0 && unsafe { crate::moves::load64(address) } == address
    }

    /// What a library package keeps of the type, made of it when it is first asked for; `None` if another has its note there. It must
    /// follow from the type's kind and names alone, since the methods of a session's types may change.
    pub fn note<T: Any + Send + Sync>(&self, make: impl FnOnce(&RuntimeType) -> T) -> Option<&T> {
        let note = self.note.get_or_init(|| Box::new(make(self)));
        note.downcast_ref()
    }

    /// The size that the type has in Go, in bytes.
    pub fn go_size(&self) -> u64 {
        self.go.size
    }

    /// The alignment that the type has in Go.
    pub fn go_align(&self) -> u64 {
        self.go.align.max(1)
    }

    /// The type of pointers to it, if it is known already.
    pub(crate) fn known_pointer(&self) -> Option<&RuntimeType> {
        // ORDERING: acquire. Pairs with the release in `set_pointer`: the type it leads to is complete.
        let pointer = self.pointer_to.load(Ordering::Acquire);
        // SAFETY: INVARIANT TYPES.
        unsafe { pointer.as_ref() }
    }

    /// Notes the type of pointers to this one.
    pub(crate) fn set_pointer(&self, pointer: NonNull<RuntimeType>) {
        // ORDERING: release. Pairs with the acquire in `known_pointer`.
        self.pointer_to.store(pointer.as_ptr(), Ordering::Release);
    }

    /// Memory for the type of a descriptor, at the right place for it (INVARIANT PLACE), and the layout that it was allocated with.
    pub(crate) fn reserve(descriptor: &TypeDescriptor) -> (NonNull<RuntimeType>, Layout) {
        RuntimeType::reserve_with_room(descriptor, 0)
    }

    /// As [`RuntimeType::reserve`], with room for a method table of this mask.
    fn reserve_with_room(descriptor: &TypeDescriptor, room: u32) -> (NonNull<RuntimeType>, Layout) {
        let selectors: Vec<u32> = descriptor.methods.iter().map(|m| m.selector).collect();
        let mask = mask_for(&selectors).max(room);
        let size = size_of::<RuntimeType>() + (mask as usize + 1) * size_of::<MethodEntry>();
        let offset = offset_of(descriptor.interface_data_is_reference());
        let layout = Layout::from_size_align(offset + size, 2 * REFERENCE_TYPE as usize)
            .expect("a method table of at most 65536 entries");
        // SAFETY: the size is not zero.
        let Some(memory) = NonNull::new(unsafe { alloc_zeroed(layout) }) else {
            handle_alloc_error(layout)
        };
        // SAFETY: inside the allocation.
        (unsafe { memory.add(offset) }.cast(), layout)
    }

    /// Makes the type at a place; [`RuntimeType::complete`] is to follow once the types it refers to are written.
    ///
    /// # Safety
    /// The place was reserved for this descriptor, and nobody has seen it yet.
    pub(crate) unsafe fn write(
        place: NonNull<RuntimeType>,
        plan: &impl Planner,
        descriptor: TypeDescriptor,
        parts: Parts,
    ) {
        let selectors: Vec<u32> = parts.methods.iter().map(|m| m.0).collect();
        let mask = mask_for(&selectors);
        let methods = parts.methods.clone();
        let ty = RuntimeType {
            this: place.as_ptr() as u64,
            mask,
            size: descriptor.size,
            slots: descriptor.slots.len() as u16,
            align: descriptor.align,
            boxed: descriptor.boxed,
            data_is_reference: descriptor.interface_data_is_reference(),
            comparable: descriptor.comparable,
            shape: shape_of(&descriptor),
            access: access_of(&descriptor),
            heap_shape: plan.shape_of(&descriptor),
            slots_shape: crate::objects::channel::slots_shape(plan, &descriptor),
            go: parts.go,
            site: plan.site(plan.shape_of(&descriptor), descriptor.size as usize),
            map: None,
            maps_words: false,
            id: parts.id,
            element: parts.element,
            key: parts.key,
            length: parts.length,
            fields: parts.fields,
            parts: parts.flat,
            methods: parts.methods,
            room: parts.room.max(mask),
            pointer_to: AtomicPtr::new(parts.pointer_to),
            note: OnceLock::new(),
            descriptor,
        };
        // SAFETY: the caller's promise: there is room for the type and its method table.
        unsafe {
            place.write(ty);
            let entries = place.add(1).cast::<MethodEntry>();
            for (selector, code) in methods {
                let entry = entries.add((selector & mask) as usize);
                entry.write(MethodEntry {
                    code,
                    selector: selector + 1,
                });
            }
        }
    }

    /// Gives the type other methods; false, and nothing done, if they do not fit its table.
    ///
    /// # Safety
    /// The type was written, the world is stopped, and nobody refers to it but by its address. `methods` has all selectors that it had.
    pub(crate) unsafe fn set_methods(
        ty: NonNull<RuntimeType>,
        methods: Vec<bytecode::Method>,
        code_of: impl Fn(bytecode::FunctionId) -> u32,
    ) -> bool {
        let selectors: Vec<u32> = methods.iter().map(|method| method.selector).collect();
        let mask = mask_for(&selectors);
        // SAFETY: by the contract; the table has `room + 1` places.
        unsafe {
            let this = &mut *ty.as_ptr();
            if mask > this.room {
                return false;
            }
            let entries = ty.add(1).cast::<MethodEntry>();
            entries.write_bytes(0, this.mask as usize + 1);
            this.mask = mask;
            this.methods.clear();
            for method in &methods {
                let code = code_of(method.function);
                this.methods.push((method.selector, code));
                entries
                    .add((method.selector & mask) as usize)
                    .write(MethodEntry {
                        code,
                        selector: method.selector + 1,
                    });
            }
            this.descriptor.methods = methods;
        }
        true
    }

    /// Adds what depends on other types being written.
    ///
    /// # Safety
    /// A type that was written, as were those it refers to, and that nobody has seen yet.
    pub(crate) unsafe fn complete(ty: NonNull<RuntimeType>, plan: &impl Planner) {
        // SAFETY: the caller's promise.
        unsafe {
            let map = ty.as_ref().new_map_type(plan);
            (*ty.as_ptr()).maps_words = map.as_ref().is_some_and(|map| {
                map.kind == KeyKind::Word && ty.as_ref().element().access == Access::Word
            });
            (*ty.as_ptr()).map = map;
        }
    }

    /// Gives the memory of a type back.
    ///
    /// # Safety
    /// The type was written and reserved with this layout; nobody refers to it any more.
    pub(crate) unsafe fn free(ty: NonNull<RuntimeType>, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe {
            let offset = offset_of(ty.as_ref().data_is_reference);
            ty.drop_in_place();
            dealloc(ty.cast::<u8>().sub(offset).as_ptr(), layout);
        }
    }
}

/// What a type refers to, and what follows from that.
pub(crate) struct Parts {
    pub(crate) id: TypeId,
    pub(crate) element: Option<NonNull<RuntimeType>>,
    pub(crate) key: Option<NonNull<RuntimeType>>,
    pub(crate) length: u64,
    pub(crate) fields: Vec<RuntimeField>,
    pub(crate) flat: Vec<FlatPart>,
    pub(crate) methods: Vec<(u32, u32)>,
    /// The largest mask that was reserved, if not that of the methods.
    pub(crate) room: u32,
    pub(crate) pointer_to: *mut RuntimeType,
    pub(crate) go: crate::growth::GoLayout,
}

/// All types of an image.
#[derive(Default)]
pub struct TypeTable {
    /// What each is in Go.
    go: Vec<crate::growth::GoLayout>,
    types: Vec<NonNull<RuntimeType>>,
    /// Allocation layouts, to give the memory back.
    layouts: Vec<Layout>,
}

// SAFETY: the types are immutable (INVARIANT TYPES) and owned.
unsafe impl Send for TypeTable {}
// SAFETY: as above.
unsafe impl Sync for TypeTable {}

impl TypeTable {
    /// Makes the run-time types of `descriptors`; `code_of` says where a function's code begins.
    pub fn new(
        plan: &impl Planner,
        descriptors: &[TypeDescriptor],
        code_of: impl Fn(bytecode::FunctionId) -> u32,
    ) -> TypeTable {
        let mut table = TypeTable::default();
        table.add(plan, descriptors, code_of, false);
        table
    }

    /// Adds the run-time types of those of `descriptors` that have none; `grows`: their method tables have room.
    pub(crate) fn add(
        &mut self,
        plan: &impl Planner,
        descriptors: &[TypeDescriptor],
        code_of: impl Fn(bytecode::FunctionId) -> u32,
        grows: bool,
    ) {
        let table = self;
        let first = table.types.len();
        crate::growth::add_go_layouts(&mut table.go, descriptors);
        for descriptor in &descriptors[first..] {
            let room = room_of(descriptor, grows);
            let (place, layout) = RuntimeType::reserve_with_room(descriptor, room);
            table.types.push(place);
            table.layouts.push(layout);
        }
        let at = |id: TypeId| table.types[id.0 as usize];
        for (index, descriptor) in descriptors.iter().enumerate().skip(first) {
            let (element, key, length) = match &descriptor.kind {
                TypeKind::Pointer { element }
                | TypeKind::Slice { element }
                | TypeKind::Channel { element, .. } => (Some(at(*element)), None, 0),
                TypeKind::Array { element, length } => (Some(at(*element)), None, *length),
                TypeKind::Map { key, value } => (Some(at(*value)), Some(at(*key)), 0),
                _ => (None, None, 0),
            };
            let fields = match &descriptor.kind {
                TypeKind::Struct { fields } => fields
                    .iter()
                    .map(|f| RuntimeField {
                        ty: at(f.ty),
                        offset: f.offset,
                        slot: f.slot,
                    })
                    .collect(),
                TypeKind::Complex64 { part } | TypeKind::Complex128 { part } => (0..2u16)
                    .map(|slot| RuntimeField {
                        ty: at(*part),
                        offset: u32::from(slot) * (descriptor.size / 2),
                        slot,
                    })
                    .collect(),
                _ => Vec::new(),
            };
            let mut methods: Vec<(u32, u32)> = descriptor
                .methods
                .iter()
                .map(|m| (m.selector, code_of(m.function)))
                .collect();
            methods.sort_unstable();
            let pointer_to = descriptor
                .pointer_to
                .map_or(std::ptr::null_mut(), |id| at(id).as_ptr());
            let parts = Parts {
                id: TypeId(index as u32),
                element,
                key,
                length,
                fields,
                flat: parts_of(descriptors, descriptor),
                methods,
                room: room_of(descriptor, grows),
                pointer_to,
                go: table.go[index],
            };
            // SAFETY: reserved for this descriptor above; nobody has seen it.
            unsafe { RuntimeType::write(table.types[index], plan, descriptor.clone(), parts) };
        }
        for ty in &table.types[first..] {
            // SAFETY: nobody else refers to the types yet, and all are written.
            unsafe { RuntimeType::complete(*ty, plan) };
        }
    }

    /// Gives earlier types other methods; the one that has no room for them, if any has not.
    ///
    /// # Safety
    /// As [`RuntimeType::set_methods`].
    pub(crate) unsafe fn set_methods(
        &mut self,
        methods: Vec<(TypeId, Vec<bytecode::Method>)>,
        code_of: impl Fn(bytecode::FunctionId) -> u32,
    ) -> Result<(), TypeId> {
        for (id, methods) in methods {
            // SAFETY: by the contract.
            if !unsafe { RuntimeType::set_methods(self.types[id.0 as usize], methods, &code_of) } {
                return Err(id);
            }
        }
        Ok(())
    }

    /// Notes the types of pointers to earlier types.
    pub(crate) fn set_pointers(&self, pointers: &[(TypeId, TypeId)]) {
        for (id, pointer) in pointers {
            let ty = self.get(*id);
            if ty.known_pointer().is_none() {
                ty.set_pointer(self.types[pointer.0 as usize]);
            }
        }
    }

    /// The type with this id.
    #[inline]
    pub fn get(&self, id: TypeId) -> &RuntimeType {
        // SAFETY: INVARIANT TYPES.
        unsafe { self.types[id.0 as usize].as_ref() }
    }

    /// All types.
    pub fn all(&self) -> impl Iterator<Item = &RuntimeType> {
        // SAFETY: INVARIANT TYPES.
        self.types.iter().map(|ty| unsafe { ty.as_ref() })
    }

    pub fn len(&self) -> usize {
        self.types.len()
    }

    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// The addresses, for the linked image.
    pub(crate) fn pointers(&self) -> &[NonNull<RuntimeType>] {
        &self.types
    }
}

impl Drop for TypeTable {
    fn drop(&mut self) {
        for (ty, layout) in self.types.iter().zip(&self.layouts) {
            // SAFETY: written by `new`, allocated with this layout, dropped once.
            unsafe { RuntimeType::free(*ty, *layout) };
        }
    }
}

/// The mask that a method table of a program that grows has room for: selectors are numbered in order, so as many as this never collide.
/// Memory that is not touched is not there.
const ROOM: u32 = 0x1FFF;

/// The room that a type's method table needs: only defined types, pointers to them, and structs, which may embed some, ever get methods.
fn room_of(descriptor: &TypeDescriptor, grows: bool) -> u32 {
    let may_have_methods = !descriptor.package.is_empty()
        || !descriptor.methods.is_empty()
        || matches!(
            descriptor.kind,
            TypeKind::Pointer { .. } | TypeKind::Struct { .. }
        );
    let is_interface = matches!(descriptor.kind, TypeKind::Interface { .. });
    if grows && may_have_methods && !is_interface {
        ROOM
    } else {
        0
    }
}

/// Where in its allocation, aligned to twice [`REFERENCE_TYPE`], a type lies (INVARIANT PLACE).
fn offset_of(data_is_reference: bool) -> usize {
    if data_is_reference {
        REFERENCE_TYPE as usize
    } else {
        0
    }
}

const _: () = assert!(align_of::<RuntimeType>() == REFERENCE_TYPE as usize);

/// The smallest mask under which all selectors differ. Selectors differ in their low 16 bits, so there is one.
fn mask_for(selectors: &[u32]) -> u32 {
    let mut mask = (selectors.len().next_power_of_two() as u32).saturating_sub(1);
    loop {
        let mut seen = vec![false; mask as usize + 1];
        if selectors
            .iter()
            .all(|s| !std::mem::replace(&mut seen[(s & mask) as usize], true))
            || mask >= 0xFFFF
        {
            return mask;
        }
        mask = mask << 1 | 1;
    }
}

fn shape_of(descriptor: &TypeDescriptor) -> Shape {
    match &descriptor.kind {
        TypeKind::Slice { .. } | TypeKind::Map { .. } | TypeKind::Function { .. } => {
            Shape::Uncomparable
        }
        _ if !descriptor.comparable => Shape::Uncomparable,
        TypeKind::Float32 => Shape::Float32,
        TypeKind::Float64 => Shape::Float64,
        TypeKind::String => Shape::String,
        TypeKind::Interface { .. } => Shape::Interface,
        TypeKind::Struct { .. } | TypeKind::Complex64 { .. } | TypeKind::Complex128 { .. } => {
            Shape::Struct
        }
        TypeKind::Array { .. } => Shape::Array,
        _ => Shape::Plain,
    }
}

pub(crate) fn access_of(descriptor: &TypeDescriptor) -> Access {
    if descriptor.boxed {
        return Access::Boxed;
    }
    match &descriptor.kind {
        TypeKind::Bool | TypeKind::Uint8 => Access::Uint8,
        TypeKind::Int8 => Access::Int8,
        TypeKind::Int16 => Access::Int16,
        TypeKind::Uint16 => Access::Uint16,
        TypeKind::Int32 => Access::Int32,
        TypeKind::Uint32 => Access::Uint32,
        TypeKind::Int
        | TypeKind::Int64
        | TypeKind::Uint
        | TypeKind::Uint64
        | TypeKind::Uintptr
        | TypeKind::Float64 => Access::Word,
        TypeKind::Float32 => Access::Float32,
        TypeKind::Complex64 { .. } | TypeKind::Complex128 { .. } => Access::Flat,
        TypeKind::String | TypeKind::Slice { .. } => Access::Pair,
        TypeKind::Interface { .. } => Access::Interface,
        TypeKind::Pointer { .. }
        | TypeKind::Map { .. }
        | TypeKind::Channel { .. }
        | TypeKind::Function { .. } => Access::Ref,
        TypeKind::Struct { .. } | TypeKind::Tuple { .. } | TypeKind::Array { .. } => {
            if descriptor.slots.is_empty() {
                Access::Nothing
            } else {
                Access::Flat
            }
        }
    }
}

/// The scalar parts of an unboxed type; empty for boxed ones. At most four, so the recursion over
/// nested structs is bounded by the checker's nesting of flat structs: each level holds the next one alone or is wider.
fn parts_of(all: &[TypeDescriptor], descriptor: &TypeDescriptor) -> Vec<FlatPart> {
    let mut parts = Vec::new();
    if descriptor.boxed {
        return parts;
    }
    // A work list instead of recursion: struct types may nest as deep as a script says.
    let mut todo = vec![(descriptor, 0u32, 0u16)];
    while let Some((ty, offset, slot)) = todo.pop() {
        match access_of(ty) {
            Access::Flat => {
                if let TypeKind::Complex64 { part } | TypeKind::Complex128 { part } = &ty.kind {
                    let part = &all[part.0 as usize];
                    todo.push((part, offset + ty.size / 2, slot + 1));
                    todo.push((part, offset, slot));
                }
                if let TypeKind::Struct { fields } = &ty.kind {
                    for field in fields.iter().rev() {
                        todo.push((
                            &all[field.ty.0 as usize],
                            offset + field.offset,
                            slot + field.slot,
                        ));
                    }
                }
            }
            Access::Nothing => {}
            access => parts.push(FlatPart {
                access,
                offset,
                slot,
            }),
        }
    }
    parts
}

/// Words and kinds of the references in one value of a type, repetitions of arrays written out.
pub(crate) fn reference_words(descriptor: &TypeDescriptor) -> Vec<(u32, SlotKind)> {
    let period = descriptor.pattern_period.max(1);
    let repetitions = if descriptor.pattern.is_empty() {
        0
    } else {
        descriptor.size / period
    };
    (0..repetitions)
        .flat_map(|repetition| {
            descriptor
                .pattern
                .iter()
                .map(move |(word, kind)| (word + repetition * period / 8, *kind))
        })
        .collect()
}

/// The words of a list of slots that lie in memory one after the other from word `first` on.
pub(crate) fn slot_words(slots: &[SlotKind], first: u32) -> Vec<(u32, SlotKind)> {
    slots
        .iter()
        .zip(first..)
        .map(|(kind, word)| (word, *kind))
        .collect()
}
