//! What users are told by the compiler when a signature is wrong: the programs in `tests/embed_errors/`, each with the compiler's words beside it.
//! With `BLESS=1` these are written anew.
//!
//! The programs are compiled against the library that this test was built with. (Rejected: crate trybuild, which builds the whole workspace a
//! second time.) What the compiler lists of its own accord, such as other types that implement a trait, is left out of the comparison.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of what cargo has built, and the newest library of this name in it.
fn library() -> (PathBuf, PathBuf) {
    let own = std::env::current_exe().expect("a test is a file");
    let folder = own.parent().expect("it lies in a folder").to_owned();
    let mut found: Vec<_> = std::fs::read_dir(&folder)
        .expect("a readable folder")
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            let is_library = name.starts_with("libgolite-") && name.ends_with(".rlib");
            Some((
                is_library.then_some(())?,
                entry.metadata().ok()?.modified().ok()?,
                entry.path(),
            ))
        })
        .collect();
    found.sort();
    let (_, _, newest) = found.pop().expect("the library was built before its tests");
    (folder, newest)
}

/// What matters of the compiler's words: headings, notes and the places that they point to.
fn essence(words: &str) -> String {
    let mut kept = String::new();
    let mut listing = false;
    for line in words.lines() {
        if line
            .trim_start()
            .starts_with("= help: the following other types")
            || line.starts_with("help: the following other types")
            || line.starts_with("help: the trait")
        {
            listing = true;
            continue;
        }
        let begins = [
            "error", "warning", "note", "help", "   = ", "  = ", " --> ", "  --> ",
        ];
        if listing && !begins.iter().any(|head| line.starts_with(head)) && !line.contains("= note:")
        {
            continue;
        }
        listing = false;
        // Places in the library move with it.
        let is_ours = !line.trim_start().starts_with("-->") || line.contains("tests/embed_errors");
        if ["error", "   = note", "  = note"]
            .iter()
            .any(|head| line.starts_with(head))
            || line.trim_start().starts_with("-->") && is_ours
        {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

#[test]
fn the_compiler_says_what_is_wrong() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (folder, library) = library();
    let mut programs: Vec<_> = std::fs::read_dir(root.join("tests/embed_errors"))
        .expect("the folder of the programs")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    programs.sort();
    assert!(programs.len() >= 10);
    let mut wrong = String::new();
    for program in programs {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let out = folder.join(format!("embed-errors-{}", std::process::id()));
        let compiled = Command::new(rustc)
            .current_dir(root)
            .args([
                "--edition",
                "2024",
                "--crate-type",
                "bin",
                "--emit",
                "metadata",
                "--color",
                "never",
            ])
            .arg("-o")
            .arg(&out)
            .arg("--extern")
            .arg(format!("golite={}", library.display()))
            .arg("-L")
            .arg(format!("dependency={}", folder.display()))
            .arg(program.strip_prefix(root).expect("a file of ours"))
            .output()
            .expect("rustc can be run");
        let _ = std::fs::remove_file(&out);
        let words = essence(&String::from_utf8_lossy(&compiled.stderr));
        let beside = program.with_extension("stderr");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&beside, &words).expect("the words can be written");
        }
        let wanted = std::fs::read_to_string(&beside).unwrap_or_default();
        if compiled.status.success() || words != wanted {
            wrong.push_str(&format!("{}:\n{words}\n", program.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "the compiler says something else (BLESS=1 writes it down):\n{wrong}"
    );
}
