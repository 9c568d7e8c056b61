//! How types print: in messages, relative to a package; and at run time, as `%T` and reflection show them. GO: go/types typestring.go.

use diagnostics::SourceMap;
use parser::ast::Interner;

use crate::constants::quote;
use crate::package::is_predeclared;
use crate::typed::TypedProgram;
use crate::types::{
    ChanDirection, Field, InterfaceMethod, ObjectId, PackageId, Param, Signature, Term, Type,
    TypeId,
};

/// How names are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// As the compiler's messages: names of this package without qualifier.
    Message(Option<PackageId>),
    /// As in `Message`, without parameter names.
    MessageTypesOnly(Option<PackageId>),
    /// As `reflect.Type.String`.
    RunTime,
}

/// How deep types print; beyond is `…`. No human reads further, and types may be as deep as the text is long.
const DEEPEST: usize = 500;

/// How long texts of types become: one may contain another many times, and that one a third.
const LONGEST: usize = 1 << 20;

struct Writer<'a> {
    program: &'a TypedProgram,
    names: &'a Interner,
    /// For where type parameters are declared that have the name of something predeclared.
    sources: Option<&'a SourceMap>,
    style: Style,
    out: String,
    depth: usize,
    /// Among the type arguments of a type as run time shows it. Names are there as the linker distinguishes them: with the package's
    /// path, unexported fields and local types too. GO: cmd/compile/internal/types fmt.go `LinkString`.
    linked: bool,
}

impl TypedProgram {
    /// The type as messages about `package` show it: `strings.Builder`, and `T` for what the package itself declares. Without a package
    /// the qualifiers are import paths.
    #[must_use]
    pub fn type_string(
        &self,
        names: &Interner,
        sources: &SourceMap,
        typ: TypeId,
        package: Option<PackageId>,
    ) -> String {
        let mut writer = Writer {
            sources: Some(sources),
            ..self.writer(names, Style::Message(package))
        };
        writer.typ(typ);
        writer.out
    }

    /// The type as reflection shows it: `main.T`, `[]int`, `func(int) string`, `struct { X int }`.
    #[must_use]
    pub fn run_time_type_string(&self, names: &Interner, typ: TypeId) -> String {
        self.write_type(names, self.types.canonical(typ), Style::RunTime)
    }

    /// A method's name and signature without parameter names, for messages that compare two.
    pub(crate) fn method_string(
        &self,
        names: &Interner,
        name: &str,
        signature: TypeId,
        package: Option<PackageId>,
    ) -> String {
        let text = self.write_type(names, signature, Style::MessageTypesOnly(package));
        format!("{name}{}", text.strip_prefix("func").unwrap_or(&text))
    }

    /// The results of a signature in parentheses, with their names.
    pub(crate) fn results_string(
        &self,
        names: &Interner,
        signature: TypeId,
        package: Option<PackageId>,
    ) -> String {
        let mut writer = self.writer(names, Style::Message(package));
        if let Some(signature) = self.types.as_signature(signature) {
            writer.params(&signature.results, false);
        }
        writer.out
    }

    fn write_type(&self, names: &Interner, typ: TypeId, style: Style) -> String {
        let mut writer = self.writer(names, style);
        writer.typ(typ);
        writer.out
    }

    fn writer<'a>(&'a self, names: &'a Interner, style: Style) -> Writer<'a> {
        Writer {
            program: self,
            names,
            sources: None,
            style,
            out: String::new(),
            depth: 0,
            linked: false,
        }
    }
}

impl Writer<'_> {
    fn typ(&mut self, typ: TypeId) {
        if self.depth >= DEEPEST || self.out.len() >= LONGEST {
            self.out.push('…');
            return;
        }
        self.depth += 1;
        self.write(typ);
        self.depth -= 1;
    }

    fn write(&mut self, typ: TypeId) {
        let program = self.program;
        match program.types.get(typ) {
            Type::Basic(kind) => self.out.push_str(kind.name()),
            Type::Named(_) => {
                if let Some(named) = program.types.named(typ) {
                    self.type_name(named.object);
                    let origin = named.origin.unwrap_or(typ);
                    let ambient = program.types.named(origin).map_or(0, |n| n.ambient.len());
                    self.type_arguments(&named.arguments, ambient);
                    if self.linked
                        && let Some(number) = program.local_types.get(&named.object)
                    {
                        self.out.push_str(&format!("·{number}"));
                    }
                    if named.origin.is_none() && self.style != Style::RunTime {
                        self.type_parameters(&named.parameters);
                    }
                }
            }
            Type::TypeParameter(_) => {
                if let Some(parameter) = program.types.type_parameter(typ) {
                    let object = program.object(parameter.object);
                    let name = self.names.text(object.name);
                    self.out.push_str(name);
                    if let (Some(sources), Some(range)) = (self.sources, object.range)
                        && is_predeclared(name)
                    {
                        let place = sources.position(range);
                        self.out
                            .push_str(&format!(" /* with {name} declared at {place} */"));
                    }
                }
            }
            Type::Union(terms) => self.terms(terms),
            Type::Alias {
                object, arguments, ..
            } => match object {
                Some(object) => {
                    self.type_name(*object);
                    self.type_arguments(arguments, 0);
                    if arguments.is_empty()
                        && let Some(parameters) = program.types.alias_parameters.get(object)
                    {
                        self.type_parameters(parameters);
                    }
                }
                None if typ == TypeId::BYTE => self.out.push_str("byte"),
                None if typ == TypeId::RUNE => self.out.push_str("rune"),
                None => self.out.push_str("any"),
            },
            Type::Pointer(base) => {
                self.out.push('*');
                self.typ(*base);
            }
            Type::Slice(element) => {
                self.out.push_str("[]");
                self.typ(*element);
            }
            Type::Array(element, length) => {
                self.out.push_str(&format!("[{length}]"));
                self.typ(*element);
            }
            Type::Map { key, element } => {
                self.out.push_str("map[");
                self.typ(*key);
                self.out.push(']');
                self.typ(*element);
            }
            Type::Chan { direction, element } => {
                let parentheses = *direction == ChanDirection::Both
                    && matches!(
                        program.types.get(*element),
                        Type::Chan {
                            direction: ChanDirection::Receive,
                            ..
                        }
                    );
                self.out.push_str(match direction {
                    ChanDirection::Both => "chan ",
                    ChanDirection::Send => "chan<- ",
                    ChanDirection::Receive => "<-chan ",
                });
                if parentheses {
                    self.out.push('(');
                }
                self.typ(*element);
                if parentheses {
                    self.out.push(')');
                }
            }
            Type::Struct(fields) => self.structure(fields),
            Type::Signature(signature) => {
                self.out.push_str("func");
                self.signature(signature);
            }
            Type::Interface(interface) => match &interface.written {
                Some(written) if written.implicit => self.typ(written.embedded[0]),
                Some(written) => self.interface(&written.methods, &written.embedded),
                None if interface.comparable => {
                    self.interface(&interface.methods, &[TypeId::COMPARABLE]);
                }
                None => match &interface.terms {
                    Some(terms) => {
                        let methods = &interface.methods;
                        self.out.push_str("interface{");
                        self.interface_methods(methods);
                        if !methods.is_empty() {
                            self.out.push_str("; ");
                        }
                        self.terms(terms);
                        self.out.push('}');
                    }
                    None => self.interface(&interface.methods, &[]),
                },
            },
            Type::Tuple(types) => {
                self.out.push('(');
                for (index, typ) in types.iter().enumerate() {
                    if index > 0 {
                        self.out.push_str(", ");
                    }
                    self.typ(*typ);
                }
                self.out.push(')');
            }
        }
    }

    fn structure(&mut self, fields: &[Field]) {
        let run_time = self.style == Style::RunTime;
        self.out.push_str(match (run_time, fields.is_empty()) {
            (true, true) => "struct {",
            (true, false) => "struct { ",
            (false, _) => "struct{",
        });
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                self.out.push_str("; ");
            }
            let linked_package = field.package.filter(|_| self.linked);
            if !field.embedded {
                if let Some(package) = linked_package {
                    self.package_path(package);
                }
                self.out.push_str(self.names.text(field.name));
                self.out.push(' ');
            } else if let Some(package) = linked_package
                && self.program.types.basic(field.typ).is_some() | (field.typ == TypeId::ERROR)
            {
                self.package_path(package);
                self.out.push_str(self.names.text(field.name));
                self.out.push_str(" = ");
            }
            self.typ(field.typ);
            if let Some(tag) = field.tag.as_ref().filter(|tag| !tag.is_empty()) {
                self.out.push(' ');
                self.out.push_str(&quote(tag.as_bytes()));
            }
        }
        self.out.push_str(if run_time && !fields.is_empty() {
            " }"
        } else {
            "}"
        });
    }

    fn interface(&mut self, methods: &[InterfaceMethod], embedded: &[TypeId]) {
        let run_time = self.style == Style::RunTime;
        let empty = methods.is_empty() && embedded.is_empty();
        self.out.push_str(match (run_time, empty) {
            (true, true) => "interface {",
            (true, false) => "interface { ",
            (false, _) => "interface{",
        });
        self.interface_methods(methods);
        let mut first = methods.is_empty();
        for typ in embedded {
            if !first {
                self.out.push_str("; ");
            }
            first = false;
            self.typ(*typ);
        }
        self.out
            .push_str(if run_time && !empty { " }" } else { "}" });
    }

    fn interface_methods(&mut self, methods: &[InterfaceMethod]) {
        let run_time = self.style == Style::RunTime;
        let mut first = true;
        for method in methods {
            if !first {
                self.out.push_str("; ");
            }
            first = false;
            if run_time && let Some(package) = method.package {
                if self.linked {
                    self.package_path(package);
                } else {
                    self.package_name(package);
                }
            }
            self.out.push_str(self.names.text(method.name));
            if let Some(signature) = self.program.types.as_signature(method.signature) {
                self.signature(signature);
            }
        }
    }

    fn terms(&mut self, terms: &[Term]) {
        for (index, term) in terms.iter().enumerate() {
            if index > 0 {
                self.out.push_str(" | ");
            }
            if term.tilde {
                self.out.push('~');
            }
            self.typ(term.typ);
        }
    }

    /// `[int, string]`; without the space at run time. The first `ambient` of them are those of the function around: they show at
    /// run time only, and a semicolon ends them.
    fn type_arguments(&mut self, arguments: &[TypeId], ambient: usize) {
        let ambient = ambient.min(arguments.len());
        let (arguments, ambient) = match self.style {
            Style::RunTime => (arguments, ambient),
            Style::Message(_) | Style::MessageTypesOnly(_) => (&arguments[ambient..], 0),
        };
        let outer = std::mem::replace(&mut self.linked, self.style == Style::RunTime);
        for (index, argument) in arguments.iter().enumerate() {
            self.out.push_str(match self.style {
                _ if index == 0 => "[",
                Style::RunTime if index == ambient => ";",
                Style::RunTime => ",",
                Style::Message(_) | Style::MessageTypesOnly(_) => ", ",
            });
            self.typ(*argument);
        }
        if !arguments.is_empty() {
            self.out.push(']');
        }
        self.linked = outer;
    }

    /// `[K comparable, V any]`
    fn type_parameters(&mut self, parameters: &[TypeId]) {
        let types = &self.program.types;
        for (index, parameter) in parameters.iter().enumerate() {
            if index == 0 {
                self.out.push('[');
            } else {
                let same = types.constraint(*parameter) == types.constraint(parameters[index - 1]);
                if !same && let Some(constraint) = types.constraint(parameters[index - 1]) {
                    self.out.push(' ');
                    self.typ(constraint);
                }
                self.out.push_str(", ");
            }
            self.typ(*parameter);
        }
        if let Some(last) = parameters.last() {
            if let Some(constraint) = types.constraint(*last) {
                self.out.push(' ');
                self.typ(constraint);
            }
            self.out.push(']');
        }
    }

    fn signature(&mut self, signature: &Signature) {
        self.type_parameters(&signature.type_parameters);
        self.params(&signature.params, signature.variadic);
        match &signature.results[..] {
            [] => {}
            [single] if single.name.is_none() || self.style == Style::RunTime => {
                self.out.push(' ');
                self.typ(single.typ);
            }
            results => {
                self.out.push(' ');
                self.params(results, false);
            }
        }
    }

    fn params(&mut self, params: &[Param], variadic: bool) {
        self.out.push('(');
        for (index, param) in params.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            if let (Some(name), Style::Message(_)) = (param.name, self.style) {
                self.out.push_str(self.names.text(name));
                self.out.push(' ');
            }
            match self.program.types.get(param.typ) {
                Type::Slice(element) if variadic && index + 1 == params.len() => {
                    self.out.push_str("...");
                    self.typ(*element);
                }
                _ => self.typ(param.typ),
            }
        }
        self.out.push(')');
    }

    /// `strings.`
    fn package_name(&mut self, package: PackageId) {
        let name = self.program.package(package).name;
        self.out.push_str(self.names.text(name));
        self.out.push('.');
    }

    /// `container/list.`
    fn package_path(&mut self, package: PackageId) {
        self.out.push_str(&self.program.package(package).path);
        self.out.push('.');
    }

    fn type_name(&mut self, id: ObjectId) {
        let object = self.program.object(id);
        if let Some(package) = object.package {
            let omitted = match self.style {
                Style::Message(own) | Style::MessageTypesOnly(own) => own == Some(package),
                Style::RunTime => false,
            };
            if self.linked || self.style == Style::Message(None) {
                self.package_path(package);
            } else if !omitted {
                self.package_name(package);
            }
        }
        self.out.push_str(self.names.text(object.name));
    }
}
