//! The public names of the embedding face, in `tests/embed_api.txt`, so that a change of them is seen. With `BLESS=1` the file is written anew.

use std::fmt::Write as _;
use std::path::Path;

/// Heads of public items: from `pub` to the brace, the semicolon or the end of a field.
fn public_items(text: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut lines = text.lines().peekable();
    let mut hidden = false;
    while let Some(line) = lines.next() {
        let line = line.trim();
        if line == "#[doc(hidden)]" {
            hidden = true;
            continue;
        }
        let public = [
            "pub fn ",
            "pub struct ",
            "pub enum ",
            "pub trait ",
            "pub type ",
            "pub const ",
            "pub mod ",
            "pub use ",
        ];
        if !public.iter().any(|head| line.starts_with(head)) {
            hidden &= line.starts_with("#[") || line.starts_with("///");
            continue;
        }
        let mut item = line.to_owned();
        while !item.contains(['{', ';']) || item.starts_with("pub use ") && !item.contains(';') {
            let Some(more) = lines.next() else { break };
            let _ = write!(item, " {}", more.trim());
        }
        if !std::mem::take(&mut hidden) {
            let end = match item.starts_with("pub use ") {
                true => item.find(';'),
                false => item.find(['{', ';']),
            };
            items.push(item[..end.unwrap_or(item.len())].trim().to_owned());
        }
    }
    items
}

#[test]
fn public_names_are_those_of_the_list() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = std::fs::read_dir(root.join("src/embed"))
        .expect("the folder of the embedding face")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.sort();
    let mut found = String::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source file");
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let _ = writeln!(found, "{name}");
        for item in public_items(&text) {
            let _ = writeln!(found, "    {item}");
        }
    }
    let list = root.join("tests/embed_api.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&list, &found).expect("the list can be written");
    }
    let wanted = std::fs::read_to_string(&list).unwrap_or_default();
    assert!(
        found == wanted,
        "the public names have changed (BLESS=1 writes them down):\n{found}"
    );
}
