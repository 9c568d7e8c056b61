//! Natives of package encoding/binary: values of fixed size as bytes in little-endian order.
//!
//! Values are walked with a list of what is open, not by recursion: how deep types nest is for the script to say.

use bytecode::TypeKind;
use vm::border::{Any, Elements, GoSlice, View};
use vm::native::GoPanic;
use vm::types::RuntimeType;

/// Bytes of a number or bool, if its type has the same size everywhere.
fn scalar_size(kind: &TypeKind) -> Option<u64> {
    Some(match kind {
        TypeKind::Bool | TypeKind::Int8 | TypeKind::Uint8 => 1,
        TypeKind::Int16 | TypeKind::Uint16 => 2,
        TypeKind::Int32 | TypeKind::Uint32 | TypeKind::Float32 => 4,
        TypeKind::Int64 | TypeKind::Uint64 | TypeKind::Float64 => 8,
        _ => return None,
    })
}

/// Bytes of values of a type; `None` if some part has no fixed size.
fn type_size(ty: &RuntimeType) -> Option<u64> {
    let mut total = 0_u64;
    let mut open = vec![(ty, 1_u64)];
    while let Some((ty, times)) = open.pop() {
        match ty.kind() {
            TypeKind::Array { length, .. } => {
                open.push((ty.element(), times.saturating_mul(*length)));
            }
            TypeKind::Struct { .. } => {
                open.extend((0..ty.fields.len()).map(|index| (ty.field(index).0, times)));
            }
            TypeKind::Complex64 { .. } => total = total.saturating_add(times.saturating_mul(8)),
            TypeKind::Complex128 { .. } => total = total.saturating_add(times.saturating_mul(16)),
            kind => total = total.saturating_add(times.saturating_mul(scalar_size(kind)?)),
        }
    }
    Some(total)
}

/// The value that is meant: `data`, or what it points to.
fn subject(data: Any<'_>) -> Option<View<'_>> {
    let view = data.view()?;
    match view.kind() {
        TypeKind::Pointer { .. } => view.pointee(),
        _ => Some(view),
    }
}

fn view_size(view: &View<'_>) -> Option<u64> {
    match view.kind() {
        TypeKind::Slice { .. } => {
            type_size(view.ty().element()).map(|size| size.saturating_mul(view.len() as u64))
        }
        _ => type_size(view.ty()),
    }
}

fn size(data: Any<'_>) -> i64 {
    subject(data)
        .and_then(|view| view_size(&view))
        .and_then(|size| i64::try_from(size).ok())
        .unwrap_or(-1)
}

/// The size of what a pointer or slice gives room for; -1 for other values.
fn place_size(data: Any<'_>) -> i64 {
    let room = data.view().is_some_and(|view| {
        matches!(
            view.kind(),
            TypeKind::Pointer { .. } | TypeKind::Slice { .. }
        )
    });
    if room { size(data) } else { -1 }
}

/// Whether package reflect would store in a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Open,
    /// An embedded field whose type is not exported: its exported fields are open.
    Embedded,
    Closed,
}

impl Access {
    /// Of the elements of something.
    fn inside(self) -> Access {
        match self {
            Access::Open => Access::Open,
            _ => Access::Closed,
        }
    }
}

/// A value whose parts are being visited.
enum Parts<'h> {
    Elements(Elements<'h>, Access),
    Fields(View<'h>, usize, Access),
}

/// What the walk comes to.
enum Leaf<'h> {
    Scalar(View<'h>, Access),
    /// So many bytes of a field without name.
    Blank(u64),
}

/// The scalars of a value in order.
struct Walk<'h> {
    next: Option<Leaf<'h>>,
    open: Vec<Parts<'h>>,
}

impl<'h> Walk<'h> {
    fn new(view: View<'h>) -> Walk<'h> {
        let mut walk = Walk {
            next: None,
            open: Vec::new(),
        };
        walk.enter(view, Access::Open);
        walk
    }

    fn enter(&mut self, view: View<'h>, access: Access) {
        match view.kind() {
            TypeKind::Slice { .. } | TypeKind::Array { .. } => {
                // GO: it visits elements without bytes too, however many; they say nothing.
                if view.ty().element().size > 0 {
                    self.open
                        .push(Parts::Elements(view.elements(), access.inside()));
                }
            }
            TypeKind::Struct { .. } | TypeKind::Complex64 { .. } | TypeKind::Complex128 { .. } => {
                self.open.push(Parts::Fields(view, 0, access));
            }
            _ => self.next = Some(Leaf::Scalar(view, access)),
        }
    }

    fn enter_field(&mut self, view: &View<'h>, index: usize, access: Access) {
        let mut inner = access;
        if let TypeKind::Struct { fields } = view.kind() {
            let field = &fields[index];
            if field.name == "_" {
                self.next = Some(Leaf::Blank(
                    type_size(view.ty().field(index).0).unwrap_or(0),
                ));
                return;
            }
            inner = match (access, field.exported, field.embedded) {
                (Access::Closed, ..) => Access::Closed,
                (_, true, _) => Access::Open,
                (_, false, true) => Access::Embedded,
                (_, false, false) => Access::Closed,
            };
        }
        self.enter(view.field(index), inner);
    }
}

impl<'h> Iterator for Walk<'h> {
    type Item = Leaf<'h>;

    fn next(&mut self) -> Option<Leaf<'h>> {
        loop {
            if let Some(leaf) = self.next.take() {
                return Some(leaf);
            }
            match self.open.pop()? {
                Parts::Elements(mut elements, access) => {
                    if let Some(element) = elements.next() {
                        self.open.push(Parts::Elements(elements, access));
                        self.enter(element, access);
                    }
                }
                Parts::Fields(view, index, access) => {
                    let count = match view.kind() {
                        TypeKind::Struct { .. } => view.field_count(),
                        _ => 2,
                    };
                    if index < count {
                        self.open.push(Parts::Fields(view, index + 1, access));
                        self.enter_field(&view, index, access);
                    }
                }
            }
        }
    }
}

fn walk(data: Any<'_>) -> impl Iterator<Item = Leaf<'_>> {
    subject(data)
        .filter(|view| view_size(view).is_some())
        .map(Walk::new)
        .into_iter()
        .flatten()
}

/// The bytes of a value that has a size.
fn encode(data: Any<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    for leaf in walk(data) {
        let view = match leaf {
            Leaf::Scalar(view, _) => view,
            Leaf::Blank(size) => {
                out.resize(out.len() + size as usize, 0);
                continue;
            }
        };
        match view.kind() {
            TypeKind::Bool => out.push(u8::from(view.bool())),
            TypeKind::Float32 => {
                out.extend_from_slice(&(view.float() as f32).to_bits().to_le_bytes());
            }
            TypeKind::Float64 => out.extend_from_slice(&view.float().to_bits().to_le_bytes()),
            kind => {
                let size = scalar_size(kind).unwrap_or(0) as usize;
                out.extend_from_slice(&view.uint().to_le_bytes()[..size]);
            }
        }
    }
    out
}

/// Stores bytes in a value that has as many.
fn decode(data: Any<'_>, bytes: GoSlice<'_, u8>) -> Result<(), GoPanic> {
    let bytes = bytes.to_vec();
    let mut rest = bytes.as_slice();
    for leaf in walk(data) {
        let (view, access) = match leaf {
            Leaf::Scalar(view, access) => (view, access),
            Leaf::Blank(size) => {
                rest = rest.get(size as usize..).unwrap_or(&[]);
                continue;
            }
        };
        let size = scalar_size(view.kind()).unwrap_or(0) as usize;
        let Some((now, later)) = rest.split_at_checked(size) else {
            break;
        };
        rest = later;
        let mut word = [0; 8];
        word[..size].copy_from_slice(now);
        let word = u64::from_le_bytes(word);
        let (setter, slot) = match view.kind() {
            TypeKind::Bool => ("Bool", u64::from(word != 0)),
            TypeKind::Int8 => ("Int", i64::from(word as i8) as u64),
            TypeKind::Int16 => ("Int", i64::from(word as i16) as u64),
            TypeKind::Int32 => ("Int", i64::from(word as i32) as u64),
            TypeKind::Int64 => ("Int", word),
            TypeKind::Float32 => ("Float", f64::from(f32::from_bits(word as u32)).to_bits()),
            TypeKind::Float64 => ("Float", word),
            _ => ("Uint", word),
        };
        if access != Access::Open {
            return Err(GoPanic::text(format!(
                "reflect: reflect.Value.Set{setter} using value obtained using unexported field"
            )));
        }
        view.set_scalar(slot);
    }
    Ok(())
}

/// How many bytes each number has, in order; 1 for each byte of a field without name.
fn widths(data: Any<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    for leaf in walk(data) {
        match leaf {
            Leaf::Scalar(view, _) => out.push(scalar_size(view.kind()).unwrap_or(0) as u8),
            Leaf::Blank(size) => out.resize(out.len() + size as usize, 1),
        }
    }
    out
}

fn load(bytes: GoSlice<'_, u8>, size: i64) -> u64 {
    let size = bytes.len().min(size.clamp(0, 8) as usize);
    (0..size).fold(0, |word, index| {
        word | u64::from(bytes.get(index)) << (8 * index)
    })
}

fn store(bytes: GoSlice<'_, u8>, word: u64, size: i64) {
    let size = bytes.len().min(size.clamp(0, 8) as usize);
    for index in 0..size {
        bytes.set(index, (word >> (8 * index)) as u8);
    }
}

vm::natives! {
    pure "size" => size;
    pure "placeSize" => place_size;
    pure "encode" => encode;
    pure "decode" => decode;
    pure "widths" => widths;
    pure "load" => load;
    pure "store" => store;
}
