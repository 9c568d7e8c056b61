//! Which statements tests run: counters in the texts of the packages that are looked at.
//!
//! 1. A function's statements are cut into blocks that run as a whole: up to what changes the flow of control, or has a function literal in it.
//!    Of a block those lines count that have code.
//! 2. A counter is put before each block, on a line that is there: lines stay what they are. Columns do not; so errors are looked for
//!    in the texts as they were.
//! 3. A file beside the package's own declares the counters and tells package `testing/internal/coverage` of them when the program starts.
//!
//! Blocks, their places and their numbers of statements are those of `go test -cover`. GO: cmd/cover
//!
//! Rejected: to count in the machine. A block would need an instruction of its own all the same, and the compiler knows no blocks of texts.

use super::folder::{self, Text};
use diagnostics::SourceMap;
use lexer::{Token, TokenKind};
use parser::ast::{Ast, BlockId, Decl, Expr, ExprId, Interner, Stmt, StmtId};
use std::collections::HashSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What becomes of a counter when its block runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It becomes 1.
    #[default]
    Set,
    /// It is increased.
    Count,
    /// It is increased so that no increase is lost between goroutines.
    Atomic,
}

impl Mode {
    /// Its name in Go.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mode::Set => "set",
            Mode::Count => "count",
            Mode::Atomic => "atomic",
        }
    }

    /// The mode of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Mode> {
        [Mode::Set, Mode::Count, Mode::Atomic]
            .into_iter()
            .find(|mode| mode.name() == name)
    }
}

/// What of a test program is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    pub mode: Mode,
    /// Import paths of packages, `...` standing for any text; none: the package that is tested.
    pub patterns: Vec<String>,
    /// The patterns as they were given; empty if none were.
    pub shown: String,
    /// Packages that count though the program may not need them: import paths and folders.
    pub others: Vec<(String, PathBuf)>,
}

impl Coverage {
    /// Whether a package is counted when that of path `tested` is tested.
    #[must_use]
    pub fn covers(&self, path: &str, tested: &str) -> bool {
        match self.patterns.as_slice() {
            [] => path == tested,
            patterns => patterns.iter().any(|pattern| matches(pattern, path)),
        }
    }
}

/// Whether a pattern like `example.com/a/...` stands for an import path. GO: cmd/internal/pkgpattern `MatchPattern`
#[must_use]
pub fn matches(pattern: &str, path: &str) -> bool {
    // `x/...` stands for `x` as well.
    if let Some(prefix) = pattern.strip_suffix("/...")
        && matches(prefix, path)
    {
        return true;
    }
    let mut parts = pattern.split("...");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The name of the file that declares the counters. No file of a package is called so: names that begin with `_` are left out.
pub(super) const FILE: &str = "_coverage.go";

/// A block of statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Lines and columns, from 1 on.
    pub start: (u32, u32),
    pub end: (u32, u32),
    pub statements: u32,
}

/// The blocks of a file, named as profiles name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileBlocks {
    pub file: String,
    pub blocks: Vec<Block>,
}

/// The blocks of the package in a folder.
///
/// # Errors
/// Why it is no package.
pub fn of_folder(folder: &Path, path: &str) -> Result<Vec<FileBlocks>, String> {
    let listing = folder::list(folder)?;
    let texts = listing.texts.iter().filter(|text| !text.test);
    let files = texts.filter_map(|text| {
        let (_, blocks, _) = instrumented(&text.text, 0, Mode::Set)?;
        let file = format!("{path}/{}", text.file);
        Some(FileBlocks { file, blocks })
    });
    Ok(files.filter(|file| !file.blocks.is_empty()).collect())
}

/// Puts counters into the texts of a package, tests apart, and adds the file that declares them.
pub(super) fn instrument(texts: &mut Vec<Text>, path: &str, mode: Mode) {
    let mut declarations = String::new();
    let mut registered = String::new();
    let mut package = None;
    for (number, text) in texts.iter_mut().filter(|text| !text.test).enumerate() {
        // What cannot be parsed is reported when it is loaded.
        let Some((counted, blocks, name)) = instrumented(&text.text, number, mode) else {
            continue;
        };
        package.get_or_insert(name);
        if blocks.is_empty() {
            continue;
        }
        text.text = counted;
        let _ = writeln!(
            declarations,
            "var goliteCounters_{number} [{}]uint32",
            blocks.len()
        );
        register(
            &mut registered,
            &format!("{path}/{}", text.file),
            &format!("goliteCounters_{number}[:]"),
            &blocks,
        );
    }
    let Some(package) = package.filter(|_| !registered.is_empty()) else {
        return;
    };
    if mode == Mode::Atomic {
        declarations
            .push_str("func goliteCount(counter *uint32) { goliteCoverage.Add(counter) }\n");
    }
    texts.push(Text {
        file: FILE.to_owned(),
        shown: FILE.to_owned(),
        text: format!(
            "package {package}\n\nimport goliteCoverage \"testing/internal/coverage\"\n\n{declarations}\nfunc init() {{\n{registered}}}\n"
        ),
        test: false,
    });
}

/// Adds the line that registers a file's counters.
fn register(out: &mut String, file: &str, counters: &str, blocks: &[Block]) {
    let _ = write!(
        out,
        "\tgoliteCoverage.Register({}, {counters}, []uint32{{",
        super::tests::quoted(file)
    );
    for block in blocks {
        let ((a, b), (c, d)) = (block.start, block.end);
        let _ = write!(out, "{a}, {b}, {c}, {d}, {}, ", block.statements);
    }
    out.push_str("})\n");
}

/// What the main package of a test program says of coverage: the body of an `init`, for packages that are not among `loaded`.
pub(super) fn main_part(coverage: &Coverage, loaded: &HashSet<String>) -> String {
    let mut text = format!(
        "\tgoliteCoverage.Mode = {:?}\n\tgoliteCoverage.Packages = {}\n",
        coverage.mode.name(),
        super::tests::quoted(&coverage.shown)
    );
    for (path, folder) in &coverage.others {
        if loaded.contains(path) {
            continue;
        }
        for FileBlocks { file, blocks } in of_folder(folder, path).unwrap_or_default() {
            register(
                &mut text,
                &file,
                &format!("make([]uint32, {})", blocks.len()),
                &blocks,
            );
        }
    }
    text
}

/// A text with counters, its blocks, and the name of its package.
fn instrumented(text: &str, number: usize, mode: Mode) -> Option<(String, Vec<Block>, String)> {
    let mut ast = Ast::default();
    let mut names = Interner::default();
    let mut sources = SourceMap::default();
    let id = sources.add("", text.to_owned()).ok()?;
    let (file, problems) = parser::parse_file(&mut ast, &mut names, id, text);
    if !problems.is_empty() || file.script.is_some() {
        return None;
    }
    let package = names.text(ast.ident(file.package?)?).to_owned();
    let lines = std::iter::once(0)
        .chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at as u32 + 1))
        .collect();
    let mut cutter = Cutter {
        ast: &ast,
        text,
        tokens: lexer::lex(text).tokens,
        lines,
        literals: Vec::new(),
        seen: HashSet::new(),
        blocks: Vec::new(),
        insertions: Vec::new(),
        number,
        mode,
    };
    for index in 0..ast.expr_count() {
        let id = ExprId::from_index(index);
        if let Expr::FuncLit { body, .. } = *ast.expr(id) {
            cutter.literals.push((ast.range(id).start, body));
        }
    }
    cutter.literals.sort_unstable_by_key(|(start, _)| *start);
    let mut bodies = Vec::new();
    let mut left_out = Vec::new();
    for declaration in &file.decls {
        if let Decl::Func(function) = ast.decl(*declaration)
            && let Some(body) = function.body
        {
            let is_blank = ast
                .ident(function.name)
                .is_some_and(|name| names.text(name) == "_");
            match is_blank {
                true => left_out.push(ast.block(body).range),
                false => bodies.push(body),
            }
        }
    }
    for (start, body) in &cutter.literals {
        let inside = |range: &diagnostics::TextRange| (range.start..range.end).contains(start);
        if !left_out.iter().any(inside) {
            bodies.push(*body);
        }
    }
    for body in bodies {
        cutter.body(body, &names);
    }
    let Cutter {
        mut insertions,
        blocks,
        ..
    } = cutter;
    insertions.sort_by_key(|(at, _)| *at);
    let mut counted = String::with_capacity(text.len() + 24 * insertions.len());
    let mut done = 0;
    for (at, inserted) in insertions {
        counted.push_str(&text[done..at as usize]);
        counted.push_str(&inserted);
        done = at as usize;
    }
    counted.push_str(&text[done..]);
    Some((counted, blocks, package))
}

/// A statement of a list.
#[derive(Clone, Copy)]
struct Item {
    start: u32,
    end: u32,
    /// `None`: a label alone.
    statement: Option<StmtId>,
}

/// Where code stands, and how many statements begin there.
struct Range {
    start: u32,
    end: u32,
    statements: u32,
}

/// A list of statements that is to be cut. Positions are offsets.
struct StatementList {
    start: u32,
    insert: u32,
    end: u32,
    statements: Vec<StmtId>,
    /// Does the last block go on to the closing brace?
    braces: bool,
}

/// Cuts the functions of a text into blocks.
struct Cutter<'a> {
    ast: &'a Ast,
    text: &'a str,
    tokens: Vec<Token>,
    /// Where lines begin.
    lines: Vec<u32>,
    /// Where function literals begin, and their bodies.
    literals: Vec<(u32, BlockId)>,
    seen: HashSet<((u32, u32), (u32, u32))>,
    blocks: Vec<Block>,
    insertions: Vec<(u32, String)>,
    number: usize,
    mode: Mode,
}

impl Cutter<'_> {
    /// Cuts a function's body and all lists of statements in it, function literals apart. Bodies may be nested deeply: a work list.
    fn body(&mut self, body: BlockId, names: &Interner) {
        let mut work: Vec<StatementList> = vec![self.block(body)];
        while let Some(list) = work.pop() {
            let statements = list.statements.clone();
            self.list(list, names);
            let inner = work.len();
            for statement in statements {
                self.inside(statement, &mut work);
            }
            work[inner..].reverse();
        }
    }

    fn block(&self, block: BlockId) -> StatementList {
        let range = self.ast.block(block).range;
        StatementList {
            start: range.start,
            insert: range.start + 1,
            end: range.end,
            statements: self.ast.statements(block).to_vec(),
            braces: true,
        }
    }

    /// Adds the lists within a statement.
    fn inside(&mut self, mut statement: StmtId, work: &mut Vec<StatementList>) {
        loop {
            match *self.ast.stmt(statement) {
                Stmt::Labeled {
                    statement: inner, ..
                } => statement = inner,
                Stmt::Block(block) => return work.push(self.block(block)),
                Stmt::For { body, .. } | Stmt::Range { body, .. } => {
                    return work.push(self.block(body));
                }
                Stmt::Switch { cases, .. } | Stmt::TypeSwitch { cases, .. } => {
                    for clause in self.ast.list(cases) {
                        work.push(self.clause(clause.head.end, clause.body));
                    }
                    return;
                }
                Stmt::Select { cases, .. } => {
                    for clause in self.ast.list(cases) {
                        work.push(self.clause(clause.head.end, clause.body));
                    }
                    return;
                }
                Stmt::If {
                    then, otherwise, ..
                } => {
                    work.push(self.block(then));
                    let Some(otherwise) = otherwise else { return };
                    // What is behind `else` becomes a block of its own, so that there is a place for a counter: `else { if y { } }`.
                    let from = self.ast.block(then).range.end;
                    let end = self.ast.stmt_range(otherwise).end;
                    let at = self.tokens.partition_point(|token| token.start < from);
                    let Some(word) = self.tokens[at..]
                        .iter()
                        .find(|token| token.kind == TokenKind::Else)
                    else {
                        return;
                    };
                    let start = word.end;
                    self.insertions.push((start, "{".to_owned()));
                    self.insertions.push((end, "}".to_owned()));
                    let statements = match *self.ast.stmt(otherwise) {
                        Stmt::Block(block) => self.ast.statements(block).to_vec(),
                        _ => vec![otherwise],
                    };
                    let is_block = matches!(self.ast.stmt(otherwise), Stmt::Block(_));
                    return work.push(StatementList {
                        start,
                        insert: start + 1,
                        end: if is_block { end } else { end + 1 },
                        statements,
                        braces: true,
                    });
                }
                _ => return,
            }
        }
    }

    fn clause(&self, start: u32, body: BlockId) -> StatementList {
        let statements = self.ast.statements(body).to_vec();
        let end = statements
            .last()
            .map_or(start, |last| self.ast.stmt_range(*last).end);
        StatementList {
            start,
            insert: start,
            end,
            statements,
            braces: false,
        }
    }

    /// Adds counters to a list of statements. GO: `addCounters`
    fn list(&mut self, list: StatementList, names: &Interner) {
        let StatementList {
            mut start,
            mut insert,
            end: list_end,
            statements,
            mut braces,
        } = list;
        // An `else if` at the end of a text without a line end.
        let list_end = list_end.min(self.text.len() as u32);
        if statements.is_empty() {
            let code = &self.code(insert, list_end)[0];
            let (at, end) = (code.start, code.end);
            return self.count(at, at, end, 0);
        }
        let ast = self.ast;
        let item = |id: StmtId| {
            let range = ast.stmt_range(id);
            Item {
                start: range.start,
                end: range.end,
                statement: Some(id),
            }
        };
        let mut items: Vec<Item> = statements.iter().map(|id| item(*id)).collect();
        let mut first = 0;
        loop {
            let mut last = first;
            let mut end = list_end;
            while let Some(current) = items.get(last).copied() {
                let Some(id) = current.statement else { break };
                end = self.boundary(id);
                if self.ends_block(id, names) {
                    if let Stmt::Labeled { statement, .. } = *ast.stmt(id)
                        && !is_control(ast.stmt(statement))
                    {
                        // The counter goes between label and statement, where a goto leads.
                        end = current.start;
                        let inner = item(statement);
                        items[last] = Item {
                            start: current.start,
                            end: inner.start,
                            statement: None,
                        };
                        items.insert(last + 1, inner);
                    }
                    last += 1;
                    braces = false;
                    break;
                }
                last += 1;
            }
            if braces {
                end = list_end;
            }
            if start != end {
                let ranges = merged(self.code(start, end), &items[first..last]);
                for (index, range) in ranges.into_iter().enumerate() {
                    let at = if index == 0 { insert } else { range.start };
                    self.count(at, range.start, range.end, range.statements);
                }
            }
            first = last;
            match items.get(first) {
                Some(next) => (start, insert) = (next.start, next.start),
                None => return,
            }
        }
    }

    /// Puts a counter at an offset.
    fn count(&mut self, at: u32, start: u32, end: u32, statements: u32) {
        let (start, mut end) = (self.place(start), self.place(end));
        // No two blocks have the same place.
        while !self.seen.insert((start, end)) {
            end.1 += 1;
        }
        let counter = format!("goliteCounters_{}[{}]", self.number, self.blocks.len());
        self.blocks.push(Block {
            start,
            end,
            statements,
        });
        let text = match self.mode {
            Mode::Set => format!("{counter} = 1;"),
            Mode::Count => format!("{counter}++;"),
            Mode::Atomic => format!("goliteCount(&{counter});"),
        };
        self.insertions.push((at, text));
    }

    fn line(&self, offset: u32) -> usize {
        self.lines.partition_point(|start| *start <= offset)
    }

    /// Line and column.
    fn place(&self, offset: u32) -> (u32, u32) {
        let line = self.line(offset);
        (line as u32, offset - self.lines[line - 1] + 1)
    }

    /// The parts of a stretch of text with code, without lines of nothing but comments, braces and white space. There is at least one.
    /// GO: `codeRanges`
    fn code(&self, start: u32, end: u32) -> Vec<Range> {
        let from = self.tokens.partition_point(|token| token.start < start);
        let mut ranges = Vec::new();
        let range = |start, end| Range {
            start,
            end,
            statements: 0,
        };
        // Where the code began, and the last line that has some.
        let mut open: Option<(u32, usize)> = None;
        for token in &self.tokens[from..] {
            use TokenKind::{
                EndOfFile, FinalSemicolon, LeftBrace, NewlineSemicolon, RightBrace, String,
            };
            if token.start >= end || token.kind == EndOfFile {
                break;
            }
            if matches!(
                token.kind,
                LeftBrace | RightBrace | NewlineSemicolon | FinalSemicolon
            ) {
                continue;
            }
            let first = self.line(token.start);
            let last = match token.kind {
                String => self.line(token.end),
                _ => first,
            };
            open = Some(match open {
                None => (token.start, last),
                Some((begun, before)) if first > before + 1 => {
                    ranges.push(range(begun, self.lines[before]));
                    (token.start, last)
                }
                Some((begun, before)) => (begun, before.max(last)),
            });
        }
        if let Some((begun, before)) = open {
            let next = self.lines.get(before).copied().filter(|next| *next < end);
            ranges.push(range(begun, next.unwrap_or(end)));
        }
        if ranges.is_empty() {
            ranges.push(range(start, start));
        }
        ranges
    }

    /// The body of the first function literal within offsets, where it begins.
    fn literal_in(&self, start: u32, end: u32) -> Option<u32> {
        let at = self.literals.partition_point(|(at, _)| *at < start);
        let (begins, body) = self.literals.get(at)?;
        (*begins < end).then(|| self.ast.block(*body).range.start)
    }

    fn literal_of(&self, expression: Option<ExprId>) -> Option<u32> {
        let range = self.ast.range(expression?);
        self.literal_in(range.start, range.end)
    }

    fn literal_of_statement(&self, statement: Option<StmtId>) -> Option<u32> {
        let range = self.ast.stmt_range(statement?);
        self.literal_in(range.start, range.end)
    }

    /// Where the block that a statement belongs to ends in the text. GO: `statementBoundary`
    fn boundary(&self, mut statement: StmtId) -> u32 {
        loop {
            let brace = |block: BlockId| self.ast.block(block).range.start;
            return match *self.ast.stmt(statement) {
                Stmt::Block(block) => brace(block),
                Stmt::If {
                    init,
                    condition,
                    then,
                    ..
                } => self
                    .literal_of_statement(init)
                    .or_else(|| self.literal_of(Some(condition)))
                    .unwrap_or_else(|| brace(then)),
                Stmt::For {
                    init,
                    condition,
                    post,
                    body,
                } => self
                    .literal_of_statement(init)
                    .or_else(|| self.literal_of(condition))
                    .or_else(|| self.literal_of_statement(post))
                    .unwrap_or_else(|| brace(body)),
                Stmt::Labeled {
                    statement: inner, ..
                } => {
                    statement = inner;
                    continue;
                }
                Stmt::Range { operand, body, .. } => self
                    .literal_of(Some(operand))
                    .unwrap_or_else(|| brace(body)),
                Stmt::Switch {
                    init, tag, lbrace, ..
                } => self
                    .literal_of_statement(init)
                    .or_else(|| self.literal_of(tag))
                    .unwrap_or(lbrace),
                Stmt::TypeSwitch { init, lbrace, .. } => {
                    self.literal_of_statement(init).unwrap_or(lbrace)
                }
                Stmt::Select { lbrace, .. } => lbrace,
                _ => {
                    let range = self.ast.stmt_range(statement);
                    self.literal_in(range.start, range.end).unwrap_or(range.end)
                }
            };
        }
    }

    /// Whether a statement changes the flow of control. GO: `endsBasicSourceBlock`
    fn ends_block(&self, statement: StmtId, names: &Interner) -> bool {
        match *self.ast.stmt(statement) {
            Stmt::Block(_)
            | Stmt::Break { .. }
            | Stmt::Continue { .. }
            | Stmt::Goto { .. }
            | Stmt::Fallthrough
            | Stmt::For { .. }
            | Stmt::If { .. }
            | Stmt::Labeled { .. }
            | Stmt::Range { .. }
            | Stmt::Switch { .. }
            | Stmt::Select { .. }
            | Stmt::TypeSwitch { .. } => return true,
            Stmt::Expr(call) => {
                if let Expr::Call { callee, args, .. } = *self.ast.expr(call)
                    && self.ast.list(args).len() == 1
                    && let Some(name) = self.ast.ident(callee)
                    && names.text(name) == "panic"
                {
                    return true;
                }
            }
            _ => {}
        }
        self.literal_of_statement(Some(statement)).is_some()
    }
}

/// A control statement that cannot be parted from its label.
fn is_control(statement: &Stmt) -> bool {
    matches!(
        statement,
        Stmt::For { .. }
            | Stmt::Range { .. }
            | Stmt::Switch { .. }
            | Stmt::Select { .. }
            | Stmt::TypeSwitch { .. }
    )
}

/// Puts those together that begin within a statement, and counts statements. GO: `mergeRangesWithinStatements`
fn merged(ranges: Vec<Range>, items: &[Item]) -> Vec<Range> {
    let before = |offset: u32| items.partition_point(|item| item.start < offset);
    let mut merged: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges {
        let first = before(range.start);
        let statements = (before(range.end).saturating_sub(first)) as u32;
        let inside = first > 0 && range.start < items[first - 1].end;
        match merged.last_mut() {
            Some(last) if inside => {
                last.end = range.end;
                last.statements += statements;
            }
            _ => merged.push(Range {
                statements,
                ..range
            }),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_import_paths() {
        assert!(matches("a/b", "a/b") && !matches("a/b", "a/b/c"));
        assert!(matches("a/...", "a") && matches("a/...", "a/b/c") && !matches("a/...", "ab"));
        assert!(matches("...", "x") && matches("a...c", "abc") && matches("a...c", "a/x/c"));
        assert!(!matches("a...c", "a/x/d"));
    }

    #[test]
    fn lines_stay_what_they_are() {
        let text = "package p\n\nfunc f(n int) {\n\tif n > 0 {\n\t\tn--\n\t} else if n < 0 {\n\t\tn++\n\t}\n\n\t// why\n\tprintln(n)\n}\n";
        let (counted, blocks, package) = instrumented(text, 0, Mode::Set).expect("it is Go");
        assert_eq!(package, "p");
        assert_eq!(counted.lines().count(), text.lines().count());
        let shown: Vec<_> = blocks
            .iter()
            .map(|b| {
                format!(
                    "{}.{},{}.{} {}",
                    b.start.0, b.start.1, b.end.0, b.end.1, b.statements
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "4.2,4.11 1",
                "11.2,11.12 1",
                "5.3,6.1 1",
                "6.9,6.18 1",
                "7.3,8.1 1"
            ]
        );
    }
}
