//! Searching and cutting of byte strings: what packages strings and bytes share. Results are ranges of the input.

use std::ops::Range;

use memchr::memmem;
use vm::native::{Pace, STRETCH, is_abandoned};

use crate::unicode::tables::{self, is_space};
use crate::unicode::utf8::{
    RUNE_ERROR, append_rune, decode, decode_last, encode, is_valid_rune, rune_count,
};

/// Searches are quick: they go on for so long before they ask whether anybody wants what they find.
pub const WINDOW: usize = 16 * STRETCH;

/// The places of a text that is not empty in another, without overlap. When the program is ending there are no more.
struct Places<'t> {
    text: &'t [u8],
    finder: memmem::Finder<'t>,
    at: usize,
}

impl<'t> Places<'t> {
    fn new(text: &'t [u8], part: &'t [u8]) -> Places<'t> {
        let (finder, at) = (memmem::Finder::new(part), 0);
        Places { text, finder, at }
    }
}

impl Iterator for Places<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let length = self.finder.needle().len();
        // A long part is looked for in long windows, which then overlap no more than they are long.
        let window = WINDOW.max(length);
        while self.at + length <= self.text.len() {
            let end = (self.at + window + length - 1).min(self.text.len());
            if let Some(found) = self.finder.find(&self.text[self.at..end]) {
                let place = self.at + found;
                self.at = place + length;
                return Some(place);
            }
            self.at += window;
            if self.at + length <= self.text.len() && is_abandoned() {
                return None;
            }
        }
        None
    }
}

/// The first place of `part` in `text`.
pub fn index(text: &[u8], part: &[u8]) -> Option<usize> {
    match part {
        [] => Some(0),
        _ if part.len() > text.len() => None,
        _ if text.len() > WINDOW => Places::new(text, part).next(),
        [b] => memchr::memchr(*b, text),
        _ => memmem::find(text, part),
    }
}

/// The last place of `part` in `text`.
pub fn last_index(text: &[u8], part: &[u8]) -> Option<usize> {
    match part {
        [] => return Some(text.len()),
        [b] if text.len() <= WINDOW => return memchr::memrchr(*b, text),
        _ => {}
    }
    let finder = memmem::FinderRev::new(part);
    let window = WINDOW.max(part.len());
    let mut end = text.len();
    while end >= part.len() {
        let start = end.saturating_sub(window + part.len() - 1);
        if let Some(found) = finder.rfind(&text[start..end]) {
            return Some(start + found);
        }
        if start == 0 || is_abandoned() {
            return None;
        }
        // Places that would have begun before the window are next.
        end = start + part.len() - 1;
    }
    None
}

/// How often `part` stands in `text` without overlap; of an empty one, the characters plus one.
pub fn count(text: &[u8], part: &[u8]) -> usize {
    match part {
        [] => rune_count(text) + 1,
        [b] => in_windows(text)
            .map(|window| memchr::memchr_iter(*b, window).count())
            .sum(),
        _ => {
            let mut pace = Pace::default();
            let places = Places::new(text, part);
            // A place costs more than its bytes.
            places
                .take_while(|_| !pace.is_over_after(part.len() + 16))
                .count()
        }
    }
}

/// The text in pieces, until nobody wants them any more.
pub fn in_windows(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let windows = text.chunks(WINDOW);
    windows.take_while(|window| window.len() < WINDOW || !is_abandoned())
}

/// The first place of a character; of U+FFFD, also of any invalid byte; none of what is no character.
pub fn index_rune(text: &[u8], rune: i32) -> Option<usize> {
    if rune == RUNE_ERROR {
        let (mut at, mut pace) = (0, Pace::default());
        while at < text.len() {
            let (found, width) = decode(&text[at..]);
            if found == RUNE_ERROR || pace.is_over_after(width) {
                return Some(at);
            }
            at += width;
        }
        return None;
    }
    if !is_valid_rune(rune) {
        return None;
    }
    let (bytes, width) = encode(rune);
    index(text, &bytes[..width])
}

/// A set of characters. Invalid bytes in it stand for U+FFFD.
pub struct Set {
    ascii: [bool; 128],
    others: Vec<i32>,
}

impl Set {
    pub fn new(characters: &[u8]) -> Set {
        let mut set = Set {
            ascii: [false; 128],
            others: Vec::new(),
        };
        let (mut at, mut pace) = (0, Pace::default());
        while at < characters.len() {
            let (rune, width) = decode(&characters[at..]);
            at += width;
            if pace.is_over_after(width) {
                break;
            }
            match usize::try_from(rune) {
                Ok(b @ 0..128) => set.ascii[b] = true,
                // Texts repeat themselves.
                _ if set.others.last() != Some(&rune) => set.others.push(rune),
                _ => {}
            }
        }
        set.others.sort_unstable();
        set.others.dedup();
        set
    }

    pub fn contains(&self, rune: i32) -> bool {
        match usize::try_from(rune) {
            Ok(b @ 0..128) => self.ascii[b],
            _ => self.others.binary_search(&rune).is_ok(),
        }
    }
}

/// The first place of a character that `wanted` accepts.
pub fn find(text: &[u8], wanted: impl Fn(i32) -> bool) -> Option<usize> {
    let (mut at, mut pace) = (0, Pace::default());
    while at < text.len() {
        let (rune, width) = decode(&text[at..]);
        if wanted(rune) || pace.is_over_after(width) {
            return Some(at);
        }
        at += width;
    }
    None
}

/// The last place of a character that `wanted` accepts, and its width.
pub fn find_last(text: &[u8], wanted: impl Fn(i32) -> bool) -> Option<(usize, usize)> {
    let (mut end, mut pace) = (text.len(), Pace::default());
    while end > 0 {
        let (rune, width) = decode_last(&text[..end]);
        if wanted(rune) || pace.is_over_after(width) {
            return Some((end - width, width));
        }
        end -= width;
    }
    None
}

/// Without the characters in front that `unwanted` accepts.
pub fn trim_start(text: &[u8], unwanted: impl Fn(i32) -> bool) -> usize {
    find(text, |rune| !unwanted(rune)).unwrap_or(text.len())
}

/// The end without the characters at the end that `unwanted` accepts.
pub fn trim_end(text: &[u8], unwanted: impl Fn(i32) -> bool) -> usize {
    find_last(text, |rune| !unwanted(rune)).map_or(0, |(at, width)| at + width)
}

/// The range without white space around.
pub fn trim_space(text: &[u8]) -> Range<usize> {
    let start = trim_start(text, is_space);
    start..start + trim_end(&text[start..], is_space)
}

/// The words between white space.
pub fn fields(text: &[u8]) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    fields_each(text, |word| words.push(word));
    words
}

/// As [`fields`], one word after the other.
pub fn fields_each(text: &[u8], mut take: impl FnMut(Range<usize>)) {
    let (mut at, mut start, mut pace) = (0, None, Pace::default());
    while at < text.len() {
        let b = text[at];
        // A word costs more than its bytes.
        if pace.is_over_after(4) {
            break;
        }
        let (space, width) = if b < 0x80 {
            (matches!(b, 9..=13 | 32), 1)
        } else {
            let (rune, width) = decode(&text[at..]);
            (is_space(rune), width)
        };
        match (space, start) {
            (true, Some(from)) => {
                take(from..at);
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
        at += width;
    }
    if let Some(from) = start {
        take(from..text.len());
    }
}

/// The parts between separators, each with `keep` bytes of the separator behind it; at most `limit` parts if that is not negative.
pub fn split(text: &[u8], separator: &[u8], keep: usize, limit: i64) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    split_each(text, separator, keep, limit, |part| parts.push(part));
    parts
}

/// As [`split`], one part after the other.
pub fn split_each(
    text: &[u8],
    separator: &[u8],
    keep: usize,
    limit: i64,
    mut take: impl FnMut(Range<usize>),
) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if limit == 0 {
        return;
    }
    let (mut taken, mut pace) = (0, Pace::default());
    // Answers how many were taken; enough, when nobody wants them any more.
    let mut take = |part: Range<usize>| {
        let over = pace.is_over_after(part.len() + 16);
        take(part);
        taken += 1;
        if over { limit } else { taken }
    };
    if separator.is_empty() {
        // Between characters.
        let (mut at, mut parts) = (0, 0);
        while at < text.len() {
            if parts >= limit {
                return;
            }
            if parts + 1 == limit {
                take(at..text.len());
                return;
            }
            let width = decode(&text[at..]).1;
            parts = take(at..at + width);
            at += width;
        }
        return;
    }
    let (mut start, mut parts) = (0, 0);
    if let [b] = separator {
        for at in memchr::memchr_iter(*b, text) {
            if parts >= limit {
                return;
            }
            if parts + 1 == limit {
                break;
            }
            parts = take(start..at + keep);
            start = at + 1;
        }
    } else {
        for at in Places::new(text, separator) {
            if parts >= limit {
                return;
            }
            if parts + 1 == limit {
                break;
            }
            parts = take(start..at + keep);
            start = at + separator.len();
        }
    }
    take(start..text.len());
}

/// With `old` replaced by `new`, at most `limit` times if that is not negative. An empty `old` stands before every character and
/// at the end. `None` if nothing is to be replaced.
pub fn replace(text: &[u8], old: &[u8], new: &[u8], limit: i64) -> Option<Vec<u8>> {
    if old == new || limit == 0 {
        return None;
    }
    let mut limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut out, mut pace) = (Vec::new(), Pace::default());
    let mut start = 0;
    if old.is_empty() {
        out.extend_from_slice(new);
        limit -= 1;
        while start < text.len() && limit > 0 && !pace.is_over_after(new.len() + 8) {
            let width = decode(&text[start..]).1;
            out.extend_from_slice(&text[start..start + width]);
            out.extend_from_slice(new);
            start += width;
            limit -= 1;
        }
    } else {
        let mut found = false;
        for at in Places::new(text, old).take(limit) {
            if !found {
                out.reserve(text.len());
            }
            found = true;
            out.extend_from_slice(&text[start..at]);
            out.extend_from_slice(new);
            start = at + old.len();
            if pace.is_over_after(old.len() + new.len() + 16) {
                break;
            }
        }
        if !found {
            return None;
        }
    }
    out.extend_from_slice(&text[start..]);
    Some(out)
}

/// In another case; `None` if nothing changes.
pub fn to_case(text: &[u8], case: usize) -> Option<Vec<u8>> {
    if text.is_ascii() {
        let changes = if case == tables::LOWER {
            text.iter().any(u8::is_ascii_uppercase)
        } else {
            text.iter().any(u8::is_ascii_lowercase)
        };
        return changes.then(|| {
            if case == tables::LOWER {
                text.to_ascii_lowercase()
            } else {
                text.to_ascii_uppercase()
            }
        });
    }
    let mut out = Vec::with_capacity(text.len());
    let (mut at, mut pace) = (0, Pace::default());
    while at < text.len() && !pace.is_over_after(8) {
        let (rune, width) = decode(&text[at..]);
        append_rune(&mut out, tables::to_case(case, rune));
        at += width;
    }
    (out != text).then_some(out)
}

/// Whether the texts are the same but for case.
pub fn equal_fold(mut a: &[u8], mut b: &[u8]) -> bool {
    let mut pace = Pace::default();
    while !a.is_empty() && !b.is_empty() && !pace.is_over_after(4) {
        let ((x, i), (y, j)) = (decode(a), decode(b));
        (a, b) = (&a[i..], &b[j..]);
        if x == y || x < 0x80 && y < 0x80 && (x as u8).eq_ignore_ascii_case(&(y as u8)) {
            continue;
        }
        let mut fold = tables::simple_fold(x);
        while fold != x && fold != y {
            fold = tables::simple_fold(fold);
        }
        if fold != y {
            return false;
        }
    }
    a.is_empty() && b.is_empty()
}

/// Runs of invalid bytes replaced; `None` if there are none.
pub fn to_valid(text: &[u8], replacement: &[u8]) -> Option<Vec<u8>> {
    if std::str::from_utf8(text).is_ok() {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let (mut at, mut invalid, mut pace) = (0, false, Pace::default());
    while at < text.len() && !pace.is_over_after(4) {
        let (rune, width) = decode(&text[at..]);
        if width == 1 && rune == RUNE_ERROR {
            if !invalid {
                out.extend_from_slice(replacement);
            }
            invalid = true;
        } else {
            invalid = false;
            out.extend_from_slice(&text[at..at + width]);
        }
        at += width;
    }
    Some(out)
}

/// The first letter of each word in title case.
pub fn title(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let (mut at, mut previous, mut pace) = (0, i32::from(b' '), Pace::default());
    while at < text.len() && !pace.is_over_after(8) {
        let (rune, width) = decode(&text[at..]);
        append_rune(
            &mut out,
            if is_separator(previous) {
                tables::to_case(tables::TITLE, rune)
            } else {
                rune
            },
        );
        previous = rune;
        at += width;
    }
    out
}

fn is_separator(rune: i32) -> bool {
    match u8::try_from(rune) {
        Ok(b) if b < 0x80 => !(b.is_ascii_alphanumeric() || b == b'_'),
        _ => !tables::is_letter(rune) && !tables::is_digit(rune) && is_space(rune),
    }
}

/// Replaces by a list of pairs: at each place the first pair that fits goes ahead. `None` if nothing fits.
pub fn replace_pairs(text: &[u8], pairs: &[(&[u8], &[u8])]) -> Option<Vec<u8>> {
    // Which pairs can fit at a byte: all that begin with it, in order; empty ones fit everywhere.
    let mut begins = [false; 256];
    let mut anywhere = false;
    for (old, _) in pairs {
        match old.first() {
            Some(&b) => begins[usize::from(b)] = true,
            None => anywhere = true,
        }
    }
    let mut out = Vec::with_capacity(text.len());
    let (mut at, mut last, mut changed, mut after_empty) = (0, 0, false, false);
    let mut pace = Pace::default();
    while at <= text.len() {
        if pace.is_over_after(2) {
            break;
        }
        if !anywhere && at < text.len() && !begins[usize::from(text[at])] {
            at += 1;
            continue;
        }
        let fit = pairs.iter().find(|(old, _)| {
            pace.is_over_after(8) || text[at..].starts_with(old) && !(old.is_empty() && after_empty)
        });
        after_empty = fit.is_some_and(|(old, _)| old.is_empty());
        let Some((old, new)) = fit else {
            at += 1;
            continue;
        };
        changed = true;
        out.extend_from_slice(&text[last..at]);
        out.extend_from_slice(new);
        at += old.len();
        last = at;
    }
    if !changed {
        return None;
    }
    out.extend_from_slice(&text[last.min(text.len())..]);
    Some(out)
}
