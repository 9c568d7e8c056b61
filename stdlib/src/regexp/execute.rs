//! Programs over texts, in time that grows with the text alone.
//!
//! Two ways lead to the same match: small programs over short texts are tried one possibility after the other, remembering what has been
//! tried (Go's backtracker); everything else goes through the text once with all possibilities at the same time, in order of
//! preference (Pike's machine).
//!
//! INVARIANT: programs come from [`super::compile`]; what a script makes up instead is read within bounds and does nothing worse than not
//! to match.
//!
//! GO: regexp `exec.go`, `backtrack.go`.

use super::compile::{HEAD, SIZE, op};
use super::parse::empty;
use crate::unicode::{tables, utf8};

/// No place.
pub const NONE: usize = usize::MAX;

/// The backtracker remembers at most so many pairs of instruction and place.
const MOST_TRIED: usize = 256 * 1024;

/// After so many steps a search asks whether it is still wanted.
const MOST_WORK: usize = 64 << 10;

/// The backtracker runs programs of at most so many instructions.
const MOST_BACKTRACKED: usize = 500;

/// The length of the character at `at`, 0 at the end.
pub fn width(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        None => 0,
        Some(b) if *b < 0x80 => 1,
        Some(_) => utf8::decode(&text[at..]).1,
    }
}

/// A program: numbers of four bytes, the lowest first, in a string of the script. Nothing is copied to run it.
pub struct Program<'p>(&'p [[u8; 4]]);

#[derive(Clone, Copy)]
struct Instruction {
    what: u32,
    next: usize,
    argument: u32,
}

impl<'p> Program<'p> {
    pub fn new(bytes: &'p [u8]) -> Program<'p> {
        Program(bytes.as_chunks().0)
    }

    fn number(&self, at: usize) -> u32 {
        self.0.get(at).map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    fn count(&self) -> usize {
        (self.number(0) as usize).min(self.0.len() / SIZE)
    }

    fn start(&self) -> usize {
        self.number(1) as usize
    }

    fn instruction(&self, number: usize) -> Instruction {
        let at = HEAD + number * SIZE;
        match self.0.get(at..at + SIZE) {
            Some(&[what, next, argument]) if number < self.count() => Instruction {
                what: u32::from_le_bytes(what),
                next: u32::from_le_bytes(next) as usize,
                argument: u32::from_le_bytes(argument),
            },
            // Takes a class without characters.
            _ => Instruction {
                what: op::CLASS,
                next: 0,
                argument: u32::MAX,
            },
        }
    }

    fn in_class(&self, place: u32, rune: i32) -> bool {
        let at = place as usize;
        if at >= self.0.len() {
            return false;
        }
        let length = self.number(at) as usize;
        let Some(ranges) = self.0.get(at + 1..).and_then(|rest| rest.get(..2 * length)) else {
            return false;
        };
        let (ranges, _) = ranges.as_chunks::<2>();
        let rune = rune as u32;
        let number = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes);
        if ranges.len() <= 4 {
            return ranges
                .iter()
                .any(|[low, high]| (number(low)..=number(high)).contains(&rune));
        }
        let found = ranges.partition_point(|[_, high]| number(high) < rune);
        ranges
            .get(found)
            .is_some_and(|[low, _]| number(low) <= rune)
    }

    /// Whether an instruction takes this character.
    fn takes(&self, instruction: Instruction, rune: i32) -> bool {
        match instruction.what {
            op::RUNE => instruction.argument as i32 == rune,
            op::RUNE_FOLD => {
                let wanted = instruction.argument as i32;
                let mut other = rune;
                loop {
                    if other == wanted {
                        return true;
                    }
                    other = tables::simple_fold(other);
                    if other == rune {
                        return false;
                    }
                }
            }
            op::ANY => true,
            op::ANY_BUT_NEWLINE => rune != 10,
            op::CLASS => self.in_class(instruction.argument, rune),
            _ => false,
        }
    }

    /// Goes on over what takes no character and asks nothing.
    fn skip(&self, mut number: usize) -> Instruction {
        for _ in 0..self.count() {
            let instruction = self.instruction(number);
            if !matches!(instruction.what, op::CAPTURE | op::NOTHING) {
                break;
            }
            number = instruction.next;
        }
        self.instruction(number)
    }

    /// Whether a match can only begin where the text does.
    fn is_anchored(&self) -> bool {
        let first = self.skip(self.start());
        first.what == op::AT && first.argument & empty::BEGIN_TEXT != 0
    }

    /// The text that every match begins with, and whether it is the whole match.
    pub fn prefix(&self) -> (Vec<u8>, bool) {
        let mut text = Vec::new();
        let mut here = self.skip(self.start());
        for _ in 0..self.count() {
            if here.what != op::RUNE || here.argument == 0xFFFD {
                break;
            }
            utf8::append_rune(&mut text, here.argument as i32);
            here = self.skip(here.next);
        }
        let complete = here.what == op::MATCH;
        (text, complete)
    }
}

/// The conditions that hold between two characters, -1 for none.
fn conditions(before: i32, after: i32) -> u32 {
    let is_word =
        |rune: i32| u8::try_from(rune).is_ok_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    let mut found = if is_word(before) == is_word(after) {
        empty::NO_WORD_BOUNDARY
    } else {
        empty::WORD_BOUNDARY
    };
    if before < 0 {
        found |= empty::BEGIN_TEXT | empty::BEGIN_LINE;
    } else if before == 10 {
        found |= empty::BEGIN_LINE;
    }
    if after < 0 {
        found |= empty::END_TEXT | empty::END_LINE;
    } else if after == 10 {
        found |= empty::END_LINE;
    }
    found
}

/// What is still to be done.
enum Job {
    /// Run an instruction at a place.
    Visit(usize, usize),
    /// Put a slot back.
    Restore(usize, usize),
}

/// The threads of one place, in order of preference: instructions that take a character or match.
#[derive(Default)]
struct Threads {
    /// Where an instruction stands in `list`; only valid if that agrees.
    places: Vec<u32>,
    /// All instructions that were reached.
    reached: Vec<u32>,
    list: Vec<u32>,
    /// Slots of each thread of `list`.
    slots: Vec<usize>,
}

impl Threads {
    fn new(count: usize) -> Threads {
        Threads {
            places: vec![0; count],
            ..Threads::default()
        }
    }

    fn clear(&mut self) {
        self.reached.clear();
        self.list.clear();
        self.slots.clear();
    }

    /// Notes that an instruction was reached; false if it was before.
    fn reach(&mut self, number: usize) -> bool {
        let Some(place) = self.places.get_mut(number) else {
            return false;
        };
        if self.reached.get(*place as usize) == Some(&(number as u32)) {
            return false;
        }
        *place = self.reached.len() as u32;
        self.reached.push(number as u32);
        true
    }
}

/// A program about to search a text.
pub struct Machine<'a> {
    program: &'a Program<'a>,
    text: &'a [u8],
    /// How many slots are wanted; 0 if only whether there is a match.
    slots: usize,
    longest: bool,
    anchored: bool,
    prefix: Vec<u8>,
    /// Nobody wants the answer any more.
    stop: &'a dyn Fn() -> bool,
}

impl<'a> Machine<'a> {
    pub fn new(
        program: &'a Program<'a>,
        text: &'a [u8],
        slots: usize,
        longest: bool,
        stop: &'a dyn Fn() -> bool,
    ) -> Machine<'a> {
        // No more than the program has, so that a script cannot ask for any amount of memory.
        let most = program.number(2).max(2) as usize;
        Machine {
            program,
            text,
            slots: slots.min(most.min(program.0.len() + 2)),
            longest,
            anchored: program.is_anchored(),
            prefix: program.prefix().0,
            stop,
        }
    }

    /// The first match from `from` on.
    pub fn find(&mut self, from: usize) -> Option<Vec<usize>> {
        if from > self.text.len() || self.anchored && from > 0 || (self.stop)() {
            return None;
        }
        let count = self.program.count();
        let rest = self.text.len() - from + 1;
        if count <= MOST_BACKTRACKED && count.saturating_mul(rest) <= MOST_TRIED {
            self.backtrack(from)
        } else {
            self.simultaneous(from)
        }
    }

    fn before(&self, at: usize) -> i32 {
        if at == 0 {
            -1
        } else {
            utf8::decode_last(&self.text[..at]).0
        }
    }

    /// The character at a place, -1 at the end, and its length.
    fn after(&self, at: usize) -> (i32, usize) {
        match self.text.get(at) {
            None => (-1, 0),
            Some(b) if *b < 0x80 => (i32::from(*b), 1),
            Some(_) => utf8::decode(&self.text[at..]),
        }
    }

    fn holds(&self, wanted: u32, at: usize) -> bool {
        wanted & !conditions(self.before(at), self.after(at).0) == 0
    }

    /// The next place at or after `at` where a match may begin.
    fn candidate(&self, at: usize) -> Option<usize> {
        if self.prefix.is_empty() {
            return Some(at);
        }
        memchr::memmem::find(&self.text[at..], &self.prefix).map(|found| at + found)
    }

    fn backtrack(&mut self, from: usize) -> Option<Vec<usize>> {
        let rest = self.text.len() - from + 1;
        let mut tried = vec![0u64; (self.program.count() * rest).div_ceil(64)];
        let mut at = self.candidate(from)?;
        loop {
            let mut slots = vec![NONE; self.slots.max(2)];
            slots[0] = at;
            if let Some(found) = self.try_at(at, from, &mut tried, slots) {
                return Some(found);
            }
            if self.anchored || at >= self.text.len() {
                return None;
            }
            at = self.candidate(at + width(self.text, at))?;
        }
    }

    fn try_at(
        &self,
        start: usize,
        from: usize,
        tried: &mut [u64],
        mut slots: Vec<usize>,
    ) -> Option<Vec<usize>> {
        let rest = self.text.len() - from + 1;
        let mut best: Option<Vec<usize>> = None;
        let mut jobs = vec![Job::Visit(self.program.start(), start)];
        while let Some(job) = jobs.pop() {
            let (mut number, mut at) = match job {
                Job::Restore(slot, place) => {
                    slots[slot] = place;
                    continue;
                }
                Job::Visit(number, at) => (number, at),
            };
            loop {
                let bit = number * rest + (at - from);
                match tried.get_mut(bit / 64) {
                    Some(word) if *word >> (bit % 64) & 1 == 0 => *word |= 1 << (bit % 64),
                    _ => break,
                }
                let instruction = self.program.instruction(number);
                match instruction.what {
                    op::SPLIT => jobs.push(Job::Visit(instruction.argument as usize, at)),
                    op::CAPTURE => {
                        let slot = instruction.argument as usize;
                        if slot < self.slots {
                            jobs.push(Job::Restore(slot, slots[slot]));
                            slots[slot] = at;
                        }
                    }
                    op::AT if !self.holds(instruction.argument, at) => break,
                    op::AT | op::NOTHING => {}
                    op::MATCH => {
                        if !self.longest {
                            slots[1] = at;
                            return Some(slots);
                        }
                        if best.as_ref().is_none_or(|best| best[1] < at) {
                            let mut found = slots.clone();
                            found[1] = at;
                            best = Some(found);
                        }
                        if at == self.text.len() {
                            return best;
                        }
                        break;
                    }
                    _ => {
                        let (rune, width) = self.after(at);
                        if width == 0 || !self.program.takes(instruction, rune) {
                            break;
                        }
                        at += width;
                    }
                }
                number = instruction.next;
            }
        }
        best
    }

    /// Adds a thread at `number`, following what takes no character.
    fn add(
        &self,
        threads: &mut Threads,
        jobs: &mut Vec<Job>,
        number: usize,
        at: usize,
        holding: u32,
        slots: &mut [usize],
    ) {
        jobs.push(Job::Visit(number, at));
        while let Some(job) = jobs.pop() {
            let mut number = match job {
                Job::Restore(slot, place) => {
                    slots[slot] = place;
                    continue;
                }
                Job::Visit(number, _) => number,
            };
            while threads.reach(number) {
                let instruction = self.program.instruction(number);
                match instruction.what {
                    op::SPLIT => jobs.push(Job::Visit(instruction.argument as usize, at)),
                    op::CAPTURE => {
                        let slot = instruction.argument as usize;
                        if slot < slots.len() {
                            jobs.push(Job::Restore(slot, slots[slot]));
                            slots[slot] = at;
                        }
                    }
                    op::AT if instruction.argument & !holding != 0 => break,
                    op::AT | op::NOTHING => {}
                    _ => {
                        threads.list.push(number as u32);
                        threads.slots.extend_from_slice(slots);
                        break;
                    }
                }
                number = instruction.next;
            }
        }
    }

    fn simultaneous(&mut self, from: usize) -> Option<Vec<usize>> {
        let count = self.program.count();
        let width_of_slots = if self.slots == 0 {
            0
        } else {
            self.slots.max(2)
        };
        let (mut now, mut next) = (Threads::new(count), Threads::new(count));
        let mut jobs = Vec::new();
        let mut scratch = vec![NONE; width_of_slots];
        let mut best: Option<Vec<usize>> = None;
        let mut at = from;
        // Each place may cost as much as the program has instructions.
        let pause = (MOST_WORK / count.max(1)).max(1);
        let mut places = 0;
        loop {
            places += 1;
            if places % pause == 0 && (self.stop)() {
                return None;
            }
            if now.list.is_empty() {
                if best.is_some() || self.anchored && at > 0 {
                    break;
                }
                match self.candidate(at) {
                    Some(candidate) => at = candidate,
                    None => break,
                }
            }
            let (rune, width) = self.after(at);
            if best.is_none() && (at == 0 || !self.anchored) {
                scratch.fill(NONE);
                if let Some(first) = scratch.first_mut() {
                    *first = at;
                }
                let holding = conditions(self.before(at), rune);
                self.add(
                    &mut now,
                    &mut jobs,
                    self.program.start(),
                    at,
                    holding,
                    &mut scratch,
                );
            }
            let holding = if width == 0 {
                0
            } else {
                conditions(rune, self.after(at + width).0)
            };
            for (index, number) in now.list.iter().enumerate() {
                let slots = &now.slots[index * width_of_slots..(index + 1) * width_of_slots];
                if self.longest
                    && let (Some(best), Some(start)) = (&best, slots.first())
                    && best[0] < *start
                {
                    continue;
                }
                let instruction = self.program.instruction(*number as usize);
                if instruction.what == op::MATCH {
                    if self.slots == 0 {
                        return Some(Vec::new());
                    }
                    let better = best.as_ref().is_none_or(|best| best[1] < at);
                    if !self.longest || better {
                        let mut found = slots.to_vec();
                        found[1] = at;
                        best = Some(found);
                    }
                    if !self.longest {
                        // What is less preferred does not count any more.
                        break;
                    }
                } else if width > 0 && self.program.takes(instruction, rune) {
                    scratch.copy_from_slice(slots);
                    self.add(
                        &mut next,
                        &mut jobs,
                        instruction.next,
                        at + width,
                        holding,
                        &mut scratch,
                    );
                }
            }
            if width == 0 {
                break;
            }
            at += width;
            std::mem::swap(&mut now, &mut next);
            next.clear();
        }
        best
    }
}
