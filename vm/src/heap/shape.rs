//! Shapes: which words of an object are references.
//!
//! A shape is a pattern of words that repeats with a period until the end of the object's cell, so one shape serves a
//! type, its arrays and its slices' backing. Patterns are brought to their shortest period, so that types that look
//! alike to the collector share blocks.
//!
//! References and interface data are the same to a shape: see "Interface data" in [`super`].

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use super::size_class::CELL_SIZES;

/// An interned pattern of references. Good for the heap that made it, for as long as it lives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Shape(pub(super) u32);

impl Shape {
    /// No word is a reference.
    pub const SCALAR: Shape = Shape(0);
    /// Every word is a reference (or interface data).
    pub const REFERENCES: Shape = Shape(1);
}

/// What the heap knows about a shape.
#[derive(Debug)]
pub struct ShapeData {
    pub pattern: Pattern,
    /// The layout of this shape in each size class, plus one; 0 if there is none yet.
    pub layouts: [AtomicU32; CELL_SIZES.len()],
}

/// A pattern in the collector's form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern {
    /// In bytes, a multiple of 8, at least 8.
    pub period: u32,
    /// Bit `w` says whether word `w` is a reference, if the period has at most 64 words.
    pub mask: u64,
    /// Reference words of longer periods, ascending.
    pub words: Box<[u32]>,
}

impl Pattern {
    /// No references at all.
    pub fn is_scalar(&self) -> bool {
        self.mask == 0 && self.words.is_empty()
    }

    /// The canonical pattern with references at `words` of every `period` bytes.
    ///
    /// # Panics
    /// If `words` is not empty and `period` is no positive multiple of 8, or a word lies outside it.
    pub fn new(words: &[u32], period: u32) -> Pattern {
        if words.is_empty() {
            return Pattern {
                period: 8,
                mask: 0,
                words: Box::default(),
            };
        }
        assert!(
            period > 0 && period.is_multiple_of(8),
            "a period of {period} bytes"
        );
        let mut length = period / 8;
        let mut words: Vec<u32> = words.to_vec();
        words.sort_unstable();
        words.dedup();
        assert!(
            words.iter().all(|&w| w < length),
            "a reference outside the period"
        );
        if length <= 4096
            && let Some(shorter) =
                (1..length).find(|&d| length.is_multiple_of(d) && repeats(&words, length, d))
        {
            length = shorter;
            words.retain(|&w| w < shorter);
        }
        if length <= 64 {
            Pattern {
                period: length * 8,
                mask: words.iter().fold(0, |mask, w| mask | 1 << w),
                words: Box::default(),
            }
        } else {
            Pattern {
                period: length * 8,
                mask: 0,
                words: words.into(),
            }
        }
    }
}

/// Whether the pattern of `length` words is made of copies of its first `part` words.
fn repeats(words: &[u32], length: u32, part: u32) -> bool {
    let head = words.iter().take_while(|&&w| w < part).count();
    head * (length / part) as usize == words.len()
        && words
            .iter()
            .enumerate()
            .all(|(i, &w)| w == words[i % head] + part * (i / head) as u32)
}

/// All shapes of a heap.
#[derive(Debug, Default)]
pub struct Shapes {
    // Boxed: caches and blocks hold their addresses.
    #[expect(clippy::vec_box)]
    list: Vec<Box<ShapeData>>,
    by_pattern: HashMap<(u32, u64, Box<[u32]>), Shape>,
}

impl Shapes {
    /// The two fixed shapes.
    pub fn new() -> Shapes {
        let mut shapes = Shapes::default();
        assert_eq!(shapes.intern(Pattern::new(&[], 8)), Shape::SCALAR);
        assert_eq!(shapes.intern(Pattern::new(&[0], 8)), Shape::REFERENCES);
        shapes
    }

    /// The shape with this pattern.
    pub fn intern(&mut self, pattern: Pattern) -> Shape {
        let list = &mut self.list;
        *self
            .by_pattern
            .entry((pattern.period, pattern.mask, pattern.words.clone()))
            .or_insert_with(|| {
                let shape = Shape(list.len() as u32);
                list.push(Box::new(ShapeData {
                    pattern,
                    layouts: [const { AtomicU32::new(0) }; CELL_SIZES.len()],
                }));
                shape
            })
    }

    /// The shapes made so far.
    pub fn all(&self) -> impl ExactSizeIterator<Item = &ShapeData> {
        self.list.iter().map(|shape| &**shape)
    }

    /// A shape's data.
    pub fn get(&self, shape: Shape) -> &ShapeData {
        &self.list[shape.0 as usize]
    }
}

impl ShapeData {
    /// The layout in this class, if it was made.
    #[inline(always)]
    pub fn layout(&self, class: usize) -> Option<u32> {
        // ORDERING: relaxed. The number is only an index; whoever uses it finds the layout under the layouts' lock.
        self.layouts[class].load(Ordering::Relaxed).checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_brought_to_their_shortest_period() {
        assert_eq!(Pattern::new(&[0, 1, 2], 24), Pattern::new(&[0], 8));
        assert_eq!(Pattern::new(&[0, 2], 32), Pattern::new(&[0], 16));
        assert_eq!(Pattern::new(&[0, 1], 24).period, 24);
        assert_eq!(Pattern::new(&[1, 3, 5], 48), Pattern::new(&[1], 16));
        assert_eq!(Pattern::new(&[], 24), Pattern::new(&[], 12));
        assert_eq!(Pattern::new(&[0, 100], 1600).words.as_ref(), &[0]);
        assert_eq!(Pattern::new(&[0, 101], 1600).words.as_ref(), &[0, 101]);
    }

    #[test]
    fn equal_patterns_are_one_shape() {
        let mut shapes = Shapes::new();
        let pair = shapes.intern(Pattern::new(&[0], 16));
        assert_eq!(shapes.intern(Pattern::new(&[0, 2], 32)), pair);
        assert_ne!(shapes.intern(Pattern::new(&[1], 16)), pair);
        assert_eq!(shapes.get(pair).pattern.mask, 1);
    }
}
