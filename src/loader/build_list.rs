//! Which version of each module a program is made of: minimal version selection over the `go.mod` files that there are.
//!
//! 1. The main modules (one, or those that a `go.work` file above names) say what they require; each of these says in its own `go.mod`
//!    what it requires, and so on. Of each module the highest version that anybody requires is taken.
//! 2. From Go 1.17 on a main module's `go.mod` lists all that its packages need. Then of modules of 1.17 or later only the requirements count, not
//!    what these require in turn.
//! 3. What the main modules exclude nobody requires; what they (and `go.work`) replace is looked for in its place.
//! 4. With a `vendor` folder, in modules of Go 1.14 or later, all packages of other modules come from there; what `vendor/modules.txt` says must be
//!    what `go.mod` says.
//!
//! Without the network: modules are in the module cache of an installed Go, or missing.
//!
//! GO: <https://go.dev/ref/mod#minimal-version-selection>, `#graph-pruning`, `#vendoring`; cmd/go/internal/modload vendor.go

use super::module::{Module, Replacement, below, escaped};
use rustc_hash::FxHashMap;
use std::cmp::Ordering;
use std::path::{Path, PathBuf};

/// A module and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    pub path: String,
    /// Empty for main modules.
    pub version: String,
    /// `None`: it is not there.
    pub root: Option<PathBuf>,
}

/// What a program is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildList {
    modules: Vec<Selected>,
    /// The folder that all packages of other modules come from.
    vendor: Option<PathBuf>,
    /// Of a script that is no module's: the folder beside it where packages of other modules may be as well.
    beside: Option<PathBuf>,
    /// What keeps the program from being one.
    pub problem: Option<String>,
}

/// Where a package is.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Folder(PathBuf),
    /// No module has it.
    Nowhere,
    /// This module should have it, and is not in the module cache.
    Missing(Selected),
    /// There is a vendor folder, and it is not there.
    NotVendored,
}

impl BuildList {
    /// Where a package of one of the modules is.
    pub fn find(&self, path: &str, has_sources: impl Fn(&Path) -> bool) -> Found {
        if let Some(beside) = &self.beside
            && has_sources(&beside.join(path))
        {
            return Found::Folder(beside.join(path));
        }
        let mut candidates: Vec<_> = self
            .modules
            .iter()
            .filter_map(|module| Some((module, below(path, &module.path)?)))
            .collect();
        candidates.sort_by_key(|(module, _)| std::cmp::Reverse(module.path.len()));
        let mut missing = None;
        for (module, rest) in candidates {
            if self.vendor.is_some() && !module.version.is_empty() {
                continue;
            }
            match &module.root {
                Some(root) => {
                    let folder = root.join(rest);
                    if has_sources(&folder) {
                        return Found::Folder(folder);
                    }
                }
                None => missing = missing.or(Some(module)),
            }
        }
        if let Some(vendor) = &self.vendor {
            let folder = vendor.join(path);
            return match has_sources(&folder) {
                true => Found::Folder(folder),
                false => Found::NotVendored,
            };
        }
        match missing {
            Some(module) => Found::Missing(module.clone()),
            None => Found::Nowhere,
        }
    }

    /// The selected version of a module.
    pub fn selected(&self, path: &str) -> Option<&Selected> {
        self.modules.iter().find(|module| module.path == path)
    }
}

/// A `go.work` file.
#[derive(Default)]
struct Workspace {
    root: PathBuf,
    members: Vec<PathBuf>,
    replacements: Vec<(String, Option<String>, Replacement)>,
}

impl Workspace {
    /// The file of the nearest folder upward that has one, if it names the module in `root`: others are none of its business.
    fn containing(root: &Path) -> Option<Workspace> {
        let workspace = root.ancestors().find_map(|folder| {
            let text = std::fs::read_to_string(folder.join("go.work")).ok()?;
            let mut workspace = Workspace {
                root: folder.to_owned(),
                ..Workspace::default()
            };
            for words in super::module::directives(&text) {
                match (words[0].as_str(), &words[1..]) {
                    ("use", [member]) => {
                        let member = folder.join(member);
                        workspace
                            .members
                            .push(member.canonicalize().unwrap_or(member));
                    }
                    ("replace", rest) => workspace
                        .replacements
                        .extend(super::module::replacement(rest, folder)),
                    _ => {}
                }
            }
            Some(workspace)
        })?;
        let root = root.canonicalize().ok()?;
        workspace.members.contains(&root).then_some(workspace)
    }
}

/// The build list of a program of this module.
pub fn of(module: &Module) -> BuildList {
    let workspace = Workspace::containing(&module.root);
    let mut mains = vec![module.clone()];
    if let Some(workspace) = &workspace {
        for member in &workspace.members {
            if let Some(other) = Module::at(member, module.cache.as_deref())
                && other.path != module.path
            {
                mains.push(other);
            }
        }
    }
    let mut list = BuildList::default();
    let vendor_root = workspace.as_ref().map_or(&module.root, |w| &w.root);
    let vendor = vendor_root.join("vendor");
    let vendors = module.language >= 14 && !module.path.is_empty() && vendor.is_dir();
    if vendors {
        list.problem = inconsistent(&mains, workspace.as_ref(), vendor_root);
        list.vendor = Some(vendor);
    }
    list.beside = module.path.is_empty().then(|| module.root.join("vendor"));
    for main in mains.iter().filter(|main| !main.path.is_empty()) {
        list.modules.push(Selected {
            path: main.path.clone(),
            version: String::new(),
            root: Some(main.root.clone()),
        });
    }
    if vendors {
        return list;
    }
    let mut selector = Selector {
        mains: &mains,
        workspace: workspace.as_ref(),
        versions: FxHashMap::default(),
    };
    selector.run();
    let mut versions: Vec<(String, String)> = selector.versions.clone().into_iter().collect();
    versions.sort();
    for (path, version) in versions {
        let root = selector.root(&path, &version);
        list.modules.push(Selected {
            path,
            version,
            root,
        });
    }
    list
}

struct Selector<'a> {
    mains: &'a [Module],
    workspace: Option<&'a Workspace>,
    /// The highest version of each module so far.
    versions: FxHashMap<String, String>,
}

impl Selector<'_> {
    fn run(&mut self) {
        let pruned = self.mains.iter().all(|main| main.language >= 17);
        // Modules whose own requirements count, and whether those of what they require count only in turn.
        let mut work: Vec<(String, String)> = Vec::new();
        for main in self.mains {
            work.extend(main.requirements.iter().cloned());
        }
        let mut met = rustc_hash::FxHashSet::default();
        while let Some((path, version)) = work.pop() {
            let is_main = self.mains.iter().any(|main| main.path == path);
            if is_main || self.is_excluded(&path, &version) {
                continue;
            }
            self.require(&path, &version);
            if !met.insert((path.clone(), version.clone())) {
                continue;
            }
            let Some(module) = self.module(&path, &version) else {
                continue;
            };
            let own_only = pruned && module.language >= 17;
            for (path, version) in &module.requirements {
                if own_only {
                    let is_main = self.mains.iter().any(|main| main.path == *path);
                    if !is_main && !self.is_excluded(path, version) {
                        self.require(path, version);
                    }
                } else {
                    work.push((path.clone(), version.clone()));
                }
            }
        }
    }

    fn require(&mut self, path: &str, version: &str) {
        match self.versions.get_mut(path) {
            Some(known) if compare(known, version) == Ordering::Less => {
                version.clone_into(known);
            }
            Some(_) => {}
            None => {
                self.versions.insert(path.to_owned(), version.to_owned());
            }
        }
    }

    fn is_excluded(&self, path: &str, version: &str) -> bool {
        let is = |(p, v): &(String, String)| p == path && v == version;
        self.mains.iter().any(|main| main.exclusions.iter().any(is))
    }

    /// What stands in the place of a version: a line with the version counts before one without.
    fn replacement(&self, path: &str, version: &str) -> Option<&Replacement> {
        let all = || {
            let of_workspace = self.workspace.into_iter().flat_map(|w| &w.replacements);
            of_workspace.chain(self.mains.iter().flat_map(|main| &main.replacements))
        };
        let of = |wanted: Option<&str>| {
            all()
                .find(|(p, v, _)| p == path && v.as_deref() == wanted)
                .map(|(_, _, place)| place)
        };
        of(Some(version)).or_else(|| of(None))
    }

    fn root(&self, path: &str, version: &str) -> Option<PathBuf> {
        let cache = self.mains[0].cache.as_deref();
        match self.replacement(path, version) {
            Some(Replacement::Folder(folder, _)) => folder.is_dir().then(|| folder.clone()),
            Some(Replacement::Module(path, version)) => cached(cache?, path, version),
            None => cached(cache?, path, version),
        }
    }

    /// What a version says of itself. The cache may have its `go.mod` without the rest.
    fn module(&self, path: &str, version: &str) -> Option<Module> {
        if let Some(root) = self.root(path, version)
            && let Some(module) = Module::at(&root, None)
        {
            return Some(module);
        }
        let (path, version) = match self.replacement(path, version) {
            Some(Replacement::Folder(..)) => return None,
            Some(Replacement::Module(path, version)) => (path.as_str(), version.as_str()),
            None => (path, version),
        };
        let folder = self.mains[0].cache.as_deref()?.join("cache/download");
        let folder = folder.join(escaped(path)).join("@v");
        let text = std::fs::read_to_string(folder.join(format!("{}.mod", escaped(version))));
        Module::parse(&text.ok()?, &folder)
    }
}

/// The folder of a module in the module cache.
fn cached(cache: &Path, path: &str, version: &str) -> Option<PathBuf> {
    let folder = cache.join(format!("{}@{}", escaped(path), escaped(version)));
    folder.is_dir().then_some(folder)
}

/// What of `vendor/modules.txt` is not what `go.mod` says. GO: `checkVendorConsistency`
fn inconsistent(mains: &[Module], workspace: Option<&Workspace>, root: &Path) -> Option<String> {
    let text = std::fs::read_to_string(root.join("vendor/modules.txt")).unwrap_or_default();
    let listed = Listed::read(&text);
    let mut problems = String::new();
    let mut note = |path: &str, version: Option<&str>, what: &str| {
        let at = version.map_or(String::new(), |version| format!("@{version}"));
        problems.push_str(&format!("\n\t{path}{at}: {what}"));
    };
    for (path, version) in mains.iter().flat_map(|main| &main.requirements) {
        if !listed.explicit.contains(&(path.clone(), version.clone())) {
            note(
                path,
                Some(version),
                "is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt",
            );
        }
    }
    let of_mains = mains
        .iter()
        .flat_map(|main| main.replacements.iter().map(move |r| (r, "go.mod")));
    let of_workspace = workspace
        .into_iter()
        .flat_map(|w| w.replacements.iter().map(|r| (r, "go.work")));
    let replacements: Vec<_> = of_mains.chain(of_workspace).collect();
    for ((path, version, place), source) in &replacements {
        let wanted = place.shown();
        let found = listed
            .replaced
            .iter()
            .find(|(p, v, _)| p == path && v == version);
        match found {
            None => note(
                path,
                version.as_deref(),
                &format!(
                    "is replaced in {source}, but not marked as replaced in vendor/modules.txt"
                ),
            ),
            Some((_, _, place)) if *place != wanted => note(
                path,
                version.as_deref(),
                &format!(
                    "is replaced by {} in {source}, but marked as replaced by {} in vendor/modules.txt",
                    wanted.replace(' ', "@"),
                    place.replace(' ', "@")
                ),
            ),
            Some(_) => {}
        }
    }
    for (path, version) in &listed.explicit {
        let is = |(p, v): &(String, String)| p == path && v == version;
        if !mains.iter().any(|main| main.requirements.iter().any(is)) {
            let article = if workspace.is_some() { "a " } else { "" };
            note(
                path,
                Some(version),
                &format!(
                    "is marked as explicit in vendor/modules.txt, but not explicitly required in {article}go.mod"
                ),
            );
        }
    }
    for (path, version, _) in &listed.replaced {
        let is = |((p, v, _), _): &(&(String, Option<String>, Replacement), &str)| {
            p == path && (v.is_none() || v == version)
        };
        if !replacements.iter().any(is) {
            let source = match workspace {
                Some(_) => "the workspace",
                None => "go.mod",
            };
            note(
                path,
                version.as_deref(),
                &format!(
                    "is marked as replaced in vendor/modules.txt, but not replaced in {source}"
                ),
            );
        }
    }
    let verb = if workspace.is_some() { "work" } else { "mod" };
    (!problems.is_empty()).then(|| {
        format!(
            "inconsistent vendoring in {}:{problems}\n\n\tTo sync the vendor directory, run:\n\t\tgo {verb} vendor",
            root.display()
        )
    })
}

/// What `vendor/modules.txt` says.
#[derive(Default)]
struct Listed {
    explicit: Vec<(String, String)>,
    /// Paths, versions, and what stands in their place as it is written there.
    replaced: Vec<(String, Option<String>, String)>,
}

impl Listed {
    fn read(text: &str) -> Listed {
        let mut listed = Listed::default();
        let mut module: Option<(String, String)> = None;
        for line in text.lines() {
            if let Some(notes) = line.strip_prefix("## ") {
                if notes.split(';').any(|note| note.trim() == "explicit") {
                    listed.explicit.extend(module.clone());
                }
            } else if let Some(rest) = line.strip_prefix("# ") {
                let (what, place) = match rest.split_once(" => ") {
                    Some((what, place)) => (what, Some(place)),
                    None => (rest, None),
                };
                let (path, version) = match what.split_once(' ') {
                    Some((path, version)) => (path, Some(version.to_owned())),
                    None => (what, None),
                };
                if let Some(place) = place {
                    let place = place.trim().to_owned();
                    // A line without a version repeats what lines with one have said.
                    listed
                        .replaced
                        .push((path.to_owned(), version.clone(), place));
                }
                module = version.map(|version| (path.to_owned(), version));
            }
        }
        listed
    }
}

/// Compares versions: `v1.2.3`, perhaps with `-pre.release` and `+metadata`. SPEC: semver.org, 11.
pub fn compare(a: &str, b: &str) -> Ordering {
    let cut = |version: &'_ str| -> ([u64; 3], Option<String>) {
        let version = version.strip_prefix('v').unwrap_or(version);
        let version = version.split('+').next().unwrap_or(version);
        let (numbers, pre) = match version.split_once('-') {
            Some((numbers, pre)) => (numbers, Some(pre.to_owned())),
            None => (version, None),
        };
        let mut parts = numbers.split('.').map(|part| part.parse().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        ([next(), next(), next()], pre)
    };
    let ((x, pre_x), (y, pre_y)) = (cut(a), cut(b));
    x.cmp(&y).then_with(|| match (pre_x, pre_y) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(x), Some(y)) => compare_parts(&x, &y),
    })
}

fn compare_parts(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(x), Some(y)) => match (x.parse::<u64>(), y.parse::<u64>()) {
                (Ok(x), Ok(y)) => x.cmp(&y),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => x.cmp(y),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_semver_says() {
        let ordered = [
            "v0.1.0",
            "v0.9.9",
            "v0.10.0",
            "v1.0.0-alpha",
            "v1.0.0-alpha.1",
            "v1.0.0-alpha.beta",
            "v1.0.0-beta.2",
            "v1.0.0-beta.11",
            "v1.0.0-rc.1",
            "v1.0.0",
            "v2.0.0+incompatible",
        ];
        for (index, low) in ordered.iter().enumerate() {
            assert_eq!(compare(low, low), Ordering::Equal);
            for high in &ordered[index + 1..] {
                assert_eq!(compare(low, high), Ordering::Less, "{low} {high}");
                assert_eq!(compare(high, low), Ordering::Greater, "{low} {high}");
            }
        }
    }
}
