//! Panics, deferred calls and recovery in every nesting; and, for a file's end, panics that nobody recovers.

use crate::generate::Generator;

impl Generator {
    /// An expression or statement that panics.
    fn panicking(&mut self) -> String {
        let form = self.form(1);
        let value = self.value(&form, 1);
        match self.random.below(20) {
            0 | 1 => format!("panic({})", self.plain_value()),
            2 => format!("panic({value})"),
            3 => "var m map[string]int; m[\"k\"] = 1".to_owned(),
            4 => "var p *Point; p.x++".to_owned(),
            5 => "note([]int{1, 2}[a+5])".to_owned(),
            6 => "note([]int{1, 2}[a+1:a])".to_owned(),
            7 => "note(checked(a, a-a))".to_owned(),
            8 => "note(any(s).(int))".to_owned(),
            9 => "note(any(Num(1)).(interface{ Area() int; Other() }))".to_owned(),
            10 => "var f func(); f()".to_owned(),
            11 => "c := make(chan int); close(c); close(c)".to_owned(),
            12 => "c := make(chan int, 1); close(c); c <- 1".to_owned(),
            13 => "note(make([]int, a-100))".to_owned(),
            14 => "note(1 << (a - 100))".to_owned(),
            15 => "note(any([]int{}) == any([]int{}))".to_owned(),
            16 => "note(map[any]int{func() {}: 1})".to_owned(),
            17 => "var e error; note(e.Error())".to_owned(),
            18 => "note([4]int([]int{1, a}))".to_owned(),
            _ => "note(s[len(s)+a+1:])".to_owned(),
        }
    }

    fn plain_value(&mut self) -> &'static str {
        self.random.pick(&[
            "\"text\"",
            "42",
            "Fault(3)",
            "errors.New(\"e\")",
            "fmt.Errorf(\"w: %w\", Fault(1))",
            "2.5",
            "Num(7)",
            "true",
            "nil",
            "'x'",
            "\"two\\nlines\"",
            "Point{1, 2, \"p\"}",
            "struct{}{}",
            "int8(-3)",
            "complex(1, 2)",
            "error(nil)",
            "any(nil)",
            "Named(\"n\")",
            "uint8(200)",
            "[]int{1}",
        ])
    }

    /// A function literal's body: deferred calls, panics, recoveries.
    fn layers(&mut self, depth: usize) {
        for _ in 0..1 + self.random.below(3) {
            self.names += 1;
            let k = self.names;
            match self.random.below(14) {
                0 | 1 => {
                    self.line("defer func() {");
                    self.indent += 1;
                    match self.random.below(7) {
                        0 | 1 => self.line(&format!("note({k}, \"recovered\", recover())")),
                        2 => self.line(&format!("if x := recover(); x != nil {{ panic(fmt.Sprint(\"again \", x, {k})) }}")),
                        3 => {
                            self.line("x := recover()");
                            self.line(&format!("note({k}, x == nil)"));
                            self.line("if x != nil && r < 100 { r += 50; panic(x) }");
                        }
                        4 => {
                            // Not called by the deferring function itself: recovers nothing.
                            self.line(&format!("func() {{ note({k}, recover()) }}()"));
                        }
                        5 => {
                            let statement = self.panicking();
                            self.line(&format!("if r%2 == {} {{ {statement} }}", k % 2));
                        }
                        _ => self.line(&format!("note({k}, \"deferred\", r)")),
                    }
                    self.indent -= 1;
                    self.line("}()");
                }
                2 => self.line(&format!("defer note({k}, \"plain\", r, s)")),
                3 if depth > 0 => {
                    self.line(&format!("note({k}, \"in\", func() (r int) {{"));
                    self.indent += 1;
                    self.layers(depth - 1);
                    self.line(&format!("return r + {k}"));
                    self.indent -= 1;
                    self.line("}())");
                }
                4 if depth > 0 => {
                    self.line("guard(func() {");
                    self.indent += 1;
                    self.layers(depth - 1);
                    self.indent -= 1;
                    self.line("})");
                }
                5 if depth > 0 => {
                    self.line("for i := range 3 {");
                    self.indent += 1;
                    self.line(&format!("defer func() {{ r += i; note({k}, i, r) }}()"));
                    self.line("if i == 1 && r%3 == 0 { break }");
                    self.indent -= 1;
                    self.line("}");
                }
                6 => {
                    let statement = self.panicking();
                    self.line(&format!("if r%3 == {} {{ {statement} }}", k % 3));
                }
                7 => {
                    let statement = self.panicking();
                    self.line(&format!("if r >= 0 {{ {statement} }}"));
                }
                8 => self.line(&format!("defer func() {{ r = r*2 + {k} }}()")),
                9 if depth > 0 => {
                    self.line("for i := range upTo(3) {");
                    self.indent += 1;
                    self.line(&format!("defer func() {{ note({k}, i, recover()) }}()"));
                    self.layers(depth - 1);
                    self.indent -= 1;
                    self.line("}");
                }
                10 if depth > 0 => {
                    self.line("wait(func() {");
                    self.indent += 1;
                    self.line("defer func() { note(\"goroutine\", recover()) }()");
                    self.layers(depth - 1);
                    if self.random.chance(40) {
                        self.line("runtime.Goexit()");
                    }
                    self.indent -= 1;
                    self.line("})");
                }
                11 => self.line("defer (*chain).link(&chain{}, r)"),
                12 => self.line(&format!(
                    "defer func() {{ defer func() {{ note({k}, recover()) }}(); panic({k}) }}()"
                )),
                _ => self.line(&format!("r += {k}")),
            }
        }
    }

    pub fn unwinding(&mut self) {
        for _ in 0..3 {
            self.line("guard(func() {");
            self.indent += 1;
            self.layers(3);
            self.indent -= 1;
            self.line("})");
        }
    }

    /// The statements of `last`, with which the program ends: often by a panic.
    pub fn ending(&mut self) {
        match self.random.below(12) {
            0 => {
                let code = self.random.below(256);
                self.line(&format!("out.Flush(); os.Exit({code})"));
            }
            1 => {
                let statement = self.panicking();
                self.line("done := make(chan int)");
                self.line(&format!("go func() {{ defer close(done); {statement} }}()"));
                self.line("<-done; select {}");
            }
            2 => self.line("<-make(chan int)"),
            3 | 4 => {
                for _ in 0..1 + self.random.below(3) {
                    let value = self.plain_value();
                    let recovered = self.random.pick(&[
                        "",
                        "recover(); ",
                        "note(recover()); ",
                        "x := recover(); defer panic(x); ",
                    ]);
                    self.line(&format!("defer func() {{ {recovered}panic({value}) }}()"));
                }
                let value = self.plain_value();
                self.line(&format!("panic({value})"));
            }
            5 => {
                let statement = self.panicking();
                self.line("defer func() { if x := recover(); x != nil { panic(x) } }()");
                self.line(&statement);
            }
            6 => {
                let value = self.plain_value();
                self.line(&format!("panic({value})"));
            }
            7 => self.line("var mu sync.Mutex; mu.Unlock()"),
            8 => {
                let statement = self.panicking();
                self.line(&format!("for range upTo(2) {{ {statement} }}"));
            }
            _ => {
                let statement = self.panicking();
                self.line(&statement);
            }
        }
    }
}
