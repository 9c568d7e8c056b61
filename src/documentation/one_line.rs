//! Declarations on one line, with what is long left out. GO: cmd/go/internal/doc/pkg.go `oneLineNodeDepth`

use parser::ast::{Ast, Expr, ExprId, Interner, List, Param, TypeParam};

/// How deep expressions are shown.
const DEPTH: usize = 10;
/// A list ends in "..." when it grows longer. GO: punchedCardWidth
const WIDTH: usize = 80;

/// Shows pieces of a tree on one line each.
pub struct OneLine<'a> {
    pub ast: &'a Ast,
    pub names: &'a Interner,
    pub text: &'a str,
}

impl OneLine<'_> {
    /// An expression or type.
    pub fn expr(&self, id: ExprId) -> String {
        self.at(id, DEPTH)
    }

    fn at(&self, id: ExprId, depth: usize) -> String {
        let Some(depth) = depth.checked_sub(1) else {
            return "...".to_owned();
        };
        match *self.ast.expr(id) {
            Expr::FuncType { params, results } => {
                format!("func{}", self.signature(params, results, depth))
            }
            Expr::StructType { fields } => match fields.is_empty() {
                true => "struct{}".to_owned(),
                false => "struct{ ... }".to_owned(),
            },
            Expr::InterfaceType { elements } => match elements.is_empty() {
                true => "interface{}".to_owned(),
                false => "interface{ ... }".to_owned(),
            },
            Expr::FuncLit { ty, .. } => format!("{} {{ ... }}", self.at(ty, depth)),
            Expr::CompositeLit { ty, elements, .. } => {
                let ty = ty.map_or(String::new(), |ty| self.at(ty, depth));
                match elements.is_empty() {
                    true => format!("{ty}{{}}"),
                    false => format!("{ty}{{ ... }}"),
                }
            }
            Expr::SliceType { element } => format!("[]{}", self.at(element, depth)),
            Expr::ArrayType { length, element } => {
                let length = length.map_or("...".to_owned(), |length| self.at(length, depth));
                format!("[{length}]{}", self.at(element, depth))
            }
            Expr::MapType { key, value } => {
                format!("map[{}]{}", self.at(key, depth), self.at(value, depth))
            }
            Expr::Call { callee, args, .. } => {
                let args = self.ast.list(args).iter().map(|&arg| self.at(arg, depth));
                format!("{}({})", self.at(callee, depth), join(args))
            }
            Expr::Unary { op, operand } => format!("{op}{}", self.at(operand, depth)),
            Expr::Ident(name) => self.names.text(name).to_owned(),
            _ => {
                let range = self.ast.range(id);
                let text = self.text.get(range.start as usize..range.end as usize);
                match text {
                    Some(text) if !text.contains('\n') => text.to_owned(),
                    _ => "...".to_owned(),
                }
            }
        }
    }

    /// What stands behind a function's name.
    pub fn function(&self, type_params: List<TypeParam>, ty: ExprId) -> String {
        let Expr::FuncType { params, results } = *self.ast.expr(ty) else {
            return String::new();
        };
        format!(
            "{}{}",
            self.type_params(type_params),
            self.signature(params, results, DEPTH - 1)
        )
    }

    /// `[K comparable, V any]`, or nothing.
    pub fn type_params(&self, params: List<TypeParam>) -> String {
        let params = self.ast.list(params);
        if params.is_empty() {
            return String::new();
        }
        let groups = params.chunk_by(|a, b| a.constraint == b.constraint);
        let groups = groups.map(|group| {
            let names = join(group.iter().map(|param| self.name(param.name)));
            format!("{names} {}", self.at(group[0].constraint, DEPTH - 1))
        });
        format!("[{}]", join(groups))
    }

    fn name(&self, id: ExprId) -> String {
        self.ast
            .ident(id)
            .map_or(String::new(), |name| self.names.text(name).to_owned())
    }

    fn signature(&self, params: List<Param>, results: List<Param>, depth: usize) -> String {
        let results_list = self.ast.list(results);
        let params = join(self.fields(params, depth));
        let fields: Vec<String> = self.fields(results, depth);
        let named = results_list.iter().any(|result| result.name.is_some());
        match (fields.len(), named) {
            (0, _) => format!("({params})"),
            (1, false) => format!("({params}) {}", fields[0]),
            _ => format!("({params}) ({})", join(fields)),
        }
    }

    fn fields(&self, params: List<Param>, depth: usize) -> Vec<String> {
        let params = self.ast.list(params);
        let groups = params.chunk_by(|a, b| a.name.is_some() && a.ty == b.ty);
        groups
            .map(|group| {
                let dots = if group[0].variadic.is_some() {
                    "..."
                } else {
                    ""
                };
                let ty = format!("{dots}{}", self.at(group[0].ty, depth));
                let names: Vec<String> = group
                    .iter()
                    .filter_map(|param| param.name)
                    .map(|name| self.name(name))
                    .collect();
                match names.is_empty() {
                    true => ty,
                    false => format!("{} {ty}", join(names)),
                }
            })
            .collect()
    }
}

/// Joins by commas; what comes when the line is full is left out.
pub fn join(parts: impl IntoIterator<Item = String>) -> String {
    let mut joined = String::new();
    let mut length = 0;
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            joined.push_str(", ");
        }
        length += part.len() + 2;
        if length > WIDTH {
            joined.push_str("...");
            break;
        }
        joined.push_str(&part);
    }
    joined
}
