//! Cells to columns, and what the printer wrote to text.
//!
//! A cell ends at `\t` or `\v`; cells above each other, on lines that follow one another, are a column and get its width. A line
//! that does not reach into a column ends it, and `\f` ends all. Empty columns of `\v` cells only are dropped. Columns are padded
//! with blanks, but a line's indentation, its leading empty cells, with tabs.
//!
//! In one pass: cells are collected until no later line can change their columns, then the lines are written, trailing white space
//! and [`ESCAPE`]s left out.
//!
//! GO: text/tabwriter/tabwriter.go, with the settings of gofmt; go/printer/printer.go trimmer

use crate::printer::ESCAPE;

/// How wide a tab of indentation is.
const TAB_WIDTH: usize = 8;

/// Between a column and the next.
const PADDING: usize = 1;

#[derive(Clone, Copy, Default)]
struct Cell {
    /// In bytes.
    size: usize,
    /// In characters.
    width: usize,
    /// Whether a `\t` ended it: a column with such a cell is not dropped when empty.
    is_hard: bool,
}

/// Lines whose columns are not known yet.
struct Table {
    /// The text of all cells.
    text: Vec<u8>,
    /// One line after the other.
    cells: Vec<Cell>,
    /// Where in `cells` each line ends, except the last.
    line_ends: Vec<usize>,
    current: Cell,
    widths: Vec<usize>,
    out: Trimmer,
}

/// Makes text of what the printer wrote.
pub(crate) fn format(printed: &[u8]) -> String {
    let mut table = Table {
        text: Vec::new(),
        cells: Vec::new(),
        line_ends: Vec::new(),
        current: Cell::default(),
        widths: Vec::new(),
        out: Trimmer {
            text: Vec::with_capacity(printed.len()),
            space: Vec::new(),
        },
    };
    let mut rest = printed;
    while let Some(at) = rest
        .iter()
        .position(|byte| matches!(byte, b'\t' | b'\x0b' | b'\n' | b'\x0c' | &ESCAPE))
    {
        table.append(&rest[..at], false);
        let byte = rest[at];
        rest = &rest[at + 1..];
        match byte {
            ESCAPE => {
                let end = rest
                    .iter()
                    .position(|&byte| byte == ESCAPE)
                    .unwrap_or(rest.len());
                table.append(&rest[..end], true);
                rest = rest.get(end + 1..).unwrap_or(&[]);
            }
            b'\t' | b'\x0b' => table.end_cell(byte == b'\t'),
            _ => table.end_line(byte == b'\x0c'),
        }
    }
    table.append(rest, false);
    table.end_cell(false);
    table.flush(true);
    // The printer wrote texts and ASCII.
    String::from_utf8(table.out.text)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

impl Table {
    /// Adds to the current cell. Escaped text is kept in [`ESCAPE`]s, so that its white space is not taken for columns' or trimmed.
    fn append(&mut self, text: &[u8], escaped: bool) {
        if escaped {
            self.text.push(ESCAPE);
        }
        self.text.extend_from_slice(text);
        if escaped {
            self.text.push(ESCAPE);
        }
        self.current.size += text.len() + if escaped { 2 } else { 0 };
        // Bytes that do not continue a character.
        self.current.width += text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
    }

    fn end_cell(&mut self, is_hard: bool) {
        self.current.is_hard = is_hard;
        self.cells.push(self.current);
        self.current = Cell::default();
    }

    fn end_line(&mut self, ends_columns: bool) {
        self.end_cell(false);
        let start = self.line_ends.last().copied().unwrap_or(0);
        let only_cell = self.cells.len() - start == 1;
        self.line_ends.push(self.cells.len());
        // A line of one cell reaches into no column, so whatever stands above is complete.
        if ends_columns || only_cell {
            self.flush(false);
        }
    }

    fn line(&self, index: usize) -> &[Cell] {
        let start = match index.checked_sub(1) {
            Some(before) => self.line_ends[before],
            None => 0,
        };
        let end = self
            .line_ends
            .get(index)
            .copied()
            .unwrap_or(self.cells.len());
        &self.cells[start..end]
    }

    /// Writes all lines.
    fn flush(&mut self, is_end: bool) {
        if is_end {
            self.line_ends.push(self.cells.len());
        }
        let lines = self.line_ends.len();
        if lines == 1 && self.line(0).len() == 1 {
            // No columns: most lines.
            self.write_lines(0, 0, 1, is_end);
        } else {
            self.format(0, 0, lines, is_end);
        }
        self.text.clear();
        self.cells.clear();
        self.line_ends.clear();
        self.widths.clear();
    }

    /// Finds the widths of the columns of some lines, from the first that is not known on, and writes the lines. A work list
    /// stands for recursion, which would be as deep as lines have cells.
    fn format(&mut self, mut at: usize, from: usize, to: usize, is_end: bool) {
        /// Lines `line..to`, of which those from `written` on are to be written, at the depth of columns known.
        struct Block {
            line: usize,
            written: usize,
            to: usize,
        }
        let mut blocks = vec![Block {
            line: from,
            written: from,
            to,
        }];
        while let Some(block) = blocks.last_mut() {
            let column = self.widths.len();
            let (mut line, written, to) = (block.line, block.written, block.to);
            while line < to && column + 1 >= self.line(line).len() {
                line += 1;
            }
            if line == to {
                at = self.write_lines(at, written, to, is_end);
                blocks.pop();
                if !blocks.is_empty() {
                    self.widths.pop();
                }
                continue;
            }
            at = self.write_lines(at, written, line, is_end);
            let first = line;
            let (mut width, mut droppable) = (0, true);
            while line < to {
                let cells = self.line(line);
                if column + 1 >= cells.len() {
                    break;
                }
                let cell = cells[column];
                width = width.max(cell.width + PADDING);
                droppable &= cell.width == 0 && !cell.is_hard;
                line += 1;
            }
            self.widths.push(if droppable { 0 } else { width });
            // The line behind the block is looked at again only for columns further left, never for this one.
            if let Some(block) = blocks.last_mut() {
                block.line = line;
                block.written = line;
            }
            blocks.push(Block {
                line: first,
                written: first,
                to: line,
            });
        }
    }

    /// Writes some lines with the widths known so far; gives where the text of the next begins.
    fn write_lines(&mut self, mut at: usize, from: usize, to: usize, is_end: bool) -> usize {
        let lines = self.line_ends.len();
        for index in from..to {
            let start = match index.checked_sub(1) {
                Some(before) => self.line_ends[before],
                None => 0,
            };
            let mut use_tabs = true;
            for (column, cell) in (start..self.line_ends[index]).enumerate() {
                let cell = self.cells[cell];
                let width = self.widths.get(column).copied();
                if cell.size > 0 {
                    use_tabs = false;
                    self.out.write(&self.text[at..at + cell.size]);
                    at += cell.size;
                }
                if let Some(width) = width {
                    if use_tabs {
                        let width = width.next_multiple_of(TAB_WIDTH);
                        let tabs = (width - cell.width).div_ceil(TAB_WIDTH);
                        self.out.pad(b'\t', tabs);
                    } else {
                        self.out.pad(b' ', width.saturating_sub(cell.width));
                    }
                }
            }
            if !(is_end && index + 1 == lines) {
                self.out.newline();
            }
        }
        at
    }
}

/// Leaves out trailing white space.
struct Trimmer {
    text: Vec<u8>,
    /// White space that is only written before something else.
    space: Vec<u8>,
}

impl Trimmer {
    fn pad(&mut self, byte: u8, count: usize) {
        self.space.extend(std::iter::repeat_n(byte, count));
    }

    fn newline(&mut self) {
        self.space.clear();
        self.text.push(b'\n');
    }

    /// The text of a cell.
    fn write(&mut self, mut cell: &[u8]) {
        while let Some(&byte) = cell.first() {
            let len = match byte {
                ESCAPE => {
                    let end = cell[1..].iter().position(|&byte| byte == ESCAPE);
                    let end = end.map_or(cell.len(), |end| end + 1);
                    self.text.append(&mut self.space);
                    self.text.extend_from_slice(&cell[1..end]);
                    end + 1
                }
                b' ' | b'\t' => {
                    self.space.push(byte);
                    1
                }
                _ => {
                    let end = cell
                        .iter()
                        .position(|byte| matches!(byte, b' ' | b'\t' | &ESCAPE))
                        .unwrap_or(cell.len());
                    self.text.append(&mut self.space);
                    self.text.extend_from_slice(&cell[..end]);
                    end
                }
            };
            cell = cell.get(len..).unwrap_or(&[]);
        }
    }
}

/// How wide what the printer wrote is on one line; `None` if it does not fit on one.
pub(crate) fn width_on_one_line(printed: &[u8]) -> Option<usize> {
    let mut width = 0;
    let mut trailing = 0;
    let mut escaped = false;
    for &byte in printed {
        match byte {
            ESCAPE => {
                escaped = !escaped;
                trailing = 0;
            }
            b'\n' | b'\x0c' => return None,
            b' ' | b'\t' | b'\x0b' if !escaped => {
                width += 1;
                trailing += 1;
            }
            _ => {
                width += 1;
                trailing = 0;
            }
        }
    }
    Some(width - trailing)
}
