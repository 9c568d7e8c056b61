//! A file that starts the test program again, as the executable that `go test` builds does.
//!
//! Tests of commands start themselves: `exec.Command(os.Args[0], "-test.run=TestHelper")`. A golite test program is no file of its own, so it
//! gets one: a link to golite in a temporary folder, with the words that describe the program ([`super::program::words`]) in a file
//! beside it. When golite is started by such a link ([`started_again`]), it is that program, whatever its arguments look like.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the file of words has behind the link's name.
const WORDS: &str = ".words";

/// The link, which is there for as long as this value.
pub struct Executable {
    folder: PathBuf,
    pub path: PathBuf,
}

impl Executable {
    /// A link to this golite by the name `package`.test. `words` gets its path.
    pub fn new(package: &str, words: &mut Vec<String>) -> io::Result<Executable> {
        let folder = unused_folder()?;
        let base = package.rsplit('/').next().unwrap_or(package);
        let path = folder.join(format!("{base}.test"));
        let executable = Executable { folder, path };
        let here = std::env::current_dir()?;
        // Behind the word that chooses the command.
        words.splice(
            1..1,
            [
                "executable".to_owned(),
                executable.path.display().to_string(),
                "here".to_owned(),
                here.display().to_string(),
            ],
        );
        std::os::unix::fs::symlink(std::env::current_exe()?, &executable.path)?;
        std::fs::write(words_of(&executable.path), words[1..].join("\0"))?;
        Ok(executable)
    }
}

impl Drop for Executable {
    fn drop(&mut self) {
        // A folder that cannot be removed stays for whoever cleans the temporary folder.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn unused_folder() -> io::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt;
    let temporary = std::env::temp_dir();
    for number in 0..10_000 {
        let folder = temporary.join(format!("golite-test-{}-{number}", std::process::id()));
        match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn words_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(WORDS);
    PathBuf::from(name)
}

/// Is this process started by the link of a test program? Then runs that program.
pub fn started_again() -> Option<ExitCode> {
    let mut arguments = std::env::args_os();
    let name = arguments.next()?;
    let path = Path::new(&name);
    if path.extension()? != "test" {
        return None;
    }
    let words = std::fs::read_to_string(words_of(path)).ok()?;
    let mut words: Vec<String> = words.split('\0').map(str::to_owned).collect();
    words.extend([
        "again".to_owned(),
        name.to_string_lossy().into_owned(),
        "--".to_owned(),
    ]);
    words.extend(arguments.map(|word| word.to_string_lossy().into_owned()));
    Some(super::program::run(&words))
}
