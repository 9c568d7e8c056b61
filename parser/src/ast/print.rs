//! Expressions as messages show them.

use super::{
    Ast, BinaryOperator, ChanDirection, Expr, ExprId, InterfaceElement, Interner, List, Param,
    StructField, Symbol,
};

/// What is still to be written.
#[derive(Clone, Copy)]
enum Piece {
    Text(&'static str),
    Name(Symbol),
    Expr(ExprId),
    /// Parameters and results behind a name or `func`.
    Signature(ExprId),
}

impl Ast {
    /// An expression as Go's messages show it: on one line, spaced as gofmt does at its widest, with `…` for what is inside function bodies and
    /// composite literals.
    ///
    /// GO: syntax.String (ShortForm)
    #[must_use]
    pub fn expr_string(&self, names: &Interner, id: ExprId) -> String {
        let mut text = String::new();
        // A work list and no recursion: the depth is the script's. Pieces are pushed last first.
        let mut left = vec![Piece::Expr(id)];
        while let Some(piece) = left.pop() {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Name(name) => text.push_str(names.text(name)),
                Piece::Expr(id) => {
                    let mut pieces = Pieces(Vec::new());
                    self.pieces(id, &mut pieces);
                    left.extend(pieces.0.into_iter().rev());
                }
                Piece::Signature(id) => {
                    let mut pieces = Pieces(Vec::new());
                    self.signature(id, &mut pieces);
                    left.extend(pieces.0.into_iter().rev());
                }
            }
        }
        text
    }

    fn pieces(&self, id: ExprId, out: &mut Pieces) {
        match *self.expr(id) {
            Expr::Bad => out.text("<bad expr>"),
            Expr::Ident(name)
            | Expr::IntLit(name)
            | Expr::FloatLit(name)
            | Expr::ImaginaryLit(name) => out.name(name),
            Expr::RuneLit { text, .. } | Expr::StringLit { text, .. } => out.name(text),
            Expr::Paren(inner) => out.text("(").expr(inner).text(")"),
            Expr::Selector { operand, name } => out.expr(operand).text(".").expr(name),
            Expr::Index { operand, indices } => out
                .expr(operand)
                .text("[")
                .list(self.list(indices))
                .text("]"),
            Expr::Slice {
                operand,
                low,
                high,
                max,
            } => {
                out.expr(operand).text("[").maybe(low).text(":").maybe(high);
                if max.is_some() {
                    out.text(":").maybe(max);
                }
                out.text("]")
            }
            Expr::TypeAssert { operand, ty } => out.expr(operand).text(".(").expr(ty).text(")"),
            Expr::Call {
                callee,
                args,
                spread,
            } => out
                .expr(callee)
                .text("(")
                .list(self.list(args))
                .text(if spread.is_some() { "...)" } else { ")" }),
            Expr::Star(inner) => out.text("*").expr(inner),
            Expr::Unary { op, operand } => out.text(op.text()).expr(operand),
            Expr::Binary {
                op, left, right, ..
            } => out.expr(left).text(spaced(op)).expr(right),
            Expr::KeyValue { key, value } => out.expr(key).text(": ").expr(value),
            Expr::CompositeLit { ty, elements, .. } => {
                out.maybe(ty)
                    .text(if elements.is_empty() { "{}" } else { "{…}" })
            }
            Expr::FuncLit { ty, body } => {
                let is_empty = self.statements(body).is_empty();
                out.text("func")
                    .signature(ty)
                    .text(if is_empty { " {}" } else { " {…}" })
            }
            Expr::SliceType { element } => out.text("[]").expr(element),
            Expr::ArrayType {
                length: Some(length),
                element,
            } => out.text("[").expr(length).text("]").expr(element),
            Expr::ArrayType {
                length: None,
                element,
            } => out.text("[...]").expr(element),
            Expr::MapType { key, value } => out.text("map[").expr(key).text("]").expr(value),
            Expr::ChanType { direction, element } => {
                out.text(match direction {
                    ChanDirection::Both => "chan ",
                    ChanDirection::Send => "chan<- ",
                    ChanDirection::Receive => "<-chan ",
                });
                let receives = matches!(
                    self.expr(element),
                    Expr::ChanType {
                        direction: ChanDirection::Receive,
                        ..
                    }
                );
                if direction == ChanDirection::Both && receives {
                    out.text("(").expr(element).text(")")
                } else {
                    out.expr(element)
                }
            }
            Expr::FuncType { .. } => out.text("func").signature(id),
            Expr::StructType { fields } => {
                out.text("struct{");
                self.fields(fields, out);
                out.text("}")
            }
            Expr::InterfaceType { elements } => {
                out.text("interface{");
                for (index, &element) in self.list(elements).iter().enumerate() {
                    if index > 0 {
                        out.text("; ");
                    }
                    match element {
                        InterfaceElement::Method { name, ty } => out.expr(name).signature(ty),
                        InterfaceElement::Embedded(ty) => out.expr(ty),
                    };
                }
                out.text("}")
            }
        };
    }

    fn signature(&self, ty: ExprId, out: &mut Pieces) {
        let Expr::FuncType { params, results } = *self.expr(ty) else {
            return;
        };
        self.params(params, out);
        match *self.list(results) {
            [] => {}
            [Param { name: None, ty, .. }] => {
                out.text(" ").expr(ty);
            }
            _ => {
                out.text(" ");
                self.params(results, out);
            }
        }
    }

    fn params(&self, params: List<Param>, out: &mut Pieces) {
        let list = self.list(params);
        out.text("(");
        for (index, param) in list.iter().enumerate() {
            if index > 0 {
                out.text(", ");
            }
            if let Some(name) = param.name {
                out.expr(name);
                if list
                    .get(index + 1)
                    .is_some_and(|next| next.name.is_some() && next.ty == param.ty)
                {
                    continue;
                }
                out.text(" ");
            }
            out.text(if param.variadic.is_some() { "..." } else { "" })
                .expr(param.ty);
        }
        out.text(")");
    }

    fn fields(&self, fields: List<StructField>, out: &mut Pieces) {
        let list = self.list(fields);
        for (index, field) in list.iter().enumerate() {
            if index > 0 {
                let together = field.name.is_some() && list[index - 1].ty == field.ty;
                out.text(if together { ", " } else { "; " });
            }
            if let Some(name) = field.name {
                out.expr(name);
                if list
                    .get(index + 1)
                    .is_some_and(|next| next.name.is_some() && next.ty == field.ty)
                {
                    continue;
                }
                out.text(" ");
            }
            out.expr(field.ty);
            if field.tag.is_some() {
                out.text(" ").maybe(field.tag);
            }
        }
    }
}

/// `+` with its blanks.
fn spaced(op: BinaryOperator) -> &'static str {
    use BinaryOperator::*;
    match op {
        LogicalOr => " || ",
        LogicalAnd => " && ",
        Equal => " == ",
        NotEqual => " != ",
        Less => " < ",
        LessEqual => " <= ",
        Greater => " > ",
        GreaterEqual => " >= ",
        Add => " + ",
        Subtract => " - ",
        Or => " | ",
        Xor => " ^ ",
        Multiply => " * ",
        Divide => " / ",
        Remainder => " % ",
        And => " & ",
        AndNot => " &^ ",
        ShiftLeft => " << ",
        ShiftRight => " >> ",
    }
}

/// In the order they are written.
struct Pieces(Vec<Piece>);

impl Pieces {
    fn text(&mut self, text: &'static str) -> &mut Self {
        self.0.push(Piece::Text(text));
        self
    }

    fn name(&mut self, name: Symbol) -> &mut Self {
        self.0.push(Piece::Name(name));
        self
    }

    fn expr(&mut self, id: ExprId) -> &mut Self {
        self.0.push(Piece::Expr(id));
        self
    }

    fn maybe(&mut self, id: Option<ExprId>) -> &mut Self {
        self.0.extend(id.map(Piece::Expr));
        self
    }

    fn signature(&mut self, id: ExprId) -> &mut Self {
        self.0.push(Piece::Signature(id));
        self
    }

    fn list(&mut self, list: &[ExprId]) -> &mut Self {
        for (index, &id) in list.iter().enumerate() {
            if index > 0 {
                self.text(", ");
            }
            self.expr(id);
        }
        self
    }
}
