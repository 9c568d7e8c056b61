//! Names are numbers: the interner.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// A name or literal text; equal texts of one [`Interner`] have equal symbols.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Symbol(pub u32);

impl Symbol {
    /// The empty text; also the name of what has none.
    pub const EMPTY: Symbol = Symbol(0);
    /// The blank identifier `_`.
    pub const BLANK: Symbol = Symbol(1);
    /// `.`, the name of an import that imports into the file's scope.
    pub const DOT: Symbol = Symbol(2);
    /// `init`.
    pub const INIT: Symbol = Symbol(3);
    /// `main`.
    pub const MAIN: Symbol = Symbol(4);
    /// `iota`.
    pub const IOTA: Symbol = Symbol(5);

    const WELL_KNOWN: [&'static str; 6] = ["", "_", ".", "init", "main", "iota"];

    /// Whether it is `_`.
    #[must_use]
    pub fn is_blank(self) -> bool {
        self == Symbol::BLANK
    }
}

/// FxHash's step over 8 bytes at a time: names are short and no attacker gains by colliding them (the table is bounded
/// by the text it is read from).
#[derive(Default)]
struct NameHasher(u64);

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }
    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

/// Gives every distinct text one [`Symbol`].
#[derive(Debug, Clone)]
pub struct Interner {
    symbols: HashMap<Arc<str>, Symbol, BuildHasherDefault<NameHasher>>,
    texts: Vec<Arc<str>>,
}

impl Default for Interner {
    fn default() -> Self {
        Self::new()
    }
}

impl Interner {
    /// Holds the well-known symbols.
    #[must_use]
    pub fn new() -> Self {
        let mut interner = Self {
            symbols: HashMap::default(),
            texts: Vec::new(),
        };
        for (index, text) in Symbol::WELL_KNOWN.iter().enumerate() {
            assert_eq!(interner.intern(text), Symbol(index as u32));
        }
        interner
    }

    /// The symbol of a text, new if need be.
    pub fn intern(&mut self, text: &str) -> Symbol {
        if let Some(&symbol) = self.symbols.get(text) {
            return symbol;
        }
        let symbol = Symbol(self.texts.len() as u32);
        let text: Arc<str> = Arc::from(text);
        self.texts.push(Arc::clone(&text));
        self.symbols.insert(text, symbol);
        symbol
    }

    /// The symbol of a text, if it has one.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Symbol> {
        self.symbols.get(text).copied()
    }

    /// The text of a symbol.
    ///
    /// # Panics
    /// The symbol is of another interner.
    #[must_use]
    pub fn text(&self, symbol: Symbol) -> &str {
        &self.texts[symbol.0 as usize]
    }

    /// How many there are; symbols are `0..len`.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.texts.len()
    }
}
