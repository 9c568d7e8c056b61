//! The lines of `/* */` comments.

use std::borrow::Cow;

fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| byte <= b' ')
}

/// What two lines have in common of white space and stars.
fn common_prefix<'l>(left: &'l str, right: &str) -> &'l str {
    let len = left
        .bytes()
        .zip(right.bytes())
        .take_while(|&(left, right)| left == right && (left <= b' ' || left == b'*'))
        .count();
    &left[..len]
}

/// Takes off what the lines behind the first have in common at their beginning, so that they can be indented anew. What belongs
/// to the text's own shape stays: a column of stars, and the two characters by which text is aligned with the one behind `/*`.
///
/// GO: printer.go stripCommonPrefix
pub(crate) fn strip_common_prefix(lines: &mut [Cow<'_, str>]) {
    let Some(last) = lines.len().checked_sub(1).filter(|&last| last > 0) else {
        return;
    };
    let mut prefix: Option<String> = None;
    for line in &mut lines[1..last] {
        if is_blank(line) {
            *line = Cow::Borrowed("");
            continue;
        }
        let common = common_prefix(prefix.as_deref().unwrap_or(line), line).to_owned();
        prefix = Some(common);
    }
    let mut prefix = prefix.unwrap_or_else(|| common_prefix(&lines[last], &lines[last]).to_owned());
    let mut has_stars = false;
    if let Some(star) = prefix.find('*') {
        // The blank before the stars stays, it aligns them with the first.
        prefix.truncate(star);
        if prefix.ends_with(' ') {
            prefix.pop();
        }
        has_stars = true;
    } else {
        let first = &lines[0];
        let behind = &first[2..];
        if is_blank(behind) {
            // Text that is indented against the comment's ends, by up to three blanks or a tab, stays so.
            let blanks = prefix
                .bytes()
                .rev()
                .take_while(|&byte| byte == b' ')
                .count();
            let kept = blanks.min(3);
            prefix.truncate(prefix.len() - kept);
            if kept == 0 && prefix.ends_with('\t') {
                prefix.pop();
            }
        } else {
            let white = behind.bytes().take_while(|&byte| byte <= b' ').count();
            let suffix = if behind.starts_with('\t') {
                // The tab makes up for the comment's beginning.
                behind[..white].to_owned()
            } else {
                format!("  {}", &behind[..white])
            };
            if prefix.ends_with(&suffix) {
                prefix.truncate(prefix.len() - suffix.len());
            }
        }
    }
    let before_end = lines[last].split("*/").next().unwrap_or("");
    if is_blank(before_end) {
        let end = if has_stars { " */" } else { "*/" };
        lines[last] = Cow::Owned(format!("{prefix}{end}"));
    } else {
        prefix = common_prefix(&prefix, &lines[last]).to_owned();
    }
    for line in &mut lines[1..] {
        if !line.is_empty() {
            *line = Cow::Owned(line.get(prefix.len()..).unwrap_or("").to_owned());
        }
    }
}
