//! The quick way of encoding plain values. See [`super::plain`].

use std::sync::atomic::Ordering;

use bytecode::TypeKind;
use vm::border::{Any, GoSlice, View};
use vm::native::{GoPanic, NativeContext, is_abandoned};
use vm::types::RuntimeType;

use super::append_quoted;
use super::plain::{DEEPEST, Fields, Interfaces, PORTION, Stop};
use crate::encoding::base64;
use crate::strconv::float::append_float;
use crate::strconv::integer::{append_signed, append_unsigned};

struct Encoder<'c, 'h> {
    context: &'c mut NativeContext<'h>,
    interfaces: Interfaces<'h>,
    html: bool,
    out: Vec<u8>,
    /// With how much of a text the program is asked next.
    ask_at: usize,
}

/// The text of a plain value; false if that is for the slow way. The marks are nil pointers to the interfaces Marshaler and TextMarshaler.
pub fn encode_plain<'h>(
    context: &mut NativeContext<'h>,
    value: Any<'h>,
    html: bool,
    marks: GoSlice<'h, Any<'h>>,
) -> Result<(Vec<u8>, bool), GoPanic> {
    let (Some(view), Some(interfaces)) = (value.view(), interfaces(marks)) else {
        return Ok((Vec::new(), false));
    };
    let mut encoder = Encoder {
        context,
        interfaces,
        html,
        out: Vec::with_capacity(128),
        ask_at: PORTION,
    };
    match encoder.value(view, 0) {
        Ok(()) => Ok((encoder.out, true)),
        Err(stop) => stop.left_to_slow_way((Vec::new(), false)),
    }
}

/// The interfaces that the first two marks point to.
pub fn interfaces<'h>(marks: GoSlice<'h, Any<'h>>) -> Option<Interfaces<'h>> {
    let pointed_to = |index: usize| {
        let ty: &'h RuntimeType = marks.iter().nth(index)?.ty()?;
        matches!(ty.kind(), TypeKind::Pointer { .. }).then(|| ty.element())
    };
    Some(Interfaces([pointed_to(0)?, pointed_to(1)?]))
}

impl<'h> Encoder<'_, 'h> {
    fn value(&mut self, view: View<'h>, depth: usize) -> Result<(), Stop> {
        if depth > DEEPEST {
            return Err(Stop::Unsuited);
        }
        if self.out.len() >= self.ask_at {
            if is_abandoned() {
                return Err(Stop::Unsuited);
            }
            // The text goes into the heap when it is complete.
            self.context
                .check_memory(self.out.len().saturating_mul(2))?;
            self.ask_at = self.out.len() + self.out.len().max(PORTION) / 2;
        }
        let ty = view.ty();
        if self.interfaces.concern(self.context, ty)? {
            return Err(Stop::UnsuitedType);
        }
        match ty.kind() {
            TypeKind::Bool => {
                let text = if view.bool() { "true" } else { "false" };
                self.out.extend_from_slice(text.as_bytes());
            }
            kind if kind.is_signed() => append_signed(&mut self.out, view.int(), 10),
            kind if kind.is_unsigned() => append_unsigned(&mut self.out, view.uint(), 10),
            TypeKind::Float32 => self.float(view.float(), 32)?,
            TypeKind::Float64 => self.float(view.float(), 64)?,
            TypeKind::String => append_quoted(&mut self.out, &view.string(), self.html),
            TypeKind::Pointer { .. } => match view.pointee() {
                Some(pointee) => self.value(pointee, depth + 1)?,
                None => self.null(),
            },
            TypeKind::Interface { .. } => match view.contents().view() {
                // What an interface holds says nothing of the type around it.
                Some(contents) => match self.value(contents, depth + 1) {
                    Err(Stop::UnsuitedType) => return Err(Stop::Unsuited),
                    done => done?,
                },
                None => self.null(),
            },
            TypeKind::Struct { .. } => self.structure(view, depth)?,
            TypeKind::Slice { .. } if view.is_nil() => self.null(),
            TypeKind::Slice { .. } if matches!(ty.element().kind(), TypeKind::Uint8) => {
                if self.interfaces.concern(self.context, ty.element())? {
                    return Err(Stop::UnsuitedType);
                }
                self.out.push(b'"');
                base64::append_standard(&mut self.out, &view.byte_slice().to_vec());
                self.out.push(b'"');
            }
            TypeKind::Slice { .. } | TypeKind::Array { .. } => self.elements(view, depth)?,
            TypeKind::Map { .. } if view.is_nil() => self.null(),
            TypeKind::Map { .. } => self.mapping(view, depth)?,
            _ => return Err(Stop::UnsuitedType),
        }
        Ok(())
    }

    fn null(&mut self) {
        self.out.extend_from_slice(b"null");
    }

    /// A number as JavaScript writes it.
    fn float(&mut self, value: f64, bits: u32) -> Result<(), Stop> {
        if !value.is_finite() {
            return Err(Stop::Unsuited);
        }
        let size = value.abs();
        let is_usual = match bits {
            32 => (1e-6..1e21).contains(&(size as f32)),
            _ => (1e-6..1e21).contains(&size),
        };
        let layout = if size == 0.0 || is_usual { b'f' } else { b'e' };
        let start = self.out.len();
        append_float(&mut self.out, value, layout, -1, bits);
        // e-09 becomes e-9.
        let end = self.out.len();
        if layout == b'e' && end - start >= 4 {
            let exponent = &self.out[end - 4..];
            if exponent[0] == b'e' && matches!(exponent[1], b'-' | b'+') && exponent[2] == b'0' {
                self.out.remove(end - 2);
            }
        }
        Ok(())
    }

    fn structure(&mut self, view: View<'h>, depth: usize) -> Result<(), Stop> {
        let Some(fields) = Fields::of(view.ty()) else {
            return Err(Stop::UnsuitedType);
        };
        // ORDERING: relaxed, here and below. A hint that nothing depends on.
        if fields.encodes_slowly.load(Ordering::Relaxed) {
            return Err(Stop::UnsuitedType);
        }
        self.out.push(b'{');
        let mut is_first = true;
        for field in &fields.list {
            let value = view.field(field.index);
            if field.omit_empty && is_empty(value) {
                continue;
            }
            if !is_first {
                self.out.push(b',');
            }
            is_first = false;
            let key = if self.html {
                &field.html_key
            } else {
                &field.key
            };
            self.out.extend_from_slice(key);
            let done = self.value(value, depth + 1);
            if matches!(done, Err(Stop::UnsuitedType)) {
                fields.encodes_slowly.store(true, Ordering::Relaxed);
            }
            done?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn elements(&mut self, view: View<'h>, depth: usize) -> Result<(), Stop> {
        self.out.push(b'[');
        for (index, element) in view.elements().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.value(element, depth + 1)?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn mapping(&mut self, view: View<'h>, depth: usize) -> Result<(), Stop> {
        let is_signed = match view.ty().key().kind() {
            TypeKind::String => {
                let entries = view.entries(self.context)?;
                let entries = entries.into_iter();
                let named = entries.map(|(key, value)| (key.string(), value)).collect();
                return self.entries(named, depth);
            }
            kind if kind.is_signed() => true,
            kind if kind.is_unsigned() => false,
            _ => return Err(Stop::UnsuitedType),
        };
        if self.interfaces.concern(self.context, view.ty().key())? {
            return Err(Stop::UnsuitedType);
        }
        let entries = view.entries(self.context)?.into_iter();
        let named = entries.map(|(key, value)| {
            let mut name = Vec::new();
            match is_signed {
                true => append_signed(&mut name, key.int(), 10),
                false => append_unsigned(&mut name, key.uint(), 10),
            }
            (name, value)
        });
        self.entries(named.collect(), depth)
    }

    /// The entries of a map, in the order of their keys.
    fn entries<K: std::ops::Deref<Target = [u8]>>(
        &mut self,
        mut entries: Vec<(K, View<'h>)>,
        depth: usize,
    ) -> Result<(), Stop> {
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        self.out.push(b'{');
        for (index, (key, value)) in entries.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            append_quoted(&mut self.out, key, self.html);
            self.out.push(b':');
            self.value(*value, depth + 1)?;
        }
        self.out.push(b'}');
        Ok(())
    }
}

/// Whether the option omitempty leaves a value out.
fn is_empty(view: View<'_>) -> bool {
    match view.kind() {
        TypeKind::Array { .. }
        | TypeKind::Map { .. }
        | TypeKind::Slice { .. }
        | TypeKind::String => view.is_empty(),
        TypeKind::Struct { .. } | TypeKind::Function { .. } | TypeKind::Channel { .. } => false,
        TypeKind::Interface { .. } => view.contents().is_nil(),
        _ => view.is_all_zero(),
    }
}
