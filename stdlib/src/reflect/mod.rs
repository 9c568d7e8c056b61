//! Natives of package reflect: what types and values are, and what lies in them.
//!
//! A value comes as an interface and a flag, *indirect*: see [`vm::reflection`]. Which operations a value allows, and in which
//! words one that it does not allow panics, is `value.gl`'s matter; these natives only never break memory.

mod deep_equal;

use bytecode::{ChannelDirection, TypeKind};
use vm::border::{Any, GoSlice, GoStr, Reference, View};
use vm::made_types::NewField;
use vm::native::{GoPanic, NativeContext};
use vm::natives;
use vm::reflection::{MachineOperation, Tags, TypeHandle, identical_underlying};
use vm::types::RuntimeType;

/// The `Kind`s of type.gl.
const INTERFACE: i64 = 20;

fn kind_of(ty: &RuntimeType) -> i64 {
    match ty.kind() {
        TypeKind::Bool => 1,
        TypeKind::Int => 2,
        TypeKind::Int8 => 3,
        TypeKind::Int16 => 4,
        TypeKind::Int32 => 5,
        TypeKind::Int64 => 6,
        TypeKind::Uint => 7,
        TypeKind::Uint8 => 8,
        TypeKind::Uint16 => 9,
        TypeKind::Uint32 => 10,
        TypeKind::Uint64 => 11,
        TypeKind::Uintptr => 12,
        TypeKind::Float32 => 13,
        TypeKind::Float64 => 14,
        TypeKind::Complex64 { .. } => 15,
        TypeKind::Complex128 { .. } => 16,
        TypeKind::Array { .. } => 17,
        TypeKind::Channel { .. } => 18,
        TypeKind::Function { .. } => 19,
        TypeKind::Interface { .. } => INTERFACE,
        TypeKind::Map { .. } => 21,
        TypeKind::Pointer { .. } => 22,
        TypeKind::Slice { .. } => 23,
        TypeKind::String => 24,
        TypeKind::Struct { .. } => 25,
        TypeKind::Tuple { .. } => 0,
    }
}

// ---- types ----

fn type_of(value: Any<'_>) -> TypeHandle<'_> {
    value.ty().map_or(TypeHandle::NIL, TypeHandle::of)
}

fn type_kind(ty: TypeHandle<'_>) -> Result<i64, GoPanic> {
    Ok(kind_of(ty.get()?))
}

fn type_string<'h>(
    context: &mut NativeContext<'h>,
    ty: TypeHandle<'h>,
) -> Result<GoStr<'h>, GoPanic> {
    context.new_string(ty.get()?.name().as_bytes())
}

/// Whether a type has a name, and its package.
fn type_names(ty: TypeHandle<'_>) -> Result<(bool, String), GoPanic> {
    let descriptor = &ty.get()?.descriptor;
    let named = !descriptor.own_name.is_empty();
    let package = if named {
        descriptor.package.clone()
    } else {
        String::new()
    };
    Ok((named, package))
}

fn type_size(ty: TypeHandle<'_>) -> Result<(u64, i64), GoPanic> {
    let ty = ty.get()?;
    Ok((ty.go_size(), ty.go_align() as i64))
}

fn type_elem(ty: TypeHandle<'_>) -> Result<TypeHandle<'_>, GoPanic> {
    let ty = ty.get()?;
    Ok(match ty.kind() {
        TypeKind::Pointer { .. }
        | TypeKind::Slice { .. }
        | TypeKind::Array { .. }
        | TypeKind::Channel { .. }
        | TypeKind::Map { .. } => TypeHandle::of(ty.element()),
        _ => TypeHandle::NIL,
    })
}

fn type_key(ty: TypeHandle<'_>) -> Result<TypeHandle<'_>, GoPanic> {
    let ty = ty.get()?;
    Ok(match ty.kind() {
        TypeKind::Map { .. } => TypeHandle::of(ty.key()),
        _ => TypeHandle::NIL,
    })
}

fn type_len(ty: TypeHandle<'_>) -> Result<i64, GoPanic> {
    Ok(match ty.get()?.kind() {
        TypeKind::Array { length, .. } => *length as i64,
        _ => 0,
    })
}

/// The `ChanDir` of a channel type.
fn type_direction(ty: TypeHandle<'_>) -> Result<i64, GoPanic> {
    Ok(match ty.get()?.kind() {
        TypeKind::Channel { direction, .. } => match direction {
            ChannelDirection::Receive => 1,
            ChannelDirection::Send => 2,
            ChannelDirection::Both => 3,
        },
        _ => 0,
    })
}

fn field_count(ty: TypeHandle<'_>) -> Result<i64, GoPanic> {
    Ok(match ty.get()?.kind() {
        TypeKind::Struct { fields } => fields.len() as i64,
        _ => 0,
    })
}

type FieldResults<'h> = (
    GoStr<'h>,
    GoStr<'h>,
    GoStr<'h>,
    TypeHandle<'h>,
    u64,
    bool,
    bool,
);

/// Name, package (of an unexported field), tag, type, offset in Go, whether it is embedded, whether it is exported.
fn field_at<'h>(
    context: &mut NativeContext<'h>,
    ty: TypeHandle<'h>,
    index: i64,
) -> Result<FieldResults<'h>, GoPanic> {
    let ty = ty.get()?;
    let TypeKind::Struct { fields } = ty.kind() else {
        return Err(out_of_range());
    };
    let index = usize::try_from(index).map_err(|_| out_of_range())?;
    let field = fields.get(index).ok_or_else(out_of_range)?;
    let mut offset = 0_u64;
    for before in 0..=index {
        let inner = ty.field(before).0;
        offset = offset.next_multiple_of(inner.go_align());
        if before < index {
            offset += inner.go_size();
        }
    }
    let package = if field.exported {
        ""
    } else {
        context.image().field_package(ty)
    };
    Ok((
        context.new_string(field.name.as_bytes())?,
        context.new_string(package.as_bytes())?,
        context.new_string(field.tag.as_bytes())?,
        TypeHandle::of(ty.field(index).0),
        offset,
        field.embedded,
        field.exported,
    ))
}

/// The field with this name in the type itself, and whether it embeds anything that may have one; -1 for none.
fn field_named(ty: TypeHandle<'_>, name: GoStr<'_>) -> Result<(i64, bool), GoPanic> {
    let TypeKind::Struct { fields } = ty.get()?.kind() else {
        return Ok((-1, false));
    };
    let found = fields
        .iter()
        .position(|field| field.name.as_bytes() == name.as_bytes());
    Ok((
        found.map_or(-1, |index| index as i64),
        fields.iter().any(|field| field.embedded),
    ))
}

fn out_of_range() -> GoPanic {
    GoPanic::text("reflect: index out of range")
}

fn signature(ty: TypeHandle<'_>) -> Result<(i64, i64, bool), GoPanic> {
    Ok(match ty.get()?.kind() {
        TypeKind::Function {
            parameters,
            results,
            variadic,
        } => (parameters.len() as i64, results.len() as i64, *variadic),
        _ => (0, 0, false),
    })
}

fn parameter<'h>(
    context: &mut NativeContext<'h>,
    ty: TypeHandle<'h>,
    index: i64,
    result: bool,
) -> Result<TypeHandle<'h>, GoPanic> {
    let TypeKind::Function {
        parameters,
        results,
        ..
    } = ty.get()?.kind()
    else {
        return Err(out_of_range());
    };
    let list = if result { results } else { parameters };
    let id = usize::try_from(index)
        .ok()
        .and_then(|index| list.get(index));
    let id = id.ok_or_else(out_of_range)?;
    Ok(TypeHandle::of(context.image().ty(*id)))
}

/// The methods of a type that reflection shows, as selectors, in order of name.
fn methods(context: &NativeContext<'_>, ty: &RuntimeType) -> Vec<u32> {
    let image = context.image();
    let mut selectors: Vec<u32> = match ty.kind() {
        TypeKind::Interface { methods } => methods.iter().map(|m| m.selector).collect(),
        _ => {
            let all = ty.descriptor.methods.iter().map(|m| m.selector);
            all.filter(|&s| image.selectors()[s as usize].package.is_empty())
                .collect()
        }
    };
    selectors.sort_by(|&a, &b| {
        let (a, b) = (
            &image.selectors()[a as usize],
            &image.selectors()[b as usize],
        );
        (&a.name, &a.package).cmp(&(&b.name, &b.package))
    });
    selectors
}

fn method_count(context: &mut NativeContext<'_>, ty: TypeHandle<'_>) -> Result<i64, GoPanic> {
    let ty = ty.get()?;
    if let TypeKind::Interface { methods } = ty.kind() {
        return Ok(methods.len() as i64);
    }
    Ok(i64::from(context.image().exported_methods(ty)))
}

/// Name, package (of an unexported method), type without receiver, selector.
fn method_at<'h>(
    context: &mut NativeContext<'h>,
    ty: TypeHandle<'h>,
    index: i64,
) -> Result<(GoStr<'h>, GoStr<'h>, TypeHandle<'h>, i64), GoPanic> {
    let ty = ty.get()?;
    let selectors = methods(context, ty);
    let selector = usize::try_from(index)
        .ok()
        .and_then(|index| selectors.get(index).copied())
        .ok_or_else(out_of_range)?;
    let image = context.image();
    let name = &image.selectors()[selector as usize];
    Ok((
        context.new_string(name.name.as_bytes())?,
        context.new_string(name.package.as_bytes())?,
        image
            .method_type(selector)
            .map_or(TypeHandle::NIL, TypeHandle::of),
        i64::from(selector),
    ))
}

/// The index of a method by its name; -1 for none.
fn method_named(
    context: &mut NativeContext<'_>,
    ty: TypeHandle<'_>,
    name: GoStr<'_>,
) -> Result<i64, GoPanic> {
    let ty = ty.get()?;
    let selectors = methods(context, ty);
    let names = context.image().selectors();
    let found = selectors
        .iter()
        .position(|&s| names[s as usize].name.as_bytes() == name.as_bytes());
    Ok(found.map_or(-1, |index| index as i64))
}

fn comparable_type(ty: TypeHandle<'_>) -> Result<bool, GoPanic> {
    Ok(ty.get()?.comparable)
}

/// Whether a type has all methods of an interface type.
fn implements(ty: TypeHandle<'_>, interface: TypeHandle<'_>) -> Result<bool, GoPanic> {
    let (ty, interface) = (ty.get()?, interface.get()?);
    match (ty.kind(), interface.kind()) {
        (TypeKind::Interface { methods: has }, TypeKind::Interface { methods: wanted }) => {
            Ok(wanted
                .iter()
                .all(|w| has.iter().any(|h| h.selector == w.selector)))
        }
        (_, TypeKind::Interface { .. }) => Ok(ty.implements(interface)),
        _ => Ok(false),
    }
}

fn identical(
    context: &mut NativeContext<'_>,
    a: TypeHandle<'_>,
    b: TypeHandle<'_>,
    tags: bool,
) -> Result<bool, GoPanic> {
    let tags = if tags { Tags::Compared } else { Tags::Ignored };
    Ok(identical_underlying(
        context.image(),
        a.get()?,
        b.get()?,
        tags,
    ))
}

fn is_callable(context: &mut NativeContext<'_>, ty: TypeHandle<'_>) -> Result<bool, GoPanic> {
    Ok(context.image().is_callable(ty.get()?))
}

fn pointer_to<'h>(
    context: &mut NativeContext<'h>,
    ty: TypeHandle<'h>,
) -> Result<TypeHandle<'h>, GoPanic> {
    Ok(TypeHandle::of(context.pointer_to(ty.get()?)?))
}

fn slice_of<'h>(
    context: &mut NativeContext<'h>,
    ty: TypeHandle<'h>,
) -> Result<TypeHandle<'h>, GoPanic> {
    let made = context.image().slice_of(context.heap(), ty.get()?)?;
    Ok(TypeHandle::of(made))
}

fn array_of<'h>(
    context: &mut NativeContext<'h>,
    length: i64,
    ty: TypeHandle<'h>,
) -> Result<TypeHandle<'h>, GoPanic> {
    let made = context
        .image()
        .array_of(context.heap(), length as u64, ty.get()?)?;
    Ok(TypeHandle::of(made))
}

fn map_of<'h>(
    context: &mut NativeContext<'h>,
    key: TypeHandle<'h>,
    value: TypeHandle<'h>,
) -> Result<TypeHandle<'h>, GoPanic> {
    let key = key.get()?;
    if !key.comparable {
        return Err(GoPanic::text(format!(
            "reflect.MapOf: invalid key type {}",
            key.name()
        )));
    }
    let made = context.image().map_of(context.heap(), key, value.get()?)?;
    Ok(TypeHandle::of(made))
}

fn channel_of<'h>(
    context: &mut NativeContext<'h>,
    direction: i64,
    ty: TypeHandle<'h>,
) -> Result<TypeHandle<'h>, GoPanic> {
    let direction = match direction {
        1 => ChannelDirection::Receive,
        2 => ChannelDirection::Send,
        _ => ChannelDirection::Both,
    };
    let made = context
        .image()
        .channel_of(context.heap(), direction, ty.get()?)?;
    Ok(TypeHandle::of(made))
}

fn types_in<'h>(list: GoSlice<'h, Any<'h>>) -> Result<Vec<&'h RuntimeType>, GoPanic> {
    list.iter().map(TypeHandle::from_any).collect()
}

fn function_of<'h>(
    context: &mut NativeContext<'h>,
    parameters: GoSlice<'h, Any<'h>>,
    results: GoSlice<'h, Any<'h>>,
    variadic: bool,
) -> Result<TypeHandle<'h>, GoPanic> {
    let (parameters, results) = (types_in(parameters)?, types_in(results)?);
    let last_is_slice = parameters
        .last()
        .is_some_and(|ty| matches!(ty.kind(), TypeKind::Slice { .. }));
    if variadic && !last_is_slice {
        return Err(GoPanic::text(
            "reflect.FuncOf: last arg of variadic func must be slice",
        ));
    }
    let made = context
        .image()
        .function_of(context.heap(), &parameters, &results, variadic)?;
    Ok(TypeHandle::of(made))
}

/// Names, types and tags of fields, whether they are embedded, and the package of those that are not exported.
fn struct_of<'h>(
    context: &mut NativeContext<'h>,
    names: GoSlice<'h, GoStr<'h>>,
    types: GoSlice<'h, Any<'h>>,
    tags: GoSlice<'h, GoStr<'h>>,
    embedded: GoSlice<'h, bool>,
    exported: GoSlice<'h, bool>,
    package: GoStr<'h>,
) -> Result<TypeHandle<'h>, GoPanic> {
    let mut fields = Vec::new();
    for (index, ty) in types_in(types)?.into_iter().enumerate() {
        if index
            >= names
                .len()
                .min(tags.len())
                .min(embedded.len())
                .min(exported.len())
        {
            return Err(out_of_range());
        }
        fields.push(NewField {
            name: names.get(index).to_text().into_owned(),
            ty,
            tag: tags.get(index).to_text().into_owned(),
            embedded: embedded.get(index),
            exported: exported.get(index),
        });
    }
    let package = package.to_text().into_owned();
    let made = context.image().struct_of(context.heap(), fields, package)?;
    Ok(TypeHandle::of(made))
}

// ---- values ----

/// The value, or a panic that package reflect never lets happen.
fn view(value: Any<'_>, indirect: bool) -> Result<View<'_>, GoPanic> {
    View::of(value, indirect).ok_or_else(GoPanic::nil_dereference)
}

/// The place that a pointer leads to.
fn place(pointer: Any<'_>) -> Result<View<'_>, GoPanic> {
    view(pointer, true)
}

fn done(stored: bool) -> Result<(), GoPanic> {
    if stored {
        Ok(())
    } else {
        Err(GoPanic::text(
            "reflect: the place is not of the value's type",
        ))
    }
}

fn kind(value: Any<'_>) -> i64 {
    value.ty().map_or(0, kind_of)
}

/// The type of a value, which may be seen through a pointer.
fn value_type(value: Any<'_>, indirect: bool) -> Result<TypeHandle<'_>, GoPanic> {
    let ty = value.ty().ok_or_else(GoPanic::nil_dereference)?;
    match ty.kind() {
        TypeKind::Pointer { .. } if indirect => Ok(TypeHandle::of(ty.element())),
        _ if indirect => Err(GoPanic::nil_dereference()),
        _ => Ok(TypeHandle::of(ty)),
    }
}

fn get_bool(value: Any<'_>, indirect: bool) -> Result<bool, GoPanic> {
    let view = view(value, indirect)?;
    Ok(matches!(view.kind(), TypeKind::Bool) && view.bool())
}

/// The bits of a number in a register's form, of the kinds between two.
fn bits(
    value: Any<'_>,
    indirect: bool,
    kinds: std::ops::RangeInclusive<i64>,
) -> Result<u64, GoPanic> {
    let view = view(value, indirect)?;
    if kinds.contains(&kind_of(view.ty())) {
        Ok(view.uint())
    } else {
        Err(GoPanic::nil_dereference())
    }
}

fn get_int(value: Any<'_>, indirect: bool) -> Result<i64, GoPanic> {
    Ok(bits(value, indirect, 2..=6)? as i64)
}

fn get_uint(value: Any<'_>, indirect: bool) -> Result<u64, GoPanic> {
    bits(value, indirect, 7..=12)
}

fn get_float(value: Any<'_>, indirect: bool) -> Result<f64, GoPanic> {
    Ok(f64::from_bits(bits(value, indirect, 13..=14)?))
}

fn get_complex(value: Any<'_>, indirect: bool) -> Result<(f64, f64), GoPanic> {
    let view = view(value, indirect)?;
    match view.kind() {
        TypeKind::Complex64 { .. } | TypeKind::Complex128 { .. } => Ok(view.complex()),
        _ => Err(GoPanic::nil_dereference()),
    }
}

fn get_string(value: Any<'_>, indirect: bool) -> Result<GoStr<'_>, GoPanic> {
    let view = view(value, indirect)?;
    match view.kind() {
        TypeKind::String => Ok(view.string()),
        _ => Err(GoPanic::nil_dereference()),
    }
}

fn get_bytes(value: Any<'_>, indirect: bool) -> Result<GoSlice<'_, u8>, GoPanic> {
    let view = view(value, indirect)?;
    match view.kind() {
        TypeKind::Slice { .. } | TypeKind::Array { .. }
            if matches!(view.ty().element().kind(), TypeKind::Uint8) =>
        {
            Ok(view.byte_slice())
        }
        _ => Err(GoPanic::nil_dereference()),
    }
}

fn set_bool(pointer: Any<'_>, value: bool) -> Result<(), GoPanic> {
    done(place(pointer)?.set_scalar(u64::from(value)))
}

/// A slot holds an integer extended to 64 bits from its type's width; what is stored is cut off.
fn set_int(pointer: Any<'_>, value: i64) -> Result<(), GoPanic> {
    done(place(pointer)?.set_scalar(value as u64))
}

fn set_uint(pointer: Any<'_>, value: u64) -> Result<(), GoPanic> {
    done(place(pointer)?.set_scalar(value))
}

fn set_float(pointer: Any<'_>, value: f64) -> Result<(), GoPanic> {
    done(place(pointer)?.set_scalar(value.to_bits()))
}

fn set_complex(pointer: Any<'_>, real: f64, imaginary: f64) -> Result<(), GoPanic> {
    done(place(pointer)?.set_complex(real, imaginary))
}

fn set_string<'h>(pointer: Any<'h>, value: GoStr<'h>) -> Result<(), GoPanic> {
    done(place(pointer)?.set_string(value))
}

fn set_bytes<'h>(pointer: Any<'h>, value: GoSlice<'h, u8>) -> Result<(), GoPanic> {
    done(place(pointer)?.set_bytes(value))
}

fn set_zero(pointer: Any<'_>) -> Result<(), GoPanic> {
    place(pointer)?.set_zero();
    Ok(())
}

/// Stores a value of the place's type; of an interface type, any that has its methods.
fn store<'h>(pointer: Any<'h>, value: Any<'h>) -> Result<(), GoPanic> {
    done(place(pointer)?.assign(value))
}

/// A copy of the value; of an interface type, what it holds.
fn load<'h>(
    context: &mut NativeContext<'h>,
    value: Any<'h>,
    indirect: bool,
) -> Result<Any<'h>, GoPanic> {
    if !indirect {
        return Ok(value);
    }
    view(value, true)?.to_any(context)
}

fn new_value<'h>(context: &mut NativeContext<'h>, ty: TypeHandle<'h>) -> Result<Any<'h>, GoPanic> {
    context.new_value(ty.get()?)
}

/// The zero value, and whether that is seen through a pointer (of an interface type).
fn zero<'h>(
    context: &mut NativeContext<'h>,
    ty: TypeHandle<'h>,
) -> Result<(Any<'h>, bool), GoPanic> {
    let ty = ty.get()?;
    if ty.is_interface() {
        return Ok((context.new_value(ty)?, true));
    }
    Ok((context.zero_value(ty)?, false))
}

/// Length, and capacity, of what has one.
fn length(value: Any<'_>, indirect: bool) -> Result<(i64, i64), GoPanic> {
    let view = view(value, indirect)?;
    match view.kind() {
        TypeKind::String
        | TypeKind::Slice { .. }
        | TypeKind::Array { .. }
        | TypeKind::Map { .. }
        | TypeKind::Channel { .. } => Ok((view.len() as i64, view.capacity() as i64)),
        _ => Err(GoPanic::nil_dereference()),
    }
}

/// The address in a pointer, map, channel, func, slice or interface; 0 when it is nil.
fn address(
    context: &mut NativeContext<'_>,
    value: Any<'_>,
    indirect: bool,
) -> Result<u64, GoPanic> {
    let view = view(value, indirect)?;
    match view.kind() {
        TypeKind::Pointer { .. }
        | TypeKind::Map { .. }
        | TypeKind::Channel { .. }
        | TypeKind::Function { .. }
        | TypeKind::Slice { .. }
        | TypeKind::String
        | TypeKind::Interface { .. } => Ok(context.machine().shown_address(view.address())),
        _ => Err(GoPanic::nil_dereference()),
    }
}

/// What a pointer leads to, as a pointer of type `*T`, and its kind; nil and 0 for nil.
fn pointee<'h>(
    context: &mut NativeContext<'h>,
    pointer: Any<'h>,
) -> Result<(Any<'h>, i64), GoPanic> {
    match View::of(pointer, true) {
        Some(view) => Ok((view.pointer(context)?, kind_of(view.ty()))),
        None => Ok((Any::NIL, 0)),
    }
}

/// A field, whether it is seen through a pointer, its kind, and (256 exported, 512 embedded) more; kind -1 out of range.
fn field<'h>(
    context: &mut NativeContext<'h>,
    value: Any<'h>,
    indirect: bool,
    index: i64,
) -> Result<(Any<'h>, bool, i64), GoPanic> {
    let view = view(value, indirect)?;
    let TypeKind::Struct { fields } = view.kind() else {
        return Err(GoPanic::nil_dereference());
    };
    let described = usize::try_from(index).ok().and_then(|i| fields.get(i));
    let Some(described) = described else {
        return Ok((Any::NIL, false, -1));
    };
    let inner = view.field(index as usize);
    let bits = kind_of(inner.ty())
        | i64::from(described.exported) << 8
        | i64::from(described.embedded) << 9;
    let (any, indirect) = inner.hand_on(context)?;
    Ok((any, indirect, bits))
}

/// An element of an array or slice, whether it is seen through a pointer, and its kind; -1 out of range.
fn element<'h>(
    context: &mut NativeContext<'h>,
    value: Any<'h>,
    indirect: bool,
    index: i64,
) -> Result<(Any<'h>, bool, i64), GoPanic> {
    let view = view(value, indirect)?;
    let (TypeKind::Array { .. } | TypeKind::Slice { .. }) = view.kind() else {
        return Err(GoPanic::nil_dereference());
    };
    let inner = usize::try_from(index)
        .ok()
        .and_then(|index| view.elements().nth(index));
    let Some(inner) = inner else {
        return Ok((Any::NIL, false, -1));
    };
    let (any, indirect) = inner.hand_on(context)?;
    Ok((any, indirect, kind_of(inner.ty())))
}

/// `v[low:high:max]`, of a string `v[low:high]`, as a value of this type.
fn slice<'h>(
    context: &mut NativeContext<'h>,
    value: Any<'h>,
    indirect: bool,
    ty: TypeHandle<'h>,
    low: i64,
    high: i64,
    max: i64,
) -> Result<Any<'h>, GoPanic> {
    let view = view(value, indirect)?;
    match view.kind() {
        TypeKind::String => view.substring(context, low as usize, high as usize),
        TypeKind::Slice { .. } | TypeKind::Array { .. } => {
            view.sliced(context, ty.get()?, [low, high, max].map(|n| n as u64))
        }
        _ => Err(GoPanic::nil_dereference()),
    }
}

fn set_bounds(pointer: Any<'_>, length: i64, capacity: i64) -> Result<(), GoPanic> {
    done(place(pointer)?.set_bounds(length as u64, capacity as u64))
}

/// A slice with room for `extra` more elements, `more` longer.
fn grown<'h>(
    context: &mut NativeContext<'h>,
    value: Any<'h>,
    indirect: bool,
    extra: i64,
    more: i64,
) -> Result<Any<'h>, GoPanic> {
    view(value, indirect)?.grown(context, extra.max(0) as u64, more.max(0) as u64)
}

fn copy<'h>(
    to: Any<'h>,
    to_indirect: bool,
    from: Any<'h>,
    from_indirect: bool,
) -> Result<i64, GoPanic> {
    Ok(view(to, to_indirect)?.copy_from(&view(from, from_indirect)?) as i64)
}

fn make_slice<'h>(
    context: &mut NativeContext<'h>,
    ty: TypeHandle<'h>,
    length: i64,
    capacity: i64,
) -> Result<Any<'h>, GoPanic> {
    match ty.get()?.kind() {
        TypeKind::Slice { .. } => context.make_slice(ty.get()?, length, capacity),
        _ => Err(GoPanic::nil_dereference()),
    }
}

fn make_map<'h>(
    context: &mut NativeContext<'h>,
    ty: TypeHandle<'h>,
    hint: i64,
) -> Result<Any<'h>, GoPanic> {
    context.make_map(ty.get()?, hint)
}

fn make_channel<'h>(
    context: &mut NativeContext<'h>,
    ty: TypeHandle<'h>,
    size: i64,
) -> Result<Any<'h>, GoPanic> {
    match ty.get()?.kind() {
        TypeKind::Channel { .. } => context.make_channel(ty.get()?, size),
        _ => Err(GoPanic::nil_dereference()),
    }
}

/// A func value of a type; false if compiled code cannot call such functions.
fn make_function<'h>(
    context: &mut NativeContext<'h>,
    ty: TypeHandle<'h>,
    function: Reference<'h>,
) -> Result<(Any<'h>, bool), GoPanic> {
    match context.make_function(ty.get()?, function)? {
        Some(made) => Ok((made, true)),
        None => Ok((Any::NIL, false)),
    }
}

fn as_function<'h>(
    context: &mut NativeContext<'h>,
    ty: TypeHandle<'h>,
    function: Reference<'h>,
) -> Result<Any<'h>, GoPanic> {
    context.keep_function(ty.get()?, function)
}

fn from_function<'h>(
    context: &mut NativeContext<'h>,
    function: Any<'h>,
) -> Result<Reference<'h>, GoPanic> {
    context.kept_function(function)
}

/// The value as one of another type that differs in names and tags only; false if it differs in more.
fn as_type<'h>(
    context: &mut NativeContext<'h>,
    value: Any<'h>,
    ty: TypeHandle<'h>,
) -> Result<(Any<'h>, bool), GoPanic> {
    match context.as_type(value, ty.get()?)? {
        Some(value) => Ok((value, true)),
        None => Ok((Any::NIL, false)),
    }
}

/// The array that a slice begins with, as a pointer to it; nil if the slice is nil.
fn array_pointer<'h>(
    context: &mut NativeContext<'h>,
    value: Any<'h>,
    indirect: bool,
    pointer: TypeHandle<'h>,
) -> Result<Any<'h>, GoPanic> {
    view(value, indirect)?.array_pointer(context, pointer.get()?)
}

/// The value for a key, whether it is seen through a pointer, and its kind; 0 if there is none.
fn map_index<'h>(
    context: &mut NativeContext<'h>,
    map: Any<'h>,
    indirect: bool,
    key: Any<'h>,
) -> Result<(Any<'h>, bool, i64), GoPanic> {
    match view(map, indirect)?.map_get(key)? {
        Some(found) => {
            let (any, indirect) = found.copied(context)?;
            Ok((any, indirect, kind_of(found.ty())))
        }
        None => Ok((Any::NIL, false, 0)),
    }
}

fn set_map_index<'h>(
    context: &mut NativeContext<'h>,
    map: Any<'h>,
    indirect: bool,
    key: Any<'h>,
    value: Any<'h>,
) -> Result<(), GoPanic> {
    view(map, indirect)?.map_set(context, key, value)
}

fn delete_map_index<'h>(map: Any<'h>, indirect: bool, key: Any<'h>) -> Result<(), GoPanic> {
    view(map, indirect)?.map_delete(key)
}

fn map_entries<'h>(
    context: &mut NativeContext<'h>,
    map: Any<'h>,
    indirect: bool,
    values: bool,
) -> Result<(GoSlice<'h, Any<'h>>, GoSlice<'h, Any<'h>>), GoPanic> {
    view(map, indirect)?.map_entries(context, values)
}

fn clear(value: Any<'_>, indirect: bool) -> Result<(), GoPanic> {
    let view = view(value, indirect)?;
    match view.kind() {
        TypeKind::Map { .. } => view.map_clear(),
        _ => {
            view.clear_elements();
            Ok(())
        }
    }
}

fn close(context: &mut NativeContext<'_>, channel: Any<'_>, indirect: bool) -> Result<(), GoPanic> {
    view(channel, indirect)?.close(context)
}

fn swap(slice: Any<'_>, i: i64, j: i64) -> bool {
    match (slice.view(), usize::try_from(i), usize::try_from(j)) {
        (Some(view), Ok(i), Ok(j)) => view.swap(i, j),
        _ => false,
    }
}

/// Whether all bytes of a value are zero, which decides for values of plain memory.
fn all_zero(value: Any<'_>, indirect: bool) -> Result<bool, GoPanic> {
    Ok(view(value, indirect)?.is_all_zero())
}

natives! {
    pure "typeOf" => type_of;
    pure "typeKind" => type_kind;
    pure "typeString" => type_string;
    pure "typeNames" => type_names;
    pure "typeSize" => type_size;
    pure "typeElem" => type_elem;
    pure "typeKey" => type_key;
    pure "typeLen" => type_len;
    pure "typeDirection" => type_direction;
    pure "fieldCount" => field_count;
    pure "fieldAt" => field_at;
    pure "fieldNamed" => field_named;
    pure "signature" => signature;
    pure "parameter" => parameter;
    pure "methodCount" => method_count;
    pure "methodAt" => method_at;
    pure "methodNamed" => method_named;
    pure "comparableType" => comparable_type;
    pure "implementsType" => implements;
    pure "identicalUnderlying" => identical;
    pure "isCallable" => is_callable;
    pure "pointerTo" => pointer_to;
    pure "sliceOf" => slice_of;
    pure "arrayOf" => array_of;
    pure "mapOf" => map_of;
    pure "channelOf" => channel_of;
    pure "functionOf" => function_of;
    pure "structOf" => struct_of;
    pure "kindOf" => kind;
    pure "valueType" => value_type;
    pure "getBool" => get_bool;
    pure "getInt" => get_int;
    pure "getUint" => get_uint;
    pure "getFloat" => get_float;
    pure "getComplex" => get_complex;
    pure "getString" => get_string;
    pure "getBytes" => get_bytes;
    pure "setBool" => set_bool;
    pure "setInt" => set_int;
    pure "setUint" => set_uint;
    pure "setFloat" => set_float;
    pure "setComplex" => set_complex;
    pure "setString" => set_string;
    pure "setBytes" => set_bytes;
    pure "setZero" => set_zero;
    pure "store" => store;
    pure "load" => load;
    pure "newValue" => new_value;
    pure "zeroValue" => zero;
    pure "length" => length;
    pure "address" => address;
    pure "pointee" => pointee;
    pure "fieldOf" => field;
    pure "elementOf" => element;
    pure "sliceValue" => slice;
    pure "setBounds" => set_bounds;
    pure "grown" => grown;
    pure "copyElements" => copy;
    pure "makeSlice" => make_slice;
    pure "makeMap" => make_map;
    pure "makeChannel" => make_channel;
    pure "makeFunction" => make_function;
    pure "asFunction" => as_function;
    pure "fromFunction" => from_function;
    pure "asType" => as_type;
    pure "arrayPointer" => array_pointer;
    pure "mapIndex" => map_index;
    pure "setMapIndex" => set_map_index;
    pure "deleteMapIndex" => delete_map_index;
    pure "mapEntries" => map_entries;
    pure "clearValue" => clear;
    pure "closeChannel" => close;
    pure "swapElements" => swap;
    pure "allZero" => all_zero;
    pure "deepEqual" => deep_equal::deep_equal;
    machine "call" => MachineOperation::Call;
    machine "send" => MachineOperation::Send;
    machine "receive" => MachineOperation::Receive;
    machine "choose" => MachineOperation::Select;
}
