//! What the checker knows of an expression while it looks at it. GO: go/types operand.go.

use parser::ast::ExprId;

use crate::checker::Checker;
use crate::constants::Constant;
use crate::typed::Mode;
use crate::types::{Type, TypeId};
use crate::universe::Builtin;

/// What stands for an operand in messages when it is no expression of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    /// The expression itself.
    Expression,
    /// The n-th result of a call.
    Result(u32),
    /// The second value of a `v, ok` expression.
    Ok,
    /// The missing tag of a switch.
    True,
}

/// An operand; `Mode::None` means invalid: an error has been reported.
#[derive(Clone, Debug)]
pub(crate) struct Operand {
    pub(crate) mode: Mode,
    pub(crate) expr: Option<ExprId>,
    pub(crate) label: Label,
    pub(crate) typ: TypeId,
    pub(crate) value: Constant,
    pub(crate) builtin: Option<Builtin>,
    /// What messages about inference call it, if not its expression.
    pub(crate) description: Option<Box<str>>,
}

impl Operand {
    pub(crate) fn invalid(expr: ExprId) -> Operand {
        Operand {
            mode: Mode::None,
            expr: Some(expr),
            label: Label::Expression,
            typ: TypeId::INVALID,
            value: Constant::Unknown,
            builtin: None,
            description: None,
        }
    }

    pub(crate) fn value(expr: ExprId, typ: TypeId, label: Label) -> Operand {
        Operand {
            mode: Mode::Value,
            typ,
            label,
            ..Operand::invalid(expr)
        }
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.mode != Mode::None
    }

    pub(crate) fn is_constant(&self) -> bool {
        self.mode == Mode::Constant
    }

    pub(crate) fn is_nil(&self) -> bool {
        self.mode == Mode::Nil
    }

    pub(crate) fn invalidate(&mut self) {
        self.mode = Mode::None;
    }
}

/// The kind of a composite type as messages name it; `None` for a basic one.
pub(crate) fn composite_kind(typ: &Type) -> Option<&'static str> {
    Some(match typ {
        Type::Array(..) => "array",
        Type::Slice(_) => "slice",
        Type::Struct(_) => "struct",
        Type::Pointer(_) => "pointer",
        Type::Signature(_) => "func",
        Type::Interface(_) => "interface",
        Type::Map { .. } => "map",
        Type::Chan { .. } => "chan",
        Type::Tuple(_) => "tuple",
        Type::Basic(_)
        | Type::Named(_)
        | Type::TypeParameter(_)
        | Type::Union(_)
        | Type::Alias { .. } => return None,
    })
}

impl Checker<'_> {
    /// The expression of an operand as text.
    pub(crate) fn operand_expression(&self, x: &Operand) -> String {
        let nth = |n: u32| match n {
            1 => "1st".to_owned(),
            2 => "2nd".to_owned(),
            3 => "3rd".to_owned(),
            n => format!("{n}th"),
        };
        match (x.label, x.expr) {
            (Label::Result(n), _) => format!("{} function result", nth(n)),
            (Label::Ok, _) => "ok value of (comma, ok) expression".to_owned(),
            (Label::True, _) => "true".to_owned(),
            (Label::Expression, Some(expr)) => self.expression_text(expr),
            (Label::Expression, None) => String::new(),
        }
    }

    /// The operand as messages describe it: `x (variable of type int)`.
    pub(crate) fn operand_string(&self, x: &Operand) -> String {
        let types = &self.program.types;
        if x.mode == Mode::Nil {
            return match x.typ {
                TypeId::INVALID => "nil (with invalid type)".to_owned(),
                TypeId::UNTYPED_NIL => "nil".to_owned(),
                typ => format!("nil (of type {})", self.type_text(typ)),
            };
        }
        let expr = self.operand_expression(x);
        let mut out = format!("{expr} (");
        let mut has_type = false;
        if !matches!(
            x.mode,
            Mode::None | Mode::NoValue | Mode::Builtin | Mode::Type | Mode::Package
        ) {
            if types.is_untyped(x.typ) {
                out.push_str(&self.type_text(x.typ));
                out.push(' ');
            } else {
                has_type = true;
            }
        }
        out.push_str(match x.mode {
            Mode::None | Mode::Package => "invalid operand",
            Mode::NoValue => "no value",
            Mode::Builtin => "built-in",
            Mode::Type => "type",
            Mode::Constant => "constant",
            Mode::Variable => "variable",
            Mode::MapIndex => "map index expression",
            Mode::Value => "value",
            Mode::Nil => "nil",
            Mode::CommaOk => "comma, ok expression",
        });
        if x.mode == Mode::Constant {
            let value = x.value.to_string();
            if value != expr {
                out.push(' ');
                out.push_str(&value);
            }
        }
        if has_type {
            if types.is_valid(x.typ) {
                out.push_str(if self.generic_signature(x).is_some() {
                    " of generic "
                } else {
                    " of "
                });
                let parameter = types.is_type_parameter(x.typ);
                if !parameter
                    && matches!(
                        types.get(x.typ),
                        Type::Named(_)
                            | Type::Alias {
                                object: Some(_),
                                ..
                            }
                    )
                    || x.typ == TypeId::ANY
                {
                    match types.underlying(x.typ) {
                        Type::Basic(kind) => out.push_str(kind.name()),
                        other => out.push_str(composite_kind(other).unwrap_or("")),
                    }
                    out.push(' ');
                }
                out.push_str("type ");
                let signature = x
                    .expr
                    .and_then(|expr| self.named_results.get(&self.ast.unparen(expr)));
                match signature {
                    Some(signature) if matches!(types.get(x.typ), Type::Tuple(_)) => {
                        out.push_str(&self.program.results_string(
                            self.names,
                            *signature,
                            Some(self.env.package),
                        ));
                    }
                    _ => out.push_str(&self.type_text(x.typ)),
                }
                if parameter {
                    out.push_str(" constrained by ");
                    out.push_str(&self.type_text(self.constraint_of(types.unalias(x.typ))));
                    if types
                        .as_interface(x.typ)
                        .is_some_and(|interface| matches!(interface.terms.as_deref(), Some([])))
                    {
                        out.push_str(" with empty type set");
                    }
                }
            } else {
                out.push_str(" with invalid type");
            }
        }
        out.push(')');
        out
    }
}
