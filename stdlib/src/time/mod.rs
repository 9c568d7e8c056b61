//! Natives of package time.

mod layout;
mod zone;

use std::time::{SystemTime, UNIX_EPOCH};

use layout::ParsedZone;
use vm::border::{Any, Bytes, GoSlice, GoStr, Pointer, Reference, TimerPlace};
use vm::native::{GoPanic, NativeContext, Parking};
use vm::natives;

fn now(context: &mut NativeContext<'_>) -> (i64, i64, i64) {
    let (seconds, nanoseconds) = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => (since.as_secs() as i64, i64::from(since.subsec_nanos())),
        Err(before) => {
            let before = before.duration();
            let nanoseconds = i64::from(before.subsec_nanos());
            let seconds = -(before.as_secs() as i64);
            if nanoseconds == 0 {
                (seconds, 0)
            } else {
                (seconds - 1, 1_000_000_000 - nanoseconds)
            }
        }
    };
    (seconds, nanoseconds, context.scheduler().now())
}

fn monotonic(context: &mut NativeContext<'_>) -> i64 {
    context.scheduler().now()
}

fn duration_text(duration: i64) -> Bytes {
    let mut rest = duration.unsigned_abs();
    let mut text = Vec::with_capacity(32);
    if duration < 0 {
        text.push(b'-');
    }
    if rest < 1_000_000_000 {
        let (unit, digits): (&str, u32) = match rest {
            0 => return Bytes(b"0s".to_vec()),
            1..1000 => ("ns", 0),
            1000..1_000_000 => ("µs", 3),
            _ => ("ms", 6),
        };
        fraction(&mut text, rest, digits);
        text.extend_from_slice(unit.as_bytes());
        return Bytes(text);
    }
    let seconds = rest / 1_000_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    if hours > 0 {
        text.extend_from_slice(format!("{hours}h").as_bytes());
    }
    if hours > 0 || minutes > 0 {
        text.extend_from_slice(format!("{minutes}m").as_bytes());
    }
    rest -= seconds / 60 * 60 * 1_000_000_000;
    fraction(&mut text, rest, 9);
    text.push(b's');
    Bytes(text)
}

/// `value / 10^digits` without zeros at the end.
fn fraction(text: &mut Vec<u8>, value: u64, digits: u32) {
    let unit = 10u64.pow(digits);
    text.extend_from_slice(format!("{}", value / unit).as_bytes());
    let rest = value % unit;
    if rest > 0 {
        let rest = format!("{rest:0width$}", width = digits as usize);
        text.push(b'.');
        text.extend_from_slice(rest.trim_end_matches('0').as_bytes());
    }
}

fn parse_duration(text: GoStr<'_>) -> (i64, Bytes) {
    match read_duration(&text) {
        Ok(duration) => (duration, Bytes::default()),
        Err(problem) => {
            let mut message = b"time: ".to_vec();
            match problem {
                Problem::Invalid => message.extend_from_slice(b"invalid duration "),
                Problem::MissingUnit => message.extend_from_slice(b"missing unit in duration "),
                Problem::UnknownUnit(unit) => {
                    message.extend_from_slice(b"unknown unit ");
                    layout::quote(&mut message, unit);
                    message.extend_from_slice(b" in duration ");
                }
            }
            layout::quote(&mut message, &text);
            (0, Bytes(message))
        }
    }
}

enum Problem<'t> {
    Invalid,
    MissingUnit,
    UnknownUnit(&'t [u8]),
}

fn read_duration(text: &[u8]) -> Result<i64, Problem<'_>> {
    const LIMIT: u64 = 1 << 63;
    let (negative, mut rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if rest == b"0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(Problem::Invalid);
    }
    let mut total = 0u64;
    while !rest.is_empty() {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let mut value = 0u64;
        for b in &rest[..digits] {
            value = value
                .checked_mul(10)
                .and_then(|v| v.checked_add(u64::from(b - b'0')))
                .filter(|&v| v <= LIMIT)
                .ok_or(Problem::Invalid)?;
        }
        rest = &rest[digits..];
        let (mut part, mut scale, mut after) = (0u64, 1f64, 0);
        if let [b'.', tail @ ..] = rest {
            after = tail.iter().take_while(|b| b.is_ascii_digit()).count();
            for b in &tail[..after] {
                // Digits beyond the 63rd bit do not count.
                match part
                    .checked_mul(10)
                    .and_then(|p| p.checked_add(u64::from(b - b'0')))
                    .filter(|&p| p <= LIMIT)
                {
                    Some(more) => (part, scale) = (more, scale * 10.0),
                    None => break,
                }
            }
            rest = &tail[after..];
        }
        if digits == 0 && after == 0 {
            return Err(Problem::Invalid);
        }
        let length = rest
            .iter()
            .take_while(|&&b| b != b'.' && !b.is_ascii_digit())
            .count();
        if length == 0 {
            return Err(Problem::MissingUnit);
        }
        let (unit, tail) = rest.split_at(length);
        rest = tail;
        let unit: u64 = match unit {
            b"ns" => 1,
            b"us" | b"\xC2\xB5s" | b"\xCE\xBCs" => 1000,
            b"ms" => 1_000_000,
            b"s" => 1_000_000_000,
            b"m" => 60_000_000_000,
            b"h" => 3_600_000_000_000,
            unknown => return Err(Problem::UnknownUnit(unknown)),
        };
        if value > LIMIT / unit {
            return Err(Problem::Invalid);
        }
        value *= unit;
        if part > 0 {
            value += (part as f64 * (unit as f64 / scale)) as u64;
        }
        total = total
            .checked_add(value)
            .filter(|&total| value <= LIMIT && total <= LIMIT)
            .ok_or(Problem::Invalid)?;
    }
    if negative {
        return Ok((total as i64).wrapping_neg());
    }
    i64::try_from(total).map_err(|_| Problem::Invalid)
}

fn month_name(month: i64) -> String {
    match usize::try_from(month - 1)
        .ok()
        .and_then(|month| layout::MONTHS.get(month))
    {
        Some(name) => (*name).to_string(),
        None => format!("%!Month({})", month as u64),
    }
}

fn day_name(day: i64) -> String {
    match usize::try_from(day)
        .ok()
        .and_then(|day| layout::DAYS.get(day))
    {
        Some(name) => (*name).to_string(),
        None => format!("%!Weekday({})", day as u64),
    }
}

fn date_of(days: i64) -> (i64, i64, i64, i64) {
    let (year, month, day) = layout::civil(days);
    (year, month, day, layout::year_day(year, month, day))
}

/// What the time since the year 1 leaves over when divided by `divisor`.
fn remainder(seconds: i64, nanoseconds: i64, divisor: i64) -> i64 {
    let since = i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
    since.rem_euclid(i128::from(divisor.max(1))) as i64
}

fn format_time(
    layout: GoStr<'_>,
    seconds: i64,
    nanoseconds: i64,
    zone: GoStr<'_>,
    offset: i64,
) -> Bytes {
    Bytes(layout::format(&layout, seconds, nanoseconds, &zone, offset))
}

fn monotonic_text(mono: i64) -> String {
    let magnitude = mono.unsigned_abs();
    format!(
        " m={}{}.{:09}",
        if mono < 0 { '-' } else { '+' },
        magnitude / 1_000_000_000,
        magnitude % 1_000_000_000
    )
}

fn decimal(number: i64) -> String {
    number.to_string()
}

fn quote(text: GoStr<'_>) -> Bytes {
    let mut out = Vec::with_capacity(text.len() + 2);
    layout::quote(&mut out, &text);
    Bytes(out)
}

fn parse<'h>(
    context: &mut NativeContext<'h>,
    layout: GoStr<'h>,
    value: GoStr<'h>,
) -> Result<(bool, Vec<i64>, Vec<GoStr<'h>>), GoPanic> {
    match layout::parse(&layout, &value) {
        Ok(parsed) => {
            let (kind, offset, name) = match &parsed.zone {
                ParsedZone::Default => (0, 0, &b""[..]),
                ParsedZone::Utc => (1, 0, &b""[..]),
                ParsedZone::Offset(offset, name) => (2, *offset, &name[..]),
                ParsedZone::Name(name) => {
                    let hours = name.strip_prefix(b"GMT").filter(|rest| !rest.is_empty());
                    let hours = hours.map_or(0, |rest| {
                        crate::strconv::integer::parse_signed(rest, 10, 64).0
                    });
                    (3, hours * 3600, &name[..])
                }
            };
            Ok((
                true,
                vec![parsed.seconds, parsed.nanoseconds, kind, offset],
                vec![context.new_string(name)?],
            ))
        }
        Err(failure) => {
            let texts = vec![
                context.new_string(&failure.layout_part)?,
                context.new_string(&failure.value_part)?,
                context.new_string(failure.message.as_bytes())?,
            ];
            Ok((false, Vec::new(), texts))
        }
    }
}

fn load_zone(name: GoStr<'_>) -> i64 {
    zone::load(&name.to_text()).map_or(0, |number| number as i64 + 1)
}

fn load_data(data: GoSlice<'_, u8>) -> i64 {
    zone::load_data(&data.to_vec()).map_or(0, |number| number as i64 + 1)
}

fn local_zone(context: &mut NativeContext<'_>) -> (i64, String) {
    let number = match context.host().variable("TZ") {
        None => zone::load_file("/etc/localtime"),
        Some(name) => {
            let name = name.strip_prefix(':').unwrap_or(name);
            if name.starts_with('/') {
                let number = zone::load_file(name);
                let known = if name == "/etc/localtime" {
                    "Local"
                } else {
                    name
                };
                if let Some(number) = number {
                    return (number as i64 + 1, known.to_string());
                }
                None
            } else if name.is_empty() || name == "UTC" || name.contains("..") {
                None
            } else {
                zone::load(name)
            }
        }
    };
    match number {
        Some(number) => (number as i64 + 1, "Local".to_string()),
        None => (0, "UTC".to_string()),
    }
}

fn zone_at(number: i64, seconds: i64) -> (Bytes, i64, i64, i64, bool) {
    match zone::get(number) {
        Some(zone) => {
            let now = zone.at(seconds);
            (Bytes(now.name), now.offset, now.start, now.end, now.dst)
        }
        None => (Bytes(b"UTC".to_vec()), 0, i64::MIN, i64::MAX, false),
    }
}

fn zone_named(number: i64, name: GoStr<'_>, seconds: i64) -> (i64, bool) {
    match zone::get(number).and_then(|zone| zone.named(&name, seconds)) {
        Some(offset) => (offset, true),
        None => (0, false),
    }
}

pub(crate) fn sleep(context: &mut NativeContext<'_>, duration: i64) -> Parking<()> {
    if duration <= 0 {
        return Parking::Done(());
    }
    if context.is_to_leave() {
        return Parking::Goexit;
    }
    let when = context.scheduler().now().saturating_add(duration);
    context.slice().sleep_until(when);
    Parking::Park(runtime::WaitReason::Sleep, ())
}

fn arm<'h>(
    context: &mut NativeContext<'h>,
    timer: TimerPlace<'h>,
    duration: i64,
    period: i64,
    function: Reference<'h>,
) -> Result<bool, GoPanic> {
    let when = context.scheduler().now().saturating_add(duration);
    timer.arm(context, when, period, function)
}

fn disarm<'h>(context: &mut NativeContext<'h>, timer: TimerPlace<'h>) -> Result<bool, GoPanic> {
    timer.disarm(context)
}

fn ticked(timer: TimerPlace<'_>) -> Result<(), GoPanic> {
    timer.dealt_with()
}

fn hide_buffer(channel: Any<'_>) {
    if let Some(view) = channel.view() {
        view.hide_buffer();
    }
}

pub(crate) fn try_lock(word: Pointer<'_, u32>) -> Result<bool, GoPanic> {
    use std::sync::atomic::Ordering::{Acquire, Relaxed};
    // ORDERING: Acquire; pairs with the Release of `unlock`.
    Ok(word
        .atomic()?
        .compare_exchange(0, 1, Acquire, Relaxed)
        .is_ok())
}

pub(crate) fn unlock(word: Pointer<'_, u32>) -> Result<(), GoPanic> {
    // ORDERING: Release; pairs with the Acquire of `try_lock`.
    word.atomic()?
        .store(0, std::sync::atomic::Ordering::Release);
    Ok(())
}

natives! {
    pure "hideBuffer" => hide_buffer;
    pure "now" => now;
    pure "monotonic" => monotonic;
    pure "durationText" => duration_text;
    pure "parseDuration" => parse_duration;
    pure "monthName" => month_name;
    pure "dayName" => day_name;
    pure "daysOf" => layout::days_from_civil;
    pure "dateOf" => date_of;
    pure "remainder" => remainder;
    pure "format" => format_time;
    pure "monotonicText" => monotonic_text;
    pure "decimal" => decimal;
    pure "quote" => quote;
    pure "parse" => parse;
    pure "loadData" => load_data;
    pure "loadZone" => load_zone;
    pure "localZone" => local_zone;
    pure "zoneAt" => zone_at;
    pure "zoneNamed" => zone_named;
    parking "sleep" => sleep;
    pure "arm" => arm;
    pure "disarm" => disarm;
    pure "ticked" => ticked;
    pure "tryLock" => try_lock;
    pure "unlock" => unlock;
}
