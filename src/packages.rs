//! Where the packages come from that are not the program's own: the standard library's, and those of a host.

use std::collections::BTreeMap;
use std::path::Path;

use checker::{Importer, PackageSource, SourceText};
use stdlib::outline::{self, Selection};

/// The packages that a host offers to its scripts, by import path: Go declarations, whose bodies may be Rust functions of the host.
#[derive(Clone, Debug, Default)]
pub struct HostPackages {
    packages: BTreeMap<String, Vec<SourceText>>,
}

impl HostPackages {
    /// Adds a file to a package.
    pub fn add(&mut self, path: &str, file: String, text: String) {
        let files = self.packages.entry(path.to_owned()).or_default();
        files.push(SourceText { name: file, text });
    }

    /// The packages below a folder, as `Golite::write_stubs` has written them.
    ///
    /// # Errors
    /// As the file system.
    pub fn read(folder: &Path) -> std::io::Result<HostPackages> {
        let mut packages = HostPackages::default();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            let mut entries: Vec<_> = std::fs::read_dir(&next)?.collect::<Result<Vec<_>, _>>()?;
            entries.sort_by_key(std::fs::DirEntry::file_name);
            for entry in entries {
                let path = entry.path();
                if entry.file_type()?.is_dir() {
                    folders.push(path);
                    continue;
                }
                let of_go = path.extension().is_some_and(|e| e == "go" || e == "gl");
                let own = next.strip_prefix(folder).unwrap_or(&next).to_string_lossy();
                if of_go && !own.is_empty() {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    packages.add(&own, name, std::fs::read_to_string(&path)?);
                }
            }
        }
        Ok(packages)
    }

    /// Whether there is such a package.
    pub fn contains(&self, path: &str) -> bool {
        self.packages.contains_key(path)
    }

    /// Import paths, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.packages.keys().map(String::as_str)
    }

    /// The files of a package.
    pub fn files(&self, path: &str) -> &[SourceText] {
        self.packages.get(path).map_or(&[], Vec::as_slice)
    }
}

/// The standard packages, whole or cut down to what a program can need, and the host's.
pub struct StandardPackages<'h> {
    selection: Option<Selection>,
    host: Option<&'h HostPackages>,
}

impl<'h> StandardPackages<'h> {
    /// For a program that imports `imports` and in whose own files the names `names` stand; `reflects`: that may find methods by reflection,
    /// whatever the names say.
    pub fn for_program<'a>(
        imports: impl IntoIterator<Item = &'a str>,
        names: impl IntoIterator<Item = &'a str>,
        reflects: bool,
        host: Option<&'h HostPackages>,
    ) -> StandardPackages<'h> {
        StandardPackages {
            selection: Some(outline::select(imports, names, reflects)),
            host,
        }
    }

    /// Do they have all exported methods of the types that they declare?
    pub fn have_exported_methods(&self) -> bool {
        self.selection.as_ref().is_none_or(Selection::reflects)
    }

    /// With all that they declare.
    pub fn whole(host: Option<&'h HostPackages>) -> StandardPackages<'h> {
        StandardPackages {
            selection: None,
            host,
        }
    }
}

impl Importer for StandardPackages<'_> {
    fn importable(&self) -> Vec<String> {
        match self.selection {
            Some(_) => Vec::new(),
            None => {
                let host = self.host.into_iter().flat_map(HostPackages::paths);
                host.chain(outline::packages()).map(str::to_owned).collect()
            }
        }
    }

    fn source(&mut self, path: &str) -> Option<PackageSource> {
        if let Some(host) = self.host.filter(|host| host.contains(path)) {
            return Some(PackageSource {
                files: host.files(path).to_vec(),
                standard: true,
            });
        }
        if !outline::is_standard(path) {
            return None;
        }
        let files: Vec<(&str, String)> = match &self.selection {
            Some(selection) => selection.files(path),
            None => outline::files(path)
                .into_iter()
                .map(|(name, text)| (name, text.to_string()))
                .collect(),
        };
        let files = files
            .into_iter()
            .map(|(name, text)| SourceText {
                name: name.to_string(),
                text,
            })
            .collect();
        Some(PackageSource {
            files,
            standard: true,
        })
    }
}
