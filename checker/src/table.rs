//! A table that grows through a shared reference and never moves its entries.
//!
//! The compiler makes types while it holds references into the table of types, so adding an entry must not need exclusive access.
//! Entries lie in pieces, each twice as long as the one before; a piece is allocated when its first entry comes.

use std::cell::{Cell, OnceCell};

/// The length of the first piece.
const FIRST: usize = 64;
/// Enough pieces for `u32::MAX` entries.
const PIECES: usize = 27;

/// See the module's essay.
#[derive(Debug)]
pub(crate) struct Table<T> {
    pieces: [OnceCell<Box<[OnceCell<T>]>>; PIECES],
    len: Cell<usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table {
            pieces: [const { OnceCell::new() }; PIECES],
            len: Cell::new(0),
        }
    }
}

/// The piece that holds an index, and the place in it.
#[inline]
fn place(index: usize) -> (usize, usize) {
    let shifted = index + FIRST;
    let piece = (shifted.ilog2() - FIRST.ilog2()) as usize;
    (piece, shifted - (FIRST << piece))
}

impl<T> Table<T> {
    pub(crate) fn len(&self) -> usize {
        self.len.get()
    }

    /// Adds an entry; gives its index.
    pub(crate) fn push(&self, entry: T) -> usize {
        let index = self.len.get();
        let (piece, offset) = place(index);
        let piece = self.pieces[piece]
            .get_or_init(|| (0..FIRST << piece).map(|_| OnceCell::new()).collect());
        let fresh = piece[offset].set(entry).is_ok();
        assert!(fresh, "entries are only added at the end");
        self.len.set(index + 1);
        index
    }

    /// # Panics
    /// If there is no such entry.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> &T {
        let (piece, offset) = place(index);
        self.pieces[piece]
            .get()
            .and_then(|piece| piece[offset].get())
            .expect("indices are only made for entries")
    }

    /// # Panics
    /// If there is no such entry.
    pub(crate) fn get_mut(&mut self, index: usize) -> &mut T {
        let (piece, offset) = place(index);
        self.pieces[piece]
            .get_mut()
            .and_then(|piece| piece[offset].get_mut())
            .expect("indices are only made for entries")
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn entries_keep_their_places() {
        let mut table = Table::default();
        assert_eq!(table.push(0), 0);
        let first: *const usize = table.get(0);
        for number in 1..10_000 {
            assert_eq!(table.push(number), number);
        }
        assert!(std::ptr::eq(first, table.get(0)));
        assert!((0..10_000).all(|index| *table.get(index) == index));
        *table.get_mut(9_999) = 7;
        assert_eq!((*table.get(9_999), table.len()), (7, 10_000));
    }
}
