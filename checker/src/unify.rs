//! Unification of types: what type parameters must stand for so that two types match. SPEC: Type unification. GO: go/types unify.go.
//!
//! Each type parameter to be inferred has a handle for its type; two that were matched with each other share one.

use smallvec::SmallVec;

use crate::checker::{Checker, with_stack};
use crate::lookup::{Found, Lookup, NameMatch};
use crate::types::{Interface, Param, Type, TypeId};

/// Deeper recursion counts as failure. GO: `unificationDepthLimit`.
const DEEPEST: u32 = 50;

/// How exactly types must match. GO: `unifyMode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    /// A defined type matches a literal with its underlying type, channel directions do not count, an interface matches what implements it.
    Inexact,
    /// As `Inexact` at the top, exact inside.
    Assignment,
    /// Identical but for type parameters.
    Exact,
}

#[derive(Debug)]
pub(crate) struct Unifier {
    parameters: Vec<TypeId>,
    /// By the place of the parameter.
    handles: Vec<usize>,
    inferred: Vec<Option<TypeId>>,
    depth: u32,
}

/// Interfaces that are being compared: recursion through them ends at a pair met before.
type Pairs = SmallVec<[(TypeId, TypeId); 4]>;

impl Unifier {
    pub(crate) fn new(parameters: &[TypeId], arguments: &[Option<TypeId>]) -> Unifier {
        let mut inferred = arguments.to_vec();
        inferred.resize(parameters.len(), None);
        Unifier {
            parameters: parameters.to_vec(),
            handles: (0..parameters.len()).collect(),
            inferred,
            depth: 0,
        }
    }

    fn place(&self, checker: &Checker<'_>, typ: TypeId) -> Option<usize> {
        let typ = checker.program.types.unalias(typ);
        if !matches!(checker.program.types.get(typ), Type::TypeParameter(_)) {
            return None;
        }
        self.parameters.iter().position(|other| *other == typ)
    }

    fn at_place(&self, place: usize) -> Option<TypeId> {
        self.inferred[self.handles[place]]
    }

    /// What has been inferred for the type parameter.
    pub(crate) fn at(&self, parameter: TypeId) -> Option<TypeId> {
        let place = self.parameters.iter().position(|p| *p == parameter)?;
        self.at_place(place)
    }

    pub(crate) fn set(&mut self, parameter: TypeId, typ: TypeId) {
        if let Some(place) = self.parameters.iter().position(|p| *p == parameter) {
            self.inferred[self.handles[place]] = Some(typ);
        }
    }

    pub(crate) fn unknowns(&self) -> usize {
        let unknown = |handle: &&usize| self.inferred[**handle].is_none();
        self.handles.iter().filter(unknown).count()
    }

    pub(crate) fn inferred(&self) -> Vec<Option<TypeId>> {
        (0..self.parameters.len())
            .map(|place| self.at_place(place))
            .collect()
    }

    fn join(&mut self, x: usize, y: usize) -> bool {
        let (hx, hy) = (self.handles[x], self.handles[y]);
        if hx == hy {
            return true;
        }
        let (from, to) = match (self.inferred[hx], self.inferred[hy]) {
            (Some(_), Some(_)) => return false,
            (Some(_), None) => (hy, hx),
            _ => (hx, hy),
        };
        for handle in &mut self.handles {
            if *handle == from {
                *handle = to;
            }
        }
        true
    }

    /// Can the types be made to match? Notes what type parameters must be for that.
    pub(crate) fn unify(
        &mut self,
        checker: &mut Checker<'_>,
        x: TypeId,
        y: TypeId,
        mode: Precision,
    ) -> bool {
        self.step(checker, x, y, mode, &mut Pairs::new())
    }

    fn step(
        &mut self,
        checker: &mut Checker<'_>,
        x: TypeId,
        y: TypeId,
        mode: Precision,
        pairs: &mut Pairs,
    ) -> bool {
        let types = &checker.program.types;
        if types.unalias(x) == types.unalias(y) {
            return true;
        }
        if self.depth >= DEEPEST {
            return false;
        }
        self.depth += 1;
        let result = with_stack(|| self.step_inner(checker, x, y, mode, pairs));
        self.depth -= 1;
        result
    }

    fn step_inner(
        &mut self,
        checker: &mut Checker<'_>,
        mut x: TypeId,
        mut y: TypeId,
        mode: Precision,
        pairs: &mut Pairs,
    ) -> bool {
        let types = &checker.program.types;
        // A defined type in y if there is one, a type parameter to be inferred in x.
        if types.named(x).is_some() || self.place(checker, y).is_some() {
            std::mem::swap(&mut x, &mut y);
        }
        let is_literal = |typ: TypeId| types.named(typ).is_none() && !types.is_type_parameter(typ);
        if mode != Precision::Exact
            && types.named(y).is_some()
            && is_literal(x)
            && !types.is_interface(x)
        {
            y = types.underlying_id(y);
            if types.unalias(x) == types.unalias(y) {
                return true;
            }
        }
        match (self.place(checker, x), self.place(checker, y)) {
            (Some(px), Some(py)) => {
                if self.join(px, py) {
                    return true;
                }
                let (Some(x), Some(y)) = (self.at_place(px), self.at_place(py)) else {
                    return true;
                };
                return self.step(checker, x, y, mode, pairs);
            }
            (Some(px), None) => return self.parameter(checker, px, y, mode, pairs),
            _ => {}
        }
        if mode != Precision::Exact
            && let Some(result) = self.interfaces(checker, x, y, pairs)
        {
            return result;
        }
        let types = &checker.program.types;
        if types.is_type_parameter(y) {
            std::mem::swap(&mut x, &mut y);
        }
        self.structures(checker, x, y, mode, pairs)
    }

    /// Matches a type parameter to be inferred with a type that is none.
    fn parameter(
        &mut self,
        checker: &mut Checker<'_>,
        place: usize,
        y: TypeId,
        mode: Precision,
        pairs: &mut Pairs,
    ) -> bool {
        let Some(x) = self.at_place(place) else {
            self.inferred[self.handles[place]] = Some(y);
            return true;
        };
        if !self.step(checker, x, y, mode, pairs) {
            return false;
        }
        let types = &checker.program.types;
        let x_named = types.named(x).is_some();
        let y_named = types.named(y).is_some();
        match (types.is_proper_interface(x), types.is_proper_interface(y)) {
            (true, true) => {
                if x_named && y_named {
                    return types.identical(x, y);
                }
                let count = |typ| types.as_interface(typ).map(|i| i.methods.len());
                if count(x) != count(y) {
                    return false;
                }
            }
            // Either could be meant.
            (true, false) | (false, true) => return false,
            (false, false) => {}
        }
        if mode != Precision::Exact && !x_named {
            let directed = |typ| {
                matches!(types.underlying(typ), Type::Chan { direction, .. }
                    if *direction != crate::types::ChanDirection::Both)
            };
            if y_named || directed(y) {
                self.inferred[self.handles[place]] = Some(y);
            }
        }
        true
    }

    fn terms_match(checker: &Checker<'_>, x: &Interface, y: &Interface) -> bool {
        x.comparable == y.comparable
            && checker
                .program
                .types
                .equal_terms(x.terms.as_deref(), y.terms.as_deref())
    }

    /// Matches two types one of which is an interface, by their methods; `None` if neither is one.
    fn interfaces(
        &mut self,
        checker: &mut Checker<'_>,
        x: TypeId,
        y: TypeId,
        pairs: &mut Pairs,
    ) -> Option<bool> {
        let types = &checker.program.types;
        let interface = |typ: TypeId| {
            types
                .is_proper_interface(typ)
                .then(|| types.as_interface(typ))
                .flatten()
        };
        match (interface(x), interface(y)) {
            (Some(xi), Some(yi)) => {
                if !Self::terms_match(checker, xi, yi) {
                    return Some(false);
                }
                let pair = (types.underlying_id(x), types.underlying_id(y));
                if pairs.contains(&pair) || pairs.contains(&(pair.1, pair.0)) {
                    return Some(true);
                }
                let (few, many) = if xi.methods.len() > yi.methods.len() {
                    (yi.methods.clone(), xi.methods.clone())
                } else {
                    (xi.methods.clone(), yi.methods.clone())
                };
                pairs.push(pair);
                let all = few.iter().all(|method| {
                    let other = many
                        .iter()
                        .find(|other| other.name == method.name && other.package == method.package);
                    other.is_some_and(|other| {
                        let (a, b) = (method.signature, other.signature);
                        self.step(checker, a, b, Precision::Exact, pairs)
                    })
                });
                pairs.pop();
                Some(all)
            }
            (None, None) => None,
            (xi, yi) => {
                let other = if xi.is_some() { y } else { x };
                let methods = xi.or(yi).map(|i| i.methods.clone()).unwrap_or_default();
                Some(methods.iter().all(|method| {
                    let lookup = checker.program.lookup_in(
                        other,
                        false,
                        method.package,
                        method.name,
                        NameMatch::Exact,
                    );
                    let Lookup::Found { found, .. } = lookup else {
                        return false;
                    };
                    match &found {
                        Found::Field { .. } => return false,
                        Found::Method { object, .. } => checker.declare_object(*object),
                        Found::InterfaceMethod { .. } => {}
                    }
                    let signature = checker.program.found_type(&found);
                    let generic = checker
                        .program
                        .types
                        .as_signature(signature)
                        .is_none_or(|signature| !signature.type_parameters.is_empty());
                    !generic
                        && self.step(
                            checker,
                            method.signature,
                            signature,
                            Precision::Exact,
                            pairs,
                        )
                }))
            }
        }
    }

    fn params(
        &mut self,
        checker: &mut Checker<'_>,
        x: &[Param],
        y: &[Param],
        mode: Precision,
        pairs: &mut Pairs,
    ) -> bool {
        x.len() == y.len()
            && x.iter()
                .zip(y)
                .all(|(x, y)| self.step(checker, x.typ, y.typ, mode, pairs))
    }

    /// Matches types that have the same structure; x is a type parameter that is not to be inferred, if there is one.
    fn structures(
        &mut self,
        checker: &mut Checker<'_>,
        x: TypeId,
        y: TypeId,
        mode: Precision,
        pairs: &mut Pairs,
    ) -> bool {
        let inside = match mode {
            Precision::Assignment => Precision::Exact,
            mode => mode,
        };
        let types = &checker.program.types;
        let (original_y, x, y) = (y, types.unalias(x), types.unalias(y));
        match (types.get(x).clone(), types.get(y).clone()) {
            (Type::Array(a, n), Type::Array(b, m)) => {
                n == m && self.step(checker, a, b, inside, pairs)
            }
            (Type::Slice(a), Type::Slice(b)) | (Type::Pointer(a), Type::Pointer(b)) => {
                self.step(checker, a, b, inside, pairs)
            }
            (Type::Struct(a), Type::Struct(b)) => {
                a.len() == b.len()
                    && a.iter().zip(&b).all(|(f, g)| {
                        f.embedded == g.embedded
                            && f.tag == g.tag
                            && f.name == g.name
                            && f.package == g.package
                            && self.step(checker, f.typ, g.typ, inside, pairs)
                    })
            }
            (Type::Signature(a), Type::Signature(b)) => {
                a.variadic == b.variadic
                    && self.params(checker, &a.params, &b.params, inside, pairs)
                    && self.params(checker, &a.results, &b.results, inside, pairs)
            }
            (Type::Tuple(a), Type::Tuple(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .zip(&b)
                        .all(|(a, b)| self.step(checker, *a, *b, mode, pairs))
            }
            (Type::Interface(a), Type::Interface(b)) => {
                if !Self::terms_match(checker, &a, &b) || a.methods.len() != b.methods.len() {
                    return false;
                }
                if pairs.contains(&(x, y)) || pairs.contains(&(y, x)) {
                    return true;
                }
                pairs.push((x, y));
                let all = a.methods.iter().zip(&b.methods).all(|(m, n)| {
                    m.name == n.name
                        && m.package == n.package
                        && self.step(checker, m.signature, n.signature, Precision::Exact, pairs)
                });
                pairs.pop();
                all
            }
            (
                Type::Map { key, element },
                Type::Map {
                    key: other_key,
                    element: other_element,
                },
            ) => {
                self.step(checker, key, other_key, inside, pairs)
                    && self.step(checker, element, other_element, inside, pairs)
            }
            (
                Type::Chan { direction, element },
                Type::Chan {
                    direction: other_direction,
                    element: other_element,
                },
            ) => {
                (mode != Precision::Exact || direction == other_direction)
                    && self.step(checker, element, other_element, inside, pairs)
            }
            (Type::Named(_), Type::Named(_)) => {
                let types = &checker.program.types;
                let xs = types.type_arguments(x).to_vec();
                let ys = types.type_arguments(y).to_vec();
                let same_origin = types.origin(x) == types.origin(y);
                xs.len() == ys.len()
                    && xs
                        .iter()
                        .zip(&ys)
                        .all(|(x, y)| self.step(checker, *x, *y, mode, pairs))
                    && same_origin
            }
            (Type::TypeParameter(_), _) => {
                // What stands for it has its constraint's common underlying type.
                match checker.program.types.common_underlying(x) {
                    Ok(core) => self.step(checker, core, original_y, Precision::Assignment, pairs),
                    Err(_) => false,
                }
            }
            _ => false,
        }
    }
}
