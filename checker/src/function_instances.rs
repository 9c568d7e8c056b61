//! Instantiating generic functions: explicitly, by inference from arguments, from what they are assigned to. GO: go/types call.go.

use diagnostics::{Code, TextRange};
use parser::ast::{Expr, ExprId, List};
use smallvec::SmallVec;

use crate::checker::{Checker, Delayed};
use crate::infer::Argument;
use crate::operand::{Label, Operand};
use crate::typed::Mode;
use crate::types::{PackageId, Signature, Type, TypeId};

/// What a generic function is assigned to: its type gives type arguments.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) signature: TypeId,
    /// How messages name it.
    pub(crate) description: String,
}

/// The use of a generic function whose type arguments are checked when the declarations are known.
#[derive(Debug)]
pub(crate) struct FunctionInstantiation {
    place: TextRange,
    parameters: Box<[TypeId]>,
    arguments: Vec<TypeId>,
    written: Vec<TextRange>,
    pub(crate) package: PackageId,
}

impl Checker<'_> {
    /// What a value of the type is assigned to, if that is a function.
    pub(crate) fn target(
        &self,
        typ: Option<TypeId>,
        description: impl FnOnce(&Self) -> String,
    ) -> Option<Target> {
        let types = &self.program.types;
        let common = types.common_underlying(typ?).ok()?;
        matches!(types.get(common), Type::Signature(_)).then(|| Target {
            signature: common,
            description: description(self),
        })
    }

    /// The signature of a generic function that has not been instantiated.
    pub(crate) fn generic_signature(&self, x: &Operand) -> Option<&Signature> {
        if x.mode != Mode::Value {
            return None;
        }
        match self.program.types.get(x.typ) {
            Type::Signature(signature) if !signature.type_parameters.is_empty() => Some(signature),
            _ => None,
        }
    }

    /// Reports a generic type, and a generic function whose type arguments do not follow from the target.
    pub(crate) fn exclude_generic(&mut self, target: Option<&Target>, x: &mut Operand) {
        let what = match x.mode {
            Mode::Type if self.program.types.is_generic(x.typ) => "type",
            Mode::Value if self.generic_signature(x).is_some() => {
                if let Some(target) = target {
                    self.instantiate_for(x, Some(target), None);
                    return;
                }
                "function"
            }
            _ => return,
        };
        let message = format!(
            "cannot use generic {what} {} without instantiation",
            self.operand_expression(x)
        );
        self.report_operand(Code::NotInstantiated, x, message);
        x.invalidate();
        x.typ = TypeId::INVALID;
    }

    /// Instantiates `f[A, B]`, the remaining type arguments following from the target or from constraints.
    pub(crate) fn instantiate_index(
        &mut self,
        x: &mut Operand,
        expr: ExprId,
        indices: List<ExprId>,
        target: Option<&Target>,
    ) {
        x.expr = Some(expr);
        self.instantiate_for(x, target, Some(indices));
    }

    fn instantiate_for(
        &mut self,
        x: &mut Operand,
        target: Option<&Target>,
        indices: Option<List<ExprId>>,
    ) {
        let Some(signature) = self.generic_signature(x).cloned() else {
            return;
        };
        let written: &[ExprId] = indices.map_or(&[], |indices| self.ast.list(indices));
        let Some(given) = self.written_arguments(&signature, written) else {
            x.invalidate();
            return;
        };
        let Some(expr) = x.expr else { return };
        let place = self.range(expr);
        let place_of_version = match *self.ast.expr(expr) {
            // GO: at the bracket.
            Expr::Index { operand, .. } => TextRange {
                start: self.range(operand).end,
                ..place
            },
            _ => place,
        };
        let allowed = self.require(place_of_version, 18, "function instantiation");
        if allowed && target.is_some() && given.len() < signature.type_parameters.len() {
            let how = match indices {
                Some(_) => "partially",
                None => "implicitly",
            };
            let what = format!("{how} instantiated function in assignment");
            self.require(place_of_version, 21, &what);
        }
        let arguments = if given.len() == signature.type_parameters.len() {
            given.to_vec()
        } else {
            let types = &self.program.types;
            let renamed = types.rename_parameters(&signature.type_parameters);
            let plain = types.intern(Type::Signature(Box::new(Signature {
                type_parameters: Box::default(),
                ..signature.clone()
            })));
            let parameter = types.substitute(plain, &signature.type_parameters, &renamed);
            let mut operand = Operand::value(expr, TypeId::INVALID, Label::Expression);
            let mut arguments = Vec::new();
            if let Some(target) = target {
                operand.typ = target.signature;
                operand.description = Some(target.description.as_str().into());
                arguments.push(Argument {
                    operand: &operand,
                    parameter,
                    generic: None,
                });
            }
            let given: Vec<Option<TypeId>> = given.iter().copied().map(Some).collect();
            // GO: at the bracket of a partial instantiation.
            let error_place = match *self.ast.expr(expr) {
                Expr::Index { .. } => self.node_range(expr),
                _ => place,
            };
            match self.infer(error_place, &renamed, &given, &arguments, target.is_some()) {
                Ok(arguments) => arguments,
                Err(error) => {
                    if let Some((range, message)) = error {
                        self.report(Code::CannotInfer, range, message);
                    }
                    x.invalidate();
                    return;
                }
            }
        };
        x.typ = self.instantiate_signature(expr, place, x.typ, &arguments, written);
        x.mode = Mode::Value;
    }

    /// The type arguments as written; `None` if one is wrong or there are too many.
    pub(crate) fn written_arguments(
        &mut self,
        signature: &Signature,
        written: &[ExprId],
    ) -> Option<SmallVec<[TypeId; 2]>> {
        let given = self.type_list(written)?;
        let want = signature.type_parameters.len();
        if given.len() > want {
            let message = format!("got {} type arguments but want {want}", given.len());
            self.report_expr(Code::WrongTypeArgumentCount, written[want], message);
            return None;
        }
        Some(given)
    }

    /// The signature with these type arguments. Records them, and has them checked later.
    pub(crate) fn instantiate_signature(
        &mut self,
        expr: ExprId,
        place: TextRange,
        typ: TypeId,
        arguments: &[TypeId],
        written: &[ExprId],
    ) -> TypeId {
        let types = &self.program.types;
        let Type::Signature(signature) = types.get(typ) else {
            return TypeId::INVALID;
        };
        let parameters = signature.type_parameters.clone();
        let plain = types.intern(Type::Signature(Box::new(Signature {
            type_parameters: Box::default(),
            ..(**signature).clone()
        })));
        let instance = types.substitute(plain, &parameters, arguments);
        self.record_instance(expr, arguments, instance);
        let written = written.iter().map(|expr| self.range(*expr)).collect();
        self.delayed.push(Delayed::FunctionInstantiation(Box::new(
            FunctionInstantiation {
                place,
                parameters,
                arguments: arguments.to_vec(),
                written,
                package: self.env.package,
            },
        )));
        instance
    }

    pub(crate) fn check_function_instantiation(&mut self, what: &FunctionInstantiation) {
        let FunctionInstantiation {
            place,
            parameters,
            arguments,
            written,
            ..
        } = what;
        match self.verify(parameters, arguments, place.file) {
            Err((index, cause)) => {
                let range = written.get(index).copied().unwrap_or(*place);
                self.report(Code::UnsatisfiedConstraint, range, cause);
            }
            Ok(()) => self.note_instantiation(parameters, arguments, *place, written),
        }
    }
}
