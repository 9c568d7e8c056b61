//! How an error may be mended: what is shown below it on a terminal.
//!
//! Messages are Go's and stay so; what stands here is golite's own. A hint is given only when it is likely to be right, names
//! the text to write, and needs nothing but what the checker knows at the place. Hints are made when an error is reported, so
//! looking at all names of the program for a similar one is cheap enough.

use diagnostics::{Diagnostic, TextRange};
use parser::ast::{BinaryOperator, Decl, ExprId, Symbol};
use smallvec::SmallVec;

use crate::checker::Checker;
use crate::lookup::Lookup;
use crate::operand::Operand;
use crate::typed::{Mode, ObjectKind};
use crate::types::{ObjectId, PackageId, Type, TypeId};

/// What is added to an error.
#[derive(Default)]
pub(crate) struct Hint {
    help: Option<String>,
    /// Another place, and what is there.
    label: Option<(TextRange, String)>,
}

impl Hint {
    pub(crate) fn help(text: impl Into<String>) -> Hint {
        Hint {
            help: Some(text.into()),
            label: None,
        }
    }

    pub(crate) fn none() -> Hint {
        Hint::default()
    }

    pub(crate) fn is_none(&self) -> bool {
        self.help.is_none() && self.label.is_none()
    }

    fn maybe(text: Option<String>) -> Hint {
        Hint {
            help: text,
            label: None,
        }
    }

    pub(crate) fn add_to(self, mut diagnostic: Diagnostic) -> Diagnostic {
        if let Some(help) = self.help {
            diagnostic = diagnostic.help(help);
        }
        if let Some((range, message)) = self.label {
            diagnostic = diagnostic.label(range, message);
        }
        diagnostic
    }
}

/// Names that other languages have for what Go calls otherwise.
const FOREIGN: &[(&str, &str)] = &[
    ("null", "nil"),
    ("NULL", "nil"),
    ("None", "nil"),
    ("nullptr", "nil"),
    ("undefined", "nil"),
    ("True", "true"),
    ("False", "false"),
    ("TRUE", "true"),
    ("FALSE", "false"),
    ("str", "string; fmt.Sprint(x) is the text of a value"),
    ("String", "string"),
    ("boolean", "bool"),
    ("Boolean", "bool"),
    ("integer", "int"),
    ("Integer", "int"),
    ("long", "int64"),
    ("short", "int16"),
    ("float", "float64"),
    ("double", "float64"),
    ("char", "rune, or byte"),
    ("object", "any"),
    ("Object", "any"),
    (
        "void",
        "nothing: a function without result has no result type",
    ),
    ("list", "a slice: []T"),
    ("dict", "a map: map[K]V"),
    ("printf", "fmt.Printf"),
    ("puts", "fmt.Println"),
    ("echo", "fmt.Println"),
    ("sprintf", "fmt.Sprintf"),
    ("console", "fmt.Println"),
    ("size", "len"),
    ("length", "len"),
    ("sizeof", "len"),
    ("throw", "panic, or return an error"),
    ("raise", "panic, or return an error"),
    ("assert", "if and panic"),
    ("exit", "os.Exit"),
    ("sleep", "time.Sleep"),
    ("self", "the name of the method's receiver"),
    ("this", "the name of the method's receiver"),
    ("and", "&&"),
    ("or", "||"),
    ("not", "!"),
    ("input", "fmt.Scan(&x), or bufio.NewScanner(os.Stdin)"),
    ("pass", "nothing: an empty block is { }"),
    ("Println", "fmt.Println"),
    ("Printf", "fmt.Printf"),
    ("Print", "fmt.Print"),
    ("Sprintf", "fmt.Sprintf"),
    ("Sprint", "fmt.Sprint"),
    ("Errorf", "fmt.Errorf"),
    ("sys", "os: os.Args, os.Exit, os.Stdin"),
    ("process", "os: os.Args, os.Exit, os.Environ"),
    ("System", "fmt.Println, or package os"),
    ("Math", "package math"),
    ("JSON", "package encoding/json"),
    ("random", "package math/rand"),
    ("parseInt", "strconv.Atoi"),
    ("parseFloat", "strconv.ParseFloat"),
    ("open", "os.Open, or os.ReadFile"),
    ("abs", "math.Abs"),
    ("sqrt", "math.Sqrt"),
    ("pow", "math.Pow"),
    ("floor", "math.Floor"),
    ("round", "math.Round"),
    ("ord", "int(r), of a rune"),
    ("chr", "string(r), of a rune"),
    ("sorted", "slices.Sorted, or slices.Sort"),
    ("reversed", "slices.Backward"),
    ("enumerate", "for i, x := range xs"),
    ("isinstance", "_, ok := x.(T)"),
    ("typeof", "fmt.Sprintf(\"%T\", x), or switch x.(type)"),
    ("await", "nothing: every call waits by itself"),
    ("i8", "int8"),
    ("i16", "int16"),
    ("i32", "int32"),
    ("i64", "int64"),
    ("u8", "uint8, or byte"),
    ("u16", "uint16"),
    ("u32", "uint32"),
    ("u64", "uint64"),
    ("f32", "float32"),
    ("f64", "float64"),
    ("usize", "int, or uint"),
    ("Vec", "a slice: []T"),
    ("Array", "a slice: []T"),
    ("List", "a slice: []T"),
    ("Map", "a map: map[K]V"),
    ("HashMap", "a map: map[K]V"),
    ("Set", "a map: map[T]bool"),
    ("set", "a map: map[T]bool"),
    ("tuple", "a struct, or several results"),
    ("number", "int, or float64"),
    ("var", "a variable: var x int"),
    ("Exception", "an error: errors.New(text)"),
    ("Error", "an error: errors.New(text)"),
];

const NUMERIC: &[&str] = &[
    "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64",
    "byte", "rune", "float32", "float64",
];

/// After so many errors no similar names are looked for.
const MOST_SEARCHES: usize = 100;
/// Nor when the searches so far have compared so many names: of a large program the time is that of checking it, not of its mistakes.
const MOST_COMPARISONS: usize = 1_000_000;

impl Checker<'_> {
    // ---- names ----

    /// Of a name that nothing declares.
    pub(crate) fn hint_undefined(&self, name: Symbol) -> Hint {
        let text = self.text(name);
        if let Some((_, go)) = FOREIGN.iter().find(|(foreign, _)| *foreign == text) {
            return Hint::help(format!("in Go: {go}"));
        }
        if let Some(alias) = self.imported_otherwise(text) {
            return Hint::help(format!("the package is imported as {alias} here"));
        }
        if let Some(path) = self.importable_as(text) {
            return Hint::help(format!("import {path:?}"));
        }
        let similar = self.most_similar(text, |other| self.lookup_name(other).is_some());
        Hint::maybe(similar.map(|other| format!("did you mean {other}?")))
    }

    /// Under which other name the package at hand imports the one that is called so.
    fn imported_otherwise(&self, name: &str) -> Option<&str> {
        let imports = &self.packages[self.env.package.index()].imports;
        imports.iter().find_map(|(object, _)| {
            let object = self.object(*object);
            let ObjectKind::PackageName { imported, .. } = object.kind else {
                return None;
            };
            let own = self.text(self.program.package(imported).name);
            let alias = self.text(object.name);
            (own == name && alias != name && !matches!(alias, "_" | ".")).then_some(alias)
        })
    }

    /// Of a name that is assigned to and that nothing declares.
    pub(crate) fn hint_undeclared_target(&self, name: Symbol) -> Hint {
        let text = self.text(name);
        let similar = self.most_similar(text, |other| self.lookup_name(other).is_some());
        Hint::help(match similar {
            Some(other) => format!("did you mean {other}? := declares a new variable"),
            None => format!("{text} := ... declares the variable"),
        })
    }

    /// Of a name that a package does not declare.
    pub(crate) fn hint_package_member(&self, package: PackageId, name: Symbol) -> Hint {
        let (own, scope) = (self.text(name), &self.program.package(package).scope);
        let qualifier = self.text(self.program.package(package).name);
        let similar = self.most_similar(own, |other| {
            crate::checker::is_exported(self.text(other)) && scope.contains_key(&other)
        });
        Hint::maybe(similar.map(|other| format!("did you mean {qualifier}.{other}?")))
    }

    /// Of a field that the struct of a literal does not have.
    pub(crate) fn hint_literal_field(&self, typ: TypeId, name: Symbol) -> Hint {
        let package = Some(self.env.package);
        let similar = self.most_similar(self.text(name), |other| {
            matches!(
                self.program
                    .lookup_field_or_method(typ, true, package, other),
                Lookup::Found {
                    found: crate::lookup::Found::Field { .. },
                    ..
                }
            )
        });
        Hint::maybe(similar.map(|other| format!("did you mean {other}?")))
    }

    /// Of `:=` that declares nothing.
    pub(crate) fn hint_nothing_new(&self, variables: &[ObjectId]) -> Hint {
        let names: Vec<&str> = variables
            .iter()
            .take(4)
            .map(|object| self.text(self.object(*object).name))
            .collect();
        let names = names.join(", ");
        Hint::help(if variables.len() > 4 || names.is_empty() {
            "= assigns to what is declared".to_owned()
        } else {
            format!("= assigns to what is declared: {names} = ...")
        })
    }

    /// Of a name that Go declares, when something else of that name is not what is wanted: another declaration hides it.
    pub(crate) fn hint_hidden(&self, object: ObjectId) -> Hint {
        let other = self.object(object);
        let text = self.text(other.name);
        let Some(range) = other.range.filter(|_| crate::package::is_predeclared(text)) else {
            return Hint::none();
        };
        Hint {
            help: Some(format!(
                "this declaration hides Go's own {text}: give it another name"
            )),
            label: Some((range, format!("{text} is declared here"))),
        }
    }

    /// Of an import that nothing uses: perhaps variables hide it.
    pub(crate) fn hint_unused_import(&self, name: Symbol, import: TextRange) -> Hint {
        let hides = |object: &&crate::typed::Object| {
            object.name == name
                && matches!(object.kind, ObjectKind::Variable(_))
                && object.range.is_some_and(|range| range.file == import.file)
        };
        // Looking at everything for everyone who imports much and uses nothing would be slow.
        let hidden = (self.diagnostics.len() <= MOST_SEARCHES)
            .then(|| self.program.objects.iter().find(hides))
            .flatten()
            .and_then(|object| object.range);
        match hidden {
            Some(range) => {
                let text = self.text(name);
                Hint {
                    help: Some(format!(
                        "give the variable another name if package {text} is meant, or remove the import"
                    )),
                    label: Some((range, format!("this {text} hides the package"))),
                }
            }
            None => Hint::help("remove the import"),
        }
    }

    /// Of an operand that is no pointer.
    pub(crate) fn hint_indirection(&self, x: &Operand) -> Hint {
        let text = self.operand_expression(x);
        let types = &self.program.types;
        Hint::maybe(match types.underlying(x.typ) {
            _ if types.is_numeric(x.typ) => Some(
                "math.Pow(x, y) raises to a power; * follows a pointer, or multiplies".to_owned(),
            ),
            Type::Slice(_) => Some(format!("all its elements as arguments: f({text}...)")),
            _ => None,
        })
    }

    /// Of an operator that a type does not have.
    pub(crate) fn hint_operator(&self, x: &Operand, y: &Operand, op: BinaryOperator) -> Hint {
        let types = &self.program.types;
        let (left, right) = (self.operand_expression(x), self.operand_expression(y));
        Hint::maybe(match op {
            BinaryOperator::Remainder if types.is_float(x.typ) => {
                Some(format!("of floats: math.Mod({left}, {right})"))
            }
            BinaryOperator::Remainder if types.is_string(x.typ) => {
                Some(format!("values in text: fmt.Sprintf({left}, {right})"))
            }
            BinaryOperator::Add if matches!(types.underlying(x.typ), Type::Slice(_)) => Some(
                format!("one slice behind the other: append({left}, {right}...)"),
            ),
            BinaryOperator::Add | BinaryOperator::Subtract | BinaryOperator::Multiply
                if types.is_proper_interface(x.typ) =>
            {
                Some(format!("assert its type: {left}.(int)"))
            }
            BinaryOperator::LogicalAnd | BinaryOperator::LogicalOr => {
                Some("both sides are bools: compare first, x != 0 && y != 0, say".to_owned())
            }
            _ => None,
        })
    }

    /// Of a unary operator that a type does not have.
    pub(crate) fn hint_not(&self, x: &Operand) -> Hint {
        let text = self.operand_expression(x);
        let types = &self.program.types;
        Hint::maybe(if types.is_numeric(x.typ) {
            Some(format!("compare it: {text} == 0"))
        } else if types.is_string(x.typ) {
            Some(format!("compare it: {text} == \"\""))
        } else if matches!(types.underlying(x.typ), Type::Slice(_) | Type::Map { .. }) {
            Some(format!("compare its length: len({text}) == 0"))
        } else if types.has_nil(x.typ) {
            Some(format!("compare it: {text} == nil"))
        } else {
            None
        })
    }

    /// Of an explicit conversion that is not there.
    pub(crate) fn hint_conversion(&self, x: &Operand, target: TypeId) -> Hint {
        let types = &self.program.types;
        if types.is_interface(x.typ) && !types.is_type_parameter(x.typ) {
            let (text, typ) = (self.operand_expression(x), self.type_text(target));
            return Hint::help(format!("assert its type: {text}.({typ})"));
        }
        let text = self.operand_expression(x);
        Hint::maybe(if types.is_boolean(target) && types.is_numeric(x.typ) {
            Some(format!("compare it: {text} != 0"))
        } else if types.is_string(x.typ) && types.is_boolean(target) {
            Some(format!("read it: b, err := strconv.ParseBool({text})"))
        } else if types.is_boolean(x.typ) && types.is_numeric(target) {
            Some("in Go: n := 0; if b { n = 1 }".to_owned())
        } else if types.is_numeric(x.typ) && types.is_numeric(target) {
            None
        } else if types.is_string(x.typ) && types.is_integer(target) {
            Some(format!("read the number: n, err := strconv.Atoi({text})"))
        } else if types.is_string(x.typ) && types.is_float(target) {
            Some(format!(
                "read the number: f, err := strconv.ParseFloat({text}, 64)"
            ))
        } else if types.is_string(target) {
            Some(format!("as text: fmt.Sprint({text})"))
        } else {
            None
        })
    }

    /// Of more than one argument of a conversion.
    pub(crate) fn hint_conversion_arguments(&self, target: TypeId, args: &[ExprId]) -> Hint {
        let types = &self.program.types;
        if !matches!(
            types.underlying(target),
            Type::Struct(_) | Type::Slice(_) | Type::Array(..)
        ) {
            return Hint::none();
        }
        let typ = self.type_text(target);
        let shown: Vec<String> = args
            .iter()
            .take(4)
            .map(|arg| self.expression_text(*arg))
            .collect();
        Hint::help(format!("a value of it: {typ}{{{}}}", shown.join(", ")))
    }

    /// The character that a text of one character is.
    fn character(&self, x: &Operand) -> Option<String> {
        let text = self.operand_expression(x);
        let inner = text.strip_prefix('"')?.strip_suffix('"')?;
        let is_one = inner.chars().count() == 1 || inner.starts_with('\\') && inner.len() == 2;
        is_one.then(|| match inner {
            "'" => "'\\''".to_owned(),
            "\\\"" => "'\"'".to_owned(),
            _ => format!("'{inner}'"),
        })
    }

    /// Of a field or method that a type does not have.
    pub(crate) fn hint_member(&self, x: &Operand, name: Symbol) -> Hint {
        let (typ, package) = (x.typ, Some(self.env.package));
        let own = self.text(name);
        let whose = self.operand_expression(x);
        if crate::checker::is_exported(own) && self.importable_as(&whose).is_some() {
            return Hint::help(format!(
                "{whose} is no package here, but what is declared by that name: give that another"
            ));
        }
        if own == "length" || own == "size" || own == "len" {
            let has_length = matches!(
                self.program.types.underlying(typ),
                Type::Slice(_) | Type::Array(..) | Type::Map { .. } | Type::Chan { .. }
            ) || self.program.types.is_string(typ);
            if has_length {
                return Hint::help("len(x) is the length of x");
            }
        }
        if matches!(own, "append" | "push" | "add" | "push_back")
            && matches!(self.program.types.underlying(typ), Type::Slice(_))
        {
            return Hint::help("s = append(s, x) adds to a slice");
        }
        if let Some(help) = self.hint_function_for(typ, own) {
            return Hint::help(help);
        }
        let similar = self.most_similar(own, |other| {
            matches!(
                self.program
                    .lookup_field_or_method(typ, true, package, other),
                Lookup::Found { .. }
            )
        });
        Hint::maybe(similar.map(|other| format!("did you mean {other}?")))
    }

    /// The function that does what is a method in other languages.
    fn hint_function_for(&self, typ: TypeId, method: &str) -> Option<&'static str> {
        let types = &self.program.types;
        let table: &[(&[&str], &str)] = if types.is_string(typ) {
            &[
                (
                    &["upper", "toUpper", "ToUpper", "toUpperCase"],
                    "strings.ToUpper(s)",
                ),
                (
                    &["lower", "toLower", "ToLower", "toLowerCase"],
                    "strings.ToLower(s)",
                ),
                (
                    &["split", "Split"],
                    "strings.Split(s, separator), or strings.Fields(s)",
                ),
                (&["strip", "trim", "Trim"], "strings.TrimSpace(s)"),
                (&["join", "Join"], "strings.Join(parts, separator)"),
                (
                    &["replace", "Replace", "replaceAll"],
                    "strings.ReplaceAll(s, old, new)",
                ),
                (
                    &["startswith", "startsWith", "HasPrefix", "starts_with"],
                    "strings.HasPrefix(s, prefix)",
                ),
                (
                    &["endswith", "endsWith", "HasSuffix", "ends_with"],
                    "strings.HasSuffix(s, suffix)",
                ),
                (
                    &["contains", "Contains", "includes"],
                    "strings.Contains(s, part)",
                ),
                (
                    &["find", "index", "indexOf", "Index"],
                    "strings.Index(s, part)",
                ),
                (&["repeat", "Repeat"], "strings.Repeat(s, n)"),
                (&["format", "Format"], "fmt.Sprintf(format, values...)"),
                (
                    &["charAt", "at"],
                    "s[i] is a byte; []rune(s)[i] a character",
                ),
                (&["isdigit", "isDigit"], "unicode.IsDigit(r) of each rune"),
            ]
        } else {
            match types.underlying(typ) {
                Type::Slice(_) => &[
                    (&["sort", "Sort"], "slices.Sort(s)"),
                    (&["reverse", "Reverse"], "slices.Reverse(s)"),
                    (
                        &["contains", "includes", "Contains"],
                        "slices.Contains(s, x)",
                    ),
                    (&["index", "indexOf", "find", "Index"], "slices.Index(s, x)"),
                    (&["pop"], "x, s := s[len(s)-1], s[:len(s)-1]"),
                    (&["extend", "concat"], "s = append(s, others...)"),
                    (&["insert"], "s = slices.Insert(s, i, x)"),
                    (&["remove"], "s = slices.Delete(s, i, i+1)"),
                    (&["join"], "strings.Join(s, separator)"),
                    (&["copy", "clone"], "slices.Clone(s)"),
                    (
                        &["map", "filter", "forEach", "each"],
                        "for _, x := range s { ... }",
                    ),
                ],
                Type::Map { .. } => &[
                    (
                        &["keys", "Keys"],
                        "maps.Keys(m), or for key := range m { ... }",
                    ),
                    (
                        &["values", "Values"],
                        "maps.Values(m), or for _, value := range m { ... }",
                    ),
                    (&["items", "entries"], "for key, value := range m { ... }"),
                    (
                        &["get", "has", "contains", "containsKey", "has_key"],
                        "value, ok := m[key]",
                    ),
                    (&["set", "put", "add"], "m[key] = value"),
                    (&["delete", "remove", "pop"], "delete(m, key)"),
                ],
                Type::Chan { .. } => &[
                    (&["send", "put"], "c <- x"),
                    (&["recv", "receive", "get"], "x := <-c"),
                    (&["close"], "close(c)"),
                ],
                _ => &[],
            }
        };
        let (_, help) = table.iter().find(|(names, _)| names.contains(&method))?;
        Some(help)
    }

    /// Of an assertion on what is no interface.
    pub(crate) fn hint_assertion(&self, x: &Operand, target: ExprId) -> Hint {
        let (text, target) = (self.operand_expression(x), self.expression_text(target));
        if self.type_text(x.typ) == target {
            return Hint::help(format!("it is a value of this type already: {text}"));
        }
        match self.program.types.is_numeric(x.typ) && NUMERIC.contains(&target.as_str()) {
            true => Hint::help(format!("convert it: {target}({text})")),
            false => Hint::none(),
        }
    }

    /// Of a type where a value is wanted.
    pub(crate) fn hint_type_as_value(&self, x: &Operand) -> Hint {
        let text = self.operand_expression(x);
        match self.program.types.underlying(x.typ) {
            Type::Map { .. } | Type::Slice(_) | Type::Array(..) | Type::Struct(_) => {
                Hint::help(format!("a value of it: {text}{{}}"))
            }
            Type::Chan { .. } => Hint::help(format!("a value of it: make({text})")),
            _ => Hint::none(),
        }
    }

    /// Of a name in a list of parameters that is no type: the two may be the wrong way round.
    pub(crate) fn hint_parameter(&self, range: TextRange, name: Symbol) -> Option<Hint> {
        const TYPES: &[&str] = &[
            "int", "string", "float64", "bool", "byte", "rune", "any", "error", "int64",
        ];
        let source = self.sources.text(range.file);
        let before = source.get(..range.start as usize)?.trim_end_matches(' ');
        let start = before.rfind(|c: char| !c.is_alphanumeric() && c != '_')?;
        let word = &before[start + 1..];
        let opens = before[..=start].trim_end().ends_with(['(', ',']);
        (opens && before.len() < range.start as usize && TYPES.contains(&word)).then(|| {
            Hint::help(format!(
                "the name stands before the type: {} {word}",
                self.text(name)
            ))
        })
    }

    /// Of a name in a list of parameters that is no type: its type may be missing.
    pub(crate) fn hint_parameter_without_type(&self, range: TextRange, name: Symbol) -> Hint {
        let source = self.sources.text(range.file);
        let (Some(before), Some(behind)) = (
            source.get(..range.start as usize),
            source.get(range.end as usize..),
        ) else {
            return Hint::none();
        };
        let stands_alone = before.trim_end_matches(' ').ends_with(['(', ','])
            && behind.trim_start_matches(' ').starts_with([')', ',']);
        match stands_alone {
            true => Hint::help(format!(
                "a parameter has a name and a type: {} int",
                self.text(name)
            )),
            false => Hint::none(),
        }
    }

    /// The standard package whose name is `name`; the one with the shortest path, if there are several.
    fn importable_as(&self, name: &str) -> Option<&str> {
        self.importable
            .iter()
            .map(String::as_str)
            .filter(|path| path.rsplit('/').next() == Some(name) && !path.starts_with("internal/"))
            .min_by_key(|path| (path.len(), *path))
    }

    /// The name that looks most like `text` among those that are suitable.
    fn most_similar(&self, text: &str, suitable: impl Fn(Symbol) -> bool) -> Option<String> {
        // Nobody reads that far, and every search looks at all names.
        let searches = self.diagnostics.len();
        if searches > MOST_SEARCHES || searches * self.names.len() > MOST_COMPARISONS {
            return None;
        }
        let limit = match text.chars().count() {
            0..=2 => 0,
            3..=5 => 1,
            6..=11 => 2,
            _ => 3,
        };
        let mut best: Option<(usize, &str)> = None;
        for index in 0..self.names.len() {
            let symbol = Symbol(index as u32);
            let other = self.text(symbol);
            if other == text || other.is_empty() || other == "_" {
                continue;
            }
            let distance = if other.eq_ignore_ascii_case(text) {
                0
            } else {
                match distance(text, other, limit) {
                    Some(distance) => distance,
                    None => continue,
                }
            };
            if best.is_none_or(|best| (distance, other) < best) && suitable(symbol) {
                best = Some((distance, other));
            }
        }
        best.map(|(_, name)| name.to_owned())
    }

    // ---- variables ----

    /// Of a variable that is not used: perhaps one around it was meant.
    /// `namesakes` are the variables of the function with the same name.
    pub(crate) fn hint_unused_variable(&self, variable: ObjectId, namesakes: &[ObjectId]) -> Hint {
        /// Of so many variables before it one may be the one that is meant.
        const NEAR: usize = 8;
        let object = self.object(variable);
        let range = object.range.unwrap_or_default();
        let own = namesakes.iter().position(|other| *other == variable);
        let before = &namesakes[..own.unwrap_or(0)];
        let outer = before.iter().rev().take(NEAR).find_map(|other| {
            let other = self.object(*other);
            let place = other.range?;
            (place.file == range.file && place.end <= range.start && self.is_enclosed(place, range))
                .then_some(place)
        });
        let text = self.text(object.name);
        match outer {
            Some(place) => Hint {
                help: Some(format!(
                    "= assigns to the {text} around it; := declares a new one"
                )),
                label: Some((place, format!("another {text} is declared here"))),
            },
            None if object.typ == TypeId::ERROR => Hint::help(format!(
                "look at it: if {text} != nil {{ ... }}; or name it _ to leave it"
            )),
            None => Hint::help(format!("remove it, or say _ = {text}")),
        }
    }

    /// Does the block that holds `outer` hold `inner`, which stands behind it?
    fn is_enclosed(&self, outer: TextRange, inner: TextRange) -> bool {
        let between = self.sources.slice(TextRange {
            start: outer.end,
            end: inner.start,
            ..outer
        });
        // Braces in literals and comments are too rare to matter for a hint.
        let mut depth = 0i64;
        between.bytes().all(|byte| {
            depth += match byte {
                b'{' => 1,
                b'}' => -1,
                _ => 0,
            };
            depth >= 0
        })
    }

    // ---- type parameters ----

    /// Of an operator that the types of a type parameter do not all have.
    pub(crate) fn hint_type_parameter_operator(
        &self,
        typ: TypeId,
        op: BinaryOperator,
    ) -> Option<Hint> {
        let types = &self.program.types;
        if !types.is_type_parameter(typ) {
            return None;
        }
        let name = self.type_text(typ);
        Some(Hint::help(match op {
            BinaryOperator::Equal | BinaryOperator::NotEqual => {
                format!("types with == are comparable: [{name} comparable]")
            }
            BinaryOperator::Less
            | BinaryOperator::LessEqual
            | BinaryOperator::Greater
            | BinaryOperator::GreaterEqual => {
                format!("types with an order are cmp.Ordered: [{name} cmp.Ordered]")
            }
            _ => format!("name the types that {name} may be: [{name} ~int | ~float64]"),
        }))
    }

    /// Of a type that no map may have for its keys.
    pub(crate) fn hint_map_key(&self, key: TypeId) -> Hint {
        if self.program.types.is_type_parameter(key) {
            let name = self.type_text(key);
            return Hint::help(format!("types with == are comparable: [{name} comparable]"));
        }
        match self.program.types.underlying(key) {
            Type::Slice(_) => {
                Hint::help("keys are compared by ==: an array or a string can be one")
            }
            _ => Hint::none(),
        }
    }

    /// Of a generic type without type arguments.
    pub(crate) fn hint_generic_type(&self, typ: TypeId, expr: ExprId) -> Hint {
        let parameters = self.program.types.type_parameters(typ);
        let count = parameters.len();
        let arguments = match count {
            0 | 1 => "int".to_owned(),
            _ => vec!["int"; count.min(4)].join(", "),
        };
        let text = self.expression_text(expr);
        let is_receiver = self.program.functions.iter().any(|function| {
            let Decl::Func(declaration) = self.ast.decl(function.declaration) else {
                return false;
            };
            let receiver = declaration.receiver;
            receiver.is_some_and(|receiver| self.receiver_base(receiver.ty) == expr)
        });
        if is_receiver {
            let names: Vec<_> = parameters.iter().map(|p| self.type_text(*p)).collect();
            return Hint::help(format!(
                "a receiver names the type parameters: {text}[{}]",
                names.join(", ")
            ));
        }
        Hint::help(format!("with type arguments: {text}[{arguments}], say"))
    }

    /// Of what cannot be ranged over.
    pub(crate) fn hint_range(&self, x: &Operand) -> Hint {
        let types = &self.program.types;
        let text = self.operand_expression(x);
        if let Some(base) = types.as_pointer(x.typ)
            && matches!(
                types.underlying(base),
                Type::Slice(_) | Type::Map { .. } | Type::Chan { .. }
            )
        {
            return Hint::help(format!("what it points to: range *{text}"));
        }
        if let Type::Signature(signature) = types.underlying(x.typ)
            && let [result] = &*signature.results
            && !matches!(types.underlying(result.typ), Type::Basic(_))
        {
            let arguments = if signature.params.is_empty() {
                ""
            } else {
                "..."
            };
            return Hint::help(format!("over its result: range {text}({arguments})"));
        }
        Hint::none()
    }

    // ---- types ----

    /// Of an operand that cannot be assigned to a variable of a type.
    pub(crate) fn hint_assignment(&mut self, x: &Operand, target: TypeId) -> Hint {
        let text = self.operand_expression(x);
        let types = &self.program.types;
        if !types.is_valid(x.typ) || !types.is_valid(target) {
            return Hint::none();
        }
        if let Type::Signature(signature) = types.underlying(x.typ)
            && signature.params.is_empty()
            && let [result] = &*signature.results
            && types.identical(result.typ, target)
        {
            return Hint::help(format!("call it: {text}()"));
        }
        if let Some(base) = types.as_pointer(target)
            && types.identical(base, x.typ)
            && x.mode == Mode::Variable
        {
            return Hint::help(format!("take the address: &{text}"));
        }
        if let Some(base) = types.as_pointer(x.typ)
            && types.identical(base, target)
        {
            let typ = self.type_text(target);
            return Hint::help(match text.strip_prefix('&') {
                Some(value) => format!("{value} itself, or a pointer where it goes to: *{typ}"),
                None => format!("take the value: *{text}"),
            });
        }
        if let Type::Slice(element) = types.underlying(target)
            && types.identical(*element, x.typ)
        {
            let typ = self.type_text(target);
            return Hint::help(format!("a slice of it: {typ}{{{text}}}"));
        }
        if target == TypeId::ERROR && types.is_string(x.typ) {
            return Hint::help(format!("an error with this text: errors.New({text})"));
        }
        if types.is_proper_interface(target) {
            let is_value = x.mode == Mode::Variable && types.as_pointer(x.typ).is_none();
            let pointer = self.program.types.intern(Type::Pointer(x.typ));
            let mut cause = crate::assignability::Cause::new();
            let mut address = x.clone();
            address.typ = pointer;
            if self.assignable(&address, target, Some(&mut cause)) {
                return Hint::help(if is_value {
                    format!("the pointer has the methods: &{text}")
                } else {
                    match text.ends_with('}') {
                        true => format!("the pointer has the methods: &{text}"),
                        false => "a pointer to it has the methods".to_owned(),
                    }
                });
            }
            // A method that the pointer has is not the one that is lacking.
            let pointer_lacks = self.program.missing_method(pointer, target, true);
            let is_same = pointer_lacks == self.program.missing_method(x.typ, target, true);
            return self.hint_missing_method(if is_same { x.typ } else { pointer }, target);
        }
        if types.is_interface(x.typ) && !types.is_type_parameter(x.typ) {
            let typ = self.type_text(target);
            return Hint::help(format!("assert its type: {text}.({typ})"));
        }
        if let Type::Slice(element) = types.underlying(x.typ)
            && types.identical(*element, target)
        {
            return Hint::help(format!(
                "an element of it is {text}[i]; {text}... passes all as arguments"
            ));
        }
        Hint::maybe(self.usual_conversion(x, target))
    }

    /// Of a type without a method of an interface.
    fn hint_missing_method(&self, typ: TypeId, target: TypeId) -> Hint {
        let types = &self.program.types;
        let base = types.as_pointer(typ).unwrap_or(typ);
        let is_own = types
            .named(base)
            .is_some_and(|named| self.object(named.object).package == Some(self.env.package));
        let (Some(index), Some(interface)) = (
            self.program.missing_method(typ, target, true),
            types.as_interface(target),
        ) else {
            return Hint::none();
        };
        if !is_own || types.is_interface(base) {
            return Hint::none();
        }
        let Some(method) = interface.methods.get(index as usize) else {
            return Hint::none();
        };
        let signature = self.type_text(method.signature);
        let (name, typ) = (self.text(method.name), self.type_text(typ));
        let parameters = signature.strip_prefix("func").unwrap_or(&signature);
        Hint::help(format!(
            "the method it lacks: func ({typ}) {name}{parameters}"
        ))
    }

    /// Of a constant that a type cannot hold.
    pub(crate) fn hint_constant(&self, x: &Operand, target: TypeId) -> Hint {
        let types = &self.program.types;
        let text = self.operand_expression(x);
        if x.is_nil() || !types.is_valid(target) || !x.is_constant() {
            return Hint::none();
        }
        let is_character = ["byte", "uint8", "rune", "int32"];
        if types.is_string(x.typ)
            && is_character.contains(&self.type_text(target).as_str())
            && let Some(character) = self.character(x)
        {
            return Hint::help(format!("a character stands in single quotes: {character}"));
        }
        Hint::maybe(if types.is_string(target) && types.is_numeric(x.typ) {
            Some(format!("a string stands in quotes: \"{text}\""))
        } else if types.is_numeric(target)
            && types.is_string(x.typ)
            && let Some(number) = text
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .filter(|number| number.parse::<f64>().is_ok())
        {
            Some(format!("a number stands without quotes: {number}"))
        } else {
            None
        })
    }

    /// The expression that makes a value of a type out of one of another, if there is a usual one.
    fn usual_conversion(&self, x: &Operand, target: TypeId) -> Option<String> {
        let types = &self.program.types;
        let text = self.operand_expression(x);
        if x.is_constant() && types.is_untyped(x.typ) {
            return None;
        }
        let (from, to) = (types.underlying(x.typ), types.underlying(target));
        if types.is_numeric(x.typ) && types.is_numeric(target) {
            let typ = self.type_text(target);
            return Some(format!("convert it: {typ}({text})"));
        }
        if types.is_string(target) {
            if types.is_integer(x.typ) {
                return Some(format!("as decimal digits: strconv.Itoa({text})"));
            }
            if types.is_numeric(x.typ) || types.is_boolean(x.typ) {
                return Some(format!("as text: fmt.Sprint({text})"));
            }
            if types.is_bytes_or_runes(x.typ) || types.is_string(x.typ) {
                let typ = self.type_text(target);
                return Some(format!("convert it: {typ}({text})"));
            }
        }
        if types.is_string(x.typ) && !x.is_constant() {
            if types.is_integer(target) {
                return Some(format!("read the number: n, err := strconv.Atoi({text})"));
            }
            if types.is_float(target) {
                return Some(format!(
                    "read the number: f, err := strconv.ParseFloat({text}, 64)"
                ));
            }
            if types.is_bytes_or_runes(target) {
                let typ = self.type_text(target);
                return Some(format!("convert it: {typ}({text})"));
            }
        }
        let is_nameless = |typ: &Type| !matches!(typ, Type::Basic(_));
        if is_nameless(from) && is_nameless(to) && {
            let (from, to) = (types.underlying_id(x.typ), types.underlying_id(target));
            types.identical(from, to)
        } {
            let typ = self.type_text(target);
            return Some(format!("convert it: {typ}({text})"));
        }
        None
    }

    /// Of a binary operation with operands of two types.
    pub(crate) fn hint_mismatched(&self, x: &Operand, y: &Operand, op: BinaryOperator) -> Hint {
        let types = &self.program.types;
        if !types.is_valid(x.typ) || !types.is_valid(y.typ) {
            return Hint::none();
        }
        let is_nil_of = |pointer: &Operand, value: &Operand| {
            types
                .as_pointer(pointer.typ)
                .is_some_and(|base| types.identical(base, value.typ))
        };
        if let Some(help) = self.mismatched_constants(x, y, op) {
            return Hint::help(help);
        }
        for (pointer, value) in [(x, y), (y, x)] {
            if is_nil_of(pointer, value) {
                let text = self.operand_expression(pointer);
                return Hint::help(format!("take the value: *{text}"));
            }
        }
        if op == BinaryOperator::Add {
            for (string, other) in [(x, y), (y, x)] {
                if types.is_string(string.typ) && !types.is_string(other.typ) {
                    return Hint::maybe(self.usual_conversion(other, string.typ));
                }
            }
        }
        for (named, other) in [(x, y), (y, x)] {
            let is_defined = |x: &Operand| types.named(x.typ).is_some();
            if is_defined(named)
                && !is_defined(other)
                && types.is_numeric(named.typ)
                && types.is_numeric(other.typ)
            {
                return Hint::maybe(self.usual_conversion(other, named.typ));
            }
        }
        if types.is_proper_interface(x.typ) != types.is_proper_interface(y.typ) {
            let (any, other) = match types.is_proper_interface(x.typ) {
                true => (x, y),
                false => (y, x),
            };
            let typ = self.type_text(types.default_type(other.typ));
            let text = self.operand_expression(any);
            return match other.is_nil() {
                true => Hint::none(),
                false => Hint::help(format!("assert its type: {text}.({typ})")),
            };
        }
        // The wider or more precise type is the one to convert to.
        let rank = |typ: TypeId| {
            (
                types.is_float(typ),
                types.is_integer(typ) && !types.is_unsigned(typ),
            )
        };
        let (from, to) = if x.is_constant() && !y.is_constant() {
            (x, y)
        } else if y.is_constant() && !x.is_constant() || rank(x.typ) >= rank(y.typ) {
            (y, x)
        } else {
            (x, y)
        };
        Hint::maybe(self.usual_conversion(from, to.typ))
    }

    /// What is meant by an operation one side of which is a constant that does not fit.
    fn mismatched_constants(&self, x: &Operand, y: &Operand, op: BinaryOperator) -> Option<String> {
        use parser::ast::Expr;
        let types = &self.program.types;
        let (left, right) = (self.operand_expression(x), self.operand_expression(y));
        let is_order = |op: BinaryOperator| {
            matches!(
                op,
                BinaryOperator::Less
                    | BinaryOperator::LessEqual
                    | BinaryOperator::Greater
                    | BinaryOperator::GreaterEqual
            )
        };
        if is_order(op)
            && types.is_boolean(x.typ)
            && let Some(expr) = x.expr
            && let Expr::Binary {
                op: inner,
                right: middle,
                ..
            } = *self.ast.expr(expr)
            && is_order(inner)
        {
            let middle = self.expression_text(middle);
            return Some(format!("in Go: {left} && {middle} {op} {right}"));
        }
        for (text, other) in [(x, y), (y, x)] {
            if !text.is_constant() || !types.is_string(text.typ) || !types.is_numeric(other.typ) {
                continue;
            }
            if op == BinaryOperator::Multiply {
                let (text, count) = (
                    self.operand_expression(text),
                    self.operand_expression(other),
                );
                return Some(format!(
                    "a text several times: strings.Repeat({text}, {count})"
                ));
            }
            let is_character =
                ["byte", "uint8", "rune", "int32"].contains(&self.type_text(other.typ).as_str());
            if is_character && let Some(character) = self.character(text) {
                return Some(format!("a character stands in single quotes: {character}"));
            }
            let shown = self.operand_expression(text);
            let number = shown
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'));
            if let Some(number) = number.filter(|number| number.parse::<f64>().is_ok())
                && op != BinaryOperator::Add
            {
                return Some(format!("a number stands without quotes: {number}"));
            }
            if other.is_constant() && op == BinaryOperator::Add {
                let number = self.operand_expression(other);
                let number = number.trim_matches('\'');
                return Some(format!("a string stands in quotes: \"{number}\""));
            }
        }
        None
    }

    /// Of a comparison of what cannot be compared.
    pub(crate) fn hint_incomparable(&self, typ: TypeId) -> Hint {
        match self.program.types.underlying(typ) {
            Type::Slice(_) if self.program.types.is_bytes(typ) => {
                Hint::help("bytes.Equal compares the elements")
            }
            Type::Slice(_) => Hint::help("slices.Equal compares the elements"),
            Type::Map { .. } => Hint::help("maps.Equal compares the elements"),
            _ => Hint::none(),
        }
    }

    /// Of a condition that is not a truth value.
    pub(crate) fn hint_condition(&self, x: &Operand) -> Hint {
        let text = self.operand_expression(x);
        let types = &self.program.types;
        Hint::maybe(if types.is_numeric(x.typ) {
            Some(format!("compare it: {text} != 0"))
        } else if types.is_string(x.typ) {
            Some(format!("compare it: {text} != \"\""))
        } else if matches!(types.underlying(x.typ), Type::Slice(_) | Type::Map { .. }) {
            Some(format!("compare its length: len({text}) > 0"))
        } else if let Type::Signature(signature) = types.underlying(x.typ)
            && signature.params.is_empty()
        {
            Some(format!("call it: {text}()"))
        } else if types.has_nil(x.typ) {
            Some(format!("compare it: {text} != nil"))
        } else {
            None
        })
    }

    // ---- statements ----

    /// Of a statement whose value is lost.
    pub(crate) fn hint_unused_result(&self, x: &Operand, expr: ExprId) -> Hint {
        use parser::ast::Expr;
        let text = self.operand_expression(x);
        Hint::maybe(match *self.ast.expr(self.ast.unparen(expr)) {
            Expr::Binary {
                op: BinaryOperator::Equal,
                left,
                right,
                ..
            } => Some(format!(
                "= assigns: {} = {}",
                self.expression_text(left),
                self.expression_text(right)
            )),
            Expr::Call { args, .. } if text.starts_with("append(") => {
                let first = self.ast.list(args).first();
                first.map(|first| {
                    let first = self.expression_text(*first);
                    format!("append gives the new slice: {first} = {text}")
                })
            }
            _ if matches!(self.program.types.underlying(x.typ), Type::Signature(_))
                && x.mode != Mode::Type =>
            {
                Some(format!("call it: {text}()"))
            }
            _ => None,
        })
    }

    /// Of values and variables that do not match in number.
    pub(crate) fn hint_assignment_mismatch(&self, variables: usize, values: usize) -> Hint {
        if values == 1 && variables > 1 {
            return Hint::help(
                "a value for each variable; elements are taken one by one: s[0], s[1]",
            );
        }
        if variables < values && variables == 1 {
            let more = vec!["_"; values - 1].join(", ");
            return Hint::help(format!(
                "name them all, or take the first: x, {more} := ..."
            ));
        }
        Hint::none()
    }

    /// Of what cannot be assigned to.
    pub(crate) fn hint_cannot_assign(&self, lhs: ExprId) -> Hint {
        use parser::ast::Expr;
        match *self.ast.expr(self.ast.unparen(lhs)) {
            Expr::Index { operand, .. }
                if self
                    .program
                    .types
                    .is_string(self.program.type_and_value(operand).typ) =>
            {
                Hint::help("strings do not change; change a []byte and convert it back")
            }
            Expr::Ident(name) => match self.lookup_name(name).map(|o| &self.object(o).kind) {
                Some(ObjectKind::Constant(_)) => Hint::help("a constant; declare it with var"),
                _ => Hint::none(),
            },
            _ => Hint::none(),
        }
    }
}

/// How many characters must be added, removed, changed or swapped with the next to make one text of the other; at most `limit`.
fn distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    if limit == 0 || a.len().abs_diff(b.len()) > 4 * limit || a.len() > 64 {
        return None;
    }
    let lower = |text: &str| -> SmallVec<[char; 64]> {
        text.chars().flat_map(char::to_lowercase).collect()
    };
    let (a, b) = (lower(a), lower(b));
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    // What both begin and end with costs nothing.
    let front = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[front..], &b[front..]);
    let pairs = a.iter().rev().zip(b.iter().rev());
    let back = pairs.take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[..a.len() - back], &b[..b.len() - back]);
    // Row i is in place i modulo 3.
    let first: SmallVec<[usize; 64]> = (0..=b.len()).collect();
    let mut rows = [first.clone(), first.clone(), first];
    for i in 0..a.len() {
        let (before, last, next) = ((i + 2) % 3, i % 3, (i + 1) % 3);
        rows[next][0] = i + 1;
        let mut least = i + 1;
        for j in 0..b.len() {
            let change = rows[last][j] + usize::from(a[i] != b[j]);
            let mut steps = change.min(rows[last][j + 1] + 1).min(rows[next][j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                steps = steps.min(rows[before][j - 1] + 1);
            }
            rows[next][j + 1] = steps;
            least = least.min(steps);
        }
        // A swap comes from the row before, so one more than the limit may still become less.
        if least > limit + 1 {
            return None;
        }
    }
    let found = rows[a.len() % 3][b.len()];
    (found <= limit).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn near_names_are_near() {
        assert_eq!(distance("lenght", "length", 2), Some(1));
        assert_eq!(distance("Prinln", "Println", 2), Some(1));
        assert_eq!(distance("count", "counter", 1), None);
        assert_eq!(distance("TOUPPER", "ToUpper", 2), Some(0));
        assert_eq!(distance("a", "b", 0), None);
        assert_eq!(distance("", "ab", 2), Some(2));
        assert_eq!(distance("abcd", "badc", 2), Some(2));
        assert_eq!(distance("name12", "name21", 1), Some(1));
        assert_eq!(distance("aab", "ab", 1), Some(1));
        assert_eq!(distance("kitten", "sitting", 3), Some(3));
        assert_eq!(distance("kitten", "sitting", 2), None);
    }
}
