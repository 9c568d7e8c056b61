//! Timelines of runs: what the scheduler recorded, in the format of Chrome's and Perfetto's viewers, and a page that shows it without
//! either.
//!
//! Lanes: a process "processors" with a thread per P, a process "machines" with a thread per M, a process "runtime" with the monitor and
//! the times at which the world stood still. A slice is a goroutine that runs; an arrow leads from whoever woke a goroutine to where it runs next.

mod page;

use runtime::{RecordedTrace, Stop, TraceEvent, TraceKind};
use std::collections::HashMap;
use std::fmt::Write;

pub use page::page;

const PROCESSORS: u32 = 1;
const MACHINES: u32 = 2;
const RUNTIME: u32 = 3;
const MONITOR: u32 = 0;
const WORLD: u32 = 1;

/// A text inside quotation marks of JSON.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            // `<` too, so that a page that holds the text cannot be left.
            c if c < ' ' || c == '<' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Why a slice ended.
fn stop_text(stop: Stop) -> &'static str {
    match stop {
        Stop::Wait(reason) => reason.text(),
        Stop::Yield => "yields",
        Stop::Preempted => "preempted",
        Stop::Call => "blocking call",
        Stop::World => "stops the world",
        Stop::End => "ends",
    }
}

/// Microseconds, with what is left of nanoseconds.
fn microseconds(nanoseconds: i64) -> String {
    format!("{}.{:03}", nanoseconds / 1000, nanoseconds % 1000)
}

struct Writer<'t> {
    names: &'t HashMap<u64, String>,
    out: String,
    /// Numbers of arrows.
    arrows: u64,
}

impl Writer<'_> {
    fn goroutine(&self, number: u64) -> String {
        match self.names.get(&number) {
            Some(name) if !name.is_empty() => format!("G{number} {name}"),
            _ => format!("G{number}"),
        }
    }

    /// One object of the list: its fields, without the braces.
    fn object(&mut self, fields: &str) {
        if !self.out.ends_with('[') {
            self.out.push_str(",\n");
        }
        self.out.push('{');
        self.out.push_str(fields);
        self.out.push('}');
    }

    fn lane(&mut self, process: u32, thread: u32, name: &str) {
        let name = quoted(name);
        self.object(&format!(
            r#""ph":"M","name":"thread_name","pid":{process},"tid":{thread},"args":{{"name":{name}}}"#
        ));
    }

    fn slice(&mut self, lane: (u32, u32), from: i64, to: i64, name: &str, arguments: &str) {
        let (process, thread) = lane;
        let (ts, dur, name) = (microseconds(from), microseconds(to - from), quoted(name));
        self.object(&format!(
            r#""ph":"X","name":{name},"pid":{process},"tid":{thread},"ts":{ts},"dur":{dur},"args":{{{arguments}}}"#
        ));
    }

    fn instant(&mut self, lane: (u32, u32), at: i64, name: &str) {
        let (process, thread) = lane;
        let (ts, name) = (microseconds(at), quoted(name));
        self.object(&format!(
            r#""ph":"i","s":"t","name":{name},"pid":{process},"tid":{thread},"ts":{ts}"#
        ));
    }

    /// One end of an arrow: `s` where it starts, `f` where it leads.
    fn arrow(&mut self, end: char, number: u64, processor: u32, at: i64) {
        let ts = microseconds(at);
        let binding = if end == 'f' { r#","bp":"e""# } else { "" };
        self.object(&format!(
            r#""ph":"{end}","name":"wakes","cat":"wake","id":{number},"pid":{PROCESSORS},"tid":{processor},"ts":{ts}{binding}"#
        ));
    }
}

/// The trace in the format of `chrome://tracing` and ui.perfetto.dev.
pub fn chrome_json(trace: &RecordedTrace) -> String {
    let mut writer = Writer {
        names: &trace.names,
        out: String::from("{\"displayTimeUnit\":\"ns\",\"traceEvents\":["),
        arrows: 0,
    };
    lanes(&mut writer, &trace.events);
    events(&mut writer, &trace.events);
    let _ = write!(
        writer.out,
        "],\n\"otherData\":{{\"producer\":\"golite\",\"dropped\":\"{}\"}}}}\n",
        trace.dropped
    );
    writer.out
}

fn lanes(writer: &mut Writer<'_>, events: &[TraceEvent]) {
    for (process, name) in [
        (PROCESSORS, "processors"),
        (MACHINES, "machines"),
        (RUNTIME, "runtime"),
    ] {
        writer.object(&format!(
            r#""ph":"M","name":"process_name","pid":{process},"args":{{"name":"{name}"}}"#
        ));
    }
    let highest = |number: fn(&TraceEvent) -> Option<u32>| events.iter().filter_map(number).max();
    for processor in 0..highest(|event| event.processor).map_or(0, |highest| highest + 1) {
        writer.lane(PROCESSORS, processor, &format!("P{processor}"));
    }
    for machine in 0..highest(|event| event.machine).map_or(0, |highest| highest + 1) {
        writer.lane(MACHINES, machine, &format!("M{machine}"));
    }
    writer.lane(RUNTIME, MONITOR, "sysmon");
    writer.lane(RUNTIME, WORLD, "world stopped");
}

fn events(writer: &mut Writer<'_>, events: &[TraceEvent]) {
    // What runs on a processor, and since when; calls of machines; arrows to goroutines that do not run yet.
    let mut running: HashMap<u32, (u64, i64)> = HashMap::new();
    let mut calls: HashMap<u32, (u64, i64)> = HashMap::new();
    let mut woken: HashMap<u64, u64> = HashMap::new();
    let mut stopped = None;
    for event in events {
        let (at, goroutine) = (event.at, event.goroutine);
        match event.kind {
            TraceKind::Run => {
                let Some(processor) = event.processor else {
                    continue;
                };
                running.insert(processor, (goroutine, at));
                if let Some(number) = woken.remove(&goroutine) {
                    writer.arrow('f', number, processor, at);
                }
            }
            TraceKind::Stop(stop) => {
                let Some(processor) = event.processor else {
                    continue;
                };
                let Some((goroutine, since)) = running.remove(&processor) else {
                    continue;
                };
                let name = writer.goroutine(goroutine);
                let arguments = format!(
                    r#""goroutine":{goroutine},"then":{}"#,
                    quoted(stop_text(stop))
                );
                writer.slice((PROCESSORS, processor), since, at, &name, &arguments);
                if let Some(machine) = event.machine {
                    writer.slice((MACHINES, machine), since, at, &name, &arguments);
                }
            }
            TraceKind::Wake | TraceKind::Spawn => {
                let Some(processor) = event.processor else {
                    continue;
                };
                writer.arrows += 1;
                let number = writer.arrows;
                woken.insert(goroutine, number);
                writer.arrow('s', number, processor, at);
            }
            TraceKind::Call => {
                if let Some(machine) = event.machine {
                    calls.insert(machine, (goroutine, at));
                }
            }
            TraceKind::Return => {
                if let Some(machine) = event.machine
                    && let Some((goroutine, since)) = calls.remove(&machine)
                {
                    let name = format!("blocking call of {}", writer.goroutine(goroutine));
                    let arguments = format!(r#""goroutine":{goroutine}"#);
                    writer.slice((MACHINES, machine), since, at, &name, &arguments);
                }
            }
            TraceKind::HandOff | TraceKind::Preempt => {
                let name = if event.kind == TraceKind::Preempt {
                    "asked to yield"
                } else {
                    "handed off"
                };
                if let Some(processor) = event.processor {
                    writer.instant((PROCESSORS, processor), at, name);
                }
            }
            TraceKind::Monitor => writer.instant((RUNTIME, MONITOR), at, "round"),
            TraceKind::WorldStops => stopped = Some(at),
            TraceKind::WorldStarts => {
                if let Some(since) = stopped.take() {
                    writer.slice((RUNTIME, WORLD), since, at, "world stopped", "");
                }
            }
        }
    }
    // What still ran when the program ended.
    let end = events.last().map_or(0, |event| event.at);
    let mut left: Vec<_> = running.into_iter().collect();
    left.sort_unstable();
    for (processor, (goroutine, since)) in left {
        let name = writer.goroutine(goroutine);
        let arguments = format!(r#""goroutine":{goroutine},"then":"the program ends""#);
        writer.slice((PROCESSORS, processor), since, end, &name, &arguments);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::WaitReason;

    fn event(at: i64, kind: TraceKind, processor: Option<u32>, goroutine: u64) -> TraceEvent {
        TraceEvent {
            at,
            kind,
            processor,
            machine: processor,
            goroutine,
        }
    }

    #[test]
    fn a_goroutine_that_is_woken_gets_a_slice_and_an_arrow() {
        let trace = RecordedTrace {
            events: vec![
                event(1000, TraceKind::Run, Some(0), 1),
                event(1500, TraceKind::Wake, Some(0), 7),
                event(
                    2500,
                    TraceKind::Stop(Stop::Wait(WaitReason::ChannelReceive)),
                    Some(0),
                    1,
                ),
                event(3000, TraceKind::Run, Some(1), 7),
            ],
            names: [(7, "main.worker<\"x\">".to_owned())].into(),
            dropped: 0,
        };
        let text = chrome_json(&trace);
        for part in [
            r#""name":"G1","pid":1,"tid":0,"ts":1.000,"dur":1.500,"args":{"goroutine":1,"then":"chan receive"}"#,
            r#""ph":"s","name":"wakes","cat":"wake","id":1,"pid":1,"tid":0,"ts":1.500"#,
            r#""ph":"f","name":"wakes","cat":"wake","id":1,"pid":1,"tid":1,"ts":3.000,"bp":"e""#,
            r#""name":"G7 main.worker\u003c\"x\">""#,
        ] {
            assert!(text.contains(part), "{part}\nis not in\n{text}");
        }
    }
}
