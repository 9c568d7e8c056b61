//! How an error may be mended: what is shown below it on a terminal.
//!
//! Messages are Go's and stay so; what stands here is golite's own. A hint is given only when it is likely to be right, names
//! the text to write, and needs nothing but what the checker knows at the place. Hints are made when an error is reported, so
//! looking at all names of the program for a similar one is cheap enough.

use diagnostics::{Diagnostic, TextRange};
use parser::ast::{BinaryOperator, ExprId, Symbol};

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
];

const NUMERIC: &[&str] = &[
    "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64",
    "byte", "rune", "float32", "float64",
];

/// After so many errors no similar names are looked for.
const MOST_SEARCHES: usize = 100;

impl Checker<'_> {
    // ---- names ----

    /// Of a name that nothing declares.
    pub(crate) fn hint_undefined(&self, name: Symbol) -> Hint {
        let text = self.text(name);
        if let Some((_, go)) = FOREIGN.iter().find(|(foreign, _)| *foreign == text) {
            return Hint::help(format!("in Go: {go}"));
        }
        if let Some(path) = self.importable_as(text) {
            return Hint::help(format!("import {path:?}"));
        }
        let similar = self.most_similar(text, |other| self.lookup_name(other).is_some());
        Hint::maybe(similar.map(|other| format!("did you mean {other}?")))
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
        if self.diagnostics.error_count() > MOST_SEARCHES {
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
        let count = self.program.types.type_parameters(typ).len();
        let arguments = match count {
            0 | 1 => "int".to_owned(),
            _ => vec!["int"; count.min(4)].join(", "),
        };
        let text = self.expression_text(expr);
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
            return Hint::help(format!("take the value: *{text}"));
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
                    "a pointer to it has the methods".to_owned()
                });
            }
            return Hint::none();
        }
        if types.is_interface(x.typ) && !types.is_type_parameter(x.typ) {
            let typ = self.type_text(target);
            return Hint::help(format!("assert its type: {text}.({typ})"));
        }
        Hint::maybe(self.usual_conversion(x, target))
    }

    /// Of a constant that a type cannot hold.
    pub(crate) fn hint_constant(&self, x: &Operand, target: TypeId) -> Hint {
        let types = &self.program.types;
        let text = self.operand_expression(x);
        if x.is_nil() || !types.is_valid(target) || !x.is_constant() {
            return Hint::none();
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
        if types.is_string(x.typ) {
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
    let (a, b): (Vec<char>, Vec<char>) = (
        a.chars().flat_map(char::to_lowercase).collect(),
        b.chars().flat_map(char::to_lowercase).collect(),
    );
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1; b.len() + 1];
        for j in 0..b.len() {
            let change = last[j] + usize::from(a[i] != b[j]);
            row[j + 1] = change.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|found| *found <= limit)
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
    }
}
