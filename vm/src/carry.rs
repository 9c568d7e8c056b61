//! Package variables of one machine become those of another, whose program is a changed version of the first's.
//!
//! 1. *Pairs.* A variable is carried if the new program has one of that name and its type *agrees*: the same name and package, made of the same
//!    things in the same order, all the way down. Then values lie in memory alike, and each old type has one new type.
//! 2. *Areas.* What the variables reach is gone through, with the old program's world stopped, and each piece of memory that a pointer, slice, string or
//!    interface leads to is noted with its type. Pieces that overlap are one area: so slices of one array, and pointers into one struct, stay such.
//! 3. *Memory.* Each area gets memory of the new heap, each map and channel a new one. Now every old address has a new one.
//! 4. *Contents* are written, references by the new addresses, maps entry by entry, since hashes of addresses differ.
//! 5. The variables themselves are written last: until then nobody sees anything, and an error leaves the new machine as it was.
//!
//! Memory that was only reachable through the capacity of a slice is carried, too. What cannot be carried makes its variables, and only these, keep
//! the values that the new program has given them: values of types that have changed, function literals, and what stands for something outside
//! the heap ([`BOUND`]). Functions that were declared are found by their names. Mutexes, condition variables and wait groups are carried unlocked, since the
//! goroutines that would unlock them are not. A goroutine that waits to send to a channel is not there any more, what is in the buffer is.
//!
//! Pointers to what variables of standard packages refer to, and to package variables, lead to the new program's own: `err == io.EOF` holds
//! afterwards if it held before.
//!
//! Everything is a work list: graphs are as deep as a script makes them.
//!
//! *(Rejected: linking the new code into the running machine, as `golite repl` does: goroutines would go on in old code, beside new code that
//! believes other things of the same variables.)*

use std::sync::{Arc, Mutex, PoisonError};

use bytecode::TypeKind;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::embedded::Embedded;
use crate::engine::{Machine, Transfer};
use crate::heap::{OutOfMemory, Shape, zero_sized};
use crate::image::Image;
use crate::moves;
use crate::native::{GoPanic, NativeContext};
use crate::objects::channel::{self, Elements};
use crate::objects::map;
use crate::types::{Access, RuntimeType};
use crate::visit::NotVisited;

/// A variable of both programs that has the value which the new one has given it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotCarried {
    /// `main.counter`.
    pub variable: String,
    /// Why.
    pub reason: String,
}

/// Types whose values stand for something outside the heap that is not carried.
const BOUND: &[(&str, &str)] = &[
    ("golite/task", "Group"),
    ("internal/poll", "FD"),
    ("os", "File"),
    ("os", "Process"),
    ("os", "Root"),
    ("runtime", "Func"),
    ("time", "Ticker"),
    ("time", "Timer"),
    ("unique", "Handle"),
    ("weak", "Pointer"),
];

/// Types that are carried as their zero values: who would change them back is not carried.
const RESET: &[(&str, &str)] = &[
    ("sync", "Mutex"),
    ("sync", "RWMutex"),
    ("sync", "WaitGroup"),
    ("sync", "pooled"),
];

impl Embedded {
    /// Gives this program's package variables the values that those of `old` have, where types agree. Only variables of packages that `wanted` accepts.
    /// Answers which of them are not carried. This program must have been initialised.
    ///
    /// # Errors
    /// There is no memory, or one of the programs has ended; neither has changed then. [`NotVisited::Inside`]: this thread runs a goroutine of one.
    pub fn carry_from(
        &self,
        old: &Embedded,
        wanted: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<Vec<NotCarried>, NotVisited> {
        if old.is_inside() || self.is_inside() {
            return Err(NotVisited::Inside);
        }
        let machine = Arc::clone(old.machine());
        // Open while the old world is stopped.
        let gate = Arc::new(Mutex::new(true));
        let own = Arc::clone(&gate);
        let job = move |context: &mut NativeContext<'_>| {
            let open = own.lock().unwrap_or_else(PoisonError::into_inner);
            if !*open {
                return Err(GoPanic::text("the old program goes on"));
            }
            carry(context, &machine, &wanted)
        };
        let answer = old.stopped(|| {
            let answer = self.visit(job);
            *gate.lock().unwrap_or_else(PoisonError::into_inner) = false;
            answer
        });
        answer.unwrap_or(Err(NotVisited::Over))
    }
}

/// A piece of memory: of one type many times over, or bytes of strings.
struct Area<'a> {
    start: u64,
    end: u64,
    /// The old type; `None`: bytes.
    ty: Option<&'a RuntimeType>,
    /// Its new memory, once it has some.
    new: u64,
}

/// What a variable reaches, or all of them.
#[derive(Default)]
struct Reached<'a> {
    /// Places that were gone through: address, bytes and type.
    seen: FxHashSet<(u64, u64, u64)>,
    areas: Vec<Area<'a>>,
    maps: Vec<(u64, &'a RuntimeType)>,
    channels: Vec<(u64, &'a RuntimeType)>,
}

/// A package variable that both programs have: its types and places, the old program's first.
struct Variable<'a> {
    name: &'a str,
    types: (&'a RuntimeType, &'a RuntimeType),
    places: (u64, u64),
}

struct Carrier<'a> {
    old: &'a Machine,
    new: &'a Machine,
    /// New types of old ones, by type words.
    pairs: FxHashMap<u64, &'a RuntimeType>,
    /// Types that have no partner.
    strangers: FxHashSet<u64>,
    /// The new program's types, by name and package.
    named: FxHashMap<(&'a str, &'a str), Vec<&'a RuntimeType>>,
    /// The new program's functions, by name, those left out of which there are several.
    functions: FxHashMap<&'a str, Option<usize>>,
    /// The new program's package variables, by name.
    globals: FxHashMap<&'a str, &'a bytecode::Global>,
    /// What variables of standard packages refer to: address, bytes, the new address.
    fixed: Vec<(u64, u64, u64)>,
    /// The new ones of old maps, channels, closures.
    objects: FxHashMap<u64, u64>,
    areas: Vec<Area<'a>>,
    /// Which types are carried as their bytes, by type words.
    plain: FxHashMap<u64, bool>,
}

/// Values in memory that are to be gone through: their type, the place of the first, how many there are one after the other.
type Work<'a> = Vec<(&'a RuntimeType, u64, u64)>;

/// Takes one value of the list.
fn next<'a>(work: &mut Work<'a>) -> Option<(&'a RuntimeType, u64)> {
    let (ty, place, count) = work.pop()?;
    if count > 1 {
        work.push((ty, place + u64::from(ty.size), count - 1));
    }
    Some((ty, place))
}

fn carry(
    context: &mut NativeContext<'_>,
    old: &Machine,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<NotCarried>, GoPanic> {
    let mut carrier = Carrier::new(old, context.machine);
    carrier.fix_standard_variables(wanted);
    let mut not_carried = Vec::new();
    let mut reached = Reached::default();
    let mut variables = Vec::new();
    for variable in carrier.variables(wanted) {
        let Variable {
            types: (ty, new_type),
            places: (from, to),
            ..
        } = variable;
        let mut own = Reached::default();
        let outcome = if carrier.agree(ty, new_type) {
            carrier.reach(ty, from, &reached, &mut own)
        } else if ty.name() == new_type.name() {
            Err(format!("type {} has changed", ty.name()))
        } else {
            Err(format!(
                "it was of type {}, and is of type {}",
                ty.name(),
                new_type.name()
            ))
        };
        match outcome {
            Ok(()) => {
                reached.seen.extend(own.seen);
                reached.areas.extend(own.areas);
                reached.maps.extend(own.maps);
                reached.channels.extend(own.channels);
                variables.push((ty, from, to));
            }
            Err(reason) => not_carried.push(NotCarried {
                variable: variable.name.to_owned(),
                reason,
            }),
        }
    }
    carrier.areas = merged(reached.areas);
    carrier.make(context, &reached.maps, &reached.channels)?;
    for index in 0..carrier.areas.len() {
        let Area {
            start,
            end,
            ty,
            new,
        } = carrier.areas[index];
        match ty {
            // SAFETY: memory of the old program, whose world is stopped, and as much of the new one's.
            None => unsafe { moves::copy(new, start, (end - start) as usize) },
            Some(ty) => {
                for at in (start..end).step_by(ty.size.max(1) as usize) {
                    carrier.write(ty, at, new + (at - start));
                }
            }
        }
    }
    carrier.fill_maps(context, &reached.maps)?;
    carrier.fill_channels(context, &reached.channels);
    for (ty, from, to) in variables {
        carrier.write(ty, from, to);
    }
    Ok(not_carried)
}

/// The areas in order of their addresses, those that overlap as one.
fn merged(mut areas: Vec<Area<'_>>) -> Vec<Area<'_>> {
    areas.sort_by_key(|area| (area.start, std::cmp::Reverse(area.end)));
    let mut merged: Vec<Area<'_>> = Vec::new();
    for area in areas {
        match merged.last_mut() {
            // One lies in the other, or both are runs of the same elements.
            Some(last) if area.start < last.end => last.end = last.end.max(area.end),
            _ => merged.push(area),
        }
    }
    merged
}

fn is_one_of(list: &[(&str, &str)], ty: &RuntimeType) -> bool {
    let descriptor = &ty.descriptor;
    !descriptor.package.is_empty()
        && list
            .iter()
            .any(|(package, name)| *package == descriptor.package && *name == descriptor.own_name)
}

/// Whether a value of the type is carried as its bytes: nothing in it refers to anything, or is one of the types that are not what they seem.
fn is_plain(ty: &RuntimeType) -> bool {
    if !ty.descriptor.pattern.is_empty() {
        return false;
    }
    let mut work = vec![ty];
    while let Some(ty) = work.pop() {
        if is_one_of(BOUND, ty) || is_one_of(RESET, ty) {
            return false;
        }
        match ty.kind() {
            TypeKind::Struct { .. } => {
                work.extend((0..ty.fields.len()).map(|index| ty.field(index).0));
            }
            TypeKind::Array { .. } => work.push(ty.element()),
            _ => {}
        }
    }
    true
}

impl<'a> Carrier<'a> {
    fn new(old: &'a Machine, new: &'a Machine) -> Carrier<'a> {
        let image: &'a Image = &new.image;
        let mut named: FxHashMap<_, Vec<_>> = FxHashMap::default();
        for ty in image.types.all() {
            let key = (ty.name(), ty.descriptor.package.as_str());
            named.entry(key).or_default().push(ty);
        }
        let mut functions = FxHashMap::default();
        for (index, linked) in image.functions.iter().enumerate() {
            let entry = functions.entry(linked.function.name.as_str());
            entry
                .and_modify(|known| *known = None)
                .or_insert(Some(index));
        }
        let globals = image.variables.iter();
        Carrier {
            old,
            new,
            pairs: FxHashMap::default(),
            strangers: FxHashSet::default(),
            named,
            functions,
            globals: globals
                .map(|global| (global.name.as_str(), global))
                .collect(),
            fixed: Vec::new(),
            objects: FxHashMap::default(),
            areas: Vec::new(),
            plain: FxHashMap::default(),
        }
    }

    fn is_plain(&mut self, ty: &RuntimeType) -> bool {
        *self.plain.entry(ty.word()).or_insert_with(|| is_plain(ty))
    }

    /// The old type of a type word.
    fn old_type(&self, word: u64) -> Option<&'a RuntimeType> {
        // SAFETY: a type word of the old machine, which owns its types.
        unsafe { RuntimeType::from_word(word) }
    }

    // ---- types ----

    /// Whether a type of the old program and one of the new are made alike; then they are a pair from now on.
    fn agree(&mut self, old: &'a RuntimeType, new: &'a RuntimeType) -> bool {
        let mut assumed: FxHashMap<u64, &'a RuntimeType> = FxHashMap::default();
        let mut work = vec![(old, new)];
        while let Some((old, new)) = work.pop() {
            let known = self
                .pairs
                .get(&old.word())
                .or_else(|| assumed.get(&old.word()));
            if let Some(known) = known {
                if known.word() != new.word() {
                    return false;
                }
                continue;
            }
            if !self.look_alike(old, new) {
                return false;
            }
            assumed.insert(old.word(), new);
            match old.kind() {
                TypeKind::Pointer { .. }
                | TypeKind::Slice { .. }
                | TypeKind::Array { .. }
                | TypeKind::Channel { .. } => work.push((old.element(), new.element())),
                TypeKind::Map { .. } => {
                    work.push((old.key(), new.key()));
                    work.push((old.element(), new.element()));
                }
                TypeKind::Struct { .. } => {
                    let fields = 0..old.fields.len();
                    work.extend(fields.map(|index| (old.field(index).0, new.field(index).0)));
                }
                _ => {}
            }
            if let (
                TypeKind::Function {
                    parameters: p,
                    results: r,
                    ..
                },
                TypeKind::Function {
                    parameters: q,
                    results: s,
                    ..
                },
            ) = (old.kind(), new.kind())
            {
                let types = p.iter().zip(q).chain(r.iter().zip(s));
                work.extend(types.map(|(a, b)| (self.old.image.ty(*a), self.new.image.ty(*b))));
            }
        }
        self.pairs.extend(assumed);
        true
    }

    /// Whether two types are alike, apart from the types that they are made of.
    fn look_alike(&self, old: &RuntimeType, new: &RuntimeType) -> bool {
        let same = old.name() == new.name()
            && old.descriptor.package == new.descriptor.package
            && old.size == new.size
            && old.slots == new.slots
            && old.boxed == new.boxed
            && old.descriptor.pattern == new.descriptor.pattern;
        same && match (old.kind(), new.kind()) {
            (TypeKind::Struct { fields: a }, TypeKind::Struct { fields: b }) => {
                a.len() == b.len()
                    && a.iter().zip(b).all(|(a, b)| {
                        a.name == b.name && a.offset == b.offset && a.embedded == b.embedded
                    })
            }
            (TypeKind::Array { length: a, .. }, TypeKind::Array { length: b, .. }) => a == b,
            (TypeKind::Channel { direction: a, .. }, TypeKind::Channel { direction: b, .. }) => {
                a == b
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
            ) => p.len() == q.len() && r.len() == s.len() && v == w,
            (TypeKind::Interface { methods: a }, TypeKind::Interface { methods: b }) => {
                let signature = |machine: &Machine, method: &bytecode::InterfaceMethod| {
                    let selector = machine.image.selectors().get(method.selector as usize);
                    selector.map(|selector| selector.signature.clone())
                };
                a.len() == b.len()
                    && a.iter().zip(b).all(|(a, b)| {
                        a.name == b.name && signature(self.old, a) == signature(self.new, b)
                    })
            }
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }

    /// The new type of a value that an interface holds.
    fn new_type(&mut self, old: &'a RuntimeType) -> Option<&'a RuntimeType> {
        if let Some(new) = self.pairs.get(&old.word()) {
            return Some(new);
        }
        if self.strangers.contains(&old.word()) {
            return None;
        }
        let key = (old.name(), old.descriptor.package.as_str());
        let candidates = self.named.get(&key).cloned().unwrap_or_default();
        // Types of functions' bodies may have one name: then nobody knows which is meant.
        if let [new] = candidates[..]
            && self.agree(old, new)
        {
            return Some(new);
        }
        self.strangers.insert(old.word());
        None
    }

    // ---- what is reached ----

    /// The variables of the packages that are wanted, of those that both programs have.
    fn variables(&self, wanted: &dyn Fn(&str) -> bool) -> Vec<Variable<'a>> {
        let (old, new) = (&self.old.image, &self.new.image);
        let both = old.variables.iter().filter_map(|global| {
            let package = global.name.rsplit_once('.');
            let is_wanted = wanted(package.map_or("", |(package, _)| package));
            let partner = self
                .globals
                .get(global.name.as_str())
                .filter(|_| is_wanted)?;
            Some(Variable {
                name: &global.name,
                types: (old.ty(global.ty), new.ty(partner.ty)),
                places: (
                    old.globals.start() + u64::from(global.offset),
                    new.globals.start() + u64::from(partner.offset),
                ),
            })
        });
        both.collect()
    }

    /// What variables of packages that are not carried refer to is the new program's own.
    fn fix_standard_variables(&mut self, wanted: &dyn Fn(&str) -> bool) {
        for variable in self.variables(&|package| !wanted(package)) {
            let Variable {
                types: (ty, new_type),
                places: (from, to),
                ..
            } = variable;
            if !self.agree(ty, new_type) {
                continue;
            }
            // SAFETY: places of the variables' types.
            unsafe {
                match ty.access {
                    Access::Ref => {
                        let (from, to) = (moves::load_reference(from), moves::load_reference(to));
                        self.fix(ty, from, to);
                    }
                    Access::Interface => {
                        let (word, data) = moves::load128(from);
                        let (new_word, new_data) = moves::load128(to);
                        let Some(held) = self.old_type(word) else {
                            continue;
                        };
                        if held.access == Access::Ref
                            && self
                                .new_type(held)
                                .is_some_and(|new| new.word() == new_word)
                        {
                            self.fix(held, data, new_data);
                        }
                    }
                    _ => {}
                }
            }
        }
        self.fixed.sort_unstable();
    }

    fn fix(&mut self, ty: &RuntimeType, from: u64, to: u64) {
        if from == 0 || to == 0 {
            return;
        }
        match ty.kind() {
            TypeKind::Pointer { .. } => {
                let bytes = u64::from(ty.element().size.max(1));
                self.fixed.push((from, bytes, to));
            }
            TypeKind::Map { .. } | TypeKind::Channel { .. } => {
                self.objects.insert(from, to);
            }
            _ => {}
        }
    }

    /// The new address of what is not carried but there anyway.
    fn known_address(&mut self, address: u64) -> Option<Result<u64, String>> {
        let at = self.fixed.partition_point(|(start, ..)| *start <= address);
        if let Some((start, bytes, new)) = at.checked_sub(1).map(|at| self.fixed[at])
            && address - start < bytes
        {
            return Some(Ok(new + (address - start)));
        }
        if address == zero_sized().get() {
            return Some(Ok(address));
        }
        let (old, new) = (self.old, self.new);
        let offset = address.wrapping_sub(old.image.globals.start());
        if offset >= old.image.globals.size() as u64 {
            return None;
        }
        // Package variables, in the order of their offsets.
        let variables = &old.image.variables;
        let at = variables.partition_point(|global| u64::from(global.offset) <= offset);
        let global = &variables[at.checked_sub(1)?];
        let partner = self.globals.get(global.name.as_str()).copied();
        Some(match partner {
            Some(partner) if self.agree(old.image.ty(global.ty), new.image.ty(partner.ty)) => {
                let start = new.image.globals.start() + u64::from(partner.offset);
                Ok(start + (offset - u64::from(global.offset)))
            }
            _ => Err(format!("it has a pointer to {}", global.name)),
        })
    }

    /// Notes what a value in memory leads to, directly and indirectly.
    fn reach(
        &mut self,
        ty: &'a RuntimeType,
        place: u64,
        before: &Reached<'a>,
        own: &mut Reached<'a>,
    ) -> Result<(), String> {
        let mut work: Work<'a> = vec![(ty, place, 1)];
        while let Some((ty, place)) = next(&mut work) {
            if is_one_of(BOUND, ty) {
                return Err(format!("it has a {}", ty.name()));
            }
            if self.is_plain(ty) || is_one_of(RESET, ty) {
                continue;
            }
            match ty.kind() {
                TypeKind::Struct { .. } => {
                    let fields = 0..ty.fields.len();
                    work.extend(fields.map(|index| {
                        let (field, layout) = ty.field(index);
                        (field, place + u64::from(layout.offset), 1)
                    }));
                }
                TypeKind::Array { length: 0, .. } => {}
                TypeKind::Array { length, .. } => {
                    work.push((ty.element(), place, *length));
                }
                _ => {
                    let words = leaf_words(ty, place);
                    self.reach_leaf(ty, words, before, own, &mut work)?;
                }
            }
        }
        Ok(())
    }

    /// As [`Carrier::reach`], of a value in registers.
    fn reach_slots(
        &mut self,
        ty: &'a RuntimeType,
        slots: &[u64],
        before: &Reached<'a>,
        own: &mut Reached<'a>,
        work: &mut Work<'a>,
    ) -> Result<(), String> {
        for (leaf, slot) in leaves_in_slots(ty) {
            if is_one_of(BOUND, leaf) {
                return Err(format!("it has a {}", leaf.name()));
            }
            if leaf.boxed {
                self.reach_memory(
                    Some(leaf),
                    slots[slot],
                    u64::from(leaf.size),
                    before,
                    own,
                    work,
                )?;
                continue;
            }
            let words = [slots[slot], slots.get(slot + 1).copied().unwrap_or(0)];
            self.reach_leaf(leaf, words, before, own, work)?;
        }
        Ok(())
    }

    /// What a pointer, string, slice, interface, map, channel or func leads to.
    fn reach_leaf(
        &mut self,
        ty: &'a RuntimeType,
        [low, high]: [u64; 2],
        before: &Reached<'a>,
        own: &mut Reached<'a>,
        work: &mut Work<'a>,
    ) -> Result<(), String> {
        if low == 0 || is_plain_leaf(ty) {
            return Ok(());
        }
        match ty.kind() {
            TypeKind::String => self.reach_memory(None, low, high, before, own, work),
            TypeKind::Pointer { .. } => {
                let target = ty.element();
                if is_one_of(&[("reflect", "rtype")], target) {
                    return match self.old_type(low).and_then(|held| self.new_type(held)) {
                        Some(_) => Ok(()),
                        None => {
                            Err("it has a reflect.Type that the program does not have".to_owned())
                        }
                    };
                }
                self.reach_memory(Some(target), low, u64::from(target.size), before, own, work)
            }
            TypeKind::Slice { .. } => {
                let element = ty.element();
                let bytes = (high >> 32) * u64::from(element.size);
                self.reach_memory(Some(element), low, bytes, before, own, work)
            }
            TypeKind::Interface { .. } => {
                let held = self.old_type(low).ok_or("it has a value without type")?;
                let Some(new) = self.new_type(held) else {
                    return Err(format!(
                        "it has a value of type {}, which has changed",
                        held.name()
                    ));
                };
                let Some(interface) = self.pairs.get(&ty.word()).copied() else {
                    return Err(format!("type {} has changed", ty.name()));
                };
                if !new.implements(interface) {
                    return Err(format!("{} does not implement {}", new.name(), ty.name()));
                }
                if is_one_of(BOUND, held) {
                    return Err(format!("it has a {}", held.name()));
                }
                match held.slots {
                    0 => Ok(()),
                    1 => self.reach_slots(held, &[high], before, own, work),
                    _ => {
                        self.reach_memory(Some(held), high, u64::from(held.size), before, own, work)
                    }
                }
            }
            TypeKind::Map { .. } => {
                if self.objects.contains_key(&low) || !is_new(low, 0, ty.word(), before, own) {
                    return Ok(());
                }
                own.maps.push((low, ty));
                let (key, value) = (ty.key(), ty.element());
                for (at, value_at) in self.entries(ty, low)? {
                    if !self.is_plain(key) {
                        work.push((key, at, 1));
                    }
                    if !self.is_plain(value) {
                        work.push((value, value_at, 1));
                    }
                }
                Ok(())
            }
            TypeKind::Channel { .. } => {
                if self.objects.contains_key(&low) || !is_new(low, 0, 0, before, own) {
                    return Ok(());
                }
                own.channels.push((low, ty));
                let element = ty.element();
                for transfer in buffered(low, element) {
                    self.reach_slots(element, &transfer.slots, before, own, work)?;
                }
                Ok(())
            }
            TypeKind::Function { .. } => match self.new_function(low) {
                Some(new) => {
                    self.objects.insert(low, new);
                    Ok(())
                }
                None => Err(match self.name_of_closure(low) {
                    Some(name) => format!("it has the function {name}"),
                    None => "it has a function".to_owned(),
                }),
            },
            _ => Ok(()),
        }
    }

    /// Notes memory that something leads to.
    fn reach_memory(
        &mut self,
        ty: Option<&'a RuntimeType>,
        start: u64,
        bytes: u64,
        before: &Reached<'a>,
        own: &mut Reached<'a>,
        work: &mut Work<'a>,
    ) -> Result<(), String> {
        if let Some(known) = self.known_address(start) {
            return known.map(|_| ());
        }
        let word = ty.map_or(0, RuntimeType::word);
        if bytes == 0 || !is_new(start, bytes, word, before, own) {
            return Ok(());
        }
        own.areas.push(Area {
            start,
            end: start + bytes,
            ty,
            new: 0,
        });
        if let Some(ty) = ty {
            if is_one_of(BOUND, ty) {
                return Err(format!("it has a {}", ty.name()));
            }
            if !self.is_plain(ty) {
                work.push((ty, start, bytes / u64::from(ty.size.max(1))));
            }
        }
        Ok(())
    }

    /// Places of the keys and values of an old map.
    fn entries(&self, ty: &RuntimeType, map: u64) -> Result<Vec<(u64, u64)>, String> {
        let Some(layout) = &ty.map else {
            return Ok(Vec::new());
        };
        let mut entries = Vec::new();
        // SAFETY: a map of this type, in a stopped world.
        let walked =
            unsafe { map::for_each(map, layout, &mut |key, value| entries.push((key, value))) };
        match walked {
            Ok(()) => Ok(entries),
            Err(_) => Err("it has a map that is being written".to_owned()),
        }
    }

    fn name_of_closure(&self, closure: u64) -> Option<&'a str> {
        let image: &'a Image = &self.old.image;
        // SAFETY: a closure of the old program: its first word is the address of its code.
        let code = unsafe { moves::load64(closure) };
        image.function_name(code)
    }

    /// The new closure of a function that was declared, and is still there with the same parameters.
    fn new_function(&self, closure: u64) -> Option<u64> {
        let (old, new) = (&self.old.image, &self.new.image);
        let first = old.closures.as_ptr() as u64;
        let index = closure.checked_sub(first)? / 8;
        if index >= old.closures.len() as u64 {
            return None;
        }
        let function = &old.functions[index as usize].function;
        // Literals have numbers, which stand for other texts in another version.
        let own_name = function.name.rsplit('/').next().unwrap_or_default();
        let own_name = own_name.split_once('.').map_or("", |(_, name)| name);
        let is_literal = own_name.contains(".func") || own_name.contains("..");
        if is_literal || own_name.contains('-') {
            return None;
        }
        let index = (*self.functions.get(function.name.as_str())?)?;
        let partner = &new.functions[index].function;
        (partner.parameters == function.parameters)
            .then(|| std::ptr::from_ref(&new.closures[index]) as u64)
    }

    // ---- what is made ----

    fn make(
        &mut self,
        context: &mut NativeContext<'_>,
        maps: &[(u64, &'a RuntimeType)],
        channels: &[(u64, &'a RuntimeType)],
    ) -> Result<(), GoPanic> {
        let mut areas = std::mem::take(&mut self.areas);
        for area in &mut areas {
            let bytes = area.end - area.start;
            let made = match area.ty {
                None => context.cache.allocate_bytes(Shape::SCALAR, bytes as usize),
                Some(ty) => {
                    let new = self.partner(ty)?;
                    let size = u64::from(new.size.max(1));
                    match bytes == size {
                        true => context.cache.allocate(new.site()),
                        false => {
                            let count = bytes.div_ceil(size);
                            context.cache.allocate_array(new.heap_shape(), count, size)
                        }
                    }
                }
            };
            area.new = made.map_err(refused)?.get();
        }
        self.areas = areas;
        for (old, ty) in maps {
            let new = self.partner(ty)?;
            let Some(layout) = &new.map else { continue };
            // SAFETY: a map of the old program.
            let count = unsafe { map::len(*old) };
            let made = map::make(context.cache, layout, count);
            self.objects
                .insert(*old, made.map_err(|_| refused(OutOfMemory))?);
        }
        for (old, ty) in channels {
            let element = self.partner(ty.element())?;
            // SAFETY: a channel of the old program.
            let capacity = unsafe { channel::object(*old) }.channel.capacity() as i64;
            let made = channel::make(context.cache, self.new.channel_site, element, capacity);
            self.objects
                .insert(*old, made.map_err(|_| refused(OutOfMemory))?);
        }
        Ok(())
    }

    /// The new type of a type that is known to have one.
    fn partner(&mut self, old: &'a RuntimeType) -> Result<&'a RuntimeType, GoPanic> {
        let new = self.new_type(old);
        new.ok_or_else(|| GoPanic::text(format!("type {} has changed", old.name())))
    }

    // ---- what is written ----

    /// Writes the new value of an old one. Every reference in it has a new address.
    fn write(&mut self, ty: &'a RuntimeType, from: u64, to: u64) {
        let mut work = vec![(ty, from, to, 1)];
        while let Some((ty, from, to, count)) = work.pop() {
            if count > 1 {
                let size = u64::from(ty.size);
                work.push((ty, from + size, to + size, count - 1));
            }
            if is_one_of(RESET, ty) {
                continue;
            }
            if self.is_plain(ty) {
                // SAFETY: places of the type in both programs.
                unsafe { moves::copy(to, from, ty.size as usize) };
                continue;
            }
            match ty.kind() {
                TypeKind::Struct { .. } => {
                    let fields = 0..ty.fields.len();
                    work.extend(fields.map(|index| {
                        let (field, layout) = ty.field(index);
                        let offset = u64::from(layout.offset);
                        (field, from + offset, to + offset, 1)
                    }));
                }
                TypeKind::Array { length: 0, .. } => {}
                TypeKind::Array { length, .. } => {
                    work.push((ty.element(), from, to, *length));
                }
                _ => {
                    let [low, high] = self.translated(ty, leaf_words(ty, from));
                    // SAFETY: a place of the type in the new program.
                    unsafe {
                        match ty.access {
                            Access::Ref => moves::store_reference(to, low),
                            _ => moves::store128(to, low, high),
                        }
                    }
                }
            }
        }
    }

    /// The new words of a value that refers to something.
    fn translated(&mut self, ty: &'a RuntimeType, [low, high]: [u64; 2]) -> [u64; 2] {
        match ty.kind() {
            TypeKind::String => match high {
                0 => [0, 0],
                _ => [self.address(low), high],
            },
            TypeKind::Pointer { .. } => {
                let target = ty.element();
                if low != 0 && is_one_of(&[("reflect", "rtype")], target) {
                    let held = self.old_type(low).and_then(|held| self.new_type(held));
                    return [held.map_or(0, RuntimeType::word), 0];
                }
                match target.size {
                    0 if low != 0 => [self.place_without_size(low), 0],
                    _ => [self.address(low), 0],
                }
            }
            TypeKind::Slice { .. } => match (high >> 32) * u64::from(ty.element().size) {
                0 if low != 0 => [self.place_without_size(low), high],
                _ => [self.address(low), high],
            },
            TypeKind::Interface { .. } => {
                let Some(held) = self.old_type(low) else {
                    return [0, 0];
                };
                let word = self.new_type(held).map_or(0, RuntimeType::word);
                let data = match held.slots {
                    0 => 0,
                    1 => {
                        let mut slots = [high];
                        self.translate_slots(held, &mut slots);
                        slots[0]
                    }
                    _ => self.address(high),
                };
                [word, data]
            }
            TypeKind::Map { .. } | TypeKind::Channel { .. } | TypeKind::Function { .. } => {
                [self.objects.get(&low).copied().unwrap_or(0), 0]
            }
            _ => [low, high],
        }
    }

    fn translate_slots(&mut self, ty: &'a RuntimeType, slots: &mut [u64]) {
        for (leaf, slot) in leaves_in_slots(ty) {
            if leaf.boxed {
                slots[slot] = self.address(slots[slot]);
            } else if !is_plain_leaf(leaf) {
                let words = [slots[slot], slots.get(slot + 1).copied().unwrap_or(0)];
                let [low, high] = self.translated(leaf, words);
                slots[slot] = low;
                if leaf.slots > 1 {
                    slots[slot + 1] = high;
                }
            }
        }
    }

    fn place_without_size(&mut self, address: u64) -> u64 {
        match self.known_address(address) {
            Some(Ok(known)) => known,
            _ => zero_sized().get(),
        }
    }

    /// The new address of memory that was reached.
    fn address(&mut self, address: u64) -> u64 {
        if address == 0 {
            return 0;
        }
        if let Some(Ok(known)) = self.known_address(address) {
            return known;
        }
        let at = self.areas.partition_point(|area| area.start <= address);
        match at.checked_sub(1).map(|at| &self.areas[at]) {
            Some(area) if address < area.end => area.new + (address - area.start),
            _ => 0,
        }
    }

    fn fill_maps(
        &mut self,
        context: &mut NativeContext<'_>,
        maps: &[(u64, &'a RuntimeType)],
    ) -> Result<(), GoPanic> {
        for (old, ty) in maps {
            let new_type = self.partner(ty)?;
            let (Some(layout), Some(&new)) = (&new_type.map, self.objects.get(old)) else {
                continue;
            };
            let (key, value) = (ty.key(), ty.element());
            let words = (layout.key_size as usize).div_ceil(16).max(1);
            let mut room = vec![0u128; words];
            for (at, value_at) in self.entries(ty, *old).map_err(GoPanic::text)? {
                room.fill(0);
                let place = room.as_mut_ptr() as u64;
                // SAFETY: the room is as large and as aligned as a key in a slot, and nobody else's; the place that `assign` gives is one of a
                // value, which is written before anything else happens.
                unsafe {
                    if layout.kind == map::KeyKind::Word {
                        // A register's value, whatever its type's width.
                        let mut slots = [moves::load64(at)];
                        self.translate_slots(key, &mut slots);
                        moves::store64(place, slots[0]);
                    } else {
                        self.write(key, at, place);
                    }
                    let to = map::assign(context.cache, new, layout, place)
                        .map_err(|_| refused(OutOfMemory))?;
                    self.write(value, value_at, to);
                }
            }
        }
        Ok(())
    }

    fn fill_channels(
        &mut self,
        context: &mut NativeContext<'_>,
        channels: &[(u64, &'a RuntimeType)],
    ) {
        for (old, ty) in channels {
            let (Some(&new), element) = (self.objects.get(old), ty.element()) else {
                continue;
            };
            let Some(new_element) = self.new_type(element) else {
                continue;
            };
            // SAFETY: channels of both programs.
            let (old_object, object) = unsafe { (channel::object(*old), channel::object(new)) };
            let elements = Elements::of(object, new_element);
            for mut transfer in buffered(*old, element) {
                transfer.ty = new_element;
                self.translate_slots(element, &mut transfer.slots);
                // It has the capacity of the old one.
                let _ = object.channel.try_send(context.slice, transfer, &elements);
            }
            if old_object.channel.is_closed() {
                let _ = object.channel.close(context.slice);
            }
        }
    }
}

/// Whether a place was not gone through before, from now on it was.
fn is_new(start: u64, bytes: u64, word: u64, before: &Reached<'_>, own: &mut Reached<'_>) -> bool {
    let key = (start, bytes, word);
    !before.seen.contains(&key) && own.seen.insert(key)
}

/// The words of a value of one or two words in memory.
fn leaf_words(ty: &RuntimeType, place: u64) -> [u64; 2] {
    // SAFETY: a place of the type, of a program whose world is stopped.
    unsafe {
        match ty.access {
            Access::Ref => [moves::load_reference(place), 0],
            Access::Pair | Access::Interface => {
                let (low, high) = moves::load128(place);
                [low, high]
            }
            _ => [0, 0],
        }
    }
}

/// Whether a value that is no struct and no array refers to nothing.
fn is_plain_leaf(ty: &RuntimeType) -> bool {
    !matches!(ty.access, Access::Ref | Access::Pair | Access::Interface)
}

/// The values that a value in registers is made of, with their first slots: no structs but boxed ones.
fn leaves_in_slots(ty: &RuntimeType) -> Vec<(&RuntimeType, usize)> {
    let mut leaves = Vec::new();
    let mut work = vec![(ty, 0)];
    while let Some((ty, slot)) = work.pop() {
        match ty.kind() {
            TypeKind::Struct { .. } if !ty.boxed => {
                let fields = (0..ty.fields.len()).map(|index| ty.field(index));
                work.extend(fields.map(|(field, at)| (field, slot + at.slot as usize)));
            }
            _ if ty.slots > 0 => leaves.push((ty, slot)),
            _ => {}
        }
    }
    leaves
}

/// What waits in the buffer of a channel of a stopped world, the oldest first.
fn buffered(channel: u64, element: &RuntimeType) -> Vec<Transfer> {
    // SAFETY: a channel of that world.
    let object = unsafe { channel::object(channel) };
    let elements = Elements::of(object, element);
    object.channel.buffered(&elements)
}

fn refused(_: OutOfMemory) -> GoPanic {
    GoPanic::OutOfMemory
}
