//! Expressions as messages quote them: on one line, bodies and literal elements as `…`. GO: cmd/compile/internal/syntax printer.go, `ShortForm`.

use parser::ast::{
    Ast, ChanDirection, Expr, ExprId, InterfaceElement, Interner, List, Param, StructField,
};

/// Longer quotations are cut: nobody reads them, and a chain of operands may be as long as the file.
const LONGEST: usize = 4_000;

struct Writer<'a> {
    ast: &'a Ast,
    names: &'a Interner,
    out: String,
}

/// The text of an expression.
pub(crate) fn expression_string(ast: &Ast, names: &Interner, expr: ExprId) -> String {
    let mut writer = Writer {
        ast,
        names,
        out: String::new(),
    };
    writer.expr(expr);
    writer.out
}

impl Writer<'_> {
    fn expr(&mut self, expr: ExprId) {
        if self.out.len() > LONGEST {
            if !self.out.ends_with('…') {
                self.out.push('…');
            }
            return;
        }
        stacker::maybe_grow(64 << 10, 1 << 20, || self.write(expr));
    }

    fn write(&mut self, expr: ExprId) {
        match *self.ast.expr(expr) {
            Expr::Bad => self.out.push_str("<bad expr>"),
            Expr::Ident(name)
            | Expr::IntLit(name)
            | Expr::FloatLit(name)
            | Expr::ImaginaryLit(name)
            | Expr::RuneLit { text: name, .. }
            | Expr::StringLit { text: name, .. } => self.out.push_str(self.names.text(name)),
            Expr::Paren(inner) => {
                self.out.push('(');
                self.expr(inner);
                self.out.push(')');
            }
            Expr::Selector { operand, name } => {
                self.expr(operand);
                self.out.push('.');
                self.expr(name);
            }
            Expr::Index { operand, indices } => {
                self.expr(operand);
                self.out.push('[');
                self.list(indices);
                self.out.push(']');
            }
            Expr::Slice {
                operand,
                low,
                high,
                max,
            } => {
                self.expr(operand);
                self.out.push('[');
                if let Some(low) = low {
                    self.expr(low);
                }
                self.out.push(':');
                if let Some(high) = high {
                    self.expr(high);
                }
                if let Some(max) = max {
                    self.out.push(':');
                    self.expr(max);
                }
                self.out.push(']');
            }
            Expr::TypeAssert { operand, ty } => {
                self.expr(operand);
                self.out.push_str(".(");
                self.expr(ty);
                self.out.push(')');
            }
            Expr::Call {
                callee,
                args,
                spread,
            } => {
                self.expr(callee);
                self.out.push('(');
                self.list(args);
                if spread.is_some() {
                    self.out.push_str("...");
                }
                self.out.push(')');
            }
            Expr::Star(inner) => {
                self.out.push('*');
                self.expr(inner);
            }
            Expr::Unary { op, operand } => {
                self.out.push_str(op.text());
                self.expr(operand);
            }
            Expr::Binary {
                op, left, right, ..
            } => {
                self.expr(left);
                self.out.push(' ');
                self.out.push_str(op.text());
                self.out.push(' ');
                self.expr(right);
            }
            Expr::KeyValue { key, value } => {
                self.expr(key);
                self.out.push_str(": ");
                self.expr(value);
            }
            Expr::CompositeLit { ty, elements, .. } => {
                if let Some(ty) = ty {
                    self.expr(ty);
                }
                self.out
                    .push_str(if elements.is_empty() { "{}" } else { "{…}" });
            }
            Expr::FuncLit { ty, body } => {
                self.expr(ty);
                self.out.push_str(if self.ast.statements(body).is_empty() {
                    " {}"
                } else {
                    " {…}"
                });
            }
            Expr::SliceType { element } => {
                self.out.push_str("[]");
                self.expr(element);
            }
            Expr::ArrayType { length, element } => {
                self.out.push('[');
                match length {
                    Some(length) => self.expr(length),
                    None => self.out.push_str("..."),
                }
                self.out.push(']');
                self.expr(element);
            }
            Expr::MapType { key, value } => {
                self.out.push_str("map[");
                self.expr(key);
                self.out.push(']');
                self.expr(value);
            }
            Expr::ChanType { direction, element } => {
                self.out.push_str(match direction {
                    ChanDirection::Both => "chan ",
                    ChanDirection::Send => "chan<- ",
                    ChanDirection::Receive => "<-chan ",
                });
                let inner_is_receive = matches!(
                    self.ast.expr(element),
                    Expr::ChanType {
                        direction: ChanDirection::Receive,
                        ..
                    }
                );
                if direction == ChanDirection::Both && inner_is_receive {
                    self.out.push('(');
                    self.expr(element);
                    self.out.push(')');
                } else {
                    self.expr(element);
                }
            }
            Expr::FuncType { params, results } => {
                self.out.push_str("func");
                self.signature(params, results);
            }
            Expr::StructType { fields } => {
                self.out.push_str("struct{");
                self.fields(fields);
                self.out.push('}');
            }
            Expr::InterfaceType { elements } => {
                self.out.push_str("interface{");
                for (index, element) in self.ast.list(elements).iter().enumerate() {
                    if index > 0 {
                        self.out.push_str("; ");
                    }
                    match *element {
                        InterfaceElement::Method { name, ty } => {
                            self.expr(name);
                            if let Expr::FuncType { params, results } = *self.ast.expr(ty) {
                                self.signature(params, results);
                            }
                        }
                        InterfaceElement::Embedded(ty) => self.expr(ty),
                    }
                }
                self.out.push('}');
            }
        }
    }

    fn list(&mut self, list: List<ExprId>) {
        for (index, expr) in self.ast.list(list).iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            self.expr(*expr);
        }
    }

    fn fields(&mut self, fields: List<StructField>) {
        let fields = self.ast.list(fields);
        for (index, field) in fields.iter().enumerate() {
            let together = |other: &StructField| other.ty == field.ty && other.name.is_some();
            if let Some(name) = field.name {
                self.expr(name);
                if fields.get(index + 1).is_some_and(together) {
                    self.out.push_str(", ");
                    continue;
                }
                self.out.push(' ');
            }
            self.expr(field.ty);
            if let Some(tag) = field.tag {
                self.out.push(' ');
                self.expr(tag);
            }
            if index + 1 < fields.len() {
                self.out.push_str("; ");
            }
        }
    }

    fn signature(&mut self, params: List<Param>, results: List<Param>) {
        self.params(params);
        match self.ast.list(results) {
            [] => {}
            [single] if single.name.is_none() => {
                self.out.push(' ');
                self.expr(single.ty);
            }
            _ => {
                self.out.push(' ');
                self.params(results);
            }
        }
    }

    fn params(&mut self, params: List<Param>) {
        self.out.push('(');
        let params = self.ast.list(params);
        for (index, param) in params.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            if let Some(name) = param.name {
                self.expr(name);
                if params
                    .get(index + 1)
                    .is_some_and(|next| next.name.is_some() && next.ty == param.ty)
                {
                    continue;
                }
                self.out.push(' ');
            }
            if param.variadic.is_some() {
                self.out.push_str("...");
            }
            self.expr(param.ty);
        }
        self.out.push(')');
    }
}
