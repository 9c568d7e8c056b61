//! Natives of package strings.

pub mod search;

use vm::border::{GoSlice, GoStr};
use vm::native::{GoPanic, NativeContext, Pace};
use vm::natives;

use crate::unicode::tables::{LOWER, TITLE, UPPER};
use search::Set;

/// Strings are at most this long: what a slice of bytes can hold.
const LONGEST: usize = u32::MAX as usize;

/// Longer texts are measured before they are split: many short parts take more memory than the text.
const LARGE_SPLIT: usize = 64 << 10;

fn place(found: Option<usize>) -> i64 {
    found.map_or(-1, |at| at as i64)
}

/// `changed` as a new string, or `text` itself.
fn or_same<'h>(
    context: &mut NativeContext<'h>,
    text: GoStr<'h>,
    changed: Option<Vec<u8>>,
) -> Result<GoStr<'h>, GoPanic> {
    match changed {
        Some(changed) => context.new_string(&changed),
        None => Ok(text),
    }
}

fn clone<'h>(context: &mut NativeContext<'h>, s: GoStr<'h>) -> Result<GoStr<'h>, GoPanic> {
    context.new_string(&s)
}

fn compare(a: GoStr<'_>, b: GoStr<'_>) -> i64 {
    a.as_bytes().cmp(b.as_bytes()) as i64
}

fn contains(s: GoStr<'_>, part: GoStr<'_>) -> bool {
    search::index(&s, &part).is_some()
}

fn contains_any(s: GoStr<'_>, characters: GoStr<'_>) -> bool {
    index_any(s, characters) >= 0
}

fn contains_rune(s: GoStr<'_>, rune: i32) -> bool {
    search::index_rune(&s, rune).is_some()
}

fn count(s: GoStr<'_>, part: GoStr<'_>) -> i64 {
    search::count(&s, &part) as i64
}

fn equal_fold(s: GoStr<'_>, t: GoStr<'_>) -> bool {
    search::equal_fold(&s, &t)
}

fn fields<'h>(
    context: &mut NativeContext<'h>,
    s: GoStr<'h>,
) -> Result<GoSlice<'h, GoStr<'h>>, GoPanic> {
    if s.len() > LARGE_SPLIT {
        let mut words = 0_usize;
        search::fields_each(&s, |_| words += 1);
        context.check_memory(words.saturating_mul(size_of::<GoStr<'h>>()))?;
        let slice = context.new_slice::<GoStr<'h>>(words, words)?;
        let mut index = 0;
        search::fields_each(&s, |range| {
            // Unless nobody wanted to know how many there are.
            if index < words {
                slice.set(index, s.slice(range));
            }
            index += 1;
        });
        return Ok(slice);
    }
    let ranges = search::fields(&s);
    let slice = context.new_slice::<GoStr<'h>>(ranges.len(), ranges.len())?;
    for (index, range) in ranges.into_iter().enumerate() {
        slice.set(index, s.slice(range));
    }
    Ok(slice)
}

fn has_prefix(s: GoStr<'_>, prefix: GoStr<'_>) -> bool {
    s.starts_with(&prefix)
}

fn has_suffix(s: GoStr<'_>, suffix: GoStr<'_>) -> bool {
    s.ends_with(&suffix)
}

fn index(s: GoStr<'_>, part: GoStr<'_>) -> i64 {
    place(search::index(&s, &part))
}

fn index_any(s: GoStr<'_>, characters: GoStr<'_>) -> i64 {
    let set = Set::new(&characters);
    place(search::find(&s, |rune| set.contains(rune)))
}

fn index_byte(s: GoStr<'_>, byte: u8) -> i64 {
    place(memchr::memchr(byte, &s))
}

fn index_rune(s: GoStr<'_>, rune: i32) -> i64 {
    place(search::index_rune(&s, rune))
}

fn join<'h>(
    context: &mut NativeContext<'h>,
    elements: GoSlice<'h, GoStr<'h>>,
    separator: GoStr<'h>,
) -> Result<GoStr<'h>, GoPanic> {
    match elements.len() {
        0 => return context.new_string(b""),
        1 => return Ok(elements.get(0)),
        _ => {}
    }
    let mut length = separator.len() * (elements.len() - 1);
    for element in elements.iter() {
        length = length.saturating_add(element.len());
    }
    check_length(context, length)?;
    context.make_string(length, |mut out| {
        let mut pace = Pace::default();
        let mut put = |text: &[u8]| {
            // Another thread may have changed the elements since they were measured.
            let count = text.len().min(out.len());
            let (here, rest) = std::mem::take(&mut out).split_at_mut(count);
            here.copy_from_slice(&text[..count]);
            out = rest;
        };
        for (index, element) in elements.iter().enumerate() {
            if index > 0 {
                put(&separator);
            }
            put(&element);
            if pace.is_over_after(separator.len() + element.len() + 8) {
                break;
            }
        }
    })
}

/// Whether a string of this length may be made.
///
/// # Errors
/// Out of memory; Go's panic if even Go would not try.
fn check_length(context: &NativeContext<'_>, length: usize) -> Result<(), GoPanic> {
    if length > MAX_ALLOCATION {
        return Err(GoPanic::runtime("makeslice: len out of range"));
    }
    context.check_memory(length)?;
    if length > LONGEST {
        return Err(context.out_of_memory(length));
    }
    Ok(())
}

/// What Go can address.
const MAX_ALLOCATION: usize = 1 << 48;

/// An empty buffer of this capacity, for a string that will be as long.
///
/// # Errors
/// Out of memory; Go's panic if even Go would not try.
pub fn with_capacity(context: &NativeContext<'_>, length: usize) -> Result<Vec<u8>, GoPanic> {
    if length > MAX_ALLOCATION {
        return Err(GoPanic::runtime("makeslice: len out of range"));
    }
    // The buffer, and the string that it becomes.
    context.check_memory(length.saturating_mul(2))?;
    let mut out = Vec::new();
    if length > LONGEST || out.try_reserve_exact(length).is_err() {
        return Err(context.out_of_memory(length));
    }
    Ok(out)
}

fn last_index(s: GoStr<'_>, part: GoStr<'_>) -> i64 {
    place(search::last_index(&s, &part))
}

fn last_index_any(s: GoStr<'_>, characters: GoStr<'_>) -> i64 {
    let set = Set::new(&characters);
    place(search::find_last(&s, |rune| set.contains(rune)).map(|(at, _)| at))
}

fn last_index_byte(s: GoStr<'_>, byte: u8) -> i64 {
    place(memchr::memrchr(byte, &s))
}

fn repeat<'h>(
    context: &mut NativeContext<'h>,
    s: GoStr<'h>,
    count: i64,
) -> Result<GoStr<'h>, GoPanic> {
    let count =
        usize::try_from(count).map_err(|_| GoPanic::text("strings: negative Repeat count"))?;
    let length = s
        .len()
        .checked_mul(count)
        .filter(|&length| length <= isize::MAX as usize)
        .ok_or_else(|| GoPanic::text("strings: Repeat output length overflow"))?;
    check_length(context, length)?;
    let mut pace = Pace::default();
    context.make_string(length, |out| match &*s {
        [] => {}
        [b] => {
            let mut windows = out.chunks_mut(1 << 20);
            let _ = windows.try_for_each(|window| {
                window.fill(*b);
                (!pace.is_over_after(window.len())).then_some(())
            });
        }
        s => {
            let mut chunks = out.chunks_exact_mut(s.len());
            let _ = chunks.try_for_each(|chunk| {
                chunk.copy_from_slice(s);
                (!pace.is_over_after(s.len() + 8)).then_some(())
            });
        }
    })
}

fn replace<'h>(
    context: &mut NativeContext<'h>,
    s: GoStr<'h>,
    old: GoStr<'h>,
    new: GoStr<'h>,
    limit: i64,
) -> Result<GoStr<'h>, GoPanic> {
    // Only what grows a lot needs to be measured first.
    if new.len() > 2 * old.len() + 64 {
        let mut places = search::count(&s, &old);
        if let Ok(limit) = usize::try_from(limit) {
            places = places.min(limit);
        }
        let length = s.len().saturating_add(places.saturating_mul(new.len()));
        drop(with_capacity(context, length)?);
    }
    let changed = search::replace(&s, &old, &new, limit);
    or_same(context, s, changed)
}

fn replace_all<'h>(
    context: &mut NativeContext<'h>,
    s: GoStr<'h>,
    old: GoStr<'h>,
    new: GoStr<'h>,
) -> Result<GoStr<'h>, GoPanic> {
    replace(context, s, old, new, -1)
}

fn split_with<'h>(
    context: &mut NativeContext<'h>,
    s: GoStr<'h>,
    separator: GoStr<'h>,
    keep: usize,
    limit: i64,
) -> Result<GoSlice<'h, GoStr<'h>>, GoPanic> {
    if limit == 0 {
        return Ok(GoSlice::NIL);
    }
    if s.len() > LARGE_SPLIT {
        let mut parts = search::count(&s, &separator) + 1;
        if let Ok(limit) = usize::try_from(limit) {
            parts = parts.min(limit);
        }
        context.check_memory(parts.saturating_mul(16))?;
        if !separator.is_empty() {
            // The number is exact.
            let slice = context.new_slice::<GoStr<'h>>(parts, parts)?;
            let mut index = 0;
            search::split_each(&s, &separator, keep, limit, |range| {
                // Unless nobody wanted to know how many there are.
                if index < parts {
                    slice.set(index, s.slice(range));
                }
                index += 1;
            });
            return Ok(slice);
        }
        // A range, and the string it becomes.
        context.check_memory(parts.saturating_mul(32))?;
    }
    let ranges = search::split(&s, &separator, keep, limit);
    let slice = context.new_slice::<GoStr<'h>>(ranges.len(), ranges.len())?;
    for (index, range) in ranges.into_iter().enumerate() {
        slice.set(index, s.slice(range));
    }
    Ok(slice)
}

fn split<'h>(
    context: &mut NativeContext<'h>,
    s: GoStr<'h>,
    separator: GoStr<'h>,
) -> Result<GoSlice<'h, GoStr<'h>>, GoPanic> {
    split_with(context, s, separator, 0, -1)
}

fn split_n<'h>(
    context: &mut NativeContext<'h>,
    s: GoStr<'h>,
    separator: GoStr<'h>,
    limit: i64,
) -> Result<GoSlice<'h, GoStr<'h>>, GoPanic> {
    split_with(context, s, separator, 0, limit)
}

fn split_after<'h>(
    context: &mut NativeContext<'h>,
    s: GoStr<'h>,
    separator: GoStr<'h>,
) -> Result<GoSlice<'h, GoStr<'h>>, GoPanic> {
    split_with(context, s, separator, separator.len(), -1)
}

fn split_after_n<'h>(
    context: &mut NativeContext<'h>,
    s: GoStr<'h>,
    separator: GoStr<'h>,
    limit: i64,
) -> Result<GoSlice<'h, GoStr<'h>>, GoPanic> {
    split_with(context, s, separator, separator.len(), limit)
}

fn title<'h>(context: &mut NativeContext<'h>, s: GoStr<'h>) -> Result<GoStr<'h>, GoPanic> {
    let changed = search::title(&s);
    context.new_string(&changed)
}

fn to_lower<'h>(context: &mut NativeContext<'h>, s: GoStr<'h>) -> Result<GoStr<'h>, GoPanic> {
    if s.is_ascii() && s.iter().any(u8::is_ascii_uppercase) {
        return context.make_string(s.len(), |out| {
            for (to, from) in out.chunks_mut(search::WINDOW).zip(search::in_windows(&s)) {
                to.copy_from_slice(from);
                to.make_ascii_lowercase();
            }
        });
    }
    let changed = search::to_case(&s, LOWER);
    or_same(context, s, changed)
}

fn to_upper<'h>(context: &mut NativeContext<'h>, s: GoStr<'h>) -> Result<GoStr<'h>, GoPanic> {
    if s.is_ascii() && s.iter().any(u8::is_ascii_lowercase) {
        return context.make_string(s.len(), |out| {
            for (to, from) in out.chunks_mut(search::WINDOW).zip(search::in_windows(&s)) {
                to.copy_from_slice(from);
                to.make_ascii_uppercase();
            }
        });
    }
    let changed = search::to_case(&s, UPPER);
    or_same(context, s, changed)
}

fn to_title<'h>(context: &mut NativeContext<'h>, s: GoStr<'h>) -> Result<GoStr<'h>, GoPanic> {
    let changed = search::to_case(&s, TITLE);
    or_same(context, s, changed)
}

fn to_valid<'h>(
    context: &mut NativeContext<'h>,
    s: GoStr<'h>,
    replacement: GoStr<'h>,
) -> Result<GoStr<'h>, GoPanic> {
    let changed = search::to_valid(&s, &replacement);
    or_same(context, s, changed)
}

fn trim<'h>(s: GoStr<'h>, cutset: GoStr<'h>) -> GoStr<'h> {
    trim_right(trim_left(s, cutset), cutset)
}

fn trim_left<'h>(s: GoStr<'h>, cutset: GoStr<'h>) -> GoStr<'h> {
    let set = Set::new(&cutset);
    s.slice(search::trim_start(&s, |rune| set.contains(rune))..s.len())
}

fn trim_right<'h>(s: GoStr<'h>, cutset: GoStr<'h>) -> GoStr<'h> {
    let set = Set::new(&cutset);
    s.slice(0..search::trim_end(&s, |rune| set.contains(rune)))
}

fn trim_prefix<'h>(s: GoStr<'h>, prefix: GoStr<'h>) -> GoStr<'h> {
    if s.starts_with(&prefix) {
        s.slice(prefix.len()..s.len())
    } else {
        s
    }
}

fn trim_suffix<'h>(s: GoStr<'h>, suffix: GoStr<'h>) -> GoStr<'h> {
    if s.ends_with(&suffix) {
        s.slice(0..s.len() - suffix.len())
    } else {
        s
    }
}

fn trim_space(s: GoStr<'_>) -> GoStr<'_> {
    s.slice(search::trim_space(&s))
}

fn replace_pairs<'h>(
    context: &mut NativeContext<'h>,
    s: GoStr<'h>,
    pairs: GoSlice<'h, GoStr<'h>>,
) -> Result<GoStr<'h>, GoPanic> {
    let texts: Vec<&[u8]> = pairs.iter().map(|text| text.as_bytes()).collect();
    let pairs: Vec<(&[u8], &[u8])> = texts
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .collect();
    let changed = search::replace_pairs(&s, &pairs);
    or_same(context, s, changed)
}

fn text<'h>(bytes: GoSlice<'h, u8>) -> GoStr<'h> {
    bytes.into_string()
}

natives! {
    pure "Clone" => clone;
    pure "Compare" => compare;
    pure "Contains" => contains;
    pure "ContainsAny" => contains_any;
    pure "ContainsRune" => contains_rune;
    pure "Count" => count;
    pure "EqualFold" => equal_fold;
    pure "Fields" => fields;
    pure "HasPrefix" => has_prefix;
    pure "HasSuffix" => has_suffix;
    pure "Index" => index;
    pure "IndexAny" => index_any;
    pure "IndexByte" => index_byte;
    pure "IndexRune" => index_rune;
    pure "Join" => join;
    pure "LastIndex" => last_index;
    pure "LastIndexAny" => last_index_any;
    pure "LastIndexByte" => last_index_byte;
    pure "Repeat" => repeat;
    pure "Replace" => replace;
    pure "ReplaceAll" => replace_all;
    pure "Split" => split;
    pure "SplitAfter" => split_after;
    pure "SplitAfterN" => split_after_n;
    pure "SplitN" => split_n;
    pure "Title" => title;
    pure "ToLower" => to_lower;
    pure "ToTitle" => to_title;
    pure "ToUpper" => to_upper;
    pure "ToValidUTF8" => to_valid;
    pure "Trim" => trim;
    pure "TrimLeft" => trim_left;
    pure "TrimPrefix" => trim_prefix;
    pure "TrimRight" => trim_right;
    pure "TrimSpace" => trim_space;
    pure "TrimSuffix" => trim_suffix;
    pure "replacePairs" => replace_pairs;
    pure "text" => text;
}
