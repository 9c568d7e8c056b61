//! `golite test -json`: what a test program prints, as a line of JSON for every event.
//!
//! The program prints with `-test.v=test2json`: a mark stands before every line of package `testing` itself, so that nothing else a test
//! prints is taken for one. What is printed between belongs to the test that was named last; the result of a test comes after those of the
//! tests around which it stands, with its output between. GO: cmd/internal/test2json.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const FRAMING: u8 = 0x16;
const ERROR_BEGIN: u8 = 0x0f;
const ERROR_END: u8 = 0x0e;
const ESCAPE: u8 = 0x1b;

/// Lines that name the test that runs now.
const UPDATES: &[&str] = &[
    "=== RUN   ",
    "=== PAUSE ",
    "=== CONT  ",
    "=== NAME  ",
    "=== PASS  ",
    "=== FAIL  ",
    "=== SKIP  ",
    "=== ATTR  ",
    "=== ARTIFACTS ",
];

/// Lines that say how a test ended.
const REPORTS: &[&str] = &["--- PASS: ", "--- FAIL: ", "--- SKIP: ", "--- BENCH: "];

/// As long a line is waited for; longer ones come in pieces.
const LONGEST_LINE: usize = 4096;

/// What takes lines of JSON.
pub type Out<'a> = &'a mut dyn FnMut(&[u8]);

#[derive(Default)]
struct Event {
    action: String,
    test: String,
    elapsed: Option<f64>,
    key: Option<String>,
    value: Option<String>,
    path: Option<String>,
}

/// Makes events of what is written to it.
pub struct Converter {
    package: String,
    start: Instant,
    test: String,
    /// Ends of tests that are not written yet: of those around the next line.
    reports: Vec<Event>,
    result: Option<&'static str>,
    failed_build: Option<String>,
    /// What is not a whole line yet.
    input: Vec<u8>,
    /// The beginning of a long line has been written.
    in_line: bool,
    /// Only marked lines are package testing's.
    marked: bool,
    in_error: bool,
}

impl Converter {
    /// For a package's tests, which start now.
    pub fn new(package: &str, out: Out<'_>) -> Converter {
        let converter = Converter {
            package: package.to_owned(),
            start: Instant::now(),
            test: String::new(),
            reports: Vec::new(),
            result: None,
            failed_build: None,
            input: Vec::new(),
            in_line: false,
            marked: false,
            in_error: false,
        };
        converter.event(
            &Event {
                action: "start".to_owned(),
                ..Event::default()
            },
            out,
        );
        converter
    }

    /// Takes a piece of the program's output.
    pub fn write(&mut self, bytes: &[u8], out: Out<'_>) {
        self.input.extend_from_slice(bytes);
        while let Some(end) = self.line_end() {
            let line: Vec<u8> = self.input.drain(..end).collect();
            if std::mem::take(&mut self.in_line) {
                self.output(&line, "", out);
            } else {
                self.line(&line, out);
            }
        }
        if !self.in_line
            && let Some(tab) = self.input.iter().position(|&byte| byte == b'\t')
            && is_benchmark_name(&self.input[..tab])
        {
            // The name of a benchmark is seen while it runs.
            let name: Vec<u8> = self.input.drain(..=tab).collect();
            self.output(&name, "", out);
            self.in_line = true;
        }
        if self.input.len() >= LONGEST_LINE {
            let whole = match std::str::from_utf8(&self.input) {
                Err(error) if error.error_len().is_none() => error.valid_up_to(),
                _ => self.input.len(),
            };
            let piece: Vec<u8> = self.input.drain(..whole).collect();
            self.output(&piece, "", out);
            self.in_line = true;
        }
    }

    /// Where the next line ends: behind its line end, or before a mark.
    fn line_end(&self) -> Option<usize> {
        let mut escaped = false;
        for (index, &byte) in self.input.iter().enumerate() {
            match byte {
                b'\n' => return Some(index + 1),
                _ if escaped => escaped = false,
                ESCAPE => escaped = true,
                FRAMING if index > 0 => return Some(index),
                _ => {}
            }
        }
        None
    }

    /// Says how the tests ended.
    pub fn finish(mut self, failed: bool, out: Out<'_>) {
        let rest = std::mem::take(&mut self.input);
        if !rest.is_empty() {
            self.output(&rest, "", out);
        }
        let result = if failed {
            "fail"
        } else {
            self.result
                .filter(|result| *result == "skip")
                .unwrap_or("pass")
        };
        let seconds = (self.start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        self.event(
            &Event {
                action: result.to_owned(),
                elapsed: Some(seconds),
                ..Event::default()
            },
            out,
        );
    }

    fn line(&mut self, line: &[u8], out: Out<'_>) {
        let mut line = line;
        let was_marked = line[0] == FRAMING;
        if self.marked && !was_marked {
            self.output(line, "", out);
            return;
        }
        if was_marked {
            line = &line[1..];
        }
        let text = String::from_utf8_lossy(line).into_owned();
        let trimmed = text.strip_suffix('\n').unwrap_or(&text);
        let trimmed = trimmed.strip_suffix('\r').unwrap_or(trimmed);
        if trimmed == "PASS" || trimmed == "FAIL" || trimmed.starts_with("FAIL\t") {
            self.flush_reports(0, out);
            self.marked = was_marked;
            self.output(line, "frame", out);
            self.result = Some(if trimmed == "PASS" { "pass" } else { "fail" });
            if let Some(build) = trimmed.strip_prefix("FAIL\t")
                && build.ends_with("[build failed]")
            {
                self.failed_build = Some(self.package.clone());
            }
            return;
        }
        if trimmed.starts_with("?   \t")
            && trimmed.ends_with("\t[no test files]")
            && self.reports.is_empty()
        {
            self.result = Some("skip");
        }
        if trimmed == "=== NAME" || UPDATES.iter().any(|update| text.starts_with(update)) {
            self.update(line, trimmed, was_marked, out);
            return;
        }
        let mut indent = 0;
        let mut report = trimmed;
        while let Some(rest) = report.strip_prefix("    ") {
            report = rest;
            indent += 1;
        }
        let is_report = REPORTS.iter().any(|start| report.starts_with(start));
        if !is_report || self.reports.len() < indent {
            if !is_report && indent > 0 && indent <= self.reports.len() {
                self.test.clone_from(&self.reports[indent - 1].test);
            }
            self.output(line, "", out);
            return;
        }
        let (action, name) = report[4..].split_once(": ").unwrap_or((report, ""));
        let mut event = Event {
            action: action.to_lowercase(),
            test: name.trim().to_owned(),
            ..Event::default()
        };
        if let Some((name, time)) = name.split_once(" (") {
            event.test = name.to_owned();
            event.elapsed = time
                .trim_end()
                .strip_suffix("s)")
                .and_then(|time| time.parse().ok());
        }
        self.marked = was_marked;
        self.flush_reports(indent, out);
        self.test.clone_from(&event.test);
        self.reports.push(event);
        self.output(line, "frame", out);
    }

    fn update(&mut self, line: &[u8], text: &str, was_marked: bool, out: Out<'_>) {
        let (action, name) = text[4..].split_once(' ').unwrap_or((&text[4..], ""));
        let mut name = name.trim();
        let mut event = Event {
            action: action.to_lowercase(),
            ..Event::default()
        };
        match event.action.as_str() {
            "artifacts" => {
                let (test, path) = name.split_once(' ').unwrap_or((name, ""));
                name = test;
                event.path = Some(path.to_owned());
            }
            "attr" => {
                let (test, rest) = name.split_once(' ').unwrap_or((name, ""));
                let (key, value) = rest.split_once(' ').unwrap_or((rest, ""));
                name = test;
                event.key = Some(key.to_owned());
                event.value = Some(value.to_owned());
            }
            _ => {}
        }
        self.marked = was_marked;
        self.flush_reports(0, out);
        self.test = name.to_owned();
        match event.action.as_str() {
            "name" => {}
            // A test that waits says so before it does.
            "pause" => {
                self.output(line, "frame", out);
                self.event(&event, out);
            }
            _ => {
                self.event(&event, out);
                self.output(line, "frame", out);
            }
        }
    }

    /// Writes the ends of tests that stand deeper than `depth`.
    fn flush_reports(&mut self, depth: usize, out: Out<'_>) {
        self.test.clear();
        while self.reports.len() > depth {
            if let Some(event) = self.reports.pop() {
                self.event(&event, out);
            }
        }
    }

    /// Writes output, in pieces where errors begin and end.
    fn output(&mut self, bytes: &[u8], kind: &str, out: Out<'_>) {
        let mut kind = match kind {
            "" if self.in_error => "error-continue",
            kind => kind,
        };
        let mut piece = Vec::with_capacity(bytes.len());
        let mut index = 0;
        while index < bytes.len() {
            match bytes[index] {
                ESCAPE => {
                    index += 1;
                    piece.extend(bytes.get(index));
                }
                ERROR_BEGIN => {
                    if !piece.is_empty() {
                        self.output_event(&std::mem::take(&mut piece), kind, out);
                    }
                    self.in_error = true;
                    kind = "error";
                }
                ERROR_END => {
                    if bytes.get(index + 1) == Some(&b'\n') {
                        piece.push(b'\n');
                        index += 1;
                    }
                    self.output_event(&std::mem::take(&mut piece), kind, out);
                    self.in_error = false;
                    kind = "";
                }
                byte => piece.push(byte),
            }
            index += 1;
        }
        if !piece.is_empty() {
            self.output_event(&piece, kind, out);
        }
    }

    fn output_event(&self, text: &[u8], kind: &str, out: Out<'_>) {
        let mut line = self.start_of("output", &self.test);
        member(&mut line, "Output", &String::from_utf8_lossy(text));
        if !kind.is_empty() {
            member(&mut line, "OutputType", kind);
        }
        line.push_str("}\n");
        out(line.as_bytes());
    }

    fn event(&self, event: &Event, out: Out<'_>) {
        let test = if event.test.is_empty() {
            &self.test
        } else {
            &event.test
        };
        let mut line = self.start_of(&event.action, test);
        if let Some(seconds) = event.elapsed {
            line.push_str(&format!(",\"Elapsed\":{seconds}"));
        }
        if event.action == "fail"
            && test.is_empty()
            && let Some(build) = &self.failed_build
        {
            member(&mut line, "FailedBuild", build);
        }
        for (name, text) in [
            ("Key", &event.key),
            ("Value", &event.value),
            ("Path", &event.path),
        ] {
            if let Some(text) = text
                && !text.is_empty()
            {
                member(&mut line, name, text);
            }
        }
        line.push_str("}\n");
        out(line.as_bytes());
    }

    fn start_of(&self, action: &str, test: &str) -> String {
        let mut line = format!("{{\"Time\":\"{}\"", timestamp(SystemTime::now()));
        member(&mut line, "Action", action);
        member(&mut line, "Package", &self.package);
        if !test.is_empty() {
            member(&mut line, "Test", test);
        }
        line
    }
}

fn is_benchmark_name(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name);
    name.trim_end_matches(' ')
        .strip_prefix("Benchmark")
        .is_some_and(|rest| !rest.chars().next().is_some_and(char::is_lowercase))
}

/// Appends a member; as Go's encoder does, with `<`, `>` and `&` escaped.
fn member(line: &mut String, name: &str, value: &str) {
    line.push_str(",\"");
    line.push_str(name);
    line.push_str("\":\"");
    for c in value.chars() {
        match c {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            '\u{8}' => line.push_str("\\b"),
            '\u{c}' => line.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                line.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => line.push(c),
        }
    }
    line.push('"');
}

/// A time as RFC 3339 has it, in UTC.
fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (days, second) = (since.as_secs() / 86400, since.as_secs() % 86400);
    // Years of 400 begin in March: leap days stand at their ends.
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day - day / 1460 + day / 36524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z",
        day_of_year - (153 * month_from_march + 2) / 5 + 1,
        second / 3600,
        second / 60 % 60,
        second % 60,
        since.subsec_nanos()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(output: &[u8], failed: bool) -> Vec<String> {
        let mut lines = Vec::new();
        let mut take = |line: &[u8]| {
            let line = String::from_utf8_lossy(line).into_owned();
            let line = line.trim_end().to_owned();
            let (_, rest) = line
                .split_once(",\"Action\":")
                .expect("a time stands before");
            lines.push(rest.replace(",\"Package\":\"p\"", ""));
        };
        let mut converter = Converter::new("p", &mut take);
        // In pieces, as they come from a pipe.
        for piece in output.chunks(7) {
            converter.write(piece, &mut take);
        }
        converter.finish(failed, &mut take);
        let last = lines.len() - 1;
        let end = lines[last]
            .find(",\"Elapsed\"")
            .unwrap_or(lines[last].len());
        lines[last].truncate(end);
        lines
    }

    #[test]
    fn lines_become_events() {
        let output = b"\x16=== RUN   TestA\n\x0f    a.go:1: no <good>\x0e\nprint\n\x16--- FAIL: TestA (0.02s)\n\x16FAIL\n";
        assert_eq!(
            events(output, true),
            [
                "\"start\"}",
                "\"run\",\"Test\":\"TestA\"}",
                "\"output\",\"Test\":\"TestA\",\"Output\":\"=== RUN   TestA\\n\",\"OutputType\":\"frame\"}",
                "\"output\",\"Test\":\"TestA\",\"Output\":\"    a.go:1: no \\u003cgood\\u003e\\n\",\"OutputType\":\"error\"}",
                "\"output\",\"Test\":\"TestA\",\"Output\":\"print\\n\"}",
                "\"output\",\"Test\":\"TestA\",\"Output\":\"--- FAIL: TestA (0.02s)\\n\",\"OutputType\":\"frame\"}",
                "\"fail\",\"Test\":\"TestA\",\"Elapsed\":0.02}",
                "\"output\",\"Output\":\"FAIL\\n\",\"OutputType\":\"frame\"}",
                "\"fail\"",
            ]
        );
    }

    #[test]
    fn what_a_test_prints_is_not_taken_for_a_result() {
        let found = events(
            b"\x16=== RUN   TestA\n--- FAIL: TestB (0.00s)\n\x16PASS\n",
            false,
        );
        assert!(
            found.iter().all(|event| !event.contains("\"fail\"")),
            "{found:?}"
        );
        assert_eq!(found.last().map(String::as_str), Some("\"pass\""));
    }

    #[test]
    fn a_time_has_its_date() {
        let time = UNIX_EPOCH + Duration::new(1_709_210_096, 5);
        assert_eq!(timestamp(time), "2024-02-29T12:34:56.000000005Z");
    }
}
