//! `golite build`: a program as one executable, and how such an executable starts.
//!
//! ```text
//! executable = golite's own executable, its slot filled in, and the program's image
//! ```
//!
//! 1. `build` checks and compiles as `run` does, copies the file that this process was started from, appends the program's image
//!    ([`bytecode::image`]), and writes where it begins and how long it is into the copy's [`SLOT`].
//! 2. Whenever golite starts it looks at its slot ([`appended`]): one word of memory. If it is filled in it is that program and nothing else:
//!    all arguments are the program's, none is looked at here.
//! 3. The image is checked as any other before it is run; of a file that was cut or damaged nothing is run.
//!
//! Rejected: a mark at the end of the file, which every start of golite would have to read, and without which what is left of a cut
//! executable would take its arguments for golite's.

use super::run::{self, execute};
use super::{ERROR_LIMIT, load_and_check_named, report};
use crate::arguments::Settings;
use bytecode::image;
use golite::pipeline;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What begins the slot, each byte with its highest bit set: so that it stands in the executable only once.
const HIDDEN_MARK: [u8; 16] = *b"\xe7\xef\xec\xe9\xf4\xe5\x80\xf0\xf2\xef\xe7\xf2\xe1\xed\xba\x80";

/// In the executable of a program: where its image begins in the file, and how long it is. The mark, and two numbers.
#[used]
static SLOT: [u8; 32] = *b"golite\0program:\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// Writes the program that `name` names as an executable.
pub fn build(name: &str, output: Option<&str>, settings: Settings) -> ExitCode {
    let options = pipeline::program_options();
    let mut checked = match load_and_check_named(name, options, settings) {
        Ok(checked) => checked,
        Err(failure) => return failure,
    };
    let program = pipeline::compile(&mut checked).ok();
    report(&checked, settings, Some(ERROR_LIMIT));
    let Some(program) = program else {
        return ExitCode::FAILURE;
    };
    let image = image::to_bytes(&program, &checked.sources);
    let output = match output_path(name, output) {
        Ok(output) => output,
        Err(error) => {
            eprintln!("golite: build: {error}");
            return ExitCode::FAILURE;
        }
    };
    match write(&image, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("golite: build: {}: {error}", output.display());
            ExitCode::FAILURE
        }
    }
}

/// Where the executable is to be: what `-o` says, within it if that is a folder; else named after the program, in the current folder.
fn output_path(program: &str, output: Option<&str>) -> Result<PathBuf, String> {
    let named = || -> Result<PathBuf, String> {
        let path = fs::canonicalize(program).map_err(|error| format!("{program}: {error}"))?;
        let name = match path.is_dir() {
            true => path.file_name(),
            false => path.file_stem(),
        };
        let name = name.ok_or_else(|| format!("{program} has no name; give one with -o NAME"))?;
        Ok(PathBuf::from(name))
    };
    let Some(output) = output else {
        if program == "-" {
            return Err("a program from standard input has no name; give one with -o NAME".into());
        }
        let path = named()?;
        return match path.is_dir() {
            true => Err(format!(
                "output {} is a folder; give a name with -o NAME",
                path.display()
            )),
            false => Ok(path),
        };
    };
    let path = PathBuf::from(output);
    match path.is_dir() || output.ends_with('/') {
        true => Ok(path.join(named()?)),
        false => Ok(path),
    }
}

/// Writes beside the output first: what is there stays whole if the disk is full, and an executable that is running is not changed.
fn write(image: &[u8], output: &Path) -> io::Result<()> {
    let mut golite = Vec::new();
    own_file()?.read_to_end(&mut golite)?;
    let mark = HIDDEN_MARK.map(|byte| std::hint::black_box(byte) & 0x7f);
    let mut found = memchr::memmem::find_iter(&golite, &mark);
    let (Some(slot), None) = (found.next(), found.next()) else {
        return Err(io::Error::other(
            "this golite's own file is not as it was made",
        ));
    };
    let numbers = slot + mark.len();
    let begins = golite.len() as u64;
    golite[numbers..numbers + 8].copy_from_slice(&begins.to_le_bytes());
    golite[numbers + 8..numbers + 16].copy_from_slice(&(image.len() as u64).to_le_bytes());
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = output.with_file_name(name);
    let written = (|| {
        let mut file = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o755)
            .open(&part)?;
        file.write_all(&golite)?;
        file.write_all(image)?;
        drop(file);
        fs::rename(&part, output)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

/// The file that this process was started from.
fn own_file() -> io::Result<File> {
    File::open("/proc/self/exe").or_else(|_| File::open(std::env::current_exe()?))
}

/// If golite's own file has a program in it: runs that, and ends as it ends.
pub fn appended() -> Option<ExitCode> {
    let slot = std::hint::black_box(&SLOT);
    let number = |at: usize| {
        let mut number = [0; 8];
        number.copy_from_slice(&slot[at..at + 8]);
        u64::from_le_bytes(number)
    };
    let (begins, size) = (number(16), number(24));
    if begins == 0 {
        return None;
    }
    let image = own_file().and_then(|mut file| read(&mut file, begins, size));
    let words: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let (name, arguments) = match words.split_first() {
        Some((name, arguments)) => (name.as_str(), arguments),
        None => ("", &[][..]),
    };
    let program = image
        .map_err(|error| error.to_string())
        .and_then(|bytes| image::from_bytes(&bytes).map_err(|error| error.to_string()));
    Some(match program {
        Ok((program, sources)) => execute(sources, program, name, arguments, Settings::default()),
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::from(run::REFUSED)
        }
    })
}

fn read(file: &mut File, start: u64, size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let wanted = usize::try_from(size).map_err(|_| io::ErrorKind::OutOfMemory)?;
    bytes
        .try_reserve_exact(wanted)
        .map_err(|_| io::ErrorKind::OutOfMemory)?;
    file.seek(SeekFrom::Start(start))?;
    file.take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}
