//! Statements.
//!
//! GO: go/printer/nodes.go

use crate::expressions::{INFINITY, ListMode, with_stack};
use crate::printer::{Node, Printer, White};
use lexer::TokenKind;
use parser::ast::{
    AssignOperator, BinaryOperator, Block, BlockId, CaseClause, CommClause, Decl, DeclId, Expr,
    ExprId, List, RangeKind, Stmt, StmtId, UnaryOperator,
};

/// What stands in a list of statements.
#[derive(Clone, Copy)]
pub(crate) enum Item {
    Statement(StmtId),
    /// A semicolon too many.
    Empty,
    Case(CaseClause),
    Comm(CommClause),
    /// In a script.
    Function(DeclId),
}

impl<'a> Printer<'a, '_> {
    // ---- lists ---------------------------------------------------------

    /// The statements of a block, semicolons too many among them as Go's tree has them.
    fn items(&self, block: BlockId) -> Vec<Item> {
        let Block { statements, range } = *self.ast.block(block);
        let begins_with_brace = self.source.slice(range.start, range.start + 1) == "{";
        self.items_from(
            range.start + u32::from(begins_with_brace),
            self.ast.list(statements),
        )
    }

    /// Statements, the first of which stands behind an offset.
    pub fn items_from(&self, from: u32, statements: &[StmtId]) -> Vec<Item> {
        let mut items = Vec::with_capacity(statements.len());
        self.add_empty(&mut items, from, 0);
        for &statement in statements {
            items.push(Item::Statement(statement));
            self.add_empty(&mut items, self.ast.stmt_range(statement).end, 1);
        }
        items
    }

    /// Adds an empty statement for every semicolon at a place but those that end a statement.
    fn add_empty(&self, items: &mut Vec<Item>, offset: u32, needed: usize) {
        let first = self.source.token_at(offset);
        let semicolons = self.source.tokens[first..]
            .iter()
            .take_while(|token| token.kind.is_semicolon())
            .count();
        let surplus = semicolons.saturating_sub(needed);
        items.extend(std::iter::repeat_n(Item::Empty, surplus));
    }

    pub fn item_start(&self, item: &Item) -> u32 {
        match item {
            Item::Statement(id) => self.ast.stmt_range(*id).start,
            Item::Empty => 0,
            Item::Case(clause) => clause.head.start,
            Item::Comm(clause) => clause.head.start,
            Item::Function(id) => self.ast.decl_range(*id).start,
        }
    }

    /// Statements on lines of their own, without a line break behind the last. `is_indented` is false for the clauses of a
    /// switch, each of which is a new section.
    fn statement_list(&mut self, items: &[Item], is_indented: bool, before_brace: bool) {
        self.list_of_items(items, is_indented, before_brace, false);
    }

    /// What stands in a script behind its imports, if there are any.
    pub fn script(&mut self, items: &[Item], has_imports: bool) {
        self.list_of_items(items, true, false, has_imports);
    }

    fn list_of_items(
        &mut self,
        items: &[Item],
        is_indented: bool,
        before_brace: bool,
        first_apart: bool,
    ) {
        if is_indented {
            self.white(White::Indent);
        }
        let lines = self.begin_list();
        let mut count = 0;
        let mut before_function = false;
        for item in items {
            if matches!(item, Item::Empty) {
                continue;
            }
            if !self.output.is_empty() {
                let is_long = count > 0 && self.lines_of_element(lines) > 0;
                let new_section = count == 0 || !is_indented || is_long;
                // Functions of a script stand apart from its statements.
                let is_function = matches!(item, Item::Function(_));
                let apart = if count == 0 {
                    first_apart
                } else {
                    is_function != before_function
                        || is_function && self.source.has_doc(self.item_start(item))
                };
                before_function = is_function;
                self.stands_apart = is_function && apart;
                let line = self.line(self.item_start(item));
                self.linebreak(line, if apart { 2 } else { 1 }, White::Ignore, new_section);
            }
            self.begin_element(lines);
            let is_last = before_brace && count + 1 == items.len();
            self.item(item, is_last);
            if let Item::Statement(id) = *item {
                self.skip_labels(lines, self.labels_of(id));
            }
            count += 1;
            if self.stopped {
                break;
            }
        }
        self.end_list(lines);
        if is_indented {
            self.white(White::Unindent);
        }
    }

    fn labels_of(&self, mut id: StmtId) -> usize {
        let mut labels = 0;
        while let Stmt::Labeled { statement, .. } = *self.ast.stmt(id) {
            labels += 1;
            id = statement;
        }
        labels
    }

    fn item(&mut self, item: &Item, before_brace: bool) {
        match *item {
            Item::Statement(id) => self.statement(id, before_brace),
            Item::Empty => {}
            Item::Function(id) => self.declaration(id),
            Item::Case(clause) => {
                self.set_position(clause.head.start);
                let values = self.ast.list(clause.values);
                let colon = clause.head.end - 1;
                if clause.is_default() {
                    self.token(TokenKind::Default);
                } else {
                    self.token(TokenKind::Case);
                    self.blank();
                    let start = clause.head.start;
                    self.expr_list(Some(start), values, 1, ListMode::default(), Some(colon));
                }
                self.token_at(colon, TokenKind::Colon);
                self.statement_list(&self.items(clause.body), true, before_brace);
            }
            Item::Comm(clause) => {
                self.set_position(clause.head.start);
                match clause.comm {
                    Some(statement) => {
                        self.token(TokenKind::Case);
                        self.blank();
                        self.statement(statement, false);
                    }
                    None => self.token(TokenKind::Default),
                }
                self.token_at(clause.head.end - 1, TokenKind::Colon);
                self.statement_list(&self.items(clause.body), true, before_brace);
            }
        }
    }

    /// A block on at least two lines.
    fn block(&mut self, lbrace: u32, items: &[Item], rbrace: u32, is_indented: bool) {
        self.token_at(lbrace, TokenKind::LeftBrace);
        self.statement_list(items, is_indented, true);
        self.linebreak(self.line(rbrace), 1, White::Ignore, true);
        self.token_at(rbrace, TokenKind::RightBrace);
    }

    fn block_of(&mut self, id: BlockId) {
        let range = self.ast.block(id).range;
        self.block(range.start, &self.items(id), range.end - 1, true);
    }

    // ---- function bodies -----------------------------------------------

    /// How wide a body is on one line.
    fn body_size(&mut self, id: BlockId, items: &[Item], most: usize) -> usize {
        const MOST_STATEMENTS: usize = 5;
        let range = self.ast.block(id).range;
        let rbrace = range.end - 1;
        if self.line(range.start) != self.line(rbrace) || items.len() > MOST_STATEMENTS {
            return most + 1;
        }
        let mut size = self.comment_size_before(self.source.position(rbrace));
        for (index, item) in items.iter().enumerate() {
            if size > most {
                break;
            }
            if index > 0 {
                size += "; ".len();
            }
            if let Item::Statement(statement) = *item {
                size += self.node_size(Node::Stmt(statement), most);
            }
        }
        size
    }

    /// The body of a function whose head is so wide: on the same line if it was there and is small.
    pub fn function_body(&mut self, head: isize, separator: White, body: Option<BlockId>) {
        const WIDEST: usize = 100;
        let Some(id) = body else {
            return;
        };
        let level = std::mem::take(&mut self.level);
        let items = self.items(id);
        let range = self.ast.block(id).range;
        let (lbrace, rbrace) = (range.start, range.end - 1);
        let size = self.body_size(id, &items, WIDEST);
        if head < INFINITY && head + size as isize <= WIDEST as isize {
            self.white(separator);
            self.token_at(lbrace, TokenKind::LeftBrace);
            if !items.is_empty() {
                self.blank();
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.token(TokenKind::Semicolon);
                        self.blank();
                    }
                    self.item(item, index + 1 == items.len());
                }
                self.blank();
            }
            self.extras(false, true);
            self.token_at(rbrace, TokenKind::RightBrace);
            self.extras(false, true);
        } else {
            self.blank();
            self.block(lbrace, &items, rbrace, true);
        }
        self.level = level;
    }

    // ---- headers -------------------------------------------------------

    /// Without parentheses around all, unless they are needed before a body: `if (T{}) == x {`.
    fn strip_parens(&self, mut id: ExprId) -> ExprId {
        while let Expr::Paren(inner) = *self.ast.expr(id) {
            if self.has_open_literal(inner) {
                break;
            }
            id = inner;
        }
        id
    }

    /// Whether a composite literal that begins with a type's name stands outside of parentheses and other literals.
    fn has_open_literal(&self, id: ExprId) -> bool {
        let whole = self.ast.range(id);
        // Children have smaller numbers than their parents, in the order of the text.
        let inside = (0..=id.index())
            .rev()
            .map(ExprId::from_index)
            .take_while(|&inner| self.ast.range(inner).start >= whole.start);
        let encloses = |&inner: &ExprId| {
            matches!(
                self.ast.expr(inner),
                Expr::Paren(_) | Expr::CompositeLit { .. }
            )
        };
        let enclosing: Vec<ExprId> = inside.filter(encloses).collect();
        enclosing.iter().any(|&literal| {
            let Expr::CompositeLit { ty: Some(ty), .. } = *self.ast.expr(literal) else {
                return false;
            };
            let range = self.ast.range(literal);
            self.is_type_name(ty)
                && !enclosing.iter().any(|&other| {
                    let around = self.ast.range(other);
                    other != literal && around.start <= range.start && range.end <= around.end
                })
        })
    }

    fn is_type_name(&self, mut id: ExprId) -> bool {
        while let Expr::Selector { operand, .. } = *self.ast.expr(id) {
            id = operand;
        }
        self.ast.ident(id).is_some()
    }

    /// What stands between a keyword and the body.
    fn header(
        &mut self,
        is_for: bool,
        init: Option<StmtId>,
        condition: Option<ExprId>,
        post: Option<StmtId>,
    ) {
        self.blank();
        let mut needs_blank = condition.is_some();
        let has_semicolons = init.is_some() || post.is_some();
        if has_semicolons {
            if let Some(init) = init {
                self.statement(init, false);
            }
            self.token(TokenKind::Semicolon);
            self.blank();
        }
        if let Some(condition) = condition {
            self.expr(self.strip_parens(condition));
        }
        if has_semicolons && is_for {
            self.token(TokenKind::Semicolon);
            self.blank();
            if let Some(post) = post {
                self.statement(post, false);
            }
            needs_blank = post.is_some();
        }
        if needs_blank {
            self.blank();
        }
    }

    // ---- statements ----------------------------------------------------

    /// Whether results look better when all their lines are indented: several of them have more than one line, or one begins on
    /// another line than that before it ends on.
    fn indents_results(&self, results: &[ExprId]) -> bool {
        let (Some(&first), Some(&last)) = (results.first(), results.last()) else {
            return false;
        };
        let mut line = self.line(self.start(first));
        if results.len() < 2 || line >= self.line(self.end(last)) {
            return false;
        }
        let mut long = 0;
        for &result in results {
            let begins = self.line(self.start(result));
            let ends = self.line(self.end(result));
            if line < begins {
                return true;
            }
            // Literals have an indentation of their own.
            if begins < ends && !self.is_like_literal(result) {
                long += 1;
            }
            line = ends;
        }
        long > 1
    }

    fn is_like_literal(&self, id: ExprId) -> bool {
        let is_literal = |id| {
            matches!(
                self.ast.expr(self.ast.unparen(id)),
                Expr::CompositeLit { .. }
            )
        };
        match *self.ast.expr(self.ast.unparen(id)) {
            Expr::Unary {
                op: UnaryOperator::Address,
                operand,
            } => is_literal(operand),
            _ => is_literal(id),
        }
    }

    pub fn statement(&mut self, id: StmtId, before_brace: bool) {
        if self.stopped {
            return;
        }
        with_stack(|| self.statement_here(id, before_brace));
    }

    fn statement_here(&mut self, id: StmtId, before_brace: bool) {
        let range = self.ast.stmt_range(id);
        self.set_position(range.start);
        match *self.ast.stmt(id) {
            // There is none in a tree without errors.
            Stmt::Bad => {}
            Stmt::Empty => {}
            Stmt::Decl(declaration) => self.declaration(declaration),
            Stmt::Labeled { label, statement } => {
                // An unindent behind a line break comes before it, if there is no comment between.
                self.white(White::Unindent);
                self.expr(label);
                let colon = self.source.next(self.end(label));
                self.token_at(colon.start, TokenKind::Colon);
                self.white(White::Indent);
                if *self.ast.stmt(statement) == Stmt::Empty {
                    let place = self.source.next(colon.end).start;
                    if before_brace {
                        self.set_position(place);
                    } else {
                        self.white(White::Newline);
                        self.token_at(place, TokenKind::Semicolon);
                    }
                    return;
                }
                let line = self.line(self.ast.stmt_range(statement).start);
                self.linebreak(line, 1, White::Ignore, true);
                self.statement(statement, before_brace);
            }
            Stmt::Expr(expr) => self.expr(expr),
            Stmt::Send {
                channel,
                value,
                arrow,
            } => {
                self.expr(channel);
                self.blank();
                self.token_at(arrow, TokenKind::Arrow);
                self.blank();
                self.expr(value);
            }
            Stmt::IncDec {
                operand,
                increment,
                op_pos,
            } => {
                self.expr0(operand, 2);
                let operator = if increment {
                    TokenKind::Increment
                } else {
                    TokenKind::Decrement
                };
                self.token_at(op_pos, operator);
            }
            Stmt::Assign {
                op,
                op_pos,
                lhs,
                rhs,
            } => self.assignment(lhs, op_pos, assignment_token(op), rhs),
            Stmt::Define { op_pos, lhs, rhs } => {
                self.assignment(lhs, op_pos, TokenKind::Define, rhs);
            }
            Stmt::Go { call } => {
                self.token(TokenKind::Go);
                self.blank();
                self.expr(call);
            }
            Stmt::Defer { call } => {
                self.token(TokenKind::Defer);
                self.blank();
                self.expr(call);
            }
            Stmt::Return { results } => {
                self.token(TokenKind::Return);
                let results = self.ast.list(results);
                if results.is_empty() {
                    return;
                }
                self.blank();
                let no_indent = self.indents_results(results);
                let mode = ListMode {
                    comma: false,
                    no_indent,
                };
                if no_indent {
                    self.white(White::Indent);
                }
                self.expr_list(None, results, 1, mode, None);
                if no_indent {
                    self.white(White::Unindent);
                }
            }
            Stmt::Break { label } => self.jump(TokenKind::Break, label),
            Stmt::Continue { label } => self.jump(TokenKind::Continue, label),
            Stmt::Goto { label } => self.jump(TokenKind::Goto, Some(label)),
            Stmt::Fallthrough => self.jump(TokenKind::Fallthrough, None),
            Stmt::Block(block) => self.block_of(block),
            Stmt::If {
                init,
                condition,
                then,
                otherwise,
            } => {
                self.token(TokenKind::If);
                self.header(false, init, Some(condition), None);
                self.block_of(then);
                if let Some(otherwise) = otherwise {
                    self.blank();
                    self.token(TokenKind::Else);
                    self.blank();
                    self.statement(otherwise, before_brace);
                }
            }
            Stmt::Switch {
                init,
                tag,
                cases,
                lbrace,
            } => {
                self.token(TokenKind::Switch);
                self.header(false, init, tag, None);
                self.cases(lbrace, cases, range.end - 1);
            }
            Stmt::TypeSwitch {
                init,
                binding,
                operand,
                guard,
                cases,
                lbrace,
            } => {
                self.token(TokenKind::Switch);
                if let Some(init) = init {
                    self.blank();
                    self.statement(init, false);
                    self.token(TokenKind::Semicolon);
                }
                self.blank();
                if let Some(name) = binding {
                    self.expr(name);
                    self.blank();
                    let define = self.source.next(self.end(name)).start;
                    self.token_at(define, TokenKind::Define);
                    self.blank();
                }
                let line = self.line(guard.start);
                let is_below = binding.is_some()
                    && self.position.line < line
                    && self.linebreak(line, 0, White::Indent, true) > 0;
                self.set_position(guard.start);
                self.operand(operand);
                self.token(TokenKind::Dot);
                let rparen = guard.end - 1;
                self.token_at(self.source.partner(rparen), TokenKind::LeftParen);
                self.token(TokenKind::Type);
                self.token_at(rparen, TokenKind::RightParen);
                if is_below {
                    self.white(White::Unindent);
                }
                self.blank();
                self.cases(lbrace, cases, range.end - 1);
            }
            Stmt::Select { cases, lbrace } => {
                self.token(TokenKind::Select);
                self.blank();
                let rbrace = range.end - 1;
                let clauses = self.ast.list(cases);
                if clauses.is_empty() && !self.comment_before(self.source.position(rbrace)) {
                    self.token_at(lbrace, TokenKind::LeftBrace);
                    self.token_at(rbrace, TokenKind::RightBrace);
                    return;
                }
                let items: Vec<Item> = clauses.iter().copied().map(Item::Comm).collect();
                self.block(lbrace, &items, rbrace, false);
            }
            Stmt::For {
                init,
                condition,
                post,
                body,
            } => {
                self.token(TokenKind::For);
                self.header(true, init, condition, post);
                self.block_of(body);
            }
            Stmt::Range {
                kind,
                lhs,
                op_pos,
                operand,
                body,
            } => {
                self.token(TokenKind::For);
                self.blank();
                let lhs = self.ast.list(lhs);
                let variables = &lhs[..self.edits.range_variables(id, lhs.len())];
                for (index, &variable) in variables.iter().enumerate() {
                    if index > 0 {
                        self.token_at(self.start(variable), TokenKind::Comma);
                        self.blank();
                    }
                    self.expr(variable);
                }
                if !variables.is_empty() {
                    self.blank();
                    let operator = match kind {
                        RangeKind::Define => TokenKind::Define,
                        RangeKind::Assign | RangeKind::Nothing => TokenKind::Assign,
                    };
                    self.token_at(op_pos, operator);
                    self.blank();
                }
                self.token(TokenKind::Range);
                self.blank();
                self.expr(self.strip_parens(operand));
                self.blank();
                self.block_of(body);
            }
        }
    }

    fn cases(&mut self, lbrace: u32, cases: List<CaseClause>, rbrace: u32) {
        let items: Vec<Item> = self
            .ast
            .list(cases)
            .iter()
            .copied()
            .map(Item::Case)
            .collect();
        self.block(lbrace, &items, rbrace, false);
    }

    fn jump(&mut self, keyword: TokenKind, label: Option<ExprId>) {
        self.token(keyword);
        if let Some(label) = label {
            self.blank();
            self.expr(label);
        }
    }

    fn assignment(
        &mut self,
        lhs: List<ExprId>,
        op_pos: u32,
        operator: TokenKind,
        rhs: List<ExprId>,
    ) {
        let (lhs, rhs) = (self.ast.list(lhs), self.ast.list(rhs));
        let depth = if lhs.len() > 1 && rhs.len() > 1 { 2 } else { 1 };
        let start = lhs.first().map(|&first| self.start(first));
        self.expr_list(start, lhs, depth, ListMode::default(), Some(op_pos));
        self.blank();
        self.token_at(op_pos, operator);
        self.blank();
        self.expr_list(Some(op_pos), rhs, depth, ListMode::default(), None);
    }

    // ---- declarations in functions and files ---------------------------

    pub fn declaration(&mut self, id: DeclId) {
        let range = self.ast.decl_range(id);
        match *self.ast.decl(id) {
            // There is none in a tree without errors.
            Decl::Bad => {}
            Decl::Const(list) => self.consts(range, list),
            Decl::Var(list) => self.vars(range, list),
            Decl::Type(list) => self.types(range, list),
            Decl::Func(function) => self.function(range, function),
        }
    }
}

fn assignment_token(operator: AssignOperator) -> TokenKind {
    use TokenKind::*;
    match operator {
        AssignOperator::Plain => Assign,
        AssignOperator::Operation(operator) => match operator {
            BinaryOperator::Add => PlusAssign,
            BinaryOperator::Subtract => MinusAssign,
            BinaryOperator::Multiply => StarAssign,
            BinaryOperator::Divide => SlashAssign,
            BinaryOperator::Remainder => PercentAssign,
            BinaryOperator::And => AmpersandAssign,
            BinaryOperator::Or => PipeAssign,
            BinaryOperator::Xor => CaretAssign,
            BinaryOperator::ShiftLeft => ShiftLeftAssign,
            BinaryOperator::ShiftRight => ShiftRightAssign,
            BinaryOperator::AndNot => AndNotAssign,
            // No such assignments exist.
            BinaryOperator::LogicalOr
            | BinaryOperator::LogicalAnd
            | BinaryOperator::Equal
            | BinaryOperator::NotEqual
            | BinaryOperator::Less
            | BinaryOperator::LessEqual
            | BinaryOperator::Greater
            | BinaryOperator::GreaterEqual => Assign,
        },
    }
}
