//! Type sets of constraints as lists of terms. SPEC: General interfaces. GO: go/types termlist.go, typeterm.go, typeset.go, under.go.
//!
//! A list of terms is a union; `None` in their place stands for all types. In normal form no two terms overlap.

use crate::checker::Checker;
use crate::types::{ChanDirection, Term, Type, TypeId, Types};

/// Why the types of a type set have no common underlying type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoCommonType {
    /// The type set is not limited to certain types.
    NoSpecificType,
    /// These two channel types have different elements.
    ChannelElements(TypeId, TypeId),
    /// These two channel types go in opposite directions.
    ChannelDirections(TypeId, TypeId),
    /// These two types have different underlying types.
    Different(TypeId, TypeId),
}

impl Checker<'_> {
    /// Why the types of a type set have no common underlying type, in Go's words.
    pub(crate) fn no_common_type_text(&self, why: &NoCommonType) -> String {
        let text = |typ: &TypeId| self.type_text(*typ);
        match why {
            NoCommonType::NoSpecificType => "no specific type".to_owned(),
            NoCommonType::ChannelElements(a, b) => format!(
                "channels {} and {} have different element types",
                text(a),
                text(b)
            ),
            NoCommonType::ChannelDirections(a, b) => format!(
                "channels {} and {} have conflicting directions",
                text(a),
                text(b)
            ),
            NoCommonType::Different(a, b) => format!(
                "{} and {} have different underlying types",
                text(a),
                text(b)
            ),
        }
    }
}

impl Types {
    /// Have the two terms no type in common? Neither's type is an interface.
    pub(crate) fn disjoint(&self, x: Term, y: Term) -> bool {
        let under = |typ: TypeId, tilde: bool| {
            if tilde { self.underlying_id(typ) } else { typ }
        };
        !self.identical(under(x.typ, y.tilde), under(y.typ, x.tilde))
    }

    fn term_is_subset(&self, x: Term, y: Term) -> bool {
        !self.disjoint(x, y) && (!x.tilde || y.tilde)
    }

    pub(crate) fn term_includes(&self, term: Term, typ: TypeId) -> bool {
        let typ = if term.tilde {
            self.underlying_id(typ)
        } else {
            typ
        };
        self.identical(term.typ, typ)
    }

    /// The union without overlapping terms.
    pub(crate) fn normal_terms(&self, terms: &[Term]) -> Box<[Term]> {
        let mut normal: Vec<Term> = Vec::with_capacity(terms.len());
        let mut used = vec![false; terms.len()];
        for (index, term) in terms.iter().enumerate() {
            if used[index] {
                continue;
            }
            let mut term = *term;
            for (other_index, other) in terms.iter().enumerate().skip(index + 1) {
                if !used[other_index] && !self.disjoint(term, *other) {
                    if !term.tilde && other.tilde {
                        term = *other;
                    }
                    used[other_index] = true;
                }
            }
            normal.push(term);
        }
        normal.into()
    }

    fn intersect(&self, xs: &[Term], ys: &[Term]) -> Box<[Term]> {
        let mut common = Vec::new();
        for x in xs {
            for y in ys {
                if !self.disjoint(*x, *y) {
                    common.push(if !x.tilde || y.tilde { *x } else { *y });
                }
            }
        }
        self.normal_terms(&common)
    }

    /// The types that both admit.
    pub(crate) fn intersect_type_sets(
        &self,
        (xs, x_comparable): (Option<Box<[Term]>>, bool),
        (ys, y_comparable): (Option<Box<[Term]>>, bool),
    ) -> (Option<Box<[Term]>>, bool) {
        let comparable = x_comparable || y_comparable;
        let terms = match (xs, ys) {
            (None, None) => return (None, comparable),
            (Some(terms), None) | (None, Some(terms)) => terms,
            (Some(xs), Some(ys)) => self.intersect(&xs, &ys),
        };
        if !comparable {
            return (Some(terms), false);
        }
        let kept = terms
            .iter()
            .copied()
            .filter(|term| self.is_strictly_comparable(term.typ))
            .collect();
        (Some(kept), false)
    }

    /// Is every type of the first set in the second?
    pub(crate) fn terms_are_subset(&self, xs: Option<&[Term]>, ys: Option<&[Term]>) -> bool {
        match (xs, ys) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(xs), Some(ys)) => xs
                .iter()
                .all(|x| ys.iter().any(|y| self.term_is_subset(*x, *y))),
        }
    }

    pub(crate) fn equal_terms(&self, xs: Option<&[Term]>, ys: Option<&[Term]>) -> bool {
        self.terms_are_subset(xs, ys) && self.terms_are_subset(ys, xs)
    }

    /// The terms of a type parameter's constraint, if it has some.
    #[must_use]
    pub fn terms_of(&self, parameter: TypeId) -> Option<&[Term]> {
        let interface = self.as_interface(parameter)?;
        interface.terms.as_deref().filter(|terms| !terms.is_empty())
    }

    /// The types that a value of the type may have, with the type that each is at bottom: itself with its underlying type or, of a type
    /// parameter, one pair for each term; none if those are not known.
    pub(crate) fn type_set(&self, id: TypeId) -> Option<Vec<(TypeId, TypeId)>> {
        if !self.is_type_parameter(id) {
            return Some(vec![(id, self.underlying_id(id))]);
        }
        let terms = self.terms_of(id)?;
        let pair = |term: &Term| (term.typ, self.underlying_id(term.typ));
        Some(terms.iter().map(pair).collect())
    }

    /// Has every type of the type set a property that its underlying type tells?
    pub(crate) fn all_underlying(&self, id: TypeId, test: impl Fn(TypeId) -> bool) -> bool {
        if !self.is_type_parameter(id) {
            return test(self.underlying_id(id));
        }
        self.terms_of(id)
            .is_some_and(|terms| terms.iter().all(|term| test(self.underlying_id(term.typ))))
    }

    /// The underlying type that all types of the type set have. Of channels the directed ones win. GO: `commonUnder`.
    pub(crate) fn common_underlying(&self, id: TypeId) -> Result<TypeId, NoCommonType> {
        if !self.is_type_parameter(id) {
            return Ok(self.underlying_id(id));
        }
        let Some(pairs) = self.type_set(id) else {
            return Err(NoCommonType::NoSpecificType);
        };
        let (mut first, mut common) = pairs[0];
        for (typ, under) in pairs.into_iter().skip(1) {
            if let (
                Type::Chan {
                    direction: a,
                    element: x,
                },
                Type::Chan {
                    direction: b,
                    element: y,
                },
            ) = (self.get(common), self.get(under))
            {
                if !self.identical(*x, *y) {
                    return Err(NoCommonType::ChannelElements(first, typ));
                }
                if a == b {
                } else if *a == ChanDirection::Both {
                    (first, common) = (typ, under);
                } else if *b != ChanDirection::Both {
                    return Err(NoCommonType::ChannelDirections(first, typ));
                }
                continue;
            }
            if !self.identical(common, under) {
                return Err(NoCommonType::Different(first, typ));
            }
        }
        Ok(common)
    }

    /// The type that all types of a type set have as their underlying type, after substitution of a type parameter by its constraint: the
    /// type itself if it is none. `None` if there is no such type.
    #[must_use]
    pub fn core_type(&self, id: TypeId) -> Option<TypeId> {
        self.common_underlying(id).ok()
    }
}
