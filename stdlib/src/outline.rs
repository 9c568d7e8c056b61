//! Which declarations of the standard packages a program can need, found before anything is parsed.
//!
//! A script that prints a line imports `fmt`, which imports half of the library. Parsing and declaring all of that would
//! take longer than most scripts run. So the build makes an outline of every file (its declarations, what they declare and
//! what they mention), and a program gets texts in which everything that no name leads to is blanked out.
//!
//! 1. Needed at first: what the packages that the program imports declare under names that stand in its own files, and what the machine
//!    itself uses.
//! 2. A unit that is kept needs what it mentions: names that stand alone are its package's, or imports; names behind an import's are that
//!    package's. All other names behind dots may be methods' (*members*), and so are those that interface types list.
//! 3. A method is kept when its receiver's type is and its name is a needed member; a package is there when an import of it is kept.
//!
//! The answer is too large rather than too small, since names are taken without regard to scopes and types: code can only
//! get at a declaration by naming it. Blanks keep lines and columns as they are.

/// The outline of a package.
pub struct PackageOutline {
    /// Its import path.
    pub path: &'static str,
    /// Units that are kept whenever the package is imported: `init` functions and blank imports. Blank variables only say what implements what.
    pub always: &'static [u16],
    /// What it declares, methods and imports left out, by name; and the units that do.
    pub declared: &'static [(&'static str, &'static [u16])],
}

/// The outline of a file.
pub struct FileOutline {
    /// The number of its package.
    pub package: u16,
    /// Its name below `stdlib/src`.
    pub name: &'static str,
    pub text: &'static str,
    /// The number of its first unit.
    pub first: u16,
    /// How many units it has.
    pub count: u16,
}

/// A piece of a file that is kept or blanked out as a whole, with the comments before it.
pub struct Unit {
    pub start: u32,
    pub end: u32,
    pub package: u16,
    /// The units that are needed when this one is.
    pub uses: &'static [u16],
    /// The members that it mentions.
    pub members: &'static [u16],
    /// The methods of the type it declares.
    pub methods: &'static [u16],
    /// Of a method: the unit of its receiver's type, and which member it is.
    pub receiver: Option<u16>,
    pub method: Option<u16>,
    /// Of an import: the package.
    pub import: Option<u16>,
}

mod table {
    use super::{FileOutline, PackageOutline, Unit};
    include!(concat!(env!("OUT_DIR"), "/outline.rs"));
}

/// Methods that are needed though no program mentions them: the machine calls them.
const MACHINE_NAMES: &[&str] = &["Error", "RuntimeError", "String"];

/// Names of what shows methods by reflection. A program in whose own files one of them stands may come upon any exported method of a
/// type that is there; `Method` is a common word (`http.Request` has a field of that name), and counts where the program imports
/// package reflect itself.
const REFLECTING_NAMES: &[&str] = &["MethodByName", "Methods", "NumMethod"];
const REFLECTING_NAME_IMPORTED: &str = "Method";
const REFLECT: &str = "reflect";
/// The one by which packages that are needed themselves find methods of the program's values (`text/template`).
const REFLECTING_MEMBER: &str = "MethodByName";

/// The package that every program has, whole.
const MACHINE_PACKAGE: &str = "runtime";

/// What of the standard packages a program can need.
pub struct Selection {
    /// Per package: is it imported?
    imported: Vec<bool>,
    /// Per member: is it needed?
    members: Vec<bool>,
    /// Per unit: is it kept?
    kept: Vec<bool>,
    /// Units that are kept, whose needs have not been looked at yet.
    waiting: Vec<u16>,
    /// Methods may be found by reflection.
    reflects: bool,
}

fn package(path: &str) -> Option<usize> {
    let packages = table::PACKAGES;
    packages
        .binary_search_by_key(&path, |package| package.path)
        .ok()
}

/// The units that declare a name.
fn declaring(package: usize, name: &str) -> &'static [u16] {
    let declared = table::PACKAGES[package].declared;
    let found = declared.binary_search_by_key(&name, |(name, _)| name);
    found.map_or(&[], |index| declared[index].1)
}

fn files_of(path: &str) -> impl Iterator<Item = &'static FileOutline> {
    let number = package(path);
    let of_package = move |file: &&FileOutline| Some(usize::from(file.package)) == number;
    table::FILES.iter().filter(of_package)
}

/// Is there a standard package with this import path?
pub fn is_standard(path: &str) -> bool {
    package(path).is_some()
}

/// Does a standard package declare this name?
pub fn declares(path: &str, name: &str) -> bool {
    package(path).is_some_and(|package| !declaring(package, name).is_empty())
}

/// The exported names that a standard package declares, methods left out.
pub fn exported(path: &str) -> Vec<&'static str> {
    let declared = package(path).map_or(&[][..], |package| table::PACKAGES[package].declared);
    let names = declared.iter().map(|(name, _)| *name);
    names
        .filter(|name| name.starts_with(char::is_uppercase))
        .collect()
}

/// The import paths of all standard packages, sorted.
pub fn packages() -> Vec<&'static str> {
    table::PACKAGES.iter().map(|package| package.path).collect()
}

/// The whole files of a package, as (name, text).
pub fn files(path: &str) -> Vec<(&'static str, &'static str)> {
    files_of(path).map(|file| (file.name, file.text)).collect()
}

/// Selects what a program needs that imports `imports` and in whose own files the names `names` stand.
/// `reflects`: exported methods of types that are there may be found by reflection, whatever the names say.
pub fn select<'a>(
    imports: impl IntoIterator<Item = &'a str>,
    names: impl IntoIterator<Item = &'a str>,
    reflects: bool,
) -> Selection {
    let mut selection = Selection {
        imported: vec![false; table::PACKAGES.len()],
        members: vec![false; table::MEMBERS.len()],
        kept: vec![false; table::UNITS.len()],
        waiting: Vec::new(),
        reflects: false,
    };
    let imports: Vec<usize> = imports.into_iter().filter_map(package).collect();
    let reflect = package(REFLECT).is_some_and(|package| imports.contains(&package));
    for &package in &imports {
        selection.import(package);
    }
    for name in MACHINE_NAMES {
        selection.need_member_named(name);
    }
    for name in names {
        if REFLECTING_NAMES.contains(&name) || reflect && name == REFLECTING_NAME_IMPORTED {
            selection.reflect();
        }
        selection.need_member_named(name);
        for &package in &imports {
            selection.keep_all(declaring(package, name));
        }
    }
    if let Some(machine) = package(MACHINE_PACKAGE) {
        selection.import(machine);
        let of_machine = |unit: &Unit| usize::from(unit.package) == machine;
        for (number, _) in (0..).zip(table::UNITS).filter(|(_, unit)| of_machine(unit)) {
            selection.keep(number);
        }
    }
    if reflects {
        selection.reflect();
    }
    selection.follow_all();
    selection
}

impl Selection {
    /// The files of a package with everything that is not needed blanked out, as (name, text); empty if nothing imports it.
    pub fn files(&self, path: &str) -> Vec<(&'static str, String)> {
        if !package(path).is_some_and(|package| self.imported[package]) {
            return Vec::new();
        }
        let units = |file: &FileOutline| {
            let first = usize::from(file.first);
            first..first + usize::from(file.count)
        };
        let kept = |file: &&FileOutline| self.kept[units(file)].contains(&true);
        let mut files: Vec<&FileOutline> = files_of(path).filter(kept).collect();
        if files.is_empty() {
            // A package has a file at least.
            files.extend(files_of(path).take(1));
        }
        let files = files.into_iter();
        let blanked = |file: &FileOutline| {
            blank(
                file.text,
                &table::UNITS[units(file)],
                &self.kept[units(file)],
            )
        };
        files.map(|file| (file.name, blanked(file))).collect()
    }

    fn import(&mut self, package: usize) {
        if !std::mem::replace(&mut self.imported[package], true) {
            self.keep_all(table::PACKAGES[package].always);
        }
    }

    fn keep(&mut self, unit: u16) {
        if !std::mem::replace(&mut self.kept[usize::from(unit)], true) {
            self.waiting.push(unit);
        }
    }

    fn keep_all(&mut self, units: &[u16]) {
        for &unit in units {
            self.keep(unit);
        }
    }

    fn follow_all(&mut self) {
        while let Some(number) = self.waiting.pop() {
            self.follow(number);
        }
    }

    /// Keeps what a unit that is kept needs.
    fn follow(&mut self, unit: u16) {
        let unit = &table::UNITS[usize::from(unit)];
        if let Some(package) = unit.import {
            self.import(usize::from(package));
        }
        self.keep_all(unit.uses);
        for &member in unit.members {
            self.need_member(usize::from(member));
        }
        for &method in unit.methods {
            let member = table::UNITS[usize::from(method)].method.map(usize::from);
            if member.is_some_and(|member| self.members[member]) {
                self.keep(method);
            }
        }
    }

    fn need_member_named(&mut self, name: &str) {
        if let Ok(member) = table::MEMBERS.binary_search_by_key(&name, |(name, _)| name) {
            self.need_member(member);
        }
    }

    fn need_member(&mut self, member: usize) {
        if std::mem::replace(&mut self.members[member], true) {
            return;
        }
        if table::MEMBERS[member].0 == REFLECTING_MEMBER {
            self.reflect();
        }
        for &method in table::MEMBERS[member].1 {
            let receiver = table::UNITS[usize::from(method)].receiver;
            if receiver.is_some_and(|receiver| self.kept[usize::from(receiver)]) {
                self.keep(method);
            }
        }
    }

    /// Are all exported methods kept of types that are there?
    pub fn reflects(&self) -> bool {
        self.reflects
    }

    /// Keeps all exported methods of the types that are there, now and later.
    fn reflect(&mut self) {
        if std::mem::replace(&mut self.reflects, true) {
            return;
        }
        for (member, (name, _)) in table::MEMBERS.iter().enumerate() {
            if name.starts_with(char::is_uppercase) {
                self.need_member(member);
            }
        }
    }
}

/// A file's text with the units that are not kept turned into blanks, byte by byte.
fn blank(text: &str, units: &[Unit], kept: &[bool]) -> String {
    let text = text.as_bytes();
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    for (unit, _) in units.iter().zip(kept).filter(|(_, kept)| !**kept) {
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
        let selection = select(["errors"], ["errors", "New"], false);
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
        let selection = select([], [], false);
        for ((_, pruned), (_, whole)) in selection
            .files("runtime")
            .iter()
            .zip(super::files("runtime"))
        {
            assert_eq!(pruned, whole);
        }
    }

    #[test]
    fn names_of_other_packages_keep_nothing() {
        let selection = select(
            ["net/http", "encoding/json"],
            ["http", "json", "StatusText"],
            false,
        );
        assert!(declares(&selection.files("net/http"), "func StatusText("));
        assert!(!declares(
            &selection.files("net/http"),
            "func ListenAndServe("
        ));
        assert!(selection.files("crypto/tls").is_empty());
    }

    #[test]
    fn methods_are_kept_with_their_types_and_names() {
        let selection = select(["bytes"], ["Buffer", "WriteString"], false);
        let files = selection.files("bytes");
        assert!(declares(&files, "func (b *Buffer) WriteString("));
        assert!(!declares(&files, "func (b *Buffer) ReadRune("));
        assert!(!declares(&files, "func (r *Reader) "));
        let files = select(["bytes"], ["Buffer", "MethodByName"], false).files("bytes");
        assert!(declares(&files, "func (b *Buffer) ReadRune("));
    }

    #[test]
    fn a_package_nobody_imports_is_not_there() {
        assert!(select([], [], false).files("no/such").is_empty());
        assert!(!is_standard("no/such"));
    }
}
