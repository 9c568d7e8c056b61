//! Programs are compiled once: the next run of the same texts by the same golite reads the program from the user's cache.
//!
//! A program that prints a line is some two thousand lines of the library, one that uses package net/http ten thousand; to parse, check and
//! compile them takes five times as long and more as to read what came of it: 7 KB and 400 KB.
//!
//! 1. A program's own packages are found and parsed as ever. All that the program then depends on is its *key*: their texts and names, what
//!    their imports lead to, what the compiler is told, and the executable of golite, which holds the standard packages.
//! 2. The file named after the key's hash, if there is one, begins with the whole key; after it comes the program's image
//!    ([`bytecode::image`]), which is checked before it is run. With another key, or damaged, it does not count.
//! 3. A program that had to be compiled and had nothing wrong with it, not even a warning, is written beside and renamed. What cannot be
//!    written is not kept, without a word.
//! 4. Of too many files those go that were read or written longest ago. Whether there are too many is looked at once in a while.
//!
//! An image is code, and is trusted as such: only files count that belong to the user and that nobody else may write.
//!
//! Rejected: bytecode of the library in the executable (what a program contains of a generic function, a method table or an interface
//! depends on the whole program), and compiling functions when they are first called (most of what a program reaches is called at once;
//! what takes the time is that so much is reached).

use bytecode::Program;
use bytecode::image;
use diagnostics::SourceMap;
use golite::loader::Loaded;
use rustc_hash::FxHasher;
use std::fs::{self, DirBuilder, File, Metadata};
use std::hash::Hasher;
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How many programs are kept, and how many remain when there are more.
const MOST: usize = 256;
const REMAINING: usize = 192;

/// After one program in so many that are written, by their hashes, the files are counted.
const COUNTED: u64 = 16;

/// When a file is read, that is noted if it was not within this time.
const NOTED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Where a program's bytecode is, or may be put.
pub struct Place {
    file: PathBuf,
    hash: u64,
    key: Vec<u8>,
}

/// The place of a program that was loaded; none if programs are not to be kept, or this one cannot be: with embedded files, or wrong.
pub fn place(loaded: &Loaded, options: compiler::Options) -> Option<Place> {
    let embeds = loaded
        .packages
        .iter()
        .any(|package| !package.embedded.patterns.is_empty());
    if !loaded.is_checkable() || !loaded.syntax.is_empty() || embeds {
        return None;
    }
    let folder = folder()?;
    let key = key(loaded, options).ok()?;
    let mut hasher = FxHasher::default();
    hasher.write(&key);
    let hash = hasher.finish();
    let file = folder.join(format!("{hash:016x}"));
    Some(Place { file, hash, key })
}

/// `GOLITE_CACHE` names a folder, or is `off`. XDG Base Directory Specification: what belongs to a user and may be lost at any time.
fn folder() -> Option<PathBuf> {
    let variable = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let absolute = |path: &PathBuf| path.is_absolute();
    if let Some(own) = variable("GOLITE_CACHE") {
        return Some(own).filter(absolute);
    }
    let cache = variable("XDG_CACHE_HOME").filter(absolute);
    let cache = cache.or_else(|| Some(variable("HOME").filter(absolute)?.join(".cache")))?;
    Some(cache.join("golite/programs"))
}

/// All that the outcome of checking and compiling depends on.
fn key(loaded: &Loaded, options: compiler::Options) -> io::Result<Vec<u8>> {
    let own = fs::metadata("/proc/self/exe").or_else(|_| fs::metadata(std::env::current_exe()?))?;
    let mut key = Vec::new();
    let mut add = |bytes: &[u8]| {
        key.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        key.extend_from_slice(bytes);
    };
    add(env!("CARGO_PKG_VERSION").as_bytes());
    add(format!("{options:?}").as_bytes());
    for number in [own.dev(), own.ino(), own.size()] {
        add(&number.to_le_bytes());
    }
    for number in [own.mtime(), own.mtime_nsec(), own.ctime(), own.ctime_nsec()] {
        add(&number.to_le_bytes());
    }
    for (_, file) in loaded.sources.files() {
        add(file.name().as_bytes());
        add(file.text().as_bytes());
    }
    for path in &loaded.standard {
        add(path.as_bytes());
    }
    for package in &loaded.packages {
        add(package.path.as_bytes());
        let files: Vec<_> = package.files.iter().map(|file| file.file).collect();
        let mut imports: Vec<_> = package.imports.iter().collect();
        imports.sort_by_key(|(range, _)| (range.file, range.start));
        let mut versions: Vec<_> = package.versions.iter().collect();
        versions.sort_by_key(|(file, _)| **file);
        add(format!("{files:?} {imports:?} {versions:?}").as_bytes());
        for (name, path) in &package.implicit {
            add(loaded.names.text(*name).as_bytes());
            add(path.as_bytes());
        }
    }
    Ok(key)
}

impl Place {
    /// The program, if it is there.
    pub fn read(&self) -> Option<(Program, SourceMap)> {
        let mut file = File::open(&self.file).ok()?;
        let about = file.metadata().ok()?;
        if !is_own(&about) {
            return None;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        let image = bytes.strip_prefix(self.key.as_slice())?;
        let found = image::from_bytes(image).ok()?;
        let now = SystemTime::now();
        let noted = about.modified().is_ok_and(|noted| now < noted + NOTED_FOR);
        if !noted {
            let _ = file.set_modified(now);
        }
        Some(found)
    }

    /// Keeps a program, where that can be done.
    pub fn keep(&self, program: &Program, sources: &SourceMap) {
        // The program runs all the same.
        let _ = self.write(program, sources);
    }

    fn write(&self, program: &Program, sources: &SourceMap) -> io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("/"));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let part = self
            .file
            .with_extension(format!("{}.part", std::process::id()));
        let written = (|| {
            let mut file = File::options()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&part)?;
            file.write_all(&self.key)?;
            file.write_all(&image::to_bytes(program, sources))?;
            fs::rename(&part, &self.file)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&part);
            return written;
        }
        if self.hash.is_multiple_of(COUNTED) {
            remove_oldest(folder)?;
        }
        Ok(())
    }
}

/// Has nobody else written it, and may nobody?
fn is_own(about: &Metadata) -> bool {
    about.is_file()
        && about.uid() == rustix::process::geteuid().as_raw()
        && about.mode() & 0o022 == 0
}

fn remove_oldest(folder: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    if files.len() > MOST {
        files.sort_unstable();
        let surplus = files.len() - REMAINING;
        for (_, path) in &files[..surplus] {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
