//! Sessions of `golite repl`.
//!
//! `tests/repl/lines/*.txt` are read from standard input: lines that begin with `> ` are what is typed, the others what comes out, standard
//! output and error together. Numbers of goroutines and addresses are written `N` and `0xN`.
//!
//! `tests/repl/terminal/*.txt` run in a pseudo-terminal, whose screen is kept as a terminal would show it. A line is one step:
//!
//! ```text
//! type TEXT      types the text, then Enter
//! keys TEXT      types the text; \r, \t, \x03 and such are keys
//! see TEXT       the screen shows the text, within seconds
//! not TEXT       it does not
//! row A | B      a row with A stands above a row with B, and B's is the last that shows B
//! soon MS TEXT   as `see`, within so many milliseconds
//! exit N         the session ends with this status
//! ```

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const GOLITE: &str = env!("CARGO_BIN_EXE_golite");

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/repl")
        .join(folder);
    let entries = std::fs::read_dir(&folder).expect("the folder is there");
    let mut files: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    files.sort();
    let filter = std::env::var("GOLITE_REPL_TEST").unwrap_or_default();
    files.retain(|file| file.to_string_lossy().contains(&filter));
    files
}

/// What differs from run to run.
fn normalized(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        for (head, digits) in [("goroutine ", 10), ("0x", 16)] {
            if let Some(tail) = rest.strip_prefix(head) {
                let number = tail
                    .find(|c: char| !c.is_digit(digits))
                    .unwrap_or(tail.len());
                if number > 0 {
                    out.push_str(head);
                    out.push('N');
                    rest = &tail[number..];
                }
            }
        }
        let Some(next) = rest.chars().next() else {
            break;
        };
        out.push(next);
        rest = &rest[next.len_utf8()..];
    }
    out
}

#[test]
fn lines_of_standard_input() {
    let mut wrong = String::new();
    for file in files("lines") {
        let text = std::fs::read_to_string(&file).expect("a text");
        let mut typed = String::new();
        let mut expected = String::new();
        for line in text.lines() {
            let target = match line.strip_prefix('>') {
                Some(_) => &mut typed,
                None => &mut expected,
            };
            let line = line
                .strip_prefix("> ")
                .or(line.strip_prefix('>'))
                .unwrap_or(line);
            target.push_str(line);
            target.push('\n');
        }
        // One pipe for both streams, so that what comes out stands in its order.
        let command = format!("exec {GOLITE:?} repl 2>&1");
        let mut child = Command::new("sh")
            .args(["-c", &command])
            .env_remove("GOTRACEBACK")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("golite starts");
        let mut input = child.stdin.take().expect("it has an input");
        let writer = std::thread::spawn(move || {
            // A session may end before its input does.
            let _ = input.write_all(typed.as_bytes());
        });
        let output = child.wait_with_output().expect("it ends");
        writer.join().expect("writing");
        let shown = normalized(&String::from_utf8_lossy(&output.stdout));
        if shown != normalized(&expected) {
            wrong.push_str(&format!(
                "{}\n--- expected\n{expected}--- but it says\n{shown}\n",
                file.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

const ROWS: usize = 40;
const COLUMNS: usize = 100;

/// What a terminal shows, as far as line editors need one.
struct Screen {
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
    escape: String,
    bytes: Vec<u8>,
    /// All that came, with its colours.
    raw: String,
}

impl Screen {
    fn new() -> Screen {
        Screen {
            rows: vec![Vec::new(); ROWS],
            row: 0,
            column: 0,
            escape: String::new(),
            bytes: Vec::new(),
            raw: String::new(),
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let text = match std::str::from_utf8(&self.bytes) {
            Ok(text) => text.to_owned(),
            // The rest of a character is still to come.
            Err(_) => return,
        };
        self.bytes.clear();
        self.raw.push_str(&text);
        for c in text.chars() {
            self.character(c);
        }
    }

    fn character(&mut self, c: char) {
        if !self.escape.is_empty() {
            self.escape.push(c);
            if self.escape.len() > 2 && ('@'..='~').contains(&c) || self.escape == "\x1b7" {
                let sequence = std::mem::take(&mut self.escape);
                self.control(&sequence);
            }
            return;
        }
        match c {
            '\x1b' => self.escape.push(c),
            '\r' => self.column = 0,
            '\n' => self.line_feed(),
            '\x08' => self.column = self.column.saturating_sub(1),
            '\x07' => {}
            c => {
                if self.column == COLUMNS {
                    self.column = 0;
                    self.line_feed();
                }
                let row = &mut self.rows[self.row];
                while row.len() <= self.column {
                    row.push(' ');
                }
                row[self.column] = c;
                self.column += 1;
            }
        }
    }

    fn line_feed(&mut self) {
        if self.row + 1 < ROWS {
            self.row += 1;
        } else {
            self.rows.remove(0);
            self.rows.push(Vec::new());
        }
    }

    fn control(&mut self, sequence: &str) {
        let kind = sequence.chars().last().unwrap_or('m');
        let number = sequence[2..sequence.len() - 1].parse::<usize>().ok();
        let count = number.unwrap_or(1).max(1);
        match kind {
            'A' => self.row = self.row.saturating_sub(count),
            'B' => self.row = (self.row + count).min(ROWS - 1),
            'C' => self.column = (self.column + count).min(COLUMNS),
            'D' => self.column = self.column.saturating_sub(count),
            'G' => self.column = count - 1,
            'H' => (self.row, self.column) = (0, 0),
            'K' => self.rows[self.row].truncate(self.column),
            'J' => {
                if number == Some(2) {
                    self.rows = vec![Vec::new(); ROWS];
                    return;
                }
                self.rows[self.row].truncate(self.column);
                for row in &mut self.rows[self.row + 1..] {
                    row.clear();
                }
            }
            _ => {}
        }
    }

    fn text(&self) -> String {
        let rows = self.rows.iter().map(|row| row.iter().collect::<String>());
        let text = rows.collect::<Vec<_>>().join("\n");
        text.trim_end().to_owned()
    }
}

/// A golite in a pseudo-terminal.
struct Terminal {
    child: Child,
    keys: File,
    screen: Arc<Mutex<Screen>>,
}

impl Terminal {
    fn start(home: &Path) -> Terminal {
        Terminal::start_with(home, Some("1"))
    }

    /// With this value of `NO_COLOR`.
    fn start_with(home: &Path, no_color: Option<&str>) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let name = ptsname(&master, Vec::new()).expect("a name");
        let path = Path::new(OsStr::from_bytes(name.to_bytes()));
        let slave = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .expect("the other end");
        tcsetwinsize(
            &slave,
            Winsize {
                ws_row: ROWS as u16,
                ws_col: COLUMNS as u16,
                ws_xpixel: 0,
                ws_ypixel: 0,
            },
        )
        .expect("a size");
        let stream = || Stdio::from(slave.try_clone().expect("a copy"));
        // The terminal is to send signals.
        let mut command = Command::new("setsid");
        match no_color {
            Some(value) => command.env("NO_COLOR", value),
            None => command.env_remove("NO_COLOR"),
        };
        let child = command
            .args(["--ctty", "--wait", GOLITE])
            .env("TERM", "xterm")
            .env("XDG_STATE_HOME", home)
            .env_remove("GOTRACEBACK")
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .expect("golite starts");
        let screen = Arc::new(Mutex::new(Screen::new()));
        let shown = screen.clone();
        let master: OwnedFd = master;
        let mut output = File::from(master.try_clone().expect("a copy"));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = output.read(&mut bytes) {
                if count == 0 {
                    break;
                }
                shown.lock().expect("a screen").feed(&bytes[..count]);
            }
        });
        Terminal {
            child,
            keys: File::from(master),
            screen,
        }
    }

    fn screen(&self) -> String {
        self.screen.lock().expect("a screen").text()
    }

    /// Presses keys, and waits until that shows.
    fn press(&mut self, keys: &str) {
        let before = self.screen();
        self.keys.write_all(keys.as_bytes()).expect("keys");
        self.until(Duration::from_secs(2), |screen| screen != before);
    }

    /// Waits until the screen is as it should be.
    fn until(&self, time: Duration, wanted: impl Fn(&str) -> bool) -> bool {
        let begin = Instant::now();
        loop {
            if wanted(&self.screen()) {
                return true;
            }
            if begin.elapsed() > time {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for a fresh prompt, as people do; where none comes, something runs or a text is not complete.
    fn ready(&self) {
        let is_fresh = |screen: &str| screen.lines().last().is_some_and(|row| row.trim() == ">");
        self.until(Duration::from_millis(400), is_fresh);
    }

    /// Does one step of a script; what is wrong, if it fails.
    fn step(&mut self, step: &str) -> Result<(), String> {
        let (verb, text) = step.split_once(' ').unwrap_or((step, ""));
        let patience = Duration::from_secs(60);
        if matches!(verb, "type" | "keys") {
            self.ready();
        }
        let fine = match verb {
            "type" => {
                self.press(&format!("{text}\r"));
                true
            }
            "keys" => {
                self.press(&unescaped(text));
                true
            }
            "see" => self.until(patience, |screen| screen.contains(text)),
            "soon" => {
                let (time, text) = text.split_once(' ').unwrap_or((text, ""));
                let time = Duration::from_millis(time.parse().expect("a number"));
                self.until(time, |screen| screen.contains(text))
            }
            "not" => !self.screen().contains(text),
            "row" => {
                let (above, below) = text.split_once(" | ").unwrap_or((text, ""));
                self.until(patience, |screen| {
                    let rows: Vec<&str> = screen.lines().collect();
                    let place = |wanted: &str| rows.iter().rposition(|row| row.contains(wanted));
                    place(above).zip(place(below)).is_some_and(|(a, b)| a < b)
                })
            }
            "exit" => {
                let wanted: i32 = text.parse().expect("a status");
                let begin = Instant::now();
                loop {
                    if let Ok(Some(status)) = self.child.try_wait() {
                        break status.code() == Some(wanted);
                    }
                    if begin.elapsed() > patience {
                        break false;
                    }
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            other => panic!("no step {other}"),
        };
        match fine {
            true => Ok(()),
            false => Err(format!("{step}\n--- the screen\n{}\n", self.screen())),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match characters.next() {
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('x') => {
                let digits: String = characters.by_ref().take(2).collect();
                let code = u8::from_str_radix(&digits, 16).expect("two digits");
                out.push(code as char);
            }
            other => out.extend(other),
        }
    }
    out
}

/// The conversation of docs/tour.md, typed: its blocks of `repl` are one session. Behind each line everything that stands below it shows.
#[test]
fn the_conversation_of_the_tour() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tour.md");
    let page = std::fs::read_to_string(page).expect("it is there");
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("repl-tour");
    let _ = std::fs::remove_dir_all(&home);
    let mut terminal = Terminal::start(&home);
    let patience = Duration::from_secs(60);
    let is_fresh = |screen: &str| screen.lines().last().is_some_and(|row| row.trim() == ">");
    let mut block = false;
    let mut typed = 0;
    for line in page.lines() {
        if line.starts_with("```") {
            block = line == "```repl";
            continue;
        }
        if !block {
            continue;
        }
        let fine = match line.strip_prefix("> ") {
            Some(text) => {
                typed += 1;
                let ready = terminal.until(patience, is_fresh);
                terminal.press(&format!("{text}\r"));
                ready
            }
            None => terminal.until(patience, |screen| {
                screen.lines().any(|row| row.trim_end() == line)
            }),
        };
        assert!(fine, "{line}\n--- the screen\n{}", terminal.screen());
    }
    assert!(typed > 10, "{typed} lines");
    terminal.step("exit 0").expect("it ends");
}

#[test]
fn terminals() {
    let mut wrong = String::new();
    for file in files("terminal") {
        let name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("repl-{name}"));
        let _ = std::fs::remove_dir_all(&home);
        let text = std::fs::read_to_string(&file).expect("a text");
        // A line of dashes ends one session; the next has the same history.
        for session in text.split("\n----\n") {
            let mut terminal = Terminal::start(&home);
            let steps = session
                .lines()
                .filter(|line| !line.is_empty() && !line.starts_with('#'));
            for step in std::iter::once("see > ").chain(steps) {
                let step = if step == "see > " { "see >" } else { step };
                if let Err(problem) = terminal.step(step) {
                    wrong.push_str(&format!("{}: {problem}\n", file.display()));
                    break;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// An evaluation that Ctrl-C stops is over within 20 ms. The machine may be busy with others: one of many counts, of each kind.
#[test]
fn an_interrupted_evaluation_is_over_soon() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("repl-soon");
    let _ = std::fs::remove_dir_all(&home);
    let mut terminal = Terminal::start(&home);
    for (prepared, runs) in [
        ("n := 0", "for { n++ }"),
        ("func f() { for i := 0; ; i++ { fmt.Sprint(i) } }", "f()"),
        ("n = 1", "time.Sleep(time.Hour)"),
        (
            "mu := new(sync.Mutex); mu.Lock(); go func() { time.Sleep(time.Hour); mu.Unlock() }()",
            "mu.Lock()",
        ),
    ] {
        terminal.step(&format!("type {prepared}")).expect("it runs");
        let mut fastest = Duration::MAX;
        for _ in 0..50 {
            terminal.step("keys \\x0c").expect("an empty screen");
            terminal.step(&format!("type {runs}")).expect("it runs");
            // It is under way when the line has left the prompt.
            std::thread::sleep(Duration::from_millis(50));
            let begin = Instant::now();
            terminal.keys.write_all(b"\x03").expect("keys");
            let is_told = terminal.until(Duration::from_secs(60), |screen| {
                screen.contains("interrupted")
            });
            assert!(is_told, "{runs}: {}", terminal.screen());
            fastest = fastest.min(begin.elapsed());
            if fastest <= Duration::from_millis(20) {
                break;
            }
        }
        assert!(
            fastest <= Duration::from_millis(20),
            "{runs}: at best after {fastest:?}"
        );
    }
}

#[test]
fn what_is_typed_has_colours_unless_they_are_not_wanted() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("repl-colours");
    let _ = std::fs::remove_dir_all(&home);
    for (no_color, is_coloured) in [(None, true), (Some("1"), false)] {
        let mut terminal = Terminal::start_with(&home, no_color);
        terminal
            .step("keys func f() string { return \"red\" } // why")
            .expect("it is typed");
        terminal.step("see // why").expect("it shows");
        let screen = terminal.screen.lock().expect("a screen");
        for coloured in ["\x1b[1;34mfunc\x1b[0m", "\x1b[32m\"red\"\x1b[0m"] {
            assert_eq!(screen.raw.contains(coloured), is_coloured, "{coloured:?}");
        }
    }
}

/// The number of the goroutine that a row of the screen tells of.
fn number_before(screen: &str, state: &str) -> Option<u64> {
    let row = screen.lines().find(|row| row.contains(state))?;
    let word = row.split("goroutine ").nth(1).unwrap_or(row);
    word.split_whitespace().next()?.parse().ok()
}

#[test]
fn goroutines_are_looked_at_and_ended_by_their_numbers() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("repl-kill");
    let _ = std::fs::remove_dir_all(&home);
    let mut terminal = Terminal::start(&home);
    for (waits, state) in [
        ("<-make(chan int)", "[chan receive]"),
        ("mu.Lock()", "[sync.Mutex.Lock]"),
        ("wg.Wait()", "[sync.WaitGroup.Wait]"),
        ("time.Sleep(time.Hour)", "[sleep]"),
    ] {
        for step in [
            "keys \\x0c",
            "type var mu sync.Mutex; mu.Lock(); var wg sync.WaitGroup; wg.Add(1)",
            &format!("type go func() {{ defer fmt.Println(\"it was\", \"ended\"); {waits} }}()"),
        ] {
            terminal
                .step(step)
                .unwrap_or_else(|wrong| panic!("{wrong}"));
        }
        // It may take a moment until it waits.
        let is_seen = (0..100).any(|_| {
            terminal.step("keys \\x0c").expect("an empty screen");
            terminal.step("type :goroutines").expect("it is typed");
            terminal.until(Duration::from_millis(500), |screen| screen.contains(state))
        });
        assert!(is_seen, "{state}: {}", terminal.screen());
        let number = number_before(&terminal.screen(), state).expect("a number");
        for step in [
            "keys \\x0c".to_owned(),
            format!("type :stack {number}"),
            "see main.main.func1".to_owned(),
            format!("type :kill {number}"),
            "see it was ended".to_owned(),
            "keys \\x0c".to_owned(),
            format!("type :stack {number}"),
            format!("see no goroutine {number}"),
        ] {
            terminal
                .step(&step)
                .unwrap_or_else(|wrong| panic!("{wrong}"));
        }
    }
}
