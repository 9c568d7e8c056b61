//! What the checker hands on: the [`TypedProgram`], side tables over the syntax tree.
//!
//! The names are go/types': `types_and_values`, `defs`, `uses`, `selections`, `implicits`. What a reader may rely on:
//!
//! 1. Every expression of a checked body has a mode and a canonical type. No typed program (one whose `Diagnostics` are
//!    empty) holds an untyped type, but for: operands of constant expressions, which have a constant value of the
//!    surrounding type anyway; `nil` handed to a builtin that has no type for it (`print(nil)` is refused, so none).
//!    The outermost constant expression is to be taken, not its operands.
//! 2. A constant expression carries its exact value, representable in its type (a float one is rounded to it).
//! 3. Implicit conversions are not nodes: where an expression of type `T` stands for one of type `U` (assignment, call, return,
//!    send, composite literal, comparison with an interface), compare the two types; if `U` is an interface and `T` is not, convert.
//! 4. Each `for` variable declared by `:=` is a new one in every iteration, but in files of which [`TypedProgram::shares_loop_variables`]
//!    says otherwise.
//! 5. Only the bodies of `functions` with `checked` set have entries. User packages are checked whole; of standard packages only
//!    what can be reached, see [`TypedProgram::reachable`].

use diagnostics::TextRange;
use parser::ast::{BlockId, DeclId, ExprId, File, Symbol};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::constants::Constant;
use crate::lookup::MemberTable;
use crate::types::{ObjectId, PackageId, TypeId, Types};
use crate::universe::Builtin;

/// What an expression is. GO: go/types `operandMode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// Not an expression of checked code, or a wrong one.
    None,
    /// A call without results.
    NoValue,
    /// A builtin function's name (in `types_and_values`, of the callee).
    Builtin,
    /// A type.
    Type,
    /// A constant with its value.
    Constant,
    /// Addressable: variables, `*p`, slice elements, fields and array elements of addressable ones.
    Variable,
    /// `m[k]`: can be assigned to, not addressed; with two values wanted gives `value, ok`.
    MapIndex,
    /// A value.
    Value,
    /// The value `nil`.
    Nil,
    /// `x.(T)`: with two values wanted gives `value, ok`.
    CommaOk,
    /// A package's name before a dot.
    Package,
}

impl Mode {
    /// Is it that of something that can be used where a value is wanted?
    #[must_use]
    pub fn is_value(self) -> bool {
        matches!(
            self,
            Mode::Constant
                | Mode::Variable
                | Mode::MapIndex
                | Mode::Value
                | Mode::Nil
                | Mode::CommaOk
        )
    }
}

/// Type, mode and value of one expression.
#[derive(Clone, Copy, Debug)]
pub struct TypeAndValue {
    /// The type; of a call with several results a `Type::Tuple`, without results the empty tuple.
    ///
    /// Of a `v, ok` expression (map index, assertion, receive) the type of `v` alone: whether two values are wanted is seen from the
    /// statement. `ok` has the type of the variable it is assigned to, `bool` for a new one.
    pub typ: TypeId,
    /// What it is.
    pub mode: Mode,
    /// While checking: the left operand of a non-constant shift, or an operand of an unfinished untyped expression.
    pub(crate) flags: u8,
    /// Index into the constants, plus one; 0 if there is none.
    pub(crate) constant: u32,
}

impl TypeAndValue {
    /// What an expression has that was not checked.
    pub const NONE: TypeAndValue = TypeAndValue {
        typ: TypeId::INVALID,
        mode: Mode::None,
        flags: 0,
        constant: 0,
    };

    /// Can it be used where a value is wanted?
    #[must_use]
    pub fn is_value(&self) -> bool {
        self.mode.is_value()
    }

    /// Can its address be taken?
    #[must_use]
    pub fn is_addressable(&self) -> bool {
        self.mode == Mode::Variable
    }
}

/// What kind of variable. GO: go/types `VarKind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VarKind {
    /// Declared outside functions.
    Package,
    /// Declared in a function.
    Local,
    /// A method's receiver.
    Receiver,
    /// A parameter.
    Parameter,
    /// A result, named or not.
    Result,
}

/// What the compiler must know of a variable to place it.
#[derive(Clone, Debug)]
pub struct Variable {
    /// What kind.
    pub kind: VarKind,
    /// The innermost function that declares it; `None` for package variables.
    pub function: Option<FunctionRef>,
    /// Used in a function literal inside its own function: it must outlive the frame or be copied into the closure.
    pub captured: bool,
    /// Captured by a function literal, not only by bodies of ranges over functions, which run while nothing else of the function does.
    pub captured_by_literal: bool,
    /// Assigned anywhere but by its declaration (also by `op=`, `++`, a range clause with `=`, a receive); parameters
    /// are initialised by the call, named results by zeroing (a `return` with operands counts as an assignment to those).
    pub reassigned: bool,
    /// Its address is taken: `&x`, `&x.f`, `&x[i]` of an array, a method with a pointer receiver called on (or taken as a value of) any
    /// of those, or an array sliced.
    pub address_taken: bool,
    /// Read somewhere.
    pub used: bool,
}

/// A function with a body of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FunctionRef {
    /// A declared function or method: an index into `TypedProgram::functions`.
    Declared(FunctionId),
    /// A function literal: its expression.
    Literal(ExprId),
    /// The body of a range over a function: what such a function calls. Returns and branches in it are those of the function around.
    RangeBody(BlockId),
}

/// An index into `TypedProgram::functions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionId(pub u32);

/// A declared function or method.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its `Func` object; functions named `init` or `_` have one each too, in no scope.
    pub object: ObjectId,
    /// The declaring package.
    pub package: PackageId,
    /// The declaration, a `Decl::Func`.
    pub declaration: DeclId,
    /// The body; `None` for a native function.
    pub body: Option<BlockId>,
    /// Of a method of a generic type: the type parameters that its receiver declares.
    pub receiver_parameters: Vec<TypeId>,
    /// The type parameters of a generic function or method.
    pub type_parameters: Vec<TypeId>,
    /// The receiver variable, of a method, `None` if it has no name or is `_`; see also [`Function::parameters`].
    pub receiver: Option<ObjectId>,
    /// One variable per parameter, unnamed and blank ones too.
    pub parameters: Vec<ObjectId>,
    /// One variable per result, unnamed and blank ones too.
    pub results: Vec<ObjectId>,
    /// The body has been checked; its side tables are filled.
    pub checked: bool,
}

impl Function {
    /// A function of which nothing is known yet but its declaration.
    pub(crate) fn new(
        object: ObjectId,
        package: PackageId,
        declaration: DeclId,
        body: Option<BlockId>,
    ) -> Function {
        Function {
            object,
            package,
            declaration,
            body,
            receiver_parameters: Vec::new(),
            type_parameters: Vec::new(),
            receiver: None,
            parameters: Vec::new(),
            results: Vec::new(),
            checked: false,
        }
    }
}

/// A function literal.
#[derive(Clone, Debug, Default)]
pub struct Closure {
    /// The variables of enclosing functions that it uses, each once, in order of first use; those used only by function literals
    /// inside it are among them.
    pub captures: Vec<ObjectId>,
    /// One variable per parameter, unnamed and blank ones too.
    pub parameters: Vec<ObjectId>,
    /// One variable per result, unnamed and blank ones too.
    pub results: Vec<ObjectId>,
}

/// What kind of entity an object is.
#[derive(Clone, Debug)]
pub enum ObjectKind {
    /// An imported package's name in a file.
    PackageName {
        /// The package.
        imported: PackageId,
        /// Was it used?
        used: bool,
    },
    /// A constant.
    Constant(Constant),
    /// A type's name; `alias` for `type A = B`.
    TypeName {
        /// Is it another name only?
        alias: bool,
    },
    /// A variable.
    Variable(Box<Variable>),
    /// A function or method.
    Function {
        /// Its declaration, `None` for the method `Error` of the predeclared `error`.
        function: Option<FunctionId>,
        /// For a method: the named type it belongs to.
        receiver_base: Option<TypeId>,
        /// For a method: is its receiver a pointer?
        pointer_receiver: bool,
    },
    /// A label; not in scopes of other names.
    Label {
        /// Was it used?
        used: bool,
    },
    /// A builtin function.
    Builtin(Builtin),
    /// `nil`
    Nil,
}

/// A declared entity. GO: go/types `Object`.
#[derive(Clone, Debug)]
pub struct Object {
    /// What kind.
    pub kind: ObjectKind,
    /// The name.
    pub name: Symbol,
    /// Is the name exported?
    pub exported: bool,
    /// The type; canonical in a finished program. Of a function its signature without receiver.
    pub typ: TypeId,
    /// The package that declares it; `None` for predeclared ones.
    pub package: Option<PackageId>,
    /// Where its name is declared; `None` for predeclared ones.
    pub range: Option<TextRange>,
}

impl Object {
    /// The variable, if it is one.
    #[must_use]
    pub fn variable(&self) -> Option<&Variable> {
        match &self.kind {
            ObjectKind::Variable(variable) => Some(variable),
            _ => None,
        }
    }

    /// The declared function, if it is one with a declaration.
    #[must_use]
    pub fn function(&self) -> Option<FunctionId> {
        match self.kind {
            ObjectKind::Function { function, .. } => function,
            _ => None,
        }
    }
}

/// A package.
#[derive(Clone, Debug)]
pub struct Package {
    /// The import path; of the main package, `main`.
    pub path: String,
    /// The name in its package clause.
    pub name: Symbol,
    /// Does it belong to the standard library?
    pub standard: bool,
    /// The packages it imports, each once.
    pub imports: Vec<PackageId>,
    /// Its files.
    pub files: Vec<File>,
    /// The package-level objects by name.
    pub scope: FxHashMap<Symbol, ObjectId>,
    /// Its variables' initialisations in the order in which they are to be run (before its `init` functions). Variables without
    /// an initial value are not here; in a standard package only those are that can be reached.
    pub init_order: Vec<Initializer>,
    /// The variables that begin with the contents of files, which they have before anything else is initialised. Those of a script get
    /// them at their declaration, and are not here.
    pub embeds: Vec<ObjectId>,
    /// Its `init` functions in source order.
    pub init_functions: Vec<FunctionId>,
}

/// `lhs... = rhs` at package level. GO: go/types `Initializer`.
#[derive(Clone, Debug)]
pub struct Initializer {
    /// The variables, `_` among them; several if `rhs` is a call with several results or a `v, ok` expression.
    pub lhs: SmallVec<[ObjectId; 1]>,
    /// The value.
    pub rhs: ExprId,
}

/// What a variable begins with that stands behind a `//go:embed` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Embedding {
    /// A file, for a variable whose underlying type is `string`.
    String(Vec<u8>),
    /// A file, for a variable whose underlying type is `[]byte`.
    Bytes(Vec<u8>),
    /// Files, packed for the function that [`crate::embed::assembly`] finds, for an `embed.FS`.
    Files(Vec<u8>),
}

/// What a selector selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectionKind {
    /// `x.f`, a field.
    Field,
    /// `x.m`, a method called or taken as a value.
    MethodValue,
    /// `T.m`, a function with the receiver as first parameter.
    MethodExpression,
}

/// The selected entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selected {
    /// The field whose index ends the path.
    Field,
    /// A declared method.
    Method(ObjectId),
    /// The method with this index in the complete method set of the interface type.
    InterfaceMethod {
        /// The interface (canonical, underlying).
        interface: TypeId,
        /// Its index in `Interface::methods`.
        index: u32,
    },
}

/// A selector expression that is no qualified identifier. GO: go/types `Selection`.
#[derive(Clone, Debug)]
pub struct Selection {
    /// What kind.
    pub kind: SelectionKind,
    /// The type of `x` in `x.f`, or `T` in `T.m`.
    pub receiver: TypeId,
    /// Field indices from `x` to `x.f`; for a method those of the embedded fields to go through (empty if there are none).
    /// Pointers on the way are to be followed: `x` itself may be one, and every embedded field.
    pub path: SmallVec<[u32; 4]>,
    /// Is a pointer followed on the way?
    pub indirect: bool,
    /// What is selected.
    pub selected: Selected,
    /// Of a declared method: the named type that has it, after the way through embedded fields; an instance if the method is declared for a
    /// generic type, and then its arguments stand for `Function::receiver_parameters`. Else invalid.
    pub owner: TypeId,
    /// The type of the selector expression. Of a method value the signature, of a method expression the one with receiver.
    pub typ: TypeId,
}

/// The use of a generic function or type with type arguments. GO: go/types `Instance`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The type arguments, given and inferred; canonical. They may mention the type parameters of the function around.
    pub arguments: SmallVec<[TypeId; 2]>,
    /// The instantiated signature, or the instance of the type; canonical.
    pub typ: TypeId,
}

/// The result of checking. See the module's essay.
#[derive(Debug)]
pub struct TypedProgram {
    /// All types.
    pub types: Types,
    /// All objects, by `ObjectId`.
    pub objects: Vec<Object>,
    /// All packages, by `PackageId`.
    pub packages: Vec<Package>,
    /// The packages in dependency order: each after those it imports. The main package is the last.
    pub package_order: Vec<PackageId>,
    /// What runs then, one after the other: the function `main`, or the statements of a script.
    pub entry: Vec<FunctionId>,
    /// The package that is run.
    pub main: PackageId,
    /// All declared functions and methods, by `FunctionId`.
    pub functions: Vec<Function>,
    /// The functions to be compiled: everything in user packages, and of standard packages what those reach. A method that is not
    /// here is never called, but still counts for whether a type implements an interface.
    pub reachable: Vec<FunctionId>,
    /// The program asks for methods by reflection, so every exported method of a type that values in interfaces have can be called.
    pub reflects_methods: bool,
    /// The language versions of files that are not of today's.
    pub versions: crate::versions::LanguageVersions,
    /// By variable.
    pub embeddings: FxHashMap<ObjectId, Embedding>,
    /// By the `ExprId` of a `FuncLit`.
    pub closures: FxHashMap<ExprId, Closure>,
    /// By the body of a range over a function, the variables of enclosing functions that it uses, as in [`Closure::captures`]. Result
    /// variables of the function around are among them if a `return` in the body sets them.
    pub range_bodies: FxHashMap<BlockId, Vec<ObjectId>>,
    /// By the `ExprId` of a `Selector` that is no qualified identifier.
    pub selections: FxHashMap<ExprId, Selection>,
    /// By the `ExprId` of the identifier (in a selector, of the name behind the dot) that names a generic function, method or type: its
    /// type arguments there.
    pub instances: FxHashMap<ExprId, Instance>,
    /// Variables declared without a name of their own: by the body of a type switch's clause, the clause's variable.
    pub implicits: FxHashMap<BlockId, ObjectId>,
    /// The field that a composite literal's key names, by the key's `ExprId`: its index, for a promoted field behind those of the embedded ones
    /// that it lies in.
    pub field_keys: FxHashMap<ExprId, SmallVec<[u32; 4]>>,
    /// The types that functions declare, with their numbers among those of their package, in source order from 1.
    pub(crate) local_types: FxHashMap<ObjectId, u32>,
    pub(crate) types_and_values: Vec<TypeAndValue>,
    /// Object of a declared (`defs`) or used (`uses`) name, by the `ExprId` of the `Ident`.
    pub(crate) names: Vec<Option<ObjectId>>,
    pub(crate) constants: Vec<Constant>,
    pub(crate) members: MemberTable,
    /// By the expression of a statement in a session: the variables that take its values, for them to be shown.
    pub echoes: FxHashMap<ExprId, Echo>,
    /// What the last unit of a session has to run.
    pub unit: Unit,
}

/// What becomes of the values of an expression that stands alone at the end of a unit.
#[derive(Clone, Debug)]
pub struct Echo {
    /// Package variables, one for each value. None for `nil`.
    pub variables: Vec<ObjectId>,
    /// Their types as the session shows them.
    pub types: Vec<String>,
    /// `show(index, count int, value any, typ string)`, called for each value.
    pub show: FunctionId,
}

/// What a unit of a session has to run, part by part.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// The number of the unit, from 1.
    pub number: u32,
    /// Initialisations: of packages that are new, of variables that are reached for the first time, and of the unit's own.
    pub initializers: Vec<(PackageId, Vec<Initializer>)>,
    /// What is called after each of them, and at last.
    pub functions: Vec<Vec<FunctionId>>,
    /// It declares methods of types that earlier units have declared.
    pub adds_methods: bool,
}

impl TypedProgram {
    /// Numbers the types that functions declare, package by package in source order. GO: cmd/compile/internal/noder writer.go `collectDecls`.
    pub(crate) fn number_local_types(&mut self) {
        let place = |id: &ObjectId| {
            let object = &self.objects[id.index()];
            let range = object.range.map(|range| (range.file, range.start));
            (object.package, range)
        };
        let mut locals: Vec<ObjectId> = self.local_types.keys().copied().collect();
        locals.sort_unstable_by_key(place);
        let mut previous = (None, 0);
        for id in locals {
            let package = self.objects[id.index()].package;
            let number = if package == previous.0 {
                previous.1 + 1
            } else {
                1
            };
            previous = (package, number);
            self.local_types.insert(id, number);
        }
    }

    /// Is a variable that a `for` declares by `:=` in this file one for all iterations, as before Go 1.22?
    #[must_use]
    pub fn shares_loop_variables(&self, file: diagnostics::FileId) -> bool {
        let version = self.versions.get(&file);
        version.is_some_and(|version| version.minor < crate::versions::OWN_LOOP_VARIABLES)
    }

    /// Type and mode of an expression.
    #[inline]
    #[must_use]
    pub fn type_and_value(&self, expr: ExprId) -> TypeAndValue {
        self.types_and_values
            .get(expr.index())
            .copied()
            .unwrap_or(TypeAndValue::NONE)
    }

    /// The type of an expression; canonical.
    #[inline]
    #[must_use]
    pub fn type_of(&self, expr: ExprId) -> TypeId {
        self.type_and_value(expr).typ
    }

    /// The value of a constant expression.
    #[must_use]
    pub fn constant(&self, expr: ExprId) -> Option<&Constant> {
        match self.type_and_value(expr).constant {
            0 => None,
            index => self.constants.get(index as usize - 1),
        }
    }

    /// The object that an identifier declares or uses: go/types' `defs` and `uses` together. The blank identifier on the left of a
    /// plain assignment, field names and keys of struct literals have none; a method's or field's name in a selector neither
    /// (see `selections`), a package member's name has.
    #[inline]
    #[must_use]
    pub fn object_of(&self, ident: ExprId) -> Option<ObjectId> {
        self.names.get(ident.index()).copied().flatten()
    }

    /// Does this identifier declare its object? GO: `Info.Defs`. In a `:=` some names may be declared and others assigned to.
    #[must_use]
    pub fn is_definition(&self, ast: &parser::ast::Ast, ident: ExprId) -> bool {
        self.object_of(ident)
            .is_some_and(|object| self.object(object).range == Some(ast.range(ident)))
    }

    /// An object.
    #[inline]
    #[must_use]
    pub fn object(&self, id: ObjectId) -> &Object {
        &self.objects[id.index()]
    }

    /// A package.
    #[inline]
    #[must_use]
    pub fn package(&self, id: PackageId) -> &Package {
        &self.packages[id.index()]
    }

    /// A declared function.
    #[inline]
    #[must_use]
    pub fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.0 as usize]
    }
}
