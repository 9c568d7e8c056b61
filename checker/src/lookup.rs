//! Finding fields and methods, and whether a type has those an interface asks for. SPEC: Selectors, Method sets. GO: go/types lookup.go.

use parser::ast::{Interner, Symbol};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::typed::{ObjectKind, Selected, Selection, SelectionKind, TypedProgram};
use crate::types::{Field, InterfaceMethod, ObjectId, PackageId, Type, TypeId};

/// Field indices.
pub type Path = SmallVec<[u32; 4]>;

/// What a name stands for in a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A field: the last index of the path.
    Field {
        /// The field's type.
        typ: TypeId,
        /// Its name as declared.
        name: Symbol,
        /// The package, if the name is unexported.
        package: Option<PackageId>,
    },
    /// A declared method.
    Method {
        /// The method.
        object: ObjectId,
        /// The named type that has it: the one it is declared for, or an instance of that.
        owner: TypeId,
    },
    /// A method of an interface.
    InterfaceMethod {
        /// The interface.
        interface: TypeId,
        /// The index in its complete method set.
        index: u32,
    },
}

/// The result of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Exactly one.
    Found {
        /// What.
        found: Found,
        /// The way: for a field with its own index last, for a method the embedded fields only.
        path: Path,
        /// Is a pointer followed on the way?
        indirect: bool,
    },
    /// None.
    Missing,
    /// Several at the same depth.
    Ambiguous,
    /// A method that needs a pointer, which cannot be had.
    NeedsPointer,
}

/// How names are compared.
#[derive(Clone, Copy)]
pub(crate) enum NameMatch<'a> {
    Exact,
    /// Ignoring case and package, for messages that suggest another spelling.
    Folded(&'a Interner),
}

impl NameMatch<'_> {
    fn is_exact(self) -> bool {
        matches!(self, NameMatch::Exact)
    }

    fn same(
        self,
        name: Symbol,
        package: Option<PackageId>,
        other: Symbol,
        other_package: Option<PackageId>,
    ) -> bool {
        match self {
            NameMatch::Exact => {
                name == other && (other_package.is_none() || package == other_package)
            }
            NameMatch::Folded(names) => {
                name == other || {
                    let fold =
                        |symbol: Symbol| names.text(symbol).chars().flat_map(char::to_lowercase);
                    fold(name).eq(fold(other))
                }
            }
        }
    }
}

/// More members than this are found by their names.
const FEW_MEMBERS: usize = 12;

/// The fields of a struct, the methods of a named type, or those of an interface, by name.
#[derive(Debug)]
struct Members {
    by_name: FxHashMap<Symbol, SmallVec<[u32; 1]>>,
    /// Of a struct: the embedded fields.
    embedded: Box<[u32]>,
    count: usize,
}

/// The members of types that have many, made when the first is asked for.
#[derive(Debug, Default)]
pub(crate) struct MemberTable {
    tables: RefCell<FxHashMap<TypeId, Arc<Members>>>,
    /// Of types that embed many, by their own id and whether a pointer leads to them.
    promoted: RefCell<FxHashMap<(TypeId, bool), Arc<Promoted>>>,
}

/// A type and those that it embeds, at all depths, with the names of all their members.
#[derive(Debug)]
struct Promoted {
    types: Way,
    /// The types that have a member of the name, in their order.
    by_name: FxHashMap<Symbol, SmallVec<[u32; 1]>>,
}

/// More types than this embedded at one depth are searched by the names of their members.
const FEW_EMBEDDED: usize = 16;

impl MemberTable {
    /// The members of a type, by its own id; each is a name and whether it is embedded. What was made for fewer members is made anew.
    fn of(
        &self,
        typ: TypeId,
        count: usize,
        members: impl Iterator<Item = (Symbol, bool)>,
    ) -> Arc<Members> {
        if let Some(table) = self.tables.borrow().get(&typ)
            && table.count == count
        {
            return table.clone();
        }
        let mut by_name: FxHashMap<Symbol, SmallVec<[u32; 1]>> = FxHashMap::default();
        let mut embedded = Vec::new();
        for (index, (name, is_embedded)) in members.enumerate() {
            by_name.entry(name).or_default().push(index as u32);
            if is_embedded {
                embedded.push(index as u32);
            }
        }
        let table = Arc::new(Members {
            by_name,
            embedded: embedded.into(),
            count,
        });
        self.tables.borrow_mut().insert(typ, table.clone());
        table
    }

    fn promoted(&self, typ: TypeId, is_pointer: bool) -> Option<Arc<Promoted>> {
        let all = self.promoted.borrow();
        // There are hardly ever any.
        (!all.is_empty())
            .then(|| all.get(&(typ, is_pointer)).cloned())
            .flatten()
    }

    /// Types that were known get other methods.
    pub(crate) fn clear(&self) {
        self.tables.borrow_mut().clear();
        self.promoted.borrow_mut().clear();
    }
}

impl Members {
    fn named(&self, name: Symbol) -> &[u32] {
        self.by_name.get(&name).map_or(&[], SmallVec::as_slice)
    }
}

/// The type whose member is searched, and those that it embeds: breadth first.
type Way = SmallVec<[Embedded; 4]>;

/// A type that is searched.
#[derive(Debug)]
struct Embedded {
    typ: TypeId,
    /// The field that embeds it, and the place of the struct that has the field; a chain of many must not copy many paths.
    field: u32,
    parent: u32,
    depth: u32,
    indirect: bool,
    /// Does the type appear several times at this depth?
    multiples: bool,
}

impl Embedded {
    fn outermost(typ: TypeId, is_pointer: bool) -> Embedded {
        Embedded {
            typ,
            field: 0,
            parent: 0,
            depth: 0,
            indirect: is_pointer,
            multiples: false,
        }
    }
}

/// A member that was found.
struct Hit {
    found: Found,
    /// The place of the type that has it.
    place: usize,
    /// Of a field, its index there.
    field: Option<u32>,
}

impl Hit {
    fn path(&self, way: &[Embedded]) -> Path {
        let mut path: Path = self.field.into_iter().collect();
        let mut at = &way[self.place];
        while at.depth > 0 {
            path.push(at.field);
            at = &way[at.parent as usize];
        }
        path.reverse();
        path
    }
}

/// There are several of the name at one depth.
struct Ambiguous;

/// The named types that a search has met.
#[derive(Default)]
struct Seen {
    few: SmallVec<[TypeId; 8]>,
    many: FxHashSet<TypeId>,
}

impl Seen {
    /// Was it not there?
    fn insert(&mut self, typ: TypeId) -> bool {
        if self.few.contains(&typ) {
            return false;
        }
        if self.few.len() < 8 {
            self.few.push(typ);
            return true;
        }
        self.many.insert(typ)
    }
}

impl TypedProgram {
    /// Finds a field or method of a type by its name as seen from a package.
    ///
    /// `addressable` says whether methods with pointer receivers can be reached for a value of the type.
    #[must_use]
    pub fn lookup_field_or_method(
        &self,
        typ: TypeId,
        addressable: bool,
        package: Option<PackageId>,
        name: Symbol,
    ) -> Lookup {
        self.lookup(typ, addressable, package, name, NameMatch::Exact)
    }

    pub(crate) fn lookup(
        &self,
        typ: TypeId,
        addressable: bool,
        package: Option<PackageId>,
        name: Symbol,
        how: NameMatch<'_>,
    ) -> Lookup {
        // A named pointer type has no methods, though its fields can be selected.
        if self.types.named(typ).is_some() && self.types.as_pointer(typ).is_some() {
            let pointer = self.types.underlying_id(typ);
            return match self.lookup_in(pointer, false, package, name, how) {
                Lookup::Found {
                    found: Found::Method { .. } | Found::InterfaceMethod { .. },
                    ..
                } => Lookup::Missing,
                other => other,
            };
        }
        self.lookup_in(typ, addressable, package, name, how)
    }

    /// The base type of an unnamed pointer, and whether it was one.
    #[must_use]
    pub fn dereference(&self, typ: TypeId) -> (TypeId, bool) {
        match self.types.get(self.types.unalias(typ)) {
            Type::Pointer(base) => (*base, true),
            _ => (typ, false),
        }
    }

    pub(crate) fn lookup_in(
        &self,
        typ: TypeId,
        addressable: bool,
        package: Option<PackageId>,
        name: Symbol,
        how: NameMatch<'_>,
    ) -> Lookup {
        if name.is_blank() {
            return Lookup::Missing;
        }
        let (typ, is_pointer) = self.dereference(typ);
        if is_pointer && self.types.is_interface(typ) {
            return Lookup::Missing;
        }
        if how.is_exact()
            && let Some(promoted) = self.members.promoted(self.types.canonical(typ), is_pointer)
        {
            return self.lookup_promoted(&promoted, addressable, package, name);
        }
        let mut way = Way::new();
        way.push(Embedded::outermost(typ, is_pointer));
        let mut level = 0..1;
        let mut seen = Seen::default();
        while !level.is_empty() {
            if level.len() > FEW_EMBEDDED
                && how.is_exact()
                && let Some(promoted) = self.promoted(typ, is_pointer)
            {
                return self.lookup_promoted(&promoted, addressable, package, name);
            }
            let mut hit = None;
            for place in level.clone() {
                let typ = way[place].typ;
                if self.types.named(typ).is_some() && !seen.insert(self.types.canonical(typ)) {
                    continue;
                }
                let found = self.member(&way, place, package, name, how);
                match (found, &hit) {
                    (Err(Ambiguous), _) | (Ok(Some(_)), Some(_)) => return Lookup::Ambiguous,
                    (Ok(Some(found)), None) => hit = Some(found),
                    (Ok(None), None) => self.embed(place, &mut way),
                    (Ok(None), Some(_)) => {}
                }
            }
            if let Some(hit) = hit {
                return self.reachable(hit, &way, addressable);
            }
            self.consolidate(&mut way, level.end);
            level = level.end..way.len();
        }
        Lookup::Missing
    }

    /// What was found, unless it is a method that needs a pointer.
    fn reachable(&self, hit: Hit, way: &[Embedded], addressable: bool) -> Lookup {
        let indirect = way[hit.place].indirect;
        if let Found::Method { object, .. } = hit.found
            && self.has_pointer_receiver(object)
            && !indirect
            && !addressable
        {
            return Lookup::NeedsPointer;
        }
        Lookup::Found {
            path: hit.path(way),
            found: hit.found,
            indirect,
        }
    }

    /// The member of the name that the type itself has.
    fn member(
        &self,
        way: &[Embedded],
        place: usize,
        package: Option<PackageId>,
        name: Symbol,
        how: NameMatch<'_>,
    ) -> Result<Option<Hit>, Ambiguous> {
        let Embedded { typ, multiples, .. } = way[place];
        let unique = |found: Found, field: Option<u32>| match multiples {
            true => Err(Ambiguous),
            false => Ok(Some(Hit {
                found,
                place,
                field,
            })),
        };
        if self.types.named(typ).is_some()
            && let Some(object) = self.declared_method(typ, package, name, how)
        {
            let owner = self.types.unalias(typ);
            let found = Found::Method { object, owner };
            return unique(found, None);
        }
        match self.types.underlying(typ) {
            Type::Struct(fields) => {
                let same = |index: &usize| {
                    let field = &fields[*index];
                    how.same(name, package, field.name, field.package)
                };
                let (first, second) = if fields.len() > FEW_MEMBERS && how.is_exact() {
                    let table = self.fields_by_name(typ, fields);
                    let mut places = table.named(name).iter();
                    let mut next = || places.by_ref().map(|index| *index as usize).find(same);
                    (next(), next())
                } else {
                    let mut places = (0..fields.len()).filter(same);
                    (places.next(), places.next())
                };
                let Some(index) = first else {
                    return Ok(None);
                };
                if second.is_some() {
                    return Err(Ambiguous);
                }
                let field = &fields[index];
                let found = Found::Field {
                    typ: field.typ,
                    name: field.name,
                    package: field.package,
                };
                unique(found, Some(index as u32))
            }
            Type::Interface(interface) => {
                let same =
                    |method: &InterfaceMethod| how.same(name, package, method.name, method.package);
                let methods = &interface.methods;
                let method = if methods.len() > FEW_MEMBERS && how.is_exact() {
                    let table = self.methods_by_name(typ, methods);
                    let mut places = table.named(name).iter();
                    places
                        .find(|index| same(&methods[**index as usize]))
                        .map(|index| *index as usize)
                } else {
                    methods.iter().position(same)
                };
                let Some(index) = method else {
                    return Ok(None);
                };
                let found = Found::InterfaceMethod {
                    interface: self.types.underlying_id(typ),
                    index: index as u32,
                };
                unique(found, None)
            }
            _ => Ok(None),
        }
    }

    fn fields_by_name(&self, typ: TypeId, fields: &[Field]) -> Arc<Members> {
        let members = fields.iter().map(|field| (field.name, field.embedded));
        let id = self.types.underlying_id(typ);
        self.members.of(id, fields.len(), members)
    }

    fn methods_by_name(&self, typ: TypeId, methods: &[InterfaceMethod]) -> Arc<Members> {
        let members = methods.iter().map(|method| (method.name, false));
        let id = self.types.underlying_id(typ);
        self.members.of(id, methods.len(), members)
    }

    /// Adds the types that the type at the place itself embeds.
    fn embed(&self, place: usize, way: &mut Way) {
        let Embedded {
            typ,
            depth,
            indirect,
            multiples,
            ..
        } = way[place];
        let Type::Struct(fields) = self.types.underlying(typ) else {
            return;
        };
        let mut embed = |index: usize| {
            let (typ, is_pointer) = self.dereference(fields[index].typ);
            way.push(Embedded {
                typ,
                field: index as u32,
                parent: place as u32,
                depth: depth + 1,
                indirect: indirect || is_pointer,
                multiples,
            });
        };
        if fields.len() > FEW_MEMBERS {
            let table = self.fields_by_name(typ, fields);
            let places = table.embedded.iter();
            places.for_each(|index| embed(*index as usize));
        } else {
            (0..fields.len())
                .filter(|index| fields[*index].embedded)
                .for_each(embed);
        }
    }

    /// The types that a type embeds, with their members' names; `None` while one of them is being declared.
    fn promoted(&self, typ: TypeId, is_pointer: bool) -> Option<Arc<Promoted>> {
        let mut way = Way::new();
        let mut by_name: FxHashMap<Symbol, SmallVec<[u32; 1]>> = FxHashMap::default();
        way.push(Embedded::outermost(typ, is_pointer));
        let mut level = 0..1;
        let mut seen = Seen::default();
        while !level.is_empty() {
            for place in level.clone() {
                let typ = way[place].typ;
                if self.types.is_unfinished(typ) {
                    return None;
                }
                if self.types.named(typ).is_some() && !seen.insert(self.types.canonical(typ)) {
                    continue;
                }
                self.embed(place, &mut way);
                let place = place as u32;
                let mut note = |name: Symbol| {
                    let places = by_name.entry(name).or_default();
                    if places.last() != Some(&place) {
                        places.push(place);
                    }
                };
                let methods = self.types.methods(typ).iter();
                methods.for_each(|method| note(self.object(*method).name));
                match self.types.underlying(typ) {
                    Type::Struct(fields) => fields.iter().for_each(|field| note(field.name)),
                    Type::Interface(interface) => {
                        let methods = interface.methods.iter();
                        methods.for_each(|method| note(method.name));
                    }
                    _ => {}
                }
            }
            self.consolidate(&mut way, level.end);
            level = level.end..way.len();
        }
        let promoted = Arc::new(Promoted {
            types: way,
            by_name,
        });
        let mut all = self.members.promoted.borrow_mut();
        let canonical = self.types.canonical(typ);
        all.insert((canonical, is_pointer), promoted.clone());
        Some(promoted)
    }

    /// The same search as [`TypedProgram::lookup_in`], in the types only that have a member of the name.
    fn lookup_promoted(
        &self,
        promoted: &Promoted,
        addressable: bool,
        package: Option<PackageId>,
        name: Symbol,
    ) -> Lookup {
        let way = &promoted.types;
        let places = promoted.by_name.get(&name);
        let mut hit: Option<Hit> = None;
        for place in places.map_or(&[][..], SmallVec::as_slice) {
            let place = *place as usize;
            if let Some(hit) = &hit
                && way[hit.place].depth < way[place].depth
            {
                break;
            }
            match self.member(way, place, package, name, NameMatch::Exact) {
                Err(Ambiguous) => return Lookup::Ambiguous,
                Ok(Some(_)) if hit.is_some() => return Lookup::Ambiguous,
                Ok(Some(found)) => hit = Some(found),
                Ok(None) => {}
            }
        }
        match hit {
            Some(hit) => self.reachable(hit, way, addressable),
            None => Lookup::Missing,
        }
    }

    /// The method of the name that is declared for a named type.
    fn declared_method(
        &self,
        typ: TypeId,
        package: Option<PackageId>,
        name: Symbol,
        how: NameMatch<'_>,
    ) -> Option<ObjectId> {
        let methods = self.types.methods(typ);
        let same = |method: ObjectId| {
            let object = self.object(method);
            let other_package = if object.exported {
                None
            } else {
                object.package
            };
            how.same(name, package, object.name, other_package)
        };
        if methods.len() > FEW_MEMBERS && how.is_exact() {
            let members = methods
                .iter()
                .map(|method| (self.object(*method).name, false));
            let table = self
                .members
                .of(self.types.origin(typ), methods.len(), members);
            let places = table.named(name).iter();
            return places
                .map(|index| methods[*index as usize])
                .find(|method| same(*method));
        }
        methods.iter().copied().find(|method| same(*method))
    }

    /// Keeps one of each type from the place on, marking those that came several times.
    fn consolidate(&self, way: &mut Way, from: usize) {
        if way.len() - from <= 1 {
            return;
        }
        let mut places: FxHashMap<TypeId, usize> = FxHashMap::default();
        let mut kept = from;
        for at in from..way.len() {
            match places.entry(self.types.canonical(way[at].typ)) {
                Entry::Occupied(first) => way[*first.get()].multiples = true,
                Entry::Vacant(place) => {
                    place.insert(kept);
                    way.swap(kept, at);
                    kept += 1;
                }
            }
        }
        way.truncate(kept);
    }

    /// Has the method a pointer receiver?
    #[must_use]
    pub fn has_pointer_receiver(&self, method: ObjectId) -> bool {
        matches!(
            self.object(method).kind,
            ObjectKind::Function {
                pointer_receiver: true,
                ..
            }
        )
    }

    /// The type of what was found: of a method its signature.
    #[must_use]
    pub fn found_type(&self, found: &Found) -> TypeId {
        match *found {
            Found::Field { typ, .. } => typ,
            Found::Method { object, owner } => self.method_signature(object, owner),
            Found::InterfaceMethod { interface, index } => match self.types.as_interface(interface)
            {
                Some(interface) => interface.methods[index as usize].signature,
                None => TypeId::INVALID,
            },
        }
    }

    /// The signature of a method of a named type, without receiver; of an instance with its type arguments.
    #[must_use]
    pub fn method_signature(&self, method: ObjectId, owner: TypeId) -> TypeId {
        let object = self.object(method);
        let arguments = self.types.type_arguments(owner);
        let function = object.function().map(|function| self.function(function));
        match function {
            Some(function) if !arguments.is_empty() => {
                let parameters = &function.receiver_parameters;
                if parameters.len() == arguments.len() {
                    self.types.substitute(object.typ, parameters, arguments)
                } else {
                    TypeId::INVALID
                }
            }
            _ => object.typ,
        }
    }

    /// The first method of the interface `target` that `typ` lacks, by its index in the interface; `None` if it has all.
    ///
    /// With `typ` an interface and `fully` false (for assertions) only those are missing that it has with another type.
    #[must_use]
    pub fn missing_method(&self, typ: TypeId, target: TypeId, fully: bool) -> Option<u32> {
        let interface = self.types.as_interface(target)?;
        let own = self.types.as_interface(typ);
        let own_by_name = own
            .filter(|own| own.methods.len() > FEW_MEMBERS)
            .map(|own| self.methods_by_name(typ, &own.methods));
        for (index, method) in interface.methods.iter().enumerate() {
            let missing = match own {
                Some(own) => {
                    let same = |other: &&InterfaceMethod| {
                        other.name == method.name && other.package == method.package
                    };
                    let found = match &own_by_name {
                        Some(table) => {
                            let places = table.named(method.name).iter();
                            let methods = places.map(|index| &own.methods[*index as usize]);
                            methods.into_iter().find(same)
                        }
                        None => own.methods.iter().find(same),
                    };
                    match found {
                        Some(other) => !self.types.identical(other.signature, method.signature),
                        None => fully,
                    }
                }
                None => {
                    match self.lookup_in(typ, false, method.package, method.name, NameMatch::Exact)
                    {
                        Lookup::Found {
                            found: Found::Field { .. },
                            ..
                        } => true,
                        Lookup::Found { found, .. } => !self
                            .types
                            .identical(self.found_type(&found), method.signature),
                        _ => true,
                    }
                }
            };
            if missing {
                return Some(index as u32);
            }
        }
        None
    }

    /// Has `typ` all methods of the interface type `target`? (`comparable` is left aside: no value has it for its type.)
    #[must_use]
    pub fn implements(&self, typ: TypeId, target: TypeId) -> bool {
        self.types.is_interface(target) && self.missing_method(typ, target, true).is_none()
    }

    /// All methods of a type that is no interface, promoted ones included, each with the way to it; sorted by name as interface
    /// methods are. Give `*T` to have those with pointer receivers too.
    ///
    /// SPEC: Method sets.
    #[must_use]
    pub fn method_set(&self, typ: TypeId, names: &Interner) -> Vec<MethodSetEntry> {
        let mut candidates: Vec<(Symbol, Option<PackageId>)> = Vec::new();
        let mut seen: FxHashSet<TypeId> = FxHashSet::default();
        let (base, is_pointer) = self.dereference(typ);
        if is_pointer && (self.types.is_interface(base) || self.types.as_pointer(base).is_some()) {
            return Vec::new();
        }
        let mut work = vec![base];
        while let Some(typ) = work.pop() {
            let typ = self.types.canonical(typ);
            if !seen.insert(typ) {
                continue;
            }
            for method in self.types.methods(typ) {
                let object = self.object(*method);
                candidates.push((
                    object.name,
                    if object.exported {
                        None
                    } else {
                        object.package
                    },
                ));
            }
            match self.types.underlying(typ) {
                Type::Struct(fields) => {
                    work.extend(
                        fields
                            .iter()
                            .filter(|field| field.embedded)
                            .map(|f| self.dereference(f.typ).0),
                    );
                }
                Type::Interface(interface) => {
                    candidates.extend(
                        interface
                            .methods
                            .iter()
                            .map(|method| (method.name, method.package)),
                    );
                }
                _ => {}
            }
        }
        candidates.sort_by(|a, b| self.compare_method_names(names, *a, *b));
        candidates.dedup();
        if seen.len() > FEW_EMBEDDED {
            self.promoted(base, is_pointer);
        }
        let mut entries = Vec::new();
        for (name, package) in candidates {
            let Lookup::Found {
                found,
                path,
                indirect,
            } = self.lookup_field_or_method(typ, false, package, name)
            else {
                continue;
            };
            let signature = self.found_type(&found);
            let mut owner = TypeId::INVALID;
            let selected = match found {
                Found::Field { .. } => continue,
                Found::Method {
                    object,
                    owner: named,
                } => {
                    owner = self.types.canonical(named);
                    Selected::Method(object)
                }
                Found::InterfaceMethod { interface, index } => {
                    Selected::InterfaceMethod { interface, index }
                }
            };
            let signature = self.types.canonical(signature);
            let selection = Selection {
                kind: SelectionKind::MethodValue,
                receiver: self.types.canonical(typ),
                path,
                indirect,
                selected,
                owner,
                typ: signature,
            };
            entries.push(MethodSetEntry {
                name,
                package,
                signature,
                selection,
            });
        }
        entries
    }

    /// The order of methods in interfaces: by name, then by package path.
    pub(crate) fn compare_method_names(
        &self,
        names: &Interner,
        a: (Symbol, Option<PackageId>),
        b: (Symbol, Option<PackageId>),
    ) -> std::cmp::Ordering {
        let path =
            |package: Option<PackageId>| package.map_or("", |package| &self.package(package).path);
        names
            .text(a.0)
            .cmp(names.text(b.0))
            .then_with(|| path(a.1).cmp(path(b.1)))
    }
}

/// A method of a method set.
#[derive(Clone, Debug)]
pub struct MethodSetEntry {
    /// Its name.
    pub name: Symbol,
    /// The package of an unexported name.
    pub package: Option<PackageId>,
    /// Its type, without receiver; canonical.
    pub signature: TypeId,
    /// How it is reached from a value of the type.
    pub selection: Selection,
}
