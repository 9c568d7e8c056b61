//! Constants: untyped arithmetic far beyond 64 bits, exact fractions, iota, kinds of untyped constants, conversions.

use crate::generate::Generator;
use std::fmt::Write as _;

impl Generator {
    /// An untyped integer constant expression, and a bound of its size in bits.
    fn big_constant(&mut self, depth: usize) -> (String, usize) {
        if depth == 0 {
            return match self.random.below(6) {
                0 => ("0x1p-2 * 4".to_owned(), 1),
                1 => (
                    format!("'{}'", self.random.pick(&["a", "é", "世", "\\x00"])),
                    16,
                ),
                2 => ("1_000_000_007".to_owned(), 30),
                3 => ("0b1011".to_owned(), 4),
                4 => ("0o777".to_owned(), 9),
                _ => (self.random.below(100_000).to_string(), 17),
            };
        }
        let (a, bits_a) = self.big_constant(depth - 1);
        let (b, bits_b) = self.big_constant(depth - 1);
        // Fractional literals are integers by value, but their operators are the floating-point ones.
        let whole = !a.contains("p-") && !b.contains("p-");
        match self.random.below(11) {
            0 | 1 => (format!("({a} + {b})"), bits_a.max(bits_b) + 1),
            2 => (format!("({a} - {b})"), bits_a.max(bits_b) + 1),
            3 | 4 if bits_a + bits_b < 400 => (format!("({a} * {b})"), bits_a + bits_b),
            5 if whole => {
                let divisor = 1 + self.random.below(1000);
                let op = self.random.pick(&["/", "%"]);
                (format!("({a} {op} {divisor})"), bits_a)
            }
            6 if whole => (
                format!("({a} {} {b})", self.random.pick(&["&", "|", "^", "&^"])),
                bits_a.max(bits_b) + 1,
            ),
            7 if bits_a < 300 => {
                let by = self.random.below(100);
                (format!("({a} << {by})"), bits_a + by)
            }
            8 => (format!("({a} >> {})", self.random.below(40)), bits_a),
            9 if whole => (format!("-({a})"), bits_a + 1),
            10 if whole => (format!("^({a})"), bits_a + 1),
            _ => (a, bits_a),
        }
    }

    fn fraction(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self
                .random
                .pick(&[
                    "0.1",
                    "1e30",
                    "3.0",
                    "1.5e-20",
                    "7",
                    "0x1.8p3",
                    "1/3.0",
                    "2.718281828459045",
                    "'a'",
                    "1e-300",
                ])
                .to_owned();
        }
        let (a, b) = (self.fraction(depth - 1), self.fraction(depth - 1));
        match self.random.below(6) {
            0 | 1 => format!("({a} + {b})"),
            2 => format!("({a} * {b})"),
            3 => format!("({a} - {b})"),
            4 => format!("({a} / {})", self.random.pick(&["3", "7.5", "1e10", "0.1"])),
            _ => a,
        }
    }

    /// Constants of the package, named after the function's number.
    pub fn constant_declarations(&mut self, number: usize) -> Vec<String> {
        let mut uses = Vec::new();
        self.line("const (");
        for part in 0..4 {
            let (text, _) = self.big_constant(4);
            let name = format!("k{number}x{part}");
            self.line(&format!("\t{name} = {text}"));
            let whole = !text.contains("p-");
            if whole {
                uses.push(format!("note({name} % 1000003, {name} / 7 % 65537, float64({name}), float32({name} % 999))"));
                uses.push(format!("show(\"%v %[1]T\", complex64({name} & 0xff))"));
            } else {
                uses.push(format!(
                    "note(float64({name}), {name} > 3, {name} == {name} + 1)"
                ));
            }
        }
        for part in 0..3 {
            let text = self.fraction(3);
            let name = format!("q{number}x{part}");
            self.line(&format!("\t{name} = {text}"));
            uses.push(format!(
                "note(float64({name}), float32({name} / 1e300), {name} < 1, {name} * 2 == {name} + {name}, complex({name}, 1))"
            ));
        }
        self.line(")");
        let ty = self
            .random
            .pick(&["int", "uint8", "Num", "float64", "int64", ""]);
        self.line("const (");
        let mut names = Vec::new();
        for part in 0..5 {
            let name = format!("i{number}x{part}");
            let right = match self.random.below(if part == 0 { 5 } else { 9 }) {
                0 => format!("{ty} = iota"),
                1 => format!("{ty} = 1 << iota"),
                2 => format!("{ty} = iota*iota + 3"),
                3 => format!("{ty} = (17 - iota) % 4"),
                4 => format!("{ty} = 5 * (iota + 1)"),
                5 => {
                    self.line("\t_");
                    String::new()
                }
                _ => String::new(),
            };
            let mut line = format!("\t{name}");
            if !right.is_empty() {
                let _ = write!(line, " {right}");
            }
            self.line(&line);
            names.push(name);
        }
        self.line(")");
        uses.push(format!("note({})", names.join(", ")));
        uses.push(format!("show(\"%T %T\", {}, {} + 0)", names[0], names[4]));
        let (shift, kind) = (
            self.random.below(8),
            self.random.pick(&["int", "uint8", "int64", "uint16"]),
        );
        uses.push(format!("{{ n := {shift}; var x {kind} = 1 << n; var y = {kind}(1<<n) >> 1; note(x, y, 1<<n == 2, uint64(1<<n)) }}"));
        uses.push(format!(
            "{{ const c = {}; x := c; var f float32 = c / 2; var z complex128 = c; show(\"%v %T %v %v\", x, x, f, z) }}",
            self.random.pick(&["7", "'x'", "2.0", "1e3", "0x10", "'\\u00e9' + 1", "1 << 3.0", "real(3+4i)", "imag(8i)"])
        ));
        uses
    }
}
