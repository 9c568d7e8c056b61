//! Trees as programs for [`super::execute`].
//!
//! A program is a slice of numbers: a head, the instructions, three numbers each (what to do, where to go on, an argument), and behind
//! them the classes.
//!
//! Repetition by numbers is written out. What may be empty is repeated as `(x+)?` rather than `x*`, so that the empty match is tried last.
//!
//! GO: regexp/syntax `compile.go`, `simplify.go`.

use super::parse::{Class, Kind, Problem, Tree};

/// What an instruction does; the argument in brackets.
pub mod op {
    /// Goes on at two places, first at the one where to go on, then at [the other].
    pub const SPLIT: u32 = 0;
    /// Stores the place in [a slot].
    pub const CAPTURE: u32 = 1;
    /// Goes on only if all of [these conditions](super::super::parse::empty) hold.
    pub const AT: u32 = 2;
    pub const MATCH: u32 = 3;
    /// Takes [a character].
    pub const RUNE: u32 = 4;
    /// Takes a character that is [this one] but for case.
    pub const RUNE_FOLD: u32 = 5;
    pub const ANY: u32 = 6;
    pub const ANY_BUT_NEWLINE: u32 = 7;
    /// Takes a character of the class [at this place of the program].
    pub const CLASS: u32 = 8;
    pub const NOTHING: u32 = 9;
}

/// Numbers before the first instruction: how many instructions, the first to run, the number of slots.
pub const HEAD: usize = 3;
/// Numbers of an instruction.
pub const SIZE: usize = 3;

/// Go allows programs of 128 MB, at 40 bytes an instruction.
const MOST_INSTRUCTIONS: usize = (128 << 20) / 40;

/// A piece of the program: where it begins, and the places (indices into the code) that must still be told where to go on.
struct Piece {
    start: u32,
    ends: Vec<usize>,
    /// May match the empty text.
    nullable: bool,
}

struct Compiler {
    code: Vec<u32>,
    classes: Vec<Class>,
}

/// Makes a program of a tree with so many groups, the whole match included.
///
/// # Errors
/// The program would be too large.
pub fn compile(tree: &Tree, groups: usize) -> Result<Vec<u32>, Problem> {
    let mut compiler = Compiler {
        code: Vec::new(),
        classes: Vec::new(),
    };
    let piece = compiler.tree(tree)?;
    let end = compiler.emit(op::MATCH, 0)?;
    compiler.patch(&piece.ends, end);
    let count = compiler.code.len() / SIZE;
    let mut program = vec![count as u32, piece.start, 2 * groups as u32];
    let mut place = HEAD + compiler.code.len();
    for instruction in compiler.code.chunks_exact_mut(SIZE) {
        if instruction[0] == op::CLASS {
            let class = &compiler.classes[instruction[2] as usize];
            instruction[2] = place as u32;
            place += 1 + 2 * class.len();
        }
    }
    program.append(&mut compiler.code);
    for class in compiler.classes {
        program.push(class.len() as u32);
        program.extend(
            class
                .into_iter()
                .flat_map(|(low, high)| [low as u32, high as u32]),
        );
    }
    Ok(program)
}

impl Compiler {
    fn emit(&mut self, what: u32, argument: u32) -> Result<u32, Problem> {
        let number = self.code.len() / SIZE;
        if number >= MOST_INSTRUCTIONS {
            return Err(Problem {
                code: "expression too large",
                place: None,
            });
        }
        self.code.extend([what, 0, argument]);
        Ok(number as u32)
    }

    /// Where an instruction keeps what comes next.
    fn out(number: u32) -> usize {
        number as usize * SIZE + 1
    }

    fn patch(&mut self, ends: &[usize], to: u32) {
        for end in ends {
            self.code[*end] = to;
        }
    }

    fn single(&mut self, what: u32, argument: u32, nullable: bool) -> Result<Piece, Problem> {
        let number = self.emit(what, argument)?;
        Ok(Piece {
            start: number,
            ends: vec![Self::out(number)],
            nullable,
        })
    }

    fn then(&mut self, first: Piece, second: Piece) -> Piece {
        self.patch(&first.ends, second.start);
        Piece {
            start: first.start,
            ends: second.ends,
            nullable: first.nullable && second.nullable,
        }
    }

    /// A split whose one way is `to`; answers it and its other way.
    fn split(&mut self, to: u32, lazy: bool) -> Result<(u32, usize), Problem> {
        let number = self.emit(op::SPLIT, 0)?;
        let (first, second) = (Self::out(number), Self::out(number) + 1);
        let (taken, left) = if lazy {
            (second, first)
        } else {
            (first, second)
        };
        self.code[taken] = to;
        Ok((number, left))
    }

    /// `x?`
    fn optional(&mut self, piece: Piece, lazy: bool) -> Result<Piece, Problem> {
        let (start, skip) = self.split(piece.start, lazy)?;
        let mut ends = piece.ends;
        ends.push(skip);
        Ok(Piece {
            start,
            ends,
            nullable: true,
        })
    }

    /// `x+`
    fn plus(&mut self, piece: Piece, lazy: bool) -> Result<Piece, Problem> {
        let (again, skip) = self.split(piece.start, lazy)?;
        self.patch(&piece.ends, again);
        Ok(Piece {
            start: piece.start,
            ends: vec![skip],
            nullable: piece.nullable,
        })
    }

    /// `x*`
    fn star(&mut self, piece: Piece, lazy: bool) -> Result<Piece, Problem> {
        if piece.nullable {
            let piece = self.plus(piece, lazy)?;
            return self.optional(piece, lazy);
        }
        let (again, skip) = self.split(piece.start, lazy)?;
        self.patch(&piece.ends, again);
        Ok(Piece {
            start: again,
            ends: vec![skip],
            nullable: true,
        })
    }

    fn copies(&mut self, of: &Tree, count: i32) -> Result<Option<Piece>, Problem> {
        let mut all: Option<Piece> = None;
        for _ in 0..count {
            let piece = self.tree(of)?;
            all = Some(match all {
                Some(before) => self.then(before, piece),
                None => piece,
            });
        }
        Ok(all)
    }

    fn repeat(
        &mut self,
        of: &Tree,
        least: i32,
        most: Option<i32>,
        lazy: bool,
    ) -> Result<Piece, Problem> {
        let piece = match most {
            None if least == 0 => {
                let piece = self.tree(of)?;
                return self.star(piece, lazy);
            }
            None => {
                let before = self.copies(of, least - 1)?;
                let last = self.tree(of)?;
                let last = self.plus(last, lazy)?;
                Some(match before {
                    Some(before) => self.then(before, last),
                    None => last,
                })
            }
            Some(most) => {
                let before = self.copies(of, least)?;
                // x{2,4} is xx(x(x)?)?
                let mut optional: Option<Piece> = None;
                for _ in least..most {
                    let mut piece = self.tree(of)?;
                    if let Some(inner) = optional {
                        piece = self.then(piece, inner);
                    }
                    optional = Some(self.optional(piece, lazy)?);
                }
                match (before, optional) {
                    (Some(before), Some(optional)) => Some(self.then(before, optional)),
                    (before, optional) => before.or(optional),
                }
            }
        };
        match piece {
            Some(piece) => Ok(piece),
            None => self.single(op::NOTHING, 0, true),
        }
    }

    fn tree(&mut self, tree: &Tree) -> Result<Piece, Problem> {
        match &tree.kind {
            Kind::Empty => self.single(op::NOTHING, 0, true),
            Kind::Literal { rune, fold } => {
                let what = if *fold { op::RUNE_FOLD } else { op::RUNE };
                self.single(what, *rune as u32, false)
            }
            Kind::Class(class) => {
                self.classes.push(class.clone());
                self.single(op::CLASS, self.classes.len() as u32 - 1, false)
            }
            Kind::Any => self.single(op::ANY, 0, false),
            Kind::AnyButNewline => self.single(op::ANY_BUT_NEWLINE, 0, false),
            Kind::At(conditions) => self.single(op::AT, *conditions, true),
            Kind::Capture(of, number) => {
                let open = self.single(op::CAPTURE, 2 * *number as u32, true)?;
                let inner = self.tree(of)?;
                let close = self.single(op::CAPTURE, 2 * *number as u32 + 1, true)?;
                let piece = self.then(open, inner);
                Ok(self.then(piece, close))
            }
            Kind::Repeat {
                of,
                least,
                most,
                lazy,
                ..
            } => self.repeat(of, *least, *most, *lazy),
            Kind::Concat(parts) => {
                let mut all: Option<Piece> = None;
                for part in parts {
                    let piece = self.tree(part)?;
                    all = Some(match all {
                        Some(before) => self.then(before, piece),
                        None => piece,
                    });
                }
                match all {
                    Some(all) => Ok(all),
                    None => self.single(op::NOTHING, 0, true),
                }
            }
            Kind::Alternate(branches) => {
                let mut all: Option<Piece> = None;
                for branch in branches {
                    let piece = self.tree(branch)?;
                    all = Some(match all {
                        Some(before) => {
                            let (start, other) = self.split(before.start, false)?;
                            self.code[other] = piece.start;
                            let mut ends = before.ends;
                            ends.extend(piece.ends);
                            Piece {
                                start,
                                ends,
                                nullable: before.nullable || piece.nullable,
                            }
                        }
                        None => piece,
                    });
                }
                match all {
                    Some(all) => Ok(all),
                    None => self.single(op::NOTHING, 0, true),
                }
            }
        }
    }
}
