//! Types of any form, their values, and the places inside them.
//!
//! Every file declares some named types (`T0`, `T1`, ...), each built from those before it. A value is written so that it
//! prints alike everywhere: pointers, functions and channels inside it are nil.

use crate::generate::Generator;
use std::fmt::Write as _;

/// A type, whatever it is made of.
#[derive(Clone, PartialEq, Debug)]
pub enum Form {
    Basic(&'static str),
    /// An index into the file's declarations.
    Named(usize),
    Slice(Box<Form>),
    Array(usize, Box<Form>),
    Map(Box<Form>, Box<Form>),
    Struct(Vec<Field>),
    Pointer(Box<Form>),
    Func,
    Chan(Box<Form>),
    Any,
    Error,
    /// The interface that all named types fulfil.
    Sizer,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Field {
    pub name: String,
    pub form: Form,
    pub embedded: bool,
}

/// A type that the file declares.
pub struct Definition {
    pub name: String,
    pub underlying: Form,
}

const BASICS: &[&str] = &[
    "bool",
    "string",
    "string",
    "int",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float32",
    "float64",
    "float64",
    "complex64",
    "complex128",
    "Num",
    "Fault",
];

impl Form {
    pub fn int() -> Form {
        Form::Basic("int")
    }
}

impl Generator {
    /// The text of a type.
    pub fn form_name(&self, form: &Form) -> String {
        match form {
            Form::Basic(name) => (*name).to_owned(),
            Form::Named(index) => self.definitions[*index].name.clone(),
            Form::Slice(element) => format!("[]{}", self.form_name(element)),
            Form::Array(length, element) => format!("[{length}]{}", self.form_name(element)),
            Form::Map(key, element) => {
                format!("map[{}]{}", self.form_name(key), self.form_name(element))
            }
            Form::Struct(fields) => {
                let mut text = "struct{".to_owned();
                for (position, field) in fields.iter().enumerate() {
                    let separator = if position == 0 { " " } else { "; " };
                    let ty = self.form_name(&field.form);
                    let _ = match field.embedded {
                        true => write!(text, "{separator}{ty}"),
                        false => write!(text, "{separator}{} {ty}", field.name),
                    };
                }
                text + " }"
            }
            Form::Pointer(to) => format!("*{}", self.form_name(to)),
            Form::Func => "func(int) int".to_owned(),
            Form::Chan(of) => format!("chan {}", self.form_name(of)),
            Form::Any => "any".to_owned(),
            Form::Error => "error".to_owned(),
            Form::Sizer => "Sizer".to_owned(),
        }
    }

    pub fn underlying<'a>(&'a self, form: &'a Form) -> &'a Form {
        match form {
            Form::Named(index) => &self.definitions[*index].underlying,
            other => other,
        }
    }

    /// Whether `==` is there for the type (it may still panic).
    pub fn comparable(&self, form: &Form) -> bool {
        match self.underlying(form) {
            Form::Slice(_) | Form::Map(..) | Form::Func => false,
            Form::Array(_, element) => self.comparable(element),
            Form::Struct(fields) => fields.iter().all(|field| self.comparable(&field.form)),
            _ => true,
        }
    }

    /// A type; `depth` bounds how deep it nests.
    pub fn form(&mut self, depth: usize) -> Form {
        let choice = self.random.below(100);
        let named = self.definitions.len();
        if depth == 0 || choice < 30 {
            return Form::Basic(self.random.pick(BASICS));
        }
        match choice {
            30..=54 if named > 0 => Form::Named(self.random.below(named)),
            30..=64 => Form::Slice(Box::new(self.form(depth - 1))),
            65..=74 => {
                let length = 1 + self.random.below(4);
                Form::Array(length, Box::new(self.form(depth - 1)))
            }
            75..=80 => {
                let key = self.key_form(depth - 1);
                Form::Map(Box::new(key), Box::new(self.form(depth - 1)))
            }
            81..=88 => self.struct_form(depth),
            89 => Form::Pointer(Box::new(self.form(depth - 1))),
            90 => Form::Func,
            91 => Form::Chan(Box::new(self.form(depth - 1))),
            92..=96 => Form::Any,
            97 => Form::Error,
            _ => Form::Sizer,
        }
    }

    /// A type that can be a map's key.
    pub fn key_form(&mut self, depth: usize) -> Form {
        for _ in 0..6 {
            let form = self.form(depth);
            if self.comparable(&form) && self.ordered(&form) {
                return form;
            }
        }
        Form::Basic("string")
    }

    /// Whether fmt prints maps with such keys in one order: several NaN have none, and types have only their addresses.
    pub fn ordered(&self, form: &Form) -> bool {
        match self.underlying(form) {
            Form::Basic("float32" | "float64" | "complex64" | "complex128") => false,
            Form::Any | Form::Error | Form::Sizer => false,
            Form::Array(_, element) => self.ordered(element),
            Form::Struct(fields) => fields.iter().all(|field| self.ordered(&field.form)),
            _ => true,
        }
    }

    fn struct_form(&mut self, depth: usize) -> Form {
        let mut fields = Vec::new();
        // One embedded type at most: what is promoted has one way in.
        if !self.definitions.is_empty() && self.random.chance(45) {
            let index = self.random.below(self.definitions.len());
            fields.push(Field {
                name: self.definitions[index].name.clone(),
                form: Form::Named(index),
                embedded: true,
            });
        }
        for _ in 0..self.random.below(5) {
            self.fields += 1;
            let letter = self.random.pick(&["f", "F"]);
            fields.push(Field {
                name: format!("{letter}{}", self.fields),
                form: self.form(depth - 1),
                embedded: false,
            });
        }
        let at = self.random.below(fields.len() + 1);
        if self.random.chance(8) {
            fields.insert(
                at,
                Field {
                    name: "_".to_owned(),
                    form: Form::int(),
                    embedded: false,
                },
            );
        }
        Form::Struct(fields)
    }

    /// Declares the file's types and their methods.
    pub fn define_types(&mut self, count: usize) {
        for number in 0..count {
            let underlying = match self.random.below(10) {
                0..=5 => self.struct_form(3),
                6 => Form::Basic(self.random.pick(&BASICS[..18])),
                7 => Form::Slice(Box::new(self.form(2))),
                8 => Form::Array(1 + self.random.below(3), Box::new(self.form(2))),
                _ => {
                    let key = self.key_form(2);
                    Form::Map(Box::new(key), Box::new(self.form(2)))
                }
            };
            let name = format!("T{number}");
            let text = self.form_name(&underlying);
            self.line(&format!("type {name} {text}"));
            self.definitions.push(Definition {
                name: name.clone(),
                underlying,
            });
            let form = Form::Named(number);
            // A struct that embeds has its methods from there, now and then.
            let promoted = matches!(&self.definitions[number].underlying, Form::Struct(fields)
                if fields.iter().any(|field| field.embedded));
            if promoted && self.random.chance(40) {
                continue;
            }
            let leaf = self.read_path("t", &form);
            let safe = |place: &str| {
                // What lies behind an index may not be there.
                if place.contains('[') {
                    "defer func() { recover() }(); "
                } else {
                    ""
                }
            };
            let before = safe(&leaf);
            self.line(&format!(
                "func (t {name}) Size(d int) int {{ {before}return len(fmt.Sprint({leaf})) + d }}"
            ));
            let (place, at) = self.write_path("(*t)", &form);
            let value = self.value(&at, 1);
            self.line(&format!(
                "func (t *{name}) Poke() {{ {}{place} = {value} }}",
                safe(&place)
            ));
            let (place, at) = self.write_path("t", &form);
            let value = self.value(&at, 1);
            self.line(&format!(
                "func (t {name}) Put() {name} {{ {}{place} = {value}; return t }}",
                safe(&place)
            ));
            match self.random.below(8) {
                0 => self.line(&format!(
                    "func (t {name}) String() string {{ return \"<{name}>\" }}"
                )),
                1 => self.line(&format!(
                    "func (t *{name}) String() string {{ return \"<*{name}>\" }}"
                )),
                2 => self.line(&format!(
                    "func (t {name}) Error() string {{ return \"fault {name}\" }}"
                )),
                3 => self.line(&format!(
                    "func (t {name}) GoString() string {{ return \"go:{name}\" }}"
                )),
                _ => {}
            }
        }
    }

    /// Whether the named type has the methods that `define_types` writes.
    pub fn has_methods(&self, form: &Form) -> bool {
        matches!(form, Form::Named(_))
    }

    /// A value of the type, as a composite literal or a conversion.
    pub fn value(&mut self, form: &Form, depth: usize) -> String {
        let name = self.form_name(form);
        let below = depth.saturating_sub(1);
        match self.underlying(form).clone() {
            Form::Basic(basic) => self.basic_value(&name, basic),
            Form::Named(_) => format!("{name}{{}}"),
            Form::Slice(element) => {
                if self.random.chance(6) {
                    return format!("{name}(nil)");
                }
                let count = if depth == 0 {
                    1
                } else {
                    1 + self.random.below(3)
                };
                let list: Vec<_> = (0..count).map(|_| self.value(&element, below)).collect();
                format!("{name}{{{}}}", list.join(", "))
            }
            Form::Array(length, element) => {
                let count = if depth == 0 {
                    0
                } else {
                    self.random.below(length + 1)
                };
                let list: Vec<_> = (0..count).map(|_| self.value(&element, below)).collect();
                format!("{name}{{{}}}", list.join(", "))
            }
            Form::Map(key, element) => {
                if self.random.chance(6) {
                    return format!("{name}(nil)");
                }
                // Variables as keys: equal constant ones would not compile.
                let (k, v) = (self.value(&key, below), self.value(&element, below));
                let key_name = self.form_name(&key);
                format!("{name}{{same[{key_name}]({k}): {v}}}")
            }
            Form::Struct(fields) => {
                if depth == 0 {
                    return format!("{name}{{}}");
                }
                let mut list = Vec::new();
                for field in fields.iter().filter(|field| field.name != "_") {
                    if self.random.chance(75) {
                        let value = self.value(&field.form, below);
                        list.push(format!("{}: {value}", field.name));
                    }
                }
                format!("{name}{{{}}}", list.join(", "))
            }
            Form::Pointer(_) | Form::Func | Form::Chan(_) => format!("({name})(nil)"),
            Form::Any => match self.random.below(6) {
                0 => "any(nil)".to_owned(),
                1 if depth > 0 => {
                    let held = self.form(1);
                    format!("any({})", self.value(&held, below))
                }
                _ => {
                    let basic = self.random.pick(BASICS);
                    format!("any({})", self.basic_value(basic, basic))
                }
            },
            Form::Error => match self.random.below(3) {
                0 => "error(nil)".to_owned(),
                _ => format!("error(Fault({}))", self.random.below(9)),
            },
            Form::Sizer => {
                if self.definitions.is_empty() || self.random.chance(20) {
                    "Sizer(Num(5))".to_owned()
                } else {
                    let index = self.random.below(self.definitions.len());
                    // Only what surely has the method, by itself or by promotion.
                    match self.sized(index) {
                        true => format!("Sizer({})", self.value(&Form::Named(index), below)),
                        false => "Sizer(nil)".to_owned(),
                    }
                }
            }
        }
    }

    /// Whether `Size` is a method of the named type: its own declaration is written by now.
    fn sized(&self, index: usize) -> bool {
        let text = format!("func (t {}) Size(", self.definitions[index].name);
        self.text.contains(&text)
    }

    pub fn basic_value(&mut self, name: &str, basic: &str) -> String {
        let number = match basic {
            "bool" => self.random.pick(&["true", "false"]).to_owned(),
            "string" => self
                .random
                .pick(&[
                    "\"\"",
                    "\"a\"",
                    "\"né\"",
                    "\"世界\"",
                    "\"q\\\"uo`te\\n\"",
                    "\"\\xff\\xfe\"",
                    "\"tab\\there\"",
                    "\"\\x00\"",
                    "\"long enough to be elsewhere\"",
                ])
                .to_owned(),
            "float32" | "float64" => self
                .random
                .pick(&[
                    "0",
                    "1",
                    "-2.5",
                    "0.1",
                    "1e21",
                    "1e20",
                    "1e-7",
                    "3.0e-5",
                    "123456789",
                    "16777216",
                    "0.30000001",
                    "nan",
                    "inf",
                    "-inf",
                    "negZero",
                ])
                .to_owned(),
            "complex64" | "complex128" => {
                let part = if basic == "complex64" {
                    "float32"
                } else {
                    "float64"
                };
                let (re, im) = (self.basic_value(part, part), self.basic_value(part, part));
                format!("complex({re}, {im})")
            }
            "int8" | "Num" => self
                .random
                .pick(&["0", "1", "-1", "-128", "127", "42"])
                .to_owned(),
            "Fault" => self.random.below(5).to_string(),
            "uint8" => self
                .random
                .pick(&["0", "1", "65", "255", "128", "10"])
                .to_owned(),
            "int16" => self
                .random
                .pick(&["0", "-32768", "32767", "300"])
                .to_owned(),
            "uint16" => self.random.pick(&["0", "65535", "300"]).to_owned(),
            "int32" => self
                .random
                .pick(&[
                    "0",
                    "-2147483648",
                    "65",
                    "0x4e16",
                    "0x10ffff",
                    "0xd800",
                    "2147483647",
                ])
                .to_owned(),
            "uint32" => self.random.pick(&["0", "4294967295", "1<<31"]).to_owned(),
            "uint" | "uint64" => self
                .random
                .pick(&["0", "1<<64-1", "1<<63", "12345678901234567890", "7"])
                .to_owned(),
            _ => self
                .random
                .pick(&["0", "1", "-1", "-1<<63", "1<<63-1", "1000000", "42", "-7"])
                .to_owned(),
        };
        format!("{name}({number})")
    }

    /// The fields of a struct type that a selector reaches, promoted ones too.
    fn reachable(&self, form: &Form) -> Vec<(String, Form)> {
        let mut found = Vec::new();
        let mut at = form.clone();
        while let Form::Struct(fields) = self.underlying(&at) {
            let mut next = None;
            for field in fields.iter().filter(|field| field.name != "_") {
                found.push((field.name.clone(), field.form.clone()));
                if field.embedded {
                    next = Some(field.form.clone());
                }
            }
            match next {
                Some(inner) => at = inner,
                None => break,
            }
        }
        found
    }

    /// A place inside `base` that can be assigned to, and its type.
    pub fn write_path(&mut self, base: &str, form: &Form) -> (String, Form) {
        self.path(base, form, true)
    }

    /// Something inside `base` that can be read.
    pub fn read_path(&mut self, base: &str, form: &Form) -> String {
        self.path(base, form, false).0
    }

    fn path(&mut self, base: &str, form: &Form, write: bool) -> (String, Form) {
        let (mut text, mut at) = (base.to_owned(), form.clone());
        for _ in 0..5 {
            if self.random.chance(18) {
                break;
            }
            match self.underlying(&at).clone() {
                Form::Struct(_) => {
                    let fields = self.reachable(&at);
                    if fields.is_empty() {
                        break;
                    }
                    let (name, form) = fields[self.random.below(fields.len())].clone();
                    let _ = write!(text, ".{name}");
                    at = form;
                }
                Form::Array(length, element) => {
                    let _ = write!(text, "[{}]", self.random.below(length));
                    at = *element;
                }
                Form::Slice(element) => {
                    text.push_str("[0]");
                    at = *element;
                }
                Form::Map(key, element) => {
                    let key = self.value(&key, 1);
                    let _ = write!(text, "[{key}]");
                    at = *element;
                    // An element of a map has no places inside.
                    if write {
                        break;
                    }
                }
                _ => break,
            }
        }
        (text, at)
    }
}
