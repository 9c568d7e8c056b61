//! Patterns as trees.
//!
//! INVARIANT: a tree is at most [`DEEPEST`] high, so that walking and dropping it by recursion is safe.
//!
//! GO: regexp/syntax `parse.go`, `perl_groups.go`.

use crate::unicode::{tables, utf8};

/// The largest character.
pub const MAX_RUNE: i32 = 0x10_FFFF;

/// How high a tree may be.
const DEEPEST: u32 = 1000;

/// How often something may be repeated by numbers, all repetitions around it taken together.
const MOST_REPEATS: i32 = 1000;

/// What is wrong with a pattern: Go's text, and the part of the pattern (`None`: all of it).
pub struct Problem {
    pub code: &'static str,
    pub place: Option<Vec<u8>>,
}

fn problem<T>(code: &'static str, place: &[u8]) -> Result<T, Problem> {
    Err(Problem {
        code,
        place: Some(place.to_vec()),
    })
}

fn whole<T>(code: &'static str) -> Result<T, Problem> {
    Err(Problem { code, place: None })
}

/// Sorted ranges that do not touch, once cleaned.
pub type Class = Vec<(i32, i32)>;

/// Places between characters, as bits.
pub mod empty {
    pub const BEGIN_LINE: u32 = 1;
    pub const END_LINE: u32 = 2;
    pub const BEGIN_TEXT: u32 = 4;
    pub const END_TEXT: u32 = 8;
    pub const WORD_BOUNDARY: u32 = 16;
    pub const NO_WORD_BOUNDARY: u32 = 32;
}

pub enum Kind {
    Empty,
    Literal {
        rune: i32,
        fold: bool,
    },
    Class(Class),
    Any,
    AnyButNewline,
    At(u32),
    Capture(Box<Tree>, usize),
    /// At least, at most (`None`: no bound).
    Repeat {
        of: Box<Tree>,
        least: i32,
        most: Option<i32>,
        lazy: bool,
        /// Written with braces.
        counted: bool,
    },
    Concat(Vec<Tree>),
    Alternate(Vec<Tree>),
}

pub struct Tree {
    pub kind: Kind,
    height: u32,
}

impl Tree {
    fn new(kind: Kind) -> Result<Tree, Problem> {
        let below = match &kind {
            Kind::Capture(of, _) | Kind::Repeat { of, .. } => of.height,
            Kind::Concat(parts) | Kind::Alternate(parts) => {
                parts.iter().map(|part| part.height).max().unwrap_or(0)
            }
            _ => 0,
        };
        if below >= DEEPEST {
            return whole("expression nests too deeply");
        }
        Ok(Tree {
            kind,
            height: below + 1,
        })
    }

    /// Whether repetitions within each other stay below the limit.
    fn repeats_within(&self, limit: i32) -> bool {
        match &self.kind {
            Kind::Repeat {
                of,
                least,
                most,
                counted: true,
                ..
            } => {
                let times = match most {
                    Some(0) => return true,
                    Some(most) => *most,
                    None => *least,
                };
                let rest = if times > 0 { limit / times } else { limit };
                times <= limit && of.repeats_within(rest)
            }
            Kind::Repeat { of, .. } | Kind::Capture(of, _) => of.repeats_within(limit),
            Kind::Concat(parts) | Kind::Alternate(parts) => {
                parts.iter().all(|part| part.repeats_within(limit))
            }
            _ => true,
        }
    }
}

pub struct Parsed {
    pub tree: Tree,
    /// Of each group; the first is the whole match.
    pub names: Vec<String>,
}

#[derive(Clone, Copy)]
struct Flags {
    fold: bool,
    /// `^` and `$` mean the text, not lines.
    one_line: bool,
    dot_newline: bool,
    lazy: bool,
}

/// A group that is still open: what stands before it.
struct Open {
    capture: Option<usize>,
    flags: Flags,
    branches: Vec<Tree>,
    parts: Vec<Tree>,
}

struct Parser<'p> {
    rest: &'p [u8],
    perl: bool,
    flags: Flags,
    names: Vec<String>,
    /// Bounds of ranges in all classes so far.
    bounds: usize,
}

/// How many bounds the classes of a pattern may have: Go's take four bytes each, of 128 MB.
const MOST_BOUNDS: usize = (128 << 20) / 4;

/// Reads a pattern.
///
/// # Errors
/// What is wrong with it.
pub fn parse(pattern: &[u8], perl: bool) -> Result<Parsed, Problem> {
    let mut parser = Parser {
        rest: pattern,
        perl,
        flags: Flags {
            fold: false,
            one_line: perl,
            dot_newline: false,
            lazy: false,
        },
        names: vec![String::new()],
        bounds: 0,
    };
    let tree = parser.pattern()?;
    Ok(Parsed {
        tree,
        names: parser.names,
    })
}

fn concat(mut parts: Vec<Tree>) -> Result<Tree, Problem> {
    match parts.len() {
        0 => Tree::new(Kind::Empty),
        1 => Ok(parts.remove(0)),
        _ => Tree::new(Kind::Concat(parts)),
    }
}

fn alternate(mut branches: Vec<Tree>) -> Result<Tree, Problem> {
    match branches.len() {
        1 => Ok(branches.remove(0)),
        _ => Tree::new(Kind::Alternate(branches)),
    }
}

/// The character at the beginning of `text`, which is not empty, and what follows.
fn next_rune(text: &[u8]) -> Result<(i32, &[u8]), Problem> {
    let (rune, width) = utf8::decode(text);
    if rune == 0xFFFD && width == 1 {
        return problem("invalid UTF-8", text);
    }
    Ok((rune, &text[width..]))
}

fn check_utf8(text: &[u8]) -> Result<(), Problem> {
    let mut rest = text;
    while !rest.is_empty() {
        match next_rune(rest) {
            Ok((_, after)) => rest = after,
            Err(_) => return problem("invalid UTF-8", text),
        }
    }
    Ok(())
}

impl<'p> Parser<'p> {
    /// The part of the pattern from `start` up to `end`, which begins later.
    fn between(start: &'p [u8], end: &[u8]) -> &'p [u8] {
        &start[..start.len() - end.len()]
    }

    fn pattern(&mut self) -> Result<Tree, Problem> {
        let mut open: Vec<Open> = Vec::new();
        let (mut branches, mut parts): (Vec<Tree>, Vec<Tree>) = (Vec::new(), Vec::new());
        let mut last_repeat: Option<&'p [u8]> = None;
        while let Some(&first) = self.rest.first() {
            let here = self.rest;
            let mut repeat = None;
            match first {
                b'(' => {
                    let flags = self.flags;
                    let capture = if self.perl && here.get(1) == Some(&b'?') {
                        match self.perl_group()? {
                            Group::Flags => {
                                last_repeat = None;
                                continue;
                            }
                            Group::Plain(inner) => {
                                self.flags = inner;
                                None
                            }
                            Group::Named(name) => {
                                self.names.push(name);
                                Some(self.names.len() - 1)
                            }
                        }
                    } else {
                        self.rest = &here[1..];
                        self.names.push(String::new());
                        Some(self.names.len() - 1)
                    };
                    open.push(Open {
                        capture,
                        flags,
                        branches: std::mem::take(&mut branches),
                        parts: std::mem::take(&mut parts),
                    });
                }
                b'|' => {
                    branches.push(concat(std::mem::take(&mut parts))?);
                    self.rest = &here[1..];
                }
                b')' => {
                    let Some(group) = open.pop() else {
                        return whole("unexpected )");
                    };
                    branches.push(concat(std::mem::take(&mut parts))?);
                    let mut tree = alternate(std::mem::take(&mut branches))?;
                    if let Some(number) = group.capture {
                        tree = Tree::new(Kind::Capture(Box::new(tree), number))?;
                    }
                    self.flags = group.flags;
                    branches = group.branches;
                    parts = group.parts;
                    parts.push(tree);
                    self.rest = &here[1..];
                }
                b'*' | b'+' | b'?' => {
                    let (least, most) = match first {
                        b'*' => (0, None),
                        b'+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    let bounds = (least, most, false);
                    self.repeat(&mut parts, bounds, here, &here[1..], last_repeat)?;
                    repeat = Some(here);
                }
                b'{' => match counted(here) {
                    None => {
                        self.rest = &here[1..];
                        parts.push(self.literal(i32::from(b'{'))?);
                    }
                    Some((least, most, after)) => {
                        let above = most.is_some_and(|most| most > MOST_REPEATS || least > most);
                        if !(0..=MOST_REPEATS).contains(&least) || above {
                            return problem("invalid repeat count", Self::between(here, after));
                        }
                        let bounds = (least, most, true);
                        self.repeat(&mut parts, bounds, here, after, last_repeat)?;
                        repeat = Some(here);
                    }
                },
                _ => {
                    self.single(&mut parts)?;
                }
            }
            last_repeat = repeat;
        }
        if !open.is_empty() {
            // Trees of open groups are dropped one by one.
            return whole("missing closing )");
        }
        branches.push(concat(parts)?);
        alternate(branches)
    }

    /// One character, class or place; several characters for `\Q...\E`.
    fn single(&mut self, parts: &mut Vec<Tree>) -> Result<(), Problem> {
        let here = self.rest;
        let mut skip = 1;
        let kind = match here[0] {
            b'^' if self.flags.one_line => Kind::At(empty::BEGIN_TEXT),
            b'^' => Kind::At(empty::BEGIN_LINE),
            b'$' if self.flags.one_line => Kind::At(empty::END_TEXT),
            b'$' => Kind::At(empty::END_LINE),
            b'.' if self.flags.dot_newline => Kind::Any,
            b'.' => Kind::AnyButNewline,
            b'[' => {
                skip = 0;
                Kind::Class(self.class()?)
            }
            b'\\' => {
                skip = 2;
                match (self.perl, here.get(1)) {
                    (true, Some(b'A')) => Kind::At(empty::BEGIN_TEXT),
                    (true, Some(b'b')) => Kind::At(empty::WORD_BOUNDARY),
                    (true, Some(b'B')) => Kind::At(empty::NO_WORD_BOUNDARY),
                    (true, Some(b'z')) => Kind::At(empty::END_TEXT),
                    (true, Some(b'C')) => return problem("invalid escape sequence", &here[..2]),
                    (true, Some(b'Q')) => return self.quoted(parts),
                    _ => {
                        skip = 0;
                        let mut class = Vec::new();
                        if self.unicode_class(&mut class)? || self.perl_class(&mut class) {
                            Kind::Class(clean(class))
                        } else {
                            let rune = self.escape()?;
                            parts.push(self.literal(rune)?);
                            return Ok(());
                        }
                    }
                }
            }
            _ => {
                let (rune, after) = next_rune(here)?;
                self.rest = after;
                parts.push(self.literal(rune)?);
                return Ok(());
            }
        };
        if let Kind::Class(class) = &kind {
            self.bounds += 2 * class.len();
            if self.bounds > MOST_BOUNDS {
                return whole("expression too large");
            }
        }
        self.rest = &self.rest[skip..];
        parts.push(Tree::new(kind)?);
        Ok(())
    }

    fn quoted(&mut self, parts: &mut Vec<Tree>) -> Result<(), Problem> {
        let text = &self.rest[2..];
        let end = memchr::memmem::find(text, b"\\E");
        let (mut literal, after) = match end {
            Some(end) => (&text[..end], &text[end + 2..]),
            None => (text, &text[text.len()..]),
        };
        while !literal.is_empty() {
            let (rune, rest) = next_rune(literal)?;
            parts.push(self.literal(rune)?);
            literal = rest;
        }
        self.rest = after;
        Ok(())
    }

    fn literal(&self, rune: i32) -> Result<Tree, Problem> {
        let fold = self.flags.fold && tables::simple_fold(rune) != rune;
        Tree::new(Kind::Literal { rune, fold })
    }

    fn repeat(
        &mut self,
        parts: &mut Vec<Tree>,
        (least, most, counted): (i32, Option<i32>, bool),
        here: &'p [u8],
        mut after: &'p [u8],
        last: Option<&'p [u8]>,
    ) -> Result<(), Problem> {
        let mut lazy = self.flags.lazy;
        if self.perl {
            if let [b'?', rest @ ..] = after {
                after = rest;
                lazy = !lazy;
            }
            if let Some(last) = last {
                return problem(
                    "invalid nested repetition operator",
                    Self::between(last, after),
                );
            }
        }
        let Some(of) = parts.pop() else {
            return problem(
                "missing argument to repetition operator",
                Self::between(here, after),
            );
        };
        let tree = Tree::new(Kind::Repeat {
            of: Box::new(of),
            least,
            most,
            lazy,
            counted,
        })?;
        let many = least >= 2 || most.is_some_and(|most| most >= 2);
        if counted && many && !tree.repeats_within(MOST_REPEATS) {
            return problem("invalid repeat count", Self::between(here, after));
        }
        parts.push(tree);
        self.rest = after;
        Ok(())
    }

    /// What begins with `(?`.
    fn perl_group(&mut self) -> Result<Group, Problem> {
        let here = self.rest;
        let name_at = match here {
            [_, _, b'P', b'<', _, ..] => Some(4),
            [_, _, b'<', _, ..] => Some(3),
            _ => None,
        };
        if let Some(name_at) = name_at {
            let Some(end) = memchr::memchr(b'>', here) else {
                check_utf8(here)?;
                return problem("invalid named capture", here);
            };
            let name = here.get(name_at..end).unwrap_or_default();
            check_utf8(name)?;
            if name.is_empty() || !name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_') {
                return problem("invalid named capture", &here[..=end]);
            }
            let name = String::from_utf8_lossy(name).into_owned();
            self.rest = &here[end + 1..];
            return Ok(Group::Named(name));
        }
        let mut rest = &here[2..];
        let mut flags = self.flags;
        let (mut negative, mut saw) = (false, false);
        while !rest.is_empty() {
            let (rune, after) = next_rune(rest)?;
            rest = after;
            match u8::try_from(rune).unwrap_or(0) {
                b'i' => flags.fold = !negative,
                b'm' => flags.one_line = negative,
                b's' => flags.dot_newline = !negative,
                b'U' => flags.lazy = !negative,
                b'-' if !negative => {
                    negative = true;
                    saw = false;
                    continue;
                }
                end @ (b':' | b')') if !negative || saw => {
                    self.rest = rest;
                    if end == b':' {
                        return Ok(Group::Plain(flags));
                    }
                    self.flags = flags;
                    return Ok(Group::Flags);
                }
                _ => break,
            }
            saw = true;
        }
        problem(
            "invalid or unsupported Perl syntax",
            Self::between(here, rest),
        )
    }

    /// The character of an escape sequence.
    fn escape(&mut self) -> Result<i32, Problem> {
        let here = self.rest;
        let mut rest = &here[1..];
        if rest.is_empty() {
            return problem("trailing backslash at end of expression", b"");
        }
        let (rune, after) = next_rune(rest)?;
        rest = after;
        let digit = |text: &[u8]| match text.first() {
            Some(b @ b'0'..=b'7') => Some(i32::from(b - b'0')),
            _ => None,
        };
        let hex = |rune: i32| {
            u8::try_from(rune)
                .ok()
                .and_then(|b| char::from(b).to_digit(16))
                .map(|digit| digit as i32)
        };
        let letter = u8::try_from(rune).unwrap_or(0xFF);
        let found = match letter {
            b'1'..=b'7' if digit(rest).is_none() => None,
            b'0'..=b'7' => {
                let mut value = i32::from(letter - b'0');
                for _ in 1..3 {
                    let Some(next) = digit(rest) else { break };
                    value = value * 8 + next;
                    rest = &rest[1..];
                }
                Some(value)
            }
            b'x' if !rest.is_empty() => {
                let (first, after) = next_rune(rest)?;
                rest = after;
                if first == i32::from(b'{') {
                    let (mut value, mut count) = (0, 0);
                    loop {
                        if rest.is_empty() {
                            break None;
                        }
                        let (next, after) = next_rune(rest)?;
                        rest = after;
                        if next == i32::from(b'}') {
                            break (count > 0).then_some(value);
                        }
                        let Some(next) = hex(next) else { break None };
                        value = value * 16 + next;
                        if value > MAX_RUNE {
                            break None;
                        }
                        count += 1;
                    }
                } else if rest.is_empty() {
                    None
                } else {
                    let (second, after) = next_rune(rest)?;
                    rest = after;
                    hex(first).and_then(|first| Some(first * 16 + hex(second)?))
                }
            }
            b'a' => Some(7),
            b'f' => Some(12),
            b'n' => Some(10),
            b'r' => Some(13),
            b't' => Some(9),
            b'v' => Some(11),
            b if b < 0x80 && !b.is_ascii_alphanumeric() => Some(rune),
            _ => None,
        };
        match found {
            Some(found) => {
                self.rest = rest;
                Ok(found)
            }
            None => problem("invalid escape sequence", Self::between(here, rest)),
        }
    }

    /// `\pN`, `\p{Greek}` and their negations, if the pattern goes on so.
    fn unicode_class(&mut self, class: &mut Class) -> Result<bool, Problem> {
        let here = self.rest;
        let [b'\\', letter @ (b'p' | b'P'), after @ ..] = here else {
            return Ok(false);
        };
        if !self.perl {
            return Ok(false);
        }
        let mut negative = *letter == b'P';
        if after.is_empty() {
            return problem("invalid character class range", here);
        }
        let (rune, after) = next_rune(after)?;
        let (sequence, mut name) = if rune == i32::from(b'{') {
            let Some(end) = memchr::memchr(b'}', here) else {
                check_utf8(here)?;
                return problem("invalid character class range", here);
            };
            check_utf8(&here[3..end])?;
            (&here[..=end], &here[3..end])
        } else {
            let sequence = Self::between(here, after);
            (sequence, &sequence[2..])
        };
        if let [b'^', rest @ ..] = name {
            negative = !negative;
            name = rest;
        }
        let Some((mut ranges, inverted)) = table(name) else {
            return problem("invalid character class range", sequence);
        };
        if self.flags.fold && !inverted {
            ranges = folded(ranges);
        }
        self.rest = &here[sequence.len()..];
        append(class, clean(ranges), negative != inverted);
        Ok(true)
    }

    /// `\d` and the like, if the pattern goes on so.
    fn perl_class(&mut self, class: &mut Class) -> bool {
        let [b'\\', letter, ..] = self.rest else {
            return false;
        };
        let Some(ranges) = self
            .perl
            .then(|| perl_ranges(letter.to_ascii_lowercase()))
            .flatten()
        else {
            return false;
        };
        self.group(class, ranges, letter.is_ascii_uppercase());
        self.rest = &self.rest[2..];
        true
    }

    fn group(&self, class: &mut Class, ranges: &[(u8, u8)], negative: bool) {
        let mut ranges: Class = ranges
            .iter()
            .map(|(low, high)| (i32::from(*low), i32::from(*high)))
            .collect();
        if self.flags.fold {
            ranges = folded(ranges);
        }
        append(class, clean(ranges), negative);
    }

    /// `[...]`.
    fn class(&mut self) -> Result<Class, Problem> {
        let start = self.rest;
        self.rest = &start[1..];
        let mut class = Vec::new();
        let mut negative = false;
        if let [b'^', rest @ ..] = self.rest {
            self.rest = rest;
            negative = true;
            if !self.perl {
                // Newlines are not matched then.
                class.push((10, 10));
            }
        }
        let mut first = true;
        while self.rest.first() != Some(&b']') || first {
            let here = self.rest;
            if let [b'-', after @ ..] = here
                && !self.perl
                && !first
                && after.first() != Some(&b']')
            {
                let width = if after.is_empty() {
                    0
                } else {
                    utf8::decode(after).1
                };
                return problem("invalid character class range", &here[..1 + width]);
            }
            first = false;
            if here.len() > 2
                && here.starts_with(b"[:")
                && let Some(end) = memchr::memmem::find(&here[2..], b":]")
            {
                let name = &here[..end + 4];
                let (bare, inverted) = match &name[2..end + 2] {
                    [b'^', rest @ ..] => (rest, true),
                    bare => (bare, false),
                };
                let Some(ranges) = posix_ranges(bare) else {
                    return problem("invalid character class range", name);
                };
                self.group(&mut class, ranges, inverted);
                self.rest = &here[name.len()..];
                continue;
            }
            if self.unicode_class(&mut class)? || self.perl_class(&mut class) {
                continue;
            }
            let low = self.class_character(start)?;
            let mut high = low;
            if let [b'-', after @ ..] = self.rest
                && !after.is_empty()
                && after[0] != b']'
            {
                self.rest = after;
                high = self.class_character(start)?;
                if high < low {
                    return problem(
                        "invalid character class range",
                        Self::between(here, self.rest),
                    );
                }
            }
            if self.flags.fold {
                class.extend(folded(vec![(low, high)]));
            } else {
                class.push((low, high));
            }
        }
        self.rest = &self.rest[1..];
        let class = clean(class);
        Ok(if negative { negated(&class) } else { class })
    }

    fn class_character(&mut self, class: &[u8]) -> Result<i32, Problem> {
        match self.rest.first() {
            None => problem("missing closing ]", class),
            Some(b'\\') => self.escape(),
            Some(_) => {
                let (rune, after) = next_rune(self.rest)?;
                self.rest = after;
                Ok(rune)
            }
        }
    }
}

enum Group {
    /// `(?i)`: no group, the flags are set.
    Flags,
    /// `(?i:` with the flags within.
    Plain(Flags),
    Named(String),
}

/// `{n}`, `{n,}` or `{n,m}` and what follows; a number that is far too large is negative.
fn counted(text: &[u8]) -> Option<(i32, Option<i32>, &[u8])> {
    fn number(text: &[u8]) -> Option<(i32, &[u8])> {
        let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 || digits > 1 && text[0] == b'0' {
            return None;
        }
        let value = if digits > 8 {
            -1
        } else {
            text[..digits]
                .iter()
                .fold(0, |value, b| value * 10 + i32::from(b - b'0'))
        };
        Some((value, &text[digits..]))
    }
    let (mut least, rest) = number(&text[1..])?;
    match rest {
        [b'}', rest @ ..] => Some((least, Some(least), rest)),
        [b',', b'}', rest @ ..] => Some((least, None, rest)),
        [b',', rest @ ..] => {
            let (most, rest) = number(rest)?;
            if most < 0 {
                least = -1;
            }
            match rest {
                [b'}', rest @ ..] => Some((least, Some(most), rest)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn perl_ranges(letter: u8) -> Option<&'static [(u8, u8)]> {
    Some(match letter {
        b'd' => &[(b'0', b'9')],
        b's' => &[(b'\t', b'\n'), (12, b'\r'), (b' ', b' ')],
        b'w' => &[(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')],
        _ => return None,
    })
}

fn posix_ranges(name: &[u8]) -> Option<&'static [(u8, u8)]> {
    Some(match name {
        b"alnum" => &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')],
        b"alpha" => &[(b'A', b'Z'), (b'a', b'z')],
        b"ascii" => &[(0, 0x7F)],
        b"blank" => &[(b'\t', b'\t'), (b' ', b' ')],
        b"cntrl" => &[(0, 0x1F), (0x7F, 0x7F)],
        b"digit" => &[(b'0', b'9')],
        b"graph" => &[(b'!', b'~')],
        b"lower" => &[(b'a', b'z')],
        b"print" => &[(b' ', b'~')],
        b"punct" => &[(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')],
        b"space" => &[(b'\t', b'\r'), (b' ', b' ')],
        b"upper" => &[(b'A', b'Z')],
        b"word" => &[(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')],
        b"xdigit" => &[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')],
        _ => return None,
    })
}

/// The name of a table without what does not count: separators, and case but for the first letter.
fn canonical(name: &[u8]) -> String {
    let mut out = String::new();
    for byte in name.iter().filter(|b| !matches!(b, b'_' | b'-' | b' ')) {
        let byte = if out.is_empty() {
            byte.to_ascii_uppercase()
        } else {
            byte.to_ascii_lowercase()
        };
        out.push(char::from(byte));
    }
    out
}

/// Long names of categories, canonical.
#[rustfmt::skip]
const CATEGORIES: &[(&str, &str)] = &[
    ("Casedletter", "LC"), ("Closepunctuation", "Pe"), ("Combiningmark", "M"), ("Connectorpunctuation", "Pc"), ("Control", "Cc"),
    ("Currencysymbol", "Sc"), ("Dashpunctuation", "Pd"), ("Decimalnumber", "Nd"), ("Enclosingmark", "Me"), ("Finalpunctuation", "Pf"),
    ("Format", "Cf"), ("Initialpunctuation", "Pi"), ("Letter", "L"), ("Letternumber", "Nl"), ("Lineseparator", "Zl"),
    ("Lowercaseletter", "Ll"), ("Mark", "M"), ("Mathsymbol", "Sm"), ("Modifierletter", "Lm"), ("Modifiersymbol", "Sk"),
    ("Nonspacingmark", "Mn"), ("Number", "N"), ("Openpunctuation", "Ps"), ("Other", "C"), ("Otherletter", "Lo"), ("Othernumber", "No"),
    ("Otherpunctuation", "Po"), ("Othersymbol", "So"), ("Paragraphseparator", "Zp"), ("Privateuse", "Co"), ("Punctuation", "P"),
    ("Separator", "Z"), ("Spaceseparator", "Zs"), ("Spacingmark", "Mc"), ("Surrogate", "Cs"), ("Symbol", "S"), ("Titlecaseletter", "Lt"),
    ("Unassigned", "Cn"), ("Uppercaseletter", "Lu"), ("Cntrl", "Cc"), ("Digit", "Nd"), ("Punct", "P"),
];

/// The number of a category's or script's table by a canonical name.
fn named(name: &str) -> Option<usize> {
    let alias = || {
        let (_, short) = CATEGORIES.iter().find(|(long, _)| *long == name)?;
        tables::find('C', short)
    };
    tables::find('C', name)
        .or_else(|| tables::find('S', name))
        .or_else(alias)
        .or_else(|| {
            let mut scripts = tables::names('S');
            scripts
                .find(|(_, script)| canonical(script.as_bytes()) == name)
                .map(|(number, _)| number)
        })
}

/// The ranges of a category or script, and whether they are to be inverted.
fn table(name: &[u8]) -> Option<(Class, bool)> {
    let name = canonical(name);
    let found = match name.as_str() {
        "Any" => return Some((vec![(0, MAX_RUNE)], false)),
        "Ascii" => return Some((vec![(0, 0x7F)], false)),
        "Assigned" => return Some((of_table(tables::find('C', "Cn")?), true)),
        "Lc" => tables::find('C', "LC"),
        name => named(name),
    }?;
    Some((of_table(found), false))
}

fn of_table(number: usize) -> Class {
    let mut class = Vec::new();
    for &(first, last, stride) in tables::ranges(number) {
        if stride == 1 {
            class.push((first as i32, last as i32));
        } else {
            class.extend(
                (first..=last)
                    .step_by(stride as usize)
                    .map(|rune| (rune as i32, rune as i32)),
            );
        }
    }
    class
}

/// Sorts ranges and joins those that touch.
fn clean(mut class: Class) -> Class {
    class.sort_unstable();
    let mut out: Class = Vec::with_capacity(class.len());
    for (low, high) in class {
        match out.last_mut() {
            Some(last) if low <= last.1 + 1 => last.1 = last.1.max(high),
            _ => out.push((low, high)),
        }
    }
    out
}

/// Everything but a cleaned class.
fn negated(class: &Class) -> Class {
    let mut out = Vec::new();
    let mut next = 0;
    for &(low, high) in class {
        if next < low {
            out.push((next, low - 1));
        }
        next = high + 1;
    }
    if next <= MAX_RUNE {
        out.push((next, MAX_RUNE));
    }
    out
}

fn append(class: &mut Class, ranges: Class, negative: bool) {
    if negative {
        class.extend(negated(&ranges));
    } else {
        class.extend(ranges);
    }
}

/// The ranges, and every character that is like one of them but for case.
fn folded(ranges: Class) -> Class {
    /// Characters outside these bounds have no other case.
    const FIRST: i32 = 0x41;
    const LAST: i32 = 0x1_E943;
    let mut out = Vec::new();
    for (low, high) in ranges {
        out.push((low, high));
        if low <= FIRST && high >= LAST {
            continue;
        }
        for rune in low.max(FIRST)..=high.min(LAST) {
            let mut other = tables::simple_fold(rune);
            while other != rune {
                out.push((other, other));
                other = tables::simple_fold(other);
            }
        }
    }
    out
}
