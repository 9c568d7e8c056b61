//! Shapes and layouts: which there are, by number.
//!
//! A [`Plan`] numbers the shapes and layouts that a program's code and types name. It is made when the program is linked and is shared by the heaps of all
//! machines that run the program: a [`Shape`] or a [`Site`] of the plan is good for each of them. What a heap keeps for itself (lists of blocks, the
//! layouts that run-time sizes have asked for) it makes when it is first needed, and what it adds (for types that reflection makes, say) has numbers
//! behind the plan's: [`Plans`].

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytecode::{SlotKind, TypeDescriptor};

use super::cache::NO_LAYOUT;
use super::shape::{Pattern, ShapeData};
use super::size_class::{CELL_SIZES, MAX_SMALL, class_of};
use super::{BlockList, LayoutData, Shape, Site};

/// What gives numbers to shapes and layouts: a plan in the making, or a heap.
pub trait Planner {
    /// The shape with a pattern.
    fn intern(&self, pattern: Pattern) -> Shape;
    /// The number of the layout of a shape in a size class.
    fn layout_of(&self, shape: Shape, class: usize) -> u32;

    /// The shape of memory in which, of every `period` bytes, the words with these numbers are of these kinds, and the others
    /// scalars. The word before interface data is its type word.
    ///
    /// # Panics
    /// If there are other words than scalars and `period` is no positive multiple of 8 or too short for them, or if interface
    /// data is at word 0.
    fn shape(&self, words: &[(u32, SlotKind)], period: u32) -> Shape {
        self.intern(Pattern::new(words, period))
    }

    /// The shape of values of this type, and of arrays of them.
    fn shape_of(&self, ty: &TypeDescriptor) -> Shape {
        self.shape(&ty.pattern, ty.pattern_period)
    }

    /// Where objects of `bytes` bytes and this shape are allocated.
    ///
    /// # Panics
    /// If `bytes` is 4 GiB or more: such sizes only come from run-time lengths, see [`super::Cache::allocate_bytes`].
    fn site(&self, shape: Shape, bytes: usize) -> Site {
        let size = u32::try_from(bytes).expect("a type is smaller than 4 GiB");
        if bytes == 0 || bytes > MAX_SMALL {
            return Site {
                layout: NO_LAYOUT,
                cell: 0,
                shape,
                bytes: size,
            };
        }
        let class = class_of(bytes);
        Site {
            layout: self.layout_of(shape, class),
            cell: CELL_SIZES[class],
            shape,
            bytes: size,
        }
    }
}

/// Shapes and layouts with their numbers. See the module's text.
#[derive(Debug)]
pub struct Plan {
    patterns: Vec<Pattern>,
    by_pattern: HashMap<Pattern, Shape>,
    /// Shape and size class.
    layouts: Vec<(Shape, u8)>,
    /// Of each shape, its layouts: class and number.
    of_shape: Vec<Vec<(u8, u32)>>,
}

impl Default for Plan {
    /// The two fixed shapes.
    fn default() -> Plan {
        let mut plan = Plan {
            patterns: Vec::new(),
            by_pattern: HashMap::new(),
            layouts: Vec::new(),
            of_shape: Vec::new(),
        };
        assert_eq!(plan.intern(Pattern::new(&[], 8)), Shape::SCALAR);
        let reference = Pattern::new(&[(0, SlotKind::Ref)], 8);
        assert_eq!(plan.intern(reference), Shape::REFERENCES);
        plan
    }
}

impl Plan {
    fn intern(&mut self, pattern: Pattern) -> Shape {
        let patterns = &mut self.patterns;
        let of_shape = &mut self.of_shape;
        *self
            .by_pattern
            .entry(pattern)
            .or_insert_with_key(|pattern| {
                let shape = Shape(patterns.len() as u32);
                patterns.push(pattern.clone());
                of_shape.push(Vec::new());
                shape
            })
    }

    fn layout_of(&mut self, shape: Shape, class: usize) -> u32 {
        let known = &mut self.of_shape[shape.0 as usize];
        let class = class as u8;
        if let Some((_, number)) = known.iter().find(|(other, _)| *other == class) {
            return *number;
        }
        let number = self.layouts.len() as u32;
        known.push((class, number));
        self.layouts.push((shape, class));
        number
    }
}

/// A plan that is being made.
#[derive(Debug, Default)]
pub struct PlanMaker(Mutex<Plan>);

impl PlanMaker {
    /// The plan, to be shared.
    pub fn finish(self) -> Arc<Plan> {
        Arc::new(
            self.0
                .into_inner()
                .unwrap_or_else(|error| error.into_inner()),
        )
    }
}

impl Planner for PlanMaker {
    fn intern(&self, pattern: Pattern) -> Shape {
        super::lock(&self.0).intern(pattern)
    }

    fn layout_of(&self, shape: Shape, class: usize) -> u32 {
        super::lock(&self.0).layout_of(shape, class)
    }
}

/// The shapes and layouts of a heap: those of its plan, and its own behind them. Both only grow, and what is in them keeps its address.
pub struct Plans {
    base: Arc<Plan>,
    /// By number; those of the plan are made when they are first asked for.
    // Boxed: caches and blocks hold their addresses.
    shapes: Vec<Option<Box<ShapeData>>>,
    layouts: Vec<Option<Box<LayoutData>>>,
    own: HashMap<Pattern, Shape>,
}

impl Plans {
    /// A heap's, on this plan.
    pub fn new(base: Arc<Plan>) -> Plans {
        let (mut shapes, mut layouts) = (Vec::new(), Vec::new());
        shapes.resize_with(base.patterns.len(), || None);
        layouts.resize_with(base.layouts.len(), || None);
        Plans {
            base,
            shapes,
            layouts,
            own: HashMap::new(),
        }
    }

    /// The shape with this pattern.
    pub fn intern(&mut self, pattern: Pattern) -> Shape {
        if let Some(shape) = self.base.by_pattern.get(&pattern) {
            return *shape;
        }
        let shapes = &mut self.shapes;
        *self.own.entry(pattern).or_insert_with_key(|pattern| {
            let shape = Shape(shapes.len() as u32);
            shapes.push(Some(Box::new(ShapeData {
                pattern: pattern.clone(),
                layouts: [const { AtomicU32::new(0) }; CELL_SIZES.len()],
            })));
            shape
        })
    }

    /// A shape's data.
    pub fn shape(&mut self, shape: Shape) -> &ShapeData {
        let number = shape.0 as usize;
        let base = &self.base;
        self.shapes[number].get_or_insert_with(|| {
            let data = ShapeData {
                pattern: base.patterns[number].clone(),
                layouts: [const { AtomicU32::new(0) }; CELL_SIZES.len()],
            };
            for (class, layout) in &base.of_shape[number] {
                // ORDERING: relaxed, see `ShapeData::layout`.
                data.layouts[usize::from(*class)].store(layout + 1, Ordering::Relaxed);
            }
            Box::new(data)
        })
    }

    /// The number of a layout.
    pub fn layout_of(&mut self, shape: Shape, class: usize) -> u32 {
        if let Some(number) = self.shape(shape).layout(class) {
            return number;
        }
        let number = self.layouts.len() as u32;
        let data: *const ShapeData = self.shape(shape);
        self.layouts.push(Some(new_layout(number, class, data)));
        // ORDERING: relaxed, see `ShapeData::layout`.
        self.shape(shape).layouts[class].store(number + 1, Ordering::Relaxed);
        number
    }

    /// A layout.
    pub fn layout(&mut self, number: u32) -> &LayoutData {
        let made = match &self.layouts[number as usize] {
            Some(_) => None,
            None => {
                // One of the plan's: the heap's own are made at once.
                let (shape, class) = self.base.layouts[number as usize];
                let data: *const ShapeData = self.shape(shape);
                Some(new_layout(number, usize::from(class), data))
            }
        };
        let place = &mut self.layouts[number as usize];
        if made.is_some() {
            *place = made;
        }
        place.as_deref().expect("made just now")
    }

    /// A layout of which there are blocks.
    pub fn used_layout(&self, number: u32) -> Option<&LayoutData> {
        self.layouts.get(number as usize)?.as_deref()
    }

    /// The layouts of which there may be blocks.
    pub fn used_layouts(&self) -> impl Iterator<Item = &LayoutData> {
        self.layouts.iter().flatten().map(|layout| &**layout)
    }

    /// How many layouts have numbers.
    pub fn count(&self) -> usize {
        self.layouts.len()
    }
}

fn new_layout(number: u32, class: usize, shape: *const ShapeData) -> Box<LayoutData> {
    Box::new(LayoutData {
        number,
        cell: CELL_SIZES[class],
        shape,
        made: AtomicU64::new(0),
        made_then: AtomicU64::new(0),
        alive_then: AtomicU64::new(0),
        unswept: Mutex::new(BlockList::EMPTY),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(words: &[u32], period: u32) -> Pattern {
        let words: Vec<_> = words.iter().map(|&word| (word, SlotKind::Ref)).collect();
        Pattern::new(&words, period)
    }

    #[test]
    fn equal_patterns_are_one_shape() {
        let maker = PlanMaker::default();
        let pair = maker.intern(references(&[0], 16));
        assert_eq!(maker.intern(references(&[0, 2], 32)), pair);
        assert_ne!(maker.intern(references(&[1], 16)), pair);
        let mut plans = Plans::new(maker.finish());
        assert_eq!(plans.intern(references(&[0], 16)), pair);
        assert_eq!(plans.shape(pair).pattern.references, 1);
    }

    #[test]
    fn what_heaps_add_is_their_own() {
        let maker = PlanMaker::default();
        let pair = maker.intern(references(&[0], 16));
        let site = maker.site(pair, 16);
        let plan = maker.finish();
        let (mut one, mut other) = (Plans::new(Arc::clone(&plan)), Plans::new(plan));
        let class = class_of(16);
        assert_eq!(one.layout_of(pair, class), site.layout);
        // A layout that the plan does not have, then a shape.
        let larger = one.layout_of(pair, class_of(64));
        assert_ne!(larger, site.layout);
        let added = one.intern(references(&[1], 24));
        assert_eq!(one.shape(added).pattern, references(&[1], 24));
        // The same number means another shape there.
        assert_eq!(other.intern(references(&[2], 24)), added);
        assert_eq!(other.count() + 1, one.count());
        assert_eq!(one.layout(larger).cell, 64);
        assert_eq!(one.used_layouts().count(), 1);
    }
}
