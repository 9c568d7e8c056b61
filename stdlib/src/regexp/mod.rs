//! Natives of package regexp: Go's syntax and semantics in linear time.
//!
//! [`parse`] reads a pattern, [`compile`] makes a program of it, a string of numbers that the script holds like any other value, and
//! [`execute`] runs a program over a text. So nothing of a regular expression lives outside the heap, and each call is complete in itself.
//!
//! GO: regexp, regexp/syntax. An engine of our own, because the classes, the limits, the error texts and the two kinds of match (first
//! and longest) must be Go's.

mod compile;
mod execute;
mod parse;

use execute::{Machine, Program};
use vm::border::{Bytes, GoStr};
use vm::native::is_abandoned;
use vm::natives;

/// Flags of a pattern; the numbers are regexp.gl's.
const PERL: i64 = 1;

type Compiled = (Bytes, Vec<String>, String, Bytes);

/// Program, names of groups, and if the pattern is wrong what and where.
fn compile_pattern(pattern: GoStr<'_>, flags: i64) -> Compiled {
    match parse::parse(&pattern, flags & PERL != 0)
        .and_then(|parsed| Ok((compile::compile(&parsed.tree, parsed.names.len())?, parsed)))
    {
        Ok((program, parsed)) => {
            let bytes = program.iter().flat_map(|number| number.to_le_bytes());
            (
                Bytes(bytes.collect()),
                parsed.names,
                String::new(),
                Bytes::default(),
            )
        }
        Err(problem) => {
            let place = problem.place.unwrap_or_else(|| pattern.to_vec());
            (
                Bytes::default(),
                Vec::new(),
                problem.code.to_string(),
                Bytes(place),
            )
        }
    }
}

fn matches(program: GoStr<'_>, text: GoStr<'_>) -> bool {
    let program = Program::new(&program);
    let stop = || is_abandoned();
    Machine::new(&program, &text, 0, false, &stop)
        .find(0)
        .is_some()
}

/// How many slots to fill: those of the whole match at least.
fn at_least_two(slots: i64) -> usize {
    usize::try_from(slots).unwrap_or(0).max(2)
}

/// Slots as the script wants them: -1 for groups that took no part.
fn numbers(slots: &[usize], into: &mut Vec<i64>) {
    into.extend(slots.iter().map(|slot| i64::try_from(*slot).unwrap_or(-1)));
}

/// The first match from `from` on: two numbers for each of `slots / 2` groups, or nothing.
fn find(program: GoStr<'_>, text: GoStr<'_>, from: i64, slots: i64, longest: bool) -> Vec<i64> {
    let stop = || is_abandoned();
    let (program, slots) = (Program::new(&program), at_least_two(slots));
    let mut found = Vec::new();
    if let Ok(from) = usize::try_from(from)
        && let Some(places) = Machine::new(&program, &text, slots, longest, &stop).find(from)
    {
        numbers(&places, &mut found);
    }
    found
}

/// All matches that do not overlap, at most `most` if that is not negative. An empty match next to the one before does not count.
fn find_all(program: GoStr<'_>, text: GoStr<'_>, most: i64, slots: i64, longest: bool) -> Vec<i64> {
    let stop = || is_abandoned();
    let (program, slots) = (Program::new(&program), at_least_two(slots));
    let mut machine = Machine::new(&program, &text, slots, longest, &stop);
    let mut found = Vec::new();
    let (mut at, mut last) = (0, None);
    let mut left = u64::try_from(most).unwrap_or(u64::MAX);
    while left > 0 && at <= text.len() {
        let Some(places) = machine.find(at) else {
            break;
        };
        let (start, end) = (places[0], places[1]);
        let counts = if end == at {
            at += execute::width(&text, at).max(1);
            last != Some(start)
        } else {
            at = end;
            true
        };
        last = Some(end);
        if counts {
            numbers(&places, &mut found);
            left -= 1;
        }
    }
    found
}

/// The matches that are replaced by ReplaceAll, which goes on a little differently after an empty match.
fn find_replaced(program: GoStr<'_>, text: GoStr<'_>, slots: i64, longest: bool) -> Vec<i64> {
    let stop = || is_abandoned();
    let (program, slots) = (Program::new(&program), at_least_two(slots));
    let mut machine = Machine::new(&program, &text, slots, longest, &stop);
    let mut found = Vec::new();
    let (mut at, mut last) = (0, 0);
    while at <= text.len() {
        let Some(places) = machine.find(at) else {
            break;
        };
        let (start, end) = (places[0], places[1]);
        if end > last || start == 0 {
            numbers(&places, &mut found);
        }
        last = end;
        let width = execute::width(&text, at);
        at = if at + width > end {
            at + width
        } else if at + 1 > end {
            at + 1
        } else {
            end
        };
    }
    found
}

/// The text that every match begins with, and whether it is the whole match.
fn prefix(program: GoStr<'_>) -> (Bytes, bool) {
    let (text, complete) = Program::new(&program).prefix();
    (Bytes(text), complete)
}

natives! {
    pure "compile" => compile_pattern;
    pure "matches" => matches;
    pure "find" => find;
    pure "findAll" => find_all;
    pure "findReplaced" => find_replaced;
    pure "prefix" => prefix;
}
