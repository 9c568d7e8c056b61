//! Source texts and places in them.
//!
//! A place is a byte offset into one file. Lines and columns are computed only when something is printed.

use std::fmt;
use std::sync::Arc;

/// Names one text of a [`SourceMap`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FileId(pub u32);

/// The bytes `start..end` of one file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct TextRange {
    /// The file.
    pub file: FileId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl TextRange {
    /// The bytes `start..end` of `file`.
    #[must_use]
    pub const fn new(file: FileId, start: u32, end: u32) -> Self {
        Self { file, start, end }
    }

    /// The single byte at `offset`, which is how a position is written.
    #[must_use]
    pub const fn at(file: FileId, offset: u32) -> Self {
        Self {
            file,
            start: offset,
            end: offset.saturating_add(1),
        }
    }

    /// From the beginning of `self` to the end of `other`, both of one file.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self {
            file: self.file,
            start: self.start,
            end: other.end.max(self.start),
        }
    }

    /// The last byte: the closing brace, parenthesis or bracket of what ends in one.
    #[must_use]
    pub const fn last_byte(self) -> Self {
        Self {
            file: self.file,
            start: if self.end > self.start {
                self.end - 1
            } else {
                self.start
            },
            end: self.end,
        }
    }

    /// An empty range at the beginning.
    #[must_use]
    pub const fn start_point(self) -> Self {
        Self {
            file: self.file,
            start: self.start,
            end: self.start,
        }
    }

    /// An empty range behind the last byte.
    #[must_use]
    pub const fn end_point(self) -> Self {
        Self {
            file: self.file,
            start: self.end,
            end: self.end,
        }
    }
}

/// Line and column as Go counts them: from 1, the column in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LineColumn {
    /// From 1.
    pub line: u32,
    /// From 1, in bytes.
    pub column: u32,
}

impl fmt::Display for LineColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One file: its name as messages show it, its text, and where its lines begin.
#[derive(Clone, Debug)]
pub struct SourceFile {
    name: String,
    text: String,
    /// Of the text, which is not there of a file that [`SourceMap::add_lines`] added.
    length: u32,
    line_starts: Vec<u32>,
}

impl SourceFile {
    /// The name as messages show it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where its lines begin: offsets, ascending, the first 0.
    #[must_use]
    pub fn line_starts(&self) -> &[u32] {
        &self.line_starts
    }

    /// How long the text is, or was.
    #[must_use]
    pub fn length(&self) -> u32 {
        self.length
    }

    /// Line and column of a byte offset; an offset behind the end counts as the end.
    #[must_use]
    pub fn line_column(&self, offset: u32) -> LineColumn {
        let offset = offset.min(self.length);
        let line = self.line_starts.partition_point(|&start| start <= offset);
        LineColumn {
            line: line as u32,
            column: offset - self.line_starts[line - 1] + 1,
        }
    }

    /// Offset of the first byte of a line (from 1); the end of the text for a line that is not there.
    #[must_use]
    pub fn line_start(&self, line: u32) -> usize {
        let index = (line as usize).saturating_sub(1);
        self.line_starts
            .get(index)
            .map_or(self.text.len(), |&start| start as usize)
    }

    /// The text of a line (from 1) without its line end; empty for a line that is not there.
    #[must_use]
    pub fn line(&self, line: u32) -> &str {
        let index = (line as usize).wrapping_sub(1);
        let Some(&start) = self.line_starts.get(index) else {
            return "";
        };
        let end = self
            .line_starts
            .get(index + 1)
            .map_or(self.text.len(), |&next| next as usize);
        let line = self.text.get(start as usize..end).unwrap_or("");
        line.trim_end_matches(['\n', '\r'])
    }
}

/// Why a text cannot become a source file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileTooLarge;

impl fmt::Display for FileTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("source file too large")
    }
}

impl std::error::Error for FileTooLarge {}

/// Owns all texts of a compilation. A copy shares the texts.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<Arc<SourceFile>>,
}

impl SourceMap {
    /// The largest text, so that all offsets fit a `u32` with room to spare.
    pub const LARGEST_TEXT: usize = 1 << 30;

    /// No files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a text in.
    ///
    /// # Errors
    /// The text is longer than [`Self::LARGEST_TEXT`].
    pub fn add(
        &mut self,
        name: impl Into<String>,
        text: impl Into<String>,
    ) -> Result<FileId, FileTooLarge> {
        let text = text.into();
        if text.len() > Self::LARGEST_TEXT {
            return Err(FileTooLarge);
        }
        let mut line_starts = vec![0];
        let ends = memchr::memchr_iter(b'\n', text.as_bytes());
        line_starts.extend(ends.map(|at| at as u32 + 1));
        let id = FileId(self.files.len() as u32);
        self.files.push(Arc::new(SourceFile {
            name: name.into(),
            length: text.len() as u32,
            text,
            line_starts,
        }));
        Ok(id)
    }

    /// Takes in a file of which only its lines are known: positions in it can be named, its text is empty. `line_starts` are the
    /// offsets at which lines begin, the first 0, ascending.
    pub fn add_lines(
        &mut self,
        name: impl Into<String>,
        length: u32,
        mut line_starts: Vec<u32>,
    ) -> FileId {
        if line_starts.first() != Some(&0) {
            line_starts.insert(0, 0);
        }
        let id = FileId(self.files.len() as u32);
        self.files.push(Arc::new(SourceFile {
            name: name.into(),
            text: String::new(),
            length,
            line_starts,
        }));
        id
    }

    /// Gives every file the name that `rename` makes of the one it has.
    pub fn rename(&mut self, rename: impl Fn(&str) -> String) {
        for file in &mut self.files {
            let file = Arc::make_mut(file);
            file.name = rename(&file.name);
        }
    }

    /// The file of an id.
    ///
    /// # Panics
    /// The id is of another map.
    #[must_use]
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// All files, in the order they came.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files
            .iter()
            .enumerate()
            .map(|(index, file)| (FileId(index as u32), &**file))
    }

    /// The text of a file.
    #[must_use]
    pub fn text(&self, id: FileId) -> &str {
        self.file(id).text()
    }

    /// The text of a range; empty when it does not lie on character boundaries.
    #[must_use]
    pub fn slice(&self, range: TextRange) -> &str {
        self.text(range.file)
            .get(range.start as usize..range.end as usize)
            .unwrap_or("")
    }

    /// Line and column of the beginning of a range.
    #[must_use]
    pub fn line_column(&self, range: TextRange) -> LineColumn {
        self.file(range.file).line_column(range.start)
    }

    /// `file:line:col` of the beginning of a range.
    #[must_use]
    pub fn position(&self, range: TextRange) -> String {
        format!(
            "{}:{}",
            self.file(range.file).name(),
            self.line_column(range)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_bytes_and_lines_count_from_one() {
        let mut map = SourceMap::new();
        let id = map.add("a.go", "aé\nb\n").unwrap();
        let at = |offset| map.line_column(TextRange::at(id, offset)).to_string();
        assert_eq!(at(0), "1:1");
        assert_eq!(at(3), "1:4");
        assert_eq!(at(4), "2:1");
        assert_eq!(at(6), "3:1");
        assert_eq!(at(600), "3:1");
        assert_eq!(map.file(id).line(1), "aé");
        assert_eq!(map.file(id).line(3), "");
        assert_eq!(map.file(id).line(9), "");
    }
}
