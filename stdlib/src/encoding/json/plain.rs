//! What the quick ways of encoding and decoding share: which values they suit, and the fields of structs.
//!
//! `encode.gl` and `decode.gl` do everything, by package reflect. Most values, though, are *plain*: nothing in them has methods that say
//! how it is encoded. Those are walked here at once. Whatever is not plain, or wrong in any way, is left to the slow way from its
//! beginning: it finds what the quick way has stored, stores the same again, and goes on to where the two part. So the quick way only knows
//! what goes well.
//!
//! The depth of its recursion is bounded ([`DEEPEST`]); deeper values are unsuited.

use std::sync::atomic::AtomicBool;

use bytecode::TypeKind;
use vm::native::{GoPanic, NativeContext};
use vm::types::RuntimeType;

/// Deeper values are left to the slow way.
pub const DEEPEST: usize = 64;

/// How many bytes are written or read between looks at what the program may still do.
pub const PORTION: usize = 64 << 10;

/// Why the quick way ends before the value does.
#[derive(Debug)]
pub enum Stop {
    /// This value is for the slow way.
    Unsuited,
    /// All values of the type are.
    UnsuitedType,
    Panic(GoPanic),
}

impl Stop {
    /// What a native answers: that the slow way is to do it, or the panic. Memory that is refused is for the slow way, too, which can go on
    /// after a collection where it is, and need not begin anew.
    pub fn left_to_slow_way<T>(self, answer: T) -> Result<T, GoPanic> {
        match self {
            Stop::Unsuited
            | Stop::UnsuitedType
            | Stop::Panic(GoPanic::WantsMemory | GoPanic::OutOfMemory) => Ok(answer),
            Stop::Panic(panic) => Err(panic),
        }
    }
}

impl From<GoPanic> for Stop {
    fn from(panic: GoPanic) -> Stop {
        Stop::Panic(panic)
    }
}

/// Two interface types whose methods a plain value does not have.
#[derive(Clone, Copy)]
pub struct Interfaces<'h>(pub [&'h RuntimeType; 2]);

impl<'h> Interfaces<'h> {
    /// Whether values of a type, or pointers to them, have the methods, or are otherwise no plain values.
    pub fn concern(
        self,
        context: &NativeContext<'h>,
        ty: &'h RuntimeType,
    ) -> Result<bool, GoPanic> {
        let descriptor = &ty.descriptor;
        let may = match ty.kind() {
            TypeKind::Interface { .. } => false,
            TypeKind::Pointer { .. } | TypeKind::Struct { .. } => true,
            // Only types that a package has declared have methods.
            _ => !descriptor.package.is_empty(),
        };
        if !may {
            return Ok(false);
        }
        if descriptor.own_name == "Number" && descriptor.package == "encoding/json" {
            return Ok(true);
        }
        let has = |ty: &RuntimeType| self.0.iter().any(|wanted| ty.implements(wanted));
        if has(ty) {
            return Ok(true);
        }
        match ty.kind() {
            TypeKind::Pointer { .. } => Ok(false),
            _ => Ok(has(context.pointer_to(ty)?)),
        }
    }
}

/// The fields of a struct type as they stand in JSON, for types that need no more to be said of them than this.
pub struct Fields {
    pub list: Vec<Field>,
    /// Something in values of the type is not plain, whatever they hold.
    pub encodes_slowly: AtomicBool,
    pub decodes_slowly: AtomicBool,
}

pub struct Field {
    pub index: usize,
    pub name: String,
    /// The name in quotes with a colon, and the same escaped for HTML.
    pub key: Vec<u8>,
    pub html_key: Vec<u8>,
    pub omit_empty: bool,
}

/// Which field a key stands for.
pub enum Found {
    Field(usize),
    Nothing,
    /// The slow way tells.
    Unknown,
}

impl Fields {
    /// Those of a struct type; `None` if it is none or takes rules that only the slow way knows: embedded fields, unusual names, the
    /// options omitzero and string.
    pub fn of(ty: &RuntimeType) -> Option<&Fields> {
        ty.note(Fields::collect)?.as_ref()
    }

    fn collect(ty: &RuntimeType) -> Option<Fields> {
        let TypeKind::Struct { fields } = ty.kind() else {
            return None;
        };
        let mut list: Vec<Field> = Vec::new();
        for (index, field) in fields.iter().enumerate() {
            if field.embedded {
                return None;
            }
            if !field.exported {
                continue;
            }
            let tag = tag_value(&field.tag)?;
            if tag == "-" {
                continue;
            }
            let (name, options) = tag.split_once(',').unwrap_or((tag, ""));
            let is_usual = |byte: u8| {
                byte.is_ascii_alphanumeric() || b"!#$%&()*+-./:;<=>?@[]^_{|}~ ".contains(&byte)
            };
            let name = match name {
                "" => field.name.as_str(),
                name if name.bytes().all(is_usual) => name,
                _ => return None,
            };
            let mut omit_empty = false;
            for option in options.split(',') {
                match option {
                    "omitempty" => omit_empty = true,
                    "omitzero" | "string" => return None,
                    _ => {}
                }
            }
            if !name.is_ascii() || list.iter().any(|other| other.name == name) {
                return None;
            }
            let key = |html| {
                let mut key = Vec::new();
                super::append_quoted(&mut key, name.as_bytes(), html);
                key.push(b':');
                key
            };
            list.push(Field {
                index,
                name: name.to_owned(),
                key: key(false),
                html_key: key(true),
                omit_empty,
            });
        }
        Some(Fields {
            list,
            encodes_slowly: AtomicBool::new(false),
            decodes_slowly: AtomicBool::new(false),
        })
    }

    /// The place in the list of the field with a name: with just this name, else the first with it but for upper and lower case. Keys come in the
    /// order of the fields more often than not: it is looked from `from` on.
    pub fn find(&self, name: &[u8], from: usize) -> Found {
        let (before, behind) = self.list.split_at(from.min(self.list.len()));
        let exact = |field: &Field| field.name.as_bytes() == name;
        if let Some(at) = behind.iter().position(exact) {
            return Found::Field(before.len() + at);
        }
        if let Some(at) = before.iter().position(exact) {
            return Found::Field(at);
        }
        if !name.is_ascii() {
            // Two letters outside of ASCII are k and s in the other case.
            return Found::Unknown;
        }
        let folded = |field: &Field| field.name.as_bytes().eq_ignore_ascii_case(name);
        match self.list.iter().position(folded) {
            Some(at) => Found::Field(at),
            None => Found::Nothing,
        }
    }
}

/// The value of the key `json` of a struct tag, empty if there is none; `None` if only the slow way can tell.
/// GO: reflect `StructTag.Lookup`.
fn tag_value(tag: &str) -> Option<&str> {
    let mut rest = tag.trim_start_matches(' ');
    while !rest.is_empty() {
        let end = rest.find([':', '"', ' ', '\u{7f}'])?;
        let (key, quoted) = (&rest[..end], rest[end..].strip_prefix(":\"")?);
        if key.is_empty() || key.bytes().any(|byte| byte <= b' ') {
            return None;
        }
        let end = quoted.find(['"', '\\', '\n'])?;
        if !quoted[end..].starts_with('"') {
            return None;
        }
        if key == "json" {
            return Some(&quoted[..end]);
        }
        rest = quoted[end + 1..].trim_start_matches(' ');
    }
    Some("")
}

#[cfg(test)]
mod tests {
    use super::tag_value;

    #[test]
    fn tags_are_read_or_left_to_the_slow_way() {
        for (tag, value) in [
            ("", Some("")),
            (r#"json:"a,omitempty""#, Some("a,omitempty")),
            (r#"xml:"x" json:"a" yaml:"b""#, Some("a")),
            (r#"xml:"x""#, Some("")),
            (r#"json:"-""#, Some("-")),
            (r#"json:"a\n""#, None),
            ("json", None),
            ("json:a", None),
            (r#"json: "a""#, None),
            (r#"json:"a"#, None),
        ] {
            assert_eq!(tag_value(tag), value, "{tag}");
        }
    }
}
