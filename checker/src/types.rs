//! Types, interned: what the checker computes with and what the compiler reads.
//!
//! Every type is a [`TypeId`], an index into the [`Types`] table. Two spellings of one type may have
//! two ids, because Go's error messages print a type as it was written (`func(a int)`, `byte`, an
//! alias, `any`); each id knows its *canonical* id, and two types are identical (SPEC: Type identity)
//! exactly when their canonical ids are equal.
//!
//! INVARIANT: the components of a canonical type are canonical. A canonical signature has no parameter
//! names, a canonical interface no written form. The side tables of a `TypedProgram` hold canonical
//! ids only, so a reader of those may compare ids and never meets [`Type::Alias`].
//!
//! INVARIANT: a named type is one entry, made when its declaration is met; its underlying type and
//! methods are filled in later. Recursive types exist only through named types.
//!
//! The table grows through a shared reference ([`crate::table`]): also the compiler makes types, while it reads others. Type
//! parameters, instances of generic types and substitution are in `generics.rs`.
//!
//! GO: go/types `Type` and its implementations; `identical` there is structural, here it is interning.

use std::cell::{Cell, RefCell};
use std::num::NonZeroU32;

use rustc_hash::FxHashMap;

use parser::ast::Symbol;

use crate::table::Table;

/// Makes an index type over `NonZeroU32`, so that `Option` of it is four bytes.
macro_rules! index_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(NonZeroU32);

        impl $name {
            /// The id with the given index.
            ///
            /// # Panics
            /// If `index` is `u32::MAX` or more: no table grows so far, the source texts are limited to 4 GiB.
            #[inline]
            #[must_use]
            pub const fn from_index(index: usize) -> Self {
                assert!(index < u32::MAX as usize, "table index out of range");
                match NonZeroU32::new(index as u32 + 1) {
                    Some(id) => Self(id),
                    None => unreachable!(),
                }
            }

            /// The index into the table that this id was made for.
            #[inline]
            #[must_use]
            pub const fn index(self) -> usize {
                self.0.get() as usize - 1
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.index())
            }
        }
    };
}

index_type!(
    /// A type: an index into [`Types`].
    TypeId
);
index_type!(
    /// A declared entity: an index into `TypedProgram::objects`.
    ObjectId
);
index_type!(
    /// A package: an index into `TypedProgram::packages`.
    PackageId
);

/// The basic types, the untyped kinds and two aliases; the order gives the predefined ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum BasicKind {
    /// The type of what was wrong; it takes part in no further error.
    Invalid,
    /// `bool`
    Bool,
    /// `int`, 64 bits
    Int,
    /// `int8`
    Int8,
    /// `int16`
    Int16,
    /// `int32`
    Int32,
    /// `int64`
    Int64,
    /// `uint`, 64 bits
    Uint,
    /// `uint8`
    Uint8,
    /// `uint16`
    Uint16,
    /// `uint32`
    Uint32,
    /// `uint64`
    Uint64,
    /// `uintptr`, 64 bits
    Uintptr,
    /// `float32`
    Float32,
    /// `float64`
    Float64,
    /// `complex64`
    Complex64,
    /// `complex128`
    Complex128,
    /// `string`
    String,
    /// The type of a comparison whose operands do not fix one.
    UntypedBool,
    /// The type of an integer constant such as `1`.
    UntypedInt,
    /// The type of a rune constant such as `'a'`.
    UntypedRune,
    /// The type of a floating-point constant such as `1.5`.
    UntypedFloat,
    /// The type of a complex constant such as `1i`.
    UntypedComplex,
    /// The type of a string constant such as `"a"`.
    UntypedString,
    /// The type of `nil` before its context gives it one.
    UntypedNil,
}

impl BasicKind {
    /// All kinds, in the order of the predefined type ids.
    pub const ALL: [BasicKind; 25] = [
        BasicKind::Invalid,
        BasicKind::Bool,
        BasicKind::Int,
        BasicKind::Int8,
        BasicKind::Int16,
        BasicKind::Int32,
        BasicKind::Int64,
        BasicKind::Uint,
        BasicKind::Uint8,
        BasicKind::Uint16,
        BasicKind::Uint32,
        BasicKind::Uint64,
        BasicKind::Uintptr,
        BasicKind::Float32,
        BasicKind::Float64,
        BasicKind::Complex64,
        BasicKind::Complex128,
        BasicKind::String,
        BasicKind::UntypedBool,
        BasicKind::UntypedInt,
        BasicKind::UntypedRune,
        BasicKind::UntypedFloat,
        BasicKind::UntypedComplex,
        BasicKind::UntypedString,
        BasicKind::UntypedNil,
    ];

    /// The name as Go prints it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            BasicKind::Invalid => "invalid type",
            BasicKind::Bool => "bool",
            BasicKind::Int => "int",
            BasicKind::Int8 => "int8",
            BasicKind::Int16 => "int16",
            BasicKind::Int32 => "int32",
            BasicKind::Int64 => "int64",
            BasicKind::Uint => "uint",
            BasicKind::Uint8 => "uint8",
            BasicKind::Uint16 => "uint16",
            BasicKind::Uint32 => "uint32",
            BasicKind::Uint64 => "uint64",
            BasicKind::Uintptr => "uintptr",
            BasicKind::Float32 => "float32",
            BasicKind::Float64 => "float64",
            BasicKind::Complex64 => "complex64",
            BasicKind::Complex128 => "complex128",
            BasicKind::String => "string",
            BasicKind::UntypedBool => "untyped bool",
            BasicKind::UntypedInt => "untyped int",
            BasicKind::UntypedRune => "untyped rune",
            BasicKind::UntypedFloat => "untyped float",
            BasicKind::UntypedComplex => "untyped complex",
            BasicKind::UntypedString => "untyped string",
            BasicKind::UntypedNil => "untyped nil",
        }
    }

    /// Is this an untyped kind?
    #[inline]
    #[must_use]
    pub const fn is_untyped(self) -> bool {
        self as u8 >= BasicKind::UntypedBool as u8
    }

    /// Integers, untyped ones included.
    #[inline]
    #[must_use]
    pub const fn is_integer(self) -> bool {
        (self as u8 >= BasicKind::Int as u8 && self as u8 <= BasicKind::Uintptr as u8)
            || matches!(self, BasicKind::UntypedInt | BasicKind::UntypedRune)
    }

    /// Unsigned integers.
    #[inline]
    #[must_use]
    pub const fn is_unsigned(self) -> bool {
        self as u8 >= BasicKind::Uint as u8 && self as u8 <= BasicKind::Uintptr as u8
    }

    /// Floating-point numbers, untyped ones included.
    #[inline]
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(
            self,
            BasicKind::Float32 | BasicKind::Float64 | BasicKind::UntypedFloat
        )
    }

    /// Complex numbers, untyped ones included.
    #[inline]
    #[must_use]
    pub const fn is_complex(self) -> bool {
        matches!(
            self,
            BasicKind::Complex64 | BasicKind::Complex128 | BasicKind::UntypedComplex
        )
    }

    /// Integers, floating-point numbers and complex numbers.
    #[inline]
    #[must_use]
    pub const fn is_numeric(self) -> bool {
        self.is_integer() || self.is_float() || self.is_complex()
    }

    /// Strings, untyped ones included.
    #[inline]
    #[must_use]
    pub const fn is_string(self) -> bool {
        matches!(self, BasicKind::String | BasicKind::UntypedString)
    }

    /// Booleans, untyped ones included.
    #[inline]
    #[must_use]
    pub const fn is_boolean(self) -> bool {
        matches!(self, BasicKind::Bool | BasicKind::UntypedBool)
    }

    /// The size in bits of a sized number; 64 for `int`, `uint` and `uintptr`; 0 for what is no typed number.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            BasicKind::Int8 | BasicKind::Uint8 => 8,
            BasicKind::Int16 | BasicKind::Uint16 => 16,
            BasicKind::Int32 | BasicKind::Uint32 | BasicKind::Float32 => 32,
            BasicKind::Int
            | BasicKind::Int64
            | BasicKind::Uint
            | BasicKind::Uint64
            | BasicKind::Uintptr
            | BasicKind::Float64
            | BasicKind::Complex64 => 64,
            BasicKind::Complex128 => 128,
            _ => 0,
        }
    }
}

/// The predefined types. The first ones are in the order of [`BasicKind`].
impl TypeId {
    /// The type of what was wrong.
    pub const INVALID: TypeId = TypeId::from_index(BasicKind::Invalid as usize);
    /// `bool`
    pub const BOOL: TypeId = TypeId::from_index(BasicKind::Bool as usize);
    /// `int`
    pub const INT: TypeId = TypeId::from_index(BasicKind::Int as usize);
    /// `int8`
    pub const INT8: TypeId = TypeId::from_index(BasicKind::Int8 as usize);
    /// `int16`
    pub const INT16: TypeId = TypeId::from_index(BasicKind::Int16 as usize);
    /// `int32`
    pub const INT32: TypeId = TypeId::from_index(BasicKind::Int32 as usize);
    /// `int64`
    pub const INT64: TypeId = TypeId::from_index(BasicKind::Int64 as usize);
    /// `uint`
    pub const UINT: TypeId = TypeId::from_index(BasicKind::Uint as usize);
    /// `uint8`
    pub const UINT8: TypeId = TypeId::from_index(BasicKind::Uint8 as usize);
    /// `uint16`
    pub const UINT16: TypeId = TypeId::from_index(BasicKind::Uint16 as usize);
    /// `uint32`
    pub const UINT32: TypeId = TypeId::from_index(BasicKind::Uint32 as usize);
    /// `uint64`
    pub const UINT64: TypeId = TypeId::from_index(BasicKind::Uint64 as usize);
    /// `uintptr`
    pub const UINTPTR: TypeId = TypeId::from_index(BasicKind::Uintptr as usize);
    /// `float32`
    pub const FLOAT32: TypeId = TypeId::from_index(BasicKind::Float32 as usize);
    /// `float64`
    pub const FLOAT64: TypeId = TypeId::from_index(BasicKind::Float64 as usize);
    /// `complex64`
    pub const COMPLEX64: TypeId = TypeId::from_index(BasicKind::Complex64 as usize);
    /// `complex128`
    pub const COMPLEX128: TypeId = TypeId::from_index(BasicKind::Complex128 as usize);
    /// `string`
    pub const STRING: TypeId = TypeId::from_index(BasicKind::String as usize);
    /// untyped bool
    pub const UNTYPED_BOOL: TypeId = TypeId::from_index(BasicKind::UntypedBool as usize);
    /// untyped int
    pub const UNTYPED_INT: TypeId = TypeId::from_index(BasicKind::UntypedInt as usize);
    /// untyped rune
    pub const UNTYPED_RUNE: TypeId = TypeId::from_index(BasicKind::UntypedRune as usize);
    /// untyped float
    pub const UNTYPED_FLOAT: TypeId = TypeId::from_index(BasicKind::UntypedFloat as usize);
    /// untyped complex
    pub const UNTYPED_COMPLEX: TypeId = TypeId::from_index(BasicKind::UntypedComplex as usize);
    /// untyped string
    pub const UNTYPED_STRING: TypeId = TypeId::from_index(BasicKind::UntypedString as usize);
    /// untyped nil
    pub const UNTYPED_NIL: TypeId = TypeId::from_index(BasicKind::UntypedNil as usize);
    /// `byte`: canonically `uint8`
    pub const BYTE: TypeId = TypeId::from_index(25);
    /// `rune`: canonically `int32`
    pub const RUNE: TypeId = TypeId::from_index(26);
    /// `interface{}`
    pub const EMPTY_INTERFACE: TypeId = TypeId::from_index(27);
    /// `any`: canonically `interface{}`
    pub const ANY: TypeId = TypeId::from_index(28);
    /// The empty tuple: the type of a call without results.
    pub const EMPTY_TUPLE: TypeId = TypeId::from_index(29);
    /// The predeclared named type `error`.
    pub const ERROR: TypeId = TypeId::from_index(30);
    /// The predeclared constraint `comparable`, of which no value can be declared.
    pub const COMPARABLE: TypeId = TypeId::from_index(31);
    /// How many ids are predefined.
    pub(crate) const PREDEFINED: usize = 32;
}

/// Which way values may go through a channel type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChanDirection {
    /// `chan T`
    Both,
    /// `chan<- T`
    Send,
    /// `<-chan T`
    Receive,
}

/// A field of a struct type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// The name; of an embedded field, the name of its type.
    pub name: Symbol,
    /// Whether the name is exported, so that readers need not ask the interner.
    pub exported: bool,
    /// Is the field embedded?
    pub embedded: bool,
    /// The package whose name this is; `None` for exported names, which are the same in all packages.
    pub package: Option<PackageId>,
    /// The field's type.
    pub typ: TypeId,
    /// The tag's value, without quotes.
    pub tag: Option<Box<str>>,
}

/// A parameter or result of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Param {
    /// The name as written, for messages; always `None` in a canonical signature.
    pub name: Option<Symbol>,
    /// The type; of the last parameter of a variadic signature, the slice type.
    pub typ: TypeId,
}

/// A function type, without receiver.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    /// The type parameters of a generic function or method that has not been instantiated; no value has such a type.
    pub type_parameters: Box<[TypeId]>,
    /// The parameters; if `variadic`, the last one has a slice type.
    pub params: Box<[Param]>,
    /// The results.
    pub results: Box<[Param]>,
    /// Does the last parameter take any number of arguments?
    pub variadic: bool,
}

/// A method of an interface type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InterfaceMethod {
    /// The method's name.
    pub name: Symbol,
    /// The package whose name this is; `None` for exported names.
    pub package: Option<PackageId>,
    /// Its type, a [`Type::Signature`].
    pub signature: TypeId,
}

/// An interface type by its complete method set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Interface {
    /// All methods, those of embedded interfaces included, sorted by name (then by package path).
    pub methods: Box<[InterfaceMethod]>,
    /// How it was written, for messages, if that names other interfaces; `None` in canonical types.
    pub written: Option<Box<WrittenInterface>>,
    /// The types that it admits, in normal form (disjoint; sorted in canonical types); `None` if they are not limited.
    pub terms: Option<Box<[Term]>>,
    /// Only comparable types are admitted. INVARIANT: then `terms` is `None`; with terms, those that are not comparable are left out.
    pub comparable: bool,
}

/// `T` or `~T` in the type set of a constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term {
    /// Also all types whose underlying type it is.
    pub tilde: bool,
    /// The type.
    pub typ: TypeId,
}

/// The written form of an interface that embeds others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WrittenInterface {
    /// Methods written out, sorted by name.
    pub methods: Box<[InterfaceMethod]>,
    /// Embedded types in source order, [`Type::Union`] among them.
    pub embedded: Box<[TypeId]>,
    /// Stands for a constraint written without `interface`: `~int | string`.
    pub implicit: bool,
}

/// A defined (named) type.
#[derive(Clone, Debug)]
pub struct Named {
    /// The `TypeName` object.
    pub object: ObjectId,
    /// Is the underlying type still to come, because its declaration is being checked? Of an instance: see [`Types::is_unfinished`].
    pub(crate) unfinished: bool,
    /// The methods declared for it (or for a pointer to it), in source order; `Func` objects. An instance has those of its origin:
    /// [`Types::methods`].
    pub(crate) methods: Vec<ObjectId>,
    /// The type parameters that a generic type declares, [`Type::TypeParameter`]s.
    pub(crate) parameters: Box<[TypeId]>,
    /// Of a type declared in a generic function: the type parameters of that function (and its receiver) that it may depend on.
    pub ambient: Box<[TypeId]>,
    /// Of an instance: the generic type, or the type declared in a generic function.
    pub origin: Option<TypeId>,
    /// Of an instance: what stands for the ambient and then for the declared type parameters of its origin.
    pub arguments: Box<[TypeId]>,
}

/// One type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// A basic or untyped type.
    Basic(BasicKind),
    /// A defined type; the index leads to its [`Named`] through [`Types::named`].
    Named(u32),
    /// `*T`
    Pointer(TypeId),
    /// `[]T`
    Slice(TypeId),
    /// `[n]T`; the length is never negative.
    Array(TypeId, i64),
    /// `map[K]V`
    Map {
        /// The key type.
        key: TypeId,
        /// The value type.
        element: TypeId,
    },
    /// A channel type.
    Chan {
        /// Which way.
        direction: ChanDirection,
        /// The element type.
        element: TypeId,
    },
    /// A struct type.
    Struct(Box<[Field]>),
    /// A function type.
    Signature(Box<Signature>),
    /// An interface type.
    Interface(Box<Interface>),
    /// What a call with no or several results gives.
    Tuple(Box<[TypeId]>),
    /// A type parameter; the index leads to its [`TypeParameter`] through [`Types::type_parameter`]. Its underlying type is the interface of
    /// its constraint.
    TypeParameter(u32),
    /// `~int | string` in a constraint, as written; no value has it for its type.
    Union(Box<[Term]>),
    /// Another name of a type; never canonical.
    Alias {
        /// The `TypeName` object; of the predeclared `byte`, `rune` and `any`, `None`.
        object: Option<ObjectId>,
        /// What it stands for.
        actual: TypeId,
        /// The type arguments of a generic alias, for messages.
        arguments: Box<[TypeId]>,
    },
}

/// A type parameter as declared.
#[derive(Clone, Debug)]
pub struct TypeParameter {
    /// The `TypeName` object.
    pub object: ObjectId,
    /// Its place in the list of type parameters.
    pub index: u32,
    /// The constraint, as written; `None` until it is known.
    pub(crate) constraint: Cell<Option<TypeId>>,
}

#[derive(Debug)]
struct Entry {
    typ: Type,
    canonical: TypeId,
    /// The underlying type, canonical or not; `INVALID` if it is not known yet.
    underlying: Cell<TypeId>,
    /// Without the aliases at the top: they may be as many as a program has lines.
    unaliased: TypeId,
    /// Does it mention a type parameter?
    parameterized: bool,
}

/// A generic type and its arguments as spelled.
pub(crate) type InstanceKey = (TypeId, Box<[TypeId]>);

/// The table of types.
#[derive(Debug, Default)]
pub struct Types {
    entries: Table<Entry>,
    named: Table<Named>,
    parameters: Table<TypeParameter>,
    ids: RefCell<FxHashMap<Type, TypeId>>,
    /// Instances by origin and arguments as spelled.
    pub(crate) instances: RefCell<FxHashMap<InstanceKey, TypeId>>,
    /// Instances whose underlying types are being made.
    pub(crate) expanding: RefCell<Vec<TypeId>>,
    /// The type parameters of generic aliases, by their `TypeName`s.
    pub(crate) alias_parameters: FxHashMap<ObjectId, Box<[TypeId]>>,
    /// Checking is done: underlying types are made canonical at once.
    finished: bool,
}

impl Types {
    /// The table of the predefined types.
    ///
    /// `error_object` and `comparable_object` are the `TypeName`s of `error` and `comparable`, and `error_name` the symbol `Error`.
    #[must_use]
    pub(crate) fn new(
        error_object: ObjectId,
        comparable_object: ObjectId,
        error_name: Symbol,
    ) -> Types {
        let mut types = Types::default();
        for kind in BasicKind::ALL {
            types.intern(Type::Basic(kind));
        }
        types.intern(Type::Alias {
            object: None,
            actual: TypeId::UINT8,
            arguments: Box::default(),
        });
        types.intern(Type::Alias {
            object: None,
            actual: TypeId::INT32,
            arguments: Box::default(),
        });
        let empty = Interface {
            methods: Box::default(),
            written: None,
            terms: None,
            comparable: false,
        };
        types.intern(Type::Interface(Box::new(empty)));
        types.intern(Type::Alias {
            object: None,
            actual: TypeId::EMPTY_INTERFACE,
            arguments: Box::default(),
        });
        types.intern(Type::Tuple(Box::default()));
        let error = types.new_named(error_object, Box::default());
        let comparable = types.new_named(comparable_object, Box::default());
        assert!(
            error == TypeId::ERROR
                && comparable == TypeId::COMPARABLE
                && types.len() == TypeId::PREDEFINED
        );
        let result = Param {
            name: None,
            typ: TypeId::STRING,
        };
        let signature = types.signature(&[], &[result], false);
        let method = InterfaceMethod {
            name: error_name,
            package: None,
            signature,
        };
        let interface = types.interface(Interface {
            methods: Box::new([method]),
            written: None,
            terms: None,
            comparable: false,
        });
        types.set_underlying(error, interface);
        let interface = types.interface(Interface {
            methods: Box::default(),
            written: None,
            terms: None,
            comparable: true,
        });
        types.set_underlying(comparable, interface);
        types
    }

    /// How many types there are; ids have the indices below it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Is the table empty? Never: it begins with the predefined types.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.len() == 0
    }

    /// The type itself: a named type is `Type::Named`, an alias `Type::Alias`.
    #[inline]
    #[must_use]
    pub fn get(&self, id: TypeId) -> &Type {
        &self.entries.get(id.index()).typ
    }

    /// The id by which identical types are the same.
    #[inline]
    #[must_use]
    pub fn canonical(&self, id: TypeId) -> TypeId {
        self.entries.get(id.index()).canonical
    }

    /// Are the two types identical? SPEC: Type identity.
    #[inline]
    #[must_use]
    pub fn identical(&self, a: TypeId, b: TypeId) -> bool {
        self.canonical(a) == self.canonical(b)
    }

    /// The underlying type's id. SPEC: Underlying types. Of a named type whose declaration is not finished, `INVALID`; of a type parameter,
    /// its constraint's interface.
    #[inline]
    #[must_use]
    pub fn underlying_id(&self, id: TypeId) -> TypeId {
        let underlying = self.entries.get(id.index()).underlying.get();
        if underlying == TypeId::INVALID {
            return self.late_underlying(id);
        }
        underlying
    }

    /// The underlying type of an alias that may have been made before what it stands for was finished, of an instance, of a type parameter.
    #[cold]
    fn late_underlying(&self, id: TypeId) -> TypeId {
        let underlying = match &self.entries.get(id.index()).typ {
            Type::Alias { .. } => self.underlying_id(self.unalias(id)),
            Type::Named(_) => self.expand(id),
            Type::TypeParameter(_) => self.constraint_interface(id),
            _ => TypeId::INVALID,
        };
        let settled = match self.get(self.unalias(id)) {
            Type::TypeParameter(_) => self
                .constraint(id)
                .is_some_and(|constraint| !self.is_unfinished(constraint)),
            _ => true,
        };
        if settled {
            self.store_underlying(id, underlying);
        }
        underlying
    }

    fn store_underlying(&self, id: TypeId, underlying: TypeId) {
        let underlying = if self.finished {
            self.canonical(underlying)
        } else {
            underlying
        };
        self.entries.get(id.index()).underlying.set(underlying);
    }

    /// The underlying type: never `Named` or `Alias`.
    #[inline]
    #[must_use]
    pub fn underlying(&self, id: TypeId) -> &Type {
        self.get(self.underlying_id(id))
    }

    /// The type with aliases at the top resolved.
    #[inline]
    #[must_use]
    pub fn unalias(&self, id: TypeId) -> TypeId {
        self.entries.get(id.index()).unaliased
    }

    /// The named type behind `id`, aliases resolved; `None` for any other type.
    #[must_use]
    pub fn named(&self, id: TypeId) -> Option<&Named> {
        match self.get(self.unalias(id)) {
            Type::Named(index) => Some(self.named.get(*index as usize)),
            _ => None,
        }
    }

    pub(crate) fn named_at(&self, index: u32) -> &Named {
        self.named.get(index as usize)
    }

    /// For changing a named type; `None` for any other type.
    pub(crate) fn named_mut(&mut self, id: TypeId) -> Option<&mut Named> {
        match self.get(self.unalias(id)) {
            Type::Named(index) => {
                let index = *index as usize;
                Some(self.named.get_mut(index))
            }
            _ => None,
        }
    }

    /// The id of a type that has been met.
    #[must_use]
    pub fn find(&self, typ: &Type) -> Option<TypeId> {
        self.ids.borrow().get(typ).copied()
    }

    /// The id of a type, a new one if it has not been met. Components must be ids of this table.
    pub fn intern(&self, typ: Type) -> TypeId {
        if let Some(id) = self.find(&typ) {
            return id;
        }
        // First the canonical form, which may add entries of its own.
        let canonical = self.canonical_form(&typ);
        let id = self.add(typ.clone(), canonical);
        self.ids.borrow_mut().insert(typ, id);
        id
    }

    /// A new entry, identical to `canonical` or to nothing that is there.
    pub(crate) fn add(&self, typ: Type, canonical: Option<TypeId>) -> TypeId {
        // The underlying type of an instance may be made only now, which adds entries: before this one has its place.
        let other = match &typ {
            Type::Alias { actual, .. } => Some(self.underlying_id(*actual)),
            Type::Named(_) | Type::TypeParameter(_) => Some(TypeId::INVALID),
            _ => None,
        };
        let parameterized = self.mentions_parameters(&typ);
        let id = TypeId::from_index(self.entries.len());
        let underlying = other.unwrap_or(id);
        let unaliased = match &typ {
            Type::Alias { actual, .. } => self.unalias(*actual),
            _ => id,
        };
        self.entries.push(Entry {
            typ,
            canonical: canonical.unwrap_or(id),
            underlying: Cell::new(underlying),
            unaliased,
            parameterized,
        });
        id
    }

    /// Does the type mention a type parameter, or is it declared where there are some?
    #[inline]
    #[must_use]
    pub fn is_parameterized(&self, id: TypeId) -> bool {
        self.entries.get(id.index()).parameterized
    }

    /// The canonical id of a type that is not its own canonical form.
    fn canonical_form(&self, typ: &Type) -> Option<TypeId> {
        let is = |types: &Types, id: TypeId| types.canonical(id) == id;
        let form = match typ {
            Type::Basic(_) | Type::Named(_) | Type::TypeParameter(_) => return None,
            Type::Union(terms) if terms.iter().all(|term| is(self, term.typ)) => return None,
            Type::Union(terms) => Type::Union(self.canonical_terms(terms)),
            Type::Alias { actual, .. } => return Some(self.canonical(*actual)),
            Type::Pointer(base) if is(self, *base) => return None,
            Type::Pointer(base) => Type::Pointer(self.canonical(*base)),
            Type::Slice(element) if is(self, *element) => return None,
            Type::Slice(element) => Type::Slice(self.canonical(*element)),
            Type::Array(element, _) if is(self, *element) => return None,
            Type::Array(element, length) => Type::Array(self.canonical(*element), *length),
            Type::Map { key, element } if is(self, *key) && is(self, *element) => return None,
            Type::Map { key, element } => Type::Map {
                key: self.canonical(*key),
                element: self.canonical(*element),
            },
            Type::Chan { element, .. } if is(self, *element) => return None,
            Type::Chan { direction, element } => Type::Chan {
                direction: *direction,
                element: self.canonical(*element),
            },
            Type::Struct(fields) if fields.iter().all(|field| is(self, field.typ)) => return None,
            Type::Struct(fields) => {
                let canonical = |field: &Field| Field {
                    typ: self.canonical(field.typ),
                    ..field.clone()
                };
                Type::Struct(fields.iter().map(canonical).collect())
            }
            Type::Tuple(types) if types.iter().all(|typ| is(self, *typ)) => return None,
            Type::Tuple(types) => {
                Type::Tuple(types.iter().map(|typ| self.canonical(*typ)).collect())
            }
            Type::Signature(signature) => {
                let mut all = signature.params.iter().chain(&signature.results);
                if all.all(|param| param.name.is_none() && is(self, param.typ)) {
                    return None;
                }
                let canonical = |param: &Param| Param {
                    name: None,
                    typ: self.canonical(param.typ),
                };
                Type::Signature(Box::new(Signature {
                    type_parameters: signature.type_parameters.clone(),
                    params: signature.params.iter().map(canonical).collect(),
                    results: signature.results.iter().map(canonical).collect(),
                    variadic: signature.variadic,
                }))
            }
            Type::Interface(interface) => {
                let mut all = interface.methods.iter();
                let terms = interface.terms.as_ref().map(|terms| {
                    let mut terms = self.canonical_terms(terms);
                    terms.sort_unstable();
                    terms
                });
                if interface.written.is_none()
                    && all.all(|method| is(self, method.signature))
                    && terms == interface.terms
                {
                    return None;
                }
                let canonical = |method: &InterfaceMethod| InterfaceMethod {
                    signature: self.canonical(method.signature),
                    ..*method
                };
                let methods = interface.methods.iter().map(canonical).collect();
                Type::Interface(Box::new(Interface {
                    methods,
                    written: None,
                    terms,
                    comparable: interface.comparable,
                }))
            }
        };
        Some(self.intern(form))
    }

    fn canonical_terms(&self, terms: &[Term]) -> Box<[Term]> {
        let canonical = |term: &Term| Term {
            typ: self.canonical(term.typ),
            ..*term
        };
        terms.iter().map(canonical).collect()
    }

    /// A new named type for the `TypeName` object; its underlying type comes with `set_underlying`. `ambient` are the type parameters of
    /// the function that it is declared in.
    pub(crate) fn new_named(&self, object: ObjectId, ambient: Box<[TypeId]>) -> TypeId {
        self.add_named(
            Named {
                object,
                unfinished: true,
                methods: Vec::new(),
                parameters: Box::default(),
                ambient,
                origin: None,
                arguments: Box::default(),
            },
            None,
        )
    }

    pub(crate) fn add_named(&self, named: Named, canonical: Option<TypeId>) -> TypeId {
        let index = self.named.push(named);
        let index = u32::try_from(index).expect("fewer named types than ids of types");
        self.add(Type::Named(index), canonical)
    }

    /// A new type parameter for the `TypeName` object; its constraint comes with `set_constraint`.
    pub(crate) fn new_type_parameter(&self, object: ObjectId, index: u32) -> TypeId {
        let place = self.parameters.push(TypeParameter {
            object,
            index,
            constraint: Cell::new(None),
        });
        let place = u32::try_from(place).expect("fewer type parameters than ids of types");
        self.add(Type::TypeParameter(place), None)
    }

    /// The type parameter, aliases resolved; `None` for any other type.
    #[must_use]
    pub fn type_parameter(&self, id: TypeId) -> Option<&TypeParameter> {
        match self.get(self.unalias(id)) {
            Type::TypeParameter(index) => Some(self.parameters.get(*index as usize)),
            _ => None,
        }
    }

    /// Whether it is a declared type, or an alias or instance of one, whose underlying type is not known yet.
    pub(crate) fn is_unfinished(&self, typ: TypeId) -> bool {
        self.named(typ).is_some_and(|named| match named.origin {
            Some(origin) => self.is_unfinished(origin),
            None => named.unfinished,
        })
    }

    /// Sets what a named type stands for; `underlying` must not itself be a named type.
    pub(crate) fn set_underlying(&mut self, named: TypeId, underlying: TypeId) {
        let underlying = self.underlying_id(underlying);
        self.store_underlying(named, underlying);
        if let Some(entry) = self.named_mut(named) {
            entry.unfinished = false;
        }
    }

    /// Makes the underlying types of named types canonical: what they look like as written matters to messages only.
    pub(crate) fn finish(&mut self) {
        for index in 0..self.entries.len() {
            let entry = self.entries.get(index);
            let underlying = self.canonical(entry.underlying.get());
            entry.underlying.set(underlying);
        }
        self.finished = true;
    }

    /// More types will be declared.
    pub(crate) fn reopen(&mut self) {
        self.finished = false;
    }

    /// `*T`
    pub fn pointer(&self, base: TypeId) -> TypeId {
        self.intern(Type::Pointer(base))
    }

    /// `[]T`
    pub fn slice(&self, element: TypeId) -> TypeId {
        self.intern(Type::Slice(element))
    }

    /// A function type.
    pub fn signature(&self, params: &[Param], results: &[Param], variadic: bool) -> TypeId {
        let signature = Signature {
            type_parameters: Box::default(),
            params: params.into(),
            results: results.into(),
            variadic,
        };
        self.intern(Type::Signature(Box::new(signature)))
    }

    /// An interface type; its methods must be sorted.
    pub fn interface(&self, interface: Interface) -> TypeId {
        self.intern(Type::Interface(Box::new(interface)))
    }

    /// What a call with these results has for its type: the single type, or a tuple.
    pub fn results(&self, results: &[Param]) -> TypeId {
        match results {
            [] => TypeId::EMPTY_TUPLE,
            [single] => single.typ,
            several => {
                let types = several.iter().map(|result| result.typ).collect();
                self.intern(Type::Tuple(types))
            }
        }
    }

    /// The signature, if the underlying type is one.
    #[must_use]
    pub fn as_signature(&self, id: TypeId) -> Option<&Signature> {
        match self.underlying(id) {
            Type::Signature(signature) => Some(signature),
            _ => None,
        }
    }

    /// The interface, if the underlying type is one.
    #[must_use]
    pub fn as_interface(&self, id: TypeId) -> Option<&Interface> {
        match self.underlying(id) {
            Type::Interface(interface) => Some(interface),
            _ => None,
        }
    }

    /// The fields, if the underlying type is a struct.
    #[must_use]
    pub fn as_struct(&self, id: TypeId) -> Option<&[Field]> {
        match self.underlying(id) {
            Type::Struct(fields) => Some(fields),
            _ => None,
        }
    }

    /// The base type, if the underlying type is a pointer.
    #[must_use]
    pub fn as_pointer(&self, id: TypeId) -> Option<TypeId> {
        match self.underlying(id) {
            Type::Pointer(base) => Some(*base),
            _ => None,
        }
    }

    /// The basic kind, if the underlying type is basic.
    #[inline]
    #[must_use]
    pub fn basic(&self, id: TypeId) -> Option<BasicKind> {
        match self.underlying(id) {
            Type::Basic(kind) => Some(*kind),
            _ => None,
        }
    }
}
