//! Says what is wrong with a text that the grammar refuses, in the words of Go's compiler.
//!
//! An LR automaton knows which tokens could follow, but not what the writer was at: "in argument list; possibly missing comma or
//! )" is knowledge of a recursive descent. So once the grammar has said no, and only then, the tokens are read again by
//! this port of Go's own parser, which makes no tree, only messages, and goes on behind an error where Go's does.
//! What the grammar accepts never comes here.
//!
//! It need not agree with the grammar about right programs: when it has nothing to say the caller falls back on
//! LALRPOP's answer. It has to agree with Go about wrong ones, so its functions carry the names of Go's.
//!
//! Recursion is bounded by [`MAX_DEPTH`] and runs on a growing stack.
//!
//! Scripts have no counterpart in Go, so behind an error they are read on with more sense than Go's parser has: what is wrong is said
//! once. A block behind a line that makes no sense (`while x {`) is read as a block; a function that begins at the margin within
//! an unclosed block ends that block; a call whose parenthesis is not closed on its line ends with the line.
//!
//! Rejected: LALRPOP's `!` recovery. It copies the state stack for every state it tries, which is quadratic on deep input, and what
//! it reports behind the first error is mostly noise.
//!
//! GO: cmd/compile/internal/syntax/parser.go

use crate::ast::MAX_DEPTH;
use crate::terminals::{declares_function, opens_type_parameters};
use lexer::{Token, TokenKind};

/// A message and the bytes it is about.
pub struct Explanation {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last.
    pub end: u32,
    /// Go's words.
    pub message: String,
    /// How it may be mended.
    pub help: Option<&'static str>,
}

/// What is wrong, and where it was nested too deeply to go on looking.
pub struct Explained {
    /// In the order of the text, with at most one syntax error a line, as Go prints them.
    pub errors: Vec<Explanation>,
    /// The token that was one level too deep.
    pub too_deep: Option<Token>,
}

/// Explains a text in tokens.
///
/// `has_errors` says whether the lexer has complained already; then the end of the file is no further surprise.
pub fn explain(tokens: &[Token], text: &str, has_errors: bool) -> Explained {
    let mut parser = Explainer {
        tokens,
        text,
        at: 0,
        in_function: 0,
        nesting: 0,
        depth: 0,
        errors: Vec::new(),
        too_deep: None,
        has_errors,
        is_script: false,
        unwinding: false,
    };
    if parser.kind() == TokenKind::Package {
        parser.file();
    } else {
        parser.is_script = true;
        parser.script();
    }
    let line_ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let mut last_line = None;
    parser.errors.retain(|error| {
        if !error.message.starts_with("syntax error") {
            return true;
        }
        let line = Some(line_ends.partition_point(|end| *end < error.start as usize));
        let first = last_line != Some(line);
        last_line = Some(line);
        first
    });
    parser.errors.sort_by_key(|error| error.start);
    Explained {
        errors: parser.errors,
        too_deep: parser.too_deep,
    }
}

/// What an expression turned out to be, as far as the rest of the parse asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bad,
    Name,
    Selector,
    Index { is_value: bool },
    Star,
    Guard,
    Literal,
    Call,
    Value,
    Unary,
    Binary,
    CollectionType,
    ChanType,
    OtherType,
    List,
}

#[derive(Clone, Copy)]
struct Shape {
    kind: Kind,
    /// In parentheses.
    parenthesized: bool,
    start: u32,
    end: u32,
}

impl Shape {
    /// GO: isValue
    fn is_value(self) -> bool {
        match self.kind {
            Kind::Literal | Kind::Call | Kind::Value | Kind::Unary | Kind::Binary | Kind::Guard => {
                true
            }
            Kind::Index { is_value } => is_value,
            _ => false,
        }
    }
}

/// What a simple statement turned out to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Simple {
    Expr,
    Range,
    Assign,
    Define,
    Other,
}

#[derive(Clone, Copy)]
struct Statement {
    simple: Simple,
    start: u32,
    end: u32,
    /// The operator of an assignment.
    op: u32,
    lhs: Shape,
    rhs: Shape,
}

struct Explainer<'s> {
    tokens: &'s [Token],
    text: &'s str,
    at: usize,
    /// GO: fnest
    in_function: u32,
    /// Below 0 in a statement's header, where `T {` is not a composite literal. GO: xnest
    nesting: i32,
    depth: u16,
    errors: Vec<Explanation>,
    too_deep: Option<Token>,
    has_errors: bool,
    is_script: bool,
    /// A script's blocks that are open end here, without a word and without reading on.
    unwinding: bool,
}

/// Words before blocks in other languages, which Go would take for the type of a literal.
const BLOCK_WORDS: &[&str] = &[
    "do", "loop", "try", "finally", "catch", "except", "unsafe", "async", "begin", "main",
];

/// Words before blocks that hold no statements.
const DATA_WORDS: &[&str] = &[
    "class",
    "enum",
    "match",
    "trait",
    "impl",
    "interface",
    "record",
    "object",
    "data",
    "when",
    "namespace",
    "module",
    "protocol",
    "extension",
];

use TokenKind as T;

impl<'s> Explainer<'s> {
    // ---- tokens ----------------------------------------------------------

    fn token(&self) -> Token {
        self.tokens[self.at]
    }

    /// The kind of the current token, all semicolons alike.
    fn kind(&self) -> TokenKind {
        let kind = self.token().kind;
        if kind.is_semicolon() {
            T::Semicolon
        } else {
            kind
        }
    }

    fn is(&self, kind: TokenKind) -> bool {
        self.kind() == kind
    }

    fn pos(&self) -> u32 {
        self.token().start
    }

    /// Where the token before ended.
    fn last_end(&self) -> u32 {
        if self.at == 0 {
            0
        } else {
            self.tokens[self.at - 1].end
        }
    }

    fn next(&mut self) {
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
    }

    fn got(&mut self, kind: TokenKind) -> bool {
        let found = self.is(kind);
        if found {
            self.next();
        }
        found
    }

    fn want(&mut self, kind: TokenKind) {
        if !self.got(kind) {
            self.syntax_error(&format!("expected {}", display(kind)));
            self.advance(&[]);
        }
    }

    fn got_assign(&mut self) -> bool {
        match self.kind() {
            T::Define => {
                self.syntax_error("expected =");
                self.next();
                true
            }
            T::Assign => {
                self.next();
                true
            }
            _ => false,
        }
    }

    // ---- errors ----------------------------------------------------------

    fn error_at(&mut self, start: u32, end: u32, message: String) {
        if self.too_deep.is_none() && !self.unwinding {
            self.errors.push(Explanation {
                start,
                end: end.max(start),
                message,
                help: None,
            });
        }
    }

    fn error(&mut self, message: &str) {
        let token = self.token();
        self.error_at(token.start, token.end, message.to_owned());
    }

    fn syntax_error(&mut self, message: &str) {
        let token = self.token();
        self.syntax_error_at(token.start, token.end, message);
    }

    /// GO: syntaxErrorAt
    fn syntax_error_at(&mut self, start: u32, end: u32, message: &str) {
        if self.is(T::EndOfFile) && (self.has_errors || !self.errors.is_empty()) {
            return;
        }
        let begins = |words: [&str; 3]| words.iter().any(|word| message.starts_with(word));
        let message = if begins(["in ", "at ", "after "]) {
            format!(" {message}")
        } else if message.starts_with("expected ") {
            format!(", {message}")
        } else {
            return self.error_at(start, end, format!("syntax error: {message}"));
        };
        let token = self.token();
        let found = match token.kind {
            T::Ident => format!("name {}", token.text(self.text)),
            T::Semicolon => "semicolon".to_owned(),
            kind if kind.is_literal() => format!("literal {}", token.text(self.text)),
            kind => kind.display().to_owned(),
        };
        self.error_at(
            start,
            end,
            format!("syntax error: unexpected {found}{message}"),
        );
    }

    fn help(&mut self, help: &'static str) {
        if let Some(error) = self.errors.last_mut() {
            error.help = Some(help);
        }
    }

    /// Skips to a token of `follow`, or in a function to one that begins a statement; exactly one token for an empty `follow`.
    fn advance(&mut self, follow: &[TokenKind]) {
        if self.unwinding {
            return;
        }
        if follow.is_empty() {
            return self.next();
        }
        while !self.is(T::EndOfFile) && !follow.contains(&self.kind()) {
            if self.in_function > 0 && begins_statement(self.kind()) {
                return;
            }
            self.next();
        }
    }

    /// Runs one level deeper, on a stack that grows; too deep, nothing more is said.
    fn deeper<R>(&mut self, otherwise: R, inner: impl FnOnce(&mut Self) -> R) -> R {
        if self.depth >= MAX_DEPTH {
            self.too_deep.get_or_insert(self.token());
            self.at = self.tokens.len() - 1;
            return otherwise;
        }
        self.depth += 1;
        let result = stacker::maybe_grow(64 * 1024, 1024 * 1024, || inner(self));
        self.depth -= 1;
        result
    }

    fn bad(&self) -> Shape {
        Shape {
            kind: Kind::Bad,
            parenthesized: false,
            start: self.pos(),
            end: self.pos(),
        }
    }

    fn shape(&self, kind: Kind, start: u32) -> Shape {
        Shape {
            kind,
            parenthesized: false,
            start,
            end: self.last_end(),
        }
    }

    // ---- files -----------------------------------------------------------

    fn file(&mut self) {
        self.next();
        self.name();
        self.want(T::Semicolon);
        if !self.errors.is_empty() {
            return;
        }
        let mut previous = T::Import;
        let mut bodyless = false;
        while !self.is(T::EndOfFile) {
            let kind = self.kind();
            if kind == T::Import && previous != T::Import {
                self.syntax_error("imports must appear before other declarations");
            }
            previous = kind;
            let was_bodyless = std::mem::take(&mut bodyless);
            match kind {
                T::Import | T::Const | T::Type | T::Var => self.declaration(),
                T::Func => {
                    self.next();
                    bodyless = !self.function();
                }
                _ => {
                    if kind == T::LeftBrace && was_bodyless {
                        self.syntax_error("unexpected semicolon or newline before {");
                        self.help("the opening brace belongs on the line of the declaration");
                    } else {
                        self.syntax_error("non-declaration statement outside function body");
                    }
                    self.advance(&[T::Import, T::Const, T::Type, T::Var, T::Func]);
                    continue;
                }
            }
            if !self.is(T::EndOfFile) && !self.got(T::Semicolon) {
                self.syntax_error("after top level declaration");
                self.advance(&[T::Import, T::Const, T::Type, T::Var, T::Func]);
            }
        }
    }

    /// A file without `package` clause: imports, then statements and functions.
    fn script(&mut self) {
        if self.tokens.iter().any(|token| token.kind == T::Package) {
            return self.syntax_error("package statement must be first");
        }
        self.in_function = 1;
        while self.is(T::Import) {
            self.declaration();
            if !self.is(T::EndOfFile) && !self.got(T::Semicolon) {
                self.syntax_error("after top level declaration");
                self.advance(&[T::Semicolon]);
            }
        }
        while !self.is(T::EndOfFile) {
            self.unwinding = false;
            if self.is(T::Func) && declares_function(self.tokens, self.at) {
                self.next();
                self.function();
                self.end_of_statement();
                continue;
            }
            let before = self.at;
            self.statements(true);
            if self.unwinding {
                continue;
            }
            if self.is(T::Import) {
                self.syntax_error("imports must appear before other declarations");
                self.declaration();
                self.end_of_statement();
            } else if self.at == before && !self.is(T::Func) {
                self.syntax_error("expected statement");
                self.next();
            }
        }
    }

    // ---- declarations ----------------------------------------------------

    /// GO: list; gives the offset of the closing token.
    fn list(
        &mut self,
        context: &str,
        separator: TokenKind,
        close: TokenKind,
        mut element: impl FnMut(&mut Self) -> bool,
    ) -> u32 {
        let mut done = false;
        let opening = self.last_end();
        while !self.is(T::EndOfFile) && !self.is(close) && !done {
            done = element(self);
            if !self.got(separator) && !self.is(close) {
                self.syntax_error(&format!(
                    "in {context}; possibly missing {} or {}",
                    display(separator),
                    display(close)
                ));
                if self.is_script && self.is(T::Semicolon) && self.is_on_one_line(opening) {
                    return self.pos();
                }
                self.advance(&[T::RightParen, T::RightBracket, T::RightBrace]);
                if !self.is(close) {
                    return self.pos();
                }
            }
        }
        let at = self.pos();
        self.want(close);
        at
    }

    /// `import`, `const`, `type`, `var`, alone or in a group.
    fn declaration(&mut self) {
        let keyword = self.kind();
        self.next();
        let spec: fn(&mut Self) = match keyword {
            T::Import => Self::import,
            T::Const => Self::const_spec,
            T::Type => Self::type_spec,
            _ => Self::var_spec,
        };
        if self.is(T::LeftParen) {
            self.next();
            self.list("grouped declaration", T::Semicolon, T::RightParen, |this| {
                spec(this);
                false
            });
        } else {
            spec(self);
        }
    }

    fn import(&mut self) {
        if matches!(self.kind(), T::Ident | T::Dot) {
            self.next();
        }
        let token = self.token();
        if !token.kind.is_literal() {
            self.syntax_error("missing import path");
            self.advance(&[T::Semicolon, T::RightParen]);
            return;
        }
        if token.kind != T::String {
            self.syntax_error("import path must be a string");
        }
        self.next();
    }

    fn const_spec(&mut self) {
        self.name();
        self.more_names();
        if !matches!(self.kind(), T::EndOfFile | T::Semicolon | T::RightParen) {
            self.type_or_none();
            if self.got_assign() {
                self.expr_list();
            }
        }
    }

    fn type_spec(&mut self) {
        let behind_name = self.is(T::Ident);
        self.name();
        let found = if behind_name
            && self.is(T::LeftBracket)
            && opens_type_parameters(&self.tokens[self.at..])
        {
            self.next();
            self.param_list(T::RightBracket, true, false);
            self.got_assign();
            self.type_or_none().is_some()
        } else {
            self.got_assign();
            self.type_or_none().is_some()
        };
        if !found {
            self.syntax_error("in type declaration");
            if self.is_script && self.reach_brace_of_line() {
                return self.skip_block();
            }
            self.advance(&[T::Semicolon, T::RightParen]);
        }
    }

    fn var_spec(&mut self) {
        self.name();
        self.more_names();
        if self.got_assign() {
            self.expr_list();
        } else {
            self.ty();
            if self.got_assign() {
                self.expr_list();
            }
        }
    }

    /// Behind `func`; whether it has a body. GO: funcDeclOrNil
    fn function(&mut self) -> bool {
        let has_receiver = self.got(T::LeftParen);
        if has_receiver {
            match self.param_list(T::RightParen, false, false) {
                0 => self.error("method has no receiver"),
                1 => {}
                _ => self.error("method has multiple receivers"),
            }
        }
        if self.is(T::Ident) {
            self.next();
            self.func_type("");
        } else {
            self.syntax_error(if has_receiver {
                "expected name"
            } else {
                "expected name or ("
            });
            self.advance(&[T::LeftBrace, T::Semicolon]);
        }
        let has_body = self.is(T::LeftBrace);
        if has_body {
            self.func_body();
        }
        has_body
    }

    fn func_body(&mut self) {
        self.in_function += 1;
        self.block("");
        self.in_function -= 1;
    }

    // ---- expressions -----------------------------------------------------

    fn expr(&mut self) -> Shape {
        self.binary_expr(0)
    }

    fn binary_expr(&mut self, precedence: u8) -> Shape {
        let bad = self.bad();
        self.deeper(bad, |this| {
            let mut left = this.unary_expr();
            loop {
                let found = binary_precedence(this.kind());
                if found <= precedence {
                    return left;
                }
                this.next();
                this.binary_expr(found);
                left = this.shape(Kind::Binary, left.start);
            }
        })
    }

    fn unary_expr(&mut self) -> Shape {
        let start = self.pos();
        let bad = self.bad();
        match self.kind() {
            T::Star => {
                self.next();
                self.deeper(bad, Self::unary_expr);
                self.shape(Kind::Star, start)
            }
            T::Plus | T::Minus | T::Not | T::Caret | T::Tilde | T::Ampersand => {
                self.next();
                self.deeper(bad, Self::unary_expr);
                self.shape(Kind::Unary, start)
            }
            T::Arrow => {
                self.next();
                let operand = self.deeper(bad, Self::unary_expr);
                if operand.kind == Kind::ChanType {
                    self.check_arrow(operand);
                    return self.shape(Kind::ChanType, start);
                }
                self.shape(Kind::Unary, start)
            }
            _ => self.primary_expr(),
        }
    }

    /// `<-` before a channel type: it must be bidirectional, or send-only channels of such.
    fn check_arrow(&mut self, ty: Shape) {
        let text = self
            .text
            .get(ty.start as usize..ty.end as usize)
            .unwrap_or("")
            .trim_start();
        if text.starts_with("<-") {
            return self.syntax_error("unexpected <-, expected chan");
        }
        let mut rest = text;
        while let Some(element) = rest.strip_prefix("chan").map(str::trim_start) {
            match element.strip_prefix("<-").map(str::trim_start) {
                None => return,
                Some(element) => rest = element,
            }
        }
        if rest.starts_with("<-") {
            self.syntax_error("unexpected <-, expected chan");
        } else {
            self.syntax_error(&format!("unexpected {rest}, expected chan"));
        }
    }

    fn operand(&mut self) -> Shape {
        let start = self.pos();
        match self.kind() {
            T::Ident => {
                self.next();
                self.shape(Kind::Name, start)
            }
            kind if kind.is_literal() => {
                self.next();
                self.shape(Kind::Literal, start)
            }
            T::LeftParen => {
                self.next();
                self.nesting += 1;
                let inner = self.expr();
                self.nesting -= 1;
                self.want(T::RightParen);
                Shape {
                    parenthesized: true,
                    ..self.shape(inner.kind, start)
                }
            }
            T::Func => {
                self.next();
                self.func_type("function type");
                if self.is(T::LeftBrace) {
                    self.nesting += 1;
                    self.func_body();
                    self.nesting -= 1;
                    return self.shape(Kind::Value, start);
                }
                self.shape(Kind::OtherType, start)
            }
            T::LeftBracket | T::Chan | T::Map | T::Struct | T::Interface => self.ty(),
            _ => {
                let bad = self.bad();
                self.syntax_error("expected expression");
                if self.is_script && self.nesting >= 0 && self.is(T::LeftBrace) {
                    self.skip_block();
                    return bad;
                }
                const CLOSING: &[TokenKind] = &[T::RightParen, T::RightBracket, T::RightBrace];
                const OR_BODY: &[TokenKind] = &[
                    T::RightParen,
                    T::RightBracket,
                    T::RightBrace,
                    T::LeftBrace,
                    T::Semicolon,
                ];
                self.advance(match self.is_script && self.nesting < 0 {
                    true => OR_BODY,
                    false => CLOSING,
                });
                bad
            }
        }
    }

    fn primary_expr(&mut self) -> Shape {
        let mut x = self.operand();
        loop {
            match self.kind() {
                T::Dot => {
                    self.next();
                    match self.kind() {
                        T::Ident => {
                            self.next();
                            x = self.shape(Kind::Selector, x.start);
                        }
                        T::LeftParen => {
                            self.next();
                            let kind = if self.got(T::Type) {
                                Kind::Guard
                            } else {
                                self.ty();
                                Kind::Value
                            };
                            self.want(T::RightParen);
                            x = self.shape(kind, x.start);
                        }
                        _ => {
                            self.syntax_error("expected name or (");
                            self.advance(&[T::Semicolon, T::RightParen]);
                        }
                    }
                }
                T::LeftBracket => x = self.index_or_slice(x),
                T::LeftParen => {
                    self.next();
                    self.nesting += 1;
                    self.list("argument list", T::Comma, T::RightParen, |this| {
                        this.expr();
                        this.got(T::Ellipsis)
                    });
                    self.nesting -= 1;
                    x = self.shape(Kind::Call, x.start);
                }
                T::LeftBrace => {
                    let can_be_literal = match x.kind {
                        Kind::Name | Kind::Selector => self.nesting >= 0,
                        Kind::Index { is_value } => self.nesting >= 0 && !is_value,
                        Kind::CollectionType => true,
                        _ => false,
                    };
                    if !can_be_literal || self.is_script && self.is_foreign_block(x) {
                        return x;
                    }
                    if x.parenthesized {
                        self.syntax_error("cannot parenthesize type in composite literal");
                    }
                    self.composite_lit();
                    x = self.shape(Kind::Value, x.start);
                }
                _ => return x,
            }
        }
    }

    fn index_or_slice(&mut self, x: Shape) -> Shape {
        self.next();
        let mut index = self.bad();
        if !self.is(T::Colon) {
            let mut comma = false;
            if self.is(T::RightBracket) {
                self.syntax_error("expected operand");
            } else {
                (index, comma) = self.type_list(false);
            }
            if comma || self.is(T::RightBracket) {
                self.want(T::RightBracket);
                let is_value = x.is_value() || index.is_value();
                return self.shape(Kind::Index { is_value }, x.start);
            }
        }
        if !self.got(T::Colon) {
            self.syntax_error("expected comma, : or ]");
            self.advance(&[T::Comma, T::Colon, T::RightBracket]);
        }
        self.nesting += 1;
        let mut has_middle = false;
        if !matches!(self.kind(), T::Colon | T::RightBracket) {
            self.expr();
            has_middle = true;
        }
        if self.is(T::Colon) {
            if !has_middle {
                self.error("middle index required in 3-index slice");
            }
            self.next();
            if self.is(T::RightBracket) {
                self.error("final index required in 3-index slice");
            } else {
                self.expr();
            }
        }
        self.nesting -= 1;
        self.want(T::RightBracket);
        self.shape(Kind::Value, x.start)
    }

    fn element(&mut self) {
        if self.is(T::LeftBrace) {
            self.deeper((), Self::composite_lit);
        } else {
            self.expr();
        }
    }

    fn composite_lit(&mut self) {
        self.nesting += 1;
        self.want(T::LeftBrace);
        let errors = self.errors.len();
        self.list("composite literal", T::Comma, T::RightBrace, |this| {
            this.element();
            if this.got(T::Colon) {
                this.element();
            }
            false
        });
        if self.errors.len() == errors + 1
            && self.errors[errors]
                .message
                .starts_with("syntax error: unexpected newline in composite")
        {
            self.errors[errors].help =
                Some("the last line of a list needs a comma too, or the closing brace on it");
        }
        self.nesting -= 1;
    }

    // ---- types -----------------------------------------------------------

    fn ty(&mut self) -> Shape {
        self.type_or_none().unwrap_or_else(|| {
            let bad = self.bad();
            self.syntax_error("expected type");
            self.advance(&[
                T::Comma,
                T::Colon,
                T::Semicolon,
                T::RightParen,
                T::RightBracket,
                T::RightBrace,
            ]);
            bad
        })
    }

    fn type_or_none(&mut self) -> Option<Shape> {
        self.deeper(None, Self::type_inside)
    }

    fn type_inside(&mut self) -> Option<Shape> {
        let start = self.pos();
        Some(match self.kind() {
            T::Star => {
                self.next();
                self.ty();
                self.shape(Kind::Star, start)
            }
            T::Arrow => {
                self.next();
                self.want(T::Chan);
                self.chan_element();
                self.shape(Kind::ChanType, start)
            }
            T::Func => {
                self.next();
                self.func_type("function type");
                self.shape(Kind::OtherType, start)
            }
            T::LeftBracket => {
                self.next();
                if self.got(T::RightBracket) {
                    self.ty();
                } else {
                    self.array_type();
                }
                self.shape(Kind::CollectionType, start)
            }
            T::Chan => {
                self.next();
                self.got(T::Arrow);
                self.chan_element();
                self.shape(Kind::ChanType, start)
            }
            T::Map => {
                self.next();
                self.want(T::LeftBracket);
                self.ty();
                self.want(T::RightBracket);
                self.ty();
                self.shape(Kind::CollectionType, start)
            }
            T::Struct => {
                self.next();
                self.want(T::LeftBrace);
                self.list("struct type", T::Semicolon, T::RightBrace, |this| {
                    this.field();
                    false
                });
                self.shape(Kind::CollectionType, start)
            }
            T::Interface => {
                self.next();
                self.want(T::LeftBrace);
                self.list("interface type", T::Semicolon, T::RightBrace, |this| {
                    this.interface_element();
                    false
                });
                self.shape(Kind::OtherType, start)
            }
            T::Ident => self.qualified_name(),
            T::LeftParen => {
                self.next();
                let inner = self.ty();
                self.want(T::RightParen);
                self.shape(inner.kind, start)
            }
            _ => return None,
        })
    }

    /// Behind `[`.
    fn array_type(&mut self) {
        if !self.got(T::Ellipsis) {
            self.nesting += 1;
            self.expr();
            self.nesting -= 1;
        }
        if self.is(T::Comma) {
            self.syntax_error("unexpected comma; expected ]");
            self.next();
        }
        self.want(T::RightBracket);
        self.ty();
    }

    fn chan_element(&mut self) {
        if self.type_or_none().is_none() {
            self.syntax_error("missing channel element type");
        }
    }

    /// At the parameters. A context forbids type parameters.
    fn func_type(&mut self, context: &str) {
        let token = self.token();
        if self.got(T::LeftBracket) {
            if !context.is_empty() {
                self.syntax_error_at(
                    token.start,
                    token.end,
                    &format!("{context} must have no type parameters"),
                );
            }
            if self.is(T::RightBracket) {
                self.syntax_error("empty type parameter list");
                self.next();
            } else {
                self.param_list(T::RightBracket, true, false);
            }
        }
        if self.is_script && self.is(T::LeftBrace) {
            return self.syntax_error("expected (");
        }
        self.want(T::LeftParen);
        self.param_list(T::RightParen, false, true);
        if self.got(T::LeftParen) {
            self.param_list(T::RightParen, false, false);
        } else {
            self.type_or_none();
        }
    }

    fn field(&mut self) {
        match self.kind() {
            T::Ident => {
                let behind = self.tokens[self.at + 1].kind;
                if behind == T::Dot
                    || behind.is_literal()
                    || behind.is_semicolon()
                    || behind == T::RightBrace
                {
                    self.qualified_name();
                } else {
                    self.next();
                    let alone = !self.is(T::Comma);
                    self.more_names();
                    if alone && self.is(T::LeftBracket) {
                        self.array_or_type_args();
                    } else {
                        self.ty();
                    }
                }
                self.tag();
            }
            T::Star => {
                self.next();
                self.embedded_name();
            }
            T::LeftParen => {
                self.syntax_error("cannot parenthesize embedded type");
                self.next();
                self.got(T::Star);
                self.qualified_name();
                self.got(T::RightParen);
                self.tag();
            }
            _ => {
                self.syntax_error("expected field name or embedded type");
                self.advance(&[T::Semicolon, T::RightBrace]);
            }
        }
    }

    fn embedded_name(&mut self) {
        if self.is(T::LeftParen) {
            self.syntax_error("cannot parenthesize embedded type");
            self.next();
            self.qualified_name();
            self.got(T::RightParen);
        } else {
            self.qualified_name();
        }
        self.tag();
    }

    fn tag(&mut self) {
        if self.kind().is_literal() {
            self.next();
        }
    }

    /// `[n]E` or `[A, B]` behind a name; whether it was an array or slice type.
    fn array_or_type_args(&mut self) -> bool {
        self.want(T::LeftBracket);
        if self.got(T::RightBracket) {
            self.ty();
            return true;
        }
        let (_, comma) = self.type_list(false);
        self.want(T::RightBracket);
        !comma && self.type_or_none().is_some()
    }

    fn interface_element(&mut self) {
        if !self.is(T::Ident) {
            return self.embedded_element();
        }
        match self.tokens[self.at + 1].kind {
            T::LeftParen => {
                self.next();
                self.func_type("interface method");
            }
            T::LeftBracket => {
                self.next();
                let bracket = self.token();
                self.next();
                if self.is(T::RightBracket) {
                    let close = self.token();
                    self.next();
                    if self.is(T::LeftParen) {
                        self.error_at(
                            close.start,
                            close.end,
                            "empty type parameter list".to_owned(),
                        );
                        self.func_type("interface method");
                    } else {
                        self.error_at(
                            close.start,
                            close.end,
                            "empty type argument list".to_owned(),
                        );
                    }
                    return;
                }
                let (count, named) = self.params(T::RightBracket, false, false);
                if count == 0 && self.is(T::LeftParen) {
                    self.func_type("interface method");
                } else if named {
                    self.func_type("interface method");
                    let message = "interface method must have no type parameters";
                    self.error_at(bracket.start, bracket.end, message.to_owned());
                } else {
                    self.more_terms();
                }
            }
            _ => {
                self.qualified_name();
                self.more_terms();
            }
        }
    }

    fn embedded_element(&mut self) {
        self.embedded_term();
        self.more_terms();
    }

    fn more_terms(&mut self) {
        while self.got(T::Pipe) {
            self.embedded_term();
        }
    }

    fn embedded_term(&mut self) {
        if self.got(T::Tilde) {
            self.ty();
        } else if self.type_or_none().is_none() {
            self.syntax_error("expected ~ term or type");
            while !matches!(
                self.kind(),
                T::EndOfFile | T::Semicolon | T::RightParen | T::RightBracket | T::RightBrace
            ) && binary_precedence(self.kind()) == 0
                && !(self.in_function > 0 && begins_statement(self.kind()))
            {
                self.next();
            }
        }
    }

    /// Behind the opening bracket; gives how many there are.
    fn param_list(&mut self, close: TokenKind, require_names: bool, variadic_ok: bool) -> usize {
        self.params(close, require_names, variadic_ok).0
    }

    /// GO: paramList; also says whether they have names.
    fn params(
        &mut self,
        close: TokenKind,
        require_names: bool,
        variadic_ok: bool,
    ) -> (usize, bool) {
        let mut list: Vec<Parameter> = Vec::new();
        let end = self.list("parameter list", T::Comma, close, |this| {
            list.extend(this.param(close));
            false
        });
        let named = list
            .iter()
            .filter(|param| param.name.is_some() && param.ty.is_some())
            .count();
        let typed = list.iter().filter(|param| param.ty.is_some()).count();
        if named == 0 && !require_names {
            // All are types.
        } else if named != list.len() {
            let mut error: Option<u32> = None;
            let mut has_type = false;
            for param in list.iter().rev() {
                if let Some(ty) = param.ty {
                    has_type = true;
                    if param.name.is_none() {
                        error = Some(ty);
                    }
                } else if !has_type {
                    error = param.name;
                }
            }
            if let Some(at) = error {
                let (at, message) = match (named == typed, require_names) {
                    (true, true) => (end, "missing type constraint"),
                    (true, false) => (end, "missing parameter type"),
                    (false, true) if list.len() == 1 => {
                        (at, "missing type parameter name or invalid array length")
                    }
                    (false, true) => (at, "missing type parameter name"),
                    (false, false) => (at, "missing parameter name"),
                };
                self.syntax_error_at(at, at + 1, message);
            }
        }
        let last = list.len().saturating_sub(1);
        // Names before a typed one share its type, dots included.
        let mut shared = None;
        for param in list.iter_mut().rev().filter(|_| named > 0) {
            if param.ty.is_some() {
                shared = param.variadic;
            }
            param.variadic = shared;
        }
        let misplaced = list
            .iter()
            .enumerate()
            .find_map(|(index, param)| param.variadic.filter(|_| !variadic_ok || index < last));
        if let Some(at) = misplaced {
            let message = if variadic_ok {
                "can only use ... with final parameter"
            } else {
                "invalid use of ..."
            };
            self.error_at(at, at + 3, message.to_owned());
        }
        (list.len(), named > 0)
    }

    /// GO: paramDeclOrNil
    fn param(&mut self, follow: TokenKind) -> Option<Parameter> {
        let sets = follow == T::RightBracket;
        let start = self.pos();
        let mut param = Parameter {
            name: None,
            ty: None,
            variadic: None,
        };
        if sets && self.is(T::Tilde) {
            self.embedded_element();
            param.ty = Some(start);
            return Some(param);
        }
        if self.is(T::Ident) {
            let behind = self.tokens[self.at + 1].kind;
            if behind == T::LeftBracket {
                self.next();
                param.ty = Some(self.pos());
                if self.array_or_type_args() {
                    param.name = Some(start);
                } else {
                    param.ty = Some(start);
                }
                if sets {
                    self.more_terms();
                }
                return Some(param);
            }
            if behind == T::Dot || sets && behind == T::Pipe {
                self.qualified_name();
                param.ty = Some(start);
                if sets {
                    self.more_terms();
                }
                return Some(param);
            }
            self.next();
            param.name = Some(start);
        }
        let here = self.pos();
        if self.is(T::Ellipsis) {
            self.next();
            param.ty = Some(here);
            if self.type_or_none().is_none() {
                self.syntax_error("... is missing type");
            } else {
                param.variadic = Some(here);
            }
            return Some(param);
        }
        if sets && self.is(T::Tilde) {
            self.embedded_element();
            param.ty = Some(here);
            return Some(param);
        }
        // Go's function type begins behind `func`.
        let type_start = if self.is(T::Func) {
            self.tokens[self.at + 1].start
        } else {
            here
        };
        if self.type_or_none().is_some() {
            param.ty = Some(type_start);
            if sets {
                self.more_terms();
            }
        }
        if param.name.is_some() || param.ty.is_some() {
            return Some(param);
        }
        self.syntax_error(&format!("expected {}", display(follow)));
        self.advance(&[T::Comma, follow]);
        None
    }

    // ---- statements ------------------------------------------------------

    fn simple(&mut self, lhs: Option<Shape>, keyword: Option<TokenKind>) -> Statement {
        let start = lhs.map_or(self.pos(), |lhs| lhs.start);
        let none = self.bad();
        let finish = |this: &Self, simple, op, lhs, rhs| Statement {
            simple,
            start,
            end: this.last_end(),
            op,
            lhs,
            rhs,
        };
        if keyword == Some(T::For) && self.is(T::Range) {
            self.next();
            self.expr();
            return finish(self, Simple::Range, start, none, none);
        }
        let lhs = lhs.unwrap_or_else(|| self.expr_list());
        let op = self.pos();
        let kind = self.kind();
        if lhs.kind != Kind::List && kind != T::Assign && kind != T::Define {
            return match kind {
                T::Increment | T::Decrement => {
                    self.next();
                    finish(self, Simple::Other, op, lhs, none)
                }
                T::Arrow => {
                    self.next();
                    let rhs = self.expr();
                    finish(self, Simple::Other, op, lhs, rhs)
                }
                kind if is_operation_assign(kind) => {
                    self.next();
                    let rhs = self.expr();
                    finish(self, Simple::Other, op, lhs, rhs)
                }
                _ => {
                    if lhs.kind == Kind::Guard && keyword != Some(T::Switch) {
                        let message = "invalid syntax tree: use of .(type) outside type switch";
                        self.error_at(lhs.start, lhs.end, message.to_owned());
                    }
                    finish(self, Simple::Expr, op, lhs, none)
                }
            };
        }
        if !matches!(kind, T::Assign | T::Define) {
            self.syntax_error("expected := or = or comma");
            self.advance(&[T::Semicolon, T::RightBrace]);
            return finish(self, Simple::Expr, op, lhs, none);
        }
        self.next();
        if keyword == Some(T::For) && self.is(T::Range) {
            self.next();
            self.expr();
            return finish(self, Simple::Range, op, lhs, none);
        }
        let rhs = self.expr_list();
        if rhs.kind == Kind::Guard {
            if keyword == Some(T::Switch) && kind == T::Define && lhs.kind == Kind::Name {
                return finish(self, Simple::Expr, op, lhs, rhs);
            }
            let message = "invalid syntax tree: use of .(type) outside type switch";
            self.error_at(rhs.start, rhs.end, message.to_owned());
        }
        finish(
            self,
            if kind == T::Define {
                Simple::Define
            } else {
                Simple::Assign
            },
            op,
            lhs,
            rhs,
        )
    }

    /// Whether a statement followed.
    fn labeled(&mut self) -> bool {
        let colon = self.token();
        self.want(T::Colon);
        if self.is(T::RightBrace) {
            return true;
        }
        let found = self.deeper(true, Self::statement);
        if !found {
            self.syntax_error_at(colon.start, colon.end, "missing statement after label");
        }
        found
    }

    fn block(&mut self, context: &str) {
        if !self.got(T::LeftBrace) {
            self.syntax_error(&format!("expected {{ after {context}"));
            self.advance(&[T::Ident, T::RightBrace]);
            if self.got(T::RightBrace) {
                return;
            }
        }
        self.deeper((), |this| this.statements(false));
        self.want(T::RightBrace);
    }

    /// Behind the keyword. GO: header
    fn header(&mut self, keyword: TokenKind) {
        let word = keyword.display().trim_start_matches("keyword ");
        self.next();
        if self.is(T::LeftBrace) {
            if keyword == T::If {
                self.syntax_error("missing condition in if statement");
            }
            return;
        }
        let outer = self.nesting;
        self.nesting = -1;
        self.header_inside(keyword, word);
        self.nesting = outer;
    }

    fn header_inside(&mut self, keyword: TokenKind, word: &str) {
        let mut init = None;
        if !self.is(T::Semicolon) {
            if self.got(T::Var) {
                self.syntax_error(&format!(
                    "var declaration not allowed in {word} initializer"
                ));
                self.help("use := here, or declare the variable before the statement");
            }
            let statement = self.simple(None, Some(keyword));
            if statement.simple == Simple::Range {
                return;
            }
            init = Some(statement);
        }
        let mut condition = None;
        let mut semicolon = None;
        if self.is(T::LeftBrace) {
            condition = init;
        } else {
            if self.is(T::Semicolon) {
                semicolon = Some(self.token());
                self.next();
            } else {
                self.want(T::LeftBrace);
                if !self.is(T::LeftBrace) {
                    self.advance(&[T::LeftBrace, T::RightBrace]);
                }
            }
            if keyword == T::For {
                if !self.is(T::Semicolon) {
                    if self.is(T::LeftBrace) {
                        return self.syntax_error("expected for loop condition");
                    }
                    condition = Some(self.simple(None, None));
                }
                self.want(T::Semicolon);
                if !self.is(T::LeftBrace) {
                    let post = self.simple(None, None);
                    if post.simple == Simple::Define {
                        self.syntax_error_at(
                            post.op,
                            post.op + 2,
                            "cannot declare in post statement of for loop",
                        );
                    }
                }
            } else if !self.is(T::LeftBrace) {
                condition = Some(self.simple(None, Some(keyword)));
            }
        }
        match condition {
            None => {
                if let Some(token) = semicolon.filter(|_| keyword == T::If) {
                    if token.kind == T::Semicolon {
                        self.syntax_error_at(
                            token.start,
                            token.end,
                            "missing condition in if statement",
                        );
                    } else {
                        let message = format!(
                            "unexpected {}, expected {{ after if clause",
                            token.kind.display()
                        );
                        self.syntax_error_at(token.start, token.end, &message);
                        self.help("the opening brace belongs on the line of the condition");
                    }
                }
            }
            Some(statement) if statement.simple == Simple::Expr => {}
            Some(statement) => {
                let source = |start: u32, end: u32| self.short_source(start, end);
                let emphasized = |shape: Shape| {
                    let text = source(shape.start, shape.end);
                    if shape.kind == Kind::Binary && !shape.parenthesized {
                        format!("({text})")
                    } else {
                        text
                    }
                };
                let is_assign = statement.simple == Simple::Assign;
                let what = if is_assign {
                    format!(
                        "assignment {} = {}",
                        emphasized(statement.lhs),
                        emphasized(statement.rhs)
                    )
                } else {
                    source(statement.start, statement.end)
                };
                self.syntax_error_at(
                    statement.op,
                    statement.op + 1,
                    &format!("cannot use {what} as value"),
                );
                if is_assign {
                    self.help("== compares");
                }
            }
        }
    }

    fn if_statement(&mut self) {
        self.header(T::If);
        self.block("if clause");
        if self.got(T::Else) {
            match self.kind() {
                T::If => self.deeper((), Self::if_statement),
                T::LeftBrace => self.block(""),
                _ => {
                    self.syntax_error("else must be followed by if or statement block");
                    self.advance(&[T::Ident, T::RightBrace]);
                }
            }
        }
    }

    /// The text on one line, without what stands in braces, as Go shows expressions.
    fn short_source(&self, start: u32, end: u32) -> String {
        let first = self.tokens.partition_point(|token| token.start < start);
        let tokens = self.tokens[first..].iter();
        let part = |from: u32, to: u32| self.text.get(from as usize..to as usize).unwrap_or("");
        let (mut text, mut from, mut depth) = (String::new(), start, 0u32);
        for token in tokens.take_while(|token| token.end <= end) {
            match token.kind {
                T::LeftBrace => {
                    if depth == 0 {
                        text.push_str(part(from, token.end));
                        from = token.end;
                    }
                    depth += 1;
                }
                T::RightBrace => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        if !part(from, token.start).trim().is_empty() {
                            text.push('…');
                        }
                        from = token.start;
                    }
                }
                _ => {}
            }
        }
        text.push_str(part(from, end));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn cases(&mut self, context: &str) {
        if !self.got(T::LeftBrace) {
            self.syntax_error(&format!("missing {{ after {context} clause"));
            self.advance(&[T::Case, T::Default, T::RightBrace]);
        }
        while !self.unwinding && !matches!(self.kind(), T::EndOfFile | T::RightBrace) {
            match self.kind() {
                T::Case => {
                    self.next();
                    if context == "switch" {
                        self.expr_list();
                    } else {
                        self.simple(None, None);
                    }
                }
                T::Default => self.next(),
                _ => {
                    self.syntax_error("expected case or default or }");
                    self.advance(&[T::Colon, T::Case, T::Default, T::RightBrace]);
                }
            }
            self.want(T::Colon);
            self.deeper((), |this| this.statements(false));
        }
        self.want(T::RightBrace);
    }

    /// Whether there was one. GO: stmtOrNil
    fn statement(&mut self) -> bool {
        let kind = self.kind();
        match kind {
            T::Ident => {
                let lhs = self.expr_list();
                if lhs.kind == Kind::Name && !lhs.parenthesized && self.is(T::Colon) {
                    return self.labeled();
                }
                self.simple(Some(lhs), None);
            }
            T::Var | T::Const | T::Type => self.declaration(),
            T::LeftBrace => self.block(""),
            T::Plus
            | T::Minus
            | T::Star
            | T::Ampersand
            | T::Caret
            | T::Not
            | T::Tilde
            | T::Arrow => {
                if kind == T::Tilde {
                    return false;
                }
                self.simple(None, None);
            }
            T::Func if self.is_script && declares_function(self.tokens, self.at) => {
                return self.misplaced_function();
            }
            T::Func
            | T::LeftParen
            | T::LeftBracket
            | T::Struct
            | T::Map
            | T::Chan
            | T::Interface => {
                self.simple(None, None);
            }
            kind if kind.is_literal() => {
                self.simple(None, None);
            }
            T::For => {
                self.header(T::For);
                self.block("for clause");
            }
            T::Switch => {
                self.header(T::Switch);
                self.cases("switch");
            }
            T::Select => {
                self.next();
                self.cases("select");
            }
            T::If => self.if_statement(),
            T::Fallthrough => self.next(),
            T::Break | T::Continue => {
                self.next();
                self.got(T::Ident);
            }
            T::Go | T::Defer => {
                let word = kind.display().trim_start_matches("keyword ");
                self.next();
                let call = self.primary_expr();
                if call.parenthesized {
                    self.error_at(
                        call.start,
                        call.end,
                        format!("expression in {word} must not be parenthesized"),
                    );
                }
            }
            T::Goto => {
                self.next();
                self.name();
            }
            T::Return => {
                self.next();
                if !matches!(self.kind(), T::Semicolon | T::RightBrace) {
                    self.expr_list();
                }
            }
            T::Semicolon => {}
            _ => return false,
        }
        true
    }

    fn end_of_statement(&mut self) {
        if !self.unwinding && !self.got(T::Semicolon) && !self.is(T::RightBrace) {
            self.syntax_error("at end of statement");
            if self.is_script {
                self.blocks_of_line();
            }
            self.advance(&[T::Semicolon, T::RightBrace, T::Case, T::Default]);
            self.got(T::Semicolon);
        }
    }

    // ---- scripts ---------------------------------------------------------

    /// Is there no line end between this offset and the current token?
    fn is_on_one_line(&self, from: u32) -> bool {
        let between = self.text.get(from as usize..self.pos() as usize);
        between.is_some_and(|text| !text.contains('\n'))
    }

    /// Does a line end follow the token with this number?
    fn ends_line(&self, at: usize) -> bool {
        let end = self.tokens[at].end as usize;
        match self.tokens.get(at + 1) {
            None => true,
            Some(next) => {
                let between = self.text.get(end..next.start as usize);
                between.is_some_and(|text| text.contains('\n'))
            }
        }
    }

    /// At the brace behind a name: is it the block of a statement that Go does not have?
    fn is_foreign_block(&self, name: Shape) -> bool {
        let word = self.text.get(name.start as usize..name.end as usize);
        name.kind == Kind::Name
            && word.is_some_and(|word| BLOCK_WORDS.contains(&word))
            && self.ends_line(self.at)
    }

    /// Is the first word of the line of the token with this number one of these?
    fn line_begins_with(&self, at: usize, words: &[&str]) -> bool {
        let first = (1..=at)
            .rev()
            .find(|at| self.tokens[at - 1].kind.is_semicolon() || self.ends_line(at - 1))
            .unwrap_or(0);
        words.contains(&self.tokens[first].text(self.text))
    }

    /// Goes to the opening brace that ends the line, if there is one.
    fn reach_brace_of_line(&mut self) -> bool {
        let mut at = self.at;
        while self.tokens[at].kind != T::EndOfFile
            && !self.tokens[at].kind.is_semicolon()
            && !self.ends_line(at)
        {
            at += 1;
        }
        let found = self.tokens[at].kind == T::LeftBrace;
        if found {
            self.at = at;
        }
        found
    }

    /// Reads the blocks that the line at fault opens, and those that follow on the lines of their closing braces.
    fn blocks_of_line(&mut self) {
        let mut holds_data = None;
        loop {
            let fault = self.at;
            if !self.reach_brace_of_line() {
                return;
            }
            if *holds_data.get_or_insert_with(|| self.line_begins_with(fault, DATA_WORDS)) {
                self.skip_block();
            } else {
                let nesting = std::mem::replace(&mut self.nesting, 0);
                self.block("");
                self.nesting = nesting;
            }
            if self.unwinding || !matches!(self.kind(), T::Else | T::Ident) {
                return;
            }
        }
    }

    /// At an opening brace: to behind the one that closes it.
    fn skip_block(&mut self) {
        let mut open = 0u32;
        while !self.is(T::EndOfFile) {
            match self.kind() {
                T::LeftBrace => open += 1,
                T::RightBrace => open -= 1,
                _ => {}
            }
            self.next();
            if open == 0 {
                return;
            }
        }
    }

    /// At a function's declaration within a function. At the margin it shows that a brace is missing above: the open blocks
    /// end, and so does the statement; else it is read as what it was meant to be.
    fn misplaced_function(&mut self) -> bool {
        let start = self.pos() as usize;
        let at = self.at;
        self.next();
        self.syntax_error("expected (");
        if start == 0 || self.text.as_bytes()[start - 1] == b'\n' {
            self.at = at;
            self.unwinding = true;
            return false;
        }
        self.function();
        true
    }

    /// GO: stmtList
    fn statements(&mut self, outermost: bool) {
        while !matches!(
            self.kind(),
            T::EndOfFile | T::RightBrace | T::Case | T::Default
        ) {
            if self.unwinding
                || outermost && self.is(T::Func) && declares_function(self.tokens, self.at)
            {
                return;
            }
            if !self.deeper(true, Self::statement) {
                return;
            }
            self.end_of_statement();
        }
    }

    // ---- names and lists -------------------------------------------------

    fn name(&mut self) {
        if !self.got(T::Ident) {
            self.syntax_error("expected name");
            self.advance(&[]);
        }
    }

    fn more_names(&mut self) {
        while self.got(T::Comma) {
            self.name();
        }
    }

    fn qualified_name(&mut self) -> Shape {
        let start = self.pos();
        let mut kind = Kind::Name;
        if !self.got(T::Ident) {
            self.syntax_error("expected name");
            self.advance(&[T::Dot, T::Semicolon, T::RightBrace]);
        }
        if self.got(T::Dot) {
            kind = Kind::Selector;
            self.name();
        }
        if self.got(T::LeftBracket) {
            kind = Kind::Index { is_value: false };
            if self.is(T::RightBracket) {
                self.syntax_error("expected type argument list");
            } else {
                self.type_list(true);
            }
            self.want(T::RightBracket);
        }
        self.shape(kind, start)
    }

    fn expr_list(&mut self) -> Shape {
        let first = self.expr();
        if !self.is(T::Comma) {
            return first;
        }
        while self.got(T::Comma) {
            self.expr();
        }
        self.shape(Kind::List, first.start)
    }

    fn type_list(&mut self, strict: bool) -> (Shape, bool) {
        self.nesting += 1;
        let mut first = if strict { self.ty() } else { self.expr() };
        let mut comma = false;
        if self.got(T::Comma) {
            comma = true;
            if self.type_or_none().is_some() {
                while self.got(T::Comma) {
                    if self.type_or_none().is_none() {
                        break;
                    }
                }
                first = self.shape(Kind::List, first.start);
            }
        }
        self.nesting -= 1;
        (first, comma)
    }
}

/// Where the parts of a parameter begin.
struct Parameter {
    name: Option<u32>,
    ty: Option<u32>,
    variadic: Option<u32>,
}

/// GO: tokstring
fn display(kind: TokenKind) -> &'static str {
    match kind {
        T::Semicolon => "semicolon or newline",
        T::Ident => "name",
        kind => kind.display(),
    }
}

/// GO: stopset
fn begins_statement(kind: TokenKind) -> bool {
    use TokenKind::*;
    matches!(
        kind,
        Break
            | Const
            | Continue
            | Defer
            | Fallthrough
            | For
            | Go
            | Goto
            | If
            | Return
            | Select
            | Switch
            | Type
            | Var
    )
}

/// 0 for what is no binary operator.
fn binary_precedence(kind: TokenKind) -> u8 {
    use TokenKind::*;
    match kind {
        OrOr => 1,
        AndAnd => 2,
        Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual => 3,
        Plus | Minus | Pipe | Caret => 4,
        Star | Slash | Percent | Ampersand | AndNot | ShiftLeft | ShiftRight => 5,
        _ => 0,
    }
}

fn is_operation_assign(kind: TokenKind) -> bool {
    crate::terminals::operation_assign(kind).is_some()
}
