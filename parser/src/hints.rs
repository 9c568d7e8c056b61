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
    ("match", "in Go: switch x { case 1: ... }"),
    ("when", "in Go: switch { case condition: ... }"),
    (
        "async",
        "every function may wait; go f() runs a call beside the others",
    ),
    (
        "await",
        "every call waits by itself; go f() runs one beside the others",
    ),
    (
        "global",
        "functions see the variables around them without a word",
    ),
    (
        "nonlocal",
        "functions see the variables around them without a word",
    ),
    (
        "void",
        "functions begin with func; one without result has no result type",
    ),
    ("pub", "names that begin with a capital letter are exported"),
    (
        "impl",
        "methods stand beside the type: func (t T) name() { ... }",
    ),
    ("trait", "in Go: type T interface { ... }"),
    ("require", "in Go: import \"path\""),
    (
        "with",
        "defer runs a call when the function ends: defer f.Close()",
    ),
    ("begin", "blocks stand in braces: { ... }"),
];

/// Those of them that are functions in Go, or may well be a program's own.
const MAY_BE_CALLED: &[&str] = &[
    "print", "println", "echo", "puts", "pass", "delete", "del", "assert", "loop", "try", "catch",
    "val", "class", "from", "include", "match", "when", "with", "require", "begin",
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
    (
        "new",
        "a value of a type is T{...}, a pointer to one &T{...}",
    ),
    ("lambda", "a function literal is func(x T) R { ... }"),
    (
        "await",
        "every call waits by itself; go f() runs one beside the others",
    ),
    (
        "extends",
        "there is no inheritance: a struct embeds another type by its name among the fields",
    ),
    (
        "implements",
        "a type implements an interface by having its methods, without saying so",
    ),
    ("throws", "errors are values: func f() (int, error)"),
];

const TYPES: &[&str] = &[
    "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64",
    "float", "float32", "float64", "double", "bool", "string", "byte", "rune", "char", "long",
    "error", "any",
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
    let behind = text.get(diagnostic.range.start as usize..).unwrap_or("");
    diagnostic.help = of_literal(message)
        .or_else(|| of_character(message, behind))
        .map(str::to_owned);
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
    let is_margin = tokens
        .get(begin)
        .is_some_and(|token| token.kind == T::Func && token.start as usize == line_start);
    if is_margin && message.ends_with(", expected (") && message.contains("unexpected name") {
        if first && let Some(brace) = unclosed(&tokens[..begin], text) {
            let range = TextRange::new(diagnostic.range.file, brace.start, brace.end);
            diagnostic.labels.push(diagnostics::Label {
                range,
                message: "this one is not closed".to_owned(),
            });
        }
        diagnostic.help =
            Some("functions do not stand in functions; a } is missing above".to_owned());
        return;
    }
    let line = Line {
        tokens: &tokens[begin..end.max(begin)],
        next: tokens
            .iter()
            .skip(end.max(begin))
            .map(|token| token.kind)
            .find(|kind| !kind.is_semicolon())
            .unwrap_or(T::EndOfFile),
        at: at.saturating_sub(begin),
        first,
        text,
    };
    diagnostic.help = line
        .meant(message)
        .or_else(|| of_block(tokens, start, text).filter(|_| first))
        .map(str::to_owned);
}

/// Of a character, by what stands behind it.
fn of_character(message: &str, behind: &str) -> Option<&'static str> {
    if message == "invalid character U+0023 '#'" {
        return Some(match behind.trim_start_matches(['#', ' ']) {
            rest if rest.starts_with("include") || rest.starts_with("import") => {
                "in Go: import \"path\""
            }
            rest if rest.starts_with("define") => "in Go: const name = value",
            _ => "comments begin with //",
        });
    }
    if message != "invalid character U+003F '?'" {
        return None;
    }
    let rest = behind.strip_prefix('?')?;
    Some(
        match rest.trim_start_matches([' ', '\t', ';']).chars().next() {
            Some('?') => "there is no ??; if x == nil { x = ... } gives a default",
            Some('.' | '[') if rest.starts_with(['.', '[']) => {
                "there is no ?.; if x != nil { ... } asks first"
            }
            None | Some('\n' | '\r' | ')' | '/') => {
                "errors are values: x, err := f(), then if err != nil { return err }"
            }
            _ => "Go has no ?: operator; use if",
        },
    )
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
        "more than one character in rune literal" => {
            "strings stand in double quotes; single ones hold one character"
        }
        "newline in string" => {
            "the closing quote is missing; a string of several lines stands in back quotes"
        }
        "invalid character U+0040 '@'" => {
            "there are no decorators; call the function with the other"
        }
        "invalid character U+0024 '$'" => {
            "names stand without $; fmt.Sprintf puts values into text"
        }
        "unknown escape" => "\\\\ is a backslash; strings in back quotes have no escapes",
        _ if ["U+2018", "U+2019", "U+201C", "U+201D", "U+00AB", "U+00BB"]
            .iter()
            .any(|quote| message.starts_with(&format!("invalid character {quote}"))) =>
        {
            "plain quotes, \" or ', are meant"
        }
        _ if ["U+2010", "U+2011", "U+2012", "U+2013", "U+2014", "U+2212"]
            .iter()
            .any(|dash| message.starts_with(&format!("invalid character {dash}"))) =>
        {
            "a plain minus, -, is meant"
        }
        _ if ["U+00A0", "U+3000", "U+200B", "U+2009", "U+202F"]
            .iter()
            .any(|space| message.starts_with(&format!("invalid character {space}"))) =>
        {
            "an invisible character: a plain space is meant, or nothing"
        }
        _ => return None,
    })
}

struct Line<'t> {
    tokens: &'t [Token],
    /// Where the error is.
    at: usize,
    /// Is the error the first?
    first: bool,
    /// What stands first on the next line.
    next: T,
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
        if let Some(help) = self.of_operators(message) {
            return Some(help);
        }
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
        if let Some(help) = self.of_statement(start, message) {
            return Some(help);
        }
        if message.ends_with("unexpected {, expected expression") && start != self.at {
            return Some("a literal begins with its type: []int{1, 2}, map[string]int{\"a\": 1}");
        }
        if message.contains("possibly missing comma or )") && self.comment_hides_parenthesis() {
            return Some("// begins a comment; / divides");
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
            if self.kind(start + 2) == T::LeftParen {
                return Some("functions begin with func: func f(a int) int { ... }");
            }
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
        if message.ends_with("unexpected }, expected statement") {
            return Some("there is a } too many, here or above").filter(|_| self.first);
        }
        if self.kind(self.at) == T::Colon && matches!(self.kind(start), T::If | T::For | T::Else) {
            return Some("blocks stand in braces: { ... }");
        }
        if message.contains("expected {") && matches!(self.kind(start), T::If | T::For | T::Switch)
        {
            return Some("the block stands in braces: if condition { ... }");
        }
        None
    }

    /// Do two tokens from this one on stand without a space between them?
    fn is_joined(&self, index: usize) -> bool {
        match (self.tokens.get(index), self.tokens.get(index + 1)) {
            (Some(one), Some(other)) => one.end == other.start,
            _ => false,
        }
    }

    /// Operators of other languages, which Go reads as several of its own.
    fn of_operators(&self, message: &str) -> Option<&'static str> {
        let before = self.at.wrapping_sub(1);
        let pair = |first: usize, one: T, other: T| {
            self.kind(first) == one
                && self.kind(first.wrapping_add(1)) == other
                && self.is_joined(first)
        };
        let has_arrow = (0..self.tokens.len()).any(|at| pair(at, T::Assign, T::Greater));
        if has_arrow && !message.contains("at end of statement") {
            return Some("a function literal is func(x T) R { ... }");
        }
        if pair(before, T::Minus, T::Greater) || pair(self.at, T::Minus, T::Greater) {
            return Some(if self.kind(0) == T::Func {
                "the result type stands behind the parameters: func f(a int) int { ... }"
            } else {
                "a field of a pointer is p.field; c <- x sends, <-c receives"
            });
        }
        if self.kind(self.at) == T::Not
            && self.kind(before) == T::Ident
            && self.is_joined(before)
            && matches!(self.kind(self.at + 1), T::LeftParen | T::LeftBracket)
        {
            return Some("there are no macros: fmt.Println(...), without the !");
        }
        if message.contains("unexpected ...,") {
            return Some("the dots stand behind: f(xs...)");
        }
        let is_range = |at: usize| {
            let text = |at: usize| {
                self.tokens
                    .get(at)
                    .map_or("", |token| token.text(self.text))
            };
            text(at).ends_with('.') && text(at + 1).starts_with('.') && self.is_joined(at)
        };
        if (0..self.tokens.len()).any(is_range) && self.has(T::For) {
            return Some("from 0 on: for i := range n { ... }");
        }
        None
    }

    /// Errors that tell by their words and the keyword of the line what was meant.
    fn of_statement(&self, start: usize, message: &str) -> Option<&'static str> {
        let (keyword, at) = (self.kind(start), self.kind(self.at));
        let before = self.kind(self.at.wrapping_sub(1));
        let is_type = |word: &str| TYPES.contains(&word);
        match keyword {
            T::Struct if self.kind(start + 1) == T::Ident => {
                return Some("in Go: type T struct { ... }");
            }
            T::Interface if self.kind(start + 1) == T::Ident => {
                return Some("in Go: type T interface { ... }");
            }
            T::Go | T::Defer if message.ends_with("unexpected {, expected expression") => {
                return Some("a call of a function literal: go func() { ... }()");
            }
            T::For if self.kind(start + 1) == T::LeftParen => {
                return Some(
                    if self
                        .tokens
                        .iter()
                        .any(|token| matches!(token.text(self.text), "of" | "in"))
                    {
                        "in Go: for _, x := range xs { ... }"
                    } else {
                        "without parentheses: for i := 0; i < n; i++ { ... }"
                    },
                );
            }
            T::For if self.has(T::Comma) && message.ends_with("unexpected ++, expected {") => {
                return Some("semicolons part the header: for i := 0; i < n; i++ { ... }");
            }
            T::If if self.word(self.at) == "in" => {
                return Some("in Go: slices.Contains(xs, x), or _, ok := m[key] for maps");
            }
            T::If if self.word(self.at) == "is" && is_type(self.word(self.at + 1)) => {
                return Some("in Go: _, ok := x.(T) asks for a type");
            }
            T::For if self.word(self.at) == "in" && self.kind(self.at + 1) == T::Range => {
                return Some("in Go: for i := range n { ... }");
            }
            T::Var if message.ends_with("unexpected newline, expected type") => {
                return Some("a variable has a type or a value: var x int, or x := 0");
            }
            T::Func if at == T::Comma => {
                return Some("several results stand in parentheses: func f() (int, error) { ... }");
            }
            T::Func if at == T::LeftBrace && message.ends_with("expected (") => {
                return Some(
                    "parameters stand in parentheses, also when there are none: func f() { ... }",
                );
            }
            T::Func if message.contains("unexpected name") && message.ends_with(", expected (") => {
                return Some("functions do not stand in functions, but f := func() { ... } does");
            }
            _ => {}
        }
        if at == T::Colon
            && (message.contains("in parameter list") || message.contains("expected type"))
        {
            return Some("the type stands behind the name without a colon: name int");
        }
        if message.contains("in argument list") && matches!(at, T::Assign | T::Colon) {
            return Some("arguments have no names; T{name: value} makes a struct");
        }
        if message.contains("in parameter list") && at == T::Assign {
            return Some("parameters have no default values");
        }
        if message.contains("in composite literal") && at == T::Assign {
            return Some("a colon stands between key and value: key: value");
        }
        if message.contains("in struct type") && self.kind(self.at + 1) == T::Colon {
            return Some("a tag stands in back quotes: Name string `json:\"name\"`");
        }
        if message.contains("expected field name") && at == T::Func {
            return Some("methods stand beside the type: func (t T) name() { ... }");
        }
        if message.ends_with("missing type constraint") {
            return Some("every type parameter has a constraint: [T any]");
        }
        if message.contains("unexpected < in type declaration") {
            return Some("type parameters stand in brackets: type T[P any] struct { ... }");
        }
        let behind_angle = (before == T::Greater
            || before == T::LeftParen && self.kind(self.at.wrapping_sub(2)) == T::Greater)
            && self.tokens[..self.at.min(self.tokens.len())]
                .iter()
                .any(|token| token.kind == T::Less);
        if behind_angle && message.ends_with("expected expression") {
            return Some("type arguments stand in brackets: T[int]{}");
        }
        if at == T::Comma && message.ends_with("expected ]") && self.has(T::Map) {
            return Some("the key stands in the brackets, the value behind: map[string]int");
        }
        if at == T::Comma && message.ends_with("expected )") {
            return Some("several values stand without parentheses: a, b := 1, 2");
        }
        if matches!(at, T::If | T::Switch | T::For) && message.ends_with("expected expression") {
            return Some("it is a statement and has no value: declare the variable before it");
        }
        if at == T::If && message.ends_with("at end of statement") {
            return Some("an if stands before what it decides about: if condition { ... }");
        }
        if at == T::For && message.ends_with("expected ]") {
            return Some("there are no comprehensions: for ... { xs = append(xs, x) }");
        }
        if at == T::RightParen && message.ends_with("at end of statement") {
            return Some("there is a ) too many");
        }
        if at == T::RightBracket && message.ends_with("at end of statement") {
            return Some("there is a ] too many");
        }
        if at == T::RightParen && message.ends_with("expected comma, : or ]") {
            return Some("a ] is missing before it");
        }
        if at == T::Dot && self.at == start {
            return Some("a chain of calls is broken behind its dots, which end the lines");
        }
        if at == T::Ident && before == T::RightParen && is_type(self.word(self.at.wrapping_sub(2)))
        {
            return Some("a conversion is a call of the type: int(x)");
        }
        if at == T::Ident
            && is_type(self.word(self.at))
            && message.ends_with("expected )")
            && (self.has(T::Define) || self.has(T::Assign))
        {
            return Some("a function literal begins with func: func(x int) int { ... }");
        }
        let joined = self.at > 0 && self.is_joined(self.at - 1);
        let is_string = |kind: T| kind == T::String;
        if joined && is_string(before) && at == T::Ident {
            return Some("a quote in a string is written \\\"");
        }
        if joined && is_string(at) && matches!(self.word(self.at - 1), "f" | "r" | "b" | "u" | "L")
        {
            return Some(
                "fmt.Sprintf(\"%v\", x) puts values into text; strings in back quotes are raw",
            );
        }
        if message.contains("unexpected newline in argument list") && self.next == T::RightParen {
            return Some(
                "the last line of a list needs a comma too, or the closing parenthesis on it",
            );
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
