//! Instantiation cycles: a generic function or type that uses itself with ever larger type arguments. GO: go/types mono.go.
//!
//! Vertices are type parameters and types declared in generic functions; an edge says that one flows into another, with weight 1 if wrapped
//! into a larger type on the way. A cycle of positive weight never ends. Type parameters of receivers count as those of the generic type.

use diagnostics::{Code, TextRange};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::checker::Checker;
use crate::types::{Type, TypeId, Types};

#[derive(Debug)]
struct Vertex {
    /// The weight of the heaviest way to it that is known.
    weight: u32,
    /// The last edge of that way.
    before: usize,
    /// Its length.
    length: usize,
    typ: TypeId,
}

#[derive(Debug)]
struct Edge {
    to: usize,
    from: usize,
    weight: u32,
    range: TextRange,
    typ: TypeId,
}

#[derive(Debug, Default)]
pub(crate) struct InstantiationGraph {
    vertices: Vec<Vertex>,
    edges: Vec<Edge>,
    same: FxHashMap<TypeId, TypeId>,
    places: FxHashMap<TypeId, usize>,
    has_cycle: bool,
}

impl InstantiationGraph {
    /// Was a cycle found? Then instantiation must not be followed.
    pub(crate) fn has_cycle(&self) -> bool {
        self.has_cycle
    }

    /// How much it holds, for [`InstantiationGraph::forget`].
    pub(crate) fn mark(&self) -> (usize, usize) {
        (self.vertices.len(), self.edges.len())
    }

    /// Forgets what was added since `mark`, and the cycle that it made.
    pub(crate) fn forget(&mut self, (vertices, edges): (usize, usize)) {
        self.vertices.truncate(vertices);
        self.edges.truncate(edges);
        self.places.retain(|_, place| *place < vertices);
        for vertex in &mut self.vertices {
            (vertex.weight, vertex.before, vertex.length) = (0, 0, 0);
        }
        self.has_cycle = false;
    }

    /// A receiver's type parameter stands for one of the generic type.
    pub(crate) fn same(&mut self, types: &Types, parameter: TypeId, declared: TypeId) {
        debug_assert!(types.is_type_parameter(parameter));
        self.same.insert(parameter, declared);
    }

    fn vertex(&mut self, typ: TypeId) -> usize {
        let typ = self.same.get(&typ).copied().unwrap_or(typ);
        *self.places.entry(typ).or_insert_with(|| {
            self.vertices.push(Vertex {
                weight: 0,
                before: 0,
                length: 0,
                typ,
            });
            self.vertices.len() - 1
        })
    }

    fn edge(&mut self, to: usize, from: usize, weight: u32, range: TextRange, typ: TypeId) {
        self.edges.push(Edge {
            to,
            from,
            weight,
            range,
            typ,
        });
    }
}

impl Checker<'_> {
    /// Notes that type parameters are given these type arguments. `places` are those of the arguments that are written.
    pub(crate) fn note_instantiation(
        &mut self,
        parameters: &[TypeId],
        arguments: &[TypeId],
        place: TextRange,
        places: &[TextRange],
    ) {
        for (index, (parameter, argument)) in parameters.iter().zip(arguments).enumerate() {
            // Values of the argument are used through the constraint's methods.
            self.add_run_time_type(*argument);
            if !self.program.types.is_parameterized(*argument) {
                continue;
            }
            let package = self
                .program
                .types
                .type_parameter(*parameter)
                .and_then(|parameter| self.object(parameter.object).package);
            // Packages do not import each other in circles.
            if package != Some(self.env.package) {
                continue;
            }
            let range = places.get(index).copied().unwrap_or(place);
            self.note_flow(*parameter, *argument, range);
        }
    }

    fn note_flow(&mut self, parameter: TypeId, argument: TypeId, range: TextRange) {
        let argument = self.program.types.unalias(argument);
        let mut seen: FxHashSet<TypeId> = FxHashSet::default();
        let mut work = vec![argument];
        while let Some(typ) = work.pop() {
            let types = &self.program.types;
            let typ = types.unalias(typ);
            if !types.is_parameterized(typ) || !seen.insert(typ) {
                continue;
            }
            let from = match types.get(typ) {
                Type::TypeParameter(_) => Some(self.instantiations.vertex(typ)),
                Type::Named(_) => self.local_type_vertex(types_origin(types, typ)),
                _ => None,
            };
            if let Some(from) = from {
                let to = self.instantiations.vertex(parameter);
                let weight = u32::from(typ != argument);
                self.instantiations.edge(to, from, weight, range, argument);
            }
            self.program.types.components(typ, &mut work);
        }
    }

    /// The vertex of a type declared in a generic function.
    fn local_type_vertex(&mut self, typ: TypeId) -> Option<usize> {
        let named = self.program.types.named(typ)?;
        if named.ambient.is_empty() {
            return None;
        }
        if let Some(place) = self.instantiations.places.get(&typ) {
            return Some(*place);
        }
        let ambient = named.ambient.clone();
        let range = self.object(named.object).range.unwrap_or_default();
        let to = self.instantiations.vertex(typ);
        for parameter in ambient.iter() {
            let from = self.instantiations.vertex(*parameter);
            self.instantiations.edge(to, from, 1, range, *parameter);
        }
        Some(to)
    }

    /// Reports a cycle, if there is one.
    pub(crate) fn check_instantiation_cycles(&mut self) {
        let graph = &mut self.instantiations;
        // Bellman and Ford's search for the heaviest ways; one as long as there are vertices has a cycle.
        let mut again = true;
        let mut found = None;
        'search: while again {
            again = false;
            for (index, edge) in graph.edges.iter().enumerate() {
                let (weight, length) = {
                    let from = &graph.vertices[edge.from];
                    (from.weight + edge.weight, from.length + 1)
                };
                let count = graph.vertices.len();
                let to = &mut graph.vertices[edge.to];
                if weight <= to.weight {
                    continue;
                }
                to.before = index;
                to.length = length;
                if length == count {
                    found = Some(edge.to);
                    break 'search;
                }
                to.weight = weight;
                again = true;
            }
        }
        if let Some(vertex) = found {
            graph.has_cycle = true;
            // GO: only if nothing else is wrong.
            if self.diagnostics.is_empty() {
                self.report_instantiation_cycle(vertex);
            }
        }
    }

    fn report_instantiation_cycle(&mut self, vertex: usize) {
        let graph = &self.instantiations;
        let mut seen = vec![false; graph.vertices.len()];
        let mut stack = Vec::new();
        let mut vertex = vertex;
        while !seen[vertex] {
            stack.push(vertex);
            seen[vertex] = true;
            vertex = graph.edges[graph.vertices[vertex].before].from;
        }
        let start = stack.iter().position(|v| *v == vertex).unwrap_or(0);
        let object = |typ: TypeId| {
            let types = &self.program.types;
            let named = types.named(typ).map(|named| named.object);
            named.or_else(|| types.type_parameter(typ).map(|parameter| parameter.object))
        };
        let Some(first) = object(graph.vertices[vertex].typ) else {
            return;
        };
        let mut message = "instantiation cycle".to_owned();
        for (count, vertex) in stack[start..].iter().enumerate() {
            let edge = &graph.edges[graph.vertices[*vertex].before];
            let typ = graph.vertices[edge.to].typ;
            let name = object(typ).map_or("", |object| self.text(self.object(object).name));
            let verb = if self.program.types.is_type_parameter(typ) {
                "instantiated as"
            } else {
                "implicitly parameterized by"
            };
            if count == 0 {
                message.push(':');
            }
            message.push_str(&format!(
                "\n\t{}: {name} {verb} {}",
                self.sources.position(edge.range),
                self.type_text(edge.typ)
            ));
        }
        let range = self.object(first).range.unwrap_or_default();
        self.report(Code::InstantiationCycle, range, message);
    }
}

fn types_origin(types: &Types, typ: TypeId) -> TypeId {
    types.origin(typ)
}
