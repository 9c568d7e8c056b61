//! `golite explain`: the page of a diagnostic code.

use super::print;
use crate::arguments::nearest;
use diagnostics::Code;
use std::process::ExitCode;

/// Prints the page of a code, or the list of all codes.
pub fn explain(code: Option<&str>) -> ExitCode {
    let Some(wanted) = code else {
        let rows = Code::ALL
            .iter()
            .map(|code| format!("{code}  {}\n", code.title()));
        return print(&rows.collect::<String>());
    };
    // As messages show it, too: error[E0202].
    let name = wanted.trim_start_matches("error").trim_matches(['[', ']']);
    match Code::find(name) {
        Some(code) => print(code.page()),
        None => {
            let near = nearest(name, Code::ALL.iter().map(|code| code.as_str()));
            let hint = near.map_or(String::new(), |near| format!(", did you mean {near}?"));
            eprintln!("golite: explain: no code {wanted:?}{hint} (golite explain lists them)");
            ExitCode::from(2)
        }
    }
}
