//! The quick way of decoding to plain values. See [`super::plain`].
//!
//! The text has been scanned: it has no mistakes.

use std::borrow::Cow;
use std::sync::atomic::Ordering;

use bytecode::TypeKind;
use vm::border::{Any, GoSlice, GoStr, View};
use vm::native::{GoPanic, NativeContext, is_abandoned};
use vm::types::RuntimeType;

use super::encode::interfaces;
use super::plain::{DEEPEST, Fields, Found, Interfaces, PORTION, Stop};
use super::{skip_space, string_end, unquoted, value_end};
use crate::encoding::base64;
use crate::strconv::float::parse_float;

/// Strings of larger texts are copied, so that one of them does not keep the whole text.
const SMALL_TEXT: usize = 4096;

/// The types of what an empty interface gets.
struct Dynamic<'h> {
    string: &'h RuntimeType,
    number: &'h RuntimeType,
    bool: &'h RuntimeType,
    object: &'h RuntimeType,
    array: &'h RuntimeType,
}

struct Decoder<'c, 'h> {
    context: &'c mut NativeContext<'h>,
    interfaces: Interfaces<'h>,
    dynamic: Dynamic<'h>,
    data: GoStr<'h>,
    at: usize,
    /// Where the program is asked next.
    ask_at: usize,
}

/// Decodes the value at or after `at` to what `target` points to, and answers its end; -1 if it is for the slow way. The marks are nil pointers
/// to the interfaces Unmarshaler and TextUnmarshaler, then a string, float64, bool, map[string]any and []any.
pub fn decode_plain<'h>(
    context: &mut NativeContext<'h>,
    data: GoStr<'h>,
    at: i64,
    target: Any<'h>,
    marks: GoSlice<'h, Any<'h>>,
) -> Result<i64, GoPanic> {
    let kind = |index: usize| marks.iter().nth(index)?.ty();
    let dynamic = || {
        Some(Dynamic {
            string: kind(2)?,
            number: kind(3)?,
            bool: kind(4)?,
            object: kind(5)?,
            array: kind(6)?,
        })
    };
    let place = target
        .view()
        .filter(|view| matches!(view.kind(), TypeKind::Pointer { .. }));
    let (Some(place), Some(interfaces), Some(dynamic)) = (
        place.and_then(|view| view.pointee()),
        interfaces(marks),
        dynamic(),
    ) else {
        return Ok(-1);
    };
    let at = usize::try_from(at).unwrap_or(usize::MAX).min(data.len());
    let mut decoder = Decoder {
        context,
        interfaces,
        dynamic,
        data,
        at,
        ask_at: at + PORTION,
    };
    match decoder.value(place, 0) {
        Ok(()) => Ok(decoder.at as i64),
        Err(stop) => stop.left_to_slow_way(-1),
    }
}

impl<'h> Decoder<'_, 'h> {
    fn byte(&self) -> u8 {
        self.data.get(self.at).copied().unwrap_or(0)
    }

    fn space(&mut self) {
        self.at = skip_space(&self.data, self.at);
    }

    /// Goes past an opening bracket and reports whether there is an element.
    fn begin(&mut self, closing: u8) -> bool {
        self.at += 1;
        self.space();
        let is_empty = self.byte() == closing;
        self.at += usize::from(is_empty);
        !is_empty
    }

    /// Goes past a comma or the closing bracket and reports whether there is another element.
    fn next(&mut self) -> bool {
        self.space();
        let more = self.byte() == b',';
        self.at += 1;
        if more {
            self.space();
        }
        more
    }

    fn skip(&mut self) {
        self.at = match value_end(&self.data, self.at) {
            Ok(Some(end)) => end,
            _ => self.data.len(),
        };
    }

    /// What stands between the quotes of the string at hand.
    fn quoted(&mut self) -> Result<GoStr<'h>, Stop> {
        match string_end(&self.data, self.at) {
            Ok(end) if self.byte() == b'"' => {
                let inside = self.data.slice(self.at + 1..end - 1);
                self.at = end;
                Ok(inside)
            }
            _ => Err(Stop::Unsuited),
        }
    }

    /// The string at hand.
    fn string(&mut self) -> Result<GoStr<'h>, Stop> {
        let inside = self.quoted()?;
        Ok(match self.plain_text(&inside) {
            Some(text) => self.context.new_string(&text)?,
            None if self.data.len() > SMALL_TEXT => self.context.new_string(&inside)?,
            None => inside,
        })
    }

    /// What a string with escapes or bytes that are no UTF-8 stands for; `None`: itself.
    fn plain_text(&self, inside: &[u8]) -> Option<Vec<u8>> {
        let is_itself =
            !inside.contains(&b'\\') && (inside.is_ascii() || std::str::from_utf8(inside).is_ok());
        (!is_itself).then(|| unquoted(inside))
    }

    /// The number at hand.
    fn number(&mut self) -> Result<&'h [u8], Stop> {
        let start = self.at;
        let bytes = self.data.as_bytes();
        while matches!(
            bytes.get(self.at),
            Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
        ) {
            self.at += 1;
        }
        match bytes.get(start) {
            Some(b'0'..=b'9' | b'-') => Ok(&bytes[start..self.at]),
            _ => Err(Stop::Unsuited),
        }
    }

    fn whole<T: std::str::FromStr>(text: &[u8]) -> Result<T, Stop> {
        let text = std::str::from_utf8(text).map_err(|_| Stop::Unsuited)?;
        text.parse().map_err(|_| Stop::Unsuited)
    }

    /// A whole number that the type can hold, in a register's form.
    fn integer(text: &[u8], ty: &RuntimeType) -> Result<Option<u64>, Stop> {
        let bits = 8 * ty.size.min(8);
        Ok(Some(match ty.kind() {
            kind if kind.is_signed() => {
                let value: i64 = Self::whole(text)?;
                if value << (64 - bits) >> (64 - bits) != value {
                    return Err(Stop::Unsuited);
                }
                value as u64
            }
            kind if kind.is_unsigned() => {
                let value: u64 = Self::whole(text)?;
                if value << (64 - bits) >> (64 - bits) != value {
                    return Err(Stop::Unsuited);
                }
                value
            }
            _ => return Ok(None),
        }))
    }

    fn float(text: &[u8], bits: u32) -> Result<f64, Stop> {
        match parse_float(text, bits) {
            (value, None) if value.is_finite() => Ok(value),
            _ => Err(Stop::Unsuited),
        }
    }

    /// Decodes the next value to a place.
    fn value(&mut self, place: View<'h>, depth: usize) -> Result<(), Stop> {
        if depth > DEEPEST {
            return Err(Stop::Unsuited);
        }
        self.space();
        if self.at >= self.ask_at {
            if is_abandoned() {
                return Err(Stop::Unsuited);
            }
            self.ask_at = self.at + PORTION;
        }
        let ty = place.ty();
        if self.interfaces.concern(self.context, ty)? {
            return Err(Stop::UnsuitedType);
        }
        let first = self.byte();
        // What is pointed to is set, not the interface; null sets the last pointer of several.
        if matches!(ty.kind(), TypeKind::Interface { .. })
            && let Some(held) = place.contents().ty()
            && matches!(held.kind(), TypeKind::Pointer { .. })
        {
            return Err(Stop::Unsuited);
        }
        let stored = match (ty.kind(), first) {
            (
                TypeKind::Pointer { .. }
                | TypeKind::Interface { .. }
                | TypeKind::Map { .. }
                | TypeKind::Slice { .. },
                b'n',
            ) => {
                self.at += 4;
                place.set_zero();
                true
            }
            (TypeKind::Pointer { .. }, _) => return self.pointer(place, depth),
            (TypeKind::Interface { methods }, _) => {
                if !methods.is_empty() {
                    return Err(Stop::Unsuited);
                }
                let value = self.any(depth)?;
                place.assign(value)
            }
            (_, b'n') => {
                self.at += 4;
                true
            }
            (TypeKind::Bool, b't' | b'f') => {
                self.at += if first == b't' { 4 } else { 5 };
                place.set_scalar(u64::from(first == b't'))
            }
            (TypeKind::String, b'"') => {
                let text = self.string()?;
                place.set_string(text)
            }
            (TypeKind::Float32 | TypeKind::Float64, _) => {
                let bits = 8 * ty.size;
                let value = Self::float(self.number()?, bits)?;
                place.set_scalar(value.to_bits())
            }
            (TypeKind::Struct { .. }, b'{') => return self.structure(place, depth),
            (TypeKind::Map { .. }, b'{') => return self.mapping(place, depth),
            (TypeKind::Slice { .. }, b'[') => return self.slice(place, depth),
            (TypeKind::Slice { .. }, b'"') => self.bytes(place)?,
            (TypeKind::Array { .. }, b'[') => return self.array(place, depth),
            (
                TypeKind::Complex64 { .. }
                | TypeKind::Complex128 { .. }
                | TypeKind::Channel { .. }
                | TypeKind::Function { .. },
                _,
            ) => return Err(Stop::UnsuitedType),
            (_, b'-' | b'0'..=b'9') => match Self::integer(self.number()?, ty)? {
                Some(slot) => place.set_scalar(slot),
                None => false,
            },
            _ => false,
        };
        if stored { Ok(()) } else { Err(Stop::Unsuited) }
    }

    fn pointer(&mut self, place: View<'h>, depth: usize) -> Result<(), Stop> {
        let pointee = match place.pointee() {
            Some(pointee) => pointee,
            None => {
                let fresh = self.context.new_value(place.ty().element())?;
                place.assign(fresh);
                place.pointee().ok_or(Stop::Unsuited)?
            }
        };
        self.value(pointee, depth + 1)
    }

    fn structure(&mut self, place: View<'h>, depth: usize) -> Result<(), Stop> {
        let Some(fields) = Fields::of(place.ty()) else {
            return Err(Stop::UnsuitedType);
        };
        // ORDERING: relaxed, here and below. A hint that nothing depends on.
        if fields.decodes_slowly.load(Ordering::Relaxed) {
            return Err(Stop::UnsuitedType);
        }
        let mut likely = 0;
        let mut more = self.begin(b'}');
        while more {
            let name = self.key()?;
            match fields.find(&name, likely) {
                Found::Field(found) => {
                    likely = found + 1;
                    let done = self.value(place.field(fields.list[found].index), depth + 1);
                    if matches!(done, Err(Stop::UnsuitedType)) {
                        fields.decodes_slowly.store(true, Ordering::Relaxed);
                    }
                    done?;
                }
                Found::Nothing => self.skip(),
                Found::Unknown => return Err(Stop::Unsuited),
            }
            more = self.next();
        }
        Ok(())
    }

    /// Reads an object's key and goes to its value.
    fn key(&mut self) -> Result<Cow<'h, [u8]>, Stop> {
        let inside = self.quoted()?;
        self.space();
        self.at += 1;
        self.space();
        Ok(match self.plain_text(&inside) {
            Some(text) => Cow::Owned(text),
            None => Cow::Borrowed(inside.as_bytes()),
        })
    }

    /// As [`Decoder::key`], as a string of the script.
    fn key_string(&mut self) -> Result<GoStr<'h>, Stop> {
        let text = self.string()?;
        self.space();
        self.at += 1;
        self.space();
        Ok(text)
    }

    fn mapping(&mut self, place: View<'h>, depth: usize) -> Result<(), Stop> {
        let ty = place.ty();
        if self.interfaces.concern(self.context, ty.key())? {
            return Err(Stop::UnsuitedType);
        }
        if place.is_nil() {
            let fresh = self.context.make_map(ty, 0)?;
            place.assign(fresh);
        }
        let is_string = matches!(ty.key().kind(), TypeKind::String);
        let scratch = self.context.new_value(ty.element())?;
        let scratch = View::of(scratch, true).ok_or(Stop::Unsuited)?;
        let mut more = self.begin(b'}');
        while more {
            let key = if is_string {
                let text = self.key_string()?;
                self.context.string_value(ty.key(), text)?
            } else {
                let text = self.key()?;
                // Only what a number looks like.
                let is_number =
                    matches!(*text, [b'0'] | [b'-', b'1'..=b'9', ..] | [b'1'..=b'9', ..]);
                match Self::integer(&text, ty.key())? {
                    Some(slot) if is_number => self.context.scalar_value(ty.key(), slot)?,
                    _ => return Err(Stop::Unsuited),
                }
            };
            scratch.set_zero();
            self.value(scratch, depth + 1)?;
            let value = scratch.to_any(self.context)?;
            place.map_set(self.context, key, value)?;
            more = self.next();
        }
        Ok(())
    }

    fn slice(&mut self, place: View<'h>, depth: usize) -> Result<(), Stop> {
        let mut count = 0;
        let mut more = self.begin(b']');
        while more {
            if count >= place.capacity() {
                let grown = place.grown(self.context, 1, 0)?;
                place.assign(grown);
            }
            let is_new = count >= place.len();
            if is_new && !place.set_bounds(count as u64 + 1, place.capacity() as u64) {
                return Err(Stop::Unsuited);
            }
            // Others may change the slice meanwhile.
            let element = place.elements().nth(count).ok_or(Stop::Unsuited)?;
            if is_new {
                element.set_zero();
            }
            self.value(element, depth + 1)?;
            count += 1;
            more = self.next();
        }
        if count == 0 {
            let empty = self.context.make_slice(place.ty(), 0, 0)?;
            place.assign(empty);
        } else if count < place.len() {
            place.set_bounds(count as u64, place.capacity() as u64);
        }
        Ok(())
    }

    fn array(&mut self, place: View<'h>, depth: usize) -> Result<(), Stop> {
        let mut elements = place.elements();
        let mut more = self.begin(b']');
        while more {
            match elements.next() {
                Some(element) => self.value(element, depth + 1)?,
                None => self.skip(),
            }
            more = self.next();
        }
        elements.for_each(|element| element.set_zero());
        Ok(())
    }

    /// Bytes, as a string in base64.
    fn bytes(&mut self, place: View<'h>) -> Result<bool, Stop> {
        let element = place.ty().element();
        if !matches!(element.kind(), TypeKind::Uint8) {
            return Ok(false);
        }
        let text = self.quoted()?;
        let Some(bytes) = base64::read_standard(&text) else {
            return Ok(false);
        };
        // What is there is written over, if it has room.
        let present = place.byte_slice();
        let slice = if !present.is_nil() && present.capacity() >= bytes.len() {
            present.with_len(bytes.len())
        } else {
            self.context.new_slice::<u8>(bytes.len(), bytes.len())?
        };
        slice.copy_from(&bytes);
        Ok(place.set_bytes(slice))
    }

    /// The next value for an empty interface.
    fn any(&mut self, depth: usize) -> Result<Any<'h>, Stop> {
        if depth > DEEPEST {
            return Err(Stop::Unsuited);
        }
        match self.byte() {
            b'{' => {
                let object = self.context.make_map(self.dynamic.object, 0)?;
                let map = object.view().ok_or(Stop::Unsuited)?;
                let mut more = self.begin(b'}');
                while more {
                    let key = self.key_string()?;
                    let value = self.any(depth + 1)?;
                    let key = self.context.string_value(self.dynamic.string, key)?;
                    map.map_set(self.context, key, value)?;
                    more = self.next();
                }
                Ok(object)
            }
            b'[' => {
                let mut list = Vec::new();
                let mut more = self.begin(b']');
                while more {
                    list.push(self.any(depth + 1)?);
                    if list.len() % PORTION == 0 {
                        self.context
                            .check_memory(list.len() * size_of::<Any<'h>>())?;
                    }
                    more = self.next();
                }
                let slice = self.context.new_slice::<Any<'h>>(list.len(), list.len())?;
                for (index, value) in list.into_iter().enumerate() {
                    slice.set(index, value);
                }
                Ok(self.context.slice_value(self.dynamic.array, slice)?)
            }
            b'"' => {
                let text = self.string()?;
                Ok(self.context.string_value(self.dynamic.string, text)?)
            }
            first @ (b't' | b'f') => {
                self.at += if first == b't' { 4 } else { 5 };
                let slot = u64::from(first == b't');
                Ok(self.context.scalar_value(self.dynamic.bool, slot)?)
            }
            b'n' => {
                self.at += 4;
                Ok(Any::NIL)
            }
            _ => {
                let value = Self::float(self.number()?, 64)?;
                Ok(self
                    .context
                    .scalar_value(self.dynamic.number, value.to_bits())?)
            }
        }
    }
}
