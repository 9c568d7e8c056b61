//! Where standard packages come from.

use checker::{Importer, PackageSource, SourceText};
use stdlib::outline::{self, Selection};

/// The standard packages, whole or cut down to what a program can need.
pub struct StandardPackages {
    selection: Option<Selection>,
}

impl StandardPackages {
    /// For a program that imports `imports` and in whose own files the names `names` stand.
    pub fn for_program<'a>(
        imports: impl IntoIterator<Item = &'a str>,
        names: impl IntoIterator<Item = &'a str>,
    ) -> StandardPackages {
        StandardPackages {
            selection: Some(outline::select(imports, names)),
        }
    }

    /// With all that they declare.
    pub fn whole() -> StandardPackages {
        StandardPackages { selection: None }
    }
}

impl Importer for StandardPackages {
    fn importable(&self) -> Vec<String> {
        match self.selection {
            Some(_) => Vec::new(),
            None => outline::packages().into_iter().map(str::to_owned).collect(),
        }
    }

    fn source(&mut self, path: &str) -> Option<PackageSource> {
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
