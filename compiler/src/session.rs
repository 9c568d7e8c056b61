//! The compilation of a program that grows.
//!
//! A [`Session`] keeps all tables of the compiler between two units: numbers of functions, types, strings, natives, selectors and places
//! of globals are given once and stay. What a unit adds is handed on as an [`Addition`].
//!
//! A function is compiled when it is first named, so a later unit may need more of earlier packages; and it may give earlier types more
//! methods (an interface asks for one that none asked for before, or the unit declares one): those types come with all their methods.
//! A method that a type had in its table stays in it.
//!
//! If a unit is too large, what was compiled is handed on all the same, since its numbers are taken; only its entry is not to be run.

use bytecode::{
    Addition, Function, FunctionId, Global, KnownTypes, NativeId, NativeReference, SelectorName,
    StringId, TypeId as TypeRef, Window, op,
};
use checker::lookup::MethodSetEntry;
use checker::typed::FunctionId as DeclaredId;
use checker::types::{ObjectId, PackageId};
use diagnostics::FileId;
use parser::ast::{BlockId, Symbol};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::instances::Environment;
use crate::type_descriptors::TypeTable;
use checker::constants::Constant;
use checker::typed::{Echo, TypedProgram};
use checker::types::TypeId as Ty;
use parser::ast::{Ast, ExprId, Interner};

use crate::function::{FunctionCompiler, Shape};
use crate::instances::EnvironmentId;
use crate::package::{Compiler, FunctionKey, Pending, TooLarge};
use crate::places::Place;

/// See the module's text.
#[derive(Default)]
pub struct Session {
    kept: Option<Kept>,
    /// How much of the tables was handed on.
    handed: Handed,
    known: Option<KnownTypes>,
    reflected_methods: bool,
}

#[derive(Default)]
struct Handed {
    functions: usize,
    strings: usize,
    natives: usize,
    selectors: usize,
    globals: usize,
}

/// The fields of a [`Compiler`] that are its own.
struct Kept {
    types: TypeTable,
    functions: Vec<Function>,
    ids: FxHashMap<FunctionKey, FunctionId>,
    work: Vec<Pending>,
    literal_names: FxHashMap<ExprId, String>,
    range_bodies:
        FxHashMap<(BlockId, EnvironmentId), std::rc::Rc<crate::range_functions::RangeBody>>,
    environment: EnvironmentId,
    environments: Vec<Environment>,
    environment_ids: FxHashMap<Environment, EnvironmentId>,
    strings: FxHashMap<Vec<u8>, StringId>,
    string_list: Vec<Vec<u8>>,
    natives: FxHashMap<String, NativeId>,
    native_list: Vec<NativeReference>,
    selectors: FxHashMap<(Symbol, Option<PackageId>, Ty), u32>,
    selector_list: Vec<SelectorName>,
    selector_signatures: Vec<Ty>,
    reflects: bool,
    reflected: usize,
    made_for: usize,
    method_types: Vec<Option<TypeRef>>,
    globals: FxHashMap<ObjectId, u32>,
    global_list: Vec<Global>,
    globals_size: u64,
    methods_seen: (usize, usize),
    inlined: FxHashMap<(DeclaredId, EnvironmentId), Option<std::rc::Rc<crate::inline::Body>>>,
    method_sets: FxHashMap<Ty, std::rc::Rc<Vec<MethodSetEntry>>>,
    too_large: Option<TooLarge>,
    touched: Vec<TypeRef>,
    linked_types: usize,
    methods_may_change: bool,
    unreached: Vec<(usize, u32)>,
    interruptible: FxHashSet<FileId>,
}

impl Kept {
    fn into_compiler<'a>(
        self,
        typed: &'a TypedProgram,
        ast: &'a Ast,
        names: &'a Interner,
    ) -> Compiler<'a> {
        let Kept {
            types,
            functions,
            ids,
            work,
            literal_names,
            range_bodies,
            environment,
            environments,
            environment_ids,
            strings,
            string_list,
            natives,
            native_list,
            selectors,
            selector_list,
            selector_signatures,
            reflects,
            reflected,
            made_for,
            method_types,
            globals,
            global_list,
            globals_size,
            methods_seen,
            inlined,
            method_sets,
            too_large,
            touched,
            linked_types,
            methods_may_change,
            unreached,
            interruptible,
        } = self;
        Compiler {
            typed,
            ast,
            names,
            types,
            functions,
            ids,
            work,
            literal_names,
            range_bodies,
            environment,
            environments,
            environment_ids,
            strings,
            string_list,
            natives,
            native_list,
            selectors,
            selector_list,
            selector_signatures,
            reflects,
            reflected,
            made_for,
            method_types,
            globals,
            global_list,
            globals_size,
            methods_seen,
            inlined,
            method_sets,
            too_large,
            touched,
            linked_types,
            methods_may_change,
            unreached,
            interruptible,
        }
    }

    fn of(compiler: Compiler<'_>) -> Kept {
        let Compiler {
            typed: _,
            ast: _,
            names: _,
            types,
            functions,
            ids,
            work,
            literal_names,
            range_bodies,
            environment,
            environments,
            environment_ids,
            strings,
            string_list,
            natives,
            native_list,
            selectors,
            selector_list,
            selector_signatures,
            reflects,
            reflected,
            made_for,
            method_types,
            globals,
            global_list,
            globals_size,
            methods_seen,
            inlined,
            method_sets,
            too_large,
            touched,
            linked_types,
            methods_may_change,
            unreached,
            interruptible,
        } = compiler;
        Kept {
            types,
            functions,
            ids,
            work,
            literal_names,
            range_bodies,
            environment,
            environments,
            environment_ids,
            strings,
            string_list,
            natives,
            native_list,
            selectors,
            selector_list,
            selector_signatures,
            reflects,
            reflected,
            made_for,
            method_types,
            globals,
            global_list,
            globals_size,
            methods_seen,
            inlined,
            method_sets,
            too_large,
            touched,
            linked_types,
            methods_may_change,
            unreached,
            interruptible,
        }
    }
}

/// What became of a unit.
pub struct Compiled {
    /// To be linked, whatever `problem` says.
    pub addition: Addition,
    /// The unit is not to be run.
    pub problem: Option<TooLarge>,
}

impl Session {
    /// Nothing is compiled yet.
    #[must_use]
    pub fn new() -> Session {
        Session::default()
    }

    /// Compiles [`TypedProgram::unit`] and what it is the first to need. `typed`, `ast` and `names` are those of the units before, grown.
    pub fn compile(&mut self, typed: &TypedProgram, ast: &Ast, names: &Interner) -> Compiled {
        let mut compiler = match self.kept.take() {
            Some(kept) => kept.into_compiler(typed, ast, names),
            None => Compiler::new(typed, ast, names),
        };
        let c = &mut compiler;
        c.reflects = typed.packages.iter().any(|p| p.path == "reflect");
        let types = c.linked_types;
        let selectors = c.selector_list.len();
        let known = *self.known.get_or_insert_with(|| c.known_types());
        let entry = c.function_id(FunctionKey::Unit(typed.unit.number));
        let reflects_more = typed.reflects_methods && !self.reflected_methods;
        self.reflected_methods = typed.reflects_methods;
        c.look_at_methods_again(typed.unit.adds_methods || reflects_more);
        let mut problem = None;
        loop {
            while let Some(Pending { id, key }) = c.work.pop() {
                c.environment = key.environment();
                let mut function = crate::function::compile(c, &key);
                c.environment = EnvironmentId::EMPTY;
                if let Some(too_large) = c.too_large.take() {
                    problem.get_or_insert(too_large);
                    let captures = std::mem::take(&mut function.captures);
                    let parameters = std::mem::take(&mut function.parameters);
                    function = Function {
                        captures,
                        ..crate::function::compile(c, &FunctionKey::Unreachable)
                    };
                    function.frame_size = function.frame_size.max(parameters.len() as u32);
                    function.parameters = parameters;
                }
                c.functions[id.0 as usize] = function;
            }
            let more = c.complete_descriptors();
            let more = c.add_methods() | more;
            let more = c.complete_reflection() | more;
            if !more && c.work.is_empty() {
                break;
            }
        }
        if let Some(ty) = c.types.too_large.take() {
            let name = typed.run_time_type_string(names, ty);
            problem.get_or_insert(TooLarge {
                message: format!("type {name} is too large"),
                range: None,
            });
            c.types.forget_from(types);
        }
        if c.globals_size > u64::from(u32::MAX) {
            problem.get_or_insert(TooLarge {
                message: "package variables are too large".to_owned(),
                range: None,
            });
        }
        let changed = c.types.descriptors.len() > types
            || c.selector_list.len() > selectors
            || typed.unit.adds_methods
            || reflects_more;
        let reflection = if changed { c.reflection() } else { None };
        c.touched.sort_unstable_by_key(|id| id.0);
        c.touched.dedup();
        let touched = std::mem::take(&mut c.touched);
        let descriptor = |id: &bytecode::TypeId| &c.types.descriptors[id.0 as usize];
        let handed = &mut self.handed;
        let addition = Addition {
            types: c.types.descriptors[types..].to_vec(),
            strings: c.string_list[handed.strings..].to_vec(),
            natives: c.native_list[handed.natives..].to_vec(),
            selectors: c.selector_list[handed.selectors..].to_vec(),
            globals: c.global_list[handed.globals..].to_vec(),
            globals_size: c.globals_size.min(u64::from(u32::MAX)) as u32,
            methods: touched
                .iter()
                .map(|id| (*id, descriptor(id).methods.clone()))
                .collect(),
            pointers: touched
                .iter()
                .filter_map(|id| Some((*id, descriptor(id).pointer_to?)))
                .collect(),
            functions: c.functions[handed.functions..]
                .iter_mut()
                .map(std::mem::take)
                .collect(),
            entry: Some(entry),
            known: Some(known),
            reflection,
        };
        *handed = Handed {
            functions: c.functions.len(),
            strings: c.string_list.len(),
            natives: c.native_list.len(),
            selectors: c.selector_list.len(),
            globals: c.global_list.len(),
        };
        for string in &mut c.string_list[..handed.strings] {
            *string = Vec::new();
        }
        c.linked_types = c.types.descriptors.len();
        self.kept = Some(Kept::of(compiler));
        Compiled { addition, problem }
    }

    /// Place and size of a variable, if it takes whole words and code has mentioned it.
    #[must_use]
    pub fn place_of(&self, object: ObjectId) -> Option<(u32, u32)> {
        let kept = self.kept.as_ref()?;
        let at = *kept.globals.get(&object)?;
        let index = kept
            .global_list
            .binary_search_by_key(&at, |global| global.offset)
            .ok()?;
        let size = kept.types.descriptors[kept.global_list[index].ty.0 as usize].size;
        (size.is_multiple_of(8)).then_some((at, size))
    }
}

impl FunctionCompiler<'_, '_> {
    /// Runs a unit: what it is the first to need is initialised, then its statements run.
    pub(crate) fn unit(&mut self, number: u32) -> Function {
        self.name = "runtime.main".to_owned();
        let typed = self.c.typed;
        let window = self.window();
        self.registers.reach(window as usize + 1);
        let mut functions: Vec<FunctionId> = Vec::new();
        let parts = typed.unit.initializers.iter().zip(&typed.unit.functions);
        for (part, ((_, initializers), called)) in parts.enumerate() {
            if !initializers.is_empty() {
                let key = FunctionKey::UnitInitializer(number, part as u32);
                functions.push(self.c.function_id(key));
            }
            for &id in called {
                functions.push(self.c.declared_id(id, EnvironmentId::EMPTY));
            }
        }
        for function in functions {
            self.emit_call(
                op::Call {
                    window: Window(window),
                    function,
                },
                window,
            );
        }
        self.emit(op::Return {});
        self.finish(Shape {
            wrapper: true,
            ..Shape::default()
        })
    }

    /// The initialisations of one part of the unit.
    pub(crate) fn unit_initializer(&mut self, part: u32) -> Function {
        let (package, initializers) = self.c.typed.unit.initializers[part as usize].clone();
        self.initialize_all(package, &[], &initializers)
    }

    /// An expression that stands alone: its values go into variables, and are shown.
    pub(crate) fn echo(&mut self, e: ExprId, echo: &Echo) {
        if let ([], [text]) = (&echo.variables[..], &echo.types[..]) {
            return self.scoped(|f| f.show(echo, 0, 1, None, text));
        }
        self.scoped(|f| f.initialize(&echo.variables, e, true));
        let count = echo.variables.len();
        for (index, (&variable, text)) in echo.variables.iter().zip(&echo.types).enumerate() {
            self.scoped(|f| {
                let ty = f.object_type(variable);
                let place = Place::Global(f.c.global(variable));
                let value = f.allocate(ty);
                f.load_into(place, ty, value);
                let slots = f.slots(ty);
                f.registers.written(value, slots);
                let any = f.allocate(Ty::EMPTY_INTERFACE);
                f.convert_value(value, ty, Ty::EMPTY_INTERFACE, any);
                f.show(echo, index, count, Some(any), text);
            });
        }
    }

    /// `show(index, count, value, text)`
    fn show(&mut self, echo: &Echo, index: usize, count: usize, value: Option<u16>, text: &str) {
        let function = self.c.declared_id(echo.show, EnvironmentId::EMPTY);
        let window = self.window();
        let first = self.scalar();
        let second = self.scalar();
        let any = self.allocate(Ty::EMPTY_INTERFACE);
        let string = self.allocate(Ty::STRING);
        for (register, number) in [(first, index), (second, count)] {
            self.load_constant(&Constant::Int(number as i64), Ty::INT, register);
            self.registers.written(register, 1);
        }
        match value {
            Some(value) => self.move_slots(value, any, 2),
            None => self.zero(Ty::EMPTY_INTERFACE, any),
        }
        self.registers.written(any, 2);
        self.load_constant(&Constant::from_bytes(text.as_bytes()), Ty::STRING, string);
        self.registers.written(string, 2);
        self.registers.reach(string as usize + 2);
        self.emit_call(
            op::Call {
                window: Window(window),
                function,
            },
            window,
        );
    }
}
