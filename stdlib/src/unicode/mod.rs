//! Natives of package unicode.

#[rustfmt::skip]
mod data;
pub mod tables;
pub mod utf8;

use tables::{LOWER, TITLE, UPPER};
use vm::natives;

fn in_table(number: i64, rune: i32) -> bool {
    usize::try_from(number).is_ok_and(|number| tables::contains(tables::ranges(number), rune))
}

fn to_upper(rune: i32) -> i32 {
    tables::to_case(UPPER, rune)
}

fn to_lower(rune: i32) -> i32 {
    tables::to_case(LOWER, rune)
}

fn to_title(rune: i32) -> i32 {
    tables::to_case(TITLE, rune)
}

fn ranges(number: i64) -> Vec<u32> {
    let ranges = usize::try_from(number).map_or(&[][..], tables::ranges);
    ranges
        .iter()
        .flat_map(|&(first, last, stride)| [first, last, stride])
        .collect()
}

fn case_ranges() -> Vec<i32> {
    data::CASE_RANGES
        .iter()
        .flat_map(|&(first, last, [upper, lower, title])| {
            [first as i32, last as i32, upper, lower, title]
        })
        .collect()
}

natives! {
    pure "ranges" => ranges;
    pure "caseRanges" => case_ranges;
    pure "inTable" => in_table;
    pure "IsLetter" => tables::is_letter;
    pure "IsUpper" => tables::is_upper;
    pure "IsLower" => tables::is_lower;
    pure "IsTitle" => tables::is_title;
    pure "IsDigit" => tables::is_digit;
    pure "IsNumber" => tables::is_number;
    pure "IsPunct" => tables::is_punct;
    pure "IsSymbol" => tables::is_symbol;
    pure "IsMark" => tables::is_mark;
    pure "IsControl" => tables::is_control;
    pure "IsSpace" => tables::is_space;
    pure "IsPrint" => tables::is_print;
    pure "IsGraphic" => tables::is_graphic;
    pure "ToUpper" => to_upper;
    pure "ToLower" => to_lower;
    pure "ToTitle" => to_title;
    pure "SimpleFold" => tables::simple_fold;
}
