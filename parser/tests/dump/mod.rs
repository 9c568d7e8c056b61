//! The tree as text: one line a statement or declaration, expressions with every operand in its parentheses.
//! On the way it checks that ranges and numbers are as the tree promises.

use golite_parser::ast::*;

pub fn dump(ast: &Ast, names: &Interner, file: &File, source: &str) -> String {
    let mut dumper = Dumper {
        ast,
        names,
        source,
        out: String::new(),
        indent: 0,
    };
    if let Some(package) = file.package {
        let line = format!("package {}", dumper.expr(package));
        dumper.line(&line);
    }
    for import in &file.imports {
        let name = import
            .name
            .map(|name| dumper.expr(name) + " ")
            .unwrap_or_default();
        let line = format!("import {name}{}", dumper.expr(import.path));
        dumper.line(&line);
    }
    for &id in &file.decls {
        dumper.decl(id);
    }
    if let Some(script) = file.script {
        dumper.line("script");
        dumper.block(script.body);
    }
    dumper.out
}

struct Dumper<'a> {
    ast: &'a Ast,
    names: &'a Interner,
    source: &'a str,
    out: String,
    indent: usize,
}

impl Dumper<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(&"  ".repeat(self.indent));
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn slice(&self, range: diagnostics::TextRange) -> &str {
        &self.source[range.start as usize..range.end as usize]
    }

    fn exprs(&mut self, list: &[ExprId]) -> String {
        list.iter()
            .map(|&id| self.expr(id))
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn child(&mut self, parent: ExprId, id: ExprId) -> String {
        let (outer, inner) = (self.ast.range(parent), self.ast.range(id));
        assert!(id < parent, "a child comes first");
        assert!(
            outer.start <= inner.start && inner.end <= outer.end,
            "{} in {}",
            self.slice(inner),
            self.slice(outer)
        );
        self.expr(id)
    }

    fn maybe(&mut self, id: Option<ExprId>) -> String {
        id.map_or(String::new(), |id| self.expr(id))
    }

    fn params(&mut self, list: List<Param>) -> String {
        let mut parts = Vec::new();
        for param in self.ast.list(list) {
            let name = param
                .name
                .map(|name| self.expr(name) + " ")
                .unwrap_or_default();
            let dots = if param.variadic.is_some() { "..." } else { "" };
            parts.push(format!("{name}{dots}{}", self.expr(param.ty)));
        }
        format!("({})", parts.join(", "))
    }

    fn type_params(&mut self, list: List<TypeParam>) -> String {
        if list.is_empty() {
            return String::new();
        }
        let mut parts = Vec::new();
        for param in self.ast.list(list) {
            parts.push(format!(
                "{} {}",
                self.expr(param.name),
                self.expr(param.constraint)
            ));
        }
        format!("[{}]", parts.join(", "))
    }

    fn signature(&mut self, ty: ExprId) -> String {
        let Expr::FuncType { params, results } = *self.ast.expr(ty) else {
            panic!("a signature is a function type")
        };
        let results = if results.is_empty() {
            String::new()
        } else {
            " ".to_owned() + &self.params(results)
        };
        self.params(params) + &results
    }

    fn expr(&mut self, id: ExprId) -> String {
        let text = self.slice(self.ast.range(id)).to_owned();
        assert_eq!(text.trim(), text, "a range has no blanks around it");
        match *self.ast.expr(id) {
            Expr::Bad => "BAD".to_owned(),
            Expr::Ident(name)
            | Expr::IntLit(name)
            | Expr::FloatLit(name)
            | Expr::ImaginaryLit(name) => {
                assert_eq!(self.names.text(name), text);
                text
            }
            Expr::RuneLit { value, .. } => format!("rune {value}"),
            Expr::StringLit { value, .. } => {
                format!("{:?}", String::from_utf8_lossy(self.ast.list(value)))
            }
            Expr::Paren(inner) => {
                assert!(text.starts_with('(') && text.ends_with(')'));
                format!("paren({})", self.child(id, inner))
            }
            Expr::Selector { operand, name } => {
                format!("{}.{}", self.child(id, operand), self.child(id, name))
            }
            Expr::Index { operand, indices } => {
                assert!(text.ends_with(']'));
                let operand = self.child(id, operand);
                format!("{operand}[{}]", self.exprs(self.ast.list(indices)))
            }
            Expr::Slice {
                operand,
                low,
                high,
                max,
            } => {
                assert!(text.ends_with(']'));
                let max = max
                    .map(|max| format!(":{}", self.expr(max)))
                    .unwrap_or_default();
                format!(
                    "{}[{}:{}{max}]",
                    self.child(id, operand),
                    self.maybe(low),
                    self.maybe(high)
                )
            }
            Expr::TypeAssert { operand, ty } => {
                format!("{}.({})", self.child(id, operand), self.child(id, ty))
            }
            Expr::Call {
                callee,
                args,
                spread,
            } => {
                assert!(text.ends_with(')'));
                let dots = if spread.is_some() { "..." } else { "" };
                let callee = self.child(id, callee);
                format!("{callee}({}{dots})", self.exprs(self.ast.list(args)))
            }
            Expr::Star(inner) => format!("(* {})", self.child(id, inner)),
            Expr::Unary { op, operand } => {
                assert!(text.starts_with(op.text()));
                format!("({op} {})", self.child(id, operand))
            }
            Expr::Binary {
                op,
                op_pos,
                left,
                right,
            } => {
                assert!(self.source[op_pos as usize..].starts_with(op.text()));
                format!("({} {op} {})", self.child(id, left), self.child(id, right))
            }
            Expr::KeyValue { key, value } => {
                format!("{}: {}", self.child(id, key), self.child(id, value))
            }
            Expr::CompositeLit {
                ty,
                elements,
                lbrace,
            } => {
                assert!(self.source[lbrace as usize..].starts_with('{') && text.ends_with('}'));
                let ty = ty.map(|ty| self.child(id, ty)).unwrap_or_default();
                format!("{ty}{{{}}}", self.exprs(self.ast.list(elements)))
            }
            Expr::FuncLit { ty, body } => {
                assert!(text.starts_with("func") && text.ends_with('}'));
                let mut inner = Dumper {
                    out: String::new(),
                    indent: 0,
                    ..*self
                };
                inner.block(body);
                let body = inner
                    .out
                    .trim_end()
                    .split('\n')
                    .map(str::trim)
                    .collect::<Vec<_>>()
                    .join("; ");
                format!("func{} {{ {body} }}", self.signature(ty))
            }
            Expr::SliceType { element } => format!("[]{}", self.child(id, element)),
            Expr::ArrayType { length, element } => {
                let length = length.map_or("...".to_owned(), |length| self.child(id, length));
                format!("[{length}]{}", self.child(id, element))
            }
            Expr::MapType { key, value } => {
                format!("map[{}]{}", self.child(id, key), self.child(id, value))
            }
            Expr::ChanType { direction, element } => {
                let word = match direction {
                    ChanDirection::Both => "chan",
                    ChanDirection::Send => "send",
                    ChanDirection::Receive => "recv",
                };
                assert!(text.starts_with(if direction == ChanDirection::Receive {
                    "<-"
                } else {
                    "chan"
                }));
                format!("{word}({})", self.child(id, element))
            }
            Expr::FuncType { .. } => {
                assert!(text.starts_with("func"));
                "func".to_owned() + &self.signature(id)
            }
            Expr::StructType { fields } => {
                let mut parts = Vec::new();
                for field in self.ast.list(fields) {
                    let name = field
                        .name
                        .map_or("embedded ".to_owned(), |name| self.expr(name) + " ");
                    let tag = field
                        .tag
                        .map(|tag| " ".to_owned() + &self.expr(tag))
                        .unwrap_or_default();
                    parts.push(format!("{name}{}{tag}", self.child(id, field.ty)));
                }
                format!("struct{{{}}}", parts.join("; "))
            }
            Expr::InterfaceType { elements } => {
                let mut parts = Vec::new();
                for &element in self.ast.list(elements) {
                    parts.push(match element {
                        InterfaceElement::Method { name, ty } => {
                            self.expr(name) + &self.signature(ty)
                        }
                        InterfaceElement::Embedded(ty) => self.child(id, ty),
                    });
                }
                format!("interface{{{}}}", parts.join("; "))
            }
        }
    }

    fn decl(&mut self, id: DeclId) {
        match *self.ast.decl(id) {
            Decl::Bad => self.line("BAD"),
            Decl::Const(specs) => {
                for spec in self.ast.list(specs) {
                    let ty = spec
                        .ty
                        .map(|ty| " ".to_owned() + &self.expr(ty))
                        .unwrap_or_default();
                    let line = format!(
                        "const {}{ty} = {} (iota {})",
                        self.exprs(self.ast.list(spec.names)),
                        self.exprs(self.ast.list(spec.values)),
                        spec.iota
                    );
                    self.line(&line);
                }
            }
            Decl::Var(specs) => {
                for spec in self.ast.list(specs) {
                    let ty = spec
                        .ty
                        .map(|ty| " ".to_owned() + &self.expr(ty))
                        .unwrap_or_default();
                    let names = self.exprs(self.ast.list(spec.names));
                    let line = format!(
                        "var {names}{ty} = {}",
                        self.exprs(self.ast.list(spec.values))
                    );
                    self.line(&line);
                }
            }
            Decl::Type(specs) => {
                for spec in self.ast.list(specs) {
                    let equals = if spec.alias.is_some() { "= " } else { "" };
                    let line = format!(
                        "type {}{} {equals}{}",
                        self.expr(spec.name),
                        self.type_params(spec.type_params),
                        self.expr(spec.ty)
                    );
                    self.line(&line);
                }
            }
            Decl::Func(function) => {
                assert!(self.slice(self.ast.decl_range(id)).starts_with("func"));
                let receiver = function.receiver.map(|receiver| {
                    let name = receiver
                        .name
                        .map(|name| self.expr(name) + " ")
                        .unwrap_or_default();
                    format!("({name}{}) ", self.expr(receiver.ty))
                });
                let line = format!(
                    "func {}{}{}{}{}",
                    receiver.unwrap_or_default(),
                    self.expr(function.name),
                    self.type_params(function.type_params),
                    self.signature(function.ty),
                    if function.body.is_some() {
                        ""
                    } else {
                        " native"
                    }
                );
                self.line(&line);
                if let Some(body) = function.body {
                    let range = self.slice(self.ast.block(body).range);
                    assert!(range.starts_with('{') && range.ends_with('}'));
                    self.block(body);
                }
            }
        }
    }

    fn block(&mut self, id: BlockId) {
        self.indent += 1;
        for &statement in self.ast.statements(id) {
            self.stmt(statement);
        }
        self.indent -= 1;
    }

    /// A simple statement on one line.
    fn simple(&mut self, id: Option<StmtId>) -> String {
        let Some(id) = id else { return "-".to_owned() };
        let mut inner = Dumper {
            out: String::new(),
            indent: 0,
            ..*self
        };
        inner.stmt(id);
        inner.out.trim_end().to_owned()
    }

    fn case(&mut self, head: &str, range: diagnostics::TextRange, body: BlockId) {
        assert!(self.slice(range).ends_with(':'));
        self.line(head);
        self.block(body);
    }

    fn stmt(&mut self, id: StmtId) {
        let text = self.slice(self.ast.stmt_range(id)).to_owned();
        assert_eq!(text.trim(), text, "a range has no blanks around it");
        match *self.ast.stmt(id) {
            Stmt::Bad => self.line("BAD"),
            Stmt::Empty => self.line("empty"),
            Stmt::Expr(expr) => {
                let line = self.expr(expr);
                self.line(&line);
            }
            Stmt::Send { channel, value, .. } => {
                let line = format!("{} <- {}", self.expr(channel), self.expr(value));
                self.line(&line);
            }
            Stmt::IncDec {
                operand, increment, ..
            } => {
                let line = format!(
                    "{}{}",
                    self.expr(operand),
                    if increment { "++" } else { "--" }
                );
                self.line(&line);
            }
            Stmt::Assign {
                op,
                op_pos,
                lhs,
                rhs,
            } => {
                assert!(self.source[op_pos as usize..].starts_with(&op.to_string()));
                let line = format!(
                    "{} {op} {}",
                    self.exprs(self.ast.list(lhs)),
                    self.exprs(self.ast.list(rhs))
                );
                self.line(&line);
            }
            Stmt::Define { op_pos, lhs, rhs } => {
                assert!(self.source[op_pos as usize..].starts_with(":="));
                let line = format!(
                    "{} := {}",
                    self.exprs(self.ast.list(lhs)),
                    self.exprs(self.ast.list(rhs))
                );
                self.line(&line);
            }
            Stmt::Go { call } => {
                let line = format!("go {}", self.expr(call));
                self.line(&line);
            }
            Stmt::Defer { call } => {
                let line = format!("defer {}", self.expr(call));
                self.line(&line);
            }
            Stmt::Return { results } => {
                let line = format!("return {}", self.exprs(self.ast.list(results)));
                self.line(line.trim_end());
            }
            Stmt::Break { label } => {
                let line = format!("break {}", self.maybe(label));
                self.line(line.trim_end());
            }
            Stmt::Continue { label } => {
                let line = format!("continue {}", self.maybe(label));
                self.line(line.trim_end());
            }
            Stmt::Goto { label } => {
                let line = format!("goto {}", self.expr(label));
                self.line(&line);
            }
            Stmt::Fallthrough => self.line("fallthrough"),
            Stmt::Block(block) => {
                self.line("block");
                self.block(block);
            }
            Stmt::If {
                init,
                condition,
                then,
                otherwise,
            } => {
                assert!(text.starts_with("if") && text.ends_with('}'));
                let line = format!("if {}; {}", self.simple(init), self.expr(condition));
                self.line(&line);
                self.block(then);
                if let Some(otherwise) = otherwise {
                    self.line("else");
                    self.indent += 1;
                    self.stmt(otherwise);
                    self.indent -= 1;
                }
            }
            Stmt::Switch {
                init,
                tag,
                cases,
                lbrace,
            } => {
                assert!(self.source[lbrace as usize..].starts_with('{') && text.ends_with('}'));
                let line = format!("switch {}; {}", self.simple(init), self.maybe(tag));
                self.line(line.trim_end());
                for case in self.ast.list(cases) {
                    let head = if case.is_default() {
                        "default".to_owned()
                    } else {
                        format!("case {}", self.exprs(self.ast.list(case.values)))
                    };
                    self.case(&head, case.head, case.body);
                }
            }
            Stmt::TypeSwitch {
                init,
                binding,
                operand,
                guard,
                cases,
                lbrace,
            } => {
                assert!(
                    self.source[lbrace as usize..].starts_with('{')
                        && self.slice(guard).ends_with(".(type)")
                );
                let binding = binding
                    .map(|name| self.expr(name) + " := ")
                    .unwrap_or_default();
                let line = format!(
                    "type switch {}; {binding}{}",
                    self.simple(init),
                    self.expr(operand)
                );
                self.line(&line);
                for case in self.ast.list(cases) {
                    let head = if case.is_default() {
                        "default".to_owned()
                    } else {
                        format!("case {}", self.exprs(self.ast.list(case.values)))
                    };
                    self.case(&head, case.head, case.body);
                }
            }
            Stmt::Select { cases, lbrace } => {
                assert!(self.source[lbrace as usize..].starts_with('{') && text.ends_with('}'));
                self.line("select");
                for case in self.ast.list(cases) {
                    let head = case.comm.map_or("default".to_owned(), |comm| {
                        format!("case {}", self.simple(Some(comm)))
                    });
                    self.case(&head, case.head, case.body);
                }
            }
            Stmt::For {
                init,
                condition,
                post,
                body,
            } => {
                let line = format!(
                    "for {}; {}; {}",
                    self.simple(init),
                    self.maybe(condition),
                    self.simple(post)
                );
                self.line(&line);
                self.block(body);
            }
            Stmt::Range {
                kind,
                lhs,
                op_pos,
                operand,
                body,
            } => {
                let operator = match kind {
                    RangeKind::Nothing => "range",
                    RangeKind::Assign => "=",
                    RangeKind::Define => ":=",
                };
                assert!(self.source[op_pos as usize..].starts_with(operator));
                let operator = if kind == RangeKind::Nothing {
                    ""
                } else {
                    operator
                };
                let line = format!(
                    "for {}{operator}range {}",
                    self.exprs(self.ast.list(lhs)),
                    self.expr(operand)
                );
                self.line(&line);
                self.block(body);
            }
            Stmt::Labeled { label, statement } => {
                let line = format!("label {}", self.expr(label));
                self.line(&line);
                self.stmt(statement);
            }
            Stmt::Decl(decl) => self.decl(decl),
        }
    }
}
