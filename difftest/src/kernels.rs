//! Loops over numbers in every kind of place: variables, captured ones, package variables, fields, what pointers point at, elements of
//! slices, arrays, maps and rows; with counters and elements of every width.

use crate::generate::Generator;
use std::fmt::Write as _;

const ELEMENTS: &[&str] = &[
    "int", "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64",
    "float64", "float32", "Num",
];

impl Generator {
    /// The declarations at package level: a variable and a struct type for each element type.
    pub fn kernel_declarations(&mut self) {
        for ty in ELEMENTS.iter().skip(1) {
            self.line(&format!("var G{ty} {ty} = 3"));
            self.line(&format!("var L{ty} = []{ty}{{5, 4, 3, 2}}"));
            self.line(&format!(
                "type S{ty} struct {{ p {ty}; q [2]{ty}; in struct {{ r {ty} }}; next *S{ty} }}"
            ));
        }
    }

    /// An index below 4.
    fn lane(&mut self) -> &'static str {
        self.random.pick(&[
            "i", "j", "i&3", "3-i", "(i+1)&3", "j&3", "(i+j)&3", "3-j", "0", "2", "k&3",
            "int(b)&3", "int(u&3)", "(i^j)&3",
        ])
    }

    /// A place that holds a value of the function's element type number `t`.
    fn lane_place(&mut self, ty: &str) -> String {
        let (i, j) = (self.lane(), self.lane());
        match self.random.below(19) {
            0..=2 => format!("x{ty}"),
            3 | 4 => format!("s{ty}[{i}]"),
            5 | 6 => format!("a{ty}[{i}]"),
            7 => format!("g{ty}[{i}][{j}]"),
            8 => format!("h{ty}[{i}][{j}]"),
            9 => format!("t{ty}.p"),
            10 => format!("t{ty}.q[{i}&1]"),
            11 => format!("t{ty}.in.r"),
            12 => format!("n{ty}.next.p"),
            13 => format!("*p{ty}"),
            14 => format!("G{ty}"),
            15 => format!("L{ty}[{i}]"),
            16 => format!("c{ty}"),
            17 => format!("m{ty}[{i}]"),
            _ => format!("w{ty}[{i}].in.r"),
        }
    }

    fn lane_value(&mut self, ty: &str, types: &[&str], depth: usize) -> String {
        let float = ty.starts_with("float");
        if depth == 0 {
            return match self.random.below(8) {
                0 => format!("{ty}(i)"),
                1 => format!("{ty}(j)"),
                _ => self.lane_place(ty),
            };
        }
        let a = self.lane_value(ty, types, depth - 1);
        match self.random.below(12) {
            0..=3 => {
                let op = self.random.pick(&["+", "-", "*"]);
                let b = self.lane_value(ty, types, depth - 1);
                // Products are converted, so that they are not fused with sums.
                match float {
                    true => format!("{ty}({a} {op} {b})"),
                    false => format!("({a} {op} {b})"),
                }
            }
            4 => format!(
                "({a} {} {})",
                self.random.pick(&["+", "-", "*"]),
                self.random.below(100)
            ),
            5 if !float => {
                let b = self.lane_value(ty, types, depth - 1);
                format!("({a} {} {b})", self.random.pick(&["&", "|", "^", "&^"]))
            }
            6 if !float => format!(
                "({a} {} {})",
                self.random.pick(&["/", "%"]),
                1 + self.random.below(90)
            ),
            7 if !float => {
                let b = self.lane_value(ty, types, depth - 1);
                format!("({a} {} ({b} | 1))", self.random.pick(&["/", "%"]))
            }
            8 if !float => {
                let count = self
                    .random
                    .pick(&["1", "3", "7", "u", "b&7", "uint(i)", "31", "j"]);
                format!("({a} {} ({count}))", self.random.pick(&["<<", ">>"]))
            }
            9 => {
                let from = self.random.pick(types);
                // What a float holds may be outside: that conversion is left open.
                if from.starts_with("float") && !float {
                    return a;
                }
                format!("{ty}({})", self.lane_value(from, types, depth - 1))
            }
            10 => format!("-({a})"),
            _ => a,
        }
    }

    fn lane_condition(&mut self, types: &[&str]) -> String {
        let ty = self.random.pick(types);
        let a = self.lane_value(ty, types, 1);
        let op = self.random.pick(&["<", "<=", ">", ">=", "==", "!="]);
        let b = match self.random.chance(50) {
            true => self.random.below(100).to_string(),
            false => self.lane_value(ty, types, 0),
        };
        match self.random.below(6) {
            0 => format!("{a} {op} {b} && {}", self.lane_condition(types)),
            1 => format!("{a} {op} {b} || i == j"),
            2 => format!("!({a} {op} {b})"),
            _ => format!("{a} {op} {b}"),
        }
    }

    fn lane_statement(&mut self, types: &[&str], depth: usize) {
        let ty = self.random.pick(types);
        let float = ty.starts_with("float");
        let place = self.lane_place(ty);
        let mut lines = String::new();
        match self.random.below(16) {
            0..=2 => {
                let value = self.lane_value(ty, types, 2);
                let _ = write!(lines, "{place} = {value}");
            }
            3..=5 => {
                let value = self.lane_value(ty, types, 1);
                let op = match float {
                    true => self.random.pick(&["+=", "-="]),
                    false => self
                        .random
                        .pick(&["+=", "-=", "*=", "^=", "|=", "&=", "&^="]),
                };
                let _ = write!(lines, "{place} {op} {value}");
            }
            6 | 7 => lines = format!("{place}{}", self.random.pick(&["++", "--"])),
            8 if !float => {
                let op = self.random.pick(&["<<=", ">>=", "/=", "%="]);
                let by = 1 + self.random.below(9);
                lines = format!("{place} {op} {by}");
            }
            9 => {
                let other = self.lane_place(ty);
                lines = format!("{place}, {other} = {other}, {place}");
            }
            10 => {
                let (a, b) = (self.lane_value(ty, types, 1), self.lane_value(ty, types, 1));
                let other = self.lane_place(ty);
                lines = format!("{place}, {other} = {a}, {b}");
            }
            11 | 12 if depth > 0 => {
                let condition = self.lane_condition(types);
                self.line(&format!("if {condition} {{"));
                self.indent += 1;
                self.lane_statement(types, depth - 1);
                if self.random.chance(30) {
                    let word = self.random.pick(&["break", "continue"]);
                    self.line(word);
                }
                self.indent -= 1;
                if self.random.chance(40) {
                    self.line("} else {");
                    self.indent += 1;
                    self.lane_statement(types, depth - 1);
                    self.indent -= 1;
                }
                self.line("}");
                return;
            }
            13 if depth > 0 => {
                let header = match self.random.below(7) {
                    0 => "for j := range 4".to_owned(),
                    1 => format!("for j := range s{ty}"),
                    2 => format!("for j, e := range a{ty}"),
                    3 => format!("for j, e := range s{ty}"),
                    4 => "for j := 3; j >= 0; j--".to_owned(),
                    5 => format!("for j, e := range h{ty}[i]"),
                    _ => "for j := 0; j < 4; j += 1 + i&1".to_owned(),
                };
                self.line(&format!("{header} {{"));
                self.indent += 1;
                self.line("_ = j");
                if header.contains("e :=") {
                    self.line(&format!("x{ty} += e"));
                }
                for _ in 0..2 {
                    self.lane_statement(types, depth - 1);
                }
                self.indent -= 1;
                self.line("}");
                return;
            }
            14 => {
                let value = self.lane_value(ty, types, 1);
                lines = format!("func() {{ c{ty} += {value} }}()");
            }
            _ => lines = format!("u, b, k = (u*5 + 1) & 15, b*3 + 1, {}", self.lane()),
        }
        self.line(&lines);
    }

    /// A function's body: declarations, loops, and what all places hold then.
    pub fn kernel(&mut self) {
        let mut types: Vec<&str> = Vec::new();
        while types.len() < 3 {
            let ty = self.random.pick(ELEMENTS);
            if !types.contains(&ty) {
                types.push(ty);
            }
        }
        self.line("var u, b, k, j = uint(3), uint8(250), 1, 2");
        for ty in &types {
            let n = self.random.below(50);
            for text in [
                format!("x{ty} := {ty}(a)"),
                format!("s{ty} := []{ty}{{1, {n}, 3, 4}}"),
                format!("a{ty} := [4]{ty}{{{n}, 2}}"),
                format!(
                    "g{ty} := [][]{ty}{{{{1, 2, 3, 4}}, {{5, 6, 7, 8}}, {{9, 10, 11, 12}}, {{13, 14, 15, 16}}}}"
                ),
                format!("var h{ty} [4][4]{ty}"),
                format!("t{ty} := S{ty}{{p: {n}}}"),
                format!("n{ty} := &S{ty}{{next: &t{ty}}}"),
                format!("p{ty} := &a{ty}[1]"),
                format!("c{ty} := {ty}(7)"),
                format!("m{ty} := map[int]{ty}{{0: 1, 1: {n}}}"),
                format!("w{ty} := make([]S{ty}, 4)"),
                format!("G{ty}, L{ty}[1] = 3, {n}"),
            ] {
                self.line(&text);
            }
        }
        self.line("for i := 0; i < 4; i++ {");
        self.indent += 1;
        for _ in 0..5 {
            self.lane_statement(&types, 2);
        }
        self.indent -= 1;
        self.line("}");
        let counter = self.random.pick(&["uint8", "int32", "int", "uint64"]);
        self.line(&format!("for i8 := {counter}(0); i8 < 12; i8 += 3 {{"));
        self.indent += 1;
        self.line("i := int(i8) & 3");
        for _ in 0..4 {
            self.lane_statement(&types, 2);
        }
        self.line("_ = i");
        self.indent -= 1;
        self.line("}");
        for ty in &types {
            self.line(&format!(
                "note(x{ty}, s{ty}, a{ty}, g{ty}, h{ty}, t{ty}.p, t{ty}.q, t{ty}.in, n{ty}.p, *p{ty}, G{ty}, L{ty}, c{ty}, m{ty})"
            ));
            self.line(&format!(
                "for _, e := range w{ty} {{ note(e.p, e.q, e.in.r) }}"
            ));
        }
        self.line("note(u, b, k, j)");
    }

    /// Package variables that are initialised from each other in an order that is not the text's.
    pub fn initialisation(&mut self) {
        let count = 7;
        for index in 0..count {
            let mut value = format!("{}", self.random.below(50));
            for other in index + 1..count {
                match self.random.below(9) {
                    0 | 1 => {
                        let _ = write!(value, " + V{other}");
                    }
                    2 => {
                        let _ = write!(value, " - fromV{other}()");
                    }
                    3 => {
                        let _ = write!(value, " + len(fmt.Sprint(W{other}))");
                    }
                    4 => {
                        let _ = write!(value, " + (Num(3)).useV{other}()");
                    }
                    _ => {}
                }
            }
            let form = self.form(2);
            let literal = self.value(&form, 2);
            for text in [
                format!("var V{index} = started({index}, {value})"),
                format!("var W{index} = {literal}"),
                format!("func fromV{index}() int {{ return V{index} * 2 }}"),
                format!("func (n Num) useV{index}() int {{ return int(n) + V{index} }}"),
                format!(
                    "func init() {{ initialised = append(initialised, V{index} + 100*{index}) }}"
                ),
            ] {
                self.line(&text);
            }
        }
        self.line("var A1, B1 = twoInts(V0, B2)");
        self.line("var B2, _ = twoInts(V1, V2)");
        self.line("var initialised []int = []int{A1, B1}");
        self.line("var startOrder []int");
        self.line("func started(k, v int) int { startOrder = append(startOrder, k); return v }");
    }
}
