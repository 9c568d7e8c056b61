//! Statements: each terminates, and uses what it declares.

use crate::generate::{Generator, Place};
use crate::types::Type::{self, *};
use crate::types::{ALL, BOXED, INT, INTEGERS};

impl Generator {
    pub fn declaration(&mut self) {
        let ty = self.random.pick(ALL);
        let value = match self.random.below(10) {
            0 if !matches!(ty, Func | Shape | PointPointer) => {
                let name = self.name();
                self.line(&format!("var {name} {}", ty.name()));
                return self.declare(name, ty, false);
            }
            1..=5 => self.literal(ty, 2),
            _ => self.expression(ty, 2),
        };
        let name = self.name();
        if self.random.chance(50) {
            self.line(&format!("var {name} {} = {value}", ty.name()));
        } else if matches!(ty, Any | Shape | Func) {
            self.line(&format!(
                "{name} := {}({value})",
                if ty == Func {
                    "(func(int) int)"
                } else {
                    ty.name()
                }
            ));
        } else {
            self.line(&format!("{name} := {value}"));
        }
        self.declare(name, ty, false);
    }

    /// Statements in a block of their own: what they declare is printed at its end.
    fn block(&mut self, count: usize, place: Place) {
        self.indent += 1;
        let (first, labels) = (self.variables.len(), self.labels.len());
        for _ in 0..count {
            self.statement(place);
        }
        self.print_from(first);
        self.variables.truncate(first);
        self.labels.truncate(labels);
        self.indent -= 1;
    }

    fn deeper(place: Place) -> Place {
        Place {
            depth: place.depth + 1,
            ..place
        }
    }

    pub fn statement(&mut self, place: Place) {
        if self.budget == 0 || place.depth > 4 {
            return self.assignment();
        }
        self.budget -= 1;
        match self.random.below(45) {
            44 => self.go_to(),
            0..=5 => self.declaration(),
            6..=12 => self.assignment(),
            13..=15 => self.compound(),
            16 | 17 => self.append(),
            18 => self.parallel(),
            19..=21 => self.conditional(place),
            22..=25 => self.repeat(place),
            26 | 27 => self.switch(place),
            28 => self.type_switch(place),
            29 | 30 => self.closure(place),
            31 => self.deferred(place),
            32 | 33 => self.guarded(place),
            34 => self.map_statement(),
            35 => self.method_statement(),
            36 => self.channel(),
            37 => self.several(),
            38 => self.note(),
            39 => self.jump(place),
            40 => self.copying(),
            41 => {
                self.line("{");
                self.block(3, Self::deeper(place));
                self.line("}");
            }
            42 => self.assertion(),
            _ => self.pointer(),
        }
    }

    fn note(&mut self) {
        let ty = self.random.pick(BOXED);
        let (a, b) = (self.expression(ty, 3), self.expression(INT, 2));
        self.line(&format!("note({a}, {b})"));
    }

    /// Something that can be assigned to, and its type.
    fn target(&mut self) -> Option<(std::string::String, Type)> {
        let ty = self.random.pick(ALL);
        let name = self.assignable(ty)?;
        Some(match ty {
            Ints | Strings | Bytes | Rows | Array | SmallArray | Points
                if self.random.chance(65) =>
            {
                let index = self.index(1);
                let element = ty.element()?;
                match element {
                    Ints => (format!("{name}[{index}][{}]", self.index(0)), INT),
                    Point if self.random.chance(50) => (format!("{name}[{index}].y"), INT),
                    _ => (format!("{name}[{index}]"), element),
                }
            }
            MapStringInt | MapIntString | MapPoint if self.random.chance(85) => {
                let (key, element) = ty.map()?;
                (format!("{name}[{}]", self.expression(key, 1)), element)
            }
            Point if self.random.chance(70) => {
                let (field, ty) = self.random.pick(&[("x", INT), ("y", INT), ("tag", String)]);
                (format!("{name}.{field}"), ty)
            }
            PointPointer if self.random.chance(70) => {
                let (field, ty) = self.random.pick(&[("x", INT), ("y", INT), ("tag", String)]);
                (format!("{name}.{field}"), ty)
            }
            Outer if self.random.chance(80) => {
                let (field, ty) = self.random.pick(&[
                    ("x", INT),
                    ("tag", String),
                    ("Point", Point),
                    ("f", Float32),
                    ("c[1]", Integer(1)),
                    ("Inner.ok", Bool),
                    ("name", String),
                    ("n", Integer(7)),
                    ("Point.y", INT),
                ]);
                (format!("{name}.{field}"), ty)
            }
            _ => (name, ty),
        })
    }

    fn assignment(&mut self) {
        let Some((target, ty)) = self.target() else {
            return self.compound();
        };
        let value = self.expression(ty, 3);
        self.line(&format!("{target} = {value}"));
    }

    fn compound(&mut self) {
        let Some((target, ty)) = self.target() else {
            return self.line("r++");
        };
        match ty {
            Integer(_) => match self.random.below(4) {
                0 => {
                    let op = self.random.pick(&["++", "--"]);
                    self.line(&format!("{target}{op}"));
                }
                1 => {
                    let op = self.random.pick(&["<<=", ">>="]);
                    let count = self.random.below(12);
                    self.line(&format!("{target} {op} {count}"));
                }
                2 => {
                    let op = self.random.pick(&["/=", "%="]);
                    let value = self.expression(ty, 1);
                    self.line(&format!("{target} {op} {value}|1"));
                }
                _ => {
                    let op = self
                        .random
                        .pick(&["+=", "-=", "*=", "&=", "|=", "^=", "&^="]);
                    let value = self.expression(ty, 2);
                    self.line(&format!("{target} {op} {value}"));
                }
            },
            Float32 | Float64 => {
                let op = self.random.pick(&["+=", "-=", "*=", "/="]);
                let value = self.number(ty);
                self.line(&format!("{target} {op} {value}"));
            }
            String => {
                let value = self.expression(String, 1);
                self.line(&format!("{target} += {value}"));
                self.line(&format!("{target} = clip({target})"));
            }
            _ => {
                let value = self.expression(ty, 2);
                self.line(&format!("{target} = {value}"));
            }
        }
    }

    fn append(&mut self) {
        let ty = self
            .random
            .pick(&[Ints, Ints, Strings, Bytes, Rows, Points]);
        let (Some(to), Some(from)) = (self.assignable(ty), self.variable(ty)) else {
            return self.declaration();
        };
        let element = ty.element().unwrap_or(INT);
        let list = match self.random.below(4) {
            0 => format!("{}...", self.expression(ty, 1)),
            1 => format!(
                "{}, {}",
                self.expression(element, 1),
                self.expression(element, 1)
            ),
            _ => self.expression(element, 2),
        };
        let from = if self.random.chance(60) {
            to.clone()
        } else {
            from
        };
        let base = if self.random.chance(20) {
            format!("{from}[:cut(len({from}), {})]", self.random.below(4))
        } else {
            format!("{from}[:cut(len({from}), 12)]")
        };
        self.line(&format!("{to} = append({base}, {list})"));
    }

    fn copying(&mut self) {
        let ty = self.random.pick(&[Ints, Strings, Bytes, Points]);
        let (Some(to), Some(from)) = (self.variable(ty), self.variable(ty)) else {
            return self.assignment();
        };
        let (to, from) = match self.random.below(3) {
            0 => (format!("{to}[cut(len({to}), 1):]"), from),
            1 => (to, format!("{from}[cut(len({from}), 2):]")),
            _ => (to, from),
        };
        self.line(&format!("r += copy({to}, {from})"));
    }

    fn parallel(&mut self) {
        let count = 2 + self.random.below(2);
        let mut targets = Vec::new();
        while targets.len() < count {
            if let Some((target, ty)) = self.target()
                && ty.map().is_none()
            {
                targets.push((target, ty));
            }
        }
        let values: Vec<_> = targets
            .iter()
            .map(|&(_, ty)| self.expression(ty, 2))
            .collect();
        let left: Vec<_> = targets.into_iter().map(|(target, _)| target).collect();
        self.line(&format!("{} = {}", left.join(", "), values.join(", ")));
    }

    fn conditional(&mut self, place: Place) {
        // A literal's braces would end the head of the statement.
        let condition = self.condition(2);
        let place = Self::deeper(place);
        if self.random.chance(25) {
            let name = self.name();
            let value = self.expression(INT, 2);
            let other = self.simple_int();
            self.line(&format!(
                "if {name} := ({value}); {name} > ({other}) && ({condition}) {{"
            ));
            self.declare(name, INT, false);
            self.block(2, place);
            self.variables.pop();
        } else {
            self.line(&format!("if ({condition}) {{"));
            let count = 1 + self.random.below(3);
            self.block(count, place);
        }
        match self.random.below(4) {
            0 => {
                self.line("} else {");
                self.block(2, place);
            }
            1 => {
                let condition = self.condition(1);
                self.line(&format!("}} else if ({condition}) {{"));
                self.block(2, place);
                self.line("} else {");
                self.block(1, place);
            }
            _ => {}
        }
        self.line("}");
    }

    fn simple_int(&mut self) -> std::string::String {
        self.expression(INT, 0)
    }

    fn repeat(&mut self, place: Place) {
        if place.loops >= 2 {
            return self.compound();
        }
        let mut inside = Self::deeper(place);
        inside.loops += 1;
        let label = self.random.chance(35).then(|| {
            self.names += 1;
            format!("L{}", self.names)
        });
        let (start, labels) = (self.text.len(), self.labels.len());
        if let Some(label) = &label {
            self.line(&format!("{label}:"));
            self.labels.push((label.clone(), false));
        }
        let body_start = self.text.len();
        let first = self.variables.len();
        let bound = 1 + self.random.below(4);
        let (i, v) = (self.name(), self.name());
        match self.random.below(13) {
            9 => {
                self.line(&format!("for {i} := range upTo({bound}) {{"));
                self.declare(i, INT, false);
            }
            10 => {
                self.line(&format!("for {i}, {v} := range nested({bound}) {{"));
                self.declare(i, INT, false);
                self.declare(v, String, false);
            }
            11 => {
                let ty = self.random.pick(BOXED);
                let (x, y) = (self.expression(ty, 2), self.expression(ty, 1));
                self.line(&format!("for {v} := range several({x}, {y}) {{"));
                self.declare(v, ty, false);
            }
            12 => {
                let ty = self.random.pick(&[Ints, Strings, Points]);
                let Some(name) = self.variable(ty) else {
                    self.text.truncate(start);
                    self.labels.truncate(labels);
                    return self.declaration();
                };
                self.line(&format!(
                    "for {i}, {v} := range slices.Backward({name}[:cut(len({name}), 4)]) {{"
                ));
                self.declare(i, INT, true);
                self.declare(v, ty.element().unwrap_or(INT), false);
            }
            0 | 1 => {
                self.line(&format!("for {i} := 0; {i} < {bound}; {i}++ {{"));
                self.declare(i, INT, true);
            }
            2 => {
                self.line(&format!("for {i} := range {bound} {{"));
                self.declare(i, INT, true);
            }
            3 => {
                let ty = self.random.pick(&[Ints, Strings, Bytes, Points, Rows]);
                let Some(name) = self.variable(ty) else {
                    self.text.truncate(start);
                    self.labels.truncate(labels);
                    return self.declaration();
                };
                self.line(&format!(
                    "for {i}, {v} := range {name}[:cut(len({name}), 4)] {{"
                ));
                self.declare(i, INT, true);
                self.declare(v, ty.element().unwrap_or(INT), false);
            }
            4 => {
                let ty = self.random.pick(&[Array, SmallArray]);
                let Some(name) = self.variable(ty) else {
                    self.text.truncate(start);
                    self.labels.truncate(labels);
                    return self.declaration();
                };
                let star = self.random.pick(&["", "&"]);
                self.line(&format!("for {i}, {v} := range {star}{name} {{"));
                self.declare(i, INT, true);
                self.declare(v, ty.element().unwrap_or(INT), false);
            }
            5 => {
                let name = self.expression(String, 1);
                self.line(&format!("for {i}, {v} := range (clip({name})) {{"));
                self.line(&format!("\tif {i} > 5 {{ break }}"));
                self.declare(i, INT, true);
                self.declare(v, Integer(3), false);
            }
            6 => {
                let kind = self.random.below(INTEGERS.len());
                self.line(&format!(
                    "for {i} := {}(0); {i} < {bound}; {i} += 1 {{",
                    INTEGERS[kind].0
                ));
                self.declare(i, Integer(kind), true);
            }
            7 => {
                // The body may change the counter, which only grows.
                self.line(&format!("for {i} := {bound}; {i} > 0; {i}-- {{"));
                self.line(&format!("\tif {i} % 2 == 1 {{ {i}-- }}"));
                self.line(&format!("\tdefer func() {{ r += {i} }}()"));
                self.declare(i, INT, true);
            }
            _ => {
                let condition = self.condition(1);
                self.line(&format!("for {i} := 0; ({condition}); {{"));
                self.line(&format!("\tif {i}++; {i} > {bound} {{ break }}"));
                self.declare(i, INT, true);
            }
        }
        let count = 2 + self.random.below(3);
        self.block(count, inside);
        // Counters must be used.
        self.indent += 1;
        self.print_from(first);
        self.indent -= 1;
        self.variables.truncate(first);
        self.line("}");
        if label.is_some() {
            let used = self.labels.pop().is_some_and(|(_, used)| used);
            if !used {
                self.text.replace_range(start..body_start, "");
            }
        }
    }

    /// A jump over assignments, and one back.
    fn go_to(&mut self) {
        self.names += 1;
        let label = self.names;
        self.line("{");
        self.indent += 1;
        self.line(&format!("n{label} := 0"));
        self.line(&format!("G{label}:"));
        self.line(&format!("n{label}++"));
        let condition = self.condition(1);
        self.line(&format!("if ({condition}) {{ goto H{label} }}"));
        self.assignment();
        self.compound();
        self.line(&format!("H{label}:"));
        self.assignment();
        self.line(&format!("if n{label} < 3 {{ goto G{label} }}"));
        self.indent -= 1;
        self.line("}");
    }

    /// A way out of the loop.
    fn jump(&mut self, place: Place) {
        if place.loops == 0 || place.in_literal {
            return self.assignment();
        }
        let condition = self.condition(1);
        if self.random.chance(20) {
            let (n, t) = (self.expression(INT, 1), self.expression(String, 1));
            let results = match self.random.below(3) {
                0 => std::string::String::new(),
                _ => format!("{n}, {t}"),
            };
            return self.line(&format!("if ({condition}) {{ return {results} }}"));
        }
        let word = self.random.pick(&["break", "continue"]);
        if !self.labels.is_empty() && self.random.chance(60) {
            let index = self.random.below(self.labels.len());
            self.labels[index].1 = true;
            let label = self.labels[index].0.clone();
            self.line(&format!("if ({condition}) {{ {word} {label} }}"));
        } else {
            self.line(&format!("if ({condition}) {{ {word} }}"));
        }
    }

    fn switch(&mut self, place: Place) {
        let place = Self::deeper(place);
        let tagged = self.random.chance(50);
        if tagged {
            let tag = self.expression(INT, 2);
            self.line(&format!("switch ({tag}) & 3 {{"));
        } else {
            self.line("switch {");
        }
        let cases = 1 + self.random.below(3);
        for case in 0..cases {
            if tagged {
                let value = self.simple_int();
                self.line(&format!("case {case}, {value} & 7:"));
            } else {
                let condition = self.condition(1);
                self.line(&format!("case ({condition}):"));
            }
            self.block(2, place);
            if self.random.chance(15) && case + 1 < cases {
                self.line("\tfallthrough");
            }
        }
        if self.random.chance(60) {
            self.line("default:");
            self.block(2, place);
        }
        self.line("}");
    }

    fn type_switch(&mut self, place: Place) {
        let Some(name) = self.variable(Any) else {
            return self.declaration();
        };
        let place = Self::deeper(place);
        let v = self.name();
        self.line(&format!("switch {v} := {name}.(type) {{"));
        let mut seen = Vec::new();
        for _ in 0..3 {
            let ty = self.random.pick(BOXED);
            if seen.contains(&ty) {
                continue;
            }
            seen.push(ty);
            self.line(&format!("case {}:", ty.name()));
            let first = self.variables.len();
            self.declare(v.clone(), ty, false);
            self.block(1, place);
            self.indent += 1;
            self.print_from(first);
            self.indent -= 1;
            self.variables.truncate(first);
        }
        if self.random.chance(50) {
            self.line("case nil, Shape:");
            self.line(&format!("\tnote(\"nil or shape\", {v})"));
        }
        self.line("default:");
        self.line(&format!("\tnote({v})"));
        self.line("}");
    }

    /// A closure that changes what it captures, called in statements of its own.
    fn closure(&mut self, place: Place) {
        let name = self.name();
        self.line(&format!("{name} := func(p int) (q int) {{"));
        let first = self.variables.len();
        self.declare("p".to_owned(), INT, false);
        let inside = Place {
            loops: 1,
            in_literal: true,
            ..Self::deeper(place)
        };
        if self.random.chance(30) {
            self.line("\tdefer func() { q++ }()");
        }
        self.block(2, inside);
        self.variables.truncate(first);
        self.line("\treturn p + q");
        self.line("}");
        let argument = self.expression(INT, 1);
        self.line(&format!("r ^= {name}({argument})"));
        if self.random.chance(50) {
            self.statement(Self::deeper(place));
            self.line(&format!("a = {name}(r & 7)"));
        }
    }

    pub fn deferred(&mut self, place: Place) {
        let inside = Place {
            loops: 2,
            in_literal: true,
            ..Self::deeper(place)
        };
        match self.random.below(4) {
            0 => {
                let (a, b) = (self.expression(INT, 1), self.expression(String, 1));
                self.line(&format!("defer note(\"deferred\", {a}, {b})"));
            }
            1 => {
                let a = self.expression(INT, 1);
                self.line("defer func(p int) {");
                self.block(1, inside);
                self.line("\tr += p");
                self.line(&format!("}}({a})"));
            }
            2 => {
                self.line("defer func() {");
                self.line("\tif x := recover(); x != nil {");
                self.line("\t\tnote(\"recovered\", x)");
                self.line("\t\tt += \"R\"");
                self.line("\t}");
                self.line("}()");
            }
            _ => {
                self.line("defer func() {");
                self.block(2, inside);
                self.line("}()");
            }
        }
    }

    /// A function literal that is called at once and recovers.
    fn guarded(&mut self, place: Place) {
        let inside = Place {
            loops: place.loops.max(1),
            in_literal: true,
            ..Self::deeper(place)
        };
        self.line("func() {");
        self.line("\tdefer func() { note(\"guard\", recover()) }()");
        let first = self.variables.len();
        self.block(2, inside);
        match self.random.below(6) {
            0 => {
                let value = self.expression(String, 1);
                self.line(&format!("\tpanic({value})"));
            }
            1 => {
                let value = self.expression(INT, 2);
                let divisor = self.simple_int();
                self.line(&format!("\tnote(checked({value}, {divisor}))"));
            }
            2 => {
                let condition = self.condition(1);
                self.line(&format!(
                    "\tif ({condition}) {{ panic(fmt.Errorf(\"e%d\", r)) }}"
                ));
            }
            3 => {
                if let Some(name) = self.variable(Any) {
                    let ty = self.random.pick(BOXED);
                    self.line(&format!("\tnote({name}.({}))", ty.name()));
                }
            }
            _ => {}
        }
        self.block(1, inside);
        self.variables.truncate(first);
        self.line("}()");
    }

    fn map_statement(&mut self) {
        let ty = self.random.pick(&[MapStringInt, MapIntString, MapPoint]);
        let Some(name) = self.assignable(ty) else {
            return self.declaration();
        };
        let (key, element) = ty.map().unwrap_or((INT, INT));
        match self.random.below(4) {
            0 => {
                let key = self.expression(key, 1);
                self.line(&format!("delete({name}, {key})"));
            }
            1 => {
                let key = self.expression(key, 1);
                let (v, ok) = (self.name(), self.name());
                self.line(&format!("{v}, {ok} := {name}[{key}]"));
                self.declare(v, element, false);
                self.declare(ok, Bool, false);
            }
            2 => {
                // Sums do not depend on the order.
                self.line(&format!(
                    "for k, e := range {name} {{ r += len(fmt.Sprint(k, e)) }}"
                ));
            }
            _ => {
                let (a, b) = (self.expression(key, 1), self.expression(element, 1));
                self.line(&format!("if {name} != nil {{ {name}[({a})] = {b} }}"));
            }
        }
    }

    fn method_statement(&mut self) {
        match self.random.below(5) {
            0 => {
                if let Some(name) = self.assignable(Point) {
                    let by = self.expression(INT, 1);
                    return self.line(&format!("{name}.Move({by})"));
                }
            }
            1 => {
                if let Some(name) = self.assignable(Outer) {
                    return self.line(&format!("{name}.Bump()"));
                }
            }
            2 => {
                if let Some(name) = self.variable(PointPointer) {
                    let by = self.expression(INT, 1);
                    return self.line(&format!("a = {name}.Move({by})"));
                }
            }
            3 => {
                if let Some(name) = self.variable(Point) {
                    let f = self.name();
                    self.line(&format!("{f} := {name}.Area"));
                    self.assignment();
                    return self.line(&format!("r -= {f}()"));
                }
            }
            _ => {
                if let Some(name) = self.assignable(Points) {
                    let index = self.index(1);
                    return self.line(&format!("{name}[{index}].Move(2)"));
                }
            }
        }
        self.declaration();
    }

    fn channel(&mut self) {
        let ty = self.random.pick(BOXED);
        let (c, v) = (self.name(), self.name());
        self.line(&format!("{c} := make(chan {}, 2)", ty.name()));
        let value = self.expression(ty, 2);
        self.line(&format!("{c} <- {value}"));
        match self.random.below(3) {
            0 => self.line(&format!("{v} := <-{c}")),
            1 => {
                let value = self.expression(ty, 1);
                self.line(&format!("go func() {{ {c} <- {value}; close({c}) }}()"));
                self.line(&format!("{v} := <-{c}"));
                self.line(&format!("note(<-{c})"));
                self.line(&format!("note(<-{c})"));
            }
            _ => {
                self.line(&format!("close({c})"));
                self.line(&format!("{v}, ok := <-{c}"));
                self.line(&format!("for x := range {c} {{ note(x) }}"));
                self.line("note(ok)");
                self.line("_ = ok");
                // The name ok is declared once.
                let text = self.text.clone();
                if let Some(at) = text.rfind(&format!("{v}, ok :=")) {
                    self.text
                        .replace_range(at.., &text[at..].replace("ok", &format!("ok{v}")));
                }
            }
        }
        self.declare(v, ty, false);
    }

    fn several(&mut self) {
        match self.random.below(4) {
            0 => {
                let (a, b) = (self.expression(INT, 1), self.expression(INT, 1));
                self.line(&format!("a, r = twoInts({a}, {b})"));
            }
            1 => {
                let (x, y) = (self.name(), self.name());
                let (a, b) = (self.expression(String, 1), self.expression(INT, 1));
                self.line(&format!("{x}, {y} := pair({a}, {b})"));
                self.declare(x, String, false);
                self.declare(y, Bool, false);
            }
            2 => self.line("a, r = r, a"),
            _ => {
                let (a, b) = (self.expression(INT, 1), self.expression(INT, 1));
                self.line(&format!("note(sum(twoInts({a}, {b})))"));
            }
        }
    }

    fn assertion(&mut self) {
        let Some(name) = self.variable(Any) else {
            return self.declaration();
        };
        let ty = self.random.pick(BOXED);
        let (v, ok) = (self.name(), self.name());
        self.line(&format!("{v}, {ok} := {name}.({})", ty.name()));
        self.declare(v, ty, false);
        self.declare(ok, Bool, false);
    }

    fn pointer(&mut self) {
        let ty = self.random.pick(&[
            INT,
            INT,
            Integer(1),
            Integer(7),
            String,
            Array,
            Bool,
            Float64,
        ]);
        let Some(name) = self.assignable(ty) else {
            return self.declaration();
        };
        let p = self.name();
        self.line(&format!("{p} := &{name}"));
        self.assignment();
        let value = match ty {
            Array => self.literal(Array, 1),
            _ => self.expression(ty, 2),
        };
        self.line(&format!("*{p} = {value}"));
        if ty == Array {
            let index = self.index(0);
            self.line(&format!("{p}[{index}]++"));
        }
    }
}
