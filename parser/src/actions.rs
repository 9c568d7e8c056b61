//! What the grammar's actions call: each makes a node.
//!
//! The grammar accepts a little more than Go (`f(){}` as a composite literal, a method with two receivers, ...). What is too
//! much is *refused* here: the place is noted, the tree goes on with a [`Expr::Bad`], and [`crate::explain`] finds the words.

use crate::ast::*;
use diagnostics::{FileId, TextRange};
use lexer::{Comment, literals};

/// Builds the tree of one file.
pub struct Builder<'s> {
    ast: &'s mut Ast,
    names: &'s mut Interner,
    text: &'s str,
    file: FileId,
    comments: &'s [Comment],
    /// Where malformed literals are, in order.
    spoiled: Vec<u32>,
    /// `x.(type)` that no switch has taken yet: the node, and x.
    pub(crate) guards: Vec<(ExprId, ExprId)>,
    /// The first place that Go's parser refuses although the grammar does not.
    pub(crate) refused: Option<TextRange>,
    /// Whether go/parser refuses something, too.
    pub(crate) is_malformed: bool,
    /// Receivers of functions that have none or several, by the offset of `func`.
    pub(crate) receivers: Vec<(u32, List<Param>)>,
    /// The first place that is nested too deeply.
    pub(crate) too_deep: Option<TextRange>,
    pub(crate) package: Option<ExprId>,
    pub(crate) imports: Vec<Import>,
    pub(crate) declarations: Vec<DeclId>,
    pub(crate) script: Option<Script>,
}

/// A parameter before it is known whether `a` in `(a, b int)` is a name or a type.
pub struct Parameter {
    name: Option<ExprId>,
    variadic: Option<u32>,
    ty: ExprId,
}

/// `( ... )`
pub struct ParameterList {
    list: Vec<Param>,
    start: u32,
    end: u32,
}

impl<'s> Builder<'s> {
    pub(crate) fn new(
        ast: &'s mut Ast,
        names: &'s mut Interner,
        file: FileId,
        text: &'s str,
        comments: &'s [Comment],
        spoiled: Vec<u32>,
    ) -> Self {
        Self {
            ast,
            names,
            text,
            file,
            comments,
            spoiled,
            guards: Vec::new(),
            refused: None,
            is_malformed: false,
            receivers: Vec::new(),
            too_deep: None,
            package: None,
            imports: Vec::new(),
            declarations: Vec::new(),
            script: None,
        }
    }

    /// Looks at what only the whole file shows.
    pub(crate) fn finish(&mut self) {
        if let Some(&(guard, _)) = self.guards.first() {
            self.refuse_in_compiler(self.ast.range(guard));
        }
    }

    fn at(&self, start: u32, end: u32) -> TextRange {
        TextRange::new(self.file, start, end)
    }

    fn start(&self, id: ExprId) -> u32 {
        self.ast.range(id).start
    }

    fn end(&self, id: ExprId) -> u32 {
        self.ast.range(id).end
    }

    fn source(&self, start: u32, end: u32) -> &'s str {
        self.text.get(start as usize..end as usize).unwrap_or("")
    }

    fn refuse(&mut self, range: TextRange) {
        self.is_malformed = true;
        self.refuse_in_compiler(range);
    }

    /// Go's compiler refuses it as syntax, go/parser does not.
    fn refuse_in_compiler(&mut self, range: TextRange) {
        self.refused.get_or_insert(range);
    }

    /// Whether one more level is too much; reports it.
    fn is_too_deep(&mut self, below: u16, range: TextRange) -> bool {
        if below < MAX_DEPTH {
            return false;
        }
        self.too_deep.get_or_insert(range);
        true
    }

    fn add(&mut self, expr: Expr, start: u32, end: u32, below: u16) -> ExprId {
        let range = self.at(start, end);
        if self.is_too_deep(below, range) {
            return self.ast.add_expr(Expr::Bad, range, 1);
        }
        self.ast.add_expr(expr, range, below + 1)
    }

    fn bad(&mut self, range: TextRange) -> ExprId {
        self.ast.add_expr(Expr::Bad, range, 1)
    }

    fn add_statement(&mut self, stmt: Stmt, start: u32, end: u32, below: u16) -> StmtId {
        let range = self.at(start, end);
        if self.is_too_deep(below, range) {
            return self.ast.add_stmt(Stmt::Bad, range, 1);
        }
        self.ast.add_stmt(stmt, range, below + 1)
    }

    fn depth(&self, id: ExprId) -> u16 {
        self.ast.expr_depth(id)
    }

    fn depth_if(&self, id: Option<ExprId>) -> u16 {
        id.map_or(0, |id| self.depth(id))
    }

    fn depth_of(&self, list: &[ExprId]) -> u16 {
        list.iter().map(|&id| self.depth(id)).max().unwrap_or(0)
    }

    fn statement_depth_if(&self, id: Option<StmtId>) -> u16 {
        id.map_or(0, |id| self.ast.stmt_depth(id))
    }

    // ---- files and declarations ----------------------------------------

    pub(crate) fn package(&mut self, name: ExprId) {
        self.package = Some(name);
    }

    pub(crate) fn script(&mut self, statements: Vec<StmtId>) {
        let body = self.block(0, statements, self.text.len() as u32);
        let name = self
            .ast
            .add_expr(Expr::Ident(Symbol::MAIN), self.at(0, 0), 1);
        let (params, results) = (List::EMPTY, List::EMPTY);
        let ty = self
            .ast
            .add_expr(Expr::FuncType { params, results }, self.at(0, 0), 1);
        let function = FuncDecl {
            name,
            receiver: None,
            type_params: List::EMPTY,
            ty,
            body: Some(body),
            doc: None,
        };
        let depth = self.ast.block_depth(body);
        let end = self.text.len() as u32;
        let function = self.add_declaration(Decl::Func(function), 0, end, depth);
        self.script = Some(Script { body, function });
    }

    pub(crate) fn import(&mut self, start: u32, name: Option<ExprId>, path: ExprId, end: u32) {
        let range = self.at(start, end);
        if !matches!(self.ast.expr(path), Expr::Bad) {
            self.imports.push(Import { name, path, range });
        }
    }

    pub(crate) fn declare(&mut self, declaration: DeclId) {
        self.declarations.push(declaration);
    }

    pub(crate) fn declare_in_script(&mut self, declaration: DeclId) -> Option<StmtId> {
        self.declare(declaration);
        None
    }

    fn add_declaration(&mut self, decl: Decl, start: u32, end: u32, below: u16) -> DeclId {
        let range = self.at(start, end);
        if self.is_too_deep(below, range) {
            return self.ast.add_decl(Decl::Bad, range, 1);
        }
        self.ast.add_decl(decl, range, below + 1)
    }

    pub(crate) fn const_declaration(
        &mut self,
        start: u32,
        mut specs: Vec<ConstSpec>,
        end: u32,
    ) -> DeclId {
        let mut below = 0;
        for (index, spec) in specs.iter_mut().enumerate() {
            spec.iota = index as u32;
            below = below
                .max(self.depth_if(spec.ty))
                .max(self.depth_of(self.ast.list(spec.values)));
        }
        let list = self.ast.add_list(specs);
        self.add_declaration(Decl::Const(list), start, end, below)
    }

    pub(crate) fn var_declaration(&mut self, start: u32, specs: Vec<VarSpec>, end: u32) -> DeclId {
        let mut below = 0;
        for spec in &specs {
            below = below
                .max(self.depth_if(spec.ty))
                .max(self.depth_of(self.ast.list(spec.values)));
        }
        let list = self.ast.add_list(specs);
        self.add_declaration(Decl::Var(list), start, end, below)
    }

    pub(crate) fn type_declaration(
        &mut self,
        start: u32,
        specs: Vec<TypeSpec>,
        end: u32,
    ) -> DeclId {
        let mut below = 0;
        for spec in &specs {
            let params = self
                .ast
                .list(spec.type_params)
                .iter()
                .map(|param| self.depth(param.constraint));
            below = below
                .max(self.depth(spec.ty))
                .max(params.max().unwrap_or(0));
        }
        let list = self.ast.add_list(specs);
        self.add_declaration(Decl::Type(list), start, end, below)
    }

    fn spec_range(&self, names: &[ExprId], ty: Option<ExprId>, values: &[ExprId]) -> TextRange {
        let last = values
            .last()
            .copied()
            .or(ty)
            .unwrap_or(names[names.len() - 1]);
        self.at(self.start(names[0]), self.end(last))
    }

    pub(crate) fn const_spec(
        &mut self,
        names: Vec<ExprId>,
        ty: Option<ExprId>,
        values: Vec<ExprId>,
    ) -> ConstSpec {
        let range = self.spec_range(&names, ty, &values);
        ConstSpec {
            names: self.ast.add_list(names),
            ty,
            values: self.ast.add_list(values),
            iota: 0,
            range,
        }
    }

    pub(crate) fn var_spec(
        &mut self,
        names: Vec<ExprId>,
        ty: Option<ExprId>,
        values: Vec<ExprId>,
    ) -> VarSpec {
        let range = self.spec_range(&names, ty, &values);
        VarSpec {
            names: self.ast.add_list(names),
            ty,
            values: self.ast.add_list(values),
            range,
        }
    }

    pub(crate) fn type_spec(
        &mut self,
        name: ExprId,
        params: Vec<TypeParam>,
        alias: Option<u32>,
        ty: ExprId,
    ) -> TypeSpec {
        let range = self.at(self.start(name), self.end(ty));
        TypeSpec {
            name,
            type_params: self.ast.add_list(params),
            alias,
            ty,
            range,
        }
    }

    /// Gives names without a constraint the next one: `[K, V any]`.
    pub(crate) fn type_params(
        &mut self,
        list: Vec<(ExprId, Option<ExprId>)>,
        end: u32,
    ) -> Vec<TypeParam> {
        let mut constraint = None;
        let mut params = Vec::with_capacity(list.len());
        for (name, own) in list.into_iter().rev() {
            constraint = own.or(constraint);
            let constraint = *constraint.get_or_insert_with(|| {
                let range = TextRange::at(self.file, end);
                self.refuse(range);
                self.bad(range)
            });
            params.push(TypeParam { name, constraint });
        }
        params.reverse();
        params
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of the production")]
    pub(crate) fn function(
        &mut self,
        start: u32,
        receiver: Option<ParameterList>,
        name: ExprId,
        params: Vec<TypeParam>,
        ty: ExprId,
        body: Option<BlockId>,
        end: u32,
    ) -> DeclId {
        let receiver = receiver.and_then(|list| {
            if list.list.len() != 1 || list.list[0].variadic.is_some() {
                self.refuse_in_compiler(self.at(list.start, list.end));
                let receivers = self.ast.add_list(list.list.iter().copied());
                self.receivers.push((start, receivers));
            }
            list.list.first().copied()
        });
        let below = self
            .depth(ty)
            .max(self.depth_if(receiver.map(|receiver| receiver.ty)))
            .max(
                params
                    .iter()
                    .map(|param| self.depth(param.constraint))
                    .max()
                    .unwrap_or(0),
            )
            .max(body.map_or(0, |body| self.ast.block_depth(body)));
        let type_params = self.ast.add_list(params);
        let doc = self.doc_comment(start);
        let decl = Decl::Func(FuncDecl {
            name,
            receiver,
            type_params,
            ty,
            body,
            doc,
        });
        self.add_declaration(decl, start, end, below)
    }

    /// The comments that end on the line above `start`, with no empty line between them.
    fn doc_comment(&self, start: u32) -> Option<TextRange> {
        let above = self
            .comments
            .partition_point(|comment| comment.start < start);
        let mut doc: Option<TextRange> = None;
        let mut below = start;
        for comment in self.comments[..above].iter().rev() {
            let between = self.source(comment.end, below);
            if !between.trim().is_empty() || between.matches('\n').count() != 1 {
                break;
            }
            // A comment behind something else on its line belongs to that.
            let line = self.text[..comment.start as usize]
                .rfind('\n')
                .map_or(0, |at| at + 1);
            if !self.source(line as u32, comment.start).trim().is_empty() {
                break;
            }
            doc = Some(self.at(comment.start, doc.map_or(comment.end, |doc| doc.end)));
            below = comment.start;
        }
        doc
    }

    // ---- types ---------------------------------------------------------

    pub(crate) fn star(&mut self, start: u32, inner: ExprId) -> ExprId {
        self.add(Expr::Star(inner), start, self.end(inner), self.depth(inner))
    }

    pub(crate) fn slice_type(&mut self, start: u32, element: ExprId) -> ExprId {
        self.add(
            Expr::SliceType { element },
            start,
            self.end(element),
            self.depth(element),
        )
    }

    pub(crate) fn array_type(
        &mut self,
        start: u32,
        length: Option<ExprId>,
        element: ExprId,
    ) -> ExprId {
        let below = self.depth(element).max(self.depth_if(length));
        self.add(
            Expr::ArrayType { length, element },
            start,
            self.end(element),
            below,
        )
    }

    pub(crate) fn map_type(&mut self, start: u32, key: ExprId, value: ExprId) -> ExprId {
        let below = self.depth(key).max(self.depth(value));
        self.add(Expr::MapType { key, value }, start, self.end(value), below)
    }

    pub(crate) fn chan_type(
        &mut self,
        start: u32,
        direction: ChanDirection,
        element: ExprId,
    ) -> ExprId {
        self.add(
            Expr::ChanType { direction, element },
            start,
            self.end(element),
            self.depth(element),
        )
    }

    fn params_depth(&self, list: &[Param]) -> u16 {
        list.iter()
            .map(|param| self.depth(param.ty))
            .max()
            .unwrap_or(0)
    }

    pub(crate) fn func_type(
        &mut self,
        start: u32,
        params: ParameterList,
        results: ParameterList,
    ) -> ExprId {
        self.check_variadic(&params, true);
        self.check_variadic(&results, false);
        let below = self
            .params_depth(&params.list)
            .max(self.params_depth(&results.list));
        let ty = Expr::FuncType {
            params: self.ast.add_list(params.list),
            results: self.ast.add_list(results.list),
        };
        self.add(ty, start, results.end, below)
    }

    pub(crate) fn func_type_of(
        &mut self,
        start: u32,
        params: ParameterList,
        result: Option<ExprId>,
    ) -> ExprId {
        let end = result.map_or(params.end, |result| self.end(result));
        let list = result
            .map(|ty| Param {
                name: None,
                ty,
                variadic: None,
            })
            .into_iter()
            .collect();
        self.func_type(start, params, ParameterList { list, start, end })
    }

    pub(crate) fn signature(&mut self, params: ParameterList, results: ParameterList) -> ExprId {
        self.func_type(params.start, params, results)
    }

    pub(crate) fn signature_of(&mut self, params: ParameterList, result: Option<ExprId>) -> ExprId {
        self.func_type_of(params.start, params, result)
    }

    /// Only the last parameter may be variadic, a result never.
    fn check_variadic(&mut self, list: &ParameterList, allowed: bool) {
        let last = if allowed {
            list.list.len().saturating_sub(1)
        } else {
            list.list.len()
        };
        if let Some(at) = list.list[..last].iter().find_map(|param| param.variadic) {
            self.refuse_in_compiler(self.at(at, at + 3));
        }
    }

    pub(crate) fn param(
        &mut self,
        name: Option<ExprId>,
        variadic: Option<u32>,
        ty: ExprId,
    ) -> Parameter {
        Parameter { name, variadic, ty }
    }

    /// Decides which are names: all or none.
    ///
    /// GO: parser.go paramList
    pub(crate) fn params(&mut self, start: u32, list: Vec<Parameter>, end: u32) -> ParameterList {
        if list.iter().all(|param| param.name.is_none()) {
            let list = list
                .into_iter()
                .map(|Parameter { variadic, ty, .. }| Param {
                    name: None,
                    ty,
                    variadic,
                })
                .collect();
            return ParameterList { list, start, end };
        }
        let mut typed: Option<(ExprId, Option<u32>)> = None;
        let mut params = Vec::with_capacity(list.len());
        for Parameter { name, variadic, ty } in list.into_iter().rev() {
            if name.is_some() {
                typed = Some((ty, variadic));
                params.push(Param { name, ty, variadic });
                continue;
            }
            // Without a name of its own: a name whose type follows.
            let is_name = variadic.is_none() && self.ast.ident(ty).is_some();
            match typed {
                Some((shared, variadic)) if is_name => params.push(Param {
                    name: Some(ty),
                    ty: shared,
                    variadic,
                }),
                _ => {
                    self.refuse(self.ast.range(ty));
                    params.push(Param {
                        name: None,
                        ty,
                        variadic,
                    });
                }
            }
        }
        params.reverse();
        ParameterList {
            list: params,
            start,
            end,
        }
    }

    pub(crate) fn struct_type(
        &mut self,
        start: u32,
        fields: Vec<Vec<StructField>>,
        end: u32,
    ) -> ExprId {
        let below = fields
            .iter()
            .flatten()
            .map(|field| self.depth(field.ty))
            .max()
            .unwrap_or(0);
        let fields = self.ast.add_list(fields.into_iter().flatten());
        self.add(Expr::StructType { fields }, start, end, below)
    }

    pub(crate) fn fields(
        &mut self,
        names: Vec<ExprId>,
        ty: ExprId,
        tag: Option<ExprId>,
    ) -> Vec<StructField> {
        if names.is_empty() {
            return vec![StructField {
                name: None,
                ty,
                tag,
            }];
        }
        names
            .into_iter()
            .map(|name| StructField {
                name: Some(name),
                ty,
                tag,
            })
            .collect()
    }

    pub(crate) fn embedded_pointer(
        &mut self,
        start: u32,
        ty: ExprId,
        tag: Option<ExprId>,
    ) -> Vec<StructField> {
        let ty = self.star(start, ty);
        self.fields(vec![], ty, tag)
    }

    pub(crate) fn interface_type(
        &mut self,
        start: u32,
        elements: Vec<InterfaceElement>,
        end: u32,
    ) -> ExprId {
        let depth = |element: &InterfaceElement| match *element {
            InterfaceElement::Method { ty, .. } | InterfaceElement::Embedded(ty) => self.depth(ty),
        };
        let below = elements.iter().map(depth).max().unwrap_or(0);
        let elements = self.ast.add_list(elements);
        self.add(Expr::InterfaceType { elements }, start, end, below)
    }

    pub(crate) fn method(&mut self, name: ExprId, ty: ExprId) -> InterfaceElement {
        InterfaceElement::Method { name, ty }
    }

    // ---- expressions ---------------------------------------------------

    pub(crate) fn ident(&mut self, start: u32, end: u32) -> ExprId {
        let name = self.names.intern(self.source(start, end));
        self.add(Expr::Ident(name), start, end, 0)
    }

    pub(crate) fn prepend(&mut self, first: ExprId, mut rest: Vec<ExprId>) -> Vec<ExprId> {
        rest.insert(0, first);
        rest
    }

    /// The lexer has complained about a literal that has no value.
    fn literal(
        &mut self,
        start: u32,
        end: u32,
        value: impl FnOnce(&mut Self, &'s str, Symbol) -> Option<Expr>,
    ) -> ExprId {
        let text = self.source(start, end);
        let symbol = self.names.intern(text);
        let next = self.spoiled.partition_point(|at| *at < start);
        // What is missing at the end of a literal is reported behind it.
        let is_spoiled = self.spoiled.get(next).is_some_and(|at| *at <= end);
        let expr = value(self, text, symbol).filter(|_| !is_spoiled);
        self.add(expr.unwrap_or(Expr::Bad), start, end, 0)
    }

    pub(crate) fn int(&mut self, start: u32, end: u32) -> ExprId {
        self.literal(start, end, |_, _, symbol| Some(Expr::IntLit(symbol)))
    }

    pub(crate) fn float(&mut self, start: u32, end: u32) -> ExprId {
        self.literal(start, end, |_, _, symbol| Some(Expr::FloatLit(symbol)))
    }

    pub(crate) fn imaginary(&mut self, start: u32, end: u32) -> ExprId {
        self.literal(start, end, |_, _, symbol| Some(Expr::ImaginaryLit(symbol)))
    }

    pub(crate) fn rune(&mut self, start: u32, end: u32) -> ExprId {
        self.literal(start, end, |_, text, symbol| {
            Some(Expr::RuneLit {
                text: symbol,
                value: literals::rune(text)?,
            })
        })
    }

    pub(crate) fn string(&mut self, start: u32, end: u32) -> ExprId {
        self.literal(start, end, |this, text, symbol| {
            let value = this.ast.add_list(literals::string(text)?);
            Some(Expr::StringLit {
                text: symbol,
                value,
            })
        })
    }

    pub(crate) fn paren(&mut self, start: u32, inner: ExprId, end: u32) -> ExprId {
        self.add(Expr::Paren(inner), start, end, self.depth(inner))
    }

    pub(crate) fn binary(
        &mut self,
        left: ExprId,
        op_pos: u32,
        op: BinaryOperator,
        right: ExprId,
    ) -> ExprId {
        let below = self.depth(left).max(self.depth(right));
        self.add(
            Expr::Binary {
                op,
                op_pos,
                left,
                right,
            },
            self.start(left),
            self.end(right),
            below,
        )
    }

    pub(crate) fn unary(&mut self, start: u32, op: UnaryOperator, operand: ExprId) -> ExprId {
        self.add(
            Expr::Unary { op, operand },
            start,
            self.end(operand),
            self.depth(operand),
        )
    }

    /// `<-x`, or `<-chan T`, which the grammar takes for a receive from a type.
    ///
    /// GO: parser.go unaryExpr, "re-associate"
    pub(crate) fn receive(&mut self, start: u32, operand: ExprId) -> ExprId {
        // `<-chan<- chan T` is `<-chan (<-chan T)`: the arrow wanders inwards past send-only channels.
        let mut starts = vec![start];
        let mut inner = operand;
        while let Expr::ChanType { direction, element } = *self.ast.expr(inner) {
            match direction {
                ChanDirection::Send => {
                    // Behind `chan` of this node stands the arrow that belongs to its element.
                    let arrow = self
                        .source(self.start(inner), self.start(element))
                        .rfind("<-");
                    starts.push(self.start(inner) + arrow.unwrap_or(0) as u32);
                    inner = element;
                }
                ChanDirection::Both => {
                    let mut ty = element;
                    for start in starts.into_iter().rev() {
                        ty = self.chan_type(start, ChanDirection::Receive, ty);
                    }
                    return ty;
                }
                ChanDirection::Receive => break,
            }
        }
        if inner != operand || matches!(self.ast.expr(operand), Expr::ChanType { .. }) {
            let range = self.at(start, self.end(operand));
            self.refuse(range);
            return self.bad(range);
        }
        self.unary(start, UnaryOperator::Receive, operand)
    }

    pub(crate) fn func_lit(&mut self, start: u32, ty: ExprId, body: BlockId, end: u32) -> ExprId {
        let below = self.depth(ty).max(self.ast.block_depth(body));
        self.add(Expr::FuncLit { ty, body }, start, end, below)
    }

    pub(crate) fn selector(&mut self, operand: ExprId, name: ExprId) -> ExprId {
        self.add(
            Expr::Selector { operand, name },
            self.start(operand),
            self.end(name),
            self.depth(operand),
        )
    }

    pub(crate) fn type_assert(&mut self, operand: ExprId, ty: ExprId, end: u32) -> ExprId {
        let below = self.depth(operand).max(self.depth(ty));
        self.add(
            Expr::TypeAssert { operand, ty },
            self.start(operand),
            end,
            below,
        )
    }

    /// `x.(type)`, which the header of a switch is to take.
    pub(crate) fn type_guard(&mut self, operand: ExprId, end: u32) -> ExprId {
        let guard = self.add(Expr::Bad, self.start(operand), end, self.depth(operand));
        self.guards.push((guard, operand));
        guard
    }

    pub(crate) fn index(&mut self, operand: ExprId, indices: Vec<ExprId>, end: u32) -> ExprId {
        let below = self.depth(operand).max(self.depth_of(&indices));
        let indices = self.ast.add_list(indices);
        self.add(
            Expr::Index { operand, indices },
            self.start(operand),
            end,
            below,
        )
    }

    pub(crate) fn slice(
        &mut self,
        operand: ExprId,
        low: Option<ExprId>,
        high: Option<ExprId>,
        max: Option<ExprId>,
        end: u32,
    ) -> ExprId {
        let below = self
            .depth(operand)
            .max(self.depth_if(low))
            .max(self.depth_if(high))
            .max(self.depth_if(max));
        self.add(
            Expr::Slice {
                operand,
                low,
                high,
                max,
            },
            self.start(operand),
            end,
            below,
        )
    }

    /// With a second colon, behind which and before which an index must stand.
    pub(crate) fn full_slice(
        &mut self,
        operand: ExprId,
        low: Option<ExprId>,
        high: Option<ExprId>,
        max: Option<ExprId>,
        end: u32,
    ) -> ExprId {
        let place = self.at(self.end(operand), end);
        let mut required = |index: Option<ExprId>| {
            index.unwrap_or_else(|| {
                self.refuse(place);
                self.bad(place)
            })
        };
        let (high, max) = (required(high), required(max));
        self.slice(operand, low, Some(high), Some(max), end)
    }

    pub(crate) fn call(
        &mut self,
        callee: ExprId,
        (args, spread): (Vec<ExprId>, Option<u32>),
        end: u32,
    ) -> ExprId {
        let below = self.depth(callee).max(self.depth_of(&args));
        let args = self.ast.add_list(args);
        self.add(
            Expr::Call {
                callee,
                args,
                spread,
            },
            self.start(callee),
            end,
            below,
        )
    }

    /// Whether an expression can only be a value, never a type.
    ///
    /// GO: parser.go isValue
    fn is_value(&self, id: ExprId) -> bool {
        let mut left = vec![id];
        while let Some(id) = left.pop() {
            match *self.ast.expr(id) {
                Expr::IntLit(_)
                | Expr::FloatLit(_)
                | Expr::ImaginaryLit(_)
                | Expr::RuneLit { .. }
                | Expr::StringLit { .. }
                | Expr::CompositeLit { .. }
                | Expr::FuncLit { .. }
                | Expr::Slice { .. }
                | Expr::TypeAssert { .. }
                | Expr::Call { .. }
                | Expr::Unary { .. }
                | Expr::Binary { .. } => return true,
                Expr::Paren(inner) => left.push(inner),
                Expr::Index { operand, indices } => {
                    left.push(operand);
                    if let [index] = *self.ast.list(indices) {
                        left.push(index);
                    }
                }
                _ => {}
            }
        }
        false
    }

    pub(crate) fn composite_lit(
        &mut self,
        ty: ExprId,
        lbrace: u32,
        elements: Vec<ExprId>,
        end: u32,
    ) -> ExprId {
        let can_be_literal = match *self.ast.expr(ty) {
            Expr::Ident(_)
            | Expr::Selector { .. }
            | Expr::ArrayType { .. }
            | Expr::SliceType { .. }
            | Expr::StructType { .. }
            | Expr::MapType { .. } => true,
            Expr::Index { .. } => !self.is_value(ty),
            _ => false,
        };
        if !can_be_literal {
            self.refuse(self.at(lbrace, lbrace + 1));
        }
        let below = self.depth(ty).max(self.depth_of(&elements));
        let elements = self.ast.add_list(elements);
        self.add(
            Expr::CompositeLit {
                ty: Some(ty),
                elements,
                lbrace,
            },
            self.start(ty),
            end,
            below,
        )
    }

    pub(crate) fn untyped_lit(&mut self, start: u32, elements: Vec<ExprId>, end: u32) -> ExprId {
        let below = self.depth_of(&elements);
        let elements = self.ast.add_list(elements);
        self.add(
            Expr::CompositeLit {
                ty: None,
                elements,
                lbrace: start,
            },
            start,
            end,
            below,
        )
    }

    pub(crate) fn key_value(&mut self, key: ExprId, value: ExprId) -> ExprId {
        let below = self.depth(key).max(self.depth(value));
        self.add(
            Expr::KeyValue { key, value },
            self.start(key),
            self.end(value),
            below,
        )
    }

    // ---- statements ----------------------------------------------------

    pub(crate) fn block(&mut self, start: u32, statements: Vec<StmtId>, end: u32) -> BlockId {
        let mut below = statements
            .iter()
            .map(|&id| self.ast.stmt_depth(id))
            .max()
            .unwrap_or(0);
        let range = self.at(start, end);
        let statements = if self.is_too_deep(below, range) {
            below = 0;
            List::EMPTY
        } else {
            self.ast.add_list(statements)
        };
        self.ast.add_block(Block { statements, range }, below + 1)
    }

    pub(crate) fn declaration_statement(&mut self, declaration: DeclId) -> StmtId {
        let range = self.ast.decl_range(declaration);
        self.add_statement(
            Stmt::Decl(declaration),
            range.start,
            range.end,
            self.ast.decl_depth(declaration),
        )
    }

    /// Go's parser knows `~` as a prefix, but not at the beginning of a statement.
    pub(crate) fn simple_statement(&mut self, statement: StmtId) -> StmtId {
        let range = self.ast.stmt_range(statement);
        if self.source(range.start, range.end).starts_with('~') {
            self.refuse(range);
        }
        statement
    }

    pub(crate) fn block_statement(&mut self, block: BlockId) -> StmtId {
        let range = self.ast.block(block).range;
        self.add_statement(
            Stmt::Block(block),
            range.start,
            range.end,
            self.ast.block_depth(block),
        )
    }

    pub(crate) fn labeled(
        &mut self,
        label: ExprId,
        colon_end: u32,
        statement: Option<StmtId>,
    ) -> StmtId {
        let statement =
            statement.unwrap_or_else(|| self.add_statement(Stmt::Empty, colon_end, colon_end, 0));
        let end = self.ast.stmt_range(statement).end;
        self.add_statement(
            Stmt::Labeled { label, statement },
            self.start(label),
            end,
            self.ast.stmt_depth(statement),
        )
    }

    /// Go wants a primary expression without parentheses; whether it is a call is the checker's question.
    /// The parentheses are taken off.
    fn check_started(&mut self, call: ExprId) -> ExprId {
        if matches!(
            self.ast.expr(call),
            Expr::Paren(_) | Expr::Unary { .. } | Expr::Star(_) | Expr::Binary { .. }
        ) {
            self.refuse(self.ast.range(call));
        }
        self.ast.unparen(call)
    }

    pub(crate) fn go(&mut self, start: u32, call: ExprId) -> StmtId {
        let call = self.check_started(call);
        self.add_statement(Stmt::Go { call }, start, self.end(call), self.depth(call))
    }

    pub(crate) fn defer(&mut self, start: u32, call: ExprId) -> StmtId {
        let call = self.check_started(call);
        self.add_statement(
            Stmt::Defer { call },
            start,
            self.end(call),
            self.depth(call),
        )
    }

    pub(crate) fn return_statement(
        &mut self,
        start: u32,
        results: Vec<ExprId>,
        end: u32,
    ) -> StmtId {
        let below = self.depth_of(&results);
        let results = self.ast.add_list(results);
        self.add_statement(Stmt::Return { results }, start, end, below)
    }

    /// `break`, `continue`, `goto`, `fallthrough`
    pub(crate) fn jump(&mut self, start: u32, stmt: Stmt, end: u32) -> StmtId {
        self.add_statement(stmt, start, end, 1)
    }

    /// The expression of a condition; Go's grammar has a simple statement there and refuses all but expressions.
    fn condition(&mut self, statement: StmtId) -> ExprId {
        if let Stmt::Expr(condition) = *self.ast.stmt(statement) {
            return condition;
        }
        let range = self.ast.stmt_range(statement);
        self.refuse(range);
        self.bad(range)
    }

    pub(crate) fn for_statement(
        &mut self,
        start: u32,
        init: Option<StmtId>,
        condition: Option<StmtId>,
        post: Option<StmtId>,
        body: BlockId,
    ) -> StmtId {
        let condition = condition.map(|condition| self.condition(condition));
        if let Some(post) = post
            && matches!(self.ast.stmt(post), Stmt::Define { .. })
        {
            self.refuse_in_compiler(self.ast.stmt_range(post));
        }
        let below = self
            .statement_depth_if(init)
            .max(self.depth_if(condition))
            .max(self.statement_depth_if(post))
            .max(self.ast.block_depth(body));
        let end = self.ast.block(body).range.end;
        self.add_statement(
            Stmt::For {
                init,
                condition,
                post,
                body,
            },
            start,
            end,
            below,
        )
    }

    pub(crate) fn range(
        &mut self,
        start: u32,
        lhs: Vec<ExprId>,
        op_pos: u32,
        kind: RangeKind,
        operand: ExprId,
        body: BlockId,
    ) -> StmtId {
        let below = self
            .depth_of(&lhs)
            .max(self.depth(operand))
            .max(self.ast.block_depth(body));
        let end = self.ast.block(body).range.end;
        let lhs = self.ast.add_list(lhs);
        self.add_statement(
            Stmt::Range {
                kind,
                lhs,
                op_pos,
                operand,
                body,
            },
            start,
            end,
            below,
        )
    }

    /// Takes `x.(type)` out of the waiting ones and gives x.
    fn take_guard(&mut self, id: ExprId) -> Option<ExprId> {
        let at = self.guards.iter().rposition(|&(guard, _)| guard == id)?;
        Some(self.guards.remove(at).1)
    }

    /// A label needs a statement; only before a closing brace it may be missing.
    fn check_labels(&mut self, clauses: impl Iterator<Item = (BlockId, TextRange)>) {
        let clauses: Vec<(BlockId, TextRange)> = clauses.collect();
        for pair in clauses.windows(2) {
            let [(body, _), (_, next)] = *pair else {
                continue;
            };
            let Some(&last) = self.ast.statements(body).last() else {
                continue;
            };
            let mut statement = last;
            while let Stmt::Labeled {
                statement: inner, ..
            } = *self.ast.stmt(statement)
            {
                statement = inner;
            }
            let range = self.ast.stmt_range(last);
            if statement != last
                && *self.ast.stmt(statement) == Stmt::Empty
                && !self.has_semicolon(range.end, next.start)
            {
                self.refuse(range);
            }
        }
    }

    /// Whether a `;` stands between two tokens.
    fn has_semicolon(&self, mut start: u32, end: u32) -> bool {
        let first = self
            .comments
            .partition_point(|comment| comment.start < start);
        for comment in self.comments[first..]
            .iter()
            .take_while(|comment| comment.start < end)
        {
            if self.source(start, comment.start).contains(';') {
                return true;
            }
            start = comment.end;
        }
        self.source(start, end).contains(';')
    }

    pub(crate) fn switch(
        &mut self,
        start: u32,
        init: Option<StmtId>,
        tag: Option<StmtId>,
        lbrace: u32,
        cases: Vec<CaseClause>,
        end: u32,
    ) -> StmtId {
        self.check_labels(cases.iter().map(|case| (case.body, case.head)));
        let mut below = self
            .statement_depth_if(init)
            .max(self.statement_depth_if(tag));
        for case in &cases {
            below = below
                .max(self.depth_of(self.ast.list(case.values)))
                .max(self.ast.block_depth(case.body));
        }
        let cases = self.ast.add_list(cases);
        let (binding, guard) = match tag.map(|tag| *self.ast.stmt(tag)) {
            Some(Stmt::Expr(guard)) => (None, Some(guard)),
            Some(Stmt::Define { lhs, rhs, .. }) => match (self.ast.list(lhs), self.ast.list(rhs)) {
                (&[name], &[guard]) if self.ast.ident(name).is_some() => (Some(name), Some(guard)),
                _ => (None, None),
            },
            _ => (None, None),
        };
        let stmt = if let Some(guard) = guard
            && let Some(operand) = self.take_guard(guard)
        {
            Stmt::TypeSwitch {
                init,
                binding,
                operand,
                guard: self.ast.range(guard),
                cases,
                lbrace,
            }
        } else {
            let tag = tag.map(|tag| self.condition(tag));
            Stmt::Switch {
                init,
                tag,
                cases,
                lbrace,
            }
        };
        self.add_statement(stmt, start, end, below)
    }

    pub(crate) fn select(
        &mut self,
        start: u32,
        lbrace: u32,
        cases: Vec<CommClause>,
        end: u32,
    ) -> StmtId {
        self.check_labels(cases.iter().map(|case| (case.body, case.head)));
        let mut below = 0;
        for case in &cases {
            below = below
                .max(self.statement_depth_if(case.comm))
                .max(self.ast.block_depth(case.body));
        }
        let cases = self.ast.add_list(cases);
        self.add_statement(Stmt::Select { cases, lbrace }, start, end, below)
    }

    /// What stands behind the colon of a clause.
    fn clause_body(&mut self, colon_end: u32, body: Vec<StmtId>) -> BlockId {
        let end = body
            .last()
            .map_or(colon_end, |&last| self.ast.stmt_range(last).end);
        self.block(colon_end, body, end)
    }

    pub(crate) fn case(
        &mut self,
        start: u32,
        values: Vec<ExprId>,
        colon_end: u32,
        body: Vec<StmtId>,
    ) -> CaseClause {
        let body = self.clause_body(colon_end, body);
        CaseClause {
            values: self.ast.add_list(values),
            body,
            head: self.at(start, colon_end),
        }
    }

    pub(crate) fn clause(
        &mut self,
        start: u32,
        comm: Option<StmtId>,
        colon_end: u32,
        body: Vec<StmtId>,
    ) -> CommClause {
        let body = self.clause_body(colon_end, body);
        CommClause {
            comm,
            body,
            head: self.at(start, colon_end),
        }
    }

    pub(crate) fn if_statement(
        &mut self,
        start: u32,
        head: (Option<StmtId>, StmtId, BlockId),
        otherwise: Option<StmtId>,
    ) -> StmtId {
        let (init, condition, then) = head;
        let condition = self.condition(condition);
        let below = self
            .statement_depth_if(init)
            .max(self.depth(condition))
            .max(self.ast.block_depth(then))
            .max(self.statement_depth_if(otherwise));
        let end = otherwise.map_or(self.ast.block(then).range.end, |otherwise| {
            self.ast.stmt_range(otherwise).end
        });
        self.add_statement(
            Stmt::If {
                init,
                condition,
                then,
                otherwise,
            },
            start,
            end,
            below,
        )
    }

    pub(crate) fn if_else_block(
        &mut self,
        start: u32,
        head: (Option<StmtId>, StmtId, BlockId),
        otherwise: BlockId,
    ) -> StmtId {
        let otherwise = self.block_statement(otherwise);
        self.if_statement(start, head, Some(otherwise))
    }

    pub(crate) fn expr_statement(&mut self, expr: ExprId) -> StmtId {
        self.add_statement(
            Stmt::Expr(expr),
            self.start(expr),
            self.end(expr),
            self.depth(expr),
        )
    }

    pub(crate) fn send(&mut self, channel: ExprId, arrow: u32, value: ExprId) -> StmtId {
        let below = self.depth(channel).max(self.depth(value));
        self.add_statement(
            Stmt::Send {
                channel,
                value,
                arrow,
            },
            self.start(channel),
            self.end(value),
            below,
        )
    }

    pub(crate) fn inc_dec(
        &mut self,
        operand: ExprId,
        increment: bool,
        op_pos: u32,
        end: u32,
    ) -> StmtId {
        self.add_statement(
            Stmt::IncDec {
                operand,
                increment,
                op_pos,
            },
            self.start(operand),
            end,
            self.depth(operand),
        )
    }

    fn add_assignment(
        &mut self,
        lhs: Vec<ExprId>,
        rhs: Vec<ExprId>,
        make: impl FnOnce(List<ExprId>, List<ExprId>) -> Stmt,
    ) -> StmtId {
        let below = self.depth_of(&lhs).max(self.depth_of(&rhs));
        let (start, end) = (self.start(lhs[0]), self.end(rhs[rhs.len() - 1]));
        let stmt = make(self.ast.add_list(lhs), self.ast.add_list(rhs));
        self.add_statement(stmt, start, end, below)
    }

    pub(crate) fn operation_assign(
        &mut self,
        left: ExprId,
        op_pos: u32,
        op: BinaryOperator,
        right: ExprId,
    ) -> StmtId {
        let op = AssignOperator::Operation(op);
        self.add_assignment(vec![left], vec![right], |lhs, rhs| Stmt::Assign {
            op,
            op_pos,
            lhs,
            rhs,
        })
    }

    pub(crate) fn assign(&mut self, lhs: Vec<ExprId>, op_pos: u32, rhs: Vec<ExprId>) -> StmtId {
        self.add_assignment(lhs, rhs, |lhs, rhs| Stmt::Assign {
            op: AssignOperator::Plain,
            op_pos,
            lhs,
            rhs,
        })
    }

    pub(crate) fn define(&mut self, lhs: Vec<ExprId>, op_pos: u32, rhs: Vec<ExprId>) -> StmtId {
        self.add_assignment(lhs, rhs, |lhs, rhs| Stmt::Define { op_pos, lhs, rhs })
    }
}
