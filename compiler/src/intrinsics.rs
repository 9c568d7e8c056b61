//! Calls that are one instruction: `math.Sqrt`, the functions and methods of package sync/atomic, and what package sync makes its locks of.
//!
//! Each of them is also a native, for whoever uses it as a value or in a `go` or `defer` statement.

use bytecode::{Count, Register, op};
use checker::typed::{FunctionId as DeclaredId, ObjectKind, Selected, SelectionKind};
use checker::types::{ObjectId, TypeId as Ty};
use parser::ast::{Expr, ExprId};
use smallvec::SmallVec;

use crate::function::FunctionCompiler;
use crate::instances::EnvironmentId;

/// What an instruction does in place of a call.
pub(crate) struct Intrinsic {
    operation: Operation,
    /// The method it is, with the way to its receiver.
    method: Option<Method>,
}

struct Method {
    method: ObjectId,
    environment: EnvironmentId,
    operand: ExprId,
    path: SmallVec<[u32; 4]>,
}

#[derive(Clone, Copy)]
enum Operation {
    SquareRoot,
    Atomic(Access, Count),
}

#[derive(Clone, Copy)]
enum Access {
    Load,
    Store,
    Swap,
    Add,
    CompareAndSwap,
}

const ACCESSES: [(&str, Access); 5] = [
    ("Load", Access::Load),
    ("Store", Access::Store),
    ("Swap", Access::Swap),
    ("Add", Access::Add),
    ("CompareAndSwap", Access::CompareAndSwap),
];

/// Package sync's own names.
const OF_SYNC: [(&str, Access, Count); 6] = [
    ("compareAndSwap", Access::CompareAndSwap, INT32),
    ("add", Access::Add, INT32),
    ("addState", Access::Add, WORD),
    ("load", Access::Load, INT32),
    ("loadFlag", Access::Load, UINT32),
    ("storeFlag", Access::Store, UINT32),
];

const INT32: Count = Count(0);
const UINT32: Count = Count(1);
const WORD: Count = Count(2);

/// The integers of package sync/atomic, as in the names of its functions and of its types.
fn integer(name: &str) -> Option<Count> {
    match name {
        "Int32" => Some(INT32),
        "Uint32" => Some(UINT32),
        "Int64" | "Uint64" | "Uintptr" => Some(WORD),
        _ => None,
    }
}

impl Access {
    fn named(name: &str) -> Option<Access> {
        let row = ACCESSES.iter().find(|(known, _)| *known == name)?;
        Some(row.1)
    }

    /// How many arguments there are besides the pointer.
    fn values(self) -> usize {
        match self {
            Access::Load => 0,
            Access::Store | Access::Swap | Access::Add => 1,
            Access::CompareAndSwap => 2,
        }
    }
}

impl FunctionCompiler<'_, '_> {
    /// The instruction that a call is.
    pub(crate) fn intrinsic(&mut self, callee: ExprId, e: ExprId) -> Option<Intrinsic> {
        if self.hoisted.contains_key(&callee) {
            return None;
        }
        let Expr::Call { args, spread, .. } = *self.c.ast.expr(e) else {
            return None;
        };
        let (intrinsic, arguments) = match self.static_function(callee) {
            Some((id, _)) => {
                let operation = self.of_function(id)?;
                let arguments = match operation {
                    Operation::SquareRoot => 1,
                    Operation::Atomic(access, _) => 1 + access.values(),
                };
                let method = None;
                (Intrinsic { operation, method }, arguments)
            }
            None => {
                let (access, kind, method) = self.of_method(callee)?;
                let operation = Operation::Atomic(access, kind);
                let method = Some(method);
                (Intrinsic { operation, method }, access.values())
            }
        };
        // The arguments may be the results of another call.
        (self.c.ast.list(args).len() == arguments && spread.is_none()).then_some(intrinsic)
    }

    fn of_function(&self, id: DeclaredId) -> Option<Operation> {
        let function = self.c.typed.function(id);
        let package = self.c.typed.package(function.package);
        if !package.standard || function.body.is_some() {
            return None;
        }
        let name = self.c.names.text(self.c.typed.object(function.object).name);
        match package.path.as_str() {
            "math" => (name == "Sqrt").then_some(Operation::SquareRoot),
            "sync/atomic" => {
                let of_type = name.find("Int").or_else(|| name.find("Uint"));
                let (access, of_type) = name.split_at(of_type?);
                Some(Operation::Atomic(Access::named(access)?, integer(of_type)?))
            }
            "sync" => {
                let (_, access, kind) = OF_SYNC.iter().find(|(known, ..)| *known == name)?;
                Some(Operation::Atomic(*access, *kind))
            }
            _ => None,
        }
    }

    /// The methods `Int32.Load` and so on: the integer is all that is in the struct.
    fn of_method(&mut self, callee: ExprId) -> Option<(Access, Count, Method)> {
        let Expr::Selector { operand, name } = *self.c.ast.expr(callee) else {
            return None;
        };
        let selection = self.c.selection(callee)?;
        let (SelectionKind::MethodValue, Selected::Method(method)) =
            (selection.kind, selection.selected)
        else {
            return None;
        };
        let object = self.c.typed.object(method);
        let ObjectKind::Function {
            function: Some(function),
            receiver_base: Some(base),
            ..
        } = object.kind
        else {
            return None;
        };
        let package = self.c.typed.function(function).package;
        let package = self.c.typed.package(package);
        if !package.standard || package.path != "sync/atomic" {
            return None;
        }
        let base = self.c.typed.object(self.c.typed.types.named(base)?.object);
        let kind = integer(self.c.names.text(base.name))?;
        let access = Access::named(self.c.names.text(object.name))?;
        let environment = self
            .c
            .method_environment(method, selection.owner, Some(name));
        let path = selection.path.clone();
        let method = Method {
            method,
            environment,
            operand,
            path,
        };
        Some((access, kind, method))
    }

    /// The instruction, with its result in `dst`, if it has one.
    pub(crate) fn emit_intrinsic(&mut self, intrinsic: Intrinsic, e: ExprId, dst: u16) {
        let Expr::Call { callee, args, .. } = *self.c.ast.expr(e) else {
            panic!("only calls are called")
        };
        let args: SmallVec<[ExprId; 4]> = self.c.ast.list(args).into();
        let signature = self.type_of(self.c.ast.unparen(callee));
        let (parameters, _) = self.c.signature_types(signature);
        let mut roots: SmallVec<[ExprId; 4]> = SmallVec::new();
        roots.extend(intrinsic.method.iter().map(|method| method.operand));
        roots.extend_from_slice(&args);
        self.scoped(|f| {
            if roots.len() > 1 {
                f.hoist(&roots);
            }
            let scanned = std::mem::replace(&mut f.scanned, false);
            let mut operands: SmallVec<[Register; 4]> = SmallVec::new();
            if let Some(method) = &intrinsic.method {
                operands.push(Register(f.receiver_operand(method)));
            }
            for (&argument, &ty) in args.iter().zip(&parameters) {
                operands.push(Register(f.operand_as(argument, ty)));
            }
            f.at(f.c.ast.range(e));
            f.emit_operation(intrinsic.operation, Register(dst), &operands);
            f.scanned = scanned;
        });
    }

    fn emit_operation(&mut self, operation: Operation, dst: Register, operands: &[Register]) {
        match (operation, operands) {
            (Operation::SquareRoot, &[a]) => _ = self.emit(op::SqrtFloat { dst, a }),
            (Operation::Atomic(Access::Load, kind), &[pointer]) => {
                self.emit(op::AtomicLoad { dst, pointer, kind });
            }
            (Operation::Atomic(Access::Store, kind), &[pointer, src]) => {
                self.emit(op::AtomicStore { src, pointer, kind });
            }
            (Operation::Atomic(Access::Swap, kind), &[pointer, src]) => {
                self.emit(op::AtomicSwap {
                    dst,
                    pointer,
                    src,
                    kind,
                });
            }
            (Operation::Atomic(Access::Add, kind), &[pointer, src]) => {
                self.emit(op::AtomicAdd {
                    dst,
                    pointer,
                    src,
                    kind,
                });
            }
            (Operation::Atomic(Access::CompareAndSwap, kind), &[pointer, old, src]) => {
                self.emit(op::CompareAndSwap {
                    dst,
                    pointer,
                    old,
                    src,
                    kind,
                });
            }
            _ => panic!("an intrinsic has as many operands as its declaration says"),
        }
    }

    /// The pointer that the method is called on.
    fn receiver_operand(&mut self, method: &Method) -> u16 {
        let Some(wanted) = self.c.receiver_type(method.method, method.environment) else {
            panic!("a method has a receiver")
        };
        let ty: Ty = self.type_of(method.operand);
        if method.path.is_empty() && ty == wanted {
            return self.operand(method.operand);
        }
        let dst = self.allocate(wanted);
        self.scoped(|f| {
            let (place, ty) = f.typed_place(method.operand);
            let (place, ty) = f.walk_path(place, ty, &method.path);
            f.receiver_from(place, ty, method.method, wanted, dst);
        });
        self.registers.written(dst, 1);
        dst
    }
}
