//! The order in which package variables are initialised. SPEC: Package initialization. GO: go/types initorder.go.
//!
//! An object depends on those that its initial value or body mentions. A variable is ready when everything it depends on
//! through functions is; of the ready ones the first in the source comes next.

use std::collections::BTreeSet;
use std::collections::hash_map::Entry;

use diagnostics::Code;
use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use smallvec::smallvec;

use crate::checker::{Checker, Declared};
use crate::typed::{Initializer, ObjectKind};
use crate::types::{ObjectId, PackageId};

impl Checker<'_> {
    /// Computes the order for a package and reports cycles. Of a standard package only what is reached takes part.
    pub(crate) fn compute_init_order(&mut self, package: PackageId) {
        let standard = self.is_standard(package);
        let objects: Vec<ObjectId> = self.packages[package.index()]
            .objects
            .iter()
            .copied()
            .filter(|object| !standard || self.reachability.reached.contains(object))
            .collect();
        let order = match self.acyclic_order(package, &objects) {
            Some(order) => order,
            None => self.order_with_cycles(&objects),
        };
        let mut initializers: Vec<Initializer> = Vec::new();
        let mut emitted: FxHashSet<ObjectId> = FxHashSet::default();
        for object in order {
            let Some(declaration) = self.declaration_of[object.index()] else {
                continue;
            };
            let Declared::Variable {
                lhs,
                init: Some(init),
                ..
            } = &self.declarations[declaration.0 as usize].what
            else {
                continue;
            };
            let lhs = match lhs {
                Some(lhs) => lhs.iter().copied().collect(),
                None => smallvec![object],
            };
            if emitted.insert(lhs[0]) {
                initializers.push(Initializer { lhs, rhs: *init });
            }
        }
        self.program.packages[package.index()].init_order = initializers;
    }

    /// The constants and variables in the order of initialisation, in a time that grows with the number of dependencies; `None` if some
    /// depend on themselves.
    ///
    /// Functions that call each other are one node, which is done as soon as what they mention is.
    fn acyclic_order(&self, package: PackageId, objects: &[ObjectId]) -> Option<Vec<ObjectId>> {
        let dependencies: FxHashMap<ObjectId, Vec<ObjectId>> = {
            let mut all = FxHashMap::default();
            let mut work = objects.to_vec();
            while let Some(object) = work.pop() {
                if let Entry::Vacant(entry) = all.entry(object) {
                    // What other packages have is initialised, and mentions nothing of this one.
                    let mut list = self.dependencies(object);
                    list.retain(|other| self.object(*other).package == Some(package));
                    work.extend(&list);
                    entry.insert(list);
                }
            }
            all
        };
        let is_function = |object: &ObjectId| !self.is_value(*object);
        let groups = function_groups(&dependencies, is_function);
        let group = |object: ObjectId| groups.get(&object).copied().unwrap_or(object);
        // By node: the nodes that need it, and how many it still needs.
        let mut dependents: FxHashMap<ObjectId, Vec<ObjectId>> = FxHashMap::default();
        let mut open: FxHashMap<ObjectId, usize> = FxHashMap::default();
        for (object, list) in &dependencies {
            let node = group(*object);
            let count = open.entry(node).or_default();
            for other in list {
                let other = group(*other);
                if other != node || self.is_value(node) {
                    *count += 1;
                    dependents.entry(other).or_default().push(node);
                }
            }
        }
        let place: FxHashMap<ObjectId, usize> = objects
            .iter()
            .enumerate()
            .map(|(place, object)| (*object, place))
            .collect();
        // Constants first, then by place.
        let mut ready: BTreeSet<(bool, usize, ObjectId)> = BTreeSet::new();
        let mut done: Vec<ObjectId> = Vec::new();
        let settle = |node: ObjectId, ready: &mut BTreeSet<_>, done: &mut Vec<ObjectId>| match place
            .get(&node)
            .filter(|_| self.is_value(node))
        {
            Some(place) => {
                ready.insert((!self.is_constant(node), *place, node));
            }
            None => done.push(node),
        };
        for (node, count) in &open {
            if *count == 0 {
                settle(*node, &mut ready, &mut done);
            }
        }
        let mut order = Vec::new();
        let mut settled = 0;
        loop {
            let node = match done.pop() {
                Some(node) => node,
                None => match ready.pop_first() {
                    Some((_, _, node)) => {
                        order.push(node);
                        node
                    }
                    None => break,
                },
            };
            settled += 1;
            for dependent in dependents.remove(&node).unwrap_or_default() {
                if let Some(count) = open.get_mut(&dependent) {
                    *count -= 1;
                    if *count == 0 {
                        settle(dependent, &mut ready, &mut done);
                    }
                }
            }
        }
        (settled == open.len()).then_some(order)
    }

    /// The same where some depend on themselves, which is reported.
    fn order_with_cycles(&mut self, objects: &[ObjectId]) -> Vec<ObjectId> {
        let position: FxHashMap<ObjectId, usize> = objects
            .iter()
            .enumerate()
            .map(|(place, object)| (*object, place))
            .collect();
        // Variables and constants that each one depends on, through functions.
        let mut graph: IndexMap<usize, FxHashSet<usize>, FxBuildHasher> = IndexMap::default();
        for (place, object) in objects.iter().enumerate() {
            if !self.is_value(*object) {
                continue;
            }
            let mut reached = FxHashSet::default();
            let mut seen: FxHashSet<ObjectId> = FxHashSet::default();
            let mut work: Vec<ObjectId> = self.dependencies(*object);
            while let Some(other) = work.pop() {
                if self.is_value(other) {
                    if let Some(place) = position.get(&other) {
                        reached.insert(*place);
                    }
                } else if seen.insert(other) {
                    work.extend(self.dependencies(other));
                }
            }
            graph.insert(place, reached);
        }
        let mut dependents: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        let mut open: FxHashMap<usize, usize> = FxHashMap::default();
        // Constants first, then by how many are still needed, then by place.
        let mut queue: BTreeSet<(bool, usize, usize)> = BTreeSet::new();
        for (place, needs) in &graph {
            for need in needs {
                dependents.entry(*need).or_default().push(*place);
            }
            open.insert(*place, needs.len());
            queue.insert((!self.is_constant(objects[*place]), needs.len(), *place));
        }
        let mut order: Vec<ObjectId> = Vec::new();
        while let Some((_, needed, place)) = queue.pop_first() {
            let object = objects[place];
            if needed > 0 {
                self.report_initialization_cycle(object);
            }
            for dependent in dependents.remove(&place).unwrap_or_default() {
                let Some(count) = open.get_mut(&dependent) else {
                    continue;
                };
                let kind = !self.is_constant(objects[dependent]);
                if queue.remove(&(kind, *count, dependent)) {
                    *count -= 1;
                    queue.insert((kind, *count, dependent));
                }
            }
            order.push(object);
        }
        order
    }

    fn is_constant(&self, object: ObjectId) -> bool {
        matches!(self.object(object).kind, ObjectKind::Constant(_))
    }

    fn is_value(&self, object: ObjectId) -> bool {
        matches!(
            self.object(object).kind,
            ObjectKind::Constant(_) | ObjectKind::Variable(_)
        )
    }

    fn dependencies(&self, object: ObjectId) -> Vec<ObjectId> {
        match self.declaration_of[object.index()] {
            Some(id) => self.declarations[id.0 as usize]
                .dependencies
                .iter()
                .copied()
                .collect(),
            None => Vec::new(),
        }
    }

    fn report_initialization_cycle(&mut self, object: ObjectId) {
        let Some(cycle) = self.find_path(object) else {
            return;
        };
        let text = |checker: &Self, object: ObjectId| checker.text(checker.object(object).name);
        let range = self.object(object).range.unwrap_or_default();
        if cycle.len() == 1 {
            let message = format!(
                "initialization cycle: {} refers to itself",
                text(self, object)
            );
            self.report(Code::InitializationCycle, range, message);
            return;
        }
        let mut message = format!("initialization cycle for {}", text(self, object));
        let mut from = object;
        for next in cycle {
            let place = self.object(from).range.unwrap_or_default();
            message.push_str(&format!(
                "\n\t{}: {} refers to {}",
                self.sources.position(place),
                text(self, from),
                text(self, next)
            ));
            from = next;
        }
        self.report(Code::InitializationCycle, range, message);
    }

    /// A way of dependencies from an object back to itself: what comes after it, itself last.
    fn find_path(&self, object: ObjectId) -> Option<Vec<ObjectId>> {
        let mut seen: FxHashSet<ObjectId> = FxHashSet::default();
        let sorted = |from: ObjectId| {
            let mut list = self.dependencies(from);
            list.sort_by_key(|other| self.declaration_of[other.index()].map(|id| id.0));
            list.into_iter()
        };
        seen.insert(object);
        let mut path: Vec<ObjectId> = Vec::new();
        let mut stack = vec![sorted(object)];
        while let Some(top) = stack.last_mut() {
            match top.next() {
                None => {
                    stack.pop();
                    path.pop();
                }
                Some(next) if next == object => {
                    path.push(next);
                    return Some(path);
                }
                Some(next) if seen.insert(next) => {
                    path.push(next);
                    stack.push(sorted(next));
                }
                Some(_) => {}
            }
        }
        None
    }
}

/// Of functions that call each other: one that stands for all of them. Tarjan's algorithm, without recursion.
fn function_groups(
    dependencies: &FxHashMap<ObjectId, Vec<ObjectId>>,
    is_function: impl Fn(&ObjectId) -> bool,
) -> FxHashMap<ObjectId, ObjectId> {
    struct State {
        index: usize,
        low: usize,
        on_stack: bool,
    }
    let calls = |object: ObjectId| dependencies.get(&object).map_or(&[][..], Vec::as_slice);
    let mut states: FxHashMap<ObjectId, State> = FxHashMap::default();
    let mut groups = FxHashMap::default();
    let mut stack: Vec<ObjectId> = Vec::new();
    let enter = |object: ObjectId, states: &mut FxHashMap<ObjectId, State>| {
        let index = states.len();
        let state = State {
            index,
            low: index,
            on_stack: true,
        };
        states.insert(object, state);
    };
    for root in dependencies.keys().filter(|object| is_function(object)) {
        if states.contains_key(root) {
            continue;
        }
        enter(*root, &mut states);
        stack.push(*root);
        let mut path = vec![(*root, 0)];
        while let Some((object, next)) = path.last_mut() {
            let object = *object;
            let Some(callee) = calls(object).get(*next).copied() else {
                path.pop();
                let state = &states[&object];
                let (index, low) = (state.index, state.low);
                if let Some((caller, _)) = path.last()
                    && let Some(caller) = states.get_mut(caller)
                {
                    caller.low = caller.low.min(low);
                }
                if low == index {
                    while let Some(member) = stack.pop() {
                        if let Some(state) = states.get_mut(&member) {
                            state.on_stack = false;
                        }
                        groups.insert(member, object);
                        if member == object {
                            break;
                        }
                    }
                }
                continue;
            };
            *next += 1;
            if !is_function(&callee) {
                continue;
            }
            match states.get(&callee) {
                None => {
                    enter(callee, &mut states);
                    stack.push(callee);
                    path.push((callee, 0));
                }
                Some(other) if other.on_stack => {
                    let index = other.index;
                    if let Some(state) = states.get_mut(&object) {
                        state.low = state.low.min(index);
                    }
                }
                Some(_) => {}
            }
        }
    }
    groups
}
