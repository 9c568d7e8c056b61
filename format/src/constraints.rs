//! Build constraints: `//go:build` and `// +build` lines stand together, at the beginning of a file, and say the same.
//!
//! GO: go/printer/gobuild.go, go/build/constraint/expr.go

use crate::printer::ESCAPE;

/// How many operands an expression may have.
const MAX_SIZE: usize = 1000;
/// How many operators a `+build` line may have.
const MAX_OLD_SIZE: usize = 100;

/// The expression of a `//go:build` line.
fn split_go_build(line: &str) -> Option<&str> {
    split(line.strip_prefix("//go:build").map(str::trim_end)?)
}

/// The expression of a `// +build` line.
fn split_plus_build(line: &str) -> Option<&str> {
    split(line.strip_prefix("//")?.trim().strip_prefix("+build")?)
}

/// What stands behind the word, if white space does.
fn split(rest: &str) -> Option<&str> {
    let trimmed = rest.trim();
    (rest.is_empty() || trimmed.len() < rest.len()).then_some(trimmed)
}

pub(crate) fn is_go_build(line: &str) -> bool {
    split_go_build(line).is_some()
}

pub(crate) fn is_plus_build(line: &str) -> bool {
    split_plus_build(line).is_some()
}

/// A constraint.
#[derive(Clone, PartialEq)]
enum Expr {
    Tag(String),
    Not(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
}

impl Expr {
    fn and(self, other: Expr) -> Expr {
        Expr::And(Box::new(self), Box::new(other))
    }

    fn or(self, other: Expr) -> Expr {
        Expr::Or(Box::new(self), Box::new(other))
    }

    fn text(&self) -> String {
        let enclosed = |inner: &Expr, encloses: bool| {
            let text = inner.text();
            if encloses { format!("({text})") } else { text }
        };
        match self {
            Expr::Tag(tag) => tag.clone(),
            Expr::Not(inner) => {
                let encloses = matches!(**inner, Expr::And(..) | Expr::Or(..));
                format!("!{}", enclosed(inner, encloses))
            }
            Expr::And(left, right) => {
                let side = |inner: &Expr| enclosed(inner, matches!(inner, Expr::Or(..)));
                format!("{} && {}", side(left), side(right))
            }
            Expr::Or(left, right) => {
                let side = |inner: &Expr| enclosed(inner, matches!(inner, Expr::And(..)));
                format!("{} || {}", side(left), side(right))
            }
        }
    }

    /// With negations before tags only.
    fn push_not(&self, negate: bool) -> Expr {
        match self {
            Expr::Tag(_) if negate => Expr::Not(Box::new(self.clone())),
            Expr::Tag(_) => self.clone(),
            Expr::Not(inner) => inner.push_not(!negate),
            Expr::And(left, right) => {
                let (left, right) = (left.push_not(negate), right.push_not(negate));
                if negate {
                    left.or(right)
                } else {
                    left.and(right)
                }
            }
            Expr::Or(left, right) => {
                let (left, right) = (left.push_not(negate), right.push_not(negate));
                if negate {
                    left.and(right)
                } else {
                    left.or(right)
                }
            }
        }
    }

    fn conjuncts(&self) -> Vec<&Expr> {
        match self {
            Expr::And(left, right) => [left.conjuncts(), right.conjuncts()].concat(),
            _ => vec![self],
        }
    }

    fn disjuncts(&self) -> Vec<&Expr> {
        match self {
            Expr::Or(left, right) => [left.disjuncts(), right.disjuncts()].concat(),
            _ => vec![self],
        }
    }
}

/// Reads an expression; nesting is bounded by [`MAX_SIZE`].
struct Parser<'l> {
    rest: &'l str,
    token: &'l str,
    is_tag: bool,
    size: usize,
}

fn is_tag_letter(character: char) -> bool {
    character.is_alphabetic() || character.is_numeric() || character == '_' || character == '.'
}

impl<'l> Parser<'l> {
    fn parse(text: &'l str) -> Option<Expr> {
        let mut parser = Parser {
            rest: text,
            token: "",
            is_tag: false,
            size: 0,
        };
        let expr = parser.or()?;
        parser.token.is_empty().then_some(expr)
    }

    fn or(&mut self) -> Option<Expr> {
        let mut left = self.and()?;
        while self.token == "||" {
            left = left.or(self.and()?);
        }
        Some(left)
    }

    fn and(&mut self) -> Option<Expr> {
        let mut left = self.not()?;
        while self.token == "&&" {
            left = left.and(self.not()?);
        }
        Some(left)
    }

    fn not(&mut self) -> Option<Expr> {
        self.size += 1;
        if self.size > MAX_SIZE {
            return None;
        }
        self.next()?;
        if self.token != "!" {
            return self.atom();
        }
        self.next()?;
        if self.token == "!" {
            return None;
        }
        Some(Expr::Not(Box::new(self.atom()?)))
    }

    fn atom(&mut self) -> Option<Expr> {
        if self.token == "(" {
            let inner = self.or()?;
            if self.token != ")" {
                return None;
            }
            self.next()?;
            return Some(inner);
        }
        if !self.is_tag {
            return None;
        }
        let tag = Expr::Tag(self.token.to_owned());
        self.next()?;
        Some(tag)
    }

    fn next(&mut self) -> Option<()> {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        let len = match self.rest.chars().next() {
            None => 0,
            Some('(' | ')' | '!') => 1,
            Some('&' | '|') if self.rest.starts_with("&&") || self.rest.starts_with("||") => 2,
            Some(_) => {
                let len = self
                    .rest
                    .find(|character| !is_tag_letter(character))
                    .unwrap_or(self.rest.len());
                if len == 0 {
                    return None;
                }
                len
            }
        };
        (self.token, self.rest) = self.rest.split_at(len);
        self.is_tag = self.token.starts_with(is_tag_letter);
        Some(())
    }
}

/// Reads `a,!b c`: a or of ands.
fn parse_plus_build(text: &str) -> Option<Expr> {
    let ignored = || Expr::Tag("ignore".to_owned());
    let mut size = 0;
    let mut all: Option<Expr> = None;
    for clause in text.split_whitespace() {
        let mut conjunction: Option<Expr> = None;
        for literal in clause.split(',') {
            let expr = if literal.starts_with("!!") || literal == "!" {
                ignored()
            } else {
                let (is_negated, tag) = match literal.strip_prefix('!') {
                    Some(tag) => (true, tag),
                    None => (false, literal),
                };
                let expr = if !tag.is_empty() && tag.chars().all(is_tag_letter) {
                    Expr::Tag(tag.to_owned())
                } else {
                    ignored()
                };
                if is_negated {
                    Expr::Not(Box::new(expr))
                } else {
                    expr
                }
            };
            conjunction = Some(match conjunction {
                None => expr,
                Some(left) => {
                    size += 1;
                    left.and(expr)
                }
            });
        }
        let conjunction = conjunction?;
        all = Some(match all {
            None => conjunction,
            Some(left) => {
                size += 1;
                left.or(conjunction)
            }
        });
        if size > MAX_OLD_SIZE {
            return None;
        }
    }
    Some(all.unwrap_or_else(ignored))
}

/// The `// +build` lines that say what an expression says, or why there are none.
fn plus_build_lines(expr: &Expr) -> Vec<String> {
    let expr = expr.push_not(false);
    // A line for each conjunct; words for its disjuncts; between commas theirs.
    let mut lines: Vec<Vec<Vec<&Expr>>> = Vec::new();
    for line in expr.conjuncts() {
        let words: Vec<Vec<&Expr>> = line.disjuncts().into_iter().map(Expr::conjuncts).collect();
        let is_plain = |literal: &&Expr| matches!(literal, Expr::Tag(_) | Expr::Not(_));
        if !words.iter().flatten().all(is_plain) {
            return vec!["// +build error: expression too complex for // +build lines".to_owned()];
        }
        lines.push(words);
    }
    // Without any `||` all fits on one line.
    if lines.iter().all(|words| words.len() == 1) {
        lines = vec![vec![lines.into_iter().flatten().flatten().collect()]];
    }
    lines
        .iter()
        .map(|words| {
            let mut line = "// +build".to_owned();
            for word in words {
                line.push(' ');
                let literals: Vec<String> = word.iter().map(|literal| literal.text()).collect();
                line.push_str(&literals.join(","));
            }
            line
        })
        .collect()
}

fn is_line_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\x0c'
}

/// The line that begins there, with its end.
fn line_at(output: &[u8], start: usize) -> &[u8] {
    let rest = output.get(start..).unwrap_or(&[]);
    let len = rest
        .iter()
        .position(|&byte| is_line_end(byte))
        .map_or(rest.len(), |at| at + 1);
    &rest[..len]
}

/// The comment that begins there.
fn comment_at(output: &[u8], start: usize) -> String {
    let line = line_at(output, start);
    let line = line.strip_prefix(&[ESCAPE]).unwrap_or(line);
    let end = line
        .iter()
        .position(|&byte| byte == ESCAPE || is_line_end(byte))
        .unwrap_or(line.len());
    String::from_utf8_lossy(&line[..end]).into_owned()
}

/// Adds whole lines, but no second empty line in a row.
fn append_lines(lines: &mut Vec<u8>, mut more: &[u8]) {
    let begins_empty = more.first().is_some_and(|&byte| is_line_end(byte));
    let ends_empty = match lines[..] {
        [] => true,
        [.., before, last] => is_line_end(before) && is_line_end(last),
        _ => false,
    };
    if begins_empty && ends_empty {
        more = &more[1..];
    }
    lines.extend_from_slice(more);
}

/// Where constraints are put at the latest: behind the last empty line before what is no comment.
fn latest_place(output: &[u8]) -> usize {
    let mut place = 0;
    let mut at = 0;
    loop {
        while matches!(output.get(at), Some(b' ' | b'\t')) {
            at += 1;
        }
        let mut is_blank = true;
        if output.len() > at + 3 && output[at..].starts_with(&[ESCAPE, b'/', b'/']) {
            is_blank = false;
            at += output[at..]
                .iter()
                .position(|&byte| is_line_end(byte))
                .unwrap_or(output.len() - at);
        }
        if !output.get(at).is_some_and(|&byte| is_line_end(byte)) {
            return place;
        }
        at += 1;
        if is_blank {
            place = at;
        }
    }
}

/// Puts the constraint lines, which begin at the given places of the output, where they belong.
pub(crate) fn fix(output: &mut Vec<u8>, go_build: &[usize], plus_build: &[usize]) {
    if go_build.is_empty() && plus_build.is_empty() {
        return;
    }
    let mut place = latest_place(output);
    if let Some(&first) = go_build.first().filter(|&&first| first < place) {
        place = first;
    } else if let Some(&first) = plus_build.first().filter(|&&first| first < place) {
        place = first;
    }
    let expr = match go_build {
        // More lines than an expression may have operands are left alone.
        [] if plus_build.len() > MAX_SIZE => None,
        [] => plus_build
            .iter()
            .map(|&at| split_plus_build(&comment_at(output, at)).and_then(parse_plus_build))
            .reduce(|left, right| Some(left?.and(right?)))
            .flatten(),
        [at] => split_go_build(&comment_at(output, *at)).and_then(Parser::parse),
        _ => None,
    };
    let mut block = Vec::new();
    match expr {
        // What cannot be understood is only brought together.
        None => {
            for &at in go_build.iter().chain(plus_build) {
                block.extend_from_slice(line_at(output, at));
            }
        }
        Some(expr) => {
            let mut lines = vec![format!("//go:build {}", expr.text())];
            if !plus_build.is_empty() {
                lines.extend(plus_build_lines(&expr));
            }
            for line in lines {
                block.push(ESCAPE);
                block.extend_from_slice(line.as_bytes());
                block.extend_from_slice(&[ESCAPE, b'\n']);
            }
        }
    }
    block.push(b'\n');
    let mut removed: Vec<usize> = go_build.iter().chain(plus_build).copied().collect();
    removed.sort_unstable();
    let mut after = Vec::new();
    let mut start = place;
    for end in removed {
        if end < start {
            continue;
        }
        append_lines(&mut after, &output[start..end]);
        start = end + line_at(output, end).len();
    }
    append_lines(&mut after, &output[start..]);
    if let [.., before, last] = after[..]
        && is_line_end(before)
        && is_line_end(last)
    {
        after.pop();
    }
    output.truncate(place);
    output.extend_from_slice(&block);
    output.extend_from_slice(&after);
}
