//! Which standard packages a script means that it does not import.
//!
//! `strings.Repeat` in a script is a member of package `strings` unless the script declares or imports something of that name. Where
//! several packages have one name, the first of the row below is meant that declares all that the script takes from it.

use crate::packages::HostPackages;
use parser::ast::{Ast, Expr, ExprId, File, Interner, Symbol};
use std::collections::BTreeMap;
use stdlib::outline;

/// Names that several packages have, in the order of preference. `docs/language.md` has the same table.
const SHARED_NAMES: &[(&str, &[&str])] = &[
    ("rand", &["math/rand/v2", "math/rand", "crypto/rand"]),
    ("template", &["text/template", "html/template"]),
];

/// The packages that a script mentions and does not import: names and paths.
pub fn packages(
    ast: &Ast,
    names: &Interner,
    file: &File,
    host: Option<&HostPackages>,
) -> Vec<(Symbol, String)> {
    packages_from(ast, names, file, 0, host)
}

/// As [`packages`], of a file whose expressions have numbers from `first` on.
pub fn packages_from(
    ast: &Ast,
    names: &Interner,
    file: &File,
    first: usize,
    host: Option<&HostPackages>,
) -> Vec<(Symbol, String)> {
    let imported: Vec<String> =
        file.imports
            .iter()
            .map(
                |import| match import.name.and_then(|name| ast.ident(name)) {
                    Some(name) => names.text(name).to_owned(),
                    None => package_name(&String::from_utf8_lossy(ast.string_value(import.path)))
                        .to_owned(),
                },
            )
            .collect();
    // The members that the script takes from each name.
    let mut mentioned: BTreeMap<Symbol, Vec<&str>> = BTreeMap::new();
    for index in first..ast.expr_count() {
        let Expr::Selector { operand, name } = *ast.expr(ExprId::from_index(index)) else {
            continue;
        };
        let (Some(package), Some(member)) = (ast.ident(operand), ast.ident(name)) else {
            continue;
        };
        if ast.range(operand).file == file.file {
            mentioned
                .entry(package)
                .or_default()
                .push(names.text(member));
        }
    }
    let packages = mentioned.into_iter().filter_map(|(name, members)| {
        let text = names.text(name);
        if imported.iter().any(|imported| imported == text) {
            return None;
        }
        // What the host offers goes before what everybody has.
        let of_host = host.and_then(|host| host.paths().find(|path| package_name(path) == text));
        let path = match of_host {
            Some(path) => path,
            None => path_of(text, &members)?,
        };
        Some((name, path.to_owned()))
    });
    packages.collect()
}

/// The import path that a name stands for.
fn path_of(name: &str, members: &[&str]) -> Option<&'static str> {
    let candidates: Vec<&'static str> =
        match SHARED_NAMES.iter().find(|(shared, _)| *shared == name) {
            Some((_, paths)) => paths
                .iter()
                .copied()
                .filter(|path| outline::is_standard(path))
                .collect(),
            None => outline::packages()
                .into_iter()
                .filter(|path| package_name(path) == name && !is_internal(path))
                .collect(),
        };
    let fitting = candidates
        .iter()
        .find(|path| members.iter().all(|member| outline::declares(path, member)));
    fitting.or(candidates.first()).copied()
}

/// The names of packages that need no import.
pub fn package_names() -> impl Iterator<Item = &'static str> {
    outline::packages()
        .into_iter()
        .filter(|path| !is_internal(path))
        .map(package_name)
}

/// The import path that a name stands for, whatever is taken from the package.
pub fn path_named(name: &str) -> Option<&'static str> {
    path_of(name, &[])
}

/// The name of a standard package: the last element of its path that is no version.
fn package_name(path: &str) -> &str {
    let mut elements = path.rsplit('/');
    let last = elements.next().unwrap_or(path);
    let is_version = last
        .strip_prefix('v')
        .is_some_and(|number| number.parse::<u32>().is_ok());
    if is_version {
        elements.next().unwrap_or(last)
    } else {
        last
    }
}

/// The standard package that an import path which leads nowhere may mean: written otherwise, or only its name.
pub fn similar(path: &str) -> Option<&'static str> {
    let lower = path.to_ascii_lowercase();
    let known = |other: &str| {
        outline::packages()
            .into_iter()
            .find(|package| *package == other && !is_internal(package))
    };
    known(&lower)
        .or_else(|| path_of(&lower, &[]))
        .or_else(|| known(&format!("{lower}s")))
        .or_else(|| known(lower.strip_suffix('s')?))
        .or_else(|| known(&format!("{lower}p")))
        .filter(|other| *other != path)
}

/// Is it a path that only its neighbours may import?
pub fn is_internal(path: &str) -> bool {
    path.split('/').any(|element| element == "internal")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_name_means_the_first_package_that_fits() {
        assert_eq!(path_of("rand", &["IntN"]), Some("math/rand/v2"));
        assert_eq!(path_of("rand", &["Intn", "Seed"]), Some("math/rand"));
        assert_eq!(path_of("rand", &["Nonsense"]), Some("math/rand/v2"));
    }

    #[test]
    fn names_that_are_not_in_the_table_mean_one_package() {
        for path in outline::packages()
            .into_iter()
            .filter(|path| !is_internal(path))
        {
            let name = package_name(path);
            let same = outline::packages()
                .into_iter()
                .filter(|other| package_name(other) == name && !is_internal(other))
                .count();
            let in_table = SHARED_NAMES
                .iter()
                .any(|(shared, paths)| *shared == name && paths.contains(&path));
            assert!(
                same == 1 || in_table,
                "{path} is not the only package with its name: which one do scripts mean?"
            );
        }
    }
}
