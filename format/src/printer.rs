//! Tokens and white space to text in columns, with the comments in between.
//!
//! The nodes (`expressions.rs`, `statements.rs`, `declarations.rs`) say what comes next: tokens, and the white space that they
//! would like. White space is held back until the next token is known, because comments may have to be put among it:
//!
//! 1. [`Printer::white`] adds to the pending white space, indentation included.
//! 2. [`Printer::set_position`] says where in the source the next token stands.
//! 3. [`Printer::token`] and its kin first write the comments that stand before that place, each with as much of the pending
//!    white space as makes it look right, then the rest of the white space, then line breaks that the source has and the
//!    output has not, then the token.
//!
//! What is written is not yet text: `\v` and `\t` end cells of a table, `\f` ends the table's columns, and what must not be touched
//! stands between two [`ESCAPE`]s. `columns.rs` makes text of it.
//!
//! Positions count as in the source although the output is elsewhere: `position` is the place in the source up to which everything
//! is written, advanced by what is written and corrected by every token. Comparing it with the line of what comes next
//! tells whether the source has a line break there.
//!
//! GO: go/printer/printer.go

use crate::comments;
use crate::constraints;
use crate::doc_comment;
use crate::source::{Comment, Group, Position, Source, is_line_comment};
use lexer::TokenKind;
use parser::ast::{Ast, ExprId, StmtId};
use rustc_hash::FxHashMap;
use std::borrow::Cow;

/// Encloses what the columns must leave as it is. No UTF-8 text has such a byte.
pub(crate) const ESCAPE: u8 = 0xff;

/// More line breaks than these are never written in a row.
const MAX_NEWLINES: isize = 2;

/// How much white space may be pending. GO: printer.go printerPool
const MAX_PENDING: usize = 16;

/// White space between tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum White {
    /// None; also what pending white space becomes that is not to be written.
    Ignore,
    Blank,
    /// Ends a cell of a column.
    Tab,
    Newline,
    /// A line break that ends all columns.
    FormFeed,
    Indent,
    Unindent,
}

/// What was printed last, or comes next, to judge the comments between.
pub(crate) type Last = Option<TokenKind>;

/// The comment group that comes next.
#[derive(Clone, Copy, Default)]
struct NextComment {
    /// Index behind it.
    behind: usize,
    /// Offset of its first comment; `usize::MAX` when there are no more.
    offset: usize,
    has_newline: bool,
}

/// How wide nodes are when they are put on one line. Computed once for each: the widths of nested literals are asked for again
/// at every level.
pub(crate) type Sizes = FxHashMap<Node, usize>;

/// What has a size.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    Expr(ExprId),
    Stmt(StmtId),
}

pub(crate) struct Printer<'a, 't> {
    pub source: &'a Source<'t>,
    pub ast: &'a Ast,
    pub edits: &'a crate::simplify::Edits,
    groups: &'a [Group<'t>],
    /// Whether numbers are normalised and there is a text to be made; else only the size is wanted.
    pub is_final: bool,
    pub sizes: Sizes,
    /// Blanks and problems of binary expressions, once known.
    pub binary_kinds: FxHashMap<ExprId, crate::expressions::BinaryKind>,

    pub output: Vec<u8>,
    /// Indentation that the whole output has.
    pub base_indent: isize,
    pub indent: isize,
    /// Depth of composite literals.
    pub level: usize,
    /// No blank is added behind a `/* */` comment.
    pub no_extra_blank: bool,
    /// No line break is added behind a `/* */` comment.
    pub no_extra_linebreak: bool,
    end_alignment: bool,
    /// Whether a line break here would become a semicolon.
    implied_semicolon: bool,
    last_token: Last,
    /// The token before, if it opened a parenthesis or bracket.
    previous_open: Last,
    pending: Vec<White>,
    go_build: Vec<usize>,
    plus_build: Vec<usize>,
    /// Up to where in the source.
    pub position: Position,
    /// Line and column of the output.
    out_line: usize,
    pub out_column: usize,
    /// `position` behind the last token or comment.
    last: Position,
    /// For each list that is being printed the line of the output at which its current element began.
    element_lines: Vec<usize>,
    /// Whose element begins with the next token.
    begins: Option<usize>,
    next: NextComment,
    /// The next token begins a function of a script, which stands apart like those of files.
    pub stands_apart: bool,
    /// Nothing more needs to be printed: the node does not fit on one line.
    pub stopped: bool,
}

impl<'a, 't> Printer<'a, 't> {
    pub fn new(
        source: &'a Source<'t>,
        ast: &'a Ast,
        edits: &'a crate::simplify::Edits,
        groups: &'a [Group<'t>],
    ) -> Self {
        let mut printer = Self {
            source,
            ast,
            edits,
            groups,
            is_final: true,
            sizes: Sizes::default(),
            binary_kinds: FxHashMap::default(),
            output: Vec::new(),
            base_indent: 0,
            indent: 0,
            level: 0,
            no_extra_blank: false,
            no_extra_linebreak: false,
            end_alignment: false,
            implied_semicolon: false,
            last_token: None,
            previous_open: None,
            pending: Vec::with_capacity(MAX_PENDING),
            go_build: Vec::new(),
            plus_build: Vec::new(),
            position: Position::START,
            out_line: 1,
            out_column: 1,
            last: Position::default(),
            element_lines: Vec::new(),
            begins: None,
            next: NextComment::default(),
            stands_apart: false,
            stopped: false,
        };
        printer.next_comment();
        printer
    }

    /// A printer that only finds out how wide something is; it knows no comments.
    pub fn for_size(&mut self) -> Self {
        let mut printer = Self::new(self.source, self.ast, self.edits, &[]);
        printer.is_final = false;
        printer.sizes = std::mem::take(&mut self.sizes);
        printer.binary_kinds = std::mem::take(&mut self.binary_kinds);
        printer
    }

    // ---- comments that come next ---------------------------------------

    fn next_comment(&mut self) {
        let Some(group) = self.groups.get(self.next.behind) else {
            self.next.offset = usize::MAX;
            return;
        };
        let line = self.source.line(group[0].start);
        self.next = NextComment {
            behind: self.next.behind + 1,
            offset: group[0].start as usize,
            has_newline: group.iter().any(|comment| {
                self.source.line(comment.start) != line
                    || comment.is_line()
                    || comment.text.contains('\n')
            }),
        };
    }

    /// The group that comes next.
    fn next_group(&self) -> &'a Group<'t> {
        &self.groups[self.next.behind - 1]
    }

    /// Whether a comment comes before a place and can be printed without becoming a semicolon.
    pub fn comment_before(&self, next: Position) -> bool {
        self.next.offset < next.offset && (!self.implied_semicolon || !self.next.has_newline)
    }

    /// How wide the comments are that come before a place.
    pub fn comment_size_before(&mut self, next: Position) -> usize {
        let saved = self.next;
        let mut size = 0;
        while self.comment_before(next) {
            size += self
                .next_group()
                .iter()
                .map(|comment| comment.text.len())
                .sum::<usize>();
            self.next_comment();
        }
        self.next = saved;
        size
    }

    // ---- lines ---------------------------------------------------------

    /// A list begins, of whose elements the lines in the output will be asked for; [`Printer::end_list`] ends it.
    pub fn begin_list(&mut self) -> usize {
        self.element_lines.push(0);
        self.element_lines.len() - 1
    }

    /// The next token begins an element of a list.
    pub fn begin_element(&mut self, list: usize) {
        self.begins = Some(list);
    }

    /// How many lines of output the current element of a list has so far, white space not counted that is not written yet.
    pub fn lines_of_element(&self, list: usize) -> isize {
        self.out_line as isize - self.element_lines[list] as isize
    }

    /// The element begins so many lines further down: those above are labels.
    pub fn skip_labels(&mut self, list: usize, labels: usize) {
        self.element_lines[list] += labels;
    }

    pub fn end_list(&mut self, list: usize) {
        self.element_lines.truncate(list);
    }

    pub fn line(&self, offset: u32) -> usize {
        self.source.line(offset)
    }

    // ---- writing -------------------------------------------------------

    fn write_indent(&mut self) {
        let count = (self.base_indent + self.indent).max(0) as usize;
        self.output.extend(std::iter::repeat_n(b'\t', count));
        self.position.offset += count;
        self.position.column += count;
        self.out_column += count;
    }

    /// White space, `count` times.
    fn write_byte(&mut self, mut byte: u8, count: usize) {
        if self.end_alignment {
            match byte {
                b'\t' | b'\x0b' => byte = b' ',
                b'\n' | b'\x0c' => {
                    byte = b'\x0c';
                    self.end_alignment = false;
                }
                _ => {}
            }
        }
        if self.out_column == 1 {
            self.write_indent();
        }
        self.output.extend(std::iter::repeat_n(byte, count));
        self.position.offset += count;
        if byte == b'\n' || byte == b'\x0c' {
            self.stopped |= !self.is_final;
            self.position.line += count;
            self.out_line += count;
            self.position.column = 1;
            self.out_column = 1;
        } else {
            self.position.column += count;
            self.out_column += count;
        }
    }

    /// A token or comment that stands at a place in the source. `is_literal` protects it from the columns.
    fn write_text(&mut self, position: Position, text: &str, is_literal: bool) {
        if self.out_column == 1 {
            self.write_indent();
        }
        if position.is_valid() {
            self.position = position;
        }
        if is_literal {
            self.output.push(ESCAPE);
        }
        self.output.extend_from_slice(text.as_bytes());
        let mut newlines = 0;
        let mut last = 0;
        if is_literal {
            for (at, byte) in text.bytes().enumerate() {
                if byte == b'\n' || byte == b'\x0c' {
                    newlines += 1;
                    last = at;
                    self.end_alignment = true;
                }
            }
        }
        self.position.offset += text.len();
        if newlines > 0 {
            self.stopped |= !self.is_final;
            self.position.line += newlines;
            self.out_line += newlines;
            self.position.column = text.len() - last;
            self.out_column = text.len() - last;
        } else {
            self.position.column += text.len();
            self.out_column += text.len();
        }
        if is_literal {
            self.output.push(ESCAPE);
        }
        self.last = self.position;
    }

    /// Writes the first of the pending white space.
    fn write_white(&mut self, count: usize) {
        let mut index = 0;
        while index < count {
            match self.pending[index] {
                White::Ignore => {}
                White::Indent => self.indent += 1,
                White::Unindent => self.indent = (self.indent - 1).max(0),
                White::Newline | White::FormFeed
                    if index + 1 < count && self.pending[index + 1] == White::Unindent =>
                {
                    // An unindent right behind a line break is meant for the line that begins: a label. A form feed, so that
                    // a wide label does not widen the column of the lines above.
                    self.pending[index] = White::Unindent;
                    self.pending[index + 1] = White::FormFeed;
                    continue;
                }
                White::Newline => self.write_byte(b'\n', 1),
                White::FormFeed => self.write_byte(b'\x0c', 1),
                White::Blank => self.write_byte(b' ', 1),
                White::Tab => self.write_byte(b'\x0b', 1),
            }
            index += 1;
        }
        self.pending.drain(..count);
    }

    /// Marks pending white space as written or dropped, up to where `judge` says false; writes what is before that place. If it
    /// never does nothing is written.
    fn take_pending(&mut self, mut judge: impl FnMut(&mut [White], usize) -> bool) {
        let stop = (0..self.pending.len()).find(|&index| !judge(&mut self.pending, index));
        self.write_white(stop.unwrap_or(0));
    }

    /// The white space before a comment. `next` is what comes behind all pending comments, `previous` the comment before in
    /// the same run.
    fn write_comment_prefix(
        &mut self,
        position: Position,
        next: Position,
        previous: Option<&str>,
        token: Last,
    ) {
        if self.output.is_empty() {
            return;
        }
        let after_line_comment = previous.is_some_and(is_line_comment);
        if position.line == self.last.line && !after_line_comment {
            // Beside what was printed last.
            let mut has_separator = false;
            if previous.is_none() {
                self.take_pending(|pending, index| match pending[index] {
                    White::Blank => {
                        pending[index] = White::Ignore;
                        true
                    }
                    White::Tab => {
                        has_separator = true;
                        true
                    }
                    White::Indent => true,
                    _ => false,
                });
            }
            if !has_separator {
                let separator = if position.line == next.line {
                    b' '
                } else {
                    b'\t'
                };
                self.write_byte(separator, 1);
            }
            return;
        }
        // On a line of its own.
        let mut dropped_linebreak = false;
        self.take_pending(|pending, index| match pending[index] {
            White::Blank | White::Tab => {
                pending[index] = White::Ignore;
                true
            }
            White::Indent => true,
            // The last unindent closes a block, before which the comment still belongs into it, unless it stands where the next
            // token does.
            White::Unindent => {
                pending.get(index + 1) == Some(&White::Unindent)
                    || token != Some(TokenKind::RightBrace) && position.column == next.column
            }
            White::Newline | White::FormFeed => {
                pending[index] = White::Ignore;
                dropped_linebreak = previous.is_none();
                false
            }
            White::Ignore => false,
        });
        let mut count = if position.is_valid() && self.last.is_valid() {
            (position.line as isize - self.last.line as isize).max(0)
        } else {
            0
        };
        // Outside of functions an empty line before a comment stays.
        if (self.indent == 0 || self.stands_apart) && dropped_linebreak {
            count += 1;
        }
        if count == 0 && after_line_comment {
            count = 1;
        }
        if count > 0 {
            self.write_byte(b'\x0c', count.min(MAX_NEWLINES) as usize);
        }
    }

    fn write_comment(&mut self, comment: &Comment<'_>) {
        let text: &str = &comment.text;
        let mut position = self.source.position(comment.start);
        let indent = self.indent;
        if text.starts_with("//line ") && position.column == 1 {
            // It only means something in the first column.
            self.indent = 0;
        }
        if comment.is_line() {
            if constraints::is_go_build(text) {
                self.go_build.push(self.output.len());
            } else if constraints::is_plus_build(text) {
                self.plus_build.push(self.output.len());
            }
            self.write_text(position, text.trim_end(), true);
            self.indent = indent;
            return;
        }
        let mut lines: Vec<Cow<'_, str>> = text.split('\n').map(Cow::Borrowed).collect();
        if position.column == 1 && self.indent > 0 {
            // It is going to be indented: pretend that it was, so that doing it again changes nothing.
            for line in &mut lines[1..] {
                *line = Cow::Owned(format!("   {line}"));
            }
        }
        comments::strip_common_prefix(&mut lines);
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                self.write_byte(b'\x0c', 1);
                position = self.position;
            }
            if !line.is_empty() {
                self.write_text(position, line.trim_end(), true);
            }
        }
        self.indent = indent;
    }

    /// The rest of the white space behind comments. Gives whether a line break was written, and whether a form feed was
    /// dropped.
    fn write_comment_suffix(&mut self, mut needs_linebreak: bool) -> (bool, bool) {
        let (mut wrote_newline, mut dropped_form_feed) = (false, false);
        for white in &mut self.pending {
            match white {
                White::Blank | White::Tab => *white = White::Ignore,
                White::Newline | White::FormFeed => {
                    if needs_linebreak {
                        needs_linebreak = false;
                        wrote_newline = true;
                    } else {
                        dropped_form_feed |= *white == White::FormFeed;
                        *white = White::Ignore;
                    }
                }
                White::Indent | White::Unindent | White::Ignore => {}
            }
        }
        self.write_white(self.pending.len());
        if needs_linebreak {
            self.write_byte(b'\n', 1);
            wrote_newline = true;
        }
        (wrote_newline, dropped_form_feed)
    }

    /// Prints the comments before the next token, among the pending white space.
    fn intersperse_comments(&mut self, next: Position, token: Last) -> (bool, bool) {
        let mut last: Option<(Cow<'_, str>, u32)> = None;
        while self.comment_before(next) {
            let group = self.next_group();
            let first = &group[0];
            let end = group[group.len() - 1].end();
            let is_doc = token != Some(TokenKind::Ident)
                && token != Some(TokenKind::Import)
                && self.source.position(first.start).column == 1
                && self.source.position(end + 1) == next;
            let formatted = is_doc.then(|| doc_comment::format(group));
            if let Some(formatted) = &formatted
                && formatted.is_empty()
            {
                let position = self.source.position(first.start);
                let previous = last.as_ref().map(|(text, _)| &**text);
                self.write_comment_prefix(position, next, previous, token);
                self.position = next;
                self.last = next;
                self.next_comment();
                return self.write_comment_suffix(false);
            }
            for comment in formatted.as_deref().unwrap_or(group) {
                let position = self.source.position(comment.start);
                let previous = last.as_ref().map(|(text, _)| &**text);
                self.write_comment_prefix(position, next, previous, token);
                self.write_comment(comment);
                last = Some((comment.text.clone(), comment.start));
            }
            if formatted.is_some() {
                let comment = &group[group.len() - 1];
                last = Some((comment.text.clone(), comment.start));
                self.position = self.source.position(end);
                self.last = self.position;
            }
            self.next_comment();
        }
        let Some((text, start)) = last else {
            return (false, false);
        };
        let is_line = is_line_comment(&text);
        let mut needs_linebreak = false;
        let follows = !is_line
            && self.line(start) == next.line
            && token != Some(TokenKind::Comma)
            && (token != Some(TokenKind::RightParen)
                || self.previous_open == Some(TokenKind::LeftParen))
            && (token != Some(TokenKind::RightBracket)
                || self.previous_open == Some(TokenKind::LeftBracket));
        if !self.no_extra_blank && follows {
            let breaks = self
                .pending
                .iter()
                .any(|white| matches!(white, White::Newline | White::FormFeed));
            if breaks && !self.no_extra_linebreak && self.level == 0 {
                needs_linebreak = true;
            } else {
                self.write_byte(b' ', 1);
            }
        }
        if is_line
            || token == Some(TokenKind::EndOfFile)
            || token == Some(TokenKind::RightBrace) && !self.no_extra_linebreak
        {
            needs_linebreak = true;
        }
        self.write_comment_suffix(needs_linebreak)
    }

    fn flush(&mut self, next: Position, token: Last) -> (bool, bool) {
        if self.comment_before(next) {
            return self.intersperse_comments(next, token);
        }
        self.write_white(self.pending.len());
        (false, false)
    }

    /// Prints what is left behind the last token.
    pub fn finish(&mut self) {
        self.implied_semicolon = false;
        let end = Position {
            offset: usize::MAX,
            line: 1 << 30,
            column: 0,
        };
        self.flush(end, Some(TokenKind::EndOfFile));
        if self.is_final {
            constraints::fix(&mut self.output, &self.go_build, &self.plus_build);
        }
    }

    // ---- what the nodes call -------------------------------------------

    /// The next token stands there.
    pub fn set_position(&mut self, offset: u32) {
        self.position = self.source.position(offset);
    }

    fn note_open(&mut self) {
        match self.last_token {
            None => {}
            open @ Some(TokenKind::LeftParen | TokenKind::LeftBracket) => self.previous_open = open,
            Some(_) => self.previous_open = None,
        }
    }

    /// White space before the next token.
    pub fn white(&mut self, white: White) {
        if self.stopped {
            return;
        }
        self.note_open();
        if white == White::Ignore {
            return;
        }
        if self.pending.len() == MAX_PENDING {
            self.write_white(MAX_PENDING);
        }
        self.pending.push(white);
        if matches!(white, White::Newline | White::FormFeed) {
            self.implied_semicolon = false;
        }
        self.last_token = None;
    }

    /// Switches what may be added behind `/* */` comments; it takes effect for the next token.
    pub fn extras(&mut self, blank: bool, linebreak: bool) {
        self.note_open();
        self.no_extra_blank ^= blank;
        self.no_extra_linebreak ^= linebreak;
    }

    pub fn blank(&mut self) {
        self.white(White::Blank);
    }

    /// A keyword or operator.
    pub fn token(&mut self, kind: TokenKind) {
        use TokenKind::*;
        if self.stopped {
            return;
        }
        self.note_open();
        let text = kind.spelling();
        if may_combine(self.last_token, text.as_bytes()[0]) {
            self.pending.clear();
            self.pending.push(White::Blank);
        }
        let implied = matches!(
            kind,
            Break
                | Continue
                | Fallthrough
                | Return
                | Increment
                | Decrement
                | RightParen
                | RightBracket
                | RightBrace
        );
        self.last_token = Some(kind);
        self.print(text, false, implied);
    }

    /// A keyword or operator at a place.
    pub fn token_at(&mut self, offset: u32, kind: TokenKind) {
        self.set_position(offset);
        self.token(kind);
    }

    pub fn name(&mut self, text: &str) {
        if self.stopped {
            return;
        }
        self.note_open();
        self.last_token = Some(TokenKind::Ident);
        self.print(text, false, true);
    }

    pub fn literal(&mut self, kind: TokenKind, text: &str) {
        if self.stopped {
            return;
        }
        self.note_open();
        self.last_token = Some(kind);
        self.print(text, true, true);
    }

    fn print(&mut self, text: &str, is_literal: bool, mut implied_semicolon: bool) {
        let next = self.position;
        let (wrote_newline, dropped_form_feed) = self.flush(next, self.last_token);
        self.stands_apart = false;
        // Line breaks of the source, if they do no harm.
        if !self.implied_semicolon {
            let mut count = (next.line as isize - self.position.line as isize).min(MAX_NEWLINES);
            if wrote_newline && count == MAX_NEWLINES {
                count = MAX_NEWLINES - 1;
            }
            if count > 0 {
                let byte = if dropped_form_feed { b'\x0c' } else { b'\n' };
                self.write_byte(byte, count as usize);
                implied_semicolon = false;
            }
        }
        if let Some(list) = self.begins.take()
            && let Some(line) = self.element_lines.get_mut(list)
        {
            *line = self.out_line;
        }
        self.write_text(next, text, is_literal);
        self.implied_semicolon = implied_semicolon;
    }

    /// As many line breaks as lead to a line of the source, but at least some. `white` comes before the first, which ends the
    /// columns if there is a new section. Gives 0 without a line break, 1 for exactly one newline, and more for a form feed or
    /// several.
    pub fn linebreak(
        &mut self,
        line: usize,
        least: isize,
        white: White,
        new_section: bool,
    ) -> usize {
        let wanted = (line as isize - self.position.line as isize).min(MAX_NEWLINES);
        let mut count = wanted.max(least);
        let mut breaks = 0;
        if count > 0 {
            self.white(white);
            if new_section {
                self.white(White::FormFeed);
                count -= 1;
                breaks = 2;
            }
            breaks += count as usize;
            for _ in 0..count {
                self.white(White::Newline);
            }
        }
        breaks
    }
}

/// Whether two tokens without a blank between them would be others.
fn may_combine(previous: Last, next: u8) -> bool {
    match previous {
        Some(TokenKind::Int) => next == b'.',
        Some(TokenKind::Plus) => next == b'+',
        Some(TokenKind::Minus) => next == b'-',
        Some(TokenKind::Slash) => next == b'*',
        Some(TokenKind::Less) => next == b'-' || next == b'<',
        Some(TokenKind::Ampersand) => next == b'&' || next == b'^',
        _ => false,
    }
}
