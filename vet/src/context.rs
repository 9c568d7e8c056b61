//! What rules ask of a program.

use checker::TypedProgram;
use checker::lookup::{Found, Lookup};
use checker::typed::{ObjectKind, Selected};
use checker::types::{BasicKind, ObjectId, PackageId, Signature, Type, TypeId};
use diagnostics::{FileId, SourceMap, TextRange};
use parser::ast::{Ast, BlockId, Decl, Expr, ExprId, Interner, Stmt, StmtId};
use rustc_hash::{FxHashMap, FxHashSet};

/// A program, and what has been found in it.
pub struct Context<'a> {
    pub(crate) typed: &'a TypedProgram,
    pub(crate) ast: &'a Ast,
    pub(crate) names: &'a Interner,
    pub(crate) sources: &'a SourceMap,
    pub(crate) found: Vec<(TextRange, String)>,
    /// The package of every file of the program's own.
    packages: FxHashMap<FileId, PackageId>,
    /// Expressions and statements of those files, in order.
    pub(crate) exprs: Vec<ExprId>,
    pub(crate) stmts: Vec<StmtId>,
}

/// What a call calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callee {
    /// A function, a method, a variable or a builtin.
    Object(ObjectId),
    /// A method of an interface.
    Interface { interface: TypeId, index: u32 },
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        typed: &'a TypedProgram,
        ast: &'a Ast,
        names: &'a Interner,
        sources: &'a SourceMap,
    ) -> Context<'a> {
        let mut packages = FxHashMap::default();
        for &id in &typed.package_order {
            let package = typed.package(id);
            if !package.standard {
                packages.extend(package.files.iter().map(|file| (file.file, id)));
            }
        }
        let exprs = (0..ast.expr_count())
            .map(ExprId::from_index)
            .filter(|&id| packages.contains_key(&ast.range(id).file))
            .collect();
        let stmts = (0..ast.stmt_count())
            .map(StmtId::from_index)
            .filter(|&id| packages.contains_key(&ast.stmt_range(id).file))
            .collect();
        Context {
            typed,
            ast,
            names,
            sources,
            found: Vec::new(),
            packages,
            exprs,
            stmts,
        }
    }

    pub(crate) fn report(&mut self, range: TextRange, message: impl Into<String>) {
        self.found.push((range, message.into()));
    }

    /// The program's own files.
    pub(crate) fn files(&self) -> Vec<FileId> {
        let mut files: Vec<FileId> = self.packages.keys().copied().collect();
        files.sort_unstable();
        files
    }

    /// The package that a place belongs to.
    pub(crate) fn package_at(&self, range: TextRange) -> Option<PackageId> {
        self.packages.get(&range.file).copied()
    }

    /// An expression as it is written, on one line.
    pub(crate) fn text(&self, id: ExprId) -> String {
        let written = self.sources.slice(self.ast.range(id));
        match written.contains('\n') {
            true => self.ast.expr_string(self.names, id),
            false => written.to_owned(),
        }
    }

    pub(crate) fn type_of(&self, id: ExprId) -> TypeId {
        self.typed.type_of(id)
    }

    /// A type with the import paths of packages.
    pub(crate) fn type_name(&self, ty: TypeId) -> String {
        self.typed.type_string(self.names, self.sources, ty, None)
    }

    pub(crate) fn is_value(&self, id: ExprId) -> bool {
        self.typed.type_and_value(id).is_value()
    }

    /// The value of a constant string.
    pub(crate) fn constant_text(&self, id: ExprId) -> Option<String> {
        let bytes = self.typed.constant(id)?.as_bytes()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(crate) fn call(&self, id: ExprId) -> Option<(ExprId, &'a [ExprId], bool)> {
        match *self.ast.expr(id) {
            Expr::Call {
                callee,
                args,
                spread,
            } => Some((callee, self.ast.list(args), spread.is_some())),
            _ => None,
        }
    }

    /// What an expression names that is called. GO: typeutil.Callee
    pub(crate) fn callee(&self, callee: ExprId) -> Option<Callee> {
        let mut callee = self.ast.unparen(callee);
        if let Expr::Index { operand, .. } = *self.ast.expr(callee) {
            callee = self.ast.unparen(operand);
        }
        match *self.ast.expr(callee) {
            Expr::Ident(_) => self.typed.object_of(callee).map(Callee::Object),
            Expr::Selector { name, .. } => match self.typed.selections.get(&callee) {
                Some(selection) => match selection.selected {
                    Selected::Method(object) => Some(Callee::Object(object)),
                    Selected::InterfaceMethod { interface, index } => {
                        Some(Callee::Interface { interface, index })
                    }
                    Selected::Field => None,
                },
                None => self.typed.object_of(name).map(Callee::Object),
            },
            _ => None,
        }
    }

    /// The function that a callee is, as Go writes its full name: `fmt.Printf`, `(*log.Logger).Printf`, `(error).Error`.
    pub(crate) fn full_name(&self, callee: Callee) -> Option<String> {
        match callee {
            Callee::Interface { interface, index } => {
                let methods = &self.typed.types.as_interface(interface)?.methods;
                let method = methods.get(index as usize)?;
                let name = self.names.text(method.name);
                // Which interface was named is not known here; of the error interface it is all the same.
                if name == "Error" {
                    return Some("(error).Error".to_owned());
                }
                Some(format!("({}).{name}", self.type_name(interface)))
            }
            Callee::Object(id) => {
                let object = self.typed.object(id);
                let name = self.names.text(object.name);
                let ObjectKind::Function {
                    receiver_base,
                    pointer_receiver,
                    ..
                } = object.kind
                else {
                    return Some(name.to_owned());
                };
                let package = object
                    .package
                    .map(|id| self.typed.package(id).path.as_str());
                match receiver_base {
                    None => Some(match package {
                        Some(package) => format!("{package}.{name}"),
                        None => name.to_owned(),
                    }),
                    Some(base) => {
                        let base = self.type_name(base);
                        // In Go they are promoted from the struct that these embed.
                        let base = match base.as_str() {
                            "testing.T" | "testing.B" | "testing.F" => "testing.common",
                            base => base,
                        };
                        let star = if pointer_receiver { "*" } else { "" };
                        Some(format!("({star}{base}).{name}"))
                    }
                }
            }
        }
    }

    /// The name of the function that a call calls, `fmt.Printf`; of no variable or builtin.
    pub(crate) fn function_called(&self, call: ExprId) -> Option<String> {
        let (callee, ..) = self.call(call)?;
        let callee = self.callee(callee)?;
        if let Callee::Object(id) = callee
            && !matches!(self.typed.object(id).kind, ObjectKind::Function { .. })
        {
            return None;
        }
        self.full_name(callee)
    }

    /// The builtin that a call calls.
    pub(crate) fn builtin_called(&self, call: ExprId) -> Option<&'static str> {
        let (callee, ..) = self.call(call)?;
        let Callee::Object(id) = self.callee(callee)? else {
            return None;
        };
        match self.typed.object(id).kind {
            ObjectKind::Builtin(builtin) => Some(builtin.name()),
            _ => None,
        }
    }

    pub(crate) fn signature(&self, ty: TypeId) -> Option<&'a Signature> {
        match self.typed.types.underlying(ty) {
            Type::Signature(signature) => Some(signature),
            _ => None,
        }
    }

    pub(crate) fn basic(&self, ty: TypeId) -> Option<BasicKind> {
        match self.typed.types.underlying(ty) {
            Type::Basic(kind) => Some(*kind),
            _ => None,
        }
    }

    /// Has a type a method of this name, and of this kind? `addressable` counts those of pointers to it. Of a standard type that the program
    /// never asks for its method the method's type is not known; its name is enough then.
    pub(crate) fn has_method(
        &self,
        ty: TypeId,
        addressable: bool,
        name: &str,
        fits: impl Fn(&Signature) -> bool,
    ) -> bool {
        let Some(name) = self.names.find(name) else {
            return false;
        };
        match self
            .typed
            .lookup_field_or_method(ty, addressable, None, name)
        {
            Lookup::Found {
                found: Found::Field { .. },
                ..
            } => false,
            Lookup::Found { found, .. } => self
                .signature(self.typed.found_type(&found))
                .is_none_or(fits),
            _ => false,
        }
    }

    /// Has the type a method `name() string`?
    pub(crate) fn has_text_method(&self, ty: TypeId, name: &str) -> bool {
        self.has_method(ty, false, name, |signature| {
            signature.params.is_empty()
                && matches!(&signature.results[..], [result] if self.typed.types.canonical(result.typ) == TypeId::STRING)
        })
    }

    /// Is the type `error`, or does it have its method?
    pub(crate) fn is_error(&self, ty: TypeId) -> bool {
        self.has_text_method(ty, "Error")
    }

    /// The package path and name of a defined type.
    pub(crate) fn named(&self, ty: TypeId) -> Option<(&'a str, &'a str)> {
        let types = &self.typed.types;
        let named = types.named(types.unalias(ty))?;
        let object = self.typed.object(named.object);
        let package = object.package?;
        Some((
            self.typed.package(package).path.as_str(),
            self.names.text(object.name),
        ))
    }

    /// The bodies of all functions and function literals, with the function's type expression and, of a declared one, its declaration.
    pub(crate) fn bodies(&self) -> Vec<Body> {
        let mut bodies = Vec::new();
        for &file in self.packages.keys() {
            for id in 0..self.ast.decl_count() {
                let id = parser::ast::DeclId::from_index(id);
                if self.ast.decl_range(id).file == file
                    && let Decl::Func(function) = *self.ast.decl(id)
                    && let Some(body) = function.body
                {
                    bodies.push(Body {
                        body,
                        ty: function.ty,
                        name: Some(function.name),
                        receiver: function.receiver.map(|receiver| receiver.ty),
                        literal: None,
                    });
                }
            }
        }
        for &id in &self.exprs {
            if let Expr::FuncLit { ty, body } = *self.ast.expr(id) {
                bodies.push(Body {
                    body,
                    ty,
                    name: None,
                    receiver: None,
                    literal: Some(id),
                });
            }
        }
        bodies
    }

    /// Does evaluating the expression do nothing else? GO: typesinternal.NoEffects
    pub(crate) fn has_no_effects(&self, id: ExprId) -> bool {
        let mut work = vec![id];
        while let Some(id) = work.pop() {
            match *self.ast.expr(id) {
                Expr::Ident(_)
                | Expr::IntLit(_)
                | Expr::FloatLit(_)
                | Expr::ImaginaryLit(_)
                | Expr::RuneLit { .. }
                | Expr::StringLit { .. } => {}
                Expr::Paren(inner) | Expr::Star(inner) => work.push(inner),
                Expr::Selector { operand, .. } => work.push(operand),
                Expr::Unary { op, operand } if op != parser::ast::UnaryOperator::Receive => {
                    work.push(operand);
                }
                Expr::Binary { left, right, .. } => work.extend([left, right]),
                Expr::Index { operand, indices } => {
                    work.push(operand);
                    work.extend(self.ast.list(indices));
                }
                _ => return false,
            }
        }
        true
    }

    /// Where a variable is used, but not declared: offsets in its file, ascending.
    pub(crate) fn uses(&self, object: ObjectId) -> Vec<u32> {
        let declared = self.typed.object(object).range;
        let mut uses: Vec<u32> = self
            .exprs
            .iter()
            .filter(|&&id| matches!(self.ast.expr(id), Expr::Ident(_)))
            .filter(|&&id| self.typed.object_of(id) == Some(object))
            .map(|&id| self.ast.range(id))
            .filter(|&range| Some(range) != declared)
            .map(|range| range.start)
            .collect();
        uses.sort_unstable();
        uses
    }

    /// The statements that stand directly in `for` as what is done first.
    pub(crate) fn loop_heads(&self) -> FxHashSet<StmtId> {
        let heads = self
            .stmts
            .iter()
            .filter_map(|&id| match *self.ast.stmt(id) {
                Stmt::For { init, .. } => init,
                _ => None,
            });
        heads.collect()
    }
}

/// The body of a function.
#[derive(Clone, Copy)]
pub(crate) struct Body {
    pub(crate) body: BlockId,
    /// The type expression.
    pub(crate) ty: ExprId,
    /// Of a declared function.
    pub(crate) name: Option<ExprId>,
    /// The receiver's type, of a method.
    pub(crate) receiver: Option<ExprId>,
    /// Of a function literal.
    pub(crate) literal: Option<ExprId>,
}
