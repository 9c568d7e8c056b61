//! A whole program: what is compiled, in which order, and under which name.
//!
//! 1. The entry function is compiled; whatever it names gets a number and goes on the work list, and so on.
//! 2. When the list is empty, the descriptors met so far are filled in, and the methods of their types that an interface method
//!    in use may select go on the list. That may bring new types and methods, so both steps are repeated until nothing
//!    is added.
//!
//! INVARIANT: a number in `functions` is given once per [`FunctionKey`]; the function behind it is compiled exactly once.

use bytecode::{
    Export, Exports, Function, FunctionId, Global, KnownTypes, Method, NativeId, NativeReference,
    Program, SelectorName, StringId, TypeId as TypeRef,
};
use checker::lookup::MethodSetEntry;
use checker::typed::{FunctionId as DeclaredId, ObjectKind, Selected, Selection, TypedProgram};
use checker::types::{ObjectId, PackageId, Type, TypeId as Ty};
use diagnostics::{FileId, TextRange};
use parser::ast::{Ast, BlockId, ExprId, Interner, Symbol};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::instances::{Environment, EnvironmentId};
use crate::type_descriptors::TypeTable;

/// What one compiled function is made from.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum FunctionKey {
    /// A declared function or method, called with its receiver's slots before its parameters'. A native one: the function around it.
    Declared(DeclaredId, EnvironmentId),
    /// A method with a value receiver, called with an interface's data slot before its parameters.
    DeclaredForInterface(DeclaredId, EnvironmentId),
    /// A function literal.
    Literal(ExprId, EnvironmentId),
    /// The body of a range over a function.
    RangeBody(BlockId, EnvironmentId),
    /// A method reached from a value of a type over embedded fields. `data`: the first slot is an interface's data.
    Promoted {
        receiver: Ty,
        path: SmallVec<[u32; 4]>,
        selected: SelectedKey,
        data: bool,
    },
    /// A method value: the receiver is captured.
    Bound(SelectedKey),
    /// The call of a builtin by `go` or `defer`, named by its expression.
    BuiltinCall(ExprId, EnvironmentId),
    /// Initialises the variables of a package.
    Initializer(PackageId),
    /// Initialises all packages and calls `main.main`.
    Entry,
    /// Runs a unit of a session.
    Unit(u32),
    /// The initialisations of a unit's part.
    UnitInitializer(u32, u32),
    /// Only initialises all packages.
    Initialization,
    /// Only calls `main.main`.
    Main,
    /// Behind `reflect.MakeFunc` of a function type.
    Made(Ty),
    /// Stands in method tables for methods that nothing can call.
    Unreachable,
}

/// [`Selected`] without fields, as a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum SelectedKey {
    /// With the environment that the method is compiled in.
    Method(ObjectId, EnvironmentId),
    InterfaceMethod {
        interface: Ty,
        index: u32,
    },
}

/// What keeps a checked program from becoming bytecode: only limits of the machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TooLarge {
    /// In the manner of Go's compiler.
    pub message: String,
    /// The function, if it is one that is too large.
    pub range: Option<TextRange>,
}

impl std::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TooLarge {}

pub(crate) struct Pending {
    pub(crate) id: FunctionId,
    pub(crate) key: FunctionKey,
}

/// The compilation of a program.
pub(crate) struct Compiler<'a> {
    pub(crate) typed: &'a TypedProgram,
    pub(crate) ast: &'a Ast,
    pub(crate) names: &'a Interner,
    pub(crate) types: TypeTable,
    pub(crate) functions: Vec<Function>,
    pub(crate) ids: FxHashMap<FunctionKey, FunctionId>,
    pub(crate) work: Vec<Pending>,
    /// The names of function literals, given when the literal is met.
    pub(crate) literal_names: FxHashMap<ExprId, String>,
    /// The bodies of ranges over functions whose closures have been made.
    pub(crate) range_bodies:
        FxHashMap<(BlockId, EnvironmentId), std::rc::Rc<crate::range_functions::RangeBody>>,
    /// The environment of what is being compiled, an index into all of them.
    pub(crate) environment: EnvironmentId,
    pub(crate) environments: Vec<Environment>,
    pub(crate) environment_ids: FxHashMap<Environment, EnvironmentId>,
    pub(crate) strings: FxHashMap<Vec<u8>, StringId>,
    pub(crate) string_list: Vec<Vec<u8>>,
    pub(crate) natives: FxHashMap<String, NativeId>,
    pub(crate) native_list: Vec<NativeReference>,
    pub(crate) selectors: FxHashMap<(Symbol, Option<PackageId>, Ty), u32>,
    pub(crate) selector_list: Vec<SelectorName>,
    /// By selector.
    pub(crate) selector_signatures: Vec<Ty>,
    /// Package `reflect` is there.
    pub(crate) reflects: bool,
    /// How many descriptors [`Compiler::complete_reflection`] has looked at; for how many of them there are made functions.
    pub(crate) reflected: usize,
    pub(crate) made_for: usize,
    /// [`bytecode::Reflection::method_types`], as far as they are known.
    pub(crate) method_types: Vec<Option<TypeRef>>,
    pub(crate) globals: FxHashMap<ObjectId, u32>,
    pub(crate) global_list: Vec<Global>,
    pub(crate) globals_size: u64,
    /// How many descriptors and selectors the last round of methods has seen.
    pub(crate) methods_seen: (usize, usize),
    /// What is put in place of calls of a function.
    pub(crate) inlined:
        FxHashMap<(DeclaredId, EnvironmentId), Option<std::rc::Rc<crate::inline::Body>>>,
    pub(crate) method_sets: FxHashMap<Ty, std::rc::Rc<Vec<MethodSetEntry>>>,
    pub(crate) too_large: Option<TooLarge>,
    /// Descriptors that were handed on already and have other methods, or a type of pointers to them, now.
    pub(crate) touched: Vec<TypeRef>,
    /// How many descriptors were handed on already.
    pub(crate) linked_types: usize,
    /// What types have of methods is compared with what they should have.
    pub(crate) methods_may_change: bool,
    /// Entries of method tables that nothing could call so far: descriptor and selector.
    pub(crate) unreached: Vec<(usize, u32)>,
    /// The files whose code gets scheduling points.
    pub(crate) interruptible: FxHashSet<FileId>,
}

/// What is made of a program.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// A host calls the program's functions ([`Program::exports`]).
    pub for_host: bool,
    /// The program's own functions, not those of standard packages, can lose their turn before each statement and between a load and a store of `x += 1`, as
    /// they can on several processors: a safepoint is put there. It is for runs with a seed, which shall find what goes wrong when they do.
    pub scheduling_points: bool,
}

/// Compiles a checked program.
///
/// # Errors
/// The program is larger than the machine's limits allow (registers of a function, size of a type, number of interface methods).
pub fn compile(typed: &TypedProgram, ast: &Ast, names: &Interner) -> Result<Program, TooLarge> {
    compile_as(typed, ast, names, Options::default())
}

/// As [`compile`], for a host that calls the program's functions ([`Program::exports`]).
///
/// # Errors
/// As [`compile`].
pub fn compile_for_host(
    typed: &TypedProgram,
    ast: &Ast,
    names: &Interner,
) -> Result<Program, TooLarge> {
    let options = Options {
        for_host: true,
        ..Options::default()
    };
    compile_as(typed, ast, names, options)
}

/// As [`compile`], with options.
///
/// # Errors
/// As [`compile`].
pub fn compile_as(
    typed: &TypedProgram,
    ast: &Ast,
    names: &Interner,
    options: Options,
) -> Result<Program, TooLarge> {
    let mut compiler = Compiler::new(typed, ast, names);
    if options.scheduling_points {
        let own = typed.packages.iter().filter(|package| !package.standard);
        let files = own.flat_map(|package| &package.files);
        compiler.interruptible = files.map(|file| file.file).collect();
    }
    compiler.run(options.for_host)
}

impl<'a> Compiler<'a> {
    /// Nothing is compiled yet.
    pub(crate) fn new(typed: &'a TypedProgram, ast: &'a Ast, names: &'a Interner) -> Compiler<'a> {
        Compiler {
            typed,
            ast,
            names,
            types: TypeTable::default(),
            functions: Vec::new(),
            ids: FxHashMap::default(),
            work: Vec::new(),
            literal_names: FxHashMap::default(),
            range_bodies: FxHashMap::default(),
            environment: EnvironmentId::EMPTY,
            environments: vec![Environment::default()],
            environment_ids: FxHashMap::default(),
            strings: FxHashMap::default(),
            string_list: Vec::new(),
            natives: FxHashMap::default(),
            native_list: Vec::new(),
            selectors: FxHashMap::default(),
            selector_list: Vec::new(),
            selector_signatures: Vec::new(),
            reflects: typed.packages.iter().any(|p| p.path == "reflect"),
            reflected: 0,
            made_for: 0,
            method_types: Vec::new(),
            globals: FxHashMap::default(),
            global_list: Vec::new(),
            globals_size: 0,
            methods_seen: (0, 0),
            inlined: FxHashMap::default(),
            method_sets: FxHashMap::default(),
            too_large: None,
            touched: Vec::new(),
            linked_types: 0,
            methods_may_change: false,
            unreached: Vec::new(),
            interruptible: FxHashSet::default(),
        }
    }
}

impl FunctionKey {
    /// What its code is compiled in.
    pub(crate) fn environment(&self) -> EnvironmentId {
        match *self {
            FunctionKey::Declared(_, environment)
            | FunctionKey::DeclaredForInterface(_, environment)
            | FunctionKey::Literal(_, environment)
            | FunctionKey::RangeBody(_, environment)
            | FunctionKey::BuiltinCall(_, environment) => environment,
            // Their types are known.
            FunctionKey::Promoted { .. }
            | FunctionKey::Bound(_)
            | FunctionKey::Initializer(_)
            | FunctionKey::Entry
            | FunctionKey::Unit(_)
            | FunctionKey::UnitInitializer(..)
            | FunctionKey::Initialization
            | FunctionKey::Main
            | FunctionKey::Made(_)
            | FunctionKey::Unreachable => EnvironmentId::EMPTY,
        }
    }
}

impl Compiler<'_> {
    fn run(mut self, for_host: bool) -> Result<Program, TooLarge> {
        let entry = self.function_id(FunctionKey::Entry);
        let exports = for_host.then(|| self.exports());
        let known = self.known_types();
        loop {
            while let Some(Pending { id, key }) = self.work.pop() {
                self.environment = key.environment();
                let function = crate::function::compile(&mut self, &key);
                self.environment = EnvironmentId::EMPTY;
                self.functions[id.0 as usize] = function;
                if let Some(problem) = self.too_large.take() {
                    return Err(problem);
                }
            }
            let more = self.complete_descriptors();
            let more = self.add_methods() | more;
            let more = self.complete_reflection() | more;
            if !more && self.work.is_empty() {
                break;
            }
        }
        if let Some(ty) = self.types.too_large {
            let name = self.typed.run_time_type_string(self.names, ty);
            return Err(TooLarge {
                message: format!("type {name} is too large"),
                range: None,
            });
        }
        if self.selector_list.len() > usize::from(u16::MAX) {
            return Err(TooLarge {
                message: "too many interface methods in the program".to_owned(),
                range: None,
            });
        }
        if self.globals_size > u64::from(u32::MAX) {
            return Err(TooLarge {
                message: "package variables are too large".to_owned(),
                range: None,
            });
        }
        let reflection = self.reflection();
        let program = Program {
            functions: self.functions,
            types: self.types.descriptors,
            strings: self.string_list,
            natives: self.native_list,
            selectors: self.selector_list,
            globals: self.global_list,
            globals_size: self.globals_size as u32,
            entry: Some(entry),
            known: Some(known),
            reflection,
            exports,
        };
        debug_assert_eq!(bytecode::verify::program(&program), Ok(()));
        Ok(program)
    }

    /// What a host may call.
    fn exports(&mut self) -> Exports {
        let typed = self.typed;
        let mut functions = Vec::new();
        for (&name, &object) in &typed.package(typed.main).scope {
            let Some(id) = typed.object(object).function() else {
                continue;
            };
            let function = typed.function(id);
            if function.body.is_none() || !function.type_parameters.is_empty() || name.is_blank() {
                continue;
            }
            functions.push((self.names.text(name).to_owned(), id, object));
        }
        functions.sort_unstable();
        let functions = functions
            .into_iter()
            .map(|(name, id, object)| Export {
                name,
                function: self.declared_id(id, EnvironmentId::EMPTY),
                ty: self.descriptor(typed.object(object).typ),
            })
            .collect();
        Exports {
            initialize: self.function_id(FunctionKey::Initialization),
            main: self.function_id(FunctionKey::Main),
            functions,
        }
    }

    /// The number of a function; it will be compiled.
    pub(crate) fn function_id(&mut self, key: FunctionKey) -> FunctionId {
        if let Some(&id) = self.ids.get(&key) {
            return id;
        }
        let id = FunctionId(self.functions.len() as u32);
        // Parameters and captures are what callers and the verifier look at; they are set when it is compiled.
        self.functions.push(Function::default());
        self.ids.insert(key.clone(), id);
        self.work.push(Pending { id, key });
        id
    }

    /// The number of a declared function; of one that nothing can call, a number that traps.
    pub(crate) fn declared_id(&mut self, id: DeclaredId, environment: EnvironmentId) -> FunctionId {
        let function = self.typed.function(id);
        if function.body.is_some() && !function.checked {
            return self.function_id(FunctionKey::Unreachable);
        }
        self.function_id(FunctionKey::Declared(id, environment))
    }

    /// The type of errors of the machine whose text stands for itself.
    pub(crate) fn plain_error(&mut self) -> bytecode::TypeId {
        self.runtime_type("plainError")
    }

    fn in_runtime(&self, name: &str) -> Option<ObjectId> {
        let runtime = self
            .typed
            .packages
            .iter()
            .find(|package| package.path == "runtime");
        let symbol = self.names.find(name)?;
        runtime?.scope.get(&symbol).copied()
    }

    /// A type of package `runtime`.
    fn runtime_type(&mut self, name: &str) -> bytecode::TypeId {
        let object = self.in_runtime(name);
        let ty = object.map_or(Ty::STRING, |object| self.typed.object(object).typ);
        self.descriptor(ty)
    }

    /// A pointer to a type of package `runtime` that has pointer methods.
    fn runtime_pointer(&mut self, name: &str) -> bytecode::TypeId {
        let types = &self.typed.types;
        let pointer = self.in_runtime(name).and_then(|object| {
            let base = types.canonical(self.typed.object(object).typ);
            types.find(&Type::Pointer(base))
        });
        self.descriptor(pointer.unwrap_or(Ty::STRING))
    }

    pub(crate) fn known_types(&mut self) -> KnownTypes {
        let typed = self.typed;
        let slice_of = |compiler: &Self, element: Ty| {
            compiler
                .typed
                .types
                .find(&Type::Slice(compiler.typed.types.canonical(element)))
        };
        let slice = |compiler: &mut Self, element: Ty| match slice_of(compiler, element) {
            Some(ty) => compiler.descriptor(ty),
            None => compiler.bare_slice(element),
        };
        let panic_text = self
            .in_runtime("panicText")
            .and_then(|object| typed.object(object).function());
        KnownTypes {
            bool: self.descriptor(Ty::BOOL),
            int: self.descriptor(Ty::INT),
            string: self.descriptor(Ty::STRING),
            error: self.descriptor(Ty::ERROR),
            any: self.descriptor(Ty::EMPTY_INTERFACE),
            byte_slice: slice(self, Ty::UINT8),
            string_slice: slice(self, Ty::STRING),
            any_slice: slice(self, Ty::EMPTY_INTERFACE),
            runtime_error: self.runtime_type("errorString"),
            bounds_error: self.runtime_type("boundsError"),
            type_assertion_error: self.runtime_pointer("TypeAssertionError"),
            panic_nil_error: self.runtime_pointer("PanicNilError"),
            plain_error: self.plain_error(),
            panic_text: panic_text.map(|id| self.declared_id(id, EnvironmentId::EMPTY)),
        }
    }

    /// The index of a string constant.
    pub(crate) fn string(&mut self, bytes: &[u8]) -> StringId {
        if let Some(&id) = self.strings.get(bytes) {
            return id;
        }
        let id = StringId(self.string_list.len() as u32);
        self.string_list.push(bytes.to_vec());
        self.strings.insert(bytes.to_vec(), id);
        id
    }

    /// The index of an interface method.
    pub(crate) fn selector(
        &mut self,
        name: Symbol,
        package: Option<PackageId>,
        signature: Ty,
    ) -> u32 {
        let signature = self.typed.types.canonical(signature);
        if let Some(&id) = self.selectors.get(&(name, package, signature)) {
            return id;
        }
        let id = self.selector_list.len() as u32;
        let text = self.typed.run_time_type_string(self.names, signature);
        self.selector_list.push(SelectorName {
            name: self.names.text(name).to_owned(),
            package: package.map_or(String::new(), |id| self.typed.package(id).path.clone()),
            signature: text.strip_prefix("func").unwrap_or(&text).to_owned(),
        });
        self.selectors.insert((name, package, signature), id);
        self.selector_signatures.push(signature);
        id
    }

    /// The number of a function, if it has one.
    pub(crate) fn known_function(&self, key: &FunctionKey) -> Option<FunctionId> {
        self.ids.get(key).copied()
    }

    /// Whether a native is called.
    pub(crate) fn has_native(&self, name: &str) -> bool {
        self.natives.contains_key(name)
    }

    /// The methods of a type that is no interface.
    pub(crate) fn method_set(&mut self, ty: Ty) -> std::rc::Rc<Vec<MethodSetEntry>> {
        if let Some(set) = self.method_sets.get(&ty) {
            return std::rc::Rc::clone(set);
        }
        let mut set = self.typed.method_set(ty, self.names);
        // A generic method implements nothing, and reflection does not know it.
        let types = &self.typed.types;
        set.retain(|method| {
            types
                .as_signature(method.signature)
                .is_none_or(|signature| signature.type_parameters.is_empty())
        });
        let set = std::rc::Rc::new(set);
        self.method_sets.insert(ty, std::rc::Rc::clone(&set));
        set
    }

    /// The place of a package variable.
    pub(crate) fn global(&mut self, object: ObjectId) -> u32 {
        if let Some(&offset) = self.globals.get(&object) {
            return offset;
        }
        let declared = self.typed.object(object);
        let layout = self.layout(declared.typ);
        let offset = self.globals_size.next_multiple_of(u64::from(layout.align));
        // An empty variable has an address of its own too.
        self.globals_size = offset + u64::from(layout.size.max(1));
        let package = declared
            .package
            .map_or("", |id| &self.typed.package(id).path);
        let name = format!("{package}.{}", self.names.text(declared.name));
        let ty = self.descriptor(declared.typ);
        self.global_list.push(Global {
            name,
            ty,
            offset: offset as u32,
        });
        self.globals.insert(object, offset as u32);
        offset as u32
    }

    /// The index of a native function.
    pub(crate) fn native(&mut self, id: DeclaredId) -> NativeId {
        let name = self.native_name(id);
        if let Some(&native) = self.natives.get(&name) {
            return native;
        }
        let (parameters, results) = self.declared_types(id, EnvironmentId::EMPTY);
        let parameter_kinds = self.kinds(&parameters);
        let reference = NativeReference {
            name,
            parameters: parameters.iter().map(|&ty| self.descriptor(ty)).collect(),
            results: results.iter().map(|&ty| self.descriptor(ty)).collect(),
            parameter_slots: parameter_kinds.len() as u16,
            parameter_kinds,
        };
        self.native_reference(reference)
    }

    /// The index of a native by its reference.
    pub(crate) fn native_reference(&mut self, reference: NativeReference) -> NativeId {
        if let Some(&native) = self.natives.get(&reference.name) {
            return native;
        }
        let native = NativeId(self.native_list.len() as u32);
        self.natives.insert(reference.name.clone(), native);
        self.native_list.push(reference);
        native
    }

    fn native_name(&self, id: DeclaredId) -> String {
        let function = self.typed.function(id);
        let object = self.typed.object(function.object);
        let package = &self.typed.package(function.package).path;
        let name = self.names.text(object.name);
        match object.kind {
            ObjectKind::Function {
                receiver_base: Some(base),
                ..
            } => {
                let base = self.typed.types.named(base).map_or("", |named| {
                    self.names.text(self.typed.object(named.object).name)
                });
                format!("{package}.{base}.{name}")
            }
            _ if object.name == Symbol::INIT => {
                let functions = &self.typed.package(function.package).init_functions;
                let number = functions.iter().position(|&other| other == id);
                format!("{package}.init.{}", number.unwrap_or(0))
            }
            _ => format!("{package}.{name}"),
        }
    }

    /// As Go's traces name it.
    pub(crate) fn declared_name(&self, id: DeclaredId) -> String {
        let function = self.typed.function(id);
        let object = self.typed.object(function.object);
        let package = &self.typed.package(function.package).path;
        let brackets = |parameters: &[Ty]| if parameters.is_empty() { "" } else { "[...]" };
        let name = self.names.text(object.name);
        let name = format!("{name}{}", brackets(&function.type_parameters));
        match object.kind {
            ObjectKind::Function {
                receiver_base: Some(base),
                pointer_receiver,
                ..
            } => {
                let base = self.typed.types.named(base).map_or("", |named| {
                    self.names.text(self.typed.object(named.object).name)
                });
                let arguments = brackets(&function.receiver_parameters);
                if pointer_receiver {
                    format!("{package}.(*{base}{arguments}).{name}")
                } else {
                    format!("{package}.{base}{arguments}.{name}")
                }
            }
            _ if object.name == Symbol::INIT => {
                let functions = &self.typed.package(function.package).init_functions;
                let number = functions.iter().position(|&other| other == id);
                format!("{package}.init.{}", number.unwrap_or(0))
            }
            _ => format!("{package}.{name}"),
        }
    }

    /// The types of all parameters, the receiver's first, and of the results.
    pub(crate) fn declared_types(
        &self,
        id: DeclaredId,
        environment: EnvironmentId,
    ) -> (Vec<Ty>, Vec<Ty>) {
        let object = self.typed.object(self.typed.function(id).object);
        let signature = self.substituted_in(environment, object.typ);
        let (mut parameters, results) = self.signature_types(signature);
        let method = self.typed.function(id).object;
        if let Some(receiver) = self.receiver_type(method, environment) {
            parameters.insert(0, receiver);
        }
        (parameters, results)
    }

    /// The receiver type of a declared method.
    pub(crate) fn receiver_type(&self, method: ObjectId, environment: EnvironmentId) -> Option<Ty> {
        let types = &self.typed.types;
        match self.typed.object(method).kind {
            ObjectKind::Function {
                receiver_base: Some(base),
                pointer_receiver,
                ..
            } => {
                let function = self.typed.object(method).function();
                let parameters = function.map(|id| &self.typed.function(id).receiver_parameters);
                let base = match parameters {
                    Some(parameters) if !parameters.is_empty() => {
                        let substitute = |&ty: &Ty| self.substituted_in(environment, ty);
                        let arguments: Vec<Ty> = parameters.iter().map(substitute).collect();
                        types.instance(base, &arguments)
                    }
                    _ => base,
                };
                let base = types.canonical(base);
                Some(if pointer_receiver {
                    types.canonical(types.pointer(base))
                } else {
                    base
                })
            }
            _ => None,
        }
    }

    /// The method that is selected. `name`: by this name, for the type arguments given to it.
    pub(crate) fn selected_key(
        &mut self,
        selection: &Selection,
        name: Option<ExprId>,
    ) -> SelectedKey {
        match selection.selected {
            Selected::Method(object) => SelectedKey::Method(
                object,
                self.method_environment(object, selection.owner, name),
            ),
            Selected::InterfaceMethod { interface, index } => {
                SelectedKey::InterfaceMethod { interface, index }
            }
            Selected::Field => panic!("a field is no method"),
        }
    }

    /// The types of the parameters and results of a function type.
    pub(crate) fn signature_types(&self, ty: Ty) -> (Vec<Ty>, Vec<Ty>) {
        let Some(signature) = self.typed.types.as_signature(ty) else {
            return (Vec::new(), Vec::new());
        };
        (
            signature
                .params
                .iter()
                .map(|param| self.typed.types.canonical(param.typ))
                .collect(),
            signature
                .results
                .iter()
                .map(|param| self.typed.types.canonical(param.typ))
                .collect(),
        )
    }

    /// Gives the descriptors the methods that can be called through interfaces; returns whether there were new ones.
    pub(crate) fn add_methods(&mut self) -> bool {
        let (types, selectors) = self.methods_seen;
        if self.methods_seen == (self.types.descriptors.len(), self.selector_list.len()) {
            return false;
        }
        self.methods_seen = (self.types.descriptors.len(), self.selector_list.len());
        // Without new selectors there is nothing new for the types that were seen.
        let first = if selectors == self.selector_list.len() {
            types
        } else {
            0
        };
        for index in first..self.types.descriptors.len() {
            self.add_methods_of(index);
        }
        true
    }

    fn add_methods_of(&mut self, index: usize) {
        let Some(ty) = self.types.origins[index] else {
            return;
        };
        if self.typed.types.is_interface(ty) {
            return;
        }
        let set = self.method_set(ty);
        for entry in set.iter() {
            let signature = self.typed.types.canonical(entry.signature);
            let key = (entry.name, entry.package, signature);
            let selector = match self.selectors.get(&key) {
                Some(&selector) => selector,
                None if self.reflects_method(entry) => {
                    self.selector(entry.name, entry.package, signature)
                }
                None => continue,
            };
            let methods = &self.types.descriptors[index].methods;
            let place = methods.binary_search_by_key(&selector, |method| method.selector);
            if place.is_ok() && !self.methods_may_change {
                continue;
            }
            let function = self.interface_entry(ty, &entry.selection);
            if self.known_function(&FunctionKey::Unreachable) == Some(function) {
                self.unreached.push((index, selector));
            }
            let methods = &mut self.types.descriptors[index].methods;
            match place {
                Ok(place) if methods[place].function == function => continue,
                Ok(place) => methods[place].function = function,
                Err(place) => methods.insert(
                    place,
                    Method {
                        selector,
                        name: self.names.text(entry.name).to_owned(),
                        function,
                    },
                ),
            }
            if index < self.linked_types {
                self.touched.push(TypeRef(index as u32));
            }
        }
    }

    /// The methods of types that were seen may be others now: all of them are looked at again, or only those that nothing could call.
    pub(crate) fn look_at_methods_again(&mut self, all: bool) {
        self.methods_may_change = true;
        let unreached = std::mem::take(&mut self.unreached);
        if all {
            self.method_sets.clear();
            for index in 0..self.methods_seen.0 {
                self.add_methods_of(index);
            }
        } else {
            let mut types: Vec<usize> = unreached.into_iter().map(|(index, _)| index).collect();
            types.sort_unstable();
            types.dedup();
            for index in types {
                self.add_methods_of(index);
            }
        }
        self.methods_may_change = false;
    }

    /// Whether a method can be reached by reflection only: it is exported, and its body was checked.
    fn reflects_method(&self, entry: &MethodSetEntry) -> bool {
        if !self.reflects || !self.typed.reflects_methods || entry.package.is_some() {
            return false;
        }
        let Selected::Method(object) = entry.selection.selected else {
            return true;
        };
        let function = self.typed.object(object).function();
        function.is_none_or(|id| {
            let function = self.typed.function(id);
            function.body.is_none() || function.checked
        })
    }

    /// The function that a method table holds: its first slot is the interface's data.
    fn interface_entry(&mut self, ty: Ty, selection: &Selection) -> FunctionId {
        let layout = self.layout(ty);
        let selected = self.selected_key(selection, None);
        if let (SelectedKey::Method(object, environment), true) =
            (selected, selection.path.is_empty())
            && let Some(id) = self.typed.object(object).function()
        {
            let function = self.typed.function(id);
            let by_value = !self.typed.has_pointer_receiver(object);
            let is_pointer = self.typed.dereference(ty).1;
            if function.body.is_some() && !function.checked {
                return self.function_id(FunctionKey::Unreachable);
            }
            // The data slot is the receiver itself.
            let same = layout.slots.len() == 1 && !layout.boxed();
            if by_value != is_pointer && same {
                return self.declared_id(id, environment);
            }
            if by_value && !is_pointer && function.body.is_some() {
                return self.function_id(FunctionKey::DeclaredForInterface(id, environment));
            }
        }
        self.function_id(FunctionKey::Promoted {
            receiver: ty,
            path: selection.path.clone(),
            selected,
            data: true,
        })
    }

    /// A slice type that no expression of the program has, but the machine needs.
    fn bare_slice(&mut self, element: Ty) -> TypeRef {
        let element_id = self.descriptor(element);
        let name = format!("[]{}", self.types.descriptors[element_id.0 as usize].name);
        self.synthetic_slice(name, element_id)
    }
}
