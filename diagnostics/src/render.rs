//! Diagnostics as text.
//!
//! Go's one line for machines, an excerpt of the source for people. Nothing is printed here, and whether a terminal is there and
//! wants colours is the caller's to know.

use crate::{Diagnostic, Diagnostics, FileId, SourceMap, TextRange};
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

/// How diagnostics are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// `file:line:col: message`, as Go's compiler prints.
    OneLine,
    /// The lines with carets below, labels and help.
    Excerpt {
        /// With terminal colours.
        color: bool,
    },
    /// An object of JSON on a line each.
    Json,
}

/// The most lines an excerpt is cut from; labels farther away get a line of their own.
const WINDOW: u32 = 200;

/// Shows at most `limit` diagnostics and says `too many errors` if there are more, as Go does with 10. Ends with a line end
/// unless nothing was reported. JSON is always complete.
#[must_use]
pub fn render(
    map: &SourceMap,
    diagnostics: &Diagnostics,
    format: Format,
    limit: Option<usize>,
) -> String {
    let limit = match format {
        Format::Json => usize::MAX,
        _ => limit.unwrap_or(usize::MAX),
    };
    let mut text = String::new();
    for diagnostic in diagnostics.iter().take(limit) {
        match format {
            Format::OneLine => text.push_str(&one_line(map, diagnostic)),
            Format::Excerpt { color } => text.push_str(&excerpt(map, diagnostic, color)),
            Format::Json => text.push_str(&json(map, diagnostic)),
        }
        text.push('\n');
        if matches!(format, Format::Excerpt { .. }) {
            text.push('\n');
        }
    }
    if diagnostics.len() > limit {
        // GO: cmd/compile/internal/base ErrorfAt
        if let Some(last) = diagnostics.iter().take(limit).next_back()
            && format == Format::OneLine
        {
            text.push_str(&format!("{}: ", map.position(last.range)));
        }
        text.push_str("too many errors\n");
    }
    text
}

/// `file:line:col: message`, without a line end. What Go puts on further lines of a message stays there.
#[must_use]
pub fn one_line(map: &SourceMap, diagnostic: &Diagnostic) -> String {
    let level = if diagnostic.is_warning {
        "warning: "
    } else {
        ""
    };
    format!(
        "{}: {level}{}",
        map.position(diagnostic.range),
        diagnostic.message
    )
}

/// An object with the members `file`, `line`, `column`, `end_line`, `end_column` (from 1, in bytes), `severity`, `code`, `message`,
/// `help` (or null) and `labels` (each with place and message), without a line end.
#[must_use]
pub fn json(map: &SourceMap, diagnostic: &Diagnostic) -> String {
    let place = |range: TextRange| {
        let file = map.file(range.file);
        let (start, end) = (file.line_column(range.start), file.line_column(range.end));
        format!(
            "\"file\":{},\"line\":{},\"column\":{},\"end_line\":{},\"end_column\":{}",
            quoted(file.name()),
            start.line,
            start.column,
            end.line,
            end.column
        )
    };
    let labels: Vec<String> = diagnostic
        .labels
        .iter()
        .map(|label| {
            let message = quoted(&label.message);
            format!("{{{},\"message\":{message}}}", place(label.range))
        })
        .collect();
    let severity = if diagnostic.is_warning {
        "warning"
    } else {
        "error"
    };
    format!(
        "{{{},\"severity\":\"{severity}\",\"code\":\"{}\",\"message\":{},\"help\":{},\"labels\":[{}]}}",
        place(diagnostic.range),
        diagnostic.code,
        quoted(&diagnostic.message),
        diagnostic.help.as_deref().map_or("null".to_owned(), quoted),
        labels.join(",")
    )
}

/// A string of JSON.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The message, the lines it is about with carets below, labels, help; without a line end.
#[must_use]
pub fn excerpt(map: &SourceMap, diagnostic: &Diagnostic, color: bool) -> String {
    let (first, more) = diagnostic
        .message
        .split_once('\n')
        .unwrap_or((&diagnostic.message, ""));
    let window = Window::around(map, diagnostic);
    let mut snippet = window
        .snippet()
        .annotation(window.annotation(AnnotationKind::Primary, diagnostic.range));
    let mut elsewhere = Vec::new();
    for label in &diagnostic.labels {
        if window.covers(label.range) {
            snippet = snippet.annotation(
                window
                    .annotation(AnnotationKind::Context, label.range)
                    .label(&label.message),
            );
        } else {
            elsewhere.push(format!("{}: {}", map.position(label.range), label.message));
        }
    }
    let level = if diagnostic.is_warning {
        Level::WARNING
    } else {
        Level::ERROR
    };
    let mut group: Group<'_> = level
        .primary_title(first)
        .id(diagnostic.code.as_str())
        .element(snippet);
    if !more.is_empty() {
        let more: Vec<&str> = more.lines().map(str::trim).collect();
        group = group.element(Level::NOTE.message(more.join("\n")));
    }
    for place in elsewhere {
        group = group.element(Level::NOTE.message(place));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer.render(&[group]).to_owned()
}

/// Some whole lines of a file.
struct Window<'m> {
    file: FileId,
    name: &'m str,
    text: &'m str,
    start: usize,
    first_line: u32,
}

impl<'m> Window<'m> {
    /// The lines of the diagnostic and of the labels near it.
    fn around(map: &'m SourceMap, diagnostic: &Diagnostic) -> Self {
        let range = diagnostic.range;
        let file = map.file(range.file);
        let lines = |range: TextRange| {
            (
                file.line_column(range.start).line,
                file.line_column(range.end.saturating_sub(1)).line,
            )
        };
        let (mut first, mut last) = lines(range);
        last = last.max(first).min(first + WINDOW);
        for label in diagnostic
            .labels
            .iter()
            .filter(|label| label.range.file == range.file)
        {
            let (start, end) = lines(label.range);
            if start + WINDOW >= last && end.max(start) <= first + WINDOW {
                first = first.min(start);
                last = last.max(end);
            }
        }
        let start = file.line_start(first);
        let end = file.line_start(last + 1);
        let text = file.text().get(start..end).unwrap_or("");
        Self {
            file: range.file,
            name: file.name(),
            text,
            start,
            first_line: first,
        }
    }

    fn snippet(&self) -> Snippet<'m, Annotation<'m>> {
        Snippet::source(self.text)
            .line_start(self.first_line as usize)
            .path(self.name)
    }

    fn covers(&self, range: TextRange) -> bool {
        range.file == self.file
            && (self.start..=self.start + self.text.len()).contains(&(range.start as usize))
    }

    /// The range as far as it lies in the window, on character boundaries.
    fn annotation<'a>(&self, kind: AnnotationKind, range: TextRange) -> Annotation<'a> {
        let within = |offset: u32| {
            let mut at = (offset as usize)
                .saturating_sub(self.start)
                .min(self.text.len());
            while !self.text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (start, end) = (within(range.start), within(range.end));
        kind.span(start..end.max(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    fn sample() -> (SourceMap, Diagnostics) {
        let mut map = SourceMap::new();
        let file = map
            .add("a.go", "package main\n\nfunc f() {\n\tx := 1\n\tx := 2é\n}")
            .unwrap();
        let mut list = Diagnostics::new();
        let second = TextRange::new(file, 36, 38);
        let diagnostic = Diagnostic::new(Code::Redeclared, second, "no new variables\n\thave 1")
            .label(TextRange::new(file, 26, 27), "other declaration of x")
            .help("use = to assign");
        list.push(diagnostic);
        (map, list)
    }

    #[test]
    fn one_line_is_as_go_prints_it() {
        let (map, list) = sample();
        assert_eq!(
            render(&map, &list, Format::Json, Some(0)),
            "{\"file\":\"a.go\",\"line\":5,\"column\":4,\"end_line\":5,\"end_column\":6,\"severity\":\"error\",\
             \"code\":\"E0101\",\"message\":\"no new variables\\n\\thave 1\",\"help\":\"use = to assign\",\"labels\":[\
             {\"file\":\"a.go\",\"line\":4,\"column\":2,\"end_line\":4,\"end_column\":3,\
             \"message\":\"other declaration of x\"}]}\n"
        );
        assert_eq!(
            render(&map, &list, Format::OneLine, Some(10)),
            "a.go:5:4: no new variables\n\thave 1\n"
        );
        assert_eq!(
            render(&map, &list, Format::OneLine, Some(0)),
            "too many errors\n"
        );
    }

    #[test]
    fn an_excerpt_shows_the_lines() {
        let (map, list) = sample();
        let text = render(&map, &list, Format::Excerpt { color: false }, None);
        let expected = "\
error[E0101]: no new variables
 --> a.go:5:4
  |
4 |     x := 1
  |     - other declaration of x
5 |     x := 2é
  |       ^^
  |
  = note: have 1
  = help: use = to assign

";
        assert_eq!(text, expected);
        assert!(render(&map, &list, Format::Excerpt { color: true }, None).contains("\u{1b}["));
    }

    #[test]
    fn no_range_is_too_odd() {
        let mut map = SourceMap::new();
        let text = "é\n\u{0}\t\r\n日本";
        let file = map.add("a.go", text).unwrap();
        for start in 0..20 {
            for end in 0..20 {
                let diagnostic =
                    Diagnostic::new(Code::Syntax, TextRange::new(file, start, end), "m")
                        .label(TextRange::new(file, end, start), "l");
                assert!(
                    excerpt(&map, &diagnostic, false).contains("a.go"),
                    "{start}..{end}"
                );
            }
        }
        let empty = map.add("b.go", "").unwrap();
        let shown = excerpt(
            &map,
            &Diagnostic::new(Code::Syntax, TextRange::new(empty, 0, 0), "m"),
            false,
        );
        assert!(shown.contains("b.go"));
    }
}
