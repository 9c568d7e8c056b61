//! Declarations and files.
//!
//! GO: go/printer/nodes.go

use crate::expressions::{ListMode, Parameters};
use crate::imports::{ImportDecl, ImportSpec};
use crate::printer::{Printer, White};
use diagnostics::TextRange;
use lexer::TokenKind;
use parser::ast::{ConstSpec, Decl, DeclId, ExprId, FuncDecl, List, TypeSpec, VarSpec};

/// A declaration of a file.
pub(crate) enum TopDeclaration {
    Import(ImportDecl),
    Decl(DeclId),
}

/// A line of `const` or `var`.
struct ValueSpec<'a> {
    names: &'a [ExprId],
    ty: Option<ExprId>,
    values: &'a [ExprId],
    end: u32,
}

/// For each line of a group whether it keeps its column for types. Where no line of a run with values has one the values stand
/// there.
fn keeps_type_column(specs: &[ValueSpec<'_>]) -> Vec<bool> {
    let mut keeps = vec![false; specs.len()];
    let mut run: Option<usize> = None;
    let mut has_type = false;
    let mut end_run = |run: &mut Option<usize>, end: usize, has_type: bool| {
        if let Some(start) = run.take() {
            keeps[start..end].fill(has_type);
        }
    };
    for (index, spec) in specs.iter().enumerate() {
        if spec.values.is_empty() {
            end_run(&mut run, index, has_type);
        } else if run.is_none() {
            run = Some(index);
            has_type = false;
        }
        has_type |= spec.ty.is_some();
    }
    end_run(&mut run, specs.len(), has_type);
    keeps
}

impl<'a> Printer<'a, '_> {
    // ---- groups --------------------------------------------------------

    /// A keyword with one line or a group of them in parentheses. `one` prints the only line, or one of several.
    fn declaration_group(
        &mut self,
        range: TextRange,
        keyword: TokenKind,
        starts: &[u32],
        mut one: impl FnMut(&mut Self, usize, bool),
    ) {
        self.token_at(range.start, keyword);
        self.blank();
        let lparen = self
            .source
            .next(range.start + keyword.spelling().len() as u32);
        if lparen.kind != TokenKind::LeftParen {
            return one(self, 0, false);
        }
        self.token_at(lparen.start, TokenKind::LeftParen);
        if !starts.is_empty() {
            self.white(White::Indent);
            self.white(White::FormFeed);
            let lines = self.begin_list();
            for (index, &start) in starts.iter().enumerate() {
                if index > 0 {
                    let is_long = self.lines_of_element(lines) > 0;
                    self.linebreak(self.line(start), 1, White::Ignore, is_long);
                }
                self.begin_element(lines);
                one(self, index, true);
            }
            self.end_list(lines);
            self.white(White::Unindent);
            self.white(White::FormFeed);
        }
        self.token_at(self.source.partner(lparen.start), TokenKind::RightParen);
    }

    pub fn consts(&mut self, range: TextRange, list: List<ConstSpec>) {
        let ast = self.ast;
        let specs: Vec<ValueSpec<'a>> = ast
            .list(list)
            .iter()
            .map(|spec| ValueSpec {
                names: ast.list(spec.names),
                ty: spec.ty,
                values: ast.list(spec.values),
                end: spec.range.end,
            })
            .collect();
        self.values(range, TokenKind::Const, &specs);
    }

    pub fn vars(&mut self, range: TextRange, list: List<VarSpec>) {
        let ast = self.ast;
        let specs: Vec<ValueSpec<'a>> = ast
            .list(list)
            .iter()
            .map(|spec| ValueSpec {
                names: ast.list(spec.names),
                ty: spec.ty,
                values: ast.list(spec.values),
                end: spec.range.end,
            })
            .collect();
        self.values(range, TokenKind::Var, &specs);
    }

    fn values(&mut self, range: TextRange, keyword: TokenKind, specs: &[ValueSpec<'_>]) {
        let keeps = keeps_type_column(specs);
        let starts: Vec<u32> = specs.iter().map(|spec| self.start(spec.names[0])).collect();
        self.declaration_group(range, keyword, &starts, |this, index, in_group| {
            let spec = &specs[index];
            if in_group && specs.len() > 1 {
                this.value_in_columns(spec, keeps[index]);
            } else {
                this.value(spec, !in_group);
            }
        });
    }

    /// A line of several.
    fn value_in_columns(&mut self, spec: &ValueSpec<'_>, keeps_type: bool) {
        self.names(spec.names, false);
        let mut missing_cells = 3;
        if spec.ty.is_some() || keeps_type {
            self.white(White::Tab);
            missing_cells -= 1;
        }
        if let Some(ty) = spec.ty {
            self.expr(ty);
        }
        if !spec.values.is_empty() {
            self.white(White::Tab);
            self.token(TokenKind::Assign);
            self.blank();
            self.expr_list(None, spec.values, 1, ListMode::default(), None);
            missing_cells -= 1;
        }
        if self.source.line_comment(spec.end).is_some() {
            for _ in 0..missing_cells {
                self.white(White::Tab);
            }
        }
    }

    /// A line alone.
    fn value(&mut self, spec: &ValueSpec<'_>, indent_names: bool) {
        self.names(spec.names, indent_names);
        if let Some(ty) = spec.ty {
            self.blank();
            self.expr(ty);
        }
        if !spec.values.is_empty() {
            self.blank();
            self.token(TokenKind::Assign);
            self.blank();
            self.expr_list(None, spec.values, 1, ListMode::default(), None);
        }
    }

    pub fn types(&mut self, range: TextRange, list: List<TypeSpec>) {
        let specs = self.ast.list(list);
        let starts: Vec<u32> = specs.iter().map(|spec| self.start(spec.name)).collect();
        self.declaration_group(range, TokenKind::Type, &starts, |this, index, _| {
            let spec = &specs[index];
            this.expr(spec.name);
            this.type_parameters(spec.name, spec.type_params, Parameters::TypesOfType);
            this.white(if specs.len() == 1 {
                White::Blank
            } else {
                White::Tab
            });
            if spec.alias.is_some() {
                this.token(TokenKind::Assign);
                this.blank();
            }
            this.expr(spec.ty);
        });
    }

    fn import(&mut self, import: &ImportDecl) {
        let starts: Vec<u32> = import.specs.iter().map(|spec| spec.start).collect();
        self.declaration_group(
            import.range,
            TokenKind::Import,
            &starts,
            |this, index, _| {
                this.import_spec(&import.specs[index]);
            },
        );
    }

    fn import_spec(&mut self, spec: &ImportSpec) {
        if let Some(name) = &spec.name {
            self.set_position(spec.start);
            self.name(name);
            self.blank();
        }
        self.set_position(spec.path_start);
        self.literal(TokenKind::String, &spec.path);
        if let Some(end) = spec.moved_end {
            self.set_position(end);
        }
    }

    // ---- functions -----------------------------------------------------

    pub fn function(&mut self, range: TextRange, function: FuncDecl) {
        self.token_at(range.start, TokenKind::Func);
        self.blank();
        let start_column = self.out_column as isize - "func ".len() as isize;
        let receivers = match (self.edits.receivers(range.start), &function.receiver) {
            (Some(receivers), _) => Some(self.ast.list(receivers)),
            (None, Some(receiver)) => Some(std::slice::from_ref(receiver)),
            (None, None) => None,
        };
        if let Some(receivers) = receivers {
            let opening = self.source.next(range.start + "func".len() as u32).start;
            let fields = crate::expressions::Field::of_params(receivers);
            self.parameters(opening, &fields, Parameters::OfFunction);
            self.blank();
        }
        self.expr(function.name);
        self.type_parameters(
            function.name,
            function.type_params,
            Parameters::TypesOfFunction,
        );
        self.signature(function.ty);
        let head = self.distance_from(range.start, start_column);
        self.function_body(head, White::Tab, function.body);
    }

    // ---- files ---------------------------------------------------------

    /// Declarations of a file, an empty line between those of different kinds or with documentation.
    pub fn declarations(&mut self, list: &[TopDeclaration]) {
        let mut before = None;
        for declaration in list {
            let (range, keyword) = match declaration {
                TopDeclaration::Import(import) => (import.range, TokenKind::Import),
                TopDeclaration::Decl(id) => {
                    let keyword = match self.ast.decl(*id) {
                        Decl::Const(_) => TokenKind::Const,
                        Decl::Var(_) => TokenKind::Var,
                        Decl::Type(_) => TokenKind::Type,
                        Decl::Func(_) | Decl::Bad => TokenKind::Func,
                    };
                    (self.ast.decl_range(*id), keyword)
                }
            };
            if !self.output.is_empty() {
                let apart = before != Some(keyword) || self.source.has_doc(range.start);
                let is_long =
                    keyword == TokenKind::Func && self.line(range.end) > self.line(range.start);
                let least = if apart { 2 } else { 1 };
                self.linebreak(self.line(range.start), least, White::Ignore, is_long);
            }
            before = Some(keyword);
            match declaration {
                TopDeclaration::Import(import) => self.import(import),
                TopDeclaration::Decl(id) => self.declaration(*id),
            }
        }
    }

    /// A file with its package clause.
    pub fn file(&mut self, package: ExprId, list: &[TopDeclaration]) {
        let keyword = self.source.tokens[0].start;
        self.token_at(keyword, TokenKind::Package);
        self.blank();
        self.expr(package);
        self.declarations(list);
        self.white(White::Newline);
    }
}
