//! `golite disassemble`: the bytecode of a program beside its source.

use super::{ERROR_LIMIT, load_and_check_named, print, report};
use crate::arguments::Settings;
use bytecode::{Function, Program};
use diagnostics::SourceMap;
use golite::pipeline;
use std::process::ExitCode;

/// Where the source begins, if the instruction leaves room.
const SOURCE_COLUMN: usize = 64;

/// Prints the bytecode of a program.
pub fn disassemble(program: &str, settings: Settings) -> ExitCode {
    let options = pipeline::program_options();
    let mut checked = match load_and_check_named(program, options, settings) {
        Ok(checked) => checked,
        Err(failure) => return failure,
    };
    let program = pipeline::compile(&mut checked).ok();
    report(&checked, settings, Some(ERROR_LIMIT));
    match program {
        Some(program) => {
            let functions = program.functions.iter();
            let listings: Vec<_> = functions
                .map(|function| listing(&program, function, &checked.sources))
                .collect();
            print(&listings.join("\n"))
        }
        None => ExitCode::FAILURE,
    }
}

/// A function: to the right of the first instruction of each line of its source stands that line.
fn listing(program: &Program, function: &Function, sources: &SourceMap) -> String {
    let text = bytecode::disassemble::function(program, function);
    let text_of = |range: diagnostics::TextRange, number: u32| {
        sources.text(range.file).lines().nth(number as usize - 1)
    };
    let mut lines = text.lines();
    let mut out = lines.next().unwrap_or_default().to_owned();
    if let Some(range) = function.range {
        let place = sources.line_column(range);
        let name = sources.file(range.file).name();
        out.push_str(&format!(", {name}:{}", place.line));
    }
    out.push('\n');
    let mut shown = None;
    for line in lines {
        let offset: Option<u32> = line.split_whitespace().next().and_then(|n| n.parse().ok());
        let range = offset.and_then(|offset| {
            let next = function.lines.partition_point(|(from, _)| *from <= offset);
            next.checked_sub(1).map(|index| function.lines[index].1)
        });
        let number = range.map(|range| (range, sources.line_column(range).line));
        out.push_str(line);
        if let Some((range, number)) = number
            && shown != Some((range.file, number))
        {
            shown = Some((range.file, number));
            let source = text_of(range, number);
            let width = line.chars().count().max(SOURCE_COLUMN - 2) - line.chars().count();
            out.push_str(&format!(
                "{}  {number:>5}  {}",
                " ".repeat(width),
                source.unwrap_or_default().replace('\t', "    ").trim_end()
            ));
        }
        out.push('\n');
    }
    out
}
