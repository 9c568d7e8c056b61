//! Decompression.
//!
//! Progress is made in steps: a block's head, a symbol with its extra bits, a run of stored bytes. A step that lacks input is undone and
//! tried again with more.

use super::{DISTANCES, LENGTHS, ORDER, WINDOW, fixed_lengths};

/// Bits that one look into the table takes.
const FAST: u32 = 10;
const MOST_BITS: usize = 15;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Head,
    Stored,
    Symbols,
    End,
}

/// Why a step could not be done.
enum Failure {
    WantsInput,
    Corrupt,
}

impl Failure {
    /// A step that wants more begins anew then; where a stream is corrupt it stays.
    fn undo<'a>(&self, bits: &mut Bits<'a>, before: Bits<'a>) {
        if let Failure::WantsInput = self {
            *bits = before;
        }
    }
}

/// What a call ends with; the numbers are the script's.
#[derive(Clone, Copy)]
pub enum Outcome {
    WantsMore = 0,
    End = 1,
    Corrupt = 2,
}

#[derive(Clone, Copy)]
struct Bits<'a> {
    input: &'a [u8],
    at: usize,
    buffer: u64,
    count: u32,
}

impl Bits<'_> {
    /// Loads whole bytes while there is room and input.
    fn fill(&mut self) {
        while self.count <= 56
            && let Some(byte) = self.input.get(self.at)
        {
            self.buffer |= u64::from(*byte) << self.count;
            self.count += 8;
            self.at += 1;
        }
    }

    fn take(&mut self, count: u32) -> Result<u32, Failure> {
        if self.count < count {
            self.fill();
            if self.count < count {
                return Err(Failure::WantsInput);
            }
        }
        let bits = self.buffer as u32 & ((1u32 << count) - 1);
        self.skip(count);
        Ok(bits)
    }

    fn skip(&mut self, count: u32) {
        self.buffer >>= count;
        self.count -= count;
    }

    /// Gives back the bytes that are loaded whole.
    fn give_back(&mut self) {
        let bytes = self.count / 8;
        self.at -= bytes as usize;
        self.count -= bytes * 8;
        self.buffer &= (1 << self.count) - 1;
    }
}

/// A prefix code.
struct Code {
    /// By the next bits: symbol and length; length 0 for codes that are longer.
    fast: Vec<(u16, u8)>,
    counts: [u16; MOST_BITS + 1],
    symbols: Vec<u16>,
}

impl Code {
    /// None if there is no such code. GO: one symbol of one bit, and no symbol at all, are codes too.
    fn new(lengths: &[u8]) -> Option<Code> {
        let mut counts = [0u16; MOST_BITS + 1];
        for length in lengths {
            counts[usize::from(*length)] += 1;
        }
        counts[0] = 0;
        let mut room = 1i32;
        for count in &counts[1..] {
            room = (room << 1) - i32::from(*count);
            if room < 0 {
                return None;
            }
        }
        let used: u16 = counts.iter().sum();
        if room > 0 && used > 0 && !(used == 1 && counts[1] == 1) {
            return None;
        }
        let mut offsets = [0u16; MOST_BITS + 2];
        for length in 1..=MOST_BITS {
            offsets[length + 1] = offsets[length] + counts[length];
        }
        let mut symbols = vec![0; usize::from(used)];
        for (symbol, length) in lengths
            .iter()
            .enumerate()
            .filter(|(_, length)| **length > 0)
        {
            let offset = &mut offsets[usize::from(*length)];
            symbols[usize::from(*offset)] = symbol as u16;
            *offset += 1;
        }
        let mut fast = vec![(0, 0); 1 << FAST];
        let (mut code, mut at) = (0u32, 0);
        for length in 1..=FAST {
            for _ in 0..counts[length as usize] {
                let reversed = code.reverse_bits() >> (32 - length);
                let mut place = reversed as usize;
                while place < fast.len() {
                    fast[place] = (symbols[at], length as u8);
                    place += 1 << length;
                }
                code += 1;
                at += 1;
            }
            code <<= 1;
        }
        Some(Code {
            fast,
            counts,
            symbols,
        })
    }

    fn read(&self, bits: &mut Bits<'_>) -> Result<u16, Failure> {
        if bits.count < MOST_BITS as u32 {
            bits.fill();
        }
        let (symbol, length) = self.fast[bits.buffer as usize & ((1 << FAST) - 1)];
        if length > 0 && u32::from(length) <= bits.count {
            bits.skip(u32::from(length));
            return Ok(symbol);
        }
        // Bit by bit; `first` is the first code of a length.
        let (mut code, mut first, mut index) = (0i32, 0i32, 0i32);
        for length in 1..=MOST_BITS {
            if length as u32 > bits.count {
                return Err(Failure::WantsInput);
            }
            code |= (bits.buffer >> (length - 1) & 1) as i32;
            let count = i32::from(self.counts[length]);
            if code - count < first {
                bits.skip(length as u32);
                return Ok(self.symbols[(index + code - first) as usize]);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Failure::Corrupt)
    }
}

/// A stream between two pieces.
pub struct Inflater {
    phase: Phase,
    is_last: bool,
    buffer: u64,
    count: u32,
    /// Bytes that a stored block still has.
    stored: usize,
    /// What is still to be copied for lack of room, and from how far back.
    copy: usize,
    distance: usize,
    literals: [u8; 288],
    distances: [u8; 32],
}

const HEAD: usize = 7;

impl Inflater {
    /// From the words that [`Inflater::store`] made; zeros are the beginning of a stream.
    pub fn load(words: &[u32]) -> Inflater {
        let word = |at: usize| words.get(at).copied().unwrap_or(0);
        let length = |at: usize| (word(HEAD + at) as u8).min(MOST_BITS as u8);
        Inflater {
            phase: match word(0) {
                0 => Phase::Head,
                1 => Phase::Stored,
                2 => Phase::Symbols,
                _ => Phase::End,
            },
            is_last: word(1) != 0,
            buffer: u64::from(word(2) & 0xFF),
            count: word(3).min(7),
            stored: word(4) as usize & 0xFFFF,
            copy: word(5) as usize & 0x1FF,
            distance: (word(6) as usize).clamp(1, WINDOW),
            literals: std::array::from_fn(length),
            distances: std::array::from_fn(|at| length(288 + at)),
        }
    }

    /// The words of the state.
    pub fn store(&self) -> Vec<u32> {
        let head = [
            self.phase as u32,
            u32::from(self.is_last),
            self.buffer as u32,
            self.count,
            self.stored as u32,
            self.copy as u32,
            self.distance as u32,
        ];
        let lengths = self.literals.iter().chain(&self.distances);
        head.into_iter()
            .chain(lengths.map(|length| u32::from(*length)))
            .collect()
    }

    /// See `super::inflate`.
    pub fn run(&mut self, input: &[u8], out: &mut [u8], start: usize) -> (usize, usize, Outcome) {
        let mut bits = Bits {
            input,
            at: 0,
            buffer: self.buffer,
            count: self.count,
        };
        let mut end = start;
        let failure = self.steps(&mut bits, out, &mut end).err();
        bits.give_back();
        (self.buffer, self.count) = (bits.buffer, bits.count);
        let outcome = match failure {
            Some(Failure::Corrupt) => Outcome::Corrupt,
            _ if self.phase == Phase::End => Outcome::End,
            _ => Outcome::WantsMore,
        };
        (bits.at, end, outcome)
    }

    fn steps<'a>(
        &mut self,
        bits: &mut Bits<'a>,
        out: &mut [u8],
        end: &mut usize,
    ) -> Result<(), Failure> {
        loop {
            match self.phase {
                Phase::Head => {
                    let before = *bits;
                    self.head(bits)
                        .inspect_err(|failure| failure.undo(bits, before))?;
                }
                Phase::Stored => {
                    bits.give_back();
                    let rest = &bits.input[bits.at..];
                    let count = self.stored.min(rest.len()).min(out.len() - *end);
                    out[*end..*end + count].copy_from_slice(&rest[..count]);
                    bits.at += count;
                    *end += count;
                    self.stored -= count;
                    if self.stored > 0 {
                        return Err(Failure::WantsInput);
                    }
                    self.end_block();
                }
                Phase::Symbols => {
                    if self.symbols(bits, out, end)? {
                        self.end_block();
                    } else {
                        return Ok(());
                    }
                }
                Phase::End => return Ok(()),
            }
        }
    }

    fn end_block(&mut self) {
        self.phase = if self.is_last {
            Phase::End
        } else {
            Phase::Head
        };
    }

    fn head(&mut self, bits: &mut Bits<'_>) -> Result<(), Failure> {
        let is_last = bits.take(1)? != 0;
        match bits.take(2)? {
            0 => {
                bits.skip(bits.count % 8);
                let length = bits.take(16)?;
                if length != !bits.take(16)? & 0xFFFF {
                    return Err(Failure::Corrupt);
                }
                self.stored = length as usize;
                self.phase = Phase::Stored;
            }
            1 => {
                (self.literals, self.distances) = fixed_lengths();
                self.phase = Phase::Symbols;
            }
            2 => {
                self.dynamic(bits)?;
                self.phase = Phase::Symbols;
            }
            _ => return Err(Failure::Corrupt),
        }
        self.is_last = is_last;
        Ok(())
    }

    fn dynamic(&mut self, bits: &mut Bits<'_>) -> Result<(), Failure> {
        let literal_count = bits.take(5)? as usize + 257;
        let distance_count = bits.take(5)? as usize + 1;
        let code_count = bits.take(4)? as usize + 4;
        if literal_count > 286 || distance_count > 30 {
            return Err(Failure::Corrupt);
        }
        let mut code_lengths = [0; 19];
        for place in &ORDER[..code_count] {
            code_lengths[*place] = bits.take(3)? as u8;
        }
        let code = Code::new(&code_lengths).ok_or(Failure::Corrupt)?;
        let mut lengths = Vec::with_capacity(320);
        while lengths.len() < literal_count + distance_count {
            let symbol = code.read(bits)?;
            let (value, count) = match symbol {
                0..16 => (symbol as u8, 1),
                16 => {
                    let last = *lengths.last().ok_or(Failure::Corrupt)?;
                    (last, 3 + bits.take(2)?)
                }
                17 => (0, 3 + bits.take(3)?),
                _ => (0, 11 + bits.take(7)?),
            };
            lengths.extend((0..count).map(|_| value));
        }
        if lengths.len() > literal_count + distance_count {
            return Err(Failure::Corrupt);
        }
        let (literals, distances) = lengths.split_at(literal_count);
        if Code::new(literals).is_none() || Code::new(distances).is_none() {
            return Err(Failure::Corrupt);
        }
        self.literals = std::array::from_fn(|at| literals.get(at).copied().unwrap_or(0));
        self.distances = std::array::from_fn(|at| distances.get(at).copied().unwrap_or(0));
        Ok(())
    }

    /// Copies what is open; false if there is no room.
    fn copy(&mut self, out: &mut [u8], end: &mut usize) -> bool {
        let count = self.copy.min(out.len() - *end);
        let from = *end - self.distance;
        if self.distance >= count {
            out.copy_within(from..from + count, *end);
        } else {
            for at in 0..count {
                out[*end + at] = out[from + at];
            }
        }
        *end += count;
        self.copy -= count;
        self.copy == 0
    }

    /// Decodes symbols until the end of the block (true) or of the room.
    fn symbols<'a>(
        &mut self,
        bits: &mut Bits<'a>,
        out: &mut [u8],
        end: &mut usize,
    ) -> Result<bool, Failure> {
        if self.copy > 0 && !self.copy(out, end) {
            return Ok(false);
        }
        let literals = Code::new(&self.literals).ok_or(Failure::Corrupt)?;
        let distances = Code::new(&self.distances).ok_or(Failure::Corrupt)?;
        while *end < out.len() {
            let before = *bits;
            match Self::symbol(bits, &literals, &distances) {
                Ok(Symbol::Literal(byte)) => {
                    out[*end] = byte;
                    *end += 1;
                }
                Ok(Symbol::Copy { length, distance }) => {
                    if distance > *end {
                        return Err(Failure::Corrupt);
                    }
                    (self.copy, self.distance) = (length, distance);
                    if !self.copy(out, end) {
                        return Ok(false);
                    }
                }
                Ok(Symbol::EndOfBlock) => return Ok(true),
                Err(failure) => {
                    failure.undo(bits, before);
                    return Err(failure);
                }
            }
        }
        Ok(false)
    }

    fn symbol(bits: &mut Bits<'_>, literals: &Code, distances: &Code) -> Result<Symbol, Failure> {
        let symbol = literals.read(bits)?;
        let Some(at) = symbol.checked_sub(257) else {
            return Ok(match u8::try_from(symbol) {
                Ok(byte) => Symbol::Literal(byte),
                Err(_) => Symbol::EndOfBlock,
            });
        };
        let (base, extra) = *LENGTHS.get(usize::from(at)).ok_or(Failure::Corrupt)?;
        let length = usize::from(base) + bits.take(u32::from(extra))? as usize;
        let at = distances.read(bits)?;
        let (base, extra) = *DISTANCES.get(usize::from(at)).ok_or(Failure::Corrupt)?;
        let distance = usize::from(base) + bits.take(u32::from(extra))? as usize;
        Ok(Symbol::Copy { length, distance })
    }
}

enum Symbol {
    Literal(u8),
    Copy { length: usize, distance: usize },
    EndOfBlock,
}
