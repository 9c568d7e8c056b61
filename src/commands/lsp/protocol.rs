//! Messages: a head with their length, an empty line, an object of JSON.

use serde_json::Value;
use std::io::{self, BufRead, Read, Write};
use std::sync::mpsc::Sender;

/// The longest message that is taken in.
const LONGEST: usize = 1 << 28;

/// A request (with an id) or a notification.
pub struct Message {
    pub id: Option<Value>,
    pub method: String,
    pub params: Value,
}

/// Reads messages until there are no more. What is no message ends it.
pub fn read_all(sender: &Sender<Message>) {
    let mut input = io::stdin().lock();
    while let Some(mut value) = read(&mut input) {
        let id = value.get("id").cloned().filter(|id| !id.is_null());
        // Answers to what the server asks have no method; it asks nothing.
        let Some(method) = value["method"].as_str().map(str::to_owned) else {
            continue;
        };
        let params = value["params"].take();
        if sender.send(Message { id, method, params }).is_err() {
            return;
        }
    }
}

fn read(input: &mut impl BufRead) -> Option<Value> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse::<usize>().ok();
        }
    }
    let length = length.filter(|&length| length <= LONGEST)?;
    let mut body = Vec::new();
    input.take(length as u64).read_to_end(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

/// Writes a message. An editor that went away is noticed when there is nothing more to read.
pub fn write(message: &Value) {
    let body = message.to_string();
    let mut out = io::stdout().lock();
    let _ = write!(out, "Content-Length: {}\r\n\r\n{body}", body.len());
    let _ = out.flush();
}
