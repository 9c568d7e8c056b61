//! Shapes: which words of an object are references.
//!
//! A shape is a pattern of words that repeats with a period until the end of the object's cell, so one shape serves a
//! type, its arrays and its slices' backing. Patterns are brought to their shortest period, so that types that look
//! alike to the collector share blocks.
//!
//! A word is a scalar, a reference, or the data word of an interface, for which the word before it, the type word, says
//! whether it is a reference: see "Interfaces" in [`super`].

use std::sync::atomic::{AtomicU32, Ordering};

use bytecode::SlotKind;

use super::size_class::CELL_SIZES;

/// Set in the addresses of exactly those run-time types of which an interface's data word is a reference: who makes types
/// ([`crate::types::TypeTable`]) places them accordingly. A type word of 0 does not have it.
pub const REFERENCE_TYPE: u64 = 16;

/// Whether the data word beside this type word is a reference. Good for any 64 bits: nothing is read.
#[inline(always)]
pub fn holds_reference(type_word: u64) -> bool {
    type_word & REFERENCE_TYPE != 0
}

/// An interned pattern of references. Good for the heap, or the heaps of the plan, that made it, for as long as it lives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Shape(pub(super) u32);

impl Shape {
    /// No word is a reference.
    pub const SCALAR: Shape = Shape(0);
    /// Every word is a reference.
    pub const REFERENCES: Shape = Shape(1);
}

/// What the heap knows about a shape.
#[derive(Debug)]
pub struct ShapeData {
    pub pattern: Pattern,
    /// The layout of this shape in each size class, plus one; 0 if there is none yet.
    pub layouts: [AtomicU32; CELL_SIZES.len()],
}

/// A pattern in the collector's form. Of a period of at most 64 words there are the masks, of a longer one the lists.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Pattern {
    /// In bytes, a multiple of 8, at least 8.
    pub period: u32,
    /// Bit `w` says that word `w` is a reference.
    pub references: u64,
    /// Bit `w` says that word `w` is interface data; the type word is the one before.
    pub interfaces: u64,
    /// Words that are references, ascending.
    pub reference_words: Box<[u32]>,
    /// Words that are interface data, ascending.
    pub interface_words: Box<[u32]>,
}

impl Pattern {
    /// No references at all.
    pub fn is_scalar(&self) -> bool {
        self.references | self.interfaces == 0
            && self.reference_words.is_empty()
            && self.interface_words.is_empty()
    }

    /// References as a mask are all there is.
    pub fn is_plain(&self) -> bool {
        self.references != 0 && self.interfaces == 0
    }

    /// The canonical pattern with references and interface data at these words of every `period` bytes. Scalars may
    /// be listed.
    ///
    /// # Panics
    /// If `words` holds more than scalars and `period` is no positive multiple of 8, or a word lies outside it, or interface
    /// data has no word before it.
    pub fn new(words: &[(u32, SlotKind)], period: u32) -> Pattern {
        let mut words: Vec<(u32, bool)> = words
            .iter()
            .filter(|(_, kind)| *kind != SlotKind::Scalar)
            .map(|(word, kind)| (*word, *kind == SlotKind::InterfaceData))
            .collect();
        let mut pattern = Pattern {
            period: 8,
            references: 0,
            interfaces: 0,
            reference_words: Box::default(),
            interface_words: Box::default(),
        };
        if words.is_empty() {
            return pattern;
        }
        assert!(
            period > 0 && period.is_multiple_of(8),
            "a period of {period} bytes"
        );
        let mut length = period / 8;
        words.sort_unstable();
        words.dedup();
        assert!(
            words.iter().all(|&(word, _)| word < length),
            "a reference outside the period"
        );
        assert!(
            !words.contains(&(0, true)),
            "interface data without a type word"
        );
        if length <= 4096
            && let Some(shorter) =
                (1..length).find(|&d| length.is_multiple_of(d) && repeats(&words, length, d))
        {
            length = shorter;
            words.retain(|&(word, _)| word < shorter);
        }
        pattern.period = length * 8;
        let of = |interface: bool| {
            words
                .iter()
                .filter(move |word| word.1 == interface)
                .map(|word| word.0)
        };
        if length <= 64 {
            let mask = |interface| of(interface).fold(0, |mask, word| mask | 1 << word);
            (pattern.references, pattern.interfaces) = (mask(false), mask(true));
        } else {
            pattern.reference_words = of(false).collect();
            pattern.interface_words = of(true).collect();
        }
        pattern
    }
}

/// Whether the pattern of `length` words is made of copies of its first `part` words.
fn repeats(words: &[(u32, bool)], length: u32, part: u32) -> bool {
    let head = words.iter().take_while(|word| word.0 < part).count();
    head * (length / part) as usize == words.len()
        && words.iter().enumerate().all(|(i, &(word, interface))| {
            let (first, kind) = words[i % head];
            word == first + part * (i / head) as u32 && interface == kind
        })
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

    fn references(words: &[u32], period: u32) -> Pattern {
        let words: Vec<_> = words.iter().map(|&word| (word, SlotKind::Ref)).collect();
        Pattern::new(&words, period)
    }

    #[test]
    fn patterns_are_brought_to_their_shortest_period() {
        assert_eq!(references(&[0, 1, 2], 24), references(&[0], 8));
        assert_eq!(references(&[0, 2], 32), references(&[0], 16));
        assert_eq!(references(&[0, 1], 24).period, 24);
        assert_eq!(references(&[1, 3, 5], 48), references(&[1], 16));
        assert_eq!(references(&[], 24), references(&[], 12));
        assert_eq!(references(&[0, 100], 1600).reference_words.as_ref(), &[0]);
        assert_eq!(
            references(&[0, 101], 1600).reference_words.as_ref(),
            &[0, 101]
        );
    }

    #[test]
    fn references_and_interface_data_are_kept_apart() {
        use SlotKind::{InterfaceData, Ref, Scalar};
        let words = [
            (0, Ref),
            (2, Scalar),
            (3, InterfaceData),
            (5, InterfaceData),
        ];
        let pattern = Pattern::new(&words, 48);
        assert_eq!((pattern.references, pattern.interfaces), (1, 0b101000));
        let words = [(1, InterfaceData), (3, InterfaceData)];
        assert_eq!(
            Pattern::new(&words, 32),
            Pattern::new(&[(1, InterfaceData)], 16)
        );
        let words = [(1, Ref), (3, InterfaceData)];
        assert_eq!(Pattern::new(&words, 32).period, 32);
        let long = Pattern::new(&[(1, Ref), (99, InterfaceData)], 800);
        assert_eq!(
            (&*long.reference_words, &*long.interface_words),
            (&[1][..], &[99][..])
        );
        assert!(!long.is_scalar() && Pattern::new(&[(0, Scalar)], 8).is_scalar());
    }
}
