//! Profiles as files: what `go tool pprof` reads, a gzipped protocol buffer.
//!
//! A profile is a list of *samples*: a stack of program counters and a value for each of the profile's sample types. Program counters are those of
//! `runtime.Callers`: where a call returns to, or one further than an instruction that did something, so one less lies in the instruction meant.
//!
//! ```ignore
//! let mut profile = Profile::new(&[("samples", "count"), ("cpu", "nanoseconds")], ("cpu", "nanoseconds"), 10_000_000);
//! profile.add(&counters, &[1, 10_000_000], &[]);
//! let file = profile.encode(|counter| machine.place_of(counter));
//! ```
//!
//! GO: runtime/pprof proto.go, protobuf.go; the format is github.com/google/pprof/proto/profile.proto.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use vm::Place;

use crate::compress::flate::gzip;

/// What a value of a profile counts, and in which unit: `("cpu", "nanoseconds")`.
pub type ValueType<'a> = (&'a str, &'a str);

/// A profile that is being put together.
pub struct Profile {
    types: Vec<(u64, u64)>,
    period_type: (u64, u64),
    period: i64,
    default: u64,
    taken: SystemTime,
    duration: Duration,
    strings: Strings,
    samples: Vec<Sample>,
}

struct Sample {
    stack: Vec<u64>,
    values: Vec<i64>,
    labels: Vec<Label>,
}

enum Label {
    Text(u64, u64),
    Number(u64, i64),
}

/// What is told of a sample besides: a name with a text, or with a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LabelValue<'a> {
    /// A text.
    Text(&'a str),
    /// A number.
    Number(i64),
}

/// Texts by number; 0 is the empty one.
struct Strings {
    numbers: HashMap<String, u64>,
    all: Vec<String>,
}

impl Strings {
    fn number(&mut self, text: &str) -> u64 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.all.len() as u64;
        self.numbers.insert(text.to_owned(), number);
        self.all.push(text.to_owned());
        number
    }
}

impl Profile {
    /// An empty profile of values of these types, of which about one in `period` of `period_type` was looked at.
    pub fn new(types: &[ValueType<'_>], period_type: ValueType<'_>, period: i64) -> Profile {
        let mut strings = Strings {
            numbers: HashMap::from([(String::new(), 0)]),
            all: vec![String::new()],
        };
        let types = types
            .iter()
            .map(|(kind, unit)| (strings.number(kind), strings.number(unit)))
            .collect();
        let period_type = (strings.number(period_type.0), strings.number(period_type.1));
        Profile {
            types,
            period_type,
            period,
            default: 0,
            taken: SystemTime::now(),
            duration: Duration::ZERO,
            strings,
            samples: Vec::new(),
        }
    }

    /// Says which of the types a reader shows first; without that it is the last.
    pub fn show_first(&mut self, kind: &str) {
        self.default = self.strings.number(kind);
    }

    /// Says when the profile was begun, and how long that is ago.
    pub fn took(&mut self, begun: SystemTime, duration: Duration) {
        self.taken = begun;
        self.duration = duration;
    }

    /// Adds a sample: program counters, the innermost first, a value for each type, and labels.
    pub fn add(&mut self, stack: &[u64], values: &[i64], labels: &[(&str, LabelValue<'_>)]) {
        let labels = labels
            .iter()
            .map(|(name, value)| {
                let name = self.strings.number(name);
                match value {
                    LabelValue::Text(text) => Label::Text(name, self.strings.number(text)),
                    LabelValue::Number(number) => Label::Number(name, *number),
                }
            })
            .collect();
        self.samples.push(Sample {
            stack: stack.to_vec(),
            values: values.to_vec(),
            labels,
        });
    }

    /// The profile as the contents of a file. `place` says what lies at a program counter; those that it does not know are left out.
    pub fn encode(mut self, mut place: impl FnMut(u64) -> Option<Place>) -> Vec<u8> {
        let mut out = Message::default();
        for &(kind, unit) in &self.types {
            out.message(1, &value_type(kind, unit));
        }
        let mut tables = Tables::default();
        for sample in std::mem::take(&mut self.samples) {
            let stack = sample.stack.iter();
            let ids: Vec<u64> = stack
                .filter_map(|&counter| tables.location(counter, &mut place, &mut self.strings))
                .collect();
            out.message(2, &sample.message(ids));
        }
        // One mapping, all of whose functions, files and lines are known: readers do not look for an executable then.
        let mut mapping = Message::default();
        mapping.number(1, 1);
        let counters = || tables.locations.keys().copied();
        mapping.number(2, counters().min().unwrap_or(0) & !0xFFF);
        mapping.number(3, (counters().max().unwrap_or(0) | 0xFFF) + 1);
        mapping.number(5, self.strings.number("golite"));
        for flag in [7, 8, 9] {
            mapping.number(flag, 1);
        }
        out.message(3, &mapping);
        out.bytes.append(&mut tables.message.bytes);
        for text in &self.strings.all {
            out.text(6, text.as_bytes());
        }
        let since_1970 = self.taken.duration_since(SystemTime::UNIX_EPOCH);
        out.number(9, since_1970.map_or(0, |time| time.as_nanos() as u64));
        out.number(10, self.duration.as_nanos() as u64);
        out.message(11, &value_type(self.period_type.0, self.period_type.1));
        out.number(12, self.period as u64);
        out.number(14, self.default);
        gzip(&out.bytes)
    }
}

impl Sample {
    fn message(&self, locations: Vec<u64>) -> Message {
        let mut message = Message::default();
        message.packed(1, locations);
        message.packed(2, self.values.iter().map(|&value| value as u64));
        for label in &self.labels {
            let mut inner = Message::default();
            match *label {
                Label::Text(name, text) => {
                    inner.number(1, name);
                    inner.number(2, text);
                }
                Label::Number(name, number) => {
                    inner.number(1, name);
                    inner.number(3, number as u64);
                }
            }
            message.message(3, &inner);
        }
        message
    }
}

/// Locations and functions met so far, and their messages.
#[derive(Default)]
struct Tables {
    /// By program counter; `None` for those that nobody knows.
    locations: HashMap<u64, Option<u64>>,
    known: u64,
    /// By name and file.
    functions: HashMap<(String, String), u64>,
    message: Message,
}

impl Tables {
    /// The number of a location.
    fn location(
        &mut self,
        counter: u64,
        place: &mut dyn FnMut(u64) -> Option<Place>,
        strings: &mut Strings,
    ) -> Option<u64> {
        if let Some(&id) = self.locations.get(&counter) {
            return id;
        }
        let id = place(counter).map(|place| {
            let function = self.function(place.function, place.file, strings);
            self.known += 1;
            let mut line = Message::default();
            line.number(1, function);
            line.number(2, u64::from(place.line));
            let mut location = Message::default();
            location.number(1, self.known);
            location.number(2, 1);
            location.number(3, counter);
            location.message(4, &line);
            self.message.message(4, &location);
            self.known
        });
        self.locations.insert(counter, id);
        id
    }

    fn function(&mut self, name: String, file: String, strings: &mut Strings) -> u64 {
        let number = self.functions.len() as u64 + 1;
        let (name_number, file_number) = (strings.number(&name), strings.number(&file));
        *self.functions.entry((name, file)).or_insert_with(|| {
            let mut function = Message::default();
            function.number(1, number);
            function.number(2, name_number);
            function.number(3, name_number);
            function.number(4, file_number);
            self.message.message(5, &function);
            number
        })
    }
}

fn value_type(kind: u64, unit: u64) -> Message {
    let mut message = Message::default();
    message.number(1, kind);
    message.number(2, unit);
    message
}

/// A message of the wire format: fields, each with its number.
#[derive(Default)]
struct Message {
    bytes: Vec<u8>,
}

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// A number; 0 is what a field without a value has.
    fn number(&mut self, field: u64, value: u64) {
        if value != 0 {
            self.varint(field << 3);
            self.varint(value);
        }
    }

    fn text(&mut self, field: u64, text: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(text.len() as u64);
        self.bytes.extend_from_slice(text);
    }

    fn message(&mut self, field: u64, inner: &Message) {
        self.text(field, &inner.bytes);
    }

    fn packed(&mut self, field: u64, values: impl IntoIterator<Item = u64>) {
        let mut inner = Message::default();
        for value in values {
            inner.varint(value);
        }
        self.message(field, &inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_seven_bits_a_byte() {
        let mut message = Message::default();
        message.number(1, 300);
        message.number(2, 0);
        message.packed(3, [1, 128]);
        assert_eq!(message.bytes, [8, 0xac, 2, 26, 3, 1, 0x80, 1]);
    }

    #[test]
    fn a_profile_is_a_gzip_file() {
        let mut profile = Profile::new(&[("samples", "count")], ("cpu", "nanoseconds"), 1);
        profile.add(&[5], &[2], &[("key", LabelValue::Text("value"))]);
        let file = profile.encode(|_| {
            Some(Place {
                function: "main.f".to_owned(),
                file: "f.go".to_owned(),
                line: 3,
            })
        });
        assert_eq!(file[..3], [0x1f, 0x8b, 8]);
    }
}
