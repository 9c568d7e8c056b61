//! What package `reflect` does to types and values.
//!
//! A `reflect.Type` is a `*reflect.rtype` whose address is that of the run-time type itself ([`TypeHandle`]). A `reflect.Value` is an
//! interface and flags; the interface holds either the value or a pointer to where the value lies (the flag *indirect*). So what a
//! script can tear apart by racing, the flags from the interface, is never what memory depends on: the interface goes whole, and
//! says of its data what it is; flags that do not fit give wrong answers or panics.
//!
//! - [`View`] is a look at such a value: [`View::of`]. [`View::hand_on`] makes the pair of a part of it again.
//! - Blocking operations and calls of functions whose types only the value knows are [`MachineOperation`]s: natives that the interpreter
//!   does itself (`ops/reflected.rs`).
//!
//! INVARIANT (MADE): a `*reflect.rtype` that is no type (a script can make one by `reflect.New`) is told by the type's first word.

use std::marker::PhantomData;

use bytecode::TypeKind;

use crate::border::{Any, GoSlice, GoStr, NativeType, Parameter, Place, Results, View};
use crate::heap::Cache;
use crate::made_types::MakeTypeError;
use crate::moves;
use crate::native::{GoPanic, NativeContext};
use crate::objects::channel::{self, MakeError};
use crate::objects::map::{self, KeyKind, MapError};
use crate::objects::value;
use crate::ops::maps;
pub use crate::ops::reflected::MachineOperation;
use crate::ops::slices::{Grow, grow, header};
use crate::types::RuntimeType;

/// A type as package `reflect` passes it: a `*reflect.rtype`.
#[derive(Clone, Copy)]
pub struct TypeHandle<'h> {
    address: u64,
    marker: PhantomData<&'h RuntimeType>,
}

impl<'h> TypeHandle<'h> {
    /// No type.
    pub const NIL: TypeHandle<'static> = TypeHandle {
        address: 0,
        marker: PhantomData,
    };

    pub fn of(ty: &'h RuntimeType) -> TypeHandle<'h> {
        TypeHandle {
            address: ty.word(),
            marker: PhantomData,
        }
    }

    /// The type; `None` for nil and for what is no type.
    pub fn find(&self) -> Option<&'h RuntimeType> {
        // SAFETY: a pointer of the script to a struct of one word, or a type (INVARIANT MADE).
        let is_type = unsafe { RuntimeType::is_at(self.address) };
        // SAFETY: a type, of an image that outlives the call.
        unsafe { RuntimeType::from_word(if is_type { self.address } else { 0 }) }
    }

    /// The type.
    ///
    /// # Errors
    /// Go's panic when it is nil.
    pub fn get(&self) -> Result<&'h RuntimeType, GoPanic> {
        self.find().ok_or_else(GoPanic::nil_dereference)
    }

    /// The type that an interface value holds, such as an element of a `[]reflect.Type`.
    ///
    /// # Errors
    /// Go's panic when there is none.
    pub fn from_any(value: Any<'h>) -> Result<&'h RuntimeType, GoPanic> {
        let is_handle = value
            .ty()
            .is_some_and(|ty| matches!(ty.kind(), TypeKind::Pointer { .. }) && names_types(ty));
        let handle = TypeHandle {
            address: if is_handle { value.data } else { 0 },
            marker: PhantomData,
        };
        handle.get()
    }
}

fn names_types(pointer: &RuntimeType) -> bool {
    let element = &pointer.element().descriptor;
    element.own_name == "rtype" && element.package == "reflect"
}

impl<'h> Parameter<'h> for TypeHandle<'h> {
    const SLOTS: usize = 1;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::Type);
    }
    unsafe fn read(slots: *const u64) -> Self {
        TypeHandle {
            // SAFETY: the caller's promise.
            address: unsafe { *slots },
            marker: PhantomData,
        }
    }
}

impl<'h> Results<'h> for TypeHandle<'h> {
    const SLOTS: usize = 1;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::Type);
    }
    unsafe fn write(self, _: &mut NativeContext<'h>, slots: *mut u64) -> Result<(), GoPanic> {
        // SAFETY: the caller's promise.
        unsafe { *slots = self.address };
        Ok(())
    }
}

impl From<MakeTypeError> for GoPanic {
    fn from(error: MakeTypeError) -> GoPanic {
        match error {
            MakeTypeError::TooLarge => {
                GoPanic::text("reflect.ArrayOf: array size would exceed virtual address space")
            }
            MakeTypeError::OutOfMemory => GoPanic::out_of_memory(),
        }
    }
}

impl From<MapError> for GoPanic {
    fn from(error: MapError) -> GoPanic {
        match error {
            MapError::ConcurrentWrites => GoPanic::fatal("concurrent map writes"),
            MapError::ConcurrentReadAndWrite => GoPanic::fatal("concurrent map read and map write"),
            MapError::ConcurrentIterationAndWrite => {
                GoPanic::fatal("concurrent map iteration and map write")
            }
            MapError::Unhashable(word) => {
                // SAFETY: a type word.
                let name = unsafe { RuntimeType::from_word(word) }.map_or("", RuntimeType::name);
                GoPanic::runtime(format!("hash of unhashable type {name}"))
            }
            MapError::OutOfMemory => GoPanic::WantsMemory,
        }
    }
}

/// What an interface holds, in a register's form, is wanted as another type; none of the operations here guess.
pub(crate) fn wrong_type() -> GoPanic {
    GoPanic::text("reflect: the value is not of the type that it is used as")
}

/// The slots of a value in an interface, to be stored or looked up as type `ty`.
pub(crate) fn slots_of(ty: &RuntimeType, value: Any<'_>) -> Result<[u64; 4], GoPanic> {
    let mut slots = [0; 4];
    if ty.is_interface() {
        if value.ty().is_some_and(|held| !held.implements(ty)) {
            return Err(wrong_type());
        }
        slots[..2].copy_from_slice(&[value.word, value.data]);
        return Ok(slots);
    }
    if value.word != ty.word() {
        return Err(wrong_type());
    }
    // SAFETY: the interface holds the type, whose values take at most four slots.
    unsafe { value::unpack(ty, value.data, slots.as_mut_ptr()) };
    Ok(slots)
}

/// A fresh interface of type `ty` over slots; an interface's own words if `ty` is one.
///
/// # Safety
/// `slots` leads to the slots of a value of this type, which is good for `'h`.
pub(crate) unsafe fn any_of<'h>(
    cache: &mut Cache,
    ty: &RuntimeType,
    slots: *const u64,
) -> Result<Any<'h>, GoPanic> {
    // SAFETY: the caller's promise.
    unsafe {
        if ty.is_interface() {
            return Ok(Any::from_raw(*slots, *slots.add(1)));
        }
        let data = value::interface_data(cache, ty, slots).map_err(|_| GoPanic::out_of_memory())?;
        Ok(Any::from_raw(ty.word(), data))
    }
}

/// The zero value of a type that is no interface.
pub(crate) fn zero_of<'h>(cache: &mut Cache, ty: &RuntimeType) -> Result<Any<'h>, GoPanic> {
    let data = if ty.boxed || ty.slots > 1 {
        let object = cache.allocate(ty.site());
        object.map_err(|_| GoPanic::out_of_memory())?.get()
    } else {
        0
    };
    // SAFETY: a zero value of its type.
    Ok(unsafe { Any::from_raw(ty.word(), data) })
}

impl<'h> NativeContext<'h> {
    /// `*T`.
    ///
    /// # Errors
    /// There is no memory.
    pub fn pointer_to(&self, ty: &'h RuntimeType) -> Result<&'h RuntimeType, GoPanic> {
        Ok(self.image().pointer_to(&self.machine.heap, ty)?)
    }

    /// The heap, for making types.
    pub fn heap(&self) -> &'h crate::heap::Heap {
        &self.machine.heap
    }

    /// A pointer to a new zero value of type `ty`.
    ///
    /// # Errors
    /// The heap is full.
    pub fn new_value(&mut self, ty: &'h RuntimeType) -> Result<Any<'h>, GoPanic> {
        let pointer = self.pointer_to(ty)?;
        let object = self
            .cache
            .allocate(ty.site())
            .map_err(|_| GoPanic::out_of_memory())?;
        // SAFETY: a pointer of its type.
        Ok(unsafe { Any::from_raw(pointer.word(), object.get()) })
    }

    /// The zero value of a type that is no interface.
    ///
    /// # Errors
    /// The heap is full.
    pub fn zero_value(&mut self, ty: &'h RuntimeType) -> Result<Any<'h>, GoPanic> {
        zero_of(self.cache, ty)
    }

    /// A value of a type that takes 16 bytes, a string or slice.
    fn new_pair(&mut self, ty: &RuntimeType, low: u64, high: u64) -> Result<Any<'h>, GoPanic> {
        // SAFETY: the two slots of such a value, whose bytes or elements are live.
        unsafe { any_of(self.cache, ty, [low, high].as_ptr()) }
    }

    /// A string as a value of a string type.
    ///
    /// # Errors
    /// The heap is full; the type is another.
    pub fn string_value(
        &mut self,
        ty: &'h RuntimeType,
        text: GoStr<'h>,
    ) -> Result<Any<'h>, GoPanic> {
        match ty.kind() {
            TypeKind::String => self.new_pair(ty, text.pointer as u64, text.length as u64),
            _ => Err(wrong_type()),
        }
    }

    /// A bool, integer or float, given in a register's form, as a value of such a type.
    ///
    /// # Errors
    /// The type is another.
    pub fn scalar_value(&mut self, ty: &'h RuntimeType, slot: u64) -> Result<Any<'h>, GoPanic> {
        if ty.slots != 1 || ty.boxed || ty.data_is_reference {
            return Err(wrong_type());
        }
        // SAFETY: a value of the type, which refers to nothing.
        Ok(unsafe { Any::from_raw(ty.word(), slot) })
    }

    /// A slice as a value of a slice type with these elements.
    ///
    /// # Errors
    /// The heap is full; the type is another.
    pub fn slice_value(
        &mut self,
        ty: &'h RuntimeType,
        slice: GoSlice<'h, Any<'h>>,
    ) -> Result<Any<'h>, GoPanic> {
        let holds_any = matches!(ty.kind(), TypeKind::Slice { .. })
            && matches!(ty.element().kind(), TypeKind::Interface { methods } if methods.is_empty());
        if !holds_any {
            return Err(wrong_type());
        }
        let header = header(slice.len() as u64, slice.capacity() as u64);
        self.new_pair(ty, slice.address(), header)
    }

    /// `make([]T, length, capacity)` of a slice type.
    ///
    /// # Errors
    /// Go's panics; the heap is full.
    pub fn make_slice(
        &mut self,
        ty: &'h RuntimeType,
        length: i64,
        capacity: i64,
    ) -> Result<Any<'h>, GoPanic> {
        let element = ty.element();
        let fits = |count: i64| {
            u64::try_from(count)
                .ok()
                .and_then(|count| count.checked_mul(element.go.size))
                .is_some_and(|bytes| bytes <= crate::growth::MAX_ALLOCATION)
        };
        if !fits(length) {
            return Err(GoPanic::runtime("makeslice: len out of range"));
        }
        if !fits(capacity) || length > capacity {
            return Err(GoPanic::runtime("makeslice: cap out of range"));
        }
        let bytes = (capacity as u64).saturating_mul(u64::from(element.size));
        if capacity as u64 > crate::growth::MAX_ELEMENTS {
            return Err(self.out_of_memory(bytes as usize));
        }
        self.check_memory(bytes as usize)?;
        let pointer = self
            .cache
            .allocate_array(
                element.heap_shape(),
                capacity as u64,
                u64::from(element.size),
            )
            .map_err(|_| GoPanic::out_of_memory())?;
        self.new_pair(ty, pointer.get(), header(length as u64, capacity as u64))
    }

    /// `make(map[K]V, hint)` of a map type.
    ///
    /// # Errors
    /// The heap is full.
    pub fn make_map(&mut self, ty: &'h RuntimeType, hint: i64) -> Result<Any<'h>, GoPanic> {
        let Some(map_type) = ty.map.as_deref() else {
            return Err(wrong_type());
        };
        let map = map::make(self.cache, map_type, hint.max(0) as u64)?;
        // SAFETY: a new map of its type.
        Ok(unsafe { Any::from_raw(ty.word(), map) })
    }

    /// `make(chan T, size)` of a channel type.
    ///
    /// # Errors
    /// Go's panic; the heap is full.
    pub fn make_channel(&mut self, ty: &'h RuntimeType, size: i64) -> Result<Any<'h>, GoPanic> {
        let site = self.machine.channel_site;
        match channel::make(self.cache, site, ty.element(), size) {
            // SAFETY: a new channel of its type.
            Ok(channel) => Ok(unsafe { Any::from_raw(ty.word(), channel) }),
            Err(MakeError::Size) => Err(GoPanic::Plain("makechan: size out of range".into())),
            Err(MakeError::OutOfMemory) => Err(GoPanic::WantsMemory),
        }
    }

    /// A function value of a type that the program has, which hands its arguments to `function`, a `func([]any) []any`
    /// ([`bytecode::Reflection::made`]). `None` if compiled code cannot call such functions.
    ///
    /// # Errors
    /// The heap is full.
    pub fn make_function(
        &mut self,
        ty: &'h RuntimeType,
        function: crate::Reference<'h>,
    ) -> Result<Option<Any<'h>>, GoPanic> {
        let image = self.image();
        let Some(id) = image.made_function(ty) else {
            return Ok(None);
        };
        let linked = &image.functions[id.0 as usize];
        let closure = self
            .cache
            .allocate(linked.closure_site)
            .map_err(|_| GoPanic::out_of_memory())?
            .get();
        // SAFETY: a new closure of that function, which captures one reference.
        unsafe {
            moves::store64(
                closure,
                image.code.as_ptr().add(linked.start as usize) as u64,
            );
            moves::store_reference(closure + 8, function.address());
            Ok(Some(Any::from_raw(ty.word(), closure)))
        }
    }

    /// A value of a function type that compiled code cannot call: `function`, a `func([]any) []any`, itself.
    ///
    /// # Errors
    /// Compiled code can call functions of the type.
    pub fn keep_function(
        &self,
        ty: &'h RuntimeType,
        function: crate::Reference<'h>,
    ) -> Result<Any<'h>, GoPanic> {
        match ty.kind() {
            TypeKind::Function { .. } if !self.image().is_callable(ty) => {
                // SAFETY: a func value; its type keeps compiled code from calling it.
                Ok(unsafe { Any::from_raw(ty.word(), function.address()) })
            }
            _ => Err(wrong_type()),
        }
    }

    /// The function in what [`NativeContext::keep_function`] made.
    ///
    /// # Errors
    /// It is none of these, or nil.
    pub fn kept_function(&self, value: Any<'h>) -> Result<crate::Reference<'h>, GoPanic> {
        match value.ty() {
            Some(ty)
                if matches!(ty.kind(), TypeKind::Function { .. })
                    && !self.image().is_callable(ty)
                    && value.data != 0 =>
            {
                // SAFETY: the slot of a func value.
                Ok(unsafe { crate::Reference::read(&raw const value.data) })
            }
            _ => Err(wrong_type()),
        }
    }

    /// The value of one type as another whose values lie in memory and registers alike; `None` if they do not.
    ///
    /// # Errors
    /// The value is nil.
    pub fn as_type(&self, value: Any<'h>, ty: &'h RuntimeType) -> Result<Option<Any<'h>>, GoPanic> {
        let from = value.ty().ok_or_else(wrong_type)?;
        if !alike(self.image(), from, ty) {
            return Ok(None);
        }
        // SAFETY: the two types have the same representation and lead to values of identical types.
        Ok(Some(unsafe { Any::from_raw(ty.word(), value.data) }))
    }
}

/// Whether two types have identical underlying types when struct tags are left out of account, so that a value of one is one of the
/// other. Pointers: to such.
fn alike(image: &crate::Image, a: &RuntimeType, b: &RuntimeType) -> bool {
    if let (TypeKind::Pointer { .. }, TypeKind::Pointer { .. }) = (a.kind(), b.kind()) {
        return identical_underlying(image, a.element(), b.element(), Tags::Ignored);
    }
    if let (
        TypeKind::Channel { direction, .. },
        TypeKind::Channel {
            direction: wanted, ..
        },
    ) = (a.kind(), b.kind())
        && a.element().word() == b.element().word()
    {
        // A two-way channel is assignable to one-way channels.
        return direction == wanted || *direction == bytecode::ChannelDirection::Both;
    }
    identical_underlying(image, a, b, Tags::Ignored)
}

/// Whether struct tags count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tags {
    Compared,
    Ignored,
}

/// Whether two types have identical underlying types.
pub fn identical_underlying(
    image: &crate::Image,
    a: &RuntimeType,
    b: &RuntimeType,
    tags: Tags,
) -> bool {
    // Pairs whose underlying types are to be compared. Types without a name nest no deeper than the program's text or the calls that
    // made them, and a named type inside is only compared by its address, so this ends.
    let mut todo: Vec<(&RuntimeType, &RuntimeType)> = vec![(a, b)];
    while let Some((a, b)) = todo.pop() {
        if a.word() == b.word() {
            continue;
        }
        // Identical but for what is below: for parts, both must be without names.
        let mut part = |x: &'_ RuntimeType, y: &'_ RuntimeType| -> bool {
            if x.word() == y.word() {
                return true;
            }
            if tags == Tags::Compared
                || !x.descriptor.own_name.is_empty()
                || !y.descriptor.own_name.is_empty()
            {
                return false;
            }
            // SAFETY: both live as long as the image (INVARIANT TYPES), which outlives this call.
            let longer = unsafe { (&*std::ptr::from_ref(x), &*std::ptr::from_ref(y)) };
            todo.push(longer);
            true
        };
        let same = match (a.kind(), b.kind()) {
            (TypeKind::Pointer { .. }, TypeKind::Pointer { .. })
            | (TypeKind::Slice { .. }, TypeKind::Slice { .. }) => part(a.element(), b.element()),
            (TypeKind::Array { length: m, .. }, TypeKind::Array { length: n, .. }) => {
                m == n && part(a.element(), b.element())
            }
            (TypeKind::Map { .. }, TypeKind::Map { .. }) => {
                part(a.key(), b.key()) && part(a.element(), b.element())
            }
            (TypeKind::Channel { direction: m, .. }, TypeKind::Channel { direction: n, .. }) => {
                m == n && part(a.element(), b.element())
            }
            (
                TypeKind::Function {
                    parameters: p,
                    results: r,
                    variadic: v,
                },
                TypeKind::Function {
                    parameters: q,
                    results: s,
                    variadic: w,
                },
            ) => {
                v == w
                    && p.len() == q.len()
                    && r.len() == s.len()
                    && p.iter()
                        .chain(r)
                        .zip(q.iter().chain(s))
                        .all(|(x, y)| part(image.ty(*x), image.ty(*y)))
            }
            (TypeKind::Struct { fields: f }, TypeKind::Struct { fields: g }) => {
                f.len() == g.len()
                    && image.field_package(a) == image.field_package(b)
                    && f.iter().zip(g).enumerate().all(|(index, (x, y))| {
                        x.name == y.name
                            && x.embedded == y.embedded
                            && (tags == Tags::Ignored || x.tag == y.tag)
                            && part(a.field(index).0, b.field(index).0)
                    })
            }
            (TypeKind::Interface { methods: m }, TypeKind::Interface { methods: n }) => {
                let selectors = |methods: &[bytecode::InterfaceMethod]| {
                    let mut all: Vec<u32> = methods.iter().map(|m| m.selector).collect();
                    all.sort_unstable();
                    all
                };
                selectors(m) == selectors(n)
            }
            (TypeKind::Complex64 { .. }, TypeKind::Complex64 { .. })
            | (TypeKind::Complex128 { .. }, TypeKind::Complex128 { .. }) => true,
            (x, y) => x == y && is_basic(x),
        };
        if !same {
            return false;
        }
    }
    true
}

fn is_basic(kind: &TypeKind) -> bool {
    !matches!(
        kind,
        TypeKind::Pointer { .. }
            | TypeKind::Slice { .. }
            | TypeKind::Array { .. }
            | TypeKind::Map { .. }
            | TypeKind::Channel { .. }
            | TypeKind::Function { .. }
            | TypeKind::Struct { .. }
            | TypeKind::Interface { .. }
            | TypeKind::Tuple { .. }
    )
}

impl<'h> View<'h> {
    /// The value of a `reflect.Value`: what the interface holds, or (`indirect`) what the pointer in it leads to.
    pub fn of(value: Any<'h>, indirect: bool) -> Option<View<'h>> {
        let view = value.view()?;
        if !indirect {
            return Some(view);
        }
        match view.kind() {
            TypeKind::Pointer { .. } => view.pointee(),
            _ => None,
        }
    }

    fn memory(&self) -> Option<u64> {
        match self.place {
            Place::Memory(place) => Some(place as u64),
            Place::Slot(_) => None,
        }
    }

    /// A pointer to the value, which must lie in memory.
    ///
    /// # Errors
    /// It lies in no memory, or there is none for the pointer type.
    pub fn pointer(&self, context: &NativeContext<'h>) -> Result<Any<'h>, GoPanic> {
        let place = self.memory().ok_or_else(wrong_type)?;
        let ty = context.pointer_to(self.ty)?;
        // SAFETY: the place of such a value.
        Ok(unsafe { Any::from_raw(ty.word(), place) })
    }

    /// The value as a `reflect.Value` keeps it: itself, or a pointer to where it lies (true).
    ///
    /// # Errors
    /// There is no memory for the pointer type.
    pub fn hand_on(&self, context: &NativeContext<'h>) -> Result<(Any<'h>, bool), GoPanic> {
        match self.place {
            Place::Memory(_) => Ok((self.pointer(context)?, true)),
            Place::Slot(slot) => {
                let data = if self.ty.slots == 0 { 0 } else { slot };
                // SAFETY: a value of the type in its one slot.
                Ok((unsafe { Any::from_raw(self.ty.word(), data) }, false))
            }
        }
    }

    /// As [`View::hand_on`], of a copy: what is seen may change.
    ///
    /// # Errors
    /// The heap is full.
    pub fn copied(&self, context: &mut NativeContext<'h>) -> Result<(Any<'h>, bool), GoPanic> {
        if !self.ty.is_interface() {
            return Ok((self.to_any(context)?, false));
        }
        let contents = self.contents();
        let pointer = context.new_value(self.ty)?;
        if let Some(place) = View::of(pointer, true) {
            place.assign(contents);
        }
        Ok((pointer, true))
    }

    /// The parts of a complex number.
    pub fn complex(&self) -> (f64, f64) {
        (self.field(0).float(), self.field(1).float())
    }

    /// Stores a complex number in the memory seen here. Answers whether this is a place of one.
    pub fn set_complex(&self, real: f64, imaginary: f64) -> bool {
        matches!(
            self.kind(),
            TypeKind::Complex64 { .. } | TypeKind::Complex128 { .. }
        ) && self.field(0).set_scalar(real.to_bits())
            && self.field(1).set_scalar(imaginary.to_bits())
    }

    /// Capacity of slices, arrays and channels.
    pub fn capacity(&self) -> usize {
        match self.kind() {
            TypeKind::Slice { .. } => (self.pair().1 >> 32) as usize,
            TypeKind::Channel { .. } => channel::capacity(self.slot()) as usize,
            _ => self.len(),
        }
    }

    /// A slice of bytes over the elements of a slice or array of bytes.
    pub fn byte_slice(&self) -> GoSlice<'h, u8> {
        // SAFETY: the elements are bytes, in a slice or in an array in memory.
        unsafe {
            match self.kind() {
                TypeKind::Slice { .. } => {
                    let (pointer, word) = self.pair();
                    GoSlice::from_raw(pointer as *mut u8, word as u32, (word >> 32) as u32)
                }
                _ => {
                    let place = self.memory().unwrap_or(0);
                    let length = if place == 0 { 0 } else { self.len() as u32 };
                    GoSlice::from_raw(place as *mut u8, length, length)
                }
            }
        }
    }

    /// `v[low:high:max]` of a slice or of an array in memory, as a value of slice type `ty`. The bounds are in range.
    ///
    /// # Errors
    /// The heap is full.
    ///
    /// # Panics
    /// If the bounds are out of range.
    pub fn sliced(
        &self,
        context: &mut NativeContext<'h>,
        ty: &'h RuntimeType,
        [low, high, max]: [u64; 3],
    ) -> Result<Any<'h>, GoPanic> {
        let (pointer, capacity) = match self.kind() {
            TypeKind::Slice { .. } => {
                let (pointer, word) = self.pair();
                (pointer, word >> 32)
            }
            TypeKind::Array { length, .. } => (self.memory().ok_or_else(wrong_type)?, *length),
            _ => return Err(wrong_type()),
        };
        if !(low <= high && high <= max && max <= capacity && slices_of(ty, self.ty.element())) {
            return Err(wrong_type());
        }
        // A pointer never leaves its object, not even one past its end.
        let pointer = if max == low {
            pointer
        } else {
            pointer + low * u64::from(self.ty.element().size)
        };
        context.new_pair(ty, pointer, header(high - low, max - low))
    }

    /// `v[low:high]` of a string, of the same type.
    ///
    /// # Errors
    /// The heap is full; the bounds are out of range.
    pub fn substring(
        &self,
        context: &mut NativeContext<'h>,
        low: usize,
        high: usize,
    ) -> Result<Any<'h>, GoPanic> {
        let text: GoStr<'h> = self.string();
        if low > high || high > text.len() {
            return Err(wrong_type());
        }
        let part = text.slice(low..high);
        context.new_pair(self.ty, part.pointer as u64, part.length as u64)
    }

    /// A pointer of type `ty` to the array that the slice begins with, which must be long enough; nil of a nil slice.
    ///
    /// # Errors
    /// The type does not fit.
    pub fn array_pointer(
        &self,
        _: &NativeContext<'h>,
        ty: &'h RuntimeType,
    ) -> Result<Any<'h>, GoPanic> {
        let (TypeKind::Slice { .. }, TypeKind::Pointer { .. }) = (self.kind(), ty.kind()) else {
            return Err(wrong_type());
        };
        let (pointer, word) = self.pair();
        match ty.element().kind() {
            TypeKind::Array { length, .. }
                if ty.element().element().word() == self.ty.element().word()
                    && *length <= u64::from(word as u32) =>
            {
                // SAFETY: a pointer to so many elements.
                Ok(unsafe { Any::from_raw(ty.word(), pointer) })
            }
            _ => Err(wrong_type()),
        }
    }

    /// Stores a slice's length and capacity, which must lie within its capacity.
    pub fn set_bounds(&self, length: u64, capacity: u64) -> bool {
        let (Some(place), TypeKind::Slice { .. }) = (self.memory(), self.kind()) else {
            return false;
        };
        let (pointer, word) = self.pair();
        if length > capacity || capacity > word >> 32 {
            return false;
        }
        // SAFETY: a place of a slice.
        unsafe { moves::store128(place, pointer, header(length, capacity)) };
        true
    }

    /// The slice with room for `extra` more elements, as a fresh value of the same type, `more` longer.
    ///
    /// # Errors
    /// Go's panic; the heap is full.
    pub fn grown(
        &self,
        context: &mut NativeContext<'h>,
        extra: u64,
        more: u64,
    ) -> Result<Any<'h>, GoPanic> {
        let TypeKind::Slice { .. } = self.kind() else {
            return Err(wrong_type());
        };
        let (pointer, word) = self.pair();
        let (length, capacity) = (u64::from(word as u32), word >> 32);
        let (pointer, capacity) = if capacity - length >= extra {
            (pointer, capacity)
        } else {
            // SAFETY: the slice's own elements.
            let grown = unsafe {
                grow(
                    context.cache,
                    self.ty.element(),
                    pointer,
                    length,
                    capacity,
                    length.saturating_add(extra),
                )
            };
            match grown {
                Ok(grown) => grown,
                Err(Grow::TooLong) => {
                    return Err(GoPanic::runtime("growslice: len out of range"));
                }
                Err(Grow::Full(_)) => return Err(GoPanic::WantsMemory),
            }
        };
        context.new_pair(
            self.ty,
            pointer,
            header((length + more.min(extra)).min(capacity), capacity),
        )
    }

    /// `copy(self, from)` of slices and arrays in memory with the same element type, or from a string to bytes.
    pub fn copy_from(&self, from: &View<'h>) -> usize {
        let span = |view: &View<'h>| match view.kind() {
            TypeKind::Slice { .. } => {
                let (pointer, word) = view.pair();
                Some((pointer, word as u32 as usize))
            }
            TypeKind::String => {
                let (pointer, length) = view.pair();
                Some((pointer, length as usize))
            }
            TypeKind::Array { length, .. } => view.memory().map(|at| (at, *length as usize)),
            _ => None,
        };
        let (Some((to, m)), Some((source, n))) = (span(self), span(from)) else {
            return 0;
        };
        let element = self.ty.element();
        let fits = match from.kind() {
            TypeKind::String => matches!(element.kind(), TypeKind::Uint8),
            _ => from.ty.element().word() == element.word(),
        };
        if !fits {
            return 0;
        }
        let count = m.min(n);
        // SAFETY: both have so many elements of the same type.
        unsafe { moves::copy(to, source, count * element.size as usize) };
        count
    }

    /// Makes the memory seen here a zero value.
    pub fn set_zero(&self) {
        if let Some(place) = self.memory() {
            // SAFETY: a place of this type.
            unsafe { moves::zero(place, self.ty.size as usize) };
        }
    }

    /// Makes the elements of a slice zero values.
    pub fn clear_elements(&self) {
        if let TypeKind::Slice { .. } = self.kind() {
            let (pointer, word) = self.pair();
            let bytes = word as u32 as usize * self.ty.element().size as usize;
            // SAFETY: the slice's own elements.
            unsafe { moves::zero(pointer, bytes) };
        }
    }

    /// Whether all bits of the value in memory are zero; of values in a slot, whether that is.
    pub fn is_all_zero(&self) -> bool {
        match self.place {
            Place::Slot(slot) => slot == 0 || self.ty.slots == 0,
            Place::Memory(place) => {
                let (place, size) = (place as u64, u64::from(self.ty.size));
                // SAFETY: the bytes of a value of this type.
                (0..size).all(|at| unsafe { moves::load8(place + at) } == 0)
            }
        }
    }

    /// The value for a key of a map; `None` if there is none.
    ///
    /// # Errors
    /// Go's panics.
    pub fn map_get(&self, key: Any<'h>) -> Result<Option<View<'h>>, GoPanic> {
        let Some(map_type) = self.ty.map.as_deref() else {
            return Err(wrong_type());
        };
        let slots = slots_of(self.ty.key(), key)?;
        // SAFETY: a map of this type, and slots of a key.
        let place = unsafe { maps::find(self.slot(), self.ty, map_type, slots.as_ptr()) }?;
        Ok((place != 0).then(|| View {
            ty: self.ty.element(),
            place: Place::Memory(place as *const u8),
            marker: PhantomData,
        }))
    }

    /// `map[key] = value`.
    ///
    /// # Errors
    /// Go's panics; the heap is full.
    pub fn map_set(
        &self,
        context: &mut NativeContext<'h>,
        key: Any<'h>,
        value: Any<'h>,
    ) -> Result<(), GoPanic> {
        let Some(map_type) = self.ty.map.as_deref() else {
            return Err(wrong_type());
        };
        let map = self.slot();
        if map == 0 {
            return Err(GoPanic::Plain("assignment to entry in nil map".into()));
        }
        let (key, element) = (slots_of(self.ty.key(), key)?, self.ty.element());
        let value = slots_of(element, value)?;
        // SAFETY: a map of this type, slots of a key and of a value.
        unsafe {
            let place = maps::find_or_insert(context.cache, map, self.ty, map_type, key.as_ptr())?;
            value::store(element, place, value.as_ptr());
        }
        Ok(())
    }

    /// `delete(map, key)`.
    ///
    /// # Errors
    /// Go's panics.
    pub fn map_delete(&self, key: Any<'h>) -> Result<(), GoPanic> {
        let Some(map_type) = self.ty.map.as_deref() else {
            return Err(wrong_type());
        };
        let slots = slots_of(self.ty.key(), key)?;
        // SAFETY: a map of this type (or nil), and slots of a key.
        unsafe { maps::remove(self.slot(), self.ty, map_type, slots.as_ptr()) }?;
        Ok(())
    }

    /// `clear(map)`.
    ///
    /// # Errors
    /// Go's panics.
    pub fn map_clear(&self) -> Result<(), GoPanic> {
        match self.ty.map.as_deref() {
            // SAFETY: a map of this type.
            Some(map_type) if self.slot() != 0 => unsafe { Ok(map::clear(self.slot(), map_type)?) },
            _ => Ok(()),
        }
    }

    /// The keys of a map, in no order, copied, and its values, if they are wanted.
    ///
    /// # Errors
    /// Go's panics; the heap is full.
    pub fn map_entries(
        &self,
        context: &mut NativeContext<'h>,
        with_values: bool,
    ) -> Result<(GoSlice<'h, Any<'h>>, GoSlice<'h, Any<'h>>), GoPanic> {
        let (Some(map_type), map) = (self.ty.map.as_deref(), self.slot()) else {
            return Err(wrong_type());
        };
        let expected = value::map_len(map);
        let keys = context.new_slice::<Any<'h>>(expected, expected)?;
        let values = context.new_slice::<Any<'h>>(if with_values { expected } else { 0 }, 0)?;
        // SAFETY: a map of this type.
        let iterator = unsafe { map::iterate(context.cache, map, map_type) }?;
        let mut count = 0;
        // SAFETY: an iterator of this type, used here only.
        while let Some((key, value)) = unsafe { map::next(iterator, map_type) }? {
            if count >= expected {
                break;
            }
            let key_type = self.ty.key();
            // SAFETY: the places of a key and of a value; a word key lies in the map as in a register.
            let key = unsafe {
                if map_type.kind == KeyKind::Word {
                    any_of(
                        context.cache,
                        key_type,
                        [moves::load_reference(key)].as_ptr(),
                    )?
                } else {
                    self.part(key_type, key).to_any(context)?
                }
            };
            keys.set(count, key);
            if with_values {
                let value = self.part(self.ty.element(), value).to_any(context)?;
                values.set(count, value);
            }
            count += 1;
        }
        let values_count = if with_values { count } else { 0 };
        Ok((keys.slice(0..count), values.slice(0..values_count)))
    }

    fn part(&self, ty: &'h RuntimeType, place: u64) -> View<'h> {
        View {
            ty,
            place: Place::Memory(place as *const u8),
            marker: PhantomData,
        }
    }

    /// Closes a channel.
    ///
    /// # Errors
    /// Go's panics.
    pub fn close(&self, context: &NativeContext<'h>) -> Result<(), GoPanic> {
        let TypeKind::Channel { .. } = self.kind() else {
            return Err(wrong_type());
        };
        let reference = self.slot();
        if reference == 0 {
            return Err(GoPanic::Plain("close of nil channel".into()));
        }
        // SAFETY: a channel of the script.
        match unsafe { channel::object(reference) }
            .channel
            .close(context.slice)
        {
            runtime::CloseResult::Done => Ok(()),
            runtime::CloseResult::AlreadyClosed => {
                Err(GoPanic::Plain("close of closed channel".into()))
            }
        }
    }
}

/// Whether `ty` is a slice type with these elements.
fn slices_of(ty: &RuntimeType, element: &RuntimeType) -> bool {
    matches!(ty.kind(), TypeKind::Slice { .. }) && ty.element().word() == element.word()
}
