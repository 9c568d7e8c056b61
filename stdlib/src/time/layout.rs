//! Times as text and text as times, by layouts that show how the reference time is written.
//!
//! GO: time `format.go`.

/// A part of a layout.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekDay,
    WeekDay,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    ZoneName,
    /// An offset: with `Z` for none, with colons, number of pairs of digits.
    Zone {
        z: bool,
        colon: bool,
        pairs: u8,
    },
    /// A fraction: with its zeros or without, and the separator.
    Fraction {
        digits: usize,
        zeros: bool,
        separator: u8,
    },
}

pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// The first part of a layout: where it begins and ends. `None` if the rest is plain text.
fn next_part(layout: &[u8]) -> Option<(usize, usize, Part)> {
    let starts_lower = |rest: &[u8]| rest.first().is_some_and(u8::is_ascii_lowercase);
    for (i, &c) in layout.iter().enumerate() {
        let rest = &layout[i..];
        let found = |length: usize, part: Part| Some((i, i + length, part));
        match c {
            b'J' if rest.starts_with(b"January") => return found(7, Part::LongMonth),
            b'J' if rest.starts_with(b"Jan") && !starts_lower(&rest[3..]) => {
                return found(3, Part::Month);
            }
            b'M' if rest.starts_with(b"Monday") => return found(6, Part::LongWeekDay),
            b'M' if rest.starts_with(b"Mon") && !starts_lower(&rest[3..]) => {
                return found(3, Part::WeekDay);
            }
            b'M' if rest.starts_with(b"MST") => return found(3, Part::ZoneName),
            b'0' => match rest.get(1) {
                Some(b'1') => return found(2, Part::ZeroMonth),
                Some(b'2') => return found(2, Part::ZeroDay),
                Some(b'3') => return found(2, Part::ZeroHour12),
                Some(b'4') => return found(2, Part::ZeroMinute),
                Some(b'5') => return found(2, Part::ZeroSecond),
                Some(b'6') => return found(2, Part::Year),
                Some(b'0') if rest.get(2) == Some(&b'2') => return found(3, Part::ZeroYearDay),
                _ => {}
            },
            b'1' if rest.get(1) == Some(&b'5') => return found(2, Part::Hour),
            b'1' => return found(1, Part::NumMonth),
            b'2' if rest.starts_with(b"2006") => return found(4, Part::LongYear),
            b'2' => return found(1, Part::Day),
            b'_' if rest.starts_with(b"_2006") => return Some((i + 1, i + 5, Part::LongYear)),
            b'_' if rest.starts_with(b"_2") => return found(2, Part::UnderDay),
            b'_' if rest.starts_with(b"__2") => return found(3, Part::UnderYearDay),
            b'3' => return found(1, Part::Hour12),
            b'4' => return found(1, Part::Minute),
            b'5' => return found(1, Part::Second),
            b'P' if rest.starts_with(b"PM") => return found(2, Part::UpperPm),
            b'p' if rest.starts_with(b"pm") => return found(2, Part::LowerPm),
            b'-' | b'Z' => {
                let z = c == b'Z';
                for (text, colon, pairs) in [
                    (&b"070000"[..], false, 3),
                    (b"07:00:00", true, 3),
                    (b"0700", false, 2),
                    (b"07:00", true, 2),
                    (b"07", false, 1),
                ] {
                    if rest[1..].starts_with(text) {
                        return found(1 + text.len(), Part::Zone { z, colon, pairs });
                    }
                }
            }
            b'.' | b',' => {
                if let Some(&digit @ (b'0' | b'9')) = rest.get(1) {
                    let digits = rest[1..].iter().take_while(|&&b| b == digit).count();
                    if !rest.get(1 + digits).is_some_and(u8::is_ascii_digit) {
                        return found(
                            1 + digits,
                            Part::Fraction {
                                digits,
                                zeros: digit == b'0',
                                separator: c,
                            },
                        );
                    }
                }
            }
            _ => {}
        }
    }
    None
}

/// Days since 1970-01-01 to year, month (1 to 12), day. (Howard Hinnant's algorithm.)
pub fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (
        year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day_of_year - (153 * shifted + 2) / 5 + 1,
    )
}

/// Year, month (1 to 12), day to days since 1970-01-01; the day may be out of its month.
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 {
        year.wrapping_sub(1)
    } else {
        year
    };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era.wrapping_mul(146_097)
        .wrapping_add(day_of_era - 719_468)
        .wrapping_add(day)
        .wrapping_sub(1)
}

pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Number of the day within its year, from 1.
pub fn year_day(year: i64, month: i64, day: i64) -> i64 {
    days_from_civil(year, month, day) - days_from_civil(year, 1, 1) + 1
}

fn days_in(month: i64, year: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn number(out: &mut Vec<u8>, value: i64, width: usize) {
    let text = format!("{:0width$}", value.unsigned_abs());
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(text.as_bytes());
}

/// Writes a time: `seconds` since 1970 on the wall clock of a zone with this name and offset.
pub fn format(layout: &[u8], seconds: i64, nanoseconds: i64, zone: &[u8], offset: i64) -> Vec<u8> {
    let (days, clock) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
    let weekday = DAYS[(days + 4).rem_euclid(7) as usize];
    let month_name = MONTHS[(month - 1) as usize];
    let mut out = Vec::with_capacity(layout.len() + 10);
    let mut rest = layout;
    while let Some((start, end, part)) = next_part(rest) {
        out.extend_from_slice(&rest[..start]);
        rest = &rest[end..];
        match part {
            Part::LongMonth => out.extend_from_slice(month_name.as_bytes()),
            Part::Month => out.extend_from_slice(&month_name.as_bytes()[..3]),
            Part::NumMonth => number(&mut out, month, 0),
            Part::ZeroMonth => number(&mut out, month, 2),
            Part::LongWeekDay => out.extend_from_slice(weekday.as_bytes()),
            Part::WeekDay => out.extend_from_slice(&weekday.as_bytes()[..3]),
            Part::Day => number(&mut out, day, 0),
            Part::UnderDay => out.extend_from_slice(format!("{day:2}").as_bytes()),
            Part::ZeroDay => number(&mut out, day, 2),
            Part::UnderYearDay => {
                out.extend_from_slice(format!("{:3}", year_day(year, month, day)).as_bytes())
            }
            Part::ZeroYearDay => number(&mut out, year_day(year, month, day), 3),
            Part::Hour => number(&mut out, hour, 2),
            Part::Hour12 => number(&mut out, hour12, 0),
            Part::ZeroHour12 => number(&mut out, hour12, 2),
            Part::Minute => number(&mut out, minute, 0),
            Part::ZeroMinute => number(&mut out, minute, 2),
            Part::Second => number(&mut out, second, 0),
            Part::ZeroSecond => number(&mut out, second, 2),
            Part::LongYear => number(&mut out, year, 4),
            Part::Year => number(&mut out, year.abs() % 100, 2),
            Part::UpperPm => out.extend_from_slice(if hour >= 12 { b"PM" } else { b"AM" }),
            Part::LowerPm => out.extend_from_slice(if hour >= 12 { b"pm" } else { b"am" }),
            Part::ZoneName if !zone.is_empty() => out.extend_from_slice(zone),
            Part::ZoneName => append_offset(&mut out, offset, false, 2),
            Part::Zone { z: true, .. } if offset == 0 => out.push(b'Z'),
            Part::Zone { colon, pairs, .. } => append_offset(&mut out, offset, colon, pairs),
            Part::Fraction {
                digits,
                zeros,
                separator,
            } => {
                let text = std::format!("{nanoseconds:09}");
                // More than nine digits are padded.
                let mut fraction: Vec<u8> = text.into_bytes();
                fraction.resize(digits.max(9), b'0');
                fraction.truncate(digits);
                if !zeros {
                    while fraction.last() == Some(&b'0') {
                        fraction.pop();
                    }
                    if fraction.is_empty() {
                        continue;
                    }
                }
                out.push(separator);
                out.extend_from_slice(&fraction);
            }
        }
    }
    out.extend_from_slice(rest);
    out
}

fn append_offset(out: &mut Vec<u8>, offset: i64, colon: bool, pairs: u8) {
    let minutes = offset / 60;
    out.push(if minutes < 0 { b'-' } else { b'+' });
    let minutes = minutes.abs();
    number(out, minutes / 60, 2);
    if pairs > 1 {
        if colon {
            out.push(b':');
        }
        number(out, minutes % 60, 2);
    }
    if pairs > 2 {
        if colon {
            out.push(b':');
        }
        number(out, offset.abs() % 60, 2);
    }
}

/// What zone a text has named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ParsedZone {
    /// None.
    Default,
    Utc,
    /// By offset, perhaps with a name.
    Offset(i64, Vec<u8>),
    Name(Vec<u8>),
}

/// A time as the text has it: seconds since 1970 on the wall clock of its zone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parsed {
    pub seconds: i64,
    pub nanoseconds: i64,
    pub zone: ParsedZone,
}

/// What does not fit: the part of the layout, the place in the text (counted from its end), and a message instead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseFailure {
    pub layout_part: Vec<u8>,
    pub value_part: Vec<u8>,
    pub message: String,
}

struct Bad;

fn digit(value: &[u8], at: usize) -> bool {
    value.get(at).is_some_and(u8::is_ascii_digit)
}

fn two_digits(value: &[u8], fixed: bool) -> Result<(i64, &[u8]), Bad> {
    if !digit(value, 0) {
        return Err(Bad);
    }
    let first = i64::from(value[0] - b'0');
    if !digit(value, 1) {
        return if fixed {
            Err(Bad)
        } else {
            Ok((first, &value[1..]))
        };
    }
    Ok((first * 10 + i64::from(value[1] - b'0'), &value[2..]))
}

fn plain_number(text: &[u8]) -> Result<i64, Bad> {
    let (value, error) = crate::strconv::integer::parse_signed(text, 10, 64);
    if error.is_some() { Err(Bad) } else { Ok(value) }
}

fn lookup<'v>(names: &[&str], short: bool, value: &'v [u8]) -> Result<(i64, &'v [u8]), Bad> {
    for (index, name) in names.iter().enumerate() {
        let name = if short {
            &name.as_bytes()[..3]
        } else {
            name.as_bytes()
        };
        if value.len() >= name.len() && value[..name.len()].eq_ignore_ascii_case(name) {
            return Ok((index as i64, &value[name.len()..]));
        }
    }
    Err(Bad)
}

fn skip<'v>(mut value: &'v [u8], mut prefix: &[u8]) -> (&'v [u8], bool) {
    while let Some(&first) = prefix.first() {
        if first == b' ' {
            if value.first().is_some_and(|&b| b != b' ') {
                return (value, false);
            }
            prefix = prefix.trim_ascii_start_spaces();
            value = value.trim_ascii_start_spaces();
            continue;
        }
        if value.first() != Some(&first) {
            return (value, false);
        }
        (prefix, value) = (&prefix[1..], &value[1..]);
    }
    (value, true)
}

trait Spaces {
    fn trim_ascii_start_spaces(&self) -> &Self;
}

impl Spaces for [u8] {
    fn trim_ascii_start_spaces(&self) -> &[u8] {
        let spaces = self.iter().take_while(|&&b| b == b' ').count();
        &self[spaces..]
    }
}

/// A fraction of `length` bytes with its separator, in nanoseconds.
/// A sign is read too, as in Go: that a number is negative is for the caller to mind.
fn nanoseconds(value: &[u8], length: usize) -> Result<i64, Bad> {
    if !matches!(value[0], b'.' | b',') {
        return Err(Bad);
    }
    let length = length.min(10);
    let mut value = match &value[1..length] {
        [b'-'] | [b'+'] => 0,
        digits => plain_number(digits)?,
    };
    for _ in 0..10 - length {
        value *= 10;
    }
    Ok(value)
}

/// Length of a zone's abbreviation.
fn zone_length(value: &[u8]) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with(b"ChST") || value.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = value.strip_prefix(b"GMT") {
        return Some(3 + signed_offset_length(rest));
    }
    if matches!(value[0], b'+' | b'-') {
        return Some(signed_offset_length(value)).filter(|&length| length > 0);
    }
    let upper = value
        .iter()
        .take(6)
        .take_while(|b| b.is_ascii_uppercase())
        .count();
    match upper {
        5 if value[4] == b'T' => Some(5),
        4 if value[3] == b'T' || value.starts_with(b"WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

fn signed_offset_length(value: &[u8]) -> usize {
    if !matches!(value.first(), Some(b'+' | b'-')) {
        return 0;
    }
    let digits = value[1..].iter().take_while(|b| b.is_ascii_digit()).count();
    let value = value[1..=digits].iter().try_fold(0u64, |n, b| {
        n.checked_mul(10)?.checked_add(u64::from(b - b'0'))
    });
    if digits == 0 || value.is_none_or(|n| n > 23) {
        0
    } else {
        1 + digits
    }
}

/// Reads a time. `range_error` texts are Go's.
///
/// # Errors
/// What does not fit.
#[allow(clippy::too_many_lines, reason = "one arm per part of a layout")]
pub fn parse(layout: &[u8], text: &[u8]) -> Result<Parsed, ParseFailure> {
    let failure = |layout_part: &[u8], value_part: &[u8], message: &str| ParseFailure {
        layout_part: layout_part.to_vec(),
        value_part: value_part.to_vec(),
        message: message.to_string(),
    };
    let (mut rest, mut value) = (layout, text);
    let (mut year, mut month, mut day, mut yday) = (0i64, -1i64, -1i64, -1i64);
    let (mut hour, mut minute, mut second, mut nanos) = (0i64, 0i64, 0i64, 0i64);
    let (mut am, mut pm) = (false, false);
    let (mut utc, mut offset, mut name) = (false, None, Vec::new());
    loop {
        let part = next_part(rest);
        let (start, end) = part.map_or((rest.len(), rest.len()), |(start, end, _)| (start, end));
        let (prefix, part_text) = (&rest[..start], &rest[start..end]);
        let (after, fits) = skip(value, prefix);
        value = after;
        if !fits {
            return Err(failure(prefix, value, ""));
        }
        let Some((_, _, part)) = part else {
            if !value.is_empty() {
                let mut quoted = Vec::new();
                quote(&mut quoted, value);
                return Err(failure(
                    b"",
                    value,
                    &std::format!(": extra text: {}", String::from_utf8_lossy(&quoted)),
                ));
            }
            break;
        };
        rest = &rest[end..];
        let hold = value;
        let mut range = "";
        let mut step = || -> Result<(), Bad> {
            match part {
                Part::Year => {
                    if value.len() < 2 {
                        return Err(Bad);
                    }
                    let two = &value[..2];
                    value = &value[2..];
                    year = plain_number(two)?;
                    year += if year >= 69 { 1900 } else { 2000 };
                }
                Part::LongYear => {
                    if value.len() < 4 || !digit(value, 0) {
                        return Err(Bad);
                    }
                    let four = &value[..4];
                    value = &value[4..];
                    year = plain_number(four)?;
                }
                Part::Month | Part::LongMonth => {
                    let (index, after) = lookup(&MONTHS, part == Part::Month, value)?;
                    (month, value) = (index + 1, after);
                }
                Part::NumMonth | Part::ZeroMonth => {
                    (month, value) = two_digits(value, part == Part::ZeroMonth)?;
                    if !(1..=12).contains(&month) {
                        range = "month";
                    }
                }
                Part::WeekDay | Part::LongWeekDay => {
                    (_, value) = lookup(&DAYS, part == Part::WeekDay, value)?
                }
                Part::Day | Part::UnderDay | Part::ZeroDay => {
                    if part == Part::UnderDay && value.first() == Some(&b' ') {
                        value = &value[1..];
                    }
                    (day, value) = two_digits(value, part == Part::ZeroDay)?;
                }
                Part::UnderYearDay | Part::ZeroYearDay => {
                    let fixed = part == Part::ZeroYearDay;
                    for _ in 0..2 {
                        if !fixed && value.first() == Some(&b' ') {
                            value = &value[1..];
                        }
                    }
                    let digits = value
                        .iter()
                        .take(3)
                        .take_while(|b| b.is_ascii_digit())
                        .count();
                    if digits == 0 || fixed && digits != 3 {
                        return Err(Bad);
                    }
                    yday = plain_number(&value[..digits])?;
                    value = &value[digits..];
                }
                Part::Hour => {
                    (hour, value) = two_digits(value, false)?;
                    if hour >= 24 {
                        range = "hour";
                    }
                }
                Part::Hour12 | Part::ZeroHour12 => {
                    (hour, value) = two_digits(value, part == Part::ZeroHour12)?;
                    if hour > 12 {
                        range = "hour";
                    }
                }
                Part::Minute | Part::ZeroMinute => {
                    (minute, value) = two_digits(value, part == Part::ZeroMinute)?;
                    if minute >= 60 {
                        range = "minute";
                    }
                }
                Part::Second | Part::ZeroSecond => {
                    (second, value) = two_digits(value, part == Part::ZeroSecond)?;
                    if second >= 60 {
                        range = "second";
                        return Ok(());
                    }
                    // A fraction may follow that the layout does not mention.
                    if value.len() >= 2
                        && matches!(value[0], b'.' | b',')
                        && digit(value, 1)
                        && !matches!(next_part(rest), Some((_, _, Part::Fraction { .. })))
                    {
                        let length =
                            1 + value[1..].iter().take_while(|b| b.is_ascii_digit()).count();
                        nanos = nanoseconds(value, length)?;
                        value = &value[length..];
                    }
                }
                Part::UpperPm | Part::LowerPm => {
                    if value.len() < 2 {
                        return Err(Bad);
                    }
                    let two = &value[..2];
                    value = &value[2..];
                    match (part, two) {
                        (Part::UpperPm, b"PM") | (Part::LowerPm, b"pm") => pm = true,
                        (Part::UpperPm, b"AM") | (Part::LowerPm, b"am") => am = true,
                        _ => return Err(Bad),
                    }
                }
                Part::Zone { z: true, .. } if value.first() == Some(&b'Z') => {
                    value = &value[1..];
                    utc = true;
                }
                Part::Zone { colon, pairs, .. } => {
                    let length =
                        1 + 2 * usize::from(pairs) + if colon { usize::from(pairs) - 1 } else { 0 };
                    if value.len() < length {
                        return Err(Bad);
                    }
                    let (text, after) = value.split_at(length);
                    let step = if colon { 3 } else { 2 };
                    if colon && (3..length).step_by(3).any(|at| text[at] != b':') {
                        return Err(Bad);
                    }
                    value = after;
                    let mut numbers = [0; 3];
                    let mut bad = !matches!(text[0], b'+' | b'-');
                    for (index, number) in numbers.iter_mut().enumerate().take(usize::from(pairs)) {
                        let at = 1 + index * step;
                        match two_digits(&text[at..at + 2], true) {
                            Ok((value, _)) => *number = value,
                            Err(_) => {
                                bad = true;
                                break;
                            }
                        }
                    }
                    // A number too large is told before what is no number.
                    if numbers[0] > 24 {
                        range = "time zone offset hour";
                    }
                    if numbers[1] > 60 {
                        range = "time zone offset minute";
                    }
                    if numbers[2] > 60 {
                        range = "time zone offset second";
                    }
                    if bad && range.is_empty() {
                        return Err(Bad);
                    }
                    let amount = (numbers[0] * 60 + numbers[1]) * 60 + numbers[2];
                    offset = Some(if text[0] == b'-' { -amount } else { amount });
                }
                Part::ZoneName => {
                    if value.starts_with(b"UTC") {
                        utc = true;
                        value = &value[3..];
                        return Ok(());
                    }
                    let length = zone_length(value).ok_or(Bad)?;
                    name = value[..length].to_vec();
                    value = &value[length..];
                }
                Part::Fraction {
                    digits,
                    zeros: true,
                    ..
                } => {
                    if value.len() < 1 + digits {
                        return Err(Bad);
                    }
                    nanos = nanoseconds(value, 1 + digits)?;
                    value = &value[1 + digits..];
                    if nanos < 0 {
                        range = "fractional second";
                    }
                }
                Part::Fraction { .. } => {
                    if value.len() < 2 || !matches!(value[0], b'.' | b',') || !digit(value, 1) {
                        return Ok(());
                    }
                    let length = 1 + value[1..].iter().take_while(|b| b.is_ascii_digit()).count();
                    nanos = nanoseconds(value, length)?;
                    value = &value[length..];
                }
            }
            Ok(())
        };
        let outcome = step();
        if !range.is_empty() {
            return Err(failure(
                part_text,
                value,
                &std::format!(": {range} out of range"),
            ));
        }
        if outcome.is_err() {
            return Err(failure(part_text, hold, ""));
        }
    }
    if pm && hour < 12 {
        hour += 12;
    } else if am && hour == 12 {
        hour = 0;
    }
    if yday >= 0 {
        if yday < 1 || yday > 365 + i64::from(is_leap(year)) {
            return Err(failure(b"", value, ": day-of-year out of range"));
        }
        let (_, m, d) = civil(days_from_civil(year, 1, 1) + yday - 1);
        if month >= 0 && month != m {
            return Err(failure(b"", value, ": day-of-year does not match month"));
        }
        if day >= 0 && day != d {
            return Err(failure(b"", value, ": day-of-year does not match day"));
        }
        (month, day) = (m, d);
    } else {
        if month < 0 {
            month = 1;
        }
        if day < 0 {
            day = 1;
        }
    }
    if day < 1 || day > days_in(month, year) {
        return Err(failure(b"", value, ": day out of range"));
    }
    let zone = if utc {
        ParsedZone::Utc
    } else if let Some(offset) = offset.filter(|&offset| offset != -1) {
        ParsedZone::Offset(offset, name)
    } else if name.is_empty() {
        ParsedZone::Default
    } else {
        ParsedZone::Name(name)
    };
    Ok(Parsed {
        seconds: days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second,
        nanoseconds: nanos,
        zone,
    })
}

/// A text in quotes, with all that is not plain ASCII as `\x`.
pub fn quote(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &b in text {
        match b {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', b]),
            0x20..0x80 => out.push(b),
            _ => out.extend_from_slice(std::format!("\\x{b:02x}").as_bytes()),
        }
    }
    out.push(b'"');
}
