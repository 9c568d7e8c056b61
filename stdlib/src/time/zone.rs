//! Time zones from the system's database (TZif files).
//!
//! GO: time `zoneinfo.go`, `zoneinfo_read.go`. The format: RFC 8536.

use std::sync::{Arc, Mutex, PoisonError};

use super::layout::{civil, days_from_civil, is_leap};

/// A kind of time in a zone.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Kind {
    name: Vec<u8>,
    offset: i64,
    dst: bool,
}

/// A zone of the database.
pub struct Zone {
    kinds: Vec<Kind>,
    /// From when on which kind is in force, ascending.
    changes: Vec<(i64, usize)>,
    /// The rule after the last change.
    rule: Option<Rule>,
}

/// What is in force at some time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InForce {
    pub name: Vec<u8>,
    pub offset: i64,
    pub start: i64,
    pub end: i64,
    pub dst: bool,
}

/// Where the database is looked for.
const FOLDERS: [&str; 4] = [
    "/usr/share/zoneinfo",
    "/usr/share/lib/zoneinfo",
    "/usr/lib/locale/TZ",
    "/etc/zoneinfo",
];

/// All zones loaded so far, by name. Zones are never dropped: their numbers stand in script values.
static LOADED: Mutex<Vec<(String, Arc<Zone>)>> = Mutex::new(Vec::new());

/// The number of the zone with this name, if the database has it.
pub fn load(name: &str) -> Option<usize> {
    load_from(name, || {
        FOLDERS
            .iter()
            .find_map(|folder| std::fs::read(format!("{folder}/{name}")).ok())
    })
}

/// The number of the zone in this file.
pub fn load_file(path: &str) -> Option<usize> {
    load_from(path, || std::fs::read(path).ok())
}

fn load_from(name: &str, read: impl FnOnce() -> Option<Vec<u8>>) -> Option<usize> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(number) = loaded.iter().position(|(n, _)| n == name) {
        return Some(number);
    }
    let zone = Zone::parse(&read()?)?;
    loaded.push((name.to_string(), Arc::new(zone)));
    Some(loaded.len() - 1)
}

/// Zone `number`.
pub fn get(number: i64) -> Option<Arc<Zone>> {
    let loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    loaded
        .get(usize::try_from(number).ok()?)
        .map(|(_, zone)| zone.clone())
}

/// The number of a zone in the given data. The data are its name, so that a program that loads them again and again takes no more room.
pub fn load_data(data: &[u8]) -> Option<usize> {
    let name: String = data.iter().map(|byte| char::from(*byte)).collect();
    load_from(&format!("\0{name}"), || Some(data.to_vec()))
}

struct Reader<'d> {
    data: &'d [u8],
}

impl<'d> Reader<'d> {
    fn take(&mut self, count: usize) -> Option<&'d [u8]> {
        let (head, rest) = self.data.split_at_checked(count)?;
        self.data = rest;
        Some(head)
    }

    fn number(&mut self) -> Option<usize> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?) as usize)
    }
}

impl Zone {
    fn parse(data: &[u8]) -> Option<Zone> {
        let mut reader = Reader { data };
        let mut wide = false;
        loop {
            if reader.take(4)? != b"TZif" {
                return None;
            }
            let version = reader.take(16)?[0];
            let mut counts = [0; 6];
            for count in &mut counts {
                *count = reader.number()?;
            }
            let [utc, standard, leaps, times, kinds, characters] = counts;
            let size = if wide { 8 } else { 4 };
            if version != 0 && !wide {
                // The same again in 64 bits.
                reader.take(times * 5 + kinds * 6 + characters + leaps * 8 + standard + utc)?;
                wide = true;
                continue;
            }
            let moments = reader.take(times * size)?;
            let indices = reader.take(times)?;
            let kind_data = reader.take(kinds * 6)?;
            let names = reader.take(characters)?;
            reader.take(leaps * (size + 4) + standard + utc)?;
            let rule = reader
                .data
                .strip_prefix(b"\n")
                .and_then(|rest| rest.split(|&b| b == b'\n').next());
            let kinds: Vec<Kind> = kind_data
                .chunks_exact(6)
                .map(|k| {
                    let name = names
                        .get(usize::from(k[5])..)?
                        .split(|&b| b == 0)
                        .next()?
                        .to_vec();
                    Some(Kind {
                        name,
                        offset: i64::from(i32::from_be_bytes(k[..4].try_into().ok()?)),
                        dst: k[4] != 0,
                    })
                })
                .collect::<Option<_>>()?;
            let mut changes = Vec::with_capacity(times);
            for (moment, &index) in moments.chunks_exact(size).zip(indices) {
                let moment = if wide {
                    i64::from_be_bytes(moment.try_into().ok()?)
                } else {
                    i64::from(i32::from_be_bytes(moment.try_into().ok()?))
                };
                if usize::from(index) >= kinds.len() {
                    return None;
                }
                changes.push((moment, usize::from(index)));
            }
            if kinds.is_empty() {
                return None;
            }
            return Some(Zone {
                kinds,
                changes,
                rule: rule.and_then(Rule::parse),
            });
        }
    }

    /// What is in force at `seconds` since 1970.
    pub fn at(&self, seconds: i64) -> InForce {
        let after = self.changes.partition_point(|&(from, _)| from <= seconds);
        let in_force = |kind: &Kind, start, end| InForce {
            name: kind.name.clone(),
            offset: kind.offset,
            start,
            end,
            dst: kind.dst,
        };
        if after == 0 {
            let end = self.changes.first().map_or(i64::MAX, |&(from, _)| from);
            return in_force(self.first(), i64::MIN, end);
        }
        let (start, kind) = self.changes[after - 1];
        if after == self.changes.len()
            && let Some(rule) = &self.rule
        {
            return rule.at(seconds, start);
        }
        let end = self.changes.get(after).map_or(i64::MAX, |&(from, _)| from);
        in_force(&self.kinds[kind], start, end)
    }

    /// Before the first change: the first kind that is not daylight saving time.
    fn first(&self) -> &Kind {
        let used = self.changes.iter().any(|&(_, kind)| kind == 0);
        if !used {
            return &self.kinds[0];
        }
        if let Some(&(_, kind)) = self.changes.first()
            && self.kinds[kind].dst
            && let Some(standard) = self.kinds[..kind].iter().rev().find(|kind| !kind.dst)
        {
            return standard;
        }
        self.kinds
            .iter()
            .find(|kind| !kind.dst)
            .unwrap_or(&self.kinds[0])
    }

    /// The offset that an abbreviation stands for near a time.
    pub fn named(&self, name: &[u8], seconds: i64) -> Option<i64> {
        for kind in &self.kinds {
            if kind.name == name && self.at(seconds - kind.offset).name == name {
                return Some(self.at(seconds - kind.offset).offset);
            }
        }
        self.kinds
            .iter()
            .find(|kind| kind.name == name)
            .map(|kind| kind.offset)
    }
}

/// A rule for all years to come, as in the environment variable TZ.
struct Rule {
    standard: Kind,
    /// Daylight saving time, when it begins and when it ends.
    saving: Option<(Kind, Change, Change)>,
}

/// A day of the year and the seconds after its midnight.
struct Change {
    day: Day,
    time: i64,
}

enum Day {
    /// 1 to 365, February 29 not counted.
    Julian(i64),
    /// 0 to 365.
    OfYear(i64),
    /// The n-th (5: last) weekday of a month.
    OfMonth { month: i64, week: i64, weekday: i64 },
}

impl Rule {
    fn parse(text: &[u8]) -> Option<Rule> {
        let mut text = Text { rest: text };
        let name = text.name()?;
        let standard = Kind {
            name,
            offset: -text.offset()?,
            dst: false,
        };
        if text.rest.is_empty() {
            return Some(Rule {
                standard,
                saving: None,
            });
        }
        let name = text.name()?;
        let offset = if matches!(text.rest.first(), None | Some(b',')) {
            standard.offset + 3600
        } else {
            -text.offset()?
        };
        let saving = Kind {
            name,
            offset,
            dst: true,
        };
        // Without rules: those of the United States.
        if text.rest.is_empty() {
            text.rest = b",M3.2.0,M11.1.0";
        }
        let begin = text.change()?;
        let end = text.change()?;
        Some(Rule {
            standard,
            saving: Some((saving, begin, end)),
        })
    }

    fn at(&self, seconds: i64, last_change: i64) -> InForce {
        let Some((saving, begin, end)) = &self.saving else {
            let kind = &self.standard;
            return InForce {
                name: kind.name.clone(),
                offset: kind.offset,
                start: last_change,
                end: i64::MAX,
                dst: false,
            };
        };
        let (year, _, _) = civil(seconds.div_euclid(86_400));
        // The changes of three years, in order.
        let mut changes = Vec::with_capacity(6);
        for year in year - 1..=year + 1 {
            changes.push((begin.moment(year) - self.standard.offset, saving));
            changes.push((end.moment(year) - saving.offset, &self.standard));
        }
        changes.sort_by_key(|&(moment, _)| moment);
        let after = changes
            .partition_point(|&(moment, _)| moment <= seconds)
            .clamp(1, changes.len() - 1);
        let (start, kind) = changes[after - 1];
        InForce {
            name: kind.name.clone(),
            offset: kind.offset,
            start,
            end: changes[after].0,
            dst: kind.dst,
        }
    }
}

impl Change {
    /// Seconds since 1970 on the wall clock.
    fn moment(&self, year: i64) -> i64 {
        let first = days_from_civil(year, 1, 1);
        let day = match self.day {
            Day::Julian(n) => first + n - 1 + i64::from(is_leap(year) && n >= 60),
            Day::OfYear(n) => first + n,
            Day::OfMonth {
                month,
                week,
                weekday,
            } => {
                let start = days_from_civil(year, month, 1);
                let mut day = start + (weekday - (start + 4)).rem_euclid(7) + (week - 1) * 7;
                let next = if month == 12 {
                    days_from_civil(year + 1, 1, 1)
                } else {
                    days_from_civil(year, month + 1, 1)
                };
                if day >= next {
                    day -= 7;
                }
                day
            }
        };
        day * 86_400 + self.time
    }
}

struct Text<'t> {
    rest: &'t [u8],
}

impl Text<'_> {
    fn accept(&mut self, b: u8) -> bool {
        let fits = self.rest.first() == Some(&b);
        if fits {
            self.rest = &self.rest[1..];
        }
        fits
    }

    fn name(&mut self) -> Option<Vec<u8>> {
        let quoted = self.accept(b'<');
        let length = self
            .rest
            .iter()
            .take_while(|&&b| {
                if quoted {
                    b != b'>'
                } else {
                    b.is_ascii_alphabetic()
                }
            })
            .count();
        let name = self.rest.get(..length)?.to_vec();
        self.rest = &self.rest[length..];
        if quoted && !self.accept(b'>') || length < 3 {
            None
        } else {
            Some(name)
        }
    }

    fn number(&mut self, largest: i64) -> Option<i64> {
        let length = self
            .rest
            .iter()
            .take(4)
            .take_while(|b| b.is_ascii_digit())
            .count();
        let value = self.rest[..length]
            .iter()
            .fold(0, |n, b| n * 10 + i64::from(b - b'0'));
        self.rest = &self.rest[length..];
        (length > 0 && value <= largest).then_some(value)
    }

    fn offset(&mut self) -> Option<i64> {
        let negative = self.accept(b'-');
        if !negative {
            self.accept(b'+');
        }
        let mut seconds = self.number(24 * 7)? * 3600;
        if self.accept(b':') {
            seconds += self.number(59)? * 60;
            if self.accept(b':') {
                seconds += self.number(59)?;
            }
        }
        Some(if negative { -seconds } else { seconds })
    }

    fn change(&mut self) -> Option<Change> {
        if !self.accept(b',') {
            return None;
        }
        let day = if self.accept(b'J') {
            Day::Julian(self.number(365).filter(|&n| n > 0)?)
        } else if self.accept(b'M') {
            let month = self.number(12).filter(|&n| n > 0)?;
            let week = self.accept(b'.').then(|| self.number(5))??;
            let weekday = self.accept(b'.').then(|| self.number(6))??;
            Day::OfMonth {
                month,
                week,
                weekday,
            }
        } else {
            Day::OfYear(self.number(365)?)
        };
        let time = if self.accept(b'/') {
            self.offset()?
        } else {
            2 * 3600
        };
        Some(Change { day, time })
    }
}
