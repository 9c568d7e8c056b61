//! Which declarations of the standard packages a program can need, found before anything is parsed.
//!
//! A script that prints a line imports `fmt`, which imports half of the library. Parsing and declaring all of that would
//! take longer than most scripts run. So the build makes an outline of every file (its declarations, the names they declare and
//! the names they mention), and a program gets texts in which everything that no name leads to is blanked out.
//!
//! 1. Needed at first: the names in the program's own files, and a few that the machine itself uses.
//! 2. A declaration of an imported package is kept when a name it declares is needed; a method, when besides its
//!    receiver's type is kept. What it mentions is then needed too, in all packages.
//! 3. Until nothing changes.
//!
//! The answer is too large rather than too small, since names are taken without regard to what they stand for: code can only
//! get at a declaration by naming it. Blanks keep lines and columns as they are.

/// The outline of a file.
pub struct FileOutline {
    /// The import path of its package.
    pub package: &'static str,
    /// Its name below `stdlib/src`.
    pub name: &'static str,
    pub text: &'static str,
    pub units: &'static [Unit],
}

/// A piece of a file that is kept or blanked out as a whole; names are indices into the table of names.
pub struct Unit {
    pub start: u32,
    pub end: u32,
    pub names: &'static [u16],
    /// Of a method: its receiver's type.
    pub receiver: Option<u16>,
    /// Of an import: the path.
    pub import: Option<&'static str>,
    pub references: &'static [u16],
    /// Kept whenever the package is imported: `init` functions, blank variables.
    pub always: bool,
}

mod table {
    use super::{FileOutline, Unit};
    include!(concat!(env!("OUT_DIR"), "/outline.rs"));
}

/// Names that are needed though no program mentions them: the machine calls them.
const MACHINE_NAMES: &[&str] = &["Error", "RuntimeError", "String", "runtime"];

/// Names of what shows methods by reflection. A program in which one of them stands may come upon any exported method of a type
/// that is there, if it has the package.
const REFLECTING_NAMES: &[&str] = &["Method", "MethodByName", "Methods", "NumMethod"];
const REFLECT: &str = "reflect";

/// The package that every program has, whole.
const MACHINE_PACKAGE: &str = "runtime";

/// What of the standard packages a program can need.
pub struct Selection {
    packages: Vec<&'static str>,
    needed: Vec<bool>,
    /// Per file and unit: is it kept?
    kept: Vec<Vec<bool>>,
    /// The program names what shows methods.
    reflects: bool,
}

/// Is there a standard package with this import path?
pub fn is_standard(path: &str) -> bool {
    table::FILES.iter().any(|file| file.package == path)
}

/// Does a standard package declare this name?
pub fn declares(path: &str, name: &str) -> bool {
    let Ok(name) = table::NAMES.binary_search(&name) else {
        return false;
    };
    let mut files = table::FILES.iter().filter(|file| file.package == path);
    files.any(|file| {
        let mut units = file.units.iter().filter(|unit| unit.receiver.is_none());
        units.any(|unit| unit.import.is_none() && unit.names.contains(&(name as u16)))
    })
}

/// The exported names that a standard package declares, methods left out.
pub fn exported(path: &str) -> Vec<&'static str> {
    let files = table::FILES.iter().filter(|file| file.package == path);
    let units = files.flat_map(|file| file.units.iter());
    let own = units.filter(|unit| unit.receiver.is_none() && unit.import.is_none());
    own.flat_map(|unit| unit.names.iter())
        .map(|name| table::NAMES[usize::from(*name)])
        .filter(|name| name.starts_with(char::is_uppercase))
        .collect()
}

/// The import paths of all standard packages, sorted.
pub fn packages() -> Vec<&'static str> {
    let mut paths: Vec<&'static str> = table::FILES.iter().map(|file| file.package).collect();
    paths.dedup();
    paths
}

/// The whole files of a package, as (name, text).
pub fn files(path: &str) -> Vec<(&'static str, &'static str)> {
    table::FILES
        .iter()
        .filter(|file| file.package == path)
        .map(|file| (file.name, file.text))
        .collect()
}

/// Selects what a program needs that imports `imports` and in whose own files the names `names` stand.
pub fn select<'a>(
    imports: impl IntoIterator<Item = &'a str>,
    names: impl IntoIterator<Item = &'a str>,
) -> Selection {
    let mut selection = Selection {
        packages: Vec::new(),
        needed: vec![false; table::NAMES.len()],
        kept: table::FILES
            .iter()
            .map(|file| vec![false; file.units.len()])
            .collect(),
        reflects: false,
    };
    for name in names.into_iter().chain(MACHINE_NAMES.iter().copied()) {
        selection.reflects |= REFLECTING_NAMES.contains(&name);
        if let Ok(index) = table::NAMES.binary_search(&name) {
            selection.needed[index] = true;
        }
    }
    for path in imports.into_iter().chain([MACHINE_PACKAGE]) {
        selection.import(path);
    }
    while selection.grow() {}
    selection
}

impl Selection {
    /// The files of a package with everything that is not needed blanked out, as (name, text); empty if nothing imports it.
    pub fn files(&self, path: &str) -> Vec<(&'static str, String)> {
        let of_package = table::FILES
            .iter()
            .zip(&self.kept)
            .filter(|(file, _)| file.package == path);
        of_package
            .map(|(file, kept)| (file.name, blank(file, kept)))
            .collect()
    }

    fn import(&mut self, path: &str) -> bool {
        let Some(file) = table::FILES.iter().find(|file| file.package == path) else {
            return false;
        };
        if self.packages.contains(&file.package) {
            return false;
        }
        self.packages.push(file.package);
        true
    }

    /// One pass over the units of imported packages. Was anything added?
    fn grow(&mut self) -> bool {
        let mut grew = false;
        for (index, file) in table::FILES.iter().enumerate() {
            if !self.packages.contains(&file.package) {
                continue;
            }
            for (position, unit) in file.units.iter().enumerate() {
                if self.kept[index][position] || !self.is_needed(file, unit) {
                    continue;
                }
                grew = true;
                self.kept[index][position] = true;
                for &name in unit.names.iter().chain(unit.references) {
                    self.needed[name as usize] = true;
                }
                if let Some(path) = unit.import {
                    self.import(path);
                }
            }
        }
        grew
    }

    fn is_needed(&self, file: &FileOutline, unit: &Unit) -> bool {
        let named = || unit.names.iter().any(|&name| self.needed[name as usize]);
        if unit.always || file.package == MACHINE_PACKAGE {
            return true;
        }
        // The receiver's type is kept when its name is needed and its package imported.
        (named() || self.is_reflected(unit))
            && unit
                .receiver
                .is_none_or(|receiver| self.needed[receiver as usize])
    }

    /// Whether a unit is an exported method, and the program may find it by reflection.
    fn is_reflected(&self, unit: &Unit) -> bool {
        let exported = |&name: &u16| {
            let first = table::NAMES[name as usize].chars().next();
            first.is_some_and(char::is_uppercase)
        };
        self.reflects
            && unit.receiver.is_some()
            && self.packages.contains(&REFLECT)
            && unit.names.iter().any(exported)
    }
}

/// The file's text with the units that are not kept turned into blanks, byte by byte.
fn blank(file: &FileOutline, kept: &[bool]) -> String {
    let text = file.text.as_bytes();
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    for (unit, _) in file.units.iter().zip(kept).filter(|(_, kept)| !**kept) {
        out.extend_from_slice(&text[at..unit.start as usize]);
        at = unit.end as usize;
        let start = unit.start as usize;
        out.resize(at, b' ');
        for end in memchr::memchr_iter(b'\n', &text[start..at]) {
            out[start + end] = b'\n';
        }
    }
    out.extend_from_slice(&text[at..]);
    String::from_utf8(out).expect("units begin and end between characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declares(files: &[(&str, String)], text: &str) -> bool {
        files.iter().any(|(_, file)| file.contains(text))
    }

    #[test]
    fn what_nothing_names_is_blanked_out_and_lines_stay() {
        let selection = select(["errors"], ["errors", "New"]);
        let files = selection.files("errors");
        assert!(declares(&files, "func New("));
        assert!(!declares(&files, "func As("));
        for ((_, pruned), (_, whole)) in files.iter().zip(super::files("errors")) {
            assert_eq!(pruned.len(), whole.len());
            assert_eq!(pruned.matches('\n').count(), whole.matches('\n').count());
        }
    }

    #[test]
    fn the_machine_package_is_always_whole() {
        let selection = select([], []);
        for ((_, pruned), (_, whole)) in selection
            .files("runtime")
            .iter()
            .zip(super::files("runtime"))
        {
            assert_eq!(pruned, whole);
        }
    }

    #[test]
    fn a_package_nobody_imports_is_not_there() {
        assert!(select([], []).files("no/such").is_empty());
        assert!(!is_standard("no/such"));
    }
}
