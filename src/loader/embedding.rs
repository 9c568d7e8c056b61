//! The files that `//go:embed` lines name.
//!
//! Patterns are those of `path.Match`, relative to the package's folder; a folder stands for the files below it. What could not
//! be in a module that is published (other modules' files, version control, irregular files) cannot be embedded.
//!
//! GO: cmd/go/internal/load `resolveEmbed`.

use checker::Embedded;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A pattern that cannot be, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct PatternError {
    pub pattern: String,
    pub message: String,
}

/// Finds and reads the files of patterns, which are relative to `folder`.
///
/// # Errors
/// The first pattern, in the order of their texts, that is none, finds nothing, or finds what cannot be embedded.
pub fn resolve<'p>(
    folder: &Path,
    patterns: impl IntoIterator<Item = &'p str>,
) -> Result<Embedded, PatternError> {
    let mut embedded = Embedded::default();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for pattern in patterns.into_iter().collect::<BTreeSet<_>>() {
        let error = |message: String| PatternError {
            pattern: pattern.to_owned(),
            message,
        };
        let names = matches(folder, pattern).map_err(error)?;
        let mut files = Vec::with_capacity(names.len());
        for name in names {
            let number = match numbers.get(&name) {
                Some(&number) => number,
                None => {
                    let path = folder.join(&name);
                    let content = std::fs::read(&path).map_err(|problem| {
                        let reason = super::folder::reason(&problem);
                        error(format!("open {}: {reason}", path.display()))
                    })?;
                    let number = embedded.files.len();
                    embedded.files.push((name.clone(), content));
                    numbers.insert(name, number);
                    number
                }
            };
            files.push(number);
        }
        embedded.patterns.insert(pattern.to_owned(), files);
    }
    Ok(embedded)
}

/// The names of the files that a pattern stands for, sorted, with slashes, relative to the folder.
fn matches(folder: &Path, pattern: &str) -> Result<BTreeSet<String>, String> {
    let (glob, hidden) = match pattern.strip_prefix("all:") {
        Some(rest) => (rest, true),
        None => (pattern, false),
    };
    let valid = glob != "."
        && glob
            .split('/')
            .all(|element| !matches!(element, "" | "." | ".."))
        && is_well_formed(glob);
    if !valid {
        return Err("invalid pattern syntax".to_owned());
    }
    let mut found = vec![String::new()];
    for element in glob.split('/') {
        let mut next = Vec::new();
        for base in found {
            extend(folder, &base, element, &mut next);
        }
        found = next;
    }
    let mut names = BTreeSet::new();
    for name in found {
        add(folder, &name, hidden, &mut names)?;
    }
    if names.is_empty() {
        return Err("no matching files found".to_owned());
    }
    Ok(names)
}

/// The entries of `base` that one element of a pattern means.
fn extend(folder: &Path, base: &str, element: &str, out: &mut Vec<String>) {
    let join = |name: &str| match base {
        "" => name.to_owned(),
        _ => format!("{base}/{name}"),
    };
    if !element.contains(['*', '?', '[', '\\']) {
        let name = join(element);
        if folder.join(&name).symlink_metadata().is_ok() {
            out.push(name);
        }
        return;
    }
    let mut names = entries(&folder.join(base)).unwrap_or_default();
    names.retain(|name| element_matches(element, name));
    out.extend(names.iter().map(|name| join(name)));
}

/// The names in a folder, sorted.
fn entries(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        // A name that is no text is no pattern's and no module's.
        if let Ok(name) = entry?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Adds what a name stands for.
fn add(
    folder: &Path,
    name: &str,
    hidden: bool,
    names: &mut BTreeSet<String>,
) -> Result<(), String> {
    let path = folder.join(name);
    let metadata = path.symlink_metadata().map_err(|error| {
        format!(
            "lstat {}: {}",
            path.display(),
            super::folder::reason(&error)
        )
    })?;
    let what = if metadata.is_dir() {
        "directory"
    } else {
        "file"
    };
    let mut at = name;
    loop {
        let here = folder.join(at);
        if here.join("go.mod").exists() {
            return Err(format!("cannot embed {what} {name}: in different module"));
        }
        let is_folder = || here.symlink_metadata().is_ok_and(|here| here.is_dir());
        if at != name && !is_folder() {
            return Err(format!("cannot embed {what} {name}: in non-directory {at}"));
        }
        let (parent, element) = at.rsplit_once('/').unwrap_or(("", at));
        if is_bad_name(element) {
            let why = if at == name {
                "invalid name"
            } else {
                "in invalid directory"
            };
            return Err(format!("cannot embed {what} {name}: {why} {element}"));
        }
        if parent.is_empty() {
            break;
        }
        at = parent;
    }
    if metadata.is_file() {
        names.insert(name.to_owned());
        return Ok(());
    }
    if !metadata.is_dir() {
        return Err(format!("cannot embed irregular file {name}"));
    }
    if add_folder(folder, name, hidden, names)? == 0 {
        return Err(format!(
            "cannot embed directory {name}: contains no embeddable files"
        ));
    }
    Ok(())
}

/// Adds the files below a folder, without those of other modules, and, unless `hidden`, without those that begin with a dot or an
/// underscore; gives how many there were.
fn add_folder(
    folder: &Path,
    name: &str,
    hidden: bool,
    names: &mut BTreeSet<String>,
) -> Result<usize, String> {
    let mut count = 0;
    let mut pending = vec![name.to_owned()];
    while let Some(name) = pending.pop() {
        let path = folder.join(&name);
        if path.join("go.mod").exists() {
            continue;
        }
        let inside = entries(&path).map_err(|error| {
            format!("open {}: {}", path.display(), super::folder::reason(&error))
        })?;
        for element in inside {
            let inner = format!("{name}/{element}");
            let Ok(metadata) = folder.join(&inner).symlink_metadata() else {
                continue;
            };
            let is_hidden = element.starts_with(['.', '_']);
            let is_bad = is_bad_name(&element);
            if is_bad || is_hidden && !hidden {
                if is_bad && !is_hidden && !metadata.is_dir() {
                    return Err(format!("cannot embed file {inner}: invalid name {element}"));
                }
                continue;
            }
            if metadata.is_dir() {
                pending.push(inner);
            } else if metadata.is_file() {
                count += 1;
                names.insert(inner);
            }
        }
    }
    Ok(count)
}

/// Names that no published module has. GO: golang.org/x/mod/module `CheckFilePath`, cmd/go/internal/load `isBadEmbedName`.
fn is_bad_name(name: &str) -> bool {
    const VERSION_CONTROL: [&str; 4] = [".bzr", ".hg", ".git", ".svn"];
    const DEVICES: [&str; 22] = [
        "CON", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9", "NUL",
        "PRN", "AUX", "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
    ];
    let allowed = |c: char| {
        if c.is_ascii() {
            c.is_ascii_alphanumeric() || "!#$%&()+,-.=@[]^_{}~ ".contains(c)
        } else {
            c.is_alphabetic()
        }
    };
    let stem = name.split('.').next().unwrap_or(name);
    name.is_empty()
        || name.ends_with('.')
        || !name.chars().all(allowed)
        || DEVICES
            .iter()
            .any(|device| stem.eq_ignore_ascii_case(device))
        || VERSION_CONTROL.contains(&name)
}

/// One step of a pattern's element.
enum Step {
    /// `*`
    Any,
    /// `?`
    One,
    /// A character.
    Char(char),
    /// `[a-z]`, `[^a-z]`
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// The steps of an element of a pattern; `None` if it is malformed. GO: path `Match`.
fn steps(element: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut characters = element.chars().peekable();
    while let Some(character) = characters.next() {
        steps.push(match character {
            '*' => Step::Any,
            '?' => Step::One,
            '\\' => Step::Char(characters.next()?),
            '[' => {
                let negated = characters.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                while ranges.is_empty() || characters.next_if_eq(&']').is_none() {
                    let mut bound = || match characters.next()? {
                        '-' | ']' => None,
                        '\\' => characters.next(),
                        character => Some(character),
                    };
                    let low = bound()?;
                    let high = match characters.next_if_eq(&'-') {
                        None => low,
                        Some(_) => match characters.next()? {
                            '-' | ']' => return None,
                            '\\' => characters.next()?,
                            character => character,
                        },
                    };
                    ranges.push((low, high));
                    // A class that does not end is malformed.
                    characters.peek()?;
                }
                Step::Class { negated, ranges }
            }
            character => Step::Char(character),
        });
    }
    Some(steps)
}

fn is_well_formed(glob: &str) -> bool {
    glob.split('/').all(|element| steps(element).is_some())
}

/// Does a name match an element of a pattern?
fn element_matches(element: &str, name: &str) -> bool {
    let Some(steps) = steps(element) else {
        return false;
    };
    let name: Vec<char> = name.chars().collect();
    // The places in the name at which the steps so far may end.
    let mut ends = vec![false; name.len() + 1];
    ends[0] = true;
    for step in &steps {
        let mut next = vec![false; name.len() + 1];
        let mut open = false;
        for (at, &end) in ends.iter().enumerate() {
            let step_takes = |c: char| match step {
                Step::Any => false,
                Step::One => true,
                Step::Char(wanted) => c == *wanted,
                Step::Class { negated, ranges } => {
                    ranges.iter().any(|&(low, high)| low <= c && c <= high) != *negated
                }
            };
            if matches!(step, Step::Any) {
                open |= end;
                next[at] = open;
            } else if end && name.get(at).is_some_and(|&c| step_takes(c)) {
                next[at + 1] = true;
            }
        }
        ends = next;
    }
    ends[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_gos_do() {
        for (pattern, name, expected) in [
            ("*", "a.txt", true),
            ("*.txt", "a.txt", true),
            ("*.txt", "a.txt2", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]*", "b", true),
            ("[^a-c]*", "b", false),
            ("[^a-c]x", "dx", true),
            ("[\\]a]", "]", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("*a*b*c", "xxaybzzc", true),
            ("*a*b*c", "xxaybzz", false),
            ("", "", true),
        ] {
            assert_eq!(element_matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn malformed_patterns_are_noticed() {
        for pattern in ["[", "[]a]", "[a", "[a-", "[a-]", "[-x]", "a\\", "[^", "[]"] {
            assert!(!is_well_formed(pattern), "{pattern}");
        }
        for pattern in ["[a-c]", "a*b?c", "[^x]", "x]", "-"] {
            assert!(is_well_formed(pattern), "{pattern}");
        }
    }

    #[test]
    fn names_that_no_module_has() {
        for name in [
            ".git", "con", "aux.txt", "a.", "a:b", "a\"b", "a*", "q?", "COM1",
        ] {
            assert!(is_bad_name(name), "{name}");
        }
        for name in ["a.txt", ".hidden", "_x", "über", "a b", "[x]", "console"] {
            assert!(!is_bad_name(name), "{name}");
        }
    }
}
