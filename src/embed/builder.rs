//! What a host offers to its scripts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use runtime::{Machines, WeakMachines};
use vm::convert::{
    AsyncHostFn, BlockingHostFn, Declarations, GoType, HostFn, HostSignature, Spawn, Typed,
};
use vm::{HostFunction, NativeTable};

use super::error::{CompileError, Error};
use super::program::Program;
use super::seal::Seal;
use crate::loader::{Input, Sources};
use crate::packages::HostPackages;
use crate::pipeline;

/// A compiler with the packages of a host. Cheap to clone.
#[derive(Clone)]
pub struct Golite {
    shared: Arc<Offer>,
}

/// What a host offers.
struct Offer {
    packages: HostPackages,
    natives: NativeTable,
    seal: Option<Seal>,
    scheduling_points: bool,
    /// What its VMs run on, once there is one: see [`process_machines`].
    machines: OnceLock<Option<Machines>>,
}

impl Offer {
    fn new(packages: HostPackages, natives: NativeTable) -> Offer {
        Offer {
            packages,
            natives,
            seal: None,
            scheduling_points: false,
            machines: OnceLock::new(),
        }
    }
}

/// The most threads that run the goroutines of all VMs together.
const MOST_THREADS: usize = 10_000;

/// The threads, the monitor and the poller of all VMs of the process, while anybody has them.
fn process_machines() -> Option<Machines> {
    static MACHINES: Mutex<Option<WeakMachines>> = Mutex::new(None);
    let mut machines = MACHINES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = machines.as_ref().and_then(WeakMachines::upgrade) {
        return Some(known);
    }
    let new = Machines::new(MOST_THREADS).ok()?;
    *machines = Some(new.downgrade());
    Some(new)
}

/// See [`Golite::builder`].
#[derive(Default)]
pub struct Builder {
    packages: BTreeMap<String, Package>,
    spawn: Option<Spawn>,
    key: Option<Vec<u8>>,
    scheduling_points: bool,
    /// Async functions, which wait for the executor to be known.
    pending: Vec<PendingFunction>,
}

type PendingFunction = Box<dyn FnOnce(&mut Builder, &Spawn)>;

#[derive(Default)]
struct Package {
    documentation: String,
    declarations: Declarations,
    constants: Vec<Constant>,
    functions: Vec<Function>,
    texts: Vec<String>,
}

/// Something that is offered to scripts as a whole: made by `#[golite::export]`.
pub trait Export {
    /// Adds it.
    fn export(builder: Builder) -> Builder;
}

struct Constant {
    name: String,
    documentation: String,
    /// As Go has it; `None` for a number that it has not.
    value: Option<String>,
}

/// What `#[golite::export]` knows of a function beside its types.
#[derive(Clone, Copy, Default)]
pub struct Described {
    /// Stands above the declaration.
    pub documentation: &'static str,
    /// The names of the parameters, without a receiver's; empty, where there is none.
    pub parameters: &'static [&'static str],
}

/// A value that is a constant in Go.
pub trait ConstantValue {
    /// As it is written in Go; `None`, if it cannot be.
    fn in_go(&self) -> Option<String>;
}

macro_rules! constants_by_display {
    ($($ty:ty)*) => {$(
        impl ConstantValue for $ty {
            fn in_go(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )*};
}

constants_by_display! { bool i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize }

macro_rules! constants_of_floats {
    ($($ty:ty)*) => {$(
        impl ConstantValue for $ty {
            fn in_go(&self) -> Option<String> {
                self.is_finite().then(|| format!("{self:?}"))
            }
        }
    )*};
}

constants_of_floats! { f32 f64 }

impl ConstantValue for char {
    fn in_go(&self) -> Option<String> {
        Some(quoted(&self.to_string(), '\''))
    }
}

impl ConstantValue for &str {
    fn in_go(&self) -> Option<String> {
        Some(quoted(self, '"'))
    }
}

/// A text as Go writes it between quotes.
fn quoted(text: &str, quote: char) -> String {
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            _ if c == quote => out.extend(['\\', c]),
            // A byte order mark is no character of a Go text.
            _ if c.is_control() || c == '\u{feff}' => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// A text as lines of comment, each behind `indent`.
pub fn comment(indent: &str, text: &str, out: &mut String) {
    for line in text.lines() {
        let line = line.trim_end();
        let space = match line.is_empty() || line.starts_with(' ') {
            true => "",
            false => " ",
        };
        let _ = writeln!(out, "{indent}//{space}{line}");
    }
}

struct Function {
    /// The type whose method it is, and whether that is changed.
    receiver: Option<(String, bool)>,
    name: String,
    documentation: String,
    /// Of the parameters, without a receiver's.
    names: &'static [&'static str],
    signature: HostSignature,
    body: Arc<dyn HostFunction>,
}

impl Golite {
    /// A compiler that knows the standard packages only.
    pub fn new() -> Golite {
        Golite {
            shared: Arc::new(Offer::new(HostPackages::default(), stdlib::natives())),
        }
    }

    /// Begins to say what the host offers.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Compiles a program: a text with a `package` clause, or a script without one. It can import the standard packages and the host's.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn compile(&self, text: &str) -> Result<Program, Error> {
        self.compile_named("script.go", text)
    }

    /// As [`Golite::compile`]; `name` stands for the text in messages and traces.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn compile_named(&self, name: &str, text: &str) -> Result<Program, Error> {
        self.build(
            &Input::Text {
                name: name.to_owned(),
                text: text.as_bytes().to_vec(),
            },
            true,
        )
    }

    /// Compiles the package in a folder, or the file, at `path`, with the packages of its module.
    ///
    /// # Errors
    /// What is wrong with it, or cannot be read.
    pub fn compile_path(&self, path: impl AsRef<Path>) -> Result<Program, Error> {
        let path = path.as_ref();
        let name = path.to_string_lossy().into_owned();
        let input = match path.is_dir() {
            true => Input::Folder(name),
            false => Input::Files(vec![name]),
        };
        self.build(&input, false)
    }

    /// A program that [`Program::to_bytes`] has written, by a golite of the same version.
    ///
    /// With a [key](Builder::key), what was not written with it is refused before anything of it is read: files may come from anywhere. Without one, what was
    /// cut or damaged is refused, and what is decoded is verified, but for one thing: that code uses each register for one kind of value. So whoever
    /// writes a file by hand can break the process with it; it is to be trusted as a library is that one loads.
    ///
    /// # Errors
    /// The bytes are no such program.
    pub fn load(&self, bytes: &[u8]) -> Result<Program, Error> {
        let bytes = match &self.shared.seal {
            Some(seal) => seal.open(bytes).ok_or_else(|| {
                Error::Host("not a program: it was not written with the host's key".to_owned())
            })?,
            None => bytes,
        };
        let (program, sources) = bytecode::image::from_bytes(bytes)
            .map_err(|error| Error::Host(format!("not a program: {error}")))?;
        if program.exports.is_none() {
            return Err(Error::Host("not a program for a host".to_owned()));
        }
        Ok(Program::new(self.clone(), program, sources))
    }

    fn build(&self, input: &Input, sealed: bool) -> Result<Program, Error> {
        let sources = Sources {
            host: Some(&self.shared.packages),
            sealed,
            ..Sources::default()
        };
        // A program that is only called needs no `main`.
        let options = checker::Options {
            is_program: false,
            ..pipeline::program_options()
        };
        let mut checked = pipeline::check_from(input, sources, &options);
        if !checked.failures.is_empty() {
            let failures = checked.failures;
            return Err(CompileError::new(checked.sources, checked.diagnostics, failures).into());
        }
        let options = compiler::Options {
            for_host: true,
            scheduling_points: self.shared.scheduling_points,
        };
        match pipeline::compile_as(&mut checked, options).ok() {
            Some(program) => Ok(Program::new(self.clone(), program, checked.sources)),
            None => Err(CompileError::new(checked.sources, checked.diagnostics, Vec::new()).into()),
        }
    }

    /// Writes the declarations of the host's packages, a file each (`shop/shop.go`), below `folder`: with them `golite check --stubs` and editors
    /// know the packages without the host.
    ///
    /// # Errors
    /// As the file system.
    pub fn write_stubs(&self, folder: impl AsRef<Path>) -> std::io::Result<()> {
        for path in self.shared.packages.paths() {
            let folder = folder.as_ref().join(path);
            std::fs::create_dir_all(&folder)?;
            for file in self.shared.packages.files(path) {
                std::fs::write(folder.join(&file.name), &file.text)?;
            }
        }
        Ok(())
    }

    pub(super) fn seal(&self) -> Option<&Seal> {
        self.shared.seal.as_ref()
    }

    pub(super) fn natives(&self) -> &NativeTable {
        &self.shared.natives
    }

    /// What all VMs run on; `None`, when the system has no descriptor for a poller: each has its own.
    pub(super) fn machines(&self) -> Option<Machines> {
        let machines = &self.shared.machines;
        machines.get_or_init(process_machines).clone()
    }
}

impl Default for Golite {
    fn default() -> Golite {
        Golite::new()
    }
}

impl Builder {
    /// Offers a Rust closure as function `name` of package `package`, which scripts import by that path. It runs where it is called, so it should
    /// not take long: see [`Builder::blocking_func`].
    ///
    /// The types of its parameters have to be written. An error it returns is the script's `error`, a panic the script's panic.
    #[must_use]
    pub fn func<M: 'static, F: HostFn<M>>(self, package: &str, name: &str, function: F) -> Builder {
        self.described_func(package, name, "", function)
    }

    /// As [`Builder::func`], with a text that stands above the declaration.
    #[must_use]
    pub fn described_func<M: 'static, F: HostFn<M>>(
        mut self,
        package: &str,
        name: &str,
        documentation: &str,
        function: F,
    ) -> Builder {
        let body = Arc::new(Typed::<F, M>::plain(function));
        let added = self.add(package, name, F::signature, body);
        documentation.clone_into(&mut added.documentation);
        self
    }

    /// As [`Builder::func`], of a closure that may block its thread: other goroutines go on meanwhile.
    #[must_use]
    pub fn blocking_func<M: 'static, F: BlockingHostFn<M>>(
        self,
        package: &str,
        name: &str,
        function: F,
    ) -> Builder {
        self.__blocking_func(package, name, Described::default(), function)
    }

    /// As [`Builder::func`], of a closure that returns a future: the calling goroutine waits, its thread does not. The script sees an ordinary
    /// function. The futures are run by what [`Builder::spawner`] was given, else by a thread of their own each.
    #[must_use]
    pub fn async_func<M: 'static, F: AsyncHostFn<M>>(
        self,
        package: &str,
        name: &str,
        function: F,
    ) -> Builder {
        self.__async_func(package, name, Described::default(), function)
    }

    /// What runs the futures of async functions: `|future| { tokio::spawn(future); }`.
    #[must_use]
    pub fn spawner(
        mut self,
        spawn: impl Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync + 'static,
    ) -> Builder {
        self.spawn = Some(Arc::new(spawn));
        self
    }

    /// A secret of the host. [`Program::to_bytes`] seals programs with it, and [`Golite::load`] takes no others: so they can be kept where others may
    /// write.
    ///
    /// ```
    /// use golite::Golite;
    ///
    /// let golite = Golite::builder().key("a long random secret").build()?;
    /// let bytes = golite.compile("println(1)")?.to_bytes();
    /// assert!(golite.load(&bytes).is_ok());
    /// assert!(Golite::builder().key("another").build()?.load(&bytes).is_err());
    /// assert!(golite.load(&Golite::new().compile("println(1)")?.to_bytes()).is_err());
    /// # Ok::<(), golite::Error>(())
    /// ```
    #[must_use]
    pub fn key(mut self, secret: impl AsRef<[u8]>) -> Builder {
        self.key = Some(secret.as_ref().to_vec());
        self
    }

    /// In a VM with a seed ([`VmBuilder::seeded`](super::VmBuilder::seeded)) goroutines lose their turn at calls and at the ends of loops' rounds. The programs that this
    /// compiler makes can lose it before each of their statements, too, and between reading and writing in `x += 1`: so seeds also find what goes wrong
    /// only when two goroutines are at the same few lines. That is for tests: such programs are slower, with a seed or without, and each such place is a step of
    /// [`VmBuilder::fuel`](super::VmBuilder::fuel).
    ///
    /// ```
    /// use golite::Golite;
    ///
    /// let golite = Golite::builder().scheduling_points().build()?;
    /// let program = golite.compile(r#"
    ///     package main
    ///
    ///     import "sync"
    ///
    ///     func Sum() int {
    ///         sum := 0
    ///         var wg sync.WaitGroup
    ///         for range 2 {
    ///             wg.Go(func() {
    ///                 for range 10 {
    ///                     sum++
    ///                 }
    ///             })
    ///         }
    ///         wg.Wait()
    ///         return sum
    ///     }
    /// "#)?;
    /// let sum = |seed| -> Result<i64, golite::Error> { program.vm().seeded(seed).start()?.func::<(), i64>("Sum")?.call(()) };
    /// // Nothing keeps the two apart.
    /// let wrong = (1..100).find(|&seed| sum(seed).is_ok_and(|sum| sum < 20)).expect("a seed that shows it");
    /// assert_eq!(sum(wrong)?, sum(wrong)?);
    /// # Ok::<(), golite::Error>(())
    /// ```
    #[must_use]
    pub fn scheduling_points(mut self) -> Builder {
        self.scheduling_points = true;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub fn __async_func<M: 'static, F: AsyncHostFn<M>>(
        mut self,
        package: &str,
        name: &str,
        described: Described,
        function: F,
    ) -> Builder {
        let (package, name) = (package.to_owned(), name.to_owned());
        self.pending.push(Box::new(move |builder, spawn| {
            let body = Arc::new(Typed::<F, M>::future(function, Arc::clone(spawn)));
            let added = builder.add(&package, &name, F::signature, body);
            added.describe(described);
        }));
        self
    }

    /// Offers what `#[golite::export]` has collected: `.export::<shop::Exports>()`.
    #[must_use]
    pub fn export<E: Export>(self) -> Builder {
        E::export(self)
    }

    #[doc(hidden)]
    #[must_use]
    pub fn __document(mut self, package: &str, documentation: &str) -> Builder {
        documentation.clone_into(&mut self.package(package).documentation);
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub fn __constant(
        mut self,
        package: &str,
        name: &str,
        documentation: &str,
        value: &dyn ConstantValue,
    ) -> Builder {
        self.package(package).constants.push(Constant {
            name: name.to_owned(),
            documentation: documentation.to_owned(),
            value: value.in_go(),
        });
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub fn __declare<T: GoType>(mut self, package: &str) -> Builder {
        T::declare(&mut self.package(package).declarations);
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub fn __func<M: 'static, F: HostFn<M>>(
        mut self,
        package: &str,
        name: &str,
        described: Described,
        function: F,
    ) -> Builder {
        let body = Arc::new(Typed::<F, M>::plain(function));
        self.add(package, name, F::signature, body)
            .describe(described);
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub fn __blocking_func<M: 'static, F: BlockingHostFn<M>>(
        mut self,
        package: &str,
        name: &str,
        described: Described,
        function: F,
    ) -> Builder {
        let body = Arc::new(Typed::<F, M>::blocking(function));
        self.add(package, name, F::signature, body)
            .describe(described);
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub fn __method<T: GoType, M: 'static, F: HostFn<M>>(
        self,
        package: &str,
        name: &str,
        described: Described,
        function: F,
    ) -> Builder {
        self.method::<T, M, F>(package, name, described, function, false)
    }

    #[doc(hidden)]
    #[must_use]
    pub fn __mutating_method<T: GoType, M: 'static, F: HostFn<M>>(
        self,
        package: &str,
        name: &str,
        described: Described,
        function: F,
    ) -> Builder {
        self.method::<T, M, F>(package, name, described, function, true)
    }

    fn method<T: GoType, M: 'static, F: HostFn<M>>(
        mut self,
        package: &str,
        name: &str,
        described: Described,
        function: F,
        changes: bool,
    ) -> Builder {
        let body = Arc::new(Typed::<F, M>::plain(function));
        self.add(package, name, F::signature, body)
            .describe(described);
        let package = self.package(package);
        let ty = T::declare(&mut package.declarations);
        if let Some(function) = package.functions.last_mut() {
            function.receiver = Some((ty, changes));
        }
        self
    }

    /// Adds Go declarations to a package of the host: types, constants, variables, functions with bodies. The text begins with its imports, if it
    /// has any, and has no `package` clause.
    #[must_use]
    pub fn go(mut self, package: &str, text: &str) -> Builder {
        self.package(package).texts.push(text.to_owned());
        self
    }

    fn package(&mut self, package: &str) -> &mut Package {
        self.packages.entry(package.to_owned()).or_default()
    }

    fn add(
        &mut self,
        package: &str,
        name: &str,
        signature: fn(&mut Declarations) -> HostSignature,
        body: Arc<dyn HostFunction>,
    ) -> &mut Function {
        let package = self.package(package);
        let signature = signature(&mut package.declarations);
        let at = package.functions.len();
        package.functions.push(Function {
            receiver: None,
            name: name.to_owned(),
            documentation: String::new(),
            names: &[],
            signature,
            body,
        });
        &mut package.functions[at]
    }

    /// Ends the list.
    ///
    /// # Errors
    /// A name that no Go function can have, two functions of one name, or a package that is named as a standard one.
    pub fn build(mut self) -> Result<Golite, Error> {
        let spawn = self
            .spawn
            .clone()
            .unwrap_or_else(|| Arc::new(super::watch::run_on_a_thread));
        for add in std::mem::take(&mut self.pending) {
            add(&mut self, &spawn);
        }
        let seal = self.key.as_deref().map(Seal::new);
        let mut packages = HostPackages::default();
        let mut natives = stdlib::natives();
        for (path, package) in &self.packages {
            let name = path.rsplit('/').next().unwrap_or(path);
            if !is_name(name) || stdlib::outline::is_standard(path) {
                return Err(Error::Host(format!(
                    "{path:?} cannot be the path of a host's package"
                )));
            }
            let text = package.declaration(path, name, &mut natives)?;
            packages.add(path, format!("{name}.go"), text);
            for (number, text) in package.texts.iter().enumerate() {
                let file = format!("{name}_{}.go", number + 1);
                packages.add(path, file, format!("package {name}\n\n{text}\n"));
            }
        }
        Ok(Golite {
            shared: Arc::new(Offer {
                seal,
                scheduling_points: self.scheduling_points,
                ..Offer::new(packages, natives)
            }),
        })
    }
}

impl Package {
    /// The package's file of what is Rust, whose bodies are added to `natives`.
    fn declaration(
        &self,
        path: &str,
        name: &str,
        natives: &mut NativeTable,
    ) -> Result<String, Error> {
        let mut text = String::new();
        comment("", &self.documentation, &mut text);
        // Writing to a string does not fail.
        let _ = writeln!(text, "package {name}");
        if self
            .functions
            .iter()
            .any(|function| function.signature.fallible)
        {
            text.push_str("\nimport \"errors\"\n");
        }
        for (name, ty) in self.declarations.all() {
            text.push('\n');
            comment("", self.declarations.documentation(name), &mut text);
            let _ = writeln!(text, "type {name} {ty}");
        }
        for constant in &self.constants {
            let name = &constant.name;
            let Some(value) = &constant.value else {
                return Err(Error::Host(format!(
                    "{path}.{name} is no number that Go has constants of"
                )));
            };
            text.push('\n');
            comment("", &constant.documentation, &mut text);
            let _ = writeln!(text, "const {name} = {value}");
        }
        for (index, function) in self.functions.iter().enumerate() {
            if !is_name(&function.name) {
                return Err(Error::Host(format!(
                    "{:?} is no name of a function",
                    function.name
                )));
            }
            if self.functions[..index]
                .iter()
                .any(|other| other.name == function.name && other.receiver == function.receiver)
            {
                return Err(Error::Host(format!(
                    "two functions {path}.{}",
                    function.name
                )));
            }
            function.declare(path, &mut text, natives);
        }
        Ok(text)
    }
}

impl Function {
    fn describe(&mut self, described: Described) {
        described.documentation.clone_into(&mut self.documentation);
        self.names = described.parameters;
    }

    fn declare(&self, path: &str, text: &mut String, natives: &mut NativeTable) {
        let HostSignature {
            parameters,
            results,
            fallible,
        } = &self.signature;
        text.push('\n');
        comment("", &self.documentation, text);
        if let Some((receiver, changes)) = &self.receiver {
            return self.declare_method(path, text, natives, receiver, *changes);
        }
        let name = &self.name;
        if !fallible {
            let names = self.parameter_names(parameters.len(), "");
            let named = typed(&names, parameters);
            let results = result_list(results);
            let _ = writeln!(text, "func {name}({named}){results}");
            natives.add_host(format!("{path}.{name}"), Arc::clone(&self.body));
            return;
        }
        let body = format!("host{name}");
        let names = self.parameter_names(parameters.len(), &body);
        let named = typed(&names, parameters);
        let call = format!("{body}({})", names.join(", "));
        let wrapped = fallible_body(results, &call);
        let results = with_failure(results);
        let _ = writeln!(
            text,
            "func {name}({named}) {wrapped}\n\nfunc {body}({named}) {results}"
        );
        natives.add_host(format!("{path}.{body}"), Arc::clone(&self.body));
    }

    /// Names of the parameters, those that are known; none is one that its function's text uses.
    fn parameter_names(&self, count: usize, body: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for index in 0..count {
            let known = self.names.get(index).copied().unwrap_or_default();
            let mut name = known.to_owned();
            if is_reserved(&name) || name == body {
                name.push('_');
            }
            if !is_name(&name) || names.contains(&name) {
                name = format!("p{index}");
            }
            names.push(name);
        }
        names
    }

    /// A method is golite code around a body that takes the receiver first, and returns it if it changes it.
    fn declare_method(
        &self,
        path: &str,
        text: &mut String,
        natives: &mut NativeTable,
        receiver: &str,
        changes: bool,
    ) {
        let HostSignature {
            parameters,
            results,
            fallible,
        } = &self.signature;
        let body = format!("host{receiver}{}", self.name);
        let rest = parameters.get(1..).unwrap_or_default();
        let names = self.parameter_names(rest.len(), &body);
        let named = typed(&names, rest);
        let separator = if rest.is_empty() { "" } else { ", " };
        let arguments = names.join(", ");
        let name = &self.name;
        // Writing to a string does not fail.
        if changes {
            let _ = writeln!(
                text,
                "func (v *{receiver}) {name}({named}) {{\n\t*v = {body}(*v{separator}{arguments})\n}}"
            );
        } else if *fallible {
            let wrapped = fallible_body(results, &format!("{body}(v{separator}{arguments})"));
            let _ = writeln!(text, "func (v {receiver}) {name}({named}) {wrapped}");
        } else {
            let returns = if results.is_empty() { "" } else { "return " };
            let results = result_list(results);
            let _ = writeln!(
                text,
                "func (v {receiver}) {name}({named}){results} {{\n\t{returns}{body}(v{separator}{arguments})\n}}"
            );
        }
        let results = match fallible {
            true => format!(" {}", with_failure(results)),
            false => result_list(results),
        };
        let _ = writeln!(
            text,
            "\nfunc {body}(v {receiver}{separator}{named}){results}"
        );
        natives.add_host(format!("{path}.{body}"), Arc::clone(&self.body));
    }
}

/// Names and types of parameters.
fn typed(names: &[String], types: &[String]) -> String {
    let all = names
        .iter()
        .zip(types)
        .map(|(name, ty)| format!("{name} {ty}"));
    all.collect::<Vec<_>>().join(", ")
}

/// Types of results, behind parameters.
fn result_list(results: &[String]) -> String {
    match results {
        [] => String::new(),
        [one] => format!(" {one}"),
        all => format!(" ({})", all.join(", ")),
    }
}

/// The results of a body that says whether it has failed.
fn with_failure(results: &[String]) -> String {
    let all = results.iter().enumerate();
    let all: String = all.map(|(index, ty)| format!("r{index} {ty}, ")).collect();
    format!("({all}failure string, failed bool)")
}

/// Results and body of a function whose `call` says whether it has failed: the error is made here.
fn fallible_body(results: &[String], call: &str) -> String {
    let all = results.iter().enumerate();
    let types: String = all.map(|(index, ty)| format!("r{index} {ty}, ")).collect();
    let values: String = (0..results.len())
        .map(|index| format!("r{index}, "))
        .collect();
    format!(
        "({types}err error) {{\n\tvar failure string\n\tvar failed bool\n\t{values}failure, failed = {call}\n\tif failed {{\n\t\terr = errors.New(failure)\n\t}}\n\treturn {values}err\n}}"
    )
}

/// Whether a parameter must not have the name: a word of Go, or what texts around bodies use.
fn is_reserved(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "_", "bool", "err", "errors", "failed", "failure", "string", "v",
    ];
    let is_result = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    lexer::TokenKind::keywords().any(|keyword| keyword == name)
        || WORDS.contains(&name)
        || name.strip_prefix('r').is_some_and(is_result)
}

/// Whether it can be the name of something in Go.
fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|c| c.is_alphabetic() || c == '_')
        && characters.all(|c| c.is_alphanumeric() || c == '_')
}
