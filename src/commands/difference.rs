//! The difference of two texts in unified form.
//!
//! Lines that are unique in both texts anchor it: the longest run of them that stands in the same order in both is kept, each
//! anchor grown over equal lines around it; what is between is replaced. That takes n·log n steps, and keeps no braces or empty lines
//! that only look alike.

use std::collections::HashMap;
use std::fmt::Write as _;

/// How many equal lines stand around what differs.
const CONTEXT: usize = 3;

/// Equal lines: from `old` and `new` on, so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Match {
    old: usize,
    new: usize,
    len: usize,
}

/// The difference, with a header that names the texts; empty if there is none.
pub fn unified(old_name: &str, old: &str, new_name: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    let mut out = format!("diff {old_name} {new_name}\n--- {old_name}\n+++ {new_name}\n");
    let old: Vec<&str> = old.split_inclusive('\n').collect();
    let new: Vec<&str> = new.split_inclusive('\n').collect();
    let matches = matches(&old, &new);
    let mut hunk = Hunk::default();
    let (mut old_at, mut new_at) = (0, 0);
    for (index, found) in matches.iter().enumerate() {
        hunk.replace(&old[old_at..found.old], &new[new_at..found.new]);
        (old_at, new_at) = (found.old + found.len, found.new + found.len);
        let equal = &old[found.old..old_at];
        let is_last = index + 1 == matches.len();
        if !hunk.is_empty() && !is_last && equal.len() <= 2 * CONTEXT {
            hunk.keep(equal);
            continue;
        }
        if !hunk.is_empty() {
            hunk.keep(&equal[..equal.len().min(CONTEXT)]);
            hunk.write(&mut out);
        }
        let context = if is_last { 0 } else { equal.len().min(CONTEXT) };
        hunk = Hunk {
            old: old_at - context,
            new: new_at - context,
            ..Hunk::default()
        };
        hunk.context(&equal[equal.len() - context..]);
    }
    out
}

/// A piece of the difference.
#[derive(Default)]
struct Hunk {
    /// Where it begins, from 0.
    old: usize,
    new: usize,
    old_len: usize,
    new_len: usize,
    text: String,
    differs: bool,
}

impl Hunk {
    fn is_empty(&self) -> bool {
        !self.differs
    }

    fn line(&mut self, mark: char, line: &str) {
        self.text.push(mark);
        self.text.push_str(line);
        if !line.ends_with('\n') {
            self.text.push_str("\n\\ No newline at end of file\n");
        }
    }

    fn context(&mut self, lines: &[&str]) {
        lines.iter().for_each(|line| self.line(' ', line));
        self.old_len += lines.len();
        self.new_len += lines.len();
    }

    fn keep(&mut self, lines: &[&str]) {
        self.context(lines);
    }

    fn replace(&mut self, old: &[&str], new: &[&str]) {
        old.iter().for_each(|line| self.line('-', line));
        new.iter().for_each(|line| self.line('+', line));
        self.old_len += old.len();
        self.new_len += new.len();
        self.differs |= !old.is_empty() || !new.is_empty();
    }

    fn write(&self, out: &mut String) {
        // A side without lines is named by the line before.
        let begin = |at: usize, len: usize| if len == 0 { at } else { at + 1 };
        let _ = writeln!(
            out,
            "@@ -{},{} +{},{} @@",
            begin(self.old, self.old_len),
            self.old_len,
            begin(self.new, self.new_len),
            self.new_len
        );
        out.push_str(&self.text);
    }
}

/// What is equal, in order; the last match is at the end of both and may be empty.
fn matches(old: &[&str], new: &[&str]) -> Vec<Match> {
    let mut found: Vec<Match> = Vec::new();
    let (mut old_end, mut new_end) = (0, 0);
    // The beginnings and the ends of the texts are anchors, too.
    let anchors = std::iter::once((0, 0))
        .chain(anchors(old, new))
        .chain(std::iter::once((old.len(), new.len())));
    for (mut old_at, mut new_at) in anchors {
        let is_known = !found.is_empty() && (old_end, new_end) == (old.len(), new.len());
        if old_at < old_end || is_known {
            continue;
        }
        let (anchor_old, anchor_new) = (old_at, new_at);
        while old_at > old_end && new_at > new_end && old[old_at - 1] == new[new_at - 1] {
            old_at -= 1;
            new_at -= 1;
        }
        (old_end, new_end) = (anchor_old, anchor_new);
        while old_end < old.len() && new_end < new.len() && old[old_end] == new[new_end] {
            old_end += 1;
            new_end += 1;
        }
        let len = old_end - old_at;
        let is_end = anchor_old == old.len() && anchor_new == new.len();
        if len > 0 || is_end {
            found.push(Match {
                old: old_at,
                new: new_at,
                len,
            });
        }
    }
    let reaches_end = found
        .last()
        .is_some_and(|last| last.old + last.len == old.len() && last.new + last.len == new.len());
    if !reaches_end {
        found.push(Match {
            old: old.len(),
            new: new.len(),
            len: 0,
        });
    }
    found
}

/// The longest run of lines, unique in both texts, that stand in the same order in both.
fn anchors(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
    let mut places: HashMap<&str, (usize, usize, usize, usize)> = HashMap::new();
    for (at, line) in old.iter().enumerate() {
        let place = places.entry(line).or_default();
        place.0 += 1;
        place.1 = at;
    }
    for (at, line) in new.iter().enumerate() {
        let place = places.entry(line).or_default();
        place.2 += 1;
        place.3 = at;
    }
    let pairs: Vec<(usize, usize)> = old
        .iter()
        .filter_map(|line| match places[line] {
            (1, old, 1, new) => Some((old, new)),
            _ => None,
        })
        .collect();
    // For each length the pair with the smallest place in `new` that ends a run of it, and for each pair the one before.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (index, &(_, new)) in pairs.iter().enumerate() {
        let len = ends.partition_point(|&end| pairs[end].1 < new);
        before.push(len.checked_sub(1).map(|shorter| ends[shorter]));
        if len == ends.len() {
            ends.push(index);
        } else {
            ends[len] = index;
        }
    }
    let mut run = Vec::with_capacity(ends.len());
    let mut next = ends.last().copied();
    while let Some(index) = next {
        run.push(pairs[index]);
        next = before[index];
    }
    run.reverse();
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_do_not_differ() {
        assert_eq!(unified("a", "x\n", "b", "x\n"), "");
    }

    #[test]
    fn lines_around_a_change_are_shown() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let new = old.replace('5', "five");
        let shown = unified("a", old, "b", &new);
        assert_eq!(
            shown,
            "diff a b\n--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        );
    }

    #[test]
    fn far_changes_are_pieces_of_their_own() {
        let old: String = (0..40).map(|line| format!("{line}\n")).collect();
        let new = old.replace("3\n", "three\n").replace("30\n", "");
        let shown = unified("a", &old, "b", &new);
        assert_eq!(shown.matches("@@ -").count(), 3, "{shown}");
    }

    #[test]
    fn texts_without_lines_or_line_ends() {
        assert_eq!(
            unified("a", "", "b", "x\n"),
            "diff a b\n--- a\n+++ b\n@@ -0,0 +1,1 @@\n+x\n"
        );
        assert_eq!(
            unified("a", "x", "b", "x\n"),
            "diff a b\n--- a\n+++ b\n@@ -1,1 +1,1 @@\n-x\n\\ No newline at end of file\n+x\n"
        );
    }
}
