//! A program as bytes, and back.
//!
//! ```text
//! image   = MAGIC fingerprint(8) length(8) checksum(8) body
//! body    = postcard of (program, files)
//! file    = name, length, and the lengths of its lines
//! ```
//!
//! 1. The *fingerprint* is one of the format, of golite's version and of the instruction table: what another golite has written is refused
//!    before anything of it is read.
//! 2. Length and checksum find files that were cut or damaged.
//! 3. The body is decoded without trust: no length in it makes the reader allocate more than a fixed multiple of the bytes that are there.
//! 4. [`crate::tables`] and [`crate::verify`] check what was decoded; a program that passes is as sound for the machine as one that
//!    comes from the compiler.
//!
//! What 4 does not prove is that code uses a register for one kind of value only: registers carry no types (docs/heap.md), and who
//! writes an image by hand, checksum and all, can have a number taken for a reference. An image is code. It is to be read from where one
//! would load a library from; from elsewhere, take the source.
//!
//! Sources are left out but for their names and where lines begin, which traces show.

use crate::instruction_set::Opcode;
use crate::program::Program;
use crate::{tables, verify};
use diagnostics::SourceMap;
use serde::{Deserialize, Serialize};

/// What an image begins with.
pub const MAGIC: [u8; 8] = *b"\x7fgolite\n";

/// Changed whenever the body's form does without a change of version or instructions.
const FORMAT: u64 = 1;

/// [`MAGIC`] and three numbers.
const HEAD: usize = 32;

/// Why bytes are no program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ImageError {
    /// They do not begin as an image does.
    NoImage,
    /// Another golite has written them.
    OtherVersion,
    /// There are fewer or more than the head says, or not those that were written.
    Damaged,
    /// They stand for a program that the machine must not run.
    Unsound(String),
}

impl std::fmt::Display for ImageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ImageError::NoImage => f.write_str("not a compiled program"),
            ImageError::OtherVersion => f.write_str("compiled by another version of golite"),
            ImageError::Damaged => f.write_str("compiled program is damaged"),
            ImageError::Unsound(what) => write!(f, "compiled program is unsound: {what}"),
        }
    }
}

impl std::error::Error for ImageError {}

/// A source file without its text.
#[derive(Serialize, Deserialize)]
struct File {
    name: String,
    length: u32,
    /// Of each line but the last, with its line end.
    lines: Vec<u32>,
}

/// A program as bytes, with what traces show of its sources.
///
/// # Panics
/// Never: nothing in a program refuses to be written.
pub fn to_bytes(program: &Program, sources: &SourceMap) -> Vec<u8> {
    let (_, used) = used_files(program, sources.files().count());
    let files: Vec<File> = sources
        .files()
        .map(|(id, file)| match used.get(id.0 as usize) {
            Some(true) => File {
                name: file.name().to_owned(),
                length: file.length(),
                lines: steps(file.line_starts()),
            },
            // The number of a file is its place in the row.
            _ => File {
                name: String::new(),
                length: 0,
                lines: Vec::new(),
            },
        })
        .collect();
    let bytes = vec![0; HEAD];
    let mut bytes = postcard::to_extend(&(program, files), bytes).expect("programs can be written");
    let (head, body) = bytes.split_at_mut(HEAD);
    head[..8].copy_from_slice(&MAGIC);
    head[8..16].copy_from_slice(&fingerprint().to_le_bytes());
    head[16..24].copy_from_slice(&(body.len() as u64).to_le_bytes());
    head[24..].copy_from_slice(&checksum(body).to_le_bytes());
    bytes
}

/// The program that [`to_bytes`] has written, checked.
///
/// # Errors
/// See [`ImageError`].
pub fn from_bytes(bytes: &[u8]) -> Result<(Program, SourceMap), ImageError> {
    let Some((head, body)) = bytes.split_at_checked(HEAD) else {
        return Err(ImageError::NoImage);
    };
    if head[..8] != MAGIC {
        return Err(ImageError::NoImage);
    }
    let number = |at: usize| {
        let mut number = [0; 8];
        number.copy_from_slice(&head[at..at + 8]);
        u64::from_le_bytes(number)
    };
    if number(8) != fingerprint() {
        return Err(ImageError::OtherVersion);
    }
    if number(16) != body.len() as u64 || number(24) != checksum(body) {
        return Err(ImageError::Damaged);
    }
    let unsound = |what: &dyn std::fmt::Display| ImageError::Unsound(what.to_string());
    let ((program, files), rest): ((Program, Vec<File>), &[u8]) =
        postcard::take_from_bytes(body).map_err(|error| unsound(&error))?;
    if !rest.is_empty() {
        return Err(unsound(&"something stands behind it"));
    }
    let mut sources = SourceMap::new();
    for file in files {
        let mut starts = Vec::with_capacity(file.lines.len() + 1);
        let mut at = 0u32;
        starts.push(at);
        for length in file.lines {
            let next = at.checked_add(length).filter(|next| *next <= file.length);
            let Some(next) = next else {
                return Err(unsound(&"a line behind the end of its file"));
            };
            at = next;
            starts.push(at);
        }
        sources.add_lines(file.name, file.length, starts);
    }
    let count = sources.files().count();
    if used_files(&program, 0)
        .0
        .is_some_and(|last| last as usize >= count)
    {
        return Err(unsound(&"a place in no file"));
    }
    tables::check(&program).map_err(|error| unsound(&error))?;
    verify::program(&program).map_err(|error| unsound(&error))?;
    Ok((program, sources))
}

/// The number of the last file that the program's line tables name, and of all that they name if there are no more than `count`.
fn used_files(program: &Program, count: usize) -> (Option<u32>, Vec<bool>) {
    let mut used = vec![false; count];
    let mut last = None;
    for function in &program.functions {
        let lines = function.lines.iter().map(|(_, range)| range);
        for range in lines.chain(&function.range) {
            last = last.max(Some(range.file.0));
            if let Some(used) = used.get_mut(range.file.0 as usize) {
                *used = true;
            }
        }
    }
    (last, used)
}

/// From one number to the next, the first left out.
fn steps(ascending: &[u32]) -> Vec<u32> {
    ascending.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// One number for what a reader must have in common with the writer.
fn fingerprint() -> u64 {
    let mut hash = Hash::new();
    hash.add(&FORMAT.to_le_bytes());
    hash.add(env!("CARGO_PKG_VERSION").as_bytes());
    for opcode in Opcode::ALL {
        hash.add(opcode.name().as_bytes());
        for (name, ty) in opcode.operand_types() {
            hash.add(name.as_bytes());
            hash.add(ty.as_bytes());
        }
    }
    hash.0
}

fn checksum(body: &[u8]) -> u64 {
    let mut hash = Hash::new();
    hash.add(body);
    hash.0
}

/// Finds damage, hides nothing: a multiplication a word.
struct Hash(u64);

impl Hash {
    fn new() -> Hash {
        Hash(0x9e37_79b9_7f4a_7c15)
    }

    fn add(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last));
        self.word(bytes.len() as u64);
    }

    fn word(&mut self, word: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(0xd6e8_feb8_6659_fd93);
        self.0 = mixed ^ (mixed >> 32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operand::{FunctionId, TypeId};
    use crate::program::{Function, Global};
    use crate::types::{SlotKind, TypeDescriptor, TypeKind};
    use crate::{Assembler, op};
    use diagnostics::{FileId, TextRange};

    fn program() -> (Program, SourceMap) {
        let mut sources = SourceMap::new();
        sources.add("unused.gl", "nothing\n").unwrap();
        let id = sources
            .add("a.gl", "package main\n\nfunc main() {}\n")
            .unwrap();
        let mut assembler = Assembler::new();
        assembler.emit(op::Return {});
        let code = assembler.finish().code;
        let function = Function {
            name: "main.main".into(),
            code,
            frame_size: 4,
            lines: vec![(0, TextRange::new(id, 14, 20))],
            range: Some(TextRange::new(FileId(1), 19, 23)),
            ..Function::default()
        };
        let int = TypeDescriptor {
            name: "int".into(),
            own_name: "int".into(),
            package: String::new(),
            kind: TypeKind::Int,
            size: 8,
            align: 8,
            slots: vec![SlotKind::Scalar],
            boxed: false,
            pattern: Vec::new(),
            pattern_period: 8,
            comparable: true,
            plain_memory: true,
            methods: Vec::new(),
            pointer_to: None,
        };
        let program = Program {
            functions: vec![function],
            types: vec![int],
            strings: vec![b"\xff text".to_vec()],
            globals: vec![Global {
                name: "main.x".into(),
                ty: TypeId(0),
                offset: 0,
            }],
            globals_size: 8,
            entry: Some(FunctionId(0)),
            ..Program::default()
        };
        (program, sources)
    }

    #[test]
    fn a_program_comes_back_as_it_was() {
        let (program, sources) = program();
        let bytes = to_bytes(&program, &sources);
        let (again, lines) = from_bytes(&bytes).unwrap();
        assert_eq!(again, program);
        let range = again.functions[0].lines[0].1;
        assert_eq!(lines.position(range), "a.gl:3:1");
        assert_eq!(lines.file(FileId(0)).name(), "");
    }

    #[test]
    fn cut_and_changed_images_are_refused() {
        let (program, sources) = program();
        let bytes = to_bytes(&program, &sources);
        for length in 0..bytes.len() {
            assert!(from_bytes(&bytes[..length]).is_err(), "cut at {length}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            assert!(from_bytes(&changed).is_err(), "changed at {at}");
        }
        let mut longer = bytes;
        longer.push(0);
        assert_eq!(from_bytes(&longer).unwrap_err(), ImageError::Damaged);
        assert_eq!(from_bytes(b"#!/bin/sh\n").unwrap_err(), ImageError::NoImage);
    }

    /// With a checksum that fits, too: every change of one byte is refused or gives a program that passes all checks.
    #[test]
    fn forged_images_end_in_an_answer() {
        let (program, sources) = program();
        let bytes = to_bytes(&program, &sources);
        for at in HEAD..bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut forged = bytes.clone();
                forged[at] = value;
                let sum = checksum(&forged[HEAD..]);
                forged[24..HEAD].copy_from_slice(&sum.to_le_bytes());
                if let Ok((program, _)) = from_bytes(&forged) {
                    assert!(verify::program(&program).is_ok());
                }
            }
        }
    }
}
