//! Expressions and types.
//!
//! GO: go/printer/nodes.go

use crate::columns;
use crate::printer::{Node, Printer, White};
use lexer::TokenKind;
use parser::ast::{
    BinaryOperator, ChanDirection, Expr, ExprId, InterfaceElement, List, Param, StructField,
    TypeParam, UnaryOperator,
};
use std::borrow::Cow;

/// Recursion takes a new piece of stack when less than this is left.
const STACK_LEFT: usize = 256 << 10;
const STACK_PIECE: usize = 4 << 20;

/// Runs something that recurses, with enough stack.
pub(crate) fn with_stack<R>(run: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(STACK_LEFT, STACK_PIECE, run)
}

/// Wider than any line.
pub(crate) const INFINITY: isize = 1 << 30;

/// How a list of expressions is broken.
#[derive(Clone, Copy, Default)]
pub(crate) struct ListMode {
    /// A comma may end it.
    pub comma: bool,
    /// Lines behind the first are not indented.
    pub no_indent: bool,
}

/// Which list of parameters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parameters {
    OfFunction,
    TypesOfFunction,
    TypesOfType,
}

/// What is declared together: parameters, fields.
pub(crate) struct Field {
    pub names: Vec<ExprId>,
    pub ty: ExprId,
    pub variadic: Option<u32>,
    pub tag: Option<ExprId>,
}

impl Field {
    /// Adds to the last field what shares its type.
    fn group(
        fields: &mut Vec<Field>,
        name: Option<ExprId>,
        ty: ExprId,
        variadic: Option<u32>,
        tag: Option<ExprId>,
    ) {
        if let (Some(name), Some(last)) = (name, fields.last_mut())
            && last.ty == ty
            && !last.names.is_empty()
        {
            last.names.push(name);
            return;
        }
        fields.push(Field {
            names: name.into_iter().collect(),
            ty,
            variadic,
            tag,
        });
    }

    pub fn of_params(params: &[Param]) -> Vec<Field> {
        let mut fields = Vec::new();
        for param in params {
            Field::group(&mut fields, param.name, param.ty, param.variadic, None);
        }
        fields
    }

    fn of_type_params(params: &[TypeParam]) -> Vec<Field> {
        let mut fields = Vec::new();
        for param in params {
            Field::group(&mut fields, Some(param.name), param.constraint, None, None);
        }
        fields
    }

    fn of_struct(struct_fields: &[StructField]) -> Vec<Field> {
        let mut fields = Vec::new();
        for field in struct_fields {
            Field::group(&mut fields, field.name, field.ty, None, field.tag);
        }
        fields
    }
}

/// Which operators an expression holds whose blanks depend on each other.
#[derive(Clone, Copy, Default)]
pub(crate) struct BinaryKind {
    has_sum: bool,
    has_product: bool,
    /// The precedence above which there must be blanks, lest tokens combine.
    problem: u8,
}

impl BinaryKind {
    fn join(&mut self, other: BinaryKind) {
        self.has_sum |= other.has_sum;
        self.has_product |= other.has_product;
        self.problem = self.problem.max(other.problem);
    }
}

/// The precedence of prefix operators, of what they apply to, and of none.
const UNARY: u8 = 6;
const HIGHEST: u8 = 7;
const LOWEST: u8 = 0;

fn operator_token(operator: BinaryOperator) -> TokenKind {
    use TokenKind::*;
    match operator {
        BinaryOperator::LogicalOr => OrOr,
        BinaryOperator::LogicalAnd => AndAnd,
        BinaryOperator::Equal => Equal,
        BinaryOperator::NotEqual => NotEqual,
        BinaryOperator::Less => Less,
        BinaryOperator::LessEqual => LessEqual,
        BinaryOperator::Greater => Greater,
        BinaryOperator::GreaterEqual => GreaterEqual,
        BinaryOperator::Add => Plus,
        BinaryOperator::Subtract => Minus,
        BinaryOperator::Or => Pipe,
        BinaryOperator::Xor => Caret,
        BinaryOperator::Multiply => Star,
        BinaryOperator::Divide => Slash,
        BinaryOperator::Remainder => Percent,
        BinaryOperator::And => Ampersand,
        BinaryOperator::AndNot => AndNot,
        BinaryOperator::ShiftLeft => ShiftLeft,
        BinaryOperator::ShiftRight => ShiftRight,
    }
}

fn prefix_token(operator: UnaryOperator) -> TokenKind {
    use TokenKind::*;
    match operator {
        UnaryOperator::Plus => Plus,
        UnaryOperator::Minus => Minus,
        UnaryOperator::Not => Not,
        UnaryOperator::Complement => Caret,
        UnaryOperator::Address => Ampersand,
        UnaryOperator::Receive => Arrow,
        UnaryOperator::Tilde => Tilde,
    }
}

/// About the logarithm to base 2: integral part and mantissa.
fn log2(value: f64) -> f64 {
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i64 - 1022;
    let fraction = f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52);
    exponent as f64 + 2.0 * (fraction - 1.0)
}

/// About 2 to that power.
fn exp2(value: f64) -> f64 {
    let whole = value.floor();
    (1.0 + (value - whole)) * 2f64.powi(whole as i32)
}

impl<'a, 't> Printer<'a, 't> {
    // ---- the tree ------------------------------------------------------

    /// The first byte of an expression, after simplification.
    pub fn start(&self, id: ExprId) -> u32 {
        if !self.edits.is_empty() {
            let id = self.edits.instead_of(id);
            match *self.ast.expr(id) {
                Expr::KeyValue { key, .. } => return self.start(key),
                Expr::CompositeLit { lbrace, .. } if self.edits.is_untyped(id) => return lbrace,
                _ => {}
            }
            return self.ast.range(id).start;
        }
        self.ast.range(id).start
    }

    /// Behind the last byte.
    pub fn end(&self, id: ExprId) -> u32 {
        self.ast.range(id).end
    }

    fn exprs(&self, list: List<ExprId>) -> &'a [ExprId] {
        self.ast.list(list)
    }

    fn line_of(&self, id: ExprId) -> usize {
        self.line(self.start(id))
    }

    pub fn strip_parens_always(&self, id: ExprId) -> ExprId {
        self.ast.unparen(id)
    }

    // ---- sizes ---------------------------------------------------------

    /// How wide a node is on one line; more than `most` if it is wider or needs several.
    pub fn node_size(&mut self, node: Node, most: usize) -> usize {
        if let Some(&size) = self.sizes.get(&node) {
            return size;
        }
        self.sizes.insert(node, most + 1);
        let mut printer = self.for_size();
        match node {
            Node::Expr(id) => printer.expr(id),
            Node::Stmt(id) => {
                if matches!(self.ast.stmt(id), parser::ast::Stmt::Labeled { .. }) {
                    printer.indent = 1;
                }
                printer.statement(id, false);
            }
        }
        printer.finish();
        let size = if printer.stopped {
            None
        } else {
            columns::width_on_one_line(&printer.output)
        };
        self.sizes = std::mem::take(&mut printer.sizes);
        self.binary_kinds = std::mem::take(&mut printer.binary_kinds);
        match size {
            Some(size) if size <= most => {
                self.sizes.insert(node, size);
                size
            }
            _ => most + 1,
        }
    }

    /// How many columns were written since something began; [`INFINITY`] if that was on another line. Behind a comment with
    /// line breaks it may be less than none.
    pub fn distance_from(&self, start: u32, start_column: isize) -> isize {
        if self.line(start) == self.position.line {
            return self.out_column as isize - start_column;
        }
        INFINITY
    }

    // ---- lists ---------------------------------------------------------

    /// Names, with commas.
    pub fn names(&mut self, names: &[ExprId], indent: bool) {
        let mode = ListMode {
            comma: false,
            no_indent: !indent,
        };
        self.expr_list(None, names, 1, mode, None);
    }

    /// Expressions, with commas. Line breaks between them are kept; keys on lines that follow one another are aligned as long as
    /// their widths do not differ too much.
    ///
    /// `previous` and `next` are where the tokens around the list stand, if that matters.
    pub fn expr_list(
        &mut self,
        previous: Option<u32>,
        list: &[ExprId],
        depth: usize,
        mode: ListMode,
        next: Option<u32>,
    ) {
        let (Some(&first), Some(&last)) = (list.first(), list.last()) else {
            return;
        };
        let previous_line = previous.map_or(0, |offset| self.line(offset));
        let first_line = self.line_of(first);
        let end_line = self.line(self.end(last));
        if previous.is_some() && previous_line == first_line && first_line == end_line {
            for (index, &expr) in list.iter().enumerate() {
                if index > 0 {
                    self.token_at(self.start(expr), TokenKind::Comma);
                    self.blank();
                }
                self.expr0(expr, depth);
            }
            return;
        }
        // What is written before the first line break; nothing once that is done.
        let mut white = if mode.no_indent {
            White::Ignore
        } else {
            White::Indent
        };
        // The last expression behind which the line was broken.
        let mut broken_behind: isize = -1;
        if previous.is_some()
            && previous_line < first_line
            && self.linebreak(first_line, 0, white, true) > 0
        {
            white = White::Ignore;
            broken_behind = 0;
        }
        // The width of the element or its key, 0 if it does not fit on a line.
        let mut size = 0;
        // For the geometric mean of the widths so far.
        let (mut logarithms, mut count) = (0.0, 0u32);
        let mut line_before = previous_line;
        for (index, &expr) in list.iter().enumerate() {
            const WIDEST: usize = 1_000_000;
            const SMALL: usize = 40;
            const RATIO: f64 = 2.5;
            let line = self.line_of(expr);
            let pair = match *self.ast.expr(expr) {
                Expr::KeyValue { key, value } => Some((key, value)),
                _ => None,
            };
            let size_before = size;
            size = self.node_size(Node::Expr(expr), WIDEST);
            if size <= WIDEST && previous.is_some() && next.is_some() {
                if let Some((key, _)) = pair {
                    size = self.node_size(Node::Expr(key), WIDEST);
                }
            } else {
                size = 0;
            }
            let mut new_section = true;
            if size_before > 0 && size > 0 {
                new_section = if count == 0 || size_before <= SMALL && size <= SMALL {
                    false
                } else {
                    let ratio = size as f64 / exp2(logarithms / f64::from(count));
                    RATIO * ratio <= 1.0 || RATIO <= ratio
                };
            }
            let needs_linebreak = 0 < line_before && line_before < line;
            if index > 0 {
                // The comma counts as standing where the next expression does, but not on another line.
                if !needs_linebreak {
                    self.set_position(self.start(expr));
                }
                self.token(TokenKind::Comma);
                let mut needs_blank = true;
                if needs_linebreak {
                    let new_section = new_section || broken_behind + 1 < index as isize;
                    let breaks = self.linebreak(line, 0, white, new_section);
                    if breaks > 0 {
                        white = White::Ignore;
                        broken_behind = index as isize;
                        needs_blank = false;
                    }
                    if breaks > 1 {
                        (logarithms, count) = (0.0, 0);
                    }
                }
                if needs_blank {
                    self.blank();
                }
            }
            match pair {
                Some((key, value)) if list.len() > 1 && size > 0 && needs_linebreak => {
                    self.expr(key);
                    self.token_at(self.colon_behind(key), TokenKind::Colon);
                    self.white(White::Tab);
                    self.expr(value);
                }
                _ => self.expr0(expr, depth),
            }
            if size > 0 {
                logarithms += log2(size as f64);
                count += 1;
            }
            line_before = line;
        }
        if mode.comma
            && let Some(next) = next
            && self.position.line < self.line(next)
        {
            // A comma must end the list if the bracket is on another line.
            self.token(TokenKind::Comma);
            if white == White::Ignore && !mode.no_indent {
                self.white(White::Unindent);
            }
            self.white(White::FormFeed);
            return;
        }
        if white == White::Ignore && !mode.no_indent {
            self.white(White::Unindent);
        }
    }

    fn colon_behind(&self, key: ExprId) -> u32 {
        self.source.next(self.end(key)).start
    }

    /// Parameters in parentheses or brackets, the first of which stands at `opening`.
    pub fn parameters(&mut self, opening: u32, fields: &[Field], kind: Parameters) {
        let (open, close) = match kind {
            Parameters::OfFunction => (TokenKind::LeftParen, TokenKind::RightParen),
            _ => (TokenKind::LeftBracket, TokenKind::RightBracket),
        };
        let closing = self.source.partner(opening);
        self.token_at(opening, open);
        if let Some(last) = fields.last() {
            let mut line_before = self.line(opening);
            let mut white = White::Indent;
            for (index, field) in fields.iter().enumerate() {
                let start = match (field.names.first(), field.variadic) {
                    (Some(&name), _) => self.start(name),
                    (None, Some(dots)) => dots,
                    (None, None) => self.start(field.ty),
                };
                let line = self.line(start);
                let needs_linebreak = 0 < line_before && line_before < line;
                if index > 0 {
                    if !needs_linebreak {
                        self.set_position(start);
                    }
                    self.token(TokenKind::Comma);
                }
                if needs_linebreak && self.linebreak(line, 0, white, true) > 0 {
                    white = White::Ignore;
                } else if index > 0 {
                    self.blank();
                }
                if !field.names.is_empty() {
                    self.names(&field.names, white == White::Indent);
                    self.blank();
                }
                match field.variadic {
                    Some(dots) => {
                        self.token_at(dots, TokenKind::Ellipsis);
                        self.expr(field.ty);
                    }
                    None => self.expr(self.strip_parens_always(field.ty)),
                }
                line_before = self.line(self.end(field.ty));
            }
            let closing_line = self.line(closing);
            if 0 < line_before && line_before < closing_line {
                self.token(TokenKind::Comma);
                self.linebreak(closing_line, 0, White::Ignore, true);
            } else if kind == Parameters::TypesOfType
                && fields.len() == 1
                && last.names.len() == 1
                && self.combines_with_name(self.strip_parens_always(last.ty))
            {
                // `[P *T]` would be an array's length.
                self.token(TokenKind::Comma);
            }
            if white == White::Ignore {
                self.white(White::Unindent);
            }
        }
        self.token_at(closing, close);
    }

    /// Type parameters behind a name.
    pub fn type_parameters(&mut self, name: ExprId, list: List<TypeParam>, kind: Parameters) {
        if list.is_empty() {
            return;
        }
        let opening = self.source.next(self.end(name)).start;
        let fields = Field::of_type_params(self.ast.list(list));
        self.parameters(opening, &fields, kind);
    }

    /// Whether a name before the expression would make another expression of both.
    fn combines_with_name(&self, mut id: ExprId) -> bool {
        loop {
            match *self.ast.expr(id) {
                Expr::Star(inner) => return !self.is_type_element(inner),
                Expr::Paren(inner) => return !self.is_type_element(inner),
                Expr::Binary { left, right, .. } => {
                    if self.is_type_element(right) {
                        return false;
                    }
                    id = left;
                }
                _ => return false,
            }
        }
    }

    /// Whether an expression can only be a type or part of a constraint.
    fn is_type_element(&self, id: ExprId) -> bool {
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            match *self.ast.expr(id) {
                Expr::ArrayType { .. }
                | Expr::SliceType { .. }
                | Expr::StructType { .. }
                | Expr::FuncType { .. }
                | Expr::InterfaceType { .. }
                | Expr::MapType { .. }
                | Expr::ChanType { .. }
                | Expr::Unary {
                    op: UnaryOperator::Tilde,
                    ..
                } => return true,
                Expr::Binary { left, right, .. } => open.extend([left, right]),
                Expr::Paren(inner) => open.push(inner),
                _ => {}
            }
        }
        false
    }

    /// Parameters and results of a [`Expr::FuncType`].
    pub fn signature(&mut self, ty: ExprId) {
        let Expr::FuncType { params, results } = *self.ast.expr(ty) else {
            return;
        };
        let first = self.source.next(self.ast.range(ty).start);
        let opening = match first.kind {
            TokenKind::Func => self.source.next(first.end).start,
            _ => first.start,
        };
        let fields = Field::of_params(self.ast.list(params));
        self.parameters(opening, &fields, Parameters::OfFunction);
        let results = self.ast.list(results);
        match *results {
            [] => {}
            [Param { name: None, ty, .. }] => {
                self.blank();
                self.expr(self.strip_parens_always(ty));
            }
            _ => {
                self.blank();
                let closing = self.source.partner(opening);
                let opening = self.source.next(closing + 1).start;
                self.parameters(opening, &Field::of_params(results), Parameters::OfFunction);
            }
        }
    }

    // ---- struct and interface types ------------------------------------

    fn is_one_line_field(&mut self, field: &Field) -> bool {
        const WIDEST: usize = 30;
        let end = field.tag.map_or(self.end(field.ty), |tag| self.end(tag));
        if field.tag.is_some() || self.source.line_comment(end).is_some() {
            return false;
        }
        // GO: names count as one column, whatever they are.
        let names = usize::from(!field.names.is_empty());
        names + self.node_size(Node::Expr(field.ty), WIDEST) <= WIDEST
    }

    /// The braces of a struct or interface type.
    fn braces(&self, ty: ExprId) -> (u32, u32) {
        let rbrace = self.ast.range(ty).end - 1;
        (self.source.partner(rbrace), rbrace)
    }

    /// Whether a struct or interface type may stay on one line.
    fn is_compact(&self, lbrace: u32, rbrace: u32) -> bool {
        !self.comment_before(self.source.position(rbrace)) && self.line(lbrace) == self.line(rbrace)
    }

    fn empty_braces(&mut self, lbrace: u32, rbrace: u32) {
        self.token_at(lbrace, TokenKind::LeftBrace);
        self.token_at(rbrace, TokenKind::RightBrace);
    }

    fn open_fields(&mut self, lbrace: u32, rbrace: u32, is_empty: bool) {
        let has_comments = self.comment_before(self.source.position(rbrace));
        self.blank();
        self.token_at(lbrace, TokenKind::LeftBrace);
        self.white(White::Indent);
        if has_comments || !is_empty {
            self.white(White::FormFeed);
        }
    }

    fn close_fields(&mut self, rbrace: u32) {
        self.white(White::Unindent);
        self.white(White::FormFeed);
        self.token_at(rbrace, TokenKind::RightBrace);
    }

    fn struct_fields(&mut self, ty: ExprId, list: List<StructField>) {
        let fields = Field::of_struct(self.ast.list(list));
        let (lbrace, rbrace) = self.braces(ty);
        if self.is_compact(lbrace, rbrace) {
            match &fields[..] {
                [] => return self.empty_braces(lbrace, rbrace),
                [field] if self.is_one_line_field(field) => {
                    self.token_at(lbrace, TokenKind::LeftBrace);
                    self.blank();
                    for (index, &name) in field.names.iter().enumerate() {
                        if index > 0 {
                            self.token(TokenKind::Comma);
                            self.blank();
                        }
                        self.expr(name);
                    }
                    if !field.names.is_empty() {
                        self.blank();
                    }
                    self.expr(field.ty);
                    self.blank();
                    return self.token_at(rbrace, TokenKind::RightBrace);
                }
                _ => {}
            }
        }
        self.open_fields(lbrace, rbrace, fields.is_empty());
        let separator = if fields.len() == 1 {
            White::Blank
        } else {
            White::Tab
        };
        let lines = self.begin_list();
        for (index, field) in fields.iter().enumerate() {
            let start = field.names.first().copied().unwrap_or(field.ty);
            if index > 0 {
                let is_long = self.lines_of_element(lines) > 0;
                self.linebreak(self.line_of(start), 1, White::Ignore, is_long);
            }
            self.begin_element(lines);
            // A comment stands in a column of its own, behind those of type and tag.
            let mut missing_cells = 2;
            if !field.names.is_empty() {
                self.names(&field.names, false);
                self.white(separator);
                missing_cells = 1;
            }
            self.expr(field.ty);
            let mut end = self.end(field.ty);
            if let Some(tag) = field.tag {
                if !field.names.is_empty() && separator == White::Tab {
                    self.white(separator);
                }
                self.white(separator);
                self.expr(tag);
                end = self.end(tag);
                missing_cells = 0;
            }
            if missing_cells > 0 && self.source.line_comment(end).is_some() {
                for _ in 0..missing_cells {
                    self.white(separator);
                }
            }
        }
        self.end_list(lines);
        self.close_fields(rbrace);
    }

    fn interface_elements(&mut self, ty: ExprId, list: List<InterfaceElement>) {
        let elements = self.ast.list(list);
        let (lbrace, rbrace) = self.braces(ty);
        if self.is_compact(lbrace, rbrace) {
            match elements {
                [] => return self.empty_braces(lbrace, rbrace),
                [element] => {
                    let (names, ty) = match *element {
                        InterfaceElement::Method { name, ty } => (vec![name], ty),
                        InterfaceElement::Embedded(ty) => (vec![], ty),
                    };
                    let field = Field {
                        names,
                        ty,
                        variadic: None,
                        tag: None,
                    };
                    if self.is_one_line_field(&field) {
                        self.token_at(lbrace, TokenKind::LeftBrace);
                        self.blank();
                        self.interface_element(element);
                        self.blank();
                        return self.token_at(rbrace, TokenKind::RightBrace);
                    }
                }
                _ => {}
            }
        }
        self.open_fields(lbrace, rbrace, elements.is_empty());
        let lines = self.begin_list();
        for (index, element) in elements.iter().enumerate() {
            if index > 0 {
                let (InterfaceElement::Method { name: start, .. }
                | InterfaceElement::Embedded(start)) = *element;
                let is_long = self.lines_of_element(lines) > 0;
                self.linebreak(self.line_of(start), 1, White::Ignore, is_long);
            }
            self.begin_element(lines);
            self.interface_element(element);
        }
        self.end_list(lines);
        self.close_fields(rbrace);
    }

    fn interface_element(&mut self, element: &InterfaceElement) {
        match *element {
            InterfaceElement::Method { name, ty } => {
                self.expr(name);
                self.signature(ty);
            }
            InterfaceElement::Embedded(ty) => self.expr(ty),
        }
    }

    // ---- binary expressions --------------------------------------------

    fn is_binary(&self, id: ExprId) -> bool {
        matches!(self.ast.expr(id), Expr::Binary { .. })
    }

    /// What operators an expression has, parentheses, calls and the like not looked into.
    fn binary_kind(&mut self, id: ExprId) -> BinaryKind {
        if let Some(&kind) = self.binary_kinds.get(&id) {
            return kind;
        }
        let Expr::Binary {
            op, left, right, ..
        } = *self.ast.expr(id)
        else {
            return BinaryKind::default();
        };
        let mut kind = BinaryKind {
            has_sum: op.precedence() == 4,
            has_product: op.precedence() == 5,
            problem: 0,
        };
        if self.is_binary(left) {
            kind.join(with_stack(|| self.binary_kind(left)));
        }
        match *self.ast.expr(right) {
            Expr::Binary { .. } => kind.join(with_stack(|| self.binary_kind(right))),
            Expr::Star(_) if op == BinaryOperator::Divide => kind.problem = 5,
            Expr::Unary { op: prefix, .. } => {
                kind.problem = kind.problem.max(match (op, prefix) {
                    (BinaryOperator::And, UnaryOperator::Address | UnaryOperator::Complement) => 5,
                    (BinaryOperator::Add, UnaryOperator::Plus)
                    | (BinaryOperator::Subtract, UnaryOperator::Minus) => 4,
                    _ => 0,
                });
            }
            _ => {}
        }
        self.binary_kinds.insert(id, kind);
        kind
    }

    /// Operators of a lower precedence have blanks around them.
    ///
    /// Outside of other expressions (depth 1) all have, but where sums and products are mixed only the sums; inside neither.
    /// What would combine to another token gets its blank in any case.
    fn blanks_below(&mut self, id: ExprId, depth: usize) -> u8 {
        let kind = self.binary_kind(id);
        if kind.problem > 0 {
            return kind.problem + 1;
        }
        match (kind.has_sum && kind.has_product, depth) {
            (true, 1) => 5,
            (false, 1) => 6,
            _ => 4,
        }
    }

    fn binary(&mut self, id: ExprId, depth: usize) {
        let Expr::Binary {
            op,
            op_pos,
            left,
            right,
        } = *self.ast.expr(id)
        else {
            return;
        };
        let precedence = op.precedence();
        let mut blanks = precedence < self.blanks_below(id, depth);
        let is_same =
            matches!(self.ast.expr(left), Expr::Binary { op, .. } if op.precedence() == precedence);
        self.expr1(left, precedence, depth + usize::from(!is_same));
        if blanks {
            self.blank();
        }
        let left_line = self.position.line;
        let right_line = self.line_of(right);
        self.token_at(op_pos, operator_token(op));
        let mut is_indented = false;
        if left_line != right_line && self.linebreak(right_line, 1, White::Indent, true) > 0 {
            is_indented = true;
            blanks = false;
        }
        if blanks {
            self.blank();
        }
        self.expr1(right, precedence + 1, depth + 1);
        if is_indented {
            self.white(White::Unindent);
        }
    }

    // ---- expressions ---------------------------------------------------

    pub fn expr(&mut self, id: ExprId) {
        self.expr1(id, LOWEST, 1);
    }

    pub fn expr0(&mut self, id: ExprId, depth: usize) {
        self.expr1(id, LOWEST, depth);
    }

    /// What stands before a dot.
    pub fn operand(&mut self, id: ExprId) {
        self.expr1(id, HIGHEST, 1);
    }

    /// An expression as an operand of an operator of some precedence, so deep in other expressions.
    fn expr1(&mut self, id: ExprId, precedence: u8, depth: usize) {
        if self.stopped {
            return;
        }
        with_stack(|| self.expr_here(id, precedence, depth));
    }

    fn source_text(&self, id: ExprId) -> &'t str {
        let range = self.ast.range(id);
        self.source.slice(range.start, range.end)
    }

    fn expr_here(&mut self, id: ExprId, precedence: u8, depth: usize) {
        let id = self.edits.instead_of(id);
        self.set_position(self.start(id));
        let end = self.end(id);
        match *self.ast.expr(id) {
            Expr::Bad => self.guard(id, depth),
            Expr::Ident(_) => {
                let text = self.source_text(id);
                self.name(text);
            }
            Expr::IntLit(_) => self.number(TokenKind::Int, id),
            Expr::FloatLit(_) => self.number(TokenKind::Float, id),
            Expr::ImaginaryLit(_) => self.number(TokenKind::Imaginary, id),
            Expr::RuneLit { .. } => {
                let text = self.source_text(id);
                self.literal(TokenKind::Rune, text);
            }
            Expr::StringLit { .. } => {
                let text = self.source_text(id);
                if text.contains('\r') {
                    self.literal(TokenKind::String, &text.replace('\r', ""));
                } else {
                    self.literal(TokenKind::String, text);
                }
            }
            Expr::Binary { .. } => self.binary(id, depth.max(1)),
            Expr::KeyValue { key, value } => {
                self.expr(key);
                self.token_at(self.colon_behind(key), TokenKind::Colon);
                self.blank();
                self.expr(value);
            }
            Expr::Star(inner) => self.prefixed(TokenKind::Star, precedence, |this| {
                this.expr(inner);
            }),
            Expr::Unary { op, operand } => {
                // In parentheses of its own it is printed as if it stood alone.
                let depth = if UNARY < precedence { 1 } else { depth };
                self.prefixed(prefix_token(op), precedence, |this| {
                    this.expr1(operand, UNARY, depth);
                });
            }
            Expr::FuncLit { ty, body } => {
                let start = self.ast.range(id).start;
                self.token_at(start, TokenKind::Func);
                let start_column = self.out_column as isize - "func".len() as isize;
                self.signature(ty);
                let head = self.distance_from(start, start_column);
                self.function_body(head, White::Blank, Some(body));
            }
            Expr::Paren(inner) => {
                // Of several parentheses in a row one stays.
                if matches!(self.ast.expr(inner), Expr::Paren(_)) {
                    self.expr0(inner, depth);
                } else {
                    self.token(TokenKind::LeftParen);
                    self.expr0(inner, (depth.max(2)) - 1);
                    self.token_at(end - 1, TokenKind::RightParen);
                }
            }
            Expr::Selector { .. } => {
                self.selector(id, depth, false);
            }
            Expr::TypeAssert { operand, ty } => {
                self.expr1(operand, HIGHEST, depth);
                self.token(TokenKind::Dot);
                self.token_at(self.source.partner(end - 1), TokenKind::LeftParen);
                self.expr(ty);
                self.token_at(end - 1, TokenKind::RightParen);
            }
            Expr::Index { operand, indices } => {
                let lbrack = self.source.partner(end - 1);
                self.expr1(operand, HIGHEST, 1);
                self.token_at(lbrack, TokenKind::LeftBracket);
                match *self.exprs(indices) {
                    [index] => self.expr0(index, depth + 1),
                    ref indices => {
                        let mode = ListMode {
                            comma: true,
                            no_indent: false,
                        };
                        self.expr_list(Some(lbrack), indices, depth + 1, mode, Some(end - 1));
                    }
                }
                self.token_at(end - 1, TokenKind::RightBracket);
            }
            Expr::Slice {
                operand,
                low,
                high,
                max,
            } => {
                let high = high.filter(|_| !self.edits.drops_high(id));
                self.expr1(operand, HIGHEST, 1);
                self.token_at(self.source.partner(end - 1), TokenKind::LeftBracket);
                self.slice_indices(&[low, high, max], depth);
                self.token_at(end - 1, TokenKind::RightBracket);
            }
            Expr::Call {
                callee,
                args,
                spread,
            } => self.call(id, callee, self.exprs(args), spread, depth),
            Expr::CompositeLit {
                ty,
                elements,
                lbrace,
            } => {
                if let Some(ty) = ty.filter(|_| !self.edits.is_untyped(id)) {
                    self.expr1(ty, HIGHEST, depth);
                }
                self.level += 1;
                self.token_at(lbrace, TokenKind::LeftBrace);
                let elements = self.exprs(elements);
                let mode = ListMode {
                    comma: true,
                    no_indent: false,
                };
                self.expr_list(Some(lbrace), elements, 1, mode, Some(end - 1));
                // A line break or blank behind a comment before the brace would ask for a comma.
                let no_blank = !elements.is_empty();
                // A lone comment is indented.
                self.white(White::Indent);
                self.white(White::Unindent);
                self.extras(no_blank, true);
                self.token_at(end - 1, TokenKind::RightBrace);
                self.extras(no_blank, true);
                self.level -= 1;
            }
            Expr::SliceType { element } => {
                self.token(TokenKind::LeftBracket);
                self.token(TokenKind::RightBracket);
                self.expr(element);
            }
            Expr::ArrayType { length, element } => {
                self.token(TokenKind::LeftBracket);
                match length {
                    Some(length) => self.expr(length),
                    None => {
                        let dots = self.source.next(self.ast.range(id).start + 1).start;
                        self.token_at(dots, TokenKind::Ellipsis);
                    }
                }
                self.token(TokenKind::RightBracket);
                self.expr(element);
            }
            Expr::StructType { fields } => {
                self.token(TokenKind::Struct);
                self.struct_fields(id, fields);
            }
            Expr::FuncType { .. } => {
                self.token(TokenKind::Func);
                self.signature(id);
            }
            Expr::InterfaceType { elements } => {
                self.token(TokenKind::Interface);
                self.interface_elements(id, elements);
            }
            Expr::MapType { key, value } => {
                self.token(TokenKind::Map);
                self.token(TokenKind::LeftBracket);
                self.expr(key);
                self.token(TokenKind::RightBracket);
                self.expr(value);
            }
            Expr::ChanType { direction, element } => {
                match direction {
                    ChanDirection::Both => self.token(TokenKind::Chan),
                    ChanDirection::Receive => {
                        self.token(TokenKind::Arrow);
                        self.token(TokenKind::Chan);
                    }
                    ChanDirection::Send => {
                        self.token(TokenKind::Chan);
                        let chan = self.source.next(self.ast.range(id).start);
                        self.token_at(self.source.next(chan.end).start, TokenKind::Arrow);
                    }
                }
                self.blank();
                self.expr(element);
            }
        }
    }

    /// `x.(type)`, the only bad expression of a tree that can be printed.
    fn guard(&mut self, id: ExprId, depth: usize) {
        let Some(operand) = self.edits.guarded(id) else {
            return;
        };
        self.expr1(operand, HIGHEST, depth);
        self.token(TokenKind::Dot);
        let rparen = self.end(id) - 1;
        self.token_at(self.source.partner(rparen), TokenKind::LeftParen);
        self.token(TokenKind::Type);
        self.token_at(rparen, TokenKind::RightParen);
    }

    /// A prefix operator with what it applies to, in parentheses if what is around binds tighter.
    fn prefixed(&mut self, operator: TokenKind, precedence: u8, operand: impl FnOnce(&mut Self)) {
        let encloses = UNARY < precedence;
        if encloses {
            self.token(TokenKind::LeftParen);
        }
        self.token(operator);
        operand(self);
        if encloses {
            self.token(TokenKind::RightParen);
        }
    }

    fn number(&mut self, kind: TokenKind, id: ExprId) {
        let text = self.source_text(id);
        // GO: sizes are those of numbers as they are written.
        if self.is_final {
            self.literal(kind, &normalized_number(text));
        } else {
            self.literal(kind, text);
        }
    }

    /// `x.name`; says whether the name stands on a line of its own, which is indented. Of a method that is called what follows
    /// is, too, and the caller ends it.
    fn selector(&mut self, id: ExprId, depth: usize, is_method: bool) -> bool {
        let Expr::Selector { operand, name } = *self.ast.expr(id) else {
            return false;
        };
        self.expr1(operand, HIGHEST, depth);
        self.token(TokenKind::Dot);
        let is_below = self.position.line < self.line_of(name);
        if is_below {
            self.white(White::Indent);
            self.white(White::Newline);
        }
        self.set_position(self.start(name));
        let text = self.source_text(name);
        self.name(text);
        if is_below && !is_method {
            self.white(White::Unindent);
        }
        is_below
    }

    fn slice_indices(&mut self, indices: &[Option<ExprId>; 3], depth: usize) {
        let count = indices.iter().flatten().count();
        let has_binaries = indices.iter().flatten().any(|&index| self.is_binary(index));
        let blanks = depth <= 1 && count > 1 && has_binaries;
        let len = if indices[2].is_some() { 3 } else { 2 };
        let mut before: Option<ExprId> = None;
        for (at, &index) in indices[..len].iter().enumerate() {
            if at > 0 {
                if before.is_some() && blanks {
                    self.blank();
                }
                self.token(TokenKind::Colon);
                if index.is_some() && blanks {
                    self.blank();
                }
            }
            if let Some(index) = index {
                self.expr0(index, depth + 1);
            }
            before = index;
        }
    }

    fn call(
        &mut self,
        id: ExprId,
        callee: ExprId,
        args: &[ExprId],
        spread: Option<u32>,
        mut depth: usize,
    ) {
        let rparen = self.end(id) - 1;
        let lparen = self.source.partner(rparen);
        if args.len() > 1 {
            depth += 1;
        }
        let encloses = matches!(
            self.ast.expr(callee),
            Expr::FuncType { .. }
                | Expr::ChanType {
                    direction: ChanDirection::Receive,
                    ..
                }
        );
        if encloses {
            self.token(TokenKind::LeftParen);
        }
        let is_indented = if matches!(self.ast.expr(callee), Expr::Selector { .. }) {
            with_stack(|| self.selector(callee, depth, true))
        } else {
            self.expr1(callee, HIGHEST, depth);
            false
        };
        if encloses {
            self.token(TokenKind::RightParen);
        }
        self.token_at(lparen, TokenKind::LeftParen);
        if let Some(dots) = spread {
            self.expr_list(Some(lparen), args, depth, ListMode::default(), Some(dots));
            self.token_at(dots, TokenKind::Ellipsis);
            if self.line(dots) < self.line(rparen) {
                self.token(TokenKind::Comma);
                self.white(White::FormFeed);
            }
        } else {
            let mode = ListMode {
                comma: true,
                no_indent: false,
            };
            self.expr_list(Some(lparen), args, depth, mode, Some(rparen));
        }
        self.token_at(rparen, TokenKind::RightParen);
        if is_indented {
            self.white(White::Unindent);
        }
    }
}

/// A number with its prefix and exponent in lower case, and without zeros before an imaginary one.
///
/// GO: nodes.go normalizedNumber
fn normalized_number(text: &str) -> Cow<'_, str> {
    let lower_last = |text: &str, letter: char, lower: &str| match text.rfind(letter) {
        Some(at) => format!("{}{lower}{}", &text[..at], &text[at + 1..]),
        None => text.to_owned(),
    };
    match text.get(..2) {
        None | Some("0o" | "0b") => Cow::Borrowed(text),
        Some("0x") if !text.contains('P') => Cow::Borrowed(text),
        Some("0x" | "0X") => Cow::Owned(format!("0x{}", lower_last(&text[2..], 'P', "p"))),
        Some("0O") => Cow::Owned(format!("0o{}", &text[2..])),
        Some("0B") => Cow::Owned(format!("0b{}", &text[2..])),
        Some(_) if text.contains('E') => Cow::Owned(lower_last(text, 'E', "e")),
        Some(_) if text.ends_with('i') && !text.contains(['.', 'e']) => {
            let text = text.trim_start_matches(['0', '_']);
            Cow::Borrowed(if text == "i" { "0i" } else { text })
        }
        Some(_) => Cow::Borrowed(text),
    }
}
