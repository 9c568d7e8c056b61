//! Compression: earlier occurrences by chains of hashes, blocks with the cheapest of the three kinds of code.

use super::{DISTANCES, LENGTHS, ORDER, WINDOW, fixed_lengths};

/// Bits of a stream, whole bytes as they are finished.
pub struct BitWriter {
    out: Vec<u8>,
    buffer: u64,
    count: u32,
}

impl BitWriter {
    /// Continues with the bits of an unfinished byte.
    pub fn resume(bits: u32, count: u32) -> BitWriter {
        BitWriter {
            out: Vec::new(),
            buffer: u64::from(bits & 0xFF),
            count: count.min(7),
        }
    }

    /// What was finished, and the bits of the byte that was not.
    pub fn suspend(self) -> (Vec<u8>, u32, u32) {
        (self.out, self.buffer as u32, self.count)
    }

    fn put(&mut self, bits: u32, count: u32) {
        self.buffer |= u64::from(bits) << self.count;
        self.count += count;
        while self.count >= 8 {
            self.out.push(self.buffer as u8);
            self.buffer >>= 8;
            self.count -= 8;
        }
    }

    fn align(&mut self) {
        if self.count > 0 {
            self.put(0, 8 - self.count);
        }
    }

    fn stored(&mut self, data: &[u8]) {
        if data.is_empty() {
            self.stored_piece(&[]);
        }
        for piece in data.chunks(0xFFFF) {
            self.stored_piece(piece);
        }
    }

    /// Ends the stream with an empty block of the fixed codes: Go marks no block with something in it as the last.
    fn end(&mut self) {
        self.put(0b011, 3);
        self.put(0, 7);
        self.align();
    }

    fn stored_piece(&mut self, piece: &[u8]) {
        self.put(0, 3);
        self.align();
        let length = piece.len() as u16;
        self.out.extend_from_slice(&length.to_le_bytes());
        self.out.extend_from_slice(&(!length).to_le_bytes());
        self.out.extend_from_slice(piece);
    }
}

/// A literal (distance 0) or a copy.
#[derive(Clone, Copy)]
struct Token {
    /// The byte, or the length.
    value: u16,
    distance: u16,
}

/// How hard a level searches: links of a chain, and whether a match waits for a better one at the next byte.
fn effort(level: i64) -> (usize, bool) {
    match level {
        1 => (4, false),
        2 => (8, false),
        3 => (16, false),
        4 => (16, true),
        5 => (32, true),
        7 => (256, true),
        8 => (1024, true),
        9 => (4096, true),
        _ => (128, true),
    }
}

const HASH_BITS: u32 = 15;
const SHORTEST: usize = 4;
const LONGEST: usize = 258;
const NOWHERE: u32 = u32::MAX;
/// Tokens of a block.
const BLOCK: usize = 1 << 14;

/// See `super::deflate`.
pub fn compress(writer: &mut BitWriter, data: &[u8], start: usize, level: i64, how: i64) {
    let left = data.len().saturating_sub(start);
    // So little is stored as it is, but where much is tried; as in Go.
    let is_tiny = how != 0 && left <= 32 && level < 7;
    if left > 0 && (level == 0 || is_tiny) {
        writer.stored(&data[start..]);
    } else if left > 0 {
        blocks(writer, data, start, level);
    }
    match how {
        1 => writer.stored(&[]),
        2 => writer.end(),
        _ => {}
    }
}

fn blocks(writer: &mut BitWriter, data: &[u8], start: usize, level: i64) {
    let mut tokens = Vec::with_capacity(BLOCK);
    let mut block_start = start;
    let mut finder = (level != -2).then(|| Finder::new(data, start, effort(level)));
    let mut at = start;
    // What is looked at for one match may be many times as much.
    let mut pace = vm::native::Pace::default();
    while at < data.len() && !pace.is_over_after(256) {
        let (length, distance) = match &mut finder {
            Some(finder) => finder.find(at),
            None => (0, 0),
        };
        if length == 0 {
            tokens.push(Token {
                value: u16::from(data[at]),
                distance: 0,
            });
            at += 1;
        } else {
            tokens.push(Token {
                value: length as u16,
                distance: distance as u16,
            });
            at += length;
        }
        if tokens.len() == BLOCK || at == data.len() {
            block(writer, &tokens, &data[block_start..at]);
            tokens.clear();
            block_start = at;
        }
    }
}

/// Finds earlier occurrences.
struct Finder<'a> {
    data: &'a [u8],
    heads: Vec<u32>,
    links: Vec<u32>,
    /// All before is in the chains.
    next: usize,
    chain: usize,
    is_lazy: bool,
}

impl<'a> Finder<'a> {
    fn new(data: &'a [u8], start: usize, (chain, is_lazy): (usize, bool)) -> Finder<'a> {
        let mut finder = Finder {
            data,
            heads: vec![NOWHERE; 1 << HASH_BITS],
            links: vec![NOWHERE; data.len()],
            next: 0,
            chain,
            is_lazy,
        };
        finder.insert_until(start);
        finder
    }

    fn hash(&self, at: usize) -> Option<usize> {
        let bytes = self.data.get(at..)?.first_chunk::<4>()?;
        let mixed = u32::from_le_bytes(*bytes).wrapping_mul(0x9E37_79B1);
        Some((mixed >> (32 - HASH_BITS)) as usize)
    }

    fn insert_until(&mut self, end: usize) {
        while self.next < end {
            if let Some(hash) = self.hash(self.next) {
                self.links[self.next] = self.heads[hash];
                self.heads[hash] = self.next as u32;
            }
            self.next += 1;
        }
    }

    /// Length and distance of the best match, length 0 if there is none.
    fn longest(&mut self, at: usize) -> (usize, usize) {
        self.insert_until(at);
        let Some(hash) = self.hash(at) else {
            return (0, 0);
        };
        let limit = LONGEST.min(self.data.len() - at);
        let here = &self.data[at..at + limit];
        let (mut best, mut distance) = (SHORTEST - 1, 0);
        let mut candidate = self.heads[hash];
        for _ in 0..self.chain {
            let from = candidate as usize;
            if candidate == NOWHERE || at - from > WINDOW {
                break;
            }
            let there = &self.data[from..from + limit];
            if best < limit && there[best] == here[best] {
                let length = here.iter().zip(there).take_while(|(a, b)| a == b).count();
                if length > best {
                    (best, distance) = (length, at - from);
                    if length == limit {
                        break;
                    }
                }
            }
            candidate = self.links[from];
        }
        if distance == 0 {
            (0, 0)
        } else {
            (best, distance)
        }
    }

    fn find(&mut self, at: usize) -> (usize, usize) {
        /// What is this long is not improved.
        const GOOD: usize = 32;
        let found = self.longest(at);
        if self.is_lazy
            && (SHORTEST..GOOD).contains(&found.0)
            && at + 1 < self.data.len()
            && self.longest(at + 1).0 > found.0
        {
            return (0, 0);
        }
        found
    }
}

/// Code words of lengths, in the order in which their bits are sent.
fn codes(lengths: &[u8]) -> Vec<(u32, u32)> {
    let mut counts = [0u32; 16];
    for length in lengths {
        counts[usize::from(*length)] += 1;
    }
    counts[0] = 0;
    let mut next = [0u32; 17];
    for length in 1..16 {
        next[length + 1] = (next[length] + counts[length]) << 1;
    }
    lengths
        .iter()
        .map(|length| {
            let length = u32::from(*length);
            if length == 0 {
                return (0, 0);
            }
            let code = next[length as usize];
            next[length as usize] += 1;
            (code.reverse_bits() >> (32 - length), length)
        })
        .collect()
}

/// Lengths of an optimal code, none above `most`; at least two symbols get one, so that any decoder takes it.
fn code_lengths(counts: &[u32], most: usize) -> Vec<u8> {
    let mut used: Vec<(u64, Vec<usize>)> = counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(symbol, count)| (u64::from(*count), vec![symbol]))
        .collect();
    let mut lengths = vec![0u8; counts.len()];
    let unused = counts.iter().enumerate().filter(|(_, count)| **count == 0);
    let missing = 2usize.saturating_sub(used.len());
    used.extend(unused.take(missing).map(|(symbol, _)| (1, vec![symbol])));
    // Package and merge: in each round pairs of the last list join the symbols.
    used.sort_by_key(|item| item.0);
    let singles: Vec<(u64, u16)> = used.iter().map(|(w, s)| (*w, s[0] as u16)).collect();
    let mut list: Vec<(u64, Vec<u16>)> = singles.iter().map(|(w, s)| (*w, vec![*s])).collect();
    for _ in 1..most {
        let mut pairs = list.chunks_exact(2).map(|pair| {
            let symbols = pair[0].1.iter().chain(&pair[1].1).copied().collect();
            (pair[0].0 + pair[1].0, symbols)
        });
        let mut merged: Vec<(u64, Vec<u16>)> = Vec::with_capacity(list.len() * 2);
        let mut pair = pairs.next();
        for (weight, symbol) in &singles {
            while let Some(taken) = pair.take_if(|pair| pair.0 < *weight) {
                merged.push(taken);
                pair = pairs.next();
            }
            merged.push((*weight, vec![*symbol]));
        }
        merged.extend(pair);
        merged.extend(pairs);
        list = merged;
    }
    for (_, symbols) in list.iter().take(2 * (singles.len() - 1)) {
        for symbol in symbols {
            lengths[usize::from(*symbol)] += 1;
        }
    }
    lengths
}

fn length_symbol(length: u16) -> usize {
    // The last symbol stands for the greatest length alone.
    LENGTHS.partition_point(|(base, _)| *base <= length) - 1
}

fn distance_symbol(distance: u16) -> usize {
    DISTANCES.partition_point(|(base, _)| *base <= distance) - 1
}

/// The lengths of both codes in the symbols of the third, with extra bits: symbol, value, bits.
fn run_lengths(lengths: &[u8]) -> Vec<(u8, u32, u32)> {
    let mut out = Vec::new();
    for run in lengths.chunk_by(|a, b| a == b) {
        let (value, mut count) = (run[0], run.len());
        if value != 0 {
            out.push((value, 0, 0));
            count -= 1;
        }
        while count >= 3 {
            let (symbol, taken, bits) = match (value, count) {
                (0, 11..) => (18, count.min(138), 7),
                (0, _) => (17, count, 3),
                _ => (16, count.min(6), 2),
            };
            let least = if symbol == 18 { 11 } else { 3 };
            out.push((symbol, (taken - least) as u32, bits));
            count -= taken;
        }
        out.extend((0..count).map(|_| (value, 0, 0)));
    }
    out
}

fn block(writer: &mut BitWriter, tokens: &[Token], data: &[u8]) {
    let (mut literals, mut distances) = ([0u32; 286], [0u32; 30]);
    literals[256] = 1;
    let mut extra_bits = 0u64;
    for token in tokens {
        if token.distance == 0 {
            literals[usize::from(token.value)] += 1;
        } else {
            let (length, distance) = (length_symbol(token.value), distance_symbol(token.distance));
            literals[257 + length] += 1;
            distances[distance] += 1;
            extra_bits += u64::from(LENGTHS[length].1) + u64::from(DISTANCES[distance].1);
        }
    }
    let size = |literal_lengths: &[u8], distance_lengths: &[u8]| {
        let sum = |counts: &[u32], lengths: &[u8]| -> u64 {
            let pairs = counts.iter().zip(lengths);
            pairs.map(|(c, l)| u64::from(*c) * u64::from(*l)).sum()
        };
        sum(&literals, literal_lengths) + sum(&distances, distance_lengths) + extra_bits
    };
    let literal_lengths = code_lengths(&literals, 15);
    let distance_lengths = code_lengths(&distances, 15);
    let last_used = |lengths: &[u8], least: usize| {
        let last = lengths.iter().rposition(|length| *length > 0);
        last.map_or(least, |at| at + 1).max(least)
    };
    let literal_count = last_used(&literal_lengths, 257);
    let distance_count = last_used(&distance_lengths, 1);
    let both = [
        &literal_lengths[..literal_count],
        &distance_lengths[..distance_count],
    ]
    .concat();
    let runs = run_lengths(&both);
    let mut run_counts = [0u32; 19];
    for (symbol, _, _) in &runs {
        run_counts[usize::from(*symbol)] += 1;
    }
    let run_code_lengths = code_lengths(&run_counts, 7);
    let sent = ORDER.iter().rposition(|at| run_code_lengths[*at] > 0);
    let sent = sent.map_or(4, |at| at + 1).max(4);
    let head: u64 = runs
        .iter()
        .map(|(symbol, _, bits)| {
            u64::from(run_code_lengths[usize::from(*symbol)]) + u64::from(*bits)
        })
        .sum::<u64>()
        + 14
        + 3 * sent as u64;

    let (fixed_literals, fixed_distances) = fixed_lengths();
    let dynamic_size = head + size(&literal_lengths, &distance_lengths);
    let fixed_size = size(&fixed_literals, &fixed_distances);
    let stored_size = (data.len() as u64 + 4 * (data.len() as u64 / 0xFFFF + 1)) * 8;
    if stored_size < dynamic_size.min(fixed_size) {
        writer.stored(data);
        return;
    }
    if fixed_size <= dynamic_size {
        writer.put(1 << 1, 3);
        put_tokens(
            writer,
            tokens,
            &codes(&fixed_literals),
            &codes(&fixed_distances),
        );
        return;
    }
    writer.put(2 << 1, 3);
    writer.put(literal_count as u32 - 257, 5);
    writer.put(distance_count as u32 - 1, 5);
    writer.put(sent as u32 - 4, 4);
    for at in &ORDER[..sent] {
        writer.put(u32::from(run_code_lengths[*at]), 3);
    }
    let run_codes = codes(&run_code_lengths);
    for (symbol, value, bits) in runs {
        let (code, length) = run_codes[usize::from(symbol)];
        writer.put(code, length);
        writer.put(value, bits);
    }
    put_tokens(
        writer,
        tokens,
        &codes(&literal_lengths),
        &codes(&distance_lengths),
    );
}

fn put_tokens(
    writer: &mut BitWriter,
    tokens: &[Token],
    literals: &[(u32, u32)],
    distances: &[(u32, u32)],
) {
    for token in tokens {
        if token.distance == 0 {
            let (code, length) = literals[usize::from(token.value)];
            writer.put(code, length);
            continue;
        }
        let (length, distance) = (length_symbol(token.value), distance_symbol(token.distance));
        let (code, bits) = literals[257 + length];
        writer.put(code, bits);
        let (base, extra) = LENGTHS[length];
        writer.put(u32::from(token.value - base), u32::from(extra));
        let (code, bits) = distances[distance];
        writer.put(code, bits);
        let (base, extra) = DISTANCES[distance];
        writer.put(u32::from(token.distance - base), u32::from(extra));
    }
    let (code, length) = literals[256];
    writer.put(code, length);
}
