//! Type parameters, instances of generic types, and substitution. GO: go/types typeparam.go, subst.go, named.go.
//!
//! A type parameter is an entry of its own in the table of types, one for each declaration; a method's receiver declares its own ones. An
//! *instance* of a generic type is a named type with an origin and arguments, interned: same origin and identical arguments give the same
//! canonical id. Its underlying type is made by substitution when it is first asked for, its methods are those of its origin, with
//! signatures substituted by `TypedProgram::found_type`.
//!
//! A type declared inside a generic function depends on that function's type parameters without naming them. Those are its *ambient* type
//! parameters; substituting them gives an instance of it as if it were generic in them.
//!
//! # For the compiler
//! A generic body is checked once, and its recorded types mention type parameters. To compile it for one list of type arguments, pair the
//! type parameters of the function (`Function::receiver_parameters`, then `Function::type_parameters`) with them and ask
//! [`Types::substitute`] for every type read. All of this works through a shared reference.

use rustc_hash::FxHashMap;

use crate::checker::with_stack;
use crate::types::{
    Field, Interface, InterfaceMethod, Named, ObjectId, Param, Signature, Term, Type, TypeId,
    Types, WrittenInterface,
};

impl Types {
    pub(crate) fn mentions_parameters(&self, typ: &Type) -> bool {
        let is = |id: &TypeId| self.is_parameterized(*id);
        match typ {
            Type::Basic(_) => false,
            Type::TypeParameter(_) => true,
            Type::Named(index) => {
                let named = self.named_at(*index);
                !named.ambient.is_empty() || named.arguments.iter().any(is)
            }
            Type::Pointer(base) => is(base),
            Type::Slice(element) | Type::Array(element, _) | Type::Chan { element, .. } => {
                is(element)
            }
            Type::Map { key, element } => is(key) || is(element),
            Type::Struct(fields) => fields.iter().any(|field| is(&field.typ)),
            Type::Signature(signature) => {
                let mut all = signature.params.iter().chain(&signature.results);
                !signature.type_parameters.is_empty() || all.any(|param| is(&param.typ))
            }
            Type::Interface(interface) => {
                let written = interface.written.as_ref();
                interface.methods.iter().any(|m| is(&m.signature))
                    || interface.terms.iter().flatten().any(|term| is(&term.typ))
                    || written.is_some_and(|written| written.embedded.iter().any(is))
            }
            Type::Union(terms) => terms.iter().any(|term| is(&term.typ)),
            Type::Tuple(types) => types.iter().any(is),
            Type::Alias {
                actual, arguments, ..
            } => is(actual) || arguments.iter().any(is),
        }
    }

    /// Is it a type parameter?
    #[inline]
    #[must_use]
    pub fn is_type_parameter(&self, id: TypeId) -> bool {
        matches!(self.get(self.unalias(id)), Type::TypeParameter(_))
    }

    /// A generic type that has not been instantiated.
    #[must_use]
    pub fn is_generic(&self, id: TypeId) -> bool {
        match self.get(id) {
            Type::Alias {
                object: Some(object),
                arguments,
                ..
            } => match self.alias_parameters.get(object) {
                Some(_) => arguments.is_empty(),
                // Of the aliases in between none is generic: it would have been refused.
                None => self.is_generic(self.unalias(id)),
            },
            Type::Named(index) => {
                let named = self.named_at(*index);
                named.origin.is_none() && !named.parameters.is_empty()
            }
            _ => false,
        }
    }

    /// The type parameters that a generic type, or the origin of an instance, declares.
    #[must_use]
    pub fn type_parameters(&self, id: TypeId) -> &[TypeId] {
        match self.named(id) {
            Some(Named {
                origin: Some(origin),
                ..
            }) => self.type_parameters(*origin),
            Some(named) => &named.parameters,
            None => &[],
        }
    }

    /// The type arguments of an instance, ambient ones first; none for other types.
    #[must_use]
    pub fn type_arguments(&self, id: TypeId) -> &[TypeId] {
        self.named(id).map_or(&[], |named| &named.arguments)
    }

    /// The generic type that an instance is one of; of other types, they themselves.
    #[must_use]
    pub fn origin(&self, id: TypeId) -> TypeId {
        let id = self.unalias(id);
        self.named(id).and_then(|named| named.origin).unwrap_or(id)
    }

    /// The methods declared for a named type or, of an instance, for its origin.
    #[must_use]
    pub fn methods(&self, id: TypeId) -> &[ObjectId] {
        self.named(self.origin(id))
            .map_or(&[], |named| &named.methods)
    }

    /// The constraint of a type parameter as written; `None` while it is not known, and for other types.
    #[must_use]
    pub fn constraint(&self, id: TypeId) -> Option<TypeId> {
        self.type_parameter(id)?.constraint.get()
    }

    pub(crate) fn set_constraint(&self, id: TypeId, constraint: TypeId) {
        if let Some(parameter) = self.type_parameter(id) {
            parameter.constraint.set(Some(constraint));
        }
    }

    /// The interface that a type parameter's constraint is or stands for.
    pub(crate) fn constraint_interface(&self, id: TypeId) -> TypeId {
        let Some(constraint) = self.constraint(id) else {
            return TypeId::EMPTY_INTERFACE;
        };
        if self.is_type_parameter(constraint) {
            // Refused where it was declared.
            return TypeId::EMPTY_INTERFACE;
        }
        match self.underlying(constraint) {
            Type::Basic(crate::types::BasicKind::Invalid) => TypeId::EMPTY_INTERFACE,
            Type::Interface(_) => self.underlying_id(constraint),
            _ => self.implicit_interface(constraint, None),
        }
    }

    /// The interface that a constraint `T` or `~A | B` stands for.
    pub(crate) fn implicit_interface(
        &self,
        embedded: TypeId,
        terms: Option<Box<[Term]>>,
    ) -> TypeId {
        let single = || {
            Box::from([Term {
                tilde: false,
                typ: embedded,
            }])
        };
        self.interface(Interface {
            methods: Box::default(),
            written: Some(Box::new(WrittenInterface {
                methods: Box::default(),
                embedded: Box::new([embedded]),
                implicit: true,
            })),
            terms: Some(terms.unwrap_or_else(single)),
            comparable: false,
        })
    }

    /// The instance of a generic type with these type arguments. Their number and whether they satisfy the constraints is not looked at.
    pub fn instance(&self, origin: TypeId, arguments: &[TypeId]) -> TypeId {
        let origin = self.origin(origin);
        let key = (origin, Box::from(arguments));
        if let Some(id) = self.instances.borrow().get(&key) {
            return *id;
        }
        let Some(named) = self.named(origin) else {
            return TypeId::INVALID;
        };
        let is_canonical = |id: &TypeId| self.canonical(*id) == *id;
        let canonical = (!arguments.iter().all(is_canonical)).then(|| {
            let arguments: Vec<TypeId> = arguments.iter().map(|id| self.canonical(*id)).collect();
            self.instance(origin, &arguments)
        });
        let instance = Named {
            object: named.object,
            unfinished: false,
            methods: Vec::new(),
            parameters: Box::default(),
            ambient: Box::default(),
            origin: Some(origin),
            arguments: arguments.into(),
        };
        let id = self.add_named(instance, canonical);
        self.instances.borrow_mut().insert(key, id);
        id
    }

    /// The underlying type of an instance; `INVALID` while that of its origin is not known, and if the numbers of type parameters and
    /// arguments differ.
    pub(crate) fn expand(&self, id: TypeId) -> TypeId {
        let Some(named) = self.named(id) else {
            return TypeId::INVALID;
        };
        let Some(origin) = named.origin else {
            return TypeId::INVALID;
        };
        let underlying = self.underlying_id(origin);
        let formal = self.formal_parameters(origin);
        if formal.len() != named.arguments.len() || self.expanding.borrow().contains(&id) {
            return TypeId::INVALID;
        }
        self.expanding.borrow_mut().push(id);
        let expanded = with_stack(|| self.substitute(underlying, &formal, &named.arguments));
        self.expanding.borrow_mut().pop();
        self.underlying_id(expanded)
    }

    /// What the arguments of an instance of this type stand for: ambient, then declared type parameters.
    #[must_use]
    pub fn formal_parameters(&self, origin: TypeId) -> Vec<TypeId> {
        self.named(origin).map_or_else(Vec::new, |named| {
            named
                .ambient
                .iter()
                .chain(&named.parameters)
                .copied()
                .collect()
        })
    }

    /// The type with every type parameter of the first list replaced by the type of the second at its place.
    ///
    /// # Panics
    /// If the lists differ in length.
    pub fn substitute(&self, typ: TypeId, parameters: &[TypeId], arguments: &[TypeId]) -> TypeId {
        assert_eq!(
            parameters.len(),
            arguments.len(),
            "one argument for each parameter"
        );
        if parameters.is_empty() || !self.is_parameterized(typ) {
            return typ;
        }
        let mut substitution = Substitution {
            types: self,
            parameters,
            arguments,
            done: FxHashMap::default(),
        };
        substitution.typ(typ)
    }
}

struct Substitution<'a> {
    types: &'a Types,
    parameters: &'a [TypeId],
    arguments: &'a [TypeId],
    /// Composite types met before: one may contain another many times.
    done: FxHashMap<TypeId, TypeId>,
}

impl Substitution<'_> {
    fn typ(&mut self, id: TypeId) -> TypeId {
        let types = self.types;
        if !types.is_parameterized(id) {
            return id;
        }
        if let Type::TypeParameter(_) = types.get(id) {
            let place = self.parameters.iter().position(|other| *other == id);
            return place.map_or(id, |place| self.arguments[place]);
        }
        if let Some(done) = self.done.get(&id) {
            return *done;
        }
        let new = with_stack(|| self.composite(id));
        self.done.insert(id, new);
        new
    }

    fn list(&mut self, list: &[TypeId]) -> Vec<TypeId> {
        list.iter().map(|id| self.typ(*id)).collect()
    }

    fn params(&mut self, list: &[Param]) -> Box<[Param]> {
        list.iter()
            .map(|param| Param {
                typ: self.typ(param.typ),
                ..*param
            })
            .collect()
    }

    fn terms(&mut self, list: &[Term]) -> Box<[Term]> {
        list.iter()
            .map(|term| Term {
                typ: self.typ(term.typ),
                ..*term
            })
            .collect()
    }

    fn methods(&mut self, list: &[InterfaceMethod]) -> Box<[InterfaceMethod]> {
        list.iter()
            .map(|method| InterfaceMethod {
                signature: self.typ(method.signature),
                ..*method
            })
            .collect()
    }

    fn composite(&mut self, id: TypeId) -> TypeId {
        let types = self.types;
        match types.get(id) {
            Type::Basic(_) | Type::TypeParameter(_) => id,
            Type::Named(index) => {
                let named = types.named_at(*index);
                let (origin, old) = match named.origin {
                    Some(origin) => (origin, &named.arguments),
                    None => (id, &named.ambient),
                };
                let new = self.list(old);
                let formal = types.formal_parameters(origin);
                if named.origin.is_some() && !formal.is_empty() && formal.len() != new.len() {
                    // Reported where it is written.
                    TypeId::INVALID
                } else if *new == **old {
                    id
                } else {
                    types.instance(origin, &new)
                }
            }
            Type::Pointer(base) => types.pointer(self.typ(*base)),
            Type::Slice(element) => types.slice(self.typ(*element)),
            Type::Array(element, length) => types.intern(Type::Array(self.typ(*element), *length)),
            Type::Map { key, element } => types.intern(Type::Map {
                key: self.typ(*key),
                element: self.typ(*element),
            }),
            Type::Chan { direction, element } => types.intern(Type::Chan {
                direction: *direction,
                element: self.typ(*element),
            }),
            Type::Struct(fields) => {
                let fields = fields
                    .iter()
                    .map(|field| Field {
                        typ: self.typ(field.typ),
                        ..field.clone()
                    })
                    .collect();
                types.intern(Type::Struct(fields))
            }
            Type::Signature(signature) => {
                let renamed = self.fresh_parameters(&signature.type_parameters);
                let signature = match renamed {
                    Some((parameters, arguments, fresh)) => {
                        let mut inner = Substitution {
                            types,
                            parameters: &parameters,
                            arguments: &arguments,
                            done: FxHashMap::default(),
                        };
                        for (old, new) in signature.type_parameters.iter().zip(&fresh) {
                            if let Some(constraint) = types.constraint(*old) {
                                let constraint = inner.typ(constraint);
                                types.set_constraint(*new, constraint);
                            }
                        }
                        Signature {
                            type_parameters: fresh.into(),
                            params: inner.params(&signature.params),
                            results: inner.params(&signature.results),
                            variadic: signature.variadic,
                        }
                    }
                    None => Signature {
                        type_parameters: signature.type_parameters.clone(),
                        params: self.params(&signature.params),
                        results: self.params(&signature.results),
                        variadic: signature.variadic,
                    },
                };
                types.intern(Type::Signature(Box::new(signature)))
            }
            Type::Interface(interface) => {
                let methods = self.methods(&interface.methods);
                let written = interface.written.as_ref().map(|written| {
                    Box::new(WrittenInterface {
                        methods: self.methods(&written.methods),
                        embedded: self.list(&written.embedded).into(),
                        implicit: written.implicit,
                    })
                });
                let terms = interface.terms.as_ref().map(|terms| {
                    let terms = self.terms(terms);
                    types.normal_terms(&terms)
                });
                types.interface(Interface {
                    methods,
                    written,
                    terms,
                    comparable: interface.comparable,
                })
            }
            Type::Union(terms) => {
                let terms = self.terms(terms);
                types.intern(Type::Union(terms))
            }
            Type::Tuple(list) => {
                let list = self.list(list);
                types.intern(Type::Tuple(list.into()))
            }
            Type::Alias {
                object,
                actual,
                arguments,
            } => {
                let actual = self.typ(*actual);
                let arguments = self.list(arguments).into();
                types.intern(Type::Alias {
                    object: *object,
                    actual,
                    arguments,
                })
            }
        }
    }

    /// A generic method of an instance has type parameters of its own, whose constraints may mention those of the receiver: new ones. `None` if
    /// there are none, or they are the ones to be replaced.
    fn fresh_parameters(&self, list: &[TypeId]) -> Option<(Vec<TypeId>, Vec<TypeId>, Vec<TypeId>)> {
        let first = list.first()?;
        if self.parameters.contains(first) {
            return None;
        }
        let fresh: Vec<TypeId> = list
            .iter()
            .filter_map(|id| self.types.type_parameter(*id))
            .map(|parameter| {
                self.types
                    .new_type_parameter(parameter.object, parameter.index)
            })
            .collect();
        let parameters = self.parameters.iter().chain(list).copied().collect();
        let arguments = self.arguments.iter().chain(&fresh).copied().collect();
        Some((parameters, arguments, fresh))
    }
}
