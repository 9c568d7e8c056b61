//! A text with what the printer asks of it: lines, tokens, which bracket closes which, comments and what they belong to.
//!
//! GO: go/parser/parser.go `next`, `consumeCommentGroup`, `expectSemi`

use lexer::{Token, TokenKind};
use std::borrow::Cow;
use std::cell::Cell;

/// A place in the text. Lines and columns count from 1; line 0 stands for no place at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Position {
    pub offset: usize,
    pub line: usize,
    pub column: usize,
}

impl Position {
    pub const START: Position = Position {
        offset: 0,
        line: 1,
        column: 1,
    };

    pub fn is_valid(self) -> bool {
        self.line > 0
    }
}

/// A comment as it is to be printed.
#[derive(Clone, Debug)]
pub(crate) struct Comment<'t> {
    /// Where it stands; sorting imports moves it.
    pub start: u32,
    /// Without carriage returns.
    pub text: Cow<'t, str>,
}

impl Comment<'_> {
    /// Behind it, carriage returns not counted. GO: ast.go Comment.End
    pub fn end(&self) -> u32 {
        self.start + self.text.len() as u32
    }

    pub fn is_line(&self) -> bool {
        is_line_comment(&self.text)
    }
}

/// Whether a comment ends with its line.
pub(crate) fn is_line_comment(text: &str) -> bool {
    text.as_bytes().get(1) == Some(&b'/')
}

/// Comments with neither a token nor an empty line between them.
pub(crate) type Group<'t> = Vec<Comment<'t>>;

pub(crate) struct Source<'t> {
    pub text: &'t str,
    /// The last is [`TokenKind::EndOfFile`].
    pub tokens: Vec<Token>,
    /// For each bracket the index of the token that it belongs to.
    partners: Vec<u32>,
    /// Where lines begin.
    lines: Vec<u32>,
    /// The line that was asked for last, counted from 0: questions come in bunches.
    last_line: Cell<usize>,
    comments: Vec<lexer::Comment>,
}

impl<'t> Source<'t> {
    pub fn new(text: &'t str) -> Self {
        let lexed = lexer::lex(text);
        let mut lines = vec![0];
        lines.extend(
            text.bytes()
                .enumerate()
                .filter(|&(_, byte)| byte == b'\n')
                .map(|(at, _)| at as u32 + 1),
        );
        let partners = partners(&lexed.tokens);
        Self {
            text,
            tokens: lexed.tokens,
            partners,
            lines,
            last_line: Cell::new(0),
            comments: lexed.comments,
        }
    }

    pub fn slice(&self, start: u32, end: u32) -> &'t str {
        self.text.get(start as usize..end as usize).unwrap_or("")
    }

    /// From 1.
    pub fn line(&self, offset: u32) -> usize {
        let lines = &self.lines;
        let last = self.last_line.get();
        let holds = |line: usize| {
            lines.get(line).is_some_and(|&start| start <= offset)
                && lines.get(line + 1).is_none_or(|&next| offset < next)
        };
        let found = if holds(last) {
            last
        } else if holds(last + 1) {
            last + 1
        } else {
            lines.partition_point(|&start| start <= offset).max(1) - 1
        };
        self.last_line.set(found);
        found + 1
    }

    pub fn position(&self, offset: u32) -> Position {
        let line = self.line(offset);
        Position {
            offset: offset as usize,
            line,
            column: (offset - self.lines[line - 1]) as usize + 1,
        }
    }

    /// How many lines there are.
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// Where a line begins, counted from 1.
    pub fn line_start(&self, line: usize) -> u32 {
        self.lines
            .get(line - 1)
            .copied()
            .unwrap_or(self.text.len() as u32)
    }

    /// From now on a line and the next are one. GO: token.File.MergeLine
    pub fn merge_line(&mut self, line: usize) {
        if line < self.lines.len() {
            self.lines.remove(line);
            self.last_line.set(0);
        }
    }

    /// The index of the token at an offset, or of the first behind it.
    pub fn token_at(&self, offset: u32) -> usize {
        self.tokens
            .partition_point(|token| token.start < offset)
            .min(self.tokens.len() - 1)
    }

    pub fn token(&self, index: usize) -> Token {
        self.tokens[index.min(self.tokens.len() - 1)]
    }

    /// The first token behind an offset.
    pub fn next(&self, offset: u32) -> Token {
        self.tokens[self.token_at(offset)]
    }

    /// Where the bracket stands that belongs to the one at an offset.
    pub fn partner(&self, offset: u32) -> u32 {
        let partner = self.partners[self.token_at(offset)];
        self.tokens[partner as usize].start
    }

    /// The line on which a token is known to Go's parser: an inserted semicolon belongs to the line that it ends.
    fn token_line(&self, index: usize) -> usize {
        self.line(self.tokens[index].start)
    }

    /// The line on which a comment ends.
    fn end_line(&self, comment: lexer::Comment) -> usize {
        let text = self.slice(comment.start, comment.end);
        let breaks = if is_line_comment(text) {
            0
        } else {
            text.bytes().filter(|&byte| byte == b'\n').count()
        };
        self.line(comment.start) + breaks
    }

    /// The comments between a token and the one before it.
    fn comments_before(&self, index: usize) -> &[lexer::Comment] {
        let from = match index.checked_sub(1) {
            Some(before) => {
                let before = self.tokens[before];
                // A comment with a line end inside is followed by a semicolon that stands at its own place.
                let is_inserted = before.kind == TokenKind::NewlineSemicolon;
                self.comments.partition_point(|comment| {
                    comment.start < before.start || is_inserted && comment.start == before.start
                })
            }
            None => 0,
        };
        let token = self.tokens[index];
        let is_inserted = token.kind == TokenKind::NewlineSemicolon;
        let to = self.comments.partition_point(|comment| {
            comment.start < token.start || is_inserted && comment.start == token.start
        });
        &self.comments[from.min(to)..to]
    }

    /// How many of some comments are one group, which ends on which line. `distance` is how many lines further a comment may
    /// begin than the last one ended.
    fn group_len(&self, comments: &[lexer::Comment], distance: usize) -> (usize, usize) {
        let mut end_line = comments.first().map_or(0, |first| self.line(first.start));
        let mut len = 0;
        for &comment in comments {
            if self.line(comment.start) > end_line + distance {
                break;
            }
            end_line = self.end_line(comment);
            len += 1;
        }
        (len, end_line)
    }

    /// Cuts the comments before a token into groups; each with the line that it ends on. The first of the result says whether
    /// the first group begins on the line of the token before.
    fn groups_before(&self, index: usize) -> (bool, Vec<(&[lexer::Comment], usize)>) {
        let mut rest = self.comments_before(index);
        let mut groups = Vec::new();
        let Some(first) = rest.first() else {
            return (false, groups);
        };
        let beside = index
            .checked_sub(1)
            .is_some_and(|before| self.token_line(before) == self.line(first.start));
        let mut distance = usize::from(!beside);
        while !rest.is_empty() {
            let (len, end_line) = self.group_len(rest, distance);
            let (group, others) = rest.split_at(len);
            groups.push((group, end_line));
            rest = others;
            distance = 1;
        }
        (beside, groups)
    }

    /// Whether a comment directly above a token documents it.
    pub fn has_doc(&self, offset: u32) -> bool {
        let index = self.token_at(offset);
        if self.comments_before(index).is_empty() {
            return false;
        }
        let (beside, groups) = self.groups_before(index);
        let above = if beside { &groups[1..] } else { &groups[..] };
        above
            .last()
            .is_some_and(|&(_, end_line)| end_line + 1 == self.token_line(index))
    }

    /// The comment at the end of a line that belongs to what ends at an offset: a field, or a line of a declaration.
    pub fn line_comment(&self, end: u32) -> Option<String> {
        let semicolon = self.token_at(end);
        let index = match self.tokens[semicolon].kind {
            TokenKind::NewlineSemicolon | TokenKind::FinalSemicolon => semicolon,
            TokenKind::Semicolon => semicolon + 1,
            _ => return None,
        };
        if self.comments_before(index).is_empty() {
            return None;
        }
        let (beside, groups) = self.groups_before(index);
        let &(group, end_line) = groups.first().filter(|_| beside)?;
        let next = match groups.get(1) {
            Some((following, _)) => self.line(following[0].start),
            None => self.token_line(index),
        };
        let ends = matches!(
            self.tokens[index].kind,
            TokenKind::NewlineSemicolon | TokenKind::FinalSemicolon | TokenKind::EndOfFile
        );
        (ends || next != end_line).then(|| {
            group
                .iter()
                .map(|comment| self.slice(comment.start, comment.end))
                .collect::<Vec<_>>()
                .join("\n")
        })
    }

    /// Whether there is no comment in a range or directly above it.
    pub fn is_undocumented(&self, start: u32, end: u32) -> bool {
        let first = self
            .comments
            .partition_point(|comment| comment.start < start);
        !self.has_doc(start)
            && self
                .comments
                .get(first)
                .is_none_or(|comment| comment.start >= end)
    }

    /// All comments, in groups.
    pub fn groups(&self) -> Vec<Group<'t>> {
        let mut groups = Vec::new();
        if self.comments.is_empty() {
            return groups;
        }
        let mut next = 0;
        for index in 0..self.tokens.len() {
            let token = self.tokens[index];
            let is_inserted = token.kind == TokenKind::NewlineSemicolon;
            let comes = self.comments.get(next).is_some_and(|comment| {
                comment.start < token.start || is_inserted && comment.start == token.start
            });
            if !comes {
                continue;
            }
            for (group, _) in self.groups_before(index).1 {
                next += group.len();
                groups.push(group.iter().map(|&comment| self.printed(comment)).collect());
            }
        }
        groups
    }

    /// GO: scanner.go scanComment, stripCR
    fn printed(&self, comment: lexer::Comment) -> Comment<'t> {
        let text = self.slice(comment.start, comment.end);
        let text = if !text.contains('\r') {
            Cow::Borrowed(text)
        } else if is_line_comment(text) {
            let text = text.strip_suffix('\r').unwrap_or(text);
            if text.contains('\r') {
                Cow::Owned(text.replace('\r', ""))
            } else {
                Cow::Borrowed(text)
            }
        } else {
            // A carriage return between star and slash must stay, lest they end the comment.
            let mut kept = String::with_capacity(text.len());
            let mut characters = text.chars().peekable();
            while let Some(character) = characters.next() {
                let keeps =
                    kept.len() > 2 && kept.ends_with('*') && characters.peek() == Some(&'/');
                if character != '\r' || keeps {
                    kept.push(character);
                }
            }
            Cow::Owned(kept)
        };
        Comment {
            start: comment.start,
            text,
        }
    }
}

/// Pairs the brackets.
fn partners(tokens: &[Token]) -> Vec<u32> {
    use TokenKind::*;
    let mut partners: Vec<u32> = (0..tokens.len() as u32).collect();
    let mut open = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            LeftParen | LeftBracket | LeftBrace => open.push(index),
            RightParen | RightBracket | RightBrace => {
                if let Some(partner) = open.pop() {
                    partners[partner] = index as u32;
                    partners[index] = partner as u32;
                }
            }
            _ => {}
        }
    }
    partners
}
