//! The program texts of a folder.

use super::constraints::{self, FileKind};
use std::io;
use std::path::{Path, PathBuf};

/// A file's text.
#[derive(Debug)]
pub struct Text {
    /// The file's own name.
    pub file: String,
    /// Its name in messages.
    pub shown: String,
    pub text: String,
    /// Is it one of tests, by its name?
    pub test: bool,
}

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Listing {
    /// In the order of their names.
    pub texts: Vec<Text>,
    /// How many files are for other systems.
    pub excluded: usize,
    /// How many are tests.
    pub tests: usize,
}

impl Listing {
    /// The listing, or why there is no package. GO: go/build `NoGoError`.
    pub fn not_empty(self, folder: &Path) -> Result<Listing, String> {
        if !self.texts.is_empty() {
            return Ok(self);
        }
        let folder = folder.display();
        Err(if self.excluded > 0 {
            format!("build constraints exclude all Go files in {folder}")
        } else if self.tests > 0 {
            format!("no non-test Go files in {folder}")
        } else {
            format!("no Go files in {folder}")
        })
    }
}

/// The texts in a folder that take part on this system, without tests.
pub fn list(folder: &Path) -> Result<Listing, String> {
    list_kinds(folder, &[FileKind::Source])
}

/// The texts in a folder that take part on this system, and those of its tests.
pub fn list_with_tests(folder: &Path) -> Result<Listing, String> {
    list_kinds(folder, &[FileKind::Source, FileKind::Test])
}

fn list_kinds(folder: &Path, kinds: &[FileKind]) -> Result<Listing, String> {
    let mut listing = Listing::default();
    let mut names =
        names(folder).map_err(|error| format!("{}: {}", folder.display(), reason(&error)))?;
    names.sort();
    for file in names {
        let Some(kind) = constraints::kind_of_name(&file) else {
            continue;
        };
        let test = kind == FileKind::Test;
        if !kinds.contains(&kind) {
            listing.tests += usize::from(test);
            continue;
        }
        let path = folder.join(&file);
        let shown = shown(&path);
        let bytes = std::fs::read(&path).map_err(|error| format!("{shown}: {}", reason(&error)))?;
        // A file that takes no part need not be UTF-8.
        if !constraints::takes_part(&file, &String::from_utf8_lossy(&bytes)) {
            listing.excluded += usize::from(!test);
            continue;
        }
        listing.tests += usize::from(test);
        let text = decoded(&shown, bytes)?;
        listing.texts.push(Text {
            file,
            shown,
            text,
            test,
        });
    }
    Ok(listing)
}

/// Would a file of this name and text take part on this system, and as one of tests?
pub fn takes_part(file: &str, text: &str) -> Option<bool> {
    let kind = constraints::kind_of_name(file)?;
    let is_known = matches!(kind, FileKind::Source | FileKind::Test);
    (is_known && constraints::takes_part(file, text)).then_some(kind == FileKind::Test)
}

/// Is there a file in the folder that could be part of a package, on whatever system?
pub fn has_sources(folder: &Path) -> bool {
    names(folder).is_ok_and(|names| {
        names
            .iter()
            .any(|name| name.ends_with(".go") || name.ends_with(".gl"))
    })
}

/// Files given by name, in the order in which they are given.
pub fn read_files(names: &[String]) -> Result<Listing, String> {
    let mut listing = Listing::default();
    let folder = Path::new(&names[0]).parent();
    for name in names {
        let path = Path::new(name);
        if path.parent() != folder {
            let shown = |path: Option<&Path>| match path {
                Some(path) if !path.as_os_str().is_empty() => path.display().to_string(),
                _ => ".".to_owned(),
            };
            return Err(format!(
                "named files must all be in one directory; have {} and {}",
                shown(folder),
                shown(path.parent())
            ));
        }
        let bytes = std::fs::read(path).map_err(|error| format!("{name}: {}", reason(&error)))?;
        let file = path
            .file_name()
            .map_or(name.clone(), |file| file.to_string_lossy().into_owned());
        let test = constraints::kind_of_name(&file) == Some(FileKind::Test);
        listing.texts.push(Text {
            file,
            shown: name.clone(),
            text: decoded(name, bytes)?,
            test,
        });
    }
    Ok(listing)
}

/// The folder that a file lies in.
pub fn of_file(name: &str) -> PathBuf {
    let parent = Path::new(name)
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    parent.canonicalize().unwrap_or(parent.to_owned())
}

/// The one name that a folder has.
pub fn canonical(name: &str) -> Result<PathBuf, String> {
    Path::new(name)
        .canonicalize()
        .map_err(|error| format!("{name}: {}", reason(&error)))
}

/// A text from its bytes, or where they are no UTF-8.
pub fn decoded(shown: &str, bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let before = &error.as_bytes()[..offset];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let line_start = before
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |at| at + 1);
        format!(
            "{shown}:{line}:{}: invalid UTF-8 encoding",
            offset - line_start + 1
        )
    })
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // What a link leads to counts.
        if entry.path().is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// A path as messages show it: below the current folder without it, and not longer than need be.
///
/// GO: cmd/go/internal/base `ShortPath`.
fn shown(path: &Path) -> String {
    let current = std::env::current_dir().and_then(|folder| folder.canonicalize());
    let Ok(current) = current else {
        return path.display().to_string();
    };
    let short = super::relative(&current, path).display().to_string();
    let whole = path.display().to_string();
    if short.len() < whole.len() {
        short
    } else {
        whole
    }
}

pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        io::ErrorKind::NotADirectory => "not a directory".to_owned(),
        _ => error.to_string(),
    }
}
