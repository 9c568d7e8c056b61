//! The checker's state, its environment, how it reports and records. GO: go/types check.go, errors.go, recording.go.

use std::rc::Rc;

use diagnostics::{Code, Diagnostic, Diagnostics, SourceMap, TextRange};
use indexmap::{IndexMap, IndexSet};
use parser::ast::{Ast, BlockId, ExprId, Interner, Symbol, TypeSpec};
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use crate::constants::Constant;
use crate::expression_strings::expression_string;
use crate::function_instances::FunctionInstantiation;
use crate::hints::Hint;
use crate::monomorph::InstantiationGraph;
use crate::operand::Operand;
use crate::scope::{ScopeId, Scopes};
use crate::type_expressions::InterfaceElements;
use crate::type_parameters::Instantiation;
use crate::typed::{
    FunctionId, FunctionRef, Mode, Object, ObjectKind, TypeAndValue, TypedProgram, VarKind,
    Variable,
};
use crate::types::{ObjectId, PackageId, Term, TypeId};

/// Stack kept free for one step of recursion, and what is added when it is not there: syntax may be 10,000 levels deep.
const STACK_RED_ZONE: usize = 128 << 10;
const STACK_PIECE: usize = 4 << 20;

/// Runs one step of a recursion over syntax or types on a stack that suffices.
#[inline]
pub(crate) fn with_stack<R>(step: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(STACK_RED_ZONE, STACK_PIECE, step)
}

/// How far the type of an object is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Color {
    /// Not yet.
    White,
    /// Its declaration is being checked; it is in `Checker::path`.
    Grey,
    /// Known.
    Black,
}

/// A package-level declaration.
#[derive(Debug)]
pub(crate) struct Declaration {
    pub(crate) package: PackageId,
    pub(crate) file_scope: ScopeId,
    pub(crate) what: Declared,
    /// The package-level objects that its expressions or its body refer to, in order of first use.
    pub(crate) dependencies: IndexSet<ObjectId, FxBuildHasher>,
}

#[derive(Debug)]
pub(crate) enum Declared {
    Constant {
        typ: Option<ExprId>,
        init: Option<ExprId>,
        inherited: bool,
        iota: u32,
    },
    /// `lhs` holds all variables if several are initialised by one call.
    Variable {
        lhs: Option<Vec<ObjectId>>,
        typ: Option<ExprId>,
        init: Option<ExprId>,
    },
    Type(TypeSpec),
    Function(FunctionId),
}

/// Index into `Checker::declarations`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DeclarationId(pub(crate) u32);

/// What the checker knows of a package beside what it hands on.
#[derive(Debug)]
pub(crate) struct PackageState {
    pub(crate) scope: ScopeId,
    /// Objects with declarations in source order.
    pub(crate) objects: Vec<ObjectId>,
    /// Methods by the `TypeName` of their receiver base type, until those are declared.
    pub(crate) methods: FxHashMap<ObjectId, Vec<ObjectId>>,
    /// The `PackageName` objects of all files, with the import's range.
    pub(crate) imports: Vec<(ObjectId, TextRange)>,
}

/// The function whose body is being checked.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) function: FunctionRef,
    pub(crate) results: Vec<ObjectId>,
}

/// Where the checker is. Saved and restored around declarations and bodies.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    pub(crate) package: PackageId,
    pub(crate) scope: ScopeId,
    pub(crate) declaration: Option<DeclarationId>,
    pub(crate) iota: Option<u32>,
    /// Where errors in an inherited constant expression are reported.
    pub(crate) error_place: Option<TextRange>,
    pub(crate) context: Option<Context>,
    pub(crate) has_call_or_receive: bool,
    /// Inside a list of type parameters, where what is being declared may be mentioned.
    pub(crate) in_type_parameters: bool,
    /// The type parameters of the function around.
    pub(crate) ambient: Rc<[TypeId]>,
}

/// What the underlying type of a declared type waits for.
#[derive(Debug)]
pub(crate) enum Unfinished {
    /// That of another declared type: `type T U`.
    Type(TypeId),
    /// Those of the interfaces that it embeds, one of which leads back to it through a method: `type T interface { U; m() }`.
    Interface {
        expr: ExprId,
        elements: Box<InterfaceElements>,
    },
    /// Those of the interfaces that a constraint literal embeds, whose declaration the literal stands in:
    /// `type T[P interface { T[P] }] interface { m() }`. Nothing waits for it in turn.
    Constraint {
        expr: ExprId,
        elements: Box<InterfaceElements>,
        parameters: Vec<TypeId>,
    },
    /// That of the interface which an interface literal in the constraint embeds, and whose declaration the constraint stands in:
    /// `type T[P interface { m() interface { T[P] } }] interface { n() }`. What the literal is, is not known before; the constraint is
    /// looked at again then.
    ConstraintAgain {
        expr: ExprId,
        parameters: Vec<TypeId>,
        environment: Box<Environment>,
        typ: TypeId,
    },
}

/// What is checked after the declarations or the statement that it belongs to.
#[derive(Debug)]
pub(crate) enum Delayed {
    FunctionBody {
        environment: Environment,
        literal: ExprId,
        parameters: Vec<(ObjectId, Option<ExprId>)>,
        body: BlockId,
    },
    ValidType {
        typ: TypeId,
        package: PackageId,
    },
    MapKey {
        key: TypeId,
        at: ExprId,
        package: PackageId,
    },
    EmbeddedField {
        typ: TypeId,
        range: TextRange,
        package: PackageId,
    },
    VariableType {
        typ: TypeId,
        range: TextRange,
        package: PackageId,
    },
    Union {
        terms: Vec<Term>,
        operands: Vec<ExprId>,
        package: PackageId,
    },
    Instantiation(Box<Instantiation>),
    FunctionInstantiation(Box<FunctionInstantiation>),
    FieldUniqueness {
        typ: TypeId,
        package: PackageId,
    },
    Receiver {
        typ: TypeId,
        range: TextRange,
        package: PackageId,
    },
}

/// Symbols the checker looks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) error_method: Symbol,
    pub(crate) string_method: Symbol,
}

/// How a field was declared, for messages about duplicates.
pub(crate) type FieldRanges = FxHashMap<TypeId, Vec<TextRange>>;

pub(crate) struct Checker<'a> {
    pub(crate) ast: &'a Ast,
    pub(crate) names: &'a Interner,
    pub(crate) sources: &'a SourceMap,
    pub(crate) program: TypedProgram,
    pub(crate) diagnostics: Diagnostics,
    /// Paths of packages that hints may propose to import.
    pub(crate) importable: Vec<String>,
    pub(crate) scopes: Scopes,
    pub(crate) universe: ScopeId,
    /// By `ObjectId`.
    pub(crate) colors: Vec<Color>,
    /// By `ObjectId`.
    pub(crate) declaration_of: Vec<Option<DeclarationId>>,
    pub(crate) declarations: Vec<Declaration>,
    pub(crate) packages: Vec<PackageState>,
    /// Stands for packages that could not be imported.
    pub(crate) failed_package: PackageId,
    pub(crate) path: Vec<ObjectId>,
    pub(crate) env: Environment,
    pub(crate) delayed: Vec<Delayed>,
    /// Calls of `panic` in functions with results: they end a statement list.
    pub(crate) panic_calls: FxHashSet<ExprId>,
    /// The function that a literal or the body of a range over a function stands in; absent at package level.
    pub(crate) literal_parents: FxHashMap<FunctionRef, FunctionRef>,
    pub(crate) captured: FxHashSet<(FunctionRef, ObjectId)>,
    /// Local variables in the order of declaration, for finding unused ones.
    pub(crate) local_variables: Vec<ObjectId>,
    /// Where the methods of an interface, or the fields of a struct, as written, were declared.
    pub(crate) member_ranges: FieldRanges,
    /// Has a constraint been mentioned that is no ordinary interface? If not, no type can be misplaced.
    pub(crate) saw_constraint: bool,
    /// Dot-imported names: the file scope and object lead to the import.
    pub(crate) dot_imports: FxHashMap<(ScopeId, Symbol), ObjectId>,
    pub(crate) reachability: Reachability,
    /// Named types that are known not to contain themselves, or whose containing themselves has been reported.
    pub(crate) valid_types: FxHashSet<TypeId>,
    /// Where an instance was first written, for messages about cycles.
    pub(crate) instance_places: FxHashMap<TypeId, TextRange>,
    /// Of declared types that are declared as another one: that one.
    pub(crate) declared_as: FxHashMap<TypeId, TypeId>,
    /// Named types waiting for the underlying types of others.
    pub(crate) unfinished: Vec<(TypeId, Unfinished)>,
    /// The interface that a literal embeds in the constraint that is looked at, if its declaration has not come to its end.
    pub(crate) awaited_by_constraint: Option<TypeId>,
    /// Has a constraint been looked at twice? What is wrong in it is said once.
    pub(crate) looked_again: bool,
    /// The signatures of calls with several named results, for messages that show them.
    pub(crate) named_results: FxHashMap<ExprId, TypeId>,
    /// What Go's compiler reports after its type checker, when nothing else is wrong.
    pub(crate) late_errors: Vec<(Code, TextRange, String)>,
    /// Types that may be too large.
    pub(crate) written_sizes: Vec<crate::sizes::Sized>,
    /// Is an array among them?
    pub(crate) has_long_arrays: bool,
    /// What it reports after that: types that cannot take the contents of files.
    pub(crate) embedding_errors: Vec<(TextRange, String)>,
    /// Functions whose declaration was refused; their bodies are not looked at.
    pub(crate) unchecked: FxHashSet<FunctionId>,
    /// Are unused variables and imports only warnings?
    pub(crate) relaxed: bool,
    /// The script, if the program is one.
    pub(crate) script: Option<crate::script::ScriptState>,
    /// Receiver, parameters and results of functions whose bodies have not been checked.
    pub(crate) function_variables: FxHashMap<FunctionId, Vec<(ObjectId, Option<ExprId>)>>,
    /// The scopes of functions with type parameters, which those are declared in.
    pub(crate) function_scopes: FxHashMap<FunctionId, ScopeId>,
    pub(crate) instantiations: InstantiationGraph,
    /// What a session remembers between its units; `None` in a program that is checked at once.
    pub(crate) session: Option<crate::session::SessionState>,
}

/// What can be reached so far, and what is still to be looked at.
#[derive(Debug, Default)]
pub(crate) struct Reachability {
    pub(crate) reached: FxHashSet<ObjectId>,
    /// Functions of standard packages whose bodies are to be checked.
    pub(crate) functions: Vec<FunctionId>,
    /// Package variables in the order in which they were reached.
    pub(crate) variables: Vec<ObjectId>,
    /// Types that values in interfaces may have; the number says how many have been looked at.
    pub(crate) run_time_types: IndexSet<TypeId, FxBuildHasher>,
    pub(crate) looked_at: usize,
    /// Names of methods called through interfaces.
    pub(crate) demanded: FxHashSet<Symbol>,
    /// Methods of run-time types whose names have not been demanded.
    pub(crate) waiting: Waiting,
}

/// Methods by their names.
pub(crate) type Waiting = IndexMap<Symbol, Vec<ObjectId>, FxBuildHasher>;

impl<'a> Checker<'a> {
    /// The same checker over other tables, which hold at least what those held that it was made for.
    pub(crate) fn over<'b>(
        self,
        ast: &'b Ast,
        names: &'b Interner,
        sources: &'b SourceMap,
    ) -> Checker<'b> {
        let Checker {
            ast: _,
            names: _,
            sources: _,
            program,
            diagnostics,
            importable,
            scopes,
            universe,
            colors,
            declaration_of,
            declarations,
            packages,
            failed_package,
            path,
            env,
            delayed,
            panic_calls,
            literal_parents,
            captured,
            local_variables,
            member_ranges,
            saw_constraint,
            dot_imports,
            reachability,
            valid_types,
            instance_places,
            declared_as,
            unfinished,
            awaited_by_constraint,
            looked_again,
            named_results,
            late_errors,
            written_sizes,
            has_long_arrays,
            unchecked,
            relaxed,
            script,
            function_variables,
            function_scopes,
            instantiations,
            embedding_errors,
            session,
        } = self;
        Checker {
            ast,
            names,
            sources,
            program,
            diagnostics,
            importable,
            scopes,
            universe,
            colors,
            declaration_of,
            declarations,
            packages,
            failed_package,
            path,
            env,
            delayed,
            panic_calls,
            literal_parents,
            captured,
            local_variables,
            member_ranges,
            saw_constraint,
            dot_imports,
            reachability,
            valid_types,
            instance_places,
            declared_as,
            unfinished,
            awaited_by_constraint,
            looked_again,
            named_results,
            late_errors,
            written_sizes,
            has_long_arrays,
            unchecked,
            relaxed,
            script,
            function_variables,
            function_scopes,
            instantiations,
            embedding_errors,
            session,
        }
    }

    // ---- objects ----

    pub(crate) fn new_object(
        &mut self,
        kind: ObjectKind,
        name: Symbol,
        range: Option<TextRange>,
        color: Color,
    ) -> ObjectId {
        let id = ObjectId::from_index(self.program.objects.len());
        let exported = is_exported(self.names.text(name));
        let package = Some(self.env.package);
        self.program.objects.push(Object {
            kind,
            name,
            exported,
            typ: TypeId::INVALID,
            package,
            range,
        });
        self.colors.push(color);
        self.declaration_of.push(None);
        id
    }

    /// A variable whose type is known already, or will be when its declaration has been looked at.
    pub(crate) fn new_variable(
        &mut self,
        kind: VarKind,
        name: Symbol,
        range: TextRange,
        typ: Option<TypeId>,
    ) -> ObjectId {
        let function = match kind {
            VarKind::Package => None,
            _ => self.env.context.as_ref().map(|context| context.function),
        };
        let variable = Variable {
            kind,
            function,
            captured: false,
            captured_by_literal: false,
            reassigned: false,
            address_taken: false,
            used: false,
        };
        let color = if typ.is_some() {
            Color::Black
        } else {
            Color::White
        };
        let id = self.new_object(
            ObjectKind::Variable(Box::new(variable)),
            name,
            Some(range),
            color,
        );
        if let Some(typ) = typ {
            self.program.objects[id.index()].typ = typ;
        }
        id
    }

    pub(crate) fn object(&self, id: ObjectId) -> &Object {
        &self.program.objects[id.index()]
    }

    pub(crate) fn variable_mut(&mut self, id: ObjectId) -> Option<&mut Variable> {
        match &mut self.program.objects[id.index()].kind {
            ObjectKind::Variable(variable) => Some(variable),
            _ => None,
        }
    }

    pub(crate) fn set_type(&mut self, id: ObjectId, typ: TypeId) {
        self.program.objects[id.index()].typ = typ;
        if self.colors[id.index()] == Color::White {
            self.colors[id.index()] = Color::Black;
        }
    }

    // ---- scopes ----

    pub(crate) fn open_scope(&mut self) -> ScopeId {
        let outer = self.env.scope;
        self.env.scope = self.scopes.open(Some(outer));
        outer
    }

    pub(crate) fn close_scope(&mut self, outer: ScopeId) {
        self.env.scope = outer;
    }

    /// The object with the name as seen from here.
    pub(crate) fn lookup_name(&self, name: Symbol) -> Option<ObjectId> {
        self.scopes.lookup_parent(self.env.scope, name)
    }

    /// Adds an object to a scope and records its definition; reports a second one of the same name, and then says false.
    pub(crate) fn declare(
        &mut self,
        scope: ScopeId,
        ident: Option<ExprId>,
        object: ObjectId,
    ) -> bool {
        let name = self.object(object).name;
        if !name.is_blank()
            && let Some(other) = self.scopes.insert(scope, name, object)
        {
            let text = self.names.text(name).to_owned();
            let range = self.object(object).range.unwrap_or_default();
            let message = format!(
                "{text} redeclared in this block{}",
                self.other_declaration(other)
            );
            self.report(Code::Redeclared, range, message);
            return false;
        }
        if let Some(ident) = ident {
            self.record_name(ident, object);
        }
        true
    }

    /// The line `other declaration of x` with its position.
    pub(crate) fn other_declaration(&self, other: ObjectId) -> String {
        let object = self.object(other);
        match object.range {
            Some(range) => {
                format!(
                    "\n\t{}: other declaration of {}",
                    self.sources.position(range),
                    self.names.text(object.name)
                )
            }
            None => String::new(),
        }
    }

    // ---- texts ----

    pub(crate) fn text(&self, name: Symbol) -> &'a str {
        let names: &'a Interner = self.names;
        names.text(name)
    }

    pub(crate) fn type_text(&self, typ: TypeId) -> String {
        self.program
            .type_string(self.names, self.sources, typ, Some(self.env.package))
    }

    /// The type with import paths as qualifiers, also of the package's own types: as Go prints it in a few messages.
    pub(crate) fn qualified_type_text(&self, typ: TypeId) -> String {
        self.program
            .type_string(self.names, self.sources, typ, None)
    }

    pub(crate) fn expression_text(&self, expr: ExprId) -> String {
        expression_string(self.ast, self.names, expr)
    }

    /// Where messages place an expression: its range, but for a function type from its parameters on, as Go has it.
    pub(crate) fn range(&self, expr: ExprId) -> TextRange {
        let range = self.ast.range(expr);
        if matches!(self.ast.expr(expr), parser::ast::Expr::FuncType { .. }) {
            let offset = crate::calls::outside_comments(self.sources.slice(range))
                .find(|(_, byte)| *byte == b'(')
                .map_or(0, |(offset, _)| offset);
            return TextRange {
                start: range.start + offset as u32,
                ..range
            };
        }
        range
    }

    pub(crate) fn operand_range(&self, x: &Operand) -> TextRange {
        x.expr.map(|expr| self.range(expr)).unwrap_or_default()
    }

    // ---- errors ----

    /// Reports an error at the beginning of a range.
    ///
    /// Messages that speak of an invalid operand or type follow from an error reported before and are left out.
    pub(crate) fn report(&mut self, code: Code, range: TextRange, message: impl Into<String>) {
        self.report_with(code, range, message, Hint::none());
    }

    /// The same, with how it may be mended.
    pub(crate) fn report_with(
        &mut self,
        code: Code,
        range: TextRange,
        message: impl Into<String>,
        hint: Hint,
    ) {
        let message = message.into();
        if !self.diagnostics.is_empty() {
            let follows = |word: &str| message.find(word).is_some_and(|place| place > 0);
            if follows("invalid operand") || follows("invalid type") {
                return;
            }
        }
        let range = self.env.error_place.unwrap_or(range);
        let mend = match hint.is_none() {
            true => crate::mends::of_message(&message),
            false => None,
        };
        let mut diagnostic = hint.add_to(Diagnostic::new(code, range, message));
        diagnostic.help = diagnostic.help.or(mend);
        diagnostic.is_warning =
            self.relaxed && matches!(code, Code::UnusedVariable | Code::UnusedImport);
        let is_same = |other: &Diagnostic| {
            other.code == code && other.range == range && other.message == diagnostic.message
        };
        if !self.looked_again || !self.diagnostics.iter().any(is_same) {
            self.diagnostics.push(diagnostic);
        }
    }

    pub(crate) fn report_expr(&mut self, code: Code, expr: ExprId, message: impl Into<String>) {
        let range = self.range(expr);
        self.report(code, range, message);
    }

    pub(crate) fn report_operand(&mut self, code: Code, x: &Operand, message: impl Into<String>) {
        let range = self.operand_range(x);
        self.report(code, range, message);
    }

    // ---- records ----

    pub(crate) fn record_name(&mut self, ident: ExprId, object: ObjectId) {
        self.program.names[ident.index()] = Some(object);
    }

    fn constant_index(&mut self, value: &Constant) -> u32 {
        self.program.constants.push(value.clone());
        self.program.constants.len() as u32
    }

    /// Records an expression's mode and type, and the value of a constant.
    pub(crate) fn record_type(
        &mut self,
        expr: ExprId,
        mode: Mode,
        typ: TypeId,
        value: Option<&Constant>,
    ) {
        let constant = match value {
            Some(value) => self.constant_index(value),
            None => 0,
        };
        let typ = self.program.types.canonical(typ);
        self.program.types_and_values[expr.index()] = TypeAndValue {
            typ,
            mode,
            flags: 0,
            constant,
        };
    }

    /// Records what became of an expression. Untyped ones are recorded so, and updated when they get a type.
    pub(crate) fn record(&mut self, x: &Operand) {
        let Some(expr) = x.expr else { return };
        match x.mode {
            Mode::None => self.record_type(expr, Mode::None, TypeId::INVALID, None),
            Mode::NoValue => self.record_type(expr, Mode::NoValue, TypeId::EMPTY_TUPLE, None),
            Mode::Constant => self.record_type(expr, Mode::Constant, x.typ, Some(&x.value)),
            mode => self.record_type(expr, mode, x.typ, None),
        }
    }

    /// Replaces the value of a constant that is still untyped.
    pub(crate) fn update_value(&mut self, expr: ExprId, value: &Constant) {
        let entry = self.program.types_and_values[expr.index()];
        if entry.mode == Mode::None || !self.program.types.is_untyped(entry.typ) {
            return;
        }
        let constant = self.constant_index(value);
        self.program.types_and_values[expr.index()].constant = constant;
    }

    // ---- environment ----

    /// Runs something in another environment.
    pub(crate) fn in_environment<R>(
        &mut self,
        env: Environment,
        run: impl FnOnce(&mut Self) -> R,
    ) -> R {
        let saved = std::mem::replace(&mut self.env, env);
        let result = run(self);
        self.env = saved;
        result
    }

    pub(crate) fn package_environment(&self, package: PackageId, scope: ScopeId) -> Environment {
        Environment {
            package,
            scope,
            declaration: None,
            iota: None,
            error_place: None,
            context: None,
            has_call_or_receive: false,
            in_type_parameters: false,
            ambient: Rc::default(),
        }
    }

    /// Notes that the declaration being checked refers to a package-level object, and that the object can be reached.
    pub(crate) fn add_dependency(&mut self, object: ObjectId) {
        if self.declaration_of[object.index()].is_none() {
            return;
        }
        if let Some(declaration) = self.env.declaration {
            self.declarations[declaration.0 as usize]
                .dependencies
                .insert(object);
        }
        self.reach(object);
    }

    pub(crate) fn is_standard(&self, package: PackageId) -> bool {
        self.program.package(package).standard
    }
}

/// Is the name exported? SPEC: Exported identifiers.
#[must_use]
pub(crate) fn is_exported(name: &str) -> bool {
    name.chars().next().is_some_and(char::is_uppercase)
}
