//! Between lexer and grammar: tells apart what Go's grammar tells apart only by looking far ahead or far back.
//!
//! One pass over the tokens with a stack of contexts, pushed at `(`, `[`, `{` and popped at their ends, marks
//!
//! 1. the `{` that opens the body of `if`, `for`, `switch`, `select` ([`Terminal::Body`]): the first at the header's own
//!    depth that does not belong to a `struct` or `interface` type, a function literal, or a composite literal whose
//!    type begins with `[`, `map` or `struct`. Any other `T {` in a header is the body, as in Go (SPEC: Composite literals);
//! 2. the `[` behind `type Name` that opens type parameters rather than an array length ([`Terminal::TypeParams`]);
//! 3. the `func` that begins a declaration ([`Terminal::FuncDecl`]): outermost and at the beginning of a statement.
//!
//! Rejected: conditions in the grammar (`Expression<Context>`), which double every expression rule.

use crate::ast::BinaryOperator;
use lexer::{Token, TokenKind};

/// What the grammar sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Terminal {
    /// The first of a file with a `package` clause.
    BeginFile,
    /// The first of a script.
    BeginScript,
    /// A token as it is; semicolons are all [`TokenKind::Semicolon`].
    Plain(TokenKind),
    /// `+=` and its like.
    OperationAssign(BinaryOperator),
    /// `{`
    Body,
    /// `[`
    TypeParams,
    /// `func`
    FuncDecl,
}

/// What is known about the tokens since the innermost open bracket.
#[derive(Clone, Copy, Default)]
struct Context {
    /// In the header of a statement.
    header: bool,
    /// In a header: behind `func`, before its body.
    func: bool,
    /// In a header: behind the beginning of a type that may open a composite literal.
    literal: bool,
    /// In such a type: behind `func`, before the parenthesis of its results.
    literal_func: bool,
    /// In `type ( ... )`.
    type_group: bool,
}

/// Marks the terminals. A file is a script when it does not begin with `package`.
pub fn terminals(tokens: &[Token]) -> Vec<(u32, Terminal, u32)> {
    use TokenKind::*;
    let begin = if tokens[0].kind == Package {
        Terminal::BeginFile
    } else {
        Terminal::BeginScript
    };
    let mut out = Vec::with_capacity(tokens.len() + 1);
    out.push((tokens[0].start, begin, tokens[0].start));
    let mut stack: Vec<Context> = Vec::new();
    let mut context = Context::default();
    let (mut previous, mut before) = (Semicolon, Semicolon);
    for (index, &Token { kind, start, end }) in tokens.iter().enumerate() {
        let mut terminal = Terminal::Plain(kind);
        let kind = if kind.is_semicolon() { Semicolon } else { kind };
        match kind {
            If | For | Switch | Select => {
                context = Context {
                    header: true,
                    ..context_without_header(context)
                }
            }
            Func => {
                if context.header {
                    context.func |= !context.literal;
                    context.literal_func = context.literal;
                } else if stack.is_empty()
                    && previous == Semicolon
                    && declares_function(tokens, index)
                {
                    terminal = Terminal::FuncDecl;
                }
            }
            Map | Struct if context.header => context.literal = true,
            LeftBrace => {
                if context.header && !matches!(previous, Struct | Interface) {
                    if context.func {
                        context.func = false;
                        context.literal = false;
                    } else if context.literal {
                        context.literal = false;
                    } else {
                        terminal = Terminal::Body;
                        context.header = false;
                    }
                }
                stack.push(context);
                context = Context::default();
            }
            LeftParen | LeftBracket => {
                let opens_results = previous == RightParen && context.literal_func;
                if kind == LeftParen && previous != Func {
                    context.literal &= opens_results;
                    context.literal_func = false;
                }
                if kind == LeftBracket {
                    let behind_operand =
                        matches!(previous, Ident | RightParen | RightBracket | RightBrace)
                            || previous.is_literal();
                    if context.header && !behind_operand {
                        context.literal = true;
                    }
                    let behind_name = previous == Ident
                        && (before == Type
                            || context.type_group && matches!(before, Semicolon | LeftParen));
                    if behind_name && opens_type_parameters(&tokens[index..]) {
                        terminal = Terminal::TypeParams;
                    }
                }
                stack.push(context);
                context = Context {
                    type_group: kind == LeftParen && previous == Type,
                    ..Context::default()
                };
            }
            RightParen | RightBracket | RightBrace => context = stack.pop().unwrap_or_default(),
            Ident | Star | Dot | Chan | Arrow | Interface | Ellipsis => {}
            EndOfFile => break,
            _ => {
                context.literal = false;
                if let Some(operator) = operation_assign(kind) {
                    terminal = Terminal::OperationAssign(operator);
                } else {
                    terminal = Terminal::Plain(kind);
                }
            }
        }
        out.push((start, terminal, end));
        before = previous;
        previous = kind;
    }
    out
}

fn context_without_header(context: Context) -> Context {
    Context {
        type_group: context.type_group,
        ..Context::default()
    }
}

pub(crate) fn operation_assign(kind: TokenKind) -> Option<BinaryOperator> {
    Some(match kind {
        TokenKind::PlusAssign => BinaryOperator::Add,
        TokenKind::MinusAssign => BinaryOperator::Subtract,
        TokenKind::StarAssign => BinaryOperator::Multiply,
        TokenKind::SlashAssign => BinaryOperator::Divide,
        TokenKind::PercentAssign => BinaryOperator::Remainder,
        TokenKind::AmpersandAssign => BinaryOperator::And,
        TokenKind::PipeAssign => BinaryOperator::Or,
        TokenKind::CaretAssign => BinaryOperator::Xor,
        TokenKind::ShiftLeftAssign => BinaryOperator::ShiftLeft,
        TokenKind::ShiftRightAssign => BinaryOperator::ShiftRight,
        TokenKind::AndNotAssign => BinaryOperator::AndNot,
        _ => return None,
    })
}

/// `func` at `index`: followed by a name, or by a receiver, a name, and a parameter list.
pub(crate) fn declares_function(tokens: &[Token], index: usize) -> bool {
    use TokenKind::*;
    let kind = |at: usize| tokens.get(at).map_or(EndOfFile, |token| token.kind);
    if kind(index + 1) != LeftParen {
        return kind(index + 1) == Ident;
    }
    let (mut depth, mut at) = (0usize, index + 1);
    loop {
        match kind(at) {
            LeftParen | LeftBracket | LeftBrace => depth += 1,
            RightParen | RightBracket | RightBrace => depth -= 1,
            // A receiver is short; whoever writes a longer one gets a syntax error and no quadratic search.
            EndOfFile => return false,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return kind(at) == Ident && matches!(kind(at + 1), LeftParen | LeftBracket);
        }
        if at > index + 1000 {
            return false;
        }
    }
}

/// `[` behind `type Name`: type parameters or array length?
///
/// GO: parser.go typeDecl, extractName, decided on tokens: `[P C`, `[P,`, `[P *C,`, `[P *[]C]`, `[P ~C]` are parameters.
pub(crate) fn opens_type_parameters(tokens: &[Token]) -> bool {
    use TokenKind::*;
    // How far away a type that is declared in between may be: who nests them deeply must not make the search quadratic.
    const FARTHEST: usize = 1000;
    let kind = |at: usize| tokens.get(at).map_or(EndOfFile, |token| token.kind);
    if kind(1) != Ident {
        return false;
    }
    match kind(2) {
        Ident | Comma | Interface | Struct | Func | Map | Chan | Tilde | Arrow => return true,
        Star | LeftParen => {}
        LeftBracket if kind(3) == RightBracket => return true,
        LeftBracket => {}
        _ => return false,
    }
    let (mut depth, mut braces, mut at) = (1, 0, 2);
    loop {
        match kind(at) {
            // Without an open brace no semicolon can stand here, so the search ends with the line.
            EndOfFile => return false,
            Type if braces == 0 || at > FARTHEST => return false,
            found if found.is_semicolon() && braces == 0 => return false,
            LeftBrace => {
                depth += 1;
                braces += 1;
            }
            LeftParen | LeftBracket => {
                let behind_operand =
                    matches!(kind(at - 1), Ident | RightParen | RightBracket | RightBrace)
                        || kind(at - 1).is_literal();
                if kind(at) == LeftBracket && !behind_operand {
                    return true;
                }
                depth += 1;
            }
            closing @ (RightParen | RightBracket | RightBrace) => {
                depth -= 1;
                if closing == RightBrace {
                    braces -= 1;
                }
                if depth == 0 {
                    return false;
                }
                let begins_type = matches!(
                    kind(at + 1),
                    Ident | Star | LeftBracket | Func | Map | Chan | Interface | Struct
                );
                if depth == 1 && kind(2) == LeftBracket && begins_type {
                    return true;
                }
            }
            Comma if depth == 1 => return true,
            Tilde | Interface => return true,
            Struct | Func | Map | Chan if depth <= 2 => return true,
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_knows_every_token() {
        let grammar = include_str!("golite.lalrpop");
        for &kind in TokenKind::ALL {
            use TokenKind::*;
            let is_gone = matches!(
                kind,
                LineComment
                    | BlockComment
                    | LineEnd
                    | NewlineSemicolon
                    | FinalSemicolon
                    | EndOfFile
            );
            if is_gone || operation_assign(kind).is_some() {
                continue;
            }
            assert!(
                grammar.contains(&format!("TokenKind::{kind:?})")),
                "{kind:?}"
            );
        }
    }

    fn marks(text: &str) -> String {
        let lexed = lexer::lex(text);
        let mark = |terminal| match terminal {
            Terminal::Body => Some("body"),
            Terminal::TypeParams => Some("params"),
            Terminal::FuncDecl => Some("func"),
            _ => None,
        };
        terminals(&lexed.tokens)
            .into_iter()
            .filter_map(|(_, terminal, _)| mark(terminal))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn braces_of_bodies_are_told_from_literals() {
        assert_eq!(marks("if x == T {}"), "body");
        assert_eq!(marks("if x == (T{}) {}"), "body");
        assert_eq!(marks("for _, x := range []T{{1}} {}"), "body");
        assert_eq!(marks("for _, x := range []struct{ a int }{{1}} {}"), "body");
        assert_eq!(
            marks("if f := func() map[int]T { return nil }; f() == nil {}"),
            "body"
        );
        assert_eq!(marks("switch x := y.(type) { case T: }"), "body");
        assert_eq!(marks("switch (interface{ m() })(x).(type) {}"), "body");
        assert_eq!(marks("x := T{}"), "");
    }

    #[test]
    fn brackets_of_type_parameters_are_told_from_lengths() {
        assert_eq!(marks("type T[P any] int"), "params");
        assert_eq!(marks("type T[P *C,] int"), "params");
        assert_eq!(marks("type T[P *[]C] int"), "params");
        assert_eq!(marks("type (\n A [N]int\n B[P any] int\n)"), "params");
        assert_eq!(marks("type T [N]int"), "");
        assert_eq!(marks("type T [N * 2]int"), "");
        assert_eq!(marks("type T [f(x)]int"), "");
    }

    #[test]
    fn only_outermost_functions_are_declared() {
        assert_eq!(
            marks("package p\nfunc f() { func() {}() }\nvar x = func() {}\nfunc (r T) m() {}"),
            "func func"
        );
        assert_eq!(marks("func(a int) {}(1)\nfunc f() {}"), "func");
    }
}
