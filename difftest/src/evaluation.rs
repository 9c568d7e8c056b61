//! The order of evaluation: calls that leave a trace, in every position where the specification fixes their order.
//!
//! `at(k, v)` notes k and gives v. Operands are such calls or constants, never variables that they change.

use crate::generate::Generator;

impl Generator {
    fn traced(&mut self, value: &str) -> String {
        self.names += 1;
        format!("at({}, {value})", self.names)
    }

    /// An int from traced calls.
    fn traced_int(&mut self, depth: usize) -> String {
        let leaf = self.random.below(5).to_string();
        if depth == 0 {
            return self.traced(&leaf);
        }
        let below = depth - 1;
        let (a, b) = (self.traced_int(below), self.traced_int(below));
        match self.random.below(16) {
            0..=2 => format!("({a} {} {b})", self.random.pick(&["+", "-", "*", "^"])),
            3 => format!("mix({a}, uint8({b}), {})", self.traced("\"s\"")),
            4 => format!("sum({a}, {b}, {})", self.traced_int(below)),
            5 => format!("[]int{{{a}, {b}, 7}}[{}&1]", self.traced_int(below)),
            6 => format!(
                "len(map[int]int{{{a}: {b}, 10 + {}: 1}})",
                self.traced_int(below)
            ),
            7 => format!("(Point{{y: {a}, x: {b}}}).Area()"),
            8 => format!("min({a}, {b}, {})", self.traced_int(below)),
            9 => format!("{}[{a}&1:3][{b}&1]", self.traced("[]int{5, 6, 7}")),
            10 => {
                let condition = self.traced_bool(below);
                format!("pick({condition}, {a}, {b})")
            }
            11 => format!("{}.link({a}).link({b}).n", self.traced("&chain{}")),
            12 => format!("{}({a})", self.traced("half")),
            13 => format!("{}.(int)", self.traced("any(3)")),
            14 => format!("len(append({}, {a}, {b}))", self.traced("[]int{1}")),
            _ => format!(
                "func(p, q int) int {{ return p - q + {} }}({a}, {b})",
                self.traced("1")
            ),
        }
    }

    fn traced_bool(&mut self, depth: usize) -> String {
        let leaf = self.random.pick(&["true", "false"]);
        if depth == 0 {
            return self.traced(leaf);
        }
        let below = depth - 1;
        match self.random.below(6) {
            0 | 1 => {
                let (a, b) = (self.traced_bool(below), self.traced_bool(below));
                format!("({a} {} {b})", self.random.pick(&["&&", "||"]))
            }
            2 => format!("!{}", self.traced_bool(below)),
            3 => {
                let (a, b) = (self.traced_int(below), self.traced_int(below));
                format!("({a} {} {b})", self.random.pick(&["<", "==", ">="]))
            }
            4 => {
                let (a, b) = (self.traced("\"x\""), self.traced("\"xy\""));
                format!("({a} {} {b})", self.random.pick(&["<", "==", "!="]))
            }
            _ => self.traced(leaf),
        }
    }

    /// Statements in which the order of calls shows.
    pub fn evaluation(&mut self) {
        self.line("list, table, grid := []int{1, 2, 3}, map[int]int{}, [2][2]int{}");
        self.line("p, ch := &Point{}, make(chan int, 9)");
        for _ in 0..8 + self.random.below(6) {
            let (a, b, c) = (self.traced_int(2), self.traced_int(1), self.traced_int(1));
            let y = self.name();
            let text = match self.random.below(22) {
                0 => format!("list[{a}&1], table[{b}] = {c}, {}", self.traced_int(1)),
                1 => format!("table[{a}] += {b}"),
                2 => format!("grid[{a}&1][{b}&1] -= {c}"),
                3 => format!("{}.x, grid[{a}&1][0] = twoInts({b}, {c})", self.traced("p")),
                4 => format!(
                    "*{} = Point{{{a}, {b}, {}}}",
                    self.traced("p"),
                    self.traced("\"t\"")
                ),
                5 => format!("defer note(\"late\", {a}, {b})"),
                6 => format!(
                    "defer {}({a})",
                    self.traced("func(n int) { note(\"late\", n) }")
                ),
                7 => {
                    let cases: Vec<_> = (0..3).map(|_| self.traced_int(1)).collect();
                    format!(
                        "switch {a} {{\ncase {}, {}:\n\tnote(\"first\")\ndefault:\n\tnote(\"none\")\ncase {}:\n\tnote(\"second\")\n}}",
                        cases[0], cases[1], cases[2]
                    )
                }
                8 => {
                    let (d, e) = (self.traced_bool(2), self.traced_bool(1));
                    format!(
                        "switch {{ case {d}: note(1); fallthrough; case {e}: note(2); default: note(3) }}"
                    )
                }
                9 => {
                    let nothing = self.traced("(chan int)(nil)");
                    let [send, sent, receive, last] = ["ch"; 4].map(|c| self.traced(c));
                    let (one, two, d) = (self.traced("1"), self.traced("2"), self.traced_int(1));
                    format!(
                        "{send} <- {a}\nselect {{\ncase {sent} <- {b}:\n\tnote(\"sent\")\ncase {nothing} <- {c}:\n}}\n\
                         list[{one}&1] = <-{receive} + {d}\n\
                         select {{\ncase list[{two}] = <-{last}:\n\tnote(list)\ndefault:\n\tnote(\"empty\")\n}}"
                    )
                }
                10 => format!(
                    "for i := range []int{{{a}, {b}}}[{}&1:] {{ note(i, {c}) }}",
                    self.traced("1")
                ),
                11 => format!(
                    "if {y} := {a}; {} {{ note({y}, {b}) }} else if {} {{ note({c}) }}",
                    self.traced_bool(2),
                    self.traced_bool(1)
                ),
                12 => format!(
                    "for {y} := {a} & 1; {y} < 2 && {}; {y} += 1 + {b}*0 {{ note({y}, {c}) }}",
                    self.traced_bool(1)
                ),
                13 => format!(
                    "{y} := map[string][]int{{{}: {{{a}, {b}}}, \"k\" + {}: {{{c}}}}}\n_ = {y}",
                    self.traced("\"a\""),
                    self.traced("\"b\"")
                ),
                14 => {
                    format!("{y} := [...]Point{{2: {{x: {a}}}, 0: {{{b}, {c}, \"\"}}}}\nnote({y})")
                }
                15 => format!("note(twoInts({a}, {b}))\nnote(sum(twoInts({b}, {c})))"),
                16 => format!(
                    "copy({}, {}[{a}&1:])",
                    self.traced("list"),
                    self.traced("[]int{7, 8}")
                ),
                17 => format!(
                    "{y}, {y}ok := {}[{a}]\nnote({y}, {y}ok)",
                    self.traced("table")
                ),
                18 => format!(
                    "note(fmt.Sprint({a}, {}) + {})",
                    self.traced_bool(1),
                    self.traced("\"end\"")
                ),
                19 => format!(
                    "{y} := func() (int, int, string) {{ return {a}, {b}, {} }}\nnote({y}())",
                    self.traced("\"r\"")
                ),
                20 => format!("{}.link({a}).link({b})", self.traced("chain{}.fresh()")),
                _ => format!(
                    "list = append(list[:{}&1], {a}, {b})\nlist = append(list, 4, 5)",
                    self.traced("1")
                ),
            };
            for line in text.lines() {
                self.line(line);
            }
        }
        self.line("note(list, table, grid, *p, len(ch))");
    }
}
