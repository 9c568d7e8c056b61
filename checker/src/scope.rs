//! Scopes: names to objects, and what encloses what. GO: go/types scope.go.

use parser::ast::Symbol;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::types::ObjectId;

/// An index into [`Scopes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ScopeId(u32);

/// Beyond this a scope gets a map; most are much smaller, and a short list is searched faster.
const SMALL: usize = 8;

#[derive(Default)]
struct Scope {
    parent: Option<ScopeId>,
    small: SmallVec<[(Symbol, ObjectId); 4]>,
    large: Option<FxHashMap<Symbol, ObjectId>>,
}

/// All scopes.
#[derive(Default)]
pub(crate) struct Scopes {
    scopes: Vec<Scope>,
}

impl Scopes {
    pub(crate) fn open(&mut self, parent: Option<ScopeId>) -> ScopeId {
        let id = ScopeId(self.scopes.len() as u32);
        self.scopes.push(Scope {
            parent,
            ..Scope::default()
        });
        id
    }

    /// Puts a scope into another one.
    pub(crate) fn set_parent(&mut self, scope: ScopeId, parent: ScopeId) {
        self.scopes[scope.0 as usize].parent = Some(parent);
    }

    pub(crate) fn parent(&self, scope: ScopeId) -> Option<ScopeId> {
        self.scopes[scope.0 as usize].parent
    }

    /// The object with the name in this very scope.
    pub(crate) fn lookup(&self, scope: ScopeId, name: Symbol) -> Option<ObjectId> {
        let scope = &self.scopes[scope.0 as usize];
        match &scope.large {
            Some(map) => map.get(&name).copied(),
            None => scope
                .small
                .iter()
                .find(|(other, _)| *other == name)
                .map(|(_, object)| *object),
        }
    }

    /// The object with the name in this scope or the nearest one around it.
    pub(crate) fn lookup_parent(&self, scope: ScopeId, name: Symbol) -> Option<ObjectId> {
        let mut next = Some(scope);
        while let Some(scope) = next {
            if let Some(object) = self.lookup(scope, name) {
                return Some(object);
            }
            next = self.parent(scope);
        }
        None
    }

    /// Adds an object; if the name is taken, returns whose it is and adds nothing.
    pub(crate) fn insert(
        &mut self,
        scope: ScopeId,
        name: Symbol,
        object: ObjectId,
    ) -> Option<ObjectId> {
        if let Some(other) = self.lookup(scope, name) {
            return Some(other);
        }
        let scope = &mut self.scopes[scope.0 as usize];
        match &mut scope.large {
            Some(map) => {
                map.insert(name, object);
            }
            None => {
                scope.small.push((name, object));
                if scope.small.len() > SMALL {
                    scope.large = Some(scope.small.iter().copied().collect());
                }
            }
        }
        None
    }

    /// Adds an object, in place of one of the same name if there is one, and returns that.
    pub(crate) fn replace(
        &mut self,
        scope: ScopeId,
        name: Symbol,
        object: ObjectId,
    ) -> Option<ObjectId> {
        let old = self.insert(scope, name, object)?;
        let scope = &mut self.scopes[scope.0 as usize];
        match &mut scope.large {
            Some(map) => {
                map.insert(name, object);
            }
            None => {
                if let Some(entry) = scope.small.iter_mut().find(|(other, _)| *other == name) {
                    entry.1 = object;
                }
            }
        }
        Some(old)
    }

    /// Forgets what a scope holds that nobody looks into again.
    pub(crate) fn clear(&mut self, scope: ScopeId) {
        let scope = &mut self.scopes[scope.0 as usize];
        scope.small = SmallVec::new();
        scope.large = None;
    }

    /// The objects of this very scope; in the order of insertion as long as there are few.
    pub(crate) fn objects(&self, scope: ScopeId) -> Vec<(Symbol, ObjectId)> {
        let scope = &self.scopes[scope.0 as usize];
        match &scope.large {
            Some(map) => map.iter().map(|(name, object)| (*name, *object)).collect(),
            None => scope.small.to_vec(),
        }
    }
}
