//! `golite run --trace FILE` and `golite trace view FILE`: timelines of runs.

use golite::timeline;
use std::io;
use std::process::ExitCode;

/// Writes the timeline of a run.
///
/// # Errors
/// As the file.
pub fn write(file: &str, trace: &runtime::RecordedTrace) -> io::Result<()> {
    std::fs::write(file, timeline::chrome_json(trace))
}

/// Makes `FILE.html` of the timeline in `file`.
pub fn view(file: &str) -> ExitCode {
    let made = std::fs::read_to_string(file).and_then(|text| {
        let page = timeline::page(&text)
            .ok_or_else(|| io::Error::other("no timeline of `golite run --trace`"))?;
        let target = format!("{file}.html");
        std::fs::write(&target, page)?;
        Ok(target)
    });
    match made {
        Ok(target) => super::print(&format!("{target}\n")),
        Err(error) => {
            eprintln!("golite: trace: {file}: {error}");
            ExitCode::FAILURE
        }
    }
}
