//! What is wrong with a program text.

use crate::{Code, TextRange};

/// A second place that belongs to a message, such as "other declaration of x".
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// Where.
    pub range: TextRange,
    /// What is there.
    pub message: String,
}

/// One error, in Go's words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// The row of the table it belongs to.
    pub code: Code,
    /// The place; its beginning is the `line:col` that is printed.
    pub range: TextRange,
    /// What Go's compiler says.
    pub message: String,
    /// Other places to look at.
    pub labels: Vec<Label>,
    /// How it may be mended.
    pub help: Option<String>,
    /// Does the program run all the same?
    pub is_warning: bool,
}

impl Diagnostic {
    /// An error without labels or help.
    #[must_use]
    pub fn new(code: Code, range: TextRange, message: impl Into<String>) -> Self {
        Self {
            code,
            range,
            message: message.into(),
            labels: Vec::new(),
            help: None,
            is_warning: false,
        }
    }

    /// Adds another place to look at.
    #[must_use]
    pub fn label(mut self, range: TextRange, message: impl Into<String>) -> Self {
        self.labels.push(Label {
            range,
            message: message.into(),
        });
        self
    }

    /// Says how it may be mended.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The errors of one stage, in the order they were found; and, where golite is asked to be relaxed, warnings.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reports an error.
    pub fn report(&mut self, code: Code, range: TextRange, message: impl Into<String>) {
        self.push(Diagnostic::new(code, range, message));
    }

    /// Reports an error that has labels or help.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Takes over the errors of another stage.
    pub fn append(&mut self, other: Self) {
        self.list.extend(other.list);
    }

    /// Keeps only some.
    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.list.retain(keep);
    }

    /// Whether nothing was reported.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether something was reported that keeps the program from running.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| !diagnostic.is_warning)
    }

    /// How many of them do.
    #[must_use]
    pub fn error_count(&self) -> usize {
        let errors = self.list.iter().filter(|diagnostic| !diagnostic.is_warning);
        errors.count()
    }

    /// How many were reported.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// In the order they were reported.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Orders by file and position and drops repetitions: the same message twice on one line, as Go does before it prints. The
    /// files keep the order in which the first error of each was found.
    ///
    /// GO: cmd/compile/internal/base `FlushErrors`; files are numbered when an error first mentions them.
    pub fn sort_as_go(&mut self, map: &crate::SourceMap) {
        let mut files: Vec<crate::FileId> = Vec::new();
        for diagnostic in &self.list {
            if !files.contains(&diagnostic.range.file) {
                files.push(diagnostic.range.file);
            }
        }
        let place = |file| files.iter().position(|other| *other == file);
        self.list
            .sort_by_key(|diagnostic| (place(diagnostic.range.file), diagnostic.range.start));
        self.list.dedup_by(|next, last| {
            next.message == last.message
                && next.range.file == last.range.file
                && map.line_column(next.range).line == map.line_column(last.range).line
        });
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}
