//! The border between Rust and the script: how parameters and results of natives are converted.
//!
//! | Rust | Go |
//! | --- | --- |
//! | `bool`, `i8` … `i32`, `u8` … `u32`, `f32`, `f64` | the type of that size |
//! | `i64` | `int`, `int64` |
//! | `u64` | `uint`, `uint64`, `uintptr` |
//! | [`GoStr`] (both ways); `String`, `Vec<u8>` via [`Bytes`], `&'static str` (results) | `string` |
//! | [`GoSlice<T>`] (both ways); `Vec<T>` (results) | `[]T` |
//! | [`Any`] (both ways) | any interface type |
//! | [`Pointer<T>`] | `*T` of a scalar `T` |
//! | [`Reference`] | any pointer, map, channel or func, opaque |
//! | [`crate::reflection::TypeHandle`] | `*reflect.rtype` |
//! | `()`, tuples (results) | several results |
//! | `Result<T, GoPanic>` (results) | panics |
//!
//! Defined Go types count as their underlying types. Blocking natives take `String`, `Vec<u8>` ([]byte), `Bytes` (a string's
//! bytes), `Vec<String>` and scalars.
//!
//! INVARIANT (BORDER): a string's bytes never change, so `&[u8]` into one is sound. Elements of slices may be changed by other goroutines
//! at any time: they are only read and written by relaxed atomic moves, never through a Rust reference.

use std::marker::PhantomData;
use std::ops::{Deref, Range};
use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed,
};

use bytecode::{TypeDescriptor, TypeId, TypeKind};

use crate::moves;
use crate::native::{GoPanic, NativeContext};
use crate::types::{Access, RuntimeType};

/// What a Rust type at the border stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NativeType {
    Bool,
    Int8,
    Int16,
    Int32,
    /// `int` or `int64`.
    Int64,
    Uint8,
    Uint16,
    Uint32,
    /// `uint`, `uint64` or `uintptr`.
    Uint64,
    Float32,
    Float64,
    String,
    Slice(Box<NativeType>),
    /// Any interface type.
    Interface,
    /// Pointer to a scalar.
    Pointer(Box<NativeType>),
    /// Pointer, map, channel or func.
    Reference,
    /// Pointer to a struct that begins with two `uint64` for a timer: [`TimerPlace`].
    Timer,
    /// `*reflect.rtype`: [`crate::reflection::TypeHandle`].
    Type,
}

impl NativeType {
    /// Whether a declared type is passed as this one.
    pub fn accepts(&self, types: &[TypeDescriptor], declared: TypeId) -> bool {
        let Some(descriptor) = types.get(declared.0 as usize) else {
            return false;
        };
        match (self, &descriptor.kind) {
            (NativeType::Bool, TypeKind::Bool)
            | (NativeType::Int8, TypeKind::Int8)
            | (NativeType::Int16, TypeKind::Int16)
            | (NativeType::Int32, TypeKind::Int32)
            | (NativeType::Int64, TypeKind::Int | TypeKind::Int64)
            | (NativeType::Uint8, TypeKind::Uint8)
            | (NativeType::Uint16, TypeKind::Uint16)
            | (NativeType::Uint32, TypeKind::Uint32)
            | (NativeType::Uint64, TypeKind::Uint | TypeKind::Uint64 | TypeKind::Uintptr)
            | (NativeType::Float32, TypeKind::Float32)
            | (NativeType::Float64, TypeKind::Float64)
            | (NativeType::String, TypeKind::String)
            | (NativeType::Interface, TypeKind::Interface { .. })
            | (
                NativeType::Reference,
                TypeKind::Pointer { .. }
                | TypeKind::Map { .. }
                | TypeKind::Channel { .. }
                | TypeKind::Function { .. },
            ) => true,
            (NativeType::Timer, TypeKind::Pointer { element }) => {
                match types.get(element.0 as usize).map(|element| &element.kind) {
                    Some(TypeKind::Struct { fields }) => {
                        [0, 8]
                            .iter()
                            .zip(fields)
                            .filter(|(offset, field)| {
                                let kind = types.get(field.ty.0 as usize).map(|ty| &ty.kind);
                                **offset == field.offset && matches!(kind, Some(TypeKind::Uint64))
                            })
                            .count()
                            == 2
                    }
                    _ => false,
                }
            }
            (NativeType::Type, TypeKind::Pointer { element }) => types
                .get(element.0 as usize)
                .is_some_and(|element| element.own_name == "rtype" && element.package == "reflect"),
            (NativeType::Slice(element), TypeKind::Slice { element: declared }) => {
                element.accepts(types, *declared)
            }
            (NativeType::Pointer(element), TypeKind::Pointer { element: declared }) => {
                element.accepts(types, *declared)
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for NativeType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = match self {
            NativeType::Bool => "bool",
            NativeType::Int8 => "int8",
            NativeType::Int16 => "int16",
            NativeType::Int32 => "int32",
            NativeType::Int64 => "int",
            NativeType::Uint8 => "uint8",
            NativeType::Uint16 => "uint16",
            NativeType::Uint32 => "uint32",
            NativeType::Uint64 => "uint64",
            NativeType::Float32 => "float32",
            NativeType::Float64 => "float64",
            NativeType::String => "string",
            NativeType::Interface => "any",
            NativeType::Reference => "reference",
            NativeType::Timer => "timer",
            NativeType::Type => "type",
            NativeType::Slice(element) => return write!(f, "[]{element}"),
            NativeType::Pointer(element) => return write!(f, "*{element}"),
        };
        f.write_str(text)
    }
}

/// A type that pure and parking natives can take.
pub trait Parameter<'h>: Sized {
    const SLOTS: usize;
    fn describe(into: &mut Vec<NativeType>);
    /// # Safety
    /// `slots` leads to `SLOTS` slots that hold a value of a type that [`NativeType::accepts`] takes, and the value stays good for `'h`.
    unsafe fn read(slots: *const u64) -> Self;
}

/// A type that blocking natives can take: what it refers to is copied out of the heap.
pub trait OwnedParameter: Sized + Send + 'static {
    const SLOTS: usize;
    fn describe(into: &mut Vec<NativeType>);
    /// # Safety
    /// As [`Parameter::read`].
    unsafe fn take(slots: *const u64) -> Self;
}

/// What natives can return.
pub trait Results<'h>: Sized {
    const SLOTS: usize;
    fn describe(into: &mut Vec<NativeType>);
    /// Writes the results to the slots from `slots` on, allocating what must be allocated.
    ///
    /// # Errors
    /// The panic the native asked for, or that the heap is full.
    ///
    /// # Safety
    /// There are `SLOTS` slots.
    unsafe fn write(self, context: &mut NativeContext<'h>, slots: *mut u64) -> Result<(), GoPanic>;
}

/// A scalar Go type and its Rust type: in slots, and as element of slices and target of pointers.
pub trait Scalar: Copy + Send + 'static {
    fn native_type() -> NativeType;
    fn from_slot(slot: u64) -> Self;
    fn to_slot(self) -> u64;
    /// # Safety
    /// `place` is aligned and leads to heap memory of this type.
    unsafe fn load(place: *const u8) -> Self;
    /// # Safety
    /// As [`Scalar::load`].
    unsafe fn store(self, place: *mut u8);
}

macro_rules! scalars {
    ($($ty:ty: $native:ident, $atomic:ty, |$s:ident| $from:expr, |$v:ident| $to:expr, |$b:ident| $from_bits:expr, |$c:ident| $to_bits:expr;)*) => {$(
        impl Scalar for $ty {
            fn native_type() -> NativeType { NativeType::$native }
            #[inline(always)]
            fn from_slot($s: u64) -> $ty { $from }
            #[inline(always)]
            fn to_slot(self) -> u64 { let $v = self; $to }
            #[inline(always)]
            unsafe fn load(place: *const u8) -> $ty {
                // SAFETY: the caller's promise.
                // ORDERING: Relaxed; a script's racing access, no agreement (INVARIANT BORDER).
                let $b = unsafe { (*place.cast::<$atomic>()).load(Relaxed) };
                $from_bits
            }
            #[inline(always)]
            unsafe fn store(self, place: *mut u8) {
                let $c = self;
                // SAFETY: the caller's promise.
                // ORDERING: as `load`.
                unsafe { (*place.cast::<$atomic>()).store($to_bits, Relaxed) }
            }
        }
        impl<'h> Parameter<'h> for $ty {
            const SLOTS: usize = 1;
            fn describe(into: &mut Vec<NativeType>) { into.push(<$ty as Scalar>::native_type()); }
            #[inline(always)]
            // SAFETY: the caller's promise.
            unsafe fn read(slots: *const u64) -> $ty { <$ty as Scalar>::from_slot(unsafe { *slots }) }
        }
        impl OwnedParameter for $ty {
            const SLOTS: usize = 1;
            fn describe(into: &mut Vec<NativeType>) { into.push(<$ty as Scalar>::native_type()); }
            // SAFETY: the caller's promise.
            unsafe fn take(slots: *const u64) -> $ty { <$ty as Scalar>::from_slot(unsafe { *slots }) }
        }
        impl<'h> Results<'h> for $ty {
            const SLOTS: usize = 1;
            fn describe(into: &mut Vec<NativeType>) { into.push(<$ty as Scalar>::native_type()); }
            #[inline(always)]
            unsafe fn write(self, _: &mut NativeContext<'h>, slots: *mut u64) -> Result<(), GoPanic> {
                // SAFETY: the caller's promise.
                unsafe { *slots = self.to_slot() };
                Ok(())
            }
        }
    )*};
}

scalars! {
    bool: Bool, AtomicU8, |s| s != 0, |v| u64::from(v), |b| b != 0, |c| u8::from(c);
    i8: Int8, AtomicU8, |s| s as i8, |v| v as i64 as u64, |b| b as i8, |c| c as u8;
    i16: Int16, AtomicU16, |s| s as i16, |v| v as i64 as u64, |b| b as i16, |c| c as u16;
    i32: Int32, AtomicU32, |s| s as i32, |v| v as i64 as u64, |b| b as i32, |c| c as u32;
    i64: Int64, AtomicU64, |s| s as i64, |v| v as u64, |b| b as i64, |c| c as u64;
    u8: Uint8, AtomicU8, |s| s as u8, |v| u64::from(v), |b| b, |c| c;
    u16: Uint16, AtomicU16, |s| s as u16, |v| u64::from(v), |b| b, |c| c;
    u32: Uint32, AtomicU32, |s| s as u32, |v| u64::from(v), |b| b, |c| c;
    u64: Uint64, AtomicU64, |s| s, |v| v, |b| b, |c| c;
    f32: Float32, AtomicU32, |s| f64::from_bits(s) as f32, |v| f64::from(v).to_bits(), |b| f32::from_bits(b), |c| c.to_bits();
    f64: Float64, AtomicU64, |s| f64::from_bits(s), |v| v.to_bits(), |b| f64::from_bits(b), |c| c.to_bits();
}

/// A Go string. Copying it copies the header; its bytes never change.
#[derive(Clone, Copy)]
pub struct GoStr<'h> {
    pub(crate) pointer: *const u8,
    pub(crate) length: usize,
    marker: PhantomData<&'h [u8]>,
}

impl<'h> GoStr<'h> {
    /// # Safety
    /// `pointer` leads to `length` bytes that do not change and live for `'h`, in the heap or immortal.
    #[inline(always)]
    pub(crate) unsafe fn from_raw(pointer: *const u8, length: usize) -> GoStr<'h> {
        GoStr {
            pointer,
            length,
            marker: PhantomData,
        }
    }

    pub fn as_bytes(&self) -> &'h [u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: INVARIANT BORDER.
        unsafe { std::slice::from_raw_parts(self.pointer, self.length) }
    }

    /// The text, invalid UTF-8 replaced by U+FFFD.
    pub fn to_text(&self) -> std::borrow::Cow<'h, str> {
        String::from_utf8_lossy(self.as_bytes())
    }

    /// The part of this string at `range`, sharing its bytes.
    ///
    /// # Panics
    /// If `range` does not lie in the string.
    pub fn slice(&self, range: Range<usize>) -> GoStr<'h> {
        assert!(
            range.start <= range.end && range.end <= self.length,
            "range outside the string"
        );
        let length = range.end - range.start;
        // A pointer never leaves its object, not even one past its end.
        let pointer = if length == 0 {
            self.pointer
        } else {
            self.pointer.wrapping_add(range.start)
        };
        GoStr {
            pointer,
            length,
            marker: PhantomData,
        }
    }
}

impl Deref for GoStr<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl std::fmt::Debug for GoStr<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.to_text())
    }
}

impl<'h> Parameter<'h> for GoStr<'h> {
    const SLOTS: usize = 2;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::String);
    }
    #[inline(always)]
    unsafe fn read(slots: *const u64) -> GoStr<'h> {
        // SAFETY: the caller's promise.
        unsafe { GoStr::from_raw(*slots as *const u8, *slots.add(1) as usize) }
    }
}

impl<'h> Results<'h> for GoStr<'h> {
    const SLOTS: usize = 2;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::String);
    }
    #[inline(always)]
    unsafe fn write(self, _: &mut NativeContext<'h>, slots: *mut u64) -> Result<(), GoPanic> {
        // SAFETY: the caller's promise.
        unsafe {
            *slots = self.pointer as u64;
            *slots.add(1) = self.length as u64;
        }
        Ok(())
    }
}

/// The bytes of a Go string, owned.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Bytes(pub Vec<u8>);

impl OwnedParameter for String {
    const SLOTS: usize = 2;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::String);
    }
    unsafe fn take(slots: *const u64) -> String {
        // SAFETY: the caller's promise.
        unsafe { GoStr::read(slots) }.to_text().into_owned()
    }
}

impl OwnedParameter for Bytes {
    const SLOTS: usize = 2;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::String);
    }
    unsafe fn take(slots: *const u64) -> Bytes {
        // SAFETY: the caller's promise.
        Bytes(unsafe { GoStr::read(slots) }.as_bytes().to_vec())
    }
}

impl OwnedParameter for Vec<u8> {
    const SLOTS: usize = 2;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::Slice(Box::new(NativeType::Uint8)));
    }
    unsafe fn take(slots: *const u64) -> Vec<u8> {
        // SAFETY: the caller's promise.
        unsafe { GoSlice::<u8>::read(slots) }.to_vec()
    }
}

impl OwnedParameter for Vec<String> {
    const SLOTS: usize = 2;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::Slice(Box::new(NativeType::String)));
    }
    unsafe fn take(slots: *const u64) -> Vec<String> {
        // SAFETY: the caller's promise.
        unsafe { GoSlice::<GoStr<'_>>::read(slots) }
            .iter()
            .map(|s| s.to_text().into_owned())
            .collect()
    }
}

macro_rules! string_results {
    ($($ty:ty => |$v:ident| $bytes:expr;)*) => {$(
        impl<'h> Results<'h> for $ty {
            const SLOTS: usize = 2;
            fn describe(into: &mut Vec<NativeType>) { into.push(NativeType::String); }
            unsafe fn write(self, context: &mut NativeContext<'h>, slots: *mut u64) -> Result<(), GoPanic> {
                let $v = &self;
                let string = context.new_string($bytes)?;
                // SAFETY: the caller's promise.
                unsafe { string.write(context, slots) }
            }
        }
    )*};
}

string_results! {
    String => |v| v.as_bytes();
    &'static str => |v| v.as_bytes();
    Bytes => |v| &v.0;
}

/// What can be an element of a [`GoSlice`].
pub trait Element<'h>: Copy {
    const SIZE: usize;
    fn native_type() -> NativeType;
    /// # Safety
    /// `place` leads to an aligned element of this type in the heap.
    unsafe fn load(place: *const u8) -> Self;
    /// # Safety
    /// As [`Element::load`].
    unsafe fn store(self, place: *mut u8);
    /// The slice type whose elements these are, if they hold references.
    fn slice_type(context: &NativeContext<'h>) -> Option<TypeId>;
}

impl<'h, T: Scalar> Element<'h> for T {
    const SIZE: usize = size_of::<T>();
    fn native_type() -> NativeType {
        <T as Scalar>::native_type()
    }
    #[inline(always)]
    unsafe fn load(place: *const u8) -> T {
        // SAFETY: the caller's promise.
        unsafe { <T as Scalar>::load(place) }
    }
    #[inline(always)]
    unsafe fn store(self, place: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe { <T as Scalar>::store(self, place) }
    }
    fn slice_type(_: &NativeContext<'h>) -> Option<TypeId> {
        None
    }
}

impl<'h> Element<'h> for GoStr<'h> {
    const SIZE: usize = 16;
    fn native_type() -> NativeType {
        NativeType::String
    }
    unsafe fn load(place: *const u8) -> GoStr<'h> {
        // SAFETY: the caller's promise; the header is loaded whole.
        let (pointer, length) = unsafe { moves::load128(place as u64) };
        // SAFETY: a string of the heap.
        unsafe { GoStr::from_raw(pointer as *const u8, length as usize) }
    }
    unsafe fn store(self, place: *mut u8) {
        // SAFETY: the caller's promise; the header is stored whole.
        unsafe { moves::store128(place as u64, self.pointer as u64, self.length as u64) }
    }
    fn slice_type(context: &NativeContext<'h>) -> Option<TypeId> {
        Some(context.image().known.string_slice)
    }
}

impl<'h> Element<'h> for Any<'h> {
    const SIZE: usize = 16;
    fn native_type() -> NativeType {
        NativeType::Interface
    }
    unsafe fn load(place: *const u8) -> Any<'h> {
        // SAFETY: the caller's promise; the interface is loaded whole.
        let (word, data) = unsafe { moves::load128(place as u64) };
        Any {
            word,
            data,
            marker: PhantomData,
        }
    }
    unsafe fn store(self, place: *mut u8) {
        // SAFETY: the caller's promise; the interface is stored whole.
        unsafe { moves::store128(place as u64, self.word, self.data) }
    }
    fn slice_type(context: &NativeContext<'h>) -> Option<TypeId> {
        Some(context.image().known.any_slice)
    }
}

/// A slice header: its elements lie in the heap and may be changed by others at any time.
pub struct GoSlice<'h, T> {
    pub(crate) pointer: *mut u8,
    length: u32,
    capacity: u32,
    marker: PhantomData<&'h T>,
}

impl<T> Clone for GoSlice<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for GoSlice<'_, T> {}

impl<T> GoSlice<'_, T> {
    /// The nil slice.
    pub const NIL: Self = GoSlice {
        pointer: std::ptr::null_mut(),
        length: 0,
        capacity: 0,
        marker: PhantomData,
    };
}

impl<'h, T: Element<'h>> GoSlice<'h, T> {
    /// # Safety
    /// A slice header over elements of `T`, good for `'h`.
    pub(crate) unsafe fn from_raw(pointer: *mut u8, length: u32, capacity: u32) -> Self {
        GoSlice {
            pointer,
            length,
            capacity,
            marker: PhantomData,
        }
    }

    pub fn len(&self) -> usize {
        self.length as usize
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub fn capacity(&self) -> usize {
        self.capacity as usize
    }

    pub fn is_nil(&self) -> bool {
        self.pointer.is_null()
    }

    /// Where the first element lies, to find out whether two slices share elements.
    pub fn address(&self) -> u64 {
        self.pointer as u64
    }

    /// Element `index`.
    ///
    /// # Panics
    /// If it is out of range.
    pub fn get(&self, index: usize) -> T {
        assert!(index < self.len(), "index outside the slice");
        // SAFETY: in range.
        unsafe { T::load(self.pointer.add(index * T::SIZE)) }
    }

    /// Stores element `index`.
    ///
    /// # Panics
    /// If it is out of range.
    pub fn set(&self, index: usize, value: T) {
        assert!(index < self.len(), "index outside the slice");
        // SAFETY: in range.
        unsafe { value.store(self.pointer.add(index * T::SIZE)) }
    }

    /// The elements, each read when it is asked for.
    pub fn iter(self) -> impl ExactSizeIterator<Item = T> {
        (0..self.len()).map(move |index| self.get(index))
    }

    /// The part at `range`, sharing elements and the capacity behind it.
    ///
    /// # Panics
    /// If `range` does not lie in the slice.
    pub fn slice(&self, range: Range<usize>) -> GoSlice<'h, T> {
        assert!(
            range.start <= range.end && range.end <= self.len(),
            "range outside the slice"
        );
        let capacity = self.capacity - range.start as u32;
        // A pointer never leaves its object, not even one past its end.
        let pointer = if capacity == 0 {
            self.pointer
        } else {
            self.pointer.wrapping_add(range.start * T::SIZE)
        };
        GoSlice {
            pointer,
            length: (range.end - range.start) as u32,
            capacity,
            marker: PhantomData,
        }
    }

    /// The elements up to the capacity become visible as length; `length` must not exceed [`GoSlice::capacity`].
    ///
    /// # Panics
    /// If it does.
    pub fn with_len(&self, length: usize) -> GoSlice<'h, T> {
        assert!(length <= self.capacity(), "length above the capacity");
        GoSlice {
            length: length as u32,
            ..*self
        }
    }
}

impl<'h> GoSlice<'h, u8> {
    /// A string that shares the bytes. Only for slices whose elements the library never writes again, such as what a
    /// `strings.Builder` has written.
    pub fn into_string(self) -> GoStr<'h> {
        GoStr {
            pointer: self.pointer,
            length: self.length as usize,
            marker: PhantomData,
        }
    }
}

impl<'h, T: Scalar> GoSlice<'h, T> {
    /// A copy of the elements.
    pub fn to_vec(&self) -> Vec<T> {
        let length = self.length as usize;
        let mut values = Vec::with_capacity(length);
        // SAFETY: the elements are scalars of T's size, laid out alike on both sides; a bool that another goroutine writes is 0 or 1.
        unsafe {
            moves::copy(
                values.as_mut_ptr() as u64,
                self.pointer as u64,
                length * size_of::<T>(),
            );
            values.set_len(length);
        }
        values
    }

    /// Stores `values` from the first element on.
    ///
    /// # Panics
    /// If there are more values than elements.
    pub fn copy_from(&self, values: &[T]) {
        assert!(
            values.len() <= self.length as usize,
            "more values than elements"
        );
        // SAFETY: in range by the assertion; scalars are laid out alike on both sides.
        unsafe { moves::copy_in(self.pointer as u64, values) }
    }
}

impl<'h, T: Element<'h>> Parameter<'h> for GoSlice<'h, T> {
    const SLOTS: usize = 2;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::Slice(Box::new(T::native_type())));
    }
    #[inline(always)]
    unsafe fn read(slots: *const u64) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            let header = *slots.add(1);
            GoSlice::from_raw(*slots as *mut u8, header as u32, (header >> 32) as u32)
        }
    }
}

impl<'h, T: Element<'h>> Results<'h> for GoSlice<'h, T> {
    const SLOTS: usize = 2;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::Slice(Box::new(T::native_type())));
    }
    unsafe fn write(self, _: &mut NativeContext<'h>, slots: *mut u64) -> Result<(), GoPanic> {
        // SAFETY: the caller's promise.
        unsafe {
            *slots = self.pointer as u64;
            *slots.add(1) = u64::from(self.length) | u64::from(self.capacity) << 32;
        }
        Ok(())
    }
}

impl<'h, T: Scalar> Results<'h> for Vec<T> {
    const SLOTS: usize = 2;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::Slice(Box::new(<T as Scalar>::native_type())));
    }
    unsafe fn write(self, context: &mut NativeContext<'h>, slots: *mut u64) -> Result<(), GoPanic> {
        let slice = context.new_slice::<T>(self.len(), self.len())?;
        slice.copy_from(&self);
        // SAFETY: the caller's promise.
        unsafe { slice.write(context, slots) }
    }
}

impl<'h> Results<'h> for Vec<GoStr<'h>> {
    const SLOTS: usize = 2;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::Slice(Box::new(NativeType::String)));
    }
    unsafe fn write(self, context: &mut NativeContext<'h>, slots: *mut u64) -> Result<(), GoPanic> {
        let slice = context.new_slice::<GoStr<'h>>(self.len(), self.len())?;
        for (index, string) in self.into_iter().enumerate() {
            slice.set(index, string);
        }
        // SAFETY: the caller's promise.
        unsafe { slice.write(context, slots) }
    }
}

impl<'h> Results<'h> for Vec<String> {
    const SLOTS: usize = 2;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::Slice(Box::new(NativeType::String)));
    }
    unsafe fn write(self, context: &mut NativeContext<'h>, slots: *mut u64) -> Result<(), GoPanic> {
        let slice = context.new_slice::<GoStr<'h>>(self.len(), self.len())?;
        for (index, string) in self.iter().enumerate() {
            let string = context.new_string(string.as_bytes())?;
            slice.set(index, string);
        }
        // SAFETY: the caller's promise.
        unsafe { slice.write(context, slots) }
    }
}

impl<'h> Results<'h> for () {
    const SLOTS: usize = 0;
    fn describe(_: &mut Vec<NativeType>) {}
    #[inline(always)]
    unsafe fn write(self, _: &mut NativeContext<'h>, _: *mut u64) -> Result<(), GoPanic> {
        Ok(())
    }
}

impl<'h, T: Results<'h>> Results<'h> for Result<T, GoPanic> {
    const SLOTS: usize = T::SLOTS;
    fn describe(into: &mut Vec<NativeType>) {
        T::describe(into);
    }
    #[inline(always)]
    unsafe fn write(self, context: &mut NativeContext<'h>, slots: *mut u64) -> Result<(), GoPanic> {
        // SAFETY: the caller's promise.
        self.and_then(|results| unsafe { results.write(context, slots) })
    }
}

macro_rules! tuple_results {
    ($($name:ident),*) => {
        impl<'h, $($name: Results<'h>),*> Results<'h> for ($($name,)*) {
            const SLOTS: usize = 0 $(+ $name::SLOTS)*;
            fn describe(into: &mut Vec<NativeType>) { $($name::describe(into);)* }
            #[allow(non_snake_case, unused_assignments, clippy::allow_attributes)]
            unsafe fn write(self, context: &mut NativeContext<'h>, slots: *mut u64) -> Result<(), GoPanic> {
                let ($($name,)*) = self;
                let mut at = 0;
                // SAFETY: the caller's promise; each takes its own slots.
                unsafe { $($name.write(context, slots.add(at))?; at += $name::SLOTS;)* }
                Ok(())
            }
        }
    };
}
tuple_results!(A, B);
tuple_results!(A, B, C);
tuple_results!(A, B, C, D);
tuple_results!(A, B, C, D, E);
tuple_results!(A, B, C, D, E, F);
tuple_results!(A, B, C, D, E, F, G);

/// A pointer to a scalar of the heap, for package atomic and the like.
pub struct Pointer<'h, T> {
    address: *mut u8,
    marker: PhantomData<&'h T>,
}

impl<T> Clone for Pointer<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Pointer<'_, T> {}

impl<'h, T: Scalar> Pointer<'h, T> {
    pub fn is_nil(&self) -> bool {
        self.address.is_null()
    }

    /// The address, as `%p` prints it.
    pub fn address(&self) -> u64 {
        self.address as u64
    }

    /// # Errors
    /// Go's panic when the pointer is nil.
    pub fn load(&self) -> Result<T, GoPanic> {
        // SAFETY: not nil, so it leads to a scalar of the heap.
        self.checked().map(|place| unsafe { T::load(place) })
    }

    /// # Errors
    /// Go's panic when the pointer is nil.
    pub fn store(&self, value: T) -> Result<(), GoPanic> {
        // SAFETY: as `load`.
        self.checked().map(|place| unsafe { value.store(place) })
    }

    fn checked(&self) -> Result<*mut u8, GoPanic> {
        if self.address.is_null() {
            Err(GoPanic::nil_dereference())
        } else {
            Ok(self.address)
        }
    }
}

macro_rules! atomic_pointers {
    ($($ty:ty => $atomic:ty;)*) => {$(
        impl<'h> Pointer<'h, $ty> {
            /// The scalar as an atomic.
            ///
            /// # Errors
            /// Go's panic when the pointer is nil.
            pub fn atomic(&self) -> Result<&'h $atomic, GoPanic> {
                // SAFETY: not nil, so it leads to an aligned scalar of the heap, which all access by atomic moves.
                self.checked().map(|place| unsafe { &*place.cast::<$atomic>() })
            }
        }
    )*};
}
atomic_pointers! {
    i32 => AtomicI32;
    u32 => AtomicU32;
    i64 => AtomicI64;
    u64 => AtomicU64;
    bool => AtomicBool;
}

impl<'h, T: Scalar> Parameter<'h> for Pointer<'h, T> {
    const SLOTS: usize = 1;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::Pointer(Box::new(<T as Scalar>::native_type())));
    }
    #[inline(always)]
    unsafe fn read(slots: *const u64) -> Self {
        Pointer {
            // SAFETY: the caller's promise.
            address: unsafe { *slots } as *mut u8,
            marker: PhantomData,
        }
    }
}

/// A pointer, map, channel or func that the native only passes on or keeps in a timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reference<'h> {
    pub(crate) address: u64,
    marker: PhantomData<&'h u8>,
}

impl<'h> Reference<'h> {
    /// Nil.
    pub const NIL: Reference<'static> = Reference {
        address: 0,
        marker: PhantomData,
    };

    /// A reference that somebody keeps alive.
    pub(crate) fn to_live(address: u64) -> Reference<'h> {
        Reference {
            address,
            marker: PhantomData,
        }
    }

    /// A reference to a word of the image; nil for `None`.
    pub(crate) fn immortal(word: Option<&'h u64>) -> Reference<'h> {
        Reference::to_live(word.map_or(0, |word| std::ptr::from_ref(word) as u64))
    }

    pub fn is_nil(&self) -> bool {
        self.address == 0
    }

    pub fn address(&self) -> u64 {
        self.address
    }

    /// The memory it leads to, seen as words that all access atomically; `None` for nil.
    ///
    /// # Safety
    /// The reference was declared as pointer to a struct that begins with `count` 8-byte words without references.
    pub unsafe fn words(&self, count: usize) -> Option<&'h [AtomicU64]> {
        // SAFETY: the caller's promise; heap memory is only accessed by atomic moves.
        (self.address != 0)
            .then(|| unsafe { std::slice::from_raw_parts(self.address as *const AtomicU64, count) })
    }
}

impl<'h> Parameter<'h> for Reference<'h> {
    const SLOTS: usize = 1;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::Reference);
    }
    #[inline(always)]
    unsafe fn read(slots: *const u64) -> Self {
        Reference {
            // SAFETY: the caller's promise.
            address: unsafe { *slots },
            marker: PhantomData,
        }
    }
}

impl<'h> Results<'h> for Reference<'h> {
    const SLOTS: usize = 1;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::Reference);
    }
    #[inline(always)]
    unsafe fn write(self, _: &mut NativeContext<'h>, slots: *mut u64) -> Result<(), GoPanic> {
        // SAFETY: the caller's promise.
        unsafe { *slots = self.address };
        Ok(())
    }
}

/// A pointer to a struct of the script whose first two words are a timer's.
#[derive(Clone, Copy)]
pub struct TimerPlace<'h> {
    address: u64,
    marker: PhantomData<&'h u8>,
}

impl<'h> TimerPlace<'h> {
    /// Arms the timer (again): due at `when` on the scheduler's clock, then every `period` nanoseconds if that is not 0. Each time
    /// `function`, a `func()`, is started as a goroutine; not again before that one has called [`TimerPlace::dealt_with`]. Answers whether it was
    /// armed.
    ///
    /// # Errors
    /// Go's panic when the pointer is nil; no memory for the list of timers.
    pub fn arm(
        &self,
        context: &NativeContext<'h>,
        when: i64,
        period: i64,
        function: Reference<'h>,
    ) -> Result<bool, GoPanic> {
        let payload = crate::TimerPayload {
            function: function.address,
            owner: self.address,
        };
        let timer = self.timer()?;
        if context.machine.heap.account().limit().is_some() {
            context.check_memory(context.scheduler().timer_growth())?;
        }
        Ok(timer.reset(context.scheduler(), when, period, payload, || {}))
    }

    /// Disarms the timer. Answers whether it was armed.
    ///
    /// # Errors
    /// Go's panic when the pointer is nil.
    pub fn disarm(&self, context: &NativeContext<'h>) -> Result<bool, GoPanic> {
        Ok(self.timer()?.stop(context.scheduler(), || {}))
    }

    /// The goroutine of a periodic timer is done: the timer ticks again.
    ///
    /// # Errors
    /// Go's panic when the pointer is nil.
    pub fn dealt_with(&self) -> Result<(), GoPanic> {
        self.timer()?.dealt_with();
        Ok(())
    }

    fn timer(&self) -> Result<&'h runtime::Timer<crate::engine::Machine>, GoPanic> {
        if self.address == 0 {
            return Err(GoPanic::nil_dereference());
        }
        // SAFETY: the struct begins with two words that only this type touches (`NativeType::Timer`), zeroed at first, which is a timer at rest;
        // the heap does not move objects, and an armed timer's payload keeps the struct alive.
        Ok(unsafe { &*(self.address as *const runtime::Timer<crate::engine::Machine>) })
    }
}

impl<'h> Parameter<'h> for TimerPlace<'h> {
    const SLOTS: usize = 1;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::Timer);
    }
    #[inline(always)]
    unsafe fn read(slots: *const u64) -> Self {
        TimerPlace {
            // SAFETY: the caller's promise.
            address: unsafe { *slots },
            marker: PhantomData,
        }
    }
}

/// An interface value.
#[derive(Clone, Copy)]
pub struct Any<'h> {
    pub(crate) word: u64,
    pub(crate) data: u64,
    marker: PhantomData<&'h u8>,
}

impl<'h> Any<'h> {
    /// The nil interface.
    pub const NIL: Any<'static> = Any {
        word: 0,
        data: 0,
        marker: PhantomData,
    };

    /// # Safety
    /// An interface's two words, good for `'h`.
    pub(crate) unsafe fn from_raw(word: u64, data: u64) -> Any<'h> {
        Any {
            word,
            data,
            marker: PhantomData,
        }
    }

    pub fn is_nil(&self) -> bool {
        self.word == 0
    }

    /// The dynamic type; `None` for a nil interface.
    pub fn ty(&self) -> Option<&'h RuntimeType> {
        // SAFETY: a type word, of an image that outlives the call.
        unsafe { RuntimeType::from_word(self.word) }
    }

    /// The data word: the value itself or the address of its memory. For printing.
    pub fn data_word(&self) -> u64 {
        self.data
    }

    /// A hash of the value as a key of maps has: equal values have equal hashes under one seed. NaNs have hashes, too.
    ///
    /// # Errors
    /// The type that makes it unhashable, for the text of the panic.
    pub fn hash(&self, seed: u64) -> Result<u64, &'h RuntimeType> {
        let words = [self.word, self.data];
        // SAFETY: the two words of an interface lie where a place of its type is expected, aligned; what they refer to is live.
        let hash = unsafe { crate::objects::equality::interface_hash(words, seed) };
        hash.map_err(|uncomparable| {
            // SAFETY: the word of a type of the image.
            unsafe { RuntimeType::from_word(uncomparable.0) }
                .expect("a type that cannot be hashed is one")
        })
    }

    /// The zero value of the same type; of a pointer, a pointer to a new zero value. Nil for nil.
    ///
    /// # Errors
    /// The heap is full.
    pub fn zero_like(&self, context: &mut NativeContext<'h>) -> Result<Any<'h>, GoPanic> {
        let Some(ty) = self.ty() else {
            return Ok(*self);
        };
        let made = match ty.kind() {
            TypeKind::Pointer { .. } => Some(ty.element()),
            _ if ty.slots > 1 || ty.boxed => Some(ty),
            _ => None,
        };
        let data = match made {
            Some(made) => context
                .cache
                .allocate(made.site())
                .map_err(|_| GoPanic::out_of_memory())?
                .get(),
            None => 0,
        };
        Ok(Any { data, ..*self })
    }

    /// A view of the value inside; `None` for a nil interface.
    pub fn view(&self) -> Option<View<'h>> {
        let ty = self.ty()?;
        let place = if ty.slots <= 1 && !ty.boxed {
            Place::Slot(self.data)
        } else {
            Place::Memory(self.data as *const u8)
        };
        Some(View {
            ty,
            place,
            marker: PhantomData,
        })
    }
}

impl<'h> Parameter<'h> for Any<'h> {
    const SLOTS: usize = 2;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::Interface);
    }
    #[inline(always)]
    unsafe fn read(slots: *const u64) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Any::from_raw(*slots, *slots.add(1)) }
    }
}

impl<'h> Results<'h> for Any<'h> {
    const SLOTS: usize = 2;
    fn describe(into: &mut Vec<NativeType>) {
        into.push(NativeType::Interface);
    }
    #[inline(always)]
    unsafe fn write(self, _: &mut NativeContext<'h>, slots: *mut u64) -> Result<(), GoPanic> {
        // SAFETY: the caller's promise.
        unsafe {
            *slots = self.word;
            *slots.add(1) = self.data;
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// The value in a register's form.
    Slot(u64),
    /// The value in the heap.
    Memory(*const u8),
}

/// A look at a value of any type. Each method suits some kinds of type ([`View::kind`]) and panics on others (a bug
/// of the native, not of the script). What is read from the heap is read when asked for: a racing script may change it in between.
#[derive(Clone, Copy)]
pub struct View<'h> {
    pub(crate) ty: &'h RuntimeType,
    pub(crate) place: Place,
    pub(crate) marker: PhantomData<&'h u8>,
}

impl<'h> View<'h> {
    pub fn ty(&self) -> &'h RuntimeType {
        self.ty
    }

    pub fn kind(&self) -> &'h TypeKind {
        self.ty.kind()
    }

    pub(crate) fn slot(&self) -> u64 {
        match self.place {
            Place::Slot(slot) => {
                // A flat struct of one slot is seen through its fields only.
                slot
            }
            // SAFETY: a place of this type, checked by who made the view.
            Place::Memory(place) => unsafe {
                crate::objects::value::load_scalar(self.ty.access, place)
            },
        }
    }

    pub(crate) fn pair(&self) -> (u64, u64) {
        match self.place {
            // SAFETY: a place of a 16-byte type.
            Place::Memory(place) => unsafe { moves::load128(place as u64) },
            Place::Slot(_) => panic!("a one-slot value is no pair"),
        }
    }

    /// Bools.
    pub fn bool(&self) -> bool {
        self.slot() != 0
    }

    /// Signed integers (any width).
    pub fn int(&self) -> i64 {
        self.slot() as i64
    }

    /// Unsigned integers (any width), and the address of pointers, maps, channels and funcs.
    pub fn uint(&self) -> u64 {
        self.slot()
    }

    /// Floats (both widths).
    pub fn float(&self) -> f64 {
        f64::from_bits(self.slot())
    }

    /// Strings.
    pub fn string(&self) -> GoStr<'h> {
        let (pointer, length) = self.pair();
        // SAFETY: a string of the heap.
        unsafe { GoStr::from_raw(pointer as *const u8, length as usize) }
    }

    /// Whether a pointer, map, channel, func, slice or interface is nil.
    pub fn is_nil(&self) -> bool {
        self.address() == 0
    }

    /// The address that `%p` prints: of pointers, maps, channels, funcs and slices' elements.
    pub fn address(&self) -> u64 {
        match self.kind() {
            TypeKind::Slice { .. } | TypeKind::Interface { .. } | TypeKind::String => self.pair().0,
            _ => self.slot(),
        }
    }

    /// What an interface holds.
    pub fn contents(&self) -> Any<'h> {
        let (word, data) = self.pair();
        Any {
            word,
            data,
            marker: PhantomData,
        }
    }

    /// What a pointer points to; `None` for nil.
    pub fn pointee(&self) -> Option<View<'h>> {
        let address = self.slot();
        (address != 0).then(|| View {
            ty: self.ty.element(),
            place: Place::Memory(address as *const u8),
            marker: PhantomData,
        })
    }

    /// Length of strings, slices, arrays, maps and channels.
    pub fn len(&self) -> usize {
        match self.kind() {
            TypeKind::String => self.pair().1 as usize,
            TypeKind::Slice { .. } => self.pair().1 as u32 as usize,
            TypeKind::Array { length, .. } => *length as usize,
            TypeKind::Map { .. } => crate::objects::value::map_len(self.slot()),
            TypeKind::Channel { .. } => crate::objects::channel::len(self.slot()) as usize,
            other => panic!("len of {other:?}"),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes `len` and `cap` of a channel answer 0, whatever its buffer, as those of timers' channels do.
    pub fn hide_buffer(&self) {
        let TypeKind::Channel { .. } = self.kind() else {
            panic!("only channels have such a buffer")
        };
        let channel = self.slot();
        if channel != 0 {
            // SAFETY: a channel of the script, good for `'h`.
            unsafe { crate::objects::channel::object(channel) }.hide_buffer();
        }
    }

    /// The bytes of a `[]byte` or `[n]byte`, copied.
    pub fn bytes(&self) -> Vec<u8> {
        (0..self.len())
            .map(|index| self.index(index).uint() as u8)
            .collect()
    }

    /// Elements of slices and arrays. A slice's header is read anew each time, so get [`View::elements`] for a loop.
    ///
    /// # Panics
    /// If `index` is out of range.
    pub fn index(&self, index: usize) -> View<'h> {
        self.elements()
            .nth(index)
            .expect("an index inside the value")
    }

    /// The elements of a slice or array.
    pub fn elements(&self) -> Elements<'h> {
        let (pointer, length) = match self.kind() {
            TypeKind::Slice { .. } => {
                let (pointer, header) = self.pair();
                (pointer as *const u8, u64::from(header as u32))
            }
            TypeKind::Array { length, .. } => match self.place {
                Place::Memory(place) => (place, *length),
                Place::Slot(box_) => (box_ as *const u8, *length),
            },
            other => panic!("elements of {other:?}"),
        };
        Elements {
            ty: self.ty.element(),
            pointer,
            length,
            at: 0,
            marker: PhantomData,
        }
    }

    /// How many fields a struct has.
    pub fn field_count(&self) -> usize {
        self.ty.fields.len()
    }

    /// Field `index` of a struct: its value. Names are in [`View::field_name`].
    pub fn field(&self, index: usize) -> View<'h> {
        let (ty, field) = self.ty.field(index);
        let place = match self.place {
            Place::Memory(place) => Place::Memory(place.wrapping_add(field.offset as usize)),
            // A flat struct of one slot: this field is the slot, or has none.
            Place::Slot(slot) => Place::Slot(slot),
        };
        View {
            ty,
            place,
            marker: PhantomData,
        }
    }

    pub fn field_name(&self, index: usize) -> &'h str {
        match self.kind() {
            TypeKind::Struct { fields } => &fields[index].name,
            other => panic!("fields of {other:?}"),
        }
    }

    /// The entries of a map, in no order; empty for nil. Stops early if another goroutine changes the map.
    ///
    /// # Errors
    /// The heap is full.
    pub fn entries(
        &self,
        context: &mut NativeContext<'h>,
    ) -> Result<Vec<(View<'h>, View<'h>)>, GoPanic> {
        let mut entries = Vec::new();
        let (key_type, value_type) = (self.ty.key(), self.ty.element());
        crate::objects::value::for_each_entry(
            context.cache,
            self.slot(),
            self.ty,
            &mut |key, value| {
                let view = |ty, place| View {
                    ty,
                    place: Place::Memory(place),
                    marker: PhantomData,
                };
                entries.push((view(key_type, key), view(value_type, value)));
            },
        )
        .map_err(|_| GoPanic::out_of_memory())?;
        Ok(entries)
    }

    /// Exchanges elements `i` and `j` of a slice. False, and nothing done, if one is out of range or this is no slice.
    pub fn swap(&self, i: usize, j: usize) -> bool {
        let TypeKind::Slice { .. } = self.kind() else {
            return false;
        };
        let (pointer, header) = self.pair();
        let length = header as u32 as usize;
        if i >= length || j >= length {
            return false;
        }
        let size = self.ty.element().size as usize;
        let (a, b) = (pointer + (i * size) as u64, pointer + (j * size) as u64);
        // Aligned like the elements, so that every unit goes whole.
        let mut buffer = [0u128; 16];
        let (between, room) = (buffer.as_mut_ptr() as u64, size_of_val(&buffer));
        for at in (0..size).step_by(room) {
            let bytes = room.min(size - at);
            // SAFETY: both elements lie in the slice; the buffer has room.
            unsafe {
                moves::copy(between, a + at as u64, bytes);
                moves::copy(a + at as u64, b + at as u64, bytes);
                moves::copy(b + at as u64, between, bytes);
            }
        }
        true
    }

    /// Stores what an interface holds in the memory seen here (such as [`View::pointee`]), if its type allows: it is
    /// the same, or this is an interface that the value implements. Answers whether it was stored.
    pub fn assign(&self, value: Any<'h>) -> bool {
        let Place::Memory(place) = self.place else {
            return false;
        };
        if self.ty.is_interface() {
            let fits = value.ty().is_none_or(|ty| ty.implements(self.ty));
            if fits {
                // SAFETY: a place of an interface.
                unsafe { moves::store128(place as u64, value.word, value.data) };
            }
            return fits;
        }
        let Some(view) = value.view().filter(|view| view.ty.word() == self.ty.word()) else {
            return false;
        };
        match view.place {
            // SAFETY: a value of the type in its one slot, and a place for it.
            Place::Slot(slot) => unsafe {
                crate::objects::value::store(self.ty, place as u64, &slot)
            },
            // SAFETY: two places of the type.
            Place::Memory(from) => unsafe {
                moves::copy(place as u64, from as u64, self.ty.size as usize)
            },
        }
        true
    }

    /// Stores a bool, integer or float, given in a register's form, in the memory seen here. Answers whether this is a place of one.
    pub fn set_scalar(&self, slot: u64) -> bool {
        let Place::Memory(place) = self.place else {
            return false;
        };
        let scalar = !matches!(
            self.kind(),
            TypeKind::Pointer { .. }
                | TypeKind::Map { .. }
                | TypeKind::Channel { .. }
                | TypeKind::Function { .. }
        ) && self.ty.slots == 1
            && !self.ty.boxed
            && is_one_slot(self.ty.access);
        if scalar {
            // SAFETY: a place of a scalar type.
            unsafe { crate::objects::value::store(self.ty, place as u64, &slot) };
        }
        scalar
    }

    /// Stores a string in the memory seen here. Answers whether this is a place of one.
    pub fn set_string(&self, text: GoStr<'h>) -> bool {
        let (Place::Memory(place), TypeKind::String) = (self.place, self.kind()) else {
            return false;
        };
        // SAFETY: a place of a string.
        unsafe { moves::store128(place as u64, text.pointer as u64, text.length as u64) };
        true
    }

    /// Stores a slice of bytes in the memory seen here. Answers whether this is a place of one.
    pub fn set_bytes(&self, bytes: GoSlice<'h, u8>) -> bool {
        let (Place::Memory(place), TypeKind::Slice { .. }) = (self.place, self.kind()) else {
            return false;
        };
        if !matches!(self.ty.element().kind(), TypeKind::Uint8) {
            return false;
        }
        let header = u64::from(bytes.length) | u64::from(bytes.capacity) << 32;
        // SAFETY: a place of a slice of bytes.
        unsafe { moves::store128(place as u64, bytes.pointer as u64, header) };
        true
    }

    /// The value as an interface value (copied when it is not one slot), to be handed back to the script.
    ///
    /// # Errors
    /// The heap is full.
    pub fn to_any(&self, context: &mut NativeContext<'h>) -> Result<Any<'h>, GoPanic> {
        if self.ty.is_interface() {
            return Ok(self.contents());
        }
        let data = match self.place {
            Place::Slot(slot) => slot,
            Place::Memory(_) if self.ty.slots == 0 => 0,
            Place::Memory(place) if self.ty.slots == 1 && !self.ty.boxed => {
                let part = self.ty.parts[0];
                // SAFETY: the one part of a value of this type.
                unsafe {
                    crate::objects::value::load_scalar(
                        part.access,
                        place.wrapping_add(part.offset as usize),
                    )
                }
            }
            // SAFETY: a place of this type.
            Place::Memory(place) => unsafe { context.clone_value(self.ty, place)? as u64 },
        };
        Ok(Any {
            word: self.ty.word(),
            data,
            marker: PhantomData,
        })
    }
}

/// The elements of a slice or array. See [`View::elements`].
pub struct Elements<'h> {
    ty: &'h RuntimeType,
    pointer: *const u8,
    length: u64,
    at: u64,
    marker: PhantomData<&'h u8>,
}

impl<'h> Iterator for Elements<'h> {
    type Item = View<'h>;

    fn next(&mut self) -> Option<View<'h>> {
        self.nth(0)
    }

    fn nth(&mut self, n: usize) -> Option<View<'h>> {
        self.at = self.at.saturating_add(n as u64);
        if self.at >= self.length {
            return None;
        }
        let place = self
            .pointer
            .wrapping_add(self.at as usize * self.ty.size as usize);
        self.at += 1;
        Some(View {
            ty: self.ty,
            place: Place::Memory(place),
            marker: PhantomData,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let rest = (self.length - self.at.min(self.length)) as usize;
        (rest, Some(rest))
    }
}

impl ExactSizeIterator for Elements<'_> {}

/// One-slot access kinds; the rest is [`crate::objects::value`]'s.
pub(crate) fn is_one_slot(access: Access) -> bool {
    !matches!(
        access,
        Access::Pair | Access::Interface | Access::Nothing | Access::Flat | Access::Boxed
    )
}
