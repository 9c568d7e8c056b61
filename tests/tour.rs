//! docs/tour.md, walked: its files are written, its commands run, and they print what stands there.
//!
//! A line that ends in `` `NAME`: `` names the file that the next block is; blocks of `console` are commands behind `$ ` with what they print. A
//! line of three dots stands for any number of lines.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use xtask::suite;

const GOLITE: &str = env!("CARGO_BIN_EXE_golite");

#[test]
fn the_tour_can_be_walked() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tour.md");
    let page = fs::read_to_string(page).expect("it is there");
    let folder = std::env::temp_dir().join(format!("golite-tour-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder can be made");
    let (mut commands, mut wrong) = (0, String::new());
    let mut file = None;
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line
            .strip_prefix('`')
            .and_then(|line| line.strip_suffix("`:"))
        {
            file = Some(name.to_owned());
        }
        let Some(language) = line.strip_prefix("```") else {
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match language {
            "go" => {
                let path = folder.join(file.take().expect("a file has a name"));
                fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
                fs::write(&path, block.join("\n") + "\n").expect("it can be written");
            }
            "console" => {
                let mut at = 0;
                while at < block.len() {
                    let command = block[at].strip_prefix("$ ").expect("a command");
                    let rest = &block[at + 1..];
                    let length = rest
                        .iter()
                        .take_while(|line| !line.starts_with("$ "))
                        .count();
                    let printed = run(command, &folder);
                    if !fits(&printed, &rest[..length]) {
                        wrong.push_str(&format!("$ {command}\n{printed}\n"));
                    }
                    commands += 1;
                    at += 1 + length;
                }
            }
            _ => {}
        }
    }
    let _ = fs::remove_dir_all(&folder);
    assert!(wrong.is_empty(), "{wrong}");
    assert!(commands > 15, "{commands} commands");
}

/// What a command prints, to wherever.
fn run(command: &str, folder: &Path) -> String {
    let golite = Path::new(GOLITE)
        .parent()
        .expect("it is in a folder")
        .display();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("{{ {command}\n}} 2>&1")])
        .env("PATH", format!("{golite}:{path}"))
        .current_dir(folder);
    let outcome = suite::run(&mut shell, Vec::new(), Duration::from_secs(60)).expect("sh is there");
    String::from_utf8_lossy(&outcome.stdout).into_owned()
}

fn fits(printed: &str, wanted: &[&str]) -> bool {
    let printed: Vec<&str> = printed.lines().collect();
    match wanted.iter().position(|line| *line == "...") {
        Some(dots) => printed.len() >= dots && printed[..dots] == wanted[..dots],
        None => printed == wanted,
    }
}
