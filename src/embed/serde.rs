//! Script values and serde.
//!
//! Both sides meet in [`serde_json::Value`], with Go's rules for structs (`encoding/json`): names and `-` in json tags, `omitempty`, embedded
//! structs, case that does not matter when a field is looked for. Rust's side is what serde does in JSON: options are null or the value, enums are
//! names or objects with one.
//!
//! What JSON has no word for is an error, never another value: NaN and infinities, functions, channels, complex numbers, strings that are
//! not UTF-8, and structs that have fields but none that is exported, such as `time.Time`, whose own `MarshalJSON` would have to be called.
//!
//! *(Rejected: a `Serializer` that writes to the heap directly. It must run where a processor is held, so a slow `Serialize` of the host's would keep
//! the program's goroutines from running.)*

use std::collections::BTreeMap;

use ::serde::Serialize;
use ::serde::de::DeserializeOwned;
use bytecode::TypeKind;
use serde_json::{Map, Number, Value as Json};
use vm::convert::{Declarations, FromGo, GoType, HeldAny, IntoGo, Mismatch, Target, Unconvertible};
use vm::types::RuntimeType;
use vm::{GoPanic, NativeContext, View};

use super::error::Error;
use super::value::{Value, type_named};
use super::vm::Vm;

/// How deep a value may be nested: what is deeper is likely to contain itself.
const DEPTH: usize = 128;

/// Stands for any Go type, by serde: `Serde<Order>` as parameter or result of a host function or of a call takes and gives what
/// `Order` looks like in JSON, with the json tags of the Go type.
///
/// ```
/// use golite::{Golite, Serde};
///
/// #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
/// struct Order { id: u32, items: Vec<String>, note: Option<String> }
///
/// let program = Golite::new().compile(
///     "package main\n\ntype Order struct {\n\tID int `json:\"id\"`\n\tItems []string `json:\"items\"`\n\tNote *string `json:\"note\"`\n}\n\nfunc Add(o Order) Order {\n\to.Items = append(o.Items, \"tea\")\n\treturn o\n}",
/// )?;
/// let vm = program.start()?;
/// let add = vm.func::<(Serde<Order>,), Serde<Order>>("Add")?;
/// let order = Order { id: 7, items: vec!["cake".into()], note: None };
/// let Serde(order) = add.call((Serde(order),))?;
/// assert_eq!(order.items, ["cake", "tea"]);
/// # Ok::<(), golite::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Serde<T>(pub T);

impl<T: 'static> GoType for Serde<T> {
    type Plan = ();
    fn declare(_: &mut Declarations) -> String {
        "any".to_owned()
    }
    fn plan(_: &RuntimeType) -> Result<(), Mismatch> {
        Ok(())
    }
}

impl<T: DeserializeOwned + 'static> FromGo for Serde<T> {
    fn from_go<'h>(
        view: View<'h>,
        _: &(),
        context: &mut NativeContext<'h>,
    ) -> Result<Serde<T>, Unconvertible> {
        let json = json_of(view, context, DEPTH)?;
        serde_json::from_value(json)
            .map(Serde)
            .map_err(|error| Unconvertible(error.to_string()))
    }
}

impl<T: Serialize + 'static> IntoGo for Serde<T> {
    fn into_go<'h>(
        self,
        target: Target<'h>,
        _: &(),
        context: &mut NativeContext<'h>,
    ) -> Result<(), GoPanic> {
        let json = serde_json::to_value(&self.0).map_err(refused)?;
        Tree(json).into_go(target, &(), context)
    }
}

fn refused(error: serde_json::Error) -> GoPanic {
    GoPanic::text(error.to_string())
}

/// A script's value as a value that serde can make. See [`Serde`].
///
/// # Errors
/// [`Error::Conversion`]: it has no form in JSON, or `T` cannot be made of it; else as [`Value::kind`].
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, Error> {
    let json = match value.is_nil() {
        true => Json::Null,
        false => value.look(|view, context| {
            json_of(view, context, DEPTH).map_err(|error| GoPanic::text(error.0))
        })?,
    };
    serde_json::from_value(json).map_err(|error| Error::Conversion(error.to_string()))
}

impl Vm {
    /// What serde makes of a value, for a script that takes `any`: `bool`, `int`, `float64`, `string`, `[]any`, `map[string]any`, nil.
    ///
    /// # Errors
    /// [`Error::Conversion`]: serde refuses; else the VM has ended.
    pub fn to_value<T: Serialize + ?Sized>(&self, value: &T) -> Result<Value, Error> {
        self.to_value_of("any", value)
    }

    /// As [`Vm::to_value`], of a type of the program: `main.Order`, `[]Order`, `map[string]float64`.
    ///
    /// # Errors
    /// [`Error::Conversion`]: there is no such type, or no value of it like that; else the VM has ended.
    pub fn to_value_of<T: Serialize + ?Sized>(&self, ty: &str, value: &T) -> Result<Value, Error> {
        let json =
            serde_json::to_value(value).map_err(|error| Error::Conversion(error.to_string()))?;
        let ty = ty.to_owned();
        self.inner().visit(move |context| {
            let ty = type_named(&ty, context)?;
            let tree = Tree(json.clone());
            let any = context.make_any(ty, |target, context| tree.into_go(target, &(), context))?;
            Ok(Value::of_any(any, context))
        })
    }
}

/// A field's name in JSON and its options; `None`: it has no place there.
struct Place {
    name: String,
    omit_empty: bool,
    /// Its fields stand among those of the struct.
    flattened: bool,
}

fn place_of(ty: &RuntimeType, field: &bytecode::Field) -> Option<Place> {
    let tag = field.tag.split_once("json:\"");
    let tag = tag
        .and_then(|(_, rest)| rest.split('"').next())
        .unwrap_or_default();
    let mut parts = tag.split(',');
    let name = parts.next().unwrap_or_default();
    let inner = match ty.kind() {
        TypeKind::Pointer { .. } => ty.element(),
        _ => ty,
    };
    let is_struct = matches!(inner.kind(), TypeKind::Struct { .. });
    let flattened = field.embedded && name.is_empty() && is_struct;
    let exported = field.name.chars().next().is_some_and(char::is_uppercase);
    if tag == "-" || !exported && !flattened {
        return None;
    }
    Some(Place {
        name: match name {
            "" => field.name.clone(),
            name => name.to_owned(),
        },
        omit_empty: parts.any(|option| option == "omitempty" || option == "omitzero"),
        flattened,
    })
}

fn is_empty(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::Bool(value) => !value,
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::String(text) => text.is_empty(),
        Json::Array(all) => all.is_empty(),
        Json::Object(all) => all.is_empty(),
    }
}

fn json_of<'h>(
    view: View<'h>,
    context: &mut NativeContext<'h>,
    depth: usize,
) -> Result<Json, Unconvertible> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Unconvertible(format!(
            "a {} contains itself, or is nested too deeply",
            view.ty().name()
        )));
    };
    use TypeKind as K;
    Ok(match view.kind() {
        K::Bool => Json::Bool(view.bool()),
        K::Int | K::Int8 | K::Int16 | K::Int32 | K::Int64 => Json::from(view.int()),
        K::Uint | K::Uint8 | K::Uint16 | K::Uint32 | K::Uint64 | K::Uintptr => {
            Json::from(view.uint())
        }
        K::Float32 | K::Float64 => Number::from_f64(view.float())
            .map(Json::Number)
            .ok_or_else(|| Unconvertible(format!("{} has no form in JSON", view.float())))?,
        K::String => match std::str::from_utf8(view.string().as_bytes()) {
            Ok(text) => Json::String(text.to_owned()),
            Err(_) => return Err(Unconvertible("a string is not valid UTF-8".to_owned())),
        },
        K::Slice { .. } | K::Array { .. } => {
            let all = view
                .elements()
                .map(|element| json_of(element, context, depth));
            Json::Array(all.collect::<Result<_, _>>()?)
        }
        K::Pointer { .. } => match view.pointee() {
            Some(view) => json_of(view, context, depth)?,
            None => Json::Null,
        },
        K::Interface { .. } => match view.contents().view() {
            Some(view) => json_of(view, context, depth)?,
            None => Json::Null,
        },
        K::Map { .. } => {
            let entries = view
                .entries(context)
                .map_err(|_| Unconvertible("there is no memory for a map".to_owned()))?;
            let mut all = Map::new();
            for (key, value) in entries {
                let key = match json_of(key, context, depth)? {
                    Json::String(text) => text,
                    Json::Number(number) if !number.is_f64() => number.to_string(),
                    _ => return Err(unfit(view.ty())),
                };
                all.insert(key, json_of(value, context, depth)?);
            }
            Json::Object(all)
        }
        K::Struct { fields } => {
            let mut all = Map::new();
            let mut embedded = Vec::new();
            let mut seen = fields.is_empty();
            for (index, field) in fields.iter().enumerate() {
                let Some(place) = place_of(view.ty().field(index).0, field) else {
                    seen |= field.tag.contains("json:\"-\"");
                    continue;
                };
                seen = true;
                let json = json_of(view.field(index), context, depth)?;
                match json {
                    Json::Object(inner) if place.flattened => embedded.extend(inner),
                    Json::Null if place.flattened => {}
                    json if place.omit_empty && is_empty(&json) => {}
                    json => {
                        all.insert(place.name, json);
                    }
                }
            }
            if !seen {
                return Err(Unconvertible(format!(
                    "a {} has no exported fields",
                    view.ty().name()
                )));
            }
            for (name, json) in embedded {
                // What the struct itself has stands before it.
                all.entry(name).or_insert(json);
            }
            Json::Object(all)
        }
        _ => return Err(unfit(view.ty())),
    })
}

fn unfit(ty: &RuntimeType) -> Unconvertible {
    Unconvertible(format!("a {} has no form in JSON", ty.name()))
}

/// A JSON value that is written as a value of whatever type is expected.
struct Tree(Json);

impl GoType for Tree {
    type Plan = ();
    fn declare(_: &mut Declarations) -> String {
        "any".to_owned()
    }
    fn plan(_: &RuntimeType) -> Result<(), Mismatch> {
        Ok(())
    }
}

impl Tree {
    fn kind(&self) -> &'static str {
        match self.0 {
            Json::Null => "null",
            Json::Bool(_) => "a bool",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "an array",
            Json::Object(_) => "an object",
        }
    }
}

fn misfit(tree: &Tree, ty: &RuntimeType) -> GoPanic {
    GoPanic::text(format!("{} cannot be a {}", tree.kind(), ty.name()))
}

fn out_of_range(number: &Number, ty: &RuntimeType) -> GoPanic {
    GoPanic::text(format!("{number} is out of the range of {}", ty.name()))
}

impl IntoGo for Tree {
    fn into_go<'h>(
        self,
        target: Target<'h>,
        _: &(),
        context: &mut NativeContext<'h>,
    ) -> Result<(), GoPanic> {
        use TypeKind as K;
        let ty = target.ty();
        let bits = ty.size * 8;
        let mismatched = |mismatch: Mismatch| GoPanic::text(mismatch.to_string());
        match (ty.kind(), self.0) {
            (K::Bool, Json::Bool(value)) => value.into_go(target, &(), context),
            (K::Int | K::Int8 | K::Int16 | K::Int32 | K::Int64, Json::Number(number)) => {
                let value = number.as_i64().filter(|value| {
                    let shift = 64 - bits.min(64);
                    value << shift >> shift == *value
                });
                value
                    .ok_or_else(|| out_of_range(&number, ty))?
                    .into_go(target, &(), context)
            }
            (
                K::Uint | K::Uint8 | K::Uint16 | K::Uint32 | K::Uint64 | K::Uintptr,
                Json::Number(number),
            ) => {
                let value = number.as_u64().filter(|value| {
                    let shift = 64 - bits.min(64);
                    value << shift >> shift == *value
                });
                value
                    .ok_or_else(|| out_of_range(&number, ty))?
                    .into_go(target, &(), context)
            }
            (K::Float32 | K::Float64, Json::Number(number)) => {
                let value = number.as_f64();
                value
                    .ok_or_else(|| out_of_range(&number, ty))?
                    .into_go(target, &(), context)
            }
            (K::String, Json::String(text)) => text.into_go(target, &(), context),
            (
                K::Slice { .. } | K::Map { .. } | K::Pointer { .. } | K::Interface { .. },
                Json::Null,
            ) => Ok(()),
            (K::Slice { .. }, Json::Array(all)) => {
                let all: Vec<Tree> = all.into_iter().map(Tree).collect();
                let plan = <Vec<Tree> as GoType>::plan(ty).map_err(mismatched)?;
                all.into_go(target, &plan, context)
            }
            (K::Array { length, .. }, Json::Array(all)) => {
                if all.len() as u64 != *length {
                    return Err(GoPanic::text(format!(
                        "an array of {} elements cannot be a {}",
                        all.len(),
                        ty.name()
                    )));
                }
                for (index, json) in all.into_iter().enumerate() {
                    Tree(json).into_go(target.element(index), &(), context)?;
                }
                Ok(())
            }
            (K::Pointer { .. }, json) => {
                <Option<Tree> as GoType>::plan(ty).map_err(mismatched)?;
                Some(Tree(json)).into_go(target, &(), context)
            }
            (K::Map { .. }, Json::Object(all)) => write_map(all, target, context),
            (K::Struct { .. }, Json::Object(all)) => write_struct(all, target, context),
            (K::Interface { methods }, json) if methods.is_empty() => {
                let name = match &json {
                    Json::Bool(_) => "bool",
                    Json::Number(number) if number.is_f64() => "float64",
                    Json::Number(number) if number.is_u64() && number.as_i64().is_none() => {
                        "uint64"
                    }
                    Json::Number(_) => "int",
                    Json::String(_) => "string",
                    Json::Array(_) => "[]any",
                    Json::Object(_) | Json::Null => "map[string]any",
                };
                let inner = type_named(name, context)?;
                let any = context.make_any(inner, |target, context| {
                    Tree(json).into_go(target, &(), context)
                })?;
                let held = HeldAny::new(any, context);
                HeldAny::give(held.0.as_ref(), target, context)
            }
            (_, json) => Err(misfit(&Tree(json), ty)),
        }
    }
}

fn write_map<'h>(
    all: Map<String, Json>,
    target: Target<'h>,
    context: &mut NativeContext<'h>,
) -> Result<(), GoPanic> {
    use TypeKind as K;
    let ty = target.ty();
    let mismatched = |mismatch: Mismatch| GoPanic::text(mismatch.to_string());
    fn keyed<K: Ord + std::str::FromStr>(
        all: Map<String, Json>,
        ty: &RuntimeType,
    ) -> Result<BTreeMap<K, Tree>, GoPanic> {
        all.into_iter()
            .map(|(key, json)| match key.parse() {
                Ok(key) => Ok((key, Tree(json))),
                Err(_) => Err(GoPanic::text(format!(
                    "{key:?} is no key of a {}",
                    ty.name()
                ))),
            })
            .collect()
    }
    macro_rules! write {
        ($key:ty) => {{
            let plan = <BTreeMap<$key, Tree> as GoType>::plan(ty).map_err(mismatched)?;
            keyed::<$key>(all, ty)?.into_go(target, &plan, context)
        }};
    }
    match ty.key().kind() {
        K::String => write!(String),
        K::Int | K::Int64 => write!(i64),
        K::Int32 => write!(i32),
        K::Int16 => write!(i16),
        K::Int8 => write!(i8),
        K::Uint | K::Uint64 | K::Uintptr => write!(u64),
        K::Uint32 => write!(u32),
        K::Uint16 => write!(u16),
        K::Uint8 => write!(u8),
        _ => Err(GoPanic::text(format!(
            "an object cannot be a {}",
            ty.name()
        ))),
    }
}

fn write_struct<'h>(
    all: Map<String, Json>,
    target: Target<'h>,
    context: &mut NativeContext<'h>,
) -> Result<(), GoPanic> {
    let ty = target.ty();
    let TypeKind::Struct { fields } = ty.kind() else {
        return Err(GoPanic::text(format!("a {} is no struct", ty.name())));
    };
    let places: Vec<Option<Place>> = fields
        .iter()
        .enumerate()
        .map(|(index, field)| place_of(ty.field(index).0, field))
        .collect();
    if places.iter().all(Option::is_none) && !fields.is_empty() {
        return Err(GoPanic::text(format!(
            "a {} has no exported fields",
            ty.name()
        )));
    }
    let named = |wanted: &dyn Fn(&str) -> bool| {
        places.iter().position(|place| {
            place
                .as_ref()
                .is_some_and(|place| !place.flattened && wanted(&place.name))
        })
    };
    let mut rest = Map::new();
    for (key, json) in all {
        let at =
            named(&|name| name == key).or_else(|| named(&|name| name.eq_ignore_ascii_case(&key)));
        match at {
            Some(index) => {
                // As Go, null changes nothing.
                if !json.is_null() {
                    Tree(json).into_go(target.field(index), &(), context)?;
                }
            }
            None => {
                rest.insert(key, json);
            }
        }
    }
    for (index, place) in places.iter().enumerate() {
        if place.as_ref().is_some_and(|place| place.flattened) && !rest.is_empty() {
            Tree(Json::Object(rest.clone())).into_go(target.field(index), &(), context)?;
        }
    }
    Ok(())
}
