//! Places as editors count them: lines from 0, characters in UTF-16; files by URI.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The byte offset of a position; of one that is not there, the nearest before it.
pub fn offset_at(text: &str, position: &Value) -> usize {
    let line = position["line"].as_u64().unwrap_or(0);
    let character = position["character"].as_u64().unwrap_or(0);
    let mut start = 0;
    for _ in 0..line {
        match text[start..].find('\n') {
            Some(end) => start += end + 1,
            None => return text.len(),
        }
    }
    let end = text[start..]
        .find('\n')
        .map_or(text.len(), |end| start + end);
    let mut units = 0;
    for (at, c) in text[start..end].char_indices() {
        if units >= character {
            return start + at;
        }
        units += c.len_utf16() as u64;
    }
    end
}

/// The position of a byte offset.
pub fn position_at(text: &str, offset: usize) -> Value {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count();
    let character: usize = before[start..].chars().map(char::len_utf16).sum();
    json!({"line": line, "character": character})
}

/// The canonical path of a file's URI.
pub fn path_of(uri: &str) -> Option<PathBuf> {
    let path = uri.strip_prefix("file://")?;
    let mut bytes = Vec::new();
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    let path = PathBuf::from(String::from_utf8(bytes).ok()?);
    // A file that is not written yet has a folder that is.
    Some(path.canonicalize().unwrap_or_else(|_| {
        let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
        match (folder, path.file_name()) {
            (Some(folder), Some(name)) => folder.join(name),
            _ => path.clone(),
        }
    }))
}

/// The URI of a file.
pub fn uri_of(path: &Path) -> String {
    let mut uri = "file://".to_owned();
    for byte in path.display().to_string().bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                uri.push(char::from(byte));
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_in_utf16() {
        let text = "a\né𝄞b\n";
        for (offset, line, character) in [(0, 0, 0), (2, 1, 0), (4, 1, 1), (8, 1, 3), (10, 2, 0)] {
            let position = json!({"line": line, "character": character});
            assert_eq!(position_at(text, offset), position);
            assert_eq!(offset_at(text, &position), offset);
        }
        assert_eq!(
            offset_at(text, &json!({"line": 9, "character": 0})),
            text.len()
        );
        assert_eq!(
            path_of(&uri_of(Path::new("/no/a b%é.gl"))),
            Some("/no/a b%é.gl".into())
        );
    }
}
