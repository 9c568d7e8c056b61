//! The types of generated variables.

/// Integer kinds by name, with the bounds of the literals that are written for them.
pub const INTEGERS: &[(&str, i64, i64)] = &[
    ("int", i64::MIN + 1, i64::MAX),
    ("int8", -128, 127),
    ("int16", -32768, 32767),
    ("int32", -2_147_483_648, 2_147_483_647),
    ("int64", i64::MIN + 1, i64::MAX),
    ("uint", 0, i64::MAX),
    ("uint8", 0, 255),
    ("uint16", 0, 65535),
    ("uint32", 0, 4_294_967_295),
    ("uint64", 0, i64::MAX),
    ("Num", -32768, 32767),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    /// An index into [`INTEGERS`].
    Integer(usize),
    Float32,
    Float64,
    Bool,
    String,
    Ints,
    Strings,
    Bytes,
    Rows,
    Array,
    SmallArray,
    MapStringInt,
    MapIntString,
    MapPoint,
    Point,
    Outer,
    PointPointer,
    Points,
    Any,
    Shape,
    Func,
}

use Type::*;

pub const INT: Type = Integer(0);

pub const ALL: &[Type] = &[
    INT,
    INT,
    INT,
    Integer(1),
    Integer(2),
    Integer(3),
    Integer(4),
    Integer(5),
    Integer(6),
    Integer(7),
    Integer(8),
    Integer(9),
    Integer(10),
    Float32,
    Float64,
    Bool,
    String,
    String,
    Ints,
    Ints,
    Strings,
    Bytes,
    Rows,
    Array,
    SmallArray,
    MapStringInt,
    MapIntString,
    MapPoint,
    Point,
    Outer,
    PointPointer,
    Points,
    Any,
    Any,
    Shape,
    Func,
];

/// What an interface of a generated program holds and is asked for: everything that prints alike everywhere.
pub const BOXED: &[Type] = &[
    INT,
    Integer(1),
    Integer(6),
    Integer(10),
    Float64,
    Bool,
    String,
    Ints,
    SmallArray,
    Point,
    Outer,
];

impl Type {
    pub fn name(self) -> &'static str {
        match self {
            Integer(kind) => INTEGERS[kind].0,
            Float32 => "float32",
            Float64 => "float64",
            Bool => "bool",
            String => "string",
            Ints => "[]int",
            Strings => "[]string",
            Bytes => "[]byte",
            Rows => "[][]int",
            Array => "[4]int",
            SmallArray => "[3]int8",
            MapStringInt => "map[string]int",
            MapIntString => "map[int]string",
            MapPoint => "map[Point]uint16",
            Point => "Point",
            Outer => "Outer",
            PointPointer => "*Point",
            Points => "[]Point",
            Any => "any",
            Shape => "Shape",
            Func => "func(int) int",
        }
    }

    /// The element type of what has an index, where that is an int.
    pub fn element(self) -> Option<Type> {
        Some(match self {
            Ints | Array => INT,
            Strings => String,
            Bytes => Integer(6),
            Rows => Ints,
            SmallArray => Integer(1),
            Points => Point,
            _ => return None,
        })
    }

    pub fn is_slice(self) -> bool {
        matches!(self, Ints | Strings | Bytes | Rows | Points)
    }

    /// Key and element types.
    pub fn map(self) -> Option<(Type, Type)> {
        Some(match self {
            MapStringInt => (String, INT),
            MapIntString => (INT, String),
            MapPoint => (Point, Integer(7)),
            _ => return None,
        })
    }
}
