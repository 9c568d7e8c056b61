//! Questions about one type. GO: go/types predicates.go.

use rustc_hash::FxHashSet;

use crate::types::{BasicKind, Type, TypeId, Types};

impl Types {
    fn basic_is(&self, id: TypeId, test: impl Fn(BasicKind) -> bool) -> bool {
        self.basic(id).is_some_and(test)
    }

    /// Booleans, untyped ones included.
    #[must_use]
    pub fn is_boolean(&self, id: TypeId) -> bool {
        self.basic_is(id, BasicKind::is_boolean)
    }

    /// Integers, untyped ones included.
    #[must_use]
    pub fn is_integer(&self, id: TypeId) -> bool {
        self.basic_is(id, BasicKind::is_integer)
    }

    /// Unsigned integers.
    #[must_use]
    pub fn is_unsigned(&self, id: TypeId) -> bool {
        self.basic_is(id, BasicKind::is_unsigned)
    }

    /// Floating-point numbers, untyped ones included.
    #[must_use]
    pub fn is_float(&self, id: TypeId) -> bool {
        self.basic_is(id, BasicKind::is_float)
    }

    /// Complex numbers, untyped ones included.
    #[must_use]
    pub fn is_complex(&self, id: TypeId) -> bool {
        self.basic_is(id, BasicKind::is_complex)
    }

    /// Numbers, untyped ones included.
    #[must_use]
    pub fn is_numeric(&self, id: TypeId) -> bool {
        self.basic_is(id, BasicKind::is_numeric)
    }

    /// Strings, untyped ones included.
    #[must_use]
    pub fn is_string(&self, id: TypeId) -> bool {
        self.basic_is(id, BasicKind::is_string)
    }

    /// Integers, floats and strings: what `<` orders.
    #[must_use]
    pub fn is_ordered(&self, id: TypeId) -> bool {
        self.basic_is(id, |kind| {
            kind.is_integer() || kind.is_float() || kind.is_string()
        })
    }

    /// As the questions above, of every type in the type set of a type parameter. GO: go/types `allBasic`.
    pub(crate) fn all_basic(&self, id: TypeId, test: impl Fn(BasicKind) -> bool) -> bool {
        self.all_underlying(id, |under| self.basic_is(under, &test))
    }

    /// What `<` orders; of a type parameter, every type of its type set.
    pub(crate) fn all_ordered(&self, id: TypeId) -> bool {
        self.all_underlying(id, |under| self.is_ordered(under))
    }

    /// Numbers and strings: what `+` takes.
    #[must_use]
    pub fn is_numeric_or_string(&self, id: TypeId) -> bool {
        self.basic_is(id, |kind| kind.is_numeric() || kind.is_string())
    }

    /// What a constant may have for its type.
    #[must_use]
    pub fn is_constant_type(&self, id: TypeId) -> bool {
        self.basic_is(id, |kind| {
            !matches!(kind, BasicKind::Invalid | BasicKind::UntypedNil)
        })
    }

    /// One of the untyped kinds, nil included.
    #[inline]
    #[must_use]
    pub fn is_untyped(&self, id: TypeId) -> bool {
        matches!(self.get(id), Type::Basic(kind) if kind.is_untyped())
    }

    /// An untyped number.
    #[must_use]
    pub fn is_untyped_numeric(&self, id: TypeId) -> bool {
        matches!(self.get(id), Type::Basic(kind) if kind.is_untyped() && kind.is_numeric())
    }

    /// Anything but an untyped kind.
    #[inline]
    #[must_use]
    pub fn is_typed(&self, id: TypeId) -> bool {
        !self.is_untyped(id)
    }

    /// The type of what was wrong.
    #[inline]
    #[must_use]
    pub fn is_valid(&self, id: TypeId) -> bool {
        self.unalias(id) != TypeId::INVALID
    }

    /// An interface type, named or not.
    #[inline]
    #[must_use]
    pub fn is_interface(&self, id: TypeId) -> bool {
        matches!(self.underlying(id), Type::Interface(_))
    }

    /// An interface type that is no type parameter.
    #[must_use]
    pub fn is_proper_interface(&self, id: TypeId) -> bool {
        self.is_interface(id) && !self.is_type_parameter(id)
    }

    /// A type with a name: basic, defined, or a type parameter. GO: `hasName`.
    #[must_use]
    pub fn has_name(&self, id: TypeId) -> bool {
        matches!(
            self.get(self.unalias(id)),
            Type::Basic(_) | Type::Named(_) | Type::TypeParameter(_)
        )
    }

    /// A slice, string-like source aside, whose elements are bytes (an underlying `uint8`).
    #[must_use]
    pub fn is_bytes(&self, id: TypeId) -> bool {
        matches!(self.underlying(id), Type::Slice(element) if self.basic(*element) == Some(BasicKind::Uint8))
    }

    /// A slice of bytes or of runes: what a string converts to and from.
    #[must_use]
    pub fn is_bytes_or_runes(&self, id: TypeId) -> bool {
        matches!(self.underlying(id), Type::Slice(element)
            if matches!(self.basic(*element), Some(BasicKind::Uint8 | BasicKind::Int32)))
    }

    /// May `nil` be a value of it?
    #[must_use]
    pub fn has_nil(&self, id: TypeId) -> bool {
        match self.underlying(id) {
            Type::Pointer(_)
            | Type::Slice(_)
            | Type::Map { .. }
            | Type::Chan { .. }
            | Type::Signature(_) => true,
            Type::Interface(_) => {
                !self.is_type_parameter(id) || self.all_underlying(id, |under| self.has_nil(under))
            }
            Type::Basic(_)
            | Type::Array(..)
            | Type::Struct(_)
            | Type::Tuple(_)
            | Type::Named(_)
            | Type::TypeParameter(_)
            | Type::Union(_)
            | Type::Alias { .. } => false,
        }
    }

    /// May values of it be compared with `==`? SPEC: Comparison operators. An interface is, though it may panic.
    #[must_use]
    pub fn is_comparable(&self, id: TypeId) -> bool {
        self.incomparable_cause(id).is_none()
    }

    /// As `is_comparable`, of values for which `==` cannot panic: interfaces are not.
    #[must_use]
    pub fn is_strictly_comparable(&self, id: TypeId) -> bool {
        self.incomparable(id, false).is_none()
    }

    /// The component that makes a type incomparable; itself if it is a slice, map or function. `None` for a comparable type.
    #[must_use]
    pub fn incomparable_cause(&self, id: TypeId) -> Option<TypeId> {
        self.incomparable(id, true)
    }

    fn incomparable(&self, id: TypeId, dynamic: bool) -> Option<TypeId> {
        // A work list: the depth of types is the script's to choose. Each type is looked at once, for the sake of invalid
        // recursive ones and of those that contain another many times.
        let mut seen = FxHashSet::default();
        let mut work = vec![id];
        while let Some(id) = work.pop() {
            if !seen.insert(self.unalias(id)) {
                continue;
            }
            match self.underlying(id) {
                Type::Basic(BasicKind::UntypedNil)
                | Type::Slice(_)
                | Type::Map { .. }
                | Type::Union(_)
                | Type::Signature(_) => {
                    return Some(id);
                }
                Type::Array(element, _) => work.push(*element),
                Type::Struct(fields) => work.extend(fields.iter().rev().map(|field| field.typ)),
                Type::Interface(interface) => {
                    if dynamic && !self.is_type_parameter(id) {
                        continue;
                    }
                    let comparable = match &interface.terms {
                        None => interface.comparable,
                        Some(terms) => {
                            !terms.is_empty()
                                && terms.iter().all(|term| {
                                    seen.contains(&term.typ)
                                        || self.is_strictly_comparable(term.typ)
                                })
                        }
                    };
                    if !comparable {
                        return Some(id);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// The type that a value of an untyped kind gets when nothing else gives it one. SPEC: Constants.
    #[must_use]
    pub fn default_type(&self, id: TypeId) -> TypeId {
        match self.get(id) {
            Type::Basic(BasicKind::UntypedBool) => TypeId::BOOL,
            Type::Basic(BasicKind::UntypedInt) => TypeId::INT,
            Type::Basic(BasicKind::UntypedRune) => TypeId::RUNE,
            Type::Basic(BasicKind::UntypedFloat) => TypeId::FLOAT64,
            Type::Basic(BasicKind::UntypedComplex) => TypeId::COMPLEX128,
            Type::Basic(BasicKind::UntypedString) => TypeId::STRING,
            _ => id,
        }
    }
}
