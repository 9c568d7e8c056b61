//! What the writer of a wrong line may have meant: shown below syntax errors on a terminal.
//!
//! Messages are Go's; these are golite's own, for those who come from another language or lost a brace. They look at the tokens
//! of the line at fault only, so a hint is a guess, and none is given when nothing speaks for one.

use diagnostics::{Diagnostic, TextRange};
use lexer::{Token, TokenKind as T};

/// First words of lines in other languages, and what Go has.
const FIRST_WORDS: &[(&str, &str)] = &[
    ("while", "Go's only loop is for: for condition { ... }"),
    ("until", "Go's only loop is for: for !condition { ... }"),
    ("loop", "Go's only loop is for: for { ... }"),
    ("do", "Go's only loop is for: for { ... }"),
    ("foreach", "for _, x := range xs { ... }"),
    ("elif", "in Go: else if"),
    ("elsif", "in Go: else if"),
    ("elseif", "in Go: else if"),
    ("unless", "in Go: if !condition { ... }"),
    (
        "let",
        "x := value declares a variable, as does var x = value",
    ),
    (
        "val",
        "x := value declares a variable, as does var x = value",
    ),
    (
        "auto",
        "x := value declares a variable, as does var x = value",
    ),
    ("def", "functions begin with func"),
    ("function", "functions begin with func"),
    ("fn", "functions begin with func"),
    ("fun", "functions begin with func"),
    (
        "class",
        "in Go: type T struct { ... }, with methods beside it",
    ),
    ("struct", "in Go: type T struct { ... }"),
    ("enum", "in Go: a type and constants of it, counted by iota"),
    ("try", "errors are values: if err != nil { ... }"),
    ("catch", "errors are values: if err != nil { ... }"),
    ("except", "errors are values: if err != nil { ... }"),
    ("finally", "defer runs a call when the function ends"),
    ("throw", "return an error, or panic(value)"),
    ("raise", "return an error, or panic(value)"),
    (
        "public",
        "names that begin with a capital letter are exported",
    ),
    (
        "private",
        "names that begin with a small letter are not exported",
    ),
    ("static", "there is no static; declare it at the top level"),
    ("using", "in Go: import \"path\""),
    ("include", "in Go: import \"path\""),
    ("from", "in Go: import \"path\""),
    ("print", "arguments stand in parentheses"),
    ("println", "arguments stand in parentheses"),
    ("echo", "in Go: fmt.Println(...)"),
    ("puts", "in Go: fmt.Println(...)"),
    ("pass", "an empty block is { }"),
    ("del", "in Go: delete(m, key)"),
    ("delete", "in Go: delete(m, key)"),
    ("assert", "in Go: if !condition { panic(...) }"),
];

/// Those of them that are functions in Go, or may well be a program's own.
const MAY_BE_CALLED: &[&str] = &[
    "print", "println", "echo", "puts", "pass", "delete", "del", "assert", "loop", "try", "catch",
    "val", "class", "from", "include",
];

/// Words for operators.
const WORDS: &[(&str, &str)] = &[
    ("and", "in Go: &&"),
    ("or", "in Go: ||"),
    ("not", "in Go: !"),
    ("is", "in Go: =="),
    ("in", "in Go: for _, x := range xs { ... }"),
    ("of", "in Go: for _, x := range xs { ... }"),
    ("then", "the block stands in braces: if condition { ... }"),
    ("elif", "in Go: else if"),
    ("as", "in Go: a conversion T(x), or an assertion x.(T)"),
];

const TYPES: &[&str] = &[
    "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64",
    "float", "float32", "float64", "double", "bool", "string", "byte", "rune", "char", "long",
];

/// Adds to an error of the lexer or the parser what may mend it.
///
/// `first` says whether it is the first of the file; what comes later may follow from it.
pub(crate) fn explain(diagnostic: &mut Diagnostic, first: bool, tokens: &[Token], text: &str) {
    if diagnostic.message.contains("in composite literal")
        && let Some(help) = of_block(tokens, diagnostic.range.start, text)
    {
        diagnostic.help = Some(help.to_owned());
    }
    if diagnostic.help.is_some() {
        return;
    }
    let message = diagnostic.message.as_str();
    diagnostic.help = of_literal(message).map(str::to_owned);
    if diagnostic.help.is_some() {
        return;
    }
    if message.contains("unexpected EOF, expected }") {
        if let Some(brace) = unclosed(tokens, text) {
            let range = TextRange::new(diagnostic.range.file, brace.start, brace.end);
            diagnostic.labels.push(diagnostics::Label {
                range,
                message: "this one is not closed".to_owned(),
            });
        }
        return;
    }
    let start = diagnostic.range.start;
    let at = tokens.partition_point(|token| token.start < start);
    let line_start = text[..start as usize].rfind('\n').map_or(0, |end| end + 1);
    let line_end = text[start as usize..]
        .find('\n')
        .map_or(text.len(), |end| start as usize + end);
    let begin = tokens.partition_point(|token| (token.start as usize) < line_start);
    let end = tokens.partition_point(|token| (token.start as usize) < line_end);
    let line = Line {
        tokens: &tokens[begin..end.max(begin)],
        at: at.saturating_sub(begin),
        first,
        text,
    };
    diagnostic.help = line.meant(message).map(str::to_owned);
}

/// What is read as a literal because the line above is `try {` or its like.
fn of_block(tokens: &[Token], at: u32, text: &str) -> Option<&'static str> {
    let end = tokens.partition_point(|token| token.start < at);
    let brace = tokens[..end]
        .iter()
        .rposition(|token| token.kind == T::LeftBrace)?;
    let name = tokens.get(brace.checked_sub(1)?)?;
    let begins_line = brace < 2
        || tokens[brace - 2].kind.is_semicolon()
        || tokens[brace - 2].kind == T::LeftBrace;
    if name.kind != T::Ident || !begins_line {
        return None;
    }
    let word = name.text(text);
    let (_, help) = FIRST_WORDS.iter().find(|(other, _)| *other == word)?;
    Some(help)
}

fn of_literal(message: &str) -> Option<&'static str> {
    Some(match message {
        "invalid character U+0023 '#'" => "comments begin with //",
        "invalid character U+003F '?'" => "Go has no ?: operator; use if",
        "more than one character in rune literal" => {
            "strings stand in double quotes; single ones hold one character"
        }
        "newline in string" => "a string in back quotes may hold line ends",
        "unknown escape" => "\\\\ is a backslash; strings in back quotes have no escapes",
        _ if message.starts_with("invalid character U+201") => "plain quotes, \" or ', are meant",
        _ => return None,
    })
}

struct Line<'t> {
    tokens: &'t [Token],
    /// Where the error is.
    at: usize,
    /// Is the error the first?
    first: bool,
    text: &'t str,
}

impl Line<'_> {
    fn kind(&self, index: usize) -> T {
        self.tokens
            .get(index)
            .map_or(T::EndOfFile, |token| token.kind)
    }

    /// The word there, if it is a name.
    fn word(&self, index: usize) -> &str {
        self.tokens
            .get(index)
            .filter(|token| token.kind == T::Ident)
            .map_or("", |token| token.text(self.text))
    }

    fn has(&self, kind: T) -> bool {
        self.tokens.iter().any(|token| token.kind == kind)
    }

    /// Does the line end in a comment that has the closing parenthesis in it?
    fn comment_hides_parenthesis(&self) -> bool {
        let Some(last) = self.tokens.get(self.at.saturating_sub(1)) else {
            return false;
        };
        let rest = self.text.get(last.end as usize..).unwrap_or_default();
        let rest = rest.lines().next().unwrap_or_default().trim_start();
        rest.strip_prefix("//")
            .is_some_and(|comment| comment.trim_end().ends_with(')'))
    }

    fn meant(&self, message: &str) -> Option<&'static str> {
        let find = |table: &[(&str, &'static str)], word: &str| {
            table
                .iter()
                .find(|(other, _)| *other == word)
                .map(|(_, go)| *go)
        };
        // Behind a closing brace a line begins anew.
        let start = usize::from(self.kind(0) == T::RightBrace);
        let is_used_as_name = match self.kind(start + 1) {
            T::LeftParen => MAY_BE_CALLED.contains(&self.word(start)),
            T::Dot | T::Comma | T::Assign | T::Define | T::Increment | T::Decrement => true,
            _ => false,
        };
        if let Some(help) = find(FIRST_WORDS, self.word(start)).filter(|_| !is_used_as_name) {
            return Some(help);
        }
        if message.contains("unexpected newline, expected { after") {
            return Some("the opening brace belongs on the same line");
        }
        if message.contains("unexpected comma in struct type") {
            return Some("fields stand on lines of their own, without commas");
        }
        if message.ends_with("unexpected comma; expected ]") {
            return Some("a slice is written with its type: []int{1, 2, 3}");
        }
        if message.ends_with("unexpected {, expected :")
            && matches!(self.kind(start), T::Case | T::Default)
        {
            return Some("a case ends with a colon: case x:");
        }
        if message.ends_with("unexpected {, expected expression") && start != self.at {
            return Some("a literal begins with its type: []int{1, 2}, map[string]int{\"a\": 1}");
        }
        if message.contains("possibly missing comma or )") && self.comment_hides_parenthesis() {
            return Some("// begins a comment; / divides");
        }
        if message.ends_with("unexpected name main, expected (") {
            return Some("functions do not stand in functions; a } may be missing above");
        }
        if self.kind(start) == T::Else && message.contains("else") {
            return Some("else stands on the line of the closing brace: } else {");
        }
        for index in [self.at, self.at + 1, self.at.saturating_sub(1)] {
            if let Some(help) = find(WORDS, self.word(index)) {
                return Some(help);
            }
        }
        match (self.kind(self.at), self.kind(self.at.wrapping_sub(1))) {
            (T::Increment | T::Decrement, _) | (_, T::Increment | T::Decrement) => {
                return Some("x++ is a statement and stands alone; there is no ++x");
            }
            (T::Assign, T::Equal | T::NotEqual) | (T::Equal | T::NotEqual, T::Assign) => {
                return Some("in Go: == and !=");
            }
            (T::Less, T::Ident) if self.kind(start) == T::Func => {
                return Some("type parameters stand in brackets: func f[T any](x T)");
            }
            (T::Arrow, T::Ident) if self.has(T::Define) || self.has(T::Assign) => {
                return Some("to send is a statement without a value: c <- x");
            }
            (T::Greater, T::Assign) => return Some("a function literal is func(x T) R { ... }"),
            (T::Define, _) if matches!(self.kind(start), T::Var | T::Const) => {
                return Some("var and const take =; := stands without them");
            }
            _ => {}
        }
        if TYPES.contains(&self.word(start)) && self.kind(start + 1) == T::Ident {
            return Some("the type stands behind the name: var x int");
        }
        if message.contains("missing channel element type") {
            return Some("a channel that only tells of an event: chan struct{}");
        }
        if message.contains("import path") {
            return Some("import paths stand in quotes: import \"fmt\"");
        }
        if message.contains("non-declaration statement outside function body") {
            if self.kind(self.at) == T::RightBrace {
                return Some("there is a } too many above").filter(|_| self.first);
            }
            if self.has(T::Define) {
                return Some("outside of functions variables are declared with var");
            }
            return Some("statements stand in functions, such as func main() { ... }");
        }
        if self.kind(self.at) == T::Colon && matches!(self.kind(start), T::If | T::For | T::Else) {
            return Some("blocks stand in braces: { ... }");
        }
        None
    }
}

/// The opening brace that lacks its closing one: the first whose closing brace stands at another indentation, else the last that is open.
fn unclosed(tokens: &[Token], text: &str) -> Option<Token> {
    let indentation = |token: &Token| {
        let before = &text[..token.start as usize];
        let line = &text[before.rfind('\n').map_or(0, |end| end + 1)..];
        let width = line.len() - line.trim_start_matches([' ', '\t']).len();
        &line[..width]
    };
    let begins_line = |token: &Token| {
        let before = &text[..token.start as usize];
        before
            .rsplit('\n')
            .next()
            .is_some_and(|line| line.trim().is_empty())
    };
    let mut open: Vec<&Token> = Vec::new();
    let mut suspect = None;
    for token in tokens {
        match token.kind {
            T::LeftBrace => open.push(token),
            T::RightBrace => {
                if let Some(opened) = open.pop()
                    && suspect.is_none()
                    && begins_line(token)
                    && indentation(token) != indentation(opened)
                {
                    suspect = Some(*opened);
                }
            }
            _ => {}
        }
    }
    open.last()?;
    suspect.or_else(|| open.last().map(|token| **token))
}
