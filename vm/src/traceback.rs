//! How much of its goroutines a program shows when it fails: `GOTRACEBACK` and `runtime/debug.SetTraceback`.
//!
//! GO: runtime1.go `setTraceback`, `gotraceback`; traceback.go `goroutineheader`.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::fiber::Fiber;

/// What is shown; each level shows what the one before does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[repr(u8)]
pub enum TracebackLevel {
    /// The error alone.
    None,
    /// The goroutine that failed; all of them when the stack overflows, or in a deadlock.
    #[default]
    Single,
    /// All goroutines.
    All,
    /// As `All`: golite's own frames are no functions of the program's kind.
    System,
    /// As `System`, and the process ends by `SIGABRT`.
    Crash,
}

const ALL: [TracebackLevel; 5] = [
    TracebackLevel::None,
    TracebackLevel::Single,
    TracebackLevel::All,
    TracebackLevel::System,
    TracebackLevel::Crash,
];

impl TracebackLevel {
    /// The level of this name or number, as in `GOTRACEBACK`. What is neither shows nothing, as in Go.
    #[must_use]
    pub fn named(text: &str) -> TracebackLevel {
        match text {
            "" | "single" => TracebackLevel::Single,
            "all" => TracebackLevel::All,
            "system" => TracebackLevel::System,
            "crash" => TracebackLevel::Crash,
            number => match number.parse::<u32>() {
                Ok(0) | Err(_) => TracebackLevel::None,
                Ok(1) => TracebackLevel::All,
                Ok(_) => TracebackLevel::System,
            },
        }
    }
}

/// The level of a program.
pub(crate) struct Traceback {
    /// What the environment asks for: the program cannot ask for less.
    least: TracebackLevel,
    level: AtomicU8,
}

impl Traceback {
    pub(crate) fn new(level: TracebackLevel) -> Traceback {
        Traceback {
            least: level,
            level: AtomicU8::new(level as u8),
        }
    }

    pub(crate) fn level(&self) -> TracebackLevel {
        // ORDERING: relaxed. A setting.
        ALL[usize::from(self.level.load(Ordering::Relaxed))]
    }

    pub(crate) fn set(&self, level: TracebackLevel) {
        // ORDERING: relaxed. A setting.
        self.level
            .store(level.max(self.least) as u8, Ordering::Relaxed);
    }
}

/// Why a program has ended by itself.
pub struct Failure {
    /// The error, and the trace of the goroutine that failed if the level allows.
    pub(crate) text: String,
    /// The other goroutines are shown as well.
    pub(crate) shows_others: bool,
}

/// What stands after a goroutine's state in its line: its labels.
pub(crate) fn labels(fiber: &Fiber) -> String {
    let labels = fiber.labels.take();
    let text = labels
        .as_ref()
        .map_or_else(String::new, |text| format!(" {{{text}}}"));
    fiber.labels.set(labels);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_names_and_numbers_and_a_program_cannot_ask_for_less() {
        for (text, level) in [
            ("", TracebackLevel::Single),
            ("none", TracebackLevel::None),
            ("0", TracebackLevel::None),
            ("1", TracebackLevel::All),
            ("2", TracebackLevel::System),
            ("crash", TracebackLevel::Crash),
            ("nonsense", TracebackLevel::None),
            ("wer", TracebackLevel::None),
        ] {
            assert_eq!(TracebackLevel::named(text), level, "{text}");
        }
        let traceback = Traceback::new(TracebackLevel::All);
        traceback.set(TracebackLevel::None);
        assert_eq!(traceback.level(), TracebackLevel::All);
        traceback.set(TracebackLevel::Crash);
        assert_eq!(traceback.level(), TracebackLevel::Crash);
    }
}
