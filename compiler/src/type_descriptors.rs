//! How types lie in registers and in the heap, and their run-time descriptors.
//!
//! A [`Layout`] is computed at once, from the layouts of fields and elements only, so it exists for recursive types too.
//! A descriptor is given its number when first asked for and filled in later ([`TypeTable::pending`]), since its kind names
//! the descriptors of other types.

use std::rc::Rc;

use bytecode::{
    ChannelDirection, Field, InterfaceMethod, SlotKind, TypeDescriptor, TypeId as TypeRef, TypeKind,
};
use checker::types::{BasicKind, ChanDirection, Type, TypeId as Ty};
use rustc_hash::FxHashMap;

use crate::package::Compiler;

/// The instruction family that moves a value between registers and memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// No slots: `struct{}` and its like.
    Empty,
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
    /// A flat struct of several slots, a complex number.
    Value,
    /// A reference to a private heap object.
    Boxed,
}

/// A field of a struct's layout.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldLayout {
    /// Byte offset in the heap.
    pub(crate) offset: u32,
    /// First slot in registers, if the struct is flat.
    pub(crate) slot: u16,
    pub(crate) ty: Ty,
}

/// Where the parts of a type's values lie.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) slots: Vec<SlotKind>,
    pub(crate) access: Access,
    pub(crate) size: u32,
    pub(crate) align: u8,
    /// Of a struct.
    pub(crate) fields: Vec<FieldLayout>,
    /// Whether `==` takes values of the type.
    comparable: bool,
}

impl Layout {
    pub(crate) fn boxed(&self) -> bool {
        self.access == Access::Boxed
    }

    fn one(access: Access, kind: SlotKind, size: u32) -> Layout {
        Layout {
            slots: vec![kind],
            access,
            size,
            align: size as u8,
            fields: Vec::new(),
            comparable: true,
        }
    }

    fn pair(access: Access, kinds: [SlotKind; 2]) -> Layout {
        Layout {
            slots: kinds.to_vec(),
            access,
            size: 16,
            align: 16,
            fields: Vec::new(),
            comparable: true,
        }
    }
}

/// The largest type: a quarter of what offsets can hold, so that sums of two do not overflow.
pub(crate) const LARGEST_TYPE: u64 = 1 << 30;
/// A struct with more slots than this lives in a box.
const LARGEST_FLAT: usize = 4;

/// The types of the program, as far as they have been met.
#[derive(Default)]
pub(crate) struct TypeTable {
    layouts: FxHashMap<Ty, Rc<Layout>>,
    patterns: FxHashMap<Ty, Rc<Vec<(u32, SlotKind)>>>,
    ids: FxHashMap<Ty, TypeRef>,
    arrays: FxHashMap<(Ty, u64), TypeRef>,
    pub(crate) descriptors: Vec<TypeDescriptor>,
    /// The checker's type of every descriptor; none for the backing arrays of literals.
    pub(crate) origins: Vec<Option<Ty>>,
    pub(crate) pending: Vec<TypeRef>,
    /// A type larger than [`LARGEST_TYPE`] was met.
    pub(crate) too_large: Option<Ty>,
}

impl TypeTable {
    /// Forgets the numbers of types from `first` on, of which one is too large.
    pub(crate) fn forget_from(&mut self, first: usize) {
        self.ids.retain(|_, id| (id.0 as usize) < first);
        self.arrays.retain(|_, id| (id.0 as usize) < first);
        self.layouts.clear();
        self.patterns.clear();
    }

    /// The descriptors of arrays behind literals' slices: no value has such a type.
    pub(crate) fn hidden(&self) -> Vec<TypeRef> {
        let mut hidden: Vec<TypeRef> = self.arrays.values().copied().collect();
        hidden.sort_by_key(|id| id.0);
        hidden
    }
}

impl Compiler<'_> {
    /// The layout of a type.
    pub(crate) fn layout(&mut self, ty: Ty) -> Rc<Layout> {
        let ty = self.typed.types.canonical(ty);
        if let Some(layout) = self.types.layouts.get(&ty) {
            return Rc::clone(layout);
        }
        let layout = Rc::new(stacker::maybe_grow(64 << 10, 1 << 20, || {
            self.compute_layout(ty)
        }));
        self.types.layouts.insert(ty, Rc::clone(&layout));
        layout
    }

    fn compute_layout(&mut self, ty: Ty) -> Layout {
        use SlotKind::{InterfaceData, Ref, Scalar};
        let typed = self.typed;
        match typed.types.underlying(ty) {
            Type::Basic(kind) => match kind {
                BasicKind::Bool | BasicKind::UntypedBool | BasicKind::Uint8 => {
                    Layout::one(Access::Uint8, Scalar, 1)
                }
                BasicKind::Int8 => Layout::one(Access::Int8, Scalar, 1),
                BasicKind::Int16 => Layout::one(Access::Int16, Scalar, 2),
                BasicKind::Uint16 => Layout::one(Access::Uint16, Scalar, 2),
                BasicKind::Int32 => Layout::one(Access::Int32, Scalar, 4),
                BasicKind::Uint32 => Layout::one(Access::Uint32, Scalar, 4),
                BasicKind::Float32 => Layout::one(Access::Float32, Scalar, 4),
                BasicKind::Complex64 => self.struct_layout(ty, &[Ty::FLOAT32; 2]),
                BasicKind::Complex128 | BasicKind::UntypedComplex => {
                    self.struct_layout(ty, &[Ty::FLOAT64; 2])
                }
                BasicKind::String | BasicKind::UntypedString => {
                    Layout::pair(Access::Pair, [Ref, Scalar])
                }
                BasicKind::UntypedNil => Layout::one(Access::Ref, Ref, 8),
                BasicKind::Int
                | BasicKind::Int64
                | BasicKind::Uint
                | BasicKind::Uint64
                | BasicKind::Uintptr
                | BasicKind::Float64
                | BasicKind::UntypedInt
                | BasicKind::UntypedRune
                | BasicKind::UntypedFloat
                | BasicKind::Invalid => Layout::one(Access::Word, Scalar, 8),
            },
            Type::Pointer(_) | Type::Chan { .. } => Layout::one(Access::Ref, Ref, 8),
            Type::Map { .. } | Type::Signature(_) => Layout {
                comparable: false,
                ..Layout::one(Access::Ref, Ref, 8)
            },
            Type::Slice(_) => Layout {
                comparable: false,
                ..Layout::pair(Access::Pair, [Ref, Scalar])
            },
            Type::Interface(_) => Layout::pair(Access::Interface, [Scalar, InterfaceData]),
            Type::Array(element, length) => {
                let element = self.layout(*element);
                let size = self.checked_array_size(ty, element.size, *length as u64);
                Layout {
                    slots: vec![Ref],
                    access: Access::Boxed,
                    size,
                    align: element.align,
                    fields: Vec::new(),
                    comparable: element.comparable,
                }
            }
            Type::Struct(fields) => {
                let types: Vec<Ty> = fields.iter().map(|field| field.typ).collect();
                self.struct_layout(ty, &types)
            }
            Type::Tuple(_)
            | Type::Named(_)
            | Type::TypeParameter(_)
            | Type::Union(_)
            | Type::Alias { .. } => Layout {
                slots: Vec::new(),
                access: Access::Empty,
                size: 0,
                align: 1,
                fields: Vec::new(),
                comparable: true,
            },
        }
    }

    fn checked_size(&mut self, ty: Ty, size: u64) -> u32 {
        if size > LARGEST_TYPE {
            self.types.too_large.get_or_insert(ty);
            return 16;
        }
        size as u32
    }

    /// The size of an array. `ty` is what is too large if it is: also an array of more elements than instructions can count, however small they are.
    fn checked_array_size(&mut self, ty: Ty, element: u32, length: u64) -> u32 {
        let size = if u32::try_from(length).is_ok() {
            u64::from(element).saturating_mul(length)
        } else {
            u64::MAX
        };
        self.checked_size(ty, size)
    }

    fn struct_layout(&mut self, ty: Ty, types: &[Ty]) -> Layout {
        let (mut offset, mut align, mut slots, mut flat) = (0u64, 1u8, Vec::new(), true);
        let mut fields = Vec::with_capacity(types.len());
        let mut last_is_empty = false;
        let (mut leaf, mut leaf_size) = (Access::Empty, 0);
        let mut comparable = true;
        for &field in types {
            let layout = self.layout(field);
            comparable &= layout.comparable;
            offset = offset.next_multiple_of(u64::from(layout.align));
            fields.push(FieldLayout {
                offset: offset.min(LARGEST_TYPE) as u32,
                slot: slots.len() as u16,
                ty: field,
            });
            offset += u64::from(layout.size);
            align = align.max(layout.align);
            flat &= !layout.boxed();
            if slots.len() <= LARGEST_FLAT {
                slots.extend_from_slice(&layout.slots);
            }
            if layout.access != Access::Empty {
                leaf = if leaf == Access::Empty {
                    layout.access
                } else {
                    Access::Value
                };
                leaf_size = layout.size;
            }
            last_is_empty = layout.size == 0;
        }
        // A pointer never leaves its object, not even the address of an empty field at its end.
        if last_is_empty && offset > 0 {
            offset += 1;
        }
        let size = self.checked_size(ty, offset.next_multiple_of(u64::from(align)));
        if !flat || slots.len() > LARGEST_FLAT {
            return Layout {
                slots: vec![SlotKind::Ref],
                access: Access::Boxed,
                size,
                align,
                fields,
                comparable,
            };
        }
        // Instructions that step over elements go by the width of what they read: padding behind it is no part of that.
        if leaf != Access::Empty && leaf_size != size {
            leaf = Access::Value;
        }
        Layout {
            slots,
            access: leaf,
            size,
            align,
            fields,
            comparable,
        }
    }

    /// The types of a tuple, or the type itself.
    pub(crate) fn tuple(&self, ty: Ty) -> Vec<Ty> {
        match self.typed.types.get(ty) {
            Type::Tuple(types) => types.to_vec(),
            _ => vec![ty],
        }
    }

    /// The kinds of the slots of several values in a row.
    pub(crate) fn kinds(&mut self, types: &[Ty]) -> Vec<SlotKind> {
        types
            .iter()
            .flat_map(|&ty| self.layout(ty).slots.clone())
            .collect()
    }

    /// The descriptor of a type.
    pub(crate) fn descriptor(&mut self, ty: Ty) -> TypeRef {
        let ty = self.typed.types.canonical(ty);
        if let Some(&id) = self.types.ids.get(&ty) {
            return id;
        }
        let layout = self.layout(ty);
        let name = self.typed.run_time_type_string(self.names, ty);
        let (mut own_name, mut package) = (String::new(), String::new());
        if let Some(named) = self.typed.types.named(ty) {
            let object = self.typed.object(named.object);
            own_name = self.names.text(object.name).to_owned();
            package = object
                .package
                .map_or(String::new(), |id| self.typed.package(id).path.clone());
        } else if self.typed.types.basic(ty).is_some() {
            own_name.clone_from(&name);
        }
        let comparable = layout.comparable;
        let plain_memory = match self.typed.types.underlying(ty) {
            Type::Basic(kind) => kind.is_integer() || kind.is_boolean(),
            Type::Pointer(_) | Type::Chan { .. } => true,
            _ => false,
        };
        let id = self.new_descriptor(
            TypeDescriptor {
                name,
                own_name,
                package,
                kind: TypeKind::Tuple {
                    elements: Vec::new(),
                },
                size: layout.size,
                align: layout.align,
                slots: layout.slots.clone(),
                boxed: layout.boxed(),
                pattern: Vec::new(),
                pattern_period: layout.size,
                comparable,
                plain_memory,
                methods: Vec::new(),
                pointer_to: None,
            },
            Some(ty),
        );
        self.types.ids.insert(ty, id);
        id
    }

    fn new_descriptor(&mut self, descriptor: TypeDescriptor, origin: Option<Ty>) -> TypeRef {
        let id = TypeRef(self.types.descriptors.len() as u32);
        self.types.descriptors.push(descriptor);
        self.types.origins.push(origin);
        self.types.pending.push(id);
        id
    }

    /// The descriptor of the array behind a slice of `length` elements that a literal or a variadic call makes.
    pub(crate) fn backing_array(&mut self, element: Ty, length: u64) -> TypeRef {
        let element = self.typed.types.canonical(element);
        if let Some(&id) = self.types.arrays.get(&(element, length)) {
            return id;
        }
        let layout = self.layout(element);
        let element_id = self.descriptor(element);
        let size = self.checked_array_size(element, layout.size, length);
        let name = format!(
            "[{length}]{}",
            self.types.descriptors[element_id.0 as usize].name
        );
        let pattern = self.pattern_of(element);
        let id = self.new_descriptor(
            TypeDescriptor {
                name,
                own_name: String::new(),
                package: String::new(),
                kind: TypeKind::Array {
                    element: element_id,
                    length,
                },
                size,
                align: layout.align,
                slots: vec![SlotKind::Ref],
                boxed: true,
                pattern: pattern.to_vec(),
                pattern_period: layout.size,
                comparable: layout.comparable,
                plain_memory: false,
                methods: Vec::new(),
                pointer_to: None,
            },
            None,
        );
        self.types.arrays.insert((element, length), id);
        id
    }

    /// Fills in all descriptors that were asked for; returns whether there were any.
    pub(crate) fn complete_descriptors(&mut self) -> bool {
        let mut any = false;
        while let Some(id) = self.types.pending.pop() {
            any = true;
            let Some(ty) = self.types.origins[id.0 as usize] else {
                continue;
            };
            let kind = self.type_kind(ty);
            let pattern = match self.typed.types.underlying(ty) {
                Type::Array(element, _) => self.pattern_of(*element),
                _ => self.pattern_of(ty),
            };
            if let TypeKind::Pointer { element } = kind {
                self.types.descriptors[element.0 as usize].pointer_to = Some(id);
                if (element.0 as usize) < self.linked_types {
                    self.touched.push(element);
                }
            }
            let period = match kind {
                TypeKind::Array { element, .. } => self.types.descriptors[element.0 as usize].size,
                _ => self.types.descriptors[id.0 as usize].size,
            };
            let descriptor = &mut self.types.descriptors[id.0 as usize];
            descriptor.kind = kind;
            descriptor.pattern = pattern.to_vec();
            descriptor.pattern_period = period;
        }
        any
    }

    /// Where references lie in a value in the heap.
    /// Which words of a value are references, and of which kind.
    fn pattern_of(&mut self, ty: Ty) -> Rc<Vec<(u32, SlotKind)>> {
        let ty = self.typed.types.canonical(ty);
        if let Some(pattern) = self.types.patterns.get(&ty) {
            return Rc::clone(pattern);
        }
        let pattern = Rc::new(stacker::maybe_grow(64 << 10, 1 << 20, || {
            self.compute_pattern(ty)
        }));
        self.types.patterns.insert(ty, Rc::clone(&pattern));
        pattern
    }

    fn compute_pattern(&mut self, ty: Ty) -> Vec<(u32, SlotKind)> {
        let typed = self.typed;
        let layout = self.layout(ty);
        let mut out = Vec::new();
        match typed.types.underlying(ty) {
            Type::Struct(_) => {
                for field in &layout.fields {
                    let words = self.pattern_of(field.ty);
                    out.extend(
                        words
                            .iter()
                            .map(|&(word, kind)| (field.offset / 8 + word, kind)),
                    );
                }
            }
            Type::Array(element, length) => {
                let size = self.layout(*element).size;
                let words = self.pattern_of(*element);
                if !words.is_empty() {
                    for index in 0..*length as u32 {
                        out.extend(
                            words
                                .iter()
                                .map(|&(word, kind)| (index * size / 8 + word, kind)),
                        );
                    }
                }
            }
            _ => {
                let words = layout
                    .slots
                    .iter()
                    .enumerate()
                    .filter(|(_, kind)| **kind != SlotKind::Scalar);
                out.extend(words.map(|(index, kind)| (index as u32, *kind)));
            }
        }
        out
    }

    fn type_kind(&mut self, ty: Ty) -> TypeKind {
        let typed = self.typed;
        match typed.types.underlying(ty) {
            Type::Basic(kind) => match kind {
                BasicKind::Bool | BasicKind::UntypedBool => TypeKind::Bool,
                BasicKind::Int | BasicKind::UntypedInt | BasicKind::Invalid => TypeKind::Int,
                BasicKind::Int8 => TypeKind::Int8,
                BasicKind::Int16 => TypeKind::Int16,
                BasicKind::Int32 | BasicKind::UntypedRune => TypeKind::Int32,
                BasicKind::Int64 => TypeKind::Int64,
                BasicKind::Uint => TypeKind::Uint,
                BasicKind::Uint8 => TypeKind::Uint8,
                BasicKind::Uint16 => TypeKind::Uint16,
                BasicKind::Uint32 => TypeKind::Uint32,
                BasicKind::Uint64 => TypeKind::Uint64,
                BasicKind::Uintptr | BasicKind::UntypedNil => TypeKind::Uintptr,
                BasicKind::Float32 => TypeKind::Float32,
                BasicKind::Float64 | BasicKind::UntypedFloat => TypeKind::Float64,
                BasicKind::Complex64 => TypeKind::Complex64 {
                    part: self.descriptor(Ty::FLOAT32),
                },
                BasicKind::Complex128 | BasicKind::UntypedComplex => TypeKind::Complex128 {
                    part: self.descriptor(Ty::FLOAT64),
                },
                BasicKind::String | BasicKind::UntypedString => TypeKind::String,
            },
            Type::Pointer(base) => TypeKind::Pointer {
                element: self.descriptor(*base),
            },
            Type::Slice(element) => TypeKind::Slice {
                element: self.descriptor(*element),
            },
            Type::Array(element, length) => TypeKind::Array {
                element: self.descriptor(*element),
                length: *length as u64,
            },
            Type::Map { key, element } => TypeKind::Map {
                key: self.descriptor(*key),
                value: self.descriptor(*element),
            },
            Type::Chan { direction, element } => TypeKind::Channel {
                element: self.descriptor(*element),
                direction: match direction {
                    ChanDirection::Both => ChannelDirection::Both,
                    ChanDirection::Send => ChannelDirection::Send,
                    ChanDirection::Receive => ChannelDirection::Receive,
                },
            },
            Type::Struct(fields) => {
                let layout = self.layout(ty);
                let field = |(field, place): (&checker::types::Field, &FieldLayout)| Field {
                    name: self.names.text(field.name).to_owned(),
                    ty: self.descriptor(field.typ),
                    offset: place.offset,
                    slot: place.slot,
                    embedded: field.embedded,
                    exported: field.exported,
                    tag: field.tag.as_deref().unwrap_or("").to_owned(),
                };
                TypeKind::Struct {
                    fields: fields.iter().zip(&layout.fields).map(field).collect(),
                }
            }
            Type::Signature(signature) => TypeKind::Function {
                parameters: signature
                    .params
                    .iter()
                    .map(|param| self.descriptor(param.typ))
                    .collect(),
                results: signature
                    .results
                    .iter()
                    .map(|param| self.descriptor(param.typ))
                    .collect(),
                variadic: signature.variadic,
            },
            Type::Interface(interface) => TypeKind::Interface {
                methods: interface
                    .methods
                    .iter()
                    .map(|method| InterfaceMethod {
                        selector: self.selector(method.name, method.package, method.signature),
                        name: self.names.text(method.name).to_owned(),
                    })
                    .collect(),
            },
            Type::Tuple(types) => TypeKind::Tuple {
                elements: types.iter().map(|&ty| self.descriptor(ty)).collect(),
            },
            Type::Named(_) | Type::TypeParameter(_) | Type::Union(_) | Type::Alias { .. } => {
                TypeKind::Tuple {
                    elements: Vec::new(),
                }
            }
        }
    }
}

impl Compiler<'_> {
    /// A slice type that the machine needs and the program does not have.
    pub(crate) fn synthetic_slice(&mut self, name: String, element: TypeRef) -> TypeRef {
        self.new_descriptor(
            TypeDescriptor {
                name,
                own_name: String::new(),
                package: String::new(),
                kind: TypeKind::Slice { element },
                size: 16,
                align: 16,
                slots: vec![SlotKind::Ref, SlotKind::Scalar],
                boxed: false,
                pattern: vec![(0, SlotKind::Ref)],
                pattern_period: 16,
                comparable: false,
                plain_memory: false,
                methods: Vec::new(),
                pointer_to: None,
            },
            None,
        )
    }
}
