//! Generic functions and types: arithmetic that wraps by instance, constraints with `~`, methods, inference, and type switches on
//! what a parameter stands for.

use crate::generate::Generator;
use std::fmt::Write as _;

/// Types that the arithmetic functions are instantiated with.
const INSTANCES: &[&str] = &[
    "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64", "Num",
];

impl Generator {
    /// Writes generic declarations named after the function's number and returns the statements that use them.
    pub fn generic_declarations(&mut self, number: usize) -> Vec<String> {
        let mut uses = Vec::new();
        for part in 0..2 + self.random.below(2) {
            let name = format!("g{number}x{part}");
            match self.random.below(6) {
                0 | 1 => self.generic_arithmetic(&name, &mut uses),
                2 => self.generic_container(&name, &mut uses),
                3 => self.generic_transform(&name, &mut uses),
                4 => self.generic_switch(&name, &mut uses),
                _ => self.generic_constraint(&name, &mut uses),
            }
        }
        uses
    }

    /// An expression of type T from `x` and `y` (T), `n` (U) and `list` ([]T).
    fn parametric(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self
                .random
                .pick(&[
                    "x",
                    "y",
                    "x",
                    "y",
                    "T(n)",
                    "list[0]",
                    "list[1]",
                    "T(len(list))",
                ])
                .to_owned();
        }
        let a = self.parametric(depth - 1);
        match self.random.below(13) {
            0..=4 => {
                let b = self.parametric(depth - 1);
                let op = self.random.pick(&["+", "-", "*", "&", "|", "^", "&^"]);
                format!("({a} {op} {b})")
            }
            5 => format!(
                "({a} {} {})",
                self.random.pick(&["/", "%"]),
                1 + self.random.below(100)
            ),
            6 => {
                let b = self.parametric(depth - 1);
                format!("({a} {} ({b}|1))", self.random.pick(&["/", "%"]))
            }
            7 => format!(
                "({a} {} {})",
                self.random.pick(&["<<", ">>"]),
                self.random.below(12)
            ),
            8 => format!("T(U({a}))"),
            9 => {
                let b = self.parametric(depth - 1);
                format!("{}({a}, {b})", self.random.pick(&["min", "max"]))
            }
            10 => format!("{}({a})", self.random.pick(&["-", "^"])),
            11 => format!("func(q T) T {{ return q + {a} }}(x)"),
            _ => format!("({a} + {})", self.random.below(127)),
        }
    }

    fn generic_arithmetic(&mut self, name: &str, uses: &mut Vec<String>) {
        self.line(&format!(
            "func {name}[T, U Whole](x, y T, n U, list ...T) (z T) {{"
        ));
        self.indent += 1;
        for _ in 0..2 + self.random.below(3) {
            let value = self.parametric(3);
            match self.random.below(7) {
                0 => {
                    let other = self.parametric(1);
                    let op = self.random.pick(&["<", "<=", "==", "!=", ">"]);
                    self.line(&format!(
                        "if {value} {op} {other} {{ z ^= {other} }} else {{ x++ }}"
                    ));
                }
                1 => self.line(&format!("for i := T(0); i < 3; i++ {{ z += i * {value} }}")),
                2 => self.line(&format!("list = append(list, {value})")),
                3 => self.line(&format!("defer func() {{ z -= {value} }}()")),
                4 => {
                    let op = self.random.pick(&["+=", "-=", "*=", "^=", "|="]);
                    self.line(&format!("y {op} {value}"));
                }
                5 => self.line(&format!("n += U({value})")),
                _ => self.line(&format!("z = {value}")),
            }
        }
        let value = self.parametric(3);
        self.line(&format!("return z + {value}"));
        self.indent -= 1;
        self.line("}");
        for _ in 0..3 {
            let (t, u) = (self.random.pick(INSTANCES), self.random.pick(INSTANCES));
            let (a, b, c) = (self.small(), self.small(), self.small());
            uses.push(match self.random.below(3) {
                0 => format!("note({name}({t}({a}), {b}, {u}({c}), {a}, {c}))"),
                1 => format!("note({name}[{t}, {u}]({a}, {b}, {c}, 1, {b}))"),
                _ => format!(
                    "h{} := {name}[{t}, {u}]\nshow(\"%T %v\", h{0}(3, {a}, {b}, 4, {c}), h{0}(1, 2, 3, 4, 5))",
                    uses.len() + 100 * self.names
                ),
            });
            self.names += 1;
        }
    }

    fn small(&mut self) -> String {
        self.random.below(128).to_string()
    }

    fn generic_container(&mut self, name: &str, uses: &mut Vec<String>) {
        let ty = format!("C{name}");
        let second = self.random.chance(40);
        let (parameters, arguments) = match second {
            true => ("[K comparable, V any]", "[K, V]"),
            false => ("[V any]", "[V]"),
        };
        let key = if second { "K" } else { "int" };
        self.line(&format!("type {ty}{parameters} struct {{"));
        let order = self.random.below(3);
        let fields = [
            "\titems []V",
            &format!("\tindex map[{key}]V"),
            &format!("\tnext *{ty}{arguments}"),
            "\tpair [2]V",
        ];
        for field in 0..fields.len() {
            self.line(fields[(field + order) % fields.len()]);
        }
        self.line("}");
        self.line(&format!(
            "func (c *{ty}{arguments}) Put(k {key}, v V) *{ty}{arguments} {{"
        ));
        self.line(&format!(
            "\tif c.index == nil {{ c.index = map[{key}]V{{}} }}"
        ));
        self.line("\tif old, ok := c.index[k]; ok { c.pair[1] = old }");
        self.line("\tc.items, c.pair[0] = append(c.items, v), v");
        self.line("\tc.index[k] = v");
        if self.random.chance(50) {
            self.line(&format!(
                "\tc.next = &{ty}{arguments}{{items: c.items[1:], next: c.next}}"
            ));
        }
        self.line("\treturn c");
        self.line("}");
        self.line(&format!(
            "func (c {ty}{arguments}) All() iter.Seq2[int, V] {{"
        ));
        self.line("\treturn func(yield func(int, V) bool) {");
        self.line("\t\tfor i, v := range c.items { if !yield(i, v) { return } }");
        self.line("\t\tfor n := c.next; n != nil; n = n.next { for _, v := range n.items { if !yield(-1, v) { return } } }");
        self.line("\t}");
        self.line("}");
        self.line(&format!(
            "func (c *{ty}{arguments}) Each(f func({key}, V) V) {{ for k, v := range c.index {{ c.index[k] = f(k, v) }} }}"
        ));
        for _ in 0..2 {
            self.names += 1;
            let c = format!("c{}{name}", self.names);
            let form = self.form(2);
            let element = self.form_name(&form);
            let (key_name, keys) = if second {
                let key = self.key_form(1);
                let values = [self.value(&key, 1), self.value(&key, 1)];
                (self.form_name(&key), values)
            } else {
                ("int".to_owned(), ["7".to_owned(), "7".to_owned()])
            };
            let arguments = match second {
                true => format!("[{key_name}, {element}]"),
                false => format!("[{element}]"),
            };
            let (v, w) = (self.value(&form, 2), self.value(&form, 2));
            let mut text = format!("var {c} {ty}{arguments}\n");
            let _ = writeln!(text, "{c}.Put({}, {v}).Put({}, {w})", keys[0], keys[1]);
            let _ = writeln!(text, "put{c} := {c}.Put\nput{c}({}, {v})", keys[0]);
            let _ = writeln!(
                text,
                "{c}.Each(func(k {key_name}, v {element}) {element} {{ return same(v) }})"
            );
            let _ = writeln!(
                text,
                "for i, v := range {c}.All() {{ if i == 2 {{ continue }}; show(\"%d %v\", i, v) }}"
            );
            let _ = write!(
                text,
                "show(\"%v %v %v\", {c}.items, {c}.index, {c}.pair)\nshow(\"%T\", {c})"
            );
            uses.push(text);
        }
    }

    fn generic_transform(&mut self, name: &str, uses: &mut Vec<String>) {
        self.line(&format!(
            "func {name}[S ~[]E, E, R any](s S, f func(int, E) R) []R {{"
        ));
        match self.random.below(3) {
            0 => {
                self.line("\tout := make([]R, 0, len(s))");
                self.line("\tfor i, e := range s { out = append(out, f(i, e)) }");
                self.line("\treturn out");
            }
            1 => {
                self.line("\tif len(s) == 0 { return nil }");
                self.line(&format!(
                    "\treturn append({name}(s[:len(s)-1], f), f(len(s)-1, s[len(s)-1]))"
                ));
            }
            _ => {
                self.line("\tvar out []R");
                self.line("\tfor i := range slices.Backward(s) { defer func() { out = append(out, f(i, s[i])) }() }");
                self.line("\treturn out[:len(out):len(out)]");
            }
        }
        self.line("}");
        for _ in 0..2 {
            let (from, to) = (self.form(2), self.form(2));
            let (from_name, to_name) = (self.form_name(&from), self.form_name(&to));
            let (a, b, r) = (
                self.value(&from, 2),
                self.value(&from, 1),
                self.value(&to, 2),
            );
            uses.push(format!(
                "show(\"%v %[1]T\", {name}([]{from_name}{{{a}, {b}, {a}}}, func(i int, e {from_name}) {to_name} {{ show(\"%v\", e); return {r} }}))"
            ));
        }
    }

    fn generic_switch(&mut self, name: &str, uses: &mut Vec<String>) {
        self.line(&format!("func {name}[T any](x T, more ...T) string {{"));
        self.line("\tvar zero T");
        let mut seen: Vec<String> = Vec::new();
        self.line("\tswitch v := any(x).(type) {");
        for _ in 0..3 {
            let form = self.form(2);
            let case = self.form_name(&form);
            if seen.contains(&case) {
                continue;
            }
            self.line(&format!("\tcase {case}:"));
            self.line("\t\treturn fmt.Sprintf(\"first %T %v\", v, v)");
            seen.push(case);
        }
        self.line("\tcase []T:");
        self.line("\t\treturn \"list of itself\"");
        self.line("\tcase fmt.Stringer:");
        self.line("\t\treturn \"stringer\" + v.String()");
        self.line("\t}");
        self.line("\tif len(more) > 0 {");
        self.line("\t\tpair := Both[T, []T]{x, more}");
        self.line("\t\treturn fmt.Sprintf(\"%T %v %v\", pair, pair, zero)");
        self.line("\t}");
        self.line("\treturn fmt.Sprintf(\"%T %v %v\", more, any(zero) == nil, [2]T{1: x})");
        self.line("}");
        for _ in 0..4 {
            let form = self.form(2);
            let (ty, a, b) = (
                self.form_name(&form),
                self.value(&form, 2),
                self.value(&form, 1),
            );
            uses.push(match self.random.below(3) {
                0 => format!("note({name}[{ty}]({a}))"),
                1 => format!("note({name}[{ty}]({a}, {b}))"),
                _ => format!("note({name}([]{ty}{{{a}}}))"),
            });
        }
    }

    fn generic_constraint(&mut self, name: &str, uses: &mut Vec<String>) {
        let pointer = self.random.chance(50);
        if pointer {
            self.line(&format!("type P{name}[T any] interface {{ *T; Poke() }}"));
            self.line(&format!(
                "func {name}[T any, P P{name}[T]](x T, n int) (T, int) {{"
            ));
            self.line("\tfor range n { P(&x).Poke() }");
            self.line("\tf := P(&x).Poke");
            self.line("\tdefer f()");
            self.line("\treturn x, n");
            self.line("}");
        } else {
            self.line(&format!(
                "func {name}[T interface {{ comparable; Size(int) int }}](x T, n int) (T, int) {{"
            ));
            self.line("\tseen := map[T]int{x: n}");
            self.line("\tseen[x]++");
            self.line("\tf := T.Size");
            self.line("\treturn x, f(x, n) + seen[x]");
            self.line("}");
        }
        for index in 0..self.definitions.len() {
            let form = crate::forms::Form::Named(index);
            let method = if pointer { ") Poke(" } else { ") Size(" };
            let declared = self.text.contains(&format!("T{index}{method}"));
            if !declared || (!pointer && !self.comparable(&form)) || uses.len() > 12 {
                continue;
            }
            let (value, n) = (self.value(&form, 2), self.random.below(3));
            uses.push(format!(
                "guard(func() {{ y, z := {name}({value}, {n}); show(\"%v %v\", y, z) }})"
            ));
        }
    }
}
