//! The page that shows a profile as a flame graph, with everything it needs inside.

use super::Profile;
use serde_json::json;

/// A page of HTML that shows the profile. `None`: there is no place for it in the template.
#[must_use]
pub fn page(profile: &Profile, title: &str) -> Option<String> {
    let frames: Vec<_> = profile
        .frames
        .iter()
        .map(|frame| json!([frame.function, frame.file, frame.line]))
        .collect();
    let samples: Vec<_> = profile
        .samples
        .iter()
        .map(|sample| json!([sample.stack, sample.values]))
        .collect();
    let data = json!({
        "title": title,
        "types": profile.types,
        "shown": profile.main_value(),
        "frames": frames,
        "samples": samples,
    });
    let (head, tail) = include_str!("page.html").split_once("PROFILE_IS_HERE")?;
    // Names must not end the script element.
    let data = data.to_string().replace('<', "\\u003c");
    Some(format!("{head}{data}{tail}"))
}
