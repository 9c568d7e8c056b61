//! What Unicode 17 says of characters: categories, scripts, properties, case and folding.
//!
//! GO: unicode (the same version of Unicode).

use super::data;

/// Sorted ranges: first, last, stride.
pub type Ranges = &'static [(u32, u32, u32)];

/// Whether `rune` is in one of the sorted ranges.
pub fn contains(ranges: Ranges, rune: i32) -> bool {
    let Ok(rune) = u32::try_from(rune) else {
        return false;
    };
    let at = ranges.partition_point(|&(_, last, _)| last < rune);
    ranges.get(at).is_some_and(|&(first, _, stride)| {
        rune >= first && (stride == 1 || (rune - first).is_multiple_of(stride))
    })
}

/// The table of a category (`C`), script (`S`) or property (`P`) by its name.
pub fn find(group: char, name: &str) -> Option<usize> {
    data::TABLES
        .binary_search_by(|&(g, n, _)| (g, n).cmp(&(group, name)))
        .ok()
}

/// Numbers and names of a group's tables.
pub fn names(group: char) -> impl Iterator<Item = (usize, &'static str)> {
    let tables = data::TABLES.iter().enumerate();
    tables
        .filter(move |(_, (of, _, _))| *of == group)
        .map(|(number, (_, name, _))| (number, *name))
}

/// The ranges of table `number`; none if there is no such table.
pub fn ranges(number: usize) -> Ranges {
    data::TABLES
        .get(number)
        .map_or(&[], |&(_, _, ranges)| ranges)
}

macro_rules! categories {
    ($($(#[$doc:meta])* $name:ident: $ascii:expr, $($category:literal)*;)*) => {$(
        $(#[$doc])*
        pub fn $name(rune: i32) -> bool {
            if (0..0x80).contains(&rune) {
                let ascii: fn(u8) -> bool = $ascii;
                return ascii(rune as u8);
            }
            use std::sync::LazyLock;
            static TABLES: LazyLock<Vec<Ranges>> =
                LazyLock::new(|| [$($category),*].iter().filter_map(|name| find('C', name)).map(ranges).collect());
            TABLES.iter().any(|ranges| contains(ranges, rune))
        }
    )*};
}

categories! {
    /// Category L.
    is_letter: |b| b.is_ascii_alphabetic(), "L";
    /// Category Lu.
    is_upper: |b| b.is_ascii_uppercase(), "Lu";
    /// Category Ll.
    is_lower: |b| b.is_ascii_lowercase(), "Ll";
    /// Category Lt.
    is_title: |_| false, "Lt";
    /// Category Nd.
    is_digit: |b| b.is_ascii_digit(), "Nd";
    /// Category N.
    is_number: |b| b.is_ascii_digit(), "N";
    /// Category P.
    is_punct: |b| b.is_ascii_punctuation() && !b"$+<=>^`|~".contains(&b), "P";
    /// Category S.
    is_symbol: |b| b"$+<=>^`|~".contains(&b), "S";
    /// Category M.
    is_mark: |_| false, "M";
    /// Letters, marks, numbers, punctuation, symbols, and of the spaces U+0020.
    is_print: |b| (0x20..0x7F).contains(&b), "L" "M" "N" "P" "S";
    /// What is printable, and the spaces of category Zs.
    is_graphic: |b| (0x20..0x7F).contains(&b), "L" "M" "N" "P" "S" "Zs";
}

/// Control characters (category Cc).
pub fn is_control(rune: i32) -> bool {
    (0..0x20).contains(&rune) || (0x7F..0xA0).contains(&rune)
}

/// White space.
pub fn is_space(rune: i32) -> bool {
    matches!(rune, 9..=13 | 0x20 | 0x85 | 0xA0 | 0x1680 | 0x2000..=0x200A | 0x2028 | 0x2029 | 0x202F | 0x205F | 0x3000)
}

/// Upper case, lower case, title case: as unicode's constants number them.
pub const UPPER: usize = 0;
pub const LOWER: usize = 1;
pub const TITLE: usize = 2;

/// `rune` in the given case; itself when it has none.
pub fn to_case(case: usize, rune: i32) -> i32 {
    if (0..0x80).contains(&rune) {
        let b = rune as u8;
        return i32::from(if case == LOWER {
            b.to_ascii_lowercase()
        } else {
            b.to_ascii_uppercase()
        });
    }
    let Ok(code) = u32::try_from(rune) else {
        return rune;
    };
    let at = data::CASE_RANGES.partition_point(|&(_, last, _)| last < code);
    match data::CASE_RANGES.get(at) {
        Some(&(first, _, distances)) if code >= first => {
            let distance = distances[case];
            if distance >= data::UPPER_LOWER {
                // Alternating upper and lower case, upper first.
                (first + (((code - first) & !1) | (case as u32 & 1))) as i32
            } else {
                rune + distance
            }
        }
        _ => rune,
    }
}

/// The next character that is the same but for case; going on leads back to `rune`.
pub fn simple_fold(rune: i32) -> i32 {
    let Ok(code) = u32::try_from(rune) else {
        return rune;
    };
    if let Ok(at) = data::FOLD_ORBIT.binary_search_by_key(&code, |&(from, _)| from) {
        return data::FOLD_ORBIT[at].1 as i32;
    }
    let lower = to_case(LOWER, rune);
    if lower != rune {
        lower
    } else {
        to_case(UPPER, rune)
    }
}
