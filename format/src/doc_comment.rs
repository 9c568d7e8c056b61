//! Doc comments in their canonical form: headings, lists, code and link definitions, as Go's documentation understands them.
//!
//! The comment's text is cut into spans of lines ([`spans`]), each span becomes a [`Block`], and the blocks are written anew. What
//! stands inside a paragraph stays as it is, but for quotes written as two characters.
//!
//! GO: go/printer/comment.go, go/doc/comment/parse.go, go/doc/comment/print.go

use crate::source::{Comment, Group};
use rustc_hash::FxHashMap;
use std::borrow::Cow;

/// The canonical form of a doc comment, which may be no comment at all.
pub(crate) fn format<'t>(group: &Group<'t>) -> Group<'t> {
    let first = &group[0];
    let start = first.start;
    let mut directives = Vec::new();
    let is_block = group.len() == 1 && first.text.starts_with("/*");
    let text = if is_block {
        if !first.text.contains('\n') || has_column_of_stars(&first.text) {
            return group.clone();
        }
        first.text[2..first.text.len() - 2].to_owned()
    } else {
        let mut text = String::new();
        for comment in group {
            let Some(line) = comment.text.strip_prefix("//") else {
                return group.clone();
            };
            if is_directive(line) {
                directives.push(comment.clone());
                continue;
            }
            text.push_str(line.strip_prefix(' ').unwrap_or(line));
            text.push('\n');
        }
        text
    };
    if text.is_empty() {
        return group.clone();
    }
    let text = reformat(&text);
    let comment = |text: String| Comment {
        start,
        text: Cow::Owned(text),
    };
    if is_block {
        return vec![comment(format!("/*\n{text}*/"))];
    }
    let mut lines: Group<'t> = text
        .split_terminator('\n')
        .map(|line| match line.as_bytes().first() {
            None => comment("//".to_owned()),
            Some(b'\t') => comment(format!("//{line}")),
            Some(_) => comment(format!("// {line}")),
        })
        .collect();
    if !directives.is_empty() {
        lines.push(comment("//".to_owned()));
        for directive in directives {
            lines.push(Comment { start, ..directive });
        }
    }
    lines
}

/// Whether a line, without its slashes, is for tools rather than for readers.
fn is_directive(line: &str) -> bool {
    if ["line ", "extern ", "export "]
        .iter()
        .any(|word| line.starts_with(word))
    {
        return true;
    }
    let Some((tool, rest)) = line.split_once(':') else {
        return false;
    };
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !tool.is_empty() && tool.bytes().all(is_plain) && rest.bytes().next().is_some_and(is_plain)
}

/// Whether every line of a `/* */` comment begins with a star.
fn has_column_of_stars(text: &str) -> bool {
    text.split('\n')
        .skip(1)
        .all(|line| line.trim_start_matches([' ', '\t']).starts_with('*'))
}

/// A part of a doc comment.
pub(crate) enum Block {
    Paragraph(String),
    Heading(String),
    Code(String),
    List(List),
}

pub(crate) struct List {
    pub(crate) items: Vec<Item>,
    blank_before: bool,
    blank_between: bool,
}

pub(crate) struct Item {
    /// Empty for a bullet.
    pub(crate) number: String,
    pub(crate) paragraphs: Vec<String>,
}

impl List {
    pub(crate) fn is_loose(&self) -> bool {
        self.blank_between || self.items.iter().any(|item| item.paragraphs.len() != 1)
    }
}

/// `[text]: url`
pub(crate) struct Definition {
    pub(crate) text: String,
    pub(crate) url: String,
    pub(crate) is_used: bool,
}

#[derive(Default)]
pub(crate) struct Definitions {
    pub(crate) all: Vec<Definition>,
    /// The first of each text.
    pub(crate) by_text: FxHashMap<String, usize>,
}

impl Definitions {
    /// The paragraph of some lines, unless all are definitions, which are noted.
    fn paragraph(&mut self, lines: &[&str]) -> Option<String> {
        let definitions: Option<Vec<Definition>> =
            lines.iter().map(|line| parse_definition(line)).collect();
        let Some(definitions) = definitions else {
            return Some(lines.join("\n"));
        };
        for definition in definitions {
            self.by_text
                .entry(definition.text.clone())
                .or_insert(self.all.len());
            self.all.push(definition);
        }
        None
    }
}

fn parse_definition(line: &str) -> Option<Definition> {
    let (text, rest) = line.strip_prefix('[')?.split_once("]:")?;
    if rest.len() < 2 || !is_indented(rest) {
        return None;
    }
    let url = rest[1..].trim();
    let (scheme, _) = url.split_once("://")?;
    is_scheme(scheme).then(|| Definition {
        text: text.to_owned(),
        url: url.to_owned(),
        is_used: false,
    })
}

/// The parts of a comment's text, and the links that it defines.
pub(crate) fn blocks(text: &str) -> (Vec<Block>, Definitions) {
    let lines: Vec<&str> = text.split('\n').collect();
    let lines = unindent(&lines);
    let mut definitions = Definitions::default();
    let mut blocks = Vec::new();
    let mut previous_end = 0;
    for span in spans(&lines) {
        let part = &lines[span.start..span.end];
        let block = match span.kind {
            Kind::List => Some(Block::List(list(
                part,
                previous_end < span.start,
                &mut definitions,
            ))),
            Kind::Code => {
                let mut code = unindent(part).join("\n");
                code.push('\n');
                Some(Block::Code(code))
            }
            Kind::OldHeading => Some(Block::Heading(part[0].trim().to_owned())),
            Kind::Heading => Some(Block::Heading(part[0][1..].trim().to_owned())),
            Kind::Paragraph => definitions.paragraph(part).map(Block::Paragraph),
        };
        blocks.extend(block);
        previous_end = span.end;
    }
    (blocks, definitions)
}

impl Block {
    /// Does an empty line stand before it, if it is not the first?
    pub(crate) fn is_blank_before(&self) -> bool {
        match self {
            Block::List(list) => list.blank_before || list.is_loose(),
            _ => true,
        }
    }
}

fn reformat(text: &str) -> String {
    let (blocks, mut definitions) = blocks(text);
    let mut out = String::with_capacity(text.len());
    for (index, block) in blocks.iter().enumerate() {
        if index > 0 && block.is_blank_before() {
            out.push('\n');
        }
        write_block(&mut out, block, &mut definitions);
    }
    for is_used in [true, false] {
        let mut is_first = true;
        for definition in &definitions.all {
            if definition.is_used != is_used {
                continue;
            }
            if std::mem::take(&mut is_first) {
                out.push('\n');
            }
            out.push_str(&format!("[{}]: {}\n", definition.text, definition.url));
        }
    }
    out
}

fn write_block(out: &mut String, block: &Block, definitions: &mut Definitions) {
    match block {
        Block::Paragraph(text) => {
            out.push_str(&linked_text(text, definitions));
            out.push('\n');
        }
        // The text of a heading is taken as it is.
        Block::Heading(text) => {
            out.push_str("# ");
            out.push_str(text);
            out.push('\n');
        }
        Block::Code(text) => {
            for line in text.split_terminator('\n') {
                if !line.is_empty() {
                    out.push('\t');
                    out.push_str(line);
                }
                out.push('\n');
            }
        }
        Block::List(list) => {
            let is_loose = list.is_loose();
            for (index, item) in list.items.iter().enumerate() {
                if index > 0 && is_loose {
                    out.push('\n');
                }
                if item.number.is_empty() {
                    out.push_str("  - ");
                } else {
                    out.push_str(&format!(" {}. ", item.number));
                }
                for (index, paragraph) in item.paragraphs.iter().enumerate() {
                    if index > 0 {
                        out.push_str("\n    ");
                    }
                    out.push_str(&linked_text(paragraph, definitions).replace('\n', "\n    "));
                    out.push('\n');
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Code,
    Heading,
    List,
    OldHeading,
    Paragraph,
}

/// Lines that are a block.
struct Span {
    start: usize,
    end: usize,
    kind: Kind,
}

/// Cuts lines into spans: an indented run is a list or code, another run a paragraph or heading.
///
/// Two forms of text without an empty line before its indented part are understood: the last lines of a paragraph that are list
/// items whose continuation is indented, and one that ends in `{` or `\` before indented code, belong to what follows.
fn spans(lines: &[&str]) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut at = 0;
    // Lines before this one count as indented.
    let mut forced = 0;
    loop {
        while at < lines.len() && lines[at].is_empty() {
            at += 1;
        }
        if at >= lines.len() {
            return spans;
        }
        let start = at;
        let mut end;
        let kind;
        if at < forced || is_indented(lines[at]) {
            let mut unindented_list = is_list_item(lines[at]) && at < forced;
            at += 1;
            while at < lines.len()
                && (lines[at].is_empty()
                    || at < forced
                    || is_indented(lines[at])
                    || unindented_list && is_list_item(lines[at]))
            {
                unindented_list &= !lines[at].is_empty();
                at += 1;
            }
            end = at;
            while end > start && lines[end - 1].is_empty() {
                end -= 1;
            }
            // The brace that closes indented code.
            if end < lines.len() && lines[end].starts_with('}') {
                end += 1;
            }
            kind = if is_list_item(lines[start]) {
                Kind::List
            } else {
                Kind::Code
            };
        } else {
            at += 1;
            while at < lines.len() && !lines[at].is_empty() && !is_indented(lines[at]) {
                at += 1;
            }
            end = at;
            if at < lines.len() && !lines[at].is_empty() && !is_list_item(lines[at]) {
                let before = lines[at - 1];
                if is_list_item(before) {
                    forced = end;
                    end -= 1;
                    while end > start && is_list_item(lines[end - 1]) {
                        end -= 1;
                    }
                } else if before.ends_with(['{', '\\']) {
                    forced = end;
                    end -= 1;
                }
                if start == end && forced > start {
                    at = start;
                    continue;
                }
            }
            kind = if end - start == 1 && is_heading(lines[start]) {
                Kind::Heading
            } else if end - start == 1 && is_old_heading(lines, start) {
                Kind::OldHeading
            } else {
                Kind::Paragraph
            };
        }
        spans.push(Span { start, end, kind });
        at = end;
    }
}

fn is_indented(line: &str) -> bool {
    line.starts_with([' ', '\t'])
}

fn leading_space(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Without the white space that all have in common, and without empty lines at both ends.
fn unindent<'l>(lines: &[&'l str]) -> Vec<&'l str> {
    fn trimmed<'s, 'l>(lines: &'s [&'l str]) -> &'s [&'l str] {
        let Some(first) = lines.iter().position(|line| !line.is_empty()) else {
            return &[];
        };
        let last = lines.iter().rposition(|line| !line.is_empty());
        &lines[first..=last.unwrap_or(first)]
    }
    let lines = trimmed(lines);
    let Some(first) = lines.first() else {
        return Vec::new();
    };
    let mut prefix = leading_space(first);
    for line in lines.iter().filter(|line| !line.is_empty()) {
        let common = prefix
            .bytes()
            .zip(leading_space(line).bytes())
            .take_while(|(left, right)| left == right)
            .count();
        prefix = &prefix[..common];
    }
    let lines: Vec<&str> = lines
        .iter()
        .map(|line| line.strip_prefix(prefix).unwrap_or(line))
        .map(|line| if line.trim().is_empty() { "" } else { line })
        .collect();
    trimmed(&lines).to_vec()
}

/// `# Text`
fn is_heading(line: &str) -> bool {
    line.starts_with('#') && is_indented(&line[1..]) && line.trim() != "#"
}

/// A line between empty lines that reads like a heading, as it was written before there was `#`.
fn is_old_heading(lines: &[&str], at: usize) -> bool {
    let is_alone = at > 0
        && lines[at - 1].is_empty()
        && at + 2 < lines.len()
        && lines[at + 1].is_empty()
        && !is_indented(lines[at + 2]);
    if !is_alone {
        return false;
    }
    let line = lines[at].trim();
    let (Some(first), Some(last)) = (line.chars().next(), line.chars().next_back()) else {
        return false;
    };
    if !is_upper_letter(first) || !is_letter_or_digit(last) {
        return false;
    }
    if line.contains(|character| ";:!?+*/=[]{}_^°&§~%#@<\">\\".contains(character)) {
        return false;
    }
    // Only the apostrophe of a genitive, and no full stop before a blank.
    line.match_indices('\'').all(|(at, _)| {
        let rest = &line[at + 1..];
        rest == "s" || rest.starts_with("s ")
    }) && line.match_indices('.').all(|(at, _)| {
        let rest = &line[at + 1..];
        !rest.is_empty() && !rest.starts_with(' ')
    })
}

/// Category Lu.
fn is_upper_letter(character: char) -> bool {
    // Letterlike numbers and circled letters are upper case but no letters to Go.
    let is_other =
        matches!(character as u32, 0x2160..=0x216f | 0x24b6..=0x24cf | 0x1f130..=0x1f189);
    character.is_uppercase() && !is_other
}

/// Categories L and Nd.
fn is_letter_or_digit(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric();
    }
    // A name to the lexer: exactly letters and digits, but a digit cannot begin it.
    let name = format!("x{character}");
    let lexed = lexer::lex(&name);
    lexed.errors.is_empty()
        && lexed
            .tokens
            .first()
            .is_some_and(|token| token.end as usize == name.len())
}

/// The number and the rest of a line that is an item of a list; a bullet's number is empty.
fn list_item(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let first = line.chars().next()?;
    let (number, rest) = if matches!(first, '•' | '*' | '+' | '-') {
        ("", &line[first.len_utf8()..])
    } else {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return None;
        }
        let rest = line[digits..].strip_prefix(['.', ')'])?;
        (&line[..digits], rest)
    };
    (is_indented(rest) && !rest.trim().is_empty()).then_some((number, rest))
}

fn is_list_item(line: &str) -> bool {
    list_item(line).is_some()
}

fn list(lines: &[&str], blank_before: bool, definitions: &mut Definitions) -> List {
    let is_numbered = list_item(lines[0]).is_some_and(|(number, _)| !number.is_empty());
    let mut list = List {
        items: Vec::new(),
        blank_before,
        blank_between: false,
    };
    let mut text: Vec<&str> = Vec::new();
    fn flush(list: &mut List, text: &mut Vec<&str>, definitions: &mut Definitions) {
        // No lines are, like any number of definitions, no paragraph.
        if let Some(item) = list.items.last_mut() {
            item.paragraphs.extend(definitions.paragraph(text));
        }
        text.clear();
    }
    for line in lines {
        let mut line = *line;
        if let Some((number, rest)) = list_item(line)
            && number.is_empty() != is_numbered
        {
            flush(&mut list, &mut text, definitions);
            list.items.push(Item {
                number: number.to_owned(),
                paragraphs: Vec::new(),
            });
            line = rest;
        }
        let line = line.trim();
        if line.is_empty() {
            list.blank_between = true;
            flush(&mut list, &mut text, definitions);
            continue;
        }
        text.push(line);
    }
    flush(&mut list, &mut text, definitions);
    list
}

/// The text of a paragraph, with the definitions marked that it uses.
fn linked_text(text: &str, definitions: &mut Definitions) -> String {
    let mut out = String::with_capacity(text.len());
    let mut written = 0;
    let mut start: Option<usize> = None;
    // What was read since a bracket; one that opens within another does not begin it anew.
    let mut name = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => start = Some(at),
            b']' => {
                let read = std::mem::take(&mut name);
                let Some(open) = start.take() else {
                    continue;
                };
                let inside = &text[open + 1..at];
                let definition = String::from_utf8(read)
                    .ok()
                    .and_then(|name| definitions.by_text.get(&name).copied());
                if let Some(index) = definition {
                    definitions.all[index].is_used = true;
                }
                if definition.is_some() {
                    write_text(&mut out, &text[written..open], true);
                    out.push('[');
                    write_text(&mut out, inside, false);
                    out.push(']');
                    written = at + 1;
                }
            }
            b'\n' | b'\t' if start.is_some() => name.push(b' '),
            _ if start.is_some() => name.push(byte),
            _ => {}
        }
    }
    write_text(&mut out, &text[written..], true);
    out
}

/// Text with typographic quotes, but not inside of addresses, where `has_addresses`.
pub(crate) fn write_text(out: &mut String, text: &str, has_addresses: bool) {
    let mut written = 0;
    let mut at = 0;
    while let Some(rest) = text.get(at..)
        && !rest.is_empty()
    {
        if has_addresses {
            if let Some(len) = address_len(rest) {
                at += len;
                continue;
            }
            let name = name_len(rest);
            if name > 0 {
                at += name;
                continue;
            }
        }
        if rest.starts_with("```") {
            // GO: the backquotes that follow are looked for in the rest by its own count, as Go does it.
            at += 3;
            while rest.as_bytes().get(at) == Some(&b'`') {
                at += 1;
            }
        } else if let Some(quote) = [("``", '“'), ("''", '”')]
            .iter()
            .find_map(|(quote, character)| rest.starts_with(quote).then_some(*character))
        {
            out.push_str(&text[written..at]);
            out.push(quote);
            at += 2;
            written = at;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    out.push_str(&text[written..]);
}

/// How long the name is at the beginning of a text.
fn name_len(text: &str) -> usize {
    text.char_indices()
        .find(|&(at, character)| {
            let is_name = if character.is_ascii() {
                character == '_'
                    || character.is_ascii_alphabetic()
                    || at > 0 && character.is_ascii_digit()
            } else {
                character.is_alphabetic()
            };
            !is_name
        })
        .map_or(text.len(), |(at, _)| at)
}

fn is_scheme(text: &str) -> bool {
    matches!(
        text,
        "file" | "ftp" | "gopher" | "http" | "https" | "mailto" | "nntp"
    )
}

/// How long the address is at the beginning of a text, if it begins with one.
fn address_len(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.len() < 7 {
        return None;
    }
    let colon = (3..7).find(|&at| bytes[at] == b':')?;
    if bytes.get(colon..colon + 3) != Some(b"://") || !is_scheme(text.get(..colon)?) {
        return None;
    }
    let is_punctuation = |byte: u8| b".,:;?!".contains(&byte);
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"_@-.[]:".contains(&byte);
    let is_path = |byte: u8| byte.is_ascii_alphanumeric() || b"$'()*+&#=@~_/-[]{}%".contains(&byte);
    let mut at = colon + 3;
    if !bytes
        .get(at)
        .is_some_and(|&byte| is_host(byte) && !is_punctuation(byte))
    {
        return None;
    }
    at += 1;
    let mut end = at;
    while at < bytes.len() && is_host(bytes[at]) {
        if !is_punctuation(bytes[at]) {
            end = at + 1;
        }
        at += 1;
    }
    at = end;
    // Closing brackets belong to the address if the opening ones do.
    let mut open = Vec::new();
    while at < bytes.len() {
        let byte = bytes[at];
        at += 1;
        if is_punctuation(byte) {
            continue;
        }
        if !is_path(byte) {
            break;
        }
        match byte {
            b'(' => open.push(b')'),
            b'{' => open.push(b'}'),
            b'[' => open.push(b']'),
            b')' | b'}' | b']' => {
                if open.last() != Some(&byte) {
                    break;
                }
                open.pop();
            }
            _ => {}
        }
        if open.is_empty() {
            end = at;
        }
    }
    Some(end)
}
