//! Doc comments as plain text for a terminal: paragraphs are wrapped, code is indented, links lose their brackets.
//!
//! GO: go/doc/comment/text.go; the lines are broken where the sum of squares of what is missing to the full width is least.

use crate::doc_comment::{Block, Definitions, blocks, write_text};

/// Shows the text of a doc comment (without slashes). `prefix` stands before every line, `code_prefix` before lines of code; `is_link` says
/// whether what stands in brackets names something that is documented.
///
/// Ends in a line end, unless there is nothing to show.
pub fn doc_text(
    comment: &str,
    prefix: &str,
    code_prefix: &str,
    is_link: &dyn Fn(&str) -> bool,
) -> String {
    let (blocks, definitions) = blocks(comment);
    let mut printer = Printer {
        out: String::new(),
        prefix,
        code_prefix,
        width: 80usize.saturating_sub(prefix.chars().count()),
        definitions,
        is_link,
    };
    for (index, block) in blocks.iter().enumerate() {
        if index > 0 && block.is_blank_before() {
            printer.end_line();
        }
        printer.block(block);
    }
    let used = printer.definitions.all.iter().filter(|link| link.is_used);
    let used: String = used
        .map(|link| format!("[{}]: {}\n", link.text, link.url))
        .collect();
    if !used.is_empty() {
        printer.end_line();
        printer.out.push_str(&used);
    }
    printer.out
}

struct Printer<'a> {
    out: String,
    prefix: &'a str,
    code_prefix: &'a str,
    width: usize,
    definitions: Definitions,
    is_link: &'a dyn Fn(&str) -> bool,
}

impl Printer<'_> {
    fn end_line(&mut self) {
        let length = self.out.trim_end_matches([' ', '\t']).len();
        self.out.truncate(length);
        self.out.push('\n');
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Paragraph(text) => {
                self.out.push_str(self.prefix);
                self.text("", text);
            }
            Block::Heading(text) => {
                self.out.push_str(self.prefix);
                self.out.push_str("# ");
                self.text("", text);
            }
            Block::Code(text) => {
                for line in text.split_terminator('\n') {
                    if !line.is_empty() {
                        self.out.push_str(self.code_prefix);
                        self.out.push_str(line);
                    }
                    self.end_line();
                }
            }
            Block::List(list) => {
                for (index, item) in list.items.iter().enumerate() {
                    if index > 0 && list.is_loose() {
                        self.end_line();
                    }
                    self.out.push_str(self.prefix);
                    self.out.push(' ');
                    match item.number.as_str() {
                        "" => self.out.push_str(" - "),
                        number => {
                            self.out.push_str(number);
                            self.out.push_str(". ");
                        }
                    }
                    for (index, paragraph) in item.paragraphs.iter().enumerate() {
                        if index > 0 {
                            self.end_line();
                            self.out.push_str(self.prefix);
                            self.out.push_str("    ");
                        }
                        self.text("    ", paragraph);
                    }
                }
            }
        }
    }

    fn text(&mut self, indent: &str, text: &str) {
        let text = self.plain(text);
        let words: Vec<&str> = text.split_whitespace().collect();
        for (index, line) in wrap(&words, self.width - indent.len()).iter().enumerate() {
            if index > 0 {
                self.out.push_str(self.prefix);
                self.out.push_str(indent);
            }
            self.out.push_str(&line.join(" "));
            self.end_line();
        }
        if words.is_empty() {
            self.end_line();
        }
    }

    /// Without the brackets of links, with typographic quotes.
    fn plain(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('[') {
            let behind = &rest[open + 1..];
            let inside = match behind.find(['[', ']']) {
                Some(end) if behind[end..].starts_with(']') => &behind[..end],
                // Another bracket opens first: this one is none of a link.
                _ => {
                    write_text(&mut out, &rest[..=open], true);
                    rest = behind;
                    continue;
                }
            };
            let name = inside.split_whitespace().collect::<Vec<_>>().join(" ");
            let definition = self.definitions.by_text.get(&name).copied();
            let before = rest[..open].chars().next_back();
            let after = behind[inside.len() + 1..].chars().next();
            let stands_alone =
                |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || c.is_ascii_punctuation());
            write_text(&mut out, &rest[..open], true);
            if let Some(index) = definition {
                self.definitions.all[index].is_used = true;
                write_text(&mut out, inside, false);
            } else if stands_alone(before) && stands_alone(after) && (self.is_link)(inside) {
                out.push_str(inside);
            } else {
                out.push('[');
                write_text(&mut out, inside, true);
                out.push(']');
            }
            rest = &behind[inside.len() + 1..];
        }
        write_text(&mut out, rest, true);
        out
    }
}

/// Breaks words into lines of at most `max` characters (longer only if a word is), so that the squares of what lines lack add up to least;
/// lines that end in punctuation are cheaper. The last line is free.
///
/// Go finds the breaks with an algorithm for weights of a certain kind, which those for punctuation are not quite; lines end where
/// Go's end, so it is the same here. For each word it keeps where the last line may begin that ends there: candidates in a row, of
/// which a later one, once better than those before it, stays better.
///
/// GO: go/doc/comment/text.go `wrap`; Galil and Park, "A linear-time algorithm for concave one-dimensional dynamic programming".
fn wrap<'w>(words: &'w [&'w str], max: usize) -> Vec<&'w [&'w str]> {
    let count = words.len();
    if count == 0 {
        return Vec::new();
    }
    // Where words begin on one endless line.
    let mut starts = vec![0i64];
    for word in words {
        starts.push(starts[starts.len() - 1] + word.chars().count() as i64 + 1);
    }
    let lines = Lines {
        words,
        starts,
        max: max as i64,
    };
    // The cost of the words before each, and where the line before it begins.
    let mut costs: Vec<Score> = vec![(0, 0)];
    let mut begins = vec![0];
    let mut candidates = std::collections::VecDeque::from([0]);
    for next in 1..count {
        let first = candidates[0];
        costs.push(lines.cost(&costs, first, next));
        begins.push(first);
        let is_late = |candidates: &std::collections::VecDeque<usize>| {
            candidates.len() > 1
                && lines.cost(&costs, candidates[1], next + 1)
                    <= lines.cost(&costs, candidates[0], next + 1)
        };
        while is_late(&candidates) {
            candidates.pop_front();
        }
        while let [.., before, last] = candidates.make_contiguous()
            && lines.outdone(&costs, *before, *last, next)
        {
            candidates.pop_back();
        }
        let last = candidates[candidates.len() - 1];
        if lines.cost(&costs, next, count) < lines.cost(&costs, last, count) {
            candidates.push_back(next);
            if candidates.len() == 2 && is_late(&candidates) {
                candidates.pop_front();
            }
        }
    }
    begins.push(candidates[0]);
    let mut broken = Vec::new();
    let mut end = count;
    while end > 0 {
        let from = begins[end];
        broken.push(&words[from..end]);
        end = from;
    }
    broken.reverse();
    broken
}

/// What lines are too long by, squared, then what they are too short by.
type Score = (i64, i64);

struct Lines<'w> {
    words: &'w [&'w str],
    starts: Vec<i64>,
    max: i64,
}

impl Lines<'_> {
    /// The cost of a line.
    fn weight(&self, from: usize, to: usize) -> Score {
        let length = self.starts[to] - 1 - self.starts[from];
        if to == self.words.len() && length <= self.max {
            return (0, 0);
        }
        let penalty = match self.words[to - 1].ends_with(['.', ',', ':', ';']) {
            true => 0,
            false => 64,
        };
        let square = (self.max - length) * (self.max - length);
        match length > self.max {
            true => (square, penalty),
            false => (0, square + penalty),
        }
    }

    /// The cost of all words before `to` if the last line begins at `from`.
    fn cost(&self, costs: &[Score], from: usize, to: usize) -> Score {
        let line = self.weight(from, to);
        (costs[from].0 + line.0, costs[from].1 + line.1)
    }

    /// Is `middle` never the best of three places for a line to begin?
    fn outdone(&self, costs: &[Score], first: usize, middle: usize, last: usize) -> bool {
        let ends = last..self.words.len() + 1;
        let (mut low, mut high) = (ends.start, ends.end);
        while low < high {
            let end = low + (high - low) / 2;
            // What comes behind the middle is looked at as if it began there.
            if self.cost(costs, first, end) > self.cost(costs, middle, end) {
                high = end;
            } else {
                low = end + 1;
            }
        }
        low > self.words.len() || self.cost(costs, last, low) <= self.cost(costs, middle, low)
    }
}

#[cfg(test)]
mod tests {
    use super::doc_text;

    #[test]
    fn paragraphs_lists_code_and_links() {
        let comment = "F does [what] it does, see [Other] and [nothing].\n\nCode:\n\n\tx := 1\n\nList:\n  - one\n  - two\n\n[what]: https://go.dev";
        let text = doc_text(comment, "    ", "        ", &|name| name == "Other");
        assert_eq!(
            text,
            "    F does what it does, see Other and [nothing].\n\n    Code:\n\n        x := 1\n\n    List:\n      - one\n      - two\n\n[what]: https://go.dev\n"
        );
    }
}
