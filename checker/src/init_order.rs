//! The order in which package variables are initialised. SPEC: Package initialization. GO: go/types initorder.go.
//!
//! An object depends on those that its initial value or body mentions. A variable is ready when everything it depends on
//! through functions is; of the ready ones the first in the source comes next.

use std::collections::BTreeSet;

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
        let mut order: Vec<Initializer> = Vec::new();
        let mut emitted: FxHashSet<ObjectId> = FxHashSet::default();
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
                order.push(Initializer { lhs, rhs: *init });
            }
        }
        self.program.packages[package.index()].init_order = order;
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
