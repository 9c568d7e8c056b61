//! Natives of package compress/bzip2: blocks of the format, which are decoded whole.
//!
//! A block's bits begin anywhere in a byte, and nothing says how many there are. So a block is decoded from what was read so far, and anew
//! after more was read if that was not all of it.

use vm::border::GoSlice;
use vm::natives;

/// Why a block is not decoded.
enum Failure {
    /// Its bits are not all there.
    Short,
    /// It is wrong.
    Wrong(&'static str),
}

use Failure::Wrong;

/// What says so in a failure: text that no error has.
const MORE: &str = "more";

/// Reads bits, the highest of a byte first.
struct Bits<'d> {
    data: &'d [u8],
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Result<usize, Failure> {
        let byte = self.data.get(self.at / 8).ok_or(Failure::Short)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Ok(usize::from(bit))
    }

    fn number(&mut self, bits: usize) -> Result<usize, Failure> {
        (0..bits).try_fold(0, |number, _| Ok(number << 1 | self.bit()?))
    }
}

/// Where a step in the tree of a Huffman code leads.
#[derive(Clone, Copy)]
enum Step {
    Node(usize),
    Symbol(u16),
}

/// The tree of a Huffman code. Steps that would have no alternative are left out, as the format's first decoder did.
struct Tree {
    nodes: Vec<[Step; 2]>,
}

impl Tree {
    fn new(lengths: &[u8]) -> Result<Tree, Failure> {
        let mut order: Vec<u16> = (0..lengths.len() as u16).collect();
        order.sort_by_key(|symbol| (lengths[usize::from(*symbol)], *symbol));
        // The shortest codes are the smallest. Their complements are counted, from the longest code on, left-aligned in a word.
        let mut code = 0u32;
        let mut codes = Vec::with_capacity(order.len());
        for symbol in order.into_iter().rev() {
            codes.push((code, symbol));
            code = code.wrapping_add(1 << (32 - u32::from(lengths[usize::from(symbol)])));
        }
        codes.sort_unstable_by_key(|(code, _)| *code);
        let mut tree = Tree { nodes: Vec::new() };
        tree.build(&codes, 0)?;
        Ok(tree)
    }

    /// Builds the node of codes that agree in the bits before `level`, of which there are at most 32.
    fn build(&mut self, codes: &[(u32, u16)], mut level: u32) -> Result<usize, Failure> {
        let middle = loop {
            let bit = 1 << (31 - level);
            let middle = codes.partition_point(|(code, _)| code & bit == 0);
            if middle > 0 && middle < codes.len() {
                break middle;
            }
            if codes.len() < 2 {
                return Err(Wrong("empty Huffman tree"));
            }
            if level == 31 {
                return Err(Wrong("equal symbols in Huffman tree"));
            }
            level += 1;
        };
        let node = self.nodes.len();
        self.nodes.push([Step::Symbol(0); 2]);
        for (side, codes) in [&codes[middle..], &codes[..middle]].into_iter().enumerate() {
            self.nodes[node][side] = match codes {
                [(_, symbol)] => Step::Symbol(*symbol),
                _ => Step::Node(self.build(codes, level + 1)?),
            };
        }
        Ok(node)
    }

    fn symbol(&self, bits: &mut Bits<'_>) -> Result<usize, Failure> {
        let mut node = 0;
        loop {
            match self.nodes[node][bits.bit()?] {
                Step::Node(next) => node = next,
                Step::Symbol(symbol) => return Ok(usize::from(symbol)),
            }
        }
    }
}

/// Decodes the codes of a block to the last column of its sorted rotations; also which rotation is the text.
fn last_column(bits: &mut Bits<'_>, most: usize) -> Result<(Vec<u8>, usize), Failure> {
    if bits.bit()? == 1 {
        return Err(Wrong("deprecated randomized files"));
    }
    let origin = bits.number(24)?;
    let ranges = bits.number(16)?;
    let mut symbols = Vec::with_capacity(256);
    for range in (0..16usize).filter(|range| ranges >> (15 - range) & 1 == 1) {
        let used = bits.number(16)?;
        symbols.extend(
            (0..16usize)
                .filter(|symbol| used >> (15 - symbol) & 1 == 1)
                .map(|symbol| (16 * range + symbol) as u8),
        );
    }
    if symbols.is_empty() {
        return Err(Wrong("no symbols in input"));
    }
    let tree_count = bits.number(3)?;
    if !(2..=6).contains(&tree_count) {
        return Err(Wrong("invalid number of Huffman trees"));
    }
    let mut recent: Vec<usize> = (0..tree_count).collect();
    let mut selectors = Vec::new();
    for _ in 0..bits.number(15)? {
        let mut back = 0;
        while bits.bit()? == 1 {
            back += 1;
        }
        if back >= tree_count {
            return Err(Wrong("tree index too large"));
        }
        recent[..=back].rotate_right(1);
        selectors.push(recent[0]);
    }
    let end = symbols.len() + 1;
    let mut trees = Vec::with_capacity(tree_count);
    for _ in 0..tree_count {
        let mut length = bits.number(5)?;
        let mut lengths = vec![0; end + 1];
        for to in &mut lengths {
            loop {
                if !(1..=20).contains(&length) {
                    return Err(Wrong("Huffman length out of range"));
                }
                if bits.bit()? == 0 {
                    break;
                }
                if bits.bit()? == 1 {
                    length -= 1;
                } else {
                    length += 1;
                }
            }
            *to = length as u8;
        }
        trees.push(Tree::new(&lengths)?);
    }
    if selectors.is_empty() {
        return Err(Wrong("no tree selectors given"));
    }

    let mut column = Vec::new();
    let (mut repeat, mut power) = (0, 0);
    let mut decoded = 0usize;
    loop {
        let selector = selectors
            .get(decoded / 50)
            .ok_or(Wrong("insufficient selector indices for number of symbols"))?;
        decoded += 1;
        let symbol = trees[*selector].symbol(bits)?;
        if symbol < 2 {
            if repeat == 0 {
                power = 1;
            }
            repeat += power << symbol;
            power <<= 1;
            // Nothing that fits is longer; and the count does not overflow.
            if repeat > 2 << 20 {
                return Err(Wrong("repeat count too large"));
            }
            continue;
        }
        if repeat > 0 {
            if repeat > most - column.len() {
                return Err(Wrong("repeats past end of block"));
            }
            column.resize(column.len() + repeat, symbols[0]);
            repeat = 0;
        }
        if symbol == end {
            break;
        }
        symbols[..symbol].rotate_right(1);
        if column.len() >= most {
            return Err(Wrong("data exceeds block size"));
        }
        column.push(symbols[0]);
    }
    if origin >= column.len() {
        return Err(Wrong("origPtr out of bounds"));
    }
    Ok((column, origin))
}

/// Undoes the sorting of rotations.
fn unsort(column: &[u8], origin: usize) -> Vec<u8> {
    let mut starts = [0usize; 256];
    for byte in column {
        starts[usize::from(*byte)] += 1;
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += std::mem::replace(start, sum);
    }
    let mut next = vec![0u32; column.len()];
    for (at, byte) in column.iter().enumerate() {
        let place = &mut starts[usize::from(*byte)];
        next[*place] = at as u32;
        *place += 1;
    }
    let mut at = next[origin] as usize;
    column
        .iter()
        .map(|_| {
            let byte = column[at];
            at = next[at] as usize;
            byte
        })
        .collect()
}

/// Undoes the first step: four equal bytes are followed by how many more there are.
fn expand(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut equal = 0;
    let mut last = None;
    for byte in data.iter().copied() {
        if equal == 4 {
            out.resize(out.len() + usize::from(byte), last.unwrap_or_default());
            (equal, last) = (0, None);
            continue;
        }
        equal = if last == Some(byte) { equal + 1 } else { 1 };
        last = Some(byte);
        out.push(byte);
    }
    out
}

/// The format's checksum: a cyclic check, the highest bit first.
fn checksum(data: &[u8]) -> u32 {
    let table: [u32; 256] = std::array::from_fn(|byte| {
        (0..8).fold((byte as u32) << 24, |crc, _| {
            if crc >> 31 == 1 {
                crc << 1 ^ 0x04C1_1DB7
            } else {
                crc << 1
            }
        })
    });
    !data.iter().fold(!0, |crc, byte| {
        table[usize::from((crc >> 24) as u8 ^ byte)] ^ crc << 8
    })
}

/// Decodes the block whose first bit behind its checksum is `at`: the data, their checksum, and where the bits end. The failure is empty,
/// "more" if the input is too short, or what is wrong.
fn block(input: GoSlice<'_, u8>, at: i64, most: i64) -> (Vec<u8>, u32, i64, &'static str) {
    let input = input.to_vec();
    let mut bits = Bits {
        data: &input,
        at: usize::try_from(at).unwrap_or(0),
    };
    match last_column(&mut bits, usize::try_from(most).unwrap_or(0)) {
        Ok((column, origin)) => {
            let data = expand(&unsort(&column, origin));
            let sum = checksum(&data);
            (data, sum, bits.at as i64, "")
        }
        Err(Failure::Short) => (Vec::new(), 0, 0, MORE),
        Err(Wrong(text)) => (Vec::new(), 0, 0, text),
    }
}

natives! {
    pure "block" => block;
}
