//! Profiles, for people to look at: files in the format of `go tool pprof`, whoever wrote them, as a table and as a page.

mod page;
mod reading;

pub use page::page;
pub use reading::{Frame, Profile, Sample, read};

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

impl Profile {
    /// Which of the values is shown first.
    #[must_use]
    pub fn main_value(&self) -> usize {
        let wanted = self.types.iter().position(|(name, _)| *name == self.shown);
        wanted.unwrap_or(self.types.len().saturating_sub(1))
    }

    /// The `count` functions with the most of a value of their own, as `go tool pprof -top` shows them. `flat` is what a function has of its own, `cum`
    /// what it has together with those that it calls.
    #[must_use]
    pub fn top(&self, value: usize, count: usize) -> String {
        let mut functions: HashMap<&str, (i64, i64)> = HashMap::new();
        let mut total = 0i64;
        for sample in &self.samples {
            let amount = sample.values.get(value).copied().unwrap_or(0);
            total = total.saturating_add(amount);
            let mut met = HashSet::new();
            for (depth, &frame) in sample.stack.iter().enumerate() {
                let name = self.frames[frame].function.as_str();
                let entry = functions.entry(name).or_default();
                if depth == 0 {
                    entry.0 = entry.0.saturating_add(amount);
                }
                if met.insert(name) {
                    entry.1 = entry.1.saturating_add(amount);
                }
            }
        }
        let mut rows: Vec<_> = functions.into_iter().collect();
        rows.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        let unit = self.types.get(value).map_or("", |(_, unit)| unit);
        let percent = |part: i64| 100.0 * part as f64 / total.max(1) as f64;
        let mut text = String::from("      flat  flat%        cum   cum%\n");
        for (name, (flat, cumulative)) in rows.into_iter().take(count) {
            let _ = writeln!(
                text,
                "{:>10} {:>5.1}% {:>10} {:>5.1}%  {name}",
                amount(flat, unit),
                percent(flat),
                amount(cumulative, unit),
                percent(cumulative),
            );
        }
        text
    }
}

/// A value with its unit, short: `1.25s`, `3.10MB`.
#[must_use]
pub fn amount(value: i64, unit: &str) -> String {
    let scaled = |steps: &[(f64, &str)]| {
        let value = value as f64;
        let step = steps.iter().find(|(size, _)| value.abs() >= *size);
        match step {
            Some((size, name)) => format!("{:.2}{name}", value / size),
            None => "0".to_owned(),
        }
    };
    match unit {
        "nanoseconds" => scaled(&[(1e9, "s"), (1e6, "ms"), (1e3, "us"), (1.0, "ns")]),
        "bytes" => scaled(&[
            ((1u64 << 30) as f64, "GB"),
            ((1u64 << 20) as f64, "MB"),
            (1024.0, "kB"),
            (1.0, "B"),
        ]),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        let frame = |function: &str, line| Frame {
            function: function.to_owned(),
            file: "a.gl".to_owned(),
            line,
        };
        Profile {
            types: vec![
                ("samples".into(), "count".into()),
                ("cpu".into(), "nanoseconds".into()),
            ],
            shown: String::new(),
            frames: vec![
                frame("main.main", 9),
                frame("main.f", 4),
                frame("main.f", 5),
            ],
            samples: vec![
                Sample {
                    stack: vec![1, 0],
                    values: vec![3, 30_000_000],
                },
                // Recursion counts once.
                Sample {
                    stack: vec![2, 1, 0],
                    values: vec![1, 10_000_000],
                },
            ],
        }
    }

    #[test]
    fn functions_are_charged_with_their_own_and_with_what_they_call() {
        assert_eq!(
            profile().top(1, 10),
            "      flat  flat%        cum   cum%\n   \
             40.00ms 100.0%    40.00ms 100.0%  main.f\n         \
             0   0.0%    40.00ms 100.0%  main.main\n"
        );
        assert_eq!(profile().main_value(), 1);
    }

    #[test]
    fn a_page_needs_nothing_from_elsewhere() {
        let mut profile = profile();
        profile.frames[1].function = "</script>".to_owned();
        let page = page(&profile, "a <title>").expect("a template");
        assert!(page.starts_with("<!doctype html>"));
        assert!(page.contains("\\u003c/script>") && !page.contains("a <title>"));
        assert!(!page.contains("http:") && !page.contains("https:"));
    }
}
