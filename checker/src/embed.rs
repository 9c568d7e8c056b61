//! `//go:embed` lines: which variables begin with the contents of files.
//!
//! The files have been found and read; here it is decided what a line may stand before. What is wrong is said only when nothing
//! else is, in two rounds, as in Go: first lines that stand at the wrong place, then types that cannot take files.
//!
//! GO: cmd/compile/internal/noder `checkEmbed`, cmd/compile/internal/staticdata `WriteEmbed`.

use diagnostics::{Code, TextRange};
use parser::ast::{Embed, EmbedTarget, File, Interner};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

use crate::checker::Checker;
use crate::importer::LoadedPackage;
use crate::typed::{Embedding, TypedProgram};
use crate::types::{BasicKind, ObjectId, PackageId, Type, TypeId};

const PACKAGE: &str = "embed";
/// The function of the package that makes an `embed.FS`.
const ASSEMBLY: &str = "assemble";

/// What the variables take.
enum Kind {
    String,
    Bytes,
    Files,
}

/// The contents of the files that a package embeds, and which patterns mean them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Embedded {
    /// Names, relative to the package's folder and with slashes, and contents.
    pub files: Vec<(String, Vec<u8>)>,
    /// By pattern, indices into `files`.
    pub patterns: FxHashMap<String, Vec<usize>>,
}

impl Checker<'_> {
    /// Looks at all lines of a package, whose objects have been checked.
    pub(crate) fn check_embeds(&mut self, id: PackageId, loaded: &LoadedPackage) {
        for file in &loaded.files {
            // The lines that stand before one declaration, by the place of its first name.
            let mut targets: BTreeMap<u32, (EmbedTarget, Vec<&Embed>)> = BTreeMap::new();
            for embed in &file.embeds {
                match embed.target {
                    None => self.late_error(embed.range, "misplaced go:embed directive"),
                    Some(target) => {
                        let at = target.spec.range.start;
                        let entry = targets.entry(at).or_insert((target, Vec::new()));
                        entry.1.push(embed);
                    }
                }
            }
            for (target, embeds) in targets.into_values() {
                let imported = file.script.is_some() || self.imports_embed(file);
                match problem(&target, imported, self.ast.list(target.spec.names).len()) {
                    Some(problem) => self.late_error(embeds[0].range, problem),
                    None => self.embed(
                        id,
                        file.script.is_some(),
                        &target,
                        &embeds,
                        &loaded.embedded,
                    ),
                }
            }
        }
    }

    fn late_error(&mut self, range: TextRange, message: &'static str) {
        self.late_errors
            .push((Code::InvalidDirective, range, message.to_owned()));
    }

    fn imports_embed(&self, file: &File) -> bool {
        let mut imports = file.imports.iter();
        imports.any(|import| self.ast.string_value(import.path) == PACKAGE.as_bytes())
    }

    fn embed(
        &mut self,
        id: PackageId,
        in_script: bool,
        target: &EmbedTarget,
        embeds: &[&Embed],
        embedded: &Embedded,
    ) {
        let Some(&name) = self.ast.list(target.spec.names).first() else {
            return;
        };
        let Some(object) = self.program.object_of(name) else {
            return;
        };
        let typ = self.object(object).typ;
        let range = self.range(name);
        let Some(kind) = self.embedding_kind(typ) else {
            let message = format!(
                "go:embed cannot apply to var of type {}",
                self.type_text(typ)
            );
            self.embedding_errors.push((range, message));
            return;
        };
        let patterns = embeds.iter().flat_map(|embed| &embed.patterns);
        // A line that the loader did not see stands in a file that does not import the package.
        let numbers = patterns.filter_map(|pattern| embedded.patterns.get(&pattern.pattern));
        let files: BTreeSet<usize> = numbers.flatten().copied().collect();
        let embedding = match kind {
            Kind::Files => {
                self.reach_assembly();
                Embedding::Files(assembled(&files, embedded))
            }
            Kind::String | Kind::Bytes => {
                if files.len() > 1 {
                    let message = format!(
                        "invalid go:embed: multiple files for type {}",
                        self.type_text(typ)
                    );
                    self.embedding_errors.push((range, message));
                    return;
                }
                let content = files.first().map(|&file| embedded.files[file].1.clone());
                let content = content.unwrap_or_default();
                match kind {
                    Kind::String => Embedding::String(content),
                    _ => Embedding::Bytes(content),
                }
            }
        };
        if !in_script && !self.object(object).name.is_blank() {
            self.program.packages[id.index()].embeds.push(object);
        }
        self.program.embeddings.insert(object, embedding);
    }

    fn embedding_kind(&self, typ: TypeId) -> Option<Kind> {
        let types = &self.program.types;
        if let Some(named) = types.named(typ) {
            let object = self.object(named.object);
            let package = object.package.map(|id| self.program.package(id));
            if package.is_some_and(|package| package.path == PACKAGE)
                && self.names.text(object.name) == "FS"
            {
                return Some(Kind::Files);
            }
        }
        match types.underlying(typ) {
            Type::Basic(basic) if basic.is_string() => Some(Kind::String),
            Type::Slice(element) => {
                let element = types.underlying(*element);
                matches!(element, Type::Basic(BasicKind::Uint8)).then_some(Kind::Bytes)
            }
            _ => None,
        }
    }

    /// The function that makes an `embed.FS` is called by what the compiler adds.
    fn reach_assembly(&mut self) {
        if let Some(assembly) = assembly(&self.program, self.names) {
            self.declare_object(assembly);
            self.reach(assembly);
        }
    }
}

/// The function that makes an `embed.FS` of [`Embedding::Files`]; there in every program that has such an embedding.
pub fn assembly(program: &TypedProgram, names: &Interner) -> Option<ObjectId> {
    let mut packages = program.packages.iter();
    let package = packages.find(|package| package.path == PACKAGE)?;
    package.scope.get(&names.find(ASSEMBLY)?).copied()
}

/// Names that a program with `//go:embed` lines needs though they do not stand in it.
pub const NAMES: [&str; 2] = [ASSEMBLY, "FS"];

/// Why a line cannot stand before these variables.
fn problem(target: &EmbedTarget, imported: bool, names: usize) -> Option<&'static str> {
    let spec = &target.spec;
    if !imported {
        Some("go:embed requires import \"embed\" (or import _ \"embed\", if package is not used)")
    } else if names > 1 {
        Some("go:embed cannot apply to multiple vars")
    } else if !spec.values.is_empty() {
        Some("go:embed cannot apply to var with initializer")
    } else if target.local {
        Some("go:embed cannot apply to var inside func")
    } else {
        None
    }
}

/// The files and the folders around them, in the order in which `embed.FS` looks for them: by folder, then by name. Of
/// each the length of its name and of its content, eight bytes each, then both. The name of a folder ends with a slash.
fn assembled(files: &BTreeSet<usize>, embedded: &Embedded) -> Vec<u8> {
    let mut entries: BTreeMap<(&str, &str), (String, &[u8])> = BTreeMap::new();
    let split = |name: &'_ str| name.rfind('/');
    for &number in files {
        let (name, content) = &embedded.files[number];
        let mut name = name.as_str();
        let mut entry = (name.to_owned(), content.as_slice());
        loop {
            let (folder, element) = match split(name) {
                Some(at) => (&name[..at], &name[at + 1..]),
                None => (".", name),
            };
            if entries.insert((folder, element), entry).is_some() || folder == "." {
                break;
            }
            name = folder;
            entry = (format!("{folder}/"), &[]);
        }
    }
    let mut out = Vec::new();
    for (name, content) in entries.into_values() {
        for length in [name.len(), content.len()] {
            out.extend((length as u64).to_le_bytes());
        }
        out.extend(name.as_bytes());
        out.extend(content);
    }
    out
}
