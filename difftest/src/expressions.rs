//! Expressions of a type.
//!
//! Nothing here is constant but literals, and those stand beside something that is not: Go's compiler would reject constants that
//! overflow. Calls have no effects, so that their order does not matter.

use crate::generate::Generator;
use crate::types::Type::{self, *};
use crate::types::{BOXED, INT, INTEGERS};

impl Generator {
    /// An expression of type `ty`, never constant.
    pub fn expression(&mut self, ty: Type, depth: usize) -> std::string::String {
        let choice = self.random.below(100);
        if (depth == 0 || choice < 25)
            && let Some(name) = self.variable(ty)
        {
            return name;
        }
        let below = depth.saturating_sub(1);
        match ty {
            Integer(_) => self.integer(ty, depth),
            Float32 | Float64 => self.float(ty, depth),
            Bool => self.condition(depth),
            String => self.string(depth),
            Any => {
                let held = self.random.pick(BOXED);
                let value = self.expression(held, below);
                format!("any({value})")
            }
            Shape => match self.random.below(4) {
                0 => format!("Shape({})", self.expression(Integer(10), below)),
                1 => format!("Shape({})", self.expression(Point, below)),
                2 => match self.variable(PointPointer) {
                    Some(name) => format!("Shape({name})"),
                    None => "Shape(&Point{1, 2, \"sp\"})".to_owned(),
                },
                _ => format!("Shape({})", self.expression(Outer, below)),
            },
            Func => self.function_value(depth),
            PointPointer => match self.variable(Point).filter(|_| choice < 60) {
                Some(name) => format!("&{name}"),
                None => format!("&{}", self.literal(Point, below)),
            },
            Point => match self.random.below(6) {
                0 => format!(
                    "{}.Moved({})",
                    self.primary(Point, below),
                    self.expression(INT, below)
                ),
                1 => format!("{}.Point", self.primary(Outer, below)),
                2 => match self.variable(Points) {
                    Some(name) => format!("{name}[{}]", self.index(below)),
                    None => self.literal(Point, below),
                },
                3 => match self.variable(PointPointer) {
                    Some(name) => format!("*{name}"),
                    None => self.literal(Point, below),
                },
                _ => self.literal(Point, below),
            },
            Ints if choice < 45 => match self.variable(Rows) {
                Some(name) => format!("{name}[{}]", self.index(below)),
                None => self.literal(Ints, below),
            },
            _ if ty.is_slice() && choice < 60 => match self.variable(ty) {
                Some(name) => self.sliced(&name, below),
                None => self.literal(ty, below),
            },
            Ints if choice < 70 => match self.variable(Array) {
                Some(name) => format!("{name}[{}:]", self.random.below(4)),
                None => self.literal(Ints, below),
            },
            _ => self.literal(ty, below),
        }
    }

    /// An expression that can stand before a dot.
    fn primary(&mut self, ty: Type, depth: usize) -> std::string::String {
        match self.variable(ty) {
            Some(name) => name,
            None => self.literal(ty, depth),
        }
    }

    fn sliced(&mut self, name: &str, depth: usize) -> std::string::String {
        let (low, high) = (self.random.below(3), 1 + self.random.below(4));
        match self.random.below(5) {
            0 => format!("{name}[{low}:]"),
            1 => format!("{name}[:cut(len({name}), {high})]"),
            2 => format!("{name}[{low}:{}]", low + high),
            3 => format!("{name}[:{low}:{}]", low + high),
            _ => format!("{name}[cut(len({name}), int({})):]", self.index(depth)),
        }
    }

    /// An index that is mostly good.
    pub fn index(&mut self, depth: usize) -> std::string::String {
        match self.random.below(12) {
            0 => format!("{}&3", self.simple(INT)),
            1 => format!("{}%3", self.simple(Integer(6))),
            2 if depth > 0 => self.expression(INT, depth - 1),
            3 => self.simple(Integer(9)) + "&1",
            4 => self.simple(INT) + "&1",
            5..=7 => "0".to_owned(),
            8 | 9 => "1".to_owned(),
            _ => "2".to_owned(),
        }
    }

    /// A variable of the type, or something as short.
    fn simple(&mut self, ty: Type) -> std::string::String {
        match self.variable(ty) {
            Some(name) => name,
            None => match ty {
                Integer(_) => format!("{}(a)", ty.name()),
                Float32 | Float64 => format!("{}(a)", ty.name()),
                Bool => "(a > 3)".to_owned(),
                String => "s".to_owned(),
                _ => self.literal(ty, 0),
            },
        }
    }

    /// A literal number of the type, for beside a variable.
    pub fn number(&mut self, ty: Type) -> std::string::String {
        let Integer(kind) = ty else {
            return self
                .random
                .pick(&["0.5", "2", "1e3", "0.1", "-3.25", "7", "1e-3"])
                .to_owned();
        };
        let (_, low, high) = INTEGERS[kind];
        let value = match self.random.below(8) {
            0 => low,
            1 => high,
            2 => high - self.random.below(3) as i64,
            3 if low < 0 => -(self.random.below(100) as i64),
            _ => self.random.below(100) as i64,
        };
        value.to_string()
    }

    fn integer(&mut self, ty: Type, depth: usize) -> std::string::String {
        let below = depth.saturating_sub(1);
        if depth == 0 {
            return self.simple(ty);
        }
        match self.random.below(26) {
            0..=6 => {
                let op = self
                    .random
                    .pick(&["+", "-", "*", "&", "|", "^", "&^", "+", "-", "*"]);
                let left = self.expression(ty, below);
                let right = self.operand(ty, below);
                match self.random.below(4) {
                    0 => format!("({right} {op} {left})"),
                    _ => format!("({left} {op} {right})"),
                }
            }
            7 | 8 => {
                let op = self.random.pick(&["/", "%"]);
                let left = self.expression(ty, below);
                let right = if self.random.chance(70) {
                    self.random
                        .pick(&["1", "2", "3", "7", "8", "10", "16", "100"])
                        .to_owned()
                } else {
                    format!("({}|1)", self.expression(ty, below))
                };
                format!("({left} {op} {right})")
            }
            9 | 10 => {
                let op = self.random.pick(&["<<", ">>"]);
                let left = self.expression(ty, below);
                let count = match self.random.below(4) {
                    0 => format!("({} & 63)", self.expression(INT, below)),
                    1 => self.expression(Integer(6), below),
                    _ => self.random.below(70).to_string(),
                };
                format!("({left} {op} {count})")
            }
            11 => format!("-{}", self.simple(ty)),
            12 => format!("^{}", self.simple(ty)),
            13..=15 => {
                let from = Integer(self.random.below(INTEGERS.len()));
                format!("{}({})", ty.name(), self.expression(from, below))
            }
            16 => {
                let (a, b) = (self.expression(ty, below), self.operand(ty, below));
                format!("{}({a}, {b})", self.random.pick(&["min", "max"]))
            }
            _ if ty == INT => self.int_only(below),
            17 if ty == Integer(10) => format!("{}.Twice()", self.simple(ty)),
            18 if ty == Integer(7) => format!("{}.n", self.primary(Outer, below)),
            19 if ty == Integer(1) => match self.variable(SmallArray) {
                Some(name) => format!("{name}[{}]", self.index(below)),
                None => self.simple(ty),
            },
            20 if ty == Integer(6) => match self.variable(Bytes) {
                Some(name) => format!("{name}[{}]", self.index(below)),
                None => format!("{}[0]", self.simple(String)),
            },
            21 if ty == Integer(7) => match self.variable(MapPoint) {
                Some(name) => format!("{name}[{}]", self.expression(Point, below)),
                None => self.simple(ty),
            },
            _ => self.simple(ty),
        }
    }

    fn int_only(&mut self, depth: usize) -> std::string::String {
        match self.random.below(16) {
            0 => {
                let ty = self.random.pick(&[
                    String,
                    Ints,
                    Strings,
                    Bytes,
                    Rows,
                    MapStringInt,
                    MapIntString,
                    Points,
                ]);
                format!("len({})", self.simple(ty))
            }
            1 | 2 => {
                let ty = self.random.pick(&[Ints, Array]);
                match self.variable(ty) {
                    Some(name) => format!("{name}[{}]", self.index(depth)),
                    None => self.simple(INT),
                }
            }
            3 => match self.variable(Rows) {
                Some(name) => format!("{name}[{}][{}]", self.index(depth), self.index(depth)),
                None => self.simple(INT),
            },
            4 => match self.variable(MapStringInt) {
                Some(name) => format!("{name}[{}]", self.expression(String, depth)),
                None => self.simple(INT),
            },
            5 => format!(
                "{}.{}",
                self.primary(Point, depth),
                self.random.pick(&["x", "y", "Area()"])
            ),
            6 => match self.variable(PointPointer) {
                Some(name) => format!("{name}.{}", self.random.pick(&["x", "y", "Area()"])),
                None => self.simple(INT),
            },
            7 => format!(
                "{}.{}",
                self.primary(Outer, depth),
                self.random.pick(&["x", "Sum()", "Point.y", "Area()"])
            ),
            8 => match self.variable(Shape) {
                Some(name) => format!("{name}.Area()"),
                None => self.simple(INT),
            },
            9 => {
                let (a, b, c) = (
                    self.expression(INT, depth),
                    self.expression(Integer(6), depth),
                    self.expression(String, depth),
                );
                format!("mix({a}, {b}, {c})")
            }
            10 => {
                let count = self.random.below(4);
                let list: Vec<_> = (0..count).map(|_| self.expression(INT, depth)).collect();
                format!("sum({})", list.join(", "))
            }
            11 => match self.variable(Func) {
                Some(name) => format!("{name}({})", self.expression(INT, depth)),
                None => format!("half({})", self.expression(INT, depth)),
            },
            12 => format!("int({}[{}])", self.simple(String), self.index(depth)),
            13 => match self.variable(Any).filter(|_| self.random_small()) {
                Some(name) => format!("{name}.(int)"),
                None => self.simple(INT),
            },
            14 => match self.variable(Ints) {
                Some(name) => format!("sum({name}...)"),
                None => self.simple(INT),
            },
            _ => format!(
                "func(q int) int {{ return q*2 + {} }}({})",
                self.simple(INT),
                self.expression(INT, depth)
            ),
        }
    }

    fn random_small(&mut self) -> bool {
        self.random.chance(20)
    }

    /// The right operand: a literal now and then.
    fn operand(&mut self, ty: Type, depth: usize) -> std::string::String {
        if self.random.chance(40) {
            self.number(ty)
        } else {
            self.expression(ty, depth)
        }
    }

    fn float(&mut self, ty: Type, depth: usize) -> std::string::String {
        if depth == 0 {
            return self.simple(ty);
        }
        let below = depth - 1;
        match self.random.below(8) {
            0..=3 => {
                let op = self.random.pick(&["+", "-", "*", "/"]);
                let left = self.expression(ty, below);
                // A product that is added to is not fused with the sum if it is converted.
                format!("({left} {op} {})", self.number(ty))
            }
            4 => {
                let from = Integer(self.random.below(INTEGERS.len()));
                format!("{}({})", ty.name(), self.expression(from, below))
            }
            5 => {
                let other = if ty == Float32 { Float64 } else { Float32 };
                format!("{}({})", ty.name(), self.expression(other, below))
            }
            6 if ty == Float32 => format!("{}.f", self.primary(Outer, below)),
            _ => self.simple(ty),
        }
    }

    pub fn condition(&mut self, depth: usize) -> std::string::String {
        let below = depth.saturating_sub(1);
        let compare = |g: &mut Generator| g.random.pick(&["==", "!=", "<", "<=", ">", ">="]);
        match self.random.below(12) {
            0..=3 => {
                let ty = Integer(self.random.below(INTEGERS.len()));
                let op = compare(self);
                format!(
                    "{} {op} {}",
                    self.expression(ty, below),
                    self.operand(ty, below)
                )
            }
            4 => {
                let op = compare(self);
                format!(
                    "{} {op} {}",
                    self.expression(String, below),
                    self.expression(String, below)
                )
            }
            5 if depth > 0 => {
                let op = self.random.pick(&["&&", "||"]);
                format!("({} {op} {})", self.condition(below), self.condition(below))
            }
            6 if depth > 0 => format!("!({})", self.condition(below)),
            7 => {
                let ty = self
                    .random
                    .pick(&[Point, Array, SmallArray, Outer, Any, Float64]);
                let op = self.random.pick(&["==", "!="]);
                format!(
                    "{} {op} {}",
                    self.simple_parenthesised(ty),
                    self.simple_parenthesised(ty)
                )
            }
            8 => match self.variable(Any) {
                Some(name) => format!("{name} == any({})", self.expression(INT, below)),
                None => "s > \"k\"".to_owned(),
            },
            _ => match self.variable(Bool) {
                Some(name) => name,
                None => format!("{} > {}", self.simple(INT), self.random.below(20)),
            },
        }
    }

    /// In the head of a statement a literal must stand in parentheses.
    fn simple_parenthesised(&mut self, ty: Type) -> std::string::String {
        let text = self.simple(ty);
        if text.contains('{') {
            format!("({text})")
        } else {
            text
        }
    }

    fn string(&mut self, depth: usize) -> std::string::String {
        if depth == 0 {
            return self.simple(String);
        }
        let below = depth - 1;
        match self.random.below(14) {
            0..=2 => format!("clip({} + {})", self.expression(String, below), self.text()),
            3 => format!(
                "clip({} + {} + {})",
                self.text(),
                self.expression(String, below),
                self.expression(String, below)
            ),
            4 => format!(
                "fmt.Sprint({}, {})",
                self.expression(INT, below),
                self.expression(Bool, below)
            ),
            5 => format!("string(rune({} & 0x3ff))", self.expression(INT, below)),
            6 => match self.variable(Bytes) {
                Some(name) => format!("string({name})"),
                None => self.simple(String),
            },
            7 => match self.variable(Strings) {
                Some(name) => format!("{name}[{}]", self.index(below)),
                None => self.simple(String),
            },
            8 => match self.variable(MapIntString) {
                Some(name) => format!("{name}[{}]", self.expression(INT, below)),
                None => self.simple(String),
            },
            9 => {
                let name = self.simple(String);
                match self.random.below(3) {
                    0 => format!("{name}[cut(len({name}), 2):]"),
                    1 => format!("{name}[:cut(len({name}), {})]", self.random.below(5)),
                    _ => format!(
                        "{name}[{}:{}]",
                        self.random.below(2),
                        1 + self.random.below(3)
                    ),
                }
            }
            10 => format!("{}.tag", self.primary(Point, below)),
            11 => format!("{}.name", self.primary(Outer, below)),
            12 => match self.variable(Shape) {
                Some(name) => format!("{name}.Label({})", self.expression(String, below)),
                None => self.simple(String),
            },
            _ => format!(
                "fmt.Sprintf(\"%v|%d\", {}, {})",
                self.expression(Point, below),
                self.expression(Integer(8), below)
            ),
        }
    }

    fn text(&mut self) -> std::string::String {
        self.random
            .pick(&[
                "\"a\"",
                "\"bc\"",
                "\"é\"",
                "\"世\"",
                "\"\"",
                "\"x\\x00y\"",
                "\"-\"",
                "\"\\xff\"",
            ])
            .to_owned()
    }

    fn function_value(&mut self, depth: usize) -> std::string::String {
        let below = depth.saturating_sub(1);
        match self.random.below(5) {
            0 => "half".to_owned(),
            1 => {
                let name = self.simple(INT);
                format!("func(q int) int {{ return q + {name} }}")
            }
            2 => {
                let name = self.primary(Point, 0);
                format!(
                    "func(q int) int {{ return q*{name}.x - {} }}",
                    self.random.below(9)
                )
            }
            3 => format!(
                "func(k int) func(int) int {{ return func(q int) int {{ k++; return q ^ k }} }}({})",
                self.expression(INT, below)
            ),
            _ => "func(q int) int { if q > 5 { return q - 5 }; return -q }".to_owned(),
        }
    }

    /// A composite literal, or a conversion where there is none.
    pub fn literal(&mut self, ty: Type, depth: usize) -> std::string::String {
        let list = |g: &mut Generator, ty: Type, count: usize| -> std::string::String {
            (0..count)
                .map(|_| g.expression(ty, depth.saturating_sub(1)))
                .collect::<Vec<_>>()
                .join(", ")
        };
        match ty {
            Integer(_) | Float32 | Float64 => format!("{}({})", ty.name(), self.number_for(ty)),
            Bool => format!("a > {}", self.random.below(9)),
            String => self.text() + "+s",
            Ints | Strings | Bytes | Rows | Points => {
                let element = ty.element().unwrap_or(INT);
                if self.random.chance(15) {
                    return format!(
                        "make({}, {}, {})",
                        ty.name(),
                        3 + self.random.below(3),
                        6 + self.random.below(4)
                    );
                }
                let count = 3 + self.random.below(3);
                let elements = list(self, element, count);
                format!("{}{{{elements}}}", ty.name())
            }
            Array => {
                let count = self.random.below(5);
                format!("[4]int{{{}}}", list(self, INT, count))
            }
            SmallArray => format!(
                "[3]int8{{2: {}, 0: {}}}",
                self.expression(Integer(1), 0),
                self.number(Integer(1))
            ),
            MapStringInt => format!(
                "map[string]int{{\"a\": {}, \"k\": {}}}",
                self.expression(INT, 0),
                self.number(INT)
            ),
            MapIntString => format!(
                "map[int]string{{1: {}, -2: \"m\"}}",
                self.expression(String, 0)
            ),
            MapPoint => format!(
                "map[Point]uint16{{{{1, 2, \"\"}}: {}}}",
                self.expression(Integer(7), 0)
            ),
            Point => match self.random.below(3) {
                0 => format!(
                    "Point{{x: {}}}",
                    self.expression(INT, depth.saturating_sub(1))
                ),
                1 => "Point{}".to_owned(),
                _ => format!(
                    "Point{{{}, {}, {}}}",
                    self.expression(INT, 0),
                    self.number(INT),
                    self.expression(String, 0)
                ),
            },
            Outer => match self.random.below(3) {
                0 => format!("Outer{{name: {}}}", self.expression(String, 0)),
                1 => format!(
                    "Outer{{Point: {}, n: {}}}",
                    self.expression(Point, 0),
                    self.expression(Integer(7), 0)
                ),
                _ => format!(
                    "Outer{{Inner: Inner{{f: {}, c: [2]int8{{1, {}}}}}}}",
                    self.expression(Float32, 0),
                    self.expression(Integer(1), 0)
                ),
            },
            PointPointer => format!("&{}", self.literal(Point, depth)),
            Any => "any(nil)".to_owned(),
            Shape => "Shape(Num(3))".to_owned(),
            Func => "half".to_owned(),
        }
    }

    fn number_for(&mut self, ty: Type) -> std::string::String {
        self.number(ty)
    }
}
